"""A sweep of W&B says the very space, and W&B's own engine runs it."""

from __future__ import annotations

import math
import random
import sys

import numpy as np
import optuna
import pytest
import sweeps
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from spaces import parameters, spaces
from sweeps.params import HyperParameter

from binpack.search._model import SearchError
from binpack.search.bridges.local_sweep import run_sweep
from binpack.search.bridges.sweep import check_sweep, sweep_config, to_yaml
from binpack.search.bridges.tried import load_bridge
from binpack.search.space import Categorical, Condition, Float, Int, Space

SPACE = Space(
    parameters={
        "learning_rate": Float(low=1e-4, high=1e-2, log=True),
        "gamma": Float(low=0.9, high=1.0),
        "n_epochs": Int(low=1, high=8),
        "channels": Int(low=4, high=32, step=4),
        "layers": Int(low=1, high=4, log=True),
        "policy": Categorical(choices=("candidate", "mlp")),
        "net_arch": Categorical(choices=((32,), (64, 64))),
    }
)


def score(values, report):
    """Best at a learning rate of 1e-3."""
    return 1 - (SPACE.parameters["learning_rate"].place(values["learning_rate"]) - 0.5) ** 2


def quantile(said: dict, share: float):
    """What a share of the draws of a sweep's parameter lies below, by W&B's own package."""
    parameter = HyperParameter("x", said)
    return parameter.value if parameter.type == HyperParameter.CONSTANT else parameter.ppf(share)


@given(parameters, st.floats(0.01, 0.99))
def test_each_kind_has_the_range_the_step_and_the_scale_of_the_space(parameter, share):
    """A value's share of the draws is that of ``Space.at``, whose shares are Optuna's."""
    said = sweep_config(Space(parameters={"x": parameter}), "random")["parameters"]["x"]
    if isinstance(parameter, Float):
        found = quantile(said, share)
        size = max(abs(parameter.low), abs(parameter.high))
        assert math.isclose(found, parameter.at(share), rel_tol=1e-9, abs_tol=1e-9 * size)
        return
    value = parameter.at(share)
    middle = parameter.place(value)
    found = quantile(said, middle)
    assert found == value and parameter.contains(found if isinstance(parameter, Categorical) else int(found))
    # a little away from where two neighbours' shares meet: a log scale's ends are a thousandth of a number off
    near = [parameter.at(min(max(share + away, 0.0), 1.0)) for away in (-3e-3, 3e-3)]
    assume(near[0] == near[1])
    assert quantile(said, share) == value


@settings(deadline=None)  # the first call imports W&B's engine
@given(spaces, st.integers(0, 2**32 - 1), st.sampled_from(["random", "bayes", "grid"]))
def test_what_the_engine_draws_is_a_configuration_of_the_space(space, seed, method):
    if method == "bayes" and all(parameter.at(0.0) == parameter.at(1.0) for parameter in space.parameters.values()):
        with pytest.raises(SearchError, match="nothing varies in this space"):
            sweep_config(space, method)
        return
    config = sweep_config(space, method)
    study = run_sweep(
        yaml.safe_load(to_yaml(config)), space, lambda values, report: 1.0, 2, np.random.default_rng(seed)
    )
    assert study.trials and all(space.outside(space.decode(trial.params)) is None for trial in study.trials)
    if method == "grid":
        assert len(study.trials) == min(2, space.size())


def test_a_grid_runs_every_cell_once():
    few = SPACE.only("learning_rate", "n_epochs", "policy")
    study = run_sweep(sweep_config(few, "grid", points=2), few, score, 100, np.random.default_rng(0))
    cells = {tuple(trial.params.values()) for trial in study.trials}
    assert len(study.trials) == len(cells) == few.size(2) == 8


@pytest.mark.parametrize("method", ["random", "bayes"])
def test_the_generator_decides_a_sweep_and_the_global_ones_are_left_as_they_were(method):
    config = sweep_config(SPACE, method)
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    first, again, other = (run_sweep(config, SPACE, score, 6, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002
    assert [t.params for t in first.trials] == [t.params for t in again.trials] != [t.params for t in other.trials]


def test_bayes_learns(tmp_path):
    few = SPACE.only("learning_rate")
    study = run_sweep(
        sweep_config(few, "bayes"), few, score, 12, np.random.default_rng(0), storage=tmp_path / "w.journal"
    )
    values = [trial.value for trial in study.trials]
    assert np.mean(values[6:]) > np.mean(values[:3]) and study.best_value > 0.99
    kept = load_bridge(tmp_path / "w.journal")
    assert kept.library == "W&B sweeps (bayes)" and len(kept.rows) == 12


def test_hyperband_stops_what_is_behind_at_its_bands():
    """Runs are compared from the second report on: the first is number 0, as W&B counts."""
    few = SPACE.only("n_epochs")
    reached = []

    def curve(values, report):
        for step in range(1, 9):
            reached.append((values["n_epochs"], step))
            report(values["n_epochs"] * step)
        return values["n_epochs"] * 8

    study = run_sweep(sweep_config(few, "random", hyperband=2), few, curve, 16, np.random.default_rng(0))
    states = [trial.state.name for trial in study.trials]
    assert states[0] == "COMPLETE" and "PRUNED" in states
    pruned = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.PRUNED]
    whole = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
    assert all(3 <= len(trial.intermediate_values) < 8 for trial in pruned)
    assert np.mean([t.params["n_epochs"] for t in pruned]) < np.mean([t.params["n_epochs"] for t in whole])


def test_a_trial_that_fails_is_kept_with_its_error_and_the_others_go_on():
    def fails(values, report):
        if values["n_epochs"] < 5:
            raise RuntimeError("no\nmemory")
        return 1.0

    few = SPACE.only("n_epochs")
    study = run_sweep(sweep_config(few, "bayes"), few, fails, 8, np.random.default_rng(0))
    states = {(t.state.name, t.user_attrs.get("error")) for t in study.trials}
    assert states == {("COMPLETE", None), ("FAIL", "RuntimeError: no memory")} and len(study.trials) == 8


CONDITIONAL = Space(
    parameters={"policy": Categorical(choices=("candidate", "mlp")), "channels": Int(low=4, high=32)},
    conditions={"channels": Condition(parameter="policy", values=("candidate",))},
)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sweep_config(SPACE, "tpe"), "method 'tpe' is not one of grid, random, bayes"),
        (lambda: sweep_config(SPACE, hyperband=0), "hyperband: 0: expected an evaluation's number, 1 or more"),
        (
            lambda: sweep_config(CONDITIONAL),
            'channels exists only where policy is "candidate", and a sweep of W&B has no conditional parameters',
        ),
        (
            lambda: sweep_config(Space(parameters={"a b": Float(low=0, high=1)})),
            "not a sweep that W&B takes: 'a b' does not match",
        ),
        (
            lambda: sweep_config(Space(parameters={"x": Int(low=0, high=10**6, step=10)})),
            "x: 100,001 values in steps of 10, and a sweep lists them one by one, at most 1,000",
        ),
        (
            lambda: sweep_config(Space(parameters={"x": Int(low=1, high=10**10, log=True)})),
            "x: a sweep's whole numbers on a log scale go up to 1,000,000,000",
        ),
        (lambda: check_sweep({"method": "bayes"}), "not a sweep that W&B takes: 'parameters' is a required property"),
        (
            lambda: run_sweep(sweep_config(SPACE), SPACE, score, 0, np.random.default_rng(0)),
            "0 trials: expected 1 or more",
        ),
        (
            lambda: run_sweep(
                {**sweep_config(SPACE), "metric": {"name": "loss"}}, SPACE, score, 1, np.random.default_rng(0)
            ),
            "the sweep's metric is to be minimised",
        ),
    ],
)
def test_what_cannot_be_a_sweep_is_refused_in_one_line(call, message):
    with pytest.raises(SearchError) as error:
        call()
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_a_package_that_is_missing_is_named_with_its_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "sweeps", None)
    with pytest.raises(SearchError, match=r"^a sweep of W&B needs the package sweeps: pip install sweeps$"):
        sweep_config(SPACE)
    assert sweeps.__version__ == "0.2.0"
