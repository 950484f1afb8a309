"""Lesson 08b's records, studies and sentences, on an invented study in the place of the recorded one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from optuna.trial import TrialState
from scipy.stats import spearmanr

sys.path.insert(0, str(Path(__file__).parents[2] / "search" / "landscape"))
import invented

from binpack import plots
from binpack.course.l08_optuna import (
    budgets,
    carry,
    defaults,
    fronts,
    pruning,
    record_budgets,
    record_fronts,
    record_pruning,
    record_shares,
    shares,
    signs,
    studies,
)
from binpack.course.l08_optuna import reading_figures as figures
from binpack.course.l08_optuna import reading_words as words
from binpack.course.l08_optuna.exercises import hypervolume, pareto_front
from binpack.course.l08_optuna.searches import Searches
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Kernel, Surrogate, table_of
from binpack.search.landscape.table import Landscape

optuna.logging.set_verbosity(optuna.logging.ERROR)
LENGTHS = tuple({"learning_rate": 0.7, "n_epochs": 1.5}.get(name, 20.0) for name in task.SPACE.names)
KERNELS = (Kernel(LENGTHS, 3.0, 0.001), Kernel((5.0,) * 11, 0.2, 0.8))
QUIET = {"processes": 1, "progress": False}


@pytest.fixture(scope="module")
def landscape(tmp_path_factory):
    return Landscape(invented.write(tmp_path_factory.mktemp("study") / "study.npz", seeds=5, more=False))


@pytest.fixture(scope="module")
def study(landscape):
    return landscape.runs("study")


@pytest.fixture(scope="module")
def model(landscape):
    return Surrogate(table_of(landscape), KERNELS)


def recorded(module, jobs, folder, **patches):
    """Record in two calls, as a recorder that was killed does, and load what is there."""
    path = folder / f"{module.__name__.rpartition('.')[2]}.json"
    with pytest.MonkeyPatch.context() as patched:
        for name, value in patches.items():
            patched.setattr(module, name, value)
        module.RECORDER.record(path, jobs[:2], **QUIET)
        done = json.loads(path.read_text())["runs"]
        module.RECORDER.record(path, jobs, **QUIET)
    assert json.loads(path.read_text())["runs"][:2] == done, "what was there is kept"
    assert len(json.loads(path.read_text())["runs"]) == len(jobs)
    return module.Record.load(path)


# ------------------------------------------------------------------------------------------------------------- pruning


@pytest.fixture(scope="module")
def replays(study, tmp_path_factory):
    class Stored:
        def runs(self, group):
            return study

    jobs = record_pruning.jobs(repeats=6, block=3, trials=40)
    return recorded(record_pruning, jobs, tmp_path_factory.mktemp("pruning"), load=Stored)


def test_replays_are_recorded_and_read_back(replays):
    assert replays.names("points") == list(pruning.PRUNERS) and replays.names("seeds") == list(pruning.OVER_SEEDS)
    assert replays.budget == 8
    for found in replays.found.values():
        assert set(found) == set(record_pruning.MEASURES)
        assert all(len(each) == 6 and np.isfinite(each).all() for each in found.values())
    none = replays.found["points", "none"]
    assert not none["saved"].any() and not none["loss"].any()
    assert (abs(none["started"] - 8) <= 1).all(), "runs differ in length by less than a rollout"
    assert replays.found["points", "median"]["started"].mean() > none["started"].mean()


def test_the_tables_of_pruners_have_a_row_each(replays):
    assert [row[0] for row in words.pruned(replays, "points").rows] == list(pruning.PRUNERS)[1:]
    assert [row[0] for row in words.equal_budgets(replays, "seeds").rows] == list(pruning.OVER_SEEDS)
    said = words.quoted(replays)
    assert said.startswith("beside the quoted 50% to 70%") and all(name in said for name in list(pruning.PRUNERS)[1:])


def told(gain: float) -> tuple[str, str]:
    plain = np.random.default_rng(0).normal(0.8, 0.01, 200)
    found = {
        ("points", "none"): {"worth": plain},
        ("points", "median"): {"worth": plain + gain + np.tile([0.001, -0.001], 100)},
        ("points", "halving"): {"worth": plain - 0.01},
    }
    return words.best_pruner(record_pruning.Record(50, found), "points")


def test_a_pruner_is_recommended_only_where_it_buys_something():
    name, said = told(0.005)
    assert name == "median" and said.startswith("at an equal budget median finds most, +0.0050 more than none does")
    name, said = told(0.0)
    assert name == "none" and said.startswith("at an equal budget no pruner finds more than none does")
    assert told(-0.005)[0] == "none"


def test_the_figures_of_pruners_say_what_they_show():
    scores = np.linspace(0.3, [0.5, 0.6, 0.7, 0.4], 20).T
    said = figures.median(scores, 7, 5).text
    assert said.startswith("trial 7 is stopped after 10,240 steps: its best is 0.321") and "3 complete trials" in said
    said = figures.rungs(scores, np.array([20, 20, 1, 4]), [1, 4, 16]).text
    assert said == (
        "of 4 trials halving stops 1 at 2,048 steps, 1 at 8,192 steps, 0 at 32,768 steps; 2 reach their end"
    )


# --------------------------------------------------------------------------------------------------------- early signs


@given(
    arrays.arrays(float, 12, elements=st.integers(0, 9).map(float)),
    arrays.arrays(float, 12, elements=st.integers(0, 9).map(float)),
)
def test_a_sign_is_judged_by_spearmans_correlation(sign, truth):
    found = signs._rank(np.append(sign, np.nan), np.append(truth, 5.0))
    if len(set(sign)) == 1 or len(set(truth)) == 1:
        assert found == 0
    else:
        assert found == pytest.approx(spearmanr(sign, truth).statistic)


def test_the_score_tells_the_end_and_noise_does_not(study):
    found = signs.correlations(study)
    assert list(found) == list(signs.SIGNS) and found["utilization"].shape == (5, 20)
    assert signs.telling(found, 1)[0][0] == "utilization"
    assert all(abs(each.mean()) < 0.1 for name, each in found.items() if name != "utilization")
    first = signs.first_point(found, "utilization", 0.9)
    assert first is not None and abs(found["utilization"][:, first - 1].mean()) >= 0.9
    assert signs.first_point(found, "entropy", 0.9) is None
    table = words.tells(found, (1, 20))
    assert table.rows[0][0] == "utilization" and table.head[1:] == ("2,048 steps", "40,960 steps")
    assert words.soon(found).startswith("the score reaches a correlation of 0.9 after")
    assert words.soon(found, 1.1).startswith("no point of a single run's curve")


# ------------------------------------------------------------------------------------------------------------- studies


def test_a_replayed_study_has_the_trials_the_reports_and_a_clock(study):
    found = studies.study(study, 40, pruning.percentile(0.5), np.random.default_rng(0))
    states = {trial.state for trial in found.trials}
    assert states == {TrialState.COMPLETE, TrialState.PRUNED} and len(found.trials) == 40
    for trial in found.trials:
        config, seed = trial.user_attrs["config"], trial.user_attrs["seed"]
        curve = study.utilization[config, study.seeds.index(seed)]
        assert list(trial.intermediate_values.values()) == pytest.approx(curve[: len(trial.intermediate_values)])
        assert trial.params == study.configs[config]
        assert (len(trial.intermediate_values) == 20) == (trial.state == TrialState.COMPLETE)
        assert trial.duration.total_seconds() == pytest.approx(0.3 * len(trial.intermediate_values), abs=1e-3)
    spans = [(trial.datetime_start, trial.datetime_complete) for trial in found.trials]
    assert max(sum(start <= at < end for start, end in spans) for at, _ in spans) == studies.WORKERS
    assert plots.timeline(found).text.startswith("timeline: ")
    assert plots.intermediate_values(found).text.startswith("intermediate values: 40 trials, ")


# ---------------------------------------------------------------------------------------------------------- importance


class Plane:
    """A model whose truth is known: twice the first edge and once the second."""

    def means(self, places):
        return 2 * places[:, 0] + places[:, 1]


def test_the_truth_of_a_plane_is_known():
    found = shares.truth(Plane(), np.random.default_rng(0), points=256, draws=500)
    assert found.alone == pytest.approx([0.8, 0.2, *[0] * 9], abs=0.03)
    assert found.in_all == pytest.approx([0.8, 0.2, *[0] * 9], abs=0.03)
    assert shares.ranked(found.best_tenth)[:2] == ["learning_rate", "n_steps"]


@pytest.fixture(scope="module")
def measured(model, tmp_path_factory):
    known = shares.truth(model, np.random.default_rng(0), points=64, draws=300)
    folder, jobs = tmp_path_factory.mktemp("shares"), record_shares.jobs({20: 2, 50: 1})
    return recorded(record_shares, jobs, folder, recorded_model=lambda: model, _truth=lambda: known)


def test_importances_are_recorded_and_read_back(measured):
    assert measured.lengths == [20, 50]
    for (_, trials, _), each in measured.found.items():
        assert each.shape == ({20: 2, 50: 1}[trials], 11)
        assert each.sum(axis=1) == pytest.approx(1, abs=0.01)
    assert measured.limit("fANOVA").sum() == pytest.approx(1) and measured.limit("fANOVA").argmax() == 0
    table = words.importances(measured, 50)
    assert table.rows[0][0] == "learning_rate" and len(table.rows) == 11 and len(table.head) == len(table.rows[0])
    assert len(words.trust(measured).rows) == 4
    assert words.lies(measured, 50).count("learning_rate") == 2


def test_what_is_right_about_shares():
    limit = np.array([0.5, 0.3, 0.2, 0.0])
    said = np.array([[0.6, 0.2, 0.1, 0.1], [0.1, 0.2, 0.0, 0.7]])
    assert shares.first_is(said, limit).tolist() == [True, False]
    assert shares.overlap(said, limit, 2).tolist() == [2, 1]


# --------------------------------------------------------------------------------------------------- several objectives


def test_gradient_steps_of_the_default():
    assert fronts.gradient_steps(task.DEFAULT) == 20 * 32 * 10
    large = {**task.DEFAULT, "n_steps": 8, "batch_size": 512}
    assert fronts.gradient_steps(large) == 160 * 10, "a batch is at most the rollout"


def test_pairs_of_objectives_and_their_study(study):
    points = fronts.measured(study)
    assert set(points) == {"stability", "seconds", *fronts.AGAINST}
    assert all(each.shape == (256, 2) and (each[:, 1] <= 0).all() for each in points.values())
    assert points["seconds"][:, 1] == pytest.approx(-6)
    two = fronts.study_of(study, points["stability"])
    assert len(two.best_trials) == pareto_front(points["stability"]).sum()
    reference = np.array([0.5, -0.1])
    drawn = plots.hypervolume(two, [0.5, 0.1])
    assert drawn.plotly.data[0].y[-1] == pytest.approx(hypervolume(points["stability"], reference))
    count, kept, fall = fronts.stays(points["stability"], points["stability"], pareto_front)
    assert count == kept and fall == 0


def test_a_front_that_was_luck_falls():
    first, second = np.array([[0.9, -1.0], [0.8, -2.0]]), np.array([[0.7, -1.0], [0.8, -0.5]])
    assert fronts.stays(first, second, pareto_front) == (1, 0, pytest.approx(0.2))


def test_searches_for_two_objectives_are_recorded(model, tmp_path):
    jobs = record_fronts.jobs(dict.fromkeys(fronts.SAMPLERS, 1), trials=30)
    found = recorded(record_fronts, jobs, tmp_path, recorded_model=lambda: model)
    assert found.at.tolist() == [10, 20, 30]
    assert set(found.areas) == {(against, sampler) for against in fronts.AGAINST for sampler in fronts.SAMPLERS}
    assert all(each.shape == (1, 3) and (np.diff(each) >= 0).all() for each in found.areas.values())
    table = words.fronts(found, "stability", (20, 30, 200))
    assert [row[0] for row in table.rows] == list(fronts.SAMPLERS) and table.head[2:] == ("20 trials", "30 trials")


# ------------------------------------------------------------------------------------------------------ how many trials


def test_spaces_of_what_matters():
    in_all = np.zeros(11)
    in_all[[4, 1, 7]] = 0.5, 0.3, 0.2
    assert budgets.members("three that matter", in_all) == ("gamma", "n_steps", "ent_coef")
    assert len(budgets.members("five that matter", in_all)) == 5
    assert budgets.members("three of the guides", in_all) == ("learning_rate", "n_steps", "ent_coef")


@pytest.fixture(scope="module")
def long(model, tmp_path_factory):
    kinds = {("three of the guides", "TPE"): 2, ("five that matter", "TPE"): 1, ("all eleven", "TPE"): 2}
    jobs = record_budgets.jobs({**kinds, ("all eleven", "random"): 2}, long=50, short=35)
    in_all = np.linspace(1, 0, 11)
    folder = tmp_path_factory.mktemp("budgets")
    return recorded(record_budgets, jobs, folder, recorded_model=lambda: model, _in_all=lambda: in_all)


def test_long_searches_are_recorded_and_read_back(long, model):
    assert long.found["all eleven", "TPE"].shape == (2, 4) and long.found["five that matter", "TPE"].shape == (1, 3)
    assert len(long.names["all eleven"]) == 11 and list(long.names["five that matter"]) == task.SPACE.names[:5]
    assert long.default == pytest.approx(model.means(np.array([task.SPACE.place(task.DEFAULT)]))[0], abs=1e-4)
    at, worth = long.curve("random")
    assert list(at) == [10, 20, 35, 50] and worth.shape == (2, 4)
    assert [row[0] for row in words.doublings(long, "TPE").rows] == ["10 to 20", "20 to 50"]
    assert [row[0] for row in words.few_or_all(long).rows] == ["all eleven", "five that matter", "three of the guides"]


def made(rows: dict[tuple[str, str], list[float]]) -> record_budgets.Record:
    found = {key: np.tile(each, (5, 1)) for key, each in rows.items()}
    return record_budgets.Record(0.7, {space: [] for space, _ in rows}, found)


def test_sentences_about_budgets():
    rising = [0.5, 0.6, 0.68, 0.7, 0.701]
    record = made({("all eleven", "TPE"): rising, ("few", "TPE"): [0.7, 0.71, 0.71, 0.71, 0.71]})
    number, said = words.enough(record)
    assert number == 50 and said.startswith("TPE has 90% of what it gains from trial 10 to trial 75 after 50 trials")
    assert words.best_space(record, 20) == (
        "few",
        "after 20 trials the search of few has found most, 0.7100; it is ahead in 100% of the pairs of the search of "
        "all eleven, 0.6000",
    )
    turned = made({("all eleven", "TPE"): [0.8] * 5, ("few", "TPE"): [0.7] * 5})
    assert words.best_space(turned, 20)[0] == "all eleven" and words.enough(turned)[0] == 10


# ----------------------------------------------------------------------------------------------------- tune's defaults


def test_twice_as_many_trials_are_worth_more(study):
    more = defaults.doubled(study, 20, 400, np.random.default_rng(0))
    assert more.shape == (400,) and more.mean() > 0


def test_a_choice_is_judged_by_seeds_that_took_no_part(tmp_path):
    landscape = Landscape(invented.write(tmp_path / "more.npz"))
    best, default = landscape.runs("study", least=50), landscape.runs("default")
    promised, kept = defaults.judged(best, default)
    assert promised > kept.difference - 0.01 and kept.n == 40
    worse = best.of([int(best.final[:, :3].mean(axis=1).argmin())])
    assert defaults.judged(worse, default)[0] < promised


def divided(worth: dict[int, float]) -> Searches:
    """Searches with so much worth for each number of seeds, the same with each sampler."""
    rows = [
        {"question": "seeds", "search": "TPE", "case": str(count), "seed": seed, "worth": level + 0.001 * (seed % 3)}
        for count, level in worth.items()
        for seed in range(30)
    ]
    return Searches(rows)


def test_the_defaults_stand_beside_what_the_records_say(replays):
    rising = [0.5, 0.6, 0.68, 0.71, 0.72]
    long = made({("all eleven", "TPE"): rising, ("all eleven", "random"): [0.5] * 5, ("few", "TPE"): [0.4] * 5})
    searches = divided({1: 0.80, 2: 0.81, 3: 0.81, 5: 0.7, 10: 0.6})
    table = defaults.proposals(replays, long, searches, np.full(100, 1.0))
    said = {row[0]: row[2:] for row in table.rows}
    assert list(said) == ["sampler", "pruner", "seeds a trial", "space", "trials"]
    assert said["sampler"][0] == "tpe" and said["sampler"][1].startswith("after 50 trials in all eleven TPE is ahead")
    assert said["pruner"][0] == "none" and "in the same time and buy +1.0000" in said["pruner"][1]
    assert said["seeds a trial"] == ["2", "with so many TPE chose best; level with it: 3"]
    assert said["trials"][0] == "50" and said["space"][0] == "all eleven"
    never = defaults.proposals(
        replays, made({("all eleven", name): [0.1] * 5 for name in ("TPE", "random")}), searches, np.full(100, 1.0)
    )
    assert never.rows[4][2] == "more"


def test_what_is_best_on_some_items_is_looked_at_on_others(landscape):
    pair = carry.Pair.of(landscape)
    assert len(pair.numbers) == len(pair.first) == 64 and pair.second.shape == (64, 5)
    configs = landscape.configs("study")
    quality = np.array([invented.quality(configs[number]) for number in pair.numbers])
    assert np.allclose(pair.first, quality, atol=4 * invented.NOISE)
    assert np.allclose(pair.worth, quality - 0.1, atol=4 * invented.NOISE), "the second items are harder by 0.1"
    assert pair.correlation > 0.9 and pair.halves > 0.9
    table = carry.best(pair)
    assert [row[2] for row in table.rows[:-1]] == list("12345") and table.rows[-1][0] == "the default"
    assert f"{pair.worth[pair.first.argmax()]:.4f}" in carry.said(pair)[1]
    assert "64 configurations" in carry.figure(pair).text


@given(st.integers(0, 1000))
def test_an_order_that_does_not_carry_over(seed):
    rng = np.random.default_rng(seed)
    second = rng.random(40)
    pair = carry.Pair(np.arange(40), -second, np.repeat(second[:, None], 4, axis=1), (-1.0, 2.0))
    assert pair.correlation == pytest.approx(-1) and pair.halves == pytest.approx(1)
    rows = carry.best(pair).rows
    assert [row[4] for row in rows] == ["40", "39", "38", "37", "36", "1"] and rows[-1][2] == "41"
