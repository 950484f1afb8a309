"""The recorded study as tables: configurations by seeds, with curves, test scores and diagnostics.

``load().runs("study")`` has them all; ``runs.final`` is (configurations, seeds).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.agents.diagnostics import NAMES
from binpack.files import InputError
from binpack.search.landscape import store, task
from binpack.search.space import Int, Space

FILE = Path(__file__).with_name("study.npz")


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of some configurations, all with the same seeds.

    Attributes:
        group: ``study``, ``default``, ``grid``, ``box``, ``fresh`` or ``led``.
        task: ``cut``, or ``random`` for the second items.
        configs: the configurations, (C,).
        seeds: training seeds, (S,).
        utilization: mean over the validation streams at 20 points, float32, (C, S, 20); NaN once a run has diverged.
        test: mean over the test streams at the end, float32, (C, S); NaN where a run has diverged.
        steps: environment steps taken at each point, (C, S, 20); 0 where there is no evaluation.
        seconds: of processor time up to each point, evaluations and all, float32, (C, S, 20).
        diagnostics: name -> float32, (C, S, 20); see `binpack.agents.diagnostics`.
    """

    group: str
    task: str
    configs: tuple[Mapping[str, Any], ...]
    seeds: tuple[int, ...]
    utilization: NDArray
    test: NDArray
    steps: NDArray
    seconds: NDArray
    diagnostics: Mapping[str, NDArray]

    @property
    def final(self) -> NDArray:
        """The score of each run: its last utilization, float64, (C, S); 0 for one that has diverged."""
        return np.nan_to_num(self.utilization[..., -1].astype(float))

    @property
    def truth(self) -> NDArray:
        """Mean test score of each configuration over its seeds, float64, (C,); a run that has diverged counts as 0."""
        return np.nan_to_num(self.test.astype(float)).mean(axis=1)

    @property
    def others(self) -> NDArray:
        """For each run the mean test score of its configuration's other seeds, float64, (C, S).

        A run that was lucky has no part in it, so groups with few and with many seeds can be compared. There are two
        seeds or more.
        """
        scores = np.nan_to_num(self.test.astype(float))
        return (scores.sum(axis=1, keepdims=True) - scores) / (len(self.seeds) - 1)

    def of(self, configs: Sequence[int] | NDArray) -> Runs:
        """Return some of the configurations.

        Args:
            configs: their numbers here.
        """
        index = np.asarray(configs, int)
        part = {name: getattr(self, name)[index] for name in ("utilization", "test", "steps", "seconds")}
        said = {name: values[index] for name, values in self.diagnostics.items()}
        return replace(self, configs=tuple(self.configs[each] for each in index), diagnostics=said, **part)

    def first_seeds(self, count: int) -> Runs:
        """Return the runs of the first few seeds.

        Args:
            count: how many.
        """
        part = {name: getattr(self, name)[:, :count] for name in ("utilization", "test", "steps", "seconds")}
        said = {name: values[:, :count] for name, values in self.diagnostics.items()}
        return replace(self, seeds=self.seeds[:count], diagnostics=said, **part)

    def column(self, name: str) -> NDArray:
        """Return a hyperparameter of each configuration, (C,)."""
        return np.array([values[name] for values in self.configs])

    @cached_property
    def places(self) -> NDArray:
        """Where each configuration lies in the unit cube of the space, float64, (C, 11)."""
        return np.array([task.SPACE.place(values) for values in self.configs])


class Landscape:
    """The recorded study.

    Args:
        path: its file.

    Raises:
        FileError: one line: the file is missing or bad.
    """

    space: Space = task.SPACE

    def __init__(self, path: str | Path = FILE) -> None:
        self.about, self._arrays = store.read(path)
        self._names = self._arrays["names"].tolist()

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that have runs on the study's own items."""
        mine = self._arrays["group"][self._arrays["task"] == "cut"]
        return tuple(sorted(set(mine.tolist())))

    def configs(self, group: str) -> tuple[dict[str, Any], ...]:
        """Return a group's configurations.

        Raises:
            InputError: one line: there is no such group.
        """
        if f"configs_{group}" not in self._arrays:
            known = sorted(name.removeprefix("configs_") for name in self._arrays if name.startswith("configs_"))
            raise InputError(f"the study has no group {group!r}; it has {', '.join(known)}")
        whole = [isinstance(self.space.parameters[name], Int) for name in self._names]
        return tuple(
            {name: int(value) if is_int else value for name, value, is_int in zip(self._names, row, whole, strict=True)}
            for row in self._arrays[f"configs_{group}"].tolist()
        )

    def runs(self, group: str = "study", task: str = "cut", least: int = 1) -> Runs:
        """Return the runs of a group: the configurations that have enough seeds, with the seeds that all of them have.

        Args:
            group: which.
            task: on which items.
            least: configurations with fewer seeds are left out; ``runs("study", least=50)`` are the best 20.

        Raises:
            InputError: one line: there is no such group, or there are no such runs.
        """
        configs = self.configs(group)
        mine = np.flatnonzero((self._arrays["group"] == group) & (self._arrays["task"] == task))
        seeds: dict[int, dict[int, int]] = {}
        for row, config, seed in zip(
            mine.tolist(), self._arrays["config"][mine].tolist(), self._arrays["seed"][mine].tolist(), strict=True
        ):
            seeds.setdefault(config, {})[seed] = row
        chosen = sorted(config for config, rows in seeds.items() if len(rows) >= least)
        if not chosen:
            raise InputError(f"the study has no runs of group {group!r} on task {task!r} with {least} seeds or more")
        shared = sorted(set.intersection(*(set(seeds[config]) for config in chosen)))
        index = np.array([[seeds[config][seed] for seed in shared] for config in chosen]).reshape(len(chosen), -1)
        part = {name: self._arrays[name][index] for name in ("utilization", "test", "steps", "seconds")}
        return Runs(
            group,
            task,
            tuple(configs[config] for config in chosen),
            tuple(shared),
            diagnostics={name: self._arrays[name][index] for name in NAMES},
            **part,
        )


@cache
def load() -> Landscape:
    """Return the study that comes with the package; it is read once."""
    return Landscape()
