"""The exercises' advantages, losses and step of the optimizer equal stable-baselines3's on the same batch."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.distributions import MaskableCategorical
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecMonitor
from torch import nn

from binpack.course.l04_ppo import exercises as lesson
from binpack.course.l04_ppo.agent import Agent, Batch, Rollout, Settings, make_batch
from binpack.course.l04_ppo.loop import minibatch_loss
from binpack.course.l04_ppo.record_match import make_sb3

SETTINGS = Settings(n_steps=16, ent_coef=0.03, vf_coef=0.7, n_epochs=1, batch_size=64, max_grad_norm=0.3)
ENVS = 4


@pytest.mark.parametrize("seed", range(5))
def test_advantages_equal_those_of_a_rollout_buffer_truncation_included(seed):
    rng, steps, envs = np.random.default_rng(seed), 20, 3
    rewards, values, ends_values = (rng.normal(size=(steps, envs)).astype(np.float32) for _ in range(3))
    kind = rng.random((steps, envs))
    terminated, truncated = kind < 0.15, kind > 0.8
    over = terminated | truncated
    last = rng.normal(size=envs).astype(np.float32)
    next_values = np.where(over, ends_values, np.vstack([values[1:], last])).astype(np.float32)
    gamma, lam = float(rng.uniform(0.8, 1)), float(rng.uniform(0.5, 1))

    box = spaces.Box(-1, 1, (1,))
    buffer = RolloutBuffer(steps, box, spaces.Discrete(2), "cpu", gae_lambda=lam, gamma=gamma, n_envs=envs)
    starts = np.vstack([np.ones((1, envs)), over[:-1]])
    for t in range(steps):
        # a truncated step gets the value of its last observation into its reward, as in collect_rollouts
        paid = rewards[t] + gamma * next_values[t] * truncated[t]
        zero = np.zeros((envs, 1), np.float32)
        buffer.add(zero, zero, paid, starts[t], torch.from_numpy(values[t]), torch.zeros(envs))
    buffer.compute_returns_and_advantage(torch.from_numpy(last), over[-1])

    settings = Settings(gamma=gamma, gae_lambda=lam)
    advantages = lesson.gae(rewards, values, next_values, terminated, truncated, settings)
    np.testing.assert_allclose(advantages, buffer.advantages, atol=1e-6, rtol=1e-6)
    np.testing.assert_allclose(advantages + values, buffer.returns, atol=1e-6, rtol=1e-6)


def test_masked_log_probabilities_and_entropy_equal_those_of_sb3_contrib():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(50, 9, generator=generator) * 5
    masks = torch.rand(50, 9, generator=generator) < 0.5
    masks[:, 4] = True
    theirs = MaskableCategorical(logits=logits, masks=masks)
    log_probs = lesson.masked_log_probs(logits, masks)
    torch.testing.assert_close(log_probs[masks], theirs.logits[masks], atol=1e-6, rtol=1e-6)
    assert (log_probs[~masks].exp() == 0).all()
    torch.testing.assert_close(lesson.entropy(log_probs), theirs.entropy(), atol=1e-6, rtol=1e-6)


class TwoInOne(nn.Module):
    """Stable-baselines3's policy as the lesson's network: logits and values of observations laid out flat."""

    def __init__(self, policy):
        super().__init__()
        self.policy = policy

    def forward(self, observations):
        # MultiInputPolicy lays the entries of an observation out flat before its two networks
        latent = self.policy.mlp_extractor
        logits = self.policy.action_net(latent.forward_actor(observations))
        return logits, self.policy.value_net(latent.forward_critic(observations)).squeeze(-1)


@pytest.fixture
def trained():
    """A MaskablePPO with a full rollout, moved a little away from the policy that collected it."""
    torch.set_num_threads(1)
    model = make_sb3(SETTINGS, seed=3, n=ENVS)
    model.set_logger(Logger(None, []))
    model.set_env(VecMonitor(model.get_env()))
    _, callback = model._setup_learn(10_000, None)
    assert model.collect_rollouts(model.env, callback, model.rollout_buffer, SETTINGS.n_steps)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weights in model.policy.parameters():
            weights += 0.05 * torch.randn(weights.shape, generator=generator)
    return model


def our_batch(model):
    """The whole rollout as the lesson's batch, its advantages from the lesson's estimate."""
    buffer = model.rollout_buffer
    flat = torch.cat(
        [
            torch.from_numpy(part).flatten(start_dim=2).float()
            for part in (buffer.observations[name] for name in model.observation_space.spaces)
        ],
        dim=2,
    ).numpy()
    over = np.vstack([buffer.episode_starts[1:], model._last_episode_starts[None]]).astype(bool)
    last = model.policy.predict_values(model.policy.obs_to_tensor(model._last_obs)[0]).detach().numpy()[:, 0]
    return flat, over, last


def test_losses_equal_those_that_train_logs_on_the_same_rollout(trained):
    model = trained
    flat, over, _ = our_batch(model)
    buffer = model.rollout_buffer
    assert over.any() and not over.all()
    rows = buffer.n_envs * buffer.buffer_size
    masks = buffer.action_masks.reshape(buffer.buffer_size, ENVS, -1).astype(bool)
    actions = buffer.actions[:, :, 0].astype(np.int64)

    def column(part, kind=np.float32):
        return torch.from_numpy(np.ascontiguousarray(part.reshape(rows, *part.shape[2:])).astype(kind))

    batch = Batch(
        column(flat),
        column(masks, bool),
        column(actions, np.int64),
        column(buffer.log_probs),
        column(buffer.advantages),
        column(buffer.returns),
    )
    twin = make_sb3(SETTINGS, seed=3, n=ENVS).policy
    twin.load_state_dict(model.policy.state_dict())
    network = TwoInOne(twin)
    agent = Agent(network, network.policy.optimizer, lesson.masked_log_probs, torch.Generator())
    logits, values = network(batch.observations)
    log_probs = lesson.masked_log_probs(logits, batch.masks)
    chosen = log_probs.gather(1, batch.actions[:, None]).squeeze(1)
    policy_loss = lesson.clipped_loss(chosen, batch.log_probs, lesson.normalize(batch.advantages), SETTINGS.clip_range)
    loss = minibatch_loss(agent, batch, SETTINGS, lesson.REFERENCE)

    model.batch_size = rows
    model.train()
    logged = SimpleNamespace(**{name.rpartition("/")[2]: value for name, value in model.logger.name_to_value.items()})
    assert logged.clip_fraction > 0.01, "the ratios must leave the clip range, or nothing is tested"
    assert policy_loss.item() == pytest.approx(logged.policy_gradient_loss, abs=1e-6)
    assert ((values - batch.returns) ** 2).mean().item() == pytest.approx(logged.value_loss, abs=1e-6)
    assert -lesson.entropy(log_probs).mean().item() == pytest.approx(logged.entropy_loss, abs=1e-6)
    assert loss.item() == pytest.approx(logged.loss, abs=1e-6)

    # and one step of the same optimizer, its gradient cut to the same length, leaves the same weights
    network.policy.optimizer = torch.optim.Adam(network.policy.parameters(), lr=SETTINGS.learning_rate, eps=1e-5)
    agent.optimizer = network.policy.optimizer
    whole = SETTINGS.replace(batch_size=rows)
    lesson.update(
        agent, batch, whole, lambda part: minibatch_loss(agent, part, whole, lesson.REFERENCE), np.random.default_rng(0)
    )
    for mine, theirs in zip(network.policy.parameters(), model.policy.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-5)


def test_advantages_of_a_real_rollout_equal_the_buffers(trained):
    flat, over, last = our_batch(trained)
    buffer = trained.rollout_buffer
    assert flat.shape[:2] == buffer.rewards.shape
    assert last.shape == (ENVS,)
    # episodes of packing terminate, so what follows an end counts for nothing; the last row was bootstrapped before
    # the weights moved, so it is taken from the buffer's own returns
    surprise = buffer.advantages[-1] + buffer.values[-1] - buffer.rewards[-1]
    next_values = np.vstack([buffer.values[1:], (surprise / SETTINGS.gamma)[None]]).astype(np.float32)
    truncated = np.zeros_like(over)
    found = lesson.gae(buffer.rewards, buffer.values, next_values, over, truncated, SETTINGS)
    np.testing.assert_allclose(found, buffer.advantages, atol=1e-6)


def test_a_batch_lays_a_rollout_out_row_by_row():
    rng = np.random.default_rng(0)
    env = SimpleNamespace(n=2, n_inputs=3, n_actions=4)
    rollout = Rollout.empty(5, env)
    rollout.values[:] = rng.normal(size=(5, 2))
    rollout.actions[:] = np.arange(10).reshape(5, 2)
    batch = make_batch(rollout, rng.normal(size=(5, 2)))
    assert batch.actions.tolist() == list(range(10))
    torch.testing.assert_close(batch.returns - batch.advantages, torch.from_numpy(rollout.values.reshape(-1)))
    assert batch.returns.dtype == batch.advantages.dtype == torch.float32
    assert batch.rows([3, 0]).actions.tolist() == [3, 0]
