"""Real copies of the course's notebooks, graded in processes of their own; what their code does stays there."""

import json
import re
import socket
import threading
import time

import pytest

from binpack.course.grading import cage
from binpack.course.grading.copies import read_copy, sheets
from binpack.course.grading.grade import grade, grade_class, read_class
from binpack.files import MachineError
from binpack.system import checkout

SECONDS = 20.0
"""For one exercise; a check's own share of it is 15."""
RIGHT = "def landing_height(heights, item, x, y):\n    return heights[x : x + item[0], y : y + item[1]].max()"


def learners_copy(folder, stem="03_packing_environment", **answers):
    """Write a learner's notebook with answers typed into their cells."""
    notebook = json.loads((checkout() / "notebooks" / f"{stem}.ipynb").read_text(encoding="utf-8"))
    for name, code in answers.items():
        (cell,) = [each for each in notebook["cells"] if each.get("id") == f"answer-{name.replace('_', '-')}"]
        head = "".join(cell["source"]).partition("def ")[0]
        cell["source"] = head + code
    path = folder / f"{stem}.ipynb"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return read_copy(path, folder, sheets(checkout()))


def marks(graded):
    return {mark.name: (mark.verdict, mark.line) for mark in graded.marks}


@pytest.fixture(scope="module")
def port():
    """A server of this machine that notes whether somebody came."""
    came = threading.Event()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def wait():
            try:
                server.accept()
                came.set()
            except OSError:
                return

        threading.Thread(target=wait, daemon=True).start()
        yield server.getsockname()[1]
        assert not came.is_set(), "an answer reached a server of this machine"


def test_a_copy_with_answers_of_every_kind(tmp_path, port):
    late = tmp_path / "late"
    child = f"import os, time; os.setsid(); time.sleep(3); open({str(late)!r}, 'w')"
    copy = learners_copy(
        tmp_path / "ann",
        landing_height=RIGHT,
        landing_heights="def landing_heights(*given):\n    import os\n    os._exit(3)",
        fraction_mask="def fraction_mask(*given):\n    import socket\n"
        f"    socket.create_connection(('127.0.0.1', {port}))",
        decode_action="def decode_action(*given):\n    while True:\n        pass",
        action_mask="def action_mask(*given):\n    for _ in range(100_000):\n        print('x' * 100)",
        lowest_landing="def lowest_landing(*given):\n    import os, subprocess, sys\n"
        f"    subprocess.Popen([sys.executable, '-c', {child!r}])\n    os.abort()",
    )
    graded = grade(copy, SECONDS)
    got = marks(graded)
    assert [mark.number for mark in graded.marks] == [f"3.{number}" for number in range(1, 7)]
    assert got["landing_height"] == ("right", "") and graded.right == 1
    assert got["landing_heights"] == ("exception", "ended Python itself before it could be checked (exit code 3)")
    verdict, line = got["fraction_mask"]
    assert verdict == "exception" and ("unreachable" in line or "without the network" in line)
    assert got["decode_action"] == ("exception", "did not end within 15 s: is there a loop that never stops?")
    assert got["action_mask"] == ("wrong", "it prints its answer and returns None: end with return")
    assert got["lowest_landing"][0] == "exception" and got["lowest_landing"][1].startswith(
        "ended Python itself before it could be checked ("
    )
    if not cage.network().guard:
        time.sleep(4)
        assert not late.exists(), "what an answer started goes on after it"


def test_untouched_wrong_and_broken_answers_have_the_checks_line(tmp_path):
    (mark,) = grade(learners_copy(tmp_path / "ann", "00_start_here"), SECONDS).marks
    assert (mark.number, mark.name, mark.verdict, mark.line) == ("0.1", "utilization", "not attempted", "")
    code = "def utilization(*given):\n    return 2.0"
    (mark,) = grade(learners_copy(tmp_path / "bob", "00_start_here", utilization=code), SECONDS).marks
    assert mark.verdict == "wrong" and mark.line
    code = "from binpack.course.l00_start_here.exercises import utilization"
    (mark,) = grade(learners_copy(tmp_path / "cat", "00_start_here", utilization=code), SECONDS).marks
    assert (mark.verdict, mark.line) == ("not attempted", "it is the course's own function, imported")


@pytest.mark.parametrize(
    ("code", "verdict", "says"),
    [
        (
            "def utilization(*given):\n    raise KeyboardInterrupt('enough')",
            "exception",
            "stopped with KeyboardInterrupt: enough",
        ),
        ("raise SystemExit(4)\n\ndef utilization(*given):\n    return 1", "wrong", ""),
        ("@boom\ndef utilization(*given):\n    return 1", "exception", "NameError: name 'boom' is not defined"),
        ("utilization = 5", "wrong", "utilization is no function but of type int"),
        ("def utilization(*given):\n    return bytearray(2**40)", "exception", "MemoryError"),
        (
            "def utilization(*given):\n    return open('/proc/self/environ').read().index('BINPACK_TOKEN')",
            "exception",
            "ValueError",
        ),
        (
            "def utilization(*given):\n    return sum(iter(int, 1))",  # within C, where no signal is looked for
            "exception",
            "did not end within 8 s, and its process was killed",
        ),
        (
            "def utilization(*given):\n    import os\n    os.closerange(0, 99)\n    return sum(iter(int, 1))",
            "exception",
            # `unshare` holds it open
            "closed what its verdict is written to|did not end within 8 s|ended Python itself before",
        ),
        (
            "def utilization(*given):\n    import os\n    for fd in range(3, 9):\n        try:\n"
            "            os.write(fd, b'junk [] {} 1\\n' * 200_000)\n        except OSError:\n            pass",
            "exception",
            "wrote to where its verdict is read",
        ),
    ],
)
def test_whatever_an_answer_does_it_gets_a_verdict(tmp_path, monkeypatch, code, verdict, says):
    monkeypatch.setenv("BINPACK_TOKEN", "a secret of the instructor's")
    copy = learners_copy(tmp_path / "ann", "00_start_here", utilization=code)
    (mark,) = grade(copy, 8.0).marks
    assert mark.verdict == verdict and re.search(says, mark.line)


def test_the_solutions_of_a_lesson_are_right():
    known, folder = sheets(checkout()), checkout() / "notebooks" / "solutions"
    for stem in ("00_start_here", "03_packing_environment"):
        copy = read_copy(folder / f"{stem}.ipynb", folder, known)
        graded = grade(copy, 60.0)
        assert graded.right == len(graded.marks), marks(graded)


def test_without_namespaces_the_guard_refuses_sockets_and_programs(tmp_path, monkeypatch, port):
    monkeypatch.setattr(cage, "network", lambda: cage.Network((), True, "guarded"))
    for call in (
        f"import socket; socket.create_connection(('127.0.0.1', {port}))",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import os; os.system('true')",
        "import subprocess; subprocess.run(['true'])",
    ):
        copy = learners_copy(tmp_path / "ann", "00_start_here", utilization=f"def utilization(*given):\n    {call}")
        (mark,) = grade(copy, SECONDS).marks
        assert mark.verdict == "exception" and "PermissionError: answers are graded without" in mark.line


def test_the_network_of_this_machine_is_said(monkeypatch):
    assert ("namespace" in cage.network().said) != cage.network().guard
    monkeypatch.setenv("PATH", "")
    assert cage.network.__wrapped__() == cage.Network((), True, cage.network.__wrapped__().said)
    assert "guard within Python" in cage.network.__wrapped__().said


def test_a_process_that_does_not_start_is_the_machines_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(cage, "network", lambda: cage.Network(("false",), False, ""))
    with pytest.raises(MachineError, match=r"00_start_here.ipynb: the process that grades it ended .*exit code 1"):
        grade(learners_copy(tmp_path / "ann", "00_start_here"), SECONDS)


def test_a_class_is_graded_in_order_and_stopping_kills_what_runs(tmp_path):
    loop = "while True:\n    pass\n\ndef utilization(*given):\n    pass"
    learners_copy(tmp_path / "bob", "00_start_here", utilization="utilization = [" + "0 for _ in iter(int, 1)]")
    learners_copy(tmp_path / "ann", "00_start_here", utilization=loop)
    paths = [tmp_path / name / "00_start_here.ipynb" for name in ("bob", "ann")]
    copies, refused = read_class([*paths, tmp_path / "none.ipynb"], tmp_path, sheets(checkout()))
    assert [copy.learner for copy in copies] == ["ann", "bob"]
    assert refused == [f"{tmp_path}/none.ipynb: No such file or directory"]
    running = grade_class(copies, 500.0, 2)
    assert next(running).marks[0].verdict == "not attempted", "the answer does not stand on the loop"
    began = time.monotonic()
    running.close()  # as Ctrl-C does
    assert time.monotonic() - began < 400
