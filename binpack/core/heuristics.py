"""Packing heuristics: rules that a trained agent must beat.

A heuristic scores every candidate placement at once, from ``Candidates`` to float64 scores (B, K, L, W); higher is
better, and scores of placements that are not feasible mean nothing. Scores of one bin are comparable across its K
candidates, so the same rule picks the cell, the orientation and, where several items are visible, the item. ``choose``
turns scores and mask into actions.

No score loops over bins, items or cells; two of the rules loop over the different landing heights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from binpack.core import placement
from binpack.core.placement import Candidates
from binpack.files import InputError


class Bins(Protocol):
    """Bins being packed side by side, whatever keeps their state."""

    def candidates(self) -> Candidates:
        """Return every placement that is open now."""
        ...


@dataclass(frozen=True)
class Heuristic:
    """A named rule for choosing a placement; an agent, as trained ones are.

    Attributes:
        name: the name in ``HEURISTICS``.
        description: one line for a list of heuristics.
        score: from ``Candidates`` to scores, float64, (B, K, L, W), higher is better.
        needs_rng: whether ties are broken at random; otherwise the lowest action wins.
        around: the part of the score that depends on an item's landing height and on the map under its base and in a
            rim of one cell around it, from ``Candidates`` to scores (B, K, L, W), meaningless where nothing is
            feasible; None where the score is not known in parts (see ``tracking``).
        where: the part that depends on the place alone, from the bin's length and width to a factor for the first part
            and what is then added, float64, (L, W). What is the same for all placements counts to neither.
    """

    name: str
    description: str
    score: Callable[[Candidates], NDArray]
    needs_rng: bool = False
    around: Callable[[Candidates], NDArray] | None = None
    where: Callable[[int, int], tuple[float, NDArray]] | None = None

    @property
    def flat(self) -> bool:
        """Whether all placements are alike, so that the first one is taken."""
        return self.around is _alike and self.where is None

    def __call__(self, candidates: Candidates) -> NDArray:
        """Return the score of every placement, float64, (B, K, L, W)."""
        return self.score(candidates)

    def act(self, batch: Bins, rng: np.random.Generator | None = None) -> NDArray:
        """Return the action that the heuristic takes in each bin.

        Args:
            batch: B bins.
            rng: source of randomness, for the heuristics that need one.

        Returns:
            Actions, int64, (B,); -1 where nothing is feasible.

        Raises:
            ValueError: if the heuristic is random and ``rng`` is missing.
        """
        if self.needs_rng and rng is None:
            raise InputError(f"heuristic {self.name!r} needs a random generator")
        candidates = batch.candidates()
        return choose(self(candidates), candidates.mask, rng if self.needs_rng else None)


def choose(scores: NDArray, mask: NDArray, rng: np.random.Generator | None = None) -> NDArray:
    """Pick the feasible action with the highest score in each bin.

    >>> scores, mask = np.array([[[[3.0, 9.0], [5.0, 5.0]]]]), np.array([[[[True, False], [True, True]]]])
    >>> choose(scores, mask).tolist(), choose(scores, np.zeros_like(mask)).tolist()
    ([2], [-1])

    Args:
        scores: higher is better, (B, K, L, W).
        mask: feasible placements, bool, (B, K, L, W).
        rng: breaks ties uniformly at random; without it the lowest action wins.

    Returns:
        Actions ``(k * L + x) * W + y``, int64, (B,); -1 where nothing is feasible.
    """
    flat_mask = mask.reshape(len(mask), -1)
    values = np.where(flat_mask, scores.reshape(flat_mask.shape), -np.inf)
    if rng is not None:
        best = flat_mask & (values == values.max(axis=1, keepdims=True))
        values = np.where(best, rng.random(values.shape), -np.inf)
    return np.where(flat_mask.any(axis=1), values.argmax(axis=1), -1).astype(np.int64)


def random(candidates: Candidates) -> NDArray:
    """Score all placements alike: ``choose`` with a generator then draws uniformly from the feasible ones."""
    return np.zeros(candidates.mask.shape)


def _alike(candidates: Candidates) -> NDArray:
    return np.zeros(candidates.mask.shape)


def first_fit(candidates: Candidates) -> NDArray:
    """Prefer the lowest action: the first item and orientation that fit, then lowest x, then lowest y."""
    return -np.broadcast_to(
        np.arange(candidates.mask[0].size, dtype=float).reshape(candidates.mask.shape[1:]), candidates.mask.shape
    )


def deepest_bottom_left(candidates: Candidates) -> NDArray:
    """Prefer the lowest landing height, then lowest x, then lowest y.

    The placing order of Karabulut and Inceoglu, "A Hybrid Genetic Algorithm for Packing in 3D with Deepest Bottom
    Left with Fill Method" (ADVIS 2004), among the places that can be reached from above.
    """
    factor, cells = _lowest_cell(*candidates.heights.shape[1:])
    return _depth(candidates) * factor + cells


def _depth(candidates: Candidates) -> NDArray:
    return -candidates.landing.astype(float)


def _lowest_cell(length: int, width: int) -> tuple[float, NDArray]:
    return float(length * width), -np.arange(length * width, dtype=float).reshape(length, width)


def heightmap_sum(candidates: Candidates) -> NDArray:
    """Prefer the smallest sum of the height map after placing, then the smallest x + y.

    Wang and Hauser, "Stable Bin Packing of Non-convex 3D Objects with a Robot Manipulator" (ICRA 2019): minimize
    ``c (x + y) + sum of heights`` with a small ``c``; here ``c = 1 / (L + W)``, so that the corner term breaks ties.

    The sum is counted less the sum before placing and less the item's volume, which are the same for all placements of
    an item. What remains is the empty volume that the item buries, which also compares different items fairly.
    """
    factor, corner = _nearest_corner(*candidates.heights.shape[1:])
    return _not_buried(candidates) * factor + corner


def _not_buried(candidates: Candidates) -> NDArray:
    """Return the empty volume under each item, less than 0."""
    bases, widths = candidates.items[..., 0], candidates.items[..., 1]
    under = _window_sums(candidates.heights, bases, widths)
    area = (bases.astype(np.int64) * widths)[..., None, None]
    return (under - area * candidates.landing).astype(float)


def _nearest_corner(length: int, width: int) -> tuple[float, NDArray]:
    return 1.0, -np.add.outer(np.arange(length), np.arange(width)) / (length + width)


def roughness(candidates: Candidates) -> NDArray:
    """Prefer the smallest roughness after placing: the sum of height differences between cells that share a side.

    Only differences inside, and on the rim of, the item's base change: those there now are taken off, the inside
    becomes flat, and the rim becomes the steps from the item's top to the cells beside it.
    """
    steps_x, steps_y = _steps(candidates.heights)
    now = steps_x.sum(axis=(1, 2)) + steps_y.sum(axis=(1, 2))
    return _smoothed(candidates) - now[:, None, None, None]


def _smoothed(candidates: Candidates) -> NDArray:
    """Return by how much each placement lowers the roughness."""
    bases, widths = candidates.items[..., 0], candidates.items[..., 1]
    steps_x, steps_y = _steps(candidates.heights)
    shape = (candidates.heights.shape[1], candidates.heights.shape[2])
    gone = _window_sums(steps_x, bases + 1, widths, shape) + _window_sums(steps_y, bases, widths + 1, shape)
    gone[candidates.mask] -= _beside(
        candidates, -1, lambda heights, landing, tall: np.abs(heights - landing - tall) * (heights >= 0)
    )
    return gone.astype(float)


def _steps(heights: NDArray) -> tuple[NDArray, NDArray]:
    """Return height differences along x and y: entry i is the step between cells i - 1 and i.

    The first and last lie on a wall and do not count.
    """
    heights = heights.astype(np.int32)
    steps_x = np.pad(np.abs(np.diff(heights, axis=1)), ((0, 0), (1, 1), (0, 0)))
    return steps_x, np.pad(np.abs(np.diff(heights, axis=2)), ((0, 0), (0, 0), (1, 1)))


def touching_area(candidates: Candidates) -> NDArray:
    """Prefer the largest area of contact with the floor, the walls and the material beside and below.

    Lodi, Martello and Vigo's touching perimeter ("Heuristic and Metaheuristic Approaches for a Class of Two-Dimensional
    Bin Packing Problems", INFORMS Journal on Computing 1999), carried over to three dimensions. A height map does not
    know about hollows: the column under each cell counts as solid up to its height.
    """
    _, cells = placement.supported_cells(candidates.heights, candidates.items)
    # Walls are higher than any item reaches, so an item touches them with the whole of its side.
    beside = _beside(
        candidates, 2 * candidates.bin_height, lambda heights, landing, tall: np.clip(heights - landing, 0, tall)
    )
    scores = np.zeros(candidates.mask.shape)
    scores[candidates.mask] = cells[candidates.mask] + beside
    return scores


HEURISTICS: dict[str, Heuristic] = {
    rule.name: rule
    for rule in (
        Heuristic("random", "a feasible placement drawn uniformly", random, needs_rng=True, around=_alike),
        Heuristic("first_fit", "the first feasible placement in the order of actions", first_fit, around=_alike),
        Heuristic(
            "deepest_bottom_left",
            "lowest z, then lowest x, then lowest y",
            deepest_bottom_left,
            around=_depth,
            where=_lowest_cell,
        ),
        Heuristic(
            "heightmap_sum",
            "least empty volume buried under the item, nearest to the corner",
            heightmap_sum,
            around=_not_buried,
            where=_nearest_corner,
        ),
        Heuristic("roughness", "smoothest surface after placing", roughness, around=_smoothed),
        Heuristic(
            "touching_area", "largest contact with floor, walls and other items", touching_area, around=touching_area
        ),
    )
}
"""The heuristics by name."""


def _window_sums(values: NDArray, lengths: NDArray, widths: NDArray, shape: tuple[int, int] | None = None) -> NDArray:
    """Sum a map over every candidate's window at every cell.

    Args:
        values: integers, (B, M, N).
        lengths: windows' sizes along x, (B, K).
        widths: windows' sizes along y, (B, K).
        shape: how many lowest corners there are along x and y, (M, N) where it is left out.

    Returns:
        int64, (B, K, *shape); windows that stick out are cut off.
    """
    rows, columns = values.shape[1:]
    length, width = shape or (rows, columns)
    prefix = np.zeros((len(values), 1, rows + 1, columns + 1), np.int64)
    values.cumsum(axis=1, dtype=np.int64).cumsum(axis=2, out=prefix[:, 0, 1:, 1:])
    far_x = np.minimum(np.arange(length) + lengths[..., None], rows)[..., None]
    far_y = np.minimum(np.arange(width) + widths[..., None], columns)[..., None, :]
    strips = np.take_along_axis(prefix, far_x, axis=2) - prefix[:, :, :length]
    return np.take_along_axis(strips, far_y, axis=3) - strips[..., :width]


def _beside(candidates: Candidates, wall: int, measure: Callable[[NDArray, int, NDArray], NDArray]) -> NDArray:
    """Sum something over the cells beside the base of every feasible placement.

    Placements that land at one height share the map of what is summed, so a difference of two running sums answers for
    a whole side. The work grows with the number of different landing heights, not with the edges of the items.

    Args:
        candidates: the open placements.
        wall: the height of the cells outside the bin.
        measure: from heights (M, L + 2, W + 2), a landing height and the items' heights (M, 1, 1) to what is summed,
            integers (M, L + 2, W + 2).

    Returns:
        int64, one number a feasible placement, in the order of ``np.nonzero(candidates.mask)``.
    """
    row, candidate, x, y = np.nonzero(candidates.mask)
    landing = candidates.landing[candidates.mask]
    padded = np.pad(candidates.heights.astype(np.int32), ((0, 0), (1, 1), (1, 1)), constant_values=wall)
    total = np.zeros(len(row), np.int64)
    for places in _groups(landing):
        maps, of = np.unique(row[places] * candidates.mask.shape[1] + candidate[places], return_inverse=True)
        bins, kinds = np.divmod(maps, candidates.mask.shape[1])
        items = candidates.items[bins, kinds].astype(np.int64)
        # Of the padded map, the part that the bases and the cells beside them lie in.
        first_x, first_y = int(x[places].min()), int(y[places].min())
        # There the base covers the cells from near to far - 1 along each axis.
        near_x, near_y = x[places] - first_x + 1, y[places] - first_y + 1
        far_x, far_y = near_x + items[of, 0], near_y + items[of, 1]
        part = padded[:, first_x : first_x + int(far_x.max()) + 1, first_y : first_y + int(far_y.max()) + 1]
        values = measure(part[bins], int(landing[places[0]]), items[:, 2, None, None])
        along_x = np.pad(values.cumsum(axis=1, dtype=np.int64), ((0, 0), (1, 0), (0, 0)))
        along_y = np.pad(values.cumsum(axis=2, dtype=np.int64), ((0, 0), (0, 0), (1, 0)))
        for beside in (near_x - 1, far_x):
            total[places] += along_y[of, beside, far_y] - along_y[of, beside, near_y]
        for beside in (near_y - 1, far_y):
            total[places] += along_x[of, far_x, beside] - along_x[of, near_x, beside]
    return total


def _groups(values: NDArray) -> list[NDArray]:
    """Return the indices of equal values, a group for each value, (N,) -> arrays of indices."""
    order = np.argsort(values, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(values[order])) + 1) if len(order) else []
