"""Population based training (Jaderberg et al., 2017), with its whole state in the journal and in the trials' folders.

At every perturbation interval a trial's checkpoint and reports are copied aside. One that is among the worst then takes
over the copy of one among the best, weights and reports, and goes on from there with that one's hyperparameters, each
changed: multiplied by 0.8 or 1.2, or drawn anew. What is decided is one entry in the journal, and the copies are whole
before it: a job that is killed at any instant goes on with the population that it had.

Where fewer trials can run than there are, they take turns: each is trained for an interval and waits until all others
are as far. Ray Tune's scheduler does the same, but its state does not come back with ``Tuner.restore``, which is why
this is here, for every engine.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState
from optuna.trial import Trial as OptunaTrial

from binpack.files import read_json, write_json
from binpack.search._model import SearchError
from binpack.search.action.run import latest_checkpoint, reports_of, take_over
from binpack.search.action.schedulers import PbtOptions
from binpack.search.engines.engine import Tuning
from binpack.search.engines.searches import CONFIG

FACTORS = (0.8, 1.2)
"""What a hyperparameter is multiplied by."""
_STATE = "population"
"""A trial's entry in the journal: ``now``, where it stands (``copy``, the number of its copy, ``time``, ``score`` and
``config``); ``earlier``, where it stood by its own training at the end of an interval before that; ``decided``, whether
it may go on; and ``lineage``."""


class Population:
    """The trials of a job that take over each other's weights.

    Args:
        tuning: the job.
        study: its trials.
        takes_turns: whether there are more trials than can run at the same time.
    """

    def __init__(self, tuning: Tuning, study: optuna.Study, *, takes_turns: bool) -> None:
        options = tuning.params.tuning.scheduler.options
        assert isinstance(options, PbtOptions)
        self._options = options
        self._tuning = tuning
        self._study = study
        self._takes_turns = takes_turns

    def catch_up(self, trial: OptunaTrial) -> None:
        """Copy what a trial has that was killed between its report and the answer."""
        folder = self._folder(trial.number)
        if latest_checkpoint(folder) is None:
            return
        last = reports_of(folder)[-1]
        now, score = last.get(self._options.time_attr), last.get(self._tuning.params.tuning.metric)
        if now is not None and score is not None and self._over(_state(trial), now):
            self._copy(trial, now, score)

    def config(self, trial: OptunaTrial) -> dict[str, Any]:
        """Return the hyperparameters that a trial is to go on with, and make its folder ready for that."""
        state = _state(trial)
        if state is None:
            return dict(trial.user_attrs[CONFIG])
        if not state["decided"]:
            self._decide(trial)
            state = _known_state(trial)
        self._place(trial.number, state)
        return dict(state["now"]["config"])

    def end(self, trial: OptunaTrial) -> None:
        """Take it that a trial is at its end: what it took over last may be what it ends with."""
        state = _state(trial)
        if state is None or not _fresh(state):
            return
        reports = reports_of(self._folder(trial.number))
        if not reports or reports[-1][self._options.time_attr] <= state["now"]["time"]:
            # Nothing was trained with what it was to go on with.
            config = state["lineage"][-1]["from_config"]
            trial.set_user_attr(_STATE, {**state, "now": {**state["now"], "config": config}})

    def path(self, trial: FrozenTrial) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return a trial's hyperparameters as they are now, and how it came to them."""
        state = _state(trial)
        if state is None:
            return dict(trial.user_attrs.get(CONFIG, {})), []
        steps = [{name: step[name] for name in step if name != "copy"} for step in state["lineage"]]
        return dict(state["now"]["config"]), steps

    def time(self, trial: FrozenTrial) -> int:
        """Return how far a trial was when it was copied last; 0 before that."""
        state = _state(trial)
        return 0 if state is None else int(state["now"]["time"])

    def report(self, trial: OptunaTrial, now: int, score: float) -> bool:
        """Take a report, and say whether the trial is to end here, to wait or to go on as another one.

        Args:
            trial: which waits for the answer, so that its checkpoint is whole.
            now: the report's time.
            score: what it says.

        Raises:
            SearchError: an interval is over, and the report has no checkpoint.
        """
        if not self._over(_state(trial), now):
            return False
        self._copy(trial, now, score)
        return self._takes_turns or self._decide(trial)

    def _over(self, state: Mapping[str, Any] | None, now: int) -> bool:
        """Whether an interval is over."""
        return now - (0 if state is None else state["now"]["time"]) >= self._options.perturbation_interval

    def _folder(self, number: int) -> Path:
        return self._tuning.folder / f"trial_{number:05d}"

    def _copy_of(self, number: int, copy: int) -> Path:
        return self._folder(number) / "population" / f"{copy:05d}"

    def _copy(self, trial: OptunaTrial, now: int, score: float) -> None:
        """Copy what a trial has at the end of an interval."""
        checkpoint = latest_checkpoint(self._folder(trial.number))
        if checkpoint is None or not checkpoint.exists():
            raise SearchError(
                f"pbt copies weights, and the report at {self._options.time_attr} {now} has no checkpoint: report one "
                'there, as in run.report({"score": 0.5, "checkpoint": path})'
            )
        state = _state(trial)
        before = None if state is None else state["now"]
        number = 1 if before is None else before["copy"] + 1
        partial = self._partial(trial.number)
        _copied(checkpoint, partial / "checkpoint")
        write_json(partial / "reports.json", {"reports": reports_of(self._folder(trial.number))}, indent=None)
        self._finish(partial, self._copy_of(trial.number, number))
        config = trial.user_attrs[CONFIG] if before is None else before["config"]
        standing = {"copy": number, "time": now, "score": score, "config": config}
        new: dict[str, Any] = {"now": standing, "earlier": None, "decided": False, "lineage": []}
        if state is not None:
            # What it took over was another's achievement.
            new |= {"earlier": state["earlier"] if _fresh(state) else before, "lineage": state["lineage"]}
        self._note(trial, new)

    def _decide(self, trial: OptunaTrial) -> bool:
        """Let a trial that is among the worst take over one of the best, and say whether it does."""
        state = _known_state(trial)
        now = state["now"]
        rng = np.random.default_rng([self._tuning.params.tuning.search_alg.seed, trial.number, now["copy"]])
        best = self._best(trial.number, now["time"])
        if not best:
            trial.set_user_attr(_STATE, {**state, "decided": True})
            return False
        donor, theirs = best[int(rng.integers(len(best)))]
        number = now["copy"] + 1
        partial = self._partial(trial.number)
        shutil.copytree(self._copy_of(donor, theirs["copy"]), partial, dirs_exist_ok=True)
        self._finish(partial, self._copy_of(trial.number, number))
        step = {
            **{name: now[name] for name in ("time", "score", "config")},
            "from_trial": self._tuning.trial_id(donor),
            **{f"from_{name}": theirs[name] for name in ("time", "score", "config")},
        }
        standing = {**theirs, "copy": number, "config": self._explored(theirs["config"], rng)}
        lineage = [*state["lineage"], {**step, "copy": number}]
        self._note(trial, {"now": standing, "earlier": now, "decided": True, "lineage": lineage})
        return True

    def _best(self, number: int, time: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the best trials and where they stood, if one is among the worst, else none.

        A trial counts with what it had achieved at the same time, as far as that is known, also where it is further by
        now or has taken over another: the order in which trials are looked at changes nothing.
        """
        sign = 1 if self._tuning.params.tuning.mode == "max" else -1
        standings = []
        for trial in self._study.get_trials(deepcopy=False):
            if (state := _state(trial)) is not None and trial.state != TrialState.FAIL:
                now, earlier = state["now"], state["earlier"]
                known = earlier is not None and (now["time"] > time or _fresh(state))
                standings.append((trial.number, earlier if known else now))
        ranked = sorted(standings, key=lambda each: (sign * each[1]["score"], each[0]))
        share = min(math.ceil(len(ranked) * self._options.quantile_fraction), len(ranked) // 2)
        worst = dict(ranked[:share])
        if number not in worst:
            return []
        return [each for each in ranked[len(ranked) - share :] if each[1]["score"] != worst[number]["score"]]

    def _explored(self, config: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Return hyperparameters near others."""
        found = {}
        for name, varied in self._tuning.params.varied.items():
            # Both are drawn, whichever counts: what one hyperparameter does changes nothing in the next.
            drawn, factor = varied.sample(rng), FACTORS[int(rng.integers(2))]
            anew = rng.random() < self._options.resample_probability
            found[name] = drawn if anew else varied.moved(config[name], factor)
        return found

    def _place(self, number: int, state: Mapping[str, Any]) -> None:
        """Let the trial's next run go on from what it took over, unless it has begun to."""
        copy = self._copy_of(number, state["now"]["copy"])
        begun = copy / "begun"
        if not _fresh(state) or begun.exists():
            return
        reports = read_json(copy / "reports.json", "a trial's reports")["reports"]
        take_over(self._folder(number), copy / "checkpoint", reports)
        begun.touch()

    def _partial(self, number: int) -> Path:
        """Return an empty folder for a copy that is not whole yet."""
        partial = self._folder(number) / "population" / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        return partial

    def _finish(self, partial: Path, copy: Path) -> None:
        """Put a whole copy in its place, which one may have that was made just before the job was killed."""
        (partial / "begun").unlink(missing_ok=True)
        shutil.rmtree(copy, ignore_errors=True)
        partial.rename(copy)

    def _note(self, trial: OptunaTrial, state: dict[str, Any]) -> None:
        """Write down where a trial stands, and remove the copies that neither this nor the entry before names."""
        named = {each["copy"] for one in (_state(trial), state) if one for each in (one["now"], one["earlier"]) if each}
        trial.set_user_attr(_STATE, state)
        for copy in self._copy_of(trial.number, 0).parent.iterdir():
            if copy.name.isdecimal() and int(copy.name) not in named:
                shutil.rmtree(copy)


def _state(trial: FrozenTrial | OptunaTrial) -> dict[str, Any] | None:
    found = trial.user_attrs.get(_STATE)
    return None if found is None else dict(found)


def _known_state(trial: OptunaTrial) -> dict[str, Any]:
    state = _state(trial)
    assert state is not None
    return state


def _fresh(state: Mapping[str, Any]) -> bool:
    """Whether a trial has not reached the end of an interval since it took over another."""
    return bool(state["lineage"]) and state["lineage"][-1]["copy"] == state["now"]["copy"]


def _copied(there: Path, here: Path) -> None:
    if there.is_dir():
        shutil.copytree(there, here)
    else:
        shutil.copyfile(there, here)
