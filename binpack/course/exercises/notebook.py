"""What a lesson calls: ``ex.check``, ``ex.hint``, ``ex.solution`` and ``ex.whose``.

In a notebook each shows a box, with the same line as text that is printed elsewhere.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

from binpack.course.exercises._box import box
from binpack.course.exercises._calls import own
from binpack.course.exercises.core import Exercise, ExerciseError, Verdict, find, registered


def check(answer: Callable) -> Callable:
    """Check an answer, say how it is, and return a function to go on with.

    Args:
        answer: the learner's function; it is known by its name.

    Returns:
        The learner's function where it is right, wrapped so that its results have the promised type; the reference
        solution where it is not.

    Raises:
        ExerciseError: there is no exercise of that name.
    """
    asked = _find_for(answer, sys._getframe(1).f_globals)
    verdict = asked.judge(answer)
    _show(verdict.text, _verdict_box(asked, verdict))
    return asked.keep(answer) if verdict.outcome == "correct" else asked.reference


def hint(answer: Callable | str) -> None:
    """Show one more hint at each call.

    Args:
        answer: the function of the exercise, or its name.
    """
    asked = _find_for(answer, sys._getframe(1).f_globals)
    text = asked.next_hint()
    heading, _, said = text.partition(": ")
    _show(
        text, box("hint", heading, [said, f"`ex.hint({asked.name})` gives the next one." if asked.hints_left else ""])
    )


def solution(answer: Callable | str) -> None:
    """Show the reference solution.

    Args:
        answer: the function of the exercise, or its name.
    """
    asked = _find_for(answer, sys._getframe(1).f_globals)
    if not _in_notebook():
        print(asked.source, end="")
        return
    from IPython.display import display

    display({"text/markdown": f"```python\n{asked.source}```", "text/plain": asked.source}, raw=True)


def whose(function: Callable) -> str:
    """Say whether a function that `check` returned is the learner's: "your function" or "the reference solution".

    Args:
        function: what `check` returned.
    """
    reference = isinstance(function, Exercise) or any(function is made.reference for made in registered())
    return "the reference solution" if reference else "your function"


def _verdict_box(asked: Exercise, verdict: Verdict) -> str:
    """Return the HTML of a verdict: what is wrong, the values, what was printed, and what to do next."""
    facts = [*verdict.facts]
    if verdict.printed:
        facts.append(("printed", verdict.printed))
    said = verdict.message or verdict.text.removeprefix(asked.title).lstrip(": ")
    if verdict.outcome == "correct":
        return box("correct", asked.title, ["The lesson goes on with your function."], facts)
    if verdict.outcome == "not attempted":
        said = "The lesson goes on with the reference solution until your own is right."
    return box(verdict.outcome, asked.title, [said[:1].upper() + said[1:]], facts, _next_step(asked, verdict))


def _next_step(asked: Exercise, verdict: Verdict) -> str:
    name = asked.name
    if verdict.outcome == "reference":
        return ""
    solution = f"`ex.solution({name})` shows a solution"
    if not asked.hints_left:
        return f"Next: {solution}."
    left = f"{asked.hints_left} of {len(asked.hints)} hints left"
    begin = "tells how to begin" if asked.hints_left == len(asked.hints) else "gives the next hint"
    return f"Next: `ex.hint({name})` {begin} ({left}); {solution}."


def _show(text: str, html: str) -> None:
    if not _in_notebook():
        print(text)
        return
    from IPython.display import display

    display({"text/plain": text, "text/html": html}, raw=True)


def _in_notebook() -> bool:
    """Tell whether this runs in a Jupyter kernel; a terminal's IPython shows text only."""
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def _find_for(answer: Callable | str, namespace: dict[str, Any]) -> Exercise:
    """Find the exercise that a function, an exercise or a name stands for."""
    if isinstance(answer, Exercise):
        return answer
    for made in registered():
        if answer is made.reference:
            return made
    if isinstance(answer, str):
        return find(answer)
    if not callable(answer):
        raise ExerciseError(f"expected the function of an exercise, not {type(answer).__name__}")
    # a lambda, a partial or a vectorised function does not bear its name, but the variable does
    names = [getattr(own(answer), "__name__", "")] + [name for name, value in namespace.items() if value is answer]
    for name in names:
        with contextlib.suppress(ExerciseError):
            return find(name)
    return find(names[0] or type(answer).__name__)
