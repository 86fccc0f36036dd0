"""Settings as tables: every knob of a dataclass with unit, default, bounds or choices, help, and what it changes."""

import dataclasses
import typing
from collections.abc import Iterable

from cryonb.knobs import UNITLESS, Config, knobs

from . import restructured as rst

HEADER = ("Setting", "What it does")
KINDS = {int: "a whole number", float: "a number", bool: "on or off", str: "a word", dict: "names and values"}
CHANGES = {"result": "changes the result", "speed": "changes only the speed"}


def table(group: type[Config], prefix: str = "", leave_out: Iterable[str] = ()) -> list[str]:
    """Return the table of a group of settings, or a sentence where it has none."""
    rows = [row(field, kind, prefix) for field, kind in knobs(group) if field.name not in leave_out]
    return rst.table(HEADER, rows, "settings") if rows else ["It has no settings of its own.", ""]


def row(field: dataclasses.Field, kind: type, prefix: str) -> tuple[str, str]:
    """Return the cells of one setting; links lead to it by `setting-` and its name."""
    about = field.metadata
    target = f".. _setting-{prefix}{field.name}:\n\n"
    unit = "" if about["unit"] == UNITLESS else f" [{about['unit']}]"
    facts = (f"default {default(field)}", f"{allowed(field, kind)}{unit}", CHANGES[about["affects"]])
    help_text = about["help"].replace("*", r"\*").replace("|", r"\|")
    return f"{target}{rst.code(field.name)}", f"{help_text}\n\n{' · '.join(facts)}"


def default(field: dataclasses.Field) -> str:
    """Return what a setting is where nothing is said."""
    value = field.default if field.default is not dataclasses.MISSING else field.default_factory()
    return shown(value)


def allowed(field: dataclasses.Field, kind: type) -> str:
    """Return the choices or the bounds of a setting, or what kind of value it is."""
    about = field.metadata
    if about["choices"]:
        return f"one of {', '.join(shown(choice) for choice in about['choices'])}"
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
