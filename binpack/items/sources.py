"""Where items come from: random draws, bins cut into pieces, and catalogues read from files.

Every generator takes an explicit `numpy.random.Generator`, works on a whole batch of sequences at once, and returns
`Streams`. The cutters start from the finished packing, so a perfect packing of their items is known to exist.

References:
    Zhao, She, Zhu, Yang, Xu (2021). Online 3D Bin Packing with Constrained Deep Reinforcement Learning. AAAI.
    Laterre et al. (2018). Ranked Reward: Enabling Self-Play Reinforcement Learning for Combinatorial Optimization.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from binpack.items.catalogue import (
    KOREA_POST_PALLET,
    Catalogue,
    check_fits,
    fits,
    korea_post,
    korea_post_parcels,
    misfit,
    read_catalogue,
)
from binpack.items.cutting import cut_1_boxes, cut_2_boxes, cut_horizon, split_boxes, split_range
from binpack.items.streams import Streams
from binpack.items.units import MAX_ITEMS, InstanceError, Length, check_range, parse_bin, parse_length

__all__ = [
    "KOREA_POST_PALLET",
    "Catalogue",
    "InstanceError",
    "ItemSource",
    "Length",
    "Streams",
    "check_fits",
    "cut_1",
    "cut_2",
    "item_source",
    "korea_post",
    "korea_post_parcels",
    "parse_bin",
    "parse_length",
    "random_items",
    "read_catalogue",
    "split_bin",
]

MAX_RANDOM_HORIZON = 1000
"""Longest default sequence of `random_items`."""
SOURCES = "random[:2-5], cut_1[:2-5], cut_2[:2-5], split[:10 or :10-20], korea_post, or a file .csv, .json, .npz, .txt"


def _check_call(bin_size: Sequence[int], n: int, rng: np.random.Generator) -> tuple[int, int, int]:
    """Return the bin as a tuple of ints; `InstanceError` for a bad bin, number of sequences or generator."""
    bin_size = parse_bin(bin_size)
    _check_draw(n, rng)
    return bin_size


def _check_draw(n: int, rng: np.random.Generator) -> None:
    """Raise `InstanceError` for a bad number of sequences or generator."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise InstanceError(f"n {n!r}: expected a number of sequences from 1 up")
    if not isinstance(rng, np.random.Generator):
        raise InstanceError(
            f"rng {type(rng).__name__}: expected a numpy.random.Generator (numpy.random.default_rng(seed))"
        )


@lru_cache(maxsize=4, typed=True)
def _box_of_edges(low: int, high: int) -> np.ndarray:
    """Return all items whose three edges lie in the closed range [low, high]: ``(M, 3)`` int32."""
    check_range(low, high, "edges")
    if (high - low + 1) ** 3 > 1_000_000:
        raise InstanceError(f"edges {low}-{high}: {(high - low + 1) ** 3} kinds of items, expected at most 1000000")
    edge = np.arange(low, high + 1, dtype=np.int32)
    items = np.stack(np.meshgrid(edge, edge, edge, indexing="ij"), axis=-1).reshape(-1, 3)
    items.flags.writeable = False  # every caller gets this same array
    return items


def _random_horizon(bin_size: tuple[int, int, int], item_set: np.ndarray) -> int:
    volume = int(np.prod(bin_size))
    return min(MAX_RANDOM_HORIZON, -(-volume // int(item_set.astype(np.int64).prod(axis=1).min())))


def random_items(
    bin_size: Sequence[int],
    n: int,
    rng: np.random.Generator,
    *,
    edges: tuple[int, int] = (2, 5),
    item_set: np.ndarray | None = None,
    horizon: int | None = None,
) -> Streams:
    """Draw items uniformly and independently from a set (the "RS" sequences of Zhao et al. 2021).

    Args:
        bin_size: The bin's edges in cells; only its volume matters here.
        n: Number of sequences.
        rng: Source of randomness.
        edges: The set is every item with all edges in this closed range.
        item_set: ``(M, 3)`` positive integers, instead of `edges`.
        horizon: Items in each sequence. Default: as many of the smallest item as make up the bin's volume, at most
            1000.

    Returns:
        `Streams` of n sequences, all `horizon` long.

    Raises:
        InstanceError: Bad arguments.
    """
    bin_size = _check_call(bin_size, n, rng)
    if item_set is None:
        item_set = _box_of_edges(*edges)
    item_set = np.asarray(item_set)
    if item_set.ndim != 2 or item_set.shape[1] != 3 or not len(item_set) or item_set.dtype.kind not in "iu":
        raise InstanceError(f"item_set has shape {item_set.shape} of {item_set.dtype}: expected (M, 3) integers")
    item_set = item_set.astype(np.int32)
    if item_set.min() < 1:
        raise InstanceError(f"item_set holds {item_set.min()}: expected edges from 1 cell up")
    horizon = _random_horizon(bin_size, item_set) if horizon is None else horizon
    if isinstance(horizon, bool) or not isinstance(horizon, int | np.integer) or not 1 <= horizon <= MAX_ITEMS:
        raise InstanceError(f"horizon {horizon!r}: expected a whole number from 1 to {MAX_ITEMS}")
    return _draw(item_set, n, rng, horizon)


def _draw(item_set: np.ndarray, n: int, rng: np.random.Generator, horizon: int) -> Streams:
    """Return n sequences drawn from a checked set of items, ``(M, 3)`` int32."""
    items = item_set.take(rng.integers(len(item_set), size=(n, horizon)), axis=0)
    return Streams._trusted(items, np.full(n, horizon, dtype=np.int64), None)


def _streams(boxes: np.ndarray, lengths: np.ndarray, horizon: int) -> Streams:
    items = np.zeros((len(boxes), horizon, 3), dtype=np.int32)
    items[:, : boxes.shape[1]] = boxes[..., 3:]
    return Streams(items, lengths.astype(np.int64))


def cut_1(bin_size: Sequence[int], n: int, rng: np.random.Generator, *, low: int = 2, high: int = 5) -> Streams:
    """Cut bins into items, in the order of the heights of their bases ("CUT-1" of Zhao et al. 2021, appendix).

    A piece with an edge over `high` is cut along one of its too long edges (uniform), at a place that leaves two parts
    which can still end in [low, high] (uniform). Pieces whose bases are equally high come in random order.

    Args:
        bin_size: The bin's edges in cells.
        n: Number of sequences.
        rng: Source of randomness.
        low: Shortest edge of an item.
        high: Longest edge of an item.

    Returns:
        `Streams`; the volumes of a sequence sum to the bin's. T depends on the arguments alone, not on the draw.

    Raises:
        InstanceError: Bad arguments, or a bin edge that is no sum of edges in [low, high].
    """
    bin_size = _check_call(bin_size, n, rng)
    horizon = cut_horizon(bin_size, low, high, "cut_1")
    return _streams(*cut_1_boxes(bin_size, n, rng, low, high), horizon)


def cut_2(bin_size: Sequence[int], n: int, rng: np.random.Generator, *, low: int = 2, high: int = 5) -> Streams:
    """Cut bins into items, in a random order in which supports come first ("CUT-2" of Zhao et al. 2021, appendix).

    The cuts are those of `cut_1`. A piece may come once all pieces directly below it (their top touches its base, their
    footprints overlap) have come; each step takes one of the pieces that may come, all equally likely.

    Args:
        bin_size: The bin's edges in cells.
        n: Number of sequences.
        rng: Source of randomness.
        low: Shortest edge of an item.
        high: Longest edge of an item.

    Returns:
        `Streams`; the volumes of a sequence sum to the bin's. T depends on the arguments alone, not on the draw.

    Raises:
        InstanceError: Bad arguments, or a bin edge that is no sum of edges in [low, high].
    """
    bin_size = _check_call(bin_size, n, rng)
    horizon = cut_horizon(bin_size, low, high, "cut_2")
    return _streams(*cut_2_boxes(bin_size, n, rng, low, high), horizon)


def split_bin(
    bin_size: Sequence[int], n: int, rng: np.random.Generator, *, items: int | tuple[int, int] = 10
) -> Streams:
    """Split bins into a wanted number of items (after Laterre et al. 2018, Ranked Reward, appendix, Algorithm 2).

    Until there are enough pieces: pick a piece with probability proportional to its volume, an axis with probability
    proportional to the piece's edge, and a place on that edge by its distance to the edge's centre; replace the piece
    by its two parts. Where those words leave room, this follows the algorithm's public reimplementations: a place p on
    an edge e has a probability proportional to ``|p - e / 2|``, so unequal parts are likely (with e = 2 the middle is
    the only place). Ours alone: cuts are at whole cells and parts have edges from 1 cell up, pieces of one cell are
    never picked, parts are not rotated (the environment rotates), and the items come in random order.

    Args:
        bin_size: The bin's edges in cells.
        n: Number of sequences.
        rng: Source of randomness.
        items: Number of items in a sequence, or the closed range from which each sequence draws its own (uniform).

    Returns:
        `Streams` with T the largest number of items; the volumes of a sequence sum to the bin's.

    Raises:
        InstanceError: Bad arguments, or more items than the bin has cells.
    """
    bin_size = _check_call(bin_size, n, rng)
    least, most = split_range(bin_size, items)
    return _streams(*split_boxes(bin_size, n, rng, least, most), most)


@dataclass(frozen=True, eq=False)
class ItemSource:
    """Makes episodes' items on demand; made by `item_source`. It holds no state, and pickles.

    Attributes:
        spec: What it was made from, for reports.
        bin_size: The bin's edges in cells.
        kind: ``random``, ``cut_1``, ``cut_2``, ``split``, ``catalogue`` or ``streams``.
        horizon: T of every sample, whatever the draw: the longest episode.
        low, high: Range of edges (of numbers of items for ``split``).
        catalogue: The items of kind ``catalogue``.
        streams: The sequences of kind ``streams``.
    """

    spec: str
    bin_size: tuple[int, int, int]
    kind: str
    horizon: int
    low: int = 0
    high: int = 0
    catalogue: Catalogue | None = field(default=None, repr=False)
    streams: Streams | None = field(default=None, repr=False)

    @property
    def fingerprint(self) -> str:
        """A digest of the items themselves: it changes when a file of that name holds other items than before."""
        if self.catalogue is not None:
            return _digest(self.catalogue.edges, self.catalogue.quantity, self.catalogue.upright)
        if self.streams is not None:
            return _digest(self.streams.items, self.streams.lengths, self.streams.upright)
        return f"{self.kind}:{self.low}-{self.high}"

    def sample(self, rng: np.random.Generator, n: int) -> Streams:
        """Return n sequences. Many at once cost far less each than one at a time.

        Args:
            rng: Source of randomness; the same state gives the same sequences.
            n: Number of sequences, from 1 up.
        """
        if self.kind == "random":
            _check_draw(n, rng)  # the rest was checked when the source was made
            return _draw(_box_of_edges(self.low, self.high), n, rng, self.horizon)
        if self.kind in ("cut_1", "cut_2"):
            cut = cut_1 if self.kind == "cut_1" else cut_2
            return cut(self.bin_size, n, rng, low=self.low, high=self.high)
        if self.kind == "split":
            return split_bin(self.bin_size, n, rng, items=(self.low, self.high))
        _check_call(self.bin_size, n, rng)
        if self.streams is not None:
            return self.streams[rng.integers(len(self.streams), size=n)]
        kinds = np.repeat(np.arange(len(self.catalogue.edges)), self.catalogue.quantity)
        drawn = rng.permuted(np.broadcast_to(kinds, (n, len(kinds))), axis=1)
        upright = None if self.catalogue.upright.all() else self.catalogue.upright[drawn]
        return Streams(self.catalogue.edges[drawn], np.full(n, len(kinds), dtype=np.int64), upright)


def _digest(*arrays: np.ndarray | None) -> str:
    """Return a SHA-256 of arrays' shapes and values."""
    digest = hashlib.sha256()
    for array in arrays:
        values = np.zeros(0, np.int64) if array is None else np.ascontiguousarray(array, dtype=np.int64)
        digest.update(repr(values.shape).encode() + values.tobytes())
    return digest.hexdigest()


def item_source(
    spec: str | Path | Catalogue | Streams | ItemSource,
    bin_size: Sequence[int],
    *,
    cell: Length | None = None,
    rotation: str = "none",
) -> ItemSource:
    """Turn a description of items into a source of episodes, and check that every item can fit the empty bin.

    Args:
        spec: ``"random"``, ``"cut_1"``, ``"cut_2"``, each with a range of edges if you like (``"random:2-5"``, the
            default), ``"split"`` with a number of items (``"split:10"``, the default, or ``"split:10-20"``),
            ``"korea_post"`` (a morning's parcels), a file for `read_catalogue` (``"thpack1.txt#3"`` for its problem 3)
            or of saved `Streams`, or one of these objects. An episode of a catalogue is all its items, by quantity, in
            random order; one of `Streams` is a sequence drawn uniformly with replacement.
        bin_size: The bin's edges in cells.
        cell: Cell size for a file or ``"korea_post"`` (default there: 1 cm).
        rotation: ``"none"``, ``"z"`` or ``"all"``, for the check.

    Raises:
        InstanceError: An unknown or malformed spec, a bad file, or an item that fits in no permitted orientation.
    """
    bin_size = parse_bin(bin_size)
    if isinstance(spec, ItemSource):
        if spec.bin_size != bin_size:
            sizes = ["x".join(map(str, size)) for size in (spec.bin_size, bin_size)]
            raise InstanceError(f"item source {spec.spec}: made for the bin {sizes[0]}, expected {sizes[1]}")
        source = spec
    elif isinstance(spec, Catalogue):
        source = ItemSource(spec.source, bin_size, "catalogue", spec.total, catalogue=spec)
    elif isinstance(spec, Streams):
        source = _stream_source("streams", bin_size, spec)
    elif isinstance(spec, str | Path):
        source = _generator(str(spec), bin_size) or _file_source(spec, bin_size, cell)
    else:
        raise InstanceError(f"item source {type(spec).__name__}: expected {SOURCES}")
    _check_source(source, rotation)
    return source


def _generator(spec: str, bin_size: tuple[int, int, int]) -> ItemSource | None:
    """Return the source for a generator's spec, or None where `spec` names none."""
    kind, colon, rest = spec.partition(":")
    if kind not in ("random", "cut_1", "cut_2", "split"):
        return None
    match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", rest) if colon else None
    if colon and match is None:
        example = "split:10 or split:10-20" if kind == "split" else f"{kind}:2-5"
        raise InstanceError(f"item source {spec!r}: expected a range of whole numbers, such as {example}")
    low, high = (10, 10) if kind == "split" else (2, 5)
    if match:
        low, high = int(match[1]), int(match[2] or match[1])
    if kind == "random":
        check_range(low, high, f"item source {spec!r}: edges")
        horizon = _random_horizon(bin_size, _box_of_edges(low, high))
    elif kind == "split":
        horizon = split_range(bin_size, (low, high))[1]
    else:
        horizon = cut_horizon(bin_size, low, high, kind)
    return ItemSource(spec, bin_size, kind, horizon, low, high)


def _stream_source(spec: str, bin_size: tuple[int, int, int], streams: Streams) -> ItemSource:
    if not len(streams):
        raise InstanceError(f"{spec}: no sequences, expected at least one")
    return ItemSource(spec, bin_size, "streams", streams.horizon, streams=streams)


def _file_source(spec: str | Path, bin_size: tuple[int, int, int], cell: Length | None) -> ItemSource:
    """Return the source for ``korea_post`` or a file."""
    name = str(spec)
    if name == "korea_post":
        catalogue = korea_post_parcels("1cm" if cell is None else cell)
        return ItemSource(name, bin_size, "catalogue", catalogue.total, catalogue=catalogue)
    numbered = re.fullmatch(r"(.+)#([0-9]{1,9})", name, flags=re.DOTALL)
    path, problem = Path(numbered[1] if numbered else name), int(numbered[2]) if numbered else 1
    try:
        known = path.suffix.lower() in (".csv", ".json", ".npz", ".txt", ".dat") or os.sep in name
        known = known or (name != "" and path.exists())
    except (OSError, ValueError):
        known = False
    if not known:
        shown = name if len(name) <= 60 else name[:57] + "..."
        raise InstanceError(f"item source {shown!r}: expected {SOURCES}")
    if path.suffix.lower() == ".npz" and _holds_streams(path):
        return _stream_source(name, bin_size, Streams.load(path))
    catalogue = read_catalogue(path, cell=cell, problem=problem)
    return ItemSource(name, bin_size, "catalogue", catalogue.total, catalogue=catalogue)


def _holds_streams(path: Path) -> bool:
    """Say whether an .npz file holds saved `Streams` rather than a catalogue; damage is for the reader to report."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return "items" in archive.files or "lengths" in archive.files
    except Exception:  # any damage at all: the reader finds it again and words it
        return False


def _check_source(source: ItemSource, rotation: str) -> None:
    """Raise `InstanceError` where an item of the source fits the bin in no permitted orientation."""
    if source.catalogue is not None:
        check_fits(source.catalogue, source.bin_size, rotation)
    elif source.streams is not None:
        streams = source.streams
        bad = np.argwhere(
            ~fits(streams.items, streams.upright, source.bin_size, rotation) & (streams.items > 0).all(axis=-1)
        )
        if bad.size:
            row, step = bad[0]
            upright = (True, True, True) if streams.upright is None else streams.upright[row, step]
            words = misfit(streams.items[row, step], upright, source.bin_size, rotation)
            raise InstanceError(f"{source.spec}: sequence {row}, position {step}: {words}")
    elif source.kind == "random":
        # The cube of the longest edge belongs to the set, and where it fits, so does every other item.
        cube = np.full((1, 3), source.high)
        if not fits(cube, None, source.bin_size, rotation)[0]:
            words = misfit(cube[0], (True, True, True), source.bin_size, rotation)
            raise InstanceError(
                f"item source {source.spec}: {words}: choose shorter edges, such as random:1-{min(source.bin_size)}"
            )
    else:
        fits(np.ones((1, 3), dtype=np.int64), None, source.bin_size, rotation)  # only the rotation can be wrong
