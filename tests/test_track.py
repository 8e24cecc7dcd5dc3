"""Runs followed elsewhere say what history.csv says, once, however often they go on."""

import json
import struct
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from run_folder import write_run
from sweep_folder import write_sweep

import jaxad
from jaxad.config import Baselines, Config, Data, Linear, Train, ZScore
from jaxad.config.threshold import Threshold
from jaxad.errors import ConfigError, Preempted
from jaxad.folder import write_json
from jaxad.report import read
from jaxad.report.sweep import read_sweep
from jaxad.track import Track, named

CONFIG = Config(
    data=Data(limit=40),
    model=Linear(latent_dim=4),
    train=Train(epochs=4, batch_size=20, checkpoint_seconds=0.0),
    threshold=Threshold(rules=(ZScore(),)),
    baselines=Baselines(names=()),
)


def events(path):
    """(step, tag, value) of all scalars of an event file, read without its writer."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    (file,) = (path / "tensorboard").glob("events.*")
    data, at, found = file.read_bytes(), 0, []
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        event = event_pb2.Event.FromString(data[at + 12 : at + 12 + length])
        at += 12 + length + 4
        found += [(event.step, one.tag, one) for one in event.summary.value]
    return found


def scalars(path):
    found = events(path)
    return [(s, t, v.simple_value) for s, t, v in found if v.HasField("simple_value")]


def told(path):
    """(epoch, column, value) of history.csv, without what was not measured."""
    history = {k: np.float32(v) for k, v in read(path).history.items()}
    epochs = history.pop("epoch").astype(int)
    rows = [
        (e, k, v[i].item()) for i, e in enumerate(epochs) for k, v in history.items()
    ]
    return [row for row in rows if row[2] == row[2]]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run that was stopped after its second epoch and went on, with tensorboard and
    a stand-in for wandb, and what that was told."""
    pytest.importorskip("tensorboardX")
    path = tmp_path_factory.mktemp("runs") / "a"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "wandb", wandb := Wandb())
        patch.delitem(sys.modules, "jaxad.track.weights_and_biases", raising=False)
        both, epochs = ["tensorboard", "wandb"], Track.epochs

        def stop(self, history):
            epochs(self, history)
            if len(history["epoch"]) == 2:
                raise Preempted("stopped")

        with patch.context() as inner:
            inner.setattr(Track, "epochs", stop)
            with pytest.raises(Preempted):
                jaxad.train(CONFIG, out=path, quiet=True, track=both)
        first = scalars(path)
        jaxad.train(CONFIG, out=path, quiet=True, track=both, resume=True)
    return path, first, wandb


def test_tensorboard_has_the_history_to_the_bit_and_once(stopped):
    path, first, _ = stopped
    rows = [row for row in scalars(path) if "/" not in row[1]]
    assert rows == told(path)
    assert first == [row for row in rows if row[0] <= 2]


def test_tensorboard_has_the_results_the_config_and_pictures(stopped):
    path, _, _ = stopped
    run, found = read(path), events(path)
    final = {
        tag: value for step, tag, value in scalars(path) if tag.startswith("final")
    }
    entry = run.metrics["image"]["mse"]
    assert final["final/mse/auroc"] == np.float32(entry["auroc"])
    assert final["final/mse/z_score/fpr"] == np.float32(entry["at"]["z_score"]["fpr"])
    upper = run.thresholds["mse"]["z_score"]["upper"]
    assert final["final/mse/z_score/upper"] == np.float32(upper)
    assert any(tag.startswith("final/mse/f1_max_test_oracle/") for tag in final)
    pictures = [value.image for _, _, value in found if value.HasField("image")]
    assert len(pictures) == len(run.examples.index)
    assert {(one.height, one.width) for one in pictures} == {(28, 3 * 28)}
    plugins = [v.metadata.plugin_data.content for _, t, v in found if "hparams" in t]
    assert any(b"optim.lr" in content for content in plugins)


class Wandb(ModuleType):
    """A stand-in for the package: what runs there were told, by id."""

    Image = staticmethod(lambda image, caption: (image.shape, caption))
    Settings = staticmethod(lambda **options: options)

    def __init__(self):
        super().__init__("wandb")
        self.runs, self.offline, self.starts = {}, False, []

    def init(self, **options):
        self.starts.append(options)
        run = self.runs.setdefault(options["id"] or "new", Run(self.offline))
        run.id = options["id"] or "new"
        self.runs[run.id] = run
        return run


class Run(SimpleNamespace):
    def __init__(self, offline):
        super().__init__(rows=[], summary={}, codes=[], offline=offline)

    def define_metric(self, name, step_metric):
        assert (name, step_metric) == ("*", "epoch")

    def log(self, row):
        self.rows.append(row)
        self.summary |= row

    def finish(self, exit_code):
        self.codes.append(exit_code)


def test_wandb_goes_on_with_the_same_run_where_it_was_left(stopped):
    path, _, wandb = stopped
    (run,) = wandb.runs.values()
    assert [start["id"] for start in wandb.starts] == [None, "new"]
    *rows, last = run.rows
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    values = [(r["epoch"], k, v) for r in rows for k, v in r.items() if k != "epoch"]
    assert values == told(path)
    assert last["examples"]
    assert run.summary["final/mse/auroc"] == read(path).metrics["image"]["mse"]["auroc"]
    assert run.codes == [1, 0]
    assert wandb.starts[0]["config"]["optim.lr"] == 1e-3
    assert wandb.starts[0]["name"] == "a"


@pytest.fixture
def fake(monkeypatch):
    wandb = Wandb()
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.delitem(sys.modules, "jaxad.track.weights_and_biases", raising=False)
    return wandb


def followed(path, *names):
    said = []
    with Track(names, path, CONFIG, said.append) as track:
        track.results()
    return said


def test_wandb_offline_tells_a_finished_run_again_from_its_first_row(
    fake, tmp_path, monkeypatch
):
    monkeypatch.setenv("WANDB_MODE", "offline")
    path, fake.offline = write_run(tmp_path / "a", "separable", epochs=3), True
    for _ in range(2):
        fake.runs.clear()
        (path / "wandb" / "offline").mkdir(parents=True)
        assert followed(path, "wandb") == []
        (run,) = fake.runs.values()
        assert [row["epoch"] for row in run.rows] == [1, 2, 3, 3]
        assert not (path / "wandb").exists()
    assert json.loads((path / "wandb.json").read_text()) == {"id": "new"}


def test_what_cannot_begin_is_one_line_and_what_fails_later_costs_no_run(
    fake, tmp_path, monkeypatch
):
    path = write_run(tmp_path / "a", "separable", epochs=3)
    monkeypatch.setattr(Run, "log", lambda self, row: 1 / 0)
    (line,) = followed(path, "wandb")
    assert line.startswith("wandb: ZeroDivisionError")
    monkeypatch.setattr(fake, "init", lambda **options: 1 / 0)
    with pytest.raises(ConfigError, match="wandb login"):
        followed(path, "wandb")
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ConfigError, match=r"pip install 'jaxad\[tensorboard\]'"):
        jaxad.train(CONFIG, out=tmp_path / "b", track="tensorboard")
    with pytest.raises(ConfigError, match="did you mean wandb"):
        named("wandbb")
    assert not (tmp_path / "b").exists()
    assert named([]) == ()


def test_members_of_a_sweep_have_their_losses_and_values(tmp_path):
    pytest.importorskip("tensorboardX")
    from jaxad.track.tensorboard import members

    path = write_sweep(tmp_path / "s", {"optim.lr": [0.1, 0.01]}, seeds=2, failed=(1,))
    write_json(path / "env.json", {})
    sweep = read_sweep(path)
    members(sweep)
    folders = sorted((path / "tensorboard").iterdir())
    assert [folder.name for folder in folders] == [f"member-{i:04d}" for i in range(4)]
    for number, folder in enumerate(folders):
        (folder / "tensorboard").mkdir()
        (file,) = folder.glob("events.*")
        file.rename(folder / "tensorboard" / file.name)
        own = sweep.history.number["member"] == number
        losses = sweep.history.number["train_loss"][own].astype(np.float32)
        assert [
            v for _, t, v in scalars(folder) if t == "train_loss"
        ] == losses.tolist()
    reached = {t: v for _, t, v in scalars(folders[0])}
    auroc = sweep.members.number["auroc"][0]
    assert reached["validation/auroc"] == np.float32(auroc)
