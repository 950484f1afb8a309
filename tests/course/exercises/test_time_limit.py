"""A check ends, whatever an answer does to keep going; and what the answer borrowed is given back."""

import subprocess
import sys
import textwrap

import pytest

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
    assert float(seconds) < LIMIT + 5
    assert clean == "True", "the timer or its handler is still there"
    assert (borrowed, checker) == ("0", "0"), "something was not given back"
