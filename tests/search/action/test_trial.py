"""A call of an entrypoint: every form of result, the ``run`` object, and what it goes on from."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib
import pytest
from PIL import Image

from binpack.search._model import SearchError
from binpack.search.action import ids, names
from binpack.search.action.entrypoint import find
from binpack.search.action.progress import WEIGHTS, Progress
from binpack.search.action.result import Trial, best_of, outcome
from binpack.search.action.run import Run
from binpack.search.action.trial import Assignment, run_trial

matplotlib.use("agg")


class Ears:
    """A channel that remembers."""

    def __init__(self, stop_at=None):
        self.events, self.reports, self.stop_at = [], [], stop_at

    def event(self, event):
        print("heard")  # where the test's own output goes, and not to the run
        self.events.append(event)

    def report(self, metrics):
        self.reports.append(dict(metrics))
        return metrics["training_iteration"] == self.stop_at


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Return what calls a function of toy.py."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))

    def call(function="", x=2, ears=None, tuning=True, trial_id="t_1", checkpoint=None):
        assignment = Assignment(
            entrypoint=f"toy:{function}" if function else "toy",
            tuning=tuning,
            trial_id=trial_id,
            folder=tmp_path / "trial",
            dataset="random",
            hyperparameter={"x": x},
            checkpoint=checkpoint,
            metric="score",
            also={"num_cpus": 1},
        )
        return run_trial(assignment, ears or Ears())

    return call


def test_reports_on_the_way_are_merged_into_the_result(call, tmp_path):
    ears = Ears()
    left = call(ears=ears, checkpoint="before")
    assert [report["score"] for report in ears.reports] == [2, 4, 6]
    assert left.metrics == {
        "training_iteration": 3, "score": 6, "step": 3, "dataset": "random", "began_from": "before", "num_cpus": 1,
    }  # fmt: skip
    assert (left.artifact, left.ended, left.error) == (str(tmp_path / "trial" / "model"), False, None)


def test_a_number_a_report_and_nothing_are_results_too(call, tmp_path):
    assert call("number").metrics == {"score": 2.0}
    assert call("number").artifact is None
    left = call("report")
    assert (left.metrics, left.artifact) == ({"score": 2}, str(tmp_path / "trial" / "elsewhere"))
    left = call("nothing")
    assert left.metrics == {"training_iteration": 2, "score": 2.0, "loss": "nan"}
    assert left.artifact == str(tmp_path / "trial" / "weights")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("words", "a result is a dict, a number or a report, not str"),
        ("other", "there is no metric 'score' in the result, which has loss"),
        ("fails", "RuntimeError: two is too many"),
    ],
)
def test_what_is_no_result_is_an_error_of_the_trial(call, tmp_path, function, words):
    left = call(function)
    assert (left.error, left.artifact) == (words, None)
    if function == "fails":
        assert "Traceback" in (tmp_path / "trial" / "error.txt").read_text()


def test_a_trial_ends_where_the_scheduler_says(call):
    ears = Ears(stop_at=2)
    left = call(ears=ears)
    assert left.ended and left.error is None and left.metrics["score"] == 4 and len(ears.reports) == 2


def test_the_trials_id_is_in_every_log_line(call, tmp_path, capsys):
    ears = Ears()
    assert call("talks", ears=ears).error is None
    lines = [event["line"] for event in ears.events if event["event"] == "log"]
    assert lines == ["printed", "and more", "WARNING toy: warned", "logged"]
    assert all(event["trial_id"] == "t_1" for event in ears.events)
    assert (tmp_path / "trial" / "log.txt").read_text().splitlines() == [f"[t_1] {line}" for line in lines]
    assert set(capsys.readouterr().out.splitlines()) == {"heard"}
    call("talks", ears=Ears(), trial_id=None)
    assert (tmp_path / "trial" / "log.txt").read_text().splitlines()[-1] == "logged"


def test_metrics_pictures_and_tables_are_logged(call, tmp_path):
    ears = Ears()
    call("talks", ears=ears)
    folder = tmp_path / "trial"
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert rows == [
        {"category": "train", "step": 3, "loss": 0.5},
        {"category": "evaluation", "score": 0.25, "step": 3},
    ]
    # the metric that counts is a report
    assert ears.reports == [{"training_iteration": 1, "score": 0.25, "step": 3}]
    picture = folder / "visualizations" / "maps%3A all" / "0001.png"
    assert Image.open(picture).size == (5, 4)
    (table,) = [event for event in ears.events if event["event"] == "trials"]
    assert table["trials"] == [{"trial_id": "a", "status": "TERMINATED", "x": 1, "score": 2}]
    assert (table["base"], table["best_trial"]) == (["trial_id", "status"], "a")


def test_figures_of_every_kind_are_kept(tmp_path):
    import plotly.graph_objects as go
    from matplotlib.figure import Figure

    run = Run(tmp_path, None, "score", Ears())
    figure = Figure()
    figure.subplots().plot([1, 2])
    files = [run.log_visualization("g", each) for each in (figure, go.Figure(), Image.new("L", (3, 2)))]
    files.append(run.log_visualization("g", files[0]))
    assert [file.name for file in files] == ["0001.png", "0002.html", "0003.png", "0004.png"]
    with pytest.raises(SearchError, match="a picture is a figure, a picture of pillow, an array or a path, not set"):
        run.log_visualization("g", set())


def test_what_run_is_told_wrong_is_said(tmp_path):
    run = Run(tmp_path, None, "score", Ears())
    with pytest.raises(SearchError, match="progress of 'lunch': expected dataset, train or model_upload"):
        run.progress("lunch", 0.5)
    with pytest.raises(SearchError, match="progress of train is 50, expected a share from 0 to 1"):
        run.progress("train", 50)
    with pytest.raises(SearchError, match="log_trials takes either trials or data"):
        run.log_trials()
    with pytest.raises(SearchError, match="log_trials: there is no colour"):
        run.log_trials(data={"trials": [], "colour": 1})
    with pytest.raises(SearchError, match="the metric 'score' is of type set, which JSON cannot keep"):
        run.report({"score": {1}})


def test_a_trial_that_was_stopped_goes_on_from_its_last_checkpoint(call):
    with pytest.raises(KeyboardInterrupt):
        call("goes_on")
    ears = Ears()
    left = call("goes_on", ears=ears)
    assert [(report["training_iteration"], report["score"]) for report in ears.reports] == [(3, 3), (4, 4)]
    assert left.metrics == {"training_iteration": 4, "score": 4}


@pytest.mark.parametrize(
    ("entrypoint", "words"),
    [
        ("toy:absent", "module toy has no function absent"),
        ("no_such_toy", "module no_such_toy cannot be imported .No module named 'no_such_toy'."),
        ("a b", "'a b' is not written module or module:function"),
        ("broken_toy", "module broken_toy cannot be imported .ZeroDivisionError: division by zero."),
    ],
)
def test_an_entrypoint_that_is_not_there_is_said(tmp_path, monkeypatch, entrypoint, words):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken_toy.py").write_text("1 / 0\n")
    with pytest.raises(SearchError, match=words):
        find(entrypoint, tuning=True)


def test_a_module_in_the_current_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    (tmp_path / "toy_of_here.py").write_text("def train(**kwargs):\n    return 7\n")
    assert find("toy_of_here", tuning=False)() == 7
    with pytest.raises(SearchError, match="module toy_of_here has no function tune"):
        find("toy_of_here", tuning=True)


def test_the_parts_of_progress():
    assert dict(WEIGHTS) == {"dataset": 20, "train": 75, "model_upload": 5, "trials": 90}
    training, tuning = Progress(tuning=False), Progress(tuning=True)
    assert [training.at(*each) for each in (("dataset", 1), ("train", 0.4), ("model_upload", 1), ("train", 1))] == [
        20, 50, 55, 100,
    ]  # fmt: skip
    assert [tuning.at(*each) for each in (("train", 1), ("trials", 0.5), ("trials", 1))] == [0, 45, 90]


def test_ids_are_the_engines_the_metrics_or_the_paths():
    assert ids.model_id("t_1", {"model_id": "m"}, "p") == "t_1"
    assert ids.model_id(None, {"trial_id": "t", "model_id": "m"}, "p") == "m"
    assert ids.model_id(None, {"trial_id": "t"}, "p") == "t"
    assert ids.model_id(None, {}, "runs/a") == ids.model_id(None, {}, "runs//a") != ids.model_id(None, {}, "runs/b")
    assert ids.model_id(None, {}, None) is None


@pytest.mark.parametrize("name", ["a:b,c", "100%", "%3A", "../up", "a/b\\c", "", "plain", "naïve\n"])
def test_names_go_there_and_back(name):
    text = names.encode(name)
    assert names.decode(text) == name
    assert not set(text) & set(":,/\\\n") and not text.startswith(".")


def test_the_best_is_the_first_of_the_best_that_went_to_their_end(tmp_path):
    def trial(number, score, **more):
        return Trial(f"t_{number}", "TERMINATED", {}, {"score": score}, tmp_path / str(number), "artifact", **more)

    trials = [trial(0, 1), trial(1, 3), trial(2, 9, stopped=True), trial(3, 3)]
    assert best_of(trials, "score", "max").trial_id == "t_1"
    assert best_of(trials, "score", "min").trial_id == "t_0"
    assert best_of(trials[2:3], "score", "max").trial_id == "t_2"
    assert best_of([], "score", "max") is None
    result = outcome(trials, trials[1])
    assert result["model_id"] == "t_1" and set(result["best_trial"]) == {"trial_logdir", "config", "metrics"}
    assert [each["model_id"] for each in result["trial_models"]] == ["t_0", "t_1", "t_2", "t_3"]
    assert all(set(each) == {"trial_logdir", "model_id", "config", "metrics"} for each in result["trial_models"])
