"""What lesson 00, start here, brings: its exercises, helpers, recorders and data."""
