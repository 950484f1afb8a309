"""BR1 to BR7, made anew: what is known of the OR-Library's files."""

import pytest

from binpack.items.bischoff_ratcliff import TYPES, file_text, problem
from binpack.items.catalogue import read_catalogue

# type after type: length, flag, width, flag, height, flag, count
BR1 = {
    1: "108 0 76 0 30 1 40, 110 0 43 1 25 1 33, 92 1 81 1 55 1 39",
    2: "49 0 25 1 21 1 41, 60 1 51 1 41 1 53, 103 1 76 1 64 1 44",
    3: "97 0 81 0 27 1 41, 102 0 78 0 39 1 42, 113 0 46 1 36 1 44",
    4: "113 0 92 0 33 1 67, 52 1 37 1 28 1 60, 57 1 33 1 29 1 70",
    5: "88 0 54 1 39 1 51, 94 0 54 1 36 1 38, 87 0 77 1 43 1 47",
    6: "86 1 84 1 45 1 56, 81 0 45 1 34 1 56, 70 1 54 1 37 1 35",
    7: "118 0 79 1 51 1 37, 86 0 32 1 31 1 44, 64 1 58 1 52 1 45",
    8: "75 1 58 1 57 1 58, 57 1 37 1 30 1 66, 79 0 74 0 35 1 56",
}
BR7 = [10, 6, 5, 5, 6, 4, 7, 6, 5, 5, 4, 8, 2, 5, 8, 4, 4, 4, 6, 6]


@pytest.mark.parametrize("number", BR1)
def test_the_first_problems_of_thpack1_are_those_of_the_file(number):
    lines = problem(1, number).splitlines()
    assert lines[:3] == [f"{number} {2502505 + 100 * (number - 1)}", "587 233 220", "3"]
    assert [line.split(" ", 1)[1] for line in lines[3:]] == BR1[number].split(", ")


def test_the_example_of_the_or_librarys_own_page_is_made():
    lines = problem(4, 60).splitlines()
    assert lines[:5] == ["60 2508405", "587 233 220", "10", "1 78 1 72 1 58 1 14", "2 107 1 57 1 57 1 11"]


def test_the_counts_of_twenty_types_are_those_of_thpack7():
    assert [int(line.split()[-1]) for line in problem(7, 1).splitlines()[3:]] == BR7
    counts = [10, 7, 6, 6, 1, 9, 7, 7, 7, 7, 7, 6, 8, 6, 6, 3, 11, 6, 5, 4]
    assert [int(line.split()[-1]) for line in problem(7, 2).splitlines()[3:]] == counts


@pytest.mark.parametrize("file", TYPES)
def test_a_file_is_read_as_the_or_librarys_is(tmp_path, file):
    path = tmp_path / f"thpack{file}.txt"
    path.write_text(file_text(file, 12))
    catalogue = read_catalogue(path, cell="1cm", problem=12)
    assert catalogue.container == (587, 233, 220) and len(catalogue.edges) == TYPES[file]
    assert 0 <= 587 * 233 * 220 - catalogue.volume < 120 * 100 * 80
    assert not catalogue.notes


@pytest.mark.parametrize(("file", "number"), [(0, 1), (8, 1), (1, 0), (1, 101)])
def test_there_is_no_other_problem(file, number):
    with pytest.raises(ValueError, match=f"problem {number} of BR{file}: expected 1 to 100 of BR1 to BR7"):
        problem(file, number)
