"""Asking a trial for values: as a table says, and in a space that branches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FixedTrial

from binpack.course.exercises import Mistake, exercise, expect, expect_type, promise
from binpack.search.storage import quiet


@exercise(
    minutes=8,
    difficulty=1,
    hints=(
        'Begin with the type: `if row["type"] == "categorical":` and ask with `trial.suggest_categorical`, which takes '
        "the name and the choices.",
        "For a number, collect what the row has beyond its range: "
        '`options = {key: row[key] for key in ("log", "step") if key in row}`.',
        '`ask = trial.suggest_int if row["type"] == "int" else trial.suggest_float`, then '
        '`return ask(row["name"], row["low"], row["high"], **options)`.',
    ),
)
def suggest_row(trial: optuna.trial.BaseTrial, row: Mapping[str, Any]) -> Any:
    """Ask a trial for a value, as one row of a table says.

    Args:
        trial: has `suggest_float`, `suggest_int` and `suggest_categorical`.
        row: `name` and `type`, which is "float", "int" or "categorical". A number has `low` and `high`, and some have
            `log` (True or False) or `step`; a categorical has `choices`.

    Returns:
        The value that the trial suggests.
    """
    # 1. a choice has neither order nor range
    if row["type"] == "categorical":
        return trial.suggest_categorical(row["name"], row["choices"])
    # 2. a scale and a step where the row has them
    options = {key: row[key] for key in ("log", "step") if key in row}
    # 3. a whole number or any other
    ask = trial.suggest_int if row["type"] == "int" else trial.suggest_float
    return ask(row["name"], row["low"], row["high"], **options)


_ROWS: tuple[tuple[dict[str, Any], BaseDistribution], ...] = (
    ({"name": "gamma", "type": "float", "low": 0.8, "high": 0.99}, FloatDistribution(0.8, 0.99)),
    ({"name": "layers", "type": "int", "low": 1, "high": 4}, IntDistribution(1, 4)),
    (
        {"name": "activation", "type": "categorical", "choices": ["tanh", "relu"]},
        CategoricalDistribution(("tanh", "relu")),
    ),
    ({"name": "rate", "type": "float", "low": 1e-5, "high": 0.1, "log": True}, FloatDistribution(1e-5, 0.1, log=True)),
    ({"name": "width", "type": "int", "low": 16, "high": 256, "log": True}, IntDistribution(16, 256, log=True)),
    ({"name": "clip", "type": "float", "low": 0.1, "high": 0.4, "step": 0.1}, FloatDistribution(0.1, 0.4, step=0.1)),
    ({"name": "channels", "type": "int", "low": 4, "high": 16, "step": 4}, IntDistribution(4, 16, step=4)),
    ({"name": "vf", "type": "float", "low": 0.5, "high": 2.5, "log": False}, FloatDistribution(0.5, 2.5)),
)


@suggest_row.check
def _check_suggest_row(answer: Callable) -> None:
    with quiet():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=5))
        for row, wanted in _ROWS:
            trial = study.ask()
            got = answer(trial, row)
            _expect_asked(trial.distributions, row, wanted)
            expect(
                type(got) is type(trial.params[row["name"]]) and got == trial.params[row["name"]],
                "it does not return what the trial suggested",
                got=got,
                wanted=trial.params[row["name"]],
                given=row,
            )


def _expect_asked(asked: Mapping[str, BaseDistribution], row: Mapping[str, Any], wanted: BaseDistribution) -> None:
    name = row["name"]
    expect(asked, "it asks the trial for nothing", got="nothing asked", wanted=wanted, given=row)
    expect(
        set(asked) == {name},
        "it asks under another name than the row's, or under several",
        got=", ".join(asked),
        wanted=name,
        given=row,
    )
    expect_distribution(name, asked[name], wanted, row)


def expect_distribution(name: str, got: BaseDistribution, wanted: BaseDistribution, given: Any) -> None:
    """Raise `Mistake` unless a parameter was asked for as it should be.

    Args:
        name: of the parameter.
        got: what the answer asked for.
        wanted: what is right.
        given: for which input.
    """
    told = {"got": got, "wanted": wanted, "given": given}
    expect(type(got) is type(wanted), f"{name} is asked for with the wrong method: look at its type", **told)
    if isinstance(got, CategoricalDistribution) and isinstance(wanted, CategoricalDistribution):
        expect(got.choices == wanted.choices, f"the choices of {name} are others", **told)
        return
    assert isinstance(got, FloatDistribution | IntDistribution)
    assert isinstance(wanted, FloatDistribution | IntDistribution)
    if wanted.log:
        expect(got.log, f"{name} should be drawn on a log scale: drawn evenly, small values hardly ever occur", **told)
    expect(got.log == wanted.log, f"{name} should not be drawn on a log scale", **told)
    if wanted.step is not None and wanted.step != 1:
        expect(got.step == wanted.step, f"{name} has a step of {wanted.step}", **told)
    expect(got.step == wanted.step, f"{name} is drawn in steps, and its row has no step", **told)
    same = (got.low, got.high) == (wanted.low, wanted.high)
    expect(same, f"the range of {name} should be {wanted.low:g} to {wanted.high:g}", **told)


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with what every trial has, the policy, and keep it in a dict: "
        '`fields = {"policy": trial.suggest_categorical("policy", ["candidate", "mlp"])}`.',
        "What belongs to one policy is asked for under an `if`: a value that is not asked for does not exist.",
        "The widths need a name each: "
        '`tuple(trial.suggest_int(f"width_{i}", 16, 128, log=True) for i in range(n_layers))`.',
    ),
    returns=promise.an_instance("the fields", dict),
)
def suggest_network(trial: optuna.trial.BaseTrial) -> dict:
    """Ask a trial for a network, of one kind or of another.

    - `policy`: "candidate" or "mlp"
    - only with "candidate": `channels`, a multiple of 4 from 4 to 16
    - only with "mlp": `n_layers`, 1 to 3, and a width for each layer, `width_0`, `width_1` and `width_2`, from 16 to
      128 on a log scale

    Args:
        trial: has `suggest_int` and `suggest_categorical`.

    Returns:
        Fields of `PPOConfig`: `policy`, and either `channels` or `net_arch`, the tuple of the widths.
    """
    # 1. what every trial has
    fields: dict = {"policy": trial.suggest_categorical("policy", ["candidate", "mlp"])}
    # 2. what only one kind of network has
    if fields["policy"] == "candidate":
        fields["channels"] = trial.suggest_int("channels", 4, 16, step=4)
    else:
        # 3. as many widths as there are layers, each with a name of its own
        n_layers = trial.suggest_int("n_layers", 1, 3)
        fields["net_arch"] = tuple(trial.suggest_int(f"width_{i}", 16, 128, log=True) for i in range(n_layers))
    return fields


_WIDTHS = (64, 32, 100)


class _Asked(FixedTrial):
    """A trial with given values that refuses names which it does not have."""

    def _suggest(self, name: str, distribution: BaseDistribution) -> Any:
        if name not in self._params:
            raise Mistake(f"it asks for {name!r}, which the docstring does not name: Optuna knows parameters by name")
        return super()._suggest(name, distribution)


@suggest_network.check
def _check_suggest_network(answer: Callable) -> None:
    for policy, layers in (("candidate", 2), ("mlp", 2), ("mlp", 1), ("mlp", 3)):
        said = f"a trial with policy {policy!r}" + (f" and n_layers {layers}" if policy == "mlp" else "")
        values = {"channels": 8, "n_layers": layers, **{f"width_{i}": width for i, width in enumerate(_WIDTHS)}}
        trial = _Asked({"policy": policy, **values})
        got = answer(trial)
        _expect_branch(trial.distributions, policy, layers, said)
        wanted = {"policy": policy, **({"channels": 8} if policy == "candidate" else {"net_arch": _WIDTHS[:layers]})}
        _expect_fields(got, wanted, said)


def _expect_branch(asked: Mapping[str, BaseDistribution], policy: str, layers: int, said: str) -> None:
    wanted: dict[str, BaseDistribution] = {"policy": CategoricalDistribution(("candidate", "mlp"))}
    if policy == "candidate":
        wanted["channels"] = IntDistribution(4, 16, step=4)
    else:
        wanted["n_layers"] = IntDistribution(1, 3)
        wanted |= {f"width_{i}": IntDistribution(16, 128, log=True) for i in range(layers)}
    told = {"got": ", ".join(asked), "wanted": ", ".join(wanted), "given": said}
    alien = next((name for name in asked if name not in wanted), None)
    expect(alien is None, f"it asks for {alien} in a trial that has no use for it: ask only in its branch", **told)
    missing = next((name for name in wanted if name not in asked), None)
    expect(missing is None, f"it never asks for {missing}", **told)
    for name, distribution in wanted.items():
        got = asked[name]
        if isinstance(got, CategoricalDistribution) and isinstance(distribution, CategoricalDistribution):
            # their order is the same to a sampler
            same = set(got.choices) == set(distribution.choices)
            expect(same, f"the choices of {name} are others", got=got, wanted=distribution, given=said)
        else:
            expect_distribution(name, got, distribution, said)


def _expect_fields(got: dict, wanted: Mapping[str, Any], said: str) -> None:
    told = {"got": got, "wanted": wanted, "given": said}
    alien = next((name for name in got if name not in wanted), None)
    if alien is not None:
        expect(False, f"the answer has an entry {alien!r}, which is no field of this network", **told)
    missing = next((name for name in wanted if name not in got), None)
    expect(missing is None, f"{missing} is missing from the answer: the network would have its default", **told)
    if "net_arch" in wanted:
        expect_type(got["net_arch"], (tuple, list), "net_arch")
        expect(len(got["net_arch"]) == len(wanted["net_arch"]), "net_arch should have a width for each layer", **told)
    for name, value in wanted.items():
        fits = tuple(got[name]) == value if name == "net_arch" else got[name] == value
        expect(fits, f"{name} is not what the trial suggested", **told)
