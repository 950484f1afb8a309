"""The rest of a run's state beside weights and optimizer: with it a resumed run ends bit for bit as one that went on.

It is the environments with their streams, the generators of numpy, torch and Python, the statistics of the last
episodes, and where between two rollouts the run stands. A checkpoint holds it as tensors and plain values, so that
torch reads it without running pickled code.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.vec_env import VecMonitor

from binpack.agents.learner import PPO

_ARRAY = "array of"


def capture(model: PPO, *, begun: bool) -> dict[str, Any] | None:
    """Return what ``restore`` needs; None where the environments keep Python objects, which no checkpoint can hold.

    Args:
        model: between two rollouts, its environments a ``BinPackingVecEnv`` in a ``VecMonitor``.
        begun: whether the next rollout has begun already, so that its reset, if it has one, is done.
    """
    monitor = _monitor(model)
    version, internal, gauss = random.getstate()
    state = {
        "environments": monitor.venv.state(),  # type: ignore[attr-defined]
        "monitor": {name: getattr(monitor, name) for name in ("episode_returns", "episode_lengths", "episode_count")},
        "episode_starts": model._last_episode_starts,
        "episodes": [[float(each["r"]), int(each["l"]), each["t"]] for each in model.ep_info_buffer or ()],
        "begun": begun,
        "generators": {
            "numpy": np.random.get_state(legacy=False),  # noqa: NPY002 - Stable-Baselines3's
            "python": (version, np.array(internal), gauss),
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(model.device) if model.device.type == "cuda" else None,
        },
    }
    try:
        return _packed(state)
    except TypeError:
        return None


def restore(model: PPO, packed: Mapping[str, Any]) -> None:
    """Make a model that has weights, optimizer and count of steps go on exactly; to be called last before ``learn``.

    Args:
        model: of the same settings as the one that was captured.
        packed: what ``capture`` returned, perhaps read from a file.
    """
    state = _unpacked(packed)
    monitor = _monitor(model)
    model._last_obs = monitor.venv.restore(state["environments"])  # type: ignore[attr-defined]
    model._last_episode_starts = state["episode_starts"]
    for name, value in state["monitor"].items():
        setattr(monitor, name, value)
    rows = [{"r": np.float32(earned), "l": np.int32(steps), "t": t} for earned, steps, t in state["episodes"]]
    model.ep_info_buffer = deque(rows, maxlen=model._stats_window_size)
    model.ep_success_buffer = deque(maxlen=model._stats_window_size)
    model.begun = state["begun"]
    generators = state["generators"]
    np.random.set_state(generators["numpy"])  # noqa: NPY002
    version, internal, gauss = generators["python"]
    random.setstate((version, tuple(np.asarray(internal).tolist()), gauss))
    torch.set_rng_state(generators["torch"])
    if generators["cuda"] is not None and model.device.type == "cuda":
        torch.cuda.set_rng_state(generators["cuda"], model.device)


def _monitor(model: PPO) -> VecMonitor:
    assert isinstance(model.env, VecMonitor)
    return model.env


def _packed(value: Any) -> Any:
    """Return a value whose arrays are tensors of bytes, whatever their type.

    Raises:
        TypeError: an array of Python objects.
    """
    if isinstance(value, Mapping):
        return {name: _packed(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_packed(each) for each in value]
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype.hasobject:
        raise TypeError("Python objects")
    raw = np.frombuffer(np.ascontiguousarray(value).tobytes(), np.uint8).copy()
    return {_ARRAY: value.dtype.str, "shape": list(value.shape), "bytes": torch.from_numpy(raw)}


def _unpacked(value: Any) -> Any:
    """Return what was packed; tuples are lists now."""
    if isinstance(value, dict) and _ARRAY in value:
        raw = value["bytes"].numpy().tobytes()
        return np.frombuffer(raw, np.dtype(value[_ARRAY])).reshape(value["shape"]).copy()
    if isinstance(value, dict):
        return {name: _unpacked(each) for name, each in value.items()}
    return [_unpacked(each) for each in value] if isinstance(value, list) else value
