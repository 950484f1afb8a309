"""What is done with a trained agent: its weights are saved, and its settings tuned."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import gymnasium as gym
import numpy as np
import optuna
import torch
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FixedTrial
from torch import Tensor, nn

from binpack.course.exercises import Mistake, exercise, expect, expect_close, expect_shape, expect_type
from binpack.course.l02_deep_q_network.agent import VALIDATION_SEED, Agent, DQNConfig, Parts
from binpack.course.l02_deep_q_network.exercises._stand_ins import Pay, Spies, example_agent, weight
from binpack.course.l02_deep_q_network.exercises.training import evaluate, train


@exercise(
    minutes=3,
    difficulty=1,
    hints=(
        "If the file cannot be read with weights_only=True, it holds the module itself: save its state_dict().",
        "If the loaded network still acts like a new one, load_state_dict has not been called on it.",
    ),
)
def save_and_load(network: nn.Module, path: str | Path, fresh: nn.Module) -> nn.Module:
    """Save the weights of one network in a file, and load them from there into another.

    Args:
        network: what is saved: its weights only, no Python objects.
        path: the file.
        fresh: a new network of the same form.

    Returns:
        The fresh network, which now holds the weights.
    """
    # 1. weights only
    torch.save(network.state_dict(), path)
    # 2. read them without running any code that a file may hold
    fresh.load_state_dict(torch.load(path, weights_only=True))
    return fresh


@save_and_load.check
def _(answer: Callable) -> None:
    network, fresh = example_agent().network, example_agent().target
    before = {name: weights.clone() for name, weights in network.state_dict().items()}
    unsafe: list[bool] = []
    really_load = torch.load

    def load(*args: Any, **kwargs: Any) -> Any:
        unsafe.append(kwargs.get("weights_only") is False)
        return really_load(*args, **kwargs)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        with mock.patch("torch.load", load):
            got = answer(network, path, fresh)
        expect(path.is_file(), "there is no file at the path: is the network saved?")
        try:
            saved = really_load(path, weights_only=True)
        except Exception:
            raise Mistake("the file holds the module itself, so reading it runs code: save its state_dict()") from None
        expect(not any(unsafe), "weights_only=False runs whatever code a file holds: leave it True")
        expect(isinstance(saved, dict) and set(saved) == set(before), "the file should hold the network's state_dict()")
        expect(got is not None, "it returns None (is there a return?)")
        expect(got is not network, "it returns the network that was saved: return the fresh one")
        expect_type(got, nn.Module, "the answer")
        same = all(torch.equal(saved[name], weights) for name, weights in before.items())
        expect(same, "the file holds other weights: were the fresh network's saved?")
        after = {name: weights.detach() for name, weights in got.state_dict().items()}
        loaded = set(after) == set(before) and all(torch.equal(after[name], before[name]) for name in before)
        expect(loaded, "the returned network does not hold the saved weights: is load_state_dict called?")
        expect(got is fresh, "another network than the fresh one is returned")
        kept = all(torch.equal(weights, before[name]) for name, weights in network.state_dict().items())
        expect(kept, "the first network's weights were changed")
        with torch.no_grad():
            weight(network).add_(1.0)
        expect(torch.equal(weight(got).detach(), before["weight"]), "both networks share their weights: read the file")


@exercise(
    minutes=12,
    difficulty=2,
    hints=(
        "If every trial scores the same, the suggested values are not used: base.replace(...) makes the configuration.",
        "If trials get better one after another whatever they try, they share something: call train for each seed.",
    ),
)
def tune_objective(
    trial: optuna.trial.BaseTrial, make_env: Callable, base: DQNConfig, parts: Parts, seeds: tuple[int, ...]
) -> float:
    """Score a trial's settings: train a fresh agent for each seed, and return their mean validation return.

    - `learning_rate`: 1e-4 to 1e-2, on a log scale
    - `gamma`: 0.9 to 0.999
    - `batch_size`: 32, 64 or 128
    - `target_update`: 500, 1000 or 2000

    Args:
        trial: gives the values.
        make_env: makes an environment, () -> gym.Env.
        base: all other settings.
        parts: the parts of the agent.
        seeds: one run each; its score is the mean return of 10 episodes from `VALIDATION_SEED` on.

    Returns:
        The mean score over the seeds.
    """
    # 1. what this trial tries
    config = base.replace(
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
        gamma=trial.suggest_float("gamma", 0.9, 0.999),
        batch_size=trial.suggest_categorical("batch_size", [32, 64, 128]),
        target_update=trial.suggest_categorical("target_update", [500, 1000, 2000]),
    )
    scores = []
    for seed in seeds:
        # 2. a fresh network and a fresh buffer: train makes both
        run = train(make_env(), config, parts, seed)
        # 3. judge it on episodes that no run was trained on
        scores.append(evaluate(run.agent.network, make_env(), 10, VALIDATION_SEED).mean())
    return float(np.mean(scores))


class _Asked(FixedTrial):
    """A trial with given values that refuses names it does not have."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self._values = values

    def _known(self, name: str) -> None:
        if name not in self._values:
            raise Mistake(f"it asks for {name!r}, which the docstring does not name")

    def suggest_float(self, name: str, *args: Any, **kwargs: Any) -> float:
        self._known(name)
        return super().suggest_float(name, *args, **kwargs)

    def suggest_int(self, name: str, *args: Any, **kwargs: Any) -> int:
        self._known(name)
        raise Mistake(f"{name} is asked for as an integer: see its kind in the docstring")

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        self._known(name)
        if name in ("learning_rate", "gamma"):
            raise Mistake(f"{name} is asked for as a choice: any number in its range may be drawn, use suggest_float")
        return super().suggest_categorical(name, choices)


SPACE = {
    "learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
    "gamma": FloatDistribution(0.9, 0.999),
    "batch_size": CategoricalDistribution([32, 64, 128]),
    "target_update": CategoricalDistribution([500, 1000, 2000]),
}
"""The search space of `tune_objective`."""


@tune_objective.check
def _(answer: Callable) -> None:
    values = {"learning_rate": 3e-3, "gamma": 0.75, "batch_size": 128, "target_update": 1000}
    base = DQNConfig(total_steps=20, learning_starts=12, train_every=4, buffer_size=64, epsilon_last=0.3)
    envs: list[Pay] = []
    spies, configs = Spies(1.0), []

    def make_env() -> gym.Env:
        envs.append(Pay())
        return envs[-1]

    def spied_update(agent: Agent, loss: Tensor, config: DQNConfig) -> None:
        configs.append(config)

    def spied_network(n_inputs: int, n_actions: int) -> nn.Module:
        network = spies.network(n_inputs, n_actions)
        with torch.no_grad():  # of all networks the first prefers action 1, the others action 2
            network.get_parameter("bias")[1] += 5.0 if len(spies.networks) == 1 else 0.0
        return network

    trial = _Asked(values)
    got = answer(trial, make_env, base, spies.parts().replace(update=spied_update, make_network=spied_network), (3, 5))
    asked = trial.distributions
    missing = [name for name in SPACE if name not in asked]
    expect(not missing, f"the trial is not asked for {', '.join(missing)}")
    for name, wanted in SPACE.items():
        log = getattr(asked[name], "log", None)
        expect(log == getattr(wanted, "log", None), f"{name}: is it on a log scale or not, as the docstring says?")
        expect(asked[name] == wanted, f"{name} is drawn from another range than the docstring says: {asked[name]}")
    _expect_fresh(envs, spies.networks, (3, 5))
    tried = {name: {getattr(config, name) for config in configs} for name in values}
    for name, value in values.items():
        expect(tried[name] == {value}, f"the runs do not use the suggested {name}: is it in base.replace?")
    others = {(config.total_steps, config.epsilon_last) for config in configs}
    expect(others == {(20, 0.3)}, "settings that the trial does not draw should come from base")
    expect_shape(got, (), "the score of a trial")
    first, second = (VALIDATION_SEED + 4.5 + 4 * action for action in (1, 2))
    expect(not math.isclose(got, first + second, abs_tol=0.6), "it adds the seeds up: return their mean")
    for name, value in (("first", first), ("last", second)):
        expect(not math.isclose(got, value, abs_tol=0.6), f"only the {name} seed's score is returned: take the mean")
    expect_close(
        got, (first + second) / 2, "the score should be the mean over seeds of 10 validation episodes' returns"
    )


def _expect_fresh(envs: Sequence[Pay], networks: Sequence[nn.Module], seeds: Sequence[int]) -> None:
    """See that one fresh agent was trained for each seed and then judged on the validation episodes."""
    expect(networks, "nothing is trained")
    used = [env.seeds[0] for env in envs if env.seeds]
    trained = [seed for seed in used if seed is not None and seed in seeds]
    expect(trained, f"the runs start from seeds {used[:4]}, not from those given")
    expect(len(networks) >= len(seeds), f"{len(networks)} network for {len(seeds)} seeds: train a fresh one for each")
    expect(sorted(trained) == sorted(seeds), f"{len(seeds)} seeds are given, the runs use {trained}: one run each")
    expect(len(networks) == len(seeds), f"{len(networks)} networks for {len(seeds)} seeds: one run each")
    judged = [seed for env in envs for seed in env.seeds if seed is not None and seed not in seeds]
    expect(judged, "the score comes from training: play validation episodes with evaluate")
    wanted = list(range(VALIDATION_SEED, VALIDATION_SEED + 10))
    expect(judged == wanted * len(seeds), f"{len(seeds)} runs should each play 10 episodes from VALIDATION_SEED on")
