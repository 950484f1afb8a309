"""The policies: what a score depends on, in which precision, and that an update changes the weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.utils import ConstantSchedule

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.evaluation import make_streams
from binpack.agents.networks import CandidatePolicy, MapNetwork, fast_precision
from binpack.agents.policies import policy_of
from binpack.agents.store import PPOAgent
from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.env.vector import BinPackingVecEnv

ENVS = [
    EnvConfig(bin_size=(6, 5, 7), items="random:2-3", visible=visible, rotation=rotation, features=features)
    for visible, rotation in ((1, "none"), (5, "none"), (2, "all"))
    for features in ("none", "contact")
]
NAMES = [f"k{env.visible}-{env.rotation}-{env.features}" for env in ENVS]
POLICIES = ["candidate", "mlp", "mlp_map", "conv"]


def make(env: EnvConfig, seed: int = 0, **ppo):
    """Return a policy with weights of that seed."""
    config = PPOConfig(**{"channels": 8, "layers": 2, "net_arch": (16,), "precision": "float32", **ppo})
    torch.manual_seed(seed)
    spaces = env.observation_space(), env.action_space()
    named = policy_of(config)
    policy = named.policy_class()(*spaces, ConstantSchedule(1e-3), **named.policy_kwargs(config))
    policy.set_training_mode(False)
    return policy


def observe(env: EnvConfig, n: int = 7, steps: int = 3) -> dict[str, torch.Tensor]:
    """Return observations of bins that some items have been put into."""
    batch = PackingBatch(env, n)
    batch.load(make_streams(env, n, 0))
    for _ in range(steps):
        batch.step(batch.masks().argmax(axis=1))
    return {name: torch.as_tensor(value) for name, value in batch.observation().items()}


def heads(policy, seen: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scores (n, actions) and values (n, 1)."""
    with torch.no_grad():
        actor, critic = policy.mlp_extractor(policy.extract_features(seen))
        return policy.action_net(actor), policy.value_net(critic)


def picked(seen: dict[str, torch.Tensor], order: list[int]) -> dict[str, torch.Tensor]:
    """Return the observation with its candidates in another order."""
    return {name: value if name == "heights" else value[:, order] for name, value in seen.items()}


@pytest.mark.parametrize("env", ENVS, ids=NAMES)
def test_candidates_may_come_in_any_order(env):
    seen, policy = observe(env), make(env)
    order = np.random.default_rng(0).permutation(env.candidates).tolist()
    scores, values = heads(policy, seen)
    moved, same = heads(policy, picked(seen, order))
    maps = scores.reshape(7, env.candidates, -1)
    torch.testing.assert_close(moved.reshape(maps.shape), maps[:, order])
    torch.testing.assert_close(same, values)


@pytest.mark.parametrize("env", ENVS[2:], ids=NAMES[2:])
def test_a_candidates_scores_do_not_depend_on_the_others(env):
    seen, policy = observe(env), make(env)
    other = {name: value.clone() for name, value in seen.items()}
    for name in set(seen) - {"heights"}:
        other[name][:, 1:] = seen[name][:, 1:].roll(1, dims=0)
    assert any(not torch.equal(seen[name], other[name]) for name in seen)
    before, after = (heads(policy, each)[0].reshape(7, env.candidates, -1) for each in (seen, other))
    torch.testing.assert_close(after[:, 0], before[:, 0])
    assert not torch.allclose(after[:, 1:], before[:, 1:])


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("env", ENVS, ids=NAMES)
def test_an_observation_is_answered_alone_as_in_a_batch(env, name):
    seen, policy = observe(env), make(env, policy=name)
    scores, values = heads(policy, seen)
    assert scores.shape == (7, env.actions) and values.shape == (7, 1)
    assert scores.dtype == values.dtype == torch.float32
    for row in range(7):
        alone = heads(policy, {key: value[row : row + 1] for key, value in seen.items()})
        torch.testing.assert_close(alone, (scores[row : row + 1], values[row : row + 1]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["candidate", "conv"])
def test_bfloat16_is_close_to_float32(name):
    env = ENVS[3]
    seen = observe(env)
    exact, rough = (make(env, policy=name, precision=each) for each in ("float32", "bfloat16"))
    for one, other in zip(exact.parameters(), rough.parameters(), strict=True):
        assert torch.equal(one, other) and other.dtype == torch.float32
    for one, other in zip(heads(exact, seen), heads(rough, seen), strict=True):
        assert other.dtype == torch.float32
        assert not torch.equal(one, other)
        # eight bits of mantissa, over a few layers
        assert (one - other).abs().max() < 0.03 * one.abs().max()


@pytest.mark.parametrize(
    ("able", "chosen"), [({"amx_bf16": True}, "bfloat16"), ({"avx512_bf16": True}, "bfloat16"), ({}, "float32")]
)
def test_auto_takes_bfloat16_where_the_processor_multiplies_it(monkeypatch, able, chosen):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, **able})
    fast_precision.cache_clear()
    try:
        seen = observe(ENVS[3])
        automatic, named = (heads(make(ENVS[3], precision=each), seen) for each in ("auto", chosen))
        assert all(torch.equal(one, other) for one, other in zip(automatic, named, strict=True))
    finally:
        fast_precision.cache_clear()


def test_the_first_policy_is_nearly_uniform():
    for env in ENVS:
        scores, _ = heads(make(env), observe(env))
        assert scores.std() < 0.1


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_that_is_saved_and_loaded_keeps_its_size_and_answers(name, tmp_path):
    env = ENVS[3]
    policy = make(env, policy=name, channels=5, layers=3, net_arch=(9, 7))
    policy.save(str(tmp_path / "policy.zip"))
    again = type(policy).load(str(tmp_path / "policy.zip"))
    again.set_training_mode(False)
    for one, other in zip(heads(policy, observe(env)), heads(again, observe(env)), strict=True):
        assert torch.equal(one, other)


def test_a_candidate_policy_keeps_the_width_of_its_critic(tmp_path):
    env = ENVS[0]
    spaces = env.observation_space(), env.action_space()
    CandidatePolicy(*spaces, ConstantSchedule(1e-3), value_hidden=6).save(str(tmp_path / "policy.zip"))
    assert CandidatePolicy.load(str(tmp_path / "policy.zip")).value_net.in_features == 6


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("env", ENVS, ids=NAMES)
def test_one_update_changes_every_weight_that_takes_part(env, name):
    config = PPOConfig(policy=name, channels=8, layers=2, net_arch=(16,))
    model = MaskablePPO(
        policy_of(config).policy_class(),
        BinPackingVecEnv(env, 4),
        policy_kwargs=policy_of(config).policy_kwargs(config),
        n_steps=8,
        batch_size=16,
        n_epochs=1,
        seed=0,
        device="cpu",
    )
    before = {key: value.clone() for key, value in model.policy.state_dict().items()}
    model.learn(32)
    after = model.policy.state_dict()
    assert all(torch.isfinite(value).all() for value in after.values())
    # One bias shifts all of candidate's scores alike, which changes no probability.
    same = [key for key in before if torch.equal(before[key], after[key]) and not key.endswith("score.bias")]
    assert same == []


def test_the_map_policy_sees_neither_landing_heights_nor_contact():
    env = ENVS[3]
    seen, policy = observe(env), make(env, policy="mlp_map")
    assert isinstance(policy.features_extractor, MapNetwork)
    blind = {name: value if name in ("heights", "edges") else torch.zeros_like(value) for name, value in seen.items()}
    for one, other in zip(heads(policy, seen), heads(policy, blind), strict=True):
        assert torch.equal(one, other)
    blind["edges"] = torch.zeros_like(seen["edges"])
    assert not torch.equal(heads(policy, blind)[0], heads(policy, seen)[0])


def test_weights_of_the_candidate_policy_fit_every_bin_and_dense_ones_do_not():
    small, large = ENVS[0], ENVS[0].model_copy(update={"bin_size": (9, 8, 7), "visible": 3})
    for name in POLICIES:
        trained = TrainConfig(env=small, ppo=PPOConfig(policy=name, channels=8, layers=2, net_arch=(16,)))
        agent = PPOAgent(trained, make(small, policy=name))
        batch = PackingBatch(large, 3)
        batch.load(make_streams(large, 3, 0))
        if name == "candidate":
            chosen = agent.act(batch, np.random.default_rng(0))
            assert batch.masks()[np.arange(3), chosen].all()
        else:
            message = rf"^an agent with policy {name} that was trained with bin_size .* cannot play"
            with pytest.raises(ValueError, match=message):
                agent.act(batch, np.random.default_rng(0))
