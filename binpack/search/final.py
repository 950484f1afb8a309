"""The last act of a study: best and default trained anew on fresh seeds, scored on other streams than tuning's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from binpack.agents.evaluation import evaluate, make_streams
from binpack.agents.store import load_agent
from binpack.files import FileError, read_sealed, write_sealed
from binpack.search.config import TuneConfig
from binpack.search.report import Comparison, TuneResult
from binpack.search.trials import Work

HeldOut = Callable[[Path, TuneConfig], float]


def held_out_score(folder: Path, config: TuneConfig) -> float:
    """Mean utilization of a trained agent over the study's test streams."""
    env = config.train.env
    streams = make_streams(env, config.test_streams, config.test_seed)
    return float(evaluate(load_agent(folder), streams, env, seed=0).mean)


def compare(
    work: Work, result: TuneResult, held_out: HeldOut, *, progress: bool, same_file: bool = False
) -> Comparison:
    """Train and score both on the same fresh seeds, and keep the comparison in ``final.json``.

    Every run and every score has its own file, so that a killed comparison goes on too.

    Args:
        work: the study; its workers train all runs side by side.
        result: its search, done; ``result.best`` is a number.
        held_out: the scoring function.
        progress: whether to show a bar over the runs.
        same_file: whether the test streams come from the same file of sequences as the tuning streams.
    """
    assert result.best is not None
    config, folder = work.config, work.location.folder
    best_is_default = result.best_values == config.defaults()
    parts: list[tuple[str, Mapping[str, Any]]] = [("final_default", {})]
    if not best_is_default:
        # The number in the name: a study that goes on may have another best trial after its next comparison.
        parts.insert(0, (f"final_trial_{result.best:04d}", result.best_values or {}))
    seeds = list(config.plan().final)
    scores: list[list[float]] = []
    with tqdm(total=len(parts) * len(seeds), desc="held out", disable=not progress, unit="run") as bar:
        work.workers.train_ahead(
            work.train,
            [
                (config.train_config(values, seed), folder / name / f"seed_{seed}")
                for name, values in parts
                for seed in seeds
            ],
        )
        for name, values in parts:
            scores.append([])
            for seed in seeds:
                bar.set_postfix_str(f"{name.removeprefix('final_')}, seed {seed}")
                run = folder / name / f"seed_{seed}"
                scores[-1].append(_run(work, values, seed, run, held_out))
                bar.update()
    comparison = Comparison(
        best=scores[0],
        default=scores[-1],
        number=result.best,
        best_is_default=best_is_default,
        seeds=seeds,
        streams=config.test_streams,
        steps=config.train.total_steps,
        same_file=same_file,
    )
    work.check()
    write_sealed(folder / "final.json", comparison.to_dict())
    return comparison


def _run(work: Work, values: Mapping[str, Any], seed: int, folder: Path, held_out: HeldOut) -> float:
    kept = folder / "held_out.json"
    if kept.is_file():
        stored = read_sealed(kept, "a held-out score", "delete it to score anew").get("score")
        if not isinstance(stored, float) or not math.isfinite(stored):
            raise FileError(f"{kept}: not a held-out score (score is {stored!r}): delete it to score anew")
        return stored
    work.check()
    work.train(work.config.train_config(values, seed), folder)
    score = float(held_out(folder, work.config))
    write_sealed(kept, {"score": score, "streams": work.config.test_streams})
    return score
