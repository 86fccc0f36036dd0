"""The panel that keeps a session in a file."""

import html

from ipywidgets import HBox, Text, VBox

from . import keeping
from .folder import Folder
from .part import Part, button, prose, styled
from .session import Session

SUFFIXES = (".zarr",)


class SavePanel(Part):
    """A name and a button.

    Parameters
    ----------
    session : Session
        What is kept.
    folder : Folder
        Under which it is kept.
    """

    def __init__(self, session: Session, folder: Folder) -> None:
        super().__init__(session)
        self._folder = folder
        self.name = Text(value="session.zarr", description="Name")
        self.save = button("Save", self.attempt(self.save_session), "cryonb-primary")
        self._said = prose("cryonb-hint", "cryonb-live")
        row = styled(HBox([self.name, self.save]), "cryonb-row")
        self.widget = styled(VBox([row, self._said]), "cryonb-save")

    def refresh(self) -> None:
        """Say where it will be."""
        where = html.escape(str(self._folder.root))
        self._said.value = f"Particles, settings, runs and judgements, in <b>{where}</b>. Open it again with Open\u2026"

    def save_session(self) -> None:
        """Keep the session under the name that was typed."""
        path = self._folder.target(self.name.value, SUFFIXES)
        self._said.value = "Saving\u2026"
        keeping.save(self.session, path)
        self._said.value = f"Saved as <b>{html.escape(self._folder.shown(path))}</b>."
