"""A planar robot arm that reaches for a point: a small environment of one's own, for gymnasium and for training.

Three parts, as in `binpack.env`: `ArmConfig` says what the arm is like, `ArmBatch` is the state of many arms and moves
all of them in one call of numpy, and two thin faces stand over it: `ReachEnv` for gymnasium, a batch of one, and
`ReachVecEnv` for Stable-Baselines3. Physics and reward are written once, so the two faces cannot drift apart.

The arm lies on a table, so nothing falls. Its joints are geared motors, each of which accelerates its own link and
feels nothing of the others:

    velocity += dt * (acceleration * action - friction * velocity)
    angle    += dt * velocity
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from numpy.typing import ArrayLike, NDArray
from stable_baselines3.common.vec_env.base_vec_env import VecEnv, VecEnvIndices

from binpack.files import InputError

NEAREST, FARTHEST = 0.2, 0.95
"""Targets lie between these shares of the arm's reach: not on its shoulder, and not where it has to be straight."""
EFFORT = 0.02
"""What a second of full torque costs, in metre-seconds: enough to make an arm calm, too little to make it lazy."""
PIXELS = 240


@dataclass(frozen=True)
class ArmConfig:
    """What an arm is like.

    Attributes:
        lengths: of the links, in metres; one joint at the foot of each.
        steps: of an episode, after which it is truncated. Reaching the target does not end it: the arm is to stay.
        dt: seconds from one step to the next.
        acceleration: of a joint at full torque, in radians per second squared.
        friction: share of its velocity that a joint loses in a second.
        unit: of lengths in observations: 1 for metres, 1000 for millimetres. Rewards are in metres in any case.

    Raises:
        ValueError: there is no link, or a number that is not positive.
    """

    lengths: tuple[float, ...] = (0.5, 0.5)
    steps: int = 50
    dt: float = 0.1
    acceleration: float = 10.0
    friction: float = 5.0
    unit: float = 1.0

    def __post_init__(self) -> None:
        numbers = (*self.lengths, self.steps, self.dt, self.acceleration, self.friction, self.unit)
        if not self.lengths or min(numbers) <= 0:
            raise InputError(f"an arm needs a link and positive numbers, got {self}")
        if self.friction * self.dt > 1:
            raise InputError(f"friction {self.friction} would turn a joint round within a step of {self.dt} s")

    @property
    def joints(self) -> int:
        """Number of joints J."""
        return len(self.lengths)

    @property
    def reach(self) -> float:
        """Distance from the shoulder to the tip of the straight arm, in metres."""
        return sum(self.lengths)

    @property
    def top_speed(self) -> float:
        """What a joint's velocity cannot exceed, in radians per second: there, friction takes all that torque gives."""
        return self.acceleration / self.friction

    def observation_space(self) -> spaces.Box:
        """Return the space of observations, see ``ArmBatch.observation``."""
        unit = np.ones(3 * self.joints)
        where = np.full(2, self.reach * self.unit)
        high = np.concatenate([unit, where, 2 * where]).astype(np.float32)
        return spaces.Box(-high, high, dtype=np.float32)

    def action_space(self) -> spaces.Box:
        """Return the space of actions: a torque for each joint, as a share of the full one."""
        return spaces.Box(-1.0, 1.0, (self.joints,), np.float32)


def places(angles: NDArray, lengths: Sequence[float]) -> NDArray:
    """Return where the joints and the tip of arms are.

    Args:
        angles: of each joint against the link before it, the first one against the x axis, in radians, (..., J).
        lengths: of the links, (J,).

    Returns:
        x and y of the shoulder, which is (0, 0), of each further joint and, last, of the tip; (..., J + 1, 2).

    Example:
        >>> places(np.array([np.pi / 2, -np.pi / 2]), (0.5, 0.5)).round(2).tolist()
        [[0.0, 0.0], [0.0, 0.5], [0.5, 0.5]]
    """
    directions = np.cumsum(angles, axis=-1)  # of the links against the x axis
    links = np.stack([np.cos(directions), np.sin(directions)], axis=-1) * np.asarray(lengths)[:, None]
    shoulder = np.zeros_like(links[..., :1, :])
    return np.cumsum(np.concatenate([shoulder, links], axis=-2), axis=-2)


class ArmBatch:
    """The state of n arms.

    Attributes:
        config: what all of them are like.
        angles: of the joints, in radians, (n, J).
        velocities: of the joints, in radians per second, (n, J).
        targets: x and y of the points to reach, in metres, (n, 2).
        taken: steps of the present episodes, (n,).
    """

    def __init__(self, config: ArmConfig, n: int = 1) -> None:
        self.config = config
        self.angles, self.velocities = np.zeros((n, config.joints)), np.zeros((n, config.joints))
        self.targets, self.taken = np.zeros((n, 2)), np.zeros(n, np.int64)

    def restart(self, row: int, rng: np.random.Generator) -> None:
        """Begin an episode: any pose, at rest, and a target that is in reach.

        Args:
            row: which arm.
            rng: draws pose and target.
        """
        self.angles[row] = rng.uniform(-np.pi, np.pi, self.config.joints)
        self.velocities[row] = 0.0
        # the square root spreads targets evenly over the area
        radius = np.sqrt(rng.uniform(NEAREST**2, FARTHEST**2)) * self.config.reach
        direction = rng.uniform(-np.pi, np.pi)
        self.targets[row] = radius * np.cos(direction), radius * np.sin(direction)
        self.taken[row] = 0

    def step(self, actions: ArrayLike) -> tuple[NDArray, NDArray]:
        """Move every arm for one step.

        Args:
            actions: torques as shares of the full one, (n, J); what lies beyond -1 and 1 is cut.

        Returns:
            Rewards, float64, (n,): minus the distance of the tip from the target, and minus a little for the effort,
            for each second. And whether the time of an episode is up, bool, (n,).
        """
        torques = np.clip(np.asarray(actions, float), -1.0, 1.0)
        config = self.config
        self.velocities += config.dt * (config.acceleration * torques - config.friction * self.velocities)
        self.angles += config.dt * self.velocities
        self.taken += 1
        effort = EFFORT * (torques**2).mean(axis=1)
        return -config.dt * (self.distances() + effort), self.taken >= config.steps

    def tips(self) -> NDArray:
        """Return where the tips are, in metres, (n, 2)."""
        return places(self.angles, self.config.lengths)[:, -1]

    def distances(self) -> NDArray:
        """Return how far the tips are from their targets, in metres, (n,)."""
        return np.hypot(*(self.targets - self.tips()).T)

    def observation(self) -> NDArray:
        """Return what an agent sees, float32, (n, 3 J + 4).

        In this order: cosine of each joint's angle; sine of each; velocity of each as a share of the top speed; the
        target, x and y; and the way from the tip to the target, x and y. An angle comes as cosine and sine because two
        that differ by a full turn are the same pose.
        """
        config = self.config
        lengths = np.hstack([self.targets, self.targets - self.tips()]) * config.unit
        parts = np.cos(self.angles), np.sin(self.angles), self.velocities / config.top_speed, lengths
        return np.hstack(parts).astype(np.float32)


class ReachEnv(gym.Env[NDArray, NDArray]):
    """Reach for a point with one arm and stay there; see ``ArmBatch`` for observation and reward.

    An episode is never terminated, it is truncated when its time is up. So whoever learns from it has to count the
    value of the last state. ``info["distance"]`` is the tip's distance from the target, in metres.

    Example:
        >>> env = ReachEnv()
        >>> observation, info = env.reset(seed=0)
        >>> observation.shape
        (10,)
        >>> _, reward, terminated, truncated, _ = env.step(np.array([1.0, -1.0]))
        >>> reward < 0, terminated, truncated
        (True, False, False)

    Args:
        config: what the arm is like.
        render_mode: ``None`` or ``"rgb_array"`` (``render`` returns uint8 (240, 240, 3)).
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012 - gymnasium's form

    def __init__(self, config: ArmConfig | None = None, render_mode: str | None = None) -> None:
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise InputError(f"render_mode {render_mode!r} is not one of {', '.join(self.metadata['render_modes'])}")
        self.config = config or ArmConfig()
        self.render_mode = render_mode
        self.observation_space, self.action_space = self.config.observation_space(), self.config.action_space()
        self._batch = ArmBatch(self.config)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[NDArray, dict]:
        """Begin an episode.

        Args:
            seed: of the poses and targets from here on.
            options: none are known.
        """
        super().reset(seed=seed)  # makes self.np_random
        self._batch.restart(0, self.np_random)
        return self._batch.observation()[0], self._info()

    def step(self, action: NDArray) -> tuple[NDArray, float, bool, bool, dict]:
        """Move the arm for one step; the action holds a torque for each joint."""
        rewards, over = self._batch.step(np.asarray(action)[None])
        return self._batch.observation()[0], float(rewards[0]), False, bool(over[0]), self._info()

    def render(self) -> NDArray | None:
        """Return a picture of the arm, ``None`` without a render mode."""
        if self.render_mode is None:
            return None
        return picture(self.pose(), self._batch.targets[0], self.config.reach)

    def pose(self) -> NDArray:
        """Return where shoulder, joints and tip are, in metres, (J + 1, 2)."""
        return places(self._batch.angles[0], self.config.lengths)

    @property
    def target(self) -> NDArray:
        """The point to reach, in metres, (2,). A copy."""
        return self._batch.targets[0].copy()

    def _info(self) -> dict[str, float]:
        return {"distance": float(self._batch.distances()[0])}


class ReachVecEnv(VecEnv):
    """Many arms for Stable-Baselines3, moved in one call of numpy.

    Row ``i`` plays exactly what ``ReachEnv`` plays after ``reset(seed=seed + i)``. As Stable-Baselines3 wants it, a row
    that ends begins its next episode in the same step, leaves its last observation in ``info["terminal_observation"]``,
    and says by ``info["TimeLimit.truncated"]`` that its value still counts.

    Args:
        config: what the arms are like.
        n_envs: how many.
        seed: row ``i`` is seeded with ``seed + i``; ``None`` takes fresh entropy.
    """

    def __init__(self, config: ArmConfig | None = None, n_envs: int = 16, seed: int | None = None) -> None:
        self.config = config or ArmConfig()
        self.batch = ArmBatch(self.config, n_envs)
        self._rngs: list[np.random.Generator] = []
        self._actions = np.zeros((n_envs, self.config.joints))
        self.render_mode = None
        super().__init__(n_envs, self.config.observation_space(), self.config.action_space())
        self.seed(seed)

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seed row ``i`` with ``seed + i``, as of the next reset."""
        self._seeds = [None if seed is None else seed + row for row in range(self.num_envs)]
        self._rngs = [seeding.np_random(each)[0] for each in self._seeds]
        return self._seeds

    def reset(self) -> NDArray:
        """Begin an episode in every row; returns the observations."""
        for row, rng in enumerate(self._rngs):
            self.batch.restart(row, rng)
        self.reset_infos = [{} for _ in range(self.num_envs)]
        return self.batch.observation()

    def step_async(self, actions: NDArray) -> None:
        """Keep the actions, (n_envs, J), for ``step_wait``."""
        self._actions = np.asarray(actions)

    def step_wait(self) -> tuple[NDArray, NDArray, NDArray, list[dict[str, Any]]]:
        """Move every arm; returns observations, rewards, dones and infos, n_envs of each."""
        rewards, over = self.batch.step(self._actions)
        infos: list[dict[str, Any]] = [{"distance": distance} for distance in self.batch.distances().tolist()]
        observations = self.batch.observation()
        if over.any():
            for row in np.flatnonzero(over).tolist():
                infos[row] |= {"terminal_observation": observations[row], "TimeLimit.truncated": True}
                self.batch.restart(row, self._rngs[row])
            observations = self.batch.observation()
        return observations, rewards.astype(np.float32), over, infos

    def close(self) -> None:
        """Nothing to release."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute once for each of ``indices``; all rows share it."""
        return [getattr(self, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refuse: rows share their attributes."""
        raise AttributeError(f"cannot set {attr_name!r}: the rows of a batch have no attributes of their own")

    def env_method(self, method_name: str, *args: Any, indices: VecEnvIndices = None, **kwargs: Any) -> list[Any]:
        """Refuse: rows have no methods of their own."""
        raise AttributeError(f"the rows of a batch have no method {method_name!r}")

    def env_is_wrapped(self, wrapper_class: type, indices: VecEnvIndices = None) -> list[bool]:
        """Say that no row is wrapped."""
        return [False] * len(list(self._get_indices(indices)))


def picture(pose: NDArray, target: NDArray, reach: float) -> NDArray:
    """Draw an arm.

    Args:
        pose: where shoulder, joints and tip are, (J + 1, 2).
        target: the point to reach, (2,).
        reach: of the arm; the picture shows a little more.

    Returns:
        Red, green and blue, uint8, (240, 240, 3).
    """
    from PIL import Image, ImageDraw

    size = 2 * PIXELS  # drawn twice as large and shrunk, for smooth edges

    def at(point: NDArray) -> tuple[float, float]:
        x, y = (0.5 + point / (2.2 * reach)) * size
        return float(x), float(size - y)

    def disc(point: NDArray, radius: int, color: str) -> None:
        x, y = at(point)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)

    canvas = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(canvas)
    disc(target, 16, "#EE6677")
    draw.line([at(point) for point in pose], fill="#4477AA", width=14, joint="curve")
    for point in pose:
        disc(point, 11, "#333333")
    return np.asarray(canvas.resize((PIXELS, PIXELS), Image.Resampling.BOX))
