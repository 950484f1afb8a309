# %% [markdown]
# # 04 PPO from the inside
#
# *130 minutes, best in two sittings. Builds on lessons 02 and 03, and on PyTorch's modules and autograd.*
#
# When you are done you can
#
# - say what a policy gradient is, work one out by hand, and measure how noisy it is;
# - say what a baseline, an advantage, a trust region and a clip are for, each with a measurement;
# - build proximal policy optimization (PPO) from eight functions, each of them tried as soon as it is written;
# - tell an episode that ended from one that was cut off, and say what each does to an advantage;
# - find a wrong part with tasks whose answers are known, and the two mistakes of a published listing;
# - train an agent of your own that packs a small bin better than the best rule of thumb of lesson 03.
#
# The deep Q-network of lesson 02 learned what each action is worth, and acted by the largest number. Lesson 03 built a
# bin in which most actions are illegal at any moment. A Q-network can pack, but it takes a detour: it has to learn the
# worth of every placement, when all that is asked is *which one*. This lesson learns the answer itself.
#
# ## A policy instead of values
#
# A **policy** says how likely each action is in a state. Ours is a network that gives one number for each placement, a
# **logit**. Logits are turned into probabilities by a *softmax*: exponentials, divided by their sum. Take five
# placements, of which two are illegal at the moment:
#
# | placement | 1 | 2 | 3 | 4 | 5 |
# | --- | --- | --- | --- | --- | --- |
# | logit $z$ | 2 | 1 | 3 | 1 | 0 |
# | legal | yes | yes | no | yes | no |
# | $e^z$ of the legal ones | 7.39 | 2.72 | - | 2.72 | - |
# | probability | 0.58 | 0.21 | 0 | 0.21 | 0 |
#
# Placement 3 has the largest logit, and it gets nothing. A forbidden logit is replaced by a number so low that its
# exponential is 0, such as $-10^8$, and the softmax then shares everything among the legal ones (Huang and Ontañón,
# 2022). So an illegal placement is never drawn, and nothing has to be learned about it.
#
# A policy that *draws* its actions explores by itself, and needs no epsilon.
#
# The first cell loads what the lesson needs; there is no need to read it.

# %%
import numpy as np
import torch
from torch import nn

from binpack import plots
from binpack.core import heuristics
from binpack.core.statistics import verdict
from binpack.course import exercises as ex
from binpack.course.l04_ppo import exercises as reference
from binpack.course.l04_ppo import figures, gradients, listing, loop, probes
from binpack.course.l04_ppo.agent import Parts, Settings, make_agent, make_batch
from binpack.course.l04_ppo.packing import SMALL, TEST_SEED, Packing, judge
from binpack.course.progress import progress_bar

torch.set_num_threads(1)

# %% [markdown]
# The first piece turns logits and masks into logarithms of probabilities. It is the logarithms that learning needs,
# because a gradient will run through them. In the table above the logarithm of 0.58 is -0.55, and that of 0.21 is
# -1.55.

# %% [exercise ppo.masked_log_probs]

# %% [markdown]
# Ask for the probabilities of the table above. Then look at a real policy: the bin of this lesson is small, 4 x 4 x 4
# cells, its items are cut from a full one, and every item has to stand on a base that is borne as a whole. The
# untrained network is asked where to put the first item of an episode.

# %%
logits = torch.tensor([[2.0, 1.0, 3.0, 1.0, 0.0]])
legal = torch.tensor([[True, True, False, True, False]])
chances = masked_log_probs(logits, legal).exp()[0].tolist()
print("probabilities:", "  ".join(f"{chance:.2f}" for chance in chances))

# %% tags=["nbval-ignore-output"]
settings = Settings()
parts = reference.REFERENCE.replace(masked_log_probs=masked_log_probs)
agent = make_agent(Packing(), settings, parts, seed=0)
plots.show(figures.placements(agent, "an untrained policy: where to put the first item"))

# %% [markdown]
# All legal placements are about equally likely, and the grey ones, where the item would stick out, have none at all.
#
# How undecided is such a policy? Its **entropy** says it in one number: the mean of $-\log p$ over the actions, each
# weighted with its probability.
#
# $$H = -\sum_a p(a)\,\log p(a)$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $\log p(a)$ | `log_probs` | log-probability of action $a$ |
# | $H$ | what you return | entropy, in nats (the unit of natural logarithms) |
#
# One certain action has the entropy 0. Two that are equally likely have $\log 2 = 0.69$, and $n$ of them $\log n$. The
# three legal placements of the table have $0.58 \cdot 0.55 + 2 \cdot 0.21 \cdot 1.55 = 0.97$, a little less than
# $\log 3 = 1.10$. A forbidden action is the trap here. Its probability is 0 and its logarithm may be minus infinity,
# and a computer says that their product is not a number.

# %% [exercise ppo.entropy]

# %% [markdown]
# The entropy of two actions, for every split between them:

# %%
plots.show(figures.entropies(entropy))

# %% [markdown]
# It is highest in the middle and falls off steeply at the ends. You will need it twice: as a gauge that shows whether
# an agent still tries things, and as a small bonus that keeps it trying.
#
# ## REINFORCE by hand
#
# How does a policy learn? The oldest answer is REINFORCE (Williams, 1992): make an action more likely in proportion to
# what followed it. The smallest case is two arms of a slot machine, and a policy with a logit for each. Both logits
# are 0, so each arm is drawn with probability 0.5. The first arm pays 1, the second 0.6.
#
# The gradient of $\log p$ in the logits has a rule: 1 for the action that was drawn and 0 for all others, minus the
# probabilities. For the first arm it is $(1, 0) - (0.5, 0.5) = (0.5, -0.5)$: raise its own logit, lower the other one.
# For the second arm it is $(0, 1) - (0.5, 0.5) = (-0.5, 0.5)$. REINFORCE multiplies it by what was paid:
#
# | drawn | pays | gradient of $\log p$ | their product |
# | --- | --- | --- | --- |
# | first | 1 | (0.5, -0.5) | (0.5, -0.5) |
# | second | 0.6 | (-0.5, 0.5) | (-0.3, 0.3) |
# | mean of both | | | (0.1, -0.1) |
#
# The mean points the right way: towards the first arm. This is the **policy gradient**, the direction in the policy's
# weights in which the expected return rises fastest. In general (Sutton et al., 1999)
#
# $$g = \mathbb{E}\Big[\sum_t \nabla \log p(a_t \mid s_t)\; R_t\Big]$$
#
# where $\mathbb{E}$ is the mean over the episodes that the policy plays, $\nabla$ the gradient in the policy's weights,
# and $R_t$ what step $t$ and the rest of its episode bring, the **return to go**. What came before an action is not
# counted, since the action cannot have changed it.
#
# Look at the second row again. The second arm is the worse one, and still its draw pushes *towards* it, because 0.6 is
# more than nothing. Only on average does the first arm win. With few draws the average is a matter of luck.
#
# *Predict, then run.* 200 batches of 10 draws each estimate the first entry of the gradient, whose true value is 0.1.
# How often will the sign be wrong? And if both arms pay 10 more, which changes nothing about which is better?

# %%
rng = np.random.default_rng(0)
estimates = {
    "1, 0.6": gradients.arm_gradients((1.0, 0.6), 0.0, 200, 10, rng),
    "11, 10.6": gradients.arm_gradients((11.0, 10.6), 0.0, 200, 10, rng),
    "less 10.8": gradients.arm_gradients((11.0, 10.6), 10.8, 200, 10, rng),
}
for name, found in estimates.items():
    print(f"{name:<9} mean {found.mean():+.2f}  spread {found.std():.2f}  wrong sign {np.mean(found < 0):.0%}")
plots.show(figures.sorted_estimates(estimates, true=0.1))

# %% [markdown]
# The 200 estimates of each case stand in order, from the lowest to the highest. A line crosses zero where the wrong
# signs end.
#
# In the first case one sign in six is wrong. Where everything pays about 11 it is one in three, and the estimates are
# all over the place. Even their mean over 200 batches is not yet 0.1, and a mean of so many has an error of 0.1 itself.
# Nothing about the task has become harder: the gradient is multiplied by 11, where a difference of 0.4 is all that
# counts.
#
# The third line takes 10.8 away from what is paid. Now the first arm counts +0.2 and the second -0.2, so a draw of the
# first gives $0.5 \cdot 0.2 = 0.1$ and a draw of the second gives $-0.5 \cdot (-0.2) = 0.1$ as well. Every single draw
# says what took hundreds before, and the noise is gone. What is taken away is called a **baseline**. It may be any
# number that does not depend on the action: the mean gradient stays the same, since $\nabla \log p$ is 0 on average, as
# the two gradients of the table are.
#
# ## The same in the bin
#
# Two arms are easy. The network of the small bin has thousands of weights, and an episode has about four placements.
# The next cell estimates its gradient 40 times, each time from 32 new episodes, and asks how well a single estimate
# agrees with the mean of all others. The measure is the cosine of their angle: 1 is the same direction, 0 is none of
# it. The log-probabilities are weighted in three ways: with the return of the whole episode, with the return to go,
# and with the return to go less a baseline, the mean return to go of all 32 episodes at the same step.
#
# *Predict, then run.* Which of the three agrees best? Will one batch be enough to know the direction?

# %% tags=["nbval-ignore-output"]
agreement = gradients.noise(reference.REFERENCE, settings)
title = "40 gradients of 32 episodes each, how well they agree"
plots.show(plots.bars_with_spread(agreement, x="weighted with", y="cosine", runs="batches", title=title))

# %% [markdown]
# Each step takes some noise away. And even the best of the three is far from 1: a gradient from 32 episodes points
# mostly somewhere else. This is the plain fact behind all that follows. Policy gradients are noisy, so they need large
# batches, good baselines, and care.
#
# The best baseline knows the state. Some bins are half full of awkward boxes, and little can be had from them
# whatever the agent does. So a second network estimates the return to go of a state, its value $V(s)$. It is called
# the **critic**, and the network that holds the policy the **actor**. What is left of the return after the value is
# taken away is an estimate of the **advantage** of the action, how much better it turned out than was expected in
# that state.
#
# The network of this lesson, `ActorCritic`, holds both side by side, two layers of 64 units each. It takes a row of
# numbers, and returns logits and a value.
#
# ## Collecting a rollout
#
# A deep Q-network learns from a buffer of old steps. A policy gradient cannot: it is an average over what the policy
# does *now*. So PPO collects some steps with the present policy, learns from them, and throws them away. Such a piece
# of experience is a **rollout**. Ours has 32 steps of 32 bins side by side, which makes 1,024 transitions.
#
# A `Rollout` has an array for each thing that is needed later, with a row for each step and a column for each bin:
#
# | array | shape | what row $t$ holds |
# | --- | --- | --- |
# | `observations`, `masks` | (T, N, D), (T, N, K) | what was seen and what was legal, *before* the step |
# | `actions`, `log_probs` | (T, N) | what was drawn, and how likely it was at that time |
# | `values` | (T, N) | what the critic expected |
# | `rewards`, `terminated`, `truncated` | (T, N) | what the step brought |
# | `next_values` | (T, N) | what the critic says of the observation that the step led to |
#
# T is the number of steps, N that of the bins, D that of the numbers seen, and K that of the placements.
#
# `next_values` is the delicate one. Where an episode is over, the environment starts the next one by itself, so
# `env.observations` already shows a new, empty bin. What the step really led to is in `step.next_observations`. Say a
# time limit cuts environment 3 off after step 7: `next_values[7]` has to be what the critic says of the state in which
# it was cut off, and not of the new one. (Our bins only ever terminate, and then this number will not count. Other
# tasks have limits.)
#
# `Rollout.empty(n_steps, env)` gives a rollout full of zeros, to be filled row by row.

# %% [exercise ppo.collect]

# %% [markdown]
# Collect a rollout from the untrained policy. It begins wherever the bins stand, and stops in the middle of episodes.
# A short one comes first, 20 steps of 8 bins, so that the shapes say which axis is which.

# %%
short = collect(Packing(n=8, seed=1), agent, 20)
for name in ("observations", "masks", "actions", "rewards", "next_values"):
    print(f"{name:<13} {getattr(short, name).shape}")
rollout = collect(Packing(seed=1), agent, settings.n_steps)
print(f"the whole one has {rollout.rewards.size:,} transitions")

# %% [markdown]
# 20 steps, 8 bins, 16 placements: for each item there are 4 x 4 places of its corner. The 35 numbers seen are the 16
# heights of the bin, the 3 edges of the item, and the height at which it would land at each of the 16 places.
#
# ## How good was an action?
#
# The rollout knows what each step brought, and what the critic expected before and after it. Their difference is the
# **surprise** of a step:
#
# $$\delta_t = r_t + \gamma\,(1 - d_t)\,V(s_{t+1}) - V(s_t)$$
#
# It is an estimate of the advantage already, and one with little noise, because it looks at a single step. But it
# believes the critic, and the critic is wrong at first. The other extreme adds up all rewards to the end of the episode
# and believes nothing but them. It is right on average, and noisy.
#
# **Generalized advantage estimation** (GAE; Schulman et al., 2016) goes between the two. It adds up the surprises of
# this step and of later ones, each counting $\gamma\lambda$ times as much as the one before. Written backwards, it is
# one line:
#
# $$\hat A_t = \delta_t + \gamma \lambda\,(1 - e_t)\,\hat A_{t+1}$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $r_t$ | `rewards[t]` | reward |
# | $V(s_t)$, $V(s_{t+1})$ | `values[t]`, `next_values[t]` | what the critic says before and after the step |
# | $d_t$ | `terminated[t]` | 1 where the episode terminated: there is no future |
# | $e_t$ | `terminated[t]` or `truncated[t]` | 1 where the episode is over: the next row is another episode |
# | $\gamma$, $\lambda$ | `settings.gamma`, `settings.gae_lambda` | discount, and how far to look |
# | $\hat A_t$ | `advantages[t]` | the estimate |
#
# Work it out once by hand, with $\gamma = \lambda = 0.5$. An episode has three steps, which pay 0, 0 and 1. The critic
# says 0.5 everywhere, and 2 of the observation after the last step. The surprise of the last step is $1 + 0 - 0.5 =
# 0.5$ if it terminated, and $1 + 0.5 \cdot 2 - 0.5 = 1.5$ if it was cut off. The two before it surprise by $0 + 0.5
# \cdot 0.5 - 0.5 = -0.25$ each. The advantages are worked out from the last row to the first:
#
# | step | advantage if it terminated | advantage if it was cut off |
# | --- | --- | --- |
# | 3 | 0.5 | 1.5 |
# | 2 | -0.25 + 0.25 x 0.5 = -0.125 | -0.25 + 0.25 x 1.5 = 0.125 |
# | 1 | -0.25 - 0.25 x 0.125 = -0.281 | -0.25 + 0.25 x 0.125 = -0.219 |
#
# The two kinds of end differ in one place, and it reaches back to the first step. A state that terminated has no
# future, so $V$ counts for nothing there. An episode that was cut off by a time limit would have gone on, so its
# future counts (Pardo et al., 2018). To count it is called **bootstrapping**: an estimate stands in for rewards that
# were not seen. Both are an end in another sense: the row below belongs to a new episode, and nothing may be carried
# over from it.
#
# The last row of a rollout has no row below. There $\hat A_{t+1}$ is 0: what will follow is in $V(s_{t+1})$ already.

# %% [exercise ppo.gae]

# %% [markdown]
# Your function on the three steps, once for each way in which they can end. In the third, nothing is over: the rollout
# stops there, and the episode goes on in the next one.

# %%
rewards = np.array([[0.0], [0.0], [1.0]], np.float32)  # three steps of one environment
values = np.array([[0.5], [0.5], [0.5]], np.float32)
next_values = np.array([[0.5], [0.5], [2.0]], np.float32)
no, last = np.zeros((3, 1), bool), np.array([[False], [False], [True]])
half = settings.replace(gamma=0.5, gae_lambda=0.5)
for name, terminated, truncated in (("terminated", last, no), ("truncated", no, last), ("goes on", no, no)):
    found = gae(rewards, values, next_values, terminated, truncated, half)
    print(f"{name:<10} advantages", "  ".join(f"{number:+.3f}" for number in found[:, 0]))

# %% [markdown]
# The numbers of the table. A rollout that merely stops in the middle is bootstrapped too, which is why the last two
# rows agree: the critic's word for what follows takes the place of what was not seen.
#
# *Predict, then run.* Twelve steps pay nothing, and the last of them pays 1. The critic still expects nothing. To which
# steps does the credit go with $\lambda = 0$, and with $\lambda = 1$? (The discount is 0.99.)

# %%
plots.show(figures.lambdas(gae, settings))

# %% [markdown]
# With $\lambda = 0$ only the last step is surprised. The others would have to wait until the critic has learned to
# expect something, one step further back each time. With $\lambda = 1$ every step gets the credit at once, whether it
# had anything to do with it or not. The usual 0.95 gives the first step about half of it.
#
# One more thing about advantages. Their size depends on the task: in this bin an item pays about a tenth, on CartPole a
# step pays 1. PPO learns from a rollout in pieces, called *minibatches*, and puts the advantages of each on one scale:
# mean 0, standard deviation 1. Of the advantages 1 and 3, for example, the mean is 2 and the
# standard deviation 1.41, and they become -0.71 and 0.71. Andrychowicz et al. (2021) found that it matters little in
# their tasks; lesson 05 measures it here.

# %% [exercise ppo.normalize]

# %% [markdown]
# Before and after, for the rollout of above:

# %% tags=["nbval-ignore-output"]
advantages = gae(rollout.rewards, rollout.values, rollout.next_values, rollout.terminated, rollout.truncated, settings)
batch = make_batch(rollout, advantages)
for name, numbers in (("as estimated", batch.advantages), ("normalised", normalize(batch.advantages))):
    print(f"{name:<13} mean {numbers.mean():+.3f}  standard deviation {numbers.std():.3f}")

# %% [markdown]
# ## Why a step must be kept small
#
# A rollout is expensive, so one would like to take more than one step from it. But after the first step the policy is
# another one, and the rollout no longer shows what it does.
#
# There is a way to correct for that. An action that has become twice as likely as it was when it was drawn should count
# twice. With the **ratio** of its new probability to the old one
#
# $$\rho_t = \frac{p_{\text{new}}(a_t \mid s_t)}{p_{\text{old}}(a_t \mid s_t)}, \qquad
# J = \mathbb{E}\big[\rho_t\,\hat A_t\big]$$
#
# the **surrogate** $J$ promises what the new policy will gain, from the old policy's rollout alone (Kakade and
# Langford, 2002). Say two placements had probability 0.5 each, with advantages +0.2 and -0.2, and the new policy
# takes the first with 0.8. The ratios are 1.6 and 0.4, and the promise is $0.5 \cdot 1.6 \cdot 0.2 - 0.5 \cdot 0.4
# \cdot 0.2 = 0.12$.
#
# The promise has a hole. It changes how likely the actions are in the states that were *seen*. But another policy
# comes to other states, and there the rollout has no data. And with few samples a long step also follows their luck.
#
# The next figure is recorded with ten agents that were trained a little. Each collects one rollout and works out one
# gradient. Then it goes in this direction, by a longer and longer step, always from the same start. At each length the
# figure compares what the batch promises with what the policy truly gains on 2,000 other episodes.
#
# *Predict, then run.* For how long is the promise kept?

# %%
steps = figures.load("steps")
plots.show(figures.step_curves(steps))
table = np.array([run["steps"] for run in steps["runs"]]).mean(axis=0)
for size, promised, true, divergence in table[[2, 5, 8, 10, 13]]:
    print(f"length {size:<4g}  promised {promised:+.3f}  true {true:+.3f}  divergence {divergence:.3f}")

# %% [markdown]
# (The length of a step is the norm of the change of the actor's weights; promise and gain are per episode.) From the
# first the batch promises more than comes: 0.024 against 0.005 at length 0.1. The direction was worked out from this
# very batch, so it follows the batch's luck as well, and the batch cannot see that. The mean gain is largest at about
# 0.5, a ninth of the promise, and gone soon after 1. At 1.5 the promise is at its highest, and the truth is a loss. At
# 8 the policy packs 0.12 less of the bin than at the start. The bands are wide because agents differ.
#
# So the surrogate is to be trusted near the old policy only. A region around it in which a model is trusted is called a
# **trust region**. How near is near is measured between policies and not between weights, by the Kullback-Leibler
# divergence: 0 for equal policies, and growing as they part. It is the last number of each line above.
#
# Trust region policy optimization (TRPO; Schulman et al., 2015) makes the surrogate large under the condition that
# the mean divergence stays below a bound such as 0.01. It comes with a theory that promises improvement, and it needs
# second derivatives and a line search at every update. PPO (Schulman et al., 2017) wants the same with a plain
# optimizer. It has no bound at all. It takes away the *reason* to go far.
#
# ## The clip
#
# PPO's objective for one transition is
#
# $$\min\big(\rho\,\hat A,\; \text{clip}(\rho,\, 1 - \epsilon,\, 1 + \epsilon)\,\hat A\big)$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $\rho$ | made from `log_probs` and `old_log_probs` | ratio; of logarithms it is the exponential of a difference |
# | $\hat A$ | `advantages` | advantage |
# | $\epsilon$ | `clip_range` | how far the ratio may go, here 0.2 |
#
# Four cases with $\epsilon = 0.2$ tell all of it:
#
# | $\hat A$ | $\rho$ | $\rho \hat A$ | clipped | the smaller | what the gradient does |
# | --- | --- | --- | --- | --- | --- |
# | +1 | 1.5 | 1.5 | 1.2 | 1.2 | nothing: the action is much likelier already |
# | +1 | 0.5 | 0.5 | 0.8 | 0.5 | raises it: a good action became rare by mistake |
# | -1 | 0.5 | -0.5 | -0.8 | -0.8 | nothing: the action is much rarer already |
# | -1 | 1.5 | -1.5 | -1.2 | -1.5 | lowers it: a bad action became likely by mistake |
#
# The minimum is what brings back the second and the fourth. Clipped alone, they would have no gradient either, and
# would stay wrong. The loss is minus the mean over a minibatch, since optimizers make things small.

# %% [exercise ppo.clipped_loss]

# %% [markdown]
# Your loss, turned back into an objective, for a good action and for a bad one:

# %%
plots.show(figures.clip_curve(clipped_loss, settings.clip_range, advantage=1.0))
plots.show(figures.clip_curve(clipped_loss, settings.clip_range, advantage=-1.0))

# %% [markdown]
# A good action is pushed up until its ratio is 1.2, and from there on it has no slope. A bad one is pushed down until
# 0.8. On the other side the slope never ends, so that mistakes are always undone. Nothing here *forbids* a ratio of
# 1.5: the weights are shared, and other transitions may carry this one along. Engstrom et al. (2020) found that the
# clip alone explains only part of how PPO stays close, and that other details of the code do much of the work.
#
# Move the slider, and say beforehand for which of the two the gradient is gone.

# %%
plots.show(figures.clip_film(clipped_loss, settings.clip_range))

# %% [markdown]
# ## One loss for both networks
#
# The critic learns as well. Its target is the advantage plus the value that was taken away, the estimated return, and
# its loss is the mean squared error. And a policy that has become certain tries nothing new, so a little entropy is
# worth something. All three go into one number:
#
# $$L = L_{\text{policy}} + c_v\,\frac{1}{B}\sum_i \big(V(s_i) - \hat R_i\big)^2 - c_e\,\frac{1}{B}\sum_i H_i$$
#
# | symbol | variable | meaning | sign |
# | --- | --- | --- | --- |
# | $L_{\text{policy}}$ | `policy_loss` | what `clipped_loss` gave | plus: it has its minus already |
# | $V$, $\hat R$ | `values`, `returns` | what the critic says, and should say | plus: errors are to be small |
# | $H$ | `entropies` | entropy of each row | minus: entropy is to be large |
# | $c_v$, $c_e$ | `settings.vf_coef`, `settings.ent_coef` | how much the two count, here 0.5 and 0.01 | |
#
# An example with one row: a policy loss of 0, a value of 1 that should be 3, an entropy of 0.7. The total is $0 + 0.5
# \cdot 4 - 0.01 \cdot 0.7 = 1.993$. Look at the signs well; you will meet a listing that has one of them wrong.

# %% [exercise ppo.total_loss]

# %% [markdown]
# The example, for three weights of the entropy:

# %%
one_row = torch.tensor(0.0), torch.tensor([1.0]), torch.tensor([3.0]), torch.tensor([0.7])
for ent_coef in (0.0, 0.01, 0.1):
    print(f"ent_coef {ent_coef:<5g} total loss {total_loss(*one_row, settings.replace(ent_coef=ent_coef)):.3f}")

# %% [markdown]
# Five of your seven functions make the loss of a minibatch, in a few lines that only hand things on. The functions
# travel in one box, `Parts`, as in lesson 02; those that you have not written yet are the reference's.

# %%
parts = reference.REFERENCE.replace(
    masked_log_probs=masked_log_probs,
    entropy=entropy,
    collect=collect,
    gae=gae,
    normalize=normalize,
    clipped_loss=clipped_loss,
    total_loss=total_loss,
)


def minibatch_loss(agent, rows, settings, parts):
    logits, values = agent.network(rows.observations)
    log_probs = parts.masked_log_probs(logits, rows.masks)
    chosen = log_probs.gather(1, rows.actions[:, None]).squeeze(1)
    advantages = parts.normalize(rows.advantages)
    policy_loss = parts.clipped_loss(chosen, rows.log_probs, advantages, settings.clip_range)
    return parts.total_loss(policy_loss, values, rows.returns, parts.entropy(log_probs), settings)


# %% [markdown]
# ## Epochs of minibatches
#
# Thanks to the clip, a rollout can be gone through more than once. One pass over all of its transitions is called an
# **epoch**. In each, the 1,024 transitions are shuffled and cut into minibatches of 128, and each of these brings one
# step of the optimizer: 8 steps an epoch, 32 in the four epochs of this lesson.
#
# With 10 transitions and minibatches of 4, an epoch might be rows 7 2 9 0, then 4 8 1 5, then 3 6. The next epoch
# shuffles anew. Each step of the optimizer is the one of lesson 02, and a gradient longer than `max_grad_norm` is
# shortened again.

# %% [exercise ppo.update]

# %% [markdown]
# Learn from the rollout of above, once, and watch the ratios. All of them are 1 at the first minibatch, since the
# policy is still the one that acted.
#
# *Predict, then run.* Will all ratios stay between 0.8 and 1.2?

# %% tags=["nbval-ignore-output"]
parts = parts.replace(update=update)
noted = loop.minibatch_ratios(agent, batch, settings, parts, seed=0)
title = "one update of an untrained agent"
plots.show(figures.ratios(noted, len(noted) // settings.n_epochs, settings.clip_range, title))

# %% [markdown]
# The ratios spread from epoch to epoch. Some pass the dotted lines, for the reason given above: the clip stops pushing,
# it does not hold. What fraction lies outside, and how far policies part in an update, are the first two gauges of
# lesson 05 (`clip_fraction` and `approx_kl`).
#
# ## Put together
#
# What is left is a loop: collect, estimate, learn, again. `make_batch` lays the rollout out as rows, and adds values
# and advantages up to the returns that the critic learns from. `watch` is a function that may look at the agent after
# each rollout.


# %%
def train(env, settings, parts, seed, watch=None):
    agent, rng, size = make_agent(env, settings, parts, seed), np.random.default_rng(seed), settings.n_steps * env.n

    def loss_of(rows):
        return minibatch_loss(agent, rows, settings, parts)

    for steps in range(0, settings.total_steps, size):
        r = parts.collect(env, agent, settings.n_steps)
        advantages = parts.gae(r.rewards, r.values, r.next_values, r.terminated, r.truncated, settings)
        parts.update(agent, make_batch(r, advantages), settings, loss_of, rng)
        if watch is not None:
            watch(steps + size, agent)
    return agent


# %% [markdown]
# Together with the network and the agent that draws from it, these are about 140 lines, docstrings not counted.
# Before they meet the bin, they meet tasks whose answers are known.
#
# ## Probes
#
# Lesson 02 tested a Q-network on **probes**, tasks so small that the right answer follows from a line of arithmetic.
# PPO has two answers to test, the critic's values and the actor's probabilities, and it has masks. With $\gamma =
# 0.5$:
#
# | probe | what happens | values | probabilities | where to look if it fails first |
# | --- | --- | --- | --- | --- |
# | constant | one step pays 1, and terminates | 1 | | value loss, update, GAE at an end |
# | see | the state says whether the step pays -1 or 1 | -1; 1 | | rollout: which row is which |
# | act | the action decides: -1 or 1 | 1 | 0, 1 | a sign in the policy loss or in GAE |
# | both | the better action differs between two states | 1; 1 | 0, 1; 1, 0 | rollout: actions |
# | mask | 3 for an illegal action, 1 and 0 for legal ones | 1 | 0, 1, 0 | masks, in the policy or in the rollout |
# | later | the first step pays 0, the second one 1 | 0.5; 1 | | GAE, `next_values` |
# | patience | 0.4 at once, or 1 a step later | 0.5; 1 | 0, 1; 1, 0 | what GAE carries back |
# | cut off | first 0, then 1 for ever; a limit ends it after 3 steps | 1; 2 | | `truncated`, `next_values` |
# | even | two actions pay the same, with noise | 1 | 0.5, 0.5 | entropy and its sign |
#
# A comma stands between the actions of a state, a semicolon between states. In "even" nothing is to be learned, so
# noise pushes the policy about; the entropy bonus has to hold it somewhere near the middle, which counts as right
# from 0.1 to 0.9.

# %%
readings = probes.probe_all(train, parts)
plots.show(figures.probe_values(readings, "what the parts learned"))

# %% [markdown]
# Grey rings are what is right, dots what was learned. If all of this is right, the parts work together.
#
# Now break one on purpose. The next agent forgets the end: it bootstraps after states that terminated.
#
# *Predict, then run.* Which probe is the first to fail, and which ones will be right all the same?


# %% tags=["nbval-ignore-output"]
def forgets_the_end(rewards, values, next_values, terminated, truncated, settings):
    over = terminated | truncated
    return gae(rewards, values, next_values, np.zeros_like(over), over, settings)


broken = probes.probe_all(train, parts.replace(gae=forgets_the_end))
plots.show(figures.probe_values(broken, "advantages that forget the end"))

# %% [markdown]
# The simplest probe fails: its step pays 1, and the critic expects nearly 2, for it invents a future in which the same
# goes on. "See" is right by accident: the probes show the end as the number 0, which lies half way between the two
# states of "see", and their values cancel out. "Cut off" never terminates, so nothing is forgotten there. In "act",
# "both" and "mask" the values are wrong and the probabilities right: in a task of one step the policy does not mind.
# That is what makes such a fault hard to find. "Patience" has two steps, and there the policy goes wrong as well.
#
# ## The bin
#
# Now the small bin, with 81,920 steps. Every tenth of the way, the agent packs 200 fixed streams greedily, by its
# likeliest placement.
#
# *Predict, then run.* The best rule of thumb of lesson 03 packs 84 % of this bin, and random placements pack 41 %. Does
# the untrained agent begin at 41 %? And after how many steps does PPO pass the rule?

# %% tags=["nbval-ignore-output"]
curve, env = [], Packing(SMALL, n=32, seed=0)
untrained = make_agent(env, settings, parts, seed=0)
with progress_bar(settings.total_steps, "steps") as bar:

    def watch(steps, agent):
        bar.update(settings.n_steps * env.n)
        if steps % (settings.total_steps // 10) == 0:
            curve.append((steps, judge(agent).mean))

    agent = train(env, settings, parts, seed=0, watch=watch)
rules = {name: judge(name).mean for name in heuristics.HEURISTICS}
best = max(rules, key=rules.get)
curve.insert(0, (0, judge(untrained).mean))
levels = {f"{best}, the best rule": rules[best], "random placements": rules["random"]}
plots.show(figures.learning(curve, levels, "PPO on the small bin, one seed"))

# %% [markdown]
# The curve need not begin at chance. A greedy agent always takes the placement that its random weights make a little
# likelier, and that is a rule already, good or bad by the luck of the seed. A tenth of the steps is enough to leave
# chance far behind. The best rule takes much longer: the last items are the hard ones, and to fit them in, the first
# ones must be placed with them in mind. Where the curve crosses the upper
# line depends on the seed, and a run may touch it and fall back. Ten seeds follow below.
#
# The curve was made with the streams that one would use to choose settings, so the last judgement is on fresh ones. The
# picture shows the stream among them on which the two policies differ most.

# %% tags=["nbval-ignore-output"]
before, after = judge(untrained, TEST_SEED), judge(agent, TEST_SEED)
rule = judge(best, TEST_SEED)
print(f"fresh streams: untrained {before.mean:.2f}, {best} {rule.mean:.2f}, PPO {after.mean:.2f}")
most = int((after.utilization - before.utilization).argmax())
pair = {"untrained": before.boxes[most], "trained": after.boxes[most]}
plots.show(plots.packings(pair, SMALL.bin_size))

# %% tags=["hide-cell"]
assert after.mean > before.mean + 0.2  # on any machine it learns: untrained it packs about half
assert len(curve) == 11

# %% tags=["nbval-ignore-output"]
plots.show(figures.placements(agent, "a trained policy: where to put the first item"))

# %% [markdown]
# The trained policy has made up its mind: nearly all probability is on one or a few placements.
#
# ## Is it PPO?
#
# An agent that learns may still be a poor PPO. The test of a from-scratch version is whether it learns what a
# well-tested one learns. stable-baselines3 is such a version (Raffin et al., 2021), and its MaskablePPO knows masks.
# In the tests of this course its advantages, its three losses and its first step of the optimizer come out equal to
# yours, to six decimals, on the same rollout. But two programs draw other random numbers, so whole runs can only be
# compared over several seeds. Ten of each were recorded, with the same network, settings, items and steps.

# %%
match = figures.load("match")
curves = figures.arms(match, column=1)
labels = {"x": "environment steps", "y": "mean utilization"}
plots.show(plots.curves_with_spread(curves, **labels, title="two PPOs, ten seeds each"))
scores = figures.finals(match)
ours, theirs = scores["exercises"], scores["stable-baselines3"]
print(f"fresh streams: exercises {ours.mean():.3f}, stable-baselines3 {theirs.mean():.3f}")
print("exercises minus stable-baselines3, fresh streams:", verdict(ours, theirs))
(_, mine), (_, other) = curves.values()
print("the same for the mean over the curve:", verdict(mine.mean(axis=1), other.mean(axis=1)))
rule = judge("touching_area", TEST_SEED)
print(f"touching_area packs {rule.mean:.3f}; exercises less that:", verdict(ours, rule.mean))

# %% [markdown]
# *Not separable*, at the end and over the whole curve. That does not mean equal. The intervals say how large a
# difference these runs leave room for: at the end, one of more than about 0.016 does not fit them. Early in the curve
# the exercises may be a little slower. (The curve shows the 200 streams of above, the printed lines fresh ones.)
# Together with the equal numbers on one rollout, this is a good reason to trust the parts. The last line compares with
# the best rule of thumb: all ten agents were trained for a few seconds, and their mean is ahead of it.
#
# ## A published listing
#
# PPO is explained on many pages, with listings of some sixty lines. Two mistakes return again and again. The loss below
# has both. It is PPO with $\lambda = 0$, so each advantage looks one step ahead, and it gets a minibatch as `rows`:
# `rows.log_probs`, `rows.old_log_probs`, `rows.entropies`, `rows.values`, `rows.rewards`, `rows.next_values` and
# `rows.terminated`, a tensor each, with one entry a transition.
#
# One mistake concerns the end of an episode, the other the entropy. Say a step pays 1 and terminates, the critic says 1
# before it and 2 after it, and $\gamma$ is 0.5. The target should be 1, and the listing says 2. Mend both lines.

# %% [exercise ppo.listing_loss]

# %% [markdown]
# First the probes. The loop that calls the loss is the same for both listings.


# %% tags=["nbval-ignore-output"]
def probe_listing(loss):
    def learn(env, settings, parts, seed):
        return listing.train_listing(env, settings, parts, loss, seed)

    return probes.probe_all(learn, parts, names=("constant", "act", "later", "even"))


for title, loss in (("as published", listing.listing_loss), ("mended", listing_loss)):
    plots.show(figures.probe_values(probe_listing(loss), f"the listing {title}", parts=False))

# %% [markdown]
# As published, the value in "constant" comes out at about 2 in place of 1, and "even" shows the other mistake: instead
# of staying near the middle the policy runs to one side, since every doubt is punished. Mended, all four are right.
#
# And on the bin? Forty runs were recorded: the listing as published, with only the entropy mended, with only the end
# mended, and with both.
#
# *Predict, then run.* Which of the two mistakes does more harm? And by which gauge would you see the other?

# %%
record = figures.load("listing")
title = "the listing and its mistakes, ten seeds each"
plots.show(plots.curves_with_spread(figures.arms(record, 1), **labels, title=title))
final = figures.finals(record, "curve")
for arm in ("as published", "entropy mended", "end mended"):
    print(f"{arm} minus both mended: {verdict(final[arm], final['both mended'])}")

# %%
title = "entropy of the policy in an empty bin"
plots.show(plots.curves_with_spread(figures.arms(record, 3), x="environment steps", y="entropy in nats", title=title))

# %% [markdown]
# The forgotten end is the disaster. Both arms with it end where random placements are, at 0.41. A critic that imagines
# a future after the end is corrected by nothing there, so an agent may be drawn to whatever end its critic happens to
# like.
#
# The wrong sign of the entropy is the quieter mistake. With only the end mended, the mean is a little lower than with
# both, and ten seeds cannot separate the two: in this task, and with a weight of 0.01, an agent gets away with it. The
# gauge that shows it is the entropy itself. All ten seeds with only the end mended end below 0.2, all ten with both
# mended above 0.4. A policy with so little entropy has stopped trying, and a task that needs more trying will not
# forgive it. (With only the entropy mended it rises above both: that agent has nothing to learn, and is paid for
# doubt.)
#
# The first mistake is found by a probe in a second, and by a learning curve at once. The second one hides in the
# return, and is seen in the probe "even" and in a curve that few people draw.
#
# ## Takeaways
#
# - A policy gradient makes actions likelier by how well they turned out. It is noisy, and a baseline takes noise away
#   without changing its mean.
# - An advantage is what was better than the critic expected. GAE goes between believing the critic and believing the
#   rewards.
# - Terminated: no future. Truncated: a future that was not seen. Both: nothing is carried over from the next episode.
# - The surrogate is true near the old policy only. The clip takes away the reason to go far; it forbids nothing.
# - Entropy comes into the loss with a minus.
# - Probes first, then compare whole runs over seeds with a version that others have tested.
#
# ## Quiz
#
# 1. Every reward of a task is raised by 5. Does the policy gradient change, and does PPO mind?
# <details><summary>Answer</summary>If all episodes have the same length, every return to go at a step grows by the same
# number, which is a baseline: the mean gradient stays. Its noise grows, unless something takes the number away. PPO's
# critic does, once it has learned it. If longer episodes are possible, the task itself changes: each further step now
# pays 5.</details>
#
# 2. At the first minibatch after a rollout all ratios are 1. What is the policy loss, if the advantages are normalised?
# <details><summary>Answer</summary>0, since the mean of the advantages is 0 and every ratio is 1. Its gradient is not
# 0: it is the policy gradient. A loss near 0 says nothing about whether there is something to learn.</details>
#
# 3. Somebody takes `env.observations` for the next values. In which episodes does it matter?
# <details><summary>Answer</summary>In those that are cut off. After termination the value counts for nothing, whatever
# it is. In the middle of an episode the two are the same. At a time limit the critic's word for an empty new bin takes
# the place of its word for the bin that was cut off; the probe "cut off" shows it.</details>
#
# 4. An action with advantage -1 has a ratio of 1.5. Does the clip stop its gradient?
# <details><summary>Answer</summary>No. It is a bad action that has become likelier. The plain product -1.5 is smaller
# than -1.2, so it keeps its gradient and is pushed down. The clip stops only what has gone far enough in the wanted
# direction.</details>
#
# 5. The mask is used when actions are drawn, and forgotten when the loss is computed. What goes wrong?
# <details><summary>Answer</summary>The log-probabilities are then those of another distribution, in which forbidden
# actions have a share. So the ratios are below 1 before the first step, and the update mends a difference that does not
# exist. Mask both times, with the mask of that step, which is why the rollout keeps it.</details>
#
# ## What comes next
#
# The second part of this lesson takes the library's PPO to work, with the tools that come with it. It measures what
# masks are worth, and how PPO compares with other algorithms. Lesson 05 then turns every setting that this lesson took
# as given.
#
# ## References
#
# - R. Williams (1992). Simple statistical gradient-following algorithms for connectionist reinforcement learning.
#   Machine Learning 8.
# - R. Sutton, D. McAllester, S. Singh, Y. Mansour (1999). Policy gradient methods for reinforcement learning with
#   function approximation. NIPS, in print in 2000.
# - S. Kakade, J. Langford (2002). Approximately optimal approximate reinforcement learning. ICML.
# - J. Schulman, S. Levine, P. Moritz, M. Jordan, P. Abbeel (2015). Trust region policy optimization. ICML.
# - J. Schulman, P. Moritz, S. Levine, M. Jordan, P. Abbeel (2016). High-dimensional continuous control using
#   generalized advantage estimation. ICLR.
# - J. Schulman, F. Wolski, P. Dhariwal, A. Radford, O. Klimov (2017). Proximal policy optimization algorithms.
# - F. Pardo, A. Tavakoli, V. Levdik, P. Kormushev (2018). Time limits in reinforcement learning. ICML.
# - L. Engstrom, A. Ilyas, S. Santurkar, D. Tsipras, F. Janoos, L. Rudolph, A. Madry (2020). Implementation matters in
#   deep policy gradients: a case study on PPO and TRPO. ICLR.
# - M. Andrychowicz et al. (2021). What matters for on-policy deep actor-critic methods? A large-scale study. ICLR.
# - A. Raffin et al. (2021). Stable-Baselines3: reliable reinforcement learning implementations. Journal of Machine
#   Learning Research 22.
# - S. Huang, S. Ontañón (2022). A closer look at invalid action masking in policy gradient algorithms. FLAIRS.
# - S. Huang, R. Dossa, A. Raffin, A. Kanervisto, W. Wang (2022). The 37 implementation details of proximal policy
#   optimization. ICLR blog track.
