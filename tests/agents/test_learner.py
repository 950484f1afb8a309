"""The learning algorithm: rollouts that begin anew, whatever names Stable-Baselines3 gives its state."""

from __future__ import annotations

import numpy as np
import pytest
from sb3_contrib import MaskablePPO
from stable_baselines3.common.logger import Logger

from binpack.agents.learner import PPO
from binpack.agents.networks import CandidatePolicy
from binpack.env.config import EnvConfig
from binpack.env.vector import BinPackingVecEnv

ENV = EnvConfig(bin_size=(5, 5, 5), items="random:2-3")


def model(kind: type[PPO] = PPO, **changes) -> PPO:
    """Return a small learner."""
    settings = {"n_steps": 7, "batch_size": 14, "n_epochs": 1, "seed": 0, "device": "cpu"}
    made = kind(
        CandidatePolicy,
        BinPackingVecEnv(ENV, 4),
        policy_kwargs={"channels": 4, "layers": 1},
        **settings,
        **changes,
    )
    made.set_logger(Logger(folder=None, output_formats=[]))
    return made


@pytest.mark.parametrize("fresh", [True, False])
def test_rollouts_begin_with_empty_bins_where_asked_for(fresh, monkeypatch):
    begun, inner = [], PPO.train

    def train(learner):
        buffer = learner.rollout_buffer
        begun.append((bool(buffer.episode_starts[0].all()), not buffer.observations["heights"][0].any()))
        inner(learner)

    monkeypatch.setattr(PPO, "train", train)
    model(fresh_rollouts=fresh).learn(4 * 28)
    assert begun[0] == (True, True)
    assert len(begun) == 4 and (set(begun[1:]) == {(True, True)}) == fresh


@pytest.mark.parametrize("name", ["_last_obs", "_last_episode_starts"])
def test_a_reset_without_effect_is_noticed(name, monkeypatch):
    """As if Stable-Baselines3 kept that under another name, so that what is set under this one changes nothing."""
    learner, inner = model(fresh_rollouts=True), MaskablePPO.collect_rollouts
    learner.learn(28)
    kept = getattr(learner, name)

    def elsewhere(self, *args, **kwargs):
        setattr(self, name, kept)
        return inner(self, *args, **kwargs)

    monkeypatch.setattr(MaskablePPO, "collect_rollouts", elsewhere)
    with pytest.raises(RuntimeError, match="a rollout did not begin with the reset"):
        learner.learn(28, reset_num_timesteps=False)


def test_errors_of_others_pass_through(monkeypatch):
    learner = model()
    monkeypatch.setattr(learner.env, "step_wait", lambda: np.zeros(3).reshape(2, 2))
    with pytest.raises(ValueError, match="cannot reshape array"):
        learner.learn(28)
