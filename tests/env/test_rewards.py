"""Rewards: the built-in ones in plain arithmetic, one's own by name, and what a wrong one is answered with."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from binpack.core.registry import without_imports
from binpack.env import BinPackingEnv, EnvConfig, PackingBatch
from binpack.env.rewards import REWARDS, pays_utilization
from binpack.items.streams import Streams

NUMBER = 3


def low(step):
    """1 on the floor, less above."""
    return 1 - step.boxes[:, 2] / step.bin_size[2]


def short(step):
    """Forget a bin."""
    return np.zeros(len(step.done) + 1)


class Paid:
    """A class with options and a claim."""

    pays_utilization = "end"

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def __call__(self, step):
        """Pay by weight."""
        return self.weight * (step.after - step.before)

    def with_options(self, text):
        """Read the weight."""
        return Paid(float(text))


def play(reward: str, streams: Streams, actions: list[list[int]]):
    """Return each step's rewards and the packed boxes."""
    batch = PackingBatch(EnvConfig(bin_size=(4, 4, 4), reward=reward), len(streams))
    batch.load(streams)
    return [batch.step(np.array(each))[0].tolist() for each in actions], batch


STREAMS = Streams(np.array([[[2, 2, 2], [1, 1, 1]], [[4, 4, 2], [4, 4, 2]]]), np.array([2, 2]))
ACTIONS = [[0, 0], [15, 0], [0, 0]]


@pytest.mark.parametrize(
    ("reward", "expected"),
    [
        ("volume", [[8 / 64, 32 / 64], [1 / 64, 32 / 64], [0, 0]]),
        ("terminal", [[0, 0], [9 / 64, 64 / 64], [0, 0]]),
        ("density", [[1, 1], [9 / (4 * 4 * 2) - 1, 0], [0, 0]]),
        (f"{__name__}:low", [[1, 1], [1, 0.5], [0, 0]]),
        (f"{__name__}:Paid", [[8 / 64, 32 / 64], [1 / 64, 32 / 64], [0, 0]]),
        (f"{__name__}:Paid:2", [[16 / 64, 64 / 64], [2 / 64, 64 / 64], [0, 0]]),
    ],
)
def test_what_each_step_earns(reward, expected):
    rewards, batch = play(reward, STREAMS, ACTIONS)
    assert np.allclose(rewards, expected, atol=1e-15)
    assert batch.done.all()


def test_an_illegal_action_earns_nothing_whatever_the_reward_says():
    rewards, _ = play(f"{__name__}:low", STREAMS, [[15, 0]])
    assert rewards == [[0, 1]]


def test_ones_own_reward_travels_by_name():
    config = EnvConfig(reward=f"{__name__}:low")
    assert json.loads(config.model_dump_json())["reward"] == f"{__name__}:low"
    assert EnvConfig.model_validate_json(config.model_dump_json()) == config
    for env in (BinPackingEnv(config), BinPackingEnv(reward=f"{__name__}:low")):
        env.reset(seed=0)
        assert env.step(int(env.action_masks().argmax()))[1] == 1.0


def test_a_stored_config_imports_nothing(tmp_path, monkeypatch):
    (tmp_path / "strange_reward.py").write_text("def bonus(step):\n    return step.after\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        with without_imports(), pytest.raises(ValueError, match="its module is not imported"):
            EnvConfig(reward="strange_reward:bonus")
        assert "strange_reward" not in sys.modules
        EnvConfig(reward="strange_reward:bonus")
    finally:
        sys.modules.pop("strange_reward", None)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("money", "reward 'money' is not one of volume, terminal, density, nor module:name of your own"),
        ("volume:2", "reward 'volume:2': volume takes no options"),
        (f"{__name__}:gone", "has no gone"),
        (f"{__name__}:NUMBER", "it has no method __call__"),
        ("no_such_module_here:x", "cannot be imported"),
        (3, "valid string"),
    ],
)
def test_a_wrong_name_is_found_when_the_config_is_made(name, message):
    with pytest.raises(ValueError, match=message):
        EnvConfig(reward=name)


def test_a_reward_of_the_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r":short' returned shape \(3,\), expected \(2,\)"):
        play(f"{__name__}:short", STREAMS, [[0, 0]])


def test_what_a_return_says_of_the_utilization():
    """For each reward that claims it: utilization so far and return to come give the final utilization."""
    claims = {name: pays_utilization(name) for name in (*REWARDS.names, f"{__name__}:low", f"{__name__}:Paid")}
    assert claims == {
        "volume": "step", "terminal": "end", "density": None, f"{__name__}:low": None, f"{__name__}:Paid": "end"
    }  # fmt: skip
    for name, claim in list(claims.items())[:2]:
        batch = PackingBatch(EnvConfig(bin_size=(5, 5, 5), items="random:1-3", reward=name), 5)
        batch.load(batch.config.source().sample(np.random.default_rng(0), 5))
        so_far, rewards, done = [], [], []
        while not batch.done.all():
            so_far.append(batch.utilization)
            done.append(batch.done.copy())
            rewards.append(batch.step(batch.masks().argmax(axis=1))[0])
        to_come = np.cumsum(rewards[::-1], axis=0)[::-1]
        whole = np.array(done) | (claim == "step")
        np.testing.assert_allclose(to_come + np.array(so_far) * whole, np.broadcast_to(batch.utilization, whole.shape))
