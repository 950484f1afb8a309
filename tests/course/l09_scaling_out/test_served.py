"""Lesson 09's job on a real PostgreSQL server, which one of two workers leaves; and what a spot machine is told."""

from __future__ import annotations

from pathlib import Path

import postgres
import pytest

from binpack.cli.notices import Gcp
from binpack.course.l09_scaling_out import jobs, served, toy
from binpack.course.l09_scaling_out.cloud import Cloud
from binpack.search._model import SearchError
from binpack.search.engines.postgres import VARIABLE

ROOT = Path(__file__).resolve().parents[3]
TRIALS = 4


@pytest.fixture(scope="module")
def server():
    with postgres.own_server(ROOT) as made:
        yield made


@pytest.mark.parametrize("kind", [kind for kind, number in served.KINDS.items() if number is not None])
def test_a_trial_of_a_worker_that_leaves_is_taken_over(server, monkeypatch, kind):
    monkeypatch.setenv(VARIABLE, server.url())
    found = served.play(None, kind, TRIALS, pause=0.3)
    assert found.ended == TRIALS
    counted = sorted(bar.trial for bar in found.bars if bar.kind == "counted")
    assert counted == list(range(TRIALS)), "each has one result"
    left = [bar for bar in found.bars if bar.kind == "cut off" and bar.worker == 1]
    later = [bar for bar in found.bars if bar.trial == left[0].trial and bar.start > left[0].start]
    assert [(bar.worker, bar.kind) for bar in later] == [(0, "counted")]
    assert later[0].start - left[0].end == pytest.approx(found.waited)
    if kind == "Ben is killed":  # who renewed its lease a quarter of it before, or at its last report
        assert found.waited > 0.75 * served.LEASE - 0.5
    steps = TRIALS * toy.STEPS
    assert steps <= found.made <= steps + 1, "it goes on from its checkpoint"
    assert postgres.PASSWORD not in str(found.to_dict())


def test_without_a_server_it_is_said_how_to_name_one(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(SearchError, match=f"a PostgreSQL server is needed: .* or {VARIABLE} in the environment"):
        served.play(None, "both stay", 1, 0.0)


def test_a_job_leaves_at_the_clouds_notice_and_goes_on(tmp_path):
    job = jobs.counting(trials=2, pause=0.1)
    with Cloud(takes_back=True) as cloud:
        options = ("--notice", "gcp", "--notice-url", cloud.url, "--when-done", "echo off")
        assert jobs.begin(job, tmp_path, *options).wait() == 75
    assert jobs.said(tmp_path) == [
        "binpack: when all is done or on a notice, this runs: echo off",
        "binpack: gcp gives notice (preempted); stopped; nothing is lost: the same command goes on",
        "binpack: running: echo off",
    ]
    before = jobs.state(tmp_path, "noticed")
    assert 1 <= int(before[4]) < 2 * toy.STEPS
    assert jobs.begin(job, tmp_path).wait() == 0
    assert jobs.state(tmp_path, "in the end")[1:] == ["2", "0", "0", str(2 * toy.STEPS)]


def test_a_cloud_that_takes_nothing_back_says_so():
    with Cloud(takes_back=False) as cloud:
        assert Gcp(cloud.url).ask() is None
