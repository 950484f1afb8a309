# %% [markdown]
# # 10b Your own reward, rule and environment
#
# *80 minutes. Builds on lesson 10: you can take a study from a file of items to a report card.*
#
# When you are done you can
#
# - write a reward of your own, and say whether it changes what is best;
# - check that exactly on a world that is small enough to be computed;
# - write a support rule that looks at thousands of placements at once, and check it against a slow loop;
# - bring a gymnasium environment that has nothing to do with packing under the same tuning.
#
# In the first part the items could be yours. The reward, the rules and the environment were the project's. This part
# goes from the smallest change to the largest: another reward, another support rule, an environment that packs nothing.
# The guide `tutorials/your-own-environment.md` has the same steps as files and commands.
#
# ## A reward of your own
#
# An agent that packs is paid for volume. You may wish to help it. A flat surface is good for what comes later, so why
# not pay for flatness too? It is the obvious thing to do, and the agent may then learn something else than packing. Let
# us see how that happens where everything can be computed.

# %%
import inspect
import tempfile
from pathlib import Path

import numpy as np
import torch

from binpack import plots
from binpack.course import exercises as ex
from binpack.course import tables
from binpack.course.l10_capstone import corridor, own_figures, own_rewards, own_support, own_words, shop
from binpack.search.action.conduct import perform
from binpack.search.action.table import Notebook, TrialTable

torch.set_num_threads(1)
temporary = tempfile.TemporaryDirectory()  # removed when the kernel stops
folder = Path(temporary.name)
rewards, to = corridor.world()

# %% [markdown]
# ### A corridor with a lamp
#
# A corridor has six cells, 0 to 5. One walks left or right, and stepping into cell 5 pays 1 and ends the episode. The
# future is discounted by 0.9 a step. In cell 2 there is a lamp. To help the agent on its way, somebody pays 0.3 for
# each arrival at the lamp: it is about half way, after all.
#
# What is best in such a world need not be learned. Lesson 01 computed it for a tiny bin, by value iteration (Bellman,
# 1957). Here it is done for actions: begin with values of 0, and set each action's value to its reward plus the
# discounted worth of the state that it leads to, again and again. Each *sweep* computes all values from those of the
# sweep before, and after many sweeps nothing changes any more. A state is worth what its best action is worth.
#
# $$Q(s, a) \leftarrow r(s, a) + \gamma \max_{a'} Q(s', a')$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $Q(s, a)$ | `values` | value of action $a$ in state $s$, all at once |
# | $r(s, a)$ | `rewards` | what the action pays |
# | $s'$ | `to` | the state that it leads to; the last state is the end, and worth 0 |
# | $\gamma$ | `gamma` | discount of future rewards |
#
# An example with three states, of which the last is the end, and a discount of 0.5:
#
# | state | action | pays | leads to |
# | --- | --- | --- | --- |
# | 0 | 0 | 0 | 1 |
# | 0 | 1 | 1 | the end |
# | 1 | 0 | 2 | the end |
# | 1 | 1 | 5 | 0 |
#
# After one sweep the values are the rewards, so state 0 is worth 1 and state 1 is worth 5. In the second sweep the
# first action gets 0 + 0.5 * 5 = 2.5, and the last one 5 + 0.5 * 1 = 5.5. The other two keep 1 and 2, since at the end
# nothing is paid any more. In the third sweep state 0 is worth 2.5 already, and the last action gets 6.25. Compute the
# row of the end like the others. Only as a next state does it count 0.

# %% [exercise capstone.exact_values]

# %% [markdown]
# *Predict, then run.* With a bonus of 0.3 for each arrival at the lamp, where will the best agent go from cell 0? And
# where from cell 4, one step before the end?

# %%
with_bonus = corridor.bonus(rewards, to)
both = {"as it is": rewards, "with a bonus": with_bonus}
tables.show(corridor.plans(both, to, exact_values))
plots.show(own_figures.walks(both, to, exact_values))

# %% [markdown]
# The dotted line is the lamp. The best agent no longer walks to the end. It walks to the lamp, away from it and back,
# for ever, and earns 0.3 at every second step. Even in cell 4 it turns round. The end would pay 1, once. An arrival at
# the lamp, and all those that follow every second step, are worth $0.3 / (1 - 0.9^2) = 1.58$. From cell 4 the first
# arrival comes with the second step, so going back is worth $0.9 \cdot 1.58 = 1.42$.
#
# In cell 2 itself both directions are worth the same, and the table shows one of them. It is no fault of any algorithm:
# this is what the new rewards ask for. A better algorithm finds it sooner.
#
# ### Shaping
#
# The bonus has one fault. It pays for arriving, and does not take anything for leaving. Mend that: give every state a
# number that says how good it looks, its **potential**, and pay for what a step *gains* of it.
#
# $$F(s, s') = \gamma\, \Phi(s') - \Phi(s)$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $\Phi(s)$ | `before` | potential of the state before the step |
# | $\Phi(s')$ | `after` | potential of the state after it, 0 if the episode is over |
# | $\gamma$ | `gamma` | discount of future rewards |
# | $F$ | | what is paid beside the reward |
#
# Adding such a term is called **potential-based shaping**, and the best policy stays the best one (Ng, Harada and
# Russell, 1999). The reason is a sum that collapses. Along an episode each potential is added once, discounted, when
# its state is reached, and taken away with the same discount when it is left, since that is the step after. What
# remains is minus the potential of the first state, which is the same whatever the agent does.
#
# An example with a discount of 0.9. A step from potential 1 to potential 2 is paid 0.9 * 2 - 1 = 0.8. A step from
# potential 2 into the end is paid 0 - 2 = -2, whatever the last state looked like. Mind the end: if it kept a
# potential, nobody would ever take back what was paid for it, and an agent would be drawn to ends that merely look
# good.

# %% [exercise capstone.shaping]

# %% [markdown]
# The same lamp as a potential: 0.3 for the lamp's cell and all cells beyond it. And a foolish one, drawn at random,
# which says nothing true about the corridor.
#
# *Predict, then run.* Which of the two leaves the plan as it was?

# %%
foolish = np.random.default_rng(0).normal(size=corridor.LENGTH)
kinds = {
    "as it is": rewards,
    "with a bonus": with_bonus,
    "shaped by the lamp": corridor.shaped(rewards, to, shaping),
    "shaped by chance": corridor.shaped(rewards, to, shaping, foolish),
}
tables.show(corridor.plans(kinds, to, exact_values))

# %% [markdown]
# Both potentials leave the plan as it was, the foolish one too. It could make learning slower, and it cannot make
# something else the best. The collapsing sum says more: in each cell all actions lose the same amount, the cell's
# potential. Here is by how much each action's value has changed, a row for each cell:

# %%
print(corridor.gap(kinds["shaped by chance"], rewards, to, exact_values).round(6))
print("potentials:", foolish[:-1].round(6))

# %% [markdown]
# Each row has the same number twice, minus the potential of the cell. Since both actions move by the same amount, the
# better one stays the better one.
#
# ### In the packing environment
#
# A reward there is a function of a step, for all bins of a batch at once. It has a name, `module:name`, and a config
# holds that name. Two are in `own_rewards.py` of this lesson's package. Both pay for volume, as the default reward
# does. Beside that `flat_bonus` pays for every step, and more the flatter the step leaves the bin. `flat_shaped` pays
# for what a step makes flatter. `GAMMA` is 0.99.

# %%
print(inspect.getsource(own_rewards.flat_bonus))
print(inspect.getsource(own_rewards.FlatShaped))

# %% [markdown]
# All arrays have an entry for each bin: `step.after - step.before` is the growth of the utilization, and `step.heights`
# are the height maps. `flatness` is 0 for a flat map, and falls by 1 for each cell by which neighbours differ on
# average. The shaped reward has to remember the potential before the step. So it says in `empty` what an empty bin has,
# and the environment keeps an array of it, `step.memory`, and empties it with the bin.
#
# Here are random episodes, the same ones under each reward. The fourth column is the correlation of the discounted
# return with the number of items that were packed. The last one compares the discounted return of each episode with
# that of the first reward, which pays volume alone.
#
# *Predict, then run.* The first row changes nothing. Is there another one of which this is true?

# %%
tables.show(own_words.returns())

# %% [markdown]
# The bonus pays for each step, so its return follows the number of items more closely, as the fourth column shows. An
# agent that is paid like this, and may choose among several items, would gain by taking many small ones. Shaping leaves
# every discounted return as it was, up to rounding, because an empty bin has the potential 0. The sum without a
# discount, in the third column, is nearly as it was, since 0.99 is nearly 1. What shaping changes is *when* things are
# paid: a step that makes the surface rough costs something at once, and not ten items later.
#
# A name is all that a study needs. Copy `own_rewards.py` into the folder in which you run the command, and add
# `--reward own_rewards:flat_shaped` to `tune` or `train`. Whether it helps is then a question for two studies, one with
# each reward, and for their finalists on fresh seeds. A leaderboard shows them side by side.
#
# Two things to keep in mind. The discount of the shaping has to be the one that training uses, so the two are fixed
# together and `gamma` must leave the space. And what is reported stays the utilization, whatever was paid, so that the
# two studies compare.
#
# ## A support rule of your own
#
# A support rule says which placements may stay. It is asked about thousands of them at once, so it is written for whole
# arrays. What it is told of each placement is how many cells bear its base, how many the base has, and how many of its
# four corners rest.
#
# Say your boxes are stiff. One that stands on its four corners may stay. One with three corners may stay if at least
# half of its base rests. All others may not.
#
# An example with three placements, each with a base of 9 cells. The first has 4 corners and 4 cells that bear it, and
# stays. The second has 3 corners and 5 cells, and stays, since 5 of 9 is more than half. The third has 3 corners and 4
# cells, and does not. Compare in whole numbers, twice the cells with the area. Then nothing is rounded.

# %% [exercise capstone.three_feet]

# %% [markdown]
# A fast function that is wrong is worse than a slow one. So somebody writes the slow one, a loop over places and cells
# that does what the sentence says, and both are asked about bins drawn at random:

# %%
print(inspect.getsource(own_support.by_loop))
print(own_words.disagreements(own_support.compared(three_feet, 300, np.random.default_rng(0))))

# %% [markdown]
# No disagreement on thousands of placements is what you want to see before you train with a rule for a night. Keep the
# loop as a test. It costs a few minutes to write. The geometry check of lesson 03 serves the same end: it knows nothing
# of the fast code.
#
# A rule has a name as a reward has. Written into a file `mine.py`, yours would be `--support mine:three_feet`; here it
# is the copy in `own_support.py` of this lesson's package. The same heuristic packs the same streams under four rules.
# With *full* the whole base rests, and *none* asks for nothing. The rule *corners* of lesson 03 also counts corners:
# more than 60 % of a base has to rest with four of them, 80 % with three, and 95 % with fewer.
#
# *Predict, then run.* Where among the other rules will three feet lie?

# %%
tables.show(own_words.rules())

# %% [markdown]
# Three feet mostly asks for less than *corners* does, and the heuristic fills more. The largest step is from *none* to
# any rule at all. What a lax rule lets it pack need not stand in a real bin. So two studies under different rules do
# not compare: the rule belongs to the task, like the bin. A config with your items, your reward and your rule is an
# environment of your own already, and the commands of this course work with it.
#
# ## An environment that packs nothing
#
# The last step leaves packing. A shop has a shelf with room for ten. Every evening somebody decides how many pieces
# will be delivered in the morning, without knowing how many will be asked for. Too few, and customers go away. Too
# many, and they have to be kept over night. It is an old problem of planning (Arrow, Harris and Marschak,
# 1951). On average four are asked for, more on one day and less on another (a Poisson distribution).
#
# A piece costs 1, sells for 3, and takes 0.3 for each night in which it is kept. An example of a day: two pieces are on
# the shelf, 3 arrive, 4 are asked for. In the morning there are 5, 4 are sold, 1 is left. The profit is 12 for what was
# sold, minus 3 for what arrived, minus 0.3 for the night, so 8.7. What finds no room is not taken, and not paid.
#
# As with rewards, write it for many shops at once: the next cell uses yours for thousands, and the environment uses the
# reference for one.

# %% [exercise capstone.a_day]

# %% [markdown]
# Ten thousand shops for a month, each of which fills its shelf up to 7 every morning:

# %%
profits = shop.by_hand(a_day, 7, 10_000, shop.DAYS, np.random.default_rng(0))
print(own_words.mean_profit(profits))

# %% [markdown]
# The standard deviation says how far one month lies from another by luck alone. It is why a configuration is scored on
# many months, and always on the same ones.
#
# The environment itself is in `shop.py`: a class with `reset` and `step`, as gymnasium wants it (lessons 02 and 03).
# What it sees is the stock in the evening, and its action is how many to order. This is its step:

# %%
print(inspect.getsource(shop.Shop.step))

# %% [markdown]
# Three things were decided with care.
#
# - Its only source of chance is `self.np_random`, which `reset(seed=...)` seeds. Two months with one seed and the same
#   orders are the same.
# - A month ends because we stop looking, so it is *truncated* and not *terminated*: the shop is worth something still.
# - Months for learning, for choosing and for the end have seeds that never meet.
#
# A rule of thumb comes first, since nobody needs to learn anything for it: order up to a level.
#
# *Predict, then run.* Four are asked for on average. Which level is best?

# %%
earned = shop.levels()
plots.show(own_figures.levels(earned))

# %% [markdown]
# The best level is 6. It lies above the mean, since a customer who goes away costs more than a night on the shelf. It
# is what an agent has to reach. Where a delivery costs nothing but its pieces, as here, a rule of this kind is known to
# be best in the long run (Bellman, Glicksberg and Gross, 1955), so there is hardly anything to be gained over it. That
# is no reason to hide it: a study whose rule of thumb is hard to beat is a study that tells you something.
#
# ### Under the same tuning
#
# The train action of lesson 09 takes any module with the functions `train` and `tune`. In a search `tune` gets one
# trial's hyperparameters, learns, reports on the way, and returns a score. The shop's `tune` learns a table by
# Q-learning (Watkins, 1989), which you wrote in lesson 01. It has three hyperparameters: the learning rate, the share
# of orders at random, and the discount.

# %%
print(inspect.getsource(shop.tune))

# %% [markdown]
# It begins from a checkpoint where there is one, and writes one before each report, so that a trial that was killed
# goes on. Its score comes from months that serve for this alone. The job names the module as its `entrypoint`, and all
# else is as in lesson 09.
#
# *Predict, then run.* A trial has 60 months, so 1,800 days, for a table of 11 x 11 values. Will the best of eight
# trials reach the rule of thumb?

# %% tags=["nbval-ignore-output"]
job = shop.job()
result = perform(job, folder / "shop", Notebook(TrialTable("score", "max")))
tables.show(own_words.trials(result))

# %% tags=["hide-cell"]
assert len(result["trial_models"]) == 8

# %% [markdown]
# Compare the first row with the highest point of the figure above: that is what the rule of thumb earns. And you know
# by now what this table is not: a result. Its best row was chosen by the score that stands in it. So the best
# configuration and a textbook's default are trained anew, on ten fresh seeds, and scored on months that chose nothing.
# The level of the rule of thumb was chosen on the months of the search, as the trials were.

# %% tags=["nbval-ignore-output"]
best = result["best_trial"]["config"]
level = max(earned, key=earned.get)
rule = shop.scored(shop.up_to(level), first=shop.UNSEEN)
plans = [shop.learned(values, range(50, 60)) for values in (best, shop.DEFAULT)]
tuned, default = ([shop.scored(plan, first=shop.UNSEEN) for plan in each] for each in plans)
tables.show(own_words.final(tuned, default, rule))
plots.show(own_figures.orders({"tuned": plans[0], "default": plans[1]}, level))

# %% tags=["hide-cell"]
assert len(tuned) == len(default) == 10 and 0 < rule < 12

# %% [markdown]
# Read the three rows as in lesson 10: the interval first, then the word. If the tuned agent is ahead of the default and
# behind the rule of thumb, both are worth saying, and the second decides what the shop should use. The first comparison
# is the one that we set out to make. Read the others as descriptions, since nothing was corrected for three.
#
# The figure shows what the agents have learned, a dot for each of the ten. The line is the rule: it orders one piece
# less for each that is left. The default's agents order when the shelf is empty, and nearly all of them order nothing
# as soon as a piece is left. All values begin at 0, and of equal ones the first is taken, which is to order nothing.
# With a piece left that soon pays, so it is done again and again, and one order in ten at random finds little else. See
# whether the tuned agents lie nearer to the line, and how much they scatter about it. Far to the right nobody learns
# much: so full a shelf is hardly ever left in the evening.
#
# The tuning knew nothing of shops or bins. The search, the processes, going on after a kill and the table of trials
# came with the job. What you have to bring is an environment, a function of some twenty lines, and an honest end: fresh
# seeds, and months that chose nothing.
#
# ## Takeaways
#
# - A bonus for being somewhere can change what is best. Pay for the change of a potential instead, with 0 at the end.
# - Compute a small world exactly before you trust an argument about a large one.
# - Write rules for arrays, and keep the slow loop as their test.
# - Reward, rule and items are names in a config. The rule and the items belong to the task, and results under
#   different ones do not compare.
# - Any environment can be tuned if it has a seed that decides everything, episodes that only score, and reports on the
#   way.
#
# ## Quiz
#
# 1. A robot is paid 1 for each metre that it comes closer to a door, and nothing for moving away. What will it do?
# <details><summary>Answer</summary>Walk to and fro before the door, for ever. Moving away has to cost what coming
# closer has paid.</details>
#
# 2. A potential is 5 everywhere but at the end. What does shaping pay with a discount of 1?
# <details><summary>Answer</summary>Nothing for each step, and -5 for the last one. If all episodes end, all lose the
# same, and the best policy is as it was.</details>
#
# 3. You shape with a discount of 0.99 and tune `gamma` between 0.9 and 1. What is wrong?
# <details><summary>Answer</summary>The sum collapses only where both discounts are the same. With others the shaped
# reward may make something else the best, and trials do not compare.</details>
#
# 4. Your support rule agrees with the loop on 300 bins with items up to 4 cells. Name something that this does not
# test.
# <details><summary>Answer</summary>Larger items, larger bins, or heights that never occur in the draw. Draw from what
# you will use.</details>
#
# 5. An environment draws from `np.random` directly. Why is that a trouble for tuning?
# <details><summary>Answer</summary>Its seed does not decide what happens. Trials are then scored on different episodes,
# and a lucky one wins.</details>
#
# ## What comes next
#
# Take your own items, or your own environment, and go through lesson 10 once more with them.
# You can tune now, and find out whether it helped.
#
# ## References
#
# - K. J. Arrow, T. Harris, J. Marschak (1951). Optimal inventory policy. Econometrica.
# - R. Bellman, I. Glicksberg, O. Gross (1955). On the optimal inventory equation. Management Science.
# - R. Bellman (1957). Dynamic programming. Princeton University Press.
# - A. Y. Ng, D. Harada, S. Russell (1999). Policy invariance under reward transformations: theory and application to
#   reward shaping. ICML.
# - C. Watkins (1989). Learning from delayed rewards. PhD thesis, University of Cambridge.
