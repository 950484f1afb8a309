"""Reading a run: what its critic is worth, what it is sick of, how settings move, which of many changes mattered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from binpack.course.exercises import exercise, expect, promise
from binpack.course.l05_hyperparameters import sick_runs as sick


@exercise(
    minutes=6,
    difficulty=1,
    hints=(
        "Begin with the errors, `returns - values`, one for each state. `np.var` gives the variance of an array.",
        "The variance of the errors, divided by the variance of the returns, is the share that is not explained. Take "
        "care of returns that are all equal first: their variance is 0.",
        "`return 1 - np.var(returns - values) / np.var(returns)`, and `math.nan` where `np.var(returns) == 0`.",
    ),
    returns=promise.a_float("the explained variance"),
)
def explained_variance(values: np.ndarray, returns: np.ndarray) -> float:
    """Say which share of the returns' variance a critic explains.

    Args:
        values: what the critic expected of each state, (n,).
        returns: what came, (n,).

    Returns:
        1 minus the variance of the errors over the variance of the returns; `nan` (not a number) where all returns
        are equal, since there is nothing to explain.
    """
    # 1. nothing to explain
    spread = np.var(returns)
    if spread == 0:
        return float("nan")
    # 2. the share that the errors leave
    return float(1 - np.var(returns - values) / spread)


def _safe(wrong: Callable) -> Callable:
    """Leave the case without variance to the right function, so that a mistake is told by the others."""

    def tried(values: np.ndarray, returns: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            return float("nan") if np.var(returns) == 0 else float(wrong(values, returns))

    return tried


explained_variance.examine(
    cases=lambda: [
        (np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])),
        (np.full(4, 2.0), np.array([1.0, 2.0, 3.0, 6.0])),
        (np.array([3.0, 2.0, 1.0, 0.0]), np.array([0.0, 1.0, 2.0, 3.0])),
        (np.array([5.0, 6.0, 7.5]), np.array([1.0, 2.0, 3.0])),
        (np.array([0.1, 0.4]), np.array([0.5, 0.5])),
        (np.array([0.0, 0.0, 0.0]), np.array([2.0, 2.0, 2.0])),
    ],
    draw=lambda rng: (rng.normal(1.0, 1.0, 6).round(2), rng.normal(size=6).round(2)),
    mistakes={
        "it is the share that is not explained: subtract it from 1": _safe(
            lambda values, returns: np.var(returns - values) / np.var(returns)
        ),
        "it takes the mean of the squared errors: take their variance, which forgives an error that all states share": (
            _safe(lambda values, returns: 1 - np.mean((returns - values) ** 2) / np.var(returns))
        ),
        "it compares the variance of the values with that of the returns: the errors, returns - values, are missing": (
            _safe(lambda values, returns: 1 - np.var(values) / np.var(returns))
        ),
        "it divides by the variance of the values: divide by that of the returns": _safe(
            lambda values, returns: 1 - np.var(returns - values) / np.var(values)
        ),
        "it is the squared correlation, which forgives a wrong scale: take the variance of the errors": _safe(
            lambda values, returns: np.corrcoef(values, returns)[0, 1] ** 2
        ),
        "equal returns have no variance, and there the answer is nan": lambda values, returns: (
            1 - np.var(returns - values) / np.var(returns) if np.var(returns) else 0.0
        ),
    },
)


@exercise(
    minutes=12,
    difficulty=2,
    hints=(
        "Begin with the first update. For each of the five runs, write down `run[name][0]` for all eight names: which "
        "run stands out, and by which number?",
        "Two runs give themselves away at once, by `approx_kl` and by `ep_len_mean`. For the two others compare the "
        "end of `entropy`, and `explained_variance` after half of the run, with the healthy one.",
        'In this order: `if run["approx_kl"][0] > 1: return "learning rate too high"`, then `ep_len_mean` at the first '
        "update, then `entropy` at the last, then `explained_variance` at the tenth.",
    ),
    returns=promise.an_instance("the diagnosis", str),
)
def diagnose(run: Mapping[str, np.ndarray]) -> str:
    """Say what is wrong with a run of 20 updates, from its diagnostics alone.

    Args:
        run: name of a diagnostic, such as "approx_kl", to its 20 values, one an update. The names are those of the
            figure.

    Returns:
        "healthy", "learning rate too high", "entropy collapsed", "value function lagging" or "no mask".
    """
    # 1. what is wrong from the first update on
    if run["approx_kl"][0] > 1:
        return "learning rate too high"
    if run["ep_len_mean"][0] < 2.2:
        return "no mask"
    # 2. what goes wrong on the way
    if run["entropy"][-1] < 0.25:
        return "entropy collapsed"
    if run["explained_variance"][9] < 0.1:
        return "value function lagging"
    # 3. nothing of all that
    return "healthy"


@diagnose.check
def _(answer: Callable) -> None:
    runs = sick.load()
    names = {case: f"run {letter}" for letter, case in sick.LETTERS.items()} | {sick.HEALTHY: "the healthy run"}
    for seed in _CHECKED_SEEDS:
        for case, name in names.items():
            run = {key: values.copy() for key, values in runs[case, seed].items()}
            like = "another healthy run" if case == sick.HEALTHY else f"another run with the cause of {name[-1]}"
            which = name if seed == sick.SHOWN_SEED else f"{like} (seed {seed})"
            _judge(answer(run), case, which, runs[case, seed])


_CHECKED_SEEDS = (sick.SHOWN_SEED, 1, 2)
"""Three, however many are recorded: a check says the same today and tomorrow."""
_WORDS = (sick.HEALTHY, *sick.SICKNESSES)


def _judge(said: Any, case: str, which: str, run: sick.Curves) -> None:
    """Say why a diagnosis is wrong: what the run shows that does not go with it."""
    given = "the 20 values of each diagnostic of " + which
    expect(said in _WORDS, f"{said!r} is none of the five diagnoses", got=said, given=given)
    if said != case:
        says = f"{which} is called {said!r}, but {_against(said, case, run)}"
        expect(False, says, got=said, given=given)


def _against(said: str, case: str, run: sick.Curves) -> str:
    """Return a fact about a run that speaks against a diagnosis of it."""
    first, length = run["approx_kl"][0], run["ep_len_mean"][0]
    entropy, explained = run["entropy"][-1], round(run["explained_variance"][9], 2) + 0.0  # no -0.00
    if said == sick.TOO_FAST:
        return f"approx_kl of its first update is only {first:.2g}: too high a rate shows there at once"
    if said == sick.NO_MASK:
        return f"its first episodes are {length:.1f} steps long, as they are where all actions are legal"
    if said == sick.COLLAPSED:
        if case == sick.TOO_FAST:
            return f"before its entropy fell, approx_kl of the first update was {first:.2g}: which is the cause?"
        return f"its entropy is still {entropy:.2f} at the end"
    if said == sick.LAGGING:
        return f"its explained variance is {explained:.2f} at the tenth update already"
    return {
        sick.TOO_FAST: f"approx_kl of its first update is {first:.2g}",
        sick.NO_MASK: f"its first episodes are only {length:.1f} steps long",
        sick.COLLAPSED: f"its entropy falls to {entropy:.2f}",
        sick.LAGGING: f"its explained variance is still {explained:.2f} at the tenth update",
    }[case]


@exercise(
    minutes=6,
    difficulty=2,
    hints=(
        "Begin with how much of training is done: `1 - progress_remaining`, which goes from 0 to 1.",
        "Divided by `share`, that is how much of the way from `start` to `end` is done; it must not exceed 1.",
        "Inside: `done = min((1 - progress_remaining) / share, 1.0)`, then `return start + done * (end - start)`. And "
        "`linear_schedule` returns the inner function without calling it.",
    ),
    returns=promise.an_instance("the schedule", Callable),  # type: ignore[arg-type]
)
def linear_schedule(start: float, end: float, share: float) -> Callable[[float], float]:
    """Make a schedule that goes from one value to another in a straight line and then stays.

    Args:
        start: the value at the beginning of training.
        end: the value that is reached, and kept from there on.
        share: of training, after which `end` is reached; above 0, at most 1.

    Returns:
        A function from `progress_remaining`, which is 1 at the beginning of training and 0 at its end, to the value.
    """

    def schedule(progress_remaining: float) -> float:
        # 1. how much of the way is done
        done = min((1 - progress_remaining) / share, 1.0)
        # 2. the value there
        return start + done * (end - start)

    return schedule


_PROGRESS = (1.0, 0.75, 0.5, 0.25, 0.0)


def _line(wrong: Callable[[float, float, float, float], float]) -> Callable:
    return lambda start, end, share: lambda remaining: wrong(remaining, start, end, share)


linear_schedule.examine(
    cases=lambda: [(3.0, 1.0, 1.0), (1.0, 0.0, 0.5), (0.2, 0.4, 0.8), (1e-3, 1e-4, 0.25)],
    draw=lambda rng: (float(rng.integers(3, 9)), float(rng.integers(3)), float(rng.choice([0.3, 0.6, 0.9]))),
    seen=lambda schedule, given: {f"at {at:g}": schedule(at) for at in _PROGRESS},
    mistakes={
        "it runs backwards: progress_remaining is 1 at the beginning and 0 at the end": _line(
            lambda remaining, start, end, share: start + min(remaining / share, 1.0) * (end - start)
        ),
        "it takes share for the progress that remains: `end` is reached when a share of training is done": _line(
            lambda remaining, start, end, share: (
                end if remaining <= share else start + (1 - remaining) / (1 - share) * (end - start)
            )
        ),
        "it does not stop at `end` when that is reached": _line(
            lambda remaining, start, end, share: start + (1 - remaining) / share * (end - start)
        ),
        "it reaches `end` only at the end of training, whatever share is": _line(
            lambda remaining, start, end, share: end + remaining * (start - end)
        ),
        "it falls to 0 and not to `end`": _line(
            lambda remaining, start, end, share: start * max(1 - (1 - remaining) / share, 0.0)
        ),
        "it stays at `start` all the time": _line(lambda remaining, start, end, share: start),
    },
)


@exercise(
    minutes=5,
    difficulty=1,
    hints=(
        "Begin with the two cases: a step that was too large (more than twice the target), and one that was too small "
        "(less than half of it). In between nothing changes.",
        "After a large step divide the rate by 1.5, after a small one multiply it. Then keep it within `low` and "
        "`high`: `min(max(rate, low), high)`.",
    ),
    returns=promise.a_float("the learning rate"),
)
def next_learning_rate(rate: float, approx_kl: float, target: float, low: float, high: float) -> float:
    """Choose the learning rate of the next update by how far the last one moved the policy.

    Args:
        rate: of the last update.
        approx_kl: how far it moved the policy.
        target: how far it should move. More than twice as far divides the rate by 1.5, less than half as far
            multiplies it by 1.5.
        low: the rate is never smaller.
        high: the rate is never larger.
    """
    # 1. too far: smaller; not far enough: larger
    if approx_kl > 2 * target:
        rate = rate / 1.5
    elif approx_kl < target / 2:
        rate = rate * 1.5
    # 2. within limits
    return min(max(rate, low), high)


def _adapted(
    rate: float,
    kl: float,
    limits: tuple[float, float],
    bounds: tuple[float, float],
    factor: float = 1.5,
) -> float:
    """An adaptive rule with other bounds of the divergence, another factor or other limits of the rate."""
    moved = rate / factor if kl > bounds[1] else rate * factor if kl < bounds[0] else rate
    return min(max(moved, limits[0]), limits[1])


next_learning_rate.examine(
    cases=lambda: [
        (3e-4, 0.05, 0.02, 1e-5, 1e-2),
        (3e-4, 0.005, 0.02, 1e-5, 1e-2),
        (3e-4, 0.03, 0.02, 1e-5, 1e-2),
        (3e-4, 0.012, 0.02, 1e-5, 1e-2),
        (1.2e-5, 0.5, 0.02, 1e-5, 1e-2),
        (9e-3, 0.001, 0.02, 1e-5, 1e-2),
    ],
    draw=lambda rng: (
        float(rng.choice([1e-4, 3e-4, 1e-3])),
        float(rng.choice([0.002, 0.012, 0.03, 0.07])),
        0.02,
        float(rng.choice([1e-5, 9e-5])),
        float(rng.choice([1.2e-3, 1e-2])),
    ),
    mistakes={
        "it is turned round: a step that was too large asks for a smaller learning rate": (
            lambda rate, kl, target, low, high: _adapted(rate, kl, (low, high), (target / 2, 2 * target), 1 / 1.5)
        ),
        "it changes the rate between half and twice the target too, where it should stay": (
            lambda rate, kl, target, low, high: _adapted(rate, kl, (low, high), (target, target))
        ),
        "the rate leaves the limits: it should be `low` at least and `high` at most": (
            lambda rate, kl, target, low, high: _adapted(rate, kl, (0.0, np.inf), (target / 2, 2 * target))
        ),
        "it only ever makes the rate smaller": (
            lambda rate, kl, target, low, high: _adapted(rate, kl, (low, high), (-1.0, 2 * target))
        ),
        "it only ever makes the rate larger": (
            lambda rate, kl, target, low, high: _adapted(rate, kl, (low, high), (target / 2, np.inf))
        ),
        "it swaps the limits: it should be `low` at least and `high` at most": (
            lambda rate, kl, target, low, high: max(
                min(_adapted(rate, kl, (0.0, np.inf), (target / 2, 2 * target)), low), high
            )
        ),
        "the rate is halved and doubled: its factor is 1.5": (
            lambda rate, kl, target, low, high: _adapted(rate, kl, (low, high), (target / 2, 2 * target), 2.0)
        ),
        "it never changes the rate": lambda rate, kl, target, low, high: rate,
    },
)


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with the new mean: it lies between the old one and the batch's, the nearer to the one that stands for "
        "more observations. `delta = batch.mean(axis=0) - mean` is the way between them.",
        "With n observations in the batch and `total = count + n`, the new mean is `mean + delta * n / total`.",
        "Sums of squared deviations add up: `count * variance`, `n * batch.var(axis=0)`, and `delta**2 * count * n / "
        "total` for the distance of the two means. Divide their sum by `total`.",
    ),
    returns=promise.a_tuple(
        "the statistics",
        promise.an_array("the mean", float),
        promise.an_array("the variance", float),
        promise.a_float("the count"),
    ),
)
def merge_statistics(
    mean: np.ndarray, variance: np.ndarray, count: float, batch: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Take a batch of observations into a running mean and variance, without keeping older observations.

    Args:
        mean: of each number of an observation so far, (d,).
        variance: of each so far (divided by the count, as `np.var` does), (d,).
        count: how many observations these stand for.
        batch: new observations, (n, d).

    Returns:
        Mean, variance and count of the old and the new observations together.
    """
    n, delta = len(batch), batch.mean(axis=0) - mean
    # 1. how many there are now
    total = count + n
    # 2. the mean moves towards the batch's
    merged = mean + delta * n / total
    # 3. the squared deviations of both, and of the two means from each other
    squares = count * variance + n * batch.var(axis=0) + delta**2 * count * n / total
    return merged, squares / total, float(total)


def _merged(
    mean: np.ndarray,
    variance: np.ndarray,
    count: float,
    batch: np.ndarray,
    ddof: int = 0,
    moved: bool = False,
    apart: float = 1.0,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Statistics with mistakes: another variance of the batch, a late distance of the means, a factor on its square."""
    n, total = len(batch), count + len(batch)
    first = mean + (batch.mean(axis=0) - mean) * n / total
    delta = batch.mean(axis=0) - (first if moved else mean)
    spread = batch.var(axis=0) * (n / (n - ddof) if n > ddof else np.nan)
    return first, (count * variance + n * spread + apart * delta**2 * count * n / total) / total, total


def _observed(rng: np.random.Generator, old: int, new: int, shift: float) -> tuple:
    before, batch = rng.normal(size=(old, 2)).round(1), rng.normal(shift, 2.0, size=(new, 2)).round(1)
    return before.mean(axis=0), before.var(axis=0), float(old), batch


merge_statistics.examine(
    cases=lambda: [
        (np.array([0.0]), np.array([0.0]), 1.0, np.array([[2.0]])),
        (np.array([1.0, 5.0]), np.array([1.0, 4.0]), 2.0, np.array([[4.0, 5.0], [6.0, 7.0]])),
        (np.array([0.0, 0.0]), np.array([1.0, 1.0]), 1e-4, np.array([[3.0, 500.0], [5.0, 700.0], [4.0, 900.0]])),
    ],
    draw=lambda rng: _observed(rng, int(rng.integers(2, 9)), int(rng.integers(2, 5)), float(rng.integers(0, 4))),
    mistakes={
        "the variance leaves out how far the two means are apart": lambda mean, variance, count, batch: (
            mean + (batch.mean(axis=0) - mean) * len(batch) / (count + len(batch)),
            (count * variance + len(batch) * batch.var(axis=0)) / (count + len(batch)),
            count + len(batch),
        ),
        "it keeps the batch alone: the old observations are forgotten": lambda mean, variance, count, batch: (
            batch.mean(axis=0),
            batch.var(axis=0),
            count + len(batch),
        ),
        "the batch's variance is divided by n - 1: divide it by n, as np.var does by itself": (
            lambda mean, variance, count, batch: _merged(mean, variance, count, batch, ddof=1)
        ),
        "the distance of the means is taken after the mean was moved: keep the old mean until the end": (
            lambda mean, variance, count, batch: _merged(mean, variance, count, batch, moved=True)
        ),
        "the distance of the means is not divided by the new count: the whole sum is": (
            lambda mean, variance, count, batch: _merged(mean, variance, count, batch, apart=count + len(batch))
        ),
        "both means count alike: weight each by the observations that it stands for": (
            lambda mean, variance, count, batch: (
                (mean + batch.mean(axis=0)) / 2,
                merge_statistics.reference(mean, variance, count, batch)[1],
                count + len(batch),
            )
        ),
        "it takes the mean over all numbers of the batch: take it over axis 0, for each of the d numbers": (
            lambda mean, variance, count, batch: merge_statistics.reference(
                mean, variance, count, np.full_like(batch, batch.mean())
            )
        ),
        "the count is that of the batch: add it to the old one": lambda mean, variance, count, batch: (
            *merge_statistics.reference(mean, variance, count, batch)[:2],
            len(batch),
        ),
        "the count stays as it was: add the batch's": lambda mean, variance, count, batch: (
            *merge_statistics.reference(mean, variance, count, batch)[:2],
            count,
        ),
        "the count grows by 1: a batch of n observations adds n": lambda mean, variance, count, batch: (
            *merge_statistics.reference(mean, variance, count, batch)[:2],
            count + 1,
        ),
        "the standard deviation is returned: return its square, the variance": lambda mean, variance, count, batch: (
            merge_statistics.reference(mean, variance, count, batch)[0],
            np.sqrt(merge_statistics.reference(mean, variance, count, batch)[1]),
            count + len(batch),
        ),
    },
)


@exercise(
    minutes=7,
    difficulty=2,
    hints=(
        "Begin with the names: `[name for name in start if start[name] != goal[name]]`.",
        "For each of these, make a new dictionary that is `start` but for that one name. Changing `start` itself would "
        "carry one change into the next.",
        "`{name: {**start, name: goal[name]} for name in start if start[name] != goal[name]}`",
    ),
    returns=promise.an_instance("the result", dict),
)
def one_change_apart(start: dict[str, float], goal: dict[str, float]) -> dict[str, dict[str, float]]:
    """List every set of settings that is one step from one towards another.

    Args:
        start: a set of settings, name to value.
        goal: another one, with the same names.

    Returns:
        For each name in which the two differ, in the order of `start`: a copy of `start` in which that one has the
        value of `goal`.
    """
    found = {}
    for name in start:
        # 1. only what differs is a change
        if start[name] != goal[name]:
            # 2. a copy with one change
            found[name] = {**start, name: goal[name]}
    return found


def _piled_up(start: dict, goal: dict) -> dict:
    found, now = {}, dict(start)
    for name in start:
        if start[name] != goal[name]:
            now = {**now, name: goal[name]}
            found[name] = now
    return found


def _all_changed(start: dict, goal: dict) -> dict:
    return {name: dict(goal) for name in start if start[name] != goal[name]}


_SETTINGS = ("learning_rate", "n_steps", "batch_size", "n_epochs", "gamma")


def _drawn_settings(rng: np.random.Generator) -> tuple[dict, dict]:
    start = dict(zip(_SETTINGS, map(float, rng.integers(1, 9, 5)), strict=True))
    goal = {name: value + float(rng.integers(0, 3)) for name, value in start.items()}
    return start, {**goal, "n_steps": start["n_steps"] + 1, "n_epochs": start["n_epochs"] + 2, "gamma": start["gamma"]}


one_change_apart.examine(
    cases=lambda: [
        ({"n_steps": 2048, "gamma": 0.99}, {"n_steps": 4096, "gamma": 0.99}),
        (
            {"learning_rate": 3e-4, "clip_range": 0.2, "gamma": 0.99},
            {"learning_rate": 1e-4, "clip_range": 0.1, "gamma": 0.99},
        ),
        ({"a": 1, "b": 2, "c": 3}, {"a": 4, "b": 5, "c": 6}),
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}),
    ],
    draw=_drawn_settings,
    # two dictionaries with other orders are equal, and the order is promised as well
    seen=lambda result, given: {"names in order": list(result), "settings": result},
    mistakes={
        "changes pile up: each entry should differ from `start` in one name, so begin with a fresh copy": _piled_up,
        "settings that are the same in both are listed too, as if they were changes": lambda start, goal: {
            name: {**start, name: goal[name]} for name in start
        },
        "it is turned round: each entry is `goal` with one value of `start`": lambda start, goal: {
            name: {**goal, name: start[name]} for name in start if start[name] != goal[name]
        },
        "every entry has all the changes: it should be `start` but for one name": _all_changed,
        "every entry is `start` as it was: its one change is missing": lambda start, goal: {
            name: dict(start) for name in start if start[name] != goal[name]
        },
        "an entry holds the one value alone: it should hold all settings": lambda start, goal: {
            name: {name: goal[name]} for name in start if start[name] != goal[name]
        },
        "an entry is the new value, and should be a dictionary of all settings": lambda start, goal: {
            name: goal[name] for name in start if start[name] != goal[name]
        },
    },
)
