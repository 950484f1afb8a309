"""How guides are read and run; and of every guide: its blocks are handled, its links lead somewhere, a test runs it."""

import re
from pathlib import Path

import pytest
from guides import FOLDER, ROOT, Block, Guide, Reader, same

NAMES = sorted(path.name for path in FOLDER.glob("*.md"))

SMALL = """# A guide

<!-- the picture: made by hand -->
A line.

```bash
echo "$((6 * 7))" > answer
cat answer
```

<!-- output -->
```text
42
```

- In a list:

  <!-- file: deep/mine.py -->
  ```python
  def double(x):
      return 2 * x
  ```

```python
import sys

sys.path.append("deep")
from mine import double

kept = double(21)
```

```python
print(f"{kept} after {1.5:.1f} s")
```

<!-- output -->
```text
42 after ... s
```

<!-- fails: 3 -->
```bash
echo "no such thing" >&2
exit 3
```

<!-- output -->
```text
no such thing
```

<!-- not run: needs a cloud -->
```bash
rm -rf answer
```

```json
{"a": 1}
```
"""


def guide(text: str) -> Guide:
    return Guide("small.md", text)


def test_a_guide_is_typed_in_order_and_what_it_prints_is_compared(guide_reader):
    guide_reader.take_all(guide(SMALL))
    assert (guide_reader.folder / "answer").read_text() == "42\n"
    assert (guide_reader.folder / "deep" / "mine.py").read_text() == "def double(x):\n    return 2 * x\n"
    assert guide(SMALL).of("json") == ['{"a": 1}\n']
    assert "rm -rf" not in guide(SMALL).prose and "A line." in guide(SMALL).prose


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("```text\n42\n```", "```text\n43\n```", "small.md, line 12 says\n43\n\nand this came:\n42"),
        ("kept = double(21)", "kept = double(None)", "small.md, line 24 failed:"),
        ("<!-- fails: 3 -->\n", "", "small.md, line 42 ended with 3, expected 0:\nno such thing"),
        ('{"a": 1}', '{"a": }', "Expecting value"),
    ],
)
def test_a_block_that_is_not_as_the_guide_says_is_found(guide_reader, old, new, words):
    assert old in SMALL
    with pytest.raises((AssertionError, ValueError), match=re.escape(words)):
        guide_reader.take_all(guide(SMALL.replace(old, new)))


def test_a_traceback_names_the_line_of_the_guide(guide_reader):
    with pytest.raises(AssertionError, match=r'File "small.md", line 25'):
        guide_reader.take_all(guide(SMALL.replace("import sys\n", "import nothing_of_this_name\n", 1)))


@pytest.mark.parametrize(
    ("marks", "language", "fault"),
    [
        ("<!-- nott run: no -->", "bash", "unknown mark 'nott run'"),
        ("<!-- not run -->", "bash", "says no reason why it is not run"),
        ("<!-- fails: often -->", "bash", "'fails' takes an exit code"),
        ("<!-- fails: 2 -->", "python", "'fails' takes an exit code"),
        ("", "yaml", "a block in yaml is neither run nor marked"),
        ("", "", "a block in no language is neither run nor marked"),
    ],
)
def test_a_block_without_a_meaning_is_a_fault(marks, language, fault):
    (block,) = guide(f"{marks}\n```{language}\ntrue\n```\n").blocks
    assert any(fault in each for each in block.faults())


def test_a_block_has_an_end_and_what_is_replaced_is_there():
    with pytest.raises(AssertionError, match="line 1: the block has no end"):
        _ = guide("```bash\necho\n").blocks
    with pytest.raises(AssertionError, match="does not say 'nowhere'"):
        Guide.read(NAMES[0], {"nowhere": "here"})


def test_output_may_leave_out_what_differs():
    assert same("a 12 b\nc  \n\n", "a ... b\nc\n")
    assert not same("a 12 b", "a ... c")
    assert not same("more\na", "a")


def test_a_python_that_ends_is_told(guide_reader):
    with pytest.raises(AssertionError, match=r"small.md, line 1 ended Python"):
        guide_reader.take_all(guide("```python\nimport os\n\nos._exit(0)\n```\n"))


@pytest.mark.parametrize("name", NAMES)
def test_every_block_of_every_guide_is_run_shown_or_says_why_not(name):
    assert [fault for block in Guide.read(name).blocks for fault in block.faults()] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_test_reads_the_guide(name):
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    named = re.compile(rf'"{re.escape(name.removesuffix(".md"))}(\.md)?"')
    assert any(named.search(text) for text in tests), f"no test names {name}"


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_files_and_headings_that_are_there(name):
    for link in re.findall(r"\]\(([^)\s]+)\)", Guide.read(name).prose):
        if "://" in link:
            continue
        file, _, heading = link.partition("#")
        path = FOLDER / file if file else FOLDER / name
        assert path.exists(), f"{name}: {link}"
        assert not heading or heading in anchors(path), f"{name}: {link}"


def anchors(path: Path) -> set[str]:
    """Return the names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", Guide(path.name, path.read_text(encoding="utf-8")).prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_a_reader_sees_this_checkout(guide_reader):
    block = Block("small.md", 1, "bash", ".venv/bin/python -c 'import binpack; print(binpack.__file__)'\n")
    guide_reader.take(block)
    assert Path(guide_reader.printed.strip()) == ROOT / "binpack" / "__init__.py"
    assert isinstance(guide_reader, Reader)
