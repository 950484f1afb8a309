"""Which seeds are for what."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from binpack.course.exercises import exercise, expect, promise


@exercise(
    minutes=8,
    difficulty=1,
    hints=(
        "Begin with the first seed of each purpose: number the purposes with `enumerate`, and multiply by `block`.",
        "`range(first, first + count)` are the seeds of one purpose. Look first whether `count > block`.",
        "`plan[purpose] = list(range(number * block, number * block + count))`.",
    ),
    returns=promise.an_instance("the plan", dict),
)
def seed_plan(counts: Mapping[str, int], block: int) -> dict[str, list[int]]:
    """Give each purpose seeds of its own, so that no two share one, now or later.

    Each purpose owns a block of so many seeds: the first 0 to block - 1, the second block to 2 * block - 1, and so on.
    It takes them from the beginning of its block.

    Args:
        counts: purpose to how many seeds it needs, for example {"tuning": 2, "final": 10}.
        block: seeds in a block.

    Returns:
        Purpose to its seeds, ascending, in the order of the counts.

    Raises:
        ValueError: a purpose needs more seeds than a block has.
    """
    plan = {}
    for number, (purpose, count) in enumerate(counts.items()):
        # 1. what does not fit into the block would run into the next one
        if count > block:
            raise ValueError(f"{purpose} needs {count} seeds, and a block has {block}")
        # 2. the first seeds of its own block
        plan[purpose] = list(range(number * block, number * block + count))
    return plan


def _close_packed(counts: Mapping[str, int], block: int) -> dict[str, list[int]]:
    ends = np.cumsum([0, *counts.values()]).tolist()
    return {name: list(range(ends[place], ends[place + 1])) for place, name in enumerate(counts)}


def _refuses(answer: Callable) -> None:
    for counts, block in (({"tuning": 11, "final": 3}, 10), ({"tuning": 1, "final": 2, "test": 5}, 4)):
        try:
            got = answer(counts, block)
        except ValueError:
            pass
        else:
            many = max(counts, key=lambda name: counts[name])
            message = f"a purpose that needs more seeds than its block has should be refused with ValueError ({many})"
            expect(False, message, got=got, wanted="ValueError", given={"counts": counts, "block": block})
    full = answer({"tuning": 4, "final": 4}, 4)
    expect(
        full == {"tuning": [0, 1, 2, 3], "final": [4, 5, 6, 7]},
        "a purpose may use its whole block",
        got=full,
        wanted={"tuning": [0, 1, 2, 3], "final": [4, 5, 6, 7]},
    )


def _drawn_counts(rng: np.random.Generator) -> tuple[dict[str, int], int]:
    names = ("tuning", "final", "streams", "test")[: int(rng.integers(2, 5))]
    return {name: int(rng.integers(1, 9)) for name in names}, int(rng.integers(10, 99))


seed_plan.examine(
    cases=lambda: [
        ({"tuning": 2, "final": 3}, 1000),
        ({"tuning": 3, "validation": 1, "test": 2}, 10),
        ({"final": 4, "tuning": 2}, 100),
    ],
    draw=_drawn_counts,
    mistakes={
        "every purpose gets the same seeds: what is tuned on a seed is judged on it too": lambda counts, block: {
            name: list(range(count)) for name, count in counts.items()
        },
        "the seeds follow each other without a gap: two more seeds for tuning would take those of the next purpose": (
            _close_packed
        ),
        "each purpose gets its whole block: it asked for fewer": lambda counts, block: {
            name: list(range(place * block, (place + 1) * block)) for place, name in enumerate(counts)
        },
        "the first block begins at `block`: seeds begin at 0": lambda counts, block: {
            name: list(range((place + 1) * block, (place + 1) * block + count))
            for place, (name, count) in enumerate(counts.items())
        },
        "each purpose has one seed too many: `range` leaves its end out": lambda counts, block: {
            name: list(range(place * block, place * block + count + 1))
            for place, (name, count) in enumerate(counts.items())
        },
        "it gives one seed, where a purpose begins: it should be a list of them": lambda counts, block: {
            name: place * block for place, name in enumerate(counts)
        },
    },
    also=_refuses,
)
