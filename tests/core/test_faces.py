"""A face names what a room gives, and loads none of it before it is asked for."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import binpack

FACES = [
    info.name
    for info in pkgutil.walk_packages(binpack.__path__, "binpack.")
    if info.ispkg and "lazy_face" in (importlib.import_module(info.name).__dict__)
]


@pytest.mark.parametrize("name", FACES)
def test_everything_that_a_face_names_is_there(name):
    face = importlib.import_module(name)
    assert face.__all__ and dir(face) == face.__all__
    for each in face.__all__:
        assert getattr(face, each) is not None
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'nothing'"):
        _ = face.nothing


def test_there_are_faces():
    assert "binpack.plots" in FACES


def test_a_figure_of_boxes_does_not_pay_for_optuna():
    code = "import sys; from binpack.plots import packing; assert not {'optuna', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
