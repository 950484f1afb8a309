"""Figures of an Optuna study, each from one call: optuna's plots, interactive and still, and what they say in a line.

Optuna draws the still forms through pyplot and switches its style for the whole process; here both are put back.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.distributions import IntDistribution
from optuna.importance import BaseImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState

from binpack.files import InputError
from binpack.plots.figure import Figure, plain_layout
from binpack.plots.style import COLORS, INK
from binpack.plots.trials import SCORE, Target, complete_trials, count, parameters, value
from binpack.text import terminal

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure
    from optuna.study import Study

FEW_TRIALS = 50
_EVALUATORS = {
    "PedAnovaImportanceEvaluator": "PED-ANOVA",
    "FanovaImportanceEvaluator": "fANOVA",
    "MeanDecreaseImpurityImportanceEvaluator": "mean decrease in impurity",
}
_STATES = {"COMPLETE": COLORS[0], "PRUNED": COLORS[3], "FAIL": COLORS[1], "RUNNING": COLORS[2], "WAITING": COLORS[6]}
_LABELS = {"tpe": "TPE", "cmaes": "CMA-ES", "gp": "GP"}


def history(study: Study, *, target: Target | None = None, target_name: str = SCORE) -> Figure:
    """Draw the score of every trial and the best so far.

    Args:
        study: a study with at least one complete trial.
        target: what to draw of a trial; its value where it is left out.
        target_name: what to call it.

    Raises:
        ValueError: the study has no complete trial, or several objectives and no target.
    """
    trials = complete_trials(study, target)
    asked = {"target": target, "target_name": target_name}
    text = f"history: {count(len(trials))}"
    if target is None:
        text += f", best {target_name} {study.best_value:.3f} at trial {study.best_trial.number}"
    plot = optuna.visualization.plot_optimization_history(study, **asked)
    still = _still(lambda v: v.plot_optimization_history(study, **asked), 7.5, 3.8, "history", legend_outside=True)
    _recolor(still)
    return Figure(plain_layout(plot, "history", 420), still, text)


def importance(
    study: Study,
    params: Sequence[str] | None = None,
    *,
    evaluator: BaseImportanceEvaluator | None = None,
    target: Target | None = None,
    target_name: str = SCORE,
    lower_is_better: bool = False,
) -> Figure:
    """Draw how much of the score's variation each parameter accounts for.

    Importance means something on trials drawn at random: trials that a sampler chose crowd where it looked. Trials that
    somebody enqueued are left out. The text and the title name the evaluator, the number of trials and where they come
    from, and warn under 50 trials.

    Args:
        study: a study with at least 2 complete trials whose values differ.
        params: the parameters to compare; all where they are left out.
        evaluator: PED-ANOVA (Watanabe et al. 2023), Optuna's default, where it is left out.
        target: what to explain of a trial; its value where it is left out.
        target_name: what to call it.
        lower_is_better: whether low values of a target are the good ones; without a target the study knows.

    Raises:
        ValueError: too few trials, values that are all equal, or an unknown parameter.
    """
    drawn = _without_enqueued(study)
    ended, trials = complete_trials(study, target, at_least=2), complete_trials(drawn, target, at_least=0)
    if len(trials) < 2:
        raise InputError(
            f"importance needs at least 2 completed trials that the search chose; of the study's {len(ended)} it chose "
            f"{len(trials)}, the others were put in, as the default is"
        )
    chosen = parameters(trials, params)
    if len({value(trial, target) for trial in trials}) < 2:
        raise InputError("importance needs trials whose values differ, and they are all equal")
    evaluator = _Once(evaluator or optuna.importance.PedAnovaImportanceEvaluator())
    explained = target
    if target is not None and not lower_is_better:
        explained = _negated(target)  # PED-ANOVA asks what makes a target low; to the others the sign is all one
    asked = {"evaluator": evaluator, "params": chosen, "target": explained, "target_name": target_name}
    with _quiet():
        shares = optuna.importance.get_param_importances(drawn, evaluator=evaluator, params=chosen, target=explained)
        plot = optuna.visualization.plot_param_importances(drawn, **asked)
    # rounded before sorting, so that rounding errors do not decide between equals
    ranking = sorted(shares, key=lambda name: (-round(shares[name], 6), name))
    label = _EVALUATORS.get(evaluator.name, evaluator.name)
    heading = f"importance ({label}, n={len(trials)}{_origin(study)})"
    warning = f"; fewer than {FEW_TRIALS} trials, so the order may be chance" if len(trials) < FEW_TRIALS else ""
    height = 180 + 34 * len(chosen)
    plain_layout(plot, f"{heading}<br><sup>{warning.strip('; ') or 'share of variation'}</sup>", height)
    title = f"{heading}\n{warning.strip('; ') or 'share of variation'}"
    still = _still(
        lambda v: v.plot_param_importances(drawn, **asked), 7.5, 1.8 + 0.34 * len(chosen), title, legend=False
    )
    _mend_bars(still)
    return Figure(plot, still, terminal(f"{heading}: {', '.join(ranking)}{warning}"))


def slice_(
    study: Study, params: Sequence[str] | None = None, *, target: Target | None = None, target_name: str = SCORE
) -> Figure:
    """Draw the score over each parameter alone, the colour telling when a trial ran.

    Args:
        study: a study with at least one complete trial.
        params: the parameters; all where they are left out.
        target: what to draw of a trial; its value where it is left out.
        target_name: what to call it.

    Raises:
        ValueError: no complete trial or an unknown parameter.
    """
    trials = complete_trials(study, target)
    chosen = parameters(trials, params)
    asked = {"params": chosen, "target": target, "target_name": target_name}
    plot = plain_layout(optuna.visualization.plot_slice(study, **asked), "slice", 420)
    plot.update_xaxes(tickangle=0, nticks=4, tickfont={"size": 10})
    still = _still(lambda v: v.plot_slice(study, **asked), 2.6 * max(len(chosen), 2) + 1, 3.6, "slice")
    for axes in still.axes:
        if axes.get_xlabel() in chosen and axes.xaxis.have_units():  # room beside the first and the last category
            axes.set_xlim(-0.4, len(axes.get_xticks()) - 0.6)
    return Figure(plot, still, terminal(f"slice: {', '.join(chosen)}, {count(len(trials))}"))


def parallel_coordinate(
    study: Study, params: Sequence[str] | None = None, *, target: Target | None = None, target_name: str = SCORE
) -> Figure:
    """Draw each trial as a line through its score and its parameters.

    Args:
        study: a study with at least one complete trial.
        params: the parameters; all where they are left out.
        target: what to draw of a trial; its value where it is left out.
        target_name: what to call it.

    Raises:
        ValueError: no complete trial or an unknown parameter.
    """
    trials = complete_trials(study, target)
    chosen = parameters(trials, params)
    asked = {"params": chosen, "target": target, "target_name": target_name}
    plot = plain_layout(optuna.visualization.plot_parallel_coordinate(study, **asked), "parallel coordinates", 460)
    plot.update_layout(margin={"t": 60, "b": 50})
    _mend_lines(plot)
    _mend_integers(plot, trials, chosen)
    _mend_notes(plot)
    width = 1.5 * (len(chosen) + 1) + 2.5
    still = _still(lambda v: v.plot_parallel_coordinate(study, **asked), width, 4.2, "parallel coordinates")
    _mend_parallel(still)
    return Figure(plot, still, terminal(f"parallel coordinates: {', '.join(chosen)}, {count(len(trials))}"))


def edf(studies: Study | Sequence[Study], *, target: Target | None = None, target_name: str = SCORE) -> Figure:
    """Draw which share of the trials scored at most so much, a line for each study.

    Args:
        studies: one study or several, each with at least one complete trial.
        target: what to draw of a trial; its value where it is left out.
        target_name: what to call it.

    Raises:
        ValueError: a study has no complete trial.
    """
    several = [studies] if isinstance(studies, optuna.Study) else list(studies)
    counts = [f"{study.study_name} {count(len(complete_trials(study, target)))}" for study in several]
    asked = {"target": target, "target_name": target_name}
    plot = plain_layout(optuna.visualization.plot_edf(several, **asked), "distribution of scores", 420)
    still = _still(lambda v: v.plot_edf(several, **asked), 7.0, 3.8, "distribution of scores", legend_outside=True)
    _recolor(still)
    return Figure(plot, still, terminal(f"distribution of {target_name}: {', '.join(counts)}"))


def intermediate_values(study: Study) -> Figure:
    """Draw what each trial reported as it ran, so what a pruner sees.

    Args:
        study: a study some of whose trials reported intermediate values.

    Raises:
        ValueError: no trial reported any.
    """
    reported = [trial for trial in study.get_trials(deepcopy=False) if trial.intermediate_values]
    if not reported:
        raise InputError("no trial of this study reported intermediate values")
    pruned = sum(trial.state == TrialState.PRUNED for trial in reported)
    plot = plain_layout(optuna.visualization.plot_intermediate_values(study), "intermediate values", 420)
    few = len(reported) <= 15
    plot.update_layout(showlegend=few)
    still = _still(
        lambda v: v.plot_intermediate_values(study), 7.5, 4.0, "intermediate values", legend=few, legend_outside=few
    )
    _recolor(still)
    return Figure(plot, still, terminal(f"intermediate values: {count(len(reported))}, {pruned} pruned"))


def timeline(study: Study) -> Figure:
    """Draw when each trial started and ended, and how it ended.

    Args:
        study: a study with at least one trial that has started.

    Raises:
        ValueError: no trial has started.
    """
    trials = [trial for trial in study.get_trials(deepcopy=False) if trial.datetime_start is not None]
    if not trials:
        raise InputError("no trial of this study has started")
    states = [f"{n} {s.name.lower()}" for s in TrialState if (n := sum(trial.state == s for trial in trials))]
    plot = plain_layout(optuna.visualization.plot_timeline(study), "timeline", 420)
    for bars in plot.data:
        bars.marker.color = _STATES.get(bars.name, INK)
    still = _still(lambda v: v.plot_timeline(study), 7.5, 4.0, "timeline", legend_outside=True)
    _mend_timeline(still)
    return Figure(plot, still, terminal(f"timeline: {', '.join(states)}"))


def rank(
    study: Study, params: Sequence[str] | None = None, *, target: Target | None = None, target_name: str = SCORE
) -> Figure:
    """Draw the trials over each pair of parameters, coloured by rank.

    Args:
        study: a study with at least one complete trial.
        params: two parameters or more; all where they are left out.
        target: what to rank trials by; their value where it is left out.
        target_name: what to call it.

    Raises:
        ValueError: no complete trial, an unknown parameter, or fewer than two.
    """
    trials = complete_trials(study, target)
    chosen = parameters(trials, params, at_least=2)
    asked = {"params": chosen, "target": target, "target_name": target_name}
    many = len(chosen) > 2
    with _quiet():
        plot = optuna.visualization.plot_rank(study, **asked)
    plain_layout(plot, "rank", 200 + 170 * len(chosen) if many else 460)
    side = 2.6 * len(chosen) if many else 0
    still = _still(lambda v: v.plot_rank(study, **asked), side + 1.6 if many else 6.5, side or 4.4, "rank", grid=many)
    return Figure(plot, still, terminal(f"rank: {' x '.join(chosen)}, {count(len(trials))}"))


def pareto_front(study: Study, target_names: Sequence[str] | None = None) -> Figure:
    """Draw the trials of a study with two objectives and those that no other trial beats in both.

    Args:
        study: a study with two objectives and at least one complete trial.
        target_names: what to call the objectives.

    Raises:
        ValueError: the study has another number of objectives, or no complete trial.
    """
    if len(study.directions) != 2:
        raise InputError(f"a Pareto front is drawn of 2 objectives, this study has {len(study.directions)}")
    trials = complete_trials(study, lambda trial: trial.values[0])
    names = list(target_names) if target_names else study.metric_names
    plot = plain_layout(optuna.visualization.plot_pareto_front(study, target_names=names), "Pareto front", 440)
    *others, front = plot.data
    for dots, color, name in (*((one, COLORS[0], "Trial") for one in others), (front, COLORS[1], "Best Trial")):
        dots.update(marker={"color": color, "size": 8, "line": None, "showscale": False}, name=name, showlegend=True)
    still = _still(
        lambda v: v.plot_pareto_front(study, target_names=names), 7.0, 4.2, "Pareto front", legend_outside=True
    )
    _recolor(still)
    return Figure(plot, still, terminal(f"Pareto front: {len(study.best_trials)} of {count(len(trials))}"))


def hypervolume(study: Study, reference: Sequence[float]) -> Figure:
    """Draw how much of the space of objectives is covered after each trial: what a Pareto front has gained.

    Args:
        study: a study with two objectives or more and at least one complete trial.
        reference: a value for each objective, worse than what counts; a trial that is not better in all of them covers
            nothing.

    Raises:
        ValueError: the study has one objective, another number of them than the reference, or no complete trial.
    """
    if len(study.directions) < 2:
        raise InputError("a hypervolume is drawn of 2 objectives or more, this study has 1")
    if len(reference) != len(study.directions):
        raise InputError(
            f"the reference has {len(reference)} values, and the study has {len(study.directions)} objectives"
        )
    trials = complete_trials(study, lambda trial: trial.values[0])
    with _quiet():
        plot = optuna.visualization.plot_hypervolume_history(study, list(reference))
    covered = plot.data[0].y[-1]
    plain_layout(plot, "hypervolume", 420)
    still = _still(lambda v: v.plot_hypervolume_history(study, list(reference)), 7.5, 3.8, "hypervolume")
    _recolor(still)
    return Figure(plot, still, f"hypervolume: {count(len(trials))}, {covered:.4g} at the end")


# ------------------------------------------------------------------------------------------------- reading a study


class _Once(BaseImportanceEvaluator):
    """An evaluator that evaluates once: the text and both forms of a figure say the same, and a forest grows slowly."""

    def __init__(self, evaluator: BaseImportanceEvaluator) -> None:
        self._evaluator = evaluator
        self._found: dict[str, float] | None = None
        self.name = type(evaluator).__name__

    def evaluate(self, study: Study, params: Any = None, *, target: Any = None) -> dict[str, float]:
        if self._found is None:
            self._found = self._evaluator.evaluate(study, params, target=target)
        return dict(self._found)


def _negated(target: Target) -> Target:
    return lambda trial: -target(trial)


def _without_enqueued(study: Study) -> Study:
    """The study without trials whose parameters somebody fixed; the study itself where there are none."""
    trials = study.get_trials(deepcopy=False)
    kept = [trial for trial in trials if "fixed_params" not in trial.system_attrs]
    if len(kept) == len(trials):
        return study
    copy = optuna.create_study(directions=study.directions, study_name=study.study_name)
    copy.add_trials(kept)
    return copy


def _origin(study: Study) -> str:
    """Say what chose the trials, with a warning unless it was chance or a grid."""
    config = study.user_attrs.get("binpack", {}).get("config", {})
    kind = config.get("sampler", {}).get("kind") or type(study.sampler).__name__.removesuffix("Sampler").lower()
    if kind == "random":
        return ", random search"
    return (
        f", {kind} search"
        if kind in ("grid", "bruteforce")
        else f", {_LABELS.get(kind, kind)} search: not a random sample"
    )


# ------------------------------------------------------------------------------------------- mending interactive ones


def _mend_lines(plot: Any) -> None:
    """Colour the lines of parallel coordinates on a scale whose low end is seen on white."""
    from plotly.colors import sample_colorscale, sequential

    scale = sequential.Blues[3:]
    *lines, bar = plot.data
    bar.marker.colorscale = scale
    for line in lines:
        share = line.y[0]  # of the way from the lowest score to the highest
        line.line.color = sample_colorscale(scale, [1 - share if bar.marker.reversescale else share])[0]
        line.line.width = 1.4


def _mend_integers(plot: Any, trials: Sequence[FrozenTrial], chosen: Sequence[str]) -> None:
    """Write whole numbers beside the axes of integer parameters of parallel coordinates."""
    notes = [note.to_plotly_json() for note in plot.layout.annotations]
    for axis, name in enumerate(sorted(chosen), start=1):
        drawn = [trial.distributions.get(name) for trial in trials]
        kinds = [kind for kind in drawn if isinstance(kind, IntDistribution)]
        if len(kinds) < len(drawn):
            continue
        values = [trial.params[name] for trial in trials]
        low, high = min(values), max(values)
        if low == high or (own := [note for note in notes if note["x"] == axis]) == []:
            continue
        notes = [note for note in notes if note["x"] != axis]
        if any(kind.log for kind in kinds):
            powers = [10**power for power in range(12) if low < 10**power < high]
            ticks = {tick: np.log(tick / low) / np.log(high / low) for tick in (low, *powers, high)}
        else:
            whole = sorted({round(value) for value in np.linspace(low, high, 5)})
            ticks = {tick: (tick - low) / (high - low) for tick in whole}
        notes += [{**own[0], "y": float(place), "text": str(tick)} for tick, place in ticks.items()]
    plot.layout.annotations = notes


def _mend_notes(plot: Any) -> None:
    """Write the numbers beside the axes of parallel coordinates, on a ground that lifts them off the lines."""
    for note in plot.layout.annotations:
        if note.yref == "y" or note.yref is None:
            outside = note.x == 0
            note.update(xanchor="right" if outside else "left", xshift=-5 if outside else 5)
            note.update(bgcolor="rgba(255, 255, 255, 0.8)", borderpad=0)


# ------------------------------------------------------------------------------------------------- drawing stills


def _quiet() -> warnings.catch_warnings:
    """Silence optuna's word that its matplotlib plots are experimental."""
    return warnings.catch_warnings(action="ignore")


def _still(
    make: Callable[[Any], Any],
    width: float,
    height: float,
    title: str,
    *,
    grid: bool = False,
    legend: bool = True,
    legend_outside: bool = False,
) -> MatplotlibFigure:
    """Let optuna draw a still figure of a size, then mend what would overlap or be cut off."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with _quiet(), mpl.rc_context({"figure.figsize": (width, height), "figure.constrained_layout.use": True}):
        drawn = make(optuna.visualization.matplotlib)
        axes = np.atleast_1d(np.asarray(drawn, dtype=object)).ravel()
        figure = axes[0].figure
        plt.close(figure)
    FigureCanvasAgg(figure)
    figure.set_size_inches(width, height)
    _mend_titles(figure, axes, title)
    for one in figure.axes:
        one.tick_params(labelsize=8 if grid else 9)
        one.xaxis.label.set_size(9 if grid else 10)
        one.yaxis.label.set_size(9 if grid else 10)
        _mend_background(one)
        _mend_log_ticks(one)
        _mend_legend(one, legend, legend_outside)
    if grid and isinstance(drawn, np.ndarray) and drawn.ndim == 2:
        _mend_grid(drawn)
    return figure


def _mend_titles(figure: Any, axes: np.ndarray, title: str) -> None:
    """One title, top left."""
    if len(axes) > 1:
        figure.suptitle(title, x=0.02, ha="left", fontsize=12)
        return
    axes[0].set_title("", loc="center")
    axes[0].set_title(title, loc="left", fontsize=12)


def _mend_background(axes: Any) -> None:
    """Black on white, like the other figures; a colour bar keeps its own."""
    if axes.get_label() == "<colorbar>":
        return
    axes.set_facecolor("white")
    axes.grid(color="#DDDDDD", linewidth=0.8)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.tick_params(colors=INK, which="both")


def _mend_log_ticks(axes: Any) -> None:
    """Less than two decades get plain numbers at 1, 2 and 5, more get powers of ten: else the numbers overlap."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        if axis.get_scale() != "log":
            continue
        axis.set_minor_formatter(NullFormatter())
        if abs(np.log10(limits[1] / limits[0])) < 2:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _mend_grid(axes: np.ndarray) -> None:
    """Name the axes at the edges of a grid only."""
    for (row, column), one in np.ndenumerate(axes):
        if row < axes.shape[0] - 1:
            one.set_xlabel("")
            one.tick_params(labelbottom=False)
        if column > 0:
            one.set_ylabel("")
            one.tick_params(labelleft=False)


def _mend_legend(axes: Any, legend: bool, outside: bool) -> None:
    box = axes.get_legend()
    if box is None:
        return
    if not legend:
        box.remove()
    elif outside:
        labels = [text.get_text() for text in box.texts]
        place = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
        axes.legend(box.legend_handles, labels, frameon=False, fontsize=9, **place)


def _recolor(figure: Any) -> None:
    """Give dots and lines the colours that the interactive form has, in the order in which they are drawn."""
    for axes in figure.axes:
        dots = [drawn for drawn in axes.collections if len(drawn.get_offsets())]
        for number, drawn in enumerate([*dots, *axes.lines]):
            drawn.set(color=COLORS[number % len(COLORS)], alpha=1.0)
        box = axes.get_legend()
        for number, handle in enumerate(box.legend_handles if box else ()):
            handle.set(color=COLORS[number % len(COLORS)], alpha=1.0)


def _mend_bars(figure: Any) -> None:
    """Lift the numbers beside the bars of importance off them and off the lines of the grid."""
    axes = figure.axes[0]
    axes.grid(False, axis="y")
    for bar in axes.patches:
        bar.set_color(COLORS[0])
    for text in axes.texts:
        text.set_position((text.get_position()[0] + 0.005 * np.ptp(axes.get_xlim()), text.get_position()[1]))
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5})


def _mend_timeline(figure: Any) -> None:
    """Give bars the colours of the interactive form, and times as many digits as tell them apart."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    axes = figure.axes[0]
    box = axes.get_legend()
    colors = {}
    for handle, label in zip(box.legend_handles, box.texts, strict=True):
        colors[handle.get_facecolor()] = _STATES.get(label.get_text(), INK)
        handle.set_color(_STATES.get(label.get_text(), INK))
    for bar in axes.patches:
        bar.set_color(colors.get(bar.get_facecolor(), INK))
    locator = AutoDateLocator(maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _mend_parallel(figure: Any) -> None:
    """Lift the numbers of the inner axes off the lines that run behind them, and draw no line too light to be seen."""
    from matplotlib.colors import ListedColormap

    (lines,) = figure.axes[0].collections
    low_end = slice(0, 167) if lines.get_cmap().name.endswith("_r") else slice(89, 256)
    lines.set_cmap(ListedColormap(lines.get_cmap()(np.arange(256))[low_end]))
    for axes in figure.axes:
        axes.grid(False)
        if axes.get_label() != "<colorbar>":
            axes.set_facecolor("none")
        for label in axes.get_yticklabels():
            label.set_bbox({"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.6})
    first = figure.axes[0]
    first.set_xticks(first.get_xticks(), first.get_xticklabels(), rotation=20, ha="right", rotation_mode="anchor")
