"""Training a maskable PPO agent: one config in, one folder out, and the same call again continues where it stopped.

The folder holds ``config.json``, ``checkpoint.pt`` (while training), a TensorBoard log, and at the end ``agent.json`` with
``weights.pt``, which others can load without running anybody's pickled code, and ``result.json``.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.policies import MaskableMultiInputActorCriticPolicy
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.utils import ConstantSchedule, LinearSchedule
from stable_baselines3.common.vec_env import VecMonitor

from binpack.batch import EnvConfig, PackingBatch
from binpack.evaluation import evaluate, make_streams
from binpack.policy import CandidatePolicy
from binpack.vec_env import BinPackingVecEnv

Shape = Literal["constant", "linear"]


class PPOConfig(BaseModel):
    """Hyperparameters of PPO (Schulman et al., 2017); the defaults are those of Stable-Baselines3.

    Attributes:
        learning_rate: step size of Adam.
        learning_rate_schedule: ``constant``, or ``linear`` down to 0 at the end of training.
        clip_range: how far the probability ratio may move from 1 before its gradient stops.
        clip_range_schedule: ``constant``, or ``linear`` down to 0.
        n_steps: steps of each environment between two updates; a rollout holds ``n_steps * n_envs`` transitions.
        batch_size: transitions in a minibatch.
        n_epochs: passes over each rollout.
        gamma: discount of future rewards.
        gae_lambda: bias against variance of the advantage estimate (Schulman et al., 2016).
        ent_coef: weight of the entropy bonus.
        vf_coef: weight of the value loss.
        max_grad_norm: the gradient's norm is cut to this.
        target_kl: stop the epochs of an update early beyond 1.5 times this divergence; ``None`` never does.
        normalize_advantage: zero mean and unit variance in each minibatch.
        policy: ``candidate`` (shared convolutions that score every placement) or ``mlp`` (dense layers on the flat observation).
        net_arch: widths of the hidden layers of ``mlp``, for actor and critic each.
        channels: width of the convolutions of ``candidate``.
        layers: number of convolutions of ``candidate``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    learning_rate: float = Field(default=3e-4, gt=0)
    learning_rate_schedule: Shape = "constant"
    clip_range: float = Field(default=0.2, gt=0)
    clip_range_schedule: Shape = "constant"
    n_steps: int = Field(default=128, ge=2)
    batch_size: int = Field(default=64, ge=2)
    n_epochs: int = Field(default=10, ge=1)
    gamma: float = Field(default=0.99, ge=0, le=1)
    gae_lambda: float = Field(default=0.95, ge=0, le=1)
    ent_coef: float = Field(default=0.0, ge=0)
    vf_coef: float = Field(default=0.5, ge=0)
    max_grad_norm: float = Field(default=0.5, gt=0)
    target_kl: float | None = Field(default=None, gt=0)
    normalize_advantage: bool = True
    policy: Literal["candidate", "mlp"] = "candidate"
    net_arch: tuple[int, ...] = (64, 64)
    channels: int = Field(default=32, ge=1)
    layers: int = Field(default=3, ge=1)


class TrainConfig(BaseModel):
    """One training run; every field is JSON.

    Attributes:
        env: the environment.
        ppo: the hyperparameters.
        total_steps: environment steps over all environments, rounded up to whole rollouts.
        n_envs: environments side by side.
        seed: of the network's first weights, of the actions and of the training items.
        eval_every: environment steps between two evaluations, at the ends of rollouts; ``None``: a fifth of ``total_steps``.
            One evaluation always comes last, and its mean utilization is the run's score.
        eval_streams: number of validation streams.
        eval_seed: seed of the validation streams.
        device: ``cpu``, ``cuda``, or ``auto`` (CUDA where there is one).
        threads: torch's threads; the same seed gives other weights with another number.
        tensorboard: write a TensorBoard log.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    env: EnvConfig = EnvConfig()
    ppo: PPOConfig = PPOConfig()
    total_steps: int = Field(default=100_000, ge=1)
    n_envs: int = Field(default=16, ge=1, le=4096)
    seed: int = Field(default=0, ge=0)
    eval_every: int | None = Field(default=None, ge=1)
    eval_streams: int = Field(default=100, ge=1)
    eval_seed: int = Field(default=10_000, ge=0)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = Field(default=1, ge=1)
    tensorboard: bool = True

    @model_validator(mode="after")
    def _check_sizes(self) -> TrainConfig:
        rollout = self.ppo.n_steps * self.n_envs
        if self.ppo.batch_size > rollout:
            raise ValueError(
                f"batch_size {self.ppo.batch_size} is larger than a rollout of n_steps {self.ppo.n_steps} x n_envs {self.n_envs}"
            )
        return self

    @property
    def rollout(self) -> int:
        """Transitions between two updates."""
        return self.ppo.n_steps * self.n_envs

    @property
    def budget(self) -> int:
        """Environment steps that the run takes: ``total_steps`` in whole rollouts."""
        return -(-self.total_steps // self.rollout) * self.rollout


@dataclass(frozen=True)
class TrainResult:
    """What a run achieved.

    Attributes:
        score: mean utilization on the validation streams at the last evaluation.
        history: (environment steps, mean utilization) of every evaluation.
        steps: environment steps taken.
        seconds: wall time, over all of the run's sessions.
        folder: where the agent is.
    """

    score: float
    history: tuple[tuple[int, float], ...]
    steps: int
    seconds: float
    folder: Path


@dataclass
class PPOAgent:
    """A trained policy that plays greedily.

    Attributes:
        config: what it was trained with.
        policy: the network.
        metadata: the rest of ``agent.json``: steps, score, seconds, versions, machine.
    """

    config: TrainConfig
    policy: Any
    metadata: dict[str, Any] = field(default_factory=dict)

    def act(self, batch: PackingBatch, rng: np.random.Generator) -> NDArray:
        """Return the most probable feasible action of every bin, int64 (n,).

        Raises:
            ValueError: if the agent was trained for other bins or candidates and its policy depends on them.
        """
        trained, played = self.config.env, batch.config
        fixed = ("bin_size", "visible", "rotation") if self.config.ppo.policy == "mlp" else ()
        for name in fixed:
            if getattr(trained, name) != getattr(played, name):
                raise ValueError(
                    f"an mlp agent trained with {name} {getattr(trained, name)} cannot play {getattr(played, name)}"
                )
        with torch.no_grad():
            observation = {name: torch.as_tensor(value) for name, value in batch.observation().items()}
            features = self.policy.extract_features(observation)
            scores = self.policy.action_net(self.policy.mlp_extractor.forward_actor(features)).numpy()
        return np.where(batch.masks(), scores, -np.inf).argmax(axis=1)


def train(
    config: TrainConfig,
    folder: str | Path,
    *,
    on_evaluation: Callable[[int, float], None] | None = None,
    resume: bool = True,
    progress: bool = False,
) -> TrainResult:
    """Train an agent, or continue or return the run that the folder holds.

    A run that was killed continues from its last checkpoint with the count of steps, the optimizer and the schedules where
    they were; episodes start anew with fresh items. A folder whose run is finished returns its result at once.

    Args:
        config: the run.
        folder: where everything goes; made if need be.
        on_evaluation: called with (steps, mean utilization) after each evaluation, and on resume first with those of the
            earlier session. What it raises ends the run (a pruned trial, say) and leaves the checkpoint.
        resume: ``False`` refuses a folder that holds a run.
        progress: show a progress bar.

    Returns:
        The result.

    Raises:
        ValueError: if the folder holds a run of another config, or any run although ``resume`` is ``False``.
        InstanceError: for bad items.
    """
    folder = Path(folder)
    streams = make_streams(config.env, config.eval_streams, config.eval_seed)
    _claim(folder, config, resume)
    finished = _read_result(folder)
    if finished is not None:
        for step, score in finished.history if on_evaluation else ():
            on_evaluation(step, score)
        return finished
    with _torch_threads(config.threads):
        saved = _load_checkpoint(folder)
        model = _build(config, folder, saved)
        recorder = _Recorder(config, folder, streams, on_evaluation, saved)
        if saved is None or saved["steps"] < config.budget:
            # `learn` adds its steps to those already taken.
            model.learn(
                config.budget - model.num_timesteps,
                callback=recorder,
                reset_num_timesteps=saved is None,
                tb_log_name="run",
                progress_bar=progress,
            )
        return recorder.finish(model)


class _Recorder(BaseCallback):
    """Evaluates, reports and checkpoints between two rollouts, when the weights are up to date."""

    def __init__(self, config: TrainConfig, folder: Path, streams, on_evaluation, saved: dict[str, Any] | None) -> None:
        super().__init__()
        self._config, self._folder, self._streams, self._report = config, folder, streams, on_evaluation
        self._every = config.eval_every or max(1, config.total_steps // 5)
        self._history: list[tuple[int, float]] = [tuple(row) for row in saved["history"]] if saved else []
        self._seconds_before = saved["seconds"] if saved else 0.0
        self._started = time.perf_counter()
        for step, score in self._history if on_evaluation else ():
            on_evaluation(step, score)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        last = self._history[-1][0] if self._history else 0
        if self.num_timesteps // self._every > last // self._every:
            self._evaluate(self.model)

    def finish(self, model: MaskablePPO) -> TrainResult:
        """Evaluate a last time and write the agent and the result."""
        if not self._history or self._history[-1][0] < model.num_timesteps:
            self._evaluate(model)
        result = TrainResult(
            self._history[-1][1], tuple(self._history), model.num_timesteps, self._seconds, self._folder
        )
        save_agent(self._folder, model.policy, self._config, result)
        _write_json(self._folder / "result.json", _as_dict(result))
        (self._folder / "checkpoint.pt").unlink(missing_ok=True)
        return result

    @property
    def _seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._started

    def _evaluate(self, model: MaskablePPO) -> None:
        model.policy.set_training_mode(False)
        # Every packing of the final comparison is verified; here the streams are the same ones again and again.
        agent = PPOAgent(self._config, model.policy)
        score = evaluate(agent, self._streams, self._config.env, verify=False).mean
        steps = model.num_timesteps
        self._history.append((steps, score))
        if self._config.tensorboard:
            model.logger.record("eval/utilization", score)
            model.logger.dump(steps)
        _write_atomically(self._folder / "checkpoint.pt", lambda path: torch.save(self._state(model), path))
        if self._report is not None:
            self._report(steps, score)

    def _state(self, model: MaskablePPO) -> dict[str, Any]:
        return {
            "steps": model.num_timesteps,
            "updates": model._n_updates,
            "history": [list(row) for row in self._history],
            "seconds": self._seconds,
            "policy": model.policy.state_dict(),
            "optimizer": model.policy.optimizer.state_dict(),
        }


def _build(config: TrainConfig, folder: Path, saved: dict[str, Any] | None) -> MaskablePPO:
    """Make the model, with the state of a checkpoint if there is one."""
    ppo = config.ppo
    steps = saved["steps"] if saved else 0
    # A resumed run must not see the items again that it began with, nor seed 1 the items of seed 0's second environment.
    seed = int(np.random.SeedSequence([config.seed, steps]).generate_state(1)[0] // 2)
    model = MaskablePPO(
        _policy_class(ppo),
        VecMonitor(BinPackingVecEnv(config.env, config.n_envs)),
        learning_rate=_schedule(ppo.learning_rate, ppo.learning_rate_schedule),
        clip_range=_schedule(ppo.clip_range, ppo.clip_range_schedule),
        policy_kwargs=_policy_kwargs(ppo),
        tensorboard_log=str(folder / "tensorboard") if config.tensorboard else None,
        seed=seed,
        device=config.device,
        **ppo.model_dump(include=_PASSED_ON),
    )
    if saved:
        model.policy.load_state_dict(saved["policy"])
        model.policy.optimizer.load_state_dict(saved["optimizer"])
        model.num_timesteps, model._n_updates = steps, saved["updates"]
    return model


_PASSED_ON = {
    *("n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "ent_coef", "vf_coef"),
    *("max_grad_norm", "target_kl", "normalize_advantage"),
}


def _schedule(value: float, shape: Shape) -> ConstantSchedule | LinearSchedule:
    return LinearSchedule(value, 0.0, 1.0) if shape == "linear" else ConstantSchedule(value)


def _policy_class(ppo: PPOConfig) -> type:
    return CandidatePolicy if ppo.policy == "candidate" else MaskableMultiInputActorCriticPolicy


def _policy_kwargs(ppo: PPOConfig) -> dict[str, Any]:
    if ppo.policy == "candidate":
        return {"channels": ppo.channels, "layers": ppo.layers}
    return {"net_arch": list(ppo.net_arch)}


def save_agent(folder: str | Path, policy: Any, config: TrainConfig, result: TrainResult) -> None:
    """Write an agent that others can load: ``agent.json`` and ``weights.pt``.

    Args:
        folder: where to; made if need be.
        policy: the trained policy.
        config: what it was trained with.
        result: what it achieved.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().cpu() for name, value in policy.state_dict().items()}
    _write_atomically(folder / "weights.pt", lambda path: torch.save(weights, path))
    about = {
        "config": config.model_dump(mode="json"),
        **{name: value for name, value in _as_dict(result).items() if name != "history"},
        "parameters": sum(value.numel() for value in policy.parameters()),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    _write_json(folder / "agent.json", about)


def load_agent(folder: str | Path) -> PPOAgent:
    """Load an agent that ``train`` or ``save_agent`` wrote; no pickled code runs.

    Args:
        folder: with ``agent.json`` and ``weights.pt``.

    Returns:
        The agent, on the CPU.

    Raises:
        ValueError: one line that names the file that is missing or bad.
    """
    folder = Path(folder)
    if not (folder / "agent.json").is_file():
        raise ValueError(f"{folder}: no agent here (agent.json is missing)")
    try:
        about = json.loads((folder / "agent.json").read_text())
        config = TrainConfig(**about.pop("config"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder / 'agent.json'}: not an agent's description ({_first_line(error)})") from None
    env, ppo = config.env, config.ppo
    policy = _policy_class(ppo)(
        env.observation_space(), env.action_space(), ConstantSchedule(0.0), **_policy_kwargs(ppo)
    )
    try:
        policy.load_state_dict(torch.load(folder / "weights.pt", weights_only=True, map_location="cpu"))
    except Exception as error:  # torch raises many kinds for a bad file
        raise ValueError(f"{folder / 'weights.pt'}: cannot load the weights ({_first_line(error)})") from None
    policy.set_training_mode(False)
    return PPOAgent(config, policy, about)


def _claim(folder: Path, config: TrainConfig, resume: bool) -> None:
    """Write the config into a new folder, or make sure that an old one holds the same run."""
    path = folder / "config.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write_json(path, config.model_dump(mode="json"))
        return
    if not resume:
        raise ValueError(f"{folder} already holds a run; choose another folder")
    try:
        stored = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path}: not a run's config ({_first_line(error)})") from None
    difference = _first_difference(stored, config.model_dump(mode="json"))
    if difference:
        raise ValueError(f"{folder} holds a run with another config: {difference}; choose another folder")


def _first_difference(stored: Any, asked: Any, name: str = "") -> str | None:
    if isinstance(stored, dict) and isinstance(asked, dict):
        for key in sorted(stored.keys() | asked.keys()):
            found = _first_difference(stored.get(key), asked.get(key), f"{name}.{key}" if name else key)
            if found:
                return found
        return None
    return None if stored == asked else f"{name} is {stored!r} there and {asked!r} here"


def _load_checkpoint(folder: Path) -> dict[str, Any] | None:
    path = folder / "checkpoint.pt"
    return torch.load(path, weights_only=True, map_location="cpu") if path.exists() else None


def _read_result(folder: Path) -> TrainResult | None:
    path = folder / "result.json"
    if not path.exists():
        return None
    stored = json.loads(path.read_text())
    history = tuple((int(step), float(score)) for step, score in stored["history"])
    return TrainResult(stored["score"], history, stored["steps"], stored["seconds"], folder)


def _as_dict(result: TrainResult) -> dict[str, Any]:
    return {
        "score": result.score,
        "steps": result.steps,
        "seconds": round(result.seconds, 2),
        "history": [list(row) for row in result.history],
    }


def _write_json(path: Path, value: Any) -> None:
    _write_atomically(path, lambda temporary: temporary.write_text(json.dumps(value, indent=2) + "\n"))


def _write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Write beside ``path`` and rename: a kill at any moment leaves the old file or the new one."""
    temporary = path.with_name(path.name + ".tmp")
    write(temporary)
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


@contextmanager
def _torch_threads(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
