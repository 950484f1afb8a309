"""Lesson 04: PPO's rivals, what was recorded of them, and the numbers and figures made of it."""

import math

import numpy as np
import pytest
import torch
from stable_baselines3.common.utils import polyak_update

from binpack.agents.evaluation import evaluate
from binpack.core.statistics import verdict
from binpack.course.l04_ppo import exercises, masking, record_rivals, rival_figures, rival_results, rivals
from binpack.course.records import read_record
from binpack.env import BinPackingVecEnv
from binpack.search.recorder import Job

DATA = {
    "steps": [10, 20, 30],
    "pendulum_steps": {"PPO": [10, 20, 30], "SAC": [10, 20]},
    "runs": [
        {"arm": "packing: A2C", "seed": 1, "masked": [0.3, 0.4, 0.5], "free": [0, 0, 0], "seconds": 4.0},
        {"arm": "packing: A2C", "seed": 0, "masked": [0.1, 0.2, 0.3], "free": [0, 0, 0], "seconds": 2.0},
        {"arm": "packing: DQN, no mask", "seed": 0, "free": [0.1, 0.1, 0.2], "seconds": 1.0},
        {"arm": "pendulum: PPO", "seed": 0, "return": [-9.0, -8.0, -7.0], "seconds": 1.0},
        {"arm": "pendulum: SAC", "seed": 0, "return": [-9.0, -1.0], "seconds": 9.0},
    ],
}
PPOS = {
    "steps": [10, 20, 30],
    "runs": [
        {"arm": arm, "seed": seed, "masked": [0.2, 0.4, 0.6 + seed], "free": [0.0, 0.1, 0.1], "seconds": 3.0}
        for arm in ("mask", "ends")
        for seed in range(2)
    ],
}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def records(monkeypatch):
    monkeypatch.setattr(rival_results, "read_record", lambda path: DATA if path == rival_results.RIVALS else PPOS)


def learned(steps=400, **settings):
    model = rivals._packing(rivals.MaskedDQN, 4, train_freq=1, buffer_size=2_000, **settings)(0)
    model.learn(steps)
    return model


# --------------------------------------------------------------------------------------------------- a DQN with masks


def test_the_mask_can_be_read_out_of_an_observation():
    env = BinPackingVecEnv(masking.ENV, 8, seed=0)
    seen = env.reset()
    for _ in range(10):
        masks = env.action_masks()
        tensors = {name: torch.as_tensor(value) for name, value in seen.items()}
        assert np.array_equal(rivals.legal_actions(tensors).numpy(), masks)
        seen, *_ = env.step(masks.argmax(axis=1))


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_starts": 100_000},
        {"exploration_fraction": 1.0, "exploration_initial_eps": 1.0, "exploration_final_eps": 1.0},
        {"exploration_initial_eps": 0.0, "exploration_final_eps": 0.0},
    ],
    ids=["before learning starts", "exploring", "greedy"],
)
def test_no_action_that_it_takes_is_illegal(settings):
    model = learned(**settings)
    buffer = model.replay_buffer
    taken = buffer.actions[: buffer.pos].reshape(-1, 1)
    landing = buffer.observations["landing"][: buffer.pos].reshape(len(taken), -1)
    assert len(taken) == 400 and (np.take_along_axis(landing, taken, axis=1) >= 0).all()
    assert len(np.unique(taken)) > 3


def test_exploring_draws_every_legal_action():
    model = learned(learning_starts=100_000)
    env = BinPackingVecEnv(masking.ENV, 4, seed=0)
    seen, masks = env.reset(), env.action_masks()
    drawn = np.zeros_like(masks)
    for _ in range(400):
        drawn[np.arange(4), model._any_legal(seen)] = True
    assert np.array_equal(drawn, masks)


def test_the_target_that_it_learns_from_is_the_exercises():
    model = learned(batch_size=64)
    np.random.seed(0)  # noqa: NPY002 - the library's buffer draws from there
    drawn = model.replay_buffer.sample(64)
    assert drawn.dones.any()
    after = model.q_net_target(drawn.next_observations).max(dim=1, keepdim=True).values
    learned_from = (drawn.rewards + (1 - drawn.dones) * model.gamma * after).flatten()
    unmasked = model.q_net_target.unmasked(drawn.next_observations)
    legal = rivals.legal_actions(drawn.next_observations)
    wanted = exercises.masked_targets(drawn.rewards.flatten(), drawn.dones.flatten(), unmasked, legal, model.gamma)
    assert torch.isfinite(wanted).all() and torch.allclose(learned_from, wanted)
    assert not torch.allclose(wanted, (drawn.rewards + model.gamma * (1 - drawn.dones)).flatten() * unmasked.max())


def test_it_stays_finite_and_saves_what_it_plays(tmp_path):
    model = learned(1_000, learning_starts=100)
    assert all(torch.isfinite(weights).all() for weights in model.policy.parameters())
    polyak_update(model.q_net.parameters(), model.q_net_target.parameters(), 1.0)
    model.save(tmp_path / "dqn")
    again = rivals.MaskedDQN.load(tmp_path / "dqn", device="cpu")
    streams = masking.validation_streams(5)
    assert masking.utilization(again, streams, masked=False) == masking.utilization(model, streams, masked=False)


def test_a_masked_dqn_packs_without_a_mask_in_its_call():
    streams = masking.validation_streams(20)
    plain = rivals.PACKING["DQN, no mask"].make(0)
    masked = rivals.PACKING["DQN"].make(0)
    score = masking.as_trained(streams)
    assert score(masked)["utilization"] > score(plain)["utilization"]


def test_transitions_of_a_run_hold_what_the_targets_need():
    rewards, dones, values, masks, gamma = rivals.some_transitions(learned(), count=32)
    assert rewards.shape == dones.shape == (32,) and values.shape == masks.shape == (32, 36) and gamma == 0.99
    assert torch.isfinite(values).all()
    assert not masks[dones > 0].any() and masks[dones == 0].any(dim=1).all()


# ------------------------------------------------------------------------------------------------------- other rivals


def test_with_a2cs_arguments_ppo_ends_with_a2cs_weights():
    arguments = rivals.a2c_as_ppo(5, 4)
    assert arguments == exercises.a2c_arguments(5, 4)
    assert rivals.twins(arguments) < 1e-5
    assert rivals.twins({**arguments, "n_epochs": 2}) > 1e-3


@pytest.mark.parametrize("name", rivals.PACKING)
def test_each_arm_on_packing_learns_and_is_scored(name):
    arm = rivals.PACKING[name]
    model = arm.make(0)
    curves = masking.learn(model, arm.score(masking.validation_streams(4)), (64,))
    # what is read of the record
    assert ("free" if "no mask" in name else "masked") in curves.scores
    assert model.policy.net_arch in ([64, 64], {"pi": [64, 64], "vf": [64, 64]})


@pytest.mark.parametrize("name", ["PPO", "PPO tuned", "SAC", "TD3"])
def test_each_arm_on_the_pendulum_learns_and_is_scored(name):
    model = rivals.SWINGING[name](0)
    model.learn(4)
    scores = rivals.swing(model)
    assert scores == rivals.swing(model) and -1800 < scores["return"] < -700


def test_every_run_is_listed_once_and_seed_by_seed():
    keys = [(job.key["arm"], job.key["seed"]) for job in record_rivals.jobs()]
    arms = len(rivals.PACKING) - 2 + len(rivals.SWINGING)
    assert len(set(keys)) == len(keys) == 10 * arms
    assert {seed for _, seed in keys[:arms]} == {0}
    assert record_rivals.places("SAC")[-1] == rivals.SHORT and record_rivals.places("PPO tuned")[-1] == rivals.LONG


def test_what_is_recorded_of_a_run(monkeypatch):
    monkeypatch.setattr(record_rivals, "AT", (32, 64))
    monkeypatch.setattr(record_rivals, "validation_streams", lambda: masking.validation_streams(3))
    row = record_rivals.run(Job({"arm": "packing: DQN", "seed": 0}))
    assert set(row) == {"masked", "seconds"} and len(row["masked"]) == 2


# ---------------------------------------------------------------------------------------------------- what is recorded


def test_runs_are_read_in_the_order_of_their_seeds(records):
    runs = rival_results.packing_runs()
    assert list(runs) == ["PPO", "A2C", "PPO, no mask", "DQN, no mask"]
    assert runs["A2C"].seeds.tolist() == [0, 1] and runs["A2C"].final.tolist() == [0.3, 0.5]
    assert runs["PPO"].final.tolist() == [0.6, 1.6] and runs["PPO, no mask"].final.tolist() == [0.1, 0.1]
    assert runs["A2C"].average.tolist() == pytest.approx([0.2, 0.4])
    assert runs["A2C"].steadiness.tolist() == pytest.approx([-0.1, -0.1])
    assert list(rival_results.masking_runs("free")) == ["mask", "ends"]


def test_the_average_on_the_way_weighs_each_step_the_same():
    runs = rival_results.Runs(np.array([0, 10, 100]), np.array([[0.0, 1.0, 1.0]]), np.ones(1), np.arange(1))
    assert runs.average.tolist() == pytest.approx([0.95])


def test_runs_can_be_cut_at_a_step(records):
    pendulum = rival_results.pendulum_runs()
    assert pendulum["PPO"].steps.tolist() == [10, 20, 30]
    short = pendulum["PPO"].upto(20)
    assert short.final.tolist() == [-8.0] and np.isnan(short.seconds).all()
    assert pendulum["SAC"].upto(20).seconds.tolist() == [9.0]


def test_arms_are_compared_on_the_seeds_that_both_have(records):
    runs = rival_results.packing_runs()
    verdicts = rival_results.against(runs, "PPO", lambda each: each.final)
    assert verdicts["A2C"].n == 2 and verdicts["A2C"].difference == pytest.approx(-0.7)
    assert verdicts["DQN, no mask"].n == 1 and verdicts["DQN, no mask"].word == "too few to tell"
    assert rival_results.counted(runs) == "1 to 2 seeds for each of 4"


def test_a_median_over_runs_of_which_most_fail_is_infinite():
    scores = np.array([[0.2, 0.9], [0.1, 0.2], [0.8, 0.9], [0.3, 0.1], [0.2, 0.2]])
    runs = rival_results.Runs(np.array([5, 9]), scores, np.ones(5), np.arange(5))
    assert rival_results.reached(runs, exercises.steps_to_reach, 0.8) == (2, math.inf)
    assert rival_results.reached(runs, exercises.steps_to_reach, 0.2) == (5, 5.0)
    two = rival_results.Runs(np.array([5, 9]), scores[[0, 2]], np.ones(2), np.arange(2))
    assert rival_results.reached(two, exercises.steps_to_reach, 0.5) == (2, 7.0)
    even = rival_results.Runs(np.array([5, 9]), scores[:4], np.ones(4), np.arange(4))
    assert rival_results.reached(even, exercises.steps_to_reach, 0.8) == (2, math.inf)


def test_a_verdict_on_spread_is_seldom_wrong_where_there_is_none():
    rng = np.random.default_rng(0)
    words = []
    for _ in range(2_000):
        one, two = (
            rival_results.Runs(np.arange(1), rng.normal(size=(10, 1)), np.ones(10), np.arange(10)) for _ in "ab"
        )
        words.append(verdict(one.steadiness, two.steadiness).word)
    share = sum(word in ("ahead", "behind") for word in words) / len(words)
    assert share < 0.08


# --------------------------------------------------------------------------------------------------------- the figures


def test_the_table_says_how_many_runs_got_there(records):
    runs = rival_results.packing_runs()
    figure = rival_figures.comparison(runs, exercises.steps_to_reach, 0.5, title="four learners")
    assert figure.text.startswith("four learners: final score, 95 % interval, average on the way, steps to 0.5")
    # two seeds are enough for an interval, though a wide one
    assert "A2C: 0.400 [-0.871, 1.671], 0.300, not reached, 1 of 2, 0.141, 3" in figure.text
    assert "DQN, no mask: 0.200, 0.125, not reached, 0 of 1, 1" in figure.text


def test_a_table_has_its_entries_in_both_forms():
    figure = rival_figures.table({"one": ["1.0", "a"], "two": ["2.0", "b"]}, ["a number", "a letter"], title="two rows")
    cells = figure.plotly.data[0].cells["values"]
    assert [list(column) for column in cells] == [["one", "two"], ["1.0", "2.0"], ["a", "b"]]
    written = {text.get_text() for text in figure.matplotlib.axes[0].texts}
    assert {"one", "two", "1.0", "2.0", "a", "b", "a number", "a letter"} <= written
    assert figure.text == "two rows: a number, a letter; one: 1.0, a; two: 2.0, b"


# ----------------------------------------------------------------------------------------------------- the data itself


@pytest.mark.parametrize("path", [rival_results.MASKING, rival_results.RIVALS], ids=lambda path: path.stem)
def test_every_recorded_run_is_whole_and_there_once(path):
    record = read_record(path)
    masks = path == rival_results.MASKING
    arms = list(masking.ARMS) if masks else [job.key["arm"] for job in record_rivals.jobs()]
    runs = record["runs"]
    assert {row["arm"] for row in runs} <= set(arms)
    assert len({(row["arm"], row["seed"]) for row in runs}) == len(runs)
    for row in runs:
        pendulum = row["arm"].startswith("pendulum")
        steps = record["pendulum_steps"][row["arm"].partition(": ")[2]] if pendulum else record["steps"]
        curves = [scores for name, scores in row.items() if name in ("masked", "free", "return")]
        assert curves and all(len(scores) == len(steps) for scores in curves)
        low, high = (-1800, 0) if pendulum else (0, 1)
        assert all(low <= score <= high for scores in curves for score in scores) and row["seconds"] > 0


def test_a_recorded_run_comes_out_again():
    """Within a tenth of the bin: on another processor the same seed takes another way."""
    recorded = rival_results.packing_runs()["A2C"]
    model = rivals.PACKING["A2C"].make(int(recorded.seeds[0]))
    curves = masking.learn(model, masking.as_trained(masking.validation_streams()), (int(recorded.steps[0]),))
    assert curves.scores["utilization"][0] == pytest.approx(recorded.scores[0, 0], abs=0.1)


def test_what_the_lesson_says_of_the_record():
    runs, reach = rival_results.packing_runs(), exercises.steps_to_reach
    assert {len(each.seeds) for each in runs.values()} == {10}
    masked = {name: each for name, each in runs.items() if "no mask" not in name}
    words = {
        name: rival_results.against(masked, "PPO", measure)
        for name, measure in {
            "final": lambda each: each.final,
            "average": lambda each: each.average,
            "steadiness": lambda each: each.steadiness,
        }.items()
    }
    assert not words["final"]["DQN adapted"].separable and words["average"]["DQN adapted"].word == "ahead"
    assert all(words["steadiness"][name].word == "behind" for name in ("A2C", "DQN"))
    assert not any(words["steadiness"][f"{name} adapted"].separable for name in ("PPO", "DQN"))
    for measure in (lambda each: each.final.mean(), lambda each: each.average.mean()):
        gain, gap = measure(runs["DQN adapted"]) - measure(runs["DQN"]), measure(runs["PPO"]) - measure(runs["DQN"])
        assert 0.7 < gain / gap < 1.5
    adapted = {name: runs[f"{name} adapted"] for name in ("PPO", "DQN")}
    assert verdict(adapted["PPO"].average, adapted["DQN"].average).word == "ahead"
    assert not verdict(adapted["PPO"].final, adapted["DQN"].final).separable
    steps = {name: rival_results.reached(each, reach, rivals.UTILIZATION)[1] for name, each in runs.items()}
    assert steps["PPO adapted"] == min(steps.values()) == steps["PPO"] / 2
    rule = evaluate("touching_area", masking.validation_streams(), masking.ENV, verify=False).mean
    for name in ("PPO", "PPO adapted"):
        assert 0 < runs[name].final.mean() - rule < 0.02
    assert max(runs[name].final.mean() for name in ("A2C", "DQN")) < rule
    first_fit = evaluate("first_fit", masking.validation_streams(), masking.ENV, verify=False).mean
    assert max(each.final.mean() for name, each in runs.items() if "no mask" in name) < first_fit


def test_what_the_lesson_says_of_the_pendulum():
    runs = rival_results.pendulum_runs()
    assert {len(each.seeds) for each in runs.values()} == {10}
    short = {name: each.upto(rivals.SHORT).final.mean() for name, each in runs.items()}
    assert min(short, key=short.__getitem__) == "PPO tuned" and runs["PPO tuned"].final.mean() > -150
    assert runs["PPO"].final.mean() < -900
    steps, seconds = {}, {}
    for name in ("SAC", "PPO tuned"):
        _, steps[name] = rival_results.reached(runs[name], exercises.steps_to_reach, rivals.RETURN)
        seconds[name] = steps[name] / runs[name].steps[-1] * runs[name].seconds.mean()
    assert 5 < steps["PPO tuned"] / steps["SAC"] < 7 and 3 < seconds["SAC"] / seconds["PPO tuned"] < 8
