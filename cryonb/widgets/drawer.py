"""The drawer under the header: one panel at a time, to open, to save or to export."""

from collections.abc import Mapping

from ipywidgets import HBox, VBox

from .part import Part, button, prose, show, styled
from .session import Session


class Drawer(Part):
    """Panels of which one is open, or none.

    Parameters
    ----------
    session : Session
        What the panels work on.
    panels : mapping of str to Part
        By their titles; a panel with a method `refresh` is brought up to date when it opens.
    """

    def __init__(self, session: Session, panels: Mapping[str, Part]) -> None:
        super().__init__(session)
        self.panels = dict(panels)
        self._title = prose("cryonb-drawer-title")
        shut = button("Close", self.attempt(self.shut), "cryonb-quiet", "cryonb-drawer-close", tooltip="Close (Escape)")
        head = styled(HBox([self._title, shut]), "cryonb-drawer-head")
        children = [head, *(panel.widget for panel in self.panels.values())]
        self.widget = styled(VBox(children), "cryonb-drawer", "cryonb-card")
        self.title = ""
        self.shut()

    def pull(self, title: str) -> None:
        """Open a panel, or shut it if it is the one that is open.

        Parameters
        ----------
        title : str
            The panel.
        """
        if self.title == title:
            self.shut()
            return
        self.title = title
        self.panels[title].refresh()
        self._show()

    def shut(self) -> None:
        """Close whatever is open."""
        self.title = ""
        self._show()

    def close(self) -> None:
        """Close all panels."""
        for panel in self.panels.values():
            panel.close()
        super().close()

    def _show(self) -> None:
        self._title.value = f"<h3>{self.title}</h3>"
        for title, panel in self.panels.items():
            show(panel.widget, title == self.title)
        show(self.widget, bool(self.title))
