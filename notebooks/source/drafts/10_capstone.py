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
# A depot's parcels stand in for yours, in two files: one month, and the month after. Replace them by your own when you
# have been through once. The guide `tutorials/your-own-items.md` has the same steps as commands.
#
# ## Items, bin and unit
#
# The file has true measures, in cm, as a tape gives them. The packer works on a grid of cells. Between the two lies a
# choice that comes before all tuning, and no hyperparameter makes good what it wastes.

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
print(task.PARCELS.read_text())

# %% [markdown]
# ### What rounding loses
#
# An item takes whole cells. With cells of 50 mm a parcel of 190 x 140 x 90 mm takes 4 x 3 x 2 of them, which is
# 200 x 150 x 100 mm. Its own volume is 2.394 litres, and the room that it takes is 3 litres. So 0.606 litres, a fifth
# of the room, is air that no packer can ever use.
#
# Over all items together, add up the true volumes, add up the rooms, and divide. A large parcel then counts for more
# than a small one, as it should, since what we want to know is how much of the *bin* is lost.

# %% [exercise capstone.rounding_loss]

# %% [markdown]
# Your function over all the parcels of the month, for cells from 10 to 100 mm:

# %%
plots.show(figures.losses(rounding_loss, range(10, 101, 5)))

# %% [markdown]
# The curve does not simply rise. It is low where a cell divides many of the edges and high just beside such a place, so
# it is worth to look for a good cell size and not only for a small one. Only cells that divide the bin's edges are of
# use, since what is left over at the wall is lost too. The bin here has 600 x 400 x 400 mm.
#
# *Predict, then run.* A finer grid wastes less. What does it cost, if every place on the floor is an action?

# %%
tables.show(words.cells(rounding_loss, (100, 50, 40, 25, 20)))

# %% [markdown]
# Compare the rows of 50 and 40 mm: the finer grid wastes more, since the edges of these parcels do not fit it. And
# halving the cell makes four times as many actions and eight times as many cells in the bin. A network has more to see,
# a step takes longer, and a longer training is needed. We take 50 mm and live with what it loses. In a report this is
# to be said: a utilization of cells is not one of true volumes. The command `pack` prints both.
#
# ### What else belongs to the task
#
# Two more choices are of this kind: how many items the packer sees, and which way up they may stand. Here it sees two
# and turns none. They come from the place in which the agent is to work, and tuning must not touch them: an agent that
# may see ten items is not better than one that sees two. It has another task.
#
# ## The space
#
# The study of lesson 06 had eleven hyperparameters, and lesson 08 measured how unequal their shares are. A budget of
# some dozens of trials is enough for few of them. These four are in:

# %%
tables.show(words.space())

# %% [markdown]
# Three rules from earlier lessons stand behind this table.
#
# - The default lies inside every range. Otherwise a search cannot find that there was nothing to be gained.
# - What is a rate or a weight is drawn on a logarithmic scale.
# - A range is as wide as a guide would recommend, and some way beyond. If the best trial then lies at an edge, the
#   page on which a study ends, its **report card**, will say so: the range was too narrow.
#
# What is *not* in stands at its default for all trials. It is part of the claim: "tuned" means tuned in these four.
#
# ## The budget
#
# You have two cores and an evening. How many trials are that? The usual answer divides the time by what a run takes,
# and is wrong, since it leaves nothing for the end. At the end the best few trials, which are called **finalists**, are
# trained anew beside the default, on seeds that none of them has seen. A study that has no time for that has found a
# number and not a result.
#
# An example. Two workers, 10 minutes a run, 10 hours: each worker ends 60 runs, so there are 120. Three finalists and
# the default on 5 seeds each take 20 of them. What is left is 100 runs: 100 trials of one seed, or 50 of two.
#
# Time that is lost belongs into a plan as well. A machine restarts, a run takes longer than the one that you timed. The
# usual remedy is to keep a tenth of the hours back, and to plan with the rest.

# %% [exercise capstone.plan_budget]

# %% [markdown]
# With a run of one minute, on two workers, and a tenth of the time kept back:

# %%
tables.show(words.budgets(plan_budget, minutes=1.0))

# %% [markdown]
# Compare the last two columns in the first rows. In a short study the end takes a good part of the time. That looks
# like a waste, and it is the only part that tells the truth. In a long study it is nearly nothing, and then more fresh
# seeds are the best use of what is left over.
#
# Two seeds a trial are a compromise that lesson 06 has measured: with one, much of a ranking is luck, and with many
# there are few trials.
#
# ## The search
#
# First a small one, live. Its cells are coarse, its runs are short and it has one seed a trial, so nothing that it
# finds is worth anything. It has every part of a large one, though: a journal from which it goes on, the default as
# trial 0, and streams that serve for validation alone.

# %% tags=["nbval-ignore-output"]
small = live.search(folder)
tables.show(words.trials(small.rows))

# %% tags=["hide-cell"]
assert len(small.rows) == live.TRIALS and small.rows[0]["default"] and small.best is not None

# %% [markdown]
# On your own machine the large one is a command, which may be stopped and given again. The space is a JSON file:
#
# ```text
# python -m binpack tune --items parcels.csv --bin 60x40x40 --cell 5cm --visible 2 --space four.json --storage s.journal
# ```
#
# Such a search was recorded for this lesson, over the four hyperparameters of the table. From here on we look at it.
#
# *Predict, then run.* At which trial will the best one come? By how much will its score be above the default's?

# %%
record = Record.load()
plots.show(figures.history(record))

# %% [markdown]
# <!-- TODO(record): read this again beside capstone.json. -->
#
# The step line is the best score so far. It can only rise, whatever is searched, and a line that rises is no evidence
# that anything was learned. What it ends with is the highest of many noisy numbers, and the highest of many flatters.
# The next part finds out by how much.
#
# ## Finalists
#
# Finalists are chosen by their tuning scores alone. Whoever looks at the test while choosing has used it up.
#
# Three things can go wrong even so. A trial that was stopped has no score, or one that does not compare. A sampler may
# have tried one configuration twice, and then two of three places in the final go to the same. And the default may be
# among the best: it is in the final anyway, as what the others are compared with.
#
# An example. Four trials have the scores 0.70, 0.80, 0.90 and 0.60. The third is the default. The two best others are
# number 1 and number 0, in this order, so two finalists are 1 and 0. If number 0 had the same configuration as number
# 1, they would be 1 and 3.

# %% [exercise capstone.choose_finalists]

# %% [markdown]
# Your finalists of the recorded search, beside what the project's own function chooses:

# %%
finalists = choose_finalists(record.scores, record.configs, record.config.defaults(), task.TOP)
tables.show(words.chosen(record, finalists))
restored = record.restore(folder / "recorded.journal")
print("chosen by the project:", *best_trials(restored, task.TOP))

# %% [markdown]
# Look along the rows. Where finalists agree in a hyperparameter, the search was sure of it. Where they differ widely,
# it either did not matter or was not found.
#
# ### Trained anew
#
# Each finalist and the default were then trained on five fresh seeds. Each of the runs was scored on streams that had
# chosen nothing. A bar is the mean, a dot is a seed, and the line is the 95 % interval over seeds.
#
# *Predict, then run.* Will the finalists stand in the same order as in the table above?

# %%
plots.show(figures.finals(record))
plots.show(figures.curves(record))

# %% [markdown]
# <!-- TODO(record): read this again beside capstone.json. -->
#
# Compare the spread of the dots within a bar with the steps between bars. If they are of one size, an order among the
# bars means little. The curves say something else: whether a configuration was still rising when its budget ended. One
# that was may be the better choice for a longer training, and this final cannot know.
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
# A share below 1 is the rule, and it is no fault of anybody. The score that won was high for two reasons: a good
# configuration and a lucky pair of seeds. Only the first of them comes back with fresh ones. That is why a tuning score
# is never reported as the result.
#
# ## Several finalists, one default
#
# One comparison you know from lesson 05: pair the runs by seed, take the interval of the mean difference, and see
# whether it leaves out 0. The project has one function for this, `verdict`, and it has four words. Here are invented
# comparisons, one for each word:

# %%
tables.show(words.words_of_a_verdict())

# %% [markdown]
# - *ahead*, on a report card "better by": the whole interval lies above 0.
# - *behind*, on a card "worse by": it lies below 0.
# - *not separable*: it holds 0. This does not say that the two are equal. It says that these runs cannot tell.
# - *too few to tell*: with so few runs no interval is worth anything, whatever the numbers look like.
#
# ### The trouble with many
#
# An interval of 95 % is wrong in 1 case of 20. With one comparison this is what we agreed to. With three finalists
# there are three chances to be wrong, and somebody who reports "the one that is ahead" takes whichever comes. The
# chance that any comparison of a group counts wrongly is called the **family-wise error rate**, and it grows with the
# group.
#
# To hold it down, each comparison first needs a number. The **p value** of a comparison says how often chance alone
# would make a difference at least as large. It comes from Student's t (Student, 1908) as the interval does, and one
# below 0.05 is the same as an interval of 95 % that leaves out 0.
#
# The simplest remedy divides: with three comparisons, ask each for 0.05 / 3. **Holm's correction** does the same for
# the smallest p value only, and then asks less of the next one (Holm, 1979). Once one comparison has passed, two are
# left, so the second smallest needs 0.05 / 2, and the last 0.05. At the first that fails one stops, and nothing larger
# counts.
#
# An example with the p values 0.01, 0.04 and 0.03. The smallest is 0.01, at most 0.0167, and counts. The next is 0.03,
# above 0.025, and fails. There we stop, so the third does not count either, although 0.04 is below 0.05.
#
# $$p_{(i)} \le \frac{\alpha}{m - i + 1} \quad \text{for all } i \text{ up to this one}$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $p_{(i)}$ | `p_values` | the i-th smallest of them |
# | $m$ | `len(p_values)` | how many comparisons there are |
# | $\alpha$ | `level` | how often any of them may count wrongly |

# %% [exercise capstone.holm]

# %% [markdown]
# First a trial of the rule itself. In thousands of finals all finalists are in truth exactly as good as the default, so
# whatever counts counts wrongly.
#
# *Predict, then run.* With three finalists, each judged alone: in how many finals will at least one seem to differ?

# %%
tables.show(words.false_alarms(holm))

# %% [markdown]
# The first row is less than three times a twentieth, since all finalists are compared with the *same* default: if it
# was unlucky, all of them look good together. The second row is what your correction makes of it.
#
# And now the recorded final, each finalist alone and then among all:

# %%
tables.show(words.judged(record, holm))

# %% [markdown]
# <!-- TODO(record): read this again beside capstone.json. -->
#
# Read the third column before the others: an interval says what size the gain could be, and a word does not. Then
# compare the fourth with the last. Where a finalist is ahead alone and does not count among all, the honest sentence is
# "it may be better, and these seeds cannot show it". The remedy is a new final with more seeds, whose number is fixed
# beforehand, and never another finalist. Many published results were never put to such a question (Henderson et al.,
# 2018).
#
# There is a way around the trouble: name one finalist beforehand. Then there is one comparison, and no correction. The
# report card does that. Its headline is about the trial that tuning chose, and says of the others what they did
# *beside it*.
#
# ## What else packs the same items
#
# The default is one thing to be better than. Rules of thumb are another, and they cost nothing. The shipped agents are
# a third: they were trained for long, and on other items. All of them meet the same streams. The last column is the
# month after, whose mix has moved and which has a kind of parcel that nobody had seen.
#
# *Predict, then run.* Who will lose most from one month to the next: rules, shipped agents, or what was trained here?

# %%
tables.show(words.beside(record))
print(words.ahead_of_rules(record))

# %% [markdown]
# <!-- TODO(record): read this again beside capstone.json. -->
#
# Compare within a column, not across: another mix of items can be packed more or less tightly whoever packs. Then see
# whether the order of the rows has changed. An order that holds in both months is worth more than any digit.
#
# If a rule of thumb is ahead of all that was trained, or cannot be told from it, say so and use the rule. It is what
# the guide recommends too. A longer training may change that, and it is then a new study with a new budget.

# %%
plots.show(figures.finals(record, later=True))
plots.show(figures.packings(record))

# %% [markdown]
# One stream is a picture and no evidence. It is good for something else: you see at a glance when an agent does what
# nobody wants, such as leaving a tower in the middle.
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
# The first trains the finalists anew and writes the page, the second only writes it again. The card is one HTML file
# with everything in it, and a PNG beside it. Here is what it says of the recorded study, without its pictures:

# %%
page = card(folder / "recorded.journal")
tables.show(words.page(page))

# %% [markdown]
# Go through it with the eyes of somebody who doubts you. Is the budget there, in steps? The number of seeds? Is the
# default there, and something that was not trained? Does it say what chose the finalists, and what did not? A card that
# leaves one of these out is advertising.
#
# The same page as a file, with its animations where the runs are at hand:

# %%
(folder / "card.html").write_text(page.html(), encoding="utf-8")
print(page.lead)

# %% [markdown]
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

# %%
entry = leaderboard.entry_of(restored, "Ann")
leaderboard.add(folder / "class.jsonl", entry)
with (folder / "class.jsonl").open("a") as file:
    file.write('{"name": "Ben", "scores": [0.9\n')  # a disk that was full
tables.show(words.board(leaderboard.read(folder / "class.jsonl")))

# %% [markdown]
# The damaged line is counted and harms nobody. Two people who write at the same moment both get their line, since each
# is appended under a lock. And results on other items, other bins or with another number of visible items are ranked
# apart, because they do not compare.
#
# *Where two intervals overlap, places are no ranking.* A class of twenty whose configurations are all equally good
# still has a first and a last.

# %% [markdown]
# ## Takeaways
#
# - The cell of the grid comes before all tuning, and its loss belongs into the report.
# - Plan the end of a study first: finalists, default, fresh seeds. Search with what is left.
# - Finalists are chosen by tuning scores alone. The score that chose is never the result.
# - Several comparisons with one default need a correction, or one finalist that was named beforehand.
# - *Not separable* means that these runs cannot tell. More seeds can; more finalists cannot.
# - What costs nothing has to be on the page: default and rules of thumb.
#
# ## Quiz
#
# 1. All edges of a company's boxes are multiples of 30 mm. Which cells lose nothing, and which would you try?
# <details><summary>Answer</summary>Every cell that divides 30 mm: 30, 15, 10 and smaller. Try 30 first, if it divides
# the bin's edges: it has the fewest actions, and a finer one wins nothing.</details>
#
# 2. A study has 4 hours, 2 workers and runs of 10 minutes. Three finalists and the default on 5 seeds. How many trials
# of one seed?
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
# 5. A finalist is "not separable" from the default with 5 seeds. A colleague concludes that tuning is useless here.
# <details><summary>Answer</summary>The interval says which gains are possible. If it is narrow, he is nearly right; if
# it reaches from -0.02 to +0.05, nobody knows yet.</details>
#
# 6. The month after, all scores are lower. Has the agent become worse?
# <details><summary>Answer</summary>Not by itself. The items may be harder for everybody. Compare with the rules of
# thumb on the same streams.</details>
#
# ## What comes next
#
# The items were your own, and everything else was the project's. In the second part of this lesson the reward, the
# support rule and at last the whole environment are yours too.
#
# ## References
#
# - P. Henderson, R. Islam, P. Bachman, J. Pineau, D. Precup, D. Meger (2018). Deep reinforcement learning that matters.
#   AAAI.
# - S. Holm (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics.
# - Student (1908). The probable error of a mean. Biometrika.
