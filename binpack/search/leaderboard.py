"""A leaderboard of a class: one small file of JSON lines on a disk that all share, to which each learner adds a line.

Only what was trained anew counts: the trial that tuning put first, on seeds and streams that chose nothing
(``finalists``). Lines of one task, the same bin, rules, items and test streams, are ranked with each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from binpack.agents.sameness import meaning
from binpack.core.statistics import mean_interval, verdict
from binpack.files import FileError, InputError, first_line
from binpack.search._model import SearchError
from binpack.search.config import TuneConfig
from binpack.search.finalists import DEFAULT, Finalists, path_of
from binpack.search.report import load_result
from binpack.text import terminal

LONGEST = 40
"""Letters of a learner's name."""


@dataclass(frozen=True)
class Entry:
    """A line of the file.

    Attributes:
        learner: who.
        task: a digest of what is the same for all that are ranked together.
        what: the same for people: items and bin.
        score: mean held-out utilization of the trial that tuning put first.
        low: lower end of its 95 % interval over training seeds.
        high: upper end.
        default: mean held-out utilization of the default configuration.
        verdict: whether the trial is ahead of the default, paired by seed.
        seeds: fresh training seeds.
        trials: of the study, complete or not.
        steps: environment steps that the search was allowed.
        made: the day.
    """

    learner: str
    task: str
    what: str
    score: float
    low: float
    high: float
    default: float
    verdict: str
    seeds: int
    trials: int
    steps: int
    made: str

    def __post_init__(self) -> None:
        """Refuse what is no line of a leaderboard."""
        for name, kind in _KINDS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, kind):
                raise InputError(f"{name}: {value!r:.60}")
            if isinstance(value, float) and not math.isfinite(value):
                raise InputError(f"{name}: {value}")


_KINDS: dict[str, Any] = {
    **dict.fromkeys(("learner", "task", "what", "verdict", "made"), str),
    **dict.fromkeys(("score", "low", "high", "default"), int | float),
    **dict.fromkeys(("seeds", "trials", "steps"), int),
}


def named(learner: str) -> str:
    """Return a learner's name with single spaces.

    Args:
        learner: 1 to 40 letters.

    Raises:
        InputError: none, or more of them.
    """
    name = " ".join(learner.split())
    if not name or len(name) > LONGEST:
        raise InputError(f"a name of 1 to {LONGEST} letters is needed for the leaderboard, got {name[:60]!r}")
    return name


def entry_of(learner: str, storage: str | Path, name: str | None = None) -> Entry:
    """Return a learner's line from a study whose finalists were trained anew.

    Args:
        learner: who, see ``named``.
        storage: of a study that ``tune`` made.
        name: which study; None for the only one there is.

    Raises:
        SearchError: there is no such study, or nothing was trained anew.
        InputError: no such name.
    """
    learner = named(learner)
    result = load_result(storage, name)
    found = Finalists.load(path_of(result))
    if found is None:
        raise SearchError(
            f"study {result.location.name}: nothing was trained anew, and only that counts on a leaderboard: "
            "report --retrain 3 does it"
        )
    scores, default = found.scores[str(found.trials[0])], found.scores[DEFAULT]
    interval = mean_interval(scores)
    env = result.config.train.env
    return Entry(
        learner=learner,
        task=task_of(result.config, found.streams),
        what=f"{Path(env.items).name} in {'x'.join(map(str, env.bin_size))}",
        score=round(float(np.mean(scores)), 5),
        low=round(interval.low, 5),
        high=round(interval.high, 5),
        default=round(float(np.mean(default)), 5),
        verdict=verdict(scores, default).word,
        seeds=len(scores),
        trials=len(result.rows),
        steps=result.config.budget,
        made=date.today().isoformat(),
    )


def task_of(config: TuneConfig, streams: int) -> str:
    """Return a digest of what two studies have in common if their scores can be compared.

    Args:
        config: of a study.
        streams: on how many test streams it was judged.
    """
    env = {**meaning(config.train)["env"], "items": config.train.env.source().fingerprint}
    same = {"env": env, "streams": streams, "seed": config.test_seed}
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()[:16]


def add(path: str | Path, entry: Entry) -> None:
    """Add a line. Several people may do so at the same time, and nobody's line is lost.

    Args:
        path: the file; made where there is none.
        entry: the line.

    Raises:
        OSError: it cannot be written.
    """
    line = json.dumps(asdict(entry), ensure_ascii=False)
    with Path(path).open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        # a line that somebody's full disk cut short must not swallow this one
        if file.seek(0, os.SEEK_END) and not _ends_a_line(file):
            line = f"\n{line}"
        file.write(f"{line}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def _ends_a_line(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")


def read(path: str | Path) -> tuple[list[Entry], list[str]]:
    """Read a leaderboard.

    Args:
        path: its file.

    Returns:
        The lines in the order in which they were added, and what is wrong with those that are damaged.

    Raises:
        FileError: there is no such file, or it is no text.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise FileError(f"{path}: there is no such file: report --leaderboard makes one") from None
    except UnicodeDecodeError:
        raise FileError(f"{path}: no leaderboard: it is not text in UTF-8") from None
    entries, damaged = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                entries.append(Entry(**json.loads(line)))
            except (TypeError, ValueError, RecursionError) as error:
                damaged.append(f"line {number}: {first_line(error)}")
    return entries, damaged


def latest(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Return the last line of each learner, task by task, the best first.

    The last and not the best: whoever keeps the best of many attempts has chosen by the test.

    Args:
        entries: in the order in which they were added.
    """
    found: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        found.setdefault(entry.task, {})[entry.learner] = entry
    return {task: sorted(each.values(), key=lambda entry: -entry.score) for task, each in found.items()}


def table(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield a leaderboard a line each, one task after the other.

    Args:
        entries: in the order in which they were added.
    """
    attempts = {(each.task, each.learner): 0 for each in entries}
    for each in entries:
        attempts[each.task, each.learner] += 1
    wide = max((len(terminal(each.learner)) for each in entries), default=0)
    for ranked in latest(entries).values():
        yield terminal(f"{ranked[0].what}, held-out utilization; the default reaches {ranked[0].default:.4f}")
        for rank, each in enumerate(ranked, start=1):
            again = f", attempt {attempts[each.task, each.learner]}" if attempts[each.task, each.learner] > 1 else ""
            yield (
                f"{rank:3}  {terminal(each.learner):{wide}}  {each.score:.4f} [{each.low:.4f}, {each.high:.4f}]  "
                f"{terminal(each.verdict)}, {each.seeds} seeds, {each.trials} trials, {each.steps:,} steps{again}"
            )
