"""What the tests of every lesson's checks use."""

from __future__ import annotations

import itertools
import linecache
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from binpack.course.exercises.core import Exercise, Verdict

_CELLS = itertools.count()


def verdict(exercise: Exercise, answer: Callable) -> Verdict:
    """Judge an answer as the notebook does."""
    return exercise.judge(answer)


def wrong(exercise: Exercise, answer: Callable) -> str:
    """Return what the check says about an answer that it must not accept."""
    judged = exercise.judge(answer)
    assert judged.outcome == "wrong", judged
    return judged.text


def run_cell(source: str, **names: Any) -> dict[str, Any]:
    """Run a cell as a kernel does: compiled under a file name of its own that linecache knows."""
    source = textwrap.dedent(source).lstrip("\n")
    filename = str(Path(tempfile.gettempdir(), "ipykernel_1", f"{next(_CELLS)}.py"))
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    namespace = {"np": np, "__name__": "__main__", **names}
    exec(compile(source, filename, "exec"), namespace)
    return namespace
