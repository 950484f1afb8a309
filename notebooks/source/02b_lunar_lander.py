# %% [markdown]
# # 02b LunarLander, a bug hunt and tuning
#
# *85 minutes. Builds on lesson 02, whose agent it takes to a harder task.*
#
# When you are done you can
#
# - say whether an agent has learned a hard task, and not only whether it once looked as if it had;
# - save what it learned in a file that is safe to read;
# - recognise five common defects of a training program by the curves that they leave behind;
# - write what a study of hyperparameters asks of a trial, and report its result honestly.
#
# Lesson 02 ended with an agent that balances a pole. CartPole forgives a lot: it has four numbers to look at and two
# actions to choose from, and a few seconds of training show whether the agent works. Most tasks are not like that. They
# take many minutes for each try, they fail without a message, and what looks like a hard task may be a bug. This lesson
# takes the same agent to such a task, looks at what can be wrong with it, and then at how to choose its settings.
#
# It starts from the reference solutions of lesson 02, so it runs whatever state your own lesson 02 is in.

# %%
import tempfile
from pathlib import Path

import gymnasium as gym
import numpy as np
import optuna
import torch

from binpack import plots
from binpack.core.statistics import verdict
from binpack.course import exercises as ex
from binpack.course.l02_deep_q_network import bug_hunt as hunt
from binpack.course.l02_deep_q_network import exercises as dqn
from binpack.course.l02_deep_q_network import overestimation, records
from binpack.course.l02_deep_q_network.agent import VALIDATION_SEED, DQNConfig, double_targets
from binpack.course.progress import progress

torch.set_num_threads(1)
optuna.logging.set_verbosity(optuna.logging.WARNING)
make_network, train, evaluate, parts = dqn.make_network, dqn.train, dqn.evaluate, dqn.REFERENCE

# %% [markdown]
# `parts` is a `Parts`, the bundle of the six functions that lesson 02 asks for (`make_network`, `add`, `epsilon`,
# `td_targets`, `td_loss` and `update`), here as the reference solutions have them. `train(env, config, parts, seed)`
# trains an agent out of them and returns a `Run`: `run.agent` is the agent after the last step, `run.returns` the
# return of every finished episode, `run.ends` the steps at which they ended. `evaluate(network, env, episodes, seed)`
# plays whole episodes without exploring and returns their returns.
#
# ## A harder task
#
# A lander falls towards the moon, and its agent decides at each step which of its engines fires. It sees eight numbers
# (position and velocity in two directions, angle and its velocity, and for each leg whether it touches the ground) and
# has four actions (no engine, the left one, the main one, the right one). Coming closer, slowing down and standing on
# the pad pay; fuel costs a little, and a crash costs 100. An episode that returns 200 or more counts as a landing. A
# time limit ends it after 1,000 steps.
#
# Here is an agent that has practised for 10,000 steps. On CartPole that was enough to hold the pole for some hundred
# steps.

# %%
lunar = records.load("lunar_lander")
early, late = lunar["films"]["early"], lunar["films"]["late"]
records.show_film(records.film("early"), "LunarLander after 10,000 steps of training")
print(f"return {early['return']:.0f} in {early['steps']} steps")

# %% [markdown]
# Most of the time only sparks are to be seen: the lander hovers above the upper edge of the picture and burns fuel,
# until the time limit ends the episode. It has learned that a crash is expensive, and it never comes down. To land, an
# agent has to try what looks worse at first.
#
# The next cell trains one for 3,000 steps while you wait.
#
# *Predict, then run.* The episodes of an agent that acts at random return about -200. Will 3,000 steps be enough to see
# an improvement?

# %% tags=["nbval-ignore-output"]
short = DQNConfig(total_steps=3_000, epsilon_steps=2_000, train_every=4)
run = train(gym.make("LunarLander-v3"), short, parts, seed=0)
episodes = {"seed 0": (run.ends, [run.returns])}
axes = {"x": "environment steps", "y": "return of an episode"}
plots.show(plots.curves_with_spread(episodes, **axes, title="LunarLander, the first 3,000 steps", spread="runs"))

# %% [markdown]
# The line goes from one episode's return to the next. There is no trend to see, and no error either. This is what makes
# the task hard to work on: for the first minutes a good program and a broken one look alike. So the long runs were
# recorded: ten seeds, 200,000 steps each, which takes about five minutes a seed on one core. Every 10,000 steps the
# greedy policy played ten episodes.
#
# *Predict, then run.* Will the curves rise together? And will a seed that has reached 200 stay there?

# %%
steps, scores = records.curve(lunar)
title = f"LunarLander, {len(scores)} seeds"
axes = {"x": "environment steps", "y": "mean return of 10 episodes"}
plots.show(plots.curves_with_spread({"seeds": (steps, scores)}, **axes, title=title, spread="runs"))
above = scores > 200
fallen = (np.maximum.accumulate(above, axis=1) & (scores < 200)).any(axis=1)
print(f"above 200 at some time: {above.any(axis=1).sum()} of {len(scores)} seeds")
print(f"later below 200 again: {fallen.sum()} of them")

# %% [markdown]
# The thin lines are the seeds, the thick one is their mean. They rise at different times, and none of them rises
# steadily: one that was above 200 may be back near 0 ten thousand steps later. Two consequences follow. One seed tells
# little about the program, because it may be the lucky one. And the last network of a run need not be a good one, so it
# is worth keeping the best.
#
# ## Choose, then judge afresh
#
# Keep the best by which measure? By the returns of a few episodes that are played for this purpose alone, always the
# same ones: **validation episodes** are episodes that serve to choose between networks, and on which no network is
# trained. Each run above keeps the **checkpoint**, the copy of the weights at some step, that scored best on its ten
# validation episodes.
#
# *Predict, then run.* The chosen checkpoints have now played 100 **test episodes**, which are episodes that had no part
# in any choice. Will they return as much there as they did when they were chosen?

# %%
chosen = np.array([row["chosen_score"] for row in lunar["runs"]])  # the highest of 20 validation scores
fresh = records.test_means(lunar)
bars = {"validation": chosen, "test": fresh}
plots.show(plots.bars_with_spread(bars, x="episodes", y="return", title="the chosen checkpoints", runs="seeds"))
print(f"seeds whose checkpoint does worse on the test episodes: {(fresh < chosen).sum()} of {len(fresh)}")
print(f"the validation score is too high by {np.mean(chosen - fresh):.0f} on average")

# %% [markdown]
# A checkpoint is chosen because its score is high. Part of that is skill and part is luck, the luck of ten episodes,
# and choosing the highest of twenty scores collects luck. The test episodes do not know about the choice, so the luck
# is gone there. This is why a result is only reported on fresh episodes, and why the number that chose a checkpoint is
# not its result.
#
# Luck is one part, skill is the other. A return above 200 is a landing. How many of its 100 test episodes does a
# checkpoint land in?

# %%
landings = sorted((np.array(row["test"]) > 200).sum() for row in lunar["runs"])
print("landings in 100 test episodes, seed by seed:", ", ".join(map(str, landings)))

# %% [markdown]
# From the worst seed to the best, the same program with the same settings is anything from an agent that fails every
# other time to one that hardly ever does. This is the checkpoint of a seed in the middle, on an episode that it never
# saw.

# %%
records.show_film(records.film("late"), "LunarLander: the chosen checkpoint")
print(f"return {late['return']:.0f} in {late['steps']} steps")
print(f"mean return of 100 test episodes above 200: {(fresh > 200).sum()} of {len(fresh)} seeds")

# %% [markdown]
# ## Save weights, not objects
#
# Such a network took five minutes of work and is gone when the kernel stops. It has to go into a file. The obvious way
# is to write the whole Python object with `pickle` or `torch.save(network)`. It works, and it has a price that the next
# cell shows. A **pickle**, the format in which Python writes objects, is not a list of numbers: it is a small program
# that builds the object when the file is read, and it may call any function that it likes.


# %%
class Surprise:
    def __reduce__(self):  # what pickle calls to learn how the object is built again
        return print, ("this line was printed by a file that was only read",)


with tempfile.TemporaryDirectory() as folder:
    torch.save(Surprise(), Path(folder) / "agent.pt")
    torch.load(Path(folder) / "agent.pt", weights_only=False)
    try:
        torch.load(Path(folder) / "agent.pt", weights_only=True)
    except Exception as error:
        print(f"with weights_only=True: {type(error).__name__}, nothing is run")

# %% [markdown]
# The file could have deleted your home directory instead of printing a line. A second reason against it is duller and
# costs more hours: an object that was pickled with one version of a program often cannot be read by the next one.
#
# Both disappear when only the numbers are saved. `network.state_dict()` is a dictionary from a name to a tensor: for
# the lander's network `0.weight` with 128 x 8 numbers, `0.bias` with 128, and so on for each layer. `torch.load(path,
# weights_only=True)` reads tensors and refuses everything else. The numbers alone do not say what to do with them, so
# whoever reads them makes a fresh network of the same form first, and then puts them into it with `load_state_dict`.

# %% [exercise deep_q_network.save_and_load]

# %% [markdown]
# Take the shipped lander through a file with your function. Both networks then play the same twenty episodes.

# %%
lander = records.load_lander(make_network(8, 4))
with tempfile.TemporaryDirectory() as folder:
    loaded = save_and_load(lander, Path(folder) / "lander.pt", make_network(8, 4))
env = gym.make("LunarLander-v3")
before, after = (evaluate(network, env, 20, seed=3_000_000) for network in (lander, loaded))
largest = np.abs(before - after).max()
print(f"{ex.whose(save_and_load)}: largest difference between the returns of the two: {largest:.1f}")

# %% tags=["nbval-ignore-output"]
bars = {"saved": before, "loaded": after}
title = "20 episodes, the same for both"
plots.show(plots.bars_with_spread(bars, x="network", y="return", title=title, runs="episodes"))

# %% [markdown]
# The difference is exactly 0: the file lost nothing. Each dot of the figure is an episode. Most stand between 200 and
# 300, which is a landing; a low one is a crash or a lander that hovers. Even an agent whose mean is above 200 fails now
# and then, which a mean does not show.
#
# ## Bug hunt
#
# The agent of lesson 02 is short, and yet there are many ways to get it wrong. What follows are not invented ones. They
# stand together in a listing in a 2024 article, which trains a deep Q-network and tunes it with Optuna. Each of the
# five runs without an error or a warning. Here they are rewritten in the names of our package, one at a time and
# everything else right, so that each can be seen alone.
#
# For each you will see the code first: try to find the defect, and write down what it will do. Then comes a small task
# that was made to show it, on which the published form and the mended one are trained side by side while you wait. Last
# comes CartPole, recorded with ten seeds, to see whether the defect shows there too. That is the question which matters
# in practice: who does not know of a bug has no task that shows it.
#
# ### A. `exploration_rate`
#
# The first function stands where lesson 02 has `epsilon`.


# %%
def exploration_rate(step, config):  # A, as published
    return 0.0


# %% [markdown]
# Find the defect, and write down what it will do.
#
# <details><summary>The defect</summary>
#
# An agent that never acts at random only ever does what its network already prefers. Before it has learned anything,
# that preference comes from the random numbers that the weights start with. Suppose there are two actions, of which one
# pays 0.5 and the other 1, and the untrained network says 0.1 for the first and -0.2 for the second. The agent takes
# the first, gets 0.5, and learns that it is worth 0.5. That is more than -0.2, so it takes the first again, and again.
#
# </details>
#
# Take a task with two arms to pull. One pays 0.5, the other 1.
#
# *Predict, then run.* The figure shows what the arm pays that the agent prefers, the mean of ten seeds. Where does the
# published curve end?

# %% tags=["nbval-ignore-output"]
curves = {
    "published": hunt.two_arms(train, parts.replace(epsilon=exploration_rate)),
    "mended": hunt.two_arms(train, parts),
}
axes = {"x": "environment steps", "y": "pay of the preferred arm"}
plots.show(plots.curves_with_spread(curves, **axes, title="A: two arms, 10 seeds", spread="runs"))

# %% [markdown]
# Seeds that happen to prefer the better arm are right from the start, and the others never find out: the thin lines of
# the published form are flat, seven of them on top of each other at 1 and three at 0.5. More training does not help.
# These agents are not learning slowly, they are not looking. The mended agent tries both arms, and every seed is right
# after a few dozen steps.
#
# On CartPole the question is less clear. The pole moves, so the network sees new observations all the time and may
# change its mind without exploring. *Predict, then run.* Will the defect show there?

# %%
curves = records.published_and_mended("A")
on_cartpole = {"x": "environment steps", "y": "return"}
plots.show(plots.curves_with_spread(curves, **on_cartpole, title="A on CartPole, 10 seeds", spread="runs"))
print(records.reached(curves, 150))

# %% [markdown]
# It shows. Most of the published runs lie on the bottom of the figure for all 6,000 steps: the agent holds one action,
# the pole falls after nine or ten steps, and nothing that it sees suggests the other action. A single run does learn,
# by the luck of its first weights. With one seed in hand, you might have had that one, and seen nothing wrong.
#
# ### B. `learn`
#
# The second function stands where lesson 02 has `update`. Compare it with yours, line by line.


# %%
def learn(agent, loss, config):  # B, as published
    agent.optimizer.zero_grad()
    loss.backward()
    agent.optimizer.step()
    agent.updates += 1


# %% [markdown]
# Two things are missing. One of them costs some stability, the other one is the defect. Which?
#
# <details><summary>The defect</summary>
#
# The gradient is not clipped, and lesson 02 says what that is good for. The defect is the missing copy: the target
# network stays as it was made, with random weights, for the whole run. The targets are
# $y = r + \gamma\,(1 - d)\,\max_{a'} Q^-(s', a')$, and $Q^-$ never learns anything. So the agent learns what a step
# pays, plus the discounted opinion of a network that knows nothing.
#
# </details>
#
# Take a task of two steps. The first pays 0, the second pays 1, and $\gamma = 0.5$. The first step is worth 0.5, but
# only to an agent that has learned what the second one is worth.
#
# *Predict, then run.* Which value will the published agent find for the first step?

# %% tags=["nbval-ignore-output"]
curves = {
    "published": hunt.first_of_two(train, parts.replace(update=learn)),
    "mended": hunt.first_of_two(train, parts),
}
axes = {"x": "environment steps", "y": "Q of the first step"}
plots.show(plots.curves_with_spread(curves, **axes, title="B: two steps, 5 seeds"))

# %% [markdown]
# It stays where the random target network puts it, near 0. Rewards do arrive: the second step, which ends the episode,
# is learned well. But no value moves back a step, and so the agent cannot know that a step without pay leads to pay.
# The mended curve jumps to 0.5 with the first copies.
#
# CartPole pays 1 for every step, however well the pole stands. *Predict, then run.* What does an agent know about
# CartPole if all it knows is what the next step pays?

# %%
curves = records.published_and_mended("B")
plots.show(plots.curves_with_spread(curves, **on_cartpole, title="B on CartPole, 10 seeds", spread="runs"))
print(records.reached(curves, 150))

# %% [markdown]
# Next to nothing: each step pays 1, whatever is done, so all actions look alike to it. No published run gets anywhere.
# This one is easier to notice than A, because every seed fails. It is also easy to excuse: "it needs more training".
#
# ### C. `is_over`
#
# From here on you mend the code yourself. The third defect sits in the training loop, where it decides whether the
# environment has to be reset. Recall the two ends of an episode. It is *terminated* when the task comes to an end, such
# as a fallen pole, and *truncated* when a time limit cuts it off while the pole still stands. gymnasium answers with
# both after every step.
#
# Your cell begins with the published function. Run the check first if you like: as long as nothing is changed it counts
# as not attempted. Then mend it.

# %% [exercise deep_q_network.is_over]

# %% [markdown]
# The published loop waits for the pole to fall. After a truncated episode most environments go on answering as if
# nothing had happened, so a loop that misses the time limit gets no error.
#
# What does it matter if an episode goes on for ever? Think of three rooms without a door. One pays 0.5 at each step,
# one costs 0.5, and one pays 1. An episode starts in one of them, chosen at random, and a time limit of 4 steps ends
# it.
#
# *Predict, then run.* The figure shows the largest error among the values of the three rooms. How many rooms will the
# published agent ever see?

# %% tags=["nbval-ignore-output"]
curves = {
    "published": hunt.three_rooms(train, parts, hunt.is_over),
    "mended": hunt.three_rooms(train, parts, is_over),
}
axes = {"x": "environment steps", "y": "largest error"}
plots.show(plots.curves_with_spread(curves, **axes, title="C: three rooms, 5 seeds"))

# %% [markdown]
# One: the room in which its only episode began. It learns that room's value and knows nothing about the others, and the
# longer it stays, the more of its replay buffer that one room fills. The mended agent is sent to a new room every four
# steps and learns all three.
#
# *Predict, then run.* On CartPole the time limit is 500 steps, and the recorded runs are 6,000 steps long. Will the
# defect show?

# %%
curves = records.published_and_mended("C")
plots.show(plots.curves_with_spread(curves, **on_cartpole, title="C on CartPole, 10 seeds"))
alike = (curves["published"][1] == curves["mended"][1]).all(axis=1)
print(f"seeds whose two curves are the same to the last digit: {alike.sum()} of {len(alike)}")

# %% [markdown]
# The two bands cover each other. CartPole hides this defect: within 6,000 steps hardly any episode lasts 500 steps, and
# where none does, the two programs do exactly the same. It would show once the agent is good, and that is when nobody
# looks for bugs any more. A task with a known answer shows it in a second.
#
# ### D. `prepare_study`
#
# The last two defects are not in the agent but in how it was tuned, so here are the words for that. A
# **hyperparameter** is a setting that is chosen before training and not learned by it, such as the learning rate. To
# choose them by trying, one runs a **study**, which is a series of trainings with different settings. One of them, with
# its settings and the score that it gets, is a **trial**. The study then proposes the settings of its best trial.
#
# All this rests on comparing trials. A comparison is fair if the trials differ in their settings and in nothing else
# that counts. The function `prepare_study` is called once for a study. It returns a function that is called at the
# start of each trial. Find out what makes the comparison unfair, and mend it.

# %% [exercise deep_q_network.prepare_study]

# %% [markdown]
# The listing made one network and one replay buffer before the study, and used them in every trial. So each trial began
# with what the one before had learned.
#
# The next cell runs eight studies of six trials each. All trials try the same settings on the same tiny task: within 60
# steps, learn that the only action pays 1. That is too short to get there, so a trial that starts afresh ends at about
# 0.3.
#
# *Predict, then run.* Where do the trials end whose network and buffer are shared?

# %% tags=["nbval-ignore-output"]
curves = {
    "published": hunt.trials_in_a_row(train, parts, hunt.prepare_study),
    "mended": hunt.trials_in_a_row(train, parts, prepare_study),
}
plots.show(plots.curves_with_spread(curves, x="trial", y="learned value", title="D: six trials with equal settings"))

# %% [markdown]
# Equal settings, and yet each published trial beats the one before, until nothing is left to learn. A study that sees
# such scores concludes that its later settings are better. They only came later: trial 6 goes on where trial 5 stopped.
# The mended trials are equal up to chance, as they should be.
#
# In the recorded studies on CartPole the trials have different settings, drawn at random, so there is no reason why
# later ones should be better. *Predict, then run.* Would you notice?

# %%
curves = records.published_and_mended("D")
title = "D on CartPole, 10 studies each"
plots.show(plots.curves_with_spread(curves, x="trial", y="return", title=title, spread="runs"))

# %% [markdown]
# The published studies improve up to the third trial, and then stay at a level that an agent hardly ever reaches in the
# 1,500 steps of one trial. Their best trial would be reported as a success of tuning, although its settings were drawn
# at random like all others. The way to notice is to ask whether the order of the trials matters. It must not.
#
# ### E. `suggest`
#
# A trial asks for its settings with a name and a range: `trial.suggest_float("gamma", 0.0, 1.0)` gives a number between
# the two. Which numbers it can give is the **search space**, the set of all settings that a study may try. Nothing that
# lies outside of it can be found.
#
# Two rules of thumb tell whether a range makes sense. An agent with discount $\gamma$ looks about $1 / (1 - \gamma)$
# steps ahead: 0.9 is 10 steps, 0.99 is 100. And a learning rate matters by its factor: from 0.0001 to 0.001 is as far
# as from 0.001 to 0.01. A range from 0.00001 to 0.1 that is drawn evenly gives a number above 0.01 in nine draws of
# ten; drawn on a log scale, with `log=True`, each power of ten gets an equal share.
#
# Your cell begins with the published ranges. Work out how far ahead its agents look before you mend them.

# %% [exercise deep_q_network.suggest]

# %% [markdown]
# Six draws from either space, each trained on a task where waiting pays: an agent gets 0.4 at once, or 1 if it waits a
# step.
#
# *Predict, then run.* How many of the six published draws will learn to wait?

# %% tags=["nbval-ignore-output"]
curves = {
    "published": hunt.learn_to_wait(train, parts, hunt.suggest),
    "mended": hunt.learn_to_wait(train, parts, suggest),
}
axes = {"x": "environment steps", "y": "what the agent gets"}
plots.show(plots.curves_with_spread(curves, **axes, title="E: learn to wait, 6 draws each", spread="runs"))

# %% [markdown]
# None. With $\gamma$ at most 0.1, a reward of 1 that comes a step later counts as 0.1 or less, and 0.4 at once is more.
# This is no mistake of the agents, they maximise what they were told to maximise. No trial of the study can find
# anything better, however many there are.
#
# *Predict, then run.* On CartPole an agent has to see a fall coming while there is time to act. What will the draws
# reach there?

# %%
curves = records.published_and_mended("E")
plots.show(plots.curves_with_spread(curves, **on_cartpole, title="E on CartPole, 10 draws each", spread="runs"))
print(records.reached(curves, 150))

# %% [markdown]
# The published draws stay at the bottom, all ten of them. All of them look hardly farther than the next step, and so
# would any other draw from this space. Every mended draw learns something, some far more than others. Those differences
# are what a study is for.
#
# ### What the five curves look like
#
# | defect | what the curve does | where to look |
# | --- | --- | --- |
# | A: no exploration | some seeds are right from the start, others never | does every action get tried? |
# | B: no target copies | flat, in every seed | does a value move back a step? |
# | C: the time limit is missed | nothing, until the agent is good | how many episodes have been finished? |
# | D: trials share a network | later trials are better, whatever they try | does the order of the trials matter? |
# | E: the wrong search space | the whole study is flat | can the space hold a good setting at all? |
#
# None of them raised an error, and on CartPole alone not all of them show. What shows each of them is a task so small
# that the right answer is known beforehand, as the probes of lesson 02 are.
#
# ## Tuning
#
# With the defects mended, tune the agent. The **objective** is the function that a study calls for each trial and whose
# result it maximises. It has to turn settings into one number, and the number has to mean what we want to know: how
# well does an agent with these settings do, if it is trained once more?
#
# Three kinds of seeds keep that honest. They must not overlap.
#
# | seeds | what they start | who may look at the result |
# | --- | --- | --- |
# | training seeds, 100 and 101 | the weights, the exploration and the episodes of a trial's runs | the trial |
# | validation seeds, from 1,000,000 on | the episodes that score a trial | the study |
# | fresh seeds, from 300 and 2,000,000 on | the runs and episodes that judge the result | nobody before the end |
#
# One run is not enough to score a trial. You saw above how far two seeds of the same program can be apart; a score from
# one run would mostly measure its luck. So a trial trains once with each of a few seeds, and its score is the mean. Not
# the best: the best of several runs is once more a score that was picked for being high. With two runs that score 180
# and 40, a trial gets 110.

# %% [exercise deep_q_network.tune_objective]

# %% [markdown]
# A live study of three trials follows, each of two runs of 1,500 steps. That is far too little to find anything. It
# shows the machinery: `study.ask()` gives a trial, the objective turns it into a score, `study.tell()` hands the score
# back. (The sampler draws the settings of a trial; lesson 07 is about this one. `study.optimize` does the three in a
# loop; lesson 08 is about it.)

# %% tags=["nbval-ignore-output"]
base = DQNConfig(total_steps=1_500, epsilon_steps=1_000, learning_starts=200)
live = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
for _ in progress(range(3), "trials"):
    trial = live.ask()
    live.tell(trial, tune_objective(trial, suggest, lambda: gym.make("CartPole-v1"), base, parts, (100, 101)))
for done in live.trials:
    tried = ", ".join(f"{name} {value:.3g}" for name, value in done.params.items())
    print(f"trial {done.number}: {tried}: score {done.value:.0f}")
print(f"best: trial {live.best_trial.number}")

# %% [markdown]
# One of them scored best; with three trials, one always does. Whether its settings deserve it is another question.
#
# The recorded study is larger: sixteen trials, each of two runs of 6,000 steps. The first trial tries the default
# settings, so that the study cannot end below them by its own measure. The next figure shows which settings it tried.

# %%
tuning = records.load("tuning")
study = records.study(tuning)
plots.show(plots.slice_(study, target_name="validation return"))

# %% [markdown]
# Each dot is a trial, once over its discount and once over its learning rate; darker ones came later. The right half
# has a hump: the five best trials all have a learning rate between 0.0005 and 0.0013. In the left half
# look at the edge: two of the three best trials have a discount of 0.900 and 0.904, which looks ten steps ahead, and
# the range begins at 0.9. A good setting at the edge of a search space says that better ones may lie outside. The next
# study should begin lower. Sixteen dots are few, so take both as a hint and not as a finding.
#
# Now the question for which all this was done. Are the tuned settings better than the default ones? Both were trained
# with twelve fresh seeds, which the study never saw, and with the same budget of 6,000 steps. The last network of each
# run played twenty test episodes. Nothing was chosen any more, and the number of seeds was fixed before the first of
# these runs.
#
# *Predict, then run.* By how much will the tuned settings be ahead? And how near will their mean come to the score that
# made the study choose them?

# %%
finals = records.finals(tuning)
title = "12 fresh seeds, 6,000 steps each"
plots.show(plots.bars_with_spread(finals, x="settings", y="return", title=title, runs="seeds"))
for name, value in {"default": study.trials[0].value, "tuned": study.best_value}.items():
    print(f"{name:<8} scored {value:.0f} in the study, and {finals[name].mean():.0f} on fresh seeds")
for n in (5, 12):
    found = verdict(finals["tuned"][:n], finals["default"][:n])
    low, high = found.interval
    words = f"{found.difference:+.0f}, 95 % interval {low:+.0f} to {high:+.0f}: {found.word}"
    print(f"tuned minus default on {n:>2} seeds: {words}")

# %% [markdown]
# The tuned settings are ahead, and the last line says how far we may believe it: the interval of the difference does
# not reach down to 0. Two numbers deserve a second look.
#
# The default settings return on fresh seeds what they scored in the study. The tuned ones fall back from 285 to 227. It
# is the same thing that you saw with the checkpoints: the study chose the highest of sixteen noisy scores, and
# collected luck with it. Half of the gain that the study promised was luck.
#
# And five seeds would not have been enough. On the first five the difference is nearly as large, but **not separable**,
# which means that its interval contains 0 and the data cannot tell which of the two is better. That would have been the
# honest result of five seeds. To add seeds until the verdict changes would not be: whoever looks often enough finds a
# difference. This is why the number of seeds is fixed beforehand.
#
# Settings are worth keeping in a form that a person can read and that no program needs to be trusted for: JSON.

# %%
from binpack.course.l02_deep_q_network.agent import load_config, save_config

tuned = DQNConfig(**tuning["base"]).replace(**tuning["tuned"])
with tempfile.TemporaryDirectory() as folder:
    save_config(tuned, Path(folder) / "tuned.json")
    print((Path(folder) / "tuned.json").read_text())
    again = load_config(Path(folder) / "tuned.json")
print(f"learning rate read back: {again.learning_rate:.6f}, gamma: {again.gamma:.4f}")

# %% [markdown]
# ## Bonus: double DQN
#
# One more defect was found in the algorithm itself, and not in a listing. The target takes the maximum over Q-values
# that are noisy estimates, and a maximum prefers whichever estimate is too high by chance. Imagine ten lotteries that
# are all worth 0, each estimated from a few draws. Some estimates are above 0, some below; the largest of the ten is
# almost surely above.
#
# Lesson 02 ends with double DQN as a task for spare time. Here is something to run it on. In double DQN (van Hasselt et
# al., 2016) one network chooses and the other judges. An action that the online network overrates by chance is not
# necessarily overrated by the target network as well:
#
# $$y = r + \gamma\,(1 - d)\,Q^-\big(s', \arg\max_{a'} Q(s', a')\big)$$
#
# The lesson's package has it as `double_targets`. The next cell trains both on the ten lotteries, and reads the value
# of the step that leads to them. It is 0. *Predict, then run.* Which of the two stays nearer to 0?

# %% tags=["nbval-ignore-output"]
curves = {
    "DQN": overestimation.lottery(train, parts),
    "double DQN": overestimation.lottery(train, parts.replace(td_targets=double_targets)),
}
plots.show(plots.curves_with_spread(curves, x="environment steps", y="Q of the step", title="Ten lotteries worth 0"))

# %% [markdown]
# The mean of double DQN ends nearer to 0. But the two bands overlap, and the difference of the means, about 0.14, is
# smaller than its own uncertainty: with these five seeds the two are not separable. Nor need double DQN reach 0. Its
# two networks are not independent, because one is a copy of the other and both learned from mostly the same rewards. If
# you like, write `double_targets` yourself, starting from your `td_targets`, and put it into
# `parts.replace(td_targets=...)` above.
#
# ## Takeaways
#
# - A hard task gives no sign of life for a long time. Look at several seeds, and at small tasks with known answers.
# - Choose a checkpoint on validation episodes, and report it on test episodes, which had no part in the choice.
# - Save weights and settings as numbers: reading a pickle runs code.
# - A defect need not raise an error, and need not show on every task. Each leaves a curve by which it is known.
# - Every trial starts from scratch, and the search space has to hold a good setting.
# - A score that chose something is no result. Fresh seeds judge, and "not separable" is a finding too.
#
# ## Quiz
#
# 1. The best validation score of a run is 268. Why do you not report it?
# <details><summary>Answer</summary>It is the highest of many noisy scores and was picked for being so, so part of it is
# luck. Let the checkpoint play fresh episodes, and report those.</details>
#
# 2. In half of your seeds the agent is good from the start, in the others it never learns. Which defect comes to mind
#    first?
# <details><summary>Answer</summary>Exploration. Those seeds happen to begin with the right preference; without random
# actions the others never try anything else.</details>
#
# 3. A study's later trials are all better than its first. Is that the sampler's merit?
# <details><summary>Answer</summary>Perhaps. Or trials share a network or a buffer, and late ones inherit what early
# ones learned. Run the same settings several times in a row: the scores must not rise.</details>
#
# 4. A colleague sends you `agent.pkl` and asks you to try it. What do you do?
# <details><summary>Answer</summary>Ask for the weights instead. Reading a pickle runs whatever is in it, also where the
# sender does not know that.</details>
#
# ## What comes next
#
# CartPole has two actions and LunarLander four. A bin of 10 x 10 cells has 100, and at a given time most of them are
# impossible. A Q-network would have to learn that for each of them by trying. Lesson 03 builds the environment that
# says it beforehand.
#
# ## References
#
# - V. Mnih et al. (2015). Human-level control through deep reinforcement learning. Nature.
# - H. van Hasselt, A. Guez, D. Silver (2016). Deep reinforcement learning with double Q-learning. AAAI.
# - F. Pardo, A. Tavakoli, V. Levdik, P. Kormushev (2018). Time limits in reinforcement learning. ICML.
# - P. Henderson, R. Islam, P. Bachman, J. Pineau, D. Precup, D. Meger (2018). Deep reinforcement learning that matters.
#   AAAI.
# - T. Akiba, S. Sano, T. Yanase, T. Ohta, M. Koyama (2019). Optuna: a next-generation hyperparameter optimization
#   framework. KDD.
# - M. Towers et al. (2024). Gymnasium: a standard interface for reinforcement learning environments.
