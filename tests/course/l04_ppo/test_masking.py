"""Lesson 04: the arms that learn with masks and without, and how they are scored."""

import numpy as np
import pytest
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.training import train
from binpack.course.l04_ppo import exercises, masking, record_masking
from binpack.env import BinPackingEnv
from binpack.search.recorder import Job


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def an_illegal_action(env):
    return int(np.flatnonzero(~env.action_masks())[0])


def test_an_illegal_action_costs_the_penalty_and_leaves_the_bin_as_it_was():
    env = masking.PenaltyAndStay(BinPackingEnv(masking.ENV), penalty=0.1, limit=5)
    before, _ = env.reset(seed=0)
    legal = int(env.get_wrapper_attr("action_masks")().argmax())
    after, reward, terminated, truncated, info = env.step(an_illegal_action(env.unwrapped))
    assert (reward, terminated, truncated, info["packed"]) == (-0.1, False, False, 0)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    _, reward, terminated, _, info = env.step(legal)
    assert reward == pytest.approx(info["utilization"]) and info["packed"] == 1 and not terminated


def test_the_time_limit_truncates_and_begins_anew():
    env = masking.PenaltyAndStay(BinPackingEnv(masking.ENV), penalty=0.1, limit=3)
    for _ in range(2):
        env.reset(seed=0)
        bad = an_illegal_action(env.unwrapped)
        ends = [env.step(bad)[2:4] for _ in range(3)]
        assert ends == [(False, False), (False, False), (False, True)]


def test_a_full_bin_terminates_even_at_the_limit():
    items = np.array([[6, 6, 6], [2, 2, 2]])
    env = masking.PenaltyAndStay(BinPackingEnv(masking.ENV), penalty=0.1, limit=1)
    env.reset(options={"items": items})
    assert env.step(0)[2:4] == (True, False)


@pytest.mark.parametrize("arm", masking.ARMS)
def test_each_arm_makes_its_algorithm_with_the_same_settings(arm):
    model = masking.make_model(arm, seed=1)
    assert isinstance(model, MaskablePPO if arm == "mask" else PPO)
    assert model.n_envs == masking.N_ENVS
    assert {name: getattr(model, name) for name in masking.PPO_SETTINGS} == dict(masking.PPO_SETTINGS)


def test_the_masked_arm_is_the_run_that_the_packages_own_training_makes(tmp_path):
    ppo = PPOConfig(policy="mlp", net_arch=(64, 64), **masking.PPO_SETTINGS)
    config = TrainConfig(
        env=masking.ENV,
        ppo=ppo,
        total_steps=2_048,
        n_envs=masking.N_ENVS,
        seed=3,
        eval_streams=20,
        eval_seed=masking.VALIDATION_SEED,
        device="cpu",
        tensorboard=False,
    )
    result = train(config, tmp_path)
    model = masking.make_model("mask", seed=3)
    model.learn(2_048)
    assert masking.utilization(model, masking.validation_streams(20), masked=True) == result.score


def test_the_streams_side_by_side_give_the_scores_that_the_exercise_finds_one_by_one():
    streams, model = masking.validation_streams(10), masking.make_model("mask", seed=0)
    one_by_one = exercises.score_on_streams(model, BinPackingEnv(masking.ENV), masking.items_of(streams))
    assert masking.utilization(model, streams, masked=True) == pytest.approx(one_by_one.mean(), abs=1e-12)
    assert masking.utilization(model, streams, masked=False) < one_by_one.mean()


def test_a_ppo_without_masks_can_be_played_with_them():
    streams = masking.validation_streams(10)
    model = masking.make_model("ends", seed=0)
    scores = masking.both_ways(streams)(model)
    # untrained, PPO and MaskablePPO have the same weights
    masked = masking.utilization(masking.make_model("mask", seed=0), streams, masked=True)
    assert scores["masked"] == masked > scores["free"]
    assert masking.as_trained(streams)(model)["utilization"] == scores["free"]


def test_curves_are_scored_at_the_steps_that_were_asked_for():
    seen = []

    def score(model):
        seen.append(model.num_timesteps)
        return {"one": 1.0, "count": len(seen)}

    curves = masking.learn(masking.make_model("mask", 0), score, (100, 2_048))
    assert curves.steps == [100, 2_048] and seen == [128, 2_048]
    assert curves.scores == {"one": [1.0, 1.0], "count": [1.0, 2.0]}
    assert curves.seconds > 0


def test_scoring_does_not_change_the_run():
    weights = []
    for at in ((2_048,), (512, 1_024, 2_048)):
        model = masking.make_model("mask", 0)
        masking.learn(model, masking.both_ways(masking.validation_streams(5)), at)
        weights.append(torch.cat([each.flatten() for each in model.policy.parameters()]))
    assert torch.equal(*weights)


def test_a_mask_without_a_true_becomes_uniform():
    scores = np.array([2.0, 1.0, 0.0, -1.0])
    nothing = np.zeros(4, bool)
    assert masking.probabilities(scores, nothing) == pytest.approx(np.full(4, 0.25))
    two = np.array([True, True, False, False])
    expected = np.exp(scores[:2]) / np.exp(scores[:2]).sum()
    assert masking.probabilities(scores, two) == pytest.approx([*expected, 0, 0])


def test_the_share_of_legal_actions_at_the_first_step_is_that_of_the_empty_bin():
    streams = masking.validation_streams(50)
    shares = masking.legal_shares(streams)
    first = streams.items[:, 0]
    assert shares[0] == pytest.approx(((7 - first[:, 0]) * (7 - first[:, 1]) / 36).mean())
    assert (np.diff(shares) < 0).all()


def test_a_shelf_gets_stuck_after_five_things():
    empty, ended = masking.without_an_action(masking.Shelf(), steps=100)
    assert (empty, ended) == (95, 0)


def test_what_is_recorded_of_a_run(monkeypatch):
    monkeypatch.setattr(record_masking, "AT", (512, 1_024))
    monkeypatch.setattr(record_masking, "validation_streams", lambda: masking.validation_streams(4))
    row = record_masking.run(Job({"arm": "mask", "seed": 0}))
    assert set(row) == {"masked", "free", "seconds"}
    assert len(row["masked"]) == len(row["free"]) == 2 and all(0 <= score <= 1 for score in row["masked"])


def test_processor_time_is_that_of_the_work():
    done = []
    assert masking.cpu_seconds(lambda: done.append(sum(range(100_000)))) > 0
    assert len(done) == 1


def test_the_two_packings_are_those_of_the_stream_on_which_the_mask_counts_most():
    streams, model = masking.validation_streams(5), masking.make_model("mask", seed=0)
    boxes = masking.most_different(model, streams)
    filled = {name: each[:, 3:].prod(axis=1).sum() / masking.ENV.volume for name, each in boxes.items()}
    both = [[masking.utilization(model, streams[[row]], masked=masked) for row in range(5)] for masked in (True, False)]
    place = np.argmax(np.subtract(*both))
    assert filled == {"with its mask": pytest.approx(both[0][place]), "without": pytest.approx(both[1][place])}
