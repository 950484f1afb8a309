"""The native batch environment for Stable-Baselines3: all bins step in one call of the placement core."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.utils import seeding
from numpy.typing import NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices

from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.env.feed import SharedFeed, StreamFeed, load_playable, resolve
from binpack.files import InputError
from binpack.items.streams import Streams


class BinPackingVecEnv(VecEnv):
    """Pack ``n_envs`` bins side by side.

    Row ``i`` plays exactly what ``BinPackingEnv`` plays after ``reset(seed=seed + i)``. As Stable-Baselines3 wants it,
    a row that ends starts its next episode in the same step and leaves its last observation in
    ``info["terminal_observation"]``. Wrap it in ``VecMonitor`` for episode statistics.

    Example:
        >>> env = BinPackingVecEnv(EnvConfig(bin_size=(4, 4, 4), items="random:2-2"), n_envs=3, seed=0)
        >>> env.reset()["heights"].shape
        (3, 4, 4)
        >>> observations, rewards, dones, infos = env.step(env.action_masks().argmax(axis=1))
        >>> rewards.tolist()
        [0.125, 0.125, 0.125]

    Args:
        config: all settings at once; or give them one by one.
        n_envs: number of bins.
        seed: row ``i`` is seeded with ``seed + i``; ``None`` takes fresh entropy.
        replicas: so many neighbouring rows, each group with the first one's seed, pack the same streams: after a reset
            all begin with the same one, and each goes through them at its own pace.
        items: what ``EnvConfig.items`` takes, or a ``Streams``, ``Catalogue`` or ``ItemSource`` object.
        settings: fields of ``EnvConfig``.

    Raises:
        ValueError: for a bad setting.
        InstanceError: for bad items.
    """

    def __init__(
        self,
        config: EnvConfig | None = None,
        n_envs: int = 16,
        seed: int | None = None,
        *,
        items: Any = None,
        replicas: int = 1,
        **settings: Any,
    ) -> None:
        if n_envs < 1:
            raise InputError(f"n_envs must be at least 1, got {n_envs}")
        if replicas < 1 or n_envs % replicas:
            raise InputError(f"n_envs must be a multiple of replicas, got {n_envs} and {replicas}")
        self.config, self._source = resolve(config, items, settings)
        self._batch = PackingBatch(self.config, n_envs)
        self._replicas = replicas
        self._sources: list[StreamFeed | None] = [None] * (n_envs // replicas)
        self._shared: list[SharedFeed] = []
        self._feeds: list[Iterator[tuple[Streams, int]]] = []
        self._actions = np.zeros(n_envs, np.int64)
        self.render_mode = None
        super().__init__(n_envs, self.config.observation_space(), self.config.action_space())
        if seed is not None:
            self.seed(seed)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seed row ``i`` with ``seed + i`` at the next reset; ``None`` asks for fresh entropy."""
        self._seeds = [None if seed is None else seed + row for row in range(self.num_envs)]
        if seed is None:
            self._sources = [None] * len(self._sources)
        return self._seeds

    def reset(self) -> dict[str, NDArray]:
        """Empty every bin and start new streams; returns the observations, see ``PackingBatch.observation``."""
        for group, seed in enumerate(self._seeds[:: self._replicas]):
            if seed is not None or self._sources[group] is None:
                self._sources[group] = StreamFeed(self._source, seeding.np_random(seed)[0])
        self._share_sources()
        load_playable(self._batch, self._feeds, np.arange(self.num_envs))
        self.reset_infos = [self._batch.info(row, placements=True) for row in range(self.num_envs)]
        self._reset_seeds()
        self._reset_options()
        return self._batch.observation()

    def _share_sources(self) -> None:
        """Let every row of a group read the group's source, from where that is now."""
        self._shared = [SharedFeed(source, self._replicas) for source in self._sources if source is not None]
        self._feeds = [feed.reader(number) for feed in self._shared for number in range(self._replicas)]

    def state(self) -> dict[str, Any]:
        """Return what ``restore`` needs to go on from here exactly: the bins, and the place in the streams.

        Between two steps, after a reset; arrays and what JSON knows, whole numbers of any size among it.
        """
        return {"bins": self._batch.state(), "feeds": [feed.place for feed in self._shared]}

    def restore(self, state: Mapping[str, Any]) -> dict[str, NDArray]:
        """Go on where another environment of the same settings was, in place of a reset.

        Args:
            state: the other one's ``state()``.

        Returns:
            The observations, as ``reset`` does.
        """
        # the generators' own states replace these ones' entropy
        self._sources = [StreamFeed(self._source, seeding.np_random(0)[0]) for _ in self._sources]
        self._share_sources()
        for feed, place in zip(self._shared, state["feeds"], strict=True):
            feed.go_to(place)
        self._batch.restore(state["bins"])
        self._reset_seeds()
        return self._batch.observation()

    def step_async(self, actions: NDArray) -> None:
        """Keep the actions, integers (n_envs,), for ``step_wait``.

        Raises:
            ValueError: if one is outside the action space.
        """
        actions = np.asarray(actions)
        if actions.shape != (self.num_envs,) or actions.dtype.kind not in "iu":
            raise InputError(f"actions must be {self.num_envs} integers, got {actions.dtype} of shape {actions.shape}")
        if actions.min() < 0 or actions.max() >= self.config.actions:
            raise InputError(f"actions must be in 0..{self.config.actions - 1}, got {actions.min()} to {actions.max()}")
        self._actions = actions

    def step_wait(self) -> tuple[dict[str, NDArray], NDArray, NDArray, list[dict[str, Any]]]:
        """Place one item in every bin.

        Returns:
            Observations, rewards float32 (n_envs,), dones bool (n_envs,), and one info a row: ``utilization`` and
            ``packed`` always, ``placements`` and ``terminal_observation`` where the episode ended.
        """
        batch = self._batch
        rewards, legal = batch.step(self._actions)
        dones = batch.done.copy()
        infos = [
            {"utilization": utilization, "packed": packed}
            for utilization, packed in zip(batch.utilization.tolist(), batch.packed.tolist(), strict=True)
        ]
        if not legal.all():
            for row in np.flatnonzero(~legal):
                infos[row]["illegal_action"] = True
        if dones.any():
            self._start_anew(np.flatnonzero(dones), infos)
        return batch.observation(), rewards.astype(np.float32), dones, infos

    def _start_anew(self, rows: NDArray, infos: list[dict[str, Any]]) -> None:
        """Leave what the rows that ended were like in their infos, and start their next episodes."""
        last = self._batch.observation(rows)
        for number, row in enumerate(rows.tolist()):
            infos[row]["placements"] = self._batch.boxes(row)
            infos[row]["terminal_observation"] = {name: value[number] for name, value in last.items()}
        load_playable(self._batch, self._feeds, rows)

    def action_masks(self) -> NDArray:
        """Return which actions are legal, bool, (n_envs, actions)."""
        return self._batch.masks()

    def close(self) -> None:
        """Nothing to release."""

    def has_attr(self, attr_name: str) -> bool:
        """Say whether the environments have an attribute; sb3-contrib asks for ``action_masks`` this way."""
        return hasattr(self, attr_name)

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute once for each of ``indices``; all rows share it."""
        return [getattr(self, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refuse: rows share their attributes, so none can be set for a single one."""
        raise AttributeError(f"cannot set {attr_name!r}: the rows of a native batch have no attributes of their own")

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list:
        """Call a method on rows; ``action_masks`` is the one that rows have.

        Raises:
            AttributeError: for any other method.
        """
        if method_name != "action_masks":
            raise AttributeError(f"the rows of a native batch have no method {method_name!r}")
        masks = self._batch.masks()
        return list(masks) if indices is None else [masks[row] for row in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type, indices: VecEnvIndices = None) -> list[bool]:
        """Say that no row is wrapped."""
        return [False] * len(list(self._get_indices(indices)))
