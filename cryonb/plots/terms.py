"""What a decomposition says in numbers: its own curve, the terms that stack up to it, and where signal and data end."""

import dataclasses
import math

import numpy as np
import xarray as xr

from . import facts, wording
from .layout import runs_of

STACKS = {
    "standard": ("in_band", "support", "corner", "grid_locked"),
    "circle": ("in_band", "support", "grid_locked_circle"),
}
"""Terms that sum to a curve, real signal first."""

SHARED_TERM = "shared_reference"
"""The term between signal and grid, where a refinement of noise was asked for."""

MASK_TERM = "mask_leak"
"""The term that is on top of them under a mask."""

TERM_WORDS = {
    "in_band": "in-band signal",
    "support": "support smoothness",
    "corner": "corner signal",
    "grid_locked": "grid-locked interpolation",
    "grid_locked_circle": "grid-locked interpolation",
    "mask_leak": "mask leak",
    "mask_leak_randomised": "mask leak, by randomised phases",
    "resampling": "resampling",
    "shared_reference": "made up by the refinement",
}


@dataclasses.dataclass(frozen=True)
class Stretch:
    """Neighbouring shells of one band.

    Attributes
    ----------
    band : str
        Their band.
    coarse, fine : float
        Resolution of the first and the last of them [angstrom].
    curve : float
        Mean of the user's own curve over them.
    terms : dict of str to float
        Mean of each term that stacks up to it.
    """

    band: str
    coarse: float
    fine: float
    curve: float
    terms: dict[str, float]


def is_decomposition(dataset: xr.Dataset) -> bool:
    """Return whether a Dataset holds the curves of a decomposition.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind.

    Returns
    -------
    bool
        True for `fsc([class_id,] component, frequency)`.
    """
    return "fsc" in dataset and {"component", "frequency"} <= set(dataset["fsc"].dims)


def by_class(dataset: xr.Dataset) -> dict[str, xr.Dataset]:
    """Return the decomposition of each class.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/decomposition``.

    Returns
    -------
    dict of str to xarray.Dataset
        By "class 1", "class 2", ...; one of no name where there are no classes. A verdict with one line a class is
        shared out among them.
    """
    if not is_decomposition(dataset) or "class_id" not in dataset["fsc"].dims:
        return {"": dataset}
    labels = dataset["class_id"].values
    said = wording.verdict_lines(dataset)
    said = said if len(said) == labels.size else [" ".join(said)] * labels.size
    return {
        f"class {label}": dataset.sel(class_id=label).assign_attrs(verdict=line.removeprefix(f"Class {label}: "))
        for label, line in zip(labels, said)
    }


def own_curve(dataset: xr.Dataset) -> str:
    """Return the component that is the user's own curve.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/decomposition``.

    Returns
    -------
    str
        "standard" for the square limit, "circle" for the circle limit.
    """
    return "standard" if dataset.attrs.get("limit") == "square" else "circle"


def curve_of(dataset: xr.Dataset, component: str, variable: str = "fsc") -> np.ndarray:
    """Return one curve of a decomposition.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/decomposition``, of one class.
    component : str
        Its name.
    variable : str, optional
        `fsc`, `fsc_masked` or `fsc_spread`.

    Returns
    -------
    ndarray, (frequency,), float64
        The curve; NaN where there is none.
    """
    if variable not in dataset or component not in dataset["component"].values:
        return np.full(dataset.sizes["frequency"], np.nan)
    return dataset[variable].sel(component=component).values.astype(float)


def stack_of(dataset: xr.Dataset, variable: str = "fsc") -> dict[str, np.ndarray]:
    """Return the terms that stack up to the user's own curve.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/decomposition``, of one class.
    variable : str, optional
        `fsc` or `fsc_masked`.

    Returns
    -------
    dict of str to ndarray
        Terms by name, real signal first; empty where one of them is not there, as in a run that was stopped.
    """
    *signal, grid_locked = STACKS[own_curve(dataset)]
    shared = np.isfinite(curve_of(dataset, SHARED_TERM, variable)).any()
    names = (*signal, *((SHARED_TERM,) if shared else ()), grid_locked)
    names += (MASK_TERM,) if variable == "fsc_masked" else ()
    terms = {name: curve_of(dataset, name, variable) for name in names}
    return terms if all(np.isfinite(values).any() for values in terms.values()) else {}


def signal_end(dataset: xr.Dataset) -> float:
    """Return where what is tied to the object ends.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/decomposition``, of one class.

    Returns
    -------
    float
        Resolution where the diagnostic saw the signal end [angstrom]; NaN if there is none, or it does not say.
    """
    return float(dataset["signal_end"]) if "signal_end" in dataset else math.nan


def grid_locked_at_nyquist(dataset: xr.Dataset) -> float:
    """Return the grid-locked term of the user's own curve in the shell of the particle Nyquist.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/decomposition``, of one class.

    Returns
    -------
    float
        The term; NaN where it is not known.
    """
    nyquist = facts.number(dataset, "particle_nyquist")
    if not math.isfinite(nyquist):
        return math.nan
    term = curve_of(dataset, STACKS[own_curve(dataset)][-1])
    return float(term[np.argmin(np.abs(dataset["frequency"].values - nyquist))])


def largest_tail(dataset: xr.Dataset) -> tuple[float, float]:
    """Return the largest value of the user's own curve in the shells past the data.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/decomposition``, of one class.

    Returns
    -------
    value : float
        The largest value; NaN where every shell holds data.
    resolution : float
        Where it is [angstrom].
    """
    held = np.flatnonzero(np.isin(facts.bands(dataset), facts.DATA_BANDS))
    first = held[-1] + 1 if held.size else 1
    tail = curve_of(dataset, own_curve(dataset))[first:]
    if not np.isfinite(tail).any():
        return math.nan, math.nan
    place = int(np.nanargmax(tail))
    return float(tail[place]), float(1.0 / dataset["frequency"].values[first + place])


def stretches(dataset: xr.Dataset) -> list[Stretch]:
    """Return the bands of a decomposition from coarse to fine, with the mean of each term in them.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/decomposition``, of one class.

    Returns
    -------
    list of Stretch
        The bands; shell 0 is left out of the means.
    """
    frequency, curve = dataset["frequency"].values, curve_of(dataset, own_curve(dataset))
    resolution = np.divide(1.0, frequency, out=np.full(frequency.shape, math.inf), where=frequency > 0)
    found = []
    for band, first, last in runs_of(facts.bands(dataset)):
        inside = slice(max(first, 1), last + 1)
        terms = {name: _mean(values[inside]) for name, values in stack_of(dataset).items()}
        found.append(Stretch(band, float(resolution[first]), float(resolution[last]), _mean(curve[inside]), terms))
    return found


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if values.size else math.nan
