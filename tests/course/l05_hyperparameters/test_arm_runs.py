"""Training and scoring of arms, and what the record of them says."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from stable_baselines3.common.vec_env import VecNormalize

from binpack.core.statistics import verdict
from binpack.course.l05_hyperparameters.arm import ReachEnv
from binpack.course.l05_hyperparameters.arm_records import ArmRecord
from binpack.course.l05_hyperparameters.arm_runs import (
    CHANGED,
    CURRENT,
    ENVS,
    LONG,
    STABLE,
    STEPS,
    TEST_SEED,
    Setting,
    by_kl,
    film_poses,
    greedy,
    score,
    settings,
    train_arm,
)

SHORT = {**CURRENT, "n_steps": 256, "n_epochs": 1}


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_settings_are_the_two_and_every_single_change():
    found = settings()
    assert CHANGED == ("learning_rate", "n_steps", "batch_size", "n_epochs", "clip_range", "ent_coef")
    for name in CHANGED:
        one, other = found[f"current, but {name}"].ppo, found[f"stable, but {name}"].ppo
        assert {key for key in CURRENT if one[key] != CURRENT[key]} == {name} and one[name] == STABLE[name]
        assert {key for key in STABLE if other[key] != STABLE[key]} == {name} and other[name] == CURRENT[name]
    for setting in found.values():
        assert setting.steps % setting.ppo["n_steps"] == 0
        assert setting.ppo["n_steps"] % setting.ppo["batch_size"] == setting.ppo["n_steps"] % ENVS == 0


def test_the_score_is_the_mean_return_of_the_test_episodes():
    mine, away = score(lambda seen: np.full((len(seen), 2), 0.3), Setting(CURRENT), episodes=3)
    total, last = 0.0, 0.0
    for row in range(3):
        env = ReachEnv()
        env.reset(seed=TEST_SEED + row)
        over = False
        while not over:
            _, reward, _, over, info = env.step(np.full(2, 0.3))
            total += reward / 3
        last += info["distance"] / 3
    assert mine == pytest.approx(total, rel=1e-5)
    assert away == pytest.approx(last)


def test_a_run_records_its_curve_its_rates_and_its_diagnostics():
    run = train_arm(Setting(SHORT, steps=1024), 0, schedule=lambda remaining: 1e-3 * remaining, every=512)
    assert run.steps.tolist() == [512, 1024]
    np.testing.assert_allclose(run.rates, [0.75e-3, 0.5e-3, 0.25e-3, 0.0])
    assert run.returns.shape == run.distances.shape == (2,)
    assert run.returns[-1] == pytest.approx(score(greedy(run.model), Setting(SHORT))[0])
    assert np.isfinite(run.diagnostics["approx_kl"]).all()


def test_an_adaptive_rate_is_used_by_the_next_update():
    asked = []

    def adapt(rate, approx_kl):
        asked.append((rate, approx_kl))
        return rate / 2

    run = train_arm(Setting(SHORT, steps=768), 0, adapt=adapt, every=256)
    np.testing.assert_allclose(run.rates, [3e-4, 1.5e-4, 0.75e-4])
    np.testing.assert_allclose([kl for _, kl in asked], run.diagnostics["approx_kl"])


@pytest.mark.parametrize(("kl", "wanted"), [(0.05, 2e-4), (0.03, 3e-4), (0.005, 4.5e-4)])
def test_the_rate_follows_the_divergence(kl, wanted):
    assert by_kl(3e-4, kl) == pytest.approx(wanted)


def test_statistics_scale_what_the_agent_sees():
    setting = replace(settings()["millimetres, normalized"], ppo=SHORT, steps=256)
    run = train_arm(setting, 0, every=256)
    assert isinstance(run.env, VecNormalize)
    largest = []

    def act(seen):
        largest.append(np.abs(seen).max())
        return np.zeros((len(seen), 2))

    score(act, setting, run.env, episodes=20)
    assert max(largest) <= 10  # where VecNormalize cuts
    score(act, setting, episodes=20)
    assert max(largest) > 500
    assert run.returns[-1] == pytest.approx(score(greedy(run.model), setting, run.env)[0])


def test_a_film_goes_through_one_episode():
    frames = list(film_poses(lambda seen: np.zeros((1, 2)), seed=3, every=25))
    assert [step for step, *_ in frames] == [0, 25, 50]
    assert all(joints.shape == (3, 2) and target.shape == (2,) for _, joints, target in frames)
    np.testing.assert_array_equal(frames[0][1], frames[-1][1])  # at rest, nothing moves it


class TestRecord:
    arm = ArmRecord()

    def test_it_has_ten_seeds(self):
        assert self.arm.seeds == list(range(10))

    def test_it_has_every_setting(self):
        for name, setting in settings().items():
            steps, returns = self.arm.curve(name, LONG)
            assert steps[-1] == setting.steps
            assert returns.shape == (len(self.arm.seeds), len(steps))
            assert np.isfinite(returns).all() and (returns < 0).all()

    def test_curves_are_cut_where_they_are_compared(self):
        assert self.arm.curve("current")[0][-1] == STEPS
        assert self.arm.spread("current") == pytest.approx(np.std(self.arm.final("current"), ddof=1))
        np.testing.assert_array_equal(self.arm.final("current"), self.arm.curve("current")[1][:, -1])

    def test_verdicts_are_those_of_statistics(self):
        found = self.arm.one_at_a_time("current")
        assert tuple(found) == CHANGED
        wanted = verdict(self.arm.final("current, but n_steps"), self.arm.final("current"))
        assert found["n_steps"] == wanted

    def test_what_the_lesson_says_of_it(self):
        # prose under the figures of 05b; the numbers themselves are printed there
        assert verdict(self.arm.final("stable"), self.arm.final("current")).word == "behind"
        made, taken_back = self.arm.one_at_a_time("current"), self.arm.one_at_a_time("stable")
        assert made["learning_rate"].word == "behind" and taken_back["learning_rate"].word == "ahead"
        assert max(abs(each["ent_coef"].difference) for each in (made, taken_back)) < 0.015
        for name in ("learning_rate", "n_steps", "clip_range"):
            assert made[name].word == "behind" and taken_back[name].word == "ahead"
        assert made["batch_size"].difference < 3 * -taken_back["batch_size"].difference
        assert made["n_epochs"].word == "ahead"
        assert made["n_epochs"].difference > 2 * -taken_back["n_epochs"].difference
        long = self.arm.final("stable", LONG)
        assert verdict(long, self.arm.final("current", LONG)).word == "behind"
        assert verdict(long, self.arm.final("bold")).word == "behind"
        assert verdict(self.arm.final("bold")[1:], self.arm.final("current")[1:]).word == "ahead"
        kl = {name: self.arm.curve(name, what="approx_kl")[1].mean(axis=0) for name in ("current", "bold")}
        assert kl["current"].max() < 0.01 and 4 < kl["bold"][-1] / 0.01 < 6
        assert max(self.arm.spread(name) for name in ("current", "stable")) < 0.1
        normal, forgotten = self.arm.final("millimetres, normalized"), self.arm.forgotten("millimetres, normalized")
        assert verdict(forgotten, normal).word == "behind"
        assert verdict(normal, self.arm.final("current")).word == "ahead"
        constant, adapted = self.arm.final("learning rate 1e-3"), self.arm.final("learning rate by KL")
        assert verdict(self.arm.final("learning rate 1e-3, linear"), constant).word == "behind"
        assert not verdict(adapted, constant).separable
        for name in ("learning rate 1e-3", "learning rate 1e-3, linear", "learning rate by KL"):
            assert verdict(self.arm.final(name), self.arm.final("current")).word == "ahead"

    def test_what_the_lesson_says_of_changes_made_and_taken_back(self):
        made, taken_back = self.arm.one_at_a_time("current"), self.arm.one_at_a_time("stable")
        for name in ("learning_rate", "n_steps", "clip_range"):
            assert 1.5 < taken_back[name].difference / -made[name].difference < 2.5
        whole = self.arm.final("stable").mean() - self.arm.final("current").mean()
        assert whole < 2 * sum(each.difference for each in made.values()) < 0
        later = self.arm.final("stable", LONG).mean() - self.arm.final("current", LONG).mean()
        assert later < whole and verdict(self.arm.final("stable", LONG), self.arm.final("current")).word == "ahead"
        assert min(made, key=lambda name: made[name].difference) == "learning_rate"
        assert verdict(self.arm.final("millimetres"), self.arm.final("current")).word == "behind"
