"""The twelve distributions of a job's hyperparameters.

Each knows how to draw from itself, which values it has, and how Optuna would say it, where Optuna can. Numbers lie from
``min`` to ``max``, whole numbers with both ends. A ``q`` keeps to the multiples of q within that range (its default is
1, as a whole number of anything is the usual meaning of rounding); ``base`` is that of the logarithm, which changes how
a scale is written and not what is drawn.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal, TypeAlias, get_args

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from binpack.files import InputError
from binpack.search.space import Categorical, Scalar

Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Whole = Annotated[int, Field(strict=True, ge=-(2**53), le=2**53)]
AboveZero = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0)]
FromOne = Annotated[int, Field(strict=True, ge=1, le=2**53)]
Base = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=1)]


class Distribution(BaseModel):
    """One hyperparameter: its name, and what it is drawn from.

    Attributes:
        name: as the entrypoint knows it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    name: str = Field(min_length=1)

    def sample(self, rng: np.random.Generator) -> Any:
        """Draw a value; it is plain Python, as JSON has it."""
        raise NotImplementedError

    def contains(self, value: Any) -> bool:
        """Whether a draw could be ``value``."""
        raise NotImplementedError

    def optuna(self) -> BaseDistribution | None:
        """Return the same distribution as Optuna has it; None where Optuna has none."""
        return None

    def decode(self, stored: Any) -> Any:
        """Return the value that Optuna stores as ``stored``."""
        return stored

    def encode(self, value: Any) -> Any:
        """Return a value as Optuna stores it."""
        return value

    def moved(self, value: Any, factor: float) -> Any:
        """Return a value of the distribution near ``factor`` times ``value``; an option stays as it is.

        Whole numbers and multiples of q move by one at least, and what would leave the range stays at its end.

        Args:
            value: one of its values.
            factor: above 0, and not 1.
        """
        return value


class _Reals(Distribution):
    min: Real
    max: Real

    @field_validator("max")
    @classmethod
    def _above(cls, high: float, info: ValidationInfo) -> float:
        return _above_min(high, info)

    def contains(self, value: Any) -> bool:
        """Whether ``value`` is a number from ``min`` to ``max``."""
        return _is_number(value) and self.min <= value <= self.max

    def moved(self, value: float, factor: float) -> float:
        """Return ``factor`` times ``value``, within the range."""
        return float(min(max(value * factor, self.min), self.max))


class _Wholes(Distribution):
    min: Whole
    max: Whole

    @field_validator("max")
    @classmethod
    def _above(cls, high: int, info: ValidationInfo) -> int:
        return int(_above_min(high, info))

    def contains(self, value: Any) -> bool:
        """Whether ``value`` is a whole number from ``min`` to ``max``, both included."""
        return _is_whole(value) and self.min <= value <= self.max

    def moved(self, value: int, factor: float) -> int:
        """Return the whole number nearest to ``factor`` times ``value``, or the next one, within the range."""
        return int(_step(value, factor, 1, *multiples(self.min, self.max, 1)))


class Uniform(_Reals):
    """Every number from ``min`` to ``max`` alike."""

    type: Literal["uniform"]

    def sample(self, rng: np.random.Generator) -> float:
        """Draw a number."""
        return float(rng.uniform(self.min, self.max))

    def optuna(self) -> FloatDistribution:
        """Return a float."""
        return FloatDistribution(self.min, self.max)


class LogUniform(_Reals):
    """The logarithm uniform between those of ``min`` and ``max``, which are above 0."""

    type: Literal["loguniform"]
    min: AboveZero
    base: Base

    def sample(self, rng: np.random.Generator) -> float:
        """Draw a number."""
        return _log_draw(rng, self.min, self.max, self.base)

    def optuna(self) -> FloatDistribution:
        """Return a float on a log scale."""
        return FloatDistribution(self.min, self.max, log=True)


class QUniform(_Reals):
    """The multiples of ``q`` from ``min`` to ``max``, all alike."""

    type: Literal["quniform"]
    q: AboveZero = 1.0

    @field_validator("q")
    @classmethod
    def _some(cls, q: float, info: ValidationInfo) -> float:
        return _has_multiples(q, info)

    def sample(self, rng: np.random.Generator) -> float:
        """Draw a multiple of q."""
        first, last = multiples(self.min, self.max, self.q)
        return _multiple(int(rng.integers(first, last + 1)), self.q)

    def contains(self, value: Any) -> bool:
        """Whether ``value`` is one of the multiples, but for rounding."""
        return _is_number(value) and _is_multiple(value, self.q, *multiples(self.min, self.max, self.q))

    def optuna(self) -> FloatDistribution:
        """Return a float with a step."""
        first, last = multiples(self.min, self.max, self.q)
        return FloatDistribution(_multiple(first, self.q), _multiple(last, self.q), step=self.q)

    def decode(self, stored: Any) -> float:
        """Return the multiple itself, without what adding steps has rounded."""
        return nearest(stored, self.q, *multiples(self.min, self.max, self.q))

    def moved(self, value: float, factor: float) -> float:
        """Return the multiple of q nearest to ``factor`` times ``value``, or the next one, within the range."""
        return _step(value, factor, self.q, *multiples(self.min, self.max, self.q))


class QLogUniform(_Reals):
    """Drawn as ``loguniform`` and rounded to the nearest multiple of ``q`` from ``min`` to ``max``."""

    type: Literal["qloguniform"]
    min: AboveZero
    base: Base
    q: AboveZero = 1.0

    @field_validator("q")
    @classmethod
    def _some(cls, q: float, info: ValidationInfo) -> float:
        return _has_multiples(q, info)

    def sample(self, rng: np.random.Generator) -> float:
        """Draw a multiple of q."""
        drawn = _log_draw(rng, self.min, self.max, self.base)
        return nearest(drawn, self.q, *multiples(self.min, self.max, self.q))

    def contains(self, value: Any) -> bool:
        """Whether ``value`` is one of the multiples, but for rounding."""
        return _is_number(value) and _is_multiple(value, self.q, *multiples(self.min, self.max, self.q))

    def moved(self, value: float, factor: float) -> float:
        """Return the multiple of q nearest to ``factor`` times ``value``, or the next one, within the range."""
        return _step(value, factor, self.q, *multiples(self.min, self.max, self.q))


class RandN(Distribution):
    """A normal distribution with this mean and standard deviation."""

    type: Literal["randn"]
    mean: Real
    sd: AboveZero

    def sample(self, rng: np.random.Generator) -> float:
        """Draw a number."""
        return float(rng.normal(self.mean, self.sd))

    def contains(self, value: Any) -> bool:
        """Whether ``value`` is a finite number."""
        return _is_number(value)

    def moved(self, value: float, factor: float) -> float:
        """Return ``factor`` times ``value``."""
        return float(value * factor)


class QRandN(RandN):
    """Drawn as ``randn`` and rounded to the nearest multiple of ``q``."""

    type: Literal["qrandn"]  # type: ignore[assignment]
    q: AboveZero = 1.0

    def sample(self, rng: np.random.Generator) -> float:
        """Draw a multiple of q."""
        return nearest(super().sample(rng), self.q)

    def contains(self, value: Any) -> bool:
        """Whether ``value`` is a multiple of q, but for rounding."""
        return _is_number(value) and _is_multiple(value, self.q)

    def moved(self, value: float, factor: float) -> float:
        """Return the multiple of q nearest to ``factor`` times ``value``, or the next one."""
        return _step(value, factor, self.q)


class RandInt(_Wholes):
    """Every whole number from ``min`` to ``max`` alike, both included."""

    type: Literal["randint"]

    def sample(self, rng: np.random.Generator) -> int:
        """Draw a whole number."""
        return int(rng.integers(self.min, self.max, endpoint=True))

    def optuna(self) -> IntDistribution:
        """Return an int."""
        return IntDistribution(self.min, self.max)


class QRandInt(_Wholes):
    """The multiples of ``q`` from ``min`` to ``max``, both included, all alike."""

    type: Literal["qrandint"]
    q: FromOne = 1

    @field_validator("q")
    @classmethod
    def _some(cls, q: int, info: ValidationInfo) -> int:
        return int(_has_multiples(q, info))

    def sample(self, rng: np.random.Generator) -> int:
        """Draw a multiple of q."""
        first, last = multiples(self.min, self.max, self.q)
        return int(rng.integers(first, last, endpoint=True)) * self.q

    def contains(self, value: Any) -> bool:
        """Whether ``value`` is one of the multiples."""
        return super().contains(value) and value % self.q == 0

    def optuna(self) -> IntDistribution:
        """Return an int with a step."""
        first, last = multiples(self.min, self.max, self.q)
        return IntDistribution(first * self.q, last * self.q, step=self.q)

    def moved(self, value: int, factor: float) -> int:
        """Return the multiple of q nearest to ``factor`` times ``value``, or the next one, within the range."""
        return int(_step(value, factor, self.q, *multiples(self.min, self.max, self.q)))


class LogRandInt(_Wholes):
    """A whole number from ``min`` to ``max``, both included, smaller ones as much likelier as on a log scale."""

    type: Literal["lograndint"]
    min: FromOne
    base: Base

    def sample(self, rng: np.random.Generator) -> int:
        """Draw a whole number."""
        # Each whole number has the part of the scale from itself to the next one.
        return min(math.floor(_log_draw(rng, self.min, self.max + 1, self.base)), self.max)

    def optuna(self) -> IntDistribution:
        """Return an int on a log scale."""
        return IntDistribution(self.min, self.max, log=True)


class QLogRandInt(_Wholes):
    """Drawn on a log scale and rounded to the nearest multiple of ``q`` from ``min`` to ``max``, both included."""

    type: Literal["qlograndint"]
    min: FromOne
    base: Base
    q: FromOne = 1

    @field_validator("q")
    @classmethod
    def _some(cls, q: int, info: ValidationInfo) -> int:
        return int(_has_multiples(q, info))

    def sample(self, rng: np.random.Generator) -> int:
        """Draw a multiple of q."""
        drawn = _log_draw(rng, self.min, self.max, self.base)
        return round(nearest(drawn, self.q, *multiples(self.min, self.max, self.q)))

    def contains(self, value: Any) -> bool:
        """Whether ``value`` is one of the multiples."""
        return super().contains(value) and value % self.q == 0

    def moved(self, value: int, factor: float) -> int:
        """Return the multiple of q nearest to ``factor`` times ``value``, or the next one, within the range."""
        return int(_step(value, factor, self.q, *multiples(self.min, self.max, self.q)))


class _Options(Distribution):
    options: tuple[Any, ...] = Field(min_length=1)

    @field_validator("options")
    @classmethod
    def _different(cls, options: tuple[Any, ...]) -> tuple[Any, ...]:
        try:
            return Categorical(choices=options).choices
        except InputError as error:
            raise InputError(
                str(error).removeprefix("choices: ").replace("a choice", "an option").replace("choice", "option")
            ) from None

    @property
    def _choices(self) -> Categorical:
        return Categorical(choices=self.options)

    def contains(self, value: Any) -> bool:
        """Whether ``value`` is one of the options."""
        return self._choices.contains(value)

    def decode(self, stored: Scalar) -> Any:
        """Return the option that is stored so."""
        return self._choices.decode(stored)

    def encode(self, value: Any) -> Scalar:
        """Return the option itself, or the JSON text of a list."""
        return self._choices.encode(value)

    def sample(self, rng: np.random.Generator) -> Any:
        """Draw an option."""
        return self._choices.sample(rng)


class Choice(_Options):
    """One of the options, all alike: JSON scalars or lists of them."""

    type: Literal["choice"]

    def index(self, value: Any) -> int:
        """Return an option's place in the list."""
        return [json.dumps(option) for option in self.options].index(json.dumps(value))

    def optuna(self) -> CategoricalDistribution:
        """Return a categorical."""
        return CategoricalDistribution([self.encode(option) for option in self.options])


class GridSearch(_Options):
    """Every option in turn, together with every option of the other grids; ``sample`` draws one all the same."""

    type: Literal["grid_search"]


Hyperparameter: TypeAlias = Annotated[
    Uniform
    | QUniform
    | LogUniform
    | QLogUniform
    | RandN
    | QRandN
    | RandInt
    | QRandInt
    | LogRandInt
    | QLogRandInt
    | Choice
    | GridSearch,
    Field(discriminator="type"),
]
KINDS: Mapping[str, type[Distribution]] = {
    get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(get_args(Hyperparameter)[0])
}
"""The twelve by their names, in the order of the documentation."""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _above_min(high: float, info: ValidationInfo) -> float:
    low = info.data.get("min")
    if low is not None and high <= low:
        raise InputError(f"{high:g} is not above min, {low:g}")
    return high


def _has_multiples(q: float, info: ValidationInfo) -> float:
    low, high = info.data.get("min"), info.data.get("max")
    if low is not None and high is not None:
        first, last = multiples(low, high, q)
        if first > last:
            raise InputError(f"no multiple of {q:g} lies between min, {low:g}, and max, {high:g}: give a smaller q")
    return q


def _exact(value: float) -> Fraction:
    # As it is written: 0.3 is three times 0.1.
    return Fraction(repr(value))


def multiples(low: float, high: float, q: float) -> tuple[int, int]:
    """Return which multiples of q lie in a range: the numbers of the first and of the last."""
    return math.ceil(_exact(low) / _exact(q)), math.floor(_exact(high) / _exact(q))


def _multiple(number: int, q: float) -> float:
    return float(number * _exact(q))


def nearest(value: float, q: float, first: int | None = None, last: int | None = None) -> float:
    number = round(value / q)
    number = number if first is None else max(number, first)
    return _multiple(number if last is None else min(number, last), q)


def _step(value: float, factor: float, q: float, first: int | None = None, last: int | None = None) -> float:
    """Return the multiple nearest to ``factor`` times a multiple, but another one than that where the range has it."""
    before, number = round(value / q), round(value * factor / q)
    if number == before:
        number += 1 if (factor > 1) == (before >= 0) else -1
    return nearest(number * q, q, first, last)


def _is_multiple(value: float, q: float, first: int | None = None, last: int | None = None) -> bool:
    return math.isclose(value, nearest(value, q, first, last), rel_tol=1e-12, abs_tol=1e-12 * q)


def _log_draw(rng: np.random.Generator, low: float, high: float, base: float) -> float:
    drawn = base ** rng.uniform(math.log(low, base), math.log(high, base))
    return float(min(max(drawn, low), high))
