// Losses by epoch, and AUROC by level.

function lossCharts(stages) {
  return el(
    "div",
    { class: stages.length > 1 ? "pair" : null },
    stages.map((stage) => {
      const title = stage.name ? `Loss by epoch, ${stage.name}` : "Loss by epoch";
      const kept =
        stage.best === null || stage.best === undefined
          ? null
          : stage.epochs.indexOf(stage.best);
      const note = kept !== null && kept >= 0 ? `epoch ${stage.best} is kept` : null;
      const log =
        stage.lines.length > 0 && isWide(stage.lines.flatMap((line) => line.values));
      return chartFigure(
        title,
        `${title}: ${stage.lines.map((line) => line.name).join(" and ")}.`,
        (colours) => ({
          legend: legend(colours),
          tooltip: lineTip(colours, brief, "none"),
          xAxis: axis(colours, "epoch", {
            minInterval: 1,
            min: stage.epochs[0],
            max: stage.epochs[stage.epochs.length - 1],
            grid: false,
          }),
          yAxis: axis(colours, "loss", {
            type: log ? "log" : "value",
            scale: true,
            label: { formatter: brief },
          }),
          series: stage.lines.map((line, i) =>
            curve(
              line.name,
              line.values.map((y, k) => [stage.epochs[k], y]),
              colours.lines[i],
              {
                lineStyle: { type: DASHES[i % DASHES.length] },
                markLine:
                  i || kept === null || kept < 0
                    ? null
                    : {
                        silent: true,
                        symbol: "none",
                        label: { show: false },
                        lineStyle: { color: colours.soft, type: [3, 3] },
                        data: [{ xAxis: stage.best }],
                      },
              },
            ),
          ),
        }),
        { note },
      );
    }),
  );
}

function levelCharts(curves) {
  return curves.map((one) => {
    const log = one.levels.every((level) => level > 0);
    const pairs = (values) =>
      values.map((y, i) => [one.levels[i], y]).sort((a, b) => b[0] - a[0]);
    return chartFigure(
      one.title,
      `${one.title}. The numbers are in a table below.`,
      (colours) => ({
        legend: legend(colours),
        tooltip: lineTip(colours, rate, "undefined"),
        xAxis: axis(colours, `${one.axis}; weaker to the right`, {
          type: log ? "log" : "value",
          inverse: true,
          grid: false,
          label: { formatter: brief },
          min: Math.min(...one.levels),
          max: Math.max(...one.levels),
        }),
        yAxis: axis(colours, "AUROC on test data", { scale: true, max: 1 }),
        series: one.lines.map((line, i) =>
          curve(
            line.name,
            pairs(line.values),
            colours.lines[i % colours.lines.length],
            {
              lineStyle: { type: DASHES[Math.floor(i / 2) % DASHES.length] },
            },
          ),
        ),
      }),
    );
  });
}
