"""Lengths, units and the grid of cells, and the one error of everything that makes or reads items.

Lengths are exact fractions of a millimetre until they become whole cells, so 35 cm on a grid of ``50mm`` is exactly 7
cells. Items round **up** to cells and bins round **down**: what fits on the grid fits in the world.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from binpack.files import InputError

MAX_BIN_EDGE = 1000
"""Longest edge of a bin, in cells: beyond it a height map is no longer something to learn on."""
MAX_ITEM_EDGE = 1_000_000
"""Longest edge of an item, in cells."""
MAX_ITEMS = 10_000
"""Most items in one episode."""
MILLIMETRES = {"mm": Fraction(1), "cm": Fraction(10), "dm": Fraction(100), "m": Fraction(1000), "in": Fraction(254, 10)}
UNITS = "mm, cm, dm, m or in"
_SPELLINGS = {
    "mm": "millimeter millimeters millimetre millimetres 밀리미터 밀리",
    "cm": "cms centimeter centimeters centimetre centimetres 센티미터 센티",
    "dm": "decimeter decimeters decimetre decimetres",
    "m": "meter meters metre metres 미터",
    "in": "inch inches \" '' ″ ′′ 인치",
}
SPELLINGS = {word: unit for unit, words in _SPELLINGS.items() for word in (unit, *words.split())}
"""The unit that a lower-case word or mark means, beside a number, in a column of units or in a heading."""
Length = str | float
"""A length with its unit, as in ``"50mm"``, or a plain number of millimetres."""
_NUMBER = re.compile(
    r"([+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][+-]?[0-9]{1,2})?)\s*([^\W\d_]*|\"|''|″|′′)"
)
_A_LENGTH = "a number above 0, such as 35, 3.5 or 350mm"


class InstanceError(InputError):
    """Items that cannot be made or read. The message is one line, whatever the offending value holds."""

    def __init__(self, message: str) -> None:
        """Keep `message`, its line breaks turned into blanks."""
        super().__init__(" ".join(str(message).splitlines()))


def show(value: Any) -> str:
    """Return `value` for a message: its repr, at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _number(value: Any) -> tuple[Fraction | None, str]:
    """Read a number and its unit suffix exactly; ``(None, "")`` where it is none (NaN, infinity, booleans, text)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None, ""
    if isinstance(value, int) and abs(value) >= 10**18:
        return None, ""
    match = _NUMBER.fullmatch(value.strip() if isinstance(value, str) else repr(value))
    if match is None:
        return None, ""
    unit = match[2].lower()
    return Fraction(match[1]), SPELLINGS.get(unit, unit)


def unit_of(value: Any) -> str:
    """Return the unit that a number carries, empty for none."""
    return _number(value)[1]


def whole(value: Any, where: str, *, least: int = 1, expected: str | None = None) -> int:
    """Return `value` as a whole number of at least `least`, or raise `InstanceError`."""
    number, unit = _number(value)
    if number is None or unit or number.denominator != 1 or number < least:
        raise InstanceError(f"{where} {show(value)}: expected {expected or f'a whole number from {least} up'}")
    return int(number)


def check_range(low: int, high: int, what: str) -> None:
    """Raise `InstanceError` unless `low` and `high` are whole numbers with 1 <= low <= high."""
    integers = all(isinstance(edge, int | np.integer) and not isinstance(edge, bool) for edge in (low, high))
    if not integers or not 1 <= low <= high:
        raise InstanceError(f"{what} {low}-{high}: expected whole numbers with 1 <= low <= high")


def unit_name(value: Any, where: str) -> str:
    """Return the name of a unit in any of its spellings, or raise `InstanceError`."""
    name = SPELLINGS.get(value.strip().lower()) if isinstance(value, str) else None
    if name is None:
        raise InstanceError(f"{where} {show(value)}: expected {UNITS}")
    return name


def millimetres(value: Length, where: str) -> Fraction:
    """Return a length with unit (or a number of mm) as exact millimetres."""
    number, unit = _number(value)
    if number is None or number <= 0:
        raise InstanceError(f"{where} {show(value)}: expected a length above 0 with its unit, such as 50mm or 5cm")
    if isinstance(value, str) and unit not in MILLIMETRES:
        problem = f"unknown unit {show(unit)}, " if unit else "a unit is missing, "
        raise InstanceError(f"{where} {show(value)}: {problem}expected {UNITS}, as in 50mm")
    return number * MILLIMETRES[unit or "mm"]


@dataclass(frozen=True)
class Grid:
    """What turns lengths into cells: the cell in mm (None: numbers are cells already) and the unit of bare numbers."""

    cell: Fraction | None
    unit: str = "cm"

    def cells(self, value: Any, where: str, *, unit: Any = None, up: bool = True) -> int:
        """Return `value` in whole cells, rounded up (items) or down (bins).

        Raises:
            InstanceError: Not a positive number, an unknown unit, or a unit without a cell size.
        """
        return self.measure(value, where, unit=unit, up=up)[0]

    def measure(self, value: Any, where: str, *, unit: Any = None, up: bool = True) -> tuple[int, Fraction | None]:
        """Return `value` in whole cells as `cells` does, and in mm; None where numbers are cells."""
        number, own = _number(value)
        shown = f"{where} {show(value)}"
        if number is None or number <= 0:
            raise InstanceError(f"{shown}: expected {_A_LENGTH}")
        if own and own not in MILLIMETRES:
            raise InstanceError(f"{shown}: unknown unit {show(own)}, expected {UNITS}")
        unit = own or unit
        if self.cell is None:
            if unit:
                raise InstanceError(f"{shown}: expected a cell size beside the unit {unit} (such as --cell 50mm)")
            if number.denominator != 1:
                raise InstanceError(f"{shown}: expected a whole number of cells (or a cell size, such as --cell 50mm)")
            return self._capped(int(number), shown), None
        length = number * MILLIMETRES[unit or self.unit]
        size = length / self.cell
        cells = -(-size.numerator // size.denominator) if up else size.numerator // size.denominator
        return self._capped(cells, shown), length

    @staticmethod
    def _capped(cells: int, shown: str) -> int:
        if cells > MAX_ITEM_EDGE:
            raise InstanceError(f"{shown}: {cells:.3g} cells, expected at most {MAX_ITEM_EDGE}")
        return cells


def parse_length(text: Length) -> float:
    """Return a length in millimetres.

    Example:
        >>> parse_length("5cm")
        50.0

    Args:
        text: A number with its unit (mm, cm, dm, m, in), such as ``"50mm"``; a plain float counts millimetres.

    Raises:
        InstanceError: Not a positive length with a unit.
    """
    return float(millimetres(text, "length"))


class RealBin(NamedTuple):
    """A bin on the grid and in the world."""

    edges: tuple[int, int, int]
    """Its edges in whole cells."""
    lengths: tuple[Fraction, Fraction, Fraction] | None
    """The same in mm before they were rounded down; None where numbers are cells."""


def parse_bin(text: str | Sequence[Any], cell: Length | None = None, *, unit: str = "cm") -> tuple[int, int, int]:
    """Return a bin's edges in cells.

    Example:
        >>> parse_bin("10x8x6"), parse_bin("110x110x100", cell="50mm")
        ((10, 8, 6), (22, 22, 20))

    Args:
        text: ``"110x110x100"``, with a unit after the last or after each edge if you like, or three numbers.
        cell: Cell size. Without it the numbers are cells; with it they are lengths, rounded **down** to cells.
        unit: Unit of numbers that carry none.

    Raises:
        InstanceError: Not three positive edges, an edge under one cell, or one over `MAX_BIN_EDGE` cells.
    """
    grid = Grid(None if cell is None else millimetres(cell, "cell"), unit_name(unit, "unit"))
    return real_bin(text, grid, "bin").edges


def real_bin(text: Any, grid: Grid, where: str) -> RealBin:
    """Return a bin on `grid` and in the world; the work of `parse_bin`, with `where` for messages."""
    parts = re.split(r"[xX*×]", text) if isinstance(text, str) else text
    if not isinstance(parts, list | tuple | np.ndarray) or len(parts) != 3:
        raise InstanceError(f"{where} {show(text)}: expected three edges, such as 110x110x100")
    parts = [part.item() if isinstance(part, np.generic) else part for part in parts]
    unit = _number(parts[2])[1] if isinstance(parts[2], str) else ""
    shared = unit if unit in MILLIMETRES else None
    measured = [grid.measure(part, f"{where} {show(text)}: edge", unit=shared, up=False) for part in parts]
    for part, (edge, _) in zip(parts, measured, strict=True):
        if not 1 <= edge <= MAX_BIN_EDGE:
            expected = f"expected 1 to {MAX_BIN_EDGE} cells (choose a {'finer' if edge < 1 else 'coarser'} cell)"
            cells = f"{edge} cells" + ("" if grid.cell is None else f" of {float(grid.cell):g}mm")
            raise InstanceError(f"{where} {show(text)}: edge {show(part)} has {cells}, {expected}")
    (length, long), (width, wide), (height, tall) = measured
    lengths = None if long is None or wide is None or tall is None else (long, wide, tall)
    return RealBin((length, width, height), lengths)


def bin_unit(text: Any) -> str | None:
    """Return the unit behind a bin's last edge, None for none.

    Example:
        >>> bin_unit("36x24x24in"), bin_unit("36x24x24")
        ('in', None)
    """
    unit = _number(re.split(r"[xX*×]", text)[-1])[1] if isinstance(text, str) else ""
    return unit if unit in MILLIMETRES else None


def bin_lengths(text: str, cell: Length | None, unit: str = "cm") -> tuple[float, float, float] | None:
    """Return a bin's edges in mm before they are rounded down to cells; None without a cell size.

    Example:
        >>> bin_lengths("36x24x24in", "1in")
        (914.4, 609.6, 609.6)

    Args:
        text: as for `parse_bin`.
        cell: Cell size.
        unit: Unit of numbers that carry none.

    Raises:
        InstanceError: As `parse_bin`.
    """
    lengths = real_bin(text, Grid(None if cell is None else millimetres(cell, "cell"), unit), "bin").lengths
    return None if lengths is None else (float(lengths[0]), float(lengths[1]), float(lengths[2]))
