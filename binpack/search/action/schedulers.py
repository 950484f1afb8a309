"""The schedulers of a job and their options, as data; an engine makes of them what it has.

Time is counted in reports: ``training_iteration`` is 1 at a trial's first report, unless the report says another number
itself. With ``time_attr`` it is the value of a metric that every report has, such as ``steps``.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from binpack.files import InputError

FromOne = Annotated[int, Field(strict=True, ge=1)]
FromTwo = Annotated[int, Field(strict=True, ge=2)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Options(_Part):
    """What all schedulers share.

    Attributes:
        time_attr: what a trial's time is.
    """

    time_attr: str = Field(default="training_iteration", min_length=1)


class AshaOptions(Options):
    """Asynchronous successive halving (Li et al., 2020).

    Attributes:
        max_t: a trial ends at this time.
        grace_period: no trial is stopped before it.
        reduction_factor: one trial in so many goes on beyond a rung.
    """

    max_t: FromOne = 100
    grace_period: FromOne = 1
    reduction_factor: FromTwo = 4

    @field_validator("grace_period")
    @classmethod
    def _before_the_end(cls, grace: int, info: ValidationInfo) -> int:
        if (end := info.data.get("max_t")) is not None and grace > end:
            raise InputError(f"{grace} is above max_t, {end}")
        return grace


class HyperbandOptions(Options):
    """Several brackets of successive halving (Li et al., 2018).

    Attributes:
        max_t: a trial ends at this time.
        reduction_factor: one trial in so many goes on beyond a rung.
    """

    max_t: FromOne = 81
    reduction_factor: FromTwo = 3


class MedianOptions(Options):
    """Stop a trial whose best report is below the median of the others at the same time (Golovin et al., 2017).

    Attributes:
        grace_period: no trial is stopped before it.
        min_samples_required: no trial is stopped before so many others are at their end.
    """

    grace_period: FromOne = 1
    min_samples_required: FromOne = 3


class PbtOptions(Options):
    """Population based training (Jaderberg et al., 2017).

    Attributes:
        perturbation_interval: time between two moments at which a bad trial takes over a good one's weights.
        quantile_fraction: the share that is good, and the share that is bad.
        resample_probability: of drawing a hyperparameter anew instead of changing the good one's.
    """

    perturbation_interval: FromOne = 5
    quantile_fraction: float = Field(default=0.25, gt=0, le=0.5)
    resample_probability: float = Field(default=0.25, ge=0, le=1)


class Fifo(_Part):
    """No trial is stopped."""

    name: Literal["fifo"] = "fifo"
    options: Options = Options()


class Asha(_Part):
    """See ``AshaOptions``."""

    name: Literal["asha"]
    options: AshaOptions = AshaOptions()


class Hyperband(_Part):
    """See ``HyperbandOptions``."""

    name: Literal["hyperband"]
    options: HyperbandOptions = HyperbandOptions()


class Median(_Part):
    """See ``MedianOptions``."""

    name: Literal["median"]
    options: MedianOptions = MedianOptions()


class Pbt(_Part):
    """See ``PbtOptions``."""

    name: Literal["pbt"]
    options: PbtOptions = PbtOptions()


Scheduler: TypeAlias = Annotated[Fifo | Hyperband | Asha | Pbt | Median, Field(discriminator="name")]
SCHEDULERS = ("fifo", "hyperband", "asha", "pbt", "median")
"""Their names; an engine says which of them it has."""
