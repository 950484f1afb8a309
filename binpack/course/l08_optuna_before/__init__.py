"""The exercises of lesson 08 as it was before the recorded study; they go when the lesson in ``drafts`` is built."""
