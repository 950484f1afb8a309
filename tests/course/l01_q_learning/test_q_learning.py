"""Training runs of lesson 01, and that what the lesson says of them holds."""

import numpy as np
import pytest

from binpack.course.l01_q_learning import exercises as lesson
from binpack.course.l01_q_learning import training, worlds

LEFT, UP = 3, 0
WAY = [(22, LEFT, 0, 21), (21, UP, 0, 12), (12, UP, 0, 3), (3, LEFT, 1, 2)]


def train(world, episodes, seeds, **changes):
    """Train with the reference solutions, with schedules that fall as the lesson's do."""
    schedules = {"alphas": np.linspace(1, 0.02, episodes), "epsilons": np.linspace(1, 0.05, episodes), "gamma": 1.0}
    return training.train_seeds(
        lesson.q_learning, lesson.greedy_policy, world, **schedules | {"seeds": seeds} | changes
    )


# -------------------------------------------------------------------------------------------------------- the helpers


def test_runs_can_be_repeated_and_are_measured_on_the_way():
    tiny = worlds.TinyBin()
    first, second = (train(tiny, 60, (0, 1), points=3) for _ in range(2))
    assert first.episodes.tolist() == [20, 40, 60] and first.scores.shape == (2, 3) and first.rewards.shape == (2, 60)
    assert np.array_equal(first.rewards, second.rewards) and np.array_equal(first.tables, second.tables)
    assert np.array_equal(train(tiny, 60, (0, 1)).tables, first.tables), "measuring does not change what is learned"


def test_the_best_entry_of_a_dead_end_is_0():
    no = -np.inf
    tables = np.array([[[1.0, 2.0], [no, no]], [[-3.0, no], [0.5, 0.25]]])
    assert training.best_entries(tables).tolist() == [[2.0, 0.0], [-3.0, 0.5]]
    assert training.best_entries(tables[1]).tolist() == [-3.0, 0.5]


def test_blocks_are_means_of_neighbours():
    episodes, means = training.in_blocks(np.array([[1.0, 3, 5, 7, 100], [0, 0, 2, 2, 100]]), 2)
    assert episodes.tolist() == [2, 4] and means.tolist() == [[2, 6], [0, 2]]


# --------------------------------------------------------------------------------------------------- the lesson's facts


def test_the_steps_that_the_lesson_works_by_hand():
    q = worlds.Maze().new_table()
    for episode, entries in enumerate([(0, 0, 0.5), (0, 0.225, 0.75), (0.10125, 0.45, 0.875)]):
        for step in WAY:
            lesson.td_update(q, *step, step[3] == 2, 0.5, 0.9)
        assert (q[21, UP], q[12, UP], q[3, LEFT]) == pytest.approx(entries), episode


def test_the_way_that_the_lesson_walks_is_one():
    maze = worlds.Maze()
    state, _ = maze.reset()
    for before, action, reward, after in WAY:
        assert state == before
        state, earned, terminated, _, _ = maze.step(action)
        assert (state, earned) == (after, reward)
    assert terminated


def test_a_random_walk_learns_the_best_way_at_both_discounts():
    for seed in range(5):
        for gamma in (0.5, 0.9):
            maze = worlds.Maze()
            run = train(maze, 300, [seed], alphas=np.full(300, 0.5), epsilons=np.ones(300), gamma=gamma, judge=gamma)
            assert run.scores[0, -1] == pytest.approx(worlds.optimum(maze, gamma))
            assert run.tables[0][22].max() == pytest.approx(worlds.optimum(maze, gamma), abs=5e-5), "to four digits"


def test_exploration_that_falls_from_1_finds_the_far_exit_and_a_constant_low_one_does_not():
    maze, best = worlds.Maze(), worlds.optimum(worlds.Maze(), 0.9)
    settings = {"alphas": np.full(300, 0.5), "gamma": 0.9, "judge": 0.9}
    falling = train(maze, 300, range(8), **settings)
    assert np.allclose(falling.scores[:, -1], best)
    assert falling.rewards[:, -50:].mean() > 2.8
    for epsilon in (0.1, 0.5):
        constant = train(maze, 300, range(8), epsilons=np.full(300, epsilon), **settings)
        assert np.allclose(constant.scores[:, -1], 0.9**3)


def test_the_decision_that_the_lesson_works_by_hand():
    tiny = worlds.TinyBin()
    values = worlds.optimal_values(tiny, 1.0)
    state = lesson.state_number(np.array([[3, 3], [1, 0]]), 0, 3, 2)
    worth = {}
    for action, heights in ((2, [[3, 3], [2, 0]]), (3, [[3, 3], [1, 1]])):
        after = lesson.state_number(np.array(heights), 0, 3, 2)
        worth[action] = 1 / 12 + values[after : after + 2].mean()
    assert [worth[2], worth[3]] == pytest.approx([1.9375 / 12, 3.9375 / 12])
    assert values[state] == pytest.approx(3.9375 / 12)


def test_the_table_reaches_the_exact_optimum_of_the_tiny_bin_in_every_one_of_ten_seeds():
    tiny = worlds.TinyBin()
    run = train(tiny, 12_000, range(10))
    assert np.allclose(run.scores[:, -1], worlds.optimum(tiny, 1.0), rtol=0, atol=1e-12)


def test_with_gamma_0_it_does_not():
    tiny = worlds.TinyBin()
    assert (train(tiny, 3000, range(3), gamma=0.0).scores[:, -1] < worlds.optimum(tiny, 1.0) - 0.05).all()
