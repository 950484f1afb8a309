"""Configurations at which searches of the surrogate end: ``python -m binpack.search.landscape.leaders``.

A surrogate guesses where no run stands behind it, and a search goes to where the guess errs upwards. So data for a
surrogate come from searches too (Eggensperger, Hutter, Hoos, Leyton-Brown 2015): a round of these adds the leaders of
searches and the highest places of the mean to `led.json`; `record` trains them, `surrogate` is fitted anew, and another
round shows what is left of the error. What the surrogate promised for each of them is kept beside it.

References:
    Eggensperger, Hutter, Hoos, Leyton-Brown (2015). Efficient Benchmarking of Hyperparameter Optimizers via Surrogates.
        AAAI.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import TPESampler

from binpack.files import InputError, read_json, write_record
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Surrogate
from binpack.search.landscape.table import Landscape, load
from binpack.search.provenance import about
from binpack.search.recorder import rounded
from binpack.search.storage import quiet

FILE = task.LED
COMMAND = "python -m binpack.search.landscape.leaders"
SEARCHES, CLIMBS, TRIALS = 24, 12, 200
"""Of a round: searches by TPE, hilltops at most, and trials of a search."""
STEPS, STEP, APART = 400, 0.1, 0.2
"""Of a climb: its steps, and the length of the first one along each edge; hilltops lie so far apart in the cube."""


def led(model: Surrogate, seed: int, trials: int = TRIALS) -> dict[str, Any]:
    """Search the surrogate by Optuna's TPE, and return the leader's configuration.

    Args:
        model: of the recorded study.
        seed: of the sampler and of the luck of each run.
        trials: of the search.
    """
    rng = np.random.default_rng(seed)
    with quiet():
        study = optuna.create_study(direction="maximize", sampler=TPESampler(seed=seed))
        for _ in range(trials):
            trial = study.ask()
            values = task.SPACE.suggest(trial)
            (score,), _ = model.finals(np.array(task.SPACE.place(values)), rng)
            study.tell(trial, float(score))
    return task.short(dict(study.best_params))


def climbed(model: Surrogate, seed: int) -> dict[str, Any]:
    """Climb to a high place of the surrogate's mean, and return its configuration.

    Args:
        model: of the recorded study.
        seed: of the places and steps.
    """
    rng = np.random.default_rng(seed)
    here = rng.random(len(task.SPACE))
    for step in range(STEPS):
        # several steps at a time cost hardly more than one; they become shorter on the way
        length = STEP * 0.5 ** (4 * step / STEPS)
        tried = np.clip(here + rng.normal(0, length, (16, len(here))) * (rng.random((16, len(here))) < 0.4), 0, 1)
        means = model.means(np.vstack([here, tried]))
        here = np.vstack([here, tried])[int(means.argmax())]
    return task.short(task.SPACE.at(here.tolist()))


def hilltops(model: Surrogate, seed: int, count: int) -> list[dict[str, Any]]:
    """Climb again and again, and return the configurations of different hilltops, the highest first.

    Args:
        model: of the recorded study.
        seed: of the first climb.
        count: how many at most; there are six climbs for each.
    """
    found = [climbed(model, seed + number) for number in range(6 * count)]
    places = np.array([task.SPACE.place(values) for values in found])
    chosen: list[int] = []
    for number in np.argsort(-model.means(places), kind="stable").tolist():
        if all(np.linalg.norm(places[number] - places[other]) > APART for other in chosen):
            chosen.append(number)
    return [found[number] for number in chosen[:count]]


def round_of(model: Surrogate, number: int, searches: int = SEARCHES, climbs: int = CLIMBS) -> list[dict[str, Any]]:
    """Return the rows of a round: how a configuration was found, what the surrogate promises for it, and its values.

    Args:
        model: of the recorded study.
        number: of the round, from 1.
        searches: by TPE.
        climbs: hilltops at most.
    """
    found = [("TPE", led(model, 10_000 * number + seed)) for seed in range(searches)]
    found += [("climb", values) for values in hilltops(model, 10_000 * number + 5000, climbs)]
    promised = model.means(np.array([task.SPACE.place(values) for _, values in found]))
    return [
        {"round": number, "by": by, "promised": round(float(score), 4), "values": values}
        for (by, values), score in zip(found, promised, strict=True)
    ]


def kept(path: Path = FILE) -> list[dict[str, Any]]:
    """Return the rows of all rounds; none where there is no file.

    Args:
        path: the file.
    """
    return list(read_json(path, "the surrogate's leaders")["runs"]) if path.exists() else []


def add_round(model: Surrogate, landscape: Landscape, path: Path = FILE, **sizes: int) -> list[dict[str, Any]]:
    """Add a round to the file.

    Args:
        model: of the recorded study.
        landscape: the study, which has runs of all rounds before.
        path: the file.
        **sizes: of the round, see `round_of`.

    Raises:
        InputError: one line: the round before was not recorded yet.
    """
    rows = kept(path)
    trained = len(landscape.runs("led").configs) if "led" in landscape.groups else 0
    if trained < len(rows):
        raise InputError(f"{len(rows) - trained} leaders of the last round were not trained yet: record them first")
    known = [row["values"] for row in rows]
    number = 1 + max((row["round"] for row in rows), default=0)
    for row in round_of(model, number, **sizes):
        if row["values"] not in known:
            known.append(row["values"])
            rows.append(row)
    libraries = ("numpy", "scipy", "scikit-learn", "optuna")
    write_record(path, {"about": about(COMMAND, libraries)}, {"runs": [rounded(row) for row in rows]})
    return kept(path)


def promises(landscape: Landscape, path: Path = FILE) -> Mapping[tuple[int, str], tuple[NDArray, NDArray]]:
    """Return what was promised and what came of it: (round, how found) -> promised and real means, float64, (n,) each.

    Args:
        landscape: the study, with runs of all of them.
        path: the file.
    """
    rows, real = kept(path), landscape.runs("led").final.mean(axis=1)
    found: dict[tuple[int, str], list[tuple[float, float]]] = {}
    for row, score in zip(rows, real, strict=True):
        found.setdefault((row["round"], row["by"]), []).append((row["promised"], float(score)))
    return {key: (np.array(pairs)[:, 0], np.array(pairs)[:, 1]) for key, pairs in found.items()}


def main(words: Sequence[str]) -> None:
    """Add a round, and say what it holds.

    Args:
        words: of the command; there are none.
    """
    if words:
        sys.exit("expected no arguments")
    rows = add_round(Surrogate.recorded(), load())
    last = max(row["round"] for row in rows)
    promised = [row["promised"] for row in rows if row["round"] == last]
    print(f"round {last}: {len(promised)} configurations, promised {min(promised):.4f} to {max(promised):.4f}")


if __name__ == "__main__":
    main(sys.argv[1:])
