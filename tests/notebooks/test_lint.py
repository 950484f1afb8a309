"""The form of a lesson: one in form has no faults, and each fault is named."""

import re

import nbformat
import pytest
from lint import lint
from lint_prose import link_faults, minute_faults, term_faults
from tiny_lesson import LESSON

EXERCISE = "# %% [exercise tiny.diagonal]\n"
USE = 'print(f"{diagonal(5, 12):.1f} cells")'
REASON = re.search(r"# A floor is measured.*?computed\.", LESSON, re.DOTALL)[0]


def test_a_lesson_in_form_has_no_faults(source):
    assert lint(source) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("# # 01 Tiny", "# # Tiny", "the first cell should start with '# 01 Title'"),
        ("*5 minutes.", "*Short.", "the opening should say how many minutes the lesson takes"),
        ("*5 minutes.", "*2 minutes.", "2 minutes are stated, but the exercises take 3 and reading"),
        ("Builds on lesson 00.", "", "the opening should say what the lesson builds on"),
        ("# - measure a floor.", "# measure", "the opening should list what a reader will be able to do"),
        ("## Takeaways", "## Summary", "the last sections should be Takeaways, Quiz, What comes next, References"),
        ("edition of 1908", "some edition", "every reference should be an item of a list and carry its year"),
        ("*Predict, then run.*", "Guess:", "there should be a *Predict, then run.* question"),
        ("## Measuring", "Measuring", "there should be sections before the takeaways"),
        ("Lesson 02.", "Lesson 02!", "exclamation mark: Lesson 02!"),
        ("Lesson 02.", "Lesson \N{ROCKET}", "emoji: ## Takeaways"),
        ("Lesson 02.", "![x](https://e.org/a.png)", "remote image: ## Takeaways"),
        ("Lesson 02.", '<img width=3 src="https://e.org/a.png">', "remote image: ## Takeaways"),
        ("Lesson 02.", "Run pip install.", "pip: ## Takeaways"),
        ("print(id", "import urllib.request\nprint(id", "download: import urllib.request"),
        ("print(id", "x = 1\n" * 25 + "print(id", "a code cell of 26 lines, at most 25: x = 1"),
        ("Lesson 02.", "See [lesson 02](02_x.ipynb).", "a link to 02_x.ipynb, which is no notebook of the course"),
        ("print(id", "assert diagonal\nprint(id", "an assert belongs into the tests, or into a cell with the tag"),
        ("print(id(", "print('smaller:', 1 < id(", "a cell shows numbers or a figure, not that something is True"),
        ("Floors have", "Floors have **diagonals** and", "the term 'diagonals' is bold in a sentence that does not"),
        (EXERCISE, "", ""),
    ],
)
def test_each_fault_is_named(source, old, new, fault):
    assert old in LESSON
    source.write_text(LESSON.replace(old, new), encoding="utf-8")
    assert any(fault in line for line in lint(source)) if fault else lint(source) == []


def test_an_exercise_of_another_lesson_is_a_fault(source):
    other = source.with_name("02_tiny.py")
    other.write_text(LESSON.replace("# # 01", "# # 02"), encoding="utf-8")
    assert lint(other) == ["exercise 1.1 diagonal does not belong to lesson 02"]


# ------------------------------------------------------------------------------------------------------------ exercises

NO_REASON = "exercise diagonal: the cell above it should say in 20 words or more what it is for"
NO_USE = "exercise diagonal: a code cell below it should use it"


@pytest.mark.parametrize(
    ("old", "new", "faults"),
    [
        (REASON, "# A floor has a diagonal.", [NO_REASON]),
        (REASON, "\n".join(f"# - {line[2:]}" for line in REASON.splitlines()), [NO_REASON]),
        (REASON, f"{REASON}\n#\n# ### The exercise", [NO_REASON]),
        (REASON, f"{REASON}\n\n# %%\nx = 1", [NO_REASON]),
        (REASON, f"{REASON}\n#\n# - a list below it", []),
        (USE, "print(5)", [NO_USE]),
        (USE, "diagonal = 3", [NO_USE]),
        (USE, "ex.hint(diagonal)", [NO_USE]),
        (USE, "print(ex.whose(diagonal))", [NO_USE]),
        (USE, "print(ex.whose(diagonal), diagonal(5, 12))", []),
        (USE, "task = dict(across=diagonal)", []),
        (USE, "%time diagonal(3, 4)", []),
    ],
)
def test_an_exercise_has_its_reason_above_it_and_its_use_below(source, old, new, faults):
    assert old in LESSON
    source.write_text(LESSON.replace(old, new), encoding="utf-8")
    assert lint(source) == faults


@pytest.mark.parametrize("tag", ["hide-cell", "solution"])
def test_a_use_that_a_learner_does_not_see_is_none(source, tag):
    used = f'# %% tags=["{tag}"]\ndiagonal(5, 12)'
    source.write_text(LESSON.replace(f"# %%\n{USE}", used), encoding="utf-8")
    assert lint(source) == [NO_USE]


def test_two_exercises_that_touch_are_found(source):
    source.write_text(LESSON.replace(EXERCISE, EXERCISE + "\n" + EXERCISE), encoding="utf-8")
    assert "exercise diagonal: a code cell before the next exercise should use it" in lint(source)
    assert NO_REASON in lint(source)


# ---------------------------------------------------------------------------------------------- cells that are no tests


@pytest.mark.parametrize(
    "code",
    [
        'print("returns less than 0 on average:", bool(mean < 0))',
        'print("returns less than 0 on average:", mean < 0)',
        'print(f"less than 0: {mean < 0}")',
        'print(f"all: {(a < b).all()}", 3)',
        'print("the same: True")',
        "print(all(row.ok for row in rows))",
        "np.allclose(a, b)",
        "not a or not b",
        "print(\"every one:\", np.array_equal(a, b), 'of', 3)",
    ],
)
def test_a_cell_that_prints_a_verdict_on_itself_is_a_fault(source, code):
    source.write_text(LESSON.replace(USE, f"{USE}\n{code}"), encoding="utf-8")
    fault = f"a cell shows numbers or a figure, not that something is True: {USE}"
    assert [line for line in lint(source) if "True" in line] == [fault]
    quiet = code.replace("print(", "tuple(")
    hidden = f'# %% tags=["hide-cell"]\n{quiet}\nassert a'
    source.write_text(LESSON.replace(f"# %%\n{USE}", f"# %%\n{USE}\n\n{hidden}"), encoding="utf-8")
    assert lint(source) == []


def test_a_folded_cell_prints_nothing(source):
    hidden = '# %% tags=["hide-cell"]\nassert diagonal\nprint("held")'
    source.write_text(LESSON.replace(f"# %%\n{USE}", f"# %%\n{USE}\n\n{hidden}"), encoding="utf-8")
    assert lint(source) == [
        "a folded cell prints nothing, its output would open when it runs: assert diagonal",
    ]


@pytest.mark.parametrize(
    "code",
    [
        'print(f"reward {reward:g}, terminated {terminated}, truncated {truncated}")',
        'print("terminated:", terminated)',
        "heights[0] >= 3",
        "print(heights >= 3)",
        'print("ahead" if all(better) else "behind")',
        "done = bool(x) and not y",
        'print("shares:", mask.mean(), "of", len(mask))',
    ],
)
def test_a_cell_that_shows_what_it_computes_is_none(source, code):
    source.write_text(LESSON.replace(USE, f"{USE}\n{code}"), encoding="utf-8")
    assert lint(source) == []


# ---------------------------------------------------------------------------------------------------------------- terms


def faults_of_terms(text: str) -> list[str]:
    """Judge the terms of a lesson's text below an opening."""
    return list(term_faults(["# 01 Title\n\nYou can\n\n- keep a replay buffer.", f"## The replay buffer\n\n{text}"]))


EXPLAINED = "A **replay buffer** (Lin, 1992) keeps the last transitions and hands out random ones."


@pytest.mark.parametrize(
    "text",
    [
        EXPLAINED,
        f"{EXPLAINED} The replay buffer is a row of boxes.",
        "The old ones are lost. " + EXPLAINED,
        "- **It always runs.** Whatever you do.\n- **Stuck?** Ask.\n- **replay buffer**: boxes.",
        "**Note:** `replay buffer` and $replay buffer$ are no prose.\n\n" + EXPLAINED,
        "A **greedy policy** takes the largest entry of a row. A **policy** says what to do in each state.",
        "You PPO hear. **PPO agents** are agents that this algorithm has trained.",
        "| term | meaning |\n| --- | --- |\n| **state** | what the agent sees before it acts |",
        "The **temporal-difference\nerror** is the target minus the estimate of it.",
        "It is *never* bold for emphasis.",
        "The **returns** of an episode are the rewards that it earns together.",
    ],
)
def test_a_term_that_is_bold_where_it_is_explained_is_right(text):
    assert faults_of_terms(text) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"{EXPLAINED} The **replay buffer** is a row of boxes.", "the term 'replay buffer' is bold again"),
        (f"{EXPLAINED}\n\n**Replay buffers** are used by many.", "the term 'Replay buffers' is bold again"),
        (f"Replay buffers break streaks.\n\n{EXPLAINED}", "the term 'replay buffer' is bold below its first use"),
        (f"A replay\nbuffer breaks streaks. {EXPLAINED}", "the term 'replay buffer' is bold below its first use"),
        (f"- a replay-buffer\n\n{EXPLAINED}", "the term 'replay buffer' is bold below its first use"),
        (
            "Next the **replay buffer**. It keeps the last transitions and hands out random ones.",
            "the term 'replay buffer' is bold in a sentence that does not explain it: Next the **replay buffer**.",
        ),
        ("| a | b |\n| --- | --- |\n| **state** | s |", "the term 'state' is bold in a sentence that does not explain"),
        ("This is **what you should by all means do** with it now.", "bold is for terms of up to 4 words: what you"),
    ],
)
def test_a_term_that_is_bold_elsewhere_is_named(text, fault):
    assert [line[: len(fault)] for line in faults_of_terms(text)] == [fault]


# ---------------------------------------------------------------------------------------------------- links and minutes


@pytest.mark.parametrize(
    ("link", "solved", "there"),
    [
        ("01_tiny.ipynb", False, True),
        ("01_tiny.ipynb#Measuring", False, True),
        ("solutions/01_tiny.ipynb", False, True),
        ("#Measuring", False, True),
        ("https://e.org", False, True),
        ("../README.md", False, False),
        ("solutions/01_tiny.ipynb", True, False),
        ("../01_tiny.ipynb", True, True),
        ("01_tiny.ipynb", True, True),
        ("source/01_tiny.py", False, False),
    ],
)
def test_a_link_leads_to_a_notebook_that_the_learner_has(source, link, solved, there):
    for text in (f"See [it]({link}).", f'See <a href="{link}">it</a>.'):
        cells = [nbformat.v4.new_markdown_cell(text)]
        assert list(link_faults(cells, source, solved=solved)) == (
            [] if there else [f"a link to {link}, which is no notebook of the course{' from its solutions' * solved}"]
        )


def test_a_lesson_states_at_least_the_minutes_of_its_exercises_and_of_reading():
    cells = [nbformat.v4.new_markdown_cell("# 01 Title\n\n*12 minutes.*"), nbformat.v4.new_markdown_cell("word " * 600)]
    assert list(minute_faults(cells, 9)) == []
    assert list(minute_faults(cells, 10)) == [
        "12 minutes are stated, but the exercises take 10 and reading 605 words 3: 13"
    ]
