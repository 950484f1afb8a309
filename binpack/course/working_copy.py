"""The learner's own copy of the lessons, ``my_lessons/``, in which answers are safe from an update of the checkout.

``notebooks/`` belongs to the course and changes with ``git pull``; the learner works in ``my_lessons/``, which git
ignores. A lesson that is missing there is copied with its solutions, so that links between notebooks work as they do in
``notebooks/``. From then on it is the learner's: a notebook that was saved since is never written again. One that was
not, byte for byte, follows the course. ``.copied.json`` keeps what was copied, to tell the two apart.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from binpack.files import FileError, InputError, read_json, write_atomically, write_json

FOLDER = "my_lessons"
RECORD = ".copied.json"
_LESSON = re.compile(r"(\d\d[a-z]?)_\w+\.ipynb")


@dataclass
class Update:
    """What a start brought to the learner's copy; every list holds numbers of lessons, "02b".

    Attributes:
        first: whether there was no copy before.
        added: lessons that the copy did not have.
        followed: lessons that were not saved since they were copied and are now as the course has them.
        changed: lessons whose text or code changed in the course, while the copy has the learner's.
    """

    first: bool = False
    added: list[str] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Say it in a line each."""
        if self.first:
            yield f"Your own copy of the lessons is in {FOLDER}/. Updates of the course leave your answers alone."
        elif self.added:
            yield f"New in {FOLDER}/: {_listed(self.added)}."
        if self.followed:
            yield f"Brought up to date, since you had not worked on it: {_listed(self.followed)}."
        if self.changed:
            yield (
                f"Changed in the course since you began: {_listed(self.changed)}. Yours stays as it is; "
                f"python -m binpack lab --reset {self.changed[0]} brings the new one and keeps yours beside it."
            )


@dataclass
class Reset:
    """What a reset did.

    Attributes:
        lesson: the lesson that is new, in the copy.
        kept: the learner's notebooks under their new names.
    """

    lesson: Path
    kept: list[Path]


def lessons(root: Path) -> dict[str, Path]:
    """List the lessons of a checkout, in order.

    Args:
        root: the checkout.

    Returns:
        Number to notebook: "02b" to ``notebooks/02b_lunar_lander.ipynb``.
    """
    found = {path: _LESSON.fullmatch(path.name) for path in sorted((root / "notebooks").glob("*.ipynb"))}
    return {match[1]: path for path, match in found.items() if match}


def update(root: Path) -> Update:
    """Bring the learner's copy up to date without touching what is the learner's.

    Args:
        root: the checkout.

    Raises:
        OSError: the copy cannot be written.
    """
    mine = root / FOLDER
    done = Update(first=not mine.exists())
    mine.mkdir(exist_ok=True)
    record = _read(mine)
    for number, lesson in lessons(root).items():
        told = [_bring(path, mine / path.relative_to(root / "notebooks"), record) for path in _with_solutions(lesson)]
        write_json(mine / RECORD, record)
        for what in ("added", "followed", "changed"):
            if what in told:
                getattr(done, what).append(number)
    return done


def reset(root: Path, number: str) -> Reset:
    """Renew one lesson and its solutions; what the learner has of them stays beside them under other names.

    Args:
        root: the checkout.
        number: of the lesson, "03", "3" or "02b", or its name.

    Raises:
        InputError: there is no such lesson.
        OSError: the copy cannot be written.
    """
    there = lessons(root)
    asked = re.fullmatch(r"(\d+)([a-z]?)(?:_\w+(?:\.ipynb)?)?", number.strip().lower())
    found = there.get(f"{int(asked[1]):02}{asked[2]}") if asked else None
    if found is None:
        raise InputError(f"there is no lesson {number!r}; there are {_listed(list(there))}")
    mine = root / FOLDER
    mine.mkdir(exist_ok=True)
    record, kept = _read(mine), []
    for path in _with_solutions(found):
        own = mine / path.relative_to(root / "notebooks")
        if own.exists() and own.read_bytes() != path.read_bytes():
            kept.append(own.rename(_free_name(own)))
        _copy(path, own, record)
    write_json(mine / RECORD, record)
    return Reset(mine / found.name, kept)


def _with_solutions(lesson: Path) -> list[Path]:
    return [path for path in (lesson, lesson.parent / "solutions" / lesson.name) if path.is_file()]


def _bring(path: Path, own: Path, record: dict[str, Any]) -> str:
    """Bring one notebook of the course to the copy and say what was done: added, followed, changed or nothing."""
    if not own.exists():
        _copy(path, own, record)
        return "added"
    theirs, ours = _fingerprints(path), _digest(own.read_bytes())
    # What was copied before the record was kept, or after it was lost, counts as copied now.
    known = record.setdefault(_name(own), {**theirs, "bytes": ""})
    if ours == theirs["bytes"]:
        record[_name(own)] = theirs
        return ""
    if ours == known.get("bytes"):
        _copy(path, own, record)
        return "followed"
    # Another run of the same cells, in the course, is no news.
    return "" if known.get("cells") == theirs["cells"] else "changed"


def _copy(path: Path, own: Path, record: dict[str, Any]) -> None:
    fingerprints = _fingerprints(path)
    write_atomically(own, lambda temporary: shutil.copyfile(path, temporary))
    record[_name(own)] = fingerprints


def _name(own: Path) -> str:
    return own.name if own.parent.name == FOLDER else f"{own.parent.name}/{own.name}"


def _free_name(own: Path) -> Path:
    """Return the first name of the kind ``03_topic_mine_1.ipynb`` that is free."""
    number = 1
    while (free := own.with_name(f"{own.stem}_mine_{number}{own.suffix}")).exists():
        number += 1
    return free


def _fingerprints(path: Path) -> dict[str, str]:
    """Return digests of a notebook's bytes and of its cells without their outputs."""
    content = path.read_bytes()
    try:
        cells = [(cell.get("cell_type"), cell.get("source")) for cell in json.loads(content)["cells"]]
    except (ValueError, KeyError):  # half a merge, perhaps: it is the checkout's, and copied as it is
        cells = []
    return {"bytes": _digest(content), "cells": _digest(json.dumps(cells).encode())}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(mine: Path) -> dict[str, Any]:
    """Read what was copied; without the file, or with a broken one, every notebook there counts as the learner's."""
    try:
        return {name: known for name, known in read_json(mine / RECORD).items() if isinstance(known, dict)}
    except FileError:
        return {}


def _listed(numbers: list[str]) -> str:
    return ", ".join(numbers)
