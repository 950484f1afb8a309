"""The loop of lesson 04: it is the one that the lesson prints, learns to pack, and repeats itself."""

import ast
import inspect
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch

from binpack.course.l04_ppo import exercises as lesson
from binpack.course.l04_ppo import loop
from binpack.course.l04_ppo.agent import Settings, make_agent, make_batch
from binpack.course.l04_ppo.listing import ListingBatch, Rows, listing_loss, train_listing
from binpack.course.l04_ppo.packing import SMALL, Packer, Packing, flat, judge
from binpack.course.l04_ppo.record_listing import ARMS
from binpack.env.single import BinPackingEnv

SOURCE = Path(__file__).parents[3] / "notebooks" / "source" / "04_ppo.py"
SHORT = Settings(total_steps=1_024, n_steps=8)


def plain(function_source):
    """A function without its docstring and annotations."""
    node = ast.parse(textwrap.dedent(function_source)).body[0]
    for each in ast.walk(node):
        if isinstance(each, ast.FunctionDef):
            each.returns = None
            for argument in each.args.args:
                argument.annotation = None
            if ast.get_docstring(each) is not None:
                each.body = each.body[1:]
    return ast.unparse(node)


@pytest.mark.parametrize("name", ["minibatch_loss", "train"])
def test_the_lesson_prints_the_very_function_that_the_records_were_made_with(name):
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    printed = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    assert ast.unparse(printed) == plain(inspect.getsource(getattr(loop, name)))


def test_two_runs_of_one_seed_are_equal_and_other_seeds_differ():
    torch.set_num_threads(1)

    def weights(seed):
        agent = loop.train(Packing(SMALL, 8, seed), SHORT, lesson.REFERENCE, seed)
        return torch.nn.utils.parameters_to_vector(agent.network.parameters())

    before = torch.random.get_rng_state()
    first = weights(0)
    assert torch.equal(first, weights(0))
    assert not torch.equal(first, weights(1))
    assert torch.equal(before, torch.random.get_rng_state()), "torch's own generator is left alone"


def test_watch_is_called_after_each_rollout_and_steps_are_whole_rollouts():
    seen = []
    agent = loop.train(
        Packing(SMALL, 8, 0), SHORT.replace(total_steps=150), lesson.REFERENCE, 0, lambda *a: seen.append(a)
    )
    assert [steps for steps, _ in seen] == [64, 128, 192]
    assert all(each is agent for _, each in seen)


def test_it_learns_to_pack():
    torch.set_num_threads(1)
    settings = Settings(total_steps=16_384)
    env = Packing(SMALL, 32, 0)
    untrained = judge(make_agent(env, settings, lesson.REFERENCE, 0)).mean
    assert judge(loop.train(env, settings, lesson.REFERENCE, 0)).mean > untrained + 0.15


def test_ratios_are_1_at_first_and_all_transitions_are_seen():
    env = Packing(SMALL, 8, 0)
    agent = make_agent(env, SHORT, lesson.REFERENCE, 0)
    r = lesson.collect(env, agent, 8)
    advantages = lesson.gae(r.rewards, r.values, r.next_values, r.terminated, r.truncated, SHORT)
    noted = loop.minibatch_ratios(agent, make_batch(r, advantages), SHORT.replace(batch_size=24), lesson.REFERENCE, 0)
    assert [len(each) for each in noted] == 4 * [24, 24, 16]
    np.testing.assert_allclose(noted[0], 1.0, atol=1e-5)
    assert np.abs(noted[-1] - 1).max() > 1e-3


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"n_steps": 0}, "n_steps must be at least 1, got 0"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
        ({"gamma": 1.1}, "must lie in"),
        ({"learning_rate": float("nan")}, "must be positive"),
    ],
)
def test_settings_out_of_range_are_refused(setting, says):
    with pytest.raises(ValueError, match=says):
        Settings(**setting)


# ------------------------------------------------------------------------------------------------------------ packing


def test_small_bins_show_what_the_single_environment_shows():
    env = Packing(SMALL, 2, seed=5)
    singles = [BinPackingEnv(SMALL) for _ in range(2)]
    seen = [single.reset(seed=5 + row)[0] for row, single in enumerate(singles)]
    rng = np.random.default_rng(0)
    ended = 0
    for _ in range(30):
        rows = np.stack([flat({name: part[None] for name, part in one.items()})[0] for one in seen])
        np.testing.assert_array_equal(env.observations, rows)
        actions = np.array([rng.choice(np.flatnonzero(mask)) for mask in env.masks])
        step = env.step(actions)
        assert not step.truncated.any()
        for row, single in enumerate(singles):
            after, reward, terminated, _, _ = single.step(int(actions[row]))
            led_to = flat({name: part[None] for name, part in after.items()})[0]
            np.testing.assert_array_equal(step.next_observations[row], led_to)
            assert step.rewards[row] == pytest.approx(reward)
            assert step.terminated[row] == terminated
            ended += terminated
            seen[row] = single.reset()[0] if terminated else after
    assert ended >= 4


def test_a_packer_takes_the_likeliest_placement_or_draws_legal_ones():
    agent = make_agent(Packing(SMALL, 1, 0), SHORT, lesson.REFERENCE, 0)
    greedy = judge(agent, streams=50)
    assert greedy == judge(Packer(agent), streams=50)
    drawn = judge(Packer(agent, greedy=False), streams=50)
    assert drawn != greedy and 0.2 < drawn.mean < 0.7


# ------------------------------------------------------------------------------------------------------------ listing


def rows():
    rng = np.random.default_rng(0)
    numbers = [torch.from_numpy(rng.normal(size=8).astype(np.float32)) for _ in range(6)]
    return Rows(*numbers, torch.tensor([True, False] * 4))


def test_each_arm_mends_what_it_says():
    batch, settings = rows(), Settings(ent_coef=0.2)
    future = settings.replace(ent_coef=0.0)
    loss = {name: arm(batch, settings).item() for name, arm in ARMS.items()}
    twice = 2 * 0.2 * batch.entropies.mean().item()
    assert loss["as published"] - loss["entropy mended"] == pytest.approx(twice, abs=1e-6)
    assert loss["end mended"] - loss["both mended"] == pytest.approx(twice, abs=1e-6)
    assert ARMS["end mended"](batch, future) == pytest.approx(ARMS["both mended"](batch, future).item())
    assert ARMS["as published"] is listing_loss
    assert loss["as published"] != pytest.approx(loss["end mended"], abs=1e-3)


def test_the_mended_listing_is_ppo_with_lambda_0():
    """Its targets are the returns of GAE with lambda 0, its loss the total loss without normalising."""
    env = Packing(SMALL, 8, 0)
    settings = Settings(gae_lambda=0.0, ent_coef=0.05)
    parts = lesson.REFERENCE.replace(normalize=lambda advantages: advantages)
    agent = make_agent(env, settings, parts, 0)
    r = lesson.collect(env, agent, 8)
    batch = make_batch(r, lesson.gae(r.rewards, r.values, r.next_values, r.terminated, r.truncated, settings))
    listed = ListingBatch.of(r)
    logits, values = agent.network(batch.observations)
    log_probs = lesson.masked_log_probs(logits, batch.masks)
    chosen = log_probs.gather(1, batch.actions[:, None]).squeeze(1)
    told = listed.rewards, listed.next_values, listed.terminated
    loss = lesson.listing_loss(Rows(chosen, batch.log_probs, lesson.entropy(log_probs), values, *told), settings)
    assert loss.item() == pytest.approx(loop.minibatch_loss(agent, batch, settings, parts).item(), abs=1e-6)


def test_the_listings_loop_learns_with_the_mended_loss():
    seen = []
    settings = Settings(total_steps=8_192)
    mended = lesson.listing_loss.reference
    agent = train_listing(
        Packing(SMALL, 32, 0), settings, lesson.REFERENCE, mended, 0, lambda steps, _: seen.append(steps)
    )
    assert seen == list(range(1024, 8193, 1024))
    assert judge(agent).mean > 0.55
