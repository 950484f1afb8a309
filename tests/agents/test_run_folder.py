"""One run, one process: whoever comes second is told so, whatever path leads to the folder."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.run_folder import one_process
from binpack.agents.training import train
from binpack.env.config import EnvConfig
from binpack.files import FileError

RUN = TrainConfig(
    env=EnvConfig(bin_size=(3, 3, 3), items="random:1-2"),
    ppo=PPOConfig(n_steps=4, batch_size=4, n_epochs=1, channels=2, layers=1),
    total_steps=16,
    n_envs=2,
    eval_every=8,
    eval_streams=1,
    device="cpu",
    tensorboard=False,
)
fork = multiprocessing.get_context("fork")


def paths(folder: Path, tmp_path: Path) -> list[Path]:
    """Several ways to one folder."""
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "above").symlink_to(folder.parent)
    return [folder, tmp_path / "link", tmp_path / "above" / folder.name, folder / ".." / folder.name]


@pytest.mark.parametrize("way", range(4))
@pytest.mark.parametrize("begun", [False, True])
def test_a_second_training_in_a_folder_is_refused_and_the_first_goes_on(tmp_path, way, begun):
    folder = tmp_path / "runs" / "run"
    if begun:
        train(RUN.model_copy(update={"total_steps": 8}), folder)
    refused = []

    def second(step, score):
        path = folder if refused else paths(folder, tmp_path)[way]
        with pytest.raises(FileError, match="run: another process trains in it: one at a time|link: another process"):
            train(RUN, path)
        refused.append(step)

    result = train(RUN, folder, on_evaluation=second)
    assert refused and result.steps == 16
    assert train(RUN, folder).score == result.score


def _hold(folder: Path, ready) -> None:
    with one_process(folder):
        ready.set()
        time.sleep(60)


def test_the_lock_is_gone_with_its_process(tmp_path):
    ready = fork.Event()
    process = fork.Process(target=_hold, args=(tmp_path / "run", ready))
    process.start()
    assert ready.wait(30)
    with pytest.raises(FileError), one_process(tmp_path / "run"):
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with one_process(tmp_path / "run"):
        pass
    assert (tmp_path / "run").is_dir()


def test_a_folder_in_which_nothing_came_to_be_is_not_left_behind(tmp_path):
    (tmp_path / "old").mkdir()
    for name in ("new", "old"):
        with pytest.raises(ValueError, match="no agent here"):
            train(RUN.model_copy(update={"start_from": str(tmp_path / "nowhere")}), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_a_file_system_without_locks_keeps_nobody_out(tmp_path, monkeypatch):
    def none(handle, how):
        raise OSError("no locks available")

    monkeypatch.setattr("fcntl.flock", none)
    assert train(RUN, tmp_path / "run").steps == 16


@pytest.mark.parametrize("edit", [{"score": 0.99}, {"score": None}, {"steps": 10**9}, {"history": [[8, 1.0]]}])
def test_an_edited_result_is_not_believed(tmp_path, edit):
    train(RUN, tmp_path / "run")
    path = tmp_path / "run" / "result.json"
    whole = json.loads(path.read_text())
    path.write_text(json.dumps({**whole, **edit}))
    with pytest.raises(FileError, match="changed since it was written .*: restore it, or delete it to train anew"):
        train(RUN, tmp_path / "run")
    # an earlier version kept no checksum; what has no sense is found all the same
    del whole["checksum"]
    path.write_text(json.dumps(whole))
    assert train(RUN, tmp_path / "run").steps == 16
    for name, value in (("score", None), ("score", float("nan")), ("steps", "x"), ("history", [None]), ("seconds", {})):
        path.write_text(json.dumps({**whole, name: value}))
        with pytest.raises(FileError, match="not a run's result"):
            train(RUN, tmp_path / "run")
