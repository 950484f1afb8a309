"""Lesson 04: the exercises of its second part beside plain oracles."""

import itertools

import numpy as np
import pytest
import torch
from judging import verdict as judged

from binpack.course.l04_ppo import exercises, masking
from binpack.course.l04_ppo.rivals import RMSPROP
from binpack.env import BinPackingEnv


def test_every_stream_is_packed_by_the_most_probable_legal_actions():
    class First:
        def predict(self, observation, deterministic, action_masks):
            return int(action_masks.argmax()), None

    streams = masking.items_of(masking.validation_streams(5))
    scores = exercises.score_on_streams(First(), BinPackingEnv(masking.ENV), streams)
    env = BinPackingEnv(masking.ENV)
    for items, score in zip(streams, scores, strict=True):
        env.reset(options={"items": items})
        over = False
        while not over:
            *_, over, _, info = env.step(int(env.action_masks().argmax()))
        assert score == info["utilization"]


def test_items_of_a_stream_have_no_zeros_behind_them():
    streams = masking.validation_streams(5)
    for items, length in zip(masking.items_of(streams), streams.lengths, strict=True):
        assert items.shape == (length, 3) and (items > 0).all()


@pytest.mark.parametrize("terminated", [False, True])
def test_an_episode_ends_in_one_way_at_most(terminated):
    for legal, steps in itertools.product(itertools.product([False, True], repeat=3), range(1, 6)):
        got = exercises.end_of_episode(terminated, np.array(legal), steps, 4)
        over = terminated or sum(legal) == 0
        assert tuple(map(bool, got)) == (over, steps >= 4 and not over)


def test_targets_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    values, masks = rng.normal(size=(40, 5)), rng.random((40, 5)) < 0.4
    rewards, dones = rng.random(40), (rng.random(40) < 0.3).astype(float)
    wanted = [
        reward + 0.9 * (1 - done) * max([value for value, legal in zip(row, mask, strict=True) if legal], default=0.0)
        for reward, done, row, mask in zip(rewards, dones, values, masks, strict=True)
    ]
    arguments = [torch.as_tensor(each) for each in (rewards, dones, values, masks)]
    assert (~masks.any(axis=1)).any()
    assert exercises.masked_targets(*arguments, 0.9).numpy() == pytest.approx(wanted)


def test_steps_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    steps, scores = np.arange(1, 9) * 100, rng.random((30, 8)).round(1)
    for threshold in (0.0, 0.5, 0.9, 1.1):
        wanted = [
            next((step for step, score in zip(steps, run, strict=True) if score >= threshold), np.inf) for run in scores
        ]
        assert exercises.steps_to_reach(steps, scores, threshold).tolist() == wanted


def test_nearly_right_arguments_are_told_what_is_missing():
    def a2c_arguments(n_steps, n_envs):
        return {**exercises.a2c_arguments.reference(n_steps, n_envs), "vf_coef": 0.25}

    assert "vf_coef is 0.5 in both by default" in judged(exercises.a2c_arguments, a2c_arguments).text

    def with_network(n_steps, n_envs):
        made = exercises.a2c_arguments.reference(n_steps, n_envs)
        return {**made, "policy_kwargs": {**made["policy_kwargs"], "net_arch": [8]}}

    with_network.__name__ = "a2c_arguments"
    assert "'net_arch', which is not in the table" in judged(exercises.a2c_arguments, with_network).text


def test_defaults_that_change_nothing_may_be_written_out():
    def a2c_arguments(n_steps, n_envs):
        policy = {"optimizer_class": torch.optim.RMSprop, "optimizer_kwargs": dict(RMSPROP)}
        right = {"n_steps": n_steps, "n_epochs": 1, "gae_lambda": 1, "learning_rate": 0.0007, "policy_kwargs": policy}
        more = {"clip_range": 0.1, "ent_coef": 0, "target_kl": None, "gamma": 0.99}
        return {**right, **more, "batch_size": n_steps * n_envs, "normalize_advantage": False}

    assert judged(exercises.a2c_arguments, a2c_arguments).outcome == "correct"
