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
    figure: Annotated[
        Path | None, typer.Option("--figure", metavar="FILE.png", help="Draw what a mask costs there; or FILE.html.")
    ] = None,
) -> None:
    """Measure masks, environment and training, beside floors taken in the same run."""
    for name, path in (("--out", out), ("--figure", figure)):
        if path is not None:
            options.output_folder(name, path.parent)
            if path.is_dir():
                raise typer.BadParameter(f"{path} is a folder, expected a file", param_hint=name)
    if figure is not None and figure.suffix not in (".png", ".html"):
        raise typer.BadParameter(f"{figure.name}: expected a name that ends in .png or .html", param_hint="--figure")

    from binpack import bench
    from binpack.files import write_json

    def say(text: str) -> None:
        if sys.stderr.isatty():
            typer.echo(f"\r\033[K{text}", nl=False, err=True)

    result = bench.run(quick=quick, say=say)
    say("")
    if out is not None:
        write_json(out, result)
    if figure is not None:
        from binpack import plots

        figure.parent.mkdir(parents=True, exist_ok=True)
        plots.save(plots.mask_curve(result["mask_curve"]), figure)
    typer.echo(json.dumps(result) if as_json else "\n".join(bench.table(result)))
