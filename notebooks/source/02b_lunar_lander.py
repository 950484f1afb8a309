# %% [markdown]
# # 02b LunarLander, bug hunt and tuning
#
# *60 minutes. Builds on lesson 02, and on PyTorch's modules and autograd.*
#
# When you are done you can
#
# - train an agent on LunarLander, save it, and judge it on fresh episodes;
# - recognise five common defects by what they do;
# - tune it without fooling yourself.
#
# Lesson 02 built a deep Q-network from eight functions and balanced a pole with it. The same functions land a
# spacecraft; what changes are the settings, and how long one has to wait.

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
from binpack.course.l02_deep_q_network import bug_hunt, records
from binpack.course.l02_deep_q_network import exercises as dqn
from binpack.course.l02_deep_q_network.agent import VALIDATION_SEED, DQNConfig, Parts, make_agent

torch.set_num_threads(1)
optuna.logging.set_verbosity(optuna.logging.WARNING)
parts, train, evaluate, make_network = dqn.REFERENCE, dqn.train, dqn.evaluate, dqn.make_network
cartpole = records.load("cartpole")

# %% [exercise deep_q_network.save_and_load]

# %%
best = records.load_lander(make_network(8, 4))
with tempfile.TemporaryDirectory() as folder:
    loaded = save_and_load(best, Path(folder) / "lander.pt", make_network(8, 4))
before, after = (evaluate(network, gym.make("LunarLander-v3"), 2, 2_000_000) for network in (best, loaded))
print("the loaded network plays the same 2 episodes:", np.array_equal(before, after))

# %% [markdown]
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
# ## Takeaways
#
# - Choose checkpoints and settings on validation episodes, and report fresh ones, over several seeds.
# - Save weights, not objects; fresh network and buffer for every run.
#
# ## Quiz
#
# 1. Why is the best validation score no estimate of how good the checkpoint is?
# <details><summary>Answer</summary>It was picked for being high, and part of that is luck. Fresh episodes have no part
# in the choice.</details>
#
# 2. A study's later trials are all better than its first. Is that the sampler's merit?
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
# - V. Mnih et al. (2015). Human-level control through deep reinforcement learning. Nature.
# - M. Towers et al. (2024). Gymnasium: a standard interface for reinforcement learning environments.
