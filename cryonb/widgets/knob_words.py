"""What a setting is called, and how it is explained, in plain words."""

import dataclasses
import html
import re
from typing import Any

from ..knobs import UNITLESS

UNITS = {"angstrom": "Å", "degree": "°", "kilodalton": "kDa", "standard deviation": "σ"}
"""Units that have a sign; others are written out."""

RATIOS = ("fraction", "factor")
"""Units that are named beside a label, and not after a number."""

SPELLED = {"ctf": "CTF", "fsc": "FSC", "mtf": "MTF", "nyquist": "Nyquist", "id": ""}
"""Words of names that are written otherwise, or left out."""

_ZERO = re.compile(r"\b0 = (.+?)(?:[;.]$|[;.] |$)")


def name_of(field: dataclasses.Field) -> str:
    """Return the name of a setting in plain words.

    Parameters
    ----------
    field : dataclasses.Field
        The setting.

    Returns
    -------
    str
        For example ``"pad factor"``.
    """
    words = field.name.removeprefix("n_").split("_")
    return " ".join(SPELLED.get(word, word) for word in words).strip()


def unit_of(field: dataclasses.Field) -> str:
    """Return the unit of a setting as it is written beside it.

    Parameters
    ----------
    field : dataclasses.Field
        The setting.

    Returns
    -------
    str
        For example ``"Å"``; empty where there is none, or where the name says it.
    """
    unit = field.metadata["unit"]
    return "" if unit == UNITLESS or unit in field.name else UNITS.get(unit, unit)


def label_of(field: dataclasses.Field) -> str:
    """Return the label of a setting.

    Parameters
    ----------
    field : dataclasses.Field
        The setting.

    Returns
    -------
    str
        HTML: its name, and its unit in a class of its own.
    """
    unit = f' <span class="cryonb-unit">{html.escape(unit_of(field))}</span>' if unit_of(field) else ""
    return html.escape(name_of(field)) + unit


def help_of(field: dataclasses.Field, default: Any) -> str:
    """Return what a setting does, its default and its bounds.

    Parameters
    ----------
    field : dataclasses.Field
        The setting.
    default : object
        What it is where nothing is set.

    Returns
    -------
    str
        Sentences.
    """
    about, unit = field.metadata, unit_of(field)
    ends = {"At least": about["minimum"], "At most": about["maximum"]}
    bounds = [
        f"{word} {with_unit(end, unit)}." for word, end in ends.items() if end is not None and not about["choices"]
    ]
    return " ".join([about["help"], f"Default: {with_unit(default, unit)}.", *bounds])


def with_unit(value: Any, unit: str) -> str:
    """Return a value in words, with its unit where it is a number of them.

    Parameters
    ----------
    value : object
        The value.
    unit : str
        Its unit; empty for none.

    Returns
    -------
    str
        For example ``"6 Å"``.

    Examples
    --------
    >>> with_unit(6.0, "Å"), with_unit(20, "°"), with_unit(0, "voxel"), with_unit(0.2, "fraction")
    ('6 Å', '20°', '0 voxels', '0.2')
    """
    text = words_for(value)
    if not unit or unit in RATIOS or isinstance(value, (bool, str)):
        return text
    if unit == "°":
        return f"{text}{unit}"
    is_word = unit.isalpha() and unit.islower() and len(unit) > 1
    return f"{text} {unit}{'s' if is_word and value != 1 else ''}"


def words_for(value: Any) -> str:
    """Return a value in words.

    Parameters
    ----------
    value : object
        The value.

    Returns
    -------
    str
        Without underscores and needless zeros.

    Examples
    --------
    >>> words_for("kaiser_bessel"), words_for(2.0), words_for((0.0, 1.5)), words_for("")
    ('kaiser bessel', '2', '0, 1.5', 'none')
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (int, float)):
        return f"{value:g}" if abs(value) < 1e6 else str(value)
    if isinstance(value, (tuple, list)):
        return ", ".join(words_for(item) for item in value)
    return str(value).replace("_", " ") if value != "" else "none"


def meaning_of_zero(field: dataclasses.Field) -> str:
    """Return what a zero stands for, where the help of a setting says so.

    Parameters
    ----------
    field : dataclasses.Field
        The setting.

    Returns
    -------
    str
        For example ``"45 % of the box"``; empty where zero is a number like any other.
    """
    found = _ZERO.search(field.metadata["help"])
    return found.group(1) if found else ""
