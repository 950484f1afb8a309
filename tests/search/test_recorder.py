"""Records of many runs: each once, in the order asked for, whatever stops the recorder in between."""

import json
import signal

import pytest
from threadpoolctl import threadpool_info

from binpack.agents import training
from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.diagnostics import NAMES
from binpack.agents.learner import DivergedError
from binpack.env.config import EnvConfig
from binpack.search import recorder
from binpack.search.recorder import Job, key_of, record_rows, record_runs
from binpack.system import Interrupted

ENV = EnvConfig(bin_size=(4, 4, 4), items="random:2-3")


def job(rate: float, seed: int) -> Job:
    ppo = PPOConfig(policy="mlp", net_arch=(8,), n_steps=16, batch_size=32, n_epochs=1, learning_rate=rate)
    config = TrainConfig(env=ENV, ppo=ppo, total_steps=128, n_envs=4, seed=seed, eval_streams=3, eval_every=64)
    return Job({"knob": "learning_rate", "value": rate, "seed": seed}, config.model_copy(update={"tensorboard": False}))


JOBS = [job(rate, seed) for rate in (1e-3, 1e-2) for seed in (0, 1)]


def record(path, jobs, **more):
    return record_runs(path, jobs, path.parent / "runs", about={"command": "a test"}, progress=False, **more)


def test_runs_are_recorded_once_and_in_order(tmp_path, monkeypatch):
    path = tmp_path / "runs.json"
    trained = []

    def noted(config, folder, **more):
        trained.append(folder.name)
        return training.train(config, folder, **more)

    monkeypatch.setattr(recorder, "train", noted)
    first = record(path, JOBS[2:], processes=1, piece=1)
    rows = record(path, JOBS, processes=1, piece=3)
    assert len(trained) == len(set(trained)) == 4
    assert [key_of(row) for row in rows] == [each.key for each in JOBS] and rows[2:] == first
    assert json.loads(path.read_text())["runs"] == rows
    assert all(row["steps"] == [64, 128] and len(row["utilization"]) == 2 for row in rows)
    assert all(len(row[name]) == 2 for row in rows for name in NAMES)
    assert not list((tmp_path / "runs").iterdir())


def squares(job):
    return {"square": job.key["number"] ** 2, "third": job.key["number"] / 3}


def failing_at_two(job):
    if job.key["number"] == 2:
        raise RuntimeError("two")
    return squares(job)


def test_rows_of_any_kind(tmp_path):
    path, jobs = tmp_path / "rows.json", [Job({"number": number}) for number in range(5)]
    rows = record_rows(path, jobs, squares, about={"command": "a test"}, said={"what": "squares"}, progress=False)
    assert rows == [{"number": n, "square": n**2, "third": float(f"{n / 3:.4g}")} for n in range(5)]
    written = json.loads(path.read_text())
    assert written["what"] == "squares" and written["runs"] == rows


@pytest.mark.parametrize("processes", [1, 2])
def test_what_was_done_before_an_error_is_kept(tmp_path, processes):
    path, jobs = tmp_path / "rows.json", [Job({"number": number}) for number in range(4)]
    more = {"about": {}, "processes": processes, "progress": False}
    with pytest.raises(RuntimeError, match="two"):
        record_rows(path, jobs, failing_at_two, **more)
    kept = [row["number"] for row in json.loads(path.read_text())["runs"]]
    assert 2 not in kept and (processes == 2 or kept == [0, 1])
    assert [row["number"] for row in record_rows(path, jobs, squares, **more)] == [0, 1, 2, 3]


def ended_at_two(job):
    if job.key["number"] == 2:
        signal.raise_signal(signal.SIGTERM)
    return squares(job)


def test_what_was_done_before_a_signal_is_kept(tmp_path):
    path, jobs = tmp_path / "rows.json", [Job({"number": number}) for number in range(4)]
    with pytest.raises(Interrupted, match="ended by SIGTERM"):
        record_rows(path, jobs, ended_at_two, about={}, progress=False, processes=1)
    assert [row["number"] for row in json.loads(path.read_text())["runs"]] == [0, 1]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_two_processes_record_what_one_does(tmp_path):
    def without_times(rows):
        return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]

    one = record(tmp_path / "one.json", JOBS[:2], processes=1)
    two = record(tmp_path / "two.json", JOBS[:2], processes=2)
    assert without_times(one) == without_times(two)


def test_a_run_that_diverges_is_a_row(tmp_path, monkeypatch):
    def diverging(config, folder, on_evaluation):
        folder.mkdir(parents=True)
        on_evaluation(64, 0.5)
        raise DivergedError("no number")

    monkeypatch.setattr(recorder, "train", diverging)
    (row,) = record(tmp_path / "runs.json", JOBS[:1], processes=1)
    assert row["diverged"] and row["utilization"] == [0.5] and row["seconds"] is None


def test_a_file_that_is_no_record(tmp_path):
    path = tmp_path / "runs.json"
    path.write_text("[]")
    with pytest.raises(ValueError, match=r"runs\.json"):
        record(path, JOBS)


def threads_of_blas(job):
    return {"threads": max(pool["num_threads"] for pool in threadpool_info())}


@pytest.mark.parametrize("processes", [1, 2])
def test_each_process_takes_one_core(tmp_path, processes):
    before = threadpool_info()
    wanted = [Job({"number": number}) for number in range(3)]
    rows = record_rows(tmp_path / "rows.json", wanted, threads_of_blas, about={}, processes=processes, progress=False)
    assert [row["threads"] for row in rows] == [1, 1, 1]
    assert threadpool_info() == before
