"""Answers to the exercises of lesson 05b: right ones in other styles, and wrong ones with what they must be told."""

import math
import statistics

import numpy as np

# -------------------------------------------------------------------------------------------------- explained_variance


def explained_variance__by_hand(values, returns):
    errors = [came - expected for came, expected in zip(returns.tolist(), values.tolist(), strict=True)]
    spread = statistics.pvariance(returns.tolist())
    return math.nan if spread == 0 else 1 - statistics.pvariance(errors) / spread


def explained_variance__by_means(values, returns):
    errors = values - returns
    left = (errors**2).mean() - errors.mean() ** 2
    spread = ((returns - returns.mean()) ** 2).mean()
    if np.allclose(returns, returns[0]):
        return np.nan
    return 1 - left / spread


def explained_variance__wrong_unexplained(values, returns):
    """it is the share that is not explained"""
    if np.var(returns) == 0:
        return float("nan")
    return np.var(returns - values) / np.var(returns)


def explained_variance__wrong_squared_error(values, returns):
    """it takes the mean of the squared errors"""
    if np.var(returns) == 0:
        return float("nan")
    return 1 - ((returns - values) ** 2).mean() / np.var(returns)


def explained_variance__wrong_two_variances(values, returns):
    """the errors, returns - values, are missing"""
    return math.nan if np.var(returns) == 0 else 1 - np.var(values) / np.var(returns)


def explained_variance__wrong_correlation(values, returns):
    """it is the squared correlation"""
    if np.var(returns) == 0:
        return float("nan")
    return np.corrcoef(values, returns)[0, 1] ** 2


def explained_variance__wrong_zero_for_nothing(values, returns):
    """equal returns have no variance, and there the answer is nan"""
    spread = np.var(returns)
    return 0.0 if spread == 0 else 1 - np.var(returns - values) / spread


def explained_variance__wrong_array(values, returns):
    """the explained variance should be one number"""
    return 1 - (returns - values) ** 2


# ------------------------------------------------------------------------------------------------------------ diagnose


def diagnose__by_maximum(run):
    if run["clip_fraction"][0] > 0.5 and run["approx_kl"].max() > 3:
        return "learning rate too high"
    if run["entropy"][0] > 2.5:
        return "no mask"
    if np.nanmean(run["explained_variance"][3:9]) < 0.15:
        return "value function lagging"
    return "entropy collapsed" if run["entropy"].min() < 0.25 else "healthy"


def diagnose__by_table(run):
    signs = {
        "learning rate too high": run["approx_kl"][0] > 0.5,
        "no mask": run["ep_len_mean"][0] < 2,
        "value function lagging": run["value_loss"][0] > 10,
        "entropy collapsed": run["entropy"][-5:].mean() < 0.3,
        "healthy": True,
    }
    return next(name for name, shows in signs.items() if shows)


def diagnose__wrong_healthy(run):
    """run A is called 'healthy', but its entropy falls to"""
    return "healthy"


def diagnose__wrong_consequence(run):
    """run C is called 'entropy collapsed', but before its entropy fell, approx_kl of the first update was"""
    if run["entropy"][-1] < 0.25:
        return "entropy collapsed"
    if run["ep_len_mean"][0] < 2.2:
        return "no mask"
    return "value function lagging" if run["explained_variance"][9] < 0.1 else "healthy"


def diagnose__wrong_largest_step(run):
    """run A is called 'learning rate too high', but approx_kl of its first update is only"""
    if run["approx_kl"].max() > 0.1:
        return "learning rate too high"
    if run["ep_len_mean"][0] < 2.2:
        return "no mask"
    return "value function lagging" if run["explained_variance"][9] < 0.1 else "healthy"


def diagnose__wrong_word(run):
    """'mask missing' is none of the five diagnoses"""
    if run["approx_kl"][0] > 1:
        return "learning rate too high"
    if run["entropy"][-1] < 0.25:
        return "entropy collapsed"
    return "mask missing"


def diagnose__wrong_first_explained_variance(run):
    """the healthy run is called 'value function lagging', but its explained variance is"""
    if run["approx_kl"][0] > 1:
        return "learning rate too high"
    if run["ep_len_mean"][0] < 2.2:
        return "no mask"
    if run["entropy"][-1] < 0.25:
        return "entropy collapsed"
    return "value function lagging" if run["explained_variance"][0] < 0 else "healthy"


def diagnose__wrong_nothing(run):
    """the diagnosis should be a str"""
    if run["approx_kl"][0] > 1:
        print("learning rate too high")


# ----------------------------------------------------------------------------------------------------- linear_schedule


def linear_schedule__by_interpolation(start, end, share):
    return lambda progress_remaining: float(np.interp(1 - progress_remaining, [0, share], [start, end]))


class _Line:
    def __init__(self, start, end, share):
        self.start, self.end, self.share = start, end, share

    def __call__(self, progress_remaining):
        done = 1 - progress_remaining
        if done >= self.share:
            return self.end
        weight = done / self.share
        return (1 - weight) * self.start + weight * self.end


def linear_schedule__by_class(start, end, share):
    return _Line(start, end, share)


def linear_schedule__wrong_direction(start, end, share):
    """it runs backwards"""

    def schedule(progress):
        return start + min(progress / share, 1.0) * (end - start)

    return schedule


def linear_schedule__wrong_no_share(start, end, share):
    """it reaches `end` only at the end of training"""
    return lambda remaining: end + remaining * (start - end)


def linear_schedule__wrong_no_stop(start, end, share):
    """it does not stop at `end`"""
    return lambda remaining: start + (1 - remaining) / share * (end - start)


def linear_schedule__wrong_to_zero(start, end, share):
    """it falls to 0 and not to `end`"""
    return lambda remaining: start * max(1 - (1 - remaining) / share, 0.0)


def linear_schedule__wrong_called(start, end, share):
    """the schedule should be a Callable"""

    def schedule(progress_remaining):
        done = min((1 - progress_remaining) / share, 1.0)
        return start + done * (end - start)

    return schedule(1.0)


# -------------------------------------------------------------------------------------------------- next_learning_rate


def next_learning_rate__by_clip(rate, approx_kl, target, low, high):
    factor = 1 / 1.5 if approx_kl > target * 2 else 1.5 if approx_kl * 2 < target else 1.0
    return np.clip(rate * factor, low, high)


def next_learning_rate__by_cases(rate, approx_kl, target, low, high):
    if approx_kl > 2 * target:
        return max(low, min(high, rate / 1.5))
    if approx_kl < 0.5 * target:
        return min(high, max(low, rate * 1.5))
    return sorted([low, rate, high])[1]


def next_learning_rate__wrong_direction(rate, approx_kl, target, low, high):
    """it is turned round"""
    if approx_kl > 2 * target:
        rate *= 1.5
    elif approx_kl < target / 2:
        rate /= 1.5
    return min(max(rate, low), high)


def next_learning_rate__wrong_no_band(rate, approx_kl, target, low, high):
    """it changes the rate between half and twice the target too"""
    rate = rate / 1.5 if approx_kl > target else rate * 1.5
    return min(max(rate, low), high)


def next_learning_rate__wrong_no_limits(rate, approx_kl, target, low, high):
    """the rate leaves the limits"""
    if approx_kl > 2 * target:
        return rate / 1.5
    return rate * 1.5 if approx_kl < target / 2 else rate


def next_learning_rate__wrong_only_down(rate, approx_kl, target, low, high):
    """it only ever makes the rate smaller"""
    if approx_kl > 2 * target:
        rate = rate / 1.5
    return min(max(rate, low), high)


def next_learning_rate__wrong_factor(rate, approx_kl, target, low, high):
    """its factor is 1.5"""
    if approx_kl > 2 * target:
        rate /= 2
    elif approx_kl < target / 2:
        rate *= 2
    return min(max(rate, low), high)


def next_learning_rate__wrong_swapped_limits(rate, approx_kl, target, low, high):
    """it swaps the limits"""
    if approx_kl > 2 * target:
        rate /= 1.5
    elif approx_kl < target / 2:
        rate *= 1.5
    return max(min(rate, low), high)


# ---------------------------------------------------------------------------------------------------- merge_statistics


def merge_statistics__by_moments(mean, variance, count, batch):
    total = count + len(batch)
    first = (count * mean + batch.sum(axis=0)) / total
    # deviations from the new mean, so that no digits are lost
    old = count * (variance + (mean - first) ** 2)
    return first, (old + ((batch - first) ** 2).sum(axis=0)) / total, total


def merge_statistics__one_by_one(mean, variance, count, batch):
    mean, squares = mean.astype(float), variance * count
    for row in batch:
        count += 1
        delta = row - mean
        mean = mean + delta / count
        squares = squares + delta * (row - mean)
    return mean, squares / count, count


def merge_statistics__wrong_no_distance(mean, variance, count, batch):
    """the variance leaves out how far the two means are apart"""
    n, total = len(batch), count + len(batch)
    merged = (count * mean + n * batch.mean(axis=0)) / total
    return merged, (count * variance + n * batch.var(axis=0)) / total, total


def merge_statistics__wrong_batch_alone(mean, variance, count, batch):
    """the old observations are forgotten"""
    return batch.mean(axis=0), batch.var(axis=0), count + len(batch)


def merge_statistics__wrong_count(mean, variance, count, batch):
    """the count is that of the batch"""
    n, total = len(batch), count + len(batch)
    delta = batch.mean(axis=0) - mean
    squares = count * variance + n * batch.var(axis=0) + delta**2 * count * n / total
    return mean + delta * n / total, squares / total, n


def merge_statistics__wrong_deviation(mean, variance, count, batch):
    """the standard deviation is returned"""
    n, total = len(batch), count + len(batch)
    delta = batch.mean(axis=0) - mean
    squares = count * variance + n * batch.var(axis=0) + delta**2 * count * n / total
    return mean + delta * n / total, np.sqrt(squares / total), total


def merge_statistics__wrong_halves(mean, variance, count, batch):
    """both means count alike"""
    n, total = len(batch), count + len(batch)
    delta = batch.mean(axis=0) - mean
    squares = count * variance + n * batch.var(axis=0) + delta**2 * count * n / total
    return (mean + batch.mean(axis=0)) / 2, squares / total, total


def merge_statistics__wrong_ddof(mean, variance, count, batch):
    """the batch's variance is divided by n - 1"""
    n, total = len(batch), count + len(batch)
    delta = batch.mean(axis=0) - mean
    squares = count * variance + n * batch.var(axis=0, ddof=1) + delta**2 * count * n / total
    return mean + delta * n / total, squares / total, total


def merge_statistics__wrong_late_distance(mean, variance, count, batch):
    """the distance of the means is taken after the mean was moved"""
    n, total = len(batch), count + len(batch)
    mean = mean + (batch.mean(axis=0) - mean) * n / total
    delta = batch.mean(axis=0) - mean
    return mean, (count * variance + n * batch.var(axis=0) + delta**2 * count * n / total) / total, total


def merge_statistics__wrong_not_divided(mean, variance, count, batch):
    """the distance of the means is not divided by the new count"""
    n, total = len(batch), count + len(batch)
    delta = batch.mean(axis=0) - mean
    variance = (count * variance + n * batch.var(axis=0)) / total + delta**2 * count * n / total
    return mean + delta * n / total, variance, total


def merge_statistics__wrong_axis(mean, variance, count, batch):
    """got ([3.75, 4.75], [1.9375, 4.4375], 4), expected ([3. , 5.5]"""
    n, total = len(batch), count + len(batch)
    delta = batch.mean(axis=1) - mean.mean()
    squares = count * variance.mean() + n * batch.var(axis=1) + delta**2 * count * n / total
    return mean.mean() + delta * n / total, squares / total, total


# ---------------------------------------------------------------------------------------------------- one_change_apart


def one_change_apart__by_comprehension(start, goal):
    return {name: start | {name: goal[name]} for name, value in start.items() if goal[name] != value}


def one_change_apart__by_copy(start, goal):
    apart = {}
    for name, value in goal.items():
        if name in start and start[name] == value:
            continue
        settings = start.copy()
        settings[name] = value
        apart[name] = settings
    return {name: apart[name] for name in start if name in apart}


def one_change_apart__wrong_piled_up(start, goal):
    """changes pile up"""
    apart, settings = {}, start.copy()
    for name in start:
        if start[name] != goal[name]:
            settings[name] = goal[name]
            apart[name] = settings.copy()
    return apart


def one_change_apart__wrong_all_names(start, goal):
    """settings that are the same in both are listed too"""
    return {name: {**start, name: goal[name]} for name in start}


def one_change_apart__wrong_turned_round(start, goal):
    """it is turned round"""
    return {name: {**goal, name: start[name]} for name in start if start[name] != goal[name]}


def one_change_apart__wrong_values(start, goal):
    """an entry is the new value"""
    return {name: goal[name] for name in start if start[name] != goal[name]}


def one_change_apart__wrong_single(start, goal):
    """an entry holds the one value alone"""
    return {name: {name: goal[name]} for name in start if start[name] != goal[name]}


def one_change_apart__wrong_goal(start, goal):
    """every entry has all the changes"""
    return {name: dict(goal) for name in start if start[name] != goal[name]}


def one_change_apart__wrong_list(start, goal):
    """the result should be a dict"""
    return [{**start, name: goal[name]} for name in start if start[name] != goal[name]]
