"""Python source as people write it: literals, keyword arguments and calls broken into lines."""

import json
from collections.abc import Mapping
from typing import Any

LINE = 100
"""Longest line that is not broken [character]."""


def literal(value: Any) -> str:
    """Return the source of a plain value.

    Parameters
    ----------
    value : object
        Text, numbers, truth values, None, and tuples, lists and mappings of these.

    Returns
    -------
    str
        Source that gives the value back; text stands in double quotes.

    Examples
    --------
    >>> literal({"kind": 'a "b"', "window": (0.85, 1.0), "on": True})
    '{"kind": "a \\\\"b\\\\"", "window": (0.85, 1.0), "on": True}'
    """
    if isinstance(value, str):
        return "".join(
            sign if sign.isprintable() else ascii(sign)[1:-1] for sign in json.dumps(value, ensure_ascii=False)
        )
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(name)}: {literal(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    return repr(value.item() if hasattr(value, "item") else value)


def keywords(given: Mapping[str, Any]) -> list[str]:
    """Return keyword arguments; mappings whose names are words become calls of dict.

    Parameters
    ----------
    given : mapping of str to object
        Names and values.

    Returns
    -------
    list of str
        One argument each.

    Examples
    --------
    >>> keywords({"box": {"box_size": 128}, "dithers": 2})
    ['box=dict(box_size=128)', 'dithers=2']
    """
    return [f"{name}={_dict(value) if isinstance(value, Mapping) else literal(value)}" for name, value in given.items()]


def _dict(value: Mapping[str, Any]) -> str:
    if all(str(name).isidentifier() for name in value):
        return f"dict({', '.join(keywords(value))})"
    return literal(value)


def call(function: str, arguments: list[str], indent: int = 0) -> str:
    """Return a call, broken into one line an argument where it is long.

    Parameters
    ----------
    function : str
        What is called.
    arguments : list of str
        Their source.
    indent : int, optional
        Spaces before the statement that it stands in.

    Returns
    -------
    str
        The source; lines after the first are indented.
    """
    flat = f"{function}({', '.join(arguments)})"
    if len(flat) + indent <= LINE or len(arguments) < 2:
        return flat
    inner = ",\n".join(" " * (indent + 4) + argument for argument in arguments)
    return f"{function}(\n{inner},\n{' ' * indent})"


def mapping(name: str, items: Mapping[str, str]) -> str:
    """Return the assignment of a dictionary of expressions.

    Parameters
    ----------
    name : str
        The variable.
    items : mapping of str to str
        Keys, and the source of their values.

    Returns
    -------
    str
        One line an item.
    """
    inner = "".join(f"    {literal(key)}: {source},\n" for key, source in items.items())
    return f"{name} = {{\n{inner}}}"
