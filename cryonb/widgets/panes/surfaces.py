"""The pane of surfaces: the maps of the runs in view, beside each other in one frame, turned together."""

import dataclasses
from typing import Any

from ...maps import has_map, shown_map
from ...plots.marks import BLACK, PALE, SERIES
from ..held import Held
from ..part import told
from ..scene import SLOTS, Scene, Surface


@dataclasses.dataclass(frozen=True, eq=False)
class _Made:
    """A surface with what it was made from, by which it is known whether it has to be made again.

    Attributes
    ----------
    dataset : xarray.Dataset
        The run's result.
    class_id : int or None
        The class; None where there are none.
    surface : Surface
        What the page needs of it.
    """

    dataset: Any
    class_id: int | None
    surface: Surface


class SurfacesPane:
    """Surfaces of up to four runs.

    Parameters
    ----------
    tab : object
        The tab that is shown.
    session : Session
        What the app knows.
    screen : object
        The front end, with its `theme`.

    Attributes
    ----------
    widget : Scene
        The widget.
    """

    name = "surfaces"

    def __init__(self, tab: Any, session: Any, screen: Any) -> None:
        self.tab, self.session, self.screen = tab, session, screen
        self.widget = Scene(theme=screen.theme, levels=dict(session.levels))
        self._made: dict[str, _Made] = {}
        self._watched = [(self.widget, self._chosen, "levels"), (session, self._told, "levels")]
        self._watched += [(screen, self._painted, "theme")]
        for one, handler, trait in self._watched:
            one.observe(handler, trait)

    def refresh(self) -> None:
        """Show the runs that are set side by side; maps that are shown already are not sent again."""
        try:
            places = [(place, held) for place, held in enumerate(self.session.in_view()) if has_map(held.dataset)]
            self._made = {held.label: self._of(held, place) for place, held in places[:SLOTS]}
            words = "" if self._made else self.tab.empty(self.session)
        except Exception as problem:
            self._made, words = {}, told(problem)[0]
        self.widget.words = words
        self.widget.show([made.surface for made in self._made.values()])

    def _of(self, held: Held, place: int) -> _Made:
        class_id = held.class_of(self.session.class_id)
        before = self._made.get(held.label)
        if before is not None and before.dataset is held.dataset and before.class_id == class_id:
            return dataclasses.replace(before, surface=dataclasses.replace(before.surface, colour=colour_of(place)))
        volume = shown_map(held.dataset, class_id)
        made = Surface.of(volume, held.label, colour_of(place), held.is_refinement)
        return _Made(held.dataset, class_id, made)

    def _chosen(self, change: Any) -> None:
        self.session.levels = dict(change["new"])

    def _told(self, change: Any) -> None:
        self.widget.levels = dict(change["new"])

    def _painted(self, change: Any) -> None:
        self.widget.theme = change["new"]

    def close(self) -> None:
        """Stop listening, and let go of the maps."""
        for one, handler, trait in self._watched:
            one.unobserve(handler, trait)
        self._watched = []
        self._made = {}
        self.widget.close()


def colour_of(place: int) -> str:
    """Return the colour of a surface: that of the run's curves, but pale grey for black, on which no light is seen.

    Parameters
    ----------
    place : int
        The run's place among those in view.

    Returns
    -------
    str
        A colour such as ``"#0072B2"``.

    Examples
    --------
    >>> colour_of(0), colour_of(3)
    ('#0072B2', '#B5B5B5')
    """
    colour = SERIES[place % len(SERIES)][0]
    return PALE if colour == BLACK else colour


PANE = SurfacesPane
