"""What an earlier version wrote goes on with this one; what a later one wrote is refused in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from binpack.__main__ import main
from binpack.files import read_json, write_json
from binpack.search import SearchError, load_result, load_study, study_config, tune

WRITTEN = Path(__file__).parents[1] / "written_before"
NEW_FIELDS = ("replicas", "features")
"""The newest fields of the time when the study was written: an even older one lacks them."""


@pytest.fixture
def stopped(tmp_path):
    """A study of three trials, killed within the second one by the code before."""
    shutil.copy(WRITTEN / "study.journal", tmp_path)
    shutil.copytree(WRITTEN / "study.runs", tmp_path / "study.runs")
    return tmp_path / "study.journal"


def without_new_fields(part):
    """Take the newest fields out of whatever holds a configuration."""
    if not isinstance(part, dict):
        return part
    return {name: without_new_fields(value) for name, value in part.items() if name not in NEW_FIELDS}


def make_older(storage):
    """Turn the study and its runs into what a version without the newest fields wrote."""
    text = storage.read_text()
    assert all(field in text for field in NEW_FIELDS)
    lines = [without_new_fields(json.loads(line)) for line in text.splitlines()]
    storage.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    for path in storage.with_suffix(".runs").rglob("*.json"):
        write_json(path, without_new_fields(read_json(path)))


@pytest.mark.parametrize("older", [False, True], ids=["as it was", "without the newest fields"])
def test_a_study_of_before_goes_on_to_its_end_and_its_comparison(stopped, older, capsys):
    if older:
        make_older(stopped)
    config = study_config(load_study(stopped))
    kept = load_result(stopped)
    assert [row["state"] for row in kept.rows] == ["complete", "running"] and kept.comparison is None
    result = tune(config, stopped, progress=False)
    assert [row["state"] for row in result.rows] == ["complete"] * 3 and result.rows[0] == kept.rows[0]
    assert len(result.comparison.best) == 3 and "Held out (trained anew on 3 fresh seeds" in result.summary()
    assert not list(stopped.parent.glob("study.runs/study_old/trial_0003"))
    assert main(["show", str(stopped)]) == 0
    shown = capsys.readouterr().out
    assert "3 of 3 trials (3 complete)" in shown and "Held out" in shown
    assert load_result(stopped) == result


def test_a_comparison_of_before_goes_on(stopped):
    """Its runs lack the newest fields too, and none is trained again for that."""
    config = study_config(load_study(stopped))
    result = tune(config, stopped, progress=False)
    make_older(stopped)
    (result.location.folder / "final.json").unlink()
    runs = [path.parent for path in result.location.folder.glob("final_*/*/held_out.json")]
    assert len(runs) >= 3
    before = {run: (run / "weights.pt").stat().st_mtime_ns for run in runs}
    for run in runs:
        (run / "held_out.json").unlink()
    assert tune(config, stopped, progress=False) == result
    assert {run: (run / "weights.pt").stat().st_mtime_ns for run in runs} == before


def _entry_of_tomorrow(storage: Path) -> None:
    entry = load_study(storage).user_attrs["binpack"]
    load_study(storage).set_user_attr("binpack", {**entry, "version": 2})


def _folder_of_tomorrow(storage: Path) -> None:
    path = storage.with_suffix(".runs") / "study_old" / "study.json"
    write_json(path, {**read_json(path), "version": 2})


@pytest.mark.parametrize("change", [_entry_of_tomorrow, _folder_of_tomorrow])
def test_what_a_later_version_wrote_is_refused(stopped, change):
    config = study_config(load_study(stopped))
    change(stopped)
    before = stopped.read_bytes()
    with pytest.raises(SearchError) as error:
        tune(config, stopped, progress=False)
    assert "written by a newer binpack (format 2, this one reads up to 1)" in str(error.value)
    assert "\n" not in str(error.value) and stopped.read_bytes() == before


def test_a_study_says_of_which_version_it_is(stopped, tmp_path):
    config = study_config(load_study(stopped)).model_copy(update={"n_trials": 1, "final_seeds": 0, "name": "study"})
    result = tune(config, tmp_path / "new.journal", progress=False)
    assert load_study(tmp_path / "new.journal").user_attrs["binpack"]["version"] == 1
    assert read_json(result.location.folder / "study.json")["version"] == 1
