"""Tables of words and numbers: HTML in a notebook, aligned lines elsewhere."""

from __future__ import annotations

from binpack.course import tables


def test_a_table_is_text_and_html(capsys):
    made = tables.Table(("name", "value"), [("a < b", "1"), ("c", "22")], "two rows")
    tables.show(made)
    assert capsys.readouterr().out == "two rows\nname   value\na < b  1\nc      22\n"
    assert "<td" in made.html and "a &lt; b" in made.html and "a < b" not in made.html
