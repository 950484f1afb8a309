"""Records are written and read in one way, and the recorders make of their pieces what is shipped."""

import json
import shutil
from pathlib import Path

import pytest
import torch

import binpack.course
from binpack.course.l02_deep_q_network import (
    record_cartpole,
    record_defects,
    record_lunar_lander,
    record_tuning,
)
from binpack.course.records import about, kept, read_record, write_record
from binpack.files import FileError

COURSE = Path(binpack.course.__file__).parent
SHIPPED = sorted(COURSE.glob("**/*.json"))


def test_every_record_is_found():
    names = {path.name for path in SHIPPED}
    assert names >= {"cartpole.json", "lunar_lander.json", "policy_ablation.json", "story.json"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_record_read_and_written_again_is_the_same_file(path, tmp_path):
    record = read_record(path)
    assert {"command", "date", "machine", "python"} <= record["about"].keys()
    write_record(tmp_path / "again.json", record)
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_a_table_has_a_line_for_each_row_and_comes_last(tmp_path):
    path = tmp_path / "folder" / "record.json"
    record = {"rows": [{"a": 1}, {"a": [2, 3]}], "seeds": [1, 2], "none": [], "part": {"x": {"y": "höher"}}}
    write_record(path, record)
    assert path.read_text(encoding="utf-8").splitlines() == [
        "{",
        '"seeds": [1, 2],',
        '"none": [],',
        '"part": {"x": {"y": "h\\u00f6her"}},',
        '"rows": [',
        '{"a": 1},',
        '{"a": [2, 3]}',
        "]",
        "}",
    ]
    assert read_record(path) == record


def test_what_is_no_record_is_told_in_a_line(tmp_path):
    with pytest.raises(FileError, match=r"none\.json: no such file$"):
        read_record(tmp_path / "none.json")
    (tmp_path / "half.json").write_text('{"a": ')
    with pytest.raises(FileError, match=r"half\.json: not a record \(.*\)$"):
        read_record(tmp_path / "half.json")


def test_what_is_kept_is_made_once(tmp_path, capsys):
    made = iter([{"score": 0.5, "steps": [1, 2]}])
    for _ in range(2):
        assert kept(tmp_path / "new" / "run.json", lambda: next(made)) == {"score": 0.5, "steps": [1, 2]}
    assert capsys.readouterr().out == '{"score": 0.5, "steps": [1, 2]}\n'


def test_where_a_record_comes_from():
    made = about("python -m it", ("numpy", "torch"))
    assert list(made) == ["command", "date", "machine", "python", "numpy", "torch"]
    assert made["command"] == "python -m it" and "+" not in made["torch"]


# ----------------------------------------------------------------------------------- the recorders, their pieces given


def without_about(path: Path) -> dict:
    """A record but for the date, the machine and the versions."""
    record = read_record(path)
    del record["about"]
    return record


PIECES = [
    (record_cartpole, "runs", "solve_{seed}"),
    (record_defects, "curves", "curve_{defect}_{seed}"),
    (record_defects, "draws", "draw_{ranges}_{number}"),
    (record_defects, "studies", "study_{prepare}_{study}"),
    (record_tuning, "trials", "trial_{number}"),
    (record_tuning, "finals", "final_{settings}_{seed}"),
]


@pytest.mark.parametrize("recorder", [record_cartpole, record_defects, record_tuning], ids=lambda each: each.FILE.stem)
def test_a_recorder_puts_together_what_is_shipped(recorder, tmp_path, monkeypatch):
    shipped = read_record(recorder.FILE)
    for owner, table, name in PIECES:
        for row in shipped[table] if owner is recorder else ():
            (tmp_path / f"{name.format(**row)}.json").write_text(json.dumps(row))
    kept = sorted(tmp_path.glob("*.json"))
    monkeypatch.setattr(recorder, "FILE", tmp_path / "made.json")
    recorder.record(tmp_path)
    del shipped["about"]
    assert without_about(tmp_path / "made.json") == shipped
    assert len(list(tmp_path.glob("*.json"))) == len(kept) + 1, "nothing was run"


def test_the_lunar_lander_recorder_puts_together_what_is_shipped(tmp_path, monkeypatch):
    shipped = read_record(record_lunar_lander.FILE)
    weights = torch.load(record_lunar_lander.WEIGHTS, weights_only=True)
    for run in shipped["runs"]:
        (tmp_path / f"seed_{run['seed']}.json").write_text(json.dumps(run))
    torch.save({"late": weights, "early": {}}, tmp_path / f"seed_{shipped['shipped_seed']}.pt")
    films = iter(shipped["films"].values())
    for name in ("FILE", "WEIGHTS"):
        monkeypatch.setattr(record_lunar_lander, name, tmp_path / f"made_{name}")
    monkeypatch.setattr(record_lunar_lander, "write_film", lambda weights, path: next(films))
    record_lunar_lander.main([str(tmp_path)])
    del shipped["about"]
    assert without_about(tmp_path / "made_FILE") == shipped
    made = torch.load(tmp_path / "made_WEIGHTS", weights_only=True)
    assert made.keys() == weights.keys() and all(torch.equal(made[name], weights[name]) for name in made)


def test_a_recorder_that_is_interrupted_leaves_the_old_record(tmp_path):
    path = shutil.copy(record_cartpole.FILE, tmp_path)
    with pytest.raises(TypeError):
        write_record(path, {"runs": [{"seed": object()}]})
    assert Path(path).read_bytes() == record_cartpole.FILE.read_bytes()
