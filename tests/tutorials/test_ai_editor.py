"""The rules for AI editors say what CONTRIBUTING.md says, and the guide names what is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from binpack.agents.config import PPOConfig
from binpack.search.space import Space

ROOT = Path(__file__).resolve().parents[2]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RULES = (ROOT / ".cursor" / "rules" / "binpack.mdc").read_text(encoding="utf-8")
GUIDE = (ROOT / "tutorials" / "ai-editor.md").read_text(encoding="utf-8")


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_rules_apply_always_and_say_what_they_are():
    _, head, _ = RULES.split("---\n", 2)
    settings = yaml.safe_load(head)
    assert settings["alwaysApply"] is True and len(settings["description"].split()) > 5
    assert set(settings) == {"description", "alwaysApply"}


def test_the_rules_have_the_rooms_of_contributing():
    told = dict(re.findall(r"^- (\d+): (.+)$", RULES, re.MULTILINE))
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", CONTRIBUTING, re.MULTILINE)
    wanted: dict[str, list[str]] = {}
    for floor, names in rows:
        wanted.setdefault(floor, []).extend(re.findall(r"`[\w/]+`", names))
    assert {floor: re.findall(r"`[\w/]+`", names) for floor, names in told.items()} == wanted


def test_the_rules_have_the_conventions_and_the_commands_of_contributing_word_for_word():
    (style,) = re.findall(r"^Names are the field's terms.*?(?=\n\n)", RULES, re.MULTILINE | re.DOTALL)
    assert flat(style) in flat(CONTRIBUTING)
    (imports,) = re.findall(
        r"^A module imports only from.*?in a\ncircle|^A module imports only.*?circle", RULES, re.M | re.S
    )
    assert flat(imports) in flat(CONTRIBUTING)
    commands = re.findall(r"```bash\n(.*?)```", RULES, re.DOTALL)[0].splitlines()
    assert len(commands) == 2 and all(command in CONTRIBUTING for command in commands)


def test_every_file_that_guide_and_rules_name_is_there():
    text = GUIDE + RULES
    named = set(re.findall(r"@([\w./-]+\w)", text)) | set(re.findall(r"`([\w./-]+/[\w.-]*)`", text))
    named -= {"mine.py", "study.runs/final.json", ".venv/bin/python"}
    assert {"binpack/env/rewards.py", ".cursor/rules/binpack.mdc", "notebooks/source/"} <= named
    rooms = (ROOT, ROOT / "binpack")
    missing = {name for name in named if not any((place / name).exists() for place in rooms)}
    assert missing == set()


def test_the_search_space_of_the_guide_is_one_that_tune_takes(tmp_path):
    (text,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / "space.json").write_text(text)
    space = Space.load(tmp_path / "space.json")
    assert space.names == list(json.loads(text)["parameters"]) == ["learning_rate", "n_epochs", "batch_size"]
    assert set(space.names) <= set(PPOConfig.model_fields)
    assert space.contains({"learning_rate": 0.001, "n_epochs": 4, "batch_size": 64})


def test_each_prompt_that_the_issue_asks_for_is_there():
    for heading in (
        "## Name the files",
        "## Small steps",
        "### Finding hyperparameters",
        "### Adding a search space",
        "### Reading errors",
        "### Reviewing generated code",
        "### Asking for W&B, Optuna, Hyperopt or Ray",
    ):
        section = GUIDE.partition(heading + "\n")[2].partition("\n#")[0]
        assert len(section.split()) > 40, heading
