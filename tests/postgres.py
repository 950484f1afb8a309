"""A PostgreSQL server that a test starts for itself, on loopback, and stops."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

USER, PASSWORD = "learner", "s3cret/pass@word"
_READY = "ready to accept connections"


def binaries() -> Path | None:
    """Return the folder of the server's programs; Debian keeps them off the path."""
    places = [Path(found).parent for found in [shutil.which("initdb")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


class Server:
    """A server that can be stopped and started again; see ``running``.

    Args:
        folder: for everything that it keeps.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs = binaries()
        if self._programs is None:
            pytest.skip("no PostgreSQL server is installed here (apt-get install postgresql)")
        if importlib.util.find_spec("psycopg") is None:
            pytest.skip("no driver of PostgreSQL is installed here (pip install 'psycopg[binary]')")
        self._who: dict = {}
        folder.mkdir(parents=True)
        if os.geteuid() == 0:
            self._who = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(folder, "nobody", "nogroup")
            if subprocess.run(["test", "-w", str(folder)], **self._who).returncode:
                pytest.skip(f"PostgreSQL does not run as root, and nobody else reaches {folder}")
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        make = [self._programs / "initdb", "-D", folder / "data", "-U", USER, "--auth=scram-sha-256"]
        make += [f"--pwfile={secret}", "--no-sync", "--locale=C", "--encoding=UTF8"]
        subprocess.run(make, check=True, capture_output=True, cwd=folder, **self._who)
        self.port = _free_port()
        self._process: subprocess.Popen | None = None

    def url(self, database: str = "postgres", driver: str = "") -> str:
        """Return a database's URL, the password quoted in it."""
        return f"postgresql{driver}://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it where it does not run, and wait until it answers."""
        if self._process is not None:
            return
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        file = self._folder / "log"
        file.touch()
        before = file.read_text().count(_READY)
        with file.open("a") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", *options],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._who,
            )
        _wait(self.port, self._process, file, before)

    def stop(self) -> None:
        """Stop it at once, as a power failure would: SIGQUIT; connections are lost in the middle."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(60)
            self._process = None


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Run a server with one user and one password.

    Args:
        folder: new, and reachable for an unprivileged user where this process is root, whom the server refuses.
    """
    made = Server(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@contextlib.contextmanager
def own_server(root: Path) -> Iterator[Server]:
    """Run a server in a folder that is gone afterwards: of the checkout, or of /tmp where its own is private.

    Args:
        root: the checkout.
    """
    # Short, and outside of pytest's folders, which are closed to everybody else.
    (root / ".cache").mkdir(exist_ok=True)
    # the server is another user's where this process is root
    reachable = (root / ".cache").stat().st_mode & 0o011 == 0o011
    folder = Path(tempfile.mkdtemp(prefix="pg", dir=root / ".cache" if reachable else "/tmp"))
    folder.chmod(0o755)
    try:
        with server(folder / "server") as made:
            yield made
    finally:
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait(port: int, process: subprocess.Popen, log: Path, before: int) -> None:
    for _ in range(600):
        if log.read_text().count(_READY) > before:
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"the server does not answer on port {port}: {log.read_text()}")
