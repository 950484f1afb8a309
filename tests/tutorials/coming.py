"""Pages of `tutorials/` that are linked and come with other changes; to be deleted with its uses once all are there."""

COMING = {
    *("cloud.md", "hyperopt.md", "optuna.md", "ray-tune.md", "train-action.md", "troubleshooting.md"),
    "wandb-sweeps.md",
}
