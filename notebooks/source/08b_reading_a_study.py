# %% [markdown]
# # 08b Reading a study
#
# *120 minutes. Builds on lesson 08: you can write a study, store it, and resume it.*
#
# When you are done you can
#
# - say how five pruners decide, and write the decisions of two of them;
# - measure what a pruner saves, what it kills, and whether the saving buys anything;
# - say which number of a run's first minutes tells how it will end, and how well;
# - read each of Optuna's plots aloud, and say what not to conclude from it;
# - measure which hyperparameters matter, and say how far such a measurement can be trusted;
# - search for two objectives, and judge what was found;
# - say how many trials are worth their time.
#
# The first part of this lesson made studies. A finished study is a table of trials, and many of them were a waste:
# their curves were hopeless from early on, and each was trained to its end. This part asks two questions. Could the
# waste have been stopped, and at what price? And what does the table say, once it is there? For both there are answers
# that everybody quotes. Here they are measured, on the recorded runs of lesson 06.
#
# ## Stopping early
#
# A trial may tell its study how it stands: `trial.report(score, step)`. After that it may ask `trial.should_prune()`,
# and if the answer is yes it ends itself with `raise optuna.TrialPruned`. Stopping a trial that looks bad before its
# end is called **pruning**, as one cuts branches from a tree. What decides is the *pruner*. It sees nothing but
# reports: those of the trial so far, and those of the trials before.
#
# Pruning rests on one assumption: what is behind early is behind at the end. It has a price wherever curves cross. A
# small learning rate begins slowly and may end high. The pruner does not know that, and stops it.

# %%
import numpy as np
import optuna
import torch

from binpack import plots
from binpack.course import exercises as ex
from binpack.course import tables
from binpack.course.l08_optuna import carry, defaults, fronts, pruning, signs, studies
from binpack.course.l08_optuna import reading_figures as figures
from binpack.course.l08_optuna import reading_words as words
from binpack.course.l08_optuna.reading_records import Budgets, Fronts, Replays, Shares
from binpack.course.l08_optuna.searches import Searches
from binpack.search.landscape import task
from binpack.search.landscape.table import load

torch.set_num_threads(1)
optuna.logging.set_verbosity(optuna.logging.WARNING)
record = load()
study = record.runs("study")
print(f"{len(study.configs)} configurations, {len(study.seeds)} seeds each, {task.POINTS} evaluations in a run")

# %% [markdown]
# ### The median
#
# The simplest rule compares with the trials that are complete. Take the median of what they had reported *at the same
# step*. A trial whose best report so far is below it is stopped.
#
# An example. Three trials are complete; after 6,000 steps they had 0.60, 0.70 and 0.80. A fourth has now reported 0.55,
# 0.72 and 0.65, the last one after 6,000 steps. The median is 0.70. Its best report is 0.72, so it goes on, although
# its last one is below the median: scores are noisy, and a trial is not stopped for one bad evaluation. With 0.55, 0.66
# and 0.65 it would be stopped.
#
# $$\text{stop } i \text{ at point } t \text{ if}\quad \max_{u \le t} s_{i,u} < \operatorname{median}_{j}\, s_{j,t}$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $s_{i,u}$, $u \le t$ | `reports` | what the trial has reported so far |
# | $s_{j,t}$ | `complete` | what the complete trials reported at the same point |
# | | `startup` | so many of them have to be there |
#
# In the beginning there is nothing to compare with. So the rule lets the first few trials go on whatever they report,
# five of them if you do not choose.

# %% [exercise optuna.median_stops]

# %% [markdown]
# A search of recorded runs serves as an example. It draws a hundred of the configurations in a random order, and one
# seed of each. The first five run to their ends. Your function decides about the next ones, and the one that it stops
# last is drawn.

# %%
rng = np.random.default_rng(0)
search = pruning.searches(study, 100, 1, rng)
scores, steps, worth = search.scores[0], search.steps[0], search.worth[0]
stopped = {}
for trial in range(5, 40):
    for point in range(task.POINTS - 1):
        if median_stops(scores[trial, : point + 1], scores[:5, point], 5):
            stopped[trial] = point + 1
            break
trial = max(stopped, key=stopped.get)
plots.show(figures.median(scores[[*range(5), trial]], trial, stopped[trial]))

# %% [markdown]
# Grey are the five trials that ran to their ends, and the dashed blue line is their median at each step. The trial's
# own curve ends at the cross. The thin dashed line is what Optuna would never have seen: how the trial would have gone
# on. We know it, since the runs were recorded whole. This is what makes the rest of this part possible.
#
# ### A replay
#
# Recorded curves are whole, so any pruner can be played over them afterwards, and it decides exactly as it would have
# decided live. A trial that it stops takes fewer points. It is then no longer complete, and so it is missing from the
# median of all trials after it. This is why a replay has to go through the trials in their order.
#
# Say the rule is to stop what is below the median, from one complete trial on. The curves are 0.2, 0.4, 0.6; then 0.1,
# 0.5, 0.9; then 0.15, 0.3, 0.5. The first trial meets nobody and takes 3 points. The second has 0.1 at its first point,
# below 0.2, and takes 1. The third has 0.15 there. The only complete trial is still the first, with 0.2, so it takes 1
# as well. The result is 3, 1, 1: five points instead of nine. Note what happened to the second trial: it would have
# ended highest.

# %% [exercise optuna.replay_pruner]

# %% [markdown]
# *Predict, then run.* A hundred trials, and your median rule. Which share of the steps is saved? And of the ten
# configurations that are truly the best of the hundred, how many are stopped?


# %%
def median_rule(reports, complete):
    return median_stops(reports, complete, 5)


ends = replay_pruner(scores, median_rule)
taken = np.take_along_axis(steps, ends[:, None] - 1, axis=1).sum()
good = np.argsort(-worth, kind="stable")[:10]
print(f"{(ends == task.POINTS).sum()} of 100 trials reach their end; saved: {1 - taken / steps[:, -1].sum():.0%}")
print(f"of the ten truly best, {(ends[good] < task.POINTS).sum()} are stopped")
kept = np.flatnonzero(ends == task.POINTS)
chosen, without = kept[scores[kept, -1].argmax()], scores[:, -1].argmax()
print(f"the choice is worth {worth[chosen]:.4f}, without a pruner {worth[without]:.4f}")

# %% [markdown]
# One search is one search. Before a thousand of them are looked at, here are the other rules.
#
# The *percentile pruner* is the median pruner with another share: one that keeps the upper quarter compares with the
# value that three quarters of the complete trials do not reach. Both can be given a warm-up: points at which nobody is
# stopped.
#
# ### Successive halving
#
# The second idea is a tournament. Start many, stop the worse half, give the rest twice as much, and again (Jamieson and
# Talwalkar, 2016). The points at which this happens are called **rungs**: points at which a trial must be among the
# best to go on. With a factor of 4 a trial needs to be in the best quarter after 1 point, then in the best quarter of
# those that are left after 4 points, and again after 16.
#
# In its old form all trials have to wait at a rung until all others are there. Optuna's works one trial after the other
# (Li et al., 2020): a trial that reaches a rung is compared with those that were there before it, and goes on at once
# if it is among the best of them. What comes later cannot change that.
#
# Say the factor is 2, and three trials were at the rung before, with 0.7, 0.5 and 0.3. The new one makes four, so two
# go on. With 0.6 it has one ahead of it, fewer than two, and goes on. With 0.4 it has two ahead of it and stops. And
# with a factor of 4 and one trial before it, there is not a whole group of four yet. Then the best one goes on, so that
# the study can begin at all.

# %% [exercise optuna.halving_goes_on]

# %% [markdown]
# The same hundred trials with your decision, at the rungs 1, 4 and 16:

# %%
rungs = pruning.rungs(task.POINTS, 4)
there = {rung: [] for rung in rungs}
ends = np.full(100, task.POINTS)
for number, curve in enumerate(scores):
    for rung in rungs:
        value = curve[rung - 1]
        on = halving_goes_on(value, np.array(there[rung]), 4)
        there[rung].append(value)
        if not on:
            ends[number] = rung
            break
plots.show(figures.rungs(scores, ends, rungs))

# %% [markdown]
# Most trials end at the first rung, after a single evaluation. The one blue curve is what is left.
#
# Successive halving has to be told how early it should begin. If early scores say little, the first rung is a lottery,
# and a later first rung would be better. *Hyperband* (Li et al., 2018) does not decide: it deals the trials out to
# several groups, the *brackets*, that begin at the first rung, at the second, and so on. Most trials go to the hasty
# brackets, since these are cheap, and each trial is compared with trials of its own bracket only. So it seldom does as
# well as the best of its brackets would alone, and seldom as badly as the worst.
#
# ### Over seeds
#
# So far a trial was one run, and its points were evaluations. With several seeds there is another way to save: to leave
# out seeds. After each finished seed the trial reports its mean so far, and the median pruner works as before, with
# seeds in the place of points.
#
# Optuna has a pruner for just this case. It compares a trial with the best complete one *seed by seed*, by a
# signed-rank test (Wilcoxon, 1945): the differences are ordered by size, and if the large ones are mostly negative, the
# trial is probably worse and is stopped. A test that asks after every seed is wrong more often than one that asks once,
# and its threshold of 0.1 is no promise that one in ten decisions is wrong.
#
# ## What they save, and what they kill
#
# Each pruner was played over the same thousand searches of a hundred trials. *Good ones* are the ten that are truly the
# best of the hundred, by their mean over all seeds. The *loss* is what the search's choice is worth less than without a
# pruner.
#
# *Predict, then run.* Pruning is often said to save 50 to 70 % of the work. Which of the pruners does? And which of
# them kills the truly best configuration in fewer than one search out of ten?

# %%
replays = Replays.load()
tables.show(words.pruned(replays, "points"))
print(words.quoted(replays))

# %% [markdown]
# Read a row from left to right: what is saved, what is killed, and what that costs. The median pruner saves about four
# fifths of the steps, more than is quoted. It stops two good configurations out of three, and the best of all in every
# other search. And yet its choice is worth only a few thousandths less.
#
# To kill good configurations is not the same as to lose worth. A search without a pruner seldom finds the truly best
# configuration either, as lesson 06 showed; it finds a good one with a lucky seed. If some good ones survive, one of
# them takes its place. The loss can even be negative: whoever stops a mediocre configuration early also takes away its
# chance to be lucky at the end.
#
# A warm-up makes the median gentler. When nobody is stopped in the first quarter, the pruner still saves half of the
# steps, kills the best in one search out of four, and loses nothing that can be measured.
#
# And with seeds in the place of points, where every trial has all recorded seeds:

# %%
tables.show(words.pruned(replays, "seeds"))

# %% [markdown]
# A mean over several seeds is another kind of sign than a point of one curve: it comes late, and it has less luck in
# it. Compare both tables in the columns of what is killed. The median saves nearly as much as before, but it stops the
# best configuration in one search out of nine, and not in every other. The signed-rank test kills the best one in one
# search out of twenty. But it kills nearly half of the good ones, and the median a quarter.
#
# ### What the saving buys
#
# Saved steps are worth nothing by themselves. They are worth what they buy: more trials. So the fair comparison gives
# every search the same number of environment steps. The search without a pruner makes fifty whole trials. The others
# start trials until they have spent as much.
#
# *Predict, then run.* A pruner that saves three quarters can start four times as many trials. Will its choice be better
# than that of the fifty whole ones? By how much: as much as one seed differs from another, or less?

# %%
for of in ("points", "seeds"):
    tables.show(words.equal_budgets(replays, of))
    print(words.best_pruner(replays, of)[1])

# %% [markdown]
# Read the column with the differences against its ±: what is smaller than that cannot be told from nothing. Every
# pruner but the hastiest buys something. On points it is about 0.004 of utilization, so the choice is the better one in
# six pairs out of ten. Between median, halving and Hyperband there is no difference that counts. Over seeds the median
# buys more, and is ahead in three pairs out of four.
#
# So pruning pays, and it is no miracle: what is saved is much, what it buys is little. (Two hundred and fifty trials
# are all that these searches have to start, since the record holds 256 configurations. A pruner that started as many
# might have gone further.)
#
# Pruning has a second price, which no table shows. The value of a stopped trial is its last report, at another step
# than the others'. Plots and importances leave such trials out, so a pruned study holds fewer trials to read.
#
# ## Which early sign tells the end
#
# A pruner looks at the score. A run says more about itself, as lesson 05b showed: the divergence of its updates, the
# variance that its critic explains, the entropy of its policy. Perhaps one of these tells sooner how a configuration
# will end.
#
# The measure is the rank correlation over all configurations, between the sign of *one* run at a point and what the
# configuration is truly worth. It is 1 where the sign orders them perfectly, -1 where it orders them backwards, and 0
# where it says nothing.
#
# *Predict, then run.* After a tenth of the run, which sign tells most?

# %%
found = signs.correlations(study)
at = np.arange(1, task.POINTS + 1) * task.EVERY
axes = {"x": "environment steps", "y": "rank correlation with the worth", "spread": "range"}
plots.show(plots.curves_with_spread({name: (at, each) for name, each in found.items()}, title="early signs", **axes))
tables.show(words.tells(found, (2, 5, 10, 20)))
print(words.soon(found))

# %% [markdown]
# Lines are means over the seeds, and bands reach from the lowest seed to the highest. A sign far below 0 is as useful
# as one far above it: turn it round. How fast the score's own line rises says how early a pruner can decide at all.
#
# After a tenth of the run there is a better sign than the score: the variance that the critic explains. A critic begins
# to understand the task before the policy profits from it. A pruner that looked at it would decide better there. By the
# time that a quarter of the run is over, the score is the best sign of itself.
#
# The end of the score's line is below 1, since one run is noisy even when it is finished. That last step to 1 is what
# only further seeds can tell.
#
# ## The plots, read aloud
#
# Optuna draws eleven kinds of plots. For each of them there is a sentence that it supports, and one that people read
# into it though it is not there. To have something to draw, a search of eighty recorded trials with the median pruner
# is put into a study, with its reports and with the times that the runs took, as if two processes had made them.

# %%
pruned = studies.study(study, 80, pruning.percentile(0.5), np.random.default_rng(1), "with pruning")
whole = studies.study(study, 120, pruning.whole, np.random.default_rng(1), "without")
states = [trial.state.name.lower() for trial in pruned.trials]
print(", ".join(f"{states.count(state)} {state}" for state in sorted(set(states))))
plots.show(plots.history(pruned))
plots.show(plots.intermediate_values(pruned))
plots.show(plots.timeline(pruned))

# %% [markdown]
# - **History.** Read aloud: "the highest score rose until trial so-and-so". Not: "the search still improves". The line
#   is the highest of ever more noisy numbers, and rises without any improvement. Pruned trials are not in it.
# - **Intermediate values.** "This is what the pruner saw: here the curves part." If they part late, prune late. Not:
#   "the pruned ones were bad". Where they would have ended is not in the picture.
# - **Timeline.** "Both processes were busy; pruned trials are short." Gaps are waiting, and long bars of one colour are
#   slow configurations. It is the plot for finding out why a study takes long, and the only one that knows the clock.

# %%
few = ["learning_rate", "n_epochs", "gamma", "clip_range"]
plots.show(plots.slice_(whole, few))
plots.show(plots.contour(whole, few[:2]))
plots.show(plots.rank(whole, few[:2]))
plots.show(plots.parallel_coordinate(whole, few))

# %% [markdown]
# - **Slice.** "Below this learning rate nothing scored high." Look at the upper edge of the cloud, and at its ends: if
#   the edge still rises at the end of a range, widen the range. Not: "the best value is 0.0021", which is the place of
#   the luckiest dot. The colour tells the age of a trial, so that in a search by TPE one sees where it went.
# - **Contour.** "Both together have to be in this region." The colour between dots is interpolated. An island around
#   one dot is one trial, and with eleven hyperparameters nine others vary behind the two that are drawn.
# - **Rank.** The same places, and each dot coloured by its rank. Nothing is interpolated, and one extreme score does
#   not use up the colours. It is the honest sister of the contour.
# - **Parallel coordinates.** "The best lines meet here." Drag along an axis to keep only what passes there. The order
#   of the axes has no meaning, so what looks like a pattern between two neighbours may be an accident of it.

# %%
box = studies.study(record.runs("box"), 100, pruning.whole, np.random.default_rng(1), "random in the grid's box")
plots.show(plots.edf([whole, box]))

# %% [markdown]
# - **Distribution of scores** (EDF). For each score it shows the share of the trials that are not above it. A curve
#   that lies to the right has better trials throughout. It compares *spaces*, or samplers, by all of their trials and
#   not by their luckiest, so it is the right plot before a long search: a hundred random trials in each of two spaces
#   show which one has more to find. It says nothing of which one holds the very best.
#
# Three plots are left. Importance gets a part of its own, and the other two belong to studies with two objectives.
#
# ## Which hyperparameters matter
#
# Lesson 06 could say what a hyperparameter explains, because a grid is balanced. Random trials are not, but there is an
# easy way: cut the scale into a few bins, and compare the mean scores of the bins. If these differ much, the
# hyperparameter matters on its own.
#
# Four trials lie at 0.1, 0.2, 0.6 and 0.9 of the scale, and score 1, 3, 2 and 4. With two bins the means are 2 and 3.
# Each of the four trials has the mean of its bin: 2, 2, 3, 3, with a variance of 0.25. The scores have a variance of
# 1.25. So the share is 0.2. A bin with more trials should count more, and it does so if every trial carries the mean of
# its bin.
#
# $$\text{share} = \operatorname{Var}_i\big(\bar s_{b(i)}\big) \,/\, \operatorname{Var}_i(s_i)$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $s_i$ | `scores` | what trial $i$ scored |
# | $b(i)$ | from `places` and `bins` | the bin in which trial $i$ lies |
# | $\bar s_b$ | | mean score of the trials in bin $b$ |

# %% [exercise optuna.importance_by_means]

# %% [markdown]
# On all configurations of the record, once with their means over the seeds and once with a single seed each:

# %%
one = study.final[np.arange(len(study.configs)), np.random.default_rng(2).integers(len(study.seeds), size=256)]
rows = []
for edge, name in enumerate(task.SPACE.names):
    values = [importance_by_means(study.places[:, edge], scored, 4) for scored in (study.final.mean(axis=1), one)]
    rows.append((name, values))
rows.sort(key=lambda row: (-round(row[1][0], 6), row[0]))
head = ("hyperparameter", "of the means over seeds", "of single runs")
tables.show(tables.Table(head, [[name, *(f"{value:.2f}" for value in values)] for name, values in rows]))
by_chance = np.mean([importance_by_means(rng.random(256), one, 4) for _ in range(200)])
print(f"a hyperparameter without any effect would get {by_chance:.3f}")

# %% [markdown]
# The last line is the yardstick. Bins always differ a little, so even a random number explains something. What lies
# near that value cannot be told from nothing.
#
# Optuna has two evaluators that are more elaborate. **Functional ANOVA** (Hutter et al., 2014) fits a random forest to
# the trials and takes the variance of *its* means, so it asks the same question as your bins. **PED-ANOVA** (Watanabe
# et al., 2023) asks another one: in which hyperparameters do the best tenth of the trials differ from the rest? A
# hyperparameter that decides who fails, but not who wins, is important to the first and not to the second.

# %%
plots.show(plots.importance(whole))
plots.show(plots.importance(whole, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0)))

# %% [markdown]
# - **Importance.** Read aloud: "on these trials, this range moved the score most". Not: "this hyperparameter matters,
#   and that one does not". Importance belongs to ranges: cut the range of the first one down to its good half, and it
#   may fall to the last place. And the shares add up to 1 whatever the scores are made of. With pure noise they do so
#   as well.
#
# ### Against the truth
#
# The surrogate knows the answer, since it can be asked about any number of configurations without noise. *Alone* is the
# share of the variance that a hyperparameter explains on its own, *with others* is the share in which it is involved at
# all (Sobol, 2001). Beside them stands what each evaluator would say of endless trials, and what it says of a hundred.
#
# *Predict, then run.* How many of the eleven will be told from nothing by a hundred trials?

# %%
measured = Shares.load()
tables.show(words.importances(measured, 100))
tables.show(words.trust(measured))
print(plots.importance(studies.study(study, 30, pruning.whole, np.random.default_rng(4))).text)

# %% [markdown]
# One. The learning rate stands far above its ±. For every other hyperparameter the spread is about as large as the
# share itself, so in your study they may stand in any order.
#
# The second table says it directly. A study of 20 random trials names a first hyperparameter like any other study, and
# fANOVA's is the right one in four of ten. With 100 trials it nearly always is. The three most important ones are
# another matter: fANOVA names two of them at best, even with 400 trials, and PED-ANOVA 2.4 on average. Under 50 trials
# `plots.importance` therefore adds a warning to its figure and to its text, as in the last line.
#
# ### On trials that were chosen
#
# The searches above drew at random. TPE does not: most of its trials lie where it expects high scores. There the good
# learning rates are all alike, and what is alike explains nothing.

# %%
print(words.lies(measured, 100))
names = ["the truth", "random", "TPE"]
limit = measured.limit("fANOVA")
heights = [limit, *(measured.found[kind, 100, "fANOVA"].mean(axis=0) for kind in ("random", "TPE"))]
plots.show(plots.heat_table(np.array(heights).T, task.SPACE.names, names, title="fANOVA, 100 trials each"))

# %% [markdown]
# A hyperparameter that matters most may look harmless in a study by TPE, precisely because the search has settled it.
# Whoever then drops it from the next search has drawn the wrong conclusion. Go back to the second table above: with
# TPE's trials the right first one is named in two studies out of three at best, and more trials do not help. So
# importance is measured on trials at random. If you want both a good search and an importance, make the first fifty
# trials at random and compute it on these, with fANOVA: with so few PED-ANOVA names the right first one in fewer than
# half of the studies.
#
# ## Two objectives
#
# Utilization is not all that one wants. A configuration that reaches 0.88 with every seed is better to live with than
# one that reaches 0.92 or 0.70. And one that trains in half the time is better as well. One could put weights on the
# wishes and add them up, but then one has to know the weights before one knows what is possible. The alternative is to
# look at what is possible first.
#
# One configuration *beats* another if it is nowhere worse and somewhere better. What nothing beats is the **Pareto
# front**: the configurations that are left when everything that is beaten is crossed out. Take four, with utilization
# and stability, more being better in both: (3, 1), (1, 3), (1, 1) and (2, 2). The third is beaten by each of the
# others. Of the other three none beats another, so they are the front.

# %% [exercise optuna.pareto_front]

# %% [markdown]
# All configurations of the record, once against their standard deviation over seeds, once against the time that they
# take to train. Both are to be low, and stand with a minus so that more is better.

# %%
points = fronts.measured(study)
for name in ("stability", "seconds"):
    mask = pareto_front(points[name])
    best = points[name][mask][np.argsort(-points[name][mask, 0])]
    ends = [f"{good:.3f} with {-bad:.3g}" for good, bad in (best[0], best[-1])]
    print(f"against {name}: {mask.sum()} on the front, from {ends[0]} to {ends[1]}")
two = fronts.study_of(study, points["seconds"])
plots.show(plots.pareto_front(two, ["utilization", "seconds"]))

# %% [markdown]
# - **Pareto front.** Read aloud: "for this much less utilization I get that much less time". Look for the knee, the
#   place after which a little more of one costs much of the other. Not: "these are the best configurations". The front
#   is made of lucky maxima like every other choice, and with two objectives there are two kinds of luck.
#
# How much luck? Half of the seeds may choose a front, and the other half look at it again.

# %%
halves = fronts.measured(study, slice(0, 5)), fronts.measured(study, slice(5, 10))
for name in ("stability", "seconds"):
    count, kept, fall = fronts.stays(halves[0][name], halves[1][name], pareto_front)
    print(f"against {name}: {count} on the first front, {kept} of them on the second; they fall by {fall:+.4f}")

# %% [markdown]
# A standard deviation over five seeds is a very noisy number. Yet half of the first front is on the second as well. Of
# the front against seconds only three of eleven are, although seconds hardly differ from seed to seed: utilization over
# five seeds is noisy too. So there is luck in both fronts.
#
# ### One number for a front
#
# To compare two searches, a front has to become one number. The usual one is the **hypervolume**, the area between the
# front and a reference that everything has to exceed. The points (3, 1), (2, 2) and (1, 3) with the reference (0, 0)
# make stairs: a strip of width 3 and height 1, above it one of width 2 and height 1, above that one of width 1.
# Together that is 6. A point like (1, 1), which is beaten, lies under the stairs and adds nothing.

# %% [exercise optuna.hypervolume]

# %% [markdown]
# Your number for the recorded front, and Optuna's plot of the same study, which shows how it grew from trial to trial:

# %%
reference = np.array([0.5, -30.0])
print(f"covered: {hypervolume(points['seconds'], reference):.4g}")
plots.show(plots.hypervolume(two, [0.5, 30.0]))

# %% [markdown]
# - **Hypervolume.** "After so many trials the front hardly grew." Like the history it can only rise, and it depends on
#   the reference: choose it before the study, and the same for all that you compare.
#
# The sampler of a study with two objectives can be TPE, whose good trials are then those on the front or near it (Ozaki
# et al., 2020). Or it is *NSGA-II* (Deb et al., 2002), a genetic algorithm: it keeps a population, crosses good pairs,
# and changes a value now and then. The searches below are scored by what their trials are truly worth. The second cost
# is the number of gradient steps, which does not depend on a machine.
#
# *Predict, then run.* Which sampler covers most after 50 trials, and which after 200?

# %%
areas = Fronts.load()
for name in fronts.AGAINST:
    tables.show(words.fronts(areas, name))
curves = {name: (areas.at, areas.areas["gradient steps", name]) for name in fronts.SAMPLERS}
axes = {"x": "trials", "y": "area covered", "title": "utilization against gradient steps", "spread": "middle"}
plots.show(plots.curves_with_spread(curves, **axes))

# %% [markdown]
# TPE covers most, with both second objectives and at every number of trials. A genetic algorithm needs generations. Its
# population has 20 trials here, so 200 trials are ten generations, and the first of them is random. After 50 trials
# NSGA-II is level with random search, after 200 it is ahead in three pairs out of four. And a spread over five seeds,
# noisy as it is, can be learned from: against stability the samplers gain no less than against gradient steps.
#
# ## How many trials, and of what
#
# Everybody asks how many trials a study needs. The usual answer has three steps: 20 to 50 to find out what works, 100
# to 300 for a good result, 500 and more for the last bit. Here it is as a curve.
#
# *Predict, then run.* Going from 50 trials to 100 doubles the bill. How much does it add? And from 300 to 600?

# %%
long = Budgets.load()
curves = {name: long.curve(name) for name in ("random", "TPE")}
axes = {"x": "trials", "y": "worth of the leader", "title": "long searches", "spread": "middle"}
plots.show(plots.curves_with_spread(curves, **axes))
tables.show(words.doublings(long, "TPE"))
print(words.enough(long)[1])
print(words.enough(long, "random")[1])
apart = 2 * np.sqrt(study.final.var(axis=1, ddof=1).mean() / np.pi)
print(f"two runs of one configuration differ by {apart:.4f} on average")

# %% [markdown]
# The first 50 trials bring about two thirds of all that 600 bring, the first 200 about nine tenths. So the three steps
# of the usual answer are there, and the third is hardly one: doubling 300 trials adds one or two thousandths. Single
# rows are noisy, since 40 searches stand behind each: by the thousand searches of lesson 07 the step from 50 to 100
# trials is about as large as the next one.
#
# Compare that with the last line. A search sees single runs, and what it can tell apart is limited by how far they lie
# from each other. Where a gain is a small part of that, further trials mostly bring luckier leaders, and the money is
# better spent on further seeds of the best few.
#
# ### A few, or all eleven
#
# The other piece of advice is to search three to five hyperparameters and to leave the rest alone. It can mean two
# things. The guides name some that usually matter. The record knows which ones do matter here. Both are compared with a
# search of all eleven, at equal budgets, everything else at its default.
#
# *Predict, then run.* With 20 trials, and with 200: is the small space ahead?

# %%
tables.show(words.few_or_all(long))
for trials in (20, 200):
    print(words.best_space(long, trials)[1])

# %% [markdown]
# The smallest space of the guides is ahead with every budget, in nearly nine pairs out of ten. After 20 trials it has
# found what the search of all eleven finds after 600. One might expect the rows to change places from left to right,
# because what is left out stays where it is. They do not: the defaults are good there, and eleven wide ranges hold many
# ways to be worse.
#
# Nor is it best to search what matters. The three that the record's importance names are the most important ones *in
# the whole space*, where most of the variance is between runs that learn and runs that do not. A search that begins at
# a good default asks another question: where is something to be gained from here? On that the guides knew more.
#
# ## Does it carry over?
#
# All this was one task. A study is often made on a small task, or on last year's items, in the hope that its result
# serves another one. The record can be asked: 64 of its configurations, and the default, were trained again with other
# items, five seeds each. The bin and the rules are the same, but the items have random edges, and are no longer cut
# from a full bin.
#
# *Predict, then run.* How well does the order of the configurations carry over? And where does the best one stand?

# %%
pair = carry.Pair.of(record)
tables.show(carry.best(pair))
plots.show(carry.figure(pair))
print(*carry.said(pair), sep="\n")

# %% [markdown]
# The order carries over as well as it can. No order agrees better with the second items than these agree with
# themselves, since five seeds are noisy, and the two correlations are about the same.
#
# That is an easy test, though: whoever learns nothing on one kind of items hardly learns on the other. So look at the
# upper end of the figure, where a search ends, and at the last sentence. What was best on the first items is among the
# best five here as well. But its lead over the default has shrunk to a thousandth: with random edges all
# good configurations lie close together. A good configuration carries over, and what it gained does not.
#
# ## What tune takes from this
#
# The package's own command `tune` has to choose a sampler, a pruner, a number of seeds and trials, and a space for
# whoever does not. For each of them there is a record: the long searches, the replays of pruners, and the searches of
# lesson 08 with several seeds for each trial.
#
# One thing has to be weighed that no pruner's record knows. Without a pruner the seeds of a trial are independent, so
# two cores train two of them at a time. With a pruner the second seed waits for the verdict on the first. So a pruner
# has to save half of the steps before it saves any time, and what it buys has to be set beside what twice as many
# trials buy.

# %%
more = defaults.doubled(study, 50, 2000, np.random.default_rng(3))
tables.show(defaults.proposals(replays, long, Searches.load(), more))

# %% [markdown]
# The two columns agree, because the defaults follow the records. For the pruner the two gains differ by less than their
# error, and then the simpler setting stands. Two of them surprise people, no pruner and only three hyperparameters, and
# both rest on a condition.
#
# Without a pruner is right where two cores train two seeds. On a single core take `--pruner halving`. Three
# hyperparameters are right where the default configuration learns, so that there is something to leave alone. Where
# yours learns nothing, take `--space wide`, which has ten, and more trials. A default has to serve tasks that nobody
# has recorded, so look at how large the gains in the last column are before you change anything.
#
# ### The last step
#
# Whatever a study chose, its score is no result. The choice is trained again, on seeds that took no part, beside the
# default, and scored on streams that took no part. The record can do this for one choice: three seeds choose among the
# twenty best, which were trained with forty more seeds.

# %%
promised, kept = defaults.judged(record.runs("study", least=50), record.runs("default"))
print(f"promised by three seeds: {promised:+.4f} more than the default")
print("kept:", kept)

# %% [markdown]
# The first line is what a report of the study would say. The second is the result, with an interval that covers the
# seeds. A study that ends without this line has ended too early.
#
# ## Takeaways
#
# - A pruner sees reports and nothing else. It is right as often as curves do not cross.
# - Saved steps are no result. Ask what they buy at an equal budget, and at what price in good configurations.
# - The longer a run has been, the better its score tells the end; measure how soon, before you choose a first rung.
# - Each plot supports a sentence. The best dot supports none.
# - Importance belongs to trials at random, fifty or more. On trials that a search chose, what matters most may look
#   harmless.
# - A front is a choice by luck, twice over. Train what you pick from it again.
# - More trials pay less and less, and at some point they only find luck. Then add seeds.
#
# ## Quiz
#
# 1. A trial reports 0.50, 0.74 and 0.60. At the third step the complete trials have a median of 0.70. What does a
# median pruner do?
# <details><summary>Answer</summary>It lets the trial go on. Its best report counts, and that is 0.74.</details>
#
# 2. A colleague reports that pruning saved 65 % of the steps. What do you ask?
# <details><summary>Answer</summary>What the steps bought. And how many of the good configurations were stopped, which
# he can only know if he has trained some of the stopped ones to their ends.</details>
#
# 3. With successive halving and a factor of 4, the very first trial scores badly. Why does it go on?
# <details><summary>Answer</summary>There is no whole group of four at the rung yet, and then the best one goes on. The
# first trial is the best of one.</details>
#
# 4. A study of 200 trials by TPE shows an importance of 0.05 for the learning rate. May you fix it?
# <details><summary>Answer</summary>Not for that reason. TPE's trials crowd at good learning rates, and what hardly
# varies explains hardly anything. Compute the importance on random trials.</details>
#
# 5. PED-ANOVA puts the entropy coefficient first and fANOVA puts it sixth. Which of them is wrong?
# <details><summary>Answer</summary>Perhaps neither. The first looks at what the best tenth has in common, the second at
# the whole spread of scores. The coefficient may decide who wins and not who fails.</details>
#
# 6. Two configurations are on a front, (0.90, 12 s) and (0.90, 12 s). Is one of them beaten?
# <details><summary>Answer</summary>No. To beat, one has to be better somewhere.</details>
#
# 7. After 300 trials your leader has not changed for 100 trials. Is the search finished?
# <details><summary>Answer</summary>That the leader stays says only that no score was higher. It may be a lucky one, in
# front of better configurations. Train the best few with further seeds and see whether the order holds.</details>
#
# ## What comes next
#
# All of this ran in one process, one trial after the other. Lesson 09 makes many at a time, on several cores and
# machines, where pruners have to decide without waiting for each other.
#
# ## References
#
# - K. Deb, A. Pratap, S. Agarwal, T. Meyarivan (2002). A fast and elitist multiobjective genetic algorithm: NSGA-II.
#   IEEE Transactions on Evolutionary Computation.
# - F. Hutter, H. Hoos, K. Leyton-Brown (2014). An efficient approach for assessing hyperparameter importance. ICML.
# - K. Jamieson, A. Talwalkar (2016). Non-stochastic best arm identification and hyperparameter optimization. AISTATS.
# - L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar (2018). Hyperband: a novel bandit-based approach to
#   hyperparameter optimization. JMLR.
# - L. Li, K. Jamieson, A. Rostamizadeh, E. Gonina, J. Ben-tzur, M. Hardt, B. Recht, A. Talwalkar (2020). A system for
#   massively parallel hyperparameter tuning. MLSys.
# - Y. Ozaki, Y. Tanigaki, S. Watanabe, M. Onishi (2020). Multiobjective tree-structured Parzen estimator for
#   computationally expensive optimization problems. GECCO.
# - I. M. Sobol (2001). Global sensitivity indices for nonlinear mathematical models and their Monte Carlo estimates.
#   Mathematics and Computers in Simulation.
# - S. Watanabe, A. Bansal, F. Hutter (2023). PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary
#   subspaces. IJCAI.
# - F. Wilcoxon (1945). Individual comparisons by ranking methods. Biometrics Bulletin.
