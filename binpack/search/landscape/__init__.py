"""The recorded study: thousands of real training runs of one small task, to be searched in seconds."""
