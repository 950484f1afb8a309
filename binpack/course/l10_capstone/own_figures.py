"""Lesson 10b: its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from binpack.course.charts import Series, chart
from binpack.course.l10_capstone import corridor, shop
from binpack.plots.figure import Figure
from binpack.plots.style import COLORS


def walks(kinds: Mapping[str, NDArray], to: NDArray, exact: Callable[..., NDArray], steps: int = 12) -> Figure:
    """Draw in which cell the best agent is after each step, under each reward.

    Args:
        kinds: name to rewards, (6, 2).
        to: the next states, (6, 2).
        exact: (rewards, to, gamma) -> values, (6, 2).
        steps: how many are drawn.
    """
    paths = {name: corridor.walk(corridor.best(rewards, to, exact))[: steps + 1] for name, rewards in kinds.items()}
    series = [Series(name, np.arange(len(path)), path) for name, path in paths.items()]
    series += [Series("", each.x, each.y, "dots", COLORS[place]) for place, each in enumerate(series)]
    text = "; ".join(f"{name}: {', '.join(map(str, path))}" for name, path in paths.items())
    title = "where the best agent is"
    return chart(series, x="step", y="cell", title=title, text=f"cells {text}", levels=[corridor.LAMP])


def levels(profits: Mapping[int, float]) -> Figure:
    """Draw what the rule of thumb earns at each level.

    Args:
        profits: level to the mean profit of a day.
    """
    at, earned = list(profits), list(profits.values())
    text = "profit of a day by level: " + ", ".join(f"{level}: {profit:.2f}" for level, profit in profits.items())
    series = [Series("", at, earned), Series("", at, earned, "dots", COLORS[0])]
    return chart(series, x="order up to", y="profit of a day", title="the rule of thumb", text=text)


def orders(plans: Mapping[str, Sequence[Sequence[int]]], level: int) -> Figure:
    """Draw what trained agents order at each stock, beside the rule of thumb.

    Args:
        plans: name of a group of agents to what each of them orders at each stock.
        level: of the rule.
    """
    stock, rule = np.arange(shop.ROOM + 1), np.array(shop.up_to(level))
    series, said = [Series(f"up to {level}", stock, rule)], []
    for place, (name, group) in enumerate(plans.items()):
        # agents of one mind would hide each other
        shifts = 0.8 / len(plans) * (place + np.linspace(0.1, 0.9, len(group))) - 0.4
        ordered = np.array(group)
        series.append(Series(name, (stock + shifts[:, None]).ravel(), ordered.ravel(), kind="dots"))
        shares = (ordered == rule).mean(axis=0)
        said.append(f"{name} " + ", ".join(f"{at}: {share:.0%}" for at, share in zip(stock, shares, strict=True)))
    text = "agents that order what the rule does, by stock: " + "; ".join(said)
    return chart(
        series,
        x="pieces on the shelf in the evening",
        y="pieces ordered",
        title="what the agents have learned to order",
        text=text,
    )
