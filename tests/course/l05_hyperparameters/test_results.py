"""What is read from the record of lesson 05's sweeps."""

import numpy as np
import pytest
from invented_sweeps import invented

from binpack.course.l05_hyperparameters import results, sweeps
from binpack.course.l05_hyperparameters.results import Runs, Sweeps, change_of, values_of, written
from binpack.files import InputError


@pytest.fixture(scope="module")
def record() -> Sweeps:
    """Six seeds of invented scores."""
    return Sweeps(invented())


def runs(scores, steps=None, **said):
    scores = np.atleast_2d(np.array(scores, float))
    steps = np.arange(1, scores.shape[1] + 1) * 2048 if steps is None else np.array(steps)
    return Runs(
        steps, scores, {name: np.array(rows, float) for name, rows in said.items()}, np.zeros(len(scores), bool)
    )


def test_the_numbers_of_a_run():
    some = runs([[0.2, 0.4, 0.6, 0.5, 0.7, 0.8, 0.6, 0.6], [0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.9]])
    assert some.final.tolist() == [0.6, 0.9]
    assert np.allclose(some.early, [(0.2 + 0.4 + 0.6 + 0.5 + 0.7) / 5, 0.18])
    # the second half: 0.5, 0.7, 0.8, 0.6, 0.6 loses 0.2 once in four steps
    assert np.allclose(some.setbacks, [0.2 / 4, 0.0])
    assert np.allclose(some.deviation, [0.15, 0.15])


def test_there_is_no_beginning_where_the_first_rollout_is_longer():
    assert np.isnan(runs([[0.5, 0.6]], steps=[16_384, 32_768]).early).all()


def test_a_mean_leaves_out_what_was_not_said():
    some = runs([[0, 0], [0, 0], [0, 0]], approx_kl=[[1, 3], [2, np.nan], [np.nan, np.nan]])
    assert np.array_equal(some.mean_of("approx_kl"), [2, 2, np.nan], equal_nan=True)


def test_a_run_that_diverged_counts_with_the_score_it_had():
    made = invented(seeds=4)
    lost = next(row for row in made["runs"] if row["change"] == {"learning_rate": 0.1} and row["seed"] == 1)
    at_once = next(row for row in made["runs"] if row["change"] == {"learning_rate": 0.1} and row["seed"] == 2)
    for row, kept in ((lost, 3), (at_once, 0)):
        for name, values in row.items():
            row[name] = values[:kept] if isinstance(values, list) else values
        row["diverged"], row["seconds"] = True, None
    read = Sweeps(made).runs({"learning_rate": 0.1})
    assert read.scores.shape == (4, 20) and read.diverged.tolist() == [False, True, True, False]
    assert read.final[1] == lost["utilization"][-1] and read.final[2] == 0
    assert np.isnan(read.diagnostics["approx_kl"][1, 3:]).all() and np.isnan(read.mean_of("approx_kl")[2])


def test_a_seed_counts_where_every_setting_was_run_with_it():
    gap = ({"gamma": 0.5}, 2)
    read = Sweeps(invented(seeds=5, without=(gap,)))
    assert read.seeds == (0, 1, 3, 4) and len(read) == 4 * len(list(sweeps.changes()))


def test_under_three_seeds_there_is_one_line():
    with pytest.raises(
        InputError, match="holds 2 seeds that every setting was run with, and the lesson needs 3"
    ) as told:
        Sweeps(invented(seeds=2))
    assert "\n" not in str(told.value)


def test_settings_are_found_by_what_they_change(record):
    assert record.runs({"gamma": 0.99, "n_epochs": 10}) is record.default
    assert record.runs({"n_epochs": 4, "learning_rate": 1e-3}) is record.runs({"learning_rate": 1e-3, "n_epochs": 4})
    with pytest.raises(InputError, match=r"no runs with \{'gamma': 0.123\}"):
        record.runs({"gamma": 0.123})


@pytest.mark.parametrize("name", results.KNOBS)
def test_every_value_of_a_sweep_has_its_runs(record, name):
    found = record.knob(name)
    assert tuple(found) == values_of(name) and record.finals(name).shape == (len(found), 6)
    assert sum(each is record.default for each in found.values()) == 1


def test_environments_share_one_rollout():
    assert [change_of("n_envs", count) for count in (1, 32, 256)] == [
        {"n_envs": 1, "n_steps": 2048},
        {},
        {"n_envs": 256, "n_steps": 8},
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-5, "0.00001"), (0.5, "0.5"), (1.0, "1"), (2048, "2,048"), (True, "on"), (False, "off"), (1e6, "no limit")],
)
def test_values_are_written_as_people_write_them(value, text):
    assert written(value) == text


# ------------------------------------------------------------------------------------------------------- the record


def test_the_record_is_whole():
    read = results.load()
    assert len(read.seeds) == len(sweeps.SEEDS), "record_sweeps has not come to its end"
    for change in read.changes:
        some = read.runs(change)
        assert ((some.scores >= 0) & (some.scores <= 1)).all() and (np.diff(some.steps) > 0).all()
        assert len(some.steps) >= 15 or some.steps[0] > 4000  # large rollouts have few ends


def test_the_record_is_small():
    assert results.FILE.stat().st_size < 1_650_000
