# %% [markdown]
# # 00 Start here
#
# *25 minutes. Builds on nothing but Python.*
#
# When you are done you can
#
# - tell whether this machine is ready for the course;
# - pack a bin by hand, and say what makes it hard;
# - read the comparison that the whole course works towards;
# - work through a lesson: predictions, exercises, hints, checks.
#
# Boxes arrive one by one. Each must be put into the bin before the next one is seen, and none is moved again. Rules of
# thumb get some way with this. An agent that learns by trial and error gets further, if its settings are right. This
# course starts at a table of numbers and ends at a *tuned* agent whose result you can defend.
#
# ## This page
#
# A page like this one is called a notebook. It is made of cells: some are text, some are Python. Click into a cell
# with code and press Shift+Enter: it runs, its output appears below it, and the next cell is chosen. What is printed
# here already comes from the machine that made this page; yours takes its place.
#
# Cells share their variables, as if they were one long program. When you come back after a break, or have restarted
# the kernel, those variables are gone. Then choose the cell where you were, and *Run > Run All Above Selected Cell*
# in the menu brings everything up to it back.
#
# The page is yours. `python -m binpack lab` opens it in a copy of the course, in the folder `my_lessons`, and never
# overwrites what you have written there, not even when you update the course. To start lesson 03 afresh, say, run
# `python -m binpack lab --reset 03`; what you had is kept beside it.
#
# ## Is this machine ready?
#
# Run the next cell. A line that starts with OK is in order. One that starts with `--` is followed by what to do.

# %% tags=["nbval-ignore-output"]
from binpack import system
from binpack.course.l00_start_here import machine

rows = system.check()
print(*machine.check_lines(rows), sep="\n")

# %% tags=["hide-cell"]
assert [row.name for row in rows if not row.ok and not row.advice] == []

# %% [markdown]
# A graphics card is not needed. Every lesson runs on two CPU cores, without a network.
#
# ## Pack a bin by hand
#
# The bin has 10 x 10 x 10 cells. You choose the corner (x, y) of a box; the box comes down from above and rests on
# what it meets first. Three rules hold: it must stand inside the walls, end below the rim, and rest safely. It does so
# when enough of its base lies on the floor or on boxes; where three or all four of its corners do, less is enough. The
# game ends when the next box fits nowhere.
#
# The score is the filled share of the bin, its **utilization**: 0 for an empty bin, 1 for a full one.
#
# Here are the first boxes of a stream, and six of them packed.

# %%
from binpack import plots
from binpack.course import by_hand as play
from binpack.course import exercises as ex
from binpack.course.l00_start_here import story

streams, number = story.test_streams(), 1
items = streams.items[number, : streams.lengths[number]]
print("the first boxes:", ", ".join("x".join(map(str, item)) for item in items[:6].tolist()))

places = [(0, 0), (3, 0), (6, 0), (6, 3), (0, 5), (4, 6)]
packing = play.pack_by_hand(places, items, story.ENV)
print(packing)
plots.show(plots.packing(packing.boxes, story.ENV.bin_size))

# %% [markdown]
# The line above says that the next box has 27 places where it may stand.
#
# `places` is a list: change a pair, or add one, and run the cell again. To turn the picture, click it once, then drag
# it with the mouse.
#
# *Predict, then run.* How much of the bin will you have filled when the next box fits nowhere: a third, a half, two
# thirds?
#
# Run the next cell to play with the mouse. Until then it shows a still picture of the empty bin. On the right you see
# the bin from above: each number is the height of a cell, and where a cell is blue the corner of the next box may
# stand.

# %%
game = play.by_hand(items, story.ENV)
game.show()

# %% [markdown]
# When the game is over, or when you have had enough, see what your bin is worth. A place that breaks a rule is refused
# with a reason, as the second line shows.

# %%
print("your bin:", game.packing)
print("a mistake:", play.pack_by_hand([(8, 0)], items, story.ENV).refused)

# %% [markdown]
# The early boxes are easy. But they shape the pile, and the price of a gap is paid many boxes later. That makes the
# problem hard, for you and for an agent: a choice shows its consequences late.
#
# ## The story in one picture
#
# Four packers got the same 1,000 streams of boxes.
#
# | packer | how it chooses |
# | --- | --- |
# | random | any permitted place, all equally likely |
# | best heuristic | the fixed rule that did best on other streams |
# | default PPO | an agent trained with the settings that a library (Stable-Baselines3) ships |
# | tuned PPO | an agent of the same algorithm with tuned settings |
#
# PPO, proximal policy optimization (Schulman et al., 2017), trains a neural network by trial and error. It is the
# algorithm that this course tunes. These results were recorded; `python -m binpack.course.l00_start_here.story runs`
# makes them anew.
#
# *Predict, then run.* How far does the heuristic get above random? And the default agent above the heuristic?

# %%
record = story.load()
packers = story.packers(record)
title = "the same 1,000 streams for all"
plots.show(plots.bars_with_spread(packers, x="packer", y="utilization", runs="streams or seeds", title=title))

# %% [markdown]
# A bar is a mean. A dot is one stream of boxes; for the default PPO it is one of three trainings from different random
# seeds, each with its mean over all streams.
#
# A whisker is a **95 % interval** of the mean (Student, 1908): it is made so that in 95 of 100 such experiments it
# holds the mean that endless streams, or endless trainings, would have. Three trainings make a wide one, as they must.
#
# So the default agent lies *below* a fixed rule, and the tuned one above it. How sure is that? The two were run on the
# same streams, and some streams are hard for every packer. So compare them stream by stream: take the difference on
# each, and the interval of that.

# %%
print(*story.comparisons(record), sep="\n")

# %% [markdown]
# Neither interval holds 0. So both differences are more than luck: for the tuned agent luck of the streams, for the
# default one luck of the training's seed. The tuned agent is a single training, and its interval says nothing about
# training it once more.
#
# Is the comparison fair? Look at how long the two agents trained. A step is one box placed. Validation streams are
# others than those above; they show how good an agent has become while it still trains.

# %%
print(*story.budgets(record), sep="\n")

# %% [markdown]
# The tuned agent trained longer: with the eight million steps of the agent that it went on from, about 33 times as
# long. So a part of its lead is training time. The scores of the default agents show how much they still gained towards
# the end of theirs.
#
# "Tuned" stands for more than steps, though: the form of the network, what it is shown of the bin, and a dozen numbers
# such as the learning rate. What each of them does, and how to find good ones with a fair budget, is what this course
# is about.
#
# ## Watch it pack
#
# The tuned agent comes with the course. The next cell lets it and the random packer pack 100 streams here and now.

# %% tags=["nbval-ignore-output"]
import torch

from binpack.agents import evaluate, load_agent

torch.set_num_threads(1)
hundred = streams[:100]
live = {
    "random": evaluate("random", hundred, story.ENV),
    "tuned PPO": evaluate(load_agent(story.TUNED), hundred, story.ENV),
}
ahead = live["tuned PPO"].utilization - live["random"].utilization
for name, result in live.items():
    print(f"{name:<10} mean utilization {result.mean:.3f}")
print(f"tuned PPO fills more on {(ahead > 0).sum()} of 100 streams, less on {(ahead < 0).sum()}")

# %% tags=["hide-cell"]
assert ahead.mean() > 0.1 and (ahead > 0).sum() >= 80  # on any processor

# %% [markdown]
# And this is how they pack the boxes that you had above.

# %% tags=["nbval-ignore-output"]
shown = {name: result.boxes[number] for name, result in live.items()}
if game.places:
    shown["you"] = game.packing.boxes
plots.show(plots.packings(shown, story.ENV.bin_size))

# %% [markdown]
# If you have played, your bin stands beside theirs. On a single stream luck can decide, so one picture proves nothing.
# For the next stream replace the 1 in the line with `story.test_streams()` further up by 2, and *Run > Run All Above
# Selected Cell*; your bin is empty again then.
#
# ## How a lesson works
#
# - It always runs to its end. *Run > Run All Cells* works in any state of the exercises: where yours is not right
#   yet, the reference solution is used from there on, and the lesson says so.
# - *Predict, then run.* Note your guess first. A wrong guess is what you remember.
# - An exercise is a function with a docstring and numbered steps. Replace the line with `raise` by your code, run the
#   cell, then the cell of the check below it. The check says what came out and what should have, and where it can,
#   which mistake it was.
# - Stuck? `ex.hint(name)` gives one more hint at each call, the first of them how to begin. `ex.solution(name)` shows a
#   solution, and each lesson has a notebook with all of them.
# - A cell that takes more than a few seconds shows a bar. One that does not end is stopped in the menu, with
#   *Kernel > Interrupt Kernel*.
#
# Try it with the score of the game. The packing above, of six boxes, is stored as an array with a row for each box: x,
# y, z of its corner, then its length, width and height. For example, the row (3, 0, 0, 3, 5, 4) is a box of
# 3 x 5 x 4 = 60 cells, which is 60 / 1,000 = 0.06 of a bin of 10 x 10 x 10.

# %% [exercise start_here.utilization]

# %% [markdown]
# Use it on the packing of six boxes above. The line says whose function has computed the number.

# %%
print(packing.boxes)
share = utilization(packing.boxes, story.ENV.bin_size)
print(f"{ex.whose(utilization)}: {share:.3f}")

# %% [markdown]
# Six boxes fill 302 of the 1,000 cells. To see a hint, run this cell; run it again for the next one.

# %%
ex.hint(utilization)

# %% [markdown]
# ## The course
#
# Eleven lessons in sixteen notebooks, about 28 hours. Each builds on those before; with some experience of
# reinforcement learning, start at 03.
#
# | | lesson | minutes | what you do |
# | --- | --- | --- | --- |
# | 00 | start here | 25 | this page |
# | 01 | [Q-learning](01_q_learning.ipynb) | 105 | learn a maze and a tiny bin with a table, up to the exact optimum |
# | 02 | [deep Q-network](02_deep_q_network.ipynb) | 120 | replace the table by a network; find bugs with probes |
# | 02b | [LunarLander, a bug hunt and tuning](02b_lunar_lander.ipynb) | 85 | a hard task; five bugs; honest tuning |
# | 03 | [the packing environment](03_packing_environment.ipynb) | 105 | build the bin: rules, masks, heuristics |
# | 04 | [PPO from the inside](04_ppo.ipynb) | 130 | write the algorithm of this page from scratch |
# | 04b | [PPO at work: masks and rivals](04b_ppo_at_work.ipynb) | 80 | a library's PPO; masks; A2C, DQN, SAC, TD3 |
# | 05 | [what each hyperparameter means](05_hyperparameters.ipynb) | 100 | turn one knob at a time |
# | 05b | [reading a run](05b_reading_a_run.ipynb) | 90 | diagnose sick runs; schedules; a robot arm |
# | 06 | [grid and random search](06_grid_and_random.ipynb) | 100 | search settings with equal budgets |
# | 07 | [Bayesian search and TPE](07_tpe.ipynb) | 120 | let earlier trials choose the next ones |
# | 08 | [Optuna: the study](08_optuna.ipynb) | 120 | write, store and resume studies; a dozen mistakes |
# | 08b | [reading a study](08b_reading_a_study.ipynb) | 120 | prune; importance; contour plots; two objectives |
# | 09 | [scaling out](09_scaling_out.ipynb) | 150 | many processes, a database, a cluster |
# | 10 | [capstone: from a file of items to a report card](10_capstone.ipynb) | 120 | tune and report, on your items |
# | 10b | [your own reward, rule and environment](10b_your_own_environment.ipynb) | 80 | shape; support; a shop |
#
# ## Takeaways
#
# - The score is utilization; an early placement shows its price many boxes later.
# - Compare packers on the same streams, and never give a mean without its interval.
# - Say what an interval is taken over: streams, or training seeds.
# - "Default" and "tuned" mean something only with the number of steps beside them.
#
# ## Quiz
#
# 1. Why did all four packers get the same streams?
# <details><summary>Answer</summary>Some streams are harder than others. On the same ones, this part of the chance
# cancels in the difference, and fewer streams tell two packers apart.</details>
#
# 2. The best heuristic was chosen on other streams than those of the picture. What would go wrong otherwise?
# <details><summary>Answer</summary>The best of several on one set of streams is partly the luckiest on that set, so
# its bar would be too high. The same holds for settings that a search has chosen.</details>
#
# 3. A few dots of the tuned agent lie below the mean of the random packer. Is the tuned agent unreliable?
# <details><summary>Answer</summary>Not by that. A dot is one stream, and some streams defeat every packer. What an
# agent is worth is its mean, with its interval.</details>
#
# ## What comes next
#
# The next lesson starts small: a maze, and a bin so tiny that the best possible packing can be computed. An agent with
# nothing but a table of numbers finds it. Everything else in the course grows out of its one line of arithmetic.
#
# ## References
#
# - Student (1908). The probable error of a mean. Biometrika.
# - J. Schulman, F. Wolski, P. Dhariwal, A. Radford, O. Klimov (2017). Proximal policy optimization algorithms.
# - P. Henderson et al. (2018). Deep reinforcement learning that matters. AAAI. (Why settings and seeds are reported.)
# - H. Zhao, Q. She, C. Zhu, Y. Yang, K. Xu (2021). Online 3D bin packing with constrained deep reinforcement
#   learning. AAAI. (The boxes, and the rule for what may carry them.)
# - A. Raffin et al. (2021). Stable-Baselines3: reliable reinforcement learning implementations. JMLR.
