"""Lesson 09's searches with many workers and their records, on an invented study in the place of the recorded one."""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import optuna
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "search" / "landscape"))


import invented

from binpack.course import short_runs
from binpack.course.l09_scaling_out import (
    crowds,
    figures,
    libraries,
    measured,
    record_crowds,
    record_engines,
    record_libraries,
    record_speed,
    record_tournaments,
    record_workers,
    served,
    tournaments,
    words,
)
from binpack.course.l09_scaling_out.exercises import promotable
from binpack.course.l09_scaling_out.workers import Bar
from binpack.course.records import write_record
from binpack.files import InputError
from binpack.search.action.job import parse_job
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Kernel, Surrogate, table_of
from binpack.search.landscape.table import Landscape

LENGTHS = tuple({"learning_rate": 0.7, "n_epochs": 1.5}.get(name, 20.0) for name in task.SPACE.names)
KERNELS = (Kernel(LENGTHS, 3.0, 0.001), Kernel((5.0,) * 11, 0.2, 0.8))
QUIET = {"processes": 1, "progress": False}
optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Landscape(invented.write(tmp_path_factory.mktemp("study") / "study.npz", more=False))


@pytest.fixture(scope="module")
def model(study):
    return Surrogate(table_of(study), KERNELS)


@pytest.fixture(scope="module")
def runs(study):
    return study.runs("study")


def resumed(module, path, wanted, **patches):
    """Make a record in two goes, and return what it loads as."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in patches.items():
            patched.setattr(module, name, value)
        module.RECORDER.record(path, wanted[:2], **QUIET)
        first = json.loads(path.read_text())["runs"]
        module.RECORDER.record(path, wanted, **QUIET)
    stored = json.loads(path.read_text())
    assert stored["runs"][:2] == first, "what was there is kept"
    assert stored["about"]["command"] == f"python -m {module.__name__}"
    return module.Record.load(path)


# ---------------------------------------------------------------------------------------------------------- tournaments


def by_hand(scores, seconds=None, points=20):
    """Material whose curves are constant."""
    count = len(scores)
    times = np.ones(count) if seconds is None else np.array(seconds, float)
    steps = np.tile(np.arange(1, points + 1) * 10, (count, 1))
    curves = np.tile(np.array(scores, float)[:, None], (1, points))
    return tournaments.Material(curves, steps, np.arange(1, points + 1) * times[:, None] / points, np.array(scores))


def test_whole_trials_are_trained_until_the_budget_is_spent():
    found = tournaments.play(tournaments.Whole(6), by_hand([0.1, 0.9, 0.5, 0.4, 0.3, 0.2]), 2, budget=3 * 200)
    assert (found.started, found.complete, found.worth, found.wrong) == (3, 3, 0.9, 0.0)
    assert found.seconds == pytest.approx(2.0) and found.idle == pytest.approx(0.25)


def test_halving_waits_for_the_slowest():
    scores = np.arange(16) / 20
    slow = np.ones(16)
    slow[0] = 50.0  # the worst of all, and everybody waits for it
    schedule = tournaments.Synchronous(tournaments.halving_brackets(), 16)
    found = tournaments.play(schedule, by_hand(scores, slow), 16, np.inf)
    assert (found.started, found.complete, found.worth) == (16, 1, scores[15])
    assert found.seconds == pytest.approx(50 / 20 + 4 / 20 + 15 / 20)
    assert found.wrong == 0.0
    asha = tournaments.play(tournaments.Asynchronous(16, promotable), by_hand(scores, slow), 16, np.inf)
    assert asha.seconds == pytest.approx(50 / 20), "the others are at their ends by then"
    assert asha.started == 16 and asha.worth == scores[15]


def test_asha_promotes_what_it_would_not_have_with_hindsight():
    scores = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    found = tournaments.play(tournaments.Asynchronous(8, promotable), by_hand(scores), 1, np.inf)
    # from the first rung 0.4 goes on from among four, then all that come; 0.7 and 0.8 are right; then 0.7 before 0.8
    assert found.wrong == pytest.approx((3 + 1) / (5 + 2))
    assert tournaments.wrong_share([(np.array([0.1, 0.9]), np.array([True, False]))]) == 1.0
    assert tournaments.wrong_share([]) == 0.0


@pytest.mark.parametrize("workers", [1, 3, 16])
@pytest.mark.parametrize("way", record_tournaments.WAYS)
def test_no_worker_does_two_things_and_no_trial_is_trained_twice(way, workers, runs):
    material = tournaments.drawn(runs, np.random.default_rng(5))
    schedule = tournaments.schedules(promotable)[way](len(material.worth))
    budget = 10 * task.STEPS
    found = tournaments.play(schedule, material, workers, budget)
    for worker in range(workers):
        mine = sorted((bar.start, bar.end) for bar in found.bars if bar.worker == worker)
        assert all(one[1] <= other[0] + 1e-9 for one, other in pairwise(mine))
    pieces = [(bar.trial, bar.kind) for bar in found.bars]
    assert len(set(pieces)) == len(pieces)
    trained = {}
    for bar in sorted(found.bars, key=lambda bar: bar.start):
        assert trained.get(bar.trial, 0.0) <= bar.start + 1e-9, "a trial goes on when it has come to its rung"
        trained[bar.trial] = bar.end
    seconds = {trial: sum(bar.end - bar.start for bar in found.bars if bar.trial == trial) for trial in trained}
    assert all(seconds[trial] <= material.seconds[trial, -1] + 1e-6 for trial in trained)
    assert 0 <= found.idle < 1 and found.started == len(trained) and found.complete >= 1


def test_what_waits_for_everybody_finds_the_same_with_any_workers(runs):
    material = tournaments.drawn(runs, np.random.default_rng(6))
    for way in ("whole trials", "halving", "Hyperband"):
        make = tournaments.schedules(promotable)[way]
        few, many = (tournaments.play(make(len(material.worth)), material, count, 5 * task.STEPS) for count in (1, 8))
        assert few.worth == many.worth and few.seconds > many.seconds, way


def test_the_brackets_are_hyperbands():
    assert tournaments.hyperband() == [(16, 0), (6, 1), (3, 2)]
    assert tournaments.halving_brackets() == [(16, 0)]
    assert [task.POINTS // tournaments.FACTOR**times for times in (2, 1, 0)] == list(tournaments.RUNGS)


def test_tournaments_are_recorded_and_read_back(runs, tmp_path):
    wanted = record_tournaments.jobs(4, 2, (1, 4))

    class Study:
        def runs(self, group):
            return runs

    record = resumed(record_tournaments, tmp_path / "t.json", wanted, load=Study)
    assert record.workers == [1, 4] and {way for way, _ in record.found} == set(record_tournaments.WAYS)
    assert all(len(each) == 4 for found in record.found.values() for each in found.values())
    table = words.tournaments(record)
    assert len(table.rows) == 8 and all(len(row) == len(table.head) for row in table.rows)
    assert words.waiting(record).startswith("4 workers instead of one make the search so many times as fast: whole")
    assert "told apart" in words.promotions(record)
    assert sum(job.key["searches"] for job in record_tournaments.jobs()) == 12 * record_tournaments.REPEATS


# --------------------------------------------------------------------------------------------------------------- crowds


def test_a_crowd_knows_fewer_results(model):
    rng = np.random.default_rng(0)
    alone = crowds.search(model, crowds.SAMPLERS["random"](0), 1, 12, rng)
    assert alone.known.tolist() == list(range(12)) and (np.diff(alone.ends) > 0).all()
    many = crowds.search(model, crowds.SAMPLERS["random"](0), 4, 12, rng)
    assert sorted(many.known.tolist()) == [0, 0, 0, 0, *range(1, 9)], "three are always running"
    assert many.ends[-1] < alone.ends[-1] and (np.diff(many.ends) >= 0).all()


def test_a_crowd_of_one_searches_as_anybody(model):
    found = crowds.search(model, crowds.SAMPLERS["TPE"](3), 1, 15, np.random.default_rng(1))
    study = optuna.create_study(direction="maximize", sampler=crowds.SAMPLERS["TPE"](3))
    rng, worth = np.random.default_rng(1), []
    for _ in range(15):
        trial = study.ask()
        place = np.array(task.SPACE.place(task.SPACE.suggest(trial)))
        finals, means = model.finals(place, rng)
        rng.lognormal(0.0, crowds.SPREAD)
        study.tell(trial, float(finals[0]))
        worth.append(means[0])
    assert found.worth == pytest.approx(worth)


def test_the_liar_spreads_what_is_asked_for_at_once(model):
    assert crowds.nearest(np.array([0.1, 1e-3, 0.01, 0.01])) == pytest.approx((1 + 1 + 0 + 0) / 4)
    apart = {
        name: [crowds.nearest(crowds.at_once(model, name, 30, 12, seed)) for seed in range(3)]
        for name in crowds.SAMPLERS
    }
    assert min(apart["TPE"]) > max(apart["TPE without the liar"])


def test_crowds_are_recorded_and_read_back(model, tmp_path):
    wanted = record_crowds.jobs(2, 24)
    record = resumed(record_crowds, tmp_path / "c.json", wanted, recorded_model=lambda: model)
    assert record.at == (16, 24) and record.worth["TPE", 16].shape == record.ends["TPE", 16].shape == (2, 2)
    assert ("TPE without the liar", 1) not in record.worth and len(record.worth) == 6
    assert len(words.crowds(record, (16, 24)).rows) == 6
    assert words.price_of_a_crowd(record, 24).startswith("TPE, 24 trials: the leader of 16 workers, worth 0.")
    assert words.liar(record, 16, 24).startswith("16 workers, 24 trials: 0.")
    assert len(record_crowds.jobs()) == 6 * record_crowds.REPEATS


# ------------------------------------------------------------------------------------------------------------ libraries


@pytest.mark.parametrize("name", libraries.LIBRARIES)
def test_each_library_searches_the_surrogate(name, model):
    for package in {"Hyperopt, TPE": ["hyperopt"], "W&B, bayes": ["sweeps"]}.get(name, []):
        pytest.importorskip(package)
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    one, same, other = (libraries.search(model, name, 8, seed) for seed in (0, 0, 1))
    assert one.scores.shape == one.worth.shape == (8,) and one.overhead > 0
    assert one.scores.tolist() == same.scores.tolist() != other.scores.tolist()
    assert np.random.get_state()[1].tolist() == state, "numpy's global generator is as before"  # noqa: NPY002


def test_a_library_that_is_missing_is_named(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "hyperopt", None)
    with pytest.raises(InputError, match="a search with Hyperopt needs the package hyperopt: pip install hyperopt"):
        libraries.search(model, "Hyperopt, TPE", 2, 0)


def test_libraries_are_recorded_and_read_back(model, tmp_path):
    pytest.importorskip("hyperopt")
    pytest.importorskip("sweeps")
    wanted = record_libraries.jobs(2, 10)
    record = resumed(record_libraries, tmp_path / "l.json", wanted, recorded_model=lambda: model)
    assert record.at == (10,) and set(record.worth) == set(libraries.LIBRARIES)
    assert record.facts == {
        "Optuna": libraries.Facts(5, True, 0.0),
        "Hyperopt": libraries.Facts(5, False, 0.0),
        "W&B": libraries.Facts(0, True, 0.0),
    }
    assert all(each.start > 0.01 for each in record.facts.values())
    engines = record_engines.Record({("local", 4): np.full(3, 2.4), ("local", 204): np.full(3, 22.4)} | _on_ray())
    rows = words.facts(record, engines).rows
    assert [row[3:5] for row in rows[:3]] == [["5 of 5", "yes"], ["5 of 5", "no"], ["0 of 5", "yes"]]
    assert rows[3] == ["this package", "2.0 s", "100 ms", "all", "yes", "a database"]
    assert rows[4] == ["this package on Ray", "10.0 s", "200 ms", "all", "yes", "a cluster"]
    assert len(words.found_by(record, (10,)).rows) == 4
    assert words.ahead(record).startswith("after 10 trials ")


def _on_ray() -> dict[tuple[str, int], np.ndarray]:
    return {("ray", 4): np.array([10.8, 99.0, 10.0]), ("ray", 204): np.array([50.8, 17.0, 99.0])}


def test_engines_are_recorded_and_read_back(tmp_path):
    def measure(workers, threads, trials, *, train, engine):
        assert not train
        return measured.Measured({"local": 2.0, "ray": 10.0}[engine] + 0.1 * trials, 0.0)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(measured, "measure", measure)
        record = resumed(record_engines, tmp_path / "e.json", record_engines.jobs(2))
    assert record.overhead("ray") == pytest.approx(0.1) and record.start("local") == pytest.approx(2.0)


def test_what_libraries_tried_is_drawn_side_by_side():
    studies = {"one": optuna.create_study(), "other": optuna.create_study()}
    for study, rates in zip(studies.values(), ([0.1, 0.01], [1.0]), strict=True):
        for rate in rates:
            study.enqueue_trial({"rate": rate})
        study.optimize(lambda trial: trial.suggest_float("rate", 1e-3, 1, log=True), n_trials=len(rates))
    drawn = figures.tried(studies, "rate")
    assert drawn.text == "the best trial of each: one 0.010 at 0.01, other 1.000 at 1"
    assert [list(each.y) for each in drawn.plotly.data] == [[0.1, 0.01], [1.0]]


def test_workers_are_recorded_and_read_back(tmp_path):
    def play(storage, kind, trials, pause):
        left = served.KINDS[kind] is not None
        bars = [Bar(0, 0.0, 5.0, 0, "counted"), Bar(1, 0.5, 2.0, 1, "cut off")]
        return served.Served(9.0, trials, 3.5 if left else 0.0, 40 + left, bars[: 1 + left])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(served, "play", play)
        record = resumed(record_workers, tmp_path / "w.json", record_workers.jobs(2))
    assert record.trials == 8 and list(record.found) == list(served.KINDS)
    assert [row[1:] for row in words.served_by(record).rows] == [
        ["8 of 8", "", "40.0", "9.0 s"],
        ["8 of 8", "3.5 s", "41.0", "9.0 s"],
        ["8 of 8", "3.5 s", "41.0", "9.0 s"],
    ]
    assert words.taken_over(record, "Ben is killed") == (
        "Ben is killed: the trial is taken over after 3.5 s on average, at the latest 3.5 s; a lease lasts 4 s"
    )
    assert record.bars["Ben is killed"] == [Bar(0, 0.0, 5.0, 0, "counted"), Bar(1, 0.5, 2.0, 1, "cut off")]


# ---------------------------------------------------------------------------------------------------------------- speed


def test_a_job_is_measured_from_its_command_to_its_end():
    found = measured.measure(1, 1, 2, train=False)
    assert found.seconds > 0 and 0 <= found.training < found.seconds
    job, _ = parse_job(measured.job(2, 1, 3, True, engine="ray"))
    assert job.params.engine == "ray"
    assert job.params.tuning.max_concurrent_trials == 2


def test_a_measured_trial_trains_with_the_threads_that_it_is_told(monkeypatch):
    seen = []

    def train(config, folder):
        seen.append((config.threads, config.seed, config.total_steps))
        return type("Result", (), {"score": 0.5})

    monkeypatch.setattr(short_runs, "train", train)
    for threads in (1, 2):
        found = measured.trial(None, "cut", {"threads": threads, "train": True, "seed": 7}, None, num_cpus=1)
        assert found["score"] == 0.5 and found["seconds"] >= 0
    assert seen == [(1, 7, short_runs.STEPS), (2, 7, short_runs.STEPS)]
    assert measured.trial(None, "cut", {"threads": 2, "train": False, "seed": 7}, None)["score"] == 0.0
    assert len(seen) == 2


def test_speed_is_recorded_and_read_back(tmp_path):
    seconds = {(1, 1): 40.0, (2, 1): 25.0, (1, 2): 50.0, (2, 2): 40.0}

    def measure(workers, threads, trials):
        return measured.Measured(seconds[workers, threads], 32.0)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(measured, "measure", measure)
        record = resumed(record_speed, tmp_path / "s.json", record_speed.jobs(2, 16))
    assert record.speed_up() == pytest.approx(1.6) and record.serial == pytest.approx(0.25)
    assert [row[3] for row in words.speeds(record).rows] == ["1.00", "1.60", "0.80", "1.00"]
    assert [row[4] for row in words.speeds(record).rows] == ["2.00 s"] * 4
    assert words.implied(record) == (
        "two workers were 1.60 times as fast as one (mean of 2 repeats); by Amdahl's law 25% of the work is serial, "
        "and 16 workers on as many cores would be 3.4 times as fast"
    )
    for gain, said in ((2.5, "no serial share is to be seen"), (0.9, "the second one has gained nothing")):
        write_record(tmp_path / "f.json", {"cores": 2, "trials": 4, "runs": _rows(gain)})
        assert words.implied(record_speed.Record.load(tmp_path / "f.json")).endswith(f"; {said}")
    assert words.speeds(record).rows[0][2] == "40.0 s (40.0 to 40.0)"


def _rows(gain: float) -> list[dict]:
    return [
        {"workers": count, "threads": 1, "repeat": 0, "seconds": 40 / by, "training": 30.0}
        for count, by in ((1, 1), (2, gain))
    ]
