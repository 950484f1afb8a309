"""Texts of still figures: shown as they are, whatever they hold, in fonts that have their letters."""

import json
import subprocess
import sys
import warnings

import numpy as np
import optuna
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure as MatplotlibFigure

from binpack import plots
from binpack.plots import letters, viewer
from binpack.text import hypertext, terminal

NASTY = "_$A_{1$<b>5%{x}&\x1b[m\u202e상\n$\\f$"
BOXES = [(0, 0, 0, 1, 1, 1), (1, 0, 0, 1, 1, 1)]


def texts(figure) -> list[str]:
    """Return what a still figure writes, drawn."""
    from matplotlib.text import Text

    viewer.pixels_of(figure)
    found = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    written = {text.get_text() for text in found}
    assert not any(text._preprocess_math(text.get_text())[1] for text in found if "mathdefault" not in text.get_text())
    return sorted(written)


def study() -> optuna.Study:
    """A study whose name and whose parameters' names and choices are nasty."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    made = optuna.create_study(study_name=NASTY, sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(trial):
        choice = trial.suggest_categorical(NASTY, [NASTY, "plain"])
        return trial.suggest_float("$x$", 1e-5, 1, log=True) + len(choice)

    made.optimize(objective, n_trials=6)
    return made


FIGURES = {
    "packing": lambda: plots.packing(BOXES, (2, 2, 2), [NASTY, "b"]),
    "packings": lambda: plots.packings({NASTY: BOXES, "b": BOXES}, (2, 2, 2)),
    "landing": lambda: plots.landing(np.zeros((2, 3, 3)), [NASTY, "b"]),
    "mask": lambda: plots.mask(np.ones((2, 3, 3)), [NASTY, "b"]),
    "heat_table rows": lambda: plots.heat_table([[1, 2], [3, 4]], rows=[NASTY, "b"]),
    "heat_table columns": lambda: plots.heat_table([[1, 2], [3, 4]], columns=[NASTY, "b"]),
    "bars": lambda: plots.bars_with_spread({NASTY: [1, 2, 3], "b": [2, 3, 4]}, x="agent", y="score"),
    "curves": lambda: plots.curves_with_spread({NASTY: ([0, 1], [[1, 2]]), "b": ([0, 1], [[2, 3]])}, x="s", y="r"),
    "contour": lambda: plots.contour(study()),
}


@pytest.mark.parametrize("name", list(FIGURES))
def test_a_name_is_shown_as_it_is_in_both_forms_and_in_the_text(name):
    with warnings.catch_warnings(action="error"):
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        figure = FIGURES[name]()
        figure.png()
        assert any(terminal(NASTY) in text for text in texts(figure.matplotlib)), texts(figure.matplotlib)
    live = json.dumps(json.loads(figure.plotly.to_json()), ensure_ascii=False).replace("&#37;", "%")
    assert json.dumps(hypertext(NASTY), ensure_ascii=False)[1:-1] in live
    assert "<b>5" not in live and "u001b" not in live
    assert len(figure.text.splitlines()) == 1 and "\x1b" not in figure.text


@pytest.mark.parametrize(
    "draw", ["history", "importance", "slice_", "parallel_coordinate", "rank", "edf", "intermediate_values", "timeline"]
)
def test_figures_of_a_study_are_drawn_whatever_its_names(draw):
    made = study()
    if draw == "intermediate_values":
        trial = made.ask()
        trial.report(1.0, 1)
        made.tell(trial, 1.0)
    with warnings.catch_warnings(action="error"):
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        getattr(plots, draw)(made).png()


def test_a_picture_of_nasty_names_is_written_and_its_page_has_no_tag_of_theirs(tmp_path):
    labels = [NASTY, "</script><script>alert(1)</script>"]
    with warnings.catch_warnings(action="error"):
        path = viewer.write_png(tmp_path / "a.png", viewer.matplotlib_packing(BOXES, (2, 2, 2), labels))
    assert path.read_bytes().startswith(b"\x89PNG")
    page = viewer.write_html(tmp_path / "a.html", viewer.plotly_packing(BOXES, (2, 2, 2), labels, NASTY)).read_text()
    assert "<script>alert" not in page and "\x1b" not in page and "\u202e" not in page


def test_numbers_of_a_logarithmic_axis_keep_their_powers():
    figure = MatplotlibFigure()
    axes = figure.add_subplot()
    axes.set(yscale="log", ylim=(1e-4, 1e4), title="$x$")
    letters.settle(figure)
    figure.canvas.draw()
    assert axes.title._preprocess_math("$x$") == ("$x$", False)
    tick = axes.get_yticklabels()[2]
    assert tick._preprocess_math(tick.get_text())[1] is True


def test_long_names_have_room_under_the_picture():
    names = [f"{number} {'a long name of an item ' * 5}" for number in range(4)] + ["상자" * 60] * 4
    boxes = [(0, 0, number, 1, 1, 1) for number in range(8)]
    figure = viewer.matplotlib_packing(boxes, (1, 1, 8), names)
    viewer.pixels_of(figure)
    (legend,) = figure.legends
    assert len(legend.texts) == 5 and all(text.get_text().endswith("…") for text in legend.texts)
    assert legend.get_window_extent().width <= figure.bbox.width


@pytest.fixture
def fonts(monkeypatch):
    """The fonts that matplotlib came with, and no others; tests add theirs."""
    own = [entry for entry in font_manager.fontManager.ttflist if "mpl-data" in entry.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [])
    yield own
    font_manager._findfont_cached.cache_clear() if hasattr(font_manager, "_findfont_cached") else None


def make_font(path, family: str, written: str) -> str:
    """Make a font in which each of some letters is a filled square."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    pen = TTGlyphPen(None)
    for place, move in (((100, 0), pen.moveTo), ((100, 700), pen.lineTo), ((900, 700), pen.lineTo)):
        move(place)
    pen.closePath()
    names = [f"u{ord(letter):04X}" for letter in written]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names])
    builder.setupCharacterMap({ord(letter): name for letter, name in zip(written, names, strict=True)})
    builder.setupGlyf({name: pen.glyph() for name in (".notdef", *names)})
    builder.setupHorizontalMetrics(dict.fromkeys((".notdef", *names), (1000, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, usWeightClass=400)
    builder.setupPost()
    builder.save(path)
    return str(path)


def test_korean_is_drawn_in_a_font_that_has_it_also_one_that_came_later(tmp_path, fonts, monkeypatch):
    assert letters.families("상자") == ()
    assert letters.missing("b상자a") == "상자"
    assert letters.korean_fonts().startswith("no Korean font")
    path = make_font(tmp_path / "korean.ttf", "Test Hangul", "가힣상자")
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [path, str(tmp_path / "gone.ttf")])
    assert letters.families("상자") == ("Test Hangul",)
    assert letters.missing("b상자a語") == "語"
    assert letters.korean_fonts() == "Korean names in figures: Test Hangul"
    figure = viewer.matplotlib_packing(BOXES, (2, 2, 2), ["상자 $1$", "box"])
    with warnings.catch_warnings(action="error"):
        viewer.pixels_of(figure)
    korean, latin = (text for text in figure.legends[0].texts[::-1])
    assert korean.get_fontfamily()[-1] == "Test Hangul" and "Test Hangul" not in latin.get_fontfamily()


def test_letters_that_no_font_has_are_drawn_without_a_warning(fonts):
    with warnings.catch_warnings(action="error"):
        viewer.pixels_of(viewer.matplotlib_packing(BOXES, (2, 2, 2), ["상자", "box"]))
        plots.bars_with_spread({"상자": [1, 2, 3]}, x="agent", y="score").png()


def test_nothing_is_looked_for_where_matplotlib_has_every_letter():
    program = (
        "from binpack.plots import letters; import sys; "
        "print(letters.missing('box'), letters.families('box'), 'matplotlib' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown == " () False\n"
