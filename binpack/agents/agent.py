"""What an agent is: heuristics, trained agents and those that know all items beforehand act through one protocol."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from binpack.env.batch import PackingBatch
from binpack.items.streams import Streams


class Agent(Protocol):
    """Anything that picks an action for every bin of a batch; every ``Heuristic`` is one, and a ``PPOAgent``."""

    def act(self, batch: PackingBatch, rng: np.random.Generator) -> NDArray:
        """Return one action a bin, integers (n,); what it returns for a bin that is done is ignored."""
        ...


@runtime_checkable
class OfflineAgent(Agent, Protocol):
    """An agent that sees whole streams beforehand; it then meets its items one at a time, in the order that it gave.

    An item that fits nowhere is passed over, and does not end the packing.
    """

    def arrange(self, streams: Streams) -> NDArray:
        """Return the order in which each stream's items are to be packed: their positions, integers (N, T).

        Positions behind a stream's end stay where they are.
        """
        ...
