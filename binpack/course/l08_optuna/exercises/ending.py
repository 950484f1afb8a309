"""How a trial ends: with a score, or with what its error says about the configuration."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, TrialState

from binpack.course.exercises import exercise, expect, promise
from binpack.search.storage import quiet


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with the case in which all is well, within a `try:` `score = run(trial)`. An `except` clause for each "
        "kind of error follows, and `study.tell(trial, score)` comes last.",
        '`except MemoryError as error:` keeps the reason, `trial.set_user_attr("error", str(error))`, and tells, '
        "`study.tell(trial, state=TrialState.PRUNED)`. Then `return`, for there is no score.",
        '`if not math.isfinite(score):` is one more case: the reason is `f"score {score}"`, and the trial is pruned.',
    ),
    returns=promise.nothing(),
)
def tell_outcome(study: optuna.Study, trial: optuna.Trial, run: Callable[[optuna.Trial], float]) -> None:
    """Run a trial that was asked for, and tell the study how it ended.

    - A score: the trial is complete.
    - `MemoryError`, or a score that is not finite: the configuration is to blame, and the sampler should learn from it.
      The trial is pruned.
    - `OSError`: the machine is to blame, and nothing can be learned. The trial has failed.
    - Any other error is a mistake in the program: it is not caught.

    Where there is no score, the reason is kept as the trial's user attribute "error": the error's text, or "score nan"
    for a score of nan.

    Args:
        study: is told.
        trial: from `study.ask()`.
        run: `run(trial)` trains once and returns the score, or raises.
    """
    try:
        score = run(trial)
    # 1. what the configuration is to blame for
    except MemoryError as error:
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=TrialState.PRUNED)
        return
    # 2. what the machine is to blame for
    except OSError as error:
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=TrialState.FAIL)
        return
    # 3. a number that is none
    if not math.isfinite(score):
        trial.set_user_attr("error", f"score {score}")
        study.tell(trial, state=TrialState.PRUNED)
        return
    # 4. all is well
    study.tell(trial, score)


@dataclass(frozen=True)
class _Case:
    """How a run ends, and what the study should know of it."""

    outcome: float | Exception
    state: TrialState
    reason: str = ""

    @property
    def words(self) -> str:
        """The end of the run, in words."""
        if isinstance(self.outcome, Exception):
            return f"a run that raises {type(self.outcome).__name__}({str(self.outcome)!r})"
        return f"a run that returns {self.outcome}"


_CASES = (
    _Case(0.75, TrialState.COMPLETE),
    _Case(MemoryError("width 128 does not fit"), TrialState.PRUNED, "width 128 does not fit"),
    _Case(OSError("the disk is full"), TrialState.FAIL, "the disk is full"),
    _Case(ConnectionError("the server is gone"), TrialState.FAIL, "the server is gone"),
    _Case(math.nan, TrialState.PRUNED, "score nan"),
    _Case(math.inf, TrialState.PRUNED, "score inf"),
    _Case(0.0, TrialState.COMPLETE),
)


@tell_outcome.check
def _check_tell_outcome(answer: Callable) -> None:
    with quiet(optuna.logging.ERROR):
        for case in _CASES:
            _expect_ended(_played(answer, case), case)
        _expect_passed(answer)


def _played(answer: Callable, case: _Case) -> FrozenTrial:
    """Let an answer run one trial, and return it."""
    study = optuna.create_study(direction="maximize", sampler=RandomSampler(seed=0))
    asked, ran = study.ask(), []

    def run(trial: optuna.Trial) -> float:
        expect(trial is asked, "it runs another trial than the one it is given: `run(trial)`")
        ran.append(trial)
        if isinstance(case.outcome, Exception):
            raise case.outcome
        return case.outcome

    answer(study, asked, run)
    told = {"got": f"{len(ran)} runs", "wanted": "1 run", "given": case.words}
    expect(len(ran) == 1, "the trial is not run exactly once", **told)
    return study.trials[0]


def _expect_ended(trial: FrozenTrial, case: _Case) -> None:
    told = {"got": trial.state.name.lower(), "wanted": case.state.name.lower(), "given": case.words}
    expect(trial.state is not TrialState.RUNNING, "the study was not told how the trial ended", **told)
    if case.state is TrialState.PRUNED:
        message = "the trial counts as complete although there is no score: it would be used as one"
        expect(trial.state is not TrialState.COMPLETE, message, **told)
        message = "the configuration is to blame, and a failed trial teaches the sampler nothing: tell it as pruned"
        expect(trial.state is TrialState.PRUNED, message, **told)
    elif case.state is TrialState.FAIL:
        message = "the trial counts as complete although there is no score: it would be used as one"
        expect(trial.state is not TrialState.COMPLETE, message, **told)
        message = "the machine is to blame, and a pruned trial would speak against the configuration: tell it as failed"
        expect(trial.state is TrialState.FAIL, message, **told)
    else:
        expect(trial.state is TrialState.COMPLETE, "there is a score, and the trial is not complete", **told)
        message = "the study was told another value than the score"
        expect(trial.value == case.outcome, message, got=trial.value, wanted=case.outcome, given=case.words)
    kept = {"got": trial.user_attrs, "wanted": {"error": case.reason} if case.reason else {}, "given": case.words}
    if case.reason:
        expect("error" in trial.user_attrs, "the trial does not keep the reason as its user attribute 'error'", **kept)
        expect(trial.user_attrs["error"] == case.reason, "the reason is another text", **kept)
    else:
        expect("error" not in trial.user_attrs, "a trial that went well has a reason for failing", **kept)


def _expect_passed(answer: Callable) -> None:
    for error in (NameError("name 'rewrad' is not defined"), KeyError("gama")):
        try:
            _played(answer, _Case(error, TrialState.RUNNING))
        except type(error):
            continue
        expect(
            False,
            f"{type(error).__name__} is caught: a mistake in the program would pass for a bad configuration",
            got="caught",
            wanted="the error",
            given=f"a run that raises {type(error).__name__}",
        )
