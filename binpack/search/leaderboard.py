"""A class's leaderboard: one local file to which each learner appends a line, and the table that is drawn from it.

The file is JSON lines. An entry is appended in one write under the kernel's lock (flock), so that two people who write
at the same moment both get their line, and what is there is never rewritten. A line that cannot be read, such as one
that a full disk cut short, is passed over and counted; an entry after it begins a line of its own. A file of something
else, such as a study's journal, is refused before a line of ours damages it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from binpack.agents.sameness import meaning
from binpack.core.statistics import mean_interval
from binpack.files import FileError, InputError, is_machines, system_line
from binpack.search._model import SearchError
from binpack.search.finalists import Finalists, path_of
from binpack.search.report import TuneResult
from binpack.text import rich_text, terminal

VERSION = 1
"""Of an entry. A field that is new gets a default; a line of a later version is passed over like a damaged one."""
LONGEST = 60
"""Letters of a name."""
_BEGINS = b'{"version":'
"""How every entry begins, of whatever version."""
_AGENTS = {"reward", "features", "cell", "unit"}
"""Fields of an environment that leave the task as it is: how an agent is taught, and how the cells were measured."""


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
    if not _is_name(shown):
        raise InputError(f"a name on a leaderboard has 1 to {LONGEST} letters, got {name!r}")
    found = Finalists.load(path_of(result))
    if found is None:
        again = f"python -m binpack report {result.location.shown} --retrain 3"
        raise SearchError(f"study {result.location.name}: no finalists were trained anew, so it has no entry: {again}")
    env, first = result.config.train.env, found.trials[0]
    judged = found.verdict(first)
    return Entry(
        name=shown,
        task=task_of(result, found.streams),
        items=Path(env.items).name,
        bin_size=env.bin_size,
        visible=env.visible,
        scores=tuple(found.scores[str(first)]),
        streams=found.streams,
        budget=result.steps + found.steps * sum(map(len, found.scores.values())),
        verdict=judged.word,
        difference=judged.difference,
    )


def _is_name(text: str) -> bool:
    """Tell whether a name can stand in a table: letters that show, not too many."""
    return 0 < len(text) <= LONGEST and terminal(text) == text


def task_of(result: TuneResult, streams: int) -> str:
    """Return a digest of what two studies have in common if their scores can be compared.

    Items count by their contents, those that the study was made with: the same ones in another file are the same,
    others under the same name are not. The reward does not count, for whatever is paid, utilization is scored.

    Args:
        result: the study.
        streams: how many test streams it was judged on.
    """
    train = result.config.train
    items = result.items or train.env.source().fingerprint
    env = {name: value for name, value in meaning(train)["env"].items() if name not in _AGENTS}
    same = json.dumps(
        {"env": {**env, "items": items}, "streams": streams, "seed": result.config.test_seed}, sort_keys=True
    )
    return hashlib.sha256(same.encode()).hexdigest()[:16]


def add(path: str | Path, entry: Entry) -> None:
    """Append an entry; nothing that is there changes.

    Args:
        path: the file; made where it is missing.
        entry: what is appended.

    Raises:
        FileError: the file cannot be written, or is no leaderboard; one line.
        OSError: the machine failed, such as a disk that is full.
    """
    line = json.dumps({"version": VERSION, **asdict(entry)}).encode() + b"\n"
    try:
        with Path(path).open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            there = file.read()
            _check_board(path, there.splitlines())
            # what was cut short stays a line of its own
            before = b"" if there.endswith(b"\n") or not there else b"\n"
            file.write(before + line)
            file.flush()
    except OSError as error:
        if is_machines(error):
            raise
        # of a file that several learners share, the first one is the owner
        mend = ": its owner lets others write, chmod a+w" if isinstance(error, PermissionError) else ""
        raise FileError(f"{path}: the entry cannot be written ({error.strerror or system_line(error)}){mend}") from None


def _check_board(path: str | Path, lines: Sequence[bytes]) -> None:
    """Refuse a file that holds something else: no line of it begins as an entry does, not even one that was cut short.

    Raises:
        FileError: one line.
    """
    told = [line for line in lines if line.strip()]
    if told and not any(_BEGINS.startswith(line[: len(_BEGINS)]) for line in told):
        raise FileError(f"{path}: no leaderboard, no line of it is an entry: name another file, such as class.jsonl")


def read(path: str | Path) -> Board:
    """Read a leaderboard.

    Args:
        path: the file.

    Returns:
        Its entries, of each name on each task the newest, and how many lines are damaged.

    Raises:
        FileError: there is no such file, it cannot be read, or it is no leaderboard; one line.
    """
    try:
        lines = Path(path).read_bytes().splitlines()
    except FileNotFoundError:
        raise FileError(f"{path}: no such leaderboard; an entry makes it: --add STUDY --name NAME") from None
    except OSError as error:
        raise FileError(system_line(error)) from None
    _check_board(path, lines)
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
        bin_size, scores = (tuple(_list(fields[name])) for name in ("bin_size", "scores"))
        texts = all(isinstance(fields[name], str) for name in ("name", "task", "items", "verdict"))
        sizes = [*bin_size, *(fields[name] for name in ("visible", "streams", "budget"))]
        sound = len(bin_size) == 3 and len(scores) > 0 and all(type(size) is int and 0 <= size < 1e15 for size in sizes)
        numbers = all(map(_is_number, [*scores, fields["difference"]]))
        if not (texts and sound and numbers and _is_name(fields["name"])):
            return None
        return Entry(**{**fields, "bin_size": bin_size, "scores": scores})
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


def _list(value: Any) -> list[Any]:
    """Return a list of JSON's; a text can be gone through as well, and is none."""
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {value!r}")
    return value


def _is_number(value: Any) -> bool:
    """Tell a number of a sane size from all else that JSON has, so that every one can be printed."""
    return type(value) in (int, float) and -1e9 < value < 1e9


HEAD = ("place", "name", "items", "held out", "95 % interval", "seeds", "steps", "beside its default")
_NUMBERS = ("place", "held out", "seeds", "steps")
"""Columns that a narrow terminal must not cut: half a number is another one."""


def rows_of(board: Board) -> list[tuple[str, ...]]:
    """Return the table: tasks by name, in each the highest held-out mean first.

    Args:
        board: what was read.

    Returns:
        A row for each entry, with the columns of ``HEAD``. Places are counted within a task, for scores on other items
        do not compare, and equal means share one. An interval of three seeds is wide, and where two overlap the places
        are no ranking.
    """
    rows: list[tuple[str, ...]] = []
    # one task may have come in files of several names
    called = {
        entry.task: min(each.items for each in board.entries if each.task == entry.task) for entry in board.entries
    }
    for entry in sorted(board.entries, key=lambda entry: (called[entry.task], entry.task, -entry.mean, entry.name)):
        ahead = sum(other.task == entry.task and other.mean > entry.mean for other in board.entries)
        low, high = mean_interval(entry.scores)
        sides = "x".join(map(str, entry.bin_size))
        interval = "" if math.isnan(low) else f"{low:.3f} to {high:.3f}"
        what = f"{entry.items}, {sides}, {entry.visible} visible"
        judged = f"{entry.difference:+.4f}, {entry.verdict}"
        scored = (f"{entry.mean:.4f}", interval, str(len(entry.scores)), f"{entry.budget:,}", judged)
        rows.append((str(1 + ahead), entry.name, what, *scored))
    return rows


def table(rows: Sequence[tuple[str, ...]]) -> Table:
    """Return the rows as a table for a terminal.

    Args:
        rows: of ``rows_of``.
    """
    drawn = Table()
    for name in HEAD:
        drawn.add_column(name, overflow="fold", no_wrap=name in _NUMBERS)
    for row in rows:
        drawn.add_row(*map(rich_text, row))
    return drawn
