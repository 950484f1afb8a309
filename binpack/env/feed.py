"""Where the episodes of an environment get their items from."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
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

Place = tuple[Mapping[str, Any], int]
"""The generator's state before the block that a feed is in was drawn, and how many of the block it has handed out."""


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
        self._before = rng.bit_generator.state
        self._position = 0

    def __iter__(self) -> StreamFeed:
        return self

    def __next__(self) -> tuple[Streams, int]:
        """Return a block of streams and which row of it is the next stream."""
        if self._block is None or self._position >= len(self._block):
            self._before = self._rng.bit_generator.state
            self._block = self._source.sample(self._rng, self.BLOCK)
            self._position = 0
        self._position += 1
        return self._block, self._position - 1

    @property
    def place(self) -> Place:
        """Where the feed is."""
        return self._before, self._position

    def go_to(self, place: Place) -> None:
        """Hand out next what was next at a place that a feed of this source was at; it draws that place's block."""
        before, position = place
        self._rng.bit_generator.state = self._before = before
        self._block = self._source.sample(self._rng, self.BLOCK) if position else None
        self._position = position


class SharedFeed:
    """One feed that several readers go through, each at its own pace.

    Args:
        feed: what they read, from where it is now.
        readers: how many there are.
    """

    def __init__(self, feed: StreamFeed, readers: int) -> None:
        self._feed = feed
        # what somebody has read and somebody else has not, each with the place that it came from
        self._kept: deque[tuple[Place, tuple[Streams, int]]] = deque()
        self._ahead = [0] * readers

    def reader(self, number: int) -> Iterator[tuple[Streams, int]]:
        """Return what one of them reads; it never ends."""
        return iter(partial(self._read, number), None)

    def _read(self, number: int) -> tuple[Streams, int]:
        if self._ahead[number] == len(self._kept):
            place = self._feed.place
            self._kept.append((place, next(self._feed)))
        read = self._kept[self._ahead[number]][1]
        self._ahead[number] += 1
        if min(self._ahead):
            self._kept.popleft()
            self._ahead = [ahead - 1 for ahead in self._ahead]
        return read

    @property
    def place(self) -> tuple[Place, list[int]]:
        """Where the last of the readers is, and how far each is ahead of it."""
        return (self._kept[0][0] if self._kept else self._feed.place), list(self._ahead)

    def go_to(self, place: tuple[Place, list[int]]) -> None:
        """Let all readers go on from where they were.

        Args:
            place: what ``place`` was, with as many readers.
        """
        last, ahead = place
        self._feed.go_to(last)
        self._kept.clear()
        for _ in range(max(ahead)):
            here = self._feed.place
            self._kept.append((here, next(self._feed)))
        self._ahead = list(ahead)


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
