"""What a Dataset says about itself: its scalars, the settings that made it, and where its data end."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

MAIN_KINDS = ("corrected", "masked", "raw", "modified")
"""FSC kinds by how much they say about the map; the first that is present speaks for a Dataset."""

MAKERS = ("reconstruct", "refine")
"""Verbs whose settings made a map; those of a judgement did not."""

JUDGEMENT = "diagnose"

DATA_BANDS = ("measured", "corner", "noise")
"""Bands of shells that hold inserted data; in "noise" nothing in them is tied to the object."""


def number(dataset: xr.Dataset, name: str) -> float:
    """Return a scalar of a Dataset.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind.
    name : str
        A scalar coordinate or variable.

    Returns
    -------
    float
        The number in its own unit; NaN if it is absent, not a number, or not scalar.
    """
    variable = dataset.variables.get(name)
    if variable is None or variable.ndim:
        return math.nan
    try:
        return float(variable.values)
    except (TypeError, ValueError):
        return math.nan


def provenance_settings(dataset: xr.Dataset) -> dict[str, Any]:
    """Return the settings of the run that made a Dataset.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind.

    Returns
    -------
    dict
        Setting names and values without their groups (those of the mask begin with ``mask_``), the inputs' own
        settings included; empty where there is no record.
    """
    return dict(_settings(_record(dataset)))


def was_computed(dataset: xr.Dataset) -> bool:
    """Return whether a Dataset is known to come from a run; one that was read from a file of numbers is not.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind.

    Returns
    -------
    bool
        True if its record names a run or a judgement.
    """
    return _record(dataset).get("verb") in (*MAKERS, JUDGEMENT)


def _record(dataset: xr.Dataset) -> Mapping:
    try:
        record = json.loads(dataset.attrs.get("provenance", "{}"))
    except (TypeError, ValueError):
        return {}
    return record if isinstance(record, Mapping) else {}


def _settings(record: Mapping):
    for source in record.get("inputs") or ():
        yield from _settings(source.get("provenance") or {})
    if record.get("verb") in MAKERS:
        yield from _leaves(record.get("settings") or {})


def _leaves(settings: Mapping, prefix: str = ""):
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, "mask_" if name == "mask" else "")
        elif isinstance(value, (str, int, float, bool)):
            yield prefix + str(name), value


def bands(dataset: xr.Dataset) -> np.ndarray:
    """Return the band of every shell; where a Dataset does not say, shells with a finite FSC count as measured.

    Parameters
    ----------
    dataset : xarray.Dataset
        A kind with a `frequency` dimension.

    Returns
    -------
    ndarray
        Text, shape (frequency,).
    """
    if "band" in dataset and dataset["band"].dims == ("frequency",):
        return dataset["band"].values.astype(str)
    filled = np.ones(dataset.sizes["frequency"], dtype=bool)
    for name in ("fsc_unmasked", "fsc"):
        if name in dataset:
            values = dataset[name].transpose(..., "frequency").values
            filled = np.isfinite(values.reshape(-1, values.shape[-1])).any(axis=0)
            break
    return np.where(filled, "measured", "no data").astype("<U8")


def data_end(dataset: xr.Dataset) -> float:
    """Return the resolution where the data end.

    Parameters
    ----------
    dataset : xarray.Dataset
        A kind with a `frequency` dimension.

    Returns
    -------
    float
        Resolution [angstrom] of the last shell that holds data; NaN if none does.
    """
    said = number(dataset, "data_end")
    if math.isfinite(said):
        return said
    frequency = dataset["frequency"].values[np.isin(bands(dataset), DATA_BANDS)]
    return 1.0 / frequency[-1] if frequency.size and frequency[-1] > 0 else math.nan


def crossing(dataset: xr.Dataset, kind: str = "", threshold: str = "0.143") -> float:
    """Return where a curve of a Dataset falls through a threshold, as the Dataset states it.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/fsc``, ``cryonb/refinement`` or any with `fsc_resolution` or `resolution`.
    kind : str, optional
        FSC kind; empty for the one that speaks for the Dataset.
    threshold : str, optional
        Name of the threshold.

    Returns
    -------
    float
        Resolution [angstrom]; NaN where it is never reached or not stated.
    """
    if "fsc_resolution" not in dataset:
        return number(dataset, "resolution") if threshold == "0.143" else math.nan
    table = dataset.variables["fsc_resolution"].transpose("fsc_kind", "threshold").values
    kinds, thresholds = (list(dataset[dim].values) for dim in ("fsc_kind", "threshold"))
    kind = kind or main_kind(dataset)
    if kind not in kinds or threshold not in thresholds:
        return math.nan
    return float(table[kinds.index(kind), thresholds.index(threshold)])


def main_kind(dataset: xr.Dataset) -> str:
    """Return the FSC kind that speaks for a Dataset.

    Parameters
    ----------
    dataset : xarray.Dataset
        A kind with `fsc(fsc_kind, frequency)`.

    Returns
    -------
    str
        The first of `MAIN_KINDS` that holds a number; else the first kind there is.
    """
    present = [str(kind) for kind in dataset["fsc_kind"].values]
    for kind in MAIN_KINDS:
        if kind in present and np.isfinite(fsc_values(dataset, present.index(kind))).any():
            return kind
    return present[0]


def fsc_values(dataset: xr.Dataset, place: int) -> np.ndarray:
    """Return one FSC curve of a Dataset.

    Parameters
    ----------
    dataset : xarray.Dataset
        A kind with `fsc(fsc_kind, frequency)`.
    place : int
        Which kind, by its place.

    Returns
    -------
    ndarray
        float64, shape (frequency,).
    """
    return dataset.variables["fsc"].transpose("fsc_kind", "frequency").values[place].astype(float)
