"""What other users of the machine could come at: files with tokens, and a checkout that they can write."""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pwd
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from binpack.system import Row

_OF_SERVER = re.compile(r"jpserver-(?:file-to-run-)?(\d+)(?:-open\.html|\.json)")


def remove_stale(runtime: Path) -> list[str]:
    """Remove what servers and kernels that ended without cleaning up left behind: tokens, addresses, keys.

    Args:
        runtime: Jupyter's runtime folder.

    Returns:
        The names that were removed.
    """
    stale = []
    for path in sorted(runtime.iterdir()):
        found = _OF_SERVER.fullmatch(path.name)
        if found:
            gone = not _runs(int(found[1])) or not _answers(runtime / f"jpserver-{found[1]}.json", "port")
        else:
            gone = re.fullmatch(r"kernel-.*\.json", path.name) is not None and not _answers(path, "shell_port")
        if gone:
            stale.append(path)
    # after the last look: a page's server is known by the file beside it
    for path in stale:
        path.unlink(missing_ok=True)
    return [path.name for path in stale]


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _answers(path: Path, field: str) -> bool:
    """Say whether somebody listens at the port that a file names: a process's number is soon another one's."""
    try:
        port = json.loads(path.read_text(encoding="utf-8"))[field]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    with contextlib.suppress(OSError, OverflowError, TypeError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def check_private(root: Path) -> Row:
    """Look whether other users can write the code that runs here, or what lies on the way to it.

    Args:
        root: the checkout.

    Returns:
        A row that is OK, for the course runs; with advice where others can write.
    """
    open_ones = list(_open_to_others(root))
    if not open_ones:
        return Row("privacy", True, f"only you can write {root}")
    more = f" and {len(open_ones) - 3} more" if len(open_ones) > 3 else ""
    named = ", ".join(map(str, open_ones[:3]))
    advice = f"work in a checkout of your own, in a folder of your own; of your files, chmod -R go-w {root}"
    return Row("privacy", True, f"other users can write {named}{more}: what they put there runs as you", advice)


def _open_to_others(root: Path) -> Iterator[Path]:
    for folder in root.parents:
        with contextlib.suppress(OSError):
            # in a folder such as /tmp, others make files and cannot replace this user's
            if not folder.stat().st_mode & stat.S_ISVTX and _others_write(folder):
                yield folder
    if _others_write(root):
        yield root
    for path in sorted(root.iterdir()):
        if _others_write(path):
            yield path
        if path.name in ("binpack", "notebooks", "my_lessons"):
            yield from (each for each in sorted(path.rglob("*")) if _others_write(each))


def _others_write(path: Path) -> bool:
    """Say whether a user who is neither this one nor root can write a file; of a symbolic link that is its target's."""
    try:
        seen = path.lstat()
    except OSError:
        return False
    if stat.S_ISLNK(seen.st_mode):
        return False
    if seen.st_uid not in (os.geteuid(), 0) or seen.st_mode & stat.S_IWOTH:
        return True
    return bool(seen.st_mode & stat.S_IWGRP) and _shared(seen.st_gid)


def _shared(group: int) -> bool:
    """Say whether a group has others in it than this user and root; many systems give each user one of their own."""
    own = {"root", *(user.pw_name for user in pwd.getpwall() if user.pw_uid == os.geteuid())}
    members = {user.pw_name for user in pwd.getpwall() if user.pw_gid == group}
    with contextlib.suppress(KeyError):
        members |= set(grp.getgrgid(group).gr_mem)
    return not members <= own
