"""The other parts of lesson 05b: curriculum, time, event files and figures."""

import numpy as np
import pytest
import torch
from stable_baselines3.common.vec_env import DummyVecEnv
from torch.utils.tensorboard import SummaryWriter

from binpack.core.statistics import verdict
from binpack.course.l05_hyperparameters import arm_figures as figures
from binpack.course.l05_hyperparameters import curriculum, parallel
from binpack.course.l05_hyperparameters.event_files import read_scalars, server
from binpack.files import FileError, InputError
from binpack.system import checkout


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# ---------------------------------------------------------------------------------------------------------- curriculum


@pytest.mark.parametrize(
    ("stage", "utilization", "wanted"), [(0, 0.7, 0), (0, 0.75, 1), (1, 0.9, 2), (2, 0.9, 2), (1, float("nan"), 1)]
)
def test_a_stage_ends_where_the_agent_is_good_enough(stage, utilization, wanted):
    assert curriculum.next_stage(stage, utilization, 3) == wanted


def test_training_goes_through_the_stages_and_counts_all_steps(monkeypatch):
    monkeypatch.setitem(curriculum.DEFAULT, "n_epochs", 1)
    monkeypatch.setattr(curriculum, "STREAMS", 5)
    monkeypatch.setattr(curriculum, "next_stage", lambda stage, utilization, stages: min(stage + 1, stages - 1))
    lessons = curriculum.train_in_stages(("cut_2:3-4", "cut_2:2-4"), 0, steps=3 * curriculum.ROLLOUT)
    assert lessons.steps.tolist() == [2048, 4096, 6144]
    assert lessons.stages.tolist() == [0, 1, 1]
    assert ((lessons.utilization > 0) & (lessons.utilization <= 1)).all()


def test_the_record_of_the_curriculum():
    lessons = curriculum.load()
    assert set(lessons) == set(curriculum.ARMS)
    curves = {name: np.array([row["utilization"] for row in rows]) for name, rows in lessons.items()}
    assert {len(curve) for curve in curves.values()} == {10} and len({curve.shape for curve in curves.values()}) == 1
    for name, stages in curriculum.ARMS.items():
        assert all(row["stages"] == sorted(row["stages"]) for row in lessons[name])
        assert all(row["stages"][-1] == len(stages) - 1 for row in lessons[name])
    # prose of the lesson: while the easy stages last, the curves lie below
    plain = curves.pop("no curriculum")
    for name, curve in curves.items():
        assert curve[:, :4].mean() < plain[:, :4].mean() and curve.mean() < plain.mean()
        assert verdict(curve[:, -1], plain[:, -1]).word == "behind"
        apart = (plain - curve).mean(axis=0)
        assert 0 < apart[-1] < apart[5] / 2
        later = curriculum.last_stage(lessons[name], 10).mean(axis=1) - plain[:, :10].mean(axis=1)
        assert (later > (curve - plain).mean(axis=1)).all()
        assert not verdict(later).separable and verdict((curve - plain).mean(axis=1)).word == "behind"


def test_the_last_stage_begins_where_the_stage_number_is_highest():
    row = {"seed": 3, "stages": [0, 0, 1, 1, 1], "utilization": [0.1, 0.2, 0.3, 0.4, 0.5]}
    assert curriculum.last_stage([row, row], 2).tolist() == [[0.3, 0.4]] * 2
    with pytest.raises(InputError, match="seed 3 has fewer than 4 rollouts in its last stage"):
        curriculum.last_stage([row], 4)


# ---------------------------------------------------------------------------------------------------------------- time


def test_ways_are_compared_with_the_first():
    ways = {"one": lambda: DummyVecEnv([parallel.one_bin]), "batch": parallel.WAYS[f"a batch of {parallel.MANY}"]}
    speeds = parallel.race(ways, seconds=0.05)
    assert speeds["one"] == 1 and speeds["batch"] > 1


def test_a_slow_bin_takes_its_time_and_plays_the_same():
    plain, slow = parallel.one_bin(), parallel.one_slow_bin()
    plain.reset(seed=0), slow.reset(seed=0)
    action = int(plain.action_masks().argmax())
    mine, theirs = plain.step(action), slow.step(action)
    assert mine[1:4] == theirs[1:4]
    assert parallel.steps_per_second(DummyVecEnv([parallel.one_slow_bin]), 0.05) < 1 / parallel.WORK


def test_the_two_halves_of_a_rollout_are_timed():
    rollout, update = parallel.time_of_update(n_steps=8, n_epochs=1)
    assert rollout > 0 and update > 0


# --------------------------------------------------------------------------------------------------------- event files


def write_events(folder, tag, values):
    """Write a curve as training does."""
    with SummaryWriter(folder) as writer:
        for step, value in enumerate(values):
            writer.add_scalar(tag, value, 10 * step)


def test_scalars_come_back_as_they_were_written(tmp_path):
    values = np.linspace(0, 1, 1500)  # more than TensorBoard keeps by itself
    write_events(tmp_path / "run", "train/approx_kl", values)
    curves = read_scalars(tmp_path)
    assert list(curves) == ["train/approx_kl"]
    steps, read = curves["train/approx_kl"]
    np.testing.assert_array_equal(steps, 10 * np.arange(1500))
    np.testing.assert_allclose(read, values, rtol=1e-6)


def test_several_runs_keep_their_names(tmp_path):
    write_events(tmp_path / "a", "loss", [1.0])
    write_events(tmp_path / "b", "loss", [2.0])
    curves = read_scalars(tmp_path)
    assert {name: values.tolist() for name, (_, values) in curves.items()} == {"a/loss": [1.0], "b/loss": [2.0]}


def test_a_folder_without_event_files_is_refused(tmp_path):
    with pytest.raises(FileError, match="there are no event files in it"):
        read_scalars(tmp_path)


# ------------------------------------------------------------------------------------------------------------- figures


def test_vital_signs_have_a_panel_for_each_name_and_a_line_for_each_run():
    curves = {name: np.linspace(1, 2, 5) for name in figures.SIGNS}
    figure = figures.vital_signs({"healthy": curves, "A": {**curves, "approx_kl": np.zeros(5)}}, "two runs")
    assert len(figure.plotly.data) == 2 * len(figures.SIGNS) and len(figure.matplotlib.axes) == len(figures.SIGNS)
    assert figure.text.startswith("two runs: healthy ends at ep_rew_mean 2, ")
    kl = [trace.y for trace in figure.plotly.data if trace.name == "A"][figures.SIGNS.index("approx_kl")]
    assert min(kl) > 0  # drawn on a logarithmic axis


@pytest.mark.parametrize(
    ("values", "limits", "ticks"),
    [
        ([0.0061, 0.0085], None, [0.005, 0.01]),
        ([0.012, np.nan, 0.3], None, [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]),
        ([1e-4, 7.0], None, [0.0001, 0.001, 0.01, 0.1, 1.0, 10.0]),
        ([0.5], None, [0.5, 1.0]),
        ([3.0], (0.01, 0.3), [0.01, 0.02, 0.05, 0.1, 0.2]),
        ([np.nan], None, [1.0, 2.0]),
    ],
)
def test_a_logarithmic_axis_has_plain_ticks(values, limits, ticks):
    assert figures.decimal_ticks([values], limits) == ticks


def test_the_ticks_of_small_numbers_are_decimals():
    curves = {name: np.linspace(0.0061, 0.0085, 5) for name in figures.SIGNS}
    figure = figures.vital_signs({"healthy": curves}, "a run")
    panel = figure.matplotlib.axes[figures.SIGNS.index("approx_kl")]
    assert [label.get_text() for label in panel.get_yticklabels()] == ["0.005", "0.01"]
    assert panel.get_ylim() == (0.005, 0.01) and len(panel.get_yticks(minor=True)) == 0
    assert figure.plotly.layout.yaxis5.ticktext == ("0.005", "0.01")
    assert figure.plotly.layout.yaxis5.range == tuple(np.log10([0.005, 0.01]))


def test_a_pose_tells_the_distance():
    figure = figures.pose(np.array([[0, 0], [0.5, 0], [1.0, 0]]), np.array([0.0, 0.0]), title="arm")
    assert figure.text == "arm: the tip is 100 cm from the target"
    film = figures.arm_film([(0, np.zeros((3, 2)), np.ones(2)), (5, np.zeros((3, 2)), np.zeros(2))], "film")
    assert film.text == "film: 2 frames; after 0.5 s: arm: the tip is 0 cm from the target"


def test_lines_tell_their_ends():
    figure = figures.lines({"a": ([0, 1], [1, 3]), "b": ([0, 1], [2, 1e-3])}, x="x", y="y", title="two", log=True)
    assert figure.text == "two: a ends at 3, b ends at 0.001"
    assert figure.plotly.layout.yaxis.type == "log" and figure.matplotlib.axes[0].get_yscale() == "log"


def test_the_server_is_named_from_the_folder_of_the_course(tmp_path):
    inside, outside = server(checkout() / "runs" / "first"), server("/somewhere/else")
    assert "--logdir runs/first --host 127.0.0.1 --port 6006" in inside
    assert "--logdir /somewhere/else " in outside
