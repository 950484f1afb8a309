"""Checks of lesson 02: other right answers pass, and each named mistake gets its own message."""

import numpy as np
import pytest
import torch
from judging import verdict, wrong

from binpack.course.l02_deep_q_network import exercises as lesson
from binpack.course.l02_deep_q_network.agent import Run, greedy_action, new_agent

# ---------------------------------------------------------------------------------------------------------------- train


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


# ------------------------------------------------------------------------------------------------------------- evaluate


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
