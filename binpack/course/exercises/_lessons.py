"""A lesson is a package of the course, ``binpack/course/lNN_topic/``: which there are, and which defines an exercise.

Its exercises stand in ``exercises.py`` or, where they are many, in the modules of ``exercises/``.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_COURSE = "binpack.course"
_INSIDE = re.compile(r"binpack\.course\.l(\d\d)_(\w+)(?:\.|$)")


class Lesson(NamedTuple):
    """A lesson's place in the course."""

    number: int
    topic: str

    @property
    def package(self) -> str:
        """Full name of its package."""
        return f"{_COURSE}.l{self.number:02}_{self.topic}"

    def sources(self) -> list[Path]:
        """List the files in which its exercises stand; none where it has none."""
        folder = self.package.rpartition(".")[2]
        roots = [Path(root) / folder for root in _roots()]
        return [path for root in roots for path in (*root.glob("exercises.py"), *sorted(root.glob("exercises/*.py")))]

    def defines(self, function: str) -> bool:
        """Tell whether one of its exercises has a name, without importing them: that may bring in torch."""
        definition = re.compile(rf"^def {re.escape(function)}\(", re.MULTILINE)
        return any(definition.search(path.read_text(encoding="utf-8")) for path in self.sources())

    def load(self) -> None:
        """Import its exercises, all of them, so that each knows its number."""
        importlib.import_module(f"{self.package}.exercises")


def lesson_of(module: str) -> Lesson | None:
    """Return the lesson that a module belongs to, or None.

    Args:
        module: full name of a module or a package.
    """
    found = _INSIDE.match(module)
    return Lesson(int(found[1]), found[2]) if found else None


def lessons(topic: str = "") -> Iterator[Lesson]:
    """Yield the lessons whose packages the course has, by number.

    Args:
        topic: where given, only those about it.
    """
    folders = {folder.name for root in _roots() for folder in Path(root).glob("l[0-9][0-9]_*") if folder.is_dir()}
    for folder in sorted(folders):
        lesson = lesson_of(f"{_COURSE}.{folder}")
        if lesson is not None and topic in ("", lesson.topic):
            yield lesson


def _roots() -> list[str]:
    return list(importlib.import_module(_COURSE).__path__)
