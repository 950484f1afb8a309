"""The vectorised core against an oracle of plain loops, for every rule, size and orientation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import placement_oracle

from binpack.core import placement
from binpack.core.placement import OUTSIDE

RULES = ["full", "fraction:0.8", "fraction:0.5", "corners", "corners:0.95,0.85,0.50", "polygon", "polygon:0.3", "none"]


@st.composite
def situations(draw):
    """Height maps, items and a bin height: batches and candidates from 1 up, non-square bins, edges beyond the bin."""
    batch, candidates = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    length, width, bin_height = draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = draw(st.integers(0, min(3, bin_height)))
    heights = rng.integers(0, levels, (batch, length, width), endpoint=True).astype(np.int16)
    edges = draw(st.integers(1, 11))
    items = rng.integers(draw(st.integers(0, 1)), edges, (batch, candidates, 3), endpoint=True)
    return heights, items, bin_height


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=60, deadline=None)
@given(situations())
def test_core_equals_plain_loops(rule, situation):
    heights, items, bin_height = situation
    before = heights.copy()
    landing, mask = placement.feasible(heights, items, bin_height, rule)
    _, cells = placement.supported_cells(heights, items)
    corners = placement.supported_corners(heights, items, landing)
    assert (placement.landing_heights(heights, items) == landing).all()
    assert (heights == before).all()
    for b, k in np.ndindex(items.shape[:2]):
        expected = placement_oracle(heights[b], items[b, k], bin_height, rule)
        assert (mask[b, k] == expected[3]).all()
        if items[b, k].min() > 0:
            inside = expected[0] != OUTSIDE
            assert (landing[b, k] == expected[0]).all()
            assert (cells[b, k] == expected[1])[inside].all()
            assert (corners[b, k] == expected[2])[inside].all()


@pytest.mark.parametrize("rule", [*RULES, "corners:1,1,1"])
@settings(max_examples=40, deadline=None)
@given(situations())
def test_bins_alone_together_and_in_blocks_have_the_same_masks(rule, situation):
    heights, items, bin_height = situation
    landing, mask = placement.feasible(heights, items, bin_height, rule)
    with pytest.MonkeyPatch.context() as patch:
        for block, table in ((1 << 17, 0), (1, 0), (2 * heights[0].size, 0), (1 << 17, 1 << 30)):
            patch.setattr(placement, "_BLOCK", block)
            patch.setattr(placement, "_SMALL_TABLE", table)
            again = placement.feasible(heights, items, bin_height, rule)
            assert (again[0] == landing).all() and (again[1] == mask).all()
            for b, k in np.ndindex(mask.shape[:2]):
                alone = placement.feasible(heights[b : b + 1], items[b : b + 1, k : k + 1], bin_height, rule)
                assert (alone[0][0, 0] == landing[b, k]).all() and (alone[1][0, 0] == mask[b, k]).all()
                assert (alone[0].dtype, alone[1].dtype) == (landing.dtype, mask.dtype) == (heights.dtype, bool)


@pytest.mark.parametrize("rule", [*RULES, "corners:1,1,1"])
@settings(max_examples=20, deadline=None)
@given(situations())
def test_empty_bins_are_as_windows_would_have_it(rule, situation):
    heights, items, bin_height = situation
    empty = np.zeros_like(heights)
    landing, mask = placement.feasible(empty, items, bin_height, rule)
    # One more bin that is not empty, and nobody takes the short way.
    with_another = np.concatenate([empty, np.ones_like(heights[:1])]), np.concatenate([items, items[:1]])
    expected = placement.feasible(*with_another, bin_height, rule)
    assert (landing == expected[0][:-1]).all() and (mask == expected[1][:-1]).all()
    assert landing.dtype == heights.dtype


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64])
@pytest.mark.parametrize("level", [100, 127, 128, 300])
def test_heights_may_be_of_any_signed_type_and_above_a_byte(dtype, level):
    if level > np.iinfo(dtype).max:
        return
    heights = np.zeros((2, 5, 4), dtype)
    heights[:, :2] = level
    for rule in RULES:
        landing, mask = placement.feasible(heights, np.array([[[2, 3, 5]]] * 2), level + 5, rule)
        expected = placement_oracle(heights[0], np.array([2, 3, 5]), level + 5, rule)
        assert (landing[:, 0] == expected[0]).all() and (mask[:, 0] == expected[3]).all()
        assert landing.dtype == dtype
        too_tall = placement.feasible(heights, np.array([[[2, 3, 6]]] * 2), level + 5, "none")[1]
        assert not too_tall[:, 0, 0].any() and too_tall[:, 0, 2, 0].all()


def test_no_bins_have_no_masks():
    landing, mask = placement.feasible(np.zeros((0, 4, 5), np.int16), np.zeros((0, 2, 3), int), 9, "corners")
    assert landing.shape == mask.shape == (0, 2, 4, 5)


def test_place_changes_maps_that_are_part_of_a_larger_array():
    whole = np.zeros((3, 6, 8), np.int16)
    rest = placement.place(whole[:, ::2, 1::2], np.array([[2, 2, 3]] * 3), np.zeros(3, int), np.array([0, 1, 3]))
    assert rest.tolist() == [0, 0, 0]
    assert whole.sum(axis=(1, 2)).tolist() == [12, 12, 6]


@settings(max_examples=60, deadline=None)
@given(situations(), st.data())
def test_place_equals_plain_loops(situation, data):
    heights, items, _ = situation
    batch, length, width = heights.shape
    x = np.array([data.draw(st.integers(0, length - 1)) for _ in range(batch)])
    y = np.array([data.draw(st.integers(0, width - 1)) for _ in range(batch)])
    expected, rests = heights.copy(), []
    for b in range(batch):
        long, wide, high = items[b, 0] if items[b, 0].all() else (0, 0, 0)
        base = (slice(x[b], x[b] + long), slice(y[b], y[b] + wide))
        rest = expected[b][base].max(initial=0)
        expected[b][base] = rest + high
        rests.append(rest)
    alone = heights.copy()
    rest = placement.place(heights, items[:, 0], x, y)
    assert (heights == expected).all()
    assert rest.tolist() == rests and rest.dtype == heights.dtype
    for b in range(batch):
        row = slice(b, b + 1)
        assert placement.place(alone[row], items[row, 0], x[row], y[row]).tolist() == rests[row]
    assert (alone == expected).all()


@given(st.lists(st.integers(1, 9), min_size=3, max_size=3))
def test_orientations_are_the_permutations_in_order(item):
    turned = placement.orient(np.array(item), "all")
    assert [tuple(row) for row in turned] == [tuple(item[i] for i in order) for order in placement.ORIENTATIONS]
    assert len(set(placement.ORIENTATIONS)) == 6
    assert (placement.orient(np.array(item), "z") == turned[:2]).all()
    assert (placement.orient(np.array(item), "none") == turned[:1]).all()


def test_a_long_edge_and_a_large_bin():
    rng = np.random.default_rng(0)
    heights = rng.integers(0, 3, (1, 70, 41)).astype(np.int16)
    items = np.array([[[63, 40, 2], [64, 41, 2], [37, 1, 2]]])
    landing, mask = placement.feasible(heights, items, 9, "fraction:0.3")
    for k in range(3):
        expected = placement_oracle(heights[0], items[0, k], 9, "fraction:0.3")
        assert (landing[0, k] == expected[0]).all()
        assert (mask[0, k] == expected[3]).all()


def test_a_share_that_is_met_exactly_does_not_exceed_it():
    heights = np.zeros((1, 4, 5), np.int16)
    heights[0, 0, 0] = 1  # 19 of 20 cells are one lower: none of them supports
    heights[0] = 1 - heights[0]
    _, mask = placement.feasible(heights, np.array([[[4, 5, 1]]]), 9, "corners:0.95,0.95,0.95")
    assert not mask.any()
    _, mask = placement.feasible(heights, np.array([[[4, 5, 1]]]), 9, "fraction:0.95")
    assert mask.sum() == 1


def test_an_unknown_rotation_is_answered_with_one_line():
    with pytest.raises(ValueError, match="rotation 'flip' is not one of none, z, all"):
        placement.orient(np.ones((1, 3), int), "flip")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int8, np.int64])
def test_items_may_be_of_any_integer_type(dtype):
    heights = np.zeros((1, 4, 4), np.int16)
    items = np.array([[[2, 2, 12], [2, 2, 3], [0, 0, 0], [5, 1, 1]]]).astype(dtype)
    for bin_height in (10, 200):
        _, mask = placement.feasible(heights, items, bin_height, "corners")
        assert mask.sum(axis=(0, 2, 3)).tolist() == [9 if bin_height == 200 else 0, 9, 0, 0]


def test_unsigned_height_maps_are_refused():
    with pytest.raises(ValueError, match="height maps must be signed integers"):
        placement.landing_heights(np.zeros((1, 3, 3), np.uint8), np.ones((1, 1, 3), int))
