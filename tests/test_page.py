"""The HTML page, in a real browser, beside scikit-learn."""

import dataclasses
import hashlib
import json
import math
import shutil
import warnings
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlsplit

import browser
import numpy as np
import pytest
from run_folder import write_run
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys
from sklearn import metrics as golden
from sweep_folder import write_sweep

from jaxad.cli import main
from jaxad.errors import ConfigError, DataError
from jaxad.report import plots, read
from jaxad.report.examples import Examples
from jaxad.report.page import compare_pages, document, write_page
from jaxad.report.page.pictures import BUDGET
from jaxad.report.page.run import run_page

EVIL = '<img src=x onerror="alert(1)">'
CLOSE = "</script><script>alert(2)</script>"
MOVE = """
const field = (name, value) => {
  const node = document.getElementById(`${name}-field`);
  node.value = value;
  node.dispatchEvent(new Event("input"));
};
const slide = (name, place) => {
  const node = document.getElementById(`${name}-slider`);
  node.value = place;
  node.dispatchEvent(new Event("input"));
};
const seen = () => ({
  ...Object.fromEntries([...document.querySelectorAll("[data-count]")]
    .map((node) => [node.dataset.count, Number(node.value)])),
  ...Object.fromEntries([...document.querySelectorAll("[data-rate^=test-]")]
    .map((node) => [node.dataset.rate.slice(5),
      node.value === "" ? null : Number(node.value)])),
});
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    driver = browser.start(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture
def page(driver):
    page = browser.Page(driver)
    page.errors(), page.requests()
    yield page
    assert page.errors() == []
    kinds = {url.partition(":")[0] for url in page.requests()}
    assert kinds <= {"file", "data", "about"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run with ties, and its page."""
    path = write_run(tmp_path_factory.mktemp("runs") / "run", "overlapping", last=4)
    lines = (path / "scores.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines]
    for row in rows[1:]:
        row[4] = repr(round(float(row[4]), 4))
    (path / "scores.csv").write_text("\n".join(map(",".join, rows)) + "\n")
    write_page(path)
    return path


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    axes = {"optim.lr": [1e-4, 1e-3], "model.latent_dim": [2, 4], "model": [EVIL, "b"]}
    path = tmp_path_factory.mktemp("sweeps") / "sweep"
    write_sweep(path, axes, failed=(2, 5), stuck=(1,))
    return write_page(path)


def expected(score, label, lower, upper):
    """What scikit-learn says, None where a number is undefined."""
    called = ((score <= lower) | (score >= upper)).astype(int)
    counts = golden.confusion_matrix(label, called, labels=[0, 1]).ravel()
    found = dict(zip(("tn", "fp", "fn", "tp"), map(int, counts), strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        of = golden.precision_recall_fscore_support
        options = {"labels": [0, 1], "zero_division": math.nan}
        (_, precision), (specificity, recall), (_, f1), _ = of(label, called, **options)
    found |= {"precision": precision, "recall": recall, "fpr": 1 - specificity}
    found["f1"] = f1 if label.any() else math.nan
    found["accuracy"] = golden.accuracy_score(label, called)
    return {k: None if math.isnan(v) else pytest.approx(v) for k, v in found.items()}


def test_the_slider_agrees_with_scikit_learn_at_100_random_thresholds(page, folder):
    run = read(folder)
    score, label = run.select("mse", "test"), run.labels("test")
    page.open(folder / "report.html")
    distinct = np.unique(score)
    assert int(page.find("#upper-slider").get_attribute("max")) == len(distinct)
    assert len(distinct) < len(score)
    rng = np.random.default_rng(0)
    places = [0, len(distinct), *rng.integers(0, len(distinct), 98).tolist()]
    script = MOVE + "return arguments[0].map((p) => (slide('upper', p), seen()))"
    limits = np.append(distinct, math.inf)
    for place, seen in zip(places, page.js(script, places), strict=True):
        assert seen == expected(score, label, -math.inf, limits[place])


def test_fields_agree_on_two_sides_at_ties_and_between(page, folder):
    run = read(folder)
    page.open(folder / "report.html")
    rng = np.random.default_rng(1)
    for name in ("mse", "pca"):
        page.js(
            "const s = document.querySelector('#threshold select'); s.value = "
            "arguments[0]; s.dispatchEvent(new Event('change'))",
            name,
        )
        score, label = run.select(name, "test"), run.labels("test")
        ties = rng.choice(score, (10, 2))
        free = rng.uniform(score.min(), score.max(), (10, 2))
        pairs = np.concatenate([ties, free]).tolist()  # some lower ones above the upper
        script = MOVE + (
            "return arguments[0].map(([a, b]) => (field('lower', a), "
            "field('upper', b), seen()))"
        )
        for (lower, upper), seen in zip(pairs, page.js(script, pairs), strict=True):
            assert seen == expected(score, label, lower, upper)


def test_the_slider_moves_by_mouse_and_by_keyboard(page, folder):
    run = read(folder)
    score, label = run.select("mse", "test"), run.labels("test")
    distinct = np.unique(score)
    page.open(folder / "report.html")
    slider = page.find("#upper-slider")

    def seen():
        return page.js(MOVE + "return seen()")

    before = int(slider.get_attribute("value"))
    slider.send_keys(Keys.ARROW_RIGHT)
    assert seen() == expected(score, label, -math.inf, distinct[before + 1])
    assert (
        float(page.find("#upper-field").get_attribute("value"))
        == (distinct[before + 1])
    )
    slider.send_keys(Keys.HOME)
    assert seen() == expected(score, label, -math.inf, distinct[0])
    slider.send_keys(Keys.END)
    assert seen()["precision"] is None
    assert "undefined: nothing is called anomalous" in page.text("#threshold")
    slider.click()  # in its middle
    middle = int(slider.get_attribute("value"))
    assert abs(middle - len(distinct) / 2) < 0.02 * len(distinct)
    assert seen() == expected(score, label, -math.inf, distinct[middle])
    assert "oracle" in page.find("#verdict").get_attribute("class")
    assert "while looking at test scores" in page.text("#verdict")


def test_everything_is_reached_by_tab_and_the_first_is_a_skip_link(page, folder):
    page.open(folder / "report.html")
    about = (
        "const node = document.activeElement; return [node.id || node.textContent, "
        "node.dataset.rule, getComputedStyle(node).outlineStyle]"
    )
    reached, last = [], page.find("body")
    while not reached or reached[-1][0] != "content":
        last.send_keys(Keys.TAB)
        last = page.driver.switch_to.active_element
        reached.append(page.js(about))
        if last.tag_name == "body" or len(reached) > 90:
            break
        assert reached[-1][2] != "none", reached[-1]
    names, rules, _ = zip(*reached, strict=True)
    assert names[0] == "Skip to the content"
    assert {"upper-slider", "upper-field", "two-sided"} < set(names)
    assert set(read(folder).thresholds["mse"]) <= set(rules)
    page.js("document.querySelector('.skip').focus()")
    ActionChains(page.driver).send_keys(Keys.ENTER).perform()
    assert page.js("return document.activeElement.id") == "content"


def test_marks_give_what_the_metrics_hold_oracles_apart(page, tmp_path):
    path = write_run(tmp_path / "run", "overlapping", last=2)
    page.open(write_page(path))
    at = read(path).metrics["image"]["mse"]["at"]
    buttons = page.all("#threshold button.mark")
    assert {b.get_attribute("data-rule") for b in buttons} == set(at)
    for button in buttons:
        button.click()
        rule = button.get_attribute("data-rule")
        seen = page.js(MOVE + "return seen()")
        assert seen == {key: pytest.approx(at[rule][key]) for key in seen}
        assert button.get_attribute("aria-pressed") == "true"
        group = button.find_element("xpath", "ancestor::div[@role='group']")
        assert at[rule]["status"] in group.get_attribute("aria-label")
        assert at[rule]["status"] in page.text("#verdict .badge")


def test_a_rule_of_two_sides_shows_both_limits(page, folder, tmp_path):
    path = shutil.copytree(folder, tmp_path / "run")
    limits = json.loads((path / "thresholds.json").read_text())
    known = limits["mse"]["z_score"]
    known["lower"] = float(np.quantile(read(folder).select("mse", "test"), 0.1))
    (path / "thresholds.json").write_text(json.dumps(limits))
    page.open(write_page(path))
    both = page.find("#two-sided")
    if both.is_selected():
        both.click()
    assert not page.find("#lower-slider").is_displayed()
    page.find("button[data-rule=z_score]").click()
    assert both.is_selected()
    assert page.find("#lower-slider").is_displayed()
    assert float(page.find("#lower-field").get_attribute("value")) == pytest.approx(
        known["lower"]
    )


def test_the_gallery_has_verdicts_and_the_worst_errors_first(page, folder):
    run = read(folder)
    page.open(folder / "report.html")
    index = run.examples.index
    limit = float(np.median([e["scores"]["mse"] for e in index]))
    page.js(MOVE + "field('upper', arguments[0])", limit)
    page.wait(100)
    page.js("document.querySelector('#gallery > button').click()")
    cards = page.js(
        "return [...document.querySelectorAll('.card')].map((c) => [c.dataset.verdict, "
        "c.querySelector('.id').textContent.split(' ')[0]])"
    )
    known = {e["id"]: e for e in index}
    words = {(0, False): "tn", (0, True): "fp", (1, False): "fn", (1, True): "tp"}
    for verdict, name in cards:
        entry = known[name]
        assert verdict == words[entry["label"], entry["scores"]["mse"] >= limit]
    verdicts = [verdict for verdict, _ in cards]
    wrong = sum(v in ("fp", "fn") for v in verdicts)
    assert len(cards) == len(index)
    assert set(verdicts[:wrong]) <= {"fp", "fn"}
    sorted_test = np.sort(run.select("mse", "test"))

    def beyond(name, called):
        score = known[name]["scores"]["mse"]
        below, up = np.searchsorted(sorted_test, [score, limit])
        if called:
            return np.searchsorted(sorted_test, score, "right") - up
        return up - below

    margins = [beyond(name, v in ("fp", "tp")) for v, name in cards]
    assert margins[:wrong] == sorted(margins[:wrong], reverse=True)
    assert margins[wrong:] == sorted(margins[wrong:])
    page.find("[data-verdict=fp][type=button]").click()
    shown = page.js(
        "return [...document.querySelectorAll('.card')].map((c) => c.dataset.verdict)"
    )
    assert shown == ["fp"] * verdicts.count("fp")
    total = int(page.js(MOVE + "return seen().fp"))
    assert (
        page.text("button[data-verdict=fp]") == f"False alarms {len(shown)} of {total}"
    )
    loaded = page.js(
        "return [...document.images].every((i) => i.complete && i.naturalWidth)"
    )
    assert loaded


def test_html_in_names_is_harmless(page, tmp_path):
    path = write_run(tmp_path / "<b>run&amp;", "overlapping", epochs=2, last=2)
    index = json.loads((path / "examples" / "index.json").read_text())
    for entry in index:
        entry["id"] = f"{EVIL}{entry['id']}"
        entry["defect"] = CLOSE
    (path / "examples" / "index.json").write_text(json.dumps(index))
    text = (path / "scores.csv").read_text().replace(",noise,", f",{CLOSE},")
    (path / "scores.csv").write_text(text)
    config = {"loss": {"kind": "mse"}, CLOSE: {EVIL: f"{EVIL}\u2028"}}
    (path / "config.json").write_text(json.dumps(config))
    limits = (path / "thresholds.json").read_text().replace("z_score", CLOSE)
    (path / "thresholds.json").write_text(limits)
    file = write_page(path)
    assert EVIL.encode() not in file.read_bytes()
    page.open(file)
    assert page.driver.title == "<b>run&amp; - jaxad"
    assert page.text("h1") == "<b>run&amp;"
    assert EVIL in page.text("#gallery")
    assert CLOSE in page.text("#threshold")
    assert page.js("return document.scripts.length") == 3
    assert page.all("[onerror], [src=x]") == []


def test_the_policy_lets_nothing_in(page, folder):
    page.open(folder / "report.html")
    blocked = page.driver.execute_async_script("""
      const [done] = arguments, found = [];
      addEventListener("securitypolicyviolation",
        (event) => found.push(event.effectiveDirective));
      window.ran = false;
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      const image = document.createElement("img");
      image.src = "https://example.org/a.png";
      document.body.append(script, image);
      fetch("https://example.org/").catch(() => {});
      document.body.setAttribute("onclick", "window.ran = true");
      document.body.click();
      setTimeout(() => done([...new Set(found), window.ran]), 300);
    """)
    assert set(blocked) == {
        "script-src-elem",
        "img-src",
        "connect-src",
        "script-src-attr",
        False,
    }
    assert len(page.errors()) >= 4
    page.requests()


def test_dark_and_narrow_pages_are_whole(page, folder, sweep, tmp_path):
    both = compare_pages([folder, folder], tmp_path / "both.html")
    for path in (folder / "report.html", sweep, both):
        page.open(path, width=360)
        assert page.js("return document.documentElement.scrollWidth") <= 360, path
        chart = page.js("return document.querySelector('figure').clientWidth")
        assert 300 < chart <= 360
    colour = "return getComputedStyle(document.body).backgroundColor"
    light = page.js(colour)
    page.open(folder / "report.html", dark=True)
    assert page.js(colour) != light
    assert page.js("return echarts.version") == document.ECHARTS


def test_the_threshold_survives_a_reload(page, folder):
    page.open(folder / "report.html")
    page.js(MOVE + "field('upper', 0.0123)")
    page.wait(700)
    before, url = page.js(MOVE + "return seen()"), page.driver.current_url
    assert "upper=0.0123" in url
    page.open(url)
    assert page.js(MOVE + "return seen()") == before


def test_one_class_no_reconstructions_masks_and_stages(page, tmp_path):
    path = write_run(tmp_path / "one", "one_class", epochs=1, count=(20, 40))
    page.open(write_page(path))
    assert "undefined: the test data are of one class only" in page.text("#threshold")
    assert "undefined: there are no anomalous examples" in page.text("#threshold")
    arrays = dict(np.load(path / "examples" / "examples.npz"))
    del arrays["recon"], arrays["map"]
    arrays["mask"] = np.zeros(arrays["image"].shape[:3], bool)
    arrays["samples"] = arrays["image"][:5]
    np.savez(path / "examples" / "examples.npz", **arrays)
    history = "stage,epoch,train_loss,val_loss\n1,1,0.5,0.6\n2,1,0.1,\n2,2,0.2,\n"
    (path / "history.csv").write_text(history)
    page.open(write_page(path))
    layers = page.js(
        "return [...document.querySelectorAll('.card:first-child figcaption')].map("
        "(c) => c.textContent)"
    )
    assert layers == ["original", "image", "true mask"]
    assert len(page.all("#samples img")) == 5
    assert "denoising network" in page.text("#losses")


def test_a_run_of_1000_large_images_stays_under_10_mb(folder):
    draw = np.random.default_rng(0)
    image = draw.random((64, 256, 256, 3), np.float32)
    run = read(folder)
    index = [dict(run.examples.index[k % 24]) for k in range(64)]
    maps, mask = image[..., 0], image[..., 1] > 0.5
    examples = Examples(image[::-1], image, image, maps, index, mask=mask)
    run = dataclasses.replace(run, examples=examples)
    value = run_page(run, BUDGET)
    assert len(run.labels("test")) > 1000
    assert len(document.to_html(value)) < 10_000_000
    items = value["run"]["gallery"]["items"]
    assert len(items) == 64
    assert min(value["run"]["gallery"]["shown"]) >= 48


def test_a_hundred_thousand_scores_are_fluid(page, folder, tmp_path):
    run, draw = read(folder), np.random.default_rng(0)
    repeats = -(-100_000 // len(run.scores["label"]))
    columns = ("id", "split", "label", "defect", "score_mse")
    scores = {k: np.tile(run.scores[k], repeats) for k in columns}
    scores["score_mse"] = draw.permutation(draw.random(len(scores["label"])))
    run = dataclasses.replace(run, scores=scores)
    file = tmp_path / "large.html"
    file.write_bytes(document.to_html(run_page(run, BUDGET)))
    page.open(file)
    script = (
        MOVE
        + """const from = performance.now();
      for (let i = 0; i < 20; i += 1) slide("upper", 1000 * i);
      return [(performance.now() - from) / 20, seen()];"""
    )
    milliseconds, seen = page.js(script)
    score, label = run.select("mse", "test"), run.labels("test")
    assert seen == expected(score, label, -math.inf, np.unique(score)[19_000])
    assert milliseconds < 100


def column(page, name):
    """The words of a column of the leaderboard, from top to bottom."""
    return page.js(
        "const t = document.querySelector('#leaderboard table');"
        "const at = [...t.querySelectorAll('thead th')].findIndex((h) => h.innerText"
        ".trim().startsWith(arguments[0]));"
        "return [...t.querySelectorAll('tbody tr')].map((r) => "
        "r.children[at].innerText)",
        name,
    )


def test_a_leaderboard_sorts_with_what_failed_last(page, sweep):
    page.open(sweep)
    button = page.find("#leaderboard th:nth-child(5) button")
    for way, sign in (("descending", -1), ("ascending", 1)):
        button.click()
        head = button.find_element("xpath", "..")
        assert head.get_attribute("aria-sort") == way
        cells = column(page, "AUROC")
        values = [float(c.partition(" ")[0]) for c in cells if c != "undefined"]
        assert values == sorted(values, key=lambda x: sign * x)
        assert cells[len(values) :] == ["undefined"] * 2
    assert sorted(column(page, "rank")) == ["", "", *map(str, range(1, 7))]
    assert EVIL in column(page, "model")
    assert len(page.all("#leaderboard .chart")) == 2
    page.js(
        "const s = document.querySelector('#leaderboard select'); s.value = 'val_loss';"
        "s.dispatchEvent(new Event('change'))"
    )
    assert "coloured by validation loss" in page.text("#leaderboard")
    assert "Best reconstruction" in page.text("#tradeoff")
    assert "PCA" in page.text("#tables")


@pytest.mark.parametrize("axes", [[{}], {"optim.lr": [1e-3, 1e-2]}])
def test_sweeps_of_one_setting_or_where_all_failed(page, tmp_path, axes):
    one = axes == [{}]
    page.open(
        write_page(write_sweep(tmp_path / "s", axes, failed=() if one else (0, 1)))
    )
    words = "measured once" if one else "No setting could be ranked"
    assert words in page.text("#leaderboard")


def test_the_page_of_a_sweep_finds_its_runs_from_wherever_it_is(page, sweep, tmp_path):
    path = Path(shutil.copytree(sweep.parent, tmp_path / "a sweep"))
    for name in ("best", "best-# ü"):
        (path / name).mkdir()
        (path / name / "metrics.json").write_text("{}")
        (path / name / "report.html").touch()
    (tmp_path / "pages").mkdir()
    for file in (None, tmp_path / "pages" / "one.html"):
        page.open(write_page(path, file))
        links = page.js(
            "return [...document.querySelectorAll('#leaderboard p a')]"
            ".map((a) => a.href)"
        )
        found = [Path(unquote(urlsplit(link).path)) for link in links]
        assert found == [
            path / "best" / "report.html",
            path / "best-# ü" / "report.html",
        ]


def test_runs_are_compared_and_each_is_there(page, folder, tmp_path):
    other = write_run(tmp_path / "other", "separable", epochs=2, count=(20, 40), last=2)
    (other / "config.json").write_text('{"loss": {"kind": "mae"}}')
    page.open(compare_pages([folder, other], tmp_path / "both.html"))
    assert column(page, "run") == ["run", "other"]
    aurocs = [read(path).metrics["image"]["mse"]["auroc"] for path in (folder, other)]
    assert column(page, "AUROC") == [f"{x:.4f}" for x in aurocs]
    page.js(
        "const s = document.querySelector('#run select'); s.value = 'other';"
        "s.dispatchEvent(new Event('change'))"
    )
    run = read(other)
    upper = run.thresholds["mse"]["max_margin"]["upper"]
    assert page.js(MOVE + "return seen()") == expected(
        run.select("mse", "test"), run.labels("test"), -math.inf, upper
    )


def test_the_same_folder_gives_the_same_bytes(folder):
    before = (folder / "report.html").read_bytes()
    assert write_page(folder).read_bytes() == before
    assert not list(folder.glob(".report*"))


def test_no_other_file_is_overwritten(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.html").write_text("<html>mine</html>")
    assert main(["report", str(folder), str(folder)]) == 2  # before anything is drawn
    monkeypatch.setattr(plots, "figures", lambda run: {})
    assert main(["report", str(folder), "--out", "report.html"]) == 2
    assert "is no page of jaxad" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="is a folder"):
        write_page(folder, tmp_path)
    assert main(["report", str(folder), "--markdown", "--out", "x"]) == 2
    assert main(["report", str(folder), "--out", "new.html"]) == 0
    assert f"page: {tmp_path.resolve() / 'new.html'}" in capsys.readouterr().out
    assert (tmp_path / "report.html").read_text() == "<html>mine</html>"


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("metrics.json", lambda v: v["image"]["mse"].pop("n_normal") and v),
        ("metrics.json", lambda v: v | {"pixel": {"mse": {"auroc": "x"}}}),
        ("metrics.json", lambda v: v | {"curve": {"levels": [1.0]}}),
        ("examples/index.json", lambda v: [e.pop("scores") and e for e in v]),
    ],
)
def test_damage_is_one_line(folder, tmp_path, file, change):
    path = tmp_path / "run"
    shutil.copytree(folder, path)
    value = json.loads((path / file).read_text())
    (path / file).write_text(json.dumps(change(value)))
    (path / "report.html").unlink()
    with pytest.raises(DataError) as error:
        write_page(path)
    assert "\n" not in str(error.value)
    assert not (path / "report.html").exists()


def test_the_library_is_the_released_one_with_its_licence():
    kept = files("jaxad.report.page") / "echarts"
    data = (kept / "echarts.min.js").read_bytes()
    assert hashlib.sha256(data).hexdigest() == document.ECHARTS_SHA256
    assert f'="{document.ECHARTS}"'.encode() in data
    assert "Apache License" in (kept / "LICENSE").read_text()
    assert "Apache ECharts" in (kept / "NOTICE").read_text()
    assert "Mike Bostock" in (kept / "LICENSE-d3").read_text()
