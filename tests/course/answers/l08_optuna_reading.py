"""Answers to the exercises of lesson 08b: right ones in other styles, and wrong ones with what they must be told."""

import bisect
from itertools import pairwise

import numpy as np

# ---------------------------------------------------------------------------------------------------- median_stops


def median_stops__sorted(reports, complete, startup):
    if len(complete) < startup:
        return False
    ordered = sorted(complete)
    half = len(ordered) // 2
    middle = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
    return all(report < middle for report in reports)


def median_stops__one_line(reports, complete, startup):
    return len(complete) >= startup and np.max(reports) < np.quantile(complete, 0.5)


def median_stops__wrong_last(reports, complete, startup):
    """it compares the last report: the best so far counts"""
    return len(complete) >= startup and reports[-1] < np.median(complete)


def median_stops__wrong_mean(reports, complete, startup):
    """take their median"""
    return len(complete) >= startup and reports.max() < np.mean(complete)


def median_stops__wrong_mean_of_reports(reports, complete, startup):
    """it compares the mean of the reports"""
    return len(complete) >= startup and reports.mean() < np.median(complete)


def median_stops__wrong_at_once(reports, complete, startup):
    """it stops before `startup` trials are complete"""
    return reports.max() < np.median(complete)


def median_stops__wrong_one_more(reports, complete, startup):
    """it waits for one complete trial too many"""
    return len(complete) > startup and reports.max() < np.median(complete)


def median_stops__wrong_equal(reports, complete, startup):
    """it stops a trial that equals the median"""
    return len(complete) >= startup and reports.max() <= np.median(complete)


def median_stops__wrong_way(reports, complete, startup):
    """it stops the good trials and lets the bad ones go on"""
    return len(complete) >= startup and reports.max() > np.median(complete)


# --------------------------------------------------------------------------------------------------- replay_pruner


def replay_pruner__list(curves, stops):
    complete, ends = [], []
    for curve in curves:
        end = len(curve)
        for count in range(1, len(curve)):
            if stops(curve[:count], np.array([other[count - 1] for other in complete])):
                end = count
                break
        ends.append(end)
        if end == len(curve):
            complete.append(curve)
    return ends


def replay_pruner__while(curves, stops):
    trials, points = curves.shape
    done = np.zeros(trials, bool)
    ends = np.zeros(trials, int)
    for trial in range(trials):
        taken = 1
        while taken < points and not stops(curves[trial, :taken], curves[done, taken - 1]):
            taken += 1
        ends[trial] = taken
        done[trial] = taken == points
    return ends


def replay_pruner__wrong_stopped_too(curves, stops):
    """it compares with the trials that were stopped as well"""
    points = curves.shape[1]
    ends = np.full(len(curves), points)
    for trial, curve in enumerate(curves):
        for point in range(points - 1):
            if stops(curve[: point + 1], curves[:trial, point]):
                ends[trial] = point + 1
                break
    return ends


def replay_pruner__wrong_end(curves, stops):
    """it compares with the last point of the complete trials"""
    points = curves.shape[1]
    ends = np.full(len(curves), points)
    for trial, curve in enumerate(curves):
        complete = curves[:trial][ends[:trial] == points]
        for point in range(points - 1):
            if stops(curve[: point + 1], complete[:, -1]):
                ends[trial] = point + 1
                break
    return ends


def replay_pruner__wrong_last_report(curves, stops):
    """it hands over the last report alone"""
    points = curves.shape[1]
    ends = np.full(len(curves), points)
    for trial, curve in enumerate(curves):
        complete = curves[:trial][ends[:trial] == points]
        for point in range(points - 1):
            if stops(curve[point : point + 1], complete[:, point]):
                ends[trial] = point + 1
                break
    return ends


def replay_pruner__wrong_point(curves, stops):
    """it is one point short"""
    points = curves.shape[1]
    ends = np.full(len(curves), points)
    for trial, curve in enumerate(curves):
        complete = curves[:trial][ends[:trial] == points]
        for point in range(points - 1):
            if stops(curve[: point + 1], complete[:, point]):
                ends[trial] = point
                break
    return ends


def replay_pruner__wrong_whole_curve(curves, stops):
    """it hands over the whole curve"""
    points = curves.shape[1]
    ends = np.full(len(curves), points)
    for trial, curve in enumerate(curves):
        complete = curves[:trial][ends[:trial] == points]
        for point in range(points - 1):
            if stops(curve, complete[:, point]):
                ends[trial] = point + 1
                break
    return ends


def replay_pruner__wrong_itself(curves, stops):
    """it compares a trial with itself among the complete ones"""
    points = curves.shape[1]
    ends = np.full(len(curves), points)
    for trial, curve in enumerate(curves):
        complete = curves[: trial + 1][ends[: trial + 1] == points]
        for point in range(points - 1):
            if stops(curve[: point + 1], complete[:, point]):
                ends[trial] = point + 1
                break
    return ends


# ------------------------------------------------------------------------------------------------- halving_goes_on


def halving_goes_on__sorted(value, others, factor):
    everyone = sorted([*others, value], reverse=True)
    places = len(everyone) // factor or 1
    return value >= everyone[places - 1]


def halving_goes_on__bisect(value, others, factor):
    ahead = len(others) - bisect.bisect_right(sorted(others), value)
    return ahead + 1 <= max((len(others) + 1) // factor, 1)


def halving_goes_on__wrong_itself(value, others, factor):
    """it forgets that the trial itself has reached the rung"""
    return (others > value).sum() < max(1, len(others) // factor)


def halving_goes_on__wrong_none(value, others, factor):
    """nobody goes on: at least one does"""
    return (others > value).sum() < (len(others) + 1) // factor


def halving_goes_on__wrong_up(value, others, factor):
    """it rounds the number of places up"""
    return (others > value).sum() < np.ceil((len(others) + 1) / factor)


def halving_goes_on__wrong_many(value, others, factor):
    """one too many goes on"""
    return (others > value).sum() <= max(1, (len(others) + 1) // factor)


def halving_goes_on__wrong_equal(value, others, factor):
    """it counts an equal trial as ahead"""
    return (others >= value).sum() < max(1, (len(others) + 1) // factor)


def halving_goes_on__wrong_worst(value, others, factor):
    """the worst go on"""
    return (others < value).sum() < max(1, (len(others) + 1) // factor)


def halving_goes_on__wrong_best(value, others, factor):
    """only the very best goes on"""
    return not (others > value).any()


# --------------------------------------------------------------------------------------------- importance_by_means


def importance_by_means__digitize(places, scores, bins):
    labels = np.clip(np.digitize(places, np.arange(1, bins) / bins), 0, bins - 1)
    between = 0.0
    for label in set(labels.tolist()):
        mine = scores[labels == label]
        between += len(mine) * (mine.mean() - scores.mean()) ** 2
    return between / ((scores - scores.mean()) ** 2).sum()


def importance_by_means__bincount(places, scores, bins):
    labels = np.minimum(np.floor(places * bins).astype(int), bins - 1)
    counts = np.bincount(labels, minlength=bins)
    sums = np.bincount(labels, weights=scores, minlength=bins)
    means = sums / np.maximum(counts, 1)
    return np.var(means[labels]) / np.var(scores)


def importance_by_means__wrong_once(places, scores, bins):
    """every bin counts once"""
    labels = np.minimum((places * bins).astype(int), bins - 1)
    means = np.array([scores[labels == label].mean() for label in np.unique(labels)])
    return means.var() / scores.var()


def importance_by_means__wrong_not_divided(places, scores, bins):
    """divide by the variance of the scores"""
    labels = np.minimum((places * bins).astype(int), bins - 1)
    return np.array([scores[labels == label].mean() for label in labels]).var()


def importance_by_means__wrong_deviations(places, scores, bins):
    """it divides standard deviations"""
    labels = np.minimum((places * bins).astype(int), bins - 1)
    return np.array([scores[labels == label].mean() for label in labels]).std() / scores.std()


def importance_by_means__wrong_rest(places, scores, bins):
    """this is the share that is not explained"""
    labels = np.minimum((places * bins).astype(int), bins - 1)
    rest = scores - np.array([scores[labels == label].mean() for label in labels])
    return rest.var() / scores.var()


def importance_by_means__wrong_medians(places, scores, bins):
    """it takes the medians of the bins"""
    labels = np.minimum((places * bins).astype(int), bins - 1)
    return np.array([np.median(scores[labels == label]) for label in labels]).var() / scores.var()


def importance_by_means__wrong_last(places, scores, bins):
    """a trial at 1 has a bin of its own"""
    labels = (places * bins).astype(int)
    return np.array([scores[labels == label].mean() for label in labels]).var() / scores.var()


# ---------------------------------------------------------------------------------------------------- pareto_front


def pareto_front__table(points):
    nowhere_worse = (points[None] >= points[:, None]).all(axis=2)
    somewhere_better = (points[None] > points[:, None]).any(axis=2)
    return ~(nowhere_worse & somewhere_better).any(axis=1)


def pareto_front__loops(points):
    front = []
    for point in points.tolist():
        beaten = False
        for other in points.tolist():
            if other != point and all(one >= two for one, two in zip(other, point, strict=True)):
                beaten = True
        front.append(not beaten)
    return front


def pareto_front__wrong_everywhere(points):
    """a point is beaten only by one that is better in every column"""
    return np.array([not (points > point).all(axis=1).any() for point in points])


def pareto_front__wrong_anywhere(points):
    """it must be nowhere worse"""
    return np.array([not (points > point).any() for point in points])


def pareto_front__wrong_equal(points):
    """equal points beat each other"""
    return np.array([(points >= point).all(axis=1).sum() == 1 for point in points])


def pareto_front__wrong_lowest(points):
    """it looks for the lowest"""
    return np.array([not ((points <= point).all(axis=1) & (points < point).any(axis=1)).any() for point in points])


def pareto_front__wrong_beaten(points):
    """the front is the rest"""
    return np.array([((points >= point).all(axis=1) & (points > point).any(axis=1)).any() for point in points])


def pareto_front__wrong_extremes(points):
    """it keeps only the best of each column"""
    return (points == points.max(axis=0)).any(axis=1)


# ----------------------------------------------------------------------------------------------------- hypervolume


def hypervolume__cells(points, reference):
    inside = points[(points > reference).all(axis=1)]
    across = np.unique(np.append(inside[:, 0], reference[0]))
    area = 0.0
    for left, right in pairwise(across):
        area += (right - left) * (inside[inside[:, 0] >= right, 1].max() - reference[1])
    return area


def hypervolume__recursive(points, reference):
    inside = [tuple(point) for point in points if point[0] > reference[0] and point[1] > reference[1]]
    if not inside:
        return 0.0
    first, second = max(inside)
    rest = np.array([point for point in inside if point[1] > second]).reshape(-1, 2)
    own = (first - reference[0]) * (second - reference[1])
    return own + hypervolume(rest, np.array([reference[0], second]))  # noqa: F821 - its own name in a cell


def hypervolume__wrong_several(points, reference):
    """count each place once"""
    return np.maximum(points - reference, 0).prod(axis=1).sum()


def hypervolume__wrong_largest(points, reference):
    """this is the largest rectangle of one point"""
    return np.maximum(points - reference, 0).prod(axis=1).max()


def hypervolume__wrong_corner(points, reference):
    """no single point reaches its corner"""
    return np.prod(np.maximum(points.max(axis=0) - reference, 0))


def hypervolume__wrong_dented(points, reference):
    """a beaten point lowers the height again"""
    inside = points[(points > reference).all(axis=1)]
    area, height = 0.0, reference[1]
    for first, second in inside[np.argsort(-inside[:, 0], kind="stable")]:
        area += (first - reference[0]) * (second - height)
        height = second
    return area


def hypervolume__wrong_outside(points, reference):
    """a point that is not above the reference in both columns is counted"""
    area, height = 0.0, reference[1]
    for first, second in points[np.argsort(-points[:, 0], kind="stable")]:
        if second > height:
            area += (first - reference[0]) * (second - height)
            height = second
    return area
