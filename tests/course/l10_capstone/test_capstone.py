"""Lesson 10's task, record, tables and figures, on an invented record in the place of the real one."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import capstone_record

from binpack.course.l10_capstone import figures, record_capstone, task, words
from binpack.course.l10_capstone.exercises import choose_finalists, gain_kept, holm, plan_budget, rounding_loss
from binpack.items.catalogue import read_catalogue
from binpack.search.card import card
from binpack.search.finalists import best_trials
from binpack.search.leaderboard import entry_of


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
    config = task.study()
    assert config.default_is_trial_0
    seeds = {config.train.eval_seed, config.test_seed, task.LATER_SEED}
    assert len(seeds) == 3


def test_the_record_is_small_and_is_what_was_found(made, tmp_path):
    record = made.record
    assert made.path.stat().st_size < 200_000
    assert [row["number"] for row in record.trials] == list(range(12)) and record.trials[0]["default"]
    assert set(record.later) == set(record.finalists.scores) == set(record.curves)
    for name, scores in record.finalists.scores.items():
        assert np.allclose(np.array(scores) - record.later[name], 0.02)
    restored = record.restore(tmp_path / "again.journal")
    kept = [{name: row[name] for name in made.record.trials[0]} for row in restored.rows]
    assert kept == record.trials
    assert best_trials(restored, task.TOP) == record.finalists.trials


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
    shown = words.page(page)
    assert {"Trained anew", "The search", "How it was measured"} <= {row[0] for row in shown.rows} | {
        part.heading for part in page.parts
    }
    assert str(tmp_path) not in shown.text
    entry = entry_of(result, "Ann")
    assert entry.items == "parcels.csv" and len(entry.scores) == task.FRESH


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
    assert [row[0] for row in words.budgets(plan_budget.reference, 1.0).rows][:3] == ["1 h"] * 3
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
