"""The packing environment for gymnasium: a batch of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.env.feed import StreamFeed, load_playable, resolve
from binpack.files import InputError
from binpack.items.streams import Streams
from binpack.items.units import InstanceError


class BinPackingEnv(gym.Env[dict[str, NDArray], np.int64]):
    """Pack one bin, item by item.

    The agent picks one of the visible items, an orientation and a cell for the item's corner with the lowest x and y;
    the item comes down from above. The episode ends when nothing visible fits or items run out. ``action_masks()`` says
    which actions are legal; an illegal one places nothing, earns 0 and ends the episode (``info["illegal_action"]``).

    Example:
        >>> env = BinPackingEnv(bin_size=(4, 4, 4), items="random:2-2")
        >>> observation, info = env.reset(seed=0)
        >>> observation, reward, terminated, truncated, info = env.step(int(env.action_masks().argmax()))
        >>> reward, info["packed"], terminated
        (0.125, 1, False)

    Args:
        config: all settings at once; or give them one by one.
        items: what ``EnvConfig.items`` takes, or a ``Streams``, ``Catalogue`` or ``ItemSource`` object.
        render_mode: ``None``, ``"plotly"`` (``render`` returns an interactive figure) or ``"rgb_array"`` (uint8 (h, w,
            3)).
        settings: fields of ``EnvConfig``: bin_size, cell, visible, rotation, support, reward, features.

    Raises:
        ValueError: for a bad setting, in one line for each.
        InstanceError: for bad items.
    """

    metadata = {"render_modes": ["plotly", "rgb_array"], "render_fps": 4}  # noqa: RUF012 - gymnasium's form

    def __init__(
        self, config: EnvConfig | None = None, *, items: Any = None, render_mode: str | None = None, **settings: Any
    ) -> None:
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise InputError(f"render_mode {render_mode!r} is not one of {', '.join(self.metadata['render_modes'])}")
        self.config, self._source = resolve(config, items, settings)
        self.render_mode = render_mode
        self.observation_space: spaces.Space = self.config.observation_space()
        self.action_space: spaces.Discrete = self.config.action_space()
        self._batch = PackingBatch(self.config, 1)
        self._feed: StreamFeed | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray], dict[str, Any]]:
        """Empty the bin and start a new stream of items.

        Args:
            seed: seeds the stream of items from here on.
            options: ``{"items": array (T, 3)}`` packs those items, in that order, in this episode.

        Returns:
            The observation (see ``PackingBatch.observation``, without the batch axis) and the info.

        Raises:
            InstanceError: if none of the items that come first fits the empty bin, or items are not integers (T, 3).
            ValueError: for an unknown option.
        """
        super().reset(seed=seed)
        if self._feed is None or seed is not None:
            self._feed = StreamFeed(self._source, self.np_random)
        if unknown := set(options or ()) - {"items"}:
            raise InputError(f"reset option {min(map(str, unknown))!r} is not known, only 'items' is")
        if options:
            self._batch.load(_own_items(options["items"]))
            if self._batch.done[0]:
                raise InstanceError("none of the visible items fits the empty bin")
        else:
            load_playable(self._batch, [self._feed], np.array([0]))
        return self._observation(), self._batch.info(0, placements=True)

    def step(self, action: int | np.integer) -> tuple[dict[str, NDArray], float, bool, bool, dict[str, Any]]:
        """Place an item; see the class for what an action means.

        Raises:
            ValueError: if the action is outside the action space.
        """
        if np.asarray(action).dtype.kind not in "iu" or not self.action_space.contains(np.int64(action)):
            raise InputError(f"action {action} is not in 0..{self.action_space.n - 1}")
        rewards, legal = self._batch.step(np.array([action]))
        info = self._batch.info(0, placements=True)
        if not legal[0]:
            info["illegal_action"] = True
        return self._observation(), float(rewards[0]), bool(self._batch.done[0]), False, info

    def action_masks(self) -> NDArray:
        """Return which actions are legal, bool, (actions,). A copy."""
        return self._batch.masks()[0]

    def render(self) -> Any:
        """Return the bin as a picture in the form that ``render_mode`` asks for, ``None`` without one."""
        from binpack.plots import viewer

        if self.render_mode == "plotly":
            return viewer.plotly_packing(self._batch.boxes(0), self.config.bin_size)
        if self.render_mode == "rgb_array":
            return viewer.rgb_array(self._batch.boxes(0), self.config.bin_size)
        return None

    def save_gif(self, path: str | Path) -> Path:
        """Write the episode so far as an animated GIF, one frame a placed item, and return its path."""
        from binpack.plots import viewer

        viewer.save_gif(path, self._batch.boxes(0), self.config.bin_size, fps=self.metadata["render_fps"])
        return Path(path)

    def _observation(self) -> dict[str, NDArray]:
        return {name: value[0] for name, value in self._batch.observation().items()}


def _own_items(items: Any) -> Streams:
    """Return one stream of the items that somebody typed."""
    edges = np.asarray(items)
    if edges.ndim != 2 or edges.shape[1] != 3 or not len(edges) or edges.dtype.kind not in "iu":
        raise InstanceError(f"items must be integers of shape (T, 3), got {edges.dtype} of shape {edges.shape}")
    return Streams(edges[None], np.array([len(edges)]))
