"""What lesson 06, grid and random search, brings: its exercises and helpers."""
