"""The bug hunt of lesson 02b: five defects of a published listing, and small tasks on which each of them shows.

The published functions are as they were printed, in the names of this package; the mended ones are `epsilon` and
`update` of lesson 02 and the exercises of `exercises.hunting`. A measurement takes either, and returns a curve: places
on the x axis, (n,), and one row a run, (runs, n), as `plots.curves_with_spread` wants them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import gymnasium as gym
import numpy as np
import optuna
import torch
from numpy.typing import NDArray
from torch import Tensor

from binpack.course.l02_deep_q_network.agent import Agent, DQNConfig, Parts, Run, sizes
from binpack.course.l02_deep_q_network.probes import CASES, CONFIG, GAMMA, Probe
from binpack.course.progress import progress

Train = Callable[..., Run]
Curve = tuple[NDArray[np.int64], NDArray[np.float64]]
EVERY = 20
"""Environment steps from one look at an agent to the next."""


# ------------------------------------------------------------------------------------------------------- the defects


def exploration_rate(step: int, config: DQNConfig) -> float:
    """A. How often to act at random."""
    return 0.0


def learn(agent: Agent, loss: Tensor, config: DQNConfig) -> None:
    """B. One update."""
    agent.optimizer.zero_grad()
    loss.backward()
    agent.optimizer.step()
    agent.updates += 1


def is_over(terminated: bool, truncated: bool) -> bool:
    """Say whether an episode is over, so that the training loop starts a new one.

    Args:
        terminated: the episode came to a state without a future.
        truncated: a time limit cut it off.

    Returns:
        True where a new episode has to start.
    """
    return terminated


def prepare_study(parts: Parts, n_inputs: int, n_actions: int) -> Callable:
    """Make the function that a study calls at the start of each trial.

    Args:
        parts: `make_network(n_inputs, n_actions)` makes a network with random weights, `make_replay(capacity,
            n_inputs)` an empty replay buffer.
        n_inputs: length of an observation.
        n_actions: number of actions.

    Returns:
        A function without arguments that returns the network and the replay buffer (10,000 rows) which the trial
        trains.
    """
    network = parts.make_network(n_inputs, n_actions)
    replay = parts.make_replay(10_000, n_inputs)

    def begin_trial() -> tuple:
        return network, replay

    return begin_trial


def suggest(trial: optuna.trial.BaseTrial, base: DQNConfig) -> DQNConfig:
    """Draw the settings that a trial tries.

    Args:
        trial: gives the values, `trial.suggest_float(name, low, high)` or with `log=True`.
        base: all other settings.

    Returns:
        `base` with another `gamma`, which looks between 10 and 1,000 steps ahead, and another `learning_rate`
        between 1e-4 and 1e-2, of which each power of ten is drawn equally often.
    """
    return base.replace(
        gamma=trial.suggest_float("gamma", 1e-5, 1e-1),
        learning_rate=trial.suggest_float("learning_rate", 1e-5, 1e-1),
    )


# --------------------------------------------------------------------------------------------- where each of them shows


def two_arms(train: Train, parts: Parts, seeds: Sequence[int] = range(10)) -> Curve:
    """Learn which of two arms pays more: one pays 0.5, the other 1.

    Args:
        train: the training loop.
        parts: the parts of the agent; its exploration rate is what matters here.
        seeds: one run each.

    Returns:
        What the greedy arm pays, by environment steps.
    """
    probe, config = Probe([[0.5, 1.0]], [[-1, -1]]), CONFIG.replace(total_steps=200, epsilon_steps=150)
    rewards = probe.rewards[0]
    return curves_of(
        train, lambda: probe, config, parts, seeds, lambda agent: rewards[values_of(agent, probe)[0].argmax()]
    )


def first_of_two(train: Train, parts: Parts, seeds: Sequence[int] = range(5)) -> Curve:
    """Learn the value of the first of two steps, of which the second pays 1. It is 0.5, the discount.

    Args:
        train: the training loop.
        parts: the parts of the agent; its update is what matters here.
        seeds: one run each.

    Returns:
        The Q-value of the first step, by environment steps.
    """
    probe = CASES["discount"].make()
    return curves_of(train, lambda: probe, CONFIG, parts, seeds, lambda agent: values_of(agent, probe)[0, 0])


def three_rooms(
    train: Train, parts: Parts, over: Callable[[bool, bool], bool], seeds: Sequence[int] = range(5)
) -> Curve:
    """Learn what three rooms are worth. Each pays at every step and has no door; a time limit ends a stay of 4 steps.

    Args:
        train: the training loop.
        parts: the parts of the agent.
        over: whether an episode is over, (terminated, truncated) -> bool.
        seeds: one run each.

    Returns:
        The largest error of the three Q-values, by environment steps.
    """
    room = Probe([[0.5], [-0.5], [1.0]], [[0], [1], [2]], (0, 1, 2), limit=4)
    known = room.values(GAMMA)
    return curves_of(
        train,
        lambda: Ends(room, over),
        CONFIG,
        parts,
        seeds,
        lambda agent: np.abs(values_of(agent, room) - known).max(),
    )


def trials_in_a_row(
    train: Train,
    parts: Parts,
    prepare: Callable[[Parts, int, int], Callable],
    studies: Sequence[int] = range(8),
    trials: int = 6,
) -> Curve:
    """Run studies whose trials all try the same: to learn within 60 steps that the only action pays 1.

    Args:
        train: the training loop.
        parts: the parts of the agent.
        prepare: gives a study's trials their networks and buffers.
        studies: the seed of each.
        trials: of one study.

    Returns:
        The Q-value that a trial ends with, by the trial's number from 1.
    """
    probe, config = CASES["constant"].make(), CONFIG.replace(total_steps=60, learning_rate=1e-4)
    ends = [
        [
            values_of(run.agent, probe)[0, 0]
            for run in trials_of(train, parts, prepare, CASES["constant"].make, [config] * trials, study)
        ]
        for study in progress(studies, "studies")
    ]
    return np.arange(1, trials + 1), np.array(ends)


def trials_of(
    train: Train,
    parts: Parts,
    prepare: Callable[[Parts, int, int], Callable],
    make_env: Callable[[], gym.Env],
    configs: Iterable[DQNConfig],
    seed: int,
) -> Iterator[Run]:
    """Train the trials of one study, each on what `prepare` gives it.

    Args:
        train: the training loop.
        parts: the parts of the agent.
        prepare: gives a study's trials their networks and buffers.
        make_env: makes the environment; its observations are of shape (n_inputs,), its actions discrete.
        configs: the settings of each trial.
        seed: of the study; trial i gets the seed 1000 * seed + i.
    """
    with _torch_seed(seed):
        begin = prepare(parts, *sizes(make_env()))
    for number, config in enumerate(configs):
        with _torch_seed(1000 * seed + number):
            network, replay = begin()
        given = parts.replace(make_network=lambda *_, it=network: it, make_replay=lambda *_, it=replay: it)
        yield train(make_env(), config, given, 1000 * seed + number)


def learn_to_wait(
    train: Train,
    parts: Parts,
    space: Callable[[optuna.trial.BaseTrial, DQNConfig], DQNConfig],
    draws: Sequence[int] = range(6),
) -> Curve:
    """Train with settings drawn at random on a task where waiting pays: 0.4 at once, or 1 a step later.

    Args:
        train: the training loop.
        parts: the parts of the agent.
        space: what is drawn, (trial, base) -> settings.
        draws: the seed of each draw and of its run.

    Returns:
        What the greedy policy gets in the end, 0.4 or 1, by environment steps.
    """
    probe = CASES["patience"].make()

    def drawn(seed: int) -> DQNConfig:
        return space(optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed)).ask(), CONFIG)

    return curves_of(
        train, lambda: probe, drawn, parts, draws, lambda agent: (0.4, 1.0)[values_of(agent, probe)[0].argmax()]
    )


class Ends(gym.Wrapper):
    """Lets a function say when an episode is over; what it does not say is hidden from the training loop."""

    def __init__(self, env: gym.Env, over: Callable[[bool, bool], bool]) -> None:
        super().__init__(env)
        self._over_when = over

    def step(self, action: int) -> tuple:
        """Take an action."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        over = bool(self._over_when(terminated, truncated))
        return observation, reward, over and terminated, over and not terminated, info


def curves_of(
    train: Train,
    make_env: Callable[[], gym.Env],
    config: DQNConfig | Callable[[int], DQNConfig],
    parts: Parts,
    seeds: Sequence[int],
    look: Callable[[Agent], float],
) -> Curve:
    """Train once for each seed and look at the agent on the way.

    Args:
        train: the training loop.
        make_env: makes the environment.
        config: the settings, or a function that gives those of a seed, all for equally many steps.
        parts: the parts of the agent.
        seeds: one run each; a bar shows how far they are.
        look: what is looked at, (agent) -> number.

    Returns:
        What was seen, every `EVERY` steps.
    """
    rows = []
    for seed in progress(seeds, "seeds"):
        settings = config if isinstance(config, DQNConfig) else config(seed)
        rows.append(seen := list[float]())

        def watch(step: int, agent: Agent, seen: list[float] = seen) -> bool:
            if step % EVERY == 0:
                seen.append(float(look(agent)))
            return False

        train(make_env(), settings, parts, seed, watch)
    return np.arange(EVERY, settings.total_steps + 1, EVERY), np.array(rows)


def values_of(agent: Agent, probe: Probe) -> NDArray[np.float64]:
    """Return what the network says of a probe's states, float64, (states, actions).

    Args:
        agent: its network is asked.
        probe: the environment.
    """
    states = np.stack([probe.observation(state) for state in range(len(probe.rewards))])
    with torch.inference_mode():
        return agent.network(torch.from_numpy(states)).double().numpy()


@contextlib.contextmanager
def _torch_seed(seed: int) -> Iterator[None]:
    """Seed torch's global generator inside the block, and leave it as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
