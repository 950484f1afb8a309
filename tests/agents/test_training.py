"""Training: budget, resume after a kill, what is written, and what is refused."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from sb3_contrib import MaskablePPO
from torch.optim.swa_utils import AveragedModel

from binpack.agents.config import CONFIG_VERSION, PPOConfig, TrainConfig, read_config
from binpack.agents.diagnostics import NAMES
from binpack.agents.evaluation import evaluate, make_streams
from binpack.agents.learner import PPO as PPO_LEARNER
from binpack.agents.learner import DivergedError
from binpack.agents.networks import CandidatePolicy
from binpack.agents.store import AGENT_VERSION, load_agent
from binpack.agents.training import train
from binpack.agents.update import Update
from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.env.vector import BinPackingVecEnv

ENV = EnvConfig(bin_size=(5, 5, 5), items="random:2-3")
PPO = PPOConfig(n_steps=16, batch_size=32, n_epochs=1, channels=4, layers=2, net_arch=(8,))


class Stop(Exception):
    """A run is stopped by what its caller raises."""


def stopping_at(at: int):
    """Return a report that stops the run at an evaluation, but not where the run repeats what was reported before."""

    def report(step, score):
        if step == at:
            raise Stop

    return report


def config(**changes) -> TrainConfig:
    base = {"env": ENV, "ppo": PPO, "total_steps": 256, "n_envs": 4, "eval_streams": 5, "eval_every": 128}
    return TrainConfig(**{**base, "tensorboard": False, "device": "cpu", **changes})


@pytest.mark.parametrize("policy", ["candidate", "mlp"])
def test_a_run_leaves_an_agent_that_loads_without_pickle_and_scores_the_same(tmp_path, policy):
    seen = []
    run = config(ppo=PPO.model_copy(update={"policy": policy}))
    result = train(run, tmp_path / "run", on_evaluation=lambda step, score: seen.append((step, score)))
    assert result.steps == 256
    assert [step for step, _ in seen] == [128, 256]
    assert tuple(seen) == result.history
    assert result.score == seen[-1][1]
    assert not (tmp_path / "run/checkpoint.pt").exists()
    weights = torch.load(tmp_path / "run/weights.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in weights.values())
    agent = load_agent(tmp_path / "run")
    assert agent.config == run
    again = evaluate(agent, make_streams(ENV, 5, run.eval_seed), ENV)
    assert again.mean == pytest.approx(result.score)


def test_a_finished_folder_answers_at_once_and_reports_its_history(tmp_path):
    first = train(config(), tmp_path)
    seen = []
    started = time.perf_counter()
    second = train(config(), tmp_path, on_evaluation=lambda *row: seen.append(row))
    assert time.perf_counter() - started < 1
    assert second.history == first.history == tuple(seen)


def test_the_same_config_gives_the_same_weights(tmp_path):
    train(config(), tmp_path / "a")
    train(config(), tmp_path / "b")
    train(config(seed=1), tmp_path / "c")
    a, b, c = (torch.load(tmp_path / name / "weights.pt", weights_only=True) for name in "abc")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not all(torch.equal(a[name], c[name]) for name in a)


def test_what_is_kept_can_be_a_running_mean_of_the_weights(tmp_path, monkeypatch):
    seen, start = [], MaskablePPO.learn

    def learn(model, *args, **kwargs):
        seen.append({name: value.clone() for name, value in model.policy.state_dict().items()})
        return start(model, *args, **kwargs)

    def update(model, inner=PPO_LEARNER.train):
        inner(model)
        seen.append({name: value.clone() for name, value in model.policy.state_dict().items()})

    monkeypatch.setattr(MaskablePPO, "learn", learn)
    monkeypatch.setattr(PPO_LEARNER, "train", update)
    result = train(config(average_weights=0.75), tmp_path)
    kept = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert len(seen) == 1 + 4
    for name, value in kept.items():
        mean = seen[0][name]
        for weights in seen[1:]:
            mean = 0.75 * mean + 0.25 * weights[name]
        torch.testing.assert_close(value, mean)
    assert not all(torch.equal(kept[name], seen[-1][name]) for name in kept)
    again = evaluate(load_agent(tmp_path), make_streams(ENV, 5, config().eval_seed), ENV)
    assert again.mean == pytest.approx(result.score)


@pytest.mark.parametrize("stops", [(), (128,), (128, 192)])
def test_a_run_takes_each_rollouts_weights_into_the_mean_once_however_often_it_is_stopped(tmp_path, monkeypatch, stops):
    """The mean is recomputed from all weights that there were: an interruption neither repeats nor leaves out any."""
    seen, inner = [], PPO_LEARNER.train

    def update(model):
        if not seen:
            seen.append({name: value.clone() for name, value in model.policy.state_dict().items()})
        inner(model)
        seen.append({name: value.clone() for name, value in model.policy.state_dict().items()})

    counted, average = [], AveragedModel.update_parameters
    monkeypatch.setattr(PPO_LEARNER, "train", update)
    monkeypatch.setattr(AveragedModel, "update_parameters", lambda *args: counted.append(1) or average(*args))
    run = config(average_weights=0.75, eval_every=64)
    for at in stops:
        with pytest.raises(Stop):
            train(run, tmp_path, on_evaluation=stopping_at(at))
    train(run, tmp_path)
    assert len(seen) == len(counted) == 1 + 4
    kept = torch.load(tmp_path / "weights.pt", weights_only=True)
    for name, value in kept.items():
        mean = seen[0][name]
        for weights in seen[1:]:
            mean = 0.75 * mean + 0.25 * weights[name]
        torch.testing.assert_close(value, mean)


def test_a_stopped_run_continues_its_mean_of_the_weights(tmp_path):
    def stop(step, score):
        raise Stop

    run = config(average_weights=0.75)
    with pytest.raises(Stop):
        train(run, tmp_path, on_evaluation=stop)
    checkpoint = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    mean = {name.removeprefix("module."): value for name, value in checkpoint["average"].items()}
    kept = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert all(torch.equal(mean[name], kept[name]) for name in kept)
    assert int(mean["n_averaged"]) == 1 + 2
    assert train(run, tmp_path).steps == 256


def test_a_run_starts_from_the_weights_of_an_agent_that_saw_fewer_items(tmp_path):
    from binpack.agents.training import _build

    train(config(), tmp_path / "first")
    before = torch.load(tmp_path / "first" / "weights.pt", weights_only=True)
    more = config(env=ENV.model_copy(update={"visible": 3}), start_from=str(tmp_path / "first"))
    after = _build(more, tmp_path, None).policy.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_start_that_does_not_fit_is_refused_and_nothing_is_claimed(tmp_path):
    train(config(), tmp_path / "first")
    wider = config(ppo=PPO.model_copy(update={"channels": 3}), start_from=str(tmp_path / "first"))
    with pytest.raises(ValueError, match="its network has other layers than this run's policy"):
        train(wider, tmp_path / "second")
    with pytest.raises(ValueError, match="no agent here"):
        train(config(start_from=str(tmp_path / "none")), tmp_path / "second")
    assert not (tmp_path / "second" / "config.json").exists()


def test_a_stopped_run_continues_its_step_count_and_its_schedule(tmp_path):
    def stop(step, score):
        raise Stop

    run = config(ppo=PPO.model_copy(update={"learning_rate": 1.0e-3, "learning_rate_schedule": "linear"}))
    with pytest.raises(Stop):
        train(run, tmp_path, on_evaluation=stop)
    checkpoint = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert checkpoint["steps"] == 128
    seen = []
    result = train(run, tmp_path, on_evaluation=lambda step, score: seen.append(step))
    assert result.steps == 256
    assert seen == [128, 256]
    whole = train(run, tmp_path / "whole")
    assert [step for step, _ in whole.history] == [step for step, _ in result.history]


def test_a_killed_process_is_continued(tmp_path):
    script = f"""
        import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_training import config
        from binpack.agents.training import train
        def report(step, score):
            print(step, flush=True)
        train(config(total_steps=20_000, eval_every=256), {str(tmp_path / "run")!r}, on_evaluation=report)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
    reported = [int(process.stdout.readline()) for _ in range(2)]
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    checkpoint = torch.load(tmp_path / "run/checkpoint.pt", weights_only=True)
    assert checkpoint["steps"] >= reported[-1]
    seen = []
    with pytest.raises(Stop):
        train(
            config(total_steps=20_000, eval_every=256),
            tmp_path / "run",
            on_evaluation=lambda step, _: (
                seen.append(step) if step <= checkpoint["steps"] else (_ for _ in ()).throw(Stop)
            ),
        )
    assert seen[:2] == reported
    assert seen[-1] == checkpoint["steps"]


def test_learning_happens(tmp_path):
    """On items of one size a trained agent clearly beats random play, so reward and mask are wired right."""
    env = EnvConfig(bin_size=(6, 6, 6), items="random:3-3", support="none")
    ppo = PPOConfig(n_steps=32, batch_size=128, n_epochs=4, learning_rate=3e-3, gamma=1.0, channels=16, layers=2)
    result = train(config(env=env, ppo=ppo, total_steps=8192, n_envs=16, eval_every=8192, eval_streams=20), tmp_path)
    chance = evaluate("random", make_streams(env, 200, 7), env).mean
    assert chance < 0.75
    assert result.score > 0.95


def test_tensorboard_log_has_the_evaluation(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(config(tensorboard=True), tmp_path)
    events = EventAccumulator(str(next((tmp_path / "tensorboard").iterdir())))
    events.Reload()
    assert [event.step for event in events.Scalars("eval/utilization")] == [128, 256]


def test_every_hyperparameter_reaches_ppo(tmp_path):
    from binpack.agents.training import _build

    changed = PPOConfig(
        learning_rate=1e-3,
        learning_rate_schedule="linear",
        clip_range=0.3,
        clip_range_schedule="linear",
        n_steps=8,
        batch_size=16,
        n_epochs=3,
        gamma=0.9,
        gae_lambda=0.8,
        ent_coef=0.01,
        vf_coef=0.7,
        max_grad_norm=1.5,
        target_kl=0.02,
        normalize_advantage=False,
        channels=5,
        layers=1,
    )
    model = _build(config(ppo=changed), tmp_path, None)
    for name in ("n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "ent_coef", "vf_coef", "max_grad_norm"):
        assert getattr(model, name) == getattr(changed, name)
    assert (model.target_kl, model.normalize_advantage) == (0.02, False)
    assert (model.lr_schedule(1.0), model.lr_schedule(0.5)) == pytest.approx((1e-3, 5e-4))
    assert (model.clip_range(1.0), model.clip_range(0.5)) == pytest.approx((0.3, 0.15))
    assert model.policy.features_extractor.layers[0].out_channels == 5
    mlp = _build(config(ppo=changed.model_copy(update={"policy": "mlp", "net_arch": (7, 9)})), tmp_path, None)
    assert [layer.out_features for layer in mlp.policy.mlp_extractor.policy_net if hasattr(layer, "out_features")] == [
        7,
        9,
    ]


def test_a_folder_of_another_run_is_refused(tmp_path):
    train(config(), tmp_path)
    with pytest.raises(ValueError, match="another config: seed is 0 there and 3 here; choose another folder"):
        train(config(seed=3), tmp_path)
    with pytest.raises(ValueError, match="already holds a run"):
        train(config(), tmp_path, resume=False)


def stored(path: Path, **changes) -> None:
    """Change a JSON object on disk; a value of None takes the field away."""
    content = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))


def test_a_run_that_was_written_before_the_newest_fields_is_continued(tmp_path):
    with pytest.raises(Stop):
        train(config(), tmp_path, on_evaluation=stopping_at(128))
    path = tmp_path / "config.json"
    content = json.loads(path.read_text())
    for part, field in (("ppo", "replicas"), ("ppo", "precision"), ("env", "features")):
        del content[part][field]
    del content["version"], content["average_weights"]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="another config: ppo.replicas is 1 there and 2 here; choose another folder"):
        train(config(ppo=PPO.model_copy(update={"replicas": 2})), tmp_path)
    assert train(config(), tmp_path).steps == 256
    assert train(config(), tmp_path).steps == 256


def test_a_config_with_a_field_in_another_spelling_is_the_same_run(tmp_path):
    with pytest.raises(Stop):
        train(config(), tmp_path, on_evaluation=stopping_at(128))
    spelt = ENV.model_copy(update={"support": "corners:0.95,0.80,0.60"})
    assert train(config().model_copy(update={"env": spelt}), tmp_path).steps == 256


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ({"cell": "10cm", "items": "random"}, {"cell": "100mm", "items": "random:2-5"}),
        ({"cell": "1in", "items": "parcels.csv"}, {"cell": "25.4mm", "items": "./copy of parcels.csv"}),
        ({"cell": "0.1m", "items": "parcels.csv"}, {"cell": "1dm", "items": "elsewhere/parcels.csv"}),
        ({"items": "random:2-2"}, {"items": "random:2"}),
        ({"items": "korea_post", "cell": "10cm"}, {"items": "korea_post", "cell": "100 mm"}),
    ],
)
def test_the_same_run_by_other_names_and_units_goes_on(tmp_path, monkeypatch, first, again):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    for name in ("parcels.csv", "copy of parcels.csv", "elsewhere/parcels.csv"):
        (tmp_path / name).write_text("length,width,height,quantity,unit\n2,2,3,9,in\n")
    base = {"bin_size": (6, 6, 6), "rotation": "all"}
    with pytest.raises(Stop):
        train(config(env=EnvConfig(**base, **first)), "run", on_evaluation=stopping_at(128))
    more = config(env=EnvConfig(**base, **again), start_from=None, device="auto", tensorboard=False)
    assert train(more, "run").steps == 256
    other = {**again, "cell": "11cm"} if "cell" in again else {"items": "random:2-3"}
    with pytest.raises(ValueError, match="another config: env|on other items"):
        train(config(env=EnvConfig(**base, **other)), "run")


def test_a_run_from_the_same_agent_by_another_path_goes_on(tmp_path, monkeypatch):
    train(config(), tmp_path / "first")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Stop):
        train(config(start_from="first"), "second", on_evaluation=stopping_at(128))
    assert train(config(start_from=str(tmp_path / "first")), "second").steps == 256
    with pytest.raises(ValueError, match="start_from is '.*first' there and None here"):
        train(config(), "second")


def test_steps_of_a_run_can_be_raised_and_not_lowered(tmp_path):
    first = train(config(), tmp_path)
    assert not (tmp_path / "checkpoint.pt").exists()
    assert train(config(total_steps=200), tmp_path).history == first.history  # as many rollouts
    seen = []

    def stop(step, score):
        seen.append(step)
        if step == 384:
            raise Stop

    with pytest.raises(Stop):
        train(config(total_steps=512), tmp_path, on_evaluation=stop)
    assert not (tmp_path / "result.json").exists()
    longer = train(config(total_steps=512), tmp_path, on_evaluation=lambda step, _: seen.append(step))
    assert seen == [128, 256, 384, 128, 256, 384, 512] and longer.history[:2] == first.history
    assert read_config(tmp_path / "config.json").total_steps == 512
    assert load_agent(tmp_path).metadata["steps"] == 512
    with pytest.raises(ValueError, match="total_steps is 512 there and 256 here, and steps can be raised, not lowered"):
        train(config(), tmp_path)


def test_a_configuration_is_read_out_of_whatever_holds_one(tmp_path):
    train(config(), tmp_path)
    (tmp_path / "best.json").write_text(json.dumps({"trial": 3, "config": config().model_dump(mode="json")}))
    for name in ("config.json", "agent.json", "best.json"):
        assert read_config(tmp_path / name) == config()
    (tmp_path / "none.json").write_text('{"config": [1]}')
    with pytest.raises(ValueError, match=r"none\.json: not a training configuration"):
        read_config(tmp_path / "none.json")


def test_a_run_that_is_evaluated_at_other_steps_is_the_same_run(tmp_path):
    with pytest.raises(Stop):
        train(config(eval_every=None), tmp_path, on_evaluation=stopping_at(64))
    assert config(eval_every=None).evaluation_interval == 51
    assert [step for step, _ in train(config(eval_every=128), tmp_path).history] == [64, 128, 256]


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (2, r"written by a newer binpack \(format 2, this one reads up to 1\)"),
        ("new", "version 'new' is not a version"),
    ],
)
def test_what_a_newer_binpack_wrote_is_answered_with_one_line(tmp_path, version, message):
    with pytest.raises(Stop):
        train(config(), tmp_path, on_evaluation=stopping_at(128))
    assert json.loads((tmp_path / "config.json").read_text())["version"] == CONFIG_VERSION == 1
    assert json.loads((tmp_path / "agent.json").read_text())["version"] == AGENT_VERSION == 1
    for name, call in (("agent.json", load_agent), ("config.json", lambda folder: train(config(), folder))):
        stored(tmp_path / name, version=version)
        with pytest.raises(ValueError, match=f"{name}: .*{message}") as caught:
            call(tmp_path)
        assert "\n" not in str(caught.value)


def test_a_run_of_the_code_before_is_continued_to_its_end_and_shown(tmp_path):
    """The folder and what wrote it lie in tests/written_before."""
    folder = tmp_path / "run"
    shutil.copytree(Path(__file__).parents[1] / "written_before" / "run", folder)
    before = load_agent(folder)
    assert (before.metadata["steps"], before.metadata["score"]) == (512, 0.69375)
    env = before.config.env
    score = evaluate(before, make_streams(env, 10, before.config.eval_seed), env).mean
    assert score == pytest.approx(before.metadata["score"])
    seen = []
    result = train(read_config(folder / "config.json"), folder, on_evaluation=lambda *row: seen.append(row))
    assert result.steps == 1024 and [step for step, _ in seen] == [256, 512, 768, 1024]
    assert seen[1] == (512, 0.69375)
    assert load_agent(folder).metadata["steps"] == 1024


def exploding(**changes) -> TrainConfig:
    """A run whose weights stop being numbers soon: what makes its learning rate far too large finds no limit."""
    return config(ppo=PPO.model_copy(update={"learning_rate": 1e-3, "max_grad_norm": 1e9}), **changes)


@pytest.mark.parametrize("factor", [1e12, 1e36, float("inf")])
def test_a_run_that_diverges_ends_with_one_line_and_keeps_what_was_good(tmp_path, monkeypatch, factor):
    rate = PPO_LEARNER._update_learning_rate

    def explode(model, optimizers):
        rate(model, optimizers)
        if model.num_timesteps > 128:
            for group in optimizers.param_groups:
                group["lr"] *= factor

    with monkeypatch.context() as patch:
        patch.setattr(PPO_LEARNER, "_update_learning_rate", explode)
        with pytest.raises(DivergedError, match="training diverged at step [0-9]+: ") as caught:
            train(exploding(total_steps=1024), tmp_path)
    assert "\n" not in str(caught.value) and caught.value.__cause__ is None
    checkpoint = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    kept = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert checkpoint["steps"] >= 128
    for weights in (checkpoint["policy"], kept):
        assert all(torch.isfinite(value).all() for value in weights.values())
    assert load_agent(tmp_path).metadata["steps"] == checkpoint["steps"]
    if checkpoint["steps"] == 128:
        assert train(exploding(total_steps=1024), tmp_path).steps == 1024


def test_a_nan_in_the_weights_never_reaches_a_file(tmp_path, monkeypatch):
    inner, calls = Update.apply, []

    def spoil(update, policy, rollout):
        calls.append(update)
        said = inner(update, policy, rollout)
        if len(calls) == 4:
            next(policy.parameters()).data[0, 0, 0] = float("nan")
        return said

    monkeypatch.setattr(Update, "apply", spoil)
    with pytest.raises(DivergedError, match="training diverged at step 256: "):
        train(config(), tmp_path)
    assert load_agent(tmp_path).metadata["steps"] == 128
    assert not (tmp_path / "result.json").exists()


def test_a_batch_that_exceeds_the_rollout_is_refused():
    with pytest.raises(ValueError, match="batch_size 512 is larger than a rollout of n_steps 16 x n_envs 4"):
        config(ppo=PPO.model_copy(update={"batch_size": 512}))


def test_a_bad_agent_folder_is_answered_with_one_line(tmp_path):
    with pytest.raises(ValueError, match="no agent here"):
        load_agent(tmp_path)
    train(config(), tmp_path)
    (tmp_path / "weights.pt").write_bytes(b"not weights")
    with pytest.raises(ValueError, match="weights.pt: cannot load the weights") as caught:
        load_agent(tmp_path)
    assert "\n" not in str(caught.value)
    about = json.loads((tmp_path / "agent.json").read_text())
    about["config"]["ppo"]["learning_rate"] = -1
    (tmp_path / "agent.json").write_text(json.dumps(about))
    with pytest.raises(ValueError, match="agent.json: not an agent's description") as caught:
        load_agent(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_candidate_policy_commutes_with_the_order_of_candidates():
    """Swapping two visible items swaps their scores and leaves the value alone."""
    env = BinPackingVecEnv(EnvConfig(visible=2), 3, seed=0)
    model = MaskablePPO(CandidatePolicy, env, n_steps=8, batch_size=8, policy_kwargs={"channels": 4}, device="cpu")
    observation = {name: torch.as_tensor(value) for name, value in env.reset().items()}
    swapped = {**observation, "edges": observation["edges"].flip(1), "landing": observation["landing"].flip(1)}
    with torch.no_grad():
        features, features_swapped = (model.policy.extract_features(value) for value in (observation, swapped))
        scores = features[:, :200].reshape(3, 2, 100)
        scores_swapped = features_swapped[:, :200].reshape(3, 2, 100)
        assert torch.allclose(scores, scores_swapped.flip(1), atol=1e-6)
        assert torch.allclose(model.policy.predict_values(observation), model.policy.predict_values(swapped), atol=1e-6)


def test_a_candidate_agent_plays_bins_of_another_size(tmp_path):
    train(config(), tmp_path)
    agent = load_agent(tmp_path)
    other = EnvConfig(bin_size=(7, 6, 8), items="random:2-4", visible=2, rotation="z")
    assert 0 < evaluate(agent, make_streams(other, 4, 0), other).mean <= 1


def test_an_mlp_agent_refuses_bins_of_another_size(tmp_path):
    train(config(ppo=PPO.model_copy(update={"policy": "mlp"})), tmp_path)
    other = EnvConfig(bin_size=(7, 6, 8))
    batch = PackingBatch(other, 1)
    batch.load(make_streams(other, 1, 0))
    with pytest.raises(ValueError, match="an agent with policy mlp that was trained with bin_size"):
        load_agent(tmp_path).act(batch, np.random.default_rng(0))


def test_a_run_on_items_that_were_edited_is_refused(tmp_path):
    items = tmp_path / "items.csv"
    items.write_text("length,width,height,quantity\n2,2,2,9\n")
    run = config(env=EnvConfig(bin_size=(5, 5, 5), items=str(items)))
    train(run, tmp_path / "run")
    items.write_text("length,width,height,quantity\n1,2,2,9\n")
    with pytest.raises(ValueError, match=r"holds a run on other items than .*items\.csv has now"):
        train(run, tmp_path / "run")


def test_a_run_that_is_stopped_early_keeps_its_model(tmp_path):
    def stop(step, score):
        raise Stop

    with pytest.raises(Stop):
        train(config(), tmp_path, on_evaluation=stop)
    assert load_agent(tmp_path).metadata["steps"] == 128


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("checkpoint.pt", "", "checkpoint.pt: cannot load the checkpoint"),
        ("checkpoint.pt", "rubbish", "checkpoint.pt: cannot load the checkpoint"),
        ("result.json", "{}", "result.json: not a run's result"),
        ("result.json", "[]", "result.json: not a run's result"),
        ("config.json", "[" * 100_000, "config.json: not a run's config"),
    ],
)
def test_a_damaged_folder_is_answered_with_one_line(tmp_path, name, content, message):
    def stop(step, score):
        raise Stop

    with pytest.raises(Stop):
        train(config(), tmp_path, on_evaluation=stop)
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message) as caught:
        train(config(), tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "bad",
    [{"learning_rate": float("inf")}, {"net_arch": (0,)}, {"channels": 10**9}, {"layers": 65}, {"n_steps": 10**8}],
)
def test_hyperparameters_that_cannot_work_are_refused_before_anything_is_written(bad):
    with pytest.raises(ValueError):
        PPOConfig(**bad)


def test_training_leaves_the_global_generators_and_the_temporary_folder_alone(tmp_path, monkeypatch):
    import random
    import tempfile

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    before = np.random.get_state()[1].tolist(), random.getstate(), torch.get_rng_state().tolist()  # noqa: NPY002
    train(config(), tmp_path / "run")
    after = np.random.get_state()[1].tolist(), random.getstate(), torch.get_rng_state().tolist()  # noqa: NPY002
    assert before == after
    assert not any((tmp_path / "temporary").iterdir())


def test_a_run_says_what_its_updates_were_like_also_after_a_stop(tmp_path):
    whole = train(config(total_steps=384), tmp_path / "whole")
    assert len(whole.diagnostics) == len(whole.history)
    last = whole.diagnostics[-1]
    assert set(last) == set(NAMES)
    assert 0 <= last["clip_fraction"] <= 1 and last["entropy"] > 0 and last["ep_len_mean"] >= 1
    assert json.loads((tmp_path / "whole" / "result.json").read_text())["diagnostics"][-1] == last
    assert train(config(total_steps=384), tmp_path / "whole").diagnostics == whole.diagnostics

    with pytest.raises(Stop):
        train(config(total_steps=384), tmp_path / "stopped", on_evaluation=stopping_at(whole.history[-2][0]))
    resumed = train(config(total_steps=384), tmp_path / "stopped")
    assert len(resumed.diagnostics) == len(resumed.history) == len(whole.history)
    assert resumed.diagnostics[0] == whole.diagnostics[0]
