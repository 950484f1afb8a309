"""What an environment is made of, as data that JSON can hold."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

from gymnasium import spaces
from pydantic import BaseModel, ConfigDict, Field, field_validator

from binpack.core import placement
from binpack.core.support import SupportRule, support_text
from binpack.env.observations import FEATURES, observation_space
from binpack.env.rewards import REWARDS
from binpack.files import InputError
from binpack.items.sources import ItemSource, item_source, named_items
from binpack.items.units import MAX_BIN_EDGE, parse_length


class EnvConfig(BaseModel):
    """What an environment is made of; every field is JSON.

    Example:
        >>> config = EnvConfig(bin_size=(8, 8, 8), items="random:1-4", visible=2, rotation="z")
        >>> config.candidates, config.actions
        (4, 256)
        >>> EnvConfig(**config.model_dump(mode="json")) == config
        True

    Support rules, rewards, features and items may be one's own: the name ``module:name`` stands for an object in a
    module, which is imported when the config is made. A config out of a file imports nothing (see ``core.registry``).

    Attributes:
        bin_size: length, width and height of the bin, in cells.
        items: where items come from: a generator such as ``random``, ``random:2-5``, ``random:1-5x150`` (150 items a
            stream), ``cut_1``, ``cut_2``, ``split:10``; ``korea_post``; the path of a file of items; or
            ``module:name``, see ``items.sources.SourceMaker``. The config of an environment that was given an object
            may say ``<Streams object>``, from which nothing can be drawn (see ``env.feed.resolve``).
        cell: edge of a grid cell with its unit, such as ``"5cm"``, for items that are measured in a unit of length.
        unit: of numbers in a file of items that carry none, where there is a cell.
        visible: number of items that the agent sees and picks from (k).
        rotation: ``none``, ``z`` (turned about the vertical axis) or ``all`` (six orientations).
        support: support rule: ``full``, ``fraction:0.8``, ``corners:0.95,0.85,0.50``, ``polygon``, ``polygon:0.5``,
            ``none``, or ``module:name``, see ``core.support.SupportRule``.
        reward: ``volume`` (the placed item's share of the bin's volume, every step), ``terminal`` (the utilization, at
            the end of the episode), ``density`` (growth of the packed share of the boxes' bounding box, every step) or
            ``module:name``, see ``env.rewards.Reward``. The return is the final utilization for the first two and the
            final density for the third.
        features: what observations tell beyond the maps: ``none``, ``contact`` (see ``core.features.contact``) or
            ``module:name``, see ``env.observations.Features``.

    Raises:
        ValueError: one line for each field that is wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    bin_size: tuple[int, int, int] = (10, 10, 10)
    items: str = "random"
    cell: str | None = None
    unit: Literal["mm", "cm", "dm", "m", "in"] = "cm"
    visible: int = Field(default=1, ge=1, le=1000)
    rotation: Literal["none", "z", "all"] = "none"
    support: str = "corners"
    reward: str = "volume"
    features: str = "none"

    @field_validator("bin_size")
    @classmethod
    def _check_bin(cls, size: tuple[int, int, int]) -> tuple[int, int, int]:
        if min(size) < 1 or max(size) > MAX_BIN_EDGE:
            raise InputError(f"bin edges must be between 1 and {MAX_BIN_EDGE} cells, got {'x'.join(map(str, size))}")
        return size

    @field_validator("cell")
    @classmethod
    def _check_cell(cls, cell: str | None) -> str | None:
        if cell is not None:
            parse_length(cell)
        return cell

    @field_validator("support", mode="before")
    @classmethod
    def _check_support(cls, rule: str | SupportRule) -> str:
        return support_text(rule)

    @field_validator("items", mode="before")
    @classmethod
    def _check_items(cls, items: Any) -> Any:
        if not isinstance(items, str | Path):
            kind = type(items).__name__
            raise InputError(f"expected text, got {kind}: objects go to an environment, as in BinPackingEnv(items=...)")
        named_items(str(items))
        return str(items)

    @field_validator("reward")
    @classmethod
    def _check_reward(cls, name: str) -> str:
        REWARDS.get(name)
        return name

    @field_validator("features")
    @classmethod
    def _check_features(cls, name: str) -> str:
        FEATURES.get(name)
        return name

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
        return math.prod(self.bin_size)

    def source(self) -> ItemSource:
        """Return the source of items.

        Raises:
            InstanceError: if the name is unknown, the file is bad, or an item fits the bin in no permitted orientation.
        """
        return item_source(self.items, self.bin_size, cell=self.cell, rotation=self.rotation, unit=self.unit)

    def observation_space(self) -> spaces.Dict:
        """Return the space of observations, see ``PackingBatch.observation``.

        Raises:
            ValueError: the features have an entry that cannot be called so.
        """
        return observation_space(self.features, self.candidates, self.bin_size)

    def action_space(self) -> spaces.Discrete:
        """Return the space of actions: ((item * orientations + orientation) * L + x) * W + y."""
        return spaces.Discrete(self.actions)
