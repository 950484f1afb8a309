"""Every heuristic against a plain-loop oracle, ``choose``, and first-fit decreasing."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from binpack.core import heuristics, placement
from binpack.core.heuristics import HEURISTICS, Heuristic, choose
from binpack.core.placement import Candidates

RULES = ["none", "full", "fraction:0.6", "corners"]


@st.composite
def candidates(draw):
    """Small bins with arbitrary height maps, and any items, padding among them."""
    length, width, bin_height = (draw(st.integers(1, 6)) for _ in range(3))
    bins, kinds = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    heights = draw(hnp.arrays(np.int16, (bins, length, width), elements=st.integers(0, bin_height)))
    items = draw(hnp.arrays(np.int32, (bins, kinds, 3), elements=st.integers(0, 4)))
    support = draw(st.sampled_from(RULES))
    return Candidates(heights, items, *placement.feasible(heights, items, bin_height, support), bin_height)


def after(heights, item, x, y, z):
    result = heights.astype(int).copy()
    result[x : x + item[0], y : y + item[1]] = z + item[2]
    return result


def rough(heights):
    length, width = heights.shape
    total = 0
    for x in range(length):
        for y in range(width):
            total += abs(heights[x, y] - heights[x + 1, y]) if x + 1 < length else 0
            total += abs(heights[x, y] - heights[x, y + 1]) if y + 1 < width else 0
    return total


def contact(heights, item, x, y, z):
    """Count the unit squares of the item's surface that touch something solid, one by one."""
    length, width = heights.shape

    def solid(i, j, k):
        return not (0 <= i < length and 0 <= j < width and k >= 0) or bool(heights[i, j] > k)

    total = 0
    for i in range(x, x + item[0]):
        for j in range(y, y + item[1]):
            total += solid(i, j, z - 1)
            for k in range(z, z + item[2]):
                total += (i == x and solid(i - 1, j, k)) + (i == x + item[0] - 1 and solid(i + 1, j, k))
                total += (j == y and solid(i, j - 1, k)) + (j == y + item[1] - 1 and solid(i, j + 1, k))
    return total


def oracle(name, heights, item, x, y, z, action):
    """What the rule prefers, as a tuple that should be large."""
    new = after(heights, item, x, y, z)
    volume = int(np.prod(item))
    return {
        "random": (0,),
        "first_fit": (-action,),
        "deepest_bottom_left": (-z, -x, -y),
        "heightmap_sum": (-(int(new.sum()) - int(heights.sum()) - volume), -(x + y)),
        "roughness": (-rough(new),),
        "touching_area": (contact(heights, item, x, y, z),),
    }[name]


class Bins:
    """Bins of which only the open placements are known."""

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates

    def candidates(self) -> Candidates:
        return self._candidates


@pytest.mark.parametrize("name", HEURISTICS)
@settings(max_examples=60, deadline=None)
@given(candidates())
def test_scores_rank_as_the_plain_loop_does(name, batch):
    scores = HEURISTICS[name](batch)
    assert scores.shape == batch.mask.shape
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    for b, heights in enumerate(batch.heights):
        wanted = []
        for action, (k, x, y) in enumerate(np.ndindex(batch.mask.shape[1:])):
            if batch.mask[b, k, x, y]:
                z = int(batch.landing[b, k, x, y])
                wanted.append((oracle(name, heights, batch.items[b, k].tolist(), x, y, z, action), scores[b, k, x, y]))
        wanted.sort()
        for (first, score), (second, other) in itertools.pairwise(wanted):
            assert (first < second) == (score < other)
            assert (first == second) == (score == other)


@settings(max_examples=60, deadline=None)
@given(candidates())
def test_roughness_and_touching_area_are_what_they_say(batch):
    smooth, touching = heuristics.roughness(batch), heuristics.touching_area(batch)
    for b, k, x, y in np.argwhere(batch.mask):
        item, z = batch.items[b, k].tolist(), int(batch.landing[b, k, x, y])
        assert -smooth[b, k, x, y] == rough(after(batch.heights[b], item, x, y, z))
        assert touching[b, k, x, y] == contact(batch.heights[b], item, x, y, z)


@pytest.mark.parametrize("name", HEURISTICS)
@settings(max_examples=30, deadline=None)
@given(candidates())
def test_actions_are_legal_and_the_input_stays_as_it_is(name, batch):
    before = [np.copy(array) for array in batch[:4]]
    actions = HEURISTICS[name].act(Bins(batch), np.random.default_rng(0))
    assert all((old == new).all() for old, new in zip(before, batch[:4], strict=True))
    assert actions.dtype == np.int64
    for action, mask in zip(actions, batch.mask, strict=True):
        assert mask.reshape(-1)[action] if mask.any() else action == -1


def test_choose_takes_the_lowest_of_the_best():
    scores = np.array([[[[1.0, 3.0], [3.0, 9.0]]], [[[5.0, 5.0], [5.0, 5.0]]]])
    mask = np.array([[[[True, True], [True, False]]], [[[False, False], [False, False]]]])
    assert choose(scores, mask).tolist() == [1, -1]


def test_choose_breaks_ties_uniformly_with_a_generator():
    scores = np.tile([0.0, 1.0, 1.0, 1.0], (3000, 1)).reshape(-1, 1, 2, 2)
    mask = np.tile([True, True, False, True], (3000, 1)).reshape(-1, 1, 2, 2)
    counts = np.bincount(choose(scores, mask, np.random.default_rng(1)), minlength=4)
    assert counts[0] == counts[2] == 0
    assert abs(counts[1] - 1500) < 150
    one, other = (choose(scores, mask, np.random.default_rng(2)) for _ in range(2))
    assert (one == other).all()


def test_random_needs_a_generator():
    batch = Candidates(*[np.zeros((1, 1, 1, 1), bool)] * 4, 1)
    with pytest.raises(ValueError, match="^heuristic 'random' needs a random generator$"):
        HEURISTICS["random"].act(Bins(batch))


def test_a_rule_of_ones_own_says_itself_whether_ties_are_broken_at_random():
    flat = Candidates(*[np.ones((200, 1, 2, 2), bool)] * 4, 1)
    plain, drawn = (
        Heuristic("own", "all alike", heuristics.random, needs_rng=needs).act(Bins(flat), np.random.default_rng(0))
        for needs in (False, True)
    )
    assert not plain.any()
    assert set(drawn.tolist()) == {0, 1, 2, 3}


def test_every_heuristic_has_a_description():
    assert list(HEURISTICS) == [
        *("random", "first_fit", "deepest_bottom_left", "heightmap_sum", "roughness", "touching_area"),
    ]
    assert all(rule.name == name and rule.description for name, rule in HEURISTICS.items())
