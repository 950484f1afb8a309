"""``worker``: takes part in a job on a PostgreSQL server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from binpack.cli import leaving, options
from binpack.cli.action import Shown
from binpack.text import terminal

if TYPE_CHECKING:
    from binpack.search.action.job import Params


def worker(
    context: typer.Context,
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            metavar="URL",
            help="The database, postgresql://USER@HOST/NAME; without it BINPACK_STORAGE names one (a password is best "
            "left to PGPASSWORD or ~/.pgpass).",
        ),
    ] = None,
    study: Annotated[
        str | None, typer.Option("--study", metavar="NAME", help="The job's name, if there are several.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Where trials go; by default where the job was begun if this machine has that folder, else NAME.runs.",
        ),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", help="Trials side by side; as many as cores by default.")
    ] = None,
    lease: Annotated[
        float,
        typer.Option(
            "--lease", metavar="SECONDS", help="Without a sign of life for so long, others take this worker's trials."
        ),
    ] = 60.0,
    tries: Annotated[
        int, typer.Option("--tries", metavar="N", help="How often a trial is begun before it counts as failed.")
    ] = 3,
    patience: Annotated[
        float, typer.Option("--patience", metavar="SECONDS", help="How long a server that stopped is waited for.")
    ] = 300.0,
    notice: leaving.Notice = None,
    notice_url: leaving.NoticeUrl = None,
    when_done: leaving.WhenDone = None,
) -> None:
    """Run trials of a job that others began, until it is done. Any number of workers come and go."""
    for name, value in (("--jobs", jobs), ("--tries", tries)):
        options.at_least(name, value, 1)
    for name, seconds, least in (("--lease", lease, 1), ("--patience", patience, 0)):
        if not least <= seconds <= 86_400:
            raise typer.BadParameter(f"{seconds:g}: expected from {least} to 86400 seconds", param_hint=name)
    if storage is not None:
        options.hide_password(storage)
    if out is not None:
        options.output_folder("--out", out)

    from binpack.search.action.table import TrialTable
    from binpack.search.engines.database import Terms
    from binpack.search.engines.worker import Place, work

    allowed = tuple(context.find_root().params.get("modules") or ())
    place = Place(modules=allowed, folder=out, jobs=jobs)
    ends = leaving.ways_out(notice, notice_url, when_done)
    with ends, Shown(TrialTable("score", "max"), as_json=False) as shown:

        def on_job(params: Params) -> None:
            shown.use(TrialTable(params.tuning.metric, params.tuning.mode))

        terms = Terms(lease, tries, patience)
        trials = work(storage, study, place, terms, shown, on_job)
        ended = sum(trial.status == "TERMINATED" for trial in trials)
        shown.close()
        typer.echo(terminal(f"the job is done: {ended} of {len(trials)} trials came to their end"))
