"""Lesson 10b's corridor, rewards, support rule and shop."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given
from hypothesis import strategies as st

from binpack.core.support import support_rule
from binpack.course.l10_capstone import corridor, own_figures, own_rewards, own_support, own_words, shop
from binpack.course.l10_capstone.exercises import a_day, exact_values, shaping, three_feet


def test_a_bonus_changes_the_plan_and_shaping_does_not():
    rewards, to = corridor.world()
    kinds = {
        "plain": rewards,
        "bonus": corridor.bonus(rewards, to),
        "shaped": corridor.shaped(rewards, to, shaping.reference),
    }
    plain, bonus, shaped = corridor.plans(kinds, to, exact_values.reference).rows
    assert plain[1:] == shaped[1:] == ["right"] * 5 + ["at the end after 5 steps"]
    assert bonus[1:] == ["right"] * 3 + ["left"] * 2 + ["never at the end"]
    # the two numbers that the text works out
    values = exact_values.reference(kinds["bonus"], to, corridor.GAMMA)
    assert values[3].max() == pytest.approx(0.3 / (1 - 0.9**2)) and values[4] == pytest.approx([1.42, 1.0], abs=0.005)


@given(st.lists(st.floats(-5, 5), min_size=6, max_size=6))
def test_any_potential_moves_all_actions_of_a_cell_by_minus_its_potential(potential):
    rewards, to = corridor.world()
    potential = np.array(potential)
    shaped = corridor.shaped(rewards, to, shaping.reference, potential)
    gap = corridor.gap(shaped, rewards, to, exact_values.reference)
    assert gap == pytest.approx(np.repeat(-potential[:-1, None], 2, axis=1), abs=1e-6)


def test_shaping_in_the_environment_leaves_discounted_returns_and_a_bonus_does_not():
    volume, bonus, shaped = own_words.returns(episodes=20).rows
    assert float(shaped[-1]) < 1e-6 < 0.1 < float(bonus[-1]) and float(volume[-1]) == 0
    assert volume[1] == bonus[1] == shaped[1]
    assert float(volume[3]) == float(shaped[3]) < float(bonus[3])
    assert float(shaped[2]) == pytest.approx(float(volume[2]), abs=0.005) and float(bonus[2]) > 2 * float(volume[2])


def test_flatness_is_that_of_neighbouring_cells():
    assert own_rewards.flatness(np.array([[[1, 1], [1, 1]], [[0, 2], [0, 2]]])).tolist() == [0.0, -1.0]


def test_the_rule_agrees_with_the_loop_and_is_found_by_its_name():
    looked, accepted, wrong = own_support.compared(three_feet.reference, 60, np.random.default_rng(1))
    assert looked == 60 * 30 and accepted > 100 and wrong == 0
    _, _, wrong = own_support.compared(lambda bearing: bearing.corners >= 3, 60, np.random.default_rng(1))
    assert wrong > 0
    assert str(support_rule(own_words.RULE)) == own_words.RULE
    rows = dict(own_words.rules(("full", own_words.RULE, "none"), streams=20).rows)
    assert float(rows["full"]) < float(rows["none"]) and "three_feet" in rows


def test_the_largest_step_is_from_no_rule_to_any():
    full, corners, feet, none = (float(row[1]) for row in own_words.rules().rows)
    assert full < corners < feet < none and none - feet > feet - full


def test_the_shop_is_a_sound_environment_and_its_seed_decides_all():
    check_env(shop.Shop(), skip_render_check=True)
    assert shop.scored(shop.up_to(7), 3) == shop.scored(shop.up_to(7), 3) != shop.scored(shop.up_to(7), 3, first=1)


def test_many_shops_at_once_earn_what_one_does():
    many = shop.by_hand(a_day.reference, 7, 4000, shop.DAYS, np.random.default_rng(0))
    assert many.mean() == pytest.approx(shop.scored(shop.up_to(7), 200), abs=0.1)
    assert "4,000 shops earn" in own_words.mean_profit(many)


class Channel:
    """Takes what a run says."""

    def event(self, event):
        """Nothing."""

    def report(self, metrics):
        """Never end."""
        return False


def run(folder):
    from binpack.search.action.run import Run

    folder.mkdir(parents=True)
    return Run(folder, "0", "score", Channel())


def test_the_shop_learns_and_goes_on_from_a_checkpoint(tmp_path):
    values = {**shop.DEFAULT, "months": 20}
    whole = run(tmp_path / "whole")
    found = shop.tune(run=whole, dataset="random", hyperparameter=values, checkpoint=None)
    assert len(whole.reports) == 4 and found["score"] > 3
    half = sorted((tmp_path / "whole").glob("month_10.json"))[0]
    again = shop.tune(run=run(tmp_path / "again"), dataset="random", hyperparameter=values, checkpoint=str(half))
    assert again == found


def test_the_job_is_sound_and_the_end_is_judged():
    from binpack.search.action.dataset import check_dataset
    from binpack.search.action.entrypoint import check_entrypoint
    from binpack.search.action.job import parse_job
    from binpack.search.engines.engine import check_engine

    parse_job(shop.job(), (check_dataset, check_engine, check_entrypoint))
    plans = shop.learned(shop.DEFAULT, range(50, 53), months=5)
    assert len(plans) == 3 and all(len(plan) == shop.ROOM + 1 for plan in plans)
    tuned = [shop.scored(plan, first=shop.UNSEEN) for plan in plans]
    rows = own_words.final(tuned, tuned, 5.0).rows
    assert "not separable" in rows[0][1] and len(rows) == 3
    earned = shop.levels()
    assert list(earned) == list(range(2, 11)) and max(earned, key=earned.get) == 6
    assert f"7: {earned[7]:.2f}" in own_figures.levels(earned).text
    alike = own_figures.orders({"one": [shop.up_to(7), shop.up_to(8)], "other": [shop.up_to(7)]}, 7).text
    one, other = alike.split("; ")
    assert one.endswith("6: 50%, 7: 50%, 8: 100%, 9: 100%, 10: 100%")
    assert other.startswith("other 0: 100%") and other.count("100%") == shop.ROOM + 1


def test_what_the_text_says_of_agents_of_the_default():
    plans = np.array(shop.learned(shop.DEFAULT, range(50, 60)))
    assert (plans[:, 0] > 0).all() and (plans[:, 1:6] == 0).mean() > 0.8


def test_walks_are_drawn_as_far_as_the_end():
    rewards, to = corridor.world()
    kinds = {"plain": rewards, "bonus": corridor.bonus(rewards, to)}
    text = own_figures.walks(kinds, to, exact_values.reference, steps=6).text
    assert text == "cells plain: 0, 1, 2, 3, 4, 5; bonus: 0, 1, 2, 3, 2, 3, 2"
