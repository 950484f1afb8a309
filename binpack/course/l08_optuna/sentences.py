"""Lesson 08: what studies and recorded searches say, in tables and sentences that are computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna

from binpack.course.l08_optuna import failures
from binpack.course.l08_optuna.searches import PER_TRIAL, RUNS, SEARCHES, TRIALS, Searches
from binpack.course.searching import apart, with_error
from binpack.course.tables import Table


def trials(study: optuna.Study, *attributes: str, last: int = 0) -> Table:
    """List a study's trials.

    Args:
        study: whose.
        attributes: user attributes that are shown as well.
        last: how many trials, from the end; 0 for all.
    """
    found = study.get_trials(deepcopy=False)[-last:]
    names = list(dict.fromkeys(name for trial in found for name in trial.params))
    rows = [
        [
            str(trial.number),
            trial.state.name.lower(),
            "" if trial.value is None else f"{trial.value:.4f}",
            *(_short(trial.params.get(name, "")) for name in names),
            *(_short(trial.user_attrs.get(name, "")) for name in attributes),
        ]
        for trial in found
    ]
    return Table(("trial", "state", "value", *names, *attributes), rows)


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_short, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def states(study: optuna.Study) -> str:
    """Say how many trials of a study are in which state.

    Args:
        study: whose.
    """
    found = [trial.state.name.lower() for trial in study.get_trials(deepcopy=False)]
    counts = {state: found.count(state) for state in dict.fromkeys(found)}
    return ", ".join(f"{count} {state}" for state, count in counts.items()) or "no trials"


def divided(record: Searches) -> Table:
    """Say how a budget of runs is divided best between trials and seeds.

    Args:
        record: the recorded searches.
    """
    rows = []
    for count in PER_TRIAL:
        row = [str(RUNS // count), str(count)]
        for search in SEARCHES:
            worth, score = (record.values("seeds", search, str(count), name) for name in ("worth", "score"))
            row += [with_error(worth), f"{score.mean():.4f}"]
        rows.append(row)
    columns = [f"{search}: {what}" for search in SEARCHES for what in ("worth of the leader", "its score")]
    return Table(("trials", "seeds of each", *columns), rows, f"{RUNS} runs, divided in different ways")


def best_division(record: Searches, search: str) -> str:
    """Say which division chose best, and which others cannot be told from it.

    Args:
        record: the recorded searches.
        search: "random" or "TPE".
    """
    worth = {count: record.values("seeds", search, str(count)) for count in PER_TRIAL}
    best = max(worth, key=lambda count: worth[count].mean())
    level = [count for count in PER_TRIAL if count != best and not apart(worth[best], worth[count])]
    others = f"; not to be told from it: {', '.join(map(str, level))}" if level else "; all others are worse"
    what = "1 seed" if best == 1 else f"{best} seeds"
    return f"{search}: {what} for each trial chose best, {worth[best].mean():.4f}{others}"


def told(record: Searches) -> Table:
    """Say what becomes of a search that is told of failed runs in different ways.

    Args:
        record: the recorded searches.
    """
    rows = [
        [
            way,
            f"{record.values('failures', 'TPE', way, 'failed').mean():.0%}",
            with_error(record.values("failures", "TPE", way)),
        ]
        for way in failures.WAYS
    ]
    caption = f"TPE, {TRIALS} trials; of random configurations {failures.share():.0%} fail"
    return Table(("told as", f"failed after trial {failures.STARTUP}", "worth of the leader"), rows, caption)


def best_way(record: Searches) -> str:
    """Say which way of telling left TPE with the fewest failures, and which with the best leader.

    Args:
        record: the recorded searches.
    """
    failed = {way: record.values("failures", "TPE", way, "failed") for way in failures.WAYS}
    worth = {way: record.values("failures", "TPE", way) for way in failures.WAYS}
    fewest = min(failed, key=lambda way: failed[way].mean())
    best = max(worth, key=lambda way: worth[way].mean())
    level = [way for way in failures.WAYS if way != best and not apart(worth[best], worth[way])]
    text = f"told as {fewest}, the fewest trials fail; told as {best}, the leader is worth most"
    return f"{text}, and cannot be told from {' and '.join(level)}" if level else text


def short(values: Mapping[str, Any]) -> str:
    """Write values with three digits each.

    Args:
        values: name to value.
    """
    return ", ".join(f"{name} {_short(value)}" for name, value in values.items())


def rates(study: optuna.Study, first: int) -> str:
    """Write the learning rates of a study's first trials.

    Args:
        study: whose.
        first: how many.
    """
    return ", ".join(_short(trial.params["learning_rate"]) for trial in study.get_trials(deepcopy=False)[:first])


def spreads(study: optuna.Study) -> str:
    """Compare how far seeds and trials differ.

    Args:
        study: whose trials keep two scores or more each, under "scores".
    """
    kept = np.array([trial.user_attrs["scores"] for trial in study.get_trials(deepcopy=False)])
    seeds = np.sqrt(kept.var(axis=1, ddof=1).mean())
    best = np.sort(kept.mean(axis=1))[-len(kept) // 2 :]
    return (
        f"standard deviation between the seeds of a trial {seeds:.4f}, between all trials "
        f"{kept.mean(axis=1).std(ddof=1):.4f}, between the better half of them {best.std(ddof=1):.4f}"
    )
