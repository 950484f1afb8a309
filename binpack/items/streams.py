"""Sequences of items, as arrays: one episode each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from binpack.files import write_atomically
from binpack.items.catalogue import load_arrays
from binpack.items.units import InstanceError

MAX_UNPACKED = 2 * 2**30
"""Most bytes that the arrays of a file of streams may unpack to."""


@dataclass(frozen=True, eq=False)
class Streams:
    """Sequences of items, one episode each.

    Example:
        >>> streams = Streams(np.array([[[2, 2, 3], [1, 1, 1]], [[4, 4, 4], [0, 0, 0]]]), np.array([2, 1]))
        >>> len(streams), streams.horizon, streams[1].items.tolist()
        (2, 2, [[[4, 4, 4], [0, 0, 0]]])

    Attributes:
        items: ``(N, T, 3)`` int32, length, width and height in cells, zero behind the end of a sequence.
        lengths: ``(N,)`` int64, number of items of each sequence, 1 to T.
        upright: ``(N, T, 3)`` bool, which edge may stand upright, or None where every edge may.

    Raises:
        InstanceError: Wrong shape, dtype or values.
    """

    items: np.ndarray
    lengths: np.ndarray
    upright: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Check and normalise the arrays."""
        for name, value in zip(
            ("items", "lengths", "upright"), _checked(self.items, self.lengths, self.upright), strict=True
        ):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.items)

    def __getitem__(self, rows: int | slice | np.ndarray) -> Streams:
        """Return some sequences as `Streams` (a single index gives `Streams` of length 1)."""
        if isinstance(rows, int | np.integer):
            rows = np.array([rows])
        upright = None if self.upright is None else self.upright[rows]
        return Streams._trusted(self.items[rows], self.lengths[rows], upright)

    def reordered(self, order: np.ndarray) -> Streams:
        """Return the sequences with their items in another order.

        Example:
            >>> streams = Streams(np.array([[[2, 2, 3], [1, 1, 1]]]), np.array([2]))
            >>> streams.reordered(np.array([[1, 0]])).items.tolist()
            [[[1, 1, 1], [2, 2, 3]]]

        Args:
            order: Positions of the items, integers (N, T); those behind a sequence's end stay where they are.

        Raises:
            InstanceError: Not each position once, or one from behind the end before it.
        """
        order, steps = np.asarray(order), np.arange(self.horizon)
        if order.shape != self.items.shape[:2] or order.dtype.kind not in "iu":
            expected = f"expected positions of items, shape {self.items.shape[:2]} of integers"
            raise InstanceError(f"order has shape {order.shape} of {order.dtype}: {expected}")
        wrong = (np.sort(order, axis=1) != steps).any(axis=1)
        wrong |= ((steps >= self.lengths[:, None]) & (order != steps)).any(axis=1)
        if wrong.any():
            row = int(wrong.argmax())
            expected = "expected each position once, and those behind the end where they are"
            raise InstanceError(f"order[{row}] of {self.lengths[row]} items: {expected}")
        upright = None if self.upright is None else np.take_along_axis(self.upright, order[..., None], axis=1)
        return Streams._trusted(np.take_along_axis(self.items, order[..., None], axis=1), self.lengths, upright)

    @classmethod
    def _trusted(cls, items: np.ndarray, lengths: np.ndarray, upright: np.ndarray | None) -> Streams:
        """Return `Streams` of arrays that are known to be right: environments slice them at every reset."""
        streams = object.__new__(cls)
        streams.__dict__.update(items=items, lengths=lengths, upright=upright)
        return streams

    @classmethod
    def concatenate(cls, parts: Sequence[Streams]) -> Streams:
        """Return the sequences of several `Streams` as one, padded to the longest T."""
        horizon = max(part.horizon for part in parts)
        count = sum(len(part) for part in parts)
        items = np.zeros((count, horizon, 3), dtype=np.int32)
        flagged = any(part.upright is not None for part in parts)
        upright = np.ones((count, horizon, 3), dtype=bool) if flagged else None
        start = 0
        for part in parts:
            rows = slice(start, start := start + len(part))
            items[rows, : part.horizon] = part.items
            if upright is not None and part.upright is not None:
                upright[rows, : part.horizon] = part.upright
        return cls._trusted(items, np.concatenate([part.lengths for part in parts]), upright)

    @classmethod
    def pick(cls, places: Sequence[tuple[Streams, int]]) -> Streams:
        """Return sequences out of several `Streams`, each named by its `Streams` and its row there."""
        items = [streams.items[row] for streams, row in places]
        if len(set(map(len, items))) > 1 or any(streams.upright is not None for streams, _ in places):
            return cls.concatenate([streams[row] for streams, row in places])
        lengths = np.array([streams.lengths[row] for streams, row in places])
        return cls._trusted(np.concatenate(items).reshape(len(items), -1, 3), lengths, None)

    @property
    def horizon(self) -> int:
        """Longest sequence that the arrays have room for (T)."""
        return self.items.shape[1]

    def save(self, path: str | Path) -> None:
        """Write the arrays to an .npz file, whole or not at all.

        Raises:
            InstanceError: The file cannot be written.
        """
        arrays = {"items": self.items, "lengths": self.lengths}
        if self.upright is not None:
            arrays["upright"] = self.upright
        try:
            write_atomically(path, lambda temporary: _write_npz(temporary, arrays))
        except OSError as error:
            raise InstanceError(f"{path}: cannot be written ({error.strerror})") from error

    @classmethod
    def load(cls, path: str | Path) -> Streams:
        """Read what `save` wrote.

        Raises:
            InstanceError: Missing file, not an .npz file, wrong keys, shapes, dtypes or values, Python objects.
        """
        try:
            if not Path(path).is_file():
                problem = "is a folder" if Path(path).is_dir() else "no such file"
                raise InstanceError(f"{path}: {problem}, expected an .npz file of item streams")
        except OSError as error:
            raise InstanceError(f"{path}: cannot be read ({error.strerror})") from error
        arrays = load_arrays(path, str(path), ("items", "lengths"), ("upright",), most=MAX_UNPACKED)
        try:
            return cls(arrays["items"], arrays["lengths"], arrays.get("upright"))
        except InstanceError as error:
            raise InstanceError(f"{path}: {error}") from None


def _write_npz(path: Path, arrays: dict[str, Any]) -> None:
    with path.open("wb") as file:  # an open file, for numpy would add a suffix to a path without one
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _checked(items: Any, lengths: Any, upright: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return the three arrays of `Streams` in their dtypes, or raise `InstanceError`."""
    items, lengths = np.asarray(items), np.asarray(lengths)
    if items.ndim != 3 or items.shape[2] != 3 or items.shape[1] < 1 or items.dtype.kind not in "iu":
        raise InstanceError(f"items has shape {items.shape} of {items.dtype}: expected shape (N, T, 3) of integers")
    if lengths.shape != items.shape[:1] or lengths.dtype.kind not in "iu":
        expected = f"expected shape {items.shape[:1]} of integers"
        raise InstanceError(f"lengths has shape {lengths.shape} of {lengths.dtype}: {expected}")
    horizon = items.shape[1]
    if lengths.size and (lengths.min() < 1 or lengths.max() > horizon):
        row = int(np.argmax((lengths < 1) | (lengths > horizon)))
        raise InstanceError(f"lengths[{row}] is {lengths[row]}: expected 1 to {horizon}")
    if items.size and (items.min() < 0 or items.max() > np.iinfo(np.int32).max):
        where = np.argwhere((items < 0) | (items > np.iinfo(np.int32).max))[0]
        raise InstanceError(
            f"items{where.tolist()} is {items[tuple(where)]}: expected an edge in cells, 0 behind the end"
        )
    inside = np.arange(horizon) < lengths[:, None]
    wrong = ((items > 0) != inside[..., None]).any(axis=-1)
    if wrong.any():
        row, step = np.argwhere(wrong)[0]
        expected = "edges above 0 up to the sequence's length and 0 behind it"
        raise InstanceError(
            f"items[{row}, {step}] is {items[row, step].tolist()} of {lengths[row]} items: expected {expected}"
        )
    if upright is not None:
        upright = np.asarray(upright)
        if upright.shape != items.shape or upright.dtype.kind != "b":
            expected = f"expected shape {items.shape} of booleans"
            raise InstanceError(f"upright has shape {upright.shape} of {upright.dtype}: {expected}")
        if (inside & ~upright.any(axis=-1)).any():
            row, step = np.argwhere(inside & ~upright.any(axis=-1))[0]
            raise InstanceError(f"upright[{row}, {step}] is all False: expected an edge that may stand upright")
    return items.astype(np.int32, copy=False), lengths.astype(np.int64, copy=False), upright
