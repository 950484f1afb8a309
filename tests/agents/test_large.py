"""A large bin, packed with what is kept, against the batch of whole maps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binpack.agents import evaluation
from binpack.agents.named import find_agent
from binpack.core.heuristics import HEURISTICS
from binpack.env.config import EnvConfig
from binpack.items.streams import Streams

NAMES = [*HEURISTICS, "first_fit_decreasing"]


def both(name, streams, config, seed=0):
    """Return the same streams packed in both ways."""
    before = evaluation.LARGE
    results = []
    try:
        for large in (0, 1 << 60):
            evaluation.LARGE = large
            results.append(evaluation.evaluate(find_agent(name), streams, config, seed=seed))
    finally:
        evaluation.LARGE = before
    return results


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["none", "z", "all"]),
    st.sampled_from(["none", "full", "fraction:0.6", "corners", "polygon"]),
    st.integers(1, 4),
)
def test_it_is_packed_as_in_a_batch(name, seed, rotation, support, visible):
    rng = np.random.default_rng(seed)
    size = tuple(rng.integers(2, 10, 3).tolist())
    kinds = rng.integers(1, 6, (int(rng.integers(1, 5)), 3))
    flags = rng.random((len(kinds), 3)) < 0.7
    flags[~flags.any(axis=1)] = True
    chosen = rng.integers(0, len(kinds), int(rng.integers(1, 30)))
    upright = flags[chosen][None] if rng.random() < 0.5 else None
    streams = Streams(kinds[chosen][None], np.array([len(chosen)]), upright)
    config = EnvConfig(bin_size=size, items="random:1-1", rotation=rotation, support=support, visible=visible)
    kept, whole = both(name, streams, config, seed % 7)
    assert kept == whole


@pytest.mark.parametrize("name", ["touching_area", "random", "first_fit_decreasing"])
def test_several_streams_are_packed_as_side_by_side(name):
    rng = np.random.default_rng(5)
    lengths = np.array([20, 3, 1, 12])
    items = rng.integers(1, 5, (4, 20, 3)) * (np.arange(20) < lengths[:, None])[..., None]
    config = EnvConfig(bin_size=(8, 7, 6), items="random:1-1", rotation="z", visible=2)
    kept, whole = both(name, Streams(items, lengths), config)
    assert kept == whole


@pytest.mark.parametrize("name", ["heightmap_sum", "first_fit_decreasing"])
@pytest.mark.parametrize("large", [0, 1 << 60])
def test_whoever_watches_sees_how_far_it_is(name, large, monkeypatch):
    monkeypatch.setattr(evaluation, "LARGE", large)
    config = EnvConfig(bin_size=(4, 4, 4), items="random:1-1")
    seen: list[int] = []
    result = evaluation.evaluate(
        find_agent(name), Streams(np.full((1, 9, 3), 2), np.array([9])), config, watch=seen.append
    )
    assert len(result.boxes[0]) == 8 and seen == sorted(seen) and 8 <= seen[-1] <= 9
