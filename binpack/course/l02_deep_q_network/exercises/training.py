"""The loop that puts the parts together, and what judges its result."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from binpack.course.exercises import (
    exercise,
    expect,
    expect_close,
    expect_shape,
    expect_type,
    global_randomness_untouched,
)
from binpack.course.l02_deep_q_network.agent import DQNConfig, Parts, Run, greedy_action, make_agent
from binpack.course.l02_deep_q_network.exercises._stand_ins import Pay, Ride, Spies
from binpack.course.l02_deep_q_network.exercises.learning import td_loss, td_targets, update
from binpack.course.l02_deep_q_network.exercises.network import add, epsilon, make_network


@exercise(
    minutes=20,
    difficulty=3,
    hints=(
        "If a stored transition starts where it ends, the old observation was overwritten before it was stored.",
        "If episodes never end under a time limit, test terminated or truncated; store terminated alone.",
    ),
)
def train(env: gym.Env, config: DQNConfig, parts: Parts, seed: int, watch: Callable | None = None) -> Run:
    """Train an agent: act, store, learn, and start again whenever an episode is over.

    Begin with `agent, replay = make_agent(env, config, parts, seed)` and `run = Run(agent)`. `agent.act(observation)`
    is the greedy action, `replay.sample(n, rng)` draws a batch, `run.note(total, step)` notes a finished episode.

    Args:
        env: observations of shape (n_inputs,), discrete actions; only the first reset gets the seed.
        config: learning starts once `learning_starts` steps are stored and then happens at every step that
            `train_every` divides, steps counted from 1; `parts.epsilon` counts them from 0.
        parts: the functions of the exercises before.
        seed: of the network, the environment, and a generator for exploring and sampling.
        watch: called as `watch(steps so far, agent)` after each step; a true answer ends the run.

    Returns:
        The agent, and for each finished episode its return and the step at which it ended.
    """
    rng, n_actions = np.random.default_rng(seed), int(env.action_space.n)
    agent, replay = make_agent(env, config, parts, seed)
    run, observation, total = Run(agent), env.reset(seed=seed)[0], 0.0
    for step in range(config.total_steps):
        # 1. explore with probability epsilon, else act greedily
        explore = rng.random() < parts.epsilon(step, config)
        action = int(rng.integers(n_actions)) if explore else agent.act(observation)
        # 2. act and store: was it a final state, or did only the time run out?
        next_observation, reward, terminated, truncated, _ = env.step(action)
        parts.add(replay, observation, action, reward, next_observation, terminated)
        observation, total = next_observation, total + float(reward)
        # 3. after either kind of end, note the return and start again
        if terminated or truncated:
            run.note(total, step + 1)
            observation, total = env.reset()[0], 0.0
        # 4. learn from a sample; whoever watches may stop the run
        if step + 1 >= config.learning_starts and (step + 1) % config.train_every == 0:
            batch = replay.sample(config.batch_size, rng)
            loss = parts.td_loss(agent.network, batch, parts.td_targets(batch, agent, config.gamma))
            parts.update(agent, loss, config)
        if watch is not None and watch(step + 1, agent):
            break
    return run


_SHORT = DQNConfig(total_steps=53, learning_starts=10, train_every=4, batch_size=8, buffer_size=64, gamma=0.75)


@train.check
def _(answer: Callable) -> None:
    env, spies, watched = Ride(), Spies(0.0, gamma=0.75), []
    with global_randomness_untouched():
        run = answer(env, _SHORT, spies.parts(), 7, lambda step, agent: watched.append(step))
    expect_type(run, Run, "the answer")
    expect(len(env.actions) == 53, f"{len(env.actions)} steps were taken, total_steps is 53")
    expect(env.seeds[0] == 7, f"the first reset gets seed {env.seeds[0]}, not the run's")
    expect(set(env.seeds[1:]) == {None}, "later resets get a seed too: every episode would start alike")
    _expect_stored(spies.stored)
    expect(set(env.actions) == {2}, "with epsilon 0 it does not always take the action of the largest Q-value")
    expect(spies.steps == list(range(53)), "epsilon should be asked once at every step, with 0, 1, 2 and so on")
    after = spies.updates_after
    expect(after, "it never learns: is update called?")
    expect(min(after) >= 10, f"it learns after {min(after)} transitions: learning_starts is 10")
    expect(after != list(range(after[0], 54)), "it learns at every step: train_every is 4")
    expect(after == list(range(12, 54, 4)), f"updates come after steps {after}, not after 12, 16, 20 and so on")
    expect(set(spies.calls.values()) == {len(after)}, "each update should use td_targets and td_loss once")
    expect(len(spies.sampled[0].rewards) == 8, "a sample should hold config.batch_size transitions")
    expect(watched == list(range(1, 54)), "watch should be called after every step with 1, 2, 3 and so on")
    returns = [float(total) for total in run.returns]
    expect(returns != [14.0 * n for n in range(1, 11)], "returns grow without end: start each episode's sum at 0")
    expect(returns != [4.0] * 10, "the last reward of an episode is missing from its return")
    expect_close(returns, [14.0] * 10, "the returns of the 10 finished episodes should be 14 each")
    expect(list(run.ends) == list(range(5, 54, 5)), "run.ends should hold the steps 5, 10, 15 and so on")
    env, spies = Ride(), Spies(1.0)
    answer(env, _SHORT, spies.parts(), 7)
    expect(set(env.actions) == {0, 1, 2}, "with epsilon 1 it does not take every action: it never explores")
    repeated, spies = Ride(), Spies(1.0)
    answer(repeated, _SHORT, spies.parts(), 7)
    expect(repeated.actions == env.actions, "two runs with the same seed differ: make one generator from the seed")
    stopped = Ride()
    answer(stopped, _SHORT, Spies(1.0).parts(), 7, lambda step, agent: step == 11)
    expect(len(stopped.actions) == 11, "watch answered True after step 11, but the run went on: then it should end")


def _expect_stored(stored: Sequence[tuple]) -> None:
    expect(len(stored) == 53, f"{len(stored)} transitions were stored in 53 steps")
    for number, (before, _, reward, after, terminated) in enumerate(stored):
        episode, at = number // 5 + 1, number % 5
        expect(before != after, "a transition starts where it ends: keep the old observation until it is stored")
        expect(
            before[0] == after[0],
            "a transition goes from one episode into the next: after reset, go on from its observation",
        )
        expect((before, after) == ((episode, at), (episode, at + 1)), "an observation is not the one before its action")
        expect(reward == (10.0 if at == 4 else 1.0), "a reward is not the one that the action got")
        if at == 4 and episode % 2 == 0:
            expect(not terminated, "truncated is stored as terminated: a time limit is no final state")
        elif at == 4:
            expect(terminated, "a final state is stored as if it had a future: store terminated")
        else:
            expect(not terminated, "a step in the middle of an episode is stored as final")


@exercise(
    minutes=5,
    difficulty=1,
    hints=(
        "If all returns are equal, every episode starts from one seed: give episode i the seed seed + i.",
        "If it never ends, a time limit only sets truncated: stop at either.",
    ),
)
def evaluate(network: nn.Module, env: gym.Env, episodes: int, seed: int) -> NDArray:
    """Measure the greedy policy: play whole episodes without exploring or learning.

    Args:
        network: gives the Q-values; `greedy_action(network, observation)` picks the best action.
        env: the environment.
        episodes: how many.
        seed: episode i, from 0 up, is reset with `seed + i`.

    Returns:
        float64, (episodes,): the return of each, not discounted.
    """
    returns = np.zeros(episodes)
    for episode in range(episodes):
        # 1. a start of its own
        observation, _ = env.reset(seed=seed + episode)
        over = False
        # 2. play greedily to either kind of end
        while not over:
            observation, reward, terminated, truncated, _ = env.step(greedy_action(network, observation))
            returns[episode] += float(reward)
            over = terminated or truncated
    return returns


@evaluate.check
def _(answer: Callable) -> None:
    env, network = Pay(), Spies(0.0).network(2, 3)
    before = copy.deepcopy(network.state_dict())
    with global_randomness_untouched():
        got = answer(network, env, 4, 100)
    expect(np.shape(got) != (), "it returns one number: return every episode's return, the caller takes the mean")
    expect_shape(got, (4,), "the returns of 4 episodes")
    kept = all(torch.equal(weights, before[name]) for name, weights in network.state_dict().items())
    expect(kept, "the network's weights were changed: evaluation only looks")
    expect(set(env.actions) == {2}, "an action was not the best one: evaluation does not explore")
    expect(env.seeds != [100] * 4, "every episode starts from the same seed: give episode i the seed seed + i")
    expect(env.seeds == [100, 101, 102, 103], f"the episodes start from seeds {env.seeds}, not 100, 101, 102, 103")
    got = np.asarray(got, float)
    expect(not np.array_equal(got, [5.0] * 4), "these are lengths of episodes: add up the rewards")
    expect(
        not np.array_equal(got, np.cumsum([108.0 + i for i in range(4)])), "returns add up over episodes: start at 0"
    )
    expect(not np.array_equal(got, [2.0] * 4), "only the last reward is kept: add them up")
    expect_close(got, [108.0, 109.0, 110.0, 111.0], "the returns are wrong: add up the rewards of each episode")


REFERENCE = Parts(
    make_network.reference, add.reference, epsilon.reference, td_targets.reference, td_loss.reference, update.reference
)
"""The reference solutions, as a training loop wants them."""
