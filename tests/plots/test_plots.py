"""Every figure has three forms, says what it shows in one line, and leaves the process as it was."""

import base64
import io
import json

import matplotlib as mpl
import nbconvert
import numpy as np
import optuna
import pytest
from bs4 import BeautifulSoup
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from nbformat import v4
from optuna.samplers import RandomSampler, TPESampler
from PIL import Image

from binpack import plots
from binpack.core.statistics import mean_interval
from binpack.plots import Figure, style

PARAMETERS = ("learning_rate", "gamma", "schedule")


def make_study(n_trials, sampler=None, **attributes):
    """A study of three parameters, one trial in five pruned, the first one enqueued."""
    study = optuna.create_study(direction="maximize", sampler=sampler or RandomSampler(seed=0), study_name="tiny")
    for name, value in attributes.items():
        study.set_user_attr(name, value)

    def objective(trial):
        rate = trial.suggest_float("learning_rate", 1e-5, 1e-2, log=True)
        gamma = trial.suggest_float("gamma", 0.9, 1.0)
        trial.suggest_categorical("schedule", ["constant", "linear"])
        score = 0.6 - 0.1 * (np.log10(rate) + 3.5) ** 2 + 0.1 * gamma
        trial.report(score / 2, 1000)
        if trial.number % 5 == 4:
            raise optuna.TrialPruned
        trial.report(score, 2000)
        return score

    study.enqueue_trial({"learning_rate": 3e-4, "gamma": 0.99, "schedule": "constant"})
    study.optimize(objective, n_trials=n_trials)
    return study


@pytest.fixture(scope="module", autouse=True)
def silence():
    """Optuna's log stays out of the tests' output."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.fixture(scope="module")
def study():
    """16 complete trials and 4 pruned ones, by random search."""
    return make_study(20)


def two_objectives():
    """A study with two objectives."""
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=RandomSampler(seed=0))
    study.optimize(lambda trial: (trial.suggest_float("a", 0, 1), trial.suggest_float("b", 0, 1)), n_trials=8)
    return study


CALLS = {
    "history": (plots.history, "history: 16 trials, best score 0.699 at trial 0"),
    "importance": (plots.importance, "importance (PED-ANOVA, n=15, random search): learning_rate, "),
    "contour": (plots.contour, "contour: gamma x learning_rate x schedule, 16 trials"),
    "contour of two": (lambda s: plots.contour(s, PARAMETERS[:2]), "contour: learning_rate x gamma, 16 trials"),
    "slice": (plots.slice_, "slice: gamma, learning_rate, schedule, 16 trials"),
    "slice of one": (lambda s: plots.slice_(s, ["gamma"]), "slice: gamma, 16 trials"),
    "parallel": (plots.parallel_coordinate, "parallel coordinates: gamma, learning_rate, schedule, 16 trials"),
    "edf": (plots.edf, "distribution of score: tiny 16 trials"),
    "edf of two": (lambda s: plots.edf([s, s]), "distribution of score: tiny 16 trials, tiny 16 trials"),
    "intermediate": (plots.intermediate_values, "intermediate values: 20 trials, 4 pruned"),
    "timeline": (plots.timeline, "timeline: 16 complete, 4 pruned"),
    "rank": (lambda s: plots.rank(s, PARAMETERS[:2]), "rank: learning_rate x gamma, 16 trials"),
    "pareto": (lambda _: plots.pareto_front(two_objectives()), "Pareto front: "),
    "hypervolume": (lambda _: plots.hypervolume(two_objectives(), [0, 1]), "hypervolume: 8 trials, 0."),
    "bars": (
        lambda _: plots.bars_with_spread({0.0: [0.1, 0.3], 0.5: [0.4, 0.4]}, x="epsilon", y="share"),
        "share by epsilon (2 runs each): 0.0 0.2, 0.5 0.4",
    ),
    "curves": (
        lambda _: plots.curves_with_spread(
            {"PPO": ([0, 100], [[0, 0.5], [0, 0.7]])}, x="steps", y="score", spread="range"
        ),
        "score by steps (2 runs each): PPO ends at 0.6 [0.5, 0.7]",
    ),
    "packing": (
        lambda _: plots.packing([[0, 0, 0, 2, 2, 2], [2, 0, 0, 2, 2, 1]], (4, 4, 4)),
        "packing: 2 boxes, utilization 0.188",
    ),
    "empty packing": (lambda _: plots.packing([], (4, 4, 4)), "packing: 0 boxes, utilization 0.000"),
    "heightmap": (lambda _: plots.heightmap([[0, 2], [1, 1], [0, 0]]), "height map: 3 x 2 cells, highest 2, mean 0.67"),
    "flat heightmap": (lambda _: plots.heightmap(np.zeros((4, 4))), "height map: 4 x 4 cells, highest 0, mean 0.00"),
    "landing": (
        lambda _: plots.landing(np.array([[[0, -1], [3, -1]], [[-1, -1], [-1, -1]]])),
        "landing heights: 2 x 2 cells, lowest item 0 0, item 1 none",
    ),
    "mask curve": (
        lambda _: plots.mask_curve(
            [
                {"sweep": sweep, "bin": "8x9", "cells": 72, "edge": edge, "rule": "full", "mask_us": 9, "copy_us": 2}
                for sweep, edge in (("area", 2), ("edge", 2), ("edge", 4))
            ]
        ),
        "microseconds a mask: full; cells of the bin 72 to 72; edge of the item, in cells 2 to 4",
    ),
    "runs": (
        lambda _: plots.curves_with_spread({"PPO": ([0, 9], [[0, 1], [0, 3]])}, x="x", y="y", spread="runs"),
        "y by x (2 runs each): PPO ends at 2 [1, 3]",
    ),
    "table": (
        lambda _: plots.heat_table([[0.5, -1], [np.nan, -np.inf]], ["a", "b"], title="Q", marked=[[1, 0], [0, 0]]),
        "Q: 2 x 2 entries, -1.00 to 0.50; marked: a 0 0.50",
    ),
    "film": (
        lambda _: plots.film({k: plots.heat_table([[k, 9]], title="") for k in range(9)}, title="grows", stills=4),
        "grows: 9 frames; 8: 1 x 2 entries, 8.00 to 9.00",
    ),
    "mask": (lambda _: plots.mask([[True, False], [True, True]]), "feasible cells: item 3 of 4"),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_figure_has_three_forms_and_leaves_no_trace(study, name, recwarn):
    mpl.get_backend()  # settles on one, which would count as a change below
    style = mpl.rcParams.copy()
    make, text = CALLS[name]
    figure = make(study)
    assert figure.text.startswith(text) and "\n" not in figure.text
    assert json.loads(figure.plotly.to_json())["data"]
    picture = figure.png()
    width, height = Image.open(io.BytesIO(picture)).size
    assert 200 < width <= 900 and 120 < height <= 1300
    live = figure._repr_mimebundle_()[0]["application/vnd.plotly.v1+json"]["layout"]
    assert (live["width"], live["height"]) == (width, height)
    assert len(picture) < 200_000
    assert mpl.rcParams == style and plt.get_fignums() == []
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize("name", ["history", "edf", "bars", "heightmap", "mask", "packing", "film", "table"])
def test_a_figure_is_drawn_alike_every_time(study, name):
    make, _ = CALLS[name]
    assert len({figure.png() for figure in (make(study), make(study)) for _ in range(2)}) == 1


def test_every_number_in_a_log_axis_of_few_decades_is_plain():
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    study.optimize(lambda trial: trial.suggest_int("n_steps", 32, 512, log=True), n_trials=10)
    axes = plots.slice_(study).matplotlib.axes[0]
    shown = [label.get_text() for label in axes.get_xticklabels(which="both") if label.get_text()]
    assert "50" in shown and not any("times" in text for text in shown)


def colours(figure):
    """Colour of each set of dots and each line, in both forms."""
    drawn = [trace for trace in figure.plotly.data if trace.x is not None and len(trace.x)]
    live = [(trace.marker.color if trace.mode == "markers" else trace.line.color) for trace in drawn]
    live = [color or style.COLORS[number] for number, color in enumerate(live)]
    axes = figure.matplotlib.axes[0]
    dots = [drawn.get_facecolor()[0] for drawn in axes.collections if len(drawn.get_offsets())]
    return [color.upper() for color in live], [to_hex(c).upper() for c in (*dots, *(o.get_color() for o in axes.lines))]


@pytest.mark.parametrize("name", ["history", "edf of two", "pareto", "hypervolume"])
def test_both_forms_have_the_same_colours(study, name):
    live, still = colours(CALLS[name][0](study))
    assert live == still == list(style.COLORS[: len(live)])


def test_both_forms_of_a_timeline_have_the_same_colours(study):
    figure = plots.timeline(study)
    live = {bars.name: bars.marker.color for bars in figure.plotly.data}
    box = figure.matplotlib.axes[0].get_legend()
    handles = {label.get_text(): handle for handle, label in zip(box.legend_handles, box.texts, strict=True)}
    assert live == {name: to_hex(handle.get_facecolor()).upper() for name, handle in handles.items()}
    drawn = {to_hex(bar.get_facecolor()).upper() for bar in figure.matplotlib.axes[0].patches}
    assert drawn == set(live.values())


def test_both_forms_of_a_contour_show_one_field(study):
    figure = plots.contour(study, ["learning_rate", "schedule"])
    field, dots = figure.plotly.data
    rows = [row for row, place in zip(field.z, field.y, strict=True) if round(place) == 0]
    assert len(rows) == 2 and np.array_equal(*rows)  # a category is a band of its own
    constant = [t for t in study.trials if t.value is not None and t.params["schedule"] == "constant"]
    best = max(constant, key=lambda trial: trial.value)
    assert abs(np.log10(field.x[np.argmax(rows[0])] / best.params["learning_rate"])) < 0.5
    axes = figure.matplotlib.axes[0]
    (filled, lines), (drawn,) = axes.collections, axes.lines
    assert np.array_equal(filled.levels, lines.levels)
    ends = field.contours
    # plotly adds a band at each end, of the colour that matplotlib gives its first and its last
    assert np.allclose(filled.levels[1:-1], np.arange(ends.start, ends.end + ends.size / 2, ends.size))
    assert (filled.norm.vmin, filled.norm.vmax) == pytest.approx((ends.start - ends.size / 2, ends.end + ends.size / 2))
    assert np.array_equal(drawn.get_xydata(), np.stack([dots.x, dots.y], axis=1))
    assert axes.get_xlim() == pytest.approx(10 ** np.array(figure.plotly.layout.xaxis.range))


def test_categories_that_are_numbers_are_in_order():
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    study.optimize(lambda trial: trial.suggest_categorical("n", [128, 16, 64]) * trial.suggest_float("x", 0, 1), 12)
    assert plots.contour(study, ["n", "x"]).plotly.layout.xaxis.ticktext == ("16", "64", "128")


def test_the_best_of_a_contour_is_dark_whichever_way_the_study_goes():
    ends = []
    for direction in ("minimize", "maximize"):
        study = optuna.create_study(direction=direction, sampler=RandomSampler(seed=0))
        study.optimize(lambda trial: trial.suggest_float("a", 0, 1) + trial.suggest_float("b", 0, 1), n_trials=5)
        ends.append([color for _, color in plots.contour(study).plotly.data[0].colorscale])
    assert ends[0] == ends[1][::-1] and style.contrast(ends[1][-1], "#FFFFFF") > style.contrast(ends[1][0], "#FFFFFF")


def test_interactive_parallel_coordinates_have_whole_numbers_and_no_white():
    study = optuna.create_study(direction="maximize", sampler=RandomSampler(seed=0))
    study.optimize(lambda t: t.suggest_int("a", 1, 4) + t.suggest_int("b", 16, 2048, log=True), n_trials=20)
    plot = plots.parallel_coordinate(study).plotly
    shown = {axis: [note.text for note in plot.layout.annotations if note.x == axis] for axis in (1, 2)}
    low, high = (pick(trial.params["b"] for trial in study.trials) for pick in (min, max))
    assert shown == {1: ["1", "2", "3", "4"], 2: [str(tick) for tick in (low, 100, 1000, high)]}
    assert plot.data[-1].marker.colorscale[0][1] == "rgb(158,202,225)"
    assert "rgb(247" not in str([line.line.color for line in plot.data[:-1]])


@pytest.fixture
def displayed(monkeypatch):
    """What is handed to the front end of a notebook: data and metadata of each output."""
    import IPython
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython, "get_ipython", object)
    monkeypatch.setattr(
        IPython.display, "display", lambda data, raw, metadata=None: shown.append((data, metadata)) if raw else None
    )
    return shown


def test_show_emits_all_forms_in_a_notebook(displayed):
    plots.show(plots.heightmap([[0, 1], [2, 3]]))
    (data, metadata), _ = displayed
    assert list(data) == ["application/vnd.plotly.v1+json", "image/png", "text/plain"]
    config = data["application/vnd.plotly.v1+json"]["config"]
    assert config["showSendToCloud"] is False and config["plotlyServerURL"] == "" and config["displaylogo"] is False
    assert config["responsive"] is True and config["scrollZoom"] is False
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert data["text/plain"] == "height map: 2 x 2 cells, highest 3, mean 1.50"
    assert metadata == {"image/png": {"alt": data["text/plain"]}}
    json.dumps(data)


def test_a_reader_who_hears_the_page_is_told_what_a_picture_shows(displayed):
    plots.show(plots.mask([[True, False]], title="x < y & z"))
    plots.show_picture(b"\x89PNG", "a film")
    heard = [data["text/markdown"] for data, _ in displayed[1::2]]
    assert heard == [
        '<p class="jp-sr-only">x &lt; y &amp; z: item 1 of 2</p>',
        '<p class="jp-sr-only">a film</p>',
    ]
    assert displayed[2] == ({"image/png": "iVBORw==", "text/plain": "a film"}, {"image/png": {"alt": "a film"}})


def test_nbconvert_keeps_the_text_of_an_image(displayed):
    plots.show(plots.mask([[True]], title='a "mask"'))
    outputs = [v4.new_output("display_data", data=data, metadata=metadata or {}) for data, metadata in displayed]
    notebook = v4.new_notebook(cells=[v4.new_code_cell("show", outputs=outputs)])
    pages = {
        name: BeautifulSoup(nbconvert.HTMLExporter(template_name=name).from_notebook_node(notebook)[0], "html.parser")
        for name in ("classic", "lab")
    }
    assert pages["classic"].select_one("img[alt]")["alt"] == 'a "mask": item 1 of 1'
    # the template of JupyterLab knows no alternative text, as JupyterLab knows none
    assert pages["lab"].select_one("p.jp-sr-only").text == 'a "mask": item 1 of 1'


def test_show_prints_the_text_elsewhere(capsys):
    plots.show(plots.mask([[True, False]]))
    plots.show_picture(b"", "a film")
    assert capsys.readouterr().out == "feasible cells: item 1 of 2\na film\n"


def test_a_curve_without_points_is_an_error():
    with pytest.raises(ValueError, match="there is nothing to draw: no row has the sweep 'area'"):
        plots.mask_curve([])


def test_save_writes_a_page_without_a_network_and_a_picture(tmp_path):
    figure = plots.heightmap([[0, 1], [2, 3]])
    page = plots.save(figure, tmp_path / "map.html").read_text(encoding="utf-8")
    assert "plotly.js v" in page and '<script src="http' not in page and "cdn.plot.ly/plotly" not in page[:2000]
    assert plots.save(figure, str(tmp_path / "map.png")).read_bytes() == figure.png()
    with pytest.raises(ValueError, match=r"^a figure is saved as .html or .png, not as map\.pdf$"):
        plots.save(figure, tmp_path / "map.pdf")
    assert not (tmp_path / "map.pdf").exists()


def test_the_text_of_a_figure_is_one_line(study):
    figure = plots.mask([[True]])
    for text in ("", "two\nlines"):
        with pytest.raises(ValueError, match="the text of a figure must be one line"):
            Figure(figure.plotly, figure.matplotlib, text)


# -------------------------------------------------------------------------------------------------------- maps


def test_allowed_and_forbidden_cells_differ_for_everybody():
    figure = plots.mask([[True, False], [False, True]])
    below, above, crosses = figure.plotly.data
    colors = [trace.colorscale[0][1] for trace in (above, below)]
    assert style.contrast(*colors) >= 3 and style.contrast(colors[0], style.PAPER) >= 3
    assert list(zip(crosses.y, crosses.x, crosses.text, strict=True)) == [(0, 1, "×"), (1, 0, "×")]
    assert style.contrast(crosses.textfont.color[0], colors[1]) >= 4.5
    assert [text.get_text() for text in figure.matplotlib.axes[0].texts] == ["×", "×"]


def test_a_map_lies_as_its_packing_does():
    # the corner that is in front in the picture of a packing, at the ends of x and y, is the lower right one
    figure = plots.heightmap([[0, 1, 2], [3, 4, 5]])
    assert np.array_equal(figure.plotly.data[1].z, [[0, 1, 2], [3, 4, 5]])
    assert figure.plotly.layout.yaxis.range == (1.5, -0.5) and figure.plotly.layout.xaxis.range == (-0.5, 2.5)
    axes = figure.matplotlib.axes[0]
    assert axes.get_ylim() == (1.5, -0.5) and axes.get_xlim() == (-0.5, 2.5)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("y", "x")
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written[2, 1] == "5"


# ----------------------------------------------------------------------------------------------------- films and tables


def test_a_film_shows_one_frame_at_a_time_and_plays_them_in_order():
    tables = {f"after {k}": plots.heat_table([[k / 3, 1.0]], title="", limits=(0, 1)) for k in range(3)}
    plot = plots.film(tables, title="a table fills").plotly
    each = len(plot.data) // 3
    assert [trace.visible for trace in plot.data] == [True] * each + [False] * 2 * each
    for number, frame in enumerate(plot.frames):
        shown = [place for place, trace in zip(frame.traces, frame.data, strict=True) if trace.visible]
        assert shown == list(range(number * each, (number + 1) * each))
        assert plot.data[shown[0]].z[0][0] == number / 3
    steps = plot.layout.sliders[0].steps
    assert [step.label for step in steps] == list(tables) and [step.args[0] for step in steps] == [
        ("0",),
        ("1",),
        ("2",),
    ]


def test_the_colours_of_a_table_part_at_zero_and_its_numbers_are_read():
    heat, numbers, _ = plots.heat_table([[-3, 0, 1, 3], [-1, 2, np.nan, np.inf]]).plotly.data
    assert (heat.zmin, heat.zmax) == (-3, 3) and heat.colorscale[len(heat.colorscale) // 2] == (0.5, "#F7F7F7")
    assert list(numbers.text) == ["-3.00", "0.00", "1.00", "3.00", "-1.00", "2.00", "", "∞"]
    assert numbers.textfont.color[0] == numbers.textfont.color[3] == "#FFFFFF" != numbers.textfont.color[1]
    assert plots.heat_table([[0, 4]]).plotly.data[0].zmax == 4 and plots.heat_table([[0, 0]]).text.endswith(
        "0.00 to 0.00"
    )


def test_a_table_too_large_for_numbers_has_colours_alone():
    for shape, numbers in (((4, 9), 36), ((3, 60), 0), ((60, 3), 0)):
        figure = plots.heat_table(np.linspace(-1, 1, np.prod(shape)).reshape(shape))
        assert len(figure.matplotlib.axes[0].texts) == len(figure.plotly.data[1].text) == numbers
        picture = Image.open(io.BytesIO(figure.png()))
        assert picture.width <= 900 and picture.height <= 720


def test_a_table_rounds_its_numbers_and_knows_no_minus_zero():
    assert plots.heat_table([[-0.04, 0.26]], digits=1).plotly.data[1].text == ("0.0", "0.3")


def test_contrast_is_that_of_wcag():
    assert style.contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert style.contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert style.shade(("#000000", "#FFFFFF"), 0.5) == "#808080" and style.shade(("#000000", "#FFFFFF"), 7) == "#FFFFFF"
    for scale in (style.BLUES, style.ORANGES):
        assert min(style.contrast(style.ink_on(color), color) for color in scale) > 3


# ----------------------------------------------------------------------------------------------------------- importance


def test_importance_warns_under_50_trials_and_not_above(study):
    assert plots.importance(study).text.endswith("; fewer than 50 trials, so the order may be chance")
    text = plots.importance(make_study(70)).text
    assert text.startswith("importance (PED-ANOVA, n=55, random search): learning_rate, ") and ";" not in text


@pytest.mark.parametrize(
    ("study_of", "origin"),
    [
        (lambda: make_study(12, TPESampler(seed=0)), "n=9, TPE search: not a random sample)"),
        (lambda: make_study(12, binpack={"config": {"sampler": {"kind": "random"}}}), "n=9, random search)"),
        (lambda: make_study(12, binpack={"config": {"sampler": {"kind": "tpe"}}}), "TPE search: not a random sample)"),
        (lambda: make_study(12, binpack={"config": {"sampler": {"kind": "grid"}}}), "n=9, grid search)"),
    ],
)
def test_importance_says_where_its_trials_come_from(study_of, origin):
    assert origin in plots.importance(study_of()).text


def test_equal_importances_are_sorted_by_name():
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    study.optimize(lambda trial: trial.suggest_float("z", 0, 1), n_trials=10)
    for trial in study.get_trials(deepcopy=False):
        # two parameters that carry the same value in every trial cannot be told apart
        trial.params["a"] = trial.params["z"]
        trial.distributions["a"] = trial.distributions["z"]
    copy = optuna.create_study(sampler=RandomSampler(seed=0))
    copy.add_trials(study.get_trials(deepcopy=False))
    assert "): a, z;" in plots.importance(copy).text


def test_importance_of_a_target_to_maximize_looks_at_its_high_end():
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=RandomSampler(seed=0))

    def objective(trial):
        # a decides among the good trials, b among the bad ones
        a, b = trial.suggest_float("a", 0, 1), trial.suggest_float("b", 0, 1)
        return (1 + a if a > 0.8 else -1 - b if b > 0.8 else 0.0), a

    study.optimize(objective, n_trials=200)
    best = plots.importance(study, target=lambda trial: trial.values[0])
    worst = plots.importance(study, target=lambda trial: trial.values[0], lower_is_better=True)
    assert best.text.endswith(": a, b") and worst.text.endswith(": b, a")


def test_a_computed_curve_says_nothing_of_runs():
    curve = plots.curves_with_spread({"a": ([0, 1], [[1, 2]]), "b": ([0, 1], [0, 4])}, x="x", y="y", title="exact")
    assert curve.text == "y by x: a ends at 2, b ends at 4"
    assert curve.plotly.layout.title.text == "exact"


def test_whiskers_are_the_interval_of_the_mean():
    runs = [0.5, 0.6, 0.8]
    low, high = mean_interval(runs)
    figure = plots.bars_with_spread({"a": runs, "b": [0.4, 0.5]}, x="x", y="y")
    assert figure.text.endswith(f"a 0.633 [{low:.3g}, {high:.3g}], b 0.45")
    arms = figure.plotly.data[-1].error_y
    assert arms.array == pytest.approx((high - np.mean(runs), 0)) and arms.arrayminus == pytest.approx(arms.array)
    curve = plots.curves_with_spread({"a": ([0, 1], np.outer(runs, [1, 2]))}, x="x", y="y")
    assert curve.text.endswith(f"a ends at 1.27 [{2 * low:.3g}, {2 * high:.3g}]")


# ------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: plots.contour(s, ["gamma"]), "this figure needs at least 2 parameters, got 1"),
        (
            lambda s: plots.slice_(s, ["lr"]),
            "the study has no parameter 'lr'; it has: gamma, learning_rate, schedule",
        ),
        (
            lambda _: plots.history(optuna.create_study()),
            "this figure needs at least 1 trial that completed, the study has 0",
        ),
        (
            lambda _: plots.importance(make_study(1)),
            "this figure needs at least 2 trials that completed, the study has 1",
        ),
        (
            lambda _: plots.importance(make_study(2)),
            "importance needs at least 2 completed trials that the search chose; of the study's 2 it chose 1, the "
            "others were put in, as the default is",
        ),
        (lambda _: plots.timeline(optuna.create_study()), "no trial of this study has started"),
        (
            lambda _: plots.intermediate_values(optuna.create_study()),
            "no trial of this study reported intermediate values",
        ),
        (lambda s: plots.pareto_front(s), "a Pareto front is drawn of 2 objectives, this study has 1"),
        (
            lambda s: plots.hypervolume(s, [0, 1]),
            "a hypervolume is drawn of 2 objectives or more, this study has 1",
        ),
        (
            lambda _: plots.hypervolume(two_objectives(), [0]),
            "the reference has 1 values, and the study has 2 objectives",
        ),
        (
            lambda _: plots.history(two_objectives()),
            "this study has several objectives: say with target= which one to draw",
        ),
        (lambda _: plots.bars_with_spread({}, x="x", y="y"), "there is nothing to draw: data has no groups"),
        (
            lambda _: plots.bars_with_spread({"a": [1, float("nan")]}, x="x", y="y"),
            "the runs of a must be finite numbers, one a run, got shape (2,)",
        ),
        (
            lambda _: plots.bars_with_spread({"a": [1.0]}, x="x", y="y", spread="sd"),
            "spread must be 'interval' or 'range', got 'sd'",
        ),
        (
            lambda _: plots.curves_with_spread({"a": ([0], [[1.0]])}, x="x", y="y", spread="sd"),
            "spread must be 'interval', 'range', 'middle' or 'runs', got 'sd'",
        ),
        (
            lambda _: plots.curves_with_spread({"a": ([0, 1], [[1, 2, 3]])}, x="x", y="y"),
            "the curve a has places of shape (2,) but runs of shape (1, 3)",
        ),
        (lambda _: plots.heightmap([1, 2]), "heights must be an array (L, W) or (K, L, W), got shape (2,)"),
        (lambda _: plots.heat_table([1, 2]), "values must be an array (R, C), got shape (2,)"),
        (lambda _: plots.heat_table([[1]], ["a", "b"]), "expected a name for each of the 1 rows, got 2"),
        (
            lambda _: plots.heat_table([[1, 2]], marked=[[True]]),
            "marked must have the shape of values, (1, 2), got (1, 1)",
        ),
        (lambda _: plots.film({}, title="t"), "a film needs frames and one still or more, got 0 frames and 6 stills"),
        (lambda _: plots.mask([[True]], ["a", "b"]), "expected a name for each of the 1 planes, got 2"),
        (lambda _: plots.packing([[1, 2]], (4, 4, 4)), "boxes must be an (n, 6) array, got shape (1, 2)"),
    ],
)
def test_bad_input_gets_one_line(study, call, message):
    with pytest.raises(ValueError) as raised:
        call(study)
    assert str(raised.value) == message


def test_importance_of_equal_values():
    study = optuna.create_study(sampler=RandomSampler(seed=0))
    study.optimize(lambda trial: trial.suggest_float("a", 0, 1) * 0, n_trials=3)
    with pytest.raises(ValueError, match=r"^importance needs trials whose values differ, and they are all equal$"):
        plots.importance(study)


def test_packings_stand_side_by_side():
    boxes = np.array([[0, 0, 0, 2, 2, 1], [2, 0, 0, 2, 1, 3]])
    figure = plots.packings({"first": boxes[:1], "second": boxes, "third": boxes[:0]}, (4, 5, 3))
    assert figure.text == (
        "packings: first 1 box, utilization 0.067, second 2 boxes, utilization 0.167, third 0 boxes, utilization 0.000"
    )
    assert {trace.scene for trace in figure.plotly.data} == {"scene", "scene2", "scene3"}
    assert [note.text for note in figure.plotly.layout.annotations] == ["first: 6.7%", "second: 16.7%", "third: 0.0%"]
    assert figure.plotly.layout.scene2.domain.x == pytest.approx((1 / 3, 2 / 3))
    assert figure.png().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="nothing to draw"):
        plots.packings({}, (4, 5, 3))
