"""The teaching worlds of lesson 01: gymnasium's promises, the package's packing rules, and exact solutions."""

import warnings

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

from binpack.core import geometry
from binpack.course.l01_q_learning import exercises as lesson
from binpack.course.l01_q_learning import worlds
from binpack.course.l01_q_learning.worlds import Maze, TinyBin
from binpack.env.single import BinPackingEnv

WORLDS = {"maze": Maze, "tiny bin": TinyBin, "other bin": lambda: TinyBin((3, 1, 2), [(1, 1, 1), (2, 1, 1)])}


@pytest.fixture(scope="module")
def tiny():
    """The lesson's bin."""
    return TinyBin()


@pytest.mark.parametrize("name", WORLDS)
def test_the_worlds_are_gymnasium_environments(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env(WORLDS[name]())


@pytest.mark.parametrize("name", WORLDS)
def test_equal_seeds_give_equal_episodes_and_the_model_knows_every_step(name):
    first, second = WORLDS[name](), WORLDS[name]()
    rng, model = np.random.default_rng(0), first.model()
    assert first.reset(seed=3) == second.reset(seed=3)
    for _ in range(300):
        state = first.state
        action = int(rng.choice(np.flatnonzero(first.action_masks())))
        step = first.step(action)
        assert step == second.step(action)
        after, reward, terminated, truncated, _ = step
        known = np.flatnonzero(model.next_states[state, action] == after)
        assert len(known) and model.probabilities[state, action].sum() == pytest.approx(1)
        assert model.rewards[state, action, known[0]] == reward
        assert model.terminated[state, action, known[0]] == terminated == (not first.action_masks().any())
        if terminated or truncated:
            assert first.reset()[0] == second.reset()[0]


@pytest.mark.parametrize("name", WORLDS)
def test_an_impossible_action_earns_nothing_and_ends_the_episode(name):
    world = WORLDS[name]()
    world.reset(seed=0)
    world.possible[world.state, 0] = False
    before = world.state
    assert world.step(0) == (before, 0.0, True, False, {"illegal_action": True})


def test_a_new_table_knows_what_is_possible_and_nothing_else(tiny):
    table = tiny.new_table()
    assert table.shape == (512, 4)
    assert np.array_equal(table > -np.inf, tiny.possible) and not table[tiny.possible].any()


# ------------------------------------------------------------------------------------------------------------ the maze


def test_walls_hold_exits_pay_and_time_runs_out():
    maze = Maze(("S.#", "1#2"), max_steps=3)
    assert maze.reset(seed=0) == (0, {})
    assert maze.step(0) == (0, 0.0, False, False, {}), "the edge holds"
    assert maze.step(1) == (1, 0.0, False, False, {})
    assert maze.step(1) == (1, 0.0, False, True, {}), "a wall holds, and the third step is the last"
    maze.reset()
    assert maze.step(2) == (3, 1.0, True, False, {})
    assert not maze.action_masks().any()


@pytest.mark.parametrize("rows", [("S..", ".."), ("S.S",), ("...",), ("S.x",)])
def test_a_bad_maze_is_an_error(rows):
    with pytest.raises(ValueError, match="a maze needs rows of one length"):
        Maze(rows)


def test_the_exits_of_the_lesson_are_as_far_as_it_says_and_the_discount_decides():
    maze = Maze()
    assert worlds.optimum(maze, 0.95) == pytest.approx(3 * 0.95**6)
    assert worlds.optimum(maze, 0.5) == pytest.approx(0.5**3)
    assert 3 * 0.70**6 > 0.70**3 and 3 * 0.69**6 < 0.69**3, "from about 0.69 upwards the far exit is the better one"


# -------------------------------------------------------------------------------------------------------- the tiny bin


@pytest.mark.parametrize(
    ("size", "items"),
    [((2, 2, 3), worlds.CUBE_AND_WALL), ((3, 2, 2), [(2, 1, 1), (1, 1, 1)]), ((2, 3, 3), [(2, 2, 1), (1, 1, 1)])],
)
def test_the_tiny_bin_is_the_packing_environment(size, items):
    rng, tiny = np.random.default_rng(1), TinyBin(size, items)
    for episode in range(30):
        (state, _), over, steps = tiny.reset(seed=episode), False, []
        while not over:
            mask = tiny.action_masks()
            action = int(rng.choice(np.flatnonzero(mask)))
            after, reward, over, _, _ = tiny.step(action)
            steps.append((state, mask, action, reward))
            state = after
        kinds = [state % len(items) for state, *_ in steps] + [state % len(items)]
        real = BinPackingEnv(items="random:1-1", bin_size=size, rotation="none", support="full")
        observation, info = real.reset(options={"items": np.array(items)[kinds]})
        for state, mask, action, reward in steps:
            heights = np.rint(observation["heights"] * size[2]).astype(int).reshape(size[:2])
            assert lesson.state_number(heights, state % len(items), size[2], len(items)) == state
            assert np.array_equal(real.action_masks(), mask)
            observation, earned, terminated, _, info = real.step(action)
            assert earned == pytest.approx(reward)
        assert terminated and np.array_equal(info["placements"], tiny.boxes())
        assert geometry.verify(tiny.boxes(), size, "full") == []


def test_a_bin_that_is_not_tiny_or_an_item_too_large_is_an_error():
    with pytest.raises(ValueError, match="28,430,288,029,929,701,376 maps: too many to list"):
        TinyBin((5, 5, 5))
    with pytest.raises(ValueError, match="an item does not fit the empty bin"):
        TinyBin((2, 2, 3), [(1, 3, 1)])


def test_every_height_map_of_the_lesson_can_be_built(tiny):
    reached, todo = {0}, [0]
    while todo:
        bin_map = todo.pop()
        states = np.arange(2) + 2 * bin_map
        rows, actions = np.nonzero(tiny.possible[states])
        for after in set((tiny.outcomes(states[rows], actions).next_states // 2).reshape(-1).tolist()) - reached:
            reached.add(after)
            todo.append(after)
    assert len(reached) == 4**4 and 2 * len(reached) == len(tiny.possible)


# ------------------------------------------------------------------------------------------------------ exact solutions


def best_by_recursion(heights, size, items, memory):
    """Expected utilization of the best play before the next item is known, by brute force and without the package."""
    key = tuple(heights.reshape(-1).tolist())
    if key not in memory:
        total = 0.0
        for length, width, height in items:
            options = []
            for x in range(size[0] - length + 1):
                for y in range(size[1] - width + 1):
                    base = heights[x : x + length, y : y + width]
                    if base.min() == base.max() and base.max() + height <= size[2]:
                        after = heights.copy()
                        after[x : x + length, y : y + width] += height
                        options.append(length * width * height + best_by_recursion(after, size, items, memory))
            total += max(options, default=0.0)
        memory[key] = total / len(items)
    return memory[key]


@pytest.mark.parametrize(
    ("size", "items"),
    [((2, 2, 3), worlds.CUBE_AND_WALL), ((3, 2, 2), [(2, 1, 1), (1, 1, 1)]), ((2, 2, 2), [(1, 1, 2), (2, 1, 2)])],
)
def test_the_optimum_is_what_a_plain_recursion_finds(size, items):
    by_hand = best_by_recursion(np.zeros(size[:2], int), size, items, {}) / np.prod(size)
    assert worlds.optimum(TinyBin(size, items), 1.0) == pytest.approx(by_hand, abs=1e-12)


def test_sweeps_of_the_exercise_end_at_the_optimal_values(tiny):
    for world, gamma in ((tiny, 1.0), (tiny, 0.5), (Maze(), 0.9)):
        model, values = world.model(), np.zeros(len(world.possible))
        for _ in range(60):
            values = lesson.value_sweep(values, model, world.possible, gamma)
        assert np.allclose(values, worlds.optimal_values(world, gamma), rtol=0, atol=1e-12)


def test_the_best_heuristic_is_not_optimal_and_random_play_is_worse(tiny):
    names = ("first_fit", "deepest_bottom_left", "heightmap_sum", "roughness", "touching_area")
    rules = {name: worlds.policy_value(tiny, worlds.heuristic_policy(tiny, name), 1.0) for name in names}
    chance = worlds.policy_value(tiny, worlds.random_policy(tiny), 1.0)
    assert chance < min(rules.values()) and max(rules.values()) < worlds.optimum(tiny, 1.0) - 0.09


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), gamma=st.sampled_from([0.0, 0.6, 1.0]))
def test_no_policy_beats_the_optimum(tiny, seed, gamma):
    scores = np.random.default_rng(seed).normal(size=tiny.possible.shape)
    policy = lesson.greedy_policy(np.where(tiny.possible, scores, -np.inf))
    assert worlds.policy_value(tiny, policy, gamma) <= worlds.optimum(tiny, gamma) + 1e-12


def test_a_policy_is_worth_what_it_earns_when_it_plays(tiny):
    policy = worlds.heuristic_policy(tiny, "deepest_bottom_left")
    tiny.reset(seed=0)
    returns = []
    for _ in range(4000):
        (state, _), total, over = tiny.reset(), 0.0, False
        while not over:
            state, reward, over, _, _ = tiny.step(int(policy[state]))
            total += reward
        returns.append(total)
    error = np.std(returns) / np.sqrt(len(returns))
    assert abs(np.mean(returns) - worlds.policy_value(tiny, policy, 1.0)) < 4 * error


def test_probabilities_of_one_action_are_that_action(tiny):
    policy = worlds.heuristic_policy(tiny, "first_fit")
    sure = np.zeros(tiny.possible.shape)
    sure[np.flatnonzero(policy >= 0), policy[policy >= 0]] = 1.0
    assert worlds.policy_value(tiny, sure, 1.0) == pytest.approx(worlds.policy_value(tiny, policy, 1.0), abs=1e-14)


def test_a_policy_that_takes_an_impossible_action_is_an_error(tiny):
    policy = worlds.heuristic_policy(tiny, "first_fit")
    policy[-1] = 0
    with pytest.raises(ValueError, match="the policy takes an action that is not possible"):
        worlds.policy_value(tiny, policy, 1.0)


def test_a_policy_that_runs_in_circles_is_worth_nothing():
    maze = Maze(("S.1",))
    assert worlds.policy_value(maze, np.array([1, 3, -1]), 0.9) == 0.0
    assert worlds.policy_value(maze, np.array([1, 1, -1]), 0.9) == pytest.approx(0.9)


def test_play_gives_equal_items_to_all_policies(tiny):
    values = worlds.optimal_values(tiny, 1.0)
    states, actions = np.nonzero(tiny.possible)
    table = tiny.new_table()
    table[states, actions] = worlds._backup(tiny.outcomes(states, actions), values, 1.0)
    best, rule = lesson.greedy_policy(table), worlds.heuristic_policy(tiny, "deepest_bottom_left")
    mine, other = worlds.play(tiny, best, 10), worlds.play(tiny, rule, 10)
    assert geometry.verify(mine, tiny.bin_size, "full") == []
    assert np.array_equal(mine[:2, 3:], other[:, 3:]) and len(other) == 2, "a wall and a cube, then the rule is stuck"
    assert mine[1, 2] == 2 and other[1, 2] == 0, "the optimum puts the cube on the wall, the rule on the floor"
