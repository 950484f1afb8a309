"""Jobs: what is read, what is refused and in which words, all at once."""

from __future__ import annotations

import json

import jsonschema
import pytest

from binpack.files import FileError
from binpack.search.action.distributions import KINDS
from binpack.search.action.faults import JobError
from binpack.search.action.job import parse_job, read_job
from binpack.search.action.schedulers import SCHEDULERS
from binpack.search.action.schema import PUBLISHED, schema
from binpack.search.action.support import SUPPORT, support_table

TRAIN = {"action": "train", "params": {"name": "cubes", "dataset": "random:1-2", "hyperparameter": {"gamma": 0.99}}}
FIELDS = {
    "uniform": {"min": 0, "max": 1},
    "quniform": {"min": 0, "max": 1, "q": 0.1},
    "loguniform": {"min": 1, "max": 9, "base": 10},
    "qloguniform": {"min": 1, "max": 9, "base": 10, "q": 0.5},
    "randn": {"mean": 0, "sd": 1},
    "qrandn": {"mean": 0, "sd": 1, "q": 0.1},
    "randint": {"min": 0, "max": 9},
    "qrandint": {"min": 0, "max": 9, "q": 2},
    "lograndint": {"min": 1, "max": 9, "base": 10},
    "qlograndint": {"min": 1, "max": 9, "base": 10, "q": 2},
    "choice": {"options": [1, 2]},
    "grid_search": {"options": [1, 2]},
}
"""An example of each of the twelve."""


def tuning(*hyperparameters, **settings):
    """Return a job that tunes."""
    varied = list(hyperparameters) or [{"name": "gamma", "type": "uniform", "min": 0.9, "max": 1}]
    config = {"mode": "max", "metric": "score", **settings}
    params = {"name": "cubes", "dataset": "random", "is_tune": True, "hyperparameters": varied, "tune_config": config}
    return {"action": "train", "params": params}


def changed(job, **params):
    """Return a job with other params; None takes one away."""
    kept = {**job["params"], **params}
    return {**job, "params": {name: value for name, value in kept.items() if value is not None}}


def faults(job):
    """Return what is wrong with a job, place to words; nothing where it is right."""
    try:
        parse_job(job)
    except JobError as error:
        assert str(error) == "; ".join(map(str, error.faults))
        return {fault.place: fault.what for fault in error.faults}
    return {}


def test_a_training_job_has_its_defaults():
    job, notices = parse_job(TRAIN)
    assert notices == []
    assert (job.params.is_tune, job.params.num_cpus, job.params.num_gpus, job.params.engine) == (False, 1, 0, "local")
    assert job.params.fixed == {"gamma": 0.99}


def test_a_tuning_job_names_its_search_and_scheduler_shortly_or_at_length():
    short, _ = parse_job(tuning(search_alg="optunasearch", scheduler="asha"))
    long, _ = parse_job(tuning(search_alg={"name": "optunasearch"}, scheduler={"name": "asha", "options": {}}))
    assert short == long
    assert short.params.tuning.scheduler.options.model_dump() == {
        "time_attr": "training_iteration",
        "max_t": 100,
        "grace_period": 1,
        "reduction_factor": 4,
    }
    assert parse_job(tuning())[0].params.tuning.search_alg.name == "basicvariantgenerator"


def test_the_retired_form_is_understood_and_the_new_one_shown():
    job = tuning()
    old = changed({**job, "action": "tune"}, is_tune=None)
    read, (notice,) = parse_job(old)
    assert read == parse_job(job)[0]
    said, _, shown = notice.partition(" is now written ")
    assert said == 'deprecated: the action "tune" is retired; the same job'
    assert parse_job(json.loads(shown))[0] == read and json.loads(shown)["params"]["is_tune"] is True


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (
            changed(TRAIN, hyperparameter=None),
            {"params.hyperparameter": "hyperparameter is required when is_tune is false"},
        ),
        (
            changed(tuning(), hyperparameters=None, tune_config=None),
            {
                "params.hyperparameters": "hyperparameters is required when is_tune is true",
                "params.tune_config": "tune_config is required when is_tune is true",
            },
        ),
        (
            changed(TRAIN, tune_config=tuning()["params"]["tune_config"]),
            {"params.tune_config": "tune_config is for tuning, and is_tune is false"},
        ),
        (
            changed(TRAIN, name=None, dataset=None),
            {"params.name": "name is required", "params.dataset": "dataset is required"},
        ),
        (
            {"action": "train"},
            {
                "params": "params is required",
                "params.hyperparameter": "hyperparameter is required when is_tune is false",
            },
        ),
        ({**TRAIN, "action": "fit"}, {"action": "expected 'train', got 'fit'"}),
        (
            changed(TRAIN, dataset=True),
            {"params.dataset": "expected an item source or its number in the registry, got True"},
        ),
        (changed(TRAIN, colour="red"), {"params.colour": "there is no such field"}),
        (changed(TRAIN, num_cpus="2"), {"params.num_cpus": "expected a number, got '2'"}),
        (changed(tuning(), is_tune="true"), {"params.is_tune": "expected a boolean, got 'true'"}),
        (changed(tuning(), hyperparameters=[]), {"params.hyperparameters": "at least one hyperparameter is needed"}),
        (
            tuning(scheduler="sooner"),
            {"params.tune_config.scheduler": "'sooner' is not one of 'fifo', 'hyperband', 'asha', 'pbt', 'median'"},
        ),
        (tuning(scheduler={"options": {}}), {"params.tune_config.scheduler": "name is required"}),
        (
            tuning(scheduler={"name": "asha", "options": {"max_t": 3, "grace_period": 4, "patience": 1}}),
            {
                "params.tune_config.scheduler.options.grace_period": "4 is above max_t, 3",
                "params.tune_config.scheduler.options.patience": "there is no such field",
            },
        ),
        (
            tuning(search_alg="tpe"),
            {
                "params.tune_config.search_alg.name": "expected 'basicvariantgenerator', 'bayesoptsearch', "
                "'hyperoptsearch', 'optunasearch' or 'axsearch', got 'tpe'"
            },
        ),
        (
            tuning(mode="most", num_samples=0),
            {
                "params.tune_config.mode": "expected 'max' or 'min', got 'most'",
                "params.tune_config.num_samples": "expected greater than or equal to 1, got 0",
            },
        ),
        (
            tuning({"name": "a", "type": "normal"}),
            {"params.hyperparameters[0]": "'normal' is not one of " + ", ".join(f"'{kind}'" for kind in KINDS)},
        ),
        (tuning({"name": "a"}), {"params.hyperparameters[0]": "type is required"}),
        ([], {"": "a job is a JSON object, not list"}),
    ],
)
def test_what_is_missing_or_wrong_is_said_with_its_place(job, expected):
    assert faults(job) == expected


def test_every_fault_is_said_at_once():
    job = tuning(
        {"name": "a", "type": "uniform", "min": 1, "max": 0},
        {"name": "a", "type": "loguniform", "min": 0, "max": 1},
        {"name": "b", "type": "randn", "mean": 0, "sd": 1},
        search_alg="optunasearch",
        metric="",
    )
    job["params"] |= {"name": "", "hyperparameter": {"b": 1}}
    assert faults(job) == {
        "params.name": "expected text that is not empty, got ''",
        "params.hyperparameters[0].max": "0 is not above min, 1",
        "params.hyperparameters[1].min": "expected greater than 0, got 0",
        "params.hyperparameters[1].base": "base is required",
        "params.tune_config.metric": "expected text that is not empty, got ''",
        "params.hyperparameters[1].name": "'a' is there twice",
        "params.hyperparameters[2].name": "'b' is in hyperparameter as well, where it is fixed",
        "params.hyperparameters[2].type": "optunasearch cannot sample randn; it samples uniform, quniform, loguniform, "
        "randint, qrandint, lograndint, choice (randn: basicvariantgenerator, hyperoptsearch)",
    }


def test_the_name_of_a_distribution_may_be_a_hyperparameters_name():
    job = tuning({"name": "uniform", "type": "uniform", "min": 1, "max": 0})
    assert faults(job) == {"params.hyperparameters[0].max": "0 is not above min, 1"}


@pytest.mark.parametrize("search", SUPPORT)
@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_of_the_support_matrix(search, kind):
    found = faults(tuning({"name": "x", "type": kind, **FIELDS[kind]}, search_alg=search))
    if kind in SUPPORT[search]:
        assert found == {}
    else:
        assert list(found) == ["params.hyperparameters[0].type"]
        assert found["params.hyperparameters[0].type"].startswith(f"{search} cannot sample {kind}; it samples uniform")


def test_the_matrix_is_a_table_of_its_cells():
    head, _, *rows = support_table().splitlines()
    columns = [cell.strip() for cell in head.strip("|").split("|")][1:]
    read = {search: set() for search in columns}
    for row in rows:
        kind, *cells = [cell.strip() for cell in row.strip("|").split("|")]
        for search, cell in zip(columns, cells, strict=True):
            if cell == "yes":
                read[search].add(kind.strip("`"))
    assert read == SUPPORT


def test_points_to_evaluate_are_looked_at():
    points = [{"gamma": 0.95}, {"gamma": 2}, {"warmth": 1}]
    where = "params.tune_config.search_alg.points_to_evaluate"
    assert faults(tuning(num_samples=2, search_alg={"name": "optunasearch", "points_to_evaluate": points})) == {
        where: "3 points are more than num_samples, 2",
        f"{where}[1].gamma": "2 is no value of uniform with min 0.9, max 1.0",
        f"{where}[2].warmth": "no hyperparameter is called so; there is gamma",
    }


def test_checks_of_others_stand_beside_the_jobs_own():
    def check(draft):
        from binpack.search.action.faults import Fault

        assert draft.varied[1].max == 3 and 0 not in draft.varied
        assert draft.choice("scheduler", "fifo") == "asha" and draft.text("engine", "local") == "local"
        yield Fault("params.engine", "there is none")

    job = tuning({"name": "a"}, {"name": "b", "type": "uniform", "min": 0, "max": 3}, scheduler="asha")
    with pytest.raises(JobError) as refused:
        parse_job(job, [check])
    assert [fault.place for fault in refused.value.faults] == ["params.hyperparameters[0]", "params.engine"]


def test_a_job_is_read_from_a_file(tmp_path):
    path = tmp_path / "job.json"
    path.write_text(json.dumps(TRAIN))
    assert read_job(path) == parse_job(TRAIN)
    path.write_text("{")
    with pytest.raises(FileError, match="not a job"):
        read_job(path)


def test_the_published_schema_is_the_models():
    assert json.loads(PUBLISHED.read_text()) == schema()
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize(
    ("job", "right"),
    [
        (TRAIN, True),
        (tuning(), True),
        (tuning(search_alg="optunasearch", scheduler={"name": "asha", "options": {"max_t": 5}}), True),
        (tuning(*({"name": kind, "type": kind, **FIELDS[kind]} for kind in KINDS)), True),
        (changed(TRAIN, hyperparameter=None), False),
        (changed(tuning(), tune_config=None), False),
        (changed(tuning(), hyperparameters=[]), False),
        (changed(TRAIN, dataset=""), False),
        (changed(TRAIN, dataset=7), True),
        (tuning(scheduler="sooner"), False),
        (tuning({"name": "a", "type": "uniform", "min": 0}), False),
    ],
)
def test_the_schema_says_what_the_reader_says(job, right):
    assert jsonschema.Draft202012Validator(schema()).is_valid(job) == right == (faults(job) == {})


@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_scheduler_can_be_named(name):
    assert faults(tuning(scheduler=name)) == {}
