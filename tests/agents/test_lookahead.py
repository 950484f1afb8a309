"""Looking ahead: branches go on as their bins would, hidden items are never read, and simulations pay."""

from __future__ import annotations

import numpy as np
import pytest

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.agents.evaluation import evaluate, make_streams
from binpack.agents.lookahead import Lookahead
from binpack.agents.store import PPOAgent, load_agent
from binpack.agents.training import train
from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.items.sources import item_source
from binpack.items.streams import Streams

ENV = EnvConfig(bin_size=(6, 6, 6), items="cut_2:2-4", visible=2, rotation="z")


@pytest.fixture(scope="module")
def agent(tmp_path_factory) -> PPOAgent:
    """An agent after 512 steps."""
    folder = tmp_path_factory.mktemp("agent")
    ppo = PPOConfig(n_steps=16, batch_size=64, n_epochs=2, learning_rate=3e-3, gamma=1.0, channels=8, layers=2)
    run = TrainConfig(env=ENV, ppo=ppo, total_steps=512, n_envs=8, eval_streams=5, device="cpu", tensorboard=False)
    train(run, folder)
    return load_agent(folder)


def test_hidden_items_change_no_action(agent):
    """Two streams agree on what has been seen so far and differ in everything later, lengths included."""
    one = make_streams(ENV, 8, 1)
    rng = np.random.default_rng(2)
    for seen in range(2, 6):
        items = one.items.copy()
        items[:, seen:] = rng.integers(2, 5, items[:, seen:].shape)
        lengths = np.maximum(seen + 1, rng.integers(seen, one.horizon, 8))
        items[np.arange(one.horizon) >= lengths[:, None]] = 0
        other = Streams(items, lengths)
        batches = []
        for streams in (one, other):
            batch = PackingBatch(ENV, 8)
            batch.load(streams)
            batches.append(batch)
        for step in range(seen - 1):
            shown = [batch.visible >= 0 for batch in batches]
            same = (shown[0] == shown[1]).all(axis=1) & ~batches[0].done
            assert same.any()
            first, second = (
                Lookahead(agent, samples=3, depth=2).act(batch, np.random.default_rng(step)) for batch in batches
            )
            np.testing.assert_array_equal(first[same], second[same])
            for batch in batches:
                batch.step(first)


def test_the_simulations_choose_what_they_find_best(agent):
    """Where the future is certain, a full-depth simulation of every action never does worse than the policy."""
    cube = EnvConfig(bin_size=(5, 5, 5), items="random:2-2", support="none")
    streams = make_streams(cube, 12, 0)
    played = Lookahead(agent, cube, width=6, samples=1, depth=12)
    plain, ahead = (evaluate(each, streams, cube).utilization for each in (agent, played))
    assert (ahead >= plain - 1e-12).all()


def test_width_one_is_the_policy_and_chunks_change_nothing(agent, monkeypatch):
    streams = make_streams(ENV, 10, 3)
    plain, narrow = (evaluate(each, streams, ENV).utilization for each in (agent, Lookahead(agent, width=1, depth=1)))
    np.testing.assert_array_equal(plain, narrow)
    whole = evaluate(Lookahead(agent, samples=2, depth=2), streams, ENV).utilization
    monkeypatch.setattr("binpack.agents.lookahead.CELLS", 3 * ENV.actions * 8)
    parts = evaluate(Lookahead(agent, samples=2, depth=2), streams, ENV).utilization
    assert len(parts) == len(whole) and parts.mean() == pytest.approx(whole.mean(), abs=0.1)


def test_futures_of_cut_bins_come_to_the_bins_volume(agent):
    batch = PackingBatch(ENV, 6)
    batch.load(make_streams(ENV, 6, 4))
    batch.step(agent.act(batch, np.random.default_rng(0)))
    rows = np.flatnonzero(~batch.done)
    player = Lookahead(agent, samples=5, depth=40)
    items, lengths, upright = player._futures(batch, rows, np.random.default_rng(0))
    assert upright is None and items.shape[:2] == (len(rows) * 5, 41)
    np.testing.assert_array_equal((items > 0).all(axis=2).sum(axis=1), lengths)
    seen = np.rint(batch.utilization[rows] * ENV.volume)
    rest = items.prod(axis=2).sum(axis=1).reshape(len(rows), 5)
    assert (rest < ENV.volume - seen[:, None]).all()


def test_futures_know_which_edges_may_stand_upright(agent):
    config = EnvConfig(bin_size=(22, 22, 20), cell="5cm", items="korea_post", rotation="all", visible=2)
    batch = PackingBatch(config, 2)
    batch.load(
        item_source("korea_post", config.bin_size, cell="5cm", rotation="all").sample(np.random.default_rng(0), 2)
    )
    player = Lookahead(agent, config, width=2, samples=2, depth=1)
    chosen = player.act(batch, np.random.default_rng(0))
    assert batch.masks()[np.arange(2), chosen].all()


def test_scores_and_values_leave_out_what_is_over(agent):
    batch = PackingBatch(ENV, 3)
    batch.load(make_streams(ENV, 3, 5))
    assert (np.isfinite(agent.scores(batch)) == batch.masks()).all()
    assert np.isfinite(agent.values(batch)).all() and (agent.values(batch) != 0).all()
    batch.step(np.where(np.arange(3) == 1, (~batch.masks()).argmax(axis=1), batch.masks().argmax(axis=1)))
    assert batch.done[1] and agent.values(batch)[1] == 0
    assert np.isneginf(agent.scores(batch)[1]).all()


def test_bad_numbers_and_critics_are_refused(agent):
    with pytest.raises(ValueError, match="lookahead: width is 0, expected 1 or more"):
        Lookahead(agent, width=0)
    dense = agent.config.model_copy(update={"env": ENV.model_copy(update={"reward": "density"})})
    with pytest.raises(ValueError, match="an agent trained with reward density cannot value"):
        Lookahead(PPOAgent(dense, agent.policy))
