"""An entrypoint that takes no time: what the tests of the train action train."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from pathlib import Path

import numpy as np

from binpack.search.action.result import Report
from binpack.search.engines.local import LOCAL


def tune(hyperparameter, run, dataset, checkpoint, **kwargs):
    """Report x, 2x, 3x, leave a model, and return 3x with what else was asked for."""
    print(f"x is {hyperparameter['x']}")
    for step in (1, 2, 3):
        if "pause" in hyperparameter:
            time.sleep(hyperparameter["pause"])
        run.report({"score": step * hyperparameter["x"], "step": step})
    run.checkpoint_output.write_text(str(hyperparameter["x"]))
    with (run.folder / "calls").open("a") as file:
        file.write("done\n")
    return {"score": 3 * hyperparameter["x"], "dataset": dataset, "began_from": checkpoint, **kwargs}


def train(run, dataset, hyperparameter, checkpoint, **kwargs):
    """Do the same."""
    return tune(hyperparameter, run, dataset, checkpoint, **kwargs)


def number(hyperparameter, run, **kwargs):
    """Return a number alone."""
    return np.float32(hyperparameter["x"])


def report(hyperparameter, run, **kwargs):
    """Return a report, with a model elsewhere."""
    (run.folder / "elsewhere").mkdir()
    return Report({"score": hyperparameter["x"]}, checkpoint_output=run.folder / "elsewhere")


def nothing(hyperparameter, run, **kwargs):
    """Return nothing: what was reported counts, and its checkpoint is the model."""
    (run.folder / "weights").write_text("w")
    run.report({"score": 1.0, "loss": 3.0})
    run.report(Report({"score": 2.0, "loss": float("nan")}, checkpoint=run.folder / "weights"))


def words(hyperparameter, run, **kwargs):
    """Return what is no result."""
    return "good"


def other(hyperparameter, run, **kwargs):
    """Return another metric."""
    return {"loss": 1}


def fails(hyperparameter, run, **kwargs):
    """Fail where x is 2."""
    if hyperparameter["x"] == 2:
        raise RuntimeError("two is\ntoo many")
    return hyperparameter["x"]


def dies(hyperparameter, run, **kwargs):
    """Be killed where x is 2."""
    if hyperparameter["x"] == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return hyperparameter["x"]


def talks(hyperparameter, run, **kwargs):
    """Say something in every way."""
    print("printed\nand", end="")
    print(" more")
    logging.getLogger("toy").warning("warned")
    run.log("logged")
    run.progress("train", 0.5)
    run.log_metric("train", "step", 3, loss=0.5)
    run.log_metric("evaluation", "score", 0.25, step=3)
    run.log_visualization("maps: all", np.zeros((4, 5, 3), np.uint8))
    run.log_trials([{"trial_id": "a", "status": "TERMINATED", "x": 1, "score": 2}], hyperparameters=["x"],
                   metrics=["score"], best_trial="a")  # fmt: skip
    return 1


def goes_on(hyperparameter, run, checkpoint, **kwargs):
    """Count to 4 with a checkpoint each, and be interrupted once after 2."""
    state = run.folder / "state"
    done = int(Path(checkpoint).read_text()) if checkpoint else 0
    for count in range(done + 1, 5):
        (run.folder / f"state_{count}").write_text(str(count))
        run.report(Report({"score": count}, checkpoint=run.folder / f"state_{count}"))
        if count == 2 and not state.exists():
            state.write_text("")
            raise KeyboardInterrupt
    return None


def counts(hyperparameter, run, checkpoint, **kwargs):
    """Count to 8 with a checkpoint each, and say where it began."""
    done = int(Path(checkpoint).read_text()) if checkpoint else 0
    for count in range(done + 1, 9):
        time.sleep(hyperparameter["pause"])
        (run.folder / f"state_{count}").write_text(str(count))
        run.report(Report({"score": count}, checkpoint=run.folder / f"state_{count}"))
    return {"began_from": done}


def burns(hyperparameter, run, **kwargs):
    """Use a core for so many seconds of its time."""
    until = time.process_time() + hyperparameter["seconds"]
    while time.process_time() < until:
        sum(range(1000))
    return hyperparameter["x"]


def climbs(hyperparameter, run, checkpoint, **kwargs):
    """Climb by the rate in each of 12 steps, with a checkpoint that knows the path, and end with a model of it."""
    path = json.loads(Path(checkpoint).read_text()) if checkpoint else []
    while len(path) < 12:
        time.sleep(hyperparameter.get("pause", 0))
        path.append(hyperparameter["rate"])
        kept = run.folder / f"after_{len(path)}"
        kept.write_text(json.dumps(path))
        with (run.folder / "history").open("a") as file:
            file.write(json.dumps([len(path), sum(path)]) + "\n")
        run.report({"score": sum(path), "checkpoint": kept})
    run.checkpoint_output.write_text(json.dumps(path))


def where(hyperparameter, run, **kwargs):
    """Do as ``tune`` does, and say on which node of a Ray cluster."""
    import ray

    metrics = tune(hyperparameter, run, **kwargs)
    return {**metrics, "node": ray.get_runtime_context().get_node_id()}


def interrupted(hyperparameter, run, **kwargs):
    """Be interrupted where x is 2."""
    if hyperparameter["x"] == 2:
        raise KeyboardInterrupt
    return hyperparameter["x"]


def listens(hyperparameter, run, **kwargs):
    """Return the addresses, in the hexadecimal form of /proc, at which Ray's processes of this session listen."""
    import ray

    session = Path(ray._private.worker.global_worker.node.get_session_dir_path()).name
    sockets = set()
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdecimal() and session in (process / "cmdline").read_bytes().decode():
                sockets |= {str(each.readlink()) for each in (process / "fd").iterdir()}
        except OSError:
            continue
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    rows = [row for row in lines if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]
    return {"score": len(rows), "addresses": sorted({row[1].partition(":")[0] for row in rows})}


class Few:
    """An engine that has little, and runs nothing."""

    searches = frozenset({"basicvariantgenerator"})
    schedulers = frozenset({"fifo", "asha"})

    def tune(self, tuning, watch):
        """Run nothing."""
        return []


FEW = Few()


class Ahead:
    """The engine of one machine, which says that it has trained what the comparison in the end is made of."""

    searches, schedulers = LOCAL.searches, LOCAL.schedulers

    def tune(self, tuning, watch):
        """Run the trials."""
        return LOCAL.tune(tuning, watch)

    def train_ahead(self, tuning, watch, assignments):
        """Train nothing."""
        return "trained"


AHEAD = Ahead()
