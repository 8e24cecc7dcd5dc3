// What a good reconstruction says about detection.

function tradeoffChart(value) {
  const best = value.points[value.detector];
  const least = value.points[value.reconstruction];
  const words = (point) =>
    `${point.name} (error ${brief(point.x)}, AUROC ${rate(point.y)})`;
  const ring = (point, name, symbol, colour) => ({
    type: "scatter",
    name,
    symbol,
    symbolSize: 20,
    data: [[point.x, point.y]],
    z: 5,
    silent: true,
    itemStyle: { color: "transparent", borderColor: colour, borderWidth: 2.5 },
  });
  const flagged = [...new Set(value.points.map((point) => point.flag))];
  const draw = (colours) => ({
    legend: legend(colours, {
      icon: undefined,
      itemWidth: 13,
      itemHeight: 11,
      data: ["best detector", "best reconstruction", ...flagged.filter(Boolean)],
    }),
    tooltip: {
      ...tip(colours),
      formatter: (at) => (at.data.point ? words(at.data.point) : ""),
    },
    xAxis: axis(colours, value.x, {
      type: value.log ? "log" : "value",
      scale: true,
      label: { formatter: brief },
    }),
    yAxis: axis(colours, value.y, {
      ...range(
        value.points.map((point) => point.y),
        true,
      ),
      label: { formatter: brief, showMinLabel: false, showMaxLabel: false },
    }),
    series: [
      ...flagged.map((flag) => ({
        type: "scatter",
        name: flag || "as it should be",
        symbol: flag ? "triangle" : "circle",
        symbolSize: 8,
        itemStyle: { color: flag ? colours.soft : colours.normal, opacity: 0.65 },
        data: value.points
          .filter((point) => point.flag === flag)
          .map((point) => ({ value: [point.x, point.y], point })),
      })),
      ring(best, "best detector", "rect", colours.anomalous),
      ring(least, "best reconstruction", "circle", colours.ink),
    ],
  });
  const one = best === least ? "They are the same." : "They are not the same.";
  return section(
    "tradeoff",
    "Reconstruction against detection",
    el(
      "p",
      {},
      `Best detector: ${words(best)}. Best reconstruction: ${words(least)}. ${one}`,
    ),
    chartFigure(
      "Error of normal images against AUROC",
      `Scatter plot. Best detector: ${words(best)}. Best reconstruction: ${words(least)}.`,
      draw,
      { size: "tall" },
    ),
  );
}
