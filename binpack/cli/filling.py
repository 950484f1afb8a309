"""How ``pack`` fills bin after bin: in one pass, and then by a search for what is better."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import typer
from numpy.typing import NDArray

from binpack.cli import options
from binpack.cli.packed import Packed, Searched
from binpack.files import InputError
from binpack.items.catalogue import Catalogue
from binpack.items.streams import Streams
from binpack.items.units import whole

if TYPE_CHECKING:
    from binpack.agents.agent import Agent
    from binpack.agents.evaluation import Evaluation
    from binpack.env.config import EnvConfig

SECONDS = 5.0
"""How long ``pack`` searches where nothing is said."""
MAX_SECONDS = 1_000_000.0


@dataclass(frozen=True)
class Load:
    """What there is to pack, and by which rules.

    Attributes:
        catalogue: The items.
        config: Bin and rules.
        fitting: Which kinds fit the empty bin, bool (kinds,); the others are left out.
        most: How many bins there are; None for as many as it takes.
        seed: Shuffles the items; None for the file's order.
    """

    catalogue: Catalogue
    config: EnvConfig
    fitting: NDArray
    most: int | None = 1
    seed: int | None = None

    def order(self) -> NDArray:
        """Return the kind of each item, in the order in which they come, integers (n,)."""
        quantity = np.where(self.fitting, self.catalogue.quantity, 0)
        order = np.repeat(np.arange(len(self.catalogue.edges)), quantity)
        return order if self.seed is None else np.random.default_rng(self.seed).permutation(order)

    def stream(self, order: NDArray) -> Streams:
        """Return items of these kinds as one stream."""
        return Streams(self.catalogue.edges[order][None], np.array([len(order)]), self.catalogue.upright[order][None])


@dataclass(frozen=True)
class Limit:
    """How long to search for better packings.

    Attributes:
        seconds: So long for all bins together; None where tries are counted.
        tries: So many tries for each bin, the last number for all further ones; empty where time counts.
    """

    seconds: float | None = None
    tries: tuple[int, ...] = ()

    @property
    def none(self) -> bool:
        """Whether there is nothing to search."""
        return not self.seconds and not any(self.tries)

    def of_bin(self, number: int) -> int | None:
        """Return the number of tries for a bin, counted from 0; None where time counts."""
        return self.tries[min(number, len(self.tries) - 1)] if self.tries else None


def limit(seconds: float | None, tries: str | None, *, named: bool) -> Limit:
    """Return how long to search.

    Args:
        seconds: as typed.
        tries: as typed: a number, or one for each bin.
        named: whether a packer was named, which then packs in one pass if nothing else is said.

    Raises:
        typer.BadParameter: both were given, or one is wrong.
    """
    if seconds is not None and tries is not None:
        raise typer.BadParameter("give either --seconds or --tries, not both")
    if tries is not None:
        try:
            return Limit(None, tuple(whole(each, "tries", least=0) for each in tries.split(",")))
        except InputError:
            expected = "expected a number from 0 up, or one for each bin, such as 41,63"
            raise typer.BadParameter(f"{tries!r}: {expected}", param_hint="--tries") from None
    if seconds is not None and not 0 <= seconds <= MAX_SECONDS:
        problem = f"{seconds:g}: expected seconds from 0 to {MAX_SECONDS:,.0f}"
        raise typer.BadParameter(problem, param_hint="--seconds")
    return Limit((0.0 if named else SECONDS) if seconds is None else seconds)


def play(
    packer: Agent, streams: Streams, config: EnvConfig, seed: int, watch: Callable[[int], None] | None = None
) -> Evaluation:
    """Evaluate with as many bins side by side as there is room for."""
    from binpack.agents import evaluation

    side_by_side = max(1, min(options.SIDE_BY_SIDE, options.MAX_CELLS // config.actions))
    return evaluation.evaluate(packer, streams, config, seed=seed, batch=side_by_side, watch=watch)


def fill(packer: Agent, load: Load) -> list[Packed]:
    """Pack items into bin after bin, in one pass, and verify the result.

    Args:
        packer: who packs.
        load: the items and the rules.

    Returns:
        The bins, at least one; none but the first is empty.
    """
    from tqdm import tqdm

    order, offered = load.order(), load.catalogue.quantity
    total = len(order)
    bins: list[Packed] = []
    with tqdm(total=total, unit="item", delay=2, leave=False, disable=not sys.stderr.isatty()) as bar:

        def watch(seen: int) -> None:
            bar.update(total - len(order) + seen - bar.n)

        while len(order) and (load.most is None or len(bins) < load.most):
            result = play(packer, load.stream(order), load.config, load.seed or 0, watch)
            boxes, positions = result.boxes[0], result.positions[0]
            if bins and not len(boxes):
                break
            bins.append(Packed(boxes, order[positions], load.fitting, load.catalogue, load.config, offered))
            offered, order = bins[-1].left, np.delete(order, positions)
    return bins


def improve(bins: Sequence[Packed], load: Load, spent: Limit) -> list[Packed]:
    """Search for better packings of the bins, one after the other.

    Args:
        bins: what one pass packed.
        load: the items and the rules.
        spent: how long to search; seconds are shared out among the bins of the pass.

    Returns:
        The bins, with what was searched for; those of the pass where they are as good.
    """
    if not bins[-1].left[load.fitting].any() and len(bins) == _fewest(load):
        return list(bins)
    worth = worth_of(load.catalogue, bins[0].room)
    done: list[Packed] = []
    tries: list[int] = []
    order, offered = load.order(), load.catalogue.quantity
    with _bar(spent, len(bins)) as show:
        while len(order) and (load.most is None or len(done) < load.most):
            found, number = _improve_one(bins, done, load, order, worth, spent, show)
            tries.append(number)
            if found is None:
                break
            boxes, positions = found
            done.append(replace(bins[0], boxes=boxes, kinds=order[positions], offered=offered))
            offered, order = done[-1].left, np.delete(order, positions)
    searched = Searched(load.seed or 0, tuple(tries), tuple(bins), load.seed is not None)
    best = done if _rank(done, worth, bins) > _rank(bins, worth, bins) else list(bins)
    return [replace(each, searched=searched) for each in best]


_Show = Callable[[int, int, float], None]


def _improve_one(
    bins: Sequence[Packed],
    done: Sequence[Packed],
    load: Load,
    order: NDArray,
    worth: NDArray,
    spent: Limit,
    show: _Show,
) -> tuple[tuple[NDArray, NDArray] | None, int]:
    """Search for a packing of the next bin.

    Returns:
        Boxes and positions, None where there are none, and the number of tries.
    """
    from binpack.agents.improving import Budget
    from binpack.agents.improving import improve as improve_bin

    number = len(done)
    boxes, positions = np.zeros((0, 6), np.int32), np.zeros(0, np.int64)
    same = number < len(bins) and all(a.boxes is b.boxes for a, b in zip(done, bins, strict=False))
    if same:
        # so far the bins are those of the pass, and so is what is left
        boxes, positions = bins[number].boxes, _positions(bins[number].kinds, order)
    tries = spent.of_bin(number)
    seconds = None if spent.seconds is None else spent.seconds / len(bins)
    better = improve_bin(
        load.stream(order),
        load.config,
        boxes,
        positions,
        Budget(seconds, tries),
        seed=load.seed or 0,
        values=worth[order],
        watch=lambda tried, passed: show(number, tried, passed),
    )
    return ((better.boxes, better.positions) if len(better.boxes) else None), better.tries


def _positions(kinds: NDArray, order: NDArray) -> NDArray:
    """Return positions of items of these kinds in an order, each once, integers (n,)."""
    by_kind = np.argsort(order, kind="stable")
    rows = np.argsort(kinds, kind="stable")
    first = np.searchsorted(order[by_kind], kinds[rows])
    nth = np.arange(len(kinds)) - np.searchsorted(kinds[rows], kinds[rows])
    positions = np.empty(len(kinds), np.int64)
    positions[rows] = by_kind[first + nth]
    return positions


def worth_of(catalogue: Catalogue, room: tuple[float, float, float] | None) -> NDArray:
    """Return what an item of each kind is worth, its true volume, or its cells where it has none, float64 (kinds,)."""
    if room is not None and catalogue.lengths is not None:
        return catalogue.lengths.prod(axis=1)
    return catalogue.edges.astype(np.int64).prod(axis=1).astype(float)


def _fewest(load: Load) -> int:
    """Return how many bins the items take at least."""
    cells = load.catalogue.edges.astype(np.int64).prod(axis=1) * load.catalogue.quantity
    return max(1, -(-int(cells[load.fitting].sum()) // load.config.volume))


def _rank(bins: Sequence[Packed], worth: NDArray, pass_: Sequence[Packed]) -> tuple:
    """Return what makes bins better than others: worth more, without fewer cells; fewer bins; the first ones fuller."""
    values = [round(float(worth[each.kinds].sum()), 6) for each in bins]
    cells = sum(each.utilization for each in bins)
    fine = cells >= sum(each.utilization for each in pass_) - 1e-9
    return fine, round(sum(values), 6), -len(bins), values


@contextmanager
def _bar(spent: Limit, bins: int) -> Iterator[_Show]:
    """Show on a terminal how far the search is, in seconds or in tries of each bin."""
    from tqdm import tqdm

    by_time = spent.seconds is not None
    total = spent.seconds if by_time else (spent.of_bin(0) or 0) * bins
    form = "search {percentage:3.0f}% |{bar}| {elapsed} {postfix}"
    with tqdm(total=total, bar_format=form, delay=1, leave=False, disable=not sys.stderr.isatty()) as bar:

        def show(number: int, tried: int, passed: float) -> None:
            each = (spent.seconds or 0) / bins if by_time else spent.of_bin(number) or 0
            at = number * each + (min(passed, each) if by_time else tried)
            bar.set_postfix_str(f"bin {number + 1}, {tried} tries", refresh=False)
            bar.update(min(at, total or 0) - bar.n)

        yield show
