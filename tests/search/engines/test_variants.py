"""Grids times samples, against loops that say the same."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from binpack.search.action.distributions import Hyperparameter
from binpack.search.engines.variants import Variants

ADAPTER = TypeAdapter(Hyperparameter)


def make(sizes):
    """Return grids g0, g1, ... of these sizes, with a number z between them."""
    grids = [{"name": f"g{i}", "type": "grid_search", "options": list(range(n))} for i, n in enumerate(sizes)]
    z = {"name": "z", "type": "uniform", "min": 0, "max": 1}
    return [ADAPTER.validate_python(each) for each in [*grids[:1], z, *grids[1:]]]


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(1, 4), max_size=3),
    samples=st.integers(1, 4),
    given_grids=st.lists(st.sets(st.integers(0, 2)), max_size=3),
    seed=st.integers(0, 1000),
)
def test_every_cell_of_every_sample_against_loops(sizes, samples, given_grids, seed):
    points = [{f"g{i}": sizes[i] - 1 for i in fixed if i < len(sizes)} for fixed in given_grids][:samples]
    expected = []
    for sample in range(samples):
        point = points[sample] if sample < len(points) else {}
        cells = [[point[f"g{i}"]] if f"g{i}" in point else range(size) for i, size in enumerate(sizes)]
        expected += list(itertools.product(*cells))
    varied = make(sizes)
    variants = Variants(varied, samples, points, seed)
    assert variants.total == len(expected)
    configs = [variants.config(number) for number in range(variants.total)]
    assert [tuple(config[f"g{i}"] for i in range(len(sizes))) for config in configs] == expected
    assert len({config["z"] for config in configs}) == len(configs)
    # more samples change nothing in those of before
    more = Variants(varied, samples + 2, points, seed)
    assert [more.config(number) for number in range(variants.total)] == configs


def test_a_point_gives_its_values_and_leaves_the_others_draws_alone():
    varied = make([2])
    plain, pointed = Variants(varied, 3, seed=1), Variants(varied, 3, [{"z": 0.5}], seed=1)
    assert [pointed.config(number)["z"] for number in (0, 1)] == [0.5, 0.5]
    assert [pointed.config(number) for number in range(2, 6)] == [plain.config(number) for number in range(2, 6)]
