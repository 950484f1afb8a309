"""A class's leaderboard: one local file to which each learner appends a line, and the table that is drawn from it.

The file is JSON lines. An entry is appended in one write under the kernel's lock (flock), so that two people who write
at the same moment both get their line, and what is there is never rewritten. A line that cannot be read, such as one
that a full disk cut short, is passed over and counted; an entry after it begins a line of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from binpack.agents.sameness import meaning
from binpack.core.statistics import mean_interval
from binpack.files import FileError, InputError, system_line
from binpack.search._model import SearchError
from binpack.search.config import TuneConfig
from binpack.search.finalists import Finalists, path_of
from binpack.search.report import TuneResult
from binpack.text import rich_text

VERSION = 1
"""Of an entry. A field that is new gets a default; a line of a later version is passed over like a damaged one."""
LONGEST = 60
"""Letters of a name."""


@dataclass(frozen=True)
class Entry:
    """What a learner reports of a study.

    Attributes:
        name: who.
        task: a digest of what has to be the same for two scores to compare: items, bin, rules and test streams.
        items: of the study, as people call them.
        bin_size: of the study, in cells.
        visible: items that the agent sees.
        scores: held-out utilization of the first finalist, one for each fresh seed.
        streams: unseen streams that each run was scored on.
        budget: environment steps of the search and of the runs anew.
        verdict: on the comparison with the default: the word of ``core.statistics.verdict``.
        difference: mean difference to the default.
    """

    name: str
    task: str
    items: str
    bin_size: tuple[int, int, int]
    visible: int
    scores: tuple[float, ...]
    streams: int
    budget: int
    verdict: str
    difference: float

    @property
    def mean(self) -> float:
        """Held-out mean over the fresh seeds."""
        return math.fsum(self.scores) / len(self.scores)


class Board(NamedTuple):
    """What a file holds."""

    entries: list[Entry]
    """The newest of each name and kind of task, in the order of the file."""
    damaged: int
    """Lines that could not be read."""


def entry_of(result: TuneResult, name: str) -> Entry:
    """Make the entry of a study whose finalists were trained anew.

    The first finalist counts, the one that tuning chose: the best of several by their tests would be chosen once more.

    Args:
        result: the study.
        name: who reports it.

    Raises:
        InputError: a name that is empty or too long.
        SearchError: nothing was trained anew; one line that says how.
    """
    shown = " ".join(name.split())
    if not shown or len(shown) > LONGEST or not shown.isprintable():
        raise InputError(f"a name on a leaderboard has 1 to {LONGEST} letters, got {name!r}")
    found = Finalists.load(path_of(result))
    if found is None:
        again = f"python -m binpack report {result.location.shown} --retrain 3"
        raise SearchError(f"study {result.location.name}: no finalists were trained anew, so it has no entry: {again}")
    env, first = result.config.train.env, found.trials[0]
    judged = found.verdict(first)
    return Entry(
        name=shown,
        task=task_of(result.config, found.streams),
        items=Path(env.items).name,
        bin_size=env.bin_size,
        visible=env.visible,
        scores=tuple(found.scores[str(first)]),
        streams=found.streams,
        budget=result.steps + found.steps * sum(map(len, found.scores.values())),
        verdict=judged.word,
        difference=judged.difference,
    )


def task_of(config: TuneConfig, streams: int) -> str:
    """Return a digest of what two studies have in common if their scores can be compared.

    Items count by their contents: the same ones in another file are the same, others under the same name are not.

    Args:
        config: of a study.
        streams: how many test streams it was judged on.
    """
    env = {**meaning(config.train)["env"], "items": config.train.env.source().fingerprint}
    same = json.dumps({"env": env, "streams": streams, "seed": config.test_seed}, sort_keys=True)
    return hashlib.sha256(same.encode()).hexdigest()[:16]


def add(path: str | Path, entry: Entry) -> None:
    """Append an entry; nothing that is there changes.

    Args:
        path: the file; made where it is missing.
        entry: what is appended.

    Raises:
        FileError: the file cannot be written; one line.
    """
    line = json.dumps({"version": VERSION, **asdict(entry)}).encode() + b"\n"
    try:
        with Path(path).open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            # what was cut short stays a line of its own
            before = b"\n" if size and file.read(1) != b"\n" else b""
            file.write(before + line)
            file.flush()
    except OSError as error:
        raise FileError(f"{path}: the entry cannot be written ({system_line(error)})") from None


def read(path: str | Path) -> Board:
    """Read a leaderboard.

    Args:
        path: the file.

    Returns:
        Its entries, of each name on each task the newest, and how many lines are damaged.

    Raises:
        FileError: there is no such file, or it cannot be read; one line.
    """
    try:
        lines = Path(path).read_bytes().splitlines()
    except FileNotFoundError:
        raise FileError(f"{path}: no such leaderboard; an entry makes it: --add STUDY --name NAME") from None
    except OSError as error:
        raise FileError(system_line(error)) from None
    newest: dict[Any, Entry] = {}
    damaged = 0
    for line in filter(bytes.strip, lines):
        entry = _entry(line)
        if entry is None:
            damaged += 1
        else:
            newest[entry.name.casefold(), entry.task] = entry
    return Board(list(newest.values()), damaged)


def _entry(line: bytes) -> Entry | None:
    """Read a line; None where it is no entry."""
    try:
        stored = json.loads(line)
        if stored["version"] != VERSION:
            return None
        fields: Mapping[str, Any] = {name: stored[name] for name in Entry.__dataclass_fields__}
        texts = all(isinstance(fields[name], str) for name in ("name", "task", "items", "verdict"))
        sizes = [*fields["bin_size"], fields["visible"], fields["streams"], fields["budget"]]
        scores = [float(score) for score in fields["scores"]]
        sound = len(scores) > 0 and all(map(math.isfinite, [*scores, float(fields["difference"])]))
        if not (texts and sound and len(fields["bin_size"]) == 3 and all(type(size) is int for size in sizes)):
            return None
        return Entry(**{**fields, "bin_size": tuple(fields["bin_size"]), "scores": tuple(scores)})
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


HEAD = ("place", "name", "items", "held out", "95 % interval", "seeds", "steps", "beside its default")


def rows_of(board: Board) -> list[tuple[str, ...]]:
    """Return the table: tasks by name, in each the highest held-out mean first.

    Args:
        board: what was read.

    Returns:
        A row for each entry, with the columns of ``HEAD``. Places are counted within a task, for scores on other items
        do not compare. An interval of three seeds is wide, and where two overlap the places are no ranking.
    """
    rows: list[tuple[str, ...]] = []
    places = dict.fromkeys((entry.task for entry in board.entries), 0)
    for entry in sorted(board.entries, key=lambda entry: (entry.items, entry.task, -entry.mean, entry.name)):
        places[entry.task] += 1
        low, high = mean_interval(entry.scores)
        sides = "x".join(map(str, entry.bin_size))
        interval = "" if math.isnan(low) else f"{low:.3f} to {high:.3f}"
        what = f"{entry.items}, {sides}, {entry.visible} visible"
        judged = f"{entry.difference:+.4f}, {entry.verdict}"
        scored = (f"{entry.mean:.4f}", interval, str(len(entry.scores)), f"{entry.budget:,}", judged)
        rows.append((str(places[entry.task]), entry.name, what, *scored))
    return rows


def table(rows: Sequence[tuple[str, ...]]) -> Table:
    """Return the rows as a table for a terminal.

    Args:
        rows: of ``rows_of``.
    """
    drawn = Table()
    for name in HEAD:
        drawn.add_column(name, overflow="fold")
    for row in rows:
        drawn.add_row(*map(rich_text, row))
    return drawn
