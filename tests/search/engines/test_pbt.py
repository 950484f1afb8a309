"""Population based training on toys that climb: what is copied, what is changed, and a job that is killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
from collections import Counter
from pathlib import Path

import kills
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kinds import EXAMPLES
from pydantic import TypeAdapter

from binpack.search.action.conduct import TrainingFailed, perform
from binpack.search.action.distributions import KINDS, Hyperparameter
from binpack.search.action.job import parse_job
from binpack.search.engines.pbt import FACTORS

fork = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    """Let jobs find toy.py, in processes of their own as well."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "action"))


def climbing(samples=8, side_by_side=1, entrypoint="toy:climbs", hyperparameter=None, **options):
    """Return a job whose trials climb at rates from 1 to 2."""
    config = {
        "mode": "max",
        "metric": "score",
        "num_samples": samples,
        "max_concurrent_trials": side_by_side,
        "scheduler": {"name": "pbt", "options": {"perturbation_interval": 3, **options}},
    }
    params = {"name": "hill", "dataset": "random", "entrypoint": entrypoint, "hyperparameter": hyperparameter or {}}
    varied = [{"name": "rate", "type": "uniform", "min": 1, "max": 2}]
    return {"action": "train", "params": {**params, "is_tune": True, "hyperparameters": varied, "tune_config": config}}


def path_of(model):
    """Return the rates by which a trial's weights came about."""
    return json.loads((Path(model["trial_logdir"]) / "model").read_text())


def test_the_worst_go_on_with_the_weights_of_the_best_at_other_rates(tmp_path):
    job = climbing(resample_probability=0)
    result = perform(job, tmp_path)
    models = result["trial_models"]
    assert len(models) == 8
    by_id = {Path(model["trial_logdir"]).name[-5:]: model for model in models}
    steps = 0
    for model in models:
        path = path_of(model)
        assert len(path) == 12 and model["metrics"]["score"] == sum(path)
        assert model["metrics"]["training_iteration"] == 12
        # the rate it ends with is the one that its configuration says
        assert path[-1] == model["config"]["rate"] and 1 <= path[-1] <= 2
        for step in model.get("lineage", []):
            steps += 1
            donor = by_id[step["from_trial"][-5:]]
            assert donor is not model and step["from_score"] > step["score"] and step["from_time"] == step["time"]
            # the donor had been at that height
            history = (Path(donor["trial_logdir"]) / "history").read_text().splitlines()
            assert [step["from_time"], step["from_score"]] in [json.loads(line) for line in history]
        if model.get("lineage"):
            last = model["lineage"][-1]
            time = last["from_time"]
            assert sum(path[:time]) == last["from_score"]
            # what it has climbed since is one of the two factors times the donor's rate, within the range
            if time < 12:
                assert path[time] in [pytest.approx(min(max(path[time - 1] * each, 1), 2)) for each in FACTORS]
    assert steps >= 4
    # better than the best of those that never changed
    assert result["best_trial"]["metrics"]["score"] == max(sum(path_of(model)) for model in models)
    assert json.loads((tmp_path / "result.json").read_text())["trial_models"] == models


def test_all_are_as_far_as_each_other_where_they_take_turns(tmp_path):
    events = []
    perform(climbing(samples=4), tmp_path, events.append)
    trials = [event for event in events if event["event"] == "trial"]
    told = [event for event in trials if event["status"] == "RUNNING" and event["metrics"]]
    times = Counter()
    for event in told:
        times[event["trial_id"]] = event["metrics"]["training_iteration"]
        assert max(times.values()) - min(times[each] for each in {one["trial_id"] for one in told}) <= 3
    assert [event["status"] for event in trials].count("TERMINATED") == 4


def test_side_by_side_nobody_waits_for_another(tmp_path):
    events = []
    result = perform(climbing(samples=2, side_by_side=2, quantile_fraction=0.5), tmp_path, events.append)
    assert [len(path_of(model)) for model in result["trial_models"]] == [12, 12]
    lineage = [step for model in result["trial_models"] for step in model.get("lineage", [])]
    assert lineage and all(step["from_score"] > step["score"] for step in lineage)


def test_small_is_good_where_the_mode_says_so(tmp_path):
    job = climbing(resample_probability=1)
    job["params"]["tune_config"]["mode"] = "min"
    result = perform(job, tmp_path)
    lineage = [step for model in result["trial_models"] for step in model.get("lineage", [])]
    assert lineage and all(step["from_score"] < step["score"] for step in lineage)


def test_a_report_without_a_checkpoint_says_what_is_needed(tmp_path):
    job = climbing(entrypoint="toy", perturbation_interval=2)
    job["params"]["hyperparameters"][0]["name"] = "x"
    with pytest.raises(TrainingFailed, match="pbt copies weights, and the report at training_iteration 2 has no check"):
        perform(job, tmp_path)


def test_killed_at_any_moment_the_population_ends_as_one_that_was_not(tmp_path):
    job = climbing(samples=kills.trials(4, 2), hyperparameter={"pause": 0.03})
    whole = perform(job, tmp_path / "whole")
    rng, out, killed = random.Random(5), tmp_path / "killed", 0
    while not (out / "result.json").exists() and killed < kills.most(5):
        process = fork.Process(target=perform, args=(job, out))
        process.start()
        process.join(rng.uniform(0.1, 0.8))
        if process.is_alive():
            killed += 1
            os.kill(process.pid, signal.SIGKILL)
            process.join()
    result = perform(job, out)
    assert kills.enough(killed)

    def told(result):
        def names(lineage):
            return [{**step, "from_trial": step["from_trial"][-5:]} for step in lineage]

        return [
            (model["config"], model["metrics"], path_of(model), names(model.get("lineage", [])))
            for model in result["trial_models"]
        ]

    assert told(result) == told(whole)


@given(
    kind=st.sampled_from([kind for kind in KINDS if kind not in ("choice", "grid_search")]),
    factor=st.sampled_from(FACTORS),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_changed_value_is_one_of_the_distribution_on_the_right_side(kind, factor, seed):
    import numpy as np

    varied = TypeAdapter(Hyperparameter).validate_python({"name": "x", "type": kind, **EXAMPLES[kind]})
    value = varied.sample(np.random.default_rng(seed))
    moved = varied.moved(value, factor)
    assert varied.contains(moved) and type(moved) is type(value)
    assert (moved - value) * (factor - 1) * (1 if value >= 0 else -1) >= 0
    if moved == value and value != 0:
        # only at an end of the range
        assert not any(varied.contains(value + sign * step) for step in (getattr(varied, "q", 1),)
                       for sign in [1 if (factor > 1) == (value >= 0) else -1])  # fmt: skip


@pytest.mark.parametrize("kind", ["choice", "grid_search"])
def test_an_option_stays(kind):
    varied = TypeAdapter(Hyperparameter).validate_python({"name": "x", "type": kind, **EXAMPLES[kind]})
    assert [varied.moved(option, 1.2) for option in varied.options] == list(varied.options)


def test_layers_cannot_vary_in_a_population():
    from binpack.search.action.faults import JobError
    from binpack.search.action.ppo import check

    job = climbing()
    del job["params"]["entrypoint"]
    job["params"]["hyperparameters"] = [{"name": "net_arch", "type": "choice", "options": [[8], [16]]}]
    with pytest.raises(JobError, match="pbt copies weights from trial to trial: net_arch, which makes the layers"):
        parse_job(job, (check,))
