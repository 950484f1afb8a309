"""What ``pack`` did, in each form in which it is asked for: lines for a person, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size

from binpack.core.placement import ORIENTATIONS, ROTATIONS
from binpack.files import write_text
from binpack.items.catalogue import Catalogue
from binpack.items.units import MILLIMETRES, millimetres
from binpack.text import spreadsheet, terminal

if TYPE_CHECKING:
    from binpack.env.config import EnvConfig

MANY_BOXES = 100
"""Boxes up to which a terminal shows each in a line."""
_SHOWN = 20
_IN_A_LINE = 4
"""Kinds of items that are listed in one line."""
_SHORTEST = 12
"""Letters of a name that a table shows in the narrowest terminal; a Korean one counts twice."""


@dataclass(frozen=True, eq=False)
class Searched:
    """What a search for better packings did.

    Attributes:
        seed: Of the search.
        tries: How many tries there were for each bin.
        one_pass: The bins as one pass packed them.
        shuffled: Whether the seed was given, which shuffles the items as well.
    """

    seed: int
    tries: tuple[int, ...]
    one_pass: tuple[Packed, ...]
    shuffled: bool = False

    @property
    def again(self) -> str:
        """Return the options that make the same packing again."""
        return (f"--seed {self.seed} " if self.shuffled else "") + "--tries " + ",".join(map(str, self.tries))


@dataclass(frozen=True, eq=False)
class Packed:
    """A catalogue's items in one bin.

    Attributes:
        boxes: Placed boxes in order of placing, integers (n, 6): x, y, z, length, width, height, in cells.
        kinds: Which kind of the catalogue each is, from 0, integers (n,).
        fitting: Which kinds fit the empty bin, bool (kinds,).
        catalogue: The items.
        config: Bin, cell and rotation.
        offered: How many of each kind there were to pack, integers (kinds,).
        room: The bin's edges in mm before they were rounded down to cells; None where numbers are cells.
        assumed: What was assumed of units, or None.
        searched: What the search for this and the other bins did, or None.
    """

    boxes: NDArray
    kinds: NDArray
    fitting: NDArray
    catalogue: Catalogue
    config: EnvConfig
    offered: NDArray
    room: tuple[float, float, float] | None = None
    assumed: str | None = None
    searched: Searched | None = None

    @cached_property
    def left(self) -> NDArray:
        """How many of each kind are left when the bin is packed, int64 (kinds,)."""
        return self.offered - np.bincount(self.kinds, minlength=len(self.catalogue.names))

    @property
    def labels(self) -> list[str]:
        """The name of each box."""
        return [self.catalogue.names[kind] for kind in self.kinds]

    @property
    def utilization(self) -> float:
        """Packed share of the bin's cells."""
        return int(self.boxes[:, 3:].prod(axis=1, dtype=np.int64).sum()) / self.config.volume

    @property
    def true_utilization(self) -> float | None:
        """Packed share of the bin's volume, both as they are before edges are rounded; None where numbers are cells."""
        if self.room is None or self.catalogue.lengths is None:
            return None
        return float(self.catalogue.lengths[self.kinds].prod(axis=1).sum() / np.prod(self.room))

    def turn(self, index: int) -> str:
        """Return which of its item's edges lie along x, y and z of a box: ``LWH`` as given, ``WLH`` turned once."""
        kind, box = self.kinds[index], self.boxes[index, 3:].tolist()
        edges, upright = self.catalogue.edges[kind].tolist(), self.catalogue.upright[kind]
        return next(
            "".join("LWH"[axis] for axis in order)
            for order in ORIENTATIONS[: ROTATIONS[self.config.rotation]]
            if upright[order[2]] and [edges[axis] for axis in order] == box
        )


def lines(bins: Sequence[Packed], width: int | None = None) -> Iterator[str]:
    """Yield the table of placed boxes of each bin and the summary; lengths are in cells.

    Args:
        bins: what was packed, one bin or more.
        width: of a terminal, where boxes in the middle of a long table are left out and long names are cut; elsewhere
            everything is there.
    """
    last, several = bins[-1], len(bins) > 1
    count = sum(len(packed.boxes) for packed in bins)
    if several and width is not None and count > MANY_BOXES:
        yield from columns([("bin", "items", "utilization"), *_overview(bins)], 1, width)
        yield "the boxes: --placements FILE.csv and --json have each"
    else:
        for number, packed in enumerate(bins, start=1):
            if several:
                yield f"bin {number} of {len(bins)}"
            yield from _table(packed, width)
            yield f"utilization {_share([packed])}"
    if several:
        yield f"total: utilization {_share(bins)}"
    if last.searched is not None:
        yield _search_line(bins, last.searched)
    left = np.where(last.fitting, last.left, 0)
    counted = f"{count} of {last.catalogue.total} items packed, {left.sum()} left over"
    yield from _listed(counted, left, last, width)
    outside = np.where(last.fitting, 0, last.left)
    if outside.any():
        fit = "fits" if outside.sum() == 1 else "fit"
        yield from _listed(f"{outside.sum()} {fit} the empty bin in no permitted orientation", outside, last, width)


def _search_line(bins: Sequence[Packed], searched: Searched) -> str:
    """Say what the search made of the pass, and what makes it again."""
    before, count = searched.one_pass, sum(searched.tries)
    if not count:
        return "search: the time was up before the first try had ended"
    tried = f"search: {_counted(count, 'try', 'tries')} with seed {searched.seed}"
    again = f"({searched.again} makes it again)"
    if all(one.boxes is other.boxes for one, other in zip(bins, before, strict=False)) and len(bins) == len(before):
        return f"{tried}: nothing better than one pass {again}"
    share, old = (mean_share(each, true=True) or mean_share(each) or 0.0 for each in (bins, before))
    number, old_number = (sum(len(packed.boxes) for packed in each) for each in (bins, before))
    if (share, number, len(bins)) == (old, old_number, len(before)):
        return f"{tried}: the first bins are fuller than in one pass {again}"
    gains = [f"{share:.4f} in place of {old:.4f} in one pass"]
    if number != old_number:
        gains.append(f"{number} items in place of {old_number}")
    if len(bins) != len(before):
        gains.append(f"{_counted(len(bins), 'bin', 'bins')} in place of {len(before)}")
    return f"{tried}: {', '.join(gains)} {again}"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _overview(bins: Sequence[Packed]) -> Iterator[tuple[str, str, str]]:
    """Yield a row for each bin: its number, how many items are in it, and the packed share."""
    for number, packed in enumerate(bins, start=1):
        yield str(number), str(len(packed.boxes)), f"{packed.true_utilization or packed.utilization:.4f}"


def _share(bins: Sequence[Packed]) -> str:
    """Return the packed share of bins of one size in words: in true volumes, where there are any, and in cells."""
    config, true = bins[0].config, mean_share(bins, true=True)
    room = "a bin" if len(bins) == 1 else f"{len(bins)} bins"
    size = _times(config.bin_size) + " cells" + (f" of {config.cell}" if config.cell else "")
    shown = "" if true is None else f"{true:.4f} in true volumes, "
    return f"{shown}{mean_share(bins):.4f} of {room} of {size}"


def mean_share(bins: Sequence[Packed], *, true: bool = False) -> float | None:
    """Return the packed share of all bins, in cells or in true volumes; None where there are none."""
    shares = [packed.true_utilization if true else packed.utilization for packed in bins]
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known else None


def _table(packed: Packed, width: int | None) -> Iterator[str]:
    """Yield the table of the boxes in a bin."""
    rows = [
        (str(number), terminal(name), _times(box[3:]), ",".join(map(str, box[:3])))
        for number, (name, box) in enumerate(zip(packed.labels, packed.boxes.tolist(), strict=True), start=1)
    ]
    head = ("item", "name", "edges", "position")
    if width is not None and len(rows) > MANY_BOXES:
        yield from columns([head, *rows[:_SHOWN]], 1, width)
        yield f"... {len(rows) - 2 * _SHOWN} more boxes: --placements FILE.csv and --json have each"
        yield from columns([head, *rows[-_SHOWN:]], 1, width)
    else:
        yield from columns([head, *rows], 1, width)


def _listed(heading: str, counts: NDArray, packed: Packed, width: int | None) -> Iterator[str]:
    """Yield how many there are of each kind: few in the heading's line, more as a table of sizes."""
    catalogue, kinds = packed.catalogue, np.flatnonzero(counts)
    few = ", ".join(f"{counts[kind]} x {terminal(catalogue.names[kind])}" for kind in kinds[:_IN_A_LINE])
    if len(kinds) <= _IN_A_LINE:
        yield heading + (f": {few}" if few else "")
        return
    yield f"{heading}:"
    sizes: dict[tuple[int, ...], list[int]] = {}
    for kind in kinds.tolist():
        sizes.setdefault(tuple(catalogue.edges[kind].tolist()), []).append(kind)
    # the most first, and then as the file has them
    every = sorted(sizes.items(), key=lambda size: -sum(counts[kind] for kind in size[1]))
    rows = [
        (f"  {sum(counts[kind] for kind in same)} x", _times(edges), _names([catalogue.names[kind] for kind in same]))
        for edges, same in every[:_SHOWN]
    ]
    yield from columns(rows, 2, width)
    rest = [kind for _, same in every[_SHOWN:] for kind in same]
    if rest:
        yield f"  {sum(counts[kind] for kind in rest)} more in {_other(len(every) - _SHOWN, 'size')}: --json has each"


def _names(names: Sequence[str]) -> str:
    """Return the names of kinds of a size: of more than two the first."""
    if len(names) <= 2:
        return ", ".join(map(terminal, names))
    return f"{terminal(names[0])} and {_other(len(names) - 1, 'kind')}"


def _other(count: int, what: str) -> str:
    return f"{count} other {what}{'s' * (count > 1)}"


def columns(rows: Sequence[Sequence[str]], name: int, width: int | None = None) -> Iterator[str]:
    """Yield rows of text as lines, in columns of a width; a Korean letter takes the room of two others.

    Args:
        rows: the texts.
        name: which column is cut where lines would be longer than a terminal.
        width: of the terminal, None for elsewhere.
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    if width is not None:
        rest = sum(widths) - widths[name] + 2 * (len(widths) - 1)
        widths[name] = min(widths[name], max(width - rest, _SHORTEST))
    for row in rows:
        cut = [_cut(text, room) for text, room in zip(row, widths, strict=True)]
        yield "  ".join(text + " " * (room - cell_len(text)) for text, room in zip(cut, widths, strict=True)).rstrip()


def _cut(text: str, room: int) -> str:
    return text if cell_len(text) <= room else set_cell_size(text, room - 1).rstrip() + "…"


def as_json(bins: Sequence[Packed]) -> dict[str, Any]:
    """Return everything as plain values; items are numbered from 1 as they stand in the file, and so are bins."""
    last = bins[-1]
    catalogue, config = last.catalogue, last.config
    boxes = [
        {"bin": number, **_item(packed, kind), "position": box[:3], "edges": box[3:], "turn": packed.turn(order)}
        for number, packed in enumerate(bins, start=1)
        for order, (kind, box) in enumerate(zip(packed.kinds.tolist(), packed.boxes.tolist(), strict=True))
    ]
    rest = [
        {**_item(last, kind), "quantity": int(last.left[kind]), "edges": catalogue.edges[kind].tolist()}
        for kind in np.flatnonzero(last.left).tolist()
    ]
    return {
        "items": catalogue.source,
        "bin": {
            "edges": list(config.bin_size),
            "cell": config.cell,
            "lengths_mm": None if last.room is None else list(last.room),
        },
        "rotation": config.rotation,
        "support": str(config.support),
        **_shares(bins),
        "packed": len(boxes),
        "total": catalogue.total,
        "bins": [{"packed": len(packed.boxes), **_shares([packed])} for packed in bins],
        "boxes": boxes,
        "left_over": [each for each in rest if last.fitting[each["item"] - 1]],
        "fits_no_bin": [each for each in rest if not last.fitting[each["item"] - 1]],
        "search": None if last.searched is None else _search(last.searched),
        "assumed": last.assumed,
        "notes": list(catalogue.notes),
    }


def _search(searched: Searched) -> dict[str, Any]:
    """Return what a search did as plain values."""
    before = searched.one_pass
    one_pass = {"packed": sum(len(packed.boxes) for packed in before), "bins": len(before), **_shares(before)}
    return {"seed": searched.seed, "tries": list(searched.tries), "again": searched.again, "one_pass": one_pass}


def _shares(bins: Sequence[Packed]) -> dict[str, float | None]:
    """Return the packed shares of bins, in cells and in true volumes, rounded."""
    shares = {"utilization": mean_share(bins), "true_utilization": mean_share(bins, true=True)}
    return {name: None if share is None else round(share, 6) for name, share in shares.items()}


def _item(packed: Packed, kind: int) -> dict[str, Any]:
    places = packed.catalogue.places
    return {"item": kind + 1, "name": packed.catalogue.names[kind], "place": places[kind] if places else None}


def write_placements(path: Path, bins: Sequence[Packed], unit: str) -> None:
    """Write each box with its bin, item, turn and place as CSV, in loading order.

    Names that a spreadsheet would compute have an apostrophe before them; UTF-8 has its mark, which Excel asks for.

    Args:
        path: the file.
        bins: what was packed.
        unit: of lengths, such as ``cm``; where the bin has no cell size they are in cells.
    """
    scale, cell = Fraction(1), bins[0].config.cell
    if cell is not None:
        scale = millimetres(cell, "cell") / MILLIMETRES[unit]
    measure = "cells" if cell is None else unit
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    lengths = [f"{name}_{measure}" for name in ("x", "y", "z", "along_x", "along_y", "along_z")]
    writer.writerow(["bin", "order", "item", "name", "place", "turn", *lengths])
    for number, packed in enumerate(bins, start=1):
        for index, (kind, box) in enumerate(zip(packed.kinds.tolist(), packed.boxes.tolist(), strict=True)):
            item = _item(packed, kind)
            name, place = spreadsheet(terminal(item["name"])), [f"{float(edge * scale):.12g}" for edge in box]
            writer.writerow([number, index + 1, item["item"], name, item["place"], packed.turn(index), *place])
    write_text(path, "\ufeff" + text.getvalue())


def _times(edges: Sequence[int]) -> str:
    return "x".join(map(str, edges))
