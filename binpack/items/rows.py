"""One kind of item as it stands in a file, before units and checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

EDGES = ("length", "width", "height")


@dataclass(frozen=True)
class Row:
    """One kind of item as read; `place` is its line or index.

    Attributes:
        place: Where it stands, such as ``"line 3"``.
        edges: Length, width and height.
        quantity: How many.
        name: Its name, empty for none.
        unit: Unit of edges that carry none, or None.
        upright: Which edge may stand upright.
        units: The same for each edge, for a file that names units above its columns; `unit` wins.
    """

    place: str
    edges: tuple[Any, Any, Any]
    quantity: Any = 1
    name: Any = ""
    unit: Any = None
    upright: Any = (True, True, True)
    units: tuple[str | None, str | None, str | None] = (None, None, None)
