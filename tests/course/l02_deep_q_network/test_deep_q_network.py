"""Every check of lesson 02: the reference and other right forms pass, and each named mistake gets its own message."""

import copy

import numpy as np
import pytest
import torch
from judging import verdict, wrong
from torch import nn

from binpack.course.exercises.core import exercises_of
from binpack.course.l02_deep_q_network import exercises as lesson
from binpack.course.l02_deep_q_network.agent import VALIDATION_SEED, Run, double_targets, greedy_action, new_agent


@pytest.mark.parametrize("exercise", exercises_of(lesson), ids=lambda exercise: exercise.name)
def test_an_answer_without_return_is_told_so(exercise):
    assert verdict(exercise, lambda *_, **__: None).outcome in ("wrong", "error")


# ---------------------------------------------------------------------------------------------------- make_network


class AsModule(nn.Module):
    def __init__(self, n_inputs, n_actions):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(n_inputs, 128), nn.Linear(128, 128), nn.Linear(128, n_actions)

    def forward(self, x):
        return self.last(torch.relu(self.second(torch.relu(self.first(x)))))


def layers(n, m, *, hidden=nn.ReLU, units=128, end=()):
    return nn.Sequential(nn.Linear(n, units), hidden(), nn.Linear(units, units), hidden(), nn.Linear(units, m), *end)


def seeded(n, m):
    torch.manual_seed(1)
    return layers(n, m)


def with_dropout(n, m):
    return nn.Sequential(nn.Linear(n, 128), nn.ReLU(), nn.Dropout(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, m))


def with_batch_norm(n, m):
    return nn.Sequential(
        nn.Linear(n, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, m)
    )


@pytest.mark.parametrize("answer", [AsModule, layers])
def test_make_network_in_other_forms(answer):
    assert verdict(lesson.make_network, answer).outcome == "correct"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda n, m: layers(n, m, end=[nn.Softmax(dim=-1)]), "each row sums to 1"),
        (lambda n, m: layers(n, m, end=[nn.ReLU()]), "no output is ever negative"),
        (lambda n, m: layers(n, m, end=[nn.Tanh()]), "outputs are squashed"),
        (lambda n, m: layers(n, m, hidden=nn.Identity), "it is a linear function"),
        (lambda n, m: layers(n, m, hidden=nn.Tanh), "hidden units saturate"),
        (lambda n, m: layers(n, m, units=64), "the weight matrices are [(64, 3), (64, 64), (4, 64)]"),
        (lambda n, m: layers(n, 1), "should have shape (64, 4), not (64, 1)"),
        (with_dropout, "leave dropout out"),
        (with_batch_norm, "leave batch normalisation out"),
        (seeded, "two networks come out equal"),
        (lambda n, m: torch.zeros(4), "the answer should be of type Module"),
    ],
)
def test_mistakes_in_make_network(answer, message):
    assert message in wrong(lesson.make_network, answer)


# ------------------------------------------------------------------------------------------------------------- add


def by_slices(replay, observation, action, reward, next_observation, terminated):
    at, new = replay.position, (observation, action, reward, next_observation, terminated)
    for name, value in zip(("observations", "actions", "rewards", "next_observations", "terminated"), new, strict=True):
        getattr(replay, name)[at : at + 1] = value
    replay.position = at + 1 if at + 1 < replay.capacity else 0
    if replay.size < replay.capacity:
        replay.size += 1


def spoiled_add(change):
    """The reference, followed by a change to the buffer."""

    def answer(replay, observation, action, reward, next_observation, terminated):
        row = replay.position
        lesson.add(replay, observation, action, reward, next_observation, terminated)
        change(replay, row, observation)

    return answer


def set_to(name, value):
    return spoiled_add(lambda replay, row, _: setattr(replay, name, value(replay, row)))


def grows(replay, observation, action, reward, next_observation, terminated):
    replay.rewards = np.append(replay.rewards, reward)


def moves_first(replay, *transition):
    replay.position = (replay.position + 1) % replay.capacity
    lesson.add(replay, *transition)


def test_add_in_other_forms():
    assert verdict(lesson.add, by_slices).outcome == "correct"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (grows, "rewards: a new array was made"),
        (moves_first, "the first transition is in row 1 or everywhere"),
        (lambda r, o, a, w, n, t: lesson.add(r, o, a, w, o, t), "holds the observation before the action"),
        (lambda r, o, a, w, n, t: lesson.add(r, n, a, w, n, t), "observations[0] is not the observation"),
        (lambda r, o, a, w, n, t: lesson.add(r, o, 0, w, n, t), "actions[0] is not the action"),
        (lambda r, o, a, w, n, t: lesson.add(r, o, a, 0.0, n, t), "rewards[0] is not the reward"),
        (lambda r, o, a, w, n, t: lesson.add(r, o, a, w, n, not t), "terminated[0] is False though"),
        (lambda r, o, a, w, n, t: lesson.add(r, o, a, w, n, True), "terminated is True though its state has a future"),
        (set_to("position", lambda r, row: 0), "after one transition the position is 0"),
        (set_to("position", lambda r, row: row + 1), "the position is 3, not 0"),
        (set_to("size", lambda r, row: r.capacity), "after one transition size is 3"),
        (set_to("size", lambda r, row: row + 1), "size is 1, but 3 rows are filled"),
    ],
)
def test_mistakes_in_add(answer, message):
    assert message in wrong(lesson.add, answer)


def test_add_without_a_limit_is_told_about_the_size_or_the_row():
    def unlimited(replay, *transition):
        size = replay.size
        lesson.add(replay, *transition)
        replay.size = size + 1

    assert "it counts rows, and there are no more of them" in wrong(lesson.add, unlimited)

    def never_round(replay, *transition):
        row = replay.position
        if row == replay.capacity:
            raise IndexError
        lesson.add(replay, *transition)
        replay.position = row + 1

    assert "the position is 3, not 0" in wrong(lesson.add, never_round)


# --------------------------------------------------------------------------------------------------------- epsilon


@pytest.mark.parametrize(
    "answer",
    [
        lambda step, c: max(c.epsilon_last, 1 - (1 - c.epsilon_last) * step / c.epsilon_steps),
        lambda step, c: np.interp(step, [0, c.epsilon_steps], [1.0, c.epsilon_last]),
        lambda step, c: torch.tensor(lesson.epsilon(step, c), dtype=torch.float64),
    ],
)
def test_epsilon_in_other_forms(answer):
    assert verdict(lesson.epsilon, answer).outcome == "correct"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda step, c: 0.1, "the rate is 0.1 at every step"),
        (lambda step, c: 1 - step / c.epsilon_steps, "the rate becomes negative"),
        (lambda step, c: 1 - (1 - c.epsilon_last) * step / c.epsilon_steps, "the rate becomes negative"),
        (lambda step, c: max(0.1, 1 - 0.8 * step / c.epsilon_steps), "it falls below epsilon_last"),
        (lambda step, c: max(0.0, 1 - step / c.epsilon_steps), "it ends at 0"),
        (lambda step, c: min(1, c.epsilon_last + 0.8 * step / c.epsilon_steps), "it starts at epsilon_last"),
        (lambda step, c: 1 - (1 - c.epsilon_last) * step / c.total_steps, "it decays over total_steps"),
        (lambda step, c: max(c.epsilon_last, 0.998**step), "not a straight line"),
        (lambda step, c: 0.9 * lesson.epsilon(step, c) + 0.02, "at step 0 it is 0.92"),
        (lambda step, c: max(c.epsilon_last, 1 - step / c.epsilon_steps), "not a straight line"),
    ],
)
def test_mistakes_in_epsilon(answer, message):
    assert message in wrong(lesson.epsilon, answer)


# ------------------------------------------------------------------------------------------------------ td_targets


def detached(batch, agent, gamma):
    best, _ = torch.max(agent.target(batch.next_observations), 1)
    return torch.where(batch.terminated, batch.rewards, batch.rewards + gamma * best).detach()


def by_rows(batch, agent, gamma):
    out = batch.rewards.clone()
    with torch.no_grad():
        for row, over in enumerate(batch.terminated):
            if not over:
                out[row] += gamma * agent.target(batch.next_observations[row]).max()
    return out


@pytest.mark.parametrize("answer", [detached, by_rows])
def test_td_targets_in_other_forms(answer):
    assert verdict(lesson.td_targets, answer).outcome == "correct"


def future(b, agent):
    with torch.no_grad():
        return agent.target(b.next_observations)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            lambda b, a, g: b.rewards + g * a.network(b.next_observations).max(1).values.detach() * ~b.terminated,
            "online",
        ),
        (lambda b, a, g: b.rewards + g * future(b, a).max(1).values, "the future after a final state is counted"),
        (lambda b, a, g: b.rewards + g * future(b, a).max(1).values * b.terminated, "it is turned round"),
        (lambda b, a, g: b.rewards + future(b, a).max(1).values * ~b.terminated, "the discount is missing"),
        (lambda b, a, g: g * future(b, a).max(1).values * ~b.terminated, "the reward is missing"),
        (lambda b, a, g: g * (b.rewards + future(b, a).max(1).values * ~b.terminated), "it discounts the reward too"),
        (lambda b, a, g: b.rewards + g * future(b, a).mean(1) * ~b.terminated, "it takes the mean over actions"),
        (lambda b, a, g: b.rewards + g * future(b, a).min(1).values * ~b.terminated, "it takes the worst action"),
        (lambda b, a, g: b.rewards + g * future(b, a).max() * ~b.terminated, "the best of the whole batch"),
        (
            lambda b, a, g: b.rewards + g * future(b, a).gather(1, b.actions[:, None])[:, 0] * ~b.terminated,
            "which is SARSA",
        ),
        (
            lambda b, a, g: b.rewards + g * a.target(b.observations).max(1).values.detach() * ~b.terminated,
            "it looks at the observation before the action",
        ),
        (double_targets, "which is double DQN, the bonus"),
        (lambda b, a, g: (b.rewards + g * future(b, a).max(1).values) * ~b.terminated, "the reward of a final step"),
        (
            lambda b, a, g: b.rewards + g * a.target(b.next_observations).max(1).values * ~b.terminated,
            "a gradient flows through the targets",
        ),
        (lambda b, a, g: lesson.td_targets(b, a, g)[:, None], "it has shape (6, 1)"),
        (lambda b, a, g: lesson.td_targets(b, a, 0.9), "with gamma = 0 only the rewards should be left"),
    ],
)
def test_mistakes_in_td_targets(answer, message):
    assert message in wrong(lesson.td_targets, answer)


# --------------------------------------------------------------------------------------------------------- td_loss


def by_hand(network, batch, targets):
    error = (network(batch.observations)[torch.arange(len(targets)), batch.actions] - targets).abs()
    return torch.where(error < 1, 0.5 * error**2, error - 0.5).mean()


def by_one_hot(network, batch, targets):
    q = network(batch.observations)
    chosen = (q * nn.functional.one_hot(batch.actions, q.shape[1])).sum(1)
    return nn.HuberLoss()(chosen, targets)


@pytest.mark.parametrize("answer", [by_hand, by_one_hot])
def test_td_loss_in_other_forms(answer):
    assert verdict(lesson.td_loss, answer).outcome == "correct"


def chosen(network, b):
    return network(b.observations).gather(1, b.actions[:, None])


huber = nn.functional.smooth_l1_loss


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda n, b, t: nn.functional.mse_loss(chosen(n, b)[:, 0], t), "these are squared errors"),
        (lambda n, b, t: nn.functional.l1_loss(chosen(n, b)[:, 0], t), "these are absolute errors"),
        (lambda n, b, t: huber(chosen(n, b)[:, 0], t, reduction="sum"), "it sums over the batch"),
        (lambda n, b, t: huber(chosen(n, b)[:, 0], t, reduction="none"), "is there a mean over the batch?"),
        (lambda n, b, t: huber(chosen(n, b), t), "(B, 1) against (B,) has become (B, B)"),
        (lambda n, b, t: huber(n(b.observations).max(1).values, t), "it takes the largest Q-value"),
        (lambda n, b, t: huber(n(b.observations), t[:, None].expand(6, 3)), "it compares every action"),
        (
            lambda n, b, t: huber(n(b.next_observations).gather(1, b.actions[:, None])[:, 0], t),
            "it looks at next_observations",
        ),
        (lambda n, b, t: lesson.td_loss(n, b, t).detach(), "no gradient flows"),
        (lambda n, b, t: lesson.td_loss(n, b, t).item(), "the loss should be of type Tensor"),
        (lambda n, b, t: -lesson.td_loss(n, b, t), "the loss is wrong"),
    ],
)
def test_mistakes_in_td_loss(answer, message):
    assert message in wrong(lesson.td_loss, answer)


# ---------------------------------------------------------------------------------------------------------- update


def steps(agent, loss, config, *, clip="norm", zero=True, move=True, count=1, sync="copy"):
    """An update with parts that can be left out."""
    if zero:
        agent.optimizer.zero_grad()
    loss.backward()
    if clip == "norm":
        nn.utils.clip_grad_norm_(agent.network.parameters(), config.max_grad_norm)
    elif clip == "value":
        nn.utils.clip_grad_value_(agent.network.parameters(), 0.01)
    if move:
        agent.optimizer.step()
    agent.updates += count
    if sync == "always" or (sync == "copy" and agent.updates % config.updates_per_copy == 0):
        agent.target.load_state_dict(agent.network.state_dict())
    elif sync == "alias":
        agent.target = agent.network
    elif sync == "new" and agent.updates % config.updates_per_copy == 0:
        agent.target = copy.deepcopy(agent.network)
    elif sync == "late" and agent.updates % (config.updates_per_copy + 1) == 0:
        agent.target.load_state_dict(agent.network.state_dict())


def own_step(agent, loss, config):
    """The same by other means."""
    agent.network.zero_grad()
    gradients = torch.autograd.grad(loss, list(agent.network.parameters()))
    length = torch.sqrt(sum((gradient**2).sum() for gradient in gradients))
    for weights, gradient in zip(agent.network.parameters(), gradients, strict=True):
        weights.grad = gradient * min(1.0, config.max_grad_norm / length)
    agent.optimizer.step()
    agent.updates += 1
    if not agent.updates % config.updates_per_copy:
        for old, new in zip(agent.target.parameters(), agent.network.parameters(), strict=True):
            old.data.copy_(new.data)


def clips_late(agent, loss, config):
    agent.optimizer.zero_grad()
    loss.backward()
    agent.optimizer.step()
    nn.utils.clip_grad_norm_(agent.network.parameters(), config.max_grad_norm)
    agent.updates += 1


def test_update_in_other_forms():
    judged = verdict(lesson.update, own_step)
    assert judged.outcome == "correct", judged


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda a, x, c: steps(a, x, c, zero=False), "are old gradients emptied with zero_grad?"),
        (lambda a, x, c: steps(a, x, c, clip=None), "the gradient is longer than max_grad_norm"),
        (clips_late, "the gradient is longer than max_grad_norm"),
        (lambda a, x, c: steps(a, x, c, clip="value"), "each weight's gradient is clipped by itself"),
        (lambda a, x, c: steps(a, x, c, move=False), "the weights did not change"),
        (lambda a, x, c: steps(a, -x, c), "the step goes uphill"),
        (lambda a, x, c: steps(a, x, c, count=0, sync=None), "after 1 updates agent.updates is 0"),
        (lambda a, x, c: steps(a, x, c, sync=None), "is it ever copied?"),
        (lambda a, x, c: steps(a, x, c, sync="always"), "is a copy after update 1"),
        (lambda a, x, c: steps(a, x, c, sync="late"), "is it ever copied?"),
        (lambda a, x, c: steps(a, x, c, sync="alias"), "agent.target is agent.network now"),
        (lambda a, x, c: steps(a, x, c, sync="new"), "agent.target was exchanged"),
    ],
)
def test_mistakes_in_update(answer, message):
    assert message in wrong(lesson.update, answer)


# ----------------------------------------------------------------------------------------------------------- train


def loop(
    env,
    config,
    parts,
    seed,
    watch=None,
    *,
    over=lambda terminated, truncated: terminated or truncated,
    stored=lambda terminated, truncated: terminated,
    explore=True,
    learns=lambda step, config: step >= config.learning_starts and step % config.train_every == 0,
    first=lambda seed: seed,
    later=None,
    keep_old=True,
    use_reset=True,
    zero_total=True,
    total_steps=None,
    rng=None,
    epsilon_step=lambda step: step,
    greedy=greedy_action,
    two_samples=False,
    stops=True,
):
    """A training loop in which any decision can be made wrongly."""
    n_inputs, n_actions = env.observation_space.shape[0], int(env.action_space.n)
    generator = rng() if rng else np.random.default_rng(seed)
    agent = new_agent(n_inputs, n_actions, config, parts, seed)
    replay, run = parts.make_replay(config.buffer_size, n_inputs), Run(agent)
    seen, total = env.reset(seed=first(seed))[0], 0.0
    for step in range(1, (total_steps or config.total_steps) + 1):
        chance = parts.epsilon(epsilon_step(step - 1), config)
        if explore and generator.random() < chance:
            action = int(generator.integers(n_actions))
        else:
            action = greedy(agent.network, seen)
        after, reward, terminated, truncated, _ = env.step(action)
        parts.add(replay, seen if keep_old else after, action, reward, after, stored(terminated, truncated))
        seen, total = after, total + reward
        if over(terminated, truncated):
            run.returns.append(total)
            run.ends.append(step)
            fresh = env.reset(seed=later)[0]
            seen = fresh if use_reset else seen
            total = 0.0 if zero_total else total
        if learns(step, config):
            batch = replay.sample(config.batch_size, generator)
            targets = parts.td_targets(batch, agent, config.gamma)
            batch = replay.sample(config.batch_size, generator) if two_samples else batch
            parts.update(agent, parts.td_loss(agent.network, batch, targets), config)
        if watch and watch(step, agent) and stops:
            break
    return run


def variant(**changes):
    return lambda env, config, parts, seed, watch=None: loop(env, config, parts, seed, watch, **changes)


def test_train_in_other_forms():
    assert verdict(lesson.train, loop).outcome == "correct"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (variant(over=lambda terminated, truncated: terminated), "env.step is called after truncated"),
        (variant(over=lambda terminated, truncated: truncated), "env.step is called after terminated"),
        (variant(stored=lambda terminated, truncated: terminated or truncated), "truncated is stored as terminated"),
        (variant(stored=lambda terminated, truncated: False), "a final state is stored as if it had a future"),
        (
            variant(stored=lambda terminated, truncated: not terminated),
            "in the middle of an episode is stored as final",
        ),
        (variant(explore=False), "it never explores"),
        (variant(learns=lambda step, config: step % config.train_every == 0), "learning_starts is 10"),
        (variant(learns=lambda step, config: step >= config.learning_starts), "it learns at every step"),
        (variant(learns=lambda step, config: False), "it never learns"),
        (variant(learns=lambda step, config: step > 10 and step % 4 == 1), "updates come after steps"),
        (variant(first=lambda seed: None), "the first reset gets seed None"),
        (variant(later=7), "later resets get a seed too"),
        (variant(keep_old=False), "a transition starts where it ends"),
        (variant(use_reset=False), "a transition goes from one episode into the next"),
        (variant(zero_total=False), "returns grow without end"),
        (variant(total_steps=50), "50 steps were taken, total_steps is 53"),
        (variant(rng=np.random.default_rng), "two runs with the same seed differ"),
        (variant(epsilon_step=lambda step: 0), "epsilon should be asked once at every step"),
        (variant(greedy=lambda network, observation: 0), "does not always take the action of the largest Q-value"),
        (variant(two_samples=True), "targets and loss come from different samples"),
        (variant(stops=False), "watch answered True"),
    ],
)
def test_mistakes_in_train(answer, message):
    assert message in wrong(lesson.train, answer)


def test_a_loop_on_the_global_generator_is_told_so():
    def answer(env, config, parts, seed, watch=None):
        np.random.rand()  # noqa: NPY002
        return loop(env, config, parts, seed, watch)

    assert "numpy's global generator" in wrong(lesson.train, answer)


# -------------------------------------------------------------------------------------------------------- evaluate


def play(network, env, episodes, seed, *, act=greedy_action, start=lambda seed, i: seed + i, both=True, collect=sum):
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


def argmax_by_numpy(network, observation):
    return int(np.argmax(network(torch.as_tensor(observation)[None]).detach().numpy()[0]))


@pytest.mark.parametrize("answer", [play, lambda *args: np.array(play(*args, act=argmax_by_numpy))])
def test_evaluate_in_other_forms(answer):
    assert verdict(lesson.evaluate, answer).outcome == "correct"


def teaches(network, env, episodes, seed):
    with torch.no_grad():
        network.bias.add_(1.0)
    return play(network, env, episodes, seed)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda *args: float(np.mean(play(*args))), "it returns one number"),
        (lambda *args: play(*args, start=lambda seed, i: seed), "every episode starts from the same seed"),
        (lambda *args: play(*args, start=lambda seed, i: None), "the episodes start from seeds [None"),
        (lambda *args: play(*args, both=False), "env.step is called after truncated"),
        (lambda *args: play(*args, act=lambda network, seen: 1), "an action was not the best one"),
        (lambda *args: play(*args, collect=len), "these are lengths of episodes"),
        (lambda *args: play(*args, collect=lambda rewards: rewards[-1]), "only the last reward is kept"),
        (lambda *args: np.cumsum(play(*args)), "returns add up over episodes"),
        (teaches, "the network's weights were changed"),
        (lambda *args: play(*args)[:-1], "should have shape (4,), not (3,)"),
    ],
)
def test_mistakes_in_evaluate(answer, message):
    assert message in wrong(lesson.evaluate, answer)


# --------------------------------------------------------------------------------------------------- save_and_load


def in_a_dictionary_of_its_own(network, path, fresh):
    with path.open("wb") as file:
        torch.save({name: weights.clone() for name, weights in network.state_dict().items()}, file)
    with path.open("rb") as file:
        fresh.load_state_dict(torch.load(file))
    return fresh


def whole_module(network, path, fresh):
    torch.save(network, path)
    return torch.load(path, weights_only=False)


def without_file(network, path, fresh):
    fresh.load_state_dict(network.state_dict())
    return fresh


def not_loaded(network, path, fresh):
    torch.save(network.state_dict(), path)
    torch.load(path)
    return fresh


def unsafe(network, path, fresh):
    torch.save(network.state_dict(), path)
    fresh.load_state_dict(torch.load(path, weights_only=False))
    return fresh


def returns_the_old_one(network, path, fresh):
    not_loaded(network, path, fresh)
    return network


def saves_the_fresh_one(network, path, fresh):
    torch.save(fresh.state_dict(), path)
    return fresh


def forgets_to_return(network, path, fresh):
    unsafe_free = in_a_dictionary_of_its_own(network, path, fresh)
    assert unsafe_free is fresh


def test_save_and_load_in_other_forms():
    assert verdict(lesson.save_and_load, in_a_dictionary_of_its_own).outcome == "correct"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (whole_module, "the file holds the module itself"),
        (without_file, "there is no file at the path"),
        (not_loaded, "is load_state_dict called?"),
        (unsafe, "weights_only=False runs whatever code a file holds"),
        (returns_the_old_one, "it returns the network that was saved"),
        (saves_the_fresh_one, "were the fresh network's saved?"),
        (forgets_to_return, "it returns None"),
    ],
)
def test_mistakes_in_save_and_load(answer, message):
    assert message in wrong(lesson.save_and_load, answer)


# -------------------------------------------------------------------------------------------------- tune_objective


def ask(trial, *, rate=(1e-4, 1e-2, True), gamma=(0.9, 0.999), batches=(32, 64, 128), copies=(500, 1000, 2000)):
    return {
        "learning_rate": trial.suggest_float("learning_rate", *rate[:2], log=rate[2]),
        "gamma": trial.suggest_float("gamma", *gamma),
        "batch_size": trial.suggest_categorical("batch_size", list(batches)),
        "target_update": trial.suggest_categorical("target_update", list(copies)),
    }


def tune(trial, make_env, base, parts, seeds, *, asked=None, used=lambda v: v, mean=np.mean, first=None, judge=True):
    config = base.replace(**used((asked or ask)(trial)))
    scores = []
    for seed in seeds:
        run = lesson.train(make_env(), config, parts, seed)
        start = VALIDATION_SEED if first is None else first
        score = np.mean(lesson.evaluate(run.agent.network, make_env(), 10, start)) if judge else np.mean(run.returns)
        scores.append(score)
    return mean(scores)


def shares_one_network(trial, make_env, base, parts, seeds):
    one = parts.make_network(2, 3)
    shared = parts.replace(make_network=lambda *sizes: one)
    return tune(trial, make_env, base, shared, seeds)


def test_tune_objective_in_other_forms():
    def in_another_order(trial, make_env, base, parts, seeds):
        copies = trial.suggest_categorical("target_update", (500, 1000, 2000))
        rest = {"gamma": trial.suggest_float("gamma", 0.9, 0.999)}
        rest["batch_size"] = trial.suggest_categorical("batch_size", (32, 64, 128))
        rest["learning_rate"] = trial.suggest_float("learning_rate", 0.0001, 0.01, log=True)
        config = base.replace(target_update=copies, **rest)
        runs = [lesson.train(make_env(), config, parts, seed) for seed in seeds]
        env = make_env()
        scores = [lesson.evaluate(run.agent.network, env, 10, VALIDATION_SEED) for run in runs]
        return np.concatenate(scores).mean()

    assert verdict(lesson.tune_objective, tune).outcome == "correct"
    judged = verdict(lesson.tune_objective, in_another_order)
    assert judged.outcome == "correct", judged


def tuned(**changes):
    return lambda *args: tune(*args, **changes)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (shares_one_network, "1 network for 2 seeds: train a fresh one for each"),
        (tuned(asked=lambda t: ask(t, rate=(1e-4, 1e-2, False))), "learning_rate: is it on a log scale or not"),
        (tuned(asked=lambda t: ask(t, gamma=(0.5, 0.999))), "gamma is drawn from another range"),
        (tuned(asked=lambda t: ask(t, batches=(64, 128))), "batch_size is drawn from another range"),
        (tuned(used=lambda values: {}), "the runs do not use the suggested learning_rate"),
        (tuned(used=lambda values: values | {"total_steps": 24}), "should come from base"),
        (tuned(mean=sum), "it adds the seeds up"),
        (tuned(mean=lambda scores: scores[0]), "only the first seed's score is returned"),
        (tuned(mean=lambda scores: scores[-1]), "only the last seed's score is returned"),
        (tuned(judge=False), "the score comes from training"),
        (tuned(first=0), "should each play 10 episodes from VALIDATION_SEED on"),
        (lambda t, e, b, p, seeds: tune(t, e, b, p, seeds[:1]), "train a fresh one for each"),
        (lambda t, e, b, p, seeds: tune(t, e, b, p, [9, 10]), "the runs start from seeds [9"),
        (
            tuned(asked=lambda t: {"gamma": t.suggest_float("gamma", 0.9, 0.999), "lr": t.suggest_float("lr", 0, 1)}),
            "it asks for 'lr', which the docstring does not name",
        ),
        (tuned(asked=lambda t: {"gamma": t.suggest_float("gamma", 0.9, 0.999)}), "the trial is not asked for"),
    ],
)
def test_mistakes_in_tune_objective(answer, message):
    assert message in wrong(lesson.tune_objective, answer)
