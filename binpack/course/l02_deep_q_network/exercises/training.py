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
    expect_shape,
    global_randomness_untouched,
    promise,
)
from binpack.course.l02_deep_q_network.agent import DQNConfig, Parts, Run, greedy_action, make_agent
from binpack.course.l02_deep_q_network.exercises._stand_ins import Ride, RisingPay, Spies
from binpack.course.l02_deep_q_network.exercises.learning import td_loss, td_targets, update
from binpack.course.l02_deep_q_network.exercises.network import add, epsilon, make_network


@exercise(
    minutes=18,
    difficulty=3,
    hints=(
        "Begin with what stands before the loop: `rng = np.random.default_rng(seed)`, agent and replay, the run, the "
        "first observation, and a total of 0. Then `for step in range(config.total_steps):`",
        "The action: `int(rng.integers(env.action_space.n))` where `rng.random() < parts.epsilon(step, config)`, else "
        "agent.act(observation). Store with parts.add before next_observation takes the place of observation.",
        "An episode is over if terminated or truncated; note it with step + 1, reset without a seed, and set the total "
        "to 0. Learning is due where `step + 1 >= config.learning_starts and (step + 1) % config.train_every == 0`.",
        "To learn: `batch = replay.sample(config.batch_size, rng)`, then `targets = parts.td_targets(batch, agent, "
        "config.gamma)`, `loss = parts.td_loss(agent.network, batch, targets)`, `parts.update(agent, loss, config)`.",
    ),
    returns=promise.an_instance("the run", Run),
)
def train(env: gym.Env, config: DQNConfig, parts: Parts, seed: int, watch: Callable | None = None) -> Run:
    """Train an agent: act, store, learn, and start again whenever an episode is over.

    Begin with `agent, replay = make_agent(env, config, parts, seed)` and `run = Run(agent)`. `agent.act(observation)`
    is the greedy action, `replay.sample(n, rng)` draws a batch, `run.note(total, steps so far)` notes an episode that
    is over.

    Args:
        env: observations of shape (n_inputs,), `env.action_space.n` actions, numbered from 0; only the first reset gets
            the seed.
        config: learning is due once `learning_starts` steps are stored, whenever `train_every` divides the steps
            so far. `parts.epsilon` is asked before a step is taken, so for the first one with 0.
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


_SHORT = DQNConfig(total_steps=53, learning_starts=12, train_every=4, batch_size=8, buffer_size=64, gamma=0.75)


@train.check
def _(answer: Callable) -> None:
    env, spies, watched = Ride(), Spies(0.0, gamma=0.75), []
    with global_randomness_untouched():
        run = answer(env, _SHORT, spies.parts(), 7, lambda step, agent: watched.append(step))
    taken = len(env.actions)
    expect(taken == 53, "it does not take config.total_steps steps", got=f"{taken} steps", wanted="53 steps")
    expect(env.seeds[0] == 7, "the first reset should get the run's seed", got=env.seeds[0], wanted=7)
    expect(set(env.seeds[1:]) == {None}, "later resets get a seed too: only the first one should", got=env.seeds[1:])
    _expect_stored(spies.stored, env.actions)
    expect(set(env.actions) == {2}, "with epsilon 0 it does not always take the action of the largest Q-value")
    asked = "parts.epsilon should be asked once at every step, with 0, 1, 2 and so on"
    expect(spies.steps == list(range(53)), asked, got=spies.steps, wanted=list(range(53)))
    _expect_learning(spies, list(range(12, 54, 4)))
    told = "watch should be called after every step, with 1, 2, 3 and so on"
    expect(watched == list(range(1, 54)), told, got=watched, wanted=list(range(1, 54)))
    _expect_noted(run)
    _expect_exploring(answer)
    stopped = Ride()
    answer(stopped, _SHORT, Spies(1.0).parts(), 7, lambda step, agent: step == 11)
    late = "watch answered True after step 11: then the run should end"
    expect(len(stopped.actions) == 11, late, got=f"{len(stopped.actions)} steps", wanted="11 steps")


def _expect_learning(spies: Spies, due: list[int]) -> None:
    """Expect an update after each of these numbers of stored transitions, the first being as soon as one is due."""
    after = spies.updates_after
    expect(after, "it never learns: is parts.update called?")
    early = f"it learns when {min(after)} transitions are stored, before learning_starts"
    expect(min(after) >= due[0] - 3, early, got=after, wanted=due)
    every = after == list(range(after[0], 54))
    expect(not every, "it learns at every step: train_every is 4", got=after, wanted=due)
    late = [number + 1 for number in due if number < 53]
    counted = "it learns one step late each time: train_every should divide the steps so far, counted from 1"
    expect(after != late, counted, got=after, wanted=due)
    expect(after == due, "it learns after other numbers of stored transitions than it should", got=after, wanted=due)
    calls = set(spies.calls.values())
    expect(calls == {len(after)}, "each update should use parts.td_targets and parts.td_loss once", got=spies.calls)
    size = len(spies.sampled[0].rewards)
    expect(size == 8, "a sample should hold config.batch_size transitions", got=size, wanted=8)


def _expect_noted(run: Run) -> None:
    returns, ends = [float(total) for total in run.returns], list(run.ends)
    expect(len(returns) == 10, "10 episodes were finished: note each once", got=len(returns), wanted=10)
    growing = returns == [14.0 * n for n in range(1, 11)]
    expect(not growing, "returns grow from episode to episode: start each sum at 0", got=returns)
    expect(returns != [4.0] * 10, "the last reward of an episode is missing from its return", got=returns)
    expect(returns == [14.0] * 10, "the returns of the finished episodes are wrong", got=returns, wanted=[14.0] * 10)
    steps = list(range(5, 54, 5))
    expect(ends == steps, "run.ends does not hold the steps after which episodes ended", got=ends, wanted=steps)


def _expect_exploring(answer: Callable) -> None:
    env, repeated, spies = Ride(), Ride(), Spies(1.0)
    answer(env, _SHORT.replace(learning_starts=13), spies.parts(), 7)
    _expect_learning(spies, list(range(16, 54, 4)))
    answer(repeated, _SHORT.replace(learning_starts=13), Spies(1.0).parts(), 7)
    taken = sorted(set(env.actions))
    expect(taken != [2], "with epsilon 1 it only takes the action of the largest Q-value: it never explores")
    expect(taken == [0, 1, 2], "with epsilon 1 it should take every action now and then", got=taken, wanted=[0, 1, 2])
    differ = "two runs with the same seed differ: make one generator from the seed (env.action_space has its own)"
    expect(repeated.actions == env.actions, differ)


def _expect_stored(stored: Sequence[tuple], actions: Sequence[int]) -> None:
    expect(len(stored) == 53, "each of 53 steps should be stored once", got=len(stored), wanted=53)
    for number, (before, action, reward, after, terminated) in enumerate(stored):
        episode, at = number // 5 + 1, number % 5
        expect(before != after, "a transition starts where it ends: keep the old observation until it is stored")
        expect(
            before[0] == after[0],
            "a transition goes from one episode into the next: after reset, go on from its observation",
        )
        seen, wanted = (before, after), ((episode, at), (episode, at + 1))
        expect(seen == wanted, "a transition holds the wrong observations", got=seen, wanted=wanted)
        expect(action == actions[number], "an action is stored that was not taken", got=action, wanted=actions[number])
        paid = 10.0 if at == 4 else 1.0
        expect(reward == paid, "a reward is not the one that the action got", got=reward, wanted=paid)
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
        "Begin with a loop over the episodes: each starts with `observation, _ = env.reset(seed=seed + episode)`.",
        "Inside it a second loop: env.step(greedy_action(network, observation)), until terminated or truncated.",
        "`returns[episode] += reward` in the inner loop, with `returns = np.zeros(episodes)` before the outer one.",
    ),
    returns=promise.an_array("the returns", float),
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
    env, network = RisingPay(), Spies(0.0).network(2, 3)
    before = copy.deepcopy(network.state_dict())
    with global_randomness_untouched():
        got = answer(network, env, 4, 100)
    expect(np.shape(got) != (), "it returns one number: return every episode's return, the caller takes the mean")
    expect_shape(got, (4,), "what it returns for 4 episodes")
    kept = all(torch.equal(weights, before[name]) for name, weights in network.state_dict().items())
    expect(kept, "the network's weights were changed: evaluation only looks")
    expect(set(env.actions) == {2}, "an action was taken that has not the largest Q-value")
    expect(env.seeds != [100] * 4, "every episode starts from the same seed: give episode i the seed seed + i")
    seeds = [100, 101, 102, 103]
    expect(env.seeds == seeds, "the episodes start from other seeds than they should", got=env.seeds, wanted=seeds)
    right = np.array([128.0, 129.0, 130.0, 131.0])  # the seed, and 2 * (2 + 3 + 4 + 5)
    expect(not np.array_equal(got, [5.0] * 4), "these are lengths of episodes: add up the rewards", got=got)
    expect(not np.array_equal(got, np.cumsum(right)), "returns add up over episodes: start each at 0", got=got)
    expect(not np.array_equal(got, [10.0] * 4), "only the last reward is kept: add them up", got=got)
    expect(np.allclose(got, right), "the returns are wrong: add up the rewards of each episode", got=got, wanted=right)


REFERENCE = Parts(
    make_network.reference, add.reference, epsilon.reference, td_targets.reference, td_loss.reference, update.reference
)
"""The reference solutions, as a training loop wants them."""
