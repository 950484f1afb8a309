# %% [markdown]
# # 07 Bayesian search and TPE
#
# *120 minutes. Builds on lesson 06: you know what a trial is, and you judge a search by what its choice is worth.*
#
# When you are done you can
#
# - say what a search can learn from its own trials, and put the loop that does it into one sentence;
# - work out the expected improvement of a trial that has not been made, and say what it explores and what it exploits;
# - build TPE, the kind of search that Optuna uses by default, from seven small functions, and show that it behaves as
#   Optuna's does;
# - say what it costs to look at each hyperparameter on its own;
# - compare seven kinds of search at equal budgets, and say how sure the comparison is;
# - run such a search on real training.
#
# Random search has one weakness that nobody can argue away. After a hundred trials it knows a hundred scores, and it
# draws the next trial as if it knew none. If all learning rates above 0.03 have failed so far, it goes on drawing
# learning rates above 0.03. A person would not do that. This lesson is about searches that do not either.
#
# ## A model of the trials so far
#
# All of them follow one loop:
#
# 1. Fit a model to the trials so far: what does it say of configurations that were not tried?
# 2. Ask the model where the next trial is most worth making.
# 3. Make that trial, add it to the others, and begin again.
#
# This is **sequential model-based search**: the model is cheap to ask, the trial is expensive, so a lot of asking goes
# before each trial. Where the model is one of probabilities, the search is called *Bayesian*. The idea is much older
# than deep learning (Mockus, 1978; Jones, Schonlau and Welch, 1998).
#
# Two questions decide what such a search does. What kind of model is it? And what does "worth making" mean? The first
# half of the lesson gives the classical answer to both, the second half the answer that most people use.
#
# ### One hyperparameter to look at
#
# A model of eleven hyperparameters cannot be drawn. So the pictures of this lesson have one, the learning rate, while
# all others stay at their defaults. The problem is cut out of the surrogate of lesson 06, so it is the shape that real
# runs have.

# %%
import numpy as np
import torch

from binpack import plots
from binpack.course import exercises as ex
from binpack.course import searching, tables
from binpack.course.l07_tpe import agreement, figures, live, process, ridge, sentences, stand_in, tpe
from binpack.course.l07_tpe.line import Line, rate
from binpack.course.l07_tpe.race import Race
from binpack.search.landscape import task
from binpack.search.landscape.leaders import promises
from binpack.search.landscape.surrogate import Surrogate
from binpack.search.landscape.table import load

torch.set_num_threads(1)
line = Line.of(Surrogate.recorded())
rng = np.random.default_rng(0)
places = rng.random(12)
plots.show(figures.truth(line, places, line(places, rng)))

# %% [markdown]
# The dashed line is what a learning rate is truly worth: the mean over all seeds that there could be. A search never
# sees it. It sees single runs, the dots, and the band shows how far a single run usually is from the line. The line
# object can be called like training: `line(places, rng)` gives one noisy score for each place.
#
# Places run from 0 to 1: 0 is the lowest learning rate, 1 the highest, and equal distances are equal ratios.
#
# ## A model with a mean and a doubt
#
# The classical model is a **Gaussian process** (Rasmussen and Williams, 2006): a model that predicts, at every place,
# a mean and a standard deviation. It rests on one assumption, that places near each other have similar scores. How near
# is near, it learns from the trials. Close to a trial it is sure, and its mean passes near the score. Far from all
# trials it knows nothing, and says so with a large deviation.
#
# It does not have to pass *through* the scores. It is told that each score is noisy, so two trials at nearly the same
# place with different scores do not upset it: it takes about their mean.
#
# ### What a trial is worth making for
#
# Now to the second question. Suppose that the best trial so far stands at 0.80, and that the model says of three
# places:
#
# | place | mean | standard deviation |
# | --- | --- | --- |
# | A | 0.79 | 0.01 |
# | B | 0.75 | 0.10 |
# | C | 0.80 | 0.10 |
#
# Whoever takes the highest mean goes on to try what is known already. Whoever takes the largest doubt tries things that
# are probably bad. A measure is needed that weighs both. A trial that falls short of 0.80 changes nothing: the best
# stays the best. A trial that exceeds it gains the difference. The **expected improvement** is the mean of that gain
# over all scores that the model thinks possible, where falling short counts 0.
#
# The scores that it thinks possible are normal, and then there is a formula (Jones, Schonlau and Welch, 1998):
#
# $$\mathrm{EI} = (\mu - b)\,\Phi(z) + \sigma\,\varphi(z), \qquad z = \frac{\mu - b}{\sigma}$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $\mu$, $\sigma$ | `mean`, `sd` | what the model predicts, and its standard deviation |
# | $b$ | `best` | what is to be exceeded |
# | $\Phi$, $\varphi$ | `norm.cdf`, `norm.pdf` | distribution and density of the standard normal |
#
# C has $z = 0$, so its first term is 0. What is left is $0.1 \cdot 0.399 = 0.0399$. B has $z = -0.5$, and gets $-0.05
# \cdot 0.309 + 0.1 \cdot 0.352 = 0.0198$. A has $z = -1$ and gets $-0.01 \cdot 0.159 + 0.01 \cdot 0.242 = 0.0008$. The
# place with the second highest mean is the least worth a trial, because nothing better can be hoped for there.
#
# One case needs care. Where the deviation is 0 there is nothing to divide by. There the gain is simply known: $\mu - b$
# if that is above 0, and 0 otherwise.

# %% [exercise tpe.expected_improvement]

# %% [markdown]
# First the table. Then the loop: three trials to begin with, and each further one where your function is highest.
#
# *Predict, then run.* Where will the fourth trial be, next to the best of the three or far from all of them?

# %% tags=["nbval-ignore-output"]
means, deviations = np.array([0.79, 0.75, 0.80]), np.array([0.01, 0.10, 0.10])
for name, each in zip("ABC", expected_improvement(means, deviations, 0.80), strict=True):
    print(f"{name}: {each:.4f}")
steps = process.search(line, expected_improvement, 8, np.random.default_rng(3))
title = "a Gaussian process searches the learning rate"
plots.show(plots.film(figures.process_film(line, steps), title=title))

# %% [markdown]
# Each frame has two panels. Above, the blue line is the model's mean, the band is two deviations to each side, the red
# dots are trials, and the dashed line is the truth that the search does not know. Below, in green, stands the expected
# improvement. The dotted line marks its highest place, where the next trial will be.
#
# Move the slider and watch two things. The band is narrow at the trials and wide between them. And the green curve has
# hills of two kinds: where the mean is high, and where the band reaches far up. A trial on a hill of the first kind
# **exploits**: it uses what is known to be good. A trial on one of the second kind **explores**: it finds out about a
# place that might be good. Expected improvement has no knob for how much of each; the model's doubt decides.
#
# ### What noise does to the best
#
# The formula asks for the best so far, and lesson 06 taught not to trust that number. The highest of many noisy scores
# is lucky. Whoever puts it into the formula sets the bar too high. So the film used another one: the highest *mean of
# the model* among the trials, in which luck is averaged away as far as the model can. Here are both, for the trials of
# the last frame.

# %% tags=["nbval-ignore-output"]
last = steps[-1]
ways = {
    "highest mean of the model": last,
    "highest score": process.step(line, last.places, last.scores, expected_improvement, lucky=True),
}
rows = [
    [name, f"{each.best:.4f}", f"{each.improvement.max():.5f}", f"{rate(each.chosen):.2g}"]
    for name, each in ways.items()
]
tables.show(tables.Table(("best", "its value", "highest expected improvement", "next learning rate"), rows))

# %% [markdown]
# A higher bar makes every improvement look smaller, and it does so most where the model is sure. What remains are
# places where it is in doubt. So a lucky score sends the search exploring, and an unlucky one at a good place makes it
# come back. Neither is a disaster. But whoever compares two implementations should know which best they use.
#
# A Gaussian process is a good model for some hundred trials with numbers for hyperparameters. It has two weak points.
# Its work grows with the third power of the number of trials. And it needs a distance between configurations, which is
# awkward where a hyperparameter is a choice ("tanh" or "relu"), or where one exists only if another has a certain
# value.
#
# ## The other way round
#
# The model of the second half turns the question round. It does not ask: how good is a configuration likely to be? It
# asks: where do the good configurations lie, and where do all the others? This is the **tree-structured Parzen
# estimator**, TPE for short, by Bergstra, Bardenet, Bengio and Kégl (2011). It is what Optuna uses when you do not
# choose (Akiba et al., 2019), and the details below are Optuna's. Watanabe (2023) describes the whole family.
#
# It goes like this:
#
# 1. Divide the trials into a few good ones and all others.
# 2. Make a density $l(x)$ of where the good ones lie, and a density $g(x)$ of where the others lie.
# 3. Draw some candidates from $l$, and try the one with the highest ratio $l(x) / g(x)$.
#
# You will write each piece. Why the ratio? Say a tenth of the trials counts as good. A place where $l = 2$ and $g =
# 0.5$ is good with a probability of $0.1 \cdot 2 / (0.1 \cdot 2 + 0.9 \cdot 0.5) = 0.31$. Where both are equal it is
# 0.1, as everywhere. The probability rises with the ratio and with nothing else, and Bergstra and colleagues show that
# the expected improvement over the worst of the good trials does so too. So the ratio is the acquisition of this model.
# (The function that says where a trial is worth making is called the **acquisition function** of a search.)
#
# ### A few good ones
#
# Good is the best tenth, rounded up, and at most 25. With 12 trials that is $1.2$, rounded up 2. With 30 trials it is
# 3, and from 241 trials on it stays 25. The scores 0.61, 0.74, 0.58 and 0.70 have one good trial among them, number 1,
# and the others are 0, 2 and 3. Each group is kept in the order in which its trials were made, because age will matter.

# %% [exercise tpe.split_trials]

# %% [markdown]
# Thirty random trials along the learning rate, for the pieces that follow:

# %%
rng = np.random.default_rng(4)
places = rng.random(30)
scores = line(places, rng)
good, others = split_trials(scores)
print("learning rates of the good trials:", ", ".join(f"{rate(place):.2g}" for place in places[good]))
print(
    f"their lowest score: {scores[good].min():.3f}; the highest of the {len(others)} others: {scores[others].max():.3f}"
)

# %% [markdown]
# Note what is thrown away. Once a trial is in its group, its score is forgotten: the very best of the good ones counts
# no more than the others. This makes TPE robust. A score of 0 from a run that diverged is just one of the others, while
# it would bend the mean of a Gaussian process for a long way.
#
# ### One scale for all
#
# Densities need a scale. A learning rate lives on a logarithmic one, as in lesson 06, a discount on a plain one. If
# every hyperparameter is first put on a scale from 0 to 1, everything that follows can forget about ranges and
# logarithms. A discount of 0.85 between 0.8 and 1 lies at 0.25. A learning rate of 0.001 between 0.00001 and 0.1 lies
# at 0.5: its logarithm, to base ten, is -3, halfway between -5 and -1.

# %% [exercise tpe.place_on_scale]

# %% [markdown]
# Where the defaults lie, each in its own range:

# %%
rows = []
for name in ("learning_rate", "gamma", "gae_lambda", "clip_range", "vf_coef"):
    parameter, value = task.SPACE.parameters[name], task.DEFAULT[name]
    (place,) = place_on_scale(np.array([value]), parameter.low, parameter.high, parameter.log)
    rows.append([name, parameter.range(), "log" if parameter.log else "plain", f"{value:g}", f"{place:.2f}"])
tables.show(tables.Table(("hyperparameter", "range", "scale", "default", "its place"), rows))

# %% [markdown]
# ### A bump over each trial
#
# How does one make a density out of a few places? Put a bump over each of them, and add the bumps up. Where trials lie
# close together the sum is high. This is a **Parzen estimator** (Parzen, 1962), a sum of equal shapes over the data.
# The bump is that of a normal distribution, and the whole question is how wide to make it. Narrow bumps repeat what was
# tried, wide ones say nothing.
#
# TPE lets the neighbours decide: a bump is as wide as the distance to the farther of the two neighbours. Where trials
# are dense, the bumps are narrow. Take the places 0.2, 0.5 and 0.6. The one at 0.5 has neighbours at distances of 0.3
# and 0.1, and its width is 0.3. The outermost have one neighbour only: 0.2 gets 0.3, and 0.6 gets 0.1. A single place
# has no neighbour, and takes the distance to the farther end of the scale: a trial at 0.3 gets 0.7.
#
# Then there is a lower limit, lest two trials that happen to lie side by side get needles: $1 / (n + 2)$ for $n$
# trials, and never below 1/100. With three trials it is $1/5$, so the 0.1 of the last one becomes 0.2.

# %% [exercise tpe.bandwidths]

# %% [markdown]
# The widths of the good trials, and those of the others:

# %%
for name, group in (("good", good), ("others", others)):
    widths = bandwidths(places[group])
    limit = 1 / (len(group) + 2)
    print(f"{name}: {len(group)} trials, widths {widths.min():.3f} to {widths.max():.3f}, lower limit {limit:.3f}")

# %% [markdown]
# ### The sum
#
# A bump near an end of the scale hangs over it. What hangs over is cut off, and what remains is enlarged so that its
# area is 1 again. A single bump at 0.5 with a width of 0.5 has a height of $0.399 / 0.5 = 0.798$ in its middle. The
# part of it between 0 and 1, one deviation to each side, is 0.683. So the height becomes $0.798 / 0.683 = 1.169$. At
# the place 0 it is $0.242 / 0.5 / 0.683 = 0.709$.
#
# Each bump has a weight, and the weights add up to 1. Two bumps with weights of 0.75 and 0.25 that have the heights 2
# and 1 at some place make $0.75 \cdot 2 + 0.25 \cdot 1 = 1.75$ there.

# %% [exercise tpe.mixture_density]

# %% [markdown]
# One more bump goes in: the **prior**, which stands for what was known before any trial. It sits in the middle of the
# scale, is as wide as the whole scale, and weighs as much as one trial. Thanks to it no place has a density of 0, so
# every place can still be drawn, and nothing is ever divided by 0. `tpe.mixture` appends it. It also lets old trials
# fade: of a group of more than 25, only the latest 25 count in full (Bergstra, Yamins and Cox, 2013).

# %%
of_good, of_others = (tpe.mixture(places[group], bandwidths) for group in (good, others))
plots.show(figures.density(places[good], of_good, mixture_density))

# %% [markdown]
# The blue line is the sum of the thin ones. The dashed one belongs to the prior, and with so few trials it is a good
# part of the whole: TPE begins cautiously. Its area is 1, so its mean height over the scale is 1 too.
#
# ### Candidates
#
# Where is the ratio highest? With one hyperparameter one could look everywhere. With eleven one cannot. So TPE draws 24
# candidates from $l$, the density of the good trials, and looks at these only. To draw from a sum of bumps, first draw
# which bump, with the weights as probabilities, and then draw from that bump.
#
# The bump is cut off at 0 and 1, and a draw from it must respect that. To draw again until it fits is one way. The
# other needs no loop. Take a bump at 0.1 with a width of 0.1. The part of it below 0 is $\Phi(-1) = 0.159$, the part
# below 1 is $\Phi(9) = 1$. Draw evenly between 0.159 and 1, and ask which place has that much of the bump below it:
# this is `norm.ppf`, the inverse of `norm.cdf`. A draw of 0.5 leads to the middle of the bump, 0.1; a draw of 0.2 leads
# to $0.1 + 0.1 \cdot (-0.842) = 0.016$.

# %% [exercise tpe.draw_mixture]

# %% [markdown]
# 24 candidates, sorted, and how they divide over the scale:

# %% tags=["nbval-ignore-output"]
candidates = draw_mixture(24, of_good.centres, of_good.widths, of_good.weights, np.random.default_rng(5))
print(np.sort(candidates).round(2))
for low in (0.0, 0.25, 0.5, 0.75):
    here = (candidates >= low) & (candidates < low + 0.25)
    print(f"learning rate {rate(low):.2g} to {rate(low + 0.25):.2g}: {here.sum()}")

# %% tags=["hide-cell"]
assert candidates.shape == (24,) and candidates.min() >= 0 and candidates.max() <= 1

# %% [markdown]
# ### The choice
#
# The last piece is short. Three candidates have good densities of 2.0, 1.5 and 0.3, and densities of the others of
# 1.6, 0.5 and 0.2. The ratios are 1.25, 3 and 1.5, so the second is tried. It is not the one that lies most among the
# good trials, since the first has many of the others around it as well: that place has been tried often enough.

# %% [exercise tpe.best_candidate]

# %% tags=["nbval-ignore-output"]
heights = [mixture_density(candidates, each.centres, each.widths, each.weights) for each in (of_good, of_others)]
chosen = best_candidate(*heights)
print(f"chosen: learning rate {rate(candidates[chosen]):.2g}, ratio {heights[0][chosen] / heights[1][chosen]:.2f}")
print(f"highest density of the good: learning rate {rate(candidates[np.argmax(heights[0])]):.2g}")

# %% [markdown]
# ## Put together
#
# That is all of TPE for one hyperparameter. (One detail is left out. A whole number, such as the number of epochs, owns
# a stretch of the scale, and takes the area over it in place of a height.) `tpe.search` calls your five functions in
# turn: ten random trials first, since a model of nothing is worth nothing, and then a suggestion for each further one.
#
# *Predict, then run.* Will the trials that the model chooses all lie near the peak, or will some of them lie at the
# ends of the scale again?

# %% tags=["nbval-ignore-output"]
parts = tpe.Parts(split_trials, bandwidths, mixture_density, draw_mixture, best_candidate)
rng = np.random.default_rng(6)
places, scores = tpe.search(line, 40, parts, rng)
frames = figures.parzen_film(line, places, scores, (10, 12, 15, 20, 25, 30, 35, 40), parts, rng)
plots.show(plots.film(frames, title="TPE searches the learning rate"))

# %% tags=["hide-cell"]
assert len(places) == 40 and line(places[10:], rng).mean() > line(places[:10], rng).mean()

# %% [markdown]
# Each frame has three panels. Above are the trials, green where they count as good, red otherwise. In the middle stand
# the two densities in the same colours. Below is their ratio in blue, with a ring at each of the 24 candidates; the
# dotted line is the one that is chosen.
#
# The ratio is a quotient of two bumpy lines, so it is rougher than the expected improvement of the first film. Where
# $g$ has a gap, the ratio has a peak, however far that gap is from the good trials. This is how TPE explores: a place
# is interesting if little has *failed* there. And there is chance in it, since only 24 candidates are looked at.
#
# ### The same as Optuna's?
#
# A search that draws at random cannot be compared trial by trial with another one. But it can be repeated. The next
# cell searches a hundred times with your functions and a hundred times with Optuna's `TPESampler`, 40 trials each.

# %% tags=["nbval-ignore-output"]
samples = {"this lesson's": agreement.ours(line, parts, 40, 100), "Optuna's": agreement.optunas(line, 40, 100)}
plots.show(agreement.figure(samples))
tables.show(agreement.table(samples, line))
print(agreement.difference(samples, line))

# %% [markdown]
# The curves show where the trials lie that a model chose. If the two searches do the same, the curves differ as two
# halves of one sample would. The last line says whether what they find can be told apart. That the densities agree to
# the last digits is a matter for the tests of this package, which compare them with Optuna's own.
#
# ## Choices that have no order
#
# Some hyperparameters are not numbers: an activation function, an optimiser, a kind of network. There is no scale for
# them and no bump, but there are probabilities. They are made by the same recipe. Every trial gives most of its weight
# to the choice that it took, and a little to each other one. The prior gives the same to all.
#
# Say there are three choices, and three trials took number 0, 0 and 1. A trial's row begins with $1/4$ everywhere, one
# over the number of trials and one, and 1 is added where it took its choice. Divided by the sum of $1.75$, that is
# 0.714 for its own and 0.143 for each other. The prior's row is $1/3$ everywhere. With equal weights of a quarter,
# choice 0 gets $(0.714 + 0.714 + 0.143 + 0.333) / 4 = 0.476$, choice 1 gets 0.333, and choice 2, which nobody took,
# 0.190.

# %% [exercise tpe.choice_probabilities]

# %% [markdown]
# An example of its use. Of thirty trials with three activation functions, three are good. All activations were tried
# equally often.

# %%
names = ("tanh", "relu", "gelu")
taken_by_good, taken_by_others = np.array([1, 1, 2]), np.repeat([0, 1, 2], [10, 8, 9])
likely = [choice_probabilities(taken, tpe.shares(len(taken)), 3) for taken in (taken_by_good, taken_by_others)]
rows = [
    [name, f"{one:.3f}", f"{other:.3f}", f"{one / other:.2f}"] for name, one, other in zip(names, *likely, strict=True)
]
tables.show(tables.Table(("activation", "among the good", "among the others", "ratio"), rows))

# %% [markdown]
# The ratio favours what was good twice, and what was never good is still possible. With three good trials that is a
# weak hint, and it is treated as one.
#
# "Tree-structured" means that a hyperparameter may exist only under another one, as the width of a third layer exists
# only where there are three. Each density is then made of the trials that have the hyperparameter. Nothing else
# changes.
#
# ## Several hyperparameters at once
#
# The original TPE gives each hyperparameter its own two densities, draws candidates for each, and chooses for each on
# its own. It never asks whether two values fit together. Falkner, Klein and Hutter (2018) put one bump over each trial
# in all dimensions at once: a **multivariate** or joint density, in which a candidate is drawn around one good trial
# with all its values. In Optuna 5 this is what you get if you do not choose.
#
# A made-up problem shows the difference. It has two hyperparameters whose sum should be 1: where one is high, the other
# has to be low, as with learning rate and number of epochs. 200 random trials are divided, and both models draw from
# their densities of the good ones.

# %%
draws = ridge.draws(200, 200, np.random.default_rng(7))
named = {"good trials": draws.good, "drawn each on its own": draws.apart, "drawn jointly": draws.joint}
plots.show(searching.squares(named, "one hyperparameter", "another", "where two models would try next"))
for name, each in named.items():
    print(f"{name}: {ridge.off(each):.3f} off the ridge on average")

# %% [markdown]
# The good trials lie along a diagonal. Seen from below or from the left they are spread widely, so the density of each
# single hyperparameter is wide as well. What is drawn from two of them fills a rectangle and knows nothing of the
# diagonal. The joint draws keep to the good trials.
#
# *Predict, then run.* How much will that matter for what a search finds? Five hundred searches of each kind, a hundred
# trials each:

# %% tags=["nbval-ignore-output"]
rng = np.random.default_rng(8)
found = ridge.searches(100, 500, rng)
trials = np.arange(10, 101)
axes = {"x": "trials", "y": "worth of the leader", "title": "a ridge, 500 repeats each", "spread": "middle"}
plots.show(plots.curves_with_spread({name: (trials, curve[:, 9:]) for name, curve in found.items()}, **axes))
for count in (20, 50, 100):
    first, second = found["joint TPE"][:, count - 1], found["TPE"][:, count - 1]
    chance, gap = searching.chance_better(first, second), (first - second).mean()
    print(searching.compared("joint TPE", "TPE", chance, gap, count))

# %% [markdown]
# The figure begins at the tenth trial, since up to there all three draw at random. Lines are means and bands hold the
# middle 80 % of the searches. Even on a problem that was made for it, look at how
# large the advantage is, and from which trial on. A joint density has its price as well: in many dimensions every trial
# is far from every other, and the few good ones say little about the space between them.
#
# ## The comparison
#
# Which search should you use? The question has an answer only for a given problem and a given budget, so it is asked
# here for the one that you know: eleven hyperparameters of the packing task, up to 200 trials.
#
# ### What the searches are judged by
#
# Real searches would need 200 runs each, times a thousand repeats. So they search the surrogate: a Gaussian process
# that was fitted to recorded runs, those of the study, of the grid and of its box, and says of any configuration what
# it is worth on average, on the validation streams, which are a little harder than the test streams of lesson 06. A
# trial scores what one seed might have scored. How far can that be trusted? It was asked about configurations that it
# had not seen.

# %%
tables.show(sentences.trust())

# %% [markdown]
# A rank correlation of 1 would mean that the surrogate orders unseen configurations exactly as their recorded means do.
# Its error has to be read against two other numbers: what a perfect model would show, since the recorded means are
# noisy themselves, and how far a single run is from its mean. Where the error is below the latter, the surrogate knows
# more about a configuration than one real run of it does.
#
# Means alone are not enough. A search chooses by single runs, so their luck has to be right as well: how wide it is,
# and on which side. A poor configuration whose runs now and then fall far below its mean never wins a search. One whose
# runs now and then rose as far above it would win many. So the surrogate takes the luck of a trial from recorded runs
# of configurations with a similar mean and a similar spread. The test is a search: two thousand random searches among
# the recorded configurations, by recorded runs and by invented ones.

# %%
record = load()
model = Surrogate.recorded()
tables.show(stand_in.table(record.runs("study"), model, np.random.default_rng(0)))

# %% [markdown]
# Where both rows agree, a search of the surrogate finds what a search of real runs would have found. Whatever they
# differ by is an error of the surrogate: differences between searches that are smaller than this prove little.
#
# The surrogate has a bias that should be kept in mind. It is smooth, because Gaussian processes are, and so it may
# flatter the search whose model is a Gaussian process.
#
# ### Seven searches
#
# Five of them you know: random search, the grid, the Sobol sequence of lesson 06, and TPE in its two forms. Two more
# are Optuna's. *GP* is Bayesian search with a Gaussian process, as above, in eleven dimensions. *CMA-ES* (Hansen and
# Ostermeier, 2001) keeps one normal cloud over the space, draws a handful of trials from it, and moves and stretches it
# towards the better half. It starts with a cloud around the middle of the space, so it profits where the ranges were
# chosen well.
#
# Every search was repeated a thousand times, except for GP, which takes minutes for one. What counts is the true worth
# of the leader, never its score.
#
# *Predict, then run.* Put random, TPE, joint TPE and GP into the order that you expect after 20 trials and after 200.

# %%
race = Race.load()
names = ("random", "grid", "Sobol", "TPE", "joint TPE", "CMA-ES", "GP")
tables.show(sentences.worths(race, names))
trials = np.arange(10, race.trials + 1)
for chosen in (("random", "joint TPE", "TPE", "Sobol", "grid"), ("random", "joint TPE", "CMA-ES", "GP")):
    axes = {"x": "trials", "y": "worth of the leader", "title": "searches of the surrogate", "spread": "middle"}
    plots.show(plots.curves_with_spread({name: (trials, race.curves(name)[:, 9:]) for name in chosen}, **axes))

# %% [markdown]
# Both figures begin at the tenth trial. The first has what can be had without a heavy model, the second what a heavier
# model adds. The grid ends after 108 trials, since it has no more cells; its leader stays. Where bands overlap, the
# lines alone do not decide. So ask again, as in lesson 06, how often a search of one kind ends above one of another.

# %%
learning = names[1:]
chances = sentences.chances(race, learning)
columns = [f"{at} trials" for at in sentences.AT]
plots.show(plots.heat_table(chances, learning, columns, title="chance to be ahead of random search"))
print(sentences.spread(race, names, 100))
for at in sentences.AT:
    print(sentences.conclusion(race, names, at))

# %% [markdown]
# These sentences are worked out from the record. Read them with two questions. Does the order change with the budget?
# And is the step from random search to the best one larger than the step between two good ones? The second question
# tells whether it matters which of the good ones you take. From 50 trials on plain TPE finds more than joint TPE here.
#
# One thing should make you suspicious: nobody ran these leaders. Where nothing was recorded a surrogate guesses, and a
# search that goes to the highest place goes to where the guess errs upwards. This is the price of choosing once more,
# with the model's errors in the place of a seed's luck. The better it searches, the more often it pays.
#
# So the places where searches end have to be run as well (Eggensperger, Hutter, Hoos and Leyton-Brown, 2015). This was
# done in two rounds, before the race. In each of them, 24 searches by TPE and climbs to the surrogate's highest places
# gave configurations. These were trained with three seeds each, and the surrogate was fitted to them too.

# %%
tables.show(sentences.promises(promises(record)))

# %% [markdown]
# Compare the column of promises with the one of what came of them. In the first round the surrogate promised too much
# everywhere, and most at its hilltops: it held places to be better than all that was ever run, and they were not. The
# second round met a surrogate that had learned this, and it still promised too much, but less.
#
# What is left of it can be asked of the race itself. How often does a search end at a place that the surrogate still
# holds to be better than everything that was run?

# %%
best = max(float(record.runs(group).final.mean(axis=1).max()) for group in ("study", "grid", "box", "led"))
tables.show(sentences.beyond(race, names, best))

# %% [markdown]
# None does, at any budget. The leaders lie at heights that real runs have reached. This holds wherever a model stands
# in for the real thing: test it where it is going to be used.
#
# The grid and the default deserve a second look. Both hold knowledge that the others lack: somebody chose their values.

# %%
tables.show(sentences.beat_default(race, names))
box = race.curves("random in the grid's box")
for at in (20, 100):
    other = race.curves("joint TPE")
    chance, gap = searching.chance_better(box[:, at - 1], other[:, at - 1]), (box - other)[:, at - 1].mean()
    print(searching.compared("random in the grid's box", "joint TPE in the whole space", chance, gap, at))

# %% [markdown]
# The last two lines set the simplest search in a space that was chosen well against a clever one in a space that was
# not. Whichever is ahead, a search can do both: a clever search in a good space.
#
# ### How much of it is the start
#
# TPE draws its first ten trials at random. With a small budget that is a good part of the search, and one may ask how
# much of the result is the model's work.

# %%
tables.show(sentences.started(race, ("random", "TPE", "joint TPE")))
for name in ("TPE", "joint TPE"):
    print(sentences.gained(race, name))

# %% [markdown]
# Random search is the yardstick in this table: its first ten trials lead by luck alone, after 20 trials in about half
# of the searches. Where the share of TPE is lower, its later trials are better than its first.
#
# And a check on the tools. The two forms of TPE and the Sobol sequence were run by this course's own code, a thousand
# at a time, and two hundred times by Optuna's samplers.

# %%
tables.show(sentences.agree(race))

# %% [markdown]
# A difference within twice its standard error is what chance makes. One difference in twenty lies outside by chance
# alone.
#
# ## A search of your own
#
# At last real training. The next cell gives Optuna's sampler eight short runs, a seventh of the recorded length each:
# the default first, three at random, and four that its model chooses.

# %% tags=["nbval-ignore-output"]
tables.show(live.search(8, ["learning_rate", "n_steps", "n_epochs", "batch_size"]))

# %% [markdown]
# Four suggestions prove nothing, and you know why: single seeds, short runs, a handful of trials. What you see is how
# such a search behaves. Look at whether the chosen configurations resemble the leader of the random ones.
#
# With more time, give it forty trials. Choose the leader by its score, and judge it on seeds that took no part.
#
# ## Takeaways
#
# - Random search forgets its trials. A model-based search fits a model to them, asks it where to try next, tries, and
#   begins again.
# - Expected improvement weighs how good a place is likely to be against how little is known about it.
# - A lucky score is no good bar: with noise, take the model's mean for the best so far.
# - TPE asks where the good trials lie and where the others do, and tries where the ratio of the two is high.
# - Densities for each hyperparameter on its own cannot see that two values belong together; a joint density can.
# - Compare searches at your own budget. For its first ten trials TPE is random search.
# - A surrogate is to be trusted where runs stand behind it. A good search finds the places where it errs.
# - What you know beforehand goes into the ranges, for a clever search as for a simple one.
#
# ## Quiz
#
# 1. The model is certain of two places: one is worth 0.82, the other 0.79. The best so far is 0.80. What is their
# expected improvement?
# <details><summary>Answer</summary>0.02 and 0. Where nothing is uncertain the gain is known, and falling short counts
# 0.</details>
#
# 2. A run diverges and scores 0. What does that do to a Gaussian process, and what to TPE?
# <details><summary>Answer</summary>The process has to bend its mean down to 0 around that place, and may take the whole
# landscape to be rougher than it is. For TPE it is one more of the other trials, and its score is not looked at
# again.</details>
#
# 3. The density of a learning rate itself is that of its logarithm divided by the learning rate. Why may TPE forget
# this factor?
# <details><summary>Answer</summary>It is the same in both densities, so it cancels in their ratio.</details>
#
# 4. Somebody runs TPE with 12 trials and reports that it is no better than random search. What would you say?
# <details><summary>Answer</summary>Ten of the twelve were random. Two suggestions of a model cannot make much of a
# difference.</details>
#
# 5. Why does TPE draw its candidates from the density of the good trials, and not evenly?
# <details><summary>Answer</summary>A candidate must have a high ratio, and where the good density is low the ratio is
# seldom high. In many dimensions even draws would hardly ever fall near a good trial.</details>
#
# 6. Your two most important hyperparameters have to fit each other. Which form of TPE do you take?
# <details><summary>Answer</summary>The joint one. Densities for each on its own cannot hold a diagonal. Or change the
# space: search one of the two, and their ratio or sum instead of the other.</details>
#
# ## What comes next
#
# All searches of this lesson train every trial to its end, the hopeless ones too. Lesson 08 uses Optuna at work, and
# stops bad trials early.
#
# ## References
#
# - T. Akiba, S. Sano, T. Yanase, T. Ohta, M. Koyama (2019). Optuna: a next-generation hyperparameter optimization
#   framework. KDD.
# - R. Agarwal, M. Schwarzer, P. S. Castro, A. C. Courville, M. G. Bellemare (2021). Deep reinforcement learning at the
#   edge of the statistical precipice. NeurIPS.
# - J. Bergstra, R. Bardenet, Y. Bengio, B. Kégl (2011). Algorithms for hyper-parameter optimization. NeurIPS.
# - J. Bergstra, D. Yamins, D. D. Cox (2013). Making a science of model search: hyperparameter optimization in hundreds
#   of dimensions for vision architectures. ICML.
# - K. Eggensperger, F. Hutter, H. H. Hoos, K. Leyton-Brown (2015). Efficient benchmarking of hyperparameter optimizers
#   via surrogates. AAAI.
# - K. Eggensperger, M. Lindauer, H. H. Hoos, F. Hutter, K. Leyton-Brown (2018). Efficient benchmarking of algorithm
#   configurators via model-based surrogates. Machine Learning.
# - S. Falkner, A. Klein, F. Hutter (2018). BOHB: robust and efficient hyperparameter optimization at scale. ICML.
# - N. Hansen, A. Ostermeier (2001). Completely derandomized self-adaptation in evolution strategies. Evolutionary
#   Computation.
# - D. R. Jones, M. Schonlau, W. J. Welch (1998). Efficient global optimization of expensive black-box functions.
#   Journal of Global Optimization.
# - J. Mockus, V. Tiesis, A. Zilinskas (1978). The application of Bayesian methods for seeking the extremum. Towards
#   Global Optimization.
# - E. Parzen (1962). On estimation of a probability density function and mode. Annals of Mathematical Statistics.
# - C. E. Rasmussen, C. K. I. Williams (2006). Gaussian processes for machine learning. MIT Press.
# - J. Snoek, H. Larochelle, R. P. Adams (2012). Practical Bayesian optimization of machine learning algorithms.
#   NeurIPS.
# - S. Watanabe (2023). Tree-structured Parzen estimator: understanding its algorithm components and their roles for
#   better empirical performance. arXiv:2304.11127.
