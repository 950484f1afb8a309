"""Ray: its crew against a Ray that is played by threads, and the engine on a real cluster of two nodes.

The cluster is started once, on loopback, and loses a node in the last test.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import json
import os
import queue
import random
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, wait
from pathlib import Path
from types import SimpleNamespace

import kills
import pytest

from binpack.agents import training
from binpack.search._model import SearchError
from binpack.search.action.conduct import perform
from binpack.search.action.faults import JobError
from binpack.search.action.job import parse_job
from binpack.search.action.trial import Assignment, Outcome
from binpack.search.engines import ahead, ray_tune
from binpack.search.engines.engine import ENGINES, check_engine
from binpack.search.engines.ray_tune import RAY, _OnRay, _room, _sight, _Trainers
from binpack.search.engines.study import LOSSES

TOYS = Path(__file__).parents[1] / "action"
X = {"name": "x", "type": "uniform", "min": 0, "max": 1}
ONE_TO_THREE = {"name": "x", "type": "grid_search", "options": [1, 2, 3]}
needs_ray = pytest.mark.skipif(RAY.missing is not None, reason=f"the engine ray {RAY.missing}")


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    """Let jobs find toy.py, in processes of their own as well."""
    monkeypatch.syspath_prepend(str(TOYS))


def tuning(*varied, entrypoint="toy", hyperparameter=None, engine="ray", address=None, **settings):
    """Return a job that tunes the toy, two trials at a time unless it says so."""
    config = {"mode": "max", "metric": "score", "max_concurrent_trials": 2, **settings}
    params = {"name": "toy", "dataset": "random", "entrypoint": entrypoint, "engine": engine, "ray_address": address}
    params |= {"is_tune": True, "hyperparameters": list(varied) or [X], "tune_config": config}
    return {"action": "train", "params": {**params, "hyperparameter": hyperparameter or {}}}


def params_of(**settings):
    return parse_job({"action": "train", "params": {**tuning()["params"], **settings}})[0].params


# What is asked before Ray is


def test_a_missing_ray_is_one_line_with_the_command_that_installs_it(monkeypatch, tmp_path):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ray" else real(name))
    with pytest.raises(JobError) as error:
        perform(tuning(), tmp_path / "out")
    assert str(error.value) == 'params.engine: ray needs Ray, which is not installed: pip install "ray[tune]"'
    assert not (tmp_path / "out").exists()


def test_importing_the_engine_does_not_import_ray():
    code = (
        "import sys, binpack.search.engines.ray_tune; print([m for m in sys.modules if m.partition('.')[0] == 'ray'])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_an_address_is_for_ray_alone():
    with pytest.raises(JobError, match="params.ray_address: ray_address is for the engine ray"):
        parse_job(tuning(engine="local", address="127.0.0.1:6379"), (check_engine,))


@needs_ray
def test_a_client_address_is_refused(tmp_path):
    with pytest.raises(SearchError, match="ray_address ray://host:10001: run the job on a node of the cluster"):
        perform(tuning(address="ray://host:10001"), tmp_path)


GUIDE = (Path(__file__).parents[3] / "tutorials" / "ray-tune.md").read_text(encoding="utf-8")


def blocks(kind):
    """Return the guide's blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


@needs_ray
def test_the_commands_of_the_guide_are_ones_that_ray_knows():
    from ray.scripts.scripts import start

    lines = [line for block in blocks("bash") for line in block.splitlines()]
    commands = [line.split() for line in lines if line.startswith("ray ")]
    assert [command[1] for command in commands] == ["start"] * 4
    for command in commands:
        told = start.make_context("ray start", command[2:]).params
        assert told["head"] != bool(told["address"]) and told["num_cpus"] in (1, 4)
    assert 'pip install "ray[tune]"' in lines and "python -m binpack action job.json --out DIR" in lines


def test_the_job_for_two_nodes_differs_in_the_address_alone():
    one, two = (json.loads(block) for block in blocks("json")[:2])
    one["params"] |= two
    job, notices = parse_job(one, (check_engine,) if RAY.missing is None else ())
    assert notices == [] and job.params.ray_address == "10.0.0.1:6379"


@needs_ray
def test_an_address_where_nobody_answers_is_said_at_once(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(SearchError, match=f"ray_address {address}: no cluster .*: start one with `ray start --head`"):
        perform(tuning(address=address), tmp_path)


def node(cpus, gpus=0, alive=True):
    return {"Alive": alive, "Resources": {"CPU": cpus, **({"GPU": gpus} if gpus else {})}}


@pytest.mark.parametrize(
    ("nodes", "asks", "room"),
    [
        ([node(2.0)], {}, 2),
        ([node(2.0), node(3.0)], {"num_cpus": 2}, 2),
        ([node(0.3)], {"num_cpus": 0.1}, 3),
        ([node(8.0, 2.0), node(8.0)], {"num_cpus": 2, "num_gpus": 0.5}, 4),
        ([node(4.0, alive=False), node(1.0)], {}, 1),
    ],
)
def test_room_is_counted_node_by_node(nodes, asks, room):
    assert _room(nodes, params_of(**asks)) == room


def test_no_room_at_all_says_what_is_there():
    with pytest.raises(SearchError) as error:
        _room([node(2.0), node(4.0)], params_of(num_cpus=2, num_gpus=1))
    assert str(error.value) == (
        "a trial asks for 2 CPUs and 1 GPUs, and no node of the cluster has them (nodes: 2 CPUs and 0 GPUs; "
        "4 CPUs and 0 GPUs): ask for less with num_cpus and num_gpus"
    )


# The crew, with threads in place of a cluster


class Lost(Exception):
    """What the played Ray raises for an actor that is gone."""


class Actor:
    """An object whose methods run in a thread of its own, one after another, and come as futures."""

    def __init__(self, made):
        self.made, self.asked, self.calls, self.dead = made, [], queue.SimpleQueue(), False
        threading.Thread(target=self.work, daemon=True).start()

    def __getattr__(self, name):
        def remote(*args):
            future = Future()
            self.asked.append(future)
            if self.dead:
                future.set_exception(Lost("the actor is dead"))
            self.calls.put((future, getattr(self.made, name), args))
            return future

        return SimpleNamespace(remote=remote)

    def work(self):
        while True:
            future, method, args = self.calls.get()
            result = method(*args)
            with contextlib.suppress(InvalidStateError):  # it was killed meanwhile
                future.set_result(result)


class PlayedRay:
    """As much of Ray as the crew calls."""

    exceptions = SimpleNamespace(RayError=Lost)

    def __init__(self, starts=None):
        self.actors, self.starts = [], starts

    def remote(self, kind):
        def make(*args):
            actor = Actor(kind(*args))
            self.actors.append(actor)
            if self.starts is not None:
                future = Future()
                future.set_exception(self.starts)
                actor.sees = SimpleNamespace(remote=lambda *args: future)
            return actor

        return SimpleNamespace(options=lambda **kwargs: SimpleNamespace(remote=make))

    def get(self, future):
        return future.result()

    def wait(self, futures, num_returns, timeout):
        done = wait(futures, timeout, FIRST_COMPLETED).done
        return list(done)[:1], []

    def kill(self, actor, no_restart=True):
        actor.dead = True
        for future in actor.asked:
            with contextlib.suppress(InvalidStateError):
                future.set_exception(Lost("the actor is dead"))


class Listener:
    def __init__(self, ray=None, kill_at=()):
        self.ray, self.kill_at = ray, list(kill_at)
        self.reports, self.ends, self.losses, self.events = [], {}, [], []

    def event(self, number, event):
        self.events.append((number, event["event"]))

    def report(self, number, metrics):
        self.reports.append((number, metrics["score"]))
        if metrics["score"] == 13:
            raise SearchError("unlucky")
        if (number, metrics["training_iteration"]) in self.kill_at:
            self.kill_at.remove((number, metrics["training_iteration"]))
            self.ray.kill(self.ray.actors[0])
        return metrics["score"] >= 100

    def end(self, number, outcome):
        self.ends[number] = outcome

    def lost(self, number, why):
        self.losses.append((number, why))


@contextlib.contextmanager
def crew_of(ray, listener, folder, size=1):
    with _sight(folder) as sight:
        trainers = _Trainers(ray, params_of(), "job", sight)
        with _OnRay(trainers, listener, size) as crew:
            yield crew


def assignment(folder, x):
    return Assignment("toy", True, f"t{x}", folder / str(x), "random", {"x": x}, None, "score")


def listen(crew, until):
    while not until():
        crew.listen()


def test_the_crew_trains_one_after_another_and_answers_reports(tmp_path):
    ray = PlayedRay()
    listener = Listener()
    with crew_of(ray, listener, tmp_path / "job") as crew:
        assert not crew.free and crew.busy == 0
        for number, x in enumerate([1, 50, 13]):
            listen(crew, lambda: crew.free)
            crew.start(number, assignment(tmp_path, x))
            assert crew.busy == 1 and not crew.free
            listen(crew, lambda number=number: number in listener.ends)
    assert listener.ends[0].metrics["score"] == 3 and not listener.ends[0].ended
    assert listener.ends[1].ended and listener.ends[1].metrics["score"] == 100
    assert listener.ends[2].error == "SearchError: unlucky"
    assert listener.reports == [(0, 1), (0, 2), (0, 3), (1, 50), (1, 100), (2, 13)]
    assert (0, "log") in listener.events and len(ray.actors) == 1
    assert not (tmp_path / "job" / "sight").exists()


def test_a_trainer_that_is_lost_is_replaced_and_its_trial_told(tmp_path):
    ray = PlayedRay()
    listener = Listener(ray, kill_at=[(0, 1)])
    with crew_of(ray, listener, tmp_path / "job") as crew:
        listen(crew, lambda: crew.free)
        crew.start(0, assignment(tmp_path, 1))
        listen(crew, lambda: bool(listener.losses) and crew.free)
    assert listener.losses == [(0, "the process that trained it is gone, or its node")]
    assert listener.ends == {} and len(ray.actors) == 2


def test_a_node_that_does_not_see_the_folder_is_said_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(ray_tune._Trainer, "sees", lambda self, file, text: False)
    said = r"a node of the cluster has no .*job: the job's folder \(--out\) has to be on"
    with pytest.raises(SearchError, match=said), crew_of(PlayedRay(), Listener(), tmp_path / "job") as crew:
        crew.listen()


def test_trainers_that_never_start_end_the_job(tmp_path):
    ray = PlayedRay(starts=Lost("many lines\nno module named binpack"))
    said = "ray: no trainer can be started: no module named binpack"
    with pytest.raises(SearchError, match=said), crew_of(ray, Listener(), tmp_path / "job") as crew:
        listen(crew, lambda: False)
    assert len(ray.actors) == ray_tune.STARTS


def test_a_cluster_without_room_is_said_once(tmp_path, monkeypatch):
    monkeypatch.setattr(ray_tune, "_PATIENCE", 0.01)
    monkeypatch.setattr(ray_tune._Trainer, "sees", lambda self, file, text: time.sleep(0.2) or True)
    listener = Listener()
    with crew_of(PlayedRay(), listener, tmp_path / "job") as crew:
        listen(crew, lambda: crew.free)
    assert listener.events == [(-1, "notice")]


def test_what_ends_a_process_ends_a_trial_alone(tmp_path):
    listener = Listener()
    with crew_of(PlayedRay(), listener, tmp_path / "job") as crew:
        listen(crew, lambda: crew.free)
        interrupted = Assignment("toy:interrupted", True, "t", tmp_path / "t", "random", {"x": 2}, None, "score")
        crew.start(0, interrupted)
        listen(crew, lambda: 0 in listener.ends)
    assert listener.ends[0] == Outcome({}, error="KeyboardInterrupt: KeyboardInterrupt")


def test_runs_are_trained_ahead_and_one_that_is_lost_goes_on_elsewhere(tmp_path, monkeypatch):
    ray, told = PlayedRay(), []
    losses = [0, 0, 2, 2, 2]

    def report(runs, number, metrics):
        if number in losses:
            losses.remove(number)
            ray.kill(ray.actors[-1])
        return False

    monkeypatch.setattr(ahead._Runs, "report", report)
    runs = [assignment(tmp_path, x) for x in (1, 2, 3)]
    runs.append(Assignment("toy:fails", True, "t", tmp_path / "fails", "random", {"x": 2}, None, "score"))
    with _sight(tmp_path / "job") as sight:
        trainers = _Trainers(ray, params_of(), "job", sight)
        ahead.train_ahead(lambda listener, size: _OnRay(trainers, listener, 1), runs, told.append)
    assert losses == [] and len(ray.actors) == 6 and told == []
    assert (tmp_path / "1" / "calls").exists() and (tmp_path / "2" / "calls").exists()
    assert (tmp_path / "fails" / "error.txt").read_text().endswith("RuntimeError: two is\ntoo many\n")
    ahead.train_ahead(lambda listener, size: _OnRay(trainers, listener, size), [], told.append)


# A real cluster


@pytest.fixture(scope="module")
def cluster():
    """Yield a cluster of two nodes, one CPU each, to which this process is connected."""
    if RAY.missing is not None:
        pytest.skip(f"the engine ray {RAY.missing}")
    import ray
    from ray._private.authentication_test_utils import reset_auth_token_state

    environment = pytest.MonkeyPatch()
    # its processes listen on every address of the machine: only who has the token is heard
    environment.setenv("RAY_AUTH_MODE", "token")
    environment.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    reset_auth_token_state()
    environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # Ray gives its processes a minute to start, which is little on a busy machine.
    environment.setenv("RAY_worker_register_timeout_seconds", "600")
    path = os.pathsep.join(map(str, sys.path))
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("two_nodes.py"))],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None

    def told(word):
        """Return what the process says after a word."""
        for line in process.stdout:
            if line.startswith(word):
                return line.removeprefix(word).strip()
        raise AssertionError(f"the cluster ended with {process.wait()}")

    def kill():
        process.stdin.write("kill\n")
        process.stdin.flush()
        told("killed")

    try:
        address = told("address")
        # Ray itself would try for many minutes.
        asked = [sys.executable, "-c", f"from ray._raylet import GcsClient; GcsClient(address={address!r})"]
        try:
            subprocess.run(asked, check=True, capture_output=True, timeout=240)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            # where everything is installed on purpose, to skip would hide a failure
            give_up = pytest.fail if "CI" in os.environ else pytest.skip
            give_up(f"a Ray cluster was started at {address} and does not answer: Ray cannot be used here")
        with ray_tune._handler_kept():  # or other tests would find that of Ray
            ray.init(address, namespace=ray_tune.NAMESPACE, log_to_driver=False, _node_ip_address="127.0.0.2")
        yield SimpleNamespace(address=address, kill=kill, ray=ray)
    finally:
        ray.shutdown()
        process.stdin.close()
        process.wait()
        environment.undo()
        reset_auth_token_state()


def test_sigterm_is_not_left_to_ray(cluster, monkeypatch):
    handler = signal.getsignal(signal.SIGTERM)
    assert "ray" not in (getattr(handler, "__module__", None) or "")

    def init(**options):
        signal.signal(signal.SIGTERM, lambda number, frame: None)

    constants = cluster.ray._private.ray_constants
    monkeypatch.setattr(constants, "ENABLE_RAY_CLUSTER", constants.ENABLE_RAY_CLUSTER)
    monkeypatch.setattr(cluster.ray, "init", init)
    ray_tune._start(cluster.ray, 1)
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_grid_of_twelve_points_on_two_nodes(cluster, tmp_path):
    job = tuning(ONE_TO_THREE, {"name": "y", "type": "grid_search", "options": ["a", "b", [1], None]},
                 entrypoint="toy:where", hyperparameter={"pause": 0.5})  # fmt: skip
    result = perform(job, tmp_path)
    configs = [(model["config"]["x"], model["config"]["y"]) for model in result["trial_models"]]
    assert configs == list(itertools.product([1, 2, 3], ["a", "b", [1], None]))
    assert result["best_trial"]["config"] == {"pause": 0.5, "x": 3, "y": "a"}
    assert len({model["model_id"] for model in result["trial_models"]}) == 12
    nodes = Counter(model["metrics"]["node"] for model in result["trial_models"])
    assert set(nodes) == {each["NodeID"] for each in cluster.ray.nodes() if each["Alive"]} and len(nodes) == 2
    assert all((Path(model["trial_logdir"]) / "calls").read_text() == "done\n" for model in result["trial_models"])
    # what was lent is given back, and more of the same is added to it
    assert perform(job, tmp_path) == result


@pytest.fixture
def guided(monkeypatch, tmp_path):
    """Return the guide's job, with its entrypoint in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hill.py").write_text(blocks("python")[0])
    return json.loads(blocks("json")[0])


def test_the_job_of_the_guide_with_each_of_its_schedulers(cluster, guided):
    schedulers = [json.loads(block) for block in blocks("json")[2:]]
    assert [each["name"] for each in schedulers] == ["fifo", "asha", "hyperband", "median", "pbt"]
    for scheduler in schedulers:
        guided["params"]["tune_config"]["scheduler"] = scheduler
        result = perform(guided, scheduler["name"])
        best = result["best_trial"]
        assert len(result["trial_models"]) == 4 or scheduler["name"] in ("asha", "hyperband", "median")
        assert best["metrics"]["training_iteration"] == 6
        if scheduler["name"] != "pbt":
            assert best["metrics"]["score"] == pytest.approx(6 * best["config"]["rate"])


def test_the_comparison_is_trained_on_the_cluster(cluster, tmp_path, monkeypatch):
    little = {"bin_size": [4, 4, 4], "total_steps": 64, "eval_every": 32, "n_envs": 2, "n_steps": 8, "batch_size": 16}
    little |= {"channels": 4, "layers": 1, "eval_streams": 5, "tensorboard": False, "final_seeds": 3, "test_streams": 5}
    job = tuning({"name": "learning_rate", "type": "grid_search", "options": [0.01]}, hyperparameter=little)
    del job["params"]["entrypoint"]
    job["params"]["dataset"] = "random:1-2"
    train, found = training.train, {}

    def here(config, folder, **more):
        """Note whether a run that this process asks for was trained elsewhere."""
        found[folder] = (folder / "result.json").is_file()
        return train(config, folder, **more)

    monkeypatch.setattr(training, "train", here)
    events = []
    result = perform(job, tmp_path, events.append)
    assert len(found) == 6 and all(found.values()), "the cluster was before this process in each of them"
    final = json.loads((tmp_path / "final" / "final.json").read_text())
    assert len(final["best"]) == len(final["default"]) == 3 and 0 < min(final["best"]) <= 1
    (said,) = [event["lines"] for event in events if event["event"] == "comparison"]
    assert said[0].startswith("Held out (trained anew on 3 fresh seeds of 64 steps")
    # what has its score is not asked for again
    monkeypatch.setattr(ray_tune, "train_ahead", None)
    assert perform(job, tmp_path) == result and len(found) == 6


def test_optuna_with_asha_stops_trials_on_the_way(cluster, tmp_path):
    options = {"max_t": 3, "grace_period": 1, "reduction_factor": 2}
    job = tuning(X, num_samples=10, search_alg="optunasearch", scheduler={"name": "asha", "options": options})
    events = []
    result = perform(job, tmp_path, events.append)
    ended = [event for event in events if event["event"] == "trial" and event["status"] == "TERMINATED"]
    stopped = [event for event in ended if event.get("stopped")]
    assert len(ended) == 10 and stopped and all(event["metrics"]["training_iteration"] < 3 for event in stopped)
    assert result["best_trial"]["metrics"]["training_iteration"] == 3
    # a trial's line is 1, 2 and 3 times its x: whoever was stopped was no better than the best
    assert all(event["hyperparameters"]["x"] <= result["best_trial"]["config"]["x"] for event in stopped)


def test_hyperopt_with_hyperband(cluster, tmp_path):
    pytest.importorskip("hyperopt", reason="needs hyperopt: pip install hyperopt")
    width = {"name": "width", "type": "qlograndint", "min": 8, "max": 256, "base": 2, "q": 8}
    scheduler = {"name": "hyperband", "options": {"max_t": 3, "reduction_factor": 3}}
    result = perform(tuning(X, width, num_samples=24, search_alg="hyperoptsearch", scheduler=scheduler), tmp_path)
    widths = [model["config"]["width"] for model in result["trial_models"]]
    assert all(8 <= each <= 256 and each % 8 == 0 for each in widths)
    assert result["best_trial"]["metrics"]["training_iteration"] == 3
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert sum(event["event"] == "trial" and event["status"] == "TERMINATED" for event in events) == 24


def test_a_population_copies_weights_from_node_to_node(cluster, tmp_path):
    scheduler = {"name": "pbt", "options": {"perturbation_interval": 3, "quantile_fraction": 0.5}}
    rate = {"name": "rate", "type": "uniform", "min": 1, "max": 2}
    result = perform(tuning(rate, entrypoint="toy:climbs", num_samples=4, scheduler=scheduler), tmp_path)
    lineage = [step for model in result["trial_models"] for step in model.get("lineage", [])]
    assert lineage and all(step["from_score"] > step["score"] for step in lineage)
    for model in result["trial_models"]:
        path = json.loads((Path(model["trial_logdir"]) / "model").read_text())
        assert len(path) == 12 and sum(path) == model["metrics"]["score"] and path[-1] == model["config"]["rate"]


def test_a_trial_fails_alone(cluster, tmp_path):
    events = []
    result = perform(tuning(ONE_TO_THREE, entrypoint="toy:fails"), tmp_path / "fails", events.append)
    errors = [event["error"] for event in events if event.get("error")]
    assert errors == ["RuntimeError: two is too many"] and result["best_trial"]["config"] == {"x": 3}
    events.clear()
    result = perform(tuning(ONE_TO_THREE, entrypoint="toy:dies"), tmp_path / "dies", events.append)
    (error,) = [event["error"] for event in events if event.get("error")]
    assert error == f"the process that trained it is gone, or its node, {LOSSES} times without a report between"
    assert result["best_trial"]["config"] == {"x": 3}


def test_an_address_where_no_cluster_is(cluster, tmp_path):
    with pytest.raises(SearchError, match=r"connected to the cluster at .*, not to 127.0.0.1:1: "):
        perform(tuning(address="127.0.0.1:1"), tmp_path)


def finished(out):
    """Return which trials a killed job has finished, and what they left."""
    found = {}
    journal = out / "trials" / "study.journal"
    for line in journal.read_text().splitlines() if journal.exists() else ():
        entry = json.loads(line) if line.endswith("}") else {}
        if "outcome" in entry.get("user_attr", {}):
            number = entry["trial_id"]
            assert number not in found
            found[number] = (out / "trials" / f"trial_{number:05d}" / "calls").read_text()
    return found


def test_killed_at_any_moment_the_same_command_goes_on_to_exactly_what_was_asked(cluster, tmp_path, monkeypatch):
    trials = kills.trials(8, 12)
    job = tuning(X, num_samples=trials, hyperparameter={"pause": 0.3}, address=cluster.address)
    (tmp_path / "job.json").write_text(json.dumps(job))
    out, rng, killed = tmp_path / "out", random.Random(2), 0
    command = [sys.executable, "-m", "binpack", "action", "job.json", "--out", "out", "--json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    kept = {}
    while not (out / "result.json").exists() and killed < kills.most(5):
        said = (out / "events.jsonl").stat().st_size if (out / "events.jsonl").exists() else 0
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL,
                                   stderr=(tmp_path / "stderr").open("w"))  # fmt: skip
        until = time.monotonic() + 300
        while process.poll() is None and time.monotonic() < until:
            if (out / "events.jsonl").exists() and (out / "events.jsonl").stat().st_size > said + 2000:
                break
            time.sleep(0.05)
        time.sleep(rng.uniform(0, 2))
        if process.poll() is None:
            killed += 1
            os.kill(process.pid, signal.SIGKILL)
        assert process.wait() in (0, -signal.SIGKILL), (tmp_path / "stderr").read_text()
        now = finished(out)
        assert kept.items() <= now.items()
        kept = now
    # this process has a connection already, and the job's folder is the same from here
    monkeypatch.chdir(tmp_path)
    result = perform(job, "out")
    assert kills.enough(killed)
    assert len(result["trial_models"]) == trials
    assert len({model["model_id"] for model in result["trial_models"]}) == trials
    assert kept.items() <= finished(out).items()
    calls = [(out / "trials" / f"trial_{number:05d}" / "calls").read_text().count("done") for number in range(trials)]
    # one more is a trial that was killed between its end and its entry
    assert min(calls) == 1 and sum(calls) <= trials + 2 * killed


def test_a_node_is_killed_in_the_middle_and_the_job_ends_with_what_was_asked(cluster, tmp_path):
    """Run last: the cluster has one node less afterwards."""
    gone, events = [], []

    def watch(event):
        events.append(event)
        told = event["event"] == "trial" and event["status"] == "RUNNING" and event["metrics"]
        if told and not gone and event["trial_id"].endswith("3"):
            gone.append(event["trial_id"])
            cluster.kill()

    job = tuning(X, entrypoint="toy:where", num_samples=8, hyperparameter={"pause": 0.3})
    result = perform(job, tmp_path, watch)
    assert gone and len(result["trial_models"]) == 8
    until = time.monotonic() + 120
    while sum(each["Alive"] for each in cluster.ray.nodes()) > 1 and time.monotonic() < until:
        time.sleep(0.5)
    assert sum(each["Alive"] for each in cluster.ray.nodes()) == 1
    notices = [event["line"] for event in events if event["event"] == "notice" and "goes on elsewhere" in event["line"]]
    assert notices and all("the process that trained it is gone, or its node" in line for line in notices)
    ended = Counter(event["trial_id"] for event in events if event.get("status") == "TERMINATED")
    assert len(ended) == 8 and set(ended.values()) == {1}
    calls = [(Path(model["trial_logdir"]) / "calls").read_text() for model in result["trial_models"]]
    assert calls == ["done\n"] * 8


@needs_ray
def test_a_cluster_of_its_own_is_bound_to_this_machine_and_gone_afterwards(tmp_path):
    job = tuning(X, entrypoint="toy:listens", max_concurrent_trials=1)
    (tmp_path / "job.json").write_text(json.dumps(job))
    command = [sys.executable, "-m", "binpack", "action", "job.json", "--out", "out", "--json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"PYTHONPATH": os.pathsep.join(map(str, sys.path)), "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    if "ray: no cluster can be started on this machine" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    metrics = json.loads(done.stdout)["best_trial"]["metrics"]
    assert metrics["score"] > 0
    assert all(address.endswith("7F") for address in metrics["addresses"]), metrics["addresses"]


def test_it_is_an_engine_like_the_others():
    local, ray = ENGINES.get("local"), ENGINES.get("ray")
    assert local.searches == ray.searches and local.schedulers == ray.schedulers
