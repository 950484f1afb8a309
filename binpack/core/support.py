"""Support rules: how an item's base must rest on what lies below.

A rule is a function that says, for many placements at once, which of them it accepts, from what bears each of them
(`Bearing`). A config names it: a built-in one by its short name, one of your own as ``module:name``:

    def half_borne(bearing):  # in mypackage/rules.py, then EnvConfig(support="mypackage.rules:half_borne")
        return bearing.reaches(0.5) & (bearing.corners >= 2)

The built-in rules are objects that can be called, for they have options.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from binpack.core.bearing import Bearing
from binpack.core.hull import centre_is_inside
from binpack.core.registry import Registry
from binpack.files import InputError


class SupportRule(Protocol):
    """A function, or an object that can be called. Two more methods count where it has them.

    - ``with_options(text)`` returns another rule, for a name with options behind it: ``mypackage.rules:borne:0.7``.
    - ``holds(long, wide, contacts)`` lets ``geometry`` check a finished packing by the rule: see
      ``geometry.CheckableRule``.
    """

    def __call__(self, bearing: Bearing, /) -> NDArray | bool:
        """Say which placements are supported.

        Args:
            bearing: what bears each base, as arrays with one entry a placement.

        Returns:
            Bool, of the shape of those arrays, or one bool for all. Whether the item lies inside the bin and has room
            need not be looked at.
        """
        ...


def _numbers(name: str, text: str, count: int) -> Any:
    """Read shares, comma-separated."""
    try:
        numbers = tuple(float(number) for number in text.split(","))
    except ValueError:
        raise InputError(f"support rule '{name}:{text}': expected numbers after the colon, got {text!r}") from None
    if len(numbers) != count:
        raise InputError(f"support rule {name!r} takes {count} share{'s' * (count > 1)}, got {len(numbers)}")
    return numbers


def _shares(name: str, shares: Iterable[float]) -> tuple[float, ...]:
    """Round shares to six decimals and see that they are shares."""
    rounded = tuple(round(float(share), 6) for share in shares)
    for share in rounded:
        if not 0.0 <= share <= 1.0:
            raise InputError(f"support rule {name!r}: share {share:g} is not in [0, 1]")
    return rounded


class NoRule:
    """``none``: an item may rest on anything."""

    def __call__(self, bearing: Bearing) -> bool:
        """Accept every placement."""
        return True

    def __str__(self) -> str:
        return "none"


class FullRule:
    """``full``: the whole base rests."""

    def __call__(self, bearing: Bearing) -> NDArray:
        """Accept where every cell bears."""
        return bearing.whole

    def __str__(self) -> str:
        return "full"


@dataclass(frozen=True)
class FractionRule:
    """``fraction``: at least a share of the base rests.

    Attributes:
        share: the share, kept to six decimals, so that it is compared in whole numbers and never by float rounding.

    Raises:
        ValueError: the share is not in [0, 1].
    """

    share: float = 0.8

    def __post_init__(self) -> None:
        (share,) = _shares("fraction", (self.share,))
        object.__setattr__(self, "share", share)

    def __call__(self, bearing: Bearing) -> NDArray:
        """Accept where the share is reached."""
        return bearing.reaches(self.share)

    def with_options(self, text: str) -> FractionRule:
        """Read the share, as in ``fraction:0.8``."""
        return FractionRule(*_numbers("fraction", text, 1))

    def __str__(self) -> str:
        return f"fraction:{self.share:g}"


@dataclass(frozen=True)
class CornersRule:
    """``corners``: the fewer corners of the base rest, the more of it must.

    The borne share exceeds ``shares[0]``; or it exceeds ``shares[1]`` and at least 3 corner cells of the base are
    borne; or it exceeds ``shares[2]`` and all 4 are. Zhao et al., "Online 3D Bin Packing with Constrained Deep
    Reinforcement Learning" (AAAI 2021).

    Attributes:
        shares: three shares, kept to six decimals.

    Raises:
        ValueError: there are not three shares, or one is not in [0, 1].
    """

    shares: tuple[float, ...] = (0.95, 0.80, 0.60)

    def __post_init__(self) -> None:
        if len(self.shares) != 3:
            raise InputError(f"support rule 'corners' takes 3 shares, got {len(self.shares)}")
        object.__setattr__(self, "shares", _shares("corners", self.shares))

    def __call__(self, bearing: Bearing) -> NDArray:
        """Accept where one of the three shares is exceeded with corners enough."""
        most, three, four = self.shares
        enough = bearing.exceeds(most)
        corners = bearing.corners
        enough |= bearing.exceeds(three) & (corners >= 3)
        enough |= bearing.exceeds(four) & (corners == 4)
        return enough

    def with_options(self, text: str) -> CornersRule:
        """Read the shares, as in ``corners:0.95,0.85,0.50``."""
        return CornersRule(_numbers("corners", text, 3))

    def __str__(self) -> str:
        return "corners:" + ",".join(f"{share:g}" for share in self.shares)


@dataclass(frozen=True)
class PolygonRule:
    """``polygon``: the vertical through the centre of the base falls inside the convex hull of what bears it.

    So stands a rigid body of even density on bodies that do not give way (static mechanical equilibrium, as in Ramos et
    al., "A container loading algorithm with static mechanical equilibrium stability constraints", Transportation
    Research Part B 2016). A cell bears with its whole square, and the hull's edge counts as inside.

    With a share, a placement is accepted as well where more than that share of the base is borne. That union with a
    half, ``polygon:0.5``, is what Xiong et al. call stable ("GOPT: Generalizable Online 3D Bin Packing via
    Transformer-based Deep Reinforcement Learning", IEEE Robotics and Automation Letters 2024); their code takes the
    hull of the cells' centres, which lies inside this one. A half or more adds nothing: of more than half the cells,
    some two lie opposite each other, or one in the middle, and the centre between them. A smaller share does.

    Attributes:
        share: the share, kept to six decimals; ``None`` for the hull alone.

    Raises:
        ValueError: the share is not in [0, 1].
    """

    share: float | None = None

    def __post_init__(self) -> None:
        if self.share is not None:
            (share,) = _shares("polygon", (self.share,))
            object.__setattr__(self, "share", share)

    def __call__(self, bearing: Bearing) -> NDArray:
        """Accept where the centre is inside the hull, or enough of the base is borne.

        A line through the centre keeps one quarter of the base, at least, on one side. So the hull holds the centre
        where all four quarters bear, and it cannot where no two opposite ones do. Few placements are left to look at.
        """
        low, low_high, high_low, high = bearing.quarters
        rising, falling = low & high, low_high & high_low
        accepted = rising & falling
        unclear = (rising ^ falling) & bearing.room
        if self.share is not None and self.share < 0.5:
            accepted |= bearing.exceeds(self.share)
            unclear &= ~accepted
        if unclear.any():
            accepted[unclear] = centre_is_inside(*bearing.patterns(unclear))
        return accepted

    def with_options(self, text: str) -> PolygonRule:
        """Read the share, as in ``polygon:0.5``."""
        return PolygonRule(*_numbers("polygon", text, 1))

    def __str__(self) -> str:
        return "polygon" if self.share is None else f"polygon:{self.share:g}"


NONE, FULL, FRACTION, CORNERS, POLYGON = NoRule(), FullRule(), FractionRule(), CornersRule(), PolygonRule()

SUPPORT_RULES: Registry[Any] = Registry(
    "support rule",
    ("__call__",),
    {name: f"binpack.core.support:{name.upper()}" for name in ("full", "fraction", "corners", "polygon", "none")},
)
"""The support rules by name."""


@dataclass(frozen=True)
class _Own:
    """A user's own rule, with the text that it was found by."""

    text: str
    rule: Any

    def __call__(self, bearing: Bearing) -> NDArray | bool:
        return self.rule(bearing)

    def __getattr__(self, name: str) -> Any:
        if name == "holds":  # the optional method is there if the rule has it
            return getattr(self.rule, name)
        raise AttributeError(name)

    def __str__(self) -> str:
        return self.text


def support_rule(rule: str | SupportRule) -> SupportRule:
    """Return the rule that a text names.

    >>> str(support_rule("corners"))
    'corners:0.95,0.8,0.6'
    >>> str(support_rule("polygon:0.5"))
    'polygon:0.5'

    Args:
        rule: ``none``, ``full``, ``fraction``, ``corners`` or ``polygon``, perhaps with shares, as in
            ``"fraction:0.8"``, ``"corners:0.95,0.85,0.50"`` and ``"polygon:0.5"``; or ``module:name`` of one's own. A
            rule is returned as it is.

    Returns:
        The rule. ``str`` of it is its canonical text: the same rule has the same text. A user's own has the text that
        it was found by.

    Raises:
        ValueError: one line that says what is wrong.
    """
    if not isinstance(rule, str):
        if not callable(rule) or isinstance(rule, type):
            raise InputError(f"support must be text or a support rule, got {rule!r}")
        return rule
    found = SUPPORT_RULES.get(rule)
    name = rule.partition(":")[0].strip()
    return found if name in SUPPORT_RULES.names else _Own(rule, found)


def support_text(rule: str | SupportRule) -> str:
    """Return the canonical text of a rule, for a config that JSON holds.

    >>> support_text("fraction:.80")
    'fraction:0.8'

    Args:
        rule: a rule or its text.

    Raises:
        ValueError: there is no such rule, or it was not found by a text.
    """
    text = str(support_rule(rule))
    if not SUPPORT_RULES.knows(text):
        raise InputError(f"a support rule of your own is given by its name, module:name, got {text}")
    return text
