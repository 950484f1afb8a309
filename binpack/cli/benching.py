"""``bench``: how fast the engine is on this machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from binpack.cli import options


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer settings, done within a minute.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.json", help="Write the JSON there as well.")
    ] = None,
) -> None:
    """Measure masks, environment and training, beside floors taken in the same run."""
    if out is not None:
        options.output_folder("--out", out.parent)
        if out.is_dir():
            raise typer.BadParameter(f"{out} is a folder, expected a file", param_hint="--out")

    from binpack import bench
    from binpack.files import write_json

    def say(text: str) -> None:
        if sys.stderr.isatty():
            typer.echo(f"\r\033[K{text}", nl=False, err=True)

    result = bench.run(quick=quick, say=say)
    say("")
    if out is not None:
        write_json(out, result)
    typer.echo(json.dumps(result) if as_json else "\n".join(bench.table(result)))
