# %% [markdown]
# # 10 Capstone: from a file of items to a report card
#
# *120 minutes. Builds on lessons 05 to 09: you know what is worth searching, and how to search it on many processes.*
#
# When you are done you can
#
# - choose the cells of a grid for items that were measured with a tape, and say what they waste;
# - plan a budget of hours so that the end of a study is paid for as well;
# - choose finalists without looking at the test, train them anew, and say what is left of the promise;
# - compare several finalists with one default without fooling yourself;
# - read and make a report card, and keep a leaderboard for a class.
#
# Lesson 09 ended with a search of any size. What it could not say is whether you should believe what the search found,
# on your items, next month. This lesson goes the whole way once, from a file to a page that you can hand to somebody
# who has to decide. Nothing in it is new in kind. What is new is that nothing is left out.
#
# A depot's parcels stand in for yours, in two files: those of one month, and those of the month after. When you have
# been through once, put the path of your own file, measured in cm, into the next cell, with a bin whose edges are
# multiples of 200 mm. All cells down to the small search then work on your items, if each of them fits into the bin as
# it lies. The guide `tutorials/your-own-items.md` goes the same way by commands.
#
# ## Items, bin and unit
#
# The file has true measures, in cm, as a tape gives them. Each row is a kind of parcel, with the number of them that
# one month brings. A stream of items is all of these parcels in a random order. The packer sees the next two, and a bin
# is done when neither of them finds a place.
#
# The packer works on a grid of cells. Between the tape and the grid lies a choice that comes before all tuning: how
# large is a cell? No hyperparameter makes good what it wastes.

# %%
import tempfile
from pathlib import Path

import numpy as np
import optuna
import torch

from binpack import plots
from binpack.course import exercises as ex
from binpack.course import tables
from binpack.course.l10_capstone import figures, live, task, words
from binpack.course.l10_capstone.record_capstone import Record
from binpack.search import leaderboard
from binpack.search.card import card
from binpack.search.finalists import best_trials

torch.set_num_threads(1)
optuna.logging.set_verbosity(optuna.logging.WARNING)
temporary = tempfile.TemporaryDirectory()  # removed when the kernel stops
folder = Path(temporary.name)
items, size = task.PARCELS, task.BIN  # yours: Path("mine.csv"), and the three edges of a bin in mm
print(items.read_text())

# %% [markdown]
# ### What rounding loses
#
# An item takes whole cells. With cells of 50 mm a parcel of 190 x 140 x 90 mm takes 4 x 3 x 2 of them, which is
# 200 x 150 x 100 mm. Its own volume is 2.394 litres, and the room that it takes is 3 litres. So 0.606 litres, a fifth
# of the room, is air that no packer can ever use.
#
# Over all items together, add up the true volumes, add up the rooms, and divide. A large parcel then counts for more
# than a small one, as it should, since what we want to know is how much of the *bin* is lost. With two of these parcels
# and one of 200 x 150 x 100 mm, which loses nothing, 7.788 of 9 litres are parcel, so a share of 0.135 is air.

# %% [exercise capstone.rounding_loss]

# %% [markdown]
# Your function over all the parcels of the month, for cells from 10 to 100 mm:

# %%
plots.show(figures.losses(rounding_loss, range(10, 101, 5), items))

# %% [markdown]
# The curve does not simply rise. With 50 mm less is lost than with 45 or 55, since most of these edges lie at a
# multiple of 50 or at most 10 mm below one. So a good cell is worth looking for, and a smaller one is not always
# better. With 10 mm nothing is lost, because the tape was read in whole centimetres.
#
# Only cells that divide the bin's edges are of use, since what is left over at the wall is lost too. The bin here has
# 600 x 400 x 400 mm.
#
# *Predict, then run.* With cells of 50 mm the floor has 12 x 8 places. The packer sees two items and may put either of
# them at any place, which makes 192 actions. How many are there with 25 mm? And will 40 mm lose less than 50 mm?

# %%
tables.show(words.cells(rounding_loss, (100, 50, 40, 25, 20), items, size))

# %% [markdown]
# Compare the rows of 50 and 40 mm: the finer grid wastes more, since fewer of these edges lie just below a multiple of
# 40. And halving the cell makes four times as many actions and eight times as many cells in the bin. The network has
# more to look at, each step takes longer, and there is more to learn.
#
# So take the coarsest cell whose loss you can live with. We take 50 mm and lose nearly a fifth, because the study is to
# fit into an hour. At work 20 mm may well be worth its 1,200 actions. In a report this is to be said: a utilization of
# cells is not one of true volumes. The command `pack` prints both.
#
# ### What else belongs to the task
#
# Three more choices are of this kind: how many items the packer sees, how they may be turned, and what has to lie below
# them. Here it sees two, turns none, and packs by the support rule `corners` of lesson 03. Such choices come from the
# place in which the agent is to work, and tuning must not touch them. An agent that sees ten items is not better than
# one that sees two. It has another task.
#
# ## The space
#
# The study of lesson 06 had eleven hyperparameters, and lesson 08b measured how unequal their shares are. A budget of
# some dozens of trials is enough for few of them. These four are in:

# %%
tables.show(words.space())

# %% [markdown]
# The learning rate is in since a wrong one ruins a run, and the number of epochs since the best learning rate depends
# on it (lesson 05). The other two say what the agent is after.
#
# Three rules from earlier lessons stand behind the ranges.
#
# - The default lies inside every range. Otherwise a search cannot find that there was nothing to be gained. This is why
#   `ent_coef` has the default 0.0001 here and not the package's 0, which has no place on a logarithmic scale.
# - Rates, weights and numbers of epochs change by factors, so they are drawn on a logarithmic scale.
# - A range reaches some way beyond the values that one expects to be good. If the best trial then lies at an edge, the
#   page on which a study ends, its **report card**, will say so: the range was too narrow.
#
# What is *not* in stands at its default for all trials. It is part of the claim: "tuned" means tuned in these four.
#
# ## The budget
#
# You have two cores and a night. How many trials is that? The usual answer divides the time by what a run takes,
# and is wrong, since it leaves nothing for the end. At the end the best few trials, which are called **finalists**, are
# trained anew beside the default, on seeds that none of them has seen. A study that has no time for that has found a
# number and not a result.
#
# An example. Two workers, 10 minutes a run, 10 hours: each worker ends 60 runs, so there are 120. Three finalists and
# the default on 5 seeds each take 20 of them. What is left is 100 runs: 100 trials of one seed, or 50 of two.
#
# Half a run is of no use. If a run takes 25 minutes and there are 2 hours, each worker ends 4 runs and not 4.8.
#
# A plan needs something in reserve as well. A machine restarts, or a run takes longer than the one that you timed. So
# keep a tenth of the hours back and plan with the rest, as the cell below your function does.

# %% [exercise capstone.plan_budget]

# %% [markdown]
# *Predict, then run.* A run takes five minutes, on two workers, and a tenth of the time is kept back. How many trials
# does one hour buy?

# %%
tables.show(words.budgets(plan_budget, minutes=5.0))

# %% [markdown]
# None: an hour has 20 runs, and all of them are for the end. With two hours the end takes nearly half of the runs. That
# looks like a waste, and it is the only part that tells the truth. If there is no time for both, the search has to be
# smaller, or the runs shorter. In a day the end is one run in 26, and twice as many fresh seeds would cost hardly
# anything.
#
# Two seeds a trial are a compromise. Lesson 06 has measured it: with one, much of a ranking is luck, and with many
# there are few trials.
#
# ## The search
#
# First a small one, live. Its cells are coarse, its runs are short and it has one seed a trial, so nothing that it
# finds is worth anything. It has every part of a large one, though: a journal from which it goes on, the default as
# trial 0, and streams that serve for validation alone.

# %% tags=["nbval-ignore-output"]
small = live.search(folder, items, size)
tables.show(words.trials(small.rows))

# %% tags=["hide-cell"]
assert len(small.rows) == live.TRIALS and small.rows[0]["default"] and small.best is not None

# %% [markdown]
# Each row is a trial, and the first of them is the default. The best of the four cannot be worse than it: the default
# is one of the four.
#
# On your own machine the large search is a command, which may be stopped and given again. The space is a file,
# `four.json`, that you write:
#
# ```json
# {"parameters": {
#   "learning_rate": {"type": "float", "low": 0.0001, "high": 0.01, "log": true},
#   "n_epochs": {"type": "int", "low": 2, "high": 12, "log": true},
#   "gamma": {"type": "float", "low": 0.9, "high": 1.0},
#   "ent_coef": {"type": "float", "low": 0.00001, "high": 0.03, "log": true}
# }}
# ```
#
# Each `--set` names a hyperparameter that is fixed, or the default of one that is searched. The items lie in
# `binpack/course/l10_capstone`, and `\` goes on in the next line:
#
# ```text
# python -m binpack tune --items parcels.csv --bin 60x40x40 --cell 5cm --visible 2 --space four.json \
#   --trials 24 --seeds 2 --final-seeds 0 --steps 65536 --n-envs 32 --set n_steps=64 --set batch_size=256 \
#   --set ent_coef=0.0001 --set precision=float32 --storage s.journal
# ```
#
# By itself `tune` ends with the best trial and the default on fresh seeds. `--final-seeds 0` leaves that out, since
# here several finalists will be compared. A search with these settings was recorded for the lesson, and from here on we
# look at it.
#
# *Predict, then run.* At which trial will the best one come? By how much will its score be above the default's?

# %%
record = Record.load()
plots.show(figures.history(record))

# %% [markdown]
# Each dot is a trial, and the line that never falls is the best score so far. Trial 13 is the best of the 24, and 0.038
# above the default. Eighteen of the other 23 trials score more than the default does.
#
# The line can only rise, whatever is searched, so its rise is no evidence that the sampler has learned anything. What
# it ends with is the highest of many noisy numbers, and the highest of many flatters. The next part finds out by how
# much.
#
# ## Finalists
#
# Finalists are chosen by their tuning scores alone. Whoever looks at the test while choosing has used it up.
#
# Three things can go wrong even so. A trial that was stopped has no score, or one that does not compare. A sampler may
# have tried one configuration twice, and then two of three places in the final go to the same. And the default may be
# among the best: it is in the final anyway, as what the others are compared with.
#
# An example. Trials 0 to 3 have the scores 0.70, 0.80, 0.90 and 0.60, and trial 2 is the default. The best of the
# others are 1 and 0, in this order, so these are the two finalists. If trial 0 had the same configuration as trial 1,
# they would be 1 and 3.

# %% [exercise capstone.choose_finalists]

# %% [markdown]
# Your finalists of the recorded search. The line below the table has those that the project's own function chooses, and
# should name the same:

# %%
finalists = choose_finalists(record.scores, record.configs, record.config.defaults(), task.TOP)
tables.show(words.chosen(record, finalists))
restored = record.restore(folder / "recorded.journal")
print("chosen by the project:", *best_trials(restored, task.TOP))

# %% [markdown]
# Look down the columns. Where finalists lie close together, the search has come back to one place again and again.
# Where they differ widely, either the hyperparameter does not matter much, or the search has not found out.
#
# ### Trained anew
#
# Each finalist and the default were then trained on five fresh seeds. Each of the runs was scored on streams that had
# chosen nothing. A bar is the mean, a dot is a seed, and the whisker is the 95 % interval over seeds.
#
# *Predict, then run.* Will the finalists stand in the same order as in the table above?

# %%
plots.show(figures.finals(record))
plots.show(figures.curves(record))

# %% [markdown]
# All three finalists lie above the default. Among themselves they stand in the opposite order of the table above: the
# third is first. But the steps between their bars are 0.004 and 0.001, and the dots within a bar spread over more than
# 0.01. So this order means as little as that of the table.
#
# The curves say something else: whether a configuration was still rising when its budget ended. Trials 13 and 21 were.
# Trial 23 rose sooner and then stood still. So with longer runs trial 13 or 21 may be the better choice, and this final
# cannot know. The curves are drawn from the evaluations on the validation streams, so their ends are not the bars.
#
# ### What is left of the promise
#
# The search promised a gain: the best score minus the default's, both as the search saw them. The final has a gain too.
# The second divided by the first says how much of the promise was kept.
#
# Say a search found 0.90 beside the default's 0.80, and on two fresh seeds the finalist scores 0.86 and 0.84 where the
# default has 0.80 and 0.80. It promised 0.10 and kept 0.05, which is a half.

# %% [exercise capstone.gain_kept]

# %% [markdown]
# For the first finalist of the recorded search:

# %%
fresh = {name: np.array(scores) for name, scores in words.arms(record).items()}
first = next(iter(fresh))
tuned, default = words.promised(record)
share = gain_kept(tuned, default, fresh[first], fresh["default"]) if tuned > default else 0.0
print(words.kept_of(share, tuned, default))

# %% [markdown]
# Two fifths of the promise are left. A share below 1 is what to expect, and it is nobody's fault. The score that won
# was high for two reasons: a good configuration, and luck with its seeds and with the validation streams. Only the
# configuration comes back. A share above 1 happens too, where the default was the lucky one in the search, or the
# finalist is in the final. Either way a tuning score is never reported as the result.
#
# ## Several finalists, one default
#
# One comparison you know from lessons 03 and 05: pair the runs by seed, take the interval of the mean difference, and
# see whether it leaves out 0. The project has one function for this, `verdict`, and it has four words. Here are
# invented comparisons, one for each word:

# %%
tables.show(words.words_of_a_verdict())

# %% [markdown]
# - *ahead*, on a report card "better by": the whole interval lies above 0.
# - *behind*, on a card "worse by": it lies below 0.
# - *not separable*: it holds 0. This does not say that the two are equal. It says that these runs cannot tell.
# - *too few to tell*: there are fewer than three runs, or a few that all differ by exactly the same.
#
# ### The trouble with many
#
# An interval of 95 % is wrong in 1 case of 20. With one comparison this is what we agreed to. With three finalists
# there are three chances to be wrong, and somebody who reports "the one that is ahead" takes whichever comes. Say that
# a comparison *counts* if we report it as a difference. The chance that any of a group counts wrongly is called the
# **family-wise error rate**, and it grows with the group.
#
# To hold it down, each comparison first needs a number. The **p value** of a comparison says how often chance alone
# would make a difference at least as large, if the two were equally good. It comes from Student's t (Student, 1908) as
# the interval does: it lies below 0.05 exactly where the interval of 95 % leaves out 0.
#
# The simplest remedy divides: with three comparisons, ask each for 0.05 / 3. **Holm's correction** asks this of the
# smallest p value only, and less of each that follows (Holm, 1979). Once one comparison has passed, two are left, so
# the second smallest needs 0.05 / 2, and the last 0.05. At the first that fails one stops, and nothing larger counts.
#
# An example with the p values 0.01, 0.04 and 0.03. The smallest is 0.01, at most 0.0167, and counts. The next is 0.03,
# above 0.025, and fails. There we stop, so the third does not count either, although 0.04 is below 0.05.
#
# $$p_{(j)} \le \frac{\alpha}{m - j + 1} \quad \text{for all } j \le i$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $i$ | | place of the comparison that we ask about, the smallest p value first |
# | $p_{(j)}$ | `p_values` | the j-th smallest of them |
# | $m$ | `len(p_values)` | how many comparisons there are |
# | $\alpha$ | `level` | how often any of them may count wrongly |

# %% [exercise capstone.holm]

# %% [markdown]
# First a test of the rule itself, on thousands of invented finals. In all of them the finalists are in truth exactly as
# good as the default, so whatever counts counts wrongly.
#
# *Predict, then run.* With three finalists, each judged alone: in how many finals will at least one seem to differ?

# %%
tables.show(words.false_alarms(holm))

# %% [markdown]
# Three comparisons that had nothing to do with each other would go wrong in 14.3 % of the finals: $1 - 0.95^3$. The
# first row is somewhat less, since all finalists are compared with the *same* default: if it was unlucky, all of them
# look good together, and one final has several false winners at once. With your correction it is below 5 %, as it
# should be.
#
# And now the recorded final, each finalist alone and then among all:

# %%
tables.show(words.judged(record, holm))

# %% [markdown]
# Read the third column before the others: an interval says what size the gain could be, and a word does not. Trial 21
# has the widest, from hardly anything to nearly the whole promise.
#
# Then compare the fourth column with the last. All three are ahead alone, and all three count among all. It was close
# for trial 21: in the first place its p value would have had to be below 0.0167. It stands last, the other two have
# passed before it, and so 0.05 is enough.
#
# Where a finalist is ahead alone and does not count among all, the honest sentence is "it may be better, and these
# seeds cannot show it". The remedy is a new final with more seeds, whose number is fixed beforehand, and never another
# finalist. Many published results were never put to such a question (Henderson et al., 2018).
#
# There is a way around the trouble: name one finalist beforehand. Then there is one comparison, and no correction. The
# report card does that. Its headline is about the trial that tuning chose. It says how each of the others did against
# the default, and warns that one of several is more easily ahead by chance.
#
# ## What else packs the same items
#
# The default is one thing to be better than. Rules of thumb are another, and they cost nothing. The agents that come
# with the package, shipped agents in the table, are a third: they were trained for long, and on other items. All of
# them meet the same streams. The last column is the month after, whose mix has moved: one kind of parcel is gone, and
# one is new to all who were trained here.
#
# *Predict, then run.* Will the rows stand in the same order in both months?

# %%
tables.show(words.beside(record))
print(words.ahead_of_rules(record))

# %% [markdown]
# Compare within a column, not across: another mix of items can be packed more or less tightly whoever packs.
#
# In the first month all that was trained on these items stands above all that was not, and the tuned stand above the
# default. In the month after, the default stands first. Two finalists are close behind it. The third, the one that
# tuning chose, has come down among the shipped agents, of which one has risen to the height of the others.
#
# The lines below the table judge the first finalist beside the best rule of thumb, which was chosen on these streams.
# That favours the rule. In the first month the finalist is ahead all the same. In the month after the two cannot be
# told apart, and then the rule is the better choice, since it costs nothing.
#
# An order that holds in both months is worth more than the size of a difference. Here only the coarse order holds:
# trained on these items, then `touching_area`, then the simpler rules, then chance.
#
# Next the finalists on the month after, seed by seed and judged, and one stream of the first month as three of the
# agents pack it, the one that is in the middle for the first finalist:

# %%
plots.show(figures.finals(record, later=True))
tables.show(words.judged(record, holm, later=True))
plots.show(figures.packings(record))

# %% [markdown]
# The gain is gone. On the month after no finalist can be told from the default, and the interval of trial 13 lies
# mostly below 0. The search has done nothing wrong: it found what is good for the mix of parcels that it was shown, and
# the final has confirmed it on other streams of the *same* mix. A final says something about what its streams were
# drawn from, and nothing about the rest.
#
# What would you do with this result? If the mix stays as it is, take trial 13. If it moves from month to month, as
# here, tune on the parcels of several months, and keep one of them for the end.
#
# The last figure is a single stream, a picture and no evidence. It is good for something else: you see at a glance when
# an agent does what nobody wants, such as leaving a tower in the middle.
#
# ## The report card
#
# All of this fits on one page, the report card. It says what a study found and how far that can be trusted, for
# somebody who was not there. Two commands make it:
#
# ```text
# python -m binpack report s.journal --retrain 3
# python -m binpack report s.journal --out card.html
# ```
#
# The first trains the best three trials and the default anew, on five fresh seeds each, and writes the page as
# `report.html`. The second trains nothing and writes it again under another name. The card is one HTML file with
# everything in it, and a PNG beside it. Where the runs are at hand it also shows how they learned, and how an agent
# packs, step by step. Here is the one of the recorded study, as its PNG:

# %%
page = words.placeless(card(folder / "recorded.journal"), folder)
plots.show_picture(page.png(), page.lead)

# %% [markdown]
# And what it says, word by word:

# %%
tables.show(words.page(page))

# %% [markdown]
# Go through it with the eyes of somebody who doubts you. Is the budget there, in steps? The number of seeds? Is the
# default there, and something that was not trained? Does it say what chose the finalists, and what did not? A card that
# leaves one of these out is advertising.
#
# It also says that the entropy coefficient of trial 13 lies at the upper edge of its range. So this range was too
# narrow, and a next study should reach further up. Mind what it says of importance as well. This study has far fewer
# than fifty trials, and TPE did not draw them at random. Lesson 08b showed what such a number is worth.
#
# ## A leaderboard for a class
#
# Where several people tune on the same items, they want to know who found most. A leaderboard does what this lesson
# warns of: it takes the best of many. So it shows what one needs to judge it, the interval and the verdict beside each
# mean, and it counts the finalist that tuning chose and not the one that tested best.
#
# It is one local file. Each learner adds a line:
#
# ```text
# python -m binpack leaderboard class.jsonl --add s.journal --name Ann
# ```
#
# Say that the recorded study is Ann's. Eleven others are invented. Their configurations are in truth exactly as good as
# Ann's was found to be, and their scores scatter over seeds as hers do.
#
# *Predict, then run.* How far will the first of the twelve be ahead of the last?

# %%
entry = leaderboard.entry_of(restored, "Ann")
others = ("Ben", "Cho", "Dana", "Eve", "Finn", "Gus", "Hana", "Ivo", "Jun", "Kim", "Lea")
for each in (entry, *words.equals(entry, others)):
    leaderboard.add(folder / "class.jsonl", each)
tables.show(words.board(leaderboard.read(folder / "class.jsonl")))

# %% [markdown]
# There is a first and a last, 0.012 apart, and nothing but luck between them. That is nearly as much as tuning has
# gained here. Where two intervals overlap widely, places are no ranking. And the first of many is the highest of many
# noisy numbers, like the best trial of a search: give it fresh seeds before you give it a prize.
#
# Two people who write at the same moment both get their line. A line that a full disk has cut short is passed over, and
# the command says so. Results on other items, in another bin or with another number of visible items are ranked apart,
# because they do not compare. What agents were *paid* for does not matter here: utilization is scored in any case.
#
# ## Takeaways
#
# - The cell of the grid comes before all tuning, and its loss belongs in the report.
# - Plan the end of a study first: finalists, default, fresh seeds. Search with what is left.
# - Finalists are chosen by tuning scores alone. The score that chose is never the result.
# - Several comparisons with one default need a correction, or one finalist that was named beforehand.
# - *Not separable* means that these runs cannot tell. More seeds can; more finalists cannot.
# - What costs nothing has to be on the page: default and rules of thumb.
#
# ## Quiz
#
# 1. All edges of a company's boxes are multiples of 30 mm. Which cells lose nothing, and which would you try?
# <details><summary>Answer</summary>Every cell that divides 30 mm: 30, 15, 10, 6 and so on. Try 30 first, if it
# divides the bin's edges: it has the fewest actions, and a finer one wins nothing.</details>
#
# 2. A study has 4 hours, 2 workers and runs of 10 minutes. Three finalists and the default on 5 seeds. Nothing is kept
# back. How many trials of one seed?
# <details><summary>Answer</summary>Each worker ends 24 runs, together 48. The end takes 20. There are 28
# trials.</details>
#
# 3. The second finalist tests better than the first. You report the second. What is wrong with that?
# <details><summary>Answer</summary>You have chosen by the test. Its score flatters now as a tuning score does. Train it
# once more on seeds that nobody has looked at.</details>
#
# 4. Three finalists have the p values 0.02, 0.03 and 0.2. Which count?
# <details><summary>Answer</summary>None. The smallest would have to be at most 0.0167.</details>
#
# 5. A finalist is "not separable" from the default with 5 seeds. A colleague concludes that tuning is useless here. Is
# that right?
# <details><summary>Answer</summary>The interval says which gains are possible. If it is narrow, the colleague is nearly
# right; if it reaches from -0.02 to +0.05, nobody knows yet.</details>
#
# 6. The month after, all scores are lower. Has the agent become worse?
# <details><summary>Answer</summary>Not by itself. The items may be harder for everybody. Compare with the rules of
# thumb on the same streams.</details>
#
# ## What comes next
#
# The items could be your own, and everything else was the project's. In the second part of this lesson the reward, the
# support rule and at last the whole environment are yours too.
#
# ## References
#
# - P. Henderson, R. Islam, P. Bachman, J. Pineau, D. Precup, D. Meger (2018). Deep reinforcement learning that matters.
#   AAAI.
# - S. Holm (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics.
# - Student (1908). The probable error of a mean. Biometrika.
