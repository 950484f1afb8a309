"""Lesson 08b: how much each hyperparameter matters, by Optuna's evaluators and by the surrogate that knows the truth.

References:
    Hutter, Hoos, Leyton-Brown (2014). An Efficient Approach for Assessing Hyperparameter Importance. ICML.
    Sobol (2001). Global Sensitivity Indices for Nonlinear Mathematical Models and Their Monte Carlo Estimates.
        Mathematics and Computers in Simulation 55.
    Watanabe, Bansal, Hutter (2023). PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary
        Subspaces. IJCAI.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from binpack.course.asking import search
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Surrogate

EVALUATORS: Mapping[str, Callable[[int], optuna.importance.BaseImportanceEvaluator]] = {
    "PED-ANOVA": lambda seed: optuna.importance.PedAnovaImportanceEvaluator(),
    "fANOVA": lambda seed: optuna.importance.FanovaImportanceEvaluator(seed=seed),
}
SAMPLERS: Mapping[str, Callable[[int], BaseSampler]] = {
    "random": lambda seed: RandomSampler(seed=seed),
    "TPE": lambda seed: TPESampler(seed=seed, constant_liar=False),
}
"""What chooses the trials whose importance is looked at."""


@dataclass(frozen=True, eq=False)
class Truth:
    """How much each hyperparameter matters in the surrogate, where nothing is noisy; float64, (11,) each.

    Attributes:
        alone: share of the variance that it explains on its own (Sobol's first-order index).
        in_all: share that involves it, alone or with others (the total index).
        best_tenth: what PED-ANOVA says of thousands of draws without noise.
    """

    alone: NDArray
    in_all: NDArray
    best_tenth: NDArray


def truth(model: Surrogate, rng: np.random.Generator, points: int = 1024, draws: int = 4000) -> Truth:
    """Work the truth out.

    Args:
        model: of the recorded study.
        rng: draws places.
        points: a power of two; the model is asked about 13 times as many places.
        draws: for PED-ANOVA.
    """
    from scipy.stats import sobol_indices, uniform

    found = sobol_indices(
        func=lambda places: model.means(places.T)[None], n=points, dists=[uniform()] * len(task.SPACE), rng=rng
    )
    places = rng.random((draws, len(task.SPACE)))
    study = study_of(places, model.means(places))
    limit = optuna.importance.get_param_importances(study, evaluator=EVALUATORS["PED-ANOVA"](0))
    alone, in_all = (np.clip(np.ravel(each), 0, 1) for each in (found.first_order, found.total_order))
    return Truth(alone, in_all, np.array([limit[name] for name in task.SPACE.names]))


def study_of(places: NDArray, scores: NDArray) -> optuna.Study:
    """Put trials of the recorded study's space into a study.

    Args:
        places: configurations in the unit cube, (n, 11).
        scores: what they scored, (n,).
    """
    study = optuna.create_study(direction="maximize", sampler=RandomSampler(seed=0))
    study.add_trials([frozen(task.SPACE.at(place), float(score)) for place, score in zip(places, scores, strict=True)])
    return study


def frozen(values: Mapping[str, float], *scores: float) -> FrozenTrial:
    """Make a complete trial.

    Args:
        values: of the eleven hyperparameters.
        *scores: what it scored, in each objective.
    """
    asked = optuna.trial.FixedTrial(dict(values))
    task.SPACE.suggest(asked)
    return optuna.trial.create_trial(values=scores, params=dict(asked.params), distributions=dict(asked.distributions))


def searched(model: Surrogate, sampler: str, trials: int, seed: int) -> optuna.Study:
    """Search the surrogate.

    Args:
        model: of the recorded study.
        sampler: "random" or "TPE".
        trials: how many.
        seed: of the sampler and of the noise.
    """
    rng = np.random.default_rng([seed, trials])
    study = optuna.create_study(direction="maximize", sampler=SAMPLERS[sampler](seed))
    search(study, model, trials, rng)
    return study


def importances(study: optuna.Study, seed: int = 0) -> dict[str, NDArray]:
    """Return what each evaluator says, in the order of the space: name -> shares that add up to 1, float64, (11,).

    Args:
        study: with complete trials of the recorded study's space.
        seed: of the forest that fANOVA grows.
    """
    found = {}
    for name, make in EVALUATORS.items():
        shares = optuna.importance.get_param_importances(study, evaluator=make(seed))
        found[name] = np.array([shares[each] for each in task.SPACE.names])
    return found


def first_is(shares: NDArray, limit: NDArray) -> NDArray:
    """Say where the largest share is that of the truly most important hyperparameter, bool, (n,).

    Args:
        shares: of some studies, (n, 11).
        limit: the truth, (11,).
    """
    return shares.argmax(axis=1) == limit.argmax()


def overlap(shares: NDArray, limit: NDArray, count: int = 3) -> NDArray:
    """Return how many of the truly most important hyperparameters are among those that are called so, int64, (n,).

    Args:
        shares: of some studies, (n, 11).
        limit: the truth, (11,).
        count: how many are called most important.
    """
    top = set(np.argsort(-limit, kind="stable")[:count].tolist())
    called = np.argsort(-shares, axis=1, kind="stable")[:, :count]
    return np.array([len(top & set(row)) for row in called.tolist()])


def ranked(shares: Sequence[float] | NDArray, names: Sequence[str] | None = None) -> list[str]:
    """Return the names of the hyperparameters, the largest share first.

    Args:
        shares: one for each.
        names: of the hyperparameters; None: the recorded study's.
    """
    each = list(names or task.SPACE.names)
    return [each[place] for place in np.argsort(-np.asarray(shares), kind="stable")]
