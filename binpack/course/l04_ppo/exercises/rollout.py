"""Where transitions come from: the rollout."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, expect, expect_close, promise
from binpack.course.l04_ppo.agent import Agent, Env, Rollout
from binpack.course.l04_ppo.exercises._stand_ins import Ride, Scribe, worth


@exercise(
    minutes=12,
    difficulty=2,
    hints=(
        "Begin with `rollout = Rollout.empty(n_steps, env)`, whose arrays are full of zeros, and a loop over t. "
        "`rollout.observations[t] = env.observations` fills one row; the masks likewise, before the step.",
        "`actions, log_probs, values = agent.act(env.observations, env.masks)`: all three go into row t.",
        "`step = env.step(actions)` has step.rewards, step.terminated and step.truncated, which go into row t as well.",
        "Last the row of next_values: `agent.values(step.next_observations)`. It is not env.observations, which shows "
        "the start of the next episode where one is over.",
    ),
    returns=promise.an_instance("the rollout", Rollout),
)
def collect(env: Env, agent: Agent, n_steps: int) -> Rollout:
    """Let an agent act for some steps in all environments at once, and keep what learning needs.

    Args:
        env: `env.observations` and `env.masks` say how things stand now, and `env.step(actions)` goes on from there.
            What is over starts anew by itself.
        agent: `agent.act(observations, masks)` gives actions, their log-probabilities and the values of the
            observations, an array each; `agent.values(observations)` the values alone.
        n_steps: steps of each environment.

    Returns:
        A rollout with n_steps rows: `Rollout.empty(n_steps, env)`, filled. What `env.step` returns has `rewards`,
        `terminated`, `truncated` and `next_observations`; `next_values` are those of the latter.
    """
    rollout = Rollout.empty(n_steps, env)
    for t in range(n_steps):
        # 1. what is seen and what is legal before the step
        rollout.observations[t], rollout.masks[t] = env.observations, env.masks
        # 2. draw actions, and keep how likely they were and what the critic expected
        actions, log_probs, values = agent.act(env.observations, env.masks)
        rollout.actions[t], rollout.log_probs[t], rollout.values[t] = actions, log_probs, values
        # 3. take them
        step = env.step(actions)
        rollout.rewards[t] = step.rewards
        rollout.terminated[t], rollout.truncated[t] = step.terminated, step.truncated
        # 4. what the critic says of where they led
        rollout.next_values[t] = agent.values(step.next_observations)
    return rollout


_STEPS = 9


@collect.check
def _(answer: Callable) -> None:
    env, agent = Ride(), Scribe()
    rollout = answer(env, agent, _STEPS)
    taken = len(env.taken)
    expect(taken == _STEPS, "it should take n_steps steps", got=f"{taken} steps", wanted=f"{_STEPS} steps")
    asked = len(agent.asked)
    expect(
        asked == _STEPS, "agent.act should be asked once for each step", got=f"{asked} times", wanted=f"{_STEPS} times"
    )
    _expect_asked(agent)
    wanted = _right()
    expect(
        len(rollout.rewards) == _STEPS, "the rollout should have n_steps rows", got=len(rollout.rewards), wanted=_STEPS
    )
    _expect_kept(rollout, wanted)
    drawn = rollout.actions.tolist()
    expect(env.taken == wanted.actions.tolist(), "the actions that the agent drew should be taken", got=env.taken)
    expect(drawn == env.taken, "rollout.actions does not hold the actions that were taken", got=drawn, wanted=env.taken)
    other = answer(env, agent, 2)  # the same environments, which go on
    goes_on = other.observations[0].tolist() == np.array([[0, 3, 0], [1, 2, 1]]).tolist()
    text = "a second call should go on where the first one stopped, and begin with env.observations"
    expect(goes_on and len(other.rewards) == 2, text, got=other.observations[0], wanted=[[0, 3, 0], [1, 2, 1]])


def _right() -> Rollout:
    return collect.reference(Ride(), Scribe(), _STEPS)


def _expect_asked(agent: Scribe) -> None:
    env = Ride()
    for number, (observations, masks) in enumerate(agent.asked):
        seen = np.array_equal(observations, env.observations)
        text = "agent.act does not get what is seen before the step, env.observations"
        expect(seen, text, got=observations, wanted=env.observations, given=f"step {number}")
        legal = np.array_equal(masks, env.masks)
        expect(legal, "agent.act does not get env.masks", got=masks, wanted=env.masks, given=f"step {number}")
        env.step(np.zeros(2, int))


def _expect_kept(rollout: Rollout, wanted: Rollout) -> None:
    """Expect every array of a rollout, with words for the usual slips."""
    after = wanted.observations.copy()
    after[:-1], after[-1] = wanted.observations[1:], np.array([[0, 3, 0], [1, 2, 1]])
    text = "rollout.observations holds what is seen after the step: keep env.observations before env.step"
    expect(not np.array_equal(rollout.observations, after), text)
    for name in ("observations", "masks", "log_probs", "values", "rewards"):
        got, right = getattr(rollout, name), getattr(wanted, name)
        expect(np.any(got), f"rollout.{name} is empty: write its row at every step")
        expect_close(got, right, f"rollout.{name} does not hold what it should")
    text = "terminated and truncated are exchanged"
    swapped = np.array_equal(rollout.terminated, wanted.truncated) and np.array_equal(
        rollout.truncated, wanted.terminated
    )
    expect(not swapped, text)
    over = wanted.terminated | wanted.truncated
    expect(not np.array_equal(rollout.terminated, over), "a time limit is kept as terminated: keep the two apart")
    for name in ("terminated", "truncated"):
        got, right = getattr(rollout, name), getattr(wanted, name)
        expect(np.any(got), f"rollout.{name} is empty: write its row at every step")
        expect_close(got, right, f"rollout.{name} does not hold what it should")
    _expect_next(rollout.next_values, wanted, worth(after.reshape(-1, 3)).reshape(_STEPS, 2))


def _expect_next(got: NDArray, wanted: Rollout, restarted: NDArray) -> None:
    expect(np.any(got), "rollout.next_values is empty: write its row at every step")
    expect(
        not np.allclose(got, wanted.values),
        "next_values are the values before the step: ask for those of step.next_observations",
    )
    expect(
        not np.allclose(got, restarted),
        "next_values are those of env.observations, which after an end show the next episode: take "
        "step.next_observations",
    )
    expect_close(got, wanted.next_values, "rollout.next_values does not hold the values of step.next_observations")
