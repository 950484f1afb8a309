"""The record of what each part is worth: it is what its script would record, and the lesson reads it right."""

import dataclasses

import gymnasium as gym
import numpy as np
import pytest

from binpack.core.statistics import verdict
from binpack.course.l02_deep_q_network import exercises as lesson
from binpack.course.l02_deep_q_network import pieces
from binpack.course.l02_deep_q_network import record_pieces as recorder
from binpack.course.l02_deep_q_network.agent import greedy_action


@pytest.fixture(scope="module")
def record():
    return pieces.load()


def test_it_is_what_its_script_would_record(record):
    assert record["about"]["command"] == "python -m binpack.course.l02_deep_q_network.record_pieces FOLDER"
    assert record["arms"] == {arm: dataclasses.asdict(config) for arm, config in recorder.ARMS.items()}
    assert [(run["arm"], run["seed"]) for run in record["runs"]] == [
        (arm, seed) for arm in recorder.ARMS for seed in recorder.SEEDS
    ]
    steps = [str(step) for step in range(recorder.EVERY, recorder.CONFIG.total_steps + 1, recorder.EVERY)]
    for run in record["runs"]:
        assert list(run["validation"]) == list(run["values"]) == steps
        assert run["chosen_score"] == max(run["validation"].values())
        assert run["validation"][str(run["chosen_step"])] == run["chosen_score"]
        assert len(run["test"]) == recorder.TEST_EPISODES


def test_the_lesson_uses_the_settings_of_the_record():
    text = (pieces.FILE.parents[3] / "notebooks" / "source" / "02_deep_q_network.py").read_text(encoding="utf-8")
    start = text.index("config = DQNConfig(")
    namespace = {}
    exec(text[start : text.index("\n)\n", start) + 2], {"DQNConfig": recorder.DQNConfig}, namespace)
    assert namespace["config"] == recorder.CONFIG


def test_a_curve_has_a_row_for_each_seed(record):
    found = pieces.curves("all parts", "no target network", what="values")
    assert list(found) == ["all parts", "no target network"]
    steps, values = found["no target network"]
    assert values.shape == (len(recorder.SEEDS), len(steps)) and steps[-1] == recorder.CONFIG.total_steps
    mine = next(run for run in record["runs"] if (run["arm"], run["seed"]) == ("no target network", 3))
    assert values[3].tolist() == list(mine["values"].values())
    with pytest.raises(ValueError, match="there is no arm 'no parts'; there are all parts, "):
        pieces.curves("no parts")


def test_chosen_checkpoints_are_read_with_their_fresh_episodes(record):
    scores, fresh = pieces.chosen("all parts")
    mine = record["runs"][2]
    assert (scores[2], fresh[2]) == (mine["chosen_score"], pytest.approx(np.mean(mine["test"])))


def test_what_the_lesson_says_of_the_recorded_runs_holds():
    """Numbers that stand in the prose of the lesson."""
    returns = {arm: runs for arm, (_, runs) in pieces.curves(*recorder.ARMS).items()}
    means = {arm: round(runs.mean()) for arm, runs in returns.items()}
    assert means == {"all parts": 208, "last 128 steps": 139, "every step once": 19, "no target network": 10}
    assert round(returns["every step once"][:, 1].mean()) == 105
    whole = {arm: runs.mean(axis=1) for arm, runs in returns.items()}
    assert verdict(whole["all parts"], whole["last 128 steps"]).word == "ahead"
    assert verdict(returns["all parts"][:, -1], returns["last 128 steps"][:, -1]).word == "not separable"
    values = {arm: runs for arm, (_, runs) in pieces.curves(*recorder.ARMS, what="values").items()}
    assert round(values["all parts"].max()) == 29
    assert values["no target network"][:, 1].min() > 50 and values["no target network"][:, -1].min() > 100_000
    assert returns["no target network"][:, 1:].round().max() == 9
    scores, fresh = pieces.chosen()
    assert (round(fresh.min()), round(fresh.max())) == (201, 496)
    assert (round(fresh.mean()), round(scores.mean())) == (335, 360)


def test_the_network_that_came_out_balances_the_pole(record):
    network, env = pieces.trained(), gym.make("CartPole-v1")
    assert lesson.evaluate(network, env, 3, 0).mean() > 400
    assert greedy_action(network, np.array([0, 0, 0.1, 0], np.float32)) == 1, "it drives under a pole that leans right"
    best = max((run for run in record["runs"] if run["arm"] == "all parts"), key=lambda run: np.mean(run["test"]))
    assert record["shipped_seed"] == best["seed"]
