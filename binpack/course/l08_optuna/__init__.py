"""What lesson 08, Optuna, brings: its exercises, helpers, recorders and data."""
