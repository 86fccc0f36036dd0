"""A heading that opens and closes what stands under it."""

from collections.abc import Callable

from ipywidgets import ToggleButton, VBox, Widget

from .part import show, styled


class Fold:
    """Widgets under a heading that a click, Enter or the space bar opens.

    Parameters
    ----------
    title : str
        The heading.
    *children : ipywidgets.Widget
        What it opens.
    is_open : bool, optional
        Whether it is open at first.
    opened : callable, optional
        Called whenever it is opened.

    Attributes
    ----------
    widget : ipywidgets.VBox
        Heading and body.
    head : ipywidgets.ToggleButton
        The heading.
    body : ipywidgets.VBox
        What it opens.
    """

    def __init__(
        self, title: str, *children: Widget, is_open: bool = False, opened: Callable[[], None] | None = None
    ) -> None:
        self._opened = opened
        self.head = styled(ToggleButton(value=is_open, description=title, tooltip=""), "cryonb-fold-head")
        self.body = styled(VBox(list(children)), "cryonb-fold-body")
        show(self.body, is_open)
        self.head.observe(self._turn, "value")
        self.widget = styled(VBox([self.head, self.body]), "cryonb-fold")

    def _turn(self, _change: object) -> None:
        show(self.body, self.head.value)
        if self.head.value and self._opened is not None:
            self._opened()
