"""An entry: the widgets in which a value is chosen or typed, made from the field of a dataclass.

No entry corrects what was typed: the value is told as it is, and the session decides whether it can work.
"""

import dataclasses
import math
import typing
from collections.abc import Callable
from typing import Any

from ipywidgets import Checkbox, Dropdown, FloatSlider, FloatText, Text, Widget

from .knob_words import label_of, meaning_of_zero, name_of, words_for
from .part import styled

Heard = Callable[[Any], None]

MARKS = 20
"""A slider has at least this many steps."""

DIGITS = 9
"""Decimals of what a slider tells, whose steps do not add up exactly in binary."""


class Entry:
    """What all entries have in common: what a person enters is told once, and what is shown is not told again.

    Parameters
    ----------
    heard : callable
        Called with a value when a person has entered it.
    *widgets : ipywidgets.Widget
        Where it is entered; the first carries the label.

    Attributes
    ----------
    widgets : tuple of ipywidgets.Widget
        The same.
    """

    def __init__(self, heard: Heard, *widgets: Widget) -> None:
        self._heard, self._is_showing, self.widgets = heard, False, widgets
        for widget in widgets:
            styled(widget, "cryonb-entry").observe(self._hear, "value")

    def show(self, value: Any) -> None:
        """Show a value that was set elsewhere.

        Parameters
        ----------
        value : object
            The value; one that the widgets have no way to show leaves them as they are.
        """
        self._is_showing = True
        try:
            self._show(value)
        finally:
            self._is_showing = False

    def _hear(self, change: Any) -> None:
        if not self._is_showing:
            self._heard(self._told(change["owner"]))

    def _show(self, value: Any) -> None:
        self.widgets[0].value = value

    def _told(self, owner: Widget) -> Any:
        return owner.value


class Switch(Entry):
    """On or off.

    Parameters
    ----------
    field : dataclasses.Field
        The setting.
    heard : callable
        Called with what a person has entered.
    """

    def __init__(self, field: dataclasses.Field, heard: Heard) -> None:
        super().__init__(heard, Checkbox(indent=False, **_labelled(field)))

    def _show(self, value: Any) -> None:
        if isinstance(value, bool):
            self.widgets[0].value = value


class Choice(Entry):
    """One of a few.

    Parameters
    ----------
    field : dataclasses.Field
        The setting.
    heard : callable
        Called with what a person has entered.
    """

    def __init__(self, field: dataclasses.Field, heard: Heard) -> None:
        zero = meaning_of_zero(field)
        options = [
            (zero if zero and choice == 0 else words_for(choice), choice) for choice in field.metadata["choices"]
        ]
        super().__init__(heard, Dropdown(options=options, value=None, **_labelled(field)))

    def _show(self, value: Any) -> None:
        known = [choice for _, choice in self.widgets[0].options]
        self.widgets[0].value = value if value in known else None


class Words(Entry):
    """Anything that can be typed; it is told with Enter, or when the next control is entered.

    Parameters
    ----------
    field : dataclasses.Field
        The setting.
    heard : callable
        Called with what a person has entered.
    """

    def __init__(self, field: dataclasses.Field, heard: Heard) -> None:
        super().__init__(heard, Text(continuous_update=False, **_labelled(field)))

    def _show(self, value: Any) -> None:
        self.widgets[0].value = str(value)

    def _told(self, owner: Widget) -> str:
        return owner.value.strip()


class Number(Entry):
    """A number that is typed, or moved with the arrow keys; fractions between two bounds have a slider too.

    A slider shows the nearest of its marks. That it does so is not told: only a person who moves it by half a step or
    more is.

    Parameters
    ----------
    field : dataclasses.Field
        The setting.
    heard : callable
        Called with what a person has entered.
    is_whole : bool
        Whether it counts something.
    """

    def __init__(self, field: dataclasses.Field, heard: Heard, is_whole: bool) -> None:
        low, high = field.metadata["minimum"], field.metadata["maximum"]
        has_slider = low is not None and high is not None and not is_whole
        self._ends, self._step, self._is_whole = (low, high), step_of(field), is_whole
        widgets: list[Widget] = [FloatText(step=self._step, **_labelled(field))]
        if has_slider:
            kept = dict(min=low, max=high, value=low, step=self._step, readout=False)
            widgets.append(styled(FloatSlider(**kept), "cryonb-slider"))
        super().__init__(heard, *widgets)

    def _show(self, value: Any) -> None:
        number = number_of(value)
        if number is not None:
            self.widgets[0].value = number
        if number is not None and len(self.widgets) > 1:
            low, high = self._ends
            self.widgets[1].value = min(max(number, low), high)

    def _hear(self, change: Any) -> None:
        typed, owner = self.widgets[0].value, change["owner"]
        is_echo = owner is not self.widgets[0] and abs(owner.value - typed) < self._step / 2
        if not is_echo:
            super()._hear(change)

    def _told(self, owner: Widget) -> float | int:
        number = owner.value if owner is self.widgets[0] else round(owner.value, DIGITS)
        return int(number) if self._is_whole and number.is_integer() else number


class Pair(Entry):
    """Two numbers.

    Parameters
    ----------
    field : dataclasses.Field
        The setting.
    heard : callable
        Called with what a person has entered.
    """

    def __init__(self, field: dataclasses.Field, heard: Heard) -> None:
        first = FloatText(step=step_of(field), **_labelled(field))
        second = FloatText(step=step_of(field), tooltip=f"{name_of(field)}: second number")
        super().__init__(heard, first, styled(second, "cryonb-second"))

    def _show(self, value: Any) -> None:
        if isinstance(value, (tuple, list)):
            for widget, item in zip(self.widgets, value):
                if (number := number_of(item)) is not None:
                    widget.value = number

    def _told(self, owner: Widget) -> tuple[float, ...]:
        return tuple(widget.value for widget in self.widgets)


def entry_for(field: dataclasses.Field, kind: Any, heard: Heard) -> Entry:
    """Return the entry that fits a setting.

    Parameters
    ----------
    field : dataclasses.Field
        The setting.
    kind : type
        Its type.
    heard : callable
        Called with a value when a person has entered it.

    Returns
    -------
    Entry
        The entry.
    """
    if kind is bool:
        return Switch(field, heard)
    if field.metadata["choices"]:
        return Choice(field, heard)
    if typing.get_origin(kind) is tuple:
        return Pair(field, heard)
    return Words(field, heard) if kind is str else Number(field, heard, kind is int)


def step_of(field: dataclasses.Field) -> float:
    """Return by how much a number goes up with an arrow key.

    Parameters
    ----------
    field : dataclasses.Field
        The setting.

    Returns
    -------
    float
        What the field says; else one, or a power of ten that divides the range of a fraction in a score or more.
    """
    about = field.metadata
    low, high = about["minimum"], about["maximum"]
    if about["step"] is not None:
        return about["step"]
    if low is None or high is None or isinstance(field.default, int):
        return 1
    return 10.0 ** math.floor(math.log10((high - low) / MARKS))


def number_of(value: Any) -> float | None:
    """Return a value as a number that a widget can show.

    Parameters
    ----------
    value : object
        The value.

    Returns
    -------
    float or None
        None for what is no number, or no finite one.

    Examples
    --------
    >>> number_of("64"), number_of("many"), number_of(float("nan"))
    (64.0, None, None)
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _labelled(field: dataclasses.Field) -> dict[str, Any]:
    return dict(description=label_of(field), description_allow_html=True, tooltip="")
