// Settings of a sweep, or several runs: parallel lines and a heat map.

function colourScale(colours, measure, given) {
  const known = measure.values.filter((value) => value !== null);
  const range = measure.less ? [...VIRIDIS].reverse() : VIRIDIS;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const show = high > low; // of one value there is nothing to tell apart
  return {
    min: show ? low : low - 1,
    max: high,
    show,
    inRange: { color: range },
    calculable: false,
    orient: "horizontal",
    left: "center",
    bottom: 0,
    itemHeight: 160,
    itemWidth: 12,
    formatter: brief,
    text: [measure.less ? "worse" : "better", measure.less ? "better" : "worse"],
    textStyle: { color: colours.soft },
    ...given,
  };
}

function parallelChart(board, measure) {
  const rows = measure.values
    .map((value, i) => i)
    .filter((i) => measure.values[i] !== null);
  const others = board.measures.filter((one) => one.key !== measure.key);
  const shown = [...others, measure];
  const draw = (colours) => {
    const style = {
      nameTextStyle: { color: colours.ink, fontSize: 12 },
      axisLine: { lineStyle: { color: colours.soft } },
      axisLabel: { color: colours.soft, fontSize: 11, width: 96, overflow: "truncate" },
      axisTick: { lineStyle: { color: colours.soft } },
      nameGap: 14,
    };
    const axes = board.axes.map((one, dim) =>
      one.scale === "steps"
        ? {
            dim,
            name: one.name,
            type: "category",
            data: one.cells,
            nameTruncate: { maxWidth: 100 },
            ...style,
          }
        : {
            dim,
            name: one.name,
            type: one.scale === "log" ? "log" : "value",
            scale: true,
            nameTruncate: { maxWidth: 100 },
            ...style,
          },
    );
    shown.forEach((one, i) =>
      axes.push({
        dim: board.axes.length + i,
        name: one.name,
        nameTruncate: { maxWidth: 100 },
        type: one.log ? "log" : "value",
        ...(one.log ? {} : range(one.values, one.share)),
        inverse: one.less,
        nameLocation: one.less ? "start" : "end",
        ...style,
        axisLabel: {
          ...style.axisLabel,
          formatter: brief,
          showMinLabel: false,
          showMaxLabel: false,
        },
      }),
    );
    const data = rows.map((row) => ({
      name: board.labels[row],
      value: [
        ...board.axes.map((one) =>
          one.scale === "steps" ? one.places[row] : one.values[row],
        ),
        ...shown.map((one) => one.values[row]),
      ],
    }));
    return {
      parallel: { left: 50, right: 70, top: 40, bottom: 70 },
      parallelAxis: axes,
      visualMap: colourScale(colours, measure, { dimension: axes.length - 1 }),
      tooltip: {
        ...tip(colours),
        formatter: (at) =>
          `${at.name}\n${measure.name} ${measured(measure, measure.values[rows[at.dataIndex]])}`,
      },
      series: [
        {
          type: "parallel",
          data,
          smooth: false,
          lineStyle: {
            width: rows.length > 100 ? 1 : 2,
            opacity: rows.length > 100 ? 0.45 : 0.8,
          },
        },
      ],
    };
  };
  const words = `Each line is one of ${rows.length}; its colour is ${measure.name}. The same numbers are in the table above.`;
  return chartFigure("Parallel coordinates", words, draw, {
    note: `coloured by ${measure.name}`,
    across: 7 * (board.axes.length + shown.length),
  });
}

// Means of a measure over all rows that share the values of two axes.
function cellMeans(board, measure, across, up) {
  const cells = new Map();
  measure.values.forEach((value, row) => {
    const key = `${across.places[row]},${up.places[row]}`;
    const cell = cells.get(key) || {
      x: across.places[row],
      y: up.places[row],
      sum: 0,
      n: 0,
    };
    if (value !== null) {
      cell.sum += value;
      cell.n += 1;
    }
    cells.set(key, cell);
  });
  return [...cells.values()];
}

function heatChart(board, measure, across, up) {
  const cells = cellMeans(board, measure, across, up);
  const known = cells
    .filter((cell) => cell.n)
    .map((cell) => ({ value: [cell.x, cell.y, cell.sum / cell.n], n: cell.n }));
  const values = known.map((cell) => cell.value[2]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  for (const cell of known) {
    const bright = (cell.value[2] - low) / (high - low || 1);
    cell.label = {
      color: (measure.less ? 1 - bright : bright) > 0.55 ? "#111" : "#fff",
    };
  }
  const failed = cells.filter((cell) => !cell.n).map((cell) => [cell.x, cell.y]);
  const few = across.cells.length <= 9;
  const draw = (colours) => ({
    grid: box(10, 56),
    xAxis: axis(colours, across.name, {
      type: "category",
      data: across.cells,
      grid: false,
    }),
    yAxis: axis(colours, up.name, { type: "category", data: up.cells, grid: false }),
    visualMap: colourScale(colours, { ...measure, values }, { seriesIndex: 0 }),
    tooltip: {
      ...tip(colours),
      formatter: (at) =>
        at.data.n
          ? `${across.name} ${across.cells[at.value[0]]}\n${up.name} ${up.cells[at.value[1]]}\n${measure.name} ${measured(measure, at.value[2])} (mean of ${at.data.n})`
          : "all failed",
    },
    series: [
      {
        type: "heatmap",
        data: known,
        label: {
          show: few,
          formatter: (at) => measured(measure, at.value[2]),
          fontSize: 12,
        },
        itemStyle: { borderColor: colours.paper, borderWidth: 1 },
      },
      {
        type: "scatter",
        data: failed,
        symbol: "path://M0,0L10,10M10,0L0,10",
        symbolSize: 12,
        itemStyle: { color: "none", borderColor: colours.anomalous, borderWidth: 2 },
      },
    ],
  });
  const words = `Mean ${measure.name} by ${across.name} and ${up.name}; crosses are cells where all failed.`;
  return chartFigure(`${measure.name} by ${across.name} and ${up.name}`, words, draw, {
    note: "means over all other axes",
  });
}

function boardCharts(board) {
  if (!board.axes.length || !board.measures.length) return [];
  const state = { measure: board.first, across: 0, up: 1 };
  const plots = el("div");
  const draw = () => {
    const measure =
      board.measures.find((one) => one.key === state.measure) || board.measures[0];
    dropCharts(plots);
    fill(
      plots,
      parallelChart(board, measure),
      board.heat && board.axes.length > 1 && state.across !== state.up
        ? heatChart(board, measure, board.axes[state.across], board.axes[state.up])
        : null,
    );
    startCharts();
  };
  const axes = board.axes.map((one, i) => [String(i), one.name]);
  const pick = (key) => (value) => {
    state[key] = key === "measure" ? value : Number(value);
    draw();
  };
  const many = board.heat && axes.length > 2;
  const controls = el(
    "div",
    { class: "controls" },
    chooser(
      "Measure",
      board.measures.map((one) => [one.key, one.name]),
      state.measure,
      pick("measure"),
    ),
    many ? chooser("Heat map across", axes, "0", pick("across")) : null,
    many ? chooser("and up", axes, "1", pick("up")) : null,
  );
  waiting.push(draw);
  return [controls, plots];
}
