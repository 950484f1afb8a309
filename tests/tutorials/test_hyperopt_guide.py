"""The guide of Hyperopt is run as it stands."""

from guides import Guide


def test_every_block_of_the_guide_runs(guide_reader):
    guide_reader.take_all(Guide.read("hyperopt.md"))
