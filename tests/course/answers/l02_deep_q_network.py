"""Answers to the exercises of lesson 02: right ones in other styles, and wrong ones with what they must be told."""

import copy

import numpy as np
import torch
from torch import nn

from binpack.course.l02_deep_q_network.agent import Run, greedy_action, new_agent


class Layers(nn.Module):
    """The network as a class, with a ReLU that is a function."""

    def __init__(self, n_inputs, n_actions, units=128, bias=True):
        super().__init__()
        self.last = nn.Linear(units, n_actions, bias=bias)
        self.first, self.second = nn.Linear(n_inputs, units), nn.Linear(units, units)

    def forward(self, observations):
        return self.last(torch.relu(self.second(torch.relu(self.first(observations)))))


def loop(
    env,
    config,
    parts,
    seed,
    watch,
    *,
    over=lambda terminated, truncated: terminated or truncated,
    stored=lambda terminated, truncated: terminated,
    explore=True,
    due=lambda step, config: step >= config.learning_starts and step % config.train_every == 0,
    later=None,
    keep_old=True,
    after_reset=True,
    restart=True,
    asked=lambda step: step - 1,
    twice=False,
    stops=True,
    noted=lambda total, reward: total,
):
    """A training loop of which any decision may be taken wrongly."""
    n_inputs, n_actions = env.observation_space.shape[0], int(env.action_space.n)
    rng = np.random.default_rng(seed)
    agent = new_agent(n_inputs, n_actions, config, parts, seed)
    replay, run = parts.make_replay(config.buffer_size, n_inputs), Run(agent)
    seen, total = env.reset(seed=seed)[0], 0.0
    for step in range(1, config.total_steps + 1):
        chance = parts.epsilon(asked(step), config)
        at_random = explore and rng.random() < chance
        action = rng.choice(n_actions) if at_random else greedy_action(agent.network, seen)
        after, reward, terminated, truncated, _ = env.step(int(action))
        parts.add(replay, seen if keep_old else after, int(action), reward, after, stored(terminated, truncated))
        seen, total = after, total + reward
        if over(terminated, truncated):
            run.returns.append(noted(total, reward))
            run.ends.append(step)
            fresh = env.reset(seed=later)[0]
            seen, total = (fresh if after_reset else seen), (0.0 if restart else total)
        if due(step, config):
            batch = replay.sample(config.batch_size, rng)
            targets = parts.td_targets(batch, agent, config.gamma)
            batch = replay.sample(config.batch_size, rng) if twice else batch
            parts.update(agent, parts.td_loss(agent.network, batch, targets), config)
        if watch is not None and watch(step, agent) and stops:
            break
    return run


def play(network, env, episodes, seed, *, start=lambda seed, i: seed + i, both=True, collect=sum, act=greedy_action):
    """Episodes of which any decision may be taken wrongly."""
    returns = []
    for i in range(episodes):
        seen, _ = env.reset(seed=start(seed, i))
        rewards = []
        while True:
            seen, reward, terminated, truncated, _ = env.step(act(network, seen))
            rewards.append(reward)
            if terminated or (both and truncated):
                break
        returns.append(collect(rewards))
    return returns


def stored(replay, observation, action, reward, next_observation, terminated):
    new = (observation, action, reward, next_observation, terminated)
    at = replay.position
    for name, value in zip(("observations", "actions", "rewards", "next_observations", "terminated"), new, strict=True):
        getattr(replay, name)[at : at + 1] = value
    replay.position = at + 1 if at + 1 < replay.capacity else 0
    if replay.size < replay.capacity:
        replay.size += 1


def falling(step, config):
    return max(config.epsilon_last, 1 - (1 - config.epsilon_last) * step / config.epsilon_steps)


def targets_of(batch, agent, gamma):
    best, _ = torch.max(agent.target(batch.next_observations), 1)
    return torch.where(batch.terminated, batch.rewards, batch.rewards + gamma * best).detach()


def loss_of(network, batch, targets):
    error = (network(batch.observations)[torch.arange(len(targets)), batch.actions] - targets).abs()
    return torch.where(error < 1, 0.5 * error**2, error - 0.5).mean()


def updated(agent, loss, config):
    weights = list(agent.network.parameters())
    gradients = torch.autograd.grad(loss, weights)
    length = torch.sqrt(sum((gradient**2).sum() for gradient in gradients))
    for one, gradient in zip(weights, gradients, strict=True):
        one.grad = gradient * min(1.0, config.max_grad_norm / (float(length) + 1e-6))
    agent.optimizer.step()
    agent.updates += 1
    if not agent.updates % config.updates_per_copy:
        for old, new in zip(agent.target.parameters(), weights, strict=True):
            old.data.copy_(new.data)


# --------------------------------------------------------------------------------------------------------- make_network


def make_network__class(n_inputs, n_actions):
    return Layers(n_inputs, n_actions)


def make_network__list_of_layers(n_inputs, n_actions):
    layers = []
    for inputs, outputs in [(n_inputs, 128), (128, 128)]:
        layers += [nn.Linear(inputs, outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Linear(128, n_actions))


def make_network__wrong_softmax(n_inputs, n_actions):
    """the answers to each observation sum to 1"""
    return nn.Sequential(Layers(n_inputs, n_actions), nn.Softmax(dim=-1))


def make_network__wrong_relu_at_the_end(n_inputs, n_actions):
    """no output is ever negative"""
    return nn.Sequential(Layers(n_inputs, n_actions), nn.ReLU())


def make_network__wrong_tanh_at_the_end(n_inputs, n_actions):
    """outputs stay within 1"""
    return nn.Sequential(Layers(n_inputs, n_actions), nn.Tanh())


def make_network__wrong_no_relu(n_inputs, n_actions):
    """it is a straight line, whatever the layers"""
    return nn.Sequential(nn.Linear(n_inputs, 128), nn.Linear(128, 128), nn.Linear(128, n_actions))


def make_network__wrong_tanh_inside(n_inputs, n_actions):
    """the activation between the layers should be ReLU"""
    return nn.Sequential(nn.Linear(n_inputs, 128), nn.Tanh(), nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, n_actions))


def make_network__wrong_one_relu_missing(n_inputs, n_actions):
    """a ReLU after each"""
    return nn.Sequential(nn.Linear(n_inputs, 128), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, n_actions))


def make_network__wrong_units(n_inputs, n_actions):
    """for 3 inputs and 4 actions the layers should be 3 -> 128, 128 -> 128 and 128 -> 4"""
    return Layers(n_inputs, n_actions, units=64)


def make_network__wrong_one_output(n_inputs, n_actions):
    """should have shape (64, 4), not (64, 1)"""
    return Layers(n_inputs, 1)


def make_network__wrong_no_bias(n_inputs, n_actions):
    """besides the layers' weights there should be their biases alone"""
    return Layers(n_inputs, n_actions, bias=False)


def make_network__wrong_dropout(n_inputs, n_actions):
    """the same input gives two different outputs"""
    return nn.Sequential(nn.Linear(n_inputs, 128), nn.ReLU(), nn.Dropout(), nn.Linear(128, n_actions))


def make_network__wrong_batch_norm(n_inputs, n_actions):
    """a row's output depends on its batch"""
    return nn.Sequential(nn.Linear(n_inputs, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, n_actions))


def make_network__wrong_seed(n_inputs, n_actions):
    """two networks come out equal"""
    torch.manual_seed(1)
    return Layers(n_inputs, n_actions)


def make_network__wrong_a_result(n_inputs, n_actions):
    """the network should be a Module, not a tensor of shape (4,)"""
    return Layers(n_inputs, n_actions)(torch.zeros(n_inputs))


# ------------------------------------------------------------------------------------------------------------------ add


def add__slices(replay, observation, action, reward, next_observation, terminated):
    new = (observation, action, reward, next_observation, terminated)
    at = replay.position
    for name, value in zip(("observations", "actions", "rewards", "next_observations", "terminated"), new, strict=True):
        getattr(replay, name)[at : at + 1] = value
    replay.position = at + 1 if at + 1 < replay.capacity else 0
    if replay.size < replay.capacity:
        replay.size += 1


def add__wraps_first(replay, observation, action, reward, next_observation, terminated):
    row = replay.position % replay.capacity
    replay.observations[row][:] = observation
    replay.next_observations[row][:] = next_observation
    replay.actions[row], replay.rewards[row], replay.terminated[row] = action, reward, terminated
    replay.size = max(replay.size, row + 1)
    replay.position = 0 if row == replay.capacity - 1 else row + 1


def add__wrong_appends(replay, observation, action, reward, next_observation, terminated):
    """rewards: a new array was made"""
    stored(replay, observation, action, reward, next_observation, terminated)
    replay.rewards = np.append(replay.rewards, reward)


def add__wrong_moves_first(replay, observation, action, reward, next_observation, terminated):
    """observations: the first transition is in row 1: write first, then move on"""
    replay.position = (replay.position + 1) % replay.capacity
    row = replay.position
    replay.observations[row], replay.next_observations[row] = observation, next_observation
    replay.actions[row], replay.rewards[row], replay.terminated[row] = action, reward, terminated
    replay.size = min(replay.size + 1, replay.capacity)


def add__wrong_everywhere(replay, observation, action, reward, next_observation, terminated):
    """observations: rows were written that no transition belongs to"""
    replay.observations[:] = observation


def add__wrong_old_observation_twice(replay, observation, action, reward, next_observation, terminated):
    """next_observations[0] holds the observation before the action"""
    stored(replay, observation, action, reward, observation, terminated)


def add__wrong_next_observation_twice(replay, observation, action, reward, next_observation, terminated):
    """observations[0] after the first transition is not what was added"""
    stored(replay, next_observation, action, reward, next_observation, terminated)


def add__wrong_never_terminated(replay, observation, action, reward, next_observation, terminated):
    """terminated[0] after the first transition is not what was added"""
    stored(replay, observation, action, reward, next_observation, False)


def add__wrong_terminated_stays(replay, observation, action, reward, next_observation, terminated):
    """after 4 transitions into 3 rows terminated is not what came with the newest ones"""
    row = replay.position
    stored(replay, observation, action, reward, next_observation, terminated and replay.size < 3)
    if replay.size == 3 and row == 0:
        replay.terminated[0] = False


def add__wrong_stands_still(replay, observation, action, reward, next_observation, terminated):
    """after one transition the next one goes into row 1"""
    stored(replay, observation, action, reward, next_observation, terminated)
    replay.position = 0


def add__wrong_no_remainder(replay, observation, action, reward, next_observation, terminated):
    """after 3 transitions into 3 rows position is wrong"""
    row = replay.position
    stored(replay, observation, action, reward, next_observation, terminated)
    replay.position = row + 1


def add__wrong_size_without_limit(replay, observation, action, reward, next_observation, terminated):
    """after 4 transitions into 3 rows size counts more rows than there are"""
    size = replay.size
    stored(replay, observation, action, reward, next_observation, terminated)
    replay.size = size + 1


def add__wrong_size_is_position(replay, observation, action, reward, next_observation, terminated):
    """after 3 transitions into 3 rows size is not the number of filled rows"""
    stored(replay, observation, action, reward, next_observation, terminated)
    replay.size = replay.position


# -------------------------------------------------------------------------------------------------------------- epsilon


def epsilon__bounded_below(step, config):
    return max(config.epsilon_last, 1 - (1 - config.epsilon_last) * step / config.epsilon_steps)


def epsilon__interpolated(step, config):
    return np.interp(step, [0, config.epsilon_steps], [1.0, config.epsilon_last])


def epsilon__tensor(step, config):
    if step >= config.epsilon_steps:
        return config.epsilon_last
    return torch.tensor(1 - (1 - config.epsilon_last) * (step / config.epsilon_steps), dtype=torch.float64)


def epsilon__wrong_constant(step, config):
    """it is epsilon_last at every step"""
    return config.epsilon_last


def epsilon__wrong_no_end(step, config):
    """it goes on falling after epsilon_steps"""
    return 1 - (1 - config.epsilon_last) * step / config.epsilon_steps


def epsilon__wrong_to_zero(step, config):
    """it falls to 0 instead of epsilon_last"""
    return max(0.0, 1 - step / config.epsilon_steps)


def epsilon__wrong_cut_off(step, config):
    """its line leads to 0 and is cut off at epsilon_last"""
    return max(config.epsilon_last, 1 - step / config.epsilon_steps)


def epsilon__wrong_rises(step, config):
    """it rises from epsilon_last to 1"""
    return config.epsilon_last + min(1, step / config.epsilon_steps) * (1 - config.epsilon_last)


def epsilon__wrong_total_steps(step, config):
    """it takes total_steps to fall"""
    return 1 - (1 - config.epsilon_last) * min(step / config.total_steps, 1)


def epsilon__wrong_factor(step, config):
    """it falls by a constant factor, not along a straight line"""
    return config.epsilon_last ** min(1.0, step / config.epsilon_steps)


def epsilon__wrong_whole_steps(step, config):
    """whole steps only"""
    return 1 + min(step // config.epsilon_steps, 1) * (config.epsilon_last - 1)


def epsilon__wrong_other_constant(step, config):
    """got 0.95, expected 1, for step=0"""
    return 0.95 * falling(step, config)


def epsilon__wrong_printed(step, config):
    """it prints its answer and returns None"""
    print(falling(step, config))


# ----------------------------------------------------------------------------------------------------------- td_targets


def td_targets__where(batch, agent, gamma):
    best, _ = torch.max(agent.target(batch.next_observations), 1)
    return torch.where(batch.terminated, batch.rewards, batch.rewards + gamma * best).detach()


def td_targets__row_by_row(batch, agent, gamma):
    targets = batch.rewards.clone()
    with torch.inference_mode():
        for row, over in enumerate(batch.terminated):
            if not over:
                targets[row] += gamma * agent.target(batch.next_observations[row]).max()
    return targets


def td_targets__wrong_keepdim(batch, agent, gamma):
    """without keepdim"""
    with torch.no_grad():
        best = agent.target(batch.next_observations).max(dim=1, keepdim=True).values
    return batch.rewards + gamma * best * ~batch.terminated


def td_targets__wrong_online_network(batch, agent, gamma):
    """the online network judges"""
    with torch.no_grad():
        return batch.rewards + gamma * agent.network(batch.next_observations).amax(1) * ~batch.terminated


def td_targets__wrong_no_end(batch, agent, gamma):
    """the future after a final state is counted"""
    with torch.no_grad():
        return batch.rewards + gamma * agent.target(batch.next_observations).amax(1)


def td_targets__wrong_turned_round(batch, agent, gamma):
    """terminated is turned round"""
    with torch.no_grad():
        return batch.rewards + gamma * agent.target(batch.next_observations).amax(1) * batch.terminated


def td_targets__wrong_no_gamma(batch, agent, gamma):
    """the future is not discounted"""
    with torch.no_grad():
        return batch.rewards + agent.target(batch.next_observations).amax(1) * ~batch.terminated


def td_targets__wrong_present(batch, agent, gamma):
    """it looks at the observations before the action"""
    with torch.no_grad():
        return batch.rewards + gamma * agent.target(batch.observations).amax(1) * ~batch.terminated


def td_targets__wrong_number_of_the_best(batch, agent, gamma):
    """max(dim=1) gave the number of the best action"""
    with torch.no_grad():
        return batch.rewards + gamma * agent.target(batch.next_observations).argmax(dim=1) * ~batch.terminated


def td_targets__wrong_double(batch, agent, gamma):
    """which is double DQN"""
    with torch.no_grad():
        choice = agent.network(batch.next_observations).argmax(dim=1, keepdim=True)
        judged = agent.target(batch.next_observations).gather(1, choice)[:, 0]
    return batch.rewards + gamma * judged * ~batch.terminated


def td_targets__wrong_column(batch, agent, gamma):
    """it has shape (B, 1)"""
    with torch.no_grad():
        best = agent.target(batch.next_observations).amax(1, keepdim=True)
    return batch.rewards[:, None] + gamma * best * ~batch.terminated[:, None]


def td_targets__wrong_gradient(batch, agent, gamma):
    """the values are right, but a gradient flows through them"""
    return batch.rewards + gamma * agent.target(batch.next_observations).amax(1) * ~batch.terminated


def td_targets__wrong_discount_of_its_own(batch, agent, gamma):
    """the targets should be a torch tensor, not an array of float32 of shape (2,)"""
    return targets_of(batch, agent, gamma).numpy()


def td_targets__wrong_changes_the_batch(batch, agent, gamma):
    """it changes its argument batch"""
    batch.rewards.add_(gamma * targets_of(batch, agent, 1.0))
    return batch.rewards


# -------------------------------------------------------------------------------------------------------------- td_loss


def td_loss__by_hand(network, batch, targets):
    error = (network(batch.observations)[torch.arange(len(targets)), batch.actions] - targets).abs()
    return torch.where(error < 1, 0.5 * error**2, error - 0.5).mean()


def td_loss__one_hot(network, batch, targets):
    q = network(batch.observations)
    chosen = (q * nn.functional.one_hot(batch.actions, q.shape[1])).sum(1)
    return nn.HuberLoss()(chosen, targets)


def td_loss__wrong_columns(network, batch, targets):
    """takes columns for every row"""
    return nn.functional.smooth_l1_loss(network(batch.observations)[:, batch.actions], targets)


def td_loss__wrong_squares(network, batch, targets):
    """these are squared errors"""
    chosen = network(batch.observations)[torch.arange(len(targets)), batch.actions]
    return ((chosen - targets) ** 2).mean()


def td_loss__wrong_absolute(network, batch, targets):
    """these are absolute errors"""
    chosen = network(batch.observations)[torch.arange(len(targets)), batch.actions]
    return (chosen - targets).abs().mean()


def td_loss__wrong_sum(network, batch, targets):
    """it sums over the batch"""
    return len(targets) * loss_of(network, batch, targets)


def td_loss__wrong_no_mean(network, batch, targets):
    """there is a loss for each transition"""
    chosen = network(batch.observations)[torch.arange(len(targets)), batch.actions]
    return nn.functional.smooth_l1_loss(chosen, targets, reduction="none")


def td_loss__wrong_column(network, batch, targets):
    """has become (B, B)"""
    chosen = network(batch.observations).gather(1, batch.actions[:, None])
    return nn.functional.smooth_l1_loss(chosen, targets)


def td_loss__wrong_best_action(network, batch, targets):
    """it takes the largest Q-value of each row"""
    return nn.functional.smooth_l1_loss(network(batch.observations).amax(1), targets)


def td_loss__wrong_future(network, batch, targets):
    """it looks at next_observations"""
    return loss_of(network, batch._replace(observations=batch.next_observations), targets)


def td_loss__wrong_detached(network, batch, targets):
    """no gradient flows into the network"""
    return loss_of(network, batch, targets).detach()


def td_loss__wrong_number(network, batch, targets):
    """the loss should be a torch tensor"""
    return loss_of(network, batch, targets).item()


def td_loss__wrong_other_bend(network, batch, targets):
    """got tensor("""
    chosen = network(batch.observations)[torch.arange(len(targets)), batch.actions]
    return nn.functional.smooth_l1_loss(chosen, targets, beta=2.0)


# --------------------------------------------------------------------------------------------------------------- update


def update__own_gradients(agent, loss, config):
    weights = list(agent.network.parameters())
    gradients = torch.autograd.grad(loss, weights)
    length = torch.sqrt(sum((gradient**2).sum() for gradient in gradients))
    for one, gradient in zip(weights, gradients, strict=True):
        one.grad = gradient * min(1.0, config.max_grad_norm / (float(length) + 1e-6))
    agent.optimizer.step()
    agent.updates += 1
    if not agent.updates % config.updates_per_copy:
        for old, new in zip(agent.target.parameters(), weights, strict=True):
            old.data.copy_(new.data)


def update__empties_last(agent, loss, config):
    agent.network.zero_grad(set_to_none=False)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(list(agent.network.parameters()), max_norm=config.max_grad_norm)
    agent.optimizer.step()
    agent.updates = agent.updates + 1
    copies_due, rest = divmod(agent.updates, config.updates_per_copy)
    if copies_due and rest == 0:
        agent.target.load_state_dict(copy.deepcopy(agent.network.state_dict()))


def update__wrong_no_zero_grad(agent, loss, config):
    """old gradients add up"""
    loss.backward()
    nn.utils.clip_grad_norm_(agent.network.parameters(), config.max_grad_norm)
    agent.optimizer.step()
    agent.updates += 1
    if agent.updates % config.updates_per_copy == 0:
        agent.target.load_state_dict(agent.network.state_dict())


def update__wrong_no_clipping(agent, loss, config):
    """the gradient is not shortened to max_grad_norm"""
    agent.optimizer.zero_grad()
    loss.backward()
    agent.optimizer.step()
    agent.updates += 1
    if agent.updates % config.updates_per_copy == 0:
        agent.target.load_state_dict(agent.network.state_dict())


def update__wrong_clips_late(agent, loss, config):
    """the gradient is not shortened to max_grad_norm"""
    agent.optimizer.zero_grad()
    loss.backward()
    agent.optimizer.step()
    nn.utils.clip_grad_norm_(agent.network.parameters(), config.max_grad_norm)
    agent.updates += 1
    if agent.updates % config.updates_per_copy == 0:
        agent.target.load_state_dict(agent.network.state_dict())


def update__wrong_clips_entries(agent, loss, config):
    """each entry of the gradient is clipped by itself"""
    agent.optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(agent.network.parameters(), config.max_grad_norm)
    agent.optimizer.step()
    agent.updates += 1
    if agent.updates % config.updates_per_copy == 0:
        agent.target.load_state_dict(agent.network.state_dict())


def update__wrong_no_step(agent, loss, config):
    """the weights do not change"""
    agent.optimizer.zero_grad()
    loss.backward()
    agent.updates += 1
    if agent.updates % config.updates_per_copy == 0:
        agent.target.load_state_dict(agent.network.state_dict())


def update__wrong_uphill(agent, loss, config):
    """the step goes uphill"""
    updated(agent, -loss, config)


def update__wrong_divides_by_zero(agent, loss, config):
    """ZeroDivisionError"""
    length = max(float(part.norm()) for part in torch.autograd.grad(loss, agent.network.weight, retain_graph=True))
    _ = 1.0 / length
    updated(agent, loss, config)


def update__wrong_zero_over_zero(agent, loss, config):
    """where the gradient is 0 the weights should stay as they are"""
    before = copy.deepcopy(agent.network.state_dict())
    updated(agent, loss, config)
    if all(torch.equal(before[name], weights) for name, weights in agent.network.state_dict().items()):
        with torch.no_grad():
            agent.network.weight.mul_(float("nan"))


def update__wrong_twice(agent, loss, config):
    """agent.updates is wrong after update 1"""
    updated(agent, loss, config)
    agent.updates += 1


def update__wrong_never_copied(agent, loss, config):
    """the target network is never copied"""
    held = copy.deepcopy(agent.target.state_dict())
    updated(agent, loss, config)
    agent.target.load_state_dict(held)


def update__wrong_always_copied(agent, loss, config):
    """the target network is copied at every update"""
    updated(agent, loss, config)
    agent.target.load_state_dict(agent.network.state_dict())


def update__wrong_same_object(agent, loss, config):
    """agent.target is agent.network now"""
    updated(agent, loss, config)
    agent.target = agent.network


def update__wrong_new_object(agent, loss, config):
    """agent.target was exchanged"""
    updated(agent, loss, config)
    agent.target = copy.deepcopy(agent.target)


def update__wrong_target_update(agent, loss, config):
    """which counts steps: use updates_per_copy"""
    held = copy.deepcopy(agent.target.state_dict())
    updated(agent, loss, config)
    if agent.updates % config.target_update != 0:
        agent.target.load_state_dict(held)


# ---------------------------------------------------------------------------------------------------------------- train


def train__own_loop(env, config, parts, seed, watch=None):
    return loop(env, config, parts, seed, watch)


def train__while(env, config, parts, seed, watch=None):
    agent = new_agent(env.observation_space.shape[0], env.action_space.n, config, parts, seed)
    replay, run = parts.make_replay(config.buffer_size, env.observation_space.shape[0]), Run(agent)
    rng, steps, rewards = np.random.default_rng([seed, 1]), 0, []
    observation, _ = env.reset(seed=seed)
    stop = False
    while steps < config.total_steps and not stop:
        action = agent.act(observation)
        if rng.uniform() < parts.epsilon(steps, config):
            action = int(rng.integers(0, env.action_space.n))
        old, (observation, reward, terminated, truncated, _) = observation, env.step(action)
        parts.add(replay, old, action, reward, observation, terminated)
        rewards.append(reward)
        steps += 1
        if terminated or truncated:
            run.note(sum(rewards), steps)
            rewards, (observation, _) = [], env.reset()
        if not (steps < config.learning_starts or steps % config.train_every):
            batch = replay.sample(config.batch_size, rng)
            y = parts.td_targets(batch, agent, config.gamma)
            parts.update(agent, parts.td_loss(agent.network, batch, y), config)
        stop = bool(watch and watch(steps, agent))
    return run


def train__wrong_time_limit_ignored(env, config, parts, seed, watch=None):
    """env.step is called after truncated"""
    return loop(env, config, parts, seed, watch, over=lambda terminated, truncated: terminated)


def train__wrong_end_ignored(env, config, parts, seed, watch=None):
    """env.step is called after terminated"""
    return loop(env, config, parts, seed, watch, over=lambda terminated, truncated: truncated)


def train__wrong_time_limit_is_an_end(env, config, parts, seed, watch=None):
    """truncated is stored as terminated"""
    return loop(env, config, parts, seed, watch, stored=lambda terminated, truncated: terminated or truncated)


def train__wrong_no_end_stored(env, config, parts, seed, watch=None):
    """a final state is stored as if it had a future"""
    return loop(env, config, parts, seed, watch, stored=lambda terminated, truncated: False)


def train__wrong_every_step_final(env, config, parts, seed, watch=None):
    """a step in the middle of an episode is stored as final"""
    return loop(env, config, parts, seed, watch, stored=lambda terminated, truncated: True)


def train__wrong_greedy(env, config, parts, seed, watch=None):
    """it never explores"""
    return loop(env, config, parts, seed, watch, explore=False)


def train__wrong_learns_early(env, config, parts, seed, watch=None):
    """transitions are stored, before learning_starts"""
    return loop(env, config, parts, seed, watch, due=lambda step, config: step % config.train_every == 0)


def train__wrong_learns_always(env, config, parts, seed, watch=None):
    """it learns at every step: train_every is 4"""
    return loop(env, config, parts, seed, watch, due=lambda step, config: step >= config.learning_starts)


def train__wrong_never_learns(env, config, parts, seed, watch=None):
    """it never learns"""
    return loop(env, config, parts, seed, watch, due=lambda step, config: False)


def train__wrong_counts_from_zero(env, config, parts, seed, watch=None):
    """it learns one step late each time"""
    return loop(env, config, parts, seed, watch, due=lambda step, config: step > 12 and (step - 1) % 4 == 0)


def train__wrong_same_start(env, config, parts, seed, watch=None):
    """later resets get a seed too"""
    return loop(env, config, parts, seed, watch, later=seed)


def train__wrong_old_observation_lost(env, config, parts, seed, watch=None):
    """a transition starts where it ends"""
    return loop(env, config, parts, seed, watch, keep_old=False)


def train__wrong_reset_ignored(env, config, parts, seed, watch=None):
    """a transition goes from one episode into the next"""
    return loop(env, config, parts, seed, watch, after_reset=False)


def train__wrong_total_grows(env, config, parts, seed, watch=None):
    """returns grow from episode to episode"""
    return loop(env, config, parts, seed, watch, restart=False)


def train__wrong_last_reward_lost(env, config, parts, seed, watch=None):
    """the last reward of an episode is missing"""
    return loop(env, config, parts, seed, watch, noted=lambda total, reward: total - reward)


def train__wrong_epsilon_of_zero(env, config, parts, seed, watch=None):
    """parts.epsilon should be asked once at every step"""
    return loop(env, config, parts, seed, watch, asked=lambda step: 0)


def train__wrong_two_samples(env, config, parts, seed, watch=None):
    """targets and loss come from different samples"""
    return loop(env, config, parts, seed, watch, twice=True)


def train__wrong_goes_on(env, config, parts, seed, watch=None):
    """watch answered True after step 11"""
    return loop(env, config, parts, seed, watch, stops=False)


def train__wrong_global_generator(env, config, parts, seed, watch=None):
    """numpy's global generator"""
    np.random.rand()  # noqa: NPY002 - that is the mistake
    return loop(env, config, parts, seed, watch)


def train__wrong_agent_returned(env, config, parts, seed, watch=None):
    """the run should be a Run"""
    return loop(env, config, parts, seed, watch).agent


# ------------------------------------------------------------------------------------------------------------- evaluate


def evaluate__list(network, env, episodes, seed):
    return play(network, env, episodes, seed)


def evaluate__argmax_by_numpy(network, env, episodes, seed):
    def best(network, observation):
        return int(np.argmax(network(torch.as_tensor(observation)[None]).detach().numpy()[0]))

    return np.array(play(network, env, episodes, seed, act=best), dtype=np.float32)


def evaluate__wrong_mean(network, env, episodes, seed):
    """it returns one number"""
    return np.mean(play(network, env, episodes, seed))


def evaluate__wrong_one_start(network, env, episodes, seed):
    """every episode starts from the same seed"""
    return play(network, env, episodes, seed, start=lambda seed, i: seed)


def evaluate__wrong_no_seed(network, env, episodes, seed):
    """the episodes start from other seeds than they should"""
    return play(network, env, episodes, seed, start=lambda seed, i: None)


def evaluate__wrong_time_limit_ignored(network, env, episodes, seed):
    """env.step is called after truncated"""
    return play(network, env, episodes, seed, both=False)


def evaluate__wrong_other_action(network, env, episodes, seed):
    """an action was taken that has not the largest Q-value"""
    return play(network, env, episodes, seed, act=lambda network, observation: 1)


def evaluate__wrong_lengths(network, env, episodes, seed):
    """these are lengths of episodes"""
    return play(network, env, episodes, seed, collect=len)


def evaluate__wrong_last_reward(network, env, episodes, seed):
    """only the last reward is kept"""
    return play(network, env, episodes, seed, collect=lambda rewards: rewards[-1])


def evaluate__wrong_sum_goes_on(network, env, episodes, seed):
    """returns add up over episodes"""
    return np.cumsum(play(network, env, episodes, seed))


def evaluate__wrong_one_episode_short(network, env, episodes, seed):
    """should have shape (4,), not (3,)"""
    return play(network, env, episodes, seed)[:-1]


def evaluate__wrong_teaches(network, env, episodes, seed):
    """the network's weights were changed"""
    with torch.no_grad():
        network.bias.add_(1.0)
    return play(network, env, episodes, seed)
