"""Policies as named choices: the built-in ones, one's own, and configs that load nothing heavy or foreign."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from binpack.agents.config import POLICIES, PPOConfig, TrainConfig, read_config
from binpack.agents.evaluation import evaluate, make_streams
from binpack.agents.networks import CandidatePolicy
from binpack.agents.policies import build_policy, policy_of
from binpack.agents.store import load_agent
from binpack.agents.training import train
from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.files import FileError

OWN = '''
from binpack.agents.networks import CandidatePolicy


class Wide:
    """The candidate policy at twice the width, for one number of items."""

    def policy_class(self):
        return CandidatePolicy

    def policy_kwargs(self, ppo):
        return {"channels": 2 * ppo.channels, "layers": ppo.layers}

    def tied_to(self):
        return ("visible",)


wrong = object()
'''
ENV = EnvConfig(bin_size=(4, 4, 4), items="random:1-2")


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module of the user's; it is forgotten afterwards."""
    (tmp_path / "own_policies.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "own_policies"
    sys.modules.pop("own_policies", None)


def run_of(policy: str) -> TrainConfig:
    ppo = PPOConfig(policy=policy, n_steps=8, batch_size=16, n_epochs=1, channels=3, layers=1)
    return TrainConfig(env=ENV, ppo=ppo, total_steps=64, n_envs=4, eval_streams=4, device="cpu", tensorboard=False)


def test_the_built_in_policies_and_what_they_are_tied_to():
    assert POLICIES.names == ("candidate", "mlp", "mlp_map", "conv")
    assert policy_of(PPOConfig()).tied_to() == ()
    for name in POLICIES.names[1:]:
        assert policy_of(PPOConfig(policy=name)).tied_to() == ("bin_size", "visible", "rotation")


def test_a_policy_of_ones_own_is_trained_stored_loaded_and_played(own, tmp_path):
    run = run_of(f"{own}:Wide")
    assert isinstance(build_policy(run), CandidatePolicy)
    result = train(run, tmp_path / "run")
    agent = load_agent(tmp_path / "run")
    assert agent.config == run and agent.policy.features_extractor.layers[0].out_channels == 6
    assert evaluate(agent, make_streams(ENV, 4, run.eval_seed), ENV).mean == pytest.approx(result.score)
    other = ENV.model_copy(update={"visible": 2})
    batch = PackingBatch(other, 1)
    batch.load(make_streams(other, 1, 0))
    message = f"^an agent with policy {own}:Wide that was trained with visible 1 cannot play 2$"
    with pytest.raises(ValueError, match=message):
        agent.act(batch, np.random.default_rng(0))


def test_nothing_that_is_read_from_a_file_imports_a_module(own, tmp_path):
    train(run_of(f"{own}:Wide"), tmp_path / "run")
    for forget in (lambda: read_config(tmp_path / "run/config.json"), lambda: load_agent(tmp_path / "run")):
        sys.modules.pop(own)
        with pytest.raises(FileError, match="its module is not imported, and nothing that is read") as caught:
            forget()
        assert "\n" not in str(caught.value) and own not in sys.modules
        __import__(own)
    assert load_agent(tmp_path / "run").metadata["steps"] == 64


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("transformer", "policy 'transformer' is not one of candidate, mlp, mlp_map, conv, nor module:name"),
        ("mlp:3", "policy 'mlp:3': mlp takes no options"),
        ("no_such_module:x", "policy 'no_such_module:x': no_such_module cannot be imported"),
        ("own_policies:wrong", "policy 'own_policies:wrong' is no policy: it has no method policy_class"),
        ("own_policies:missing", "policy 'own_policies:missing': module own_policies has no missing"),
    ],
)
def test_a_bad_name_is_refused_when_the_config_is_made(own, policy, message):
    with pytest.raises(ValueError, match=message):
        PPOConfig(policy=policy)


def test_a_config_with_a_built_in_policy_does_not_load_torch():
    program = (
        "import sys; from binpack.agents.config import PPOConfig; PPOConfig(policy='conv'); "
        "print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_the_name_is_what_json_keeps(own):
    stored = json.loads(json.dumps(run_of(f"{own}:Wide").stored()))
    assert stored["ppo"]["policy"] == "own_policies:Wide"
    assert TrainConfig.model_validate(stored) == run_of(f"{own}:Wide")
