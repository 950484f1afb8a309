"""Agents: policy, training, storing and loading, evaluation, lookahead, and the trained ones that ship."""

from typing import TYPE_CHECKING

from binpack.core.faces import lazy_face

if TYPE_CHECKING:
    from binpack.agents.agent import Agent, OfflineAgent
    from binpack.agents.config import PPOConfig, TrainConfig, read_config
    from binpack.agents.evaluation import Evaluation, evaluate, make_streams
    from binpack.agents.learner import DivergedError
    from binpack.agents.lookahead import Lookahead
    from binpack.agents.named import agent_names, find_agent
    from binpack.agents.networks import CandidatePolicy
    from binpack.agents.offline import FirstFitDecreasing
    from binpack.agents.policies import Policy
    from binpack.agents.run_folder import TrainResult
    from binpack.agents.store import PPOAgent, load_agent, save_agent, shipped
    from binpack.agents.training import train

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
