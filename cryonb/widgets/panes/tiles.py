"""The pane of grey images: sections and projections as tiles, through which wheel and arrow keys move."""

from typing import Any

from .figure import FigurePane


class TilesPane(FigurePane):
    """A sheet of images on the page; what is no plain image is drawn as in other figures.

    Parameters
    ----------
    tab : Tab
        What is shown; where it offers the place of a section, wheel and arrow keys change that.
    session : Session
        The app's state.
    screen : Screen
        The front end.
    """

    name = "tiles"
    has_tiles = True

    def _make(self, kind: str) -> Any:
        piece = super()._make(kind)
        if piece.kind == "tiles" and "place" in self.tab.controls:
            piece.widget.can_move = True
            piece.widget.on_msg(self._moved)
        return piece

    def _moved(self, _widget: Any, content: Any, _buffers: Any) -> None:
        self._attempt(lambda: self._move(float(content["steps"])))()

    def _move(self, steps: float) -> None:
        """Move the section, within the maps."""
        low, high, step = self.session.bounds("place")
        self.session.place = min(max(self.session.place + steps * step, low), high)


PANE = TilesPane
