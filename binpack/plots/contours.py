"""The contour of a study: its score over each pair of parameters, the same field in both forms.

Optuna interpolates on a grid of the trials' own places in one form and on an even grid in the other: they show stripes
where the other shows regions. Here one field is drawn twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial

from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.style import BLUES, INK, stops
from binpack.plots.trials import SCORE, Target, complete_trials, count, parameters, value
from binpack.text import hypertext, terminal

_POINTS = 48  # of the grid, along a parameter that is a number
_SOFT = 0.05  # of an axis; trials that are nearer have nearly equal weights, or close ones would make stripes
_LEVELS = 12  # lines of equal score, at most


@dataclass(frozen=True)
class _Axis:
    """A parameter as an axis.

    Attributes:
        name: of the parameter.
        log: whether its scale is logarithmic.
        categories: its values by name where it is no number, else none.
        at: where each trial lies on the axis; NaN where the trial has no such parameter.
        grid: where the field is computed, ascending.
    """

    name: str
    log: bool
    categories: list[str]
    at: NDArray[np.float64]
    grid: NDArray[np.float64]

    def distances(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far places (n,) are from each point of the grid, (points, n): 1 from end to end.

        Any two categories are as far from each other.
        """
        if self.categories:
            return (np.round(self.grid)[:, None] != places).astype(float)
        grid, at = (np.log(self.grid), np.log(places)) if self.log else (self.grid, places)
        return np.abs(grid[:, None] - at) / np.ptp(grid)

    @property
    def ends(self) -> tuple[float, float]:
        """The two ends of the axis."""
        return float(self.grid[0]), float(self.grid[-1])


@dataclass(frozen=True)
class _Panel:
    """One pair of parameters.

    Attributes:
        x: the parameter below the panel.
        y: the parameter on its left.
        places: of the trials that have both, (n, 2).
        field: the score over the grid, (points of y, points of x).
    """

    x: _Axis
    y: _Axis
    places: NDArray[np.float64]
    field: NDArray[np.float64]


def contour(
    study: Study, params: Sequence[str] | None = None, *, target: Target | None = None, target_name: str = SCORE
) -> Figure:
    """Draw the score over each pair of parameters; the darker, the better.

    The colour between trials is interpolated: a mean of all trials, weighted by the third power of how near they are
    (Shepard, 1968), those within a twentieth of an axis nearly alike. An island around one dot says no more than its
    trial.

    Args:
        study: a study with at least one complete trial.
        params: two parameters or more; all where they are left out.
        target: what to draw of a trial; its value where it is left out. High values of a target are dark.
        target_name: what to call it.

    Raises:
        ValueError: no complete trial, an unknown parameter, or fewer than two.
    """
    trials = complete_trials(study, target)
    chosen = parameters(trials, params, at_least=2)
    scores = np.array([value(trial, target) for trial in trials])
    axes = {name: _axis(name, trials) for name in chosen}
    # below the diagonal: what is above it would be the same, turned
    panels = {
        (row, column): _panel(axes[below], axes[left], scores)
        for row, left in enumerate(chosen[1:])
        for column, below in enumerate(chosen[: row + 1])
    }
    levels = _levels(scores)
    low_is_good = target is None and study.direction == StudyDirection.MINIMIZE
    scale = BLUES[::-1] if low_is_good else BLUES
    size = len(chosen) - 1
    text = terminal(f"contour: {' x '.join(chosen)}, {count(len(trials))}")
    return Figure(
        _plotly(panels, size, levels, scale, target_name), _still(panels, size, levels, scale, target_name), text
    )


def _axis(name: str, trials: Sequence[FrozenTrial]) -> _Axis:
    kinds = [trial.distributions[name] for trial in trials if name in trial.params]
    if any(isinstance(kind, CategoricalDistribution) for kind in kinds):
        return _categories(name, trials)
    values = [trial.params.get(name) for trial in trials]
    at = np.array([np.nan if one is None else float(one) for one in values])
    log = any(getattr(kind, "log", False) for kind in kinds)
    ends = np.array([np.nanmin(at), np.nanmax(at)])
    ends = np.log(ends) if log else ends
    margin = 0.05 * np.ptp(ends) or 0.5
    grid = np.linspace(ends[0] - margin, ends[1] + margin, _POINTS)
    return _Axis(name, log, [], at, np.exp(grid) if log else grid)


def _categories(name: str, trials: Sequence[FrozenTrial]) -> _Axis:
    found = {trial.params[name] for trial in trials if name in trial.params}
    numeric = all(isinstance(one, int | float) for one in found)
    order = {one: float(number) for number, one in enumerate(sorted(found, key=None if numeric else str))}
    at = np.array([order[trial.params[name]] if name in trial.params else np.nan for trial in trials])
    # each category is a band of its own: between two of them there is nothing
    grid = np.concatenate([(number - 0.49, number + 0.49) for number in order.values()])
    return _Axis(name, False, [str(one) for one in order], at, grid)


def _panel(x: _Axis, y: _Axis, scores: NDArray[np.float64]) -> _Panel:
    both = np.isfinite(x.at) & np.isfinite(y.at)
    places = np.stack([x.at[both], y.at[both]], axis=1)
    across, upwards = x.distances(places[:, 0]), y.distances(places[:, 1])
    squares = upwards[:, None] ** 2 + across[None] ** 2
    nearness = (squares + _SOFT**2) ** -1.5
    return _Panel(x, y, places, nearness @ scores[both] / nearness.sum(axis=-1))


def _levels(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return evenly spaced round values from below the lowest score to above the highest."""
    from matplotlib.ticker import MaxNLocator

    low, high = float(scores.min()), float(scores.max())
    return np.asarray(MaxNLocator(_LEVELS, min_n_ticks=4).tick_values(low, high if high > low else low + 1.0))


def _plotly(
    panels: dict[tuple[int, int], _Panel], size: int, levels: NDArray, scale: Sequence[str], target_name: str
) -> Any:
    from plotly import graph_objects as go
    from plotly.subplots import make_subplots

    plot = make_subplots(size, size, horizontal_spacing=0.03, vertical_spacing=0.03)
    most = 5 if size < 4 else 3
    for number, ((row, column), panel) in enumerate(panels.items()):
        place = {"row": row + 1, "col": column + 1}
        heat = go.Contour(
            x=panel.x.grid,
            y=panel.y.grid,
            z=panel.field.round(5),
            # plotly adds a band at each end, and matplotlib draws none but those between two levels
            contours={"start": levels[1], "end": levels[-2], "size": levels[1] - levels[0], "coloring": "fill"},
            colorscale=stops(scale),
            line={"color": INK, "width": 0.5},
            showscale=number == 0,
            colorbar={"title": {"text": hypertext(target_name), "side": "right"}, "thickness": 16, "outlinewidth": 0},
            hovertemplate=f"{_own(panel.x.name)} %{{x}}<br>{_own(panel.y.name)} %{{y}}<br>"
            f"{_own(target_name)} %{{z:.3f}}<extra></extra>",
        )
        plot.add_trace(heat, **place)
        dots = {"color": INK, "size": 5, "line": {"color": "white", "width": 1}}
        plot.add_scatter(
            x=panel.places[:, 0], y=panel.places[:, 1], mode="markers", marker=dots, hoverinfo="skip", **place
        )
        last, first = row == size - 1, column == 0
        below, beside = (hypertext(axis.name) for axis in (panel.x, panel.y))
        plot.update_xaxes(title=below if last else None, showticklabels=last, **_ticks(panel.x, most), **place)
        plot.update_yaxes(title=beside if first else None, showticklabels=first, **_ticks(panel.y, most), **place)
    plain_layout(plot, "contour", 460 if size == 1 else 140 + 180 * size, showlegend=False)
    small = {"showgrid": False, "zeroline": False, "tickfont": {"size": 12 if size == 1 else 10}}
    return plot.update_xaxes(**small).update_yaxes(**small)


def _own(name: str) -> str:
    """Return a name for plotly's templates, in which `%` begins a value."""
    return hypertext(name).replace("%", "&#37;")


def _ticks(axis: _Axis, most: int) -> dict[str, Any]:
    """Return how plotly shows an axis."""
    if axis.categories:
        shown = [hypertext(choice) for choice in axis.categories]
        return {"tickvals": list(range(len(shown))), "ticktext": shown, "range": axis.ends}
    if axis.log:
        decades = np.log10(axis.ends)
        # one power of ten in sight would not say where it lies: then 1, 2 and 5
        return {"type": "log", "range": decades, "dtick": 1 if np.ptp(decades) >= 2 else "D2"}
    return {"range": axis.ends, "nticks": most}


def _still(
    panels: dict[tuple[int, int], _Panel], size: int, levels: NDArray, scale: Sequence[str], target_name: str
) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    still = new_still(6.5, 4.4) if size == 1 else new_still(min(2.6 * size + 1.6, 8.8), min(2.3 * size + 0.8, 8.0))
    still.suptitle("contour", x=0.02, ha="left", fontsize=12)
    grid = still.subplots(size, size, squeeze=False)
    colors = LinearSegmentedColormap.from_list("scores", scale)
    ends = levels[:2].mean(), levels[-2:].mean()  # the middle of the first and of the last band
    for place, axes in np.ndenumerate(grid):
        if place not in panels:
            axes.set_axis_off()
            continue
        panel = panels[place]
        field = axes.contourf(panel.x.grid, panel.y.grid, panel.field, levels, cmap=colors, vmin=ends[0], vmax=ends[1])
        axes.contour(panel.x.grid, panel.y.grid, panel.field, levels, colors=INK, linewidths=0.4)
        axes.plot(
            *panel.places.T,
            "o",
            color=INK,
            markersize=4 if size == 1 else 3,
            markeredgecolor="white",
            markeredgewidth=0.7,
        )
        last, first = place[0] == size - 1, place[1] == 0
        _show_axis(axes, axes.xaxis, panel.x, last, most=5 if size < 4 else 2)
        _show_axis(axes, axes.yaxis, panel.y, first, most=5 if size < 4 else 3)
        axes.tick_params(labelsize=9 if size == 1 else 8, labelcolor=INK)
        axes.spines[:].set_visible(False)
    bar = still.colorbar(field, ax=grid, label=target_name, shrink=0.95)
    bar.outline.set_visible(False)
    return still


def _show_axis(axes: Any, side: Any, axis: _Axis, named: bool, most: int) -> None:
    """Set up one side of a matplotlib panel."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    letter = side.axis_name
    getattr(axes, f"set_{letter}scale")("log" if axis.log else "linear")
    getattr(axes, f"set_{letter}lim")(axis.ends)
    if axis.categories:
        side.set_ticks(range(len(axis.categories)), list(map(terminal, axis.categories)))
    elif axis.log:
        side.set_minor_formatter(NullFormatter())
        if np.ptp(np.log10(axis.ends)) < 2:
            side.set_major_locator(LogLocator(subs=(1, 2, 5)))
            side.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
    else:
        axes.locator_params(axis=letter, nbins=most)
    side.set_tick_params(**{"labelbottom" if letter == "x" else "labelleft": named})
    if named:
        side.set_label_text(axis.name, color=INK)
