# %% [markdown]
# # 05 What each hyperparameter means
#
# *100 minutes. Builds on lessons 04 and 04b: you have written PPO and used a library's. From lesson 03 it needs the
# interval of a mean difference.*
#
# When you are done you can
#
# - say of each of PPO's hyperparameters what it does, where people set it, and how a wrong value shows;
# - count the gradient steps that a setting takes, and see through settings that are the same in disguise;
# - measure how far an update moved the policy, and say what clipping does and does not limit;
# - judge a sentence about hyperparameters by runs over seeds, and say when the runs do not tell;
# - say what tuning would gain, without being fooled by having chosen the best.
#
# At the end of lesson 04b stood a dozen numbers, and most of them were somebody else's defaults. Guides explain each
# with a sentence and a star rating: "smaller is stabler", "very important". This lesson replaces the stars by runs.
# Each number was changed on its own, from far too small to far too large, with several seeds, on one task. You look at
# what came out, and build the tools to judge it.
#
# One task is one task. What holds here may not hold on yours, and the lesson says so where it matters. But the tools go
# with you.
#
# ## The record
#
# The task is the small bin of lesson 04b: 6 x 6 x 6 cells, items cut from a full bin, each to stand on a wholly
# supported base. A run is 40,000 environment steps in 32 environments, with a network of two layers of 64. The default
# settings are those of Stable-Baselines3; with 64 steps in each environment a rollout holds its 2,048 transitions.
# By default the policy packs 200 fixed streams twenty times in a run, always at the end of a rollout. The last of these
# scores was declared as the result before the first run began.
#
# A **sweep** is a set of runs in which one hyperparameter takes many values while all others stay at their defaults.
# There are twelve of them, two tables in which two hyperparameters change together, and a few schedules.

# %%
import numpy as np
import torch

from binpack import plots
from binpack.core.statistics import mean_interval
from binpack.course import exercises as ex
from binpack.course import tables
from binpack.course.l05_hyperparameters import (
    cheat_sheet,
    claims,
    knobs,
    live,
    results,
    sentences,
    sweeps,
    worth,
)
from binpack.course.l05_hyperparameters import sweep_figures as figures

torch.set_num_threads(1)
record = results.load()
print(sentences.counted(record))

# %% [markdown]
# If that were to be trained now, you would wait for hours. The runs are in a file beside the script that made them,
# `python -m binpack.course.l05_hyperparameters.record_sweeps`. Next to them, you train short ones here.
#
# ## How far an update goes
#
# Four hyperparameters decide how far the weights, and with them the policy, move from one rollout to the next.

# %%
tables.show(knobs.table("learning_rate", "clip_range", "n_epochs", "max_grad_norm"))

# %% [markdown]
# ### learning_rate
#
# The learning rate multiplies every gradient step. With Adam its meaning is direct: in one step, a weight moves by
# about the learning rate at most. At 0.0003 a weight of 0.1 needs some three hundred steps in one direction until it
# has doubled.
#
# *Predict, then run.* The values go from 0.00001 to 0.1, a factor of ten thousand. How many of the eight will do about
# as well as the best? And which end of the range is worse?

# %%
plots.show(figures.knob(record, "learning_rate"))
print(sentences.about(record, "learning_rate"))

# %% [markdown]
# Every figure of this kind is read in the same way. On the left are the learning curves, from the lowest value in
# yellow to the highest in blue, the default thicker. On the right are the scores at the end, in the same colours. Dots
# are seeds, rings are means, and whiskers are 95 % intervals of the mean.
#
# To tell the curves on the left apart, match their colours with the rings on the right.
#
# Five of the eight rates end above 0.8, and the high end is the worse one. The two ends fail in different ways. With
# the highest rates the curves are flat from the first rollouts on, each seed at a low level of its own. The lowest rate
# climbs, and then rests on a **plateau**, a level at which a curve stays for long although learning goes on. Many slow
# settings come by this one, at about 0.65, and you will meet it again at few epochs and at large batches. Both curves
# are flat at the end, and they ask for opposite changes: one setting needs more steps, and to the other more steps
# would hardly help. The score alone does not tell which is which.
#
# The two printed lines put the figure into numbers. The first one compares the means of the best and the worst value.
# Some distance between them comes by chance alone, since the largest of eight means lies above the smallest even if
# nothing matters. The last number says how much that would be here: seeds are drawn again and again from scores whose
# means have been made equal. The second line names the values that are not behind the best one, by the verdict of
# lesson 03 on the same seeds. Read it with care. The best value was picked on these very seeds, so the list is rather
# too short; and a value whose seeds scatter is harder to call behind than one with a higher mean and steadier seeds.
#
# What tells a plateau from a dead end, where more steps do not help? Train two settings for three rollouts, and look at
# what they say of themselves.

# %% tags=["nbval-ignore-output"]
tables.show(live.compare({"learning_rate 0.0003": {}, "learning_rate 0.03": {"learning_rate": 0.03}}))

# %% [markdown]
# The last column, the **explained variance**, is the share of the returns' variance that the critic foresees: 1 is
# perfect, and below 0 it is worse than a constant. It is taken before each update, so a critic that has hardly been
# trained can lie far below 0.
#
# Look at the entropy. The policy of the high rate has become nearly certain of each action, after three rollouts in
# which it had hardly seen anything. A certain policy takes the same actions again and again, so no advantage tells it
# about others. Its curve is flat because it has stopped exploring. A policy on a plateau is still undecided.
#
# ### A measure of distance
#
# So the question behind the learning rate is how far an update moves the *policy*. Weights do not say this, but
# probabilities do. Take four actions of a rollout. The old policy gave them the probabilities 0.5, 0.25, 0.4 and 0.1,
# the updated one gives them 0.3, 0.5, 0.44 and 0.105. The ratios new over old are 0.6, 2, 1.1 and 1.05. Two of the four
# are outside of 0.8 to 1.2, so at a clip range of 0.2 the **clip fraction**, the share of samples whose ratio has left
# the clip range, is 0.5.
#
# The usual measure of the distance itself is the KL divergence from the old policy to the new one, a mean of
# $\log(\pi_{old} / \pi_{new})$ over the old policy's actions. On the four samples this gives (0.511 - 0.693 - 0.095 -
# 0.049) / 4 = -0.08. But a KL divergence is never negative. With so few samples, the estimate is mostly noise. Schulman
# (2020) proposes to estimate it by
#
# $$k = (r - 1) - \log r, \qquad r = \frac{\pi_{new}(a \mid s)}{\pi_{old}(a \mid s)}$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $\pi(a \mid s)$ | | probability of the action, $p$ in lesson 04 |
# | $\log r$ | `log_ratio` | new log probability minus old, one for each sample |
# | $r$ | `ratio` | how many times as likely the action has become |
# | $k$ | mean is `approx_kl` | estimate of the KL divergence from one sample |
#
# The added part, $r - 1$, is 0 on average: the probabilities of the new policy sum to 1, as do those of the old. So the
# mean stays right, and since $\log r \le r - 1$ no sample is below 0. On the four samples it is 0.11. Stable-Baselines3
# logs both numbers, `approx_kl` and `clip_fraction`. It takes them from each minibatch while the update goes on, and
# logs the mean; you will compare the policies before and after.

# %% [exercise hyperparameters.policy_change]

# %% [markdown]
# Now measure real updates. `live.one_update` collects one rollout with fresh weights, updates on it with all ten
# epochs, and returns the log probabilities of the same actions before and after.
#
# *Predict, then run.* Each rate is tried with a clip range of 0.2, and with one of 100, which clips nothing. At which
# of these rates does clipping limit how far the policy moves?

# %% tags=["nbval-ignore-output"]
for rate in (1e-4, 1e-3, 1e-2, 3e-2):
    updates = [live.one_update({"learning_rate": rate, "clip_range": clip}) for clip in (0.2, 100.0)]
    (kl, fraction), (unclipped, _) = [policy_change(old, new, clip_range=0.2) for old, new in updates]
    print(f"learning_rate {rate:<6g} approx_kl {kl:6.3f}, clip_fraction {fraction:.2f}; unclipped {unclipped:6.3f}")

# %% [markdown]
# Compare the first number of each line with the last. At small rates clipping holds the policy back by a large factor.
# At the highest it makes no difference. Clipping stops the gradient of a sample *once* its ratio is outside. It does
# not bring the ratio back, and it cannot stop a single step that jumps across the whole range. Small steps notice the
# border, large ones do not.
#
# In a log, `approx_kl` is therefore the first number to look at when a run does not learn. What it was in the sweep, on
# average over each run:

# %%
tables.show(sentences.diagnostics(record, "learning_rate"))

# %% [markdown]
# Compare the columns `final` and `approx_kl` from the top. Going down, the divergence grows with the learning rate, and
# the best scores have neither the smallest nor the largest. You will ask below whether there is a band that good
# settings share. The last column tells the plateau from the dead end: the lowest rate ends undecided, the two highest
# are certain.
#
# The clip fraction rises and falls again. A policy that is certain gives nearly all its actions the probability 1,
# before an update and after it, and that is a ratio of 1. The few samples that do change leave the scale altogether,
# which is why `approx_kl` is so large there.
#
# "Seeds apart" is the standard deviation of the final score over seeds. "Setbacks" is how much is lost, on average,
# from one evaluation to the next in the second half of a run; what is won counts as 0.
#
# ### clip_range
#
# The clip range is how far a ratio may go before its gradient stops. The range that guides recommend is 0.1 to 0.4; the
# sweep goes from 0.02 to 0.8, where hardly anything is clipped.
#
# *Predict, then run.* If clipping is what keeps PPO stable, 0.8 should do great harm. Does it? And what will
# `clip_fraction` be at 0.02 and at 0.8?

# %%
plots.show(figures.knob(record, "clip_range"))
print(sentences.about(record, "clip_range"))
tables.show(sentences.diagnostics(record, "clip_range"))

# %% [markdown]
# From the narrowest range to the widest, the clip fraction falls, because a wider gauge finds fewer ratios outside. So
# a clip fraction of 0.1 means nothing without the clip range beside it. The column `approx_kl` does not depend on the
# range by its definition: it says how much further the policy really moved.
#
# At the default learning rate the clip range works as a brake. With the narrowest range nearly half of the samples are
# outside; an update moves the policy little, and the last column shows it still undecided at the end. With the widest,
# `approx_kl` is more than a hundred times as large, and the policy becomes nearly certain. Great harm there is none:
# 0.8 ends where the default does, with seeds further apart. At this learning rate the steps are too small to need much
# of a guard, and where they are large, as in the live runs above, they jump across it. Engstrom et al. (2020) found in
# the same spirit that much of what is credited to PPO's clipping comes from other details of its code.
#
# ### n_epochs
#
# A rollout is expensive and a gradient step is cheap, so each rollout is gone through several times. After the first
# epoch the samples no longer come from the policy that is updated; the ratio corrects for that, and the clip range says
# how far. More epochs mean more steps on the same samples.
#
# *Predict, then run.* One epoch uses each sample once, thirty use it thirty times. Is thirty too many, at the default
# learning rate?

# %%
plots.show(figures.knob(record, "n_epochs"))
print(sentences.about(record, "n_epochs"))

# %% [markdown]
# Thirty epochs are not too many here: their mean is the highest, and the intervals of 10, 20 and 30 overlap. Mind the
# axis on the left: it counts environment steps and not seconds. With 30 epochs a run takes three times as many
# gradient steps as with 10, which is most of its time. If your environment is slow, as a simulator often is, epochs are
# nearly free and you read the figure as it stands. If it is fast, as here, a value that is a little worse for a third
# of the time may be the better buy.
#
# ### max_grad_norm
#
# The gradient of all weights together is one long vector. Where it is longer than `max_grad_norm`, it is shortened to
# that length and keeps its direction. With `max_grad_norm` 0.5, a gradient whose parts are (0.3) and (0.4) is 0.5 long
# and stays. One of (3) and (4) is 5 long, and all its parts are divided by 10. That is what has to be done: cutting
# each part on its own to 0.5 would give (0.5) and (0.5), another direction.

# %% [exercise hyperparameters.clip_by_norm]

# %% [markdown]
# What does this do to a run? The next cell makes a hundred gradients with a common direction, noise, and lengths around
# 1.5. Your function shortens them, and Adam takes its hundred steps with what is left.
#
# *Predict, then run.* With a limit of 0.01 the gradients are a hundred and fifty times shorter. How much shorter is the
# way that Adam goes?

# %%
gradients = live.noisy_gradients()
for max_norm in (1e6, 0.5, 0.1, 0.01):
    cut = [clip_by_norm(parts, max_norm) for parts in gradients]
    mean = np.mean([live.length(parts) for parts in cut])
    print(f"max_grad_norm {max_norm:<9g} mean length {mean:.2f}, Adam's way {live.adam_path(cut):.3f}")

# %% [markdown]
# It is not shorter, it is even a little longer. Adam divides each step by the size that recent gradients had, so a
# factor that is common to all of them cancels. What remains of the clipping is something else: gradients that differed
# in length are now equally long, and a few long ones no longer swell the divisor for all others. A single huge gradient
# would not throw the weights far either, since Adam bounds the step. But it would swell the divisor, and for hundreds
# of steps after it the weights would hardly move. Cut to length, it cannot. This is what `max_grad_norm` is for, and
# without such gradients it has little to do. Now the sweep, from a limit that cuts nearly every gradient to no limit at
# all:

# %%
plots.show(figures.knob(record, "max_grad_norm"))
print(sentences.about(record, "max_grad_norm"))

# %% [markdown]
# Compare the distance of the means with what chance would give. If they are close, these runs show no difference
# between seven values over so wide a range, and a guide that gives this number three stars has not measured it here.
# The last two columns of dots are the same runs: no gradient was longer than 5.
#
# ## How much is collected before an update
#
# The next three hyperparameters say how many transitions a rollout holds, where they come from, and into which pieces
# it is cut.

# %%
tables.show(knobs.table("n_steps", "n_envs", "batch_size"))

# %% [markdown]
# ### n_steps, and the number of environments
#
# A rollout holds `n_steps` times the number of environments: 64 x 32 = 2,048 transitions by default. With `n_steps` of
# 8 it holds 256, and a run of 40,000 steps makes 157 updates. With 512 it holds 16,384, and there are 3. (Three whole
# rollouts are 49,152 steps, so this setting takes a fifth more steps than the others. It also has few evaluations,
# since these come at the ends of rollouts.)
#
# *Predict, then run.* The number of gradient steps in a run is about the same for all of them. Which learns faster at
# first, small rollouts or large ones? Which is better at the end?

# %%
plots.show(figures.knob(record, "n_steps"))
print(sentences.about(record, "n_steps"))

# %% [markdown]
# A live comparison shows the beginning. Both of these settings collect 6,144 steps and take the same number of gradient
# steps, the first after 24 rollouts, the second after a single one.

# %% tags=["nbval-ignore-output"]
tables.show(live.compare({"n_steps 8": {"n_steps": 8}, "n_steps 192": {"n_steps": 192}}))

# %% [markdown]
# After each update, the next rollout is collected by a better policy. The first setting has had this profit 23 times.
# The second has spent all its gradient steps on what the untrained policy did. In the sweep, too, large rollouts are
# the worse end: above 64 steps each doubling costs several hundredths. The price of small rollouts would be noise,
# since each update sees few episodes, and of an episode that the end of a rollout cuts, the rest is the critic's guess.
# Here an episode is so short that 8 steps hold one or two, and the price hardly shows.
#
# The same 2,048 transitions can come from one environment with 2,048 steps or from 256 environments with 8. The number
# of gradient steps and the size of the rollout are equal in all six settings of the next sweep.
#
# *Predict, then run.* Is there a reason why one should learn better than another?

# %%
plots.show(figures.knob(record, "n_envs"))
print(sentences.about(record, "n_envs"))

# %% [markdown]
# What differs is how many different streams of items a rollout sees at one time, and how many of its episodes are cut
# at its end and finished by the critic's guess. With short episodes neither weighs much. The great difference is one
# that the figure does not show: 256 environments in one numpy batch are stepped many times as fast as one. Lesson 05b
# times batches of 2 and of 32.
#
# ### batch_size
#
# In each epoch the rollout is shuffled and cut into minibatches, with a gradient step for each. So `batch_size` decides
# how many gradient steps there are: 2,048 transitions in minibatches of 64 make 32 steps an epoch, and 320 an update.
#
# What if the batch size does not divide the rollout? With 5 steps of 2 environments there are 10 transitions.
# Minibatches of 4 leave 2 over, and these are a last, smaller minibatch. Its gradient is noisier, and its samples count
# twice as much as others. With 3 steps of 3 environments and the same minibatches of 4, one transition is left over.
# MaskablePPO cannot normalize its advantage: the standard deviation of a single number is 0 / 0, the loss becomes NaN,
# and the next step spreads it to all weights. (Plain PPO leaves out the normalization there, and both warn of such
# sizes.) The trainer of this package lets the single transition join the minibatch before it, so the sizes are 4 and 5.

# %% [exercise hyperparameters.minibatch_sizes]

# %% [markdown]
# With it you can count what guides leave out, the gradient steps of a whole run. And a batch that is larger than the
# rollout is refused:


# %%
def gradient_steps(n_steps: int, batch_size: int, n_epochs: int = 10) -> int:
    rollouts = -(-sweeps.STEPS // (n_steps * 32))  # rounded up
    return rollouts * n_epochs * len(minibatch_sizes(n_steps, 32, batch_size))


for n_steps, batch_size in ((64, 64), (64, 2048), (64, 1000), (8, 64), (512, 64)):
    print(f"n_steps {n_steps:>3}, batch_size {batch_size:>4}: {gradient_steps(n_steps, batch_size):>6,} gradient steps")
print("batch_size 4096:", live.refusal({"batch_size": 4096}))

# %% [markdown]
# From a batch of 64 to one of 2,048, a run loses all but a thirty-second of its steps, although it sees the same data
# equally often. From `n_steps` 8 to 512 the number stays about the same.
#
# *Predict, then run.* What will a large batch look like: like a small learning rate, or like a large one?

# %%
plots.show(figures.knob(record, "batch_size"))
print(sentences.about(record, "batch_size"))
tables.show(sentences.diagnostics(record, "batch_size"))

# %% [markdown]
# Compare the ends of the column `approx_kl`: with the largest batch an update moves the policy less than half as far as
# with the smallest, because it consists of fewer steps. It has 128 times fewer of them, so these are not all that
# counts: the gradient of a large batch is steadier, and its steps add up. Part of what a batch size does, the learning
# rate and the number of epochs do too. This is what makes sweeps of one number treacherous, and two numbers at a time
# worth their price.
#
# ## Two at a time
#
# An **interaction** of two hyperparameters means that the best value of one depends on the value of the other. Sweeps
# of one at a time cannot see it. These two pairs share something that can be counted: gradient steps.
#
# First `n_steps` with `batch_size`. This table has your counts:

# %%
rows, columns = sweeps.GRIDS["n_steps", "batch_size"]
counts = {(n, size): gradient_steps(n, size) for n in rows for size in columns}
table = np.array(list(counts.values())).reshape(len(rows), len(columns))
plots.show(figures.grid_steps(table, "n_steps", "batch_size"))

# %% [markdown]
# *Predict, then run.* The next table has the final scores, as differences from the default's in hundredths of the bin.
# Will it look like the table of counts?

# %%
plots.show(figures.grid(record, "n_steps", "batch_size"))
print(sentences.steps_beside_scores(record, counts))

# %% [markdown]
# A frame marks a cell whose difference from the default can be told from 0. The printed number compares the two tables:
# it is 1 if the cells stand in the same order in both, by steps and by score, and 0 if the orders have nothing to do
# with each other (Spearman, 1904). The closer it is to 1, the more of the table is explained by counting gradient
# steps. It is well below 1. Along the row of 16 steps the scores fall with the count. In the row of 256 they are poor
# whatever the count is, because such a run has only five updates. So count both: gradient steps, and how often the
# policy that collects is renewed.
#
# The second pair is `learning_rate` with `n_epochs`. The question is whether each number of epochs has a best rate of
# its own.
#
# *Predict, then run.* As the number of epochs grows from 1 to 20, should the best learning rate grow or shrink?

# %%
plots.show(figures.grid(record, "learning_rate", "n_epochs"))
print(sentences.rates_beside_epochs(record))

# %% [markdown]
# The printed lines name the best rate for each number of epochs, and they are the weaker evidence: a best rate and its
# neighbour are often not separable. Read the table. With one epoch, the lower rates lose far more than with twenty, and
# with twenty they hardly lose anything. Few epochs need a high rate, and many get along with a low one. Whoever tunes
# one of the two with the other fixed at a bad value finds the best of a bad row, so the two are tuned together, as
# random search and TPE do in the lessons to come.
#
# ## What counts as good
#
# Four hyperparameters decide what an action is credited with.

# %%
tables.show(knobs.table("gamma", "gae_lambda", "vf_coef", "normalize_advantage"))

# %% [markdown]
# ### gamma
#
# A reward that comes k steps later counts $\gamma^k$. With 0.99, a reward 69 steps away counts half; with 0.9 that is
# so after 6.6 steps, with 0.5 after a single one. The weights of all future steps sum to $1 / (1 - \gamma)$, which is
# called the **effective horizon**: 100 steps for 0.99, 10 for 0.9, 2 for 0.5. At the horizon a reward still counts
# about a third, at three horizons a twentieth.
#
# What this means depends on how long an episode is:

# %%
print(sentences.episodes(record))
discounts = {f"gamma {gamma:g}": gamma ** np.arange(7) for gamma in (0.5, 0.8, 0.95, 0.99)}
plots.show(figures.weights(discounts, x="step of an episode", y="weight of its reward", title="what a reward counts"))

# %% [markdown]
# Over seven steps the line of 0.99 stays near 1, and that of 0.95 falls to about three quarters. For so short an
# episode
# 0.99 hardly discounts, and 0.95 a little. The low values change what is asked for: with 0, an item should take the
# largest reward now, whatever it blocks.
#
# *Predict, then run.* The reward here is the volume of the item, whose size the agent cannot choose. What can a policy
# learn with gamma 0, where only the next item's volume counts?

# %%
plots.show(figures.knob(record, "gamma"))
print(sentences.about(record, "gamma"))

# %% [markdown]
# With gamma 0, the only question is whether the item in hand is packed at all, and masks answer that before the policy
# is asked. Every legal action has the same reward, so there is nothing to learn from. The larger gamma is, the more of
# the items that are still to come count for the place of this one.
#
# "Short episodes want gamma 0.95" is a rule that you can find in guides. The figure shows what the rule can matter at
# most here, and below it stands trial.
#
# ### gae_lambda
#
# Lesson 04 computed the advantage by a backwards recursion. What it computes is a mixture. One estimate of the
# advantage takes a single reward and then trusts the critic; another takes two rewards and then trusts the critic; the
# longest takes all rewards to the end, and needs the critic only for the baseline that each of them subtracts.
# Generalized advantage estimation takes the weighted mean of them all (Schulman et al., 2016):
#
# $$\hat A = \sum_{n=1}^{N-1} (1 - \lambda)\,\lambda^{n-1} \hat A^{(n)} \;+\; \lambda^{N-1} \hat A^{(N)}$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $\lambda$ | `gae_lambda` | how much less each further step counts |
# | $N$ | `length` | steps to the end of the episode |
# | $\hat A^{(n)}$ | | estimate from n rewards and then the critic |
# | its factor | `weights[n - 1]` | its weight in the mixture |
#
# With $\lambda = 0.5$ and 3 steps to go the weights are 0.5, 0.25 and 0.25: what the endless series would give to
# estimates beyond the end belongs to the last one. So they sum to 1. With $\lambda = 0$ the first has all the weight,
# with $\lambda = 1$ the last.

# %% [exercise hyperparameters.estimate_weights]

# %% [markdown]
# Look at your weights for an episode with six steps to go.
#
# *Predict, then run.* The default is 0.95. Which of the six estimates has the largest weight?

# %%
mixtures = {f"lambda {value:g}": estimate_weights(value, 6) for value in (0.0, 0.5, 0.8, 0.95, 1.0)}
plots.show(
    figures.weights(mixtures, x="rewards in the estimate", y="weight", title="what GAE mixes, 6 steps from the end")
)

# %% [markdown]
# At 0.95 the last estimate, in which the critic is nothing but the baseline, has 77 % of the weight, and at 1 it has
# all. A sentence such as "lambda 0.95 balances bias and variance" was written for episodes of a thousand steps, where
# the mean look ahead is 1 / (1 - 0.95) = 20 of them. Here the end comes before. Towards 0 the critic decides, and early
# in training it knows nothing.

# %%
plots.show(figures.knob(record, "gae_lambda"))
print(sentences.about(record, "gae_lambda"))

# %% [markdown]
# ### vf_coef
#
# The value loss is added to the policy's loss with the weight `vf_coef`. If actor and critic share layers, it decides
# whose features win. Here they share none: each has two layers of its own. Then a weight on the critic's loss scales
# the critic's gradient alone, and Adam undoes scales, as you saw above. What is left is the common limit
# `max_grad_norm`.
#
# *Predict, then run.* At 0 the critic learns nothing. What will the explained variance be? And can PPO learn without a
# critic?

# %% tags=["nbval-ignore-output"]
tables.show(live.compare({"vf_coef 0.5": {}, "vf_coef 0": {"vf_coef": 0.0}}))

# %%
plots.show(figures.knob(record, "vf_coef"))
print(sentences.about(record, "vf_coef"))

# %% [markdown]
# An untrained critic explains less than nothing: its random values add variance. With lambda 0.95 and short episodes
# the advantage hardly puts its values in the place of rewards, so they mislead it little. But its value is still what
# is subtracted as a baseline, and a baseline that knows nothing takes no noise away (lesson 04). What a trained critic
# is worth, you see by how far the value 0 lies below the others in the figure. How much its loss weighs, once it is
# not 0, matters far less.
#
# ### normalize_advantage
#
# In each minibatch the advantages are shifted to mean 0 and scaled to a standard deviation of 1. After that their size
# no longer depends on the unit of the reward. A sweep of two values:

# %%
plots.show(figures.knob(record, "normalize_advantage"))
print(sentences.about(record, "normalize_advantage"))

# %% [markdown]
# Rewards here are shares of the bin's volume, around 0.1, and so are the advantages. Without normalization the policy's
# gradient shrinks with them. Adam makes up for that where actor and critic share no layers; an entropy bonus would
# suddenly weigh ten times as much. If your reward counts in thousands it is the other way round. Normalization is less
# a knob than an insurance against units; the sweep says what the insurance was worth in this unit.
#
# ## How long to stay undecided
#
# The entropy bonus pays the policy for being undecided: `ent_coef` times the entropy is subtracted from the loss. How
# large is large? The surrogate works on normalized advantages, whose size is 1, and an entropy is at most the logarithm
# of the number of legal actions, here about 1.8. So a coefficient of 0.3 is in reach of the advantages themselves,
# while 0.001 is a gentle hint.

# %%
tables.show(knobs.table("ent_coef"))

# %% [markdown]
# *Predict, then run.* The next cell trains with a bonus of 0 and with one of 1, both at a learning rate of 0.001, so
# that something moves in three rollouts. Which entropy is higher, and which policy moves further?

# %% tags=["nbval-ignore-output"]
fast = {"learning_rate": 1e-3}
tables.show(live.compare({"ent_coef 0": fast, "ent_coef 1": {**fast, "ent_coef": 1.0}}))

# %% [markdown]
# The bonus pulls against whatever the advantages ask for, so the policy also moves less. Over a whole run:

# %%
plots.show(figures.knob(record, "ent_coef"))
print(sentences.about(record, "ent_coef"))
tables.show(sentences.diagnostics(record, "ent_coef"))

# %% [markdown]
# The last column shows the entropy at the end of training. A bonus is worth its price where a policy becomes certain
# too early. Here it does not: 0 and the small values are alike, and 0.3 is clearly behind. So is 0.03, though only
# just, and 0.1 is not, so luck may have a part in it. The scores are those of the most likely action at each step, so
# an undecided policy does not lose by acting at random; it loses by what it has not learned.
#
# ## Claims on trial
#
# You have seen twelve sweeps. Guides turn such experience into sentences: "a smaller clip range is stabler", "more
# epochs overfit". A sentence of this kind compares two settings by a number. It can be put to the test with a rule that
# is fixed before looking.
#
# Take "small rollouts learn fast", and two settings with three seeds each. `n_steps` 16 scores 0.71, 0.82 and 0.93,
# `n_steps` 64 scores 0.70, 0.80 and 0.92. The intervals of the two means overlap nearly completely, because the seeds
# differ much. But seed by seed the differences are 0.01, 0.02 and 0.01, and their interval reaches from -0.001 to
# 0.028: close to a verdict, but 0 is inside, so three seeds do not tell. A seed fixes the first weights and the first
# items, which is why runs of the same seed are compared with each other.
#
# The rule has four answers, and "not separable" is one of them. It does not say that two settings are equal. It says
# that these runs do not show which is better. `mean_interval(differences)`, from the first cell, gives the two ends of
# the 95 % interval.

# %% [exercise hyperparameters.judge_claim]

# %% [markdown]
# Put three sentences to it. Each says that the first setting scores more than the second at the end. A linear schedule
# lets the learning rate fall to 0 over the run.
#
# *Predict, then run.* Which of the three hold?

# %%
pairs = {
    "a linear learning rate helps": ({"learning_rate_schedule": "linear"}, {}),
    "advantages should be normalized": ({}, {"normalize_advantage": False}),
    "learning_rate 0.1 beats the default": ({"learning_rate": 0.1}, {}),
}
for says, settings in pairs.items():
    first, second = (dict(zip(record.seeds, record.runs(change).final.tolist(), strict=True)) for change in settings)
    print(f"{says}: {judge_claim(first, second)}")

# %% [markdown]
# Other sentences are about other numbers. "Faster" is the mean score over the first quarter of a run. "Unstable" can
# mean two things: that a run has setbacks on its way, or that seeds end far apart. For the second, take how far each
# run ends from the median of its setting. The mean of this distance is larger where seeds differ more, and comparing
# two such means is a known test of equal spread that does not ask for normal scores (Brown and Forsythe, 1974). It
# takes many runs: with ten seeds it detects a spread three times as large in about half of all cases, and under six
# seeds it says nothing here.
#
# One sentence is about `target_kl`, which ends an update as soon as `approx_kl` passes 1.5 times its value. Two are
# about diagnostics: good runs have an `approx_kl` of 0.01 to 0.05 and a `clip_fraction` of 0.1 to 0.3. For these, all
# settings with a single change are divided into those inside and those outside. The table also counts on each side
# those that are not behind the default. That the defaults need no tuning is judged with a tool that comes in the next
# part, and the claim about processes is left to lesson 05b.
#
# These are the sentences:

# %%
found = claims.findings(record)
print(*(each.says for each in found), sep="\n")

# %% [markdown]
# *Predict, then run.* Write down for each of them whether you believe it, before you look.

# %%
tables.show(claims.table(found))
print(claims.tally(found))

# %% [markdown]
# Read the verdicts with three reservations. First, "here" means this task, with episodes of a few steps. A sentence
# that fails here may hold where episodes are long. Second, with a 95 % interval each sentence, about one in twenty
# verdicts would be wrong even if nothing mattered: of so many sentences, expect one.
#
# Third, the two bands compare all settings inside with all those outside. Most of those inside changed a number that
# `approx_kl` does not react to, so they are nearly the default again; and some outside are absurd on purpose. Both make
# a band look good. `n_steps` 16 is outside of both bands and `clip_range` 0.5 outside of one, and each is the best of
# its sweep. A value far outside is a warning; a value inside is no recommendation.
#
# A schedule that lets the default rate fall to 0 does harm here. The rate was rather low already, and the second half
# of the run goes by with a rate that is lower still.
#
# ## What tuning gains
#
# The sweeps tell what a wrong value costs. What a *tuned* value gains over the default is another question, and a
# tempting mistake is to answer it from the same figure: take the best value and subtract the default.
#
# Suppose that five values are equally good, the default among them, and only luck differs. In four of five cases
# another one than the default has the best mean, and then it seems to gain something. Its runs were used twice: to
# choose it and to judge it. Judged on fresh seeds, the gain would be gone.
#
# There are no fresh seeds here, but there is a way to do without. Deal the seeds into two halves, those at even places
# and those at odd ones. The even half chooses a value, and the odd half judges it against the default; then the other
# way round. No run judges a choice that it took part in. This is **cross-fitting**: what is chosen on one part of the
# data is judged on another, and each part plays both roles.
#
# An example with two values. The default scores 0.8 with each of four seeds, the other 0.9, 0.7, 0.9 and 0.7. On the
# even places, 0 and 2, the other has a mean of 0.9 and is chosen; on the odd places, where it is judged, it gains -0.1
# each time. The odd half chooses the default, and on the even places the gain is 0. So the gains are 0, -0.1, 0 and
# -0.1. The value that looked so good was good on the even seeds alone.

# %% [exercise hyperparameters.honest_gain]

# %% [markdown]
# Compare the two ways of asking, for each hyperparameter: choosing and judging on the same seeds, and cross-fitted.

# %%
for name in results.KNOBS:
    scores, default = record.finals(name), results.values_of(name).index(results.default_of(name))
    naive = (scores[scores.mean(axis=1).argmax()] - scores[default]).mean()
    print(f"{name:<20} same seeds {naive:+.4f}   cross-fitted {honest_gain(scores, default).mean():+.4f}")

# %% [markdown]
# The left column cannot be negative: the default itself is among the values. The right one can. Where it is about 0 or
# below while the left is positive, the apparent gain was luck, as far as these seeds tell. Where both columns agree,
# the two halves chose the same value.
#
# The next figure puts both questions side by side. On the left stands the distance between the best and the worst mean,
# with a mark where chance alone would put it: this is what a wrong value costs. On the right is the cross-fitted gain
# with its interval, green where it can be told from 0.
#
# *Predict, then run.* Guides say: the reward first, then learning rate, `n_steps` and clip range, and leave the rest at
# its default. Will these three be on top?

# %%
worths = worth.worths(record)
plots.show(figures.ranking(worths))
print(sentences.order(worths))

# %% [markdown]
# By what a wrong value costs, the learning rate is near the top and the two others follow further down. Gamma, which
# the guides do not name, is first because of its value 0. By what tuning gains, two of the three can be told from 0.
# Twelve intervals are drawn here, so one that lies off 0 by luck would be no surprise.
#
# The left column depends on how far the sweep went: a range up to absurd values makes any knob important. So it is a
# list of what can be broken. The right column is the list of what can be gained, one at a time, from a good default.
# The two lists need not agree, and neither knows the reward, which this lesson left alone: what the agent is paid for
# defines the problem, so it comes first, and no hyperparameter mends a wrong one.
#
# A way of working follows. Make sure that the reward says what you want. Check the scale of the learning rate by
# `approx_kl` in short runs; not by the early score, which ranks the rates of this record wrongly. Choose the rollout so
# that it holds some whole episodes, and count the gradient steps. Then tune together what interacts, with a search and
# seeds that you do not judge on: this is what lessons 06 to 10 do. Leave alone what did not matter.
#
# Others have measured the same on other tasks. Eimer et al. (2023) find that values tuned on few seeds often fail on
# others, and that it depends on the task which hyperparameters matter. Andrychowicz et al. (2021) compare PPO's choices
# on five tasks of continuous control, Huang et al. (2022) list the details of its code that such choices hide in. And
# why a curve without its seeds proves nothing is shown by Henderson et al. (2018), and what to report instead by
# Agarwal et al. (2021).
#
# ## The cheat sheet
#
# All of this on one page. The columns on the left are what is known of each hyperparameter in general, those on the
# right were measured here.

# %%
tables.show(cheat_sheet.table(record))

# %% [markdown]
# To print it on one side of A4, write it to a file and open that in a browser:
#
# ```bash
# .venv/bin/python -m binpack.course.l05_hyperparameters.cheat_sheet cheat_sheet.html
# ```
#
# ## Takeaways
#
# - A flat curve is a plateau or a dead end. The score does not tell which; entropy and `approx_kl` do.
# - `approx_kl` says how far an update moved the policy. Clipping brakes small steps; large ones jump across it.
# - Adam undoes common scales, so limits and weights on gradients matter less than they seem to.
# - Count gradient steps: rollouts x epochs x minibatches. And count updates: equal gradient steps on fewer, larger
#   rollouts did worse.
# - Gamma and lambda are lengths. Compare them with the length of your episodes.
# - A sentence about hyperparameters is a comparison: of which number, over which seeds, with which interval.
# - What was chosen on some seeds has to be judged on others.
#
# ## Quiz
#
# 1. A run's curve lies flat at a low score from the tenth update on, and its entropy is 0.01. A colleague proposes ten
# times as many steps. What do you say?
# <details><summary>Answer</summary>More steps will not help: a policy that is certain sees no other actions. The
# learning rate was too high, or the entropy bonus too low, at the beginning. Look at `approx_kl` of the first
# updates.</details>
#
# 2. You raise the batch size from 64 to 256 and want the policy to move about as far an update as before. What could
# you change?
# <details><summary>Answer</summary>There are now a quarter of the gradient steps. Four times as many epochs, or a
# higher learning rate, bring the distance back. Check it by `approx_kl`.</details>
#
# 3. Somebody reports a clip fraction of 0.02 and calls the run too timid. What do you ask?
# <details><summary>Answer</summary>The clip range. With a wide one, a policy that moves far is hardly ever clipped. And
# `approx_kl`, which does not depend on it.</details>
#
# 4. Your episodes have 1,000 steps. Does a gamma of 0.95 still discount so little?
# <details><summary>Answer</summary>No. Its effective horizon is 20 steps, so the agent is asked for what pays off
# within some dozens of steps. For short episodes the same number hardly discounts.</details>
#
# 5. In a sweep of ten values with three seeds, the best mean is 0.03 above the default. Will you change the default?
# <details><summary>Answer</summary>Not on this ground. The best of ten means is above by luck alone. Run the two on
# seeds that took no part in the choice, or cross-fit, and look at the interval.</details>
#
# 6. A paper says that PPO is insensitive to `max_grad_norm`. Your network shares layers between actor and critic, and
# rewards are in thousands. Does it apply?
# <details><summary>Answer</summary>Perhaps not. Adam cancels a common scale, but where a huge value gradient and a
# small policy gradient share one limit and the same weights, the limit and `vf_coef` decide who is heard.</details>
#
# ## What comes next
#
# Here hundreds of finished runs were compared. In daily work there is one run, and it does not look right. Lesson 05b
# reads it while it trains: four sick runs, schedules, scaling, a curriculum, and another task.
#
# ## References
#
# - J. Schulman, P. Moritz, S. Levine, M. Jordan, P. Abbeel (2016). High-dimensional continuous control using
#   generalized advantage estimation. ICLR.
# - J. Schulman, F. Wolski, P. Dhariwal, A. Radford, O. Klimov (2017). Proximal policy optimization algorithms.
# - J. Schulman (2020). Approximating KL divergence. His blog.
# - M. Andrychowicz et al. (2021). What matters for on-policy deep actor-critic methods? A large-scale study. ICLR.
# - L. Engstrom et al. (2020). Implementation matters in deep RL: a case study on PPO and TRPO. ICLR.
# - P. Henderson, R. Islam, P. Bachman, J. Pineau, D. Precup, D. Meger (2018). Deep reinforcement learning that matters.
#   AAAI.
# - S. Huang, R. F. J. Dossa, A. Raffin, A. Kanervisto, W. Wang (2022). The 37 implementation details of proximal policy
#   optimization. ICLR blog track.
# - T. Eimer, M. Lindauer, R. Raileanu (2023). Hyperparameters in reinforcement learning and how to tune them. ICML.
# - R. Agarwal, M. Schwarzer, P. S. Castro, A. C. Courville, M. G. Bellemare (2021). Deep reinforcement learning at the
#   edge of the statistical precipice. NeurIPS.
# - D. P. Kingma, J. Ba (2015). Adam: a method for stochastic optimization. ICLR.
# - M. B. Brown, A. B. Forsythe (1974). Robust tests for the equality of variances. Journal of the American Statistical
#   Association.
# - C. Spearman (1904). The proof and measurement of association between two things. American Journal of Psychology.
