"""Lesson 04: what its figures show: probabilities, noise, steps, advantages, the clip, probes, learning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from binpack.agents.evaluation import make_streams
from binpack.course.charts import Series, chart
from binpack.course.l04_ppo.agent import Agent, Settings
from binpack.course.l04_ppo.packing import SMALL, VALIDATION_SEED, flat
from binpack.course.l04_ppo.probes import Reading, advice
from binpack.course.records import read_record
from binpack.env.batch import PackingBatch
from binpack.plots.figure import Figure
from binpack.plots.films import film
from binpack.plots.results import curves_with_spread
from binpack.plots.style import COLORS
from binpack.plots.tables import heat_table

_GOOD, _BAD, _GREY = COLORS[0], COLORS[1], "#888888"
DATA = Path(__file__).parent


def load(name: str) -> dict[str, Any]:
    """Load a record.

    Args:
        name: "match", "listing" or "steps"; `record_NAME.py` beside the file made it.

    Raises:
        binpack.files.FileError: there is no such record.
    """
    return read_record(DATA / f"{name}.json")


# ------------------------------------------------------------------------------------------------------------- policy


def placements(agent: Agent, title: str, stream: int = 0) -> Figure:
    """Draw how likely each placement of a stream's first item is in the empty small bin.

    Args:
        agent: whose policy it is.
        title: the title.
        stream: which validation stream.
    """
    bins = PackingBatch(SMALL, 1)
    bins.load(make_streams(SMALL, stream + 1, VALIDATION_SEED)[stream : stream + 1])
    mask = bins.masks()
    with torch.no_grad():
        logits, _ = agent.network(torch.from_numpy(flat(bins.observation())))
        chances = agent.masked_log_probs(logits, torch.from_numpy(mask)).exp().numpy()
    shown = np.where(mask, chances, np.nan).reshape(SMALL.bin_size[:2])
    names = [f"x = {x}" for x in range(SMALL.bin_size[0])], [f"y = {y}" for y in range(SMALL.bin_size[1])]
    return heat_table(shown, *names, title=title, limits=(0.0, 1.0))


def entropies(entropy: Callable[[Tensor], Tensor]) -> Figure:
    """Draw the entropy of two actions over the probability of the first.

    Args:
        entropy: (log_probs) -> entropies.
    """
    chances = np.linspace(0.0, 1.0, 41)
    rows = torch.log(torch.from_numpy(np.stack([chances, 1 - chances], axis=1)).float())
    values = entropy(rows).detach().numpy()
    middle, end = float(values[20]), float(values[0])
    text = f"entropy of two actions: {middle:.2f} where both are equally likely, {end + 0.0:.2f} where one is certain"
    x, y = "probability of the first action", "entropy in nats"
    return chart([Series("", chances, values)], x=x, y=y, title="entropy of two actions", text=text)


# ---------------------------------------------------------------------------------------------------------- gradients


def sorted_estimates(estimates: Mapping[str, ArrayLike], true: float) -> Figure:
    """Draw estimates of one number from the lowest to the highest, a line for each way to estimate it.

    Args:
        estimates: name of a way to its estimates, (n,).
        true: the number.
    """
    lines, told = [], []
    for name, found in estimates.items():
        values = np.sort(np.asarray(found, float))
        lines.append(Series(name, 100 * (np.arange(len(values)) + 0.5) / len(values), values))
        told.append(f"{name} from {values[0]:.2f} to {values[-1]:.2f}")
    title = f"{len(values)} estimates of a gradient of {true:g}, from the lowest to the highest"
    text = f"{title}: {', '.join(told)}"
    return chart(lines, x="percent of the estimates", y="estimate", title=title, text=text, levels=(0.0,))


# -------------------------------------------------------------------------------------------------------------- steps


def step_curves(record: Mapping[str, Any]) -> Figure:
    """Draw what a step of growing length promises and what it brings, over all recorded seeds.

    Args:
        record: "steps", as `load` returned it.
    """
    rows = np.array([run["steps"] for run in record["runs"]])  # (seeds, sizes, 4)
    sizes = rows[0, :, 0]
    curves = {"promised by the batch": (sizes, rows[:, :, 1]), "in truth": (sizes, rows[:, :, 2])}
    title = "one batch, one direction, a longer and longer step"
    return curves_with_spread(curves, x="length of the step", y="gain in return", title=title)


# ---------------------------------------------------------------------------------------------------------- advantages


def lambdas(gae: Callable[..., NDArray], settings: Settings, values: Sequence[float] = (0.0, 0.5, 0.95, 1.0)) -> Figure:
    """Draw the advantages of an episode of twelve steps that pays 1 at its end, for several lambdas.

    Args:
        gae: the estimate.
        settings: gamma is used.
        values: the lambdas.
    """
    steps = 12
    zeros, ends = np.zeros((steps, 1), np.float32), np.zeros((steps, 1), bool)
    rewards, over = zeros.copy(), ends.copy()
    rewards[-1], over[-1] = 1.0, True
    lines, told = [], []
    for lam in values:
        found = gae(rewards, zeros, zeros, over, ends, settings.replace(gae_lambda=lam))[:, 0]
        lines.append(Series(f"lambda {lam:g}", np.arange(1, steps + 1), found))
        told.append(f"{lam:g}: {found[0]:.2f}")
    title = "an episode that pays 1 at its last step, and a critic that expects nothing"
    text = f"{title}: advantage of the first step by lambda, {', '.join(told)}"
    return chart(lines, x="step of the episode", y="advantage", title=title, text=text)


def weights_of(settings: Settings) -> str:
    """Say how much the surprises of later steps weigh in an advantage, in a line."""
    share = settings.gamma * settings.gae_lambda
    return ", ".join(f"{steps} steps later {share**steps:.2f}" for steps in (1, 5, 10, 20))


# ---------------------------------------------------------------------------------------------------------------- clip

_RATIOS = np.round(np.linspace(0.305, 1.905, 81), 3)
"""None of them lies on a bound of the clip, where the slope would be a matter of rounding."""


def _objective(clipped_loss: Callable[..., Tensor], ratio: float, advantage: float, clip: float) -> tuple[float, float]:
    """Minus the loss of one transition, and its slope in the ratio."""
    moved = torch.tensor([np.log(ratio)], dtype=torch.float64, requires_grad=True)
    loss = clipped_loss(
        moved, torch.zeros(1, dtype=torch.float64), torch.tensor([advantage], dtype=torch.float64), clip
    )
    (slope,) = torch.autograd.grad(loss, moved)
    return -float(loss.detach()), -float(slope) / ratio


def clip_curve(clipped_loss: Callable[..., Tensor], clip: float, advantage: float) -> Figure:
    """Draw the clipped objective of one transition over the ratio, and its slope.

    Args:
        clipped_loss: (log_probs, old_log_probs, advantages, clip_range) -> loss.
        clip: the clip range.
        advantage: of the transition.
    """
    both = np.array([_objective(clipped_loss, float(ratio), advantage, clip) for ratio in _RATIOS])
    lines = [
        Series("without the clip", _RATIOS, advantage * _RATIOS, color=_GREY, dashed=True, width=1.2),
        Series("objective", _RATIOS, both[:, 0], color=_GOOD, width=2.5),
        Series("its slope", _RATIOS, both[:, 1], color=_BAD, width=1.5),
    ]
    pushed = _RATIOS[np.abs(both[:, 1]) > 1e-9]
    title = f"the clipped objective of one transition, advantage {advantage:+g}"
    text = f"{title}: it has a slope for ratios from {pushed.min():.2f} to {pushed.max():.2f} "
    ticks = {0.4: "0.4", 1 - clip: f"1 - {clip:g}", 1.0: "1", 1 + clip: f"1 + {clip:g}", 1.6: "1.6"}
    note = f"clip_range {clip:g}; where the slope is 0, an update leaves the transition alone"
    return chart(
        lines,
        x="ratio of new to old probability",
        y="objective",
        title=title,
        text=text,
        levels=(0.0,),
        ticks=ticks,
        note=note,
    )


def clip_film(clipped_loss: Callable[..., Tensor], clip: float) -> Figure:
    """Draw the objective for either sign of the advantage, with a slider over the ratio.

    Args:
        clipped_loss: (log_probs, old_log_probs, advantages, clip_range) -> loss.
        clip: the clip range.
    """
    lines = {
        sign: np.array([_objective(clipped_loss, float(ratio), sign, clip)[0] for ratio in _RATIOS])
        for sign in (1.0, -1.0)
    }
    frames = {}
    for ratio in np.round(np.arange(0.45, 1.7, 0.1), 2):
        marks, told = [], []
        for sign, color in ((1.0, _GOOD), (-1.0, _BAD)):
            height, slope = _objective(clipped_loss, float(ratio), sign, clip)
            push = "is raised" if slope > 1e-9 else "is lowered" if slope < -1e-9 else "is left alone"
            marks.append(Series(push, [float(ratio)], [height], "rings", color))
            told.append(f"advantage {sign:+g}: its probability {push}")
        note = "; ".join(told)
        series = [Series("advantage +1", _RATIOS, lines[1.0], color=_GOOD), marks[0]]
        series += [Series("advantage -1", _RATIOS, lines[-1.0], color=_BAD), marks[1]]
        x, y = "ratio of new to old probability", "objective"
        ticks = {0.4: "0.4", 1 - clip: f"{1 - clip:g}", 1.0: "1", 1 + clip: f"{1 + clip:g}", 1.6: "1.6"}
        frames[f"ratio {ratio:g}"] = chart(series, x=x, y=y, title="", text=note, ticks=ticks, levels=(0.0,))
    return film(frames, title="what an update does to the probability of an action", stills=4)


# -------------------------------------------------------------------------------------------------------------- update


def ratios(rows: Sequence[NDArray], per_epoch: int, clip: float, title: str) -> Figure:
    """Draw the ratios of each minibatch of an update: lowest, middle and highest.

    Args:
        rows: the ratios of each minibatch, (b,) each, in order.
        per_epoch: minibatches in an epoch.
        clip: the clip range.
        title: the title.
    """
    places = np.arange(1, len(rows) + 1) / per_epoch
    quantiles = np.array([np.quantile(row, (0.05, 0.5, 0.95)) for row in rows])
    outside = np.mean(np.abs(rows[-1] - 1) > clip)
    lines = [
        Series("95 % lie below", places, quantiles[:, 2], color=_BAD),
        Series("half lie below", places, quantiles[:, 1], color=_GREY),
        Series("5 % lie below", places, quantiles[:, 0], color=_GOOD),
    ]
    text = f"{title}: the ratios spread epoch by epoch; of the last minibatch {outside:.0%} lie outside the clip range"
    levels = (1 - clip, 1.0, 1 + clip)
    return chart(lines, x="epochs", y="ratio of new to old probability", title=title, text=text, levels=levels)


# -------------------------------------------------------------------------------------------------------------- probes


def probe_values(readings: Mapping[str, Reading], title: str, parts: bool = True) -> Figure:
    """Draw what was learned on each probe, values and probabilities, beside what is right.

    Args:
        readings: name of a probe to what was learned on it.
        title: the title.
        parts: whether the agent is made of the lesson's parts, so that those to look at can be named.
    """
    said = advice(readings, parts)
    ticks: dict[float, str] = {}
    known: list[tuple[float, float]] = []
    found: dict[str, list[tuple[float, float]]] = {"value": [], "probability": [], "wrong": []}
    place = 0.0
    for name, reading in readings.items():
        place += max(0.0, 3.2 - len(reading.names)) / 2  # a name needs some room
        first = place
        for kind, right, learned, near in zip(reading.names, reading.known, reading.learned, reading.near, strict=True):
            known.append((place, float(right)))
            where = ("value" if kind == "V" else "probability") if near else "wrong"
            found[where].append((place, float(np.clip(np.nan_to_num(learned), -3, 5))))
            place += 1
        ticks[(first + place - 1) / 2] = name
        place += 0.8 + max(0.0, 3.2 - len(reading.names)) / 2
    series = [_dots("right", known, "rings", _GREY), _dots("value", found["value"], "dots", _GOOD)]
    series.append(_dots("probability", found["probability"], "dots", COLORS[2]))
    series.append(_dots("wrong", found["wrong"], "crosses", _BAD))
    told = ", ".join(f"{name} {'learned' if reading.right else 'wrong'}" for name, reading in readings.items())
    return chart(
        [one for one in series if len(np.asarray(one.x))],
        x="probe: the values of its states, then the probabilities of its actions",
        y="value or probability",
        title=title,
        note=said,
        text=f"{title}: {told}; {said}",
        levels=(0.0,),
        ticks=ticks,
    )


def _dots(name: str, places: Sequence[tuple[float, float]], kind: Any, color: str) -> Series:
    points: NDArray = np.array(places).reshape(-1, 2)
    return Series(name, points[:, 0], points[:, 1], kind, color)


# ------------------------------------------------------------------------------------------------------------ learning


def learning(curve: Sequence[tuple[int, float]], levels: Mapping[str, float], title: str) -> Figure:
    """Draw the utilization of an agent over its training, and that of others as level lines.

    Args:
        curve: environment steps and mean utilization.
        levels: name of another packer to its mean utilization.
        title: the title.
    """
    steps, scores = np.array(curve).T
    lines = [Series("PPO, packing greedily", steps, scores, width=2.5)]
    for color, (name, level) in zip((COLORS[6], COLORS[3], COLORS[2]), levels.items(), strict=False):
        lines.append(Series(name, [steps[0], steps[-1]], [level, level], color=color, dashed=True))
    told = ", ".join(f"{name} {level:.2f}" for name, level in levels.items())
    text = f"{title}: utilization on {len(curve)} evaluations beside {told}"
    return chart(lines, x="environment steps", y="mean utilization", title=title, text=text)


def arms(record: Mapping[str, Any], column: int) -> dict[str, tuple[NDArray, NDArray]]:
    """Read the curves of a record, as `plots.curves_with_spread` wants them.

    Args:
        record: "match" or "listing".
        column: which number of a curve's points: 1 the utilization; of "listing" 2 the value of an empty bin and 3 the
            entropy there.

    Returns:
        Name of an arm to steps, (n,), and one curve a seed, (seeds, n).
    """
    found: dict[str, list[ArrayLike]] = {}
    for run in record["runs"]:
        found.setdefault(run["arm"], []).append(np.array(run["curve"])[:, [0, column]])
    return {
        name: (np.asarray(rows[0])[:, 0], np.stack([np.asarray(row)[:, 1] for row in rows]))
        for name, rows in found.items()
    }


def finals(record: Mapping[str, Any], key: str = "test") -> dict[str, NDArray[np.float64]]:
    """Read one number of each seed by arm: "test", or the last utilization of the curve where the key is "curve".

    Args:
        record: "match" or "listing".
        key: which number.
    """
    found: dict[str, list[float]] = {}
    for run in record["runs"]:
        found.setdefault(run["arm"], []).append(run["curve"][-1][1] if key == "curve" else run[key])
    return {name: np.array(numbers) for name, numbers in found.items()}
