"""Files: written so that a kill at any moment leaves the old one or the new one, and read with errors of one line.

The base of the package's own errors stands here as well, below everything that raises them.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


class InputError(ValueError):
    """What a user gave is wrong: a value, a name, a file. The message is one line that says what was expected.

    Every error of the package's own that answers a user is one of these. Any other exception is a bug in the package or
    in a user's own code, and the command line shows it as such.
    """


class MachineError(InputError):
    """The machine failed, and not what was asked for: a full disk, a database that stopped. The same command goes on.

    The command line ends with 1 for one of these, and with 2 for every other ``InputError``.
    """


class FileError(InputError):
    """A file that is missing, cannot be read, or holds something else; the message is one line and names the file."""


_MACHINE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),  # no room, no inodes
    *(errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE),
}


def is_machines(error: Exception) -> bool:
    """Say whether an error is the machine's and no mistake of who asked."""
    return isinstance(error, MachineError) or (isinstance(error, OSError) and error.errno in _MACHINE)


def out_of_memory(error: BaseException) -> bool:
    """Say whether memory ran out: numpy and Python say so by a ``MemoryError``, torch by an error of its own."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def write_atomically(path: str | Path, write: Callable[[Path], Any]) -> None:
    """Let ``write`` make a file beside ``path``, then rename it to ``path``; the folder is made if need be.

    Args:
        path: the file to be replaced.
        write: called with the temporary path; must create that file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # a name of this process's own: two that write the same file must not rename each other's half
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.filename is not None and Path(os.fsdecode(error.filename)) == temporary:
            error.filename, error.filename2 = str(path), None  # who reads the message asked for this file
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_text(path: str | Path, text: str) -> None:
    """Write text as UTF-8, atomically."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_bytes(path: str | Path, save: Callable[[io.BytesIO], Any]) -> None:
    """Let ``save`` make a file's content in memory, and write it, atomically.

    A library that writes a file itself has errors of its own for a full disk; here they are the system's.
    """
    content = io.BytesIO()
    save(content)
    write_atomically(path, lambda temporary: temporary.write_bytes(content.getbuffer()))


def check_archive(path: str | Path) -> None:
    """Refuse a ZIP archive, which is what torch writes, that is damaged or would fill the memory.

    Each of its parts has a checksum, at which torch does not look. None is compressed, so that an archive which unpacks
    to much more than it has is not one of ours.

    Raises:
        FileError: one line, without the file's name.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size, unpacked = Path(path).stat().st_size, sum(each.file_size for each in archive.infolist())
            if unpacked > 2 * size + 2**20:
                sizes = f"{size / 2**20:,.1f} MiB that unpack to {unpacked / 2**20:,.1f} MiB"
                raise FileError(f"{sizes}, no file that binpack wrote")
            damaged = archive.testzip()
    except FileError:
        raise
    except Exception as error:  # zipfile raises many kinds for a bad file
        raise FileError(f"no archive, or a damaged one: {first_line(error)}") from None
    if damaged is not None:
        raise FileError(f"damaged since it was written: the checksum of {damaged} does not fit")


def write_json(path: str | Path, value: Any, *, indent: int | None = 2) -> None:
    """Write a value as JSON, atomically."""
    write_text(path, json.dumps(value, indent=indent) + "\n")


def write_record(path: str | Path, parts: Mapping[str, Any], rows: Mapping[str, Sequence[Any]] | None = None) -> None:
    """Write a JSON object, atomically, that changes in few lines where its content changes little.

    Args:
        path: the file.
        parts: entries that stand on a line each.
        rows: entries that are lists with a line for each of their members; they come last.
    """
    entries = [f"{json.dumps(name)}: {json.dumps(part)}" for name, part in parts.items()]
    for name, members in (rows or {}).items():
        body = ",\n".join(map(json.dumps, members))
        entries.append(f"{json.dumps(name)}: [\n{body}\n]" if body else f"{json.dumps(name)}: []")
    write_text(path, "{\n" + ",\n".join(entries) + "\n}\n")


def read_json(path: str | Path, what: str = "a JSON object") -> dict[str, Any]:
    """Read a JSON object.

    Args:
        path: the file.
        what: what it should be, for the message: ``a run's config``.

    Raises:
        FileError: there is no such file, it cannot be read, or it is not a JSON object in UTF-8.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or first_line(error)}") from None
    except RecursionError:
        raise FileError(f"{path}: not {what} (too deeply nested)") from None
    except ValueError as error:
        raise FileError(f"{path}: not {what} ({first_line(error)})") from None
    if not isinstance(content, dict):
        raise FileError(f"{path}: not {what} (a JSON object is expected, not {type(content).__name__})")
    return content


def system_line(error: OSError) -> str:
    """Put what the system refused into one line: the file and the reason."""
    if not error.strerror:
        return first_line(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror


def write_sealed(path: str | Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object, atomically, with a checksum of itself, at which ``read_sealed`` looks."""
    write_json(path, {**value, "checksum": _checksum(value)})


def read_sealed(path: str | Path, what: str, mend: str) -> dict[str, Any]:
    """Read what ``write_sealed`` wrote, without the checksum; one that an earlier version wrote has none.

    Args:
        path: the file.
        what: what it should be, for the message.
        mend: what to do where it is damaged, for the message: ``delete it to train anew``.

    Raises:
        FileError: as ``read_json``, or its checksum does not fit.
    """
    stored = read_json(path, what)
    if stored.pop("checksum", None) not in (None, _checksum(stored)):
        raise FileError(f"{path}: changed since it was written (its checksum does not fit): restore it, or {mend}")
    return stored


def _checksum(value: Mapping[str, Any]) -> str:
    """Return a checksum of what a JSON object says, in whatever order and spacing."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type where the message is empty."""
    return (str(error).splitlines() or [type(error).__name__])[0]
