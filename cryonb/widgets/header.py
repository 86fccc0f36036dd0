"""The header: what is open, and the buttons that open, save and export."""

import html
from collections.abc import Callable, Iterable

from ipywidgets import HBox

from .part import Part, button, prose, styled
from .session import Session


class Header(Part):
    """The line at the top of the page.

    Parameters
    ----------
    session : Session
        What it shows.
    titles : iterable of str
        Panels of the drawer, one a button.
    pull : callable
        Called with the title of a panel.
    """

    def __init__(self, session: Session, titles: Iterable[str], pull: Callable[[str], None]) -> None:
        super().__init__(session)
        self._source = prose("cryonb-source")
        self.buttons = {title: self._button(title, pull) for title in titles}
        self.widget = styled(HBox([self._source, *self.buttons.values()]), "cryonb-header")
        self.watch(self.refresh, "source", "particles", "runs", "state")
        self.refresh()

    def refresh(self) -> None:
        """Show what is open; what is not there can be neither saved nor exported."""
        session = self.session
        what = html.escape(session.source) or ("runs without particles" if session.runs else "nothing is open")
        self._source.value = f'<b class="cryonb-name">cryonb</b> <span>{what}</span>'
        for place, one in enumerate(self.buttons.values()):
            is_empty = session.particles is None and not session.runs
            one.disabled = session.state != "idle" or (place > 0 and is_empty)

    def _button(self, title: str, pull: Callable[[str], None]) -> object:
        return button(f"{title}\u2026", self.attempt(lambda: pull(title)))
