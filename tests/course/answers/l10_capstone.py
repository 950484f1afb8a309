"""Answers to the exercises of lesson 10: right ones in other styles, and wrong ones with what they must be told."""

import math

import numpy as np

# --------------------------------------------------------------------------------------------------- rounding_loss


def rounding_loss__whole_numbers(edges, cell):
    taken = -(-edges // cell) * cell
    return 1 - np.prod(edges, axis=1).sum() / np.prod(taken, axis=1).sum()


def rounding_loss__loop(edges, cell):
    true = room = 0
    for length, width, height in edges.tolist():
        true += length * width * height
        room += math.ceil(length / cell) * math.ceil(width / cell) * math.ceil(height / cell) * cell**3
    return (room - true) / room


def rounding_loss__wrong_filled(edges, cell):
    """this is the share that is filled"""
    return edges.prod(axis=1).sum() / (np.ceil(edges / cell) * cell).prod(axis=1).sum()


def rounding_loss__wrong_down(edges, cell):
    """edges are rounded down"""
    return 1 - edges.prod(axis=1).sum() / (np.floor(edges / cell) * cell).prod(axis=1).sum()


def rounding_loss__wrong_nearest(edges, cell):
    """rounded to the nearest cell"""
    taken = np.maximum(np.rint(edges / cell), 1) * cell
    return 1 - edges.prod(axis=1).sum() / taken.prod(axis=1).sum()


def rounding_loss__wrong_mean(edges, cell):
    """it takes the mean of the items' losses"""
    taken = np.ceil(edges / cell) * cell
    return np.mean([1 - true / room for true, room in zip(edges.prod(axis=1), taken.prod(axis=1), strict=True)])


def rounding_loss__wrong_edges(edges, cell):
    """this is the loss of edges"""
    return 1 - edges.sum() / (np.ceil(edges / cell) * cell).sum()


def rounding_loss__wrong_one_more(edges, cell):
    """every item gets one cell more"""
    taken = (edges // cell + 1) * cell
    return 1 - edges.prod(axis=1).sum() / taken.prod(axis=1).sum()


def rounding_loss__wrong_divisor(edges, cell):
    """air is divided by the items"""
    true, room = edges.prod(axis=1).sum(), (np.ceil(edges / cell) * cell).prod(axis=1).sum()
    return (room - true) / true


# ----------------------------------------------------------------------------------------------------- plan_budget


def plan_budget__floor(hours, minutes, workers, finalists, seeds=5, per_trial=1):
    runs = workers * math.floor(60 * hours / minutes)
    return max((runs - seeds - finalists * seeds) // per_trial, 0)


def plan_budget__if(hours, minutes, workers, finalists, seeds=5, per_trial=1):
    runs = int(60 * hours) // int(minutes) * workers
    end = seeds * (1 + finalists)
    if runs < end:
        return 0
    return (runs - end) // per_trial


def plan_budget__wrong_nothing_kept(hours, minutes, workers, finalists, seeds=5, per_trial=1):
    """nothing is kept for the end"""
    return workers * int(hours * 60 // minutes) // per_trial


def plan_budget__wrong_default(hours, minutes, workers, finalists, seeds=5, per_trial=1):
    """the default is left out of the end"""
    return max(0, (workers * int(hours * 60 // minutes) - finalists * seeds) // per_trial)


def plan_budget__wrong_one_run(hours, minutes, workers, finalists, seeds=5, per_trial=1):
    """a trial is counted as one run"""
    return max(0, workers * int(hours * 60 // minutes) - (finalists + 1) * seeds)


def plan_budget__wrong_workers(hours, minutes, workers, finalists, seeds=5, per_trial=1):
    """the workers are left out"""
    return max(0, (int(hours * 60 // minutes) - (finalists + 1) * seeds) // per_trial)


def plan_budget__wrong_below(hours, minutes, workers, finalists, seeds=5, per_trial=1):
    """there cannot be fewer than 0 trials"""
    return (workers * int(hours * 60 // minutes) - (finalists + 1) * seeds) // per_trial


def plan_budget__wrong_half_a_run(hours, minutes, workers, finalists, seeds=5, per_trial=1):
    """half a run is counted"""
    return max(0, int((workers * hours * 60 // minutes - (finalists + 1) * seeds) // per_trial))


# ------------------------------------------------------------------------------------------------ choose_finalists


def choose_finalists__max(scores, configs, default, count):
    left = {number: score for number, score in enumerate(scores) if score is not None}
    seen, chosen = [default], []
    while left and len(chosen) < count:
        number = max(left, key=lambda each: (left[each], -each))
        del left[number]
        if configs[number] not in seen:
            seen.append(configs[number])
            chosen.append(number)
    return chosen


def choose_finalists__pairs(scores, configs, default, count):
    best = {}
    for number, (score, config) in enumerate(zip(scores, configs, strict=True)):
        key = tuple(sorted(config.items()))
        if score is None or config == default:
            continue
        if key not in best or score > scores[best[key]]:
            best[key] = number
    return sorted(best.values(), key=lambda number: (-scores[number], number))[:count]


def choose_finalists__wrong_default(scores, configs, default, count):
    """the default is among them"""
    numbers = sorted((n for n, score in enumerate(scores) if score is not None), key=lambda n: -scores[n])
    seen, chosen = [], []
    for number in numbers:
        if configs[number] not in seen:
            seen.append(configs[number])
            chosen.append(number)
    return chosen[:count]


def choose_finalists__wrong_stopped(scores, configs, default, count):
    """a trial without a score is among them"""
    numbers = sorted(range(len(scores)), key=lambda n: 1 if scores[n] is None else -scores[n])
    seen, chosen = [default], []
    for number in numbers:
        if configs[number] not in seen:
            seen.append(configs[number])
            chosen.append(number)
    return chosen[:count]


def choose_finalists__wrong_twins(scores, configs, default, count):
    """a configuration is chosen twice"""
    numbers = [n for n, score in enumerate(scores) if score is not None and configs[n] != default]
    return sorted(numbers, key=lambda n: -scores[n])[:count]


def choose_finalists__wrong_worst(scores, configs, default, count):
    """the worst are chosen"""
    numbers = sorted((n for n, score in enumerate(scores) if score is not None), key=lambda n: scores[n])
    seen, chosen = [default], []
    for number in numbers:
        if configs[number] not in seen:
            seen.append(configs[number])
            chosen.append(number)
    return chosen[:count]


def choose_finalists__wrong_order(scores, configs, default, count):
    """they are not in order"""
    numbers = sorted((n for n, score in enumerate(scores) if score is not None), key=lambda n: -scores[n])
    seen, chosen = [default], []
    for number in numbers:
        if configs[number] not in seen:
            seen.append(configs[number])
            chosen.append(number)
    return sorted(chosen[:count])


def choose_finalists__wrong_none(scores, configs, default, count):
    """TypeError"""
    numbers = sorted(range(len(scores)), key=lambda n: -scores[n])
    return [number for number in numbers if configs[number] != default][:count]


# ------------------------------------------------------------------------------------------------------- gain_kept


def gain_kept__means(tuned, default, fresh, fresh_default):
    return (np.mean(fresh) - np.mean(fresh_default)) / (tuned - default)


def gain_kept__loop(tuned, default, fresh, fresh_default):
    gains = [one - other for one, other in zip(fresh.tolist(), fresh_default.tolist(), strict=True)]
    return sum(gains) / len(gains) / (tuned - default)


def gain_kept__wrong_score(tuned, default, fresh, fresh_default):
    """compare gains over the default"""
    return fresh.mean() / tuned


def gain_kept__wrong_old_default(tuned, default, fresh, fresh_default):
    """it was trained anew as well"""
    return (fresh.mean() - default) / (tuned - default)


def gain_kept__wrong_lost(tuned, default, fresh, fresh_default):
    """this is the share that was lost"""
    return 1 - (fresh.mean() - fresh_default.mean()) / (tuned - default)


def gain_kept__wrong_upside_down(tuned, default, fresh, fresh_default):
    """upside down"""
    return (tuned - default) / (fresh.mean() - fresh_default.mean())


def gain_kept__wrong_gain(tuned, default, fresh, fresh_default):
    """this is the gain itself"""
    return fresh.mean() - fresh_default.mean()


# ------------------------------------------------------------------------------------------------------------ holm


def holm__adjusted(p_values, level=0.05):
    order = np.argsort(p_values, kind="stable")
    many = len(p_values)
    # A hair is allowed: a p-value that is multiplied may be rounded otherwise than a level that is divided.
    adjusted = np.maximum.accumulate((many - np.arange(many)) * p_values[order])
    counts = np.empty(many, bool)
    counts[order] = adjusted <= level * (1 + 1e-12)
    return counts


def holm__while(p_values, level=0.05):
    left = list(range(len(p_values)))
    counts = [False] * len(p_values)
    while left:
        place = min(left, key=lambda each: p_values[each])
        if p_values[place] > level / len(left):
            break
        counts[place] = True
        left.remove(place)
    return np.array(counts)


def holm__wrong_uncorrected(p_values, level=0.05):
    """each is compared with the level itself"""
    return p_values <= level


def holm__wrong_bonferroni(p_values, level=0.05):
    """after one has passed, fewer are left"""
    return p_values <= level / len(p_values)


def holm__wrong_goes_on(p_values, level=0.05):
    """it goes on after the first that fails"""
    counts = np.zeros(len(p_values), bool)
    for done, place in enumerate(np.argsort(p_values)):
        counts[place] = p_values[place] <= level / (len(p_values) - done)
    return counts


def holm__wrong_sorted(p_values, level=0.05):
    """the decisions are in the order of the sorted values"""
    ordered = np.sort(p_values)
    passes = ordered <= level / (len(p_values) - np.arange(len(p_values)))
    return np.logical_and.accumulate(passes)


def holm__wrong_turned(p_values, level=0.05):
    """this says which do not count"""
    ordered = np.argsort(p_values)
    fails = p_values[ordered] > level / (len(p_values) - np.arange(len(p_values)))
    counts = np.empty(len(p_values), bool)
    counts[ordered] = np.logical_or.accumulate(fails)
    return counts


def holm__wrong_upwards(p_values, level=0.05):
    """the level is divided the other way"""
    counts = np.zeros(len(p_values), bool)
    for done, place in enumerate(np.argsort(p_values)):
        if p_values[place] > level / (done + 1):
            break
        counts[place] = True
    return counts
