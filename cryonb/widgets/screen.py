"""The screen that the app is seen on: light or dark, and how fine its dots are."""

from pathlib import Path

import anywidget
from traitlets import Bool, Enum, Float

HERE = Path(__file__).parent


class Screen(anywidget.AnyWidget):
    """What the front end tells about itself; it takes no room on the page, and follows changes.

    Attributes
    ----------
    theme : {"light", "dark"}
        That of JupyterLab or Voila.
    pixel_ratio : float
        Dots in a CSS pixel.
    is_shown : bool
        Whether a front end has ever shown it.
    room : float
        Width of the column of the last picture that reported one [CSS pixel]; new pictures begin with it.
    """

    # As text: a path is watched by anywidget, and its watcher keeps every widget that was ever made.
    _esm = (HERE / "screen.js").read_text(encoding="utf-8")
    _css = (HERE / "picture.css").read_text(encoding="utf-8")
    theme = Enum(("light", "dark"), "light").tag(sync=True)
    pixel_ratio = Float(1.0).tag(sync=True)
    is_shown = Bool(False).tag(sync=True)
    room = Float(0.0)
