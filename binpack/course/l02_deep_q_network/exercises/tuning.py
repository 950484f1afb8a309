"""What a study asks of a trial: one score for one choice of settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import optuna
import torch
from torch import Tensor

from binpack.course.exercises import Mistake, exercise, expect, promise
from binpack.course.l02_deep_q_network.agent import VALIDATION_SEED, Agent, DQNConfig, Parts
from binpack.course.l02_deep_q_network.exercises._stand_ins import Pay, Spies
from binpack.course.l02_deep_q_network.exercises.training import evaluate, train


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with the settings: `config = suggest(trial, base)`. They are the same for every seed of the trial.",
        "For each seed, `run = train(make_env(), config, parts, seed)` makes a fresh agent and trains it; "
        "`run.agent.network` is what it learned.",
        "`evaluate(run.agent.network, make_env(), 10, VALIDATION_SEED)` gives the returns of 10 episodes that no run "
        "was trained on. Take their mean, and then the mean over the seeds.",
    ),
    returns=promise.a_float("the score"),
)
def tune_objective(
    trial: optuna.trial.BaseTrial, suggest: Callable, make_env: Callable, base: DQNConfig, parts: Parts, seeds: tuple
) -> float:
    """Score the settings that a trial tries: train an agent with each seed, and average their validation returns.

    Args:
        trial: what `suggest` asks for values.
        suggest: gives the settings, (trial, base) -> DQNConfig.
        make_env: makes an environment, () -> gym.Env.
        base: the settings that the trial does not draw.
        parts: the parts of the agent.
        seeds: one training run each. A run is scored by the mean return of 10 episodes from `VALIDATION_SEED` on.

    Returns:
        The mean of the runs' scores.
    """
    # 1. what this trial tries
    config = suggest(trial, base)
    scores = []
    for seed in seeds:
        # 2. a fresh network and a fresh buffer: train makes both
        run = train(make_env(), config, parts, seed)
        # 3. judge it on episodes that no run was trained on
        scores.append(evaluate(run.agent.network, make_env(), 10, VALIDATION_SEED).mean())
    return float(np.mean(scores))


_BASE = DQNConfig(total_steps=20, learning_starts=12, train_every=4, buffer_size=64, epsilon_last=0.3)
_TRIED = {"learning_rate": 3e-3, "gamma": 0.95}
_VALIDATION = list(range(VALIDATION_SEED, VALIDATION_SEED + 10))
_UNTRAINED = 4.5 + 4.0 * 2
"""What a network scores that was not trained: it prefers the last action."""
_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "it returns the best run's score: take the mean over the seeds": max,
    "it returns the worst run's score: take the mean over the seeds": min,
    "it returns the first seed's score: take the mean over the seeds": lambda scores: scores[0],
    "it returns the last seed's score: take the mean over the seeds": lambda scores: scores[-1],
    "it adds the runs' scores up: take their mean": sum,
    "it does not judge run.agent.network, which is the trained one": lambda scores: _UNTRAINED,
    "it returns the median of the runs' scores: take their mean": lambda scores: float(np.median(scores)),
}


@tune_objective.check
def _(answer: Callable) -> None:
    # which action each seed's network prefers: no wrong statistic agrees with another one, or with the mean, on all
    studies = [((3, 5, 8), (1, 2, 0)), ((4, 2, 9), (2, 0, 0)), ((7, 6, 1), (0, 2, 2)), ((5, 9), (0, 1))]
    got, scores = [], []
    for seeds, actions in studies:
        stage = _Stage(actions)
        got.append(answer(stage.trial, stage.suggest, stage.make_env, _BASE, stage.parts(), seeds))
        stage.expect_fresh_runs(seeds)
        scores.append([4.5 + 4.0 * action for action in actions])
    wanted = [float(np.mean(each)) for each in scores]
    wrong = [place for place, score in enumerate(wanted) if abs(got[place] - score) > 1e-3]
    if wrong:
        named = [text for text, of in _STATISTICS.items() if np.allclose(got, list(map(of, scores)), rtol=0, atol=1e-3)]
        place = wrong[0]
        raise Mistake(
            (*named, "the score is not the mean over the seeds of 10 validation episodes' mean return")[0],
            got=got[place],
            wanted=wanted[place],
            given=f"runs that score {', '.join(f'{score:.1f}' for score in scores[place])}",
        )


@dataclass
class _Episode:
    """What happened in one episode: the seed of its reset, whether it was played, and whether its steps were stored."""

    seed: int | None
    played: bool = False
    stored: bool = False


class _Noted(Pay):
    """An environment that tells the stage what is done to it."""

    def __init__(self, stage: _Stage) -> None:
        super().__init__()
        self._stage = stage

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple:
        self._stage.episodes.append(_Episode(seed))
        # Pay pays the seed: without this its scores are a million and a bit, which nobody can compare
        return super().reset(seed=None if seed is None else seed % VALIDATION_SEED, options=options)

    def step(self, action: int) -> tuple:
        self._stage.episodes[-1].played = True
        return super().step(action)


class _Stage:
    """What `tune_objective` is called with; it notes which agents are trained, with what, and where they are judged."""

    def __init__(self, actions: Sequence[int]) -> None:
        self.trial = optuna.trial.FixedTrial(dict(_TRIED))
        self.episodes: list[_Episode] = []
        self.configs: list[DQNConfig] = []
        self._actions, self._spies = actions, Spies(1.0)

    def suggest(self, trial: optuna.trial.BaseTrial, base: DQNConfig) -> DQNConfig:
        expect(trial is self.trial, "suggest should get the trial as its first argument", got=trial, given=_CALLED)
        expect(base is _BASE, "suggest should get base as its second argument", got=base, given=_CALLED)
        return base.replace(**_TRIED)

    def make_env(self) -> gym.Env:
        return _Noted(self)

    def parts(self) -> Parts:
        plain = self._spies.parts()

        def add(*transition: Any) -> None:
            self.episodes[-1].stored = True
            plain.add(*transition)

        return plain.replace(add=add, update=self._update)

    def _update(self, agent: Agent, loss: Tensor, config: DQNConfig) -> None:
        """Train: the network comes to prefer the action of its seed; the target network still likes the last one."""
        self.configs.append(config)
        place = next(at for at, network in enumerate(self._spies.networks) if network is agent.network)
        with torch.no_grad():
            agent.network.get_parameter("bias")[self._actions[place % len(self._actions)]] += 5.0

    def expect_fresh_runs(self, seeds: Sequence[int]) -> None:
        """Raise `Mistake` unless one fresh agent was trained for each seed, and judged on the validation episodes."""
        networks, wanted, given = len(self._spies.networks), list(seeds), f"the seeds {seeds}"
        text = "parts.make_network is never called: train(make_env(), config, parts, seed) trains an agent"
        expect(networks, text, given=given)
        expect(self.episodes, "no environment of make_env is ever reset: train and evaluate need one each", given=given)
        used = [each.seed for each in self.episodes if each.stored and each.seed is not None]
        text = "each seed should train one run, which starts from it"
        expect(sorted(used) == sorted(wanted), text, got=used, wanted=wanted, given=given)
        text = "each seed should train a fresh network: train makes one"
        expect(networks == len(wanted), text, got=networks, wanted=len(wanted), given=given)
        text, tried = "the runs should use the settings that suggest returned", _BASE.replace(**_TRIED)
        others = [config for config in self.configs if config != tried]
        expect(not others, text, got=(others or [tried])[0], wanted=tried, given=given)
        expect(self.configs, "the agents are never updated: are they trained with the given base?", given=given)
        judged = [each.seed for each in self.episodes if each.played and not each.stored]
        expect(judged, "no episode is played after training: evaluate plays the validation episodes", given=given)
        text = "it judges an agent on episodes that start from a training seed: start from VALIDATION_SEED"
        inside = [seed for seed in judged if seed in wanted]
        expect(not inside, text, got=judged, wanted=_VALIDATION, given=given)
        text = "each run should be judged by the 10 episodes from VALIDATION_SEED on"
        expect(judged == _VALIDATION * len(wanted), text, got=judged, wanted=_VALIDATION * len(wanted), given=given)


_CALLED = "the call suggest(trial, base)"
