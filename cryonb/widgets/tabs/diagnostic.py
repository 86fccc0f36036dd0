"""One tab for every diagnostic that is registered: what it found of the runs in view."""

import dataclasses
from functools import cache
from typing import TYPE_CHECKING, Any

import xarray as xr

from ... import diagnostics, plots
from ...verbs import joins_particles
from ..held import Held
from .tab import Tab, judged, nothing_in_view, unnamed

if TYPE_CHECKING:
    from ...plots.marks import Sheet

AFTER_MAPS = 60
LARGEST = 160
"""Voxels along an edge of maps that are judged without being asked: larger ones can take minutes."""

WORDS = {
    "cryonb/particles": "images of particles",
    "cryonb/volume": "half maps or a map",
    "cryonb/refinement": "a reconstruction",
    "cryonb/postprocess": "a postprocessed map",
}


class DiagnosticTab(Tab):
    """What one diagnostic found.

    Parameters
    ----------
    name : str
        The diagnostic.
    """

    place = AFTER_MAPS
    watches = ("runs", "shown", "entries", "class_id")

    def __init__(self, name: str) -> None:
        self.name = self.options = name
        self.title = diagnostics.get(name).title

    def _sheet(self, session: Any) -> "Sheet | None":
        """Return what it found of each run: side by side where its kind can stand so, else under each other."""
        labels = [held.label for held in session.in_view()]
        return judgements_sheet(judged(session, self.options), labels, diagnostics.get(self.options).title)

    def _empty(self, session: Any) -> str:
        """Return why nothing is there: no run, none that it can judge, or none that it has judged yet."""
        if not session.in_view():
            return nothing_in_view(session)
        if judged(session, self.options):
            return ""
        plug = diagnostics.get(self.options)
        if not any(held.can_be_judged(plug.accepts) for held in session.in_view()):
            return _cannot(plug)
        if session.state != "idle":
            return f"{plug.title}: not computed yet; something else is being computed first, or this is."
        if joins_particles(plug):
            return f"{plug.title}: not computed yet. {cost(session, self.options)} Press Compute."
        if (edge := _edge(session.unjudged(self.options))) > LARGEST:
            return f"{plug.title}: not computed yet. With {edge} voxels an edge it can take minutes. Press Compute."
        return f"{plug.title}: not computed yet{'; the last attempt failed' if session.error else ''}."

    def _wants(self, session: Any) -> str:
        """Return the diagnostic if it is quick, since it judges small maps or tables, and some run waits for it."""
        quick, waiting = not joins_particles(diagnostics.get(self.options)), session.unjudged(self.options)
        return self.options if quick and waiting and not session.error and _edge(waiting) <= LARGEST else ""


def _edge(waiting: list[Held]) -> int:
    """Return the longest edge of the maps of some runs [voxel]; 0 without maps."""
    return max((held.dataset.sizes.get("x", 0) for held in waiting), default=0)


def judgements_sheet(found: dict[str, xr.Dataset], labels: list[str], title: str) -> "Sheet | None":
    """Return the figure of the judgements of some runs.

    Parameters
    ----------
    found : dict of str to xarray.Dataset
        Judgements of one kind by label.
    labels : list of str
        All runs in view; those without a judgement are named.
    title : str
        What stands above several of them.

    Returns
    -------
    Sheet or None
        None for no judgement.
    """
    if not found:
        return None
    made = dataclasses.replace(plots.together(found), title=title) if len(found) > 1 else _alone(*found.items())
    missing = unnamed([label for label in labels if label not in found], "this judgement")
    return dataclasses.replace(made, caption="\n".join(line for line in (made.caption, missing) if line))


def _alone(item: tuple[str, xr.Dataset]) -> "Sheet":
    label, judgement = item
    made = plots.sheet(judgement)
    return dataclasses.replace(made, title=f"{made.title}: {label}", description=f"{label}: {made.description}")


def cost(session: Any, name: str) -> str:
    """Return what it takes to judge the images of the runs in view again and again.

    Parameters
    ----------
    session : Session
        The app's state.
    name : str
        The diagnostic.

    Returns
    -------
    str
        A sentence; with the time of the runs themselves where that is known.
    """
    seconds = max((held.seconds for held in session.in_view() if held.verb == "reconstruct"), default=0.0)
    taken = f": one took {seconds:.0f} s here" if seconds >= 1.0 else ""
    count = len(session.unjudged(name))
    runs = f" for each of {count} runs" if count > 1 else ""
    return f"It reconstructs the images several times{runs}, which can take minutes{taken}."


def _cannot(plug: Any) -> str:
    wanted = " or ".join(WORDS.get(kind, kind.rpartition("/")[2].replace("_", " ")) for kind in plug.accepts)
    remedy = "Open the particles that the run was made from." if joins_particles(plug) else "Show another run."
    return f"{plug.title} judges {wanted}, and no run in view has that at hand. {remedy}"


@cache
def _tab(name: str) -> DiagnosticTab:
    return DiagnosticTab(name)


def _tabs() -> tuple[DiagnosticTab, ...]:
    """Return a tab for every diagnostic that there is now; one that is plugged in later has its tab from then on.

    Returns
    -------
    tuple of DiagnosticTab
        One each.
    """
    return tuple(map(_tab, diagnostics.names()))


TABS = _tabs
