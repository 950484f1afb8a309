"""An announced end: training leaves with a checkpoint, and ends later as if nothing had been."""

from __future__ import annotations

import multiprocessing
import os
import time

import pytest
import torch

from binpack import stopping
from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.training import train
from binpack.env.config import EnvConfig
from binpack.search.action.run import Run
from binpack.system import Interrupted

SMALL = TrainConfig(
    env=EnvConfig(bin_size=(4, 4, 4), items="random:1-2"),
    ppo=PPOConfig(n_steps=16, batch_size=32, n_epochs=1, channels=4, layers=1),
    total_steps=512,
    n_envs=4,
    eval_every=128,
    eval_streams=4,
    tensorboard=False,
)


def test_nothing_is_asked_where_nothing_is_announced():
    assert not stopping.asked()
    with stopping.announced() as announce:
        assert not stopping.asked()
        announce()
        assert stopping.asked()
        with stopping.announced():
            assert not stopping.asked()
        assert stopping.asked()
    assert not stopping.asked() and stopping.VARIABLE not in os.environ


def test_a_run_that_leaves_with_a_checkpoint_ends_bit_for_bit_as_one_that_goes_through(tmp_path):
    through = train(SMALL, tmp_path / "through")
    with stopping.announced() as announce, pytest.raises(Interrupted) as stop:
        # announced in the evaluation at step 128: the rollout that follows is the last
        train(SMALL, tmp_path / "left", on_evaluation=lambda step, score: announce())
    assert stop.value.code == 143
    kept = torch.load(tmp_path / "left" / "checkpoint.pt", weights_only=True)
    assert kept["steps"] == 192 and not (tmp_path / "left" / "result.json").exists()
    again = train(SMALL, tmp_path / "left")
    assert again.history == through.history
    weights = [torch.load(tmp_path / each / "weights.pt", weights_only=True) for each in ("through", "left")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def _train(folder: str) -> None:
    train(SMALL, folder, on_evaluation=lambda step, score: time.sleep(0.2))


def test_a_worker_waits_behind_its_checkpoint_until_it_is_ended(tmp_path):
    """What a worker raises would count as a failure of its trial."""
    with stopping.announced() as announce:
        announce()
        worker = multiprocessing.get_context("spawn").Process(target=_train, args=(str(tmp_path / "run"),))
        worker.start()
        deadline = time.monotonic() + 240
        while not (tmp_path / "run" / "checkpoint.pt").exists():
            assert worker.is_alive() and time.monotonic() < deadline
            time.sleep(0.1)
        worker.join(timeout=2)
        assert worker.exitcode is None
        worker.terminate()
        worker.join()
    assert not (tmp_path / "run" / "result.json").exists()


class Deaf:
    """A channel that hears and ends nothing."""

    def event(self, event):
        """Hear nothing."""

    def report(self, metrics):
        """End nothing."""
        return False


def test_an_entrypoint_leaves_at_a_report_with_a_checkpoint(tmp_path):
    run = Run(tmp_path, None, "score", Deaf())
    (tmp_path / "kept").write_text("1")
    with stopping.announced() as announce:
        run.report({"score": 1})
        announce()
        run.report({"score": 2})
        with pytest.raises(Interrupted):
            run.report({"score": 3, "checkpoint": tmp_path / "kept"})
    assert Run(tmp_path, None, "score", Deaf()).checkpoint == tmp_path / "kept"
