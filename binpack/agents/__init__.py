"""Agents: policy, training, storing and loading, evaluation, lookahead, and the trained ones that ship."""
