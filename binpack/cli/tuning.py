"""``tune`` and ``show``: a study of hyperparameters, and what a stored one found."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from binpack.cli import leaving, lengths, options
from binpack.files import InputError
from binpack.text import terminal

if TYPE_CHECKING:
    import optuna

    from binpack.search.report import AnyResult, TuneResult

Storage = Annotated[
    str,
    typer.Option(
        "--storage",
        metavar="FILE",
        help="The study's journal file, or a database URL (a password is best left to PGPASSWORD or ~/.pgpass).",
    ),
]


AsJson = Annotated[bool, typer.Option("--json", help="One JSON object in place of table and text.")]


def tune(
    storage: Storage,
    items: options.Items = None,
    bin_size: options.Bin = None,
    cell: options.Cell = None,
    unit: options.Unit = None,
    visible: options.Visible = None,
    rotation: options.Rotation = None,
    support: options.SupportRule = None,
    reward: options.Reward = None,
    trials: Annotated[
        int | None, typer.Option("--trials", metavar="N", help="Trials in all; of a grid: all cells.")
    ] = None,
    steps: options.Steps = None,
    sampler: Annotated[
        str, typer.Option("--sampler", metavar="NAME", help="tpe, random, grid or module:name.")
    ] = "tpe",
    pruner: Annotated[
        str,
        typer.Option("--pruner", metavar="NAME", help="none, median, percentile, halving, hyperband or module:name."),
    ] = "none",
    seeds: Annotated[int, typer.Option("--seeds", metavar="K", help="Training runs of a trial.")] = 2,
    final_seeds: Annotated[
        int, typer.Option("--final-seeds", metavar="K", help="Fresh training runs of the held-out comparison; 0: none.")
    ] = 3,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the sampler.")] = 0,
    space: Annotated[
        Path | None,
        typer.Option(
            "--space",
            metavar="FILE.json",
            help="What varies; learning_rate, n_steps and ent_coef by default; wide: ten hyperparameters.",
        ),
    ] = None,
    study: Annotated[str, typer.Option("--study", metavar="NAME", help="The study's name in the storage.")] = "study",
    assigned: options.Assign = None,
    config: options.Config = None,
    n_envs: options.Envs = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", help="Training runs side by side; as many as cores by default.")
    ] = None,
    as_json: AsJson = False,
    notice: leaving.Notice = None,
    notice_url: leaving.NoticeUrl = None,
    when_done: leaving.WhenDone = None,
) -> None:
    """Tune PPO on your items. Killed at any moment, the same command goes on."""
    for name, value in (("--trials", trials), ("--seeds", seeds), ("--jobs", jobs)):
        options.at_least(name, value, 1)
    env = options.env_settings(
        items=items,
        bin_size=bin_size,
        cell=cell,
        unit=unit,
        visible=visible,
        rotation=rotation,
        support=support,
        reward=reward,
    )
    settings = options.training(env, {"total_steps": steps, "n_envs": n_envs}, assigned or (), config)
    lengths.say_assumed(settings.env, env, options.stored_env(config), err=as_json)

    from binpack.search.config import TuneConfig
    from binpack.search.samplers import PrunerConfig, SamplerConfig
    from binpack.search.space import DEFAULT_SPACE, WIDE_SPACE, Space
    from binpack.search.storage import locate
    from binpack.search.study import tune as run
    from binpack.system import usable_cores

    options.hide_password(storage)
    locate(storage, study)
    with options.option("--sampler"):
        search = SamplerConfig(kind=sampler, seed=seed)
    with options.option("--pruner"):
        stopping = PrunerConfig(kind=pruner)
    wide = space == Path("wide") and not space.exists()
    varied = WIDE_SPACE if wide else Space.load(space) if space else DEFAULT_SPACE
    declared = TuneConfig(
        name=study,
        train=settings,
        space=varied,
        sampler=search,
        pruner=stopping,
        n_trials=20 if trials is None and search.cells(varied) is None else trials,
        seeds=seeds,
        final_seeds=final_seeds,
    )
    with leaving.ways_out(notice, notice_url, when_done):
        result = run(declared, storage, progress=sys.stderr.isatty(), jobs=jobs or int(usable_cores()))
        _say(result, as_json=as_json)
        if result.best is None:
            raise typer.Exit(1)


def show(
    storage: Annotated[str, typer.Argument(metavar="STORAGE", help="The study's journal file, or a database URL.")],
    study: Annotated[
        str | None, typer.Option("--study", metavar="NAME", help="Which study, if there are several.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the plots there, HTML and PNG.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the table and the plots of any of Optuna's studies, tune's or another."""
    if out is not None:
        options.output_folder("--out", out)

    from binpack.search.bridges.tried import load_bridge
    from binpack.search.report import read

    options.hide_password(storage)
    result = load_bridge(storage, study) or read(storage, study)
    plots = [] if out is None else write_plots(storage, result.location.name, out)
    _say(result, as_json=as_json)
    for line in plots:
        typer.echo(terminal(line), err=as_json)


def _say(result: TuneResult | AnyResult, *, as_json: bool) -> None:
    """Print what a study found, as table and text or as one JSON object."""
    if as_json:
        typer.echo(json.dumps(result.to_dict()))
        return
    from rich.console import Console

    console = Console()
    console.print(result.table(console.width))
    typer.echo(result.summary())


def write_plots(storage: str, study: str, out: Path) -> list[str]:
    """Draw a study's history, importance, contour, slice and parallel coordinates, each as HTML and as PNG.

    Args:
        storage: of the study.
        study: its name.
        out: the folder; made if need be.

    Returns:
        A line for each plot: what it says and where it is, or why it cannot be drawn.
    """
    from binpack import plots
    from binpack.search.storage import load_study, quiet

    drawn = load_study(storage, study)
    out.mkdir(parents=True, exist_ok=True)
    lines = []
    with quiet():
        for name, draw in {
            "history": plots.history,
            "importance": plots.importance,
            "contour": lambda study: plots.contour(study, most_important(study)),
            "slice": plots.slice_,
            "parallel": plots.parallel_coordinate,
        }.items():
            try:
                figure = draw(drawn)
            except InputError as error:
                lines.append(f"{name}: not drawn: {error}")
                continue
            for suffix in (".html", ".png"):
                plots.save(figure, out / (name + suffix))
            lines.append(f"{figure.text} ({out / name}.html, .png)")
    return lines


def most_important(study: optuna.Study, most: int = 4) -> list[str] | None:
    """Return the parameters worth a contour plot: a plot of all pairs of ten is unreadable; ``None`` for all.

    Args:
        study: with complete trials.
        most: how many.
    """
    import optuna

    names = list(study.best_trial.params)
    if len(names) <= most:
        return None
    with contextlib.suppress(ValueError, RuntimeError):  # too few trials to tell
        names = list(optuna.importance.get_param_importances(study))
    return names[:most]
