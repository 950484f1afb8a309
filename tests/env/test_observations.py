"""Features of observations: the built-in ones and one's own, single and batched."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from binpack.core.features import CONTACT, contact
from binpack.env import BinPackingEnv, BinPackingVecEnv, EnvConfig, PackingBatch


class Named:
    """One number a bin under a name of choice."""

    def __init__(self, name: str = "top") -> None:
        self.name = name

    def with_options(self, text):
        """Take another name."""
        return Named(text)

    def space(self, candidates, bin_size):
        """Return the space of one number."""
        return {self.name: spaces.Box(0.0, 1.0, (1,), np.float32)}

    def compute(self, candidates):
        """Return the highest cell over the bin's height."""
        return {self.name: (candidates.heights.max(axis=(1, 2)) / candidates.bin_height).astype(np.float32)[:, None]}


@pytest.mark.parametrize("features", ["none", "contact", f"{__name__}:Named"])
def test_observations_have_the_entries_of_their_space(features):
    config = EnvConfig(bin_size=(5, 4, 6), items="random:1-3", visible=2, rotation="z", features=features)
    single, many = BinPackingEnv(config), BinPackingVecEnv(config, 3, seed=4)
    extra = {"none": set(), "contact": {"contact"}}.get(features, {"top"})
    assert set(single.observation_space.spaces) == {"heights", "edges", "landing"} | extra
    seen, (alone, _) = many.reset(), single.reset(seed=4)
    for _ in range(3):
        assert single.observation_space.contains(alone)
        assert all((seen[name][0] == alone[name]).all() for name in single.observation_space)
        actions = many.action_masks().argmax(axis=1)
        seen, alone = many.step(actions)[0], single.step(actions[0])[0]


def test_contact_is_what_core_computes():
    config = EnvConfig(bin_size=(5, 5, 5), items="random:1-3", features="contact")
    batch = PackingBatch(config, 2)
    batch.load(config.source().sample(np.random.default_rng(0), 2))
    batch.step(batch.masks().argmax(axis=1))
    assert (batch.observation()["contact"] == contact(batch.candidates())).all()
    assert batch.observation(np.array([1]))["contact"].shape == (1, 1, len(CONTACT), 5, 5)


def test_an_agent_may_ask_for_other_features_than_the_config_has():
    batch = PackingBatch(EnvConfig(bin_size=(5, 5, 5), items="random:1-3"), 2)
    batch.load(batch.config.source().sample(np.random.default_rng(0), 2))
    assert "contact" not in batch.observation()
    assert "contact" in batch.observation(features="contact")
    assert "top" in batch.observation(features=f"{__name__}:Named")
    with pytest.raises(ValueError, match="feature set 'smell' is not one of none, contact"):
        batch.observation(features="smell")


@pytest.mark.parametrize("name", ["items", "keys", "heights", "landing", "a.b", ""])
def test_an_entry_has_a_name_that_networks_can_take(name):
    config = EnvConfig(features=f"{__name__}:Named:{name}")
    for make in (config.observation_space, lambda: BinPackingEnv(config)):
        with pytest.raises(ValueError, match=f"an entry cannot be called '{name}': choose another name"):
            make()


def test_a_wrong_name_is_found_when_the_config_is_made():
    with pytest.raises(ValueError, match="feature set 'smell' is not one of none, contact, nor module:name"):
        EnvConfig(features="smell")
    with pytest.raises(ValueError, match="it has no method space and no compute"):
        EnvConfig(features="os:sep")
