"""Jobs from their JSON to their result: training, grids, Optuna with ASHA, resuming, being killed, being refused."""

from __future__ import annotations

import importlib.util
import itertools
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import kills
import optuna
import pytest

from binpack.search._model import SearchError
from binpack.search.action import conduct
from binpack.search.action.conduct import TrainingFailed, perform
from binpack.search.action.distributions import KINDS
from binpack.search.action.entrypoint import accepts
from binpack.search.action.faults import JobError
from binpack.search.action.job import parse_job
from binpack.search.action.schedulers import SCHEDULERS
from binpack.search.action.support import SUPPORT
from binpack.search.action.table import Notebook, TrialTable
from binpack.search.engines.engine import ENGINES, scheduler_table
from binpack.search.engines.models.suggesting import MODELS
from binpack.search.locks import lock
from binpack.search.storage import Location

X = {"name": "x", "type": "uniform", "min": 0, "max": 1}
ONE_TO_THREE = {"name": "x", "type": "grid_search", "options": [1, 2, 3]}
fork = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    """Let jobs find toy.py, in processes of their own as well."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def training(**params):
    """Return a job that trains the toy."""
    return {
        "action": "train",
        "params": {"name": "toy", "dataset": "random", "entrypoint": "toy", "hyperparameter": {"x": 2}, **params},
    }


def tuning(*varied, entrypoint="toy", hyperparameter=None, **settings):
    """Return a job that tunes the toy, one trial after another unless it says so."""
    config = {"mode": "max", "metric": "score", "max_concurrent_trials": 1, **settings}
    job = training(entrypoint=entrypoint, is_tune=True, hyperparameters=list(varied) or [X], tune_config=config)
    job["params"]["hyperparameter"] = hyperparameter or {}
    return job


def refused(job, out):
    """Return what is wrong with a job, of which nothing is left."""
    with pytest.raises(JobError) as error:
        perform(job, out)
    assert not out.exists()
    return {fault.place: fault.what for fault in error.value.faults}


def test_a_training_run(tmp_path):
    events = []
    result = perform(training(checkpoint="earlier"), tmp_path / "out", events.append)
    (model,) = result["trial_models"]
    assert result["best_trial"] == {name: value for name, value in model.items() if name != "model_id"}
    assert model["trial_logdir"] == str(tmp_path / "out" / "train") and model["model_id"] == result["model_id"]
    assert model["config"] == {"x": 2}
    assert model["metrics"]["score"] == 6 and model["metrics"]["began_from"] == "earlier"
    assert json.loads((tmp_path / "out" / "result.json").read_text()) == result
    assert events[-1]["percent"] == 100
    # at its end it is not trained again
    assert perform(training(checkpoint="earlier"), tmp_path / "out") == result
    assert (tmp_path / "out" / "train" / "calls").read_text() == "done\n"


def test_a_grid_of_twelve_points(tmp_path):
    job = tuning(ONE_TO_THREE, {"name": "y", "type": "grid_search", "options": ["a", "b", [1], None]})
    result = perform(job, tmp_path)
    configs = [(model["config"]["x"], model["config"]["y"]) for model in result["trial_models"]]
    assert configs == list(itertools.product([1, 2, 3], ["a", "b", [1], None]))
    assert result["best_trial"]["config"] == {"x": 3, "y": "a"} and result["best_trial"]["metrics"]["score"] == 9
    ids = [model["model_id"] for model in result["trial_models"]]
    assert len(set(ids)) == 12 and result["model_id"] == ids[8]
    assert json.loads((tmp_path / "best.json").read_text()) == {
        "model_id": ids[8],
        "trial_logdir": str(tmp_path / "trials" / "trial_00008"),
        "artifact": str(tmp_path / "trials" / "trial_00008" / "model"),
    }
    assert all((Path(model["trial_logdir"]) / "model").is_file() for model in result["trial_models"])


def test_optuna_with_asha_stops_trials_on_the_way(tmp_path):
    options = {"max_t": 3, "grace_period": 1, "reduction_factor": 2}
    job = tuning(X, num_samples=20, search_alg="optunasearch", scheduler={"name": "asha", "options": options})
    events = []
    result = perform(job, tmp_path, events.append)
    ended = [event for event in events if event["event"] == "trial" and event["status"] == "TERMINATED"]
    stopped = [event for event in ended if event.get("stopped")]
    assert len(ended) == 20 and 5 <= len(stopped) <= 19
    assert all(event["metrics"]["training_iteration"] < 3 for event in stopped)
    assert result["best_trial"]["metrics"]["training_iteration"] == 3
    study = optuna.load_study(
        study_name="study",
        storage=optuna.storages.JournalStorage(
            optuna.storages.journal.JournalFileBackend(str(tmp_path / "trials" / "study.journal"))
        ),
    )
    assert [trial.state.name for trial in study.trials].count("PRUNED") == len(stopped)


@pytest.mark.parametrize("scheduler", ["fifo", "median", "asha", "hyperband"])
def test_every_scheduler_of_the_engine_runs_and_only_fifo_stops_nothing(tmp_path, scheduler):
    events = []
    options = {"max_t": 3} if scheduler in ("asha", "hyperband") else {}
    job = tuning(X, num_samples=12, scheduler={"name": scheduler, "options": options}, mode="min")
    perform(job, tmp_path, events.append)
    stopped = [event for event in events if event.get("stopped")]
    assert (stopped == []) == (scheduler == "fifo")


def test_time_may_be_a_metric(tmp_path):
    scheduler = {"name": "asha", "options": {"max_t": 3, "time_attr": "step"}}
    result = perform(tuning(X, num_samples=3, scheduler=scheduler), tmp_path / "a")
    assert result["best_trial"]["metrics"]["step"] == 3
    scheduler["options"]["time_attr"] = "hours"
    with pytest.raises(TrainingFailed, match="no trial has a result: SearchError: time_attr 'hours'"):
        perform(tuning(X, num_samples=3, scheduler=scheduler), tmp_path / "b")


def test_points_to_evaluate_come_first(tmp_path):
    y = {"name": "y", "type": "choice", "options": [[1], [2, 3]]}
    for search in ("optunasearch", "basicvariantgenerator"):
        points = [{"x": 0.25, "y": [2, 3]}, {"x": 0.5}]
        job = tuning(X, y, num_samples=4, search_alg={"name": search, "points_to_evaluate": points})
        result = perform(job, tmp_path / search)
        configs = [model["config"] for model in result["trial_models"]]
        assert configs[0] == {"x": 0.25, "y": [2, 3]} and configs[1]["x"] == 0.5 and len(configs) == 4


def test_hyperopt_goes_on_from_what_was_seen_as_if_it_had_not_been_interrupted(tmp_path):
    if (line := MODELS["hyperoptsearch"].missing) is not None:
        pytest.skip(f"hyperoptsearch {line}")
    job = tuning(X, num_samples=23, search_alg={"name": "hyperoptsearch", "points_to_evaluate": [{"x": 0.25}]})
    whole = perform(job, tmp_path / "whole")
    configs = [model["config"] for model in whole["trial_models"]]
    assert configs[0] == {"x": 0.25} and len({config["x"] for config in configs}) == 23
    job["params"]["tune_config"]["num_samples"] = 21
    perform(job, tmp_path / "parts")
    job["params"]["tune_config"]["num_samples"] = 23
    assert [model["config"] for model in perform(job, tmp_path / "parts")["trial_models"]] == configs


def test_a_job_of_ones_own_waits_for_no_torch(tmp_path):
    job, here = tuning(num_samples=2), str(Path(__file__).parent)
    program = (
        f"import sys; sys.path.append({here!r}); from binpack.search.action.conduct import perform; "
        f"perform({job!r}, {str(tmp_path / 'out')!r}); print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_fixed_values_are_part_of_a_trials_configuration(tmp_path):
    result = perform(tuning(X, hyperparameter={"depth": 3}), tmp_path)
    assert result["best_trial"]["config"]["depth"] == 3


def test_a_trial_that_fails_is_kept_as_such(tmp_path):
    events = []
    result = perform(tuning(ONE_TO_THREE, entrypoint="toy:fails"), tmp_path, events.append)
    last = {event["trial_id"]: event for event in events if event["event"] == "trial"}
    assert [event["status"] for event in last.values()] == ["TERMINATED", "ERROR", "TERMINATED"]
    assert [event.get("error") for event in last.values()] == [None, "RuntimeError: two is too many", None]
    assert result["best_trial"]["config"] == {"x": 3} and result["model_id"] is None
    with pytest.raises(TrainingFailed, match="no trial has a result: there is no metric 'score'"):
        perform(tuning(ONE_TO_THREE, entrypoint="toy:other"), tmp_path / "other")
    with pytest.raises(TrainingFailed, match="RuntimeError: two is too many .*error.txt"):
        perform(training(entrypoint="toy:fails"), tmp_path / "train")


def test_trials_side_by_side_and_one_whose_process_is_killed(tmp_path):
    events = []
    job = tuning(ONE_TO_THREE, entrypoint="toy:dies", max_concurrent_trials=2)
    result = perform(job, tmp_path, events.append)
    errors = [event["error"] for event in events if event.get("error")]
    assert errors == ["the process that trained it was killed by SIGKILL"]
    assert [model["metrics"]["score"] for model in result["trial_models"]] == []
    assert result["best_trial"]["config"] == {"x": 3}


def test_a_finished_job_grows_by_more_samples_and_keeps_what_it_has(tmp_path):
    job = tuning(X, num_samples=3, search_alg="optunasearch")
    before = perform(job, tmp_path)
    job["params"]["tune_config"] |= {"num_samples": 5, "max_concurrent_trials": 1}
    after = perform(job, tmp_path)
    assert after["trial_models"][:3] == before["trial_models"] and len(after["trial_models"]) == 5
    calls = [(Path(model["trial_logdir"]) / "calls").read_text() for model in after["trial_models"]]
    assert calls == ["done\n"] * 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"num_samples": 2}, "params.tune_config.num_samples 3, not 2"),
        ({"mode": "min"}, 'params.tune_config.mode "max", not "min"'),
    ],
)
def test_a_folder_holds_one_job(tmp_path, change, words):
    job = tuning(X, num_samples=3)
    perform(job, tmp_path)
    job["params"]["tune_config"] |= change
    with pytest.raises(SearchError, match=f"holds another job, with {words}: choose another folder"):
        perform(job, tmp_path)


def test_a_file_of_items_that_changed_is_another_job(tmp_path):
    items = tmp_path / "boxes.csv"
    items.write_text("length,width,height\n1,1,1\n")
    perform(training(dataset=str(items)), tmp_path / "out")
    items.write_text("length,width,height\n2,1,1\n")
    with pytest.raises(SearchError, match="holds another job, with other items"):
        perform(training(dataset=str(items)), tmp_path / "out")


def test_one_process_at_a_time(tmp_path):
    def try_it(out, queue):
        try:
            perform(training(), out)
        except SearchError as error:
            queue.put(str(error))

    with lock(Location(str(tmp_path), "study", tmp_path / "job.json", tmp_path, tmp_path)):
        queue = fork.Queue()
        other = fork.Process(target=try_it, args=(tmp_path, queue))
        other.start()
        assert f"is being tuned by another process (process {os.getpid()})" in queue.get(timeout=60)
        other.join()


def test_killed_at_any_moment_the_same_call_ends_as_one_that_was_not(tmp_path):
    """Kills come at random times of the run; what was finished is never trained again, and nothing is missing."""
    names, trials = ("x", "y"), kills.trials(8, 12)
    job = tuning(
        *({**X, "name": name} for name in names),
        num_samples=trials,
        search_alg="optunasearch",
        hyperparameter={"pause": 0.01},
    )
    whole = perform(job, tmp_path / "whole")
    rng, out, killed = random.Random(3), tmp_path / "killed", 0
    while not (out / "result.json").exists() and killed < kills.most(50):
        process = fork.Process(target=perform, args=(job, out))
        process.start()
        process.join(rng.uniform(0.05, 0.6))
        if process.is_alive():
            killed += 1
            os.kill(process.pid, signal.SIGKILL)
            process.join()
    result = perform(job, out)
    assert kills.enough(killed)
    assert [model["config"] for model in result["trial_models"]] == [m["config"] for m in whole["trial_models"]]
    assert [model["metrics"] for model in result["trial_models"]] == [m["metrics"] for m in whole["trial_models"]]
    # one more is a trial that was killed between its end and its entry
    calls = [(Path(model["trial_logdir"]) / "calls").read_text().count("done") for model in result["trial_models"]]
    assert len(calls) == trials and sum(calls) <= trials + killed


def _old(params, dataset, best, number, folder, held, progress):
    """Conclude as hooks did before there was `ahead`."""
    return [f"old {number}"]


def _new(params, dataset, best, number, folder, held, progress, ahead=None):
    return [f"new {number} {'alone' if ahead is None else ahead('asked')}"]


def _any(*given, **more):
    return [f"any {len(given)} {sorted(more)}"]


@pytest.mark.parametrize(
    ("conclude", "alone", "helped"),
    [
        (_old, "old 0", "old 0"),
        (_new, "new 0 alone", "new 0 trained"),
        (_any, "any 7 []", "any 7 ['ahead']"),
    ],
)
def test_a_hook_is_handed_what_its_signature_allows(tmp_path, monkeypatch, conclude, alone, helped):
    import toy

    monkeypatch.setattr(toy, "conclude", conclude, raising=False)
    for engine, said in (("local", alone), ("toy:AHEAD", helped)):
        job = tuning(ONE_TO_THREE, mode="min")
        job["params"]["engine"] = engine
        events = []
        perform(job, tmp_path / engine.replace(":", "_"), events.append)
        assert [event["lines"] for event in events if event["event"] == "comparison"] == [[said]]


def test_what_cannot_be_looked_at_accepts_nothing():
    assert not accepts(dict, "ahead") and accepts(_new, "folder")
    assert not accepts(lambda ahead, /: None, "ahead")


def test_what_the_engine_cannot_do_is_refused_before_anything_starts(tmp_path):
    out = tmp_path / "out"
    job = tuning(X, search_alg="hyperoptsearch", scheduler="pbt")
    job["params"]["engine"] = "toy:FEW"
    assert refused(job, out) == {
        "params.tune_config.search_alg": "the engine toy:FEW has no hyperoptsearch; it has basicvariantgenerator",
        "params.tune_config.scheduler": "the engine toy:FEW has no pbt; it has fifo, asha",
    }
    job = tuning(X)
    job["params"] |= {"engine": "cloud", "dataset": "nowhere.csv", "entrypoint": "no_such_toy"}
    found = refused(job, out)
    assert list(found) == ["params.dataset", "params.engine", "params.entrypoint"]
    assert found["params.engine"].startswith("engine 'cloud' is not one of local")


@pytest.mark.parametrize(
    ("search", "command"),
    [
        ("bayesoptsearch", 'pip install "bayesian-optimization==1.4.3"'),
        ("hyperoptsearch", "pip install hyperopt"),
        ("axsearch", "pip install ax-platform"),
    ],
)
def test_a_search_whose_library_is_missing_is_refused_with_what_installs_it(tmp_path, monkeypatch, search, command):
    real = importlib.util.find_spec
    gone = ("bayes_opt", "hyperopt", "ax")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name in gone else real(name, *more))
    assert refused(tuning(X, search_alg=search), tmp_path / "out") == {
        "params.tune_config.search_alg": f"{search} needs a package that is not installed: {command}"
    }


@pytest.mark.parametrize("engine", ENGINES.names)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_cell_of_the_table_of_schedulers(tmp_path, scheduler, engine):
    heads, _, *rows = [[cell.strip(" `") for cell in row.split("|")[1:-1]] for row in scheduler_table().splitlines()]
    cells = {row[0]: dict(zip(heads, row, strict=True)) for row in rows}
    assert (cells[scheduler][engine] == "yes") == (scheduler in ENGINES.get(engine).schedulers)
    job = tuning(X, scheduler=scheduler)
    job["params"]["engine"] = engine
    if cells[scheduler][engine] != "yes":
        assert "params.tune_config.scheduler" in refused(job, tmp_path / "out")


@pytest.mark.parametrize("search", sorted(ENGINES.get("local").searches))
def test_every_supported_distribution_is_really_sampled(tmp_path, search):
    fields = {
        "min": 1, "max": 9, "base": 10, "q": 2, "mean": 0, "sd": 1, "options": [1, 2],
    }  # fmt: skip
    varied = [
        {"name": kind, "type": kind, **{key: fields[key] for key in model.model_fields if key in fields}}
        for kind, model in KINDS.items()
        if kind in SUPPORT[search]
    ]
    if search in MODELS and MODELS[search].missing is not None:
        pytest.skip(f"{search} {MODELS[search].missing}")
    job = tuning(X, *varied, num_samples=2, search_alg=search)
    result = perform(job, tmp_path)
    read = parse_job(job)[0].params.varied
    for model in result["trial_models"]:
        assert all(read[name].contains(value) for name, value in model["config"].items())


def test_a_notebook_shows_the_table_and_renews_it(tmp_path, monkeypatch, capsys):
    shown = []

    class Handle:
        def update(self, table):
            shown.append(table._repr_html_())

    monkeypatch.setattr("IPython.display.display", lambda table, display_id: Handle())
    perform(tuning(ONE_TO_THREE), tmp_path, Notebook(TrialTable("score", "max")))
    assert "<caption>3 TERMINATED</caption>" in shown[-1] and "RUNNING" in shown[-2]
    assert capsys.readouterr().out.splitlines()[0].endswith("_00000] x is 1")


def test_what_a_trial_costs_beside_its_training(tmp_path, monkeypatch):
    """The engine writes a trial's entries and no more: at most 12 appends, whatever is reported."""
    appended = []
    real = optuna.storages.journal.JournalFileBackend.append_logs
    monkeypatch.setattr(
        optuna.storages.journal.JournalFileBackend,
        "append_logs",
        lambda self, logs: (appended.append(len(logs)), real(self, logs))[1],
    )
    perform(tuning(X, num_samples=5), tmp_path)
    assert len(appended) <= 2 + 5 * 12


def test_a_newer_folder_is_not_misread(tmp_path):
    perform(training(), tmp_path)
    stored = json.loads((tmp_path / "job.json").read_text())
    (tmp_path / "job.json").write_text(json.dumps({**stored, "version": conduct.ACTION_VERSION + 1}))
    with pytest.raises(SearchError, match="written by a newer binpack"):
        perform(training(), tmp_path)
