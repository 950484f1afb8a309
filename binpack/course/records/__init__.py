"""How a recorded result is written and read, and the records that belong to no single lesson."""
