"""The learning curves of the shipped agents, drawn from the results beside their weights."""

import re

from binpack.agents import store as agents
from binpack.course.records import agent_curves


def test_the_learning_curves_show_every_run_in_order():
    figure = agent_curves.draw()
    for name in agent_curves.AGENTS:
        steps, scores = agent_curves.learning_curve(name)
        assert name in figure.text and steps == sorted(set(steps)) and len(steps) == len(scores)
        assert scores[-1] == agents.load_agent(name).metadata["score"]
    assert agent_curves.learning_curve("cut_1_k1")[0][-1] > 9  # both runs
    assert agent_curves.FILE.exists()


def test_the_pictures_of_the_agents_page_are_there():
    page = agents.SHIPPED / "README.md"
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    assert len(pictures) == 2 and all((page.parent / picture).is_file() for picture in pictures)
