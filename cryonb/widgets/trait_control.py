"""The control of how things are looked at: a trait of the session on the page."""

from typing import Any

from ipywidgets import Dropdown, FloatSlider, FloatText, GridBox, ToggleButtons
from traitlets import Enum

from .part import Part, show, styled
from .session import Session

NAMES = {"class_id": "class", "seen": "show", "place": "from the centre"}
"""Labels that are not just the names of their traits."""

UNITS = {"place": "Å"}
"""Units of traits."""

WORDS = {"section": "sections", "projection": "projections"}
"""What the choices of a trait are called, where it is not their own word."""

LAST = -1
"""The iteration that stands for the last, whichever it is."""


class TraitControl(Part):
    """One trait on the page: buttons for a few choices, a list of classes, or a number with a slider.

    It hides where the runs in view leave nothing to choose; a place rests while projections are shown, which have none.

    Parameters
    ----------
    session : Session
        What it works on.
    trait : {"plane", "seen", "place", "contrast", "iteration", "class_id"}
        The trait.

    Attributes
    ----------
    trait : str
        The same.
    inputs : tuple of ipywidgets.Widget
        Where it is set; the first carries the label.
    """

    def __init__(self, session: Session, trait: str) -> None:
        super().__init__(session)
        self.trait, self._is_showing = trait, False
        self._has_bounds = not isinstance(session.traits()[trait], Enum)
        self.inputs = self._made()
        for one in self.inputs:
            one.observe(self._enter, "value")
        self.widget = styled(GridBox(list(self.inputs)), "cryonb-trait", f"cryonb-trait-{trait}")
        self.watch(self.refresh, *{trait, "runs", "shown", "seen"})
        self.refresh()

    def refresh(self) -> None:
        """Show the trait as it is, between the bounds that the runs in view leave."""
        self._is_showing = True
        try:
            if self._has_bounds:
                self._fit(*self.session.bounds(self.trait))
            else:
                self.inputs[0].value = getattr(self.session, self.trait)
        finally:
            self._is_showing = False

    def _made(self) -> tuple:
        unit = f' <span class="cryonb-unit">{UNITS[self.trait]}</span>' if self.trait in UNITS else ""
        about = dict(description=NAMES.get(self.trait, self.trait) + unit, description_allow_html=True, tooltip="")
        if not self._has_bounds:
            choices = self.session.traits()[self.trait].values
            return (ToggleButtons(options=[(WORDS.get(word, word), word) for word in choices], **about),)
        if self.trait == "class_id":
            return (Dropdown(options=[1], **about),)
        return FloatText(**about), styled(FloatSlider(readout=False), "cryonb-slider")

    def _fit(self, low: float, high: float, step: float) -> None:
        show(self.widget, high > low)
        value = getattr(self.session, self.trait)
        value = high if self.trait == "iteration" and value == LAST else min(max(value, low), high)
        if self.trait == "class_id":
            self.inputs[0].options = range(int(low), int(high) + 1)
            self.inputs[0].value = int(value)
            return
        number, slider = self.inputs
        number.step, number.value = step, round(value, 6)
        number.disabled = slider.disabled = self.trait == "place" and self.session.seen == "projection"
        with slider.hold_sync(), slider.hold_trait_notifications():
            slider.min, slider.max, slider.step, slider.value = low, max(high, low + step), step, value

    def _enter(self, change: Any) -> None:
        if not self._is_showing:
            self.attempt(lambda: self._set(change["new"], change["owner"]))()

    def _set(self, value: Any, owner: Any) -> None:
        if len(self.inputs) > 1:
            low, high, step = self.session.bounds(self.trait)
            if owner is not self.inputs[0] and abs(value - self.inputs[0].value) < step / 2:
                return  # the slider went to the nearest of its marks by itself
            value = min(max(value, low), high)
            if self.trait == "iteration":
                value = LAST if value == high else int(round(value))
        setattr(self.session, self.trait, value)
        self.refresh()
