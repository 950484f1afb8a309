"""``train``: one training run, resumable by running the command again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from binpack.cli import lengths, options
from binpack.system import Interrupted
from binpack.text import terminal


def train(
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where checkpoints and the model go.")],
    items: options.Items = None,
    bin_size: options.Bin = None,
    steps: Annotated[int | None, typer.Option("--steps", metavar="N", help="Environment steps in all.")] = None,
    cell: options.Cell = None,
    unit: options.Unit = None,
    visible: options.Visible = None,
    rotation: options.Rotation = None,
    support: options.SupportRule = None,
    reward: options.Reward = None,
    assigned: options.Assign = None,
    config: options.Config = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Training seed.")] = None,
    n_envs: Annotated[int | None, typer.Option("--n-envs", metavar="N", help="Bins packed side by side.")] = None,
) -> None:
    """Train a maskable PPO agent. The same command again goes on from the last checkpoint, also with more --steps."""
    options.output_folder("--out", out)
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

    from binpack.agents import store as agents
    from binpack.agents import training

    try:
        result = training.train(settings, out, progress=sys.stdout.isatty(), keep_checkpoint=True)
    except KeyboardInterrupt as stop:
        line = "stopped; all but the last seconds is kept, and the same command goes on"
        raise Interrupted(line, getattr(stop, "code", Interrupted().code)) from None
    typer.echo(
        f"score {result.score:.4f} (mean utilization of {settings.eval_streams} validation streams) "
        f"after {result.steps} steps, {result.seconds:.0f} s"
    )
    # a shipped agent's name alone would mean that one
    named = f"./{out}" if str(out) in agents.shipped() else str(out)
    typer.echo(terminal(f"model: {out}  (python -m binpack evaluate --agent {named})"))
