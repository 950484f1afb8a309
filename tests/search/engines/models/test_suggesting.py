"""Searches of other libraries: what they suggest is in the distributions, follows from what was seen, and is good."""

from __future__ import annotations

import importlib.util
import math
from collections import Counter

import numpy as np
import pytest
from kinds import EXAMPLES
from pydantic import TypeAdapter

from binpack.search._model import SearchError
from binpack.search.action.distributions import KINDS, Hyperparameter
from binpack.search.action.support import SUPPORT
from binpack.search.engines.models import suggesting
from binpack.search.engines.models.seen import Seen
from binpack.search.engines.models.suggesting import MODELS, suggest_by

ADAPTER = TypeAdapter(Hyperparameter)
CELLS = [(search, kind) for search in MODELS for kind in KINDS if kind in SUPPORT[search]]


def model(name):
    """Return a search, whose library is there."""
    if (line := MODELS[name].missing) is not None:
        pytest.skip(f"{name} {line}")
    return MODELS[name]


def make(kind, name="x", **fields):
    return ADAPTER.validate_python({"name": name, "type": kind, **(fields or EXAMPLES[kind])})


def seen_of(varied, n, seed=0, score=lambda config: 0.0):
    """Return trials that are at their end, drawn at random."""
    rng = np.random.default_rng(seed)
    configs = [{each.name: each.sample(rng) for each in varied} for _ in range(n)]
    return [Seen(config, score(config), True) for config in configs]


@pytest.mark.parametrize(("search", "kind"), CELLS)
def test_a_cell_of_the_table_of_distributions(search, kind):
    """What the library suggests is a value of the distribution, as JSON has it, and the same for the same trials."""
    varied = [make(kind)]
    rounds = 2 if search == "axsearch" else 8
    history = seen_of(varied, MODELS[search].startup, score=lambda config: len(str(config["x"])))
    history += [Seen(history[0].config, None, True), Seen(history[1].config, None, False)]
    for number in range(rounds):
        rng = [np.random.default_rng([5, number]) for _ in range(2)]
        found = suggest_by(model(search), varied, history, rng[0])
        assert varied[0].contains(found["x"])
        assert type(found["x"]) in {type(each.config["x"]) for each in history} or kind == "choice"
        if number == 0:
            assert suggest_by(model(search), varied, history, rng[1]) == found
        history.append(Seen(found, float(number % 3), True))


@pytest.mark.parametrize("kind", sorted(SUPPORT["hyperoptsearch"]))
def test_hyperopt_has_our_distributions(kind):
    """Every value goes there and back, and the prior is ours: ends as often as what lies between."""
    model("hyperoptsearch")
    from hyperopt.pyll.stochastic import sample

    from binpack.search.engines.models.parzen import _term

    varied = make(kind)
    term = _term(varied)
    rng = np.random.default_rng(0)
    ours = [varied.sample(rng) for _ in range(400)]
    assert all(term.value(term.stored(value)) == pytest.approx(value, rel=1e-9) if isinstance(value, float)
               else term.value(term.stored(value)) == value for value in ours)  # fmt: skip
    theirs = [term.value(sample(term.space, rng=rng)) for _ in range(400)]
    assert all(varied.contains(value) for value in theirs)
    if kind in ("uniform", "loguniform", "randn"):
        quantiles = [np.quantile(np.log(each) if kind == "loguniform" else each, [0.25, 0.5, 0.75])
                     for each in (ours, theirs)]  # fmt: skip
        spread = quantiles[0][2] - quantiles[0][0]
        assert np.all(np.abs(quantiles[0] - quantiles[1]) < 0.25 * spread)
    else:
        counts = [Counter(map(str, each)) for each in (ours, theirs)]
        for value in {*counts[0], *counts[1]}:
            a, b = counts[0][value], counts[1][value]
            assert abs(a - b) <= 5 * math.sqrt(a + b + 1), (value, a, b)


@pytest.mark.parametrize("search", MODELS)
def test_it_finds_the_top_of_a_hill_better_than_drawing_does(search):
    """With what was seen of a parabola, the next values lie nearer to its top than values at random do."""
    varied = [make("uniform", name, min=-1, max=1) for name in ("x", "y")]

    def score(config):
        return -((config["x"] - 0.3) ** 2) - (config["y"] + 0.2) ** 2

    history = seen_of(varied, 25, score=score)
    rounds = 3 if search == "axsearch" else 8
    for number in range(rounds):
        found = suggest_by(model(search), varied, history, np.random.default_rng([1, number]))
        history.append(Seen(found, score(found), True))
    drawn = sorted(each.score for each in history[:25])
    assert np.median([each.score for each in history[25:]]) > drawn[12]


def test_bayesian_optimization_keeps_away_from_what_is_running():
    varied = [make("uniform", min=0, max=1)]
    history = seen_of(varied, 12, score=lambda config: -((config["x"] - 0.5) ** 2))
    first = suggest_by(model("bayesoptsearch"), varied, history, np.random.default_rng(1))["x"]
    second = suggest_by(
        model("bayesoptsearch"), varied, [*history, Seen({"x": first}, None, False)], np.random.default_rng(1)
    )["x"]
    assert abs(second - first) > 1e-3


@pytest.mark.parametrize("search", MODELS)
def test_before_the_first_model_values_are_drawn(search):
    varied = [make("uniform")]
    rng = np.random.default_rng(3)
    few = seen_of(varied, MODELS[search].startup - 1)
    assert suggest_by(MODELS[search], varied, few, rng) == {"x": varied[0].sample(np.random.default_rng(3))}


def test_a_library_that_is_missing_is_said_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    varied = [make("uniform")]
    commands = {
        "bayesoptsearch": 'pip install "bayesian-optimization==1.4.3"',
        "hyperoptsearch": "pip install hyperopt",
        "axsearch": "pip install ax-platform",
    }
    for name, command in commands.items():
        with pytest.raises(SearchError, match="needs a package that is not installed: ") as error:
            suggest_by(suggesting.MODELS[name], varied, seen_of(varied, 20), np.random.default_rng(0))
        assert str(error.value).endswith(command)


def test_another_release_of_bayesian_optimization_is_refused(monkeypatch):
    model("bayesoptsearch")
    import bayes_opt

    monkeypatch.delattr(bayes_opt, "UtilityFunction")
    monkeypatch.setattr(bayes_opt, "__version__", "3.0.0", raising=False)
    varied = [make("uniform")]
    with pytest.raises(SearchError, match='has no more: pip install "bayesian-optimization==1.4.3"'):
        suggest_by(MODELS["bayesoptsearch"], varied, seen_of(varied, 12), np.random.default_rng(0))
