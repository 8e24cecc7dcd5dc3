// Examples of the test data with their verdicts, which follow the threshold.

const VERDICTS = {
  fp: ["False alarm", "False alarms"],
  fn: ["Missed", "Missed"],
  tp: ["Found", "Found"],
  tn: ["Passed", "Passed"],
};
const FIRST = 12;

function verdictOf(label, called) {
  if (label) return called ? "tp" : "fn";
  return called ? "fp" : "tn";
}

// How many test images lie between a score and the limit that decides it.
function margin(score, called, { all }, limits) {
  if (!called) {
    const toUpper = firstAtLeast(all, limits.upper) - firstAtLeast(all, score);
    const toLower =
      firstAbove(all, score) -
      (limits.lower === -Infinity ? 0 : firstAbove(all, limits.lower));
    return limits.lower === -Infinity ? toUpper : Math.min(toUpper, toLower);
  }
  const above =
    score >= limits.upper
      ? firstAbove(all, score) - firstAtLeast(all, limits.upper)
      : 0;
  const below =
    score <= limits.lower
      ? firstAbove(all, limits.lower) - firstAtLeast(all, score)
      : 0;
  return Math.max(above, below);
}

function gallery(value) {
  const cards = value.items.map((item) => card(item, value));
  const list = el("ul", { class: "gallery" });
  const many = value.layers.length;
  list.style.setProperty("--across", many === 4 ? 2 : Math.min(many, 3));
  list.style.setProperty("--card", many > 4 ? "19rem" : "15rem");
  const tally = el("p", { class: "note" });
  const state = { verdict: "all", defect: "all", all: false, at: null };
  const more = el("button", {
    type: "button",
    on: {
      click: () => {
        state.all = true;
        show();
      },
    },
  });
  const filters = el("div", {
    class: "controls",
    role: "group",
    "aria-label": "Verdict",
  });
  const buttons = ["all", ...Object.keys(VERDICTS)].map((key) =>
    el("button", {
      type: "button",
      "data-verdict": key,
      on: {
        click: () => {
          state.verdict = key;
          show();
        },
      },
    }),
  );
  filters.append(...buttons);
  const defects = [...new Set(value.items.map((item) => item.defect))].sort();
  if (defects.length > 1) {
    const options = [["all", "all"], ...defects.map((name) => [name, name])];
    filters.append(
      chooser("Kind", options, "all", (name) => {
        state.defect = name;
        show();
      }),
    );
  }

  function show() {
    const { score, limits, test } = state.at;
    const counts = confusion(test, limits);
    const known = cards.filter(({ item }) => score.name in item.scores);
    for (const one of known) judge(one, score, limits, test);
    const kept = (key) => known.filter((one) => one.verdict === key).length;
    for (const button of buttons) {
      const key = button.dataset.verdict;
      const own = key === "all" ? known.length : kept(key);
      const of = key === "all" ? test.all.length : counts[key];
      button.textContent = `${key === "all" ? "All" : VERDICTS[key][1]} ${count(own)} of ${count(of)}`;
      button.setAttribute("aria-pressed", key === state.verdict);
    }
    const chosen = known.filter(
      ({ verdict, item }) =>
        [verdict, "all"].includes(state.verdict) &&
        [item.defect, "all"].includes(state.defect),
    );
    chosen.sort(order);
    const shown = chosen.slice(0, state.all ? undefined : FIRST);
    const same =
      shown.length === list.children.length &&
      shown.every(({ node }, i) => list.children[i] === node);
    if (!same)
      fill(
        list,
        shown.map(({ node }) => node),
      );
    more.hidden = shown.length === chosen.length;
    more.textContent = `Show all ${count(chosen.length)}`;
    tally.textContent = !known.length
      ? "Scores of this detector are not kept with the examples."
      : chosen.length
        ? ""
        : "No example that is kept is like this at this threshold.";
  }

  let waits = false;
  const follow = (at) => {
    state.at = at;
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      show();
    });
  };
  const [height, width] = value.shown;
  const smaller =
    width === value.size[1] && height === value.size[0]
      ? ""
      : ` Pictures are shown at ${width} x ${height} of ${value.size[1]} x ${value.size[0]} pixels.`;
  const room =
    value.items.length < value.kept
      ? ` ${count(value.items.length)} of these have room here.`
      : "";
  const last = value.layers[value.layers.length - 1] || "";
  const marks = last.includes("true mask and found")
    ? " Yellow is the true mask, blue what is found, white both."
    : "";
  const about =
    `${count(value.kept)} of ${count(value.total)} test images are kept in the run folder.${room} ` +
    `Errors come first, those furthest beyond the threshold leading; then what is nearest to it. ${value.map || ""}${marks}${smaller}`;
  const body = value.items.length
    ? [el("p", { class: "soft" }, about), filters, tally, list, more]
    : [el("p", { class: "soft" }, "The run kept no examples.")];
  return {
    node: section("gallery", "Gallery", ...body),
    follow: value.items.length ? follow : () => {},
  };
}

function card(item, value) {
  const verdict = el("span", { class: "verdict-word" });
  const score = el("span", { class: "note" });
  const pictures = item.pictures.map((uri, i) =>
    el(
      "figure",
      {},
      el("img", { src: uri, alt: `${value.layers[i]} of ${item.id}` }),
      el("figcaption", {}, value.layers[i]),
    ),
  );
  const kind = item.label ? `anomalous, ${item.defect}` : "normal";
  const node = el(
    "li",
    { class: "card" },
    el("header", {}, verdict, score),
    el("p", { class: "id" }, `${item.id} (${kind})`),
    el("div", { class: "strip" }, pictures),
  );
  return { item, node, words: verdict, said: score, verdict: "", margin: 0 };
}

function judge(one, score, limits, test) {
  const value = one.item.scores[score.name];
  const called = isAnomalous(value, limits);
  one.verdict = verdictOf(one.item.label, called);
  one.margin = margin(value, called, test, limits);
  const wrong = one.verdict === "fp" || one.verdict === "fn";
  one.node.className = wrong ? "card wrong" : "card";
  one.node.dataset.verdict = one.verdict;
  one.words.textContent = VERDICTS[one.verdict][0];
  one.said.textContent = `score ${brief(value)}`;
}

// Errors by how far they are on the wrong side, then the others by how near.
function order(a, b) {
  const wrong = (one) => (one.verdict === "fp" || one.verdict === "fn" ? 1 : 0);
  if (wrong(a) !== wrong(b)) return wrong(b) - wrong(a);
  return wrong(a) ? b.margin - a.margin : a.margin - b.margin;
}

function samples(value) {
  if (!value.samples.length) return null;
  const pictures = value.samples.map((uri, i) =>
    el("img", { src: uri, alt: `drawn image ${i + 1}` }),
  );
  return section(
    "samples",
    "Images that the model draws",
    el("div", { class: "samples" }, pictures),
  );
}
