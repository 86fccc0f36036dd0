"""What made several runs, as a table: a line for each setting and fact, a column for each run."""

from collections.abc import Mapping, Sequence

from .marks import Panel, Row, Sheet
from .tables import Table

DIFFERS = "≠"
"""Marks a line on which the runs differ."""

ABSENT = "–"


def record_sheet(runs: Sequence[str], parts: Mapping[str, Mapping[str, Sequence[str]]]) -> Sheet:
    """Return the table of settings and facts.

    Parameters
    ----------
    runs : sequence of str
        Labels, one a column.
    parts : mapping of str to mapping of str to sequence of str
        Tables by their heading: the name of a line, and one cell a run; empty where it is not known.

    Returns
    -------
    Sheet
        One table a part; with several runs, the lines on which they differ come first and are marked.
    """
    tables = {heading: _table(heading, runs, lines) for heading, lines in parts.items() if lines}
    return Sheet(
        tuple(Row((Panel((table,)),), 1.0) for table in tables.values()),
        "What made them" if len(runs) > 1 else "What made it",
        description=_words(runs, parts),
    )


def _table(heading: str, runs: Sequence[str], lines: Mapping[str, Sequence[str]]) -> Table:
    several = len(runs) > 1
    marked = [(DIFFERS if differ(cells) else "", name, *_filled(cells)) for name, cells in lines.items()]
    if not several:
        return Table((heading, *runs), tuple(row[1:] for row in marked), heading)
    ordered = sorted(marked, key=lambda row: row[0] != DIFFERS)
    return Table((DIFFERS, heading, *runs), tuple(ordered), heading)


def differ(cells: Sequence[str]) -> bool:
    """Return whether runs differ on a line.

    Parameters
    ----------
    cells : sequence of str
        One a run.

    Returns
    -------
    bool
        True if they are not all the same.
    """
    return len(set(cells)) > 1


def _filled(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell or ABSENT for cell in cells)


def _words(runs: Sequence[str], parts: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    lines = {name: cells for part in parts.values() for name, cells in part.items()}
    if len(runs) > 1:
        lines = {name: cells for name, cells in lines.items() if differ(cells)}
        opening = f"{', '.join(runs)} differ in" if lines else f"{', '.join(runs)} do not differ"
    else:
        opening = f"{', '.join(runs)} was made with"
    said = [f"{name}: {', '.join(_filled(cells))}" for name, cells in lines.items()]
    return f"{opening} {'; '.join(said)}.".replace(" .", ".")
