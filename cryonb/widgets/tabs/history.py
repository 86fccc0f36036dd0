"""How the refinements in view went, iteration by iteration."""

import dataclasses
from typing import TYPE_CHECKING, Any

import xarray as xr

from ... import plots
from ...history import history
from ..held import Held
from .tab import Tab

if TYPE_CHECKING:
    from ...plots.marks import Sheet

KIND = "history"


class HistoryTab(Tab):
    """Limits, claims, changes of poses and occupancy, by iteration."""

    name = "history"
    title = "History"
    place = 85

    def _sheet(self, session: Any) -> "Sheet | None":
        """Return the histories side by side."""
        found = histories(session)
        if not found:
            return None
        each = {label: plots.sheet(told) for label, told in found.items()}
        if len(found) == 1:
            ((label, made),) = each.items()
            return dataclasses.replace(made, title=f"{made.title}: {label}")
        said = "\n".join(f"{label}: {made.headline}" for label, made in each.items())
        words = " ".join(f"{label}: {made.description}" for label, made in each.items())
        made = plots.together(found)
        return dataclasses.replace(made, title="How the refinements went", headline=said, caption="", description=words)

    def _empty(self, session: Any) -> str:
        """Return why there is no history."""
        if histories(session):
            return ""
        return super()._empty(session) or "No run in view went by iterations: a refinement has a history."


def histories(session: Any) -> dict[str, xr.Dataset]:
    """Return the histories of the refinements in view.

    Parameters
    ----------
    session : Session
        The app's state.

    Returns
    -------
    dict of str to xarray.Dataset
        Kind ``cryonb/history`` by label.
    """
    found = {held.label: _history(held) for held in session.in_view()}
    return {label: told for label, told in found.items() if told is not None}


def _history(held: Held) -> xr.Dataset | None:
    decided = [one for one in held.iterations if "recipe" in one.attrs]
    if decided:
        return history(decided)
    is_one = held.dataset.attrs.get("schema") == f"cryonb/{KIND}"
    return held.dataset if is_one else held.judgements.get(KIND)


TAB = HistoryTab()
