"""Marks that every graph over spatial frequency shares: Nyquist lines, bands, thresholds, ends of the axis."""

import dataclasses
import math

import numpy as np
import xarray as xr

from . import facts, wording
from .layout import runs_of
from .marks import GREEN, GREY, ORANGE, PALE, SKY, VERMILLION, Band, Line

X_LABEL = "spatial frequency [1/Å]"

BAND_STYLE = {
    "corner": dict(label="corner: past the particle Nyquist", colour=GREEN),
    "noise": dict(label="data without correlation", colour=PALE, hatch="..."),
    "support": dict(label="next to the data: predictable, not measured", colour=SKY),
    "no data": dict(label="no data", colour=PALE, hatch="////"),
    wording.BELOW_FLOOR: dict(label="below the floor: rounding or mask leak", colour=ORANGE, hatch="\\\\"),
}


LIMITS = {
    "particle_nyquist": ("particle Nyquist", "particle", VERMILLION, "-"),
    "corner_end": ("√2 × particle Nyquist", "√2 × particle", VERMILLION, (0, (1, 2))),
    "grid_nyquist": ("grid Nyquist", "grid", GREY, "--"),
}
"""Words in full and in short, colour and line style of each limit."""


def limits(*datasets: xr.Dataset) -> tuple[float, float]:
    """Return the ends of a frequency axis that holds all the shells and Nyquist limits of some Datasets.

    Parameters
    ----------
    *datasets : xarray.Dataset
        Kinds with a `frequency` dimension.

    Returns
    -------
    tuple of float
        Ends [1/angstrom].
    """
    ends = [float(dataset["frequency"].values[-1]) for dataset in datasets]
    ends += [facts.number(dataset, name) for dataset in datasets for name in ("particle_nyquist", "grid_nyquist")]
    return 0.0, 1.015 * max((end for end in ends if math.isfinite(end) and end > 0), default=1.0)


def band_marks(dataset: xr.Dataset, stop: float, named: bool = True) -> list[Band]:
    """Return the bands in which shells are not plainly measured.

    Parameters
    ----------
    dataset : xarray.Dataset
        A kind with a `frequency` dimension.
    stop : float
        Right end of the axis [1/angstrom]; the last band reaches it, or what lies past the last shell has no data.
    named : bool, optional
        Whether the key explains them.

    Returns
    -------
    list of Band
        Named "corner", "noise", "support", "no data" and "below floor", the last for shells whose power is rounding or
        mask leak; neighbours share an edge half way between their shells, or at the limit of the data where that lies
        within a shell of it.
    """
    frequency = dataset["frequency"].values
    edges = _edges(dataset, stop)
    found = []
    for label, first, last in runs_of(wording.band_names(dataset)):
        if label in BAND_STYLE:
            found.append(Band(float(edges[first]), float(edges[last + 1]), label, **BAND_STYLE[label]))
    if stop > _covered(frequency) and (not found or found[-1].stop < stop):
        found.append(Band(float(frequency[-1]), stop, "no data", **BAND_STYLE["no data"]))
    return found if named else [dataclasses.replace(band, label="") for band in found]


def _covered(frequency: np.ndarray) -> float:
    """Return how far an axis may go on past the last shell and still be covered by it [1/angstrom]."""
    last, spacing = frequency[-1], frequency[-1] - frequency[-2] if frequency.size > 1 else 0.0
    return max(1.03 * last, last + 2 * spacing)


def _edges(dataset: xr.Dataset, stop: float) -> np.ndarray:
    """Return the edges between shells, those at the end of data moved to the limit that ends them."""
    frequency = dataset["frequency"].values
    ends_early = stop > _covered(frequency) and facts.bands(dataset)[-1] != "no data"
    last = frequency[-1] if ends_early else stop
    edges = np.concatenate([[frequency[0]], (frequency[1:] + frequency[:-1]) / 2, [last]])
    ends = {"measured": _limit(dataset, "particle_nyquist"), "corner": _limit(dataset, "corner_end")}
    for label, _, last in runs_of(facts.bands(dataset)):
        limit = ends.get(label, 0.0)
        if last + 1 < frequency.size and abs(edges[last + 1] - limit) <= frequency[1] - frequency[0]:
            edges[last + 1] = limit
    return np.maximum.accumulate(edges)


def nyquist_lines(*datasets: xr.Dataset, names: str = "full", corners: bool = False) -> list[Line]:
    """Return the particle Nyquist, the grid Nyquist, and the end of the corners where there are some.

    Parameters
    ----------
    *datasets : xarray.Dataset
        Kinds with a `frequency` dimension.
    names : {"full", "short", ""}, optional
        Whether the lines carry all their words, or short ones with the rest in the key, or none.
    corners : bool, optional
        Whether the end of the corners is shown also where no shell holds corner data.

    Returns
    -------
    list of Line
        Named "particle_nyquist", "grid_nyquist", "corner_end"; limits that coincide share a line named after the first.
    """
    groups: list[list[tuple[str, float]]] = []
    for name in LIMITS:
        for at in sorted({_limit(dataset, name, corners) for dataset in datasets} - {0.0}):
            twin = next((group for group in groups if math.isclose(group[0][1], at, rel_tol=2e-3)), None)
            if twin is None:
                groups.append([(name, at)])
            elif name not in [other for other, _ in twin]:
                twin.append((name, at))
    return [_limit_line(group, names) for group in groups]


def _limit(dataset: xr.Dataset, name: str, corners: bool = False) -> float:
    if name == "corner_end":
        shown = corners or "corner" in facts.bands(dataset)
        return math.sqrt(2.0) * _limit(dataset, "particle_nyquist") if shown else 0.0
    at = facts.number(dataset, name)
    return at if math.isfinite(at) and at > 0 else 0.0


def _limit_line(group: list[tuple[str, float]], names: str) -> Line:
    first, at = group[0]
    full, _, colour, style = LIMITS[first]
    words = " = ".join(LIMITS[name][names == "short"] for name, _ in group)
    words = words.replace("particle Nyquist = grid Nyquist", "particle = grid Nyquist")
    label = f"{words} {wording.angstrom(1.0 / at)}" if names else ""
    return Line(at, first, label, "x", colour, style, full if names == "short" else "")


def threshold_lines() -> list[Line]:
    """Return the fixed thresholds of an FSC.

    Returns
    -------
    list of Line
        Named by their values.
    """
    return [Line(float(name), name, name, "y", GREY, (0, (4, 2.5))) for name in ("0.143", "0.5")]
