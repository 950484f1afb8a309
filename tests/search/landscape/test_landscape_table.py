"""The recorded study as tables, on an invented one whose truth is known."""

from __future__ import annotations

import invented
import numpy as np
import pytest

from binpack.files import FileError, InputError
from binpack.search.landscape import record, store, task
from binpack.search.landscape.table import Landscape


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Landscape(invented.write(tmp_path_factory.mktemp("study") / "study.npz"))


def test_groups_have_their_configurations_and_seeds(study):
    assert study.configs("study") == task.study_configs() and study.configs("default") == (task.DEFAULT,)
    for group, shape in {"study": (256, 10), "default": (1, 50), "grid": (108, 3), "fresh": (20, 3)}.items():
        runs = study.runs(group)
        assert runs.final.shape == shape and runs.utilization.shape == (*shape, 20), group
    assert study.runs("study", "random").final.shape == (64, 5)
    assert study.runs("study", least=50).final.shape == (20, 50)


def test_a_row_of_the_file_is_where_it_belongs(study):
    arrays, runs = study._arrays, study.runs("study")
    for row in np.random.default_rng(0).choice(2000, 50, replace=False):
        if arrays["group"][row] == "study":
            config, seed = arrays["config"][row], arrays["seed"][row]
            assert runs.utilization[config, seed].tolist() == arrays["utilization"][row].tolist()
            assert runs.test[config, seed] == arrays["test"][row]
            assert runs.diagnostics["entropy"][config, seed].tolist() == arrays["entropy"][row].tolist()


def test_means_follow_what_was_invented(study):
    for group in ("study", "grid", "box"):
        runs = study.runs(group)
        wanted = np.array([invented.quality(values) for values in runs.configs])
        assert np.abs(runs.truth - wanted).max() < 5 * invented.NOISE / np.sqrt(len(runs.seeds))
        assert runs.places.min() >= 0 and runs.places.max() <= 1
        assert runs.column("n_steps").tolist() == [values["n_steps"] for values in runs.configs]


def test_some_configurations_keep_all_of_their_columns(study):
    runs = study.runs("study")
    some = runs.of([7, 3])
    assert some.configs == (runs.configs[7], runs.configs[3]) and some.seeds == runs.seeds
    assert np.array_equal(some.final, runs.final[[7, 3]])
    assert np.array_equal(some.diagnostics["approx_kl"], runs.diagnostics["approx_kl"][[7, 3]])


def test_a_part_of_the_study_has_the_seeds_that_all_have(tmp_path):
    study = Landscape(invented.write(tmp_path / "study.npz", seeds=4, more=False))
    assert study.runs("study").seeds == (0, 1, 2, 3)
    with pytest.raises(InputError, match="no runs of group 'study' on task 'cut' with 50 seeds or more"):
        study.runs("study", least=50)
    with pytest.raises(InputError, match="no group 'grids'; it has box, default, fresh, grid, led, study"):
        study.runs("grids")


def test_a_run_that_diverged_counts_as_nothing_packed(tmp_path):
    rows = [invented._row(np.random.default_rng(0), job.key) for job in record.first_jobs()[:2]]
    rows[1] |= {"diverged": True, "test": float("nan"), "utilization": [0.5] * 4 + [None] * 16}
    store.write(tmp_path / "study.npz", {}, rows, **record.configurations())
    runs = Landscape(tmp_path / "study.npz").runs("study")
    assert runs.final.tolist() == [[0.0]] and runs.truth.tolist() == [0.0]
    assert np.isnan(runs.utilization[0, 0]).tolist() == [False] * 4 + [True] * 16


def test_a_missing_study_is_said(tmp_path):
    with pytest.raises(FileError, match="study.npz: no such file"):
        Landscape(tmp_path / "study.npz")
