# %% [markdown]
# # 09 Scaling out
#
# *150 minutes, best in two sittings. Builds on lesson 08: you can write a study, store it, resume it, and say what a
# pruner does.*
#
# When you are done you can
#
# - say beforehand how much faster a search gets with more processes, and where the time goes that it does not gain;
# - choose a storage for a study that several processes share, and say who may run a trial when one of them falls
#   silent;
# - plan successive halving and Hyperband, and decide as ASHA does, which waits for nobody;
# - train a population that changes its hyperparameters on the way, and say what that costs;
# - decide how often a run writes down where it stands, and what a machine that may be taken away is worth;
# - write a search as one JSON file, run it, kill it, and go on;
# - compare libraries by what they do and not by what they promise.
#
# In lesson 08 one process made one trial after the other. A study of 200 trials of ten minutes each takes 33 hours in
# this way, and most of the machine looks on. The cure seems obvious: make many trials at a time. This lesson is about
# what that costs. The search knows less when it decides, processes get in each other's way, some wait for others, and
# the more machines there are, the more often one of them fails.
#
# ## Several at a time
#
# A process that takes a trial, trains it, hands in its score and takes the next one is called a **worker**. Two of them
# on two cores could be twice as fast as one. They are not quite, since some of the work cannot be shared.

# %%
import tempfile
from pathlib import Path

import numpy as np
import optuna
import torch

from binpack import plots
from binpack.course import exercises as ex
from binpack.course import tables
from binpack.course.asking import recorded_model
from binpack.course.l09_scaling_out import crowds, faults, figures, jobs, leasing, population, spot, tournaments, words
from binpack.course.l09_scaling_out.records import Crowds, Engines, Libraries, Speed, Tournaments, Workers
from binpack.search.action.conduct import perform
from binpack.search.action.table import Notebook, TrialTable
from binpack.search.landscape import task
from binpack.search.landscape.table import load

torch.set_num_threads(1)
optuna.logging.set_verbosity(optuna.logging.WARNING)
temporary = tempfile.TemporaryDirectory()  # removed when the kernel stops
folder = Path(temporary.name)

# %% [markdown]
# ### What cannot be shared
#
# Somebody has to start the search, choose each trial, write the journal and draw the figures, and this is done by one
# process at a time, however many there are. Say that a study takes 100 minutes with one worker, and that 10 of them are
# of this kind. Nine workers share the other 90 and need 10 minutes for them. Together that is 20 minutes, so nine
# workers are five times as fast as one. With endlessly many it would be ten times, and no more.
#
# This is **Amdahl's law** (Amdahl, 1967), which gives the speed-up from the share that is serial:
#
# $$S(n) = \frac{1}{s + (1 - s) / n}$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $s$ | `serial` | share of the time with one worker that cannot be divided |
# | $n$ | `workers` | how many there are |
# | $S(n)$ | | time with one worker, divided by the time with $n$ |

# %% [exercise scaling_out.speed_up]

# %% [markdown]
# Your function for four kinds of work, up to 64 workers:

# %%
plots.show(figures.speed_ups(speed_up, (0.01, 0.05, 0.1, 0.25), most=64))

# %% [markdown]
# The dashed line is what one hopes for. Look where each curve leaves it. A serial share of a hundredth seems to be
# nothing, and it takes away more than a third of what 64 workers could do.
#
# So the first question about a search is not how many machines there are. It is how long a trial takes beside all that
# happens around it. A study whose trials take ten minutes has a serial share near 0. One whose trials take half a
# second has a large one, and more workers help little.
#
# ### Measured
#
# The same search, a few short training runs, was made by one worker and by two, on the two cores of a machine. There is
# a second way to use two cores: PyTorch can divide every single product of matrices between them, with a *thread* on
# each. So each worker was allowed one thread or two.
#
# *Predict, then run.* Two workers with two threads each make four threads on two cores. Will that be faster than two
# workers with one thread each, or slower?

# %%
speed = Speed.load()
tables.show(words.speeds(speed))
print(words.implied(speed))

# %% [markdown]
# Two workers with a thread each are ahead, and they are not twice as fast. The search is measured from its command to
# its end. So the start of the processes and the import of the libraries are in it, and with 16 trials of a second and a
# half they are a tenth of what one worker takes. The last column has a part of the rest. It is what a trial takes by
# its own clock, and that grows a little when another one is trained beside it: the cores share a memory. Amdahl's share
# counts all of this as serial. With trials of ten minutes hardly more than the second part would be left.
#
# Threads gain nothing. The matrices of these networks are small, and to divide a small product takes longer than to
# compute it. With several workers it is much worse: four threads wait for each other on two cores, and the search
# takes three times as long as one worker with one thread would.
#
# This happens easily. Left alone, PyTorch starts as many threads as there are cores, in each process. So let trials
# be the parallel thing, and give each one thread. That is what this package's training does unless it is told
# otherwise. It also keeps results the same: threads that divide a sum round it in another order.
#
# Why are the workers processes, and not threads themselves? Threads of one Python process take turns at most of what
# Python does (lesson 08). The price is memory: each process holds a whole training run.
#
# ### The end of a search
#
# Even when nothing is serial, the end is not for free. Trials wait in a row, and whoever is free takes the next one. At
# last the row is empty, and then workers stand idle until the last trial has ended.
#
# An example. Two workers have trials of the lengths 3, 1 and 1. The first worker takes the first trial. The other takes
# the second one, is done at 1, and takes the third, which ends at 2. The search ends at 3, and the trials, counted from
# 0, have ended in the order 1, 2, 0. The second worker was idle for 1. With the lengths 1, 1 and 3 in this order, the
# first worker would take the long trial at 1, and the search would end at 4, with 3 idle: the same work, and a longer
# wait.

# %% [exercise scaling_out.run_pool]

# %% [markdown]
# Twelve recorded trials in the order in which a search would have drawn them, on four workers. Their lengths are what
# the real runs took of a processor's time.

# %%
runs = load().runs("study")
material = tournaments.drawn(runs, np.random.default_rng(3))
lengths = material.seconds[:12, -1].round(1)
order, idle = run_pool(lengths, 4)
text = f"trials end in the order {', '.join(map(str, order))}; workers wait for {idle:.1f} s in all"
plots.show(figures.row_of_trials(lengths, 4, title="twelve trials, four workers", x="seconds", text=text))

# %% [markdown]
# Two things in this picture come back in all that follows. Results arrive in another order than the one in which trials
# were asked for. And the white at the right edge is paid for like the rest.
#
# How much white there is depends on how much the lengths differ, on the number of trials for each worker, and on luck.
# It has a limit, though: whatever the order, the search takes less than twice as long as the best division of the
# same trials would (Graham, 1969). With the longest trials first it would be better still, but a search that chooses
# its next trial when it is asked cannot sort them.
#
# ## Several know less
#
# A sampler that learns is asked for a trial, and looks at the results that are there. With one worker it knows the
# results of all trials before. With eight it is asked for the ninth trial when one result has just come in, and seven
# trials are still running. From then on it always knows seven results fewer than with one worker.
#
# There is worse. While nothing new comes in, a sampler sees the same picture again and again. If it is asked for eight
# trials at once, it may give eight times nearly the same answer. Then eight workers train one configuration, and seven
# of them learn next to nothing.
#
# The cure is a lie. A trial that is still running is entered with a bad score, until its true one comes. Then the place
# where it lies looks a little worse, and the next trial goes elsewhere. This is called the **constant liar**, since the
# same lie is told for all running trials (Ginsbourger, Le Riche and Carraro, 2010). In TPE the lie is easy to tell:
# running trials count among the bad ones. Optuna tells it unless you say otherwise.
#
# *Predict, then run.* TPE knows 30 trials along the learning rate, and is asked for twelve more at once. If it tells no
# lie, will its answers lie as far apart as those of random search?

# %% tags=["nbval-ignore-output"]
model = recorded_model()
for name in crowds.SAMPLERS:
    rates = np.sort(crowds.at_once(model, name, told=30, count=12, seed=0))
    print(f"{name}: {crowds.nearest(rates):.2f} apart;", ", ".join(f"{rate:.2g}" for rate in rates))

# %% [markdown]
# The first number says how far from each rate the nearest other one is, on average and in powers of ten. Random search
# knows nothing, and spreads over the whole range. Without the lie TPE crowds in a few places that it believes to be the
# best. With it the answers keep away from each other, and some land where few trials were good: that is the price of
# trying twelve different things.
#
# With eleven hyperparameters there is much more room. Whether the lie matters there has to be measured, and so does
# what it costs to know less. Here are searches of the surrogate by one, four and sixteen workers, all with the same
# number of trials.
#
# *Predict, then run.* After 96 trials, will the leader of sixteen workers be worth less than that of one? By as much as
# TPE is ahead of random search?

# %%
crowd = Crowds.load()
tables.show(words.crowds(crowd))
print(words.price_of_a_crowd(crowd, 96))
print(words.liar(crowd, workers=16, trials=96))

# %% [markdown]
# Read the columns of worth from left to right. In the first trials a large crowd has most to lose. TPE draws at random
# until ten results are there. One worker has begun ten trials by then, and sixteen have begun 25. Later the results
# that are missing are few beside those that are known.
#
# The price is small. After 64 trials the leaders of the crowds are worth 0.003 to 0.004 less than that of one worker,
# and after 96 the difference is within its error. By then TPE is ahead of random search by 0.006, and sixteen workers
# have kept more than half of that.
#
# The liar, without which TPE crowded along one axis, makes no difference here: with it and without it the worth is the
# same within its error. A likely reason is room: among eleven hyperparameters two answers are seldom close to each
# other, whatever is told.
#
# Then read the last column, because equal trials are not the whole truth. Whoever has sixteen machines wants to be done
# in a sixteenth of the time. The next figure has the time along its axis in place of the trials.

# %%
curves = {
    f"{name}, {words.count_of(count)}": (crowd.ends[name, count].mean(axis=0), crowd.worth[name, count])
    for name, count in (("random", 1), ("TPE", 1), ("TPE", 4), ("TPE", 16))
}
axes = {"x": "time, a trial takes about 1", "y": "worth of the leader", "title": "the same searches by the clock"}
plots.show(plots.curves_with_spread(curves, spread="middle", **axes))

# %% [markdown]
# Choose a height, and see from left to right how far apart the lines cross it. That is what a crowd gains by the clock,
# and the table has said what it pays for that at equal trials. The bargain has a limit: with as many workers as trials,
# nothing is known when the trials are chosen, and a sampler that learns is no better than chance.
#
# ## Where they meet
#
# Workers need a place in which they tell each other what they have tried. Lesson 08 had three of them. Here is what
# goes wrong with each when several workers use it. The cell makes every fault on purpose, and shows what comes of it.

# %%
optuna.logging.set_verbosity(optuna.logging.ERROR)  # or each fault is told at length
tables.show(faults.table(folder))

# %% [markdown]
# - **Memory.** Each process has a study of its own. With the same seed they even make the same trials.
# - **SQLite.** One writer locks the whole file. The others wait for a few seconds and then give up with an error, in
#   the middle of a training run. The shorter the trials, the more often it happens. (For the table the patience was
#   cut to a fifth of a second.)
# - **Journal file.** Several processes of one machine may append to it. But a process that is killed leaves its trial
#   running, and the file does not know whose it was. Taking it up is a guess, and the last row shows a wrong guess: the
#   worker was only slow, and its result is refused.
#
# The usual step from there is a database on a server, such as PostgreSQL. Many machines reach it over the network, and
# it locks single rows of a table where SQLite locks a file. That mends the second fault, and not the last one. Optuna
# can keep a *heartbeat* for each trial there, the time at which its worker was last alive. But a late heartbeat is a
# guess as well: no storage can tell a worker that is dead from one that is slow.
#
# ### A lease
#
# The answer is to lend things for a while only (Gray and Cheriton, 1989). A **lease** gives a worker a trial until a
# certain time, and the worker renews it again and again while it trains. If it dies, nobody renews the lease, it ends,
# and another worker may take the trial. Nobody has to know why.
#
# There are two decisions in this. May a worker run a trial? And when somebody brings a result, does it count? An
# example with two workers, Ann and Ben:
#
# - Ann took trial 3, and her lease lasts until 10. At 5 Ben asks for it, and may not have it. At 10 he may.
# - Ann comes back at 12 with her result, and Ben has not asked again. It is late, but nobody else has begun, so it
#   counts.
# - Or Ben took the trial at 11, and Ann comes back at 12. Now the trial is his, and her result does not count. Why not
#   take it, since it is there? Because Ben's would then come as well, and one trial would stand in the study twice.
#
# The clock is always the database's. Two machines whose clocks differ by a minute would otherwise disagree about who
# has a trial.

# %% [exercise scaling_out.lease_says]

# %% [markdown]
# Eight trials and three workers, Ann, Ben and Eve. Ben dies at 8. Eve falls silent at 9, as a laptop does when it is
# closed, and comes back at 19 without knowing that she was away. A lease lasts 4 seconds, and a worker that is there
# renews it every second. Your rule is compared with two others: whoever has a trial keeps it for ever, or whoever sees
# a running trial adopts it.
#
# *Predict, then run.* Which rule never ends? Which of them counts trials twice?

# %%
rules = {"kept for ever": leasing.for_ever, "adopted at sight": leasing.adopt, "your lease": lease_says}
tables.show(leasing.compared(rules))
story = leasing.play(lease_says)
text = f"with leases of {leasing.LEASE} s all trials have a result after {story.seconds:.0f} s"
names = [worker.name for worker in leasing.crew()]
plots.show(figures.timeline(story.bars, title="who had which trial", x="seconds", names=names, text=text))

# %% [markdown]
# Find trial 3 in the picture. Eve had it, was cut off, and finished it after she was back. Meanwhile Ann had taken it
# over and finished it, so Eve's result is refused. Some seconds are trained in vain, and nothing counts twice. That is
# the price of not knowing who is alive. The other two rules pay more. The first waits for Ben's trial for ever. The
# second lets all of them train the same trial at the same time, which takes as long as Ann alone would need, and it
# counts most trials more than once.
#
# How long should a lease be? If it is short, a worker that stumbles for a moment loses its trial. If it is long, the
# trial of a dead worker waits long. A few times the interval at which it is renewed is usual: one missed renewal is an
# accident, three are an absence.
#
# ### On several machines
#
# This package has such leases in a PostgreSQL server. There a search is a *job*, written down in one file, of which
# more at the end of this lesson. The job of this example has the name `cubes` and the line `"engine": "postgresql"`.
# One machine begins it, and any other one takes part in it:
#
# ```bash
# export BINPACK_STORAGE=postgresql://ann@db.example/studies
# python -m binpack action job.json --out runs/cubes      # begins the job, and trains too
# python -m binpack worker --study cubes                  # on every other machine
# ```
#
# A worker reads from the database what is to be done. It may come and go at any time, and none of them is the chief: if
# the machine that began the job is taken away, the others finish the trials. Each trial has a lease of 60 seconds
# (`--lease`), which its worker renews four times in that time. A worker that is asked to stop gives its trials back at
# their next reports. Whoever takes one over goes on from where the first one last wrote down how far it was, if that
# lies in a folder that both can reach.
#
# You need no server to read on: what the next cell shows was recorded on one
# (`python -m binpack.course.l09_scaling_out.record_workers`). Ann and Ben are two of these workers, and share a job of
# short trials with leases of 4 seconds. Either both stay, or in the middle of a trial Ben is asked to stop, or he is
# killed by the signal that cannot be caught.
#
# *Predict, then run.* When does Ben's trial have to wait longer, after he was asked or after he was killed? And how
# many steps are made twice?

# %%
workers = Workers.load()
tables.show(words.served_by(workers))
text = words.taken_over(workers, "Ben is killed")
bars = workers.bars["Ben is killed"]
plots.show(figures.timeline(bars, title="Ben is killed", x="seconds", names=workers.names, text=text))

# %% [markdown]
# No trial is lost: in each of the jobs all eight come to their ends. They only take longer, as Ann is alone for most of
# the time.
#
# A worker that is asked ends its step and hands the trial back. Then the trial waits until Ann has ended the one that
# she trains, two and a half seconds at most. A worker that is killed says nothing. So its lease has to run out first,
# which takes most of 4 seconds, and then the trial waits for Ann as well. With a lease of 60 seconds it would be most
# of a minute.
#
# The steps are 40, as many as are needed, and none was made twice. Each signal came in the middle of a step, and each
# step before it was written down. So what a killed worker loses is a part of one step, and the next owner begins with
# that step.
#
# There is one more rule, for trials that kill. A configuration that needs more memory than there is takes its worker
# with it, and then the next one, and the next. So a trial is begun three times at most (`--tries`), and then counts as
# failed.
#
# ## Stopping early without waiting
#
# In lesson 08b a trial that came to a rung was compared with those that had been there before it. With several workers
# that is asked anew: a trial has reached the rung, and those that it should be compared with are still on their way.
#
# ### Everybody waits
#
# In its first form successive halving is a tournament with rounds (Jamieson and Talwalkar, 2016). Some trials begin. At
# the first rung all wait until the last one is there. Then, with a factor of 4, one in four goes on, and the others are
# stopped. One such tournament is called a **bracket**, a group of trials that are compared with each other and with
# nobody else.
#
# A run of our record has 20 points, at each of which it was evaluated. Let the rungs be at 1, 5 and 20, and let 16
# trials begin. All 16 train 1 point. Four go on to point 5, which costs 4 points each. One goes on to point 20, which
# costs 15. So 16, 4 and 1 trials reach the three rungs, and together they train 16 + 16 + 15 = 47 points. Sixteen whole
# trials would have been 320.

# %% [exercise scaling_out.halving_plan]

# %% [markdown]
# The plan of that example, and what it would be with more trials:

# %%
rungs = np.array(tournaments.RUNGS)
rows = []
for trials in (16, 64, 256):
    counts, cost = halving_plan(trials, rungs, tournaments.FACTOR)
    whole = trials * task.POINTS
    rows.append([str(trials), ", ".join(map(str, counts)), str(cost), f"{1 - cost / whole:.0%}"])
tables.show(tables.Table(("trials", "reach 1, 5 and 20", "points", "saved"), rows))

# %% [markdown]
# The share that is saved is the same in each row. Note how the work is divided: each rung gets about as many points as
# the others, 16, 16 and 15 in the first row. Many trials are looked at briefly, and few for long.
#
# ### Several brackets
#
# What is the right first rung? If early scores say much, it should be early, and many trials can begin. If they say
# little, an early rung throws good trials away. Nobody knows beforehand. So **Hyperband** makes several brackets, from
# a hasty one to one that stops nothing (lesson 08b; Li et al., 2018). Each costs about the same.
#
# With 20 points and a factor of 4, the hastiest bracket divides 20 by 4 twice: its first rung is at $20 / 16$, which is
# 1 without the rest. The next one divides once and begins at 5. The last does not divide, and its trials run to their
# ends at once. That makes $B = 3$ brackets. One that divides $s$ times begins with $B \cdot 4^s / (s + 1)$ trials,
# rounded up: it has $s + 1$ rungs, which share what a bracket may spend.
#
# | $s$ | trials | first rung |
# | --- | --- | --- |
# | 2 | $3 \cdot 16 / 3 = 16$ | 1 |
# | 1 | $3 \cdot 4 / 2 = 6$ | 5 |
# | 0 | $3 \cdot 1 / 1 = 3$ | 20 |

# %% [exercise scaling_out.hyperband_brackets]

# %% [markdown]
# The brackets for our runs, each as a staircase of the trials that are left, made from both of your functions:

# %%
brackets = hyperband_brackets(task.POINTS, tournaments.FACTOR)
plots.show(figures.brackets(halving_plan, brackets, tournaments.RUNGS, tournaments.FACTOR))
print("the authors' own example has 81 points and a factor of 3; trials and first rung of each bracket:")
print(", ".join(f"{trials} from {first}" for trials, first in hyperband_brackets(81, 3)))

# %% [markdown]
# The area under a staircase is what its bracket costs. With three brackets, two thirds of the work go into those that
# turn out not to be the best: that is the price of not having to choose one first rung.
#
# Now with workers. Three brackets of 16 trials, one after the other, on four workers, with the times that the recorded
# runs took:

# %%
schedule = tournaments.Synchronous(tournaments.halving_brackets(), trials=48)
played = tournaments.play(schedule, material, workers=4, budget=np.inf)
text = f"halving takes {played.seconds:.0f} s, and the workers wait for {played.idle:.0%} of their time"
plots.show(figures.timeline(played.bars, title="everybody waits", x="seconds", text=text))

# %% [markdown]
# The white is waiting. At each rung the fast ones wait for the slowest. At the end of each bracket one trial runs
# alone, and three workers look on. Runs differ in length because their hyperparameters do: twenty epochs take longer
# than one. So the slowest trial of sixteen is often much slower than most.
#
# ### Nobody waits
#
# Asynchronous successive halving, **ASHA** for short, turns the question round (Li et al., 2020). A worker that is free
# does not ask whether a round is over. It asks whether there is *now* a trial that may go on. If there is one, it is
# trained further. If not, the worker begins a new trial. So there is always something to do, and there are no rounds at
# all.
#
# Who may go on? Of all trials that have come to a rung so far, the best quarter. Say the factor is 2, and four trials
# have come to a rung, with 0.5, 0.7, 0.6 and 0.4. Two may go on: number 1, and then number 2. When both have, nobody is
# left. Now a fifth comes with 0.8. Still two may go on, but now they are the fifth and number 1. Number 1 has gone on
# already, so the fifth is promoted. Number 2 has gone on as well, and would not have, had the fifth come sooner. That
# is what ASHA pays for not waiting.
#
# This is not the rule of lesson 08b, where a trial is asked when it comes to the rung, and stops for good if it is not
# good enough. Here it only pauses. It may still be promoted later, when more trials have come and it turns out to be
# among the best.

# %% [exercise scaling_out.promotable]

# %% [markdown]
# The same workers and the same order of trials, with your function deciding. It may spend as many environment steps as
# the halving above:

# %%
schedule = tournaments.Asynchronous(len(material.worth), promotable)
asha = tournaments.play(schedule, material, workers=4, budget=played.steps)
text = f"ASHA takes {asha.seconds:.0f} s, and the workers wait for {asha.idle:.0%} of their time"
plots.show(figures.timeline(asha.bars, title="nobody waits", x="seconds", text=text))
for name, each in (("halving", played), ("ASHA", asha)):
    print(f"{name} has begun {each.started} trials, and {each.complete} of them came to their ends")

# %% [markdown]
# Whoever would have waited has begun a new trial or promoted one. What white is left lies at the right edge, as in any
# search. Below the picture stands what became of the same number of steps in the two ways.
#
# One search is one search. The next table has a thousand of each kind. All of them may spend as many environment steps
# as 30 whole trials take, and all draw from the same recorded runs. *Wrongly on* is the share of promotions that would
# not have been made with hindsight: the trial was not among the best quarter of all that had come to this rung in the
# end.
#
# *Predict, then run.* The ways are whole trials, halving, Hyperband and ASHA. With sixteen workers, how many times as
# fast as with one will each of them be? And will ASHA's wrong promotions make its choice worth less than that of
# halving?

# %%
tournament = Tournaments.load()
tables.show(words.tournaments(tournament))
print(words.waiting(tournament))
print(words.promotions(tournament))

# %% [markdown]
# Compare the rows of one way first. Halving and Hyperband find the same with one worker and with sixteen, since their
# decisions do not depend on who is done first. Only the time differs, and sixteen workers make them hardly twice as
# fast: they wait for nearly nine tenths of it. Whole trials wait for a half of it, at the end, since there are few of
# them for so many workers. ASHA waits least, and gets ten times as fast.
#
# Then compare the last column across the ways, and mind the ±. All three ways of stopping find more than whole trials
# do with the same steps, because they look at three to six times as many configurations. And ASHA's choice is not worth
# less than that of halving, but a little more. One in seven of its promotions was wrong. But a trial that was promoted
# wrongly is only trained further, and then it is seen for what it is: that costs steps and decides nothing.
#
# Halving could use the waiting for a second bracket that begins meanwhile. ASHA needs none of that. But it must keep
# what paused trials have learned. Optuna's halving pruner needs neither: it decides when a trial comes to the
# rung, and what it stops stays stopped. The jobs at the end of this lesson have that rule under the name `asha`.
#
# ## Training as a population
#
# So far every trial kept its hyperparameters from its first step to its last. This need not be right: a learning rate
# that is good at first may be too large later. But which schedule is right? In lesson 05b a line to 0 was behind a
# constant. A schedule can be searched like anything else, but then somebody has to write down its shape, with
# hyperparameters of its own.
#
# **Population based training** takes another way: some runs train side by side, and now and then the worst of them give
# up and go on from the best (Jaderberg et al., 2017). It has two halves. A run that gives up takes the *weights* of a
# better one, and does not begin anew; that is called *exploit*. It also takes its hyperparameters, and changes each of
# them a little; that is called *explore*. So hyperparameters change in the middle of training, and what survives is a
# run that had the right ones at the right time.
#
# Four members as an example, with scores 0.9, 0.2, 0.6 and 0.5. One gives up: number 1, the worst. It takes the weights
# of number 0, and its learning rate of 0.01. Each member is handed a factor of its own. That of number 1 is 1.25, so it
# goes on with 0.0125. Nothing happens to the others. If two gave up, number 3 would take from number 2.

# %% [exercise scaling_out.exploit_and_explore]

# %% [markdown]
# The authors show the idea on a toy. Two members climb a hill in the plane, but each sees it wrongly: one is nearly
# blind for $y$, the other for $x$. What they see is $1.2 - a x^2 - b y^2$, and $a$ and $b$, which lie between 0 and 1,
# are the hyperparameters. They are judged by the true height, $1.2 - x^2 - y^2$.
#
# *Predict, then run.* Both begin at (0.9, 0.8). Where will they end if they are left alone, and where if every five
# steps the worse one copies the better one?

# %%
alone, together = population.blind(population.nobody, seed=0), population.blind(exploit_and_explore, seed=0)
plots.show(figures.paths({"left alone": alone, "a population": together}))

# %% [markdown]
# Left alone, each member walks along the one direction that it sees, and stays away from the top in the other. In the
# population a member jumps to where a better one is, and goes on from there with hyperparameters that have changed. One
# direction after the other is learned. Neither of the two runs could have done it in this time with the hyperparameters
# of its beginning.
#
# ### A schedule that nobody wrote down
#
# In the second toy the best hyperparameter changes. Eight members walk to the origin, but see their place with noise.
# With a long step they are there soon, and then dance around it. With a short one they take for ever. The only
# hyperparameter is this *length of the step*, the share of the distance that one step takes off: it stands for a
# learning rate.
#
# *Predict, then run.* What will the length of the best member's step be in the first quarter, and what in the last?

# %%
fixed, ends = population.fixed(seeds=20), population.ends(exploit_and_explore, seeds=20)
best_fixed = population.LENGTHS[fixed.mean(axis=0).argmax()]
plots.show(figures.lengths(population.noisy(exploit_and_explore, seed=1), best_fixed))
tables.show(words.lived(ends, fixed, population.decaying(seeds=20)))

# %% [markdown]
# The grey lines are the steps of all members, the blue one is that of whoever is best at the moment. The population has
# found that long steps are good at first and short ones later, and it was nowhere written that this is so. The best
# fixed step is a compromise between the two, and the table says what the compromise costs: its first three rows are of
# eight runs each.
#
# Now the price, in the second column. A population of eight costs eight runs, like trying eight fixed values. If
# somebody had known the schedule, one run would have done. There are two more prices. The members have to be there at
# the same time, or at least their weights. And the result is no configuration that can be trained again: it is a run
# with a history. Whoever wants to know whether it was luck has to train another population.
#
# It is also short-sighted. Whoever is ahead *now* survives, and a hyperparameter that hurts at first and pays off later
# is bred out. With a noisy score, as in reinforcement learning, it is often luck that is copied. Long intervals between
# the copies and several episodes for each score help, and cost time.
#
# ## When the machine is taken away
#
# A cloud sells the machines that nobody has booked at a lower price. Such a machine is a **spot instance**: it is
# cheaper because it may be taken away at any time, with a notice of two minutes, of half a minute, or none at all. A
# search suits such a machine well. Its trials are many and independent, and none of them is urgent. It must only be
# able to lose a machine.
#
# Leases do the one half: somebody else takes the trial. If it had to begin anew, long trials would hardly ever end. So
# a run has to write down now and then all that it needs to go on. That is a **checkpoint**: weights, the optimizer's
# state, the counts of steps, and the state of every random generator.
#
# ### How often
#
# Writing takes time, and what was done since the last writing is lost. If checkpoints are rare, an interruption throws
# away much. If they are frequent, they are all that the run does. Say that one takes 20 seconds and that an
# interruption comes every two hours on average, after 7,200 seconds. With an interval of 100 seconds the checkpoints
# take 20 for every 100 seconds of work, a share of 0.2, and an interruption throws away half an interval, 50 of 7,200
# seconds, a share of 0.007. With 3,000 seconds the shares are 0.007 and 0.208. In between lies the best, where both are
# equal:
#
# $$T = \sqrt{2 C M}, \qquad \text{lost} = \frac{C}{T} + \frac{T}{2 M}$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $C$ | `cost` | time that a checkpoint takes |
# | $M$ | `between` | mean time between two interruptions |
# | $T$ | `interval` | best time between two checkpoints |
#
# In the example $T = \sqrt{2 \cdot 20 \cdot 7200} = 537$ seconds, and 0.037 + 0.037 of the time is lost. The formula is
# an approximation for checkpoints that take much less time than passes between two interruptions (Young, 1974).

# %% [exercise scaling_out.checkpoint_plan]

# %% [markdown]
# Is it right? A day of work is played 400 times for each of ten intervals, with interruptions at random.
#
# *Predict, then run.* If you take an interval that is twice as long as the best one, how much more will be lost?

# %%
cost, between, day = 20.0, 7200.0, 86_400.0
interval, share = checkpoint_plan(cost, between)
intervals = np.geomspace(100, 3600, 10)
extra = spot.lost_shares(intervals, cost, between, day, repeats=400, rng=np.random.default_rng(0))
plots.show(figures.overhead(intervals, extra, lambda seconds: spot.young_share(seconds, cost, between), interval))
twice = float(spot.young_share(np.array([2 * interval]), cost, between)[0])
print(f"Young's interval, {interval:.0f} s, loses {share:.1%}; one that is twice as long {twice:.1%}")

# %% [markdown]
# The curve is flat around its lowest place: by the formula an interval that is twice or half as long as the best one
# loses a quarter more. So the two numbers that go in need not be known well, which is fortunate, as nobody knows when a
# machine will be taken away. To the right the dots leave the line, since there the approximation no longer holds: an
# interval may be interrupted more than once.
#
# ### What it costs
#
# The same share decides whether a spot instance is worth it. The prices in the next cell are invented. Put in those of
# your provider, and the share that you have measured.

# %%
price, spot_price = 3.0, 1.0
tables.show(spot.bill(hours=100, price=price, spot_price=spot_price, shares=(share, 0.25, 0.5, 2.5)))
print(f"at these prices a spot instance pays as long as less than {spot.break_even(price, spot_price):.0%} is lost")

# %% [markdown]
# With checkpoints the first row of the spot instance is near the truth. Without any, a trial that takes twice the mean
# time between two interruptions needs more than three times its own length on average until it gets through, so the
# last row may well happen. What it costs that a person waits longer is in no row.
#
# ## One job, written down
#
# A search that is to run elsewhere has to be handed over: to a colleague, to a server, to yourself in a year. A
# notebook is a bad form for that. `python -m binpack action job.json --out DIR` takes one JSON file that says
# everything.

# %%
job = {
    "action": "train",
    "params": {
        "name": "toy",
        "dataset": "random:2-4",
        "entrypoint": "binpack.course.l09_scaling_out.toy",
        "is_tune": True,
        "hyperparameter": {"pause": 0.05},
        "hyperparameters": [
            {"name": "learning_rate", "type": "loguniform", "min": 1e-4, "max": 1e-1, "base": 10},
            {"name": "n_epochs", "type": "randint", "min": 1, "max": 8},
        ],
        "tune_config": {
            "mode": "max",
            "metric": "score",
            "num_samples": 12,
            "max_concurrent_trials": 2,
            "search_alg": {"name": "optunasearch"},
            "scheduler": {"name": "asha", "options": {"max_t": 5, "reduction_factor": 2}},
        },
    },
}

# %% [markdown]
# Read aloud, from the top:
#
# - Train, and name it "toy". The items are random boxes with edges of 2 to 4 cells.
# - **`entrypoint`** says *what* trains: a module with the functions `train` and `tune`. Left out, it is the PPO of this
#   package. Here it is a toy that learns for five steps, so that you need not wait.
# - **`is_tune`** says that it is a search. What stands in `hyperparameter` is fixed, and each entry of
#   `hyperparameters` varies. There are twelve kinds of distributions; these are two that you know by other names,
#   `suggest_float` with `log=True` and `suggest_int`.
# - **`tune_config`** is the study: maximize the score, 12 trials, 2 at a time, chosen by Optuna's TPE, stopped early by
#   successive halving. Time is counted in reports, a trial ends at its fifth, and one in two goes on.
#
# What is wrong in it is found before anything starts, all of it at once and each fault with its place. What a search
# algorithm cannot do is refused too, in place of being quietly done in another way. Here is a job with three faults:

# %%
settings = {**job["params"]["tune_config"], "metric": "", "scheduler": "hyper"}
varied = [{"name": "learning_rate", "type": "loguniform", "min": 0.1, "max": 1e-4, "base": 10}]
wrong = {**job, "params": {**job["params"], "hyperparameters": varied, "tune_config": settings}}
print(*jobs.faults(wrong), sep="\n")

# %% [markdown]
# An unknown scheduler is the worst of the three. A system that passed over it would run the job without any, and nobody
# would notice that nothing is ever stopped.
#
# *Predict, then run.* The rungs are after 1, 2 and 4 reports. Of twelve trials, how many will make all five?

# %% tags=["nbval-ignore-output"]
result = perform(job, folder / "job", Notebook(TrialTable("score", "max")))
tables.show(jobs.outcome(result))

# %% tags=["hide-cell"]
assert len(result["trial_models"]) == 12
assert result["best_trial"]["metrics"]["training_iteration"] == 5

# %% [markdown]
# The first table was renewed while the trials ran; in a terminal it is drawn in place, and with `--json` it becomes a
# line for each event. The second lists the models that were kept, one for each trial, the stopped ones too: count the
# rows that have five reports. If all twelve were compared with each other at once, one in two would go on at each of
# the three rungs: six, three, one. It is often more, since those that come first have few to be compared with. The
# result names the best model, with its configuration and its folder.
#
# The fields of the default entrypoint are those of lessons 05 and 08, so the search of lesson 08 can be written as such
# a file. It then ends with what `tune` ends with: the best configuration and the default one, trained anew on seeds
# that took no part.
#
# ### Killed, and started again
#
# Now the test that matters. A job of six such trials, none of them stopped early and one at a time, runs as a process
# of its own. As soon as two trials have ended and the third has made three of its five steps, the process is killed by
# the signal that cannot be caught. Then the same command is given again.
#
# *Predict, then run.* Six trials have 30 steps. How many steps will have been made in the end, over both starts?

# %% tags=["nbval-ignore-output"]
place, six = folder / "killed", jobs.counting(trials=6, pause=0.1)
code = jobs.kill(jobs.begin(six, place), place, ended=2, step=3)
before = jobs.state(place, f"ended with {code}")
code = jobs.begin(six, place).wait()
tables.show(jobs.table(before, jobs.state(place, f"started again, ended with {code}")))

# %% tags=["hide-cell"]
after = jobs.state(place, "in the end")
assert int(before[1]) == 2 and int(after[1]) == 6
assert 30 <= int(after[4]) <= 31

# %% [markdown]
# The two finished trials were kept, the third went on from its last checkpoint, and at most one step was made twice:
# one whose checkpoint was not yet written when the signal came. The number of trials is the one that was asked for. A
# job that you can kill at any moment is a job that you can run on a machine that somebody else may switch off.
#
# What makes this work is not much, and it is worth looking for in any system that you use:
#
# - a trial is written down when it *begins*, with its configuration, so that the same one can go on;
# - first what a trial leaves is written, and then that it has ended, so that every trial that counts has its files;
# - a trial keeps its id, so that one that goes on is not a new one;
# - training can begin from a checkpoint, and says where its own lies.
#
# ### A notice in time
#
# On a spot instance you know a little beforehand. Each cloud has an address that only its own machines can reach, and
# what is read there tells whether the machine is to be taken back. With `--notice aws` (or `gcp`, or `azure`) the
# command asks there every five seconds. At a notice all that trains writes a checkpoint and ends.
#
# `--when-done` takes a command that runs when all is done or the notice has come. On a rented machine that would be
# `sudo shutdown -h now`, so that nobody pays for a machine that waits. It does not run after an error, as then somebody
# has to look.
#
# The next cell plays the cloud on this machine, at an address that the command is given with `--notice-url`. It says
# from the first question on that the machine is taken back.
#
# *Predict, then run.* The job needs 30 steps of a tenth of a second. How many of them will be made?

# %% tags=["nbval-ignore-output"]
from binpack.course.l09_scaling_out.cloud import Cloud

place = folder / "noticed"
with Cloud(takes_back=True) as cloud:
    options = ("--notice", "gcp", "--notice-url", cloud.url, "--when-done", "echo off")
    code = jobs.begin(six, place, *options).wait()
print(*jobs.said(place), sep="\n")
tables.show(jobs.table(jobs.state(place, f"ended with {code}")))

# %% tags=["hide-cell"]
assert code == 75 and int(jobs.state(place, "")[4]) < 30

# %% [markdown]
# The first line says beforehand what will run in the end. Then the notice comes, the trial that runs leaves at its next
# checkpoint, here as a rule its first, and the command ends with the exit code 75. By that a script can tell
# "not done" from "failed", which is 1 or 2. The same command goes on, here or on the next machine: the trial that was
# stopped is still RUNNING in the table, and goes on from its checkpoint as in the section before. `train`, `tune`,
# `worker` and `report --retrain` have the same options.
#
# ### The same job on Ray
#
# **Ray** is a library that runs Python on a *cluster*, a group of machines that work together (Moritz et al., 2018): it
# knows which machines there are, starts processes where there is room, and tells when a machine is gone. To a job it is
# one line more, `"engine": "ray"`. What is tried next and what is stopped is still decided by the process that was
# started here, and only the training is elsewhere.
#
# Ray has a library for searches as well, *Ray Tune*, in which other libraries can choose. The jobs here do without it,
# for one reason above all: where a search of Ray Tune is restarted, its scheduler has forgotten everything.
#
# The next cell starts a cluster of this machine alone, with room for two trials, and runs two jobs on it. One is the
# job from above. The other has a population of six in the place of halving: after each report it looks whether one of
# the worst is to take over one of the best. Then the cluster is ended. Most of the time goes into starting it.
#
# *Predict, then run.* Halving lets some of twelve trials make all five reports. How many of a population will?

# %% tags=["nbval-ignore-output"]
from binpack.search.engines.ray_tune import own_cluster

results = {("processes", "asha"): result}
with own_cluster(cpus=2):
    for scheduler in ("asha", "pbt"):
        results["Ray", scheduler] = perform(jobs.on_ray(job, scheduler), folder / f"ray_{scheduler}")
tables.show(jobs.engines(results))

# %% tags=["hide-cell"]
ends = {
    name: [each["metrics"]["training_iteration"] for each in found["trial_models"]] for name, found in results.items()
}
assert len(ends["Ray", "asha"]) == 12 and ends["Ray", "pbt"] == [5] * jobs.POPULATION

# %% [markdown]
# The two rows of `asha` need not be equal. Two trials run at a time, and which of them is done first is a matter of
# milliseconds, on one machine as on many.
#
# In a population nobody is stopped: all six make their five reports, and those that are behind take over the weights of
# others. The fifth column counts how often. The result keeps each time as the trial's *lineage*, from whom and when,
# because its last configuration alone would not give these weights again.
#
# With a second machine, `ray start --head` on the first and `ray start --address=...` on the second make one cluster of
# both, and the job says `"ray_address": "auto"`. Its folder has to lie on a disk that both can reach under one path
# (`tutorials/ray-tune.md`).
#
# Mind who can reach a cluster. Ray's processes send each other Python objects as **pickles**, a format that may run any
# code when it is read, so whoever can connect to a cluster can run code in it. The one above listens on this machine
# alone, and asks for a token.
#
# ## Three libraries and one question
#
# There are many libraries for all this, and their pages promise much. Here three of them search the same thing, the
# surrogate of the recorded study:
#
# - Optuna you know (Akiba et al., 2019).
# - The library **Hyperopt** is the one with which TPE first came (Bergstra, Yamins and Cox, 2013). It looks at each
#   hyperparameter on its own.
# - Weights & Biases, W&B for short, keeps track of runs on its servers and can also choose them, in a *sweep*. The
#   package that chooses, `sweeps`, runs here without a server. Its method `bayes` is a Gaussian process.
#
# This is how each of them wants to be told of a number `x` from 0 to 1:
#
# | library | how the space is written | who calls the objective |
# | --- | --- | --- |
# | Optuna | `trial.suggest_float("x", 0, 1)` in the objective | you, or `optimize` |
# | Hyperopt | `{"x": hp.uniform("x", 0, 1)}` beforehand | `fmin`, which minimizes |
# | W&B | `x: {distribution: uniform, min: 0, max: 1}` in a text file (YAML) | *agents*, processes that ask a server |
#
# A space need not be written three times. The package translates it. Here are two hyperparameters of the study as a
# sweep, which W&B's own package has looked at, and as Hyperopt has them:

# %%
from binpack.search.bridges import run_hyperopt, run_sweep, sweep_config, to_hyperopt, to_yaml

few = task.SPACE.only("learning_rate", "gamma")
sweep = sweep_config(few, "bayes", metric="score")
print(to_yaml(sweep))
print(*(f"{name}: {' '.join(str(node).split())}" for name, node in to_hyperopt(few).items()), sep="\n")

# %% [markdown]
# Read how each of them says that a learning rate is drawn on a logarithmic scale. W&B wants the ends themselves.
# Hyperopt wants their logarithms, -11.5 and -2.3, and whoever hands it the ends gets learning rates between 1 and 1.1.
# The fault is easily made when a search moves from one library to another, and no library can notice it.
#
# Nor need the objective be written three times. It takes the values and returns a score, here the surrogate's for a
# single run; `report` is for objectives that tell on the way how they stand. Each library searches these two
# hyperparameters with 25 trials. What comes out is a study of Optuna's in all three cases, so every plot of lesson 08b
# works on it.

# %% tags=["nbval-ignore-output"]
luck = np.random.default_rng(0)


def scored(values, report=None):
    at = np.array(task.SPACE.place({**task.DEFAULT, **values}))
    return float(model.finals(at, luck)[0][0])


own = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
own.optimize(lambda trial: scored(few.suggest(trial)), n_trials=25)
studies = {
    "Optuna": own,
    "Hyperopt": run_hyperopt(few, scored, 25, np.random.default_rng(1), startup=10),
    "W&B": run_sweep(sweep, few, scored, 25, np.random.default_rng(2)),
}
plots.show(figures.tried(studies, "learning_rate"))

# %% tags=["hide-cell"]
low, high = (getattr(few.parameters["learning_rate"], end) for end in ("low", "high"))
for study in studies.values():
    assert len(study.trials) == 25 and all(low <= trial.params["learning_rate"] <= high for trial in study.trials)

# %% [markdown]
# Each dot is a trial. All three begin at random, Optuna and Hyperopt with ten trials and W&B with two, and then look
# where it was good, each in its own way. Which of them found most in *one* search says nothing about the libraries, as
# lesson 07 showed. So the surrogate was searched many times by each, with all eleven hyperparameters, given as numbers
# from 0 to 1, and 60 trials. There Hyperopt begins with twenty random trials, which is its own default. Random search
# is the yardstick.
#
# *Predict, then run.* Two of the three have TPE. Will they find the same?

# %%
side_by_side = Libraries.load()
tables.show(words.found_by(side_by_side))
print(words.ahead(side_by_side))
tables.show(words.facts(side_by_side, Engines.load()))

# %% [markdown]
# After 60 trials the three libraries cannot be told from each other. Optuna and W&B are ahead of chance by 0.004.
# Hyperopt can be told neither from them nor from chance. Remember lesson 07: TPE is a family and not one algorithm, and
# a difference within the ± cannot be told from none.
#
# After 20 trials Optuna's TPE is ahead of Hyperopt's. A default explains it: up to there Hyperopt has drawn everything
# at random, and Optuna only the first ten. With few trials such a default matters more than the library's name.
#
# The second table is about other things, and often these decide. What a trial costs beside its training matters where
# trials are short: a tenth of a second is nothing beside ten minutes, and everything beside a tenth of a second. A
# search that is lost with its process should not run overnight. And a library that cannot stop a trial has no use for
# rungs.
#
# Ray chooses no configurations itself, so the last two rows are jobs of this package, whose trials train nothing, in
# processes and on Ray. They choose nothing, as their trials come from a grid. But each trial gets a folder, entries in
# a journal and a line for all that happens. What they take to begin is mostly imports where processes are started, and
# mostly the start of the cluster on Ray. That all is kept there you have seen above, and the package's tests hold it by
# killing jobs at random moments. The last column was not measured: it says what each library's documentation offers.
#
# Mind two small things that no table shows. Hyperopt keeps its trials as a pickle, so never open one from a stranger.
# And `sweeps` is handed all runs at each call and keeps nothing itself: its memory is the server.

# %% [markdown]
# ## Takeaways
#
# - Make trials the parallel thing, with one thread each. What is serial around them limits what workers can gain.
# - A crowd of workers knows less when it chooses. At equal trials it may pay for that, and by the clock it gains.
# - No storage knows who is alive. A lease lends a trial for a while, and a result counts if the trial is still its
#   worker's.
# - Synchronous halving waits for the slowest. ASHA waits for nobody, and promotes some that it would not have with
#   hindsight.
# - A population finds schedules. It costs as many runs as it has members, and favours what is good at once.
# - A machine that may be taken away needs checkpoints, about as often as Young's formula says. A notice is one more
#   reason to write one, and an exit code tells "not done" from "failed".
# - Judge a system by what happens when it is killed.
# - A space can move from library to library, if somebody minds what each means by a logarithmic scale.
#
# ## Quiz
#
# 1. A trial takes 30 s, and choosing and storing it takes 1 s in which no other can be chosen. What is the most that
# any number of workers can gain?
# <details><summary>Answer</summary>The serial share is 1/31, so at most 31 times, and by Amdahl's law that takes
# endlessly many workers. It is nearer if one worker stores while the others train: then 31 of them keep the storage
# busy all the time.</details>
#
# 2. You have 64 machines and a budget of 64 trials. Which sampler do you choose?
# <details><summary>Answer</summary>None that learns: all trials are chosen before the first result. A sequence that
# fills the space evenly (lesson 06) is a good choice. Or use fewer machines in several rounds.</details>
#
# 3. A worker's lease ended two minutes ago, and nobody has taken its trial. It brings the result. Does it count?
# <details><summary>Answer</summary>Yes. It was late, but nobody else is training this trial, so nothing can be counted
# twice.</details>
#
# 4. A bracket of 16 trials with rungs at 1, 5 and 20 is hardly faster on 16 workers than on 8. Why?
# <details><summary>Answer</summary>Only the first round has more than eight trials, and it is the shortest, 1 point of
# 20. In the second four trials run, in the third one, and all other workers wait.</details>
#
# 5. ASHA has promoted a trial that is now in the lower half of its rung. Is that a fault in the program?
# <details><summary>Answer</summary>No. It was among the best of those that were there when it was promoted. Better ones
# came later.</details>
#
# 6. A colleague wants the configuration that population based training has found. What do you hand over?
# <details><summary>Answer</summary>There is no single one. There is a history of hyperparameters and a set of weights.
# The history can be replayed as a schedule, and several seeds will tell whether it was luck.</details>
#
# 7. Checkpoints take 5 s, and machines are taken away once a day. About how often do you write one?
# <details><summary>Answer</summary>The root of 2 * 5 * 86,400 is 930 s, so about every quarter of an hour. Anything
# between 8 and 30 minutes is nearly as good.</details>
#
# 8. A worker with leases of 60 s is killed 10 s after it renewed one. When can another worker take its trial, and with
# which step does that one begin?
# <details><summary>Answer</summary>50 s later, when the lease ends. It begins after the last checkpoint, if that lies
# in a folder that it can reach, and with the first step otherwise.</details>
#
# 9. You have moved a search to Hyperopt with `hp.loguniform("learning_rate", 1e-5, 1e-1)`, and every run diverges. Why?
# <details><summary>Answer</summary>The ends are taken for logarithms, so all learning rates lie between 1 and 1.1. The
# ends have to be `log(1e-5)` and `log(1e-1)`.</details>
#
# ## What comes next
#
# You can now run a search on several machines, and stop it at any time. Lesson 10 runs one from its beginning to its
# end, on items and an environment of your own, and reports what came of it as honestly as you would want to read it.
#
# ## References
#
# - T. Akiba, S. Sano, T. Yanase, T. Ohta, M. Koyama (2019). Optuna: a next-generation hyperparameter optimization
#   framework. KDD.
# - G. M. Amdahl (1967). Validity of the single processor approach to achieving large scale computing capabilities.
#   AFIPS.
# - J. Bergstra, D. Yamins, D. Cox (2013). Making a science of model search: hyperparameter optimization in hundreds of
#   dimensions for vision architectures. ICML.
# - D. Ginsbourger, R. Le Riche, L. Carraro (2010). Kriging is well-suited to parallelize optimization. Computational
#   Intelligence in Expensive Optimization Problems, Springer.
# - R. L. Graham (1969). Bounds on multiprocessing timing anomalies. SIAM Journal on Applied Mathematics.
# - C. G. Gray, D. R. Cheriton (1989). Leases: an efficient fault-tolerant mechanism for distributed file cache
#   consistency. SOSP.
# - M. Jaderberg et al. (2017). Population based training of neural networks. arXiv:1711.09846.
# - K. Jamieson, A. Talwalkar (2016). Non-stochastic best arm identification and hyperparameter optimization. AISTATS.
# - L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar (2018). Hyperband: a novel bandit-based approach to
#   hyperparameter optimization. JMLR.
# - L. Li, K. Jamieson, A. Rostamizadeh, E. Gonina, J. Ben-tzur, M. Hardt, B. Recht, A. Talwalkar (2020). A system for
#   massively parallel hyperparameter tuning. MLSys.
# - P. Moritz et al. (2018). Ray: a distributed framework for emerging AI applications. OSDI.
# - J. W. Young (1974). A first order approximation to the optimum checkpoint interval. Communications of the ACM.
