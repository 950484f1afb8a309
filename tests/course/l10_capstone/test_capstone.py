"""Lesson 10's task, record, tables and figures, on an invented record in the place of the real one."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import capstone_record

from binpack import __main__
from binpack.agents.evaluation import evaluate, make_streams
from binpack.course.l10_capstone import figures, live, record_capstone, task, words
from binpack.course.l10_capstone.exercises import choose_finalists, gain_kept, holm, plan_budget, rounding_loss
from binpack.files import InputError
from binpack.items.catalogue import read_catalogue
from binpack.search.card import card
from binpack.search.finalists import best_trials
from binpack.search.leaderboard import add, entry_of, read


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return capstone_record.write(tmp_path_factory.mktemp("capstone"))


@pytest.fixture(scope="module")
def record(made):
    return made.record


def test_the_files_fit_the_bin_at_every_cell_that_the_lesson_shows():
    for path in (task.PARCELS, task.LATER):
        for cell in (25, 50, 100):
            assert task.env(path, cell).source().horizon > 0
    parcels, later = (read_catalogue(path, cell="1mm") for path in (task.PARCELS, task.LATER))
    assert "tall" in later.names and "tall" not in parcels.names
    assert task.edges().shape == (parcels.total, 3) and task.edges().max() == 400


def test_the_default_is_in_the_space_and_streams_are_disjoint():
    config = task.study(task.env())
    assert config.default_is_trial_0
    for name, parameter in task.SPACE.parameters.items():
        assert 0 < parameter.place(config.defaults()[name]) < 1
    seeds = {config.train.eval_seed, config.test_seed, task.LATER_SEED}
    assert len(seeds) == 3


def test_a_cell_that_leaves_a_strip_at_the_wall_is_refused():
    with pytest.raises(InputError, match=r"a cell of 45 mm does not divide a bin of 600 x 400 x 400 mm"):
        task.env(cell=45)


def test_the_small_search_takes_own_items_and_an_own_bin(tmp_path, monkeypatch):
    found = []
    monkeypatch.setattr(live, "tune", lambda config, storage, **more: found.append((config, storage)))
    own = tmp_path / "own.csv"
    own.write_text("length,width,height\n20,10,10\n")
    live.search(tmp_path)
    live.search(tmp_path, own, (800, 600, 500))
    (depot, first), (mine, second) = found
    assert (first.name, second.name) == ("small_parcels_600x400x400.journal", "small_own_800x600x500.journal")
    assert depot.train.env == task.env(cell=live.CELL) and mine.train.env.bin_size == (8, 6, 5)
    assert mine.train.env.items == str(own) and mine.n_trials == live.TRIALS and mine.default_is_trial_0
    assert words.cells(rounding_loss.reference, (100,), own, (800, 600, 500)).rows == [
        ["100 mm", "8 x 6 x 5", "96", "0.0%"]
    ]


SOURCE = next(Path(__file__).parents[3].glob("notebooks/source/**/10_capstone.py")).read_text(encoding="utf-8")


def fenced(kind: str, begins: str) -> str:
    """Return the block of the lesson's text that begins so."""
    blocks = re.findall(rf"^# ```{kind}\n(.*?)^# ```$", SOURCE, re.M | re.S)
    return next(text for block in blocks if (text := re.sub(r"^# ?", "", block, flags=re.M)).startswith(begins))


def test_the_command_in_the_text_is_the_recorded_study(tmp_path, monkeypatch):
    found = []

    def caught(config, storage, **more):
        found.append((config, storage))
        raise InputError("enough")

    monkeypatch.setattr("binpack.search.study.tune", caught)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parcels.csv").write_bytes(task.PARCELS.read_bytes())
    (tmp_path / "four.json").write_text(fenced("json", '{"parameters"'))
    words = shlex.split(fenced("text", "python -m binpack tune").replace("\\\n", " "))
    assert __main__.main(words[3:]) == 2
    ((config, storage),) = found
    recorded = task.study(task.env())
    assert storage == "s.journal" and config.space == recorded.space == task.SPACE and config.default_is_trial_0
    assert config.train.env.source().fingerprint == recorded.train.env.source().fingerprint
    for name in ("sampler", "pruner", "n_trials", "seeds", "final_seeds", "test_streams", "test_seed"):
        assert getattr(config, name) == getattr(recorded, name)
    for name in ("ppo", "total_steps", "n_envs", "seed", "eval_streams", "eval_seed"):
        assert getattr(config.train, name) == getattr(recorded.train, name)
    for name in ("bin_size", "visible", "rotation", "support", "reward"):
        assert getattr(config.train.env, name) == getattr(recorded.train.env, name)


def test_the_record_is_small_and_is_what_was_found(made, tmp_path):
    record = made.record
    assert made.path.stat().st_size < 200_000
    assert [row["number"] for row in record.trials] == list(range(12)) and record.trials[0]["default"]
    assert set(record.later) == set(record.finalists.scores) == set(record.curves)
    for name, scores in record.finalists.scores.items():
        assert np.allclose(np.array(scores) - record.later[name], 0.02)
    restored = record.restore(tmp_path / "again.journal")
    assert record.restore(tmp_path / "again.journal") == restored  # a cell may run twice
    kept = [{name: row[name] for name in made.record.trials[0]} for row in restored.rows]
    assert kept == record.trials
    assert best_trials(restored, task.TOP) == record.finalists.trials
    assert str(task.PARCELS.parent) not in made.path.read_text()


def test_how_a_trial_ended_is_restored(record, tmp_path):
    rows = [dict(row) for row in record.trials]
    rows[3] |= {"state": "diverged", "value": None, "error": "the loss is not a number"}
    rows[4] |= {"state": "pruned", "value": None}
    rows[5] |= {"state": "fail", "value": None, "error": "OSError: no"}
    restored = replace(record, trials=rows).restore(tmp_path / "again.journal")
    assert [row["state"] for row in restored.rows[2:7]] == ["complete", "diverged", "pruned", "fail", "complete"]
    assert restored.rows[3]["error"] == "the loss is not a number"


def test_the_stream_that_is_shown_is_the_middle_one_of_the_first_agent():
    config = task.study(task.env(cell=100), 1, 4096, streams=5)
    agents = {"one": "touching_area", "other": "first_fit"}
    found = record_capstone.packed(agents, config)
    streams = make_streams(config.train.env, 5, config.test_seed)
    played = {name: evaluate(agent, streams, config.train.env, seed=0) for name, agent in agents.items()}
    middle = int(np.argsort(played["one"].utilization, kind="stable")[2])
    assert found == {name: each.boxes[middle].tolist() for name, each in played.items()}
    assert (played["one"].utilization < played["one"].utilization[middle]).sum() <= 2


def test_a_killed_recorder_goes_on(tmp_path):
    done = []

    def dies(config, folder, **more):
        if len(done) == 20:
            raise KeyboardInterrupt
        done.append(folder)
        return capstone_record.TRAINER.train(config, folder, **more)

    path, config = tmp_path / "c.json", capstone_record.small(8)
    trainer = record_capstone.Trainer(dies, *list(vars(capstone_record.TRAINER).values())[1:])
    with pytest.raises(KeyboardInterrupt):
        record_capstone.record(tmp_path / "runs", path, config=config, trainer=trainer, progress=False)
    assert not path.exists()
    whole = capstone_record.write(tmp_path, trials=8).record
    assert len(whole.finalists.seeds) == task.FRESH
    fresh = capstone_record.write(tmp_path / "fresh", trials=8).record
    assert fresh.finalists == whole.finalists and fresh.later == whole.later


def test_the_exercise_chooses_whom_the_project_chooses(record):
    found = choose_finalists.reference(record.scores, record.configs, record.config.defaults(), task.TOP)
    assert found == record.finalists.trials
    assert words.chosen(record, found).rows[0][0] == str(found[0])


def test_the_card_and_the_entry_of_the_restored_study(record, tmp_path):
    result = record.restore(tmp_path / "again.journal")
    page = card(tmp_path / "again.journal")
    assert page.lead.startswith(f"Trial {record.finalists.trials[0]}, which tuning chose, against the default: ")
    assert str(task.PARCELS.parent) in page.title + page.foot and str(tmp_path) in page.foot
    page = words.placeless(page, tmp_path)
    for text in (page.html(), words.page(page).text):
        assert str(task.PARCELS.parent) not in text and str(tmp_path) not in text
    shown = words.page(page)
    assert {"Trained anew", "The search", "How it was measured"} <= {row[0] for row in shown.rows} | {
        part.heading for part in page.parts
    }
    # its folder holds no configuration that could be trained
    assert not any("--config" in note for part in page.parts for note in part.notes)
    entry = entry_of(result, "Ann")
    assert entry.items == "parcels.csv" and len(entry.scores) == task.FRESH


def test_an_invented_class_is_as_good_as_what_was_found(record, tmp_path):
    entry = entry_of(record.restore(tmp_path / "again.journal"), "Ann")
    made = words.equals(entry, [str(number) for number in range(400)])
    means = [each.mean for each in made]
    assert np.mean(means) == pytest.approx(entry.mean, abs=0.001) and len(set(means)) == 400
    assert np.mean([each.difference for each in made]) == pytest.approx(entry.difference, abs=0.001)
    for each in (entry, *made[:3]):
        add(tmp_path / "class.jsonl", each)
    assert [row[0] for row in words.board(read(tmp_path / "class.jsonl")).rows] == ["1", "2", "3", "4"]


def test_p_values_are_those_of_scipy():
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(4, 5)), rng.normal(size=5)
    assert words.p_values(first, second) == pytest.approx([ttest_rel(each, second).pvalue for each in first])
    assert words.p_values(np.ones((1, 5)), np.ones(5)) == [1.0]


def test_a_level_of_each_makes_more_false_alarms_than_holm():
    bare, corrected = (float(row[1].rstrip("%")) for row in words.false_alarms(holm.reference, 1500).rows)
    assert bare > 8 and corrected < 6.5


def test_a_verdict_alone_and_its_p_value_agree(record):
    for row in words.judged(record, lambda values: values <= 0.05).rows:
        assert (row[3] in ("ahead", "behind")) == (row[5] == "counts")


def test_every_word_of_the_verdict_is_shown():
    text = words.words_of_a_verdict().text
    assert all(f": {word}" in text for word in ("ahead", "behind", "not separable", "too few to tell"))


def test_tables_and_figures_are_made(record):
    assert words.cells(rounding_loss.reference, (25, 50, 100)).rows[1][1] == "12 x 8 x 8"
    assert [row[0] for row in words.budgets(plan_budget.reference, 1.0).rows][:2] == ["1 h"] * 2
    assert [row[2] for row in words.budgets(plan_budget.reference, 5.0).rows] == ["0", "0", "22", "11", "152", "76",
                                                                                 "498", "249"]  # fmt: skip
    assert len(words.space().rows) == len(task.SPACE)
    assert len(words.trials(record.trials).rows) == 12
    assert "best: trial" in words.searched(record)
    tuned, default = words.promised(record)
    arms = words.arms(record)
    share = gain_kept.reference(tuned, default, *(np.array(arms[name]) for name in [*list(arms)[:1], "default"]))
    assert words.kept_of(share, tuned, default).startswith("promised: +")
    assert words.kept_of(0.0, 0.5, 0.6) == "the search promised no gain: 0.5000 beside 0.6000"
    assert {"heuristic", "trained anew"} <= {row[1] for row in words.beside(record).rows}
    assert words.ahead_of_rules(record).count("seeds: ") == 2
    for later in (False, True):
        assert figures.finals(record, later=later).text
    for draw in (figures.history, figures.curves, figures.packings):
        assert draw(record).text
    assert figures.losses(rounding_loss.reference, range(10, 101, 5)).text.startswith("10 mm")
