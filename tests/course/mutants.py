"""Small changes to a reference solution, one at a time, as a learner might have made them.

    PYTHONPATH=tests python tests/course/mutants.py 01              what the checks of lesson 01 say to each, to be read
    PYTHONPATH=tests python tests/course/mutants.py 01 td_update    of one exercise
    PYTHONPATH=tests python tests/course/mutants.py --write 01      keep it in ``mutants/``, after it has been read

For an exercise with a check of its own the verdicts that a person has read are kept in ``mutants/lNN_topic.txt``, and
a test compares them. For one that is examined, a test finds out by itself whether what is said is true.
"""

from __future__ import annotations

import ast
import copy
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch  # noqa: F401 - mutants use it, and what limits a check's time must not interrupt its import
from judging import run_cell

from binpack.course.exercises import Exercise, exercises_of
from binpack.course.exercises._lessons import lessons
from binpack.course.exercises.core import Verdict

FOLDER = Path(__file__).parent / "mutants"
SECONDS = 10.0
"""How long a check may take with a mutant, which may never end."""

_BINARY = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div}
_BINARY |= {ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Mod: ast.FloorDiv}
_COMPARE = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
_TURNED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
_NAMES = {"max": "min", "min": "max", "argmax": "argmin", "sum": "mean", "mean": "sum", "any": "all", "all": "any"}
_NAMES |= {"terminated": "truncated", "next_state": "state", "next_observations": "observations", "length": "width"}
_NAMES |= {"width": "length", "x": "y", "y": "x", "network": "target", "target": "network"}

IN_PLACE = "changes its arguments"
PRINTED = "prints instead of returning"
NOT_RETURNED = "returns nothing"


def mutants(exercise: Exercise) -> Iterator[tuple[str, str]]:
    """Yield labels and sources of an exercise's mutants.

    Args:
        exercise: whose reference is changed.
    """
    tree = ast.parse(exercise.source)
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    body = function.body[1:]  # a docstring comes first
    seen = {ast.unparse(tree)}
    for node in [node for statement in body for node in ast.walk(statement)]:
        for label, change in _changes(node, exercise.source):
            source = _with(tree, node, change)
            if source is not None and source not in seen:
                seen.add(source)
                yield f"line {node.lineno}: {label}", source
    yield from _whole(exercise)


def _changes(node: ast.AST, text: str) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    """Yield what may be done to a node, each with a function that does it to a copy."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for value in (node.value + 1, node.value - 1):
            yield f"{node.value} -> {value}", lambda new, value=value: setattr(new, "value", value)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", lambda new: setattr(new, "value", not new.value)
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        op = _BINARY[type(node.op)]
        yield f"{ast.unparse(node)} with {op.__name__}", lambda new, op=op: setattr(new, "op", op())
    if isinstance(node, ast.AugAssign) and type(node.op) in _BINARY:
        op = _BINARY[type(node.op)]
        yield f"{ast.unparse(node)} with {op.__name__}", lambda new, op=op: setattr(new, "op", op())
    if isinstance(node, ast.Compare):
        for table in (_COMPARE, _TURNED):
            if type(node.ops[0]) in table:
                op = table[type(node.ops[0])]
                yield f"{ast.unparse(node)} with {op.__name__}", lambda new, op=op: new.ops.__setitem__(0, op())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield f"{ast.unparse(node)} without its minus", lambda new: setattr(new, "op", ast.UAdd())
    if isinstance(node, ast.Attribute) and node.attr in _NAMES:
        yield f".{node.attr} -> .{_NAMES[node.attr]}", lambda new: setattr(new, "attr", _NAMES[new.attr])
    known = isinstance(node, ast.Name) and node.id in _NAMES and re.search(rf"\b{_NAMES[node.id]}\b", text)
    if (
        isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Load)
        and (known or node.id in ("max", "min", "any", "all"))
    ):
        yield f"{node.id} -> {_NAMES[node.id]}", lambda new: setattr(new, "id", _NAMES[new.id])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        yield f"{ast.unparse(node)} with one more", lambda new: setattr(new, "right", _plus(new.right, 1))
        yield f"{ast.unparse(node)} with Mult", lambda new: setattr(new, "op", ast.Mult())
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        for step in (1, -1):
            change = f"{ast.unparse(node)} ends {'later' if step > 0 else 'earlier'} by one"
            yield change, lambda new, step=step: new.args.__setitem__(-1, _plus(new.args[-1], step))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "enumerate":
        yield "enumerate counts from 1", lambda new: new.args.append(ast.Constant(1))
    if isinstance(node, ast.Call) and len(node.args) == 2:
        yield f"{ast.unparse(node)} with its arguments exchanged", lambda new: new.args.reverse()
    if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr):
        yield f"without {ast.unparse(node)}", lambda new: None


def _plus(node: ast.expr, number: int) -> ast.expr:
    return ast.BinOp(node, ast.Add(), ast.Constant(number))


def _with(tree: ast.Module, node: ast.AST, change: Callable[[ast.AST], None]) -> str | None:
    """Return the source with one node changed; a statement that nothing is done to is taken out."""
    place = next(number for number, each in enumerate(ast.walk(tree)) if each is node)
    made = copy.deepcopy(tree)
    new = next(each for number, each in enumerate(ast.walk(made)) if number == place)
    before = ast.dump(new)
    change(new)
    if ast.dump(new) == before:
        for parent in ast.walk(made):
            for field in ("body", "orelse"):
                block = getattr(parent, field, None)
                if isinstance(block, list) and new in block:
                    block[block.index(new)] = ast.Pass()
    source = ast.unparse(ast.fix_missing_locations(made))
    try:
        compile(source, "<mutant>", "exec")
    except SyntaxError:
        return None
    return source


def _whole(exercise: Exercise) -> Iterator[tuple[str, str]]:
    """Yield mutants of what any function can do wrong: its result's type, its arguments, its return."""
    inner = exercise.source.replace(f"def {exercise.name}(", "def inner(", 1)
    head = f"{inner}\n\ndef {exercise.name}(*args, **kwargs):\n    result = inner(*args, **kwargs)\n"
    yield PRINTED, head + "    print(result)\n"
    yield NOT_RETURNED, head
    yield "returns text", head + "    return str(result)\n"
    yield "returns a list around it", head + "    return [result]\n"
    yield (
        "returns floats",
        head
        + (
            "    import torch\n"
            "    if isinstance(result, torch.Tensor): return result.double()\n"
            "    return np.asarray(result, dtype=float)\n"
        ),
    )
    yield (
        IN_PLACE,
        head
        + (
            "    import torch\n"
            "    for value in [part for arg in args for part in (arg if isinstance(arg, tuple) else [arg])]:\n"
            "        if isinstance(value, np.ndarray) and value.size:\n"
            "            flat = value.reshape(-1)\n"
            "            flat[0] = not flat[0] if value.dtype == bool else flat[0] + 1 if np.isfinite(flat[0]) else 0\n"
            "        elif isinstance(value, list) and value and isinstance(value[0], float):\n"
            "            value[0] += 1.0\n"
            "    return result\n"
        ),
    )


def judged(exercise: Exercise, source: str) -> Verdict:
    """Judge a mutant as a learner's cell.

    Args:
        exercise: what it answers.
        source: the mutant.
    """
    cell = "import numpy as np\n" + "\n".join(exercise.imports()) + "\n" + source
    limit = exercise.seconds
    exercise.seconds = min(limit, SECONDS)
    try:
        verdict = exercise.judge(run_cell(cell)[exercise.name])
    finally:
        exercise.seconds = limit
    # which line a mutant stopped in depends on how it was written out
    return replace(verdict, text=verdict.text.partition(", in line ")[0])


def lines(exercise: Exercise) -> Iterator[str]:
    """Yield one line a mutant: what was changed and what the check says.

    Args:
        exercise: whose mutants are judged.
    """
    for label, source in mutants(exercise):
        verdict = judged(exercise, source)
        said = verdict.text.removeprefix(exercise.title).removesuffix("; going on with the reference solution")
        yield f"{exercise.name} | {label} | {verdict.outcome}:{said}"


def main(arguments: list[str]) -> None:
    """Print or write what the checks of lessons say."""
    write = "--write" in arguments
    number, *names = [each for each in arguments if each != "--write"]
    for lesson in lessons():
        if f"{lesson.number:02}" != number or not lesson.sources():
            continue
        lesson.load()
        chosen = [each for each in exercises_of(lesson.package) if not names or each.name in names]
        if not write:
            for exercise in chosen:
                print(*lines(exercise), sep="\n", flush=True)
            continue
        kept = [line for each in chosen if each.examination is None for line in lines(each)]
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{lesson.package.rpartition('.')[2]}.txt").write_text("\n".join(kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
