// Charts by Apache ECharts, on canvas: colours of the page, words as plain text.

const charts = new Set();
const waiting = [];
const VIRIDIS = ["#440154", "#414487", "#2a788e", "#22a884", "#7ad151", "#fde725"];
const DASHES = ["solid", [7, 3], [2, 3], [8, 3, 2, 3]];

function theme() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  const names = [
    "paper",
    "raised",
    "ink",
    "soft",
    "rule",
    "faint",
    "accent",
    "normal",
    "anomalous",
    "found",
    "oracle",
  ];
  const found = Object.fromEntries(names.map((name) => [name, of(name)]));
  return {
    ...found,
    lines: [
      found.normal,
      found.anomalous,
      found.found,
      found.oracle,
      found.soft,
      found.ink,
    ],
  };
}

// A figure with a chart in it, which is drawn once it is on the page. draw(theme)
// gives ECharts' option; ready(entry) is called once; across: its least width in rem,
// which scrolls where there is less room.
function chartFigure(
  title,
  description,
  draw,
  { ready = null, size = "", note = null, across = 0 } = {},
) {
  const node = el("div", {
    class: `chart ${size}`,
    role: "img",
    "aria-label": description,
  });
  const words = el(
    "figcaption",
    {},
    title,
    note ? el("span", { class: "note" }, ` ${note}`) : null,
  );
  const entry = { node, draw, chart: null };
  const begin = () => {
    entry.chart = echarts.init(node, null, { renderer: "canvas" });
    entry.redraw();
    if (ready) ready(entry);
  };
  entry.redraw = () =>
    entry.chart?.setOption({ ...plain(theme()), ...draw(theme()) }, { notMerge: true });
  waiting.push(() => {
    if (node.clientWidth) begin();
    // A page that is opened in the background has no size yet.
    entry.watch = new ResizeObserver(() => {
      if (entry.chart) entry.chart.resize();
      else if (node.clientWidth) begin();
    });
    entry.watch.observe(node);
    charts.add(entry);
  });
  if (!across) return el("figure", {}, words, node);
  node.style.setProperty("min-width", `${across}rem`);
  return el(
    "figure",
    {},
    words,
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
      node,
    ),
  );
}

function startCharts() {
  waiting.splice(0).forEach((start) => start());
}

function dropCharts(inside) {
  for (const entry of charts) {
    if (inside.contains(entry.node)) {
      entry.watch.disconnect();
      entry.chart?.dispose();
      charts.delete(entry);
    }
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  charts.forEach((entry) => entry.redraw());
});

function plain(colours) {
  return {
    animation: false,
    textStyle: {
      fontFamily: getComputedStyle(document.body).fontFamily,
      color: colours.ink,
    },
    grid: box(34),
    tooltip: tip(colours),
  };
}

// Names and numbers of the axes stay inside the canvas.
function box(top, bottom = 8) {
  return {
    left: 8,
    right: 20,
    top,
    bottom,
    outerBoundsMode: "same",
    outerBoundsContain: "all",
  };
}

function tip(colours) {
  return {
    renderMode: "richText",
    confine: true,
    backgroundColor: colours.raised,
    borderColor: colours.rule,
    textStyle: { color: colours.ink, fontSize: 13 },
  };
}

// Of all lines at a place; `missing` stands for what is no number.
function lineTip(colours, show, missing) {
  return {
    ...tip(colours),
    trigger: "axis",
    valueFormatter: (value) => (typeof value === "number" ? show(value) : missing),
  };
}

function axis(colours, name, given = {}) {
  const { label = {}, grid = true, gap = 26, ...rest } = given;
  return {
    type: "value",
    name,
    nameLocation: "middle",
    nameGap: gap,
    nameMoveOverlap: true,
    nameTextStyle: { color: colours.soft, fontSize: 12.5 },
    axisLine: { show: true, onZero: false, lineStyle: { color: colours.soft } },
    axisTick: { lineStyle: { color: colours.soft }, ...rest.axisTick },
    axisLabel: { color: colours.soft, fontSize: 12, hideOverlap: true, ...label },
    splitLine: { show: grid, lineStyle: { color: colours.rule } },
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => name !== "axisTick")),
  };
}

function legend(colours, given = {}) {
  return {
    top: 0,
    left: 0,
    type: "scroll",
    itemWidth: 26,
    icon: "path://M0,6L26,6L26,8L0,8Z",
    textStyle: { color: colours.ink, fontSize: 12.5 },
    pageTextStyle: { color: colours.soft },
    pageIconColor: colours.accent,
    pageIconInactiveColor: colours.rule,
    inactiveColor: colours.soft,
    ...given,
  };
}

// Ends of a linear axis that values do not touch; shares stay within 0 and 1.
function range(values, share) {
  const known = values.filter((value) => value !== null);
  if (!known.length) return {};
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const pad = 0.06 * (high - low) || 0.06 * Math.abs(high) || 1;
  const ends = { min: low - pad, max: high + pad };
  return share ? { min: Math.max(ends.min, 0), max: Math.min(ends.max, 1) } : ends;
}

function isWide(values) {
  const known = values.filter((value) => value !== null);
  const least = Math.min(...known);
  return known.length > 0 && least > 0 && Math.max(...known) > 10 * least;
}

// A line of points, with a dot each where there are few.
function curve(name, points, colour, given = {}) {
  return {
    type: "line",
    name,
    data: points,
    symbol: points.length < 30 ? "circle" : "none",
    symbolSize: 5,
    color: colour,
    lineStyle: { width: 2, ...given.lineStyle },
    emphasis: { disabled: true },
    ...Object.fromEntries(Object.entries(given).filter(([key]) => key !== "lineStyle")),
  };
}
