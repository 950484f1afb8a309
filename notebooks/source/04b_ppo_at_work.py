# %% [markdown]
# # 04b PPO at work: masks and rivals
#
# *80 minutes. Builds on lesson 04, whose PPO it replaces by a library's.*
#
# When you are done you can
#
# - train and score a masked PPO with a library, and say what each of its arguments is in your own code;
# - show what masks are worth, and end an episode before its mask is empty;
# - turn PPO into A2C by its arguments, and give masks to DQN;
# - compare algorithms over seeds by numbers with intervals: how good, how soon, how steady, how expensive;
# - say when PPO is the right choice, and when it is not.
#
# You wrote every part of the PPO of lesson 04, it learns to pack, and its numbers are those of Stable-Baselines3. That
# is why you may now put it aside. A library's PPO does the same work with fewer surprises: it saves and resumes, it
# logs, others have found its bugs. This lesson uses it for what the first part could not afford: runs by the dozen,
# with and without masks, beside other algorithms, so that "PPO is stable and simple" is a measurement and not a rumour.

# %%
import functools

import gymnasium as gym
import numpy as np
import torch
from sb3_contrib import MaskablePPO

from binpack import plots
from binpack.core.statistics import verdict
from binpack.course import exercises as ex
from binpack.course import forest
from binpack.course.l04_ppo import masking, rival_figures, rivals
from binpack.course.l04_ppo import rival_results as results
from binpack.env import BinPackingEnv, BinPackingVecEnv

torch.set_num_threads(1)

# %% [markdown]
# ## The same algorithm, from a library
#
# The task of this lesson is a bin of 6 x 6 x 6 cells. Its items are cut from a full bin, with edges of 2 to 4 cells, so
# a perfect packing exists; each has to stand on a wholly supported base and is not turned. One item is visible, so
# there are 36 actions, one for each cell of its corner.
#
# Stable-Baselines3 (Raffin et al., 2021) has a PPO without masks. Its companion sb3-contrib has the one with masks,
# `MaskablePPO`. Every argument below is something that you have built:
#
# | argument | in lesson 04 | here |
# | --- | --- | --- |
# | `"MultiInputPolicy"` | actor and critic, two hidden layers each; the observation is a dictionary | 2 x 64 units |
# | `n_steps` | length of a rollout, in steps of each environment | 64, with 32 environments: 2,048 transitions |
# | `gamma`, `gae_lambda` | $\gamma$ and $\lambda$ of the advantage | 0.99 and 0.95 |
# | `n_epochs`, `batch_size` | how often a rollout is gone through, and in minibatches of which size | 10, and 64 |
# | `clip_range` | $\epsilon$, how far the ratio may go before the clip takes its gradient away | 0.2 |
# | `vf_coef`, `ent_coef` | weights of the value loss and of the entropy in the total loss | 0.5 and 0 |
# | `max_grad_norm` | the norm that gradients are clipped to | 0.5 |
# | `learning_rate` | Adam's | 0.0003 |
#
# All of these are the library's defaults, except `n_steps`: the default is 2,048, meant for one environment. Where
# is the mask? There is no argument for it. At every step `MaskablePPO` calls a method of the environment,
# `action_masks()`, and keeps what it returns in its buffer, because the update needs the mask that the action was drawn
# with. An environment without that method is refused.

# %% tags=["nbval-ignore-output"]
env = BinPackingVecEnv(masking.ENV, n_envs=32)
model = MaskablePPO(
    "MultiInputPolicy",
    env,
    n_steps=64,
    batch_size=64,
    n_epochs=10,
    gamma=0.99,
    gae_lambda=0.95,
    clip_range=0.2,
    vf_coef=0.5,
    ent_coef=0.0,
    max_grad_norm=0.5,
    learning_rate=3e-4,
    seed=0,
    device="cpu",
)
masking.quiet(model).learn(total_timesteps=10_240)
print(f"{model.num_timesteps:,} steps, {model._n_updates} epochs of minibatches")

# %% [markdown]
# Five rollouts of 2,048 transitions, and ten epochs on each.
#
# Is it faster than yours? The next cell lets the loop of lesson 04, with its reference parts, and the library learn for
# three rollouts each: the same bins, the same settings, networks of the same size.
#
# *Predict, then run.* How many times as long does the library take?

# %% tags=["nbval-ignore-output"]
from binpack.course.l04_ppo import exercises as ppo
from binpack.course.l04_ppo import loop, packing
from binpack.course.l04_ppo.agent import Settings

settings = Settings(total_steps=6_144, n_steps=64, batch_size=64, n_epochs=10, learning_rate=3e-4, ent_coef=0.0)
bins = packing.Packing(masking.ENV, n=32)
ours = masking.cpu_seconds(lambda: loop.train(bins, settings, ppo.REFERENCE, seed=0))
library = masking.cpu_seconds(lambda: masking.make_model("mask", seed=0).learn(6_144))
print(f"processor time of the library, as a multiple of lesson 04's loop: {library / ours:.1f}")

# %% [markdown]
# A number above 1 says that the library takes longer. A general tool does more at each step: it takes observations of
# any kind apart, checks the arguments of its distributions, notes the length and return of episodes, and computes
# diagnostics for every minibatch, which lesson 05 will be glad of. One uses it for what it saves in work and errors.
#
# The agent above has had a few seconds to learn. How good is it?
#
# ## Score an agent with its masks
#
# The obvious way to find out is the function that every tutorial of Stable-Baselines3 calls, `evaluate_policy`. It lets
# a model play some episodes greedily, that is, it takes the most probable action each time, and returns the mean of
# their returns. Here the return is the utilization. sb3-contrib has a function of the same name in
# `sb3_contrib.common.maskable.evaluation`.
#
# *Predict, then run.* Both play the same agent on the same 100 episodes. Do they report the same utilization?

# %% tags=["nbval-ignore-output"]
from sb3_contrib.common.maskable.evaluation import evaluate_policy as evaluate_with_masks
from stable_baselines3.common.evaluation import evaluate_policy as evaluate_without
from stable_baselines3.common.vec_env import VecMonitor

told = {}
for name, function in (("Stable-Baselines3's", evaluate_without), ("sb3-contrib's", evaluate_with_masks)):
    fresh = VecMonitor(BinPackingVecEnv(masking.ENV, n_envs=20, seed=1))
    told[name], _ = function(model, fresh, n_eval_episodes=100)
    print(f"{name} evaluate_policy: utilization {told[name]:.3f}")

# %% tags=["hide-cell"]
assert told["sb3-contrib's"] > told["Stable-Baselines3's"] + 0.2, told

# %% [markdown]
# They do not. The first function knows nothing of masks and calls `model.predict(observation)`; the model, not given a
# mask, picks among all 36 actions. In this environment a forbidden action places nothing and ends the episode, so bins
# stay nearly empty on average. There is no error and no warning. The agent is the same in both lines. Only its examiner
# has changed. This is what the two see, on the one of 200 streams of items where they differ most:

# %% tags=["nbval-ignore-output"]
streams = masking.validation_streams()
plots.show(plots.packings(masking.most_different(model, streams), masking.ENV.bin_size))

# %% [markdown]
# The same trap is in the callbacks, which are objects that a training run calls as it goes. `EvalCallback` of
# Stable-Baselines3 scores without masks, `MaskableEvalCallback` of `sb3_contrib.common.maskable.callbacks` with them.
# Whoever keeps "the best model so far" by the wrong one keeps the model that was best at something else.
#
# Both functions have another weakness: they let the environment draw the items. Unless it is seeded anew before each,
# as above, two models are scored on different items, and a part of their difference is the luck of the draw. Lesson 03
# compared heuristics on fixed streams for this reason. So write the scoring yourself, for fixed streams and with masks.
# For two streams of which the first fills 150 of 216 cells before its next item finds no place, and the second 108, the
# answer is 0.694 and 0.5.
#
# You need two calls that you have not met. `env.reset(options={"items": items})` begins an episode with these items.
# `model.predict(observation, action_masks=mask, deterministic=True)` returns an action, and a second value that PPO has
# no use for. The mask is that of the environment at this moment, `env.action_masks()`. The rest is known from lesson
# 03: `env.step`, and `info["utilization"]`.

# %% [exercise ppo.score_on_streams]

# %% [markdown]
# `streams` holds 200 fixed streams that no training draws from. Score the agent by your function on the first 50 of
# them. Beside it stands an agent that has learned nothing.

# %% tags=["nbval-ignore-output"]
fifty = masking.items_of(streams[:50])
untrained = masking.make_model("mask", seed=0)
bin_ = BinPackingEnv(masking.ENV)
packed = {"untrained": score_on_streams(untrained, bin_, fifty), "10,240 steps": score_on_streams(model, bin_, fifty)}
title = "the same 50 streams"
plots.show(plots.bars_with_spread(packed, x="agent", y="utilization", title=title, runs="streams"))

# %% [markdown]
# Each dot is one stream. The untrained agent packs something too: masks alone see to it that each of its choices is
# possible. What training adds is the difference of the two bars. In the rest of this lesson all 200 streams are packed
# side by side, which is faster and gives the same numbers.
#
# ## What an agent meets without a mask
#
# How much would be left to chance without the mask? This is the share of the 36 actions that are legal, at the first
# step of a packing, at the second, and so on, on the mean of 200 bins that are packed at random. The list goes on for
# as long as half of the packings do.

# %%
shares = masking.legal_shares(streams)
print("legal at step 0, 1, 2, ...:", ", ".join(f"{share:.0%}" for share in shares))
print(f"chance that blind choices are legal {len(shares)} times in a row: {np.prod(shares):.1%}")

# %% [markdown]
# Nine newcomers out of ten who choose blindly will pick something impossible within two steps. What happens then is for
# the environment to say, and there are two usual treatments.
#
# - **The episode ends.** Our environment does that: an illegal action places nothing, earns 0 and is the end. It costs
#   the agent what it could still have earned. In the figures this arm is called *ends*.
# - **It costs a penalty, and the bin stays as it was.** The agent sees the same observation again and may try something
#   else. A time limit has to end episodes that get nowhere; `masking.PenaltyAndStay`, a wrapper (a layer between
#   environment and agent), cuts them off after 60 steps. How large should the penalty be? An item earns about 0.1, its
#   share of the bin. A penalty of 0.01 is small beside that, one of 0.1 is as much as an item. These two arms are
#   *stays, 0.01* and *stays, 0.1*.
#
# Either gives the agent one more thing to learn. The second also gives you one more number to tune. A mask needs
# neither. Its gradient is that of the policy over the legal actions, so it is no trick but a policy gradient in its own
# right (Huang & Ontañón, 2022).
#
# *Predict, then run.* The next cell trains these three and the agent with a mask for 6,144 steps, with the same network
# and the same settings. Which of the three without a mask comes closest to the one with?

# %% tags=["nbval-ignore-output"]
makers = {arm: functools.partial(masking.make_model, arm) for arm in masking.ARMS}
live = rivals.short_runs(makers, masking.as_trained(streams), at=(2_048, 4_096, 6_144))
curves = {arm: trial.curve for arm, trial in live.items()}
axes = {"x": "environment steps", "y": "utilization"}
plots.show(plots.curves_with_spread(curves, **axes, title="three rollouts, one seed", spread="runs"))

# %% [markdown]
# A point is the policy that *collected* the rollout which ends there: the first one has learned nothing yet, and the
# last one has had two updates. A single seed of three rollouts is an impression, not a result. The recorded runs go on
# for 40,000 steps, which is 20 points a curve, with several seeds for each arm. Each run is scored as it was trained:
# with masks in play for the masked one, and without for the others. For the two arms that stay, the episode in play
# ends with the first illegal action. That changes nothing: a greedy policy that sees the same observation again makes
# the same choice again.

# %%
as_trained = {**results.masking_runs("free"), "mask": results.masking_runs("masked")["mask"]}
print(results.counted(as_trained))
curves = {arm: runs.curve for arm, runs in as_trained.items()}
title = "PPO with a mask, and three treatments without"
plots.show(plots.curves_with_spread(curves, **axes, title=title))

# %% [markdown]
# A line is the mean of the seeds, and its band the 95 % interval of that mean. The next figure compares the last
# scores with those of the masked runs, seed by seed, by the verdict of lesson 03.

# %%
verdicts = results.against(as_trained, "mask", lambda runs: runs.final)
plots.show(forest.differences(verdicts, title="final utilization: difference to the mask", x="difference"))
print("stays, 0.01 against ends:", verdict(as_trained["stays, 0.01"].final, as_trained["ends"].final))

# %% [markdown]
# All four arms see the same number of environment steps, but they spend them differently: a masked agent places an item
# with each of them, and the others use a part of theirs to find out what is possible. None of the three comes near the
# mask. *Ends* is ahead of *stays, 0.01* early on; at the end these two cannot be told apart.
#
# The penalty of 0.1 fares worst by far: it ends at 0.22. Random *legal* placements fill 0.37 of the same bin, as a
# later cell shows. The next table says more about this arm.
#
# One might object that the comparison is unfair in play. An agent that was trained without a mask could be *given* one
# afterwards: it would pick the best of the legal actions. And the masked agent could lose its mask, by a mistake such
# as that of the first section. Both were recorded as well.
#
# *Predict, then run.* Which is worse: to train without a mask and play with it, or to train with it and play without?

# %%
played = {"with masks": results.masking_runs("masked"), "without": results.masking_runs("free")}
rows = {arm: [f"{played[how][arm].final.mean():.3f}" for how in played] for arm in masking.ARMS}
title = "final utilization: trained as the row says, played as the column says"
plots.show(rival_figures.table(rows, list(played), title=title))

# %% [markdown]
# To play without the mask that was there in training is much worse. The upper right entry belongs to that agent. It
# never had a reason to lower the logit of an impossible action: in the states where an action is impossible the mask
# did that, and no gradient reached its logit. Its value there is a by-product of training in other states. Such an
# agent is not weak, it is incomplete, and the mask is the missing part.
#
# The other rows answer the objection. A mask that is added only in play gains about 0.03 in two of them and nothing in
# the last, and comes nowhere near the agent that had one in training: what the mask saves is steps of *training*. So
# the rule is never to take away a mask that was there in training. To add one did no harm here.
#
# And look at the last row once more. Even with a mask in play, the agent of the large penalty fills less of the bin
# than random legal placements do. So it has not merely failed to learn what is legal. What did it learn? Here are the
# episodes that it played while training, ten seeds: their return, penalties included, and how full the bin became.

# %%
told = results.penalty_runs()
for name in ("return", "utilization"):
    title = f"training episodes with a penalty of 0.1: {name}"
    plots.show(plots.curves_with_spread({name: told[name].curve}, x="environment steps", y=name, title=title))
guesses = ((told["utilization"].scores - told["return"].scores) / 0.1).mean(axis=0)  # each wrong one costs 0.1
steps = told["length"].scores.mean(axis=0)
for place in (2, -1):
    print(f"{told['length'].steps[place]:,} steps: an episode has {guesses[place]:.1f} wrong guesses", end=", ")
    print(f"{steps[place] - guesses[place]:.1f} items are placed")

# %% [markdown]
# From 6,000 steps on the return rises without a stop, so PPO did its work. (The first points are those of short
# episodes; the long ones had not ended yet.) Nearly all of that is penalties saved, as the wrong guesses of an episode
# say. The price is paid in items. An episode ends early only if the next item finds no place, and an agent whose
# guesses cost as much as an item earns more by coming to that end soon. The penalty changed the task, and the agent
# solved the new one. That is the strongest argument for masks here.
#
# ## A mask without a True
#
# A mask may have no True at all, when nothing fits any more. The distribution of sb3-contrib replaces the logit of each
# forbidden action by -100,000,000 and then takes the softmax. Here are four actions with the logits 2, 1, 0 and -1.

# %%
logits = np.array([2.0, 1.0, 0.0, -1.0])
for mask in ([True, True, True, True], [True, True, False, False], [False, False, False, False]):
    print(f"mask {[int(legal) for legal in mask]}  probabilities {masking.probabilities(logits, mask).round(3)}")

# %% [markdown]
# The second line is as it should be: forbidden actions have probability 0, and the two others share what is left. In
# the third line all four logits are equally low, and the softmax of equal numbers is uniform. The agent acts at random
# among impossible actions, nothing complains, and the transition goes into the buffer like any other. (Had the logits
# been replaced by minus infinity, the result would be no number, and training would stop at once, which is kinder.)
#
# So an episode must end *before* the agent is asked. Our environment looks for the next item's places inside `step`,
# and says `terminated` if there is none. Not every environment does. Here is a toy that forgets: a shelf with five
# places, each of which can be taken once. It never says that it is full.
#
# Which kind of end is it? In lesson 04 the two kinds made a difference to the advantage: after a truncation the value
# of the last observation stands for what would have come, after a termination nothing comes. With a full shelf nothing
# comes, so this is a termination. A time limit stays a truncation. Three examples with a limit of 20 steps: a mask with
# one True after 7 steps gives (False, False), an empty mask after 7 steps (True, False), and a mask with one True after
# 20 steps (False, True).

# %% [exercise ppo.end_of_episode]

# %% [markdown]
# A wrapper puts your function between the environment and the agent. Then 100 steps on the shelf, by the distribution
# above with equal logits, once without the wrapper and once with it.


# %%
class EndsInTime(gym.Wrapper):
    def reset(self, **kwargs):
        self.steps = 0
        return self.env.reset(**kwargs)

    def step(self, action):
        self.steps += 1
        observation, reward, terminated, _, info = self.env.step(action)  # the shelf itself never truncates
        ends = end_of_episode(terminated, self.env.action_masks(), self.steps, limit=20)
        return observation, reward, *ends, info


for name, shelf in (("without the wrapper", masking.Shelf()), ("with it", EndsInTime(masking.Shelf()))):
    empty, ended = masking.without_an_action(shelf, steps=100)
    print(f"{name}: {empty} of 100 steps without a legal action, {ended} episodes ended")

# %% [markdown]
# Without the wrapper five steps are of use, and then the agent is asked 95 times what to do where nothing can be done.
# A rollout of such steps teaches it nothing, and drowns the five that would. With the wrapper every step has an action,
# and an episode is as long as the shelf.
#
# ## A2C is a PPO
#
# Now to the rivals. A2C, the advantage actor-critic, is the older relative (Mnih et al., 2016): an actor and a critic,
# rollouts from several environments, advantages, one gradient step, and on to the next rollout. There is no ratio, no
# clip, no minibatch and no second epoch. Textbooks present it as another algorithm. Look at PPO's surrogate loss before
# the first gradient step of an update:
#
# $$\min\bigl(\rho\,\hat A,\; \mathrm{clip}(\rho, 1 - \epsilon, 1 + \epsilon)\,\hat A\bigr), \qquad \rho =
# \frac{p_{\mathrm{new}}(a \mid s)}{p_{\mathrm{old}}(a \mid s)} = 1$$
#
# The policy is still the one that collected the rollout, so the ratio $\rho$ is 1 everywhere and nothing is clipped.
# And the gradient of $\rho$ at that point is the gradient of $\log p_{\mathrm{new}}(a \mid s)$. A PPO that takes only
# this first step, on the whole rollout at once, *is* A2C (Huang et al., 2022). What is left are defaults that differ:
#
# | argument | PPO's default | A2C's default |
# | --- | --- | --- |
# | `n_steps` | 2,048 | 5 |
# | `n_epochs` | 10 | 1 |
# | `batch_size` | 64 | the whole rollout, `n_steps` times the number of environments |
# | `gae_lambda` | 0.95 | 1.0 |
# | `normalize_advantage` | True | False |
# | `learning_rate` | 0.0003 | 0.0007 |
# | optimizer | Adam | RMSprop with `RMSPROP` (alpha 0.99, eps 0.00001) |
#
# The optimizer belongs to the policy, so it goes into `policy_kwargs`, a dictionary with the entries `optimizer_class`
# and `optimizer_kwargs`. This is not a mere curiosity: sb3-contrib has no A2C with masks, and with these arguments its
# PPO is one. For 5 steps of 8 environments, the batch has 40 transitions.

# %% [exercise ppo.a2c_arguments]

# %% [markdown]
# A claim of equality can be tested. The library's A2C and its PPO with your arguments learn CartPole from the same
# seed, with 4 environments and 20 updates. Then all weights of the two networks are compared. In the second line
# advantages are normalized, as PPO has it by default.

# %% tags=["nbval-ignore-output"]
mine = a2c_arguments(n_steps=5, n_envs=4)
difference, other = rivals.twins(mine), rivals.twins({**mine, "normalize_advantage": True})
print(f"largest difference between two weights: {difference:.6f}")
print(f"with normalized advantages: {other:.2f}")

# %% tags=["hide-cell"]
assert difference < 1e-5 < 1e-3 < other, (difference, other)

# %% [markdown]
# Two update rules, written apart, end with the same weights, to six decimals. PPO is A2C plus the means to use a
# rollout more than once: epochs, minibatches, and the clip that makes that safe.
#
# ## A DQN with masks
#
# DQN, the agent of lesson 02, needs masks in three places. When it acts greedily, the maximum must be over the legal
# actions. When it explores, the random action must be a legal one. And the third is easily forgotten: its target holds
# a maximum too, over the actions of the *next* state,
#
# $$y = r + \gamma\,(1 - d)\,\max_{a' \in \mathcal{A}(s')} Q^-(s', a')$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $r$, $d$ | `rewards`, `dones` | reward; 1 where the episode terminated |
# | $Q^-(s', a')$ | `next_values` | what the target network says of the next state |
# | $\mathcal{A}(s')$ | `next_masks` | the legal actions of the next state |
# | $y$ | the result | what the Q-value of the action should be |
#
# Without the mask the maximum may fall on an action that cannot be taken. Its Q-value was never trained for this state,
# so it may be anything, and a maximum prefers what is too large. A worked example with $\gamma = 0.5$: the reward is
# 0.1, the next Q-values are 0.2, 0.9 and 0.5, and the second action is forbidden. The target is 0.1 + 0.5 x 0.5 = 0.35,
# and not 0.1 + 0.5 x 0.9 = 0.55.
#
# There is a corner to fall into. At the end of an episode no action is legal. The maximum over nothing is minus
# infinity, and (1 - 1) times minus infinity is no number, `nan`. One of them in a batch makes the loss `nan`, and the
# next step of the optimizer spreads it over all weights.

# %% [exercise ppo.masked_targets]

# %% [markdown]
# `rivals.MaskedDQN` is Stable-Baselines3's DQN with these three changes, your targets among them. The rest is about 35
# lines: a small network that gives forbidden actions a Q-value of minus infinity, and methods that explore among the
# legal ones. Let it learn for 4,000 steps, take 512 transitions out of its buffer, and compute their targets twice: by
# your function, and once more with all actions allowed in states that have a legal one.

# %% tags=["nbval-ignore-output"]
makers = {"DQN": rivals.PACKING["DQN"].make}
dqn = rivals.short_runs(makers, masking.as_trained(streams), at=(4_000,))["DQN"]
batch = rewards, dones, next_values, next_masks, gamma = rivals.some_transitions(dqn.model)
with_mask = masked_targets(*batch)
anything = next_masks | next_masks.any(dim=1, keepdim=True)
without = masked_targets(rewards, dones, next_values, anything, gamma)
print(f"targets that a forbidden action raises: {(without > with_mask).float().mean():.0%}")
print(f"mean target with the mask {with_mask.mean():.3f}, without {without.mean():.3f}")

# %% [markdown]
# A maximum over more actions is never lower, so every such error has the same sign: the values become too large. What
# is too large in one target is handed on to the state before, by the next update. The tempting shortcut of masking a
# DQN only where it acts leaves this untouched.
#
# ## PPO, A2C and DQN on packing
#
# Now all three have masks, and they can be compared. First, live: 6,000 steps of each. The settings are the library's
# defaults, but for the environments side by side: PPO has 32 of them, A2C 8 and DQN 4. DQN's default is a gradient step
# for every four transitions, which with four environments is one for each of their common steps. It keeps all its
# transitions.
#
# *Predict, then run.* Which is ahead after so short a time, and which needs the least computing for a step?

# %% tags=["nbval-ignore-output"]
makers = {name: rivals.PACKING[name].make for name in ("PPO", "A2C", "DQN")}
live = rivals.short_runs(makers, masking.as_trained(streams), at=(2_000, 4_000, 6_000))
curves = {name: trial.curve for name, trial in live.items()}
plots.show(plots.curves_with_spread(curves, **axes, title="6,000 steps, one seed", spread="runs"))
fastest = min(trial.milliseconds for trial in live.values())
print("time for a step:", ", ".join(f"{name} {trial.milliseconds / fastest:.1f}" for name, trial in live.items()))

# %% [markdown]
# A2C is ahead: it has made 150 updates in these 6,000 steps, and PPO two. A long rollout is a late start. The times are
# multiples of the fastest one's. DQN makes a gradient step for every four transitions, A2C one for every forty, and PPO
# three hundred and twenty for every 2,048: the number of gradient steps explains most of the differences. What A2C
# takes is mostly the time of acting.
#
# For the long comparison there are two more arms. Defaults are made for other tasks and longer runs. DQN's copy the
# target network every 10,000 steps, which is four times in all; PPO's wait for 2,048 transitions before the first
# update. So *PPO adapted* collects 256 transitions a rollout (8 environments, 32 steps) with a learning rate of 0.001,
# and *DQN adapted* copies every 500 steps, with a learning rate of 0.0005, a batch of 64 and exploration that goes from
# 1 to 0.02 over a fifth of the run. Three settings were tried for PPO and one for DQN, each with one run of a seed that
# is not in the record. That is a little tuning, not a tuned agent, and it is written here because a comparison in which
# only one side was tuned says little.

# %%
runs = results.packing_runs()
print(results.counted(runs))
masked = {name: each for name, each in runs.items() if "no mask" not in name}
curves = {name: each.curve for name, each in masked.items()}
plots.show(plots.curves_with_spread(curves, **axes, title="five learners with masks, 40,000 steps each"))

# %% [markdown]
# Such a figure is usually followed by a sentence about **sample efficiency**, which means how few environment steps an
# algorithm needs for a given score. To be worth something, the sentence needs a number. There are two ways to make one.
# The average of a run's scores on the way, which is the area under its curve, is high for a run that rises early. Or
# one fixes a threshold and counts the steps until a run reaches it.
#
# The second is easier to tell and has a trap. Some runs may never reach the threshold. To leave them out would flatter
# an algorithm that fails often: its few lucky runs would set its number. To give them the last step, as if they had got
# there then, flatters it as well. The honest entry is infinity, because infinity is larger than any number of steps and
# so sorts behind them: the *median* of 5,000, 8,000, 9,000, infinity and infinity is 9,000, whatever the last two runs
# would have needed. If most runs fail, the median is infinite, and the table says "not reached".

# %% [exercise ppo.steps_to_reach]

# %% [markdown]
# The table uses your function for the steps and for the runs that get there; its steps are the median over the seeds.
# Runs were scored every 2,000 steps, so that "18,000" means between 16,000 and 18,000. The threshold of 0.75 was chosen
# before the first run of the record, after some single runs of another seed. *Predict, then run.* Which arm reaches it
# with the fewest steps? And is any of them better than a rule of lesson 03?

# %%
from binpack.agents import evaluate

title = "packing: 40,000 steps of each"
plots.show(rival_figures.comparison(runs, steps_to_reach, rivals.UTILIZATION, title=title))
rules = {rule: evaluate(rule, streams, masking.ENV).mean for rule in ("random", "first_fit", "touching_area")}
print(*(f"{rule}: {packed:.3f}" for rule, packed in rules.items()), sep="\n")
for name in ("PPO", "PPO adapted"):
    print(f"{name} against touching_area:", verdict(runs[name].final, rules["touching_area"]))

# %% [markdown]
# *PPO adapted* gets to the threshold first, in half the steps of PPO with its defaults. (Its 9,000 lies between two
# points, as a median of ten runs may.) The three lines under the table are rules that do not learn, on the same 200
# streams; `random` chooses among the legal actions. Under them stands what the best final scores are worth beside the
# best rule: a lead of one percentage point, which ten seeds hardly tell from none. A2C and DQN with their defaults stay
# below that rule, and without a mask PPO and A2C are below `first_fit`, from which DQN cannot be told. 40,000 steps on
# two layers of 64 units are a beginning, not what a tuned agent can do. An arm "no mask" is scored as it was trained,
# so its episodes end with the first illegal action.
#
# Which of these differences can be told from chance? Each arm against PPO with its defaults, by four measures: the
# final score; the average on the way; how steady an arm is over its seeds; and the seconds. Steadiness is the distance
# of a run's end from the median of its arm, with a minus, so that more is better (Brown & Forsythe, 1974, compare
# spreads in this way). The seconds have a minus for the same reason: "ahead" is better in every figure.

# %%
measures = {
    "final utilization": lambda each: each.final,
    "average utilization on the way": lambda each: each.average,
    "steadiness (minus the distance from the median)": lambda each: each.steadiness,
    "time (minus CPU seconds)": lambda each: -each.seconds,
}
for what, measure in measures.items():
    verdicts = results.against(masked, "PPO", measure)
    plots.show(forest.differences(verdicts, title=f"{what}: difference to PPO", x="difference"))
for what, measure in list(measures.items())[:2]:
    mean = {name: measure(each).mean() for name, each in masked.items()}
    pairs = (("DQN adapted", "DQN"), ("DQN", "PPO"))
    print(f"{what}:", ", ".join(f"{one} minus {two} {mean[one] - mean[two]:+.2f}" for one, two in pairs))
    print("  PPO adapted beside DQN adapted:", verdict(measure(masked["PPO adapted"]), measure(masked["DQN adapted"])))

# %% [markdown]
# Read the words at the right. "Not separable" means that these seeds do not tell the two apart, not that they are
# equal. The third figure is the test of "PPO is stable": with their defaults, A2C and DQN differ more from seed to seed
# than PPO does. The two adapted ones cannot be told from it.
#
# The lines under the figures compare one algorithm at two settings with two algorithms. What DQN gains by other
# settings is about as much as what separates it from PPO at the end, and more on the way. Of the two adapted ones
# neither is ahead at the end, and PPO is on the way. Then a sentence that begins "PPO is better than" says less about
# the algorithms than about their settings. Agarwal et al. (2021) found that many published rankings rest on fewer seeds
# than would carry them.
#
# The seconds are processor time of training alone, without scoring. They belong to one machine, and only their ratios
# are of interest.
#
# ## SAC and TD3 on a continuous task
#
# Two algorithms that are often named beside PPO cannot take part in packing at all. TD3 (Fujimoto et al., 2018) and SAC
# (Haarnoja et al., 2018) are for continuous actions, such as a torque: both follow the gradient of a Q-value with
# respect to the *action*, and the number of a cell has no such gradient. Like DQN they are **off-policy**, which means
# that they learn from transitions of earlier policies, kept in a large buffer and drawn many times; PPO and A2C are
# **on-policy** and throw a rollout away after its update, because it was collected by a policy that is no more.
#
# So the comparison moves to `Pendulum-v1`, where a motor of one torque has to swing a pendulum up and hold it. An
# episode takes 200 steps, each of which costs between 0 and about 16, so returns are negative: random torques return
# about -1,200, and -150 is as good as solved. How expensive is a step?

# %% tags=["nbval-ignore-output"]
makers = {name: rivals.SWINGING[name] for name in ("PPO", "SAC", "TD3")}
live = rivals.short_runs(makers, rivals.swing, at=(400,))
base = live["PPO"].milliseconds
for name, trial in live.items():
    returned = trial.curve[1][0, -1]
    print(f"{name}: return {returned:.0f} after 400 steps, {trial.milliseconds / base:.0f} times PPO's time")

# %% [markdown]
# After 400 steps nobody has learned to swing up yet. (PPO took 2,048 steps, as a rollout is never left half-way; the
# time is that of one step.) But the price is plain to see. After the first hundred steps SAC and TD3 make a gradient
# step, on networks of 256 and more units a layer, for *every* step of the environment. The recorded runs last for
# 10,000 steps. Each algorithm has its defaults, TD3 with the exploration noise of its paper (0.1). For PPO there is a
# second row with settings that are commonly used on this task (4 environments, rollouts of 4,096, $\gamma$ = 0.9, a
# learning rate of 0.001, and noise that is drawn anew every fourth step only, `use_sde=True, sde_sample_freq=4`, which
# is called state-dependent exploration; Raffin, 2020), and both PPOs were run for 100,000 steps. The runs were scored
# every 500 steps, and beyond 10,000 every 5,000.
#
# *Predict, then run.* Who is ahead at 10,000 steps? And what does PPO reach with ten times as many?

# %%
pendulum = results.pendulum_runs()
print(results.counted(pendulum))
short = {name: each.upto(rivals.SHORT) for name, each in pendulum.items()}
curves = {name: each.curve for name, each in short.items()}
axes = {"x": "environment steps", "y": "mean return"}
plots.show(plots.curves_with_spread(curves, **axes, title="Pendulum, the first 10,000 steps"))

# %%
rows = {**short, **{f"{name}, {rivals.LONG:,} steps": pendulum[name] for name in ("PPO", "PPO tuned")}}
title = "Pendulum: 10,000 steps, and for PPO 100,000 as well"
plots.show(rival_figures.comparison(rows, steps_to_reach, rivals.RETURN, title=title, digits=0))
verdicts = results.against(short, "SAC", lambda each: each.final)
plots.show(forest.differences(verdicts, title="return after 10,000 steps: difference to SAC", x="difference"))

# %% [markdown]
# SAC and TD3 are ahead at 10,000 steps, and cannot be told apart. Both PPOs are still below their untrained networks,
# and the tuned one is the worst of all. With rollouts of 4,096 it has made two updates, and PPO with its defaults four:
# neither has learned the task yet. After 100,000 steps the picture is another. The tuned one has nearly caught up with
# SAC, and the defaults are still far away. This is the clearest sign in this lesson that settings matter as much as
# names.
#
# The seconds of the two PPOs are given for 100,000 steps only, since their short rows are the beginnings of the same
# runs. Set the column of steps against that of seconds. SAC needs about a sixth of the steps of the tuned PPO to get to
# -200. It takes about 55 seconds of a processor for them, and the tuned PPO about 10. It has gained nothing where steps
# are cheap, as in a simulation that makes ten thousand of them a second, and everything where a step is a minute of a
# real robot's time.
#
# ## When to choose PPO, and when not
#
# What the measurements of this lesson and the cited papers carry:
#
# - **Masks before algorithms.** If actions can be impossible, give the agent a mask. The table of learners with and
#   without masks shows what that is worth; compare it with the differences between algorithms.
# - **PPO fits where steps are cheap and environments are many.** It learns from rollouts of many environments at once,
#   takes discrete and continuous actions, and masks work with it out of the box.
# - **Off-policy where steps are dear.** If each step costs real time or money, an algorithm that uses it many times is
#   worth its computing: SAC or TD3 for continuous actions, as on the pendulum. On packing DQN saved
#   no steps: the adapted PPO needs the fewest.
# - **Look at DQN's two rows before you rule it out.** With masks in all three places it is a serious rival on a few
#   discrete actions. It needs a good Q-value for each of them, and a maximum over many estimates is too large (lesson
#   02), so it gets harder with their number.
# - **Settings matter as much as names.** Defaults are a beginning. Compare two algorithms only when both have had the
#   same care, and say how much that was.
#
# Everything here was measured on two small tasks. It does not tell how these algorithms compare on yours, but it shows
# how to find out: equal steps, several seeds, a threshold that was chosen before, and the seconds beside the score.
#
# ## Takeaways
#
# - A library's PPO is the one that you wrote: each argument has its place in your code.
# - Score a masked agent with its masks, on fixed streams. Functions that ignore masks do so silently.
# - Without a mask, illegal actions need a treatment, and a penalty needs tuning.
# - An empty mask makes the policy uniform, without an error. The episode has to terminate before.
# - A2C is PPO with one epoch, one batch and other defaults; the weights agree.
# - A masked DQN masks three times: acting, exploring, and in the target's maximum.
# - A run that never reaches a threshold took infinitely many steps. Say how many runs got there.
#
# ## Quiz
#
# 1. `EvalCallback` reports that your masked agent gets worse while its training return rises. What do you look at
# first?
# <details><summary>Answer</summary>Whether it scores with masks. The callback of Stable-Baselines3 does not:
# `MaskableEvalCallback` does. The training return is collected with masks, so it tells the truth here.</details>
#
# 2. Somebody proposes -1 as the penalty for an illegal placement, so that the agent learns it quickly. An item earns
# about 0.1. What may go wrong?
# <details><summary>Answer</summary>Most of the first returns are penalties, so the agent learns first of all to be
# punished less. The shortest way there is an episode that ends soon, as with the penalty of 0.1 above, and not a bin
# that is well packed. A mask asks for no such number.</details>
#
# 3. With `n_epochs=1` and `batch_size` of the whole rollout, what does `clip_range` do?
# <details><summary>Answer</summary>Nothing. The only gradient step is taken where the ratio is 1, which lies inside any
# clip range.</details>
#
# 4. Of five runs, two reach the threshold, after 3,000 and 4,000 steps. What is the median number of steps?
# <details><summary>Answer</summary>Infinite: sorted, the five are 3,000, 4,000, and three times infinity, and the third
# is the median. "3,500, of those that got there" would be true as well, if the other three are mentioned.</details>
#
# 5. Why can a DQN learn from the transitions of an hour ago, and PPO not?
# <details><summary>Answer</summary>DQN's target asks what the best action would bring, whoever took the first one.
# PPO's gradient is an expectation over the policy's own actions. The ratio corrects for a slightly older policy; for an
# old one it is far from 1, where the clip takes the gradient away.</details>
#
# ## What comes next
#
# PPO took its defaults here, and a second set of settings that was found in three tries. Lesson 05 asks what each of
# them does: a dozen numbers, one at a time, over seeds.
#
# ## References
#
# - V. Mnih et al. (2015). Human-level control through deep reinforcement learning. Nature.
# - V. Mnih et al. (2016). Asynchronous methods for deep reinforcement learning. ICML.
# - J. Schulman, F. Wolski, P. Dhariwal, A. Radford, O. Klimov (2017). Proximal policy optimization algorithms.
# - S. Fujimoto, H. van Hoof, D. Meger (2018). Addressing function approximation error in actor-critic methods. ICML.
# - T. Haarnoja, A. Zhou, P. Abbeel, S. Levine (2018). Soft actor-critic: off-policy maximum entropy deep reinforcement
#   learning with a stochastic actor. ICML.
# - S. Huang, S. Ontañón (2022). A closer look at invalid action masking in policy gradient algorithms. FLAIRS.
# - S. Huang, A. Kanervisto, A. Raffin, W. Wang, S. Ontañón, R. F. J. Dossa (2022). A2C is a special case of PPO.
# - A. Raffin, A. Hill, A. Gleave, A. Kanervisto, M. Ernestus, N. Dormann (2021). Stable-Baselines3: reliable
#   reinforcement learning implementations. Journal of Machine Learning Research.
# - A. Raffin (2020). RL Baselines3 Zoo: a training framework for Stable-Baselines3 agents.
# - R. Agarwal, M. Schwarzer, P. S. Castro, A. C. Courville, M. G. Bellemare (2021). Deep reinforcement learning at the
#   edge of the statistical precipice. NeurIPS.
# - M. B. Brown, A. B. Forsythe (1974). Robust tests for the equality of variances. Journal of the American Statistical
#   Association.
