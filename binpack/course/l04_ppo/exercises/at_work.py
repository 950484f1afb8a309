"""PPO at work: scoring an agent with its masks, ending an episode, PPO's relatives, and when a run is good enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from binpack.course.exercises import Mistake, exercise, expect, promise
from binpack.course.l04_ppo.exercises._packer import MASKLESS, OTHERS_MASKS, Packer, WatchedBin
from binpack.course.l04_ppo.rivals import RMSPROP

# ------------------------------------------------------------------------------------------------------------ scoring


@exercise(
    minutes=12,
    difficulty=2,
    hints=(
        "Begin with one stream: `observation, info = env.reset(options={'items': items})` empties the bin and gives it "
        "these items.",
        "Inside the loop, ask for the mask at every step: `model.predict(observation, action_masks=env.action_masks(), "
        "deterministic=True)` returns an action and a state that PPO has no use for.",
        "`observation, reward, terminated, truncated, info = env.step(action)`; when the episode is over, "
        "`info['utilization']` is the score of this stream.",
    ),
    returns=promise.an_array("the utilizations", float),
)
def score_on_streams(model: Any, env: Any, streams: Sequence[np.ndarray]) -> np.ndarray:
    """Let an agent pack each stream once, and say how full every bin became.

    Args:
        model: has `predict`, as a MaskablePPO has.
        env: a packing environment.
        streams: the items of each stream, integers, (T, 3).

    Returns:
        The utilization at the end of each episode, float, (N,).
    """
    scores = []
    for items in streams:
        # 1. begin an episode with these items
        observation, info = env.reset(options={"items": items})
        over = False
        while not over:
            # 2. the most probable of the actions that are legal now
            action, _ = model.predict(observation, action_masks=env.action_masks(), deterministic=True)
            # 3. take it, and see whether the episode is over
            observation, _, terminated, truncated, info = env.step(action)
            over = terminated or truncated
        # 4. how full the bin is at the end
        scores.append(info["utilization"])
    return np.array(scores)


_STREAMS = tuple(
    np.array(items)
    for items in (
        [[2, 2, 2], [2, 2, 2], [4, 4, 2], [1, 1, 1]],
        [[4, 4, 1], [3, 3, 3], [4, 4, 4]],
        [[1, 4, 1], [1, 4, 1], [2, 4, 1]],
    )
)


@score_on_streams.check
def _(answer: Callable) -> None:
    for streams in (_STREAMS[:1], _STREAMS):
        model, env = Packer(), WatchedBin()
        got = answer(model, env, list(streams))
        given = f"{len(streams)} stream{'s' if len(streams) > 1 else ''}"
        _expect_played(model, env, streams, given)
        wanted = np.array(env.ends)
        text = f"the result should have one utilization for each stream, shape ({len(streams)},), not {got.shape}"
        expect(got.shape == wanted.shape, text, got=got, wanted=wanted, given=given)
        if not np.allclose(got, wanted):
            raise Mistake(_named_score(got, env), got=got, wanted=wanted, given=given)


def _expect_played(model: Packer, env: WatchedBin, streams: Sequence[np.ndarray], given: str) -> None:
    """Raise `Mistake` unless every stream was packed once, by the most probable legal actions."""
    expect(env.asked, "env.reset is never called: it empties the bin and starts an episode", given=given)
    text = "env.reset should get the stream's items, options={'items': items}: without them it draws others"
    expect(all(items is not None for items in env.asked), text, given=given)
    expect(model.calls, "model.predict is never called: the agent is to choose the actions", given=given)
    text = "model.predict gets no action_masks: it then picks among all actions, also those that are impossible"
    expect(MASKLESS not in model.calls, text, given=given)
    text = "model.predict gets a mask that is not the environment's of that moment: ask env.action_masks() at each step"
    expect(OTHERS_MASKS not in model.calls, text, given=given)
    text = "the actions are drawn at random: pass deterministic=True, so that the score is that of the agent alone"
    expect(all(model.deterministic), text, given=given)
    same = len(env.asked) == len(streams) and all(map(np.array_equal, env.asked, streams))
    text = "each stream should be packed once, in order: one env.reset for each"
    expect(same, text, got=f"{len(env.asked)} resets", wanted=f"{len(streams)} resets", given=given)
    text = "an episode is left before its end: go on until env.step says terminated or truncated"
    expect(env.unfinished == 0, text, given=given)
    text = "model.predict should see the observation that env.reset or env.step returned last"
    expect(env.last_seen_by(model), text, given=given)
    expect(env.steps == model.chosen, "env.step should get the action that model.predict chose", given=given)


def _named_score(got: NDArray, env: WatchedBin) -> str:
    """Name what is returned in place of the utilizations."""
    others: dict[str, list] = {
        "it returns the numbers of packed items: info['utilization'] is the packed share of the bin": env.packed,
        "it returns the rewards of the last steps: the utilization is that of the whole bin": env.last_rewards,
        "it returns the utilizations before the last item: take info from the last step": env.before_last,
        "it returns percentages: a utilization is a share, 0 to 1": [100 * end for end in env.ends],
    }
    named = [text for text, values in others.items() if np.allclose(got, values)]
    return (*named, "the result is not the utilization at the end of each episode, info['utilization']")[0]


# ----------------------------------------------------------------------------------------------------- ending in time


@exercise(
    minutes=6,
    difficulty=1,
    hints=(
        "Begin with terminated: it is what the environment says, or that no entry of the mask is True.",
        "`mask.any()` says whether an action is left. Only an episode that is not terminated can be cut off by the "
        "limit.",
        "`stuck = not mask.any()`, `terminated = terminated or stuck`, "
        "`truncated = not terminated and steps >= limit`.",
    ),
    returns=promise.a_tuple("the result", promise.a_bool("terminated"), promise.a_bool("truncated")),
)
def end_of_episode(terminated: bool, mask: np.ndarray, steps: int, limit: int) -> tuple[bool, bool]:
    """Say whether an episode ends here, and in which way.

    Args:
        terminated: whether the environment itself says that the episode is over.
        mask: which actions are legal now, bool, (K,).
        steps: steps taken in this episode.
        limit: steps after which an episode is cut off.

    Returns:
        Terminated and truncated; truncated only where it is not terminated.
    """
    # 1. without a legal action nothing can follow
    terminated = terminated or not mask.any()
    # 2. the time limit cuts off what could go on
    truncated = not terminated and steps >= limit
    return terminated, truncated


def _mask(*legal: int, size: int = 5) -> NDArray[np.bool_]:
    mask = np.zeros(size, bool)
    mask[list(legal)] = True
    return mask


end_of_episode.examine(
    cases=lambda: [
        (False, _mask(0, 3), 4, 10),
        (False, _mask(), 4, 10),
        (True, _mask(0, 3), 4, 10),
        (False, _mask(2), 10, 10),
        (False, _mask(), 10, 10),
        (True, _mask(1), 10, 10),
        (False, _mask(0, 1, 2, 3, 4), 9, 10),
        (False, _mask(0, 1, 2, 3, 4), 12, 10),
        (True, _mask(), 12, 10),
        (True, _mask(), 3, 10),
        (False, _mask(4), 11, 10),
        (False, _mask(0, 1, 2, 3, 4, 5, size=6), 6, 6),
    ],
    draw=lambda rng: (
        bool(rng.random() < 0.3),
        rng.random(5) < rng.choice([0.0, 0.4, 1.0]),
        int(rng.integers(1, 12)),
        10,
    ),
    mistakes={
        "an empty mask does not end the episode: without a legal action nothing can follow": (
            lambda terminated, mask, steps, limit: (terminated, not terminated and steps >= limit)
        ),
        "an empty mask truncates: it should terminate, for nothing could follow and so the value to come is 0": (
            lambda terminated, mask, steps, limit: (terminated, not terminated and (not mask.any() or steps >= limit))
        ),
        "one forbidden action ends the episode: it ends where all are forbidden": (
            lambda terminated, mask, steps, limit: (
                terminated or not mask.all(),
                not (terminated or not mask.all()) and steps >= limit,
            )
        ),
        "the time limit terminates: it should truncate, for the episode could go on": (
            lambda terminated, mask, steps, limit: (terminated or not mask.any() or steps >= limit, False)
        ),
        "an episode that is terminated is truncated as well: truncated only where it is not terminated": (
            lambda terminated, mask, steps, limit: (terminated or not mask.any(), steps >= limit)
        ),
        "only the step `limit` itself is cut off: an episode that has gone on for longer is over as well, >=": (
            lambda terminated, mask, steps, limit: (
                terminated or not mask.any(),
                not (terminated or not mask.any()) and steps == limit,
            )
        ),
        "the limit ends an episode in both ways: a time limit alone truncates, and does not terminate": (
            lambda terminated, mask, steps, limit: (
                terminated or not mask.any() or steps >= limit,
                not (terminated or not mask.any()) and steps >= limit,
            )
        ),
        "the limit comes one step late: after `limit` steps it is over": (
            lambda terminated, mask, steps, limit: (
                terminated or not mask.any(),
                not (terminated or not mask.any()) and steps > limit,
            )
        ),
        "what the environment says is ignored: terminated stays true where it is": (
            lambda terminated, mask, steps, limit: (not mask.any(), bool(mask.any()) and steps >= limit)
        ),
        "the limit is left out: after `limit` steps an episode is truncated": (
            lambda terminated, mask, steps, limit: (terminated or not mask.any(), False)
        ),
        "the mask is read the wrong way round: True means legal": (
            lambda terminated, mask, steps, limit: (
                terminated or bool(mask.any()),
                not (terminated or mask.any()) and steps >= limit,
            )
        ),
        "the order is turned round: terminated comes first": (
            lambda terminated, mask, steps, limit: (
                not (terminated or not mask.any()) and steps >= limit,
                terminated or not mask.any(),
            )
        ),
    },
)


# ------------------------------------------------------------------------------------------------------ A2C is a PPO


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with a dictionary of the table's right column: `{'learning_rate': 7e-4, 'n_steps': n_steps, ...}`.",
        "One gradient step on all of a rollout: one epoch, and a batch as large as the rollout, n_steps times n_envs.",
        "The optimizer goes in as `'policy_kwargs': {'optimizer_class': torch.optim.RMSprop, "
        "'optimizer_kwargs': dict(RMSPROP)}`.",
    ),
    returns=promise.an_instance("the arguments", dict),
)
def a2c_arguments(n_steps: int, n_envs: int) -> dict[str, Any]:
    """Return the arguments that turn a PPO of this library into its A2C.

    Args:
        n_steps: steps that each environment takes between two updates.
        n_envs: number of environments.

    Returns:
        Names of PPO's arguments to their values; those that both algorithms share by default may be left out.
    """
    return {
        # 1. the rollout, and how far back an advantage looks
        "n_steps": n_steps,
        "gae_lambda": 1.0,
        # 2. one gradient step on all of it
        "batch_size": n_steps * n_envs,
        "n_epochs": 1,
        # 3. advantages as they are
        "normalize_advantage": False,
        # 4. A2C's optimizer
        "learning_rate": 7e-4,
        "policy_kwargs": {"optimizer_class": torch.optim.RMSprop, "optimizer_kwargs": dict(RMSPROP)},
    }


_SHARED = {"gamma": 0.99, "ent_coef": 0.0, "vf_coef": 0.5, "max_grad_norm": 0.5, "clip_range_vf": None}
"""What both have by default."""
_FREE = ("clip_range", "target_kl", "verbose")
"""What changes nothing where each transition is used once."""
_PPOS = {"n_steps": 2048, "gae_lambda": 0.95, "n_epochs": 10, "normalize_advantage": True, "learning_rate": 3e-4}
_WHY = {
    "n_steps": "n_steps should be the argument n_steps",
    "gae_lambda": "gae_lambda should be 1: A2C's advantage is the discounted rewards of the rollout and the value at "
    "its end, minus the value at the start",
    "n_epochs": "n_epochs should be 1: A2C uses each transition once",
    "normalize_advantage": "normalize_advantage should be False: A2C takes advantages as they are",
    "learning_rate": "learning_rate should be 7e-4, as in the table",
}


@a2c_arguments.check
def _(answer: Callable) -> None:
    for n_steps, n_envs in ((5, 8), (16, 4), (7, 3)):
        given = f"n_steps={n_steps}, n_envs={n_envs}"
        got = answer(n_steps, n_envs)
        wanted = a2c_arguments.reference(n_steps, n_envs)
        unknown = sorted(set(got) - set(wanted) - set(_SHARED) - set(_FREE))
        text = f"{(unknown or [''])[0]!r} is not in the table: is it an argument of PPO that A2C needs?"
        expect(not unknown, text, got=got, given=given)
        for name, text in _WHY.items():
            value = got.get(name, _PPOS[name])
            left = "" if name in got else f" (left out, it is PPO's {_PPOS[name]})"
            expect(_equal(value, wanted[name]), text + left, got=value, wanted=wanted[name], given=given)
        size = got.get("batch_size", 64)
        text = "batch_size should be all of a rollout, n_steps * n_envs"
        text += "" if "batch_size" in got else " (left out, it is PPO's 64)"
        expect(_equal(size, n_steps * n_envs), text, got=size, wanted=n_steps * n_envs, given=given)
        _expect_optimizer(got.get("policy_kwargs", {}), given)
        for name, value in _SHARED.items():
            text = f"{name} is {value} in both by default: leave it out, or leave it so"
            expect(_equal(got.get(name, value), value), text, got=got.get(name, value), wanted=value, given=given)


def _equal(value: Any, wanted: Any) -> bool:
    """Compare two settings: numbers by their value, everything else by what it is."""
    numbers = (int, float)
    if isinstance(wanted, bool) or wanted is None or not isinstance(value, numbers) or isinstance(value, bool):
        return type(value) is type(wanted) and value == wanted
    return bool(np.isclose(float(value), float(wanted), rtol=1e-9, atol=0))


def _expect_optimizer(policy: Any, given: str) -> None:
    """Raise `Mistake` unless the policy's arguments hold A2C's optimizer and its settings."""
    named = isinstance(policy, dict)
    expect(named, "policy_kwargs should be a dictionary with optimizer_class and optimizer_kwargs", got=policy)
    kind = policy.get("optimizer_class", torch.optim.Adam)
    text = "the optimizer should be torch.optim.RMSprop, as policy_kwargs['optimizer_class']"
    text += "" if "optimizer_class" in policy else " (left out, it is Adam)"
    expect(kind is torch.optim.RMSprop, text, got=kind, wanted=torch.optim.RMSprop, given=given)
    settings = policy.get("optimizer_kwargs", {})
    text = "RMSprop should have the settings RMSPROP, as policy_kwargs['optimizer_kwargs']"
    expect(isinstance(settings, dict) and {"weight_decay": 0, **settings} == dict(RMSPROP), text, got=settings)
    more = sorted(set(policy) - {"optimizer_class", "optimizer_kwargs"})
    expect(not more, f"policy_kwargs holds {(more or [''])[0]!r}, which is not in the table", got=policy, given=given)


# -------------------------------------------------------------------------------------------------- a DQN with masks


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with the next values of legal actions only: `next_values.masked_fill(~next_masks, -torch.inf)` puts "
        "minus infinity where an action is forbidden; then take the maximum of each row.",
        "Where a row of the mask has no True, that maximum is minus infinity, and 0 times it is no number. "
        "`torch.where(next_masks.any(dim=1), best, 0.0)` puts a 0 there.",
        "The rest is lesson 02's target: `rewards + gamma * (1 - dones) * best`.",
    ),
    returns=promise.a_tensor("the targets"),
)
def masked_targets(rewards: Tensor, dones: Tensor, next_values: Tensor, next_masks: Tensor, gamma: float) -> Tensor:
    """Compute DQN's targets where only some of the next actions are legal.

    Args:
        rewards: float, (B,).
        dones: 1 where the episode terminated, else 0, float, (B,).
        next_values: the target network's Q-values of the next states, float, (B, K).
        next_masks: which of the next actions are legal, bool, (B, K); none is at the end of an episode.
        gamma: discount factor.

    Returns:
        The targets, finite, (B,).
    """
    # 1. the best of the next actions that are legal
    best = next_values.masked_fill(~next_masks, -torch.inf).max(dim=1).values
    # 2. where none is, nothing follows
    best = torch.where(next_masks.any(dim=1), best, torch.zeros_like(best))
    # 3. the target of lesson 02
    return rewards + gamma * (1 - dones) * best


def _batch(seed: int, size: int = 6, actions: int = 4, low: float = -1.0) -> tuple:
    """Make transitions, the last of which ends an episode with nothing legal left."""
    rng = np.random.default_rng(seed)
    masks = rng.random((size, actions)) < 0.5
    masks[np.arange(size), rng.integers(actions, size=size)] = True
    dones = np.zeros(size)
    dones[-1], masks[-1] = 1.0, False
    if size > 3:
        dones[1] = 1.0  # one that ended although an action was left
    values = rng.uniform(low, 1.0, (size, actions))
    arrays = rng.uniform(0, 1, size), dones, values
    return *(torch.as_tensor(each, dtype=torch.float32) for each in arrays), torch.as_tensor(masks), 0.9


def _worked() -> tuple:
    values = torch.tensor([[0.2, 0.9, 0.5], [-0.4, 0.3, -0.6], [0.7, 0.1, 0.8]])
    masks = torch.tensor([[True, False, True], [True, False, True], [False, False, False]])
    return torch.tensor([0.1, 0.0, 0.2]), torch.tensor([0.0, 0.0, 1.0]), values, masks, 0.5


def _best(values: Tensor, masks: Tensor, fill: float = -np.inf) -> Tensor:
    best = values.masked_fill(~masks, fill).max(dim=1).values
    return torch.where(masks.any(dim=1), best, torch.zeros_like(best))


masked_targets.examine(
    cases=lambda: [_worked(), _batch(0), _batch(1, low=-3.0), _batch(2, size=3, actions=6)],
    draw=lambda rng: _batch(int(rng.integers(1000)), size=5, actions=5, low=-2.0),
    mistakes={
        "forbidden actions are in the maximum: fill them with minus infinity first": (
            lambda rewards, dones, values, masks, gamma: rewards + gamma * (1 - dones) * values.max(dim=1).values
        ),
        "the end of an episode gives no number: there every action is forbidden, and 0 times minus infinity is nan": (
            lambda rewards, dones, values, masks, gamma: (
                rewards + gamma * (1 - dones) * values.masked_fill(~masks, -torch.inf).max(dim=1).values
            )
        ),
        "at the end of an episode the reward is lost as well: only what follows it is 0": (
            lambda rewards, dones, values, masks, gamma: torch.where(
                masks.any(dim=1), rewards + gamma * (1 - dones) * _best(values, masks), torch.zeros_like(rewards)
            )
        ),
        "one maximum is taken for the whole batch: each row has its own, dim=1": (
            lambda rewards, dones, values, masks, gamma: rewards + gamma * (1 - dones) * values[masks].max()
        ),
        "forbidden actions count as 0, which wins where all legal ones are negative: fill them with minus infinity": (
            lambda rewards, dones, values, masks, gamma: rewards + gamma * (1 - dones) * _best(values, masks, 0.0)
        ),
        "terminated episodes go on: what follows counts with 1 - dones": (
            lambda rewards, dones, values, masks, gamma: rewards + gamma * _best(values, masks)
        ),
        "gamma is left out": lambda rewards, dones, values, masks, gamma: rewards + (1 - dones) * _best(values, masks),
        "the rewards are left out": lambda rewards, dones, values, masks, gamma: (
            gamma * (1 - dones) * _best(values, masks)
        ),
        "the mask is read the wrong way round: True means legal": (
            lambda rewards, dones, values, masks, gamma: rewards + gamma * (1 - dones) * _best(values, ~masks)
        ),
        "dones is read the wrong way round: 1 means that nothing follows": (
            lambda rewards, dones, values, masks, gamma: rewards + gamma * dones * _best(values, masks)
        ),
        "it takes the smallest of the next values: the greedy action has the largest": (
            lambda rewards, dones, values, masks, gamma: rewards + gamma * (1 - dones) * -_best(-values, masks)
        ),
        "the mean of the legal next values is taken: DQN's target has their maximum": (
            lambda rewards, dones, values, masks, gamma: (
                rewards + gamma * (1 - dones) * (values * masks).sum(dim=1) / masks.sum(dim=1).clamp(min=1)
            )
        ),
    },
)


# ------------------------------------------------------------------------------------------------- when it is enough


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with the table of what has reached it: `reached = scores >= threshold`, True and False, (R, n).",
        "`reached.argmax(axis=1)` is the place of the first True of each row, but 0 for a row without any: such a row "
        "needs another answer.",
        "`np.where(reached.any(axis=1), steps[reached.argmax(axis=1)], np.inf)` gives each run its steps, or infinity.",
    ),
    returns=promise.an_array("the steps", float),
)
def steps_to_reach(steps: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Say after how many environment steps each run first scores at least a threshold.

    Args:
        steps: at which the runs were scored, ascending, integers, (n,).
        scores: of each run at each of them, float, (R, n).
        threshold: the score to reach.

    Returns:
        Steps of each run, float, (R,); infinity for a run that never gets there.
    """
    # 1. where each run is at the threshold or above it
    reached = scores >= threshold
    # 2. the first such place of each run
    first = reached.argmax(axis=1)
    # 3. a run without one has no number of steps
    return np.where(reached.any(axis=1), steps[first], np.inf)


def _runs(seed: int, runs: int = 4, points: int = 6) -> tuple:
    """Make runs of which one never reaches the threshold and one falls below it again."""
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.uniform(0, 1, (runs, points)).round(2), axis=1)
    scores[0] = np.minimum(scores[0], 0.4)
    scores[1, -1], scores[1, -2] = 0.3, 0.9
    scores[2, 2:] = np.maximum(scores[2, 2:], 0.5)
    scores[2, 2] = 0.5
    return 1_000 * np.arange(1, points + 1) + int(rng.integers(0, 500)), scores, 0.5


def _first(steps: NDArray, reached: NDArray, never: float) -> NDArray:
    return np.where(reached.any(axis=1), steps[reached.argmax(axis=1)], never)


def _last_below(steps: NDArray, scores: NDArray, threshold: float) -> NDArray:
    """First step after which a run never falls below the threshold again."""
    stays = np.logical_and.accumulate((scores >= threshold)[:, ::-1], axis=1)[:, ::-1]
    return _first(steps, stays, np.inf)


steps_to_reach.examine(
    cases=lambda: [
        (np.array([10, 20, 30]), np.array([[0.1, 0.5, 0.9], [0.6, 0.2, 0.7], [0.1, 0.2, 0.3]]), 0.5),
        (np.array([100, 300, 500]), np.array([[0.2, 0.1, 0.8], [0.0, 0.3, 0.1]]), 0.25),
        _runs(0),
        _runs(1),
    ],
    draw=lambda rng: _runs(int(rng.integers(2, 1000)), runs=5),
    mistakes={
        "a run that never reaches the threshold gets the first step: argmax is 0 where nothing is True": (
            lambda steps, scores, threshold: steps[(scores >= threshold).argmax(axis=1)]
        ),
        "a run that never reaches the threshold gets the last step, as if it had got there: give it np.inf": (
            lambda steps, scores, threshold: _first(steps, scores >= threshold, steps[-1])
        ),
        "a run that never reaches the threshold gets nan, which no comparison orders: give it np.inf": (
            lambda steps, scores, threshold: _first(steps, scores >= threshold, np.nan)
        ),
        "a run that never reaches the threshold gets 0, the best of all: give it np.inf": (
            lambda steps, scores, threshold: _first(steps, scores >= threshold, 0)
        ),
        "a run that never reaches the threshold gets -1, which is less than any: give it np.inf": (
            lambda steps, scores, threshold: _first(steps, scores >= threshold, -1)
        ),
        "runs that never reach the threshold are left out: the result has one entry for each run": (
            lambda steps, scores, threshold: (lambda found: found[np.isfinite(found)])(
                _first(steps, scores >= threshold, np.inf)
            )
        ),
        "a score that equals the threshold has reached it: at least, not above": (
            lambda steps, scores, threshold: _first(steps, scores > threshold, np.inf)
        ),
        "it returns places in the curve, not environment steps: steps[place]": (
            lambda steps, scores, threshold: _first(np.arange(len(steps)), scores >= threshold, np.inf)
        ),
        "it waits until a run stays above the threshold: the first time counts": _last_below,
        "it returns the steps to the best score: the first one that is at least the threshold counts": (
            lambda steps, scores, threshold: np.where(
                (scores >= threshold).any(axis=1), steps[scores.argmax(axis=1)], np.inf
            )
        ),
        "it looks for scores below the threshold: at least the threshold counts": (
            lambda steps, scores, threshold: _first(steps, scores < threshold, np.inf)
        ),
    },
)
