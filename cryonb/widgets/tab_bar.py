"""The tabs: a row of names, and the view of the one that is chosen."""

from typing import Any

from ipywidgets import ToggleButtons, VBox

from .part import Part, show, styled
from .session import Session
from .tab_view import TabView
from .tabs import tabs

LONGEST = 20
"""Letters that fit on a tab."""


class TabBar(Part):
    """All tabs of the app, of which one is in view.

    Parameters
    ----------
    session : Session
        What they show.
    screen : Screen
        Where.
    """

    def __init__(self, session: Session, screen: Any) -> None:
        super().__init__(session)
        self.views = {tab.name: TabView(tab, session, screen) for tab in tabs()}
        options = [(short(view.tab), name) for name, view in self.views.items()]
        titles = [view.tab.title for view in self.views.values()]
        self.names = styled(ToggleButtons(options=options, value=self._named(), tooltips=titles), "cryonb-tabs")
        stack = styled(VBox([view.widget for view in self.views.values()]), "cryonb-stack", "cryonb-card")
        self.widget = styled(VBox([self.names, stack]), "cryonb-tabbed")
        self._begun_with: str | None = self._named()
        self.names.observe(self.attempt(self._choose), "value")
        self.watch(self.refresh, "tab", "runs")
        self.refresh()

    @property
    def view(self) -> TabView:
        """The view of the tab that is chosen."""
        return self.views[self._named()]

    def refresh(self) -> None:
        """Bring the chosen tab into view; there is none to look at before the first run."""
        self._begin()
        has_runs = bool(self.session.runs)
        show(self.widget, has_runs)
        chosen = self.view if has_runs else None
        if chosen is not None and chosen.is_in_view:
            return
        self.names.value = self._named()
        for view in self.views.values():
            if view.is_in_view and view is not chosen:
                view.leave()
        if chosen is not None:
            chosen.look()

    def _begin(self) -> None:
        """Go to the first tab as soon as it has something to show, unless another one has been chosen by then."""
        if self._begun_with != self._named():
            self._begun_with = None
        first = next(iter(self.views))
        if self._begun_with is not None and not self.views[first].tab.empty(self.session):
            self._begun_with, self.session.tab = None, first

    def hold(self, is_held: bool) -> None:
        """Have drawing wait, or draw what has waited.

        Parameters
        ----------
        is_held : bool
            Whether to wait.
        """
        for view in self.views.values():
            view.is_held = is_held
            view.draw()

    def close(self) -> None:
        """Close all views."""
        for view in self.views.values():
            view.close()
        super().close()

    def _named(self) -> str:
        return self.session.tab if self.session.tab in self.views else next(iter(self.views))

    def _choose(self) -> None:
        self.session.tab = self.names.value


def short(tab: Any) -> str:
    """Return what stands on a tab.

    Parameters
    ----------
    tab : Tab
        The tab.

    Returns
    -------
    str
        Its title, or its name where the title is too long to stand beside others.
    """
    return tab.title if len(tab.title) <= LONGEST else tab.name.replace("_", " ").capitalize()
