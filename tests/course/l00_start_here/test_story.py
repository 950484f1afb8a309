"""The recorded comparison of lesson 00: made by its script, for the agent that is shipped, on streams of its own."""

import inspect
import json
import shutil

import numpy as np
import pytest
from sb3_contrib import MaskablePPO
from stable_baselines3.common.utils import FloatSchedule

from binpack.agents import store as agents
from binpack.agents.config import PPOConfig
from binpack.agents.evaluation import make_streams
from binpack.course.l00_start_here import story

STORY = story.load()


def test_it_was_made_for_the_weights_that_are_shipped():
    assert STORY["tuned"]["sha256"] == story.fingerprint(), "run: python -m binpack.course.l00_start_here.story"
    assert STORY["tuned"]["name"] == story.TUNED
    agent = agents.load_agent(story.TUNED)
    assert STORY["tuned"]["steps"] == agent.metadata["steps"]
    assert STORY["tuned"]["continued"] == (agent.config.start_from is not None)


def test_it_names_the_command_and_its_settings():
    for part in (STORY, STORY["default"]):
        assert part["about"]["command"] == "python -m binpack.course.l00_start_here.story runs"
        assert part["about"]["machine"] and part["about"]["date"]
    assert story.FILE.name in story.__doc__
    assert story.kept() == STORY["default"], "settings are those of the script"
    assert [run["seed"] for run in STORY["default"]["runs"]] == list(story.SEEDS.final)
    assert all(run["steps"] == story.DEFAULT.budget for run in STORY["default"]["runs"])
    assert all(run["history"][-1][0] == run["steps"] for run in STORY["default"]["runs"])


def test_default_means_the_defaults_of_the_library():
    defaults = {name: each.default for name, each in inspect.signature(MaskablePPO.__init__).parameters.items()}
    ours = story.DEFAULT.ppo
    assert defaults["n_steps"] == story.DEFAULT.rollout
    for name in set(defaults) & set(PPOConfig.model_fields) - {"policy", "n_steps"}:
        assert getattr(ours, name) == defaults[name], name
    assert (ours.learning_rate_schedule, ours.clip_range_schedule) == ("constant", "constant")
    assert (ours.policy, ours.net_arch) == ("mlp", (64, 64))
    assert FloatSchedule(ours.learning_rate)(1.0) == defaults["learning_rate"]
    assert story.DEFAULT.env.features == "none"


def test_its_streams_were_used_for_nothing_else():
    """Weights, checkpoints, heuristics and figures that the repository reports come from other seeds."""
    tuned = agents.load_agent(story.TUNED).config
    used = {tuned.seed, tuned.eval_seed, *story.SEEDS.tuning, *story.SEEDS.final, story.SEEDS.tuning_streams, 20_000}
    assert story.SEEDS.test_streams not in used
    test, validation = (
        make_streams(story.ENV, 50, seed).items for seed in (story.SEEDS.test_streams, story.SEEDS.tuning_streams)
    )
    first = {stream.tobytes() for stream in test[:, :8]}
    assert not first & {stream.tobytes() for stream in validation[:, :8]}


def test_the_tuned_agent_plays_the_same_problem():
    same = {"features": story.ENV.features}
    assert agents.load_agent(story.TUNED).config.env.model_copy(update=same) == story.ENV


def test_playing_again_gives_what_is_recorded():
    streams = story.test_streams()[:100]
    for part, player in (("heuristic", STORY["heuristic"]["name"]), ("tuned", agents.load_agent(story.TUNED))):
        recorded, now = np.array(STORY[part]["utilization"][:100]), np.array(story.play(player, streams))
        if part == "heuristic":
            assert np.array_equal(recorded, now)
        # another processor rounds a network's scores in another way, and a few choices turn out differently
        assert abs((recorded - now).mean()) < 0.02


def test_every_packer_has_every_stream_and_the_heuristic_was_the_best_on_validation_streams():
    every = [STORY[part]["utilization"] for part in ("random", "heuristic", "tuned")]
    every += [run["utilization"] for run in STORY["default"]["runs"]]
    for shares in every:
        assert len(shares) == STORY["streams"] == story.STREAMS
        assert min(shares) > 0 and max(shares) <= 1
        assert np.array_equal(shares, np.round(shares, 3)), "whole cells of 1,000"
    chosen = STORY["heuristic"]["validation"]
    assert STORY["heuristic"]["name"] == max(chosen, key=chosen.get)
    assert "random" not in chosen


def test_what_the_lesson_says_in_prose_holds():
    packers = {name: np.mean(runs) for name, runs in story.packers(STORY).items()}
    assert packers["random"] < packers["best heuristic"] < packers["tuned PPO"]
    assert packers["default PPO"] < packers["tuned PPO"]
    assert STORY["tuned"]["steps"] > story.DEFAULT.budget, "the tuned agent trained longer"
    _, default, tuned = story.comparisons(STORY)
    assert default.endswith(": behind") and tuned.endswith(": ahead"), "the default agent lies below the heuristic"


def test_budgets_are_said_plainly():
    runs = [{"steps": 400, "history": [[100, 0.1 * k], [200, 0.2], [300, 0.3], [400, 0.4]]} for k in (1, 2, 3)]
    made = {"default": {"runs": runs}, "tuned": {"steps": 2_000_000, "continued": False}}
    assert story.budgets(made) == [
        "default PPO: 400 steps, 3 trainings",
        "    mean on validation streams: 0.200 at 200, 0.300 at 300, 0.400 at 400",
        "tuned PPO: 2,000,000 steps, 1 training",
    ]
    made["tuned"]["continued"] = True
    assert story.budgets(made)[-1].endswith("1 training; it went on from an earlier agent, whose steps come on top")


def test_comparisons_say_what_can_be_told_apart():
    rng = np.random.default_rng(0)
    rule, better = rng.uniform(0.4, 0.8, 200), rng.uniform(0.3, 0.9, 200)

    def verdicts(default, tuned):
        made = {
            "random": {"utilization": rule - 0.3},
            "heuristic": {"name": "first_fit", "utilization": rule},
            "default": {"runs": [{"utilization": shares} for shares in default]},
            "tuned": {"utilization": tuned},
        }
        head, *rows = story.comparisons(made)
        assert head == "utilization less that of the best heuristic, first_fit"
        assert [row[:12].strip() for row in rows] == ["default PPO", "tuned PPO"]
        assert f" {np.mean(tuned - rule):+.3f} on average, 95 % interval " in rows[1]
        return [row.rpartition(": ")[2] for row in rows]

    assert verdicts([rule - 0.1, rule - 0.12, rule - 0.1], rule + 0.1) == ["behind", "ahead"]
    # three of three above, which once was enough
    assert verdicts([rule + 0.02, rule + 0.1, rule + 0.4], better) == ["not separable", "not separable"]
    assert verdicts([rule - 0.1, rule + 0.1, rule], better) == ["not separable", "not separable"]
    assert verdicts([rule + 0.1, rule + 0.1, rule + 0.12], rule - 0.01) == ["ahead", "behind"]


# --------------------------------------------------------------------------------------------------------- the script


@pytest.fixture
def tiny(monkeypatch):
    """The script on a small scale."""
    ppo = story.DEFAULT.ppo.model_copy(update={"n_steps": 32, "n_epochs": 1})
    config = story.DEFAULT.model_copy(
        update={"ppo": ppo, "total_steps": 128, "n_envs": 4, "eval_every": 64, "eval_streams": 5}
    )
    monkeypatch.setattr(story, "DEFAULT", config)
    monkeypatch.setattr(story, "STREAMS", 5)


def test_the_script_trains_records_and_keeps_what_it_has_trained(tiny, tmp_path):
    path = tmp_path / "story.json"
    with pytest.raises(ValueError, match="does not exist yet: name a folder"):
        story.record(None, path)
    first = story.record(tmp_path / "runs", path)
    assert story.load(path) == first
    assert len(path.read_text().splitlines()) == len(first) + 2
    assert [run["steps"] for run in first["default"]["runs"]] == [128] * 3
    assert len({json.dumps(run["utilization"]) for run in first["default"]["runs"]}) > 1, "seeds differ"
    shutil.rmtree(tmp_path / "runs")
    assert story.record(None, path) == first
    changed = first | {"streams": 6}
    path.write_text(json.dumps(changed))
    with pytest.raises(ValueError, match="was made with other settings"):
        story.record(None, path)
