"""How a run was made: from what the app remembers, else from the run's own record."""

import dataclasses
from typing import Any

import xarray as xr

from ..config import RunConfig
from ..errors import InputError
from ..provenance import lineage
from .held import Held

VERBS = ("reconstruct", "refine")


def record_of(dataset: xr.Dataset | None) -> dict[str, Any]:
    """Return the last record of a Dataset.

    Parameters
    ----------
    dataset : xarray.Dataset or None
        Any kind.

    Returns
    -------
    dict
        What `cryonb.provenance.stamp` wrote; empty where there is none.
    """
    try:
        found = [] if dataset is None else lineage(dataset)
    except ValueError:
        return {}
    return found[-1] if found else {}


def verb_of(held: Held) -> str:
    """Return which verb made a run.

    Parameters
    ----------
    held : Held
        The run.

    Returns
    -------
    str
        ``"reconstruct"`` or ``"refine"``; empty where neither did, or it is not known.
    """
    if held.verb:
        return held.verb
    verb = record_of(held.dataset).get("verb", "")
    return verb if verb in VERBS else ""


def settings_of(held: Held) -> RunConfig | None:
    """Return the settings that a run was made with.

    Parameters
    ----------
    held : Held
        The run.

    Returns
    -------
    RunConfig or None
        As they were given, or as its record has them; None where they are not known, or are of another version.
    """
    if held.config is not None:
        return held.config
    return recorded_settings(held.dataset)


def recorded_settings(dataset: xr.Dataset | None) -> RunConfig | None:
    """Return the settings on the record of a run, sizes and choices filled in.

    Parameters
    ----------
    dataset : xarray.Dataset or None
        Kind ``cryonb/refinement``.

    Returns
    -------
    RunConfig or None
        None where there is no such record, or it is of another version.
    """
    record = record_of(dataset)
    if record.get("verb") not in VERBS:
        return None
    known = {field.name for field in dataclasses.fields(RunConfig)}
    try:
        return RunConfig.gather({name: group for name, group in record.get("settings", {}).items() if name in known})
    except InputError:
        return None
