"""Answers to the exercises of lesson 07: right ones in other styles, and wrong ones with what they must be told."""

import math

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import norm, truncnorm

# -------------------------------------------------------------------------------------------- expected_improvement


def expected_improvement__by_loop(mean, sd, best):
    found = []
    for one, doubt in zip(mean, sd, strict=True):
        if doubt == 0:
            found.append(max(one - best, 0.0))
        else:
            z = (one - best) / doubt
            found.append((one - best) * norm.cdf(z) + doubt * norm.pdf(z))
    return np.array(found)


def expected_improvement__masked(mean, sd, best):
    found = np.maximum(mean - best, 0.0)
    unsure = sd > 0
    z = (mean[unsure] - best) / sd[unsure]
    found[unsure] = sd[unsure] * (z * ndtr(z) + np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi))
    return found


def expected_improvement__wrong_probability(mean, sd, best):
    """this is how likely a trial is to exceed the best"""
    z = (mean - best) / np.where(sd > 0, sd, 1.0)
    return np.where(sd > 0, norm.cdf(z), mean > best)


def expected_improvement__wrong_first_term(mean, sd, best):
    """the term with the density is missing"""
    z = (mean - best) / np.where(sd > 0, sd, 1.0)
    return np.where(sd > 0, (mean - best) * norm.cdf(z), np.maximum(mean - best, 0.0))


def expected_improvement__wrong_lowest(mean, sd, best):
    """this is for a search for the lowest"""
    gain = best - mean
    z = gain / np.where(sd > 0, sd, 1.0)
    return np.where(sd > 0, gain * norm.cdf(z) + sd * norm.pdf(z), np.maximum(gain, 0.0))


def expected_improvement__wrong_zero(mean, sd, best):
    """where sd is 0 it says 0"""
    z = (mean - best) / np.where(sd > 0, sd, 1.0)
    return np.where(sd > 0, (mean - best) * norm.cdf(z) + sd * norm.pdf(z), 0.0)


def expected_improvement__wrong_negative(mean, sd, best):
    """where sd is 0 it may be negative"""
    z = (mean - best) / np.where(sd > 0, sd, 1.0)
    return np.where(sd > 0, (mean - best) * norm.cdf(z) + sd * norm.pdf(z), mean - best)


def expected_improvement__wrong_nan(mean, sd, best):
    """where sd is 0 there is no number"""
    with np.errstate(all="ignore"):
        z = np.where(sd > 0, mean - best, np.nan) / sd
        return (mean - best) * norm.cdf(z) + sd * norm.pdf(z)


# ---------------------------------------------------------------------------------------------------- split_trials


def split_trials__sorted(scores):
    count = min(-(-len(scores) // 10), 25)
    ranked = sorted(range(len(scores)), key=lambda trial: -scores[trial])
    return sorted(ranked[:count]), sorted(ranked[count:])


def split_trials__mask(scores):
    count = min(math.ceil(len(scores) / 10), 25)
    good = np.zeros(len(scores), bool)
    good[np.lexsort((np.arange(len(scores)), -scores))[:count]] = True
    return np.flatnonzero(good), np.flatnonzero(~good)


def split_trials__wrong_lowest(scores):
    """the lowest scores are called good"""
    count = min(math.ceil(0.1 * len(scores)), 25)
    ranked = np.argsort(scores, kind="stable")
    return np.sort(ranked[:count]), np.sort(ranked[count:])


def split_trials__wrong_floor(scores):
    """a tenth is rounded down"""
    count = min(len(scores) // 10, 25)
    ranked = np.argsort(-scores, kind="stable")
    return np.sort(ranked[:count]), np.sort(ranked[count:])


def split_trials__wrong_many(scores):
    """with many trials the good group grows beyond 25"""
    count = math.ceil(0.1 * len(scores))
    ranked = np.argsort(-scores, kind="stable")
    return np.sort(ranked[:count]), np.sort(ranked[count:])


def split_trials__wrong_order(scores):
    """the groups are in the order of the scores"""
    count = min(math.ceil(0.1 * len(scores)), 25)
    ranked = np.argsort(-scores, kind="stable")
    return ranked[:count], ranked[count:]


def split_trials__wrong_exchanged(scores):
    """the two groups are exchanged"""
    count = min(math.ceil(0.1 * len(scores)), 25)
    ranked = np.argsort(-scores, kind="stable")
    return np.sort(ranked[count:]), np.sort(ranked[:count])


def split_trials__wrong_scores(scores):
    """the good trials should be an array of whole numbers"""
    count = min(math.ceil(0.1 * len(scores)), 25)
    ranked = np.sort(scores)[::-1]
    return ranked[:count], ranked[count:]


# -------------------------------------------------------------------------------------------------- place_on_scale


def place_on_scale__ratio(values, low, high, log):
    return np.log10(values / low) / np.log10(high / low) if log else (values - low) / (high - low)


def place_on_scale__function(values, low, high, log):
    scale = math.log if log else float
    return [(scale(value) - scale(low)) / (scale(high) - scale(low)) for value in values]


def place_on_scale__wrong_plain(values, low, high, log):
    """the logarithm is missing"""
    return (values - low) / (high - low)


def place_on_scale__wrong_always(values, low, high, log):
    """the logarithm is taken on a plain scale as well"""
    return (np.log(values) - np.log(low)) / (np.log(high) - np.log(low))


def place_on_scale__wrong_back(values, low, high, log):
    """it turns places into values"""
    return np.exp(np.log(low) + values * np.log(high / low)) if log else low + values * (high - low)


def place_on_scale__wrong_low(values, low, high, log):
    """low has no place 0"""
    return np.log(values) / np.log(high / low) if log else values / (high - low)


def place_on_scale__wrong_flipped(values, low, high, log):
    """it runs from 1 at low to 0 at high"""
    if log:
        values, low, high = np.log(values), np.log(low), np.log(high)
    return (high - values) / (high - low)


# ------------------------------------------------------------------------------------------------------ bandwidths


def bandwidths__by_loop(places):
    count = len(places)
    ranked = sorted(range(count), key=lambda trial: places[trial])
    found = [0.0] * count
    for rank, trial in enumerate(ranked):
        around = [ranked[other] for other in (rank - 1, rank + 1) if 0 <= other < count]
        if around:
            width = max(abs(places[trial] - places[other]) for other in around)
        else:
            width = max(places[trial], 1 - places[trial])
        found[trial] = min(max(width, 1 / min(100, count + 2)), 1.0)
    return np.array(found)


def bandwidths__with_ends(places):
    count = len(places)
    order = np.argsort(places)
    ends = [0.0, 1.0] if count == 1 else [places.min(), places.max()]
    padded = np.concatenate([[ends[0]], places[order], [ends[1]]])
    widths = np.maximum(padded[1:-1] - padded[:-2], padded[2:] - padded[1:-1])
    return np.clip(widths[np.argsort(order)], 1 / min(100, count + 2), 1)


def bandwidths__wrong_nearer(places):
    """it takes the nearer neighbour"""
    order = np.argsort(places)
    gaps = np.diff(places[order])
    widths = np.maximum(places, 1 - places)
    if len(gaps):
        widths[order] = np.minimum(np.append(gaps[0], gaps), np.append(gaps, gaps[-1]))
    return np.clip(widths, 1 / min(100, len(places) + 2), 1)


def bandwidths__wrong_ends(places):
    """the ends of the scale count as neighbours"""
    order = np.argsort(places)
    padded = np.concatenate([[0.0], places[order], [1.0]])
    widths = np.empty(len(places))
    widths[order] = np.maximum(padded[1:-1] - padded[:-2], padded[2:] - padded[1:-1])
    return np.clip(widths, 1 / min(100, len(places) + 2), 1)


def bandwidths__wrong_sorted(places):
    """the widths are in ascending order of the places"""
    gaps = np.diff(np.sort(places))
    if not len(gaps):
        return np.clip(np.maximum(places, 1 - places), 1 / 3, 1)
    widths = np.maximum(np.append(gaps[0], gaps), np.append(gaps, gaps[-1]))
    return np.clip(widths, 1 / min(100, len(places) + 2), 1)


def bandwidths__wrong_needles(places):
    """nothing is raised"""
    order = np.argsort(places)
    gaps = np.diff(places[order])
    widths = np.maximum(places, 1 - places)
    if len(gaps):
        widths[order] = np.maximum(np.append(gaps[0], gaps), np.append(gaps, gaps[-1]))
    return widths


def bandwidths__wrong_limit(places):
    """it is raised to 1 / n"""
    order = np.argsort(places)
    gaps = np.diff(places[order])
    widths = np.maximum(places, 1 - places)
    if len(gaps):
        widths[order] = np.maximum(np.append(gaps[0], gaps), np.append(gaps, gaps[-1]))
    return np.clip(widths, 1 / min(100, len(places)), 1)


# ------------------------------------------------------------------------------------------------- mixture_density


def mixture_density__truncnorm(at, centres, widths, weights):
    found = np.zeros(len(at))
    for centre, width, weight in zip(centres, widths, weights, strict=True):
        found += weight * truncnorm.pdf(at, -centre / width, (1 - centre) / width, loc=centre, scale=width)
    return found


def mixture_density__by_hand(at, centres, widths, weights):
    found = []
    for place in at:
        height = 0.0
        for centre, width, weight in zip(centres, widths, weights, strict=True):
            bump = math.exp(-((place - centre) ** 2) / (2 * width**2)) / (width * math.sqrt(2 * math.pi))
            part = 0.5 * (math.erf((1 - centre) / width / math.sqrt(2)) + math.erf(centre / width / math.sqrt(2)))
            height += weight * bump / part
        found.append(height)
    return found


def mixture_density__wrong_whole(at, centres, widths, weights):
    """the bumps are not cut off"""
    return norm.pdf(at[:, None], centres, widths) @ weights


def mixture_density__wrong_together(at, centres, widths, weights):
    """the sum is cut off as a whole"""
    inside = norm.cdf(1, centres, widths) - norm.cdf(0, centres, widths)
    return norm.pdf(at[:, None], centres, widths) @ weights / (inside @ weights)


def mixture_density__wrong_height(at, centres, widths, weights):
    """the height is not divided by the width"""
    inside = norm.cdf((1 - centres) / widths) - norm.cdf(-centres / widths)
    return (norm.pdf((at[:, None] - centres) / widths) / inside) @ weights


def mixture_density__wrong_alike(at, centres, widths, weights):
    """all bumps count alike"""
    inside = norm.cdf(1, centres, widths) - norm.cdf(0, centres, widths)
    return (norm.pdf(at[:, None], centres, widths) / inside).mean(axis=1)


def mixture_density__wrong_logarithm(at, centres, widths, weights):
    """these are logarithms"""
    inside = norm.cdf(1, centres, widths) - norm.cdf(0, centres, widths)
    return np.log((norm.pdf(at[:, None], centres, widths) / inside) @ weights)


def mixture_density__wrong_weights(at, centres, widths, weights):
    """the weights are left out"""
    inside = norm.cdf(1, centres, widths) - norm.cdf(0, centres, widths)
    return (norm.pdf(at[:, None], centres, widths) / inside).sum(axis=1)


# ---------------------------------------------------------------------------------------------------- draw_mixture


def draw_mixture__again(size, centres, widths, weights, rng):
    found = []
    while len(found) < size:
        which = rng.choice(len(centres), p=weights)
        draw = rng.normal(centres[which], widths[which])
        while not 0 <= draw <= 1:
            draw = rng.normal(centres[which], widths[which])
        found.append(draw)
    return np.array(found)


def draw_mixture__inverse(size, centres, widths, weights, rng):
    which = np.searchsorted(np.cumsum(weights)[:-1], rng.random(size), side="right")
    lower, upper = ndtr(-centres / widths)[which], ndtr((1 - centres) / widths)[which]
    return centres[which] + widths[which] * ndtri(lower + (upper - lower) * rng.random(size))


def draw_mixture__wrong_one_bump(size, centres, widths, weights, rng):
    """all draws come from one bump"""
    which = rng.choice(len(centres), p=weights)
    lower, upper = norm.cdf(-centres[which] / widths[which]), norm.cdf((1 - centres[which]) / widths[which])
    return centres[which] + widths[which] * norm.ppf(rng.uniform(lower, upper, size))


def draw_mixture__wrong_weights(size, centres, widths, weights, rng):
    """the bumps are not drawn with their weights"""
    which = rng.integers(len(centres), size=size)
    lower, upper = norm.cdf(-centres[which] / widths[which]), norm.cdf((1 - centres[which]) / widths[which])
    return centres[which] + widths[which] * norm.ppf(rng.uniform(lower, upper))


def draw_mixture__wrong_outside(size, centres, widths, weights, rng):
    """a draw lies outside 0 and 1"""
    which = rng.choice(len(centres), size=size, p=weights)
    return rng.normal(centres[which], widths[which])


def draw_mixture__wrong_clipped(size, centres, widths, weights, rng):
    """draws pile up at an end"""
    which = rng.choice(len(centres), size=size, p=weights)
    return np.clip(rng.normal(centres[which], widths[which]), 0, 1)


def draw_mixture__wrong_upper_end(size, centres, widths, weights, rng):
    """a draw lies outside 0 and 1"""
    which = rng.choice(len(centres), size=size, p=weights)
    lower, upper = norm.cdf(-centres[which] / widths[which]), norm.cdf((1 + centres[which]) / widths[which])
    return centres[which] + widths[which] * norm.ppf(rng.uniform(lower, upper))


def draw_mixture__wrong_width(size, centres, widths, weights, rng):
    """the draws around a centre are not spread by its width"""
    which = rng.choice(len(centres), size=size, p=weights)
    lower, upper = norm.cdf(-centres[which]), norm.cdf(1 - centres[which])
    return centres[which] + widths[which] ** 2 * norm.ppf(rng.uniform(lower, upper))


def draw_mixture__wrong_generator(size, centres, widths, weights, rng):
    """another generator draws the same places"""
    rng = np.random.default_rng(0)
    which = rng.choice(len(centres), size=size, p=weights)
    lower, upper = norm.cdf(-centres[which] / widths[which]), norm.cdf((1 - centres[which]) / widths[which])
    return centres[which] + widths[which] * norm.ppf(rng.uniform(lower, upper))


# -------------------------------------------------------------------------------------------------- best_candidate


def best_candidate__logarithms(good, bad):
    return np.argmax(np.log(good) - np.log(bad))


def best_candidate__by_loop(good, bad):
    best = 0
    for place in range(len(good)):
        if good[place] / bad[place] > good[best] / bad[best]:
            best = place
    return best


def best_candidate__wrong_good(good, bad):
    """it takes the candidate that is likeliest among the good ones"""
    return int(np.argmax(good))


def best_candidate__wrong_bad(good, bad):
    """it takes the candidate that is least likely among the bad ones"""
    return int(np.argmin(bad))


def best_candidate__wrong_difference(good, bad):
    """it takes the largest difference"""
    return int(np.argmax(good - bad))


def best_candidate__wrong_upside_down(good, bad):
    """the ratio is upside down"""
    return int(np.argmin(good / bad))


def best_candidate__wrong_product(good, bad):
    """the ratio is multiplied out"""
    return int(np.argmax(good * bad))


def best_candidate__wrong_value(good, bad):
    """the number of a candidate should be a whole number"""
    return float(np.max(good / bad)) + 0.123


# -------------------------------------------------------------------------------------------- choice_probabilities


def choice_probabilities__by_loop(observed, weights, choices):
    little = 1 / (len(observed) + 1)
    found = np.full(choices, weights[-1] / choices)
    for taken, weight in zip(observed, weights, strict=False):
        row = np.full(choices, little)
        row[taken] += 1
        found += weight * row / row.sum()
    return found


def choice_probabilities__counted(observed, weights, choices):
    total = 1 + choices / (len(observed) + 1)
    mine = np.bincount(observed, weights=weights[:-1], minlength=choices)
    return (mine + weights[:-1].sum() / (len(observed) + 1)) / total + weights[-1] / choices


def choice_probabilities__wrong_shares(observed, weights, choices):
    """these are plain shares of the trials"""
    return np.bincount(observed, minlength=choices) / len(observed)


def choice_probabilities__wrong_no_prior(observed, weights, choices):
    """the prior is left out"""
    rows = np.full((len(observed), choices), 1 / (len(observed) + 1))
    rows[np.arange(len(observed)), observed] += 1
    rows /= rows.sum(axis=1, keepdims=True)
    return weights[:-1] @ rows / weights[:-1].sum()


def choice_probabilities__wrong_not_divided(observed, weights, choices):
    """the rows of the trials are not divided by their sums"""
    rows = np.full((len(observed), choices), 1 / (len(observed) + 1))
    rows[np.arange(len(observed)), observed] += 1
    return weights[:-1] @ rows + weights[-1] / choices


def choice_probabilities__wrong_alike(observed, weights, choices):
    """every row counts alike"""
    rows = np.full((len(observed), choices), 1 / (len(observed) + 1))
    rows[np.arange(len(observed)), observed] += 1
    rows /= rows.sum(axis=1, keepdims=True)
    return np.vstack([rows, np.full(choices, 1 / choices)]).mean(axis=0)


def choice_probabilities__wrong_one_over_n(observed, weights, choices):
    """a row has 1 / n for every choice"""
    rows = np.full((len(observed), choices), 1 / len(observed))
    rows[np.arange(len(observed)), observed] += 1
    rows /= rows.sum(axis=1, keepdims=True)
    return weights[:-1] @ rows + weights[-1] / choices


def choice_probabilities__wrong_nothing(observed, weights, choices):
    """a row has nothing for the choices that its trial did not take"""
    return weights[:-1] @ np.eye(choices)[observed] + weights[-1] / choices
