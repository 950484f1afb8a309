"""Where an environment's items come from: sources of episodes, and the names and files that stand for them.

`item_source` turns a text such as ``random:2-5``, ``korea_post`` or ``parcels.csv`` into an `ItemSource`. A name stands
for a maker, see `SourceMaker`; one of your own is named as ``module:name``:

    def cubes(bin_size, *, cell=None, rotation="none"):  # in mypackage/items.py, then items="mypackage.items:cubes"
        return Catalogue(np.full((1, 3), 2), np.array([30]))
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from binpack.core.registry import Registry
from binpack.files import InputError
from binpack.items.catalogue import Catalogue, check_fits, fits, korea_post_parcels, misfit, read_catalogue
from binpack.items.cutting import cut_horizon, split_range
from binpack.items.generators import (
    box_of_edges,
    check_call,
    check_draw,
    cut_1,
    cut_2,
    draw,
    random_horizon,
    split_bin,
)
from binpack.items.streams import Streams
from binpack.items.units import MAX_ITEMS, InstanceError, Length, check_range, parse_bin

KNOWN = (
    "random[:2-5 or :2-5x150], cut_1[:2-5], cut_2[:2-5], split[:10 or :10-20], korea_post, a file .csv, .json, .npz, "
    ".txt, or module:name of your own"
)
"""What a description of items may be, for messages."""
_ENDINGS = (".csv", ".tsv", ".json", ".npz", ".txt", ".dat")
_OBJECT = re.compile(r"<.* object>", re.DOTALL)


@runtime_checkable
class ItemSource(Protocol):
    """Makes episodes' items on demand, for one bin. It holds no state, and pickles."""

    @property
    def spec(self) -> str:
        """What it was made from, for messages."""
        ...

    @property
    def bin_size(self) -> tuple[int, int, int]:
        """The bin's edges in cells."""
        ...

    @property
    def horizon(self) -> int:
        """T of every sample, whatever the draw: the longest episode."""
        ...

    @property
    def finite(self) -> bool:
        """Whether all samples come from one fixed list of sequences, so that two samples may hold the same ones."""
        ...

    @property
    def fingerprint(self) -> str:
        """A digest of the items themselves: it changes when a file of that name holds other items than before."""
        ...

    def sample(self, rng: np.random.Generator, n: int) -> Streams:
        """Return n sequences. Many at once cost far less each than one at a time.

        Args:
            rng: Source of randomness; the same state gives the same sequences.
            n: Number of sequences, from 1 up.
        """
        ...

    def check(self, rotation: str) -> None:
        """Raise `InstanceError` where an item fits the empty bin in no orientation that `rotation` permits."""
        ...


class SourceMaker(Protocol):
    """What a name of items stands for: a function, or an object that can be called.

    An object that takes options, as in ``random:2-5``, has a method ``with_options`` from their text to another maker.
    """

    def __call__(
        self, bin_size: tuple[int, int, int], *, cell: Length | None = None, rotation: str = "none"
    ) -> ItemSource | Catalogue | Streams:
        """Return items for a bin: a source, or a `Catalogue` or `Streams` to draw from.

        Args:
            bin_size: The bin's edges in cells.
            cell: Edge of a grid cell, or None where the config names none.
            rotation: ``"none"``, ``"z"`` or ``"all"``.
        """
        ...


@dataclass(frozen=True)
class RandomSource:
    """Items drawn uniformly and independently from all with edges in [low, high]; see `random_items`.

    Attributes:
        spec: What it was made from.
        bin_size: The bin's edges in cells.
        low: Shortest edge.
        high: Longest edge.
        horizon: Items in each sequence.
    """

    spec: str
    bin_size: tuple[int, int, int]
    low: int
    high: int
    horizon: int
    finite = False

    @property
    def fingerprint(self) -> str:
        """The range of edges, and the length where it is not the default one."""
        usual = random_horizon(self.bin_size, box_of_edges(self.low, self.high))
        return f"random:{self.low}-{self.high}" + ("" if self.horizon == usual else f"x{self.horizon}")

    def sample(self, rng: np.random.Generator, n: int) -> Streams:
        """Return n sequences, see `ItemSource.sample`."""
        check_draw(n, rng)  # the rest was checked when the source was made
        return draw(box_of_edges(self.low, self.high), n, rng, self.horizon)

    def check(self, rotation: str) -> None:
        """Raise `InstanceError` where the cube of the longest edge fits nowhere: if it fits, every other item does."""
        cube = np.full((1, 3), self.high)
        if not fits(cube, None, self.bin_size, rotation)[0]:
            words = misfit(cube[0], (True, True, True), self.bin_size, rotation)
            raise InstanceError(
                f"item source {self.spec}: {words}: choose shorter edges, such as random:1-{min(self.bin_size)}"
            )


@dataclass(frozen=True)
class CutSource:
    """Bins cut into pieces with edges in [low, high]; see `cut_1` and `cut_2`.

    Attributes:
        spec: What it was made from.
        bin_size: The bin's edges in cells.
        low: Shortest edge.
        high: Longest edge.
        cut: `cut_1` or `cut_2`.
    """

    spec: str
    bin_size: tuple[int, int, int]
    low: int
    high: int
    cut: Callable[..., Streams]
    finite = False

    @property
    def horizon(self) -> int:
        """Largest number of pieces."""
        return cut_horizon(self.bin_size, self.low, self.high, self.cut.__name__)

    @property
    def fingerprint(self) -> str:
        """The cutter and the range of edges."""
        return f"{self.cut.__name__}:{self.low}-{self.high}"

    def sample(self, rng: np.random.Generator, n: int) -> Streams:
        """Return n sequences, see `ItemSource.sample`."""
        return self.cut(self.bin_size, n, rng, low=self.low, high=self.high)

    def check(self, rotation: str) -> None:
        """Raise `InstanceError` for an unknown rotation: pieces of a bin fit it."""
        _check_rotation(self.bin_size, rotation)


@dataclass(frozen=True)
class SplitSource:
    """Bins split into `least` to `most` pieces; see `split_bin`.

    Attributes:
        spec: What it was made from.
        bin_size: The bin's edges in cells.
        least: Smallest number of items.
        most: Largest number of items.
    """

    spec: str
    bin_size: tuple[int, int, int]
    least: int
    most: int
    finite = False

    @property
    def horizon(self) -> int:
        """Largest number of items."""
        return self.most

    @property
    def fingerprint(self) -> str:
        """The numbers of items."""
        return f"split:{self.least}-{self.most}"

    def sample(self, rng: np.random.Generator, n: int) -> Streams:
        """Return n sequences, see `ItemSource.sample`."""
        return split_bin(self.bin_size, n, rng, items=(self.least, self.most))

    def check(self, rotation: str) -> None:
        """Raise `InstanceError` for an unknown rotation: pieces of a bin fit it."""
        _check_rotation(self.bin_size, rotation)


@dataclass(frozen=True, eq=False)
class CatalogueSource:
    """All items of a catalogue, by quantity, in random order.

    Attributes:
        spec: What it was made from.
        bin_size: The bin's edges in cells.
        catalogue: The items.
    """

    spec: str
    bin_size: tuple[int, int, int]
    catalogue: Catalogue = field(repr=False)
    cell: Length | None = field(default=None, repr=False)
    finite = False

    @property
    def horizon(self) -> int:
        """Number of items, quantities counted."""
        return self.catalogue.total

    @property
    def fingerprint(self) -> str:
        """A digest of edges, quantities and upright flags."""
        return _digest(self.catalogue.edges, self.catalogue.quantity, self.catalogue.upright)

    def sample(self, rng: np.random.Generator, n: int) -> Streams:
        """Return n sequences, see `ItemSource.sample`."""
        check_call(self.bin_size, n, rng)
        kinds = np.repeat(np.arange(len(self.catalogue.edges)), self.catalogue.quantity)
        drawn = rng.permuted(np.broadcast_to(kinds, (n, len(kinds))), axis=1)
        upright = None if self.catalogue.upright.all() else self.catalogue.upright[drawn]
        return Streams(self.catalogue.edges[drawn], np.full(n, len(kinds), dtype=np.int64), upright)

    def check(self, rotation: str) -> None:
        """Raise `InstanceError` where an item fits in no permitted orientation."""
        check_fits(self.catalogue, self.bin_size, rotation, self.cell)


@dataclass(frozen=True, eq=False)
class StreamsSource:
    """Sequences drawn uniformly, with replacement, from a fixed list.

    Attributes:
        spec: What it was made from.
        bin_size: The bin's edges in cells.
        streams: The sequences, at least one.
    """

    spec: str
    bin_size: tuple[int, int, int]
    streams: Streams = field(repr=False)
    finite = True

    def __post_init__(self) -> None:
        """Refuse an empty list."""
        if not len(self.streams):
            raise InstanceError(f"{self.spec}: no sequences, expected at least one")

    @property
    def horizon(self) -> int:
        """Longest sequence that the arrays have room for."""
        return self.streams.horizon

    @property
    def fingerprint(self) -> str:
        """A digest of the sequences."""
        return _digest(self.streams.items, self.streams.lengths, self.streams.upright)

    def sample(self, rng: np.random.Generator, n: int) -> Streams:
        """Return n sequences, see `ItemSource.sample`."""
        check_call(self.bin_size, n, rng)
        return self.streams[rng.integers(len(self.streams), size=n)]

    def check(self, rotation: str) -> None:
        """Raise `InstanceError` where an item fits in no permitted orientation."""
        streams = self.streams
        fitting = fits(streams.items, streams.upright, self.bin_size, rotation)
        bad = np.argwhere(~fitting & (streams.items > 0).all(axis=-1))
        if bad.size:
            row, step = bad[0]
            upright = (True, True, True) if streams.upright is None else streams.upright[row, step]
            words = misfit(streams.items[row, step], upright, self.bin_size, rotation)
            raise InstanceError(f"{self.spec}: sequence {row}, position {step}: {words}")


def _check_rotation(bin_size: tuple[int, int, int], rotation: str) -> None:
    fits(np.ones((1, 3), dtype=np.int64), None, bin_size, rotation)


def _digest(*arrays: np.ndarray | None) -> str:
    """Return a SHA-256 of arrays' shapes and values."""
    digest = hashlib.sha256()
    for array in arrays:
        values = np.zeros(0, np.int64) if array is None else np.ascontiguousarray(array, dtype=np.int64)
        digest.update(repr(values.shape).encode() + values.tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class RandomItems:
    """The maker behind ``random``, ``random:2-5`` (the range of edges) and ``random:2-5x150`` (150 items each)."""

    spec: str = "random"
    low: int = 2
    high: int = 5
    length: int | None = None

    def with_options(self, text: str) -> RandomItems:
        """Read a range of edges and perhaps a length."""
        spec = f"{self.spec}:{text}"
        edges, _, length = text.partition("x")
        low, high = _range(spec, edges, "random:2-5 or random:2-5x150")
        check_range(low, high, f"item source {spec!r}: edges")
        if edges == text:
            return RandomItems(spec, low, high)
        if not re.fullmatch("[0-9]{1,9}", length) or not 1 <= int(length) <= MAX_ITEMS:
            raise InstanceError(f"item source {spec!r}: length {length!r}: expected 1 to {MAX_ITEMS} items")
        return RandomItems(spec, low, high, int(length))

    def __call__(
        self, bin_size: tuple[int, int, int], *, cell: Length | None = None, rotation: str = "none"
    ) -> RandomSource:
        """Return the source for a bin; by default as many of the smallest item as make up its volume, at most 1000."""
        usual = random_horizon(bin_size, box_of_edges(self.low, self.high))
        return RandomSource(self.spec, bin_size, self.low, self.high, self.length or usual)


@dataclass(frozen=True)
class CutItems:
    """The maker behind ``cut_1`` and ``cut_2``, perhaps with a range of edges, as in ``cut_1:2-5``."""

    spec: str
    cut: Callable[..., Streams]
    low: int = 2
    high: int = 5

    def with_options(self, text: str) -> CutItems:
        """Read a range of edges."""
        spec = f"{self.spec}:{text}"
        low, high = _range(spec, text, f"{self.spec}:2-5")
        return replace(self, spec=spec, low=low, high=high)

    def __call__(
        self, bin_size: tuple[int, int, int], *, cell: Length | None = None, rotation: str = "none"
    ) -> CutSource:
        """Return the source for a bin that can be cut so."""
        cut_horizon(bin_size, self.low, self.high, self.cut.__name__)
        return CutSource(self.spec, bin_size, self.low, self.high, self.cut)


@dataclass(frozen=True)
class SplitItems:
    """The maker behind ``split``, perhaps with numbers of items, as in ``split:20`` and ``split:10-20``."""

    spec: str = "split"
    least: int = 10
    most: int = 10

    def with_options(self, text: str) -> SplitItems:
        """Read a number of items, or a range of numbers."""
        spec = f"{self.spec}:{text}"
        return SplitItems(spec, *_range(spec, text, "split:10 or split:10-20"))

    def __call__(
        self, bin_size: tuple[int, int, int], *, cell: Length | None = None, rotation: str = "none"
    ) -> SplitSource:
        """Return the source for a bin that has cells enough."""
        return SplitSource(self.spec, bin_size, *split_range(bin_size, (self.least, self.most)))


def parcels(bin_size: tuple[int, int, int], *, cell: Length | None = None, rotation: str = "none") -> Catalogue:
    """Return the items of ``korea_post``, see `korea_post_parcels`; a cell is 1 cm where none is named."""
    return korea_post_parcels("1cm" if cell is None else cell)


def _range(spec: str, text: str, example: str) -> tuple[int, int]:
    """Read ``low-high``, or one number for both."""
    match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", text)
    if match is None:
        raise InstanceError(f"item source {spec!r}: expected a range of whole numbers, such as {example}")
    return int(match[1]), int(match[2] or match[1])


RANDOM, SPLIT = RandomItems(), SplitItems()
CUT_1, CUT_2 = CutItems("cut_1", cut_1), CutItems("cut_2", cut_2)

SOURCES: Registry[SourceMaker] = Registry(
    "item source",
    ("__call__",),
    {
        "random": "binpack.items.sources:RANDOM",
        "cut_1": "binpack.items.sources:CUT_1",
        "cut_2": "binpack.items.sources:CUT_2",
        "split": "binpack.items.sources:SPLIT",
        "korea_post": "binpack.items.sources:parcels",
    },
)
"""The items that a config can name; any other text is a file's path."""


def item_source(
    spec: str | Path | Catalogue | Streams | ItemSource,
    bin_size: Sequence[int],
    *,
    cell: Length | None = None,
    rotation: str = "none",
    unit: str = "cm",
) -> ItemSource:
    """Turn a description of items into a source of episodes, and check that every item can fit the empty bin.

    Example:
        >>> source = item_source("random:1-5x150", (10, 10, 10))
        >>> source.sample(np.random.default_rng(0), 2).items.shape
        (2, 150, 3)

    Args:
        spec: ``"random"``, ``"cut_1"``, ``"cut_2"``, each with a range of edges if you like (``"random:2-5"``, the
            default; ``"random:2-5x150"`` makes sequences of 150 items), ``"split"`` with a number of items
            (``"split:10"``, the default, or ``"split:10-20"``), ``"korea_post"`` (a morning's parcels),
            ``"module:name"`` of your own (see `SourceMaker`), a file for `read_catalogue` (``"thpack1.txt#3"`` for its
            problem 3) or of saved `Streams`, or one of these objects. A text is a built-in name, else a file if there
            is one, else one of your own names if it has that form, else a file. An episode of a catalogue is all its
            items, by quantity, in random order; one of `Streams` is a sequence drawn uniformly with replacement.
        bin_size: The bin's edges in cells.
        cell: Cell size for a file or ``"korea_post"`` (default there: 1 cm).
        rotation: ``"none"``, ``"z"`` or ``"all"``, for the check.
        unit: Unit of a file's numbers that carry none.

    Raises:
        InstanceError: An unknown or malformed spec, a bad file, or an item that fits in no permitted orientation.
    """
    bin_size = parse_bin(bin_size)
    if not isinstance(spec, str | Path):
        source = _object_source(spec, bin_size)
    elif (maker := named_items(str(spec))) is not None:
        source = _object_source(maker(bin_size, cell=cell, rotation=rotation), bin_size, str(spec))
    else:
        source = _file_source(str(spec), bin_size, cell, unit)
    source.check(rotation)
    return source


def named_items(spec: str) -> SourceMaker | None:
    """Return the maker that a text names, or None where it is a file's path or nothing.

    Raises:
        InstanceError: The text has the form of a name, but there is no such maker, or it refuses the options.
    """
    built_in = spec.partition(":")[0].strip() in SOURCES.names
    if not built_in and (not SOURCES.knows(spec) or _exists(spec)):
        return None
    try:
        return SOURCES.get(spec)
    except InstanceError:
        raise
    except InputError as error:
        raise InstanceError(str(error)) from None


def unnamed(items: object) -> str:
    """Return what a config holds in place of items that were given as an object and that no text gives again."""
    return f"<{type(items).__name__} object>"


def _object_source(items: object, bin_size: tuple[int, int, int], spec: str | None = None) -> ItemSource:
    """Return the source for an object; `spec` is what named it."""
    if isinstance(items, Catalogue):
        problem = f"#{items.problem}" if items.problem is not None and items.problem > 1 else ""
        return CatalogueSource(spec or items.source + problem, bin_size, items)
    if isinstance(items, Streams):
        return StreamsSource(spec or "streams", bin_size, items)
    if not isinstance(items, ItemSource):
        raise InstanceError(f"item source {spec or type(items).__name__}: expected {KNOWN}")
    if tuple(items.bin_size) != bin_size:
        sizes = ["x".join(map(str, size)) for size in (items.bin_size, bin_size)]
        raise InstanceError(f"item source {items.spec}: made for the bin {sizes[0]}, expected {sizes[1]}")
    return items


def file_bin(spec: str, cell: Length | None = None, unit: str = "cm") -> tuple[int, int, int] | None:
    """Return the bin in cells that comes with a file of items, such as ``"thpack1.txt#3"``; None where none does.

    Args:
        spec: As for `item_source`.
        cell: Cell size.
        unit: Unit of numbers that carry none.

    Raises:
        InstanceError: The file cannot be read.
    """
    text, problem = _numbered(spec)
    if named_items(spec) is not None or not _exists(text) or Path(text).suffix.lower() in (".npz", ".csv", ".tsv"):
        return None
    return read_catalogue(text, cell=cell, problem=problem, unit=unit).container


def _numbered(name: str) -> tuple[str, int]:
    """Return a file's path and the number of its problem, 1 where none is named."""
    numbered = re.fullmatch(r"(.+)#([0-9]{1,9})", name, flags=re.DOTALL)
    return (numbered[1], int(numbered[2])) if numbered else (name, 1)


def _file_source(name: str, bin_size: tuple[int, int, int], cell: Length | None, unit: str) -> ItemSource:
    """Return the source for a file."""
    text, problem = _numbered(name)
    path = Path(text)
    if path.suffix.lower() not in _ENDINGS and os.sep not in name and not _exists(text):
        raise InstanceError(_unknown(name))
    if path.suffix.lower() == ".npz" and _holds_streams(path):
        return StreamsSource(name, bin_size, Streams.load(path))
    return CatalogueSource(name, bin_size, read_catalogue(path, cell=cell, problem=problem, unit=unit), cell)


def _exists(path: str) -> bool:
    try:
        return path != "" and Path(path).exists()
    except (OSError, ValueError):  # no path at all: too long, or a zero byte
        return False


def _unknown(name: str) -> str:
    """Return the message for a text that is neither a name nor a file."""
    shown = repr(name if len(name) <= 60 else name[:57] + "...")
    if _OBJECT.fullmatch(name):
        return (
            f"item source {shown}: these items were given as an object, which a config cannot hold: save the streams "
            "(streams.save('items.npz')) and name that file"
        )
    return f"item source {shown}: expected {KNOWN}"


def _holds_streams(path: Path) -> bool:
    """Say whether an .npz file holds saved `Streams` rather than a catalogue; damage is for the reader to report."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return "items" in archive.files or "lengths" in archive.files
    except Exception:  # any damage at all: the reader finds it again and words it
        return False
