"""Leases: who may run a trial, and whose result counts."""

from __future__ import annotations

import numpy as np

from binpack.course.exercises import exercise, promise


@exercise(
    minutes=7,
    difficulty=2,
    hints=(
        "Begin with the second answer, which is the shorter one: a result counts if the trial is still the worker's, "
        "whatever the time. Who does it belong to?",
        "For the first, there are three cases in which it may run: nobody has it, the worker has it, or the time is "
        "up.",
        "`may_run = owner in ('', worker) or now >= expires` and `counts = owner == worker`.",
    ),
    returns=promise.a_tuple(
        "the result", promise.a_bool("whether it may run the trial"), promise.a_bool("whether its result counts")
    ),
)
def lease_says(owner: str, expires: float, now: float, worker: str) -> tuple[bool, bool]:
    """Decide what a worker may do with a trial.

    Args:
        owner: who took the trial last; "" while nobody has.
        expires: when the owner's lease ends; it has ended at that moment. Of no meaning while there is no owner.
        now: the time by the database's clock.
        worker: who asks.

    Returns:
        Whether the worker may run the trial, and whether a result counts that it brings now. It may run a trial that
        nobody has, its own, or one whose lease has ended. A result counts if nobody else has taken the trial, however
        late it comes.
    """
    # 1. nobody's, its own, or given up
    may_run = owner in ("", worker) or now >= expires
    # 2. a late result is as good as any, unless another worker has taken over
    counts = owner == worker
    return may_run, counts


def _drawn(rng: np.random.Generator) -> tuple[str, float, float, str]:
    owner, worker = rng.choice(["", "ann", "ben"], p=[0.2, 0.4, 0.4]), rng.choice(["ann", "ben"])
    return str(owner), float(rng.integers(0, 5)), float(rng.integers(0, 5)), str(worker)


lease_says.examine(
    cases=lambda: [
        ("", 0.0, 5.0, "ann"),
        ("", 9.0, 5.0, "ben"),
        ("ann", 10.0, 5.0, "ann"),
        ("ben", 8.0, 3.0, "ben"),
        ("ann", 10.0, 5.0, "ben"),
        ("ben", 9.0, 2.0, "ann"),
        ("ann", 10.0, 12.0, "ben"),
        ("ben", 1.0, 12.0, "ann"),
        ("ann", 10.0, 12.0, "ann"),
        ("ben", 4.0, 6.0, "ben"),
        ("ann", 10.0, 10.0, "ben"),
        ("ben", 7.0, 7.0, "ann"),
        ("ann", 7.0, 7.0, "ann"),
    ],
    draw=_drawn,
    mistakes={
        "a lease never ends: at `expires` others may take the trial": (
            lambda owner, expires, now, worker: (owner in ("", worker), owner == worker)
        ),
        "a lease that ends just now is taken for valid: it has ended at that moment": (
            lambda owner, expires, now, worker: (owner in ("", worker) or now > expires, owner == worker)
        ),
        "the time is compared the wrong way round": (
            lambda owner, expires, now, worker: (owner in ("", worker) or now <= expires, owner == worker)
        ),
        "a late result is refused: it counts as long as nobody else has taken the trial": (
            lambda owner, expires, now, worker: (
                owner in ("", worker) or now >= expires,
                owner == worker and now < expires,
            )
        ),
        "a result counts wherever the worker may run the trial: it has to have taken it": (
            lambda owner, expires, now, worker: (owner in ("", worker) or now >= expires,) * 2
        ),
        "every result counts: one whose trial another worker has taken does not": (
            lambda owner, expires, now, worker: (owner in ("", worker) or now >= expires, True)
        ),
        "a worker may not go on with its own trial": (
            lambda owner, expires, now, worker: (owner == "" or (owner != worker and now >= expires), owner == worker)
        ),
        "a trial that nobody has taken may not be run": (
            lambda owner, expires, now, worker: (
                owner == worker or (owner != "" and now >= expires),
                owner == worker,
            )
        ),
        "whoever asks may run the trial: not while another worker's lease lasts": (
            lambda owner, expires, now, worker: (True, owner == worker)
        ),
        "the two answers are exchanged": (
            lambda owner, expires, now, worker: (owner == worker, owner in ("", worker) or now >= expires)
        ),
    },
)
