"""Search: spaces as data, and studies that can be killed and resumed."""
