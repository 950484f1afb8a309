"""First-fit decreasing against a plain loop, and batches that pass over what does not fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from binpack.agents.agent import OfflineAgent
from binpack.agents.evaluation import evaluate
from binpack.agents.offline import FirstFitDecreasing
from binpack.core import geometry, placement
from binpack.core.heuristics import HEURISTICS
from binpack.core.placement import ORIENTATIONS
from binpack.env.config import EnvConfig
from binpack.files import InputError
from binpack.items.streams import Streams

RULES = ["none", "full", "fraction:0.6", "corners", "polygon"]


def plainly(items, bin_size, rotation, support, upright):
    """One stream, item by item and cell by cell."""
    length, width, height = bin_size
    keys = [
        (-int(np.prod(item)), [-edge for edge in sorted(item.tolist(), reverse=True)], t)
        for t, item in enumerate(items)
    ]
    heights, boxes = np.zeros((length, width), int), []
    for *_, t in sorted(keys):
        places = []
        for o, order in enumerate(ORIENTATIONS[: placement.ROTATIONS[rotation]]):
            if not upright[t, order[2]]:
                continue
            dx, dy, dz = (int(items[t, axis]) for axis in order)
            for x in range(length - dx + 1):
                for y in range(width - dy + 1):
                    z = int(heights[x : x + dx, y : y + dy].max())
                    box = (x, y, z, dx, dy, dz)
                    if z + dz <= height and geometry.verify([*boxes, box], bin_size, support) == []:
                        places.append(((z, x, y, o), box))
        if places:
            _, (x, y, z, dx, dy, dz) = min(places)
            heights[x : x + dx, y : y + dy] = z + dz
            boxes.append((x, y, z, dx, dy, dz))
    return np.array(boxes).reshape(-1, 6)


def streams_of(items, lengths, upright=None) -> Streams:
    """Return streams, with zeros behind their ends."""
    inside = np.arange(items.shape[1]) < lengths[:, None]
    return Streams(items * inside[..., None], lengths, upright)


@settings(max_examples=50, deadline=None)
@given(st.data(), st.tuples(*[st.integers(1, 5)] * 3), st.sampled_from(RULES), st.sampled_from(["none", "z", "all"]))
def test_it_equals_the_plain_loop(data, bin_size, rule, rotation):
    lengths = np.array(data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    items = data.draw(hnp.arrays(np.int32, (len(lengths), 6, 3), elements=st.integers(1, 4)))
    upright = data.draw(st.none() | hnp.arrays(bool, items.shape))
    if upright is not None:
        upright[..., 2] |= ~upright.any(axis=2)
    config = EnvConfig(bin_size=bin_size, rotation=rotation, support=rule, visible=3)
    packed = evaluate(FirstFitDecreasing(), streams_of(items, lengths, upright), config).boxes
    allowed = np.ones(items.shape, bool) if upright is None else upright
    for row, boxes in enumerate(packed):
        t = slice(lengths[row])
        assert boxes.tolist() == plainly(items[row, t], bin_size, rotation, rule, allowed[row, t]).tolist()


def test_it_packs_largest_first_and_skips():
    items = np.array([[[1, 1, 1], [2, 2, 1], [3, 1, 1], [2, 2, 2], [0, 0, 0]]])
    config = EnvConfig(bin_size=(2, 2, 4), support="full")
    (boxes,) = evaluate("first_fit_decreasing", Streams(items, np.array([4])), config).boxes
    assert boxes.tolist() == [[0, 0, 0, 2, 2, 2], [0, 0, 2, 2, 2, 1], [0, 0, 3, 1, 1, 1]]


def test_several_batches_give_the_same_packings():
    items = np.random.default_rng(0).integers(1, 4, (7, 9, 3))
    streams, config = Streams(items, np.full(7, 9)), EnvConfig(bin_size=(5, 4, 6), rotation="all")
    whole, parts = (evaluate("first_fit_decreasing", streams, config, batch=size) for size in (256, 2))
    assert whole == parts


def test_arranging_sorts_each_stream_and_keeps_its_items():
    items = np.array([[[1, 1, 1], [3, 2, 1], [1, 2, 3], [1, 1, 6]], [[1, 2, 2], [2, 2, 2], [0, 0, 0], [0, 0, 0]]])
    upright = np.ones(items.shape, bool)
    upright[0, 1] = [False, True, True]
    streams = Streams(items, np.array([4, 2]), upright)
    order = FirstFitDecreasing().arrange(streams)
    assert order.tolist() == [[3, 1, 2, 0], [1, 0, 2, 3]]
    arranged = streams.reordered(order)
    # one volume: the longest edge decides, and equal items keep their order with their edges as given
    assert arranged.items[0].tolist() == [[1, 1, 6], [3, 2, 1], [1, 2, 3], [1, 1, 1]]
    assert arranged.upright[0, 1].tolist() == [False, True, True]
    assert arranged.items[1].tolist() == [[2, 2, 2], [1, 2, 2], [0, 0, 0], [0, 0, 0]]
    assert arranged.lengths.tolist() == [4, 2]


class BackToFront:
    """Knows the whole stream and takes its last item first; places at random."""

    def arrange(self, streams: Streams) -> np.ndarray:
        return np.arange(streams.horizon)[None, ::-1].repeat(len(streams), axis=0)

    def act(self, batch, rng):
        assert batch.config.visible == 1
        return HEURISTICS["random"].act(batch, rng)


def test_an_order_of_ones_own_is_played_and_what_does_not_fit_is_passed_over():
    items = np.array([[[2, 2, 1], [4, 4, 4], [2, 2, 1], [2, 2, 2]]])
    config = EnvConfig(bin_size=(2, 2, 4), visible=2)
    assert isinstance(BackToFront(), OfflineAgent)
    result = evaluate(BackToFront(), Streams(items, np.array([4])), config)
    assert result.boxes[0][:, 5].tolist() == [2, 1, 1]
    assert result.positions[0].tolist() == [3, 2, 0]


@pytest.mark.parametrize("order", [[[0, 1, 1]], [[2, 1, 0]], [[0, 1]], [[0.0, 1.0, 2.0]], [[0, 1, 3]]])
def test_an_order_that_is_none_is_refused(order):
    class Wrong(BackToFront):
        def arrange(self, streams):
            return np.array(order)

    streams = Streams(np.array([[[1, 1, 1], [2, 1, 1], [0, 0, 0]]]), np.array([2]))
    with pytest.raises(InputError, match=r"order.* expected (positions of items|each position once)"):
        evaluate(Wrong(), streams, EnvConfig(bin_size=(2, 2, 4)))


@pytest.mark.parametrize("name", list(HEURISTICS))
def test_heuristics_know_no_stream_beforehand(name):
    assert not isinstance(HEURISTICS[name], OfflineAgent)
