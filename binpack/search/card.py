"""The report card of a study: what it found and how far that can be trusted, as one page (``plots.page``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState

from binpack import __version__, plots
from binpack.agents.evaluation import LARGE, Evaluation, evaluate, make_streams
from binpack.agents.run_folder import read_result
from binpack.core.heuristics import HEURISTICS
from binpack.core.statistics import Verdict, verdict
from binpack.files import InputError
from binpack.plots.page import Animation, Page, Part
from binpack.plots.viewer import gif
from binpack.search.config import TuneConfig
from binpack.search.finalists import DEFAULT, Finalists, folder_of, path_of, untrained
from binpack.search.report import TuneResult, collect, study_config
from binpack.search.space import Space
from binpack.search.storage import Location, load_study, locate, quiet

STREAMS = 21
"""Test streams from which the one in the middle is shown; odd, so that there is one."""
NEAR = 0.05
"""A value in this share of its range at either end lies at its edge."""
LONG = 60
"""Letters of a value that is shown whole."""


def card(storage: str | Path, name: str | None = None) -> Page:
    """Make the report card of any of Optuna's studies; one that ``tune`` made also shows what was trained anew.

    Nothing is trained. What `finalists.retrain` and ``tune`` kept is used, and what there is not is not in the card.

    Args:
        storage: a journal's path, or a database URL.
        name: which study; None for the only one there is.

    Raises:
        SearchError: there is no such study, or something beside it is damaged; one line.
        InputError: no trial is complete.
    """
    study = load_study(storage, name)
    location = locate(storage, study.study_name)
    if not any(trial.state == TrialState.COMPLETE for trial in study.get_trials(deepcopy=False)):
        raise InputError(f"study {study.study_name} in {location.shown}: no trial is complete, so nothing can be said")
    if len(study.directions) > 1:
        raise InputError(f"study {study.study_name} has {len(study.directions)} objectives; a report card has one")
    with quiet():
        if "binpack" not in study.user_attrs:
            return _any_study(study, location)
        result = collect(location, study_config(study), study)
        found = Finalists.load(path_of(result))
        # one bin after the other is too slow to do it for a page
        quick = result.config.train.env.actions < LARGE
        others = found.others if found else untrained(result.config, tuple(HEURISTICS)) if quick else {}
        parts = [*_held_out(result, found, others), *_packings(result, found, others)]
        parts += [*_search(study, result.config.space), _settings(result), _measured(result, found)]
        title = f"Report card: {location.name}, items {result.config.train.env.items}"
        lead = f"{headline(result, found)} {_beside(result, found, others)}".strip()
        return Page(title, lead, parts, _foot(location, result.config))


def headline(result: TuneResult, found: Finalists | None) -> str:
    """Say what came of a study in a sentence or two.

    Args:
        result: the study.
        found: its finalists, if they were trained.
    """
    if found is not None:
        first, *others = found.trials
        best = f"Trial {first}, which tuning chose, against the default: {_judged(found.verdict(first))}."
        more = "; ".join(f"trial {trial}: {_judged(found.verdict(trial))}" for trial in others)
        over = f"Over {len(found.seeds)} fresh training seeds and {found.streams} unseen streams."
        return " ".join(filter(None, [best, f"The others against the default: {more}." if more else "", over]))
    comparison = result.comparison
    if comparison is None:
        score = "" if result.tuning_score is None else f" Its best score, {result.tuning_score:.4f}, chose itself."
        return f"Nothing was trained anew, so it is not known whether tuning gained anything.{score}"
    if comparison.best_is_default:
        return "The best trial is the default configuration itself: tuning found nothing better."
    seeds = f"{len(comparison.seeds)} fresh training seeds and {comparison.streams} unseen streams"
    return f"Trial {comparison.number} against the default: {_judged(comparison.verdict)}. Over {seeds}."


def _beside(result: TuneResult, found: Finalists | None, others: Mapping[str, float]) -> str:
    """Say how the best configuration does beside the best heuristic, which needs no training."""
    arms, _ = _arms(result, found)
    rules = [name for name in others if name in HEURISTICS]
    if not arms or not rules:
        return ""
    name, scores = next(iter(arms.items()))
    return f"The heuristic {rules[0]}, which needs no training, reaches {others[rules[0]]:.4f}; {name} is " + (
        f"{_judged(verdict(scores, others[rules[0]]))}."
    )


def _judged(found: Verdict) -> str:
    """Put a verdict into words that promise no more than it does."""
    if np.isnan(found.interval.low):
        return f"{found.difference:+.4f}, too few to tell"
    interval = f"[{found.interval.low:+.4f}, {found.interval.high:+.4f}]"
    words = {"ahead": "better by", "behind": "worse by"}
    judged = (
        f"{words[found.word]} {abs(found.difference):.4f}"
        if found.word in words
        else (f"{found.word}, difference {found.difference:+.4f}")
    )
    return f"{judged} (95 % interval of the difference {interval})"


def _held_out(result: TuneResult, found: Finalists | None, others: Mapping[str, float]) -> Iterator[Part]:
    """What was trained anew: scores of every seed, and how these runs learned."""
    arms, folders = _arms(result, found)
    if not arms:
        return
    figures = [plots.bars_with_spread(arms, x="configuration", y="held-out utilization", runs="seeds")]
    curves = {name: curve for name, each in folders.items() if (curve := _curve(each))}
    if curves:
        title = "how these runs learned"
        figures.append(plots.curves_with_spread(curves, x="environment steps", y="utilization", title=title))
    words = [
        "Each dot is a training run with a seed that took no part in tuning, scored on streams that chose nothing."
    ]
    rows = [("agent", "utilization"), *((name, f"{score:.4f}") for name, score in others.items())] if others else []
    notes = ["The table has agents that were not trained here, on the same streams."] if rows else []
    if found is not None and len(found.trials) > 1:
        notes.append(
            "Each finalist is compared with the default by itself: among several, chance puts one ahead more often "
            "than it would put a single one."
        )
        notes.append(
            "Who now takes the best of several finalists has chosen once more, and needs fresh seeds once more."
        )
    yield Part("Trained anew", words, figures, rows=rows, notes=notes)


def _arms(
    result: TuneResult, found: Finalists | None
) -> tuple[Mapping[str, Sequence[float]], Mapping[str, Sequence[Path]]]:
    """Return scores and run folders of what was trained anew, by the name of the configuration."""
    root = result.location.folder
    if found is not None:
        names = {f"trial {trial}": folder_of(trial) for trial in found.trials} | {DEFAULT: folder_of(None)}
        scores = {name: found.scores[name.removeprefix("trial ")] for name in names}
        seeds = found.seeds
    elif (comparison := result.comparison) is not None:
        best = "final_default" if comparison.best_is_default else f"final_trial_{comparison.number:04d}"
        names = {f"trial {comparison.number}": best, DEFAULT: "final_default"}
        scores = {f"trial {comparison.number}": comparison.best, DEFAULT: comparison.default}
        seeds = comparison.seeds
        if comparison.best_is_default:
            names, scores = {DEFAULT: "final_default"}, {DEFAULT: comparison.default}
    else:
        return {}, {}
    return scores, {name: [root / folder / f"seed_{seed}" for seed in seeds] for name, folder in names.items()}


def _curve(folders: Sequence[Path]) -> tuple[list[float], list[list[float]]] | None:
    """Return the steps and scores of runs that were all evaluated at the same steps; None where they are not there."""
    results = [read_result(folder) for folder in folders]
    histories = [result.history for result in results if result is not None]
    if len(histories) < len(folders) or len({tuple(step for step, _ in each) for each in histories}) != 1:
        return None
    return [step for step, _ in histories[0]], [[score for _, score in each] for each in histories]


def _packings(result: TuneResult, found: Finalists | None, others: Mapping[str, float]) -> Iterator[Part]:
    """The best trial's agent and the best heuristic packing the same items."""
    env = result.config.train.env
    folder = _agent(result, found)
    if folder is None:
        return
    streams = make_streams(env, STREAMS, result.config.test_seed)
    rule = next((name for name in others if name in HEURISTICS), "heightmap_sum")
    played: dict[str, Evaluation] = {}
    for name, agent in (("tuned", folder), (rule, rule)):
        played[name] = evaluate(agent, streams, env, seed=0)
    shares = played["tuned"].utilization
    shown = int(np.argsort(shares, kind="stable")[len(shares) // 2])
    moving = [
        Animation(
            gif(each.boxes[shown], env.bin_size, fps=5, size=(420, 420), max_frames=60),
            f"{name} packs stream {shown}: {len(each.boxes[shown])} items, utilization {each.utilization[shown]:.1%}",
        )
        for name, each in played.items()
    ]
    words = [
        f"One of {STREAMS} test streams: the middle one by the utilization that the tuned agent reaches on them.",
        "; ".join(each.text for each in moving) + ".",
    ]
    yield Part("The same items, packed", words, animations=moving)


def _agent(result: TuneResult, found: Finalists | None) -> Path | None:
    """Return the folder of an agent of the best trial, of a fresh seed if there is one; None where none is left."""
    _, folders = _arms(result, found)
    wanted = [*next(iter(folders.values()), [])]
    if result.best is not None:
        wanted.append(result.location.folder / f"trial_{result.best:04d}" / f"seed_{result.config.plan().tuning[0]}")
    return next((folder for folder in wanted if (folder / "agent.json").is_file()), None)


def _search(study: optuna.Study, space: Space | None) -> list[Part]:
    """What the trials say: the history, what matters, and where the best values lie."""
    drawn: dict[str, Callable[[optuna.Study], Any]] = {"The search": plots.history, "What matters": plots.importance}
    parts = []
    for heading, draw in drawn.items():
        try:
            parts.append(Part(heading, figures=[draw(study)]))
        except InputError as error:
            parts.append(Part(heading, [f"Not drawn: {error}"]))
    edges = [] if space is None else at_edges(space, space.decode(study.best_trial.params))
    if edges:
        parts.append(
            Part("At the edge", [*edges, "A best value at the edge of its range says that the range is too narrow."])
        )
    return parts


def at_edges(space: Space, values: Mapping[str, Any]) -> list[str]:
    """Say which values lie at an end of their range, where better ones may lie beyond.

    Args:
        space: what was searched.
        values: of a trial.
    """
    lines = []
    for name, parameter in space.parameters.items():
        if name not in values or not hasattr(parameter, "low"):
            continue
        place = parameter.place(values[name])
        if not NEAR < place < 1 - NEAR:
            end = "lower" if place <= NEAR else "upper"
            lines.append(f"{name} = {_short(values[name])} lies at the {end} end of {parameter.range()}.")
    return lines


def _settings(result: TuneResult) -> Part:
    best, default = result.best_values or {}, result.config.defaults()
    rows = [("hyperparameter", f"trial {result.best}", "default")]
    rows += [(name, _short(best.get(name)), _short(default.get(name))) for name in result.config.space.names]
    notes = [f"python -m binpack train --config {result.best_path} trains it."] if result.has_best else []
    return Part("The configuration", rows=rows, notes=notes)


def _measured(result: TuneResult, found: Finalists | None) -> Part:
    config, env = result.config, result.config.train.env
    sides = " x ".join(map(str, env.bin_size))
    words = [
        f"{len(result.rows)} trials of {config.seeds} training seed{'s' * (config.seeds > 1)} each, {result.steps:,} "
        f"environment steps in all, chosen by {config.sampler.kind}, pruner {config.pruner.kind}.",
        f"Bin {sides} cells, items {env.items}, {env.visible} visible, rotation {env.rotation}, support {env.support}.",
        "A trial's score is the mean over its seeds of the last evaluation on the tuning streams, declared beforehand.",
    ]
    if result.tuning_score is not None:
        arms, _ = _arms(result, found)
        first = next(iter(arms.values()), None)
        if first is not None:
            held = float(np.mean(first))
            words.append(
                f"The best trial scored {result.tuning_score:.4f} when it was chosen and {held:.4f} on held-out seeds "
                "and streams: the highest of many scores flatters, and streams differ in how hard they are."
            )
    if config.seeds == 1:
        words.append("One seed a trial: much of the ranking is luck.")
    return Part("How it was measured", words)


def _any_study(study: optuna.Study, location: Location) -> Page:
    """The card of a study that ``tune`` did not make: trials are all that is known of it."""
    best = study.best_trial
    rows = [("hyperparameter", f"trial {best.number}"), *((name, _short(value)) for name, value in best.params.items())]
    lead = (
        f"Trial {best.number} scored {best.value:.4g}, the best of {len(study.trials)}. It chose itself by that score: "
        "train it again on fresh seeds, beside the default, before you believe it."
    )
    parts = [*_search(study, None), Part("The configuration", rows=rows)]
    return Page(f"Report card: {study.study_name}", lead, parts, _foot(location, None))


def _foot(location: Location, config: TuneConfig | None) -> str:
    seeds = "" if config is None else f" Tuning seeds {_listed(config.plan().tuning)}, test streams {config.test_seed}."
    return f"Study {location.name} in {location.shown}. Made by binpack {__version__}: python -m binpack report.{seeds}"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers)) if len(numbers) < 6 else f"{numbers[0]} to {numbers[-1]}"


def _short(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)
    return text if len(text) <= LONG else text[: LONG - 3] + "..."
