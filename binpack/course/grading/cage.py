"""A process for code that is not trusted: with limits of time, memory and files, and without the network.

Where the system lets it, the process has a network namespace of its own, in which there is no interface that leads
anywhere, and a namespace of processes, with which everything that it started ends. Elsewhere Python itself refuses
sockets, which code that is determined gets round. In either case the process reads and writes what its user can.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from binpack import system
from binpack.course.grading.worker import Task

START = 600.0
"""Seconds for importing a lesson, which takes a few; a machine may be busy."""
AT_THE_END = 10.0
"""Seconds for a process that has closed its output to end."""
LOOK = 0.2
"""Seconds between two looks whether to stop."""
MOST = 2**20
"""Bytes that a process may say."""
_ALONE = ("--net", "--pid", "--fork", "--kill-child")
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SYSTEMROOT", "TZ")
"""Variables of the environment that answers see; tokens and keys are in others."""


@dataclass(frozen=True)
class Network:
    """How the network is kept away.

    Attributes:
        prefix: the command before the process's own.
        guard: whether the process refuses sockets by itself.
        said: one line about it.
    """

    prefix: tuple[str, ...]
    guard: bool
    said: str


@functools.cache
def network() -> Network:
    """Try how the network can be kept away on this machine."""
    unshare = shutil.which("unshare")
    for rights in ((), ("--user", "--map-root-user")) if unshare else ():
        prefix = (str(unshare), *rights, *_ALONE)
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run([*prefix, "true"], check=True, capture_output=True, timeout=60)
            return Network(prefix, False, "no network: each process had a network namespace of its own")
    said = "no network by a guard within Python, which determined code gets round (unshare -n does not work here)"
    return Network((), True, said)


class Ended(Exception):
    """A process ended before it had said everything.

    Args:
        reason: one line.
        last: the last line of what it wrote to its standard error.
    """

    def __init__(self, reason: str, last: str = "") -> None:
        super().__init__(reason)
        self.last = last


def messages(task: Task, seconds: float, stop: threading.Event) -> Iterator[dict[str, Any]]:
    """Start a process on a task and yield what it says, until it is done.

    Args:
        task: what it is to judge.
        seconds: how long it may be silent once it has begun.
        stop: when it is set, the process is killed.

    Raises:
        Ended: it was killed because it said nothing for so long or was to stop, or it ended by itself before it was
            done.
    """
    with tempfile.TemporaryDirectory(prefix="grade_") as home, tempfile.TemporaryFile() as errors:
        process = _start(task, home, errors)
        try:
            wanted = len(task["wanted"])
            for message in _heard(process, seconds, stop):
                wanted -= "outcome" in message
                yield message
                if not wanted:
                    return
            raise Ended(_manner(process), _last_line(errors))
        finally:
            _end(process)


def _start(task: Task, home: str, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {name: path for name, path in system.private_folders().items() if name != "TMPDIR"}
    environment |= {"HOME": home, "TMPDIR": home, "PYTHONPATH": str(system.checkout()), "OMP_NUM_THREADS": "1"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "agg"}
    cage = network()
    process = subprocess.Popen(
        [*cage.prefix, sys.executable, "-P", "-m", "binpack.course.grading.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd=home,
        env=environment,
        start_new_session=True,
    )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin:
        process.stdin.write(json.dumps({**task, "guard": cage.guard}).encode())
    return process


def _heard(process: subprocess.Popen[bytes], seconds: float, stop: threading.Event) -> Iterator[dict[str, Any]]:
    """Yield the objects that a process writes, a line each, until it ends; what is no object is passed over."""
    assert process.stdout is not None
    said, rest, until = 0, b"", time.monotonic() + START
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(LOOK):
                if stop.is_set():
                    raise Ended("was stopped")
                if time.monotonic() > until:
                    raise Ended(f"did not end within {seconds:g} s, and its process was killed")
                continue
            piece = os.read(process.stdout.fileno(), 2**16)
            said += len(piece)
            if not piece:
                return
            if said > MOST:
                raise Ended("wrote to where its verdict is read")
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError, RecursionError):
                    message = json.loads(line)
                    if isinstance(message, dict):
                        yield message
                        until = time.monotonic() + seconds


def _manner(process: subprocess.Popen[bytes]) -> str:
    """Say how a process ended that says no more."""
    try:
        code = process.wait(AT_THE_END)
    except subprocess.TimeoutExpired:
        return "closed what its verdict is written to"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"ended its process ({signal.Signals(-code).name})"
    return f"ended its process (exit code {code})"


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    written = errors.read()[-2000:].decode("utf-8", "replace").strip().splitlines()
    return written[-1] if written else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and those that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
