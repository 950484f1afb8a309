"""Runs that cannot fit in memory are refused before anything is written."""

from __future__ import annotations

import pytest

from binpack.agents import limits
from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.policies import build_policy
from binpack.agents.training import _build, train
from binpack.env.config import EnvConfig


@pytest.mark.parametrize("features", ["none", "contact"])
def test_the_size_of_a_rollout_is_that_of_the_buffer_and_of_the_updates_masks(tmp_path, features):
    env = EnvConfig(bin_size=(6, 5, 4), items="random:1-2", visible=3, rotation="z", features=features)
    run = TrainConfig(env=env, ppo=PPOConfig(n_steps=7, batch_size=4), n_envs=2, tensorboard=False, device="cpu")
    buffer = _build(run, tmp_path, None).rollout_buffer
    seen = sum(part.nbytes for part in buffer.observations.values())
    buffer.reset()
    numbers = sum(getattr(buffer, name).nbytes for name in ("rewards", "returns", "episode_starts", "values"))
    small = numbers + buffer.advantages.nbytes + buffer.log_probs.nbytes
    masks = buffer.action_masks.nbytes
    assert limits.rollout_bytes(run) == seen + masks + masks // 4 + small


@pytest.mark.parametrize(
    ("env", "ppo", "n_envs"),
    [
        (EnvConfig(bin_size=(300, 300, 300), visible=5), PPOConfig(), 16),
        (EnvConfig(), PPOConfig(), 4096),
        (EnvConfig(), PPOConfig(n_steps=100_000), 16),
    ],
)
def test_a_rollout_that_cannot_fit_is_refused_with_its_size(tmp_path, monkeypatch, env, ppo, n_envs):
    run = TrainConfig(env=env, ppo=ppo, n_envs=n_envs)
    needed = limits.rollout_bytes(run)
    monkeypatch.setattr(limits, "available_memory", lambda: 2 * needed - 1)
    with pytest.raises(ValueError, match=r"^too large: a rollout of n_steps \d+ x n_envs \d+ observations") as caught:
        train(run, tmp_path / "run")
    assert f"takes {needed / 2**30:,.1f} GiB of memory" in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
    for free in (2 * needed, None):
        monkeypatch.setattr(limits, "available_memory", lambda free=free: free)
        limits.check_memory(run)
    monkeypatch.setattr(limits, "available_memory", lambda: 2 * needed)
    with pytest.raises(ValueError, match="2 runs side by side"):
        limits.check_memory(run, 2)


@pytest.mark.parametrize("policy", ["candidate", "conv", "mlp", "mlp_map"])
@pytest.mark.parametrize("shape", [{}, {"channels": 5, "layers": 1, "net_arch": (7,)}, {"net_arch": ()}])
@pytest.mark.parametrize("visible", [1, 3])
def test_a_network_is_counted_without_being_made(policy, shape, visible):
    env = EnvConfig(bin_size=(6, 5, 4), items="random:1-2", visible=visible, features="contact")
    run = TrainConfig(env=env, ppo=PPOConfig(policy=policy, **shape))
    assert limits.network_weights(run) == sum(each.numel() for each in build_policy(run).parameters())


@pytest.mark.parametrize(
    ("ppo", "shape"),
    [
        (PPOConfig(channels=1024, layers=64), "candidate network with channels 1024 and layers 64"),
        (PPOConfig(policy="mlp", net_arch=(4096,) * 16), r"mlp network with net_arch \[4096, "),
        (PPOConfig(policy="conv", channels=1024, layers=64), "conv network with channels 1024"),
    ],
)
def test_a_network_that_cannot_fit_is_refused_before_it_is_made(tmp_path, monkeypatch, ppo, shape):
    monkeypatch.setattr(limits, "available_memory", lambda: 2**30)
    with pytest.raises(
        ValueError, match=f"^too large: a {shape}.* weights, which take .* GiB of memory, more than half"
    ):
        train(TrainConfig(ppo=ppo), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_more_processes_than_fit_are_refused(monkeypatch):
    monkeypatch.setattr(limits, "available_memory", lambda: 2**30)
    limits.check_workers(3)
    message = "jobs: 1000 processes take 293.0 GiB of memory, and 1.0 GiB are free: expected at most 3"
    with pytest.raises(ValueError, match=message):
        limits.check_workers(1000)
    monkeypatch.setattr(limits, "available_memory", lambda: None)
    limits.check_workers(1000)


def test_a_gpu_that_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ValueError, match="device cuda: this machine has no GPU .* expected cpu or auto"):
        train(TrainConfig(device="cuda"), tmp_path / "run")
    assert not (tmp_path / "run").exists()
