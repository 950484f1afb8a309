"""Blocks of boxes: what they are made of stands, is there, and fills them."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binpack.agents.blocks import FULL, BoxType, make_blocks
from binpack.core import geometry
from binpack.items.bischoff_ratcliff import CONTAINER, problem
from binpack.items.catalogue import read_catalogue

edges = st.tuples(*[st.integers(1, 6)] * 3)
types = st.lists(
    st.builds(
        lambda turns, quantity: BoxType(tuple(sorted(set(turns))), quantity, 1.5),
        st.lists(edges, min_size=1, max_size=3),
        st.integers(1, 9),
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None, max_examples=30)
@given(types, st.integers(50, 400))
def test_each_block_stands_by_itself_and_is_what_it_says(kinds, most):
    size = (8, 7, 6)
    blocks = make_blocks(kinds, size, most)
    assert (blocks.edges <= size).all()
    for number in range(len(blocks)):
        boxes, lengths = blocks.boxes(number), blocks.edges[number].tolist()
        below = boxes[np.argsort(boxes[:, 3], kind="stable")]
        geometry.check(below[:, 1:], lengths, "full")
        assert (boxes[:, 1:4] + boxes[:, 4:]).max(axis=0).tolist() == lengths
        assert boxes[:, 4:].prod(axis=1).sum() >= FULL * np.prod(lengths) - 1e-6
        used = np.bincount(boxes[:, 0], minlength=len(kinds))
        told = np.zeros(len(kinds), int)
        np.add.at(told, blocks.kinds[number], blocks.needs[number])
        assert used.tolist() == told.tolist() and blocks.count[number] == len(boxes)
        assert all(n <= kind.quantity for n, kind in zip(used, kinds, strict=True))
        assert blocks.value[number] == pytest.approx(1.5 * len(boxes))
        assert all(tuple(row[4:]) in kinds[row[0]].turns for row in boxes.tolist())
        # the tops are the cells of the highest boxes
        highest, told = np.zeros(lengths[:2], int), np.zeros(lengths[:2], int)
        for x, y, z, long, wide, tall in boxes[:, 1:].tolist():
            highest[x : x + long, y : y + wide] += z + tall == lengths[2]
        for x1, y1, z, x2, y2 in blocks.tops(number).tolist():
            assert z == lengths[2]
            told[x1:x2, y1:y2] += 1
        assert (highest == told).all()


nearly = st.tuples(*[st.integers(18, 20)] * 3)
"""Edges so nearly alike that blocks are joined with a small gap between them, on which nothing may stand."""


@settings(deadline=None, max_examples=30)
@given(st.lists(st.builds(lambda turn: BoxType((turn,), 8, 1.0), nearly), min_size=2, max_size=4))
def test_nothing_in_a_block_stands_on_a_gap(kinds):
    blocks = make_blocks(kinds, (60, 45, 80), 800)
    for number in range(len(blocks)):
        boxes = blocks.boxes(number)[:, 1:]
        geometry.check(boxes[np.argsort(boxes[:, 2], kind="stable")], blocks.edges[number].tolist(), "full")


@pytest.mark.parametrize(("file", "number"), [(4, 2), (7, 1)])
def test_blocks_of_published_boxes_stand(file, number, tmp_path):
    path = tmp_path / "problem.txt"
    path.write_text(problem(file, number) + "\n", encoding="utf-8")
    found = read_catalogue(path, problem=number)
    kinds = [
        BoxType(tuple(sorted({tuple(each) for each in permutations(edges)})), count, 1.0)
        for edges, count in zip(found.edges.tolist(), found.quantity.tolist(), strict=True)
    ]
    blocks = make_blocks(kinds, CONTAINER)
    assert len(blocks) > 1000
    for block in range(len(blocks)):
        boxes = blocks.boxes(block)[:, 1:]
        geometry.check(boxes[np.argsort(boxes[:, 2], kind="stable")], blocks.edges[block].tolist(), "full")


@settings(deadline=None)
@given(types, st.integers(1, 40))
def test_each_box_alone_is_a_block_however_few_there_may_be(kinds, most):
    fitting = [kind._replace(turns=tuple(each for each in kind.turns if max(each) <= 6)) for kind in kinds]
    blocks = make_blocks(fitting, (6, 6, 6), most)
    alone = {(int(blocks.kinds[row, 0]), *blocks.edges[row].tolist()) for row in np.flatnonzero(blocks.count == 1)}
    assert alone == {(number, *turn) for number, kind in enumerate(fitting) for turn in kind.turns}


def test_a_great_many_small_boxes_make_no_great_many_blocks():
    blocks = make_blocks([BoxType(((1, 1, 1),), 100_000, 1.0)], (100, 100, 100))
    assert len(blocks) < 20_000
    assert blocks.count.max() >= 80_000 and 2 in blocks.count
