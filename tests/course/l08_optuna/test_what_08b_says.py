"""What lesson 08b says in words is what its records hold."""

from __future__ import annotations

import numpy as np
import pytest

from binpack.course.l08_optuna import carry, defaults, fronts, shares, signs
from binpack.course.l08_optuna.reading_records import Budgets, Fronts, Replays, Shares
from binpack.course.l08_optuna.searches import Searches
from binpack.course.searching import chance_better
from binpack.search.landscape import task
from binpack.search.landscape.table import load


@pytest.fixture(scope="module")
def replays():
    return Replays.load()


def mean(replays, pruner, measure, of="points"):
    return float(replays.found[of, pruner][measure].mean())


def test_the_median_pruner_saves_more_than_is_quoted_kills_much_and_loses_little(replays):
    assert 0.75 < mean(replays, "median", "saved") < 0.85
    assert 0.6 < mean(replays, "median", "good_killed") < 0.75
    assert 0.45 < mean(replays, "median", "best_killed") < 0.55
    assert 0.001 < mean(replays, "median", "loss") < 0.005


def test_a_warm_up_makes_it_gentler(replays):
    name = "median after a quarter"
    assert 0.5 < mean(replays, name, "saved") < 0.6
    assert 0.2 < mean(replays, name, "best_killed") < 0.3
    loss = replays.found["points", name]["loss"]
    assert abs(loss.mean()) < 2 * loss.std() / len(loss) ** 0.5


def test_over_seeds_fewer_good_ones_are_killed(replays):
    assert 0.6 < mean(replays, "median", "saved", "seeds") < 0.75
    assert 1 / 10 < mean(replays, "median", "best_killed", "seeds") < 1 / 8
    assert 0.04 < mean(replays, "Wilcoxon", "best_killed", "seeds") < 0.06


def gain(replays, pruner, of="points"):
    """What a pruner buys at an equal budget, and its standard error."""
    more = replays.found[of, pruner]["worth"] - replays.found[of, "none"]["worth"]
    return more.mean(), more.std() / len(more) ** 0.5


def test_every_pruner_but_the_hastiest_buys_something_and_little(replays):
    for name in ("median", "median after a quarter", "halving", "Hyperband"):
        more, error = gain(replays, name)
        assert 2 * error < more and more == pytest.approx(0.004, abs=0.001)
        assert 0.57 < chance_better(*(replays.found["points", each]["worth"] for each in (name, "none"))) < 0.63
    more, error = gain(replays, "upper quarter")
    assert more < 2 * error and mean(replays, "upper quarter", "saved") >= mean(replays, "median", "saved")
    ends = [gain(replays, name)[0] for name in ("median", "halving", "Hyperband")]
    assert max(ends) - min(ends) < 2 * 2**0.5 * gain(replays, "median")[1]


def test_over_seeds_the_median_buys_more(replays):
    assert gain(replays, "median", "seeds")[0] > gain(replays, "median")[0]
    chance = chance_better(*(replays.found["seeds", each]["worth"] for each in ("median", "none")))
    assert chance == pytest.approx(0.75, abs=0.03)


def test_the_critic_tells_more_than_the_score_at_first_and_less_after_a_quarter():
    found = {name: each.mean(axis=0) for name, each in signs.correlations(load().runs("study")).items()}
    assert max(found, key=lambda name: abs(found[name][1])) == "explained_variance"
    assert all(abs(found["utilization"][point]) > abs(found["explained_variance"][point]) for point in range(4, 20))


@pytest.fixture(scope="module")
def measured():
    return Shares.load()


def right(measured, sampler, trials, evaluator="fANOVA"):
    """The share of studies that name the right first hyperparameter."""
    return float(shares.first_is(measured.found[sampler, trials, evaluator], measured.limit(evaluator)).mean())


def test_a_hundred_trials_tell_one_hyperparameter_from_nothing(measured):
    first = task.SPACE.names.index("learning_rate")
    for evaluator in shares.EVALUATORS:
        found = measured.found["random", 100, evaluator]
        means, spreads = found.mean(axis=0), found.std(axis=0)
        assert means[first] > 2 * spreads[first]
        assert (np.delete(means, first) < 2 * np.delete(spreads, first)).all()


def test_random_trials_name_the_first_and_not_the_three_first(measured):
    assert 0.3 < right(measured, "random", 20) < 0.45 and right(measured, "random", 100) > 0.95
    for evaluator in shares.EVALUATORS:
        limit = measured.limit(evaluator)
        assert all(
            shares.overlap(measured.found["random", trials, evaluator], limit, 3).mean() < 2.5
            for trials in measured.lengths
        )
    assert shares.overlap(measured.found["random", 400, "fANOVA"], measured.limit("fANOVA"), 3).mean() == 2


def test_on_trials_of_tpe_more_of_them_do_not_help(measured):
    for evaluator in shares.EVALUATORS:
        assert max(right(measured, "TPE", trials, evaluator) for trials in measured.lengths) < 0.7
    assert right(measured, "TPE", 200) < right(measured, "TPE", 100) + 0.1


def test_tpe_covers_most_and_a_genetic_algorithm_comes_late():
    areas = Fronts.load()
    chance = {}
    for against in fronts.AGAINST:
        for place, trials in ((4, 50), (9, 100), (19, 200)):
            ends = {name: areas.areas[against, name][:, place] for name in fronts.SAMPLERS}
            assert areas.at[place] == trials and max(ends, key=lambda name: ends[name].mean()) == "TPE"
            for name in ("TPE", "NSGA-II"):
                chance[against, name, trials] = chance_better(ends[name], ends["random"])
        assert chance[against, "NSGA-II", 50] == pytest.approx(0.5, abs=0.05)
        assert 0.7 < chance[against, "NSGA-II", 200] < 0.8
    for name in ("TPE", "NSGA-II"):
        assert chance["stability", name, 200] >= chance["gradient steps", name, 200]


@pytest.fixture(scope="module")
def budgets():
    return Budgets.load()


def test_the_first_fifty_trials_bring_two_thirds_and_two_hundred_nine_tenths(budgets):
    at = {trials: budgets.at("all eleven", "TPE", trials).mean() for trials in (10, 50, 200, 300, 600)}
    rise = at[600] - at[10]
    assert (at[50] - at[10]) / rise == pytest.approx(2 / 3, abs=0.05)
    assert (at[200] - at[10]) / rise == pytest.approx(0.9, abs=0.04)
    assert 0.001 <= at[600] - at[300] <= 0.002


def test_three_of_the_guides_are_ahead_with_every_budget(budgets):
    name = "three of the guides"
    for trials in (20, 50, 100, 200):
        ends = {space: budgets.at(space, "TPE", trials) for space in budgets.names}
        assert max(ends, key=lambda space: ends[space].mean()) == name
        assert 0.85 < chance_better(ends[name], ends["all eleven"]) < 0.92
    last = budgets.at("all eleven", "TPE", 600).mean()
    assert budgets.at(name, "TPE", 20).mean() == pytest.approx(last, abs=0.001)


def test_tune_does_what_the_records_say(budgets, replays):
    more = defaults.doubled(load().runs("study"), 50, 2000, np.random.default_rng(3))
    table = defaults.proposals(replays, budgets, Searches.load(), more)
    assert [row[1] for row in table.rows] == [row[2] for row in table.rows]


def test_the_order_carries_over_and_the_gain_does_not():
    pair = carry.Pair.of(load())
    assert pair.second.shape == (64, 5)
    assert pair.correlation > 0.85 and pair.correlation == pytest.approx(pair.halves, abs=0.03)
    chosen = int(pair.first.argmax())
    assert (pair.worth > pair.worth[chosen]).sum() < 5
    assert 0 < pair.worth[chosen] - pair.default[1] < 0.002 < pair.first[chosen] - pair.default[0]
