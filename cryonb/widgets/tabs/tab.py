"""What a tab is: one way to look at the runs in view, as a sheet of marks."""

from typing import TYPE_CHECKING, Any

import xarray as xr

from ..held import Held

if TYPE_CHECKING:
    from ...plots.marks import Sheet

NOTHING_SHOWN = "No run is in view: start one, or pick some of those that are kept."


class Tab:
    """One way to look at the runs in view; each is one file of this folder.

    Attributes
    ----------
    name, title : str
        The word by which it is chosen; what stands on it.
    place : int
        Tabs stand in the order of their places.
    pane : {"figure", "tiles", "surfaces"}
        What draws it.
    watches : tuple of str
        Traits of the session that change what it shows.
    controls : tuple of str
        Traits that are offered above the picture.
    options : str
        The diagnostic whose options are offered; empty for none.
    covers : tuple of str
        Diagnostics that need no tab of their own beside this one.
    is_said_above : bool
        Whether the page says the headline of its sheet elsewhere already.
    """

    name = ""
    title = ""
    place = 0
    pane = "figure"
    watches: tuple[str, ...] = ("runs", "shown")
    controls: tuple[str, ...] = ()
    options = ""
    covers: tuple[str, ...] = ()
    is_said_above = False

    def sheet(self, session: Any) -> "Sheet | None":
        """Return what is seen.

        Parameters
        ----------
        session : Session
            The app's state.

        Returns
        -------
        Sheet or None
            None where there is nothing to see; `empty` says why.
        """
        return self._sheet(session)

    def empty(self, session: Any) -> str:
        """Return why there is nothing to see, and what to do.

        Parameters
        ----------
        session : Session
            The app's state.

        Returns
        -------
        str
            A sentence; empty where there is something to see.
        """
        return self._empty(session)

    def wants(self, session: Any) -> str:
        """Return what is to be computed as soon as the tab comes into view.

        Parameters
        ----------
        session : Session
            The app's state.

        Returns
        -------
        str
            Name of a diagnostic; empty for none.
        """
        return self._wants(session)

    def _sheet(self, session: Any) -> "Sheet | None":
        return None

    def _empty(self, session: Any) -> str:
        return "" if session.in_view() else nothing_in_view(session)

    def _wants(self, session: Any) -> str:
        return ""


def nothing_in_view(session: Any) -> str:
    """Return why no run is in view.

    Parameters
    ----------
    session : Session
        The app's state.

    Returns
    -------
    str
        A sentence.
    """
    started = [session.runs[label] for label in session.shown if label in session.runs]
    running = [held.label for held in started if held.status == "running"]
    if running:
        return f"{', '.join(running)} has no result yet: it comes with the first iteration."
    return NOTHING_SHOWN if session.runs or session.particles is not None else "Nothing is open: open particles first."


def judged(session: Any, name: str) -> dict[str, xr.Dataset]:
    """Return what a diagnostic found of the runs in view.

    Parameters
    ----------
    session : Session
        The app's state.
    name : str
        The diagnostic.

    Returns
    -------
    dict of str to xarray.Dataset
        By label, those that were judged; what was opened as such a judgement stands for itself.
    """
    found = {held.label: _judgement(session, held, name) for held in session.in_view()}
    return {label: judgement for label, judgement in found.items() if judgement is not None}


def _judgement(session: Any, held: Held, name: str) -> xr.Dataset | None:
    if held.dataset.attrs.get("schema") == f"cryonb/{name}":
        return held.dataset
    return session.judgement(held.label, name)


def unnamed(labels: list[str], what: str) -> str:
    """Return a note on runs that are in view and not in the picture.

    Parameters
    ----------
    labels : list of str
        Their labels.
    what : str
        What they lack.

    Returns
    -------
    str
        A sentence; empty for no run.
    """
    return f"Without {what}: {', '.join(labels)}." if labels else ""
