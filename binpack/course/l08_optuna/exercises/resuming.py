"""A study that outlives its process: opened again, and taken to its end."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import optuna
from optuna.samplers import RandomSampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from binpack.course.exercises import Mistake, exercise, expect, promise
from binpack.search.storage import quiet


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with the storage: `JournalStorage(JournalFileBackend(str(path)))`. `optuna.create_study` takes it, a "
        "`study_name` and a `direction`; with `load_if_exists=True` it opens a study that is there already.",
        "The sampler comes second, since its seed is to depend on `len(study.trials)`: `study.sampler = ...`.",
        "Two numbers make one seed by `np.random.SeedSequence([seed, len(study.trials)]).generate_state(1)[0]`; "
        "`RandomSampler(seed=int(...))` takes it.",
    ),
    returns=promise.an_instance("the study", optuna.Study),
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
    study.sampler = RandomSampler(seed=int(state[0]))
    return study


@open_study.check
def _check_open_study(answer: Callable) -> None:
    with quiet(), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, study = _drawn(answer, folder / "a.journal", 0)
        _expect_journal(study, folder / "a.journal")
        try:
            second, study = _drawn(answer, folder / "a.journal", 0)
        except optuna.exceptions.DuplicatedStudyError:
            raise Mistake("the second call finds the study there and refuses: see load_if_exists") from None
        expect(
            len(study.trials) == 6,
            "the reopened study does not hold the trials of before and the new ones",
            got=f"{len(study.trials)} trials",
            wanted="3 + 3 trials",
            given="three trials, reopened, three more",
        )
        third, _ = _drawn(answer, folder / "a.journal", 0)
        _expect_new(first, second, third)
        again, _ = _drawn(answer, folder / "b.journal", 0)
        message = "two new studies with the same seed draw different values: has the sampler a seed?"
        expect(again == first, message, got=again, wanted=first, given="seed 0 in two new files")
        other, _ = _drawn(answer, folder / "c.journal", 1)
        message = "another seed draws the same values: where does the seed come in?"
        expect(other != first, message, got=other, wanted="other values than with seed 0", given="seed 1 in a new file")
        shifted, _ = _drawn(answer, folder / "d.journal", 3)
        message = "seed 0 after three trials draws what a new study with seed 3 draws: do not add the two numbers"
        expect(shifted != second, message, got=second, wanted=f"anything but {shifted}", given="seed 0, reopened")
        builtin = type(study.sampler).__module__.startswith("optuna.") and not isinstance(study.sampler, RandomSampler)
        message = "the sampler is another one: random search was asked for"
        expect(not builtin, message, got=type(study.sampler).__name__, wanted="RandomSampler")


def _drawn(answer: Callable, path: Path, seed: int) -> tuple[list[float], optuna.Study]:
    """Open a study, run three trials, and return the values drawn."""
    study = answer(path, seed)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    return [round(trial.params["x"], 4) for trial in study.trials[-3:]], study


def _expect_journal(study: optuna.Study, path: Path) -> None:
    expect(path.is_file(), "there is no file at the path: is the study in memory only?")
    database = path.read_bytes().startswith(b"SQLite format")
    expect(not database, "the file is a database, not a journal: JournalStorage over a JournalFileBackend writes one")
    told = {"got": study.study_name, "wanted": "packing"}
    expect(study.study_name == "packing", "the study has another name", **told)
    expect(study.direction.name == "MAXIMIZE", "it minimizes: pass direction='maximize', a score is to be high")


def _expect_new(first: Sequence[float], second: Sequence[float], third: Sequence[float]) -> None:
    told = {"given": f"a study with seed 0 whose first three values were {list(first)}"}
    wanted = "values that were not there"
    message = "after reopening the same values are drawn again: the sampler's seed starts over"
    expect(second != first, message, got=second, wanted=wanted, **told)
    message = "after reopening some values are drawn again: two seeds give draws that overlap"
    expect(not set(second) & set(first), message, got=second, wanted=wanted, **told)
    message = "reopened a second time, values are drawn again: does the seed go on with the number of trials?"
    expect(not set(third) & {*first, *second}, message, got=third, wanted=wanted, **told)


@exercise(
    minutes=10,
    difficulty=3,
    hints=(
        "Begin with what is still running: `study.get_trials(states=(TrialState.RUNNING,))`. Each is told to have "
        "failed, with `study.tell(trial.number, state=TrialState.FAIL)`.",
        "`study.enqueue_trial(trial.params)` makes its values the next ones to be tried.",
        "What is missing is `total - len(study.get_trials(states=(TrialState.COMPLETE,)))`, and it may be negative: "
        "`study.optimize(objective, n_trials=max(missing, 0))`.",
    ),
    returns=promise.nothing(),
)
def continue_study(study: optuna.Study, objective: Callable[[optuna.Trial], float], total: int) -> None:
    """Take a study whose process was killed to so many complete trials.

    A trial that is still running belongs to the dead process: nobody else works on this study. It failed, and its
    values are tried again before anything new. Trials that had failed or were pruned before stay as they are.

    Args:
        study: has trials in any state; it is changed.
        objective: what a trial runs; here it never fails.
        total: how many complete trials there are to be. Where there are as many already, nothing is run.
    """
    # 1. what the dead process left running has failed, and its values come first
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    # 2. only complete trials count
    missing = total - len(study.get_trials(states=(TrialState.COMPLETE,)))
    # 3. as many as are missing
    study.optimize(objective, n_trials=max(missing, 0))


_COMPLETE, _FAIL, _PRUNED, _RUNNING = TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED, TrialState.RUNNING


def _killed(states: Sequence[TrialState]) -> optuna.Study:
    """A study whose trials ended in these states."""
    study = optuna.create_study(direction="maximize", sampler=RandomSampler(seed=7))
    for state in states:
        trial = study.ask()
        x = trial.suggest_float("x", 0, 1)
        if state is TrialState.COMPLETE:
            study.tell(trial, x)
        elif state is TrialState.PRUNED:
            trial.report(x, 1)
            study.tell(trial, state=state)
        elif state is TrialState.FAIL:
            study.tell(trial, state=state)
    return study


@continue_study.check
def _check_continue_study(answer: Callable) -> None:
    with quiet():
        _expect_total(answer, (_COMPLETE, _COMPLETE, _COMPLETE), 5)
        _expect_total(answer, (_COMPLETE, _FAIL, _COMPLETE, _PRUNED), 4)
        _expect_total(answer, (_COMPLETE, _COMPLETE, _RUNNING), 4)
        _expect_total(answer, (_COMPLETE, _FAIL, _RUNNING, _PRUNED, _RUNNING), 5)
        _expect_total(answer, (_COMPLETE, _COMPLETE, _COMPLETE), 3)
        _expect_total(answer, (_COMPLETE, _COMPLETE, _COMPLETE, _COMPLETE), 2)


def _words(trials: Sequence[FrozenTrial]) -> str:
    return ", ".join(trial.state.name.lower() for trial in trials) or "none"


def _expect_total(answer: Callable, states: Sequence[TrialState], total: int) -> None:
    study = _killed(states)
    before = study.get_trials()
    said = f"trials that are {_words(before)}, and a total of {total}"
    ran: list[float] = []

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        ran.append(x)
        if len(ran) > 20:
            raise Mistake("it runs trials without an end", given=said)
        return x

    answer(study, objective, total)
    _expect_taken_over(study, before, said)
    complete = sum(state is _COMPLETE for state in states)
    told = {"got": f"{len(ran)} trials run", "wanted": f"{max(total - complete, 0)} trials run", "given": said}
    if total <= complete:
        expect(not ran, "there are enough complete trials, and it runs more", **told)
        return
    expect(
        len(ran) != total,
        "it runs as many trials as there are to be in all: subtract those that are complete",
        **told,
    )
    if len(set(states)) > 1:
        every = len(ran) == max(total - len(states), 0)
        expect(
            not every, "trials that failed, were pruned or are running are counted: only complete ones count", **told
        )
    expect(len(ran) == total - complete, "there are not as many complete trials in the end as there should be", **told)
    _expect_again(before, ran, said)


def _expect_taken_over(study: optuna.Study, before: Sequence[FrozenTrial], said: str) -> None:
    for trial in before:
        now = study.trials[trial.number].state
        told = {"got": now.name.lower(), "given": said}
        if trial.state is _RUNNING:
            message = "a trial that the dead process left running is still running"
            expect(now is not _RUNNING, message, wanted="fail", **told)
            message = "a trial that the dead process left running did not end: it is to be told as failed"
            expect(now is _FAIL, message, wanted="fail", **told)
        else:
            message = "a trial that had ended before is in another state now"
            expect(now is trial.state, message, wanted=trial.state.name.lower(), **told)


def _expect_again(before: Sequence[FrozenTrial], ran: Sequence[float], said: str) -> None:
    """The values of what was running come first, and no others come back."""
    lost = [round(trial.params["x"], 4) for trial in before if trial.state is _RUNNING]
    tried = [round(x, 4) for x in ran]
    told = {"got": tried, "wanted": f"{lost} and then new ones" if lost else "new ones", "given": said}
    known = {round(trial.params["x"], 4) for trial in before} - set(lost)
    expect(not known & set(tried), "it tries values again whose trial had ended before", **told)
    expect(set(lost) <= set(tried), "the values of a trial that was left running are not tried again", **told)
    expect(
        set(tried[: len(lost)]) == set(lost), "the values of what was left running come after new ones: enqueue", **told
    )
