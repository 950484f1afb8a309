"""The guide of the train action: its jobs can be run, its tables are the code's, its entrypoint works."""

from __future__ import annotations

import json

import pytest
from guides import Guide

from binpack.search.action.conduct import perform
from binpack.search.action.dataset import check_dataset
from binpack.search.action.entrypoint import check_entrypoint
from binpack.search.action.job import parse_job
from binpack.search.action.support import support_table
from binpack.search.engines.engine import check_engine, scheduler_table
from binpack.search.engines.variants import Variants

GUIDE = Guide.read("train-action.md")


@pytest.mark.parametrize("number", range(4))
def test_a_job_of_the_guide_can_be_run(number):
    job, notices = parse_job(json.loads(GUIDE.of("json")[number]), (check_dataset, check_engine, check_entrypoint))
    assert notices == [] and len(GUIDE.of("json")) == 4
    if job.params.name == "grid of 12":
        assert Variants(list(job.params.varied.values()), job.params.tuning.num_samples).total == 12


def test_the_tables_are_what_the_tests_of_their_cells_test():
    assert support_table() in GUIDE.text and scheduler_table() in GUIDE.text


def test_the_entrypoint_of_the_guide_trains_and_tunes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guided.py").write_text(GUIDE.of("python")[0])
    params = {"name": "mine", "dataset": "random", "entrypoint": "guided", "hyperparameter": {"x": 2}}
    result = perform({"action": "train", "params": params}, "once")
    assert result["best_trial"]["metrics"] == {"training_iteration": 5, "score": 10}
    params |= {
        "is_tune": True,
        "hyperparameter": None,
        "hyperparameters": [{"name": "x", "type": "grid_search", "options": [1, 3]}],
        "tune_config": {"mode": "max", "metric": "score", "max_concurrent_trials": 1},
    }
    assert perform({"action": "train", "params": params}, "tuned")["best_trial"]["config"] == {"x": 3}
