"""Pieces of reStructuredText, for pages that are written by code."""

from collections.abc import Iterable, Sequence

UNDERLINES = "=-~^"


def heading(text: str, level: int = 0, label: str = "") -> list[str]:
    """Return the lines of a heading, with a label that links can lead to."""
    target = [f".. _{label}:", ""] if label else []
    return [*target, text, UNDERLINES[level] * len(text), ""]


def directive(
    name: str, argument: str = "", options: dict[str, str] | None = None, body: Iterable[str] = ()
) -> list[str]:
    """Return the lines of a directive."""
    lines = [f".. {name}:: {argument}".rstrip()]
    lines += [f"   :{option}: {value}".rstrip() for option, value in (options or {}).items()]
    return [*lines, "", *indented(body), ""]


def indented(lines: Iterable[str], by: str = "   ") -> list[str]:
    """Return lines moved to the right."""
    return [by + line if line else "" for line in lines]


def table(header: Sequence[str], rows: Iterable[Sequence[str]], style: str = "", widths: str = "auto") -> list[str]:
    """Return the lines of a table; a cell may hold several lines."""
    body = []
    for row in [header, *rows]:
        for place, cell in enumerate(row):
            first, *rest = cell.split("\n")
            body.append(f"{'* -' if place == 0 else '  -'} {first}".rstrip())
            body += indented(rest, "    ")
    options = {"header-rows": "1", "widths": widths, "width": "100%", "class": style or "facts"}
    return directive("list-table", "", options, body)


def code(text: str) -> str:
    """Return a text as code within a line; nothing for nothing."""
    return f"``{text}``" if text else ""


def block(language: str, text: str) -> list[str]:
    """Return the lines of a block of code."""
    return directive("code-block", language, {}, text.rstrip().splitlines())


def toctree(names: Iterable[str], hidden: bool = True) -> list[str]:
    """Return the lines that put pages below this one."""
    return directive("toctree", "", {"hidden": ""} if hidden else {"maxdepth": "1"}, names)


def link(text: str, label: str) -> str:
    """Return a link to a label, in words."""
    return f":ref:`{text} <{label}>`"


def page(*parts: Iterable[str]) -> str:
    """Return a page of parts, each a sequence of lines."""
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"
