"""A heading that opens and closes what stands under it."""

from collections.abc import Sequence

from ipywidgets import HBox, ToggleButton, VBox, Widget

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
    beside : sequence of ipywidgets.Widget, optional
        What stands beside the heading, open or not.

    Attributes
    ----------
    widget : ipywidgets.VBox
        Heading and body.
    head : ipywidgets.ToggleButton
        The heading.
    body : ipywidgets.VBox
        What it opens.
    """

    def __init__(self, title: str, *children: Widget, is_open: bool = False, beside: Sequence[Widget] = ()) -> None:
        self.head = styled(ToggleButton(value=is_open, description=title, tooltip=""), "cryonb-fold-head")
        self.body = styled(VBox(list(children)), "cryonb-fold-body")
        show(self.body, is_open)
        self.head.observe(self._turn, "value")
        line = styled(HBox([self.head, *beside]), "cryonb-fold-line") if beside else self.head
        self.widget = styled(VBox([line, self.body]), "cryonb-fold")

    def _turn(self, _change: object) -> None:
        show(self.body, self.head.value)
