"""Lesson 02: what its figures show: Q-values, streaks, targets, losses, probes, returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from binpack.course.charts import Series, chart
from binpack.course.l02_deep_q_network.agent import Batch, DQNConfig, Run
from binpack.course.l02_deep_q_network.probes import TOLERANCE, Reading, advice
from binpack.plots.figure import Figure
from binpack.plots.style import COLORS

_LEFT, _RIGHT = COLORS[0], COLORS[1]
_ANGLES = np.linspace(-12, 12, 97)  # in degrees; a pole beyond them has fallen


def q_over_angle(network: nn.Module, title: str) -> Figure:
    """Draw CartPole's two Q-values over the angle of the pole, everything else at rest.

    Args:
        network: maps (B, 4) to (B, 2).
        title: the title.
    """
    observations = np.zeros((len(_ANGLES), 4), np.float32)
    observations[:, 2] = np.radians(_ANGLES)
    with torch.inference_mode():
        values = network(torch.from_numpy(observations)).numpy()
    lines = [
        Series("Q(left)", _ANGLES, values[:, 0], color=_LEFT),
        Series("Q(right)", _ANGLES, values[:, 1], color=_RIGHT),
    ]
    what = f"{title}: Q(left) and Q(right) over pole angles from -12 to 12 degrees"
    return chart(lines, x="pole angle in degrees, positive: leans right", y="Q-value", title=title, text=what)


def longest_streak(sides: ArrayLike) -> int:
    """Length of the longest row of equal entries.

    Args:
        sides: the entries, (n,).
    """
    return max(len(list(row)) for _, row in groupby(np.asarray(sides).tolist()))


def streaks(angles: ArrayLike, title: str) -> Figure:
    """Draw the pole's angle step by step, a colour for each side, and count the longest streak on one side.

    Args:
        angles: in radians, (n,).
        title: the title.
    """
    degrees = np.degrees(np.asarray(angles, float))
    steps, right = np.arange(len(degrees)), degrees > 0
    dots = [
        Series("leans left", steps[~right], degrees[~right], "dots", _LEFT),
        Series("leans right", steps[right], degrees[right], "dots", _RIGHT),
    ]
    longest = longest_streak(right)
    what = f"{title}: {len(degrees)} steps, longest streak on one side {longest}"
    note = f"longest streak on one side: {longest}"
    return chart(dots, x="step", y="pole angle in degrees", title=title, text=what, levels=(0.0,), note=note)


def exploration(rate: Callable[[int, DQNConfig], float], configs: Mapping[str, DQNConfig], steps: int) -> Figure:
    """Draw an exploration rate over the steps of a run.

    Args:
        rate: (step, config) -> probability of a random action.
        configs: name of a line to its settings.
        steps: how far to the right.
    """
    places = np.linspace(0, steps, 101).round().astype(int)
    values = {name: [rate(int(step), config) for step in places] for name, config in configs.items()}
    lines = [Series(name, places, line) for name, line in values.items()]
    told = "; ".join(f"{name}: from {line[0]:.2f} to {line[-1]:.2f}" for name, line in values.items())
    title = "how often the agent acts at random"
    return chart(lines, x="environment steps", y="epsilon", title=title, text=f"{title}, {told}")


def targets(batch: Batch, values: Tensor, title: str) -> Figure:
    """Draw targets over the pole's angle after the step.

    Args:
        batch: transitions of CartPole.
        values: their targets, (B,).
        title: the title.
    """
    degrees = np.degrees(batch.next_observations[:, 2].numpy())
    over = batch.terminated.numpy()
    learned = values.detach().numpy()
    dots = [
        Series("goes on", degrees[~over], learned[~over], "dots", _LEFT),
        Series("terminated", degrees[over], learned[over], "dots", _RIGHT),
    ]
    what = f"{title}: {len(over)} targets, {over.sum()} of them of a step that terminated"
    return chart(dots, x="pole angle after the step, in degrees", y="target", title=title, text=what)


def losses(loss: Callable[[nn.Module, Batch, Tensor], Tensor]) -> Figure:
    """Draw the loss of one transition over its error, beside half the square and the absolute value.

    Args:
        loss: (network, batch, targets) -> loss.
    """
    errors = np.linspace(-3, 3, 61)
    own = np.array([_loss_at(loss, error) for error in errors])
    lines = [
        Series("half the square", errors, errors**2 / 2, color=COLORS[6], dashed=True),
        Series("absolute value", errors, np.abs(errors), color=COLORS[3], dashed=True),
        Series("td_loss", errors, own, color=COLORS[0]),
    ]
    told = ", ".join(f"{_loss_at(loss, error):.3f} at an error of {error:g}" for error in (0.5, 1.0, 3.0))
    title = "the loss of one transition"
    return chart(lines, x="error: Q-value minus target", y="loss", title=title, text=f"{title}: {told}")


def _loss_at(loss: Callable[[nn.Module, Batch, Tensor], Tensor], error: float) -> float:
    """Loss of one transition with target 0, from a network that answers with the error."""
    network = nn.Linear(1, 1)
    with torch.no_grad():
        network.weight.zero_()
        network.bias.fill_(error)
    seen = torch.zeros(1, 1)
    batch = Batch(seen, torch.zeros(1, dtype=torch.int64), torch.zeros(1), seen, torch.zeros(1, dtype=torch.bool))
    return float(loss(network, batch, torch.zeros(1)).detach())


def climb(values: Mapping[str, ArrayLike], known: float, title: str) -> Figure:
    """Draw how one Q-value is learned, update by update.

    Args:
        values: name of a line to its values, one for each update.
        known: the true value.
        title: the title.
    """
    lines = [Series(name, np.arange(1, len(np.asarray(line)) + 1), line) for name, line in values.items()]
    what = f"{title}: {', '.join(values)}; the true value is {known:g}"
    return chart(lines, x="updates", y="Q-value", title=title, text=what, levels=(known,))


def probe_values(readings: Mapping[str, Reading], title: str) -> Figure:
    """Draw what was learned on each probe beside the true Q-values.

    Args:
        readings: name of a probe to what was learned on it.
        title: the title.
    """
    places: dict[float, str] = {}
    known: list[tuple[float, float]] = []
    learned: list[tuple[float, float]] = []
    wrong: list[tuple[float, float]] = []
    place = 0.0
    for name, reading in readings.items():
        first = place
        for truth, value in zip(reading.known.ravel(), reading.learned.ravel(), strict=True):
            known.append((place, float(truth)))
            near = abs(value - truth) < TOLERANCE  # False where the value is no number
            (learned if near else wrong).append((place, float(np.clip(np.nan_to_num(value), -3, 5))))
            place += 1
        places[(first + place - 1) / 2] = name
        place += 0.8
    series = [
        _dots("true Q-value", known, "rings", "#888888"),
        _dots("learned", learned, "dots", COLORS[2]),
        _dots("learned, wrong", wrong, "crosses", COLORS[1]),
    ]
    told = ", ".join(f"{name} {'learned' if reading.right else 'wrong'}" for name, reading in readings.items())
    return chart(
        [one for one in series if len(np.asarray(one.x))],
        x="probe, one place for each state and action",
        y="Q-value",
        title=title,
        note=advice(readings),
        text=f"{title}: {told}; {advice(readings)}",
        levels=(0.0,),
        ticks=places,
    )


def _dots(name: str, places: Sequence[tuple[float, float]], kind: Any, color: str) -> Series:
    points: NDArray = np.array(places).reshape(-1, 2)
    return Series(name, points[:, 0], points[:, 1], kind, color)


def returns(run: Run, title: str) -> Figure:
    """Draw the return of every training episode at the step at which it ended, and the mean of the last 20.

    Args:
        run: what training left.
        title: the title.
    """
    mean = [float(np.mean(run.returns[max(0, last - 19) : last + 1])) for last in range(len(run.returns))]
    series = [
        Series("an episode", run.ends, run.returns, "dots", "#88AACC"),
        Series("mean of the last 20", run.ends, mean),
    ]
    what = f"{title}: return of each training episode and the mean of the last 20"
    return chart(series, x="environment steps", y="return", title=title, text=what)


def scores(run: Mapping[int, float], test: Mapping[str, ArrayLike], title: str) -> Figure:
    """Draw validation scores over the steps of a run.

    Args:
        run: environment step to score.
        test: name to the scores of further episodes, drawn as dots behind the last step.
        title: the title.
    """
    steps = np.array(list(run))
    series = [Series("validation", steps, list(run.values()))]
    last = float(steps[-1]) if len(steps) else 0.0
    for place, (name, values) in enumerate(test.items(), start=1):
        at = np.full(len(np.asarray(values)), last * (1 + 0.05 * place))
        series.append(Series(name, at, values, "dots"))
    what = f"{title}: validation scores step by step, then {', '.join(test)}"
    return chart(series, x="environment steps", y="return", title=title, text=what, levels=(500.0,))


def values(curves: Mapping[str, tuple[ArrayLike, ArrayLike]], bound: float, title: str) -> Figure:
    """Draw how large Q-values became in every run, on a logarithmic axis.

    Args:
        curves: name to environment steps, (n,), and one curve a run, (runs, n).
        bound: what no true value can exceed.
        title: the title.
    """
    series, told = [], []
    for place, (name, (steps, runs)) in enumerate(curves.items()):
        array = np.maximum(np.asarray(runs, float), 0.01)  # a logarithm needs a positive number
        ends = array[:, -1]
        for row, run in enumerate(array):
            series.append(Series("" if row else name, steps, run, color=COLORS[place], width=1.2))
        told.append(f"{name} end between {ends.min():,.0f} and {ends.max():,.0f}")
    what = f"{title}: {', '.join(told)}; no true value exceeds {bound:g}"
    y = "best Q-value, mean over 400 states"
    return chart(series, x="environment steps", y=y, title=title, text=what, levels=(bound,), log=True)


def chosen(scores: ArrayLike, fresh: ArrayLike, title: str) -> Figure:
    """Draw, seed by seed, the validation score that chose a checkpoint and its mean return on fresh episodes.

    Args:
        scores: (seeds,).
        fresh: (seeds,).
        title: the title.
    """
    order = np.argsort(np.asarray(fresh))
    places = np.arange(1, len(order) + 1)
    best, judged = np.asarray(scores)[order], np.asarray(fresh)[order]
    dots = [
        Series("validation score", places, best, "rings", "#888888"),
        Series("mean of 20 fresh episodes", places, judged, "dots", COLORS[0]),
    ]
    what = f"{title}: fresh episodes from {judged[0]:.0f} to {judged[-1]:.0f}, mean {judged.mean():.0f}; "
    what += f"the validation scores that chose them have the mean {best.mean():.0f}"
    return chart(dots, x="seeds, sorted by fresh return", y="return", title=title, text=what, levels=(500.0,))


def solved(steps: Sequence[int], total: int, title: str) -> Figure:
    """Draw how many seeds have held the pole to the end in a whole validation, over the steps of their runs.

    Args:
        steps: for each seed the step at which it first did.
        total: steps at which the axis ends.
        title: the title.
    """
    at = sorted(steps)
    x = [0, *(step for step in at for _ in range(2)), total]
    y = [seeds for seeds in range(len(at) + 1) for _ in range(2)]
    what = f"{title}: the first seed after {at[0]:,} steps, the last after {at[-1]:,}"
    return chart([Series("", x, y)], x="environment steps", y="seeds", title=title, text=what)
