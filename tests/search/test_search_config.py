"""How often the runs of a study are evaluated: one rule, whoever makes the study."""

from __future__ import annotations

import pytest

from binpack.agents.config import TrainConfig
from binpack.search.config import TuneConfig


@pytest.mark.parametrize(
    ("pruner", "asked", "every"), [("none", None, 501), ("none", 100, 100), ("median", None, 200), ("median", 100, 100)]
)
def test_runs_that_nothing_prunes_are_evaluated_half_way_and_at_their_end(pruner, asked, every):
    study = TuneConfig(train=TrainConfig(total_steps=1001, eval_every=asked), pruner=pruner)
    assert study.eval_every == study.train.evaluation_interval == every
    assert study.train_config({}, 3).evaluation_interval == every
    assert TuneConfig.from_json(study.to_json()) == study


def test_the_default_study_follows_the_rule_too():
    assert TuneConfig().eval_every == TrainConfig().total_steps // 2
