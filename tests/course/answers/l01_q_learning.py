"""What learners may write in lesson 01."""

import random

import numpy as np

if "td_update" not in globals():  # in the lesson these are the learner's own
    from binpack.course.l01_q_learning.exercises import epsilon_greedy, td_update

# -------------------------------------------------------------------------------------------------------- td_update


def td_update__weighted_mean(q, s, a, r, s2, ended, alpha, gamma):
    target = r
    if not ended:
        target = r + gamma * max(q[s2])
    error = target - q[s, a]
    q[s, a] = (1 - alpha) * q[s, a] + alpha * target
    return error


def td_update__continues(q, state, action, reward, next_state, terminated, alpha, gamma):
    best = 0.0 if terminated else np.max(q[next_state, :])
    error = np.array(reward + gamma * best - q[state][action])
    q[state][action] += alpha * error
    return error


def td_update__row(q, state, action, reward, next_state, terminated, alpha, gamma):
    row, before = q[state], q[state, action]
    follows = [] if terminated else list(q[next_state])
    row[action] = before + alpha * (reward + gamma * max(follows, default=0) - before)
    return np.float64((row[action] - before) / alpha)


def td_update__wrong_no_gamma(q, s, a, r, s2, ended, alpha, gamma):
    """the largest entry of the next state is not discounted: where is gamma?"""
    error = r + (0 if ended else q[s2].max()) - q[s, a]
    q[s, a] += alpha * error
    return error


def td_update__wrong_always_looks_ahead(q, s, a, r, s2, ended, alpha, gamma):
    """it ignores terminated"""
    error = r + gamma * q[s2].max() - q[s, a]
    q[s, a] += alpha * error
    return error


def td_update__wrong_zero_times_inf(q, s, a, r, s2, ended, alpha, gamma):
    """0 times -inf is nan"""
    error = r + gamma * float(q[s2].max()) * (1 - ended) - q[s, a]
    q[s, a] += alpha * error
    return error


def td_update__wrong_argmax(q, s, a, r, s2, ended, alpha, gamma):
    """the target takes argmax"""
    error = r + (0 if ended else gamma * np.argmax(q[s2])) - q[s, a]
    q[s, a] += alpha * error
    return error


def td_update__wrong_assigns(q, s, a, r, s2, ended, alpha, gamma):
    """the entry is replaced by alpha times the error"""
    error = r + (0 if ended else gamma * q[s2].max()) - q[s, a]
    q[s, a] = alpha * error
    return error


def td_update__wrong_leaves_early(q, s, a, r, s2, ended, alpha, gamma):
    """after the end it returns the reward at once"""
    if ended:
        return r
    error = r + gamma * q[s2].max() - q[s, a]
    q[s, a] += alpha * error
    return error


def td_update__wrong_masked_end(q, s, a, r, s2, ended, alpha, gamma):
    """got q[state, action]: 0, returned: -1, the other entries:"""
    best = q[s2].max()
    error = r + gamma * (best if best > 0 and not ended else 0) - q[s, a]
    q[s, a] += alpha * error
    return error


def td_update__wrong_same_action(q, s, a, r, s2, ended, alpha, gamma):
    """the target takes the next state's entry of the same action"""
    error = r + (0 if ended else gamma * q[s2, a]) - q[s, a]
    q[s, a] += alpha * error
    return error


def td_update__wrong_alpha_on_target(q, s, a, r, s2, ended, alpha, gamma):
    """alpha weighs the target alone"""
    target = r + (0 if ended else gamma * q[s2].max())
    error = target - q[s, a]
    q[s, a] += alpha * target
    return error


def td_update__wrong_copy(q, s, a, r, s2, ended, alpha, gamma):
    """the table does not change: write into q[state, action]"""
    q = q.copy()
    error = r + (0 if ended else gamma * q[s2].max()) - q[s, a]
    q[s, a] += alpha * error
    return error


def td_update__wrong_whole_row(q, s, a, r, s2, ended, alpha, gamma):
    """the whole row of the state moves"""
    error = r + (0 if ended else gamma * q[s2].max()) - q[s, a]
    q[s] += alpha * error
    return error


def td_update__wrong_returns_change(q, s, a, r, s2, ended, alpha, gamma):
    """the change is returned: return the error, before alpha"""
    change = alpha * (r + (0 if ended else gamma * q[s2].max()) - q[s, a])
    q[s, a] += change
    return change


def td_update__wrong_no_return(q, s, a, r, s2, ended, alpha, gamma):
    """the error should be one number, not None: is there a return?"""
    q[s, a] += alpha * (r + (0 if ended else gamma * q[s2].max()) - q[s, a])


def td_update__wrong_prints(q, s, a, r, s2, ended, alpha, gamma):
    """it prints its answer and returns None"""
    error = r + (0 if ended else gamma * q[s2].max()) - q[s, a]
    q[s, a] += alpha * error
    print(error)


# ---------------------------------------------------------------------------------------------------- greedy_policy


def greedy_policy__loops(q):
    return [int(np.argmax(row)) if np.isfinite(row).any() else -1 for row in q]


def greedy_policy__floats(q):
    policy = np.argmax(q, axis=-1).astype(float)
    policy[np.isneginf(q).all(axis=1)] = -1
    return policy


def greedy_policy__plain_python(q):
    policy = []
    for row in q.tolist():
        best = max(row)
        policy.append(row.index(best) if best > -np.inf else -1)
    return tuple(policy)


def greedy_policy__wrong_axis(q):
    """look along each row, axis 1"""
    return q.argmax(axis=0)


def greedy_policy__wrong_no_minus_one(q):
    """a state without a possible action gets 0: put -1 there"""
    return q.argmax(axis=1)


def greedy_policy__wrong_values(q):
    """the policy should be an array of whole numbers"""
    return q.max(axis=1)


def greedy_policy__wrong_any_impossible(q):
    """-1 is put into every state in which some action is impossible"""
    return np.where(np.isfinite(q).all(axis=1), q.argmax(axis=1), -1)


def greedy_policy__wrong_losses(q):
    """-1 is put where the largest entry is not above 0"""
    return np.where(q.max(axis=1) > 0, q.argmax(axis=1), -1)


def greedy_policy__wrong_from_one(q):
    """it counts actions from 1"""
    return np.where(q.max(axis=1) > -np.inf, q.argmax(axis=1) + 1, -1)


def greedy_policy__wrong_mends_the_table(q):
    """it changes its argument q"""
    q[q == -np.inf] = -1e9
    return np.where(q.max(axis=1) > -1e9, q.argmax(axis=1), -1)


def greedy_policy__wrong_one_action(q):
    """should be an array of whole numbers"""
    return {state: int(row.argmax()) for state, row in enumerate(q)}


# ------------------------------------------------------------------------------------------------ discounted_return


def discounted_return__backwards(rewards, gamma):
    total = 0
    for reward in reversed(rewards):
        total = reward + gamma * total
    return total


def discounted_return__numpy(rewards, gamma):
    return np.dot(rewards, np.power(gamma, np.arange(len(rewards))))


def discounted_return__factor(rewards, gamma):
    total, factor = np.zeros(()), 1.0
    for reward in rewards:
        total, factor = total + factor * reward, factor * gamma
    return total


def discounted_return__wrong_once_too_often(rewards, gamma):
    """discounted once too often: the first reward counts in full"""
    return sum(gamma**t * reward for t, reward in enumerate(rewards, start=1))


def discounted_return__wrong_sum(rewards, gamma):
    """the rewards are added up without a discount"""
    return sum(rewards)


def discounted_return__wrong_direction(rewards, gamma):
    """the exponents run the wrong way"""
    total = 0.0
    for reward in rewards:
        total = reward + gamma * total
    return total


def discounted_return__wrong_times_t(rewards, gamma):
    """it is gamma to the power t"""
    return sum(gamma * t * reward for t, reward in enumerate(rewards))


def discounted_return__wrong_empty(rewards, gamma):
    """stopped with IndexError"""
    return rewards[0] + sum(gamma**t * reward for t, reward in enumerate(rewards[1:], start=1))


def discounted_return__wrong_gains_only(rewards, gamma):
    """got 1.62, expected 0.72, for rewards=[0, -1, 2], gamma=0.9"""
    return sum(gamma**t * reward for t, reward in enumerate(rewards) if reward > 0)


def discounted_return__wrong_list(rewards, gamma):
    """the return should be one number"""
    return [gamma**t * reward for t, reward in enumerate(rewards)]


def discounted_return__wrong_returns_early(rewards, gamma):
    """the return should be one number, not None: is there a return?"""
    for t, reward in enumerate(rewards):
        return gamma**t * sum(rewards) if reward < 0 else None


# --------------------------------------------------------------------------------------------------- epsilon_greedy
# The first two, with which the lesson is run, draw from rng as the reference does: its numbers stay what they are.


def epsilon_greedy__list(values, epsilon, rng):
    options = [action for action, value in enumerate(values) if np.isfinite(value)]
    if rng.uniform() < epsilon:
        return options[int(rng.uniform() * len(options))]
    return max(options, key=lambda action: values[action])


def epsilon_greedy__mask(values, epsilon, rng):
    explore = rng.random() < epsilon
    if not explore:
        return np.argmax(values)
    possible = np.nonzero(~np.isneginf(values))[0]
    return possible[np.floor(rng.random() * possible.size).astype(int)]


def epsilon_greedy__choice(values, epsilon, rng):
    if rng.random() >= epsilon:
        return rng.choice(np.flatnonzero(values == values.max()))
    return rng.choice(np.flatnonzero(values > -np.inf))


def epsilon_greedy__probabilities(values, epsilon, rng):
    mask = values > -np.inf
    chances = epsilon * mask / mask.sum()
    chances[values.argmax()] += 1 - epsilon
    return float(rng.choice(len(values), p=chances))


def epsilon_greedy__wrong_library(values, epsilon, rng):
    """it draws from the standard library's random"""
    if random.random() < epsilon:
        return random.choice(np.flatnonzero(values > -np.inf).tolist())
    return values.argmax()


def epsilon_greedy__wrong_global(values, epsilon, rng):
    """it draws from numpy's global generator"""
    if rng.random() < epsilon:
        return np.random.choice(np.flatnonzero(values > -np.inf))  # noqa: NPY002
    return values.argmax()


def epsilon_greedy__wrong_own_generator(values, epsilon, rng):
    """all chance must come from rng"""
    rng = np.random.default_rng()
    if rng.random() < epsilon:
        return rng.choice(np.flatnonzero(values > -np.inf))
    return values.argmax()


def epsilon_greedy__wrong_impossible(values, epsilon, rng):
    """which is not possible there"""
    return rng.integers(len(values)) if rng.random() < epsilon else values.argmax()


def epsilon_greedy__wrong_place(values, epsilon, rng):
    """exploring returns a place in the list of possible actions"""
    possible = np.flatnonzero(values > -np.inf)
    return rng.integers(len(possible)) if rng.random() < epsilon else values.argmax()


def epsilon_greedy__wrong_exchanged(values, epsilon, rng):
    """exploring and exploiting are exchanged"""
    if rng.random() > epsilon:
        return rng.choice(np.flatnonzero(values > -np.inf))
    return values.argmax()


def epsilon_greedy__wrong_never_explores(values, epsilon, rng):
    """at epsilon 1 every possible action should be taken equally often"""
    return values.argmax()


def epsilon_greedy__wrong_always_explores(values, epsilon, rng):
    """at epsilon 0 it should always take the action of highest value"""
    return rng.choice(np.flatnonzero(values > -np.inf))


def epsilon_greedy__wrong_lowest(values, epsilon, rng):
    """at epsilon 0 it should always take the action of highest value"""
    possible = np.flatnonzero(values > -np.inf)
    return rng.choice(possible) if rng.random() < epsilon else possible[values[possible].argmin()]


def epsilon_greedy__wrong_without_the_best(values, epsilon, rng):
    """exploring leaves the best action out"""
    others = [action for action in np.flatnonzero(values > -np.inf) if action != values.argmax()]
    return rng.choice(others) if others and rng.random() < epsilon else values.argmax()


def epsilon_greedy__wrong_too_rarely(values, epsilon, rng):
    """at epsilon 0.3 another action than the best is due in 0.3 x 2/3 of all choices"""
    return rng.choice(np.flatnonzero(values > -np.inf)) if rng.random() < epsilon**3 else values.argmax()


def epsilon_greedy__wrong_value(values, epsilon, rng):
    """the action should be a whole number (int), not 0.5"""
    return rng.choice(np.flatnonzero(values > -np.inf)) if rng.random() < epsilon else values.max()


def epsilon_greedy__wrong_clears_the_row(values, epsilon, rng):
    """it changes its argument values"""
    action = values.argmax()
    values[:] = 0
    return action


# ------------------------------------------------------------------------------------------------------- q_learning


def q_learning__by_index(env, q, alphas, epsilons, gamma, rng):
    returns = np.zeros(len(alphas))
    for episode in range(len(alphas)):
        state = env.reset()[0]
        while True:
            action = epsilon_greedy(q[state], epsilons[episode], rng)
            after, reward, terminated, truncated, _ = env.step(action)
            td_update(q, state, action, reward, after, terminated, alphas[episode], gamma)
            returns[episode] += reward
            state = after
            if terminated or truncated:
                break
    return returns


def q_learning__rewards_in_lists(env, q, alphas, epsilons, gamma, rng):
    episodes = []
    for step_size, exploration in zip(alphas.tolist(), epsilons.tolist(), strict=True):
        state, info = env.reset()
        rewards, done = [], False
        while not done:
            action = epsilon_greedy(q[state, :], exploration, rng)
            old = state
            state, reward, terminated, truncated, info = env.step(action)
            rewards.append(reward)
            td_update(q, old, action, reward, state, terminated, step_size, gamma)
            done = terminated | truncated
        episodes.append(rewards)
    return tuple(map(sum, episodes))


def q_learning__wrong_stays(env, q, alphas, epsilons, gamma, rng):
    """only the first state learns: does the next state become the state?"""
    returns = []
    for alpha, epsilon in zip(alphas, epsilons, strict=True):
        state, total, over = env.reset()[0], 0, False
        while not over:
            action = epsilon_greedy(q[state], epsilon, rng)
            after, reward, terminated, truncated, _ = env.step(action)
            td_update(q, state, action, reward, after, terminated, alpha, gamma)
            total, over = total + reward, terminated or truncated
        returns.append(total)
    return returns


def q_learning__wrong_truncation(env, q, alphas, epsilons, gamma, rng):
    """a cut-off episode is treated as ended in td_update: pass terminated alone"""
    returns = []
    for alpha, epsilon in zip(alphas, epsilons, strict=True):
        state, total, over = env.reset()[0], 0, False
        while not over:
            action = epsilon_greedy(q[state], epsilon, rng)
            after, reward, terminated, truncated, _ = env.step(action)
            over = terminated or truncated
            td_update(q, state, action, reward, after, over, alpha, gamma)
            state, total = after, total + reward
        returns.append(total)
    return returns


def q_learning__wrong_pair(env, q, alphas, epsilons, gamma, rng):
    """env.reset returns two values"""
    returns = []
    for alpha, epsilon in zip(alphas, epsilons, strict=True):
        state, total, over = env.reset(), 0, False
        while not over:
            action = epsilon_greedy(q[state], epsilon, rng)
            after, reward, terminated, truncated, _ = env.step(action)
            td_update(q, state, action, reward, after, terminated, alpha, gamma)
            state, total, over = after, total + reward, terminated or truncated
        returns.append(total)
    return returns


def q_learning__wrong_pair_row(env, q, alphas, epsilons, gamma, rng):
    """env.reset returns two values"""
    returns = []
    for alpha, epsilon in zip(alphas, epsilons, strict=True):
        state, total, over = env.reset(), 0, False
        while not over:
            action = epsilon_greedy(q[state, :], epsilon, rng)
            after, reward, terminated, truncated, _ = env.step(action)
            td_update(q, state, action, reward, after, terminated, alpha, gamma)
            state, total, over = after, total + reward, terminated or truncated
        returns.append(total)
    return returns


def q_learning__wrong_four_actions(env, q, alphas, epsilons, gamma, rng):
    """this world has only action 0: choose with epsilon_greedy"""
    returns = []
    for alpha, epsilon in zip(alphas, epsilons, strict=True):
        (state, _), total, over = env.reset(), 0, False
        while not over:
            action = int(rng.integers(4))
            after, reward, terminated, truncated, _ = env.step(action)
            td_update(q, state, action, reward, after, terminated, alpha, gamma)
            state, total, over = after, total + reward, terminated or truncated
        returns.append(total)
    return returns


def q_learning__wrong_nested(env, q, alphas, epsilons, gamma, rng):
    """it plays every step size with every epsilon"""
    returns = []
    for alpha in alphas:
        for epsilon in epsilons:
            state, total, over = env.reset()[0], 0, False
            while not over:
                action = epsilon_greedy(q[state], epsilon, rng)
                after, reward, terminated, truncated, _ = env.step(action)
                td_update(q, state, action, reward, after, terminated, alpha, gamma)
                state, total, over = after, total + reward, terminated or truncated
            returns.append(total)
    return returns


def q_learning__wrong_walks_on(env, q, alphas, epsilons, gamma, rng):
    """it takes a step after the end of an episode"""
    returns = []
    for alpha, epsilon in zip(alphas, epsilons, strict=True):
        state, total, terminated = env.reset()[0], 0, False
        while not terminated:
            action = epsilon_greedy(q[state], epsilon, rng)
            after, reward, terminated, truncated, _ = env.step(action)
            td_update(q, state, action, reward, after, terminated, alpha, gamma)
            state, total = after, total + reward
        returns.append(total)
    return returns


def q_learning__wrong_no_reset(env, q, alphas, epsilons, gamma, rng):
    """it takes a step before any reset"""
    state, returns = 0, []
    for alpha, epsilon in zip(alphas, epsilons, strict=True):
        action = epsilon_greedy(q[state], epsilon, rng)
        state, reward, terminated, truncated, _ = env.step(action)
        returns.append(reward)
    return returns


def q_learning__wrong_seeds(env, q, alphas, epsilons, gamma, rng):
    """it seeds each episode anew"""
    returns = []
    for alpha, epsilon in zip(alphas, epsilons, strict=True):
        state, total, over = env.reset(seed=0)[0], 0, False
        while not over:
            action = epsilon_greedy(q[state], epsilon, rng)
            after, reward, terminated, truncated, _ = env.step(action)
            td_update(q, state, action, reward, after, terminated, alpha, gamma)
            state, total, over = after, total + reward, terminated or truncated
        returns.append(total)
    return returns


def q_learning__wrong_piles_up(env, q, alphas, epsilons, gamma, rng):
    """the returns pile up: start each episode's sum at 0"""
    returns, total = [], 0
    for alpha, epsilon in zip(alphas, epsilons, strict=True):
        state, over = env.reset()[0], False
        while not over:
            action = epsilon_greedy(q[state], epsilon, rng)
            after, reward, terminated, truncated, _ = env.step(action)
            td_update(q, state, action, reward, after, terminated, alpha, gamma)
            state, total, over = after, total + reward, terminated or truncated
        returns.append(total)
    return returns


def q_learning__wrong_first_alpha(env, q, alphas, epsilons, gamma, rng):
    """every episode uses the first step size"""
    returns = []
    for epsilon in epsilons:
        state, total, over = env.reset()[0], 0, False
        while not over:
            action = epsilon_greedy(q[state], epsilon, rng)
            after, reward, terminated, truncated, _ = env.step(action)
            td_update(q, state, action, reward, after, terminated, alphas[0], gamma)
            state, total, over = after, total + reward, terminated or truncated
        returns.append(total)
    return returns


def q_learning__wrong_first_epsilon(env, q, alphas, epsilons, gamma, rng):
    """at epsilon 1 both actions are due equally often"""
    returns = []
    for alpha in alphas:
        state, total, over = env.reset()[0], 0, False
        while not over:
            action = epsilon_greedy(q[state], epsilons[0], rng)
            after, reward, terminated, truncated, _ = env.step(action)
            td_update(q, state, action, reward, after, terminated, alpha, gamma)
            state, total, over = after, total + reward, terminated or truncated
        returns.append(total)
    return returns


def q_learning__wrong_always_random(env, q, alphas, epsilons, gamma, rng):
    """it takes the worse action at epsilon 0"""
    returns = []
    for alpha in alphas:
        state, total, over = env.reset()[0], 0, False
        while not over:
            action = int(rng.integers(q.shape[1]))
            after, reward, terminated, truncated, _ = env.step(action)
            td_update(q, state, action, reward, after, terminated, alpha, gamma)
            state, total, over = after, total + reward, terminated or truncated
        returns.append(total)
    return returns


def q_learning__wrong_no_return(env, q, alphas, epsilons, gamma, rng):
    """the returns should be a list, not None: is there a return?"""
    for alpha, epsilon in zip(alphas, epsilons, strict=True):
        state, over = env.reset()[0], False
        while not over:
            action = epsilon_greedy(q[state], epsilon, rng)
            after, reward, terminated, truncated, _ = env.step(action)
            td_update(q, state, action, reward, after, terminated, alpha, gamma)
            state, over = after, terminated or truncated


# ----------------------------------------------------------------------------------------------------- state_number


def state_number__powers(heights, item, bin_height, items):
    digits = [int(height) for height in np.asarray(heights).flat]
    number = sum(digit * (bin_height + 1) ** place for place, digit in enumerate(digits[::-1]))
    return number * items + item


def state_number__nested(heights, item, bin_height, items):
    number = 0
    for row in heights.tolist():
        for height in row:
            number = (bin_height + 1) * number + height
    return items * number + int(item)


def state_number__objects(heights, item, bin_height, items):
    base = np.array([bin_height + 1], dtype=object)
    places = base ** np.arange(heights.size)[::-1].astype(object)
    return (heights.ravel().astype(object) * places).sum() * items + item


def state_number__wrong_base(heights, item, bin_height, items):
    """the base is H, but a cell has H + 1 heights"""
    number = 0
    for height in heights.reshape(-1):
        number = number * bin_height + int(height)
    return number * items + item


def state_number__wrong_base_of_numpy(heights, item, bin_height, items):
    """the base is H, but a cell has H + 1 heights; and it overflows in int16"""
    number = 0
    with np.errstate(over="ignore"):
        for height in heights.flatten():
            number = number * bin_height + height
        return number * items + item


def state_number__wrong_dot(heights, item, bin_height, items):
    """on a large floor the digits overflow in numpy's int64"""
    powers = (bin_height + 1) ** np.arange(heights.size)[::-1]
    return int(np.dot(heights.ravel(), powers)) * items + item


def state_number__wrong_no_item(heights, item, bin_height, items):
    """the item is left out"""
    number = 0
    for height in heights.reshape(-1):
        number = number * (bin_height + 1) + int(height)
    return number


def state_number__wrong_columns(heights, item, bin_height, items):
    """the cells are read column by column"""
    number = 0
    for height in heights.T.reshape(-1):
        number = number * (bin_height + 1) + int(height)
    return number * items + item


def state_number__wrong_backwards(heights, item, bin_height, items):
    """the cells are read backwards"""
    digits = [int(height) for height in heights.flat]
    return sum(digit * (bin_height + 1) ** place for place, digit in enumerate(digits)) * items + item


def state_number__wrong_int16(heights, item, bin_height, items):
    """turn each height into a Python int first"""
    number = 0
    for height in heights.reshape(-1):
        number = number * (bin_height + 1) + height
    return number * items + item


def state_number__wrong_int64(heights, item, bin_height, items):
    """on a large floor the number overflows in numpy's int64"""
    places = (bin_height + 1) ** np.arange(heights.size)[::-1]
    return int((heights.reshape(-1).astype(np.int64) * places).sum() * items + item)


def state_number__wrong_float(heights, item, bin_height, items):
    """is a float, which has lost digits: compute with Python ints"""
    number = 0.0
    for height in heights.reshape(-1):
        number = number * (bin_height + 1) + float(height)
    return number * items + item


def state_number__wrong_tuple(heights, item, bin_height, items):
    """the number should be a whole number (int)"""
    return (*heights.reshape(-1).tolist(), item)


# ------------------------------------------------------------------------------------------------------ value_sweep


def value_sweep__loops(values, model, possible, gamma):
    better = []
    for state in range(len(values)):
        options = [0.0] if not possible[state].any() else []
        for action in np.flatnonzero(possible[state]):
            expected = 0.0
            for outcome, chance in enumerate(model.probabilities[state, action]):
                worth = model.rewards[state, action, outcome]
                if not model.terminated[state, action, outcome]:
                    worth += gamma * values[model.next_states[state, action, outcome]]
                expected += chance * worth
            options.append(expected)
        better.append(max(options))
    return better


def value_sweep__einsum(values, model, possible, gamma):
    probabilities, after, rewards, terminated = model
    worth = rewards + gamma * values[after] * ~terminated
    expected = np.einsum("sak,sak->sa", probabilities, worth)
    expected[~possible] = -np.inf
    best = expected.max(axis=1)
    best[np.isneginf(best)] = 0
    return best


def value_sweep__masked(values, model, possible, gamma):
    later = values[model.next_states] * (1 - model.terminated)
    expected = (model.probabilities * model.rewards).sum(2) + gamma * (model.probabilities * later).sum(2)
    return np.ma.masked_array(expected, ~possible).max(axis=1).filled(0.0)


def value_sweep__wrong_ignores_the_end(values, model, possible, gamma):
    """it ignores terminated"""
    expected = (model.probabilities * (model.rewards + gamma * values[model.next_states])).sum(axis=2)
    return np.where(possible.any(axis=1), np.where(possible, expected, -np.inf).max(axis=1), 0)


def value_sweep__wrong_infinite(values, model, possible, gamma):
    """a state without a possible action is worth -inf: it should be 0"""
    later = np.where(model.terminated, 0.0, values[model.next_states])
    expected = (model.probabilities * (model.rewards + gamma * later)).sum(axis=2)
    return np.where(possible, expected, -np.inf).max(axis=1)


def value_sweep__wrong_impossible(values, model, possible, gamma):
    """impossible actions, worth 0, win over losses"""
    later = np.where(model.terminated, 0.0, values[model.next_states])
    return (model.probabilities * (model.rewards + gamma * later)).sum(axis=2).max(axis=1)


def value_sweep__wrong_mean(values, model, possible, gamma):
    """it averages over the actions: take the best one"""
    later = np.where(model.terminated, 0.0, values[model.next_states])
    expected = (model.probabilities * (model.rewards + gamma * later)).sum(axis=2)
    return (expected * possible).sum(axis=1) / np.maximum(possible.sum(axis=1), 1)


def value_sweep__wrong_unweighted(values, model, possible, gamma):
    """the outcomes are not weighed by their probabilities"""
    later = np.where(model.terminated, 0.0, values[model.next_states])
    expected = (model.rewards + gamma * later).sum(axis=2)
    return np.where(possible.any(axis=1), np.where(possible, expected, -np.inf).max(axis=1), 0)


def value_sweep__wrong_equally_likely(values, model, possible, gamma):
    """the outcomes are averaged as if all were equally likely"""
    later = np.where(model.terminated, 0.0, values[model.next_states])
    expected = (model.rewards + gamma * later).mean(axis=2)
    return np.where(possible.any(axis=1), np.where(possible, expected, -np.inf).max(axis=1), 0)


def value_sweep__wrong_mean_of_weighed(values, model, possible, gamma):
    """the weighed outcomes are averaged"""
    later = np.where(model.terminated, 0.0, values[model.next_states])
    expected = (model.probabilities * (model.rewards + gamma * later)).mean(axis=2)
    return np.where(possible.any(axis=1), np.where(possible, expected, -np.inf).max(axis=1), 0)


def value_sweep__wrong_best_outcome(values, model, possible, gamma):
    """it takes the best outcome"""
    later = np.where(model.terminated, 0.0, values[model.next_states])
    expected = (model.rewards + gamma * later).max(axis=2)
    return np.where(possible.any(axis=1), np.where(possible, expected, -np.inf).max(axis=1), 0)


def value_sweep__wrong_last_reward(values, model, possible, gamma):
    """an outcome that ends the episode loses its reward"""
    worth = np.where(model.terminated, 0.0, model.rewards + gamma * values[model.next_states])
    expected = (model.probabilities * worth).sum(axis=2)
    return np.where(possible.any(axis=1), np.where(possible, expected, -np.inf).max(axis=1), 0)


def value_sweep__wrong_no_maximum(values, model, possible, gamma):
    """the result has shape (4, 2), expected (4,)"""
    later = np.where(model.terminated, 0.0, values[model.next_states])
    return (model.probabilities * (model.rewards + gamma * later)).sum(axis=2)


def value_sweep__wrong_in_place(values, model, possible, gamma):
    """it changes its argument values"""
    later = np.where(model.terminated, 0.0, values[model.next_states])
    expected = (model.probabilities * (model.rewards + gamma * later)).sum(axis=2)
    values[:] = np.where(possible.any(axis=1), np.where(possible, expected, -np.inf).max(axis=1), 0)
    return values


def value_sweep__wrong_losses(values, model, possible, gamma):
    """negative values are raised to 0"""
    later = np.where(model.terminated, 0.0, values[model.next_states])
    expected = (model.probabilities * (model.rewards + gamma * later)).sum(axis=2)
    return np.maximum(np.where(possible, expected, -np.inf).max(axis=1), 0)
