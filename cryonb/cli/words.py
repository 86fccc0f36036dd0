"""What a result says in plain lines, with numbers and units that come from the result itself."""

import math
from collections.abc import Iterator

import xarray as xr

_SILENT = ("schema", "provenance", "history", "title")
_NAMES = {"angstrom": "A", "angstrom^2": "A^2", "angstrom^3": "A^3", "1/angstrom": "1/A", "1": "", "factor": ""}


def describe(title: str, dataset: xr.Dataset) -> list[str]:
    """Return what a Dataset says: its sentences, its resolutions, then its single numbers.

    Parameters
    ----------
    title : str
        Heading.
    dataset : xarray.Dataset
        Any kind.

    Returns
    -------
    list of str
        The lines.
    """
    lines = [title]
    lines += [f"  {text}" for name, text in dataset.attrs.items() if name not in _SILENT and isinstance(text, str)]
    if "fsc_resolution" in dataset and {"fsc_kind", "threshold"} <= set(dataset.fsc_resolution.dims):
        lines += [f"  {line}" for line in resolutions(dataset)]
    scalars = {**dataset.data_vars, **dataset.coords}
    lines += [f"  {plain(name)}: {_value(scalars[name])}" for name in scalars if scalars[name].ndim == 0]
    return lines


def resolutions(fsc: xr.Dataset) -> Iterator[str]:
    """Yield one line for every kind of curve: where it crosses each threshold.

    Parameters
    ----------
    fsc : xarray.Dataset
        Kind ``cryonb/fsc``.

    Yields
    ------
    str
        The line.
    """
    end = float(fsc.data_end) if "data_end" in fsc.coords else math.nan
    for kind in fsc.fsc_kind.values:
        curve = fsc.fsc_resolution.sel(fsc_kind=kind)
        if not fsc.fsc.sel(fsc_kind=kind).notnull().any():
            continue
        found = [f"{name} at {crossing(float(curve.sel(threshold=name)), end)}" for name in curve.threshold.values]
        yield f"{plain(str(kind))} FSC: " + ", ".join(plain(text) for text in found)


def crossing(resolution: float, data_end: float = math.nan) -> str:
    """Return the words for a resolution, which may not exist.

    Parameters
    ----------
    resolution : float
        Where a curve crosses [angstrom]; NaN where it never does.
    data_end : float, optional
        Resolution at which the data end [angstrom].

    Returns
    -------
    str
        The words.

    Examples
    --------
    >>> crossing(4.234), crossing(float("nan"), 4.2)
    ('4.23 A', 'not reached (data end at 4.20 A)')
    """
    if math.isfinite(resolution):
        return f"{resolution:.2f} A"
    return f"not reached (data end at {data_end:.2f} A)" if math.isfinite(data_end) else "not reached"


def plain(name: str) -> str:
    """Return a name as words.

    Parameters
    ----------
    name : str
        A variable's name.

    Returns
    -------
    str
        The same with spaces.

    Examples
    --------
    >>> plain("particle_nyquist")
    'particle nyquist'
    """
    return name.replace("_", " ")


def _value(scalar: xr.DataArray) -> str:
    value = scalar.values.item()
    unit = scalar.attrs.get("units", "1")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        value = f"{value:.4g}" if math.isfinite(value) else "none"
    return f"{value} {_NAMES.get(unit, unit)}".rstrip()
