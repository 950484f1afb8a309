# %% [markdown]
# # 00 Start here
#
# *20 minutes. Builds on nothing but Python.*
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
# course starts at a table of numbers (lesson 01) and ends at a *tuned* agent whose result you can defend.
#
# ## Is this machine ready?
#
# Click into the cell below and press Shift+Enter. That runs it and moves on. What is printed here already comes from
# the machine that made this page; yours takes its place.

# %% tags=["nbval-ignore-output"]
from binpack import system
from binpack.course.l00_start_here import exercises as start_here

rows = system.check()
print(*start_here.check_lines(rows), sep="\n")

# %%
print("looked at:", ", ".join(row.name for row in rows))
print("whatever is not OK says what to do:", all(row.ok or row.advice for row in rows))

# %% [markdown]
# A line that starts with `--` is followed by what to do about it. A graphics card is not needed: every lesson runs on
# two CPU cores, without a network.
#
# ## Pack a bin by hand
#
# The bin has 10 x 10 x 10 cells. You choose the corner (x, y); the box comes down from above and rests on what it
# meets first. It must stand inside the walls, below the rim, and safely on what is under it. The game ends when the
# next box fits nowhere. *Utilization*, the filled share of the bin, is the score.

# %%
from binpack import plots
from binpack.agents import evaluate, load_agent
from binpack.course import by_hand as play
from binpack.course import exercises as ex
from binpack.course.l00_start_here import story

streams, number = story.test_streams(), 1
items = streams.items[number, : streams.lengths[number]]
print("the first six:", ", ".join("x".join(map(str, item)) for item in items[:6].tolist()))

places = [(0, 0), (3, 0), (6, 0), (6, 3), (0, 5), (4, 6)]
packing = play.pack_by_hand(places, items, story.ENV)
plots.show(plots.packing(packing.boxes, story.ENV.bin_size))
print(packing)

# %% [markdown]
# `places` is a list: change a pair, or add one, and run the cell again. In JupyterLab the figure becomes interactive
# when the mouse enters it.
#
# *Predict, then run.* Which share of the bin will you have filled when the next box fits nowhere?
#
# Run the next cell to play with the mouse. Until then it shows a still picture of the empty bin: each number is the
# height of a cell, seen from above, and on a blue one the corner of the next box may stand.

# %%
game = play.by_hand(items, story.ENV)
game.show()

# %%
print("your bin:", game.packing)
print("a mistake:", play.pack_by_hand([(8, 0)], items, story.ENV).refused)

# %% [markdown]
# Each click calls `pack_by_hand` with one place more, and a place that breaks a rule is refused with a reason, as the
# last line shows. The early boxes are easy. But they shape the pile, and the price of a gap is paid many boxes later.
# That makes the problem hard, for you and for an agent: the consequences of a choice come late.
#
# ## The story in one picture
#
# Four packers got the same 1,000 streams of boxes.
#
# | packer | how it chooses |
# | --- | --- |
# | random | any permitted place, all equally likely |
# | best heuristic | the fixed rule that did best on other streams |
# | default PPO | an agent trained with the settings of a library (Stable-Baselines3), as a first tutorial would |
# | tuned PPO | an agent of the same algorithm with tuned settings |
#
# PPO (proximal policy optimization; Schulman et al., 2017) is the algorithm of lesson 04. The results are recorded:
# `python -m binpack.course.l00_start_here.story runs` makes them anew.
#
# *Predict, then run.* How far does the heuristic get above random? And the default agent above the heuristic?

# %%
record = story.load()
packers = story.packers(record)
title = "the same 1,000 streams for all"
plots.show(plots.bars_with_spread(packers, x="packer", y="utilization", runs="streams or seeds", title=title))

# %% [markdown]
# A bar is a mean. A dot is one stream of boxes, or for the default PPO one of three trainings from different random
# seeds. A whisker is a 95 % interval of the mean (Student, 1908) over those dots: it is made so that in 95 of 100 such
# experiments it holds the mean that endless streams of boxes, or endless trainings, would have.

# %%
print(*story.lines(record), sep="\n")

# %% [markdown]
# The last column compares on each stream, which is sharper than comparing two whiskers; lesson 03 shows why. Three
# seeds make a wide interval, as they must. The tuned agent is a single training, so its interval says nothing about
# training it again.
#
# Is that fair? Look at the steps in the environment that each training took.

# %%
print(*story.budgets(record), sep="\n")

# %% [markdown]
# The tuned agent trained longer, so a part of its lead is training time. The scores of the default agents show how
# much they still gained in the end. "Tuned" stands for more than steps, though: the form of the network, what it is
# shown of the bin, and a dozen numbers such as the learning rate. Lessons 04 to 10 take these apart one by one, and
# compare at equal steps.
#
# The agent comes with the course, so you can watch it. It now packs the boxes that you had above.

# %% tags=["nbval-ignore-output"]
import torch

torch.set_num_threads(1)
hundred = streams[:100]
live = {
    "random": evaluate("random", hundred, story.ENV),
    "tuned PPO": evaluate(load_agent(story.TUNED), hundred, story.ENV),
}
shown = {name: result.boxes[number] for name, result in live.items()}
if game.places:
    shown["you"] = game.packing.boxes
plots.show(plots.packings(shown, story.ENV.bin_size))

# %%
ahead = live["tuned PPO"].utilization - live["random"].utilization
print("100 streams packed here and now, every packing verified")
print("tuned PPO is ahead of random by more than 0.1 on average:", bool(ahead.mean() > 0.1))
print("and fills more on at least 80 of 100 streams:", bool((ahead > 0).sum() >= 80))

# %% [markdown]
# On a single stream luck can decide, so one picture proves nothing. Set `number = 2` further up and run the cells
# again for the next stream. Once you have played, this figure shows your bin as well.
#
# ## How a lesson works
#
# - **It always runs to its end.** Run, Run All Cells works in any state of the exercises: where yours is not right yet,
#   the reference solution is used from there on.
# - **Predict, then run.** Note your guess first. A wrong guess is what you remember.
# - **An exercise** is a function with a docstring and numbered steps. Replace the line with `raise` by your code, run
#   the cell, then the check below it. The check says what is wrong, not only that something is.
# - **Stuck?** `ex.hint(name)` gives one hint more at each call, `ex.solution(name)` shows a solution. The folder
#   `solutions` holds each lesson with every exercise solved.
# - **A cell that does not end** is stopped by Kernel, Interrupt Kernel.
#
# Here is the first exercise: the score of the game.

# %% [exercise start_here.utilization]

# %%
print(f"your function, on the packing above: {utilization(packing.boxes, story.ENV.bin_size):.3f}")
ex.hint(utilization)

# %% [markdown]
# ## The course
#
# Eleven lessons, about 14 hours. Each builds on those before; with some experience of reinforcement learning, start at
# 03. Lessons without a link are still being written.
#
# | | lesson | minutes | what you do |
# | --- | --- | --- | --- |
# | 00 | start here | 20 | this page |
# | 01 | [Q-learning](01_q_learning.ipynb) | 60 | learn a maze and a tiny bin with a table, up to the exact optimum |
# | 02 | [deep Q-network](02_deep_q_network.ipynb) | 120 | replace the table by a network; find bugs with probes |
# | 03 | [the packing environment](03_packing_environment.ipynb) | 75 | build the bin: rules, masks, heuristics |
# | 04 | PPO | 90 | write the algorithm of this page from scratch |
# | 05 | what each PPO hyperparameter means | 75 | turn one knob at a time |
# | 06 | grid and random search | 45 | search settings with equal budgets |
# | 07 | Bayesian search and TPE | 75 | let earlier trials choose the next ones |
# | 08 | [Optuna](08_optuna.ipynb) | 90 | run, prune, store and read studies |
# | 09 | scaling out | 75 | many processes, a database, a cluster |
# | 10 | capstone | 90 | tune an agent for your own boxes, and report it honestly |
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
# 3. One dot of the tuned agent lies below the mean of the random packer. Is the tuned agent unreliable?
# <details><summary>Answer</summary>Not by that. A dot is one stream, and some streams defeat every packer. What an
# agent is worth is its mean, with its interval.</details>
#
# ## What comes next
#
# Lesson 01 starts small: a maze, and a bin so tiny that the best possible packing can be computed. An agent with
# nothing but a table of numbers finds it. This is Q-learning, and everything else in the course grows out of its one
# line of arithmetic.
#
# ## References
#
# - H. Zhao, Q. She, C. Zhu, Y. Yang, K. Xu (2021). Online 3D bin packing with constrained deep reinforcement
#   learning. AAAI. (The boxes, and the rule for what may carry them.)
# - J. Schulman, F. Wolski, P. Dhariwal, A. Radford, O. Klimov (2017). Proximal policy optimization algorithms.
# - A. Raffin et al. (2021). Stable-Baselines3: reliable reinforcement learning implementations. JMLR.
# - P. Henderson et al. (2018). Deep reinforcement learning that matters. AAAI. (Why settings and seeds are reported.)
# - Student (1908). The probable error of a mean. Biometrika.
