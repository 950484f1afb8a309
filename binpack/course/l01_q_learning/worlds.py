"""Worlds so small that a table holds all about them: a maze, and a tiny bin with the package's own packing rules.

Both are gymnasium environments whose observation is the number of a state. Both can also be solved exactly: `outcomes`
says what may follow each action and how likely, and `optimal_values` and `policy_value` compute from it, by dynamic
programming (Bellman, "Dynamic Programming", 1957), what no learner can beat and what a learner has reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from binpack.core import heuristics, placement
from binpack.core.placement import Candidates

MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""What the actions of the maze add to row and column: up, right, down, left."""

GRID = (
    "..1.#....",
    ".##.#.##.",
    ".#..S..#.",
    ".#.###.#.",
    ".....#...",
    "####...#3",
)
"""The maze of the lesson: start, walls, and two exits with what they pay."""

CUBE_AND_WALL = ((1, 1, 1), (1, 2, 2))
"""Items of the lesson's tiny bin: a unit cube and an upright wall, each next with probability 1/2."""

_MOST_MAPS = 1 << 20
"""Up to this many height maps a bin is still tiny: its table stays under 200 MB."""


class Outcomes(NamedTuple):
    """What may follow some actions; K outcomes each. As a `model`, the leading axes are all states and all actions."""

    probabilities: NDArray
    """How likely each outcome is, float64, (..., K)."""
    next_states: NDArray
    """The state after it, integers, (..., K)."""
    rewards: NDArray
    """What it pays, float64, (..., K)."""
    terminated: NDArray
    """Whether it ends the episode, bool, (..., K)."""


class TabularWorld(gym.Env[Any, Any]):
    """A world with numbered states and actions.

    An illegal action earns nothing and ends the episode (``info["illegal_action"]``), as in ``BinPackingEnv``.

    Args:
        possible: which actions are possible in which state, bool, (S, A); none in a state that ends an episode.

    Attributes:
        possible: the same.
        state: number of the present state.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - gymnasium's form

    def __init__(self, possible: NDArray) -> None:
        self.possible = possible
        self.observation_space = gym.spaces.Discrete(len(possible))
        self.action_space = gym.spaces.Discrete(possible.shape[1])
        self.state = 0

    def action_masks(self) -> NDArray:
        """Return which actions are possible now, bool, (A,). A copy."""
        return self.possible[self.state].copy()

    def new_table(self) -> NDArray:
        """Return a Q-table in which nothing is known: 0 where an action is possible, else -inf; float64, (S, A)."""
        return np.where(self.possible, 0.0, -np.inf)

    def start(self) -> tuple[NDArray, NDArray]:
        """Return the states in which an episode can begin, (n,), and their probabilities, (n,)."""
        raise NotImplementedError

    def outcomes(self, states: NDArray, actions: NDArray) -> Outcomes:
        """Say what may follow possible actions.

        Args:
            states: integers, (n,).
            actions: an action for each, possible there, integers, (n,).

        Returns:
            Arrays (n, K).
        """
        raise NotImplementedError

    def model(self) -> Outcomes:
        """Return what may follow every action in every state: arrays (S, A, K), all 0 where it is not possible."""
        states, actions = np.nonzero(self.possible)
        parts = []
        for known in self.outcomes(states, actions):
            part = np.zeros((*self.possible.shape, known.shape[1]), known.dtype)
            part[states, actions] = known
            parts.append(part)
        return Outcomes(*parts)


class Maze(TabularWorld):
    """A maze seen from above. The actions are up, right, down and left; whoever walks into a wall stays where he is.

    The state is ``row * columns + column``. An exit ends the episode and pays its number; nothing else pays. After
    ``max_steps`` steps the episode is truncated.

    Args:
        rows: one string a row: ``S`` start, ``.`` floor, ``#`` wall, a digit an exit.
        max_steps: steps after which an episode is cut off.

    Raises:
        ValueError: rows of different lengths, other characters, or not exactly one start.
    """

    def __init__(self, rows: Sequence[str] = GRID, max_steps: int = 200) -> None:
        cells = [cell for row in rows for cell in row]
        if len({len(row) for row in rows}) != 1 or not set(cells) <= set("S.#0123456789") or cells.count("S") != 1:
            raise ValueError("a maze needs rows of one length made of S (once), '.', '#' and digits")
        self.rows, self.max_steps = tuple(rows), max_steps
        shape = len(rows), len(rows[0])
        floor = np.array([cell in "S." for cell in cells])
        super().__init__(np.repeat(floor[:, None], len(MOVES), axis=1))
        self._next = np.array([[_walk(state, move, cells, shape) for move in MOVES] for state in range(len(cells))])
        self._pays = np.array([float(cell) if cell.isdigit() else 0.0 for cell in cells])
        self._start, self._steps = cells.index("S"), 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Return to the start. Nothing here is random, so the seed changes nothing."""
        super().reset(seed=seed)
        self.state, self._steps = self._start, 0
        return self.state, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """Walk one cell."""
        if not self.possible[self.state, action]:
            return self.state, 0.0, True, False, {"illegal_action": True}
        self._steps += 1
        self.state = int(self._next[self.state, action])
        terminated = not self.possible[self.state, 0]
        truncated = not terminated and self._steps >= self.max_steps
        return self.state, float(self._pays[self.state]), bool(terminated), truncated, {}

    def start(self) -> tuple[NDArray, NDArray]:
        """Return the one state in which an episode begins, and its probability 1."""
        return np.array([self._start]), np.ones(1)

    def outcomes(self, states: NDArray, actions: NDArray) -> Outcomes:
        """Return the one outcome of each action, arrays (n, 1); being cut off is not part of the world."""
        after = self._next[states, actions][:, None]
        return Outcomes(np.ones(after.shape), after, self._pays[after], ~self.possible[after, 0])


class TinyBin(TabularWorld):
    """Pack one small bin, item by item: ``BinPackingEnv`` with one visible item, small enough for a table.

    The state is height map and next item as one number, ``q_learning.state_number``. The action ``x * W + y`` lowers
    the item, never turned, with its lowest corner onto that cell; its whole base must rest (support rule ``full``). The
    reward is the item's share of the bin, so the return is the utilization. Every item is next with equal probability,
    and the episode ends when the next one fits nowhere.

    Args:
        bin_size: length, width and height, in cells.
        items: edges of the items, (n, 3), in cells.

    Attributes:
        bin_size: the same.
        items: the same, int64, (n, 3).
        maps: every height map, int16, (maps, L, W).

    Raises:
        ValueError: so many height maps that the bin is not tiny, or an item that does not fit the empty bin.
    """

    def __init__(
        self, bin_size: tuple[int, int, int] = (2, 2, 3), items: Sequence[Sequence[int]] = CUBE_AND_WALL
    ) -> None:
        length, width, height = self.bin_size = tuple(bin_size)
        count = (height + 1) ** (length * width)
        if count > _MOST_MAPS:
            raise ValueError(f"{length} x {width} cells of height 0 to {height} have {count:,} maps: too many to list")
        self.items = np.array(items)
        if not (self.items <= self.bin_size).all():
            raise ValueError("an item does not fit the empty bin")
        radix = (height + 1) ** np.arange(length * width)[::-1]
        cells = (np.arange(count)[:, None] // radix % (height + 1)).astype(np.int16)
        self.maps = cells.reshape(count, length, width)
        candidates = np.broadcast_to(self.items, (count, *self.items.shape))
        self._landing, mask = placement.feasible(self.maps, candidates, height, "full")
        after = np.zeros(mask.shape, np.int32)
        for number, item in enumerate(self.items):
            for x, y in np.ndindex(length - item[0] + 1, width - item[1] + 1):
                base = (np.arange(x, x + item[0])[:, None] * width + np.arange(y, y + item[1])).reshape(-1)
                rise = self._landing[:, number, x, y, None].astype(np.int64) + item[2] - cells[:, base]
                after[:, number, x, y] = np.arange(count) + rise @ radix[base]
        super().__init__(mask.reshape(-1, length * width))
        self._after = np.where(self.possible, after.reshape(self.possible.shape), 0)
        self._over: NDArray = np.logical_not(self.possible.any(axis=1))
        self._share = self.items.prod(axis=1) / (length * width * height)
        self._past: list[tuple[int, int]] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Empty the bin and draw an item; the seed seeds all items from here on."""
        super().reset(seed=seed)
        self.state, self._past = self._draw(), []
        return self.state, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """Place the item in hand and draw the next one."""
        state = self.state
        if not self.possible[state, action]:
            return state, 0.0, True, False, {"illegal_action": True}
        self._past.append((state, action))
        self.state = int(self._after[state, action]) * len(self.items) + self._draw()
        reward = float(self._share[state % len(self.items)])
        return self.state, reward, bool(self._over[self.state]), False, {}

    def boxes(self) -> NDArray:
        """Return the episode's placed boxes, int64, (n, 6): x, y, z, length, width, height."""
        placed = []
        for state, action in self._past:
            bin_map, item = divmod(state, len(self.items))
            x, y = divmod(int(action), self.bin_size[1])
            placed.append([x, y, int(self._landing[bin_map, item, x, y]), *self.items[item]])
        return np.array(placed, np.int64).reshape(-1, 6)

    def start(self) -> tuple[NDArray, NDArray]:
        """Return the empty bin with each item, and their equal probabilities."""
        count = len(self.items)
        return np.arange(count), np.full(count, 1 / count)

    def outcomes(self, states: NDArray, actions: NDArray) -> Outcomes:
        """Return one outcome for each item that may be next, arrays (n, K)."""
        count = len(self.items)
        after = self._after[states, actions][:, None] * count + np.arange(count)
        rewards = np.broadcast_to(self._share[states % count][:, None], after.shape)
        return Outcomes(np.full(after.shape, 1 / count), after, rewards, self._over[after])

    def candidates(self) -> Candidates:
        """Return what a heuristic sees in each state: a batch of all states with one item each."""
        count = len(self.items)
        states, floor = len(self.possible), self.bin_size[:2]
        items = np.broadcast_to(self.items, (len(self.maps), *self.items.shape)).reshape(states, 1, 3)
        landing, mask = (part.reshape(states, 1, *floor) for part in (self._landing, self.possible))
        return Candidates(np.repeat(self.maps, count, axis=0), items, landing, mask, self.bin_size[2])

    def _draw(self) -> int:
        return int(self.np_random.random() * len(self.items))


# ------------------------------------------------------------------------------------------------------ exact solutions


def optimal_values(world: TabularWorld, gamma: float) -> NDArray:
    """Compute the largest expected return from each state, by value iteration (Bellman, 1957).

    Args:
        world: a world in which a policy can collect rewards only finitely often, as both above.
        gamma: the discount, in [0, 1].

    Returns:
        float64, (S,); 0 where no action is possible.
    """
    states, actions = np.nonzero(world.possible)
    known = world.outcomes(states, actions)
    acting, first = np.unique(states, return_index=True)
    values = np.zeros(len(world.possible))
    while True:
        better = np.zeros(len(values))
        better[acting] = np.maximum.reduceat(_backup(known, values, gamma), first)
        if np.array_equal(better, values):
            return values
        values = better


def policy_value(world: TabularWorld, policy: NDArray, gamma: float) -> float:
    """Compute the expected return of a policy from the start, without playing.

    Args:
        world: as for `optimal_values`.
        policy: an action for each state, integers, (S,), -1 where none is possible; or its probabilities, (S, A).
        gamma: the discount, in [0, 1].

    Raises:
        ValueError: the policy takes an action where it is not possible.
    """
    if policy.ndim == 1:
        states = np.flatnonzero(policy >= 0)
        actions, weights = policy[states], np.ones(len(states))
    else:
        states, actions = np.nonzero(policy)
        weights = policy[states, actions]
    if not world.possible[states, actions].all():
        raise ValueError("the policy takes an action that is not possible")
    known, values = world.outcomes(states, actions), np.zeros(len(world.possible))
    while True:
        better: NDArray = np.bincount(states, weights * _backup(known, values, gamma), minlength=len(values))
        if np.array_equal(better, values):
            begin, chances = world.start()
            return float(chances @ values[begin])
        values = better


def optimum(world: TabularWorld, gamma: float) -> float:
    """Compute the largest expected return from the start that any policy can have.

    Args:
        world: as for `optimal_values`.
        gamma: the discount, in [0, 1].
    """
    begin, chances = world.start()
    return float(chances @ optimal_values(world, gamma)[begin])


def random_policy(world: TabularWorld) -> NDArray:
    """Return the policy that takes every possible action alike, as probabilities, (S, A)."""
    return world.possible / np.maximum(world.possible.sum(axis=1, keepdims=True), 1)


def heuristic_policy(world: TinyBin, name: str) -> NDArray:
    """Return what one of ``heuristics.HEURISTICS`` does in each state, integers, (S,), -1 where nothing is possible.

    Args:
        world: a tiny bin.
        name: any heuristic but ``random``.
    """
    return heuristics.HEURISTICS[name].act(world)


def play(world: TinyBin, policy: NDArray, seed: int) -> NDArray:
    """Play one episode and return the placed boxes, int64, (n, 6); equal seeds give equal items.

    Args:
        world: a tiny bin.
        policy: an action for each state, integers, (S,), -1 where none is possible.
        seed: seeds the items.
    """
    (state, _), over = world.reset(seed=seed), False
    while not over:
        state, _, over, _, _ = world.step(int(policy[state]))
    return world.boxes()


def _backup(known: Outcomes, values: NDArray, gamma: float) -> NDArray:
    """Return the expected return of n actions whose next states are worth `values`, (n,)."""
    later = np.where(known.terminated, 0.0, values[known.next_states])
    return (known.probabilities * (known.rewards + gamma * later)).sum(axis=1)


def _walk(state: int, move: tuple[int, int], cells: Sequence[str], shape: tuple[int, int]) -> int:
    """Return the cell in which a step ends."""
    row, column = divmod(state, shape[1])
    row, column = row + move[0], column + move[1]
    inside = 0 <= row < shape[0] and 0 <= column < shape[1]
    return row * shape[1] + column if inside and cells[row * shape[1] + column] != "#" else state
