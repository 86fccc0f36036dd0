"""Sheets under each other on one page, where their kind has no way of its own to stand beside other runs."""

import dataclasses
from collections.abc import Mapping

import xarray as xr

from .catalogue import bound
from .marks import Row, Sheet
from .runs import beside_sheet

SHOWN_BESIDE = ("cryonb/fsc", "cryonb/refinement", "cryonb/volume")
"""Kinds that stand beside each other by their FSC and their maps."""


def together(runs: Mapping[str, xr.Dataset]) -> Sheet:
    """Return the figure of several runs, side by side where their kinds can stand so, else under each other.

    Parameters
    ----------
    runs : mapping of str to xarray.Dataset
        Runs, or judgements of one kind, by label.

    Returns
    -------
    Sheet
        The figure.

    Raises
    ------
    SchemaError
        If there is nothing to draw.
    """
    kinds = {str(run.attrs.get("schema", "")) for run in runs.values()}
    own = bound("PLOTS")
    if len(kinds) == 1 and kinds <= own.keys() - {*bound("PANELS"), *bound("ROWS"), *SHOWN_BESIDE}:
        return stacked_sheet({label: own[run.attrs["schema"]](run) for label, run in runs.items()})
    return beside_sheet(runs)


def stacked_sheet(sheets: Mapping[str, Sheet]) -> Sheet:
    """Return several sheets as one, from top to bottom.

    Parameters
    ----------
    sheets : mapping of str to Sheet
        By label; the first panel of each is titled with it.

    Returns
    -------
    Sheet
        All their rows; what each says, its settings and its words begin with the label.
    """
    every = list(sheets.values())
    if len(every) == 1:
        return every[0]
    return Sheet(
        tuple(row for label, sheet in sheets.items() for row in _titled(sheet.rows, label)),
        every[0].title if every else "",
        _joined(sheets, "headline", "\n"),
        _joined(sheets, "caption", "\n"),
        _joined(sheets, "description", " "),
        max((sheet.width for sheet in every), default=9.5),
        all(sheet.aligned for sheet in every),
    )


def _joined(sheets: Mapping[str, Sheet], name: str, joint: str) -> str:
    said = {label: getattr(sheet, name) for label, sheet in sheets.items()}
    return joint.join(f"{label}: {words}" for label, words in said.items() if words)


def _titled(rows: tuple[Row, ...], label: str) -> tuple[Row, ...]:
    """Return rows of which the first panel begins its title with a label."""
    if not rows:
        return rows
    first, *others = rows[0].panels
    title = f"{label}: {first.title}" if first.title else label
    return (dataclasses.replace(rows[0], panels=(dataclasses.replace(first, title=title), *others)), *rows[1:])
