"""The FSC curves of the runs in view in one panel; of one that runs, as it comes."""

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import xarray as xr

from ... import plots
from ..held import Held
from .tab import Tab, judged, nothing_in_view, unnamed

if TYPE_CHECKING:
    from ...plots.marks import Sheet

DIAGNOSTIC = "fsc"


class FscTab(Tab):
    """Curves, thresholds and all Nyquist limits."""

    name = "fsc"
    title = "FSC"
    place = 20
    watches = ("runs", "shown", "iteration", "entries", "class_id")
    controls = ("iteration",)
    options = DIAGNOSTIC
    covers = (DIAGNOSTIC,)

    def _sheet(self, session: Any) -> "Sheet | None":
        """Return the curves, each run in its colour; of a finished one under its mask too, where that was judged."""
        found = curves(session)
        shown = {label: run for label, run in found.items() if plots.has_curve(run)}
        if not shown:
            return None
        made = plots.overlay_sheet(shown)
        missing = unnamed([label for label in found if label not in shown], "a curve")
        headline = (made.headline, *_claims(session, shown))
        caption = (made.caption, missing)
        return dataclasses.replace(made, headline=_lines(headline), caption=_lines(caption))

    def _empty(self, session: Any) -> str:
        """Return why there is no curve."""
        found = curves(session)
        if not found:
            return nothing_in_view(session)
        if any(plots.has_curve(run) for run in found.values()):
            return ""
        return "No run in view has an FSC: that takes two half maps."

    def _wants(self, session: Any) -> str:
        """Return the FSC where a finished run waits for its other curves."""
        waiting = [] if session.error else session.unjudged(DIAGNOSTIC)
        return DIAGNOSTIC if any(_is_last(held, session.iteration) and _has_halves(held) for held in waiting) else ""


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(part for part in parts if part)


def _claims(session: Any, shown: dict[str, xr.Dataset]) -> list[str]:
    """Return what refinements claim whose curves a judgement shows in place of their own."""
    held = [session.runs[label] for label, run in shown.items() if not plots.is_refinement(run)]
    decided = [one for one in held if one.dataset is not None and plots.is_refinement(one.dataset)]
    return [f"{one.label}: {plots.claim_sentence(one.dataset)}" for one in decided]


def _is_last(held: Held, number: int) -> bool:
    """Return whether a run has ended, and is seen as it ended: one without iterations has nothing else to show."""
    return held.status != "running" and (number < 0 or not held.iterations)


def _has_halves(held: Held) -> bool:
    return held.dataset is not None and "half_map" in held.dataset


def curves(session: Any) -> dict[str, xr.Dataset]:
    """Return what holds the curves of each run in view, and of one that runs.

    Parameters
    ----------
    session : Session
        The app's state.

    Returns
    -------
    dict of str to xarray.Dataset
        By label: what the FSC diagnostic found, else the run itself; of a refinement the iteration that is asked for.
    """
    labels = list(session.shown) + [label for label, held in session.runs.items() if held.status == "running"]
    held = [session.runs[label] for label in dict.fromkeys(labels) if label in session.runs]
    found = judged(session, DIAGNOSTIC)
    at = {one.label: at_iteration(one, session.iteration) for one in held}
    ended = {one.label: found[one.label] for one in held if one.label in found and _is_last(one, session.iteration)}
    return {label: ended.get(label, run) for label, run in at.items() if run is not None}


def at_iteration(held: Held, number: int) -> xr.Dataset | None:
    """Return a run as it stood after an iteration.

    Parameters
    ----------
    held : Held
        The run.
    number : int
        The iteration; -1 for the last.

    Returns
    -------
    xarray.Dataset or None
        That iteration, or the last one before it; the run itself where it had none.
    """
    if number < 0 or not held.iterations:
        return held.iterations[-1] if held.dataset is None and held.iterations else held.dataset
    before = [one for one in held.iterations if int(one["iteration"]) <= number]
    return (before or held.iterations[:1])[-1]


TAB = FscTab()
