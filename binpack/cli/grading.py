"""``grade``: what the checks say to a class's copies of the notebooks."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from binpack import system
from binpack.cli import options
from binpack.files import write_text
from binpack.text import terminal


def grade(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Copies of the notebooks, or a folder of them for each learner.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE.csv", help="Write a row for each exercise there as well.")
    ] = None,
    limit: Annotated[
        float, typer.Option("--limit", metavar="SECONDS", min=1, help="How long one exercise may take.")
    ] = 60,
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", min=1, help="Notebooks at a time; one for each core.")
    ] = None,
) -> None:
    """Grade learners' copies of the notebooks by the exercises' checks.

    Each notebook's answers run in a process of their own, with a time limit and without the network; its other cells
    do not run. The code is the learners' and can read and write what you can: grade as a user, or in a container, that
    has nothing to lose. The exit code is 1 where a file could not be graded.
    """
    if csv is not None:
        options.output_folder("--csv", csv.parent)
        if csv.is_dir():
            raise typer.BadParameter(f"{csv} is a folder, expected a file", param_hint="--csv")

    from binpack.course.grading import cage, copies, register
    from binpack.course.grading.grade import grade_class, read_class
    from binpack.course.progress import progress

    system.use_private_folders()
    paths = copies.notebooks_in(folder)
    found, refused = read_class(paths, folder, copies.sheets(system.checkout()))
    jobs = min(jobs or os.cpu_count() or 1, len(found) or 1)
    graded = list(progress(grade_class(found, limit, jobs), "notebooks", total=len(found)))
    if csv is not None:
        write_text(csv, register.as_csv(graded))
    if as_json:
        typer.echo(json.dumps(register.as_json(graded, refused, cage.network().said)))
    else:
        for line in register.table(graded):
            typer.echo(line)
        typer.echo(cage.network().said)
    for line in refused:
        system.say(f"binpack: not graded: {terminal(line)}")
    if refused:
        raise typer.Exit(1)
