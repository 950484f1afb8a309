"""Every agent by its name: heuristics, those that know all items beforehand, shipped agents, folders of one's own."""

from __future__ import annotations

from pathlib import Path

from binpack.agents.agent import Agent
from binpack.agents.offline import OFFLINE
from binpack.core.heuristics import HEURISTICS
from binpack.files import InputError


def agent_names() -> tuple[str, ...]:
    """Return the names that `find_agent` knows beside the folders of trained agents."""
    from binpack.agents.store import shipped

    return (*HEURISTICS, *OFFLINE, *shipped())


def find_agent(name: str | Path) -> Agent:
    """Return the agent of a name.

    Args:
        name: a heuristic (see ``heuristics.HEURISTICS``), ``first_fit_decreasing``, a shipped agent or a folder that
            ``train`` wrote; for the last two see ``load_agent``.

    Raises:
        ValueError: one line: there is no such agent, with the names that there are; or its files are bad.

    Example:
        >>> find_agent("heightmap_sum").description
        'least empty volume buried under the item, nearest to the corner'
    """
    if isinstance(name, str) and (known := {**HEURISTICS, **OFFLINE}.get(name)):
        return known
    # Only trained agents need torch.
    from binpack.agents.store import load_agent, shipped

    if name not in shipped() and not (str(name) and Path(name).is_dir()):
        raise InputError(f"{str(name)!r} is neither a trained agent's folder nor one of {', '.join(agent_names())}")
    return load_agent(name)
