"""What observations tell beyond height map, edges and landing heights: features, computed from the open placements.

A set of features is an object with two methods, see `Features`. A config names it: a built-in one by its short name,
one of your own as ``module:name``, such as ``EnvConfig(features="mypackage.features:holes")``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from binpack.core.features import CONTACT as CONTACT_NAMES
from binpack.core.features import contact
from binpack.core.placement import Candidates
from binpack.core.registry import Registry
from binpack.files import InputError

MAPS = ("heights", "edges", "landing")
"""What every observation tells; see ``PackingBatch.observation``."""


class Features(Protocol):
    """A set of features: entries of the observation."""

    def space(self, candidates: int, bin_size: tuple[int, int, int]) -> Mapping[str, spaces.Space]:
        """Return the entries' spaces for one bin.

        Args:
            candidates: number of candidates K, visible items times orientations.
            bin_size: length, width and height of the bin, in cells.
        """
        ...

    def compute(self, candidates: Candidates) -> dict[str, NDArray]:
        """Return the same entries for B bins, new arrays (B, ...)."""
        ...


@dataclass(frozen=True)
class NoFeatures:
    """The maps alone."""

    def space(self, candidates: int, bin_size: tuple[int, int, int]) -> dict[str, spaces.Space]:
        """Return nothing."""
        return {}

    def compute(self, candidates: Candidates) -> dict[str, NDArray]:
        """Return nothing."""
        return {}


@dataclass(frozen=True)
class Contact:
    """What each placement would bury and touch, see ``core.features.contact``: ``contact``, (K, F, L, W)."""

    def space(self, candidates: int, bin_size: tuple[int, int, int]) -> dict[str, spaces.Space]:
        """Return the space of ``contact``."""
        shape = (candidates, len(CONTACT_NAMES), *bin_size[:2])
        return {"contact": spaces.Box(0.0, np.inf, shape, np.float32)}

    def compute(self, candidates: Candidates) -> dict[str, NDArray]:
        """Return ``contact``, float32, (B, K, F, L, W)."""
        return {"contact": contact(candidates)}


NONE, CONTACT = NoFeatures(), Contact()

FEATURES: Registry[Features] = Registry(
    "feature set",
    ("space", "compute"),
    {"none": "binpack.env.observations:NONE", "contact": "binpack.env.observations:CONTACT"},
)
"""The sets of features that a config can name."""


def observation_space(name: str, candidates: int, bin_size: tuple[int, int, int]) -> spaces.Dict:
    """Return the space of observations: the maps, and what a set of features adds.

    Args:
        name: the set's name in a config.
        candidates: number of candidates K.
        bin_size: length, width and height of the bin, in cells.

    Raises:
        ValueError: there is no such set, or one of its entries has a name that is taken, has a dot or is a method of
            dicts (torch's ``ModuleDict`` takes none of those).
    """
    length, width, _ = bin_size
    entries: dict[str, spaces.Space] = {
        "heights": spaces.Box(0.0, 1.0, (length, width), np.float32),
        "edges": spaces.Box(0.0, 1.0, (candidates, 3), np.float32),
        "landing": spaces.Box(-1.0, 1.0, (candidates, length, width), np.float32),
    }
    for key, space in FEATURES.get(name).space(candidates, bin_size).items():
        if key in MAPS or hasattr(dict, key) or not key.isidentifier():
            raise InputError(f"feature set {name!r}: an entry cannot be called {key!r}: choose another name")
        entries[key] = space
    return spaces.Dict(entries)
