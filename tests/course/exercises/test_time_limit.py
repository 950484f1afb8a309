"""A check ends, whatever an answer does to keep going; and what the answer borrowed is given back."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from binpack.course.exercises import exercise, expect_close, promise
from binpack.course.exercises._apart import call_apart

LIMIT = 0.3
ANSWERS = {
    "a bare except": """
        while True:
            try:
                while True:
                    total = 0
            except:
                pass
    """,
    "except BaseException around numpy": """
        while True:
            try:
                np.ones(10_000).cumsum()
            except BaseException:
                continue
    """,
    "nested": """
        while True:
            try:
                while True:
                    try:
                        while True:
                            try:
                                sum(range(100))
                            except:
                                pass
                    except BaseException:
                        np.zeros(3)
            except:
                pass
    """,
    "finally": """
        while True:
            try:
                while True:
                    sum(range(100))
            finally:
                continue
    """,
    "suppress": """
        while True:
            with contextlib.suppress(BaseException):
                while True:
                    sum(range(100))
    """,
    "sleep": """
        while True:
            try:
                time.sleep(1000)
            except:
                pass
    """,
    "a generator": """
        def numbers():
            while True:
                try:
                    yield 1
                except:
                    pass
        while True:
            try:
                sum(numbers())
            except:
                pass
    """,
    "a helper": """
        while True:
            try:
                again()
            except:
                pass
    """,
    "right after all": """
        try:
            while True:
                pass
        except:
            return 3
    """,
    "wrong after all": """
        try:
            while True:
                pass
        except:
            return 4
    """,
    "an error after all": """
        try:
            while True:
                pass
        except:
            raise ValueError("something else")
    """,
    "one endless call": "return sum(range(10**13))",
    "a call that swallows nothing and ends never": """
        import re
        return re.match("(a+)+b", "a" * 100)
    """,
    "borrowing": """
        while True:
            try:
                with borrowed():
                    while True:
                        sum(range(100))
            except:
                pass
    """,
}
SCRIPT = """
import contextlib, signal, time
import numpy as np
from binpack.course.exercises import exercise, expect_close

STATE = {"borrowed": 0, "checker": 0}

@contextlib.contextmanager
def borrowed(what="borrowed"):
    STATE[what] += 1
    try:
        yield
    finally:
        for _ in range(100):  # a place to be interrupted at
            int(0)
        STATE[what] -= 1

def three():
    "Return 3."
    return 3

three.__module__ = "binpack.course.l07_tiny.exercises"
made = exercise(minutes=1, difficulty=1, hints=("h",), seconds=LIMIT)(three)

@made.check
def _(answer):
    with borrowed("checker"):
        expect_close(answer(), 3, "it should be 3")

before = signal.getsignal(signal.SIGALRM)
for name, source in ANSWERS.items():
    namespace = {"np": np, "contextlib": contextlib, "time": time, "borrowed": borrowed, "__name__": "__main__"}
    exec("def again():\\n    while True:\\n        sum(range(100))\\n\\ndef three():\\n" + source, namespace)
    start = time.monotonic()
    text = made.judge(namespace["three"]).text
    clean = signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0) and signal.getsignal(signal.SIGALRM) is before
    print(name, text, time.monotonic() - start, clean, *STATE.values(), sep="|", flush=True)
"""


@pytest.fixture(scope="module")
def judged():
    """What the check says about each answer, in a process that can be killed: answer to what it printed."""
    answers = {name: textwrap.indent(textwrap.dedent(source), "    ") for name, source in ANSWERS.items()}
    script = f"ANSWERS, LIMIT = {answers!r}, {LIMIT}\n{SCRIPT}"
    try:
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        printed = done.stdout
    except subprocess.TimeoutExpired as error:
        printed = (error.stdout or b"").decode()
    return {line.partition("|")[0]: line.split("|")[1:] for line in printed.splitlines()}


@pytest.mark.skipif(not hasattr(__import__("signal"), "setitimer"), reason="no timer on this platform")
@pytest.mark.parametrize("name", ANSWERS)
def test_a_check_ends_whatever_the_answer_swallows(judged, name):
    assert name in judged, "its check did not end"
    text, seconds, clean, borrowed, checker = judged[name]
    assert text == (
        f"exercise 7.1 three did not end within {LIMIT} s: is there a loop that never stops?; "
        "going on with the reference solution"
    )
    assert float(seconds) < LIMIT + 8
    assert clean == "True", "the timer or its handler is still there"
    assert (borrowed, checker) == ("0", "0"), "something was not given back"


WRONG = {
    "raise KeyboardInterrupt": "stopped with KeyboardInterrupt, in line 2 of your cell, `raise KeyboardInterrupt`",
    "raise GeneratorExit('x')": "stopped with GeneratorExit: x, in line 2 of your cell, `raise GeneratorExit('x')`",
    "raise SystemExit(3)": "stopped with SystemExit: 3, in line 2 of your cell, `raise SystemExit(3)`",
    "raise Own": "stopped with Own, in line 2 of your cell, `raise Own`",
    "raise Mute": "stopped with Mute: <Mute, whose __str__ raises RuntimeError>, in line 2 of your cell, `raise Mute`",
    "return Shy()": "is not right yet: the result should be one number, not ",
    "return [Shy(), Shy()]": "is not right yet: the result should be one number, not ",
    "return {Shy(): Shy()}": "is not right yet: the result should be one number, not ",
    "import os; os._exit(0)": "ended Python itself before it could be checked (exit code 0)",
    "import os; os.abort()": "ended Python itself before it could be checked (ended by SIGABRT)",
}


@pytest.mark.parametrize("body", WRONG)
def test_whatever_an_answer_raises_or_returns_is_answered_in_one_line(tmp_path, monkeypatch, body):
    monkeypatch.setitem(sys.modules, _three.__module__, sys.modules[__name__])
    made = exercise(minutes=1, difficulty=1, hints=("h",), seconds=5.0, returns=promise.a_float())(_three)
    made.check(lambda answer: expect_close(answer(), 3, "it should be 3"))
    source = tmp_path / "cell.py"
    source.write_text(f"def three():\n    {body}\n")
    namespace = {"Own": Own, "Mute": Mute, "Shy": Shy}
    exec(compile(source.read_text(), str(source), "exec"), namespace)
    verdict = made.judge(namespace["three"])
    assert verdict.text.startswith(f"{made.title} {WRONG[body]}") and "\n" not in verdict.text
    assert verdict.text.endswith("; going on with the reference solution")
    assert all("0x" not in text for _, text in verdict.facts)


class Own(BaseException):
    pass


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Shy:
    def __repr__(self):
        raise Own

    __str__ = __repr__


def _three():
    """Return 3."""
    return 3


_three.__module__ = "binpack.course.l07_tiny.exercises"


def test_what_a_check_does_stays_in_its_own_process():
    made = exercise(minutes=1, difficulty=1, hints=("h",), seconds=5.0)(_three)
    seen = []

    @made.check
    def _(answer):
        seen.append(answer())

    assert made.judge(lambda: 3).outcome == "correct" and seen == []


def test_what_fails_in_the_other_process_is_raised_in_this_one():
    calls = []

    def fail():
        calls.append(os.getpid())
        raise ValueError("not what was meant")

    with pytest.raises(ValueError, match="not what was meant"):
        call_apart(fail, 5.0)
    assert calls == [os.getpid()]


def test_ctrl_c_ends_the_check_and_its_process():
    made = exercise(minutes=1, difficulty=1, hints=("h",), seconds=60.0)(_three)
    made.check(lambda answer: answer())
    before = set(children())
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            made.judge(lambda: sum(range(10**13)))
    finally:
        signal.signal(signal.SIGINT, handler)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    assert set(children()) == before


def children():
    """Return the processes that this one has started."""
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
