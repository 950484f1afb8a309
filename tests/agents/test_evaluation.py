"""Evaluation: the same streams for everybody, verified packings, intervals, and disjoint seeds."""

from __future__ import annotations

import numpy as np
import pytest

from binpack.agents.evaluation import evaluate, make_streams
from binpack.core import heuristics
from binpack.core.geometry import GeometryError, verify
from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.items.streams import Streams
from binpack.search.seeds import SeedPlan

CONFIG = EnvConfig(bin_size=(6, 6, 6), items="random:2-4", visible=2, rotation="z")


@pytest.mark.parametrize("name", list(heuristics.HEURISTICS))
def test_every_heuristic_leaves_verified_packings(name):
    result = evaluate(name, make_streams(CONFIG, 20, 0), CONFIG)
    assert len(result.boxes) == 20
    for row, boxes in enumerate(result.boxes):
        assert verify(boxes, CONFIG.bin_size, CONFIG.support) == []
        assert result.packed[row] == len(boxes)
        assert result.utilization[row] == pytest.approx(boxes[:, 3:].prod(axis=1).sum() / CONFIG.volume)
    assert result.ci[0] <= result.mean <= result.ci[1]


@pytest.mark.parametrize("name", ["first_fit", "touching_area"])
def test_the_batch_size_changes_nothing(name):
    streams = make_streams(CONFIG, 9, 1)
    whole, split = (evaluate(name, streams, CONFIG, batch=size).utilization for size in (256, 2))
    assert (whole == split).all()


def test_streams_are_fixed_by_their_seed_and_differ_between_seeds():
    a, b, c = (make_streams(CONFIG, 5, seed).items for seed in (3, 3, 4))
    assert (a == b).all()
    assert not np.array_equal(a, c)


class Cheat:
    """Claims boxes that were never placed."""

    def act(self, batch, rng):
        batch._state.boxes[:, 0] = [0, 0, 3, 1, 1, 1]
        return batch.masks().argmax(axis=1)


def test_a_wrong_packing_does_not_pass():
    streams = Streams(np.full((1, 3, 3), 2, np.int32), np.array([3]))
    with pytest.raises(GeometryError):
        evaluate(Cheat(), streams, CONFIG)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="'best' is neither a trained agent's folder nor one of random, "):
        evaluate("best", make_streams(CONFIG, 1, 0), CONFIG)
    with pytest.raises(ValueError, match="there are no streams to evaluate on"):
        evaluate("random", make_streams(CONFIG, 1, 0)[:0], CONFIG)


def test_two_evaluations_are_equal_if_the_same_boxes_were_placed():
    streams = make_streams(CONFIG, 6, 2)
    one, again = (evaluate("heightmap_sum", streams, CONFIG, seed=seed) for seed in (0, 1))
    assert one == again and one.seconds != again.seconds
    assert one != evaluate("first_fit", streams, CONFIG)
    assert one != evaluate("heightmap_sum", streams[:5], CONFIG)
    assert one != "heightmap_sum"
    larger = CONFIG.model_copy(update={"bin_size": (6, 6, 7)})
    lying = EnvConfig(bin_size=(6, 6, 6), items="random:2-4")
    flat = Streams(np.full((1, 1, 3), 2, np.int32), np.array([1]))
    assert evaluate("first_fit", flat, lying) != evaluate("first_fit", flat, larger)


def test_an_agent_is_named_or_given():
    streams = make_streams(CONFIG, 5, 2)
    for name in ("random", "heightmap_sum"):
        assert evaluate(name, streams, CONFIG, seed=4) == evaluate(heuristics.HEURISTICS[name], streams, CONFIG, seed=4)
    rule = heuristics.Heuristic("own", "no preference, ties at random", heuristics.random, needs_rng=True)
    assert evaluate(rule, streams, CONFIG, seed=4) == evaluate("random", streams, CONFIG, seed=4)


def test_one_stream_has_no_interval():
    result = evaluate("first_fit", make_streams(CONFIG, 1, 0), CONFIG)
    assert np.isnan(result.ci).all()
    assert str(result) == f"utilization {result.mean:.1%}, {result.packed[0]} items, 1 stream"


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"tuning": (0, 1), "final": (1, 2)}, "seed 1 is used both for tuning and for the final comparison"),
        ({"tuning_streams": 5, "test_streams": 5}, "seed 5 is used both for tuning streams and for test streams"),
        ({"tuning": (0, 0)}, "tuning seeds must be distinct and not negative"),
        ({"final": ()}, "final seeds must be distinct and not negative"),
    ],
)
def test_seeds_that_overlap_are_an_error(plan, message):
    with pytest.raises(ValueError, match=message):
        SeedPlan(**plan)


@pytest.mark.parametrize("visible", [1, 3])
@pytest.mark.parametrize("agent", ["first_fit", "random", "first_fit_decreasing"])
def test_which_item_of_its_stream_a_box_is_travels_with_it(agent, visible):
    """No two items of a stream have the same edges, whatever the turn, so the edges say which one a box is."""
    edges = [(a, b, c) for a in range(1, 5) for b in range(a, 5) for c in range(b, 5)]
    rng = np.random.default_rng(0)
    items = np.zeros((6, 14, 3), int)
    for row in range(6):
        items[row, : 14 - row] = rng.permuted(rng.permutation(edges)[: 14 - row], axis=1)
    config = EnvConfig(bin_size=(5, 5, 5), rotation="all", visible=visible, support="none")
    result = evaluate(agent, Streams(items, np.arange(14, 8, -1)), config, batch=4)
    for row, (boxes, positions) in enumerate(zip(result.boxes, result.positions, strict=True)):
        assert len(boxes) == len(positions) == len(set(positions.tolist()))
        assert (np.sort(boxes[:, 3:]) == np.sort(items[row, positions])).all()


def test_a_branch_counts_from_what_it_shows():
    config = EnvConfig(bin_size=(3, 3, 9), visible=2, support="none")
    batch = PackingBatch(config)
    batch.load(Streams(np.array([[[3, 3, 1], [3, 3, 2], [3, 3, 3]]]), np.array([3])))
    batch.step(np.array([0]))
    child = batch.branch(np.array([0, 0]), np.array([[[1, 1, 1]]] * 2), np.array([1, 1]))
    child.step(np.array([0, 9]))
    assert batch.positions(0).tolist() == [0]
    assert [child.positions(row).tolist() for row in (0, 1)] == [[-1, 0], [-1, 1]]
