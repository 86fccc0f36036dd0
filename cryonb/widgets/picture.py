"""A picture in the page: pixels, words for those who cannot see them, and what a crosshair reads off its curves."""

from pathlib import Path

import anywidget
from traitlets import Bytes, Float, List, Tuple, Unicode

HERE = Path(__file__).parent


class Picture(anywidget.AnyWidget):
    """One PNG, never larger than it is and never wider than its column.

    The front end reads frequency, resolution and every curve off `panels` where the pointer or the arrow keys put
    the crosshair; the kernel is not asked.

    Attributes
    ----------
    png : bytes
        The pixels.
    size : tuple of float
        Natural width and height [CSS pixel].
    alt, words : str
        What it is, shortly, and all that it shows, in words.
    panels : list of dict
        What the crosshair reads, as `readings` makes it.
    room : float
        Width of the column as the front end reports it [CSS pixel]; 0 until it was shown.
    """

    # As text: a path is watched by anywidget, and its watcher keeps every widget that was ever made.
    _esm = (HERE / "picture.js").read_text(encoding="utf-8")
    _css = (HERE / "picture.css").read_text(encoding="utf-8")
    png = Bytes(b"").tag(sync=True)
    size = Tuple(Float(), Float(), default_value=(0.0, 0.0)).tag(sync=True)
    alt = Unicode("").tag(sync=True)
    words = Unicode("").tag(sync=True)
    panels = List().tag(sync=True)
    room = Float(0.0).tag(sync=True)
