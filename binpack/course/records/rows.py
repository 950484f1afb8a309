"""Recorders of rows: what a lesson's recorders have in common, which make a file row by row and can be killed.

A module ``record_NAME`` says which rows there are and how one is made; ``Recorder`` makes those that the file lacks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from binpack.search.provenance import about
from binpack.search.recorder import Job, record_rows


def _nothing(jobs: Sequence[Job]) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Recorder:
    """Makes a record.

    Attributes:
        file: the record, JSON.
        libraries: whose versions stand in it.
        jobs: lists its rows.
        run: makes a row; a function that other processes can import. Its module is what the command runs.
        said: jobs -> further entries of the record, what holds for all rows.
    """

    file: Path
    libraries: Sequence[str]
    jobs: Callable[[], Sequence[Job]]
    run: Callable[[Job], Mapping[str, Any]]
    said: Callable[[Sequence[Job]], Mapping[str, Any]] = _nothing

    def record(
        self, path: str | Path | None = None, wanted: Sequence[Job] | None = None, **more: Any
    ) -> list[dict[str, Any]]:
        """Make the rows that the file does not hold yet.

        Args:
            path: the file; None: `file`.
            wanted: the rows; None: all.
            **more: what else `record_rows` takes.

        Returns:
            The rows.
        """
        rows = list(self.jobs() if wanted is None else wanted)
        head = about(f"python -m {_module(self.run)}", self.libraries)
        return record_rows(path or self.file, rows, self.run, about=head, said=self.said(rows), **more)

    def main(self, words: Sequence[str], processes: int | None = None) -> None:
        """Make the record.

        Args:
            words: of the command; there are none.
            processes: rows at a time; None: one for each core. One where times are measured: they disturb each other.
        """
        if words:
            sys.exit("expected no arguments")
        self.record(processes=processes or os.cpu_count() or 1)


def _module(function: Callable[..., Any]) -> str:
    """Return the name of a function's module, also where that is the one that runs."""
    if function.__module__ != "__main__":
        return function.__module__
    spec = sys.modules["__main__"].__spec__
    assert spec is not None, "run with python -m"
    return spec.name


def grouped(rows: Sequence[Mapping[str, Any]], keys: Sequence[str], value: str) -> dict[Any, list[Any]]:
    """Gather one entry of the rows.

    Args:
        rows: of a record.
        keys: entries that tell groups apart; with one of them it is the group's name itself, with more their tuple.
        value: the entry.

    Returns:
        Group -> values, groups in the order in which they first occur.
    """
    found: dict[Any, list[Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        found.setdefault(key if len(keys) > 1 else key[0], []).append(row[value])
    return found
