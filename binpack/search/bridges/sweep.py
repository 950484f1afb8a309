"""Weights & Biases: a search space as a sweep, which is a file in YAML.

The distributions of a sweep, and how ours are said in them:

    Float                uniform; with log, log_uniform_values
    Int                  int_uniform; with a step, its values one by one; with log, q_log_uniform_values with q = 1,
                         half a number wider at both ends, so that the end values have their share
    Categorical          its choices one by one
    one value alone      a constant

A grid lists the values of every parameter. A sweep has no conditional parameters. ``sweeps``, W&B's own package, looks
at what comes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from binpack.search._model import SearchError
from binpack.search.bridges.optional import needed
from binpack.search.space import MOST_CHOICES, Categorical, Float, Int, Space

Method = Literal["grid", "random", "bayes"]
METHODS: tuple[str, ...] = get_args(Method)
METRIC = "eval/utilization"
"""What a training run logs at each evaluation, the last of which is its score."""
_WIDER = 0.499
"""What a whole number's range on a log scale has more at both ends: less than a half, which may round to outside."""
_LARGEST = 10**9
"""Up to here that margin is well above the rounding of ``exp(log(x))``."""


def sweep_config(
    space: Space,
    method: str = "bayes",
    *,
    points: int | Mapping[str, int] = 3,
    hyperband: int | None = None,
    metric: str = METRIC,
    command: Sequence[str] = (),
    program: str = "binpack",
    name: str | None = None,
    project: str | None = None,
) -> dict[str, Any]:
    """Return a space as the configuration of a sweep, which ``sweeps`` has seen.

    Args:
        space: what varies.
        method: ``grid``, ``random`` or ``bayes`` (a Gaussian process and expected improvement).
        points: of a grid: values per number, as ``Space.grid`` takes them.
        hyperband: stop bad runs early: the first evaluation at which runs are compared; None: never.
        metric: what counts, the higher the better.
        command: what an agent runs for a trial; empty: W&B's default, which starts ``program``.
        program: what runs.
        name: of the sweep, where W&B shows it.
        project: where W&B keeps its runs.

    Raises:
        SearchError: the space cannot be said as a sweep, ``sweeps`` refuses it or is not installed; one line.
    """
    if method not in METHODS:
        raise SearchError(f"method {method!r} is not one of {', '.join(METHODS)}")
    if hyperband is not None and hyperband < 1:
        raise SearchError(f"hyperband: {hyperband}: expected an evaluation's number, 1 or more")
    for child, condition in space.conditions.items():
        raise SearchError(
            f"{child} exists only {condition.words()}, and a sweep of W&B has no conditional parameters: "
            "leave the condition out, or search with Optuna or Hyperopt"
        )
    config: dict[str, Any] = {"name": name, "project": project, "program": program, "method": method}
    config = {key: value for key, value in config.items() if value is not None}
    config["metric"] = {"name": metric, "goal": "maximize"}
    if hyperband is not None:
        config["early_terminate"] = {"type": "hyperband", "min_iter": hyperband}
    if method == "grid":
        config["parameters"] = {each: _listed(values) for each, values in space.grid(points).items()}
    else:
        config["parameters"] = {each: _said(each, parameter) for each, parameter in space.parameters.items()}
    if method == "bayes" and all("value" in each for each in config["parameters"].values()):
        raise SearchError("nothing varies in this space, and the method bayes of W&B needs something that does")
    if command:
        config["command"] = list(command)
    check_sweep(config)
    return config


def _listed(values: Sequence[Any]) -> dict[str, Any]:
    return {"value": values[0]} if len(values) == 1 else {"values": list(values)}


def _said(name: str, parameter: Float | Int | Categorical) -> dict[str, Any]:
    if isinstance(parameter, Categorical):
        return _listed(parameter.choices)
    ends = {"min": parameter.low, "max": parameter.high}
    if parameter.low == parameter.high:
        return {"value": parameter.low}
    if isinstance(parameter, Float):
        return {"distribution": "log_uniform_values" if parameter.log else "uniform", **ends}
    if parameter.log:
        if parameter.high > _LARGEST:
            raise SearchError(f"{name}: a sweep's whole numbers on a log scale go up to {_LARGEST:,}")
        wider = {"min": parameter.low - _WIDER, "max": parameter.high + _WIDER}
        return {"distribution": "q_log_uniform_values", "q": 1, **wider}
    if parameter.step == 1:
        return {"distribution": "int_uniform", **ends}
    values = range(parameter.low, parameter.high + 1, parameter.step)
    if len(values) > MOST_CHOICES:
        raise SearchError(
            f"{name}: {len(values):,} values in steps of {parameter.step}, and a sweep lists them one by one, "
            f"at most {MOST_CHOICES:,}: take a larger step, or step 1"
        )
    return _listed(values)


def check_sweep(config: Mapping[str, Any]) -> None:
    """Let W&B's package look at a configuration.

    Raises:
        SearchError: what it has against it, or it is not installed; one line.
    """
    sweeps = needed("sweeps", "a sweep of W&B")
    try:
        violations = sweeps.schema_violations_from_proposed_config(dict(config))
    except Exception as error:  # it raises several kinds
        violations = [str(error)]
    if violations:
        raise SearchError(" ".join(f"not a sweep that W&B takes: {'; '.join(violations)}".split()))


def to_yaml(config: Mapping[str, Any]) -> str:
    """Return a configuration as the YAML that ``wandb sweep`` reads.

    Raises:
        SearchError: PyYAML is not installed, which comes with ``sweeps``.
    """
    yaml = needed("yaml", "a sweep's file", "pyyaml")
    return yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, width=120)
