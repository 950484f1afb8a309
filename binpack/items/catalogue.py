"""Catalogues of real items, from four file formats onto a grid of cells.

Every bad value is answered by an `InstanceError` of one line: file, line, value, what was expected.
"""

from __future__ import annotations

import codecs
import io
import json
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from binpack.core.placement import ORIENTATIONS, ROTATIONS
from binpack.items.orlib import read_problem
from binpack.items.rows import EDGES, Row
from binpack.items.spreadsheet import COLUMNS, has_header, read_rows
from binpack.items.units import (
    MAX_ITEM_EDGE,
    MAX_ITEMS,
    MILLIMETRES,
    Grid,
    InstanceError,
    Length,
    RealBin,
    bin_unit,
    millimetres,
    real_bin,
    show,
    unit_name,
    unit_of,
    whole,
)
from binpack.text import terminal

MAX_BYTES = 20_000_000
"""Largest catalogue file that is read."""
MAX_UNPACKED = 256 * 2**20
"""Most bytes that the arrays of a catalogue may unpack to."""
KOREA_POST_PALLET = (110, 110, 100)
"""A T-11 pallet in cm: the base is the standard's, the loading height of 100 cm is this course's choice."""
_MEND_ENCODING = "save it as UTF-8, or have pack read it with --encoding (such as cp949 for Korean, latin-1, utf-16-le)"
# numpy, zipfile and zlib answer a damaged archive with any of these.
_DAMAGE = (
    *(OSError, ValueError, EOFError, KeyError, IndexError, TypeError, SyntaxError, RuntimeError, MemoryError),
    *(OverflowError, struct.error, zipfile.BadZipFile, zlib.error),
)


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Kinds of items on a grid of cells.

    Example:
        >>> catalogue = Catalogue(np.array([[2, 2, 3], [1, 1, 1]]), np.array([2, 5]))
        >>> catalogue.total, catalogue.volume
        (7, 29)

    Attributes:
        edges: ``(M, 3)`` int32, length, width and height in cells.
        quantity: ``(M,)`` int64, how many of each, 1 or more. Default: one.
        names: M names. Default: "item 1" and so on.
        upright: ``(M, 3)`` bool, which edge may stand upright. Default: every edge.
        source: File name (or other origin) for messages.
        places: M places in the source, such as ``"line 3"``, for messages.
        container: The bin that came with the items in cells (OR-Library, JSON ``bin``), or None.
        problem: Number of the problem in an OR-Library file, or None.
        notes: What was ignored in the source or passed over, a line each.
        lengths: ``(M, 3)`` float64, the edges in mm before they were rounded up; None where numbers are cells.
        container_lengths: The container's edges in mm before they were rounded down, or None.
        units: The units that the source names, sorted.
        bare: Whether numbers of the source carry no unit.

    Raises:
        InstanceError: Wrong shapes or values.
    """

    edges: np.ndarray
    # None may be given; from then on it is always an array
    quantity: np.ndarray = None  # type: ignore[assignment]
    names: tuple[str, ...] = ()
    upright: np.ndarray = None  # type: ignore[assignment]
    source: str = "catalogue"
    places: tuple[str, ...] = ()
    container: tuple[int, int, int] | None = None
    problem: int | None = None
    notes: tuple[str, ...] = ()
    lengths: np.ndarray | None = None
    container_lengths: tuple[float, float, float] | None = None
    units: tuple[str, ...] = ()
    bare: bool = False

    def __post_init__(self) -> None:
        """Check shapes and values, and freeze the arrays."""
        count = len(self.edges) if np.ndim(self.edges) else 0
        defaults = {"quantity": np.ones(count, dtype=np.int64), "upright": np.ones((count, 3), dtype=bool)}
        for name, value in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        object.__setattr__(self, "names", tuple(self.names) or tuple(f"item {i + 1}" for i in range(count)))
        wanted: dict[str, tuple[tuple[int, ...], str, type[np.generic]]] = {
            "edges": ((count, 3), "iu", np.int32),
            "quantity": ((count,), "iu", np.int64),
            "upright": ((count, 3), "b", np.bool_),
        }
        for name, (shape, kinds, dtype) in wanted.items():
            array = np.asarray(getattr(self, name))
            if array.shape != shape or array.dtype.kind not in kinds:
                expected = f"expected shape {shape} of {'booleans' if kinds == 'b' else 'integers'}"
                raise InstanceError(f"{self.source}: {name} has shape {array.shape} of {array.dtype}: {expected}")
            if name != "upright" and count and (array.min() < 1 or array.max() > MAX_ITEM_EDGE):
                value = array.min() if array.min() < 1 else array.max()
                raise InstanceError(f"{self.source}: {name} {value}: expected numbers from 1 to {MAX_ITEM_EDGE}")
            array = array.astype(dtype)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if not count:
            raise InstanceError(f"{self.source}: no items: expected at least one")
        if len(self.names) != count or len(self.places) not in (0, count):
            raise InstanceError(
                f"{self.source}: {len(self.names)} names and {len(self.places)} places: expected {count}"
            )
        if self.total > MAX_ITEMS:
            raise InstanceError(f"{self.source}: {self.total} items in all: expected at most {MAX_ITEMS}")

    @property
    def total(self) -> int:
        """Number of items, quantities counted."""
        return int(self.quantity.sum())

    @property
    def volume(self) -> int:
        """Volume of all items in cells."""
        return int((self.edges.astype(np.int64).prod(axis=1) * self.quantity).sum())

    def where(self, index: int) -> str:
        """Say where item kind `index` stands: source, place and name."""
        place = f": {self.places[index]}" if self.places and self.places[index] else ""
        return terminal(f"{self.source}{place} ({self.names[index]})")


def read_catalogue(
    path: str | Path,
    *,
    cell: Length | None = None,
    problem: int = 1,
    unit: str = "cm",
    encoding: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Catalogue:
    """Read a file of items.

    The format follows the suffix:

    - ``.csv``: header ``length,width,height[,quantity,name,unit]`` in the spellings of spreadsheets (``Length (cm)``,
      ``L_cm``, ``길이``, ``qty``), columns separated by commas, semicolons, tabs or ``|``, numbers with a decimal point
      or comma; other columns are ignored, lines that begin with ``#`` are comments;
    - ``.json``: ``{"items": [{"length": .., "width": .., "height": ..}]}``, an item with optional ``quantity``,
      ``name``, ``unit`` and ``upright`` (three of true or false), the whole with optional ``unit`` and ``bin``;
    - ``.npz``: array ``edges``, optional ``quantity``, ``names``, ``upright``, ``unit``;
    - ``.txt``, ``.dat`` or no suffix: the OR-Library's container loading text (Bischoff and Ratcliff 1995; files
      thpack1 to thpack8, with or without the leading number of problems), or CSV or JSON where the text begins so.

    What was ignored or passed over (a column, a quantity of 0) is said in the catalogue's ``notes``.

    Args:
        path: The file.
        cell: Cell size, such as ``"50mm"``. Without it all numbers must be whole cells. With it numbers are lengths,
            and edges are rounded **up** to cells.
        problem: Which problem of an OR-Library file, by its number.
        unit: Unit of numbers that carry none (a suffix as in ``350mm`` wins, then the file's unit).
        columns: Heading of the column of ``length``, ``width``, ``height``, ``quantity``, ``name`` or ``unit``, for
            those of a CSV that guessing would not find.
        encoding: Of a text file, such as ``"cp949"``; by default UTF-8, or UTF-16 with its mark.

    Raises:
        InstanceError: One line with the file, the line, the value and what was expected.
    """
    grid = Grid(None if cell is None else millimetres(cell, "cell"), unit_name(unit, "unit"))
    source, suffix = str(path), Path(path).suffix.lower()
    if suffix not in (".csv", ".tsv", ".json", ".npz", ".txt", ".dat", ""):
        expected = "expected .csv, .json, .npz, or .txt (OR-Library)"
        if suffix in (".xlsx", ".xls", ".ods", ".numbers"):
            expected += ": save the sheet as CSV"
        raise InstanceError(f"{source}: unknown kind of file {show(suffix)}, {expected}")
    data = _read_bytes(path)
    if suffix == ".npz":
        return _read_npz(data, source, grid)
    text = _decode(data, source, encoding)
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1))
    at, start = next(((number, line) for number, line in lines if line and line[0] != "#"), (1, ""))
    if suffix in (".csv", ".tsv") or columns or (suffix != ".json" and has_header(text)):
        rows, notes = read_rows(text, source, columns)
        return _build(rows, source, grid, notes)
    if suffix == ".json" or start.startswith("{"):
        return _read_json(text, source, grid)
    if start[:1].isalpha():
        # columns that blanks separate, or prose: no problem begins with a letter
        expected = f"expected the header {COLUMNS} with commas, semicolons or tabs between, or an OR-Library problem"
        raise InstanceError(f"{source}: line {at}: {show(start)}: {expected}")
    number = whole(problem, "problem")
    container, rows, notes = read_problem(text, source, grid, number)
    return _build(rows, source, grid, notes, container, problem=number)


def _read_bytes(path: str | Path) -> bytes:
    """Return a file's bytes; `InstanceError` for a folder, a missing, unreadable or oversized file."""
    try:
        file = Path(path)
        if file.is_dir():
            raise InstanceError(f"{path}: is a folder, expected a file of items")
        if not file.exists():
            raise InstanceError(f"{path}: no such file")
        if not file.is_file():
            raise InstanceError(f"{path}: is not a regular file, expected a file of items")
        if file.stat().st_size > MAX_BYTES:
            raise InstanceError(f"{path}: {file.stat().st_size} bytes, expected at most {MAX_BYTES}")
        return file.read_bytes()
    except OSError as error:
        raise InstanceError(f"{path}: cannot be read ({error.strerror})") from error


def _decode(data: bytes, source: str, encoding: str | None = None) -> str:
    """Return a file's text: UTF-8, or UTF-16 that begins with its mark, or what `encoding` says.

    A guess at any other encoding would now and then show other letters than were written, so there is none.

    Raises:
        InstanceError: The bytes are no text in this encoding, or there is no such encoding.
    """
    if encoding is None:
        encoding = "utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    try:
        name = codecs.lookup(encoding).name
        text = data.decode("utf-8-sig" if name == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        at = f"{source}: line {line}: byte 0x{data[error.start]:02x}"
        if name == "utf-8-sig":
            raise InstanceError(f"{at}: expected UTF-8 text: {_MEND_ENCODING}") from error
        raise InstanceError(f"{at}: expected text in the encoding {encoding}: {_MEND_ENCODING}") from error
    except (LookupError, UnicodeError, ValueError) as error:
        raise InstanceError(f"{source}: encoding {show(encoding)} cannot be read: {_MEND_ENCODING}") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InstanceError(
            f"{source}: line {line}: byte 0x00: expected UTF-8 text, not a binary file: {_MEND_ENCODING}"
        )
    return text


def _build(
    rows: Sequence[Row],
    source: str,
    grid: Grid,
    notes: Sequence[str] = (),
    container: RealBin | None = None,
    own: str | None = None,
    **extra: Any,
) -> Catalogue:
    """Turn rows into a catalogue: units, whole cells, quantities, names and flags, all checked in one place."""
    edges, lengths, quantities, names, upright, total = [], [], [], [], [], 0
    units: set[str | None] = set()
    places, notes = [], list(notes)
    for index, row in enumerate(rows):
        where = f"{source}: {row.place}:"
        quantity = whole(row.quantity, f"{where} quantity", least=0)
        if not quantity:
            name = f" ({terminal(row.name)})" if row.name else ""
            notes.append(f"{where.removesuffix(':')}{name}: skipped, its quantity is 0")
            continue
        unit = None if row.unit in (None, "") else unit_name(row.unit, f"{where} unit")
        named = [unit or heading for heading in row.units]
        measured = [
            grid.measure(value, f"{where} {name}", unit=heading)
            for name, value, heading in zip(EDGES, row.edges, named, strict=True)
        ]
        edges.append([cells for cells, _ in measured])
        lengths.append([float(length or 0) for _, length in measured])
        units |= {unit_of(value) or heading or own for value, heading in zip(row.edges, named, strict=True)}
        places.append(row.place)
        quantities.append(quantity)
        total += quantities[-1]
        if total > MAX_ITEMS:
            shown = f"quantity {show(row.quantity)}"
            raise InstanceError(f"{where} {shown}: {total} items so far, expected at most {MAX_ITEMS} in all")
        if not isinstance(row.name, str):
            raise InstanceError(f"{where} name {show(row.name)}: expected text")
        names.append(row.name.strip() or f"item {index + 1}")
        flags = row.upright
        if not isinstance(flags, list | tuple) or len(flags) != 3 or not all(isinstance(f, bool) for f in flags):
            raise InstanceError(f"{where} upright {show(flags)}: expected three of true or false")
        if not any(flags):
            raise InstanceError(f"{where} upright {show(flags)}: expected at least one edge that may stand upright")
        upright.append(flags)
    if not edges:
        raise InstanceError(f"{source}: {rows[-1].place}: every quantity is 0, expected at least one item")
    arrays = (np.array(edges, dtype=np.int32), np.array(quantities, dtype=np.int64), np.array(upright, dtype=bool))
    extra = {**extra, "source": source, "places": tuple(places), "notes": tuple(notes)}
    if container is not None:
        real = container.lengths
        extra["container"] = container.edges
        extra["container_lengths"] = None if real is None else tuple(map(float, real))
    if grid.cell is not None:
        said = tuple(sorted(each for each in units if each is not None))
        extra |= {"lengths": np.array(lengths), "units": said, "bare": None in units}
    return Catalogue(arrays[0], arrays[1], tuple(names), arrays[2], **extra)


def _read_json(text: str, source: str, grid: Grid) -> Catalogue:
    """Read the JSON format; items are located by the line on which they begin."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        wrong = text.split("\n")[error.lineno - 1]
        problem = f"{error.msg} at column {error.colno} of {show(wrong.strip())}"
        raise InstanceError(f"{source}: line {error.lineno}: {problem}: expected JSON") from error
    except (ValueError, RecursionError) as error:
        raise InstanceError(f"{source}: line 1: {error}: expected JSON") from error
    if not isinstance(data, dict) or "items" not in data:
        raise InstanceError(f'{source}: line 1: {show(data)}: expected {{"items": [...]}}')
    _known(data, ("items", "unit", "bin"), f"{source}: line 1:")
    if not isinstance(data["items"], list) or not data["items"]:
        raise InstanceError(f"{source}: line 1: items {show(data['items'])}: expected a list of at least one item")
    own = None
    if "unit" in data:
        own = unit_name(data["unit"], f"{source}: line 1: unit")
        grid = replace(grid, unit=own)
    container = real_bin(data["bin"], grid, f"{source}: line 1: bin") if "bin" in data else None
    if own is None and (own := bin_unit(data.get("bin"))):
        grid = replace(grid, unit=own)  # a bin's unit is that of the items in it, as for pack's --bin
    rows = []
    for item, number in zip(data["items"], _json_lines(text), strict=True):
        where = f"{source}: line {number}:"
        if not isinstance(item, dict):
            raise InstanceError(f"{where} {show(item)}: expected an object with length, width and height")
        _known(item, (*EDGES, "quantity", "name", "unit", "upright"), where)
        for name in EDGES:
            if name not in item:
                raise InstanceError(f"{where} {name!r} is missing in {show(item)}: expected length, width and height")
        rest = {key: value for key, value in item.items() if key not in EDGES}
        rows.append(Row(f"line {number}", (item["length"], item["width"], item["height"]), **rest))
    return _build(rows, source, grid, (), container, own)


def _known(data: dict[str, Any], keys: Sequence[str], where: str) -> None:
    """Refuse keys that nobody would read: they are typing errors."""
    for key in data:
        if key not in keys:
            raise InstanceError(f"{where} unknown key {show(key)}: expected {', '.join(keys)}")


def _json_lines(text: str) -> list[int]:
    """Return the line on which each element of the top-level list ``items`` begins, in a text known to be valid."""
    decoder, blank = json.JSONDecoder(), re.compile(r"[\s,:]*")

    def skip(at: int) -> int:
        match = blank.match(text, at)
        return at if match is None else match.end()

    lines: list[int] = []
    at = skip(text.index("{") + 1)
    while text[at] != "}":
        key, at = decoder.raw_decode(text, at)
        at = skip(at)
        if key != "items" or text[at] != "[":
            at = skip(decoder.raw_decode(text, at)[1])
            continue
        at, lines, line, seen = skip(at + 1), [], 1, 0
        while text[at] != "]":
            line, seen = line + text.count("\n", seen, at), at
            lines.append(line)
            at = skip(decoder.raw_decode(text, at)[1])
        at = skip(at + 1)
    return lines


def _read_npz(data: bytes, source: str, grid: Grid) -> Catalogue:
    """Read the .npz format; entries are located by their index."""
    optional = ("quantity", "names", "upright", "unit")
    arrays = load_arrays(io.BytesIO(data), source, ("edges",), optional, most=MAX_UNPACKED)
    edges = arrays["edges"]
    if edges.ndim != 2 or edges.shape[1] != 3 or edges.dtype.kind not in "iuf" or not 1 <= len(edges) <= MAX_ITEMS:
        expected = f"expected shape (M, 3) of numbers, M from 1 to {MAX_ITEMS}"
        raise InstanceError(f"{source}: edges has shape {edges.shape} of {edges.dtype}: {expected}")
    count = len(edges)
    for name, kinds, shape in (("quantity", "iu", (count,)), ("names", "U", (count,)), ("upright", "b", (count, 3))):
        array = arrays.get(name)
        if array is not None and (array.shape != shape or array.dtype.kind not in kinds):
            expected = {"iu": "integers", "U": "text", "b": "booleans"}[kinds]
            raise InstanceError(
                f"{source}: {name} has shape {array.shape} of {array.dtype}: expected shape {shape} of {expected}"
            )
    own = None
    if "unit" in arrays:
        own = unit_name(arrays["unit"].tolist(), f"{source}: unit")
        grid = replace(grid, unit=own)
    columns = {key: arrays[key].tolist() for key in ("quantity", "names", "upright") if key in arrays}
    names = columns.pop("names", [""] * count)
    rows = [
        Row(f"edges[{i}]", tuple(row), name=names[i], **{key: value[i] for key, value in columns.items()})
        for i, row in enumerate(edges.tolist())
    ]
    return _build(rows, source, grid, own=own)


def load_arrays(
    file: Any, source: str, required: Sequence[str], optional: Sequence[str] = (), *, most: int
) -> dict[str, np.ndarray]:
    """Read an .npz file's arrays without pickle.

    Args:
        file: Path or binary file.
        source: Name for messages.
        required: Keys that must be there.
        optional: Keys that may be there.
        most: Most bytes that they may take; a small file can unpack to as much as you like.

    Raises:
        InstanceError: Not an .npz file, broken, missing or unknown keys, an array of Python objects, or too much.
    """
    keys = (*required, *(f"[{name}]" for name in optional))
    try:
        if not zipfile.is_zipfile(file):
            raise InstanceError(f"{source}: not an .npz file (or cut short): expected arrays {', '.join(keys)}")
        if hasattr(file, "seek"):
            file.seek(0)
        with zipfile.ZipFile(file) as archive:
            _check_unpacked(archive, source, most)
        if hasattr(file, "seek"):
            file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            for name in required:
                if name not in archive.files:
                    found = ", ".join(archive.files) or "nothing"
                    raise InstanceError(f"{source}: no array {name!r} among {found}: expected {', '.join(keys)}")
            for name in archive.files:
                if name not in (*required, *optional):
                    raise InstanceError(f"{source}: unknown array {show(name)}: expected {', '.join(keys)}")
            return {name: _load_array(archive, name, source) for name in archive.files}
    except _DAMAGE as error:
        if isinstance(error, InstanceError):
            raise
        raise InstanceError(
            f"{source}: not a readable .npz file ({error!s:.100}): expected {', '.join(keys)}"
        ) from error


def _check_unpacked(archive: zipfile.ZipFile, source: str, most: int) -> None:
    """Refuse arrays that would fill the memory, by what the archive and their own headers say, before one is read."""
    size = sum(each.file_size for each in archive.infolist())
    for each in archive.infolist():
        with archive.open(each) as file:
            if file.read(len(np.lib.format.MAGIC_PREFIX)) != np.lib.format.MAGIC_PREFIX:
                continue
            version = tuple(file.read(2))
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            try:
                shape, _, dtype = read(file)
            except _DAMAGE:
                continue  # which is said when it is read
            size += max(0, math.prod(shape) * dtype.itemsize - each.file_size)
    if size > most:
        sizes = f"arrays of {size / 2**20:,.0f} MiB: expected at most {most / 2**20:,.0f} MiB"
        raise InstanceError(f"{source}: unpacks to {sizes}")


def _load_array(archive: Any, name: str, source: str) -> np.ndarray:
    try:
        array = archive[name]
    except _DAMAGE as error:
        raise InstanceError(
            f"{source}: array {name!r} cannot be read ({error!s:.100}): expected plain numbers"
        ) from error
    if not isinstance(array, np.ndarray):
        raise InstanceError(f"{source}: {name!r} is not an array: expected plain numbers")
    return array


def korea_post_parcels(cell: Length = "1cm") -> Catalogue:
    """Return a morning's Korea Post parcels: the six boxes with made-up quantities, about 1.3 pallets in all.

    Args:
        cell: Cell size; edges are rounded up to cells.
    """
    file = resources.files("binpack.items").joinpath("korea_post.csv")
    rows, _ = read_rows(file.read_text(encoding="utf-8"), "korea_post.csv")
    return _build(rows, "korea_post", Grid(millimetres(cell, "cell")), own="cm")


def korea_post(cell: Length = "1cm") -> Catalogue:
    """Return the six Korea Post parcel boxes, one of each (No.1 22x19x9 to No.5 48x38x34 cm).

    Example:
        >>> korea_post("10cm").edges[0].tolist()  # 22 x 19 x 9 cm, each edge rounded up to whole cells
        [3, 2, 1]

    Args:
        cell: Cell size; edges are rounded up to cells.
    """
    parcels = korea_post_parcels(cell)
    return replace(parcels, quantity=np.ones_like(parcels.quantity))


def fits(edges: np.ndarray, upright: np.ndarray | None, bin_size: Sequence[int], rotation: str) -> np.ndarray:
    """Say which items fit an empty bin in at least one permitted orientation.

    Args:
        edges: ``(..., 3)`` integers, cells.
        upright: ``(..., 3)`` bool, which edge may stand upright; None permits all.
        bin_size: The bin's three edges, cells.
        rotation: ``"none"``, ``"z"`` or ``"all"``.

    Returns:
        ``(...)`` bool.

    Raises:
        InstanceError: Unknown rotation.
    """
    if rotation not in ROTATIONS:
        raise InstanceError(f"rotation {show(rotation)}: expected one of {', '.join(ROTATIONS)}")
    orientations = np.array(ORIENTATIONS[: ROTATIONS[rotation]])
    fitting = (edges[..., orientations] <= np.asarray(bin_size)).all(axis=-1)
    if upright is not None:
        fitting &= upright[..., orientations[:, 2]]
    return np.asarray(fitting.any(axis=-1))


def misfit(
    edges: Sequence[int], upright: Sequence[bool], bin_size: Sequence[int], rotation: str, cells: str = ""
) -> str:
    """Return the words for an item that fits the bin in no permitted orientation; `cells` says more of the edges."""
    allowed = [name for name, flag in zip(EDGES, upright, strict=True) if flag]
    limits = "" if len(allowed) == 3 else f", upright only {' or '.join(allowed)}"
    size, room = ("x".join(map(str, map(int, numbers))) for numbers in (edges, bin_size))
    return f"item {size}{cells} fits the bin {room} in no permitted orientation (rotation {rotation}{limits})"


def check_fits(
    catalogue: Catalogue, bin_size: Sequence[int], rotation: str = "none", cell: Length | None = None
) -> None:
    """Raise unless every item fits the empty bin in at least one permitted orientation.

    Args:
        catalogue: The items.
        bin_size: The bin's edges in cells.
        rotation: ``"none"``, ``"z"`` or ``"all"``.
        cell: Cell size, for the message.

    Raises:
        InstanceError: Names file, line, item, edges and bin; or an unknown rotation.
    """
    bad = np.flatnonzero(~fits(catalogue.edges, catalogue.upright, bin_size, rotation))
    if bad.size:
        index = int(bad[0])
        real = ""
        if cell is not None and catalogue.lengths is not None:
            own = catalogue.units if len(catalogue.units) == 1 and not catalogue.bare else ()
            unit = next(iter(own), unit_of(cell) or "cm")
            one = float(MILLIMETRES[unit])
            lengths = "x".join(f"{length / one:.6g}" for length in catalogue.lengths[index].tolist())
            real = f" cells of {terminal(cell)} ({lengths} {unit})"
        words = misfit(catalogue.edges[index], catalogue.upright[index], bin_size, rotation, real)
        raise InstanceError(f"{catalogue.where(index)}: {words}")
