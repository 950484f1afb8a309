"""How often the project's intervals cover the truth, and how often its verdict sees what is not there.

    python -m binpack.course.records.coverage

Scores are drawn from populations whose mean is known: the normal distribution, and what was recorded. What training
seeds do to a score is the residual of a recorded run from the mean of its configuration, divided by the spread of the
record that it is from. A population of few values is drawn from with noise of a kernel's width added (Silverman and
Young, 1987): three draws with replacement from ten values are often equal, three training runs hardly ever.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.core.statistics import mean_intervals, verdict_words
from binpack.course.l00_start_here import story
from binpack.course.l02_deep_q_network import record_cartpole, record_tuning
from binpack.course.records import policy_ablation, read_record
from binpack.course.records.rows import grouped
from binpack.search.landscape.table import load

RUNS = (3, 5, 10, 30)
FEW = 100
"""Populations of fewer values are smoothed."""


def covers(population: NDArray | None, n: int, rng: np.random.Generator, repeats: int = 10_000) -> float:
    """Return the share of 95 % intervals of the mean, over n draws each, that hold the population's mean.

    Args:
        population: its values, (N,); None for the standard normal distribution.
        n: draws.
        rng: source of the draws.
        repeats: number of intervals.
    """
    low, high = mean_intervals(draw(population, (n, repeats), rng))
    return float(np.mean((low <= 0) & (high >= 0)))


def false_verdicts(population: NDArray | None, n: int, rng: np.random.Generator, repeats: int = 10_000) -> float:
    """Return the share of comparisons of n draws with n other draws of the same population that find a difference."""
    words = verdict_words(draw(population, (n, repeats), rng), draw(population, (n, repeats), rng))
    return sum(word in ("ahead", "behind") for word in words) / repeats


def draw(population: NDArray | None, shape: tuple[int, int], rng: np.random.Generator) -> NDArray:
    """Draw from a population, moved so that its mean is 0; its variance stays, smoothed or not."""
    if population is None:
        return rng.standard_normal(shape)
    drawn = rng.choice(population, shape) - population.mean()
    if len(population) >= FEW:
        return drawn
    spread = population.std()
    width = 0.9 * spread * len(population) ** -0.2
    return (drawn + width * rng.standard_normal(shape)) * spread / np.hypot(spread, width)


def populations() -> dict[str, NDArray | None]:
    """Return what is drawn from: a name to its values, None for the normal distribution."""
    told, ablation = story.load(), read_record(policy_ablation.FILE)
    finals = grouped(read_record(record_tuning.FILE)["finals"], ("settings",), "mean").values()
    arms = grouped(ablation["runs"], ("arm",), "score").values()
    means = [[np.mean(run["utilization"]) for run in told["default"]["runs"]]]
    tuned, rule = (np.array(told[name]["utilization"]) for name in ("tuned", "heuristic"))
    return {
        "normal": None,
        "seeds: recorded study": _residuals(np.nan_to_num(load().runs("study").final)),
        "seeds: fresh runs": np.concatenate([_residuals(each) for each in (arms, finals, means)]),
        "streams: tuned": tuned,
        "streams: tuned - heuristic": tuned - rule,
        "streams: random": np.array(told["random"]["utilization"]),
    }


def hard_populations() -> dict[str, NDArray]:
    """Return recorded scores far from normal, whose intervals cover less: a long tail, and a ceiling that most reach.

    The first is no spread of seeds, but one score of each configuration of the recorded study. The second holds the
    fresh episodes' returns of CartPole agents, eight of ten of which are 500, the most that there is.
    """
    cartpole = read_record(record_cartpole.FILE)
    return {
        "configurations": np.nan_to_num(load().runs("study").final[:, 0]),
        "at the ceiling": np.array([np.mean(run["test"]) for run in cartpole["runs"]]),
    }


def _residuals(groups: Iterable[ArrayLike]) -> NDArray:
    """Distances from each group's mean in units of the groups' common spread, widened by what the means took away."""
    arrays = [np.asarray(group, float) for group in groups]
    spread = np.sqrt(np.mean([array.var(ddof=1) for array in arrays]))
    return np.concatenate([(one - one.mean()) * np.sqrt(len(one) / (len(one) - 1)) / spread for one in arrays])


def lines(repeats: int = 10_000, seed: int = 0) -> list[str]:
    """Put both shares, for every population and number of runs, into a table of text."""
    rng = np.random.default_rng(seed)
    counts = "".join(f"{n:>7}" for n in RUNS)
    text = [f"{'':<28}{'95 % intervals cover':<30}false verdicts", f"{'draws':<28}{counts}  {counts}"]
    for name, population in {**populations(), **hard_populations()}.items():
        shares = [
            "".join(f"{share(population, n, rng, repeats):7.1%}" for n in RUNS) for share in (covers, false_verdicts)
        ]
        text.append(f"{name:<28}{shares[0]}  {shares[1]}")
    return text


if __name__ == "__main__":
    print(*lines(), sep="\n")
