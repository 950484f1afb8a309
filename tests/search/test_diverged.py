"""A training run whose numbers explode is a bad trial that a sampler learns from, not the end of its study."""

from __future__ import annotations

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.update import Update
from binpack.env.config import EnvConfig
from binpack.search.config import TuneConfig
from binpack.search.space import Categorical, Space
from binpack.search.storage import load_study
from binpack.search.study import tune

TRAIN = TrainConfig(
    env=EnvConfig(bin_size=(4, 4, 4), items="random:1-2"),
    ppo=PPOConfig(n_steps=16, batch_size=32, n_epochs=1, channels=4, layers=1),
    total_steps=128,
    n_envs=4,
    eval_streams=4,
    device="cpu",
    tensorboard=False,
)


def test_a_study_tells_a_run_that_diverges_as_pruned(tmp_path, monkeypatch):
    inner = Update.apply

    def spoil(update, policy, rollout):
        said = inner(update, policy, rollout)
        if policy.optimizer.param_groups[0]["lr"] > 1e-2:
            next(policy.parameters()).data[0, 0, 0] = float("inf")
        return said

    monkeypatch.setattr(Update, "apply", spoil)
    study = TuneConfig(
        train=TRAIN,
        space=Space(parameters={"learning_rate": Categorical(choices=(1e-3, 1e-1))}),
        sampler="grid",
        n_trials=None,
        seeds=1,
        final_seeds=0,
    )
    rows = {row["params"]["learning_rate"]: row for row in tune(study, tmp_path / "s.journal", progress=False).rows}
    assert (rows[1e-3]["state"], rows[1e-1]["state"]) == ("complete", "diverged")
    assert rows[1e-1]["error"].startswith("DivergedError: training diverged at step 64: ")
    stored = load_study(tmp_path / "s.journal").trials
    assert {trial.state.name for trial in stored} == {"COMPLETE", "PRUNED"}
