"""The colours and settings that every figure shares."""

from collections.abc import Sequence

PALETTE = ("#77AADD", "#EE8866", "#EEDD88", "#44BB99", "#FFAABB", "#99DDFF", "#BBCC33", "#DDDDDD")
"""Fill colours that colour-blind readers can tell apart: Paul Tol's "light" scheme (2021), less its darkest green."""

INK = "#333333"
PAPER = "#FFFFFF"
WALL = "#F3F3F0"
WALL_EDGE = "#B5B5AE"
EMPTY = "#DDDDDD"
"""A cell or an entry that counts for nothing, or where something may not stand."""
ALLOWED = "#2F6DB5"
"""A cell where something may stand; its contrast to `EMPTY` is above 3, and a cross tells the two apart as well."""

PLOTLY_CONFIG = {
    "displaylogo": False,
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "responsive": True,
    "scrollZoom": False,
    # what is left has room beside a title
    "modeBarButtonsToRemove": [
        *("select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"),
        *("zoom3d", "pan3d", "tableRotation", "orbitRotation", "resetCameraLastSave3d"),
    ],
}
"""Configuration for showing a figure: nothing on it leaves the reader's browser, and the wheel scrolls the page."""

COLORS = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#777777")
"""Colours of lines and bars: Paul Tol's "bright" scheme (2021), made for colour-blind readers."""

BLUES = ("#F7FBFF", "#D6E6F4", "#ABD0E6", "#6AAED6", "#3787C0", "#105BA4", "#08306B")
"""Colours from low to high: ColorBrewer's "Blues" (Harrower and Brewer, 2003)."""

ORANGES = ("#FFF5EB", "#FEDFC0", "#FDB97D", "#FD8C3B", "#E95E0D", "#B63C02", "#7F2704")
"""The same in ColorBrewer's "Oranges"; together with the blues they tell numbers below 0 from those above."""


def shade(colors: Sequence[str], share: float) -> str:
    """Mix the colour at a place of a scale.

    Args:
        colors: the scale, evenly spaced from its low to its high end, as "#RRGGBB".
        share: the place, 0 at the low end and 1 at the high one; beyond them the end's colour.

    Returns:
        The colour, as "#RRGGBB".
    """
    place = min(max(share, 0.0), 1.0) * (len(colors) - 1)
    lower = min(int(place), len(colors) - 2)
    parts = zip(_channels(colors[lower]), _channels(colors[lower + 1]), strict=True)
    mixed = [round(255 * (low + (place - lower) * (high - low))) for low, high in parts]
    return "#{:02X}{:02X}{:02X}".format(*mixed)


def stops(colors: Sequence[str]) -> list[tuple[float, str]]:
    """Return a scale of evenly spaced colours as plotly takes it, each with its place from 0 to 1."""
    return [(number / (len(colors) - 1), color) for number, color in enumerate(colors)]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, "#RRGGBB", from 1 to 21 (WCAG 2.2, 2023).

    Letters need 4.5 on their ground, and shapes that tell something 3.
    """
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink_on(ground: str) -> str:
    """Return the colour of letters, dark or white, that is read better on a ground, "#RRGGBB"."""
    return max((INK, PAPER), key=lambda ink: contrast(ink, ground))


def _channels(color: str) -> tuple[float, float, float]:
    """Return red, green and blue, 0 to 1."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red / 255, green / 255, blue / 255


def _luminance(color: str) -> float:
    """Return the relative luminance, 0 to 1, as WCAG defines it for sRGB."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _channels(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
