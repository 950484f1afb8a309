"""Records ``policy_ablation.json``: what each part of the candidate policy and of its training brings.

    python -m binpack.course.records.policy_ablation

Each arm first tries three learning rates in a short run of a seed of its own; the best one is used for the runs that
count. Every arm is trained with the same seeds, steps and streams. The script can be killed and run again: what is
finished is in the JSON file beside it, and a run that was stopped goes on from its checkpoint in
``runs/policy_ablation``. At its end it draws the learning curves, ``policy_ablation.png``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.store import load_agent
from binpack.agents.training import train
from binpack.course.records.ablation_figures import ablation_curves
from binpack.course.records.store import read_record, write_record
from binpack.env.config import EnvConfig
from binpack.plots import save
from binpack.search.provenance import about

FILE = Path(__file__).with_suffix(".json")
COMMAND = "python -m binpack.course.records.policy_ablation"
LIBRARIES = ("numpy", "torch", "stable-baselines3", "sb3-contrib")
SEEDS, STEPS = (0, 1, 2), 200_000
TRY_SEED, TRY_STEPS, TRY_RATES = 100, 50_000, (3e-4, 1e-3, 3e-3)

ARMS: dict[str, dict[str, Any]] = {
    "mlp, heights": {"policy": "mlp_map", "net_arch": (256, 256)},
    "mlp, landing": {"policy": "mlp", "net_arch": (256, 256)},
    "conv": {"policy": "conv", "net_arch": (256,)},
    "candidate": {"policy": "candidate"},
    "candidate, contact": {"policy": "candidate"},
    "candidate, contact, shared": {"policy": "candidate", "replicas": 4, "n_steps": 32},
}
"""Arm to its policy, from the least that an agent can be given to the most. All but the first see landing heights and
feasibility; those with "contact" see ``features.contact`` as well. In "shared" four bins at a time pack the same items,
see ``rollouts``; their episodes begin with each rollout, which therefore is longer, with half as many bins."""
ROLLOUT = 4096
"""Transitions between two updates, for every arm."""


def config(arm: str, seed: int, learning_rate: float, steps: int = STEPS) -> TrainConfig:
    """Return the run of one arm, seed and learning rate."""
    shared: dict[str, Any] = {"n_steps": 16, "batch_size": 256, "n_epochs": 2, "gamma": 1.0, "ent_coef": 0.003}
    shared |= {"channels": 32, "precision": "bfloat16"}
    shared |= {"learning_rate": learning_rate, "learning_rate_schedule": "linear"}
    ppo = PPOConfig(**shared | ARMS[arm])
    features = "contact" if "contact" in arm else "none"
    return TrainConfig(
        env=EnvConfig(items="cut_2", support="corners:0.95,0.85,0.50", features=features),
        ppo=ppo,
        n_envs=ROLLOUT // ppo.n_steps,
        total_steps=steps,
        seed=seed,
        eval_streams=500,
        device="cpu",
        tensorboard=False,
    )


def record(
    runs: Path, path: Path = FILE, seeds: tuple[int, ...] = SEEDS, steps: int = STEPS, try_steps: int = TRY_STEPS
) -> None:
    """Train what is missing, all arms with one seed before the next seed, and write the file after each run.

    Args:
        runs: where the runs' folders go.
        path: the file to write, or to go on with.
        seeds: training seeds.
        steps: environment steps of each run.
        try_steps: environment steps of each learning rate's trial.
    """
    before = read_record(path) if path.exists() else {}
    rows: dict[str, list[dict[str, Any]]] = {name: before.get(name, []) for name in ("trials", "runs")}

    def once(kind: str, arm: str, seed: int, learning_rate: float, steps: int) -> None:
        key = {"arm": arm, "seed": seed, "learning_rate": learning_rate}
        if any(key.items() <= row.items() for row in rows[kind]):
            return
        name = f"{arm.replace(', ', '_').replace(' ', '_')}_{seed}_{learning_rate:g}_{steps}"
        result = train(config(arm, seed, learning_rate, steps), runs / name)
        curve = [[step, round(score, 6)] for step, score in result.history]
        size = load_agent(runs / name).metadata["parameters"]
        cost = {"seconds": round(result.seconds, 1), "parameters": size}
        rows[kind].append(key | {"score": round(result.score, 6), "curve": curve} | cost)
        arms = list(ARMS)
        rows["trials"].sort(key=lambda row: (arms.index(row["arm"]), row["learning_rate"]))
        rows["runs"].sort(key=lambda row: (row["seed"], arms.index(row["arm"])))
        write_record(path, {"about": about(COMMAND, LIBRARIES), "steps": steps, **rows})
        print(f"{arm}, learning rate {learning_rate:g}, seed {seed}: {result.score:.4f}", flush=True)

    for arm in ARMS:
        for learning_rate in TRY_RATES:
            once("trials", arm, TRY_SEED, learning_rate, try_steps)
    for seed in seeds:
        for arm in ARMS:
            once("runs", arm, seed, best_rate(rows["trials"], arm), steps)


def best_rate(trials: list[dict[str, Any]], arm: str) -> float:
    """Return the learning rate of an arm's best trial."""
    own = [row for row in trials if row["arm"] == arm]
    return max(own, key=lambda row: row["score"])["learning_rate"]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit("expected no arguments")
    record(Path("runs") / FILE.stem)
    save(ablation_curves(read_record(FILE)["runs"]), FILE.with_suffix(".png"))
