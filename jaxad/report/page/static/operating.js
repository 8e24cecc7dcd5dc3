// ROC and precision-recall curves, with the fitted thresholds and the chosen one.

function operatingOption(colours, which, points, score, test, state) {
  const roc = which === "roc";
  const names = roc ? ["false alarm rate", "recall"] : ["recall", "precision"];
  const keys = roc ? ["fpr", "recall"] : ["recall", "precision"];
  const share = test.anomalous.length / Math.max(test.all.length, 1);
  const chance = roc
    ? [
        [0, 0],
        [1, 1],
      ]
    : [
        [0, share],
        [1, share],
      ];
  const placed = (mark) => {
    const at = rates(confusion(test, limitsOf(mark)));
    return keys.map((key) => at[key].value);
  };
  const dots = (status, itemStyle) => ({
    name: status,
    type: "scatter",
    symbolSize: 10,
    z: 5,
    itemStyle,
    data: score.marks
      .filter((mark) => (mark.status === "oracle") === (status === "oracle"))
      .map((mark) => ({ mark, value: placed(mark), name: mark.rule }))
      .filter(({ value }) => !value.includes(undefined)),
    label: {
      show: true,
      position: "right",
      color: colours.ink,
      fontSize: 11,
      formatter: (at) => at.data.mark.letter,
    },
    labelLayout: { hideOverlap: true },
  });
  return {
    legend: legend(colours, {
      icon: undefined,
      itemWidth: 13,
      itemHeight: 11,
      data: ["deployable", "oracle", "chosen"],
    }),
    tooltip: {
      ...tip(colours),
      formatter: (at) =>
        at.value
          ? `${at.name || at.seriesName}\n${names[0]} ${rate(at.value[0])}\n${names[1]} ${rate(at.value[1])}`
          : "",
    },
    xAxis: axis(colours, names[0], { min: 0, max: 1 }),
    yAxis: axis(colours, names[1], { min: 0, max: 1 }),
    series: [
      curve("chance", chance, colours.soft, {
        symbol: "none",
        silent: true,
        lineStyle: { width: 1, type: [3, 3] },
      }),
      curve(score.title, points, colours.accent, {
        symbol: "none",
        silent: true,
        step: roc ? false : "start",
        lineStyle: { width: 2.4 },
      }),
      dots("deployable", { color: colours.found }),
      dots("oracle", {
        color: colours.paper,
        borderColor: colours.oracle,
        borderWidth: 2,
        borderType: "dashed",
      }),
      {
        id: "chosen",
        name: "chosen",
        type: "scatter",
        z: 6,
        symbol: "diamond",
        symbolSize: 17,
        silent: true,
        itemStyle: { color: colours.ink, borderColor: colours.paper, borderWidth: 2 },
        data: chosenPoint(which, test, state),
      },
    ],
  };
}

function chosenPoint(which, test, state) {
  const at = rates(confusion(test, state.limits));
  const keys = which === "roc" ? ["fpr", "recall"] : ["recall", "precision"];
  const value = keys.map((key) => at[key].value);
  return value.includes(undefined) ? [] : [value];
}

function limitsOf(mark) {
  return {
    lower: mark.lower === null ? -Infinity : mark.lower,
    upper: mark.upper === null ? Infinity : mark.upper,
  };
}
