"""Lesson 09: workers that die, fall silent and come back, under different rules of who may run a trial."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from binpack.course.l09_scaling_out.workers import Bar
from binpack.course.tables import Table

Rule = Callable[[str, float, float, str], tuple[bool, bool]]
"""(owner or "", end of the lease, now, worker) -> whether it may run the trial, whether a result of it counts."""
LEASE = 4
"""Seconds that a lease lasts; at every second at which it is there a worker renews it."""
LENGTHS = (5, 7, 4, 6, 8, 5, 6, 7)
"""Seconds that the trials take."""
LAST = 120
"""The play ends then at the latest."""


@dataclass
class Worker:
    """One that trains.

    Attributes:
        name: by which it owns trials.
        away: from when to when it does nothing, not even renew its lease; for ever where it has died.
    """

    name: str
    away: tuple[float, float] = (math.inf, math.inf)
    trial: int = -1
    begun: float = 0.0
    left: float = 0.0

    def there(self, now: float) -> bool:
        """Whether it works at a time."""
        return not self.away[0] <= now < self.away[1]


def crew() -> list[Worker]:
    """Return three workers: one that stays, one that dies, and one that sleeps for a while, as a laptop does."""
    return [Worker("Ann"), Worker("Ben", (8, math.inf)), Worker("Eve", (9, 19))]


@dataclass
class Trial:
    """A trial as the database has it.

    Attributes:
        length: seconds that it takes.
        owner: who took it last, "" while nobody has.
        expires: when the owner's lease ends.
        counted: whose results were counted.
        refused: whose results were not.
    """

    length: float
    owner: str = ""
    expires: float = 0.0
    counted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Story:
    """What came of it.

    Attributes:
        trials: in the end.
        bars: what the workers did.
        seconds: when the last trial had a result; infinite where one has none.
    """

    trials: Sequence[Trial]
    bars: Sequence[Bar]
    seconds: float

    @property
    def twice(self) -> int:
        """How many trials count twice or more."""
        return sum(len(trial.counted) > 1 for trial in self.trials)

    @property
    def lost(self) -> int:
        """How many trials have no result."""
        return sum(not trial.counted for trial in self.trials)

    @property
    def trained(self) -> float:
        """Seconds of training, all workers together, that became no result of their own."""
        useful = sum(trial.length for trial in self.trials if trial.counted)
        return sum(bar.end - bar.start for bar in self.bars) - useful


def play(rule: Rule, lengths: Sequence[float] = LENGTHS) -> Story:
    """Let the crew work on trials until all have a result, second by second.

    Args:
        rule: says who may run a trial, and whether a result counts.
        lengths: of the trials.
    """
    trials, workers, bars = [Trial(length) for length in lengths], crew(), []
    for now in range(LAST):
        for number, worker in enumerate(workers):
            if not worker.there(now):
                if worker.trial >= 0 and now == worker.away[0]:
                    worker.left -= 1
                    bars.append(Bar(number, worker.begun, now, worker.trial, "cut off"))
                continue
            if worker.trial >= 0:
                bars += _go_on(rule, trials, worker, number, now)
            if worker.trial < 0:
                _take(rule, trials, worker, now)
        if all(trial.counted for trial in trials):
            return Story(trials, bars, float(now))
    return Story(trials, bars, math.inf)


def _go_on(rule: Rule, trials: Sequence[Trial], worker: Worker, number: int, now: float) -> list[Bar]:
    """Count the second that is over; at the end of the trial hand in the result."""
    trial = trials[worker.trial]
    if now == worker.away[1]:
        worker.begun = now  # it goes on where it fell silent
    else:
        worker.left -= 1
    if worker.left > 0:
        if trial.owner == worker.name:
            trial.expires = now + LEASE
        return []
    _, counts = rule(trial.owner, trial.expires, now, worker.name)
    (trial.counted if counts else trial.refused).append(worker.name)
    kind = "refused" if not counts else "counted" if len(trial.counted) == 1 else "counted again"
    done, worker.trial = worker.trial, -1
    return [Bar(number, worker.begun, now, done, kind)]


def _take(rule: Rule, trials: Sequence[Trial], worker: Worker, now: float) -> None:
    """Take the first trial without a result that the rule allows."""
    for number, trial in enumerate(trials):
        if not trial.counted and rule(trial.owner, trial.expires, now, worker.name)[0]:
            trial.owner, trial.expires = worker.name, now + LEASE
            worker.trial, worker.begun, worker.left = number, now, trial.length
            return


def for_ever(owner: str, expires: float, now: float, worker: str) -> tuple[bool, bool]:
    """Whoever has a trial keeps it; see `Rule`."""
    return owner in ("", worker), True


def adopt(owner: str, expires: float, now: float, worker: str) -> tuple[bool, bool]:
    """What is running is taken up by whoever sees it: it may have been left behind; see `Rule`."""
    return True, True


def compared(rules: Mapping[str, Rule]) -> Table:
    """Say what comes of each rule.

    Args:
        rules: name -> rule.
    """
    rows = []
    for name, rule in rules.items():
        story = play(rule)
        ended = f"{story.seconds:.0f} s" if math.isfinite(story.seconds) else "never"
        rows.append([name, ended, str(story.lost), str(story.twice), f"{story.trained:.0f} s"])
    head = ("rule", "all done after", "without a result", "counted twice", "trained in vain")
    return Table(head, rows, f"{len(LENGTHS)} trials, three workers, of whom one dies and one is away for a while")
