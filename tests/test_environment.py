"""What a run notes of its machine and its code."""

import os
import subprocess

import pytest

from jaxad import environment


def git(folder, *words):
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *who, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_revision_is_of_the_repository_that_holds_the_code(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)  # of a hook that runs the tests
    file = tmp_path / "venv" / "jaxad" / "environment.py"
    file.parent.mkdir(parents=True)
    file.touch()
    monkeypatch.setattr(environment, "__file__", str(file))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert environment.describe(1)["revision"] is None
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "of someone else")
    assert environment.describe(1)["revision"] is None
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "of ours")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert environment.describe(1)["revision"] == head
    file.write_text("changed")
    assert environment.describe(1)["revision"] == f"{head}-dirty"
    monkeypatch.setenv("PATH", "")
    assert environment.describe(1)["revision"] is None


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_cores_are_those_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 3, 5})
    assert environment.describe(1)["devices"]["cores"] == 3
