"""Answers to the exercises of lesson 10b: right ones in other styles, and wrong ones with what they must be told."""

import numpy as np

# --------------------------------------------------------------------------------------------------------- shaping


def shaping__mask(before, after, done, gamma):
    return gamma * after * ~done - before


def shaping__loop(before, after, done, gamma):
    return [(0.0 if over else gamma * late) - early for early, late, over in zip(before, after, done, strict=True)]


def shaping__wrong_no_discount(before, after, done, gamma):
    """the discount is missing"""
    return np.where(done, 0, after) - before


def shaping__wrong_end(before, after, done, gamma):
    """the end of an episode keeps its potential"""
    return gamma * after - before


def shaping__wrong_exchanged(before, after, done, gamma):
    """before and after are exchanged"""
    return gamma * before - np.where(done, 0.0, after)


def shaping__wrong_all_discounted(before, after, done, gamma):
    """the whole difference is discounted"""
    return gamma * (np.where(done, 0.0, after) - before)


def shaping__wrong_potential(before, after, done, gamma):
    """this pays the potential itself"""
    return np.where(done, 0.0, after)


def shaping__wrong_nothing_at_the_end(before, after, done, gamma):
    """the last step of an episode gets nothing"""
    return np.where(done, 0.0, gamma * after - before)


# ---------------------------------------------------------------------------------------------------- exact_values


def exact_values__loops(rewards, to, gamma, sweeps=500):
    states, actions = rewards.shape
    values = np.zeros((states, actions))
    for _ in range(sweeps):
        new = np.zeros_like(values)
        for state in range(states):
            for action in range(actions):
                later = to[state, action]
                worth = 0.0 if later == states - 1 else max(values[later])
                new[state, action] = rewards[state, action] + gamma * worth
        values = new
    return values


def exact_values__mask(rewards, to, gamma, sweeps=500):
    open_ = to != len(rewards) - 1
    values = np.zeros(rewards.shape)
    for _ in range(sweeps):
        values = rewards + gamma * open_ * np.max(values, axis=1)[to]
    return values


def exact_values__wrong_in_place(rewards, to, gamma, sweeps=500):
    """later states see what the same sweep has changed"""
    values = np.zeros(rewards.shape)
    for _ in range(sweeps):
        for state in range(len(rewards)):
            worth = values.max(axis=1)
            worth[-1] = 0
            values[state] = rewards[state] + gamma * worth[to[state]]
    return values


def exact_values__wrong_one_by_one(rewards, to, gamma, sweeps=500):
    """later actions see what the same sweep has changed"""
    values = np.zeros(rewards.shape)
    for _ in range(sweeps):
        for state in range(rewards.shape[0]):
            for action in range(rewards.shape[1]):
                later = to[state, action]
                worth = max(values[later]) if later < len(rewards) - 1 else 0
                values[state, action] = rewards[state, action] + gamma * worth
    return values


def exact_values__wrong_end(rewards, to, gamma, sweeps=500):
    """the end is worth something"""
    values = np.zeros(rewards.shape)
    for _ in range(sweeps):
        values = rewards + gamma * values.max(axis=1)[to]
    return values


def exact_values__wrong_mean(rewards, to, gamma, sweeps=500):
    """a state is worth the mean of its actions"""
    values = np.zeros(rewards.shape)
    for _ in range(sweeps):
        worth = values.mean(axis=1)
        worth[-1] = 0
        values = rewards + gamma * worth[to]
    return values


def exact_values__wrong_gamma(rewards, to, gamma, sweeps=500):
    """the future is not discounted"""
    values = np.zeros(rewards.shape)
    for _ in range(sweeps):
        worth = values.max(axis=1)
        worth[-1] = 0
        values = rewards + worth[to]
    return values


def exact_values__wrong_here(rewards, to, gamma, sweeps=500):
    """the state itself is looked up"""
    values = np.zeros(rewards.shape)
    for _ in range(sweeps):
        worth = values.max(axis=1)
        worth[-1] = 0
        values = rewards + gamma * worth[:, None]
    return values


def exact_values__wrong_rewards(rewards, to, gamma, sweeps=500):
    """these are the rewards alone"""
    return rewards.copy()


# ------------------------------------------------------------------------------------------------------ three_feet


def three_feet__where(bearing):
    half = bearing.cells / bearing.area >= 0.5
    return np.where(bearing.corners >= 4, True, half & (bearing.corners >= 3))


def three_feet__reaches(bearing):
    return (bearing.corners == 4) | (bearing.corners == 3) & bearing.reaches(0.5)


def three_feet__loop(bearing):
    rows = zip(bearing.cells, bearing.area, bearing.corners, strict=True)
    return np.array([corners == 4 or (corners == 3 and 2 * cells >= area) for cells, area, corners in rows])


def three_feet__wrong_more_than_half(bearing):
    """exactly half of the base is refused"""
    return (bearing.corners == 4) | ((bearing.corners == 3) & (bearing.cells > bearing.area / 2))


def three_feet__wrong_four_need_half(bearing):
    """four corners need half of the base as well"""
    return (bearing.corners >= 3) & (bearing.cells >= bearing.area / 2)


def three_feet__wrong_three_alone(bearing):
    """three corners are enough alone"""
    return bearing.corners > 2


def three_feet__wrong_half_alone(bearing):
    """half of the base is enough alone"""
    return (bearing.corners == 4) | (bearing.cells * 2 >= bearing.area)


def three_feet__wrong_four_only(bearing):
    """three corners are never accepted"""
    return bearing.corners == 4


# ----------------------------------------------------------------------------------------------------------- a_day


def a_day__clip(stock, order, demand, room=10, price=3.0, keep=0.3):
    taken = np.minimum(order, room - stock)
    left = np.clip(stock + taken - demand, 0, None)
    return left, price * (stock + taken - left) - taken - keep * left


def a_day__loop(stock, order, demand, room=10, price=3.0, keep=0.3):
    lefts, profits = [], []
    for have, want, asked in zip(stock.tolist(), order.tolist(), demand.tolist(), strict=True):
        full = min(have + want, room)
        sold = min(full, asked)
        lefts.append(full - sold)
        profits.append(price * sold - (full - have) - keep * (full - sold))
    return np.array(lefts), np.array(profits)


def a_day__wrong_room(stock, order, demand, room=10, price=3.0, keep=0.3):
    """more is on the shelf than has room there"""
    full = stock + order
    sold = np.minimum(full, demand)
    return full - sold, price * sold - order - keep * (full - sold)


def a_day__wrong_sold(stock, order, demand, room=10, price=3.0, keep=0.3):
    """more is sold than is there"""
    full = np.minimum(stock + order, room)
    return full - demand, price * demand - (full - stock) - keep * (full - demand)


def a_day__wrong_bought(stock, order, demand, room=10, price=3.0, keep=0.3):
    """goods that find no room are paid"""
    full = np.minimum(stock + order, room)
    sold = np.minimum(full, demand)
    return full - sold, price * sold - order - keep * (full - sold)


def a_day__wrong_paid_again(stock, order, demand, room=10, price=3.0, keep=0.3):
    """goods of the day before are paid again"""
    full = np.minimum(stock + order, room)
    sold = np.minimum(full, demand)
    return full - sold, price * sold - full - keep * (full - sold)


def a_day__wrong_night(stock, order, demand, room=10, price=3.0, keep=0.3):
    """nothing is paid for the night"""
    full = np.minimum(stock + order, room)
    sold = np.minimum(full, demand)
    return full - sold, price * sold - (full - stock)


def a_day__wrong_evening_before(stock, order, demand, room=10, price=3.0, keep=0.3):
    """the night is paid for what was there in the evening before"""
    full = np.minimum(stock + order, room)
    sold = np.minimum(full, demand)
    return full - sold, price * sold - (full - stock) - keep * stock
