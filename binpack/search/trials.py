"""The trials of a study, one after another, each a training run for every seed: ``run_trials``."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import optuna
from optuna.trial import Trial, TrialState
from tqdm import tqdm

from binpack.agents.learner import DivergedError
from binpack.files import FileError, out_of_memory, read_json, write_json
from binpack.items.units import InstanceError
from binpack.search.config import TuneConfig
from binpack.search.locks import Check, LockLost
from binpack.search.report import best_number, trials_table
from binpack.search.storage import Location, database_errors
from binpack.search.urls import scrub
from binpack.search.workers import Workers

Report = Callable[[int, float], None]


class Trained(Protocol):
    """What a training function returns (``run_folder.TrainResult`` does)."""

    @property
    def score(self) -> float:
        """The last evaluation."""
        ...

    @property
    def steps(self) -> int:
        """Environment steps taken."""
        ...

    @property
    def seconds(self) -> float:
        """Wall time over all processes."""
        ...


class Train(Protocol):
    """A training function: ``training.train``, or anything else that can be tuned the same way.

    Called again on the same folder it must go on, or return at once what it returned before; it may report its earlier
    evaluations again.
    """

    def __call__(self, config: Any, folder: Path, *, on_evaluation: Report | None = None) -> Trained:
        """Train and report every evaluation as (step, score); what ``on_evaluation`` raises goes through."""
        ...


@dataclass(frozen=True)
class Work:
    """A study that is open for this process alone, and what it is run with.

    Attributes:
        study: Optuna's.
        location: where it lives.
        config: what it is.
        train: the training function.
        workers: train runs side by side.
        check: raises ``LockLost`` where the study is this process's no longer; called before whatever is written.
    """

    study: optuna.Study
    location: Location
    config: TuneConfig
    train: Train
    workers: Workers
    check: Check


def run_trials(work: Work, *, progress: bool) -> None:
    """Run trials until the study has its number of finished ones, and keep ``best.json``.

    Args:
        work: the study.
        progress: whether to show a bar on stderr.

    Raises:
        LockLost: another process may have the study by now.
    """
    finished = sum(trial.state.is_finished() for trial in work.study.get_trials(deepcopy=False))
    total = max(work.config.total, finished)
    with tqdm(total=total, initial=finished, desc="trials", disable=not progress, unit="trial") as bar:
        for trial in _trials(work):
            bar.set_postfix_str(f"trial {trial.number}")
            _run_trial(work, trial, bar)
            _write_best(work)
            bar.update()
    _write_best(work)


def _trials(work: Work) -> Iterator[Trial]:
    """First what a dead process left running, as itself; then what is queued; then new trials up to the total."""
    study = work.study
    for left in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        yield Trial(study, left._trial_id)
    while True:
        trials = study.get_trials(deepcopy=False)
        if len(trials) >= work.config.total and not any(trial.state == TrialState.WAITING for trial in trials):
            return
        work.check()
        yield study.ask()


def machine_errors() -> tuple[type[Exception], ...]:
    """Return what a training run raises that is no result of its configuration: files, items and what the system says.

    A full disk, a damaged checkpoint, an agent to start from that is gone: all of it can be mended, and then the run
    goes on. So does one that ran out of memory, see ``files.out_of_memory``.
    """
    return OSError, FileError, InstanceError


def _run_trial(work: Work, trial: Trial, bar: Any) -> None:
    """Run one trial to its end, whatever that is, and write it down."""
    run = _Run(work, trial, bar)
    value, state = None, TrialState.COMPLETE
    no_result: tuple[type[BaseException], ...] = (LockLost, *machine_errors(), *database_errors())
    try:
        value = run.score()
    except optuna.TrialPruned:
        state = TrialState.PRUNED
    # No fault of the configuration: the trial stays running and is taken up again.
    except no_result:
        raise
    except Exception as error:  # a trial may fail in any way; the study goes on and keeps the reason
        if out_of_memory(error):
            raise
        # To diverge is the configuration's fault, which a sampler should learn: TPE counts pruned trials among the bad
        # ones, and takes no notice of failed ones.
        state = TrialState.PRUNED if isinstance(error, DivergedError) else TrialState.FAIL
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        trial.set_user_attr("error", scrub(reason, work.location.storage))
    work.check()
    trial.set_user_attr("scores", run.scores)
    trial.set_user_attr("steps", run.steps)
    trial.set_user_attr("seconds", round(run.seconds, 3))
    work.study.tell(trial, value, state)


class _Run:
    """One trial in progress: its training runs one after another, reported as one curve.

    Reports are placed on a grid that all trials share: step = seeds done x total_steps + the evaluation interval that
    the step lies in. The true steps end with a rollout, whose length may itself be tuned, and a pruner compares
    trials at equal steps only. The value is the mean over seeds so far: the final scores of those done and the
    current one's latest.
    """

    def __init__(self, work: Work, trial: Trial, bar: Any) -> None:
        self.work = work
        self.config = work.config
        self.trial = trial
        self.folder = work.location.folder / f"trial_{trial.number:04d}"
        self.bar = bar
        self.scores: list[float] = []
        self.steps = 0
        self.seconds = 0.0
        self.reported = set(trial.storage.get_trial(trial._trial_id).intermediate_values)

    def score(self) -> float:
        """Train every seed.

        Returns:
            The mean over seeds of the last evaluation.

        Raises:
            optuna.TrialPruned: the pruner stopped it.
            DivergedError: a score that is not a finite number.
        """
        values = self.config.space.suggest(self.trial)
        seeds = self.config.plan().tuning
        runs = [(self.config.train_config(values, seed), self.folder / f"seed_{seed}") for seed in seeds]
        if self.config.pruner.never:
            self.work.workers.train_ahead(self.work.train, runs)
        for index, (config, folder) in enumerate(runs):
            self._train_seed(index, config, folder)
        return sum(self.scores) / len(self.scores)

    def _train_seed(self, index: int, config: Any, folder: Path) -> None:
        start, latest, before = time.monotonic(), 0, self.steps

        def on_evaluation(step: int, score: float) -> None:
            nonlocal latest
            latest = int(step)
            self.bar.set_postfix_str(f"trial {self.trial.number}, seed {index + 1}/{self.config.seeds}, step {step}")
            self._report(index, step, score)

        try:
            result = self.work.train(config, folder, on_evaluation=on_evaluation)
        except BaseException:
            # Stopped early: the steps up to the last evaluation, the seconds of this process.
            self.steps, self.seconds = before + latest, self.seconds + time.monotonic() - start
            raise
        self.steps, self.seconds = before + int(result.steps), self.seconds + float(result.seconds)
        self._report(index, self.config.train.total_steps, result.score)
        self.scores.append(float(result.score))

    def _report(self, index: int, step: int, score: float) -> None:
        if not math.isfinite(score):
            raise DivergedError(f"score {score} at step {step} of seed {index + 1}")
        total, every = self.config.train.total_steps, self.config.eval_every
        place = index * total + (total if step >= total else step // every * every)
        # A resumed run reports its history again.
        if place not in self.reported:
            self.work.check()
            self.trial.report((sum(self.scores) + float(score)) / (index + 1), place)
            self.reported.add(place)
        # The process before may have died between its last report and the pruner's answer to it.
        if place == max(self.reported):
            self._maybe_prune(place)

    def _maybe_prune(self, place: int) -> None:
        # A trial that has all its steps is complete: nothing is saved by stopping it there.
        if place < self.config.trial_steps and self.trial.should_prune():
            raise optuna.TrialPruned


def _write_best(work: Work) -> None:
    """Keep ``best.json`` the best complete trial's configuration, ready to be trained."""
    config = work.config
    rows = trials_table(work.study, config.space)
    best = best_number(rows)
    if best is None:
        return
    path = work.location.folder / "best.json"
    with contextlib.suppress(FileError):
        if read_json(path).get("trial") == best:
            return
    row = rows[best]
    facts = {"study": config.name, "trial": best, "score": row["value"], "scores": row["scores"]}
    train_config = config.train_config(row["params"], config.train.seed)
    write_json(path, {**facts, "params": row["params"], "config": train_config.stored()})
