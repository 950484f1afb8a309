# %% [markdown]
# # 01 Q-learning
#
# *60 minutes. Builds on lesson 00, and on numpy.*
#
# When you are done you can
#
# - describe a task by states, actions and rewards;
# - write an agent that learns a table of values from nothing but rewards;
# - choose step size, discount and exploration by what they do, over several seeds;
# - compute the exact optimum of a small task, and say whether an agent has reached it;
# - count the states of a larger one, and say why no table will do.
#
# Lesson 00 showed four packers on the same items: random, a heuristic, default PPO and tuned PPO. The last two
# learned from rewards alone. This lesson builds the smallest agent that does: all it knows is a table. PPO runs the
# same loop (act, observe, improve) with a network in its place.
#
# ## A maze
#
# The agent starts at S and sees only the number of its cell. It knows nothing of walls, nor of exits that pay what is
# written on them.

# %%
import numpy as np

from binpack import plots
from binpack.course import exercises as ex
from binpack.course.l01_q_learning import exercises as lab
from binpack.course.l01_q_learning import figures, worlds

maze = worlds.Maze()
plots.show(figures.maze(maze.rows))
state, info = maze.reset(seed=0)
print("start in state", state)
for action, name in [(0, "up"), (0, "up"), (3, "left")]:
    state, reward, terminated, truncated, info = maze.step(action)
    print(f"{name:<5} -> state {state}, reward {reward:g}, terminated {terminated}, truncated {truncated}")

# %% [markdown]
# Both steps up ran into a wall.
#
# | word | here |
# | --- | --- |
# | state $s$ | the number of the cell |
# | action $a$ | 0 up, 1 right, 2 down, 3 left |
# | reward $r$ | 0, or at an exit its number |
# | episode | from S to an exit (*terminated*), or cut off after 200 steps (*truncated*) |
# | policy | which action to take in each state |
# | return $G$ | what an episode earns: $G = r_1 + \gamma r_2 + \gamma^2 r_3 + \dots$ |
#
# The discount $\gamma$ says how much a reward is worth one step later. Exit 1 is 4 steps away, exit 3 is 7.

# %% [exercise q_learning.discounted_return]

# %% [markdown]
# So exit 3 is the better one where $3\gamma^6 > \gamma^3$: from $\gamma \approx 0.69$ upwards.
#
# ## A table of values
#
# $Q(s, a)$ estimates the return from doing $a$ in $s$ and acting well ever after: one row a state, one column an
# action, -inf where it is not possible. To *exploit* is to take the row's largest entry. But an entry improves only if
# its action is tried, so now and then *explore*.

# %% [exercise q_learning.epsilon_greedy]

# %% [markdown]
# Each step is evidence for one entry (Watkins & Dayan, 1992):
#
# $$Q(s, a) \leftarrow Q(s, a) + \alpha \, \bigl[\, r + \gamma \max_{a'} Q(s', a') - Q(s, a) \,\bigr]$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $Q(s, a)$ | `q[state, action]` | the entry that learns |
# | $r$, $s'$ | `reward`, `next_state` | what the world answered |
# | $\max_{a'} Q(s', a')$ | `q[next_state].max()` | best that can follow; 0 if the episode terminated |
# | $[\dots]$ | `error` | temporal-difference error: target minus estimate |
# | $\alpha$, $\gamma$ | `alpha`, `gamma` | step size (learning rate), discount |
#
# The target takes the best next action even if the agent then tries another: Q-learning is *off-policy*.

# %% [exercise q_learning.td_update]

# %% [exercise q_learning.q_learning]

# %% [exercise q_learning.greedy_policy]

# %% [markdown]
# Now train, with $\epsilon$ falling from 1 to 0.05. Colours show the best value of each cell, arrows the greedy policy.
#
# *Predict, then run.* How many cells have an arrow after the first episode? Where does the way lead at $\gamma = 0.5$?


# %%
def train_maze(episodes, gamma):
    q, epsilons = maze.new_table(), np.linspace(1, 0.05, 300)[:episodes]
    q_learning(maze, q, np.full(episodes, 0.5), epsilons, gamma, np.random.default_rng(4))
    return q


tables = [train_maze(episodes, gamma) for episodes, gamma in [(1, 0.95), (10, 0.95), (300, 0.95), (300, 0.5)]]
values = [np.where(maze.possible.any(axis=1), q.max(axis=1), 0.0) for q in tables]
names = ["1 episode", "10 episodes", "300 episodes", "300 episodes, gamma 0.5"]
plots.show(figures.maze(maze.rows, values, [greedy_policy(q) for q in tables], names, title="what the table knows"))
print("cells with an arrow:", *((value > 0).sum() for value in values))
for gamma, value in [(0.95, values[2]), (0.5, values[3])]:
    near, far = discounted_return([0, 0, 0, 1], gamma), discounted_return([0] * 6 + [3], gamma)
    print(f"gamma {gamma}: exit 1 is worth {near:.3f}, exit 3 {far:.3f}; learned at the start {value[22]:.3f}")

# %% [markdown]
# The first episode that finds an exit teaches one cell, the last before it; the next may teach that cell's neighbour.
# So values flow backwards. With both discounts the start has learned the better of the two returns.
#
# ## How much to explore
#
# *Predict, then run.* Four exploration rates: 0.1, 0.5, from 1 down to 0.05, and 1, pure chance. Which leads to the
# best greedy policy, and which earned most on the way? `train_seeds` measures the greedy policy exactly, without
# playing.

# %%
n, seeds = 300, range(5)
rates = {"0.1": np.full(n, 0.1), "0.5": np.full(n, 0.5), "1 to 0.05": np.linspace(1, 0.05, n), "1": np.ones(n)}
common = {"alphas": np.full(n, 0.5), "gamma": 0.95, "judge": 0.95, "seeds": seeds, "points": 30}
runs = {name: lab.train_seeds(q_learning, greedy_policy, maze, epsilons=rate, **common) for name, rate in rates.items()}
curves = {f"epsilon {name}": (run.episodes, run.scores) for name, run in runs.items()}
plots.show(plots.curves_with_spread(curves, x="episodes", y="value of the greedy policy", spread="range"))
best = worlds.optimum(maze, 0.95)
print(f"optimum {best:.3f}")
for name, run in runs.items():
    there = np.isclose(run.scores[:, -1], best).sum()
    print(
        f"epsilon {name:<10} optimal in {there} of {len(seeds)} seeds; mean reward {run.returns.mean():.2f} an episode"
    )

# %% [markdown]
# Bands span five seeds; below they are 95 % intervals. The curves of 0.1 and 0.5 soon coincide: both find the
# near exit first and hardly ever get past it. Pure chance learns the best policy but never uses it. Falling from 1 gets
# both.
#
# ## A bin that fits a table
#
# Now packing: a bin of 2 x 2 x 3 cells, each next item a unit cube or a wall of 1 x 2 x 2, with equal chances, never
# turned. An action is the cell for its corner; the whole base must rest. The state is height map and next item:
#
# $$s = \bigl( (h_1 (H + 1) + h_2)(H + 1) + \dots \bigr) K + k$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $h_1, h_2, \dots$ | `heights` | height map: how high each cell of the floor is filled, row by row |
# | $H$ | `bin_height` | each height is one of $H + 1$ |
# | $k$, $K$ | `item`, `items` | next item, number of kinds |

# %% [exercise q_learning.state_number]

# %% [markdown]
# With 512 states the optimum can be computed. Knowing what may follow each action, look one step ahead from every
# state, then again from the result (Bellman, 1957):
#
# $$V(s) \leftarrow \max_a \sum_k p_k \, \bigl( r_k + \gamma V(s'_k) \bigr)$$
#
# | symbol | variable | meaning |
# | --- | --- | --- |
# | $V(s)$ | `values` | best expected return from $s$ |
# | $k$, $p_k$ | last axis of `model`, `probabilities` | an outcome of the action, its probability |
# | $r_k$, $s'_k$ | `rewards`, `next_states` | its reward and next state |

# %% [exercise q_learning.value_sweep]

# %% [markdown]
# The reward is the item's share of the bin, so with $\gamma = 1$ the return is the utilization.
#
# *Predict, then run.* After how many sweeps do the values stop changing? Is a heuristic optimal in so small a bin?

# %%
tiny = worlds.TinyBin((2, 2, 3))
state, _ = tiny.reset(seed=1)
assert state == state_number(np.zeros((2, 2), int), state % 2, 3, 2)  # the bin numbers its states as you do
model, values, sweeps = tiny.model(), np.zeros(512), 0
while not np.array_equal(values, better := value_sweep(values, model, tiny.possible, 1.0)):
    values, sweeps = better, sweeps + 1
best = values[:2].mean()  # the empty bin with either item
print(f"optimum {best:.4f}, after {sweeps} sweeps")
policies = {"random": worlds.random_policy(tiny)}
policies |= {name: worlds.heuristic_policy(tiny, name) for name in ("first_fit", "deepest_bottom_left", "roughness")}
for name, policy in policies.items():
    print(f"{name:<20} {worlds.policy_value(tiny, policy, 1.0):.4f}")

# %% [markdown]
# No episode has more than 12 steps, so 12 sweeps see to its end. All numbers are exact. The heuristics (lesson
# 03) fall short: they see the item in hand, not what may come.
#
# *Predict, then run.* Which step size is best: 0.02, 0.3, 1, or falling from 1 to 0.02? And what can be learned with
# $\gamma = 0$, when the item in hand earns the same wherever it stands?


# %%
def study(first, last, gamma=1.0, world=tiny, episodes=4000, seeds=5, points=10):
    schedules = {"alphas": np.linspace(first, last, episodes), "epsilons": np.linspace(1, 0.05, episodes)}
    settings = {"gamma": gamma, "seeds": range(seeds), "points": points}
    return lab.train_seeds(q_learning, greedy_policy, world, **schedules, **settings)


steps = {"0.02": (0.02, 0.02), "0.3": (0.3, 0.3), "1": (1, 1), "1 to 0.02": (1, 0.02)}
runs = {f"alpha {name}": study(*ends) for name, ends in steps.items()}
curves = {name: (run.episodes, run.scores) for name, run in runs.items()}
curves["optimum"] = [0, 4000], [[best, best]]
plots.show(plots.curves_with_spread(curves, x="episodes", y="expected utilization", title="step size, gamma 1"))
discounts = {gamma: study(1, 0.02, gamma).scores[:, -1] for gamma in (0, 0.5)}
discounts[1] = runs["alpha 1 to 0.02"].scores[:, -1]
title = "discount, step size 1 to 0.02"
plots.show(plots.bars_with_spread(discounts, x="gamma", y="expected utilization", runs="seeds", title=title))
for name, run in runs.items():
    short = best - run.scores[:, -1]
    print(f"{name:<16} short of the optimum by {short.mean():.4f} on average, {short.max():.4f} at worst")

# %% [markdown]
# The next item is chance. With $\alpha = 1$ an entry is whatever happened last, and jumps. With 0.02 entries rise so
# slowly from 0 that they tell how often an action was tried, not how good it is. A constant 0.3 matches the falling one
# here, but convergence is proved only for steps that shrink, not too fast, while every action is tried again and again
# (Watkins & Dayan, 1992). With $\gamma = 0$ all placements look alike.
#
# ## Optimal, ten times out of ten
#
# *Predict, then run.* The last setting, three times as long: how far from the optimum is the worst of ten seeds?

# %%
run = study(1, 0.02, episodes=12_000, seeds=10, points=1)
print("expected utilization:", *(f"{value:.4f}" for value in run.scores[:, -1]))
print("optimal seeds:", np.isclose(run.scores[:, -1], best, rtol=0, atol=1e-12).sum(), "of 10")
players = {"table": greedy_policy(run.tables[0]), "deepest_bottom_left": policies["deepest_bottom_left"]}
for name, policy in players.items():
    boxes = worlds.play(tiny, policy, seed=10)
    plots.show(plots.packing(boxes, tiny.bin_size, title=f"{name}: {boxes[:, 3:].prod(axis=1).sum() / 12:.0%}"))

# %% [markdown]
# Both got a wall, a cube, another wall. The heuristic puts the cube on the floor, the lowest place, and the second wall
# rests nowhere. The table puts it on top of the first. Nobody told it to: bad endings lowered the entry for the floor.
#
# ## Where the table ends
#
# With a unit cube among the items every height map can be built, so these counts are exact: the last state's number
# plus one. An entry takes 8 bytes.

# %%
for length, width, height in [(2, 2, 3), (3, 3, 3), (5, 5, 5), (10, 10, 10)]:
    states = state_number(np.full((length, width), height), 1, height, 2) + 1
    size = 8 * states * length * width
    print(f"{length:>2} x {width:>2} x {height:>2}: {states:9.3g} states, {size:9.3g} bytes")
for cuts in (10, 100):
    print(f"eight continuous numbers, each cut into {cuts:>3}: {cuts**8:.0e} states")
larger = worlds.TinyBin((3, 3, 3))
run = study(1, 0.02, world=larger, seeds=3, points=1)
rule = worlds.policy_value(larger, worlds.heuristic_policy(larger, "deepest_bottom_left"), 1.0)
seen = np.mean([(q > 0).any(axis=1).mean() for q in run.tables])
print("3 x 3 x 3, table:", *(f"{value:.3f}" for value in run.scores[:, -1]), "after 4,000 episodes")
print(f"3 x 3 x 3, deepest_bottom_left: {rule:.3f}; rows of the table ever visited: {seen:.1%}")

# %% [markdown]
# The table of a 5 x 5 x 5 bin fits no machine; that of a 10 x 10 x 10 bin has more entries than the universe has atoms
# (about $10^{80}$). At 3 x 3 x 3 the table fits, and after as many episodes as above it loses to a rule of one line: a
# visit to one state teaches nothing about another, however similar. Continuous states, such as a lander's position and
# speed, hardly ever come twice, and cutting them explodes alike.
#
# ## Takeaways
#
# - State, action, reward; a policy; the return. Everything later in the course is made of these.
# - An update moves one entry towards reward plus the discounted best of what follows; after termination, the reward.
# - Explore first, exploit later; large steps first, small ones later. Compare over seeds.
# - Where the optimum can be computed, compute it: then "learned" is a fact.
# - A table does not generalize, and its size is exponential in the number of cells.
#
# ## Quiz
#
# 1. Why may an agent that acts at random learn an optimal policy?
# <details><summary>Answer</summary>The target takes the best next action, not the one taken. Behaviour only decides
# which entries learn, and chance tries all in the end.</details>
#
# 2. An episode is cut off after 200 steps. Why does the target keep its second term?
# <details><summary>Answer</summary>The world did not end there, only our patience. Without the term the agent would
# learn that nothing can follow that cell.</details>
#
# 3. In a maze even $\alpha = 1$ works. Why not in the bin?
# <details><summary>Answer</summary>In the maze a step always leads to the same place. In the bin targets differ by the
# next item, and the entry must average over them.</details>
#
# 4. Mirroring the bin changes nothing that matters. How could the table use that?
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
# - C. Watkins, P. Dayan (1992). Q-learning. Machine Learning 8.
# - R. Sutton, A. Barto (2018). Reinforcement learning: an introduction, 2nd edition, chapters 3, 4 and 6. MIT Press.
