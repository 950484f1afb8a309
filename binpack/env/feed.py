"""Where the episodes of an environment get their items from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.files import InputError
from binpack.items.sources import ItemSource, item_source, unnamed
from binpack.items.streams import Streams
from binpack.items.units import InstanceError


class StreamFeed:
    """Hands out one stream after another from a source, drawn in blocks from one generator.

    Generators of whole batches are faster than one stream at a time. The block has one size for every user, so the same
    generator gives the same streams to the single environment and to a row of the batch.
    """

    BLOCK = 16

    def __init__(self, source: ItemSource, rng: np.random.Generator) -> None:
        self._source = source
        self._rng = rng
        self._block: Streams | None = None
        self._position = 0

    def __iter__(self) -> StreamFeed:
        return self

    def __next__(self) -> tuple[Streams, int]:
        """Return a block of streams and which row of it is the next stream."""
        if self._block is None or self._position >= len(self._block):
            self._block = self._source.sample(self._rng, self.BLOCK)
            self._position = 0
        self._position += 1
        return self._block, self._position - 1


def resolve(config: EnvConfig | None, items: Any, settings: dict[str, Any]) -> tuple[EnvConfig, ItemSource]:
    """Return a config and the source of its items from the arguments that both environments take.

    The config's ``items`` always tell the truth: where items are given as an object, they are the object's own
    description if that gives the same items again, and otherwise say that they were an object, so that a config that is
    stored and made anew cannot silently have other items.

    Raises:
        ValueError: if settings are given twice or are bad.
    """
    if config is not None and settings:
        raise InputError(f"give either config or single settings, not both: {', '.join(sorted(settings))}")
    if isinstance(items, str | Path):
        settings = {**(config.model_dump() if config is not None else settings), "items": str(items)}
        config, items = None, None
    config = config or EnvConfig(**settings)
    if items is None:
        return config, config.source()
    source = item_source(items, config.bin_size, cell=config.cell, rotation=config.rotation)
    return config.model_copy(update={"items": _description(source, items, config)}), source


def _description(source: ItemSource, items: Any, config: EnvConfig) -> str:
    """Return what names the items of an object in a config."""
    try:
        again = item_source(source.spec, config.bin_size, cell=config.cell, rotation=config.rotation)
    except InputError:
        return unnamed(items)
    return source.spec if again.fingerprint == source.fingerprint else unnamed(items)


def load_playable(batch: PackingBatch, feeds: Sequence[Iterator[tuple[Streams, int]]], rows: NDArray) -> None:
    """Load a new stream into each of ``rows``, passing over streams of which nothing fits the empty bin.

    An episode must have a first action: an action mask without one makes a masked policy act at random.

    Args:
        batch: the bins.
        feeds: one `StreamFeed`, or an iterator over what it gives, for each bin of the batch.
        rows: which bins, integers.

    Raises:
        InstanceError: if 100 streams in a row have nothing that fits.
    """
    for _ in range(100):
        batch.load(Streams.pick([next(feeds[row]) for row in rows.tolist()]), rows)
        rows = rows[batch.done[rows]]
        if not len(rows):
            return
    raise InstanceError(f"no visible item fits the empty bin in 100 streams of {batch.config.items!r}")
