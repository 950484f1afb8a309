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
from collections.abc import Callable, Collection, Iterator
from typing import Any


class Stop(BaseException):
    """Raised in the middle of an answer that does not end; no `except Exception` of a learner's catches it."""


class Printed(io.TextIOBase):
    """Keeps the first lines of what an answer prints: a check may call it a thousand times.

    Attributes:
        lines: how many lines have been written.
    """

    LINES, WIDTH = 8, 160

    def __init__(self) -> None:
        self.lines = 0
        self._kept: list[str] = [""]

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        first, *rest = text.split("\n")
        self._add(first)
        for part in rest:
            self.lines += 1
            if len(self._kept) <= self.LINES:
                self._kept.append("")
            self._add(part)
        return len(text)

    def _add(self, part: str) -> None:
        if self.lines < self.LINES:
            self._kept[-1] = (self._kept[-1] + part)[: self.WIDTH]

    @property
    def text(self) -> str:
        """The first lines, and how many more there were; empty where nothing was printed."""
        kept = list(self._kept[: self.LINES])
        while kept and not kept[-1].strip():
            kept.pop()
        more = self.lines - self.LINES
        return "\n".join([*kept, f"... and {more} more {'line' if more == 1 else 'lines'}"] if more > 0 else kept)


@contextlib.contextmanager
def captured() -> Iterator[Printed]:
    """Catch what an answer prints, and swallow what it warns about."""
    printed = Printed()
    sink = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(sink), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield printed


def explain(error: BaseException, answer: Callable, known: Collection[str] = ()) -> str:
    """Say in one line where an answer went wrong.

    Args:
        error: what it raised.
        answer: the learner's function.
        known: names that the lesson binds above it; where one is missing, the kernel was restarted.
    """
    code = getattr(unwrapped(answer), "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if code is not None and frame.filename == code.co_filename]
    said = re.sub(r" (at )?0x[0-9a-fA-F]+", "", one_line(text_of(error)))[:200]
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    if not own:
        return f"cannot be checked, its signature or what it returns does not fit the docstring ({what})"
    number = own[-1].lineno or 0
    line = linecache.getline(own[-1].filename, number).strip()
    if isinstance(error, NotImplementedError):
        return f"is not finished yet: it still comes to line {number} of your cell, `{line}`"
    return f"stopped with {what}, in line {number} of your cell, `{line}`{_advice(error, known)}"


def text_of(value: object, write: Callable[[Any], str] = str) -> str:
    """Return the text of anything, also of an object of a learner's whose own way to write itself fails.

    Args:
        value: an error or a result.
        write: ``str`` or ``repr``.
    """
    try:
        return write(value)
    except Stop:
        raise
    except BaseException as error:
        return f"<{type(value).__name__}, whose __{write.__name__}__ raises {type(error).__name__}>"


def _advice(error: BaseException, known: Collection[str]) -> str:
    """Say what to do where the error's own words do not, or point elsewhere."""
    if isinstance(error, NameError) and error.name in known:
        return " (after a restart of the kernel: Run > Run All Above Selected Cell)"
    if isinstance(error, ValueError) and "truth value of an array" in text_of(error):
        return " (join conditions on arrays with & and |, each in brackets, not with `and` and `or`)"
    return ""


def unwrapped(answer: Any) -> Any:
    """Return the function inside wrappers (functools.wraps, functools.partial, numpy.vectorize)."""
    for _ in range(10):
        inner = getattr(answer, "__wrapped__", None) or getattr(answer, "func", None) or getattr(answer, "pyfunc", None)
        if inner is None:
            break
        answer = inner
    return answer


def is_empty(answer: Callable, start: Callable | None = None) -> bool:
    """Tell whether a function is still what the learner's cell began with.

    Args:
        answer: the learner's function.
        start: the function that the cell began with; None stands for the stub: a docstring, `...`, `pass` or its raise.
    """
    body = _body(answer)
    if body is None:
        return False
    if start is not None:
        begun = _body(start)
        return begun is not None and list(map(ast.dump, body)) == list(map(ast.dump, begun))
    return all(_does_nothing(statement) for statement in body)


def _body(function: Callable) -> list[ast.stmt] | None:
    """Statements of a function but its docstring; None where it has no source that can be read."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
    if not tree.body or not isinstance(tree.body[0], ast.FunctionDef):
        return None
    statements = tree.body[0].body
    return statements[1:] if ast.get_docstring(tree.body[0]) is not None else statements


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise):
        return statement.exc is not None and ast.unparse(statement.exc).startswith("NotImplementedError")
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def one_line(text: str) -> str:
    """Collapse all white space, line ends included."""
    return " ".join(text.split())
