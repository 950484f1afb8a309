"""The recorded study of lesson 08: whole, made by its script, and read without mistakes."""

import numpy as np
import pytest

from binpack.agents.config import TrainConfig
from binpack.core.statistics import verdict
from binpack.course.l08_optuna import recorded as lesson
from binpack.course.l08_optuna import study_random
from binpack.search.config import TuneConfig
from binpack.search.report import trials_table


@pytest.fixture(scope="module")
def recorded():
    return lesson.recorded_study()


def test_the_recorded_study_keeps_the_rules_for_results(recorded):
    about, config = recorded.user_attrs["about"], TuneConfig(**recorded.user_attrs["binpack"]["config"])
    assert {"command", "date", "machine", "python", "optuna", "torch"} <= about.keys()
    assert config.sampler.kind == "random" and config.pruner.kind == "none"
    assert len(lesson.drawn_trials(recorded)) >= 50 and config.seeds >= 3
    comparison = lesson.recorded_comparison(recorded)
    assert len(comparison.best) == len(comparison.default) == config.final_seeds >= 10
    assert comparison.number == recorded.best_trial.number
    assert not set(config.plan().tuning) & set(comparison.seeds)
    assert lesson.RECORD.stat().st_size < 300_000


def test_the_recorded_comparison_is_judged_by_its_scores(recorded):
    comparison, stored = lesson.recorded_comparison(recorded), recorded.user_attrs["comparison"]
    assert comparison.verdict == verdict(comparison.best, comparison.default) and comparison.verdict.word == "ahead"
    # the file says the same to whoever reads it without the package
    assert stored["verdict"] == "ahead" and stored["separable"] is True
    assert stored["difference_interval"] == pytest.approx(comparison.difference_interval)


def test_every_recorded_trial_is_whole(recorded):
    rows = trials_table(recorded)
    assert [row["number"] for row in rows] == list(range(120))
    assert [row["number"] for row in rows if row["default"]] == [0]
    for row, trial in zip(rows, recorded.trials, strict=True):
        assert row["value"] == pytest.approx(np.mean(row["scores"])) and len(row["scores"]) == 3
        assert max(trial.intermediate_values) == 3 * 5120
        assert trial.intermediate_values[3 * 5120] == pytest.approx(row["value"], abs=1e-6)


def test_the_recorded_study_can_be_recorded_again_with_its_script(recorded):
    space = recorded.user_attrs["binpack"]["config"]["space"]
    assert study_random.CONFIG.model_dump(mode="json")["space"] == space
    assert study_random.FILE == lesson.RECORD
    command = recorded.user_attrs["about"]["command"]
    assert command.startswith("python -m binpack.course.l08_optuna.study_random ")


def test_nothing_is_saved_without_a_pruner(recorded):
    ends = [max(trial.intermediate_values) for trial in recorded.trials]
    saving = lesson.saving(recorded, ends)
    assert (saving.taken, saving.complete, saving.rank) == (1.0, 120, 1)
    half = lesson.saving(recorded, [ends[0], *(end // 2 for end in ends[1:])])
    assert half.complete == 1 and half.best == recorded.trials[0].value and half.taken < 0.51


def test_gradient_steps_count_partial_minibatches():
    config = TrainConfig(total_steps=200, n_envs=4, ppo={"n_steps": 25, "batch_size": 64, "n_epochs": 3})
    assert lesson.gradient_steps(config) == 2 * 2 * 3
