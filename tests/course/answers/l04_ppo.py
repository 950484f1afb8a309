"""Answers to the exercises of lesson 04, first part: right ones in other styles, and wrong ones with their messages."""

import numpy as np
import torch
from torch import nn

from binpack.course.l04_ppo.agent import Rollout

# ------------------------------------------------------------------------------------------------ masked_log_probs


def masked_log_probs__infinity(logits, masks):
    return torch.log_softmax(torch.where(masks, logits, -torch.inf), dim=-1)


def masked_log_probs__by_hand(logits, masks):
    allowed = logits.masked_fill(~masks, -1e8)
    allowed = allowed - allowed.max(dim=1, keepdim=True).values
    return allowed - allowed.exp().sum(dim=1, keepdim=True).log()


def masked_log_probs__distribution(logits, masks):
    return torch.distributions.Categorical(logits=logits + (masks.float() - 1) * 1e8).logits


def masked_log_probs__wrong_no_mask(logits, masks):
    """the mask is not used"""
    return torch.log_softmax(logits, dim=1)


def masked_log_probs__wrong_turned(logits, masks):
    """the mask is turned round"""
    return torch.log_softmax(logits.masked_fill(masks, -1e8), dim=1)


def masked_log_probs__wrong_probabilities(logits, masks):
    """these are probabilities"""
    return torch.softmax(logits.masked_fill(~masks, -1e8), dim=1)


def masked_log_probs__wrong_after(logits, masks):
    """the forbidden actions are taken out after the softmax"""
    return torch.where(masks, torch.log_softmax(logits, dim=1), -torch.inf)


def masked_log_probs__wrong_zero(logits, masks):
    """forbidden logits become 0"""
    return torch.log_softmax(torch.where(masks, logits, 0.0), dim=1)


def masked_log_probs__wrong_columns(logits, masks):
    """the softmax runs down the columns"""
    return torch.log_softmax(logits.masked_fill(~masks, -1e8), dim=0)


def masked_log_probs__wrong_log_of_softmax(logits, masks):
    """with logits in the hundreds it loses the probabilities of unlikely actions"""
    return torch.log(torch.softmax(logits.masked_fill(~masks, -1e8), dim=1))


def masked_log_probs__wrong_added(logits, masks):
    """something is added to the probabilities, or they are held above 0"""
    return torch.log(torch.softmax(logits.masked_fill(~masks, -1e8), dim=1) + 1e-10)


def masked_log_probs__wrong_held(logits, masks):
    """something is added to the probabilities, or they are held above 0"""
    return torch.softmax(logits.masked_fill(~masks, -1e8), dim=1).clamp(min=1e-9).log()


def masked_log_probs__wrong_minus_10(logits, masks):
    """forbidden logits become -10"""
    return torch.log_softmax(torch.where(masks, logits, -10.0), dim=1)


def masked_log_probs__wrong_minus_20(logits, masks):
    """its probability is small and not 0"""
    return torch.log_softmax(torch.where(masks, logits, -20.0), dim=1)


def masked_log_probs__wrong_minus_50(logits, masks):
    """its probability is small and not 0"""
    return torch.log_softmax(logits.masked_fill(~masks, -50), dim=-1)


def masked_log_probs__wrong_minus_110(logits, masks):
    """lower than usual ones, and not lower than any"""
    return torch.log_softmax(logits.masked_fill(~masks, -110), dim=-1)


def masked_log_probs__wrong_minus_6(logits, masks):
    """expected exp(log_probs)"""
    return torch.log_softmax(logits.masked_fill(~masks, -6), dim=-1)


def masked_log_probs__wrong_numpy(logits, masks):
    """no gradient flows through them"""
    return torch.log_softmax(logits.detach().masked_fill(~masks, -1e8), dim=1)


# --------------------------------------------------------------------------------------------------------- entropy


def entropy__clamped(log_probs):
    return -(log_probs.exp() * log_probs.clamp(min=-1e9)).sum(dim=1)


def entropy__by_rows(log_probs):
    found = []
    for row in log_probs:
        taken = row[row.exp() > 0]
        found.append(-(taken.exp() * taken).sum())
    return torch.stack(found)


def entropy__where(log_probs):
    p = torch.exp(log_probs)
    return torch.special.entr(p).sum(dim=-1) if not p.requires_grad else -(p * log_probs.clamp(min=-1e6)).sum(dim=-1)


def entropy__wrong_sign(log_probs):
    """the sign is turned round"""
    return (log_probs.exp() * log_probs.clamp(min=-1e9)).sum(dim=1)


def entropy__wrong_nan(log_probs):
    """it is not a number where a probability is 0"""
    return -(log_probs.exp() * log_probs).sum(dim=1)


def entropy__wrong_total(log_probs):
    """it adds up the whole batch"""
    return -(log_probs.exp() * log_probs.clamp(min=-1e9)).sum()


def entropy__wrong_mean(log_probs):
    """it is the mean over the actions"""
    return -(log_probs.exp() * log_probs.clamp(min=-1e9)).mean(dim=1)


def entropy__wrong_bits(log_probs):
    """it counts in bits"""
    return -(log_probs.exp() * log_probs.clamp(min=-1e9)).sum(dim=1) / np.log(2)


def entropy__wrong_weights(log_probs):
    """the weights are missing"""
    return -torch.where(log_probs.exp() > 0, log_probs, 0.0).sum(dim=1)


def entropy__wrong_plain_mean(log_probs):
    """this is the plain mean of the log-probabilities"""
    return -log_probs.masked_fill(log_probs < -1e6, 0.0).mean(dim=1)


def entropy__wrong_mean_of_legal(log_probs):
    """the plain mean over the actions that can be taken"""
    return torch.stack([-row[row > -1e6].mean() for row in log_probs])


def entropy__wrong_bare_sum(log_probs):
    """the weights are missing, and forbidden actions count with their low numbers"""
    return -log_probs.sum(dim=1)


def entropy__wrong_bare_mean(log_probs):
    """and add up in place of the mean"""
    return -torch.mean(log_probs, dim=-1)


def entropy__wrong_gradient(log_probs):
    """the gradient through a forbidden action is not a number"""
    return -torch.nan_to_num(log_probs.exp() * log_probs).sum(dim=1)


# --------------------------------------------------------------------------------------------------------- collect


def collect__short(env, agent, n_steps):
    r = Rollout.empty(n_steps, env)
    for t in range(n_steps):
        seen, legal = env.observations, env.masks
        actions, log_probs, values = agent.act(seen, legal)
        step = env.step(actions)
        r.observations[t], r.masks[t], r.actions[t], r.log_probs[t], r.values[t] = (
            seen,
            legal,
            actions,
            log_probs,
            values,
        )
        r.rewards[t], r.terminated[t], r.truncated[t] = step.rewards, step.terminated, step.truncated
        r.next_values[t] = agent.values(step.next_observations)
    return r


def collect__lists(env, agent, n_steps):
    rows = []
    for _ in range(n_steps):
        seen, legal = env.observations.copy(), env.masks.copy()
        actions, log_probs, values = agent.act(seen, legal)
        rewards, terminated, truncated, led_to = env.step(actions)
        rows.append((seen, legal, actions, log_probs, values, rewards, terminated, truncated, agent.values(led_to)))
    return Rollout(*(np.stack(column) for column in zip(*rows, strict=True)))


def collect__wrong_after(env, agent, n_steps):
    """rollout.observations holds what is seen after the step"""
    r = Rollout.empty(n_steps, env)
    for t in range(n_steps):
        r.masks[t] = env.masks
        r.actions[t], r.log_probs[t], r.values[t] = agent.act(env.observations, env.masks)
        step = env.step(r.actions[t])
        r.observations[t] = env.observations
        r.rewards[t], r.terminated[t], r.truncated[t] = step.rewards, step.terminated, step.truncated
        r.next_values[t] = agent.values(step.next_observations)
    return r


def collect__wrong_next(env, agent, n_steps):
    """next_values are those of env.observations"""
    r = Rollout.empty(n_steps, env)
    for t in range(n_steps):
        r.observations[t], r.masks[t] = env.observations, env.masks
        r.actions[t], r.log_probs[t], r.values[t] = agent.act(env.observations, env.masks)
        step = env.step(r.actions[t])
        r.rewards[t], r.terminated[t], r.truncated[t] = step.rewards, step.terminated, step.truncated
        r.next_values[t] = agent.values(env.observations)
    return r


def collect__wrong_same_values(env, agent, n_steps):
    """next_values are the values before the step"""
    r = Rollout.empty(n_steps, env)
    for t in range(n_steps):
        r.observations[t], r.masks[t] = env.observations, env.masks
        r.actions[t], r.log_probs[t], r.values[t] = agent.act(env.observations, env.masks)
        r.next_values[t] = agent.values(env.observations)
        step = env.step(r.actions[t])
        r.rewards[t], r.terminated[t], r.truncated[t] = step.rewards, step.terminated, step.truncated
    return r


def collect__wrong_ends(env, agent, n_steps):
    """a time limit is kept as terminated"""
    r = Rollout.empty(n_steps, env)
    for t in range(n_steps):
        r.observations[t], r.masks[t] = env.observations, env.masks
        r.actions[t], r.log_probs[t], r.values[t] = agent.act(env.observations, env.masks)
        step = env.step(r.actions[t])
        r.rewards[t], r.terminated[t] = step.rewards, step.terminated | step.truncated
        r.next_values[t] = agent.values(step.next_observations)
    return r


def collect__wrong_exchanged(env, agent, n_steps):
    """terminated and truncated are exchanged"""
    r = Rollout.empty(n_steps, env)
    for t in range(n_steps):
        r.observations[t], r.masks[t] = env.observations, env.masks
        r.actions[t], r.log_probs[t], r.values[t] = agent.act(env.observations, env.masks)
        step = env.step(r.actions[t])
        r.rewards[t], r.truncated[t], r.terminated[t] = step.rewards, step.terminated, step.truncated
        r.next_values[t] = agent.values(step.next_observations)
    return r


def collect__wrong_no_masks(env, agent, n_steps):
    """rollout.masks is empty"""
    r = Rollout.empty(n_steps, env)
    for t in range(n_steps):
        r.observations[t] = env.observations
        r.actions[t], r.log_probs[t], r.values[t] = agent.act(env.observations, env.masks)
        step = env.step(r.actions[t])
        r.rewards[t], r.terminated[t], r.truncated[t] = step.rewards, step.terminated, step.truncated
        r.next_values[t] = agent.values(step.next_observations)
    return r


def collect__wrong_twice(env, agent, n_steps):
    """agent.act should be asked once for each step"""
    r = Rollout.empty(n_steps, env)
    for t in range(n_steps):
        r.observations[t], r.masks[t] = env.observations, env.masks
        r.actions[t] = agent.act(env.observations, env.masks)[0]
        r.log_probs[t], r.values[t] = agent.act(env.observations, env.masks)[1:]
        step = env.step(r.actions[t])
        r.rewards[t], r.terminated[t], r.truncated[t] = step.rewards, step.terminated, step.truncated
        r.next_values[t] = agent.values(step.next_observations)
    return r


# ------------------------------------------------------------------------------------------------------------- gae


def gae__where(rewards, values, next_values, terminated, truncated, settings):
    future = np.where(terminated, 0.0, next_values)
    surprises = rewards + settings.gamma * future - values
    keep = settings.gamma * settings.gae_lambda * np.where(terminated | truncated, 0.0, 1.0)
    found = [surprises[-1]]
    for surprise, share in zip(surprises[-2::-1], keep[-2::-1], strict=True):
        found.append(surprise + share * found[-1])
    return np.stack(found[::-1])


def gae__double_loop(rewards, values, next_values, terminated, truncated, settings):
    steps, envs = rewards.shape
    advantages = np.empty((steps, envs))
    for i in range(envs):
        later = 0.0
        for t in range(steps - 1, -1, -1):
            if terminated[t, i]:
                later = rewards[t, i] - values[t, i]
            else:
                surprise = rewards[t, i] + settings.gamma * next_values[t, i] - values[t, i]
                later = surprise if truncated[t, i] else surprise + settings.gamma * settings.gae_lambda * later
            advantages[t, i] = later
    return advantages


def gae__wrong_end(rewards, values, next_values, terminated, truncated, settings):
    """the future counts after a state that terminated"""
    advantages, later = np.zeros_like(rewards), 0.0
    for t in reversed(range(len(rewards))):
        surprise = rewards[t] + settings.gamma * next_values[t] - values[t]
        later = surprise + settings.gamma * settings.gae_lambda * later * ~(terminated[t] | truncated[t])
        advantages[t] = later
    return advantages


def gae__wrong_truncated(rewards, values, next_values, terminated, truncated, settings):
    """truncated is treated as terminated"""
    advantages, later, over = np.zeros_like(rewards), 0.0, terminated | truncated
    for t in reversed(range(len(rewards))):
        surprise = rewards[t] + settings.gamma * next_values[t] * ~over[t] - values[t]
        later = surprise + settings.gamma * settings.gae_lambda * later * ~over[t]
        advantages[t] = later
    return advantages


def gae__wrong_carried(rewards, values, next_values, terminated, truncated, settings):
    """after truncated nothing is carried back either"""
    advantages, later = np.zeros_like(rewards), 0.0
    for t in reversed(range(len(rewards))):
        surprise = rewards[t] + settings.gamma * next_values[t] * ~terminated[t] - values[t]
        later = surprise + settings.gamma * settings.gae_lambda * later * ~terminated[t]
        advantages[t] = later
    return advantages


def gae__wrong_one_step(rewards, values, next_values, terminated, truncated, settings):
    """only each step's own surprise"""
    return rewards + settings.gamma * next_values * ~terminated - values


def gae__wrong_forwards(rewards, values, next_values, terminated, truncated, settings):
    """it runs forwards"""
    advantages, before = np.zeros_like(rewards), 0.0
    for t in range(len(rewards)):
        surprise = rewards[t] + settings.gamma * next_values[t] * ~terminated[t] - values[t]
        before = surprise + settings.gamma * settings.gae_lambda * before * ~(terminated[t] | truncated[t])
        advantages[t] = before
    return advantages


def gae__wrong_no_lambda(rewards, values, next_values, terminated, truncated, settings):
    """gae_lambda is missing"""
    advantages, later = np.zeros_like(rewards), 0.0
    for t in reversed(range(len(rewards))):
        surprise = rewards[t] + settings.gamma * next_values[t] * ~terminated[t] - values[t]
        later = surprise + settings.gamma * later * ~(terminated[t] | truncated[t])
        advantages[t] = later
    return advantages


def gae__wrong_no_gamma(rewards, values, next_values, terminated, truncated, settings):
    """gamma is missing where the next advantage is carried back"""
    advantages, carry = np.zeros_like(rewards), 0.0
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + settings.gamma * (1 - terminated[t]) * next_values[t] - values[t]
        carry = delta + settings.gae_lambda * (1 - (terminated[t] | truncated[t])) * carry
        advantages[t] = carry
    return advantages


def gae__wrong_row_below(rewards, values, next_values, terminated, truncated, settings):
    """values[t + 1] is taken for next_values[t]: where a limit cuts an episode off"""
    advantages, later = np.zeros_like(rewards), 0.0
    for t in reversed(range(len(rewards))):
        following = next_values[t] if t == len(rewards) - 1 else values[t + 1]
        surprise = rewards[t] + settings.gamma * following * ~terminated[t] - values[t]
        later = surprise + settings.gamma * settings.gae_lambda * later * ~(terminated[t] | truncated[t])
        advantages[t] = later
    return advantages


def gae__wrong_row_below_or_nothing(rewards, values, next_values, terminated, truncated, settings):
    """and nothing after the last row"""
    advantages, later = np.zeros_like(rewards), 0.0
    for t in reversed(range(len(rewards))):
        following = 0.0 if t == len(rewards) - 1 else values[t + 1]
        surprise = rewards[t] + settings.gamma * following * ~terminated[t] - values[t]
        later = surprise + settings.gamma * settings.gae_lambda * later * ~(terminated[t] | truncated[t])
        advantages[t] = later
    return advantages


def gae__wrong_row_below_or_first(rewards, values, next_values, terminated, truncated, settings):
    """and after the last row the first"""
    advantages, later, steps = np.zeros_like(rewards), 0.0, len(rewards)
    for t in reversed(range(steps)):
        surprise = rewards[t] + settings.gamma * values[(t + 1) % steps] * ~terminated[t] - values[t]
        later = surprise + settings.gamma * settings.gae_lambda * later * ~(terminated[t] | truncated[t])
        advantages[t] = later
    return advantages


def gae__wrong_returns(rewards, values, next_values, terminated, truncated, settings):
    """these are advantages plus values"""
    advantages, later = np.zeros_like(rewards), 0.0
    for t in reversed(range(len(rewards))):
        surprise = rewards[t] + settings.gamma * next_values[t] * ~terminated[t] - values[t]
        later = surprise + settings.gamma * settings.gae_lambda * later * ~(terminated[t] | truncated[t])
        advantages[t] = later
    return advantages + values


# ------------------------------------------------------------------------------------------------------- normalize


def normalize__steps(advantages):
    centred = advantages - torch.mean(advantages)
    return centred / (torch.std(centred) + 1e-8)


def normalize__by_hand(advantages):
    n, mean = len(advantages), sum(advantages) / len(advantages)
    variance = ((advantages - mean) ** 2).sum() / (n - 1)
    return (advantages - mean) / (variance.sqrt() + 1e-8)


def normalize__wrong_mean(advantages):
    """the mean is not taken away"""
    return advantages / (advantages.std() + 1e-8)


def normalize__wrong_scale(advantages):
    """the mean is 0, but the scale is as it was"""
    return advantages - advantages.mean()


def normalize__wrong_zero(advantages):
    """equal advantages are divided by 0"""
    return (advantages - advantages.mean()) / advantages.std()


def normalize__wrong_variance(advantages):
    """it divides by the variance"""
    return (advantages - advantages.mean()) / (advantages.var() + 1e-8)


def normalize__wrong_brackets(advantages):
    """only the mean is divided"""
    return advantages - advantages.mean() / (advantages.std() + 1e-8)


def normalize__wrong_numpy(advantages):
    """should be a torch tensor"""
    numbers = advantages.numpy()
    return (numbers - numbers.mean()) / (numbers.std(ddof=1) + 1e-8)


# ---------------------------------------------------------------------------------------------------- clipped_loss


def clipped_loss__where(log_probs, old_log_probs, advantages, clip_range):
    ratio = torch.exp(log_probs - old_log_probs)
    bound = torch.where(advantages > 0, (1 + clip_range) * advantages, (1 - clip_range) * advantages)
    return -torch.min(ratio * advantages, bound).mean()


def clipped_loss__maximum(log_probs, old_log_probs, advantages, clip_range):
    ratio = log_probs.exp() / old_log_probs.exp()
    losses = torch.stack([-ratio * advantages, -torch.clip(ratio, 1 - clip_range, 1 + clip_range) * advantages])
    return losses.max(dim=0).values.mean()


def clipped_loss__wrong_sign(log_probs, old_log_probs, advantages, clip_range):
    """the sign is turned round"""
    ratio = torch.exp(log_probs - old_log_probs)
    return torch.min(ratio * advantages, ratio.clamp(1 - clip_range, 1 + clip_range) * advantages).mean()


def clipped_loss__wrong_plain(log_probs, old_log_probs, advantages, clip_range):
    """nothing is clipped"""
    return -(torch.exp(log_probs - old_log_probs) * advantages).mean()


def clipped_loss__wrong_clip_alone(log_probs, old_log_probs, advantages, clip_range):
    """only the clipped product is taken"""
    ratio = torch.exp(log_probs - old_log_probs)
    return -(ratio.clamp(1 - clip_range, 1 + clip_range) * advantages).mean()


def clipped_loss__wrong_larger(log_probs, old_log_probs, advantages, clip_range):
    """the larger product is taken"""
    ratio = torch.exp(log_probs - old_log_probs)
    return -torch.max(ratio * advantages, ratio.clamp(1 - clip_range, 1 + clip_range) * advantages).mean()


def clipped_loss__wrong_smaller_ratio(log_probs, old_log_probs, advantages, clip_range):
    """the smaller ratio is taken before it is multiplied"""
    ratio = torch.exp(log_probs - old_log_probs)
    return -(torch.min(ratio, ratio.clamp(1 - clip_range, 1 + clip_range)) * advantages).mean()


def clipped_loss__wrong_no_exp(log_probs, old_log_probs, advantages, clip_range):
    """the difference of logarithms is no ratio yet"""
    ratio = log_probs - old_log_probs
    return -torch.min(ratio * advantages, ratio.clamp(1 - clip_range, 1 + clip_range) * advantages).mean()


def clipped_loss__wrong_upside_down(log_probs, old_log_probs, advantages, clip_range):
    """the ratio is upside down"""
    ratio = torch.exp(old_log_probs - log_probs)
    return -torch.min(ratio * advantages, ratio.clamp(1 - clip_range, 1 + clip_range) * advantages).mean()


def clipped_loss__wrong_means_first(log_probs, old_log_probs, advantages, clip_range):
    """the smaller of two means is taken"""
    ratio = torch.exp(log_probs - old_log_probs)
    plain, clipped = ratio * advantages, ratio.clamp(1 - clip_range, 1 + clip_range) * advantages
    return -torch.min(plain.mean(), clipped.mean())


def clipped_loss__wrong_no_gradient(log_probs, old_log_probs, advantages, clip_range):
    """no gradient flows through it"""
    ratio = torch.exp(log_probs.detach() - old_log_probs)
    return -torch.min(ratio * advantages, ratio.clamp(1 - clip_range, 1 + clip_range) * advantages).mean()


# ------------------------------------------------------------------------------------------------------ total_loss


def total_loss__mse(policy_loss, values, returns, entropies, settings):
    return (
        policy_loss
        + settings.vf_coef * nn.functional.mse_loss(values, returns)
        + settings.ent_coef * -torch.mean(entropies)
    )


def total_loss__in_steps(policy_loss, values, returns, entropies, settings):
    loss = policy_loss.clone()
    loss = loss - entropies.sum() / len(entropies) * settings.ent_coef
    return loss + (returns - values).pow(2).sum() / len(values) * settings.vf_coef


def total_loss__wrong_entropy(policy_loss, values, returns, entropies, settings):
    """the entropy is added"""
    return policy_loss + settings.vf_coef * ((values - returns) ** 2).mean() + settings.ent_coef * entropies.mean()


def total_loss__wrong_value(policy_loss, values, returns, entropies, settings):
    """the value loss is taken away"""
    return policy_loss - settings.vf_coef * ((values - returns) ** 2).mean() - settings.ent_coef * entropies.mean()


def total_loss__wrong_policy(policy_loss, values, returns, entropies, settings):
    """the policy loss has its minus already"""
    return -policy_loss + settings.vf_coef * ((values - returns) ** 2).mean() - settings.ent_coef * entropies.mean()


def total_loss__wrong_coefficients(policy_loss, values, returns, entropies, settings):
    """the two coefficients are exchanged"""
    return policy_loss + settings.ent_coef * ((values - returns) ** 2).mean() - settings.vf_coef * entropies.mean()


def total_loss__wrong_rows(policy_loss, values, returns, entropies, settings):
    """one loss for each row is returned"""
    return policy_loss + settings.vf_coef * (values - returns) ** 2 - settings.ent_coef * entropies


def total_loss__wrong_huber(policy_loss, values, returns, entropies, settings):
    """the value loss is Huber's"""
    value_loss = nn.functional.huber_loss(values, returns)
    return policy_loss + settings.vf_coef * value_loss - settings.ent_coef * entropies.mean()


def total_loss__wrong_typed_in(policy_loss, values, returns, entropies, settings):
    """0.5 and 0.01 are typed in"""
    return policy_loss + 0.5 * ((values - returns) ** 2).mean() - 0.01 * entropies.mean()


def total_loss__wrong_typed_in_half(policy_loss, values, returns, entropies, settings):
    """0.5 is typed in"""
    return policy_loss + 0.5 * ((values - returns) ** 2).mean() - settings.ent_coef * entropies.mean()


def total_loss__wrong_typed_in_entropy(policy_loss, values, returns, entropies, settings):
    """0.01 is typed in"""
    return policy_loss + settings.vf_coef * ((values - returns) ** 2).mean() - 0.01 * entropies.mean()


def total_loss__wrong_detached(policy_loss, values, returns, entropies, settings):
    """no gradient flows back to values"""
    value_loss = ((values.detach() - returns) ** 2).mean()
    return policy_loss + settings.vf_coef * value_loss - settings.ent_coef * entropies.mean()


# ---------------------------------------------------------------------------------------------------------- update


def update__array_split(agent, batch, settings, loss_of, rng):
    rows, size = len(batch.actions), settings.batch_size
    for _ in range(settings.n_epochs):
        for numbers in np.array_split(rng.permutation(rows), range(size, rows, size)):
            agent.optimizer.zero_grad()
            loss_of(batch.rows(numbers)).backward()
            nn.utils.clip_grad_norm_(agent.network.parameters(), settings.max_grad_norm)
            agent.optimizer.step()


def update__shuffled_list(agent, batch, settings, loss_of, rng):
    numbers = np.arange(batch.actions.shape[0])
    for _epoch in range(settings.n_epochs):
        rng.shuffle(numbers)
        left = numbers.tolist()
        while left:
            chosen, left = left[: settings.batch_size], left[settings.batch_size :]
            loss = loss_of(batch.rows(chosen))
            for weight in agent.network.parameters():
                weight.grad = None
            loss.backward()
            length = torch.sqrt(sum((weight.grad**2).sum() for weight in agent.network.parameters()))
            for weight in agent.network.parameters():
                weight.grad *= min(1.0, settings.max_grad_norm / (float(length) + 1e-6))
            agent.optimizer.step()


def update__wrong_clip_value(agent, batch, settings, loss_of, rng):
    """the entries of a gradient are cut one by one"""
    for _ in range(settings.n_epochs):
        order = rng.permutation(len(batch.actions))
        for start in range(0, len(order), settings.batch_size):
            loss = loss_of(batch.rows(order[start : start + settings.batch_size]))
            agent.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_value_(agent.network.parameters(), settings.max_grad_norm)
            agent.optimizer.step()


def update__wrong_len_of_batch(agent, batch, settings, loss_of, rng):
    """len(batch) counts the tensors of the batch"""
    for _ in range(settings.n_epochs):
        order = rng.permutation(len(batch))
        for start in range(0, len(order), settings.batch_size):
            loss = loss_of(batch.rows(order[start : start + settings.batch_size]))
            agent.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.network.parameters(), settings.max_grad_norm)
            agent.optimizer.step()


def update__wrong_whole(agent, batch, settings, loss_of, rng):
    """loss_of gets the whole batch"""
    for _ in range(settings.n_epochs):
        agent.optimizer.zero_grad()
        loss_of(batch.rows(rng.permutation(len(batch.actions)))).backward()
        nn.utils.clip_grad_norm_(agent.network.parameters(), settings.max_grad_norm)
        agent.optimizer.step()


def update__wrong_one_epoch(agent, batch, settings, loss_of, rng):
    """it goes through the batch once"""
    order = rng.permutation(len(batch.actions))
    for start in range(0, len(order), settings.batch_size):
        agent.optimizer.zero_grad()
        loss_of(batch.rows(order[start : start + settings.batch_size])).backward()
        nn.utils.clip_grad_norm_(agent.network.parameters(), settings.max_grad_norm)
        agent.optimizer.step()


def update__wrong_not_shuffled(agent, batch, settings, loss_of, rng):
    """the rows are not shuffled"""
    for _ in range(settings.n_epochs):
        order = np.arange(len(batch.actions))
        for start in range(0, len(order), settings.batch_size):
            agent.optimizer.zero_grad()
            loss_of(batch.rows(order[start : start + settings.batch_size])).backward()
            nn.utils.clip_grad_norm_(agent.network.parameters(), settings.max_grad_norm)
            agent.optimizer.step()


def update__wrong_same_order(agent, batch, settings, loss_of, rng):
    """each epoch goes through the rows in the same order"""
    order = rng.permutation(len(batch.actions))
    for _ in range(settings.n_epochs):
        for start in range(0, len(order), settings.batch_size):
            agent.optimizer.zero_grad()
            loss_of(batch.rows(order[start : start + settings.batch_size])).backward()
            nn.utils.clip_grad_norm_(agent.network.parameters(), settings.max_grad_norm)
            agent.optimizer.step()


def update__wrong_drawn(agent, batch, settings, loss_of, rng):
    """an epoch should hold every row once"""
    for _ in range(settings.n_epochs):
        order = rng.integers(len(batch.actions), size=len(batch.actions))
        for start in range(0, len(order), settings.batch_size):
            agent.optimizer.zero_grad()
            loss_of(batch.rows(order[start : start + settings.batch_size])).backward()
            nn.utils.clip_grad_norm_(agent.network.parameters(), settings.max_grad_norm)
            agent.optimizer.step()


def update__wrong_no_clip(agent, batch, settings, loss_of, rng):
    """a gradient longer than max_grad_norm is used as it is"""
    for _ in range(settings.n_epochs):
        order = rng.permutation(len(batch.actions))
        for start in range(0, len(order), settings.batch_size):
            agent.optimizer.zero_grad()
            loss_of(batch.rows(order[start : start + settings.batch_size])).backward()
            agent.optimizer.step()


def update__wrong_piles(agent, batch, settings, loss_of, rng):
    """gradients of earlier minibatches pile up"""
    for _ in range(settings.n_epochs):
        order = rng.permutation(len(batch.actions))
        for start in range(0, len(order), settings.batch_size):
            loss_of(batch.rows(order[start : start + settings.batch_size])).backward()
            nn.utils.clip_grad_norm_(agent.network.parameters(), settings.max_grad_norm)
            agent.optimizer.step()


def update__wrong_global(agent, batch, settings, loss_of, rng):
    """it draws from numpy's global generator"""
    for _ in range(settings.n_epochs):
        order = np.random.permutation(len(batch.actions))  # noqa: NPY002 - the mistake
        for start in range(0, len(order), settings.batch_size):
            agent.optimizer.zero_grad()
            loss_of(batch.rows(order[start : start + settings.batch_size])).backward()
            nn.utils.clip_grad_norm_(agent.network.parameters(), settings.max_grad_norm)
            agent.optimizer.step()


def update__wrong_no_step(agent, batch, settings, loss_of, rng):
    """the weights do not move"""
    for _ in range(settings.n_epochs):
        order = rng.permutation(len(batch.actions))
        for start in range(0, len(order), settings.batch_size):
            loss_of(batch.rows(order[start : start + settings.batch_size])).backward()
            nn.utils.clip_grad_norm_(agent.network.parameters(), settings.max_grad_norm)


# ---------------------------------------------------------------------------------------------------- listing_loss


def listing_loss__where(rows, settings):
    future = torch.where(rows.terminated, 0.0, rows.next_values)
    targets = rows.rewards + settings.gamma * future
    advantages = (targets - rows.values).detach()
    ratio = (rows.log_probs - rows.old_log_probs).exp()
    clipped = ratio.clamp(1 - settings.clip_range, 1 + settings.clip_range)
    policy_loss = -torch.minimum(ratio * advantages, clipped * advantages).mean()
    value_loss = nn.functional.mse_loss(rows.values, targets)
    return policy_loss + settings.vf_coef * value_loss - settings.ent_coef * rows.entropies.mean()


def listing_loss__bonus(rows, settings):
    alive = 1.0 - rows.terminated.float()
    targets = rows.rewards + settings.gamma * rows.next_values * alive
    advantages = targets - rows.values.detach()
    ratio = torch.exp(rows.log_probs - rows.old_log_probs)
    clipped = torch.clamp(ratio, 1 - settings.clip_range, 1 + settings.clip_range)
    gain = torch.min(ratio * advantages, clipped * advantages) + settings.ent_coef * rows.entropies
    return settings.vf_coef * ((targets - rows.values) ** 2).mean() - gain.mean()


def _listing(rows, settings, alive, sign):
    targets = rows.rewards + settings.gamma * rows.next_values * alive
    advantages = targets - rows.values.detach()
    ratio = torch.exp(rows.log_probs - rows.old_log_probs)
    clipped = torch.clamp(ratio, 1 - settings.clip_range, 1 + settings.clip_range)
    policy_loss = -torch.min(ratio * advantages, clipped * advantages).mean()
    value_loss = ((targets - rows.values) ** 2).mean()
    return policy_loss + settings.vf_coef * value_loss + sign * settings.ent_coef * rows.entropies.mean()


def listing_loss__wrong_entropy(rows, settings):
    """the entropy is still added to a loss that is made small"""
    return _listing(rows, settings, ~rows.terminated, 1)


def listing_loss__wrong_end(rows, settings):
    """the future is still counted after a state that terminated"""
    return _listing(rows, settings, 1, -1)


def listing_loss__wrong_both(rows, settings):
    """both mistakes are still there"""
    return _listing(rows, settings, torch.ones_like(rows.rewards), 1)


def listing_loss__wrong_turned(rows, settings):
    """turn terminated round"""
    return _listing(rows, settings, rows.terminated, -1)


def listing_loss__wrong_no_future(rows, settings):
    """no state has a future any more"""
    return _listing(rows, settings, 0, -1)


def listing_loss__wrong_no_entropy(rows, settings):
    """the entropy is gone"""
    return _listing(rows, settings, ~rows.terminated, 0)
