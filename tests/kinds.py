"""One example of each of the twelve distributions of a job, for the tests of whatever has to sample them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "uniform": {"min": -1.5, "max": 2},
    "quniform": {"min": 0.25, "max": 0.85, "q": 0.1},
    "loguniform": {"min": 1e-5, "max": 1e-2, "base": 10},
    "qloguniform": {"min": 0.3, "max": 20, "base": 2, "q": 0.5},
    "randn": {"mean": 3, "sd": 0.5},
    "qrandn": {"mean": 3, "sd": 0.5, "q": 0.25},
    "randint": {"min": -2, "max": 3},
    "qrandint": {"min": 3, "max": 17, "q": 4},
    "lograndint": {"min": 1, "max": 9, "base": 10},
    "qlograndint": {"min": 3, "max": 100, "base": 10, "q": 8},
    "choice": {"options": [1, "two", None, [3, 4]]},
    "grid_search": {"options": [0.1, 0.2]},
}
