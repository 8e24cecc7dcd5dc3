// The page from its value; the threshold is kept in the address, so that it survives a
// reload and can be passed on.

const page = JSON.parse(document.getElementById("data").textContent);

function remembered() {
  const words = new URLSearchParams(location.hash.slice(1));
  if (!words.has("score")) return null;
  const limit = (name, none) => {
    const text = words.get(name);
    return text !== null && text !== "" && Number.isFinite(Number(text))
      ? Number(text)
      : none;
  };
  return {
    run: words.get("run"),
    score: words.get("score"),
    limits: { lower: limit("lower", -Infinity), upper: limit("upper", Infinity) },
  };
}

let remembering = 0;

function remember({ score, limits }, run = null) {
  clearTimeout(remembering);
  remembering = setTimeout(() => {
    const words = new URLSearchParams(run === null ? {} : { run });
    words.set("score", score.name);
    for (const [name, limit] of Object.entries(limits)) {
      if (Number.isFinite(limit)) words.set(name, limit);
    }
    try {
      history.replaceState(null, "", `#${words}`);
    } catch {
      // Some browsers keep the address of a file as it is; the page works without.
    }
  }, 400);
}

const KINDS = { run: "Run", sweep: "Sweep", comparison: "Comparison" };
const PARTS = {
  run: RUN_PARTS,
  sweep: [
    ["leaderboard", "Leaderboard"],
    ["tradeoff", "Reconstruction"],
    ["tables", "Held out"],
    ["losses", "Training"],
    ["setup", "Setup"],
  ],
  comparison: [
    ["leaderboard", "Leaderboard"],
    ["tradeoff", "Reconstruction"],
    ["run", "One run"],
    ...RUN_PARTS,
  ],
};

function start() {
  document.title = `${page.name} - jaxad`;
  const main = el("main", { id: "content", class: "wide", tabindex: "-1" });
  const nav = el("nav", { "aria-label": "Sections" });
  document
    .getElementById("page")
    .append(
      el(
        "header",
        { class: "wide" },
        el("p", { class: "eyebrow" }, `jaxad ${KINDS[page.kind].toLowerCase()}`),
        el("h1", {}, page.name),
        page.subtitle ? el("p", { class: "soft" }, page.subtitle) : null,
      ),
      nav,
      main,
      el(
        "footer",
        { class: "wide" },
        "Written by jaxad from the files of the folder alone; nothing is loaded from elsewhere. ",
        `Charts by Apache ECharts ${echarts.version} (Apache-2.0).`,
      ),
    );
  if (page.kind === "run") showRun(main, page.run, remembered(), remember);
  else if (page.kind === "sweep") showSweep(main, page);
  else showComparison(main, page, remembered(), remember);
  const there = PARTS[page.kind].filter(([id]) => document.getElementById(id));
  nav.append(
    el(
      "ul",
      { class: "wide" },
      there.map(([id, words]) => el("li", {}, el("a", { href: `#${id}` }, words))),
    ),
  );
}

start();
