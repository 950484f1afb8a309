"""The command line: what is wrong is answered in one line and writes nothing; what is right does what it says."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from binpack import __version__
from binpack.__main__ import main
from binpack.agents import evaluation
from binpack.agents.config import TrainConfig
from binpack.agents.named import find_agent
from binpack.cli import filling, options
from binpack.cli.tuning import write_plots
from binpack.env.config import EnvConfig
from binpack.items.generators import random_items
from binpack.items.streams import Streams
from binpack.search.space import DEFAULT_SPACE, WIDE_SPACE, SearchError, Space
from binpack.text import terminal

SMALL = ["--bin", "4x4x4", "--items", "random:1-2"]
"""A bin and items on which training is quick."""
NETWORK = ["--set", "channels=4", "--set", "layers=1", "--set", "n_steps=8", "--set", "batch_size=16", "--n-envs", "2"]

FILES = {
    "good.csv": "length,width,height,quantity,name\n2,2,2,3,cube\n4,2,1,2,plank\n",
    "parcels.csv": "length,width,height,quantity,name\n22,19,9,4,No.1\n48,38,34,2,No.5\n",
    "empty.csv": "",
    "header.csv": "length,width,height\n",
    "word.csv": "length,width,height\n2,two,2\n",
    "negative.csv": "length,width,height\n2,2,2\n2,-2,2\n",
    "big.csv": "length,width,height\n9,9,9\n",
    "bad.json": "{",
    "list.json": "[]",
    "field.json": '{"no_such_field": 1}',
    "ppo.json": '{"ppo": {"learning_rate": -1}}',
    "space.json": '{"parameters": {"learning_rate": {"type": "float", "low": 1, "high": 0}}}',
    "unknown_space.json": '{"parameters": {"warmth": {"type": "float", "low": 0, "high": 1}}}',
    "small_space.json": '{"parameters": {"learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": true},'
    ' "gamma": {"type": "float", "low": 0.9, "high": 1}}}',
    "deep.json": "[" * 100_000,
    "grid.json": '{"env": {"bin_size": [22, 22, 20], "cell": "5cm", "items": "korea_post"}}',
    "cells.json": '{"env": {"bin_size": [22, 22, 20]}}',
    "notes.journal": "these are notes\n",
    "turned.csv": "length,width,height,quantity,name\n40,40,10,2,Board\n40,10,40,1,Panel\n10,40,40,1,Post\n",
    "boxes.txt": "1\n1 2502505\n4 4 4\n1\n1 2 1 2 1 2 1 9\n",
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Make the input files, go to an empty working folder, and return it."""
    (tmp_path / "files").mkdir()
    for name, text in FILES.items():
        (tmp_path / "files" / name).write_text(text)
    np.savez(tmp_path / "files" / "wrong.npz", other=np.zeros(3))
    random_items((4, 4, 4), 5, np.random.default_rng(0), edges=(1, 2)).save(tmp_path / "files" / "streams.npz")
    random_items((9, 9, 9), 5, np.random.default_rng(0), edges=(6, 9)).save(tmp_path / "files" / "big_streams.npz")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


BAD = [
    # the command line itself
    ("", "Missing command"),
    ("frobnicate", "No such command 'frobnicate'"),
    ("--frobnicate", "No such option: --frobnicate"),
    ("pack", "Missing argument 'FILE'"),
    ("train --items random", "Missing option '--out'"),
    ("tune --items random", "Missing option '--storage'"),
    ("show", "Missing argument 'STORAGE'"),
    ("evaluate", "Missing option '--agent'"),
    ("tune --storage", "Option '--storage' requires an argument"),
    ("lab --port 80", "--port"),
    ("lab --port http", "--port"),
    # pack
    ("pack nowhere.csv --bin 4x4x4", "nowhere.csv: no such file"),
    ("pack ../files --bin 4x4x4", "../files"),
    ("pack ../files/good.csv", "for --bin: ../files/good.csv names no bin"),
    ("pack ../files/empty.csv --bin 4x4x4", "empty.csv: line 1"),
    ("pack ../files/header.csv --bin 4x4x4", "header.csv"),
    ("pack ../files/word.csv --bin 4x4x4", "word.csv: line 2: width 'two'"),
    ("pack ../files/negative.csv --bin 4x4x4", "negative.csv: line 3: width '-2'"),
    ("pack ../files/bad.json --bin 4x4x4", "bad.json: line 1"),
    ("pack ../files/wrong.npz --bin 4x4x4", "wrong.npz: no array 'edges'"),
    ("pack ../files/big.csv --bin 4x4x4", "fits the bin 4x4x4 in no permitted orientation"),
    ("pack ../files/good.csv --bin 4x4", "--bin: bin '4x4': expected three edges"),
    ("pack ../files/good.csv --bin 4x4x0", "--bin: bin '4x4x0'"),
    ("pack ../files/good.csv --bin 4x4xtall", "--bin: bin '4x4xtall'"),
    ("pack ../files/parcels.csv --bin 110x110x100 --cell 5", "cell '5': a unit is missing"),
    ("pack ../files/parcels.csv --bin 110x110x100 --cell 5furlong", "furlong"),
    ("pack ../files/parcels.csv --bin 110x110x100 --cell 0cm", "cell '0cm'"),
    ("pack ../files/parcels.csv --bin 3x3x3 --cell 5cm", "--bin: bin '3x3x3'"),
    (
        "pack ../files/good.csv --bin 4x4x4 --heuristic genius",
        "'genius' is neither a trained agent's folder nor one of",
    ),
    ("pack ../files/good.csv --bin 4x4x4 --heuristic first_fit --agent x", "either --heuristic or --agent, not both"),
    ("pack ../files/good.csv --bin 4x4x4 --agent ../files", "no agent here (agent.json is missing)"),
    ("pack ../files/good.csv --bin 4x4x4 --support glue", "support rule 'glue' is not one of"),
    ("pack ../files/good.csv --bin 4x4x4 --support fraction:2", "share 2 is not in [0, 1]"),
    ("pack ../files/good.csv --bin 4x4x4 --rotation spin", "rotation"),
    ("pack ../files/good.csv --bin 4x4x4 --visible 0", "visible"),
    ("pack ../files/good.csv --bin 4x4x4 --visible many", "--visible"),
    ("pack ../files/good.csv --bin 4x4x4 --seed -1", "--seed"),
    ("pack ../files/boxes.txt --problem 7", "problem 7: no such problem"),
    ("pack ../files/good.csv --bin 4x4x4 --out ../files/good.csv", "good.csv is a file, expected a folder"),
    (
        "pack ../files/good.csv --bin 1000x1000x1000 --visible 1000 --heuristic first_fit",
        "too large: 1000 visible items x 6 orientations x 1000x1000 cells are 6,000,000,000 candidate cells, "
        "expected at most 268,435,456",
    ),
    ("pack ../files/deep.json --bin 4x4x4", "deep.json"),
    # evaluate
    ("evaluate --agent first_fit --items random --n 1000000000", "--n"),
    ("evaluate --agent first_fit --bin 1000x1000x1000 --visible 1000", "1000 visible items x 1 orientations"),
    ("evaluate --agent genius --items random", "'genius' is neither"),
    ("evaluate --agent first_fit --items marble", "item source 'marble'"),
    ("evaluate --agent first_fit --items random:5-2", "random:5-2"),
    ("evaluate --agent first_fit --items random:2-5 --bin 4x4x4", "fits the bin 4x4x4 in no permitted orientation"),
    ("evaluate --agent first_fit --items random --n 0", "--n"),
    ("evaluate --agent first_fit --streams nowhere.npz", "nowhere.npz: no such file"),
    ("evaluate --agent first_fit --streams ../files/wrong.npz", "wrong.npz: no array 'items'"),
    ("evaluate --agent first_fit --streams ../files/good.csv", "good.csv: not an .npz file"),
    ("evaluate --agent first_fit --streams ../files/big_streams.npz --bin 4x4x4", "fits the bin 4x4x4 in no"),
    ("evaluate --agent first_fit --streams a.npz --items random", "either --streams or --items, not both"),
    ("evaluate --agent first_fit --items random --cell 5cm", "--cell: needs a bin as well"),
    # train
    ("train --items marble --bin 4x4x4 --out run", "item source 'marble'"),
    ("train --items random:1-2 --bin 4x4x4 --steps 0 --out run", "total_steps"),
    ("train --items random:1-2 --bin 4x4x4 --seed -1 --out run", "seed"),
    ("train --items random:1-2 --bin 4x4x4 --n-envs 0 --out run", "n_envs"),
    ("train --items random:1-2 --bin 4x4x4 --reward gold --out run", "reward"),
    ("train --items random:1-2 --bin 4x4x4 --set learning_rate --out run", "expected NAME=VALUE"),
    ("train --items random:1-2 --bin 4x4x4 --set warmth=3 --out run", "'warmth' is not one of learning_rate"),
    ("train --items random:1-2 --bin 4x4x4 --set learning_rate=fast --out run", "learning_rate"),
    ("train --items random:1-2 --bin 4x4x4 --set learning_rate=-1 --out run", "learning_rate"),
    (
        "train --items random:1-2 --bin 4x4x4 --set n_steps=2 --n-envs 2 --out run",
        "is larger than a rollout of n_steps 2",
    ),
    ("train --config nowhere.json --out run", "nowhere.json: no such file"),
    ("train --config ../files/bad.json --out run", "bad.json: not a training configuration (Expecting"),
    (
        "train --config ../files/list.json --out run",
        "list.json: not a training configuration (a JSON object is",
    ),
    ("train --config ../files/field.json --out run", "no_such_field"),
    ("train --config ../files/ppo.json --out run", "learning_rate"),
    ("train --items random:1-2 --bin 4x4x4 --out ../files/good.csv/run", "good.csv is a file, expected a folder"),
    ("train --items random:1-2 --cell 5cm --out run", "--cell: needs a bin as well, such as"),
    ("train --config ../files/cells.json --cell 5cm --out run", "--cell: needs a bin as well"),
    ("train --config ../files/grid.json --cell 10cm --out run", "(the stored bin has cells of 5cm)"),
    ("train --config ../files/grid.json --cell 5 --out run", "--cell: length '5': a unit is missing"),
    ("train --config ../files/deep.json --out run", "deep.json: not a training configuration (too deeply nested)"),
    (
        "train --bin 1000x1000x100 --visible 5 --out run",
        "5 visible items x 1 orientations x 1000x1000 cells x 100 bins side by side",
    ),
    # tune
    ("tune --items random:1-2 --cell 5cm --storage s.journal", "--cell: needs a bin as well, such as"),
    ("tune --config ../files/grid.json --cell 10cm --storage s.journal", "(the stored bin has cells of 5cm)"),
    ("tune --items random:1-2 --bin 4x4x4 --storage s.journal --space ../files/deep.json", "too deeply nested"),
    ("tune --bin 1000x1000x100 --storage s.journal --n-envs 300", "x 300 bins side by side"),
    ("tune --items nowhere.csv --bin 4x4x4 --storage s.journal", "nowhere.csv: no such file"),
    ("tune --items random:1-2 --bin 4x4x4 --storage s.journal --trials 0", "--trials"),
    ("tune --items random:1-2 --bin 4x4x4 --storage s.journal --seeds 0", "--seeds"),
    ("tune --items random:1-2 --bin 4x4x4 --storage s.journal --final-seeds 1", "final_seeds"),
    ("tune --items random:1-2 --bin 4x4x4 --storage s.journal --sampler dice", "sampler"),
    ("tune --items random:1-2 --bin 4x4x4 --storage s.journal --pruner axe", "pruner"),
    ("tune --items random:1-2 --bin 4x4x4 --storage s.journal --space nowhere.json", "nowhere.json"),
    (
        "tune --items random:1-2 --bin 4x4x4 --storage s.journal --space ../files/bad.json",
        "bad.json: not a JSON",
    ),
    ("tune --items random:1-2 --bin 4x4x4 --storage s.journal --space ../files/space.json", "low 1 is above high 0"),
    ("tune --items random:1-2 --bin 4x4x4 --storage s.journal --space ../files/unknown_space.json", "warmth"),
    ("tune --items random:1-2 --bin 4x4x4 --storage s.journal --study a/b", "study name 'a/b'"),
    ("tune --items random:1-2 --bin 4x4x4 --storage ../files", "is a folder"),
    ("tune --items random:1-2 --bin 4x4x4 --storage oracle://host/db", "oracle"),
    # show
    ("show nowhere.journal", "nowhere.journal"),
    ("show ../files/notes.journal", "notes.journal"),
    ("show ../files/good.csv", "good.csv"),
    ("show ../files/notes.journal --out ../files/good.csv", "good.csv is a file, expected a folder"),
]


@pytest.mark.parametrize(("line", "message"), BAD, ids=[line or "nothing" for line, _ in BAD])
def test_what_is_wrong_is_answered_in_one_line_and_writes_nothing(files, capsys, line, message):
    before = snapshot(files.parent)
    assert main(line.split()) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("binpack: error: ")
    assert output.err.count("\n") == 1 and output.err.endswith("\n")
    assert len(output.err) < 400
    assert message in output.err
    assert "Traceback" not in output.err
    assert snapshot(files.parent) == before


def test_a_deeply_nested_hyperparameter_is_answered_in_one_line(files, capsys):
    assert main(["train", *SMALL, "--set", "learning_rate=" + "[" * 100_000, "--out", "run"]) == 2
    message = "Invalid value for --set: learning_rate: too deeply nested (try python -m binpack train --help)"
    assert capsys.readouterr() == ("", f"binpack: error: {message}\n")
    assert list(files.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RecursionError("maximum recursion depth exceeded"), "too deeply nested"),
        (MemoryError("Unable to allocate\n931. GiB"), "not enough memory for this: Unable to allocate 931. GiB"),
        (MemoryError(), "not enough memory for this"),
    ],
)
def test_what_is_too_much_for_this_machine_is_answered_in_one_line(files, capsys, monkeypatch, error, message):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("binpack.agents.evaluation.evaluate", fail)
    line = ["evaluate", "--agent", "first_fit", *SMALL]
    assert main(line) == 2
    assert capsys.readouterr() == ("", f"binpack: error: {message}\n")
    with pytest.raises(type(error)):
        main(["--debug", *line])


def test_a_stored_bin_takes_its_own_cell_however_written():
    stored = TrainConfig.model_validate(json.loads(FILES["grid.json"])).env
    assert options.environment(options.env_settings(cell="50mm"), stored) == stored
    assert options.environment(options.env_settings(cell="1dm", bin_size="90x90x90"), stored).bin_size == (9, 9, 9)


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Return every file's content below a folder, and None for folders."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def test_debug_shows_where_an_error_comes_from(files):
    with pytest.raises(ValueError, match="no such file"):
        main(["--debug", "pack", "nowhere.csv", "--bin", "4x4x4"])


def test_a_stored_run_may_name_an_imported_module_and_nothing_else(tmp_path, monkeypatch):
    code = "def bonus(step):\n    return step.after - step.before\n"
    (tmp_path / "own_bonus.py").write_text(code, encoding="utf-8")
    (tmp_path / "broken_bonus.py").write_text("import no_such_module_at_all\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "run"
    line = ["train", "--bin", "4x4x4", "--items", "random:1-2", "--steps", "128", "--set", "n_steps=16"]
    python = [sys.executable, "-m", "binpack"]
    made = [*line, "--set", "policy=mlp", "--reward", "own_bonus:bonus", "--out", str(folder)]
    run = subprocess.run([*python, *made], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    asked = ["evaluate", "--agent", str(folder), "--n", "2"]
    refused = subprocess.run([*python, *asked], capture_output=True, text=True)
    assert refused.returncode == 2 and len(refused.stderr.splitlines()) == 1
    assert "own_bonus:bonus" in refused.stderr and "--import own_bonus" in refused.stderr
    allowed = subprocess.run([*python, "--import", "own_bonus", *asked], capture_output=True, text=True)
    assert allowed.returncode == 0, allowed.stderr
    broken = subprocess.run([*python, "--import", "broken_bonus", *asked], capture_output=True, text=True)
    assert broken.returncode == 2 and len(broken.stderr.splitlines()) == 1
    assert "broken_bonus cannot be imported (ModuleNotFoundError: No module named 'no_such" in broken.stderr


def test_version_and_help(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"binpack {__version__}\n"
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name in ("check", "lab", "pack", "train", "evaluate", "tune", "show"):
        assert re.search(rf"^  {name} .*\.$", shown, re.MULTILINE), name
        assert main([name, "--help"]) == 0


def test_help_is_quick_because_nothing_heavy_is_imported():
    program = (
        "import sys; from binpack.__main__ import main; code = main(['--help']); "
        "print({'torch', 'optuna', 'plotly', 'matplotlib'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown.endswith("set()\n"), shown


def test_process_ends_with_the_exit_code(files):
    run = subprocess.run([sys.executable, "-m", "binpack", "pack", "x.csv"], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (2, "", "binpack: error: x.csv: no such file\n")


def test_check(capsys, monkeypatch):
    assert main(["check"]) == 0
    assert all(line.startswith("OK") for line in capsys.readouterr().out.splitlines())
    from binpack import system

    monkeypatch.setattr(system, "CHECKS", (lambda: system.Row("disk", False, "full", "empty it"),))
    assert main(["check"]) == 1
    assert "do: empty it" in capsys.readouterr().out


# ---------------------------------------------------------------------------------------------------- pack, evaluate


def test_pack_prints_a_table_and_writes_two_pictures(files, capsys):
    assert main(["pack", "../files/good.csv", "--bin", "4x4x4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["item", "name", "edges", "position"]
    assert sorted(line.split()[1] for line in lines[1:6]) == ["cube", "cube", "cube", "plank", "plank"]
    assert lines[6:] == [
        f"utilization {(3 * 8 + 2 * 8) / 64:.4f} of a bin of 4x4x4 cells",
        "5 of 5 items packed, 0 left over",
        "picture: packed_bin.html",
        "picture: packed_bin.png",
    ]
    assert sorted(path.name for path in files.iterdir()) == ["packed_bin.html", "packed_bin.png"]
    assert (files / "packed_bin.png").read_bytes().startswith(b"\x89PNG")
    page = (files / "packed_bin.html").read_text()
    assert not re.search(r"""<(?:script|link)[^>]*(?:src|href)=["']?http""", page)


def test_pack_counts_what_is_left_over(files, capsys):
    assert main(["pack", "../files/good.csv", "--bin", "2x2x4", "--rotation", "all", "--out", "a/b"]) == 0
    shown = capsys.readouterr().out
    assert "utilization 1.0000" in shown
    assert re.search(r"2 of 5 items packed, 3 left over: .*(1 x cube|3 x cube|2 x plank)", shown)
    assert (files / "a" / "b" / "packed_bin.html").is_file()


TURNED = {"Board": (4, 4, 1), "Panel": (4, 1, 4), "Post": (1, 4, 4)}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("packer", ["first_fit", "random", "first_fit_decreasing"])
def test_pack_names_the_item_that_a_box_is(files, capsys, packer, seed):
    """Three items have the same sorted edges: without turning, each box's edges tell which of them it is."""
    line = ["pack", "../files/turned.csv", "--bin", "40x40x40", "--cell", "10cm", "--rotation", "none"]
    assert main([*line, "--heuristic", packer, "--seed", str(seed), "--support", "none"]) == 0
    shown = capsys.readouterr().out
    rows = re.findall(r"^\d+ +(\w+) +(\d)x(\d)x(\d) ", shown, re.MULTILINE)
    assert rows and all(TURNED[name] == tuple(map(int, edges)) for name, *edges in rows)
    for name, count in {"Board": 2, "Panel": 1, "Post": 1}.items():
        left = count - [row[0] for row in rows].count(name)
        assert (f"{left} x {name}" in shown) == (left > 0)


def test_upright_flags_tell_items_of_the_same_edges_apart(files, capsys):
    kinds = [
        {"length": 1, "width": 2, "height": 3, "name": "lies", "upright": [True, False, False], "quantity": 2},
        {"length": 3, "width": 2, "height": 1, "name": "stands", "upright": [True, False, False], "quantity": 2},
    ]
    (files / "flags.json").write_text(json.dumps({"items": kinds, "bin": [4, 4, 3]}))
    for seed in range(5):
        assert main(["pack", "flags.json", "--heuristic", "random", "--seed", str(seed)]) == 0
        rows = re.findall(r"^\d+ +(\w+) +\dx\dx(\d) ", capsys.readouterr().out, re.MULTILINE)
        assert rows and all(height == {"lies": "1", "stands": "3"}[name] for name, height in rows)


CASES = Path(__file__).parents[1] / "cases"
NASTY = "$A_{1$ [bold]x[/s] <b>5% &amp; %{x}</b>\\$ \x1b[31m\u202e상자\ntwo \u2028$\\frac$ :smile:"
SHOWN = terminal(NASTY)


@pytest.mark.filterwarnings("error")
def test_pack_shows_names_as_they_are(files, capsys):
    assert main(["pack", str(CASES / "names.csv"), "--bin", "60x60x60", "--cell", "10cm"]) == 0
    shown = capsys.readouterr().out
    for name in (
        "Size S$M$L",
        "상자 1호",
        "[bold]box[/bold]",
        "<b>5% & more</b>",
        r"two\nlines",
        "=1+1",
        r"\x1b[31mred\x1b[0m",
    ):
        assert re.search(rf"^\d+ +{re.escape(name)} +\dx\dx\d ", shown, re.MULTILINE), name
    assert "\x1b" not in shown
    page = (files / "packed_bin.html").read_text()
    assert "<b>5%" not in page and "\x1b" not in page
    assert "상자 1호" in page or json.dumps("상자 1호")[1:-1] in page


@pytest.mark.filterwarnings("error")
def test_one_nasty_text_in_every_place_of_pack(files, capsys):
    folder = files / NASTY.replace("/", "")
    folder.mkdir()
    kinds = [
        {"length": 1, "width": 2, "height": 2, "name": NASTY, "quantity": 3},
        {"length": 2, "width": 1, "height": 1},
    ]
    (folder / "items.json").write_text(json.dumps({"items": kinds, "bin": [2, 2, 2]}))
    assert main(["pack", str(folder / "items.json"), "--out", str(folder / "out")]) == 0
    output = capsys.readouterr()
    assert f"1     {SHOWN} " in output.out and f"1 x {SHOWN}" in output.out
    assert f"picture: {terminal(folder)}/out/packed_bin.png" in output.out
    assert clean(output.out) and output.err == ""
    kinds[0]["quantity"] = kinds[0]["length"] = 9
    (folder / "items.json").write_text(json.dumps({"items": kinds[:1], "bin": [2, 2, 2]}))
    assert main(["pack", str(folder / "items.json")]) == 2
    told = capsys.readouterr().err
    assert f"{terminal(folder)}/items.json: line 1 ({SHOWN}): item 9x2x2 fits" in told and clean(told)


@pytest.mark.parametrize(
    "line",
    [
        ["pack", NASTY],
        ["pack", "../files/good.csv", "--bin", NASTY],
        ["pack", "../files/good.csv", "--bin", "4x4x4", "--cell", NASTY],
        ["pack", "../files/good.csv", "--bin", "4x4x4", "--heuristic", NASTY],
        ["pack", "../files/good.csv", "--bin", "4x4x4", "--agent", NASTY],
        ["pack", "../files/good.csv", "--bin", "4x4x4", "--support", NASTY],
        ["pack", "../files/good.csv", "--bin", "4x4x4", "--encoding", NASTY],
        ["pack", "../files/good.csv", "--bin", "4x4x4", "--visible", NASTY],
        ["evaluate", "--agent", "first_fit", "--items", NASTY],
        ["evaluate", "--agent", "first_fit", "--streams", NASTY],
        ["train", "--items", NASTY, "--out", "run"],
        ["train", *SMALL, "--set", NASTY, "--out", "run"],
        ["train", *SMALL, "--set", f"learning_rate={NASTY}", "--out", "run"],
        ["train", "--config", NASTY, "--out", "run"],
        ["tune", *SMALL, "--storage", "s.journal", "--study", NASTY],
        ["tune", *SMALL, "--storage", "s.journal", "--sampler", NASTY],
        ["tune", *SMALL, "--storage", "s.journal", "--space", NASTY],
        ["show", NASTY],
        [NASTY],
    ],
    ids=lambda line: " ".join(line[:-1]).replace(NASTY, "x") or "command",
)
def test_what_was_typed_is_shown_in_an_error_and_steers_no_terminal(files, capsys, line):
    assert main(line) == 2
    told = capsys.readouterr().err
    assert clean(told) and told.count("\n") == 1 and "Traceback" not in told


def clean(text: str) -> bool:
    """Say whether a terminal would print every letter of a text, and nothing else."""
    return all(terminal(line) == line for line in text.split("\n"))


def test_letters_that_the_terminal_cannot_write_are_escaped(files):
    (files / "korean.csv").write_text("length,width,height,name\n1,1,1,상자\n", encoding="utf-8")
    line = [sys.executable, "-m", "binpack", "pack", "korean.csv", "--bin", "2x2x2"]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    run = subprocess.run(line, capture_output=True, env=environment)
    assert run.returncode == 0 and rb"\uc0c1\uc790" in run.stdout and run.stderr == b""


def test_a_file_in_another_encoding_is_refused_or_read_as_said(files, capsys):
    (files / "korean.csv").write_bytes("length,width,height,name\n1,1,1,상자\n".encode("cp949"))
    line = ["pack", "korean.csv", "--bin", "2x2x2"]
    assert main(line) == 2
    told = "korean.csv: line 2: byte 0xbb: expected UTF-8 text: save it as UTF-8, or have pack read it with --encoding"
    assert told in capsys.readouterr().err
    assert main([*line, "--encoding", "cp949"]) == 0
    assert "상자" in capsys.readouterr().out


def test_pack_takes_the_bin_of_an_or_library_file(files, capsys):
    assert main(["pack", "../files/boxes.txt"]) == 0
    shown = capsys.readouterr().out
    assert "utilization 1.0000 of a bin of 4x4x4 cells" in shown
    assert "8 of 9 items packed, 1 left over: 1 x type 1" in shown


@pytest.mark.parametrize("heuristic", ["deepest_bottom_left", "heightmap_sum", "random"])
def test_pack_with_a_heuristic_in_real_units(files, capsys, heuristic):
    line = ["pack", "../files/parcels.csv", "--bin", "110x110x100", "--cell", "5cm", "--heuristic", heuristic]
    assert main([*line, "--support", "corners:0.95,0.85,0.50", "--seed", "3", "--visible", "2"]) == 0
    shown = capsys.readouterr().out
    assert "of a bin of 22x22x20 cells of 5cm" in shown
    assert "6 of 6 items packed" in shown


def test_evaluate_prints_one_object_with_fixed_names(files, capsys):
    line = ["evaluate", "--agent", "first_fit", "--streams", "../files/streams.npz", "--bin", "4x4x4"]
    assert main(line) == 0
    pretty = json.loads(capsys.readouterr().out)
    assert main([*line, "--json"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("\n") == 1
    answer = json.loads(shown)
    assert list(answer) == list(pretty) == ["utilization_mean", "utilization_ci", "items_mean", "streams", "seconds"]
    low, high = answer["utilization_ci"]
    assert 0 < low <= answer["utilization_mean"] <= high <= 1
    assert answer["streams"] == 5


def test_evaluate_takes_the_packer_that_knows_all_items_beforehand(files, capsys):
    line = ["evaluate", "--agent", "first_fit_decreasing", "--streams", "../files/streams.npz", "--bin", "4x4x4"]
    line += ["--rotation", "z", "--support", "full"]
    assert main([*line, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == ["utilization_mean", "utilization_ci", "items_mean", "streams", "seconds"]
    streams = Streams.load("../files/streams.npz")
    config = EnvConfig(bin_size=(4, 4, 4), rotation="z", support="full")
    packings = evaluation.evaluate("first_fit_decreasing", streams, config).boxes
    shares = [boxes[:, 3:].prod(axis=1).sum() / 64 for boxes in packings]
    assert answer["utilization_mean"] == pytest.approx(np.mean(shares), abs=1e-6)
    assert answer["items_mean"] == pytest.approx(np.mean([len(boxes) for boxes in packings]), abs=1e-6)
    half = stats.t.ppf(0.975, 4) * np.std(shares, ddof=1) / np.sqrt(5)
    assert answer["utilization_ci"] == pytest.approx([np.mean(shares) - half, np.mean(shares) + half], abs=1e-6)
    assert answer["streams"] == 5


@pytest.mark.parametrize("name", ["first_fit", "first_fit_decreasing"])
def test_fewer_bins_side_by_side_give_the_same_result(name, monkeypatch):
    config = EnvConfig(bin_size=(4, 4, 4), items="random:1-2")
    streams = random_items((4, 4, 4), 5, np.random.default_rng(0), edges=(1, 2))
    agent = find_agent(name)
    whole = filling.play(agent, streams, config, seed=0)
    monkeypatch.setattr(options, "MAX_CELLS", 2 * config.actions)
    parts = filling.play(agent, streams, config, seed=0)
    assert parts == whole and parts.ci == whole.ci
    with pytest.raises(ValueError, match="there are no streams to evaluate on"):
        filling.play(agent, streams[:0], config, seed=0)


def test_evaluate_draws_the_same_streams_for_the_same_seed(files, capsys):
    line = ["evaluate", "--agent", "heightmap_sum", *SMALL, "--n", "8", "--support", "corners:0.95,0.85,0.50", "--json"]
    answers = []
    for seed in ("1", "1", "2"):
        assert main([*line, "--seed", seed]) == 0
        answers.append(json.loads(capsys.readouterr().out)["utilization_mean"])
    assert answers[0] == answers[1] != answers[2]


# -------------------------------------------------------------------------------------------------------- train, tune


def test_train_then_again_then_evaluate_and_pack_with_the_agent(files, capsys):
    line = ["train", *SMALL, "--steps", "64", *NETWORK, "--out", "run", "--seed", "7"]
    assert main(line) == 0
    first = capsys.readouterr().out
    assert re.match(r"score 0\.\d{4} \(mean utilization of 100 validation streams\) after 64 steps", first)
    stored = json.loads((files / "run" / "config.json").read_text())
    assert stored["seed"] == 7 and stored["ppo"]["channels"] == 4 and stored["env"]["bin_size"] == [4, 4, 4]
    assert main(line) == 0
    seconds = re.compile(r"\d+ s$", re.MULTILINE)  # stored with two decimals
    assert seconds.sub("", capsys.readouterr().out) == seconds.sub("", first)
    assert main(["evaluate", "--agent", "run", "--n", "4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["streams"] == 4
    assert (
        main(["pack", "../files/good.csv", "--bin", "4x4x4", "--rotation", "z", "--visible", "3", "--agent", "run"])
        == 0
    )
    assert "utilization" in capsys.readouterr().out
    assert main([*line, "--set", "gamma=0.9"]) == 2
    assert "gamma" in capsys.readouterr().err


def test_train_starts_from_a_stored_configuration(files, capsys):
    assert main(["train", *SMALL, "--steps", "16", *NETWORK, "--out", "one"]) == 0
    assert main(["train", "--config", "one/config.json", "--seed", "5", "--out", "two"]) == 0
    one, two = (json.loads((files / name / "config.json").read_text()) for name in ("one", "two"))
    assert two == {**one, "seed": 5}
    capsys.readouterr()


@pytest.mark.parametrize(
    ("asked", "space"),
    [([], DEFAULT_SPACE), (["--space", "wide"], WIDE_SPACE), (["--space", "../files/small_space.json"], None)],
)
def test_tune_searches_a_few_many_or_what_a_file_says(files, monkeypatch, asked, space):
    declared = []

    def noted(config, *args, **more):
        declared.append(config)
        raise SearchError("that is all")

    monkeypatch.setattr("binpack.search.study.tune", noted)
    assert main(["tune", *SMALL, "--storage", "s.journal", *asked]) == 2
    assert declared[0].space == (space or Space.load("../files/small_space.json"))
    assert declared[0].n_trials == 20 and declared[0].seeds == 2


def test_a_file_called_wide_is_a_file(files, capsys):
    Path("wide").write_text("[]")
    assert main(["tune", *SMALL, "--storage", "s.journal", "--space", "wide"]) == 2
    assert "wide" in capsys.readouterr().err


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A small finished study: its folder and the command line that made it."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "space.json").write_text(FILES["small_space.json"])
    line = ["tune", *SMALL, "--storage", str(folder / "s.journal"), "--trials", "3", "--steps", "16", "--seeds", "1"]
    line += ["--sampler", "random", "--space", str(folder / "space.json"), *NETWORK]
    run = subprocess.run([sys.executable, "-m", "binpack", *line], capture_output=True, text=True, cwd=folder)
    assert run.returncode == 0, run.stderr
    return folder, line, run.stdout


def test_tune_ends_with_a_table_the_best_and_the_held_out_comparison(study):
    _, _, shown = study
    assert "learning_rate" in shown
    assert re.search(r"^3 of 3 trials \(3 complete\)", shown, re.MULTILINE)
    assert re.search(r"^Best: trial \d, tuning score 0\.\d{4}: learning_rate .*, gamma ", shown, re.MULTILINE)
    assert "Held out (trained anew on 3 fresh seeds of 16 steps" in shown


def test_tune_again_repeats_nothing_and_show_shows_the_same(study, capsys):
    folder, line, _ = study
    lock = str(folder / "s.runs" / "lock")
    before = snapshot(folder)
    assert main(line) == 0
    again = capsys.readouterr().out
    assert main(["show", str(folder / "s.journal")]) == 0
    shown = capsys.readouterr().out
    assert again == shown
    assert {**snapshot(folder), lock: before[lock]} == before


def test_train_takes_the_file_that_tune_ends_with_and_more_steps_later(study, tmp_path, capsys):
    _, _, shown = study
    best = re.search(r"^Best configuration: (\S+)  \(", shown, re.MULTILINE)[1]
    line = ["train", "--config", best, "--out", str(tmp_path / "run")]
    assert main(line) == 0
    assert (
        json.loads(Path(best).read_text())["params"].items()
        <= json.loads((tmp_path / "run" / "config.json").read_text())["ppo"].items()
    )
    steps = int(re.search(r"after (\d+) steps", capsys.readouterr().out)[1])
    assert main([*line, "--steps", str(steps + 1)]) == 0
    assert int(re.search(r"after (\d+) steps", capsys.readouterr().out)[1]) > steps
    assert main(line) == 2
    assert "steps can be raised, not lowered" in capsys.readouterr().err


def test_tune_and_show_print_one_json_object(study, capsys):
    folder, line, _ = study
    told = []
    for command in (["show", str(folder / "s.journal")], line):
        assert main([*command, "--json"]) == 0
        shown = capsys.readouterr().out
        assert shown.count("\n") == 1
        told.append(json.loads(shown))
    assert told[0] == told[1]
    assert [trial["number"] for trial in told[0]["trials"]] == [0, 1, 2] and told[0]["total"] == 3
    best = told[0]["best"]
    assert best["tuning_score"] == max(trial["value"] for trial in told[0]["trials"])
    assert json.loads(Path(best["file"]).read_text())["params"] == best["params"]
    assert set(told[0]["comparison"]) >= {"best", "default", "difference", "verdict"}


def test_show_writes_every_plot_twice(study, tmp_path, capsys):
    folder, _, _ = study
    assert main(["show", str(folder / "s.journal"), "--out", str(tmp_path / "plots")]) == 0
    shown = capsys.readouterr().out
    for name in ("history", "importance", "contour", "slice", "parallel"):
        for suffix in ("html", "png"):
            assert (tmp_path / "plots" / f"{name}.{suffix}").stat().st_size > 1000
        assert name in shown


def test_a_plot_that_needs_more_trials_says_so_and_a_bug_in_one_is_shown(tmp_path, monkeypatch):
    written = Path(__file__).parents[1] / "written_before" / "study.journal"
    storage = str(shutil.copy(written, tmp_path))  # one complete trial
    lines = write_plots(storage, "old", tmp_path / "plots")
    assert [line for line in lines if "not drawn" in line] == [
        "importance: not drawn: this figure needs at least 2 trials that completed, the study has 1"
    ]
    assert len(list((tmp_path / "plots").iterdir())) == 8

    def bug(study):
        raise ValueError("operands could not be broadcast together")

    monkeypatch.setattr("binpack.plots.study.history", bug)
    with pytest.raises(ValueError, match="operands"):
        write_plots(storage, "old", tmp_path / "plots")


def test_a_study_with_another_configuration_is_refused(study, capsys):
    _, line, _ = study
    assert main([*line, "--seeds", "2"]) == 2
    assert "seeds" in capsys.readouterr().err
