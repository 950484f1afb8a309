"""When a study has had enough: a callback."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import optuna
from optuna.samplers import RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from binpack.course.exercises import exercise, expect, promise
from binpack.search.storage import quiet

Callback = Callable[[Study, FrozenTrial], None]


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with a function inside the function, `def callback(study, trial):`, and `return callback` at the end. "
        "Within it, `study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))` are the trials that count.",
        "`study.best_trial` is the first of the best ones, in either direction; it raises ValueError while nothing is "
        "complete. How many complete trials have a higher number?",
        "`since = sum(each.number > study.best_trial.number for each in complete)`, and `study.stop()` where that is "
        "`patience` or more.",
    ),
    returns=promise.anything(),
)
def stop_after(patience: int) -> Callable[[Study, FrozenTrial], None]:
    """Make a callback that stops a study once its best value has not improved for some complete trials.

    What it knows it reads from the study, so it goes on where it was when the study is opened again.

    Args:
        patience: after how many complete trials without a better one the study stops.

    Returns:
        A function that Optuna calls with the study and the trial that has just ended. It stops studies of either
        direction. An equal value is no improvement, and trials without a value do not count.
    """

    def callback(study: Study, trial: FrozenTrial) -> None:
        # 1. what counts; without any there is no best
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not complete:
            return
        # 2. how many of them came after the best
        best = study.best_trial.number
        since = sum(each.number > best for each in complete)
        # 3. enough
        if since >= patience:
            study.stop()

    return callback


Direction = Literal["maximize", "minimize"]
Outcome = float | None
"""A value, or None for a trial that fails."""


def _play(callback: Callback, outcomes: Sequence[Outcome], direction: Direction, before: Sequence[Outcome] = ()) -> int:
    """Run trials with these outcomes, and return how many it took until the study stopped."""
    study = optuna.create_study(direction=direction, sampler=RandomSampler(seed=0))
    for outcome in before:
        study.tell(study.ask(), outcome, state=None if outcome is not None else TrialState.FAIL)

    def objective(trial: optuna.Trial) -> float:
        outcome = outcomes[trial.number - len(before)]
        if outcome is None:
            raise FloatingPointError("training has diverged")
        return outcome

    with quiet(optuna.logging.ERROR):  # a failed trial is told of as a warning
        study.optimize(objective, n_trials=len(outcomes), callbacks=[callback], catch=(FloatingPointError,))
    return len(study.trials) - len(before)


@dataclass(frozen=True)
class _Case:
    """A study that is played, and what it says of a callback that stops it too early or too late; "" for nothing."""

    patience: int
    outcomes: tuple[Outcome, ...]
    early: str = ""
    late: str = ""
    direction: Direction = "maximize"


_LOWER = "in a study that minimizes, lower is better"
_CASES = (
    _Case(3, (0.5, 0.6, 0.4, 0.3, 0.2, 0.1, 0.0)),
    _Case(1, (0.5, 0.6, 0.4, 0.3, 0.2, 0.1)),
    _Case(
        3,
        (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8),
        early="it stops although every trial is better than all before it",
    ),
    _Case(
        3,
        (0.9, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
        late="a trial is compared with the one before it: what counts is whether the best of all has improved",
    ),
    _Case(2, (0.5, 0.5, 0.5, 0.5, 0.5), late="an equal value counts as an improvement"),
    _Case(
        3,
        (0.5, None, None, None, 0.4, 0.3, 0.2, 0.1, 0.0),
        early="a trial that failed counts as one without an improvement: it has no value to compare",
    ),
    _Case(2, (None, None, None, 0.4, 0.3, 0.2, 0.1), early="it stops a study in which nothing is complete yet"),
    _Case(3, (0.5, 0.4, 0.6, 0.3, 0.2, 0.1, 0.0), early=_LOWER, direction="minimize"),
    _Case(3, (0.1, 0.2, 0.3, 0.4, 0.5, 0.6), late=_LOWER, direction="minimize"),
)


@stop_after.check
def _check_stop_after(answer: Callable) -> None:
    with quiet():
        for case in _CASES:
            callback = answer(case.patience)
            expect(callable(callback), "it should return a function: end with `return callback`", got=callback)
            _expect_stop(callback, case)
        _expect_resumed(answer)


def _expect_stop(callback: Callback, case: _Case) -> None:
    got = _play(callback, case.outcomes, case.direction)
    wanted = _play(stop_after(case.patience), case.outcomes, case.direction)
    values = ", ".join("fails" if outcome is None else str(outcome) for outcome in case.outcomes)
    said = f"patience {case.patience} and a study that is to {case.direction}: {values}"
    told = {"got": f"{got} trials", "wanted": f"{wanted} trials", "given": said}
    if not case.early and not case.late:
        expect(got != len(case.outcomes), "it never stops the study: call study.stop()", **told)
        expect(got != wanted + 1, "it stops one trial too late", **told)
        expect(got != wanted - 1, "it stops one trial too early", **told)
    expect(got >= wanted, case.early or "it stops too early", **told)
    expect(got <= wanted, case.late or "it stops too late", **told)


def _expect_resumed(answer: Callable) -> None:
    before, outcomes = (0.5, 0.9, 0.4, 0.3), (0.2, 0.1, 0.2, 0.3, 0.1)
    got, wanted = (_play(make(3), outcomes, "maximize", before) for make in (answer, stop_after))
    expect(
        got == wanted,
        "in a study that is opened again it begins to count anew: read from the study what it needs to know",
        got=f"{got} trials more",
        wanted=f"{wanted} trial more",
        given="patience 3, and a study that had scored 0.5, 0.9, 0.4, 0.3 before",
    )
    other = answer(2)
    first = _play(other, (0.9, 0.1, 0.2, 0.3, 0.4), "maximize")
    second = _play(other, (0.1, 0.2, 0.3, 0.4, 0.5), "maximize")
    expect(
        (first, second) == (3, 5),
        "one callback on two studies mixes them up: read from the study what it needs to know",
        got=f"{first} and {second} trials",
        wanted="3 and 5 trials",
        given="patience 2; 0.9, 0.1, 0.2, 0.3, 0.4, and then 0.1, 0.2, 0.3, 0.4, 0.5 in another study",
    )
