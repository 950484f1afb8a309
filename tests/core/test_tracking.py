"""Kept scores against scores of the whole map."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binpack.core import heuristics, placement
from binpack.core.heuristics import HEURISTICS, Heuristic, choose
from binpack.core.placement import Candidates
from binpack.core.support import support_rule
from binpack.core.tracking import LargeBin

SUPPORTS = ["none", "full", "fraction:0.7", "corners:0.95,0.85,0.50", "polygon", "polygon:0.5"]
RULES = [name for name, rule in HEURISTICS.items() if rule.around is not None]


@pytest.mark.parametrize("rule", RULES)
@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from(SUPPORTS), st.integers(1, 5), st.sampled_from([1, 40]))
def test_it_chooses_what_the_whole_map_says(rule, seed, support, most, tall):
    """Any items, some of them no item, in any order; few are remembered, so that some are forgotten and come again.

    Some bins are higher than what a byte holds.
    """
    rng = np.random.default_rng(seed)
    length, width, height = rng.integers(1, 9, 3).tolist()
    size = (length, width, height * tall)
    kinds = rng.integers(0, 5, (int(rng.integers(1, 6)), 3)) * [1, 1, tall]
    bin, needs = LargeBin(size, support_rule(support), HEURISTICS[rule], most), HEURISTICS[rule].needs_rng
    heights = np.zeros((1, *size[:2]), np.int16)
    ours, theirs = np.random.default_rng(seed), np.random.default_rng(seed)
    for _ in range(25):
        items = kinds[rng.integers(0, len(kinds), int(rng.integers(1, 5)))]
        landing, mask = placement.feasible(heights, items[None], size[2], support)
        scores = HEURISTICS[rule](Candidates(heights, items[None], landing, mask, size[2]))
        wanted = int(choose(scores, mask, theirs if needs else None)[0])
        assert bin.choose(items, ours if needs else None) == wanted
        if wanted < 0:
            continue
        candidate, cell = divmod(wanted, size[0] * size[1])
        x, y = divmod(cell, size[1])
        rest = placement.place(heights, items[candidate][None], np.array([x]), np.array([y]))
        assert bin.place(tuple(items[candidate].tolist()), x, y) == rest[0]
        np.testing.assert_array_equal(bin.heights, heights)


def test_every_heuristic_has_parts():
    assert list(HEURISTICS) == RULES


def test_a_heuristic_of_ones_own_has_none():
    mine = Heuristic("mine", "mine", heuristics.first_fit)
    with pytest.raises(ValueError, match="heuristic 'mine' has no parts"):
        LargeBin((4, 4, 4), support_rule("none"), mine, 1)
