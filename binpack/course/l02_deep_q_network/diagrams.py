"""Lesson 02: the diagrams of its parts: the network, the replay buffer, the two networks of an update, the loop."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from binpack.course.l02_deep_q_network.sketch import Arrow, Box, Sketch, row
from binpack.plots.figure import Figure
from binpack.plots.style import COLORS, PALETTE

_BLUE, _ORANGE, _YELLOW, _GREEN, _GREY = PALETTE[0], PALETTE[1], PALETTE[2], PALETTE[3], PALETTE[7]
_FAINT = "#B5B5B5"


def network() -> Figure:
    """Draw the Q-network for CartPole: four numbers in, two layers of 128 units, a Q-value for each action out."""
    inputs = ("cart position", "cart speed", "pole angle", "turning speed")
    outputs = ("Q(left)", "Q(right)")
    sketch = Sketch(
        11.0,
        4.4,
        "the network: an observation in, a Q-value for each action out",
        "diagram: 4 numbers -> 128 units"
        " with ReLU -> 128 units with ReLU -> 2 Q-values; every unit is connected with every unit of the next layer",
    )
    layers = [
        [(2.6, 3.55 - 0.95 * place) for place in range(4)],
        [(4.9, 3.75 - 0.78 * place) for place in range(5)],
        [(7.0, 3.75 - 0.78 * place) for place in range(5)],
        [(9.1, 2.8 - 1.2 * place) for place in range(2)],
    ]
    for before, after in itertools.pairwise(layers):
        sketch.arrows += [Arrow(a, b, head=False, color=_FAINT, width=0.7) for a in before for b in after]
    for places, color in zip(layers, (_GREY, _BLUE, _BLUE, _YELLOW), strict=True):
        sketch.boxes += [Box(x, y, width=0.5, height=None, color=color) for x, y in places]
    sketch.labels += [(1.25, y, text, 13) for (_, y), text in zip(layers[0], inputs, strict=True)]
    sketch.labels += [(10.1, y, text, 13) for (_, y), text in zip(layers[3], outputs, strict=True)]
    sketch.labels += [(4.9, 4.2, "128 units, ReLU", 13), (7.0, 4.2, "128 units, ReLU", 13)]
    sketch.labels += [(5.95, 0.2, "5 of the 128 are drawn", 12)]
    return sketch.figure()


def boxes(numbers: Sequence[int | None], position: int, title: str) -> Figure:
    """Draw a replay buffer as a row of numbered boxes.

    Args:
        numbers: number of the transition in each box, None for an empty one.
        position: the box that is written next.
        title: the title.
    """
    told = ", ".join("empty" if number is None else str(number) for number in numbers)
    sketch = Sketch(1.1 * len(numbers) + 2.2, 2.1, title, f"{title}: boxes hold {told}; box {position} is next")
    xs = [1.6 + 1.1 * place for place in range(len(numbers))]
    texts = ["" if number is None else str(number) for number in numbers]
    sketch.boxes += row(xs, 1.1, texts, width=1.1, height=0.8, color=_BLUE, size=16)
    empty = [place for place, number in enumerate(numbers) if number is None]
    for place in empty:
        sketch.boxes[place] = Box(xs[place], 1.1, "", width=1.1, height=0.8)
    sketch.labels += [(x, 1.75, f"box {place}", 12) for place, x in enumerate(xs)]
    sketch.arrows.append(Arrow((xs[position], 0.2), (xs[position], 0.68), color=COLORS[1], width=2.0))
    sketch.labels.append((xs[position] + 0.75, 0.25, "written next", 12))
    return sketch.figure()


def two_networks() -> Figure:
    """Draw an update: which network computes what, where the gradient goes, and the copy."""
    sketch = Sketch(
        11.4,
        4.6,
        "one update: only the online network learns, the target network judges what comes next",
        "diagram: the online network computes Q(s, a), the target network the target y from s'; the loss compares the"
        " two; its gradient reaches the online network alone; now and then the target network becomes a copy of it",
    )
    sketch.boxes += [
        Box(1.2, 2.3, "batch of\ntransitions\ns, a, r, s', d", 1.8, 1.5, _GREY, 13),
        Box(5.0, 3.5, "online network", 2.2, 0.9, _BLUE, 14),
        Box(5.0, 1.1, "target network", 2.2, 0.9, _YELLOW, 14),
        Box(10.0, 2.3, "loss", 1.3, 0.9, _ORANGE, 14),
    ]
    sketch.arrows += [
        Arrow((2.1, 2.7), (3.9, 3.4), "s", (-0.1, 0.25)),
        Arrow((2.1, 1.9), (3.9, 1.2), "s'", (-0.1, -0.25)),
        Arrow((6.1, 3.4), (9.35, 2.55), "Q(s, a)", (0.35, 0.25)),
        Arrow((6.1, 1.2), (9.35, 2.05), "y = r + γ (1 - d) max Q⁻(s', ·)", (0.75, -0.45)),
        Arrow((5.0, 3.05), (5.0, 1.55), "copied now and then", (1.05, 0.0), COLORS[2], True, width=2.0),
        Arrow((10.0, 2.75), (10.0, 4.2), color=COLORS[1], width=2.0, head=False),
        Arrow((10.0, 4.2), (5.0, 4.2), "gradient", (0.0, 0.2), COLORS[1], width=2.0, head=False),
        Arrow((5.0, 4.2), (5.0, 3.95), color=COLORS[1], width=2.0),
    ]
    return sketch.figure()


def loop() -> Figure:
    """Draw the training loop: act, store, learn."""
    sketch = Sketch(
        11.4,
        3.9,
        "the loop: act, store, learn",
        "diagram: the agent acts in the environment, greedily or at random;"
        " each transition goes into the replay buffer; a random batch from it updates the networks; and again",
    )
    sketch.boxes += [
        Box(1.7, 1.9, "environment", 2.2, 1.0, _GREEN, 14),
        Box(5.7, 3.1, "agent: greedy, or with\nprobability ε at random", 3.0, 0.95, _BLUE, 13),
        Box(5.7, 0.75, "replay buffer", 2.4, 0.9, _GREY, 14),
        Box(9.9, 1.9, "update:\ntargets, loss,\none step", 2.0, 1.4, _ORANGE, 13),
    ]
    sketch.arrows += [
        Arrow((4.2, 3.2), (1.9, 2.4), "action", (-0.35, 0.25)),
        Arrow((2.5, 2.4), (4.2, 2.85), "observation, reward", (0.65, -0.35)),
        Arrow((2.2, 1.4), (4.5, 0.8), "transition", (-0.35, -0.28)),
        Arrow((6.9, 0.8), (8.9, 1.5), "random batch", (0.35, -0.3)),
        Arrow((8.9, 2.3), (7.2, 2.95), "new weights", (0.65, 0.25)),
    ]
    return sketch.figure()
