"""Damaged data is refused or made again, and never served."""

import errno
import logging
import os

import pytest
from idx_source import (
    IMAGES,
    cut_file,
    empty,
    flip,
    long,
    run,
    short,
    write_source,
    wrong_count,
    wrong_magic,
    wrong_size,
)

from jaxad import data
from jaxad.data import builders, store
from jaxad.errors import DataError


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    write_source(folder)
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXAD_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def leftovers(home):
    return [path.name for path in home.glob("*/*") if path.name != ".lock"]


@pytest.mark.parametrize(
    "damage",
    [
        cut_file,
        short,
        long,
        wrong_magic,
        flip,
        wrong_count,
        wrong_size,
        empty,
        os.remove,
    ],
)
def test_damaged_sources_are_refused_and_leave_what_was_there(
    home, source, tmp_path, damage
):
    with_data = damage in (short, os.remove)
    if with_data:
        write_source(tmp_path / "good")
        data.prepare("mnist", tmp_path / "good")
    before = leftovers(home)
    damage(source / f"{IMAGES}.gz")
    with pytest.raises(DataError) as caught:
        data.prepare("mnist", source)
    message = str(caught.value)
    assert str(source) in message
    assert "\n" not in message
    assert leftovers(home) == before
    assert data.names()["mnist"] == with_data
    assert not with_data or len(data.load("mnist").train.image) == 12


def test_a_damaged_decoded_copy_is_made_again(home, source, caplog):
    data.prepare("mnist", source)
    before = data.load("mnist")
    for damage in (flip, cut_file, os.remove):
        damage(next(home.glob("mnist/decoded-*/train-image.npy")))
        assert "decoded again" in data.verify("mnist")[0]
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            after = data.load("mnist")
        assert "decoding mnist again" in caplog.text
        assert after.fingerprint == before.fingerprint
        assert data.verify("mnist") == []


@pytest.mark.parametrize("damage", [flip, cut_file, empty, os.remove])
def test_a_damaged_data_set_is_never_served(home, source, damage):
    data.prepare("mnist", source)
    shard = next(home.glob("mnist/1.0.0/*train.array_record*"))
    damage(shard)
    with pytest.raises(DataError, match="data prepare mnist --source DIR") as caught:
        data.load("mnist")
    assert str(shard) in str(caught.value)
    assert str(shard) in data.verify("mnist")[0]
    data.prepare("mnist", source)
    assert data.verify("mnist") == []


@pytest.mark.parametrize("damage", [flip, cut_file, empty])
def test_a_damaged_array_record_is_not_read_as_a_smaller_one(home, source, damage):
    folder = data.prepare("mnist", source)
    damage(next(folder.glob("*train.array_record*")))
    with pytest.raises(DataError, match="train"):
        builders.read(folder)


def test_two_processes_prepare_at_once_and_remains_are_swept(home, source):
    remains = home / "mnist" / ".incomplete" / "mnist"
    remains.mkdir(parents=True)
    code = (
        f"import jaxad.data as d; d.prepare('mnist', {str(source)!r});"
        "assert len(d.load('mnist').test.image) == 7"
    )
    workers = [run(code) for _ in range(2)]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert not remains.exists()
    assert data.verify("mnist") == []


def test_a_full_disk_is_reported_and_leaves_nothing(home, source, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store.np, "save", full)
    with pytest.raises(DataError, match=r"No space left.*JAXAD_DATA_DIR"):
        data.prepare("mnist", source)
    assert leftovers(home) == []
    (home / "file").touch()
    monkeypatch.setenv("JAXAD_DATA_DIR", str(home / "file"))
    with pytest.raises(DataError, match="cannot write to"):
        data.prepare("mnist", source)
