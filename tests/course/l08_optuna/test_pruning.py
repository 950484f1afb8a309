"""Lesson 08b's replayed pruners beside Optuna's own, on made-up curves and on an invented study."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import optuna
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2] / "search" / "landscape"))
import invented

from binpack.course.l08_optuna import pruning
from binpack.search.landscape.table import Landscape

optuna.logging.set_verbosity(optuna.logging.ERROR)


def made(seed: int, repeats: int = 3, trials: int = 40, points: int = 20) -> np.ndarray:
    """Curves that rise and cross."""
    rng = np.random.default_rng(seed)
    levels = rng.normal(0.7, 0.1, (repeats, trials, 1)) * (1 - np.exp(-np.arange(1, points + 1) / 6))
    return levels + rng.normal(0, 0.03, (repeats, trials, points))


def replayed(curves: np.ndarray, pruner: optuna.pruners.BasePruner, name: str = "study", asked=None) -> list[int]:
    """Let Optuna decide, asked after every point but the last; a trial's value is its last report."""
    study = optuna.create_study(direction="maximize", pruner=pruner, study_name=name)
    ends = []
    for curve in curves:
        trial = study.ask()
        for point, score in enumerate(curve, start=1):
            trial.report(float(score), point)
            if point < len(curve) and trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, float(np.mean(curve)) if asked == "mean" else float(curve[-1]))
        ends.append(point)
    return ends


RNG = np.random.default_rng(0)
PAIRS = {
    "median": (pruning.percentile(0.5), lambda: optuna.pruners.MedianPruner()),
    "warm": (pruning.percentile(0.5, warmup=5), lambda: optuna.pruners.MedianPruner(n_warmup_steps=6)),
    "quarter": (pruning.percentile(0.25), lambda: optuna.pruners.PercentilePruner(25.0)),
    "halving": (pruning.halving(4), lambda: optuna.pruners.SuccessiveHalvingPruner(1, 4, 0)),
    "thirds": (pruning.halving(3, first=2), lambda: optuna.pruners.SuccessiveHalvingPruner(2, 3, 0)),
}


@pytest.mark.parametrize("name", PAIRS)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_pruner_stops_where_optunas_does(name, seed):
    curves = made(seed, trials=25)
    ours, theirs = PAIRS[name]
    found = ours(curves, RNG)
    assert [row.tolist() for row in found] == [replayed(each, theirs()) for each in curves]


def test_hyperband_is_optunas_when_the_brackets_are():
    (curves,) = made(5, repeats=1, trials=60)
    pruner = optuna.pruners.HyperbandPruner(1, 20, 3)
    wanted = replayed(curves, pruner)
    study = optuna.create_study(study_name="study")
    brackets = [_bracket(pruner, study, number) for number in range(60)]
    assert set(brackets) == {0, 1, 2}
    found = pruning.in_brackets(curves[None], np.array([brackets]), 3)
    assert found[0].tolist() == wanted
    budgets = np.array(pruner._trial_allocation_budgets)
    assert pruning.bracket_shares(20, 3) == pytest.approx(budgets / budgets.sum())


def _bracket(pruner, study, number: int) -> int:
    trial = optuna.trial.create_trial(value=0.0)
    trial.number = number
    return pruner._get_bracket_id(study, trial)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@given(st.integers(2, 8), st.integers(0, 2**31), st.sampled_from([1, 20, 10**6]))
@settings(max_examples=40, deadline=None)
def test_the_p_of_signed_ranks_is_scipys(n, seed, steps):
    # few steps make ties and zeros
    differences = np.random.default_rng(seed).integers(-steps, steps + 1, (3, n)) / steps
    wanted = [scipy.stats.wilcoxon(each, alternative="less", zero_method="zsplit").pvalue for each in differences]
    assert np.allclose(pruning._p_worse(differences), wanted)


def test_wilcoxon_stops_where_optunas_does():
    rng = np.random.default_rng(1)
    finals = rng.normal(0.8, 0.03, (4, 20, 1)) + rng.normal(0, 0.02, (4, 20, 10))
    means = np.cumsum(finals, axis=2) / np.arange(1, 11)
    found = pruning.wilcoxon(0.1)(means, RNG)
    wanted = [replayed(each, optuna.pruners.WilcoxonPruner(p_threshold=0.1), asked="mean") for each in finals]
    assert found.tolist() == wanted
    assert (found < 10).any() and (found == 10).any()


def test_rungs_lie_within_the_curve():
    assert pruning.rungs(20, 3) == [1, 3, 9]
    assert pruning.rungs(20, 4) == [1, 4, 16]
    assert pruning.rungs(16, 4) == [1, 4]
    assert pruning.rungs(20, 2, first=5) == [5, 10]


def test_outcomes_of_a_search_worked_out_by_hand():
    scores = np.zeros((1, 10, 2))
    scores[0, :, 1] = [0.9, 0.5, 0.95, 0.4, 0.3, 0.2, 0.1, 0.6, 0.7, 0.8]
    worth = np.array([[0.9, 0.5, 0.85, 0.4, 0.3, 0.2, 0.1, 0.6, 0.7, 0.8]])
    steps = np.tile([100, 200], (1, 10, 1))
    found = pruning.Searches(scores, steps, worth)
    ends = np.full((1, 10), 2)
    ends[0, [0, 5]] = 1  # the truly best one, number 0, and a bad one
    said = pruning.outcomes(found, ends)
    assert said.saved[0] == pytest.approx(0.1)
    assert said.good_killed[0] == 1 and said.best_killed[0] == 1 and said.rank[0] == 1
    assert said.loss[0] == pytest.approx(0.0), "both choose number 2, which scored highest"
    ends[0] = 2
    assert pruning.outcomes(found, ends).rank[0] == 0 and pruning.outcomes(found, ends).saved[0] == 0
    ends[0, 2] = 1
    assert pruning.outcomes(found, ends).loss[0] == pytest.approx(-0.05), "number 2 was lucky"


def test_what_is_saved_is_spent_on_further_trials():
    scores = np.tile(np.linspace(0.1, 0.8, 8)[None, :, None], (1, 1, 2))
    found = pruning.Searches(scores, np.tile([100, 200], (1, 8, 1)), scores[..., -1])
    ends = np.array([[2, 1, 1, 2, 2, 1, 1, 2]])
    worth, started = pruning.at_budget(found, ends, 4)  # 800 steps: 200 100 100 200 200, and the next would be 900
    assert started[0] == 5 and worth[0] == pytest.approx(0.5)
    worth, started = pruning.at_budget(found, np.full((1, 8), 2), 4)
    assert started[0] == 4 and worth[0] == pytest.approx(0.4)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Landscape(invented.write(tmp_path_factory.mktemp("study") / "study.npz", seeds=4, more=False)).runs("study")


def test_searches_take_recorded_runs(study):
    found = pruning.searches(study, 30, 5, np.random.default_rng(0))
    assert found.scores.shape == found.steps.shape == (5, 30, 20) and found.worth.shape == (5, 30)
    assert (np.diff(found.steps, axis=2) >= 0).all() and (found.steps[..., -1] >= 40_960).all()
    assert np.isin(found.worth, study.truth).all()
    assert all(len(set(row.round(9))) == 30 for row in found.worth)
    part = found.first(10)
    for name, pruner in pruning.PRUNERS.items():
        if name != "Hyperband":  # which draws its brackets
            ends = pruner(found.scores, np.random.default_rng(1))
            assert np.array_equal(ends[:, :10], pruner(part.scores, np.random.default_rng(1))), name


def test_seeds_one_after_the_other(study):
    found = pruning.seed_searches(study, 30, 5, np.random.default_rng(0))
    assert found.scores.shape == (5, 30, 4)
    assert np.isin(found.scores[..., 0], study.final).all()
    assert (np.diff(found.steps, axis=2) >= 40_960).all()
    means = np.sort(study.final.mean(axis=1).round(9))
    assert np.isin(found.scores[..., -1].round(9), means).all()
