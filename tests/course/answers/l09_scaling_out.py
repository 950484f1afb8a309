"""Answers to the exercises of lesson 09: right ones in other styles, and wrong ones with what they must be told."""

import heapq
import math

import numpy as np

# -------------------------------------------------------------------------------------------------------- speed_up


def speed_up__by_times(serial, workers):
    alone = 100.0
    together = alone * serial + alone * (1.0 - serial) / workers
    return alone / together


def speed_up__one_fraction(serial, workers):
    return workers / (1 + serial * (workers - 1))


def speed_up__wrong_all_shared(serial, workers):
    """it divides the whole time among the workers"""
    return workers


def speed_up__wrong_serial_shared(serial, workers):
    """it divides the serial part"""
    return 1 / (serial / workers + (1 - serial))


def speed_up__wrong_time(serial, workers):
    """it gives the time that is left"""
    return serial + (1 - serial) / workers


def speed_up__wrong_saved(serial, workers):
    """it gives the time that is saved"""
    return 1 - (serial + (1 - serial) / workers)


def speed_up__wrong_multiplied(serial, workers):
    """it multiplies the shared part by the workers"""
    return 1 / (serial + (1 - serial) * workers)


# -------------------------------------------------------------------------------------------------------- run_pool


def run_pool__heap(lengths, workers):
    free = [0.0] * workers
    ends = []
    for trial, length in enumerate(lengths):
        start = heapq.heappop(free)
        heapq.heappush(free, start + length)
        ends.append((start + length, trial))
    last = max(end for end, _ in ends)
    return [trial for _, trial in sorted(ends)], sum(last - each for each in free)


def run_pool__events(lengths, workers):
    waiting, running, ended, now, idle = list(range(len(lengths))), {}, [], 0.0, 0.0
    while waiting or running:
        while waiting and len(running) < workers:
            trial = waiting.pop(0)
            running[trial] = now + lengths[trial]
        soon = min(running.values())
        idle += (workers - len(running)) * (soon - now)
        now = soon
        for trial in sorted(trial for trial, end in running.items() if end == now):
            del running[trial]
            ended.append(trial)
    return np.array(ended), idle


def run_pool__wrong_in_turn(lengths, workers):
    """the trials are dealt out in turn"""
    free, ends = np.zeros(workers), []
    for trial, length in enumerate(lengths):
        free[trial % workers] += length
        ends.append(free[trial % workers])
    return np.argsort(ends, kind="stable"), (free.max() - free).sum()


def run_pool__wrong_ticks(lengths, workers):
    """did not end within"""
    waiting, running, ended, now, idle = list(range(len(lengths))), {}, [], 0, 0.0
    while waiting or running:
        for trial in sorted(trial for trial, end in running.items() if end == now):
            del running[trial]
            ended.append(trial)
        while waiting and len(running) < workers:
            trial = waiting.pop(0)
            running[trial] = now + lengths[trial]
        if running:
            idle += workers - len(running)
        now += 1
    return np.array(ended), idle


def run_pool__wrong_rounds(lengths, workers):
    """the workers wait for each other after each round"""
    now, ends, idle = 0.0, np.zeros(len(lengths)), 0.0
    for start in range(0, len(lengths), workers):
        part = lengths[start : start + workers]
        ends[start : start + workers] = now + part
        now += part.max()
    idle = workers * now - lengths.sum()
    return np.argsort(ends, kind="stable"), idle


def run_pool__wrong_begin(lengths, workers):
    """it gives the order in which trials begin"""
    free = np.zeros(workers)
    for length in lengths:
        free[free.argmin()] += length
    return np.arange(len(lengths)), (free.max() - free).sum()


def run_pool__wrong_by_length(lengths, workers):
    """it orders the trials by their lengths"""
    free = np.zeros(workers)
    for length in lengths:
        free[free.argmin()] += length
    return np.argsort(lengths, kind="stable"), (free.max() - free).sum()


def run_pool__wrong_one_worker(lengths, workers):
    """the idle time is that of one worker"""
    free, ends = np.zeros(workers), []
    for length in lengths:
        worker = free.argmin()
        free[worker] += length
        ends.append(free[worker])
    return np.argsort(ends, kind="stable"), free.max() - free.min()


def run_pool__wrong_no_ties(lengths, workers):
    """the longest trials are taken first"""
    free, ends = np.zeros(workers), np.zeros(len(lengths))
    for trial in np.argsort(-lengths, kind="stable"):
        worker = free.argmin()
        free[worker] += lengths[trial]
        ends[trial] = free[worker]
    return np.argsort(ends, kind="stable"), (free.max() - free).sum()


# ------------------------------------------------------------------------------------------------------ lease_says


def lease_says__branches(owner, expires, now, worker):
    if owner == worker:
        return True, True
    if not owner:
        return True, False
    return expires <= now, False


def lease_says__sets(owner, expires, now, worker):
    held_by_others = bool(owner) and owner != worker and expires > now
    return [not held_by_others, owner == worker]


def lease_says__wrong_for_ever(owner, expires, now, worker):
    """a lease never ends"""
    return owner in ("", worker), owner == worker


def lease_says__wrong_moment(owner, expires, now, worker):
    """a lease that ends just now is taken for valid"""
    return owner in ("", worker) or now > expires, owner == worker


def lease_says__wrong_late(owner, expires, now, worker):
    """a late result is refused"""
    return owner in ("", worker) or now >= expires, owner == worker and now < expires


def lease_says__wrong_anybody(owner, expires, now, worker):
    """every result counts"""
    return owner in ("", worker) or now >= expires, True


def lease_says__wrong_same(owner, expires, now, worker):
    """a result counts wherever the worker may run the trial"""
    may_run = owner in ("", worker) or now >= expires
    return may_run, may_run


def lease_says__wrong_one_answer(owner, expires, now, worker):
    """tuple of 2 values"""
    return owner in ("", worker) or now >= expires


# ---------------------------------------------------------------------------------------------------- halving_plan


def halving_plan__while(trials, rungs, factor):
    counts, cost, stood = [], 0, 0
    for rung in rungs:
        counts.append(trials)
        cost += trials * (rung - stood)
        trials, stood = max(1, trials // factor), rung
    return counts, cost


def halving_plan__by_powers(trials, rungs, factor):
    counts = np.maximum(1, trials // factor ** np.arange(len(rungs)))
    stopped = counts - np.append(counts[1:], 0)
    return counts, int((stopped * rungs).sum())


def halving_plan__wrong_anew(trials, rungs, factor):
    """every rung is trained from the start"""
    counts = np.maximum(1, trials // factor ** np.arange(len(rungs)))
    return counts, (counts * rungs).sum()


def halving_plan__wrong_up(trials, rungs, factor):
    """it rounds the number that goes on up"""
    counts = [trials]
    for _ in rungs[1:]:
        counts.append(math.ceil(counts[-1] / factor))
    return counts, (counts * np.diff(rungs, prepend=0)).sum()


def halving_plan__wrong_none(trials, rungs, factor):
    """it may end with no trial at all"""
    counts = trials // factor ** np.arange(len(rungs))
    return counts, (counts * np.diff(rungs, prepend=0)).sum()


def halving_plan__wrong_leave(trials, rungs, factor):
    """it gives how many leave each rung"""
    counts = np.maximum(1, trials // factor ** np.arange(1, len(rungs) + 1))
    return counts, (counts * np.diff(rungs, prepend=0)).sum()


def halving_plan__wrong_trials(trials, rungs, factor):
    """the cost is a number of trials"""
    counts = np.maximum(1, trials // factor ** np.arange(len(rungs)))
    return counts, counts.sum()


def halving_plan__wrong_float(trials, rungs, factor):
    """how many trials reach each rung should be"""
    counts = trials / float(factor) ** np.arange(len(rungs))
    return counts, 0


# ---------------------------------------------------------------------------------------------- hyperband_brackets


def hyperband_brackets__firsts(last, factor):
    firsts = []
    left = last
    while left >= 1:
        firsts.append(left)
        left //= factor
    brackets = len(firsts)
    return [(math.ceil(brackets * factor**s / (s + 1)), firsts[s]) for s in range(brackets - 1, -1, -1)]


def hyperband_brackets__arrays(last, factor):
    powers = factor ** np.arange(12)
    powers = powers[powers <= last][::-1]
    divisions = np.arange(len(powers))[::-1]
    trials = np.ceil(len(powers) * powers / (divisions + 1))
    return np.stack([trials, last // powers], axis=1)


def hyperband_brackets__wrong_log(last, factor):
    """the number of brackets is one too small"""
    count = 0
    while factor ** (count + 1) <= last:
        count += 1
    return [(math.ceil(count * factor**s / (s + 1)), last // factor**s) for s in reversed(range(count))]


def hyperband_brackets__wrong_down(last, factor):
    """the number of trials is rounded down"""
    count = 1
    while factor**count <= last:
        count += 1
    return [(count * factor**s // (s + 1), last // factor**s) for s in reversed(range(count))]


def hyperband_brackets__wrong_turned(last, factor):
    """the order is turned round"""
    count = 1
    while factor**count <= last:
        count += 1
    return [(math.ceil(count * factor**s / (s + 1)), last // factor**s) for s in range(count)]


def hyperband_brackets__wrong_no_share(last, factor):
    """it does not divide by s + 1"""
    count = 1
    while factor**count <= last:
        count += 1
    return [(count * factor**s, last // factor**s) for s in reversed(range(count))]


def hyperband_brackets__wrong_rungs(last, factor):
    """the first rung is factor^s"""
    count = 1
    while factor**count <= last:
        count += 1
    return [(math.ceil(count * factor**s / (s + 1)), factor**s) for s in reversed(range(count))]


def hyperband_brackets__wrong_columns(last, factor):
    """the first rung stands before the number of trials"""
    count = 1
    while factor**count <= last:
        count += 1
    return [(last // factor**s, math.ceil(count * factor**s / (s + 1))) for s in reversed(range(count))]


# ------------------------------------------------------------------------------------------------------ promotable


def promotable__sorted(scores, promoted, factor):
    places = len(scores) // factor
    ranked = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
    for place in ranked[:places]:
        if not promoted[place]:
            return place
    return -1


def promotable__ahead(scores, promoted, factor):
    best = -1
    for place, score in enumerate(scores):
        ahead = (scores > score).sum() + (scores[:place] == score).sum()
        if ahead < len(scores) // factor and not promoted[place] and (best < 0 or score > scores[best]):
            best = place
    return best


def promotable__wrong_among_waiting(scores, promoted, factor):
    """it ranks those that wait among themselves"""
    waiting = [place for place in range(len(scores)) if not promoted[place]]
    ranked = sorted(waiting, key=lambda place: (-scores[place], place))[: len(waiting) // factor]
    return ranked[0] if ranked else -1


def promotable__wrong_again(scores, promoted, factor):
    """it forgets who has gone on already"""
    return int(np.argmax(scores)) if len(scores) // factor else -1


def promotable__wrong_one(scores, promoted, factor):
    """while fewer than `factor` are there nobody may"""
    top = np.argsort(-scores, kind="stable")[: max(1, len(scores) // factor)]
    left = [place for place in top if not promoted[place]]
    return left[0] if left else -1


def promotable__wrong_best_waiting(scores, promoted, factor):
    """it takes the best that waits"""
    left = [place for place in np.argsort(-scores, kind="stable") if not promoted[place]]
    return left[0] if left else -1


def promotable__wrong_first(scores, promoted, factor):
    """it takes the one that came first"""
    top = np.argsort(-scores, kind="stable")[: len(scores) // factor]
    left = [place for place in sorted(top) if not promoted[place]]
    return left[0] if left else -1


def promotable__wrong_places(scores, promoted, factor):
    """it takes those that have gone on off the places"""
    places = len(scores) // factor - promoted.sum()
    left = [place for place in np.argsort(-scores, kind="stable") if not promoted[place]]
    return left[0] if places > 0 and left else -1


# --------------------------------------------------------------------------------------------- exploit_and_explore


def exploit_and_explore__loop(scores, weights, hypers, copies, factors):
    ranked = sorted(range(len(scores)), key=lambda member: scores[member])
    new_weights, new_hypers = weights.copy(), hypers.copy()
    for place in range(copies):
        loser, winner = ranked[place], ranked[-1 - place]
        new_weights[loser] = weights[winner]
        new_hypers[loser] = [value * factor for value, factor in zip(hypers[winner], factors[loser], strict=True)]
    return new_weights, new_hypers


def exploit_and_explore__donors(scores, weights, hypers, copies, factors):
    members = len(scores)
    donor = np.arange(members)
    rank = np.argsort(np.argsort(scores))
    for member in range(members):
        if rank[member] < copies:
            donor[member] = np.flatnonzero(rank == members - 1 - rank[member])[0]
    moved = (donor != np.arange(members))[:, None]
    return weights[donor], np.where(moved, hypers[donor] * factors, hypers)


def exploit_and_explore__wrong_weights(scores, weights, hypers, copies, factors):
    """only the weights are copied: the hyperparameters of the better member come with them"""
    order = np.argsort(-scores)
    weights, hypers = weights.copy(), hypers.copy()
    weights[order[::-1][:copies]] = weights[order[:copies]]
    hypers[order[::-1][:copies]] *= factors[order[::-1][:copies]]
    return weights, hypers


def exploit_and_explore__wrong_all_explore(scores, weights, hypers, copies, factors):
    """everybody explores"""
    order = np.argsort(-scores)
    weights, hypers = weights.copy(), hypers.copy()
    weights[order[::-1][:copies]] = weights[order[:copies]]
    hypers[order[::-1][:copies]] = hypers[order[:copies]]
    return weights, hypers * factors


def exploit_and_explore__wrong_no_explore(scores, weights, hypers, copies, factors):
    """nobody explores"""
    order = np.argsort(-scores)
    weights, hypers = weights.copy(), hypers.copy()
    weights[order[::-1][:copies]] = weights[order[:copies]]
    hypers[order[::-1][:copies]] = hypers[order[:copies]]
    return weights, hypers


def exploit_and_explore__wrong_way(scores, weights, hypers, copies, factors):
    """the best copy from the worst"""
    order = np.argsort(scores)
    weights, hypers = weights.copy(), hypers.copy()
    weights[order[::-1][:copies]] = weights[order[:copies]]
    hypers[order[::-1][:copies]] = hypers[order[:copies]] * factors[order[::-1][:copies]]
    return weights, hypers


def exploit_and_explore__wrong_in_place(scores, weights, hypers, copies, factors):
    """it changes its argument"""
    order = np.argsort(-scores)
    best, worst = order[:copies], order[::-1][:copies]
    weights[worst] = weights[best]
    hypers[worst] = hypers[best] * factors[worst]
    return weights, hypers


def exploit_and_explore__wrong_pairs(scores, weights, hypers, copies, factors):
    """the pairs are the wrong way round"""
    order = np.argsort(-scores)
    best, worst = order[:copies], order[len(order) - copies :]
    weights, hypers = weights.copy(), hypers.copy()
    weights[worst] = weights[best]
    hypers[worst] = hypers[best] * factors[worst]
    return weights, hypers


# ------------------------------------------------------------------------------------------------- checkpoint_plan


def checkpoint_plan__power(cost, between):
    interval = (2 * cost * between) ** 0.5
    return interval, (cost + interval**2 / between / 2) / interval


def checkpoint_plan__equal_parts(cost, between):
    interval = np.sqrt(cost) * np.sqrt(between) * np.sqrt(2)
    return interval, 2 * cost / interval


def checkpoint_plan__wrong_no_two(cost, between):
    """the 2 under the root is missing"""
    interval = math.sqrt(cost * between)
    return interval, cost / interval + interval / (2 * between)


def checkpoint_plan__wrong_two_outside(cost, between):
    """the 2 stands before the root"""
    interval = 2 * math.sqrt(cost * between)
    return interval, cost / interval + interval / (2 * between)


def checkpoint_plan__wrong_whole(cost, between):
    """an interruption throws away a whole interval"""
    interval = math.sqrt(2 * cost * between)
    return interval, cost / interval + interval / between


def checkpoint_plan__wrong_checkpoints(cost, between):
    """one part of the share is missing"""
    interval = math.sqrt(2 * cost * between)
    return interval, cost / interval


def checkpoint_plan__wrong_seconds(cost, between):
    """the second number is a time"""
    interval = math.sqrt(2 * cost * between)
    return interval, cost + interval / 2


def checkpoint_plan__wrong_turned(cost, between):
    """the share stands before the interval"""
    interval = math.sqrt(2 * cost * between)
    return cost / interval + interval / (2 * between), interval
