"""What the recorded study trains, and how a run becomes a row."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from binpack.agents.config import PPOConfig
from binpack.agents.diagnostics import NAMES
from binpack.search.landscape import record, store, task
from binpack.search.recorder import Job

TINY = {**task.DEFAULT, "n_steps": 8, "batch_size": 64, "n_epochs": 1, "width": 16}


def test_every_configuration_lies_in_the_space_and_is_there_once():
    for group, configs in record.GROUPS.items():
        for values in configs:
            assert task.SPACE.outside(values) is None, (group, values)
        assert len({tuple(values.items()) for values in configs}) == len(configs)
    sizes = {group: len(configs) for group, configs in record.GROUPS.items()}
    assert sizes.pop("led") == len(task.led_configs())
    assert sizes == {"default": 1, "study": 256, "grid": 108, "box": 108, "fresh": 20}


def test_the_sequence_fills_every_sixteenth_of_every_parameter_alike():
    places = np.array([task.SPACE.place(values) for values in task.study_configs()])
    for name, column in zip(task.SPACE.names, places.T, strict=True):
        wide = task.SPACE.parameters[name].type == "float"
        counts = np.histogram(column, 16, (0, 1))[0]
        # whole numbers have wide parts of the scale, and three digits move a value a little
        assert not wide or set(counts) <= {15, 16, 17}, name


def test_the_default_is_the_libraries():
    config = task.train_config(task.DEFAULT, 3)
    assert config.ppo == PPOConfig(policy="mlp", n_steps=64, n_epochs=10, ent_coef=1e-5)
    assert (config.seed, config.budget, config.evaluation_interval) == (3, 40_960, 2048)
    assert config.eval_seed != task.TEST_SEED


def test_a_batch_larger_than_the_rollout_is_the_rollout():
    assert task.train_config({**task.DEFAULT, "n_steps": 8, "batch_size": 512}, 0).ppo.batch_size == 256


def test_jobs_are_each_there_once_and_the_best_get_more_seeds():
    jobs = record.first_jobs()
    keys = [tuple(job.key.values()) for job in jobs]
    few = 216 + 20 + len(task.led_configs())
    assert len(set(keys)) == len(keys) == 257 * 10 + few * 3 + 65 * 5
    assert [job.key["seed"] for job in jobs[:258]] == [0] * 257 + [1]
    rows = [{**job.key, "diverged": False, "utilization": [0.0, job.key["config"] / 1000]} for job in jobs]
    for row in rows:
        if row["config"] == 255:
            row["diverged"] = row["seed"] == 0  # counts as nothing packed
        if row["group"] != "study":
            row["utilization"] = [1.0, 1.0]
    more = record.more_jobs(rows)
    found = {(job.key["group"], job.key["config"]) for job in more}
    assert found == {("default", 0)} | {("study", config) for config in range(235, 255)}
    assert {job.key["seed"] for job in more} == set(range(10, 50)) and len(more) == 21 * 40


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=12), st.booleans(), st.integers(1, 6))
def test_a_point_is_the_first_evaluation_at_or_after_it(gaps, diverged, points):
    steps = np.cumsum(gaps).tolist()
    found = record.at_points({"steps": steps, "other": [-at for at in steps]}, points, 1000, diverged)
    for k, (at, other) in enumerate(zip(found["steps"], found["other"], strict=True), start=1):
        later = [step for step in steps if step >= 1000 * k]
        if later:
            assert (at, other) == (min(later), -min(later))
        else:
            assert (at, other) == ((0, None) if diverged else (steps[-1], -steps[-1]))


def test_a_run_becomes_a_row_and_leaves_no_folder(tmp_path):
    key = {"group": "study", "config": 0, "task": "cut", "seed": 0}
    config = task.train_config(TINY, 0, steps=4096)
    (tmp_path / "study-0-cut-0").mkdir()
    (tmp_path / "study-0-cut-0" / "checkpoint.pt").write_text("left by a recorder that was killed")
    rows = [{**key, **record.run(tmp_path, Job(key, config))} for _ in range(2)]
    assert not list(tmp_path.iterdir())
    same = [{name: value for name, value in row.items() if name != "seconds"} for row in rows]
    assert same[0] == same[1]
    row = rows[0]
    assert row["steps"] == [2048] + [4096] * 19 and 0.3 < row["utilization"][0] < 1 and 0.3 < row["test"] < 1
    assert set(row) == {"test", "diverged", *store.KEY, *store.CURVES} and len(NAMES) == 8
    store.write(tmp_path / "study.npz", {}, rows[:1], **record.configurations())
    assert record.Store(tmp_path / "study.npz").read()[0]["test"] == pytest.approx(row["test"])


def test_a_run_that_diverges_is_a_row_too(tmp_path):
    key = {"group": "study", "config": 0, "task": "cut", "seed": 0}
    values = {**TINY, "learning_rate": 1e36}
    row = record.run(tmp_path, Job(key, task.train_config(values, 0, steps=4096)))
    assert row["diverged"] and math.isnan(row["test"]) and row["utilization"] == [None] * 20
    store.write(tmp_path / "study.npz", {}, [{**key, **row}])
    assert np.isnan(store.read(tmp_path / "study.npz")[1]["utilization"]).all()
