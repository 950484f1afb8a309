"""The search for better packings: what fits is packed, nothing gets worse, and it is the same again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binpack.agents import improving
from binpack.agents.blocks import BoxType, make_blocks
from binpack.agents.building import _reachable
from binpack.agents.evaluation import evaluate
from binpack.agents.improving import Budget, improve
from binpack.core import geometry
from binpack.core.support import CornersRule
from binpack.env.config import EnvConfig
from binpack.items.streams import Streams

RULES = ("full", "corners", "fraction:0.6", "polygon", "none")


def stream_of(items, upright=None):
    return Streams(np.array([items]), np.array([len(items)]), None if upright is None else np.array([upright]))


def nothing():
    return np.zeros((0, 6), int), np.zeros(0, int)


@pytest.mark.parametrize("support", RULES)
@pytest.mark.parametrize(
    ("items", "size"),
    [
        ([(40, 30, 30)] * 3, (90, 40, 30)),
        ([(3, 1, 2)] * 5, (6, 1, 5)),
        ([(65, 66, 83)] * 27, (200, 200, 300)),
        ([(2, 1, 1)] * 4 + [(1, 1, 1)], (3, 3, 1)),
    ],
)
def test_what_fits_is_packed(items, size, support):
    config = EnvConfig(bin_size=size, rotation="all", support=support)
    found = improve(stream_of(items), config, *nothing(), Budget(seconds=None, tries=200))
    assert sorted(found.positions.tolist()) == list(range(len(items))) and found.better
    assert found.tries < 200  # nothing can be better


@given(st.integers(0, 2**32), st.sampled_from(RULES), st.sampled_from(["none", "z", "all"]), st.integers(1, 40))
@settings(deadline=None, max_examples=25)
def test_a_search_is_never_worse_and_loses_nothing_and_is_the_same_again(seed, support, rotation, tries):
    rng = np.random.default_rng(seed)
    size = tuple(rng.integers(3, 9, 3).tolist())
    kinds = rng.integers(1, 6, (rng.integers(1, 6), 3))
    which = rng.integers(0, len(kinds), rng.integers(1, 40))
    upright = rng.random((len(kinds), 3)) < 0.7
    upright[~upright.any(axis=1)] = True
    stream = stream_of(kinds[which], upright[which])
    config = EnvConfig(bin_size=size, rotation=rotation, support=support)
    once = evaluate("first_fit_decreasing", stream, config)
    given_ = once.boxes[0], once.positions[0]
    found = improve(stream, config, *given_, Budget(seconds=None, tries=tries), seed=seed)
    assert geometry.verify(found.boxes, size, support) == []
    assert geometry.verify_items(found.boxes, found.positions, kinds[which], upright[which], rotation) == []
    assert len(set(found.positions.tolist())) == len(found.positions) == len(found.boxes)
    assert geometry.utilization(found.boxes, size) >= once.utilization[0] - 1e-12
    again = improve(stream, config, *given_, Budget(seconds=None, tries=tries), seed=seed)
    assert (found.boxes.tolist(), found.positions.tolist()) == (again.boxes.tolist(), again.positions.tolist())
    assert found.tries == again.tries <= tries


def test_a_number_of_tries_is_the_beginning_of_a_greater_one():
    rng = np.random.default_rng(3)
    stream, config = stream_of(rng.integers(10, 60, (40, 3))), EnvConfig(bin_size=(100, 90, 80), rotation="all")
    values = [improve(stream, config, *nothing(), Budget(None, tries), seed=5).value for tries in (1, 5, 60)]
    assert values == sorted(values) and values[0] < values[-1]


def test_time_ends_a_search_in_the_middle_of_a_try_and_what_was_tried_is_counted(monkeypatch):
    clock = iter(np.arange(0, 1000, 0.25).tolist())
    monkeypatch.setattr(improving.time, "monotonic", lambda: next(clock))
    rng = np.random.default_rng(0)
    stream, config = stream_of(rng.integers(10, 60, (40, 3))), EnvConfig(bin_size=(100, 90, 80), rotation="all")
    seen = []
    found = improve(stream, config, *nothing(), Budget(20.0), watch=lambda *at: seen.append(at))
    assert 0 < found.tries < 20 and max(passed for _, passed in seen) <= 20.0
    monkeypatch.undo()
    again = improve(stream, config, *nothing(), Budget(None, found.tries))
    assert again.boxes.tolist() == found.boxes.tolist()


def test_no_time_is_one_pass():
    given_ = np.array([[0, 0, 0, 1, 1, 1]]), np.array([1])
    stream, config = stream_of([(2, 2, 2), (1, 1, 1)]), EnvConfig(bin_size=(4, 4, 4))
    for budget in (Budget(0.0), Budget(None, 0)):
        found = improve(stream, config, *given_, budget)
        assert (found.tries, found.better, found.boxes is given_[0]) == (0, False, True)


def test_where_nothing_is_left_to_look_for_the_search_ends():
    found = improve(stream_of([(3, 3, 3)] * 10), EnvConfig(bin_size=(4, 4, 4)), *nothing(), Budget(None, 10**6))
    assert len(found.boxes) == 1 and found.tries < 100


def test_better_is_what_is_worth_more_and_fills_no_less():
    """Two small ones are worth more than the large one that fills more: both rules hold for what is kept."""
    items = [(4, 4, 3), (2, 2, 2), (2, 2, 2)]
    stream, config = stream_of(items), EnvConfig(bin_size=(4, 4, 4), support="none")
    given_ = np.array([[0, 0, 0, 4, 4, 3]]), np.array([0])
    values = np.array([1.0, 5.0, 5.0])
    kept = improve(stream, config, *given_, Budget(None, 50), values=values)
    assert not kept.better
    free = improve(stream, config, *nothing(), Budget(None, 50), values=values)
    assert free.value == 10.0 and sorted(free.positions.tolist()) == [1, 2]


class _Low:
    """Nothing may stand higher than on the floor, borne whole or not."""

    def __call__(self, bearing):
        return bearing.landing == 0

    def __str__(self):
        return "low"

    def holds(self, long, wide, contacts):
        return True


LOW = _Low()


def test_a_rule_of_ones_own_is_asked_for_every_box():
    config = EnvConfig(bin_size=(4, 4, 4), rotation="all", support="tests_low:LOW")
    stream = stream_of([(2, 2, 2)] * 8)
    found = improve(stream, config, *nothing(), Budget(None, 30))
    assert set(found.boxes[:, 2].tolist()) <= {0}


@pytest.fixture(autouse=True)
def own_rule(monkeypatch):
    import sys
    import types

    module = types.ModuleType("tests_low")
    module.LOW = LOW
    monkeypatch.setitem(sys.modules, "tests_low", module)


@pytest.mark.parametrize("rule", RULES)
def test_what_a_rule_accepts_of_a_block_is_what_geometry_accepts(rule):
    """Among packings of a bin that is bridged and overhung, none is wrong: thousands of bases are asked."""
    rng = np.random.default_rng(11)
    stream = stream_of(np.repeat(rng.integers(1, 7, (7, 3)), 4, axis=0))
    config = EnvConfig(bin_size=(9, 8, 10), rotation="all", support=rule)
    search = improving._Search(stream, config, *[np.ones(28)] * 2, np.zeros(0, int))
    search._bound = np.inf
    seen = []
    search._keep = lambda builder, part: seen.append(builder.boxes(part)[:, 1:])
    search.run(Budget(None, 40), 0, None)
    assert len(seen) == 40 and all(geometry.verify(boxes, (9, 8, 10), rule) == [] for boxes in seen)


@pytest.mark.parametrize(
    ("seconds", "tries", "words"),
    [
        (None, None, "a search needs a limit: seconds or tries"),
        (-1.0, None, "seconds -1.0: expected a number from 0 up"),
        (float("nan"), None, "seconds nan: expected a number from 0 up"),
        (float("inf"), None, "seconds inf: expected a number from 0 up"),
        (None, -1, "tries -1: expected a number from 0 up"),
    ],
)
def test_a_budget_is_a_limit(seconds, tries, words):
    with pytest.raises(ValueError, match=words):
        Budget(seconds, tries)


def test_the_built_in_rules_are_known_and_no_other():
    assert improving.is_known(CornersRule()) and not improving.is_known(LOW)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=4), st.integers(1, 60))
@settings(deadline=None)
def test_rows_fill_gaps_as_far_as_sums_of_edges_do(edges, longest):
    blocks = make_blocks([BoxType(((edge, 1, 1),), 1, 1.0) for edge in edges], (100, 1, 1))
    sums = {0}
    for _ in range(longest):
        sums |= {total + edge for total in sums for edge in edges if total + edge <= longest}
    wanted = [max(total for total in sums if total <= gap) for gap in range(longest + 1)]
    assert _reachable(blocks, longest)[0].tolist() == wanted
