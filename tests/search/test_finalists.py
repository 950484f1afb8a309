"""The best few of a study are trained anew on seeds that nothing else had, and the report card says what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
import pytest

from binpack import __main__
from binpack.agents.config import PPOConfig, TrainConfig
from binpack.env.config import EnvConfig
from binpack.files import FileError, InputError
from binpack.search import finalists
from binpack.search.card import at_edges, card
from binpack.search.config import TuneConfig
from binpack.search.finalists import Finalists, best_trials, retrain, untrained
from binpack.search.report import load_result
from binpack.search.space import Categorical, Float, Int, SearchError, Space
from binpack.search.study import tune

ENV = EnvConfig(bin_size=(4, 4, 4), items="random:1-2")
SPACE = Space(parameters={"learning_rate": Float(low=1e-5, high=1e-1, log=True), "n_epochs": Int(low=1, high=4)})


@dataclass
class Done:
    """What a fake run returns."""

    score: float
    steps: int = 256
    seconds: float = 0.1


def fake(train, folder, *, on_evaluation=None):
    """Train nothing: the score has its peak at a learning rate of 0.001."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "seen.json").write_text(json.dumps([train.ppo.learning_rate, train.seed]))
    return Done(0.9 - abs(np.log10(train.ppo.learning_rate) + 3) / 10 + train.seed % 7 / 1000)


def held_out(folder, study):
    rate, seed = json.loads((folder / "seen.json").read_text())
    return 0.8 - abs(np.log10(rate) + 3) / 10 + seed % 5 / 1000


def config(**changes):
    facts = {
        "train": TrainConfig(env=ENV, total_steps=256, n_envs=4, ppo=PPOConfig(n_steps=16, n_epochs=1)),
        "space": SPACE,
        "sampler": {"kind": "random", "seed": 1},
        "n_trials": 6,
        "seeds": 1,
        "final_seeds": 0,
        "test_streams": 5,
    }
    return TuneConfig(**{**facts, **changes})


@pytest.fixture
def storage(tmp_path):
    tune(config(), tmp_path / "s.journal", train=fake, held_out=held_out, progress=False)
    return tmp_path / "s.journal"


def again(storage, **more):
    return retrain(storage, train=fake, held_out=held_out, progress=False, **{"top": 2, "seeds": 3, **more})


def test_the_best_few_and_the_default_are_trained_on_fresh_seeds(storage):
    found = again(storage)
    rows = load_result(storage).rows
    order = sorted((row for row in rows if not row["default"]), key=lambda row: -row["value"])
    assert found.trials == [row["number"] for row in order[:2]]
    plan = config(final_seeds=1000).plan()
    assert len(found.seeds) == 3 and not set(found.seeds) & {*plan.tuning, *plan.final}
    for trial in found.trials:
        rate = rows[trial]["params"]["learning_rate"]
        assert found.scores[str(trial)] == [
            pytest.approx(0.8 - abs(np.log10(rate) + 3) / 10 + s % 5 / 1000) for s in found.seeds
        ]
        assert found.verdict(trial).n == 3
    assert found.others == untrained(config()) and list(found.others.values()) == sorted(found.others.values())[::-1]
    assert Finalists.load(finalists.path_of(load_result(storage))) == found


def test_what_is_there_is_not_trained_again(storage):
    found = again(storage)

    def never(*_, **__):
        raise AssertionError("it was trained already")

    assert retrain(storage, train=never, held_out=never, progress=False, top=2, seeds=3) == found
    assert retrain(storage, train=fake, held_out=held_out, progress=False, top=3, seeds=3).trials[:2] == found.trials


def test_a_killed_one_goes_on(storage):
    trained = []

    def dies(train, folder, **more):
        if len(trained) == 4:
            raise KeyboardInterrupt
        trained.append(folder)
        return fake(train, folder, **more)

    with pytest.raises(KeyboardInterrupt):
        retrain(storage, train=dies, held_out=held_out, progress=False, top=2, seeds=3)
    assert Finalists.load(finalists.path_of(load_result(storage))) is None
    kept = len(list((storage.parent / "s.runs").glob("finalist_*/seed_*/held_out.json")))
    assert kept == 4
    trained.clear()
    found = retrain(storage, train=lambda *a, **m: trained.append(a) or fake(*a, **m), held_out=held_out,
                    progress=False, top=2, seeds=3)  # fmt: skip
    assert len(trained) == 9 - kept and len(found.scores) == 3


def test_items_that_were_edited_since_are_refused(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("length,width,height,quantity\n1,2,1,40\n")
    train = config().train.model_copy(update={"env": EnvConfig(bin_size=(4, 4, 4), items=str(path))})
    tune(config(train=train), tmp_path / "s.journal", train=fake, held_out=held_out, progress=False)
    path.write_text("length,width,height,quantity\n2,2,1,40\n")
    with pytest.raises(SearchError, match=r"study study was made with other items than .*items\.csv holds now: bring"):
        again(tmp_path / "s.journal")
    assert not list((tmp_path / "s.runs").glob("finalist_*"))


@pytest.mark.parametrize(("top", "seeds"), [(0, 3), (2, 2)])
def test_too_few_are_refused(storage, top, seeds):
    with pytest.raises(InputError, match=f"expected 1 trial or more and 3 seeds or more, got {top} and {seeds}"):
        again(storage, top=top, seeds=seeds)


def test_a_study_of_the_default_alone_has_no_finalists(tmp_path):
    tune(config(n_trials=1), tmp_path / "s.journal", train=fake, held_out=held_out, progress=False)
    assert best_trials(load_result(tmp_path / "s.journal"), 3) == []
    with pytest.raises(SearchError, match="no complete trial beside the default to train anew"):
        again(tmp_path / "s.journal")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda stored: stored["scores"]["default"].pop(), "scores of .* on 3 seeds"),
        (lambda stored: stored["scores"].pop("default"), "scores of"),
        (lambda stored: stored.pop("seeds"), "no finalists"),
        (lambda stored: stored["others"].update(random=None), "no finalists"),
    ],
)
def test_damaged_finalists_are_one_line(storage, change, words):
    again(storage)
    path = finalists.path_of(load_result(storage))
    stored = json.loads(path.read_text())
    change(stored)
    path.write_text(json.dumps(stored))
    with pytest.raises(FileError, match="changed since it was written"):
        Finalists.load(path)
    del stored["checksum"]
    path.write_text(json.dumps(stored))
    with pytest.raises(SearchError, match=words) as raised:
        Finalists.load(path)
    assert "\n" not in str(raised.value)


# ------------------------------------------------------------------------------------------------------ the report card


def headings(page):
    return [part.heading for part in page.parts]


def test_a_card_without_fresh_runs_says_that_nothing_is_known(storage):
    page = card(storage)
    assert page.lead.startswith("Nothing was trained anew, so it is not known whether tuning gained anything.")
    assert headings(page)[-2:] == ["The configuration", "How it was measured"] and "Trained anew" not in headings(page)


def test_a_card_judges_the_trial_that_tuning_chose(storage):
    found = again(storage)
    page = card(storage)
    first, second = found.trials
    assert page.lead.startswith(f"Trial {first}, which tuning chose, against the default: ")
    assert f"The others against the default: trial {second}: " in page.lead and "5 unseen streams" in page.lead
    assert "The heuristic " in page.lead and "which needs no training" in page.lead
    part = page.parts[headings(page).index("Trained anew")]
    assert [row[0] for row in part.rows] == ["agent", *found.others]
    assert "chosen once more" in part.notes[-1] and part.notes[-2].startswith("Each finalist is compared")


def test_a_card_uses_the_comparison_of_tune(tmp_path):
    tune(config(final_seeds=3), tmp_path / "s.journal", train=fake, held_out=held_out, progress=False)
    page = card(tmp_path / "s.journal")
    assert "3 fresh training seeds and 5 unseen streams" in page.lead
    words = " ".join(page.parts[-1].words)
    assert "when it was chosen and" in words and "One seed a trial" in words


def test_any_study_has_a_card(tmp_path):
    path = tmp_path / "own.journal"
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, study_name="own", direction="minimize")
    with pytest.raises(InputError, match="no trial is complete"):
        card(path)
    study.optimize(lambda trial: trial.suggest_float("<x>", -1, 1) ** 2, n_trials=5)
    page = card(path)
    assert page.lead.endswith("train it again on fresh seeds, beside the default, before you believe it.")
    assert "&lt;x&gt;" in page.html() and "<x>" not in page.html()


def test_two_objectives_are_refused(tmp_path):
    path = tmp_path / "two.journal"
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    study = optuna.create_study(storage=storage, study_name="two", directions=["minimize", "maximize"])
    study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 1.0), n_trials=2)
    with pytest.raises(InputError, match="has 2 objectives; a report card has one"):
        card(path)


def test_edges_are_named():
    space = Space(parameters={**SPACE.parameters, "policy": Categorical(choices=("mlp", "conv"))})
    lines = at_edges(space, {"learning_rate": 0.09, "n_epochs": 1, "policy": "mlp"})
    assert [line.split(" lies at the ")[1].split(" of ")[0] for line in lines] == ["upper end"]
    assert at_edges(space, {"learning_rate": 1e-3, "n_epochs": 2, "policy": "conv"}) == []


def test_the_command_trains_anew_and_writes_the_card(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tune(config(n_trials=2), "s.journal", progress=False)
    assert __main__.main(["report", "s.journal", "--out", "cards/mine.html", "--retrain", "1", "--seeds", "3"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Trial 1, which tuning chose, against the default: ")
    assert said.endswith("cards/mine.html, cards/mine.png\n")
    html = Path("cards/mine.html").read_text(encoding="utf-8")
    assert html.count("data:image/gif;base64,") == 2 and "packs stream" in html
    assert Path("cards/mine.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "card.pdf"], "--out: the card is an .html file, with a .png beside it, got card.pdf"),
        (["--retrain", "-1"], "--retrain"),
        (["--retrain", "2", "--seeds", "2"], "--seeds"),
        (["--out", "card.html"], "none.journal: no such study"),
    ],
)
def test_bad_words_are_one_line(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert __main__.main(["report", "none.journal", *words]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
