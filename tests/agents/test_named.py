"""One function finds every agent by its name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from binpack.agents.named import agent_names, find_agent
from binpack.agents.offline import FirstFitDecreasing
from binpack.agents.store import PPOAgent, shipped
from binpack.core.heuristics import HEURISTICS


def test_every_name_is_found():
    assert agent_names() == (*HEURISTICS, "first_fit_decreasing", *shipped())
    assert find_agent("roughness") is HEURISTICS["roughness"]
    assert isinstance(find_agent("first_fit_decreasing"), FirstFitDecreasing)
    assert isinstance(find_agent("cut_1_k1"), PPOAgent)


def test_a_folder_is_found_by_its_path(monkeypatch):
    from binpack.agents import store

    folder = store.SHIPPED / "random_k1"
    assert find_agent(folder).config == find_agent(str(folder)).config
    monkeypatch.chdir(folder.parent)
    assert find_agent(Path("cut_2_k1")).config == find_agent("cut_2_k1").config


@pytest.mark.parametrize("name", ["best", "", "cut_9_k1", "no/such/folder"])
def test_an_unknown_name_is_answered_with_those_that_exist(name):
    with pytest.raises(ValueError, match="is neither a trained agent's folder nor one of random, ") as caught:
        find_agent(name)
    assert "\n" not in str(caught.value)
    assert all(known in str(caught.value) for known in agent_names())


def test_a_heuristic_is_found_without_torch():
    program = (
        "import sys; from binpack.agents.named import find_agent; find_agent('first_fit_decreasing'); "
        "find_agent('random'); print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
