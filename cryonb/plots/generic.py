"""What no other file knows: every variable over spatial frequency is a graph, every map a row of sections."""

import numpy as np
import xarray as xr

from ..errors import SchemaError
from . import facts, frequency, wording
from .images import maps_of, volume_sheet
from .marks import SERIES, Curve, Panel, Row, Sheet

MOST_CURVES = len(SERIES)
WIDE_RANGE = 1e3
UNIT_WORDS = {"1": "", "angstrom": "Å", "angstrom^2": "Å²", "1/angstrom": "1/Å", "degree": "°"}


def sheet(dataset: xr.Dataset) -> Sheet:
    """Return a figure of a Dataset of any kind.

    Parameters
    ----------
    dataset : xarray.Dataset
        With variables over `frequency`, or over z, y, x.

    Returns
    -------
    Sheet
        One graph a variable, below each other over one frequency axis; or the central sections of each map.

    Raises
    ------
    SchemaError
        If it holds neither.
    """
    names = graph_names(dataset)
    if not names:
        if maps_of(dataset):
            return volume_sheet(dataset)
        kind = dataset.attrs.get("schema", "none")
        raise SchemaError(
            f"a figure needs a variable over frequency, or over z, y, x; got a Dataset of kind {kind} without one. "
            "Draw another Dataset."
        )
    x_limits = frequency.limits(dataset)
    last = len(names) - 1
    rows = tuple(
        Row((_panel(dataset, name, x_limits, index == 0, index == last),), 3.2 if not last else 1.9, "right")
        for index, name in enumerate(names)
    )
    title = dataset.attrs["schema"].rpartition("/")[2].replace("_", " ").capitalize()
    return Sheet(
        rows, title, str(dataset.attrs.get("verdict", "")), _caption(dataset), _words(dataset, names), aligned=True
    )


def graph_names(dataset: xr.Dataset) -> list[str]:
    """Return the variables that can be drawn over spatial frequency.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind.

    Returns
    -------
    list of str
        Names of numeric variables with a `frequency` dimension.
    """
    return [
        str(name)
        for name, variable in dataset.data_vars.items()
        if "frequency" in variable.dims and variable.dtype.kind in "fiu"
    ]


def _panel(dataset: xr.Dataset, name: str, x_limits: tuple[float, float], first: bool, last: bool) -> Panel:
    curves = _curves(dataset[name])
    values = np.concatenate([curve.y for curve in curves])
    values = values[np.isfinite(values)]
    unit = dataset[name].attrs.get("units", "1")
    unit = UNIT_WORDS.get(unit, unit)
    return Panel(
        (
            *frequency.band_marks(dataset, x_limits[1], named=first),
            *frequency.nyquist_lines(dataset, names="full" if first else ""),
            *curves,
        ),
        "",
        "",
        frequency.X_LABEL if last else "",
        f"{name.replace('_', ' ')}{f' [{unit}]' if unit else ''}",
        x_limits,
        _limits(values),
        "frequency" if first else "",
        "log" if _is_wide(values) else "linear",
    )


def _curves(variable: xr.DataArray) -> list[Curve]:
    x = variable["frequency"].values
    name = str(variable.name)
    flat = variable.transpose(..., "frequency")
    others = flat.dims[:-1]
    found = []
    for position in np.ndindex(*flat.shape[:-1]):
        words = ", ".join(str(flat[dim].values[index]) for dim, index in zip(others, position)).replace("_", " ")
        y = flat.values[position].astype(float)
        if np.isfinite(y).any() and len(found) < MOST_CURVES:
            colour, style = SERIES[len(found)]
            found.append(Curve(x, y, f"{name} {words}".strip(), words, colour, style))
    return found or [Curve(x, np.full(x.shape, np.nan), name)]


def _is_wide(values: np.ndarray) -> bool:
    return bool(values.size) and values.min() > 0 and values.max() / values.min() > WIDE_RANGE


def _limits(values: np.ndarray) -> tuple[float, float]:
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if _is_wide(values):
        return low / 1.5, high * 1.5
    margin = 0.06 * (high - low) or 0.5
    return low - margin, high + margin


def _caption(dataset: xr.Dataset) -> str:
    numbers = [
        f"{str(name).replace('_', ' ')} {wording.plain(facts.number(dataset, name), 3)} {unit}".rstrip()
        for name, variable in dataset.data_vars.items()
        if not variable.ndim and np.isfinite(facts.number(dataset, name))
        for unit in [UNIT_WORDS.get(variable.attrs.get("units", "1"), variable.attrs.get("units", ""))]
    ]
    return " · ".join([*numbers, wording.settings_line(dataset)]).rstrip(" ·")


def _words(dataset: xr.Dataset, names: list[str]) -> str:
    kind = dataset.attrs["schema"].rpartition("/")[2].replace("_", " ")
    parts = [
        f"{kind.capitalize()} over spatial frequency: {', '.join(name.replace('_', ' ') for name in names)}.",
        str(dataset.attrs.get("verdict", "")),
        wording.band_sentence(dataset),
        wording.nyquist_sentence(dataset),
    ]
    return " ".join(part for part in parts if part)
