"""Learners' answers to the exercises of lesson 04's second part, right and wrong."""

import math

import numpy as np
import torch

from binpack.course.l04_ppo.rivals import RMSPROP

# ---------------------------------------------------------------------------------------------------- score_on_streams


def score_on_streams__rewards_added(model, env, streams):
    totals = []
    for items in streams:
        observation, _ = env.reset(options={"items": items})
        total, terminated, truncated = 0.0, False, False
        while not (terminated or truncated):
            mask = env.action_masks()
            action, state = model.predict(observation, deterministic=True, action_masks=mask)
            observation, reward, terminated, truncated, info = env.step(action)
            total += reward
        totals.append(total)
    return totals


def score_on_streams__one_function(model, env, streams):
    def pack(items):
        observation = env.reset(options={"items": items})[0]
        while True:
            action = model.predict(observation, None, None, True, env.action_masks())[0]
            observation, _, terminated, truncated, info = env.step(int(action))
            if terminated or truncated:
                return info["utilization"]

    return np.fromiter(map(pack, streams), float)


def _pack(model, env, items, masked=True, deterministic=True):
    observation, info = env.reset(options={"items": items})
    over, infos = False, [info]
    while not over:
        masks = {"action_masks": env.action_masks()} if masked else {}
        action, _ = model.predict(observation, deterministic=deterministic, **masks)
        observation, reward, terminated, truncated, info = env.step(action)
        infos.append({**info, "reward": reward})
        over = terminated or truncated
    return infos


def score_on_streams__wrong_no_mask(model, env, streams):
    """model.predict gets no action_masks"""
    return np.array([_pack(model, env, items, masked=False)[-1]["utilization"] for items in streams])


def score_on_streams__wrong_at_random(model, env, streams):
    """pass deterministic=True"""
    return np.array([_pack(model, env, items, deterministic=False)[-1]["utilization"] for items in streams])


def score_on_streams__wrong_items_forgotten(model, env, streams):
    """env.reset should get the stream's items"""
    scores = []
    for _ in streams:
        observation, _ = env.reset()
        over = False
        while not over:
            action, _ = model.predict(observation, action_masks=env.action_masks(), deterministic=True)
            observation, _, terminated, truncated, info = env.step(action)
            over = terminated or truncated
        scores.append(info["utilization"])
    return np.array(scores)


def score_on_streams__wrong_first_mask(model, env, streams):
    """ask env.action_masks() at each step"""
    scores = []
    for items in streams:
        observation, _ = env.reset(options={"items": items})
        mask, over = env.action_masks(), False
        while not over:
            action, _ = model.predict(observation, action_masks=mask, deterministic=True)
            observation, _, terminated, truncated, info = env.step(action)
            over = terminated or truncated
        scores.append(info["utilization"])
    return np.array(scores)


def score_on_streams__wrong_old_observation(model, env, streams):
    """the observation that env.reset or env.step returned last"""
    scores = []
    for items in streams:
        observation, _ = env.reset(options={"items": items})
        over = False
        while not over:
            action, _ = model.predict(observation, action_masks=env.action_masks(), deterministic=True)
            _, _, terminated, truncated, info = env.step(action)
            over = terminated or truncated
        scores.append(info["utilization"])
    return np.array(scores)


def score_on_streams__wrong_one_step(model, env, streams):
    """an episode is left before its end"""
    scores = []
    for items in streams:
        observation, _ = env.reset(options={"items": items})
        action, _ = model.predict(observation, action_masks=env.action_masks(), deterministic=True)
        observation, _, terminated, truncated, info = env.step(action)
        scores.append(info["utilization"])
    return np.array(scores)


def score_on_streams__wrong_first_stream(model, env, streams):
    """each stream should be packed once, in order"""
    return np.array([_pack(model, env, streams[0])[-1]["utilization"] for _ in streams])


def score_on_streams__wrong_count_of_items(model, env, streams):
    """it returns the numbers of packed items"""
    return np.array([_pack(model, env, items)[-1]["packed"] for items in streams])


def score_on_streams__wrong_last_reward(model, env, streams):
    """it returns the rewards of the last steps"""
    return np.array([_pack(model, env, items)[-1]["reward"] for items in streams])


def score_on_streams__wrong_percent(model, env, streams):
    """it returns percentages"""
    return np.array([100 * _pack(model, env, items)[-1]["utilization"] for items in streams])


def score_on_streams__wrong_mean(model, env, streams):
    """the result should have one utilization for each stream"""
    return np.mean([_pack(model, env, items)[-1]["utilization"] for items in streams])


def score_on_streams__wrong_goes_on(model, env, streams):
    """env.step is called after the end of an episode"""
    scores = []
    for items in streams:
        observation, _ = env.reset(options={"items": items})
        truncated = False
        while not truncated:
            action, _ = model.predict(observation, action_masks=env.action_masks(), deterministic=True)
            observation, _, terminated, truncated, info = env.step(action)
        scores.append(info["utilization"])
    return np.array(scores)


def score_on_streams__wrong_own_choice(model, env, streams):
    """model.predict is never called"""
    scores = []
    for items in streams:
        env.reset(options={"items": items})
        over = False
        while not over:
            _, _, terminated, truncated, info = env.step(int(env.action_masks().argmax()))
            over = terminated or truncated
        scores.append(info["utilization"])
    return np.array(scores)


# ------------------------------------------------------------------------------------------------------ end_of_episode


def end_of_episode__early_returns(terminated, mask, steps, limit):
    if terminated or mask.sum() == 0:
        return True, False
    return False, steps >= limit


def end_of_episode__numbers(terminated, mask, steps, limit):
    over = max(int(terminated), 1 - int(np.max(mask)))
    return [over, (1 - over) * int(steps >= limit)]


def end_of_episode__wrong_only_at_the_limit(terminated, mask, steps, limit):
    """only the step `limit` itself is cut off"""
    ended = terminated or not mask.any()
    return ended, not ended and steps == limit


def end_of_episode__wrong_both_ways(terminated, mask, steps, limit):
    """the limit ends an episode in both ways"""
    ended = terminated or not mask.any()
    late = steps >= limit and not ended
    return ended or late, late


def end_of_episode__wrong_environment_only(terminated, mask, steps, limit):
    """an empty mask does not end the episode"""
    return terminated, not terminated and steps >= limit


def end_of_episode__wrong_empty_truncates(terminated, mask, steps, limit):
    """an empty mask truncates"""
    return terminated, not terminated and (not mask.any() or steps >= limit)


def end_of_episode__wrong_any_forbidden(terminated, mask, steps, limit):
    """one forbidden action ends the episode"""
    terminated = terminated or not mask.all()
    return terminated, not terminated and steps >= limit


def end_of_episode__wrong_limit_terminates(terminated, mask, steps, limit):
    """the time limit terminates"""
    return terminated or not mask.any() or steps >= limit, False


def end_of_episode__wrong_both(terminated, mask, steps, limit):
    """truncated only where it is not terminated"""
    return terminated or not mask.any(), steps >= limit


def end_of_episode__wrong_late(terminated, mask, steps, limit):
    """the limit comes one step late"""
    terminated = terminated or not mask.any()
    return terminated, not terminated and steps > limit


def end_of_episode__wrong_order(terminated, mask, steps, limit):
    """the order is turned round"""
    terminated = terminated or not mask.any()
    return not terminated and steps >= limit, terminated


# ------------------------------------------------------------------------------------------------------- a2c_arguments


def a2c_arguments__joined(n_steps, n_envs):
    settings = {"alpha": 0.99, "eps": 0.00001}
    policy = {"optimizer_kwargs": settings, "optimizer_class": torch.optim.RMSprop}
    plain = {"learning_rate": 7e-4, "n_steps": n_steps, "n_epochs": 1, "gae_lambda": 1}
    return plain | {"batch_size": n_envs * n_steps, "normalize_advantage": False, "policy_kwargs": policy}


def a2c_arguments__one_by_one(n_steps, n_envs):
    arguments = {}
    arguments["learning_rate"] = 0.0007
    arguments["n_steps"] = n_steps
    arguments["batch_size"] = n_steps * n_envs
    arguments["n_epochs"] = 1
    arguments["gae_lambda"] = 1.0
    arguments["gamma"] = 0.99
    arguments["clip_range"] = 0.2
    arguments["normalize_advantage"] = False
    arguments["policy_kwargs"] = {"optimizer_class": torch.optim.RMSprop, "optimizer_kwargs": RMSPROP.copy()}
    return arguments


def _arguments(n_steps, n_envs, **changes):
    policy = {"optimizer_class": torch.optim.RMSprop, "optimizer_kwargs": dict(RMSPROP)}
    made = {
        "learning_rate": 7e-4,
        "n_steps": n_steps,
        "batch_size": n_steps * n_envs,
        "n_epochs": 1,
        "gae_lambda": 1.0,
        "normalize_advantage": False,
        "policy_kwargs": policy,
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def a2c_arguments__wrong_small_batch(n_steps, n_envs):
    """batch_size should be all of a rollout"""
    return _arguments(n_steps, n_envs, batch_size=n_steps)


def a2c_arguments__wrong_batch_left_out(n_steps, n_envs):
    """(left out, it is PPO's 64)"""
    return _arguments(n_steps, n_envs, batch_size=None)


def a2c_arguments__wrong_epochs(n_steps, n_envs):
    """n_epochs should be 1"""
    return _arguments(n_steps, n_envs, n_epochs=None)


def a2c_arguments__wrong_lambda(n_steps, n_envs):
    """gae_lambda should be 1"""
    return _arguments(n_steps, n_envs, gae_lambda=0.95)


def a2c_arguments__wrong_normalized(n_steps, n_envs):
    """normalize_advantage should be False"""
    return _arguments(n_steps, n_envs, normalize_advantage=True)


def a2c_arguments__wrong_five_always(n_steps, n_envs):
    """n_steps should be the argument n_steps"""
    return _arguments(n_steps, n_envs) | {"n_steps": 5}


def a2c_arguments__wrong_adam(n_steps, n_envs):
    """(left out, it is Adam)"""
    return _arguments(n_steps, n_envs, policy_kwargs=None)


def a2c_arguments__wrong_optimizer_settings(n_steps, n_envs):
    """RMSprop should have the settings RMSPROP"""
    return _arguments(n_steps, n_envs, policy_kwargs={"optimizer_class": torch.optim.RMSprop})


def a2c_arguments__wrong_optimizer_outside(n_steps, n_envs):
    """'optimizer_class' is not in the table"""
    made = _arguments(n_steps, n_envs, policy_kwargs=None)
    return made | {"optimizer_class": torch.optim.RMSprop, "optimizer_kwargs": dict(RMSPROP)}


def a2c_arguments__wrong_rate(n_steps, n_envs):
    """learning_rate should be 7e-4"""
    return _arguments(n_steps, n_envs, learning_rate=None)


# ------------------------------------------------------------------------------------------------------ masked_targets


def masked_targets__loop(rewards, dones, next_values, next_masks, gamma):
    targets = []
    for reward, done, values, mask in zip(rewards, dones, next_values, next_masks, strict=True):
        best = values[mask].max() if mask.any() else torch.tensor(0.0)
        targets.append(reward + gamma * (1 - done) * best)
    return torch.stack(targets)


def masked_targets__very_negative(rewards, dones, next_values, next_masks, gamma):
    lowest = torch.finfo(next_values.dtype).min
    best = torch.where(next_masks, next_values, torch.tensor(lowest)).amax(dim=1)
    return torch.where(dones > 0, rewards, rewards + gamma * best)


def masked_targets__wrong_no_mask(rewards, dones, next_values, next_masks, gamma):
    """forbidden actions are in the maximum"""
    return rewards + gamma * (1 - dones) * next_values.max(dim=1).values


def masked_targets__wrong_nan(rewards, dones, next_values, next_masks, gamma):
    """0 times minus infinity is nan"""
    best = next_values.masked_fill(~next_masks, -math.inf).amax(dim=1)
    return rewards + gamma * (1 - dones) * best


def masked_targets__wrong_zeros(rewards, dones, next_values, next_masks, gamma):
    """forbidden actions count as 0"""
    return rewards + gamma * (1 - dones) * (next_values * next_masks).amax(dim=1)


def masked_targets__wrong_no_end(rewards, dones, next_values, next_masks, gamma):
    """terminated episodes go on"""
    best = next_values.masked_fill(~next_masks, -math.inf).amax(dim=1)
    return rewards + gamma * torch.where(next_masks.any(dim=1), best, 0.0)


def masked_targets__wrong_no_gamma(rewards, dones, next_values, next_masks, gamma):
    """gamma is left out"""
    best = next_values.masked_fill(~next_masks, -math.inf).amax(dim=1)
    return rewards + (1 - dones) * torch.where(next_masks.any(dim=1), best, 0.0)


def masked_targets__wrong_way_round(rewards, dones, next_values, next_masks, gamma):
    """the mask is read the wrong way round"""
    best = next_values.masked_fill(next_masks, -math.inf).amax(dim=1)
    return rewards + gamma * (1 - dones) * torch.where((~next_masks).any(dim=1), best, 0.0)


def masked_targets__wrong_lost_reward(rewards, dones, next_values, next_masks, gamma):
    """at the end of an episode the reward is lost as well"""
    best = next_values.masked_fill(~next_masks, -math.inf).amax(dim=1)
    return torch.nan_to_num(rewards + gamma * (1 - dones) * best)


def masked_targets__wrong_one_maximum(rewards, dones, next_values, next_masks, gamma):
    """one maximum is taken for the whole batch"""
    return rewards + gamma * (1 - dones) * next_values[next_masks].max()


def masked_targets__wrong_numpy(rewards, dones, next_values, next_masks, gamma):
    """the targets should be a torch tensor"""
    best = np.where(next_masks, next_values, -np.inf).max(axis=1)
    return rewards.numpy() + gamma * (1 - dones.numpy()) * np.where(np.isinf(best), 0, best)


# ------------------------------------------------------------------------------------------------------ steps_to_reach


def steps_to_reach__loop(steps, scores, threshold):
    found = []
    for run in scores:
        there = [step for step, score in zip(steps, run, strict=True) if score >= threshold]
        found.append(there[0] if there else math.inf)
    return found


def steps_to_reach__smallest(steps, scores, threshold):
    return np.where(scores >= threshold, steps, np.inf).min(axis=1)


def steps_to_reach__wrong_argmax(steps, scores, threshold):
    """a run that never reaches the threshold gets the first step"""
    return steps[(scores >= threshold).argmax(axis=1)]


def steps_to_reach__wrong_last_step(steps, scores, threshold):
    """a run that never reaches the threshold gets the last step"""
    return np.where(scores >= threshold, steps, steps[-1]).min(axis=1)


def steps_to_reach__wrong_nan(steps, scores, threshold):
    """a run that never reaches the threshold gets nan"""
    found = np.where(scores >= threshold, steps, np.inf).min(axis=1)
    return np.where(np.isinf(found), np.nan, found)


def steps_to_reach__wrong_left_out(steps, scores, threshold):
    """runs that never reach the threshold are left out"""
    found = np.where(scores >= threshold, steps, np.inf).min(axis=1)
    return found[np.isfinite(found)]


def steps_to_reach__wrong_none(steps, scores, threshold):
    """not a list that holds None"""
    found = [[step for step, score in zip(steps, run, strict=True) if score >= threshold] for run in scores]
    return [each[0] if each else None for each in found]


def steps_to_reach__wrong_above(steps, scores, threshold):
    """at least, not above"""
    return np.where(scores > threshold, steps, np.inf).min(axis=1)


def steps_to_reach__wrong_places(steps, scores, threshold):
    """it returns places in the curve"""
    return np.where(scores >= threshold, np.arange(len(steps)), np.inf).min(axis=1)


def steps_to_reach__wrong_median(steps, scores, threshold):
    """the result has shape ()"""
    return np.median(np.where(scores >= threshold, steps, np.inf).min(axis=1))


def steps_to_reach__wrong_best(steps, scores, threshold):
    """it returns the steps to the best score"""
    best = steps[scores.argmax(axis=1)]
    return np.where(scores.max(axis=1) >= threshold, best, np.inf)
