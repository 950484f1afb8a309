"""Lesson 08b: its four records, each with a `load`."""

from binpack.course.l08_optuna.record_budgets import Record as Budgets
from binpack.course.l08_optuna.record_fronts import Record as Fronts
from binpack.course.l08_optuna.record_pruning import Record as Replays
from binpack.course.l08_optuna.record_shares import Record as Shares

__all__ = ["Budgets", "Fronts", "Replays", "Shares"]
