"""A run that is killed, at whatever moment, ends bit for bit as one that was not."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from binpack.agents import run_state, training
from binpack.agents.config import TrainConfig
from binpack.agents.training import train
from binpack.env.config import EnvConfig
from binpack.env.vector import BinPackingVecEnv
from binpack.items.streams import Streams

ENV = EnvConfig(bin_size=(4, 4, 4), items="random:1-2")
PPO = {"n_steps": 8, "batch_size": 16, "n_epochs": 1, "channels": 2, "layers": 1, "net_arch": (4,)}


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


def config(**changes) -> TrainConfig:
    base = {"env": ENV, "ppo": PPO, "total_steps": 192, "n_envs": 4, "eval_streams": 3, "eval_every": 80}
    return TrainConfig(**{**base, "tensorboard": False, "device": "cpu", **changes})


RUNS = {
    "plain": lambda folder: config(),
    "some items to pick from, turned": lambda folder: config(
        env=ENV.model_copy(update={"visible": 2, "rotation": "z", "features": "contact"}), ppo={**PPO, "policy": "mlp"}
    ),
    "replicas": lambda folder: config(ppo={**PPO, "replicas": 2}),
    "a mean of the weights, a schedule, a reward that remembers": lambda folder: config(
        env=ENV.model_copy(update={"items": "cut_2:1-3", "reward": "density"}),
        ppo={**PPO, "learning_rate_schedule": "linear"},
        average_weights=0.7,
    ),
    "a file, with edges that must not stand upright": lambda folder: config(
        env=ENV.model_copy(update={"items": str(folder / "items.npz"), "rotation": "all"})
    ),
    "a log": lambda folder: config(tensorboard=True),
}


@pytest.fixture
def often(monkeypatch):
    """Every rollout begins with a checkpoint."""
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(training, "SHARE_OF_TIME", 1e9)


def kill_after(monkeypatch, calls: int) -> None:
    """End what runs at a call of one of the environments' steps, of an update, or of an evaluation."""
    left = [calls]

    def counted(inner):
        def call(*args, **kwargs):
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return inner(*args, **kwargs)

        return call

    monkeypatch.setattr(BinPackingVecEnv, "step_wait", counted(BinPackingVecEnv.step_wait))
    monkeypatch.setattr(training.PPO, "train", counted(training.PPO.train))
    for name in ("evaluate", "save_checkpoint", "save_agent", "write_result"):
        monkeypatch.setattr(training, name, counted(getattr(training, name)))


def left_behind(folder: Path) -> tuple[dict, list, list]:
    """Return what a finished run says: weights, scores and diagnostics."""
    result = training.read_result(folder)
    return torch.load(folder / "weights.pt", weights_only=True), list(result.history), list(result.diagnostics)


def assert_same(one: Path, two: Path) -> None:
    (weights, *said), (others, *heard) = left_behind(one), left_behind(two)
    assert all(torch.equal(weights[name], others[name]) for name in weights) and said == heard


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_is_killed_at_twenty_points_ends_as_one_that_is_not(tmp_path, often, name):
    rng = np.random.default_rng(3)
    standing = rng.random((7, 6, 3)) < 0.5
    standing[..., 2] = True
    Streams(rng.integers(1, 3, (7, 6, 3)), np.full(7, 6), standing).save(tmp_path / "items.npz")
    run = RUNS[name](tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "CHECKPOINT_SECONDS", 1e9)
        train(run, tmp_path / "whole")
    kills = 0
    for calls in np.random.default_rng(0).integers(9, 17, 20).tolist():
        with pytest.MonkeyPatch.context() as patch:
            kill_after(patch, calls)
            try:
                train(run, tmp_path / "killed")
            except Killed:
                kills += 1
    train(run, tmp_path / "killed")
    assert kills >= 4
    assert_same(tmp_path / "whole", tmp_path / "killed")


def test_a_run_that_is_killed_at_any_one_call_ends_as_one_that_is_not(tmp_path, often):
    train(config(total_steps=96), tmp_path / "whole")
    for calls in range(2, 52, 2):
        folder = tmp_path / str(calls)
        with pytest.MonkeyPatch.context() as patch:
            kill_after(patch, calls)
            try:
                train(config(total_steps=96), folder)
            except Killed:
                pass
            else:
                assert calls > 30  # all of the run's calls
                return
        train(config(total_steps=96), folder)
        assert_same(tmp_path / "whole", folder)
    pytest.fail("the run has more calls than that")


def test_a_process_that_is_killed_goes_on_exactly(tmp_path):
    program = f"""
        import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
        import test_run_state as test
        test.training.CHECKPOINT_SECONDS, test.training.SHARE_OF_TIME = 0.0, 1e9
        train = test.training.PPO.train
        test.training.PPO.train = lambda model: (print(flush=True), train(model))
        test.train(test.config(total_steps=640), {str(tmp_path / "killed")!r})
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True)
    for _ in range(9):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert 256 <= torch.load(tmp_path / "killed/checkpoint.pt", weights_only=True)["steps"] < 640
    for name in ("killed", "whole"):
        train(config(total_steps=640), tmp_path / name)
    assert_same(tmp_path / "whole", tmp_path / "killed")


def test_a_finished_run_that_kept_its_checkpoint_goes_on_as_if_it_had_had_more_steps_from_the_start(tmp_path):
    for name in ("plain", "replicas"):
        run = RUNS[name](tmp_path)
        train(run, tmp_path / name, keep_checkpoint=True)
        longer = run.model_copy(update={"total_steps": 320})
        train(longer, tmp_path / name)
        train(longer, tmp_path / f"{name}, whole")
        weights, others = (
            torch.load(tmp_path / each / "weights.pt", weights_only=True) for each in (name, f"{name}, whole")
        )
        assert all(torch.equal(weights[each], others[each]) for each in weights)


def test_a_checkpoint_without_the_state_is_resumed_with_fresh_items(tmp_path, often):
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, 25)
        with pytest.raises(Killed):
            train(config(), tmp_path)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert 0 < state["steps"] < 192
    torch.save({name: part for name, part in state.items() if name not in ("run", "said")}, tmp_path / "checkpoint.pt")
    assert train(config(), tmp_path).steps == 192


def test_environments_that_keep_python_objects_are_trained_and_resumed_with_fresh_items(tmp_path, often, monkeypatch):
    monkeypatch.setattr(run_state, "_packed", lambda state: (_ for _ in ()).throw(TypeError))
    with pytest.MonkeyPatch.context() as patch:
        kill_after(patch, 25)
        with pytest.raises(Killed):
            train(config(), tmp_path)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["run"] is None
    assert train(config(), tmp_path).steps == 192


def test_what_is_packed_is_what_is_unpacked_and_torch_reads_it_without_pickle(tmp_path):
    state = {
        "a": np.arange(6, dtype=np.uint16).reshape(2, 3),
        "b": [1 << 127, None, -0.0, True, "x", {"c": np.zeros((0, 2), bool)}],
        "d": np.float32(0.1),
    }
    torch.save(run_state._packed(state), tmp_path / "state.pt")
    back = run_state._unpacked(torch.load(tmp_path / "state.pt", weights_only=True))
    assert back["a"].dtype == np.uint16 and np.array_equal(back["a"], state["a"]) and back["a"].flags.writeable
    assert back["b"][:5] == state["b"][:5] and back["b"][5]["c"].shape == (0, 2) and back["d"] == state["d"]
    with pytest.raises(TypeError):
        run_state._packed([np.array([None])])
