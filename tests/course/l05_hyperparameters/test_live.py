"""What lesson 05 trains and computes live."""

import math

import numpy as np
import pytest

from binpack.course.l05_hyperparameters import exercises, live


def test_a_short_run_says_how_it_went():
    table = live.compare({"one": {"n_epochs": 1}, "two": {"n_epochs": 2}}, steps=2048)
    assert [row[0] for row in table.rows] == ["one", "two"] and table.head[1] == "utilization"
    assert all(0 < float(row[1]) < 1 and float(row[2]) >= 0 for row in table.rows)
    assert "2,048 environment steps" in table.caption


def test_one_update_moves_the_policy_further_at_a_higher_rate():
    moved = []
    for rate in (1e-4, 1e-2):
        old, new = live.one_update({"learning_rate": rate, "n_epochs": 2, "n_steps": 16})
        assert old.shape == new.shape == (512,) and (old <= 0).all()
        moved.append(exercises.policy_change(old, new, 0.2))
    assert moved[1][0] > 2 * moved[0][0] > 0 and moved[1][1] > moved[0][1]


def test_a_setting_that_cannot_be_run_is_told_in_one_line():
    told = live.refusal({"batch_size": 4096})
    assert told == "batch_size 4096 is larger than a rollout of n_steps 64 x n_envs 32"
    assert live.refusal({}) == "nothing stands against it"
    assert "\n" not in live.refusal({"gamma": 2.0})


def test_adam_undoes_a_common_scale():
    gradients = live.noisy_gradients(50)
    small = [[part / 1000 for part in parts] for parts in gradients]
    assert live.adam_path(gradients) == pytest.approx(live.adam_path(small), rel=0.05)
    assert live.length([np.array([3.0]), np.array([[4.0]])]) == 5
    assert 1.2 < np.mean([live.length(parts) for parts in gradients]) < 1.8


def test_adam_s_first_step_is_as_long_as_its_learning_rate():
    assert live.adam_path([[np.full(9, 2.0)]], learning_rate=0.1) == pytest.approx(0.3, rel=1e-3)


def test_the_example_of_the_lesson():
    old, new = np.log([0.5, 0.25, 0.4, 0.1]), np.log([0.3, 0.5, 0.44, 0.105])
    approx_kl, clip_fraction = exercises.policy_change(old, new, 0.2)
    assert round(approx_kl, 2) == 0.11 and clip_fraction == 0.5
    assert round(float(np.mean(old - new)), 2) == -0.08
    assert math.isclose(exercises.estimate_weights(0.95, 6)[-1], 0.774, abs_tol=0.001)
