"""Lesson 08: a study on packing, its search space, its pruning, its storage, and what may be read from it."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FixedTrial, TrialState
from pydantic import ValidationError

from binpack.agents.config import PPOConfig
from binpack.core.statistics import mean_interval
from binpack.course.exercises import Mistake, exercise, expect, expect_close, expect_type

Curves = Mapping[int, Mapping[int, float]]


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "If every trial has both channels and widths, you ask outside the if: a branch that is not taken asks nothing.",
        "If both layers come out equal, they share one name: a trial answers the same name with the same value.",
    ),
)
def suggest_ppo(trial: optuna.trial.BaseTrial) -> dict:
    """Ask a trial for a configuration whose parameters depend on each other.

    - `learning_rate`: 3e-5 to 1e-2, on a log scale
    - `n_epochs`: 1 to 10
    - `policy`: "candidate" or "mlp"
    - only with "candidate": `channels`, a multiple of 4 from 4 to 16
    - only with "mlp": `n_layers`, 1 or 2, then `width_0` (and `width_1`), 16 to 128 on a log scale;
      they become the field `net_arch`

    Returns:
        Fields of `PPOConfig`, so that `PPOConfig(**suggest_ppo(trial))` works.
    """
    # 1. what every trial has
    fields = {
        "learning_rate": trial.suggest_float("learning_rate", 3e-5, 1e-2, log=True),
        "n_epochs": trial.suggest_int("n_epochs", 1, 10),
        "policy": trial.suggest_categorical("policy", ["candidate", "mlp"]),
    }
    # 2. what only one branch has
    if fields["policy"] == "candidate":
        fields["channels"] = trial.suggest_int("channels", 4, 16, step=4)
    else:
        n_layers = trial.suggest_int("n_layers", 1, 2)
        fields["net_arch"] = tuple(trial.suggest_int(f"width_{i}", 16, 128, log=True) for i in range(n_layers))
    return fields


class _Asked(FixedTrial):
    """A trial with given values that refuses names it does not have, and remembers what it was asked for."""

    def _known(self, name: str) -> None:
        if name not in self._params:
            raise Mistake(f"it asks for {name!r}, which the docstring does not name: Optuna knows parameters by name")

    def suggest_float(self, name: str, *args: Any, **kwargs: Any) -> float:
        self._known(name)
        return super().suggest_float(name, *args, **kwargs)

    def suggest_int(self, name: str, *args: Any, **kwargs: Any) -> int:
        self._known(name)
        return super().suggest_int(name, *args, **kwargs)

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        self._known(name)
        return super().suggest_categorical(name, choices)


@suggest_ppo.check
def _(answer: Callable) -> None:
    values = {"learning_rate": 1e-3, "n_epochs": 4, "channels": 8, "n_layers": 2, "width_0": 64, "width_1": 32}
    cases: list[tuple[str, int, dict[str, Any]]] = [
        ("candidate", 2, {"channels": 8}),
        ("mlp", 2, {"net_arch": (64, 32)}),
        ("mlp", 1, {"net_arch": (64,)}),
    ]
    for policy, layers, wanted in cases:
        trial = _Asked({**values, "policy": policy, "n_layers": layers})
        got = answer(trial)
        expect_type(got, dict, "the answer")
        _expect_space(trial.distributions, policy, layers)
        _expect_fields(got, {"learning_rate": 1e-3, "n_epochs": 4, "policy": policy, **wanted})


def _expect_space(asked: Mapping[str, Any], policy: str, layers: int) -> None:
    wanted = {
        "learning_rate": FloatDistribution(3e-5, 1e-2, log=True),
        "n_epochs": IntDistribution(1, 10),
        "policy": CategoricalDistribution(["candidate", "mlp"]),
    }
    width = IntDistribution(16, 128, log=True)
    if policy == "candidate":
        wanted["channels"] = IntDistribution(4, 16, step=4)
        extra = next((name for name in ("n_layers", "width_0", "width_1") if name in asked), None)
        expect(not extra, f"it asks for {extra} although policy is 'candidate': ask only in the branch that uses it")
    else:
        wanted |= {"n_layers": IntDistribution(1, 2), **{f"width_{i}": width for i in range(layers)}}
        expect("channels" not in asked, "it asks for channels although policy is 'mlp': ask only in the branch for it")
        expect("width_1" not in asked or layers == 2, "it asks for width_1 although n_layers is 1")
    for name, distribution in wanted.items():
        expect(name in asked, f"with policy {policy!r} it never asks for {name}: is a suggest call missing?")
        _expect_range(name, asked[name], distribution)


def _expect_range(name: str, got: Any, wanted: Any) -> None:
    """Compare two ranges; a list of all the values of an unordered or stepped range is as good."""
    if isinstance(got, CategoricalDistribution):
        choices = (
            wanted.choices
            if isinstance(wanted, CategoricalDistribution)
            else range(wanted.low, wanted.high + 1, wanted.step)
            if isinstance(wanted, IntDistribution) and not wanted.log
            else ()
        )
        expect(
            len(choices) > 0, f"{name} is a number on a log scale: a list of choices has no order and leaves values out"
        )
        expect(set(got.choices) == set(choices), f"the choices of {name} should be {', '.join(map(str, choices))}")
        return
    expect(type(got) is type(wanted), f"{name} is asked for with the wrong method: see its type in the docstring")
    expect(
        got.log == wanted.log,
        f"{name} should be on a log scale: linearly, nearly all draws lie near the upper end"
        if wanted.log
        else f"{name} should not be on a log scale",
    )
    same = math.isclose(got.low, wanted.low) and math.isclose(got.high, wanted.high)
    step = getattr(wanted, "step", None) or 1
    expect(same, f"{name} should go from {wanted.low:g} to {wanted.high:g}, not from {got.low:g} to {got.high:g}")
    expect((getattr(got, "step", None) or 1) == step, f"{name} should go in steps of {step}")


def _expect_fields(got: dict, wanted: dict) -> None:
    alien = next((name for name in got if name not in PPOConfig.model_fields), None)
    expect(alien is None, f"{alien} is no field of PPOConfig: it belongs to the trial, not into the answer")
    try:
        config = PPOConfig(**got)
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        raise Mistake(f"PPOConfig refuses {field}: {error.errors()[0]['msg']}") from None
    for name, value in wanted.items():
        expect(name in got, f"{name} is missing from the answer: PPOConfig would take its default instead")
        if name == "net_arch" and len(value) == 2:
            expect(config.net_arch != (64, 64), "both layers have the width of the first: each needs a name of its own")
            expect(config.net_arch != (32, 64), "the layers stand in the wrong order: width_0 comes first")
        expect(
            getattr(config, name) == value,
            f"{name} should be {value} for this trial, not {getattr(config, name)}: is it what the trial answered?",
        )


@exercise(
    minutes=15,
    difficulty=3,
    hints=(
        "If pruning saves nothing, you collect the curve first: report inside the loop, before the next evaluation.",
        "If the second seed's reports vanish, their steps were used before: a trial keeps one report a step.",
    ),
)
def score_over_seeds(
    trial: optuna.Trial, run: Callable[[int], Iterator[tuple[int, float]]], seeds: Sequence[int], total: int
) -> float:
    """Train one configuration with several seeds, report after every evaluation, and stop if the pruner says so.

    Args:
        trial: has `report(value, step)` and `should_prune()`.
        run: `run(seed)` trains and yields (step, score) after each evaluation; the last step is `total`.
        seeds: training seeds, one after another.
        total: environment steps of one run.

    Returns:
        The mean over seeds of the last scores.

    Raises:
        optuna.TrialPruned: the pruner stopped the trial.
    """
    done = []
    for seed in seeds:
        for step, score in run(seed):
            # 1. report the mean over the seeds so far, at the step counted over all of them
            trial.report(float(np.mean([*done, score])), len(done) * total + step)
            # 2. stop before the next evaluation if the pruner says so
            if trial.should_prune():
                raise optuna.TrialPruned
        # 3. a run's score is its last one
        done.append(score)
    return float(np.mean(done))


class _Reported:
    """A trial that remembers reports, and what it was asked, and whose pruner stops it at a step."""

    number = 7

    def __init__(self, stop: int | None = None) -> None:
        self.reports: dict[int, float] = {}
        self.stop, self.asked = stop, 0
        self.calls: list[Any] = []

    def report(self, value: float, step: int) -> None:
        if not math.isfinite(value):
            raise Mistake("it reports a value that is not finite")
        expect(step not in self.reports, f"step {step} is reported twice, and Optuna keeps the first: count over seeds")
        self.reports[int(step)] = float(value)
        self.calls.append("report")

    def should_prune(self) -> bool:
        expect(len(self.reports) > 0, "it asks the pruner before the first report: there is nothing to judge yet")
        expect(self.calls[-1] != "ask", "it asks the pruner twice about one report")
        self.asked += 1
        self.calls.append("ask")
        return self.stop is not None and max(self.reports) >= self.stop

    def set_user_attr(self, key: str, value: Any) -> None:
        """Keeping more than asked for is fine."""


_CURVES = {3: (0.2, 0.9, 0.6), 5: (0.1, 0.3, 0.8), 8: (0.4, 0.4, 0.2)}


def _play(answer: Callable, stop: int | None = None) -> tuple[Any, _Reported, list[tuple[int, int]]]:
    """Let an answer train three fake seeds; returns what it returned, the trial, and the (seed, step) that ran."""
    trial, ran = _Reported(stop), []

    def run(seed: int) -> Iterator[tuple[int, float]]:
        expect(seed in _CURVES, f"it trains seed {seed}, which is not a given one: all trials share their seeds")
        for step, score in zip((100, 200, 300), _CURVES[seed], strict=True):
            ran.append((seed, step))
            yield step, score

    try:
        return answer(trial, run, (3, 5, 8), 300), trial, ran
    except optuna.TrialPruned:
        return optuna.TrialPruned, trial, ran


@score_over_seeds.check
def _(answer: Callable) -> None:
    got, trial, ran = _play(answer)
    expect(got is not optuna.TrialPruned, "it raises TrialPruned although the pruner never said so")
    expect(len(trial.reports) > 0, "nothing was reported: the pruner is blind without trial.report")
    expect_type(got, (float, int), "the score")
    _expect_score(got, ran)
    _expect_reports(trial.reports)
    expect(trial.asked, "the pruner is never asked: reports alone stop nothing")
    stopped, trial, ran = _play(answer, stop=200)
    expect(
        len(ran) < 9,
        "the trial is stopped only after all of its training: report and ask inside the loop over run",
    )
    expect(
        stopped is optuna.TrialPruned,
        "the pruner said stop and it returns a score: raise TrialPruned, or a stopped trial counts as a complete one",
    )
    expect(ran[-1] == (3, 200), f"stopped at step 200, it still trained seed {ran[-1][0]} to step {ran[-1][1]}")
    later = _play(answer, stop=500)[2]
    expect(later[-1] == (5, 200), "it was to stop at step 500 in all, which is step 200 of the second seed")


def _expect_score(got: float, ran: Sequence[tuple[int, int]]) -> None:
    last = [curve[-1] for curve in _CURVES.values()]
    expect({seed for seed, _ in ran} == set(_CURVES), "not every seed was trained: loop over the seeds")
    expect(not np.isclose(got, max(last)), "it returns the best seed: one lucky run says little, take the mean")
    expect(not np.isclose(got, sum(last)), "it returns the sum over seeds: divide by their number")
    best = [max(curve) for curve in _CURVES.values()]
    expect(
        not np.isclose(got, np.mean(best)),
        "it takes the best evaluation of each run: the declared score is the last, and a maximum rewards noise",
    )
    expect(not np.isclose(got, last[-1]), "it returns the last seed's score alone: take the mean over seeds")
    everything = np.mean(list(_CURVES.values()))
    expect(not np.isclose(got, everything), "it averages all evaluations: only the last one of each run is its score")
    expect_close(got, np.mean(last), "for last scores 0.6, 0.8, 0.2 it should return their mean")


def _expect_reports(reports: Mapping[int, float]) -> None:
    steps = [seed * 300 + step for seed in range(3) for step in (100, 200, 300)]
    expect(
        sorted(reports) != list(range(9)) and sorted(reports) != list(range(1, 10)),
        "it reports at 0, 1, 2, ...: count in environment steps, as the pruner's settings do",
    )
    expect(sorted(reports) == steps, f"it should report at steps {steps}, not at {sorted(reports)}")
    lone = [score for curve in _CURVES.values() for score in curve]
    expect(
        not np.allclose([reports[step] for step in steps], lone),
        "it reports the current seed alone: a bad second seed would stop a good trial, so report the mean so far",
    )
    wanted = [*_CURVES[3], *((0.6 + x) / 2 for x in _CURVES[5]), *((0.6 + 0.8 + x) / 3 for x in _CURVES[8])]
    expect_close(
        [reports[step] for step in steps],
        wanted,
        "a report should be the mean of the finished seeds' last scores and the current one's latest",
    )


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "If it stops the best trials, look at the direction: create_study minimizes unless you say otherwise.",
        "If it hardly stops anything, tell the study how each trial ended: a pruner compares with complete ones.",
    ),
)
def replay_pruning(curves: Curves, pruner: optuna.pruners.BasePruner) -> list[int]:
    """Find out where a pruner would have stopped trials whose whole curves are known.

    Args:
        curves: trial to its reports, {step: score} in ascending order; higher scores are better.
        pruner: any of Optuna's.

    Returns:
        The step at which each trial ends, in the order of the curves: its last one if it is not stopped.
    """
    # 1. an empty study with this pruner
    study = optuna.create_study(direction="maximize", pruner=pruner)
    ends = []
    for reports in curves.values():
        trial = study.ask()
        last = max(reports)
        for step, score in reports.items():
            # 2. report, and ask while there is something left to save
            trial.report(score, step)
            if step < last and trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                break
        else:
            study.tell(trial, score)
        # 3. where it ended
        ends.append(step)
    return ends


@replay_pruning.check
def _(answer: Callable) -> None:
    curves = _fake_curves()
    pruner: optuna.pruners.BasePruner = optuna.pruners.MedianPruner(n_startup_trials=3)
    got = answer(curves, pruner)
    expect(got is not None, "it returns None (is there a return?)")
    expect(isinstance(got, list | tuple | np.ndarray), f"it should return a list of steps, not {type(got).__name__}")
    expect(len(got) == len(curves), f"there are {len(curves)} trials and {len(got)} answers: one each, stopped or not")
    ends, last = [int(step) for step in got], max(curves[0])
    wanted = replay_pruning(curves, pruner)
    if ends != wanted:
        expect(set(ends) != {last}, "nothing is stopped: does the study have the pruner, and do you ask it?")
        expect(ends != _replay_wrongly(curves, pruner, direction="minimize"), "it minimizes: here higher is better")
        told = "stopped trials are told as complete ones: their low scores pull the median down"
        expect(ends != _replay_wrongly(curves, pruner, pruned=TrialState.COMPLETE), told)
        steps = sorted(curves[0])
        earlier = [step if step == last else [0, *steps][steps.index(step)] for step in wanted]
        expect(ends != earlier, "the report at which a trial was stopped has been paid for: count its step too")
        positions = [steps.index(step) for step in wanted]
        expect(ends not in (positions, [p + 1 for p in positions]), "it counts reports: the answer is in steps")
        saved = [last - step for step in wanted]
        expect(ends != saved, "these are the steps saved: the step at which each trial ends is asked for")
    expect_close(ends, wanted, "with a median pruner some trials end at the wrong step")
    for pruner in (optuna.pruners.NopPruner(), optuna.pruners.SuccessiveHalvingPruner(100, 3, 0)):
        name = type(pruner).__name__
        expect_close(list(answer(curves, pruner)), replay_pruning(curves, pruner), f"with {name} some ends are wrong")


def _fake_curves() -> dict[int, dict[int, float]]:
    rng = np.random.default_rng(8)
    levels = rng.uniform(0.3, 0.7, 14)
    return {
        number: {step: float(level * step / (step + 100) + rng.normal(0, 0.02)) for step in range(100, 600, 100)}
        for number, level in enumerate(levels)
    }


def _replay_wrongly(
    curves: Curves, pruner: Any, direction: Any = "maximize", pruned: TrialState = TrialState.PRUNED
) -> list[int]:
    study, ends = optuna.create_study(direction=direction, pruner=pruner), []
    for reports in curves.values():
        trial = study.ask()
        for step, score in reports.items():
            trial.report(score, step)
            if step < max(reports) and trial.should_prune():
                break
        stopped = step < max(reports) and pruned is TrialState.PRUNED
        study.tell(trial, None if stopped else score, TrialState.PRUNED if stopped else TrialState.COMPLETE)
        ends.append(step)
    return ends


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "If the second call raises DuplicatedStudyError, look for the argument of create_study that loads instead.",
        "If resumed trials repeat the first ones, the seed must know how many trials there are already.",
    ),
)
def open_study(path: str | Path, seed: int) -> optuna.Study:
    """Open the study "packing" in a journal file, making it if need be, so that the same call resumes it.

    Args:
        path: the journal file.
        seed: of the study: the same seed gives the same first trials, another one others. Seed 0, reopened after
            three trials, does not go on with what a new study with seed 3 would draw first.

    Returns:
        A study that maximizes and whose sampler is random search. When it is reopened, its sampler does not draw
        again what was drawn before.
    """
    # 1. the storage is a file that is only ever appended to
    storage = JournalStorage(JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, study_name="packing", direction="maximize", load_if_exists=True)
    # 2. the sampler's seed depends on the study's seed and on how many trials there are
    state = np.random.SeedSequence([seed, len(study.trials)]).generate_state(1)
    study.sampler = optuna.samplers.RandomSampler(seed=int(state[0]))
    return study


@open_study.check
def _(answer: Callable) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, study = _open_and_draw(answer, Path(folder) / "a.journal", 0)
        path = Path(folder, "a.journal")
        expect(path.is_file(), "there is no file at the path: is the study in memory only?")
        kind = "the file is a database, not a journal: JournalStorage over a JournalFileBackend writes one"
        expect(not path.read_bytes().startswith(b"SQLite format"), kind)
        expect(path.read_bytes().startswith(b"{"), "the file is no journal, whose lines are JSON: see JournalStorage")
        expect(study.study_name == "packing", f"the study is called {study.study_name!r}, not 'packing'")
        expect(study.direction.name == "MAXIMIZE", "it minimizes: pass direction='maximize', a score is to be high")
        try:
            second, study = _open_and_draw(answer, Path(folder) / "a.journal", 0)
        except optuna.exceptions.DuplicatedStudyError:
            raise Mistake("the second call finds the study there and refuses: see load_if_exists") from None
        expect(len(study.trials) == 6, f"after 3 and 3 trials the reopened study has {len(study.trials)}")
        expect(second != first, "after reopening the same three values are drawn again: the sampler's seed starts over")
        expect(
            not set(second) & set(first),
            "after reopening some values are drawn again: two seeds give overlapping draws",
        )
        third, _ = _open_and_draw(answer, Path(folder) / "a.journal", 0)
        expect(not set(third) & {*first, *second}, "at the third opening values are drawn again: does the seed go on?")
        again, _ = _open_and_draw(answer, Path(folder) / "b.journal", 0)
        expect(again == first, "two new studies with the same seed draw different values: has the sampler a seed?")
        other, _ = _open_and_draw(answer, Path(folder) / "c.journal", 1)
        expect(other != first, "seeds 0 and 1 draw the same values: where does the seed come in?")
        shifted, _ = _open_and_draw(answer, Path(folder) / "d.journal", 3)
        expect(
            shifted != second,
            "seed 0 after 3 trials draws what a new study with seed 3 draws: do not add the two numbers, give both to"
            " np.random.SeedSequence",
        )
        expect(
            isinstance(study.sampler, optuna.samplers.RandomSampler) or not _is_optunas(study.sampler),
            f"the sampler is {type(study.sampler).__name__}: random search was asked for",
        )


def _is_optunas(sampler: object) -> bool:
    return type(sampler).__module__.startswith("optuna.")


def _open_and_draw(answer: Callable, path: Path, seed: int) -> tuple[list[float], optuna.Study]:
    """Open a study, run three trials, return the values drawn."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = answer(path, seed)
        expect(isinstance(study, optuna.Study), f"it should return a study, not {type(study).__name__}")
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    finally:
        optuna.logging.set_verbosity(before)
    return [trial.params["x"] for trial in study.trials[-3:]], study


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "If a trial without a value wins, filter first: what was pruned or failed has no final score.",
        "If nothing is ever separable, subtract seed by seed first: an easy seed is easy for both configurations.",
    ),
)
def separable_best(rows: Sequence[Mapping]) -> int | None:
    """Read a trial table: is the best trial better than the default by more than the spread over seeds?

    Args:
        rows: one dict a trial with `number`, `state` ("complete", "pruned", "fail"), `value` (mean over seeds, None
            unless complete), `scores` (one a seed, the same seeds in every trial) and `default` (bool, true for one).

    Returns:
        The number of the complete trial with the highest value, if the 95 % interval of its advantage over the default,
        paired by seed, lies above 0; otherwise None. `mean_interval(values)` returns Student's t interval (low, high)
        of a mean. It knows nothing of how the trial was picked: the highest of many scores looks better than it is.
    """
    # 1. the best of the complete trials, and the default
    best = max((row for row in rows if row["state"] == "complete"), key=lambda row: row["value"])
    default = next(row for row in rows if row["default"])
    # 2. differences seed by seed, and their interval
    low, _ = mean_interval(np.subtract(best["scores"], default["scores"]))
    # 3. only an interval above 0 separates them
    return best["number"] if low > 0 else None


@separable_best.check
def _(answer: Callable) -> None:
    def ask(*trials: tuple) -> Any:
        return answer(_table(*trials))

    default = ("complete", (0.40, 0.50, 0.60))
    # number 2 is better on every seed by nearly the same, though seeds differ more than configurations do
    clear = ask(default, ("complete", (0.42, 0.51, 0.62)), ("complete", (0.44, 0.55, 0.64)), ("fail", ()))
    expect(clear != 1, "it picks a trial that is not the best: the highest mean over seeds wins")
    expect(
        clear is not None,
        "a trial that is better by 0.04 or more on each of the seeds was not separable for it: subtract seed by seed,"
        " then take the interval of the differences",
    )
    expect(not isinstance(clear, Mapping), "it returns the whole row: only its number is asked for")
    expect_type(clear, int, "the answer")
    expect(clear == 2, f"it should return trial number 2 of this table, not {clear}")
    noise = ask(default, ("complete", (0.70, 0.50, 0.45)))
    expect(
        noise is None,
        "a trial that is far better on one seed and worse on another counts as better for it: a higher mean is not"
        " enough, look at the lower end of the interval",
    )
    few = ask(default, ("complete", (0.42, 0.60, 0.88)))
    expect(
        few is None,
        "advantages of 0.02, 0.10 and 0.28 are separable for it: three numbers above 0 are one case in eight by chance,"
        " and a bootstrap of three is too narrow; take the interval from mean_interval",
    )
    lucky = ask(default, ("complete", (0.70, 0.81, 0.99)), ("complete", (0.84, 0.85, 0.86)))
    expect(lucky != 1, "it picks the trial with the best single seed: compare means over seeds")
    expect(lucky == 2, f"it should return trial number 2, whose mean is the highest, not {lucky}")
    pruned = ask(default, ("pruned", (0.9, 0.99)), ("complete", (0.45, 0.56, 0.66)))
    expect(pruned != 1, "it picks a pruned trial: one that was stopped has no final score to compare")
    expect(pruned == 2, f"with a pruned trial in the table it should return number 2, not {pruned}")
    worse = ask(default, ("complete", (0.30, 0.41, 0.50)))
    expect(worse != 1, "it returns a trial that is worse than the default: differences are best minus default")
    expect(worse is None, "where the default itself is the best trial, nothing is better than it: return None")
    shifted = _table(("complete", (0.44, 0.55, 0.64)), default)
    shifted[0]["default"], shifted[1]["default"] = False, True
    moved = answer(shifted)
    expect(moved == 0, "the default is not always trial 0: find the row whose default is true")
    numbered = [{**row, "number": row["number"] + 10} for row in shifted]
    got = answer(numbered)
    expect(got == 10, f"it returns the place in the table, not the trial's number: {got} instead of 10")


def _table(*trials: tuple[str, Sequence[float]]) -> list[dict[str, Any]]:
    return [
        {
            "number": number,
            "state": state,
            "value": float(np.mean(scores)) if state == "complete" else None,
            "scores": list(scores),
            "default": number == 0,
        }
        for number, (state, scores) in enumerate(trials)
    ]
