"""``geometry.verify`` against a voxel oracle, and its answers to bad arguments."""

import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import centre_in_hull

from binpack.core import geometry
from binpack.core.geometry import GeometryError, check, check_items, utilization, verify, verify_items
from binpack.core.placement import ORIENTATIONS, ROTATIONS
from binpack.core.support import support_rule

RULES = ["none", "full", "fraction:0.5", "fraction:0.8", "corners", "corners:0.9,0.5,0.25", "corners:1,0.75,0.5"]
RULES += ["polygon", "polygon:0.25", "polygon:0.5"]
KINDS = {
    "sticks out of": "outside",
    "overlaps": "overlap",
    "above it": "above",
    "rests on nothing": "floating",
    "is supported on": "support",
}


def voxels(box):
    x, y, z, length, width, height = box
    return {(i, j, k) for i in range(x, x + length) for j in range(y, y + width) for k in range(z, z + height)}


def satisfies(rule, box, supported):
    """Plain reading of the support rules, from the set of supported cells of the base."""
    x, y, _, length, width, _ = box
    share = Fraction(len(supported), length * width)
    name, _, rest = rule.partition(":")
    corners = [(i, j) in supported for i in (x, x + length - 1) for j in (y, y + width - 1)]
    if name == "none":
        return True
    if name == "full":
        return share == 1
    if name == "fraction":
        return share >= Fraction(rest)
    if name == "polygon":
        cells = [(i - x, j - y) for i, j in supported]
        return centre_in_hull(cells, length, width) or bool(rest and share > Fraction(rest))
    first, second, third = (Fraction(text) for text in (rest or "0.95,0.80,0.60").split(","))
    return share > first or (share > second and sum(corners) >= 3) or (share > third and all(corners))


def supported_cells(box, earlier):
    x, y, z, length, width, _ = box
    base = {(i, j) for i in range(x, x + length) for j in range(y, y + width)}
    if z == 0:
        return base
    tops = [{(i, j) for i, j, k in voxels(other) if k == other[2] + other[5] - 1 == z - 1} for other in earlier]
    return base & set().union(*tops)


def oracle(boxes, bin_size, rule):
    """All violations as (kind, box, other box or None), cell by cell."""
    found = set()
    for i, box in enumerate(boxes):
        if any(not 0 <= cell[axis] < bin_size[axis] for cell in voxels(box) for axis in range(3)):
            found.add(("outside", i, None))
        for j, other in enumerate(boxes[:i]):
            if voxels(box) & voxels(other):
                found.add(("overlap", i, j))
            elif {cell[:2] for cell in voxels(box)} & {cell[:2] for cell in voxels(other)} and other[2] > box[2]:
                found.add(("above", i, j))
        supported = supported_cells(box, boxes[:i])
        if not supported:
            found.add(("floating", i, None))
        elif not satisfies(rule, box, supported):
            found.add(("support", i, None))
    return found


def found_by_verify(boxes, bin_size, rule):
    found = set()
    for line in verify(np.array(boxes).reshape(-1, 6), bin_size, rule):
        (kind,) = [kind for text, kind in KINDS.items() if text in line]
        numbers = [int(number) - 1 for number in re.findall(r"box (\d+)", line)]
        found.add((kind, numbers[0], numbers[1] if len(numbers) > 1 else None))
    return found


@st.composite
def packings(draw):
    """A bin, a rule, and a valid packing grown by dropping boxes from above wherever the rule allows."""
    bin_size = draw(st.tuples(*[st.integers(1, 6)] * 3))
    rule = draw(st.sampled_from(RULES))
    boxes = []
    for _ in range(draw(st.integers(0, 9))):
        length, width, height = (draw(st.integers(1, min(4, edge))) for edge in bin_size)
        x, y = draw(st.integers(0, bin_size[0] - length)), draw(st.integers(0, bin_size[1] - width))
        footprint = {(i, j) for i in range(x, x + length) for j in range(y, y + width)}
        below = [box[2] + box[5] for box in boxes if footprint & {cell[:2] for cell in voxels(box)}]
        box = (x, y, max(below, default=0), length, width, height)
        if box[2] + height <= bin_size[2] and satisfies(rule, box, supported_cells(box, boxes)):
            boxes.append(box)
    return bin_size, rule, boxes


@settings(max_examples=150, deadline=None)
@given(packings())
def test_valid_packings_pass(packing):
    bin_size, rule, boxes = packing
    assert oracle(boxes, bin_size, rule) == set()
    assert verify(np.array(boxes).reshape(-1, 6), bin_size, rule) == []
    check(boxes, bin_size, rule)


@settings(max_examples=300, deadline=None)
@given(packings(), st.data())
def test_corrupted_packings_are_described_exactly(packing, data):
    bin_size, rule, boxes = packing
    if not boxes:
        return
    boxes = [list(box) for box in boxes]
    index = data.draw(st.integers(0, len(boxes) - 1))
    match data.draw(st.sampled_from(["move", "grow", "swap", "drop", "other rule"])):
        case "move":
            boxes[index][data.draw(st.integers(0, 2))] += data.draw(st.sampled_from([-2, -1, 1, 2]))
        case "grow":
            boxes[index][data.draw(st.integers(3, 5))] += data.draw(st.integers(1, 2))
        case "swap":
            other = data.draw(st.integers(0, len(boxes) - 1))
            boxes[index], boxes[other] = boxes[other], boxes[index]
        case "drop":
            del boxes[index]
        case "other rule":
            rule = data.draw(st.sampled_from(RULES))
    expected, found = oracle(boxes, bin_size, rule), found_by_verify(boxes, bin_size, rule)
    if any(kind == "overlap" for kind, _, _ in expected):
        # Boxes that share space count twice as support, so what the others rest on is not well defined.
        expected = {entry for entry in expected if entry[0] not in ("floating", "support")}
        found = {entry for entry in found if entry[0] not in ("floating", "support")}
    assert found == expected


@settings(max_examples=25, deadline=None)
@given(packings())
def test_blocks_of_pairs_give_the_same_answer(packing):
    bin_size, rule, boxes = packing
    boxes = np.add(np.array(boxes).reshape(-1, 6), [0, 0, 1, 0, 0, 0])
    whole = verify(boxes, bin_size, rule)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geometry, "_PAIRS_AT_ONCE", 7)
        assert sorted(verify(boxes, bin_size, rule)) == sorted(whole)


@pytest.mark.parametrize(
    ("shelf", "rule", "allowed"),
    [
        (19, "corners:0.95,1,1", False),  # 19 of 20 is 0.95, which does not exceed 0.95
        (19, "corners:0.94,1,1", True),
        (16, "fraction:0.8", True),  # exactly the share is enough here
        (15, "fraction:0.8", False),
        (15, "none", True),
        (19, "full", False),
        (20, "full", True),
    ],
)
def test_shares_are_compared_exactly(shelf, rule, allowed):
    boxes = [(0, 0, 0, shelf, 1, 1), (0, 0, 1, 20, 1, 1)]
    assert (verify(boxes, (20, 1, 2), rule) == []) is allowed
    assert (verify(boxes, (20, 1, 2), support_rule(rule)) == []) is allowed


def test_corner_cells_count():
    # A 5x5 plate over 4 posts at its corners and a middle block: 4 + 9 of 25 cells, 4 corners, then 3.
    posts = [(0, 0, 0, 1, 1, 1), (4, 0, 0, 1, 1, 1), (0, 4, 0, 1, 1, 1), (4, 4, 0, 1, 1, 1)]
    middle, plate = (1, 1, 0, 3, 3, 1), (0, 0, 1, 5, 5, 1)
    assert verify([*posts, middle, plate], (5, 5, 5), "corners:0.95,0.8,0.5") == []
    assert verify([*posts[1:], middle, plate], (5, 5, 5), "corners:0.95,0.4,1") == []
    assert verify([*posts[2:], middle, plate], (5, 5, 5), "corners:0.95,0.4,0.4") == [
        "box 4 (5x5x1) at (0, 0, 1) is supported on 11 of 25 cells, against corners:0.95,0.4,0.4"
    ]


def test_messages():
    boxes = [(0, 0, 0, 2, 2, 2), (1, 1, 1, 2, 2, 2), (3, 3, 3, 1, 1, 1), (3, 3, 0, 1, 1, 1), (3, 0, 0, 2, 1, 0)]
    assert verify(boxes, (4, 4, 4), "none") == [
        "box 5 (2x1x0) at (3, 0, 0) has an edge that is not positive",
        "box 5 (2x1x0) at (3, 0, 0) sticks out of the 4x4x4 bin",
        "box 2 (2x2x2) at (1, 1, 1) overlaps box 1 (2x2x2) at (0, 0, 0)",
        "box 4 (1x1x1) at (3, 3, 0) has box 3 above it, so it was not loadable from above",
        "box 2 (2x2x2) at (1, 1, 1) rests on nothing",
        "box 3 (1x1x1) at (3, 3, 3) rests on nothing",
    ]
    with pytest.raises(GeometryError, match=r"^box 5 \(2x1x0\) at .* not positive \(and 5 more\)$"):
        check(boxes, (4, 4, 4), "none")
    assert verify([(0, 0.5, 0, 1, 1, 1)], (4, 4, 4)) == ["box 1 is not on whole cells: 0, 0.5, 0, 1, 1, 1"]


def test_nothing_packed_is_fine():
    assert verify([], (3, 3, 3)) == verify(np.zeros((0, 6), int), (3, 3, 3)) == []
    assert utilization([], (3, 3, 3)) == 0.0


def test_utilization():
    assert utilization([(0, 0, 0, 1, 2, 3), (1, 0, 0, 1, 1, 1)], (2, 2, 7)) == 0.25


class Own:
    """A rule of one's own: the base is borne along its whole length."""

    def __call__(self, bearing):
        """Placing is not what is tested here."""

    def holds(self, long, wide, contacts):
        """Check one base."""
        self.seen = long, wide, contacts.tolist()
        return contacts[:, 2].sum() == long


class Unknown:
    """A rule of one's own that cannot be checked."""

    def __call__(self, bearing):
        """Placing is not what is tested here."""


OWN, UNKNOWN = Own(), Unknown()


@pytest.mark.parametrize("rule", [OWN, "test_geometry:OWN"])
def test_ones_own_rule_is_asked_for_each_base_that_something_bears(rule):
    walls, plate = [(1, 1, 0, 1, 3, 2), (2, 1, 0, 1, 2, 2)], (1, 1, 2, 3, 2, 1)
    (line,) = verify([*walls, plate], (4, 4, 4), rule)
    assert line.startswith("box 3 (3x2x1) at (1, 1, 2) is supported on 4 of 6 cells, against ")
    assert line.endswith("test_geometry:OWN") or rule is OWN
    assert OWN.seen == (3, 2, [[0, 0, 1, 2], [1, 0, 1, 2]])
    assert verify([*walls, (1, 1, 2, 2, 2, 1)], (4, 4, 4), rule) == []
    assert verify([(0, 0, 1, 1, 1, 1)], (4, 4, 4), rule) == ["box 1 (1x1x1) at (0, 0, 1) rests on nothing"]


@pytest.mark.parametrize("rule", [UNKNOWN, "test_geometry:UNKNOWN"])
def test_all_but_a_rule_that_cannot_be_asked_is_checked(rule):
    assert verify([(0, 0, 0, 1, 1, 1), (0, 0, 1, 4, 4, 1)], (4, 4, 4), rule) == []
    assert verify([(0, 0, 1, 4, 4, 1)], (4, 4, 4), rule) == ["box 1 (4x4x1) at (0, 0, 1) rests on nothing"]


NO_RULE = "support rule 'some' is not one of full, fraction, corners, polygon, none, nor module:name of your own"
NO_MODULE = "support rule 'no_such_rules:mine': no_such_rules cannot be imported (No module named 'no_such_rules')"


@pytest.mark.parametrize(
    ("boxes", "bin_size", "support", "message"),
    [
        ([(1, 2, 3)], (3, 3, 3), "full", "boxes must be an (n, 6) array of numbers, got shape (1, 3)"),
        (
            [(1, 2, 3), (1,)],
            (3, 3, 3),
            "full",
            "boxes must be an (n, 6) array of numbers, got rows of different lengths",
        ),
        ([list("abcdef")], (3, 3, 3), "full", "boxes must be an (n, 6) array of numbers, got dtype <U1"),
        ([[float("nan")] * 6], (3, 3, 3), "full", "boxes must hold finite numbers of at most 268435456 cells"),
        ([], (3, 3), "full", "bin size must be three positive integers, got (3, 3)"),
        ([], (3, 3, 0), "full", "bin size must be three positive integers, got (3, 3, 0)"),
        ([], (3, 3, 2.5), "full", "bin size must be three positive integers, got (3, 3, 2.5)"),
        ([], 3, "full", "bin size must be three positive integers, got 3"),
        ([], (3, 3, 3), "some", NO_RULE),
        ([], (3, 3, 3), "full:1", "support rule 'full' takes 0 shares, got 1"),
        ([], (3, 3, 3), "corners:1,2", "support rule 'corners' takes 3 shares, got 2"),
        ([], (3, 3, 3), "fraction:lots", "support rule 'fraction': expected numbers as shares, got lots"),
        ([], (3, 3, 3), "fraction:nan", "support rule 'fraction': expected numbers as shares, got nan"),
        ([], (3, 3, 3), "fraction:1.5", "support rule 'fraction': shares must lie in [0, 1], got 1.5"),
        ([], (3, 3, 3), "polygon:0.5,1", "support rule 'polygon' takes 0 or 1 shares, got 2"),
        ([], (3, 3, 3), "no_such_rules:mine", NO_MODULE),
        ([], (3, 3, 3), 7, "support must be text or a support rule, got 7"),
    ],
)
def test_bad_arguments(boxes, bin_size, support, message):
    with pytest.raises(GeometryError) as error:
        verify(boxes, bin_size, support)
    assert str(error.value) == message


def test_the_built_in_rules_are_checked_without_the_code_that_places_by_them():
    program = (
        "import sys\n"
        "from binpack.core.geometry import verify\n"
        f"for rule in {RULES!r}:\n"
        "    verify([(0, 0, 0, 1, 2, 1), (0, 0, 1, 3, 2, 1)], (4, 4, 4), rule)\n"
        "print([name for name in sys.modules if name.startswith('binpack.core.') and name[13:] in "
        "('placement', 'support', 'bearing', 'windows', 'hull')])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# ----------------------------------------------------------------------------------------------------- which item is it

ITEMS = [(1, 2, 3), (3, 2, 1), (2, 2, 2)]


@pytest.mark.parametrize(
    ("box", "item", "upright", "rotation", "words"),
    [
        ((1, 2, 3), 0, None, "none", None),
        ((2, 1, 3), 0, None, "z", None),
        ((3, 2, 1), 0, None, "all", None),
        ((2, 2, 2), 2, None, "none", None),
        ((2, 1, 3), 0, None, "none", "is item 1 (1x2x3) turned, against rotation none"),
        ((3, 2, 1), 0, None, "z", "is item 1 (1x2x3) turned, against rotation z"),
        ((1, 2, 2), 0, None, "all", "is item 1 (1x2x3) with other edges"),
        ((3, 2, 1), 0, (False, True, True), "all", "is item 1 (1x2x3) on a side that it may not stand on"),
        ((1, 2, 3), 0, (True, True, False), "none", "is item 1 (1x2x3) on a side that it may not stand on"),
        ((2, 2, 2), 2, (True, False, False), "all", None),
        ((2, 2, 2), 2, (True, False, False), "z", "is item 3 (2x2x2) on a side that it may not stand on"),
        ((1, 2, 3), 3, None, "all", "is no item: there are 3"),
        ((1, 2, 3), -1, None, "all", "is no item: there are 3"),
    ],
)
def test_a_box_that_is_not_its_item_is_named(box, item, upright, rotation, words):
    flags = None if upright is None else [upright] * 3
    lines = verify_items([(0, 0, 0, *box)], [item], ITEMS, flags, rotation)
    assert lines == ([] if words is None else [f"box 1 ({box[0]}x{box[1]}x{box[2]}) at (0, 0, 0) {words}"])


def test_an_item_that_is_there_twice_is_named_and_arrays_must_belong_together():
    boxes = [(0, 0, 0, 1, 2, 3), (1, 0, 0, 3, 2, 1), (0, 2, 0, 1, 2, 3)]
    assert verify_items(boxes, [0, 1, 0], ITEMS) == ["box 3 (1x2x3) at (0, 2, 0) is item 1, as box 1 is"]
    with pytest.raises(GeometryError, match=r"^box 3 .* is item 1, as box 1 is$"):
        check_items(boxes, [0, 1, 0], ITEMS)
    assert verify_items([], [], ITEMS) == []
    for wrong in (([0], ITEMS), ([0, 1, 2], [(1, 2)]), ([0, 1, 2], ITEMS, [(True, True, True)])):
        with pytest.raises(GeometryError, match="do not belong together"):
            verify_items(boxes, *wrong)


@given(
    items=st.lists(st.tuples(*[st.integers(1, 3)] * 3), min_size=1, max_size=4),
    flags=st.lists(st.tuples(*[st.booleans()] * 3), min_size=4, max_size=4),
    rotation=st.sampled_from(["none", "z", "all"]),
    box=st.tuples(*[st.integers(1, 3)] * 3),
    which=st.integers(0, 3),
)
def test_turns_against_all_orientations(items, flags, rotation, box, which):
    item = which % len(items)
    allowed = {
        tuple(items[item][edge] for edge in order)
        for order in ORIENTATIONS[: ROTATIONS[rotation]]
        if flags[item][order[2]]
    }
    lines = verify_items([(0, 0, 0, *box)], [item], items, flags[: len(items)], rotation)
    assert (lines == []) == (box in allowed)
