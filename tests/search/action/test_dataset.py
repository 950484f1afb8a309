"""Datasets: by name, as a file, and by a number in the registry."""

from __future__ import annotations

import pytest

from binpack.files import FileError
from binpack.search.action.dataset import check_dataset, resolve_dataset
from binpack.search.action.job import Draft


def test_a_number_is_looked_up_in_the_registry(tmp_path):
    registry = tmp_path / "datasets.json"
    registry.write_text('{"1": "random:1-2", "2": "boxes.csv", "3": 4}')
    (tmp_path / "boxes.csv").write_text("length,width,height\n1,1,1\n")
    assert resolve_dataset("cut_2", str(registry)) == "cut_2"
    assert resolve_dataset(1, str(registry)) == "random:1-2"
    assert resolve_dataset(2, str(registry)) == str(tmp_path / "boxes.csv")
    for number in (3, 9):
        with pytest.raises(FileError, match=f"no dataset {number}; there is 1, 2, 3"):
            resolve_dataset(number, str(registry))
    with pytest.raises(FileError, match="no such file"):
        resolve_dataset(1, str(tmp_path / "none.json"))


@pytest.mark.parametrize("dataset", ["random", "random:1-2", "korea_post", "boxes.csv", "orlib.txt#2", 1])
def test_what_is_there_has_no_fault(tmp_path, monkeypatch, dataset):
    monkeypatch.chdir(tmp_path)
    for name in ("boxes.csv", "orlib.txt"):
        (tmp_path / name).write_text("")
    (tmp_path / "datasets.json").write_text('{"1": "boxes.csv"}')
    assert list(check_dataset(Draft({"dataset": dataset}))) == []


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ("boxes.csv", "'boxes.csv' is neither a file nor the name of items; expected random"),
        ("random:five", "random:five"),
        ("no_such_module:boxes", "no_such_module cannot be imported"),
        (4, "datasets.json: no such file"),
    ],
)
def test_what_is_not_there_is_a_fault(tmp_path, monkeypatch, dataset, words):
    monkeypatch.chdir(tmp_path)
    (fault,) = check_dataset(Draft({"dataset": dataset}))
    assert fault.place == "params.dataset" and words in fault.what
