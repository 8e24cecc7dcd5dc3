// Histogram of a score, with its limits as lines.

function scaleOf({ kind, width }) {
  if (kind === "log") return { to: Math.log10, from: (y) => 10 ** y };
  if (kind === "asinh") {
    return { to: (x) => Math.asinh(x / width), from: (y) => Math.sinh(y) * width };
  }
  return { to: (x) => x, from: (y) => y };
}

// Draws `score` (of the page's value); `state` has the split and the limits.
function histogramOption(colours, score, state) {
  const scale = scaleOf(score.axis);
  const bins = score.bins[state.split];
  const most = Math.max(...bins.counts[0], ...bins.counts[1]);
  const log = most > 50;
  const height = (n) => (log ? Math.log10(Math.max(n, 0.5)) : n);
  const base = height(0);
  const ticks = score.axis.ticks.map(scale.to);
  const custom = ticks.length ? { customValues: ticks } : {};
  const tens = Array.from({ length: 8 }, (_, i) => i);
  const step = (place, name, colour, type) =>
    curve(name, outline(bins, place, scale, height), colour, {
      step: "end",
      symbol: "none",
      lineStyle: { width: 1.6, type },
      areaStyle: { opacity: 0.22, origin: "start" },
    });
  const classes = [count(state.sizes[0]), count(state.sizes[1])];
  return {
    legend: legend(colours, {
      data: [`normal, ${classes[0]}`, `anomalous, ${classes[1]}`],
    }),
    grid: box(58),
    tooltip: { show: false },
    xAxis: axis(colours, `${score.title} score (higher is more anomalous)`, {
      min: scale.to(score.axis.low),
      max: scale.to(score.axis.high),
      grid: false,
      axisTick: custom,
      label: {
        ...custom,
        formatter: (y) => brief(scale.from(y)),
        showMinLabel: ticks.length > 0,
        showMaxLabel: ticks.length > 0,
      },
    }),
    yAxis: axis(colours, log ? "images in a bin (log)" : "images in a bin", {
      min: base,
      minInterval: 1,
      axisTick: log ? { customValues: tens } : {},
      label: log ? { customValues: tens, formatter: (y) => count(10 ** y) } : {},
    }),
    series: [
      step(0, `normal, ${classes[0]}`, colours.normal, "solid"),
      step(1, `anomalous, ${classes[1]}`, colours.anomalous, [5, 2]),
      {
        id: "marks",
        type: "line",
        data: [],
        markLine: markLines(colours, score, scale),
      },
      { id: "limit", type: "line", data: [], ...limitLines(colours, score, state) },
    ],
  };
}

function outline(bins, place, scale, height) {
  const edges = bins.edges.map(scale.to);
  const counts = bins.counts[place];
  const last = edges[edges.length - 1];
  const points = counts.map((n, i) => [edges[i], height(n)]);
  return [[edges[0], height(0)], ...points, [last, height(0)]];
}

function isInside(score, value) {
  return Number.isFinite(value) && value >= score.axis.low && value <= score.axis.high;
}

// Lines of the rules; where they are close, their letters stand together at the first.
function markLines(colours, score, scale) {
  const near = (scale.to(score.axis.high) - scale.to(score.axis.low)) / 45;
  const placed = score.marks
    .flatMap((mark) =>
      [mark.lower, mark.upper]
        .filter((limit) => limit !== null && isInside(score, limit))
        .map((limit) => ({ mark, place: scale.to(limit), letters: "" })),
    )
    .sort((a, b) => a.place - b.place);
  let first = null;
  for (const one of placed) {
    if (first === null || one.place - first.place > near) first = one;
    if (!first.letters.includes(one.mark.letter)) first.letters += one.mark.letter;
  }
  const lines = placed.map(({ mark, place, letters }) => ({
    xAxis: place,
    label: { formatter: letters },
    lineStyle:
      mark.status === "oracle"
        ? { type: [4, 4], color: colours.oracle }
        : { type: "solid", color: colours.found },
  }));
  return {
    silent: true,
    precision: 18,
    symbol: "none",
    lineStyle: { width: 1.4 },
    label: {
      show: true,
      position: "end",
      color: colours.ink,
      fontWeight: "bold",
      fontSize: 12,
    },
    data: lines,
  };
}

// What moves with the slider.
function limitLines(colours, score, state) {
  const scale = scaleOf(score.axis);
  const { lower, upper } = state.limits;
  const places = [lower, upper].filter((limit) => isInside(score, limit));
  const [low, high] = [scale.to(score.axis.low), scale.to(score.axis.high)];
  const areas = [];
  if (upper < score.axis.high)
    areas.push([
      { xAxis: isInside(score, upper) ? scale.to(upper) : low },
      { xAxis: high },
    ]);
  if (lower > score.axis.low)
    areas.push([
      { xAxis: low },
      { xAxis: isInside(score, lower) ? scale.to(lower) : high },
    ]);
  return {
    markLine: {
      silent: true,
      precision: 18,
      symbol: "none",
      label: { show: false },
      lineStyle: { color: colours.ink, width: 2.5, type: "solid" },
      data: places.map((limit) => ({ xAxis: scale.to(limit) })),
    },
    markArea: {
      silent: true,
      itemStyle: { color: colours.ink, opacity: 0.06 },
      data: areas,
    },
  };
}
