"""Support rules: how much of an item's base must rest on what lies below."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

_DEFAULT_SHARES: dict[str, tuple[float, ...]] = {
    "full": (),
    "fraction": (0.8,),
    "corners": (0.95, 0.80, 0.60),
    "none": (),
}


@dataclass(frozen=True)
class Support:
    """A rule that says how much of an item's base must rest at its landing height.

    - ``full``: the whole base.
    - ``fraction``: at least the share ``shares[0]`` of the base.
    - ``corners``: the supported share exceeds ``shares[0]``; or it exceeds ``shares[1]`` and at least 3 corner cells of
      the base are supported; or it exceeds ``shares[2]`` and all 4 are. Zhao et al., "Online 3D Bin Packing with
      Constrained Deep Reinforcement Learning" (AAAI 2021).
    - ``none``: an item may rest on anything.

    Shares are kept to six decimals, so that they are compared in whole numbers and never by float rounding.

    Raises:
        ValueError: for an unknown name, a wrong number of shares, or a share outside [0, 1].
    """

    name: str = "corners"
    shares: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.name not in _DEFAULT_SHARES:
            raise ValueError(f"support rule {self.name!r} is not one of {', '.join(_DEFAULT_SHARES)}")
        default = _DEFAULT_SHARES[self.name]
        shares = default if self.shares is None else tuple(round(float(share), 6) for share in self.shares)
        if len(shares) != len(default):
            raise ValueError(f"support rule {self.name!r} takes {len(default)} shares, got {len(shares)}")
        for share in shares:
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"support rule {self.name!r}: share {share:g} is not in [0, 1]")
        object.__setattr__(self, "shares", shares)
        ratios = [Fraction(str(share)).as_integer_ratio() for share in shares]
        object.__setattr__(self, "_ratios", np.array(ratios, np.int64).reshape(-1, 2).T)

    @classmethod
    def parse(cls, text: str | Support) -> Support:
        """Read a rule from text such as ``"full"``, ``"fraction:0.8"`` or ``"corners:0.95,0.85,0.50"``.

        Args:
            text: name, optionally a colon and the shares, comma-separated; a ``Support`` is returned as it is.

        Returns:
            The rule; shares that are left out take their published defaults.

        Raises:
            ValueError: one line saying what is wrong.
        """
        if isinstance(text, Support):
            return text
        name, colon, rest = str(text).partition(":")
        try:
            shares = tuple(float(share) for share in rest.split(",")) if colon else None
        except ValueError:
            raise ValueError(f"support rule {text!r}: expected numbers after the colon, got {rest!r}") from None
        return cls(name.strip(), shares)

    def __str__(self) -> str:
        return self.name + (":" + ",".join(f"{share:g}" for share in self.shares) if self.shares else "")

    def minimum_cells(self, area: NDArray) -> list[NDArray]:
        """Return, for each share, how many supported cells a base of ``area`` cells needs.

        Computed in whole numbers from the decimal text of the share, so that 19 of 20 cells do not exceed 0.95.

        Args:
            area: cells of the base, any integer array.

        Returns:
            One int64 array of ``area``'s shape per share.
        """
        numerators, denominators = self._ratios.reshape(2, -1, *[1] * area.ndim)
        scaled = area.astype(np.int64) * numerators
        if self.name == "fraction":
            return list(-(-scaled // denominators))
        return list(scaled // denominators + 1)
