"""What a sweep says: a verdict on a sentence from two sets of runs, and a gain that its own choice does not flatter."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from binpack.core.statistics import mean_interval
from binpack.course.exercises import exercise, promise


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with the seeds that both have, `sorted(first.keys() & second.keys())`, and the difference of each: "
        "`first[seed] - second[seed]`.",
        'Fewer than 3 differences: "too few to tell". Otherwise `low, high = mean_interval(differences)`, and where 0 '
        "lies decides.",
        'In this order: `if low > 0: return "holds"`, `if high < 0: return "does not hold"`, and else "not separable".',
    ),
    returns=promise.an_instance("the verdict", str),
)
def judge_claim(first: dict[int, float], second: dict[int, float]) -> str:
    """Judge the sentence "the first setting scores more than the second".

    Args:
        first: seed to final score.
        second: likewise; the seeds may stand in another order, and some may be missing on either side.

    Returns:
        "holds" where the 95 % interval of the mean difference over common seeds lies above 0, "does not hold" where
        it lies below, "not separable" where 0 is inside, "too few to tell" where there are fewer than 3 such seeds.
    """
    # 1. the same seed on both sides
    common = sorted(first.keys() & second.keys())
    differences = [first[seed] - second[seed] for seed in common]
    # 2. an interval needs three
    if len(differences) < 3:
        return "too few to tell"
    # 3. where 0 lies
    low, high = mean_interval(differences)
    if low > 0:
        return "holds"
    if high < 0:
        return "does not hold"
    return "not separable"


def _paired(first: Mapping[int, float], second: Mapping[int, float]) -> list[float]:
    return [first[seed] - second[seed] for seed in first if seed in second]


def _said(low: float, high: float) -> str:
    return "holds" if low > 0 else "does not hold" if high < 0 else "not separable"


def _if_enough(judge: Callable[[Mapping[int, float], Mapping[int, float]], str]) -> Callable:
    """Judge in another way where there are enough seeds."""

    def wrong(first: dict[int, float], second: dict[int, float]) -> str:
        return judge(first, second) if len(_paired(first, second)) >= 3 else "too few to tell"

    return wrong


def _by_place(first: Mapping[int, float], second: Mapping[int, float]) -> str:
    pairs = zip(first.values(), second.values(), strict=False)
    return _said(*mean_interval([one - other for one, other in pairs]))


def _by_means(first: Mapping[int, float], second: Mapping[int, float]) -> str:
    difference = float(np.mean(_paired(first, second)))
    return _said(difference, difference)


def _by_overlap(first: Mapping[int, float], second: Mapping[int, float]) -> str:
    one, other = mean_interval(list(first.values())), mean_interval(list(second.values()))
    return _said(one.low - other.high, one.high - other.low)


def _by_wins(first: Mapping[int, float], second: Mapping[int, float]) -> str:
    differences = _paired(first, second)
    wins = sum(difference > 0 for difference in differences)
    return _said(2 * wins - len(differences), 2 * wins - len(differences))


def _never_few(first: dict[int, float], second: dict[int, float]) -> str:
    differences = _paired(first, second)
    return _said(*mean_interval(differences)) if differences else "not separable"


def _too_careful(first: Mapping[int, float], second: Mapping[int, float]) -> str:
    differences = _paired(first, second)
    return _said(min(differences), max(differences))


def _scores(*values: float, start: int = 0) -> dict[int, float]:
    return {start + place: value for place, value in enumerate(values)}


def _turned(scores: Mapping[int, float]) -> dict[int, float]:
    """The same scores with the seeds in the opposite order."""
    return dict(reversed(list(scores.items())))


def _drawn_scores(rng: np.random.Generator) -> tuple[dict[int, float], dict[int, float]]:
    luck = rng.normal(0, 0.05, 8)
    first = 0.8 + luck + rng.normal(0, 0.01, 8) + float(rng.choice([-0.02, 0.0, 0.02]))
    second = 0.8 + luck + rng.normal(0, 0.01, 8)
    return _scores(*first.round(3).tolist()), _turned(_scores(*second.round(3).tolist()))


judge_claim.examine(
    cases=lambda: [
        (_scores(0.85, 0.86, 0.87), _scores(0.80, 0.82, 0.81)),
        (_scores(0.80, 0.82, 0.81), _scores(0.85, 0.86, 0.87)),
        (_scores(0.84, 0.80, 0.86, 0.83), _scores(0.82, 0.83, 0.84, 0.80)),
        # the luck of a seed is common to both, and larger than what they differ by
        (_scores(0.71, 0.82, 0.93, 0.77), _scores(0.70, 0.80, 0.92, 0.76)),
        (_scores(0.71, 0.82, 0.93, 0.77, 0.88), _turned(_scores(0.70, 0.80, 0.92, 0.76, 0.86))),
        (_scores(0.85, 0.86), _scores(0.80, 0.82)),
        (_scores(0.80, 0.80, 0.85, 0.86), _scores(0.84, 0.85, 0.99, 0.98, start=2)),
        (_scores(0.90, 0.70, 0.71, 0.84, 0.85), _scores(0.70, 0.71, 0.80, 0.81, 0.99, start=1)),
        (_scores(0.84, 0.86, 0.85, 0.89, 0.80), _scores(0.83, 0.85, 0.84, 0.88, 0.84)),
        (_scores(0.84, 0.86, 0.85, 0.87, 0.83, 0.86), _scores(0.82, 0.83, 0.83, 0.84, 0.81, 0.865)),
    ],
    draw=_drawn_scores,
    mistakes={
        "it goes by the means alone: ask whether 0 lies inside the interval of the difference": _if_enough(_by_means),
        "it goes by whether the intervals of the two overlap: take the interval of the differences, seed by seed": (
            _if_enough(_by_overlap)
        ),
        "it pairs by place: the seeds may stand in another order, or be missing on one side": _if_enough(_by_place),
        "holds and does not hold are exchanged: the sentence says that the first scores more": _if_enough(
            lambda first, second: _said(*mean_interval(_paired(second, first)))
        ),
        "it counts who wins more seeds: ask whether 0 lies inside the interval of the mean difference": _if_enough(
            _by_wins
        ),
        "every seed has to agree: the interval of the mean difference decides, and may lie above 0 although one seed "
        "does not": _if_enough(_too_careful),
        "fewer than 3 common seeds are judged too: they are too few to tell": _never_few,
        "it never says that something does not hold: that is where the whole interval lies below 0": _if_enough(
            lambda first, second: "holds" if mean_interval(_paired(first, second)).low > 0 else "not separable"
        ),
        "what is not separable is said not to hold: the data do not say so": _if_enough(
            lambda first, second: "holds" if mean_interval(_paired(first, second)).low > 0 else "does not hold"
        ),
    },
)


@exercise(
    minutes=12,
    difficulty=3,
    hints=(
        "Begin with the two halves of the seeds: `np.arange(seeds) % 2 == 0` marks places 0, 2, 4 ..., and its "
        "opposite the others.",
        "For each half: choose the row with the highest mean over the *other* half, "
        "`scores[:, ~half].mean(axis=1).argmax()`, and fill in the gains of this half.",
        "In a loop over `half in (even, ~even)`: `chosen = scores[:, ~half].mean(axis=1).argmax()`, then "
        "`gains[half] = scores[chosen, half] - scores[default, half]`.",
    ),
    returns=promise.an_array("the gains", float),
)
def honest_gain(scores: NDArray, default: int) -> NDArray:
    """Say what tuning would have gained, on seeds that took no part in the choice.

    Args:
        scores: final scores, (values, seeds), with at least two seeds.
        default: the row of the default.

    Returns:
        For each seed the score of the chosen value minus that of the default, (seeds,). Seeds at even places are judged
        with the value whose mean over the seeds at odd places is highest, and the other way round.
    """
    seeds = scores.shape[1]
    even = np.arange(seeds) % 2 == 0
    gains = np.empty(seeds)
    for half in (even, ~even):
        # 1. the other half chooses
        chosen = scores[:, ~half].mean(axis=1).argmax()
        # 2. this half judges
        gains[half] = scores[chosen, half] - scores[default, half]
    return gains


def _fitted(choose: Callable[[NDArray, NDArray], int]) -> Callable:
    """Choose in another way: from all scores and the mask of the half that is judged."""

    def wrong(scores: NDArray, default: int) -> NDArray:
        even = np.arange(scores.shape[1]) % 2 == 0
        gains = np.empty(scores.shape[1])
        for half in (even, ~even):
            gains[half] = scores[choose(scores, half), half] - scores[default, half]
        return gains

    return wrong


def _one_out(scores: NDArray, default: int) -> NDArray:
    rest = (scores.sum(axis=1, keepdims=True) - scores).argmax(axis=0)
    return scores[rest, np.arange(scores.shape[1])] - scores[default]


def _halves(scores: NDArray, default: int) -> NDArray:
    gains, middle = np.empty(scores.shape[1]), scores.shape[1] // 2
    for judged, other in ((slice(None, middle), slice(middle, None)), (slice(middle, None), slice(None, middle))):
        chosen = scores[:, other].mean(axis=1).argmax()
        gains[judged] = scores[chosen, judged] - scores[default, judged]
    return gains


def _table(seed: int, values: int, seeds: int) -> NDArray:
    return np.random.default_rng(seed).normal(0.8, 0.05, (values, seeds)).round(3)


honest_gain.examine(
    cases=lambda: [
        (np.array([[0.8, 0.8, 0.8, 0.8], [0.9, 0.7, 0.9, 0.7]]), 0),
        (np.array([[0.8, 0.8, 0.8, 0.8], [0.7, 0.7, 0.7, 0.7], [0.9, 0.9, 0.9, 0.9]]), 0),
        (_table(0, 4, 6), 1),
        (_table(1, 5, 7), 2),
        (_table(2, 6, 10), 0),
    ],
    draw=lambda rng: (_table(int(rng.integers(3, 1000)), 5, 8), int(rng.integers(5))),
    mistakes={
        "the same seeds choose and judge, all of them: that flatters the choice. Let the other half choose": _fitted(
            lambda scores, half: int(scores.mean(axis=1).argmax())
        ),
        "each half chooses for itself: let the other half choose": _fitted(
            lambda scores, half: int(scores[:, half].mean(axis=1).argmax())
        ),
        "each seed is judged by the best value of that very seed: let the other half choose one value": (
            lambda scores, default: scores.max(axis=0) - scores[default]
        ),
        "all other seeds choose for each seed: let the other half choose, one value for all seeds of a half": _one_out,
        "the halves are the first and the last seeds: take those at even and those at odd places": _halves,
        "the default minus the choice: a gain is the other way round": lambda scores, default: (
            -honest_gain.reference(scores, default)
        ),
        "the lowest mean is chosen: a higher score is better": _fitted(
            lambda scores, half: int(scores[:, ~half].mean(axis=1).argmin())
        ),
        "the value with the single best run is chosen: take the highest mean": _fitted(
            lambda scores, half: int(scores[:, ~half].max(axis=1).argmax())
        ),
        "the default is taken to be row 0: it is the row `default`": lambda scores, default: honest_gain.reference(
            scores, 0
        ),
        "the scores of the choice are returned: subtract the default's": lambda scores, default: (
            honest_gain.reference(scores, default) + scores[default]
        ),
    },
)
