"""Sections or projections of the maps in view: one place, one grey scale."""

from typing import TYPE_CHECKING, Any

import xarray as xr

from ... import plots
from .tab import Tab, nothing_in_view

if TYPE_CHECKING:
    from ...plots.marks import Sheet


class MapsTab(Tab):
    """The same section, or projection, of every map in view."""

    name = "maps"
    title = "Maps"
    place = 30
    pane = "tiles"
    watches = ("runs", "shown", "plane", "place", "seen", "contrast", "class_id")
    controls = ("plane", "seen", "place", "contrast", "class_id")
    covers = ("sections",)

    def _sheet(self, session: Any) -> "Sheet | None":
        """Return the images."""
        runs = with_maps(session)
        return plots.linked_sheet(runs, view_of(session)) if runs else None

    def _empty(self, session: Any) -> str:
        """Return why there is no map."""
        if with_maps(session):
            return ""
        return "No run in view has a map." if session.in_view() else nothing_in_view(session)


def with_maps(session: Any) -> dict[str, xr.Dataset]:
    """Return the runs in view that have a map.

    Parameters
    ----------
    session : Session
        The app's state.

    Returns
    -------
    dict of str to xarray.Dataset
        By label.
    """
    return {held.label: held.dataset for held in session.in_view() if plots.has_map(held.dataset)}


def view_of(session: Any) -> plots.MapView:
    """Return how maps are looked at.

    Parameters
    ----------
    session : Session
        The app's state.

    Returns
    -------
    MapView
        Axis, place, section or projection, contrast and class.
    """
    return plots.MapView(session.plane, session.place, session.seen, session.contrast, session.class_id)


TAB = MapsTab()
