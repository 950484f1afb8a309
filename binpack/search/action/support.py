"""What goes with what: distributions with search algorithms, as data.

A search algorithm is held to what it samples exactly. Where a library takes a distribution and then drops a part of it
(a quantum, a log scale, a normal's shape), the cell is empty: the job is refused, and the trials are what it says.
"""

from __future__ import annotations

from collections.abc import Mapping

from binpack.search.action.distributions import KINDS

_NO_QUANTUM = frozenset({"uniform", "loguniform", "randint", "lograndint", "choice"})

SUPPORT: Mapping[str, frozenset[str]] = {
    "basicvariantgenerator": frozenset(KINDS),
    # Gaussian processes over a box of plain numbers
    "bayesoptsearch": frozenset({"uniform"}),
    "hyperoptsearch": frozenset(KINDS) - {"grid_search"},
    # Optuna has no normal, and no step on a log scale
    "optunasearch": _NO_QUANTUM | {"quniform", "qrandint"},
    "axsearch": _NO_QUANTUM,
}
"""The distributions that a search algorithm samples."""


def supported(search: str) -> str:
    """List what a search algorithm samples, for messages, in the order of the documentation."""
    return ", ".join(kind for kind in KINDS if kind in SUPPORT[search])


def algorithms_for(kind: str) -> str:
    """List the search algorithms that sample a distribution, for messages."""
    return ", ".join(search for search, kinds in SUPPORT.items() if kind in kinds)


def support_table() -> str:
    """Return the matrix as a table in Markdown: a row for each distribution, a column for each algorithm."""
    lines = [f"| distribution | {' | '.join(SUPPORT)} |", "| --- |" + " --- |" * len(SUPPORT)]
    for kind in KINDS:
        cells = ("yes" if kind in kinds else "" for kinds in SUPPORT.values())
        lines.append(f"| `{kind}` | {' | '.join(cells)} |")
    return "\n".join(lines)
