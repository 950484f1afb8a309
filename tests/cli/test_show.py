"""``show`` and studies that ``tune`` did not make."""

from __future__ import annotations

import json

import optuna
import pytest

from binpack import __main__


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend("own.journal"))
    return lambda **more: optuna.create_study(storage=storage, study_name="own", **more)


def test_any_study_is_shown(study, capsys, tmp_path):
    study(direction="minimize").optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=6)
    assert __main__.main(["show", "own.journal", "--out", "plots"]) == 0
    said = capsys.readouterr().out
    assert "Study own in own.journal" in said and "6 trials (6 complete)" in said
    assert "steps" not in said and "spread" not in said, "columns of tune's studies"
    assert (tmp_path / "plots" / "history.html").is_file()
    assert __main__.main(["show", "own.journal", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    scores = [row["value"] for row in told["trials"]]
    assert told["best"]["score"] == min(scores) and told["best"]["trial"] == scores.index(min(scores))


def test_a_study_without_a_complete_trial(study, capsys):
    study().ask().suggest_float("x", 0, 1)
    assert __main__.main(["show", "own.journal"]) == 0
    assert "1 trial (1 running)\nNo trial is complete." in capsys.readouterr().out


def test_several_objectives_are_one_line(study, capsys):
    study(directions=["minimize", "maximize"]).optimize(lambda trial: (1.0, 2.0), n_trials=1)
    assert __main__.main(["show", "own.journal"]) == 2
    said = capsys.readouterr().err
    assert said == (
        "binpack: error: study 'own' has 2 objectives, so no trial is the best: plots.pareto_front draws it\n"
    )


def test_the_journal_of_a_job_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy_show.py").write_text(
        "def train(run, dataset, hyperparameter, checkpoint, **more):\n    return 1.0\n"
    )
    tuned = {"metric": "score", "mode": "max", "num_samples": 2}
    vary = [{"name": "a", "type": "uniform", "min": 0, "max": 1}]
    params = {"name": "toy", "dataset": "random", "is_tune": True, "entrypoint": "toy_show:train"}
    job = {"action": "train", "params": {**params, "hyperparameters": vary, "tune_config": tuned}}
    (tmp_path / "job.json").write_text(json.dumps(job))
    code = __main__.main(["action", "job.json", "--out", "out"])
    said = capsys.readouterr()
    assert code == 0, said.err
    (journal,) = tmp_path.glob("out/**/study.journal")
    assert __main__.main(["show", str(journal)]) == 0
    assert "2 trials (2 complete)" in capsys.readouterr().out
