"""The probe environments of lesson 04: what they pay, what is known of them, and which defect each of them finds."""

import numpy as np
import pytest
import torch

from binpack.course.l04_ppo import exercises as lesson
from binpack.course.l04_ppo.loop import train
from binpack.course.l04_ppo.probes import CASES, SETTINGS, Probe, Reading, advice, probe_all, read

KNOWN = {
    "constant": ([1.0], [[1.0]]),
    "see": ([-1.0, 1.0], [[1.0], [1.0]]),
    "act": ([1.0], [[0.0, 1.0]]),
    "both": ([1.0, 1.0], [[0.0, 1.0], [1.0, 0.0]]),
    "mask": ([1.0], [[0.0, 1.0, 0.0]]),
    "later": ([0.5, 1.0], [[1.0], [1.0]]),
    "patience": ([0.5, 1.0], [[0.0, 1.0], [1.0, 0.0]]),
    "cut off": ([1.0, 2.0], [[1.0], [1.0]]),
    "even": ([1.0], [[0.5, 0.5]]),
}
"""By hand, with a discount of 0.5."""
SHORT = SETTINGS.replace(total_steps=256)


@pytest.mark.parametrize("name", CASES)
def test_values_and_probabilities_are_those_worked_out_by_hand(name):
    values, chances = CASES[name].make().known(0.5)
    np.testing.assert_allclose(values, KNOWN[name][0], atol=1e-9)
    np.testing.assert_allclose(chances, KNOWN[name][1])


def test_every_probe_has_a_line_in_the_table():
    assert list(KNOWN) == list(CASES)


@pytest.mark.parametrize("gamma", [-0.1, 1.0])
def test_a_discount_out_of_its_range_is_refused(gamma):
    with pytest.raises(ValueError, match=r"gamma must lie in \[0, 1\)"):
        CASES["later"].make().known(gamma)


def test_copies_end_and_start_anew_by_themselves():
    env = Probe([[0.0], [1.0]], [[1], [-1]], n=2)
    first = env.step(np.zeros(2, int))
    assert first.rewards.tolist() == [0, 0] and not first.terminated.any()
    assert env.observations.ravel().tolist() == [1, 1]
    second = env.step(np.zeros(2, int))
    assert second.rewards.tolist() == [1, 1] and second.terminated.all() and not second.truncated.any()
    assert second.next_observations.ravel().tolist() == [0, 0], "the end is seen as 0"
    assert env.observations.ravel().tolist() == [-1, -1], "and the next episode has begun"


def test_a_limit_truncates_and_shows_where_the_step_led():
    env = CASES["cut off"].make()
    steps = [env.step(np.zeros(env.n, int)) for _ in range(6)]
    assert [bool(step.truncated.all()) for step in steps] == [False, False, True] * 2
    assert not any(step.terminated.any() for step in steps)
    assert (steps[2].next_observations == 1).all() and (steps[2].rewards == 1).all()
    assert (env.observations == -1).all()


def test_an_illegal_action_pays_what_the_table_says():
    env = CASES["mask"].make()
    assert env.masks.tolist() == [[False, True, True]] * env.n
    assert env.step(np.zeros(env.n, int)).rewards.tolist() == [3.0] * env.n


def test_starts_and_noise_follow_the_seed():
    def played(seed):
        env = Probe([[0.0], [0.0]], [[-1], [-1]], starts=(0, 1), noise=1.0, n=50, seed=seed)
        return env.observations.ravel().tolist(), env.step(np.zeros(50, int)).rewards.tolist()

    assert played(0) == played(0) != played(1)
    assert set(played(0)[0]) == {-1.0, 1.0}
    assert np.std(played(0)[1]) == pytest.approx(1.0, abs=0.3)


# ------------------------------------------------------------------------------------------------------------ readings


def reading(known, learned, names):
    return Reading(np.array(known), np.array(learned), tuple(names))


def test_what_is_near_enough():
    found = reading([1.0, 0.0, 0.5], [1.05, 0.2, 0.85], "Vpp")
    assert found.near.tolist() == [True, False, True] and not found.right
    assert not reading([1.0], [np.nan], "V").right
    assert not reading([0.5, 0.5], [0.92, 0.08], "pp").right
    assert reading([1.0, 0.0], [0.95, 0.05], "pp").right


def test_advice_names_the_first_that_fails():
    good, bad = reading([1.0], [1.0], "V"), reading([1.0], [2.0], "V")
    said = advice({"constant": good, "act": bad, "mask": bad})
    assert said == f"the first to fail is act: look at {CASES['act'].suspects}"
    assert advice({"constant": good}) == "all are learned"
    assert advice({"even": bad}, parts=False) == "the first to fail is even: both pay the same, with noise"


def test_a_reading_asks_for_values_and_masked_probabilities():
    probe = CASES["mask"].make()
    agent = train(probe, SHORT, lesson.REFERENCE, 0)
    found = read(probe, agent)
    assert found.names == ("V", "p", "p", "p")
    assert found.learned[1] == 0 and found.learned[1:].sum() == pytest.approx(1.0)
    assert found.known.tolist() == [1, 0, 1, 0]


# ------------------------------------------------------------------------------------------------------------- defects


def no_end(r, v, n, te, tr, s):
    return lesson.gae(r, v, n, np.zeros_like(te), te | tr, s)


def cut_is_end(r, v, n, te, tr, s):
    return lesson.gae(r, v, n, te | tr, np.zeros_like(te), s)


def restarted(env, agent, n_steps):
    rollout = lesson.collect(env, agent, n_steps)
    rollout.next_values[:-1] = rollout.values[1:]
    return rollout


DEFECTS = {
    "forgets the end": ({"gae": no_end}, "constant"),
    "never updates": ({"update": lambda *a: None}, "constant"),
    "critic without a loss": (
        {"total_loss": lambda p, v, r, e, s: lesson.total_loss(p, v.detach(), r, e, s)},
        "constant",
    ),
    "sign of the policy loss": ({"clipped_loss": lambda *a: -lesson.clipped_loss(*a)}, "act"),
    "no mask": ({"masked_log_probs": lambda x, m: torch.log_softmax(x, 1)}, "mask"),
    "other discount": ({"gae": lambda *a: lesson.gae(*a[:5], a[5].replace(gamma=0.9))}, "later"),
    "limit is an end": ({"gae": cut_is_end}, "cut off"),
    "values of the next episode": ({"collect": restarted}, "cut off"),
    "sign of the entropy": (
        {"total_loss": lambda p, v, r, e, s: lesson.total_loss(p, v, r, -e, s)},
        "even",
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_found_by_its_probe(defect):
    torch.set_num_threads(1)
    changes, probe = DEFECTS[defect]
    before = list(CASES)[: list(CASES).index(probe)]
    # the probe itself, and the one before it, which the defect must not break
    found = probe_all(train, lesson.REFERENCE.replace(**changes), names=(*before[-1:], probe))
    assert advice(found).startswith(f"the first to fail is {probe}")


@pytest.mark.parametrize("seed", [1])
def test_the_reference_learns_every_probe(seed):
    torch.set_num_threads(1)
    assert advice(probe_all(train, lesson.REFERENCE, seed=seed)) == "all are learned"
