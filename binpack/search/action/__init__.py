"""The train action: one JSON object that says what is trained or tuned, and what comes out of it."""
