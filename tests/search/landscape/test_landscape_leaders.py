"""The leaders of searches: they lie high, promises stand beside what came of them, and rounds follow on runs."""

from __future__ import annotations

import invented
import numpy as np
import pytest

from binpack.files import InputError, read_json
from binpack.search.landscape import leaders, record, store, task
from binpack.search.landscape.surrogate import Kernel, Surrogate, table_of
from binpack.search.landscape.table import Landscape

LENGTHS = tuple({"learning_rate": 0.7, "n_epochs": 1.5}.get(name, 20.0) for name in task.SPACE.names)
KERNELS = (Kernel(LENGTHS, 3.0, 0.001), Kernel((5.0,) * 11, 0.2, 0.8))
SIZES = {"searches": 2, "climbs": 2}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Landscape(invented.write(tmp_path_factory.mktemp("study") / "study.npz", more=False))


@pytest.fixture(scope="module")
def model(study):
    return Surrogate(table_of(study), KERNELS)


def test_a_search_ends_high_and_a_climb_higher(model):
    drawn = model.means(np.random.default_rng(0).random((2000, 11)))
    found = [leaders.led(model, 3, trials=40), leaders.climbed(model, 3)]
    assert all(task.SPACE.outside(values) is None for values in found)
    led, climbed = model.means(np.array([task.SPACE.place(values) for values in found]))
    assert led > np.quantile(drawn, 0.9) and climbed >= drawn.max() - 0.002
    assert [leaders.led(model, 3, trials=40), leaders.climbed(model, 3)] == found


def test_a_round_is_kept_with_what_was_promised(model, study, tmp_path):
    bare = tmp_path / "led.json"
    assert leaders.kept(bare) == []
    rows = leaders.add_round(model, _without_led(study, tmp_path), bare, **SIZES)
    # two climbs of so simple a hill may end at one place
    assert [row["by"] for row in rows][:3] == ["TPE", "TPE", "climb"] and leaders.kept(bare) == rows
    places = np.array([task.SPACE.place(row["values"]) for row in rows])
    assert np.allclose(model.means(places), [row["promised"] for row in rows], atol=1e-3)
    assert read_json(bare)["about"]["command"] == leaders.COMMAND
    with pytest.raises(
        InputError, match=f"{len(rows)} leaders of the last round were not trained yet: record them first"
    ):
        leaders.add_round(model, _without_led(study, tmp_path), bare, **SIZES)


def test_the_next_round_follows_on_runs_and_promises_are_compared(model, study, tmp_path, monkeypatch):
    path = tmp_path / "led.json"
    rows = leaders.add_round(model, _without_led(study, tmp_path), path, **SIZES)
    trained = _with_led(tmp_path, [row["values"] for row in rows], monkeypatch)
    found = leaders.promises(trained, path)
    assert found.keys() == {(1, "TPE"), (1, "climb")}
    promised, real = found[1, "climb"]
    wanted = [invented.quality(row["values"]) for row in rows if row["by"] == "climb"]
    assert np.allclose(real, wanted, atol=4 * invented.NOISE) and np.allclose(promised, wanted, atol=0.05)
    again = leaders.add_round(Surrogate(table_of(trained), KERNELS), trained, path, **SIZES)
    assert {row["round"] for row in again} == {1, 2} and again[: len(rows)] == rows
    assert len({str(row["values"]) for row in again}) == len(again)


def test_the_surrogate_knows_them_once_they_are_trained(study, tmp_path, monkeypatch):
    trained = _with_led(tmp_path, [task.SPACE.sample(np.random.default_rng(seed)) for seed in range(5)], monkeypatch)
    assert "led" in trained.groups and "led" not in _without_led(study, tmp_path).groups
    assert len(table_of(trained).places) == len(table_of(_without_led(study, tmp_path)).places) + 5


def _without_led(study, tmp_path):
    about, arrays = store.read(invented.write(tmp_path / "plain.npz", more=False))
    rows = [row for row in store.rows(arrays) if row["group"] != "led"]
    store.write(tmp_path / "plain.npz", about, rows, **record.configurations())
    return Landscape(tmp_path / "plain.npz")


def _with_led(tmp_path, configs, monkeypatch):
    monkeypatch.setattr(record, "GROUPS", {**record.GROUPS, "led": tuple(configs)})
    return Landscape(invented.write(tmp_path / "led.npz", more=False))
