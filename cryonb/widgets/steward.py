"""The steward: what the page does for keyboards and screen readers, in the browser."""

from pathlib import Path

import anywidget


class Steward(anywidget.AnyWidget):
    """Gives the page's parts their roles, and its keys their meaning; it shows nothing itself."""

    _esm = (Path(__file__).parent / "steward.js").read_text(encoding="utf-8")
