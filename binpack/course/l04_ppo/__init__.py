"""What lesson 04, PPO from the inside and at work, brings: its exercises, helpers, recorders and data."""
