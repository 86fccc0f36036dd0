"""The dashboard: the page that is made of all parts, and the thread-safe way from a run's news to the page."""

from pathlib import Path
from typing import Any

from ipywidgets import HTML, HBox, VBox

from .bell import Bell
from .drawer import Drawer
from .export_panel import ExportPanel
from .folder import Folder
from .header import Header
from .notices import ErrorBanner, Notes
from .open_dialog import OpenDialog
from .part import Part, close_all, show, styled, told
from .run_bar import RunBar
from .run_list import RunList
from .save_panel import SavePanel
from .screen import Screen
from .session import Session
from .settings_panel import SettingsPanel
from .start_page import StartPage
from .steward import Steward
from .tab_bar import TabBar
from .verdict_banner import VerdictBanner

OPEN, SAVE, EXPORT = "Open", "Save session", "Export"


class Dashboard(VBox):
    """The notebook app: one session on one page, which shows itself as the last expression of a cell.

    Parameters
    ----------
    session : Session
        Everything that it shows; it is closed with the page.
    folder : Folder
        Under which files are opened and written.

    Attributes
    ----------
    session : Session
        The same.
    folder : Folder
        The same.
    """

    def __init__(self, session: Session, folder: Folder) -> None:
        super().__init__()
        self.session, self.folder = session, folder
        self.screen, self.steward = Screen(), Steward()
        choose = self._choose
        panels = {
            OPEN: OpenDialog(session, folder, self._opened),
            SAVE: SavePanel(session, folder),
            EXPORT: ExportPanel(session, folder),
        }
        self.drawer = Drawer(session, panels)
        self.header = Header(session, panels, self.drawer.pull)
        self.start_page = StartPage(session, choose)
        self.error = ErrorBanner(session)
        self.settings, self.run_bar = SettingsPanel(session), RunBar(session, choose)
        self.verdicts, self.runs = VerdictBanner(session), RunList(session)
        self.tabs, self.notes = TabBar(session, self.screen), Notes(session)
        self._lay_out()
        self._bell = Bell(self._deliver)
        session.wake = self._bell.ring
        session.observe(self._arrange, ["particles", "runs"])
        self._arrange()

    @property
    def parts(self) -> list[Part]:
        """All parts of the page."""
        parts = [self.drawer, self.header, self.start_page, self.error, self.settings, self.run_bar]
        return [*parts, self.verdicts, self.runs, self.tabs, self.notes]

    def close(self) -> None:
        """Stop what runs, let go of all data, and take every widget off the page."""
        if self.comm is None:
            return
        self._bell.close()
        for part in self.parts:
            part.close()
        self.session.close()
        close_all(self.screen)
        inner = (*self.children, self.layout)
        super().close()
        for one in inner:
            close_all(one)

    def __repr__(self) -> str:
        return f"<cryonb dashboard: {self.session.source or 'nothing is open'}>"

    def _lay_out(self) -> None:
        side = styled(VBox([self.run_bar.widget, self.settings.widget]), "cryonb-side")
        main = [self.verdicts.widget, self.runs.widget, self.tabs.widget, self.notes.widget]
        self._body = styled(HBox([side, styled(VBox(main), "cryonb-main")]), "cryonb-body")
        top = [self.header.widget, self.error.widget, self.drawer.widget]
        unseen = styled(HBox([HTML(f"<style>{looks()}</style>"), self.screen, self.steward]), "cryonb-unseen")
        styled(self, "cryonb-app")
        self.children = [unseen, *top, self.start_page.widget, self._body]

    def _arrange(self, *_: Any) -> None:
        show(self._body, not self.start_page.is_needed)

    def _choose(self) -> None:
        if self.drawer.title != OPEN:
            self.drawer.pull(OPEN)

    def _opened(self) -> None:
        self.drawer.shut()

    def _deliver(self) -> None:
        """Take in what the background has found, and draw once all of it is there."""
        self.tabs.hold(True)
        try:
            self.session.step()
        except Exception as problem:
            self.session.error, self.session.details = told(problem)
        finally:
            self._draw()

    def _draw(self) -> None:
        try:
            self.tabs.hold(False)
        except Exception as problem:
            self.session.error, self.session.details = told(problem)


def looks() -> str:
    """Return the style sheets of all parts.

    Returns
    -------
    str
        Every file of this folder that ends in .css, the page's own last.
    """
    here = Path(__file__).parent
    sheets = sorted(here.rglob("*.css"), key=lambda path: (path.name == "style.css", path.as_posix()))
    return "\n".join(path.read_text(encoding="utf-8") for path in sheets)
