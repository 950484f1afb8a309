"""How often tests kill what they look at: a few times, or as often as ``BINPACK_KILLS`` asks."""

from __future__ import annotations

import os

ASKED = int(os.environ.get("BINPACK_KILLS", "0"))
"""0 in a plain run."""


def most(plain: int) -> int:
    """Return after how many kills a job is left alone; `plain` where nothing is asked for."""
    return ASKED or plain


def trials(plain: int, each: int) -> int:
    """Return how many trials a job has: so many for each kill that none is left over, or `plain`."""
    return max(plain, each * ASKED)


def enough(kills: int) -> bool:
    """Say whether a job was killed as often as was asked for; a short one at least once."""
    return kills >= max(ASKED, 1)
