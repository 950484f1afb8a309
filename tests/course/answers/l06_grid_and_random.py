"""Answers to the exercises of lesson 06: right ones in other styles, and wrong ones with what they must be told."""

import itertools
import math

import numpy as np

# ------------------------------------------------------------------------------------------------------ grid_cells


def grid_cells__by_growing(values):
    cells = [{}]
    for name, choices in values.items():
        cells = [{**cell, name: choice} for cell in cells for choice in choices]
    return cells


def grid_cells__recursive(values):
    def cells(left):
        if not left:
            return [{}]
        (name, choices), *rest = left
        return [{name: choice, **cell} for choice in choices for cell in cells(rest)]

    return cells(list(values.items()))


def grid_cells__wrong_zip(values):
    """it pairs the first values, then the second ones"""
    return [dict(zip(values, cell, strict=True)) for cell in zip(*values.values(), strict=False)]


def grid_cells__wrong_one_at_a_time(values):
    """it changes one hyperparameter at a time"""
    first = {name: choices[0] for name, choices in values.items()}
    return [{**first, name: choice} for name, choices in values.items() for choice in choices]


def grid_cells__wrong_order(values):
    """the first name changes fastest"""
    names = list(values)
    cells = itertools.product(*(values[name] for name in reversed(names)))
    return [dict(zip(names, reversed(cell), strict=True)) for cell in cells]


def grid_cells__wrong_tuples(values):
    """a cell should be a dict"""
    return list(itertools.product(*values.values()))


def grid_cells__wrong_generator(values):
    """cells"""
    return dict(enumerate(itertools.product(*values.values())))


# ---------------------------------------------------------------------------------------------------- search_years


def search_years__loop(hyperparameters, values, minutes, machines=1):
    total = minutes / machines
    for _ in range(hyperparameters):
        total *= values
    return total / 60 / 24 / 365


def search_years__power(hyperparameters, values, minutes, machines=1):
    return math.pow(values, hyperparameters) * minutes / (machines * 525_600)


def search_years__wrong_product(hyperparameters, values, minutes, machines=1):
    """the number of runs is a product, not a power"""
    return hyperparameters * values * minutes / machines / 525_600


def search_years__wrong_upside_down(hyperparameters, values, minutes, machines=1):
    """the power is upside down"""
    return hyperparameters**values * minutes / machines / 525_600


def search_years__wrong_alone(hyperparameters, values, minutes, machines=1):
    """the machines are left out"""
    return values**hyperparameters * minutes / 525_600


def search_years__wrong_days(hyperparameters, values, minutes, machines=1):
    """these are days, not years"""
    return values**hyperparameters * minutes / machines / (24 * 60)


def search_years__wrong_hours(hyperparameters, values, minutes, machines=1):
    """these are hours, not years"""
    return values**hyperparameters * minutes / machines / 60


# ----------------------------------------------------------------------------------------------------- log_uniform


def log_uniform__base_ten(low, high, size, rng):
    return 10 ** rng.uniform(math.log10(low), math.log10(high), size)


def log_uniform__ratio(low, high, size, rng):
    return [low * (high / low) ** share for share in rng.random(size)]


def log_uniform__wrong_plain(low, high, size, rng):
    """nine in ten lie in the highest decade"""
    return rng.uniform(low, high, size=size)


def log_uniform__wrong_logs(low, high, size, rng):
    """these are logarithms"""
    return rng.uniform(np.log(low), np.log(high), size=size)


def log_uniform__wrong_base(low, high, size, rng):
    """a value lies outside low and high"""
    return np.exp(rng.uniform(np.log10(low), np.log10(high), size=size))


def log_uniform__wrong_one(low, high, size, rng):
    """the values"""
    return np.exp(rng.uniform(np.log(low), np.log(high)))


def log_uniform__wrong_own_generator(low, high, size, rng):
    """another generator draws the same values"""
    return np.exp(np.random.default_rng(0).uniform(np.log(low), np.log(high), size=size))


# --------------------------------------------------------------------------------------------------- trials_needed


def trials_needed__count(share, confidence):
    trials = 1
    while 1 - (1 - share) ** trials < confidence:
        trials += 1
    return trials


def trials_needed__log1p(share, confidence):
    return int(np.ceil(np.log1p(-confidence) / np.log1p(-share)))


def trials_needed__wrong_floor(share, confidence):
    """rounded down"""
    return int(math.log(1 - confidence) / math.log(1 - share))


def trials_needed__wrong_sum(share, confidence):
    """it adds the chances up"""
    return math.ceil(confidence / share)


def trials_needed__wrong_average(share, confidence):
    """it asks for how many trials hit on average"""
    return math.ceil(1 / share)


def trials_needed__wrong_exchanged(share, confidence):
    """share and confidence are exchanged"""
    return math.ceil(math.log(1 - share) / math.log(1 - confidence))


def trials_needed__wrong_nearest(share, confidence):
    """rounded to the nearest whole number"""
    return round(math.log(1 - confidence) / math.log(1 - share))


# ---------------------------------------------------------------------------------------------------- worth_so_far


def worth_so_far__argmax(scores, worth):
    return np.array([worth[np.argmax(scores[: trial + 1])] for trial in range(len(scores))])


def worth_so_far__vectorised(scores, worth):
    before = np.concatenate([[-np.inf], np.maximum.accumulate(scores)[:-1]])
    return worth[np.maximum.accumulate(np.where(scores > before, np.arange(len(scores)), 0))]


def worth_so_far__wrong_score(scores, worth):
    """this is the best score so far"""
    return np.maximum.accumulate(scores)


def worth_so_far__wrong_worth(scores, worth):
    """this is the highest worth so far"""
    return np.maximum.accumulate(worth)


def worth_so_far__wrong_each(scores, worth):
    """it returns the worth of each trial"""
    return worth.copy()


def worth_so_far__wrong_end(scores, worth):
    """it knows the end from the beginning"""
    return np.full(len(scores), worth[scores.argmax()])


def worth_so_far__wrong_last(scores, worth):
    """of equal scores the last one leads"""
    leader, found = 0, []
    for trial in range(len(scores)):
        if scores[trial] >= scores[leader]:
            leader = trial
        found.append(worth[leader])
    return np.array(found)


# --------------------------------------------------------------------------------------------------- chance_better


def chance_better__loops(first, second):
    won = 0.0
    for one in first:
        for other in second:
            won += 1.0 if one > other else 0.5 if one == other else 0.0
    return won / (len(first) * len(second))


def chance_better__sign(first, second):
    return (np.sign(np.subtract.outer(first, second)).mean() + 1) / 2


def chance_better__wrong_strict(first, second):
    """equal pairs count as lost"""
    return (first[:, None] > second).mean()


def chance_better__wrong_generous(first, second):
    """equal pairs count as won"""
    return (first[:, None] >= second).mean()


def chance_better__wrong_other(first, second):
    """this is how likely the second is to be better"""
    return (second[:, None] > first).mean() + 0.5 * (second[:, None] == first).mean()


def chance_better__wrong_mean(first, second):
    """each of the first is compared with the mean of the second"""
    return (first > second.mean()).mean() + 0.5 * (first == second.mean()).mean()


def chance_better__wrong_count(first, second):
    """this is a number of pairs"""
    return (first[:, None] > second).sum() + 0.5 * (first[:, None] == second).sum()


# ----------------------------------------------------------------------------------------------------- main_effect


def main_effect__moved(scores, axis):
    lines = np.moveaxis(scores, axis, 0).reshape(scores.shape[axis], -1)
    return np.var(lines.mean(axis=1)) / np.var(scores)


def main_effect__squares(scores, axis):
    middle, total = scores.mean(), ((scores - scores.mean()) ** 2).sum()
    means = [np.take(scores, value, axis=axis).mean() for value in range(scores.shape[axis])]
    return sum((mean - middle) ** 2 for mean in means) * scores.size / len(means) / total


def main_effect__wrong_axis(scores, axis):
    """it averages over the hyperparameter itself"""
    return scores.mean(axis=axis).var() / scores.var()


def main_effect__wrong_variance(scores, axis):
    """this is a variance"""
    return np.moveaxis(scores, axis, 0).reshape(scores.shape[axis], -1).mean(axis=1).var()


def main_effect__wrong_deviation(scores, axis):
    """this is a share of standard deviations"""
    return np.moveaxis(scores, axis, 0).reshape(scores.shape[axis], -1).mean(axis=1).std() / scores.std()


def main_effect__wrong_rest(scores, axis):
    """this is what is left without the hyperparameter"""
    return 1 - np.moveaxis(scores, axis, 0).reshape(scores.shape[axis], -1).mean(axis=1).var() / scores.var()


def main_effect__wrong_divisor(scores, axis):
    """the variance of the means has another divisor"""
    return np.moveaxis(scores, axis, 0).reshape(scores.shape[axis], -1).mean(axis=1).var(ddof=1) / scores.var()
