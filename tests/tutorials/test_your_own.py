"""The guides to one's own items and one's own environment: every block is run, with fewer steps and trials."""

from __future__ import annotations

import importlib
import itertools
import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from binpack.__main__ import main
from binpack.search.action.conduct import perform

TUTORIALS = Path(__file__).resolve().parents[2] / "tutorials"


def blocks(guide: str, kind: str) -> list[str]:
    """Return the blocks of a kind in a guide of `tutorials/`, in order."""
    text = (TUTORIALS / f"{guide}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(guide: str) -> list[str]:
    """Return the command lines of a guide's shell blocks."""
    return [line for block in blocks(guide, "bash") for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def run(command: str, less: dict[str, str], capsys: pytest.CaptureFixture) -> str:
    """Run a command line of a guide in this process, with smaller numbers for some options, and return what it says."""
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "binpack"], command
    arguments = [less.get(option, word) for option, word in itertools.pairwise(words[2:])]
    code = main(arguments)
    output = capsys.readouterr()
    assert code == 0, f"{command}: {output.err}"
    return output.out


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to run in, whose modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(tmp_path):
            del sys.modules[name]


def test_a_reward_and_a_support_rule_of_ones_own_train_and_evaluate(here, capsys):
    reward, rule = blocks("your-own-environment", "python")[:2]
    (here / "mine.py").write_text(f"{reward}\n\n{rule}")
    less = {"--steps": "512", "--n": "4"}
    said = [run(command, less, capsys) for command in commands("your-own-environment")[:3]]
    assert "mine:low_and_full" in (here / "runs" / "low" / "config.json").read_text()
    assert all(json.loads(each)["utilization_mean"] > 0 for each in said[1:])


def test_any_environment_is_tuned_by_a_function(here):
    (here / "pole.py").write_text(blocks("your-own-environment", "python")[2])
    job = json.loads(blocks("your-own-environment", "json")[0])
    job["params"]["hyperparameter"] = {"total_steps": 64, "n_steps": 16, "batch_size": 16}
    job["params"]["tune_config"] |= {"num_samples": 2, "max_concurrent_trials": 1}
    result = perform(job, "runs/pole")
    best = result["best_trial"]
    assert 0.0001 <= best["config"]["learning_rate"] <= 0.01 and best["metrics"]["score"] >= 8
    assert len(list((here / "runs" / "pole").rglob("steps_16.zip"))) == 2


def test_an_older_packing_env_comes_under_the_pipeline(here, capsys):
    env, tuning = blocks("your-own-environment", "python")[3:]
    assert 30 <= len(env.strip().splitlines()) <= 50
    (here / "old_packing.py").write_text(env)
    (here / "old_tuning.py").write_text(tuning)
    job = json.loads(blocks("your-own-environment", "json")[1])
    job["params"]["hyperparameter"] |= {"total_steps": 128, "n_steps": 32, "batch_size": 32}
    (here / "old.json").write_text(json.dumps(job))
    run(commands("your-own-environment")[4], {}, capsys)
    result = json.loads((here / "runs" / "old" / "result.json").read_text())
    assert 0 < result["best_trial"]["metrics"]["score"] < 1
    assert result["best_trial"]["metrics"]["training_iteration"] == 4


def test_the_older_env_keeps_to_gymnasium_and_its_mask_is_the_truth(here):
    from gymnasium.utils.env_checker import check_env

    (here / "old_packing.py").write_text(blocks("your-own-environment", "python")[3])
    PackingEnv = importlib.import_module("old_packing").PackingEnv

    check_env(PackingEnv(), skip_render_check=True)
    env = PackingEnv()
    for seed in range(5):
        env.reset(seed=seed)
        over, total = False, 0.0
        while not over:
            assert env.action_masks().any()
            _, reward, over, _, info = env.step(env.action_masks().argmax())
            assert reward > 0
            total += reward
        assert info["utilization"] == pytest.approx(total) and env.heights.max() <= env.TALL
        env.reset(seed=seed)
        illegal = (~env.action_masks()).nonzero()[0]
        assert len(illegal) == 0 or env.step(illegal[0])[1:3] == (0.0, True)


def test_every_command_of_the_guide_to_environments_is_run_here():
    assert len(commands("your-own-environment")) == 5
    assert len(blocks("your-own-environment", "python")) == 5 and len(blocks("your-own-environment", "json")) == 2


LESS = {"--steps": "512", "--n": "4", "--trials": "1", "--seeds": "1", "--final-seeds": "3"}
"""In place of an hour's numbers; fewer final seeds are refused."""


def test_from_a_csv_to_a_tuned_agent_in_a_program(here, capsys):
    for name, text in zip(("parcels.csv", "held_out.csv"), blocks("your-own-items", "csv"), strict=True):
        (here / name).write_text(text)
    said = {}
    for command in commands("your-own-items"):
        said[command] = run(command, LESS, capsys)
    assert "125 of 125 items packed" in next(iter(said.values()))
    told = [json.loads(text) for command, text in said.items() if " evaluate " in command]
    assert len(told) == 5 and all(0 < each["utilization_mean"] <= 1 for each in told)
    assert (here / "plan.csv").read_text().count("\n") > 3 and any((here / "plots").iterdir())
    assert "Held out (trained anew on 3 fresh seeds" in " ".join(said[next(c for c in said if " tune " in c)].split())
    (program,) = blocks("your-own-items", "python")
    exec(program.replace("make_streams(config, 100,", "make_streams(config, 4,"), {})
    output = capsys.readouterr().out
    assert output.startswith("tuned 0.") and re.search(r"^at \d,\d,0: \dx\dx\d cells$", output, re.MULTILINE)
