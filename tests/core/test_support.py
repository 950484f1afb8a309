"""Support rules as objects: their names and texts, the hull rule, and rules of one's own on every path of the core."""

import sys
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import centre_in_hull

from binpack.core import geometry, placement
from binpack.core.registry import without_imports
from binpack.core.support import SUPPORT_RULES, CornersRule, FractionRule, PolygonRule, support_rule, support_text
from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig

TEXTS = {
    "none": "none",
    "full": "full",
    "fraction": "fraction:0.8",
    "fraction:.50": "fraction:0.5",
    "corners": "corners:0.95,0.8,0.6",
    " corners : 0.95, 0.85, 0.50": "corners:0.95,0.85,0.5",
    "polygon": "polygon",
    "polygon:0.5": "polygon:0.5",
}


@pytest.mark.parametrize(("text", "canonical"), TEXTS.items())
def test_a_rule_has_one_text(text, canonical):
    rule = support_rule(text)
    assert str(rule) == support_text(rule) == support_text(text) == canonical
    assert support_rule(canonical) == rule and support_rule(rule) is rule
    assert EnvConfig(support=text).support == EnvConfig(support=rule).support == canonical


def test_the_names_are_all_there_and_are_the_rules_own():
    assert set(SUPPORT_RULES.names) == {"none", "full", "fraction", "corners", "polygon"}
    assert all(str(support_rule(name)).partition(":")[0] == name for name in SUPPORT_RULES.names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "glued",
            "support rule 'glued' is not one of full, fraction, corners, polygon, none, nor module:name of your own",
        ),
        ("fraction:a", "support rule 'fraction:a': expected numbers after the colon, got 'a'"),
        ("fraction:1.5", "support rule 'fraction': share 1.5 is not in [0, 1]"),
        ("corners:0.9", "support rule 'corners' takes 3 shares, got 1"),
        ("polygon:0.5,0.6", "support rule 'polygon' takes 1 share, got 2"),
        ("polygon:-1", "support rule 'polygon': share -1 is not in [0, 1]"),
        ("full:1", "support rule 'full:1': full takes no options"),
        ("fraction:nan", "support rule 'fraction': share nan is not in [0, 1]"),
        (
            "no_such_rules:mine",
            "support rule 'no_such_rules:mine': no_such_rules cannot be imported (No module named 'no_such_rules')",
        ),
        ("test_support:TEXTS", "support rule 'test_support:TEXTS' is no support rule: it has no method __call__"),
        (7, "support must be text or a support rule, got 7"),
    ],
)
def test_a_bad_rule_is_answered_with_one_line(text, message):
    with pytest.raises(ValueError) as caught:
        support_rule(text)
    assert str(caught.value) == message


def test_shares_are_kept_to_six_decimals():
    assert FractionRule(1 / 3) == FractionRule(0.333333) and PolygonRule(1 / 3).share == 0.333333
    with pytest.raises(ValueError, match="'corners' takes 3 shares, got 2"):
        CornersRule((0.9, 0.8))
    with pytest.raises(FrozenInstanceError):
        FractionRule().share = 1.0


# Rules of one's own, as anyone would write them.


class HalfBorne:
    """At least a share of the base, and two of its corners."""

    def __init__(self, share=0.5):
        self.share = share

    def __call__(self, bearing):
        """Ask for two things."""
        return bearing.reaches(self.share) & (bearing.corners >= 2)

    def with_options(self, text):
        """Another share."""
        return HalfBorne(float(text))


class Everything:
    """Asks for all that there is, and compares it with the cells one by one."""

    def __call__(self, bearing):
        """An odd number of bearing cells in bases that have room."""
        room = bearing.room
        answer = np.zeros(room.shape, bool)
        edges = bearing.long, bearing.wide, bearing.area
        long, wide, area = (np.broadcast_to(edge, room.shape)[room] for edge in edges)
        cells, found_long, found_wide = bearing.patterns(room)
        assert (found_long == long).all() and (found_wide == wide).all() and (long * wide == area).all()
        count, rows = cells.sum(axis=(1, 2)), np.arange(len(cells))
        assert (np.broadcast_to(bearing.cells, room.shape)[room] == count).all() and (count > 0).all()
        assert (bearing.whole[room] == (count == area)).all()
        assert (bearing.exceeds(0.5)[room] == (2 * count > area)).all()
        assert (bearing.reaches(0.5)[room] == (2 * count >= area)).all()
        ends = [(0 * long, 0 * wide), (0 * long, wide - 1), (long - 1, 0 * wide), (long - 1, wide - 1)]
        assert (bearing.corners[room] == sum(cells[rows, x, y].astype(int) for x, y in ends)).all()
        # Twice as far as the cells reach, from the middle: a cell on a middle line touches both sides.
        x, y = np.arange(cells.shape[1])[:, None], np.arange(cells.shape[2])
        for quarter, (high_x, high_y) in zip(bearing.quarters, np.ndindex(2, 2), strict=True):
            side_x = 2 * x + 2 >= long[:, None, None] if high_x else 2 * x <= long[:, None, None]
            side_y = 2 * y + 2 >= wide[:, None, None] if high_y else 2 * y <= wide[:, None, None]
            assert (quarter[room] == (cells & side_x & side_y).any(axis=(1, 2))).all()
        assert (bearing.landing[room] >= 0).all()
        answer[room] = count % 2 == 1
        return answer


def numbers(bearing):
    """Answer with numbers, which no rule may."""
    return bearing.cells


def nothing(bearing):
    """Accept nothing at all, with one bool."""
    return False


half_borne, everything = HalfBorne(), Everything()


def accepts_one_by_one(rule, heights, item, bin_height):
    """What rules of one's own accept, from loops over cells."""
    length, width = heights.shape
    mask = np.zeros((length, width), bool)
    long, wide, tall = item.tolist()
    for x, y in np.ndindex(length - long + 1, width - wide + 1) if 1 <= long <= length and 1 <= wide <= width else ():
        base = heights[x : x + long, y : y + wide]
        bears = base == base.max()
        if tall < 1 or base.max() + tall > bin_height:
            continue
        corners = sum(int(bears[i, j]) for i in (0, -1) for j in (0, -1))
        mask[x, y] = bears.sum() % 2 == 1 if rule is everything else 2 * bears.sum() >= bears.size and corners >= 2
    return mask


@st.composite
def situations(draw):
    """Height maps, empty ones among them, and items; some stick out of every bin."""
    batch, candidates = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    length, width = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    heights = rng.integers(0, draw(st.integers(0, 2)), (batch, length, width), endpoint=True).astype(np.int16)
    return heights, rng.integers(draw(st.integers(0, 1)), 9, (batch, candidates, 3), endpoint=True)


@pytest.mark.parametrize("rule", [half_borne, everything])
@settings(max_examples=80, deadline=None)
@given(situations())
def test_ones_own_rule_gives_the_same_masks_on_every_path(rule, situation):
    heights, items = situation
    pairs = zip(heights, items, strict=True)
    expected = np.array([[accepts_one_by_one(rule, bin_, item, 6) for item in row] for bin_, row in pairs])
    with pytest.MonkeyPatch.context() as patch:
        for block, table in ((1 << 17, 1 << 14), (1 << 17, 0), (1, 0)):
            patch.setattr(placement, "_BLOCK", block)
            patch.setattr(placement, "_SMALL_TABLE", table)
            assert (placement.feasible(heights, items, 6, rule)[1] == expected).all()


def test_an_answer_that_is_no_bool_is_named():
    ones, items = np.ones((2, 3, 3), np.int16), np.ones((2, 1, 3), int)
    for heights in (ones, 0 * ones, ones[:1]):
        with pytest.raises(ValueError, match="support rule test_support:numbers must return bool"):
            placement.feasible(heights, items[: len(heights)], 5, "test_support:numbers")
        assert not placement.feasible(heights, items[: len(heights)], 5, nothing)[1].any()


def test_ones_own_rule_is_found_by_its_name_and_keeps_it():
    config = EnvConfig(support="test_support:half_borne:0.7")
    assert config.support == "test_support:half_borne:0.7" == str(support_rule(config.support))
    assert PackingBatch(config).support.rule.share == 0.7
    assert EnvConfig.model_validate_json(config.model_dump_json()) == config
    assert EnvConfig(support=support_rule("test_support:half_borne")).support == "test_support:half_borne"
    with pytest.raises(ValueError, match="a support rule of your own is given by its name, module:name, got <"):
        EnvConfig(support=half_borne)


def test_a_stored_name_imports_nothing(tmp_path, monkeypatch):
    (tmp_path / "stored_rules.py").write_text("from test_support import half_borne\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with without_imports(), pytest.raises(ValueError, match="its module is not imported"):
        EnvConfig(support="stored_rules:half_borne")
    assert "stored_rules" not in sys.modules
    assert EnvConfig(support="stored_rules:half_borne").support == "stored_rules:half_borne"
    with without_imports():
        assert EnvConfig(support="stored_rules:half_borne").support == "stored_rules:half_borne"
    del sys.modules["stored_rules"]


@pytest.mark.parametrize(("long", "wide"), [(3, 3), (2, 4), (4, 3), (1, 5), (5, 2)])
def test_polygon_for_every_set_of_bearing_cells(long, wide):
    numbers = np.arange(1, 1 << (long * wide))[:, None]
    maps = ((numbers >> np.arange(long * wide)) & 1).reshape(-1, long, wide).astype(np.int16)
    items = np.broadcast_to([[long, wide, 1]], (len(maps), 1, 3))
    expected = np.array([centre_in_hull(np.argwhere(one), long, wide) for one in maps])
    share = maps.mean(axis=(1, 2))
    for rule, accepted in (
        ("polygon", expected),
        ("polygon:0.5", expected | (share > 0.5)),
        ("polygon:0.5", expected),  # more than half the cells always hold the centre
        ("polygon:0.2", expected | (share > 0.2 + 1e-9)),
        ("polygon:0", np.ones(len(maps), bool)),
    ):
        assert (placement.feasible(maps, items, 2, rule)[1][:, 0, 0, 0] == accepted).all()
        alone = [placement.feasible(maps[i : i + 1], items[:1], 2, rule)[1][0, 0, 0, 0] for i in range(0, len(maps), 7)]
        assert (alone == accepted[::7]).all()


def test_the_other_standard_setting_packs_and_is_verified():
    config = EnvConfig(items="random:1-5x150", rotation="z", support="polygon:0.5")
    batch = PackingBatch(config, 12)
    rng = np.random.default_rng(0)
    batch.load(config.source().sample(rng, 12))
    while not batch.done.all():
        masks = batch.masks()
        batch.step((rng.random(masks.shape) * masks).argmax(axis=1))
    assert (batch.packed > 3).all()
    for n in range(12):
        assert geometry.verify(batch.boxes(n), config.bin_size, config.support) == []
