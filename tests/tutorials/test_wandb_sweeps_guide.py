"""The guide of W&B's sweeps is run as it stands, by somebody without an account."""

from guides import Guide


def test_every_block_of_the_guide_runs(guide_reader):
    mine = ("WANDB_", "NETRC")
    kept = {name: value for name, value in guide_reader.environment.items() if not name.startswith(mine)}
    guide_reader.environment = kept | {"HOME": str(guide_reader.folder)}
    guide_reader.take_all(Guide.read("wandb-sweeps.md"))
