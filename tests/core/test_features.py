"""Contact features against plain loops, for any bin, items and number of candidates."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from binpack.core.features import CONTACT, contact
from binpack.core.placement import Candidates, feasible


@st.composite
def positions(draw) -> Candidates:
    length, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    bins, kinds = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    height = draw(st.sampled_from([1, 5, 9, 6000, 12_000]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    heights = rng.integers(0, draw(st.integers(1, height)) + 1, (bins, length, width)).astype(np.int32)
    items = np.stack(
        [rng.integers(0, edge + 2, (bins, kinds)) for edge in (length, width, height)], axis=-1, dtype=np.int32
    )
    landing, mask = feasible(heights, items, height, draw(st.sampled_from(["none", "corners"])))
    return Candidates(heights, items, landing, mask, height)


def by_loops(position: Candidates, row: int, kind: int, x: int, y: int) -> dict[str, float]:
    heights, (base_x, base_y, tall) = position.heights[row], (int(edge) for edge in position.items[row, kind])
    length, width = heights.shape
    bottom = int(position.landing[row, kind, x, y])

    def beside(i: int, j: int) -> float:
        return int(heights[i, j]) if 0 <= i < length and 0 <= j < width else np.inf

    sides = {
        "x0": [beside(x - 1, y + j) for j in range(base_y)],
        "x1": [beside(x + base_x, y + j) for j in range(base_y)],
        "y0": [beside(x + i, y - 1) for i in range(base_x)],
        "y1": [beside(x + i, y + base_y) for i in range(base_x)],
    }
    under = [bottom - int(heights[x + i, y + j]) for i in range(base_x) for j in range(base_y)]
    values = {"buried": sum(under) / (base_x * base_y * tall)}
    for side, cells in sides.items():
        touched = [min(max(cell - bottom, 0), tall) for cell in cells]
        values[f"contact_{side}"] = sum(touched) / (tall * len(cells))
        values[f"flush_{side}"] = sum(cell == bottom + tall for cell in cells) / len(cells)
    return values


@given(positions())
def test_contact_is_what_plain_loops_say(position):
    features = contact(position)
    assert features.dtype == np.float32
    assert features.shape == (*position.mask.shape[:2], len(CONTACT), *position.mask.shape[2:])
    for row, kind, x, y in np.ndindex(position.mask.shape):
        found = dict(zip(CONTACT, features[row, kind, :, x, y], strict=True))
        if position.mask[row, kind, x, y]:
            expected = by_loops(position, row, kind, x, y)
            np.testing.assert_allclose([found[name] for name in CONTACT], [expected[name] for name in CONTACT], 1e-5)
        else:
            assert not any(found.values())


def test_an_item_in_the_corner_of_an_empty_bin_touches_two_walls():
    heights = np.zeros((1, 4, 5), np.int16)
    items = np.array([[[2, 3, 1]]])
    landing, mask = feasible(heights, items, 4, "full")
    corner = dict(zip(CONTACT, contact(Candidates(heights, items, landing, mask, 4))[0, 0, :, 0, 0], strict=True))
    assert corner == {name: float(name in ("contact_x0", "contact_y0")) for name in CONTACT}


def test_no_item_has_no_contact():
    heights = np.zeros((2, 3, 3), np.int16)
    items = np.zeros((2, 1, 3), np.int32)
    landing, mask = feasible(heights, items, 4, "none")
    assert not contact(Candidates(heights, items, landing, mask, 4)).any()
