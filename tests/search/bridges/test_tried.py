"""The studies of bridges, as ``show`` sees them."""

from __future__ import annotations

import json

import numpy as np
import optuna
import pytest

from binpack.__main__ import main
from binpack.search._model import SearchError
from binpack.search.bridges.tried import Tried, add_trial, load_bridge, new_study, try_out
from binpack.search.space import Categorical, Float, Space

SPACE = Space(
    parameters={
        "x": Float(low=0.0, high=1.0),
        "sizes": Categorical(choices=((32,), (64, 64))),
        "y": Float(low=0, high=1),
    }
)


@pytest.fixture
def storage(tmp_path):
    """A study of twelve trials, of which one failed and one was stopped."""
    study = new_study(SPACE, "Somebody", tmp_path / "s.journal")
    rng = np.random.default_rng(0)

    def objective(values, report):
        number = len(study.get_trials())
        if number == 3:
            raise OSError("no\ndisk")
        report(0.5)
        return values["x"] + 0.1 * len(values["sizes"])

    for number in range(12):
        stop = (lambda reports: True) if number == 4 else (lambda reports: False)
        add_trial(study, SPACE, try_out(objective, SPACE.sample(rng), stop))
    return tmp_path / "s.journal"


def test_show_prints_a_table_and_draws_the_plots(storage, tmp_path, capsys):
    assert main(["show", str(storage), "--out", str(tmp_path / "plots")]) == 0
    said = capsys.readouterr().out
    assert "Searched by Somebody.\n" in said and "OSError: no disk" in said
    assert "12 trials (10 complete, 1 fail, 1 pruned)\nBest: trial " in said
    assert {path.stem for path in (tmp_path / "plots").glob("*.png")} >= {"history", "slice", "parallel"}


def test_show_as_json_has_the_values_as_the_space_has_them(storage, capsys):
    assert main(["show", str(storage), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["library"] == "Somebody" and len(shown["trials"]) == 12
    best = max((row for row in shown["trials"] if row["state"] == "complete"), key=lambda row: row["value"])
    assert shown["best"] == {"trial": best["number"], "score": best["value"], "params": best["params"]}
    assert best["params"]["sizes"] in ([32], [64, 64])


def test_a_study_without_a_complete_trial_says_so(tmp_path):
    study = new_study(SPACE, "Somebody", tmp_path / "s.journal", "empty")
    tried = try_out(lambda values, report: float("nan"), {"x": 0.5, "sizes": [32], "y": 0.0})
    assert tried.error == "InputError: the score is nan"
    add_trial(study, SPACE, tried)
    found = load_bridge(tmp_path / "s.journal")
    assert found.best is None and found.to_dict()["best"] is None
    assert found.summary() == "1 trial (1 fail)\nNo trial is complete.\nSearched by Somebody."


def test_values_outside_the_space_and_what_a_later_version_wrote_are_refused(tmp_path):
    study = new_study(SPACE, "Somebody", tmp_path / "s.journal")
    outside = Tried({"x": 2.0, "sizes": [32], "y": 0.0}, optuna.trial.TrialState.COMPLETE, 1.0, (), 0.0)
    with pytest.raises(SearchError, match=r"^Somebody drew x = 2\.0 is outside 0 to 1$"):
        add_trial(study, SPACE, outside)
    study.set_user_attr("bridge", {**study.user_attrs["bridge"], "version": 99})
    with pytest.raises(SearchError, match=r"not what a bridge writes: written by a newer binpack \(format 99"):
        load_bridge(tmp_path / "s.journal")


def test_a_study_of_another_kind_is_none_of_a_bridge(tmp_path):
    optuna.create_study(storage=f"sqlite:///{tmp_path}/o.db", study_name="study")
    assert load_bridge(f"sqlite:///{tmp_path}/o.db") is None
