"""The learner's copy of the lessons: what is the learner's is never written over, and an update never conflicts."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from binpack.course import working_copy
from binpack.course.working_copy import FOLDER, lessons, reset, update
from binpack.files import InputError

ROOT = Path(__file__).resolve().parents[2]
LESSONS = {"00_start": "00", "02_network": "02", "02b_lander": "02b", "03_packing": "03"}


def write(path: Path, text: str, output: str = "1") -> None:
    """Write a notebook of one code cell that has run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cell = nbformat.v4.new_code_cell(text, id="only", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=output)]
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)


def text_of(path: Path) -> str:
    """Return the source of a notebook's one cell."""
    return nbformat.read(path, as_version=4).cells[0].source


@pytest.fixture
def checkout(tmp_path):
    """A checkout with four lessons, and its copy's folder, not made yet."""
    root = tmp_path / "checkout"
    for name in LESSONS:
        write(root / "notebooks" / f"{name}.ipynb", f"stub of {name}")
        write(root / "notebooks" / "solutions" / f"{name}.ipynb", f"solution of {name}")
    return root, root / FOLDER


def files(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder but the record."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != working_copy.RECORD}


def test_the_first_start_copies_every_lesson_with_its_solutions_byte_for_byte(checkout):
    root, mine = checkout
    assert list(lessons(root)) == ["00", "02", "02b", "03"]
    assert list(update(root).lines()) == [
        "Your own copy of the lessons is in my_lessons/. Updates of the course leave your answers alone."
    ]
    assert files(mine) == files(root / "notebooks")
    assert list(update(root).lines()) == []


def test_a_new_lesson_is_added_and_one_that_was_deleted_comes_back(checkout):
    root, mine = checkout
    update(root)
    write(root / "notebooks" / "04_ppo.ipynb", "stub of 04_ppo")
    (mine / "00_start.ipynb").unlink()
    assert list(update(root).lines()) == ["New in my_lessons/: 00, 04."]
    assert files(mine) == files(root / "notebooks")


def test_what_was_saved_is_never_written_again_and_what_was_not_follows_the_course(checkout):
    root, mine = checkout
    update(root)
    write(mine / "02_network.ipynb", "my answer")
    for name in ("02_network", "03_packing"):
        write(root / "notebooks" / f"{name}.ipynb", f"better stub of {name}")
    assert list(update(root).lines()) == [
        "Brought up to date, since you had not worked on it: 03.",
        "Changed in the course since you began: 02. Yours stays as it is; "
        "python -m binpack lab --reset 02 brings the new one and keeps yours beside it.",
    ]
    assert text_of(mine / "02_network.ipynb") == "my answer"
    assert text_of(mine / "03_packing.ipynb") == "better stub of 03_packing"
    # and it goes on saying so, until it is renewed
    assert [line.partition(".")[0] for line in update(root).lines()] == ["Changed in the course since you began: 02"]
    reset(root, "02")
    assert list(update(root).lines()) == []


def test_a_lesson_that_only_ran_is_the_learners_and_another_run_in_the_course_is_no_news(checkout):
    root, mine = checkout
    update(root)
    write(mine / "03_packing.ipynb", "stub of 03_packing", output="ran here")
    before = (mine / "03_packing.ipynb").read_bytes()
    write(root / "notebooks" / "03_packing.ipynb", "stub of 03_packing", output="ran again there")
    assert list(update(root).lines()) == []
    assert (mine / "03_packing.ipynb").read_bytes() == before


def test_changed_solutions_are_told_with_their_lesson(checkout):
    root, mine = checkout
    update(root)
    write(mine / "solutions" / "02b_lander.ipynb", "looked at it")
    write(root / "notebooks" / "solutions" / "02b_lander.ipynb", "better solution")
    assert update(root).changed == ["02b"]


@pytest.mark.parametrize("number", ["02b", "2b", "2B", "02b_lander", "02b_lander.ipynb"])
def test_a_reset_renews_one_part_and_keeps_the_old_one_beside_it(checkout, number):
    root, mine = checkout
    update(root)
    for text in ("my first answer", "my second answer"):
        write(mine / "02b_lander.ipynb", text)
        before = files(mine)
        done = reset(root, number)
        assert text_of(done.lesson) == "stub of 02b_lander"
        kept = done.kept[0].relative_to(mine).as_posix()
        assert files(mine) == before | {
            "02b_lander.ipynb": (root / "notebooks" / "02b_lander.ipynb").read_bytes(),
            kept: before["02b_lander.ipynb"],
        }
    assert text_of(mine / "02b_lander_mine_1.ipynb") == "my first answer"
    assert text_of(mine / "02b_lander_mine_2.ipynb") == "my second answer"
    assert reset(root, number).kept == []  # nothing of the learner's is left to keep
    assert list(update(root).lines()) == []


@pytest.mark.parametrize("number", ["12", "", "x", "2c", "../03", "03 04", "-3"])
def test_a_reset_of_no_lesson_says_which_there_are(checkout, number):
    root, mine = checkout
    with pytest.raises(InputError) as raised:
        reset(root, number)
    assert str(raised.value) == f"there is no lesson {number!r}; there are 00, 02, 02b, 03"
    assert not mine.exists()


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"02_network.ipynb": 3}'])
def test_without_a_record_every_notebook_is_the_learners(checkout, text):
    root, mine = checkout
    update(root)
    write(mine / "02_network.ipynb", "my answer")
    (mine / working_copy.RECORD).unlink()
    if text is not None:
        (mine / working_copy.RECORD).write_text(text)
    before = files(mine)
    assert list(update(root).lines()) == []
    assert files(mine) == before
    write(root / "notebooks" / "02_network.ipynb", "better stub")
    assert update(root).changed == ["02"]
    assert files(mine) == before


def test_a_notebook_of_the_course_that_is_no_notebook_is_copied_as_it_is(checkout):
    root, mine = checkout
    (root / "notebooks" / "03_packing.ipynb").write_text("<<<<<<< HEAD\n")
    update(root)
    assert (mine / "03_packing.ipynb").read_text() == "<<<<<<< HEAD\n"


def test_a_kill_in_the_middle_of_a_copy_leaves_no_half_and_the_next_start_goes_on(checkout):
    root, mine = checkout
    code = (
        "import os, shutil, signal, sys\n"
        "from pathlib import Path\n"
        "from binpack.course import working_copy\n"
        "def half(source, target):\n"
        "    if '02b' in str(source):\n"
        "        Path(target).write_bytes(Path(source).read_bytes()[:100])\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    Path(target).write_bytes(Path(source).read_bytes())\n"
        "working_copy.shutil.copyfile = half\n"
        "working_copy.update(Path(sys.argv[1]))\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(root)], check=False)
    assert killed.returncode == -signal.SIGKILL
    whole = {name: content for name, content in files(mine).items() if not Path(name).name.startswith(".")}
    assert set(whole) == {
        "00_start.ipynb",
        "02_network.ipynb",
        "solutions/00_start.ipynb",
        "solutions/02_network.ipynb",
    }
    assert whole.items() <= files(root / "notebooks").items()
    assert update(root).added == ["02b", "03"]
    assert files(root / "notebooks").items() <= files(mine).items()


# ------------------------------------------------------------------------------------------------- a real git checkout


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it prints."""
    name = ("-c", "user.name=tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false")
    settings = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", *name, *arguments]
    return subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_an_update_of_a_clone_meets_no_answer(checkout, tmp_path):
    course, _ = checkout
    shutil.copy(ROOT / ".gitignore", course)
    git(course, "init", "-q", "-b", "main")
    git(course, "add", ".")
    git(course, "commit", "-q", "-m", "lessons")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(course), str(clone))
    update(clone)
    write(clone / FOLDER / "02_network.ipynb", "my answer")
    (clone / FOLDER / "study.journal").write_text("what a lesson wrote\n")
    assert git(clone, "status", "--porcelain") == ""
    write(course / "notebooks" / "02_network.ipynb", "better stub")
    write(course / "notebooks" / "04_ppo.ipynb", "stub of 04_ppo")
    git(course, "add", ".")
    git(course, "commit", "-q", "-m", "a better lesson and a new one")
    git(clone, "pull", "-q", "--ff-only")
    told = update(clone)
    assert (told.added, told.changed) == (["04"], ["02"])
    assert text_of(clone / FOLDER / "02_network.ipynb") == "my answer"
    assert text_of(clone / FOLDER / "04_ppo.ipynb") == "stub of 04_ppo"
    assert text_of(reset(clone, "2").lesson) == "better stub"
    assert git(clone, "status", "--porcelain") == ""


def test_the_record_is_read_by_people_too(checkout):
    root, mine = checkout
    update(root)
    record = json.loads((mine / working_copy.RECORD).read_text())
    assert set(record) == set(files(root / "notebooks"))
    assert all(set(known) == {"bytes", "cells"} for known in record.values())
