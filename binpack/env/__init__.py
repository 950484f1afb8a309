"""The packing environment: for gymnasium (one bin), for Stable-Baselines3 (many), and the batch behind both."""
