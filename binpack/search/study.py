"""A tuning study that can be killed at any moment: ``tune``.

Running the same command again goes on where the last process ended. Three things make that exact:

- a trial is one entry in Optuna's storage from its first moment, and one that a dead process left running is taken up
  as itself: same number, same parameters, each training run from its own checkpoint;
- a suggestion depends on the seed, the trial's number and the finished trials only (``samplers.SeededSampler``);
- one process at a time works on a storage (``storage.lock``), after undoing half a write (``storage.repair``).
"""

from __future__ import annotations

import contextlib
import math
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import optuna
from optuna.storages import BaseStorage
from optuna.trial import Trial, TrialState
from tqdm import tqdm

from binpack.agents.training import train as train_ppo
from binpack.files import write_json
from binpack.search._model import SearchError
from binpack.search.config import TuneConfig
from binpack.search.final import HeldOut, compare, held_out_score
from binpack.search.report import TuneResult, best_number, collect, study_config, trials_table
from binpack.search.samplers import warm_up
from binpack.search.storage import Location, locate, lock, open_storage, quiet, read_json, refuse_other_files, repair
from binpack.search.workers import Workers

Report = Callable[[int, float], None]


class Trained(Protocol):
    """What a training function returns (``training.TrainResult`` does).

    Attributes:
        score: the last evaluation.
        steps: environment steps taken.
        seconds: wall time over all processes.
    """

    score: float
    steps: int
    seconds: float


class Train(Protocol):
    """A training function: ``training.train``, or anything else that can be tuned the same way.

    Called again on the same folder it must go on, or return at once what it returned before; it may report its earlier
    evaluations again.
    """

    def __call__(self, config: Any, folder: Path, *, on_evaluation: Report | None = None) -> Trained:
        """Train and report every evaluation as (step, score); what ``on_evaluation`` raises goes through."""
        ...


class TuneInterrupted(KeyboardInterrupt):
    """Ctrl-C during ``tune``; the message is one line that says how to go on."""


def tune(
    config: TuneConfig,
    storage: str | Path,
    *,
    train: Train = train_ppo,
    held_out: HeldOut = held_out_score,
    progress: bool = True,
    jobs: int = 1,
) -> TuneResult:
    """Run a study to its end, or go on with it, and compare its best configuration with the default one.

    Args:
        config: the study. On a storage that has it already it must be the same, except that ``n_trials`` may be larger.
        storage: the path of a journal file (``study.journal``; everything else goes to ``study.runs`` beside it), or
            a database URL. See ``storage``.
        train: the training function.
        held_out: scores a trained folder on the test streams: ``held_out(folder, config) -> float``.
        progress: whether to show a bar over the trials on stderr.
        jobs: processes that train side by side: the runs of the comparison, and the seeds of a trial unless a pruner
            may stop it between them. The result does not depend on it.

    Returns:
        The trials, the best, and the comparison. ``load_result`` gives the same later.

    Raises:
        SearchError: another process is tuning this storage, the storage is something else, or the study was made with
            another configuration or other items; one line.
        InstanceError: the items cannot be used; one line.
        TuneInterrupted: Ctrl-C; the same call goes on.
    """
    location = locate(storage, config.name)
    refuse_other_files(location)
    items = config.train.env.source()
    # A database sees to its own safety, and a wrong URL is better known before there is a folder for it.
    database = open_storage(location) if location.journal is None else None
    with lock(location), quiet(), Workers(min(jobs, _most_at_once(config))) as workers:
        try:
            study = _open(database, location, config, items.fingerprint)
            _search(study, location, config, train, progress, workers)
            result = collect(location, config, study)
            if result.best is not None and config.final_seeds and result.comparison is None:
                compare(config, result, train, held_out, progress, workers, same_file=items.finite)
                result = collect(location, config, study)
            return result
        except KeyboardInterrupt:
            raise TuneInterrupted(
                f"stopped; nothing is lost: the same command goes on with study {config.name} in {location.storage}"
            ) from None


def _most_at_once(config: TuneConfig) -> int:
    """Say how many training runs the study ever has ready at the same time."""
    return max(config.seeds if config.pruner.kind == "none" else 1, 2 * config.final_seeds)


def _open(database: BaseStorage | None, location: Location, config: TuneConfig, items: str) -> optuna.Study:
    """Make the study or reopen it, once it is sure that it is the same."""
    if location.journal is not None:
        repair(location.journal)
    storage = database or open_storage(location)
    parts: dict[str, Any] = {
        "storage": storage,
        "study_name": config.name,
        "sampler": config.sampler.build(config.space),
        "pruner": config.pruner.build(config.eval_every, config.trial_steps),
    }
    # Not create_study(load_if_exists=True): that writes to the storage even where the study is there.
    if any(known.study_name == config.name for known in storage.get_all_studies()):
        study = optuna.load_study(**parts)
    else:
        study = optuna.create_study(**parts, direction="maximize")
    if "binpack" not in study.user_attrs:
        if study.get_trials(deepcopy=False):
            raise SearchError(f"{location.storage} has a study {config.name!r} that was not made by binpack")
        # One entry, so that a study has its identity and its configuration together or neither.
        facts = {"id": uuid.uuid4().hex, "config": config.model_dump(mode="json"), "items": items}
        study.set_user_attr("binpack", facts)
    _check_same(study, location, config, items)
    _claim_folder(study, location)
    if config.default_is_trial_0 and not study.get_trials(deepcopy=False):
        study.enqueue_trial(config.space.encode(config.defaults()), user_attrs={"default": True})
    warm_up(study)
    return study


def _check_same(study: optuna.Study, location: Location, config: TuneConfig, items: str) -> None:
    stored = study_config(study)
    if difference := config.first_difference(stored.model_dump(mode="json")):
        field, before, now = difference
        raise SearchError(
            f"study {config.name} in {location.storage} was made with {field} = {before}, not {now}: "
            "use the same, another storage or another name"
        )
    # A file keeps its name when it is edited; finished runs and their scores would be of the items before.
    if study.user_attrs["binpack"].get("items", items) != items:
        raise SearchError(
            f"study {config.name} in {location.storage} was made with other items than {config.train.env.items} holds "
            "now: use the same, another storage or another name"
        )
    if config.n_trials != stored.n_trials:
        entry = {**study.user_attrs["binpack"], "config": config.model_dump(mode="json")}
        study.set_user_attr("binpack", entry)


def _claim_folder(study: optuna.Study, location: Location) -> None:
    """Make sure that the runs in the folder are this study's: a finished run is never trained again."""
    identity = study.user_attrs["binpack"]["id"]
    owner = read_json(location.folder / "study.json")
    if owner is None and not any(location.folder.glob("trial_*")):
        facts = {"id": identity, "study": location.name, "storage": location.storage}
        write_json(location.folder / "study.json", facts)
    elif owner is None or owner.get("id") != identity:
        raise SearchError(f"{location.folder} holds the runs of another study: move it away or delete it")


def _search(
    study: optuna.Study, location: Location, config: TuneConfig, train: Train, progress: bool, workers: Workers
) -> None:
    """Run trials until the study has its number of finished ones."""
    finished = sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))
    bar = tqdm(total=max(config.total, finished), initial=finished, desc="trials", disable=not progress, unit="trial")
    with bar:
        for trial in _trials(study, config.total):
            bar.set_postfix_str(f"trial {trial.number}")
            _run_trial(study, trial, location, config, train, bar, workers)
            _write_best(study, location, config)
            bar.update()
    _write_best(study, location, config)


def _trials(study: optuna.Study, total: int) -> Iterator[Trial]:
    """First what a dead process left running, as itself; then what is queued; then new trials up to ``total``."""
    for left in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        yield Trial(study, left._trial_id)
    while True:
        trials = study.get_trials(deepcopy=False)
        if len(trials) >= total and not any(trial.state == TrialState.WAITING for trial in trials):
            return
        yield study.ask()


def _run_trial(
    study: optuna.Study,
    trial: Trial,
    location: Location,
    config: TuneConfig,
    train: Train,
    bar: Any,
    workers: Workers,
) -> None:
    """Run one trial to its end, whatever that is, and write it down."""
    run = _Run(trial, location.folder / f"trial_{trial.number:04d}", config, train, bar, workers)
    value, state = None, TrialState.COMPLETE
    try:
        value = run.score()
    except optuna.TrialPruned:
        state = TrialState.PRUNED
    except Exception as error:  # a trial may fail in any way; the study goes on and keeps the reason
        state = TrialState.FAIL
        trial.set_user_attr("error", " ".join(f"{type(error).__name__}: {error}".split()))
    trial.set_user_attr("scores", run.scores)
    trial.set_user_attr("steps", run.steps)
    trial.set_user_attr("seconds", round(run.seconds, 3))
    study.tell(trial, value, state)


class _Run:
    """One trial in progress: its training runs one after another, reported as one curve.

    Reports are placed on a grid that all trials share: step = seeds done x total_steps + the evaluation interval that
    the step lies in. The true steps end with a rollout, whose length may itself be tuned, and a pruner compares
    trials at equal steps only. The value is the mean over seeds so far: the final scores of those done and the
    current one's latest.
    """

    def __init__(
        self, trial: Trial, folder: Path, config: TuneConfig, train: Train, bar: Any, workers: Workers
    ) -> None:
        self.trial = trial
        self.folder = folder
        self.config = config
        self.train = train
        self.bar = bar
        self.workers = workers
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
            ValueError: a score that is not a finite number.
        """
        values = self.config.space.suggest(self.trial)
        seeds = self.config.plan().tuning
        runs = [(self.config.train_config(values, seed), self.folder / f"seed_{seed}") for seed in seeds]
        if self.config.pruner.kind == "none":
            self.workers.train_ahead(self.train, runs)
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
            result = self.train(config, folder, on_evaluation=on_evaluation)
        except BaseException:
            # Stopped early: the steps up to the last evaluation, the seconds of this process.
            self.steps, self.seconds = before + latest, self.seconds + time.monotonic() - start
            raise
        self.steps, self.seconds = before + int(result.steps), self.seconds + float(result.seconds)
        self._report(index, self.config.train.total_steps, result.score)
        self.scores.append(float(result.score))

    def _report(self, index: int, step: int, score: float) -> None:
        if not math.isfinite(score):
            raise ValueError(f"score {score} at step {step} of seed {index + 1}")
        total, every = self.config.train.total_steps, self.config.eval_every
        place = index * total + (total if step >= total else step // every * every)
        # A resumed run reports its history again.
        if place not in self.reported:
            self.trial.report((sum(self.scores) + float(score)) / (index + 1), place)
            self.reported.add(place)
        # The process before may have died between its last report and the pruner's answer to it.
        if place == max(self.reported):
            self._maybe_prune(place)

    def _maybe_prune(self, place: int) -> None:
        # A trial that has all its steps is complete: nothing is saved by stopping it there.
        if place < self.config.trial_steps and self.trial.should_prune():
            raise optuna.TrialPruned


def _write_best(study: optuna.Study, location: Location, config: TuneConfig) -> None:
    """Keep ``best.json`` the best complete trial's configuration, ready to be trained."""
    rows = trials_table(study, config.space)
    best = best_number(rows)
    if best is None:
        return
    path = location.folder / "best.json"
    with contextlib.suppress(SearchError, AttributeError):
        if read_json(path).get("trial") == best:
            return
    row = rows[best]
    train_config = config.train_config(row["params"], config.train.seed)
    write_json(
        path,
        {
            "study": config.name,
            "trial": best,
            "score": row["value"],
            "scores": row["scores"],
            "params": row["params"],
            "config": train_config.model_dump(mode="json"),
        },
    )
