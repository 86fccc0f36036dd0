"""The classes of the runs in view."""

from typing import TYPE_CHECKING, Any

from ... import plots
from .tab import Tab

if TYPE_CHECKING:
    from ...plots.marks import Sheet


class ClassesTab(Tab):
    """How full each class is, what it claims, and how many particles chose it."""

    name = "classes"
    title = "Classes"
    place = 80

    def _sheet(self, session: Any) -> "Sheet | None":
        """Return the table."""
        runs = {held.label: held.dataset for held in session.in_view() if plots.has_classes(held.dataset)}
        return plots.classes_sheet(runs) if runs else None

    def _empty(self, session: Any) -> str:
        """Return why there is no table."""
        if any(plots.has_classes(held.dataset) for held in session.in_view()):
            return ""
        return super()._empty(session) or "No run in view has classes: refine with more than one."


TAB = ClassesTab()
