"""What the machine and the environment offer: the rows behind ``python -m binpack check``, also shown in lesson 00.

Nothing here imports the rest of the package, and the heavy libraries are only looked at, except torch, which is the one
that knows about the GPU.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

PYTHONS = ((3, 11), (3, 13))
"""First and last version of Python that the pins were resolved for."""

INSTALL = f"{sys.executable} -m pip install -r requirements.txt"

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks a process to end: Ctrl-C, another program, a terminal that is closed."""

PRIVATE = 0o700
"""The mode of a folder that other users of the machine neither read nor write."""

GIB = 2**30
LONGEST_TMP = 72
"""Bytes of a temporary folder's path up to which a socket in it stays below the 107 that Linux allows."""


class Row(NamedTuple):
    """One line of the environment check.

    Attributes:
        name: what was looked at.
        ok: whether the course runs with it.
        detail: what was found.
        advice: what to do, empty where there is nothing to do.
    """

    name: str
    ok: bool
    detail: str
    advice: str = ""


def checkout() -> Path:
    """Return the folder that the package lies in.

    Where the package is editable it holds ``README.md``, ``notebooks`` and ``requirements.txt``; where it was installed
    otherwise it is ``site-packages``.
    """
    return Path(__file__).resolve().parents[1]


def cache_folder() -> Path:
    """Return where files may be written that nobody keeps: inside the checkout, or else in the user's own cache.

    The latter too where the checkout's is another user's.
    """
    root = checkout()
    if (root / "pyproject.toml").is_file() and (root / "notebooks").is_dir() and _is_own(root / ".cache"):
        return root / ".cache"
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The standard says that a path which is not absolute does not count.
    return (named if named.is_absolute() else Path.home() / ".cache") / "binpack"


def _is_own(folder: Path) -> bool:
    """Say whether a folder is this user's, or nobody's yet: in a checkout that is shared it is whose came first."""
    try:
        return not hasattr(os, "geteuid") or folder.stat().st_uid == os.geteuid()
    except OSError:
        return True


def private_folders(root: Path | None = None) -> dict[str, str]:
    """Environment variables that keep what Jupyter, IPython, matplotlib and torch write inside the checkout.

    Args:
        root: the checkout, by default the one this package is in; if it is in none, the user's cache is used.

    Returns:
        Variable to absolute path below ``.cache/``, which git ignores. The folders are not made here.
        ``TMPDIR`` is left out where the path would be too long for the sockets that processes open in it.
    """
    cache = root / ".cache" if root else cache_folder()
    places = {
        "JUPYTER_CONFIG_DIR": "jupyter/config",
        "JUPYTER_DATA_DIR": "jupyter/data",
        "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
        "JUPYTERLAB_SETTINGS_DIR": "jupyter/lab/settings",
        "JUPYTERLAB_WORKSPACES_DIR": "jupyter/lab/workspaces",
        "IPYTHONDIR": "ipython",
        "MPLCONFIGDIR": "matplotlib",
        "TORCHINDUCTOR_CACHE_DIR": "torchinductor",
    }
    if len(os.fsencode(cache / "tmp")) <= LONGEST_TMP:
        places["TMPDIR"] = "tmp"
    return {name: str(cache / place) for name, place in places.items()}


def use_private_folders(root: Path | None = None) -> dict[str, str]:
    """Make the private folders and set their variables for this process and its children; return the variables.

    Whatever the umask, no other user reads them: JupyterLab writes its token there.
    """
    folders = private_folders(root)
    cache = root / ".cache" if root else cache_folder()
    for folder in map(Path, folders.values()):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(PRIVATE)
        # who could write a folder above would put another one in its place
        for above in folder.parents[: len(folder.relative_to(cache).parts)]:
            above.chmod(above.stat().st_mode & ~0o022)
    os.environ.update(folders)
    tempfile.tempdir = None  # asks the environment again
    return folders


def hide_argument(argument: str, shown: str) -> bool:
    """Overwrite one argument of this process where ``ps`` reads it, which every user of the machine can.

    What the process itself knows of its arguments (``sys.argv``) stays as it is. On Linux alone.

    Args:
        argument: as it was typed.
        shown: what stands there afterwards, cut off or filled up with spaces to the same length.

    Returns:
        Whether it was found and overwritten.
    """
    try:
        # The kernel tells where the arguments begin and end in this process's memory: fields 48 and 49 (proc(5)).
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start, end = int(fields[45]), int(fields[46])
        typed = Path("/proc/self/cmdline").read_bytes()
    except (OSError, ValueError, IndexError):
        return False
    old = os.fsencode(argument)
    found = typed.find(old)
    if not old or not start or end - start != len(typed) or found < 0:
        return False
    while found >= 0:
        ctypes.memmove(start + found, os.fsencode(shown)[: len(old)].ljust(len(old)), len(old))
        found = typed.find(old, found + len(old))
    return True


class Interrupted(KeyboardInterrupt):
    """What was asked for was stopped from outside, as by Ctrl-C; the message is one line.

    Args:
        message: the line.
        code: the exit code: 128 and the number of the signal.
    """

    def __init__(self, message: str = "interrupted", code: int = 128 + signal.SIGINT) -> None:
        super().__init__(message)
        self.code = code


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP stop what runs inside as Ctrl-C does, by raising ``Interrupted``.

    A signal that is ignored, as by ``nohup``, stays ignored, and so does everything outside the main thread.
    """

    def stop(number: int, frame: object) -> None:
        raise Interrupted("ended by SIGTERM" if number == signal.SIGTERM else "the terminal is closed", 128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
    taken = {each: before for each, before in taken.items() if before == signal.SIG_DFL}
    try:
        for each in taken:
            signal.signal(each, stop)
        yield
    finally:
        for each, before in taken.items():
            signal.signal(each, before)


@contextlib.contextmanager
def signals_wait() -> Iterator[None]:
    """Hold SIGINT, SIGTERM and SIGHUP back until the end of the block; processes that start inside begin with that.

    The mask alone does not do it: libraries have threads of their own, which take a signal in the main one's stead. So
    the handlers wait as well. Outside the main thread, which is the one that handlers interrupt, only the mask is set.
    """
    came: list[int] = []
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    handlers: dict[signal.Signals, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for each in STOPPING:
                if signal.getsignal(each) not in (signal.SIG_IGN, None):
                    handlers[each] = signal.signal(each, lambda number, frame: came.append(number))
        yield
    finally:
        try:
            for each, handler in handlers.items():
                signal.signal(each, handler)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number in came[:1]:
            signal.raise_signal(number)


@contextlib.contextmanager
def signals_noted() -> Iterator[list[int]]:
    """Note SIGINT, SIGTERM and SIGHUP in a list instead of obeying them; the first one is obeyed at the block's end.

    For a block that looks at the list itself and ends in good order. A signal that is ignored stays ignored, and so
    does everything outside the main thread.
    """
    came: list[int] = []
    handlers: dict[signal.Signals, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for each in STOPPING:
                if signal.getsignal(each) not in (signal.SIG_IGN, None):
                    handlers[each] = signal.signal(each, lambda number, frame: came.append(number))
        yield came
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
        for number in came[:1]:
            signal.raise_signal(number)


def say(line: str) -> None:
    """Print a line on stderr, where there still is one: a terminal that was closed refuses it."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


def pins(text: str) -> dict[str, str]:
    """Read the pins that hold for this Python out of a requirements file.

    Args:
        text: the file's content.

    Returns:
        Normalised distribution name to version, without what a marker excludes here and without ``-e .``.

    Raises:
        ValueError: if a line is neither a comment, an option nor an exact pin.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.split(" #")[0].strip()
        if not line or line.startswith(("#", "-")):
            continue
        try:
            requirement = Requirement(line)
        except InvalidRequirement as error:
            raise ValueError(f"requirements.txt, line {number}: {line!r} is not a requirement: {error}") from None
        exact = re.fullmatch(r"==([^*,]+)", str(requirement.specifier))
        if exact is None:
            raise ValueError(f"requirements.txt, line {number}: {line!r} is not an exact pin such as numpy==2.4.6")
        if requirement.marker is None or requirement.marker.evaluate():
            found[normalised(requirement.name)] = exact.group(1)
    return found


def normalised(name: str) -> str:
    """Return a distribution's name in the one spelling of PEP 503 (``Box2D`` and ``box_2d`` differ, case does not)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def check_python(version: tuple[int, int] | None = None) -> Row:
    """Compare Python with the versions that the pins were resolved for."""
    version = version or sys.version_info[:2]
    ok = PYTHONS[0] <= version <= PYTHONS[1]
    first, last = (".".join(map(str, each)) for each in PYTHONS)
    advice = "" if ok else f"make .venv with a Python from {first} to {last}, for example python{last} -m venv .venv"
    return Row("Python", ok, f"{'.'.join(map(str, version))} at {sys.executable}", advice)


def check_packages(pinned: dict[str, str] | None = None) -> Row:
    """Compare the installed versions with the pins.

    Args:
        pinned: distribution to version; by default those of the checkout's ``requirements.txt``.
    """
    if pinned is None:
        file = checkout() / "requirements.txt"
        if not file.is_file():
            return Row("packages", True, "no requirements.txt beside the package: nothing to compare with")
        pinned = pins(file.read_text(encoding="utf-8"))
    installed = {normalised(each.name): each.version for each in importlib.metadata.distributions() if each.name}
    wrong = []
    for name, version in pinned.items():
        # a local build such as 2.13.0+cpu is the same release
        found = installed.get(name)
        if found is None or found.split("+")[0] != version:
            wrong.append(f"{name} {found or 'missing'} (pinned {version})")
    if wrong:
        more = f" and {len(wrong) - 4} more" if len(wrong) > 4 else ""
        return Row("packages", False, ", ".join(wrong[:4]) + more, INSTALL)
    main = [name for name in ("torch", "stable-baselines3", "gymnasium", "optuna", "jupyterlab") if name in pinned]
    shown = ", ".join(f"{name} {installed[name]}" for name in main)
    return Row("packages", True, f"{len(pinned)} at their pins" + (f" ({shown})" if shown else ""))


def cgroup_cores(root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Return the CPU limit of the container in cores (cgroup 2, then 1), or None where there is none.

    Args:
        root: where the control groups are mounted.
    """
    try:
        both = root.joinpath("cpu.max").read_text().split()
        quota, period = (-1 if both[0] == "max" else int(both[0])), int(both[1])
    except (OSError, ValueError, IndexError):
        try:
            quota = int(root.joinpath("cpu/cpu.cfs_quota_us").read_text())
            period = int(root.joinpath("cpu/cpu.cfs_period_us").read_text())
        except (OSError, ValueError):
            return None
    return quota / period if quota > 0 and period > 0 else None


def usable_cores() -> float:
    """Return how many cores this process may use: the affinity mask and the container's limit, whichever is less."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = cgroup_cores()
    return min(affinity, limit) if limit else affinity


def check_cores(cores: float | None = None) -> Row:
    """Say how many cores the trainings of the lessons will have."""
    cores = usable_cores() if cores is None else cores
    if cores >= 2:
        return Row("cores", True, f"{cores:g} usable")
    return Row("cores", True, f"{cores:g} usable; lesson times are for 2, so trainings take up to twice as long")


def available_memory(proc: Path = Path("/proc/meminfo"), root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return the memory in bytes that this process may still take, or None where the system does not tell.

    Args:
        proc: the kernel's account of the machine.
        root: where the control groups are mounted (the container's limit, cgroup 2).
    """
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", proc.read_text(), re.MULTILINE)
    except OSError:
        return None
    if found is None:
        return None
    available = int(found[1]) * 1024
    try:
        limit = int(root.joinpath("memory.max").read_text()) - int(root.joinpath("memory.current").read_text())
    except (OSError, ValueError):
        return available
    return max(0, min(available, limit))


def check_memory(available: int | None = None) -> Row:
    """A kernel with torch, an environment batch and a study needs about 1 GiB."""
    available = available_memory() if available is None else available
    if available is None:
        return Row("memory", True, "the system does not tell")
    ok = available >= 1.5 * GIB
    advice = "" if ok else "close other kernels and programs: a lesson needs about 1 GiB"
    return Row("memory", ok, f"{available / GIB:.1f} GiB free", advice)


def check_gpu() -> Row:
    """A GPU is never needed; torch must load, though."""
    try:
        import torch
    except Exception as error:
        return Row("GPU", False, f"torch does not load: {' '.join(str(error).split())[:120]}", INSTALL)
    if torch.cuda.is_available():
        return Row("GPU", True, f"{torch.cuda.get_device_name(0)}; the lessons use the CPU all the same")
    return Row("GPU", True, "none: fine, the course runs on CPU")


def check_kernel() -> Row:
    """The kernel that notebooks name, ``python3``, must be the interpreter that has the packages."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager

        command = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except Exception as error:
        return Row("kernel", False, f"python3 not found: {' '.join(str(error).split())}", INSTALL)
    # Jupyter starts a bare "python" with its own interpreter; a path is taken as it is
    own = command in {"python", "python3", f"python3.{sys.version_info[1]}"}
    if own or Path(command).parent == Path(sys.executable).parent:
        return Row("kernel", True, f"python3 is {sys.executable}")
    advice = f"{sys.executable} -m ipykernel install --sys-prefix"
    return Row("kernel", False, f"python3 is {command}, the packages are with {sys.executable}", advice)


def check_disk(folder: Path | None = None) -> Row:
    """Models, studies and logs of the whole course stay below 1 GiB."""
    folder = folder or Path.cwd()
    free = shutil.disk_usage(folder).free
    ok = free >= GIB
    return Row("disk", ok, f"{free / GIB:.1f} GiB free at {folder}", "" if ok else "free 1 GiB: runs are stored here")


def check_writable(folder: Path | None = None) -> Row:
    """A file is really made and removed: permission bits do not tell about read-only mounts."""
    folder = folder or Path.cwd()
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Row("writable", False, f"{folder}: {error.strerror}", "work in a folder of your own: results go here")
    return Row("writable", True, str(folder))


CHECKS: tuple[Callable[[], Row], ...] = (
    check_python,
    check_packages,
    check_cores,
    check_memory,
    check_gpu,
    check_kernel,
    check_disk,
    check_writable,
)


def check() -> list[Row]:
    """Look at everything the course needs.

    Returns:
        One row a subject: ``(name, ok, detail, advice)``.
    """
    return [one() for one in CHECKS]


def lines(rows: list[Row]) -> Iterator[str]:
    """Yield the check as text: a line for each row, and under it the advice, if there is one."""
    width = max(len(row.name) for row in rows)
    for row in rows:
        mark = "--" if not row.ok else "!!" if row.advice else "OK"
        yield f"{mark}  {row.name:{width}}  {row.detail}"
        if row.advice:
            yield f"    {'':{width}}  do: {row.advice}"
