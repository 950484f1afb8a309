"""What a study says: how much a hyperparameter matters, and which trials nothing beats in two objectives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, promise


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with the bin of each trial: `labels = np.minimum((places * bins).astype(int), bins - 1)`.",
        "Then give each trial the mean of its bin: `means = np.array([scores[labels == label].mean() for label in "
        "labels])`. A bin with many trials counts often in this way.",
        "`return float(means.var() / scores.var())`.",
    ),
    returns=promise.a_float("the share"),
)
def importance_by_means(places: NDArray, scores: NDArray, bins: int) -> float:
    """Say which share of the spread of scores one hyperparameter explains on its own.

    Args:
        places: where each trial lies on the hyperparameter's scale, from 0 to 1, (n,).
        scores: what the trials scored, not all the same, (n,).
        bins: the scale is cut into so many parts of equal length; 1 itself belongs to the last part.

    Returns:
        The variance of the bins' mean scores, in which a bin counts as often as it has trials, divided by the variance
        of the scores.
    """
    # 1. the bin of each trial
    labels = np.minimum((places * bins).astype(int), bins - 1)
    # 2. the mean score of each trial's bin
    means = np.array([scores[labels == label].mean() for label in labels])
    # 3. how far these differ, beside how far the scores do
    return float(means.var() / scores.var())


def _labels(places: NDArray, bins: int) -> NDArray:
    return np.minimum((places * bins).astype(int), bins - 1)


def _means(places: NDArray, scores: NDArray, bins: int) -> NDArray:
    labels = _labels(places, bins)
    return np.array([scores[labels == label].mean() for label in np.unique(labels)])


def _medians(places: NDArray, scores: NDArray, bins: int) -> NDArray:
    labels = _labels(places, bins)
    return np.array([np.median(scores[labels == label]) for label in labels])


def _each(places: NDArray, scores: NDArray, bins: int) -> NDArray:
    labels = _labels(places, bins)
    return np.array([scores[labels == label].mean() for label in labels])


def _by_rank(places: NDArray, scores: NDArray, bins: int) -> float:
    labels = np.argsort(np.argsort(places, kind="stable"), kind="stable") * bins // len(places)
    return float(np.array([scores[labels == label].mean() for label in labels]).var() / scores.var())


importance_by_means.examine(
    cases=lambda: [
        (np.array([0.1, 0.2, 0.6, 0.9]), np.array([1.0, 3.0, 2.0, 4.0]), 2),
        (np.array([0.1, 0.4, 0.45, 0.9]), np.array([0.7, 0.8, 0.9, 0.5]), 2),
        (np.array([0.0, 0.3, 0.5, 0.6, 1.0]), np.array([0.2, 0.9, 0.4, 0.1, 0.3]), 4),
        (np.array([0.95, 0.05, 0.5, 0.55, 0.1, 0.15, 1.0]), np.array([0.5, 0.6, 0.9, 0.7, 0.1, 0.65, 0.4]), 3),
    ],
    draw=lambda rng: (np.append(rng.random(9).round(2), 1.0), rng.random(10).round(2), 4),
    mistakes={
        "every bin counts once: one with many trials counts as often as it has trials": (
            lambda places, scores, bins: float(_means(places, scores, bins).var() / scores.var())
        ),
        "this is the variance of the means alone: divide by the variance of the scores": (
            lambda places, scores, bins: float(_each(places, scores, bins).var())
        ),
        "it divides standard deviations: divide variances": (
            lambda places, scores, bins: float(_each(places, scores, bins).std() / scores.std())
        ),
        "this is the share that is not explained": (
            lambda places, scores, bins: float(1 - _each(places, scores, bins).var() / scores.var())
        ),
        "it takes the medians of the bins: take the means": (
            lambda places, scores, bins: float(_medians(places, scores, bins).var() / scores.var())
        ),
        "the bins have equal numbers of trials: they should be of equal length": _by_rank,
        "a trial at 1 has a bin of its own: it belongs to the last one": (
            lambda places, scores, bins: float(
                np.array(
                    [scores[(places * bins).astype(int) == label].mean() for label in (places * bins).astype(int)]
                ).var()
                / scores.var()
            )
        ),
    },
)


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with one point and ask of all others: which are at least as good in both columns, "
        "`(points >= point).all(axis=1)`?",
        "Of these, one that is better in a column, `(points > point).any(axis=1)`, beats the point. An equal one does "
        "not.",
        "`np.array([not ((points >= point).all(axis=1) & (points > point).any(axis=1)).any() for point in points])`.",
    ),
    returns=promise.an_array("the front", bool),
)
def pareto_front(points: NDArray) -> NDArray:
    """Find the points that no other one beats.

    Args:
        points: a row for each, and a column for each objective, in which more is better, (n, m).

    Returns:
        Whether each point is on the front, bool, (n,). A point is beaten by one that is at least as good in every
        column and better in one. Equal points do not beat each other.
    """
    front = []
    for point in points:
        # 1. what is nowhere worse, and somewhere better
        beats = (points >= point).all(axis=1) & (points > point).any(axis=1)
        # 2. on the front where nothing is
        front.append(not beats.any())
    return np.array(front)


def _front(points: NDArray, beats) -> NDArray:  # type: ignore[no-untyped-def]
    return np.array([not np.asarray(beats(points, point)).any() for point in points])


def _others(points: NDArray) -> NDArray:
    """Each point against all others, equal ones too: they beat each other."""
    return np.array(
        [
            not any((other >= point).all() for number, other in enumerate(points) if number != place)
            for place, point in enumerate(points)
        ]
    )


pareto_front.examine(
    cases=lambda: [
        (np.array([[3.0, 1.0], [1.0, 3.0], [1.0, 1.0], [2.0, 2.0]]),),
        (np.array([[1.0, 5.0], [2.0, 5.0], [2.0, 4.0], [0.0, 6.0]]),),
        (np.array([[2.0, 2.0], [2.0, 2.0], [1.0, 3.0], [1.0, 2.0]]),),
        (np.array([[0.8, -300.0], [0.9, -900.0], [0.7, -350.0], [0.9, -800.0], [0.75, -300.0], [0.8, -300.0]]),),
    ],
    draw=lambda rng: (rng.integers(0, 6, (9, 2)).astype(float),),
    mistakes={
        "a point is beaten only by one that is better in every column: in one is enough if nowhere worse": (
            lambda points: _front(points, lambda all_of_them, point: (all_of_them > point).all(axis=1))
        ),
        "a point is beaten by one that is better in any column: it must be nowhere worse": (
            lambda points: _front(points, lambda all_of_them, point: (all_of_them > point).any(axis=1))
        ),
        "equal points beat each other: they should not": _others,
        "it looks for the lowest: more is better": (
            lambda points: _front(
                points, lambda all_of_them, point: (all_of_them <= point).all(1) & (all_of_them < point).any(1)
            )
        ),
        "this is what is beaten: the front is the rest": (
            lambda points: (
                ~_front(points, lambda all_of_them, point: (all_of_them >= point).all(1) & (all_of_them > point).any(1))
            )
        ),
        "it keeps only the best of each column: points between them may be beaten by nothing": (
            lambda points: (points == points.max(axis=0)).any(axis=1)
        ),
    },
)


@exercise(
    minutes=10,
    difficulty=3,
    hints=(
        "Begin with the points that are better than the reference in both columns, in the order of the first column, "
        "the highest first: `inside[np.argsort(-inside[:, 0], kind='stable')]`.",
        "Going through them, remember the highest second value so far, `height`, which starts at `reference[1]`. A "
        "point that rises above it adds a strip as wide as the point reaches, and as high as it rises.",
        "`if second > height: area += (first - reference[0]) * (second - height)`, and then `height = second`.",
    ),
    returns=promise.a_float("the area"),
)
def hypervolume(points: NDArray, reference: NDArray) -> float:
    """Measure how much two objectives are covered: the area between a reference and the points.

    Args:
        points: a row for each and two columns, in which more is better, (n, 2). Some may be beaten by others.
        reference: a value for each column, (2,). A point that is not above it in both columns covers nothing.

    Returns:
        The area of all places between the reference and any of the points, each counted once.
    """
    # 1. what is above the reference in both columns, the best in the first column first
    inside = points[(points > reference).all(axis=1)]
    inside = inside[np.argsort(-inside[:, 0], kind="stable")]
    # 2. each one adds a strip, as far as it rises above those before it
    area, height = 0.0, float(reference[1])
    for first, second in inside:
        if second > height:
            area += (first - reference[0]) * (second - height)
            height = second
    return float(area)


def _rectangles(points: NDArray, reference: NDArray) -> NDArray:
    return np.maximum(points - reference, 0).prod(axis=1)


hypervolume.examine(
    cases=lambda: [
        (np.array([[2.0, 3.0]]), np.array([0.0, 0.0])),
        (np.array([[3.0, 1.0], [1.0, 3.0], [2.0, 2.0]]), np.array([0.0, 0.0])),
        (np.array([[3.0, 2.0], [2.0, 3.0], [1.0, 1.0], [2.0, 2.0]]), np.array([1.0, 0.5])),
        (np.array([[4.0, -1.0], [2.0, 3.0], [0.5, 6.0], [3.0, 2.5]]), np.array([1.0, 1.0])),
        (np.array([[0.8, -300.0], [0.9, -900.0], [0.85, -300.0]]), np.array([0.5, -1000.0])),
    ],
    draw=lambda rng: (rng.integers(0, 9, (6, 2)).astype(float), np.array([1.0, 2.0])),
    mistakes={
        "what several points cover is counted several times: count each place once": (
            lambda points, reference: float(_rectangles(points, reference).sum())
        ),
        "this is the largest rectangle of one point: all of them cover something": (
            lambda points, reference: float(_rectangles(points, reference).max())
        ),
        "this is the rectangle of the best values of both columns: no single point reaches its corner": (
            lambda points, reference: float(np.maximum(points.max(axis=0) - reference, 0).prod())
        ),
        "the reference is left out: it measures from 0": (
            lambda points, reference: hypervolume.reference(points, np.zeros(2))
        ),
        "a beaten point lowers the height again: it adds nothing and changes nothing": (
            lambda points, reference: _dented(points, reference)
        ),
        "a point that is not above the reference in both columns is counted": (
            lambda points, reference: _unchecked(points, reference)
        ),
    },
)


def _dented(points: NDArray, reference: NDArray) -> float:
    inside = points[(points > reference).all(axis=1)]
    inside = inside[np.argsort(-inside[:, 0], kind="stable")]
    area, height = 0.0, float(reference[1])
    for first, second in inside:
        area += (first - reference[0]) * (second - height)
        height = second
    return float(area)


def _unchecked(points: NDArray, reference: NDArray) -> float:
    area, height = 0.0, float(reference[1])
    for first, second in points[np.argsort(-points[:, 0], kind="stable")]:
        if second > height:
            area += (first - reference[0]) * (second - height)
            height = second
    return float(area)
