"""Lesson 03: its exercises beside the core, and what its piles, figures and experiments say."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from judging import verdict as judged

from binpack import plots
from binpack.core import geometry, placement
from binpack.course.l03_packing_environment import exercises, experiments, figures, piles
from binpack.course.l03_packing_environment.exercises.actions import encode_action
from binpack.env import EnvConfig

# ------------------------------------------------------------------------------------- the exercises beside the core


def test_action_mask_is_what_the_core_calls_feasible():
    heights = np.random.default_rng(0).integers(0, 7, (1, 6, 5)).astype(np.int16)
    items = np.array([[[2, 2, 3], [3, 1, 2], [0, 0, 0]]])
    landing, mask = placement.feasible(heights, items, 8, "none")
    everywhere = np.ones(landing[0].shape, bool)
    assert np.array_equal(exercises.action_mask(landing[0], items[0], 8, everywhere), mask.reshape(-1))


@pytest.mark.parametrize("digits", [1, 2])
def test_fraction_mask_agrees_with_the_core_wherever_a_share_is_met_exactly(digits):
    met = 0
    for length, width in np.ndindex(6, 6):
        base, area = (length + 1, width + 1), (length + 1) * (width + 1)
        for cells in range(1, area + 1):
            share = Fraction(cells, area)
            if (share * 10**digits).denominator > 1:
                continue
            heights = np.zeros(base, np.int16)
            heights.flat[:cells] = 1
            _, mask = placement.feasible(heights[None], np.array([[[*base, 1]]]), 9, f"fraction:{float(share)}")
            assert exercises.fraction_mask(heights, (*base, 1), float(share))[0, 0] == mask[0, 0, 0, 0]
            met += 1
    assert met > 60


@pytest.mark.parametrize("share", [0.0, 0.28, 0.5, 0.8, 1.0])
def test_fraction_mask_agrees_with_the_core_on_random_maps(share):
    rng = np.random.default_rng(1)
    for _ in range(20):
        heights, item = rng.integers(0, 3, (8, 7)).astype(np.int16), tuple(rng.integers(1, 6, 3).tolist())
        _, mask = placement.feasible(heights[None], np.array([[item]]), 20, f"fraction:{share}")
        mine = exercises.fraction_mask(heights, item, share)
        assert np.array_equal(mine, mask[0, 0, : mine.shape[0], : mine.shape[1]])


def test_decode_action_undoes_encode_action():
    sizes = 3, 4, 5
    for place in np.ndindex(2, *sizes):
        assert exercises.decode_action(encode_action(place, *sizes), *sizes) == place


def test_lowest_landing_is_judged_by_the_order_it_makes_not_by_its_numbers():
    def lowest_landing(candidates):
        return 7 - 1e6 * exercises.lowest_landing(candidates) ** 3 * -1

    assert judged(exercises.lowest_landing, lowest_landing).outcome == "correct"


@pytest.mark.parametrize(("weight", "outcome"), [(18, "wrong"), (40, "wrong"), (42.5, "wrong"), (49, "correct")])
def test_a_weight_has_to_do_for_a_large_floor_as_well(weight, outcome):
    def lowest_landing(candidates):
        z, x, y = parts(candidates)
        return -(weight * z + x + y)

    assert judged(exercises.lowest_landing, lowest_landing).outcome == outcome


def test_an_order_is_told_by_its_first_slip():
    def lowest_landing(candidates):
        z, x, y = parts(candidates)
        return -(17.5 * z + x + y)

    facts = dict(judged(exercises.lowest_landing, lowest_landing).facts)
    assert facts["got"] == "z = 1, x + y = 0 scores more than z = 0, x + y = 18"
    assert facts["expected"] == "the lower z scores more, among equal z the smaller x + y"


# -------------------------------------------------------------------------------------------------------------- piles


def test_the_example_pile_is_a_legal_packing_with_its_height_map():
    boxes, heights = piles.example_pile()
    assert geometry.verify(boxes, piles.BIN, "full") == []
    assert heights.shape == (10, 8) and heights.max() == 3


def test_which_rule_accepts_which_box():
    accepted = {name: [rule for rule in piles.RULES if stand.accepted(rule)] for name, stand in piles.stands().items()}
    assert accepted == {
        "level": ["full", "fraction:0.8", "corners", "polygon", "none"],
        "three corners": ["fraction:0.8", "corners", "polygon", "none"],
        "overhang": ["fraction:0.8", "polygon", "none"],
        "bridge": ["corners", "polygon", "none"],
        "table": ["polygon", "none"],
        "half": ["none"],
        "post": ["none"],
    }


def test_the_geometry_check_agrees_on_every_box_and_rule():
    for stand in piles.stands().values():
        boxes = np.concatenate([stand.boxes, [[stand.x, stand.y, 2, *stand.item]]])
        for rule in piles.RULES:
            assert (geometry.verify(boxes, piles.STAND_BIN, rule) == []) == stand.accepted(rule)


# ------------------------------------------------------------------------------------------------------------ figures


def test_what_the_figures_say():
    _, heights = piles.example_pile()
    assert figures.landing(heights, (3, 2, 2), 3, 3, bin_height=6).text == (
        "a 3 x 2 x 2 box comes down at (3, 3): it rests at 3 on 1 of 6 cells"
    )
    assert figures.landing(heights, (2, 5, 1), 5, 4, bin_height=6).text.endswith("it sticks out of the bin")
    assert figures.support("corners", piles.stands("bridge", "overhang")).text == (
        "rule corners: bridge accepted (15 of 20 cells, 4 of 4 corners), overhang refused (16 of 20 cells, 2 of 4 "
        "corners)"
    )
    assert figures.agreement(piles.stands("half"), ("full", "none")).text == "which rule accepts which box: half: none"
    assert figures.speed({"numpy": {1: 2.0, 4: 30.0}}).text.endswith("4 bins: numpy 30 times")
    assert figures.steps([3, 0], y="legal actions", title="one episode").text == "one episode: 3, 0"
    assert (
        figures.four(dict.fromkeys("ABCD", np.zeros((2, 6))), (4, 4, 4), title="t").text
        == "t: A, B, C, D, 2 boxes each"
    )


def test_both_forms_of_a_figure_show_the_same_panels_and_words():
    stands = piles.stands("table", "half")
    made = figures.support("polygon", stands, hull=True)
    assert len([axes for axes in made.matplotlib.axes if axes.get_images()]) == len(stands)
    assert len([name for name in made.plotly.layout if name.startswith("scene")]) == len(stands)
    flat = figures.agreement(stands, piles.RULES)
    live = [word for trace in flat.plotly.data if trace.mode == "text" for word in trace.text]
    still = [text.get_text() for text in flat.matplotlib.axes[0].texts]
    assert live == still and live.count("accepted") == 3
    assert plots.figure.WIDEST >= flat.pixels().shape[1] > 600


def test_four_packings_are_coloured_alike_whatever_the_order_of_their_boxes():
    boxes, _ = piles.example_pile()
    made = figures.four({"A": boxes, "B": boxes[::-1], "C": boxes, "D": boxes}, piles.BIN, title="t")
    meshes = [trace for trace in made.plotly.data if trace.type == "mesh3d"]
    colors = [np.reshape(mesh.facecolor, (len(boxes), -1)) for mesh in meshes]
    assert np.array_equal(colors[1][::-1], colors[2]) and len(np.unique(colors[2][:, -1])) == len(boxes)


# -------------------------------------------------------------------------------------------------------- experiments


def test_candidates_are_laid_out_for_each_bin():
    _, heights = piles.example_pile()
    items = np.array([[5, 4, 2], [4, 5, 2]])
    made = experiments.candidates(np.stack([heights] * 3), items, bin_height=6)
    assert made.items.shape == (3, 2, 3) and made.landing.shape == made.mask.shape == (3, 2, 10, 8)
    assert np.array_equal(made.mask[1, 0], piles.places(heights, (5, 4, 2), 6, "corners"))


def test_three_ways_find_the_same_landing_heights():
    race = experiments.race(exercises.landing_height, exercises.landing_heights, bins=(1, 3))
    assert race.difference == 0 and race.places == 3 * 56
    assert {name: list(line) for name, line in race.speeds.items()} == {
        experiments.ONE_BY_ONE: [1, 3],
        experiments.AT_ONCE: [1, 3],
    }


def test_masks_made_of_the_exercises_are_the_environment_s():
    for seed in range(3):
        compared = experiments.compare_masks(exercises.fraction_mask, exercises.action_mask, seed=seed)
        assert compared.differing == 0 and compared.legal > 0 and compared.actions == 200 * compared.steps


def test_masks_that_are_wrong_are_counted():
    def everywhere(heights, item, share):
        return np.ones((heights.shape[0] - item[0] + 1, heights.shape[1] - item[1] + 1), bool)

    assert experiments.compare_masks(everywhere, exercises.action_mask).differing > 0


def test_bins_side_by_side_are_the_single_bin():
    played = experiments.play_both(EnvConfig(rotation="z"), bins=3, steps=30)
    assert played.steps == 90 and played.episodes > 0
    assert played.difference == 0 and played.reward_difference < 1e-7


def test_a_table_of_sources_has_a_line_for_each():
    lines = experiments.describe_sources({"cut_2": EnvConfig(items="cut_2")}, n=5)
    assert len(lines) == 2 and lines[1].startswith("cut_2 ") and " 1.00  " in lines[1]


def test_the_check_finds_what_was_spoiled():
    boxes, _ = piles.example_pile()
    faults = {
        letter: geometry.verify(packing, piles.BIN, "full")
        for letter, packing in experiments.spoil(np.concatenate([boxes, [[0, 0, 2, 2, 2, 2]]])).items()
    }
    assert faults["C"] == []
    assert "rests on nothing" in faults["A"][0]
    assert "not loadable from above" in faults["B"][0]
    assert "overlaps" in faults["D"][0]


# ---------------------------------------------------------------------------------- right answers in still other styles

windows = np.lib.stride_tricks.sliding_window_view


def by_counting(heights, item, x, y):
    z = np.int64(0)
    while (heights[x : x + item[0], y : y + item[1]] > z).any():
        z += 1
    return np.array(z)


def one_axis_after_the_other(heights, item):
    along_x = windows(heights, item[0], axis=0).max(-1)
    return windows(along_x, item[1], axis=1).max(-1)


def indices(heights, item):
    rows, columns = heights.shape[0] - item[0] + 1, heights.shape[1] - item[1] + 1
    x = np.arange(rows)[:, None, None, None] + np.arange(item[0])[:, None]
    y = np.arange(columns)[:, None, None] + np.arange(item[1])
    return heights[x, y].reshape(rows, columns, -1).max(axis=-1)


def the_core(heights, item):
    landing = placement.landing_heights(heights[None], np.array([[item]]))[0, 0]
    return landing[: heights.shape[0] - item[0] + 1, : heights.shape[1] - item[1] + 1].tolist()


def shifts(heights, item, share):
    rows, columns = heights.shape[0] - item[0] + 1, heights.shape[1] - item[1] + 1
    under = np.array(
        [heights[i : i + rows, j : j + columns] for i, j in itertools.product(range(item[0]), range(item[1]))]
    )
    return np.count_nonzero(under == under.max(axis=0), axis=0) / len(under) >= share


def with_tolerance(heights, item, share):
    under = windows(heights, item[:2]).reshape(heights.shape[0] - item[0] + 1, heights.shape[1] - item[1] + 1, -1)
    cells = (under == under.max(axis=-1)[..., None]).sum(axis=-1)
    return cells >= share * item[0] * item[1] - 1e-9


def array(action, orientations, length, width):
    weights = np.array([orientations * length * width, length * width, width, 1])
    parts = []
    for weight in weights:
        parts.append(action // weight)
        action = action - parts[-1] * weight
    return np.array(parts, float)


def limit(landing, items, bin_height, supported):
    limit = (bin_height - items[:, 2]).reshape(-1, 1, 1)
    return np.logical_and.reduce([landing > -1, landing <= limit, supported]).ravel().astype(int)


def parts(candidates):
    z = candidates.landing.astype(float)
    return z, np.arange(z.shape[2])[:, None] + np.zeros(z.shape), np.arange(z.shape[3]) + np.zeros(z.shape)


def ties_broken_further(candidates):
    z, x, y = parts(candidates)
    return -(z + (x + y) / 100 + x / 1e5)


def ranks(candidates):
    z, x, y = parts(candidates)
    order = np.lexsort(((x + y).ravel(), z.ravel()))
    keys = np.stack([z.ravel(), (x + y).ravel()])[:, order]
    rank = np.concatenate([[0], (np.diff(keys) != 0).any(axis=0).cumsum()])
    scores = np.empty(z.size, int)
    scores[order] = -rank
    return scores.reshape(z.shape)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (exercises.landing_height, by_counting),
        (exercises.landing_heights, one_axis_after_the_other),
        (exercises.landing_heights, indices),
        (exercises.landing_heights, the_core),
        (exercises.fraction_mask, shifts),
        (exercises.fraction_mask, with_tolerance),
        (exercises.decode_action, array),
        (exercises.action_mask, limit),
        (exercises.lowest_landing, ties_broken_further),
        (exercises.lowest_landing, ranks),
    ],
)
def test_other_right_forms_are_accepted(exercise, answer):
    assert judged(exercise, answer).outcome == "correct"
