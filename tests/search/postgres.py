"""A PostgreSQL server that a test starts for itself, on loopback, and stops."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

USER, PASSWORD = "learner", "s3cret/pass@word"


def binaries() -> Path | None:
    """Return the folder of the server's programs; Debian keeps them off the path."""
    places = [Path(found).parent for found in [shutil.which("initdb")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[int]:
    """Run a server with one user and one password, and yield its port.

    Args:
        folder: new, and reachable for an unprivileged user where this process is root, whom the server refuses.
    """
    programs = binaries()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed here (apt-get install postgresql)")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("no driver of PostgreSQL is installed here (pip install 'psycopg[binary]')")
    who = {}
    folder.mkdir(parents=True)
    if os.geteuid() == 0:
        who = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        shutil.chown(folder, "nobody", "nogroup")
        if subprocess.run(["test", "-w", str(folder)], **who).returncode:
            pytest.skip(f"PostgreSQL does not run as root, and nobody else reaches {folder}")
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    data = folder / "data"
    make = [programs / "initdb", "-D", data, "-U", USER, "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"]
    subprocess.run([*make, "--locale=C", "--encoding=UTF8"], check=True, capture_output=True, cwd=folder, **who)
    port = _free_port()
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *options], stdout=log, stderr=log, cwd=folder, **who
        )
    try:
        _wait(port, server, folder / "log")
        yield port
    finally:
        # SIGQUIT: at once; nothing is worth a checkpoint
        server.send_signal(3)
        server.wait(30)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait(port: int, server: subprocess.Popen, log: Path) -> None:
    for _ in range(300):
        if "ready to accept connections" in log.read_text():
            return
        assert server.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"the server does not answer on port {port}: {log.read_text()}")
