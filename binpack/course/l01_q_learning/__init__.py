"""What lesson 01, Q-learning, brings: its exercises, helpers, recorders and data."""
