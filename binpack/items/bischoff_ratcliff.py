"""Bischoff and Ratcliff's container loading problems BR1 to BR7, which the OR-Library keeps as thpack1 to thpack7.

They come from a generator that the paper prints, "Issues in the development of approaches to container loading" (Omega
1995), so they can be made where the files are not at hand. Random numbers are those of Park and Miller's minimal
standard generator ("Random number generators: good ones are hard to find", Communications of the ACM 1988).
"""

from __future__ import annotations

from collections.abc import Iterator

from binpack.items.units import InstanceError

CONTAINER = (587, 233, 220)
"""Length, width and height of a 20-foot container, in cm."""
TYPES = {1: 3, 2: 5, 3: 8, 4: 10, 5: 12, 6: 15, 7: 20}
"""How many types of boxes the problems of each file have."""
PROBLEMS = 100
"""How many problems each file has."""

_LEAST, _MOST = (30, 25, 20), (120, 100, 80)
"""Between these lie a box's three edges before they are sorted, in cm."""
_STABLE = 2
"""An edge may stand upright where it is less than so many times the shortest of the other two."""


def problem(file: int, number: int) -> str:
    """Return one problem as the OR-Library's text writes it.

    >>> print(problem(1, 1))
    1 2502505
    587 233 220
    3
    1 108 0 76 0 30 1 40
    2 110 0 43 1 25 1 33
    3 92 1 81 1 55 1 39

    Args:
        file: 1 to 7, for BR1 to BR7.
        number: of the problem, 1 to 100.

    Raises:
        InstanceError: There is no such problem.
    """
    if file not in TYPES or not 1 <= number <= PROBLEMS:
        raise InstanceError(f"problem {number} of BR{file}: expected 1 to {PROBLEMS} of BR1 to BR{max(TYPES)}")
    seed = 2_502_505 + 100 * (number - 1)
    draws = _minimal_standard(seed)
    for _ in range(10):
        next(draws)
    edges, upright = [], []
    for _ in range(TYPES[file]):
        drawn = [low + int(next(draws) * (high - low + 1)) for low, high in zip(_LEAST, _MOST, strict=True)]
        box = sorted(drawn, reverse=True)
        edges.append(box)
        upright.append([int(edge < _STABLE * min(box[:i] + box[i + 1 :])) for i, edge in enumerate(box)])
    volumes = [box[0] * box[1] * box[2] for box in edges]
    counts, free = [1] * len(edges), CONTAINER[0] * CONTAINER[1] * CONTAINER[2] - sum(volumes)
    while True:  # boxes of types drawn at random, until the next one would be more than the container
        kind = int(next(draws) * len(edges))
        if volumes[kind] > free:
            break
        counts[kind] += 1
        free -= volumes[kind]
    lines = [f"{number} {seed}", " ".join(map(str, CONTAINER)), str(len(edges))]
    for row, (box, flags, count) in enumerate(zip(edges, upright, counts, strict=True), start=1):
        pairs = " ".join(f"{edge} {flag}" for edge, flag in zip(box, flags, strict=True))
        lines.append(f"{row} {pairs} {count}")
    return "\n".join(lines)


def file_text(file: int, problems: int = PROBLEMS) -> str:
    """Return a file of problems, the first line of which says how many there are.

    Args:
        file: 1 to 7, for thpack1 to thpack7.
        problems: how many of them, the first ones.
    """
    return "\n".join([str(problems), *(problem(file, number) for number in range(1, problems + 1)), ""])


def _minimal_standard(seed: int) -> Iterator[float]:
    """Yield random numbers in (0, 1)."""
    modulus = 2**31 - 1
    while True:
        seed = seed * 16_807 % modulus
        yield seed / modulus
