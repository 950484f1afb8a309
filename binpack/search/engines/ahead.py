"""Runs besides a job's trials, trained ahead by a crew: nothing decides on them, and who asked for them looks later."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any

from binpack.search.action.run import Event
from binpack.search.action.trial import Assignment, Outcome
from binpack.search.engines.engine import Watch
from binpack.search.engines.study import LOSSES, CrewOf


def train_ahead(crew_of: CrewOf, assignments: Sequence[Assignment], watch: Watch) -> None:
    """Train runs side by side, and wait for all of them.

    What a run leaves is in its folder. One that fails, or whose trainer is lost again and again, is left to the caller,
    who finds it untrained.

    Args:
        crew_of: makes what trains them.
        assignments: the runs.
        watch: is told the crew's notices; what the runs tell is dropped, as it is not the job's progress.
    """
    runs = _Runs(len(assignments), watch)
    with crew_of(runs, len(assignments)) as crew:
        while runs.waiting or crew.busy:
            while runs.waiting and crew.free:
                number = runs.waiting.popleft()
                crew.start(number, assignments[number])
            if runs.waiting or crew.busy:
                crew.listen()


class _Runs:
    """The crew's listener."""

    def __init__(self, count: int, watch: Watch) -> None:
        self.waiting = deque(range(count))
        self._watch = watch
        self._losses: Counter[int] = Counter()

    def event(self, number: int, event: Event) -> None:
        """Pass on what the crew itself has to say."""
        if event["event"] == "notice":
            self._watch(event)

    def report(self, number: int, metrics: Mapping[str, Any]) -> bool:
        """Stop nothing."""
        return False

    def end(self, number: int, outcome: Outcome) -> None:
        """Do nothing: the caller looks at the run's folder."""

    def lost(self, number: int, why: str) -> None:
        """Let a run go on elsewhere."""
        self._losses[number] += 1
        if self._losses[number] < LOSSES:
            self.waiting.append(number)
