# %% [markdown]
# # 03 The packing environment
#
# *105 minutes. Builds on lesson 02, and on numpy's slices and broadcasting.*
#
# When you are done you can
#
# - compute where a box comes to rest, with loops and without, and show that both agree;
# - say what a support rule accepts, and choose one knowingly;
# - turn the number of an action into a placement, and tell which numbers are legal;
# - play an environment of gymnasium step by step, and say when and why its episode ends;
# - write a rule of thumb as a score, and compare it honestly with others on the same boxes;
# - have a packing checked by something that did not make it.
#
# LunarLander gave the deep Q-network of lesson 02 eight numbers and four actions, and each action was allowed at any
# time. Packing is different. A floor of 10 x 10 cells offers a hundred places for the corner of the next box, and
# most of them are impossible: the box would stick out of the bin, or fall over. An agent that has to find this out by
# trial spends its training on the impossible.
#
# So before an agent learns to pack, in lesson 04, this lesson builds the world that it learns in. You write the parts
# that matter: where a box lands, whether it may stand there, and which actions are open. At the end, simple rules
# pack a hundred bins, and their scores are what a learning agent has to beat.
#
# ## A bin seen from above
#
# The pile below is our example. Its bin is 10 cells long (x), 8 cells wide (y) and 6 cells high (z), and four boxes
# stand in it.

# %%
import numpy as np

from binpack import plots
from binpack.course import exercises as ex
from binpack.course import forest
from binpack.course.l03_packing_environment import experiments as lab
from binpack.course.l03_packing_environment import figures, piles

boxes, heights = piles.example_pile()
plots.show(plots.packing(boxes, piles.BIN))

# %% [markdown]
# There is a broad low block, there are two walls with a gap between them, and there is a small step in a corner. In
# JupyterLab, click the figure once and then drag it, to look at the pile from all sides.
#
# Every box comes down from above, and nothing is pushed in from the side. So for the next box only one number per
# cell matters: how high the pile is there. The array of these numbers, one for each cell of the floor, is the
# **height map**.

# %%
plots.show(plots.heightmap(heights, bin_height=6, title="the same pile as a height map"))

# %% [markdown]
# `heights[x, y]` is the height of the pile at cell (x, y). The map lies as the picture above does: x grows towards
# you, y to the right. The block is a field of twos, the walls are columns of threes, and a zero is bare floor. Four
# boxes have become 80 numbers. What stands below the top of a column is forgotten, even if it is hollow: nothing can
# get there from above any more.
#
# ## Where a box comes to rest
#
# Now a box of 3 x 2 x 2 cells comes down: 3 along x, 2 along y, 2 high. The lowest corner of its base is at
# x = 3, y = 3. The box is stiff and stays level. (A box that is still to be packed is also called an item; the two
# words mean the same.)
#
# *Predict, then run.* Where does it stop?

# %%
plots.show(figures.landing(heights, (3, 2, 2), 3, 3, bin_height=6))

# %% [markdown]
# On the right the pile is seen from above. Six cells lie under the base, and their heights are 2, 0, 0, 0, 3 and 0. The
# box stops at the first one that it meets on its way down, which is the highest: the 3 at (5, 3), drawn in green. On
# the left the pile is seen along x: at each y stands the highest cell of the three rows that the box is long.
#
# The height at which the underside of a box comes to rest is its **landing height** $z$, here 3. The other five cells
# stay below, with a gap between. That this box would tip over is a question for later.
#
# In general, the landing height is the maximum of the map over the base:
#
# $$z(x, y) = \max_{0 \le i < l,\; 0 \le j < w} H_{x + i,\, y + j}$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $H$ | `heights` | height map, (L, W), in cells |
# | $l, w$ | `item[0]`, `item[1]` | edges of the box along x and along y |
# | $x, y$ | `x`, `y` | lowest corner of its base |
# | $z$ | `z` | landing height |
#
# The first exercise writes this formula as plainly as possible, with two loops. How fast it is does not matter yet.
# It has to be so simple that you can trust it, because everything faster is compared with it. Two more examples on
# the same pile: a base of 5 x 4 cells at (0, 0) covers sixteen twos and four zeros, so its box lands at 2; at (5, 0)
# it covers both walls and the gap, and lands at 3.

# %% [exercise packing_environment.landing_height]

# %% [markdown]
# Call your function at every place where the 3 x 2 base fits, and write each answer into the cell of the corner.

# %%
item = (3, 2, 2)
landing = np.full(heights.shape, -1)
for x in range(10 - 3 + 1):
    for y in range(8 - 2 + 1):
        landing[x, y] = landing_height(heights, item, x, y)
plots.show(plots.landing(landing, title="where a 3 x 2 x 2 box lands, by the place of its corner"))

# %% [markdown]
# At (3, 3) stands the 3 of the example. Compare this map with the height map. High cells have spread, two cells
# upwards and one cell to the left, because every base that covers a high cell has to stop at it. The cells with a
# cross have no number: with its corner there the box would stick out of the bin. They hold -1.
#
# ## The same without loops
#
# Training asks for these numbers millions of times, at every step of every bin. Two Python loops that look at one
# cell at a time are too slow for that. numpy can look at all places in one call, if we first lay out which cells
# belong to which place. This is what `sliding_window_view` does. It cuts a map into overlapping pieces. A **window**
# is the piece of the map under the base for one place of the corner. Here is a small map, and its windows for a base
# of 2 x 2 cells:

# %%
small = heights[3:7, 0:3]
windows = np.lib.stride_tricks.sliding_window_view(small, (2, 2))
print(small)
print("shape of the map:", small.shape, " shape of all windows:", windows.shape)
print("window at (1, 1):", windows[1, 1].tolist(), " window at (2, 0):", windows[2, 0].tolist())

# %% [markdown]
# A map of 4 x 3 cells has room for the corner of a 2 x 2 base at 3 x 2 places: always $L - l + 1$ along x and
# $W - w + 1$ along y. So the windows are an array with four axes. The first two say where the corner is, the last two
# are the cells of that window. Nothing is copied: it is a view, which reads the same memory again and again.
#
# The landing height at a place is the maximum of its window, 3 for both windows printed above. For the whole small
# map the answer is `[[2, 2], [3, 3], [3, 3]]`.

# %% [exercise packing_environment.landing_heights]

# %% [markdown]
# The loops above left their answers in `landing`. Compare them with one call of your function.

# %%
without_loops = landing_heights(heights, item)
print("places:", without_loops.size)
print("largest difference from the loops:", abs(without_loops - landing[:8, :7]).max())

# %% [markdown]
# Two ways that share no line of code agree at all 56 places. This is what the slow version was for.
#
# The environment goes one step further. Its own function, `placement.landing_heights`, takes the maps of many bins
# and an item for each of them, all in one call.
#
# *Predict, then run.* How many times as fast as the loops is your numpy function in one bin of 10 x 10 cells? And in
# 256 bins, one call after the other? And the one call for all 256?

# %% tags=["nbval-ignore-output"]
race = lab.race(landing_height, landing_heights)
plots.show(figures.speed(race.speeds))

# %%
print(f"{race.places:,} landing heights in 256 bins; largest difference between the three ways: {race.difference}")

# %% [markdown]
# A call of numpy costs some microseconds before it looks at a single cell. In so small a map that is most of its
# time. Bin by bin, this price is paid for every bin, so the advantage over loops stays about the same however many
# there are. In one call for all, it is paid once, so the advantage grows with the number of bins. For a single bin
# that call gains nothing and may even be slower, since it can do more and so makes more calls inside. This is why
# training packs many bins side by side.
#
# ## What may carry a box
#
# A box can land nearly anywhere, but in some places it would fall over. A cell **bears** the box if it is as high as
# the landing height, so that the box rests on it. A **support rule** looks at the cells of the base that bear and
# says whether the box may stay. There are five in this course. The pictures show the same box, 5 x 4 x 2 cells, on
# different piles: the box is orange, the pile blue. Below each one is the base from above, and the cells that bear
# are green.
#
# The strictest rule, `full`, wants the whole base borne.

# %%
plots.show(figures.support("full", piles.stands("level", "overhang")))

# %% [markdown]
# On the left, two boxes of the same height make one level top, and all 20 cells bear. On the right, one row of four
# cells hangs over the edge. Nobody would fear for this box, and `full` refuses it.
#
# The rule `fraction` is content with a share of the base. `fraction:0.8` wants at least 80 % of it, here 16 cells.

# %%
plots.show(figures.support("fraction:0.8", piles.stands("overhang", "bridge")))

# %% [markdown]
# The overhang has exactly the 16 cells and is accepted. The bridge has 15 and is refused, although it lies on two
# walls and is borne at all four corners. Counting cells does not see where they are.
#
# The rule `corners` counts cells and corners. It accepts a box of which more than 95 % is borne; or more than 80 %,
# and three of its corners; or more than 60 %, and all four (Zhao et al., 2021).

# %%
plots.show(figures.support("corners", piles.stands("bridge", "three corners", "overhang")))

# %% [markdown]
# Now the bridge is accepted, by the third condition. The box in the middle is borne at three corners and by 85 % of
# its base, and the second condition accepts it. The overhang has 80 % and two corners, and no condition fits.
#
# The rule `polygon` follows physics. A stiff box stays upright if its centre of gravity lies above the area that
# carries it (Ramos et al., 2016). That area is the **convex hull** of the bearing cells, the shape of a rubber band
# around them. The centre of an evenly filled box is above the middle of its base, which the dot marks.

# %%
plots.show(figures.support("polygon", piles.stands("table", "half"), hull=True))

# %% [markdown]
# Three posts carry the first box like the legs of a table (one is hidden behind the others). Only 4 of 20 cells bear,
# but the dot lies inside the band. On its edge would be enough. The second box has twice as many cells, all of them
# at one end. The dot lies outside, and the box would tip over its free end.
#
# The last rule, `none`, accepts everything, even a box on a single post at its end. It is there as a bound. Whatever
# another rule accepts, `none` accepts too, so no packing under another rule can beat the best one under `none`.
#
# *Predict, then run.* Seven piles and five rules. Is there a pile that only one rule accepts? Does `corners` accept
# all that `fraction:0.8` accepts, or the other way round?

# %%
plots.show(figures.agreement(piles.stands(), piles.RULES))

# %% [markdown]
# Two piles are accepted by `none` alone: the half, and the post, where a single cell bears the box. `fraction:0.8` and
# `corners` accept different things: one takes the overhang, the other the bridge, so neither is simply the stricter
# one. And `polygon` accepts all that the three rules to its left accept. This is no accident. Whenever more than half
# of a base bears, the middle cannot lie outside the band. The stricter rules are safety margins: a real box may be
# heavier at one end, and a real pile may give way.
#
# Safety has a price, which is paid in places. This is where the corner of the 5 x 4 x 2 box may stand on the example
# pile under four of the rules. A cross says no, for either reason: the rule refuses the box there, or it would stick
# out of the bin.

# %%
rules = piles.RULES[:4]
masks = [piles.places(heights, (5, 4, 2), 6, rule) for rule in rules]
plots.show(plots.mask(masks, rules, title="where the corner of a 5 x 4 x 2 box may stand"))

# %% [markdown]
# There are 30 places inside the walls, and `none` would allow them all. `polygon` leaves about half of them, and the
# other three only 4 or 5, most of them on the bare floor. A result means little without the rule that it was reached
# under.
#
# In the exercises and in the first episode the rule is `fraction:0.8`, because it fits into a few lines: you write it
# next. The comparison at the end uses the environment's default, `corners`.
#
# Written as a formula, the share of the base that bears is
#
# $$s(x, y) = \frac{1}{l\,w} \sum_{i < l,\; j < w} [\, H_{x + i,\, y + j} = z(x, y) \,]$$
#
# | symbol | in the exercise | meaning |
# | --- | --- | --- |
# | $z$ | `landing` | landing heights of all places |
# | $[\,\ldots\,]$ | `bearing` | 1 where a cell is as high as that, else 0 |
# | $s$ | compared with `share` | share of the base that bears |
#
# For the overhang it is 16 / 20 = 0.8, for the bridge 15 / 20 = 0.75. The exercise returns, for all places at once,
# whether the share reaches the one that is asked for. Such an array of True and False is a **mask**.

# %% [exercise packing_environment.fraction_mask]

# %% [markdown]
# Your mask for the 5 x 4 x 2 box on the example pile, for three shares:

# %%
shares = (1.0, 0.8, 0.75)
masks = [fraction_mask(heights, (5, 4, 2), share) for share in shares]
plots.show(plots.mask(masks, [f"share {share}" for share in shares], title="fraction_mask for a 5 x 4 x 2 box"))

# %% [markdown]
# At a share of 1 you have written the rule `full`. At 0.8 the overhang at (0, 0) comes in, at 0.75 the bridge at
# (5, 0) as well. A lower share never takes a place away.
#
# The comparison at the boundary is more delicate than it looks. A base of 5 x 5 cells of which 7 bear has a share of
# exactly 0.28. One could as well compare numbers of cells, 7 with 0.28 of 25:

# %%
print("the share:         7 / 25 =", 7 / 25)
print("28 % of the cells: 0.28 * 25 =", 0.28 * 25)

# %% [markdown]
# With a share of 0.28 asked for, the first comparison accepts the base. The second refuses it, since 7 is less than
# 7.000000000000001. On paper both are the same. But no float is exactly 0.28. The quotient 7 / 25 and the number 0.28
# are rounded to the same float, so they compare as equal; the product carries the error of its factor on, and comes
# out a hair too large. A mask that is wrong only where the share is met exactly has a fault that no glance at a picture
# finds.
#
# ## One number for each action
#
# The network of lesson 02b ended in a row of four outputs, one for each action. A network that packs ends in a row
# too, so each placement needs a number. A placement has four parts: which of the visible items is taken, how it is
# turned, and the x and y of its corner. (An environment may show several items of those to come; here it shows one.)
# How an item is turned is its **orientation**. The environment knows three ways to turn:

# %%
from binpack.core import placement

for rotation, count in placement.ROTATIONS.items():
    edges = ["x".join(map(str, turned)) for turned in placement.orient(np.array([2, 3, 5]), rotation).tolist()]
    print(f"{rotation:>4}: a 2x3x5 item may stand as {', '.join(edges)}; {count} x 10 x 10 = {count * 100} actions")

# %% [markdown]
# `none` leaves the item as it is, `z` may also turn it about the vertical axis, and `all` may lay it on any side.
# Count the placements in order, y fastest, then x, then the orientation, then the item. The number of a placement is
# then
#
# $$a = ((k\,O + o)\,L + x)\,W + y$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $k$ | `item` | which of the visible items, from 0 |
# | $o$, $O$ | `orientation`, `orientations` | how it is turned, from 0, and how many ways there are |
# | $L, W$ | `length`, `width` | cells of the bin along x and y |
# | $a$ | `action` | the number |
#
# In the bin of the example pile, 10 x 8 cells, with two orientations: item 0 in orientation 1 with its corner at (5,
# 4) is action ((0 * 2 + 1) * 10 + 5) * 8 + 4 = 124. The network will answer with such a number. The exercise finds
# out what it means. It undoes the formula from its end: what remains when 124 is divided by 8 is y = 4, and the
# quotient is 15, which holds the rest.

# %% [exercise packing_environment.decode_action]

# %% [markdown]
# Let the visible item be 5 x 2 x 1. What happens if the network answers 124?

# %%
edges = placement.orient(np.array([5, 2, 1]), "z")
which, orientation, x, y = decode_action(124, len(edges), 10, 8)
print(f"item {which}, orientation {orientation}, edges {edges[orientation].tolist()}, corner at ({x}, {y})")
plots.show(figures.landing(heights, edges[orientation], x, y, bin_height=6))

# %% [markdown]
# The item is turned about the vertical axis, so it is 2 long and 5 wide, and it would stick out of the bin: from y =
# 4 on there are only 4 cells left. The action has a number, but it is not legal. Which are?
#
# ## Which actions are legal
#
# Three conditions have to hold. The box lies inside the walls. It ends at or below the rim. And the support rule
# accepts it. The environment asks this for several boxes at once. A **candidate** is a visible item in one of its
# orientations. There are $K$ = visible items x $O$ of them, and item $k$ in orientation $o$ is candidate $k\,O + o$.
#
# Each candidate has a map of landing heights as large as the floor, so `landing` has the shape (K, L, W), and so has
# `supported`, the answer of the support rule. `items` holds the three edges of each candidate, (K, 3). Where a base
# would stick out, `landing` holds `OUTSIDE`, which is -1. In the array the candidate comes first, then x, then y,
# just as in the formula for $a$. So flattening an array of shape (K, L, W) puts its values in the order of the
# actions.
#
# An example with numbers: in a bin of height 6, a box of height 4 that lands at 2 ends at 6, exactly at the rim, and
# is legal. If it lands at 3 it ends at 7 and is not. And at `OUTSIDE` the sum is -1 + 4 = 3, which looks low enough
# and means nothing. So the walls need a test of their own.

# %% [exercise packing_environment.action_mask]

# %% [markdown]
# Now put your two masks together for a 5 x 4 x 2 item that may be turned about the vertical axis. `lab.on_the_map`
# calls `fraction_mask` for both orientations and lays the answers on maps of the whole floor.

# %%
edges = placement.orient(np.array([5, 4, 2]), "z")
landing = placement.landing_heights(heights[None], edges[None])[0]
supported = lab.on_the_map(fraction_mask, heights, edges, 0.8)
legal = action_mask(landing, edges, 6, supported)
plots.show(plots.mask(legal.reshape(2, 10, 8), ["0: 5 x 4 x 2", "1: 4 x 5 x 2"], title="legal actions"))
print("legal:", np.flatnonzero(legal).tolist(), "of", len(legal))

# %% [markdown]
# The first five numbers are below 80, so they belong to orientation 0. The last one, 80, is orientation 1 with its
# corner at (0, 0): ((0 * 2 + 1) * 10 + 0) * 8 + 0. Of 160 actions only 6 are legal. A network that chose among all
# 160 would be wrong nearly always. The row of True and False that belongs to the row of outputs is the **action
# mask**.
#
# How does a network use it? The Q-network of lesson 02 took the largest output. The policy that lesson 04 trains is
# another kind. Its outputs $u_a$ are not Q-values but preferences, called logits, and an action is drawn with a
# probability that grows with its logit. The **softmax** function makes the probabilities:
#
# $$p_a = \frac{e^{u_a}}{\sum_b e^{u_b}}$$
#
# For the logits 3, 1, 0 and 0 the first action gets $e^3 / (e^3 + e^1 + 1 + 1) = 20.09 / 24.80 = 0.81$. A masked
# policy first replaces the logits of illegal actions by a huge negative number, so that their $e^u$, and with it
# their probability, becomes 0 (Huang & Ontañón, 2022). `sb3_contrib`, an extension of Stable-Baselines3, has it
# ready.
#
# *Predict, then run.* What are the probabilities of the four if only the last two actions are legal? And if none is?

# %%
import torch
from sb3_contrib.common.maskable.distributions import MaskableCategorical

for flags in ([True, True, True, True], [False, False, True, True], [False, False, False, False]):
    policy = MaskableCategorical(logits=torch.tensor([3.0, 1.0, 0.0, 0.0]), masks=torch.tensor(flags))
    print(f"{sum(flags)} legal:", [f"{probability:.2f}" for probability in policy.probs.tolist()])

# %% [markdown]
# With two legal actions the first two get nothing, however large their logits are. With none, no error is raised. All
# four logits become the same huge negative number, and equal logits have equal probabilities: four illegal actions
# are equally likely, and training would go on with rubbish. So an environment has to end the episode before anybody
# sees an empty mask.
#
# ## The environment, as gymnasium wants it
#
# You know the interface of gymnasium from the lessons before (Towers et al., 2024): `reset` starts an episode, `step`
# takes an action and returns an observation, a reward and whether the episode is over. Our bin speaks it too. Its
# reward is the share of the bin that the new box fills, so the sum of the rewards is the **utilization** at the end,
# the filled share of the bin. Here a player who chooses by chance among the legal actions packs one bin. (`unwrapped`
# is the environment itself, without the layers of `gym.make`, which hide `action_masks`.)

# %%
import gymnasium as gym

env = gym.make("BinPacking-v0", rotation="z", support="fraction:0.8").unwrapped
observation, info = env.reset(seed=0)
rng, total, open_actions, terminated = np.random.default_rng(0), 0.0, [], False
while not terminated:
    choices = np.flatnonzero(env.action_masks())
    open_actions.append(len(choices))
    observation, reward, terminated, truncated, info = env.step(int(rng.choice(choices)))
    total += reward
plots.show(figures.steps([*open_actions, int(env.action_masks().sum())], y="legal actions", title="one episode"))

# %% [markdown]
# The number of legal actions goes up and down with the size of the item in hand. When it is 0, `terminated` is True,
# and nobody is asked for an action any more: the episode has ended before the empty mask could do harm. This is what
# stands in the bin then:

# %%
plots.show(plots.packing(info["placements"], env.config.bin_size))
print(f"sum of the rewards {total:.3f}, utilization {info['utilization']:.3f}, {info['packed']} items")

# %% [markdown]
# Chance fills a quarter of the bin and then has no place left. Both numbers agree, as they should.
#
# What does an agent see at each step? The observation has three parts.

# %%
observation, info = env.reset(seed=0)
for name, array in observation.items():
    print(f"{name:<8} shape {array.shape}, from {array.min():g} to {array.max():g}")
print("edges of the item in its two orientations:", *observation["edges"])

# %% [markdown]
# `heights` is the height map, `edges` holds the edges of each candidate, and `landing` its landing heights. Here
# `landing` is -1 wherever the action is illegal, whichever condition fails: the observation contains the mask. That
# is more than in the exercise, where -1 means outside the walls alone.
#
# Networks learn best from numbers of about the same size, so everything but this -1 is divided by the size of the bin:
# an edge of 0.5 means 5 of 10 cells.
#
# To get cells back, multiply by 10, and then round. Rounding is not pedantry. The observation has single precision,
# and a division that is undone by a multiplication does not always return exactly:

# %%
scaled = np.float32(13) / np.float32(22)
back = scaled * np.float32(22)
print("13 / 22 * 22 =", back, " cut off:", int(back), " rounded:", int(np.rint(back)))
print("edges in cells:", np.rint(observation["edges"] * 10).astype(int).tolist())

# %% [markdown]
# A bin 22 cells long would lose a cell here if the decimals were just cut off. `np.rint` goes to the nearest whole
# number.
#
# Now a test of your functions. `lab.compare_masks` plays the episode of above once more. At every step it takes only
# `heights` and `edges` out of the observation, turns them into cells, and lets `fraction_mask` and `action_mask` find
# the mask again. It counts the actions on which these masks and the environment's own disagree.

# %%
compared = lab.compare_masks(fraction_mask, action_mask)
print(f"{compared.steps} steps, {compared.actions} actions, {compared.legal} of them legal")
print(f"actions on which the two disagree: {compared.differing}")

# %% [markdown]
# The few lines of the exercises say what the environment says. (457 is the sum of the bars above: it is the same
# episode.) Two more questions remain about the environment itself. Does it keep the promises that other libraries
# rely on? gymnasium brings a test for them, `check_env`. It raises an error if something is wrong and says nothing if
# all is well.

# %%
from gymnasium.utils.env_checker import check_env

check_env(gym.make("BinPacking-v0", rotation="z").unwrapped)

# %% [markdown]
# And are the many bins of training really the same world as the single bin that you have just played? `lab.play_both`
# packs 32 bins twice with the same actions, one by one and side by side.
#
# *Predict, then run.* How many times as fast are 32 bins side by side? (The single bins use numpy too. So look at the
# race above: how many times as high is the upper curve as the lower one, between 16 and 64 bins?)

# %% tags=["nbval-ignore-output"]
from binpack.env import EnvConfig

played = lab.play_both(EnvConfig(rotation="z"))
print(f"side by side {played.faster:.0f} times as fast")

# %%
print(f"{played.steps:,} steps, {played.episodes} episodes")
print(f"largest difference: {played.difference:g} in observations, {played.reward_difference:.0e} in rewards")

# %% [markdown]
# Every observation is the same, bit for bit. The rewards differ in the ninth decimal, for the same reason as above:
# Stable-Baselines3 wants them in single precision. What you learn about one bin holds for the batch. The speed is the
# effect that you measured on landing heights: a step of all bins pays numpy's price once.
#
# ## Where items come from
#
# So far the items came from `random`, the default: each edge is drawn from 2 to 5, and items keep coming until one
# finds no place. A sequence of items that arrives at one bin is a **stream**. There are other sources, and they ask
# different things of a packer.

# %%
sources = {name: EnvConfig(items=name) for name in ("random", "cut_2", "split:10-20")}
sources["korea_post"] = EnvConfig(items="korea_post", bin_size=(22, 22, 20), cell="5cm", rotation="z")
print(*lab.describe_sources(sources), sep="\n")

# %% [markdown]
# The third column tells the sources apart. `random` delivers more than five times what the bin can hold, so a stream
# never runs out, and the question is how much is packed before a box finds no place.
#
# `cut_2` (Zhao et al., 2021) and `split` (Laterre et al., 2018) cut one full bin into pieces, `split:10-20` into 10 to
# 20 of them, so their volume is exactly 1. `cut_2` delivers a piece only after those that it rests on: a perfect
# packing is possible with the items in their order. `split` shuffles its pieces, and whether their order allows a
# perfect packing is unknown.
#
# `korea_post` delivers a catalogue of 88 real parcels in random order, for a pallet in cells of 5 cm. They are more
# than the pallet can hold, so they do not run out either. The path of a CSV file of your own goes in the same place.
#
# ## Rules of thumb are scores
#
# Before anything learns, there are rules such as "as low as possible". A **heuristic** is such a rule of thumb, cheap
# and often good, that promises nothing. In this package it is a function that gives every placement a score, for all
# placements at once, and the legal placement with the highest score is taken. Among equals it is the one with the
# lowest action number.
#
# | name | prefers |
# | --- | --- |
# | `random` | nothing: every legal action is equally likely |
# | `first_fit` | the lowest action number |
# | `deepest_bottom_left` | lowest z, then x, then y (Karabulut & Inceoglu, 2004) |
# | `heightmap_sum` | the least empty volume buried under the item (after Wang & Hauser, 2019) |
# | `roughness` | the smoothest surface afterwards |
# | `touching_area` | the most contact with floor, walls and boxes (after Lodi et al., 1999) |
#
# You write a seventh, `lowest_landing`, a cousin of `deepest_bottom_left`: the lower a box lands, the better; among
# places of the same landing height, the smaller x + y, the better. Both wishes have to go into one number.
#
# An example in a bin of 10 x 10 cells: place A is the far corner of the floor, with z = 0 and x + y = 18. Place B is on
# a box in the near corner, with z = 1 and x + y = 0. A is to win, although x + y speaks for B. So one cell of height
# has to count for more than any difference in x + y that the bin allows, and a larger bin allows larger ones. And the
# highest score wins, while low is good, so something needs a minus.
#
# The function gets everything about B bins at once, in an object with named parts, a `Candidates`. This is what it
# holds for two bins with the example pile and the 5 x 4 x 2 item in its two orientations:

# %%
two = lab.candidates(np.stack([heights, heights]), edges, bin_height=6)
for name, part in two._asdict().items():
    print(f"{name:<10} shape {np.shape(part)}")

# %% [markdown]
# Two bins, two candidates, and 10 x 8 places. `candidates.landing` holds the landing heights, with the shape (B, K, L,
# W): for each bin and each candidate a map. The scores have the same shape. `candidates.mask` says which placements are
# legal; what it forbids may have any score.

# %% [exercise packing_environment.lowest_landing]

# %% [markdown]
# A `Heuristic` is a name, a line that describes it, and a score. Make one of your score, and let it pack one stream.

# %%
from binpack.agents import evaluate, make_streams
from binpack.core import heuristics

config = EnvConfig()
streams = make_streams(config, 100, seed=0)
mine = heuristics.Heuristic("lowest_landing", "the lowest place, near the corner", lowest_landing)
first = evaluate(mine, streams[:1], config)
plots.show(plots.packing(first.boxes[0], config.bin_size))

# %% [markdown]
# The rule does what it says: boxes stand on the floor as long as there is room, and only then on each other. Whether
# it is any good is another question. One stream says little, because its items may happen to suit the rule.
#
# *Predict, then run.* All seven rules pack the same 100 streams under `corners`, without turning the items. Which one
# comes first? Does yours beat `first_fit`, which does not look at heights at all?

# %%
rules = [*heuristics.HEURISTICS.values(), mine]
results = {rule.name: evaluate(rule, streams, config) for rule in rules}
results = dict(sorted(results.items(), key=lambda pair: pair[1].mean))
shares = {name: result.utilization for name, result in results.items()}
plots.show(plots.bars_with_spread(shares, x="heuristic", y="utilization", runs="streams", title="100 streams"))

# %% [markdown]
# Each dot is one stream, each bar a mean. The spread within a rule is larger than the differences between most rules:
# some streams are simply kinder than others. The whiskers are 95 % intervals of the mean (Student, 1908): of a hundred
# such experiments with other streams, about 95 give an interval that holds the true mean.
#
# It is tempting to compare two rules by whether their whiskers overlap. That wastes what we know. All rules packed
# the *same* streams, so take the difference stream by stream, and ask for the interval of the mean difference. What
# makes a stream kind or unkind to both is gone from it. Two rules are **not separable** if this interval contains 0:
# the data do not say which of them is better.

# %%
from binpack.core.statistics import verdict

best = max(results, key=lambda name: results[name].mean)
verdicts = {name: verdict(shares[name], shares[best], runs="streams") for name in reversed(shares) if name != best}
plots.show(forest.differences(verdicts, title=f"difference to {best}", x="utilization, mean difference"))

# %% [markdown]
# Read the words at the right, not the order of the rows. `touching_area` has the highest mean, but 100 streams cannot
# tell it from `heightmap_sum`. That does not mean that the two are equal; more streams might separate them. All other
# rules are behind.
#
# One warning remains. The best rule was picked on these very streams, which flatters it. Lesson 10 judges on fresh
# ones. And your own question, `first_fit` against `lowest_landing`:

# %%
print("first_fit minus lowest_landing:", verdict(shares["first_fit"], shares["lowest_landing"], runs="streams"))
r = np.corrcoef(shares["first_fit"], shares["lowest_landing"])[0, 1]
print(f"correlation of the two over the streams: {r:.2f}")

# %% [markdown]
# The rule that ignores heights is ahead of the one that looks at them first. A likely reason: to lie low is not the
# same as to leave a surface on which the next box can stand. The correlation says how much there was to gain by
# comparing stream by stream: the closer it is to 1, the narrower the interval becomes. Here the gain is small.
#
# ## Trust no packing unchecked
#
# All these packings came out of the same code that also says what is legal. If that code had a fault, it would
# approve its own faults. So `evaluate` hands every finished packing to `geometry.verify`. This check knows nothing of
# height maps and shares no line with the environment: it looks at the boxes as rectangles that may or may not
# intersect.
#
# Here is the fullest packing of the best rule, once as it was packed and three times spoiled.
#
# *Predict, then run.* Which of the four is the right one? (Boxes with the same edges have the same colour.)

# %%
fullest = max(results[best].boxes, key=lambda boxes: boxes[:, 3:].prod(axis=1).sum())
four = lab.spoil(fullest)
plots.show(figures.four(four, config.bin_size, title="which one is right?"))

# %% [markdown]
# Some faults can be seen from a suitable side, others cannot be seen at all. Now the check:

# %%
from binpack.core import geometry

for letter, packing in four.items():
    faults = geometry.verify(packing, config.bin_size, config.support)
    print(f"{letter}: {len(faults):>2} found", *faults[:1], sep=", first: " if faults else "")

# %% [markdown]
# C is the packing as it was. In A the last box floats one cell above the pile. In B every box is where it belongs,
# but the order is reversed, so that upper boxes would be there before those that carry them; no picture can show
# that. In D the second box stands inside the first, and what it carried hangs in the air.
#
# ## Takeaways
#
# - A height map holds all that matters for the next box, and the landing height is a maximum over the base.
# - Write it slowly once: the slow version tests the fast one. numpy pays off in batches.
# - A support rule is a modelling choice. State it next to every result.
# - A mask makes illegal actions impossible. An empty mask makes them uniform, so the episode has to end first.
# - Compare rules on the same streams, by the interval of their difference.
# - Have every packing checked by code that did not make it.
#
# ## Quiz
#
# 1. Two bins have the same height map but different boxes below. Can the best next action differ?
# <details><summary>Answer</summary>No. Items come from above and land on the map, so the same items can go to the
# same places with the same reward.</details>
#
# 2. Somebody leaves the test for the walls out of `action_mask`. Which wrong actions may become legal?
# <details><summary>Answer</summary>Those whose base sticks out. There `landing` is -1, and -1 plus the height of a box
# passes the test for the rim. Only the support rule may still stop them, and under a rule that accepts everything
# nothing does.</details>
#
# 3. A colleague's agent uses 90 % of the bin under `none`, yours 70 % under `corners`. Which is better?
# <details><summary>Answer</summary>Nobody knows: they solved different problems. Evaluate both under one rule, on the
# same streams.</details>
#
# 4. Two heuristics packed the same 100 streams. The 95 % interval of the mean difference, second minus first, runs
# from -0.01 to 0.04. May you report the second as better?
# <details><summary>Answer</summary>No. Zero lies inside. Report both, say that 100 streams do not separate them, and
# take more streams if it matters.</details>
#
# 5. Your mask agrees with the environment's on 2,000 actions of one episode. Is it right?
# <details><summary>Answer</summary>It is likely, not certain. A fault at a boundary, such as 7 cells of 25 at a share
# of 0.28, may not come up in one episode. This is why the check of the exercise asks for such cases on
# purpose.</details>
#
# ## What comes next
#
# Every heuristic here sees only the item in hand and never learns. In lesson 04, PPO learns a score for each
# placement from the rewards alone, with these masks, and has to beat the best rule of this lesson.
#
# ## References
#
# - H. Zhao, Q. She, C. Zhu, Y. Yang, K. Xu (2021). Online 3D bin packing with constrained deep reinforcement
#   learning. AAAI.
# - A. G. Ramos, J. F. Oliveira, J. F. Gonçalves, M. P. Lopes (2016). A container loading algorithm with static
#   mechanical equilibrium stability constraints. Transportation Research Part B.
# - A. Laterre et al. (2018). Ranked reward: enabling self-play reinforcement learning for combinatorial optimization.
# - K. Karabulut, M. M. Inceoglu (2004). A hybrid genetic algorithm for packing in 3D with deepest bottom left with
#   fill method. ADVIS.
# - F. Wang, K. Hauser (2019). Stable bin packing of non-convex 3D objects with a robot manipulator. ICRA.
# - A. Lodi, S. Martello, D. Vigo (1999). Heuristic and metaheuristic approaches for a class of two-dimensional bin
#   packing problems. INFORMS Journal on Computing.
# - S. Huang, S. Ontañón (2022). A closer look at invalid action masking in policy gradient algorithms. FLAIRS.
# - M. Towers et al. (2024). Gymnasium: a standard interface for reinforcement learning environments.
# - Student (1908). The probable error of a mean. Biometrika.
