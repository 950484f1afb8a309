# %% [markdown]
# # 02 Deep Q-network
#
# *90 minutes. Builds on lesson 01, and on PyTorch's modules and autograd.*
#
# When you are done you can
#
# - build a deep Q-network (DQN) from eight parts, each tested by itself;
# - find a wrong part with environments whose values are known;
# - train it on CartPole, and judge it on fresh episodes.
#
# Lesson 01 kept one number for each state and action. LunarLander's state is eight real numbers: cut each into only
# ten intervals, and the table has $10^8$ rows, most of them never visited. A network that maps a state to its Q-values
# needs no rows, and what it learns in one state carries over to similar ones.
#
# Such networks used to diverge. Two ideas made them learn: a *replay buffer* (Lin, 1992), from which an update draws
# transitions (observation, action, reward, next observation) in random order, and a *target network* (Mnih et al.,
# 2015), a copy that holds still while the other one learns.

# %%
from collections.abc import Callable

import gymnasium as gym
import numpy as np
import torch

from binpack import plots
from binpack.course import exercises as ex
from binpack.course.l02_deep_q_network import probes, records
from binpack.course.l02_deep_q_network import exercises as dqn
from binpack.course.l02_deep_q_network.agent import VALIDATION_SEED, DQNConfig, Parts, Run, Validation, make_agent

torch.set_num_threads(1)

# %% [exercise deep_q_network.make_network]

# %% [exercise deep_q_network.add]

# %% [exercise deep_q_network.epsilon]

# %% [markdown]
# ## What to learn from a transition
#
# $$y = r + \gamma\,(1 - d)\,\max_{a'} Q^-(s', a') \qquad L = \frac{1}{B}\sum h\big(Q(s, a) - y\big)$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $s, a, r, s'$ | fields of `batch` | observation, action, reward, next observation |
# | $d$ | `batch.terminated` | 1 where nothing comes after $s'$ |
# | $Q$, $Q^-$ | `agent.network`, `agent.target` | online and target network |
# | $\gamma$ | `gamma` | discount |
# | $y$ | `targets` | what $Q(s, a)$ should be |
# | $h$, $L$ | `td_loss` | Huber's function; the loss |
#
# A pole that falls has no future, so $d = 1$. A time limit that cuts a good episode off says nothing about the state:
# the pole still stands, and $d = 0$ (Pardo et al., 2018). Both end the episode; only the first ends the sum.

# %% [exercise deep_q_network.td_targets]

# %% [exercise deep_q_network.td_loss]

# %% [exercise deep_q_network.update]

# %% [exercise deep_q_network.train]

# %% [exercise deep_q_network.evaluate]

# %% [markdown]
# ## Probes: environments with known values
#
# On a real task a wrong part shows as "learns badly", hours later. A probe takes a second, its true Q-values follow
# from a line of arithmetic, and the first one that fails says where to look. With $\gamma = 0.5$:
#
# | probe | what happens |
# | --- | --- |
# | constant | one step pays 1 |
# | see | the state decides whether a step pays 1 or -1 |
# | act | the action decides |
# | discount | the second of two steps pays 1 |
# | patience | 0.4 at once, or 1 a step later |
# | cut off | pays 1 forever; a time limit ends the episode after 4 steps |
#
# *Predict, then run.* What is the Q-value of "cut off"? What would it be if the time limit counted as the end? And
# which probe is the first to fail if you exchange `td_targets` for one that forgets $d$?

# %%
parts = Parts(make_network, add, epsilon, td_targets, td_loss, update)
print(probes.table(probes.probe_all(train, parts)))


def forgets_the_end(batch, agent, gamma):
    return td_targets(batch._replace(terminated=torch.zeros_like(batch.terminated)), agent, gamma)


for name, readings in {
    "forgets d": probes.probe_all(train, parts.replace(td_targets=forgets_the_end)),
    "a time limit is an end": probes.probe_all(train, parts, wrap=probes.CutIsEnd),
}.items():
    print(f"{name}: the first probe that fails is {next(probe for probe in readings if not readings[probe].right)!r}")

# %% [markdown]
# "Cut off" is worth $1 + 0.5 + 0.25 + \dots = 2$. A forgotten $d$ invents a future after every final state, so even
# the simplest probe fails. A time limit stored as an end fails only the last.
#
# ## CartPole
#
# Push a cart left or right so that the pole on it stays up. A step pays 1 while it stands, and 500 steps are the limit.
# The greedy policy is validated every 1,000 steps; the weights that did best are kept, and training stops early at 500.
# Then 20 *fresh* episodes judge: the best of many noisy validation scores flatters itself.
#
# *Predict, then run.* Will the return rise steadily?

# %% tags=["nbval-ignore-output"]
env, check_env = gym.make("CartPole-v1"), gym.make("CartPole-v1")
validation = Validation(evaluate, check_env, every=1000, episodes=5, seed=VALIDATION_SEED, enough=500.0)
run = train(env, DQNConfig(total_steps=8_000, epsilon_steps=4_000), parts, 0, validation)
print(f"{len(run.returns)} episodes; validation:", {step: round(score) for step, score in validation.scores.items()})

# %%
step, score, weights = validation.best
print("in these few steps it learned to hold the pole for 100 steps or more:", bool(score >= 100))
cartpole = records.load("cartpole")
means = records.test_means(cartpole)
print(f"\nrecorded: {cartpole['about']['command']}, up to {cartpole['config']['total_steps']:,} steps a seed")
print(f"mean of 20 fresh episodes by seed: {np.sort(means).round().astype(int).tolist()}")
print(f"at least 475: {(means >= 475).sum()} of {len(means)} seeds")

# %% [markdown]
# Not steadily: DQN forgets. A likely cause: a better policy fills the buffer with upright poles, and the network loses
# what it knew about falling ones. So keep the best checkpoint, and judge it afresh.
#
# ## Bonus: double DQN
#
# A maximum over noisy estimates is too high on average. Double DQN (van Hasselt et al., 2016) lets one network choose
# and the other judge:
#
# $$y = r + \gamma\,(1 - d)\,Q^-\big(s', \arg\max_{a'} Q(s', a')\big)$$
#
# Write it as a function of its own and train with `parts.replace(td_targets=...)`; compare with `double_targets` in
# `agent.py` of the lesson's package.
#
# ## Takeaways
#
# - Replay breaks up the order of experience; the target network holds the goal still.
# - `terminated` ends the future, `truncated` only the episode.
# - Test with probes first: known values, a second each.
# - Choose checkpoints and settings on validation episodes, and report fresh ones, over several seeds.
# - A fresh network and a fresh buffer for every run.
#
# ## Quiz
#
# 1. Your agent fails the probes "discount" and "patience" only. Where do you look?
# <details><summary>Answer</summary>Where values move back a step: the discount and the maximum in the targets, and the
# copies into the target network. One-step probes need none of them.</details>
#
# 2. Why is the best validation score no estimate of how good the checkpoint is?
# <details><summary>Answer</summary>It was picked for being high, and part of that is luck. Fresh episodes have no part
# in the choice.</details>
#
# ## What comes next
#
# Lesson 02b lands a spacecraft with the same functions, finds defects, and tunes.
#
# ## References
#
# - L.-J. Lin (1992). Self-improving reactive agents based on reinforcement learning, planning and teaching. Machine
#   Learning.
# - V. Mnih et al. (2015). Human-level control through deep reinforcement learning. Nature.
# - H. van Hasselt, A. Guez, D. Silver (2016). Deep reinforcement learning with double Q-learning. AAAI.
# - F. Pardo, A. Tavakoli, V. Levdik, P. Kormushev (2018). Time limits in reinforcement learning. ICML.
# - M. Towers et al. (2024). Gymnasium: a standard interface for reinforcement learning environments.
