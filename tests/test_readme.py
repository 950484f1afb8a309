"""The README, the requirements and the CI script say the same, and what they name is there."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import binpack
from binpack import system
from binpack.agents.config import CONFIG_VERSION
from binpack.agents.store import AGENT_VERSION
from binpack.course.working_copy import FOLDER
from binpack.search._model import STUDY_VERSION
from binpack.search.action.conduct import ACTION_VERSION
from binpack.search.bridges.tried import BRIDGE_VERSION

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TOP_LEVEL = {
    *("README.md", "requirements.txt", "pyproject.toml"),
    *("LICENSE", "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff"),
    *("binpack", "notebooks", "tutorials", "tests"),
}


def command(name: str) -> str:
    """Return the fenced block that follows a marker in the README."""
    return re.search(rf"^<!-- command: {name} -->\n```bash\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)[1]


def own_files(*patterns: str) -> list[Path]:
    """Return the checkout's files that match, without those of a virtual environment or a cache."""
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file())


@pytest.mark.parametrize(("name", "last"), [("lab", "-m binpack lab"), ("test", "-m pytest")])
def test_commands_make_an_environment_from_the_pins_and_leave_nothing_outside(name, last):
    venv, install, run = command(name).split(" && ")
    assert venv == "python3 -m venv .venv"
    assert install == ".venv/bin/pip install --no-cache-dir -r requirements.txt"
    assert run == f".venv/bin/python {last}"


def test_ci_runs_the_very_command_of_the_readme(tmp_path):
    script = (ROOT / ".ci" / "run").read_text()
    extract = re.search(r"^command=\$\((awk .*? README\.md)\)$", script, re.MULTILINE | re.DOTALL)[1]
    found = subprocess.run(["bash", "-c", extract], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == command("test")
    for line in ("set -euo pipefail", "rm -rf .venv", 'bash -euo pipefail -c "$command" </dev/null'):
        assert any(each.startswith(line) for each in script.splitlines()), line


def test_ci_fails_without_a_command_and_when_the_command_fails(tmp_path):
    by_hand = {name: value for name, value in os.environ.items() if name != "CI"}  # CI may install packages first
    (tmp_path / ".ci").mkdir()
    script = tmp_path / ".ci" / "run"
    script.write_bytes((ROOT / ".ci" / "run").read_bytes())
    (tmp_path / "README.md").write_text("# nothing\n")
    run = subprocess.run(["bash", script], env=by_hand, capture_output=True, text=True)
    assert run.returncode == 1
    assert "no fenced block" in run.stderr
    (tmp_path / "README.md").write_text("<!-- command: test -->\n```bash\necho first && false && echo second\n```\n")
    run = subprocess.run(["bash", script], env=by_hand, capture_output=True, text=True)
    assert run.returncode != 0
    assert run.stdout.splitlines() == ["+ echo first && false && echo second", "first"]


def test_workflow_runs_lint_units_and_notebooks_side_by_side_on_every_supported_python():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    runs = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert not any("needs" in job for job in jobs.values())
    assert runs["all"] == [".ci/run"]
    install = ["python -m pip install -r requirements.txt"]
    assert runs["lint"] == [*install, "ruff check .", "ruff format --check .", "mypy"]
    assert runs["units"] == [*install, "python -m pytest tests binpack"]
    assert runs["notebooks"] == [*install, "python -m pytest notebooks"]
    shots = "${{ runner.temp }}/screenshots"
    assert runs["browser"] == [*install, f"python -m pytest -n 0 tests/browser --all-lessons --screenshots {shots}"]
    answers = "python -m pytest --all-lessons tests/course/test_answers.py -k right_answers"
    assert runs["answers"] == [*install, answers]
    kept = jobs["browser"]["steps"][-1]
    assert (kept["if"], kept["with"]["path"]) == ("always()", shots)
    for name in ("units", "notebooks"):
        assert jobs[name]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    for name in ("lint", "units", "notebooks", "answers", "browser"):
        setup = next(step for step in jobs[name]["steps"] if "setup-python" in step.get("uses", ""))
        assert (setup["with"]["cache"], setup["with"]["cache-dependency-path"]) == ("pip", "requirements.txt")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100


def test_ci_lints_and_checks_types_after_the_tests():
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[-3:] == [".venv/bin/ruff check .", ".venv/bin/ruff format --check .", ".venv/bin/mypy"]


def test_the_version_stands_in_one_place():
    assert 'dynamic = ["version"]' in (ROOT / "pyproject.toml").read_text()
    assert f"\n## {binpack.__version__} " in (ROOT / "CHANGELOG.md").read_text()
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == binpack.__version__


def test_the_changes_say_the_versions_of_stored_formats():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| `(version)` \| (\d+) \| (\S+) \|", text, re.MULTILINE)
    newest = {what: (entry, int(version)) for what, entry, version, _ in rows}
    assert newest == {
        "`config.json` of a run": ("version", CONFIG_VERSION),
        "`agent.json` of an agent": ("version", AGENT_VERSION),
        "a study's entry in its storage, `study.json`, `final.json`": ("version", STUDY_VERSION),
        "the entry `bridge` of a study of another library": ("version", BRIDGE_VERSION),
        "`job.json` in the folder of an action": ("version", ACTION_VERSION),
    }


def test_links_point_to_files():
    links = re.findall(r"""\]\(([^)\s]+)\)|src="([^"]+)\"""", README)
    links = [link or source for link, source in links]
    assert len(links) >= 4
    for link in links:
        assert "://" not in link, f"{link}: everything that the README shows is in the checkout"
        assert (ROOT / link).exists(), link
    assert {"CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "binpack/agents/shipped/README.md"} <= set(links)


def test_readme_is_short_and_has_pictures_with_their_texts():
    assert len(README.splitlines()) <= 100
    pictures = re.findall(r"<img ([^>]*)>", README)
    assert {re.search(r'src="([^"]+)"', each)[1] for each in pictures} >= {
        "tutorials/images/packing.gif",
        "tutorials/images/packed_bin.png",
    }
    assert all(re.search(r'alt="[^"]{10,}"', each) for each in pictures)


def test_both_commands_stand_before_the_course_map():
    assert (
        README.index("<!-- command: lab -->") < README.index("<!-- command: test -->") < README.index("## The course")
    )


def test_top_level_holds_what_the_design_names():
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):  # a copy without git, where a learner may have started
        names = [path.name for path in ROOT.iterdir() if path.name != FOLDER]
    top = {name.split("/")[0] for name in names if not name.startswith(".")}
    assert top <= TOP_LEVEL, sorted(top - TOP_LEVEL)


def test_every_import_is_pinned():
    pinned = system.pins((ROOT / "requirements.txt").read_text())
    providers = importlib.metadata.packages_distributions()
    local = {path.stem for path in own_files("notebooks/source/*.py", "tests/**/*.py")} | {"binpack", "tests"}
    files = own_files("binpack/**/*.py", "notebooks/source/*.py", "tests/**/*.py")
    for file in files:
        for module in imported(ast.parse(file.read_text(encoding="utf-8"))):
            if module in sys.stdlib_module_names or module in local:
                continue
            names = {system.normalised(name) for name in providers.get(module, [])}
            assert names & set(pinned), f"{file.relative_to(ROOT)} imports {module}, which has no pin"


def imported(tree: ast.Module) -> set[str]:
    """Return the top-level names of the modules that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


def test_pins_cover_what_the_package_declares():
    pinned = system.pins((ROOT / "requirements.txt").read_text())
    for declared in importlib.metadata.requires("binpack"):
        name = system.normalised(re.match(r"[A-Za-z0-9._-]+", declared)[0])
        assert name in pinned, f"pyproject.toml asks for {declared}, which has no pin"


def test_every_dependency_of_a_pin_is_a_pin():
    from packaging.requirements import Requirement

    pinned = system.pins((ROOT / "requirements.txt").read_text())
    wanted = {"gymnasium": {"", "box2d"}, "psycopg": {"", "binary"}}
    for name in pinned:
        for text in importlib.metadata.requires(name) or ():
            needed = Requirement(text)
            extras = wanted.get(name, {""})
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                # torch's builds with CUDA pin their own libraries; the build without has none
                if needed.name.startswith(("nvidia-", "cuda-", "triton")):
                    continue
                assert system.normalised(needed.name) in pinned, f"{name} needs {text}, which has no pin"


@pytest.mark.parametrize("python", ["3.11.2", "3.12.0", "3.13.0"])  # Debian 12 has 3.11.2
def test_every_pin_admits_the_supported_pythons(python):
    from packaging.specifiers import SpecifierSet

    for name in system.pins((ROOT / "requirements.txt").read_text()):
        needed = importlib.metadata.metadata(name).get("Requires-Python") or ""
        assert python in SpecifierSet(needed), f"{name} needs Python {needed}"
