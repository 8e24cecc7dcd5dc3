// The sections of a sweep, and of a comparison of runs.

function sweepLosses(value) {
  const status = (line) =>
    /^(diverged|collapsed)/.test(line.status)
      ? "failed"
      : line.best
        ? "best setting"
        : "others";
  const numbers = value.lines.flatMap((line) =>
    status(line) === "failed" ? [] : line.points.map((point) => point[1]),
  );
  const log = isWide(numbers);
  const most = Math.max(...numbers.filter((y) => y !== null));
  const names = ["others", "failed", "best setting"];
  const draw = (colours) => {
    const styles = {
      others: [colours.soft, 1, 0.4, "solid"],
      failed: [colours.anomalous, 1.4, 0.7, [4, 3]],
      "best setting": [colours.normal, 2.6, 1, "solid"],
    };
    const top = Number.isFinite(most) ? most * (log ? 1.3 : 1.05) : undefined;
    return {
      legend: legend(colours, {
        data: names.filter((name) => value.lines.some((line) => status(line) === name)),
      }),
      tooltip: {
        ...tip(colours),
        formatter: (at) =>
          `${at.data.line || ""}\nepoch ${at.value[0]}: ${brief(at.value[1])}`,
      },
      xAxis: axis(colours, "epoch", { minInterval: 1, grid: false, scale: true }),
      yAxis: axis(colours, value.name, {
        type: log ? "log" : "value",
        scale: true,
        max: top,
        label: { formatter: brief, showMaxLabel: false },
      }),
      series: [...value.lines]
        .sort((a, b) => names.indexOf(status(a)) - names.indexOf(status(b)))
        .map((line) => {
          const [colour, width, opacity, type] = styles[status(line)];
          const points = line.points
            .filter((point) => point[1] !== null)
            .map((point) => ({ value: point, line: line.name }));
          return curve(status(line), points, colour, {
            lineStyle: { width, opacity, type },
          });
        }),
    };
  };
  const note =
    value.left > 0
      ? `of the best ${value.lines.length} members; ${value.left} more are left out`
      : null;
  return section(
    "losses",
    "Training",
    chartFigure(
      `${value.name[0].toUpperCase()}${value.name.slice(1)} by epoch`,
      `${value.name} by epoch of ${value.lines.length} members, the best setting in front.`,
      draw,
      { note, size: "tall" },
    ),
  );
}

function runLinks(runs) {
  if (!runs.length) return null;
  return el(
    "p",
    {},
    "Runs of the best settings: ",
    runs.flatMap(({ name, href }, i) => [i ? ", " : null, el("a", { href }, name)]),
  );
}

function showSweep(parent, value) {
  const tables = value.tables.map(plainTable);
  fill(
    parent,
    section(
      "leaderboard",
      "Leaderboard",
      ...value.remarks.map((words) => el("p", { class: "soft" }, words)),
      runLinks(value.runs),
      sortableTable(value.leaderboard),
      ...boardCharts(value.board),
    ),
    value.tradeoff ? tradeoffChart(value.tradeoff) : null,
    tables.length ? section("tables", "Held-out results", ...tables) : null,
    value.losses && value.losses.lines.length ? sweepLosses(value.losses) : null,
    setup(value, [el("h3", {}, "Grid"), ...settingsList(value.grid)]),
  );
  startCharts();
}

function showComparison(parent, value, given, changed) {
  const own = el("div");
  const names = value.runs.map((run) => run.name);
  const start = given && names.includes(given.run) ? given.run : names[0];
  const show = (name, limits) =>
    showRun(
      own,
      value.runs.find((run) => run.name === name),
      limits,
      (at) => changed(at, name),
    );
  fill(
    parent,
    section(
      "leaderboard",
      "Leaderboard",
      sortableTable(value.leaderboard),
      ...boardCharts(value.board),
    ),
    value.tradeoff ? tradeoffChart(value.tradeoff) : null,
    section(
      "run",
      "One run",
      el(
        "div",
        { class: "controls" },
        chooser(
          "Run",
          names.map((name) => [name, name]),
          start,
          (name) => show(name, null),
        ),
      ),
    ),
    own,
  );
  startCharts();
  show(start, given);
}
