"""The banner of verdicts: for every run in view one sentence on what its curve is made of, coloured and worded."""

import html
import math

import numpy as np
import xarray as xr
from ipywidgets import HBox, VBox

from .. import plots
from ..plots.wording import verdict
from .held import Held
from .orders import TAKEN_APART
from .part import Part, button, close_all, prose, styled
from .pieces import lines
from .session import Session

VISIBLE = 0.03
"""Mean correlation past the data that a person sees on a plot as something."""

MADE_UP = 0.2
"""Correlation of a refinement's halves, with noise in place of their images, from which on it made something up."""

GRADES = {
    "signal": ("\u2713", "from the data"),
    "beyond": ("!", "not all from the data"),
    "nothing": ("\u00d7", "no signal"),
    "waiting": ("\u2026", "being made"),
    "open": ("?", "not taken apart yet"),
    "alone": ("?", "no particles"),
    "stopped": ("?", "no result"),
}
"""Looks of a verdict: its sign and its words."""

WELCOME = "No run yet. Look at the plan on the left, then press <b>Run</b>: the verdict on its curve will stand here."


class VerdictBanner(Part):
    """The verdicts on the runs in view.

    Parameters
    ----------
    session : Session
        What it shows.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.widget = styled(VBox(), "cryonb-verdicts", "cryonb-live")
        self._lines: tuple = ()
        self.watch(self.refresh, "runs", "shown", "entries", "class_id", "state")
        self.refresh()

    def refresh(self) -> None:
        """Write the verdicts anew where one of them has changed."""
        held = [self.session.runs[label] for label in self.session.shown if label in self.session.runs]
        said = tuple((one.label, *self._said(one)) for one in held)
        if said == self._lines and self.widget.children:
            return
        before, self._lines = self.widget.children, said
        self.widget.children = [self._line(*one) for one in said] or [_welcome(bool(self.session.runs))]
        for gone in before:
            close_all(gone)

    def _said(self, held: Held) -> tuple[str, str]:
        """Return the grade of a run and its sentence."""
        part = self.session.judgement(held.label, TAKEN_APART)
        if part is not None:
            return grade(part), verdict(part)
        if self.session.state != "idle" and (held.status == "running" or held.dataset is None):
            return "waiting", "The curve is on its way."
        if held.dataset is None:
            return "stopped", "It was stopped before its first iteration. Resume goes on with the run stopped last."
        if held.is_refinement and held.particles is not None:
            return "open", "What the curve of this run is made of is not known yet."
        return "alone", "A curve is taken apart with the particles it was made from, and this came without them."

    def _line(self, label: str, look: str, sentence: str) -> HBox:
        sign, words = GRADES[look]
        place = prose("cryonb-verdict-words")
        place.value = (
            f'<span class="cryonb-chip cryonb-chip-{look}"><b aria-hidden="true">{sign}</b> {words}</span> '
            f"<b>{html.escape(label)}</b> {lines(sentence)}"
        )
        children = [place]
        if look == "open":
            children.append(button("Take apart", self.attempt(self._take_apart), "cryonb-small"))
        return styled(HBox(children), "cryonb-verdict", f"cryonb-verdict-{look}")

    def _take_apart(self) -> None:
        self.session.judge(TAKEN_APART)


def _welcome(has_runs: bool) -> HBox:
    place = prose("cryonb-verdict-words")
    place.value = "No run is in view. Tick one below." if has_runs else WELCOME
    return styled(HBox([place]), "cryonb-verdict", "cryonb-verdict-open")


def grade(part: xr.Dataset) -> str:
    """Return how a decomposition looks at a glance.

    Parameters
    ----------
    part : xarray.Dataset
        Kind ``cryonb/decomposition``.

    Returns
    -------
    str
        ``"nothing"`` where no signal was found; ``"beyond"`` where part of the curve is neither signal nor noise of
        the data; else ``"signal"``. Of several classes the gravest.
    """
    found = {_grade(one) for one in plots.by_class(part).values()}
    return next(look for look in ("nothing", "beyond", "signal") if look in found)


def _grade(part: xr.Dataset) -> str:
    end = plots.signal_end(part)
    if math.isnan(end) or end <= 0.0 or math.isinf(end):
        return "nothing"
    past = [one.curve for one in plots.stretches(part) if one.band == "no data"]
    components = list(part["component"].values)
    shared = part["fsc"].sel(component="shared_reference").values if "shared_reference" in components else np.zeros(1)
    return "beyond" if any(level > VISIBLE for level in past) or np.nanmax(shared) > MADE_UP else "signal"
