"""The control of one setting: its entry with name, unit and help, what is wrong with it, and the way back."""

import html
from typing import Any

from ipywidgets import Button, GridBox

from ..errors import must
from .knob_entries import entry_for, number_of
from .knob_words import help_of, meaning_of_zero, name_of, unit_of, with_unit
from .part import Part, button, prose, styled
from .session import Session


class KnobControl(Part):
    """One setting on the page; it follows the session, and tells it what a person enters, whatever that is.

    Parameters
    ----------
    session : Session
        What it works on.
    path : str
        The setting, ``"group.field"``.

    Attributes
    ----------
    path : str
        The same.
    field : dataclasses.Field
        What it was made from.
    entry : Entry
        Where the value is entered.
    reset : ipywidgets.Button or None
        The way back to the default; None before it was first needed.

    Raises
    ------
    InputError
        If there is no such setting, or it is a group of its own.
    """

    def __init__(self, session: Session, path: str) -> None:
        super().__init__(session)
        self.path = path
        self.field, kind = session.field(path)
        must(kind is not dict, "a control must be of one value", path, "Make one for each of its settings")
        self._default, self._name = session.default(path), name_of(self.field)
        self.entry = entry_for(self.field, kind, self._enter)
        self.reset: Button | None = None
        self._words = prose("cryonb-knob-words")
        self.widget = styled(GridBox([*self.entry.widgets, self._words]), "cryonb-knob")
        self.widget.add_class(f"cryonb-{type(self.entry).__name__.lower()}")
        self.watch(self.refresh, "entries", "faults")
        self.refresh()

    def refresh(self) -> None:
        """Show the value as it was typed, what is wrong with it, and whether there is a way back."""
        value, fault = self.session.entries.get(self.path, self._default), self.session.faults.get(self.path, "")
        self.entry.show(value)
        self._words.value = self._told(value, fault)
        (self.widget.add_class if fault else self.widget.remove_class)("cryonb-faulty")
        self._offer_reset(self.path in self.session.entries)

    def close(self) -> None:
        """Stop following the session, and close the widgets."""
        super().close()
        self.reset = None

    def _enter(self, value: Any) -> None:
        self.attempt(lambda: self.session.put(self.path, value))()

    def _told(self, value: Any, fault: str) -> str:
        zero = meaning_of_zero(self.field)
        hint = f"0 = {_amount(zero, unit_of(self.field))}" if zero and _is_zero(value) else ""
        hint = "" if self.field.metadata["choices"] else hint
        places = {
            "cryonb-hint": html.escape(hint),
            "cryonb-fault": f"<b>\u26a0 Cannot work:</b> {html.escape(fault)}" if fault else "",
            "cryonb-help": html.escape(help_of(self.field, self._default)),
        }
        roles = {"cryonb-fault": ' role="alert"', "cryonb-help": ' role="note"'}
        return "".join(
            f'<div class="{name}"{roles.get(name, "")}>{words}</div>' for name, words in places.items() if words
        )

    def _offer_reset(self, is_needed: bool) -> None:
        if is_needed and self.reset is None:
            back = f"Set {self._name} back to {with_unit(self._default, unit_of(self.field))}"
            clear = self.attempt(lambda: self.session.clear(self.path))
            self.reset = button("", clear, "cryonb-reset", tooltip=back)
            self.widget.children = (*self.widget.children, self.reset)
        if self.reset is not None:
            self.reset.layout.visibility = None if is_needed else "hidden"


def _amount(zero: str, unit: str) -> str:
    return with_unit(float(zero), unit) if number_of(zero) is not None else zero


def _is_zero(value: Any) -> bool:
    return all(number_of(item) == 0 for item in (value if isinstance(value, (tuple, list)) else (value,)))
