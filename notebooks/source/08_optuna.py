# %% [markdown]
# # 08 Optuna: the study
#
# *120 minutes. Builds on lesson 07: you know what a trial is worth, and how TPE chooses the next one.*
#
# When you are done you can
#
# - write a study around any training run, and say what Optuna does and what you do;
# - ask for every kind of hyperparameter, on the scale and in the steps that suit it, in a space that branches;
# - choose a sampler for the space at hand;
# - score a trial over several seeds, and divide a budget between seeds and trials;
# - kill a study and resume it without losing or repeating anything;
# - decide what becomes of a run that fails, and when a study has had enough;
# - recognise a dozen common mistakes by what they look like.
#
# The TPE of lesson 07 was a loop in memory. It knew numbers between two ends, and scores that always came. A real
# search lasts for days. Runs diverge, machines are switched off, a colleague has a configuration that must be tried
# first, and a network may have one layer or three. Optuna (Akiba et al., 2019) is what stands around a sampler to bear
# all that. This lesson is about this machinery, the second part about what can be read from a finished study.
#
# ## Study, trial, objective
#
# Three words and you know most of it.
#
# | word | what it is |
# | --- | --- |
# | trial | one configuration being tried; it *suggests* values when it is asked, and keeps what came of them |
# | objective | a function that you write: it is given a trial and returns a score |
# | study | all trials so far, with a sampler that chooses values and a storage that keeps everything |
#
# The work is divided clearly. Optuna decides which values come next and remembers everything. What a value means, how
# to train with it and what counts as a score is all in your function, and Optuna never looks into it.
#
# ### The first study
#
# The objective of this lesson trains on the packing task that you know. For most of the lesson it does not really
# train: `landscape.curve` gives the recorded curve of a configuration and a seed, or a likely one where none was
# recorded (lesson 06). So a study takes a second, and can be repeated.

# %%
import tempfile
from pathlib import Path

import numpy as np
import optuna
import torch
from optuna.samplers import RandomSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from binpack import plots
from binpack.course import exercises as ex
from binpack.course import short_runs, tables
from binpack.course.l08_optuna import abilities, draws, failures, killed, mistakes, sentences, stops
from binpack.course.l08_optuna.searches import Searches
from binpack.search import WIDE_SPACE, TuneConfig, landscape, load_study, tune
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Surrogate
from binpack.search.landscape.table import load

torch.set_num_threads(1)
optuna.logging.set_verbosity(optuna.logging.WARNING)
temporary = tempfile.TemporaryDirectory()  # removed when the kernel stops
folder = Path(temporary.name)


# %%
def configuration(trial):
    rate = trial.suggest_float("learning_rate", 1e-5, 1e-1, log=True)
    epochs = trial.suggest_int("n_epochs", 1, 20, log=True)
    return {**task.DEFAULT, "learning_rate": rate, "n_epochs": epochs}


def objective(trial):
    return landscape.curve(configuration(trial), seed=trial.number)[-1]


study = optuna.create_study(direction="maximize", sampler=TPESampler(seed=0))
study.optimize(objective, n_trials=20)
tables.show(sentences.trials(study, last=5))
print(f"best: trial {study.best_trial.number}, {study.best_value:.4f}, with {sentences.short(study.best_params)}")

# %% [markdown]
# That is a whole search. The table shows its last five trials: their numbers, how they ended, their scores and the
# values that were asked for. `study.best_params` are those of the trial with the highest score. You know from lesson 06
# what to think of that score: it is the highest of twenty noisy ones.
#
# Look at what is *not* there. Nobody told the study which hyperparameters exist. It learned their names and ranges when
# the objective asked for them. This is called **define-by-run**: the space is defined by running the objective, trial
# by trial, and not beforehand. What it makes possible comes below, under "Spaces that branch".
#
# All eleven hyperparameters are searched in the same way. `landscape.objective` is such a function, ready made:
#
# ```python
# study = optuna.create_study(direction="maximize", sampler=TPESampler(seed=0))
# study.optimize(landscape.objective, n_trials=50)
# print(study.best_value, landscape.worth(study.best_params))
# ```
#
# `landscape.worth` is what the surrogate holds a configuration to be worth. If you ever write a sampler of your own,
# these three lines tell you in seconds what it finds.
#
# ### The same with real runs
#
# Nothing in the study has to change when runs are real. The next cell trains four configurations for a seventh of the
# recorded steps.
#
# *Predict, then run.* The seed of the sampler is the same as above, and the scores are others. Which of the four
# configurations will be the same as those of the first study?

# %% tags=["nbval-ignore-output"]
real = optuna.create_study(direction="maximize", sampler=TPESampler(seed=0))
real.optimize(lambda trial: short_runs.score(configuration(trial), seed=trial.number), n_trials=4)
tables.show(sentences.trials(real))
print("the first four of the recorded study:", sentences.rates(study, 4))

# %% [markdown]
# All four. TPE draws its first ten trials at random, and random draws do not depend on scores. From the eleventh on the
# two studies would part.
#
# ## What a trial can be asked
#
# A trial has three methods for suggestions, with two settings.
#
# | call | gives |
# | --- | --- |
# | `suggest_float(name, low, high)` | any number between the ends |
# | `suggest_float(..., log=True)` | the same, even on a logarithmic scale; `low` above 0 |
# | `suggest_float(..., step=0.25)` | `low`, `low + 0.25`, and so on |
# | `suggest_int(name, low, high)` | a whole number, both ends among them |
# | `suggest_int(..., log=True)` | a whole number, small ones more often |
# | `suggest_int(..., step=4)` | every fourth one |
# | `suggest_categorical(name, choices)` | one of some choices, which have no order |
#
# *Predict, then run.* `suggest_int("epochs", 1, 20, log=True)` is asked a thousand times. In how many trials will the
# number be 1?

# %%
calls = {
    "suggest_float(0, 1)": lambda trial: trial.suggest_float("a", 0, 1),
    "suggest_float(0.001, 1, log=True)": lambda trial: trial.suggest_float("b", 1e-3, 1, log=True),
    "suggest_float(0, 1, step=0.25)": lambda trial: trial.suggest_float("c", 0, 1, step=0.25),
    "suggest_int(1, 20)": lambda trial: trial.suggest_int("d", 1, 20),
    "suggest_int(1, 20, log=True)": lambda trial: trial.suggest_int("e", 1, 20, log=True),
    "suggest_int(4, 16, step=4)": lambda trial: trial.suggest_int("f", 4, 16, step=4),
}
drawn = draws.draw(calls, 1000)
plots.show(draws.figure(drawn, "a thousand draws of each kind, by random search"))
print(f"the whole number on a log scale is 1 in {(drawn['suggest_int(1, 20, log=True)'] == 1).sum()} of 1,000 trials")

# %% [markdown]
# On a logarithmic scale a whole number owns the stretch from half below it to half above it: 1 reaches from 0.5 to 1.5,
# a factor of 3, and 20 from 19.5 to 20.5, a factor of 1.05. So a log scale for small whole numbers prefers the smallest
# strongly. That is right for a width from 16 to 256. For a number of layers from 1 to 3 leave it out.
#
# Some things are said nowhere else and cost an afternoon:
#
# - **The name is the hyperparameter.** A trial that is asked twice for the same name answers twice with the same value.
#   Two widths need two names.
# - **A log scale takes no step.** Optuna refuses the two together.
# - **A step that does not divide the range** lowers its end: from 0 to 1 in steps of 0.3 ends at 0.9, with a warning.
# - **Choices are scalars.** A storage keeps text, numbers, True, False and None. For a choice between lists, suggest
#   their names, and look the lists up in a dict.
# - **Use numbers for numbers.** Batch sizes of 32, 64, 128 and 256 as four choices tell no sampler that 64 lies between
#   32 and 128. As `2 ** suggest_int("log2_batch_size", 5, 8)` they do.
#
# ### From a table to suggestions
#
# A search space is easier to review as a table than as code: whoever reads it sees the ranges at a glance, and it can
# be kept in a file. The table is then turned into calls, a row at a time. The row
#
# `{"name": "learning_rate", "type": "float", "low": 1e-5, "high": 0.1, "log": True}`
#
# becomes `trial.suggest_float("learning_rate", 1e-5, 0.1, log=True)`, and a row
# `{"name": "channels", "type": "int", "low": 4, "high": 16, "step": 4}` becomes `trial.suggest_int("channels", 4, 16,
# step=4)`. A row without `log` or `step` leaves them out: a `step` of 1 for a float would be something else than none.

# %% [exercise optuna.suggest_row]

# %% [markdown]
# A table with a row of each kind, and three random trials of it:

# %%
rows = [
    {"name": "learning_rate", "type": "float", "low": 1e-5, "high": 0.1, "log": True},
    {"name": "gamma", "type": "float", "low": 0.8, "high": 1.0},
    {"name": "n_epochs", "type": "int", "low": 1, "high": 20, "log": True},
    {"name": "channels", "type": "int", "low": 4, "high": 16, "step": 4},
    {"name": "activation", "type": "categorical", "choices": ["tanh", "relu"]},
]
asked = optuna.create_study(sampler=RandomSampler(seed=1))
for _ in range(3):
    trial = asked.ask()
    for row in rows:
        suggest_row(trial, row)
tables.show(sentences.trials(asked))

# %% [markdown]
# The trials stand as "running", since nobody has told the study how they ended. `study.ask` is the objective's half of
# a trial without the objective, and comes back under "Ask and tell".
#
# The package has such tables as well. `landscape.space` is one, `space.suggest(trial)` turns it into calls, and what is
# in it can be written to JSON and back.
#
# ## Spaces that branch
#
# Some hyperparameters exist only where another one has a certain value. A network with one layer has no second width.
# The number of channels means something to a convolution and nothing to a dense layer. Such a space is
# **conditional**: which hyperparameters there are depends on the values of others.
#
# Where a space has to be declared beforehand this is awkward. One declares all of them and ignores those that do not
# apply. Then every trial carries values without an effect, and whatever learns from the trials learns from these too.
# With define-by-run it is an `if`.
#
# An example. A learner wants a plain policy or one with a schedule, and a schedule has a length:
#
# ```python
# fields = {"schedule": trial.suggest_categorical("schedule", ["constant", "warm-up"])}
# if fields["schedule"] == "warm-up":
#     fields["length"] = trial.suggest_int("length", 100, 10_000, log=True)
# ```
#
# A trial with a constant rate has no `length` at all. Not a default, not a zero: the name does not occur in it. The
# exercise is the same for networks, with a branch that has a branch of its own: as many widths as there are layers. Of
# the package's networks `candidate` scores every placement by convolutions, and `mlp` has dense layers.

# %% [exercise optuna.suggest_network]

# %% [markdown]
# Which trials have which hyperparameters? And does it run? Four real runs, as short as above:

# %% tags=["nbval-ignore-output"]
networks = optuna.create_study(direction="maximize", sampler=RandomSampler(seed=7))
networks.optimize(lambda trial: short_runs.score(task.DEFAULT, 0, suggest_network(trial)), n_trials=4)
tables.show(sentences.trials(networks))

# %% [markdown]
# An empty cell is a value that nobody asked for. (If one kind of network stands out after so few steps, remember that
# there is one run of each.) Two things follow from the holes. A sampler that models all hyperparameters jointly has few
# trials that have all of them, and must decide what to do with the rest. And a figure of `width_1` shows the trials
# with two layers or more only, which is easily forgotten when it is read.
#
# ## Samplers
#
# A sampler is an object that is given to `create_study`, and nothing else in a study depends on it. Lesson 07 asked
# which one finds most. Here the question is which one can be used at all: for a space with choices, with branches, with
# two scores at once.
#
# It can be asked without reading any code. Run two searches with one seed whose trials are the same at first, but let
# one of them have all scores with the opposite sign. A sampler that learns must then suggest different values in the
# two. One that does not learn suggests the same.

# %%
tables.show(abilities.table())

# %% [markdown]
# "No" does not mean that a search fails. It means that this part of the space is drawn without regard to the scores.
# Where a sampler learns the rest, Optuna may say so in a warning, which is easily overlooked. The grid is the
# exception: it must know every value beforehand, so a hyperparameter that it was not told of is an error.
#
# | sampler | how it chooses | use it |
# | --- | --- | --- |
# | `RandomSampler` | each value on its own | as a yardstick, and where trials are to be analysed |
# | `QMCSampler` | from a low-discrepancy sequence (lesson 06) | as the former, with a fixed number of trials |
# | `GridSampler` | every cell once, in a random order | two or three hyperparameters, all cells affordable |
# | `TPESampler` | by two densities (lesson 07) | the default: any space, tens to thousands of trials |
# | `GPSampler` | by a Gaussian process (lesson 07) | some hundred expensive trials; choosing takes long as well |
# | `CmaEsSampler` | from a normal cloud that moves (lesson 07) | numbers only, hundreds of cheap trials |
#
# Two more are worth knowing. `BruteForceSampler` visits every combination of a small space, branches and all, and ends
# the study by itself. `PartialFixedSampler` keeps some hyperparameters at fixed values and leaves the others to another
# sampler.
#
# ## A score over several seeds
#
# The score of one seed is noisy. A trial may train several seeds and return their mean. It costs as many runs as there
# are seeds, so it is a decision about the budget. First the objective, then the decision.
#
# Say a configuration is trained with the seeds 0, 1 and 2, and scores 0.81, 0.75 and 0.84. The trial's score is the
# mean, 0.80. But the three numbers should not be lost: with them one can tell later whether two trials differ by more
# than their seeds do. For such things a trial has **user attributes**, named values that are stored with it and that no
# sampler looks at: `trial.set_user_attr("scores", [0.81, 0.75, 0.84])`. They go into the storage as JSON, so they are
# plain numbers, text, lists and dicts.
#
# What if the second of three runs fails? A mean of two is not comparable with a mean of three, and a zero in the place
# of a score would be invented. The honest answer is that this trial has no score. So let the error pass through the
# objective; what the study does with it is a question of its own, to which a section is given below.

# %% [exercise optuna.mean_over_seeds]


# %%
def over_three(trial):
    values = configuration(trial)
    return mean_over_seeds(trial, lambda seed: float(landscape.curve(values, seed)[-1]), (0, 1, 2))


several = optuna.create_study(direction="maximize", sampler=TPESampler(seed=0))
several.optimize(over_three, n_trials=12)
tables.show(sentences.trials(several, "scores", last=5))
print(sentences.spreads(several))

# %% [markdown]
# The last line compares two spreads. If trials differed by no more than seeds do, the ranking of trials would be luck.
# In a wide space they usually differ more, since some configurations learn nothing. It is among the good ones, where a
# search spends most of its trials, that the two come close.
#
# ### More trials or more seeds
#
# A budget of 120 runs can be 120 trials of one seed each or 12 trials of ten. Lesson 06 asked this for a search that
# draws at random. A search that learns has more to lose from noise, because it is led by scores, and more to lose from
# few trials, because it learns from them.
#
# *Predict, then run.* Which division will be best for random search, and which for TPE?

# %%
searches = Searches.load()
tables.show(sentences.divided(searches))
for name in ("random", "TPE"):
    print(sentences.best_division(searches, name))

# %% [markdown]
# Each row divides the same budget in another way; a hundred searches were recorded for each number. Compare the two
# columns of a search. With one seed the score of the leader is mostly luck; the more seeds, the closer it comes to what
# the leader is worth. But the worth is what counts.
#
# The two sentences name the best division, and those that cannot be told from it with a hundred searches. For random
# search one to three seeds are level, for TPE one to five. Five are too many for random search, and ten for both:
# twelve trials are not a search. The ± is twice the standard error, and tells another difference. With a single seed
# the leaders of different searches lie further apart, so a second seed buys steadiness rather than worth.
#
# Where divisions are level, take one with few seeds: seeds can be added later, by training the best few trials again.
# Seeds that were spent on a bad trial are gone.
#
# ## Where a study lives
#
# A study that is made without a storage lives in memory, and ends with its process. There are two more kinds of
# storage that one machine needs.
#
# | storage | how it is given | it survives the process | several processes |
# | --- | --- | --- | --- |
# | memory | nothing | no | no, threads only |
# | SQLite | `"sqlite:///study.db"` | yes | one is safe; several block each other |
# | journal file | `JournalStorage(JournalFileBackend("study.journal"))` | yes | yes, on one machine |
#
# The fourth is a database on a server, for several machines (lesson 09).
#
# *Predict, then run.* The same five trials go into all three. Then the study is opened again by its name, as a second
# process would do it. How many trials are there?


# %%
def stored(kind):
    if kind == "memory":
        return optuna.storages.InMemoryStorage()
    if kind == "SQLite":
        return optuna.storages.RDBStorage(f"sqlite:///{folder}/first.db")
    return JournalStorage(JournalFileBackend(str(folder / "first.journal")))


for kind in ("memory", "SQLite", "journal"):
    first = optuna.create_study(storage=stored(kind), study_name="first", sampler=RandomSampler(seed=0))
    first.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=5)
    names = [known.study_name for known in optuna.get_all_study_summaries(stored(kind))]
    found = len(optuna.load_study(storage=stored(kind), study_name="first").trials) if names else "no study and no"
    print(f"{kind}: {found} trials")

# %% [markdown]
# A journal is a text file to which a line is appended for everything that happens: a trial begins, a value is
# suggested, a trial ends. Nothing in it is ever changed. This is why it survives a power cut: at worst the last line is
# half written. The package's own `tune` uses one by default.
#
# ### A process that is killed
#
# Now for real. A process of its own runs six trials and is killed in the fourth, by the operating system and without a
# warning, as it happens when memory runs out.

# %%
path = folder / "killed.journal"
print(f"the process ended with {killed.run(path)}")
naive = killed.study_at(path)
tables.show(sentences.trials(naive))

# %% [markdown]
# Minus 9 is the signal that cannot be caught. Three trials are complete. The fourth is *running*, and will be for ever:
# nothing in the file can tell a process that works from one that is dead.
#
# *Predict, then run.* The study is opened again as it was made, with a sampler whose seed is 0, and runs three more
# trials. Which values of `x` will they have?

# %%
naive.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
tables.show(sentences.trials(naive))

# %% [markdown]
# The same three as at first. A sampler's seed is the beginning of a stream of random numbers. A new process begins the
# stream anew, and random search draws again what it had drawn. TPE repeats its random trials in the same way. Nothing
# warns of this: there are six complete trials, and three different ones.
#
# No seed at all is one way out, at the price of a search that nobody can repeat. The other is a seed that depends on
# how far the study has come. Adding the number of trials to the seed is not enough: seed 0 after three trials would go
# on as seed 3 begins, and two studies that should be independent share their trials. `np.random.SeedSequence([0, 3])`
# mixes two numbers into one, so that each pair gives a stream of its own, and its `generate_state(1)[0]` makes a whole
# number of that. `create_study` opens a study that exists with `load_if_exists=True`, and `study.sampler` can be set
# afterwards.

# %% [exercise optuna.open_study]

# %% [markdown]
# Three starts of three trials each, with your function:

# %%
for start in range(1, 4):
    resumed = open_study(folder / "resumed.journal", seed=0)
    resumed.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    values = [trial.params["x"] for trial in resumed.trials]
    print(f"start {start}: {len(values)} trials, {len(set(values))} different values")

# %% [markdown]
# ### To the end, and no further
#
# Two questions are left. What becomes of the trial that is still running? And how many trials are missing?
#
# The first one matters more than it seems. TPE counts a running trial among the bad ones while it runs, so that several
# processes do not all try the same place. A trial of a dead process is counted like that for ever. So it has to be told
# how it ended, and it failed: `study.get_trials(states=(TrialState.RUNNING,))` lists such trials, and
# `study.tell(number, state=TrialState.FAIL)` ends one. Its values were chosen with care and never tried:
# `study.enqueue_trial(values)` puts them first in the queue.
#
# For the second, count what is complete. `optimize(n_trials=...)` means so many *more*, so whoever starts a script for
# 100 trials three times has 300. An example: of 6 trials 3 are complete, one failed, one was pruned and one is running.
# For a total of 5 complete ones, 2 are missing. One of them is the retry.

# %% [exercise optuna.continue_study]

# %%
path = folder / "again.journal"
killed.run(path)
crashed = killed.study_at(path)
crashed.sampler = RandomSampler(seed=5)
continue_study(crashed, lambda trial: trial.suggest_float("x", 0, 1), total=6)
tables.show(sentences.trials(crashed))
print(sentences.states(crashed))

# %% [markdown]
# Trial 3 has failed and trial 4 has its value. After that come new ones, until six are complete.
#
# This rests on knowing that nobody else works on the study. With several processes, a running trial may be another
# one's that is well. There a database on a server can keep a heartbeat for each trial (lesson 09).
#
# ## Trials that you choose yourself
#
# The queue serves for more than retries. A study should nearly always begin with the default configuration: it is the
# yardstick for all others, and it tells at once if something is wrong with the objective. Values that a colleague
# swears by can go in as well, and the sampler learns from them as from its own. A queued trial may be incomplete. What
# it leaves open the sampler fills in.

# %%
guided = optuna.create_study(direction="maximize", sampler=TPESampler(seed=0))
known = {name: task.DEFAULT[name] for name in ("learning_rate", "n_epochs")}
guided.enqueue_trial(known, user_attrs={"from": "the default"})
guided.enqueue_trial({"learning_rate": 3e-3}, user_attrs={"from": "a colleague, in part"})
guided.optimize(objective, n_trials=4)
tables.show(sentences.trials(guided, "from"))

# %% [markdown]
# The user attribute says later where a trial came from. This matters: an importance that is computed over trials which
# somebody chose says what that person believed. Whoever draws conclusions from a study needs to know which trials to
# leave out.
#
# ## When to stop
#
# After each trial a study calls the functions that it was given as `callbacks`. A **callback** is a function of the
# study and of the trial that has just ended; it may write a line, save a figure, or end the study with `study.stop()`.


# %%
def tell_new_best(study, trial):
    if trial.number == study.best_trial.number:
        print(f"trial {trial.number} leads with {trial.value:.4f}")


talking = optuna.create_study(direction="maximize", sampler=TPESampler(seed=1))
talking.optimize(objective, n_trials=30, callbacks=[tell_new_best])

# %% [markdown]
# A frequent wish is to stop when nothing improves any more. Say the patience is three trials. A study scores 0.5, 0.6,
# 0.4, 0.3 and 0.2. The best is trial 1, and three trials came after it, so the study ends here. Had the last been 0.7,
# the count would start anew. An equal score is no improvement, and a trial that failed says nothing either way.
#
# The callback could count in a variable of its own. But then a study that is opened again would begin to count anew,
# and one callback on two studies would mix them up. Everything that it needs is in the study.

# %% [exercise optuna.stop_after]

# %% [markdown]
# How much patience? On the record it can be tried: random searches of up to a hundred trials, ended by your callback,
# and what their leaders are worth at that moment.
#
# *Predict, then run.* With a patience of 20, how many of the hundred trials will a search take on average?

# %%
runs = load().runs("study")
tables.show(stops.played(stop_after, runs, patiences=(5, 10, 20, 40), trials=100, repeats=60))

# %% [markdown]
# For random search it can be worked out without any record. The best of 40 trials is as likely to be among the first 20
# as among the last 20. In the first case 20 trials came after it. So with a patience of 20 at least half of all random
# searches are over by the fortieth trial, whatever they search. The lengths vary widely: look at the fewest and the
# most.
#
# There is a warning in this. A study that has not improved for a while is no study that cannot improve. The best so far
# is a lucky score, and the better the luck, the longer nothing beats it. Patience saves trials where trials are the
# worry. It is no test of convergence.
#
# ## Runs that fail
#
# Training fails: a loss is not a number, memory runs out, a batch is larger than the rollout. Left alone, the error
# ends the study. With `catch` it ends the trial, which is kept as failed:
#
# `study.optimize(objective, n_trials=100, catch=(FloatingPointError,))`
#
# Name the errors that may happen, and no others. A study with `catch=(Exception,)` takes a misspelt name for bad luck,
# and fails a hundred times over night.
#
# An example: let every learning rate above 0.01 diverge.


# %%
def diverging(trial):
    values = configuration(trial)
    if values["learning_rate"] > 1e-2:
        trial.set_user_attr("error", "the loss is not a number")
        raise FloatingPointError
    return landscape.curve(values, seed=trial.number)[-1]


optuna.logging.set_verbosity(optuna.logging.ERROR)  # or each failure is told at length
failing = optuna.create_study(direction="maximize", sampler=TPESampler(seed=3))
failing.optimize(diverging, n_trials=30, catch=(FloatingPointError,))
tables.show(sentences.trials(failing, "error", last=6))
print(sentences.states(failing))

# %% [markdown]
# A failed trial keeps its values and its attributes, so a reason that was set before the error is not lost. What it has
# not is a value. `best_trial` passes over it, and so do the figures.
#
# Look at the learning rates of the last trials, and remember how TPE chooses. It tries where the density of the good
# trials is high and that of the others low. A failed trial is in neither of the two. So where every trial fails, the
# density of the others stays low for ever, and the place looks more and more as if nobody had been there.
#
# ### A low score for a failed run?
#
# A common advice is therefore to catch the error oneself and to return a low score, 0 say, so that the sampler learns
# to stay away. But a score of 0 is an invention, and it stays in the study for everybody who reads it later.
#
# There is a third way. A trial may be told as *pruned*, with `raise optuna.TrialPruned`. TPE puts pruned trials among
# the bad ones. Everything that looks at complete trials alone, best values and importance among it, leaves them out.
#
# *Predict, then run.* Five studies like the one above are told of failures in each of the three ways. How many of their
# last twenty trials fail?

# %%
for way in failures.WAYS:
    shares = [failures.diverging(configuration, way, trials=30, seed=seed) for seed in range(5)]
    print(f"told as {way}: {np.mean(shares):.0%} of the last 20 trials fail")

# %% [markdown]
# Told as pruned or as 0, a failure teaches TPE the same, since it looks at ranks alone: both stand below all that ran.
#
# That was the worst case, in which one hyperparameter decides alone. Now one that is closer to life, with all eleven.
# On a machine with little memory, runs fail where the width of the network times the length of the rollout is above
# 4,096. Nothing else is wrong with these configurations.
#
# *Predict, then run.* TPE makes 60 trials and is told of failures in three ways. In which of them will fewest of the
# later trials fail? And in which will the leader be worth most?

# %%
tables.show(sentences.told(searches))
print(sentences.best_way(searches))

# %% [markdown]
# The caption says which share of random configurations fails. All three are far below it, also the search that was told
# nothing. Here good configurations happen to lie elsewhere, so whoever follows the scores leaves the bad place anyway.
# And the last column shows no difference that the errors behind the ± signs would not explain. So a low score for
# failures can help very much, as in the cell before, or not at all. Its price does not depend on that.
#
# That price is paid by whoever reads the study. After random search on the same machine, which hyperparameters seem to
# be important? Two methods are asked, which the second part of this lesson explains. For the moment it is enough that
# each divides the credit for good scores among the hyperparameters.

# %%
tables.show(failures.importances(Surrogate.recorded(), trials=120))

# %% [markdown]
# Compare the two rows of each method. Where failures count as zeros, fANOVA has to explain first of all which scores
# are zero, and it is `n_steps` and `width` that decide this. That is true, and it is not what anybody wanted to know.
# PED-ANOVA asks what the best trials have in common. To it a zero is one more trial that is not among them.
#
# So the answer is a rule with a reason. Let a run that fails be failed or pruned, never zero: the score of a study
# should be what was measured. Choose *pruned* where failures are frequent and depend on the configuration, so that the
# sampler can learn from them. Choose *failed* where they are bad luck, such as a machine that was switched off. Best of
# all is a space in which nothing fails: suggest the *number* of minibatches and divide the rollout by it, and no batch
# is ever too large.
#
# ## Ask and tell
#
# `optimize` owns the loop. Where that is a nuisance, take it back: `study.ask()` gives a trial, and `study.tell` ends
# it, with a score or with a state. Everything else stays as it was. It is how a study is put around something that runs
# elsewhere: on four machines at once, or in a laboratory.
#
# Whoever tells also decides what an error means, and now you can do better than `catch`. Say a run raises
# `MemoryError`, since the network does not fit. The configuration is to blame: it is told as pruned. The next run
# raises `OSError`, since the machine was switched off. That says nothing about the configuration: it is told as failed.
# A third returns a score of nan, because training has diverged: the configuration again. (Optuna by itself turns nan
# into a failed trial, without a reason.) `NameError` is a mistake in the program, which nobody should catch at all.

# %% [exercise optuna.tell_outcome]

# %% [markdown]
# Four batches of four trials each, on the small machine, which is switched off now and then:

# %%
batches = optuna.create_study(direction="maximize", sampler=TPESampler(seed=2))
for _ in range(4):
    asked = [batches.ask() for _ in range(4)]
    for trial in asked:
        tell_outcome(batches, trial, failures.small_machine)
tables.show(sentences.trials(batches, "error"))
print(sentences.states(batches))

# %% [markdown]
# Each trial without a score says why. The price of asking for four at once is that the second of them does not know how
# the first one ended. TPE helps itself by counting running trials among the bad ones, as you saw above.
#
# ### The same again
#
# When does a study repeat itself? The next cell runs one again, first in the same way and then in two threads.


# %% tags=["nbval-ignore-output"]
def suggested(threads):
    again = optuna.create_study(direction="maximize", sampler=TPESampler(seed=0))
    again.optimize(objective, n_trials=40, n_jobs=threads)
    return np.array([trial.params["learning_rate"] for trial in again.trials])


before = suggested(1)
for threads in (1, 2):
    print(f"with n_jobs={threads}: {(suggested(threads) == before).sum()} of {len(before)} suggestions are the same")

# %% [markdown]
# In one thread a study repeats itself exactly, as long as its scores do. With more threads Optuna gives each of them a
# new random state, or they would all draw the same, and the seed that you chose is gone. Besides, trials end in another
# order each time, and a sampler that learns suggests what follows from those that have ended. Three things are needed
# for a study that can be repeated: a seed for the sampler, one trial at a time, and training that repeats itself, which
# takes its own seed, the same number of threads and the same processor (lesson 05).
#
# `n_jobs` has a second trap. Threads of one Python process share a processor core for most of what Python does, and
# they share everything else as well. For training use processes; lesson 09 does so.
#
# ## Seeds and streams that keep apart
#
# Three things should never meet: the seeds that tuning sees, the seeds on which the result is judged, and the item
# streams of each. The surest way is to give each purpose its own block of numbers beforehand. With blocks of 1,000, two
# tuning seeds are 0 and 1, and ten final seeds are 1000 to 1009. If tuning later takes five seeds, they are 0 to 4, and
# the final ones stay what they were. Were the seeds numbered one after the other, 0 and 1 and then 2 to 11, three more
# tuning seeds would take away 2, 3 and 4 from the final ones, which might have been used already.

# %% [exercise optuna.seed_plan]

# %% [markdown]
# On the record, with blocks of five: three seeds choose among all configurations, and five others judge the choice, on
# other streams.

# %%
plan = seed_plan({"tuning": 3, "final": 5}, block=5)
print(", ".join(f"{purpose}: {seeds}" for purpose, seeds in plan.items()))
chosen = int(runs.final[:, plan["tuning"]].mean(axis=1).argmax())
shift = runs.final.mean() - runs.test.mean()
print(f"configuration {chosen} was chosen with {runs.final[chosen, plan['tuning']].mean() - shift:.4f}")
print(f"with seeds that did not choose it, on test streams: {runs.test[chosen, plan['final']].mean():.4f}")

# %% [markdown]
# The first number has been corrected for the test streams being harder or easier on the whole. What is left of the
# difference is the price of choosing, which you know from lesson 06.
#
# ## A dozen mistakes
#
# Each row of the next table makes a mistake for real, and mends it. The code is in
# `binpack/course/l08_optuna/mistakes.py`, and `mistakes.show` prints it. Read the middle column first: this is what you
# will see when it happens to you.

# %%
tables.show(mistakes.table(runs))

# %% [markdown]
# Most of them raise no error. A study that minimizes by mistake runs to its end, and so does one that draws learning
# rates evenly. You find them by looking at trials: is the best one good? Do the values lie where they should? Is the
# same value there twice?
#
# Three need a word. *The result checked with the seed that chose it* looks like care: the best configuration is trained
# again, and the score is confirmed to the last digit. It had to be, since the same seed gives the same run. A search
# with one fixed seed searches the noise of that seed as well, and only other seeds can tell.
#
# *Tuned on the test streams* reports a number that was chosen for being high. With other seeds the same configuration
# shows what was luck in it. The honest number beside it comes from runs that chose nothing.
#
# *Best values of two studies compared* is the most common of all. Single seeds are luckier than means over seeds, so
# the study that tried less hard to measure tends to have the higher best value. Compare what both would score on seeds
# and streams that took no part.
#
# Here is the code of two that hide well:

# %%
mistakes.show("the same sampler seed")
mistakes.show("more trials than")

# %% [markdown]
# ## The command that does all this
#
# `python -m binpack tune` is the same machinery with the decisions of this lesson made:
#
# | this lesson | `tune` |
# | --- | --- |
# | a table of the space | `--space FILE.json`, or a default |
# | the sampler, its seed | `--sampler tpe`, `--seed 0`; each trial has a stream of random numbers of its own |
# | the mean over seeds, single scores kept | `--seeds 2`; the user attribute `scores` |
# | the default first | trial 0, in every study whose space contains it |
# | a journal, and resuming it | `--storage study.journal`; the same command goes on |
# | a total | `--trials 20` is how many there are in the end |
# | what was running | is taken up as itself, from the checkpoint of its training run |
# | a run that fails | is told as pruned where training diverged, else as failed; the user attribute `error` says why |
# | seeds and streams apart | a plan that refuses an overlap; `--final-seeds 3` for the comparison |
#
# It leaves an Optuna study behind, so everything that you know works on it. A study of three trials with two seeds
# each, real and short:

# %% tags=["nbval-ignore-output"]
small = TuneConfig(
    train=task.train_config(task.DEFAULT, seed=0, steps=short_runs.STEPS),
    space=WIDE_SPACE.only("learning_rate", "n_epochs"),
    n_trials=3,
    seeds=2,
    final_seeds=0,
)
tune(small, folder / "tuned.journal", progress=False)
tables.show(sentences.trials(load_study(folder / "tuned.journal"), "default", "scores"))

# %% [markdown]
# ### Looking on while it runs
#
# A journal can be read while another process writes it, so `optuna.load_study` in a notebook shows how far a study is.
# The Optuna Dashboard is a web page that does the same. It is a package of its own, `optuna-dashboard`, which this
# course does not need and does not install. Where you have it, start it beside the study with `optuna-dashboard
# study.journal --port 8081`, add `-L 8081:localhost:8081` to the `ssh` command by which you reach JupyterLab, and open
# `http://localhost:8081` in your browser.
#
# ## Takeaways
#
# - You write the objective. The study keeps trials, the sampler chooses values, the storage survives the process.
# - The space is what the objective asks for: the name is the hyperparameter, an `if` is a branch.
# - A sampler that cannot learn a part of the space draws it at random, and hardly says so.
# - A few seeds for each trial, their scores kept with it; other seeds for the judgement.
# - A resumed study needs a seed that knows how far it is, an end for what was left running, and a total that counts
#   complete trials.
# - A run that failed has no score. Tell it as failed or as pruned, not as zero.
# - Most mistakes raise no error. Look at the trials.
#
# ## Quiz
#
# 1. A colleague's objective asks for `n_layers` and always for three widths, of which it uses the first `n_layers`.
# What is wrong with that?
# <details><summary>Answer</summary>Trials with one layer carry two widths without an effect, and the sampler learns
# from them: a good trial with one layer makes its unused widths look good. Ask for a width only where there is a layer
# for it.</details>
#
# 2. A script calls `study.optimize(objective, n_trials=50)` on a journal. It was killed in trial 30 and started again.
# How many trials are there in the end?
# <details><summary>Answer</summary>About 80, since `n_trials` means so many more, and one of them is left running.
# Count the complete ones, and ask for what is missing.</details>
#
# 3. Why is a failed trial not the same as a trial with a score of 0, although both are bad?
# <details><summary>Answer</summary>A score of 0 is used wherever scores are used: in means, in importance, in a model
# that has to bend down to it. A failed trial is left out everywhere, also where its failure would have been worth
# knowing; telling it as pruned is the way between.</details>
#
# 4. The best value of a study has not improved for 40 trials. Has it found the best configuration?
# <details><summary>Answer</summary>Not shown. The best value is a lucky score, and may stand for long while better
# configurations score less luckily. Compare the best few on more seeds.</details>
#
# 5. You want a Gaussian process for a space of six numbers and a choice of network, which has branches of its own. What
# do you do?
# <details><summary>Answer</summary>The process would draw what is in the branches at random. Make a study for each kind
# of network, or use TPE for all.</details>
#
# 6. Two studies report best values of 0.91 and 0.89. What do you ask before you call the first one better?
# <details><summary>Answer</summary>How many trials and how many seeds for each trial both had, whether the streams were
# the same, and what both best configurations score on seeds and streams that took no part.</details>
#
# ## What comes next
#
# The second part of this lesson reads what a study has found: it stops hopeless trials early, and draws all of Optuna's
# figures with what may be concluded from each.
#
# ## References
#
# - T. Akiba, S. Sano, T. Yanase, T. Ohta, M. Koyama (2019). Optuna: a next-generation hyperparameter optimization
#   framework. KDD.
# - J. Bergstra, R. Bardenet, Y. Bengio, B. Kégl (2011). Algorithms for hyper-parameter optimization. NeurIPS.
# - N. Hansen, A. Ostermeier (2001). Completely derandomized self-adaptation in evolution strategies. Evolutionary
#   Computation.
# - X. Bouthillier et al. (2021). Accounting for variance in machine learning benchmarks. MLSys.
# - F. Hutter, H. Hoos, K. Leyton-Brown (2014). An efficient approach for assessing hyperparameter importance. ICML.
# - S. Watanabe, A. Bansal, F. Hutter (2023). PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary
#   subspaces. IJCAI.
# - T. Eimer, M. Lindauer, R. Raileanu (2023). Hyperparameters in reinforcement learning and how to tune them. ICML.
