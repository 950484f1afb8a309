"""Lesson 09's toy under the train action: a job that ends, and one that is killed and goes on."""

from __future__ import annotations

import pytest

from binpack.course.l09_scaling_out import jobs, toy
from binpack.search._model import SearchError
from binpack.search.action.conduct import perform
from binpack.search.action.job import parse_job
from binpack.search.action.run import Run


class Silent:
    """A channel that nobody listens at."""

    def event(self, event):
        """Do nothing."""

    def report(self, metrics):
        """Never stop a trial."""
        return False


def test_the_toy_goes_on_from_its_checkpoint(tmp_path):
    run = Run(tmp_path, "a", "score", Silent())
    values = {"learning_rate": 0.003, "n_epochs": 4, "pause": 0.0}
    (tmp_path / "two").write_text("2")
    got = toy.train(run, "random", values, str(tmp_path / "two"), num_cpus=1)
    assert (tmp_path / toy.MADE).read_text().split() == ["3", "4", "5"]
    assert got == {"score": toy.value(0.003, 4, 5)} and run.checkpoint_output.is_file()
    assert [report.metrics["step"] for report in run.reports] == [3, 4, 5]


def test_the_toy_is_best_at_a_learning_rate_of_three_thousandths():
    ends = {rate: toy.value(rate, 4, 5) for rate in (1e-4, 1e-3, 3e-3, 1e-2, 1e-1)}
    assert max(ends, key=ends.get) == 3e-3
    assert toy.value(3e-3, 8, 1) > toy.value(3e-3, 1, 1) and toy.value(3e-3, 8, 0) == 0


def test_a_job_ends_with_a_model_for_each_trial(tmp_path):
    result = perform(jobs.counting(trials=4, pause=0.0), tmp_path / "out")
    rows = jobs.outcome(result).rows
    assert len(rows) == 4 and [row[-1] for row in rows] == ["best", "", "", ""]
    assert float(rows[0][4]) == max(float(row[4]) for row in rows)
    assert jobs.state(tmp_path, "now") == ["now", "4", "0", "0", str(4 * toy.STEPS)]


def test_a_job_that_is_killed_goes_on(tmp_path):
    job = jobs.counting(trials=4, pause=0.1)
    assert jobs.kill(jobs.begin(job, tmp_path), tmp_path, ended=1, step=2) == -9
    before = jobs.state(tmp_path, "killed")
    assert before[1] == "1" and before[2] == "1"
    assert jobs.begin(job, tmp_path).wait() == 0
    after = jobs.state(tmp_path, "in the end")
    assert after[1:4] == ["4", "0", "0"] and 20 <= int(after[4]) <= 21
    assert jobs.table(before, after).rows == [before, after]


def test_a_job_that_cannot_run_says_why(tmp_path):
    job = jobs.counting(trials=1, pause=0.0)
    job["params"]["entrypoint"] = "nowhere"
    with pytest.raises(SearchError, match="the job did not come so far: .*nowhere"):
        jobs.kill(jobs.begin(job, tmp_path), tmp_path, ended=1, step=1)


@pytest.mark.parametrize(("scheduler", "trials"), [("asha", 4), ("pbt", jobs.POPULATION)])
def test_a_job_is_the_same_on_ray_but_for_its_engine_and_scheduler(scheduler, trials):
    job = jobs.counting(trials=4, pause=0.0, workers=2)
    job["params"]["tune_config"]["search_alg"] = "optunasearch"
    parsed, before = parse_job(jobs.on_ray(job, scheduler))[0].params, parse_job(job)[0].params
    assert (parsed.engine, parsed.num_cpus, parsed.tuning.scheduler.name) == ("ray", 1, scheduler)
    assert parsed.tuning.num_samples == trials and before.engine == "local" and before.tuning.num_samples == 4
    assert (parsed.fixed, parsed.varied) == (before.fixed, before.varied)
    assert parsed.tuning.max_concurrent_trials == 2


def test_jobs_are_compared_by_what_became_of_their_trials():
    def ended(reports, score, lineage=()):
        return {"metrics": {"training_iteration": reports, "score": score}, "lineage": list(lineage)}

    halved = {"trial_models": [ended(5, 0.8), ended(1, 0.2)], "best_trial": ended(5, 0.8)}
    population = {"trial_models": [ended(5, 0.9), ended(5, 0.7, ["a", "b"])], "best_trial": ended(5, 0.9)}
    table = jobs.engines({("processes", "asha"): halved, ("Ray", "pbt"): population})
    assert table.rows == [["processes", "asha", "2", "1", "0", "0.8000"], ["Ray", "pbt", "2", "2", "2", "0.9000"]]
    assert len(table.head) == 6


def test_every_fault_of_a_job_is_named():
    job = jobs.counting(trials=1, pause=0.0)
    assert jobs.faults(job) == []
    job["params"]["tune_config"] |= {"metric": "", "scheduler": "hyper"}
    found = jobs.faults(job)
    assert len(found) == 2 and all("params.tune_config" in line for line in found)
