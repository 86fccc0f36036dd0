"""Settings that explain themselves: a knob is a dataclass field that carries its unit, bounds, choices and help.

The command line's flags, the validation, the documentation table and the provenance record are all read from those
fields, so a setting is written once.
"""

import dataclasses
import math
import os
import types
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Self

from .errors import InputError, must, nearest

UNITLESS = "1"


def knob(
    default: Any,
    *,
    help: str,
    unit: str = UNITLESS,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple = (),
    affects: str = "result",
    step: float | None = None,
) -> Any:
    """Return a dataclass field that knows how to be shown, checked and explained.

    Parameters
    ----------
    default : object
        Value used when nothing is said.
    help : str
        One sentence for a person.
    unit : str, optional
        Unit of the value; ``"1"`` for none.
    minimum, maximum : float, optional
        Inclusive bounds, in `unit`.
    choices : tuple, optional
        The only values allowed.
    affects : {"result", "speed"}, optional
        Settings that change only the speed stay out of the science digest.
    step : float, optional
        By how much a control goes up and down, in `unit`; None leaves it to the control.

    Returns
    -------
    dataclasses.Field
        The field.
    """
    bounds = dict(minimum=minimum, maximum=maximum, step=step)
    metadata = dict(help=help, unit=unit, choices=choices, affects=affects, **bounds)
    if isinstance(default, dict):
        return dataclasses.field(default_factory=default.copy, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Config:
    """A group of knobs, checked when it is made."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if field.metadata:
                object.__setattr__(self, field.name, _checked(field, getattr(self, field.name), hints(type(self))))

    @classmethod
    def parse(cls, value: "Self | Mapping | None") -> Self:
        """Return a group from what a caller gave: a group, a mapping of its fields, or None for the defaults.

        Parameters
        ----------
        value : Config, mapping or None
            The settings.

        Returns
        -------
        Config
            The checked group.

        Raises
        ------
        InputError
            If a name is unknown or a value cannot work.
        """
        if isinstance(value, cls):
            return value
        kinds = (Mapping, type(None))
        rule = f"settings of {cls.__name__} must be a mapping of its fields, or a {cls.__name__}"
        must(isinstance(value, kinds), rule, type(value).__name__, "Give a dict")
        given = dict(value or {})
        names = [field.name for field in dataclasses.fields(cls)]
        for name in given:
            must(name in names, f"a setting of {cls.__name__} must have a known name", repr(name), nearest(name, names))
        return cls(**given)

    @classmethod
    def would_read(cls, name: str, given: Mapping[str, Any]) -> bool:
        """Return whether a setting matters, as the others stand.

        Parameters
        ----------
        name : str
            A field.
        given : mapping of str to object
            What is set, perhaps to values that cannot work.

        Returns
        -------
        bool
            True unless a group knows better.
        """
        return True

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed.

        Parameters
        ----------
        **changes
            Field names and their new values.

        Returns
        -------
        Config
            The checked copy.
        """
        return type(self).parse({**self.as_dict(), **changes})

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values.

        Returns
        -------
        dict
            Field names and values; groups become nested dicts.
        """
        return {
            field.name: value.as_dict() if isinstance(value := getattr(self, field.name), Config) else value
            for field in dataclasses.fields(self)
        }


@cache
def hints(group: type[Config]) -> dict[str, Any]:
    """Return the resolved type of every field of a group, looked up once.

    Parameters
    ----------
    group : type
        A `Config` dataclass.

    Returns
    -------
    dict
        Field names and types.
    """
    return typing.get_type_hints(group)


def knobs(group: type[Config]) -> Iterator[tuple[dataclasses.Field, Any]]:
    """Yield the knobs of a group with their types, for making flags, controls and tables.

    Parameters
    ----------
    group : type
        A `Config` dataclass.

    Yields
    ------
    tuple of dataclasses.Field and type
        Each knob.
    """
    resolved = hints(group)
    for field in dataclasses.fields(group):
        if field.metadata:
            yield field, resolved[field.name]


def _checked(field: dataclasses.Field, value: Any, types_of: Mapping[str, Any]) -> Any:
    wanted = types_of[field.name]
    about = field.metadata
    if wanted is dict:
        return _checked_mapping(field, value)
    if typing.get_origin(wanted) is tuple:
        return _checked_pair(field, value, typing.get_args(wanted)[0])
    value = _converted(field, value, wanted)
    unit = "" if about["unit"] == UNITLESS else f" [{about['unit']}]"
    low, high = about["minimum"], about["maximum"]
    if low is not None:
        must(value >= low, f"{field.name} must be at least {low:g}{unit}", f"{value:g}", f"Use {low:g} or more")
    if high is not None:
        must(value <= high, f"{field.name} must be at most {high:g}{unit}", f"{value:g}", f"Use {high:g} or less")
    if about["choices"]:
        remedy = nearest(value, [str(choice) for choice in about["choices"]])
        must(value in about["choices"], f"{field.name} must be one of its choices", repr(value), remedy)
    return value


def _checked_pair(field: dataclasses.Field, value: Any, element: type) -> tuple:
    rule = f"{field.name} must be two numbers"
    must(isinstance(value, (tuple, list)) and len(value) == 2, rule, repr(value), "Give two numbers")
    scalar = types.SimpleNamespace(name=field.name, metadata=field.metadata)
    return tuple(_checked(scalar, item, {field.name: element}) for item in value)


def _checked_mapping(field: dataclasses.Field, value: Any) -> dict:
    rule = f"{field.name} must be a mapping of names to plain values"
    must(isinstance(value, Mapping), rule, repr(value), "Give a dict")
    must(all(isinstance(name, str) for name in value), rule, repr(list(value)), "Use words as names")
    return dict(value)


def _converted(field: dataclasses.Field, value: Any, wanted: type) -> Any:
    word = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}[wanted]
    problem = InputError(f"{field.name} must be {word}; got {value!r}. Change the value.")
    if wanted is bool or isinstance(value, bool):
        if wanted is bool and isinstance(value, bool):
            return value
        raise problem
    if wanted is str:
        if isinstance(value, (str, os.PathLike)):
            return os.fspath(value)
        raise problem
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise problem from None
    if not math.isfinite(number) or (wanted is int and number != int(number)):
        raise problem
    return int(number) if wanted is int else number
