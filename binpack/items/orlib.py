"""The OR-Library's container loading text (Bischoff and Ratcliff 1995; files thpack1 to thpack9).

A file holds many problems, and of those that nobody asked for only the beginning and the end matter: where one is
broken, the others are read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from binpack.items.rows import Row
from binpack.items.units import Grid, InstanceError, RealBin, real_bin, show, whole

_Line = tuple[int, list[str]]


def read_problem(text: str, source: str, grid: Grid, problem: int) -> tuple[RealBin, list[Row], tuple[str, ...]]:
    """Read one problem.

    Args:
        text: The file.
        source: Its name, for messages.
        grid: What turns its numbers into cells.
        problem: The problem's number.

    Returns:
        The container, the rows, and what is worth a line of output.

    Raises:
        InstanceError: There is no such problem, or something is wrong with it.
    """
    lines = [(number, line.split()) for number, line in enumerate(io.StringIO(text), start=1) if line.split()]
    if not lines:
        raise InstanceError(f"{source}: line 1: the file is empty, expected an OR-Library container loading problem")
    # With a leading count the second line is a problem's "number [seed]"; without it, the container's three edges.
    announced = None
    if len(lines) > 1 and len(lines[0][1]) == 1 and len(lines[1][1]) < 3:
        announced = whole(lines[0][1][0], f"{source}: line {lines[0][0]}: number of problems")
        lines = lines[1:]
    found: list[int] = []
    nameless: InstanceError | None = None
    chosen = None
    for start, end in _problems(lines):
        try:
            found.append(_number(lines[start][1], f"{source}: line {lines[start][0]}:"))
        except InstanceError as error:
            nameless = nameless or error
            continue
        if found[-1] == problem and chosen is None:
            chosen = _problem(lines, start, end, source, grid)
    if chosen is None:
        raise nameless or InstanceError(_no_such(problem, found, announced, source, lines[-1][0]))
    notes: tuple[str, ...] = ()
    if announced not in (None, len(found)):
        notes = (f"{source}: its first line says {announced} problems, and it has {len(found)}",)
    return *chosen, notes


def _no_such(problem: int, found: Sequence[int], announced: int | None, source: str, last: int) -> str:
    """Return the message for a problem that is not there."""
    if announced is not None and len(found) < announced:
        return f"{source}: line {last}: ends after problem {found[-1]}: expected {announced} problems"
    known = ", ".join(map(str, found)) if len(found) <= 8 else f"{found[0]} to {found[-1]}"
    return f"{source}: problem {problem}: no such problem, expected one of {known}"


def _problems(lines: Sequence[_Line]) -> Iterator[tuple[int, int]]:
    """Yield where each problem begins and where it ends, also of one whose number of item types is wrong."""
    start = 0
    while start < len(lines):
        end = _announced_end(lines, start)
        if end is None:
            later = (at for at in range(start + 1, len(lines)) if _begins(lines, at))
            end = next(later, len(lines))
        yield start, end
        start = end


def _announced_end(lines: Sequence[_Line], start: int) -> int | None:
    """Return where a problem ends by its own number of item types; None if that is no number, or not the end."""
    words = lines[start + 2][1] if start + 2 < len(lines) else []
    if len(words) != 1 or not (words[0].isascii() and words[0].isdecimal()) or len(words[0]) > 9:
        return None
    end = start + 3 + int(words[0])
    if end > len(lines) or any(_begins(lines, at) for at in range(start + 1, end)):
        return None
    return end if end == len(lines) or len(lines[end][1]) <= 2 else None


def _begins(lines: Sequence[_Line], at: int) -> bool:
    """Say whether lines look like a problem's first three: number and seed, three edges, the number of types."""
    return [len(words) for _, words in lines[at : at + 3]] in ([1, 3, 1], [2, 3, 1])


def _number(words: list[str], where: str) -> int:
    """Return a problem's number from its first line: number and, in most files, the seed."""
    if len(words) > 2:
        raise InstanceError(f"{where} {show(' '.join(words))}: expected a problem's number and seed")
    number = whole(words[0], f"{where} problem number")
    if len(words) == 2:
        whole(words[1], f"{where} seed", least=0)
    return number


def _problem(lines: Sequence[_Line], start: int, end: int, source: str, grid: Grid) -> tuple[RealBin, list[Row]]:
    """Return container and rows of the problem that stands in `lines[start:end]`."""
    at = start

    def read(count: int, expected: str) -> tuple[str, list[str]]:
        nonlocal at
        at += 1
        if at >= len(lines):
            raise InstanceError(f"{source}: line {lines[-1][0]}: the file ends here, expected {expected} next")
        number, words = lines[at]
        if len(words) != count:
            shown = f"{len(words)} numbers {show(' '.join(words))}"
            raise InstanceError(f"{source}: line {number}: {shown}: expected {count} ({expected})")
        return f"{source}: line {number}:", words

    where, words = read(3, "the container's length, width and height")
    container = real_bin(words, grid, f"{where} container")
    where, words = read(1, "the number of item types")
    rows = []
    for _ in range(whole(words[0], f"{where} number of item types")):
        where, words = read(8, "i length flag width flag height flag count")
        whole(words[0], f"{where} item type")
        for flag in words[2:7:2]:
            if flag not in ("0", "1"):
                raise InstanceError(f"{where} flag {show(flag)}: expected 0 or 1 (may this edge stand upright)")
        flags = tuple(flag == "1" for flag in words[2:7:2])
        edges = (words[1], words[3], words[5])
        rows.append(Row(f"line {lines[at][0]}", edges, words[7], f"type {words[0]}", None, flags))
    if at + 1 < end:
        number, words = lines[at + 1]
        _number(words, f"{source}: line {number}:")
        raise InstanceError(f"{source}: line {number}: {show(' '.join(words))}: expected the end of the problem")
    return container, rows
