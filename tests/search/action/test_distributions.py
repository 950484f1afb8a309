"""The twelve distributions: what they draw, what they contain, and what Optuna makes of them."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kinds import EXAMPLES
from pydantic import TypeAdapter, ValidationError

from binpack.search.action.distributions import KINDS, Hyperparameter

ADAPTER = TypeAdapter(Hyperparameter)


def make(kind, **fields):
    return ADAPTER.validate_python({"name": "x", "type": kind, **fields})


def draws(distribution, n=4000, seed=0):
    rng = np.random.default_rng(seed)
    return [distribution.sample(rng) for _ in range(n)]


def test_there_are_twelve():
    assert list(KINDS) == list(EXAMPLES)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_what_is_drawn_is_contained_and_is_plain_json(kind):
    distribution = make(kind, **EXAMPLES[kind])
    values = draws(distribution, 500)
    assert all(distribution.contains(value) for value in values)
    assert json.loads(json.dumps(values)) == values
    assert values == draws(distribution, 500)


@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize("field", ["min", "max", "base", "mean", "sd", "options"])
def test_every_field_but_q_is_required(kind, field):
    fields = dict(EXAMPLES[kind])
    if fields.pop(field, None) is None:
        return
    with pytest.raises(ValidationError, match="Field required"):
        make(kind, **fields)


@pytest.mark.parametrize("kind", [kind for kind in EXAMPLES if kind.startswith("q")])
def test_q_is_1_where_it_is_left_out(kind):
    fields = {**EXAMPLES[kind], "max": 90} if "max" in EXAMPLES[kind] else EXAMPLES[kind]
    distribution = make(kind, **{name: value for name, value in fields.items() if name != "q"})
    assert distribution.q == 1
    assert all(value == round(value) for value in draws(distribution, 100))


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        ("quniform", 0.3, 0.8),
        ("qloguniform", 0.5, 20.0),
        ("randint", -2, 3),
        ("qrandint", 4, 16),
        ("lograndint", 1, 9),
        ("qlograndint", 8, 96),
    ],
)
def test_both_ends_are_drawn(kind, least, most):
    values = draws(make(kind, **EXAMPLES[kind]))
    assert (min(values), max(values)) == (least, most)


@pytest.mark.parametrize(
    ("kind", "values"), [("quniform", [0.3, 0.4, 0.5, 0.6, 0.7, 0.8]), ("qrandint", [4, 8, 12, 16])]
)
def test_multiples_are_drawn_alike(kind, values):
    drawn = draws(make(kind, **EXAMPLES[kind]), 6000)
    counts = [drawn.count(value) for value in values]
    assert sum(counts) == 6000
    expected = 6000 / len(values)
    assert all(abs(count - expected) < 5 * math.sqrt(expected) for count in counts)


def test_a_log_scale_gives_every_decade_its_share():
    drawn = np.array(draws(make("loguniform", **EXAMPLES["loguniform"]), 6000))
    counts, _ = np.histogram(np.log10(drawn), bins=[-5, -4, -3, -2])
    assert all(abs(count - 2000) < 5 * math.sqrt(2000) for count in counts)


def test_the_base_changes_nothing_that_is_drawn():
    fields = EXAMPLES["loguniform"]
    others = [draws(make("loguniform", **{**fields, "base": base}), 50) for base in (2, math.e, 10)]
    assert np.allclose(others[0], others[1]) and np.allclose(others[0], others[2])


def test_a_whole_number_on_a_log_scale_has_the_part_up_to_the_next():
    drawn = draws(make("lograndint", **EXAMPLES["lograndint"]), 8000)
    for value in range(1, 10):
        expected = 8000 * math.log10((value + 1) / value)
        assert abs(drawn.count(value) - expected) < 5 * math.sqrt(expected)


def test_a_normal_has_its_mean_and_deviation():
    drawn = np.array(draws(make("randn", mean=3, sd=0.5), 6000))
    assert abs(drawn.mean() - 3) < 5 * 0.5 / math.sqrt(6000)
    assert abs(drawn.std() - 0.5) < 0.03


@given(low=st.integers(-50, 50), width=st.integers(1, 60), q=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
def test_whole_multiples_against_a_list_of_them(low, width, q, seed):
    oracle = [value for value in range(low, low + width + 1) if value % q == 0]
    if not oracle:
        with pytest.raises(ValidationError, match=f"no multiple of {q} lies between"):
            make("qrandint", min=low, max=low + width, q=q)
        return
    distribution = make("qrandint", min=low, max=low + width, q=q)
    assert [value for value in range(low - 1, low + width + 2) if distribution.contains(value)] == oracle
    assert distribution.sample(np.random.default_rng(seed)) in oracle
    space = distribution.optuna()
    assert list(range(space.low, space.high + 1, space.step)) == oracle


@settings(deadline=None)
@given(
    low=st.integers(-200, 200),
    width=st.integers(1, 300),
    tenths=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
)
def test_decimal_multiples_are_the_decimals_that_one_would_write(low, width, tenths, seed):
    high = low + width
    oracle = [value for value in range(low, high + 1) if value % tenths == 0]
    fields = {"min": low / 100, "max": high / 100, "q": tenths / 100}
    if not oracle:
        with pytest.raises(ValidationError, match="no multiple"):
            make("quniform", **fields)
        return
    distribution = make("quniform", **fields)
    drawn = distribution.sample(np.random.default_rng(seed))
    assert drawn in [value / 100 for value in oracle]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    trial = study.ask({"x": distribution.optuna()})
    assert distribution.decode(trial.params["x"]) in [value / 100 for value in oracle]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_what_optuna_draws_is_contained_and_goes_there_and_back(kind):
    distribution = make(kind, **EXAMPLES[kind])
    if (space := distribution.optuna()) is None:
        assert kind in {"qloguniform", "randn", "qrandn", "qlograndint", "grid_search"}
        return
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(30):
        stored = study.ask({"x": space}).params["x"]
        value = distribution.decode(stored)
        assert distribution.contains(value)
        assert distribution.encode(value) == pytest.approx(stored) or distribution.encode(value) == stored


@given(
    kind=st.sampled_from([kind for kind in EXAMPLES if "min" in EXAMPLES[kind]]),
    value=st.one_of(st.integers(-200, 200), st.floats(-30, 30), st.booleans(), st.text(max_size=2), st.none()),
)
def test_contains_against_the_definition(kind, value):
    fields = EXAMPLES[kind]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    expected = number and fields["min"] <= value <= fields["max"]
    if "int" in kind:
        expected = expected and isinstance(value, int)
    if "q" in fields and expected:
        expected = Fraction(repr(value)) % Fraction(repr(fields["q"])) == 0
    found = make(kind, **fields).contains(value)
    # a float beside a multiple by no more than rounding counts as it
    assert found == expected or (found and abs(value / fields["q"] - round(value / fields["q"])) < 1e-9)


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        ("uniform", {"min": 1, "max": 1}, "1 is not above min, 1"),
        ("uniform", {"min": "1", "max": 2}, "valid number"),
        ("uniform", {"min": float("nan"), "max": 2}, "finite"),
        ("randint", {"min": 1.5, "max": 2}, "valid integer"),
        ("randint", {"min": True, "max": 2}, "valid integer"),
        ("loguniform", {"min": 0, "max": 2, "base": 10}, "greater than 0"),
        ("loguniform", {"min": 1, "max": 2, "base": 1}, "greater than 1"),
        ("qrandint", {"min": 1, "max": 5, "q": 0}, "greater than or equal to 1"),
        ("randn", {"mean": 0, "sd": 0}, "greater than 0"),
        ("choice", {"options": []}, "at least 1"),
        ("choice", {"options": [1, 2, 1.0]}, "option 1.0 is there twice"),
        ("grid_search", {"options": [{"a": 1}]}, "an option is a string, a number"),
        ("uniform", {"min": 0, "max": 1, "q": 1}, "Extra inputs"),
    ],
)
def test_what_cannot_be_is_refused(kind, fields, words):
    with pytest.raises(ValidationError, match=words):
        make(kind, **fields)
