"""Lesson 08's first part: draws, abilities, failures, stops, mistakes and tables, on an invented study."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.samplers import CmaEsSampler, RandomSampler, TPESampler

sys.path.insert(0, str(Path(__file__).parents[2] / "search" / "landscape"))
import invented

from binpack.course import short_runs
from binpack.course.l08_optuna import abilities, draws, failures, killed, mistakes, searches, sentences, stops
from binpack.course.l08_optuna.exercises import continue_study, stop_after
from binpack.files import InputError
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Kernel, Surrogate, table_of
from binpack.search.landscape.table import Landscape
from binpack.search.storage import quiet

LENGTHS = tuple({"learning_rate": 0.7, "n_epochs": 1.5}.get(name, 20.0) for name in task.SPACE.names)
KERNELS = (Kernel(LENGTHS, 3.0, 0.001), Kernel((5.0,) * 11, 0.2, 0.8))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Landscape(invented.write(tmp_path_factory.mktemp("study") / "study.npz", more=False))


@pytest.fixture(scope="module")
def model(study):
    return Surrogate(table_of(study), KERNELS)


# -------------------------------------------------------------------------------------------------- draws and samplers


def test_draws_lie_where_their_call_says():
    calls = {
        "even": lambda trial: trial.suggest_float("a", 0, 1),
        "decades": lambda trial: trial.suggest_float("b", 1e-3, 1, log=True),
        "steps": lambda trial: trial.suggest_int("c", 4, 16, step=4),
    }
    drawn = draws.draw(calls, 400, seed=1)
    assert set(np.unique(drawn["steps"])) == {4, 8, 12, 16}
    assert np.mean(drawn["decades"] < 10**-1.5) == pytest.approx(0.5, abs=0.08)
    figure = draws.figure(drawn, "draws")
    assert "steps 4 values from 4 to 16" in figure.text and "even 400 values" in figure.text
    assert figure.pixels().std() > 5


def test_what_a_sampler_learns_is_found_out_without_looking_inside():
    def ask(trial):
        return trial.suggest_float("x", 0, 1) + len(trial.suggest_categorical("kind", ["a", "bb", "ccc", "dddd"]))

    makers = {
        "random": lambda seed: RandomSampler(seed=seed),
        "TPE": lambda seed: TPESampler(seed=seed),
        "CMA-ES": lambda seed: CmaEsSampler(seed=seed, warn_independent_sampling=False),
    }
    with quiet(optuna.logging.ERROR):
        numbers = {name: abilities.learns(make, ask, ("x",)) for name, make in makers.items()}
        choices = {name: abilities.learns(make, ask, ("kind",), repeats=2) for name, make in makers.items()}
        several = {name: abilities.several(make) for name, make in makers.items()}
    assert numbers == {"random": False, "TPE": True, "CMA-ES": True}
    assert choices == {"random": False, "TPE": True, "CMA-ES": False}
    assert several == {"random": True, "TPE": True, "CMA-ES": False}


def test_every_sampler_of_the_table_is_asked_every_question(monkeypatch):
    monkeypatch.setattr(
        abilities,
        "SAMPLERS",
        {name: abilities.SAMPLERS[name] for name in ("RandomSampler", "GridSampler", "TPESampler", "CmaEsSampler")},
    )
    table = abilities.table()
    assert table.head == ("sampler", "learns numbers", "learns choices", "learns in branches", "two directions")
    assert {row[0]: row[1:] for row in table.rows} == {
        "RandomSampler": ["no", "no", "no", "yes"],
        "GridSampler": ["no", "no", "refuses", "yes"],
        "TPESampler": ["yes", "yes", "yes", "yes"],
        "CmaEsSampler": ["yes", "no", "no", "refuses"],
    }


# ------------------------------------------------------------------------------------------------------------- failures


def test_the_small_machine_refuses_what_is_too_large():
    assert failures.fits({"width": 64, "n_steps": 64}) and not failures.fits({"width": 65, "n_steps": 64})
    rng = np.random.default_rng(5)
    drawn = [task.SPACE.sample(rng) for _ in range(4000)]
    plain = np.mean([values["width"] * values["n_steps"] > failures.LARGEST for values in drawn])
    assert failures.share(4000) == pytest.approx(plain, abs=0.03)


@pytest.mark.parametrize(("way", "state"), [("failed", "FAIL"), ("score 0", "COMPLETE"), ("pruned", "PRUNED")])
def test_a_failure_is_told_as_it_should_be(model, way, state):
    found = failures.search(model, way, 20, RandomSampler(seed=2), np.random.default_rng(0))
    assert any(found.failed) and len(found.failed) == 20
    for trial, failed in zip(found.study.trials, found.failed, strict=True):
        assert failed == (not failures.fits(trial.params))
        assert trial.state.name == (state if failed else "COMPLETE")
        assert not failed or trial.value == (0.0 if way == "score 0" else None)
    best = max((trial for trial in found.study.trials if trial.value), key=lambda trial: trial.value)
    assert found.worth == pytest.approx(model.means(np.array([task.SPACE.place(best.params)]))[0])


def test_the_small_machine_fails_in_two_ways(study, model, monkeypatch):
    monkeypatch.setattr(failures.landscape, "curve", lambda values, seed: np.array([0.5, 0.25 + seed]))
    ends = []
    for number, width in ((1, 16), (1, 128), (6, 16), (13, 128)):
        trial = optuna.trial.FixedTrial({"width": width, "n_steps": 128}, number=number)
        try:
            ends.append(failures.small_machine(trial))
        except (MemoryError, OSError) as error:
            ends.append(str(error))
    lost = "width 128 with n_steps 128 does not fit"
    assert ends == [1.25, lost, "the machine was switched off", lost]


def test_tpe_learns_from_zeros_and_pruned_trials_alike_and_from_failed_ones_nothing(monkeypatch):
    def ask(trial):
        return {"learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-1, log=True)}

    def curve(values, seed):
        return np.array([0.9 - 0.05 * np.log10(values["learning_rate"] / 1e-3) ** 2])

    monkeypatch.setattr(failures.landscape, "curve", curve)
    shares = {way: [failures.diverging(ask, way, 30, seed) for seed in range(3)] for way in failures.WAYS}
    assert shares["score 0"] == shares["pruned"]
    assert np.mean(shares["failed"]) > np.mean(shares["pruned"]) + 0.2


def test_zeros_change_what_seems_important(model):
    rows = {(row[0], row[1]): row for row in failures.importances(model, 80).rows}
    assert set(rows) == {(way, name) for way in ("failed", "score 0") for name in ("PED-ANOVA", "fANOVA")}
    assert int(rows["failed", "fANOVA"][2]) < int(rows["score 0", "fANOVA"][2]) == 80
    assert rows["failed", "fANOVA"][3].startswith("learning_rate")
    named = {each.split()[0] for each in rows["score 0", "fANOVA"][3].split(", ")}
    assert {"n_steps", "width"} & named


# ------------------------------------------------------------------------------------------------- recorded searches


def test_searches_are_recorded_and_read_back(model, tmp_path, monkeypatch):
    monkeypatch.setattr(searches, "recorded_model", lambda: model)
    monkeypatch.setattr(searches, "RUNS", 10)
    monkeypatch.setattr(searches, "TRIALS", 14)
    path = tmp_path / "searches.json"
    wanted = searches.jobs(2)
    searches.RECORDER.record(path, wanted[:3], processes=1, progress=False)
    first = json.loads(path.read_text())["runs"]
    searches.RECORDER.record(path, wanted, processes=1, progress=False)
    assert json.loads(path.read_text())["runs"][:3] == first, "what was there is kept"
    read = searches.Searches.load(path)
    for search in searches.SEARCHES:
        for count in searches.PER_TRIAL:
            worth, score = (read.values("seeds", search, str(count), name) for name in ("worth", "score"))
            assert worth.shape == score.shape == (2,) and (worth > 0.3).all() and (score > 0.3).all()
    for way in failures.WAYS:
        assert ((read.values("failures", "TPE", way, "failed") * 4) % 1 == 0).all()


def test_the_leader_is_the_trial_with_the_highest_mean(model):
    class Listed(RandomSampler):
        """Remembers nothing; random search is enough to follow the scores."""

    rng = np.random.default_rng(3)
    worth, score = searches.over_seeds(model, Listed(seed=1), 4, 20, rng)
    plain, drawn = np.random.default_rng(3), []
    with quiet():
        asked = optuna.create_study(sampler=RandomSampler(seed=1))
        for _ in range(5):
            trial = asked.ask()
            place = np.array(task.SPACE.place(task.SPACE.suggest(trial)))
            scores, means = model.finals(np.tile(place, (4, 1)), plain)
            asked.tell(trial, 0.0)
            drawn.append((scores.mean(), means[0]))
    assert (score, worth) == pytest.approx(max(drawn))


def made_record(**better):
    """Searches whose means are known: worth 0.8, and more for the cases named."""
    rng = np.random.default_rng(0)
    rows = []
    cases = [("seeds", search, str(count)) for search in searches.SEARCHES for count in searches.PER_TRIAL]
    cases += [("failures", "TPE", way) for way in failures.WAYS]
    for question, search, case in cases:
        level = 0.8 + better.get(f"{search}_{case}".replace(" ", "_"), 0.0)
        for seed in range(50):
            worth = level + rng.normal(0, 0.002)
            failed = {"failed": 0.2, "score 0": 0.1, "pruned": 0.05}.get(case, 0.0)
            key = {"question": question, "search": search, "case": case, "seed": seed}
            rows.append({**key, "worth": worth, "score": worth + 0.01, "failed": failed})
    return searches.Searches(rows)


def test_the_best_division_is_named_with_those_that_are_level():
    record = made_record(TPE_3=0.05, random_2=0.05, random_3=0.0502)
    assert sentences.best_division(record, "TPE").startswith("TPE: 3 seeds for each trial chose best, 0.85")
    assert sentences.best_division(record, "TPE").endswith("all others are worse")
    assert sentences.best_division(record, "random").endswith(
        ("not to be told from it: 2", "not to be told from it: 3")
    )
    assert "1 seed for each" in sentences.best_division(made_record(TPE_1=0.1), "TPE")
    table = sentences.divided(record)
    assert [row[:2] for row in table.rows] == [["120", "1"], ["60", "2"], ["40", "3"], ["24", "5"], ["12", "10"]]
    assert len(table.head) == len(table.rows[0]) == 6 and "±" in table.rows[0][2]


def test_what_telling_a_failure_does_is_said():
    record = made_record(TPE_score_0=0.03)
    assert [row[:2] for row in sentences.told(record).rows] == [["failed", "20%"], ["score 0", "10%"], ["pruned", "5%"]]
    said = sentences.best_way(record)
    assert said == "told as pruned, the fewest trials fail; told as score 0, the leader is worth most"
    assert "and cannot be told from" in sentences.best_way(made_record())


# --------------------------------------------------------------------------------------------------- stops and mistakes


def test_a_callback_ends_searches_of_the_record(study):
    runs = study.runs("study")
    table = stops.played(stop_after, runs, (5, 30), 60, 12)
    lengths = [float(row[1]) for row in table.rows]
    assert table.rows[0][:4] == ["no callback", "60.0", "60", "60"]
    assert 6 <= lengths[1] < lengths[2] < 60
    assert int(table.rows[1][2]) >= 6 and int(table.rows[2][3]) <= 60


@pytest.mark.parametrize("mistake", mistakes.MISTAKES, ids=lambda each: each.name)
def test_each_mistake_shows_and_is_mended(study, mistake):
    with quiet(optuna.logging.ERROR):
        made, mended = mistake.made(study.runs("study")), mistake.mended(study.runs("study"))
    assert made and mended and made != mended


def test_what_some_mistakes_say(study):
    rows = {row[0]: row[1:] for row in mistakes.table(study.runs("study")).rows}
    assert "does not support dynamic value space" in rows["other choices in a study that is reopened"][0]
    assert rows["the same sampler seed after each start"] == [
        "5 of 5 values were there before",
        "0 of 5 values were there before",
    ]
    assert rows["n_jobs=2 and something that threads share"][0].startswith("5 of 10")
    assert rows["n_jobs=2 and something that threads share"][1].startswith("0 of 10")
    assert rows["one name for two hyperparameters"][0].endswith("in 100 of 100 trials")


def test_the_code_of_a_mistake_is_shown(capsys):
    mistakes.show("the direction")
    printed = capsys.readouterr().out
    assert "def _direction_forgotten" in printed and 'direction="maximize"' in printed
    with pytest.raises(InputError, match="no mistake is called 'haste': there are the direction is forgotten"):
        mistakes.show("haste")


# -------------------------------------------------------------------------------------------------- a killed process


def test_a_killed_process_leaves_a_trial_that_runs_for_ever(tmp_path):
    path = tmp_path / "study.journal"
    assert killed.run(path) == -9
    with quiet():
        study = killed.study_at(path)
        assert sentences.states(study) == "3 complete, 1 running"
        lost = study.trials[3].params["x"]
        continue_study(study, lambda trial: trial.suggest_float("x", 0, 1), 5)
    assert sentences.states(study) == "5 complete, 1 fail"
    assert study.trials[4].params["x"] == lost


# --------------------------------------------------------------------------------------------------------------- tables


def test_trials_are_listed_with_what_they_have():
    with quiet():
        study = optuna.create_study(direction="maximize", sampler=RandomSampler(seed=0))
        for number in range(4):
            trial = study.ask()
            trial.suggest_float("rate", 0, 1)
            if number % 2:
                trial.suggest_int("width", 16, 16)
            trial.set_user_attr("scores", [0.5, 0.25])
            if number < 3:
                study.tell(trial, 0.1 * number)
    table = sentences.trials(study, "scores")
    assert list(table.head) == ["trial", "state", "value", "rate", "width", "scores"]
    assert table.rows[1][:3] == ["1", "complete", "0.1000"] and table.rows[1][4:] == ["16", "0.5, 0.25"]
    assert table.rows[3][1:3] == ["running", ""] and table.rows[2][4] == ""
    assert len(sentences.trials(study, last=2).rows) == 2
    assert sentences.states(study) == "3 complete, 1 running"
    assert sentences.short({"rate": 0.00123456, "width": 16}) == "rate 0.00123, width 16"


def test_spreads_between_seeds_and_trials():
    with quiet():
        study = optuna.create_study(direction="maximize")
        for scores in ([0.1, 0.3], [0.5, 0.7], [0.8, 1.0], [0.8, 1.0]):
            trial = study.ask()
            trial.set_user_attr("scores", scores)
            study.tell(trial, float(np.mean(scores)))
    assert sentences.spreads(study) == (
        f"standard deviation between the seeds of a trial {0.1 * 2**0.5:.4f}, between all trials "
        f"{np.std([0.2, 0.6, 0.9, 0.9], ddof=1):.4f}, between the better half of them 0.0000"
    )


def test_a_short_run_takes_another_network(monkeypatch):
    seen = []

    def train(config, folder):
        seen.append(config)
        return type("Result", (), {"score": 0.5})

    monkeypatch.setattr(short_runs, "train", train)
    assert short_runs.score(task.DEFAULT, 3, {"policy": "mlp", "net_arch": [16, 32]}) == 0.5
    assert short_runs.score(task.DEFAULT, 3) == 0.5
    assert seen[0].ppo.net_arch == (16, 32) and seen[1].ppo.net_arch == (64, 64)
    assert seen[0].seed == 3 and seen[0].total_steps == short_runs.STEPS
