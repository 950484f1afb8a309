"""Lesson 09: many trials at a time, on machines that come and go."""
