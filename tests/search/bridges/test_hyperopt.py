"""Hyperopt draws from the very space, and what it tried is a study."""

from __future__ import annotations

import math
import sys

import hyperopt
import numpy as np
import optuna
import pytest
from hyperopt.pyll import stochastic
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces import conditional_spaces, parameters

from binpack.search._model import SearchError
from binpack.search.bridges.hyperopt import from_hyperopt, run_hyperopt, to_hyperopt
from binpack.search.bridges.tried import load_bridge
from binpack.search.space import Categorical, Condition, Float, Int, Space

SPACE = Space(
    parameters={
        "learning_rate": Float(low=1e-4, high=1e-2, log=True),
        "policy": Categorical(choices=("candidate", "mlp")),
        "channels": Int(low=4, high=32, step=4),
        "net_arch": Categorical(choices=((32,), (64, 64))),
        "layers": Int(low=1, high=4),
    },
    conditions={
        "channels": Condition(parameter="policy", values=("candidate",)),
        "net_arch": Condition(parameter="policy", values=("mlp",)),
    },
)


def score(values, report):
    """Best at a learning rate of 1e-3; a quarter more with the candidate policy and many channels."""
    place = SPACE.parameters["learning_rate"].place(values["learning_rate"])
    report(0.1)
    return 0.5 - (place - 0.5) ** 2 + 0.25 * values.get("channels", 0) / 32


def quantile(node, share: float):
    """What a share of the draws of an ``hp`` node lies below, worked out from the node's own numbers."""
    while node.name in ("float", "int"):
        node = node.pos_args[0]
    if node.name == "switch":
        chosen = node.pos_args[0].arg["obj"]
        return int(share * chosen.arg["low"].obj)
    drawn = node.arg["obj"]
    low, high = drawn.arg["low"].obj, drawn.arg["high"].obj
    value = low + share * (high - low)
    value = math.exp(value) if drawn.name in ("loguniform", "qloguniform") else value
    return round(value) if drawn.name in ("quniform", "qloguniform") else value


@given(parameters, st.floats(0.01, 0.99))
def test_each_kind_has_the_range_the_step_and_the_scale_of_the_space(parameter, share):
    """A value's share of the draws is that of ``Space.at``, whose shares are Optuna's."""
    space = Space(parameters={"x": parameter})
    node = to_hyperopt(space)["x"]
    found = from_hyperopt(space, {"x": quantile(node, share)})["x"]
    # the shares of neighbours meet where rounding decides
    near = [parameter.at(share * factor) for factor in (1 - 1e-9, 1.0, 1 + 1e-9)]
    if isinstance(parameter, Float):
        assert math.isclose(found, near[1], rel_tol=1e-9, abs_tol=1e-9 * max(abs(parameter.low), abs(parameter.high)))
    else:
        assert found in near
    assert parameter.contains(found)


@given(conditional_spaces(), st.integers(0, 2**32 - 1))
def test_what_hyperopt_draws_is_a_configuration_of_the_space(space, seed):
    drawn = stochastic.sample(to_hyperopt(space), rng=np.random.default_rng(seed))
    values = from_hyperopt(space, drawn)
    assert space.outside(values) is None and list(values) == space.active(values)


@settings(max_examples=5)
@given(conditional_spaces(), st.integers(0, 2**32 - 1))
def test_tpe_stays_in_the_space(space, seed):
    study = run_hyperopt(space, lambda values, report: len(values), 6, np.random.default_rng(seed), startup=3)
    assert len(study.trials) == 6
    assert all(space.outside(space.decode(trial.params)) is None for trial in study.trials)


def test_a_study_comes_out_that_optuna_can_rank_and_the_generator_decides_it(tmp_path):
    storage = tmp_path / "h.journal"
    study = run_hyperopt(SPACE, score, 30, np.random.default_rng(1), startup=10, storage=storage)
    again = run_hyperopt(SPACE, score, 30, np.random.default_rng(1), startup=10)
    other = run_hyperopt(SPACE, score, 30, np.random.default_rng(2), startup=10)
    assert [t.params for t in study.trials] == [t.params for t in again.trials] != [t.params for t in other.trials]
    assert study.best_value > 0.7 and all(t.intermediate_values == {1: 0.1} for t in study.trials)
    assert all(("channels" in t.params) == (t.params["policy"] == "candidate") for t in study.trials)
    importance = optuna.importance.get_param_importances(study, params=["learning_rate", "layers"])
    assert importance["learning_rate"] > importance["layers"]
    kept = load_bridge(storage)
    assert (kept.library, len(kept.rows), kept.rows[kept.best]["value"]) == ("Hyperopt", 30, study.best_value)
    assert kept.to_dict()["best"]["params"] == SPACE.decode(study.best_trial.params)
    assert kept.summary().startswith("30 trials (30 complete)\nBest: trial ")
    assert kept.summary().endswith("\nSearched by Hyperopt.")


def test_tpe_learns_where_random_search_does_not():
    """On the mean over the last trials, which a search that learns nothing leaves where it was."""
    study = run_hyperopt(SPACE, score, 60, np.random.default_rng(0), startup=15)
    values = [trial.value for trial in study.trials]
    assert np.mean(values[-20:]) > np.mean(values[:15]) + 0.05


def test_a_trial_that_fails_is_kept_with_its_error_and_the_others_go_on():
    def fails(values, report):
        if values["policy"] == "mlp":
            raise RuntimeError("no\nmemory")
        return float("nan") if values["channels"] > 16 else 1.0

    study = run_hyperopt(SPACE, fails, 12, np.random.default_rng(0))
    states = {(t.state.name, t.user_attrs.get("error")) for t in study.trials}
    expected = {("COMPLETE", None), ("FAIL", "RuntimeError: no memory"), ("FAIL", "InputError: the score is nan")}
    assert states == expected and len(study.trials) == 12


def test_a_search_that_is_stopped_leaves_what_it_has(tmp_path):
    def stop(values, report):
        if len(load_bridge(tmp_path / "s.journal").rows) == 3:
            raise KeyboardInterrupt
        return 1.0

    with pytest.raises(KeyboardInterrupt):
        run_hyperopt(SPACE, stop, 9, np.random.default_rng(0), storage=tmp_path / "s.journal")
    assert [row["state"] for row in load_bridge(tmp_path / "s.journal").rows] == ["complete"] * 3
    with pytest.raises(SearchError, match=r"s\.journal has a study 'study' already: choose another file or another"):
        run_hyperopt(SPACE, score, 1, np.random.default_rng(0), storage=tmp_path / "s.journal")


def test_what_is_missing_or_wrong_is_one_line(monkeypatch):
    with pytest.raises(SearchError, match=r"^0 trials: expected 1 or more$"):
        run_hyperopt(SPACE, score, 0, np.random.default_rng(0))
    monkeypatch.setitem(sys.modules, "hyperopt", None)
    with pytest.raises(SearchError, match=r"^a search with Hyperopt needs the package hyperopt: pip install hyperopt$"):
        run_hyperopt(SPACE, score, 1, np.random.default_rng(0))
    assert hyperopt.tpe is not None
