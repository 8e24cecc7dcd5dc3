// The threshold explorer: everything follows the limits of one score.

const METRICS = [
  ["precision", "precision"],
  ["recall", "recall"],
  ["f1", "F1"],
  ["fpr", "false alarm rate"],
  ["accuracy", "accuracy"],
];
const BY_HAND = "Chosen while looking at test scores, which makes it an oracle choice: state it as one, "
  + "or take a rule that was fitted on validation data.";

function explorer(value) {
  const labels = { val: unpack(value.labels.val), test: unpack(value.labels.test) };
  const listeners = [];
  const state = { score: null, split: "test", limits: { lower: -Infinity, upper: Infinity }, sizes: [0, 0] };
  const kept = {};

  // Sorted scores and curves of a detector, made when it is first looked at.
  function measured(score) {
    kept[score.name] ||= {
      val: sortedScores(unpack(score.values.val), labels.val),
      test: sortedScores(unpack(score.values.test), labels.test),
    };
    kept[score.name].curves ||= curvePoints(kept[score.name].test);
    return kept[score.name];
  }

  const parts = { plots: el("div"), marks: el("div", { class: "marks" }) };
  const limits = limitControls((limit) => move(limit));
  const matrix = confusionTable();
  const table = metricsTable();
  const verdict = el("p", { class: "verdict", id: "verdict" });
  const said = el("p", { class: "visually-hidden", role: "status" });
  let telling = 0;
  let drawn = {};

  const now = () => ({ ...measured(state.score), score: state.score, limits: state.limits });

  function move(limit) {
    state.limits = { ...state.limits, ...limit };
    update();
  }

  function update() {
    const { val, test, score } = now();
    const counts = { val: confusion(val, state.limits), test: confusion(test, state.limits) };
    limits.show(test.distinct, state.limits);
    matrix.show(counts.test);
    table.show(counts);
    showMarks(parts.marks, state);
    const words = showVerdict(verdict, score, state.limits);
    moveCharts(drawn, test, state);
    listeners.forEach((listen) => listen(now()));
    clearTimeout(telling);
    telling = setTimeout(() => {
      const { tp, fp, fn, tn } = counts.test;
      said.textContent = `${words} ${tp} found, ${fn} missed, ${fp} false alarms, ${tn} passed.`;
    }, 500);
  }

  function choose(name, given = null) {
    state.score = value.scores.find((score) => score.name === name) || value.scores[0];
    const [first] = state.score.marks;
    const start = first ? limitsOf(first) : { lower: -Infinity, upper: Infinity };
    state.limits = given || start;
    limits.twoSided(state.score.marks.some((mark) => mark.lower !== null) || state.limits.lower !== -Infinity);
    fill(parts.marks, markButtons(state.score, (mark) => move(limitsOf(mark))));
    draw();
    update();
  }

  function draw() {
    dropCharts(parts.plots);
    const { test, val, curves } = measured(state.score);
    const shown = state.split === "test" ? test : val;
    state.sizes = [shown.normal.length, shown.anomalous.length];
    drawn = plots(state, test, curves, move);
    fill(parts.plots, drawn.histogram);
    fill(parts.curves, drawn.curves);
    startCharts();
  }

  parts.curves = el("div", { class: "pair" });
  const options = value.scores.map((score) => [score.name, `${score.title} (${score.kind})`]);
  const controls = el("div", { class: "controls" },
    chooser("Detector", options, value.primary, (name) => choose(name)),
    chooser("Histogram of", [["test", "test data"], ["val", "validation data"]], "test", (split) => {
      state.split = split;
      draw();
      update();
    }));
  const node = section("threshold", "Threshold",
    el("p", { class: "soft" }, "Drag the slider, type a score, press a fitted rule or click into the histogram. "
      + "An image is called anomalous at or beyond a limit."),
    controls, parts.plots, limits.node, verdict, said, parts.marks,
    el("div", { class: "pair" }, matrix.node, table.node), parts.curves);
  return {
    node,
    listen: (listen) => listeners.push(listen),
    start: (given) => {
      const known = given && value.scores.some((score) => score.name === given.score);
      const name = known ? given.score : value.primary;
      controls.querySelector("select").value = name;
      choose(name, known ? given.limits : null);
    },
  };
}

function plots(state, test, curves, move) {
  const { score } = state;
  const drawn = { chosen: {} };
  const click = (entry) => entry.chart.getZr().on("click", ({ offsetX, offsetY }) => {
    if (!entry.chart.containPixel("grid", [offsetX, offsetY])) return;
    move({ upper: scaleOf(score.axis).from(entry.chart.convertFromPixel({ xAxisIndex: 0 }, offsetX)) });
  });
  const where = state.split === "test" ? "test data" : "validation data";
  drawn.histogram = chartFigure(`Scores of ${score.title}, ${where}`,
    `Histogram of the ${score.title} score of normal and anomalous images. The table of confusion below has the counts at the limit.`,
    (colours) => histogramOption(colours, score, state),
    { ready: (entry) => { drawn.limit = entry; click(entry); }, note: "lines are the fitted rules, by letter" });
  const names = { roc: "ROC", pr: "Precision and recall" };
  const metric = { roc: ["AUROC", score.metrics.auroc], pr: ["AP", score.metrics.average_precision] };
  drawn.curves = Object.entries(names).map(([which, title]) => {
    const points = curves[which];
    const [word, area] = metric[which];
    if (!points) {
      const why = which === "roc" ? "the test data are of one class only" : "there are no anomalous test images";
      return el("figure", {}, el("figcaption", {}, title), el("p", { class: "undefined" }, `undefined: ${why}`));
    }
    return chartFigure(title, `${title} curve of ${score.title} on test data, with the fitted thresholds and the chosen one.`,
      (colours) => operatingOption(colours, which, points, score, test, state),
      { ready: (entry) => { drawn.chosen[which] = entry; }, note: typeof area === "number" ? `${word} ${rate(area)}, test data` : "test data" });
  });
  return drawn;
}

function moveCharts(drawn, test, state) {
  const colours = theme();
  if (drawn.limit) {
    drawn.limit.chart.setOption({ series: [{ id: "limit", ...limitLines(colours, state.score, state) }] });
  }
  for (const [which, entry] of Object.entries(drawn.chosen)) {
    entry.chart.setOption({ series: [{ id: "chosen", data: chosenPoint(which, test, state) }] });
  }
}

// Sliders over the sorted distinct scores, so that every decision can be reached, each
// with a field for raw scores.
function limitControls(move) {
  const make = (name, words) => {
    const slider = el("input", { type: "range", min: 0, step: 1, id: `${name}-slider`, "aria-label": words });
    const field = el("input", { type: "number", step: "any", id: `${name}-field`, "aria-label": `${words}, raw score` });
    return { slider, field, node: el("div", { class: "limit" }, el("span", { class: "label" }, words), slider, field) };
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
  for (const [name, { field }] of [["upper", upper], ["lower", lower]]) {
    field.addEventListener("input", () => {
      if (field.value.trim() !== "" && Number.isFinite(field.valueAsNumber)) move({ [name]: field.valueAsNumber });
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
  const check = el("label", { class: "check" }, both, "also anomalous at or below a lower limit");
  const set = ({ slider, field }, place, limit, never) => {
    slider.max = distinct.length;
    slider.value = place;
    slider.setAttribute("aria-valuetext", Number.isFinite(limit) ? String(limit) : never);
    if (document.activeElement !== field) field.value = Number.isFinite(limit) ? limit : "";
    field.placeholder = never;
  };
  return {
    node: el("div", {}, upper.node, el("div", { class: "controls" }, check), lower.node),
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
    ["deployable", "Fitted on validation data", "They may be reported, and used on new images."],
    ["oracle", "Tuned on test labels", "The most that any limit gives; not a result."],
  ];
  return groups.map(([status, title, words]) => {
    const own = score.marks.filter((mark) => (mark.status === "oracle") === (status === "oracle"));
    if (!own.length) return null;
    const buttons = own.map((mark) => el("button", {
      type: "button",
      class: status === "oracle" ? "mark oracle" : "mark",
      "data-rule": mark.rule,
      on: { click: () => press(mark) },
    }, el("b", {}, `${mark.letter}  ${mark.rule}`), el("span", {}, `${limitWords(limitsOf(mark))}, on ${mark.fit_on}`)));
    return el("div", { role: "group", "aria-label": `${title}, ${status}` },
      el("h3", {}, title, " ", badge(status)), el("p", { class: "note" }, words), el("div", { class: "buttons" }, buttons));
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
  const start = condition === "never" ? "Nothing is called anomalous. " : `Anomalous where the score is ${condition}. `;
  let rest = BY_HAND;
  if (mark) {
    rest = oracle ? `This is ${mark.rule}, tuned on test labels; not a result.`
      : `This is ${mark.rule}, fitted on ${mark.fit_on}.`;
  }
  fill(node, badge(oracle ? "oracle" : "deployable"), ` ${start}${rest}`);
  return start + rest;
}

function confusionTable() {
  const at = (key, words, kind) => el("td", { class: kind }, el("data", { "data-count": key }), el("small", {}, words));
  const node = el("div", { class: "scroll" }, el("table", { class: "matrix" },
    el("caption", {}, "Confusion on test data"),
    el("thead", {}, el("tr", {}, el("td"), el("th", { scope: "col" }, "called normal"), el("th", { scope: "col" }, "called anomalous"))),
    el("tbody", {},
      el("tr", {}, el("th", { scope: "row" }, "is normal"), at("tn", "passed", "good"), at("fp", "false alarms", "bad")),
      el("tr", {}, el("th", { scope: "row" }, "is anomalous"), at("fn", "missed", "bad"), at("tp", "found", "good")))));
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
  const splits = [["test", "test"], ["val", "validation"]];
  const cells = {};
  const rows = METRICS.map(([key, words]) => el("tr", {}, el("th", { scope: "row" }, words), splits.map(([split]) => {
    cells[`${split}-${key}`] = el("td");
    return cells[`${split}-${key}`];
  })));
  const node = el("div", { class: "scroll" }, el("table", {}, el("caption", {}, "Rates at these limits"),
    el("thead", {}, el("tr", {}, el("td"), splits.map(([, words]) => el("th", { scope: "col" }, words)))),
    el("tbody", {}, rows)));
  return {
    node,
    show: (counts) => {
      for (const [split] of splits) {
        for (const [key, { value, why }] of Object.entries(rates(counts[split]))) {
          const words = why ? el("span", { class: "undefined" }, `undefined: ${why}`) : rate(value);
          fill(cells[`${split}-${key}`], el("data", { "data-rate": `${split}-${key}`, value: why ? "" : value }, words));
        }
      }
    },
  };
}
