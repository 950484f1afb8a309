"""Records a whole capstone: a search, its finalists on fresh seeds and unseen items, and all beside them.

    python -m binpack.course.l10_capstone.record_capstone runs        # 30 to 40 minutes on two idle cores

Runs go to the folder that is named. Killed at any moment, the same command goes on. The file keeps what the lesson
shows and what a report card needs, and none of the weights.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from binpack.agents.evaluation import evaluate, make_streams
from binpack.agents.run_folder import read_result
from binpack.agents.store import load_agent
from binpack.agents.training import train as train_ppo
from binpack.core.heuristics import HEURISTICS
from binpack.course.l10_capstone import task
from binpack.files import read_json, write_json, write_record, write_sealed
from binpack.search._model import STUDY_VERSION
from binpack.search.config import TuneConfig
from binpack.search.final import held_out_score, score_on
from binpack.search.finalists import Finalists, folder_of, path_of, retrain, untrained
from binpack.search.provenance import about
from binpack.search.report import TuneResult, load_result
from binpack.search.storage import locate, open_storage, quiet
from binpack.search.study import tune

FILE = Path(__file__).with_name("capstone.json")
LIBRARIES = ("numpy", "torch", "stable-baselines3", "sb3-contrib", "optuna")
Score = Callable[[Path, TuneConfig], float]


def later_score(folder: Path, config: TuneConfig) -> float:
    """Score a trained agent on the parcels of the month after.

    Args:
        folder: the agent's.
        config: of the study.
    """
    later = _month_after(config)
    return score_on(folder, later.train.env, later.test_streams, later.test_seed)


@dataclass(frozen=True)
class Trainer:
    """What trains and scores; tests put something quick in its place.

    Attributes:
        train: a run.
        held_out: scores a run on unseen streams.
        later: scores a run on the later month.
        boxes: (named agents, config) -> what each packs of one unseen stream, int, (n, 6).
    """

    train: Any = train_ppo
    held_out: Score = held_out_score
    later: Score = later_score
    boxes: Callable[[Mapping[str, Any], TuneConfig], dict[str, Any]] = lambda agents, config: packed(agents, config)


def packed(agents: Mapping[str, str | Path], config: TuneConfig) -> dict[str, list[list[int]]]:
    """Let agents pack the unseen stream on which the first of them does as well as on half of the others.

    Args:
        agents: heuristics' names and trained folders by the names that they are shown under.
        config: of the study.
    """
    env, streams = config.train.env, make_streams(config.train.env, config.test_streams, config.test_seed)
    players = {name: load_agent(each) if isinstance(each, Path) else each for name, each in agents.items()}
    played = {name: evaluate(player, streams, env, seed=0) for name, player in players.items()}
    first = next(iter(played.values())).utilization
    middle = int(np.argsort(first, kind="stable")[len(first) // 2])
    return {name: np.asarray(each.boxes[middle]).tolist() for name, each in played.items()}


def record(
    folder: str | Path,
    path: str | Path = FILE,
    *,
    config: TuneConfig | None = None,
    trainer: Trainer | None = None,
    top: int = task.TOP,
    fresh: int = task.FRESH,
    jobs: int = 1,
    progress: bool = True,
) -> None:
    """Search, train the finalists anew, score them, and write the record.

    Args:
        folder: for the runs.
        path: the record.
        config: the study; None: the lesson's.
        trainer: what trains and scores.
        top: how many finalists.
        fresh: seeds of each.
        jobs: runs side by side.
        progress: whether to show bars.
    """
    study, by = config or task.study(task.env()), trainer or Trainer()
    storage = Path(folder) / "capstone.journal"
    storage.parent.mkdir(parents=True, exist_ok=True)
    tune(study, storage, train=by.train, progress=progress, jobs=jobs)
    retrain(storage, top=top, seeds=fresh, train=by.train, held_out=by.held_out, jobs=jobs, progress=progress)
    result = load_result(storage)
    found = Finalists.load(path_of(result))
    assert found is not None
    parts = {
        "about": about(f"python -m {__spec__.name} runs", LIBRARIES),
        "config": _nameless(result.config),
        "finalists": asdict(found),
        **_beside(result, found, by),
    }
    write_record(path, parts, {"trials": [_trial(row) for row in result.rows]})


def _trial(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("number", "state", "value", "scores", "params", "steps", "seconds", "default", "error")
    return {name: row[name] for name in kept}


def _nameless(config: TuneConfig) -> dict[str, Any]:
    """Return a study for JSON without the place that the package has on this machine."""
    stored = config.model_dump(mode="json")
    stored["train"]["env"]["items"] = Path(config.train.env.items).name
    return stored


def _beside(result: TuneResult, found: Finalists, by: Trainer) -> dict[str, Any]:
    """Score the finalists on the later month, and keep their curves and one packing."""
    config, root = result.config, result.location.folder
    arms = {str(trial): folder_of(trial) for trial in found.trials} | {"default": folder_of(None)}
    runs = {name: [root / each / f"seed_{seed}" for seed in found.seeds] for name, each in arms.items()}
    later = {
        name: [_kept(run / "later.json", partial(by.later, run, config)) for run in each] for name, each in runs.items()
    }
    rule = next((name for name in found.others if name in HEURISTICS), "heightmap_sum")
    agents = {f"trial {found.trials[0]}": runs[str(found.trials[0])][0], "default": runs["default"][0], rule: rule}
    return {
        "later": later,
        "later_others": untrained(_month_after(config)),
        "curves": {name: [_curve(run) for run in each] for name, each in runs.items()},
        "packed": by.boxes(agents, config),
    }


def _month_after(config: TuneConfig) -> TuneConfig:
    env = config.train.env.model_copy(update={"items": str(task.LATER)})
    train = config.train.model_copy(update={"env": env})
    return config.model_copy(update={"train": train, "test_seed": task.LATER_SEED})


def _kept(path: Path, score: Callable[[], float]) -> float:
    """Score a run once: a recorder that was killed goes on."""
    if not path.is_file():
        write_json(path, {"score": score()})
    return float(read_json(path)["score"])


def _curve(folder: Path) -> list[list[float]]:
    """Return a run's evaluations, steps and scores; none where it left none."""
    result = read_result(folder)
    return [[step, round(score, 5)] for step, score in result.history] if result else []


@dataclass(frozen=True)
class Record:
    """What was recorded.

    Attributes:
        config: the study.
        trials: a row for each, as ``report.trials_table`` has them.
        finalists: their scores on unseen streams of the same month.
        later: "default", or a trial's number as text, to its scores on the later month, one a seed.
        later_others: heuristics and shipped agents on the later month.
        curves: the same names to the evaluations of each run, pairs of steps and score.
        packed: name to the boxes of one unseen stream.
    """

    config: TuneConfig
    trials: Sequence[Mapping[str, Any]]
    finalists: Finalists
    later: Mapping[str, Sequence[float]]
    later_others: Mapping[str, float]
    curves: Mapping[str, Sequence[Sequence[Sequence[float]]]]
    packed: Mapping[str, Sequence[Sequence[int]]]

    @classmethod
    def load(cls, path: str | Path = FILE) -> Record:
        """Read the record.

        Args:
            path: its file.
        """
        stored = read_json(path, "a recorded capstone")
        config = dict(stored["config"])
        config["train"] = {**config["train"], "env": {**config["train"]["env"], "items": str(task.PARCELS)}}
        names = [name for name in cls.__dataclass_fields__ if name not in ("config", "finalists")]
        finalists = Finalists(**stored["finalists"])
        return cls(config=TuneConfig(**config), finalists=finalists, **{name: stored[name] for name in names})

    @property
    def scores(self) -> list[float | None]:
        """Tuning scores, None for a trial that is not complete."""
        return [row["value"] for row in self.trials]

    @property
    def configs(self) -> list[dict[str, Any]]:
        """What each trial tried."""
        return [dict(row["params"]) for row in self.trials]

    def restore(self, storage: str | Path) -> TuneResult:
        """Make the study anew in a folder, so that whatever reads studies reads this one: all but the weights.

        Args:
            storage: path of its journal; one that is there was made before, and is read.
        """
        location = locate(storage, self.config.name)
        if Path(storage).exists():
            return load_result(storage)
        with quiet():
            study = optuna.create_study(
                storage=open_storage(location), study_name=self.config.name, direction="maximize"
            )
            facts = {"version": STUDY_VERSION, "id": "restored", "items": self.config.train.env.source().fingerprint}
            study.set_user_attr("binpack", {**facts, "config": self.config.model_dump(mode="json")})
            study.add_trials([self._stored(row) for row in self.trials])
        location.folder.mkdir(parents=True, exist_ok=True)
        result = load_result(storage)
        write_sealed(path_of(result), {"version": STUDY_VERSION, **asdict(self.finalists)})
        return result

    def _stored(self, row: Mapping[str, Any]) -> optuna.trial.FrozenTrial:
        space, number = self.config.space, row["number"]
        distributions = _distributions(self.config)
        states = {"complete": optuna.trial.TrialState.COMPLETE, "fail": optuna.trial.TrialState.FAIL}
        state = states.get(row["state"], optuna.trial.TrialState.PRUNED)
        attrs = {name: row[name] for name in ("scores", "steps", "seconds", "default")}
        if row["error"] is not None:  # what diverged is told from what was pruned by it
            attrs["error"] = row["error"]
        params = space.encode(row["params"])
        kept = {name: each for name, each in distributions.items() if name in params}
        made = optuna.trial.create_trial(
            state=state, value=row["value"], params=params, distributions=kept, user_attrs=attrs
        )
        made.number = number
        return made


def _distributions(config: TuneConfig) -> dict[str, optuna.distributions.BaseDistribution]:
    """Return what Optuna stores of a space, by asking for a trial of a study that nobody keeps."""
    trial = optuna.create_study().ask()
    for name, parameter in config.space.parameters.items():
        parameter.suggest(trial, name)
    return trial.distributions


def main(words: Sequence[str]) -> None:
    """Make the record on every core.

    Args:
        words: of the command: the folder for the runs.
    """
    if len(words) != 1:
        sys.exit("expected the folder for the runs, such as runs")
    record(words[0], jobs=os.cpu_count() or 1)


if __name__ == "__main__":
    main(sys.argv[1:])
