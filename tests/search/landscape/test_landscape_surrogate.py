"""The surrogate on an invented study: it finds what was put in, and its runs are spread as the invented ones are."""

from __future__ import annotations

import invented
import numpy as np
import pytest

from binpack.search.landscape import surrogate as module
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Kernel, Surrogate, Table, table_of
from binpack.search.landscape.table import Landscape

LENGTHS = tuple({"learning_rate": 0.7, "n_epochs": 1.5}.get(name, 20.0) for name in task.SPACE.names)
KERNELS = (Kernel(LENGTHS, 3.0, 0.001), Kernel((5.0,) * 11, 0.2, 0.8))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Landscape(invented.write(tmp_path_factory.mktemp("study") / "study.npz", more=False))


@pytest.fixture(scope="module")
def model(study):
    return Surrogate(table_of(study), KERNELS)


def test_it_is_fitted_to_seeds_that_stay_when_more_are_recorded(study):
    table = table_of(study)
    assert [len(each) for each in table.residuals] == [10] * 257 + [3] * (216 + len(task.led_configs()))
    grid = study.runs("grid")
    assert np.allclose(table.curves[257 + 5], grid.utilization[5, :3].mean(axis=0))
    few = grid.first_seeds(3)
    assert few.seeds == grid.seeds[:3] and few.test.shape == (108, 3)
    assert all(values.shape == (108, 3, 20) for values in (few.steps, few.seconds, *few.diagnostics.values()))


def test_means_of_configurations_that_were_not_run(study, model):
    fresh = study.runs("fresh")
    wanted = np.array([invented.quality(values) for values in fresh.configs])
    found = module.errors(model.means(fresh.places), wanted, np.zeros(20), np.full(20, invented.NOISE))
    assert found.spearman > 0.95 and found.rmse < invented.NOISE and found.noise == 0


def test_runs_are_spread_as_the_recorded_ones_are(study, model):
    place = np.array(task.SPACE.place(task.DEFAULT))
    rng = np.random.default_rng(0)
    runs = model.draw(np.tile(place, (2000, 1)), rng)
    assert runs.shape == (2000, 20)
    assert runs[:, -1].mean() == pytest.approx(model.means(place)[0], abs=0.002)
    assert runs[:, -1].std() == pytest.approx(invented.NOISE, rel=0.25)
    assert model.spreads(place)[0] == pytest.approx(invented.NOISE, rel=0.25)
    # a curve keeps together: a run that is ahead in its middle is mostly ahead at its end
    assert np.corrcoef(runs[:, 9], runs[:, -1])[0, 1] > 0.5


def test_last_scores_alone_are_spread_as_whole_runs_are(model):
    places = np.random.default_rng(5).random((40, 11))
    many = np.tile(places, (200, 1))
    scores, means = model.finals(many, np.random.default_rng(0))
    assert np.array_equal(means, model.means(many)) and ((scores >= 0) & (scores <= 1)).all()
    whole = model.draw(many, np.random.default_rng(1))[:, -1]
    share = np.linspace(0.02, 0.98, 25)
    assert np.quantile(scores - means, share) == pytest.approx(np.quantile(whole - means, share), abs=0.003)
    assert np.array_equal(scores, model.finals(many, np.random.default_rng(0))[0])


def test_the_luck_of_a_place_is_that_of_configurations_like_it():
    """A poor one whose runs fall far and never rise stays so: it takes no luck from a good one, and no wider one."""
    rng = np.random.default_rng(0)
    places = rng.random((64, 11))
    poor = places[:, 0] < 0.5
    fall = np.where(rng.random((64, 10)) < 0.3, -0.3, 0.0)
    ends = np.where(poor[:, None], 0.6 + fall, 0.85 + rng.normal(0, 0.02, (64, 10)))
    curves = np.repeat(ends[..., None], 20, axis=2)
    means, spread = curves.mean(axis=1), ends.std(axis=1, ddof=1)
    table = Table(places, means, spread, spread / np.sqrt(10), tuple(curves - means[:, None]))
    lengths = (0.2, *(50.0,) * 10)
    model = Surrogate(table, (Kernel(lengths, 3.0, 0.001), Kernel(lengths, 3.0, 0.01)))
    tried = rng.random((4000, 11))
    tried = tried[np.abs(tried[:, 0] - 0.5) > 0.1]
    scores, found = model.finals(tried, rng)
    below = tried[:, 0] < 0.5
    assert (found[below] < 0.65).all() and scores[below].max() < 0.8 and scores[below].min() < 0.35
    assert scores[~below].min() > 0.7


def test_the_same_generator_draws_the_same_runs(model):
    places = np.random.default_rng(1).random((5, 11))
    one, two = (model.draw(places, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one, two) and not np.array_equal(one, model.draw(places, np.random.default_rng(4)))


def test_each_configuration_is_predicted_without_its_own_runs(study):
    table = table_of(study)
    found = module.cross_validated(table, KERNELS, 256)
    assert found.spearman > 0.9 and found.rmse < invented.NOISE
    assert found.one_seed == pytest.approx(invented.NOISE, rel=0.1)
    assert found.noise == pytest.approx(invented.NOISE / np.sqrt(10), rel=0.15)
    shuffled = Table(
        np.random.default_rng(0).permutation(table.places), table.curves, table.spread, table.error, table.residuals
    )
    assert module.cross_validated(shuffled, KERNELS, 256).spearman < 0.3


def test_lengths_are_found_and_long_where_nothing_depends_on_it(study):
    runs = study.runs("study").of(np.arange(96))
    found = Surrogate(Table.of([runs])).kernels[0].lengths
    lengths = dict(zip(task.SPACE.names, found, strict=True))
    others = [value for name, value in lengths.items() if name not in ("learning_rate", "n_epochs")]
    assert lengths["learning_rate"] < min(others) and np.median(others) > 5
