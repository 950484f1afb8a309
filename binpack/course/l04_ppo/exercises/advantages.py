"""How good an action turned out to be: generalized advantage estimation (Schulman et al., 2016), and one scale."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from binpack.course.exercises import exercise, promise
from binpack.course.l04_ppo.agent import Settings


@exercise(
    minutes=12,
    difficulty=3,
    hints=(
        "Begin with an empty array, `advantages = np.zeros_like(rewards)`, and a row of zeros for what comes after the "
        "last step. Then go backwards: `for t in reversed(range(len(rewards))):`",
        "The surprise of a step: reward, plus gamma times next_values where the episode did not terminate, minus the "
        "value. `~terminated[t]` counts as 1 where it did not.",
        "The advantage: the surprise, plus gamma * gae_lambda times the advantage of the step after. Nothing is "
        "carried over where the episode is over, terminated or truncated.",
        "`over = terminated[t] | truncated[t]`, then `later = surprise + settings.gamma * settings.gae_lambda * later "
        "* ~over`, and `advantages[t] = later`.",
    ),
    returns=promise.an_array("the advantages", float),
)
def gae(
    rewards: NDArray, values: NDArray, next_values: NDArray, terminated: NDArray, truncated: NDArray, settings: Settings
) -> NDArray:
    """Estimate the advantage of every step of a rollout, from its last row to its first.

    Args:
        rewards: float32, (T, N): T steps of N environments.
        values: of the observations before the steps, (T, N).
        next_values: of the observations that the steps led to, (T, N).
        terminated: the episode came to a state without a future, bool, (T, N).
        truncated: it was cut off, bool, (T, N); the state has a future, but the next row is another episode.
        settings: `gamma` and `gae_lambda`.

    Returns:
        Float, (T, N).
    """
    advantages, later = np.zeros_like(rewards), np.zeros_like(rewards[0])
    for t in reversed(range(len(rewards))):
        # 1. the surprise of this step: no future after a state that terminated
        surprise = rewards[t] + settings.gamma * next_values[t] * ~terminated[t] - values[t]
        # 2. carry back the next step's advantage, unless that step is of another episode
        over = terminated[t] | truncated[t]
        later = surprise + settings.gamma * settings.gae_lambda * later * ~over
        advantages[t] = later
    return advantages


def _surprise(r: NDArray, v: NDArray, n: NDArray, boot: NDArray, s: Settings) -> NDArray:
    return r + s.gamma * n * boot - v


def _back(surprise: NDArray, cut: NDArray, decay: float) -> NDArray:
    """Carry surprises back, row by row, where nothing is cut."""
    advantages, later = np.zeros_like(surprise), np.zeros_like(surprise[0])
    for t in reversed(range(len(surprise))):
        later = surprise[t] + decay * later * cut[t]
        advantages[t] = later
    return advantages


def _gae(
    r: NDArray,
    v: NDArray,
    n: NDArray,
    te: NDArray,
    tr: NDArray,
    s: Settings,
    *,
    boot: NDArray | None = None,
    cut: NDArray | None = None,
    surprise: NDArray | None = None,
    decay: float | None = None,
) -> NDArray:
    """The estimate with one thing changed."""
    step = _surprise(r, v, n, ~te if boot is None else boot, s) if surprise is None else surprise
    return _back(step, ~(te | tr) if cut is None else cut, s.gamma * s.gae_lambda if decay is None else decay)


def _forwards(r: NDArray, v: NDArray, n: NDArray, te: NDArray, tr: NDArray, s: Settings) -> NDArray:
    turned = _back(_surprise(r, v, n, ~te, s)[::-1], ~(te | tr)[::-1], s.gamma * s.gae_lambda)
    return turned[::-1]


def _row_before(r: NDArray, v: NDArray, n: NDArray, te: NDArray, tr: NDArray, s: Settings) -> NDArray:
    shifted = np.vstack([np.ones((1, r.shape[1]), bool), ~(te | tr)[:-1]])
    return _gae(r, v, n, te, tr, s, cut=shifted)


def _settings(gamma: float, gae_lambda: float) -> Settings:
    return Settings(gamma=float(gamma), gae_lambda=float(gae_lambda))


def _drawn(rng: np.random.Generator, steps: int = 6, envs: int = 3) -> tuple:
    values = rng.normal(1, 1, (steps, envs)).astype(np.float32)
    next_values = np.vstack([values[1:], rng.normal(1, 1, (1, envs))]).astype(np.float32)
    kind = rng.random((steps, envs))
    terminated, truncated = kind < 0.2, kind > 0.8
    terminated[2, 0], truncated[2, 0] = True, False
    terminated[3, 1], truncated[3, 1] = False, True
    ends = terminated | truncated
    next_values[ends] = rng.normal(1, 1, ends.sum())
    rewards = rng.normal(0, 1, (steps, envs)).astype(np.float32)
    settings = _settings(rng.uniform(0.5, 0.99), rng.uniform(0.3, 0.95))
    return rewards, values, next_values, terminated, truncated, settings


def _column(*numbers: float) -> NDArray:
    return np.array(numbers, np.float32)[:, None]


def _case(terminated: bool, truncated: bool, lam: float = 0.5) -> tuple:
    """The three steps of the lesson."""
    no = np.zeros((3, 1), bool)
    ends = no.copy(), no.copy()
    ends[0][2], ends[1][2] = terminated, truncated
    return _column(0, 0, 1), _column(0.5, 0.5, 0.5), _column(0.5, 0.5, 2.0), *ends, _settings(0.5, lam)


def _middle() -> tuple:
    """Four steps, the second one the last of its episode, first by terminating and then by a limit."""
    te, tr = np.zeros((4, 2), bool), np.zeros((4, 2), bool)
    te[1, 0] = tr[1, 1] = True
    rewards = np.array([[1, 1], [2, 2], [3, 3], [4, 4]], np.float32)
    values = np.full((4, 2), 0.5, np.float32)
    next_values = np.array([[0.5, 0.5], [2.0, 2.0], [0.5, 0.5], [1.0, 1.0]], np.float32)
    return rewards, values, next_values, te, tr, _settings(0.9, 0.8)


gae.examine(
    cases=lambda: [_case(False, False), _case(True, False), _case(False, True), _middle()],
    draw=_drawn,
    mistakes={
        "the future counts after a state that terminated: there next_values should count for nothing": lambda *a: _gae(
            *a, boot=np.ones_like(a[3])
        ),
        "truncated is treated as terminated: where a limit cuts an episode off, the state still has a future": (
            lambda r, v, n, te, tr, s: _gae(r, v, n, te, tr, s, boot=~(te | tr))
        ),
        "terminated is turned round: the future counts where the episode did not terminate": (
            lambda r, v, n, te, tr, s: _gae(r, v, n, te, tr, s, boot=te)
        ),
        "terminated and truncated are exchanged: it is terminated that has no future": (
            lambda r, v, n, te, tr, s: _gae(r, v, n, te, tr, s, boot=~tr)
        ),
        "an advantage is carried into another episode: after truncated nothing is carried back either": (
            lambda r, v, n, te, tr, s: _gae(r, v, n, te, tr, s, cut=~te)
        ),
        "an advantage is carried into another episode: after terminated nothing is carried back": (
            lambda r, v, n, te, tr, s: _gae(r, v, n, te, tr, s, cut=~tr)
        ),
        "advantages are carried over every end of an episode: where it is over, nothing is carried back": (
            lambda r, v, n, te, tr, s: _gae(r, v, n, te, tr, s, cut=np.ones_like(te))
        ),
        "it asks the ends of the row before: row t itself says whether anything is carried back into it": _row_before,
        "only each step's own surprise: the next advantage is not carried back": lambda r, v, n, te, tr, s: (
            r + s.gamma * n * ~te - v
        ),
        "it runs forwards: an advantage is made of what comes later": _forwards,
        "the value is not taken away: an advantage is what was better than expected": (
            lambda r, v, n, te, tr, s: _gae(r, v, n, te, tr, s, surprise=r + s.gamma * n * ~te)
        ),
        "these are advantages plus values, the returns": lambda r, v, n, te, tr, s: _gae(r, v, n, te, tr, s) + v,
        "gamma is missing where the next advantage is carried back: it takes gamma * gae_lambda": (
            lambda r, v, n, te, tr, s: _gae(r, v, n, te, tr, s, decay=s.gae_lambda)
        ),
        "gae_lambda is missing: the next advantage is carried back times gamma * gae_lambda": (
            lambda r, v, n, te, tr, s: _gae(r, v, n, te, tr, s, decay=s.gamma)
        ),
        "the next value is not discounted: multiply it by gamma": lambda r, v, n, te, tr, s: _gae(
            r, v, n, te, tr, s, surprise=r + n * ~te - v
        ),
        "gae_lambda weighs the next value too: there gamma stands alone": lambda r, v, n, te, tr, s: _gae(
            r, v, n, te, tr, s, surprise=r + s.gamma * s.gae_lambda * n * ~te - v
        ),
        "the rewards are missing": lambda r, v, n, te, tr, s: _gae(r, v, n, te, tr, s, surprise=s.gamma * n * ~te - v),
        "the value is added: the surprise is what came minus what was expected": lambda r, v, n, te, tr, s: _gae(
            r, v, n, te, tr, s, surprise=r + s.gamma * n * ~te + v
        ),
        "values[t + 1] is taken for next_values[t]: where a limit cuts an episode off, the next row belongs to another "
        "one": lambda r, v, n, te, tr, s: _gae(r, v, np.vstack([v[1:], n[-1:]]), te, tr, s),
        "values[t + 1] is taken for next_values[t], and nothing after the last row: next_values has a number for "
        "every row": lambda r, v, n, te, tr, s: _gae(r, v, np.vstack([v[1:], 0 * n[-1:]]), te, tr, s),
        "values[t + 1] is taken for next_values[t], and after the last row the first: next_values has a number for "
        "every row": lambda r, v, n, te, tr, s: _gae(r, v, np.roll(v, -1, axis=0), te, tr, s),
        "values and next_values are exchanged": lambda r, v, n, te, tr, s: _gae(r, n, v, te, tr, s),
    },
)


@exercise(
    minutes=3,
    difficulty=1,
    hints=(
        "Begin with the two numbers that you need: advantages.mean() and advantages.std().",
        "`return (advantages - advantages.mean()) / (advantages.std() + 1e-8)`",
    ),
    returns=promise.a_tensor("the normalised advantages"),
)
def normalize(advantages: Tensor) -> Tensor:
    """Shift and scale advantages so that their mean is 0 and their standard deviation 1.

    Args:
        advantages: float32, (B,), two or more.

    Returns:
        float32, (B,). 1e-8 is added to the standard deviation (torch's own, which divides by B - 1), so that equal
        advantages become 0 and not a division by 0.
    """
    # 1. mean 0, then standard deviation 1
    return (advantages - advantages.mean()) / (advantages.std() + 1e-8)


normalize.examine(
    cases=lambda: [
        (torch.tensor([1.0, 3.0]),),
        (torch.tensor([2.0, 2.0, 2.0]),),
        (torch.tensor([-0.5, -0.5]),),
        (torch.tensor([0.0, 1.0, 2.0, 5.0]),),
        (torch.tensor([-3.0, -1.0, 4.0]),),
    ],
    draw=lambda rng: (torch.from_numpy(rng.normal(3.0, 2.0, size=6).astype(np.float32)),),
    mistakes={
        "the mean is not taken away": lambda a: a / (a.std() + 1e-8),
        "the mean is 0, but the scale is as it was: divide by the standard deviation": lambda a: a - a.mean(),
        "equal advantages are divided by 0: add 1e-8 to the standard deviation": lambda a: (a - a.mean()) / a.std(),
        "it divides by the variance: take the standard deviation": lambda a: (a - a.mean()) / (a.var() + 1e-8),
        "its standard deviation divides by B: torch's own divides by B - 1": lambda a: (
            (a - a.mean()) / (a.std(correction=0) + 1e-8)
        ),
        "only the mean is divided: brackets belong round advantages - mean": lambda a: a - a.mean() / (a.std() + 1e-8),
        "they are squeezed between 0 and 1: take mean and standard deviation": lambda a: (
            (a - a.min()) / (a.max() - a.min() + 1e-8)
        ),
    },
)
