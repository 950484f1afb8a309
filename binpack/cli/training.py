"""``train``: one training run, resumable by running the command again."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from binpack.cli import leaving, lengths, options
from binpack.system import Interrupted
from binpack.text import terminal


def train(
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where checkpoints and the model go.")],
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
    wandb: Annotated[
        bool, typer.Option("--wandb", help="Log to Weights & Biases too; offline, unless WANDB_MODE says otherwise.")
    ] = False,
    wandb_args: Annotated[
        Path | None,
        typer.Option(
            "--wandb-args",
            metavar="FILE.json",
            help="As a run of a W&B sweep: hyperparameters from the agent's ${args_json_file}, in FOLDER/RUN_ID.",
        ),
    ] = None,
    notice: leaving.Notice = None,
    notice_url: leaving.NoticeUrl = None,
    when_done: leaving.WhenDone = None,
) -> None:
    """Train a maskable PPO agent. The same command again goes on from the last checkpoint, also with more --steps."""
    assigned = list(assigned or ())
    if wandb_args is not None:
        with options.option("--wandb-args"):
            assigned += _sweep_args(wandb_args)
            out = out / _sweep_run_id()
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
    settings = options.training(env, {"total_steps": steps, "seed": seed, "n_envs": n_envs}, assigned, config)
    lengths.say_assumed(settings.env, env, options.stored_env(config), err=False)

    from binpack.agents import store as agents
    from binpack.agents import training

    with leaving.ways_out(notice, notice_url, when_done), contextlib.ExitStack() as stack:
        writers = []
        if wandb or wandb_args is not None:
            from binpack.search.bridges.wandb_run import wandb_run

            writers.append(stack.enter_context(wandb_run(out, settings.stored())))
        try:
            result = training.train(settings, out, progress=sys.stdout.isatty(), keep_checkpoint=True, writers=writers)
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


def _sweep_args(file: Path) -> list[str]:
    """Return a sweep's hyperparameters as ``--set`` takes them."""
    from binpack.agents.config import PPOConfig
    from binpack.files import InputError, read_json

    values = read_json(file, "a sweep's hyperparameters")
    for name in values:
        if name not in PPOConfig.model_fields:
            raise InputError(f"{file}: {name!r} is not one of {', '.join(PPOConfig.model_fields)}")
    return [f"{name}={json.dumps(value)}" for name, value in values.items()]


def _sweep_run_id() -> str:
    from binpack.search.bridges.wandb_run import sweep_run_id

    return sweep_run_id()
