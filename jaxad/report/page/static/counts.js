// Counts and rates at the chosen limits.

const METRICS = [
  ["precision", "precision"],
  ["recall", "recall"],
  ["f1", "F1"],
  ["fpr", "false alarm rate"],
  ["accuracy", "accuracy"],
];

function confusionTable() {
  const at = (key, words, kind) =>
    el(
      "td",
      { class: kind },
      el("data", { "data-count": key }),
      el("small", {}, words),
    );
  const node = el(
    "div",
    { class: "scroll" },
    el(
      "table",
      { class: "matrix" },
      el("caption", {}, "Confusion on test data"),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("td"),
          el("th", { scope: "col" }, "called normal"),
          el("th", { scope: "col" }, "called anomalous"),
        ),
      ),
      el(
        "tbody",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "row" }, "is normal"),
          at("tn", "passed", "good"),
          at("fp", "false alarms", "bad"),
        ),
        el(
          "tr",
          {},
          el("th", { scope: "row" }, "is anomalous"),
          at("fn", "missed", "bad"),
          at("tp", "found", "good"),
        ),
      ),
    ),
  );
  return {
    node,
    show: (counts) => {
      for (const [key, value] of Object.entries(counts)) {
        const place = node.querySelector(`[data-count="${key}"]`);
        place.textContent = count(value);
        place.value = value;
      }
    },
  };
}

function metricsTable() {
  const splits = [
    ["test", "test"],
    ["val", "validation"],
  ];
  const cells = {};
  const rows = METRICS.map(([key, words]) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, words),
      splits.map(([split]) => {
        cells[`${split}-${key}`] = el("td");
        return cells[`${split}-${key}`];
      }),
    ),
  );
  const node = el(
    "div",
    { class: "scroll" },
    el(
      "table",
      {},
      el("caption", {}, "Rates at these limits"),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("td"),
          splits.map(([, words]) => el("th", { scope: "col" }, words)),
        ),
      ),
      el("tbody", {}, rows),
    ),
  );
  return {
    node,
    show: (counts) => {
      for (const [split] of splits) {
        for (const [key, { value, why }] of Object.entries(rates(counts[split]))) {
          const words = why
            ? el("span", { class: "undefined" }, `undefined: ${why}`)
            : rate(value);
          fill(
            cells[`${split}-${key}`],
            el(
              "data",
              { "data-rate": `${split}-${key}`, value: why ? "" : value },
              words,
            ),
          );
        }
      }
    },
  };
}
