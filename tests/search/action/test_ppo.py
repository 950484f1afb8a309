"""The default entrypoint: what it refuses, what it trains, what it goes on from, and the comparison in the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from binpack.agents.run_folder import TrainResult
from binpack.agents.store import load_agent
from binpack.search.action import ppo
from binpack.search.action.conduct import perform
from binpack.search.action.faults import JobError

SMALL = {
    "bin_size": [4, 4, 4],
    "total_steps": 64,
    "eval_every": 32,
    "n_envs": 2,
    "n_steps": 8,
    "batch_size": 16,
    "channels": 4,
    "layers": 1,
    "eval_streams": 5,
    "tensorboard": False,
}
LEARNING_RATE = {"name": "learning_rate", "type": "loguniform", "min": 1e-4, "max": 1e-2, "base": 10}


def training(checkpoint=None, dataset="random:1-2", **changes):
    """Return a job that trains on little."""
    params = {"name": "cubes", "dataset": dataset, "hyperparameter": {**SMALL, **changes}}
    return {"action": "train", "params": {**params, "checkpoint": checkpoint}}


def tuning(*varied, fixed=None, **settings):
    """Return a job that tunes on little."""
    config = {"mode": "max", "metric": "score", "max_concurrent_trials": 1, "num_samples": 2, **settings}
    job = training()
    job["params"] |= {"is_tune": True, "hyperparameters": list(varied) or [LEARNING_RATE], "tune_config": config}
    job["params"]["hyperparameter"] = {**SMALL, **(fixed or {})}
    return job


def faults(job, out):
    """Return what is wrong with a job."""
    with pytest.raises(JobError) as error:
        perform(job, out)
    return {fault.place: fault.what for fault in error.value.faults}


def test_a_run_goes_on_from_another_one_and_a_different_one_borrows_its_weights(tmp_path):
    first = perform(training(), tmp_path / "first")
    model = first["trial_models"][0]
    assert set(model["metrics"]) == {"training_iteration", "steps", "score", "seconds"}
    assert model["metrics"]["training_iteration"] == 2 and model["metrics"]["steps"] == 64
    folder = str(tmp_path / "first" / "train" / "model")
    assert load_agent(Path(folder)).config.env.bin_size == (4, 4, 4)

    events = []
    more = perform(training(folder, total_steps=128), tmp_path / "more", events.append)
    assert more["best_trial"]["metrics"]["steps"] == 128
    assert [event["line"] for event in events if event["event"] == "log"] == [f"goes on with the run in {folder}"]
    whole = perform(training(total_steps=128), tmp_path / "whole")
    assert more["best_trial"]["metrics"]["score"] == whole["best_trial"]["metrics"]["score"]

    events.clear()
    perform(training(folder, gamma=0.5), tmp_path / "other", events.append)
    (line,) = [event["line"] for event in events if event["event"] == "log"]
    assert line.startswith(f"begins with the weights of {folder}: ") and "ppo.gamma" in line
    started = load_agent(tmp_path / "other" / "train" / "model").config
    assert started.start_from == folder
    shares = [event["percent"] for event in events if event["event"] == "progress"]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 100


def test_tuning_ends_with_the_comparison_on_unseen_streams(tmp_path):
    events = []
    result = perform(tuning(fixed={"final_seeds": 3, "test_streams": 5}), tmp_path, events.append)
    assert len(result["trial_models"]) == 2
    for model in result["trial_models"]:
        assert load_agent(Path(model["trial_logdir"]) / "model").config.ppo.learning_rate == pytest.approx(
            model["config"]["learning_rate"]
        )
    (said,) = [event["lines"] for event in events if event["event"] == "comparison"]
    assert said[0].startswith("Held out (trained anew on 3 fresh seeds of 64 steps, scored on 5 unseen streams)")
    final = json.loads((tmp_path / "final" / "final.json").read_text())
    assert final["seeds"] == [1000, 1001, 1002] and len(final["best"]) == len(final["default"]) == 3
    again = []
    assert perform(tuning(fixed={"final_seeds": 3, "test_streams": 5}), tmp_path, again.append) == result
    assert [event["lines"] for event in again if event["event"] == "comparison"] == [said]


def test_trials_of_other_rollouts_report_at_the_same_times(tmp_path, monkeypatch):
    def train(config, folder, on_evaluation, **kwargs):
        # an evaluation is at the end of a rollout
        for step in (config.rollout * -(-32 // config.rollout), 64):
            on_evaluation(step, 0.5)
        return TrainResult(0.5, (), 64, 1.0, folder)

    monkeypatch.setattr("binpack.agents.training.train", train)
    events = []
    varied = {"name": "n_steps", "type": "grid_search", "options": [8, 20]}
    job = tuning(varied, fixed={"final_seeds": 0}, num_samples=1)
    del job["params"]["hyperparameter"]["n_steps"]
    perform(job, tmp_path, events.append)
    times = {
        (event["hyperparameters"]["n_steps"], event["metrics"]["training_iteration"])
        for event in events
        if event["event"] == "trial" and event["status"] == "RUNNING" and event["metrics"]
    }
    assert times == {(8, 1), (8, 2), (20, 1), (20, 2)}


@pytest.mark.parametrize(
    ("job", "place", "words"),
    [
        (training(warmth=1), "params.hyperparameter.warmth", "there is no such hyperparameter; there is learning_rate"),
        (training(gamma=2), "params.hyperparameter.gamma", "Input should be less than or equal to 1"),
        (training(batch_size=1000), "params.hyperparameter", "batch_size 1000 is larger than a rollout"),
        (training(final_seeds=2), "params.hyperparameter.final_seeds", "a comparison needs at least 3 training seeds"),
        (training(dataset="random:5-9"), "params.dataset", "random:5-9"),
        (training(checkpoint="nowhere"), "params.checkpoint", "nowhere is no run's folder and no agent"),
        (tuning(metric="reward"), "params.tune_config.metric", "'reward' is not one of score, steps, seconds"),
        (
            tuning({"name": "warmth", "type": "uniform", "min": 0, "max": 1}),
            "params.hyperparameters[0].name",
            "there is no hyperparameter 'warmth' that can vary",
        ),
        (
            tuning({"name": "gamma", "type": "uniform", "min": 0.9, "max": 1.5}),
            "params.hyperparameters[0]",
            "gamma = 1.5: Input should be less than or equal to 1",
        ),
        (
            tuning({"name": "n_epochs", "type": "uniform", "min": 1, "max": 9}),
            "params.hyperparameters[0]",
            "Input should be a valid integer",
        ),
        (
            tuning({"name": "policy", "type": "choice", "options": ["mlp", "forest"]}),
            "params.hyperparameters[0]",
            "policy = forest: ",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_starts(tmp_path, job, place, words):
    found = faults(job, tmp_path / "out")
    assert list(found) == [place] and words in found[place]
    assert not (tmp_path / "out").exists()


def test_a_gpu_that_is_not_there_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    job = training()
    job["params"]["num_gpus"] = 1
    assert faults(job, tmp_path / "out") == {"params.num_gpus": "there is no GPU here that torch can use"}


def test_every_setting_is_a_hyperparameter_by_its_own_name():
    config = ppo.config_of("cut_1", {"gamma": 0.5, "total_steps": 10_000, "visible": 2, "final_seeds": 0}, 2)
    assert (config.ppo.gamma, config.total_steps, config.env.visible, config.env.items) == (0.5, 10_000, 2, "cut_1")
    assert (config.threads, config.device) == (2, "cpu")
    assert ppo.config_of("cut_1", {"threads": 1}, 2).threads == 1
    assert ppo.config_of("cut_1", {}, 1, 1).device == "cuda"


def test_a_population_goes_on_with_the_weights_and_steps_of_the_best(tmp_path):
    """A trial that takes over another goes on from its weights and steps, with its own learning rate from there on."""
    import torch

    from binpack.agents.run_folder import inherited, load_checkpoint

    scheduler = {"name": "pbt", "options": {"perturbation_interval": 1, "quantile_fraction": 0.5}}
    job = tuning(num_samples=3, scheduler=scheduler, fixed={"final_seeds": 0, "total_steps": 96, "eval_streams": 20})
    events = []
    result = perform(job, tmp_path, events.append)
    models = [Path(model["trial_logdir"]) / "model" for model in result["trial_models"]]
    assert [model["metrics"]["steps"] for model in result["trial_models"]] == [96] * 3
    lineage = [step for model in result["trial_models"] for step in model.get("lineage", [])]
    assert lineage
    said = [event["line"] for event in events if event["event"] == "log" and "takes over" in event["line"]]
    assert len(said) == len(lineage)
    for model, folder in zip(result["trial_models"], models, strict=True):
        assert load_checkpoint(folder)["steps"] == 96
        if not model.get("lineage"):
            assert inherited(folder) is None
        elif model["lineage"][-1]["time"] == 3:
            # the last thing that it did was to take over: its weights are another's
            twins = [load_agent(each).policy.state_dict() for each in models if each != folder]
            own = load_agent(folder).policy.state_dict()
            assert any(all(torch.equal(own[name], twin[name]) for name in own) for twin in twins)
        else:
            assert load_agent(folder).config.ppo.learning_rate == pytest.approx(model["config"]["learning_rate"])
    assert perform(job, tmp_path) == result
