"""Samplers and pruners are named objects: the built-in ones, and a user's own."""

from __future__ import annotations

import sys

import optuna
import pytest
from test_study import Fake, config, held_out

from binpack.__main__ import main
from binpack.core.registry import without_imports
from binpack.search.config import TuneConfig
from binpack.search.report import load_result
from binpack.search.samplers import PRUNERS, SAMPLERS, PrunerConfig, SamplerConfig
from binpack.search.space import SearchError
from binpack.search.storage import load_study
from binpack.search.study import tune

OWN = """
import optuna
from binpack.search.samplers import SeededSampler

class Halton:
    def build(self, config, space):
        return SeededSampler(lambda seed: optuna.samplers.QMCSampler(qmc_type="halton", seed=seed), config.seed)
    def cells(self, config, space):
        return None

class Three(Halton):
    def cells(self, config, space):
        return 3

class Never:
    def build(self, config, eval_every, max_steps):
        return optuna.pruners.ThresholdPruner(lower=-1e9)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_search.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    yield "own_search"
    sys.modules.pop("own_search", None)


@pytest.mark.parametrize("kind", SAMPLERS.names)
def test_a_stored_sampler_is_read_as_it_was(kind):
    stored = {"kind": kind, "seed": 3, "points": 2, "n_startup_trials": 4, "n_ei_candidates": 5, "multivariate": False}
    assert SamplerConfig(**stored).model_dump(mode="json") == stored
    assert isinstance(SamplerConfig(**stored).build(config().space), optuna.samplers.BaseSampler)


@pytest.mark.parametrize("kind", PRUNERS.names)
def test_a_stored_pruner_is_read_as_it_was(kind):
    stored = {"kind": kind, "percentile": 40.0, "startup_trials": 1, "warmup_steps": 2, "min_resource": 3}
    stored |= {"reduction_factor": 4}
    assert PrunerConfig(**stored).model_dump(mode="json") == stored
    assert isinstance(PrunerConfig(**stored).build(100, 600), optuna.pruners.BasePruner)
    assert PrunerConfig(**stored).never == (kind == "none")


def test_the_median_is_the_percentile_50():
    median, percentile = (PrunerConfig(kind=kind, percentile=40).build(1, 9) for kind in ("median", "percentile"))
    assert (median._percentile, percentile._percentile) == (50, 40)


def test_ones_own_sampler_and_pruner_are_named_like_the_built_in_ones(own, tmp_path):
    study = config(sampler=f"{own}:Halton", pruner=f"{own}:Never", final_seeds=0, n_trials=4)
    assert not study.pruner.never and study.eval_every == 100
    storage = tmp_path / "study.journal"
    first = tune(study, storage, train=Fake(), held_out=held_out, progress=False)
    assert [row["state"] for row in first.rows] == ["complete"] * 4
    assert load_result(storage) == first
    assert TuneConfig.from_json(study.to_json()) == study
    three = config(sampler=f"{own}:Three", n_trials=None)
    assert three.total == 3 and not three.default_is_trial_0


def test_a_study_from_a_stranger_imports_nothing(own, tmp_path):
    storage = tmp_path / "study.journal"
    study = config(sampler=f"{own}:Halton", final_seeds=0, n_trials=1)
    tune(study, storage, train=Fake(), held_out=held_out, progress=False)
    del sys.modules[own]
    message = (
        rf"sampler: kind: sampler '{own}:Halton': its module is not imported, and nothing that is read from a file"
    )
    with pytest.raises(SearchError, match=message):
        load_result(storage)
    assert own not in sys.modules
    __import__(own)
    assert len(load_result(storage).rows) == 1 and len(load_study(storage).trials) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampler": "cma"}, "sampler: kind: sampler 'cma' is not one of grid, random, tpe, nor module:name"),
        ({"pruner": "mean"}, "pruner: kind: pruner 'mean' is not one of none, median, percentile, halving, "),
        ({"sampler": "own_search:Never"}, "sampler: kind: sampler 'own_search:Never' is no sampler: it has no method"),
        ({"sampler": "nowhere:X"}, "sampler: kind: sampler 'nowhere:X': nowhere cannot be imported (No module named"),
    ],
)
def test_unknown_names_get_one_line(own, changes, message):
    with pytest.raises(SearchError) as error:
        config(**changes)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)
    with without_imports(), pytest.raises(SearchError):
        SamplerConfig(kind="nowhere:X")


def test_the_command_line_takes_them(own, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    line = "tune --items random:1-2 --bin 4x4x4 --storage s.journal --sampler"
    assert main([*line.split(), "own_search:Nothing"]) == 2
    error = capsys.readouterr().err
    assert "--sampler" in error and "module own_search has no Nothing" in error and error.count("\n") == 1
