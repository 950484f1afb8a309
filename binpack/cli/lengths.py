"""What commands say of lengths: the units that were assumed, and what rounding to cells made of volumes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from binpack.cli import options
from binpack.items.units import MAX_BIN_EDGE, MILLIMETRES, bin_unit, millimetres, unit_of
from binpack.text import terminal

if TYPE_CHECKING:
    from binpack.cli.packed import Packed
    from binpack.env.config import EnvConfig
    from binpack.items.catalogue import Catalogue

_TEXT = (".csv", ".tsv", ".json", ".txt", ".dat")
"""Files of items that may hold what is passed over, without a cell too."""
MOST = 0.05
"""Largest difference of a share in true volumes from that of the grid's cells that goes without a warning."""


def assumed(catalogue: Catalogue, bin_size: str | None, cell: str | None, unit: str | None) -> str | None:
    """Say which units were assumed where nothing was said, or where file and bin differ; None where all is clear.

    Args:
        catalogue: the items.
        bin_size: the bin as typed, or None for the one in the file.
        cell: as typed; without one, numbers are cells.
        unit: of numbers that carry none, as typed.
    """
    if cell is None:
        return None
    file, of_bin = catalogue.source, bin_unit(bin_size)
    said = " and ".join(catalogue.units)
    parts = []
    if catalogue.bare:
        taken = unit or of_bin or "cm"
        # what comes with the file is in its unit
        both = " and of --bin" if bin_size is not None and of_bin is None else ""
        if unit is None:
            why = "as in --bin" if of_bin else "as nothing else is said (--unit does)"
            parts.append(f"numbers of {file}{both} are {taken}, {why}")
        elif of_bin not in (None, unit):
            parts.append(f"numbers of {file} are {unit}, those of --bin {of_bin}")
    elif bin_size is not None and said and said != (of_bin or unit or "cm"):
        bare = "" if of_bin or unit else ", as nothing else is said (--unit does)"
        parts.append(f"{file} says {said}, --bin {'says' if of_bin else 'is'} {of_bin or unit or 'cm'}{bare}")
    return "; ".join(parts) or None


def say_assumed(config: EnvConfig, typed: Mapping[str, Any], base: EnvConfig | None = None, *, err: bool) -> None:
    """Say of the items in a file which units were assumed, where they were, and what was passed over, as ``pack`` does.

    Args:
        config: the environment that was made.
        typed: the options as typed, see ``options.env_settings``.
        base: what options were added to; its unit, with its bin, was chosen when it was made.
        err: on stderr, where stdout is for a program.
    """
    cell, unit = config.cell, typed["unit"]
    if base is not None and typed["bin_size"] is None:
        unit = config.unit
    # read once more, a file of some kB; names of one's own and generators have no units and pass over nothing
    told = cell is not None or Path(config.items.partition("#")[0]).suffix.lower() in _TEXT
    catalogue = getattr(config.source(), "catalogue", None) if told else None
    if catalogue is None:
        return
    if line := assumed(catalogue, typed["bin_size"], cell, unit):
        typer.echo(terminal(f"assumed: {line}"), err=err)
    for note in catalogue.notes:
        typer.echo(terminal(f"note: {note}"), err=err)


def too_coarse(packed: Packed) -> str | None:
    """Return a warning where rounding to cells changes the packed share by much, with a cell that does not."""
    true, cell = packed.true_utilization, packed.config.cell
    if true is None or cell is None or abs(packed.utilization - true) <= MOST:
        return None
    told = f"edges in whole cells of {cell} make {packed.utilization:.1%} of a true {true:.1%} of the bin"
    finer = finer_cell(packed, true)
    return told + (f": --cell {finer[0]} makes {finer[1]:.1%}" if finer else "")


def finer_cell(packed: Packed, true: float) -> tuple[str, float] | None:
    """Return the coarsest finer cell whose share would be near the true one, else the finest that runs, and its share.

    The share is that of the items that are packed now; None where no finer cell runs.

    Args:
        packed: what was packed, with its real lengths.
        true: its share of the bin in true volumes.
    """
    assert packed.room is not None and packed.catalogue.lengths is not None and packed.config.cell is not None
    room, lengths = np.array(packed.room), packed.catalogue.lengths[packed.kinds]
    best = None
    for cell in _finer(millimetres(packed.config.cell, "cell"), unit_of(packed.config.cell) or "mm", lengths):
        # a little less than a whole cell is a rounding error of the division
        size = np.floor(room / float(cell) + 1e-9)
        edges = np.ceil(lengths / float(cell) - 1e-9)
        if size.max() > MAX_BIN_EDGE or packed.config.candidates * size[:2].prod() > options.MAX_CELLS:
            break
        share = float(edges.prod(axis=1).sum() / size.prod())
        best = _text(cell, packed.config.cell), share
        if abs(share - true) <= MOST:
            break
    return best


def _finer(cell: Fraction, unit: str, lengths: np.ndarray) -> Iterator[Fraction]:
    """Yield finer cells, the coarsest first: 1, 2, 5, 10 and so on of a unit, and the edges' common measure."""
    whole = np.rint(lengths * 100).astype(np.int64)
    common = Fraction(math.gcd(*whole.reshape(-1).tolist()), 100)
    steps = {MILLIMETRES[unit] * digit * Fraction(10) ** power for digit in (1, 2, 5) for power in range(-3, 4)}
    yield from sorted((step for step in {*steps, common} if Fraction(1, 10) <= step < cell), reverse=True)


def _text(cell: Fraction, like: str) -> str:
    """Return a length in the unit of another, or in mm where there it would be less than 1."""
    unit = unit_of(like) or "mm"
    unit = "mm" if unit != "in" and cell < MILLIMETRES[unit] else unit
    return f"{float(cell / MILLIMETRES[unit]):g}{unit}"
