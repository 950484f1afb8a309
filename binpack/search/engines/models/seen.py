"""What a search knows of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Seen:
    """A trial as a search sees it.

    Attributes:
        config: its values by name.
        score: the larger the better; None of one that failed, or is not at its end.
        over: whether it is at its end.
    """

    config: Mapping[str, Any]
    score: float | None
    over: bool
