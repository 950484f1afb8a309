# %% [markdown]
# # 05b Reading a run
#
# *90 minutes. Builds on lesson 05, whose packing task it goes on with, and on the PPO of lesson 04.*
#
# When you are done you can
#
# - read the eight numbers that a run of PPO prints about itself, and say which of them to look at first;
# - tell from its curves what a sick run is sick of;
# - watch a run in TensorBoard through a tunnel, and draw its event files without it;
# - change settings while a run goes on, scale what a network sees, and order tasks from easy to hard;
# - find out which of many changes made the difference.
#
# The first part of this lesson compared hundreds of runs by their results. In daily work you have one run, it is not
# finished, and it does not look right. Waiting for its end is expensive, and the end only says that it failed. But a
# run of PPO speaks while it trains. After each update it reports what it did to the policy and what its critic is
# worth, and these numbers tell most failures apart long before the reward does.

# %%
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from stable_baselines3.common.vec_env import VecNormalize

from binpack import plots
from binpack.core.statistics import verdict
from binpack.course import exercises as ex
from binpack.course import forest
from binpack.course.l05_hyperparameters import arm_figures as figures
from binpack.course.l05_hyperparameters import arm_runs, curriculum, event_files, parallel, sweeps
from binpack.course.l05_hyperparameters import sick_runs as sick
from binpack.course.l05_hyperparameters.arm import ReachEnv, ReachVecEnv, places
from binpack.course.l05_hyperparameters.arm_records import ArmRecord
from binpack.course.progress import progress

torch.set_num_threads(1)

# %% [markdown]
# ## What a healthy run says
#
# Begin with a run in which nothing is wrong. It is the task of the first part, a bin of 6 x 6 x 6 cells, with all
# hyperparameters at their defaults. It makes 20 updates, each after a rollout of 2,048 steps, and each point below is
# one update. Two of the panels, `value_loss` and `approx_kl`, have logarithmic axes: read the numbers at the grid
# lines, for equal distances are equal factors.
#
# *Predict, then run.* The policy gets better all the time. Which of the eight curves will rise, which will fall, and
# which will stay where they are?

# %%
runs = sick.load()
healthy = runs["healthy", 0]
within = {"explained_variance": (-1.0, 1.0)}
plots.show(figures.vital_signs({"healthy": healthy}, "a healthy run", limits=within))

# %% [markdown]
# `ep_rew_mean`, `ep_len_mean` and `explained_variance` rise, with noise. `entropy` falls all the way, and
# `clip_fraction` after the first six updates. `approx_kl` and `value_loss` stay near 0.01 and 0.02, and `policy_loss`
# wanders. The panels form three groups. The first two come from the episodes that were played while training, with all
# their exploration:
#
# | name | what it is | in a healthy run |
# | --- | --- | --- |
# | `ep_rew_mean` | mean return of the last 100 episodes | rises, with noise |
# | `ep_len_mean` | mean length of these episodes | here longer is better: more boxes are packed |
#
# The next two are the losses:
#
# | name | what it is | in a healthy run |
# | --- | --- | --- |
# | `policy_loss` | the clipped surrogate of lesson 04, with a minus | a little below 0, and says next to nothing |
# | `value_loss` | mean squared error of the critic | depends on the unit of the reward; need not fall |
#
# These two mislead people who come from supervised learning, where a falling loss is the whole story. Advantages are
# scaled anew in each minibatch, so `policy_loss` begins near 0 at every update. And `value_loss` may rise in a run
# that goes well: the better the agent packs, the larger are the returns, and the more there is to be wrong about.
#
# The last four say how the update went:
#
# | name | what it is | in a healthy run |
# | --- | --- | --- |
# | `approx_kl` | how far the update moved the policy: an estimate of the KL divergence of the two | here about 0.01 |
# | `clip_fraction` | share of the samples whose ratio left the clip range | here 0.05 to 0.3 |
# | `explained_variance` | share of the returns' ups and downs that the critic foresees | climbs towards 1 |
# | `entropy` | how undecided the policy is | falls slowly, and does not reach 0 |
#
# An entropy of $\ln n$ belongs to a policy that chooses evenly among $n$ actions. This one begins at about 1.76, and
# $e^{1.76}$ is about 5.8: masks leave it a handful of actions in a typical state. It ends near $e^{0.57}$, as
# undecided as between two.
#
# ## What the critic knows
#
# One of the eight deserves a closer look, because it says on a fixed scale how good something is. The critic predicts
# the return of each state, and the advantage is what came minus what was expected. With a critic that knows nothing,
# advantages are full of noise. So the question is how much of the ups and downs of the returns it saw coming.
#
# Take returns of 1, 2, 3 and 6. Their variance is 3.5. A critic that says 2 for every state leaves errors of -1, 0, 1
# and 4, whose variance is 3.5 as well: it has explained nothing. A critic that says 1, 2, 3 and 5 leaves errors of 0,
# 0, 0 and 1, with a variance of 0.19. It has explained 1 - 0.19 / 3.5 = 0.95 of it.
#
# The **explained variance** is the share of the variance of the returns that is gone once the predictions are
# subtracted:
#
# $$\mathrm{EV} = 1 - \frac{\mathrm{Var}[R - V]}{\mathrm{Var}[R]}$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $R$ | `returns` | what came, one number for each state |
# | $V$ | `values` | what the critic had expected |
#
# It is 1 for a critic that is always right and 0 for one that says the same everywhere. Below 0, the critic is worse
# than saying the same everywhere. An error that all states share does not count, since a variance looks at
# differences alone.

# %% [exercise hyperparameters.explained_variance]

# %% [markdown]
# The next cell trains a healthy run with another seed for three updates and hands your function the values and returns
# of each rollout. Values are those of the critic that collected the rollout, before the update.
#
# *Predict, then run.* A network with random weights: is its explained variance near 0?

# %% tags=["nbval-ignore-output"]
for number, rollout in enumerate(sick.rollouts(3), start=1):
    mine = explained_variance(rollout.values, rollout.returns)
    print(f"rollout {number}: your function {mine:6.3f}, Stable-Baselines3's log {rollout.logged:6.3f}")

# %% [markdown]
# It is far below 0. A random network does not say the same everywhere. Its values differ from state to state for no
# reason, more than the returns do, and this only adds variance. One update mends it. So the first point of the panel
# above lies outside of it, and means nothing.
#
# ## Four sick runs
#
# Here are four runs on the same task. In each of them one thing is wrong. The causes, in alphabetical order:
#
# - *entropy collapsed*: the policy became certain before it was good.
# - *learning rate too high*: each update throws the policy far away.
# - *no mask*: illegal actions are allowed, and end the episode.
# - *value function lagging*: the critic cannot follow the returns that come.
#
# In each figure the blue line is the healthy run. Read the numbers at the grid lines of the two logarithmic panels:
# some of the runs differ there by factors of ten and more, and what is below 0.0001 is drawn at 0.0001. And one of the
# four counts its reward in another unit, so its `ep_rew_mean` cannot be compared.


# %%
def show_patient(letter):
    both = {"healthy": healthy, letter: runs[sick.LETTERS[letter], 0]}
    plots.show(figures.vital_signs(both, f"run {letter}", limits=within))


show_patient("A")

# %%
show_patient("B")

# %%
show_patient("C")

# %%
show_patient("D")

# %% [markdown]
# Decide first: which letter has which cause, and which panel tells you? A cause often shows in several panels at
# once, and then the question is what came first. A run that became certain because one wild update threw it into a
# corner has no problem of entropy.
#
# Then write your reasons down as a program. It gets the eight curves of a run and answers with one of five words. It
# is tried on the runs that you have seen and on runs with other seeds, so look for signs that are clear, not for a
# threshold that barely separates five examples. For example, `run["ep_len_mean"][0]` is the mean length of the
# episodes before the first update, and `run["entropy"][-1]` the entropy at the last.

# %% [exercise hyperparameters.diagnose]

# %% [markdown]
# Let it see every recorded run. Each row is a kind of run, each column a diagnosis.

# %%
table, seeds = sick.confusion(diagnose)
plots.show(plots.heat_table(table, sick.DIAGNOSES, sick.DIAGNOSES, title="what each run is called", digits=0))
print(f"{seeds} seeds of each kind; called by its name: {np.trace(table)} of {table.sum()}")

# %% [markdown]
# This is what gave each of them away.
#
# **A, the entropy.** It falls to nearly nothing within a few updates, and from then on everything is quiet:
# `approx_kl` and `clip_fraction` go to 0, because a policy that is certain gets next to no gradient. The reward stops
# where it was when the policy made up its mind. The cause is the sign of the entropy term, the mistake that lesson 04
# warned of: certainty was paid for. Its weight is 0.5 here, fifty times that of lesson 04, so that the harm which is
# slow there shows within five updates. *What to do:* check the sign of the entropy term, raise `ent_coef`, lower the
# learning rate.
#
# **B, the mask.** The first episodes end after one or two steps, before anything was learned, and the entropy begins at
# 3.6, which is $\ln 36$: all 36 places count as possible. The run does learn, and it spends its time on learning what
# is forbidden. *What to do:* check that masks arrive. No algorithm of Stable-Baselines3 uses them. Of sb3-contrib
# MaskablePPO does, and only its own evaluation functions hand them on.
#
# **C, the learning rate.** `approx_kl` of the very first update is about 20, where a healthy one is at 0.01, and most
# samples leave the clip range. After that the entropy is near 0, as in A. The order tells the two apart. In A the
# entropy takes several updates to fall, and then `approx_kl` is at rest; in C one update does everything, and
# `approx_kl` goes on jumping. Note what the clip did *not* do. It takes the gradient away from samples that have left
# the range, and cannot call back a step that was too large. *What to do:* divide the learning rate by 10, or set
# `target_kl`, which ends the epochs of an update early.
#
# **D, the critic.** Its explained variance stays at 0 for more than half of the run. The policy learns all the same,
# from noisier advantages. The loss in the thousands says why. The reward counts packed cells and not the packed share
# of the bin, so the returns are 216 times as large. The critic begins near 0, has to reach 100 and more, and each step
# of Adam moves a weight by about the learning rate, however large the error is. When the critic begins to tell states
# apart, `approx_kl` jumps up once and then falls below that of the healthy run: the policy moves less. The likely
# reason is `max_grad_norm`, which the next section looks at. In this seed that costs nothing at the end, since 162 of
# 216 cells are 0.75 of the bin. Over ten seeds it does, as the next section shows. *What to do:* scale the reward, to
# returns of about 1.
#
# ## A reward that is too large
#
# Run D still learned. What happens if the reward is larger still, say the packed volume in cubic centimetres, with
# cells of 5 cm? A full bin then pays 27,000 instead of 1. Nothing else changes. `VecNormalize` is the cure that
# Stable-Baselines3 offers (Raffin et al., 2021). It is a wrapper around the environments. Among other things it
# divides each reward by a running estimate of the standard deviation of the returns.
#
# *Predict, then run.* The advantages are normalised in any case, and the policy network and the critic share no
# weights here. Will the policy care about the unit of the reward?

# %%
updates = np.arange(1, 21)
names = {"share of the bin": sick.HEALTHY, "cells": sick.LAGGING, "cubic cm": sick.HUGE}
names["cubic cm, VecNormalize"] = sick.HUGE_NORMALIZED
curves = {name: (updates, sick.utilizations(case)) for name, case in names.items()}
axes = {"x": "update", "y": "utilization of training episodes"}
plots.show(plots.curves_with_spread(curves, **axes, title=f"the unit of the reward, {len(curves['cells'][1])} seeds"))
kl = {name: np.nanmean([run["approx_kl"] for (case, _), run in runs.items() if case == names[name]]) for name in names}
print(*(f"mean approx_kl, {name}: {value:.0e}" for name, value in kl.items()), sep="\n")
ends = {name: curves[name][1][:, -1] for name in ("cells", "share of the bin")}
print("cells against share of the bin, at the end:", verdict(*ends.values()))

# %% [markdown]
# Already with cells the agent ends seven points behind. With cubic centimetres it learns next to nothing, and its
# `approx_kl` says that it hardly moves. The cause is `max_grad_norm`. The gradient of policy and critic *together* is
# cut to a length of 0.5. The critic's part is now 27,000 times as large, so nearly all of the 0.5 goes to the critic,
# and next to nothing is left for the policy.
#
# Adam makes up for small gradients, as it divides each by its usual size. But it adds a small number to that size, so
# as not to divide by 0. It is 1e-5 here, and what is left for the policy lies far below. No error was raised. These
# are the curves of such a run:

# %%
plots.show(
    figures.vital_signs({"healthy": healthy, "cubic cm": runs[sick.HUGE, 0]}, "cubic centimetres", limits=within)
)

# %% [markdown]
# `approx_kl`, `clip_fraction` and explained variance lie near 0 all the time, which says *that* the policy does not
# move. *Why* it does not, only `value_loss` and the size of the reward tell. Many people ignore both, because a size
# "means nothing".
#
# With `VecNormalize` the run is healthy again. So `value_loss` has one use after all: if it is not of the order of 1
# or below, look at the unit of the reward.
#
# ## TensorBoard
#
# Printed tables are hard to read while a run goes on. TensorBoard (Abadi et al., 2015) is a small web server that draws
# such curves and keeps them up to date. A run hands it its numbers in an **event file**, to which training appends a
# record for each number and step. `train` writes one unless it is told not to. The runs of the first part were told not
# to, because there were so many, so the next cell switches it on again.

# %% tags=["nbval-ignore-output"]
from binpack.agents import train

temporary = tempfile.TemporaryDirectory()  # it goes when the kernel stops
folder = Path(temporary.name)
config = sweeps.config({"n_epochs": 4}, seed=0, steps=8_192)
config = config.model_copy(update={"tensorboard": True, "eval_every": 2_048})
result = train(config, folder / "first")
found = sorted(path for path in folder.rglob("events.out.tfevents*"))
print(len(found), "event file in", found[0].parent.relative_to(folder).as_posix())
print(event_files.server(folder))

# %% [markdown]
# The second line starts the server. Paste it into a terminal of JupyterLab that stands in the folder of the course;
# `--logdir` is the folder of the run, here a temporary one that goes with this notebook's kernel. For runs that you
# keep, it is the folder that they lie in.
#
# On a remote machine, take the port into the tunnel through which you already see JupyterLab, and open
# `http://localhost:6006` on your own:
#
# ```bash
# ssh -L 8888:localhost:8888 -L 6006:localhost:6006 user@instance
# ```
#
# The port is fixed because the tunnel has to name it. `--host 127.0.0.1` keeps the server from being reachable from
# outside. `--logdir` is searched with all its folders, so several runs appear side by side.
#
# The same files can be read without the server, which is what a notebook or a report wants:

# %%
scalars = event_files.read_scalars(folder)
print(len(scalars), "curves:", ", ".join(sorted(scalars)))

# %% tags=["nbval-ignore-output"]
chosen = {name.rpartition("/")[2]: scalars[name] for name in ("train/approx_kl", "train/clip_fraction")}
axes = {"x": "environment steps", "y": "value"}
plots.show(figures.lines(chosen, **axes, title="read from the event file"))

# %% [markdown]
# Both belong to the same four updates. On one axis `approx_kl` is a flat line, because it is about ten times as small;
# in TensorBoard each number has a panel of its own.
#
# One word of warning about names. In these files `train/policy_gradient_loss` is what is called `policy_loss` above,
# and `train/entropy_loss` is the entropy with a minus, since losses are minimised, and it rises towards 0 where the
# entropy falls. And `train/loss` is the sum of all losses in the *last* minibatch alone, so its noise means nothing.
#
# ## A second task: a robot arm
#
# Packing has a choice of places. Many tasks ask for numbers instead. So here is a second one, and at the same time a
# model for an environment of your own: an arm with two joints on a table, which is to bring its tip to a point and
# hold it there. `arm.py` in this lesson's package is the whole of it.
#
# | part | what it is |
# | --- | --- |
# | observation | both cosines, then both sines of the angles, both velocities, the target, the way from tip to target |
# | action | a torque for each joint, from -1 to 1 |
# | reward | minus the distance of the tip from the target, in metres, for each second; and minus a little for effort |
# | end | after 50 steps of 0.1 seconds the episode is truncated, never terminated |
#
# Angles come as cosine and sine because an angle of 359 degrees is close to one of 1 degree, which the bare numbers
# hide. The end is a truncation because the arm could go on: its last state still has a value, which lesson 04 called
# bootstrapping.

# %%
env = ReachEnv()
observation, info = env.reset(seed=5)
plots.show(figures.pose(env.pose(), env.target, title="the arm, and its target in red"))
print("observation:", *(f"{number:.2f}" for number in observation))

# %% [markdown]
# The formula of the tip is the only geometry in it. With the angles at 90 and -90 degrees the first link points along
# y, and the second one, which is measured against the first, along x:

# %%
print(places(np.radians([90, -90]), (0.5, 0.5)).round(2).tolist())

# %% [markdown]
# A state of many arms is a few arrays, and one step moves all of them. Two small classes give access to it: `ReachEnv`
# for gymnasium, which is a batch of one, and `ReachVecEnv` for Stable-Baselines3. So the rules of the task are written
# once, and 16 arms cost hardly more than one. The next cell trains such a batch for 40,960 steps. Its settings are
# called *bold*; the last part of this lesson says where they come from.

# %% tags=["nbval-ignore-output"]
trained = arm_runs.train_arm(arm_runs.settings()["bold"], seed=0)
plots.show(figures.arm_film(arm_runs.film_poses(arm_runs.greedy(trained.model), seed=5), "a trained arm"))

# %% [markdown]
# In this episode the tip goes to the target and stays near it. How near in general, the test episodes say: 200 of them,
# with poses and targets that no training has seen. All comparisons below use these same 200 episodes.

# %% tags=["nbval-ignore-output"]
for steps, reward, distance in zip(trained.steps, trained.returns, trained.distances, strict=True):
    print(f"{steps:6,} steps: mean return {reward:5.2f}, at the end {100 * distance:3.0f} cm from the target")

# %% [markdown]
# ## Settings that change while a run goes on
#
# Early in training nearly every direction is an improvement, and large steps pay. Late, the policy is good, and a
# large step mostly breaks something. So one may want a setting to move. A **schedule** is a function that says which
# value a setting has at each moment of training.
#
# Stable-Baselines3 takes one wherever it takes a learning rate or a clip range. It calls it with the share of
# training that is *left*: 1 at the beginning, 0 at the end. This is called `progress_remaining`, and it surprises
# everybody once.
#
# The most common schedule is a straight line. Ours goes from `start` to `end` during the first `share` of training
# and then stays. From 3 to 1 with a share of 0.5: at `progress_remaining` 1 it is 3, at 0.75 a quarter of training is
# done, which is half of the way, so it is 2. At 0.5 it is 1, and so it is at 0.25 and at 0.

# %% [exercise hyperparameters.linear_schedule]

# %% [markdown]
# Three schedules of yours for a learning rate, as training goes on from left to right:

# %%
done = np.linspace(0, 1, 51)
schedules = {
    "to 0 at the end": linear_schedule(1e-3, 0.0, 1.0),
    "to 1e-4 at the half": linear_schedule(1e-3, 1e-4, 0.5),
    "rising": linear_schedule(1e-4, 1e-3, 1.0),
}
curves = {name: (done, [schedule(1 - share) for share in done]) for name, schedule in schedules.items()}
plots.show(figures.lines(curves, x="share of training that is done", y="learning rate", title="schedules"))

# %% [markdown]
# A schedule that is known beforehand cannot know what the run needs. Another kind looks at the run: an **adaptive
# learning rate** is one that is set after each update by what the update did. The usual measure is `approx_kl`, as in
# Schulman et al. (2017), who change the weight of a penalty by it. If the last update moved the policy more than
# twice as far as it should, the learning rate is divided by 1.5; if less than half as far, it is multiplied by 1.5.
# Between these it stays, or it would never come to rest.
#
# With a target of 0.02: after an `approx_kl` of 0.05 a rate of 3e-4 becomes 2e-4, after 0.005 it becomes 4.5e-4, and
# after 0.03 it stays. Two limits keep it from running away.

# %% [exercise hyperparameters.next_learning_rate]

# %% [markdown]
# Now let both of your functions steer a short training of the arm. Both are set to 3e-4 at the start.
#
# *Predict, then run.* Is 3e-4, the usual default, more or less than this task can bear?

# %% tags=["nbval-ignore-output"]
short = replace(arm_runs.settings()["current"], steps=16_384)
steered = {
    "linear": arm_runs.train_arm(short, seed=0, schedule=linear_schedule(3e-4, 0.0, 1.0)),
    "by KL": arm_runs.train_arm(short, 0, adapt=lambda rate, kl: next_learning_rate(rate, kl, 0.02, 1e-5, 1e-2)),
}
curves = {name: (np.arange(1, len(run.rates) + 1), run.rates) for name, run in steered.items()}
plots.show(figures.lines(curves, x="update", y="learning rate", title="who steers the learning rate", log=False))
print({name: round(float(run.returns[-1]), 2) for name, run in steered.items()})

# %% [markdown]
# The adaptive rate climbs: the updates moved the policy by less than half the target. Whether this task bears more than
# the default, the returns below say. The line ends at exactly 0. Stable-Baselines3 computes `progress_remaining` after
# the rollout, so the last update of such a run is made with a learning rate of 0 and does nothing. That is also why the
# line does not begin at 3e-4: after the first of eight rollouts, an eighth of the way is done.
#
# Whether any of this helps is a question for many seeds. Recorded are four ways to set the learning rate, 40,960
# steps each.
#
# *Predict, then run.* Which one comes first? Does it pay to bring the rate down to 0 at the end?

# %%
arm = ArmRecord()
ways = {
    "3e-4": "current",
    "1e-3": "learning rate 1e-3",
    "1e-3, linear to 0": "learning rate 1e-3, linear",
    "from 3e-4, by KL": "learning rate by KL",
}
returns = {name: arm.final(setting) for name, setting in ways.items()}
plots.show(
    plots.bars_with_spread(returns, x="learning rate", y="return", title="return after 40,960 steps", runs="seeds")
)
for name in list(ways)[1:]:
    print(f"{name} against 3e-4: {verdict(returns[name], returns['3e-4'])}")
for name in list(ways)[2:]:
    print(f"{name} against constant 1e-3: {verdict(returns[name], returns['1e-3'])}")

# %% [markdown]
# Returns are negative here, so a shorter bar is better. The constant 1e-3 and the adaptive rate come first. All three
# are ahead of 3e-4, which says little about the shape of a schedule, since all three use larger rates on average.
# Against a constant 1e-3 the line to 0 is behind: the rate is the same at the beginning, and then it falls. When a run
# is still improving quickly at its end, as these are, bringing the rate down costs progress. Falling schedules are made
# for runs that have come to rest. The adaptive rate cannot be told from the constant 1e-3. It did not need to know that
# rate, but it needs a target for the divergence.
#
# The clip range can follow a schedule as well: `PPO(..., clip_range=linear_schedule(0.2, 0.05, 1.0))`, or in this
# package `PPOConfig(clip_range_schedule="linear")`. The sweeps of the first part have both.
#
# ## What the network sees
#
# Suppose that the arm's targets are measured in millimetres and not in metres. Six of the ten numbers stay between -1
# and 1, and the other four reach a thousand and more. Nothing about the task has changed. But a network with random
# weights takes a number of 700 for 700 times as important as one of 1, and its units, whose outputs (tanh) lie between
# -1 and 1, are driven to their ends, where gradients vanish.
#
# The cure is to subtract the mean of each number and to divide by its standard deviation. As nobody knows these
# beforehand, `VecNormalize` keeps running estimates. It cannot keep all observations, so each batch of new ones is
# merged into what it has: a mean, a variance, and a count of how many observations these stand for (Chan et al.,
# 1983).
#
# An example with one number. So far there were the observations 0 and 2: mean 1, variance 1, count 2. Now come 4 and
# 6, with mean 5 and variance 1. The four together have mean 3. Their variance is not 1 but 5: to the spread within
# each pair, 1, comes the distance of the two means from 3, which is 2, squared.
#
# $$\bar\mu = \mu + \delta\,\frac{n}{c + n} \qquad \bar v = \frac{c\,v + n\,v_B + \delta^2\,\frac{c\,n}{c + n}}{c + n}$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $\mu, v, c$ | `mean`, `variance`, `count` | of the observations so far; with a bar: with the new ones |
# | $v_B, n$ | `batch.var(axis=0)`, `len(batch)` | variance and number of the new ones |
# | $\delta$ | `delta` | mean of the new ones minus $\mu$ |

# %% [exercise hyperparameters.merge_statistics]

# %% [markdown]
# Feed it the observations of 16 arms in millimetres, 50 steps, as `VecNormalize` would get them. Shown are the cosine
# of the first angle, and x of the target.

# %%
envs = ReachVecEnv(arm_runs.MILLIMETRES, 16, seed=0)
rng, seen = np.random.default_rng(0), [envs.reset()]
mean, variance, count = np.zeros(10), np.ones(10), 1e-4
for _ in range(50):
    mean, variance, count = merge_statistics(mean, variance, count, seen[-1].astype(float))
    seen.append(envs.step(rng.uniform(-1, 1, (16, 2)))[0])
for name, place in {"cosine of angle 1": 0, "x of the target": 6}.items():
    print(f"{name:<18} mean {mean[place]:7.1f}   standard deviation {np.sqrt(variance[place]):6.1f}")

# %% [markdown]
# The count began at 0.0001, as in Stable-Baselines3: the mean of 0 and the variance of 1 that stand there at first
# weigh next to nothing. The mean of x is not near 0, where many targets would have it: 16 arms have had 16 targets in
# these 50 steps.
#
# These estimates are part of the agent, as much as its weights are. The network has only ever seen scaled numbers.
# The next cell trains an arm under `VecNormalize` and saves its statistics; a file of weights alone does not hold
# them. `training = False` stops them from moving when the agent is used.
#
# *Predict, then run.* What will the trained agent do if the statistics are forgotten, and it is shown millimetres?

# %% tags=["nbval-ignore-output"]
setting = replace(arm_runs.settings()["millimetres, normalized"], steps=16_384)
run = arm_runs.train_arm(setting, seed=0)
run.env.save(folder / "statistics.pkl")

statistics = VecNormalize.load(folder / "statistics.pkl", ReachVecEnv(arm_runs.MILLIMETRES, 1))
statistics.training = False
act = arm_runs.greedy(run.model)
print("with its statistics:   ", round(arm_runs.score(act, setting, statistics)[0], 2))
print("statistics forgotten:  ", round(arm_runs.score(act, setting)[0], 2))
print("an arm that never moves:", round(arm_runs.score(lambda seen: np.zeros((len(seen), 2)), setting)[0], 2))

# %% [markdown]
# No error, no warning, and an agent that has lost most of what it learned. (The file is a pickle, so lesson 02b's
# warning holds: load only your own.) The recorded runs, 40,960 steps each:

# %%
bars = {
    "metres": arm.final("current"),
    "millimetres": arm.final("millimetres"),
    "mm, VecNormalize": arm.final("millimetres, normalized"),
    "mm, forgotten": arm.forgotten("millimetres, normalized"),
}
plots.show(
    plots.bars_with_spread(
        bars, x="observations", y="return", title="return after 40,960 steps: what the arm sees", runs="seeds"
    )
)
print("VecNormalize against raw millimetres:", verdict(bars["mm, VecNormalize"], bars["millimetres"]))
print("VecNormalize against metres:         ", verdict(bars["mm, VecNormalize"], bars["metres"]))
print("forgotten against with statistics:   ", verdict(bars["mm, forgotten"], bars["mm, VecNormalize"]))

# %% [markdown]
# Raw millimetres cost a good part of the return. With its statistics forgotten, an agent is no better than an arm that
# never moves. And scaled millimetres are even ahead of plain metres. (Rewards were not scaled in these runs,
# `norm_reward=False`.) Numbers between -1 and 1 need not have a standard deviation of 1; the way from tip to target,
# for one, becomes small as the arm learns, and `VecNormalize` brings it up again. That may be the reason. On another
# task this may turn out the other way.
#
# If you know the range of your observations, divide by it in the environment, as the arm does with its velocities:
# then there are no statistics to lose. `VecNormalize` is for ranges that nobody knows. It does not belong on height
# maps and one-hot codes, whose scale means something.
#
# ## From easy to hard
#
# A **curriculum** is a series of tasks of growing difficulty, through which an agent is led to the one that counts
# (Bengio et al., 2009; Narvekar et al., 2020). The idea is that of a school: what is learned on easy tasks carries
# over.
#
# In packing, larger boxes are the easier task. There are fewer of them in a bin, and fewer places where each may stand.
# Our task has pieces with edges of 2 to 4 cells. The curriculum begins with edges of 3 to 4. A slower one puts a stage
# with edges of 3 to 6 before it. The rule that leads on is one line: when the last 100 episodes of training have used
# 75 % of the bin on average, the next stage begins. All steps count, those of the easy stages too.
#
# *Predict, then run.* At equal steps, who is ahead at the end? And in the middle?

# %%
lessons = curriculum.load()
curves = {name: (rows[0]["steps"], [row["utilization"] for row in rows]) for name, rows in lessons.items()}
axes = {"x": "environment steps", "y": "utilization of the final task"}
plots.show(plots.curves_with_spread(curves, **axes, title=f"curriculum, {len(lessons['curriculum'])} seeds"))
plain = np.array(curves["no curriculum"][1])
for name in ("curriculum", "slower curriculum"):
    mine = np.array(curves[name][1])
    print(f"{name}: at the end {verdict(mine[:, -1], plain[:, -1])}")
    print(f"{name}: mean of the whole curve {verdict(mine.mean(axis=1), plain.mean(axis=1))}")

# %% [markdown]
# While the easy stages last, the mean curves on the final task lie below, and no jump makes up for it when the stage
# changes. The distance shrinks towards the end, and even there both are still a little behind: the steps that the easy
# stages took are missing. A curriculum pays where the final task gives no signal at the beginning, such as a reward
# that a beginner never sees. Here every box pays from the first step, so there is nothing to be led to.
#
# Did anything carry over? Leave the easy steps out, let each curve begin where its last stage begins, and compare it
# with the beginning of plain training:

# %%
for name in ("curriculum", "slower curriculum"):
    later = curriculum.last_stage(lessons[name], 10)
    print(f"{name}, the first 10 rollouts of its last stage: {verdict(later.mean(axis=1), plain[:, :10].mean(axis=1))}")

# %% [markdown]
# Even with its easy steps for free, neither curriculum is ahead: what was learned on large boxes was not worth a
# measurable part of training on the real ones. Mind how much the way of counting does. The same runs go from behind to
# "not separable". When somebody shows you a curriculum that helps, ask which steps were counted.
#
# ## Where the time goes
#
# A run has two halves, the rollout and the update. First the rollout. Environments can stand side by side in three
# ways: one by one in a loop (`DummyVecEnv`), each in a process of its own (`SubprocVecEnv`), or as one batch of
# arrays, as in lesson 03.
#
# *Predict, then run.* How do the three compare on bins, in steps per second? And if each step took five milliseconds
# of computing, as in a physics engine?

# %% tags=["nbval-ignore-output"]
speeds = parallel.race()
slow = parallel.race(parallel.SLOW_WAYS)
print(*(f"{name:<14} {speed:5.1f} times as fast" for name, speed in speeds.items()), sep="\n")
print("with 5 ms of computing at each step:")
print(*(f"{name:<14} {speed:5.1f} times as fast" for name, speed in slow.items()), sep="\n")

# %% [markdown]
# The numbers that are stored here come from a machine with two free cores. A process has to be sent every action and
# has to send back every observation. That costs more than a bin takes for its step, so processes make this task slower.
# A batch of two gains nothing over a loop; one of 32 shares the work of a step among many bins. With slow steps the
# exchange is cheap in comparison, and two processes gain what the second core has to give: up to twice the speed where
# it is free, nothing where other work uses it. The rule: measure one step first. If it takes well under a millisecond,
# use a loop or write a batch; if it takes many milliseconds, use as many processes as there are cores.
#
# The second half is the update. Its time grows with the number of minibatches and, less, with their size: 2,048
# transitions in batches of 64, ten times over, are 320 steps of Adam.

# %% tags=["nbval-ignore-output"]
for change in progress(({}, {"n_epochs": 4}, {"batch_size": 256}, {"batch_size": 1024}), "settings"):
    rollout, update = parallel.time_of_update(**change)
    print(f"{change or 'default'!s:<22} update takes {update / rollout:4.1f} times as long as the rollout")

# %% [markdown]
# Sixteen times fewer minibatches make the update about four times as fast, since each of them is larger.
#
# At the default settings the update takes most of the time, so the cheapest ways to a shorter training are fewer
# epochs and larger batches. Both change what is learned, and the sweeps of the first part say how much. Faster
# environments would hardly be noticed here.
#
# And the device? A GPU pays where much is computed for each call: wide layers, convolutions, batches of thousands.
# The networks here have two layers of 64 units. Each call to a GPU costs more than the arithmetic, so `device="cpu"`
# is the right choice, and several runs side by side, one on each core, are better than one run on all cores.
#
# ## Which of the two is better, and which change did it
#
# Last, a piece of daily work. Somebody trains the arm with a configuration that is called *current*. A colleague
# proposes another one and calls it *more stable*: smaller steps, larger rollouts, a little entropy.
#
# | hyperparameter | current | stable |
# | --- | --- | --- |
# | `learning_rate` | 3e-4 | 1e-4 |
# | `n_steps` | 2048 | 4096 |
# | `batch_size` | 64 | 128 |
# | `n_epochs` | 10 | 15 |
# | `gamma`, `gae_lambda` | 0.99, 0.95 | 0.99, 0.95 |
# | `clip_range` | 0.2 | 0.1 |
# | `ent_coef` | 0 | 0.005 |
# | `max_grad_norm` | not set | 0.5 |
#
# (`n_steps` is the whole rollout here. Sixteen arms share it, so Stable-Baselines3 is given 128 and 256.) The list
# names seven changes. The last is none: 0.5 is what Stable-Baselines3 uses where nothing is set. Look up the defaults
# before you credit a change with anything.
#
# *Predict, then run.* After 40,960 steps, which one is ahead? And do you expect the spread of the seeds to be smaller
# for the one called stable?

# %%
both = {name: arm.curve(name) for name in ("current", "stable")}
title = f"two configurations, {len(arm.seeds)} seeds"
plots.show(plots.curves_with_spread(both, x="environment steps", y="return", title=title))
print("stable against current:", verdict(arm.final("stable"), arm.final("current")))
for name in both:
    print(f"standard deviation over the seeds, {name}: {arm.spread(name):.2f}")

# %% [markdown]
# So *current* learns faster. *Stable* differs a little less from seed to seed, but both spreads are small beside that
# difference. Six things differ, and the difference may come from one of them, or from several, or some may even have
# helped. Two experiments answer that. Begin at *current* and make one of the changes at a time. Or begin at *stable*
# and take one of them back: this is called **leave-one-out**, since all changes but one are in place. The two can
# disagree. If two changes do the same job, each of them shows its effect alone, and taking back either one shows
# nothing.
#
# Both need lists of settings that differ from a configuration in one entry, and both lists come from one function.
# From `{"a": 1, "b": 2, "c": 3}` towards `{"a": 1, "b": 5, "c": 6}` there are two such steps: `b` gives `{"a": 1,
# "b": 5, "c": 3}`, and `c` gives `{"a": 1, "b": 2, "c": 6}`. Called the other way round, from the second towards the
# first, it gives the leave-one-out settings.

# %% [exercise hyperparameters.one_change_apart]

# %% [markdown]
# The settings that were recorded are exactly these:

# %%
for name, settings in one_change_apart(dict(arm_runs.CURRENT), dict(arm_runs.STABLE)).items():
    recorded = arm_runs.settings()[f"current, but {name}"].ppo
    print(f"current, but {name} = {settings[name]:g}".ljust(40), "recorded:", f"{recorded[name]:g}")
one_less = one_change_apart(dict(arm_runs.STABLE), dict(arm_runs.CURRENT))
print(f"and {len(one_less)} with one change taken back")

# %% [markdown]
# *Predict, then run.* Which of the six changes costs most? Is there one that helps?

# %%
made = arm.one_at_a_time("current")
plots.show(forest.differences(made, title="current with one change made", x="return minus that of current"))

# %% [markdown]
# Blue is a difference that the seeds can tell from 0. Left of the line, the change alone makes *current* worse at this
# budget; right of it, better. The smaller learning rate costs most, and fifteen epochs help: the six do not all pull in
# one direction.
#
# Now from the other side. *Predict, then run.* All changes are in place, and one is taken back. If a change cost much
# above, does as much come back here?

# %%
taken_back = arm.one_at_a_time("stable")
plots.show(forest.differences(taken_back, title="stable with one change taken back", x="return minus that of stable"))
for name in made:
    print(f"{name:<14} made {made[name].difference:+.2f}, taken back {taken_back[name].difference:+.2f}")
whole = arm.final("stable").mean() - arm.final("current").mean()
print(f"the six changes one by one: {sum(each.difference for each in made.values()):+.2f}; together {whole:+.2f}")

# %% [markdown]
# If changes did not depend on each other, the two numbers of each line would differ in their sign alone, and the sum of
# the six would be the whole. It fails in every line, and together the six cost more than twice their sum. Learning
# rate, rollout and clip range come back about twice as large as they went. Epochs are the clearest case. They are
# passes over the same data: with the rest of *current*, five more of them are worth much more than with the rest of
# *stable*, probably because an update of *stable* is kept small in other ways. A batch of 128 costs *current* much and
# *stable* little. The entropy bonus counts in neither picture: seeds may tell a difference of 0.01 from 0, but nobody
# would notice it.
#
# One question is left. *Stable* was behind after 40,960 steps. It may be slow rather than bad. So both were trained
# for three times as long.
#
# *Predict, then run.* Does *stable* catch up?

# %%
both = {name: arm.curve(name, arm_runs.LONG) for name in ("current", "stable")}
plots.show(plots.curves_with_spread(both, x="environment steps", y="return", title="three times as long"))
late = arm.final("stable", arm_runs.LONG)
print("stable against current, both after 122,880 steps:")
print("   ", verdict(late, arm.final("current", arm_runs.LONG)))
print("stable after 122,880 steps against current after 40,960:")
print("   ", verdict(late, arm.final("current")))
print("stable after 122,880 steps against bold after 40,960:")
print("   ", verdict(late, arm.final("bold")))

# %% [markdown]
# It does not: after three times the steps it is further behind. All these steps bring it a little past the point where
# *current* stood after a third of them. "More stable" is a cure for something that *current* does not suffer from,
# since its curves do not jump or collapse, and caution has a price in steps.
#
# *Bold* is the configuration that trained the arm of the film above. It came from reading one run of *current*, as you
# can do now. Here are the diagnostics of both, the mean of the seeds.

# %%
signs = ("return", "approx_kl", "clip_fraction", "explained_variance")
for name in ("current", "bold"):
    curves = {sign: arm.curve(name, what=sign)[1].mean(axis=0) for sign in signs}
    print(f"{name:<8}", ", ".join(f"{sign} {curve[0]:.3g} to {curve[-1]:.3g}" for sign, curve in curves.items()))
print("bold against current, without seed 0:", verdict(arm.final("bold")[1:], arm.final("current")[1:]))

# %% [markdown]
# The `approx_kl` of *current* begins and ends below 0.01 and its explained variance climbs, so larger steps were worth
# a try. Hence a learning rate of 2e-3, and batches of 256 to pay for fifteen epochs. And an arm knows within ten steps
# whether a movement was good: hence a `gamma` of 0.9. All that was tried out on seed 0 alone, and the last line says
# that it was no luck of this seed.
#
# Note what became of the divergence. It ends at five times what the healthy run of packing showed, and the run does
# well. A number that is called healthy belongs to a task.
#
# All this holds for this arm and these budgets. What carries over is the way to ask: a budget that is stated, the
# same seeds for all, one change made and one taken back, and a verdict that may say "not separable". Large studies of
# this kind exist for other tasks (Andrychowicz et al., 2021).
#
# ## When a run fails
#
# Keep this list. In each row the first thing comes first because it takes a minute to look at.
#
# | symptom | look first at | then at |
# | --- | --- | --- |
# | nothing learns, `approx_kl` near 0 | `value_loss`: if it is huge, scale the reward | is the learning rate tiny? |
# | nothing learns, `approx_kl` normal | what does a random agent earn: is there any reward to find? | observations |
# | nothing learns, tiny `ep_len_mean` | masks: do they arrive? | does an illegal action end the episode? |
# | NaN, or "not finite" | observations and rewards (`VecCheckNan`) | learning rate, `max_grad_norm` |
# | collapse after success | `approx_kl` and `entropy` just before | learning rate, epochs, `target_kl` |
# | stuck early, `entropy` near 0 | sign and size of `ent_coef` | learning rate in the first updates |
# | good in training, bad in use | saved statistics of `VecNormalize` | masks in evaluation; other items |
# | `explained_variance` stays at 0 | the unit of the reward | do observations tell the return at all? |
#
# Some rows need a word. If observations are under suspicion, ask whether they hold what a person would need, look at
# their scale, and try a probe environment, as in lesson 02. A NaN often comes from a division by a standard deviation
# of 0; Stable-Baselines3's wrapper `VecCheckNan` stops where it first appears, with `raise_exception=True`, and says
# whether it came from the environment or the model. After a collapse, keep the best checkpoint and go on from there
# with smaller steps: a falling learning rate or a `target_kl`.
#
# Change one thing at a time, and start from a run that is known to work. Implementation details that look harmless
# can matter as much as the algorithm (Engstrom et al., 2020), so a healthy run on a known task is worth keeping as a
# reference, with all eight of its curves.
#
# ## Takeaways
#
# - Look at `approx_kl`, `clip_fraction`, explained variance and entropy before the reward. Losses say little, except
#   when they are huge.
# - Ask which sign came first. An entropy of 0 is often a consequence.
# - Scale rewards to returns of about 1 and observations to about -1 to 1. What `VecNormalize` learned belongs to the
#   agent.
# - Schedules and curricula are hypotheses. Test them at equal steps, on the same seeds.
# - Measure one environment step before choosing how to run many.
# - To learn which change mattered, make one at a time, and take one back at a time. Look up defaults first.
#
# ## Quiz
#
# 1. `approx_kl` and `clip_fraction` are both 0, or nearly so, from the first update on, and the reward is flat.
# Name two causes.
# <details><summary>Answer</summary>The policy does not move: the learning rate is 0 or tiny (a schedule that was
# written the wrong way round begins at its end), or the gradient's norm is cut to nothing because of a huge value
# loss.</details>
#
# 2. A critic predicts every return 5 too high. What is its explained variance, and what does the error do to
# normalised advantages?
# <details><summary>Answer</summary>1, if there is no other error. An error that all states share is gone once the
# advantages have mean 0, at least where every advantage is one return minus one value.</details>
#
# 3. Your schedule is `lambda p: 3e-4 * (1 - p)`. What happens?
# <details><summary>Answer</summary>`p` is the progress that remains. The run begins with a learning rate near 0 and
# ends with 3e-4: a rising schedule.</details>
#
# 4. An agent trained under `VecNormalize` is loaded in a web service and behaves like a beginner. What is missing?
# <details><summary>Answer</summary>The statistics. The service has to scale each observation with the saved mean and
# variance, and must not update them.</details>
#
# 5. Of two changes, each alone does not help, and both together do. Which of the two experiments shows that?
# <details><summary>Answer</summary>Leave-one-out: taking back either of them loses the gain. One change at a time
# shows nothing.</details>
#
# 6. A simulator takes 40 ms for a step, and the machine has 2 cores. Which kind of parallel environments?
# <details><summary>Answer</summary>Two processes. The exchange costs well under a millisecond, and both cores
# work.</details>
#
# ## What comes next
#
# You can now say what each hyperparameter does and what a run looks like when one is wrong. What is missing is a way
# to choose many of them at once. Lesson 06 begins with the plainest ones, grids and random draws, and with what they
# cost.
#
# ## References
#
# - J. Schulman, F. Wolski, P. Dhariwal, A. Radford, O. Klimov (2017). Proximal policy optimization algorithms.
# - M. Andrychowicz et al. (2021). What matters for on-policy deep actor-critic methods? A large-scale study. ICLR.
# - L. Engstrom, A. Ilyas, S. Santurkar, D. Tsipras, F. Janoos, L. Rudolph, A. Madry (2020). Implementation matters in
#   deep policy gradients: a case study on PPO and TRPO. ICLR.
# - A. Raffin, A. Hill, A. Gleave, A. Kanervisto, M. Ernestus, N. Dormann (2021). Stable-Baselines3: reliable
#   reinforcement learning implementations. Journal of Machine Learning Research.
# - T. F. Chan, G. H. Golub, R. J. LeVeque (1983). Algorithms for computing the sample variance. The American
#   Statistician.
# - Y. Bengio, J. Louradour, R. Collobert, J. Weston (2009). Curriculum learning. ICML.
# - S. Narvekar, B. Peng, M. Leonetti, J. Sinapov, M. E. Taylor, P. Stone (2020). Curriculum learning for
#   reinforcement learning domains: a framework and survey. Journal of Machine Learning Research.
# - M. Abadi et al. (2015). TensorFlow: large-scale machine learning on heterogeneous systems.
