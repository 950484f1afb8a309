"""Where a recorded result comes from: what every record says under ``about``."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Sequence


def about(command: str, libraries: Sequence[str]) -> dict[str, str]:
    """Say how, when and on what a result is made.

    Args:
        command: what makes the result anew.
        libraries: distributions whose versions matter.

    Returns:
        A value for JSON: ``command``, ``date`` (UTC), ``machine``, ``python`` and a version for each library.
    """
    return {
        "command": command,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, no GPU used, other work may have shared the cores",
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name).partition("+")[0] for name in libraries},
    }
