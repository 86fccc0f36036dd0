"""Surfaces of the maps in view; what draws them asks the session for the maps."""

from typing import Any

from .maps import with_maps
from .tab import Tab, nothing_in_view


class SurfacesTab(Tab):
    """Isosurfaces, each at its level."""

    name = "surfaces"
    title = "Surfaces"
    place = 40
    pane = "surfaces"
    watches = ("runs", "shown", "levels", "class_id")
    controls = ("class_id",)

    def _empty(self, session: Any) -> str:
        """Return why there is no surface."""
        if with_maps(session):
            return ""
        return "No run in view has a map to draw as a surface." if session.in_view() else nothing_in_view(session)


TAB = SurfacesTab()
