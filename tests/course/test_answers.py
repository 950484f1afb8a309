"""What learners may write: a right answer carries its lesson to the end, a wrong one gets its message."""

from collections import Counter
from pathlib import Path

import lesson as builder
import nbformat
import pytest
from answer_files import FOLDER, Answer, read_answers
from build import execute, sources
from nbformat import NotebookNode

from binpack.course.exercises import exercises_of
from binpack.course.exercises._examine import DRAWS
from binpack.course.exercises._lessons import lessons
from binpack.course.exercises._values import close
from binpack.course.exercises.core import Exercise

RIGHT, WRONG = 2, 5

LESSONS = [each for each in lessons() if each.sources()]
for each in LESSONS:
    each.load()
EXERCISES = {each: exercises_of(each.package) for each in LESSONS}
ANSWERS = {each: read_answers(each.package.rpartition(".")[2], EXERCISES[each]) for each in LESSONS}
PAIRS = [
    pytest.param(exercise, answer, id=f"{answer.exercise}__{answer.label}")
    for each in LESSONS
    for answer in ANSWERS[each]
    for exercise in EXERCISES[each]
    if exercise.name == answer.exercise
]
EXAMINED = [
    pytest.param(exercise, id=f"{exercise.topic}.{exercise.name}")
    for each in LESSONS
    for exercise in EXERCISES[each]
    if exercise.examination is not None
]


def test_every_file_belongs_to_a_lesson():
    known = {each.package.rpartition(".")[2][:3] for each in LESSONS}
    assert {path.name[:3] for path in FOLDER.glob("*.py")} <= known


@pytest.mark.parametrize("exercise", [each for many in EXERCISES.values() for each in many], ids=lambda each: each.name)
def test_each_exercise_has_answers_of_both_kinds(exercise):
    mine = [answer for answer in ANSWERS[exercise.lesson] if answer.exercise == exercise.name]
    kinds = Counter(answer.wrong for answer in mine)
    assert kinds[False] >= RIGHT and kinds[True] >= WRONG, kinds


@pytest.mark.parametrize(("exercise", "answer"), PAIRS)
def test_an_answer_gets_its_verdict(exercise: Exercise, answer: Answer):
    verdict = exercise.judge(answer.function())
    if answer.wrong:
        assert verdict.outcome in ("wrong", "error"), verdict
        assert answer.says and answer.says in verdict.text
    else:
        assert verdict.outcome == "correct", verdict


@pytest.mark.parametrize("exercise", EXAMINED)
def test_named_mistakes_can_be_told_apart(exercise: Exercise):
    examination = exercise.examination
    inputs = [*examination.cases(), *examination.drawn(seed=0)]
    assert len(inputs) >= 3 + DRAWS, "three cases or more"
    right = [examination.outcome(exercise.reference, each) for each in inputs]
    found = {
        message: [examination.tried(wrong, each) for each in inputs] for message, wrong in examination.mistakes.items()
    }
    for message, got in found.items():
        differs = sum(not close(one, other) for one, other in zip(got, right, strict=True))
        assert differs >= 2, f"{message!r} gives the right result on all but {differs} of the inputs"
        twins = [other for other in found if other != message and all(map(close, found[other], got))]
        assert not twins, f"{message!r} gives the same results as {twins[0]!r}"


def source_of(lesson_number: int, exercise: str) -> Path | None:
    """The lesson's source that sets an exercise."""
    for path in sources():
        if path.stem[:2] == f"{lesson_number:02}":
            cells = builder.read_source(path)
            if any(cell.kind == "exercise" and cell.text.rpartition(".")[2] == exercise for cell in cells):
                return path
    return None


def runs() -> dict[tuple[Path, str], dict[str, Answer]]:
    """Each lesson's source twice, and one right answer for each of its exercises.

    The run "first" takes the first answer of every other exercise and the second of the rest, and "second" the others:
    so either run alone mixes what learners may write. Further right answers are judged, and not run through.
    """
    found: dict[tuple[Path, str], dict[str, Answer]] = {}
    for each in LESSONS:
        for place, exercise in enumerate(EXERCISES[each]):
            right = [answer for answer in ANSWERS[each] if answer.exercise == exercise.name and not answer.wrong]
            path = source_of(each.number, exercise.name)
            for turn, name in enumerate(("first", "second")):
                if path is not None:
                    found.setdefault((path, name), {})[exercise.name] = right[(place + turn) % RIGHT]
    return dict(sorted(found.items(), key=str))


def pytest_generate_tests(metafunc):
    """Run each lesson with its right answers, where every lesson is asked for."""
    if "alternatives" not in metafunc.fixturenames:
        return
    chosen = [pytest.param(path, mine, id=f"{path.stem}-{name}") for (path, name), mine in runs().items()]
    if not metafunc.config.getoption("--all-lessons"):
        chosen = [pytest.param(None, {}, marks=pytest.mark.skip(reason="--all-lessons runs them"), id="all")]
    metafunc.parametrize(("path", "alternatives"), chosen)


def test_a_lesson_runs_to_its_end_with_right_answers(path: Path, alternatives: dict[str, Answer]):
    notebook = builder.render(path, solved=True)
    for cell in notebook.cells:
        for name, answer in alternatives.items():
            if cell.id == f"answer-{name.replace('_', '-').strip('-')}"[:60]:
                above, _, _ = cell.source.partition(f"def {name}(")  # imports of the lesson, which others need as well
                cell.source = above + answer.cell
    execute(notebook, path.parent.parent / "solutions")
    committed = nbformat.read(path.parent.parent / "solutions" / f"{path.stem}.ipynb", as_version=4)
    got, wanted = compared(notebook), compared(committed)
    assert got.keys() == wanted.keys()
    for cell, text in got.items():
        assert text == wanted[cell], cell


def compared(notebook: NotebookNode) -> dict[str, str]:
    """Text of the outputs that must be the same whoever wrote the functions, by the id of the cell."""
    return {
        cell.id: "\n".join(
            output.text if output.output_type == "stream" else output.get("data", {}).get("text/plain", "")
            for output in cell.outputs
            if output.get("name") != "stderr"
        )
        for cell in notebook.cells
        if cell.cell_type == "code" and "nbval-ignore-output" not in cell.metadata.get("tags", ())
    }
