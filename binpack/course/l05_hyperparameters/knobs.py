"""Lesson 05: what is said of each hyperparameter: what it does, what people set it to, how a wrong value shows."""

from __future__ import annotations

from dataclasses import dataclass

from binpack.course.l05_hyperparameters.results import default_of, written
from binpack.course.tables import Table


@dataclass(frozen=True)
class Knob:
    """What is said of one hyperparameter.

    Attributes:
        does: what it does, in one sentence.
        search: the range that is worth searching.
        low: how a value that is too low shows.
        high: how a value that is too high shows.
    """

    does: str
    search: str
    low: str
    high: str


ABOUT = {
    "learning_rate": Knob(
        "how far a gradient step moves the weights",
        "1e-4 to 3e-3, logarithmic",
        "the curve climbs slowly or rests on a plateau; approx_kl far below 0.01",
        "approx_kl leaps, entropy falls to 0, the score stays low",
    ),
    "clip_range": Knob(
        "how far the probability ratio may move before its gradient stops",
        "0.1 to 0.4",
        "clip_fraction above 0.3: a large share is cut off; slow",
        "clip_fraction near 0: nothing holds the policy but the learning rate",
    ),
    "n_epochs": Knob(
        "how often each rollout is gone through",
        "3 to 20",
        "samples are wasted: slow, approx_kl small",
        "approx_kl and clip_fraction grow from epoch to epoch; time",
    ),
    "max_grad_norm": Knob(
        "the gradient's norm is cut down to this",
        "0.3 to 1, or leave it",
        "every step is cut; Adam undoes most of it",
        "nothing, until a huge gradient swells Adam's divisor: tiny steps after it",
    ),
    "n_steps": Knob(
        "steps of each environment between two updates",
        "an episode or more; rollouts of 512 to 8,192",
        "noisy advantages, episodes cut into many pieces",
        "few updates: slow at the start",
    ),
    "n_envs": Knob(
        "how many environments share a rollout",
        "what the processor steps fastest",
        "one long correlated stretch of few episodes; slow to collect",
        "n_steps shorter than an episode: more is bootstrapped",
    ),
    "batch_size": Knob(
        "transitions in one gradient step",
        "32 to 512",
        "noisy gradients; many steps, slow",
        "few gradient steps: the curve is late, approx_kl small",
    ),
    "gamma": Knob(
        "how much the next reward counts against this one",
        "1 - 1/steps that matter: 0.9 to 0.999",
        "greedy: what pays late is not learned",
        "noise of far rewards; slow critic in long episodes",
    ),
    "gae_lambda": Knob(
        "how far an advantage trusts rewards rather than the critic",
        "0.8 to 1",
        "biased: as good as the critic only",
        "noisy advantages in long episodes",
    ),
    "vf_coef": Knob(
        "weight of the critic's loss in the total loss",
        "0.25 to 1; matters more where actor and critic share layers",
        "explained_variance stays near 0",
        "the critic's gradient fills max_grad_norm: the policy slows down",
    ),
    "normalize_advantage": Knob(
        "advantages of a minibatch get mean 0 and spread 1",
        "on, or off to see",
        "off: the step depends on the reward's unit",
        "on: noise is blown up where all advantages are small",
    ),
    "ent_coef": Knob(
        "weight of the bonus for undecided policies",
        "0 to 0.03, logarithmic",
        "entropy falls to 0 before the score is good",
        "entropy stays high: the policy stays random",
    ),
}
"""In the order of the lesson. Defaults and ranges follow Stable-Baselines3 and Andrychowicz et al. (2021)."""


def table(*names: str) -> Table:
    """Return the rows of some hyperparameters as a table.

    Args:
        names: of the hyperparameters.
    """
    rows = [
        (name, ABOUT[name].does, written(default_of(name)), ABOUT[name].search, ABOUT[name].low, ABOUT[name].high)
        for name in names
    ]
    return Table(("", "what it is", "default", "worth searching", "too low", "too high"), rows)
