"""A cloud instance that is this machine: an sshd of its own on loopback, with keys made for the test."""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from guides import reader_environment

PROGRAMS = {"sshd": "openssh-server", "ssh": "openssh-client", "ssh-keygen": "openssh-client", "tmux": "tmux"}
"""What is needed, and the Debian packages that have it."""
_SFTP = [Path(folder) / "sftp-server" for folder in ("/usr/lib/openssh", "/usr/libexec/openssh", "/usr/lib/ssh")]
"""What copies files at the far end of ``scp``, wherever a system has it."""
_RUN_SSHD = Path("/run/sshd")
"""Where Debian's sshd puts its unprivileged part if it runs as root; its service makes the folder."""


@dataclass(frozen=True)
class Instance:
    """An instance that runs.

    Attributes:
        home: the home folder of its user; what is asked of ``sudo`` is noted in ``asked_of_root`` there.
        address: of its sshd.
        port: of its sshd.
        user: whom to log in as.
        known_hosts: a file with its host key.
        authorized_keys: the file that its sshd looks keys up in; its user's own.
        server: the sshd.
    """

    home: Path
    address: str
    port: int
    user: str
    known_hosts: Path
    authorized_keys: Path
    server: psutil.Process

    def processes(self) -> list[psutil.Process]:
        """Return its sshd, and every process that a session of it started and that still runs."""
        return [self.server, *self.server.children(recursive=True), *processes_of(self.home)]


def missing() -> str:
    """Say what must be installed before an instance can run; empty where all is there."""
    packages = sorted({package for program, package in PROGRAMS.items() if _which(program) is None})
    return f"no {', '.join(packages)} here (apt-get install {' '.join(packages)})" if packages else ""


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


def processes_of(home: Path) -> list[psutil.Process]:
    """Return the processes that run with a home folder, whoever their parents are.

    Args:
        home: the folder; a test's own.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("HOME") == str(home):
                found.append(process)
    return found


@contextlib.contextmanager
def running_instance(folder: Path) -> Iterator[Instance]:
    """Run an sshd that lets one key in, and end it with all that its sessions left behind.

    Args:
        folder: new; host key, log and the user's home go there.
    """
    if why := missing():
        pytest.skip(why)
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "host_key"], check=True)
    with _sockets() as sockets, contextlib.ExitStack() as stack:
        port = _free_port()
        (folder / "sshd_config").write_text(_config(folder, port, sockets))
        if os.geteuid() == 0 and not _RUN_SSHD.exists():
            _RUN_SSHD.mkdir(mode=0o755)
            stack.callback(_RUN_SSHD.rmdir)
        with (folder / "sshd.log").open("w") as log:
            command = [_which("sshd"), "-D", "-e", "-f", folder / "sshd_config"]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        server = psutil.Process(process.pid)
        stack.callback(_end, server, home)
        _wait(port, process, folder / "sshd.log")
        known = folder / "known_hosts"
        public = (folder / "host_key.pub").read_text().split()
        known.write_text(f"[127.0.0.1]:{port} {public[0]} {public[1]}\n")
        keys = home / ".ssh" / "authorized_keys"
        yield Instance(home, "127.0.0.1", port, getpass.getuser(), known, keys, server)


@contextlib.contextmanager
def _sockets() -> Iterator[Path]:
    """Make a folder for tmux's socket: its path must be short, which a test's folder is not."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def _config(folder: Path, port: int, sockets: Path) -> str:
    home, programs = folder / "home", folder / "programs"
    programs.mkdir()
    (programs / "sudo").write_text('#!/bin/sh\necho "$@" >> "$HOME/asked_of_root"\n')
    (programs / "sudo").chmod(0o755)
    inherited = reader_environment({})
    wanted = {
        "PATH": f"{programs}:{inherited['PATH']}",
        "HOME": str(home),
        "PYTHONPATH": str(home / "binpack"),
        "COLUMNS": inherited["COLUMNS"],
        "TERM": "xterm",
        "TMUX_TMPDIR": str(sockets),
    }
    login = folder / "login"
    login.write_text(
        "#!/bin/bash\n"
        + "".join(f"export {name}={shlex.quote(value)}\n" for name, value in wanted.items())
        + f'cd {shlex.quote(str(home))}\nexec bash -c "$SSH_ORIGINAL_COMMAND"\n'
    )
    login.chmod(0o755)
    # the files' folders may be written by others where the tests run, and nobody has a password
    return f"""
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/home/.ssh/authorized_keys
StrictModes no
PidFile none
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowAgentForwarding no
X11Forwarding no
Subsystem sftp {next(filter(Path.exists, _SFTP), _SFTP[0])}
ForceCommand {login}
"""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait(port: int, server: subprocess.Popen, log: Path) -> None:
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise AssertionError(f"sshd does not answer on port {port}: {log.read_text()}")


def _end(server: psutil.Process, home: Path) -> None:
    left = [server, *server.children(recursive=True), *processes_of(home)]
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs(left, timeout=10)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=10)


def listening(processes: Iterable[psutil.Process]) -> set[tuple[str, int]]:
    """Return the addresses and ports that processes listen on.

    Args:
        processes: those that still run.
    """
    found = set()
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            for each in process.net_connections("tcp"):
                if each.status == psutil.CONN_LISTEN:
                    found.add((each.laddr.ip, each.laddr.port))
    return found
