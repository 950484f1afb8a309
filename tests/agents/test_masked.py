"""The quick distribution against sb3-contrib's, which is made of torch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sb3_contrib.common.maskable.distributions import MaskableCategoricalDistribution

from binpack.agents.masked import MaskedCategorical


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 9), st.integers(2, 40), st.floats(0.01, 30), st.booleans(), st.integers(0, 2**32 - 1))
def test_numbers_and_gradients_are_those_of_sb3(rows, actions, scale, masked, seed):
    rng = np.random.default_rng(seed)
    masks = rng.random((rows, actions)) < 0.4
    masks[np.arange(rows), rng.integers(actions, size=rows)] = True
    taken = torch.as_tensor([rng.choice(np.flatnonzero(mask)) for mask in masks])
    first = torch.as_tensor(rng.normal(0, scale, (rows, actions)), dtype=torch.float64)
    results = []
    scores = [first.clone().requires_grad_() for _ in range(2)]
    for kind, given_scores in zip((MaskedCategorical, MaskableCategoricalDistribution), scores, strict=True):
        found = kind(actions).proba_distribution(given_scores)
        found.apply_masking(masks if masked else None)
        log_prob, entropy = found.log_prob(taken), found.entropy()
        (log_prob.sum() + 3 * entropy.sum()).backward()
        results.append((log_prob.detach(), entropy.detach(), given_scores.grad, found.mode()))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor, lambda masks: torch.as_tensor(masks).float()])
def test_only_allowed_actions_are_drawn_and_in_their_shares(kind):
    scores = torch.tensor([[0.0, 5.0, np.log(3.0), 2.0]]).repeat(4000, 1)
    masks = np.tile([True, False, True, False], (4000, 1))
    found = MaskedCategorical(4).proba_distribution(scores)
    found.apply_masking(kind(masks))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = found.sample()
    assert set(drawn.tolist()) == {0, 2}
    assert (drawn == 2).float().mean().item() == pytest.approx(0.75, abs=0.03)
    assert set(found.mode().tolist()) == {2}


def test_new_scores_forget_the_mask_and_none_leaves_it():
    found = MaskedCategorical(2).proba_distribution(torch.zeros(1, 2))
    found.apply_masking(np.array([[True, False]]))
    found.apply_masking(None)
    assert found.log_prob(torch.tensor([0])).item() == 0
    assert found.proba_distribution(torch.zeros(1, 2)).log_prob(torch.tensor([1])).item() == pytest.approx(-np.log(2))


def test_where_nothing_is_allowed_all_actions_are_equally_likely():
    found = MaskedCategorical(3).proba_distribution(torch.tensor([[1.0, 2.0, 3.0]]))
    found.apply_masking(np.zeros((1, 3), bool))
    torch.testing.assert_close(found.log_probs.exp(), torch.full((1, 3), 1 / 3))


def test_scores_that_are_no_numbers_are_not_drawn_from():
    found = MaskedCategorical(2).proba_distribution(torch.tensor([[float("nan"), 0.0]]))
    with pytest.raises(RuntimeError, match="probability tensor"):
        found.sample()
