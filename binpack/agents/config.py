"""What a training run is made of: hyperparameters of PPO and the run around them, as data that JSON can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from binpack.core.registry import Registry, without_imports
from binpack.env.config import EnvConfig
from binpack.files import FileError, InputError, first_line, read_json

CONFIG_VERSION = 1
"""Version of the format of a stored training configuration (``config.json``, and ``config`` in ``agent.json``).

1: an object with the fields of ``TrainConfig``; one that is missing has its default. What was written before versions
were has none and is of version 1. A field that is new, and whose default is what was done before it, needs no other
version; a field that goes or changes its meaning does.
"""

POLICIES: Registry[Any] = Registry(
    "policy",
    ("policy_class", "policy_kwargs", "tied_to"),
    {
        "candidate": "binpack.agents.policies:CANDIDATE",
        "mlp": "binpack.agents.policies:MLP",
        "mlp_map": "binpack.agents.policies:MLP_MAP",
        "conv": "binpack.agents.policies:CONV",
    },
)
"""The policies by name; see ``policies.Policy`` for how to write one."""

Shape = Literal["constant", "linear"]


class PPOConfig(BaseModel):
    """Hyperparameters of PPO (Schulman et al., 2017).

    The defaults are those of Stable-Baselines3 for a rollout of 2,048 transitions, except that each rollout is gone
    through 4 times and not 10, which takes less than half the time.

    Attributes:
        learning_rate: step size of Adam.
        learning_rate_schedule: ``constant``, or ``linear`` down to 0 at the end of training.
        clip_range: how far the probability ratio may move from 1 before its gradient stops.
        clip_range_schedule: ``constant``, or ``linear`` down to 0.
        n_steps: steps of each environment between two updates; a rollout holds ``n_steps * n_envs`` transitions.
        batch_size: transitions in a minibatch; the last one of a rollout takes the rest, and one more where the rest
            would be a single transition.
        n_epochs: passes over each rollout.
        gamma: discount of future rewards.
        gae_lambda: bias against variance of the advantage estimate (Schulman et al., 2016).
        ent_coef: weight of the entropy bonus.
        vf_coef: weight of the value loss.
        max_grad_norm: the gradient's norm is cut to this.
        target_kl: stop the epochs of an update early beyond 1.5 times this divergence; ``None`` never does.
        normalize_advantage: zero mean and unit variance in each minibatch.
        policy: ``candidate`` (shared convolutions that score every placement), ``mlp`` (dense layers on the flat
            observation), ``mlp_map`` (dense layers on height map and edges alone), ``conv`` (the convolutions of
            ``candidate``, then dense layers to the actions) or ``module:name`` of one's own, see ``policies``.
        net_arch: widths of the hidden dense layers of all but ``candidate``, for actor and critic each.
        channels: width of the convolutions of ``candidate`` and ``conv``.
        layers: number of convolutions of ``candidate`` and ``conv``.
        precision: of those convolutions: ``float32``; ``bfloat16``, which is two to four times faster on processors and
            GPUs that multiply it in hardware and slower on others; or ``auto``, ``bfloat16`` on the former and
            ``float32`` on the latter. The weights are float32 in any case.
        replicas: environments that pack the same streams. With more than one, an advantage is what is left after
            subtracting the others' mean at the same step (see ``rollouts``), which removes most of the luck of the
            items; every rollout then starts new episodes, so ``n_steps`` should not be shorter than an episode.

    Example:
        >>> PPOConfig(learning_rate=1e-3, policy="mlp").net_arch
        (64, 64)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    learning_rate: float = Field(default=3e-4, gt=0)
    learning_rate_schedule: Shape = "constant"
    # what is above a float32's largest number ends in torch, and no range of ratios is as wide
    clip_range: float = Field(default=0.2, gt=0, le=1e6)
    clip_range_schedule: Shape = "constant"
    n_steps: int = Field(default=128, ge=2, le=100_000)
    batch_size: int = Field(default=64, ge=2)
    n_epochs: int = Field(default=4, ge=1, le=1000)
    gamma: float = Field(default=0.99, ge=0, le=1)
    gae_lambda: float = Field(default=0.95, ge=0, le=1)
    ent_coef: float = Field(default=0.0, ge=0)
    vf_coef: float = Field(default=0.5, ge=0)
    max_grad_norm: float = Field(default=0.5, gt=0)
    target_kl: float | None = Field(default=None, gt=0)
    normalize_advantage: bool = True
    policy: str = "candidate"
    net_arch: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(default=(64, 64), max_length=16)
    channels: int = Field(default=16, ge=1, le=1024)
    layers: int = Field(default=3, ge=1, le=64)
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    replicas: int = Field(default=1, ge=1, le=4096)

    @field_validator("policy")
    @classmethod
    def _check_policy(cls, name: str) -> str:
        # The built-in ones are known without loading torch for them.
        if name not in POLICIES.names:
            POLICIES.get(name)
        return name


class TrainConfig(BaseModel):
    """One training run; every field is JSON.

    Attributes:
        env: the environment.
        ppo: the hyperparameters.
        total_steps: environment steps over all environments, rounded up to whole rollouts.
        n_envs: environments side by side.
        seed: of the network's first weights, of the actions and of the training items.
        start_from: an agent whose weights training starts from, by its shipped name or its folder; ``None``: random
            weights. A candidate policy takes those of one that saw another number of items or another bin.
        average_weights: what is evaluated and kept is a running mean of the weights, after each rollout
            ``average = average_weights * average + (1 - average_weights) * weights``; 0 keeps the last weights. A mean
            over many noisy updates often plays better than the last of them (Polyak and Juditsky, 1992).
        eval_every: environment steps between two evaluations, at the ends of rollouts; ``None``: a fifth of
            ``total_steps``. One evaluation always comes last, and its mean utilization is the run's score.
        eval_streams: number of validation streams.
        eval_seed: seed of the validation streams.
        device: ``cpu``, ``cuda``, or ``auto`` (CUDA where there is one).
        threads: torch's threads; the same seed gives other weights with another number.
        tensorboard: write a TensorBoard log.

    Example:
        >>> run = TrainConfig(total_steps=10_000, n_envs=8)
        >>> run.rollout, run.budget, run.evaluation_interval
        (1024, 10240, 2000)
        >>> TrainConfig.model_validate(run.stored()) == run
        True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    env: EnvConfig = EnvConfig()
    ppo: PPOConfig = PPOConfig()
    total_steps: int = Field(default=100_000, ge=1, le=10**12)
    n_envs: int = Field(default=16, ge=1, le=4096)
    seed: int = Field(default=0, ge=0)
    start_from: str | None = None
    average_weights: float = Field(default=0.0, ge=0, lt=1)
    eval_every: int | None = Field(default=None, ge=1)
    eval_streams: int = Field(default=100, ge=1, le=10**6)
    eval_seed: int = Field(default=10_000, ge=0)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = Field(default=1, ge=1, le=1024)
    tensorboard: bool = True

    @model_validator(mode="before")
    @classmethod
    def _check_version(cls, data: Any) -> Any:
        """Take a stored configuration's version off."""
        if not isinstance(data, Mapping) or "version" not in data:
            return data
        check_version(data["version"], CONFIG_VERSION)
        return {name: value for name, value in data.items() if name != "version"}

    @model_validator(mode="after")
    def _check_sizes(self) -> TrainConfig:
        rollout = self.ppo.n_steps * self.n_envs
        if self.ppo.batch_size > rollout:
            raise InputError(
                f"batch_size {self.ppo.batch_size} is larger than a rollout of n_steps {self.ppo.n_steps} "
                f"x n_envs {self.n_envs}"
            )
        if self.n_envs % self.ppo.replicas:
            raise InputError(f"n_envs {self.n_envs} is not a multiple of replicas {self.ppo.replicas}")
        return self

    @property
    def rollout(self) -> int:
        """Transitions between two updates."""
        return self.ppo.n_steps * self.n_envs

    @property
    def budget(self) -> int:
        """Environment steps that the run takes: ``total_steps`` in whole rollouts."""
        return -(-self.total_steps // self.rollout) * self.rollout

    @property
    def evaluation_interval(self) -> int:
        """Environment steps between two evaluations: ``eval_every``, or a fifth of ``total_steps``."""
        return self.eval_every or max(1, self.total_steps // 5)

    def stored(self) -> dict[str, Any]:
        """Return the run as JSON keeps it: its fields and the version of the format.

        ``TrainConfig.model_validate`` reads it back, and ``read_config`` a file of it.
        """
        return {"version": CONFIG_VERSION, **self.model_dump(mode="json")}


def check_version(version: Any, known: int) -> None:
    """Refuse the version of a stored object that this code cannot read.

    Args:
        version: what the object says.
        known: the newest version that this code knows.

    Raises:
        ValueError: one line: it is newer, or no version.
    """
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InputError(f"version {version!r} is not a version of the format")
    if version > known:
        raise InputError(f"written by a newer binpack (format {version}, this one reads up to {known}): update binpack")


def config_from(stored: Any, path: str | Path, what: str) -> TrainConfig:
    """Make the configuration that a file holds; no name in it imports a module.

    Args:
        stored: what the file says.
        path: the file, for the message.
        what: what it should hold, for the message: ``a run's config``.

    Raises:
        FileError: one line: it is no configuration.
    """
    try:
        with without_imports():
            return TrainConfig.model_validate(stored)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path}: not {what} ({_problem(error)})") from None


def read_config(path: str | Path, what: str = "a training configuration") -> TrainConfig:
    """Read a stored configuration; fields that are newer than the file have their defaults.

    Args:
        path: a JSON file: a run's ``config.json``, or what has a configuration as its ``config``: a study's
            ``best.json``, an ``agent.json``.
        what: what it should hold, for the message.

    Raises:
        FileError: one line: there is no such file, or it holds something else.
    """
    stored = read_json(path, what)
    # no field of a configuration has that name
    return config_from(stored.get("config", stored), path, what)


def differences(stored: Any, asked: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield where nested values differ: the field's dotted name, and both values (None for one that is missing).

    Args:
        stored: nested mappings.
        asked: likewise.
        name: of the field that they are of.
    """
    both = [{} if each is None else each for each in (stored, asked)]
    if stored != asked and all(isinstance(each, Mapping) for each in both):
        for key in dict.fromkeys([*both[1], *both[0]]):
            yield from differences(both[0].get(key), both[1].get(key), f"{name}.{key}" if name else key)
    elif stored != asked:
        yield name, stored, asked


def _problem(error: Exception) -> str:
    """Say what is wrong with a configuration: of pydantic's several lines the first problem."""
    if not isinstance(error, ValidationError):
        return first_line(error)
    first = error.errors(include_url=False)[0]
    where, what = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
    return f"{where}: {what}" if where else what
