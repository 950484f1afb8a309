"""OR-Library files of many problems: one that is broken refuses itself alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binpack.items.catalogue import read_catalogue
from binpack.items.units import InstanceError

TWO = Path(__file__).parents[1] / "cases" / "two_problems.txt"
GOOD = "1 101\n100 80 60\n2\n1 20 1 15 1 10 1 12\n2 30 1 25 1 20 1 6\n"
THIRD = "3 103\n50 40 30\n1\n1 10 1 10 1 10 1 7\n"


def test_a_broken_problem_does_not_refuse_the_one_that_was_asked_for():
    catalogue = read_catalogue(TWO, problem=1)
    assert catalogue.container == (100, 80, 60) and catalogue.quantity.tolist() == [12, 6]
    with pytest.raises(InstanceError, match=r"two_problems\.txt: line 8: container \['100', '0', '60'\]: edge '0'"):
        read_catalogue(TWO, problem=2)


BROKEN = {
    "a flag is missing, as in thpack9": ("2 102\n100 90 60\n2\n1 20 1 15 1 10 1 5\n2 30 1 25 1 6\n", "6 numbers"),
    "one number too few": ("2 102\n100 90 60\n1\n1 20 1 15 1 10 5\n", r"7 numbers .*: expected 8 \(i length flag"),
    "a flag of 2": ("2 102\n100 90 60\n1\n1 20 1 15 2 10 1 5\n", "flag '2': expected 0 or 1"),
    "an edge of 0": ("2 102\n100 90 60\n1\n1 20 1 0 1 10 1 5\n", "width '0'"),
    "a word": ("2 102\n100 90 60\n1\n1 20 1 x 1 10 1 5\n", "width 'x'"),
    "more types than it says": (
        "2 102\n100 90 60\n1\n1 20 1 9 1 9 1 5\n2 20 1 9 1 9 1 5\n",
        "expected a problem's number",
    ),
    "fewer types than it says": ("2 102\n100 90 60\n3\n1 20 1 9 1 9 1 5\n", r"expected 8 \(|the file ends here"),
    "no number of types": ("2 102\n100 90 60\nmany\n1 20 1 9 1 9 1 5\n", "number of item types 'many'"),
    "a huge number of types": ("2 102\n100 90 60\n999999999\n1 20 1 9 1 9 1 5\n", r"expected 8 \(|the file ends here"),
    "two edges": ("2 102\n100 90\n1\n1 20 1 9 1 9 1 5\n", r"2 numbers '100 90': expected 3"),
    "nothing to pack": ("2 102\n100 90 60\n1\n1 20 1 9 1 9 1 0\n", "every quantity is 0"),
    "a container too large": ("2 102\n100 9000 60\n1\n1 20 1 9 1 9 1 5\n", "expected 1 to 1000 cells"),
}


@pytest.mark.parametrize("why", list(BROKEN))
@pytest.mark.parametrize("count", ["", "3\n"])
def test_each_problem_is_read_whatever_its_neighbours_are(tmp_path, why, count):
    broken, words = BROKEN[why]
    (tmp_path / "many.txt").write_text(count + GOOD + broken + THIRD)
    for number, container in ((1, (100, 80, 60)), (3, (50, 40, 30))):
        assert read_catalogue(tmp_path / "many.txt", problem=number).container == container
    with pytest.raises(InstanceError, match=words):
        read_catalogue(tmp_path / "many.txt", problem=2)
    (tmp_path / "last.txt").write_text(count + GOOD + broken)
    assert read_catalogue(tmp_path / "last.txt", problem=1).container == (100, 80, 60)


def test_a_file_that_is_cut_short_gives_the_problems_that_it_has(tmp_path):
    whole = f"2\n{GOOD}{THIRD}"
    for end in range(len(f"2\n{GOOD}") - 1, len(whole)):
        (tmp_path / "cut.txt").write_text(whole[:end])
        assert read_catalogue(tmp_path / "cut.txt").quantity.tolist() == [12, 6], whole[:end]


def test_another_number_of_problems_than_the_first_line_says_is_told(tmp_path):
    for said in (1, 3):
        (tmp_path / "many.txt").write_text(f"{said}\n{GOOD}{THIRD}")
        catalogue = read_catalogue(tmp_path / "many.txt")
        assert catalogue.notes == (f"{tmp_path}/many.txt: its first line says {said} problems, and it has 2",)
    with pytest.raises(InstanceError, match="line 10: ends after problem 3: expected 3 problems"):
        read_catalogue(tmp_path / "many.txt", problem=2)
    (tmp_path / "many.txt").write_text(f"2\n{GOOD}{THIRD}")
    assert read_catalogue(tmp_path / "many.txt").notes == ()
    with pytest.raises(InstanceError, match="problem 2: no such problem, expected one of 1, 3"):
        read_catalogue(tmp_path / "many.txt", problem=2)


@given(data=st.data())
def test_a_line_that_is_changed_in_one_problem_leaves_the_others(tmp_path_factory, data):
    """Whatever stands in a line of types of the second problem, the first and the third are read."""
    line = data.draw(st.text("0123456789 -x", max_size=20).filter(lambda text: len(text.split()) not in (1, 2, 3)))
    lines = ["2 102", "100 90 60", "2", "1 20 1 9 1 9 1 5", "2 20 1 9 1 9 1 5"]
    lines[data.draw(st.integers(3, 4))] = line if line.split() else "1 1 1 1 1"
    path = tmp_path_factory.getbasetemp() / "changed.txt"
    path.write_text(GOOD + "\n".join(lines) + "\n" + THIRD)
    assert read_catalogue(path, problem=1).container == (100, 80, 60)
    assert read_catalogue(path, problem=3).container == (50, 40, 30)


def test_types_of_which_there_are_none_are_left_out_and_told(tmp_path):
    (tmp_path / "some.txt").write_text("1 5\n9 9 9\n2\n1 5 1 4 1 3 1 0\n2 5 1 4 1 2 1 3\n")
    catalogue = read_catalogue(tmp_path / "some.txt")
    assert catalogue.names == ("type 2",) and catalogue.places == ("line 5",)
    assert catalogue.notes == (f"{tmp_path}/some.txt: line 4 (type 1): skipped, its quantity is 0",)
