"""The commands of ``python -m binpack``, one small module for each group; ``binpack.__main__`` puts them together."""
