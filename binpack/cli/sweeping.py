"""``sweep``: writes a sweep of Weights & Biases, whose runs are ``train``'s."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from binpack.cli import lengths, options
from binpack.text import terminal

_COMMAND = ("${env}", "${interpreter}", "-m", "${program}", "train")
"""How W&B's agent starts a run; it puts in what stands in braces."""


def sweep(
    space: Annotated[Path, typer.Argument(metavar="SPACE.json", help="The search space, as tune takes it.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.yaml", help="Where the sweep is written.")],
    method: Annotated[str, typer.Option("--method", metavar="NAME", help="grid, random or bayes.")] = "bayes",
    points: Annotated[int, typer.Option("--points", metavar="N", help="Of a grid: values per number.")] = 3,
    hyperband: Annotated[
        int | None,
        typer.Option(
            "--hyperband", metavar="N", help="Let W&B stop bad runs, from the N-th evaluation after the first."
        ),
    ] = None,
    runs: Annotated[Path, typer.Option("--runs", metavar="FOLDER", help="Where the runs go, a folder each.")] = Path(
        "sweep_runs"
    ),
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="The sweep's name at W&B.")] = None,
    project: Annotated[str, typer.Option("--project", metavar="NAME", help="The project at W&B.")] = "binpack",
    items: options.Items = None,
    bin_size: options.Bin = None,
    steps: options.Steps = None,
    cell: options.Cell = None,
    unit: options.Unit = None,
    visible: options.Visible = None,
    rotation: options.Rotation = None,
    support: options.SupportRule = None,
    reward: options.Reward = None,
    assigned: options.Assign = None,
    config: options.Config = None,
    seed: options.Seed = None,
    n_envs: options.Envs = None,
) -> None:
    """Write a sweep of Weights & Biases: `wandb sweep FILE.yaml` takes it, and an agent's runs are train's."""
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
    settings = options.training(env, {"total_steps": steps, "seed": seed, "n_envs": n_envs}, assigned or (), config)
    lengths.say_assumed(settings.env, env, options.stored_env(config), err=False)

    from binpack.files import write_text
    from binpack.search.bridges.sweep import sweep_config, to_yaml
    from binpack.search.config import TuneConfig
    from binpack.search.space import Space

    varied = Space.load(space)
    # what a study of tune's would refuse, a sweep's runs would fail with one by one
    TuneConfig(train=settings, space=varied, sampler="random", n_trials=1)  # type: ignore[arg-type]
    typed = {
        **{"--items": items, "--bin": bin_size, "--cell": cell, "--unit": unit, "--visible": visible},
        **{"--rotation": rotation, "--support": support, "--reward": reward, "--steps": steps, "--seed": seed},
        **{"--n-envs": n_envs, "--config": config, "--out": runs},
    }
    fixed = [f"{option}={value}" for option, value in typed.items() if value is not None]
    fixed += [f"--set={each}" for each in assigned or ()]
    made = sweep_config(
        varied,
        method,
        points=points,
        hyperband=hyperband,
        command=[*_COMMAND, *fixed, "--wandb-args", "${args_json_file}"],
        name=name,
        project=project,
    )
    write_text(out, to_yaml(made))
    cells = f", {varied.size(points)} cells" if method == "grid" else ""
    typer.echo(terminal(f"sweep: {out} ({method}{cells}, {len(varied)} parameters)"))
    typer.echo(terminal(f"with an account of W&B: wandb sweep {out}, and the wandb agent command that it prints"))
