# %% [markdown]
# # 06 Grid and random search
#
# *100 minutes. Builds on lesson 05: you know what each hyperparameter does when it is changed on its own.*
#
# When you are done you can
#
# - tell parameters from hyperparameters, and count what a full grid would cost;
# - draw configurations on the scale that suits each hyperparameter;
# - say how many random trials a search needs, and what that number does not promise;
# - judge a search by what its choice is truly worth, and not by the score that it reports;
# - compare two searches over a thousand repeats, and explain which one wins where;
# - divide a budget of runs between configurations and seeds.
#
# Lesson 05 changed one hyperparameter at a time. That tells what each one does, and it cannot find a good combination:
# the best learning rate for 4 epochs is not the best one for 20. This lesson changes them together, in the two simplest
# ways that there are. They are the yardstick for every cleverer search that follows.
#
# A limit first. A search can only be judged by repeating it, since a single one may be lucky. Repeating real searches
# would take weeks. So the runs were made once, thousands of them, and are searched again and again in seconds.
#
# ## Two kinds of numbers
#
# A **parameter** is a number that training itself finds: a weight of the network. A **hyperparameter** is a number
# that has to stand before training begins: the learning rate, the number of epochs, the width of a layer. Gradients
# tell a parameter in which direction to go. Nothing tells a hyperparameter. To learn whether a value is good, you train
# with it and look.
#
# So there are two loops. The inner one, training, adjusts some ten thousand parameters in forty thousand steps. The
# outer one, the search, adjusts eleven hyperparameters, and each of its steps is a whole training run. A
# **configuration** is a value for each hyperparameter. A **trial** is one step of the outer loop: one configuration,
# trained and scored.

# %%
import itertools

import numpy as np
import torch

from binpack import plots
from binpack.course import exercises as ex
from binpack.course import tables
from binpack.course.l06_grid_and_random import figures, live, replay, sentences
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Surrogate
from binpack.search.landscape.table import load

torch.set_num_threads(1)
tables.show(tables.Table(("name", "type", "range", "scale"), [list(row.values()) for row in task.SPACE.table()]))

# %% [markdown]
# This is the **search space** of the lesson: what may vary, and how far. The ranges are those that guides recommend,
# and some way beyond, as you would choose them when you do not know better.
#
# Most people begin without a plan: they try a value, look, try another one, and stop when they like what they see.
# Trial and error is not foolish. A person who knows lesson 05 excludes most of the space at once. But nobody can say
# afterwards what was searched, and two people who do it find different things. A search that can be written down can be
# repeated, and judged.
#
# ## The grid
#
# The oldest plan is to list some values for each hyperparameter and to try every combination. With learning rates of
# 0.001 and 0.01 and with 4 and 10 epochs there are four **cells**: (0.001, 4), (0.001, 10), (0.01, 4) and (0.01, 10).
# Two nested loops visit them in this order. With eleven hyperparameters you would need eleven nested loops, so it is
# better to write it once for any number of them.

# %% [exercise grid_and_random.grid_cells]

# %% [markdown]
# The grid of this lesson has four hyperparameters with the values that guides list. All others keep their defaults.

# %%
grid = grid_cells(task.GRID)
print(f"{len(grid)} cells, the first {grid[0]}")

# %% [markdown]
# Seven more hyperparameters were left out, and this is not a matter of taste. Suppose that each of ten hyperparameters
# has ten values, and that a run takes ten minutes. The number of runs is 10 x 10 x ... x 10, ten times. How long does
# that take?

# %% [exercise grid_and_random.search_years]

# %%
for machines in (1, 100_000):
    print(f"{machines:>7,} machines: {search_years(10, 10, 10, machines):>10,.1f} years")
print(f"four with three or four values, at 8 seconds: {search_years(1, 108, 8 / 60) * 365 * 24:.2f} hours")

# %% [markdown]
# The first number is older than writing. With a hundred thousand machines it is two years. Every hyperparameter more
# multiplies the bill by ten, so a faster machine buys little: one that is ten times as fast pays for one more. This
# growth is called the **curse of dimensionality**. It is why a grid is used for three or four hyperparameters with
# three or four values each, and why one has to know beforehand which.
#
# ## The record
#
# The record of this lesson holds real runs of the task that you know from lesson 05: a bin of 6 x 6 x 6 cells, 40,960
# steps, 32 environments. Each run was scored on 200 validation streams at the end, and on 1,000 other streams, the test
# streams, on which nothing was chosen.

# %%
record = load()
study, cells, box = (record.runs(group) for group in ("study", "grid", "box"))
default = record.runs("default").first_seeds(10)  # it has more, for later
groups = {runs.group: runs.final.shape for runs in (study, default, cells, box)}
print(sentences.about(groups, sum(runs.final.size for runs in (study, default, cells, box))))

# %% [markdown]
# *Study* are 256 configurations from the whole space. *Grid* are the cells from above. *Box* are as many configurations
# drawn at random from the box that the grid spans, from its lowest to its highest values. You will need all three.
#
# A word that is used all the time from here on: the **worth** of a configuration is its mean score on the test streams,
# over its seeds. It is what you would like to know. A search sees something else, the score of one seed on the
# validation streams. Where a search is judged, the seed that it saw is left out of the mean, so that the luck of this
# one run cannot count twice.
#
# *Predict, then run.* The default is what Stable-Baselines3 sets. Of 256 configurations from the whole space, how many
# are better than it?

# %%
worth_of_default = float(default.truth[0])
plots.show(figures.ranked(study, worth_of_default))
share_better = float((study.truth > worth_of_default).mean())
print(f"the default is worth {worth_of_default:.3f}; {share_better:.0%} of the configurations are worth more")

# %% [markdown]
# The dots fall slowly at first and steeply at the end: many configurations are decent, and some learn nothing. The
# dashed line shows how far up the default lies. Where the line is crossed, you read off the share of the space that
# beats it.
#
# ## Drawing at random
#
# The other simple plan is to draw each hyperparameter from its range at random, without regard to the others. The
# range is not enough to say how. Take the learning rate, from 0.00001 to 0.1. Drawn evenly, nine in ten draws lie
# between 0.01 and 0.1, because that is nine tenths of the range. Whether 0.0001 or 0.001 is better will hardly ever be
# asked.

# %%
rng = np.random.default_rng(0)
print("evenly:", np.sort(rng.uniform(1e-5, 1e-1, 8)).round(5))
plots.show(figures.against(study, "learning_rate"))

# %% [markdown]
# The figure shows every configuration of the study. The worth rises over the lowest decades and falls in the highest
# one, so all of them matter. Yet from 0.00001 to 0.0001 is a step of 0.00009 only, and the same step from 0.01 on would
# not be noticed. What counts is the *ratio* of two learning rates. So the same number of draws should fall between
# 0.0001 and 0.001 as between 0.001 and 0.01. That is an even draw of the logarithm. The logarithms of 0.001 and 0.01,
# to base ten, are -3 and -2; a draw of -2.5 halfway between gives $10^{-2.5} = 0.0032$.
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $a$, $b$ | `low`, `high` | ends of the range, above 0 |
# | $u$ | `places` | even on $[\log a, \log b]$ |
# | $e^u$ | the result | a value, **log-uniform**: each ratio is as likely everywhere |

# %% [exercise grid_and_random.log_uniform]

# %%
drawn = log_uniform(1e-5, 1e-1, 1000, np.random.default_rng(0))
for low in (1e-5, 1e-4, 1e-3, 1e-2):
    print(f"{low:g} to {10 * low:g}: {((drawn >= low) & (drawn < 10 * low)).sum()} of 1000")

# %% [markdown]
# Each decade gets a quarter. Learning rates, entropy coefficients, numbers of steps and widths are drawn like this,
# wherever doubling means about the same at both ends of the range. A discount between 0.8 and 1 is drawn evenly. The
# column "scale" of the search space above says which is which.
#
# ## How many draws
#
# Random search has a property that no other search has: one can say beforehand how many trials it takes. Call the best
# twentieth of the space good. A draw misses it with a probability of 0.95. Two draws both miss it with 0.95 x 0.95 =
# 0.90, three with 0.86. The number of hyperparameters does not occur in this, nor does their kind. How many draws until
# all of them miss with 5 % at most?

# %% [exercise grid_and_random.trials_needed]

# %%
for share in (0.2, 0.05, 0.01):
    needed = [trials_needed(share, confidence) for confidence in (0.5, 0.9, 0.95, 0.99)]
    print(f"best {share:.0%}: {needed} trials for 50, 90, 95 and 99 %")

# %% [markdown]
# Sixty trials for the best twentieth with 95 % is a rule of thumb that you will meet. It is right, and it promises less
# than it seems to. First, the best twentieth of the *space* is what you put into the space; widen a range into regions
# where nothing learns, and the same twentieth becomes mediocre. Second, one of sixty trials is that good, but you do
# not know which: their scores are noisy.
#
# ## What a search reports, and what it found
#
# The second point deserves an experiment. A search ends with the trial that scored highest. That score is the highest
# of many noisy numbers, so it is high partly by luck.
#
# An example with three trials. They score 0.80, 0.85 and 0.82, and their configurations are truly worth 0.81, 0.79 and
# 0.84. The search leads with 0.80, then with 0.85, and the third trial does not change that. What the leader is worth
# goes 0.81, 0.79, 0.79. The search reports a rise from 0.80 to 0.85 while what it found went down.

# %% [exercise grid_and_random.worth_so_far]

# %% [markdown]
# Now a thousand random searches. Each one draws 100 of the 256 configurations in a random order, and for each of them
# one of its seeds.

# %%
rng = np.random.default_rng(1)
scores, worth = replay.searches(study, 100, 1000, rng)
found = np.array([worth_so_far(*search) for search in zip(scores, worth, strict=True)])
trials = np.arange(5, 101)
curves = {"score of the leader": np.maximum.accumulate(scores, axis=1), "what the leader is worth": found}
axes = {"x": "trials", "y": "utilization", "title": "random search, reported and real", "spread": "middle"}
plots.show(plots.curves_with_spread({name: (trials, curve[:, 4:]) for name, curve in curves.items()}, **axes))

# %% [markdown]
# The figure begins at the fifth trial, since the first few rise too steeply to show the rest beside them. The upper
# line is what nearly every plot of a search shows. It can only rise. The lower line is what you would get if you took
# the leader home and trained it again. The two are measured on different streams, and streams differ a little in how
# hard they are; what counts is how the distance *grows* with the number of trials. The lower line may even fall from
# one trial to the next, when a lucky run takes the lead from a better configuration.
#
# From here on every search is judged by the lower line.
#
# ## Grid against random
#
# *Predict, then run.* The grid has 108 cells. Random search gets 108 trials in the same box, and in a third arm 108 in
# the whole space, whose ranges are wider and which has seven hyperparameters more. Which is best after 10 trials, and
# which after 108?

# %%
arms = {"grid": cells, "random in its box": box, "random in the whole space": study}
results = {}
for name, runs in arms.items():
    scores, worth = replay.searches(runs, len(cells.configs), 1000, rng)
    results[name] = np.array([worth_so_far(*search) for search in zip(scores, worth, strict=True)])
axes = {"x": "trials", "y": "worth of the leader", "title": "three searches, 1,000 repeats each", "spread": "middle"}
trials = np.arange(5, len(cells.configs) + 1)
plots.show(plots.curves_with_spread({name: (trials, curve[:, 4:]) for name, curve in results.items()}, **axes))

# %% [markdown]
# Lines are means over a thousand searches, and bands hold the middle 80 % of them. Bands that overlap do not say that
# the searches are equal; they say that a single search of one kind can end above a single search of the other. How
# often does it?
#
# Take two results of the first kind, 3 and 1, and one of the second, 2. There are two pairs, and in one of them the
# first is higher: the chance is 0.5. This number is the **probability of improvement** (Agarwal et al., 2021). It needs
# no assumption about how results are distributed.

# %% [exercise grid_and_random.chance_better]

# %%
for one, other in itertools.combinations(results, 2):
    for count in (10, 27, 108):
        first, second = results[one][:, count - 1], results[other][:, count - 1]
        print(sentences.compared(one, other, chance_better(first, second), (first - second).mean(), count))

# %% [markdown]
# Read the three comparisons in turn. Grid and random in the same box differ in nothing but the plan. Random in the box
# and random in the whole space have the same plan and differ in what is known beforehand. Compare the two differences:
# that tells whether the plan or the space matters more here.
#
# ### A grid that is stopped
#
# The grid above was visited in a random order. Nested loops visit it in theirs.

# %%
scores, worth = replay.searches(cells, len(cells.configs), 1000, rng, in_order=True)
in_order = np.array([worth_so_far(*search) for search in zip(scores, worth, strict=True)])
curves = {"in a random order": results["grid"], "in the order of the loops": in_order}
trials = np.arange(1, len(cells.configs) + 1)
axes = {"x": "trials", "y": "worth of the leader", "title": "the same grid in two orders", "spread": "middle"}
plots.show(plots.curves_with_spread({name: (trials, curve) for name, curve in curves.items()}, **axes))

# %% [markdown]
# The first 27 cells of the loops all have the lowest learning rate. Whoever stops early, or loses the machine, has
# searched a quarter of the box. Both orders end with the same cells, so they meet at the end. A random search can be
# stopped at any trial and continued at any later time, and has always searched the whole box.
#
# ## Why random search is hard to beat
#
# Bergstra and Bengio (2012) gave the reason. Nine trials of a grid over two hyperparameters are three values of each.
# Nine random trials are nine values of each. If only one of the two matters, the grid has tried three values of it,
# three times each, and random search has tried nine.

# %%
lattice = np.array(list(itertools.product([1 / 6, 1 / 2, 5 / 6], repeat=2)))
named = {"grid": lattice, "random": np.random.default_rng(3).random((9, 2))}
plots.show(figures.squares(named, "matters", "does not matter", "nine trials in two ways"))

# %% [markdown]
# The ticks below the squares show where the trials lie along the hyperparameter that matters. So the question is how
# many matter. A full grid answers it well, which is what a grid is really good for: every value of one hyperparameter
# has met the same values of all others, so the means over these can be compared directly.
#
# An example with two by two cells. The scores are 1 and 3 for the first value of the first hyperparameter, and 2 and 4
# for its second. The means are 2 and 3, whose variance is 0.25. The variance of all four cells is 1.25. So the first
# hyperparameter explains a fifth on its own. For the second the means are 1.5 and 3.5, with a variance of 1: four
# fifths. This share is the **main effect** of a hyperparameter.

# %% [exercise grid_and_random.main_effect]

# %%
table = cells.truth.reshape([len(values) for values in task.GRID.values()])
shares = {name: main_effect(table, axis) for axis, name in enumerate(task.GRID)}
print(sentences.effects(shares))

# %% [markdown]
# If one share is far above all others, one hyperparameter decides and the grid wastes its cells on the others. If
# several are of one size, the grid wastes little. What is left over lies in combinations, and in the luck of seeds.
#
# There is a case in which random search does not win. Where all hyperparameters matter alike, and where the person who
# wrote the grid chose values near the best one, the grid hits it by design. Random search comes near it only by chance.
# Knowledge beats chance; and it is knowledge that made this grid, not the fact that it is one.
#
# ## Draws that keep apart
#
# Random points leave gaps and form clusters. A **low-discrepancy sequence** draws points that keep apart from each
# other and from those before. Sobol (1967) found one that does so along every edge of the cube. Shuffled in a way that
# keeps this property, it can be repeated with other seeds (Owen, 1998).

# %%
rng = np.random.default_rng(4)
named = {kind: replay.points(kind, 64, 2, rng) for kind in ("random", "Sobol")}
plots.show(figures.squares(named, "one", "another", "64 points of each kind"))
for kind in named:
    gaps = [replay.largest_gaps(replay.points(kind, 64, 11, rng)).mean() for _ in range(200)]
    print(f"{kind}: the longest stretch of an edge without a point is {np.mean(gaps):.3f} long")

# %% [markdown]
# Along each single hyperparameter the sequence leaves gaps a fraction as long. Does a search profit from it? The record
# holds 256 configurations, and a new sequence needs others. For these there is a **surrogate**: a model that was fitted
# to the recorded runs and predicts the others, the mean as well as the spread over seeds. It will be looked at closely
# in lesson 07; here it serves as a stand-in for training. It predicts validation scores, so worth is a mean on
# validation streams here.
#
# *Predict, then run.* Will 64 trials of the sequence find more than 64 random ones?

# %%
model = Surrogate.recorded(record)
ends = {}
for kind in ("random", "Sobol"):
    scores, worth = replay.model_searches(model, kind, 64, 300, rng)
    ends[kind] = np.array([worth_so_far(*search)[-1] for search in zip(scores, worth, strict=True)])
first, second = ends["Sobol"], ends["random"]
print(sentences.compared("Sobol", "random", chance_better(first, second), (first - second).mean(), 64))

# %% [markdown]
# The gaps are smaller along each edge, but the space has eleven edges, and 64 points fill no space of eleven
# dimensions. What the sequence gains, if anything, is small beside what luck does from search to search. It costs
# nothing either, so it is a good choice where all trials are drawn beforehand. The 256 configurations of the study were
# drawn with it.
#
# ## More configurations or more seeds
#
# One seed is noisy. With several seeds for each configuration the choice is better, and fewer configurations can be
# tried. How often does a search choose the configuration that is truly the best of those that it tried?

# %%
rng = np.random.default_rng(5)
counts, seeds = (5, 10, 20, 50, 100), (1, 2, 3, 5, 10)
best = [[replay.choices(study, n, k, 2000, rng).best for k in seeds] for n in counts]
rows, columns = [f"{n} tried" for n in counts], [f"{k} seed{'s' * (k > 1)}" for k in seeds]
plots.show(plots.heat_table(best, rows, columns, title="share of searches that choose the truly best"))

# %% [markdown]
# To the right the share grows: more seeds, better choices. Downwards it shrinks: among more configurations there are
# more that are nearly as good as the best, and one of them is lucky. To miss the best is no disaster if what is chosen
# is nearly as good. So now the worth of what is chosen, for one budget of 60 runs that is divided in different ways.
#
# *Predict, then run.* 60 configurations with one seed each, or 6 with ten seeds each?

# %%
budget = {(60 // k, k): replay.choices(study, 60 // k, k, 4000, rng) for k in (1, 2, 3, 4, 5, 6, 10)}
rows = [[str(n), str(k), f"{each.worth:.4f}", f"{each.promised:.4f}"] for (n, k), each in budget.items()]
tables.show(tables.Table(("configurations", "seeds of each", "worth of the choice", "its score"), rows))
print(sentences.best_split({split: each.worth for split, each in budget.items()}))

# %% [markdown]
# The last column is what the search would report. It is furthest from the worth where each configuration has one seed:
# there are many numbers to be lucky with. With ten seeds each it is nearly honest, but so few configurations were tried
# that a good one was seldom among them. A way between is to try many with one seed, and then the best few with more;
# lesson 08 does that.
#
# ### The price of choosing
#
# Whatever was chosen by a score, that score is no estimate of its worth. How much was promised, over the thousand
# searches of each kind from above?

# %%
rng = np.random.default_rng(6)
promised = {}
for name, runs in arms.items():
    scores, worth = replay.searches(runs, 100, 1000, rng)
    rows, last = np.arange(1000), replay.leaders(scores)[:, -1]
    shift = runs.final.mean() - runs.truth.mean()
    promised[name] = scores[rows, last] - shift, worth[rows, last]
tables.show(sentences.promises(promised))

# %% [markdown]
# Validation and test streams differ in difficulty, so their mean difference over all runs has been subtracted from the
# scores first. What is left in the last column is the price of having chosen, to about 0.01, since the streams do not
# make the same difference to every configuration. It is not an error of the search. It is the reason for **held-out**
# scores: of seeds and streams that took no part in the choice. A result that is reported without them is too good.
#
# ## A search of your own
#
# So far everything was replayed. The next cell draws six configurations from the space and trains them for real, for a
# seventh of the recorded steps, with the default beside them.

# %% tags=["nbval-ignore-output"]
rng = np.random.default_rng(7)
drawn = [task.DEFAULT, *(task.SPACE.sample(rng) for _ in range(6))]
tables.show(live.search(drawn, ["learning_rate", "n_steps", "n_epochs", "batch_size"]))

# %% [markdown]
# Seven runs with one seed rank seven configurations, and you know now what such a ranking is worth. Change the seed of
# the generator and run the cell again, and another configuration leads.
#
# ## Takeaways
#
# - A trial is a whole training run. Count trials before anything else.
# - A grid grows as a power of the number of hyperparameters. Random search does not know how many there are.
# - Draw on the scale on which equal steps mean equal changes: mostly a logarithmic one.
# - The score of the chosen configuration is too high because it was chosen. Judge it on seeds and streams that took no
#   part.
# - Compare searches by the worth of what they choose, over many repeats, at equal budgets.
# - What you know beforehand, the ranges and the values, can matter more than the plan.
#
# ## Quiz
#
# 1. Your space has four hyperparameters, and you add three that do not matter. What happens to the number of random
# trials that hit the best twentieth with 95 %, and what to a grid with three values each?
# <details><summary>Answer</summary>Random search still needs 59: the share of good configurations has not changed. The
# grid grows by 27 times.</details>
#
# 2. A colleague draws dropout rates from 0.1 to 0.5 log-uniformly. Does it matter much?
# <details><summary>Answer</summary>No. The range spans less than a decade, so both scales draw nearly alike. The scale
# matters where a range spans several decades.</details>
#
# 3. A search reports that its best-so-far curve still rises after 500 trials. Is it still finding better
# configurations?
# <details><summary>Answer</summary>Not necessarily. The highest of many noisy scores rises for ever, even if all
# configurations are equally good. Look at what the leader is worth on fresh seeds.</details>
#
# 4. You have time for 60 runs. Your scores differ more between seeds than between configurations. Which way do you move
# in the table of the divided budget?
# <details><summary>Answer</summary>Towards more seeds and fewer configurations. With one seed each you would mostly
# choose luck.</details>
#
# 5. When would you use a full grid after all?
# <details><summary>Answer</summary>With two or three hyperparameters of which each matters, with values that you have
# reasons for, when you can afford all cells, and when you want to see effects and not only the best cell.</details>
#
# ## What comes next
#
# Grid and random search do not learn from what they have seen: the hundredth trial is drawn like the first. Lesson 07
# builds searches that do, and asks how much that gains.
#
# ## References
#
# - J. Bergstra, Y. Bengio (2012). Random search for hyper-parameter optimization. Journal of Machine Learning Research.
# - I. M. Sobol (1967). On the distribution of points in a cube and the approximate evaluation of integrals. USSR
#   Computational Mathematics and Mathematical Physics.
# - A. B. Owen (1998). Scrambling Sobol' and Niederreiter-Xing points. Journal of Complexity.
# - R. Agarwal, M. Schwarzer, P. S. Castro, A. C. Courville, M. G. Bellemare (2021). Deep reinforcement learning at the
#   edge of the statistical precipice. NeurIPS.
# - X. Bouthillier et al. (2021). Accounting for variance in machine learning benchmarks. MLSys.
# - T. Eimer, M. Lindauer, R. Raileanu (2023). Hyperparameters in reinforcement learning and how to tune them. ICML.
# - G. Shala, S. Pineda Arango, A. Biedenkapp, F. Hutter, J. Grabocka (2024). HPO-RL-Bench: a zero-cost benchmark for
#   hyperparameter optimization in reinforcement learning. AutoML.
# - J. Becktepe, J. Dierkes, C. Benjamins, A. Mohan, D. Salinas, R. Rajan, F. Hutter, H. Hoos, M. Lindauer, T. Eimer
#   (2024). ARLBench: flexible and efficient benchmarking for hyperparameter optimization in reinforcement learning.
