"""The README's small pictures are figures of the lessons as they are stored."""

from pathlib import Path

import build
import pictures
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", pictures.SHOWN)
def test_a_lessons_picture_is_one_of_its_figures(name):
    stored = pictures.FOLDER / f"lesson_{name.partition('_')[0]}.png"
    with Image.open(stored) as image:
        assert image.width <= pictures.WIDE and image.height <= pictures.TALL
    fresh = pictures.picture_of(ROOT / "notebooks" / f"{name}.ipynb", pictures.SHOWN[name])
    assert stored.read_bytes() == fresh, "python notebooks/source/pictures.py makes them anew"


def test_every_lesson_has_a_picture_in_the_readme():
    written = {source.stem for source in build.sources()}
    assert pictures.SHOWN.keys() == written
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in written:
        assert f'<img src="tutorials/images/lesson_{name.partition("_")[0]}.png"' in readme


def test_a_missing_figure_is_named():
    with pytest.raises(ValueError, match="has no figure whose text begins with 'nothing of the kind'"):
        pictures.picture_of(ROOT / "notebooks" / "00_start_here.ipynb", "nothing of the kind")


def test_the_animation_grows_a_box_a_frame_and_is_small():
    stored = pictures.FOLDER / "packing.gif"
    with Image.open(stored) as moving:
        assert moving.n_frames > 10 and moving.size == (640, 320)
    assert stored.stat().st_size < 600_000
