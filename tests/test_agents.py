"""The trained agents that come with the package."""

from __future__ import annotations

import json

import numpy as np
import pytest

from binpack import agents
from binpack.config import TrainConfig
from binpack.evaluation import evaluate, make_streams

SEED = 30_000
NAMES = agents.shipped()


def test_the_agents_for_one_visible_item_are_shipped():
    assert {"random_k1", "cut_1_k1", "cut_2_k1"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_agent_is_small_and_says_how_it_was_made(name):
    folder = agents.SHIPPED / name
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2_000_000
    parts = ("config", "agent", "result")
    config, about, result = (json.loads((folder / f"{part}.json").read_text()) for part in parts)
    # a field that is newer than the agent has its default
    assert TrainConfig(**config) == TrainConfig(**about["config"])
    assert (result["steps"], result["score"]) == (about["steps"], about["score"])
    assert result["history"][-1] == [result["steps"], result["score"]]
    assert about["seconds"] > 0 and about["machine"]
    kind, visible = name.rsplit("_k", 1)
    assert (config["env"]["items"], config["env"]["visible"]) == (kind, int(visible))


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_agent_beats_the_heuristics_on_fresh_streams(name):
    agent = agents.load_agent(name)
    env = agent.config.env
    streams = make_streams(env, 100, SEED)
    gain = evaluate(agent, streams, env).utilization
    for heuristic in ("heightmap_sum", "touching_area", "deepest_bottom_left"):
        difference = gain - evaluate(heuristic, streams, env).utilization
        # one-sided, paired by stream: the mean lies clearly above 0
        assert difference.mean() > 2 * difference.std() / np.sqrt(len(difference)), heuristic
