// Tables of words, and tables that can be sorted.

const STATUS = ["oracle", "deployable"];

function cell(words, first, wide) {
  const inside = STATUS.includes(words) ? badge(words) : words;
  const kind = words.startsWith("undefined") ? "undefined" : wide ? "words" : null;
  return first ? el("th", { scope: "row" }, inside) : el("td", { class: kind }, inside);
}

function plainTable(table) {
  const head = table.header.map((words) => el("th", { scope: "col" }, words));
  const body = table.rows.map((row) =>
    el(
      "tr",
      {},
      row.map((words, i) => cell(words, i === 0)),
    ),
  );
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": table.title },
    el(
      "table",
      {},
      el("caption", {}, table.title),
      el("thead", {}, el("tr", {}, head)),
      el("tbody", {}, body),
    ),
  );
}

function compareValues(a, b, number) {
  if (a === null || b === null) return (a === null) - (b === null);
  return number ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
}

// A table whose columns sort it; rows without a value stay last either way.
function sortableTable(table, least = 100) {
  const columns = table.columns;
  const rows = columns[0].words.map((_, i) => i);
  const body = el("tbody");
  const said = el("p", { class: "visually-hidden", role: "status" });
  let all = rows.length <= least;
  let order = rows;
  const show = () =>
    fill(
      body,
      order.slice(0, all ? undefined : least).map((row) =>
        el(
          "tr",
          {},
          columns.map((column, i) => cell(column.words[row], i === 0, !column.number)),
        ),
      ),
    );
  const heads = columns.map((column) =>
    el(
      "th",
      { scope: "col", class: column.number ? null : "words" },
      el("button", { type: "button", on: { click: () => sort(column) } }, column.name),
    ),
  );
  const sort = (column) => {
    const head = heads[columns.indexOf(column)];
    const before = head.getAttribute("aria-sort");
    const first = column.number && column.name !== "rank" ? "descending" : "ascending";
    const other = first === "descending" ? "ascending" : "descending";
    const way = before === first ? other : first;
    heads.forEach((one) => one.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", way);
    const known = rows.filter((row) => column.values[row] !== null);
    const unknown = rows.filter((row) => column.values[row] === null);
    const sign = way === "ascending" ? 1 : -1;
    known.sort(
      (a, b) => sign * compareValues(column.values[a], column.values[b], column.number),
    );
    order = [...known, ...unknown];
    said.textContent = `Sorted by ${column.name}, ${way}`;
    show();
  };
  show();
  const box = el(
    "div",
    { class: "scroll high", tabindex: "0", role: "region", "aria-label": table.title },
    el(
      "table",
      {},
      el("caption", {}, table.title),
      el("thead", {}, el("tr", {}, heads)),
      body,
    ),
  );
  const more = all
    ? null
    : el(
        "button",
        {
          type: "button",
          on: {
            click: (event) => {
              all = true;
              event.target.remove();
              show();
            },
          },
        },
        `Show all ${count(rows.length)} rows`,
      );
  return el("div", {}, box, more, said);
}

function settingsList(groups) {
  return groups.map((group) => {
    const rows = group.rows.flatMap(([name, words]) => [
      el("dt", {}, name),
      el("dd", {}, words),
    ]);
    const list = el("dl", { class: "settings" }, rows);
    return el(
      "details",
      { open: group.name === "" },
      el("summary", {}, group.name || "general"),
      list,
    );
  });
}
