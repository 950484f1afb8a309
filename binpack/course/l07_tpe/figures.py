"""Lesson 07: figures of one step of a search, in panels above each other, and films of many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.course.charts import Series
from binpack.course.l07_tpe import process, tpe
from binpack.course.l07_tpe.line import NAME, TICKS, Line, rate
from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.style import COLORS, PALETTE

_BLUE, _RED, _GREEN, _GREY = COLORS[0], COLORS[1], COLORS[2], COLORS[6]
_MARKS = {"dots": ("circle", "o"), "rings": ("circle-open", "o"), "crosses": ("x", "x")}


@dataclass(frozen=True)
class Panel:
    """One of several axes above each other.

    Attributes:
        y: what runs up.
        series: lines and marks, the first one lowest; each with a colour.
        limits: of the y axis.
        band: a lower and an upper edge over the places of the line, drawn under everything, or None.
        height: share of the figure's height, in any unit.
        here: places at which a thin vertical line stands.
    """

    y: str
    series: Sequence[Series]
    limits: tuple[float, float]
    band: tuple[NDArray, NDArray, NDArray] | None = None
    height: float = 1.0
    here: Sequence[float] = field(default=())


def panels(
    drawn: Sequence[Panel],
    *,
    text: str,
    x: str,
    title: str = "",
    ticks: Mapping[float, str] | None = None,
    legend: bool = True,
) -> Figure:
    """Draw panels above each other that share the x axis, which runs from 0 to 1.

    Args:
        drawn: the panels, from above.
        text: what the figure says, in one line.
        x: what the x axis counts.
        title: the title; empty in a film.
        ticks: place on the x axis to the word there; None: the learning rate's.
        legend: whether the still form has one; frames of a film are too small for it.
    """
    words = TICKS if ticks is None else ticks
    return Figure(_plotly(drawn, x, title, words), _still(drawn, x, title, words, legend), text)


def _plotly(drawn: Sequence[Panel], x: str, title: str, ticks: Mapping[float, str]) -> Any:
    from plotly.subplots import make_subplots

    heights = [each.height for each in drawn]
    plot = make_subplots(len(drawn), 1, shared_xaxes=True, vertical_spacing=0.05, row_heights=heights)
    named: set[str] = set()
    for row, panel in enumerate(drawn, start=1):
        place = {"row": row, "col": 1}
        if panel.band is not None:
            places, low, high = panel.band
            edges = {"x": np.concatenate([places, places[::-1]]), "y": np.concatenate([high, low[::-1]])}
            fill = {"fill": "toself", "fillcolor": PALETTE[0], "opacity": 0.35, "line": {"width": 0}, "mode": "lines"}
            plot.add_scatter(**edges, **fill, showlegend=False, hoverinfo="skip", **place)
        for at in panel.here:
            line = {"color": _GREY, "width": 1, "dash": "dot"}
            y = list(panel.limits)
            plot.add_scatter(x=[at, at], y=y, mode="lines", line=line, showlegend=False, hoverinfo="skip", **place)
        for one in panel.series:
            style: dict[str, Any]
            if one.kind == "line":
                dash = "dash" if one.dashed else "solid"
                style = {"mode": "lines", "line": {"color": one.color, "width": one.width, "dash": dash}}
            else:
                mark = {"color": one.color, "size": 8, "symbol": _MARKS[one.kind][0]}
                style = {"mode": "markers", "marker": mark}
            shown = bool(one.name) and one.name not in named
            named.add(one.name)
            plot.add_scatter(x=one.x, y=one.y, name=one.name, showlegend=shown, **style, **place)
        plot.update_yaxes(title=panel.y, range=list(panel.limits), nticks=5, **place)
    plain_layout(plot, title, 130 + 190 * len(drawn))
    plot.update_xaxes(tickvals=list(ticks), ticktext=list(ticks.values()), range=[-0.02, 1.02])
    return plot.update_xaxes(title=x, row=len(drawn), col=1)


def _still(drawn: Sequence[Panel], x: str, title: str, ticks: Mapping[float, str], legend: bool) -> Any:
    still = new_still(6.4 if legend else 4.4, 0.7 + 1.45 * sum(each.height for each in drawn))
    axes = still.subplots(
        len(drawn), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": [each.height for each in drawn]}
    )[:, 0]
    handles: dict[str, Any] = {}
    for each, panel in zip(axes, drawn, strict=True):
        if panel.band is not None:
            each.fill_between(*panel.band, color=PALETTE[0], alpha=0.35, linewidth=0)
        for at in panel.here:
            each.axvline(at, color=_GREY, linewidth=1, linestyle=":")
        for one in panel.series:
            if one.kind == "line":
                style = {"linestyle": "--" if one.dashed else "-", "linewidth": one.width}
            else:
                style = {"linestyle": "none", "marker": _MARKS[one.kind][1], "markersize": 6}
                style |= {"markerfacecolor": "none"} if one.kind == "rings" else {}
            (made,) = each.plot(one.x, one.y, color=one.color, **style)
            if one.name:
                handles.setdefault(one.name, made)
        each.set_ylim(*panel.limits)
        each.set_ylabel(panel.y)
        each.spines[["top", "right"]].set_visible(False)
        each.grid(axis="y", alpha=0.3)
    axes[-1].set_xlim(-0.02, 1.02)
    axes[-1].set_xticks(list(ticks), list(ticks.values()))
    axes[-1].set_xlabel(x)
    if title:
        axes[0].set_title(title, loc="left", fontsize=12)
    if legend:
        still.legend(handles.values(), handles.keys(), frameon=False, loc="outside right center", fontsize=9)
    return still


def _limits(line: Line) -> tuple[float, float]:
    """Leave room for the noise of scores around what is true."""
    room = 3.5 * float(line.spreads.max())
    return max(0.0, float(line.means.min()) - room), min(1.0, float(line.means.max()) + room)


def _places(places: NDArray) -> str:
    return ", ".join(f"{rate(place):.2g}" for place in places)


def truth(line: Line, places: NDArray, scores: NDArray) -> Figure:
    """Draw what is true along the line, and some noisy scores.

    Args:
        line: the problem.
        places: of the scores, (n,).
        scores: (n,).
    """
    best = int(np.argmax(line.means))
    text = (
        f"worth along the {NAME}: {line.means[0]:.3f} at {rate(0.0):g}, highest {line.means[best]:.3f} at "
        f"{rate(line.at[best]):.2g}, {line.means[-1]:.3f} at {rate(1.0):g}; a single run is off by {line.noise:.3f}"
    )
    band = line.at, line.means - line.spreads, line.means + line.spreads
    series = [
        Series("worth", line.at, line.means.round(4), color=_GREY, dashed=True),
        Series("runs", places, scores.round(4), "dots", color=_BLUE),
    ]
    panel = Panel("utilization", series, _limits(line), band, 1.6)
    return panels([panel], text=text, x=NAME, title="one hyperparameter, all else at its default")


def process_step(line: Line, step: process.Step, highest: float) -> Figure:
    """Draw a Gaussian process above the expected improvement.

    Args:
        line: the problem, whose truth is drawn dashed.
        step: what is drawn.
        highest: upper end of the lower panel.
    """
    mean, sd = step.model.mean, step.model.sd
    text = (
        f"{len(step.places)} trials; the model's highest mean among them is {step.best:.3f}; the expected improvement "
        f"is highest, {step.improvement.max():.4f}, at {rate(step.chosen):.2g}"
    )
    low, high = _limits(line)
    band = line.at, np.clip(mean - 2 * sd, low, high), np.clip(mean + 2 * sd, low, high)
    above = [
        Series("worth", line.at, line.means.round(4), color=_GREY, dashed=True),
        Series("mean of the model", line.at, np.clip(mean, low, high).round(4), color=_BLUE),
        Series("trials", step.places, step.scores.round(4), "dots", color=_RED),
    ]
    below = [Series("expected improvement", line.at, step.improvement.round(5), color=_GREEN)]
    here = (step.chosen,)
    drawn = [
        Panel("utilization", above, (low, high), band, 1.5, here),
        Panel("improvement", below, (0.0, 1.05 * highest), None, 0.8, here),
    ]
    return panels(drawn, text=text, x=NAME, legend=False)


def process_film(line: Line, steps: Sequence[process.Step]) -> dict[str, Figure]:
    """Draw the frames of a film of a Gaussian process.

    Args:
        line: the problem.
        steps: of the search.

    Returns:
        Name of each frame to its figure.
    """
    highest = max(float(step.improvement.max()) for step in steps)
    return {f"{len(step.places)} trials": process_step(line, step, highest) for step in steps}


def parzen_step(
    line: Line, places: NDArray, scores: NDArray, said: tpe.Suggestion, parts: tpe.Parts, limits: tuple[float, float]
) -> Figure:
    """Draw good and bad trials, the two densities, and their ratio with the candidates.

    Args:
        line: the problem.
        places: of the trials so far, (n,).
        scores: of these, (n,).
        said: what the model says of them.
        parts: the learner's functions; `mixture_density` is used.
        limits: upper ends of the two lower panels.
    """
    heights = [
        parts.mixture_density(line.at, each.centres, each.widths, each.weights) for each in (said.of_good, said.of_bad)
    ]
    ratio = heights[0] / heights[1]
    at = np.interp(said.candidates, line.at, ratio)
    text = (
        f"{len(places)} trials, good are {_places(np.sort(places[said.good]))}; of {len(said.candidates)} candidates "
        f"{rate(said.chosen):.2g} has the highest ratio"
    )
    above = [
        Series("worth", line.at, line.means.round(4), color=_GREY, dashed=True),
        Series("good trials", places[said.good], scores[said.good].round(4), "dots", color=_GREEN),
        Series("other trials", places[said.bad], scores[said.bad].round(4), "dots", color=_RED),
    ]
    middle = [
        Series("density of the good", line.at, heights[0].round(4), color=_GREEN),
        Series("density of the others", line.at, heights[1].round(4), color=_RED),
    ]
    below = [
        Series("their ratio", line.at, ratio.round(4), color=_BLUE),
        Series("candidates", said.candidates, at.round(4), "rings", color=_BLUE),
    ]
    here = (said.chosen,)
    drawn = [
        Panel("utilization", above, _limits(line), None, 1.2, here),
        Panel("density", middle, (0.0, limits[0]), None, 0.9, here),
        Panel("ratio", below, (0.0, limits[1]), None, 0.9, here),
    ]
    return panels(drawn, text=text, x=NAME, legend=False)


def parzen_film(
    line: Line, places: NDArray, scores: NDArray, counts: Sequence[int], parts: tpe.Parts, rng: np.random.Generator
) -> dict[str, Figure]:
    """Draw what the model says after some numbers of trials.

    Args:
        line: the problem.
        places: of all trials, (n,).
        scores: of these, (n,).
        counts: numbers of trials at which to look.
        parts: the learner's functions.
        rng: draws the candidates.

    Returns:
        Name of each frame to its figure.
    """
    said = {count: tpe.suggest(places[:count], scores[:count], parts, rng) for count in counts}
    tops = []
    for each in said.values():
        good, bad = (
            parts.mixture_density(line.at, one.centres, one.widths, one.weights) for one in (each.of_good, each.of_bad)
        )
        tops.append((max(good.max(), bad.max()), (good / bad).max()))
    limits = 1.05 * max(top for top, _ in tops), 1.05 * max(top for _, top in tops)
    return {
        f"{count} trials": parzen_step(line, places[:count], scores[:count], each, parts, limits)
        for count, each in said.items()
    }


def density(places: NDArray, made: tpe.Mixture, mixture_density: Callable[..., NDArray]) -> Figure:
    """Draw a density and the bumps that it is the sum of.

    Args:
        places: of the trials under it, (n,).
        made: the bumps.
        mixture_density: the learner's.
    """
    at = np.linspace(0, 1, 201)
    bumps = [
        weight * mixture_density(at, made.centres[[k]], made.widths[[k]], np.ones(1))
        for k, weight in enumerate(made.weights)
    ]
    whole = mixture_density(at, made.centres, made.widths, made.weights)
    series = [
        *(
            Series("bump of a trial" if k == 0 else "", at, each.round(4), color=_GREY, width=1.2)
            for k, each in enumerate(bumps[:-1])
        ),
        Series("bump of the prior", at, bumps[-1].round(4), color=_GREY, width=1.2, dashed=True),
        Series("their sum", at, whole.round(4), color=_BLUE),
        Series("trials", places, np.zeros(len(places)), "crosses", color=_RED),
    ]
    top = 1.08 * float(whole.max())
    text = (
        f"{len(places)} trials at {', '.join(f'{place:.2g}' for place in places)} with widths "
        f"{', '.join(f'{width:.2g}' for width in made.widths[:-1])}: the density is highest, {whole.max():.2f}, at "
        f"{at[int(np.argmax(whole))]:.2f}, and {whole.mean():.2f} on average"
    )
    panel = Panel("density", series, (-0.03 * top, top), None, 1.6)
    return panels(
        [panel],
        text=text,
        x="place on the scale",
        title="a density of bumps",
        ticks={k / 4: f"{k / 4:g}" for k in range(5)},
    )
