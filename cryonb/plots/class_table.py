"""Classes of runs in one table: how full each is, what it claims, and how many particles chose it."""

import math
from collections.abc import Mapping

import numpy as np
import xarray as xr

from ..errors import SchemaError, must
from . import wording
from .claims import claims
from .marks import Panel, Row, Sheet
from .tables import Table

COLUMNS = ("class", "occupancy", "claimed resolution [Å]", "particles", "effective size [particles]")


def has_classes(run: xr.Dataset) -> bool:
    """Return whether a run has classes, and says how full they are.

    Parameters
    ----------
    run : xarray.Dataset
        Any kind.

    Returns
    -------
    bool
        True if it does.
    """
    return "occupancy" in run and run["occupancy"].dims == ("class_id",)


def class_cells(run: xr.Dataset) -> list[tuple[str, ...]]:
    """Return the cells of the classes of a run.

    Parameters
    ----------
    run : xarray.Dataset
        Kind ``cryonb/refinement``, with classes.

    Returns
    -------
    list of tuple of str
        One a class, in the order of `COLUMNS`; a dash where something is not known.
    """
    said = list(claims(run).values())
    labels = run["class_id"].values
    said = said if len(said) == labels.size else [math.nan] * labels.size
    numbers = run["class_number"].values if "class_number" in run else None
    cells = []
    for index, (label, claimed) in enumerate(zip(labels, said)):
        share = f"{100.0 * float(run['occupancy'].values[index]):.1f} %"
        size = float(run["effective_size"].values[index]) if "effective_size" in run else math.nan
        count = "–" if numbers is None else f"{int(np.count_nonzero(numbers == label))}"
        resolution = wording.angstrom(claimed, "").strip() if math.isfinite(claimed) else "none: data end"
        cells.append((str(label), share, resolution, count, f"{size:.0f}" if math.isfinite(size) else "–"))
    return cells


def classes_sheet(runs: Mapping[str, xr.Dataset]) -> Sheet:
    """Return the table of the classes of some runs.

    Parameters
    ----------
    runs : mapping of str to xarray.Dataset
        Runs by label; those without classes are left out.

    Returns
    -------
    Sheet
        One row a class.

    Raises
    ------
    SchemaError
        If no run has classes.
    """
    shown = {label: run for label, run in runs.items() if has_classes(run)}
    must(bool(shown), "a run must have classes", "none", "Refine with more than one class", SchemaError)
    rows = [
        (label if not index else "", *cells)
        for label, run in shown.items()
        for index, cells in enumerate(class_cells(run))
    ]
    table = Table(("run", *COLUMNS), tuple(rows), "classes")
    caption = "\n".join(f"{label}: {wording.settings_line(run)}" for label, run in shown.items())
    words = ". ".join(
        f"{label}, class {cells[0]}: {', '.join(f'{name} {cell}' for name, cell in zip(COLUMNS[1:], cells[1:]))}"
        for label, run in shown.items()
        for cells in class_cells(run)
    )
    return Sheet((Row((Panel((table,)),), 1.0),), "Classes", "", caption, f"{words}.")
