"""The colours and settings that every figure shares."""

PALETTE = ("#77AADD", "#EE8866", "#EEDD88", "#44BB99", "#FFAABB", "#99DDFF", "#BBCC33", "#DDDDDD")
"""Fill colours that colour-blind readers can tell apart: Paul Tol's "light" scheme (2021), less its darkest green."""

INK = "#333333"
PAPER = "#FFFFFF"
WALL = "#F3F3F0"
WALL_EDGE = "#B5B5AE"

PLOTLY_CONFIG = {"displaylogo": False, "showSendToCloud": False, "plotlyServerURL": "", "responsive": True}
"""Configuration for showing a figure: nothing on it leaves the reader's browser."""

COLORS = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#777777")
"""Colours of lines and bars: Paul Tol's "bright" scheme (2021), made for colour-blind readers."""
