// The sections of a run.

function summary(run) {
  const { figures } = run;
  const numbers = figures.values.map((one, i) => {
    const interval =
      i === 0 && figures.interval
        ? el("small", {}, `95 %: ${figures.interval.join(" to ")}`)
        : null;
    return el(
      "div",
      {},
      el("dt", {}, one.name),
      el("dd", {}, one.words, interval, one.why ? el("small", {}, one.why) : null),
    );
  });
  return el(
    "section",
    { id: "summary", "aria-label": "Summary" },
    el(
      "p",
      {},
      `${figures.score}, at the threshold of `,
      el("strong", {}, figures.rule),
      " ",
      figures.status ? badge(figures.status) : null,
      `; ${figures.tested}.`,
    ),
    el("dl", { class: "figures" }, numbers),
  );
}

function tableSection(run) {
  const [detectors, rules, ...others] = run.tables;
  const reasons = run.reasons.map((words) => el("p", { class: "note" }, words));
  return section(
    "tables",
    "Numbers",
    plainTable(detectors),
    plainTable(rules),
    ...others.map(plainTable),
    ...reasons,
    ...run.remarks.map((words) => el("p", { class: "note" }, words)),
  );
}

function thresholdText(text) {
  const area = el("textarea", {
    readonly: true,
    spellcheck: "false",
    "aria-label": "Fitted thresholds as JSON",
  });
  area.value = text;
  const said = el("span", { class: "note", role: "status" });
  const copy = async () => {
    area.select();
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = " copied";
    } catch {
      said.textContent = " selected; copy it with Ctrl-C";
    }
  };
  return el(
    "details",
    {},
    el("summary", {}, "Fitted thresholds as JSON (null is no limit)"),
    el("p", {}, el("button", { type: "button", on: { click: copy } }, "Copy"), said),
    area,
  );
}

function setup(run, extra = []) {
  return section(
    "setup",
    "How it was made",
    run.thresholds ? thresholdText(run.thresholds) : null,
    ...extra,
    el("h3", {}, "Config"),
    ...settingsList(run.config),
    el("h3", {}, "Environment"),
    ...settingsList(run.environment),
  );
}

// All of a run, to be put below `parent`; `given`: where the threshold starts.
function showRun(parent, run, given, changed) {
  const threshold = explorer(run.explorer);
  const examples = gallery(run.gallery);
  dropCharts(parent);
  fill(
    parent,
    summary(run),
    threshold.node,
    examples.node,
    samples(run.gallery),
    section("losses", "Training", lossCharts(run.losses), ...levelCharts(run.levels)),
    tableSection(run),
    setup(run),
  );
  threshold.listen(examples.follow);
  threshold.listen(changed);
  threshold.start(given);
  startCharts();
}

const RUN_PARTS = [
  ["threshold", "Threshold"],
  ["gallery", "Gallery"],
  ["losses", "Training"],
  ["tables", "Numbers"],
  ["setup", "Setup"],
];
