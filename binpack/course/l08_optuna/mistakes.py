"""Lesson 08: common mistakes, each as a function that makes it and one that does not.

Every function says in a line what comes of it. `show` prints the code of both.
"""

from __future__ import annotations

import inspect
import math
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from optuna.samplers import BruteForceSampler, RandomSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from binpack.course.tables import Table
from binpack.files import InputError
from binpack.search.landscape.table import Runs
from binpack.search.storage import quiet

Case = Callable[[Runs], str]


@dataclass(frozen=True)
class Mistake:
    """A mistake.

    Attributes:
        name: what is done.
        made: does it, and says what happens; it is given the runs of the recorded study.
        mended: does it right, and says what happens then.
    """

    name: str
    made: Case
    mended: Case


# ------------------------------------------------------------------------------------------------ how a study is made


def _direction_forgotten(runs: Runs) -> str:
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    study.optimize(lambda trial: float(runs.final[trial.number, 0]), n_trials=50)
    return f"best_value is {study.best_value:.3f}; the highest score is {runs.final[:50, 0].max():.3f}"


def _direction_given(runs: Runs) -> str:
    study = optuna.create_study(direction="maximize", sampler=RandomSampler(seed=0))
    study.optimize(lambda trial: float(runs.final[trial.number, 0]), n_trials=50)
    return f"best_value is {study.best_value:.3f}"


def _rates(log: bool) -> str:
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    drawn = [study.ask().suggest_float("learning_rate", 1e-5, 1e-1, log=log) for _ in range(1000)]
    return f"{np.mean(np.array(drawn) < 1e-3):.0%} of the draws are below 0.001"


def _rate_drawn_evenly(runs: Runs) -> str:
    return _rates(log=False)


def _rate_drawn_in_decades(runs: Runs) -> str:
    return _rates(log=True)


def _one_name_for_two(runs: Runs) -> str:
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    trials = [study.ask() for _ in range(100)]
    shapes = [(trial.suggest_int("width", 16, 128), trial.suggest_int("width", 16, 128)) for trial in trials]
    return f"both layers have the same width in {sum(one == other for one, other in shapes)} of 100 trials"


def _a_name_for_each(runs: Runs) -> str:
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    trials = [study.ask() for _ in range(100)]
    shapes = [(trial.suggest_int("width_0", 16, 128), trial.suggest_int("width_1", 16, 128)) for trial in trials]
    return f"both layers have the same width in {sum(one == other for one, other in shapes)} of 100 trials"


_SHAPES = (16, 32, 64)


def _few_cells_again(runs: Runs) -> str:
    study = optuna.create_study(direction="maximize", sampler=TPESampler(seed=0))
    study.optimize(lambda trial: 1 / trial.suggest_categorical("width", _SHAPES), n_trials=30)
    return f"{len(study.trials)} trials, {len({trial.params['width'] for trial in study.trials})} different ones"


def _few_cells_once(runs: Runs) -> str:
    study = optuna.create_study(direction="maximize", sampler=BruteForceSampler(seed=0))
    study.optimize(lambda trial: 1 / trial.suggest_categorical("width", _SHAPES), n_trials=30)
    return f"{len(study.trials)} trials, {len({trial.params['width'] for trial in study.trials})} different ones"


# --------------------------------------------------------------------------------------------------- trials that fail


def _diverges(trial: optuna.Trial) -> float:
    if trial.suggest_float("learning_rate", 1e-5, 1e-1, log=True) > 1e-2:
        raise FloatingPointError("training has diverged")
    return 0.8


def _error_not_caught(runs: Runs) -> str:
    study = optuna.create_study(direction="maximize", sampler=RandomSampler(seed=0))
    try:
        study.optimize(_diverges, n_trials=20)
    except FloatingPointError as error:
        return f"the study ends after {len(study.trials)} of 20 trials: {error}"
    return "all trials ran"


def _error_caught(runs: Runs) -> str:
    study = optuna.create_study(direction="maximize", sampler=RandomSampler(seed=0))
    study.optimize(_diverges, n_trials=20, catch=(FloatingPointError,))
    return f"{len(study.trials)} trials, {_states(study).count('FAIL')} of which failed"


def _nan_returned(runs: Runs) -> str:
    study = optuna.create_study(direction="maximize", sampler=RandomSampler(seed=0))
    study.optimize(lambda trial: math.nan, n_trials=3)
    return f"{_states(study).count('FAIL')} of 3 trials failed, with no reason kept: {study.trials[0].user_attrs}"


def _reason_kept(runs: Runs) -> str:
    def objective(trial: optuna.Trial) -> float:
        trial.set_user_attr("error", "the loss was not a number in update 4")
        raise FloatingPointError

    study = optuna.create_study(direction="maximize", sampler=RandomSampler(seed=0))
    study.optimize(objective, n_trials=3, catch=(FloatingPointError,))
    return f"{_states(study).count('FAIL')} of 3 trials failed: {study.trials[0].user_attrs}"


def _states(study: optuna.Study) -> list[str]:
    return [trial.state.name for trial in study.trials]


# ------------------------------------------------------------------------------------------ studies that are reopened


def _choices(before: Sequence[int], now: Sequence[int], name: str) -> str:
    """Run a trial with some choices, open the study again, and run one with others."""
    with tempfile.TemporaryDirectory() as folder:
        storage = JournalStorage(JournalFileBackend(str(Path(folder) / "study.journal")))
        first = optuna.create_study(storage=storage, study_name="first", sampler=RandomSampler(seed=0))
        first.optimize(lambda trial: trial.suggest_categorical("width", before), n_trials=1)
        again = optuna.create_study(storage=storage, study_name=name, load_if_exists=True)
        try:
            again.optimize(lambda trial: trial.suggest_categorical("width", now), n_trials=1)
        except ValueError as error:
            return f"ValueError: {error}"
        return f"{len(again.trials)} trial in the study {name!r}"


def _choices_changed(runs: Runs) -> str:
    return _choices((32, 64), (32, 64, 128), "first")


def _choices_in_a_new_study(runs: Runs) -> str:
    return _choices((32, 64), (32, 64, 128), "second")


def _again(seeds: tuple[int, int]) -> str:
    """Draw five values with one seed, then five with another, as a process does that is started twice."""
    drawn = []
    for seed in seeds:
        study = optuna.create_study(sampler=RandomSampler(seed=seed))
        drawn.append({study.ask().suggest_float("x", 0, 1) for _ in range(5)})
    return f"{len(drawn[0] & drawn[1])} of 5 values were there before"


def _same_seed_again(runs: Runs) -> str:
    return _again((7, 7))


def _seed_and_trials(runs: Runs) -> str:
    first, second = (int(np.random.SeedSequence([7, done]).generate_state(1)[0]) for done in (0, 5))
    return _again((first, second))


# ------------------------------------------------------------------------------------------------ what a score is worth


def _leader(scores: np.ndarray) -> int:
    return int(np.argmax(scores))


def _same_seed_checked(runs: Runs) -> str:
    chosen = _leader(runs.final[:, 0])
    return f"scored {runs.final[chosen, 0]:.4f}; trained again with the same seed: {runs.final[chosen, 0]:.4f}"


def _other_seeds_checked(runs: Runs) -> str:
    chosen = _leader(runs.final[:, 0])
    others = runs.final[chosen, 1:]
    return f"scored {runs.final[chosen, 0]:.4f}; with {len(others)} other seeds: {others.mean():.4f}"


def _tuned_on_test(runs: Runs) -> str:
    chosen = _leader(runs.test[:, 0])
    others = runs.test[chosen, 1:].mean()
    return f"reported {runs.test[chosen, 0]:.4f} on the test streams; with other seeds it is {others:.4f} there"


def _tuned_on_validation(runs: Runs) -> str:
    chosen = _leader(runs.final[:, 0])
    reported = runs.test[chosen, 1:].mean()
    return f"reported {reported:.4f} on the test streams, from {runs.test.shape[1] - 1} seeds that chose nothing"


def _best_values(runs: Runs) -> tuple[int, int, int]:
    """Two studies of the same configurations: with one seed a trial, and with half of all seeds."""
    half = runs.final.shape[1] // 2
    return _leader(runs.final[:, 0]), _leader(runs.final[:, :half].mean(axis=1)), half


def _best_values_compared(runs: Runs) -> str:
    one, many, half = _best_values(runs)
    values = runs.final[one, 0], runs.final[many, :half].mean()
    return f"best_value {values[0]:.4f} with 1 seed a trial, {values[1]:.4f} with {half}"


def _worths_compared(runs: Runs) -> str:
    one, many, half = _best_values(runs)
    worth = runs.test[:, half:].mean(axis=1)
    return f"on seeds and streams that chose nothing {worth[one]:.4f} and {worth[many]:.4f}"


# ------------------------------------------------------------------------------------------------------------- threads


def _in_two_threads(keep: Callable[[float], Callable[[], float]]) -> str:
    """Run ten trials in two threads, and count those that were scored with the other thread's value.

    Args:
        keep: keeps a trial's value, and returns a function that gives it back.
    """
    both = threading.Barrier(2, timeout=20)

    def objective(trial: optuna.Trial) -> float:
        kept = keep(trial.suggest_float("learning_rate", 1e-5, 1e-1, log=True))
        both.wait()  # the other thread has kept its value now
        used = kept()
        both.wait()
        return used

    study = optuna.create_study(sampler=RandomSampler(seed=0))
    study.optimize(objective, n_trials=10, n_jobs=2)
    wrong = sum(trial.value != trial.params["learning_rate"] for trial in study.trials)
    return f"{wrong} of {len(study.trials)} trials were trained with another trial's learning rate"


def _shared_between_threads(runs: Runs) -> str:
    settings = {}

    def keep(rate: float) -> Callable[[], float]:
        settings["learning_rate"] = rate
        return lambda: settings["learning_rate"]

    return _in_two_threads(keep)


def _own_in_each_thread(runs: Runs) -> str:
    def keep(rate: float) -> Callable[[], float]:
        settings = {"learning_rate": rate}
        return lambda: settings["learning_rate"]

    return _in_two_threads(keep)


MISTAKES = (
    Mistake("the direction is forgotten", _direction_forgotten, _direction_given),
    Mistake("a learning rate without log=True", _rate_drawn_evenly, _rate_drawn_in_decades),
    Mistake("one name for two hyperparameters", _one_name_for_two, _a_name_for_each),
    Mistake("more trials than there are configurations", _few_cells_again, _few_cells_once),
    Mistake("an error that nobody catches", _error_not_caught, _error_caught),
    Mistake("a score that is not a number", _nan_returned, _reason_kept),
    Mistake("other choices in a study that is reopened", _choices_changed, _choices_in_a_new_study),
    Mistake("the same sampler seed after each start", _same_seed_again, _seed_and_trials),
    Mistake("the result checked with the seed that chose it", _same_seed_checked, _other_seeds_checked),
    Mistake("tuned on the test streams", _tuned_on_test, _tuned_on_validation),
    Mistake("best values of two studies compared", _best_values_compared, _worths_compared),
    Mistake("n_jobs=2 and something that threads share", _shared_between_threads, _own_in_each_thread),
)


def table(runs: Runs, mistakes: Sequence[Mistake] = MISTAKES) -> Table:
    """Make mistakes, and then mend them.

    Args:
        runs: the study's, with three seeds or more.
        mistakes: which.
    """
    with quiet(optuna.logging.ERROR):
        rows = [[each.name, each.made(runs), each.mended(runs)] for each in mistakes]
    return Table(("mistake", "what happens", "mended"), rows)


def show(name: str) -> None:
    """Print the code of a mistake, and of what mends it.

    Args:
        name: of the mistake, or the beginning of it.

    Raises:
        InputError: one line: there is no such mistake.
    """
    found = next((each for each in MISTAKES if each.name.startswith(name)), None)
    if found is None:
        raise InputError(f"no mistake is called {name!r}: there are {', '.join(each.name for each in MISTAKES)}")
    for function in (found.made, found.mended):
        print(inspect.getsource(function))
