"""The batch of bins: bins that are done, branches, wrong actions, and items that are passed over."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binpack.core import geometry, placement
from binpack.env import EnvConfig, PackingBatch
from binpack.items.streams import Streams

REWARDS = ["volume", "terminal", "density", f"{__name__}:steps"]
FEATURES = ["none", "contact", f"{__name__}:Tops"]


class Steps:
    """A reward with a memory: 1, 2, 3 and so on."""

    def empty(self, bin_size):
        """Return a count, and an array of two axes."""
        return {"count": 0, "corner": np.ones((2, 2)) * bin_size[0]}

    def __call__(self, step):
        """Count the steps in which something was placed."""
        step.memory["count"][:] += step.placed
        step.memory["corner"][:, 1, 1] += step.after
        return step.memory["count"] + step.memory["corner"][:, 1, 1]


steps = Steps()


class Tops:
    """The highest cell of each bin."""

    def space(self, candidates, bin_size):
        """Return the space of one number."""
        from gymnasium import spaces

        return {"top": spaces.Box(0, bin_size[2], (1,), np.float32)}

    def compute(self, candidates):
        """Return the highest cells."""
        return {"top": candidates.heights.max(axis=(1, 2)).astype(np.float32)[:, None]}


def pick(bins: PackingBatch, rng: np.random.Generator) -> np.ndarray:
    """Return random legal actions, and any action for a bin that is done."""
    return np.where(bins.masks(), rng.random((bins.n, bins.config.actions)), -1).argmax(axis=1)


def drawn(config: EnvConfig, n: int, rng: np.random.Generator, upright: bool) -> Streams:
    """Return streams of a config, with flags for the edges that may stand upright if asked for."""
    streams = config.source().sample(rng, n)
    if not upright:
        return streams
    flags = rng.random(streams.items.shape) < 0.5
    flags[..., 2] = True
    return Streams(streams.items, streams.lengths, flags)


def after(streams: Streams, batch: PackingBatch, rows: np.ndarray):
    """Return what really follows the visible items of some bins: items, lengths, upright."""
    taken = batch.packed[rows] + batch.config.visible
    at = taken[:, None] + np.arange(streams.horizon)
    lengths = np.maximum(streams.lengths[rows] - taken, 0)
    picked = rows[:, None], np.minimum(at, streams.horizon - 1)
    inside = np.arange(streams.horizon) < lengths[:, None]
    return (
        streams.items[picked] * inside[..., None],
        lengths,
        None if streams.upright is None else streams.upright[picked],
    )


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 3),
    st.sampled_from(["none", "z", "all"]),
    st.sampled_from(REWARDS),
    st.sampled_from(FEATURES),
    st.booleans(),
    st.integers(0, 1000),
)
def test_a_branch_with_the_same_items_to_come_goes_on_as_its_bin(visible, rotation, reward, features, upright, seed):
    about = {"visible": visible, "rotation": rotation, "reward": reward, "features": features}
    config = EnvConfig(bin_size=(6, 6, 6), items="split", **about)
    rng = np.random.default_rng(seed)
    streams = drawn(config, 6, rng, upright)
    batch = PackingBatch(config, 6)
    batch.load(streams)
    for _ in range(int(rng.integers(0, 8))):
        batch.step(pick(batch, rng))
    rows = rng.integers(6, size=9)
    kept = copy.deepcopy(batch)
    child = batch.branch(rows, *after(streams, batch, rows))
    both = copy.deepcopy(batch)
    for _ in range(12):
        np.testing.assert_array_equal(child.done, both.done[rows])
        np.testing.assert_array_equal(child.masks(), both.masks()[rows])
        np.testing.assert_array_equal(child.utilization, both.utilization[rows])
        seen = both.observation(rows)
        for name, value in child.observation().items():
            np.testing.assert_array_equal(value, seen[name])
        chosen = pick(both, rng)
        rewards, _ = both.step(chosen)
        np.testing.assert_array_equal(child.step(chosen[rows])[0], rewards[rows])
    for place, row in enumerate(rows):
        np.testing.assert_array_equal(child.boxes(place), both.boxes(row))
    for field in dataclasses.fields(kept._state):  # what the child did is not seen here
        np.testing.assert_equal(getattr(batch._state, field.name), getattr(kept._state, field.name))


@pytest.mark.parametrize("n", [1, 3])
def test_bins_that_are_done_stay_as_they_are(n):
    batch = PackingBatch(EnvConfig(bin_size=(4, 4, 4)), n)
    batch.load(Streams(np.full((n, 1, 3), 4), np.ones(n, int)))
    assert batch.step(np.zeros(n, int))[0].tolist() == [1.0] * n
    assert batch.done.all()
    rewards, legal = batch.step(np.full(n, -1))
    assert rewards.tolist() == [0.0] * n and legal.all() and batch.done.all()
    assert batch.heights.min() == 4 and batch.packed.tolist() == [1] * n and not batch.masks().any()


def test_upright_flags_may_come_late_and_with_longer_streams():
    batch = PackingBatch(EnvConfig(bin_size=(4, 4, 4), visible=2), 2)
    batch.load(Streams(np.full((2, 1, 3), 2), np.ones(2, int)))
    late = Streams(np.full((1, 3, 3), 2), np.array([3]), np.array([[[True] * 3, [True, True, False], [True] * 3]]))
    batch.load(late, np.array([1]))
    assert batch.masks().reshape(2, 2, -1).any(axis=2).tolist() == [[True, False], [True, False]]
    batch.load(late[np.array([0, 0])])
    assert batch.masks().reshape(2, 2, -1).any(axis=2).tolist() == [[True, False], [True, False]]


def test_upright_flags_hold_without_rotation_too():
    batch = PackingBatch(EnvConfig(bin_size=(4, 4, 4)), 1)
    batch.load(Streams(np.array([[[1, 2, 3]]], np.int32), np.array([1]), np.array([[[True, False, False]]])))
    assert batch.done[0]


@pytest.mark.parametrize("reward", REWARDS)
def test_a_bin_that_is_loaded_anew_has_forgotten_everything(reward):
    config = EnvConfig(bin_size=(5, 5, 5), items="random:1-3", reward=reward)
    rng = np.random.default_rng(0)
    streams = config.source().sample(rng, 4)
    used, new = PackingBatch(config, 4), PackingBatch(config, 4)
    used.load(streams)
    for _ in range(3):
        used.step(pick(used, rng))
    rows = np.array([1, 3])
    used.load(streams[rows], rows)
    new.load(streams)
    for _ in range(3):
        actions = pick(new, rng)
        expected = new.step(actions)[0]
        assert used.step(np.where(np.isin(np.arange(4), rows), actions, pick(used, rng)))[0][rows].tolist() == (
            expected[rows].tolist()
        )


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([0, -1, 0], r"action -1 of bin 1 is not in 0\.\.63"),
        ([64, 0, 0], r"action 64 of bin 0 is not in 0\.\.63"),
        ([0, 0, -(2**62)], "action -4611686018427387904 of bin 2 is not in"),
        (np.array([0, -1, 0], np.int8), "action -1 of bin 1 is not in"),
        ([0.0, 0.0, 0.0], "actions must be 3 integers, got float64"),
        ([True, False, True], "actions must be 3 integers, got bool"),
        ([0, 0], r"actions must be 3 integers, got int64 of shape \(2,\)"),
    ],
)
def test_an_action_outside_the_range_is_an_error_and_changes_nothing(actions, message):
    batch = PackingBatch(EnvConfig(bin_size=(4, 4, 4), items="random:1-2", visible=2, rotation="z"), 3)
    batch.load(batch.config.source().sample(np.random.default_rng(0), 3))
    with pytest.raises(ValueError, match=message) as caught:
        batch.step(np.array(actions))
    assert "\n" not in str(caught.value)
    assert batch.packed.tolist() == [0, 0, 0] and not batch.done.any() and batch.heights.max() == 0


def test_actions_of_bins_that_are_done_play_no_part():
    batch = PackingBatch(EnvConfig(bin_size=(4, 4, 4)), 3)
    batch.load(Streams(np.array([[[4, 4, 4]], [[2, 2, 2]], [[4, 4, 4]]]), np.ones(3, int)))
    batch.step(np.array([0, 15, 0]))  # 15 sticks out: illegal
    assert batch.done.all()
    rewards, legal = batch.step(np.array([-1, 10**12, 16]))
    assert rewards.tolist() == [0, 0, 0] and legal.all()


def loop(config: EnvConfig, items: np.ndarray, rng: np.random.Generator) -> list[list[int]]:
    """Pack one stream as a batch with ``skip`` should, item by item; actions are drawn as `pick` does for one bin."""
    rule, (length, width, height) = config.support, config.bin_size
    heights = np.zeros((1, length, width), np.int16)
    visible, coming, boxes = list(items[: config.visible]), list(items[config.visible :]), []

    def look():
        oriented = np.zeros((1, config.candidates, 3), np.int32)
        for place, item in enumerate(visible):
            turned = placement.orient(item[None], config.rotation)[0]
            oriented[0, place * config.orientations : (place + 1) * config.orientations] = turned
        return oriented, *placement.feasible(heights, oriented, height, rule)

    while True:
        oriented, landing, mask = look()
        if not mask.any():
            if not coming:
                return boxes
            visible = [*visible[1:], coming.pop(0)]
            continue
        action = int(np.where(mask.reshape(1, -1), rng.random((1, config.actions)), -1).argmax())
        candidate, cell = divmod(action, length * width)
        x, y = divmod(cell, width)
        edges = oriented[0, candidate]
        z = int(landing[0, candidate, x, y])
        boxes.append([x, y, z, *edges.tolist()])
        heights[0, x : x + edges[0], y : y + edges[1]] = z + edges[2]
        visible.pop(candidate // config.orientations)
        visible += [coming.pop(0)] if coming else []


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 3),
    st.sampled_from(["none", "all"]),
    st.sampled_from(["full", "corners", "none"]),
    st.integers(0, 1000),
)
def test_items_that_fit_nowhere_are_passed_over_while_others_come(visible, rotation, support, seed):
    config = EnvConfig(bin_size=(5, 4, 5), items="random:1-4x12", visible=visible, rotation=rotation, support=support)
    streams = config.source().sample(np.random.default_rng(seed), 4)
    expected = [loop(config, streams.items[row], np.random.default_rng(row)) for row in range(4)]
    batch, generators = PackingBatch(config, 4, skip=True), [np.random.default_rng(row) for row in range(4)]
    batch.load(streams)
    while not batch.done.all():
        masks = batch.masks()
        actions = [
            0 if done else int(np.where(mask, rng.random((1, config.actions)), -1).argmax())
            for mask, rng, done in zip(masks, generators, batch.done, strict=True)
        ]
        batch.step(np.array(actions))
    for row in range(4):
        assert batch.boxes(row).tolist() == expected[row]
        assert geometry.verify(batch.boxes(row), config.bin_size, config.support) == []


def test_without_skip_the_episode_ends_at_the_first_item_that_fits_nowhere():
    streams = Streams(np.array([[[4, 4, 3], [4, 4, 2], [4, 4, 1]]]), np.array([3]))
    for skip, packed in ((False, 1), (True, 2)):
        batch = PackingBatch(EnvConfig(bin_size=(4, 4, 4)), 1, skip=skip)
        batch.load(streams)
        assert batch.step(np.array([0]))[0].tolist() == [0.75] and batch.done[0] == (not skip)
        batch.step(np.array([0]))
        assert batch.packed[0] == packed and batch.done[0]


def test_a_bin_of_which_the_first_items_fit_nowhere_starts_with_one_that_does():
    streams = Streams(np.array([[[5, 5, 5], [5, 1, 1], [2, 2, 2]]]), np.array([3]))
    batch = PackingBatch(EnvConfig(bin_size=(4, 4, 4)), 1, skip=True)
    batch.load(streams)
    assert not batch.done[0] and batch.visible.tolist() == [[2]]
    nothing = PackingBatch(EnvConfig(bin_size=(4, 4, 4)), 1, skip=True)
    nothing.load(Streams(streams.items[:, :2], np.array([2])))
    assert nothing.done[0]
