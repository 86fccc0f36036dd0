"""What a result says in plain lines, with numbers and units that come from the result itself."""

import math
from collections.abc import Iterator, Mapping

import xarray as xr

from .. import plots
from .results import gaps

_SILENT = ("schema", "provenance", "history", "title", "verdict")
_NAMES = {"angstrom": "A", "angstrom^2": "A^2", "angstrom^3": "A^3", "1/angstrom": "1/A", "1": "", "factor": ""}


def describe(title: str, dataset: xr.Dataset) -> list[str]:
    """Return what a Dataset says: its verdict, its other sentences, its resolutions or terms, then its single numbers.

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
    lines = [title, *(f"  {line}" for line in plots.verdict_lines(dataset))]
    texts = {name: text for name, text in dataset.attrs.items() if name not in _SILENT and isinstance(text, str)}
    lines += [f"  {line}" for name, text in texts.items() for line in _paragraph(name, text)]
    lines += [f"  map made with {corners(dataset)}"] if corners(dataset) else []
    if "fsc_resolution" in dataset and {"fsc_kind", "threshold"} <= set(dataset.fsc_resolution.dims):
        lines += [f"  {line}" for line in resolutions(dataset)]
    if plots.is_decomposition(dataset):
        lines += [f"  {line}" for line in term_table(dataset)]
    lines += [f"  {line}" for line in gaps(dataset)]
    scalars = {**dataset.data_vars, **dataset.coords}
    single = {name: value for name, value in scalars.items() if value.ndim == 0}
    lines += [f"  {value.attrs.get('long_name', plain(name))}: {_value(value)}" for name, value in single.items()]
    return lines


def term_table(dataset: xr.Dataset) -> Iterator[str]:
    """Yield a table of what each band of a decomposition is made of.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/decomposition``.

    Yields
    ------
    str
        For every class a heading and one line a band: its ends [angstrom], and the mean of the curve and of its terms.
    """
    for name, one in plots.by_class(dataset).items():
        bands = plots.stretches(one)
        terms = [plots.TERM_WORDS[term] for term in (bands[0].terms if bands else ())]
        rows = [[f"{name + ': ' if name else ''}band", "from [A]", "to [A]", "curve", *terms]]
        for band in bands:
            ends = [f"{end:.2f}" if math.isfinite(end) else "-" for end in (band.coarse, band.fine)]
            words = plots.BAND_WORDS.get(band.band, band.band).rstrip(",")
            rows.append([words, *ends, *(_three(value) for value in (band.curve, *band.terms.values()))])
        widths = [max(map(len, column)) for column in zip(*rows)]
        yield from ("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def resolutions(fsc: xr.Dataset) -> Iterator[str]:
    """Yield one line for every curve that states a resolution: where it crosses each threshold, Nyquist or not.

    Parameters
    ----------
    fsc : xarray.Dataset
        Kind ``cryonb/fsc``.

    Yields
    ------
    str
        The line; a threshold that is never crossed has no resolution.
    """
    end = float(fsc.data_end) if "data_end" in fsc.coords else math.nan
    ends = f" (the data end at {end:.2f} A)" if math.isfinite(end) else ""
    for kind in fsc.fsc_kind.values:
        if kind == "phase_randomised" or not fsc.fsc.sel(fsc_kind=kind).notnull().any():
            continue
        at = {
            plain(str(name)): float(fsc.fsc_resolution.sel(fsc_kind=kind, threshold=name))
            for name in fsc.threshold.values
        }
        never = [name for name, resolution in at.items() if not math.isfinite(resolution)]
        parts = list(_crossings(fsc, {name: resolution for name, resolution in at.items() if name not in never}))
        parts += [f"never below {', '.join(never)}{ends}"] if never else []
        yield f"{plain(str(kind))} FSC: {'; '.join(parts)}"


def _crossings(fsc: xr.Dataset, at: Mapping[str, float]) -> Iterator[str]:
    said = False
    for name, resolution in at.items():
        past = plots.past_nyquist(fsc, resolution, "A")
        words = "past that Nyquist too" if past and said else past
        said = said or bool(past)
        yield f"crosses {name} at {resolution:.2f} A{', ' + words if words else ''}"


def corners(dataset: xr.Dataset) -> str:
    """Return whether the run behind a Dataset kept the corners of its map, outside the sphere.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind.

    Returns
    -------
    str
        "corners kept" or "corners softened", with where they are; empty where it is not known.
    """
    words = {"keep": "corners kept outside the sphere", "soft": "corners softened outside the sphere"}
    return words.get(str(plots.provenance_settings(dataset).get("corners")), "")


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


def _paragraph(name: str, text: str) -> list[str]:
    """Return the lines of a text, headed by its name where it is no sentence; none where it is empty."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines if text.endswith(".") else [f"{plain(name)}: {line}" for line in lines]


def _value(scalar: xr.DataArray) -> str:
    value = scalar.values.item()
    unit = scalar.attrs.get("units", "1")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and not math.isfinite(value):
        return "none"
    if unit == "1/angstrom" and value > 0:
        return f"{value:.4g} 1/A ({1.0 / value:.2f} A)"
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return f"{text} {_NAMES.get(unit, unit)}".rstrip()


def _three(value: float) -> str:
    return f"{value:.3f}".replace("-0.000", "0.000") if math.isfinite(value) else "-"
