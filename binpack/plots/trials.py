"""What the figures of a study read from it: trials that count, and the parameters that they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from binpack.files import InputError

Target = Callable[[FrozenTrial], float]
SCORE = "score"


def complete_trials(study: Study, target: Target | None, at_least: int = 1) -> list[FrozenTrial]:
    """Return complete trials with a finite value, or say what is missing where they are too few.

    Args:
        study: any study.
        target: what is drawn of a trial; its value where it is left out.
        at_least: how many are needed.
    """
    if target is None and len(study.directions) > 1:
        raise InputError("this study has several objectives: say with target= which one to draw")
    ended = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    trials = [trial for trial in ended if np.isfinite(value(trial, target))]
    if len(trials) < at_least:
        raise InputError(f"this figure needs at least {count(at_least)} that completed, the study has {len(trials)}")
    return trials


def value(trial: FrozenTrial, target: Target | None) -> float:
    """Return what is drawn of a trial, NaN where it has nothing."""
    found = trial.value if target is None else target(trial)
    return float("nan") if found is None else float(found)


def parameters(trials: Sequence[FrozenTrial], params: Sequence[str] | None, at_least: int = 1) -> list[str]:
    """Return the parameters to draw, all in order of their names where none are asked for; says which are unknown."""
    known = sorted({name for trial in trials for name in trial.params})
    for name in params or ():
        if name not in known:
            raise InputError(f"the study has no parameter {name!r}; it has: {', '.join(known)}")
    chosen = known if params is None else list(dict.fromkeys(params))
    if len(chosen) < at_least:
        raise InputError(f"this figure needs at least {at_least} parameters, got {len(chosen)}")
    return chosen


def count(trials: int) -> str:
    """Say how many trials there are: "1 trial", "2 trials"."""
    return f"{trials} trial" if trials == 1 else f"{trials} trials"
