"""A class's leaderboard: entries of two at once both stay, and a damaged line harms nobody."""

from __future__ import annotations

import errno
import json
import multiprocessing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binpack import __main__
from binpack.agents.config import TrainConfig
from binpack.env.config import EnvConfig
from binpack.files import FileError, InputError, is_machines, write_sealed
from binpack.search import leaderboard
from binpack.search.config import TuneConfig
from binpack.search.finalists import path_of
from binpack.search.leaderboard import Entry, add, entry_of, read, rows_of
from binpack.search.report import TuneResult
from binpack.search.storage import locate


def entry(name="Ann", scores=(0.7, 0.72, 0.71), **changes):
    facts = {"task": "t", "items": "parcels.csv", "bin_size": (6, 4, 4), "visible": 3, "streams": 100, "budget": 60_000}
    return Entry(name, scores=scores, **{**facts, "verdict": "ahead", "difference": 0.03, **changes})


def test_what_is_added_is_read_again(tmp_path):
    path = tmp_path / "class.jsonl"
    add(path, entry())
    add(path, entry("벤"))
    assert read(path) == ([entry(), entry("벤")], 0)


def _add_many(path, name):
    for number in range(40):
        add(path, entry(f"{name} {number}"))


def test_entries_of_three_at_once_all_stay(tmp_path):
    path = tmp_path / "class.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_add_many, args=(path, name)) for name in ("Ann", "Ben", "Eve")]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    board = read(path)
    assert board.damaged == 0
    assert {each.name for each in board.entries} == {f"{name} {n}" for name in ("Ann", "Ben", "Eve") for n in range(40)}


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "null", "7", '"text"', '{"version": 1}', "\x00\xff", json.dumps({"version": 2}), "[" * 10_000],
)
def test_a_damaged_line_is_passed_over_and_counted(tmp_path, line):
    path = tmp_path / "class.jsonl"
    add(path, entry())
    with path.open("ab") as file:
        file.write(line.encode("latin-1") + b"\n")
    add(path, entry("Ben"))
    assert [each.name for each in read(path).entries] == ["Ann", "Ben"] and read(path).damaged == 1


@given(cut=st.integers(1, 60))
def test_an_entry_after_a_line_that_was_cut_short_is_whole(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("cut") / "class.jsonl"
    add(path, entry())
    path.write_bytes(path.read_bytes()[:-cut])
    add(path, entry("Ben"))
    board = read(path)
    assert board.entries[-1] == entry("Ben")
    assert board.damaged == (0 if cut == 1 else 1)  # without its line break alone a line is whole


@pytest.mark.parametrize(
    "wrong",
    [
        *({"scores": scores} for scores in ([], [float("nan")], 1, "123", ["0.7"], [True], {"0.7": 1}, [10**400])),
        *({"difference": difference} for difference in ("0.03", None, True, float("inf"), 10**400)),
        *({"bin_size": size} for size in ([6, 4], "644", [6, 4, -4])),
        *({"budget": budget} for budget in ("many", 1.5, 10**30)),
        *({"name": name} for name in (3, "", "x" * 61, "A\x1b[31mnn", "two\nlines")),
    ],
)
def test_an_entry_with_a_wrong_field_is_damaged(tmp_path, wrong):
    path = tmp_path / "class.jsonl"
    add(path, entry())
    stored = json.loads(path.read_text())
    path.write_text(json.dumps({**stored, **wrong}) + "\n")
    assert read(path) == ([], 1)


def test_of_a_name_on_a_task_the_newest_counts_and_places_are_counted_within_a_task(tmp_path):
    path = tmp_path / "class.jsonl"
    for each in (
        entry("Ann", (0.5, 0.5, 0.5)),
        entry("Ben", (0.8, 0.8, 0.8)),
        entry("ann", (0.9, 0.8, 0.85)),
        entry("Eve", (0.99, 0.98, 0.97), items="other.csv", task="u"),
        entry("Kim", (0.3, 0.3, 0.3), task="v"),
    ):
        add(path, each)
    rows = rows_of(read(path))
    assert [(row[0], row[1]) for row in rows] == [("1", "Eve"), ("1", "ann"), ("2", "Ben"), ("1", "Kim")]
    assert rows[1][3] == "0.8500" and rows[1][-1] == "+0.0300, ahead"


def test_equal_means_share_a_place_and_a_task_is_one_under_any_name_of_its_file(tmp_path):
    path = tmp_path / "class.jsonl"
    for name, scores, items in (
        ("Ann", (0.8, 0.8, 0.8), "z.csv"),
        ("Ben", (0.8, 0.8, 0.8), "a.csv"),
        ("Eve", (0.9, 0.9, 0.9), "z.csv"),
        ("Kim", (0.7, 0.7, 0.7), "a.csv"),
    ):
        add(path, entry(name, scores, items=items))
    add(path, entry("Lee", items="m.csv", task="other"))
    rows = rows_of(read(path))
    assert [row[:2] for row in rows] == [("1", "Eve"), ("2", "Ann"), ("2", "Ben"), ("4", "Kim"), ("1", "Lee")]


def test_a_file_of_something_else_is_refused_and_stays_as_it_was(tmp_path):
    path = tmp_path / "s.journal"
    journal = '{"op_code": 0, "worker_id": "a", "study_name": "s"}\n{"op_code": 1}\n'
    path.write_text(journal)
    for act in (lambda: add(path, entry()), lambda: read(path)):
        with pytest.raises(FileError, match=r"s\.journal: no leaderboard, .*: name another file, such as class\.jsonl"):
            act()
    assert path.read_text() == journal


def test_a_file_that_is_empty_or_holds_the_beginning_of_an_entry_is_a_leaderboard(tmp_path):
    path = tmp_path / "class.jsonl"
    path.touch()
    assert read(path) == ([], 0)
    path.write_text('\n{"ver')
    add(path, entry())
    assert read(path) == ([entry()], 1)


def test_a_full_disk_is_the_machines_fault(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(leaderboard.fcntl, "flock", full)
    with pytest.raises(OSError, match="No space left on device") as found:
        add(tmp_path / "class.jsonl", entry())
    assert is_machines(found.value)


def test_a_file_of_another_account_is_one_line_with_its_mend(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(leaderboard.fcntl, "flock", refused)
    message = (
        r"class\.jsonl: the entry cannot be written \(Permission denied\): its owner lets others write, chmod a\+w"
    )
    with pytest.raises(FileError, match=message):
        add(tmp_path / "class.jsonl", entry())


def test_a_file_that_is_missing_is_one_line(tmp_path):
    with pytest.raises(FileError, match=r"no such leaderboard; an entry makes it: --add STUDY --name NAME"):
        read(tmp_path / "none.jsonl")
    with pytest.raises(FileError, match="the entry cannot be written"):
        add(tmp_path, entry())


def study(tmp_path, **stored):
    train = TrainConfig(env=EnvConfig(bin_size=(4, 4, 4), items="random:1-2"), total_steps=256, n_envs=32)
    config = TuneConfig(train=train, n_trials=2, seeds=1)
    result = TuneResult(locate(tmp_path / "s.journal"), config, [{"steps": 256}, {"steps": 256}], 1, None)
    if stored:
        path_of(result).parent.mkdir(parents=True)
        write_sealed(path_of(result), {"version": 1, **stored})
    return result


def test_the_entry_of_a_study_is_its_first_finalist(tmp_path):
    scores = {"1": [0.7, 0.8, 0.75], "0": [0.9, 0.9, 0.9], "default": [0.6, 0.65, 0.7]}
    facts = {"trials": [1, 0], "seeds": [5, 6, 7], "streams": 50, "steps": 256, "others": {}}
    made = entry_of(study(tmp_path, scores=scores, **facts), "  Ann   Lee ")
    assert made.name == "Ann Lee" and made.scores == (0.7, 0.8, 0.75) and made.budget == 512 + 9 * 256
    assert made.difference == pytest.approx(0.1) and made.items == "random:1-2"


def test_a_study_without_finalists_or_a_bad_name_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no finalists were trained anew.*report .*s.journal --retrain 3"):
        entry_of(study(tmp_path), "Ann")
    for name in ("", "  ", "x" * 61, "A\x1b[31mnn"):
        with pytest.raises(InputError, match="has 1 to 60 letters"):
            entry_of(study(tmp_path), name)


def test_a_name_of_any_script_is_one(tmp_path):
    made = entry("\u0645\u06cc\u200c\u0646\u0627")  # with a joiner that does not show
    add(tmp_path / "class.jsonl", made)
    assert read(tmp_path / "class.jsonl") == ([made], 0)


def test_the_command_shows_the_table(tmp_path, capsys, monkeypatch):
    path = tmp_path / "class.jsonl"
    add(path, entry())
    path.open("ab").write(b"half a li")
    monkeypatch.setenv("COLUMNS", "200")
    assert __main__.main(["leaderboard", str(path)]) == 0
    said = capsys.readouterr().out
    assert "Ann" in said and "0.7100" in said and "1 damaged line in " in said
    assert all(word in said for word in leaderboard.HEAD)


def test_no_number_is_cut_on_a_narrow_terminal(tmp_path, capsys, monkeypatch):
    add(tmp_path / "class.jsonl", entry(items="a-long-name-of-a-file-of-parcels.csv", budget=123_456_789))
    monkeypatch.setenv("COLUMNS", "80")
    assert __main__.main(["leaderboard", str(tmp_path / "class.jsonl")]) == 0
    said = capsys.readouterr().out
    assert "0.7100" in said and "123,456,789" in said and max(map(len, said.splitlines())) <= 80


def test_a_board_without_entries_says_so(tmp_path, capsys):
    (tmp_path / "class.jsonl").touch()
    assert __main__.main(["leaderboard", str(tmp_path / "class.jsonl")]) == 0
    assert capsys.readouterr().out.endswith("class.jsonl: no entry yet\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--add", "s.journal"], "--add and --name belong together"),
        (["--name", "Ann"], "--add and --name belong together"),
        (["--study", "mine"], "there is no --add"),
        (["--add", "none.journal", "--name", "Ann"], "none.journal: no such study"),
        ([], "no such leaderboard"),
    ],
)
def test_bad_words_are_one_line(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert __main__.main(["leaderboard", "class.jsonl", *words]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_items_count_by_what_is_in_them(tmp_path):
    text = "length,width,height,quantity\n1,2,1,9\n2,2,2,9\n"
    for name, more in (("a.csv", ""), ("b.csv", ""), ("c.csv", "1,1,1,3\n")):
        (tmp_path / name).write_text(text + more)

    def task(name, streams=5, **env):
        env = EnvConfig(**{"bin_size": (4, 4, 4), "items": str(tmp_path / name), **env})
        config = TuneConfig(train=TrainConfig(env=env), n_trials=2)
        return leaderboard.task_of(TuneResult(locate(tmp_path / "s.journal"), config, [], None, None), streams)

    assert task("a.csv") == task("b.csv") == task("a.csv", reward="terminal") == task("a.csv", features="contact")
    others = [task("c.csv"), task("a.csv", 6), task("a.csv", support="full"), task("a.csv", visible=2)]
    assert len({task("a.csv"), *others}) == 5


def test_lengths_that_make_the_same_cells_are_the_same_task(tmp_path):
    for name, text in (("mm.csv", "100,200,100"), ("cm.csv", "10,20,10"), ("cells.csv", "1,2,1")):
        (tmp_path / name).write_text(f"length,width,height\n{text}\n")

    def task(name, **env):
        config = TuneConfig(train=TrainConfig(env=EnvConfig(bin_size=(4, 4, 4), items=str(tmp_path / name), **env)))
        return leaderboard.task_of(TuneResult(locate(tmp_path / "s.journal"), config, [], None, None), 5)

    assert task("mm.csv", cell="10cm", unit="mm") == task("cm.csv", cell="100mm", unit="cm") == task("cells.csv")


def test_the_items_are_those_that_the_study_was_made_with(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("length,width,height\n1,2,1\n")
    config = TuneConfig(train=TrainConfig(env=EnvConfig(bin_size=(4, 4, 4), items=str(path))))
    made = TuneResult(
        locate(tmp_path / "s.journal"), config, [], None, None, items=config.train.env.source().fingerprint
    )
    before = leaderboard.task_of(made, 5)
    path.unlink()
    assert leaderboard.task_of(made, 5) == before
