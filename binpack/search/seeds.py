"""Which seeds a comparison may use for what."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, model_validator

from binpack.files import InputError


class SeedPlan(BaseModel):
    """Which seeds may be used for what; an overlap is an error.

        >>> plan = SeedPlan.of_size(tuning=2, final=3)
        >>> plan.tuning, plan.final
        ((0, 1), (1000, 1001, 1002))

    Attributes:
        tuning: training seeds of every trial.
        final: fresh training seeds for the comparison after the search.
        tuning_streams: seed of the item streams that trials are scored on.
        test_streams: seed of the item streams of the final comparison.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tuning: tuple[int, ...] = (0,)
    final: tuple[int, ...] = (1000, 1001, 1002)
    tuning_streams: int = 10_000
    test_streams: int = 20_000

    @model_validator(mode="after")
    def _disjoint(self) -> SeedPlan:
        groups = {"tuning": self.tuning, "final": self.final}
        for name, seeds in groups.items():
            if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
                raise InputError(f"{name} seeds must be distinct and not negative, got {list(seeds)}")
        shared = sorted(set(self.tuning) & set(self.final))
        if shared:
            raise InputError(f"seed {shared[0]} is used both for tuning and for the final comparison")
        if self.tuning_streams == self.test_streams:
            raise InputError(f"seed {self.test_streams} is used both for tuning streams and for test streams")
        return self

    @classmethod
    def of_size(cls, tuning: int, final: int, first: int = 0) -> SeedPlan:
        """Return a plan with ``tuning`` training seeds from ``first`` on, and ``final`` fresh ones after them."""
        return cls(tuning=tuple(range(first, first + tuning)), final=tuple(range(first + 1000, first + 1000 + final)))
