"""The guide to a cloud instance, typed against an instance that is this machine: a real sshd, tunnel and JupyterLab."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import socket
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import instance
import psutil
import pytest
import websocket
from guides import ROOT, Block, Guide, Reader, run
from instance import Instance, listening, processes_of, running_instance

from binpack.system import pins

COMMAND = "tune --items random:2-5 --bin 10x10x10 --trials 40 --steps 20000 --storage study.journal"
"""What the guide trains, in every way in which it starts it."""
TINY = (
    "tune --items random:2-3 --bin 6x6x6 --trials 3 --steps 256 --n-envs 4 --set n_steps=32 --set batch_size=64"
    " --set policy=mlp --space space.json --seeds 1 --final-seeds 0 --jobs 1 --storage study.journal"
)
SPACE = '{"parameters": {"learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": true}}}'
NOTEBOOK = "00_start_here.ipynb"
GUIDE = Guide.read("cloud.md")
HERE = Path(__file__).read_text(encoding="utf-8")


def wait_for(what: str, there: Callable[[], Any], seconds: float = 240) -> Any:
    """Return what a function returns as soon as that is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := there():
            return found
        time.sleep(0.2)
    raise AssertionError(f"no {what} after {seconds} s")


def answers(port: int) -> bool:
    """Say whether somebody listens at a port of 127.0.0.1."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class CloudReader(Reader):
    """A reader with a computer and an instance.

    Both are this machine, so that a port has another number at the near end of a tunnel than at its far end.

    Args:
        folder: of the computer.
        there: an instance that runs; its checkout is in place, its key is not.
    """

    def __init__(self, folder: Path, there: Instance) -> None:
        self.instance = there
        self.near = {port: free_port() for port in (8888, 9999, 6006, 8080)}
        self.far = {port: free_port() for port in (8888, 6006, 8080)}
        both = {8888: 8888, 6006: 6006, 8080: 8080, 9999: 8888}
        self.guide = Guide.read(
            "cloud.md",
            {
                **{f"-L {a}:localhost:{b}": f"-L {self.near[a]}:localhost:{self.far[b]}" for a, b in both.items()},
                "listen to port: 8888": f"listen to port: {self.near[8888]}",
                "binpack lab'": f"binpack lab --port {self.far[8888]}'",
                "127.0.0.1:8888": f"127.0.0.1:{self.far[8888]}",
                "--port 6006": f"--port {self.far[6006]}",
                COMMAND: TINY,
                COMMAND.replace("study.", "rehearsal."): TINY.replace("study.", "rehearsal."),
                "KILL 60": "KILL 4",
                "sleep 5": "sleep 1",
                "203.0.113.7": there.address,
                "User ubuntu": f"User {there.user}",
                "~/.ssh/course_ed25519": str(folder / "home" / ".ssh" / "course_ed25519"),
                "/home/ubuntu": str(there.home),
            },
        )
        programs = folder / "programs"
        programs.mkdir(parents=True)
        (folder / "home" / ".ssh").mkdir(parents=True)
        for name in ("ssh", "scp"):  # SSH looks its configuration up in the home that the system knows
            (programs / name).write_text(f'#!/bin/sh\nexec {shutil.which(name)} -F {folder}/config "$@"\n')
            (programs / name).chmod(0o755)
        super().__init__(folder, {"HOME": str(folder / "home")})
        self.environment["PATH"] = f"{programs}:{self.environment['PATH']}"

    def typed(self, block: Block) -> list[str]:
        """Type a block on the computer, or through SSH in the instance's checkout."""
        command = super().typed(block)
        if block.marks.get("on") == "instance":
            return ["ssh", "course", f"cd binpack && {shlex.join(command)}"]
        return command

    def take_section(self, heading: str) -> None:
        """Take the blocks below a heading."""
        for block in self.guide.section(heading):
            self.take(block)

    def log_in(self) -> None:
        """Make the key, bring it to the instance, and let SSH know the instance."""
        key, config, _ = self.guide.section("A key and a name")
        self.take(key)
        self.instance.authorized_keys.write_text(self.printed)
        self.take(config)
        with (self.folder / "config").open("a") as file:
            file.write(f"    Port {self.instance.port}\n    UserKnownHostsFile {self.instance.known_hosts}\n")
            file.write("    StrictHostKeyChecking yes\n    IdentitiesOnly yes\n    IdentityAgent none\n")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudReader]:
    """A reader who can log in, and an instance with a checkout whose environment is this one."""
    folder = tmp_path_factory.mktemp("cloud")
    with running_instance(folder / "instance") as there:
        checkout = there.home / "binpack"
        unwanted = shutil.ignore_patterns(".*", "__pycache__", "tests", "my_lessons", "runs", "solutions")
        shutil.copytree(ROOT, checkout, ignore=unwanted)
        (checkout / ".venv").symlink_to(sys.prefix)
        (checkout / "space.json").write_text(SPACE)
        reader = CloudReader(folder / "computer", there)
        reader.log_in()
        yield reader
        reader.close()


@pytest.fixture(scope="module")
def token(cloud: CloudReader) -> str:
    """The token of the JupyterLab that the guide starts."""
    cloud.take_section("JupyterLab")
    return cloud.printed.strip().rpartition("token=")[2]


@pytest.fixture
def tunnel(cloud: CloudReader, token: str) -> Iterator[str]:
    """The address of JupyterLab at the near end of the guide's tunnel."""
    cloud.take_section("The tunnel")
    address = f"http://127.0.0.1:{cloud.near[8888]}"
    wait_for("tunnel", lambda: asked(f"{address}/api", token))
    yield address
    cloud.close()
    wait_for("end of the tunnel", lambda: not answers(cloud.near[8888]))


@pytest.fixture(scope="module")
def study(cloud: CloudReader) -> Path:
    """The storage of the study that the guide starts, once it is complete."""
    start, _, table = cloud.guide.section("Training in a process of its own")
    cloud.take(start)
    checkout = cloud.instance.home / "binpack"
    log = checkout / "study.log"
    wait_for("best configuration", lambda: log.exists() and "Best configuration" in log.read_text())
    cloud.take(table)
    return checkout / "study.journal"


def asked(url: str, token: str | None = None, data: Mapping[str, Any] | None = None) -> Any:
    """Ask JupyterLab's API; None where nobody answers."""
    body = None if data is None else json.dumps(data).encode()
    headers = {} if token is None else {"Authorization": f"token {token}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as page:
            return json.loads(page.read())
    except urllib.error.HTTPError:
        raise
    except OSError:
        return None


class Kernel:
    """A kernel that is spoken to as a notebook's page does.

    Args:
        address: of JupyterLab.
        token: its token.
        kernel: which one; None for a new one.
    """

    def __init__(self, address: str, token: str, kernel: str | None = None) -> None:
        self.name = kernel or asked(f"{address}/api/kernels", token, {"name": "python3", "path": NOTEBOOK})["id"]
        url = f"{address.replace('http', 'ws', 1)}/api/kernels/{self.name}/channels"
        self._socket = websocket.create_connection(url, header=[f"Authorization: token {token}"], timeout=240)

    def run(self, code: str) -> str:
        """Execute a cell and return what it printed."""
        number = uuid.uuid4().hex
        header = {"msg_id": number, "username": "", "session": number, "msg_type": "execute_request", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        self._socket.send(json.dumps(message))
        printed = []
        while True:
            came = json.loads(self._socket.recv())
            if came["parent_header"].get("msg_id") != number:
                continue
            assert came["msg_type"] != "error", came["content"]
            if came["msg_type"] == "stream":
                printed.append(came["content"]["text"])
            elif came["msg_type"] == "status" and came["content"]["execution_state"] == "idle":
                return "".join(printed)


def test_every_block_that_can_be_run_is_run():
    headings = {block.heading for block in GUIDE.blocks if block.handling in ("bash", "python", "stays", "file")}
    assert {heading for heading in headings if f'"{heading}"' not in HERE} == set()


def test_all_ways_to_start_the_study_are_one_command():
    started = re.findall(r"binpack (tune [^\n|&>']*?journal)", GUIDE.text)
    assert len(started) == 5 and set(started) == {COMMAND, COMMAND.replace("study.", "rehearsal.")}


def test_the_environment_is_made_as_the_readme_says():
    (block,) = GUIDE.section("Packages, clone, environment")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    packages, _, make, torch, install = block.text.splitlines()
    assert f"{make} && {install} && .venv/bin/python -m" in readme
    assert {"git", "python3-venv"} <= set(packages.split()) and "sudo apt install git python3-venv" in readme
    pinned = pins((ROOT / "requirements.txt").read_text())
    assert f" torch=={pinned['torch']} " in torch
    (dashboard,) = [each.text for each in GUIDE.blocks if "optuna-dashboard" in each.text]
    assert f"optuna=={pinned['optuna']} " in dashboard


def test_the_key_lets_in_and_only_the_known_machine_is_spoken_to(cloud):
    *_, greeting = cloud.guide.section("A key and a name")
    cloud.take(greeting)
    assert cloud.printed == f"{cloud.instance.user} is on Linux\n"
    unknown = ["ssh", "-o", "UserKnownHostsFile=/dev/null", "course", "true"]
    code, printed = run(unknown, cloud.folder, cloud.environment)
    assert code == 255 and "Host key verification failed" in printed
    keys = cloud.instance.authorized_keys
    lets_in = keys.read_text()
    keys.write_text("")
    code, printed = run(["ssh", "course", "true"], cloud.folder, cloud.environment)
    keys.write_text(lets_in)
    assert code == 255 and "Permission denied (publickey)" in printed


def test_the_machine_is_looked_at(cloud):
    cloud.take_section("CPU or GPU")


def test_the_tunnel_carries_a_notebooks_execution(cloud, token, tunnel):
    kernel = Kernel(tunnel, token)
    assert kernel.run("import os; print(6 * 7, os.getcwd())") == f"42 {cloud.instance.home}/binpack/my_lessons\n"


def test_without_the_token_nothing_answers(tunnel):
    for path in ("/api/contents", "/api/kernels", "/api/terminals"):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            asked(tunnel + path)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            asked(tunnel + path, "0" * 48)
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        websocket.create_connection(f"{tunnel.replace('http', 'ws', 1)}/api/kernels/{uuid.uuid4()}/channels")
    with urllib.request.urlopen(f"{tunnel}/lab", timeout=60) as page:
        assert page.url.startswith(f"{tunnel}/login?") and "kernel" not in page.read().decode()


def test_nothing_listens_anywhere_else_than_on_this_machine(cloud, token, tunnel):
    kernel = Kernel(tunnel, token)
    assert kernel.run("print(1)") == "1\n"
    there = listening(cloud.instance.processes())
    here = listening(processes_of(cloud.folder / "home"))
    assert {("127.0.0.1", port) for port in (cloud.far[8888], cloud.instance.port)} <= there
    assert ("127.0.0.1", cloud.near[8888]) in here
    assert {address for address, _ in there | here} == {"127.0.0.1"}


def test_a_busy_port_is_told_and_another_one_taken(cloud, token, tunnel):
    cloud.take_section("A busy port")
    wait_for("second tunnel", lambda: asked(f"http://127.0.0.1:{cloud.near[9999]}/api", token))


def test_after_a_dropped_connection_the_kernel_is_as_it_was(cloud, token):
    cloud.take_section("A dropped connection")
    address = f"http://127.0.0.1:{cloud.near[8888]}"
    wait_for("tunnel", lambda: asked(f"{address}/api", token))
    kernel = Kernel(address, token)
    assert kernel.run("kept = 6 * 7; print(kept)") == "42\n"
    dropped = cloud.instance.server.children(recursive=True)
    assert dropped
    for process in dropped:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    with pytest.raises((OSError, websocket.WebSocketException)):
        kernel.run("print(kept)")
    wait_for("tunnel again", lambda: asked(f"{address}/api", token))
    assert Kernel(address, token, kernel.name).run("print(kept)") == "42\n"
    cloud.close()


def test_a_notebook_looks_at_a_study_that_has_a_process_of_its_own(cloud, token, tunnel, study):
    _, cell, _ = cloud.guide.section("Training in a process of its own")
    assert Kernel(tunnel, token).run(cell.text).startswith("3 of 3 trials (3 complete)")


def test_one_tunnel_carries_tensorboard_too(cloud, token, study):
    cloud.take_section("TensorBoard and Optuna Dashboard")
    wait_for("tunnel", lambda: asked(f"http://127.0.0.1:{cloud.near[8888]}/api", token))
    runs = wait_for("log", lambda: asked(f"http://127.0.0.1:{cloud.near[6006]}/data/runs"))
    assert any("trial_0000" in name for name in runs)
    assert {address for address, _ in listening(cloud.instance.processes())} == {"127.0.0.1"}
    cloud.close()


@pytest.mark.skipif(not all(map(shutil.which, ("uptime", "free", "top"))), reason="no procps (apt-get install procps)")
def test_the_machine_is_watched(cloud):
    cloud.take_section("Watching the machine")


def test_check_says_that_others_can_write_the_checkout(cloud):
    cloud.take_section("Several learners on one instance")


def test_a_spot_instance_goes_on_by_itself(cloud):
    unit = Guide("", GUIDE.text).section("Spot instances")[0].text
    assert f"ExecStart=/home/ubuntu/binpack/.venv/bin/python -m binpack {COMMAND}\n" in unit
    cloud.take_section("Spot instances")
    assert cloud.printed.splitlines()[-1].startswith("3 of 3 trials (3 complete)")
    if shutil.which("systemd-analyze"):
        made = ["systemd-analyze", "verify", "--man=no", str(cloud.folder / "binpack-study.service")]
        _, printed = run(made, cloud.folder, cloud.environment)
        assert "binpack-study.service" not in printed, printed


def test_the_machine_is_switched_off_after_the_study_and_not_after_a_mistake(cloud, study):
    off, copy = cloud.guide.section("Switching off")
    wanted = cloud.instance.home / "asked_of_root"
    wrong = {"text": off.text.replace("--trials 3", "--trials 0"), "marks": {"on": "instance", "fails": "2"}}
    cloud.take(Block(off.guide, off.line, off.language, **wrong))
    assert not wanted.exists()
    cloud.take(off)
    assert wanted.read_text() == "shutdown -h +2\n"
    cloud.take(copy)
    assert (cloud.folder / "study.journal").read_bytes() == study.read_bytes()
    assert (cloud.folder / "study.runs" / "best.json").exists()


def test_the_cost_is_reckoned(cloud):
    cloud.take_section("What it costs")


def test_what_is_missing_is_named_and_ci_installs_it(monkeypatch):
    monkeypatch.setattr(instance, "_which", lambda program: None)
    packages = sorted(set(instance.PROGRAMS.values()))
    assert instance.missing() == f"no {', '.join(packages)} here (apt-get install {' '.join(packages)})"
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert all(f"|| wanted+=({package})\n" in script for package in (*packages, "procps"))
