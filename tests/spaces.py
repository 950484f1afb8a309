"""Search spaces of every kind, for properties."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from binpack.search.space import Categorical, Condition, Float, Int, Space

positive = st.floats(1e-6, 1e6)
scalars = st.one_of(st.text("abc", max_size=5), st.integers(-9, 9), st.booleans(), st.none(), st.floats(-5, 5))


@st.composite
def floats(draw: st.DrawFn) -> Float:
    log = draw(st.booleans())
    ends = draw(st.tuples(positive, positive) if log else st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)))
    return Float(low=min(ends), high=max(ends), log=log)


@st.composite
def ints(draw: st.DrawFn) -> Int:
    log = draw(st.booleans())
    step = 1 if log else draw(st.integers(1, 7))
    low = draw(st.integers(1, 50) if log else st.integers(-50, 50))
    return Int(low=low, high=low + step * draw(st.integers(0, 40)), step=step, log=log)


@st.composite
def categoricals(draw: st.DrawFn) -> Categorical:
    choices = draw(st.lists(st.one_of(scalars, st.lists(st.integers(1, 64), max_size=3)), min_size=1, max_size=5))
    kept: list = []
    for choice in choices:
        stored = json.dumps(choice) if isinstance(choice, list) else choice
        if all(stored != (json.dumps(other) if isinstance(other, list) else other) for other in kept):
            kept.append(choice)
    return Categorical(choices=tuple(kept))


parameters = st.one_of(floats(), ints(), categoricals())
spaces = st.dictionaries(st.sampled_from("abcdef"), parameters, min_size=1, max_size=4).map(
    lambda chosen: Space(parameters=chosen)
)


@st.composite
def conditional_spaces(draw: st.DrawFn) -> Space:
    """Spaces in which some parameters exist only beside some values of a categorical one before them."""
    chosen = draw(st.lists(parameters, min_size=2, max_size=5))
    names = [f"p{number}" for number in range(len(chosen))]
    conditions = {}
    for number in range(1, len(chosen)):
        parents = [k for k in range(number) if isinstance(chosen[k], Categorical)]
        if parents and draw(st.booleans()):
            parent = draw(st.sampled_from(parents))
            choices = chosen[parent].choices
            among = draw(st.lists(st.integers(0, len(choices) - 1), min_size=1, unique=True))
            conditions[names[number]] = Condition(parameter=names[parent], values=[choices[k] for k in among])
    return Space(parameters=dict(zip(names, chosen, strict=True)), conditions=conditions)
