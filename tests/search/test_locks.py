"""One tuner at a time: on a file under two names, and on a real PostgreSQL server from two folders."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import postgres
import pytest
from test_study import Fake, config, held_out

from binpack.__main__ import main
from binpack.search.locks import LockLost, lock
from binpack.search.report import load_result
from binpack.search.space import WIDE_SPACE, SearchError
from binpack.search.storage import locate
from binpack.search.study import tune

ROOT = Path(__file__).parents[2]
TUNE = (
    "tune --items random:1-2 --bin 4x4x4 --study both --trials 2 --steps 2048 --seeds 1 --final-seeds 0 --jobs 1 "
    "--sampler random --set policy=mlp_map --set net_arch=[4]"
)
SECRET = quote(postgres.PASSWORD, safe="")


@pytest.mark.parametrize("url", ["{}", "sqlite:///{}"])
def test_a_link_to_a_storage_has_the_same_lock(tmp_path, url):
    file, link = tmp_path / "study.file", tmp_path / "elsewhere" / "link.file"
    link.parent.mkdir()
    file.touch()
    link.symlink_to(file)
    with lock(locate(url.format(file))):
        refused = pytest.raises(SearchError, match="is being tuned by another process")
        with refused, lock(locate(url.format(link))):
            pass
    with lock(locate(url.format(link))):
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A database on a server of this module's own; the password has signs that a URL must quote."""
    with postgres.own_server(ROOT) as server:
        yield server.url(driver="+psycopg")


def test_a_study_on_a_server_has_one_lock_whatever_the_folder(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with lock(locate(url, "one")) as check:
        check()
        (tmp_path / "other").mkdir()
        monkeypatch.chdir(tmp_path / "other")
        with pytest.raises(SearchError) as error, lock(locate(url, "one")):
            pass
        message = str(error.value)
        assert f"is being tuned by another process (process {os.getpid()} on " in message and "\n" not in message
        assert SECRET not in message and f"{postgres.USER}:***@127.0.0.1" in message
        assert not list(Path().iterdir())
        with lock(locate(url, "two")):
            pass
    with lock(locate(url, "one")):
        pass


def test_a_lost_connection_is_noticed_before_anything_is_written(url, tmp_path, monkeypatch):
    from sqlalchemy import create_engine, text

    monkeypatch.chdir(tmp_path)
    with lock(locate(url, "lost")) as check:
        with create_engine(url).connect() as other:
            ended = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            assert other.execute(text(ended)).scalar()
        time.sleep(0.2)
        with pytest.raises(LockLost, match=r"gone; nothing is lost: the same command goes on$") as error:
            check()
        with pytest.raises(LockLost):
            check()
    assert SECRET not in str(error.value)


def test_a_server_that_fails_in_the_middle_leaves_a_trial_to_go_on_with(url, tmp_path, monkeypatch):
    from sqlalchemy import create_engine, text

    monkeypatch.chdir(tmp_path)
    study = config(name="fails", n_trials=2, final_seeds=0)
    others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = :who"
    ended = text(f"SELECT count(pg_terminate_backend(pid)) {others}")

    def breaks(train, folder, *, on_evaluation=None):
        on_evaluation(100, 0.5)
        with create_engine(url).connect() as other:
            assert other.execute(ended, {"who": postgres.USER}).scalar()
        time.sleep(0.2)
        on_evaluation(200, 0.5)
        raise AssertionError("not reached")

    with pytest.raises(SearchError, match=r"nothing is lost: the same command goes on") as error:
        tune(study, url, train=breaks, held_out=held_out, progress=False)
    assert "\n" not in str(error.value) and "s3cret" not in str(error.value)
    assert [row["state"] for row in load_result(url, "fails").rows] == ["running"]
    result = tune(study, url, train=Fake(), held_out=held_out, progress=False)
    assert [row["state"] for row in result.rows] == ["complete"] * 2


def _tune(url: str, folder: Path) -> subprocess.Popen:
    folder.mkdir(exist_ok=True)
    space = folder.parent / "space.json"
    space.write_text(WIDE_SPACE.only("learning_rate", "n_epochs").to_json())
    command = [sys.executable, "-m", "binpack", *TUNE.split(), "--space", str(space), "--storage", url]
    pipe = subprocess.PIPE
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True, env=env)


def test_a_second_tuner_is_refused_until_the_first_is_dead_and_then_goes_on(url, tmp_path, monkeypatch, capsys):
    first = _tune(url, tmp_path / "first")
    try:
        for _ in range(3000):
            if (tmp_path / "first" / "both.runs" / "study_both" / "trial_0001" / "seed_0").is_dir():
                break
            assert first.poll() is None, first.communicate()
            time.sleep(0.02)
        # Stopped in the middle of a trial, however fast this machine is; its connection stays.
        first.send_signal(signal.SIGSTOP)
        # What ps reads.
        title = Path(f"/proc/{first.pid}/cmdline").read_text().replace("\0", " ")
        assert "--study both" in title and SECRET not in title and "***" in title
        second = _tune(url, tmp_path / "second")
        out, err = second.communicate(timeout=120)
        assert (second.returncode, out) == (2, "") and err.count("\n") == 1
        assert f"is being tuned by another process (process {first.pid} on " in err and SECRET not in err
        assert not list((tmp_path / "second").iterdir())
    finally:
        first.kill()
        written = "".join(first.communicate())
    third = _tune(url, tmp_path / "second")
    out, err = third.communicate(timeout=300)
    assert third.returncode == 0, err
    assert [row["state"] for row in load_result(url, "both").rows] == ["complete"] * 2
    monkeypatch.chdir(tmp_path)
    assert main(["show", url, "--study", "both", "--out", "plots"]) == 0
    drawn = "".join(path.read_text() for path in (tmp_path / "plots").glob("*.html"))
    assert "learning_rate" in drawn
    texts = [written, out, err, drawn, *capsys.readouterr()]
    for text in (*texts, *(path.read_text() for path in tmp_path.rglob("*.json"))):
        assert SECRET not in text and postgres.PASSWORD not in text
    assert f"Study both in postgresql+psycopg://{postgres.USER}:***@" in " ".join(out.split())
