"""Lesson 05: what each hyperparameter of PPO does."""
