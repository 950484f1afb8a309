"""What lesson 02, deep Q-network, brings: its exercises, helpers, recorders and data."""
