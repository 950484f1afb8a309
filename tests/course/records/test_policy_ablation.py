"""The recorded comparison of policies: it is what the script would record, and its figures show it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from binpack.agents import store as agents
from binpack.agents.policies import build_policy
from binpack.course.records import ablation_figures, policy_ablation
from binpack.course.records.policy_ablation import ARMS, SEEDS, TRY_RATES, TRY_SEED, TRY_STEPS, best_rate, config

RECORD = json.loads(policy_ablation.FILE.read_text())


def test_it_names_its_command_and_machine():
    assert RECORD["about"]["command"] == policy_ablation.COMMAND and RECORD["about"]["machine"]
    assert RECORD["steps"] == policy_ablation.STEPS


def test_every_run_is_whole_and_there_once():
    keys = [(row["arm"], row["seed"], row["learning_rate"]) for row in RECORD["trials"]]
    assert keys == [(arm, TRY_SEED, rate) for arm in ARMS for rate in TRY_RATES]
    keys = [(row["arm"], row["seed"], row["learning_rate"]) for row in RECORD["runs"]]
    assert keys == [(arm, seed, best_rate(RECORD["trials"], arm)) for seed in SEEDS for arm in ARMS]
    for kind, steps in (("trials", TRY_STEPS), ("runs", policy_ablation.STEPS)):
        for row in RECORD[kind]:
            budget = config(row["arm"], row["seed"], row["learning_rate"], steps).budget
            assert row["curve"][-1] == [budget, row["score"]]
            assert [step for step, _ in row["curve"]] == sorted({step for step, _ in row["curve"]})
            assert all(0 < score < 1 for _, score in row["curve"]) and row["seconds"] > 0


@pytest.mark.parametrize("arm", ARMS)
def test_the_recorded_numbers_of_parameters_are_those_of_the_policies(arm):
    run = config(arm, 0, 1e-3)
    policy = build_policy(run)
    counts = {row["parameters"] for row in RECORD["runs"] if row["arm"] == arm}
    assert counts == {sum(value.numel() for value in policy.parameters())}


def test_the_table_on_the_agents_page_holds_the_recorded_figures():
    page = (agents.SHIPPED / "README.md").read_text(encoding="utf-8")
    cells = re.findall(
        r"\| ([\d.]+) % \[([\d.]+), ([\d.]+)\] \|$", page[page.index("## What the policy is made of") :], re.M
    )
    assert len(cells) == len(ARMS)
    for arm, figures in zip(ARMS, cells, strict=True):
        scores = [100 * row["score"] for row in RECORD["runs"] if row["arm"] == arm]
        assert figures == tuple(f"{figure:.1f}" for figure in (np.mean(scores), min(scores), max(scores))), arm


def test_the_figures_show_every_arm():
    for figure in (ablation_figures.ablation_curves(RECORD["runs"]), ablation_figures.ablation_scores(RECORD["runs"])):
        assert all(arm in figure.text for arm in ARMS)


def test_recording_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    arms = {name: {**ARMS[name], "net_arch": (8,)} for name in ("mlp, heights", "mlp, landing")}
    monkeypatch.setattr(policy_ablation, "ARMS", arms)
    monkeypatch.setattr(policy_ablation, "TRY_RATES", (1e-3,))
    path, short = tmp_path / "record.json", {"steps": 4096, "try_steps": 4096}
    policy_ablation.record(tmp_path / "runs", path, seeds=(0,), **short)
    first = json.loads(path.read_text())
    assert [(row["arm"], row["seed"]) for row in first["runs"]] == [(arm, 0) for arm in arms]
    policy_ablation.record(tmp_path / "runs", path, seeds=(0, 1), **short)
    again = json.loads(path.read_text())
    assert again["trials"] == first["trials"] and again["runs"][:2] == first["runs"]
    assert [row["seed"] for row in again["runs"]] == [0, 0, 1, 1]
    assert capsys.readouterr().out.count("\n") == 6


def test_curves_that_do_not_fit_together_are_named():
    runs = [{"arm": "a", "curve": [[1, 0.1]]}, {"arm": "a", "curve": [[2, 0.1]]}]
    with pytest.raises(ValueError, match="the runs of a were evaluated at different steps"):
        ablation_figures.ablation_curves(runs)
    with pytest.raises(ValueError, match="nothing to draw"):
        ablation_figures.ablation_scores([])
