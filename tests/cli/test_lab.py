"""``lab``: JupyterLab on the learner's own copy of the lessons, on this machine alone; and its port and browser."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from binpack import system
from binpack.__main__ import main
from binpack.cli import lab

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with the lessons 00 and 03, where this process looks for them."""
    root = tmp_path / "checkout"
    for name in ("00_start_here", "03_packing"):
        for folder in (root / "notebooks", root / "notebooks" / "solutions"):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.ipynb").write_text(NOTEBOOK)
    monkeypatch.setattr(system, "checkout", lambda: root)
    return root


def test_lab_command_keeps_to_this_machine_and_opens_the_first_lesson_of_the_learners_copy(checkout):
    command = lab.lab_command(checkout, 9999, browser=False)
    assert command[:4] == [sys.executable, "-m", "jupyterlab", str(checkout / "my_lessons")]
    assert {"--ServerApp.ip=127.0.0.1", "--ServerApp.port=9999", "--ServerApp.open_browser=False"} <= set(command)
    assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in command
    assert not any("token" in part or "password" in part for part in command)


def test_the_wheel_scrolls_over_scenes_by_a_style_that_jupyterlab_is_told_to_read(checkout, tmp_path):
    lab.write_settings(tmp_path)
    assert ".gl-container { pointer-events: none; }" in (tmp_path / "custom" / "custom.css").read_text()
    assert "--LabApp.custom_css=True" in lab.lab_command(checkout, 9999, browser=False)


def test_reset_renews_a_lesson_says_where_the_old_one_is_and_starts_nothing(checkout, monkeypatch, capsys):
    monkeypatch.setattr(os, "execv", lambda *command: pytest.fail("JupyterLab was started"))
    assert main(["lab", "--reset", "3"]) == 0
    assert capsys.readouterr().out == "my_lessons/03_packing.ipynb is as the course has it.\n"
    (checkout / "my_lessons" / "03_packing.ipynb").write_text("mine")
    assert main(["lab", "--reset", "03"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "my_lessons/03_packing.ipynb is as the course has it.",
        "Yours is now my_lessons/03_packing_mine_1.ipynb.",
        "In a JupyterLab that runs: File, Reload Notebook from Disk.",
    ]
    assert (checkout / "my_lessons" / "03_packing.ipynb").read_text() == NOTEBOOK
    assert (checkout / "my_lessons" / "03_packing_mine_1.ipynb").read_text() == "mine"


def test_what_cannot_be_is_answered_in_one_line(checkout, capsys):
    assert main(["lab", "--reset", "12"]) == 2
    assert capsys.readouterr().err == "binpack: error: there is no lesson '12'; there are 00, 03\n"
    (checkout / "my_lessons").write_text("a file")
    assert main(["lab"]) == 2
    assert capsys.readouterr().err == f"binpack: error: {checkout}/my_lessons: File exists\n"
    shutil.rmtree(checkout / "notebooks")
    assert main(["lab"]) == 2
    assert f"{checkout} has no notebooks: run the command in a checkout of the course" in capsys.readouterr().err


def test_browser_only_where_someone_sees_it(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    assert not lab.has_display()
    monkeypatch.setenv("DISPLAY", ":0")
    assert lab.has_display()
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    assert not lab.has_display()


def test_taken_ports_are_passed_over():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert lab.free_port(port) > port
        with pytest.raises(ValueError, match="no free port"):
            lab.free_port(port, tries=1)


def test_lab_answers_on_this_machine_with_its_token_and_shows_lesson_00(tmp_path):
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "binpack", root / "binpack", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns("source"))
    shutil.copy(ROOT / "pyproject.toml", root)
    (tmp_path / "home").mkdir()
    port = lab.free_port(18888)
    runtime = root / ".cache" / "jupyter" / "runtime"
    runtime.mkdir(parents=True)
    (runtime / "jpserver-4194305-open.html").write_text("a token of before")
    command = [sys.executable, "-m", "binpack", "lab", "--port", str(port), "--no-browser"]
    environ = {**os.environ, "HOME": str(tmp_path / "home"), "PYTHONPATH": str(root)}
    with subprocess.Popen(
        command, cwd=root, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, umask=0
    ) as server:
        try:
            lines = []
            for line in server.stdout:
                lines.append(line)
                found = re.search(rf"http://127\.0\.0\.1:{port}(/lab/tree/00_start_here\.ipynb)\?token=(\w+)", line)
                if found:
                    break
            assert found, "".join(lines)
            assert lines[0].startswith("Your own copy of the lessons is in my_lessons/.")
            assert f"ssh -L {port}:localhost:{port} user@instance" in "".join(lines)
            status = json.loads(answer(f"http://127.0.0.1:{port}/api/status?token={found[2]}"))
            assert status["kernels"] == 0
            page = answer(f"http://127.0.0.1:{port}{found[1]}?token={found[2]}")
            assert '"news": {"disabled": true}' in page
            there = json.loads(answer(f"http://127.0.0.1:{port}/api/contents/?token={found[2]}"))["content"]
            assert {each["name"] for each in there} == {path.name for path in (root / "notebooks").iterdir()}
            with pytest.raises(urllib.error.HTTPError, match="403"):
                answer(f"http://127.0.0.1:{port}/api/status")
            # who has the token has a terminal of this user's
            written = {path.name: path.stat().st_mode & 0o777 for path in runtime.iterdir()}
            assert runtime.stat().st_mode & 0o777 == 0o700
            assert f"jpserver-{server.pid}-open.html" in written and set(written.values()) == {0o600}
            assert "jpserver-4194305-open.html" not in written
        finally:
            server.send_signal(signal.SIGTERM)
    assert list((tmp_path / "home").iterdir()) == []


def answer(url: str) -> str:
    """Fetch a page; the server says its address a moment before it listens."""
    for _ in range(50):
        try:
            with urllib.request.urlopen(url, timeout=10) as page:
                return page.read().decode()
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError(f"no answer from {url}")
