// The threshold explorer: everything follows the limits of one score.

function explorer(value) {
  const labels = { val: unpack(value.labels.val), test: unpack(value.labels.test) };
  const listeners = [];
  const state = {
    score: null,
    split: "test",
    limits: { lower: -Infinity, upper: Infinity },
    sizes: [0, 0],
  };
  const kept = {};

  // Sorted scores and curves of a detector, made when it is first looked at.
  function sortedOf(score) {
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

  const now = () => ({
    ...sortedOf(state.score),
    score: state.score,
    limits: state.limits,
  });

  function move(limit) {
    state.limits = { ...state.limits, ...limit };
    update();
  }

  function update() {
    const { val, test, score } = now();
    const counts = {
      val: confusion(val, state.limits),
      test: confusion(test, state.limits),
    };
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
    limits.twoSided(
      state.score.marks.some((mark) => mark.lower !== null) ||
        state.limits.lower !== -Infinity,
    );
    fill(
      parts.marks,
      markButtons(state.score, (mark) => {
        if (mark.lower !== null) limits.twoSided(true);
        move(limitsOf(mark));
      }),
    );
    draw();
    update();
  }

  function draw() {
    dropCharts(parts.plots);
    const { test, val, curves } = sortedOf(state.score);
    const shown = state.split === "test" ? test : val;
    state.sizes = [shown.normal.length, shown.anomalous.length];
    drawn = plots(state, test, curves, move);
    fill(parts.plots, drawn.histogram);
    fill(parts.curves, drawn.curves);
    startCharts();
  }

  parts.curves = el("div", { class: "pair" });
  const options = value.scores.map((score) => [
    score.name,
    `${score.title} (${score.kind})`,
  ]);
  const controls = el(
    "div",
    { class: "controls" },
    chooser("Detector", options, value.primary, (name) => choose(name)),
    chooser(
      "Histogram of",
      [
        ["test", "test data"],
        ["val", "validation data"],
      ],
      "test",
      (split) => {
        state.split = split;
        draw();
        update();
      },
    ),
  );
  const node = section(
    "threshold",
    "Threshold",
    el(
      "p",
      { class: "soft" },
      "Drag the slider, type a score, press a fitted rule or click into the histogram. " +
        "An image is called anomalous at or beyond a limit.",
    ),
    controls,
    parts.plots,
    limits.node,
    verdict,
    said,
    parts.marks,
    el("div", { class: "pair" }, matrix.node, table.node),
    parts.curves,
  );
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
  const click = (entry) =>
    entry.chart.getZr().on("click", ({ offsetX, offsetY }) => {
      if (!entry.chart.containPixel("grid", [offsetX, offsetY])) return;
      move({
        upper: scaleOf(score.axis).from(
          entry.chart.convertFromPixel({ xAxisIndex: 0 }, offsetX),
        ),
      });
    });
  const where = state.split === "test" ? "test data" : "validation data";
  drawn.histogram = chartFigure(
    `Scores of ${score.title}, ${where}`,
    `Histogram of the ${score.title} score of normal and anomalous images. The table of confusion below has the counts at the limit.`,
    (colours) => histogramOption(colours, score, state),
    {
      ready: (entry) => {
        drawn.limit = entry;
        click(entry);
      },
      note: "lines are the fitted rules, by letter",
    },
  );
  const names = { roc: "ROC", pr: "Precision and recall" };
  const metric = {
    roc: ["AUROC", score.metrics.auroc],
    pr: ["AP", score.metrics.average_precision],
  };
  drawn.curves = Object.entries(names).map(([which, title]) => {
    const points = curves[which];
    const [word, area] = metric[which];
    if (!points) {
      const why =
        which === "roc"
          ? "the test data are of one class only"
          : "there are no anomalous test images";
      return el(
        "figure",
        {},
        el("figcaption", {}, title),
        el("p", { class: "undefined" }, `undefined: ${why}`),
      );
    }
    return chartFigure(
      title,
      `${title} curve of ${score.title} on test data, with the fitted thresholds and the chosen one.`,
      (colours) => operatingOption(colours, which, points, score, test, state),
      {
        ready: (entry) => {
          drawn.chosen[which] = entry;
        },
        note:
          typeof area === "number" ? `${word} ${rate(area)}, test data` : "test data",
      },
    );
  });
  return drawn;
}

function moveCharts(drawn, test, state) {
  const colours = theme();
  if (drawn.limit) {
    drawn.limit.chart.setOption({
      series: [{ id: "limit", ...limitLines(colours, state.score, state) }],
    });
  }
  for (const [which, entry] of Object.entries(drawn.chosen)) {
    entry.chart.setOption({
      series: [{ id: "chosen", data: chosenPoint(which, test, state) }],
    });
  }
}
