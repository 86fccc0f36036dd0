"""Every curve of a Dataset over spatial frequency as one CSV table, whatever its kind."""

import os
from collections.abc import Iterator
from itertools import product

import numpy as np
import xarray as xr

from ..errors import must
from .atomic import replacing

MOST_CURVES = 64
"""A variable with more curves than this stays out of the table."""

SILENT = ("schema", "provenance")


def write_table(dataset: xr.Dataset, path: str | os.PathLike) -> None:
    """Write the curves of a Dataset as CSV, headed by lines that name units, settings and the verdict.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind with variables over `frequency`.
    path : str or path
        Target.

    Raises
    ------
    InputError
        If it has no curve, or the target cannot be written.

    Notes
    -----
    A column is named after its variable and the labels of its place, for example ``fsc.in_band``; an empty cell is a
    shell without a number. Columns without any number are left out.
    """
    found = dict(columns(dataset)) if "frequency" in dataset.coords else {}
    must(bool(found), "a table needs curves over frequency", f"kind {dataset.attrs.get('schema')}", "Write another one")
    frequency = dataset["frequency"].values
    resolution = np.divide(1.0, frequency, out=np.full(frequency.shape, np.inf), where=frequency > 0)
    places = {"frequency": frequency, "shell_resolution": resolution}
    lines = [*(f"# {line}" for line in _header(dataset, found)), ",".join([*places, *found])]
    texts = [[f"{value:.10g}" for value in values] for values in places.values()]
    texts += [[_cell(value) for value in values.values] for values in found.values()]
    lines += [",".join(row) for row in zip(*texts)]
    with replacing(path) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")


def columns(dataset: xr.Dataset) -> Iterator[tuple[str, xr.DataArray]]:
    """Yield the curves of a Dataset.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind with variables over `frequency`.

    Yields
    ------
    name : str
        Name of the variable and the labels of its place, for example ``class 1.fsc.in_band``.
    curve : xarray.DataArray, (frequency,)
        Numbers or words.
    """
    for name, variable in dataset.data_vars.items():
        if "frequency" not in variable.dims or _count(variable) > MOST_CURVES:
            continue
        others = [dim for dim in variable.dims if dim != "frequency"]
        for labels in product(*(dataset[dim].values for dim in others)):
            curve = variable.sel(dict(zip(others, labels)))
            if curve.dtype.kind in "OUSb" or np.isfinite(curve.values).any():
                yield _column(str(name), dict(zip(others, labels))), curve


def _count(variable: xr.DataArray) -> int:
    return variable.size // variable.sizes["frequency"]


def _column(name: str, labels: dict) -> str:
    before = [f"class {label}" for dim, label in labels.items() if dim == "class_id"]
    after = [str(label) for dim, label in labels.items() if dim != "class_id"]
    return ".".join([*before, name, *after]).replace(",", ";")


def _header(dataset: xr.Dataset, found: dict[str, xr.DataArray]) -> Iterator[str]:
    yield f"{dataset.attrs.get('schema', 'curves').rpartition('/')[2].replace('_', ' ')}, cryonb"
    units = {str(curve.name): curve.attrs.get("units", "1") for curve in found.values()}
    yield ", ".join(
        ["frequency [1/angstrom]", "shell_resolution [angstrom]", *(f"{name} [{unit}]" for name, unit in units.items())]
    )
    for name, value in {**dataset.coords, **dataset.data_vars}.items():
        if value.ndim == 0:
            yield f"{name} [{value.attrs.get('units', '1')}]: {value.item()}"
    for name, text in dataset.attrs.items():
        if name not in SILENT and text:
            yield f"{name}: {' '.join(str(text).split())}"
    for name, variable in dataset.data_vars.items():
        if "frequency" in variable.dims and _count(variable) > MOST_CURVES:
            yield f"left out: {name}, which has {_count(variable)} curves"


def _cell(value: object) -> str:
    if isinstance(value, (str, bool, np.bool_)):
        return str(value)
    return "" if np.isnan(value) else f"{value:.8g}"
