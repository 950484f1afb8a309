"""What is kept of a trained agent: its weights, in a file that runs no code when it is read."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from binpack.course.exercises import exercise, expect, promise
from binpack.course.l02_deep_q_network.exercises._stand_ins import example_agent, weight


@exercise(
    minutes=6,
    difficulty=1,
    hints=(
        "Begin with what is saved: `network.state_dict()` is a dictionary from the name of each layer's weights to the "
        "weights.",
        "`torch.save(something, path)` writes it, `torch.load(path, weights_only=True)` reads it and gives it back; "
        "`load_state_dict` puts it into a network.",
        "Three lines: `torch.save(network.state_dict(), path)`, then "
        "`fresh.load_state_dict(torch.load(path, weights_only=True))`, then `return fresh`.",
    ),
    returns=promise.an_instance("the result", nn.Module),
    changes=("fresh",),
)
def save_and_load(network: nn.Module, path: str | Path, fresh: nn.Module) -> nn.Module:
    """Save the weights of one network in a file, and load them from there into another.

    Args:
        network: what is saved: its weights only, no Python objects.
        path: the file, which `torch.load(path, weights_only=True)` can read.
        fresh: a new network of the same form.

    Returns:
        The fresh network, which now holds the weights.
    """
    # 1. weights only
    torch.save(network.state_dict(), path)
    # 2. read them without running any code that a file may hold
    fresh.load_state_dict(torch.load(path, weights_only=True))
    return fresh


@save_and_load.check
def _(answer: Callable) -> None:
    network, fresh = example_agent().network, example_agent().target
    before = {name: weights.clone() for name, weights in network.state_dict().items()}
    unsafe: list[bool] = []
    really_load = torch.load

    def load(*args: Any, **kwargs: Any) -> Any:
        unsafe.append(kwargs.get("weights_only") is False)
        expect(path.is_file(), _NO_FILE)
        return really_load(*args, **kwargs)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        with mock.patch("torch.load", load):
            got = answer(network, path, fresh)
        expect(path.is_file(), _NO_FILE)
        _expect_weights(path, before)
        expect(not any(unsafe), "weights_only=False runs whatever code a file holds: leave it True")
        expect(got is not network, "it returns the network that was saved: return the fresh one")
        expect(_holds(got, before), "the returned network does not hold the saved weights: is load_state_dict called?")
        expect(got is fresh, "another network than the fresh one is returned")
        expect(_holds(network, before), "the first network's weights were changed")
        with torch.no_grad():
            weight(network).add_(1.0)
        expect(_holds(got, before), "both networks share their weights: read them from the file")
        _expect_read(answer, network, path)


_NO_FILE = "there is no file at the path: torch.save writes one"


def _expect_read(answer: Callable, network: nn.Module, path: Path) -> None:
    """See that the weights come out of the file: what torch.save writes there is not what the network holds."""
    written: list[Mapping[str, Tensor]] = []
    really_save = torch.save

    def save(saved: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(saved, Mapping):
            saved = {name: weights + 1.0 for name, weights in saved.items()}
            written.append(saved)
        return really_save(saved, *args, **kwargs)

    with mock.patch("torch.save", save):
        got = answer(network, path, example_agent().target)
    text = "the weights that it returns are not those in the file: fill the fresh network with what torch.load reads"
    expect(not written or _holds(got, written[-1]), text, given="a file whose weights are changed while it is saved")


def _expect_weights(path: Path, wanted: Mapping[str, Tensor]) -> None:
    """See that a file holds a network's weights and nothing that runs code."""
    try:
        saved = torch.load(path, weights_only=True)
    except Exception:
        expect(False, _what_it_is(path, wanted))
    names = ", ".join(wanted)
    expect(isinstance(saved, Mapping), "the file should hold the network's state_dict()", got=saved, wanted=names)
    expect(set(saved) == set(wanted), "the file should hold the network's state_dict()", got=list(saved), wanted=names)
    same = all(torch.equal(saved[name], weights) for name, weights in wanted.items())
    expect(same, "the file holds other weights than the network's: which network is saved?", got=saved, wanted=wanted)


def _what_it_is(path: Path, wanted: Mapping[str, Tensor]) -> str:
    """Say what a file holds that torch refuses to read as weights. The answer has just written it, so it is opened."""
    plain = _opened(_unpickled, path)
    held = _opened(lambda path: torch.load(path, weights_only=False), path) if plain is None else plain
    if isinstance(held, nn.Module):
        return "the file holds the whole module, a Python object, so reading it runs code: save its state_dict()"
    if isinstance(plain, Mapping) and set(plain) == set(wanted):
        return "the file holds the weights, but as a plain pickle, and reading one runs code: write it with torch.save"
    return "torch.load(path, weights_only=True) cannot read the file: write the state_dict() with torch.save"


def _opened(read: Callable[[Path], Any], path: Path) -> Any:
    """What a reader finds in a file, or None."""
    try:
        return read(path)
    except Exception:
        return None


def _unpickled(path: Path) -> Any:
    with path.open("rb") as file:
        return pickle.load(file)


def _holds(network: nn.Module, wanted: Mapping[str, Tensor]) -> bool:
    held = network.state_dict()
    return set(held) == set(wanted) and all(torch.equal(held[name], weights) for name, weights in wanted.items())
