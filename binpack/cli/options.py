"""Options that several commands share, and how their text becomes an environment or a configuration."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from binpack.files import InputError
from binpack.items.sources import file_bin
from binpack.items.units import bin_unit, parse_bin, parse_length, unit_name

if TYPE_CHECKING:
    from binpack.agents.config import TrainConfig
    from binpack.env.config import EnvConfig

MAX_CELLS = 2**28
"""Most candidate cells in play at a time: for each, a landing height, whether it is feasible, and a score."""
SIDE_BY_SIDE = 256
"""Most bins that an evaluation packs side by side."""
BIN_EXAMPLE = "such as 10x10x10, or 110x110x100 together with --cell 5cm"

Bin = Annotated[str | None, typer.Option("--bin", metavar="LxWxH", help="Bin: cells, or lengths (cm) with --cell.")]
Cell = Annotated[str | None, typer.Option("--cell", metavar="LENGTH", help="Edge of a grid cell, such as 50mm or 5cm.")]
Unit = Annotated[
    str | None, typer.Option("--unit", metavar="UNIT", help="mm, cm, dm, m or in, of numbers that carry none.")
]
Visible = Annotated[int | None, typer.Option("--visible", metavar="K", help="How many items the packer picks from.")]
Rotation = Annotated[
    str | None, typer.Option("--rotation", metavar="RULE", help="none, z (about the vertical) or all.")
]
SupportRule = Annotated[
    str | None,
    typer.Option(
        "--support",
        metavar="RULE",
        help="full, fraction:0.8, corners:0.95,0.80,0.60, polygon, polygon:0.3, none or module:name.",
    ),
]
Reward = Annotated[
    str | None, typer.Option("--reward", metavar="NAME", help="volume, terminal, density, or module:name of your own.")
]
Items = Annotated[
    str | None,
    typer.Option(
        "--items",
        metavar="SPEC|FILE",
        help="random:2-5 (random:2-5x150: 150 each), cut_1:2-5, cut_2, split:10, korea_post, a file, or module:name.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE.json", help="A run's config.json or a study's best.json to start from."),
]
Assign = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A PPO hyperparameter, such as learning_rate=3e-4; repeatable."),
]

Steps = Annotated[int | None, typer.Option("--steps", metavar="N", help="Environment steps of a training run, in all.")]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", help="Training seed.")]
Envs = Annotated[int | None, typer.Option("--n-envs", metavar="N", help="Bins packed side by side.")]


@contextlib.contextmanager
def option(name: str) -> Iterator[None]:
    """Let an ``InputError`` raised inside name the option that it came from."""
    try:
        yield
    except InputError as error:
        raise typer.BadParameter(" ".join(str(error).split()), param_hint=name) from None


def at_least(name: str, value: int | None, least: int) -> None:
    """Refuse a number below ``least``."""
    if value is not None and value < least:
        raise typer.BadParameter(f"{value}: expected {least} or more", param_hint=name)


def env_settings(
    *,
    items: str | None = None,
    bin_size: str | None = None,
    cell: str | None = None,
    visible: int | None = None,
    rotation: str | None = None,
    support: str | None = None,
    reward: str | None = None,
    unit: str | None = None,
) -> dict[str, Any]:
    """Return what ``environment`` takes, from the options as typed; ``None`` for those that were not given."""
    return locals()


def environment(
    settings: dict[str, Any], base: EnvConfig | None = None, *, read_items: bool = True, own_bin: bool = False
) -> EnvConfig:
    """Make an environment's configuration from options and see that its items can be made.

    Args:
        settings: fields of ``EnvConfig`` as text, ``None`` for those that were not given; ``bin_size`` as typed.
        base: where the fields that were not given come from.
        read_items: see that the items can be made and fit the bin.
        own_bin: take the bin that comes with a file of items, where no other is given.

    Returns:
        The configuration.

    Raises:
        typer.BadParameter: an option is wrong.
        ValueError: the items are wrong, or there are too many candidate cells; one line.
    """
    from binpack.env.config import EnvConfig

    given = {name: value for name, value in settings.items() if value is not None}
    if "unit" in given:
        with option("--unit"):
            given["unit"] = unit_name(given["unit"], "unit")
    if "bin_size" in given:
        with option("--bin"):
            text = given["bin_size"]
            given["bin_size"] = parse_bin(text, given.get("cell"), unit=given.get("unit", "cm"))
            given.setdefault("unit", bin_unit(text) or "cm")
    elif (
        own_bin
        and (container := file_bin(given.get("items", ""), given.get("cell"), given.get("unit", "cm"))) is not None
    ):
        given["bin_size"] = container
    elif "cell" in given:
        # a bin is stored in cells: with other cells it would be another bin
        with option("--cell"):
            length = parse_length(given.pop("cell"))
        stored = base.cell if base else None
        if stored is None or parse_length(stored) != length:
            instead = f" (the stored bin has cells of {stored})" if stored else ""
            raise typer.BadParameter(f"needs a bin as well, {BIN_EXAMPLE}{instead}", param_hint="--cell")
    config = EnvConfig(**{**(base.model_dump() if base else {}), **given})
    check_size(config)
    if read_items:
        config.source()
    return config


def check_size(config: EnvConfig, bins: int = 1) -> None:
    """Refuse an environment whose arrays would take gigabytes.

    Args:
        config: the environment.
        bins: how many are packed side by side.

    Raises:
        ValueError: one line that names the numbers.
    """
    cells = config.actions * bins
    if cells > MAX_CELLS:
        length, width, _ = config.bin_size
        beside = f" x {bins} bins side by side" if bins > 1 else ""
        raise InputError(
            f"too large: {config.visible} visible items x {config.orientations} orientations x {length}x{width} cells"
            f"{beside} are {cells:,} candidate cells, expected at most {MAX_CELLS:,}"
        )


def training(env: dict[str, Any], fields: dict[str, Any], assigned: Sequence[str], file: Path | None) -> TrainConfig:
    """Make a training configuration from a file, options and assignments, the later ones winning.

    Args:
        env: settings for ``environment``.
        fields: fields of ``TrainConfig``, ``None`` for those that were not given.
        assigned: hyperparameters as ``name=value``.
        file: a ``TrainConfig`` as JSON.

    Raises:
        ValueError: one line that says what is wrong.
    """
    from binpack.agents.config import PPOConfig, TrainConfig, read_config

    base = read_config(file) if file else TrainConfig()
    ppo = {**base.ppo.model_dump(), **dict(assignment(each, PPOConfig.model_fields) for each in assigned)}
    given = {name: value for name, value in fields.items() if value is not None}
    config = {**base.model_dump(), **given, "ppo": ppo, "env": environment(env, base.env).model_dump()}
    settings = TrainConfig.model_validate(config)
    check_size(settings.env, max(settings.n_envs, min(settings.eval_streams, SIDE_BY_SIDE)))
    return settings


def stored_env(file: Path | None) -> EnvConfig | None:
    """Return the environment of a ``TrainConfig`` that is stored as JSON; None for no file."""
    from binpack.agents.config import read_config

    return None if file is None else read_config(file).env


def assignment(text: str, known: Sequence[str] | dict[str, Any]) -> tuple[str, Any]:
    """Split ``name=value``; the value is JSON where it can be, text otherwise.

    Raises:
        typer.BadParameter: no ``=``, an unknown name, or a value that is nested too deeply.
    """
    name, equals, value = text.partition("=")
    if not equals or not value:
        raise typer.BadParameter(f"{text!r}: expected NAME=VALUE, such as learning_rate=3e-4", param_hint="--set")
    if name not in known:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(known)}", param_hint="--set")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value
    except RecursionError:
        raise typer.BadParameter(f"{name}: too deeply nested", param_hint="--set") from None


def output_folder(name: str, folder: Path) -> None:
    """Refuse a place where no folder can be, before anything is written.

    Raises:
        typer.BadParameter: the place, or one above it, is a file or may not be written to.
    """
    for place in (folder, *folder.parents):
        if place.exists():
            if not place.is_dir():
                raise typer.BadParameter(f"{place} is a file, expected a folder", param_hint=name)
            if not os.access(place, os.W_OK | os.X_OK):
                raise typer.BadParameter(f"{place}: no permission to write there, choose another", param_hint=name)
            return


def hide_password(storage: str) -> None:
    """Take a password in a database's URL out of what ``ps`` shows of this process.

    Args:
        storage: as it was typed.
    """
    from binpack.search.urls import shown
    from binpack.system import hide_argument

    if shown(storage) != storage:
        hide_argument(storage, shown(storage))
