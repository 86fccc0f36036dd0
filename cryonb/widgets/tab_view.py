"""One tab's place on the page: controls, options and a pane, which are made when the tab is first looked at."""

from typing import Any

from ipywidgets import HBox, VBox

from . import controls
from .fold import Fold
from .panes import pane_of
from .part import Part, button, prose, show, styled
from .session import Session


class TabView(Part):
    """What one tab shows; it draws while it is looked at only, and remembers that it has to otherwise.

    Parameters
    ----------
    tab : Tab
        What is shown.
    session : Session
        Of what.
    screen : Screen
        Where.

    Attributes
    ----------
    is_in_view : bool
        Whether somebody looks.
    is_stale : bool
        Whether something that it shows has changed since it was drawn.
    is_held : bool
        Whether drawing waits until several changes are complete.
    """

    def __init__(self, tab: Any, session: Session, screen: Any) -> None:
        super().__init__(session)
        self.tab, self._screen = tab, screen
        self.is_in_view, self.is_stale, self.is_held = False, True, False
        self._made: list[Any] = []
        self._asked: set = set()
        self.pane: Any = None
        self.compute: Any = None
        self.widget = styled(VBox(), "cryonb-view")
        show(self.widget, False)
        self._options_drawn: tuple = ()
        self.watch(self._change, *(trait for trait in tab.watches if trait != "entries"))
        if "entries" in tab.watches:
            self.watch(self._set, "entries")
        self.watch(self._turn, "state")
        self.watch(self.ask, "runs", "shown")

    def look(self) -> None:
        """Come into view: make what is not there yet, and draw what has changed."""
        self.is_in_view = True
        show(self.widget, True)
        if self.pane is None:
            self._furnish()
        self.draw()
        self.ask()

    def leave(self) -> None:
        """Go out of view."""
        self.is_in_view = False
        show(self.widget, False)

    def draw(self) -> None:
        """Draw, if somebody looks and something has changed."""
        if self.is_in_view and self.is_stale and not self.is_held and self.pane is not None:
            self.is_stale, self._options_drawn = False, self.session.asked_of(self.tab.options)
            self.pane.refresh()

    def ask(self) -> None:
        """Have the judgement computed that the tab shows, once for every set of runs and options."""
        session = self.session
        self._enable()
        if not self.is_in_view or session.state != "idle":
            return
        name = self.tab.wants(session)
        seen = tuple((held.number, len(held.iterations)) for held in session.in_view())
        key = (name, seen, session.asked_of(name))
        if name and key not in self._asked:
            self._asked.add(key)
            session.judge(name)

    def close(self) -> None:
        """Stop watching, and close pane, controls and the rest."""
        for one in self._made:
            one.close()
        self._made, self.pane = [], None
        super().close()

    def _change(self) -> None:
        self.is_stale = True
        self.draw()

    def _set(self) -> None:
        """Draw again where the tab's own options have changed; settings of the next run leave it as it is."""
        if self.session.asked_of(self.tab.options) != self._options_drawn:
            self._change()

    def _turn(self) -> None:
        """Say why there is nothing to see in other words while something is being computed, and have it computed."""
        if self.is_in_view and self.tab.empty(self.session):
            self._change()
        self.ask()

    def _furnish(self) -> None:
        knobs = [controls.TraitControl(self.session, trait) for trait in self.tab.controls]
        row = styled(HBox([knob.widget for knob in knobs]), "cryonb-view-controls")
        show(row, bool(knobs))
        self.pane = pane_of(self.tab, self.session, self._screen)
        self._made = [*knobs, self.pane]
        options = [self._options()] if self.tab.options else []
        self.widget.children = [row, *options, self.pane.widget]

    def _options(self) -> VBox:
        made = controls.options(self.session, self.tab.options)
        self._made.append(made)
        self.compute = button("Compute", self.attempt(self._compute), "cryonb-compute")
        hint = prose("cryonb-hint")
        hint.value = "A change counts once Compute is pressed."
        self.watch(self._enable, "entries", "faults", "class_id")
        self._enable()
        return Fold("Options", made.widget, hint, beside=(self.compute,)).widget

    def _compute(self) -> None:
        self.session.judge(self.tab.options)

    def _enable(self) -> None:
        """Let a judgement be computed where some run in view lacks it."""
        if self.compute is not None:
            self.compute.disabled = self.session.state != "idle" or not self.session.unjudged(self.tab.options)
