"""Settings as tables: every knob of a dataclass with its unit, default, bounds or choices, help, and what it changes."""

import dataclasses
import typing
from collections.abc import Iterable

from cryonb.knobs import UNITLESS, Config, knobs

from . import restructured as rst

HEADER = ("Setting", "Default", "Allowed", "Unit", "What it does", "Changes")
KINDS = {int: "a whole number", float: "a number", bool: "on or off", str: "a word", dict: "names and values"}
CHANGES = {"result": "the result", "speed": "only the speed"}


def table(group: type[Config], prefix: str = "", leave_out: Iterable[str] = ()) -> list[str]:
    """Return the table of a group of settings, or a sentence where it has none."""
    rows = [row(field, kind, prefix) for field, kind in knobs(group) if field.name not in leave_out]
    return rst.table(HEADER, rows, "settings") if rows else ["It has no settings of its own.", ""]


def row(field: dataclasses.Field, kind: type, prefix: str) -> tuple[str, ...]:
    """Return the cells of one setting; the first can be linked to by `setting-` and its name."""
    about = field.metadata
    target = f".. _setting-{prefix}{field.name}:\n\n" if prefix else ""
    unit = "" if about["unit"] == UNITLESS else about["unit"]
    help_text = about["help"].replace("*", r"\*").replace("|", r"\|")
    return f"{target}{rst.code(field.name)}", default(field), allowed(field, kind), unit, help_text, CHANGES[about["affects"]]


def default(field: dataclasses.Field) -> str:
    """Return what a setting is where nothing is said."""
    value = field.default if field.default is not dataclasses.MISSING else field.default_factory()
    return shown(value)


def allowed(field: dataclasses.Field, kind: type) -> str:
    """Return the choices or the bounds of a setting, or what kind of value it is."""
    about = field.metadata
    if about["choices"]:
        return ", ".join(shown(choice) for choice in about["choices"])
    low, high = about["minimum"], about["maximum"]
    if low is not None and high is not None:
        bounds = f"from {low:g} to {high:g}"
    else:
        bounds = f"at least {low:g}" if low is not None else f"at most {high:g}" if high is not None else ""
    words = kind_words(kind)
    return f"{words}, {bounds}" if bounds else words


def kind_words(kind: type) -> str:
    """Return what kind of value a setting takes, in words."""
    if typing.get_origin(kind) is tuple:
        return f"two numbers, each {KINDS[typing.get_args(kind)[0]]}".removesuffix(", each a number")
    return KINDS[kind]


def shown(value: object) -> str:
    """Return a value as it is written in Python, or in words where that would say nothing."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value in ("", {}):
        return "none"
    if isinstance(value, tuple):
        return ", ".join(shown(item) for item in value)
    return rst.code(f"{value:g}" if isinstance(value, (int, float)) else str(value))
