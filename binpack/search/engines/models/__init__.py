"""Searches of other libraries: what the trials so far have shown goes in, the next configuration comes out."""
