"""Lesson 00: a first look at the machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from binpack import system


def check_lines(rows: Sequence[system.Row]) -> Iterator[str]:
    """Yield the environment check as text, with paths as they look from the checkout.

    Args:
        rows: what `system.check` returned.
    """
    root = system.checkout()
    interpreter = Path(sys.executable)
    shown = interpreter.relative_to(root) if interpreter.is_relative_to(root) else interpreter.name
    for line in system.lines(list(rows)):
        if line.lstrip().startswith("do: "):  # to be copied into a terminal, so it keeps its whole paths
            yield line
        else:
            yield line.replace(sys.executable, str(shown)).replace(f"{root}/", "").replace(str(root), "the checkout")
