"""``pack`` and ``evaluate``: a file of items into one bin, and an agent over many streams of items."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from binpack.cli import filling, lengths, options, packed
from binpack.cli.packed import Packed
from binpack.files import InputError
from binpack.items.catalogue import Catalogue, check_fits, fits, korea_post_parcels, read_catalogue
from binpack.items.spreadsheet import parse_columns
from binpack.items.streams import Streams
from binpack.items.units import bin_lengths, bin_unit, unit_name, whole
from binpack.text import terminal

if TYPE_CHECKING:
    from tqdm import tqdm

    from binpack.agents.agent import Agent
    from binpack.agents.evaluation import Evaluation
    from binpack.env.batch import PackingBatch
    from binpack.env.config import EnvConfig

DEFAULT = "first_fit_decreasing"
"""How ``pack`` packs: it knows all items beforehand; the others take them one after another."""


def pack(
    items: Annotated[str, typer.Argument(metavar="FILE", help="CSV, JSON, .npz or OR-Library text, or korea_post.")],
    bin_size: options.Bin = None,
    cell: options.Cell = None,
    heuristic: Annotated[
        str | None, typer.Option("--heuristic", metavar="NAME", help=f"How to pack; default: {DEFAULT}.")
    ] = None,
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="NAME|FOLDER", help="Pack with a trained agent.")
    ] = None,
    support: options.SupportRule = None,
    rotation: options.Rotation = None,
    visible: options.Visible = None,
    bins: Annotated[
        str, typer.Option("--bins", metavar="N|all", help="Fill bin after bin: so many, or as many as it takes.")
    ] = "1",
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds",
            metavar="S",
            help=f"Search for better packings so long, after one pass; default: {filling.SECONDS:g}, and 0, which is "
            "one pass, where --heuristic or --agent says how to pack.",
        ),
    ] = None,
    tries: Annotated[
        str | None,
        typer.Option("--tries", metavar="N", help="In place of --seconds: so many tries for each bin, or N,N,..."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", metavar="N", min=0, help="Of the search; shuffles the items as well. Default: the file's order."
        ),
    ] = None,
    problem: Annotated[int, typer.Option("--problem", metavar="N", min=1, help="Problem of an OR-Library file.")] = 1,
    encoding: Annotated[
        str | None, typer.Option("--encoding", metavar="NAME", help="Of a text file that is not UTF-8, such as cp949.")
    ] = None,
    unit: options.Unit = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns", metavar="NAME=HEADING,...", help="Headings of a CSV that are not found: length=L,width=W."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse items that fit no bin; else they are listed and left out.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object in place of the table.")] = False,
    placements: Annotated[
        Path | None,
        typer.Option("--placements", metavar="FILE.csv", help="Write item, turn and place of each box, in order."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the pictures.")] = Path(),
) -> None:
    """Pack a file of items into one bin, or into several.

    Prints a table and the utilization, and writes an HTML and a PNG picture of each bin.
    """
    if heuristic is not None and agent is not None:
        raise typer.BadParameter("give either --heuristic or --agent, not both")
    most = number_of_bins(bins)
    options.output_folder("--out", out)
    if placements is not None:
        options.output_folder("--placements", placements.parent)
        if placements.is_dir():
            raise typer.BadParameter(f"{placements} is a folder, expected a file", param_hint="--placements")
    with options.option("--columns"):
        headings = None if columns is None else parse_columns(columns)
    with options.option("--unit"):
        unit = None if unit is None else unit_name(unit, "unit")
    bare = unit or bin_unit(bin_size) or "cm"
    catalogue = (
        korea_post_parcels(cell or "1cm")
        if items == "korea_post"
        else read_catalogue(items, cell=cell, problem=problem, unit=bare, encoding=encoding, columns=headings)
    )
    packer, base = load_packer(agent or heuristic or DEFAULT)
    if base is None:
        # everything there is to pack lies on the floor beside the bin: turn it as you like, take what fits best
        rotation, visible = rotation or "all", visible if visible is not None else 10
    spent = filling.limit(seconds, tries, named=agent is not None or heuristic is not None)
    config = pack_config(
        catalogue, base, bin_size, cell, unit=unit, visible=visible, rotation=rotation, support=support
    )
    fitting = fits(catalogue.edges, catalogue.upright, config.bin_size, config.rotation)
    if strict or not fitting.any():
        check_fits(catalogue, config.bin_size, config.rotation, cell)
    room = catalogue.container_lengths if bin_size is None else bin_lengths(bin_size, cell, unit or "cm")
    assumed = lengths.assumed(catalogue, bin_size, cell, unit)
    load = filling.Load(catalogue, config, fitting, most, seed)
    done = [replace(each, room=room, assumed=assumed) for each in filling.fill(packer, load)]
    if not spent.none:
        done = filling.improve(done, load, spent)
    # first what is kept: who reads the lines may stop reading
    pictures = write_pictures(done, out)
    if placements is not None:
        packed.write_placements(placements, done, bare)
    say(done, pictures, placements, as_json=as_json)


def pack_config(
    catalogue: Catalogue, base: EnvConfig | None, bin_size: str | None, cell: str | None, **settings: Any
) -> EnvConfig:
    """Return the bin and the rules: as typed, else the bin that came with the items.

    Args:
        catalogue: the items.
        base: where the settings that were not given come from.
        bin_size: as typed.
        cell: as typed.
        **settings: for ``options.env_settings``.

    Raises:
        typer.BadParameter: there is no bin, or an option is wrong.
    """
    if bin_size is not None:
        given = options.env_settings(bin_size=bin_size, cell=cell, **settings)
        return options.environment(given, base, read_items=False)
    if catalogue.container is None:
        problem = f"{catalogue.source} names no bin: expected one, {options.BIN_EXAMPLE}"
        raise typer.BadParameter(problem, param_hint="--bin")
    # the container is in cells already
    given = options.env_settings(bin_size="x".join(map(str, catalogue.container)), **settings)
    return options.environment(given, base, read_items=False).model_copy(update={"cell": cell})


def evaluate(
    agent: Annotated[
        str,
        typer.Option("--agent", metavar="NAME|FOLDER", help="A heuristic, a shipped agent or a trained one's folder."),
    ],
    streams: Annotated[
        Path | None, typer.Option("--streams", metavar="FILE.npz", help="Stored streams of items.")
    ] = None,
    items: options.Items = None,
    n: Annotated[
        int, typer.Option("--n", metavar="N", min=1, max=100_000, help="How many streams to draw from --items.")
    ] = 100,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Of the streams, and of random choices.")] = 0,
    bin_size: options.Bin = None,
    cell: options.Cell = None,
    unit: options.Unit = None,
    visible: options.Visible = None,
    rotation: options.Rotation = None,
    support: options.SupportRule = None,
    lookahead: Annotated[
        bool, typer.Option("--lookahead", help="Simulate sampled futures; slow, for several visible items.")
    ] = False,
    one_line: Annotated[bool, typer.Option("--json", help="The JSON object on one line.")] = False,
) -> None:
    """Let an agent or a heuristic pack many streams.

    Prints one JSON object.
    """
    if streams is not None and items is not None:
        raise typer.BadParameter("give either --streams or --items, not both")
    stored = Streams.load(streams) if streams is not None else None
    player, base = load_packer(agent)
    items = items if streams is None else str(streams)
    given = options.env_settings(
        items=items, bin_size=bin_size, cell=cell, unit=unit, visible=visible, rotation=rotation, support=support
    )
    config = options.environment(given, base, own_bin=True)
    lengths.say_assumed(config, given, base, err=True)

    from binpack.agents import evaluation

    drawn = evaluation.make_streams(config, n, seed) if stored is None else stored
    # a file holds the very streams to come: what the agent was trained on is all that it may know of them
    foreseen = config if stored is None else base
    if lookahead:
        result = play_ahead(agent, player, foreseen, drawn, config, seed)
    else:
        result = filling.play(player, drawn, config, seed)
    answer = {
        "utilization_mean": round(result.mean, 6),
        "utilization_ci": [round(end, 6) for end in result.ci] if len(drawn) > 1 else None,
        "items_mean": round(float(result.packed.mean()), 6),
        "streams": len(drawn),
        "seconds": round(result.seconds, 3),
    }
    typer.echo(json.dumps(answer, indent=None if one_line else 2))


def load_packer(name: str) -> tuple[Agent, EnvConfig | None]:
    """Return the agent of a name, and the environment that it was trained in, if any.

    Args:
        name: see ``find_agent``.

    Raises:
        ValueError: there is none; one line.
    """
    from binpack.agents.named import find_agent

    agent = find_agent(name)
    trained = getattr(agent, "config", None)
    return agent, None if trained is None else trained.env


def number_of_bins(text: str) -> int | None:
    """Return how many bins there are at most; None for ``all``.

    Raises:
        typer.BadParameter: another text.
    """
    if text.strip().lower() == "all":
        return None
    try:
        return whole(text, "bins")
    except InputError:
        raise typer.BadParameter(f"{text!r}: expected a number from 1 up, or all", param_hint="--bins") from None


def say(done: Sequence[Packed], pictures: list[Path], placements: Path | None, *, as_json: bool) -> None:
    """Print what was packed, where it is kept, and what a person should know of it.

    Args:
        done: what was packed, one bin or more.
        pictures: files that were written.
        placements: another one, or None.
        as_json: one JSON object in place of lines.
    """
    last = done[-1]
    outside = int(np.where(last.fitting, 0, last.left).sum())
    if outside:
        those = "1 item fits" if outside == 1 else f"{outside} items fit"
        are = "is" if outside == 1 else "are"
        problem = f"{those} the empty bin in no permitted orientation and {are} left out (--strict refuses this)"
        typer.echo(f"binpack: warning: {problem}", err=True)
    if coarse := lengths.too_coarse(done[0]):
        typer.echo(f"binpack: warning: {terminal(coarse)}", err=True)
    if as_json:
        files = {"pictures": [*map(str, pictures)], "placements": None if placements is None else str(placements)}
        typer.echo(json.dumps({**packed.as_json(done), **files}))
        return
    if last.assumed:
        typer.echo(terminal(f"assumed: {last.assumed}"))
    for note in last.catalogue.notes:
        typer.echo(terminal(f"note: {note}"))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in packed.lines(done, width):
        typer.echo(line)
    for path in pictures:
        typer.echo(terminal(f"picture: {path}"))
    if placements is not None:
        typer.echo(terminal(f"placements: {placements}"))
    for line in without_letters([label for each in done for label in each.labels]):
        typer.echo(line)


def play_ahead(
    name: str, packer: Agent, foreseen: EnvConfig | None, streams: Streams, config: EnvConfig, seed: int
) -> Evaluation:
    """Evaluate an agent that looks ahead; on a terminal a bar shows how many bins are done.

    Args:
        name: what the agent was called.
        packer: a trained agent.
        foreseen: whose items the sampled futures are made of.
        streams: the items.
        config: bin, visible items, rotation and support rule.
        seed: of the futures, and of agents that act at random.

    Raises:
        typer.BadParameter: the agent was not trained.
    """
    from tqdm import tqdm

    from binpack.agents.lookahead import Lookahead
    from binpack.agents.store import PPOAgent

    if not isinstance(packer, PPOAgent):
        raise typer.BadParameter(f"needs a trained agent, {name} is a heuristic", param_hint="--lookahead")
    with tqdm(total=len(streams), unit="bin", delay=2, leave=False, disable=not sys.stderr.isatty()) as bar:
        return filling.play(_Watched(Lookahead(packer, foreseen), bar), streams, config, seed)


class _Watched:
    """An agent, and a bar of how many bins are done."""

    def __init__(self, agent: Agent, bar: tqdm) -> None:
        self._agent, self._bar = agent, bar
        self._batch: PackingBatch | None = None
        self._before = 0

    def act(self, batch: PackingBatch, rng: np.random.Generator) -> NDArray:
        """Return the agent's actions."""
        if self._batch is not batch:
            self._before += self._batch.n if self._batch is not None else 0
            self._batch = batch
        self._bar.update(self._before + int(batch.done.sum()) - self._bar.n)
        return self._agent.act(batch, rng)


def without_letters(labels: Sequence[str]) -> list[str]:
    """Say in a line which letters of the names no font here has, if there are any: the still picture lacks them."""
    from binpack.plots import letters

    lacking = letters.missing("".join(terminal(label) for label in labels))
    shown = lacking if len(lacking) <= 12 else lacking[:12] + "..."
    mend = "for Korean: sudo apt install fonts-nanum; the HTML picture shows them"
    return [f"note: no font here has {shown}, which the PNG shows as boxes ({mend})"] if lacking else []


def write_pictures(bins: Sequence[Packed], out: Path) -> list[Path]:
    """Write ``packed_bin.html`` (interactive, needs no network) and ``packed_bin.png``; return their paths.

    Of several bins each has its own, ``packed_bin_1.html`` and so on, and a name has one colour in all of them.
    Pictures of an earlier packing that had other bins are removed: they would pass for bins of this one.
    """
    from binpack.plots import viewer

    out.mkdir(parents=True, exist_ok=True)
    names = {label for done in bins for label in done.labels}
    paths = []
    for number, done in enumerate(bins, start=1):
        size, labels = done.config.bin_size, done.labels
        name = "packed_bin" + (f"_{number}" if len(bins) > 1 else "")
        interactive = viewer.plotly_packing(done.boxes, size, labels, names=names)
        paths.append(viewer.write_html(out / f"{name}.html", interactive))
        still = viewer.matplotlib_packing(done.boxes, size, labels, names=names)
        paths.append(viewer.write_png(out / f"{name}.png", still))
    for path in out.glob("packed_bin*"):
        if re.fullmatch(r"packed_bin(_[1-9]\d*)?\.(html|png)", path.name) and path not in paths:
            path.unlink()
    return paths
