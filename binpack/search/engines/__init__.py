"""Engines: what runs the trials of a job, a file each."""
