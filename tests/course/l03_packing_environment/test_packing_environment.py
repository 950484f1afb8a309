"""Every check of lesson 03: the reference and other right forms pass, and each named mistake gets its own message."""

import numpy as np
import pytest
from judging import verdict, wrong

from binpack.core import geometry, placement
from binpack.course.exercises.core import exercises_of
from binpack.course.l03_packing_environment import exercises as lesson

windows = np.lib.stride_tricks.sliding_window_view


@pytest.mark.parametrize("exercise", exercises_of(lesson), ids=lambda exercise: exercise.name)
def test_an_answer_without_return_is_told_so(exercise):
    assert verdict(exercise, lambda *_: None).outcome in ("wrong", "error")


def test_the_example_pile_is_a_legal_packing_with_its_height_map():
    boxes, heights = lesson.example_pile()
    assert geometry.verify(boxes, (10, 8, 6), "full") == []
    assert heights.shape == (10, 8) and heights.max() == 3
    rules = ("full", "fraction", "corners", "none")
    box = np.array([[[5, 4, 2]]])
    masks = {rule: placement.feasible(heights[None], box, 6, rule)[1][0, 0] for rule in rules}
    assert [rule for rule in rules if masks[rule][0, 0]] == ["fraction", "none"]
    assert [rule for rule in rules if masks[rule][5, 0]] == ["corners", "none"]


# -------------------------------------------------------------------------------------------------- landing_height


@pytest.mark.parametrize(
    "answer",
    [
        lambda heights, item, x, y: heights[x : x + item[0], y : y + item[1]].max(),
        lambda heights, item, x, y: float(max(max(row[y : y + item[1]]) for row in heights[x : x + item[0]].tolist())),
        lambda heights, item, x, y: np.array(heights)[x:, y:][: item[0], : item[1]].max().item(),
    ],
)
def test_landing_height_in_other_forms(answer):
    assert verdict(lesson.landing_height, answer).outcome == "correct"


def base(heights, item, x, y):
    return heights[x : x + item[0], y : y + item[1]]


def changes_the_map(heights, item, x, y):
    base(heights, item, x, y)[:] = 9
    return 5


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda h, item, x, y: base(h, item, x, y).mean(), "it returns the mean under the base"),
        (lambda h, item, x, y: base(h, item, x, y).min(), "it returns the lowest cell under the base"),
        (lambda h, item, x, y: base(h, item, x, y).max() + item[2], "it returns the height of the item's top"),
        (lambda h, item, x, y: h[x, y], "it looks at the cell (x, y) alone"),
        (lambda h, item, x, y: h[x : x + item[0] + 1, y : y + item[1] + 1].max(), "one cell too many on each side"),
        (lambda h, item, x, y: h[x : x + item[1], y : y + item[0]].max(), "x and y are swapped: item[0] runs along x"),
        (changes_the_map, "the height map was changed"),
        (lambda h, item, x, y: base(h, item, x, y), "should have shape (), not (2, 2)"),
        (lambda h, item, x, y: 5, "a 1 x 3 base at (4, 0) should rest at 1"),
    ],
)
def test_mistakes_in_landing_height(answer, message):
    assert message in wrong(lesson.landing_height, answer)


# ------------------------------------------------------------------------------------------------- landing_heights


def by_shifts(heights, item):
    shape = heights.shape[0] - item[0] + 1, heights.shape[1] - item[1] + 1
    top = np.zeros(shape, int)
    for i in range(item[0]):
        for j in range(item[1]):
            top = np.maximum(top, heights[i : i + shape[0], j : j + shape[1]])
    return top


def by_cells(heights, item):
    shape = heights.shape[0] - item[0] + 1, heights.shape[1] - item[1] + 1
    return np.array([[base(heights, item, x, y).max() for y in range(shape[1])] for x in range(shape[0])])


def by_core(heights, item):
    landing = placement.landing_heights(heights[None], np.array([[item]]))[0, 0]
    return landing[: heights.shape[0] - item[0] + 1, : heights.shape[1] - item[1] + 1]


def by_axes(heights, item):
    return windows(windows(heights, item[0], axis=0).max(-1), item[1], axis=1).max(-1)


@pytest.mark.parametrize("answer", [by_shifts, by_core, by_axes])
def test_landing_heights_in_other_forms(answer):
    assert verdict(lesson.landing_heights, answer).outcome == "correct"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (by_cells, "is there a loop over places?"),
        (lambda h, item: windows(h, item[1::-1]).max((2, 3)), "fits a base of 2 x 3: item[0] runs along x"),
        (lambda h, item: placement.landing_heights(h[None], np.array([[item]]))[0, 0], "for each of the 7 x 5 cells"),
        (lambda h, item: windows(h, item[:2]).max((2, 3))[:-1, :-1], "the last place is missing along each axis"),
        (lambda h, item: windows(h, item[:2]).max(3), "the windows are still there"),
        (lambda h, item: windows(h, item[:2]).mean((2, 3)), "it takes means"),
        (lambda h, item: windows(h, item[:2]).min((2, 3)), "it takes minima"),
        (lambda h, item: windows(h, item[:2]).max((2, 3)) + item[2], "it adds the item's height"),
        (lambda h, item: h[: h.shape[0] - item[0] + 1, : h.shape[1] - item[1] + 1], "some heights are wrong"),
        (lambda h, item: windows(h, (3, 2)).max((2, 3)), "the answer for a 4 x 6 base on a 4 x 6 map"),
    ],
)
def test_mistakes_in_landing_heights(answer, message):
    def named(h, item):
        if message.startswith("the answer for a 4 x 6") and min(h.shape) < 3:
            return np.zeros((1, 1))
        return answer(h, item)

    assert message in wrong(lesson.landing_heights, named)


# --------------------------------------------------------------------------------------------------- fraction_mask


def share_by_shifts(heights, item, share):
    top = by_shifts(heights, item)
    shape = top.shape
    cells = sum(
        (heights[i : i + shape[0], j : j + shape[1]] == top).astype(int) for i in range(item[0]) for j in range(item[1])
    )
    return cells >= share * item[0] * item[1]


def share_by_loops(heights, item, share):
    shape = heights.shape[0] - item[0] + 1, heights.shape[1] - item[1] + 1
    mask = np.zeros(shape, int)
    for x, y in np.ndindex(shape):
        under = base(heights, item, x, y)
        mask[x, y] = np.mean(under == under.max()) >= share
    return mask


@pytest.mark.parametrize("answer", [share_by_shifts, share_by_loops])
def test_fraction_mask_in_other_forms(answer):
    assert verdict(lesson.fraction_mask, answer).outcome == "correct"


def bearing(heights, item):
    under = windows(heights, item[:2])
    return under == under.max((2, 3))[..., None, None]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda h, item, s: bearing(h, item).mean((2, 3)) > s, "at least, not above"),
        (lambda h, item, s: bearing(h, item).mean((2, 3)) < s, "accepted and refused are exchanged"),
        (lambda h, item, s: bearing(h, item).mean((2, 3)), "it should hold True and False"),
        (lambda h, item, s: bearing(h, item).sum((2, 3)) >= s, "every place is accepted"),
        (
            lambda h, item, s: (windows(h, item[:2]) <= by_axes(h, item)[..., None, None]).mean((2, 3)) >= s,
            "every place is accepted",
        ),
        (lambda h, item, s: (windows(h, item[:2]) == 0).mean((2, 3)) >= s, "only the floor bears"),
        (
            lambda h, item, s: (
                (windows(h, item[:2]) == h[: 1 - item[0] or None, : 1 - item[1] or None, None, None]).mean((2, 3)) >= s
            ),
            "the base is compared with the cell (x, y)",
        ),
        (lambda h, item, s: bearing(h, item).mean((2, 3)) >= 0.75, "at a share of 0 some places are wrong"),
        (lambda h, item, s: bearing(h, item), "should have shape (3, 4), not (3, 4, 2, 2)"),
        (lambda h, item, s: bearing(h, item[1::-1]).mean((2, 3)) >= s, "(2, 4)"),
    ],
)
def test_mistakes_in_fraction_mask(answer, message):
    said = wrong(lesson.fraction_mask, answer)
    assert message in said or (message == "(2, 4)" and "shape" in said)


# --------------------------------------------------------------------------------------------------- decode_action


def by_floor_division(action, orientations, length, width):
    cells = length * width
    candidate = action // cells
    return [candidate // orientations, candidate % orientations, action % cells // width, action % width]


def by_unravelling(action, orientations, length, width):
    return np.unravel_index(action, (1000, orientations, length, width))


@pytest.mark.parametrize("answer", [by_floor_division, by_unravelling, lambda *a: np.array(by_floor_division(*a))])
def test_decode_action_in_other_forms(answer):
    assert verdict(lesson.decode_action, answer).outcome == "correct"


def reordered(*order):
    return lambda *arguments: [by_floor_division(*arguments)[place] for place in order]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (reordered(0, 1, 3, 2), "x and y are exchanged"),
        (reordered(1, 0, 2, 3), "item and orientation are exchanged"),
        (lambda a, o, length, w: (*by_floor_division(a, o, length, w)[:2], *divmod(a % (length * w), length)), "by L"),
        (
            lambda a, o, length, w: (a // (length * w), *by_floor_division(a, o, length, w)[1:]),
            "divide once more, by O",
        ),
        (lambda a, o, length, w: (a / (o * length * w), *by_floor_division(a, o, length, w)[1:]), "broken numbers"),
        (lambda a, o, length, w: [value + 1 for value in by_floor_division(a, o, length, w)], "count from 1?"),
        (lambda a, o, length, w: divmod(a, w), "should have shape (4,), not (2,)"),
        (lambda a, o, length, w: by_floor_division(a, 2, 9, 7), "with O = 6, L = 2, W = 3 should be (0, 5, 0, 2)"),
    ],
)
def test_mistakes_in_decode_action(answer, message):
    assert message in wrong(lesson.decode_action, answer)


# ----------------------------------------------------------------------------------------------------- action_mask


def mask_by_loops(landing, items, bin_height, supported):
    flat = []
    for k, x, y in np.ndindex(landing.shape):
        z = landing[k, x, y]
        flat.append(bool(z >= 0 and z + items[k][2] <= bin_height and supported[k, x, y]))
    return flat


def mask_by_limit(landing, items, bin_height, supported):
    limit = (bin_height - items[:, 2]).reshape(-1, 1, 1)
    return np.logical_and.reduce([landing > -1, landing <= limit, supported]).ravel().astype(int)


@pytest.mark.parametrize("answer", [mask_by_loops, mask_by_limit])
def test_action_mask_in_other_forms(answer):
    assert verdict(lesson.action_mask, answer).outcome == "correct"


def tops(landing, items):
    return landing + items[:, 2, None, None]


def clears_the_landing(landing, items, bin_height, supported):
    mask = mask_by_limit(landing, items, bin_height, supported)
    landing[:] = 0
    return mask


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda z, i, h, s: ((tops(z, i) <= h) & s).ravel(), "items outside the walls are allowed"),
        (lambda z, i, h, s: ((z >= 0) & (tops(z, i) < h) & s).ravel(), "end exactly at the rim are refused"),
        (lambda z, i, h, s: ((z >= 0) & (z <= h) & s).ravel(), "add the items' heights"),
        (lambda z, i, h, s: ((z >= 0) & (tops(z, i) <= h)).ravel(), "the support rule is left out"),
        (lambda z, i, h, s: ~((z >= 0) & (tops(z, i) <= h) & s).ravel(), "legal and illegal are exchanged"),
        (lambda z, i, h, s: ((z >= 0) & (z + i[:, 2] <= h) & s).ravel(), "along the wrong axis"),
        (lambda z, i, h, s: ((z >= 0) & (z + i[:, 0, None, None] <= h) & s).ravel(), "the wrong edge of the items"),
        (lambda z, i, h, s: (z >= 0) & (tops(z, i) <= h) & s, "flatten it"),
        (
            lambda z, i, h, s: ((z >= 0) & (tops(z, i) <= h) & s).transpose(0, 2, 1).ravel(),
            "x and y are exchanged in the order of the actions",
        ),
        (clears_the_landing, "the landing heights were changed"),
        (lambda z, i, h, s: s.ravel(), "some actions are wrong"),
    ],
)
def test_mistakes_in_action_mask(answer, message):
    assert message in wrong(lesson.action_mask, answer)


def test_action_mask_is_what_the_core_calls_feasible():
    heights = np.random.default_rng(0).integers(0, 7, (1, 6, 5)).astype(np.int16)
    items = np.array([[[2, 2, 3], [3, 1, 2], [0, 0, 0]]])
    landing, mask = placement.feasible(heights, items, 8, "none")
    everywhere = np.ones(landing[0].shape, bool)
    assert np.array_equal(lesson.action_mask(landing[0], items[0], 8, everywhere), mask.reshape(-1))


# -------------------------------------------------------------------------------------------------- lowest_landing


def parts(candidates):
    _, length, width = candidates.heights.shape
    x, y = np.arange(length)[:, None], np.arange(width)
    return candidates.landing.astype(float), np.broadcast_to(x, candidates.landing.shape), y


def masked_and_scaled(candidates):
    z, x, y = parts(candidates)
    return np.where(candidates.mask, 1000 - 3 * (100 * z + x + y), -np.inf)


def tie_broken_once_more(candidates):
    z, x, y = parts(candidates)
    return -(z + (x + y) / 100 + x / 1e5)


def by_ranks(candidates):
    z, x, y = parts(candidates)
    order = np.lexsort(((x + y).ravel(), z.ravel()))
    keys = np.stack([z.ravel(), (x + y).ravel()])[:, order]
    rank = np.concatenate([[0], (np.diff(keys) != 0).any(axis=0).cumsum()])
    scores = np.empty(z.size)
    scores[order] = -rank
    return scores.reshape(z.shape)


@pytest.mark.parametrize("answer", [masked_and_scaled, tie_broken_once_more, by_ranks])
def test_lowest_landing_in_other_forms(answer):
    assert verdict(lesson.lowest_landing, answer).outcome == "correct"


def scored(formula):
    return lambda candidates: formula(*parts(candidates))


def overwrites(candidates):
    scores = masked_and_scaled(candidates)
    candidates.landing[~candidates.mask] = 99
    return scores


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (scored(lambda z, x, y: z * 100 + x + y), "the best place gets the lowest score: is a minus missing?"),
        (scored(lambda z, x, y: z * 100 - x - y), "high places win"),
        (scored(lambda z, x, y: -(z + 100 * (x + y))), "x + y decides before the height"),
        (scored(lambda z, x, y: -(z * 100) + x + y), "among equally low places the largest x + y wins"),
        (scored(lambda z, x, y: -z), "where is the tie rule"),
        (scored(lambda z, x, y: -(z * 100 + x)), "x alone breaks the ties"),
        (scored(lambda z, x, y: -(z * 100 + y)), "y alone breaks the ties"),
        (scored(lambda z, x, y: -(z + x + y)), "a cell of height counts as much as a cell of x + y"),
        (scored(lambda z, x, y: -(z * 100 + x * y)), "the order is wrong"),
        (scored(lambda z, x, y: -(z + x + y)[0]), "should have shape (3, 2, 6, 8), not (2, 6, 8)"),
        (scored(lambda z, x, y: (z + x + y).reshape(3, -1).argmin(axis=1)), "should have shape (3, 2, 6, 8), not (3,)"),
        (overwrites, "the candidates were changed"),
    ],
)
def test_mistakes_in_lowest_landing(answer, message):
    assert message in wrong(lesson.lowest_landing, answer)
