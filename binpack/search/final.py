"""The last act of a study: best and default trained anew on fresh seeds, scored on other streams than tuning's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from binpack.agents.evaluation import evaluate, make_streams
from binpack.agents.store import load_agent
from binpack.files import write_json
from binpack.search.config import TuneConfig
from binpack.search.report import Comparison, TuneResult
from binpack.search.storage import read_json
from binpack.search.workers import Workers

HeldOut = Callable[[Path, TuneConfig], float]


def held_out_score(folder: Path, config: TuneConfig) -> float:
    """Mean utilization of a trained agent over the study's test streams."""
    env = config.train.env
    streams = make_streams(env, config.test_streams, config.test_seed)
    return float(evaluate(load_agent(folder), streams, env, seed=0).mean)


def compare(
    config: TuneConfig,
    result: TuneResult,
    train: Any,
    held_out: HeldOut,
    progress: bool,
    workers: Workers,
    *,
    same_file: bool = False,
) -> Comparison:
    """Train and score both on the same fresh seeds, and keep the comparison in ``final.json``.

    Every run and every score has its own file, so that a killed comparison goes on too.

    Args:
        config: the study.
        result: its search, done; ``result.best`` is a number.
        train: the training function.
        held_out: the scoring function.
        progress: whether to show a bar over the runs.
        workers: trains all runs side by side.
        same_file: whether the test streams come from the same file of sequences as the tuning streams.
    """
    assert result.best is not None
    folder = result.location.folder
    best_is_default = result.best_values == config.defaults()
    parts: list[tuple[str, Mapping[str, Any]]] = [("final_default", {})]
    if not best_is_default:
        # The number in the name: a study that goes on may have another best trial after its next comparison.
        parts.insert(0, (f"final_trial_{result.best:04d}", result.best_values or {}))
    seeds = list(config.plan().final)
    scores: list[list[float]] = []
    with tqdm(total=len(parts) * len(seeds), desc="held out", disable=not progress, unit="run") as bar:
        workers.train_ahead(
            train,
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
                scores[-1].append(_run(config, values, seed, run, train, held_out))
                bar.update()
    comparison = Comparison.of(
        best=scores[0],
        default=scores[-1],
        number=result.best,
        best_is_default=best_is_default,
        seeds=seeds,
        streams=config.test_streams,
        steps=config.train.total_steps,
        same_file=same_file,
    )
    write_json(folder / "final.json", comparison.to_dict())
    return comparison


def _run(
    config: TuneConfig, values: Mapping[str, Any], seed: int, folder: Path, train: Any, held_out: HeldOut
) -> float:
    kept = folder / "held_out.json"
    if (stored := read_json(kept)) is None:
        train(config.train_config(values, seed), folder)
        stored = {"score": held_out(folder, config), "streams": config.test_streams}
        write_json(kept, stored)
    return float(stored["score"])
