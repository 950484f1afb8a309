"""A study over a space in which some parameters exist only beside some choices."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.env.config import EnvConfig
from binpack.search import Categorical, Condition, Float, Int, SearchError, Space, TuneConfig, load_result, to_csv, tune
from binpack.search.samplers import SamplerConfig

SPACE = Space(
    parameters={
        "learning_rate": Float(low=1e-4, high=1e-2, log=True),
        "policy": Categorical(choices=("candidate", "mlp")),
        "channels": Int(low=4, high=32),
        "net_arch": Categorical(choices=((32,), (64, 64))),
    },
    conditions={
        "channels": Condition(parameter="policy", values=("candidate",)),
        "net_arch": Condition(parameter="policy", values=("mlp",)),
    },
)
BASE = TrainConfig(
    env=EnvConfig(bin_size=(4, 4, 4), items="random:1-2"),
    ppo=PPOConfig(n_steps=16, batch_size=32),
    total_steps=64,
    n_envs=4,
)


def train(config, folder, *, on_evaluation=None):
    """Score a configuration at once: many channels are best."""
    ppo = config.ppo
    score = 0.5 + 0.01 * ppo.channels if ppo.policy == "candidate" else 0.5 + 0.1 * len(ppo.net_arch)
    score -= abs(np.log10(ppo.learning_rate) + 3) / 10
    if on_evaluation is not None:
        on_evaluation(config.total_steps, score)
    return SimpleNamespace(score=score, steps=config.total_steps, seconds=0.0)


def study(kind="tpe", trials=24, **more):
    sampler = SamplerConfig(kind=kind, n_startup_trials=6, seed=1)
    return TuneConfig(train=BASE, space=SPACE, sampler=sampler, n_trials=trials, seeds=1, final_seeds=0, **more)


@pytest.mark.parametrize("kind", ["tpe", "random"])
def test_a_study_has_values_of_what_exists_and_goes_on_as_one_that_went_through(tmp_path, kind):
    whole = tune(study(kind), tmp_path / "whole.journal", train=train, progress=False)
    assert len(whole.rows) == 24 and all(row["state"] == "complete" for row in whole.rows)
    for row in whole.rows:
        assert list(row["params"]) == SPACE.active(row["params"]) and SPACE.outside(row["params"]) is None
    assert whole.rows[0]["default"] and whole.rows[0]["params"] == {
        **{"learning_rate": BASE.ppo.learning_rate, "policy": "candidate", "channels": BASE.ppo.channels}
    }
    assert {row["params"]["policy"] for row in whole.rows} == {"candidate", "mlp"}
    tune(study(kind, 9), tmp_path / "half.journal", train=train, progress=False)
    again = tune(study(kind), tmp_path / "half.journal", train=train, progress=False)
    assert [row["params"] for row in again.rows] == [row["params"] for row in whole.rows]
    assert load_result(tmp_path / "whole.journal").config.space == SPACE
    assert len(to_csv(whole.rows).splitlines()) == 25


def test_a_grid_of_it_is_refused():
    with pytest.raises(SearchError, match=r"a grid has a value of every parameter, and channels exists only where"):
        TuneConfig(train=BASE, space=SPACE, sampler="grid")
