"""The sick runs: what is wrong in each is what it says, and the record shows it."""

import numpy as np
import pytest
import torch

from binpack.core.statistics import verdict
from binpack.course.l05_hyperparameters import sick_runs as sick
from binpack.course.l05_hyperparameters.exercises import diagnose, explained_variance
from binpack.course.l05_hyperparameters.sweeps import DEFAULT, ENV
from binpack.env.vector import BinPackingVecEnv

FEW = {"n_steps": 8, "n_epochs": 1}


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("reward", "unit"), [("cells", 216), ("cubic_centimetres", 27_000)])
def test_a_reward_in_another_unit_is_a_multiple(reward, unit):
    config = ENV.model_copy(update={"reward": f"{sick.__name__}:{reward}"})
    plain, scaled = BinPackingVecEnv(ENV, 4, seed=0), BinPackingVecEnv(config, 4, seed=0)
    plain.reset(), scaled.reset()
    for _ in range(5):
        actions = plain.action_masks().argmax(axis=1)
        np.testing.assert_allclose(scaled.step(actions)[1], unit * plain.step(actions)[1], rtol=1e-6)


def test_without_masks_everything_counts_as_legal_and_ends_the_episode():
    env = sick.Unmasked(ENV, 3, seed=0)
    env.reset()
    assert env.action_masks().all() and np.stack(env.env_method("action_masks", indices=[0, 2])).shape == (2, 36)
    real = BinPackingVecEnv.action_masks(env)
    assert not real.all()
    _, rewards, dones, _ = env.step((~real).argmax(axis=1))
    assert dones.all() and (rewards == 0).all()
    with pytest.raises(AttributeError, match="no method 'jump'"):
        env.env_method("jump")


@pytest.mark.parametrize("case", [sick.Health(ppo=FEW), sick.Health(ppo=FEW, masked=False, normalize_reward=True)])
def test_a_run_says_something_at_every_update(case):
    curves = sick.train_case(case, 0, steps=3 * 8 * 32)
    assert {len(values) for values in curves.values()} == {3}
    assert np.isfinite(curves["approx_kl"]).all() and np.isfinite(curves["ep_len_mean"][-1])


def test_the_reference_explains_what_stable_baselines3_logs():
    [rollout] = sick.rollouts(1)
    assert len(rollout.values) == 32 * DEFAULT["n_steps"]
    assert explained_variance(rollout.values, rollout.returns) == pytest.approx(rollout.logged, rel=1e-4)


def test_the_record_has_ten_seeds_of_each_case_and_the_reference_knows_them_all():
    runs = sick.load()
    for case in sick.CASES:
        assert len([seed for name, seed in runs if name == case]) == 10
    assert set(sick.LETTERS.values()) == set(sick.SICKNESSES)
    table, seeds = sick.confusion(diagnose)
    assert seeds == 10 and np.trace(table) == table.sum()


def test_what_the_lesson_says_of_the_record():
    runs = sick.load()
    for (case, _), run in runs.items():
        first = run["explained_variance"][0]
        if case == sick.HEALTHY:
            assert first < -0.5 and run["explained_variance"][-1] > 0.4
            assert 0.005 < run["approx_kl"].mean() < 0.02 and run["entropy"][-1] > 0.3
        if case == sick.TOO_FAST:
            assert run["approx_kl"][0] > 1 and run["clip_fraction"][0] > 0.5
        if case == sick.COLLAPSED:
            assert run["entropy"][-1] < 0.2 and run["approx_kl"][-1] < 0.02
        if case == sick.LAGGING:
            assert run["explained_variance"][9] < 0.1 and run["value_loss"][0] > 1000
            later, early = run["approx_kl"][run["explained_variance"] > 0.1], run["approx_kl"][:8]
            assert later.mean() < early.mean()
        if case == sick.NO_MASK:
            assert run["ep_len_mean"][0] < 2 and run["entropy"][0] == pytest.approx(np.log(36), abs=0.1)
        if case == sick.HUGE:
            assert run["approx_kl"].mean() < 1e-3 and (run["clip_fraction"] < 0.01).all()
            assert (np.abs(run["explained_variance"]) < 0.01).all() and (run["value_loss"] > 1e7).all()


def test_the_unit_of_the_reward_counts_a_little_in_run_d():
    lagging, healthy = (sick.utilizations(case)[:, -1] for case in (sick.LAGGING, sick.HEALTHY))
    assert verdict(lagging, healthy).word == "behind"


def test_utilizations_are_shares_whatever_the_reward_counts():
    for case in (sick.HEALTHY, sick.LAGGING, sick.HUGE, sick.HUGE_NORMALIZED):
        shares = sick.utilizations(case)
        assert shares.shape[1] == 20 and (shares > 0.2).all() and (shares < 1).all()
    learned = sick.utilizations(sick.HUGE_NORMALIZED)[:, -1] - sick.utilizations(sick.HUGE)[:, -1]
    assert (learned > 0.1).all()
