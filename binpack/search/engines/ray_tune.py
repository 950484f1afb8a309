"""The engine ``ray``: trials in the processes of a Ray cluster, on one machine or on many.

Ray is what runs trials, starts their processes where there is room and says when a node is gone. What is tried and
what is stopped is decided in this process (``study``), as with every other engine, and not by ``ray.tune``: there the
state of schedulers does not come back with ``Tuner.restore``, that of searches is a pickle in the experiment's folder,
and several distributions are rejected or lose a part. So a job has the same searches, the same five schedulers, the
same journal and the same result here as on one machine, and is resumed exactly.

Trainers are actors, one for each trial that may run at a time, and train one trial after another. They hold the CPUs
and GPUs that a trial asks for. A trial is given to a trainer that is ready; one whose trainer is lost, with its node or
alone, goes on elsewhere from its last checkpoint. The runs of the comparison in the end are trained in the same way;
this process scores them. The job's folder lies on a disk that all nodes share, which is looked at before anything is
trained.

Ray pickles what its own processes say to each other: whoever can reach a cluster can run code in it. The one that is
started here is bound to 127.0.0.1, asks for Ray's token, and has no dashboard.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import math
import os
import queue
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from binpack.files import first_line, write_text
from binpack.search._model import SearchError
from binpack.search.action.job import Params
from binpack.search.action.result import Trial
from binpack.search.action.run import Event
from binpack.search.action.trial import Assignment, Outcome, run_trial
from binpack.search.engines.ahead import train_ahead
from binpack.search.engines.crew import Listener
from binpack.search.engines.engine import Tuning, Watch
from binpack.search.engines.searches import SEARCHES
from binpack.search.engines.study import SCHEDULED, run_study
from binpack.system import usable_cores

NAMESPACE = "binpack"
"""Where trainers have their names in a cluster."""
STORE = 80 * 2**20
"""Bytes of the object store of a cluster of our own: nothing large goes through it. Ray wants 75 MB at least."""
ATTEMPTS = 3
"""So often is a cluster of our own started: on a busy machine its processes may take longer than Ray waits."""
STARTS = 5
"""So many trainers may be lost one after another before they are ready; then something is wrong with all of them."""
_ANSWER = 10.0
"""Seconds within which a cluster's address answers."""
_PATIENCE = 60.0
"""Seconds after which it is said that there is no room for a trainer."""
_QUIET: Mapping[str, Any] = {"namespace": NAMESPACE, "log_to_driver": False, "logging_level": logging.ERROR}


class _RayTune:
    searches = SEARCHES
    schedulers = SCHEDULED

    @property
    def missing(self) -> str | None:
        """What to do where Ray is not installed; None where it is."""
        if importlib.util.find_spec("ray") is not None:
            return None
        return 'needs Ray, which is not installed: pip install "ray[tune]"'

    def tune(self, tuning: Tuning, watch: Watch) -> Sequence[Trial]:
        """Run the trials; see ``Engine.tune``."""
        if (line := self.missing) is not None:
            raise SearchError(f"ray {line}")
        with _trainers(tuning) as (trainers, at_once):
            return run_study(tuning, watch, at_once, lambda listener, size: _OnRay(trainers, listener, size))

    def train_ahead(self, tuning: Tuning, watch: Watch, assignments: Sequence[Assignment]) -> None:
        """Train the runs of the comparison in the end where the trials were trained; see ``ahead.train_ahead``."""
        with _trainers(tuning) as (trainers, at_once):
            train_ahead(lambda listener, size: _OnRay(trainers, listener, min(size, at_once)), assignments, watch)


RAY = _RayTune()


@contextlib.contextmanager
def _trainers(tuning: Tuning) -> Iterator[tuple[_Trainers, int]]:
    """Yield what makes trainers on the job's cluster, and how many of them it is to have at most."""
    params = tuning.params
    with _cluster(params) as ray:
        room = _room(ray.nodes(), params)
        _end_trainers(ray, tuning.identity)
        with _sight(tuning.folder) as sight:
            made = _Trainers(ray, params, tuning.identity, sight)
            yield made, params.tuning.max_concurrent_trials or room


@contextlib.contextmanager
def _cluster(params: Params) -> Iterator[Any]:
    """Yield Ray, connected: to what this process is connected to already, to ``ray_address``, or to its own cluster.

    Raises:
        SearchError: no cluster is there.
    """
    import ray

    address = params.ray_address
    if ray.is_initialized():
        there = ray.get_runtime_context().gcs_address
        if address not in (None, "auto", there):
            raise SearchError(
                f"ray: this process is connected to the cluster at {there}, not to {address}: leave ray_address out"
            )
        yield ray
        return
    if address is None:
        with own_cluster(_cpus(params)) as ray:
            yield ray
        return
    if "://" in address:
        raise SearchError(f"ray_address {address}: run the job on a node of the cluster, with ray_address auto")
    try:
        _look_for(address)
        with _handler_kept():
            ray.init(address=address, **_QUIET)
    except Exception as error:  # Ray raises several kinds
        raise SearchError(
            f"ray_address {address}: no cluster ({first_line(error)}): start one with `ray start --head`, or leave "
            "ray_address out"
        ) from None
    try:
        yield ray
    finally:
        ray.shutdown()


@contextlib.contextmanager
def own_cluster(cpus: int) -> Iterator[Any]:
    """Start a cluster on this machine alone, bound to 127.0.0.1, and end it with the block; jobs inside it use it.

    Args:
        cpus: how many trials of one CPU it has room for.

    Yields:
        Ray, connected to it.

    Raises:
        SearchError: its processes do not start.
    """
    import ray

    # Ray says in the environment that its clusters ask for a token now; another cluster may not.
    before = os.environ.get("RAY_AUTH_MODE")
    _start(ray, cpus)
    try:
        yield ray
    finally:
        ray.shutdown()
        ray._private.ray_constants.ENABLE_RAY_CLUSTER = sys.platform == "linux"
        if before is None:
            os.environ.pop("RAY_AUTH_MODE", None)


def _look_for(address: str) -> None:
    """Make sure that somebody answers at an address, for whom Ray would wait many minutes.

    Raises:
        OSError: nobody does.
    """
    host, _, port = address.rpartition(":")
    if port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_ANSWER).close()


@contextlib.contextmanager
def _handler_kept() -> Iterator[None]:
    """Give SIGTERM back to whoever has it: Ray takes it for itself when it connects, and keeps it when it is gone."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        # elsewhere Ray takes none, and Python gives none
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _start(ray: Any, cpus: int) -> None:
    # Otherwise Ray takes 127.0.0.1 for the machine's address in its network, and listens on every other address.
    ray._private.ray_constants.ENABLE_RAY_CLUSTER = False
    for attempt in range(ATTEMPTS):
        try:
            with _handler_kept():
                ray.init(
                    address="local",
                    num_cpus=cpus,
                    object_store_memory=STORE,
                    include_dashboard=False,
                    _node_ip_address="127.0.0.1",
                    **_QUIET,
                )
            return
        except Exception as error:  # Exception itself, where its processes take longer than it waits
            ray.shutdown()
            if attempt == ATTEMPTS - 1:
                raise SearchError(f"ray: no cluster can be started on this machine: {first_line(error)}") from None


def _cpus(params: Params) -> int:
    """Return how many CPUs a cluster of our own has: what the trials ask for, else what the machine has."""
    asked = (params.tuning.max_concurrent_trials or 1) * params.num_cpus
    return math.ceil(asked if params.tuning.max_concurrent_trials else max(asked, usable_cores()))


def _room(nodes: Sequence[Mapping[str, Any]], params: Params) -> int:
    """Return how many trials a cluster has room for at the same time.

    Raises:
        SearchError: not for one.
    """
    wants = {"CPU": params.num_cpus, "GPU": params.num_gpus}
    has = [node["Resources"] for node in nodes if node["Alive"]]
    # a little more: 0.3 holds three times 0.1
    rooms = [min(int(each.get(kind, 0) / want + 1e-9) for kind, want in wants.items() if want) for each in has]
    if not sum(rooms):
        there = "; ".join(f"{each.get('CPU', 0):g} CPUs and {each.get('GPU', 0):g} GPUs" for each in has) or "none"
        raise SearchError(
            f"a trial asks for {params.num_cpus:g} CPUs and {params.num_gpus:g} GPUs, and no node of the cluster has "
            f"them (nodes: {there}): ask for less with num_cpus and num_gpus"
        )
    return sum(rooms)


@dataclass(frozen=True)
class _Sight:
    """A file by which a trainer tells whether its node has the job's folder."""

    file: Path
    text: str


@contextlib.contextmanager
def _sight(folder: Path) -> Iterator[_Sight]:
    folder.mkdir(parents=True, exist_ok=True)
    sight = _Sight(folder.absolute() / "sight", uuid.uuid4().hex)
    write_text(sight.file, sight.text)
    try:
        yield sight
    finally:
        sight.file.unlink(missing_ok=True)


def _end_trainers(ray: Any, identity: str) -> None:
    """End what a process of before left of the same job, so that no trial is trained twice at a time.

    Trainers end with the process that made them. Here a cluster is asked that has not noticed its end yet.
    """

    def left() -> list[str]:
        named = ray.util.list_named_actors(all_namespaces=True)
        return [
            each["name"] for each in named if each["namespace"] == NAMESPACE and each["name"].startswith(f"{identity}-")
        ]

    for name in left():
        with contextlib.suppress(ValueError):  # it is gone by now
            ray.kill(ray.get_actor(name, namespace=NAMESPACE))
    until = time.monotonic() + _PATIENCE
    while left() and time.monotonic() < until:
        time.sleep(0.1)


class _Trainer:
    """Trains trials one after another in a process of its own; an actor.

    Args:
        folder: the current folder, where entrypoints are found; passed over where the node has it not.
        path: where modules are found besides.
    """

    def __init__(self, folder: str, path: Sequence[str]) -> None:
        if Path(folder).is_dir():
            os.chdir(folder)
        sys.path.extend(each for each in path if each not in sys.path)
        self._said: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[bool, str | None]] = queue.SimpleQueue()

    def sees(self, file: str, text: str) -> bool:
        """Say whether a file is here with this text."""
        try:
            return Path(file).read_text(encoding="utf-8") == text
        except OSError:
            return False

    def talk(self, assignment: Assignment | None, answer: tuple[bool, str | None] | None) -> list[tuple[str, Any]]:
        """Begin with a trial, or answer its report, and return what it says next, up to a report or its end.

        Args:
            assignment: of a trial to begin with.
            answer: to its last report: whether it is to end, and what was wrong with the report.
        """
        if assignment is not None:
            threading.Thread(target=self._train, args=(assignment,), daemon=True).start()
        if answer is not None:
            self._answers.put(answer)
        said = [self._said.get()]
        while said[-1][0] == "event" and not self._said.empty():
            said.append(self._said.get())
        return said

    def _train(self, assignment: Assignment) -> None:
        try:
            left = run_trial(assignment, self)
        except BaseException as error:  # what ends a process ends this thread alone
            left = Outcome({}, error=f"{type(error).__name__}: {first_line(error)}")
        self._said.put(("end", left))

    def event(self, event: Event) -> None:
        """Pass on what a run tells; see ``run.Channel``."""
        self._said.put(("event", event))

    def report(self, metrics: Mapping[str, Any]) -> bool:
        """Hand over a report and wait for the answer; see ``run.Channel``."""
        self._said.put(("report", dict(metrics)))
        ends, wrong = self._answers.get()
        if wrong is not None:
            raise SearchError(wrong)
        return ends


@dataclass(frozen=True)
class _Trainers:
    """Makes trainers.

    Attributes:
        ray: Ray, connected.
        params: the job's.
        identity: the job's, which their names begin with.
        sight: what they have to see.
    """

    ray: Any
    params: Params
    identity: str
    sight: _Sight

    def new(self) -> tuple[Any, Any]:
        """Return a trainer, which starts when there is room for it, and what comes when it is ready."""
        asks = {"num_cpus": self.params.num_cpus, "num_gpus": self.params.num_gpus}
        name = f"{self.identity}-{uuid.uuid4().hex}"
        try:
            kind = self.ray.remote(_Trainer).options(name=name, namespace=NAMESPACE, max_restarts=0, **asks)
            trainer = kind.remote(str(Path.cwd()), sys.path)
        except ValueError as error:
            raise SearchError(f"num_cpus or num_gpus: {first_line(error)}") from None
        return trainer, trainer.sees.remote(str(self.sight.file), self.sight.text)

    def end(self, trainer: Any) -> None:
        """End a trainer, which may be gone already."""
        with contextlib.suppress(Exception):  # Ray raises several kinds
            self.ray.kill(trainer, no_restart=True)


@dataclass
class _Member:
    trainer: Any
    number: int = -1


class _OnRay:
    """Trains on a cluster; a crew.

    Args:
        trainers: makes them.
        listener: is told in this process.
        size: how many trainers there are, as far as the cluster has room for them.
    """

    def __init__(self, trainers: _Trainers, listener: Listener, size: int) -> None:
        self._trainers, self._ray = trainers, trainers.ray
        self._listener = listener
        self._size = size
        self._starting: dict[Any, _Member] = {}
        self._idle: list[_Member] = []
        self._at_work: dict[Any, _Member] = {}
        self._lost = 0
        self._said = False

    @property
    def busy(self) -> int:
        """How many trials are being trained."""
        return len(self._at_work)

    @property
    def free(self) -> bool:
        """Whether a trainer is ready and has nothing to do."""
        return bool(self._idle)

    def start(self, number: int, assignment: Assignment) -> None:
        """Give a trial to a trainer that is ready."""
        member = self._idle.pop()
        member.number = number
        self._at_work[member.trainer.talk.remote(assignment, None)] = member

    def listen(self, seconds: float | None = None) -> None:
        """Wait for messages and for trainers to be ready, at most so many seconds, and answer them."""
        patience = _PATIENCE if seconds is None else min(seconds, _PATIENCE)
        heard, _ = self._ray.wait([*self._at_work, *self._starting], num_returns=1, timeout=patience)
        if not heard and not self._at_work and not self._said:
            self._said = True
            line = "ray: the cluster has no room for a trial yet; it is waited for"
            self._listener.event(-1, {"event": "notice", "line": line})
        for reference in heard:
            if reference in self._starting:
                self._ready(reference)
            else:
                self._answer(reference)

    def _ready(self, reference: Any) -> None:
        member = self._starting.pop(reference)
        try:
            sees = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            self._lost += 1
            if self._lost >= STARTS or getattr(error, "actor_init_failed", False):
                raise SearchError(f"ray: no trainer can be started: {_reason(error)}") from None
            self._replace(member)
            return
        if not sees:
            raise SearchError(
                f"a node of the cluster has no {self._trainers.sight.file.parent}: the job's folder (--out) has to be "
                "on a disk that all nodes share, under the same path"
            )
        self._lost = 0
        self._idle.append(member)

    def _answer(self, reference: Any) -> None:
        member = self._at_work.pop(reference)
        try:
            said = self._ray.get(reference)
        except self._ray.exceptions.RayError:
            self._replace(member)
            self._listener.lost(member.number, "the process that trained it is gone, or its node")
            return
        answer = None
        for kind, content in said:
            if kind == "event":
                self._listener.event(member.number, content)
            elif kind == "report":
                answer = self._judged(member.number, content)
            else:
                self._idle.append(member)
                self._listener.end(member.number, content)
                return
        self._at_work[member.trainer.talk.remote(None, answer)] = member

    def _judged(self, number: int, metrics: Mapping[str, Any]) -> tuple[bool, str | None]:
        try:
            return self._listener.report(number, metrics), None
        except SearchError as error:
            return False, str(error)

    def _replace(self, member: _Member) -> None:
        self._trainers.end(member.trainer)
        self._add()

    def _add(self) -> None:
        trainer, ready = self._trainers.new()
        self._starting[ready] = _Member(trainer)

    def __enter__(self) -> Self:
        """Ask for the trainers; they are ready when their nodes have room for them."""
        for _ in range(self._size):
            self._add()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the trainers at once."""
        for member in [*self._starting.values(), *self._idle, *self._at_work.values()]:
            self._trainers.end(member.trainer)


def _reason(error: Exception) -> str:
    """Return what Ray says at the end of its many lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
