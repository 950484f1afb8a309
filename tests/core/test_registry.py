"""Names of choices: built-in ones, one's own, and what a stored file may not do."""

import sys

import pytest

from binpack.core.registry import Registry, without_imports

COLOURS = Registry("colour", ("paint",), {"red": "test_registry:RED"})


class Colour:
    """A colour with a strength."""

    def __init__(self, strength: float = 1.0) -> None:
        self.strength = strength

    def paint(self) -> str:
        """Say the strength."""
        return f"{self.strength}"

    def with_options(self, text: str) -> "Colour":
        """Read the strength."""
        return Colour(float(text))


class Plain:
    """Takes no options."""

    def paint(self) -> str:
        """Say nothing."""
        return ""


class Wanting:
    """Cannot be made without something."""

    def __init__(self, amount: int) -> None:
        self.paint = lambda: str(amount)


RED, PLAIN, NUMBER = Colour(), Plain(), 3
CALLED = Registry("call", ("__call__",), {})


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_colours.py").write_text(
        "class Blue:\n    def paint(self):\n        return 'blue'\nblue = Blue()\n", encoding="utf-8"
    )
    (tmp_path / "broken_colours.py").write_text("import no_such_module_at_all\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "own_colours"
    for name in ("own_colours", "broken_colours"):
        sys.modules.pop(name, None)


def test_a_built_in_name_is_short_for_a_module_and_a_name():
    assert COLOURS.names == ("red",)
    assert COLOURS.get("red") is RED
    assert COLOURS.get(" red:0.5").strength == COLOURS.get("test_registry:RED:0.5").strength == 0.5


def test_ones_own_object_or_class_is_imported_where_a_person_names_it(own):
    assert COLOURS.get(f"{own}:blue").paint() == COLOURS.get(f"{own}:Blue").paint() == "blue"


def test_a_file_imports_nothing(own):
    with without_imports():
        with pytest.raises(ValueError, match=r"own_colours:blue': its module is not imported.*--import own_colours"):
            COLOURS.get(f"{own}:blue")
        assert own not in sys.modules
    COLOURS.get(f"{own}:blue")
    with without_imports():
        assert COLOURS.get(f"{own}:blue").paint() == "blue"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("green", "colour 'green' is not one of red, nor module:name of your own"),
        ("", "colour '' is not one of red"),
        ("own_colours:green", "module own_colours has no green"),
        ("no_such_colours:green", r"no_such_colours cannot be imported \(No module named 'no_such_colours'\)"),
        ("broken_colours:green", r"broken_colours cannot be imported \(No module named 'no_such_module_at_all'\)"),
        ("test_registry:NUMBER", "is no colour: it has no method paint"),
        ("os:system", "is no colour: it has no method paint"),
        ("test_registry:Wanting", r"Wanting\(\) cannot be made \(.*missing 1 required positional argument"),
        ("test_registry:PLAIN:3", "test_registry:PLAIN takes no options"),
        ("red:much", "could not convert string to float: 'much'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(own, text, message):
    with pytest.raises(ValueError, match=message) as caught:
        COLOURS.get(text)
    assert "\n" not in str(caught.value)


def test_an_object_of_a_class_is_checked_and_not_the_class():
    """Every class can be called; that does not mean that its objects can."""
    with pytest.raises(ValueError, match="is no call: it has no method __call__"):
        CALLED.get("test_registry:Plain")


def test_what_has_the_form_of_a_name():
    assert COLOURS.knows("red") and COLOURS.knows("red:1") and COLOURS.knows("a.b:c")
    assert not COLOURS.knows("items.csv") and not COLOURS.knows("folder/a:b") and not COLOURS.knows("green")
