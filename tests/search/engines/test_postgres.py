"""The engine for many machines on a real PostgreSQL server: shared out, killed, taken over, cut off, and hidden."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import kills
import optuna
import postgres
import pytest
from optuna.storages._rdb import models
from optuna.storages._rdb import storage as rdb

from binpack.search._model import SearchError, StudyStopped
from binpack.search.action.conduct import perform
from binpack.search.action.faults import JobError
from binpack.search.engines import postgres as engine
from binpack.search.engines.database import Terms, connected, run
from binpack.search.engines.stored import KEY, load
from binpack.search.engines.worker import Place, work
from binpack.search.storage import Location

ROOT = Path(__file__).resolve().parents[3]
ACTION = ROOT / "tests" / "search" / "action"
X = {"name": "x", "type": "uniform", "min": 0, "max": 1}
ONE_TO_THREE = {"name": "x", "type": "grid_search", "options": [1, 2, 3]}
FAST = Terms(lease=60.0, tries=3, patience=60.0, poll=0.1)
"""A lease that a busy machine renews in time; what is to run out has a shorter one."""
KILLS = kills.most(6)
"""Workers that are killed; 50 on a machine that has nothing else to do."""
fork = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def server():
    with postgres.own_server(ROOT) as made:
        yield made


@pytest.fixture(autouse=True)
def toys(monkeypatch, tmp_path):
    """Let jobs find toy.py, in processes of their own as well, and keep what is written in a folder of the test's."""
    monkeypatch.syspath_prepend(str(ACTION))
    monkeypatch.setattr(engine, "POSTGRESQL", engine.Postgres(FAST))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def url(server, request):
    """A new database."""
    name = f"t{abs(hash(request.node.name)) % 10**12}"
    from sqlalchemy import create_engine, text

    with create_engine(server.url(driver="+psycopg"), isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return server.url(name)


def job(*varied, entrypoint="toy", hyperparameter=None, name="toy", **settings):
    """Return a job that tunes the toy on the server."""
    config = {"mode": "max", "metric": "score", **settings}
    params = {"name": name, "dataset": "random", "entrypoint": entrypoint, "engine": "postgresql", "is_tune": True}
    params |= {"hyperparameter": hyperparameter or {}, "hyperparameters": list(varied) or [X], "tune_config": config}
    return {"action": "train", "params": params}


def worker(url, folder, terms=FAST, modules=("toy",), watch=lambda event: None, jobs=1):
    """Work in this process."""
    return work(url, None, Place(modules, Path(folder), jobs), terms, watch)


@contextlib.contextmanager
def asked(url):
    """Yield what asks the server, and returns rows."""
    from sqlalchemy import create_engine, text

    from binpack.search.storage import driver_url

    with create_engine(driver_url(url), isolation_level="AUTOCOMMIT").connect() as connection:
        yield lambda question: list(connection.execute(text(question)).mappings())


def rows(url, question="SELECT * FROM binpack_trials ORDER BY number"):
    """Return the rows of a table; none where it is not there yet."""
    from sqlalchemy.exc import ProgrammingError

    with asked(url) as ask:
        try:
            return ask(question)
        except ProgrammingError:
            return []


def wait_for(condition, seconds=300):
    """Return what a condition gives when it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def started(function, *arguments):
    """Start a process; it is killed at the end of the test where it is still there."""
    process = fork.Process(target=function, args=arguments)
    process.start()
    return process


def study(url, name="toy"):
    """Return Optuna's study."""
    from binpack.search.storage import driver_url

    return optuna.load_study(study_name=name, storage=driver_url(url))


def calls(result):
    """Say how often each trial went to its end."""
    return [(Path(model["trial_logdir"]) / "calls").read_text().count("done") for model in result["trial_models"]]


def test_a_job_alone_gives_what_the_local_engine_gives(url, tmp_path):
    jobs = {"postgresql": job(ONE_TO_THREE), "local": job(ONE_TO_THREE)}
    jobs["local"]["params"]["engine"] = "local"
    events = []
    result = perform(jobs["postgresql"], tmp_path / "pg", events.append, storage=url)
    local = perform(jobs["local"], tmp_path / "local")
    for model, other in zip(result["trial_models"], local["trial_models"], strict=True):
        assert (model["config"], model["metrics"]) == (other["config"], other["metrics"])
        assert model["model_id"].partition("_")[2] == other["model_id"].partition("_")[2]
        assert Path(model["trial_logdir"]).parent == tmp_path / "pg" / "trials"
    assert result["best_trial"]["config"] == {"x": 3}
    statuses = [(e["trial_id"][-1], e["status"]) for e in events if e["event"] == "trial"]
    assert Counter(statuses)["0", "TERMINATED"] == 1 and {status for _, status in statuses} == {
        "PENDING", "RUNNING", "TERMINATED",
    }  # fmt: skip
    stored = study(url)
    assert [trial.value for trial in stored.trials] == [3, 6, 9]
    facts = stored.user_attrs[KEY]
    assert facts["params"]["hyperparameters"][0]["options"] == [1, 2, 3]
    assert json.loads(json.dumps(facts)) == facts
    assert [row["tries"] for row in rows(url)] == [1, 1, 1] and all(row["told"] for row in rows(url))

    # the same job from another folder finds it done, and no trial is trained again
    again = perform(jobs["postgresql"], tmp_path / "again", storage=url)
    assert again == result and calls(again) == [1, 1, 1]
    with pytest.raises(SearchError, match="study 'toy' in .* holds another job, with params.tune_config.mode"):
        perform(job(ONE_TO_THREE, mode="min"), tmp_path / "other", storage=url)
    assert postgres.PASSWORD not in (tmp_path / "pg" / "events.jsonl").read_text()


def test_optunas_search_and_asha_over_the_server(url, tmp_path):
    options = {"max_t": 3, "grace_period": 1, "reduction_factor": 2}
    search = {"name": "optunasearch", "points_to_evaluate": [{"x": 0.25}, {"x": 0.5}]}
    asha = {"name": "asha", "options": options}
    result = perform(job(X, num_samples=12, search_alg=search, scheduler=asha), tmp_path / "out", storage=url)
    stored = study(url)
    before = [trial.params for trial in stored.trials]
    assert before[:2] == [{"x": 0.25}, {"x": 0.5}]
    states = Counter(trial.state.name for trial in stored.trials)
    assert set(states) == {"COMPLETE", "PRUNED"} and sum(states.values()) == 12
    assert result["best_trial"]["config"] == stored.best_trial.params
    # more samples of the same job
    more = perform(job(X, num_samples=14, search_alg=search, scheduler=asha), tmp_path / "out", storage=url)
    assert len(study(url).trials) == 14 == len(rows(url)) and more["best_trial"]["metrics"]["training_iteration"] == 3
    assert [trial.params for trial in study(url).trials[:12]] == before


def tune(params, out, url):
    """Be a tuner, in a process of its own."""
    perform(params, out, storage=url)


def test_two_workers_share_the_trials_and_none_is_trained_twice(url, tmp_path):
    params = job(X, num_samples=16, hyperparameter={"pause": 0.05})
    tuner = started(tune, params, tmp_path / "out", url)
    try:
        wait_for(lambda: rows(url))
        trials = worker(url, tmp_path / "elsewhere")
        tuner.join(300)
    finally:
        tuner.kill()
    assert tuner.exitcode == 0 and [trial.status for trial in trials] == ["TERMINATED"] * 16
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert calls(result) == [1] * 16
    owners = Counter(row["owner"] for row in rows(url))
    assert len(owners) == 2 and min(owners.values()) >= 2
    folders = Counter(Path(model["trial_logdir"]).parent.name for model in result["trial_models"])
    assert set(folders) == {"trials", "elsewhere"} and set(folders.values()) == set(owners.values())


def test_two_tuners_from_two_folders_share_a_study_and_both_finish(url, tmp_path):
    params = job(X, num_samples=10, hyperparameter={"pause": 0.1})
    tuners = [started(tune, params, tmp_path / name, url) for name in ("first", "second")]
    try:
        for tuner in tuners:
            tuner.join(400)
    finally:
        for tuner in tuners:
            tuner.kill()
    assert [tuner.exitcode for tuner in tuners] == [0, 0]
    first, second = (json.loads((tmp_path / name / "result.json").read_text()) for name in ("first", "second"))
    assert first == second and calls(first) == [1] * 10
    assert all(row["tries"] == 1 for row in rows(url)) and len({row["owner"] for row in rows(url)}) == 2
    assert [trial.state.name for trial in study(url).trials] == ["COMPLETE"] * 10


def test_killed_at_random_instants_the_job_ends_with_exactly_the_asked_number(url, tmp_path):
    """SIGKILL of the tuner and of workers."""
    total = 12 * KILLS
    params = job(X, num_samples=total, search_alg="optunasearch", hyperparameter={"pause": 0.02})
    terms = Terms(lease=3.0, tries=10 * KILLS, patience=60.0, poll=0.1)
    engine.POSTGRESQL = engine.Postgres(terms)  # the fixture puts it back
    rng, killed, running = random.Random(5), 0, []
    roles = [(tune, params, tmp_path / "out", url), (worker, url, tmp_path / "elsewhere", terms)]
    try:
        running = [started(*role) for role in roles[:1]]
        wait_for(lambda: rows(url))
        running.append(started(*roles[1]))
        while killed < KILLS and not (tmp_path / "out" / "result.json").exists():
            time.sleep(rng.uniform(0.1, 1.5))
            victim = rng.randrange(2)
            running[victim].kill()
            running[victim].join()
            killed += 1
            running[victim] = started(*roles[victim])
        for process in running:
            process.join(500)
    finally:
        for process in running:
            process.kill()
    assert killed >= (kills.ASKED or 3) and [process.exitcode for process in running] == [0, 0]
    result = perform(params, tmp_path / "out", storage=url)
    assert len(result["trial_models"]) == total == len(rows(url)) == len(study(url).trials)
    assert all(row["state"] == "ended" and row["told"] for row in rows(url))
    assert [trial.state.name for trial in study(url).trials] == ["COMPLETE"] * total
    assert [trial.value for trial in study(url).trials] == [
        pytest.approx(3 * model["config"]["x"]) for model in result["trial_models"]
    ]
    # more than one is a trial whose worker was killed between its end and its entry
    assert all(1 <= count <= row["tries"] for count, row in zip(calls(result), rows(url), strict=True))


def command(url, *more, modules=("toy",)):
    """Start the command as a person does; its folder is the current one."""
    imports = [part for module in modules for part in ("--import", module)]
    line = [sys.executable, "-m", "binpack", *imports, "worker", "--storage", url, "--jobs", "1", *more]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *sys.path]))}
    pipe = subprocess.PIPE
    return subprocess.Popen(line, stdout=pipe, stderr=pipe, text=True, env=env)


def begin(url, params, out):
    """Put a job into the database without training anything."""
    from binpack.search.action.job import parse_job
    from binpack.search.engines.engine import Tuning
    from binpack.search.engines.stored import store

    parsed = parse_job(params)[0].params
    location = Location(url, parsed.name, None, Path(), Path())
    with connected(location, 5.0, print) as database:
        store(database, Tuning(parsed, "random", Path(out) / "trials", "abc", url))


def test_a_worker_that_is_asked_to_stop_releases_its_trial_which_goes_on_from_its_checkpoint(url, tmp_path):
    """Also: neither the password nor the quoted one is in a line, a file, a table or a title of a process."""
    begin(url, job(ONE_TO_THREE, entrypoint="toy:counts", hyperparameter={"pause": 0.5}), tmp_path / "out")
    process = command(url, "--patience", "5")
    try:
        log = tmp_path / "out" / "trials" / "trial_00000" / "reports.jsonl"
        reported = wait_for(lambda: rows(url, "SELECT * FROM binpack_trials WHERE metrics LIKE '%\"score\": 2%'"))
        titles = [path.read_text().replace("\0", " ") for path in family(process.pid)]
        process.send_signal(signal.SIGTERM)
        asked_at = time.monotonic()
        out, err = process.communicate(timeout=60)
        seconds = time.monotonic() - asked_at
    finally:
        process.kill()
    assert process.returncode == 143 and out == ""
    (last,) = [line for line in err.splitlines() if line.startswith("binpack: ")]
    assert last == err.splitlines()[-1] == "binpack: stopped; abc_00000 released, and any worker goes on with it"
    # more only where so many processes share the machine that none gets its turn
    assert seconds < 10 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    (row,) = rows(url)
    assert (row["state"], row["tries"], reported[0]["tries"]) == ("waiting", 0, 1)
    kept = len(log.read_text().splitlines())
    assert 2 <= kept < 8
    trials = worker(url, tmp_path / "out" / "trials")
    assert [trial.metrics["score"] for trial in trials] == [8, 8, 8]
    assert trials[0].metrics["began_from"] == kept and trials[1].metrics["began_from"] == 0

    assert any("worker --storage" in title and "***" in title for title in titles) and len(titles) >= 2
    written = [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    tables = [str(rows(url, f"SELECT * FROM {name}")) for name in tables_of(url)]
    for text in (*titles, err, *written, *tables):
        assert postgres.PASSWORD not in text and secret(url) not in text


def secret(url):
    """Return the password as it stands in a URL."""
    return url.partition("://")[2].partition(":")[2].rpartition("@")[0]


def tables_of(url):
    """Return the names of all tables."""
    question = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    return [row["table_name"] for row in rows(url, question)]


def family(pid):
    """Return where the titles of a process and of all that it started are."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return [Path(f"/proc/{each}/cmdline") for each in found]


def test_a_trial_whose_folder_is_not_reachable_begins_again_under_its_number(url, tmp_path):
    begin(url, job(ONE_TO_THREE, entrypoint="toy:counts", hyperparameter={"pause": 0.0}), tmp_path / "out")
    stopped = started(stop_at_two, url, tmp_path / "far")
    stopped.join(300)
    assert rows(url)[0]["state"] == "running"
    (tmp_path / "far").rename(tmp_path / "unmounted")
    trials = worker(url, tmp_path / "near")
    assert [trial.trial_id for trial in trials] == ["abc_00000", "abc_00001", "abc_00002"]
    assert [trial.metrics["began_from"] for trial in trials] == [0, 0, 0]
    assert {trial.logdir.parent.name for trial in trials} == {"near"} and rows(url)[0]["tries"] == 2


def stop_at_two(url, folder):
    """Be a worker that is killed after a report."""

    def watch(event):
        if event["event"] == "trial" and event["metrics"].get("score") == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    worker(url, folder, Terms(lease=1.0, poll=0.1), watch=watch)


def test_a_trial_that_fails_is_tried_again_and_then_given_up(url, tmp_path):
    engine.POSTGRESQL = engine.Postgres(Terms(lease=5.0, tries=2, poll=0.1))
    events = []
    result = perform(job(ONE_TO_THREE, entrypoint="toy:fails"), tmp_path / "out", events.append, storage=url)
    notices = [event["line"].partition("_00001 ")[2] for event in events if event["event"] == "notice"]
    assert "failed, try 1 of 2: RuntimeError: two is too many" in notices
    last = {event["trial_id"]: event for event in events if event["event"] == "trial"}
    assert [event["status"] for event in last.values()] == ["TERMINATED", "ERROR", "TERMINATED"]
    assert [row["tries"] for row in rows(url)] == [1, 2, 1] and result["best_trial"]["config"] == {"x": 3}
    assert [trial.state.name for trial in study(url).trials] == ["COMPLETE", "FAIL", "COMPLETE"]


def test_a_process_that_is_killed_while_it_trains_is_a_failed_try(url, tmp_path):
    engine.POSTGRESQL = engine.Postgres(Terms(lease=5.0, tries=1, poll=0.1))
    events = []
    perform(job(ONE_TO_THREE, entrypoint="toy:dies"), tmp_path / "out", events.append, storage=url)
    errors = [event["error"] for event in events if event.get("error")]
    assert errors == ["the process that trained it was killed by SIGKILL"]


def test_a_server_that_stops_in_the_middle_is_waited_for(server, url, tmp_path):
    begin(url, job(X, num_samples=6, hyperparameter={"pause": 0.3}), tmp_path / "out")
    heard = []
    restart = threading.Thread(target=lambda: (server.stop(), time.sleep(2), server.start()))

    def watch(event):
        heard.append(event)
        if event["event"] == "trial" and event["status"] == "TERMINATED" and restart.ident is None:
            restart.start()

    try:
        trials = worker(url, tmp_path / "out" / "trials", watch=watch)
    finally:
        if restart.ident is not None:
            restart.join()
        server.start()
    assert [trial.status for trial in trials] == ["TERMINATED"] * 6
    assert [(trial.logdir / "calls").read_text().count("done") for trial in trials] == [1] * 6
    lines = [event["line"] for event in heard if event["event"] == "notice"]
    waits = [line for line in lines if "does not answer" in line]
    assert len(waits) == 1 and waits[0].endswith("; waiting up to 60 s") and "\n" not in waits[0]
    assert any("answers again after" in line for line in lines)
    assert not any(secret(url) in line or postgres.PASSWORD in line for line in lines)


def test_a_server_that_does_not_come_back_ends_the_worker_with_one_line_and_loses_nothing(server, url, tmp_path):
    begin(url, job(X, num_samples=4, hyperparameter={"pause": 0.1}), tmp_path / "out")

    def watch(event):
        if event["event"] == "trial" and event["status"] == "TERMINATED":
            server.stop()

    try:
        with pytest.raises(StudyStopped, match=r"does not answer: .* \(waited 1 s\); nothing is lost") as error:
            worker(url, tmp_path / "out" / "trials", Terms(lease=2.0, patience=1.0, poll=0.1), watch=watch)
    finally:
        server.start()
    assert "\n" not in str(error.value) and secret(url) not in str(error.value)
    before = [row for row in rows(url) if row["state"] == "ended"]
    assert len(before) == 1
    assert [trial.status for trial in worker(url, tmp_path / "out" / "trials")] == ["TERMINATED"] * 4
    assert rows(url)[before[0]["number"]]["outcome"] == before[0]["outcome"]


def test_a_worker_imports_only_what_it_was_allowed_to(url, tmp_path, monkeypatch):
    begin(url, job(ONE_TO_THREE), tmp_path / "out")
    monkeypatch.delitem(sys.modules, "toy", raising=False)
    with pytest.raises(SearchError, match=r"trains with toy, .*: python -m binpack --import toy worker"):
        worker(url, tmp_path / "w", modules=())
    assert "toy" not in sys.modules and not (tmp_path / "w").exists()


def altered(url, change):
    """Change what the database says of the job, as somebody who can write there may."""
    with connected(Location(url, "toy", None, Path(), Path()), 5.0, print) as database:
        stored = load(database, None)
        change(stored.facts)
        database.storage.set_study_user_attr(stored.study_id, KEY, stored.facts)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda facts: facts["params"].update(entrypoint="os:system"), "python -m binpack --import os worker"),
        (lambda facts: facts.update(dataset="evil_items:SOURCE"), "its module is not imported"),
        (lambda facts: facts["params"].update(hyperparameter={"reward": "evil_items:reward"}), "is not imported"),
        (lambda facts: facts["params"]["tune_config"].update(mode="up"), "params.tune_config.mode"),
        (lambda facts: facts.update(version=99), "newer binpack"),
        (lambda facts: facts.update(items="other"), "was begun with other items than random holds here"),
    ],
)
def test_a_job_that_was_altered_in_the_database_runs_nothing(url, tmp_path, change, words):
    (tmp_path / "evil_items.py").write_text("raise SystemExit('imported')")
    plain = job({"name": "gamma", "type": "uniform", "min": 0.5, "max": 0.9}, entrypoint="binpack.search.action.ppo")
    plain["params"]["hyperparameter"] = {"total_steps": 64}
    begin(url, plain, tmp_path / "out")
    altered(url, change)
    with pytest.raises(SearchError, match=words):
        worker(url, tmp_path / "w", modules=())
    assert "evil_items" not in sys.modules


def test_values_that_the_job_cannot_have_are_refused(url, tmp_path):
    begin(url, job(ONE_TO_THREE, entrypoint="toy:counts", hyperparameter={"pause": 0.0}), tmp_path / "out")
    stopped = started(stop_at_two, url, tmp_path / "far")
    stopped.join(300)
    with connected(Location(url, "toy", None, Path(), Path()), 5.0, print) as database:
        database.ask(lambda connection: run(connection, 'UPDATE binpack_trials SET config = \'{"x": "os:system"}\''))
    with pytest.raises(SearchError, match="trial 0 has values in the database that its job cannot have"):
        worker(url, tmp_path / "near")


def test_nothing_in_the_database_is_a_pickle(url, tmp_path):
    """Optuna's RDB storage knows no pickle, and no column of a table could hold one."""
    begin(url, job(ONE_TO_THREE), tmp_path / "out")
    assert not any("pickle" in vars(module) for module in (rdb, models))
    question = "SELECT DISTINCT data_type FROM information_schema.columns WHERE table_schema = 'public'"
    kinds = {row["data_type"] for row in rows(url, question)}
    assert kinds <= {
        *("integer", "double precision", "boolean", "text", "character varying", "USER-DEFINED"),
        *("timestamp without time zone", "timestamp with time zone"),
    }
    assert {row["typtype"] for row in rows(url, "SELECT typtype FROM pg_type WHERE typname = 'trialstate'")} == {"e"}


def test_what_is_not_there_is_one_line(server, url, tmp_path, monkeypatch):
    with pytest.raises(SearchError, match=r"there is no job in it yet; python -m binpack action puts one there$"):
        worker(url, tmp_path / "w")
    begin(url, job(name="one"), tmp_path / "one")
    begin(url, job(name="two"), tmp_path / "two")
    with pytest.raises(SearchError, match="holds several jobs, say which with --study: one, two"):
        worker(url, tmp_path / "w")
    with pytest.raises(SearchError, match="there is no job 'three'; there is one, two"):
        work(url, "three", Place(), FAST)
    wrong = url.replace(secret(url), "wrong-password")
    with pytest.raises(StudyStopped, match="password authentication failed") as error:
        worker(wrong, tmp_path / "w")
    assert "\n" not in str(error.value) and "wrong-password" not in str(error.value)


def faults(params, out, storage):
    """Return what is wrong with a job, of which nothing is left."""
    with pytest.raises(JobError) as error:
        perform(params, out, storage=storage)
    assert not Path(out).exists()
    return {fault.place: fault.what for fault in error.value.faults}


def test_a_job_says_what_it_needs_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.delenv(engine.VARIABLE, raising=False)
    needs = "a PostgreSQL server is needed: --storage postgresql://USER@HOST/DATABASE, or BINPACK_STORAGE in the"
    assert faults(job(), "out", None)["params.engine"].startswith(needs)
    no_server = "sqlite:///x.db is no PostgreSQL server: expected postgresql://USER@HOST/DATABASE"
    assert faults(job(), "out", "sqlite:///x.db") == {"params.engine": no_server}
    local = job()
    local["params"]["engine"] = "local"
    assert "keeps its trials in the job's folder" in faults(local, "out", "postgresql://h/d")["params.engine"]
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    assert faults(job(), "out", "postgresql://ann:s3cret@h/d") == {
        "params.engine": "postgresql://ann:***@h/d needs PostgreSQL's driver: pip install 'psycopg[binary]'"
    }
