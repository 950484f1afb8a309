# %% [markdown]
# # 01 Q-learning
#
# *105 minutes, about half of them for seven exercises. Builds on lesson 00, and on numpy.*
#
# When you are done you can
#
# - describe a task in the five words that the whole course uses;
# - work one step of learning by hand, and write it as a function;
# - build an agent that learns a maze, and a tiny bin, from nothing but what it earns;
# - choose its settings by what they do, over several seeds;
# - compute the best possible result of a small task, and say whether an agent has reached it;
# - say why no table will do for a large one.
#
# Lesson 00 compared four packers. Two of them, default PPO and tuned PPO, had learned: nobody told them where a box
# belongs, they were only paid for the bins that they filled. *How* one learns anything from such payments was left
# open.
#
# This lesson answers that with the smallest agent there is. All that it knows is a table of numbers, and one line of
# arithmetic changes the table. PPO runs the same loop of acting, being paid and improving, with a neural network in
# the table's place.
#
# ## A maze
#
# The agent walks through a maze. It starts in the cell with the red frame. Every free cell has a number, and grey cells
# are walls. Two exits end the walk: one pays 1, the other, farther away, pays 3. They are cells too, but are named
# after what they pay: exit 1 is cell 2, exit 3 is cell 53.

# %%
import numpy as np

from binpack import plots
from binpack.course import exercises as ex
from binpack.course.l01_q_learning import figures, table_figures, training, worlds

maze = worlds.Maze()
plots.show(figures.maze(maze.rows))

# %% [markdown]
# You see the whole maze. The agent sees only the number of the cell on which it stands. It does not know where the
# walls are, nor that there are exits, nor what they pay. It can only try. The next cell takes three steps.

# %%
UP, RIGHT, DOWN, LEFT = range(4)
ACTIONS = ("up", "right", "down", "left")

state, _ = maze.reset(seed=0)
print("start in cell", state)
for action in (UP, LEFT, UP):
    state, reward, terminated, truncated, _ = maze.step(action)
    print(f"{ACTIONS[action]:<5} -> cell {state}, paid {reward:g}")

# %% [markdown]
# The first step went nowhere: above cell 22 is a wall. The other two led to cells 21 and 12. None of them paid.
#
# `reset` begins anew. It gives two values: the cell of the start, and a dictionary with further facts, which this
# lesson never needs; so `state, _ = maze.reset()` keeps the first one alone. `step` gives five: the cell that the
# step led to, what it paid, whether it ended the walk at an exit, whether the walk was cut off because it took too
# long, and such a dictionary again. This is the form of the library Gymnasium, which most worlds for learning keep to.
#
# Five words describe every task of this course.
#
# - A **state** is what the agent sees of the world: here the number of its cell.
# - An **action** is what it can do there: here 0 up, 1 right, 2 down, 3 left.
# - A **reward** is the number with which the world answers an action: here what an exit pays, and 0 elsewhere.
# - An **episode** is one round from the start to an end: here to an exit, or for 200 steps at most.
# - A **policy** says which action to take in each state. A good one is what we are after.
#
# ## What the agent remembers
#
# The agent keeps one number for each state and each action: what doing this here will earn, as far as it knows. All
# of them together are the **Q-table**, with a row for each state and a column for each action. The entry for state
# $s$ and action $a$ is written $Q(s, a)$, in Python `q[state, action]`.
#
# In the beginning nothing is known, so every entry is 0. The maze has 54 cells, walls included. Here are the rows of
# the five cells on the short way from the start to exit 1.

# %%
rows = {22: "22 (start)", 21: "21", 12: "12", 3: "3", 2: "2 (exit 1)"}
nothing = table_figures.Shown("nothing is known yet", maze.new_table())
plots.show(table_figures.rows_of([nothing], rows, ACTIONS, title="five of the 54 rows of the Q-table"))

# %% [markdown]
# The row of the exit holds -inf, minus infinity, instead of 0. At an exit the episode is over and no action is
# possible. A number below all others marks that: whoever looks for the largest entry of a row never picks one at
# -inf, as long as the row has any other.
#
# ## One step of learning, by hand
#
# Say the agent happens to walk 22, 21, 12, 3, and then left into exit 1. The first three steps pay 0, and lead to
# cells of which nothing is known. They teach nothing.
#
# The fourth step pays 1. So the entry for "left in cell 3" should be 1, and it is 0. We could write 1 there at once.
# But in most tasks one step is only a sample: the same action may pay 1 today and 0 tomorrow. So the entry goes only
# a part of the way, here half of it:
#
# $$0 + 0.5 \cdot (1 - 0) = 0.5$$
#
# In the second episode the agent walks the same way. Its third step, up from 12, pays 0 again. But now it leads to a
# cell of which something is known: in cell 3 there is an action worth 0.5. Being able to earn 0.5 *one step later* is
# worth something, say 0.9 times as much. Why less than 1, and why 0.9, comes further down. So this step says that "up
# in cell 12" is worth $0 + 0.9 \cdot 0.5 = 0.45$, and the entry goes half of the way:
#
# $$0 + 0.5 \cdot (0.45 - 0) = 0.225$$
#
# The next figure shows the table after each of these two steps. A red frame is around the entry that has changed, a
# dashed blue one around the row that was read.

# %%
first = maze.new_table()
first[3, LEFT] = 0 + 0.5 * (1 - 0)

second = first.copy()
second[12, UP] = 0 + 0.5 * (0 + 0.9 * first[3].max() - 0)

moments = [
    table_figures.Shown("episode 1, left from 3", first, changed=(3, LEFT)),
    table_figures.Shown("episode 2, up from 12", second, read=3, changed=(12, UP)),
]
plots.show(table_figures.rows_of(moments, rows, ACTIONS, title="two steps of learning"))

# %% [markdown]
# In the left table no row was read, and this is where -inf matters. The step led to the exit, whose row has no other
# entry than -inf, so its largest entry is -inf as well. Read it, and the new entry would be
# $0 + 0.5 \cdot (1 + 0.9 \cdot (-\infty) - 0) = -\infty$. No later step could repair that. After a step that ends the
# episode there is nothing to look forward to: only the reward counts.
#
# ## The same as a formula
#
# What we did twice is the whole of Q-learning (Watkins, 1989). After each step, one entry moves a part of the way
# towards what the step has shown:
#
# $$Q(s, a) \leftarrow Q(s, a) + \alpha \, \bigl[\, r + \gamma \max_{a'} Q(s', a') - Q(s, a) \,\bigr]$$
#
# | symbol | variable | by hand | meaning |
# | --- | --- | --- | --- |
# | $Q(s, a)$ | `q[state, action]` | 0 | the entry that learns |
# | $r$ | `reward` | 0 | what the step paid |
# | $s'$ | `next_state` | 3 | where it led |
# | $\max_{a'} Q(s', a')$ | `q[next_state].max()` | 0.5 | the best that can follow; 0 if the episode has ended |
# | $\gamma$ (gamma) | `gamma` | 0.9 | what a reward is worth one step later |
# | $\alpha$ (alpha) | `alpha` | 0.5 | the part of the way |
#
# Three pieces of it have names. $r + \gamma \max_{a'} Q(s', a')$ is the **target**, what the step says the action is
# worth. The square bracket, the target minus the entry, is the **temporal-difference error**: by how much the table
# was wrong, as far as this one step can tell. And $\alpha$ is the **step size**, elsewhere also called the learning
# rate.
#
# The first exercise is this line of arithmetic.

# %% [exercise q_learning.td_update]

# %% [markdown]
# Now walk the same way three times with your function. The cell also prints the error of each step.
#
# *Predict, then run.* In the second episode the fourth step, left from 3 into the exit, finds 0.5 in its entry. Which
# number takes its place? And which entries will have changed at the end of the third episode?

# %%
way = [(22, LEFT, 0, 21), (21, UP, 0, 12), (12, UP, 0, 3), (3, LEFT, 1, 2)]  # state, action, reward, next state
q, moments = maze.new_table(), []
for episode in (1, 2, 3):
    errors = [td_update(q, *step, step[3] == 2, 0.5, 0.9) for step in way]
    print(f"episode {episode}, errors:", *(f"{error:.3f}" for error in errors))
    moments.append(table_figures.Shown(f"after episode {episode}", q.copy()))
plots.show(table_figures.rows_of(moments, rows, ACTIONS, title="three times the same way"))

# %% [markdown]
# In the second episode, 0.5 becomes 0.75; in the third, 0.875. Each step closes half of the gap to 1, so the errors in
# the last column halve.
#
# And each episode adds one cell. What the exit pays is known in cell 3 after the first episode, in 12 after the
# second, in 21 after the third. Knowledge flows backwards from the exit, one cell at a time.
#
# ## The first thing that learns
#
# Nobody has to show the agent the way. Let it walk at random, each of the four actions equally likely, and learn from
# every step. That is all of the next cell.


# %%
def wander(episodes, gamma=0.9, seed=4):
    """Walk at random and learn from every step; return the table at the beginning and after each episode."""
    rng, q = np.random.default_rng(seed), maze.new_table()
    tables = [q.copy()]
    for _ in range(episodes):
        state, _ = maze.reset()
        over = False
        while not over:
            action = int(rng.integers(4))
            next_state, reward, terminated, truncated, _ = maze.step(action)
            td_update(q, state, action, reward, next_state, terminated, 0.5, gamma)
            state, over = next_state, terminated or truncated
        tables.append(q.copy())
    return tables


tables = wander(100)

# %% [markdown]
# A table of 54 rows is long to read. The film below shows for each cell only the largest entry of its row, which is
# what the cell is worth to an agent that acts well from there. Cells without a number have learned nothing yet. To set
# the film going, click it once, then drag the slider or press *play*.
#
# *Predict, then run.* How many cells have a number after the first episode? And where will the numbers be largest in
# the end?

# %%
frames = {}
for k in (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100):
    largest = training.best_entries(tables[k])
    frames[f"episode {k}"] = figures.maze(maze.rows, largest, title="", top=3)
plots.show(plots.film(frames, title="the table fills: the largest entry of each row"))

# %% [markdown]
# After one episode one cell knows something: the last one before the exit that was found. Then the numbers spread
# backwards from both exits, cell by cell, until they meet. After 100 episodes every free cell has one. The largest
# ones lie before exit 3, and each step away from it makes them smaller by the factor 0.9: 3, 2.7, 2.43 and so on.
#
# Notice what the agent did *not* need. It has no map and no plan, and it never tried to walk well. It walked at
# random, and its table nevertheless tells what a good walk is worth. That is because the target takes the *best* next
# action, whichever the agent then takes. A method that learns about one policy while it follows another is called
# **off-policy**.
#
# ## Reading the table
#
# To use the table, ask it: in each state, take the action with the largest entry. This is the **greedy policy** of
# the table.
#
# A row such as (0.2, 0.5, 0, 0.1) answers 1, since its largest entry has the number 1. A row that holds nothing but
# -inf, of an exit or a wall, should answer -1, "no action". Here one has to take care: `argmax` of such a row is 0,
# which would be "up".

# %% [exercise q_learning.greedy_policy]

# %% [markdown]
# With your function, the film shows what the agent would do: an arrow in each cell that knows something. A red band
# follows the arrows from the start.

# %%
frames = {}
for k in (1, 3, 5, 7, 10, 12, 15, 20, 25, 30, 50, 100):
    largest, arrows = training.best_entries(tables[k]), greedy_policy(tables[k])
    frames[f"episode {k}"] = figures.maze(maze.rows, largest, arrows, title="", top=3)
plots.show(plots.film(frames, title="what the table says to do"))

# %% [markdown]
# First the arrows lead to exit 1, which is near and found early. Later the start learns of exit 3. In the end the
# agent passes by a reward of 1, four steps away, to get 3 after seven steps.
#
# ## Which exit is the better one?
#
# Is that right? It depends on how much a later reward is worth, and that is what $\gamma$ says. It is called the
# **discount**: a reward one step later counts $\gamma$ times as much, two steps later $\gamma^2$ times, and so on.
# What an episode with the rewards $r_1, r_2, r_3, \dots$ is worth at its start is its **return**:
#
# $$G = r_1 + \gamma r_2 + \gamma^2 r_3 + \dots$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $r_1, r_2, \dots$ | `rewards` | the reward of each step |
# | $\gamma$ | `gamma` | the discount, between 0 and 1 |
# | $G$ | what the function returns | the return |
#
# The way to exit 1 has the rewards 0, 0, 0, 1. At $\gamma = 0.9$ its return is $0.9^3 \cdot 1 = 0.729$: the first
# reward counts in full, so the fourth is discounted three times.

# %% [exercise q_learning.discounted_return]

# %% [markdown]
# Now both ways can be compared, at every discount.
#
# *Predict, then run.* At $\gamma = 1$ exit 3 is better, since waiting costs nothing. At $\gamma = 0.5$ each step
# halves what is to come. Which exit is better then, and where do the two change places?

# %%
exits = {"exit 1, after 4 steps": [0, 0, 0, 1], "exit 3, after 7 steps": [0, 0, 0, 0, 0, 0, 3]}
gammas, curves = np.linspace(0, 1, 101), {}
for name, rewards in exits.items():
    curves[name] = gammas, [[discounted_return(rewards, gamma) for gamma in gammas]]
plots.show(plots.curves_with_spread(curves, x="gamma", y="return from the start", title="two ways out"))

# %% [markdown]
# The curves cross where $3\gamma^6 = \gamma^3$, which is at $\gamma = \sqrt[3]{1/3} \approx 0.69$. Below that, the
# near exit is the better one. A low discount makes an agent impatient.
#
# If the table is right, an agent that learns with $\gamma = 0.5$ should turn left, and one with 0.9 right.

# %%
learned = {gamma: wander(300, gamma)[-1] for gamma in (0.5, 0.9)}
ways = [greedy_policy(q) for q in learned.values()]
names = [f"gamma {gamma}" for gamma in learned]
largest = training.best_entries(list(learned.values()))
plots.show(figures.maze(maze.rows, largest, ways, names, title="after 300 episodes"))

# %%
for gamma, q in learned.items():
    near, far = (discounted_return(rewards, gamma) for rewards in exits.values())
    print(f"gamma {gamma}: returns {near:.4f} and {far:.4f}, largest entry at the start {q[22].max():.4f}")

# %% [markdown]
# It does. And the largest entry at the start *is* the larger of the two returns, to four digits. The agent has never
# added up a return: it only moved entries towards the best entry of the next cell.
#
# ## Earning while learning
#
# The walker learns well but earns badly, since it finds an exit only by chance. An agent that has to live by its
# rewards should use what it knows. So why not follow the table from the first step on?
#
# *Predict, then run.* An agent with an empty table always takes the action with the largest entry. What happens in
# its first episode?

# %%
q, cells, earned = maze.new_table(), [], 0
state, _ = maze.reset()
over = False
while not over:
    action = int(q[state].argmax())
    next_state, reward, terminated, truncated, _ = maze.step(action)
    td_update(q, state, action, reward, next_state, terminated, 0.5, 0.9)
    cells, earned = [*cells, next_state], earned + reward
    state, over = next_state, terminated or truncated
print(f"{len(cells)} steps, reward {earned:g}, cells visited: {sorted(set(cells))}")

# %% [markdown]
# Nothing happens. All entries are 0, so `argmax` takes the first, "up", which is a wall. The step pays 0, the entry
# stays 0, and the next choice is the same, until the episode is cut off.
#
# An agent has to do two things that are at odds. To **explore** is to try what may turn out better; to **exploit** is
# to do what looks best so far. The simplest compromise is a coin. With probability $\epsilon$ (epsilon) explore: take
# any possible action, all alike. Otherwise exploit. An agent that throws this coin before each action is called
# **epsilon-greedy**.
#
# Say a row is (0.2, 0.5, -inf, 0.1) and $\epsilon = 0.3$. The best action is 1. Three actions are possible, so each of
# them gets a third of the 0.3:
#
# | action | 0 | 1 | 2 | 3 |
# | --- | --- | --- | --- | --- |
# | entry | 0.2 | 0.5 | -inf | 0.1 |
# | from exploring | 0.1 | 0.1 | never | 0.1 |
# | from exploiting | | 0.7 | | |
# | probability | 0.1 | 0.8 | 0 | 0.1 |
#
# In the maze every action is possible in every free cell: walking into a wall is allowed, it only does not help. In
# the bin, further down, some actions are not possible, and -inf marks them.

# %% [exercise q_learning.epsilon_greedy]

# %% [markdown]
# Let your function choose 10,000 times from this row, with three values of $\epsilon$, and compare with the table
# above.

# %%
row, rng = np.array([0.2, 0.5, -np.inf, 0.1]), np.random.default_rng(0)
print("share of action      0     1     2     3")
for epsilon in (0, 0.3, 1):
    choices = np.array([epsilon_greedy(row, epsilon, rng) for _ in range(10_000)])
    print(f"epsilon {epsilon:<9}", *(f"{(choices == action).mean():5.2f}" for action in range(4)))

# %% [markdown]
# At $\epsilon = 0$ the agent only exploits, at 1 it only explores, and in between it does both. Action 2 is never
# taken.
#
# ## The whole agent
#
# Everything is there: choose with `epsilon_greedy`, learn with `td_update`. The loop is the one of `wander`, with three
# differences.
#
# - The agent does not choose at random, but with `epsilon_greedy` from the row of its state.
# - $\alpha$ and $\epsilon$ may differ from episode to episode: explore much in the beginning and little in the end, for
#   example. So they come as two arrays with an entry for each episode, called schedules. The first episode takes the
#   first entry of both, the second the second, and so on.
# - The rewards of each episode are added up, undiscounted, and the sums are returned.
#
# One thing stays as it was: `td_update` is told `terminated` alone. Here is why. An episode is **terminated** when the
# world ends it: the agent has reached an exit. It is **truncated** when only our patience ends: 200 steps are over.
# Both end the loop. But after truncation the walk could have gone on, so the target keeps what was to come. Say the
# 200th step leads to cell 3, whose best entry is 1. Without the second term, its target would be 0, and the agent would
# learn that cell 3 leads nowhere.

# %% [exercise q_learning.q_learning]

# %% [markdown]
# Train one agent for 300 episodes, with $\epsilon$ falling evenly from 1 to 0.05.

# %%
falling = np.linspace(1, 0.05, 300)
q = maze.new_table()
earned = np.array(q_learning(maze, q, np.full(300, 0.5), falling, 0.9, np.random.default_rng(0)))
largest, title = training.best_entries(q), "300 episodes, epsilon 1 to 0.05"
plots.show(figures.maze(maze.rows, largest, greedy_policy(q), title=title))

# %%
for start in (0, 100, 250):
    print(f"episodes {start + 1:>3} to {start + 50}: mean reward {earned[start : start + 50].mean():.2f}")

# %% [markdown]
# The agent learns the way to exit 3 and, other than the walker, comes to use it: in the end an episode earns 3, or
# nearly so.
#
# ## How much to explore?
#
# One run is one piece of luck. So the next cell trains with four schedules and five seeds each: $\epsilon$ constant at
# 0.1, at 0.5 and at 1, and falling from 1 to 0.05.
#
# The first figure asks how good the *tables* are. At 30 moments of each training it takes the greedy policy and
# computes exactly what that would return from the start, without playing (`judge` is the discount of this return). The
# best possible is the return of exit 3, $3 \cdot 0.9^6 \approx 1.594$, drawn as a line of its own.
#
# *Predict, then run.* Which schedules lead to the best greedy policy?

# %%
rates = {"0.1": np.full(300, 0.1), "0.5": np.full(300, 0.5), "1 to 0.05": falling, "1": np.ones(300)}
settings = {"alphas": np.full(300, 0.5), "gamma": 0.9, "judge": 0.9, "seeds": range(5), "points": 30}
runs = {}
for name, rate in rates.items():
    settings |= {"epsilons": rate, "name": f"epsilon {name}"}
    runs[f"epsilon {name}"] = training.train_seeds(q_learning, greedy_policy, maze, **settings)
best = worlds.optimum(maze, 0.9)
curves = {name: (run.episodes, run.scores) for name, run in runs.items()}
curves["optimum"] = [0, 300], [[best, best]]
labels = {"x": "episodes", "y": "return of the greedy policy", "title": "how good the tables are"}
plots.show(plots.curves_with_spread(curves, spread="range", **labels))

# %%
for name, run in runs.items():
    print(f"{name:<17} optimal in {np.isclose(run.scores[:, -1], best).sum()} of 5 seeds")

# %% [markdown]
# A line is the mean of five seeds, and its band reaches from the lowest to the highest of them.
#
# With $\epsilon = 0.1$ and 0.5 all tables end at the near exit, 0.729; their two lines lie on each other. They found it
# first, and from then on they exploit it. The far exit is seven steps away, and at each of them the table advises
# another action. At $\epsilon = 0.5$ the agent takes a certain other one of the four with probability 1/8 only, and the
# whole way is made of such steps. Falling from 1 and pure chance find the best way with every seed: their lines end
# under that of the optimum.
#
# These are results of the reference solution. A right function of yours may draw its random numbers in another way, or
# choose by chance between entries that are equal. Then its walks differ, and with $\epsilon = 0.5$ a seed or so may
# find the far exit after all.
#
# The second figure asks what the agents *earned* on the way, in blocks of 15 episodes.
#
# *Predict, then run.* The agent of pure chance has an optimal table. What does it earn?

# %%
curves = {name: training.in_blocks(run.rewards, 15) for name, run in runs.items()}
labels = {"x": "episodes", "y": "reward of an episode", "title": "what they earned on the way"}
plots.show(plots.curves_with_spread(curves, spread="range", **labels))

# %% [markdown]
# Pure chance knows the best way and never uses it. The falling schedule starts as badly, and ends near 3: it learned
# while it knew nothing and earned when it knew enough. That is why exploration that falls is the usual choice, in
# lesson 02 as well.
#
# ## A bin that fits a table
#
# Back to packing, with a bin so small that a table can hold all about it: 2 x 2 x 3 cells. Items are of two kinds, a
# unit cube and an upright wall of 1 x 2 x 2 cells. Each is next with probability 1/2, and none is turned.

# %%
tiny = worlds.TinyBin((2, 2, 3))
plots.show(plots.packings({"cube": [[0, 0, 0, 1, 1, 1]], "wall": [[0, 0, 0, 1, 2, 2]]}, tiny.bin_size))

# %% [markdown]
# The title of each picture says which share of the bin is filled. In the words of above:
#
# - The state is the height map, which says how high each of the four cells is filled, and the item in hand.
# - The action is the cell for the item's corner, numbered row by row, 0 to 3: x is the row, and y runs fastest, so they
#   are (0, 0), (0, 1), (1, 0), (1, 1). The item comes to rest on what is below it, and the whole of its base must rest.
#   Where it does not fit, the entry is -inf.
# - The reward is the item's share of the bin: 1/12 for a cube, 4/12 for a wall.
# - The episode ends when the item in hand fits nowhere.
#
# With $\gamma = 1$ the return is the filled share of the bin: its utilization.
#
# A table needs *numbered* states. How does one turn a height map and an item into one number? As with digits. Each
# height is a digit from 0 to 3, so the base is 4; the item is a last digit, 0 for a cube and 1 for a wall, with base 2.
# Take the heights 1, 1 in the first row and 0, 0 in the second, with a wall in hand:
#
# $$((1 \cdot 4 + 1) \cdot 4 + 0) \cdot 4 + 0 = 80, \qquad 80 \cdot 2 + 1 = 161$$
#
# In general, with heights $h_1, h_2, \dots$ read row by row:
#
# $$s = \bigl( (h_1 (H + 1) + h_2)(H + 1) + \dots \bigr) K + k$$
#
# | symbol | variable | here | meaning |
# | --- | --- | --- | --- |
# | $h_1, h_2, \dots$ | `heights` | 1, 1, 0, 0 | the height map, row by row |
# | $H$ | `bin_height` | 3 | height of the bin; a cell has $H + 1$ possible heights, since 0 counts |
# | $k$ | `item` | 1 | which item is in hand |
# | $K$ | `items` | 2 | how many kinds there are |

# %% [exercise q_learning.state_number]

# %% [markdown]
# Play three items and number each state with your function. The bin numbers its states itself, in the same way.

# %%
state, _ = tiny.reset(seed=1)
for action in (0, 2, 3):
    heights, item = tiny.maps[state // 2], state % 2
    number, hand = state_number(heights, item, 3, 2), ("cube", "wall")[item]
    print(f"heights {heights.tolist()}, {hand} in hand: the bin says {state:>3}, you say {number:>3}")
    state, *_ = tiny.step(action)
print("rows of the table:", state_number(np.full((2, 2), 3), 1, 3, 2) + 1)

# %% [markdown]
# The last state, a full bin with a wall in hand, has the number 511. So the table has 512 rows and 4 columns.
#
# ## What is the best that can be done?
#
# In the maze we could see the best way. In the bin we cannot: which items come is chance. Still, with 512 states the
# best possible result can be *computed*, by someone who knows the rules. The agent does not know them. We compute it
# as a yardstick.
#
# Begin with one decision near the end. Seven of the twelve cells are filled and a cube is in hand. It can go on top
# of the cube that stands on the floor at (1, 0), or beside that one at (1, 1).

# %%
before = [[0, 0, 0, 1, 2, 2], [0, 0, 2, 1, 1, 1], [0, 1, 2, 1, 1, 1], [1, 0, 0, 1, 1, 1]]
on_top, beside = [1, 0, 1, 1, 1, 1], [1, 1, 0, 1, 1, 1]
choices = {"a cube in hand": before, "on top": [*before, on_top], "beside": [*before, beside]}
plots.show(plots.packings(choices, tiny.bin_size))

# %% [markdown]
# Both earn one cube now. What follows differs. Count it in cubes, averaged over what may come:
#
# - *On top.* The two free columns are 2 and 0 high, and a wall will never fit. As long as cubes come, they can be
#   placed, four at most. The first comes with probability 1/2, a second one with 1/4, and so on:
#   $\frac12 + \frac14 + \frac18 + \frac1{16} = 0.9375$ cubes.
# - *Beside.* Both columns are 1 high. With probability 1/2 a wall comes, which fills the bin: 4 cubes. With
#   probability 1/2 a cube comes, and after it three more at most: $1 + \frac12 + \frac14 + \frac18 = 1.875$. Together
#   $\frac12 \cdot 4 + \frac12 \cdot 1.875 = 2.9375$ cubes.
#
# So *on top* is worth $1 + 0.9375$ cubes, and *beside* $1 + 2.9375 = 3.9375$ cubes, or 0.328 of the bin. The better
# one is what the state is worth.
#
# Two things happened there: an *average* over what may come, and a *maximum* over what one can do. By hand we followed
# each future to its end. Had we known what the two states after *beside* are worth, 4 cubes with a wall in hand and
# 1.875 with a cube, one average would have done.
#
# That is the idea of value iteration (Bellman, 1957). Begin with a value of 0 for every state. Work out new values for
# all states, each with one average and one maximum of the old values of the states that may come next: the new values
# know about one step. Do the same with the new values, and the next ones know about two steps, and so on:
#
# $$V(s) \leftarrow \max_a \sum_k p_k \, \bigl( r_k + \gamma V(s'_k) \bigr)$$
#
# | symbol | variable | above, for *beside* | meaning |
# | --- | --- | --- | --- |
# | $V(s)$ | `values` | 3.9375 cubes | the value of a state: the largest expected return from there |
# | $k$ | last axis of `model` | a wall or a cube next | what may come of the action |
# | $p_k$ | `model.probabilities` | 1/2 each | how likely that is |
# | $r_k$ | `model.rewards` | 1 cube | what it pays |
# | $s'_k$ | `model.next_states` | heights 1, 1, with the next item | where it leads |
# | | `model.terminated` | False | whether it ends the episode; then $V(s'_k)$ counts 0 |
# | | `possible` | True | whether the action can be taken; the maximum is over those that can |
#
# `model` holds the rules of the bin: four arrays with an entry for every state, action and outcome, of shape (512, 4,
# 2). `possible` has an entry for every state and action, of shape (512, 4). A state in which no action is possible is
# worth 0. Otherwise the best possible action counts, even where its value is negative, as in a world in which steps
# cost something.
#
# The next exercise, the hardest of this lesson, computes all 512 new values at once.

# %% [exercise q_learning.value_sweep]

# %% [markdown]
# Start from values of 0 and repeat until nothing changes.
#
# *Predict, then run.* After how many repetitions do the values stop changing?

# %%
model, values, history = tiny.model(), np.zeros(512), []
better = value_sweep(values, model, tiny.possible, 1.0)
while not np.array_equal(values, better):
    values = better
    history.append(values[:2].mean())  # the empty bin, with either item in hand
    better = value_sweep(values, model, tiny.possible, 1.0)
best = history[-1]

curve = {"values": (np.arange(len(history)) + 1, [history])}
labels = {"x": "sweeps", "y": "value of the empty bin", "title": "looking farther ahead"}
plots.show(plots.curves_with_spread(curve, **labels))

# %%
decision = state_number(np.array([[3, 3], [1, 0]]), 0, 3, 2)
print(f"the decision above: by hand {3.9375 / 12:.6f}, computed {values[decision]:.6f}")
print(f"the empty bin: {best:.4f} after {len(history)} sweeps")

# %% [markdown]
# No episode has more than 12 steps, for the bin holds 12 cubes. So after 12 sweeps the values look to the end of every
# episode, and are exact. The best possible policy fills 0.775 of the bin on average. Nobody can do better with these
# items.
#
# How do simple rules compare? What a fixed policy fills on average can be computed in the same way, so these numbers
# are exact as well. The rule first_fit takes the first possible place, with x and y counted up from the corner.
# deepest_bottom_left takes the lowest one, and roughness the one that leaves the smoothest surface. Lesson 03 explains
# such heuristics.
#
# *Predict, then run.* In so small a bin, is one of them optimal?

# %%
rules = ("first_fit", "deepest_bottom_left", "roughness")
policies = {"random": worlds.random_policy(tiny)}
policies |= {name: worlds.heuristic_policy(tiny, name) for name in rules}
for name, policy in policies.items():
    worth = worlds.policy_value(tiny, policy, 1.0)
    print(f"{name:<20} {worth:.4f}   short of the optimum by {best - worth:.4f}")

# %% [markdown]
# None is. They look at the item in hand, and not at what may come after it.
#
# ## The agent in the bin
#
# Now your agent, which does not know the rules. Nothing in it has to change for the bin: `q_learning` sees numbers of
# states and actions. Only the settings are open. `study` trains five seeds with step sizes and exploration that change
# evenly from the first episode to the last.


# %%
def study(first, last, gamma=1.0, world=tiny, episodes=4000, seeds=5, points=10, name="seeds"):
    """Train with step sizes from first to last, and measure what the greedy policy fills."""
    schedules = {"alphas": np.linspace(first, last, episodes), "epsilons": np.linspace(1, 0.05, episodes)}
    settings = {"gamma": gamma, "seeds": range(seeds), "points": points, "name": name}
    return training.train_seeds(q_learning, greedy_policy, world, **schedules, **settings)


# %% [markdown]
# In the maze even a step size of 1 would have done: the same step always led to the same place. Here the next item is
# chance.
#
# *Predict, then run.* Which step size is best: 0.02, 0.3, 1, or one that falls from 1 to 0.02?

# %% tags=["nbval-ignore-output"]
sizes = {"0.02": (0.02, 0.02), "0.3": (0.3, 0.3), "1": (1, 1), "1 to 0.02": (1, 0.02)}
runs = {f"alpha {name}": study(*ends, name=f"alpha {name}") for name, ends in sizes.items()}
curves = {name: (run.episodes, run.scores) for name, run in runs.items()}
curves["optimum"] = [0, 4000], [[best, best]]
plots.show(plots.curves_with_spread(curves, spread="range", x="episodes", y="utilization", title="step size"))

# %% tags=["nbval-ignore-output"]
for name, run in runs.items():
    short = best - run.scores[:, -1]
    print(f"{name:<16} short of the optimum by {short.mean():.4f} on average, {short.max():.4f} at worst")

# %% tags=["hide-cell"]
# a function that rounds in another way breaks other ties, and the numbers change a little
short = {name: best - run.scores[:, -1].mean() for name, run in runs.items()}
assert short["alpha 0.02"] > 0.05 and max(short["alpha 0.3"], short["alpha 1 to 0.02"]) < 0.02

# %% [markdown]
# With $\alpha = 0.02$ the entries rise so slowly from 0 that they tell how often an action was tried rather than how
# good it is. With $\alpha = 1$ an entry is whatever happened last, so it jumps with every item that comes. That costs
# less than one might think, but it costs. In between, an entry averages over many items.
#
# A constant 0.3 does exactly as well here as the falling one. That is chance, and no mistake: with either, three of the
# five seeds end at the optimum, and two at a policy that is worth 0.763. But only for steps that shrink, neither too
# fast nor too slowly, and while every action is tried again and again, is it *proved* that the table reaches the
# optimum (Watkins & Dayan, 1992).
#
# *Predict, then run.* What can be learned with $\gamma = 0$, when only the item in hand counts?

# %% tags=["nbval-ignore-output"]
discounts = {gamma: study(1, 0.02, gamma, name=f"gamma {gamma}").scores[:, -1] for gamma in (0, 0.5)}
discounts[1] = runs["alpha 1 to 0.02"].scores[:, -1]
plots.show(plots.bars_with_spread(discounts, x="gamma", y="utilization", runs="seeds", title="discount"))

# %% tags=["hide-cell"]
assert discounts[0].mean() < best - 0.05 and discounts[0.5].mean() > best - 0.02

# %% [markdown]
# A whisker is a 95 % interval of the mean over the five seeds.
#
# With $\gamma = 0$ little. The item in hand pays the same wherever it stands, so in truth all possible places are
# alike, and the entries only tell which of them was tried more often. In doubt `argmax` takes the first. So the result
# lies between that of a random choice, 0.605, and that of first_fit, 0.674, which always takes the first.
#
# Half of the future is already enough to tell good places from bad ones. The bars for 0.5 and 1 are alike for the same
# reason as above: three seeds each are optimal, and two end at 0.763.
#
# ## Long enough?
#
# *Predict, then run.* The falling step size, three times as many episodes, ten seeds: how far from the optimum is the
# worst of them?

# %%
run = study(1, 0.02, episodes=12_000, seeds=10, points=1, name="ten seeds")
print("utilization:", *(f"{value:.4f}" for value in run.scores[:, -1]))
print("optimal:", np.isclose(run.scores[:, -1], best, rtol=0, atol=1e-12).sum(), "of 10 seeds")

# %% [markdown]
# All ten are optimal, and not just close: the greedy policy of each table is worth exactly as much as the best there
# is. From nothing but rewards, the agent has found what no rule above does.
#
# What does it do differently? Let it and the best heuristic pack the same items: a wall, a cube, another wall.

# %%
rule = "deepest_bottom_left"
players = {"table": greedy_policy(run.tables[0]), rule: policies[rule]}
packed = {name: worlds.play(tiny, policy, seed=10) for name, policy in players.items()}
plots.show(plots.packings(packed, tiny.bin_size))

# %% [markdown]
# Both begin with the wall. The heuristic puts the cube on the floor, the lowest place there is, and then the second
# wall rests nowhere: the episode is over. The table puts the cube on top of the wall, and keeps the floor free.
#
# Nobody told it to. Look at the row for this state, with the cube in hand: what the table has learned, beside the
# exact value of each of the four places.

# %% tags=["nbval-ignore-output"]
heights, wall = np.zeros((2, 2), int), players["table"][1] // 2  # where the table puts a wall into the empty bin
heights[wall] = 2
row = state_number(heights, 0, 3, 2)
later = np.where(model.terminated, 0, values[model.next_states])
exact = (model.probabilities * (model.rewards + later)).sum(axis=2)
for action, entry in enumerate(run.tables[0][row]):
    place = "on the wall," if action // 2 == wall else "on the floor,"
    print(f"({action // 2}, {action % 2}) {place:<13} entry {entry:.2f}, exact {exact[row, action]:.2f}")

# %% tags=["hide-cell"]
assert run.tables[0][row].argmax() // 2 == wall

# %% [markdown]
# Exactly computed, the two places on the wall are worth 0.49 and the two on the floor 0.33, since a cube there often
# ends the episode early. The table has the largest entry in the right place. Others of its entries may be far off:
# what looks bad is seldom tried again, so it keeps what a few large early steps made of it. The greedy policy does not
# mind. It needs the best action, not four good estimates.
#
# ## Where the table ends
#
# If this works so well, why is there a lesson 02? Because of the number of rows. The next cell counts them for larger
# bins, still with two kinds of items. With a unit cube among the items every height map can be built, so the counts
# below are exact: the number of the last state, plus one. An entry takes 8 bytes.
#
# *Predict, then run.* A table for the bin of lesson 00, with 10 x 10 x 10 cells: does it fit your machine?

# %%
for length, width, height in [(2, 2, 3), (3, 3, 3), (5, 5, 5), (10, 10, 10)]:
    states = state_number(np.full((length, width), height), 1, height, 2) + 1
    size = 8 * states * length * width
    print(f"{length:>2} x {width:>2} x {height:>2}: {states:9.3g} states, {size:9.3g} bytes")

# %% [markdown]
# The table for 5 x 5 x 5 cells fits no machine. That for 10 x 10 x 10 has more entries than there are atoms in the
# universe, about $10^{80}$.
#
# Memory is only half of it. A table for 3 x 3 x 3 cells takes 38 megabytes, which is nothing. The next cell trains one
# with as many episodes as in the first study above.

# %% tags=["nbval-ignore-output"]
larger = worlds.TinyBin((3, 3, 3))
run = study(1, 0.02, world=larger, seeds=3, points=1)
fixed = worlds.policy_value(larger, worlds.heuristic_policy(larger, rule), 1.0)
visited = np.mean([(q > 0).any(axis=1).mean() for q in run.tables])
print("table, three seeds: ", *(f"{value:.3f}" for value in run.scores[:, -1]))
print(f"{rule}: {fixed:.3f}")
print(f"rows of the table that were ever visited: {visited:.1%}")

# %% tags=["hide-cell"]
assert (run.scores < fixed).all() and visited < 0.03

# %% [markdown]
# The table loses to a rule of one line. Nearly all of its rows are still empty, because a visit to one state teaches
# nothing about any other, however similar. It does not *generalize*.
#
# Where states are real numbers, hardly any state comes twice. A craft that is to land softly, say, is described by
# eight numbers, such as its position and its speed. Cutting each of them into pieces does not help: ten pieces each
# make $10^8$ rows, a hundred pieces $10^{16}$.
#
# ## Takeaways
#
# - State, action, reward, episode, policy: everything later in the course is made of these.
# - One step of learning moves one entry a part of the way towards reward plus discounted best of what follows. After
#   an end there is only the reward.
# - Knowledge flows backwards from where rewards are, and it does not matter how well the agent walked meanwhile.
# - Explore first, exploit later; take large steps first, small ones later. Compare over seeds.
# - Where the optimum can be computed, compute it: then "learned" is a fact.
# - A table does not generalize, and its size is exponential in the number of cells.
#
# ## Quiz
#
# 1. Why may an agent that acts at random learn an optimal policy?
# <details><summary>Answer</summary>The target takes the best next action, not the one that is taken. How the agent
# behaves only decides which entries learn, and chance tries all of them in the end.</details>
#
# 2. An episode is cut off after 200 steps. Why does the target keep its second term?
# <details><summary>Answer</summary>The world did not end there, only our patience. Without the term the agent would
# learn that nothing can follow that cell.</details>
#
# 3. In the maze even $\alpha = 1$ is as good as any. Why is it worse in the bin?
# <details><summary>Answer</summary>In the maze a step always leads to the same place, so the last target is as good as
# any. In the bin targets differ by the next item, and an entry must average over them.</details>
#
# 4. A wrong program reads the exit's row and writes $r + \gamma \cdot (-\infty)$ into the table. What happens next?
# <details><summary>Answer</summary>The entry before the exit becomes -inf, so the agent treats the way into the exit as
# impossible. If the cell has other entries, it walks around; the reward is never learned.</details>
#
# 5. Mirroring the bin changes nothing that matters. How could the table use that?
# <details><summary>Answer</summary>Keep one row for all mirror images of a height map: one visit teaches up to four
# states.</details>
#
# ## What comes next
#
# Lesson 02 replaces the table by a neural network that computes the row from the state: a deep Q-network. Similar
# states then share what they learn.
#
# ## References
#
# - R. Bellman (1957). Dynamic programming. Princeton University Press.
# - C. Watkins (1989). Learning from delayed rewards. PhD thesis, University of Cambridge.
# - C. Watkins, P. Dayan (1992). Q-learning. Machine Learning 8.
# - R. Sutton, A. Barto (2018). Reinforcement learning: an introduction, 2nd edition, chapters 3, 4 and 6. MIT Press.
