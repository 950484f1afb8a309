"""What a hyperparameter is worth, and whether its intervals cover."""

import numpy as np
import pytest
from invented_sweeps import invented

from binpack.core.statistics import verdict_words
from binpack.course.l05_hyperparameters import exercises, results
from binpack.course.l05_hyperparameters.claims import FEWEST_FOR_SPREAD
from binpack.course.l05_hyperparameters.results import Sweeps
from binpack.course.l05_hyperparameters.worth import cross_fitted, spread_by_chance, spread_of_means, worth, worths


@pytest.fixture(scope="module")
def record() -> Sweeps:
    """Six seeds of invented scores."""
    return Sweeps(invented())


def test_what_matters_is_told_from_what_does_not(record):
    rate, gamma = worth(record, "learning_rate"), worth(record, "gamma")
    assert rate.best == 1e-3 and rate.gain.word == "ahead" and rate.spread > 10 * rate.chance
    assert gamma.spread < 3 * gamma.chance and len(gamma.close) >= 5
    assert [each.name for each in worths(record)] == list(results.KNOBS)


def test_the_spread_of_chance_is_that_of_equal_values():
    rng = np.random.default_rng(0)
    scores = rng.normal(0.8, 0.02, (400, 7, 10))
    true = np.mean([spread_of_means(each) for each in scores])
    told = np.mean([spread_by_chance(each, 50) for each in scores[:60]])
    assert told == pytest.approx(true, rel=0.1)
    moved = scores[0] + np.linspace(0, 0.3, 7)[:, None]  # values that differ change nothing of their luck
    assert spread_by_chance(moved) == pytest.approx(spread_by_chance(scores[0]))


@pytest.mark.parametrize("seeds", [6, 7, 10])
def test_the_lesson_s_gain_is_the_package_s(seeds):
    scores = np.random.default_rng(seeds).normal(0.8, 0.05, (6, seeds))
    for default in range(6):
        assert np.allclose(exercises.honest_gain(scores, default), cross_fitted(scores, default))


def test_cross_fitting_finds_nothing_where_nothing_is_and_choosing_on_the_same_seeds_does():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(1500, 8, 10))
    honest = np.array([cross_fitted(each, 0) for each in scores]).T
    naive = np.array([each[each.mean(axis=1).argmax()] - each[0] for each in scores]).T
    told = {name: words(differences) for name, differences in (("honest", honest), ("naive", naive))}
    assert told["honest"]["ahead"] < 0.05 and told["honest"]["behind"] < 0.05
    assert told["naive"]["ahead"] > 2 * told["honest"]["ahead"] and abs(honest.mean()) < 0.03 < naive.mean()


def test_the_test_of_spread_is_wrong_one_time_in_twenty():
    rng = np.random.default_rng(2)
    for seeds in (FEWEST_FOR_SPREAD, 8, 10):
        for draw in (rng.normal, rng.gumbel):
            one, other = draw(size=(2, seeds, 4000))
            wrong = words(deviations(one), deviations(other))
            assert wrong["ahead"] + wrong["behind"] < 0.06
    one, other = rng.normal(size=(2, 10, 4000))
    assert 0.4 < words(deviations(3 * one), deviations(other))["ahead"] < 0.7  # "in about half of all cases"


def test_under_six_seeds_the_test_of_spread_is_off():
    one, other = np.random.default_rng(3).normal(size=(2, 4, 20_000))
    wrong = words(deviations(one), deviations(other))
    assert wrong["ahead"] + wrong["behind"] > 0.055


def deviations(scores):
    return np.abs(scores - np.median(scores, axis=0))


def words(first, second=None):
    told = verdict_words(first, np.zeros_like(first) if second is None else second)
    return {word: told.count(word) / len(told) for word in ("ahead", "behind", "not separable")}
