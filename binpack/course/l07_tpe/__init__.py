"""What lesson 07, Bayesian search and TPE, brings: its exercises and helpers."""
