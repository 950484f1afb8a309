"""How lesson 02 reads and shows recorded runs, on small records that the tests write; and the real records."""

import base64
import dataclasses
import inspect
import io
import json
import pickle

import gymnasium as gym
import IPython
import IPython.display
import numpy as np
import optuna
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from binpack.core.statistics import verdict
from binpack.course.l02_deep_q_network import bug_hunt, films, records
from binpack.course.l02_deep_q_network import exercises as lesson
from binpack.course.l02_deep_q_network import record_cartpole as dqn_cartpole
from binpack.course.l02_deep_q_network import record_defects as defects
from binpack.course.l02_deep_q_network import record_lunar_lander as dqn_lunar_lander
from binpack.course.l02_deep_q_network import record_tuning as tuning
from binpack.files import FileError

NAMES = ("cartpole", "defects", "lunar_lander", "tuning")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "DATA", tmp_path)
    return tmp_path


def write(folder, name, record):
    (folder / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")


# --------------------------------------------------------------------------------------------------------- records


def test_a_record_is_found_by_its_name(folder):
    record = {"about": {"command": "python a.py FOLDER"}, "runs": [{"seed": 0, "test": [1.5, -2.0]}], "unit": "höher"}
    write(folder, "cartpole", record)
    write(folder, "lunar_lander", {})
    assert records.load("cartpole") == record
    assert records.load("lunar_lander") == {}


def test_a_record_that_is_not_there_is_named(folder):
    with pytest.raises(FileError, match=r"dqn_acrobot\.json: no such file"):
        records.load("dqn_acrobot")


def test_records_lie_beside_their_scripts():
    assert all((records.DATA / f"record_{name}.py").is_file() for name in NAMES)


RETURNS = st.floats(-500, 500)


def validated(*scores):
    return {str(10 * place): score for place, score in enumerate(scores, start=1)}


def test_a_defect_is_read_beside_the_mended_form(folder):
    curves = [
        {"defect": "mended", "validation": validated(1.0, 2.0)},
        {"defect": "A", "validation": validated(3.0, 4.0)},
        {"defect": "mended", "validation": validated(5.0, 6.0)},
        {"defect": "B", "validation": validated(7.0, 8.0)},
    ]
    draws = [{"ranges": name, "validation": validated(score)} for name, score in (("published", 9.0), ("mended", 8.0))]
    studies = [{"prepare": "mended", "scores": [1.0, 2.0, 3.0]}, {"prepare": "published", "scores": [4.0, 5.0, 6.0]}]
    write(folder, "defects", {"curves": curves, "draws": draws, "studies": studies})
    found = {
        defect: {name: (x.tolist(), rows.tolist()) for name, (x, rows) in records.published_and_mended(defect).items()}
        for defect in "ABDE"
    }
    mended = ([10, 20], [[1.0, 2.0], [5.0, 6.0]])
    assert found == {
        "A": {"published": ([10, 20], [[3.0, 4.0]]), "mended": mended},
        "B": {"published": ([10, 20], [[7.0, 8.0]]), "mended": mended},
        "D": {"published": ([1, 2, 3], [[4.0, 5.0, 6.0]]), "mended": ([1, 2, 3], [[1.0, 2.0, 3.0]])},
        "E": {"published": ([10], [[9.0]]), "mended": ([10], [[8.0]])},
    }


def test_recorded_trials_become_a_study():
    trials = [
        {"number": 0, "params": {"gamma": 0.99, "learning_rate": 2e-3}, "value": 100.0},
        {"number": 1, "params": {"gamma": 0.95, "learning_rate": 1e-3}, "value": 200.0},
    ]
    study = records.study({"trials": trials})
    assert [trial.params for trial in study.trials] == [row["params"] for row in trials]
    assert (study.best_value, study.best_trial.number) == (200.0, 1)
    assert study.trials[0].distributions["learning_rate"].log


def test_finals_are_read_by_their_settings():
    rows = [("default", 10.0), ("tuned", 30.0), ("default", 20.0), ("tuned", 5.0)]
    found = records.finals({"finals": [{"settings": name, "mean": mean} for name, mean in rows]})
    assert {name: means.tolist() for name, means in found.items()} == {"default": [10.0, 20.0], "tuned": [30.0, 5.0]}


@settings(max_examples=40, deadline=None)
@given(data=st.data(), seeds=st.integers(1, 4), n=st.integers(1, 6))
def test_a_curve_has_a_row_for_each_seed(data, seeds, n):
    steps = sorted(data.draw(st.sets(st.integers(1, 10**6), min_size=n, max_size=n)))
    returns = data.draw(st.lists(st.lists(RETURNS, min_size=n, max_size=n), min_size=seeds, max_size=seeds))
    runs = [{"validation": dict(zip(map(str, steps), row, strict=True))} for row in returns]
    # as it comes from a file
    at, values = records.curve(json.loads(json.dumps({"runs": runs})))
    assert at.dtype.kind == "i"
    assert at.tolist() == steps
    assert values.shape == (seeds, n)
    assert values.tolist() == returns


def test_runs_of_different_length_have_no_common_curve():
    runs = [{"validation": {"10": 1.0, "20": 2.0}}, {"validation": {"10": 500.0}}]
    with pytest.raises(ValueError, match="inhomogeneous"):
        records.curve({"runs": runs})


@settings(max_examples=40, deadline=None)
@given(tests=st.lists(st.lists(RETURNS, min_size=1, max_size=6), min_size=1, max_size=5))
def test_each_seed_has_the_mean_of_its_own_test_episodes(tests):
    means = records.test_means({"runs": [{"test": returns} for returns in tests]})
    assert means.shape == (len(tests),)
    np.testing.assert_allclose(means, [sum(returns) / len(returns) for returns in tests], atol=1e-9)


# --------------------------------------------------------------------------------------------------- shipped weights


def test_the_shipped_weights_go_into_the_network_that_is_given(folder):
    saved, network = lesson.make_network(8, 4), lesson.make_network(8, 4)
    torch.save(saved.state_dict(), folder / "lunar_lander.pt")
    assert records.load_lander(network) is network
    held = network.state_dict()
    assert all(torch.equal(held[name], tensor) for name, tensor in saved.state_dict().items())


def test_a_network_of_another_form_cannot_hold_them(folder):
    torch.save(lesson.make_network(8, 4).state_dict(), folder / "lunar_lander.pt")
    with pytest.raises(RuntimeError, match="size mismatch"):
        records.load_lander(lesson.make_network(4, 2))


def test_no_code_of_the_file_is_run(folder):
    torch.save(lesson.make_network(8, 4), folder / "lunar_lander.pt")
    with pytest.raises(pickle.UnpicklingError, match="weights_only"):
        records.load_lander(lesson.make_network(8, 4))


# ----------------------------------------------------------------------------------------------------------- films

RED, BLUE, GREEN, GREY = (255, 0, 0), (0, 0, 255), (0, 128, 0), (10, 20, 30)


def picture(ground, spot, at=2):
    pixels = np.full((12, 16, 3), ground, np.uint8)
    pixels[at : at + 3, at : at + 4] = spot
    return pixels


def write_gif(path, pictures, **options):
    first, *others = map(Image.fromarray, pictures)
    first.save(path, "GIF", save_all=True, append_images=others, **options)


def read(data):
    """The frames of an animated PNG, uint8 (n, height, width, 3), and their times in milliseconds."""
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        frames, times = [], []
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB")))
            times.append(image.info.get("duration"))
        return np.stack(frames), times, image.info.get("loop")


def animated(path):
    return films.animated_png(*records.frames_of(path))


@pytest.mark.parametrize("stage", ["early", "late"])
def test_a_film_lies_in_the_folder_of_records(folder, stage):
    assert records.film(stage) == folder / f"lunar_lander_{stage}.gif"


def test_an_animation_keeps_frames_colours_times_and_repeats(tmp_path):
    pictures = [picture(RED, BLUE), picture(BLUE, GREEN, at=5), picture(GREEN, GREY), picture(GREY, RED, at=7)]
    write_gif(tmp_path / "film.gif", pictures, duration=[40, 80, 120, 1000], loop=0)
    frames, times, loop = read(animated(tmp_path / "film.gif"))
    np.testing.assert_array_equal(frames, pictures)
    assert times == [40, 80, 120, 1000]
    assert loop == 0


def test_all_frames_share_one_palette(tmp_path):
    # a PNG holds one; with one for each frame, some versions of Pillow show all frames in the first one's colours
    pictures = [picture(RED, BLUE), picture(GREEN, GREY)]
    write_gif(tmp_path / "film.gif", pictures, duration=80)
    made = animated(tmp_path / "film.gif")
    assert made[25] == 3, "the colour type of the header: indices into a palette"
    assert made.count(b"PLTE") == 1


def test_many_colours_become_near_ones(tmp_path):
    levels = np.linspace(0, 255, 16 * 12).astype(np.uint8).reshape(12, 16)
    smooth = np.stack([levels, levels, levels], axis=-1)
    write_gif(tmp_path / "film.gif", [smooth, smooth[::-1]], duration=80)
    frames, _, _ = read(animated(tmp_path / "film.gif"))
    assert len(np.unique(frames)) <= 32
    assert np.abs(frames.astype(int) - np.stack([smooth, smooth[::-1]])).max() <= 16


def test_frames_without_a_time_stay_for_80_milliseconds(tmp_path):
    write_gif(tmp_path / "film.gif", [picture(RED, BLUE), picture(BLUE, RED)])
    assert read(animated(tmp_path / "film.gif"))[1] == [80, 80]


def test_a_single_picture_stays_one(tmp_path):
    write_gif(tmp_path / "film.gif", [picture(RED, BLUE)])
    frames, _, _ = read(animated(tmp_path / "film.gif"))
    np.testing.assert_array_equal(frames, [picture(RED, BLUE)])


def test_a_notebook_shows_an_animated_png_and_its_text(tmp_path, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(IPython, "get_ipython", object)
    monkeypatch.setattr(IPython.display, "display", lambda data, **more: shown.append((data, more)))
    write_gif(tmp_path / "film.gif", [picture(RED, BLUE), picture(BLUE, RED)], duration=40)
    records.show_film(tmp_path / "film.gif", "early: it falls")
    data, more = shown[0]
    assert data["text/plain"] == "early: it falls" == more["metadata"]["image/png"]["alt"]
    assert base64.b64decode(data["image/png"]) == animated(tmp_path / "film.gif")
    assert set(data) == {"image/png", "text/plain"}
    assert capsys.readouterr().out == "", "the text comes with the picture, not twice"


def test_a_terminal_gets_the_text_alone(tmp_path, capsys):
    write_gif(tmp_path / "film.gif", [picture(RED, BLUE), picture(BLUE, RED)], duration=40)
    records.show_film(tmp_path / "film.gif", "late: it lands")
    assert capsys.readouterr().out == "late: it lands\n"


def test_a_film_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such film\.gif"):
        records.frames_of(tmp_path / "no such film.gif")


def test_the_module_leaves_its_folder_to_be_chosen_late():
    # the functions read DATA when they are called, or the tests above would read the real records
    assert all("DATA" in inspect.getsource(each) for each in (records.load, records.load_lander, records.film))


# ---------------------------------------------------------------------------------------------- what was recorded


def test_the_cartpole_record_is_what_its_script_would_record():
    record = records.load("cartpole")
    assert record["about"]["command"] == "python -m binpack.course.l02_deep_q_network.record_cartpole FOLDER"
    assert record["config"] == dataclasses.asdict(dqn_cartpole.CONFIG)
    assert [run["seed"] for run in record["runs"]] == list(dqn_cartpole.SEEDS)
    for run in record["runs"]:
        scores = {int(step): score for step, score in run["validation"].items()}
        assert list(scores) == list(range(1000, max(scores) + 1, 1000))
        assert run["chosen_step"] == max(scores, key=scores.get)  # the first of the best
        assert len(run["test"]) == 20
    assert max(run["chosen_step"] for run in record["runs"]) <= 60_000
    assert (records.test_means(record) >= 475).sum() >= 8


def test_the_record_of_the_defects_is_what_its_script_would_record():
    record = records.load("defects")
    assert record["about"]["command"] == "python -m binpack.course.l02_deep_q_network.record_defects FOLDER"
    assert record["config"] == dataclasses.asdict(defects.CONFIG)
    assert record["short"] == dataclasses.asdict(defects.SHORT)
    wanted = [(defect, seed) for defect in ("mended", "A", "B", "C") for seed in defects.SEEDS]
    assert [(row["defect"], row["seed"]) for row in record["curves"]] == wanted
    for defect in "ABCE":
        for steps, rows in records.published_and_mended(defect).values():
            assert steps.tolist() == list(range(500, 6001, 500)) and rows.shape == (10, 12)
    for numbers, rows in records.published_and_mended("D").values():
        assert numbers.tolist() == list(range(1, defects.TRIALS + 1)) and rows.shape == (10, defects.TRIALS)
    for row in record["draws"]:
        suggest = bug_hunt.suggest if row["ranges"] == "published" else lesson.suggest.reference
        asked = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=row["number"])).ask()
        suggest(asked, defects.CONFIG)
        assert row["params"] == asked.params


def test_the_study_never_saw_the_seeds_that_judge_it():
    record = records.load("tuning")
    assert record["about"]["command"] == "python -m binpack.course.l02_deep_q_network.record_tuning FOLDER"
    assert record["base"] == dataclasses.asdict(tuning.BASE)
    assert not set(record["study_seeds"]) & set(record["fresh_seeds"])
    assert record["trials"][0]["params"] == tuning.DEFAULT
    assert len(record["trials"]) == tuning.TRIALS
    best = max(record["trials"], key=lambda trial: trial["value"])
    assert record["tuned"] == best["params"]
    arms = [(row["settings"], row["seed"]) for row in record["finals"]]
    assert arms == [(name, seed) for name in ("default", "tuned") for seed in record["fresh_seeds"]]


def test_the_lunar_lander_record_is_what_its_script_would_record():
    record = records.load("lunar_lander")
    assert record["about"]["command"] == "python -m binpack.course.l02_deep_q_network.record_lunar_lander FOLDER"
    assert record["config"] == dataclasses.asdict(dqn_lunar_lander.CONFIG)
    assert [run["seed"] for run in record["runs"]] == list(dqn_lunar_lander.SEEDS)
    steps, scores = records.curve(record)
    assert steps.tolist() == list(range(dqn_lunar_lander.EVERY, record["config"]["total_steps"] + 1, steps[0]))
    for run, row in zip(record["runs"], scores, strict=True):
        assert run["chosen_step"] == steps[row.argmax()] and run["chosen_score"] == row.max()
        assert len(run["test"]) == dqn_lunar_lander.TEST_EPISODES
    means = records.test_means(record)
    assert (means > 200).mean() >= 0.8
    assert record["shipped_seed"] == record["runs"][np.argsort(means)[len(means) // 2]]["seed"]


def test_the_shipped_lander_lands():
    network = records.load_lander(lesson.make_network.reference(8, 4))
    returns = lesson.evaluate.reference(network, gym.make("LunarLander-v3"), 5, dqn_lunar_lander.TEST_SEED)
    # other processors round otherwise, and an episode may then go another way: so the mean of some, with room
    assert returns.mean() > 100


@pytest.mark.parametrize("stage", ["early", "late"])
def test_a_film_is_small_and_moves(stage):
    path = records.film(stage)
    assert path.stat().st_size < 1_000_000
    with Image.open(path) as picture:
        assert picture.n_frames > 10 and picture.size == dqn_lunar_lander.FRAME_SIZE


# ------------------------------------------------------------------------------------- what the lesson says about them


def ever(defect, level):
    """How many runs reach a level, published and mended."""
    curves = records.published_and_mended(defect)
    assert records.reached(curves, level).startswith(f"runs that ever reach {level}: published ")
    return tuple(int((rows.max(axis=1) >= level).sum()) for _, rows in curves.values())


def test_what_lesson_02b_says_about_the_defects_is_what_was_recorded():
    assert ever("A", 150) == (1, 10) and ever("A", 20)[0] <= 3, "a single run does learn, most lie on the bottom"
    assert ever("B", 100) == (0, 10), "no published run gets anywhere"
    (_, published), (_, mended) = records.published_and_mended("C").values()
    assert (published == mended).all(axis=1).sum() >= 9, "the two bands cover each other"
    (_, published), (_, mended) = records.published_and_mended("D").values()
    assert (np.diff(published.mean(axis=0))[:2] > 0).all() and published[:, 2:].mean(axis=0).min() > 150
    assert (mended > 150).mean() < 0.1, "a fresh agent hardly ever reaches it"
    assert ever("E", 100)[0] == 0 and ever("E", 150)[1] == 10, "every mended draw learns something"


def test_what_lesson_02b_says_about_the_study_is_what_was_recorded():
    record = records.load("tuning")
    trials = sorted(record["trials"], key=lambda trial: -trial["value"])
    assert all(5e-4 < trial["params"]["learning_rate"] < 1.3e-3 for trial in trials[:5])
    default, tuned = records.finals(record).values()
    assert verdict(tuned, default).word == "ahead" and len(tuned) == 12
    assert verdict(tuned[:5], default[:5]).word == "not separable"
    promised, kept = trials[0]["value"] - record["trials"][0]["value"], tuned.mean() - default.mean()
    assert 0.4 < kept / promised < 0.6, "half of the gain was luck"
    assert abs(default.mean() - record["trials"][0]["value"]) < 10
