"""Lesson 07's comparison and pictures, on an invented study in the place of the recorded one."""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "search" / "landscape"))
import invented

from binpack import plots
from binpack.course.l07_tpe import agreement, exercises, figures, live, process, race, sentences, stand_in, tpe
from binpack.course.l07_tpe.line import Line, rate
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Kernel, Surrogate, table_of
from binpack.search.landscape.table import Landscape

LENGTHS = tuple({"learning_rate": 0.7, "n_epochs": 1.5}.get(name, 20.0) for name in task.SPACE.names)
KERNELS = (Kernel(LENGTHS, 3.0, 0.001), Kernel((5.0,) * 11, 0.2, 0.8))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = invented.write(tmp_path_factory.mktemp("study") / "study.npz", more=False)
    return Surrogate(table_of(Landscape(path)), KERNELS)


@pytest.fixture(scope="module")
def line(model):
    return Line.of(model)


@pytest.fixture(scope="module")
def recorded(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("race") / "race.json"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(race, "recorded_model", lambda: model)
        wanted = race.jobs(dict.fromkeys(race.REPEATS, 2), trials=12, block=2)
        race.RECORDER.record(path, wanted[:4], processes=1, progress=False)
        done = json.loads(path.read_text())["runs"]
        race.RECORDER.record(path, wanted, processes=1, progress=False)
    assert json.loads(path.read_text())["runs"][:4] == done, "what was there is kept"
    return race.Race.load(path)


# ---------------------------------------------------------------------------------------------------------- the record


def test_every_search_is_recorded_and_read_back(recorded, model):
    assert set(recorded.found) == set(race.REPEATS) and recorded.trials == 12
    for name in race.REPEATS:
        curves = recorded.curves(name)
        assert curves.shape == (2, 12) and np.isfinite(curves).all()
        assert all(took[0] == 0 and len(took) == len(worth) for took, worth in recorded.found[name])
        assert not np.array_equal(curves[0], curves[1])
    default = model.means(np.array([task.SPACE.place(task.DEFAULT)]))
    assert recorded.default == pytest.approx(default[0], abs=1e-4)


def test_curves_follow_the_leaders():
    found = {"one": [([0, 2, 3], [0.5, 0.7, 0.6]), ([0], [0.4])]}
    made = race.Race(5, 0.5, found)
    assert made.curves("one").tolist() == [[0.5, 0.5, 0.7, 0.6, 0.6], [0.4] * 5]
    assert made.led_by_start("one", 3, 3) == 1.0 and made.led_by_start("one", 3, 5) == 0.5
    changes = race._changes(np.array([0.2, 0.1, 0.3, 0.3]), np.array([5.0, 6.0, 7.0, 8.0]))
    assert changes == ([0, 2], [5.0, 7.0])


def test_the_jobs_are_as_many_as_was_declared():
    jobs = race.jobs()
    for name, repeats in race.REPEATS.items():
        assert sum(job.key["searches"] for job in jobs if job.key["search"] == name) == repeats
    assert len({json.dumps(job.key, sort_keys=True) for job in jobs}) == len(jobs)
    assert sum(job.key["searches"] for job in jobs if job.key["search"] == "random") == 1000


def test_a_grid_ends_with_its_last_cell(model):
    scores, worth = race.side_by_side(model, "grid", 200, 2, np.random.default_rng(0))
    assert scores.shape == worth.shape == (2, 108)
    took, values = race._changes(scores[0], worth[0])
    assert race.Race(200, 0.5, {"grid": [(took, values)]}).curves("grid").shape == (1, 200)


# ------------------------------------------------------------------------------------------------------------ sentences


def invented_race():
    """Searches whose order is known: good beats random from the start."""
    rng = np.random.default_rng(0)

    def made(low, count=40):
        rows = []
        for _ in range(count):
            took = [0, 8, 30, 90]
            rows.append((took, (low + np.array([0.0, 0.1, 0.12, 0.13]) + rng.normal(0, 0.005, 4)).tolist()))
        return rows

    names = ("random", "TPE", "joint TPE", "Sobol", *sentences.TWINS.values())
    lows = {"random": 0.6, "Sobol": 0.6, "Optuna's QMC": 0.6, "joint TPE": 0.7, "Optuna's joint TPE": 0.7}
    return race.Race(200, 0.72, {name: made(lows.get(name, 0.65)) for name in names})


def test_sentences_say_what_the_record_holds():
    made, names = invented_race(), ("random", "TPE", "joint TPE")
    table = sentences.worths(made, names)
    assert [row[0] for row in table.rows] == list(names) and table.rows[0][1] == "40"
    assert "0.7200" in table.caption
    chances = sentences.chances(made, ("TPE", "joint TPE"))
    assert chances.shape == (2, 4) and (chances > 0.95).all()
    said = sentences.conclusion(made, names, 50)
    assert said.startswith("after 50 trials joint TPE has found most") and "does not get there in 200 trials" in said
    assert [row[1:] for row in sentences.beat_default(made, ("joint TPE",)).rows] == [["100%"] * 4]
    assert sentences.beyond(made, ("joint TPE",), 0.72).rows == sentences.beat_default(made, ("joint TPE",)).rows
    assert sentences.beyond(made, ("random",), 1.0).rows == [["random", *["0%"] * 4]]
    found = {(1, "climb"): (np.array([0.9, 0.8]), np.array([0.7, 0.75]))}
    wanted = ["1", "hilltops", "2", "0.8500", "0.7250", "+0.1250", "0.9000", "0.7500"]
    assert sentences.promises(found).rows == [wanted]
    assert sentences.started(made, names).rows[0][1:] == ["100%", "0%", "0%", "0%"]
    assert "of the rise, 7" in sentences.gained(made, "random")  # 0.10 of 0.13, but for the noise
    assert len(sentences.agree(made).rows) == 3
    assert "two searches of one kind differ by 0.00" in sentences.spread(made, names, 100)


def test_a_random_search_that_wins_is_called_so():
    made = invented_race()
    turned = race.Race(200, 0.72, {"random": made.found["joint TPE"], "TPE": made.found["random"]})
    assert sentences.conclusion(turned, ("random", "TPE"), 50).endswith("better than drawing at random here")


def test_how_far_the_surrogate_is_to_be_trusted(tmp_path):
    errors = {"spearman": 0.93, "rmse": 0.012, "noise": 0.006, "one_seed": 0.021}
    path = tmp_path / "surrogate.json"
    path.write_text(json.dumps({"cross_validated": errors, "fresh": errors}))
    assert sentences.trust(path).rows[0][1:] == ["0.93", "0.0120", "0.0060", "0.0210"]


# --------------------------------------------------------------------------------------------------- one hyperparameter


def test_the_line_is_a_cut_through_the_surrogate(line, model):
    place = np.array(task.SPACE.place(task.DEFAULT))
    edge = task.SPACE.names.index("learning_rate")
    assert line.worth(place[edge]) == pytest.approx(model.means(place)[0], abs=1e-3)
    drawn = line(np.full(4000, 0.5), np.random.default_rng(0))
    assert drawn.mean() == pytest.approx(line.worth(np.array(0.5)), abs=0.002)
    assert drawn.std() == pytest.approx(line.noise, rel=0.2)
    assert rate(0.5) == pytest.approx(1e-3)


def test_a_gaussian_process_is_sure_where_it_has_tried(line):
    improvement = exercises.expected_improvement.reference
    steps = process.search(line, improvement, 5, np.random.default_rng(0))
    assert [len(step.places) for step in steps] == [3, 4, 5, 6, 7]
    for before, after in pairwise(steps):
        assert after.places[-1] == before.chosen
        assert before.chosen == line.at[np.argmax(before.improvement)]
        at = int(np.argmin(np.abs(line.at - before.chosen)))
        assert after.model.sd[at] < max(before.model.sd[at], 1.2 * line.noise)
    assert line.worth(steps[-1].places[3:]).mean() > line.means.mean()
    lucky = process.step(line, steps[-1].places, steps[-1].scores, improvement, lucky=True)
    assert lucky.best == steps[-1].scores.max()


def test_the_figures_say_what_they_show(line):
    rng = np.random.default_rng(0)
    steps = process.search(line, exercises.expected_improvement.reference, 2, rng)
    film = plots.film(figures.process_film(line, steps), title="a process")
    assert film.text.startswith("a process: 2 frames") and "4 trials" in film.text
    places, scores = tpe.search(line, 14, exercises.REFERENCE, rng)
    frames = figures.parzen_film(line, places, scores, (10, 14), exercises.REFERENCE, rng)
    assert list(frames) == ["10 trials", "14 trials"] and "of 24 candidates" in frames["14 trials"].text
    made = tpe.mixture(places[:3], exercises.bandwidths.reference)
    assert "3 trials at" in figures.density(places[:3], made, exercises.mixture_density.reference).text
    assert "a single run is off by" in figures.truth(line, places, scores).text
    for figure in frames.values():
        assert len(figure.png()) > 1000


def test_this_lessons_search_beside_optunas(line):
    samples = {
        "this lesson's": agreement.ours(line, exercises.REFERENCE, 16, 12),
        "Optuna's": agreement.optunas(line, 16, 12),
    }
    assert all(sample.where().sum() == pytest.approx(1) for sample in samples.values())
    assert [row[0] for row in agreement.table(samples, line).rows] == list(samples)
    assert "standard error" in agreement.difference(samples, line)
    assert agreement.figure(samples).text.startswith("most trials lie")


def test_a_live_search_begins_with_the_default(monkeypatch):
    monkeypatch.setattr(live.short_runs, "score", lambda values, seed: float(-abs(values["gamma"] - 0.9)))
    table = live.search(6, ["learning_rate", "gamma"])
    assert [row[1] for row in table.rows] == ["the default", *["at random"] * 3, *["by the model"] * 2]
    assert table.rows[0][3] == "leads" and table.rows[0][5] == "0.99"


def test_searches_of_invented_runs_are_set_beside_searches_of_recorded_ones(tmp_path, model):
    runs = Landscape(invented.write(tmp_path / "study.npz", more=False)).runs("study")
    found = stand_in.both(runs, model, 60, 800, np.random.default_rng(0))
    (scores, worth), (other_scores, other_worth) = found["recorded runs"], found["invented runs"]
    assert scores.shape == worth.shape == other_worth.shape == (800, 60) and (np.diff(scores, axis=1) >= 0).all()
    assert worth[:, -1].mean() == pytest.approx(other_worth[:, -1].mean(), abs=0.01)
    assert scores[:, -1].mean() == pytest.approx(other_scores[:, -1].mean(), abs=0.01)
    assert (scores[:, -1] - worth[:, -1]).mean() > invented.NOISE / 4, "the leader was lucky"
    table = stand_in.table(runs, model, np.random.default_rng(0), at=(5, 60), repeats=800)
    assert [row[0] for row in table.rows] == ["by recorded runs", "by invented runs"]
    assert table.rows[0][2].startswith(f"{worth[:, -1].mean():.4f} (")
