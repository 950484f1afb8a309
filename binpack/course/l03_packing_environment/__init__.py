"""What lesson 03, the packing environment, brings: its exercises, helpers, recorders and data."""
