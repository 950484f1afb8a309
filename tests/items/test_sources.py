"""Generators, streams and item sources, against plain Python."""

from __future__ import annotations

import itertools
import pickle
import zipfile
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binpack.items import cutting
from binpack.items.catalogue import Catalogue, korea_post
from binpack.items.generators import cut_1, cut_2, random_items, split_bin
from binpack.items.sources import ItemSource, item_source
from binpack.items.streams import Streams
from binpack.items.units import InstanceError

SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def cuttings(draw):
    """Return (bin, low, high) where the bin can be cut."""
    low = draw(st.integers(1, 4))
    high = draw(st.integers(low, 7))
    sums = [edge for edge in range(1, 15) if is_sum(edge, low, high)]
    return tuple(draw(st.sampled_from(sums)) for _ in range(3)), low, high


def is_sum(edge: int, low: int, high: int) -> bool:
    """Try it: is the edge a sum of numbers from low to high."""
    return edge == 0 or any(is_sum(edge - part, low, high) for part in range(low, min(high, edge) + 1))


def assert_tiles(boxes, bin_size) -> None:
    """Count the pieces over every cell: one each."""
    cells = np.zeros(bin_size, dtype=int)
    for x, y, z, length, width, height in boxes:
        assert min(x, y, z) >= 0 and min(length, width, height) >= 1
        cells[x : x + length, y : y + width, z : z + height] += 1
    assert (cells == 1).all()
    assert sum(int(box[3] * box[4] * box[5]) for box in boxes) == np.prod(bin_size)


def rests_on(upper, lower) -> bool:
    """Say whether some cell of the base of `upper` lies right on the top of `lower`."""
    x, y, z, length, width, _ = lower
    cells = set(itertools.product(range(x, x + length), range(y, y + width)))
    base = set(itertools.product(range(upper[0], upper[0] + upper[3]), range(upper[1], upper[1] + upper[4])))
    return upper[2] == z + lower[5] and bool(cells & base)


def one_line(error: pytest.ExceptionInfo) -> str:
    """Return the message, which must be one line."""
    assert isinstance(error.value, InstanceError) and isinstance(error.value, ValueError)
    message = str(error.value)
    assert message and len(message.splitlines()) == 1
    return message


# ---------------------------------------------------------------------------------------------------------- generators


@settings(max_examples=60, deadline=None)
@given(cuttings(), st.integers(1, 5), SEEDS)
def test_cut_pieces_tile_the_bin(case, n, seed):
    bin_size, low, high = case
    for make in (cutting.cut_1_boxes, cutting.cut_2_boxes):
        boxes, lengths = make(bin_size, n, np.random.default_rng(seed), low, high)
        for row, length in zip(boxes, lengths, strict=True):
            assert_tiles(row[:length], bin_size)
            assert (row[:length, 3:] >= low).all() and (row[:length, 3:] <= high).all()
            assert not row[length:].any()


@settings(max_examples=40, deadline=None)
@given(cuttings(), st.integers(1, 4), SEEDS)
def test_cut_1_comes_from_the_bottom_up(case, n, seed):
    bin_size, low, high = case
    boxes, lengths = cutting.cut_1_boxes(bin_size, n, np.random.default_rng(seed), low, high)
    for row, length in zip(boxes, lengths, strict=True):
        assert (np.diff(row[:length, 2]) >= 0).all()


@settings(max_examples=40, deadline=None)
@given(cuttings(), st.integers(1, 3), SEEDS)
def test_cut_2_brings_every_support_first(case, n, seed):
    bin_size, low, high = case
    boxes, lengths = cutting.cut_2_boxes(bin_size, n, np.random.default_rng(seed), low, high)
    for row, length in zip(boxes, lengths, strict=True):
        pieces = row[:length].tolist()
        for early, late in itertools.combinations(pieces, 2):
            assert not rests_on(early, late)


def test_cut_2_is_not_cut_1():
    boxes, lengths = cutting.cut_2_boxes((10, 10, 10), 50, np.random.default_rng(0), 2, 5)
    rising = [(np.diff(row[:length, 2]) >= 0).all() for row, length in zip(boxes, lengths, strict=True)]
    assert sum(rising) < 5


def test_cut_2_takes_each_ready_piece_with_the_same_probability():
    # Towers of 1, 1 and 3 pieces side by side. Step by step: each tower's next piece is equally likely.
    boxes = np.array([[0, 0, 0, 1, 1, 3], [1, 0, 0, 1, 1, 3], *[[2, 0, z, 1, 1, 1] for z in range(3)]])
    expected: Counter = Counter()

    def walk(done: tuple[int, ...], share: float) -> None:
        ready = [i for i in range(5) if i not in done and (i < 3 or i - 1 in done)]
        for piece in ready:
            walk((*done, piece), share / len(ready))
        if not ready:
            expected[done] += share

    walk((), 1.0)
    n = 40_000
    draws = np.random.default_rng(1).random((n, 5))
    orders = cutting._support_order(np.broadcast_to(boxes, (n, 5, 6)), np.full(n, 5), draws)
    seen = Counter(map(tuple, orders.tolist()))
    assert set(seen) == set(expected)
    chi2 = sum((seen[order] - n * share) ** 2 / (n * share) for order, share in expected.items())
    assert chi2 < 50  # 19 degrees of freedom: 43.8 is passed once in 1,000


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(1, 8)] * 3), st.data(), SEEDS)
def test_split_pieces_tile_the_bin(bin_size, data, seed):
    most = data.draw(st.integers(1, min(30, int(np.prod(bin_size)))))
    least = data.draw(st.integers(1, most))
    boxes, lengths = cutting.split_boxes(bin_size, 3, np.random.default_rng(seed), least, most)
    assert boxes.shape == (3, most, 6)
    for row, length in zip(boxes, lengths, strict=True):
        assert least <= length <= most
        assert_tiles(row[:length], bin_size)
        assert not row[length:].any()


def test_split_draws_with_the_documented_weights():
    # One split of a 6 x 2 x 1 bin: axis x in 6 of 8 cases, there at |p - 3| = 2, 1, 0, 1, 2; axis y in the middle.
    boxes, _ = cutting.split_boxes((6, 2, 1), 20_000, np.random.default_rng(0), 2, 2)
    low = boxes[np.arange(20_000), boxes[:, :, :2].sum(axis=2).argmin(axis=1)]
    shares = {tuple(size): count / 20_000 for size, count in Counter(map(tuple, low[:, 3:].tolist())).items()}
    expected = {(1, 2, 1): 0.25, (2, 2, 1): 0.125, (4, 2, 1): 0.125, (5, 2, 1): 0.25, (6, 1, 1): 0.25}
    assert shares == pytest.approx(expected, abs=0.015)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 25), st.integers(1, 6), st.data())
def test_permitted_cuts_are_exactly_those_that_leave_two_sums(longest, low, data):
    high = data.draw(st.integers(low, 9))
    possible, counts, places = cutting._cuts(longest, low, high)
    for edge in range(1, longest + 1):
        assert possible[edge] == is_sum(edge, low, high)
        wanted = [cut for cut in range(1, edge) if is_sum(cut, low, high) and is_sum(edge - cut, low, high)]
        assert places[edge, : counts[edge]].tolist() == wanted


@pytest.mark.parametrize("make", [cut_1, cut_2])
def test_cuts_give_the_boxes_as_streams(make):
    streams = make((10, 8, 6), 7, np.random.default_rng(3))
    boxes_of = {cut_1: cutting.cut_1_boxes, cut_2: cutting.cut_2_boxes}[make]
    boxes, lengths = boxes_of((10, 8, 6), 7, np.random.default_rng(3), 2, 5)
    assert streams.items.shape == (7, 5 * 4 * 3, 3) and streams.items.dtype == np.int32
    assert (streams.lengths == lengths).all() and streams.lengths.dtype == np.int64
    assert (streams.items[:, : boxes.shape[1]] == boxes[..., 3:]).all()
    assert (streams.items.prod(axis=2).sum(axis=1) == 480).all()


def test_random_items_are_uniform_over_the_set():
    streams = random_items((10, 10, 10), 200, np.random.default_rng(0))
    assert streams.items.shape == (200, 125, 3)  # 1000 cells, smallest item 8
    assert (streams.lengths == 125).all()
    counts = Counter(map(tuple, streams.items.reshape(-1, 3).tolist()))
    assert set(counts) == set(itertools.product(range(2, 6), repeat=3))
    assert all(abs(count / 25_000 - 1 / 64) < 0.004 for count in counts.values())


def test_random_items_take_a_set_and_a_horizon():
    item_set = np.array([[1, 2, 3], [4, 4, 4]])
    streams = random_items((9, 9, 9), 30, np.random.default_rng(0), item_set=item_set)
    assert streams.horizon == 122  # 729 / 6, rounded up
    assert set(map(tuple, streams.items.reshape(-1, 3).tolist())) == {(1, 2, 3), (4, 4, 4)}
    assert random_items((9, 9, 9), 2, np.random.default_rng(0), horizon=7).items.shape == (2, 7, 3)
    assert random_items((100, 100, 100), 1, np.random.default_rng(0), edges=(1, 2)).horizon == 1000


SPECS = ["random", "random:1-3", "random:2-5x30", "cut_1", "cut_2:3-5", "split", "split:5-20", "korea_post"]


@pytest.mark.parametrize("spec", SPECS)
def test_sources_are_deterministic_picklable_and_leave_the_global_generator_alone(spec):
    bin_size = (22, 22, 20) if spec == "korea_post" else (10, 10, 10)
    source = item_source(spec, bin_size, cell="5cm")
    assert isinstance(source, ItemSource) and source.spec == spec
    before = np.random.get_state()  # noqa: NPY002 (the point is that nobody touches it)
    first, again, other = (source.sample(np.random.default_rng(seed), 9) for seed in (5, 5, 6))
    after = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert np.array_equal(first.items, again.items) and np.array_equal(first.lengths, again.lengths)
    assert not np.array_equal(first.items, other.items)
    copy = pickle.loads(pickle.dumps(source)).sample(np.random.default_rng(5), 9)
    assert np.array_equal(first.items, copy.items)
    assert first.items.shape == (9, source.horizon, 3)


@pytest.mark.parametrize("spec", SPECS)
def test_samples_pass_the_checks_that_files_pass(spec):
    streams = item_source(spec, (110, 110, 100) if spec == "korea_post" else (10, 10, 10)).sample(
        np.random.default_rng(0), 20
    )
    Streams(streams.items, streams.lengths, streams.upright)


BAD_CALLS = [
    (lambda g: cut_1((11, 10, 10), 1, g, low=4, high=5), "cut_1: bin 11x10x10: edge 11 is no sum of edges from 4 to 5"),
    (lambda g: cut_2((10, 10, 1), 1, g), "cut_2: bin 10x10x1: edge 1 is no sum of edges from 2 to 5"),
    (
        lambda g: cut_1((10, 10, 10), 1, g, low=5, high=2),
        "cut_1: edges 5-2: expected whole numbers with 1 <= low <= high",
    ),
    (lambda g: cut_1((10, 10, 10), 1, g, low=0, high=2), "cut_1: edges 0-2"),
    (
        lambda g: cut_1((500, 500, 500), 1, g),
        "cut_1: bin 500x500x500 may fall into 15625000 pieces: expected at most 10000",
    ),
    (lambda g: cut_1((10, 10), 1, g), "bin (10, 10): expected three edges"),
    (lambda g: cut_1((10, 10, 0), 1, g), "bin (10, 10, 0): edge 0: expected a number above 0"),
    (lambda g: cut_1((10, 10, 2.5), 1, g), "edge 2.5: expected a whole number of cells"),
    (lambda g: cut_1((10, 10, 1001), 1, g), "edge 1001 has 1001 cells, expected 1 to 1000 cells"),
    (lambda g: cut_1((10, 10, 10), 0, g), "n 0: expected a number of sequences from 1 up"),
    (lambda g: cut_1((10, 10, 10), True, g), "n True"),
    (lambda g: cut_1((10, 10, 10), 1, np.random), "rng module: expected a numpy.random.Generator"),
    (lambda g: random_items((10, 10, 10), 1, 7), "rng int: expected a numpy.random.Generator"),
    (lambda g: random_items((10, 10, 10), 1, g, edges=(3, 2)), "edges 3-2: expected whole numbers"),
    (lambda g: random_items((10, 10, 10), 1, g, edges=(1, 900)), "edges 1-900: 729000000 kinds of items"),
    (lambda g: random_items((9, 9, 9), 1, g, item_set=np.ones((2, 2), int)), "item_set has shape (2, 2)"),
    (lambda g: random_items((9, 9, 9), 1, g, item_set=np.ones((2, 3))), "item_set has shape (2, 3) of float64"),
    (
        lambda g: random_items((9, 9, 9), 1, g, item_set=np.zeros((2, 3), int)),
        "item_set holds 0: expected edges from 1",
    ),
    (lambda g: random_items((9, 9, 9), 1, g, horizon=0), "horizon 0: expected a whole number from 1 to 10000"),
    (lambda g: split_bin((2, 2, 2), 1, g, items=9), "split: items 9: expected at most 8 pieces of the bin 2x2x2"),
    (lambda g: split_bin((9, 9, 9), 1, g, items=(5, 2)), "split: items 5-2: expected whole numbers"),
]


@pytest.mark.parametrize(("call", "words"), BAD_CALLS)
def test_bad_arguments_are_answered_in_one_line(call, words):
    with pytest.raises(InstanceError) as error:
        call(np.random.default_rng(0))
    assert words in one_line(error)


# ------------------------------------------------------------------------------------------------------------- streams


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(1, 6), st.booleans(), SEEDS)
def test_streams_survive_a_file(tmp_path_factory, n, horizon, flagged, seed):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, horizon + 1, size=n)
    inside = np.arange(horizon) < lengths[:, None]
    items = rng.integers(1, 9, size=(n, horizon, 3)) * inside[..., None]
    upright = None
    if flagged:
        upright = rng.random((n, horizon, 3)) < 0.5
        upright[..., 0] |= ~upright.any(axis=-1)
    path = tmp_path_factory.mktemp("streams") / "some.npz"
    Streams(items, lengths, upright).save(path)
    loaded = Streams.load(path)
    assert np.array_equal(loaded.items, items) and np.array_equal(loaded.lengths, lengths)
    assert loaded.upright is None if upright is None else np.array_equal(loaded.upright, upright)
    assert [file.name for file in path.parent.iterdir()] == ["some.npz"]


def test_streams_slice_and_join():
    a = cut_1((6, 6, 6), 4, np.random.default_rng(0))
    b = split_bin((6, 6, 6), 2, np.random.default_rng(0), items=3)
    flags = np.zeros_like(b.items, dtype=bool)
    flags[..., 2] = True
    joined = Streams.concatenate([a, Streams(b.items, b.lengths, flags)])
    assert len(joined) == 6 and joined.horizon == a.horizon
    assert np.array_equal(joined[:4].items, a.items) and np.array_equal(joined[4:].items[:, :3], b.items)
    assert joined.upright[:4].all() and not joined.upright[4:, :3, :2].any()
    assert joined.lengths.tolist() == [*a.lengths, 3, 3]
    assert np.array_equal(joined[5].items[0], joined.items[5]) and len(joined[5]) == 1
    assert np.array_equal(joined[np.array([3, 0])].lengths, a.lengths[[3, 0]])
    for places in ([(a, 3), (a, 0)], [(joined, 5), (a, 1)], [(b, 0), (a, 2)]):
        picked = Streams.pick(places)
        assert len(picked) == 2 and picked.horizon == max(streams.horizon for streams, _ in places)
        for row, (streams, place) in enumerate(places):
            assert np.array_equal(picked.items[row, : streams.horizon], streams.items[place])
            assert picked.lengths[row] == streams.lengths[place]
            if streams.upright is not None:
                assert np.array_equal(picked.upright[row, : streams.horizon], streams.upright[place])


GOOD = {"items": np.array([[[1, 2, 3], [0, 0, 0]]]), "lengths": np.array([1])}
BAD_STREAMS = [
    ({"items": GOOD["items"]}, "no array 'lengths' among items: expected items, lengths, [upright]"),
    ({"lengths": GOOD["lengths"]}, "no array 'items' among lengths"),
    (GOOD | {"extra": np.zeros(1)}, "unknown array 'extra': expected items, lengths, [upright]"),
    (GOOD | {"items": np.ones((1, 2))}, "items has shape (1, 2) of float64: expected shape (N, T, 3) of integers"),
    (
        GOOD | {"items": GOOD["items"] * 1.0},
        "items has shape (1, 2, 3) of float64: expected shape (N, T, 3) of integers",
    ),
    (GOOD | {"items": np.ones((1, 0, 3), int)}, "items has shape (1, 0, 3)"),
    (GOOD | {"items": np.array([[[1, 2, -3], [0, 0, 0]]])}, "items[0, 0, 2] is -3: expected an edge in cells"),
    (GOOD | {"items": np.array([[[1, 2, 2**40], [0, 0, 0]]])}, "items[0, 0, 2] is 1099511627776"),
    (
        GOOD | {"items": np.array([[[1, 2, 0], [0, 0, 0]]])},
        "items[0, 0] is [1, 2, 0] of 1 items: expected edges above 0",
    ),
    (GOOD | {"items": np.array([[[1, 2, 3], [1, 1, 1]]])}, "items[0, 1] is [1, 1, 1] of 1 items"),
    (GOOD | {"lengths": np.array([3])}, "lengths[0] is 3: expected 1 to 2"),
    (GOOD | {"lengths": np.array([0])}, "lengths[0] is 0: expected 1 to 2"),
    (GOOD | {"lengths": np.array([1.0])}, "lengths has shape (1,) of float64: expected shape (1,) of integers"),
    (GOOD | {"lengths": np.array([1, 1])}, "lengths has shape (2,) of int64: expected shape (1,) of integers"),
    (GOOD | {"lengths": np.array([True])}, "lengths has shape (1,) of bool"),
    (GOOD | {"lengths": np.array([1], dtype=object)}, "array 'lengths' cannot be read (Object arrays cannot be loaded"),
    (
        GOOD | {"upright": np.ones((1, 2, 3), int)},
        "upright has shape (1, 2, 3) of int64: expected shape (1, 2, 3) of bool",
    ),
    (GOOD | {"upright": np.ones((1, 3), bool)}, "upright has shape (1, 3) of bool"),
    (
        GOOD | {"upright": np.zeros((1, 2, 3), bool)},
        "upright[0, 0] is all False: expected an edge that may stand upright",
    ),
]


@pytest.mark.parametrize(("arrays", "words"), BAD_STREAMS)
def test_bad_stream_files_are_answered_in_one_line(tmp_path, arrays, words):
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    with pytest.raises(InstanceError) as error:
        Streams.load(path)
    assert one_line(error).startswith(f"{path}: {words}")


def test_damaged_stream_files_are_answered_in_one_line(tmp_path):
    good = tmp_path / "good.npz"
    cut_1((10, 10, 10), 50, np.random.default_rng(0)).save(good)
    data = good.read_bytes()
    path = tmp_path / "bad.npz"
    for damaged in (b"", b"length,width,height\n1,2,3\n", data[:200], data[:-30], data[100:], b"\x93NUMPY" + data):
        path.write_bytes(damaged)
        with pytest.raises(InstanceError) as error:
            Streams.load(path)
        assert one_line(error).startswith(f"{path}: ")
    version = bytearray(data)
    version[data.rindex(b"PK\1\2") + 6] = 109  # "needs unzip 10.9"
    path.write_bytes(bytes(version))
    with pytest.raises(InstanceError, match="not a readable"):
        Streams.load(path)
    rng = np.random.default_rng(0)
    for _ in range(150):  # a flipped byte is found, or does not matter
        broken = bytearray(data)
        broken[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(broken))
        try:
            Streams.load(path)
        except InstanceError as found:
            assert len(str(found).splitlines()) == 1
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("items", b"text")
        archive.writestr("lengths", b"text")
    with pytest.raises(InstanceError, match="'items' is not an array: expected plain numbers"):
        Streams.load(path)


def test_missing_stream_files_are_answered_in_one_line(tmp_path):
    for path, words in ((tmp_path / "no.npz", "no such file"), (tmp_path, "is a folder")):
        with pytest.raises(InstanceError) as error:
            Streams.load(path)
        assert one_line(error) == f"{path}: {words}, expected an .npz file of item streams"
    with pytest.raises(InstanceError) as error:
        cut_1((4, 4, 4), 1, np.random.default_rng(0)).save(tmp_path)
    assert one_line(error) == f"{tmp_path}: cannot be written (Is a directory)"
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(InstanceError, match="file/such.npz: cannot be written"):
        cut_1((4, 4, 4), 1, np.random.default_rng(0)).save(tmp_path / "file" / "such.npz")


# ------------------------------------------------------------------------------------------------------------- sources


def test_a_catalogue_is_shuffled_anew_for_every_episode():
    catalogue = Catalogue(np.array([[1, 2, 3], [4, 5, 6]]), np.array([3, 2]))
    source = item_source(catalogue, (6, 6, 6))
    streams = source.sample(np.random.default_rng(0), 300)
    assert source.horizon == 5 and (streams.lengths == 5).all() and streams.upright is None
    assert all(Counter(map(tuple, row)) == {(1, 2, 3): 3, (4, 5, 6): 2} for row in streams.items.tolist())
    assert len({tuple(row[:, 0]) for row in streams.items}) == 10  # all ways to place 2 among 5


def test_a_catalogue_hands_on_which_edges_may_stand_upright():
    upright = np.array([[False, False, True], [True, True, True]])
    source = item_source(Catalogue(np.array([[1, 2, 3], [4, 5, 6]]), upright=upright), (9, 9, 9))
    streams = source.sample(np.random.default_rng(0), 10)
    assert (streams.upright.all(axis=2) == (streams.items[..., 0] == 4)).all()


def test_streams_are_drawn_with_replacement():
    streams = split_bin((5, 5, 5), 3, np.random.default_rng(0), items=4)
    drawn = item_source(streams, (5, 5, 5)).sample(np.random.default_rng(1), 60)
    rows = Counter(row.tobytes() for row in drawn.items)
    assert set(rows) == {row.tobytes() for row in streams.items} and min(rows.values()) > 5


def test_specs_name_files_too(tmp_path):
    path = tmp_path / "s.npz"
    streams = split_bin((5, 5, 5), 3, np.random.default_rng(0), items=4)
    streams.save(path)
    assert item_source(str(path), (5, 5, 5)).finite
    np.savez(path, edges=np.array([[1, 2, 3]]), quantity=np.array([4]))
    assert item_source(path, (5, 5, 5)).sample(np.random.default_rng(0), 1).items.tolist() == [[[1, 2, 3]] * 4]
    path = tmp_path / "two.txt"
    path.write_text("1 7\n5 5 5\n1\n1 1 1 2 1 3 1 2\n2 8\n6 6 6\n1\n1 4 1 4 1 4 1 1\n")
    assert item_source(f"{path}#2", (5, 5, 5)).catalogue.edges.tolist() == [[4, 4, 4]]
    assert item_source(path, (5, 5, 5)).catalogue.problem == 1
    path = tmp_path / "cm.csv"
    path.write_text("length,width,height\n11,10,5\n")
    assert item_source(path, (5, 5, 5), cell="50mm").catalogue.edges.tolist() == [[3, 2, 1]]
    same = item_source("cut_1", (5, 5, 5))
    assert item_source(same, (5, 5, 5)) is same


LISTING = (
    "random[:2-5 or :2-5x150], cut_1[:2-5], cut_2[:2-5], split[:10 or :10-20], korea_post, a file .csv, .json, .npz, "
    ".txt, or module:name of your own"
)
BAD_SPECS = [
    ("cutt_1", f"item source 'cutt_1': expected {LISTING}"),
    ("", f"item source '': expected {LISTING}"),
    ("a" * 5000, "item source 'aaaa"),
    ("ran\ndom", r"item source 'ran\ndom': expected random"),
    (7, f"item source int: expected {LISTING}"),
    (None, "item source NoneType: expected random"),
    ("random:", "item source 'random:': expected a range of whole numbers, such as random:2-5"),
    ("random:2-x", "item source 'random:2-x': expected a range"),
    (
        "random:x150",
        "item source 'random:x150': expected a range of whole numbers, such as random:2-5 or random:2-5x150",
    ),
    ("random:2-5x", "item source 'random:2-5x': length '': expected 1 to 10000 items"),
    ("random:2-5x0", "item source 'random:2-5x0': length '0': expected 1 to 10000 items"),
    ("random:2-5x10001", "item source 'random:2-5x10001': length '10001'"),
    ("random:2-5x-7", "item source 'random:2-5x-7': length '-7'"),
    ("cut_1:2-5x150", "item source 'cut_1:2-5x150': expected a range of whole numbers, such as cut_1:2-5"),
    ("korea_post:2", "item source 'korea_post:2': korea_post takes no options"),
    ("no_such_module:items", "item source 'no_such_module:items': no_such_module cannot be imported"),
    (f"{__name__}:nothing", f"item source '{__name__}:nothing': module {__name__} has no nothing"),
    (f"{__name__}:wrong", f"item source {__name__}:wrong: expected random[:2-5"),
    (f"{__name__}:elsewhere", "item source random: made for the bin 9x9x9, expected 10x10x10"),
    (f"{__name__}:cubes:12", f"{__name__}:cubes:12 (item 1): item 12x12x12 fits the bin 10x10x10 in no permitted"),
    ("random:-2", "item source 'random:-2': expected a range"),
    ("random:5-2", "item source 'random:5-2': edges 5-2: expected whole numbers with 1 <= low <= high"),
    ("random:0-2", "item source 'random:0-2': edges 0-2: expected"),
    ("cut_1:6-6", "cut_1: bin 10x10x10: edge 10 is no sum of edges from 6 to 6"),
    ("split:1-2-3", "item source 'split:1-2-3': expected a range of whole numbers, such as split:10 or split:10-20"),
    ("split:1001", "split: items 1001: expected at most 1000 pieces of the bin 10x10x10"),
    (
        "random:2-11",
        "item source random:2-11: item 11x11x11 fits the bin 10x10x10 in no permitted orientation (rotation none): "
        "choose shorter edges, such as random:1-10",
    ),
    ("korea_post", "korea_post: line 4 (No.1): item 22x19x9 fits the bin 10x10x10 in no permitted orientation"),
    ("none.csv", "none.csv: no such file"),
    ("none.npz", "none.npz: no such file"),
    ("no/such/file", "no/such/file: no such file"),
    (
        Streams(np.full((1, 1, 3), 12), np.array([1])),
        "streams: sequence 0, position 0: item 12x12x12 fits the bin 10x10x10 in no permitted orientation",
    ),
    (Streams(np.zeros((0, 1, 3), int), np.zeros(0, int)), "streams: no sequences, expected at least one"),
    (item_source("random", (9, 9, 9)), "item source random: made for the bin 9x9x9, expected 10x10x10"),
]


def wrong(bin_size, *, cell=None, rotation="none"):
    """Return what is no source of items."""
    return 7


def elsewhere(bin_size, *, cell=None, rotation="none"):
    """Return a source for another bin."""
    return item_source("random", (9, 9, 9))


class Cubes:
    """Three cubes of one size."""

    def __init__(self, edge: int = 2) -> None:
        self.edge = edge

    def with_options(self, text: str) -> Cubes:
        """Read the edge."""
        return Cubes(int(text))

    def __call__(self, bin_size, *, cell=None, rotation="none"):
        """Return a catalogue."""
        return Catalogue(np.full((1, 3), self.edge), np.array([3]), source=f"{__name__}:cubes:{self.edge}")


cubes = Cubes()


@pytest.mark.parametrize(("spec", "edge"), [("cubes", 2), ("cubes:3", 3), ("Cubes", 2), ("Cubes:4", 4)])
def test_ones_own_items_are_found_by_name(spec, edge):
    source = item_source(f"{__name__}:{spec}", (10, 10, 10))
    assert source.spec == f"{__name__}:{spec}" and source.horizon == 3 and not source.finite
    assert (source.sample(np.random.default_rng(0), 2).items == edge).all()


def test_a_file_that_is_called_like_a_name_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "boxes:today").write_text("length,width,height\n1,2,3\n")
    with pytest.raises(InstanceError, match="unknown kind of file|boxes:today"):
        item_source("no_boxes:today", (5, 5, 5))
    assert item_source("boxes:today", (5, 5, 5)).sample(np.random.default_rng(0), 1).items.tolist() == [[[1, 2, 3]]]


def test_random_items_of_a_length():
    source, usual = item_source("random:1-5x150", (10, 10, 10)), item_source("random:1-5", (10, 10, 10))
    streams = source.sample(np.random.default_rng(0), 3)
    assert source.horizon == 150 and streams.items.shape == (3, 150, 3) and (streams.lengths == 150).all()
    assert set(np.unique(streams.items)) == set(range(1, 6))
    assert usual.horizon == 1000
    assert source.fingerprint == "random:1-5x150" and usual.fingerprint == "random:1-5"
    assert item_source("random:1-5x1000", (10, 10, 10)).fingerprint == "random:1-5"  # the very same streams


def test_fingerprints_stay_what_stored_studies_hold(tmp_path):
    found = {spec: item_source(spec, (10, 10, 10)).fingerprint for spec in ("random", "cut_1:2-4", "cut_2", "split:3")}
    assert found == {"random": "random:2-5", "cut_1:2-4": "cut_1:2-4", "cut_2": "cut_2:2-5", "split:3": "split:3-3"}
    parcels = item_source("korea_post", (22, 22, 20), cell="5cm").fingerprint
    assert parcels == "397b954b75fbcfcf26f34eb219d48f5a67532da6312a1ab2f5b61f0c72144c9a"
    path = tmp_path / "s.npz"
    Streams(np.array([[[1, 2, 3], [2, 2, 2]]]), np.array([2])).save(path)
    assert (
        item_source(path, (5, 5, 5)).fingerprint == "4bfc7a7b9be59a36d2d81aba37416fb556949f772998572e42fcd35129e12b51"
    )


@pytest.mark.parametrize(("spec", "words"), BAD_SPECS)
def test_bad_specs_are_answered_with_what_is_known(tmp_path, monkeypatch, spec, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InstanceError) as error:
        item_source(spec, (10, 10, 10))
    assert one_line(error).startswith(words)
    assert not list(tmp_path.iterdir())


def test_rotation_decides_what_fits():
    flat = Catalogue(np.array([[2, 2, 8]]), source="flat.csv", places=("line 2",), names=("tall",))
    words = "flat.csv: line 2 (tall): item 2x2x8 fits the bin 9x9x5 in no permitted orientation (rotation z)"
    with pytest.raises(InstanceError) as error:
        item_source(flat, (9, 9, 5), rotation="z")
    assert one_line(error) == words
    assert item_source(flat, (9, 9, 5), rotation="all").horizon == 1
    standing = Catalogue(flat.edges, upright=np.array([[False, False, True]]), names=("tall",), source="flat.csv")
    with pytest.raises(InstanceError) as error:
        item_source(standing, (9, 9, 5), rotation="all")
    assert one_line(error).endswith("no permitted orientation (rotation all, upright only height)")
    for spec in ("random", "cut_1", korea_post("10cm")):
        with pytest.raises(InstanceError, match="rotation 'flip': expected one of none, z, all"):
            item_source(spec, (10, 10, 10), rotation="flip")
