"""The settings panel: the groups of settings, each in a fold."""

from ipywidgets import VBox

from . import controls
from .fold import Fold
from .part import Part, prose, styled
from .session import Session


class SettingsPanel(Part):
    """All settings of a run.

    Parameters
    ----------
    session : Session
        Whose they are.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        title = prose("cryonb-section")
        title.value = "<h3>Settings</h3>"
        self.groups = controls.groups(session)
        self.folds = [Fold(words, group.widget, is_open=not place) for place, (words, group) in enumerate(self.groups)]
        self.widget = styled(VBox([title, *(fold.widget for fold in self.folds)]), "cryonb-settings", "cryonb-card")

    def close(self) -> None:
        """Close all controls."""
        for _, group in self.groups:
            group.close()
        super().close()
