"""``pack`` and ``evaluate``: a file of items into one bin, and an agent over many streams of items."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from binpack.cli import options
from binpack.items.catalogue import Catalogue, check_fits, korea_post_parcels, read_catalogue
from binpack.items.streams import Streams
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
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", min=0, help="Shuffle the items; default: the file's order.")
    ] = None,
    problem: Annotated[int, typer.Option("--problem", metavar="N", min=1, help="Problem of an OR-Library file.")] = 1,
    encoding: Annotated[
        str | None, typer.Option("--encoding", metavar="NAME", help="Of a text file that is not UTF-8, such as cp949.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the two pictures.")] = Path(),
) -> None:
    """Pack a file of items into one bin.

    Prints a table and the utilization, and writes an HTML and a PNG picture.
    """
    if heuristic is not None and agent is not None:
        raise typer.BadParameter("give either --heuristic or --agent, not both")
    options.output_folder("--out", out)
    catalogue = (
        korea_post_parcels(cell or "1cm")
        if items == "korea_post"
        else read_catalogue(items, cell=cell, problem=problem, encoding=encoding)
    )
    if bin_size is None:
        if catalogue.container is None:
            raise typer.BadParameter(f"{items} names no bin: expected one, {options.BIN_EXAMPLE}", param_hint="--bin")
        bin_size, cell = "x".join(map(str, catalogue.container)), None  # the container is in cells already
    packer, base = load_packer(agent or heuristic or DEFAULT)
    if base is None:
        # everything there is to pack lies on the floor beside the bin: turn it as you like, take what fits best
        rotation, visible = rotation or "all", visible if visible is not None else 10
    given = options.env_settings(bin_size=bin_size, cell=cell, visible=visible, rotation=rotation, support=support)
    config = options.environment(given, base, read_items=False)
    check_fits(catalogue, config.bin_size, config.rotation)
    boxes, kinds = pack_catalogue(packer, catalogue, config, seed)
    for line in report(boxes, kinds, catalogue, config):
        typer.echo(terminal(line))
    labels = [catalogue.names[kind] for kind in kinds]
    for path in write_pictures(boxes, labels, config, out):
        typer.echo(terminal(f"picture: {path}"))
    for line in without_letters(labels):
        typer.echo(line)


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
        items=items, bin_size=bin_size, cell=cell, visible=visible, rotation=rotation, support=support
    )
    config = options.environment(given, base)

    from binpack.agents import evaluation

    drawn = evaluation.make_streams(config, n, seed) if stored is None else stored
    # a file holds the very streams to come: what the agent was trained on is all that it may know of them
    foreseen = config if stored is None else base
    if lookahead:
        result = play_ahead(agent, player, foreseen, drawn, config, seed)
    else:
        result = play(player, drawn, config, seed)
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


def pack_catalogue(
    packer: Agent, catalogue: Catalogue, config: EnvConfig, seed: int | None
) -> tuple[NDArray, list[int]]:
    """Pack all items of a catalogue into one bin and verify the result.

    Returns:
        Boxes in order of placing, int, (n, 6): x, y, z, l, w, h, in cells. And which kind of item each is, from 0.
    """
    order = np.repeat(np.arange(len(catalogue.edges)), catalogue.quantity)
    if seed is not None:
        order = np.random.default_rng(seed).permutation(order)
    stream = Streams(catalogue.edges[order][None], np.array([len(order)]), catalogue.upright[order][None])
    result = play(packer, stream, config, seed or 0)
    return result.boxes[0], order[result.positions[0]].tolist()


def play(packer: Agent, streams: Streams, config: EnvConfig, seed: int) -> Evaluation:
    """Evaluate with as many bins side by side as there is room for."""
    from binpack.agents import evaluation

    side_by_side = max(1, min(options.SIDE_BY_SIDE, options.MAX_CELLS // config.actions))
    return evaluation.evaluate(packer, streams, config, seed=seed, batch=side_by_side)


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
        return play(_Watched(Lookahead(packer, foreseen), bar), streams, config, seed)


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


def report(boxes: NDArray, kinds: list[int], catalogue: Catalogue, config: EnvConfig) -> list[str]:
    """Return the table of placed boxes and the summary as lines of text; lengths are in cells."""
    rows = [("item", "name", "edges", "position")]
    for number, (kind, box) in enumerate(zip(kinds, boxes.tolist(), strict=True), start=1):
        rows.append(
            (str(number), terminal(catalogue.names[kind]), "x".join(map(str, box[3:])), ",".join(map(str, box[:3])))
        )
    lines = columns(rows)
    volume = int(boxes[:, 3:].prod(axis=1, dtype=np.int64).sum())
    size = "x".join(map(str, config.bin_size)) + " cells" + (f" of {config.cell}" if config.cell else "")
    lines.append(f"utilization {volume / config.volume:.4f} of a bin of {size}")
    left = (catalogue.quantity - np.bincount(np.asarray(kinds, int), minlength=len(catalogue.names))).tolist()
    rest = ", ".join(f"{count} x {name}" for count, name in zip(left, catalogue.names, strict=True) if count)
    lines.append(f"{len(boxes)} of {catalogue.total} items packed, {sum(left)} left over{': ' if rest else ''}{rest}")
    return lines


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of text as lines, in columns of a width; a Korean letter takes the room of two others."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    padded = ([text + " " * (w - cell_len(text)) for text, w in zip(row, widths, strict=True)] for row in rows)
    return ["  ".join(row).rstrip() for row in padded]


def without_letters(labels: Sequence[str]) -> list[str]:
    """Say in a line which letters of the names no font here has, if there are any: the still picture lacks them."""
    from binpack.plots import letters

    lacking = letters.missing("".join(terminal(label) for label in labels))
    shown = lacking if len(lacking) <= 12 else lacking[:12] + "..."
    mend = "for Korean: sudo apt install fonts-nanum; the HTML picture shows them"
    return [f"note: no font here has {shown}, which the PNG shows as boxes ({mend})"] if lacking else []


def write_pictures(boxes: NDArray, labels: list[str], config: EnvConfig, out: Path) -> list[Path]:
    """Write ``packed_bin.html`` (interactive, needs no network) and ``packed_bin.png``; return their paths."""
    from binpack.plots import viewer

    out.mkdir(parents=True, exist_ok=True)
    size: Any = config.bin_size
    return [
        viewer.write_html(out / "packed_bin.html", viewer.plotly_packing(boxes, size, labels)),
        viewer.write_png(out / "packed_bin.png", viewer.matplotlib_packing(boxes, size, labels)),
    ]
