"""Items of an environment: however they are given, its config gives them again or says why it cannot."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from binpack.core.registry import without_imports
from binpack.env import BinPackingEnv, BinPackingVecEnv, EnvConfig
from binpack.items import Catalogue, InstanceError, item_source, korea_post, random_items, read_catalogue
from binpack.items.catalogue import korea_post_parcels

STREAMS = random_items((6, 6, 6), 3, np.random.default_rng(0), edges=(1, 3), horizon=9)


def own(bin_size, *, cell=None, rotation="none"):
    """Return items by name."""
    return Catalogue(np.array([[1, 2, 3]]), np.array([5]))


class Source:
    """A source of one's own, without a name that gives it again."""

    spec, bin_size, horizon, finite, fingerprint = "mine", (6, 6, 6), 9, True, "mine"

    def sample(self, rng, n):
        """Return the first n."""
        return STREAMS[np.zeros(n, int)]

    def check(self, rotation):
        """Find everything right."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    STREAMS.save("s.npz")
    (tmp_path / "boxes.csv").write_text("length,width,height,quantity\n1,2,3,4\n")
    (tmp_path / "cm.csv").write_text("length,width,height\n9,10,20\n")
    (tmp_path / "two.txt").write_text("1 7\n5 5 5\n1\n1 1 1 2 1 3 1 2\n2 8\n6 6 6\n1\n1 4 1 4 1 4 1 1\n")
    return tmp_path


GIVEN = {
    "a generator": lambda: "random:1-3",
    "a generator and a length": lambda: "random:1-3x40",
    "a name of one's own": lambda: f"{__name__}:own",
    "a file": lambda: "boxes.csv",
    "a problem of a file": lambda: "two.txt#2",
    "a stored list": lambda: "s.npz",
    "a generator's source": lambda: item_source("cut_1:2-4", (6, 6, 6)),
    "a file's source": lambda: item_source("s.npz", (6, 6, 6)),
    "a catalogue out of a file": lambda: read_catalogue("boxes.csv"),
    "the second catalogue of a file": lambda: read_catalogue("two.txt", problem=2),
}
OBJECTS = {
    "streams": (lambda: STREAMS, "<Streams object>"),
    "a catalogue": (lambda: Catalogue(np.array([[1, 2, 3]])), "<Catalogue object>"),
    "a catalogue of other cells": (lambda: read_catalogue("cm.csv", cell="5cm"), "<Catalogue object>"),
    "one of each parcel": (lambda: korea_post("10cm"), "<Catalogue object>"),
    "parcels of other cells": (lambda: korea_post_parcels("10cm"), "<Catalogue object>"),
    "a source": (Source, "<Source object>"),
}


@pytest.mark.parametrize("make", [BinPackingEnv, BinPackingVecEnv])
@pytest.mark.parametrize("kind", GIVEN)
def test_a_config_gives_the_items_of_its_environment_again(folder, kind, make):
    for settings in ({"bin_size": (6, 6, 6)}, {"config": EnvConfig(bin_size=(6, 6, 6))}):
        env = make(items=GIVEN[kind](), **settings)
        again = EnvConfig.model_validate_json(env.config.model_dump_json())
        assert again == env.config
        assert again.source().fingerprint == env._source.fingerprint


@pytest.mark.parametrize("make", [BinPackingEnv, BinPackingVecEnv])
@pytest.mark.parametrize("kind", OBJECTS)
def test_a_config_that_cannot_says_so(folder, kind, make):
    items, name = OBJECTS[kind]
    env = make(items=items(), bin_size=(6, 6, 6))
    env.reset()
    again = EnvConfig.model_validate_json(env.config.model_dump_json())
    assert again == env.config and again.items == name
    message = f"item source '{name}': these items were given as an object, which a config cannot hold: save the streams"
    for reopen in (again.source, lambda: make(again)):
        with pytest.raises(InstanceError, match=message):
            reopen()


def test_a_file_that_has_changed_since_is_no_description(folder):
    catalogue = read_catalogue("boxes.csv")
    (folder / "boxes.csv").write_text("length,width,height\n2,2,2\n")
    assert BinPackingEnv(items=catalogue, bin_size=(6, 6, 6)).config.items == "<Catalogue object>"


def test_a_config_itself_takes_text_alone():
    with pytest.raises(ValueError, match="expected text, got Streams: objects go to an environment"):
        EnvConfig(items=STREAMS)


def test_new_items_for_a_config_are_checked_as_all_are():
    config = EnvConfig(bin_size=(6, 6, 6))
    with pytest.raises(ValueError, match="item source 'no_such_module:x'"):
        BinPackingEnv(config, items="no_such_module:x")
    with pytest.raises(InstanceError, match="item source 'marble'"):
        BinPackingEnv(config, items="marble")


def test_items_of_a_stored_config_import_nothing(tmp_path, monkeypatch):
    (tmp_path / "strange_items.py").write_text("def boxes(bin_size, **rest):\n    raise SystemExit\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        with without_imports(), pytest.raises(ValueError, match="strange_items:boxes': its module is not imported"):
            EnvConfig(items="strange_items:boxes")
        assert "strange_items" not in sys.modules
        assert EnvConfig(items="strange_items:boxes").items == "strange_items:boxes"
    finally:
        sys.modules.pop("strange_items", None)
