// The limits of the explorer: sliders, fields, buttons of the fitted rules, and words on
// what is chosen.

const BY_HAND =
  "Chosen while looking at test scores, which makes it an oracle choice: state it as one, " +
  "or take a rule that was fitted on validation data.";

// Sliders over the sorted distinct scores, so that every decision can be reached, each
// with a field for raw scores.
function limitControls(move) {
  const make = (name, words) => {
    const slider = el("input", {
      type: "range",
      min: 0,
      step: 1,
      id: `${name}-slider`,
      "aria-label": words,
    });
    const field = el("input", {
      type: "number",
      step: "any",
      id: `${name}-field`,
      "aria-label": `${words}, raw score`,
    });
    return {
      slider,
      field,
      node: el(
        "div",
        { class: "limit" },
        el("span", { class: "label" }, words),
        slider,
        field,
      ),
    };
  };
  const upper = make("upper", "Anomalous at or above");
  const lower = make("lower", "Anomalous at or below");
  let distinct = [];
  upper.slider.addEventListener("input", () => {
    const place = Number(upper.slider.value);
    move({ upper: place < distinct.length ? distinct[place] : Infinity });
  });
  lower.slider.addEventListener("input", () => {
    const place = Number(lower.slider.value);
    move({ lower: place > 0 ? distinct[place - 1] : -Infinity });
  });
  for (const [name, { field }] of [
    ["upper", upper],
    ["lower", lower],
  ]) {
    field.addEventListener("input", () => {
      if (field.value.trim() !== "" && Number.isFinite(field.valueAsNumber))
        move({ [name]: field.valueAsNumber });
    });
  }
  const both = el("input", { type: "checkbox", id: "two-sided" });
  const setBoth = (on) => {
    both.checked = on;
    lower.node.hidden = !on;
  };
  both.addEventListener("change", () => {
    setBoth(both.checked);
    if (!both.checked) move({ lower: -Infinity });
  });
  const check = el(
    "label",
    { class: "check" },
    both,
    "also anomalous at or below a lower limit",
  );
  const set = ({ slider, field }, place, limit, never) => {
    slider.max = distinct.length;
    slider.value = place;
    slider.setAttribute(
      "aria-valuetext",
      Number.isFinite(limit) ? String(limit) : never,
    );
    if (document.activeElement !== field)
      field.value = Number.isFinite(limit) ? limit : "";
    field.placeholder = never;
  };
  return {
    node: el(
      "div",
      {},
      upper.node,
      el("div", { class: "controls" }, check),
      lower.node,
    ),
    twoSided: setBoth,
    show: (scores, limits) => {
      distinct = scores;
      set(upper, firstAtLeast(scores, limits.upper), limits.upper, "never");
      const place = limits.lower === -Infinity ? 0 : firstAbove(scores, limits.lower);
      set(lower, place, limits.lower, "off");
    },
  };
}

function limitWords({ lower, upper }) {
  const parts = [];
  if (Number.isFinite(lower)) parts.push(`\u2264 ${brief(lower)}`);
  if (Number.isFinite(upper)) parts.push(`\u2265 ${brief(upper)}`);
  return parts.join(" or ") || "never";
}

function same(mark, limits) {
  const own = limitsOf(mark);
  return own.lower === limits.lower && own.upper === limits.upper;
}

function markButtons(score, press) {
  const groups = [
    [
      "deployable",
      "Fitted on validation data",
      "They may be reported, and used on new images.",
    ],
    ["oracle", "Tuned on test labels", "The most that any limit gives; not a result."],
  ];
  return groups.map(([status, title, words]) => {
    const own = score.marks.filter(
      (mark) => (mark.status === "oracle") === (status === "oracle"),
    );
    if (!own.length) return null;
    const buttons = own.map((mark) =>
      el(
        "button",
        {
          type: "button",
          class: status === "oracle" ? "mark oracle" : "mark",
          "data-rule": mark.rule,
          on: { click: () => press(mark) },
        },
        el("b", {}, `${mark.letter}  ${mark.rule}`),
        el("span", {}, `${limitWords(limitsOf(mark))}, on ${mark.fit_on}`),
      ),
    );
    return el(
      "div",
      { role: "group", "aria-label": `${title}, ${status}` },
      el("h3", {}, title, " ", badge(status)),
      el("p", { class: "note" }, words),
      el("div", { class: "buttons" }, buttons),
    );
  });
}

function showMarks(node, state) {
  for (const button of node.querySelectorAll("button")) {
    const mark = state.score.marks.find((one) => one.rule === button.dataset.rule);
    button.setAttribute("aria-pressed", same(mark, state.limits));
  }
}

function showVerdict(node, score, limits) {
  const mark = score.marks.find((one) => same(one, limits));
  const oracle = !mark || mark.status === "oracle";
  node.className = oracle ? "verdict oracle" : "verdict";
  const condition = limitWords(limits);
  const start =
    condition === "never"
      ? "Nothing is called anomalous. "
      : `Anomalous where the score is ${condition}. `;
  let rest = BY_HAND;
  if (mark) {
    rest = oracle
      ? `This is ${mark.rule}, tuned on test labels; not a result.`
      : `This is ${mark.rule}, fitted on ${mark.fit_on}.`;
  }
  fill(node, badge(oracle ? "oracle" : "deployable"), ` ${start}${rest}`);
  return start + rest;
}
