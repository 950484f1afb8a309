# %% [markdown]
# # 02 Deep Q-network
#
# *120 minutes. Builds on lesson 01, and on PyTorch's modules and autograd.*
#
# When you are done you can
#
# - build a deep Q-network (DQN) from ten parts, each tested by itself;
# - find a wrong part with environments whose values are known;
# - train it on CartPole and LunarLander, save it, and judge it on fresh episodes;
# - recognise five common defects by what they do;
# - tune it without fooling yourself.
#
# Lesson 01 kept one number for each state and action. LunarLander's state is eight real numbers: cut each into only
# ten intervals, and the table has $10^8$ rows, most of them never visited. A network that maps a state to its Q-values
# needs no rows, and what it learns in one state carries over to similar ones.
#
# Such networks used to diverge. Two ideas made them learn: a *replay buffer* (Lin, 1992), from which an update draws
# transitions (observation, action, reward, next observation) in random order, and a *target network* (Mnih et al.,
# 2015), a copy that holds still while the other one learns.

# %%
import tempfile
from collections.abc import Callable
from pathlib import Path

import gymnasium as gym
import numpy as np
import optuna
import torch

from binpack import plots
from binpack.core.statistics import verdict
from binpack.course import exercises as ex
from binpack.course.l02_deep_q_network import bug_hunt, probes, records
from binpack.course.l02_deep_q_network import exercises as dqn
from binpack.course.l02_deep_q_network.agent import VALIDATION_SEED, DQNConfig, Parts, Run, Validation, make_agent

torch.set_num_threads(1)
optuna.logging.set_verbosity(optuna.logging.WARNING)

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

# %% [exercise deep_q_network.save_and_load]

# %%
step, score, weights = validation.best
best = make_network(4, 2)
best.load_state_dict(weights)
with tempfile.TemporaryDirectory() as folder:
    loaded = save_and_load(best, Path(folder) / "cartpole.pt", make_network(4, 2))
before, after = (evaluate(network, gym.make("CartPole-v1"), 20, 2_000_000) for network in (best, loaded))
print("the loaded network plays the same 20 episodes:", np.array_equal(before, after))
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
# ## LunarLander
#
# Eight numbers in, four actions out: one of three engines, or none. A crash costs 100, approach and landing pay 200 or
# more, fuel costs a little.
#
# *Predict, then run.* Where is the agent after 3,000 steps? And the recorded ones after 200,000?

# %%
lander = gym.make("LunarLander-v3")
short = train(lander, DQNConfig(total_steps=3_000, epsilon_steps=2_000, train_every=4), parts, 0)
print(f"live, 3,000 steps: an episode returns less than 0 on average: {bool(np.mean(short.returns) < 0)}")
lunar = records.load("lunar_lander")
curves = {"validation": records.curve(lunar)}
plots.show(plots.curves_with_spread(curves, x="environment steps", y="return", title="LunarLander-v3", spread="range"))
means = records.test_means(lunar)
print(f"recorded: {lunar['about']['command']}, {lunar['config']['total_steps']:,} steps a seed")
print(f"chosen checkpoints, 100 fresh episodes: {np.sort(means).round().astype(int).tolist()}")
print(f"above 200: {(means > 200).sum()} of {len(means)} seeds")
for stage in ("early", "late"):
    records.show_film(records.film(stage), f"{stage}: one episode, return {lunar['films'][stage]['return']:.0f}")

# %% [markdown]
# The band runs from the lowest to the highest seed. The first film shows one seed after 10,000 steps, the second its
# chosen checkpoint. `records.load_lander(make_network(8, 4))` gives you those weights.
#
# ## Bug hunt
#
# A listing of this agent, tuned with Optuna (lesson 08), was published with five defects. Each runs without an error.
# A *trial* trains with one setting of the hyperparameters (set before, not learned) and reports a score; a *study* is a
# series of trials.
#
# ```python
# def exploration_rate(step, config):  # A. How often to act at random
#     return 0.0
#
# def learn(agent, loss, config):  # B. One update
#     agent.optimizer.zero_grad()
#     loss.backward()
#     agent.optimizer.step()
#     agent.updates += 1
# ```
#
# C to E are in the cell. *Predict, then run.* Write down what each of the five spoils. Then mend C to E and run again
# until the last two columns agree; `epsilon` and `update` mended A and B.


# %% tags=["learner"]
def is_over(terminated, truncated):  # C. Whether to start a new episode
    return terminated


def parts_for_all_trials(parts):  # D. What the trials of a study train
    network, replay = parts.make_network(1, 10), parts.make_replay(400, 1)
    return parts.replace(make_network=lambda *_: network, make_replay=lambda *_: replay)


def suggest(trial, base):  # E. What a trial tries
    return base.replace(
        gamma=trial.suggest_float("gamma", 1e-5, 1e-1),
        learning_rate=trial.suggest_float("learning_rate", 1e-5, 1e-1),
    )


print(f"   {bug_hunt.HEADER}")
for name, found in bug_hunt.measure(train, parts, is_over, parts_for_all_trials, suggest).items():
    print(f"{name}. {found.line()}")


# %% tags=["solution"]
def is_over(terminated, truncated):  # C
    return terminated or truncated


def parts_for_all_trials(parts):  # D
    return parts


def suggest(trial, base):  # E
    return base.replace(
        gamma=trial.suggest_float("gamma", 0.9, 0.999),
        learning_rate=trial.suggest_float("learning_rate", 1e-3, 1e-2, log=True),
    )


print(f"   {bug_hunt.HEADER}")
for name, found in bug_hunt.measure(train, parts, is_over, parts_for_all_trials, suggest).items():
    print(f"{name}. {found.line()}")

# %% [markdown]
# A often stays with the action that the untrained network prefers. B learns from a target that knows nothing:
# rewards arrive, but no value moves back a step. C never starts again: a good CartPole agent balances in one endless
# episode. D rewards a trial for what an earlier one learned. E looks one step ahead at most; nine in ten of its
# learning rates exceed 0.01.
#
# ## Tuning
#
# Every trial starts from scratch. Seeds of training, validation and test are disjoint.

# %% [exercise deep_q_network.tune_objective]

# %%
from binpack.course.l02_deep_q_network.agent import load_config, save_config

base = DQNConfig(total_steps=1_500, epsilon_steps=1_000, learning_starts=200)
study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
study.optimize(lambda t: tune_objective(t, lambda: gym.make("CartPole-v1"), base, parts, (0, 1)), n_trials=3)
with tempfile.TemporaryDirectory() as folder:
    save_config(base.replace(**study.best_params), Path(folder) / "best.json")
    print("saved and loaded again:", load_config(Path(folder) / "best.json") == base.replace(**study.best_params))
finals = {name: [row["mean"] for row in cartpole["finals"] if row["settings"] == name] for name in ("default", "tuned")}
finals["listing's ranges"] = [row["mean"] for row in cartpole["published"]]
plots.show(plots.bars_with_spread(finals, x="settings", y="return", runs="seeds", title="CartPole, 10,000 steps"))
found = verdict(finals["tuned"], finals["default"])
low, high = found.interval
print(f"tuned minus default on {found.n} held-out seeds: {found.difference:+.0f}, 95 % interval", end=" ")
print(f"{low:+.0f} to {high:+.0f}: {found.word}")

# %% [markdown]
# Three short trials only show the machinery. The figure is recorded: ten trials, then default and tuned settings on
# five seeds that the study never saw, and five random draws from the listing's ranges. Same budget; the network after
# the last step counts. The printed line is the verdict.
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
# - Save weights, not objects; fresh network and buffer for every run.
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
# 3. A study's later trials are all better than its first. Is that the sampler's merit?
# <details><summary>Answer</summary>Perhaps. Or trials share a network, and late ones inherit what early ones learned.
# A trial with a learning rate near zero tells.</details>
#
# ## What comes next
#
# A bin of 10 x 10 cells has 100 actions, and at a given time most are impossible. A Q-network would have to learn that
# for each of them by trying. Lesson 03 builds the environment that says it beforehand.
#
# ## References
#
# - L.-J. Lin (1992). Self-improving reactive agents based on reinforcement learning, planning and teaching. Machine
#   Learning.
# - V. Mnih et al. (2015). Human-level control through deep reinforcement learning. Nature.
# - H. van Hasselt, A. Guez, D. Silver (2016). Deep reinforcement learning with double Q-learning. AAAI.
# - F. Pardo, A. Tavakoli, V. Levdik, P. Kormushev (2018). Time limits in reinforcement learning. ICML.
# - M. Towers et al. (2024). Gymnasium: a standard interface for reinforcement learning environments.
