"""Every check of lesson 01: other right forms pass, each named mistake gets its own message; and the lesson's facts."""

import numpy as np
import pytest
from judging import verdict, wrong

from binpack.course.exercises.core import exercises_of
from binpack.course.l01_q_learning import exercises as lesson
from binpack.course.l01_q_learning import worlds


@pytest.mark.parametrize("exercise", exercises_of(lesson), ids=lambda exercise: exercise.name)
def test_an_answer_without_return_is_wrong(exercise):
    assert wrong(exercise, lambda *_: None)


# ----------------------------------------------------------------------------------------------- discounted_return


def backwards(rewards, gamma):
    total = 0.0
    for reward in reversed(rewards):
        total = reward + gamma * total
    return total


@pytest.mark.parametrize(
    "answer",
    [
        backwards,
        lambda rewards, gamma: np.dot(rewards, np.power(gamma, np.arange(len(rewards)))),
        lambda rewards, gamma: np.array(backwards(list(rewards), gamma)),
    ],
)
def test_discounted_return_in_other_forms(answer):
    assert verdict(lesson.discounted_return, answer).outcome == "correct"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda r, g: g * backwards(r, g), "the first reward counts in full"),
        (lambda r, g: sum(r), "it adds up the rewards without discounting them"),
        (lambda r, g: backwards(r[::-1], g), "the exponents run the wrong way"),
        (lambda r, g: g * sum(r), "every reward gets the same discount"),
        (lambda r, g: backwards(r, g) / max(len(r), 1), "it averages: a return is a sum"),
        (lambda r, g: [g**t * x for t, x in enumerate(r)], "should have shape (), not (4,)"),
        (lambda r, g: r[0] + g * backwards(r[1:], g) if r else 1.0, "an episode without steps has the return 0"),
        (lambda r, g: backwards(r, 0.5), "at gamma 0 only the first reward counts"),
        (lambda r, g: sum(g**t * x for t, x in enumerate(r) if x > 0), "rewards 0, -1, 2 at gamma 0.9"),
    ],
)
def test_mistakes_in_discounted_return(answer, message):
    assert message in wrong(lesson.discounted_return, answer)


# -------------------------------------------------------------------------------------------------- epsilon_greedy


def possible(values):
    return np.flatnonzero(values > -np.inf)


def by_choice(values, epsilon, rng):
    if rng.random() >= epsilon:
        return int(rng.choice(np.flatnonzero(values == values.max())))
    return rng.choice(possible(values))


def by_probabilities(values, epsilon, rng):
    mask = values > -np.inf
    chances = epsilon * mask / mask.sum()
    chances[values.argmax()] += 1 - epsilon
    return rng.choice(len(values), p=chances)


def by_loops(values, epsilon, rng):
    options = [action for action, value in enumerate(values) if np.isfinite(value)]
    if rng.uniform() < epsilon:
        return options[rng.integers(len(options))]
    return max(options, key=lambda action: values[action])


@pytest.mark.parametrize("answer", [by_choice, by_probabilities, by_loops])
def test_epsilon_greedy_in_other_forms(answer):
    assert verdict(lesson.epsilon_greedy, answer).outcome == "correct"


def egreedy(explore=None, exploit=None, test=lambda rng, epsilon: rng.random() < epsilon):
    """An answer with one part exchanged."""
    explore = explore or (lambda values, rng: int(rng.choice(possible(values))))
    exploit = exploit or (lambda values, rng: int(values.argmax()))
    return lambda values, epsilon, rng: (explore if test(rng, epsilon) else exploit)(values, rng)


def among_the_others(values, rng):
    return int(rng.choice([action for action in possible(values) if action != values.argmax()] or [0]))


def clears_the_row(values, epsilon, rng):
    action = by_choice(values, epsilon, rng)
    values[:] = 0
    return action


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (egreedy(explore=lambda values, rng: int(rng.integers(len(values)))), "it takes actions that are not possible"),
        (egreedy(test=lambda rng, epsilon: rng.random() > epsilon), "exploring and exploiting are exchanged"),
        (egreedy(exploit=lambda values, rng: 1), "at epsilon 0 it takes the lowest value"),
        (egreedy(test=lambda rng, epsilon: False), "at epsilon 1 it still exploits: is epsilon used?"),
        (egreedy(test=lambda rng, epsilon: True), "at epsilon 0 it should always take the action of highest value"),
        (egreedy(explore=among_the_others), "exploring leaves the best action out"),
        (
            egreedy(explore=lambda values, rng: int(rng.choice(possible(values), p=[0.2, 0.3, 0.5]))),
            "every possible action should be taken equally often",
        ),
        (egreedy(test=lambda rng, epsilon: rng.random() < epsilon**0.25), "at epsilon 0.3"),
        (egreedy(test=lambda rng, epsilon: rng.random() < epsilon**3), "at epsilon 0.3, one other action in 5 is due"),
        (egreedy(exploit=lambda values, rng: float(values.max())), "of type int, not float"),
        (egreedy(explore=lambda values, rng: int(np.random.choice(possible(values)))), "numpy's global generator"),  # noqa: NPY002
        (lambda values, epsilon, rng: values > 0, "should have shape (), not (5,)"),
        (lambda values, epsilon, rng: by_choice(values, epsilon, rng) + 1, "no action: choose one from 0 to 4"),
        (lambda values, epsilon, rng: by_choice(values, epsilon, rng) - 3, "no action: choose one from 0 to 4"),
        (clears_the_row, "the row of the table was changed"),
    ],
)
def test_mistakes_in_epsilon_greedy(answer, message):
    assert message in wrong(lesson.epsilon_greedy, answer)


# ------------------------------------------------------------------------------------------------------- td_update


def as_average(q, s, a, r, s2, end, alpha, gamma):
    target = r + (0 if end else gamma * max(q[s2]))
    error = target - q[s, a]
    q[s, a] = (1 - alpha) * q[s, a] + alpha * target
    return error


def by_branches(q, s, a, r, s2, end, alpha, gamma):
    best = np.max(q[s2, :]) if not end else 0.0
    error = np.array(r + gamma * best - q[s][a])
    q[s][a] += alpha * error
    return error


@pytest.mark.parametrize("answer", [as_average, by_branches])
def test_td_update_in_other_forms(answer):
    assert verdict(lesson.td_update, answer).outcome == "correct"


def td(target=None, step=None, returned=None, respects_end=True):
    """An answer with one part exchanged."""

    def answer(q, s, a, r, s2, end, alpha, gamma):
        old = q[s, a]
        goal = (target or right_target)(q, s, a, r, s2, gamma)
        if end and respects_end:
            goal = r
        q[s, a] = (step or (lambda old, goal, alpha: old + alpha * (goal - old)))(old, goal, alpha)
        return (returned or (lambda old, goal, new: goal - old))(old, goal, q[s, a])

    return answer


def right_target(q, s, a, r, s2, gamma):
    return r + gamma * q[s2].max()


def exchanged(q, s, a, r, s2, end, alpha, gamma):
    return as_average(q, s, a, r, s2, end, gamma, alpha)


def of_a_copy(q, *step):
    return as_average(q.copy(), *step)


def next_row(q, s, a, r, s2, end, alpha, gamma):
    return as_average(q, s2, a, r, s, end, alpha, gamma)


def whole_row(q, s, a, r, s2, end, alpha, gamma):
    error = as_average(q, s, a, r, s2, end, alpha, gamma)
    q[s] = q[s, a]
    return error


def forgets_the_last_step(q, s, a, r, s2, end, alpha, gamma):
    return 0.0 if end else as_average(q, s, a, r, s2, end, alpha, gamma)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (td(target=lambda q, s, a, r, s2, g: r + q[s2].max()), "where is gamma?"),
        (td(target=lambda q, s, a, r, s2, g: g * q[s2].max()), "the reward is missing"),
        (td(target=lambda q, s, a, r, s2, g: r), "the future is missing from the target"),
        (td(target=lambda q, s, a, r, s2, g: r + g * q[s2, a]), "the next state's entry of the same action"),
        (td(target=lambda q, s, a, r, s2, g: r + g * q[s2].mean()), "it averages over the next state's actions"),
        (td(target=lambda q, s, a, r, s2, g: g * (r + q[s2].max())), "gamma multiplies the reward too"),
        (td(target=lambda q, s, a, r, s2, g: r + g * q[s].max()), "in the state where the step began"),
        (td(target=lambda q, s, a, r, s2, g: r + g * np.abs(q[s2]).max()), "with negative entries it goes wrong"),
        (td(step=lambda old, goal, alpha: goal), "the entry became the whole target"),
        (td(step=lambda old, goal, alpha: old + alpha * goal), "alpha weighs the target alone"),
        (td(step=lambda old, goal, alpha: old - alpha * (goal - old)), "the error has the wrong sign"),
        (td(respects_end=False), "it looks for a best action in a state that has none"),
        (
            td(respects_end=False, target=lambda q, s, a, r, s2, g: r + g * max(q[s2].max(), -1e9)),
            "is the reward alone",
        ),
        (td(returned=lambda old, goal, new: None), "nothing is returned: return the error"),
        (td(returned=lambda old, goal, new: new - old), "it returns the change"),
        (td(returned=lambda old, goal, new: new), "it returns the new entry"),
        (td(returned=lambda old, goal, new: old - goal), "the error should be 1.5 + 0.5 x 6 - 2 = 2.5"),
        (exchanged, "alpha and gamma are exchanged"),
        (of_a_copy, "the table did not change: update q in place"),
        (next_row, "it changed another row than the state's"),
        (whole_row, "it changed entries of other actions"),
        (forgets_the_last_step, "it learns nothing from the last step"),
        (
            td(respects_end=False, target=lambda q, s, a, r, s2, g: r + g * max(q[s2].max(), 0)),
            "it ignores terminated",
        ),
    ],
)
def test_mistakes_in_td_update(answer, message):
    assert message in wrong(lesson.td_update, answer)


# ------------------------------------------------------------------------------------------------------ q_learning


def by_index(env, q, alphas, epsilons, gamma, rng):
    returns = np.zeros(len(alphas))
    for episode in range(len(alphas)):
        state = env.reset()[0]
        while True:
            action = by_choice(q[state], epsilons[episode], rng)
            after, reward, terminated, truncated, _ = env.step(action)
            as_average(q, state, action, reward, after, terminated, alphas[episode], gamma)
            returns[episode] += reward
            state = after
            if terminated or truncated:
                break
    return returns


def test_q_learning_in_another_form():
    assert verdict(lesson.q_learning, by_index).outcome == "correct"


def loop(**changes):
    """An answer with some parts exchanged."""
    flags = {
        "reset": lambda env: env.reset(),
        "choose": lesson.epsilon_greedy,
        "alpha": lambda alphas, episode: alphas[episode],
        "epsilon": lambda epsilons, episode: epsilons[episode],
        "gamma": lambda gamma: gamma,
        "end": lambda terminated, truncated: terminated,
        "over": lambda terminated, truncated: terminated or truncated,
        "move": lambda state, after: after,
        "add": lambda returns, total, reward, step: total + reward,
        "table": lambda q: q,
        "episodes": len,
        "learn": lambda over: True,
    } | changes

    def answer(env, q, alphas, epsilons, gamma, rng):
        q, returns = flags["table"](q), []
        for episode in range(flags["episodes"](alphas)):
            (state, _), total, over, step = flags["reset"](env), 0.0, False, 0
            while not over:
                action = flags["choose"](q[state], flags["epsilon"](epsilons, episode), rng)
                after, reward, terminated, truncated, _ = env.step(action)
                over = flags["over"](terminated, truncated)
                if flags["learn"](over):
                    end, alpha = flags["end"](terminated, truncated), flags["alpha"](alphas, episode)
                    lesson.td_update(q, state, action, reward, after, end, alpha, flags["gamma"](gamma))
                total, step = flags["add"](returns, total, reward, step), step + 1
                state = flags["move"](state, after)
            returns.append(total)
        return returns

    return answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda *parts: [loop()(*parts), None][1], "it returns nothing"),
        (lambda *parts: [], "no episode was played"),
        (loop(table=np.copy), "update q itself, not a copy"),
        (loop(episodes=lambda alphas: 1), "3 step sizes are 3 episodes; 1 were played"),
        (loop(move=lambda state, after: state), "does the next state become the state?"),
        (loop(alpha=lambda alphas, episode: alphas[0]), "every episode uses the first step size"),
        (loop(alpha=lambda alphas, episode: alphas[-1]), "every episode uses the last step size"),
        (loop(gamma=lambda gamma: 1.0), "gamma is not used"),
        (loop(learn=lambda over: not over), "learn from every step once"),
        (loop(add=lambda r, total, reward, step: total + 0.5**step * reward), "the returns are discounted"),
        (loop(add=lambda r, total, reward, step: reward), "it returns the last reward of each episode"),
        (
            loop(add=lambda r, total, reward, step: total + reward + (r[-1] if r and step == 0 else 0)),
            "the returns pile up",
        ),
        (loop(end=lambda terminated, truncated: terminated or truncated), "pass terminated alone"),
        (loop(over=lambda terminated, truncated: terminated), "it steps on after the end"),
        (loop(epsilon=lambda epsilons, episode: 1.0), "it explores at epsilon 0"),
        (loop(epsilon=lambda epsilons, episode: 0.0), "it does not explore at epsilon 1"),
        (loop(epsilon=lambda epsilons, episode: epsilons[0]), "it does not explore at epsilon 1"),
        (loop(choose=lambda values, epsilon, rng: 0), "it takes the worst action at epsilon 0"),
        (
            loop(choose=lambda values, epsilon, rng: int(np.random.randint(len(values)))),  # noqa: NPY002
            "global generator",
        ),
        (loop(reset=lambda env: env.reset(seed=0)), "it seeds each episode anew"),
    ],
)
def test_mistakes_in_q_learning(answer, message):
    assert message in wrong(lesson.q_learning, answer)


# --------------------------------------------------------------------------------------------------- greedy_policy


def policy_by_loops(q):
    return [int(np.argmax(row)) if np.isfinite(row).any() else -1 for row in q]


def policy_in_place(q):
    policy = np.argmax(q, axis=-1)
    policy[np.isneginf(q).all(axis=1)] = -1
    return policy


@pytest.mark.parametrize("answer", [policy_by_loops, policy_in_place])
def test_greedy_policy_in_other_forms(answer):
    assert verdict(lesson.greedy_policy, answer).outcome == "correct"


def overwrites_the_table(q):
    q[q == -np.inf] = -1e9
    return policy_by_loops(q)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda q: q.argmax(axis=0), "seek the best action in each row, along axis 1"),
        (lambda q: q.max(axis=1), "it returns the best values"),
        (lambda q: q.argmax(axis=1), "state 1 has no possible action: put -1 there"),
        (lambda q: np.array(policy_by_loops(q)) + (q.max(axis=1) > -np.inf), "it counts actions from 1"),
        (lambda q: np.where(np.isfinite(q).any(1), np.where(q > -np.inf, q, np.inf).argmin(1), -1), "worst actions"),
        (lambda q: np.where(np.isfinite(q).all(1), q.argmax(1), -1), "-1 belongs only where no action"),
        (lambda q: np.where(q.argmax(1) > 0, q.argmax(1), -1), "0 is an action too"),
        (lambda q: np.where(np.isfinite(q), q, 0).argmax(axis=1), "it takes an action at -inf for the best one"),
        (lambda q: int(q.argmax()), "should have shape (5,), not ()"),
        (lambda q: np.where(q.max(1) > -np.inf, np.where(q.argmax(1) < 3, q.argmax(1), 0), -1), "6 actions"),
        (overwrites_the_table, "the table was changed"),
    ],
)
def test_mistakes_in_greedy_policy(answer, message):
    assert message in wrong(lesson.greedy_policy, answer)


# ---------------------------------------------------------------------------------------------------- state_number


def by_powers(heights, item, bin_height, items):
    digits = [int(height) for height in np.asarray(heights).flat]
    number = sum(digit * (bin_height + 1) ** place for place, digit in enumerate(digits[::-1]))
    return number * items + item


def by_text(heights, item, bin_height, items):
    number = 0
    for row in heights.tolist():
        for height in row:
            number = (bin_height + 1) * number + height
    return items * number + item


@pytest.mark.parametrize("answer", [by_powers, by_text])
def test_state_number_in_other_forms(answer):
    assert verdict(lesson.state_number, answer).outcome == "correct"


def in_numpy(heights, item, bin_height, items):
    number = np.int64(0)
    for height in heights.reshape(-1):
        number = number * (bin_height + 1) + height
    return number * items + item


def clears_the_map(heights, item, bin_height, items):
    number = by_powers(heights, item, bin_height, items)
    heights[:] = 0
    return number


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda h, i, top, k: by_powers(h, i, top - 1, k), "a cell has H + 1 heights, from 0 to H"),
        (lambda h, i, top, k: by_powers(h, 0, top, 1), "the item is left out: the same heights"),
        (lambda h, i, top, k: by_powers(h, 0, top, k), "the last digit is always 0"),
        (lambda h, i, top, k: by_powers(h.T, i, top, k), "the cells are read column by column"),
        (lambda h, i, top, k: by_powers(h[::-1, ::-1], i, top, k), "the cells are read backwards"),
        (
            lambda h, i, top, k: i * (top + 1) ** h.size + by_powers(h, 0, top, 1),
            "the item is the first digit, but it should be the last",
        ),
        (lambda h, i, top, k: by_powers(h, i, 4, 5), "should use the numbers 0 to 161, each once"),
        (in_numpy, "on a floor of 10 x 10"),
        (lambda h, i, top, k: int(float(by_powers(h, i, top, k))), "on a floor of 10 x 10 digits are lost"),
        (lambda h, i, top, k: (tuple(h.reshape(-1)), i), "cannot be turned into an array"),
        (lambda h, i, top, k: float(by_powers(h, i, top, k)), "should be of type int, not float"),
        (clears_the_map, "the height map was changed"),
    ],
)
def test_mistakes_in_state_number(answer, message):
    assert message in wrong(lesson.state_number, answer)


# ----------------------------------------------------------------------------------------------------- value_sweep


def sweep_by_loops(values, model, possible, gamma):
    better = np.zeros(len(values))
    for state in range(len(values)):
        worth = []
        for action in np.flatnonzero(possible[state]):
            outcomes = zip(*(part[state, action] for part in model), strict=True)
            worth.append(sum(p * (r + (0 if end else gamma * values[after])) for p, after, r, end in outcomes))
        better[state] = max(worth, default=0.0)
    return better


def sweep_by_einsum(values, model, possible, gamma):
    p, after, r, end = model
    expected = np.einsum("sak,sak->sa", p, r + gamma * values[after] * ~end)
    expected[~possible] = -1e9
    return possible.any(axis=1) * expected.max(axis=1)


@pytest.mark.parametrize("answer", [sweep_by_loops, sweep_by_einsum])
def test_value_sweep_in_other_forms(answer):
    assert verdict(lesson.value_sweep, answer).outcome == "correct"


def sweep(expected, reduce=None):
    """An answer with the expectation or the maximum exchanged."""

    def answer(values, model, possible, gamma):
        worth = expected(*model, values, gamma).sum(axis=2)
        best = (reduce or (lambda worth, possible: np.where(possible, worth, -np.inf).max(axis=1)))(worth, possible)
        return np.where(possible.any(axis=1), best, 0.0)

    return answer


def full(p, after, r, end, values, gamma):
    return p * (r + gamma * np.where(end, 0, values[after]))


def in_place(values, model, possible, gamma):
    values[:] = sweep_by_loops(values, model, possible, gamma)
    return values


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (sweep(lambda p, n, r, e, v, g: p * (r + g * v[n])), "it ignores terminated"),
        (sweep(lambda p, n, r, e, v, g: p * g * np.where(e, 0, v[n])), "the rewards are missing"),
        (sweep(lambda p, n, r, e, v, g: full(p, n, r, e, v, 1.0)), "gamma is not used"),
        (sweep(lambda p, n, r, e, v, g: r + p * g * np.where(e, 0, v[n])), "the rewards are not weighed"),
        (sweep(lambda p, n, r, e, v, g: full(1.0, n, r, e, v, g)), "not weighed by their probabilities"),
        (sweep(lambda p, n, r, e, v, g: ~e * full(p, n, r, e, v, g)), "the reward of the last step is lost"),
        (sweep(lambda p, n, r, e, v, g: p * r), "the future is missing"),
        (
            sweep(full, lambda worth, possible: (worth * possible).sum(1) / np.maximum(possible.sum(1), 1)),
            "it averages over the actions",
        ),
        (sweep(full, lambda worth, possible: worth.max(axis=1)), "impossible actions, worth 0, win over losses"),
        (
            sweep(full, lambda worth, possible: np.where(possible, worth, np.inf).min(axis=1)),
            "it takes the worst action",
        ),
        (
            lambda v, model, ok, g: np.where(ok, full(*model, v, g).sum(axis=2), -np.inf).max(axis=1),
            "a state without a possible action is worth 0",
        ),
        (
            lambda v, model, ok, g: np.where(ok.any(axis=1), sweep_by_loops(v, model, ok, g), v),
            "state 3 has no possible action and should be worth 0",
        ),
        (lambda v, model, ok, g: full(*model, v, g).sum(axis=2), "should have shape (4,), not (4, 2)"),
        (in_place, "the old values were changed"),
    ],
)
def test_mistakes_in_value_sweep(answer, message):
    assert message in wrong(lesson.value_sweep, answer)


# --------------------------------------------------------------------------------------------------- the lesson's facts


def train(world, episodes, seeds, *, epsilons=None, gamma=1.0, judge=1.0, alphas=None):
    """Train with the reference solutions."""
    return lesson.train_seeds(
        lesson.q_learning,
        lesson.greedy_policy,
        world,
        alphas=np.linspace(1, 0.02, episodes) if alphas is None else alphas,
        epsilons=np.linspace(1, 0.05, episodes) if epsilons is None else epsilons,
        gamma=gamma,
        seeds=seeds,
        judge=judge,
    )


def test_the_table_reaches_the_exact_optimum_of_the_tiny_bin_in_every_one_of_ten_seeds():
    tiny = worlds.TinyBin()
    run = train(tiny, 12_000, range(10))
    assert np.allclose(run.scores[:, -1], worlds.optimum(tiny, 1.0), rtol=0, atol=1e-12)


def test_with_gamma_0_it_does_not():
    tiny = worlds.TinyBin()
    assert (train(tiny, 3000, range(3), gamma=0.0).scores[:, -1] < worlds.optimum(tiny, 1.0) - 0.05).all()


def test_exploration_that_falls_from_1_finds_the_far_exit_and_a_constant_low_one_does_not():
    maze, best = worlds.Maze(), worlds.optimum(worlds.Maze(), 0.95)
    settings = {"alphas": np.full(300, 0.5), "gamma": 0.95, "judge": 0.95}
    falling = train(maze, 300, range(8), **settings)
    constant = train(maze, 300, range(8), epsilons=np.full(300, 0.1), **settings)
    assert np.allclose(falling.scores[:, -1], best) and (constant.scores[:, -1] < best - 1).all()


def test_runs_can_be_repeated_and_are_measured_on_the_way():
    tiny = worlds.TinyBin()
    schedules = {"alphas": np.full(60, 0.5), "epsilons": np.full(60, 0.5), "gamma": 1.0, "seeds": (0, 1), "points": 3}
    first, second = (lesson.train_seeds(lesson.q_learning, lesson.greedy_policy, tiny, **schedules) for _ in range(2))
    assert first.episodes.tolist() == [20, 40, 60] and first.scores.shape == (2, 3) and first.returns.shape == (2, 60)
    assert np.array_equal(first.returns, second.returns) and np.array_equal(first.tables, second.tables)
    once = lesson.train_seeds(lesson.q_learning, lesson.greedy_policy, tiny, **schedules | {"points": 1})
    assert np.array_equal(once.tables, first.tables), "measuring does not change what is learned"
