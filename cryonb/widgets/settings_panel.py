"""The settings panel: the groups of settings, each in a fold."""

from ipywidgets import VBox

from . import controls
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
        self.column = controls.KnobColumn(session)
        folds = [fold.widget for fold in self.column.folds.values()]
        self.widget = styled(VBox([title, *folds]), "cryonb-settings", "cryonb-card")

    def close(self) -> None:
        """Close all controls."""
        self.column.close()
        super().close()
