"""Lesson 07's functions and searches beside plain oracles and Optuna's own parts."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.sampler import _split_trials, default_gamma, default_weights
from scipy.stats import kstest, truncnorm

from binpack.course.l07_tpe import exercises, many, ridge, tpe
from binpack.course.searching import chance_better, leaders, worth_of_leaders
from binpack.search.landscape import task

PARTS = exercises.REFERENCE
OPTUNAS = _ParzenEstimatorParameters(1.0, True, False, default_weights, True)
SIZES = (1, 2, 3, 10, 26, 40, 130)


def scored(seed, count):
    return np.random.default_rng(seed).random(count), np.random.default_rng(seed + 99).random(count).round(1)


# ------------------------------------------------------------------------------------------------ expected improvement


def test_expected_improvement_is_the_mean_gain_of_draws():
    mean, sd = np.array([0.79, 0.75, 0.80]), np.array([0.01, 0.10, 0.10])
    draws = mean + sd * np.random.default_rng(0).standard_normal((400_000, 3))
    found = exercises.expected_improvement(mean, sd, 0.8)
    assert found == pytest.approx(np.maximum(draws - 0.8, 0).mean(axis=0), abs=3e-4)
    assert found.round(4).tolist() == [0.0008, 0.0198, 0.0399]  # the lesson's table
    assert exercises.expected_improvement(np.array([0.82, 0.79]), np.zeros(2), 0.8) == pytest.approx([0.02, 0])
    assert exercises.expected_improvement(mean, np.full(3, 1e-9), 0.8) == pytest.approx([0, 0, 0], abs=1e-8)


# ------------------------------------------------------------------------------------------------- the parts of the TPE


@pytest.mark.parametrize("count", [1, 9, 10, 11, 25, 240, 241, 300])
def test_trials_are_split_as_optuna_splits_them(count):
    _, scores = scored(count, count)
    trials = [
        optuna.trial.create_trial(value=float(score), params={"x": 0.5}, distributions={"x": FloatDistribution(0, 1)})
        for score in scores
    ]
    for number, trial in enumerate(trials):
        trial.number = number
    study = optuna.create_study(direction="maximize")
    wanted = _split_trials(study, trials, default_gamma(count))
    found = exercises.split_trials(scores)
    assert [part.tolist() for part in found] == [[trial.number for trial in part] for part in wanted]


@pytest.mark.parametrize("count", SIZES)
def test_a_mixture_has_optunas_density(count):
    places, _ = scored(count, count)
    made = tpe.mixture(places, PARTS.bandwidths)
    at = np.random.default_rng(1).random(50)
    theirs = _ParzenEstimator({"x": places}, {"x": FloatDistribution(0.0, 1.0)}, OPTUNAS)
    found = PARTS.mixture_density(at, made.centres, made.widths, made.weights)
    assert np.log(found) == pytest.approx(theirs.log_pdf({"x": at}), abs=1e-6)


def test_a_logarithmic_range_changes_a_density_by_a_constant_factor():
    places, _ = scored(3, 12)
    at = np.random.default_rng(2).random(20)
    low, high = 1e-5, 1e-1
    values, asked = (low * (high / low) ** each for each in (places, at))
    assert exercises.place_on_scale(values, low, high, True) == pytest.approx(places)
    theirs = _ParzenEstimator({"x": values}, {"x": FloatDistribution(low, high, log=True)}, OPTUNAS)
    made = tpe.mixture(places, PARTS.bandwidths)
    found = np.log(PARTS.mixture_density(at, made.centres, made.widths, made.weights))
    assert found - theirs.log_pdf({"x": asked}) == pytest.approx(np.full(20, np.log(np.log(high / low))), abs=1e-6)


def test_densities_have_an_area_of_one_and_draws_follow_them():
    places, _ = scored(5, 6)
    made = tpe.mixture(places, PARTS.bandwidths)
    at = (np.arange(4000) + 0.5) / 4000
    area = PARTS.mixture_density(at, made.centres, made.widths, made.weights).mean()
    assert area == pytest.approx(1, abs=1e-5)
    drawn = PARTS.draw_mixture(4000, made.centres, made.widths, made.weights, np.random.default_rng(0))

    def cumulated(x):
        bumps = zip(made.centres, made.widths, made.weights, strict=True)
        return sum(w * truncnorm.cdf(x, -c / s, (1 - c) / s, loc=c, scale=s) for c, s, w in bumps)

    assert kstest(drawn, cumulated).pvalue > 0.01


@pytest.mark.parametrize("count", SIZES)
def test_shares_are_optunas_weights(count):
    wanted = np.append(default_weights(count), 1.0)
    assert tpe.shares(count) == pytest.approx(wanted / wanted.sum())
    assert tpe.shares(0).tolist() == [1.0]


@pytest.mark.parametrize("count", (1, 3, 30))
def test_choices_have_optunas_probabilities(count):
    observed = np.random.default_rng(count).integers(3, size=count)
    theirs = _ParzenEstimator({"x": observed}, {"x": CategoricalDistribution(("a", "b", "c"))}, OPTUNAS)
    found = exercises.choice_probabilities(observed, tpe.shares(count), 3)
    assert np.log(found) == pytest.approx(theirs.log_pdf({"x": np.arange(3)}))
    assert found.sum() == pytest.approx(1)


def test_the_numbers_of_the_lesson():
    assert exercises.bandwidths(np.array([0.2, 0.5, 0.6])) == pytest.approx([0.3, 0.3, 0.2])
    assert exercises.bandwidths(np.array([0.3])) == pytest.approx([0.7])
    one = np.array([0.5]), np.array([0.5]), np.ones(1)
    assert exercises.mixture_density(np.array([0.5, 0.0]), *one) == pytest.approx([1.169, 0.709], abs=1e-3)
    found = exercises.choice_probabilities(np.array([0, 0, 1]), np.full(4, 0.25), 3)
    assert found == pytest.approx([0.476, 0.333, 0.190], abs=1e-3)


# --------------------------------------------------------------------------------------------------------- many at once


def test_many_mixtures_are_those_of_the_lesson():
    places = np.random.default_rng(0).random((4, 30, 3))
    made = many.mixtures(places)
    at = np.random.default_rng(1).random((4, 5, 3))
    found, jointly = made.log_density(at), made.joint_log_density(at)
    for search in range(4):
        wanted = np.zeros(5)
        one = [tpe.mixture(places[search, :, edge], PARTS.bandwidths) for edge in range(3)]
        for edge, each in enumerate(one):
            heights = PARTS.mixture_density(at[search, :, edge], each.centres, each.widths, each.weights)
            assert found[search, :, edge] == pytest.approx(np.log(heights), abs=1e-5)
        for trial, weight in enumerate(one[0].weights):
            product = np.full(5, weight)
            for edge, each in enumerate(one):
                bump = each.centres[[trial]], each.widths[[trial]], np.ones(1)
                product *= PARTS.mixture_density(at[search, :, edge], *bump)
            wanted += product
        assert jointly[search] == pytest.approx(np.log(wanted), abs=1e-8)


def test_whole_numbers_have_optunas_probabilities():
    """Two hyperparameters of the study, the coarsest and one without whole numbers, apart and jointly."""
    names = ("n_epochs", "learning_rate")
    edges = [task.SPACE.names.index(name) for name in names]
    cells = {0: many.WHOLE[edges[0]]}
    places = many.moved(np.random.default_rng(0).random((1, 12, 2)), cells)
    at = many.moved(np.random.default_rng(1).random((1, 24, 2)), cells)
    space = {"n_epochs": IntDistribution(1, 20, log=True), "learning_rate": FloatDistribution(1e-5, 1e-1, log=True)}

    def values(which):
        return {
            name: np.array([task.SPACE.parameters[name].at(x) for x in which[0, :, k]]) for k, name in enumerate(names)
        }

    made = many.mixtures(places)
    factor = np.log(np.log(1e4))  # of the scale of the learning rate
    jointly = _ParzenEstimator(values(places), space, OPTUNAS).log_pdf(values(at))
    assert made.joint_log_density(at, cells)[0] - factor == pytest.approx(jointly, abs=1e-5)
    alone = _ParzenEstimator({"n_epochs": values(places)["n_epochs"]}, {"n_epochs": space["n_epochs"]}, OPTUNAS)
    wanted = alone.log_pdf({"n_epochs": values(at)["n_epochs"]})
    assert made.log_density(at, cells)[0, :, 0] == pytest.approx(wanted, abs=1e-5)


def test_places_are_moved_to_configurations_that_exist():
    places = np.random.default_rng(0).random((200, len(task.SPACE)))
    wanted = np.array([task.SPACE.place(task.SPACE.at(place)) for place in places])
    assert many.moved(places) == pytest.approx(wanted, abs=1e-9)


def bowl(places, rng):
    worth = 0.9 - ((places - 0.6) ** 2).sum(axis=-1)
    return worth + 0.01 * rng.standard_normal(worth.shape), worth


@pytest.mark.parametrize("joint", [False, True])
def test_many_searches_do_what_optunas_sampler_does(joint):
    rng = np.random.default_rng(0)
    ours = many.tpe(bowl, 3, 25, 300, rng, joint=joint)
    theirs = np.empty((40, 25))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for row in range(len(theirs)):
        sampler = optuna.samplers.TPESampler(seed=row, multivariate=joint, constant_liar=False)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for trial in range(25):
            asked = study.ask()
            place = np.array([asked.suggest_float(name, 0, 1) for name in "abc"])
            score, theirs[row, trial] = bowl(place, rng)
            study.tell(asked, float(score))
    one, other = ours.worth[:, 10:].mean(axis=1), theirs[:, 10:].mean(axis=1)
    error = np.sqrt(one.var() / len(one) + other.var() / len(other))
    assert abs(one.mean() - other.mean()) < 4 * error
    assert other.mean() > theirs[:, :10].mean() + 5 * error  # and both learn


def test_one_search_and_many_do_the_same():
    def line(places, rng):
        return 0.9 - (places - 0.3) ** 2 + 0.01 * rng.standard_normal(np.shape(places))

    def field(places, rng):
        return line(places[:, 0], rng), places[:, 0]

    rng = np.random.default_rng(2)
    one = np.array([tpe.search(line, 30, PARTS, rng)[0] for _ in range(60)])
    other = many.tpe(field, 1, 30, 400, rng).places[..., 0]
    assert ((one >= 0) & (one <= 1)).all()
    assert one[:, 10:].mean() == pytest.approx(other[:, 10:].mean(), abs=0.03)
    assert one[:, 10:].std() == pytest.approx(other[:, 10:].std(), abs=0.03)


def test_searches_that_learn_nothing_try_what_was_listed():
    rng = np.random.default_rng(0)
    listed = rng.random((6, 2))
    order = many.shuffled(listed, 4, 50, rng)
    assert order.shape == (50, 4, 2) and many.shuffled(listed, 9, 2, rng).shape == (2, 6, 2)
    assert all(len({tuple(place) for place in search}) == 4 for search in order)
    points = many.sobol(12, 3, 2, rng)
    assert points.shape == (3, 12, 2) and not np.array_equal(points[0], points[1])
    found = many.drawn(bowl, points, rng)
    assert found.worth[1, 3] == pytest.approx(bowl(points[1, 3], rng)[1])


def test_the_ridge_is_where_it_is_said_to_be():
    assert ridge.worth(np.array([[0.75, 0.25]])) == pytest.approx([0.9])
    assert (ridge.worth(np.random.default_rng(0).random((500, 2))) <= 0.9).all()
    draws = ridge.draws(200, 200, np.random.default_rng(7))
    assert len(draws.good) == 20 and ridge.off(draws.good) < ridge.off(draws.joint) < ridge.off(draws.apart)
    found = ridge.searches(15, 20, np.random.default_rng(0))
    assert {name: curve.shape for name, curve in found.items()} == dict.fromkeys(
        ("random", "TPE", "joint TPE"), (20, 15)
    )


# ------------------------------------------------------------------------------------------------- what lessons share


def test_leaders_and_chances():
    scores, worth = np.array([[0.8, 0.85, 0.82, 0.85]]), np.array([[0.81, 0.79, 0.84, 0.9]])
    assert leaders(scores).tolist() == [[0, 1, 1, 1]]
    assert worth_of_leaders(scores, worth).tolist() == [[0.81, 0.79, 0.79, 0.79]]
    rng = np.random.default_rng(0)
    one, other = rng.integers(9, size=30), rng.integers(9, size=20)
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in one for b in other]
    assert chance_better(one, other) == pytest.approx(np.mean(pairs))
