"""What the app has to tell: an error with its details, and the notes that runs left."""

import html

from ipywidgets import HBox, VBox

from .part import Part, button, prose, show, styled
from .session import Session


class ErrorBanner(Part):
    """The last thing that went wrong, as a sentence, with its details in a fold.

    Parameters
    ----------
    session : Session
        What it shows.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._words = prose("cryonb-error-words")
        self._dismiss = button("Dismiss", self.attempt(session.dismiss), "cryonb-small", "cryonb-dismiss")
        self.widget = styled(HBox([self._words, self._dismiss]), "cryonb-error", "cryonb-alert")
        self.watch(self.refresh, "error", "details")
        self.refresh()

    def refresh(self) -> None:
        """Show the error, or nothing."""
        error, details = self.session.error, self.session.details
        fold = f"<details><summary>Details</summary><pre>{html.escape(details)}</pre></details>" if details else ""
        self._words.value = f"<b>Something did not work.</b> {html.escape(error)}{fold}" if error else ""
        show(self.widget, bool(error))


class Notes(Part):
    """What runs warned of.

    Parameters
    ----------
    session : Session
        What it shows.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._list = prose("cryonb-notes-list")
        self.widget = styled(VBox([self._list]), "cryonb-notes")
        self.watch(self.refresh, "notes")
        self.refresh()

    def refresh(self) -> None:
        """Write the notes anew."""
        items = "".join(f"<li>{html.escape(note)}</li>" for note in self.session.notes)
        self._list.value = f"<h3>Notes</h3><ul>{items}</ul>" if items else ""
        show(self.widget, bool(items))
