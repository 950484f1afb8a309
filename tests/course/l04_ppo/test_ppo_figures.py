"""What the figures and measurements of lesson 04 say of their numbers, and what its text says of its records."""

import numpy as np
import pytest
import torch

from binpack.core import heuristics
from binpack.core.statistics import verdict
from binpack.course.l04_ppo import exercises as lesson
from binpack.course.l04_ppo import figures, gradients
from binpack.course.l04_ppo.agent import Settings, make_agent
from binpack.course.l04_ppo.packing import SMALL, TEST_SEED, Packing, judge
from binpack.course.l04_ppo.probes import Reading

SETTINGS = Settings()


def lines(figure):
    return {trace.name: (np.array(trace.x), np.array(trace.y)) for trace in figure.plotly.data if trace.name}


# ----------------------------------------------------------------------------------------------------------- gradients


def test_the_mean_of_many_arm_gradients_is_the_true_one_whatever_is_taken_away():
    for pays, baseline in (((1.0, 0.6), 0.0), ((1.0, 0.6), 0.8), ((3.0, 2.6), 1.0)):
        found = gradients.arm_gradients(pays, baseline, 4_000, 10, np.random.default_rng(0))
        assert found.mean() == pytest.approx(0.1, abs=4 * found.std() / np.sqrt(4_000) + 1e-9)


def test_the_right_baseline_leaves_no_noise():
    found = gradients.arm_gradients((11.0, 10.6), 10.8, 50, 10, np.random.default_rng(0))
    assert set(found.tolist()) == {0.1}


def test_estimates_are_drawn_in_order():
    figure = figures.sorted_estimates({"wide": [3.0, -1.0], "narrow": [0.1, 0.1]}, true=0.1)
    assert figure.text.endswith("from the lowest to the highest: wide from -1.00 to 3.00, narrow from 0.10 to 0.10")
    assert [values.tolist() for values in lines(figure)["wide"]] == [[25.0, 75.0], [-1.0, 3.0]]


def test_returns_to_go_are_those_of_a_plain_sum():
    rng = np.random.default_rng(0)
    rewards, over = rng.normal(size=(9, 2)), rng.random((9, 2)) < 0.3
    found = gradients.returns_to_go(rewards, over)
    for column in range(2):
        for t in range(9):
            total = 0.0
            for later in range(t, 9):
                total += rewards[later, column]
                if over[later, column]:
                    break
            assert found[t, column] == pytest.approx(total)


def test_agreement_is_the_cosine_with_the_mean_of_the_others():
    rows = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    others = (rows[1] + rows[2]) / 2
    wanted = rows[0] @ others / np.linalg.norm(others)
    assert gradients.agreement(rows)[0] == pytest.approx(wanted)
    assert gradients.agreement(np.ones((4, 3))) == pytest.approx(1.0)


def test_a_baseline_makes_gradients_agree_better():
    torch.set_num_threads(1)
    found = gradients.noise(lesson.REFERENCE, SETTINGS, batches=20)
    means = {name: cosines.mean() for name, cosines in found.items()}
    assert list(means) == ["episode", "to go", "baseline"]
    assert means["baseline"] > means["to go"] and means["baseline"] > means["episode"]
    assert means["baseline"] < 0.7


def test_a_policy_gradient_is_the_slope_of_the_weighted_log_probabilities():
    torch.set_num_threads(1)
    agent = make_agent(Packing(SMALL, 4, 0), SETTINGS, lesson.REFERENCE, 0)
    rollout = lesson.collect(Packing(SMALL, 4, 0), agent, 5)
    batch = gradients.make_batch(rollout, rollout.rewards)
    weights = torch.linspace(-1, 1, 20)
    slope = gradients.gradient(agent, batch, weights)
    actor = list(agent.network.actor.parameters())
    start = torch.nn.utils.parameters_to_vector(actor).detach().double()

    def value(vector):
        torch.nn.utils.vector_to_parameters(vector.float(), actor)
        with torch.no_grad():
            log_probs = agent.masked_log_probs(agent.network(batch.observations)[0], batch.masks)
        return float((log_probs.gather(1, batch.actions[:, None]).squeeze(1) * weights).mean())

    direction = torch.from_numpy(slope / np.linalg.norm(slope))
    rise = (value(start + 0.01 * direction) - value(start - 0.01 * direction)) / 0.02
    assert rise == pytest.approx(np.linalg.norm(slope), rel=1e-2)


def test_a_growing_step_leaves_the_agent_as_it_was():
    torch.set_num_threads(1)
    agent = make_agent(Packing(SMALL, 1, 0), SETTINGS, lesson.REFERENCE, 0)
    before = {name: weights.clone() for name, weights in agent.network.state_dict().items()}
    rows = gradients.growing_step(agent, lesson.REFERENCE, SETTINGS, 7, streams=20)
    assert [row[0] for row in rows] == list(gradients.SIZES)
    assert rows[0] == [0.0, pytest.approx(0.0, abs=1e-4), 0.0, 0.0]
    assert np.diff([row[3] for row in rows]).min() > 0, "the divergence grows with the step"
    assert rows[2][1] > 0, "a small step promises a gain"
    assert all(torch.equal(weights, before[name]) for name, weights in agent.network.state_dict().items())


# ------------------------------------------------------------------------------------------------------------- figures


def test_the_slope_of_the_clip_ends_on_one_side_only():
    good = lines(figures.clip_curve(lesson.clipped_loss, 0.2, 1.0))
    ratio, slope = good["its slope"]
    assert slope == pytest.approx(np.where(ratio < 1.2, 1.0, 0.0))
    ratio, height = good["objective"]
    assert height == pytest.approx(np.minimum(ratio, 1.2))
    ratio, slope = lines(figures.clip_curve(lesson.clipped_loss, 0.2, -1.0))["its slope"]
    assert slope == pytest.approx(np.where(ratio > 0.8, -1.0, 0.0))


def test_the_film_says_what_happens_to_either_sign():
    film = figures.clip_film(lesson.clipped_loss, 0.2)
    assert len(film.plotly.frames) == 13
    assert film.text.endswith(
        "ratio 1.65: advantage +1: its probability is left alone; advantage -1: its probability is lowered"
    )


def test_advantages_by_lambda_decay_towards_the_first_step():
    drawn = lines(figures.lambdas(lesson.gae, SETTINGS))
    assert drawn["lambda 0"][1].tolist() == [0.0] * 11 + [1.0]
    assert drawn["lambda 0.95"][1] == pytest.approx((0.99 * 0.95) ** np.arange(11, -1, -1))


def test_the_entropy_of_two_actions():
    figure = figures.entropies(lesson.entropy)
    assert figure.text == "entropy of two actions: 0.69 where both are equally likely, 0.00 where one is certain"


def test_placements_show_legal_ones_only():
    agent = make_agent(Packing(SMALL, 1, 0), SETTINGS, lesson.REFERENCE, 0)
    figure = figures.placements(agent, "t")
    assert figure.text == "t: 4 x 4 entries, 0.17 to 0.17", "six legal places for a 2 x 3 item"


def test_a_probe_figure_marks_what_is_wrong_and_says_where_to_look():
    fine = Reading(np.array([1.0]), np.array([1.02]), ("V",))
    off = Reading(np.array([1.0, 0.0, 1.0]), np.array([1.0, 0.9, 0.1]), ("V", "p", "p"))
    figure = figures.probe_values({"constant": fine, "act": off}, "t")
    drawn = lines(figure)
    assert len(drawn["right"][0]) == 4 and drawn["wrong"][1].tolist() == [0.9, 0.1]
    assert drawn["value"][1].tolist() == [1.02, 1.0]
    assert figure.text == (
        "t: constant learned, act wrong; the first to fail is act: look at clipped_loss, gae: a sign"
    )


def test_of_a_listing_no_part_is_named():
    off = Reading(np.array([1.0]), np.array([2.0]), ("V",))
    assert figures.probe_values({"constant": off}, "t", parts=False).text.endswith("constant: one step that pays 1")


def test_the_film_of_the_clip_is_drawn_pixel_for_pixel():
    film = figures.clip_film(lesson.clipped_loss.reference, 0.2)
    assert film.pixels().shape[1] <= 900 and film.pixels(0.5).shape[1] < 460
    width = film.matplotlib.get_size_inches()[0] * 100
    assert width + 2 * 8 <= 900, "a wider one is shrunk, and rows of its pixels are lost"


def test_ratios_are_told_by_their_quantiles():
    figure = figures.ratios([np.ones(10), np.array([0.5] * 5 + [2.0] * 5)], 2, 0.2, "t")
    assert "of the last minibatch 100% lie outside the clip range" in figure.text
    assert lines(figure)["5 % lie below"][1].tolist() == [1.0, 0.5]


def test_a_learning_curve_stands_beside_levels():
    figure = figures.learning([(0, 0.4), (10, 0.8)], {"rule": 0.7}, "t")
    assert figure.text == "t: utilization on 2 evaluations beside rule 0.70"
    assert lines(figure)["rule"][1].tolist() == [0.7, 0.7]


# ------------------------------------------------------------------------------------------------------------- records


def test_what_the_lesson_says_of_growing_steps():
    rows = np.array([run["steps"] for run in figures.load("steps")["runs"]])
    assert rows.shape == (10, 14, 4)
    sizes, (promised, true) = rows[0, :, 0], rows.mean(axis=0)[:, 1:3].T
    assert (round(promised[2], 3), round(true[2], 3)) == (0.024, 0.005) and sizes[2] == 0.1
    assert (true[1:6] > 0).all() and sizes[5] == 0.5
    assert sizes[promised.argmax()] == 1.5 and true[promised.argmax()] < 0
    assert round(true[-1], 2) == -0.12 and sizes[-1] == 8
    gains = rows[:, :, 2].max(axis=1)
    assert gains.min() < 0.001 < gains.max()


def test_the_exercises_ppo_matches_stable_baselines3s_over_ten_seeds():
    match = figures.load("match")
    curves = figures.arms(match, column=1)
    assert {name: runs.shape for name, (_, runs) in curves.items()} == {
        "exercises": (10, 10),
        "stable-baselines3": (10, 10),
    }
    scores = figures.finals(match)
    ours, theirs = scores["exercises"], scores["stable-baselines3"]
    assert verdict(ours, theirs).word == "not separable"
    assert abs(ours.mean() - theirs.mean()) < max(ours.std(), theirs.std())


def test_the_exercises_ppo_is_ahead_of_the_best_rule():
    ours = figures.finals(figures.load("match"))["exercises"]
    rules = {name: judge(name, TEST_SEED).mean for name in heuristics.HEURISTICS}
    assert max(rules, key=rules.get) == "touching_area"
    assert verdict(ours, rules["touching_area"]).word == "ahead"


def test_what_the_lesson_says_of_the_listings_mistakes():
    record = figures.load("listing")
    packed = figures.finals(record, "curve")
    assert list(packed) == ["as published", "end mended", "entropy mended", "both mended"]
    chance = judge("random").mean
    for arm in ("as published", "entropy mended"):
        assert verdict(packed[arm], packed["both mended"]).word == "behind"
        assert verdict(packed[arm], chance).word == "not separable"
    assert verdict(packed["end mended"], packed["both mended"]).word == "not separable"
    assert packed["end mended"].mean() < packed["both mended"].mean()
    curves = figures.arms(record, column=3)
    assert {runs.shape for _, runs in curves.values()} == {(10, 10)}
    ends = {arm: runs[:, -1] for arm, (_, runs) in curves.items()}
    assert ends["end mended"].max() < 0.2 and ends["both mended"].min() > 0.4
