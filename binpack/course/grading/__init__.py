"""Grading learners' copies of the lessons: every answer judged by its exercise's check, in a process of its own."""
