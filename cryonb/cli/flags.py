"""Command-line flags made from the fields of the config dataclasses, and a parser that answers in one sentence."""

import argparse
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, NoReturn, get_args, get_origin

from ..errors import InputError
from ..knobs import UNITLESS, Config, knobs


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are `InputError`, and that suggests the nearest name for an unknown option.

    Parameters
    ----------
    **settings
        Those of `argparse.ArgumentParser`.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **settings)

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong with the command line.

        Parameters
        ----------
        message : str
            What the parser noticed.

        Raises
        ------
        InputError
            Always.
        """
        text = " ".join(message.split())
        raise InputError(f"{self.prog} must get arguments that it knows; got: {text}. Run `{self.prog} --help`.")

    def read(self, argv: Iterable[str]) -> argparse.Namespace:
        """Return the parsed arguments of a command.

        Parameters
        ----------
        argv : iterable of str
            Words after the command's name; ``_`` and ``-`` are the same in the names of options.

        Returns
        -------
        argparse.Namespace
            Only what was given; settings that were not given are absent.

        Raises
        ------
        InputError
            If an option is unknown or lacks its value.
        """
        words = list(spelled(argv))
        for word in option_names(words):
            if word not in self._option_string_actions:
                raise InputError(self._unknown(word))
        return self.parse_args(words)

    def _unknown(self, word: str) -> str:
        names = {name.lstrip("-"): name for name in self._option_string_actions}
        close = get_close_matches(word.lstrip("-"), names, n=1, cutoff=0.6)
        guess = f"Did you mean {names[close[0]]}? " if close else ""
        return f"an option of {self.prog} must have a known name; got {word}. {guess}Run `{self.prog} --help` for all."


def spelled(argv: Iterable[str]) -> Iterator[str]:
    """Yield the words of a command line with ``-`` for ``_`` in the names of long options.

    Parameters
    ----------
    argv : iterable of str
        The words.

    Yields
    ------
    str
        Each word.

    Examples
    --------
    >>> list(spelled(["--box.box_size=64", "a_b.star"]))
    ['--box.box-size=64', 'a_b.star']
    """
    for word in argv:
        name, equals, value = word.partition("=")
        yield name.replace("_", "-") + equals + value if word.startswith("--") else word


def value_of(argv: Iterable[str], option: str) -> str:
    """Return the value of an option before a command line is parsed.

    Parameters
    ----------
    argv : iterable of str
        The words.
    option : str
        Its name, with ``--``.

    Returns
    -------
    str
        The word after it, or after its ``=``; empty where it is not there.

    Examples
    --------
    >>> value_of(["a", "--out", "b"], "--out"), value_of(["--out=c"], "--out"), value_of([], "--out")
    ('b', 'c', '')
    """
    words = list(spelled(argv))
    for word, following in zip(words, [*words[1:], ""]):
        name, equals, value = word.partition("=")
        if name == option:
            return value if equals else following
    return ""


def option_names(words: Iterable[str]) -> Iterator[str]:
    """Yield the names of the options among the words of a command line.

    Parameters
    ----------
    words : iterable of str
        The words; those after a lone ``--`` are no options, nor are negative numbers.

    Yields
    ------
    str
        Each name, without its value.

    Examples
    --------
    >>> list(option_names(["in.star", "--out=x", "-1.5", "-q", "--", "--y"]))
    ['--out', '-q']
    """
    for word in words:
        if word == "--":
            return
        if word.startswith("-") and len(word) > 1 and not _is_number(word):
            yield word.partition("=")[0]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def add_flags(
    parser: argparse.ArgumentParser,
    group: type[Config],
    title: str,
    prefix: str = "",
    only: tuple[str, ...] | None = None,
) -> None:
    """Add one flag for every knob of a group that is no mapping.

    Parameters
    ----------
    parser : ArgumentParser
        Where to add them.
    group : type
        A `Config` dataclass.
    title : str
        Heading of the section in the help.
    prefix : str, optional
        Word before the dot of the flags' names; empty for none.
    only : tuple of str, optional
        The knobs that the command reads; all of them if not given.
    """
    section = parser.add_argument_group(title)
    for field, wanted in knobs(group):
        if wanted is dict or (only is not None and field.name not in only):
            continue
        name = "--" + (f"{prefix}." if prefix else "") + field.name.replace("_", "-")
        shared = dict(dest=_destination(prefix, field.name), default=argparse.SUPPRESS, help=_explained(field))
        if wanted is bool:
            section.add_argument(name, action=argparse.BooleanOptionalAction, **shared)
        elif get_origin(wanted) is tuple:
            section.add_argument(name, nargs=len(get_args(wanted)), metavar=_metavar(field), **shared)
        else:
            section.add_argument(name, metavar=_metavar(field), **shared)


def given(arguments: argparse.Namespace, group: type[Config], prefix: str = "") -> dict[str, Any]:
    """Return the settings of a group that were given on the command line.

    Parameters
    ----------
    arguments : Namespace
        What a parser with `add_flags` returned.
    group : type
        A `Config` dataclass.
    prefix : str, optional
        As in `add_flags`.

    Returns
    -------
    dict
        Names and values, the values still as text where they are numbers.
    """
    names = [field.name for field, _ in knobs(group)]
    return {name: getattr(arguments, key) for name in names if hasattr(arguments, key := _destination(prefix, name))}


def _destination(prefix: str, name: str) -> str:
    return f"{prefix}.{name}"


def _metavar(field: Any) -> str:
    if field.metadata["choices"]:
        return "|".join(_shown(choice) for choice in field.metadata["choices"])
    unit = field.metadata["unit"]
    return field.name.upper() if unit == UNITLESS else unit.replace("1/", "per-").upper()


def _explained(field: Any) -> str:
    unit = field.metadata["unit"]
    unit_text = "" if unit == UNITLESS else f" [{unit}]"
    bounds = [f"at least {low:g}" for low in [field.metadata["minimum"]] if low is not None]
    bounds += [f"at most {high:g}" for high in [field.metadata["maximum"]] if high is not None]
    detail = "; ".join([f"default: {_shown(field.default)}", *bounds])
    return f"{field.metadata['help']}{unit_text} ({detail})".replace("%", "%%")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return " ".join(_shown(item) for item in value)
    return str(value) if value != "" else "none"
