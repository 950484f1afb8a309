"""What lesson 05 says of the record in words: where a test fails, its sentence has to change."""

import numpy as np
import pytest

from binpack.course.l05_hyperparameters import results, sentences


@pytest.fixture(scope="module")
def recorded():
    return results.load()


def last_entropy(runs):
    return np.nanmean(runs.diagnostics["entropy"][:, -1])


def test_the_highest_learning_rates_are_flat_and_certain_and_the_lowest_rests_on_a_plateau(recorded):
    runs = recorded.knob("learning_rate")
    slow, dead = runs[1e-5], [runs[3e-2], runs[1e-1]]
    assert 0.55 < slow.final.mean() < 0.75 and last_entropy(slow) > 0.5
    assert slow.early.mean() > slow.scores[:, 0].mean()
    for each in dead:
        assert each.final.mean() < 0.55 and last_entropy(each) < 0.2
        assert abs(each.scores[:, -5:].mean() - each.scores[:, 5:10].mean()) < 0.05


def test_other_slow_settings_come_by_the_plateau(recorded):
    for change in ({"n_epochs": 1}, {"batch_size": 2048}):
        mean = recorded.runs(change).scores.mean(axis=0)
        assert ((mean > 0.6) & (mean < 0.7)).sum() >= 4


def test_the_divergence_grows_with_the_learning_rate_and_the_best_is_at_neither_end(recorded):
    runs = recorded.knob("learning_rate")
    moved = [np.nanmean(each.mean_of("approx_kl")) for each in runs.values()]
    assert (np.diff(moved) > 0).all()
    assert 0 < int(np.argmax([each.final.mean() for each in runs.values()])) < len(runs) - 1


def test_a_wider_clip_range_clips_less_and_lets_the_policy_move_further(recorded):
    runs = list(recorded.knob("clip_range").values())
    assert runs[0].mean_of("clip_fraction").mean() > runs[-1].mean_of("clip_fraction").mean()
    assert 10 * runs[0].mean_of("approx_kl").mean() < runs[-1].mean_of("approx_kl").mean()
    assert runs[0].mean_of("clip_fraction").mean() > 0.3
    assert last_entropy(runs[0]) > 1 > 0.5 > last_entropy(runs[-1])


def test_the_largest_batch_moves_the_policy_far_less_than_the_smallest(recorded):
    runs = list(recorded.knob("batch_size").values())
    assert runs[-1].mean_of("approx_kl").mean() < 0.5 * runs[0].mean_of("approx_kl").mean()


def test_episodes_are_a_few_steps_long(recorded):
    lengths = recorded.default.diagnostics["ep_len_mean"]
    assert 2.5 < lengths[:, 0].mean() < 5 and 4 < lengths[:, -1].mean() < 8
    assert sentences.episodes(recorded).startswith("steps in a training episode: ")


def test_without_discounted_rewards_nothing_is_learned(recorded):
    assert recorded.runs({"gamma": 0.0}).final.mean() < 0.55


def test_a_higher_learning_rate_does_not_beat_the_default_at_0_1(recorded):
    assert recorded.runs({"learning_rate": 0.1}).final.mean() < recorded.default.final.mean() - 0.2
