"""Data that ships with the package, and the scripts that recorded it."""
