"""Recipes side by side: what each decides and claims in a table, above it the curves taken apart."""

import dataclasses
import math
import re

import xarray as xr

from . import wording
from .claims import DECIDES
from .marks import Panel, Row, Sheet
from .tables import Table

NUMBERS = {
    "alignment_limit": "aligned to [Å]",
    "claimed_resolution": "claims [Å]",
    "data_end": "data end [Å]",
    "signal_end": "signal to [Å]",
}


def is_recipes(tree: xr.DataTree) -> bool:
    """Return whether a tree holds the runs of several recipes with their table.

    Parameters
    ----------
    tree : xarray.DataTree
        Any.

    Returns
    -------
    bool
        True for what `cryonb.compare_recipes` returns.
    """
    return "decisions" in tree.children and tree["decisions"].attrs.get("schema") == "cryonb/decisions"


def decisions_table(dataset: xr.Dataset) -> Table:
    """Return the table of what runs decided and claim.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/decisions``.

    Returns
    -------
    Table
        One row a run; of a run with classes, its decisions stand in the first of its rows.
    """
    shown = [name for name in DECIDES[:4] if any(str(value) for value in dataset[name].values)]
    rows = []
    for index, label in enumerate(dataset["run"].values):
        first = index == 0 or int(dataset["class_number"][index]) == 1
        words = [_kept_together(str(dataset[name].values[index])) if first else "" for name in shown]
        rows.append((str(label), *words, *(_number(dataset, name, index) for name in NUMBERS if name in dataset)))
    headings = [name.replace("_", " ") for name in shown]
    return Table(
        ("run", *headings, *(words for name, words in NUMBERS.items() if name in dataset)), tuple(rows), "decisions"
    )


def _kept_together(words: str) -> str:
    """Return words whose lengths are printed with their unit, and stay with it when the line is broken."""
    return re.sub(r"(?<=\d) A(?!\w)", "\u00a0Å", words)


def _number(dataset: xr.Dataset, name: str, index: int) -> str:
    value = float(dataset[name].values[index])
    if math.isfinite(value):
        return wording.angstrom(value, "").strip()
    return "none: data end" if name == "claimed_resolution" else "–"


def decisions_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/decisions``.

    Parameters
    ----------
    dataset : xarray.Dataset
        The table.

    Returns
    -------
    Sheet
        The table, with the verdict of every curve below.
    """
    return Sheet(
        (_table_row(dataset),), "What recipes decide on the same particles", "", _verdicts(dataset), _words(dataset)
    )


def recipes_sheet(tree: xr.DataTree) -> Sheet:
    """Return the figure of several recipes: their curves taken apart side by side, and the table below.

    Parameters
    ----------
    tree : xarray.DataTree
        From `cryonb.compare_recipes`.

    Returns
    -------
    Sheet
        The figure.
    """
    from .runs import side_by_side_sheet

    table = tree["decisions"].to_dataset()
    if "curves" not in tree.children:
        return decisions_sheet(table)
    curves = side_by_side_sheet(tree["curves"])
    rows = (*(dataclasses.replace(row) for row in curves.rows), _table_row(table))
    title = "What recipes decide on the same particles, and what their curves are made of"
    return Sheet(rows, title, "", _verdicts(table), f"{_words(table)} {curves.description}")


def _table_row(dataset: xr.Dataset) -> Row:
    return Row((Panel((decisions_table(dataset),)),), 1.0)


def _verdicts(dataset: xr.Dataset) -> str:
    said = dataset["verdict"].values if "verdict" in dataset else []
    lines = [f"{label}: {wording.sentence(str(words))}" for label, words in zip(dataset["run"].values, said) if words]
    lines += [f"left out: {line}" for line in dataset.attrs.get("left_out", "").splitlines()]
    return "\n".join(lines)


def _words(dataset: xr.Dataset) -> str:
    table = decisions_table(dataset)
    rows = ["; ".join(f"{name} {cell}" for name, cell in zip(table.columns, row) if cell) for row in table.rows]
    return wording.sentence(". ".join(rows))


PLOTS = {"cryonb/decisions": decisions_sheet}
