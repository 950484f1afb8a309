"""A stand-in for a trained agent and a bin that notes what is done to it, for the check of `score_on_streams`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import expect
from binpack.env.single import BinPackingEnv

MASKLESS, MASKED, OTHERS_MASKS = "without a mask", "with its mask", "with another mask"


class Packer:
    """Prefers the action with the highest number, as a MaskablePPO might.

    Attributes:
        calls: for each call of `predict`, which kind of mask it got.
        deterministic: for each call, whether it was asked for the most probable action.
        seen: the observations that it was asked about.
        chosen: the actions that it chose.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.deterministic: list[bool] = []
        self.seen: list[Any] = []
        self.chosen: list[int] = []
        self._rng = np.random.default_rng(0)

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
        action_masks: NDArray | None = None,
    ) -> tuple[NDArray, None]:
        """Choose an action."""
        right = (np.asarray(observation["landing"]) >= 0).reshape(-1)
        mask = np.ones_like(right) if action_masks is None else np.asarray(action_masks, bool).reshape(-1)
        kind = MASKED if np.array_equal(mask, right) else OTHERS_MASKS
        self.calls.append(MASKLESS if action_masks is None else kind)
        self.deterministic.append(bool(deterministic))
        self.seen.append(observation)
        legal = np.flatnonzero(mask) if mask.any() else np.arange(len(mask))
        action = legal[-1] if deterministic else self._rng.choice(legal)
        self.chosen.append(int(action))
        return np.asarray(action), None


class WatchedBin(BinPackingEnv):
    """A bin of 4 x 4 x 4 cells.

    Attributes:
        asked: the items of each reset, None where it got none.
        steps: the actions that it was given.
        ends: the utilization at the end of each episode that ended.
        packed: number of items then.
        last_rewards: the reward of the last step of each of them.
        before_last: the utilization one step before.
        unfinished: episodes that were left before their end.
    """

    def __init__(self) -> None:
        super().__init__(bin_size=(4, 4, 4), items="random:1-4", support="none")
        self.asked: list[Any] = []
        self.steps: list[int] = []
        self.ends: list[float] = []
        self.packed: list[int] = []
        self.last_rewards: list[float] = []
        self.before_last: list[float] = []
        self._given: list[Any] = []
        self._before, self._over = 0.0, False

    @property
    def unfinished(self) -> int:
        """Episodes that were left before their end."""
        return len(self.asked) - len(self.ends)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode, and note with which items."""
        self.asked.append((options or {}).get("items"))
        self._before, self._over = 0.0, False
        observation, info = super().reset(seed=seed, options=options)
        self._given.append(observation)
        return observation, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Place an item, and note the end of an episode."""
        text = "env.step is called after the end of an episode: stop when it says terminated or truncated"
        expect(not self._over, text, given="a step after the last one")
        self.steps.append(int(action))
        observation, reward, terminated, truncated, info = super().step(action)
        self._over = terminated
        if terminated:
            self.ends.append(info["utilization"])
            self.packed.append(info["packed"])
            self.last_rewards.append(reward)
            self.before_last.append(self._before)
        else:
            self._given.append(observation)
        self._before = info["utilization"]
        return observation, reward, terminated, truncated, info

    def last_seen_by(self, model: Packer) -> bool:
        """Say whether an agent was asked about each observation that had an action to follow, in order."""
        pairs = zip(model.seen, self._given, strict=False)
        same = all(np.array_equal(one[name], two[name]) for one, two in pairs for name in two)
        return same and len(model.seen) == len(self._given)
