"""Lesson 10, the capstone: items of one's own, tuned from a file to a report."""
