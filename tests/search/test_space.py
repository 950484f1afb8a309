"""The search space as data."""

from __future__ import annotations

import json
import math

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spaces import conditional_spaces, spaces

from binpack.files import FileError
from binpack.search.config import TuneConfig
from binpack.search.space import DEFAULT_SPACE, WIDE_SPACE, Categorical, Condition, Float, Int, SearchError, Space


@given(spaces)
def test_json_goes_round(space: Space) -> None:
    again = Space.from_json(space.to_json())
    assert again == space
    assert again.names == space.names


@given(spaces, st.integers(0, 2**32 - 1))
def test_samples_lie_in_the_space_and_follow_the_generator(space: Space, seed: int) -> None:
    first, second = (space.sample(np.random.default_rng(seed)) for _ in range(2))
    assert first == second
    assert space.outside(first) is None
    assert space.decode(space.encode(first)) == first


@given(spaces, st.integers(1, 5))
def test_grid_covers_each_range(space: Space, points: int) -> None:
    grid = space.grid(points)
    assert list(grid) == space.names
    assert space.size(points) == math.prod(len(values) for values in grid.values())
    for name, values in grid.items():
        parameter = space.parameters[name]
        assert all(parameter.contains(value) for value in values)
        if isinstance(parameter, Categorical):
            assert values == list(parameter.choices)
        else:
            assert values == sorted(values) and len(values) <= points
            if points > 1:
                assert (values[0], values[-1]) == (parameter.low, parameter.high)


@given(spaces, st.integers(0, 2**32 - 1))
def test_optuna_suggests_within_the_space(space: Space, seed: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    trial = study.ask()
    values = space.suggest(trial)
    assert space.contains(values)
    assert space.decode(trial.params) == values
    assert space.suggest(trial) == values  # asked again, the trial keeps what it has


def test_log_grid_is_even_on_the_log_scale() -> None:
    assert Float(low=1e-4, high=1e-2, log=True).grid(3) == pytest.approx([1e-4, 1e-3, 1e-2])
    assert Float(low=1e-4, high=1e-2, log=True).grid(1) == pytest.approx([1e-3])
    assert Int(low=1, high=64, log=True).grid(4) == [1, 4, 16, 64]
    assert Int(low=1, high=3).grid(10) == [1, 2, 3]


def test_points_by_name() -> None:
    space = Space(parameters={"a": Float(low=0, high=1), "b": Int(low=1, high=9), "c": Categorical(choices=(1, 2))})
    assert {name: len(values) for name, values in space.grid({"a": 5}).items()} == {"a": 5, "b": 3, "c": 2}
    with pytest.raises(SearchError, match=r"^z is not in the search space, which has a, b, c$"):
        space.grid({"z": 2})
    with pytest.raises(SearchError, match=r"^b: a grid needs at least 1 point, got 0$"):
        space.grid({"b": 0})


def test_log_integers_are_each_drawn() -> None:
    rng = np.random.default_rng(0)
    drawn = [Int(low=1, high=4, log=True).sample(rng) for _ in range(2000)]
    shares = np.bincount(drawn, minlength=5)[1:] / 2000
    expected = np.diff(np.log([0.5, 1.5, 2.5, 3.5, 4.5])) / math.log(9)
    assert shares == pytest.approx(expected, abs=0.04)


def test_lists_are_stored_as_text_and_come_back_as_lists() -> None:
    parameter = Categorical(choices=((64, 64), (128,), "auto"))
    assert [parameter.encode(choice) for choice in parameter.choices] == ["[64, 64]", "[128]", "auto"]
    assert parameter.decode("[64, 64]") == [64, 64]
    with pytest.raises(SearchError, match=r"none of the choices \{\[64, 64\], \[128\], \"auto\"\}$"):
        parameter.decode("[1]")


def test_the_default_space_is_a_part_of_the_wide_one() -> None:
    assert WIDE_SPACE.only("learning_rate", "n_steps", "ent_coef") == DEFAULT_SPACE
    assert TuneConfig().space == DEFAULT_SPACE


def test_wide_space() -> None:
    rows = WIDE_SPACE.table()
    assert [row["name"] for row in rows] == WIDE_SPACE.names
    assert rows[0] == {"name": "learning_rate", "type": "float", "range": "3e-05 to 0.003", "scale": "log"}
    assert WIDE_SPACE.only("n_steps").size() == 4
    assert WIDE_SPACE.outside({"learning_rate": 1.0}) == "learning_rate = 1.0 is outside 3e-05 to 0.003"
    assert WIDE_SPACE.outside({}) == "learning_rate has no value"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Float(low=2, high=1), "low 2 is above high 1"),
        (lambda: Float(low=0, high=1, log=True), "a log scale needs low above 0, got 0"),
        (lambda: Float(low="x", high=1), "low: Input should be a valid number"),
        (lambda: Float(low=float("nan"), high=1), "low: Input should be a finite number"),
        (lambda: Float(low=0), "high: Field required"),
        (lambda: Float(low=0, high=1, step=0.1), "step: there is no such field"),
        (lambda: Int(low=1, high=8, step=2), "high 8 is not low 1 plus a multiple of step 2"),
        (lambda: Int(low=1, high=9, step=2, log=True), "a log scale takes step 1 only, got 2"),
        (lambda: Int(low=1, high=2, step=0), "step: Input should be greater than or equal to 1"),
        (lambda: Int(low=1.5, high=2), "low: Input should be a valid integer"),
        (lambda: Categorical(choices=()), "choices: Tuple should have at least 1 item"),
        (lambda: Categorical(choices=(1, 2, 1.0)), "choices: choice 1.0 is there twice"),
        (lambda: Categorical(choices=([1], "[1]")), "choices: choice '[1]' is there twice"),
        (lambda: Categorical(choices=({"a": 1},)), "choices: a choice is a string, a number"),
        (lambda: Space(parameters={}), "parameters: Dictionary should have at least 1 item"),
        (
            lambda: Space(parameters={"a": {"type": "float", "low": 2, "high": 1}}),
            "parameters.a: low 2 is above high 1",
        ),
        (lambda: Space(parameters={"a": {"low": 2}}), "parameters.a: Unable to extract tag"),
        (lambda: Space.from_json("{"), "not valid JSON: "),
        (lambda: Space.from_json("[1]"), "expected a JSON object, got list"),
        (lambda: Space.from_json('{"parameters": {"a": {"type": "real"}}}'), "parameters.a: Input tag 'real'"),
        (lambda: WIDE_SPACE.only("gama"), "gama is not in the search space, which has learning_rate"),
    ],
)
def test_bad_spaces_are_answered_in_one_line(make, message: str) -> None:
    with pytest.raises(SearchError) as error:
        make()
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_load_names_the_file(tmp_path) -> None:
    path = tmp_path / "space.json"
    with pytest.raises(FileError, match=r"space\.json: no such file$"):
        Space.load(path)
    path.write_text('{"parameters": {"a": {"type": "int", "low": 3, "high": 1}}}')
    with pytest.raises(SearchError, match=r"space\.json: parameters\.a: low 3 is above high 1$"):
        Space.load(path)
    path.write_text(WIDE_SPACE.to_json())
    assert Space.load(path) == WIDE_SPACE


@given(spaces, st.integers(0, 2**32 - 1))
def test_the_unit_cube_and_back(space: Space, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = space.at(rng.random(len(space)))
    assert space.contains(values)
    shares = space.place(values)
    assert all(0 <= share <= 1 for share in shares)
    again = space.at(shares)
    for name, parameter in space.parameters.items():
        if isinstance(parameter, Float):
            width = math.log(parameter.high / parameter.low) if parameter.log else parameter.high - parameter.low
            assert again[name] == pytest.approx(values[name], rel=1e-6, abs=1e-6 * max(width, 1e-300))
        else:
            assert again[name] == values[name]
    for corner in (0.0, 1.0):
        assert space.contains(space.at([corner] * len(space)))


def test_points_of_the_cube_follow_the_scale() -> None:
    space = Space(
        parameters={
            "learning_rate": Float(low=1e-4, high=1e-2, log=True),
            "n_epochs": Int(low=1, high=4),
            "policy": Categorical(choices=("mlp", "conv")),
        }
    )
    assert space.at([0.5, 0.49, 0.5]) == {"learning_rate": pytest.approx(1e-3), "n_epochs": 2, "policy": "conv"}
    counts = np.bincount([space.at([0, share, 0])["n_epochs"] for share in (np.arange(4000) + 0.5) / 4000])
    assert counts[1:].tolist() == [1000] * 4
    with pytest.raises(SearchError, match="expected 3 coordinates, one a parameter, got 2"):
        space.at([0.5, 0.5])
    with pytest.raises(SearchError, match="n_epochs = 9 is outside 1 to 4"):
        space.place({"learning_rate": 1e-3, "n_epochs": 9, "policy": "mlp"})


def exists(space: Space, name: str, values: dict) -> bool:
    """Say by recursion whether a parameter exists; choices are compared as the JSON that a study keeps."""
    if name not in space.conditions:
        return True
    condition = space.conditions[name]
    if not exists(space, condition.parameter, values):
        return False
    stored = [json.dumps(each) for each in condition.values]
    return json.dumps(values[condition.parameter]) in stored


@given(conditional_spaces(), st.integers(0, 2**32 - 1))
def test_a_parameter_exists_exactly_where_its_condition_holds(space: Space, seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed)).ask()
    for values in (space.sample(rng), space.at(rng.random(len(space)).tolist()), space.suggest(asked)):
        assert list(values) == [name for name in space.names if exists(space, name, values)] == space.active(values)
        assert space.outside(values) is None and space.decode(space.encode(values)) == values
        assert len(space.place(values)) == len(space)
    assert Space.from_json(space.to_json()) == space


CONDITIONAL = Space(
    parameters={
        "policy": Categorical(choices=("candidate", "mlp")),
        "channels": Int(low=4, high=32),
        "net_arch": Categorical(choices=((32,), (64, 64))),
    },
    conditions={
        "channels": Condition(parameter="policy", values=("candidate",)),
        "net_arch": Condition(parameter="policy", values=("mlp",)),
    },
)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: CONDITIONAL.grid(3),
            'a grid has a value of every parameter, and channels exists only where policy is "c',
        ),
        (
            lambda: CONDITIONAL.only("channels"),
            "conditions: channels depends on policy, expected a categorical parameter",
        ),
        (
            lambda: Space(
                parameters=CONDITIONAL.parameters, conditions={"size": {"parameter": "policy", "values": ["x"]}}
            ),
            "conditions: size is not in the search space",
        ),
        (
            lambda: Space(
                parameters=CONDITIONAL.parameters, conditions={"channels": {"parameter": "policy", "values": ["conv"]}}
            ),
            'conditions: policy = conv is none of {"candidate", "mlp"}',
        ),
        (
            lambda: Space(
                parameters=CONDITIONAL.parameters, conditions={"policy": {"parameter": "net_arch", "values": [[32]]}}
            ),
            "conditions: policy depends on net_arch, expected a categorical parameter that stands before it",
        ),
        (
            lambda: Space(
                parameters=CONDITIONAL.parameters, conditions={"net_arch": {"parameter": "channels", "values": [4]}}
            ),
            "conditions: net_arch depends on channels, expected a categorical parameter that stands before it",
        ),
    ],
)
def test_a_condition_that_cannot_hold_is_refused_in_one_line(call, message: str) -> None:
    with pytest.raises(SearchError) as error:
        call()
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_conditions_in_words() -> None:
    assert CONDITIONAL.table()[1]["range"] == '4 to 32 where policy is "candidate"'
    told = CONDITIONAL.outside({"policy": "mlp", "channels": 4, "net_arch": [32]})
    assert told == 'channels = 4, and it exists only where policy is "candidate"'
    assert CONDITIONAL.outside({"policy": "mlp"}) == "net_arch has no value"
    assert CONDITIONAL.only("policy", "net_arch").conditions == {"net_arch": CONDITIONAL.conditions["net_arch"]}
