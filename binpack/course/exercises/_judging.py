"""Running a check on an answer that may print or raise, and putting into a line what happened."""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import linecache
import re
import textwrap
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Swallow what an answer prints or warns about: a check may call it a thousand times and prints one line."""
    sink = io.StringIO()
    with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def explain(error: BaseException, answer: Callable) -> str:
    """Say in one line where an answer went wrong."""
    code = getattr(unwrapped(answer), "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if code is not None and frame.filename == code.co_filename]
    said = re.sub(r" (at )?0x[0-9a-fA-F]+", "", one_line(str(error)))[:200]
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    if not own:
        return f"cannot be checked, its signature or what it returns does not fit the docstring ({what})"
    number = own[-1].lineno or 0
    line = linecache.getline(own[-1].filename, number).strip()
    if isinstance(error, NotImplementedError):
        return f"is not finished yet: it still comes to line {number} of your cell, `{line}`"
    return f"stopped with {what}, in line {number} of your cell, `{line}`"


def unwrapped(answer: Any) -> Any:
    """Return the function inside wrappers (functools.wraps, functools.partial, numpy.vectorize)."""
    for _ in range(10):
        inner = getattr(answer, "__wrapped__", None) or getattr(answer, "func", None) or getattr(answer, "pyfunc", None)
        if inner is None:
            break
        answer = inner
    return answer


def is_empty(answer: Callable) -> bool:
    """Tell whether a function is still the stub: nothing in it but a docstring, `...`, `pass` or the stub's raise."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(answer)))
    except (OSError, TypeError, SyntaxError):
        return False
    if not tree.body or not isinstance(tree.body[0], ast.FunctionDef):
        return False
    return all(_does_nothing(statement) for statement in tree.body[0].body)


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise):
        return statement.exc is not None and ast.unparse(statement.exc).startswith("NotImplementedError")
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def one_line(text: str) -> str:
    """Collapse all white space, line ends included."""
    return " ".join(text.split())
