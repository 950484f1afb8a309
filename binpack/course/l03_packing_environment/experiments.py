"""The experiments of lesson 03: a race, masks beside the environment's, one bin beside many, spoiled packings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from binpack.agents.evaluation import make_streams
from binpack.core import placement
from binpack.env.config import EnvConfig
from binpack.env.single import BinPackingEnv
from binpack.env.vector import BinPackingVecEnv

LOOPS, ONE_BY_ONE, AT_ONCE = "loops", "numpy, bin by bin", "numpy, all bins at once"


class Race(NamedTuple):
    """Three ways to the same landing heights."""

    speeds: dict[str, dict[int, float]]
    """Name of a way to number of bins to its speed, as a multiple of the loops'."""
    places: int
    """How many landing heights each way found for the most bins."""
    difference: int
    """Largest difference between the ways."""


def race(by_loops: Callable, by_windows: Callable, bins: Sequence[int] = (1, 4, 16, 64, 256)) -> Race:
    """Time three ways to the landing heights of one box in many bins of 10 x 10 cells.

    What counts is the processor's time, which other programs on the machine disturb less than the clock's.

    Args:
        by_loops: the learner's ``landing_height``.
        by_windows: the learner's ``landing_heights``.
        bins: numbers of bins.
    """
    item = (3, 4, 2)
    rows, columns = 10 - item[0] + 1, 10 - item[1] + 1
    maps = np.random.default_rng(0).integers(0, 8, (max(bins), 10, 10)).astype(np.int16)
    ways: dict[str, Callable[[NDArray], NDArray]] = {
        LOOPS: lambda some: np.array(
            [[[by_loops(one, item, x, y) for y in range(columns)] for x in range(rows)] for one in some]
        ),
        ONE_BY_ONE: lambda some: np.array([by_windows(one, item) for one in some]),
        AT_ONCE: lambda some: placement.landing_heights(some, np.tile(np.array(item), (len(some), 1, 1)))[
            :, 0, :rows, :columns
        ],
    }
    times = {name: {count: _seconds(way, maps[:count]) for count in bins} for name, way in ways.items()}
    speeds = {
        name: {count: times[LOOPS][count] / seconds for count, seconds in line.items()}
        for name, line in times.items()
        if name != LOOPS
    }
    found = [way(maps).astype(int) for way in ways.values()]
    return Race(speeds, found[0].size, max(int(np.abs(found[0] - other).max()) for other in found[1:]))


def _seconds(way: Callable, maps: NDArray) -> float:
    """Shortest of three times, in seconds."""
    times = []
    for _ in range(3):
        start = time.process_time()
        way(maps)
        times.append(time.process_time() - start)
    return min(times)


def on_the_map(mask: Callable, heights: NDArray, items: NDArray, share: float) -> NDArray:
    """Put masks of several boxes, each as large as there are places for it, on maps of one size.

    Args:
        mask: the learner's ``fraction_mask``.
        heights: the height map, integers, (L, W).
        items: oriented edges, integers, (K, 3).
        share: smallest share that is enough.

    Returns:
        bool, (K, L, W), False where the base would stick out or the item has no edges.
    """
    whole = np.zeros((len(items), *heights.shape), bool)
    for candidate, item in enumerate(np.asarray(items).tolist()):
        places = heights.shape[0] - item[0] + 1, heights.shape[1] - item[1] + 1
        if min(places) > 0 and min(item) > 0:
            whole[candidate, : places[0], : places[1]] = mask(heights, tuple(item), share)
    return whole


class Compared(NamedTuple):
    """Masks of one's own beside the environment's, over an episode."""

    steps: int
    """Masks that were compared."""
    actions: int
    """Actions that they spoke about."""
    legal: int
    """Actions that the environment calls legal."""
    differing: int
    """Actions on which the two do not agree."""


def compare_masks(fraction_mask: Callable, action_mask: Callable, *, share: float = 0.8, seed: int = 0) -> Compared:
    """Play an episode by chance, and compare masks that are worked out from the observations with the environment's.

    Args:
        fraction_mask: the learner's function.
        action_mask: the learner's function.
        share: of the support rule ``fraction``.
        seed: of the environment and of the player.
    """
    env = BinPackingEnv(config=EnvConfig(rotation="z", support=f"fraction:{share:g}"))
    size, rng = np.array(env.config.bin_size), np.random.default_rng(seed)
    observation, _ = env.reset(seed=seed)
    steps = actions = legal = differing = 0
    terminated = False
    while not terminated:
        pile = np.rint(observation["heights"] * size[2]).astype(int)
        edges = np.rint(observation["edges"] * size).astype(int)
        landing = placement.landing_heights(pile[None], edges[None])[0]
        yours = action_mask(landing, edges, int(size[2]), on_the_map(fraction_mask, pile, edges, share))
        theirs = env.action_masks()
        steps, actions, legal = steps + 1, actions + len(theirs), legal + int(theirs.sum())
        differing += int((yours != theirs).sum())
        observation, _, terminated, _, _ = env.step(int(rng.choice(np.flatnonzero(theirs))))
    return Compared(steps, actions, legal, differing)


class Played(NamedTuple):
    """The same bins, packed one by one and side by side."""

    steps: int
    """Steps that were played, all bins together."""
    episodes: int
    """Episodes that ended."""
    difference: float
    """Largest difference between the two in any observation."""
    reward_difference: float
    """Largest difference between the two in any reward."""
    faster: float
    """How many times as fast the bins side by side were, in the processor's time."""


def play_both(config: EnvConfig, *, bins: int = 32, steps: int = 40, seed: int = 7) -> Played:
    """Play the same actions in single environments and in the batch that training uses.

    Args:
        config: bin, items and rules.
        bins: how many bins there are.
        steps: how many steps each plays.
        seed: of the environments and of the player.
    """
    batch = BinPackingVecEnv(config, n_envs=bins, seed=seed)
    singles = [BinPackingEnv(config=config) for _ in range(bins)]
    rng, clocks = np.random.default_rng(seed), [0.0, 0.0]
    seen = batch.reset()
    alone = [single.reset(seed=seed + row)[0] for row, single in enumerate(singles)]
    difference, apart, episodes = _apart(seen, alone), 0.0, 0
    for _ in range(steps):
        actions = np.array([rng.choice(np.flatnonzero(mask)) for mask in batch.action_masks()])
        start = time.process_time()
        batch.step_async(actions)
        seen, rewards, dones, _ = batch.step_wait()
        middle = time.process_time()
        own_rewards = [
            _step(single, int(action), alone, row)
            for row, (single, action) in enumerate(zip(singles, actions, strict=True))
        ]
        clocks[0] += middle - start
        clocks[1] += time.process_time() - middle
        episodes += int(dones.sum())
        difference = max(difference, _apart(seen, alone))
        apart = max(apart, float(np.abs(rewards - own_rewards).max()))
    return Played(bins * steps, episodes, difference, apart, clocks[1] / clocks[0])


def _step(single: BinPackingEnv, action: int, alone: list[dict[str, NDArray]], row: int) -> float:
    """Step one environment, start it anew if its episode has ended, and keep what is seen then."""
    alone[row], reward, terminated, _, _ = single.step(action)
    if terminated:
        alone[row] = single.reset()[0]
    return reward


def _apart(seen: Mapping[str, NDArray], alone: Sequence[Mapping[str, NDArray]]) -> float:
    """Largest difference between observations of a batch and of single environments."""
    return max(float(np.abs(seen[name] - np.stack([one[name] for one in alone])).max()) for name in seen)


def candidates(heights: NDArray, items: NDArray, *, bin_height: int, support: str = "corners") -> placement.Candidates:
    """Lay out what a score is given: one item in its orientations, for each of several bins.

    Args:
        heights: height maps, integers, (B, L, W).
        items: the item's oriented edges, integers, (K, 3).
        bin_height: height of the bins, in cells.
        support: the support rule.
    """
    each = np.repeat(items[None], len(heights), axis=0)
    return placement.Candidates(heights, each, *placement.feasible(heights, each, bin_height, support), bin_height)


def describe_sources(configs: Mapping[str, EnvConfig], *, n: int = 100, seed: int = 1) -> list[str]:
    """Say what sources of items deliver, in lines of a table.

    Args:
        configs: name to a config with that source.
        n: how many streams are drawn of each.
        seed: of the draw.
    """
    lines = [f"{'source':<12} {'items per stream':>16}  {'volume of items / bin':>21}  first items"]
    for name, config in configs.items():
        streams = make_streams(config, n, seed=seed)
        volume = streams.items.prod(axis=2).sum(axis=1).mean() / config.volume
        first = ", ".join("x".join(map(str, item)) for item in streams.items[0, :3].tolist())
        lines.append(f"{name:<12} {streams.lengths.mean():>16.1f}  {volume:>21.2f}  {first}")
    return lines


def spoil(packing: NDArray) -> dict[str, NDArray]:
    """Make three wrong packings out of a right one, and mix it with them.

    Args:
        packing: placed boxes in the order of placing, integers, (n, 6).

    Returns:
        Letter to boxes: A with the last box lifted by one cell, B in the reversed order, C as it was, D with the
        second box at the place of the first.
    """
    lifted, moved = packing.copy(), packing.copy()
    lifted[-1, 2] += 1
    moved[1, :3] = moved[0, :3]
    return {"A": lifted, "B": packing[::-1], "C": packing, "D": moved}
