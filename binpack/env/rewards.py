"""Rewards: what an agent earns for a step, for all bins of a batch at once.

A reward is a function from a `Step` to one number a bin. A config names it: a built-in one by its short name, as in
``EnvConfig(reward="terminal")``, one of your own as ``module:name``:

    def low(step):  # in mypackage/rewards.py, then EnvConfig(reward="mypackage.rewards:low")
        return 1 - step.boxes[:, 2] / step.bin_size[2]

A reward that has to remember something gets arrays for it from the batch, which empties them with the bin and carries
them into branches: an object with a method ``empty`` says what they hold in an empty bin, and finds them in
``step.memory``. `Density` is an example.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.core.registry import Registry


class Step(NamedTuple):
    """What one step did to the n bins of a batch.

    The arrays are the batch's own: read them, write to ``memory`` alone.
    """

    boxes: NDArray
    """The boxes that were placed, int32, (n, 6): x, y, z, l, w, h in cells; the last three are 0 where none was."""
    placed: NDArray
    """Where a box was placed, bool, (n,): not where the action was illegal or the episode was over."""
    done: NDArray
    """Whether the episode is over after the step, bool, (n,)."""
    before: NDArray
    """Utilization before the step, float64, (n,)."""
    after: NDArray
    """Utilization after it, float64, (n,)."""
    volume: NDArray
    """Packed volume after it, in cells, int64, (n,)."""
    heights: NDArray
    """Height maps after it, in cells, int16, (n, L, W)."""
    bin_size: tuple[int, int, int]
    """Length, width and height of the bins, in cells."""
    memory: dict[str, NDArray]
    """The reward's own arrays, one row a bin: what ``empty`` names."""


class Reward(Protocol):
    """A function, or an object that can be called. Two more attributes count where it has them.

    - ``empty(bin_size)``: the arrays that it keeps for each bin, as a mapping from names to what one empty bin's row
      holds.
    - ``pays_utilization``: says that the undiscounted return is the final utilization, and whether it is paid as the
      bin fills (``"step"``) or all at the end (``"end"``); without it, or where it is None, the return is something
      else. See `pays_utilization`.
    """

    def __call__(self, step: Step, /) -> NDArray:
        """Return what each bin earns, floats (n,); an entry where nothing was placed counts as 0."""
        ...


@dataclass(frozen=True)
class Volume:
    """The placed item's share of the bin's volume, every step; the return is the final utilization."""

    pays_utilization: ClassVar = "step"

    def __call__(self, step: Step) -> NDArray:
        """Return the growth of the utilization."""
        return step.after - step.before


@dataclass(frozen=True)
class Terminal:
    """The utilization, at the end of the episode; the return is the final utilization."""

    pays_utilization: ClassVar = "end"

    def __call__(self, step: Step) -> NDArray:
        """Return the utilization of the bins that are done, 0 for the others."""
        return step.after * (step.done & step.placed)


@dataclass(frozen=True)
class Density:
    """Growth of the packed share of the boxes' common bounding box, every step; the return is the final density."""

    def empty(self, bin_size: tuple[int, int, int]) -> dict[str, ArrayLike]:
        """Return an empty bin's corners of the bounding box and its density."""
        return {"low": np.array(bin_size, np.int64), "high": np.zeros(3, np.int64), "density": 0.0}

    def __call__(self, step: Step) -> NDArray:
        """Return the growth of the density."""
        low, high, density = (step.memory[name] for name in ("low", "high", "density"))
        corner, placed = step.boxes[:, :3], step.placed[:, None]
        np.minimum(low, corner, out=low, where=placed)
        np.maximum(high, corner + step.boxes[:, 3:], out=high, where=placed)
        now = step.volume / np.maximum((high - low).prod(axis=1), 1)  # below 1 in an empty bin alone
        growth = now - density
        density[:] = now
        return growth


VOLUME, TERMINAL, DENSITY = Volume(), Terminal(), Density()

REWARDS: Registry[Reward] = Registry(
    "reward",
    ("__call__",),
    {
        "volume": "binpack.env.rewards:VOLUME",
        "terminal": "binpack.env.rewards:TERMINAL",
        "density": "binpack.env.rewards:DENSITY",
    },
)
"""The rewards that a config can name."""


def pays_utilization(name: str) -> Literal["step", "end"] | None:
    """Say how a reward pays the final utilization, for those who know a return and want the utilization.

    With R the return still to come and u the utilization so far, the final utilization is u + R where the answer is
    ``"step"`` and R where it is ``"end"`` (and u once the episode is over); ``None``: it cannot be known from R.

    Example:
        >>> pays_utilization("volume"), pays_utilization("terminal"), pays_utilization("density")
        ('step', 'end', None)

    Args:
        name: the reward's name in a config.

    Raises:
        ValueError: there is no such reward.
    """
    return getattr(REWARDS.get(name), "pays_utilization", None)


def new_memory(reward: Reward, n: int, bin_size: tuple[int, int, int]) -> tuple[dict[str, NDArray], dict[str, NDArray]]:
    """Return a reward's arrays for n empty bins, and the row that each of them has in an empty bin."""
    empty: Mapping[str, Any] = reward.empty(bin_size) if hasattr(reward, "empty") else {}
    rows = {name: np.asarray(value) for name, value in empty.items()}
    return {name: np.repeat(row[None], n, axis=0) for name, row in rows.items()}, rows
