"""A cloud's notice ends a command with a checkpoint, and what the user wants to run in the end runs then alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import torch
import typer
from metadata_service import MetadataService

from binpack.__main__ import main
from binpack.cli.leaving import NOTICED, ways_out
from binpack.system import Interrupted

PYTHON = [sys.executable, "-m", "binpack"]
TINY = ["--bin", "4x4x4", "--items", "random:1-2", "--n-envs", "4", "--set", "n_steps=16", "--set", "batch_size=32"]
NETWORK = ["--set", "channels=4", "--set", "layers=1", "--set", "n_epochs=1"]
ENDLESS = ["--steps", "100000000"]
SPOT = {"action": "stop", "time": "2026-11-28T08:22:00Z"}
SPACE = {"parameters": {"learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True}}}
JOB = {
    "action": "train",
    "params": {
        "name": "endless",
        "dataset": "random:1-2",
        "is_tune": True,
        "hyperparameter": {
            **{"bin_size": [4, 4, 4], "total_steps": 100_000_000, "n_envs": 4, "n_steps": 16, "batch_size": 32},
            **{"channels": 4, "layers": 1, "n_epochs": 1, "final_seeds": 0},
        },
        "hyperparameters": [{"name": "learning_rate", "type": "loguniform", "min": 1e-4, "max": 1e-2, "base": 10}],
        "tune_config": {"mode": "max", "metric": "score", "num_samples": 2, "max_concurrent_trials": 2},
    },
}
EVENT = {"EventType": "Preempt", "Resources": ["vm-1"], "NotBefore": ""}
COMMANDS = {
    "train": (["train", *TINY, *NETWORK, *ENDLESS, "--out", "run"], "aws", SPOT, "stop at 2026-11-28T08:22:00Z"),
    "tune": (
        [
            *("tune", *TINY, *NETWORK, *ENDLESS, "--storage", "s.journal", "--space", "space.json"),
            *("--trials", "2", "--jobs", "2", "--seeds", "2"),
        ],
        "gcp",
        True,
        "preempted",
    ),
    "action": (["action", "job.json", "--out", "job"], "azure", EVENT, "Preempt at once"),
}
KEPT = {
    "train": "stopped; all but the last seconds is kept, and the same command goes on",
    "tune": "stopped; nothing is lost: the same command goes on with study study in s.journal",
    "action": "stopped; nothing is lost: the same command goes on",
}


def start(line: list[str], folder: Path) -> subprocess.Popen:
    """Start a command, whose stderr goes to a file."""
    root = str(Path(__file__).resolve().parents[2])
    with (folder / "said.txt").open("w") as said:
        return subprocess.Popen(
            [*PYTHON, *line],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": root},
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )


def wait_until(what, process: subprocess.Popen, folder: Path, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert process.poll() is None, (folder / "said.txt").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)


def trained(folder: Path) -> int:
    """Return how many training runs have logged an update to TensorBoard."""
    return sum(path.stat().st_size > 500 for path in folder.rglob("events.out.tfevents.*"))


def checkpoints(folder: Path) -> dict[Path, int]:
    """Return how far each training run's checkpoint is, in environment steps."""
    return {
        path: torch.load(path, weights_only=True, map_location="cpu")["steps"] for path in folder.rglob("checkpoint.pt")
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_a_notice_ends_a_command_with_a_checkpoint_and_the_same_command_goes_on(tmp_path, command):
    """Training runs in this process, and in workers of a study and of a job; none of them is at its end."""
    (tmp_path / "space.json").write_text(json.dumps(SPACE))
    (tmp_path / "job.json").write_text(json.dumps(JOB))
    line, cloud, notice, said = COMMANDS[command]
    done = ["--when-done", "echo gone; date +%s > gone.txt"]
    runs = 1 if command == "train" else 2
    with MetadataService() as service:
        line = [*line, "--notice", cloud, "--notice-url", service.url]
        process = start([*line, *done], tmp_path)
        try:
            wait_until(lambda: trained(tmp_path) == runs, process, tmp_path)
            service.notice = notice
            noticed = time.time()
            assert process.wait(timeout=120) == NOTICED == 75
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        lines = (tmp_path / "said.txt").read_text().splitlines()
        shown = "echo gone; date +%s > gone.txt"
        assert [each for each in lines if each.startswith("binpack:")] == [
            f"binpack: when all is done or on a notice, this runs: {shown}",
            f"binpack: {cloud} gives notice ({said}); {KEPT[command]}",
            f"binpack: running: {shown}",
        ]
        assert lines[-1] == "gone" and (tmp_path / "gone.txt").exists()
        after = checkpoints(tmp_path)
        written = {path: path.stat().st_mtime for path in after}
        assert len(after) == runs and min(after.values()) > 0 and min(written.values()) > noticed - 1
        # it goes on from there, with no notice this time, and writes over what it goes on from
        service.notice = None
        process = start(line, tmp_path)
        try:
            later = lambda: all(path.stat().st_mtime > written[path] for path in written)  # noqa: E731
            wait_until(later, process, tmp_path)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 143
        further = checkpoints(tmp_path)
        assert set(further) == set(after) and all(further[path] > after[path] for path in after)


TRAIN = ["train", *TINY, *NETWORK, "--steps", "64", "--out", "run"]


def test_what_runs_in_the_end_is_shown_before_and_runs_after_the_work(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main([*TRAIN, "--when-done", "test -f run/result.json && echo done"]) == 0
    shown = "test -f run/result.json && echo done"
    out, err = capfd.readouterr()
    expected = f"binpack: when all is done, this runs: {shown}\nbinpack: running: {shown}\ndone\n"
    assert err == expected and out.startswith("score ") and "done" not in out


@pytest.mark.parametrize(
    ("command", "how"),
    [("exit 3", "exit code 3"), ("kill -TERM $$", "signal SIGTERM"), ("nosuch_command", "exit code 127")],
)
def test_its_failure_is_one_line_and_changes_no_exit_code(capfd, command, how):
    with ways_out(None, None, command):
        pass
    assert capfd.readouterr().err.splitlines()[-1] == f"binpack: {command}: failed with {how}"


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (KeyboardInterrupt(), None),
        (Interrupted("ended by SIGTERM", 143), 143),
        (typer.Exit(1), None),
        (ValueError("a bug"), None),
    ],
)
def test_nothing_runs_after_an_interruption_or_an_error(tmp_path, raised, code):
    with pytest.raises(type(raised)) as stop, ways_out(None, None, f"touch {tmp_path}/ran"):
        raise raised
    assert getattr(stop.value, "code", None) == code and not (tmp_path / "ran").exists()


def test_ctrl_c_after_a_notice_is_ctrl_c(tmp_path):
    with MetadataService() as service:
        service.notice = "now"
        with pytest.raises(KeyboardInterrupt), ways_out(None, f"{service.url}/own", f"touch {tmp_path}/ran"):
            while not service.asked:
                time.sleep(0.02)
            time.sleep(0.3)
            raise Interrupted
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["--notice", "alibaba"], "Invalid value for --notice: 'alibaba' is not one of aws, gcp, azure"),
        (["--notice-url", "here"], "Invalid value for --notice-url: 'here' is no URL"),
        (["--set", "gamma=7"], "gamma"),
    ],
)
def test_bad_input_starts_and_runs_nothing(tmp_path, monkeypatch, capfd, line, message):
    monkeypatch.chdir(tmp_path)
    assert main([*TRAIN, *line, "--when-done", "touch ran"]) == 2
    assert message in capfd.readouterr().err and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "line",
    [
        ["worker", "--storage", "postgresql://127.0.0.1:1/nothing"],
        ["report", "s.journal", "--retrain", "2"],
        ["tune", "--storage", "s.journal"],
        ["action", "job.json", "--out", "job"],
    ],
    ids=lambda line: line[0],
)
def test_every_long_command_heeds_notices(tmp_path, monkeypatch, capfd, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.json").write_text(json.dumps(JOB))
    assert main([*line, "--notice", "alibaba", "--when-done", "touch ran"]) == 2
    assert capfd.readouterr().err == (
        "binpack: error: Invalid value for --notice: 'alibaba' is not one of aws, gcp, azure; another service "
        f"has --notice-url (try python -m binpack {line[0]} --help)\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["job.json"]


def test_a_worker_runs_something_when_the_job_is_done(monkeypatch, capfd):
    monkeypatch.setattr("binpack.search.engines.worker.work", lambda *args: [])
    assert main(["worker", "--storage", "postgresql://127.0.0.1:1/nothing", "--when-done", "echo gone"]) == 0
    said = capfd.readouterr()
    assert said.out == "the job is done: 0 of 0 trials came to their end\n"
    assert said.err.splitlines()[-2:] == ["binpack: running: echo gone", "gone"]


def test_a_retraining_that_is_stopped_says_that_it_goes_on(tmp_path, monkeypatch, capfd):
    def stopped(*args, **options):
        raise Interrupted("ended by SIGTERM", 143)

    monkeypatch.setattr("binpack.search.finalists.retrain", stopped)
    assert main(["report", str(tmp_path / "s.journal"), "--retrain", "2"]) == 143
    assert capfd.readouterr().err == "binpack: stopped; nothing is lost: the same command goes on\n"
