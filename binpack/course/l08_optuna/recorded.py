"""The recorded study of lesson 08, and what a reader works out from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from binpack.agents.config import TrainConfig
from binpack.course.records import read_record
from binpack.search.config import TuneConfig
from binpack.search.report import Comparison
from binpack.search.space import Categorical, Float

RECORD = Path(__file__).with_name("study_random.json")


def recorded_study(path: str | Path = RECORD) -> optuna.Study:
    """Load the recorded random search into a study in memory; ``study_random.py`` made it.

    Args:
        path: the JSON file.

    Returns:
        A study whose trials hold parameters, reports, and per-seed scores in their attributes, as ``search.tune``
        leaves them; its own attributes are ``about`` (command, versions, machine, date), ``comparison`` and
        ``binpack`` (the configuration).
    """
    record = read_record(path)
    config = TuneConfig(**record["config"])
    study = optuna.create_study(
        study_name=config.name, direction="maximize", sampler=optuna.samplers.RandomSampler(seed=config.sampler.seed)
    )
    study.set_user_attr("about", record["about"])
    study.set_user_attr("comparison", record["comparison"])
    study.set_user_attr("binpack", {"id": "recorded", "config": record["config"]})
    distributions = {name: _distribution(parameter) for name, parameter in config.space.parameters.items()}
    study.add_trials([_trial(row, distributions) for row in record["trials"]])
    return study


def _distribution(parameter: Any) -> optuna.distributions.BaseDistribution:
    if isinstance(parameter, Categorical):
        return CategoricalDistribution([parameter.encode(choice) for choice in parameter.choices])
    if isinstance(parameter, Float):
        return FloatDistribution(parameter.low, parameter.high, log=parameter.log)
    return IntDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step)


def _trial(row: Mapping[str, Any], distributions: Mapping[str, Any]) -> optuna.trial.FrozenTrial:
    kept = {name: row[name] for name in ("scores", "steps", "seconds", "default", "error") if row[name] is not None}
    return optuna.trial.create_trial(
        state=TrialState[row["state"].upper()],
        value=row["value"],
        params=row["params"],
        distributions={name: distributions[name] for name in row["params"]},
        user_attrs=kept,
        # what Optuna leaves on a trial that somebody enqueued: it was not drawn by the sampler
        system_attrs={"fixed_params": row["params"]} if row["default"] else {},
        intermediate_values={int(step): score for step, score in row["reports"].items()},
    )


def recorded_comparison(study: optuna.Study) -> Comparison:
    """Return the held-out comparison that the recorded study ended with."""
    return Comparison.from_dict(study.user_attrs["comparison"])


def describe(study: optuna.Study) -> str:
    """Say in a few lines how the recorded study was made."""
    about, config = study.user_attrs["about"], TuneConfig(**study.user_attrs["binpack"]["config"])
    env, size = config.train.env, "x".join(map(str, config.train.env.bin_size))
    versions = ", ".join(f"{name} {about[name]}" for name in ("optuna", "stable-baselines3", "torch"))
    return (
        f"{about['command']}  ({about['date']})\n{about['machine']}; {versions}\n"
        f"bin {size}, items {env.items}, PPO ({config.train.ppo.policy}), {config.train.total_steps} steps a run\n"
        f"{len(study.trials)} trials of {config.seeds} training seeds, {config.sampler.kind} search, "
        "no pruning, trial 0 is the default configuration"
    )


@dataclass(frozen=True)
class Saving:
    """What a pruner would have done to a recorded study.

    Attributes:
        taken: share of all steps that are taken.
        complete: number of trials that reach their end.
        best: the best score among these.
        rank: the rank of that score among all trials, 1 for the best.
    """

    taken: float
    complete: int
    best: float
    rank: int


def saving(study: optuna.Study, ends: Sequence[int]) -> Saving:
    """Work out what stopping the trials at some steps saves and costs.

    Args:
        study: complete trials with all their reports.
        ends: the step at which each trial ends.
    """
    lasts = [max(trial.intermediate_values) for trial in study.trials]
    scores = [trial.values[0] for trial in study.trials]
    kept = [score for score, end, last in zip(scores, ends, lasts, strict=True) if end == last]
    best = max(kept)
    return Saving(sum(ends) / sum(lasts), len(kept), best, 1 + sum(score > best for score in scores))


def gradient_steps(config: TrainConfig) -> int:
    """Count the optimizer steps of a training run: the part of its cost that hyperparameters decide."""
    batches = -(-config.rollout // config.ppo.batch_size)
    return config.budget // config.rollout * batches * config.ppo.n_epochs


def drawn_trials(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Return the complete trials that the sampler drew, without those that somebody enqueued."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [trial for trial in complete if "fixed_params" not in trial.system_attrs]
