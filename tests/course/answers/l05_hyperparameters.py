"""Answers to the exercises of lesson 05: right ones in other styles, and wrong ones with what they must be told."""

import math

import numpy as np

from binpack.core.statistics import mean_interval, verdict

# --------------------------------------------------------------------------------------------------- policy_change


def policy_change__loop(old_log_probs, new_log_probs, clip_range):
    kl, outside = 0.0, 0
    for old, new in zip(old_log_probs, new_log_probs, strict=True):
        ratio = math.exp(new) / math.exp(old)
        kl += ratio - 1 - math.log(ratio)
        outside += ratio < 1 - clip_range or ratio > 1 + clip_range
    return kl / len(old_log_probs), outside / len(old_log_probs)


def policy_change__expm1(old_log_probs, new_log_probs, clip_range):
    moved = new_log_probs - old_log_probs
    return [(np.expm1(moved) - moved).mean(), (abs(np.expm1(moved)) > clip_range).mean()]


def policy_change__wrong_exchanged(old_log_probs, new_log_probs, clip_range):
    """old and new are exchanged: the ratio is new over old"""
    log_ratio = old_log_probs - new_log_probs
    ratio = np.exp(log_ratio)
    return np.mean(ratio - 1 - log_ratio), np.mean(np.abs(ratio - 1) > clip_range)


def policy_change__wrong_first_estimate(old_log_probs, new_log_probs, clip_range):
    """approx_kl is the mean of old minus new"""
    ratio = np.exp(new_log_probs - old_log_probs)
    return np.mean(old_log_probs - new_log_probs), np.mean(np.abs(ratio - 1) > clip_range)


def policy_change__wrong_square(old_log_probs, new_log_probs, clip_range):
    """approx_kl is half the mean square of the log ratio"""
    log_ratio = new_log_probs - old_log_probs
    return np.mean(log_ratio**2) / 2, np.mean(np.abs(np.exp(log_ratio) - 1) > clip_range)


def policy_change__wrong_upper_only(old_log_probs, new_log_probs, clip_range):
    """only ratios above the clip range are counted"""
    log_ratio = new_log_probs - old_log_probs
    ratio = np.exp(log_ratio)
    return np.mean(ratio - 1 - log_ratio), np.mean(ratio > 1 + clip_range)


def policy_change__wrong_log_clip(old_log_probs, new_log_probs, clip_range):
    """clip_fraction compares the log ratio with the clip range"""
    log_ratio = new_log_probs - old_log_probs
    return np.mean(np.exp(log_ratio) - 1 - log_ratio), np.mean(np.abs(log_ratio) > clip_range)


def policy_change__wrong_count(old_log_probs, new_log_probs, clip_range):
    """clip_fraction is a number of samples"""
    log_ratio = new_log_probs - old_log_probs
    ratio = np.exp(log_ratio)
    return np.mean(ratio - 1 - log_ratio), np.sum(np.abs(ratio - 1) > clip_range)


def policy_change__wrong_order(old_log_probs, new_log_probs, clip_range):
    """the two results are exchanged"""
    log_ratio = new_log_probs - old_log_probs
    ratio = np.exp(log_ratio)
    return np.mean(np.abs(ratio - 1) > clip_range), np.mean(ratio - 1 - log_ratio)


def policy_change__wrong_one_result(old_log_probs, new_log_probs, clip_range):
    """the result should be a tuple of 2 values"""
    log_ratio = new_log_probs - old_log_probs
    return np.mean(np.exp(log_ratio) - 1 - log_ratio)


def policy_change__wrong_prints(old_log_probs, new_log_probs, clip_range):
    """it prints its answer and returns None"""
    log_ratio = new_log_probs - old_log_probs
    print(np.mean(np.exp(log_ratio) - 1 - log_ratio))


# ---------------------------------------------------------------------------------------------------- clip_by_norm


def clip_by_norm__flat(gradients, max_norm):
    length = np.linalg.norm(np.concatenate([gradient.ravel() for gradient in gradients]))
    return [gradient / max(length / max_norm, 1) for gradient in gradients]


def clip_by_norm__loop(gradients, max_norm):
    total = 0.0
    for gradient in gradients:
        for number in gradient.flat:
            total += float(number) ** 2
    if math.sqrt(total) <= max_norm:
        return [gradient.copy() for gradient in gradients]
    return tuple(max_norm * gradient / math.sqrt(total) for gradient in gradients)


def clip_by_norm__wrong_each(gradients, max_norm):
    """every array is cut by its own norm"""
    return [gradient * min(1, max_norm / max(np.linalg.norm(gradient), 1e-12)) for gradient in gradients]


def clip_by_norm__wrong_values(gradients, max_norm):
    """every number is cut to -max_norm and max_norm"""
    return [np.clip(gradient, -max_norm, max_norm) for gradient in gradients]


def clip_by_norm__wrong_longer(gradients, max_norm):
    """a short gradient is made longer"""
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    return [gradient * max_norm / norm if norm else gradient for gradient in gradients]


def clip_by_norm__wrong_root(gradients, max_norm):
    """the square root of the norm is missing"""
    norm = sum((gradient**2).sum() for gradient in gradients)
    return [gradient * (max_norm / norm if norm > max_norm else 1) for gradient in gradients]


def clip_by_norm__wrong_sum_of_norms(gradients, max_norm):
    """the norms of the arrays are added up"""
    norm = sum(np.linalg.norm(gradient) for gradient in gradients)
    return [gradient * (max_norm / norm if norm > max_norm else 1) for gradient in gradients]


def clip_by_norm__wrong_unit(gradients, max_norm):
    """a long gradient is cut to length 1"""
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    return [gradient / (norm if norm > max_norm else 1) for gradient in gradients]


def clip_by_norm__wrong_in_place(gradients, max_norm):
    """it changes its argument gradients"""
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    for gradient in gradients:
        gradient *= max_norm / norm if norm > max_norm else 1.0
    return gradients


# ------------------------------------------------------------------------------------------------- minibatch_sizes


def minibatch_sizes__slices(n_steps, n_envs, batch_size):
    places = np.arange(n_steps * n_envs)
    parts = [places[start : start + batch_size] for start in range(0, len(places), batch_size)]
    if len(parts[-1]) == 1 and len(parts) > 1:
        parts[-2:] = [np.concatenate(parts[-2:])]
    return [len(part) for part in parts]


def minibatch_sizes__while(n_steps, n_envs, batch_size):
    left, sizes = n_steps * n_envs, np.array([], int)
    while left > 0:
        size = left if left <= batch_size + (left == batch_size + 1) else batch_size
        sizes = np.append(sizes, size)
        left -= size
    return sizes


def minibatch_sizes__wrong_dropped(n_steps, n_envs, batch_size):
    """what is left over is dropped"""
    return [batch_size] * (n_steps * n_envs // batch_size)


def minibatch_sizes__wrong_alone(n_steps, n_envs, batch_size):
    """a single transition is left alone"""
    full, rest = divmod(n_steps * n_envs, batch_size)
    return [batch_size] * full + ([rest] if rest else [])


def minibatch_sizes__wrong_joined(n_steps, n_envs, batch_size):
    """whatever is left over joins the last full minibatch"""
    full, rest = divmod(n_steps * n_envs, batch_size)
    sizes = [batch_size] * full
    sizes[-1] += rest
    return sizes


def minibatch_sizes__wrong_steps_alone(n_steps, n_envs, batch_size):
    """it counts the steps of one environment"""
    full, rest = divmod(n_steps, batch_size)
    return [batch_size] * full + ([rest] if rest else [])


def minibatch_sizes__wrong_even(n_steps, n_envs, batch_size):
    """the minibatches are made as equal as possible"""
    count = math.ceil(n_steps * n_envs / batch_size)
    return [len(part) for part in np.array_split(np.arange(n_steps * n_envs), count)]


def minibatch_sizes__wrong_first(n_steps, n_envs, batch_size):
    """the smaller minibatch comes first"""
    full, rest = divmod(n_steps * n_envs, batch_size)
    if rest == 1:
        return [batch_size + 1] + [batch_size] * (full - 1)
    return ([rest] if rest else []) + [batch_size] * full


def minibatch_sizes__wrong_count(n_steps, n_envs, batch_size):
    """the sizes should be a list"""
    return math.ceil(n_steps * n_envs / batch_size)


# ------------------------------------------------------------------------------------------------ estimate_weights


def estimate_weights__loop(gae_lambda, length):
    weights, left = [], 1.0
    for _ in range(length - 1):
        weights.append(left * (1 - gae_lambda))
        left *= gae_lambda
    return [*weights, left]


def estimate_weights__differences(gae_lambda, length):
    powers = np.array([gae_lambda**n for n in range(length)] + [0.0])
    return powers[:-1] - powers[1:]


def estimate_weights__wrong_endless(gae_lambda, length):
    """they do not sum to 1"""
    return (1 - gae_lambda) * gae_lambda ** np.arange(length)


def estimate_weights__wrong_shared(gae_lambda, length):
    """they are divided by their sum: give what is missing to the last estimate alone"""
    weights = (1 - gae_lambda) * gae_lambda ** np.arange(length)
    return weights / weights.sum() if weights.sum() else weights


def estimate_weights__wrong_powers(gae_lambda, length):
    """1 - lambda is missing"""
    return gae_lambda ** np.arange(length)


def estimate_weights__wrong_shared_powers(gae_lambda, length):
    """they are powers of lambda, divided by their sum"""
    weights = gae_lambda ** np.arange(length)
    return weights / weights.sum()


def estimate_weights__wrong_from_one(gae_lambda, length):
    """the powers begin at 1"""
    weights = (1 - gae_lambda) * gae_lambda ** np.arange(1, length + 1)
    weights[-1] = 1 - weights[:-1].sum()
    return weights


def estimate_weights__wrong_last(gae_lambda, length):
    """the last weight is lambda ** length"""
    weights = (1 - gae_lambda) * gae_lambda ** np.arange(length)
    weights[-1] = gae_lambda**length
    return weights


def estimate_weights__wrong_reversed(gae_lambda, length):
    """the order is reversed"""
    weights = (1 - gae_lambda) * gae_lambda ** np.arange(length)
    weights[-1] = gae_lambda ** (length - 1)
    return weights[::-1]


# ----------------------------------------------------------------------------------------------------- judge_claim


def judge_claim__verdict(first, second):
    common = [seed for seed in first if seed in second]
    if len(common) < 3:
        return "too few to tell"
    word = verdict([first[seed] for seed in common], [second[seed] for seed in common]).word
    return {"ahead": "holds", "behind": "does not hold"}.get(word, word)


def judge_claim__by_hand(first, second):
    gaps = np.array([first[seed] - second[seed] for seed in set(first) & set(second)])
    if gaps.size < 3:
        return "too few to tell"
    interval = mean_interval(gaps)
    if interval.low <= 0 <= interval.high:
        return "not separable"
    return "holds" if gaps.mean() > 0 else "does not hold"


def judge_claim__wrong_means(first, second):
    """it goes by the means alone"""
    common = first.keys() & second.keys()
    if len(common) < 3:
        return "too few to tell"
    mean = np.mean([first[seed] - second[seed] for seed in common])
    return "holds" if mean > 0 else "does not hold"


def judge_claim__wrong_overlap(first, second):
    """it goes by whether the intervals of the two overlap"""
    if len(first.keys() & second.keys()) < 3:
        return "too few to tell"
    one, other = mean_interval(list(first.values())), mean_interval(list(second.values()))
    if one.low > other.high:
        return "holds"
    return "does not hold" if one.high < other.low else "not separable"


def judge_claim__wrong_by_place(first, second):
    """it pairs by place"""
    if len(first.keys() & second.keys()) < 3:
        return "too few to tell"
    low, high = mean_interval([one - other for one, other in zip(first.values(), second.values(), strict=False)])
    return "holds" if low > 0 else "does not hold" if high < 0 else "not separable"


def judge_claim__wrong_exchanged(first, second):
    """holds and does not hold are exchanged"""
    common = first.keys() & second.keys()
    if len(common) < 3:
        return "too few to tell"
    low, high = mean_interval([first[seed] - second[seed] for seed in common])
    return "does not hold" if low > 0 else "holds" if high < 0 else "not separable"


def judge_claim__wrong_never_few(first, second):
    """fewer than 3 common seeds are judged too"""
    low, high = mean_interval([first[seed] - second[seed] for seed in first if seed in second])
    return "holds" if low > 0 else "does not hold" if high < 0 else "not separable"


def judge_claim__wrong_two_words(first, second):
    """what is not separable is said not to hold"""
    common = first.keys() & second.keys()
    if len(common) < 3:
        return "too few to tell"
    low, _ = mean_interval([first[seed] - second[seed] for seed in common])
    return "holds" if low > 0 else "does not hold"


def judge_claim__wrong_no_return(first, second):
    """is there a return"""
    common = first.keys() & second.keys()
    [first[seed] - second[seed] for seed in common]


# ----------------------------------------------------------------------------------------------------- honest_gain


def honest_gain__slices(scores, default):
    gains = np.zeros(scores.shape[1])
    for start in (0, 1):
        best = np.argmax(np.mean(scores[:, 1 - start :: 2], axis=1))
        gains[start::2] = scores[best, start::2] - scores[default, start::2]
    return gains


def honest_gain__seed_by_seed(scores, default):
    gains = []
    for seed in range(scores.shape[1]):
        others = [place for place in range(scores.shape[1]) if place % 2 != seed % 2]
        means = [np.mean([row[place] for place in others]) for row in scores]
        gains.append(scores[means.index(max(means))][seed] - scores[default][seed])
    return gains


def honest_gain__wrong_all_seeds(scores, default):
    """the same seeds choose and judge, all of them"""
    return scores[scores.mean(axis=1).argmax()] - scores[default]


def honest_gain__wrong_own_half(scores, default):
    """each half chooses for itself"""
    gains = np.zeros(scores.shape[1])
    for start in (0, 1):
        best = scores[:, start::2].mean(axis=1).argmax()
        gains[start::2] = scores[best, start::2] - scores[default, start::2]
    return gains


def honest_gain__wrong_each_seed(scores, default):
    """each seed is judged by the best value of that very seed"""
    return scores.max(axis=0) - scores[default]


def honest_gain__wrong_leave_one_out(scores, default):
    """all other seeds choose for each seed"""
    gains = []
    for seed in range(scores.shape[1]):
        best = np.delete(scores, seed, axis=1).mean(axis=1).argmax()
        gains.append(scores[best, seed] - scores[default, seed])
    return gains


def honest_gain__wrong_sign(scores, default):
    """the default minus the choice"""
    gains = np.zeros(scores.shape[1])
    for start in (0, 1):
        best = scores[:, 1 - start :: 2].mean(axis=1).argmax()
        gains[start::2] = scores[default, start::2] - scores[best, start::2]
    return gains


def honest_gain__wrong_no_default(scores, default):
    """the scores of the choice are returned"""
    gains = np.zeros(scores.shape[1])
    for start in (0, 1):
        best = scores[:, 1 - start :: 2].mean(axis=1).argmax()
        gains[start::2] = scores[best, start::2]
    return gains


def honest_gain__wrong_one_number(scores, default):
    """the result has shape ()"""
    even = scores[:, ::2].mean(axis=1).argmax()
    return float((scores[even, 1::2] - scores[default, 1::2]).mean())
