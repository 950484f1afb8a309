"""What a trial scores: the mean over its seeds, with each of them kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np
import optuna

from binpack.course.exercises import exercise, expect, expect_close, promise
from binpack.search.storage import quiet


@exercise(
    minutes=8,
    difficulty=1,
    hints=(
        "Begin with a list of one score for each seed: `scores = [run(seed) for seed in seeds]`.",
        'A user attribute is set by name: `trial.set_user_attr("scores", scores)`.',
        "`return float(np.mean(scores))`.",
    ),
    returns=promise.a_float("the score"),
)
def mean_over_seeds(trial: optuna.Trial, run: Callable[[int], float], seeds: Sequence[int]) -> float:
    """Train one configuration with several seeds, and score it by the mean.

    Args:
        trial: keeps the single scores, in the order of the seeds, as its user attribute "scores".
        run: `run(seed)` trains once and returns the score. An error that it raises is not caught here: then the trial
            has no score.
        seeds: training seeds; each is trained once.

    Returns:
        The mean of the scores.
    """
    # 1. one run for each seed
    scores = [run(seed) for seed in seeds]
    # 2. the single scores are kept with the trial
    trial.set_user_attr("scores", scores)
    # 3. their mean is the trial's score
    return float(np.mean(scores))


_SCORES = {3: 0.5, 5: 0.9, 8: 0.6, 13: 0.8}


class _Runs:
    """Training that is over at once, and remembers its seeds."""

    def __init__(self, fails: int | None = None) -> None:
        self.seeds: list[int] = []
        self.fails = fails

    def __call__(self, seed: int) -> float:
        expect(
            seed in _SCORES, "it trains with a seed that is not among the given ones", got=seed, wanted=list(_SCORES)
        )
        self.seeds.append(seed)
        if seed == self.fails:
            raise FloatingPointError("training has diverged")
        return _SCORES[seed]


@mean_over_seeds.check
def _check_mean_over_seeds(answer: Callable) -> None:
    with quiet():
        study = optuna.create_study(direction="maximize")
        for seeds in ((3, 5, 8), (8, 3), (5, 13, 3, 8)):
            trial, run = study.ask(), _Runs()
            got = answer(trial, run, seeds)
            wanted = [_SCORES[seed] for seed in seeds]
            said = f"seeds {seeds} that score {', '.join(map(str, wanted))}"
            _expect_trained(run.seeds, seeds, said)
            _expect_mean(got, wanted, said)
            _expect_kept(trial.user_attrs, wanted, said)
        _expect_failure(answer, study.ask())


def _expect_trained(trained: Sequence[int], seeds: Sequence[int], said: str) -> None:
    told = {"got": f"trained: {list(trained)}", "wanted": f"trained: {list(seeds)}", "given": said}
    expect(set(trained) == set(seeds), "not every seed is trained", **told)
    expect(len(trained) == len(seeds), "a seed is trained more than once: a run is what costs time", **told)


def _expect_mean(got: float, wanted: Sequence[float], said: str) -> None:
    told = {"got": got, "wanted": float(np.mean(wanted)), "given": said}
    right = float(np.mean(wanted))
    for message, wrong in (
        ("it returns the best seed's score: one lucky run says little, take the mean", max(wanted)),
        ("it returns the lowest score: take the mean", min(wanted)),
        ("it returns the sum over the seeds: divide by their number", sum(wanted)),
        ("it returns the last seed's score alone: take the mean over all", wanted[-1]),
        ("it returns the first seed's score alone: take the mean over all", wanted[0]),
        ("it returns the median: the mean was asked for", float(np.median(wanted))),
    ):
        if not np.isclose(wrong, right):
            expect(not np.isclose(got, wrong), message, **told)
    expect_close(got, right, f"it should return the mean of the scores, for {said}")


def _expect_kept(kept: dict, wanted: Sequence[float], said: str) -> None:
    told = {"got": kept, "wanted": {"scores": list(wanted)}, "given": said}
    expect(kept, "the trial keeps nothing: set a user attribute", **told)
    expect("scores" in kept, "the trial has no user attribute 'scores'", **told)
    scores = kept["scores"]
    expect(
        isinstance(scores, list | tuple) and len(scores) == len(wanted),
        "the user attribute 'scores' should be a list of one score for each seed",
        **told,
    )
    expect(np.allclose(scores, wanted), "the kept scores are others, or in another order than the seeds", **told)
    try:
        json.dumps(kept)
    except TypeError:
        expect(False, "the user attribute cannot be stored: storages keep plain numbers, text and lists", **told)


def _expect_failure(answer: Callable, trial: optuna.Trial) -> None:
    run = _Runs(fails=5)
    said = "seeds (3, 5, 8), of which the second raises FloatingPointError"
    try:
        got = answer(trial, run, (3, 5, 8))
    except FloatingPointError:
        return
    expect(
        False,
        "a run failed, and it returns a score all the same: let the error pass, and the study will know what to do",
        got=got,
        wanted="the error",
        given=said,
    )
