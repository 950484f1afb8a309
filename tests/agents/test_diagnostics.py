"""What a training run says about itself."""

import math

from binpack.agents.diagnostics import Diagnostics


def logged(**values):
    return {f"train/{name}": value for name, value in values.items()}


def test_means_are_over_the_updates_since_the_last_call():
    said = Diagnostics()
    said.note(0, {})  # before the first update
    said.note(1, logged(value_loss=1.0, entropy_loss=-2.0, explained_variance=math.nan))
    said.note(1, logged(value_loss=9.0))  # the same update again
    said.note(2, logged(value_loss=3.0, entropy_loss=-1.0, explained_variance=0.5))
    episodes = [{"r": 0.5, "l": 10}, {"r": 0.7, "l": 20}]
    assert said.take(episodes) == {
        "value_loss": 2.0,
        "entropy": 1.5,
        "explained_variance": 0.5,
        "ep_rew_mean": 0.6,
        "ep_len_mean": 15.0,
    }
    assert said.take([]) == {}
