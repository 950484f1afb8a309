"""Training a maskable PPO agent: one config in, one folder out, and the same call again continues where it stopped.

The folder holds what ``run_folder`` says, a TensorBoard log, and from the first evaluation on ``agent.json`` with
``weights.pt``, which others can load without running anybody's pickled code.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.utils import ConstantSchedule, LinearSchedule
from stable_baselines3.common.vec_env import VecMonitor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from binpack import stopping
from binpack.agents import run_state
from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.diagnostics import Diagnostics
from binpack.agents.evaluation import evaluate, make_streams
from binpack.agents.learner import PPO
from binpack.agents.limits import check_device, check_memory, check_network
from binpack.agents.policies import build_policy, policy_of
from binpack.agents.rollouts import SharedStreamsBuffer
from binpack.agents.run_folder import (
    TrainResult,
    check_folder,
    claim,
    drop_checkpoint,
    load_checkpoint,
    one_process,
    read_result,
    save_checkpoint,
    write_result,
)
from binpack.agents.store import PPOAgent, load_agent, save_agent
from binpack.env.vector import BinPackingVecEnv
from binpack.files import FileError
from binpack.items.streams import Streams

Report = Callable[[int, float], None]
"""What is called with (environment steps, mean utilization) after each evaluation."""


CHECKPOINT_SECONDS = 10.0
"""So much of a run is lost at most when it is killed, and the rollout under way."""
SHARE_OF_TIME = 0.02
"""What checkpoints between evaluations may take of a run's time: where one takes long they are further apart."""


def train(
    config: TrainConfig,
    folder: str | Path,
    *,
    on_evaluation: Report | None = None,
    resume: bool = True,
    progress: bool = False,
    keep_checkpoint: bool = False,
    writers: Sequence[KVWriter] = (),
) -> TrainResult:
    """Train an agent, or continue or return the run that the folder holds.

    A run that was killed continues from its last checkpoint, some seconds old at most, and ends bit for bit as one
    that was not, on the same machine (from the checkpoint of an earlier version: with fresh items). A folder whose run
    is finished returns its result at once, unless ``total_steps`` is more than it had: then the run goes on. With
    constant schedules that is the run that had so many steps from the start; a linear one begins again where it
    would be then.

    Args:
        config: the run.
        folder: where everything goes; made if need be.
        on_evaluation: called with (steps, mean utilization) after each evaluation, and on resume first with those of
            the earlier session. What it raises ends the run (a pruned trial, say) and leaves the checkpoint.
        resume: ``False`` refuses a folder that holds a run.
        progress: show a progress bar.
        keep_checkpoint: leave the checkpoint of a finished run, from which more steps go on exactly; without it they
            begin with the kept weights, new moments of Adam and fresh items.
        writers: get what TensorBoard gets.

    Returns:
        The result.

    Raises:
        Interrupted: the end of this process was announced (``binpack.stopping``), and the checkpoint is written.
        ValueError: if another process trains in the folder; if it holds a run of another config or of other items, a
            damaged one, or any run although ``resume`` is ``False``; or if the agent to start from is missing or has
            other layers.
        DivergedError: if weights or losses stop being finite numbers; the last checkpoint and the agent of the last
            evaluation stay.
        InstanceError: for bad items.
    """
    folder = Path(folder)
    check_device(config)
    check_network(config, copies=4)
    check_memory(config)
    streams = make_streams(config.env, config.eval_streams, config.eval_seed)
    items = config.env.source().fingerprint
    with one_process(folder):
        check_folder(folder, config, items, resume)
        finished = read_result(folder)
        if finished is not None and finished.steps >= config.budget:
            _repeat(finished.history, on_evaluation)
            return finished
        with _own_process_settings(config.threads):
            saved = load_checkpoint(folder) or _reopened(finished)
            model = _build(config, folder, saved)
            claim(folder, config, items)
            if saved is not None and finished is not None:
                save_checkpoint(folder, saved)
                (folder / "result.json").unlink()
            recorder = _Recorder(config, folder, streams, on_evaluation, saved, keep_checkpoint, writers)
            return _go_on(model, recorder, config, saved, progress)


def _go_on(
    model: PPO, recorder: _Recorder, config: TrainConfig, saved: dict[str, Any] | None, progress: bool
) -> TrainResult:
    """Train a model to its end, from where its checkpoint is, if there is one."""
    if saved is not None and saved.get("run") is not None:
        run_state.restore(model, saved["run"])
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


def _reopened(finished: TrainResult | None) -> dict[str, Any] | None:
    """Return a checkpoint of a finished run that kept none, as far as its agent says it."""
    if finished is None:
        return None
    return {
        "steps": finished.steps,
        "updates": 0,
        "history": [list(row) for row in finished.history],
        "diagnostics": [dict(row) for row in finished.diagnostics],
        "seconds": finished.seconds,
        "policy": load_agent(finished.folder).policy.state_dict(),
        "average": None,
        "optimizer": None,
    }


def _repeat(history: Sequence[tuple[int, float]], report: Report | None) -> None:
    """Report evaluations of before."""
    if report is not None:
        for step, score in history:
            report(step, score)


class _Recorder(BaseCallback):
    """Evaluates, reports and checkpoints between two rollouts, when the weights are up to date."""

    model: PPO

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        streams: Streams,
        on_evaluation: Report | None,
        saved: dict[str, Any] | None,
        keep_checkpoint: bool,
        writers: Sequence[KVWriter],
    ) -> None:
        super().__init__()
        self._config, self._folder, self._streams, self._report = config, folder, streams, on_evaluation
        self._keep_checkpoint = keep_checkpoint
        self._writers = writers
        self._every = config.evaluation_interval
        self._history: list[tuple[int, float]] = [tuple(row) for row in saved["history"]] if saved else []
        self._diagnostics: list[dict[str, float]] = list(saved.get("diagnostics", ())) if saved else []
        self._said = Diagnostics()
        if saved and "said" in saved:
            self._said.state = saved["said"]
        self._seconds_before = saved["seconds"] if saved else 0.0
        self._started = self._kept = time.perf_counter()
        self._pause = CHECKPOINT_SECONDS
        self._average: AveragedModel | None = None
        self._average_before = saved.get("average") if saved else None
        # A checkpoint's average has the checkpoint's weights in it.
        self._followed = saved["steps"] if saved and self._average_before else -1
        _repeat(self._history, on_evaluation)

    def _init_callback(self) -> None:
        if self._config.average_weights:
            follow = get_ema_multi_avg_fn(self._config.average_weights)
            self._average = AveragedModel(self.model.policy, multi_avg_fn=follow)
            if self._average_before:
                self._average.load_state_dict(self._average_before)

    def _on_training_start(self) -> None:
        # Stable-Baselines3 has made its logger by now
        self.model.logger.output_formats.extend(self._writers)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        self._follow()
        self._said.note(self.model._n_updates, self.model.logger.name_to_value)
        last = self._history[-1][0] if self._history else 0
        if stopping.asked():
            # an evaluation that is due comes when the run goes on
            self._keep(self.model, begun=True)
            stopping.leave()
        if self.num_timesteps // self._every > last // self._every:
            self._evaluate(self.model, begun=True)
        elif time.perf_counter() - self._kept >= self._pause:
            self._keep(self.model, begun=True)

    def finish(self, model: PPO) -> TrainResult:
        """Evaluate a last time and write the result."""
        self._follow()
        self._said.note(model._n_updates, model.logger.name_to_value)
        if not self._history or self._history[-1][0] < model.num_timesteps:
            self._evaluate(model, begun=False)
        result = TrainResult(
            self._history[-1][1],
            tuple(self._history),
            model.num_timesteps,
            self._seconds,
            self._folder,
            tuple(self._diagnostics),
        )
        write_result(result)
        if not self._keep_checkpoint:
            drop_checkpoint(self._folder)
        return result

    def _follow(self) -> None:
        """Take the latest weights into the average, once."""
        if self._average is not None and self._followed < self.num_timesteps:
            self._average.update_parameters(self.model.policy)
            self._followed = self.num_timesteps

    @property
    def _seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._started

    def _evaluate(self, model: PPO, *, begun: bool) -> None:
        policy: Any = model.policy if self._average is None else self._average.module
        policy.set_training_mode(False)
        # Every packing of a reported comparison is verified; here the streams are the same ones again and again.
        agent = PPOAgent(self._config, policy)
        score = evaluate(agent, self._streams, self._config.env, verify=False).mean
        steps = model.num_timesteps
        self._history.append((steps, score))
        self._diagnostics.append(self._said.take(model.ep_info_buffer or ()))
        if self._config.tensorboard or self._writers:
            model.logger.record("eval/utilization", score)
            model.logger.dump(steps)
        # The agent as it is: a run that is stopped early, by a pruner or for good, keeps its model too.
        about = {"score": score, "steps": steps, "seconds": round(self._seconds, 2)}
        save_agent(self._folder, policy, self._config, about)
        self._keep(model, begun=begun)
        if self._report is not None:
            self._report(steps, score)

    def _keep(self, model: PPO, *, begun: bool) -> None:
        """Write a checkpoint."""
        started = time.perf_counter()
        save_checkpoint(self._folder, self._state(model, begun))
        self._kept = time.perf_counter()
        self._pause = max(CHECKPOINT_SECONDS, (self._kept - started) / SHARE_OF_TIME)

    def _state(self, model: PPO, begun: bool) -> dict[str, Any]:
        return {
            "steps": model.num_timesteps,
            "updates": model._n_updates,
            "history": [list(row) for row in self._history],
            "diagnostics": self._diagnostics,
            "seconds": self._seconds,
            "policy": model.policy.state_dict(),
            "average": self._average.state_dict() if self._average is not None else None,
            "optimizer": model.policy.optimizer.state_dict(),
            "said": self._said.state,
            "run": run_state.capture(model, begun=begun),
        }


def _build(config: TrainConfig, folder: Path, saved: dict[str, Any] | None) -> PPO:
    """Make the model, with the state of a checkpoint if there is one."""
    ppo = config.ppo
    steps = saved["steps"] if saved else 0
    # A resumed run must not see the items again that it began with, nor seed 1 the items of seed 0's second
    # environment.
    seed = int(np.random.SeedSequence([config.seed, steps]).generate_state(1)[0] // 2)
    model = PPO(
        policy_of(ppo).policy_class(),
        VecMonitor(BinPackingVecEnv(config.env, config.n_envs, replicas=ppo.replicas)),
        learning_rate=_schedule(ppo.learning_rate, ppo.learning_rate_schedule),
        clip_range=_schedule(ppo.clip_range, ppo.clip_range_schedule),
        policy_kwargs=policy_of(ppo).policy_kwargs(ppo),
        tensorboard_log=str(folder / "tensorboard") if config.tensorboard else None,
        seed=seed,
        device=config.device,
        # A rollout would go on where the last one ended, with each row of a group at another item.
        fresh_rollouts=ppo.replicas > 1,
        **_buffer(ppo),
        **ppo.model_dump(include=_PASSED_ON),
    )
    if not config.tensorboard:
        # Without one of its own, Stable-Baselines3 makes a folder for its log in the system's temporary folder.
        model.set_logger(Logger(folder=None, output_formats=[]))
    if config.start_from and not saved:
        _start_from(model.policy, config.start_from)
    if saved:
        model.policy.load_state_dict(saved["policy"])
        if saved["optimizer"] is not None:
            model.policy.optimizer.load_state_dict(saved["optimizer"])
        model.num_timesteps, model._n_updates = steps, saved["updates"]
    return model


def _buffer(ppo: PPOConfig) -> dict[str, Any]:
    if ppo.replicas == 1:
        return {}
    return {"rollout_buffer_class": SharedStreamsBuffer, "rollout_buffer_kwargs": {"replicas": ppo.replicas}}


def check_start(config: TrainConfig) -> None:
    """Make sure that a run can start from the agent that it names, if it names one.

    Args:
        config: the run.

    Raises:
        ValueError: one line: there is no such agent, or its network has other shapes.
    """
    if config.start_from:
        _start_from(build_policy(config), config.start_from)


def _start_from(policy: torch.nn.Module, name: str) -> None:
    """Give a policy an earlier agent's weights.

    Raises:
        ValueError: if there is no such agent, or its network has other shapes.
    """
    weights = load_agent(name).policy.state_dict()
    try:
        policy.load_state_dict(weights)
    except RuntimeError:
        raise FileError(f"start_from {name}: its network has other layers than this run's policy") from None


_PASSED_ON = {
    *("n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "ent_coef", "vf_coef"),
    *("max_grad_norm", "target_kl", "normalize_advantage"),
}


def _schedule(value: float, shape: str) -> ConstantSchedule | LinearSchedule:
    return LinearSchedule(value, 0.0, 1.0) if shape == "linear" else ConstantSchedule(value)


@contextmanager
def _own_process_settings(threads: int) -> Iterator[None]:
    """Set torch's threads, and give back the global generators that Stable-Baselines3 seeds as they were."""
    before, numpys, pythons = torch.get_num_threads(), np.random.get_state(), random.getstate()  # noqa: NPY002
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng():
            yield
    finally:
        torch.set_num_threads(before)
        np.random.set_state(numpys)  # noqa: NPY002
        random.setstate(pythons)
