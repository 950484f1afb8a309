"""The default entrypoint: PPO that packs boxes into a bin, with every setting of it as a hyperparameter.

Hyperparameters are the fields of ``PPOConfig``, of ``TrainConfig`` and of ``EnvConfig`` by their own names (``gamma``,
``total_steps``, ``bin_size``); the dataset is the environment's ``items``. Besides, of tuning: ``final_seeds``, the
fresh training seeds on which the best configuration is compared with the default one in the end (3; 0 for none), and
``test_streams``, on how many unseen streams (200). Metrics are ``score`` (mean utilization over the validation
streams), ``steps`` and ``seconds``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from binpack.agents.config import PPOConfig, TrainConfig, read_config
from binpack.env.config import EnvConfig
from binpack.files import FileError, InputError
from binpack.search._model import one_line
from binpack.search.action.distributions import Distribution
from binpack.search.action.faults import Fault, place
from binpack.search.action.job import DEFAULT_ENGINE, Draft, Params
from binpack.search.action.result import Trial
from binpack.search.action.trial import Assignment
from binpack.search.seeds import SeedPlan
from binpack.search.workers import Told, nobody

if TYPE_CHECKING:
    from binpack.search.action.run import Run
    from binpack.search.locks import Check

METRICS = ("score", "steps", "seconds")


class Final(BaseModel):
    """The comparison in the end.

    Attributes:
        final_seeds: fresh training seeds, 3 or more; 0 for no comparison.
        test_streams: unseen item streams.
        test_seed: of these streams.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    final_seeds: int = Field(default=3, ge=0, le=1000)
    test_streams: int = Field(default=200, ge=1)
    test_seed: int = Field(default=20_000, ge=0)


_FIELDS: Mapping[str, str] = {
    **dict.fromkeys(PPOConfig.model_fields, "ppo"),
    **dict.fromkeys(EnvConfig.model_fields, "env"),
    **dict.fromkeys(TrainConfig.model_fields, "train"),
    **dict.fromkeys(Final.model_fields, "final"),
}
NAMES = tuple(name for name in _FIELDS if name not in {"items", "env", "ppo"})
"""The hyperparameters."""
_LAYERS = frozenset({"policy", "net_arch", "channels", "layers"})
"""Those without which weights do not fit."""


def train(
    run: Run,
    dataset: str,
    hyperparameter: Mapping[str, Any],
    checkpoint: str | None,
    num_cpus: float = 1,
    num_gpus: float = 0,
    **kwargs: Any,
) -> dict[str, float]:
    """Train once.

    Args:
        run: where it reports to.
        dataset: the environment's items.
        hyperparameter: any of ``NAMES``.
        checkpoint: the folder of a run, or an agent. The same run, perhaps with fewer steps, goes on where it was; any
            other lends its weights to begin with.
        num_cpus: cores; torch's threads where ``threads`` is not given.
        num_gpus: GPUs; training is on one where ``device`` is not given.
        **kwargs: no matter here.

    Returns:
        The metrics.
    """
    from binpack.agents.training import train as train_ppo

    run.progress("dataset", 0.0)
    config = config_of(dataset, hyperparameter, num_cpus, num_gpus)
    folder = run.folder / "model"
    if checkpoint is not None:
        config = _go_on(run, checkpoint, config, folder)
    config.env.source()
    run.checkpoint_output = folder
    run.progress("dataset", 1.0)
    total, every = config.total_steps, config.evaluation_interval

    def on_evaluation(step: int, score: float) -> None:
        run.progress("train", min(1.0, step / config.budget))
        # The true steps end with a rollout, whose length may be tuned; trials are compared at equal times only.
        now = -(-total // every) if step >= total else step // every
        # The folder can be gone on from, and does not change before the report is answered.
        run.log_metric("train", "steps", step, score=score, training_iteration=now, checkpoint=folder)

    result = train_ppo(config, folder, on_evaluation=on_evaluation, keep_checkpoint=True)
    run.progress("train", 1.0)
    run.progress("model_upload", 1.0)
    return {"score": result.score, "steps": result.steps, "seconds": round(result.seconds, 2)}


def tune(
    hyperparameter: Mapping[str, Any], run: Run, dataset: str, checkpoint: str | None, **kwargs: Any
) -> dict[str, float]:
    """Train once with the values of one trial; see ``train``."""
    return train(run, dataset, hyperparameter, checkpoint, **kwargs)


def config_of(dataset: str, hyperparameter: Mapping[str, Any], num_cpus: float = 1, num_gpus: float = 0) -> TrainConfig:
    """Make the configuration of a training run.

    Raises:
        ValidationError: values that it cannot have.
    """
    parts: dict[str, dict[str, Any]] = {"ppo": {}, "env": {}, "train": {}, "final": {}}
    for name, value in hyperparameter.items():
        parts[_FIELDS[name]][name] = value
    machine = {"threads": max(1, int(num_cpus)), "device": "cuda" if num_gpus else "cpu"}
    fields = {**machine, **parts["train"], "ppo": parts["ppo"], "env": {**parts["env"], "items": dataset}}
    return TrainConfig.model_validate(fields)


def _go_on(run: Run, checkpoint: str, config: TrainConfig, folder: Path) -> TrainConfig:
    """Put another run's state into a new run's folder, or its weights into the configuration."""
    from binpack.agents.run_folder import check_folder, inherit, inherited

    there = Path(checkpoint)
    if run.checkpoint is not None:
        # This run's own, or that of a trial which it takes over: "pbt" changes hyperparameters on the way.
        source = config.env.source().fingerprint
        if there.resolve() != folder.resolve() and inherited(folder) != checkpoint:
            inherit(folder, there, config, source)
            run.log(f"takes over {checkpoint}")
        return config.model_copy(update={"start_from": read_config(folder / "config.json").start_from})
    if (folder / "config.json").is_file() and not config.start_from:
        try:
            check_folder(folder, config, config.env.source().fingerprint, True)
            return config
        except FileError:
            return config.model_copy(update={"start_from": checkpoint})
    if (there / "config.json").is_file():
        try:
            check_folder(there, config, config.env.source().fingerprint, True)
        except FileError as error:
            run.log(f"begins with the weights of {checkpoint}: {error}")
        else:
            partial = folder.with_name("model.partial")
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(there, partial)
            partial.rename(folder)
            run.log(f"goes on with the run in {checkpoint}")
            return config
    return config.model_copy(update={"start_from": checkpoint})


def check(draft: Draft) -> Iterator[Fault]:
    """Look at a job before it starts: names, values at the ends of their ranges, items, checkpoint, metric."""
    known = ", ".join(NAMES)
    for name in draft.fixed:
        if name not in NAMES:
            yield Fault(place(("params", "hyperparameter", name)), f"there is no such hyperparameter; there is {known}")
    for number, (name, _) in draft.named.items():
        if isinstance(name, str) and (name not in NAMES or _FIELDS[name] == "final"):
            where = place(("params", "hyperparameters", number, "name"))
            yield Fault(where, f"there is no hyperparameter {name!r} that can vary; there is {known}")
        elif name in _LAYERS and draft.choice("scheduler", "") == "pbt":
            where = place(("params", "hyperparameters", number, "name"))
            yield Fault(where, f"pbt copies weights from trial to trial: {name}, which makes the layers, cannot vary")
    yield from _check_values(draft)
    metric = draft.tuning.get("metric")
    if isinstance(metric, str) and metric and metric not in METRICS:
        yield Fault("params.tune_config.metric", f"{metric!r} is not one of {', '.join(METRICS)}")
    gpus = draft.params.get("num_gpus")
    if isinstance(gpus, int | float) and gpus > 0 and draft.text("engine", DEFAULT_ENGINE) == DEFAULT_ENGINE:
        import torch

        if not torch.cuda.is_available():
            yield Fault("params.num_gpus", "there is no GPU here that torch can use")
    checkpoint = draft.text("checkpoint")
    if checkpoint is not None:
        from binpack.agents.store import agent_folder

        if not any((agent_folder(checkpoint) / name).is_file() for name in ("agent.json", "checkpoint.pt")):
            yield Fault("params.checkpoint", f"{checkpoint} is no run's folder and no agent")


def _check_values(draft: Draft) -> Iterator[Fault]:
    fixed = {name: value for name, value in draft.fixed.items() if name in NAMES}
    varied = {n: each for n, each in draft.varied.items() if each.name in NAMES and each.name not in fixed}
    final = {name: value for name, value in fixed.items() if _FIELDS[name] == "final"}
    base = {name: value for name, value in fixed.items() if name not in final}
    where = ("params", "hyperparameter")
    yield from _faults(partial(Final.model_validate, final), where)
    if final.get("final_seeds") in (1, 2):
        yield Fault(place((*where, "final_seeds")), "a comparison needs at least 3 training seeds (or 0: none)")
    before = list(_faults(partial(config_of, "random", base), where))
    yield from before
    if before:
        return
    for number, each in varied.items():
        place_of = ("params", "hyperparameters", number)
        for value in _probes(each):
            wrong = list(_faults(partial(config_of, "random", {**base, each.name: value}), ()))
            if wrong:
                yield Fault(place(place_of), f"{each.name} = {value}: {wrong[0].what}")
                break
    dataset = draft.params.get("dataset")
    if isinstance(dataset, str) and dataset:
        try:
            config_of(dataset, base).env.source()
        except (InputError, ValidationError, OSError) as error:
            yield Fault("params.dataset", one_line(error) if isinstance(error, ValidationError) else str(error))


def _probes(varied: Distribution) -> list[Any]:
    """Values to try: the ends of a range or every option, and some draws."""
    ends = [getattr(varied, name) for name in ("min", "max") if hasattr(varied, name)]
    rng = np.random.default_rng(0)
    draws = [varied.sample(rng) for _ in range(5)]
    return [*[value for value in ends if varied.contains(value)], *getattr(varied, "options", ()), *draws]


def _faults(make: Callable[[], Any], where: tuple[str | int, ...]) -> Iterator[Fault]:
    try:
        make()
    except ValidationError as error:
        for each in error.errors(include_url=False):
            path = [part for part in each["loc"] if part not in ("ppo", "env")]
            what = " ".join(each["msg"].removeprefix("Value error, ").split())
            yield Fault(place((*where, *path)), what)
    except InputError as error:
        yield Fault(place(where), str(error))


def conclude(
    params: Params,
    dataset: str,
    best: Trial,
    number: int,
    folder: Path,
    held: Check,
    progress: bool,
    ahead: Callable[[Sequence[Assignment]], None] | None = None,
) -> list[str]:
    """Compare the best configuration with the default one on fresh seeds and unseen streams.

    Args:
        params: the job's.
        dataset: the items.
        best: the best trial.
        number: of it.
        folder: for the comparison's runs and its ``final.json``.
        held: raises where the job is this process's no longer.
        progress: whether to show a bar.
        ahead: trains runs elsewhere; None: processes of this machine do.

    Returns:
        The comparison in words; nothing where none was asked for.
    """
    from binpack.agents.training import train as train_ppo
    from binpack.search.final import Contest, score_on
    from binpack.search.workers import Workers
    from binpack.system import usable_cores

    final = Final.model_validate({name: params.fixed[name] for name in Final.model_fields if name in params.fixed})
    if not final.final_seeds:
        return []
    ends = [config_of(dataset, config, params.num_cpus, params.num_gpus) for config in (best.config, params.fixed)]
    winner, default = ends
    plan = SeedPlan.of_size(1, final.final_seeds, first=default.seed)
    plan = SeedPlan(
        tuning=plan.tuning, final=plan.final, tuning_streams=default.eval_seed, test_streams=final.test_seed
    )
    contest = Contest(
        folder=folder,
        number=number,
        best=lambda seed: winner.model_copy(update={"seed": seed}),
        default=lambda seed: default.model_copy(update={"seed": seed}),
        best_is_default=winner == default,
        seeds=list(plan.final),
        streams=final.test_streams,
        steps=default.total_steps,
        same_file=default.env.source().finite,
        score=lambda run: score_on(run, default.env, final.test_streams, final.test_seed),
    )
    if ahead is not None:
        comparison = contest.hold(train_ppo, _Elsewhere(dataset, ahead), held, progress=progress)
        return comparison.lines(float(best.metrics["score"]))
    jobs = params.tuning.max_concurrent_trials or max(1, int(usable_cores() // params.num_cpus))
    with Workers(min(jobs, 2 * final.final_seeds)) as workers:
        comparison = contest.hold(train_ppo, workers, held, progress=progress)
    return comparison.lines(float(best.metrics["score"]))


@dataclass(frozen=True)
class _Elsewhere:
    """Trains the comparison's runs with an engine's trainers; see ``workers.Ahead``."""

    dataset: str
    ahead: Callable[[Sequence[Assignment]], None]

    def train_ahead(
        self, train: Callable[[Any, Path], Any], runs: Iterable[tuple[Any, Path]], trained: Told = nobody
    ) -> None:
        assignments = [
            Assignment(
                entrypoint=f"{__name__}:anew",
                tuning=False,
                trial_id=None,
                folder=folder,
                dataset=self.dataset,
                hyperparameter=config.stored(),
                checkpoint=None,
                metric="score",
            )
            for config, folder in runs
        ]
        if assignments:
            self.ahead(assignments)


def anew(run: Run, hyperparameter: Mapping[str, Any], **kwargs: Any) -> float:
    """Train a run of the comparison in its own folder; an entrypoint for engines.

    Args:
        run: the run.
        hyperparameter: its whole configuration, as `TrainConfig` has it in JSON.
        **kwargs: no matter here.

    Returns:
        Its score.
    """
    from binpack.agents.training import train as train_ppo

    return train_ppo(TrainConfig.model_validate(hyperparameter), run.folder).score
