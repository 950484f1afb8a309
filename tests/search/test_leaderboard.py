"""A class's leaderboard: only what was trained anew counts, lines of one task are ranked, and no line is lost."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import asdict, dataclass, replace

import numpy as np
import pytest

from binpack.__main__ import main
from binpack.agents.config import PPOConfig, TrainConfig
from binpack.env.config import EnvConfig
from binpack.files import FileError, InputError
from binpack.search import leaderboard
from binpack.search.config import TuneConfig
from binpack.search.finalists import retrain
from binpack.search.leaderboard import Entry, add, entry_of, latest, read, table
from binpack.search.space import Float, SearchError, Space
from binpack.search.study import tune


@dataclass
class Done:
    score: float
    steps: int = 256
    seconds: float = 0.1


def fake(train, folder, *, on_evaluation=None):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "seen.json").write_text(json.dumps([train.ppo.learning_rate, train.seed]))
    return Done(0.9 - abs(np.log10(train.ppo.learning_rate) + 3) / 10 + train.seed % 7 / 1000)


def held_out(folder, study):
    rate, seed = json.loads((folder / "seen.json").read_text())
    return 0.8 - abs(np.log10(rate) + 3) / 10 + seed % 5 / 1000


def study(folder, items="random:1-2", name="s", trials=6):
    config = TuneConfig(
        train=TrainConfig(
            env=EnvConfig(bin_size=(4, 4, 4), items=items), total_steps=256, n_envs=4, ppo=PPOConfig(n_steps=16)
        ),
        space=Space(parameters={"learning_rate": Float(low=1e-5, high=1e-1, log=True)}),
        sampler={"kind": "random", "seed": 1},
        n_trials=trials,
        seeds=1,
        final_seeds=0,
        test_streams=5,
    )
    path = folder / f"{name}.journal"
    tune(config, path, train=fake, held_out=held_out, progress=False)
    return path


def anew(path):
    return retrain(path, train=fake, held_out=held_out, progress=False, top=2, seeds=3)


ENTRY = Entry("Ann", "t", "parcels.csv in 4x4x4", 0.8, 0.79, 0.81, 0.7, "ahead", 5, 20, 40_000, "2026-11-28")


def test_a_line_is_what_was_trained_anew(tmp_path):
    path = study(tmp_path)
    with pytest.raises(SearchError, match="nothing was trained anew, and only that counts .*: report --retrain 3"):
        entry_of("Ann", path)
    found = anew(path)
    line = entry_of("  Ann \n Lee ", path)
    first = found.scores[str(found.trials[0])]
    assert line.learner == "Ann Lee" and line.score == pytest.approx(np.mean(first), abs=1e-5)
    assert line.low < line.score < line.high and line.default < line.score
    assert (line.verdict, line.seeds, line.trials, line.steps) == (found.verdict(found.trials[0]).word, 3, 6, 6 * 256)
    assert line.what == "random:1-2 in 4x4x4"


@pytest.mark.parametrize("name", ["", " \n", "x" * 41])
def test_a_name_is_needed(tmp_path, name):
    with pytest.raises(InputError, match="a name of 1 to 40 letters is needed for the leaderboard"):
        entry_of(name, tmp_path / "s.journal")


def test_the_same_items_in_another_file_are_the_same_task(tmp_path):
    text = "length,width,height,quantity\n1,2,1,9\n2,2,2,9\n"
    for name, more in (("a.csv", ""), ("b.csv", ""), ("c.csv", "1,1,1,3\n")):
        (tmp_path / name).write_text(text + more)
    lines = {}
    for name in ("a", "b", "c"):
        path = study(tmp_path, str(tmp_path / f"{name}.csv"), name, trials=3)
        anew(path)
        lines[name] = entry_of(name, path)
    assert lines["a"].task == lines["b"].task != lines["c"].task
    assert lines["a"].what == "a.csv in 4x4x4"


def test_the_last_attempt_counts_and_is_numbered(tmp_path):
    path = tmp_path / "board.jsonl"
    for line in (
        ENTRY,
        replace(ENTRY, learner="Ben", score=0.85, low=0.84, high=0.86),
        replace(ENTRY, learner="Ben", score=0.78, low=0.77, high=0.79, verdict="not separable"),
        replace(ENTRY, task="u", what="other.csv in 9x9x9", learner="Kim"),
    ):
        add(path, line)
    entries, damaged = read(path)
    assert len(entries) == 4 and not damaged
    ranked = latest(entries)
    assert [each.learner for each in ranked["t"]] == ["Ann", "Ben"] and ranked["t"][1].score == 0.78
    assert list(table(entries)) == [
        "parcels.csv in 4x4x4, held-out utilization; the default reaches 0.7000",
        "  1  Ann  0.8000 [0.7900, 0.8100]  ahead, 5 seeds, 20 trials, 40,000 steps",
        "  2  Ben  0.7800 [0.7700, 0.7900]  not separable, 5 seeds, 20 trials, 40,000 steps, attempt 2",
        "other.csv in 9x9x9, held-out utilization; the default reaches 0.7000",
        "  1  Kim  0.8000 [0.7900, 0.8100]  ahead, 5 seeds, 20 trials, 40,000 steps",
    ]


def _add_many(path, learner):
    for number in range(40):
        add(path, replace(ENTRY, learner=learner, trials=number))


def test_no_line_is_lost_where_several_write_at_once(tmp_path):
    path = tmp_path / "board.jsonl"
    context = multiprocessing.get_context("fork")
    crowd = [context.Process(target=_add_many, args=(path, f"learner {number}")) for number in range(5)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join()
    entries, damaged = read(path)
    assert len(entries) == 200 and not damaged
    assert {each.learner for each in entries} == {f"learner {number}" for number in range(5)}


DAMAGE = [
    '{"learner": "Ann"}',
    "[1, 2]",
    "no JSON",
    json.dumps({**asdict(ENTRY), "score": "high"}),
    json.dumps({**asdict(ENTRY), "score": float("nan")}),
    json.dumps({**asdict(ENTRY), "seeds": True}),
    json.dumps({**asdict(ENTRY), "more": 1}),
    "[" * 100_000,
]


@pytest.mark.parametrize("line", DAMAGE, ids=range(len(DAMAGE)))
def test_a_damaged_line_is_named_and_the_others_count(tmp_path, capsys, line):
    path = tmp_path / "board.jsonl"
    path.write_text(line)  # and no end of line, as after a full disk
    add(path, ENTRY)
    entries, damaged = read(path)
    assert entries == [ENTRY] and len(damaged) == 1 and damaged[0].startswith("line 1: ")
    assert main(["leaderboard", str(path)]) == 0
    said = capsys.readouterr()
    assert said.out.count("\n") == 2 and said.err.startswith(f"binpack: {path}: line 1: ") and said.err.count("\n") == 1


def test_what_is_no_leaderboard_is_said(tmp_path, capsys):
    with pytest.raises(FileError, match=r"no\.jsonl: there is no such file: report --leaderboard makes one"):
        read(tmp_path / "no.jsonl")
    (tmp_path / "b.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match="no leaderboard: it is not text in UTF-8"):
        read(tmp_path / "b.jsonl")
    (tmp_path / "empty.jsonl").touch()
    assert main(["leaderboard", str(tmp_path / "empty.jsonl")]) == 0
    assert capsys.readouterr().out == "nobody is on it yet\n"


def test_a_strangers_text_reaches_no_terminal_as_it_is(tmp_path):
    lines = list(table([replace(ENTRY, learner="\x1b[31mred", what="a\nb", verdict="\x07")]))
    assert len(lines) == 2 and not any(ord(letter) < 32 for line in lines for letter in line)


def test_report_adds_a_line_and_shows_the_board(tmp_path, capsys, monkeypatch):
    path = study(tmp_path)
    anew(path)
    line = ["report", str(path), "--out", str(tmp_path / "card.html")]
    board = tmp_path / "board.jsonl"
    assert main([*line, "--leaderboard", str(board), "--as", "Ann"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[-1].startswith("  1  Ann  0.") and read(board)[0][0].learner == "Ann"
    assert main([*line, "--leaderboard", str(board)]) == 2
    assert "--leaderboard FILE and --as NAME go together" in capsys.readouterr().err
    monkeypatch.setattr(leaderboard, "LONGEST", 3)
    assert main([*line, "--retrain", "3", "--leaderboard", str(board), "--as", "Somebody"]) == 2
    assert "a name of 1 to 3 letters" in capsys.readouterr().err
