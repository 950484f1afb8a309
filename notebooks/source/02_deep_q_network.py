# %% [markdown]
# # 02 Deep Q-network
#
# *120 minutes, best in two sittings. Builds on lesson 01, and on PyTorch's modules and autograd.*
#
# When you are done you can
#
# - replace the Q-table by a network, and say what that buys;
# - build a deep Q-network (DQN) from eight functions, each of them tried as soon as it is written;
# - say what an agent's memory and its second network are for, and read from data what they are worth;
# - find a wrong part with tasks whose answers are known;
# - train an agent that balances a pole, and judge it on episodes that had no part in its training.
#
# Lesson 01 kept a number for each state and each action, in a table. That works as long as there are few states. It
# ended with bins whose table fits no machine. This lesson puts a neural network in the table's place. All else that
# you know stays: states, actions, rewards, the discount, the greedy policy, and the target of an update.
#
# ## A pole that falls, and one that stands
#
# A cart stands on a rail, and on the cart stands a pole with a hinge at its foot. Left alone, the pole falls over. At
# every step the agent pushes the cart, to the left (action 0) or to the right (action 1). It sees four numbers:
#
# | place | number | the episode terminates |
# | --- | --- | --- |
# | 0 | position of the cart | beyond 2.4 to either side |
# | 1 | speed of the cart | |
# | 2 | angle of the pole, in radians, positive to the right | beyond 12 degrees (0.21) to either side |
# | 3 | turning speed of the pole | |
#
# A step pays 1, whatever the agent does, so the return of an episode is the number of steps that the pole stood. A
# time limit cuts an episode off after 500 steps. The task comes from Barto, Sutton and Anderson (1983), and gymnasium
# has it as CartPole-v1.
#
# The first cell loads what the lesson needs; there is no need to read it. The second one plays an episode with random
# pushes.

# %%
from collections.abc import Callable

import gymnasium as gym
import numpy as np
import torch
from torch import nn

from binpack import plots
from binpack.course import exercises as ex
from binpack.course.l02_deep_q_network import diagrams, figures, films, pieces, probes, records
from binpack.course.l02_deep_q_network.agent import (
    VALIDATION_SEED,
    Agent,
    DQNConfig,
    Parts,
    Replay,
    Run,
    Validation,
    greedy_action,
    make_agent,
    train_with_bar,
    with_weights,
)

torch.set_num_threads(1)

# %%
rng = np.random.default_rng(0)
film = films.play("CartPole-v1", lambda observation: int(rng.integers(2)), seed=0)
films.show(film, "random pushes")
print(f"the pole stood for {film.steps} steps")

# %% [markdown]
# A step takes 0.02 seconds, so the pole has fallen too far after 0.36 seconds. Here is the same task with the same
# start, and an agent that was trained with the code of this lesson.

# %%
trained = pieces.trained()
film = films.play("CartPole-v1", lambda observation: greedy_action(trained, observation), seed=0)
films.show(film, "a trained agent")
print(f"the pole stood for {film.steps} steps")

# %% [markdown]
# It holds the pole for ten seconds, until the time limit. Nobody told it what a pole is, or that leaning is bad. It is
# a network of 17,410 numbers, and it learned them from 3,000 steps of trying, which take a computer a minute or less.
# It is the best of ten that were trained alike, for 10,000 steps each, and was kept as it was after 3,000. How the
# others did you will see at the end.
#
# Nothing in the code knows about carts. With other numbers in its settings the same functions learn to land a
# spacecraft. That is the subject of lesson 02b.
#
# At the end of this lesson you will have written all eight functions, and have trained an agent of your own.
#
# ## From a table to a network
#
# The pole's state is four real numbers. A table needs rows, so we would cut each number into intervals. Ten for each
# make $10^4$ rows, and ten are coarse: an angle of half a degree and one of 2 degrees are then the same. The lander
# has eight numbers, which makes $10^8$ rows. Most of them are never visited, and what is learned in one row says
# nothing about the row beside it.
#
# A network has no rows. It *computes* the Q-values from the four numbers, all actions at once. If it learns that
# pushing right is good when the pole leans 2 degrees to the right, it will answer much the same at 2.1 degrees, where
# it has never been.

# %%
plots.show(diagrams.network())

# %% [markdown]
# Each blue circle is a unit. It multiplies its inputs by weights, adds them up, adds a number of its own (the bias),
# and passes on the result if it is positive, else 0. The last step is called ReLU.
#
# Take a unit with the weights 0, 0, 10 and 1 and the bias -1. For a pole that leans to the right by 0.1 and goes on
# turning to the right with speed 0.5 it computes $10 \cdot 0.1 + 1 \cdot 0.5 - 1 = 0.5$ and passes on 0.5. For the
# mirror image it computes $-1 - 0.5 - 1 = -2.5$ and passes on 0. So this unit speaks up when the pole is falling to
# the right. Training finds the weights of 128 such units, of 128 more that combine them, and of the sums at the end,
# one for each action.
#
# These sums have no ReLU. A Q-value is an expected return, and that may be negative.

# %% [exercise deep_q_network.make_network]

# %% [markdown]
# Ask your network at once. Its weights are random as yet. The figure shows both Q-values over the angle of the pole,
# with the cart in the middle and everything at rest.

# %%
torch.manual_seed(0)
plots.show(figures.q_over_angle(make_network(4, 2), "Q-values of an untrained network"))

# %% [markdown]
# Two lines close to 0 that hardly depend on the angle: it knows nothing. One of the two may lie above the other
# everywhere, and then a greedy agent would push to that side only.
#
# *Predict, then run.* The same figure for the trained agent of the film. Where do its lines cross, and which one is
# the upper one on the right?

# %%
plots.show(figures.q_over_angle(trained, "Q-values of the trained network"))

# %% [markdown]
# Left of upright $Q(\text{left})$ is the upper line, right of it $Q(\text{right})$: the cart is driven under the pole.
# Look at the axis as well. The lines differ by less than 0.1 at a height of 9.4, for a single push seldom decides
# whether the pole falls. A greedy agent only asks which of the two is larger.
#
# And why are the values near 9, if the pole stands for 500 steps? Rewards far ahead are discounted, here by 0.98 for
# each step, so the true value is at most $1 + 0.98 + 0.98^2 + \dots = 50$. The values are far below even that, because
# training stopped early: they begin near 0 and grow slowly, and you will see below why. They are good enough to balance
# a pole.
#
# ## Why an agent needs a memory
#
# How should the network learn? Lesson 01 updated the table after every step, with that step, and then forgot it. Look
# at the order in which the steps of this task come. Each dot of the next figure is a step of a random agent.

# %%
steps = probes.random_steps(gym.make("CartPole-v1"), 400, seed=0)
angles = [step.observation[2] for step in steps]
plots.show(figures.streaks(angles, "400 steps in the order in which they came"))

# %% [markdown]
# Once the pole leans to one side it mostly stays there until it falls, and one fall may follow another on the same
# side. In a table that would do no harm: a row keeps its number until it is visited again. In a network all inputs
# share the same weights. If it sees poles that lean to one side 52 times in a row, it has every reason to become a
# network for poles on that side. A skilled agent makes it worse: all it sees are poles that stand upright.
#
# A **replay buffer** (Lin, 1992) breaks the streaks: a store of the last steps, from which each update draws some at
# random. What it stores of a step is called a **transition**: the observation, the action, the reward, the next
# observation, and whether the episode terminated there.
#
# Think of a row of numbered boxes, here five. The first transition, number 0, goes into box 0, and so on to the right.
# When the row is full, the next one replaces the oldest. Number 5 lands in box 0 again, number 7 in box 2.

# %%
plots.show(diagrams.boxes([5, 6, 7, 3, 4], 3, "a buffer of five boxes after transitions 0 to 7"))

# %% [markdown]
# The buffer of this lesson is a `Replay`. It has an array for each of the five things that make a transition, such as
# `replay.rewards`, with a place for each box. Two numbers say where it stands: `replay.position` is the box that is
# written next, `replay.size` counts the boxes that are filled. In the picture they are 3 and 5; after the first two
# transitions they were 2 and 2. `add` writes one transition and keeps both numbers right.

# %% [exercise deep_q_network.add]

# %% [markdown]
# Put twelve numbered transitions into a buffer of five with your function, and look where they went.

# %%
small = Replay(capacity=5, n_inputs=1)
for number in range(12):
    add(small, np.array([number]), 0, 1.0, np.array([number + 1]), False)
numbers = [int(number) for number in small.observations[:, 0]]
plots.show(diagrams.boxes(numbers, small.position, "five boxes after transitions 0 to 11"))

# %% [markdown]
# The newest two are in boxes 0 and 1, and nothing older than the last five is left.
#
# *Predict, then run.* Now the 400 steps from above go into a buffer of 400 boxes, and 400 transitions are drawn from
# it at random; one that was drawn may be drawn again. The longest streak was 52. How long will it be now?

# %%
replay = Replay(capacity=400, n_inputs=4)
for step in steps:
    add(replay, *step)
drawn = replay.sample(400, np.random.default_rng(0))
plots.show(figures.streaks(drawn.observations[:, 2], "400 random draws from the buffer"))

# %% [markdown]
# What is left is what chance makes, as with heads and tails of a coin.
#
# Is that worth anything? The next figure is recorded, because it takes minutes to make. It compares three memories,
# with ten agents each:
#
# - all parts: updates of 128 random transitions out of a buffer of 50,000 boxes;
# - last 128 steps: updates of 128 random transitions out of the last 128 steps;
# - every step once: an update after each step, with that step alone, as in lesson 01. (The other two make an update
#   after every second step.)
#
# Every 500 steps each agent plays five episodes without exploring, and the curves show the mean of their returns.
#
# *Predict, then run.* Which agents balance longest? Will the curves rise steadily?

# %%
curves = pieces.curves("all parts", "last 128 steps", "every step once")
plots.show(plots.curves_with_spread(curves, x="environment steps", y="return", title="CartPole, ten seeds each"))

# %% [markdown]
# Over their whole run the agents with the large buffer hold the pole for 208 steps on average, those with the last 128
# steps for 139, and those that learn from each step once for 19, about as long as chance does. The last ones have a
# good moment, the peak of 105 after 1,000 steps: four of the ten then hold the pole for 150 steps or more. Only 500
# steps later all four have lost it. That is forgetting: what an agent did well it unlearns, as soon as its steps no
# longer show it. A large buffer goes on showing it.
#
# No curve rises steadily. DQN forgets even with a buffer, and at the end of the run the first two are no longer far
# apart. The band is the 95 % interval of the mean over ten seeds, and it is wide: single seeds differ a lot.
#
# ## Try things first
#
# A greedy agent takes the action with the larger Q-value. Untrained, it pushes to one side until the pole falls, and
# never learns what the other action would have done. So, as in lesson 01, it acts at random with probability
# $\epsilon$, always at first and rarely at the end. In between $\epsilon$ falls along a straight line.
#
# The settings of a run, this one and the others, stand in one object, a `DQNConfig`. These are the settings of the
# trained agent above. The lesson comes to nearly all of them in turn. Adam (Kingma and Ba, 2015), the optimizer,
# changes the weights by gradients and carries momentum: it goes on for a while in the direction of the gradients
# before.

# %%
config = DQNConfig(
    total_steps=10_000,  # steps of the whole run
    epsilon_steps=2_500,  # steps over which epsilon falls from 1 ...
    epsilon_last=0.05,  # ... to this
    buffer_size=50_000,  # boxes of the replay buffer
    learning_starts=500,  # steps before the first update
    train_every=2,  # steps from one update to the next
    batch_size=128,  # transitions in an update
    gamma=0.98,  # discount
    learning_rate=5e-4,  # step size of the optimizer, Adam
    max_grad_norm=10.0,  # longest gradient that is used
    target_update=250,  # steps from one copy of the network to the next
)

# %% [markdown]
# With these settings $\epsilon$ is 1 at step 0. Half way down, at step 1,250, it is half way between 1 and 0.05, which
# is 0.525. From step 2,500 on it stays at 0.05.

# %% [exercise deep_q_network.epsilon]

# %% [markdown]
# Draw your function, with the settings of this lesson and with a run that explores four times as long.

# %%
slower = config.replace(epsilon_steps=10_000)
plots.show(figures.exploration(epsilon, {"2,500 steps": config, "10,000 steps": slower}, config.total_steps))

# %% [markdown]
# The area under a line is the number of random steps: about 1,700 of 10,000 with the first settings, and more than
# 5,000 with the second. A long exploration sees more, and leaves fewer steps for doing what was learned.
#
# ## What a Q-value should be
#
# Lesson 01 moved an entry of the table towards a target: the reward plus the discounted best of what follows, or the
# reward alone where nothing follows. The same target serves here:
#
# $$y = r + \gamma\,(1 - d)\,\max_{a'} Q^-(s', a')$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $r$, $s'$ | `batch.rewards`, `batch.next_observations` | reward, next observation |
# | $d$ | `batch.terminated` | 1 (in the tensor True) where the episode terminated: nothing comes after $s'$ |
# | $\gamma$ | `gamma` | discount |
# | $Q^-$ | `agent.target` | the network that judges what comes next |
# | $y$ | what you return | the target: what $Q(s, a)$ should be |
#
# The small minus at $Q^-$ is new. The network that learns, the **online network** $Q$, does not judge its own future.
# A second one does, the **target network** (Mnih et al., 2015): a copy that is held still and renewed now and then.
# Otherwise each update would move the very goal that it aims at. You will see below what that does.

# %%
plots.show(diagrams.two_networks())

# %% [markdown]
# An update works on a *batch* of transitions that were drawn from the buffer, all at once. A `Batch` has five tensors,
# one row a transition: `observations`, `rewards` and `next_observations` hold real numbers (float32), `actions` whole
# numbers (int64), and `terminated` True or False (bool). PyTorch refuses `1 - batch.terminated` for such a tensor:
# `~batch.terminated` turns it round. An `Agent` holds the two networks, `agent.network` and `agent.target`, and the
# optimizer.
#
# Three transitions with $\gamma = 0.98$, and a network like that of the film:
#
# | what happened | $r$ | best of $Q^-(s', \cdot)$ | $d$ | $y$ |
# | --- | --- | --- | --- | --- |
# | the pole stands | 1 | 9 | 0 | 9.82 |
# | the pole has fallen | 1 | 3 | 1 | 1 |
# | it stands, but the time is up | 1 | 9.5 | 0 | 10.31 |
#
# In the first row, $y = 1 + 0.98 \cdot 9 = 9.82$. In the second, nothing follows, so the network's 3 does not count.
#
# The last line is worth a thought. A time limit ends the episode, but it says nothing about the state: the pole would
# have stood on. So a transition at the time limit is stored with $d = 0$ (Pardo et al., 2018).

# %% [exercise deep_q_network.td_targets]

# %% [markdown]
# Here are your targets for the 400 random steps from above, with the trained network as the judge.

# %%
judge = Agent(network=trained, target=trained, optimizer=None)
plots.show(figures.targets(drawn, td_targets(drawn, judge, config.gamma), "targets of 400 transitions"))

# %% [markdown]
# The dots at the bottom are the steps that terminated: nothing comes after them, so their target is the reward, 1. All
# others add the discounted future. It is a little smaller where the pole leans far, since it may soon fall.
#
# ## How wrong it is
#
# The loss compares the Q-values of the actions that were taken with their targets. Only the action that was taken has
# a target: nobody knows what the other one would have brought.
#
# $$L = \frac{1}{B} \sum_{i=1}^{B} h\big(Q(s_i, a_i) - y_i\big), \qquad
# h(e) = \begin{cases} e^2 / 2 & |e| \le 1 \\ |e| - 1/2 & |e| > 1 \end{cases}$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $Q(s_i, a_i)$ | made from `network(batch.observations)` and `batch.actions` | Q-value of the action that was taken |
# | $y_i$ | `targets` | what it should be |
# | $B$ | number of rows | size of the batch |
# | $h$ | `nn.functional.smooth_l1_loss` | Huber's function (Huber, 1964) of the error $e$ |
#
# Say the network answers (8, 9) in the first state and (6, 7) in the second, the actions were 1 and 0, and the targets
# are 9.5 and 9. Then the errors are $9 - 9.5 = -0.5$ and $6 - 9 = -3$, the two losses 0.125 and 2.5, and their mean is
# 1.3125. Half the square would be $9 / 2$ for the second, and it grows ever faster: one strange transition would drown
# the others.

# %% [exercise deep_q_network.td_loss]

# %% [markdown]
# The next figure feeds your loss with one transition at a time, and with errors from -3 to 3.

# %%
plots.show(figures.losses(td_loss))

# %% [markdown]
# Near 0 it is half the square, smooth at the bottom. Far out it is a straight line, whose slope is 1 however large the
# error.
#
# ## One step, and a goal that holds still
#
# The rest is PyTorch: empty the gradients, let the loss compute new ones, and let the optimizer take a step. Two
# things are particular to this agent.
#
# A gradient that is longer than `config.max_grad_norm` is shortened to that length. With a gradient of length 25 and a
# limit of 10, all its entries are multiplied by 10 / 25 = 0.4. So the direction stays, and one strange batch cannot
# throw the weights far away.
#
# And the target network catches up now and then. `agent.updates` counts the updates, and each time that
# `config.updates_per_copy` more are done, the weights of `agent.network` are copied into `agent.target`. In this
# lesson a copy is due every 250 steps, and an update is made every 2, so `updates_per_copy` is 125.

# %% [exercise deep_q_network.update]

# %% [markdown]
# With that, six functions are there, and they can already learn. Six functions are a lot to hand around, so they
# travel in one box, `Parts`: `parts.update` is your `update`, and `parts.replace(update=...)` is a copy of the box
# with one of them exchanged.
#
# The next cell learns from a store of random steps, without acting in between. It works on the smallest task there is:
# one state, one action, which pays 1 and leads back to the same state, for ever. With $\gamma = 0.5$ the value of that
# action is $1 + 0.5 + 0.25 + \dots = 2$.
#
# *Predict, then run.* The first line of the figure copies the target network every 50 updates, the second one after
# each update. How will the two get from about 0 to 2?


# %%
parts = Parts(make_network, add, epsilon, td_targets, td_loss, update)


def learn_from_random_steps(env, parts, config=probes.CONFIG, updates=300):
    agent, replay = make_agent(env, config, parts, seed=0)
    for step in probes.random_steps(env, 200, seed=0):
        parts.add(replay, *step)
    rng, values = np.random.default_rng(0), []
    for _ in range(updates):
        batch = replay.sample(config.batch_size, rng)
        loss = parts.td_loss(agent.network, batch, parts.td_targets(batch, agent, config.gamma))
        parts.update(agent, loss, config)
        values.append(probes.q_values(env, agent.network))
    return np.array(values)  # (updates, states, actions)


slow = probes.CONFIG.replace(learning_rate=1e-3)  # gamma = 0.5, and other settings for small tasks
copies = {}
for every in (50, 1):
    often = slow.replace(target_update=every)
    values = learn_from_random_steps(probes.CASES["cut off"].make(), parts, often)  # the task just described
    copies[f"a copy every {every}"] = values[:, 0, 0]  # of the one state and the one action
plots.show(figures.climb(copies, 2.0, "the value of one state, update by update"))

# %% [markdown]
# Without a pause the value runs to 2 and swings about it, since Adam's momentum carries it past. With copies every 50
# updates it climbs in steps, each with a swing: the goal is at first about 1 (the reward, and half of a target network
# that says about 0), then 1.5, then 1.75. Each copy lets the reward flow back by one more step.
#
# So is the target network good for anything? In this task every update is about the same single value, and the moving
# goal does no harm: with $\gamma = 0.5$ it moves only half as far as the value, so the value catches up. On CartPole
# $\gamma$ is 0.98, and the four numbers of one step are nearly those of the next. An update that raises $Q(s, a)$
# raises the network's answers at $s'$ as well. Where the largest of them rises by a little more than $Q(s, a)$ itself,
# the goal runs away.
#
# Ten agents were recorded whose target network is copied after every update, and ten with a copy every 125 updates. At
# every step the future is worth at most $1 + 0.98 + 0.98^2 + \dots = 50$, so no Q-value can truly be larger than 50.
#
# *Predict, then run.* How large do the Q-values become?

# %%
curves = pieces.curves("all parts", "no target network", what="values")
plots.show(figures.values(curves, 50, "how large the Q-values become, ten seeds each"))

# %% [markdown]
# Without a pause, all ten agents pass 50 within their first 1,000 steps and end beyond 100,000: each update raises the
# goal of the next. With copies every 125 updates the values climb slowly, to 29 at most. That is still below 50, since
# each copy lets the reward flow back by one more step, and 10,000 steps have room for 38 copies.
#
# *Predict, then run.* And how long do these agents hold the pole?

# %%
curves = pieces.curves("all parts", "no target network")
plots.show(plots.curves_with_spread(curves, x="environment steps", y="return", title="CartPole, ten seeds each"))

# %% [markdown]
# The agents without a target network let it fall after 9 steps, which is what pushing to one side only brings. Their
# Q-values run away together, but at different speeds. In such a run the value of one action soon is ahead of the
# other's in every state, and a greedy agent then always pushes to the same side.
#
# ## Probes: tasks whose answer is known
#
# You have seen the value 2 come out where 2 was right. That is a test, and a strong one, since it needs all parts to
# work together. A **probe** is a task so small that its Q-values follow from a line of arithmetic. On a real task a
# wrong part shows as "learns badly", after hours; a probe takes a second, and the simplest one that fails says where
# to look. With $\gamma = 0.5$:
#
# | probe | what happens | Q-values |
# | --- | --- | --- |
# | constant | one step pays 1, and the episode terminates | 1 |
# | see | the state says whether the step pays -1 or 1 | -1; 1 |
# | act | the action decides: -1 or 1 | -1, 1 |
# | discount | the first step pays 0, the second one 1 | 0.5; 1 |
# | patience | 0.4 at once, or a second step, where one action pays 1 and the other 0 | 0.4, 0.5; 1, 0 |
# | cut off | pays 1 for ever, and a time limit ends the episode after 4 steps | 2 |
#
# A comma stands between the actions of a state, a semicolon between states.
#
# In "patience", waiting is worth $0 + 0.5 \cdot 1 = 0.5$, which is more than 0.4 at once. In "cut off" the time limit
# is no end, so the value is that of paying for ever.


# %%
def probe_all(parts, wrap=lambda env: env):
    readings = {}
    for name, case in probes.CASES.items():
        learned = learn_from_random_steps(wrap(case.make()), parts)[-1]
        readings[name] = probes.Reading(case.make().values(probes.CONFIG.gamma), learned)
    return readings


plots.show(figures.probe_values(probe_all(parts), "what the parts learned"))

# %% [markdown]
# Each grey ring is a true Q-value, each dot what the network says. A green dot is within 0.1 of the truth. Where a
# probe fails, the line below the title names the first one, and the parts to look at.
#
# Now break a part on purpose. The next agent forgets $d$: its targets count a future after the last step, too.
#
# *Predict, then run.* Which probe is the first to fail, and will its value come out too large or too small?


# %% tags=["nbval-ignore-output"]
def forgets_the_end(batch, agent, gamma):
    return td_targets(batch._replace(terminated=torch.zeros_like(batch.terminated)), agent, gamma)


plots.show(figures.probe_values(probe_all(parts.replace(td_targets=forgets_the_end)), "targets that forget the end"))

# %% [markdown]
# Already the first probe fails: its step pays 1, and the value comes out at nearly 2, for the agent invents a future
# after the end in which the same goes on. What it invents is what its network says of the last observation, so other
# probes fail by other amounts, and some come out right by accident. The simplest failing probe points at the fault.
#
# The next fault is more common. The parts are all right, but the time limit is stored as an end.
#
# *Predict, then run.* Which probes fail now?

# %%
readings = probe_all(parts, wrap=probes.CutIsEnd)
plots.show(figures.probe_values(readings, "a time limit stored as an end"))

# %% [markdown]
# Only "cut off", the one probe with a time limit. No real task shows you that so clearly: there, the agent just learns
# a little worse, because now and then it is told that a good state has no future.
#
# ## The loop
#
# So far the steps came from a random agent. Now the agent acts by what it has learned, and learns from what it does.

# %%
plots.show(diagrams.loop())

# %% [markdown]
# `train` is this picture in code. It makes a fresh agent and an empty buffer, and then goes through
# `config.total_steps` steps. In each it chooses an action, takes it, stores the transition, and learns from a batch if
# an update is due. When an episode is over, it notes the return in a `Run` and starts the next one. A `Run` is what
# training leaves behind: `run.agent`, and for each finished episode `run.returns` and `run.ends`, its return and the
# step after which it ended.
#
# A step is counted twice, before and after it is taken:
#
# | step | before it | after it |
# | --- | --- | --- |
# | the first | `parts.epsilon(0, config)` | `watch(1, agent)` |
# | the second | `parts.epsilon(1, config)` | `watch(2, agent)` |
# | the 18th, which ends an episode | `parts.epsilon(17, config)` | `run.note(18.0, 18)`, `watch(18, agent)` |
#
# Take an episode that is cut off by the time limit at step 500. It is over, so `train` notes it and resets. But the
# transition is stored with `terminated=False`, for the reason above. With `learning_starts=500` and `train_every=2`
# updates come when 500, 502, 504 and so on steps are taken.
#
# The last argument, `watch`, is a function that may look at the agent after each step, and stop the run.

# %% [exercise deep_q_network.train]

# %% [markdown]
# The probes test your loop as well. This time the agent acts by itself, explores less and less, and learns after every
# step. Six trainings take a few seconds.

# %%
plots.show(figures.probe_values(probes.probe_all(train, parts), "what the loop learned"))

# %% [markdown]
# And now the pole. The first 4,000 steps, with a dot for each training episode:

# %% tags=["nbval-ignore-output"]
short = config.replace(total_steps=4_000)
run = train_with_bar(train, gym.make("CartPole-v1"), short, parts, seed=0)
plots.show(figures.returns(run, "training episodes"))

# %% [markdown]
# At first, with $\epsilon$ near 1, the pole falls after twenty steps or so. Later it stands longer. The line lags
# behind the dots, for it is the mean of the last 20 episodes. The dots mix three things: what the agent has learned,
# the random actions that it still takes, and luck.
#
# ## Judging an agent
#
# To know how good the greedy policy is, play whole episodes with it, without exploring and without learning. Each
# episode starts from a seed of its own, so that another agent can be judged on the very same starts: with 3 episodes
# and the seed 100 they are 100, 101 and 102. If the pole stands for 12, 500 and 40 steps, the answer is the array of
# these three returns; whoever wants their mean can take it.

# %% [exercise deep_q_network.evaluate]

# %% [markdown]
# Play 20 episodes with the agent of the 4,000 steps, and 20 with the trained agent from the beginning of the lesson.

# %% tags=["nbval-ignore-output"]
starts = 2_000_000
played = {
    "after 4,000 steps": evaluate(run.agent.network, gym.make("CartPole-v1"), 20, starts),
    "of the film": evaluate(trained, gym.make("CartPole-v1"), 20, starts),
}
title = "20 episodes each"
plots.show(plots.bars_with_spread(played, x="agent", y="return", runs="episodes", title=title, spread="range"))

# %% [markdown]
# The bars are means, and the whiskers reach from the worst to the best episode.
#
# Now train for real. The curves above went up and down, so the network after the last step need not be a good one.
# Every 500 steps a **validation** plays five episodes that always start alike and keeps a copy of the weights that did
# best; it ends the training as soon as all five reach the time limit. It is the `watch` of the run.
#
# *Predict, then run.* After how many steps does your agent hold the pole longest? Which will be higher, its best
# validation score, or its mean return on 20 fresh episodes?

# %% tags=["nbval-ignore-output"]
validation = Validation(evaluate, gym.make("CartPole-v1"), every=500, episodes=5, seed=VALIDATION_SEED, enough=500.0)
run = train_with_bar(train, gym.make("CartPole-v1"), config, parts, 0, validation)
step, score, weights = validation.best
best = with_weights(run.agent.network, weights)
fresh = evaluate(best, gym.make("CartPole-v1"), 20, starts)
plots.show(figures.scores(validation.scores, {"20 fresh episodes": fresh}, "validation while the agent learns"))
print(f"kept: step {step:,}, validation score {score:.0f}, mean of 20 fresh episodes {fresh.mean():.0f}")

# %% tags=["hide-cell"]
assert score >= 50  # on any machine it learns something: a random agent holds the pole for some 20 steps
assert fresh.shape == (20,)

# %% tags=["nbval-ignore-output"]
film = films.play("CartPole-v1", lambda observation: greedy_action(best, observation), seed=0)
films.show(film, "the agent trained here")
print(f"the pole stood for {film.steps} steps")

# %% [markdown]
# If the eight functions above are yours, so is this agent. How well it does depends on its seed, and on the order in
# which the functions draw random numbers.
#
# The best validation score is not the answer to how good it is. Of twenty noisy scores it is the largest, and so a
# lucky one. Fresh episodes, which had no part in the choice, tell how good the kept weights are.
#
# How reliable is this? Here are ten seeds of the reference, 10,000 steps each.

# %%
plots.show(figures.chosen(*pieces.chosen(), title="ten seeds, 10,000 steps each"))

# %% [markdown]
# The seeds hold the pole between 201 and 496 steps on fresh episodes, with the very same code and settings. Their mean
# is 335, that of the validation scores which chose the weights 360. The difference is the luck in being the best. It
# holds on average: one seed did better on fresh episodes than on those that chose it.
#
# 10,000 steps are a short training. The last figure is of a longer one, with the default settings of `DQNConfig` and
# up to 60,000 steps. Each seed stops as soon as it holds the pole to the end in ten validation episodes.

# %%
solved = records.load("cartpole")
steps_needed = [row["chosen_step"] for row in solved["runs"]]
plots.show(figures.solved(steps_needed, 60_000, "seeds that held the pole to the end in ten episodes"))

# %% [markdown]
# All ten get there, the first after 10,000 steps and the last after 46,000. So the agent does learn the task; how soon
# it does is a matter of luck, and of settings that are worth tuning.
#
# ## If you have time left: double DQN
#
# The maximum in the target has a flaw. Where the network's answers are noisy, the largest is likely to be one with a
# lucky error, so targets come out too high on average. Double DQN (van Hasselt et al., 2016) lets the online network
# choose the action and the target network judge it:
#
# $$y = r + \gamma\,(1 - d)\,Q^-\big(s', \arg\max_{a'} Q(s', a')\big)$$
#
# Write it as a function of its own, put it in with `parts.replace(td_targets=...)`, and let the probes test it. The
# function `double_targets` in `agent.py` of this lesson's package is one solution.
#
# ## Takeaways
#
# - A network computes Q-values from the state, so what it learns in one state carries over to similar ones.
# - The replay buffer breaks up the order of experience; the target network holds the goal still.
# - `terminated` ends the future, `truncated` only the episode.
# - Test with probes first: known values, a second each.
# - The last network is not the best one. Choose on validation episodes, report fresh ones, and look at several seeds.
#
# ## Quiz
#
# 1. Why does the network answer with one Q-value for each action, instead of taking the action as a further input?
# <details><summary>Answer</summary>The greedy action and the maximum in the target need the values of all actions in
# the same state. So they cost one call of the network instead of one for each action. It also needs the actions to be
# few and countable.</details>
#
# 2. Your agent fails the probes "discount" and "patience" only. Where do you look?
# <details><summary>Answer</summary>Where values move back by a step: the discount and the maximum in the targets, and
# the copies into the target network. The one-step probes need none of them. But "cut off" needs the discount and the
# copies, too. What is special about it is that its next observation equals its observation. So if it is right, look
# first at whether next observations are stored, and used.</details>
#
# 3. With a target network that is copied after every update, the Q-values passed 50. How do you know that this is
# wrong, without knowing the best policy?
# <details><summary>Answer</summary>No step pays more than 1, so no return can be more than 1 + 0.98 + 0.98 squared and
# so on, which is 50. Such a bound is worth computing for every task.</details>
#
# 4. Why is the best validation score no estimate of how good the kept weights are?
# <details><summary>Answer</summary>It was picked for being high, and part of that is luck. Fresh episodes had no part
# in the choice.</details>
#
# ## What comes next
#
# [Lesson 02b](02b_lunar_lander.ipynb) lands a spacecraft with the same eight functions. It takes the reference's, so
# that it runs whatever state yours are in. It looks for the faults of an agent that does not learn, and tunes the
# settings that this lesson took as given.
#
# ## References
#
# - P. Huber (1964). Robust estimation of a location parameter. Annals of Mathematical Statistics 35.
# - A. Barto, R. Sutton, C. Anderson (1983). Neuronlike adaptive elements that can solve difficult learning control
#   problems. IEEE Transactions on Systems, Man, and Cybernetics.
# - L.-J. Lin (1992). Self-improving reactive agents based on reinforcement learning, planning and teaching. Machine
#   Learning 8.
# - D. Kingma, J. Ba (2015). Adam: a method for stochastic optimization. ICLR.
# - V. Mnih et al. (2015). Human-level control through deep reinforcement learning. Nature 518.
# - H. van Hasselt, A. Guez, D. Silver (2016). Deep reinforcement learning with double Q-learning. AAAI.
# - A. Jones (2021). Debugging reinforcement learning systems. On probe environments.
# - F. Pardo, A. Tavakoli, V. Levdik, P. Kormushev (2018). Time limits in reinforcement learning. ICML.
# - M. Towers et al. (2024). Gymnasium: a standard interface for reinforcement learning environments.
