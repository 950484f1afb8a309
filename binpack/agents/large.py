"""Packing one large bin by a heuristic, with what `core.tracking` keeps in place of a batch of whole maps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from binpack.core import placement
from binpack.core.heuristics import Heuristic
from binpack.core.support import support_rule
from binpack.core.tracking import LargeBin
from binpack.env.config import EnvConfig
from binpack.items.streams import Streams


def pack(
    rule: Heuristic,
    stream: Streams,
    config: EnvConfig,
    rng: np.random.Generator,
    *,
    skip: bool = False,
    watch: Callable[[int], None] | None = None,
) -> tuple[NDArray, NDArray]:
    """Pack one stream as a ``PackingBatch`` of one bin does under the heuristic.

    Args:
        rule: the heuristic; one with parts.
        stream: one stream.
        config: bin, visible items, rotation and support rule.
        rng: for heuristics that need one.
        skip: pass over the oldest visible item where nothing fits, as ``PackingBatch`` does.
        watch: called after each placement with how many items have been packed or passed over.

    Returns:
        Boxes in order of placing, int32, (n, 6), and which item of the stream each is, int64, (n,).
    """
    _, width, _ = config.bin_size
    cells = config.bin_size[0] * width
    count, upright = int(stream.lengths[0]), None if stream.upright is None else stream.upright[0]
    stands = np.array([order[2] for order in placement.ORIENTATIONS[: config.orientations]])
    turned = placement.orient(stream.items[0], config.rotation)
    if upright is not None:
        turned = turned * upright[:, stands, None]
    bin = LargeBin(config.bin_size, support_rule(config.support), rule, 2 * config.candidates)
    visible, following = list(range(min(config.visible, count))), config.visible
    boxes: list[tuple[int, ...]] = []
    positions: list[int] = []
    while visible:
        shown = np.zeros((config.candidates, 3), np.int64)  # slots without an item are drawn for as well
        shown[: len(visible) * config.orientations] = turned[visible].reshape(-1, 3)
        action = bin.choose(shown, rng if rule.needs_rng else None)
        if action < 0:
            if not skip or following >= count:
                break
            slot = 0
        else:
            candidate, cell = divmod(action, cells)
            slot, turn = divmod(candidate, config.orientations)
            (x, y), (long, wide, tall) = divmod(cell, width), turned[visible[slot], turn].tolist()
            boxes.append((x, y, bin.place((long, wide, tall), x, y), long, wide, tall))
            positions.append(visible[slot])
        del visible[slot]
        if following < count:
            visible.append(following)
        following += 1
        if watch is not None:
            watch(min(following, count) - len(visible))
    return np.array(boxes, np.int32).reshape(-1, 6), np.array(positions, np.int64)
