"""The study as an objective: recorded runs as they were, others by the model, and Optuna on top."""

from __future__ import annotations

import invented
import numpy as np
import optuna
import pytest

from binpack.search import landscape
from binpack.search._model import SearchError
from binpack.search.landscape import query, task
from binpack.search.landscape.surrogate import Kernel, Surrogate, table_of
from binpack.search.landscape.table import Landscape

LENGTHS = tuple({"learning_rate": 0.7, "n_epochs": 1.5}.get(name, 20.0) for name in task.SPACE.names)
KERNELS = (Kernel(LENGTHS, 3.0, 0.001), Kernel((5.0,) * 11, 0.2, 0.8))


@pytest.fixture(autouse=True)
def study(tmp_path_factory, monkeypatch):
    """An invented study in place of the recorded one."""
    path = tmp_path_factory.getbasetemp() / "invented.npz"
    if not path.exists():
        invented.write(path, more=False)
    record = Landscape(path)
    model = Surrogate(table_of(record), KERNELS)
    query._recorded.cache_clear()
    monkeypatch.setattr(query, "load", lambda: record)
    monkeypatch.setattr(query, "_model", lambda: model)
    yield record
    query._recorded.cache_clear()


def test_a_recorded_run_is_returned_as_it_was(study):
    for group, number, seed in (("study", 17, 3), ("grid", 5, 2), ("default", 0, 9)):
        runs = study.runs(group)
        assert landscape.curve(runs.configs[number], seed).tolist() == runs.utilization[number, seed].tolist()


def test_any_other_run_is_a_likely_one_and_the_same_seed_gives_it_again(study):
    config = study.runs("study").configs[17]
    assert np.array_equal(landscape.curve(config, 77), landscape.curve(config, 77))
    ends = [landscape.curve(config, seed)[-1] for seed in range(100, 200)]
    assert len(set(ends)) > 25 and np.mean(ends) == pytest.approx(landscape.worth(config), abs=0.01)
    assert landscape.worth(config) == pytest.approx(invented.quality(config), abs=0.02)


def test_optuna_searches_it_and_prunes():
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0), pruner=optuna.pruners.MedianPruner()
    )
    study.optimize(landscape.objective, n_trials=25)
    assert set(study.best_params) == set(landscape.space.names)
    assert landscape.worth(study.best_params) > 0.85
    states = [trial.state.name for trial in study.trials]
    assert "PRUNED" in states and "COMPLETE" in states
    assert list(study.best_trial.intermediate_values) == [2048 * point for point in range(1, 21)]


def test_what_is_no_configuration_is_said():
    with pytest.raises(SearchError, match="learning_rate = 1.0 is outside 1e-05 to 0.1"):
        landscape.worth({**task.DEFAULT, "learning_rate": 1.0})
    with pytest.raises(SearchError, match="width has no value"):
        landscape.curve({name: value for name, value in task.DEFAULT.items() if name != "width"}, 0)
