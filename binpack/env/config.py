"""What an environment is made of, as data that JSON can hold."""

from __future__ import annotations

from typing import Literal

import numpy as np
from gymnasium import spaces
from pydantic import BaseModel, ConfigDict, Field, field_validator

from binpack.core import placement
from binpack.core.features import CONTACT
from binpack.core.placement import Support
from binpack.items.sources import ItemSource, item_source
from binpack.items.units import MAX_BIN_EDGE, parse_length


class EnvConfig(BaseModel):
    """What an environment is made of; every field is JSON.

    Attributes:
        bin_size: length, width and height of the bin, in cells.
        items: where items come from: a generator such as ``random``, ``random:2-5``, ``cut_1``, ``cut_2``, ``split``,
            ``korea_post``, or the path of a file of items.
        cell: edge of a grid cell with its unit, such as ``"5cm"``, for items that are measured in a unit of length.
        visible: number of items that the agent sees and picks from (k).
        rotation: ``none``, ``z`` (turned about the vertical axis) or ``all`` (six orientations).
        support: support rule, see ``placement.Support.parse``.
        reward: ``volume`` (the placed item's share of the bin's volume, every step), ``terminal`` (the utilization, at
            the end of the episode) or ``density`` (growth of the packed share of the boxes' bounding box, every step).
            The return is the final utilization for the first two and the final density for the third.
        features: what observations tell beyond the maps: ``none``, or ``contact`` (see ``features.contact``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    bin_size: tuple[int, int, int] = (10, 10, 10)
    items: str = "random"
    cell: str | None = None
    visible: int = Field(default=1, ge=1, le=1000)
    rotation: Literal["none", "z", "all"] = "none"
    support: str = "corners"
    reward: Literal["volume", "terminal", "density"] = "volume"
    features: Literal["none", "contact"] = "none"

    @field_validator("bin_size")
    @classmethod
    def _check_bin(cls, size: tuple[int, int, int]) -> tuple[int, int, int]:
        if min(size) < 1 or max(size) > MAX_BIN_EDGE:
            raise ValueError(f"bin edges must be between 1 and {MAX_BIN_EDGE} cells, got {'x'.join(map(str, size))}")
        return size

    @field_validator("cell")
    @classmethod
    def _check_cell(cls, cell: str | None) -> str | None:
        if cell is not None:
            parse_length(cell)
        return cell

    @field_validator("support", mode="before")
    @classmethod
    def _check_support(cls, rule: str | Support) -> str:
        return str(Support.parse(rule))

    @property
    def orientations(self) -> int:
        """Number of orientations of an item."""
        return placement.ROTATIONS[self.rotation]

    @property
    def candidates(self) -> int:
        """Number of candidates K: visible items times orientations."""
        return self.visible * self.orientations

    @property
    def actions(self) -> int:
        """Number of discrete actions: candidates times cells."""
        return self.candidates * self.bin_size[0] * self.bin_size[1]

    @property
    def volume(self) -> int:
        """Volume of the bin, in cells."""
        return int(np.prod(self.bin_size, dtype=np.int64))

    def source(self) -> ItemSource:
        """Return the source of items.

        Raises:
            InstanceError: if the name is unknown, the file is bad, or an item fits the bin in no permitted orientation.
        """
        return item_source(self.items, self.bin_size, cell=self.cell, rotation=self.rotation)

    def observation_space(self) -> spaces.Dict:
        """Return the space of observations, see ``PackingBatch.observation``."""
        length, width, _ = self.bin_size
        shape = (self.candidates, length, width)
        entries = {
            "heights": spaces.Box(0.0, 1.0, (length, width), np.float32),
            "edges": spaces.Box(0.0, 1.0, (self.candidates, 3), np.float32),
            "landing": spaces.Box(-1.0, 1.0, shape, np.float32),
        }
        if self.features == "contact":
            stacked = (self.candidates, len(CONTACT), length, width)
            entries["contact"] = spaces.Box(0.0, np.inf, stacked, np.float32)
        return spaces.Dict(entries)

    def action_space(self) -> spaces.Discrete:
        """Return the space of actions: ((item * orientations + orientation) * L + x) * W + y."""
        return spaces.Discrete(self.actions)
