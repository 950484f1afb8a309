"""Two measures of importance: they find what matters, and chance gets its share."""

import numpy as np
import optuna
import pytest

from binpack.course.l08_optuna import importance as lesson
from binpack.course.l08_optuna.recorded import drawn_trials, recorded_study


def test_main_effects_find_what_matters_and_give_chance_to_the_rest():
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(trial):
        x, kind = trial.suggest_float("x", 0, 1), trial.suggest_categorical("kind", ["a", "b"])
        trial.suggest_int("idle", 1, 10)
        return 2 * x + (kind == "b")

    study.optimize(objective, n_trials=200)
    rows = {row.name: row for row in lesson.importances(study, permutations=50)}
    assert list(rows) == ["x", "kind", "idle"]
    assert rows["x"].fanova == pytest.approx(
        0.57 * 15 / 16, abs=0.1
    )  # variances 1/3 and 1/4; quarters lose 1/16 of x's
    assert rows["idle"].fanova < rows["idle"].fanova_chance < 0.1 < rows["kind"].fanova
    assert rows["idle"].ped < rows["idle"].ped_chance and rows["x"].ped > rows["x"].ped_chance


def test_groups_keep_equal_values_together():
    values = np.random.default_rng(0).integers(1, 9, 120)
    labels = lesson._groups(values.tolist(), 4)
    assert set(labels) == {0, 1, 2, 3}
    assert all(len(set(labels[values == value])) == 1 for value in range(1, 9))
    order = np.argsort(values, kind="stable")
    assert (np.diff(labels[order]) >= 0).all()
    assert np.bincount(lesson._groups(list(range(100)), 4)).tolist() == [25, 25, 25, 25]
    assert len(set(lesson._groups([5] * 90 + list(range(10)), 4))) > 1


@pytest.mark.parametrize("method", [lesson.ped_anova, lesson.main_effects])
def test_all_of_a_study_agrees_with_itself(method):
    study = recorded_study()
    count = len(drawn_trials(study))
    assert lesson.same_winner(study, [count], method, repeats=1) == {count: 1.0}
