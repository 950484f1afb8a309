"""Studies: the loop, its failures, and being killed at every possible moment."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import multiprocessing
import os
import random
import sqlite3
import subprocess
import sys
import textwrap
import time
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import TrialState
from rich.console import Console

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.run_folder import TrainResult
from binpack.agents.store import load_agent
from binpack.agents.training import train as train_ppo
from binpack.env.config import EnvConfig
from binpack.items.sources import item_source
from binpack.search.config import TuneConfig
from binpack.search.final import FreshRuns
from binpack.search.locks import lock
from binpack.search.report import Comparison, load_result, rich_table, study_config, to_csv, trials_table
from binpack.search.space import Categorical, Float, Int, SearchError, Space
from binpack.search.storage import load_study, locate, repair
from binpack.search.study import TuneInterrupted, tune
from binpack.search.workers import Workers
from binpack.text import terminal

SPACE = Space(
    parameters={
        "learning_rate": Float(low=1e-5, high=1e-2, log=True),
        "n_epochs": Int(low=1, high=10),
        "net_arch": Categorical(choices=([64, 64], [32], [128, 64])),
    }
)
fork = multiprocessing.get_context("fork")


def config(**changes: Any) -> TuneConfig:
    """A small study: 3 evaluations per run, 2 runs per trial."""
    facts: dict[str, Any] = {
        "train": TrainConfig(total_steps=300, eval_every=100, n_envs=4),
        "space": SPACE,
        "sampler": {"kind": "tpe", "n_startup_trials": 2, "seed": 3},
        "n_trials": 5,
        "include_default": False,
    }
    return TuneConfig(**{**facts, **changes})


@dataclass
class Done:
    """What a fake training run returns."""

    score: float
    steps: int
    seconds: float


def save(path: Path, state: dict[str, Any]) -> None:
    """Write whole or not at all; no fsync, which a killed process does not need and tests wait for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".tmp").write_text(json.dumps(state))
    path.with_suffix(".tmp").replace(path)


@dataclass
class Fake:
    """A training function without training: a smooth score, checkpoints, and what a test wants to go wrong.

    Attributes:
        pause: seconds per evaluation interval.
        overshoot: steps by which each evaluation comes late, as a rollout's end does.
        checkpoint_first: whether the checkpoint is written before the evaluation is reported, or after.
    """

    pause: float = 0.0
    overshoot: int = 0
    checkpoint_first: bool = False

    def score(self, train: TrainConfig, step: int) -> float:
        ppo = train.ppo
        peak = -abs(math.log10(ppo.learning_rate) + 3) - abs(ppo.n_epochs - 5) / 4 - len(ppo.net_arch) / 10
        noise = zlib.crc32(f"{train.seed},{step}".encode()) / 2**32 / 10
        return (peak + noise) * 300 / (300 + step)

    def __call__(self, train: TrainConfig, folder: Path, *, on_evaluation=None) -> Done:
        state_file = folder / "state.json"
        state = json.loads(state_file.read_text()) if state_file.exists() else {"step": 0, "starts": 0}
        save(state_file, {**state, "starts": state["starts"] + 1, "params": train.ppo.model_dump(mode="json")})
        state = json.loads(state_file.read_text())
        for step in range(train.eval_every, state["step"] + 1, train.eval_every):
            if on_evaluation is not None:
                on_evaluation(step + self.overshoot, self.score(train, step))
        for step in range(state["step"] + train.eval_every, train.total_steps + 1, train.eval_every):
            time.sleep(self.pause)
            if self.checkpoint_first:
                save(state_file, {**state, "step": step})
            if on_evaluation is not None:
                on_evaluation(step + self.overshoot, self.score(train, step))
            save(state_file, {**state, "step": step})
        return Done(self.score(train, train.total_steps), train.total_steps, 0.5)


def held_out(folder: Path, study: TuneConfig) -> float:
    """A held-out score that follows from the run's parameters and seed."""
    ppo = json.loads((folder / "state.json").read_text())["params"]
    return -abs(math.log10(ppo["learning_rate"]) + 3) + int(folder.name.split("_")[1]) % 7 / 100


def run(study: TuneConfig, storage: Path, train: Any = None, **more: Any):
    return tune(study, storage, train=train or Fake(), held_out=held_out, progress=False, **more)


def facts(storage: Path) -> list[tuple]:
    """Everything about a study's trials that must not depend on interruptions."""
    return [
        (
            trial.number,
            trial.state,
            trial.params,
            trial.values,
            trial.intermediate_values,
            {name: value for name, value in trial.user_attrs.items() if name != "seconds"},
        )
        for trial in load_study(storage).trials
    ]


# --- what a study does ---------------------------------------------------------------------------------------------


def test_a_study_from_begin_to_end(tmp_path: Path, capsys) -> None:
    storage = tmp_path / "study.journal"
    study = config(include_default=None)
    result = run(study, storage)

    assert [row["number"] for row in result.rows] == [0, 1, 2, 3, 4]
    assert {row["state"] for row in result.rows} == {"complete"}
    assert result.rows[0]["default"] and result.rows[0]["params"] == study.defaults()
    assert all(row["steps"] == 600 and row["seconds"] == 1.0 and len(row["scores"]) == 2 for row in result.rows)
    assert all(row["value"] == pytest.approx(np.mean(row["scores"])) for row in result.rows)
    assert result.steps == study.budget == 5 * 2 * 300
    assert result.tuning_score == max(row["value"] for row in result.rows)

    best = json.loads(result.best_path.read_text())
    assert (best["trial"], best["params"]) == (result.best, result.best_values)
    assert TrainConfig(**best["config"]) == study.train_config(result.best_values, study.train.seed)

    comparison = result.comparison
    assert comparison is not None and len(comparison.best) == len(comparison.default) == len(comparison.seeds) == 3
    assert not set(comparison.seeds) & set(study.plan().tuning)
    seeds = [f"seed_{seed}" for seed in study.plan().tuning]
    folders = sorted(path.relative_to(tmp_path / "study.runs").as_posix() for path in tmp_path.glob("study.runs/t*/*"))
    assert folders == [f"trial_{number:04d}/{seed}" for number in range(5) for seed in sorted(seeds)]

    assert load_result(storage) == result
    text = result.summary()
    assert (
        "5 of 5 trials (5 complete), 2 training seeds each, 3000 environment steps (budget 3000, in whole rollouts)"
        in text
    )
    assert "trained anew on 3 fresh seeds of 300 steps, scored on 200 unseen streams" in text
    assert f"(its tuning score: {result.tuning_score:.4f})" in text
    assert capsys.readouterr() == ("", "")


def test_running_a_finished_study_again_trains_nothing(tmp_path: Path) -> None:
    def never(*args: Any, **more: Any) -> None:
        raise AssertionError("trained again")

    storage = tmp_path / "study.journal"
    first = run(config(), storage)
    before = storage.read_bytes()
    assert run(config(), storage, never) == first
    assert storage.read_bytes() == before


def test_more_trials_continue_the_same_search(tmp_path: Path) -> None:
    run(config(n_trials=3, final_seeds=0), tmp_path / "a.journal")
    run(config(n_trials=6, final_seeds=0), tmp_path / "a.journal")
    run(config(n_trials=6, final_seeds=0), tmp_path / "b.journal")
    assert facts(tmp_path / "a.journal") == facts(tmp_path / "b.journal")
    assert study_config(load_study(tmp_path / "a.journal")).n_trials == 6


def test_suggestions_follow_the_seed(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(config(sampler={"kind": "random", "seed": seed}, final_seeds=0), tmp_path / f"{name}.journal")
    a, b, c = ([row[2] for row in facts(tmp_path / f"{name}.journal")] for name in "abc")
    assert a == b != c
    assert len({str(params) for params in a}) == 5


def test_reports_lie_on_one_grid_of_steps(tmp_path: Path) -> None:
    run(config(final_seeds=0), tmp_path / "s.journal", Fake(overshoot=56))
    trial = load_study(tmp_path / "s.journal").trials[0]
    assert list(trial.intermediate_values) == [100, 200, 300, 400, 500, 600]
    first, second = trial.user_attrs["scores"]
    assert trial.intermediate_values[300] == first
    assert trial.intermediate_values[600] == trial.value == (first + second) / 2


def test_several_studies_in_one_storage(tmp_path: Path) -> None:
    storage = tmp_path / "study.journal"
    run(config(final_seeds=0, n_trials=1), storage)
    run(config(final_seeds=0, n_trials=2, name="random", sampler="random"), storage)
    assert (tmp_path / "study.runs" / "study_random" / "trial_0001").is_dir()
    assert len(load_result(storage, "random").rows) == 2
    with pytest.raises(SearchError, match=r"holds several studies, say which: random, study$"):
        load_result(storage)


def test_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    assert len(run(config(n_trials=2, final_seeds=0), url).rows) == 2
    assert len(run(config(n_trials=3, final_seeds=0), url).rows) == 3
    assert (tmp_path / "study.runs" / "trial_0002").is_dir()


# --- grid ----------------------------------------------------------------------------------------------------------

GRID = {"sampler": {"kind": "grid", "points": 2}, "n_trials": None, "final_seeds": 0}


def test_grid_visits_every_cell_once_also_when_interrupted(tmp_path: Path) -> None:
    study = config(**GRID)
    assert study.total == 2 * 2 * 3
    calls = random.Random(0)

    def breaks(train: TrainConfig, folder: Path, *, on_evaluation=None) -> Done:
        if calls.random() < 0.4:
            raise KeyboardInterrupt
        if train.ppo.n_epochs == 10 and len(train.ppo.net_arch) == 1:
            raise RuntimeError("this cell fails")
        return Fake()(train, folder, on_evaluation=on_evaluation)

    storage, stops = tmp_path / "study.journal", 0
    while True:
        try:
            result = run(study, storage, breaks)
            break
        except TuneInterrupted:
            stops += 1
    assert stops >= 2
    cells = [tuple(map(str, row["params"].values())) for row in result.rows]
    assert len(cells) == len(set(cells)) == 12
    # A failed cell counts as visited: it is there with its error and not tried again.
    assert sum(row["state"] == "fail" for row in result.rows) == 2


def test_grid_part_by_part(tmp_path: Path) -> None:
    run(config(**{**GRID, "n_trials": 5}), tmp_path / "a.journal")
    run(config(**GRID), tmp_path / "a.journal")
    run(config(**GRID), tmp_path / "b.journal")
    assert facts(tmp_path / "a.journal") == facts(tmp_path / "b.journal")


# --- what goes wrong within a trial --------------------------------------------------------------------------------


def test_failed_trials_are_kept_and_the_study_goes_on(tmp_path: Path) -> None:
    def fails(train: TrainConfig, folder: Path, *, on_evaluation=None) -> Done:
        if len(train.ppo.net_arch) == 2 and train.seed == config().plan().tuning[1]:
            on_evaluation(100, 0.5)
            raise ZeroDivisionError("bad\n  luck")
        return Fake()(train, folder, on_evaluation=on_evaluation)

    result = run(config(n_trials=8, final_seeds=0, sampler="random"), tmp_path / "s.journal", fails)
    failed = [row for row in result.rows if row["state"] == "fail"]
    assert 0 < len(failed) < 8 and len(result.rows) == 8
    for row in failed:
        assert row["error"] == "ZeroDivisionError: bad luck"
        assert row["value"] is None and len(row["scores"]) == 1 and row["steps"] == 400
    text = to_csv(result.rows, tmp_path / "trials.csv")
    parsed = list(csv.DictReader(text.splitlines()))
    assert [line["number"] for line in parsed] == [str(number) for number in range(8)]
    assert parsed[failed[0]["number"]]["error"] == "ZeroDivisionError: bad luck"
    assert float(parsed[result.best]["learning_rate"]) == result.best_values["learning_rate"]
    assert (tmp_path / "trials.csv").read_text() == text
    assert rich_table(result.rows, best=result.best).row_count == 8


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_no_result(tmp_path: Path, value: float) -> None:
    def diverges(train: TrainConfig, folder: Path, *, on_evaluation=None) -> Done:
        on_evaluation(100, value)
        raise AssertionError("not reached")

    result = run(config(n_trials=2), tmp_path / "s.journal", diverges)
    assert [row["error"] for row in result.rows] == [f"DivergedError: score {value} at step 100 of seed 1"] * 2
    assert [row["state"] for row in result.rows] == ["diverged"] * 2
    assert result.best is None and result.comparison is None
    assert result.summary().endswith(
        f"No trial is complete. First error: DivergedError: score {value} at step 100 of seed 1"
    )


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    def stops(train: TrainConfig, folder: Path, *, on_evaluation=None) -> Done:
        on_evaluation(100, 0.0)
        raise KeyboardInterrupt

    with pytest.raises(TuneInterrupted, match=r"^stopped; nothing is lost: the same command goes on with "):
        run(config(), tmp_path / "s.journal", stops)
    (trial,) = load_study(tmp_path / "s.journal").trials
    assert trial.state == TrialState.RUNNING


@pytest.mark.parametrize("kind", ["median", "percentile", "halving", "hyperband"])
def test_pruners_prune_and_survive_interruptions(tmp_path: Path, kind: str) -> None:
    pruner = {"kind": kind, "startup_trials": 2, "percentile": 40, "reduction_factor": 2}
    study = config(n_trials=10, pruner=pruner, final_seeds=0)
    whole = run(study, tmp_path / "whole.journal", Fake(overshoot=3))
    pruned = [row for row in whole.rows if row["state"] == "pruned"]
    assert pruned and whole.rows[whole.best]["state"] == "complete"
    assert all(row["steps"] < 600 and row["value"] is None for row in pruned)
    assert whole.steps < study.budget

    calls = random.Random(1)

    def stops(train: TrainConfig, folder: Path, *, on_evaluation=None) -> Done:
        def stopping(step: int, score: float) -> None:
            if calls.random() < 0.1:
                raise KeyboardInterrupt
            on_evaluation(step, score)

        return Fake(overshoot=3)(train, folder, on_evaluation=stopping)

    while True:
        try:
            run(study, tmp_path / "parts.journal", stops)
            break
        except TuneInterrupted:
            pass
    assert facts(tmp_path / "parts.journal") == facts(tmp_path / "whole.journal")


def test_the_pruner_is_always_explicit(tmp_path: Path) -> None:
    assert isinstance(config().pruner.build(100, 600), optuna.pruners.NopPruner)
    hyperband = config(pruner="hyperband").pruner.build(100, 600)
    assert (hyperband._min_resource, hyperband._max_resource, hyperband._reduction_factor) == (100, 600, 3)


# --- being killed --------------------------------------------------------------------------------------------------


def _dies_at(study: TuneConfig, storage: Path, write: int, how: str) -> None:
    """In a child: run the study and end the process, as SIGKILL would, at the given write to the journal."""
    count = 0
    append = JournalFileBackend.append_logs

    def dying(self: JournalFileBackend, logs: list[dict[str, Any]]) -> None:
        nonlocal count
        count += 1
        if count == write and how == "torn":
            JournalFileSymlinkLock(str(storage)).acquire()
            line = json.dumps(logs[0], separators=(",", ":"))
            with storage.open("a") as handle:
                handle.write(line[: len(line) // 2])
            os._exit(9)
        append(self, logs)
        if count == write:
            os._exit(9)

    JournalFileBackend.append_logs = dying
    run(study, storage, Fake(checkpoint_first=write % 2 == 0))
    os._exit(0)


def _child(target: Any, *args: Any) -> Any:
    process = fork.Process(target=target, args=args)
    process.start()
    return process


def test_killed_at_every_write_to_the_journal(tmp_path: Path) -> None:
    study = config(n_trials=3, include_default=None, pruner={"kind": "median", "startup_trials": 1}, final_seeds=0)
    run(study, tmp_path / "whole.journal")
    expected = facts(tmp_path / "whole.journal")
    writes = len((tmp_path / "whole.journal").read_text().splitlines())
    assert writes > 30
    for write in range(1, writes + 1):
        how = "torn" if write % 2 else "after"
        storage = tmp_path / f"killed{write}.journal"
        process = _child(_dies_at, study, storage, write, how)
        process.join()
        assert process.exitcode == 9
        run(study, storage)
        assert facts(storage) == expected, f"killed at write {write} ({how})"


def _slow(study: TuneConfig, storage: Path) -> None:
    run(study, storage, Fake(pause=0.01))
    os._exit(0)


def test_killed_at_random_moments(tmp_path: Path) -> None:
    study = config(n_trials=6)
    run(study, tmp_path / "whole.journal")
    moments = random.Random(5)
    storage, kills = tmp_path / "killed.journal", 0
    while True:
        process = _child(_slow, study, storage)
        process.join(0.08 + moments.random() * 0.1 + kills * 0.01)
        if process.exitcode == 0:
            break
        process.kill()
        process.join()
        kills += 1
        assert kills < 40
    assert kills >= 3
    assert facts(storage) == facts(tmp_path / "whole.journal")
    again, whole = load_result(storage), load_result(tmp_path / "whole.journal")
    assert again.comparison == whole.comparison
    # A run was taken up again as often as the process died in it, and never anew in another folder.
    assert sorted(path.name for path in (tmp_path / "killed.runs").glob("trial_*")) == [
        f"trial_{n:04d}" for n in range(6)
    ]


def _holds(root: str, ready: Any) -> None:
    with lock(locate(root)):
        ready.set()
        time.sleep(30)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    storage, ready = tmp_path / "study.journal", fork.Event()
    process = _child(_holds, str(storage), ready)
    assert ready.wait(10)
    with pytest.raises(SearchError, match=rf"tuned by another process \(process {process.pid}\): one at a time$"):
        run(config(), storage)
    assert not storage.exists()
    process.kill()
    process.join()
    run(config(n_trials=1, final_seeds=0), storage)  # the kernel let go of the dead process's lock


def test_repair_cuts_only_a_torn_line(tmp_path: Path) -> None:
    journal = tmp_path / "s.journal"
    whole = b'{"op_code":0,"x":1}\n{"op_code":4}\n'
    for tail, cut in ((b"", False), (b'{"op_code":4,"tri', True), (b"{", True)):
        journal.write_bytes(whole + tail)
        assert repair(journal) is cut
        assert journal.read_bytes() == whole
    journal.write_bytes(b'{"op_c')
    assert repair(journal) and journal.read_bytes() == b""
    assert repair(journal) is False
    Path(f"{journal}.lock").symlink_to(journal)
    repair(journal)
    assert not Path(f"{journal}.lock").is_symlink()


# --- what is refused -----------------------------------------------------------------------------------------------


def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    items = tmp_path / "items.csv"
    items.write_text("length,width,height")
    for attempt in (lambda: run(config(), items), lambda: load_study(items)):
        with pytest.raises(SearchError, match=r"items\.csv is not a study's journal: choose another file"):
            attempt()
    assert items.read_text() == "length,width,height"
    assert [path.name for path in tmp_path.iterdir()] == ["items.csv"]


@pytest.mark.parametrize(
    ("changes", "field", "before", "now"),
    [
        ({"train": TrainConfig(total_steps=600, eval_every=100, n_envs=4)}, "train.total_steps", 300, 600),
        (
            {"space": SPACE.only("learning_rate", "n_epochs")},
            "space.parameters.net_arch.type",
            "categorical",
            "nothing",
        ),
        ({"sampler": "random"}, "sampler.kind", "tpe", "random"),
        ({"pruner": "median"}, "pruner.kind", "none", "median"),
        ({"seeds": 3}, "seeds", 2, 3),
        ({"n_trials": 1}, "n_trials", 2, 1),
    ],
)
def test_another_configuration_is_refused(tmp_path: Path, changes: dict, field: str, before: Any, now: Any) -> None:
    storage = tmp_path / "study.journal"
    run(config(n_trials=2, final_seeds=0), storage)
    kept = storage.read_bytes()
    with pytest.raises(SearchError) as error:
        run(config(**{"n_trials": 2, "final_seeds": 0, **changes}), storage)
    assert f"was made with {field} = {before}, not {'nothing' if now is None else now}: use the same" in str(
        error.value
    )
    assert storage.read_bytes() == kept


def test_the_same_study_by_other_names_and_units_goes_on(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("k.csv", "copy.csv"):
        Path(name).write_text("length,width,height,quantity,unit\n20,30,40,5,mm\n")

    def study(trials: int, every: int | None, **env: Any) -> TuneConfig:
        train = TrainConfig(env=EnvConfig(**env), total_steps=300, eval_every=every, n_envs=4)
        return config(train=train, n_trials=trials, final_seeds=0, include_default=None)

    run(study(1, 150, items="k.csv", cell="1cm"), "study.journal")
    run(study(2, None, items=str(tmp_path / "copy.csv"), cell="10mm"), "study.journal")
    assert len(load_result("study.journal").rows) == 2
    with pytest.raises(SearchError, match=r"made with train\.env\.cell = 10 mm, not 20 mm: use the same"):
        run(study(2, 150, items="k.csv", cell="2cm"), "study.journal")


def test_what_no_trial_could_run_with_is_refused_before_the_first(tmp_path: Path, monkeypatch) -> None:
    storage = tmp_path / "study.journal"
    start = TrainConfig(total_steps=300, n_envs=4, start_from="cut_1_k1")
    other = Space(parameters={"channels": Categorical(choices=(16, 32, 64))})
    for train, space, message in (
        (start, other, "start_from cut_1_k1: its network has other layers than this run's policy"),
        (start.model_copy(update={"start_from": str(tmp_path)}), SPACE, r"no agent here \(agent\.json is missing\)"),
    ):
        with pytest.raises(ValueError, match=message):
            run(config(train=train, space=space, final_seeds=0), storage)
    monkeypatch.setattr("binpack.agents.limits.available_memory", lambda: 4 * 2**20)
    space = Space(parameters={"n_steps": Categorical(choices=(16, 4096))})
    with pytest.raises(ValueError, match="a rollout of n_steps 4096 x n_envs 4 observations of 1 candidates x 10x10"):
        run(config(space=space, final_seeds=0), storage)
    assert not list(tmp_path.iterdir())


def test_edited_items_are_refused(tmp_path: Path) -> None:
    items, storage = tmp_path / "k.csv", tmp_path / "study.journal"
    items.write_text("length,width,height,quantity\n2,3,4,5\n")
    study = config(
        train=TrainConfig(env=EnvConfig(items=str(items)), total_steps=300, eval_every=100, n_envs=4), n_trials=1
    )
    first = run(study, storage)
    assert not first.comparison.same_file and "200 unseen streams" in first.summary()
    kept = storage.read_bytes()
    items.write_text("length,width,height,quantity\n2,3,4,6\n")
    with pytest.raises(SearchError) as error:
        run(study, storage)
    assert str(error.value) == (
        f"study study in {storage} was made with other items than {items} holds now: "
        "use the same, another storage or another name"
    )
    assert storage.read_bytes() == kept
    items.write_text("length,width,height,quantity\n2,3,4,5\n")
    assert run(study, storage) == first
    # A study from before this was kept goes on.
    entry = load_study(storage).user_attrs["binpack"]
    load_study(storage).set_user_attr("binpack", {name: entry[name] for name in ("id", "config")})
    items.write_text("length,width,height,quantity\n2,3,4,6\n")
    assert run(study, storage) == replace(first, items=None)


def test_a_file_of_streams_is_not_called_unseen(tmp_path: Path) -> None:
    path = tmp_path / "k.npz"
    item_source("random:2-3", (5, 5, 5)).sample(np.random.default_rng(0), 4).save(path)
    env = EnvConfig(bin_size=(5, 5, 5), items=str(path))
    train = TrainConfig(env=env, total_steps=300, eval_every=100, n_envs=4)
    result = run(config(train=train, n_trials=1), tmp_path / "s.journal")
    assert "scored on 200 streams drawn from the same file as the tuning streams):" in result.summary()
    assert load_result(tmp_path / "s.journal") == result
    # A comparison from before this was kept, and its checksum, can be read.
    final = tmp_path / "s.runs" / "final.json"
    kept = json.loads(final.read_text())
    final.write_text(json.dumps({name: kept[name] for name in kept if name not in ("same_file", "checksum")}))
    assert not load_result(tmp_path / "s.journal").comparison.same_file


@pytest.mark.parametrize("tail", ["", '{"op_code":4,"tri'])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"op_code": garbage\n', ": line 1 is damaged"),
        ('{"op_code":1,"study_id":0}\n{"op_code":[]}\n', ": line 2 is damaged"),
        ('{"op_code":0,"worker_id":"a"}\n', r" \(KeyError: 'study_name'\)"),
        ('{"op_code":99,"worker_id":"a"}\n', r" \(AssertionError: Should not reach\.\)"),
    ],
)
def test_a_damaged_journal_is_named_and_left_alone(tmp_path: Path, text: str, reason: str, tail: str) -> None:
    journal = tmp_path / "half.journal"
    journal.write_text(text + tail)
    for attempt in (lambda: run(config(), journal), lambda: load_study(journal)):
        with pytest.raises(SearchError, match=rf"half\.journal is not a journal that can be read{reason}$"):
            attempt()
    assert journal.read_text() == text + tail
    assert list(tmp_path.iterdir()) == [journal]


def test_a_line_of_a_journal_that_is_missing_or_there_twice_is_noticed(tmp_path: Path) -> None:
    run(config(n_trials=2, final_seeds=0), tmp_path / "whole.journal")
    lines = (tmp_path / "whole.journal").read_text().splitlines(keepends=True)
    journal = tmp_path / "less.journal"
    for number in range(1, len(lines)):
        dropped = lines[: number - 1] + lines[number:]
        twice = [*lines[:number], *lines[number - 1 :]]
        for damaged, at, was in ((dropped, number, number + 1), (twice, number + 1, number)):
            journal.write_text("".join(damaged))
            with pytest.raises(
                SearchError, match=f"lost or gained lines: line {at} was line {was} when it was written"
            ):
                load_study(journal)
    journal.write_text("".join(lines[:-1]))  # a write that a power failure took back
    load_study(journal)


def test_lines_of_an_earlier_version_have_no_numbers_and_count(tmp_path: Path) -> None:
    journal = tmp_path / "s.journal"
    run(config(n_trials=1, final_seeds=0), journal)
    old = [json.loads(line) for line in journal.read_text().splitlines()]
    before = [json.dumps({name: value for name, value in line.items() if name != "line"}) for line in old]
    journal.write_text("\n".join(before) + "\n")
    run(config(n_trials=2, final_seeds=0), journal)
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [line.get("line") for line in lines] == [None] * len(old) + list(range(len(old) + 1, len(lines) + 1))
    journal.write_text("\n".join(before[:3] + before[4:]) + "\n" + json.dumps(lines[len(old)]) + "\n")
    with pytest.raises(SearchError, match=f"line {len(old)} was line {len(old) + 1} when it was written"):
        load_study(journal)


def test_reading_a_database_makes_and_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match=r"missing\.db: no such study \(there is no such file\)$"):
        load_study(f"sqlite:///{tmp_path}/missing.db")
    assert not list(tmp_path.iterdir())
    (tmp_path / "empty.db").touch()
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE mine (x)")
        connection.commit()
    for name in ("empty.db", "other.db"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(SearchError, match=rf"{name}: there is no study in it yet$"):
            load_study(f"sqlite:///{tmp_path}/{name}")
        assert (tmp_path / name).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.db", "other.db"]


def test_a_database_in_a_new_folder_and_by_its_path_alone(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(config(n_trials=1, final_seeds=0), "sqlite:///new/folder/x.db")
    assert load_result("new/folder/x.db") == result
    assert run(config(n_trials=2, final_seeds=0), tmp_path / "new" / "folder" / "x.db").rows[0] == result.rows[0]
    assert sorted(path.name for path in Path("new/folder").iterdir()) == ["x.db", "x.runs"]
    Path("file").touch()
    with pytest.raises(SearchError, match=r"sqlite:///file/x\.db cannot be opened as a study's storage: "):
        run(config(), "sqlite:///file/x.db")


def test_no_file_is_named_that_is_not_there(tmp_path: Path) -> None:
    """A study that was copied without its folder, or killed before it wrote there."""
    run(config(n_trials=2, final_seeds=0), tmp_path / "study.journal")
    result = load_result(tmp_path / "study.journal")
    assert f"Best configuration: {result.best_path}" in result.summary() and result.best_path.is_file()
    result.best_path.write_text('{"trial": 17}')
    assert "best.json" not in result.summary()
    result.best_path.unlink()
    assert "Best configuration: in no file yet, the same tune command writes it" in result.summary()


def test_a_text_file_is_not_made_a_database(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("SQLite notes")
    for attempt in (run, lambda study, url: load_study(url)):
        with pytest.raises(SearchError, match=r"notes\.txt is not an SQLite database: choose another file"):
            attempt(config(), f"sqlite:///{text}")
    assert text.read_text() == "SQLite notes"
    assert list(tmp_path.iterdir()) == [text]


def test_tuning_fills_an_empty_database(tmp_path: Path) -> None:
    (tmp_path / "study.db").touch()
    run(config(n_trials=1, final_seeds=0), f"sqlite:///{tmp_path}/study.db")
    assert len(load_study(f"sqlite:///{tmp_path}/study.db").trials) == 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://", "is a database in memory"),
        ("sqlite:///", "is a database in memory"),
        ("sqlite:///:memory:", "is a database in memory"),
        ("sqlite+pysqlite:///:memory:?timeout=3", "is a database in memory"),
        ("sqlite:///file::memory:?uri=true", "write the database's file as in sqlite:///study.db"),
        ("sqlite://study.db", "write the database's file as in sqlite:///study.db"),
        ("sqlite:///.", "is a folder"),
    ],
)
def test_a_database_without_a_file_is_refused(tmp_path: Path, monkeypatch, url: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SearchError) as error:
        run(config(), url)
    assert message in str(error.value) and "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_runs_of_another_study_are_not_taken_for_this_ones(tmp_path: Path) -> None:
    storage = tmp_path / "study.journal"
    run(config(n_trials=1, final_seeds=0), storage)
    storage.unlink()
    with pytest.raises(SearchError, match=r"study\.runs holds the runs of another study: move it away or delete it$"):
        run(config(n_trials=1, final_seeds=0), storage)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_trials": 0}, "n_trials: Input should be greater than or equal to 1"),
        ({"n_trials": None}, "n_trials: tpe search needs a number of trials"),
        ({"seeds": 0}, "seeds: Input should be greater than or equal to 1"),
        ({"final_seeds": 2}, "final_seeds: a comparison needs at least 3 training seeds (or 0: none), got 2"),
        ({"sampler": "cma"}, "sampler"),
        (
            {"sampler": {"kind": "grid", "points": 2}, "n_trials": 13},
            "n_trials: the grid has 12 cells, so at most 12 trials",
        ),
        ({"sampler": {"kind": "grid", "points": 0}}, "learning_rate: a grid needs at least 1 point, got 0"),
        ({"sampler": "grid", "include_default": True}, "include_default: a grid has its cells and nothing else"),
        ({"pruner": "mean"}, "pruner"),
        ({"pruner": {"kind": "none", "warmup": 3}}, "pruner"),
        (
            {"space": {"parameters": {"lr": {"type": "float", "low": 0, "high": 1}}}},
            "space: lr is no field of PPOConfig",
        ),
        (
            {"space": Space(parameters={"learning_rate": Float(low=-1, high=1)})},
            "space: learning_rate = -1.0: ",
        ),
        (
            {"space": Space(parameters={"learning_rate": Categorical(choices=(1e-4, -1.0, 1e-3))})},
            "space: learning_rate = -1.0: ",
        ),
        (
            {"space": Space(parameters={"learning_rate": Float(low=1, high=2)}), "include_default": True},
            "include_default: the default configuration is not in the space: learning_rate = ",
        ),
        (
            {"space": Space(parameters={"n_steps": Categorical(choices=(8, 64)), "batch_size": Int(low=8, high=64)})},
            "space: batch_size 64 does not go with n_steps 8: a rollout has 32 steps with 4 environments",
        ),
        (
            {"space": Space(parameters={"replicas": Categorical(choices=(1, 3))})},
            "space: replicas 3 does not go with n_envs 4, which is no multiple of it",
        ),
        (
            {"space": Space(parameters={"replicas": Int(low=1, high=4)})},
            "space: replicas 3 does not go with n_envs 4, which is no multiple of it",
        ),
        (
            {"space": Space(parameters={"clip_range": Float(low=0.1, high=1e308)})},
            "space: clip_range = 1e+308: clip_range: Input should be less than or equal to 1000000",
        ),
        (
            {"train": TrainConfig(eval_seed=20_000)},
            "seed 20000 is used both for tuning streams and for test streams",
        ),
        ({"trials": 3}, "trials: there is no such field"),
    ],
)
def test_bad_configurations_are_answered_in_one_line(changes: dict, message: str) -> None:
    with pytest.raises(SearchError) as error:
        config(**changes)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_the_default_configuration_lies_in_the_default_space() -> None:
    study = TuneConfig()
    assert study.default_is_trial_0
    assert not TuneConfig(include_default=False).default_is_trial_0
    assert not config(sampler={"kind": "grid", "points": 2}, n_trials=4, include_default=None).default_is_trial_0


def test_configuration_goes_through_json() -> None:
    study = config(pruner="median", sampler={"kind": "grid", "points": {"n_epochs": 2}}, n_trials=None)
    assert TuneConfig.from_json(study.to_json()) == study


def test_bad_storages(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for attempt, message in (
        (lambda: load_result(tmp_path / "no.journal"), r"no\.journal: no such study \(there is no such file\)$"),
        (lambda: locate(tmp_path), r"is a folder: the storage is one file, for example study\.journal$"),
        (lambda: locate("a.journal", "a/b"), r"^study name 'a/b': only letters"),
        (lambda: locate(""), r"^storage: a file name is missing$"),
        (lambda: run(config(), "nosql://x"), r"^nosql://x cannot be opened as a study's storage: "),
    ):
        with pytest.raises(SearchError, match=message):
            attempt()
    assert not list(tmp_path.iterdir())
    (tmp_path / "empty.journal").touch()
    with pytest.raises(SearchError, match=r"empty\.journal: there is no study in it yet$"):
        load_result(tmp_path / "empty.journal")
    optuna.create_study(storage=optuna.storages.JournalStorage(JournalFileBackend(str(tmp_path / "own.journal"))))
    with pytest.raises(SearchError, match=r"was not made by binpack: it holds no configuration$"):
        load_result(tmp_path / "own.journal")


# --- with real training --------------------------------------------------------------------------------------------


def test_real_training(tmp_path: Path) -> None:
    study = TuneConfig(
        train=TrainConfig(
            env=EnvConfig(bin_size=(5, 5, 5), items="random:2-3"),
            ppo=PPOConfig(channels=4, layers=1, batch_size=16, n_epochs=2, n_steps=8),
            total_steps=96,
            eval_every=32,
            eval_streams=5,
            n_envs=4,
            tensorboard=False,
        ),
        space=Space(parameters={"learning_rate": Float(low=1e-4, high=1e-2, log=True), "n_steps": Int(low=4, high=8)}),
        sampler="random",
        pruner="median",
        n_trials=2,
        seeds=2,
        test_streams=5,
    )
    stops = iter([True])

    def stopping(train: TrainConfig, folder: Path, *, on_evaluation=None) -> TrainResult:
        def report(step: int, score: float) -> None:
            on_evaluation(step, score)
            if step >= 64 and next(stops, False):
                raise KeyboardInterrupt

        return train_ppo(train, folder, on_evaluation=report)

    with pytest.raises(TuneInterrupted):
        tune(study, tmp_path / "study.journal", train=stopping, progress=False)
    result = tune(study, tmp_path / "study.journal", progress=False)
    assert [row["state"] for row in result.rows] == ["complete"] * 2 and result.rows[0]["default"]
    assert list(load_study(tmp_path / "study.journal").trials[0].intermediate_values) == [32, 64, 96, 128, 160, 192]
    assert all(192 <= row["steps"] < 192 + 2 * 32 for row in result.rows)
    assert all(0 < score <= 1 for score in result.comparison.best + result.comparison.default)
    agent = load_agent(tmp_path / "study.runs" / "trial_0001" / "seed_1")
    assert agent.config == study.train_config(result.rows[1]["params"], seed=1)


# --- the comparison ------------------------------------------------------------------------------------------------


def _compare(best: list[float], default: list[float], **changes: Any) -> Comparison:
    given = {"number": 3, "best_is_default": False, "streams": 50, "steps": 1000, "seeds": list(range(len(best)))}
    return Comparison(best=best, default=default, **{**given, **changes})


def test_comparison_says_what_the_interval_says() -> None:
    same = _compare([0.5, 0.7, 0.6], [0.6, 0.6, 0.6])
    assert not same.separable
    assert same.lines(0.7)[-1] == (
        "  best - default +0.0000, 95 % interval -0.2484 to +0.2484 over 3 seeds: not separable"
    )
    better = _compare([0.6, 0.8, 0.7], [0.5, 0.69, 0.58])
    assert better.separable and better.difference == pytest.approx(0.11)
    assert better.lines(0.9)[-1].endswith(" over 3 seeds: ahead")
    # All three are above 0, which a bootstrap of three takes for proof.
    lucky = _compare([0.52, 0.6, 0.88], [0.5, 0.5, 0.5])
    assert not lucky.separable and lucky.to_dict()["verdict"] == "not separable"
    stored = json.loads(json.dumps(better.to_dict()))
    assert (stored["verdict"], stored["separable"], stored["version"]) == ("ahead", True, 1)
    assert stored["difference_interval"] == [pytest.approx(0.0852, abs=1e-4), pytest.approx(0.1348, abs=1e-4)]
    assert Comparison.from_dict(stored) == better


def test_a_stored_comparison_is_judged_anew() -> None:
    """An earlier version stored the ends of a bootstrap, which said that these differ."""
    kept = {"best_interval": [0.52, 0.88], "difference_interval": [0.02, 0.38], "separable": True}
    facts = {"number": 3, "best_is_default": False, "streams": 50, "steps": 1000, "seeds": [1, 2, 3]}
    read = Comparison.from_dict({**facts, "best": [0.52, 0.6, 0.88], "default": [0.5, 0.5, 0.5], **kept})
    assert not read.separable and read.difference_interval.low < 0
    with pytest.raises(SearchError, match=r"^the comparison: written by a newer binpack \(format 2, "):
        Comparison.from_dict({**read.to_dict(), "version": 2})
    with pytest.raises(SearchError, match=r"^the comparison cannot be read: .*'number'"):
        Comparison.from_dict({"best": [1.0]})


def test_best_is_the_default(tmp_path: Path) -> None:
    space = Space(parameters={"n_epochs": Categorical(choices=(TrainConfig().ppo.n_epochs,))})
    result = run(config(space=space, n_trials=2, include_default=True), tmp_path / "s.journal")
    assert result.best == 0 and result.comparison.best_is_default and not result.comparison.separable
    assert "The best trial is the default configuration itself: tuning found nothing better." in result.summary()
    assert [path.name for path in (tmp_path / "s.runs").glob("final_*/")] == ["final_default"]


def test_table_of_a_plain_optuna_study() -> None:
    study = optuna.create_study()
    study.add_trial(
        optuna.trial.create_trial(
            params={"x": 1.0}, distributions={"x": optuna.distributions.FloatDistribution(0, 2)}, value=3.0
        )
    )
    (row,) = trials_table(study)
    assert (row["value"], row["params"], row["spread"], row["error"]) == (3.0, {"x": 1.0}, None, None)


class TestWorkers:
    def test_the_result_does_not_depend_on_the_number_of_jobs(self, tmp_path):
        space = Space(parameters={"learning_rate": Float(low=1e-4, high=1e-2, log=True)})
        small = TrainConfig(
            env=EnvConfig(bin_size=(4, 4, 4), items="random:2-3"),
            ppo=PPOConfig(n_steps=8, batch_size=16, n_epochs=1, channels=2, layers=1),
            total_steps=64,
            n_envs=4,
            eval_streams=4,
            tensorboard=False,
        )
        config = TuneConfig(train=small, space=space, n_trials=2, seeds=2, final_seeds=3, test_streams=4)
        alone = tune(config, tmp_path / "a.journal", progress=False)
        together = tune(config, tmp_path / "b.journal", progress=False, jobs=2)

        def facts(result):
            rows = [{name: row[name] for name in ("value", "scores", "params", "steps")} for row in result.rows]
            return rows, result.comparison.to_dict()

        assert facts(alone) == facts(together)

    def test_each_run_is_told_as_it_ends(self, tmp_path):
        told = []
        with Workers(2) as workers:
            workers.train_ahead(ends, [(0, tmp_path / str(number)) for number in range(3)], lambda: told.append(0))
        assert len(told) == len(list(tmp_path.iterdir())) == 3

    def test_fresh_runs_have_a_bar_while_they_train(self, tmp_path, capsys):
        parts = {"one": lambda seed: TrainConfig(seed=seed)}
        with Workers(2) as workers:
            runs = FreshRuns(tmp_path, parts, [1, 2, 3], 4, lambda folder: 0.5)
            assert runs.run(ends, workers, lambda: None, progress=True) == {"one": [0.5] * 3}
        said = capsys.readouterr().err
        assert "trained anew" in said and said.index("trained anew") < said.index("held out")

    def test_workers_end_with_the_process_that_was_killed(self, tmp_path):
        script = textwrap.dedent(f"""
            import pathlib, sys
            sys.path.insert(0, {str(Path(__file__).parent)!r})
            from test_study import beat
            from binpack.search.workers import Workers
            if __name__ == "__main__":
                with Workers(2) as workers:
                    workers.train_ahead(beat, [(0, pathlib.Path({str(tmp_path)!r}) / str(i)) for i in range(2)])
        """)
        path = tmp_path / "run.py"
        path.write_text(script)
        process = subprocess.Popen([sys.executable, str(path)])
        files = [tmp_path / "0", tmp_path / "1"]
        deadline = time.monotonic() + 60
        while not all(file.exists() for file in files) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
        process.wait()
        time.sleep(0.5)
        stopped = [file.read_text() for file in files]
        time.sleep(0.5)
        assert [file.read_text() for file in files] == stopped


def ends(_config, path):
    """Leave a folder, as a training that was quick would."""
    path.mkdir(parents=True, exist_ok=True)


def beat(_config, path):
    """Write a growing number for a minute, as a training that goes on would."""
    for number in range(1200):
        path.write_text(str(number))
        time.sleep(0.05)


def test_names_and_errors_of_a_study_are_shown_as_text():
    """Markup, emoji codes and escape codes in a title, a name, a value or an error are letters like others."""
    text = "[final] [/s] :smile: \x1b[31m\u202e상자"
    row = {"number": 0, "state": "fail", "value": None, "spread": None, "steps": 1, "default": False}
    for names in (["[b]x[/b]"], [f"[b]{number}[/s]" for number in range(6)]):
        params = dict.fromkeys(names, text)
        table = rich_table([{**row, "params": params, "error": text}], title=f"Study {text}")
        console = Console(width=1000, file=io.StringIO())
        console.print(table)
        shown = console.file.getvalue()
        assert f"Study {terminal(text)}" in shown and shown.count(terminal(text)) == len(names) + 2
        assert all(name in shown for name in names) and "\x1b" not in shown


@pytest.mark.parametrize("parameters", [1, 3, 5, 6, 12])
def test_a_terminal_of_any_width_shows_every_setting(parameters: int) -> None:
    values = {f"parameter_{number}": number + 0.125 for number in range(parameters)}
    row = {"number": 7, "state": "pruned", "value": 0.25, "spread": 0.5, "steps": 4096, "default": True}
    rows = [{**row, "params": values, "error": error} for error in (None, "ValueError: it went wrong")]
    for width in (20, 30, 40, 60, 80, 100, 120, 200):
        console = Console(width=width, file=io.StringIO())
        console.print(rich_table(rows, "Study s", 7, width))
        shown = "".join(console.file.getvalue().split())
        letters = "".join(letter for letter in shown if letter not in "│┃")
        for text in (*values, *(f"{value:.3g}" for value in values.values()), "*7", "0.2500", "0.5000", "4096"):
            assert text in letters, (width, text)
        assert "…" not in shown and "went" in shown and "default" in shown
        assert max(map(len, console.file.getvalue().splitlines())) <= width


def test_a_result_as_json_has_no_number_that_json_lacks(tmp_path: Path) -> None:
    result = run(config(n_trials=2), tmp_path / "s.journal", lambda *args, **kwargs: Done(0.5))
    result.rows[0]["scores"] = [math.nan, 0.5, math.inf]
    told = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert told["trials"][0]["scores"] == [None, 0.5, None] and told["study"] == "study"
