"""What stops a command from outside: one line, workers gone, nothing torn, and the same command goes on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from binpack.__main__ import main
from binpack.system import Interrupted, signals_wait, stopped_by_signals

PYTHON = [sys.executable, "-m", "binpack"]
SMALL = ["--bin", "4x4x4", "--items", "random:1-2", "--n-envs", "4", "--set", "n_steps=16", "--set", "batch_size=32"]
NETWORK = ["--set", "channels=4", "--set", "layers=1", "--set", "n_epochs=1"]
SPACE = {"parameters": {"learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True}}}
SAID = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "ended by SIGTERM",
    signal.SIGHUP: "the terminal is closed",
}
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
STARTED: list[subprocess.Popen] = []


@pytest.fixture(autouse=True)
def heeded():
    """Heed the signals, whatever these tests were started by: under ``nohup`` they and their commands would not."""
    usual = dict.fromkeys(CODES, signal.SIG_DFL) | {signal.SIGINT: signal.default_int_handler}
    before = {each: signal.signal(each, handler) for each, handler in usual.items()}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)
    while STARTED:  # a command that did not end would train on beside the other tests
        process = STARTED.pop()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def start(line: list[str], folder: Path, stdout: int = subprocess.DEVNULL) -> subprocess.Popen:
    """Start a command as the leader of a group, which is what a terminal's signals go to."""
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(
        [*PYTHON, *line],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": root},
        text=True,
        stderr=subprocess.PIPE,
        stdout=stdout,
        start_new_session=True,
    )
    STARTED.append(process)
    return process


def wait_for(path: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


def alive(group: int) -> bool:
    """Say whether a process of the group runs; those that ended and wait for init to notice do not count."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its = path.read_text().rpartition(")")[2].split()[:3]
            if int(its) == group and state != "Z":
                return True
    return False


def whole(folder: Path) -> bool:
    """Say whether nothing is half written."""
    for path in folder.rglob("*.json"):
        json.loads(path.read_text())
    return not list(folder.rglob("*.partial"))


@pytest.mark.parametrize("number", CODES)
def test_a_training_that_is_stopped_says_so_in_one_line(tmp_path, number):
    line = ["train", *SMALL, *NETWORK, "--steps", "100000000", "--out", "run"]
    process = start(line, tmp_path)
    wait_for(tmp_path / "run" / "config.json", process)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert said == "binpack: stopped; all but the last seconds is kept, and the same command goes on\n"
    assert process.returncode == CODES[number] and whole(tmp_path)


@pytest.mark.parametrize(("number", "seconds"), [(signal.SIGHUP, 0.1), (signal.SIGINT, 2.0), (signal.SIGTERM, 6.0)])
def test_a_study_that_is_stopped_while_workers_start_or_train_leaves_none(tmp_path, number, seconds):
    """The signal comes to the whole group, as from a terminal."""
    (tmp_path / "space.json").write_text(json.dumps(SPACE))
    line = ["tune", *SMALL, *NETWORK, "--steps", "100000000", "--storage", "s.journal", "--jobs", "2", "--trials", "2"]
    process = start([*line, "--space", "space.json"], tmp_path)
    wait_for(tmp_path / "s.runs" / "study.json", process)
    time.sleep(seconds)
    os.killpg(process.pid, number)
    _, said = process.communicate(timeout=60)
    assert said == "binpack: stopped; nothing is lost: the same command goes on with study study in s.journal\n"
    assert process.returncode == CODES[number]
    deadline = time.monotonic() + 10
    while alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(process.pid) and whole(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_any_command_ends_with_the_code_of_its_signal(monkeypatch, capsys, number):
    monkeypatch.setattr("binpack.agents.evaluation.evaluate", lambda *args, **more: os.kill(os.getpid(), number))
    before = signal.getsignal(number)
    code = main(["evaluate", "--agent", "first_fit", "--bin", "4x4x4", "--items", "random:1-2", "--n", "2"])
    assert code == CODES[number] and signal.getsignal(number) == before
    said = "ended by SIGTERM" if number == signal.SIGTERM else "the terminal is closed"
    assert capsys.readouterr().err == f"binpack: {said}\n"


@pytest.mark.parametrize(("number", "said"), SAID.items(), ids=lambda each: getattr(each, "name", None))
def test_a_signal_during_imports_is_one_line(tmp_path, number, said):
    (tmp_path / "typer.py").write_text(f"import os, signal\nos.kill(os.getpid(), {int(number)})\n")
    root = str(Path(__file__).resolve().parents[2])
    environ = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}"}
    ended = subprocess.run([*PYTHON, "check"], cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (CODES[number], f"binpack: {said}\n")


def test_a_signal_that_is_ignored_stays_so_during_imports(tmp_path):
    """As under nohup, which ignores a terminal that closes."""
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGHUP)\nraise SystemExit(7)\n")
    root = str(Path(__file__).resolve().parents[2])
    environ = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}"}
    line = ["nohup", *PYTHON, "check"]
    assert subprocess.run(line, cwd=tmp_path, env=environ, capture_output=True).returncode == 7


def test_an_import_that_was_interrupted_and_says_something_else_is_an_interruption(monkeypatch, capsys):
    def importing(*args, **more):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise ImportError("numpy is not installed") from None

    monkeypatch.setattr("binpack.agents.evaluation.evaluate", importing)
    code = main(["evaluate", "--agent", "first_fit", "--bin", "4x4x4", "--items", "random:1-2", "--n", "2"])
    assert (code, capsys.readouterr().err) == (130, "binpack: interrupted\n")


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopped_by_signals():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_signals_wait_until_the_end_of_the_block():
    reached = []
    with pytest.raises(Interrupted) as stop, stopped_by_signals(), signals_wait():
        os.kill(os.getpid(), signal.SIGTERM)
        reached.append(1)
    assert reached and stop.value.code == 143


def test_signals_wait_where_a_thread_of_a_library_takes_them():
    """The kernel gives a process's signal to any thread that does not hold it back."""
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    reached = []
    try:
        with pytest.raises(Interrupted) as stop, stopped_by_signals(), signals_wait():
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.1)
            reached.append(1)
    finally:
        done.set()
        other.join()
    assert reached and stop.value.code == 129


def test_another_thread_leaves_the_signals_alone():
    ended = []

    def run() -> None:
        with stopped_by_signals():
            ended.append(1)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert ended


EARLY = """
import os, runpy, signal, sys

class Press:
    def find_spec(self, name, path=None, target=None):
        if name == WHEN:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

WHEN, *sys.argv = sys.argv[1:]
sys.meta_path.insert(0, Press())
runpy.run_module("binpack", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("when", ["typer", "pydantic", "binpack.cli", "binpack.cli.packing", "numpy"])
def test_ctrl_c_while_modules_are_imported_is_one_line(tmp_path, when):
    line = [sys.executable, "-c", EARLY, when, "binpack", "pack", "korea_post", "--bin", "40x40x40", "--cell", "5cm"]
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        line, cwd=tmp_path, env={**os.environ, "PYTHONPATH": root}, text=True, capture_output=True, timeout=300
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "binpack: interrupted\n")


LINES = {
    "pack": ["pack", "items.csv", "--bin", "4x4x4", "--seconds", "0"],
    "pack --json": ["pack", "items.csv", "--bin", "4x4x4", "--seconds", "0", "--json"],
    "evaluate": ["evaluate", "--agent", "first_fit", "--bin", "4x4x4", "--items", "items.csv", "--n", "2"],
    "show": ["show", "study.journal"],
    "train --help": ["train", "--help"],
    "action --schema": ["action", "--schema"],
    "check": ["check"],
    "--version": ["--version"],
}


@pytest.mark.parametrize("line", LINES)
def test_who_reads_the_lines_may_stop_reading(tmp_path, line):
    (tmp_path / "items.csv").write_text("length,width,height,quantity\n" + "2,2,2,9\n" * 9)
    before = Path(__file__).resolve().parents[1] / "written_before" / "study.journal"
    (tmp_path / "study.journal").write_bytes(before.read_bytes())
    process = start(LINES[line], tmp_path, stdout=subprocess.PIPE)
    process.stdout.close()
    said = process.stderr.read()
    process.wait(timeout=300)
    assert "Traceback" not in said and "Broken pipe" not in said and "BrokenPipe" not in said
    if line.startswith("pack"):
        assert {path.name for path in tmp_path.glob("packed_bin*")} == {"packed_bin.html", "packed_bin.png"}
        assert all(path.stat().st_size > 1000 for path in tmp_path.glob("packed_bin*"))
