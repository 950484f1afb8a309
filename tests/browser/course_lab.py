"""JupyterLab, started with the README's own command in a copy of the checkout, and a browser, both without a way out.

Server, kernels and browser share a network namespace that holds nothing but 127.0.0.1. Where the machine forbids
namespaces, Python's own connections are refused (``no_way_out.py``) and the browser gets a proxy that nobody
answers. Either way every other host that is asked for is named in `CourseLab.outside`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from binpack.course import working_copy

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

ROOT = Path(__file__).resolve().parents[2]
NO_WAY_OUT = Path(__file__).resolve().parent / "no_way_out.py"
WIDTH, HEIGHT = 1366, 768
"""The most frequent small laptop screen, in pixels."""

_LOOPBACK = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
    fcntl.ioctl(device, 0x8914, struct.pack("16sh22x", b"lo", 0x41))  # SIOCSIFFLAGS: up and running, netdevice(7)
os.execv(sys.argv[1], sys.argv[1:])
"""


def chromium() -> str | None:
    """Return the program of a Chromium that is installed here, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for found in map(shutil.which, names) if found), None)


@cache
def namespace() -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return how a command is started without a network and how another one joins it; None where that is forbidden."""
    ways = (("--net",), ("--net",)), (("--net", "--map-root-user"), ("--net", "--user", "--preserve-credentials"))
    for own, join in ways:
        with contextlib.suppress(OSError):
            tried = subprocess.run(["unshare", *own, sys.executable, "-c", _LOOPBACK, "/bin/true"], capture_output=True)
            if tried.returncode == 0:
                return ("unshare", *own), ("nsenter", *join)
    return None


def alone() -> list[str]:
    """Return what to put before a command, to start it without a network; nothing where that is forbidden."""
    return [] if namespace() is None else [*namespace()[0], sys.executable, "-c", _LOOPBACK]


@dataclass
class CourseLab:
    """A JupyterLab that runs.

    Attributes:
        copy: the copy of the checkout that it runs in.
        served: the folder that it shows.
        address: what it prints, with its token.
        process: the server.
        environment: variables that the server and its kernels run with.
        outside: hosts that the browser asked for, each with the address.
    """

    copy: Path
    served: Path
    address: str
    process: subprocess.Popen
    environment: dict[str, str]
    outside: list[str] = field(default_factory=list)

    @property
    def token(self) -> str:
        """What lets a browser in."""
        return self.address.rpartition("token=")[2]

    def asked_for(self) -> list[str]:
        """Return every other host that the browser, the server or a kernel asked for."""
        return self.outside + _lines(self.copy.parent / "asked")

    def forget(self) -> None:
        """Forget who was asked for so far."""
        self.outside.clear()
        (self.copy.parent / "asked").unlink(missing_ok=True)

    def place(self, source: Path) -> Path:
        """Return the learner's copy of a notebook of the checkout."""
        return self.served / source.relative_to(ROOT / "notebooks")

    def url(self, notebook: Path) -> str:
        """Return the address of a notebook of the served folder."""
        parts = urlsplit(self.address)
        where = notebook.relative_to(self.served).as_posix()
        return f"{parts.scheme}://{parts.netloc}/lab/tree/{where}?reset&token={self.token}"


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@contextlib.contextmanager
def running_lab(folder: Path) -> Iterator[CourseLab]:
    """Copy the checkout, start JupyterLab in the copy, and stop it.

    Args:
        folder: a folder that exists; the copy, the server's log and the hosts that were asked for go there.
    """
    copy = folder / "checkout"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", ".cache", "runs", "my_lessons"))
    (folder / "python").mkdir()
    shutil.copy(NO_WAY_OUT, folder / "python" / "sitecustomize.py")
    environment = dict(os.environ, PYTHONPATH=f"{folder / 'python'}:{copy}", ASKED_FOR_HOSTS=str(folder / "asked"))
    for name in [name for name in environment if name.startswith(("JUPYTER", "PYTEST", "COV_")) or name == "TMPDIR"]:
        del environment[name]  # the checkout's own folders; the copy has its own
    _record_times(copy)
    command = [sys.executable, "-m", "binpack", "lab", "--no-browser", "--port", str(18000 + os.getpid() % 2000)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*alone(), *command], cwd=copy, env=environment, stdout=log, stderr=log)
    try:
        address = _wait_for_address(process, folder / "log")
        yield CourseLab(copy, copy / working_copy.FOLDER, address, process, environment)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _record_times(copy: Path) -> None:
    """Have JupyterLab keep how long each cell took, in the notebook's metadata; nothing of it is seen."""
    folder = copy / ".cache" / "jupyter" / "lab" / "settings" / "@jupyterlab" / "notebook-extension"
    folder.mkdir(parents=True)
    (folder / "tracker.jupyterlab-settings").write_text('{"recordTiming": true}\n')


def _wait_for_address(process: subprocess.Popen, log: Path) -> str:
    for _ in range(1200):
        found = re.search(r"http://127\.0\.0\.1:\d+/lab\S*\?\S*token=\w+", log.read_text())
        if found:
            return found[0]
        assert process.poll() is None, f"JupyterLab ended:\n{log.read_text()}"
        time.sleep(0.1)
    raise AssertionError(f"JupyterLab printed no address:\n{log.read_text()}")


@contextlib.contextmanager
def open_browser(lab: CourseLab, folder: Path) -> Iterator[BrowserContext]:
    """Start a browser beside a server, without a way out, and close it.

    Args:
        lab: whose network it shares; what it asks for elsewhere is noted there.
        folder: a folder that exists; the browser's home goes there.
    """
    from playwright.sync_api import sync_playwright

    program, home = chromium(), folder / "home"
    assert program, "no Chromium is installed"
    home.mkdir(exist_ok=True)
    settings: dict[str, Any] = {"env": {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home)}}
    if namespace() is None:
        settings["proxy"] = {"server": "http://127.0.0.1:9", "bypass": "127.0.0.1"}
    else:
        starter = folder / "chromium"
        joined = [*namespace()[1], "--target", str(lab.process.pid), program]
        starter.write_text(f'#!/bin/sh\nexec {shlex.join(joined)} "$@"\n')
        starter.chmod(0o755)
        program = str(starter)
    with sync_playwright() as playwright:
        # the scenes are drawn by the processor: no machine of ours has a graphics card to rely on
        options = ["--enable-unsafe-swiftshader"]
        browser = playwright.chromium.launch(executable_path=program, args=options, **settings)
        try:
            context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
            context.on("request", lambda request: _note(lab, request.url))
            context.on("page", lambda page: page.on("websocket", lambda socket: _note(lab, socket.url)))
            yield context
        finally:
            browser.close()


def _note(lab: CourseLab, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("data", "blob", "about") and parts.hostname != "127.0.0.1":
        lab.outside.append(f"{parts.hostname} (the browser, {url})")
