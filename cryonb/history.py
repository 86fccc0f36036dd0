"""How a refinement went: what every iteration used, claimed and changed, as one small Dataset."""

import math
from collections.abc import Iterable

import numpy as np
import xarray as xr

from .errors import SchemaError, must
from .provenance import stamp
from .schema import REFINEMENT, Field, Kind, build, declare

HISTORY = declare(
    Kind(
        "cryonb/history",
        {
            "alignment_limit": Field(("iteration",), "angstrom", required=True),
            "next_limit": Field(("iteration",), "angstrom"),
            "claimed_resolution": Field(("[class_id]", "iteration"), "angstrom", required=True),
            "occupancy": Field(("class_id", "iteration")),
            "effective_size": Field(("class_id", "iteration"), "particle"),
            "angle_change": Field(("iteration",), "degree"),
            "shift_change": Field(("iteration",), "angstrom"),
            "class_change": Field(("iteration",)),
        },
        {"particle_nyquist": "1/angstrom", "grid_nyquist": "1/angstrom", "data_end": "angstrom"},
    )
)

BY_CLASS = ("claimed_resolution", "occupancy", "effective_size")
KEPT = ("recipe", "limit", "symmetry")


def history(iterations: Iterable[xr.Dataset]) -> xr.Dataset:
    """Return how a refinement went, from the Datasets that it gave.

    Parameters
    ----------
    iterations : iterable of xarray.Dataset
        Kind ``cryonb/refinement``, one an iteration, in their order; volumes are not looked at and may be left out.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/history`` over `iteration`: the limit of the alignment and of the next one, and what is claimed
        [angstrom], NaN where a curve does not cross before the data end; occupancy and effective size of every class;
        the median change of angles [degree] and shifts [angstrom], and the share of particles that changed class.

    Raises
    ------
    SchemaError
        If there is no iteration, or something else among them.

    Examples
    --------
    >>> history([])
    Traceback (most recent call last):
    cryonb.errors.SchemaError: a history needs the Datasets of a refinement; got none. Give those that iterate yields.
    """
    runs = list(iterations)
    rule, remedy = "a history needs the Datasets of a refinement", "Give those that iterate yields"
    must(bool(runs), rule, "none", remedy, SchemaError)
    wrong = [_kind(run) for run in runs if _kind(run) != REFINEMENT.name]
    must(not wrong, rule, wrong[0] if wrong else "", remedy, SchemaError)
    last = runs[-1]
    variables = {name: _per_class(runs, name) for name in BY_CLASS if name in last}
    variables.setdefault("claimed_resolution", np.array([_scalar(run, "resolution") for run in runs]))
    variables |= {name: np.array([_scalar(run, name) for run in runs]) for name in ("alignment_limit", "next_limit")}
    variables |= {name: np.array([_median(run, name) for run in runs]) for name in ("angle_change", "shift_change")}
    variables["class_change"] = _class_changes(runs) if "class_number" in last else None
    coords = {
        "iteration": np.array([int(_scalar(run, "iteration")) for run in runs]),
        "class_id": last["class_id"].values if "class_id" in last.dims else None,
        **{name: _scalar(last, name) for name in HISTORY.scalars},
    }
    made = build(HISTORY, variables, coords, {name: last.attrs[name] for name in KEPT if name in last.attrs})
    return stamp(made, "history", {}, [])


def _kind(run: xr.Dataset) -> str:
    return str(run.attrs.get("schema", "a Dataset without a kind")) if isinstance(run, xr.Dataset) else repr(run)


def _scalar(run: xr.Dataset, name: str) -> float:
    return float(run[name]) if name in run.variables and not run[name].ndim else math.nan


def _per_class(runs: list[xr.Dataset], name: str) -> np.ndarray:
    """Return a variable of the classes over iterations: ([classes,] iterations)."""
    return np.stack([np.asarray(run[name].values, np.float64) for run in runs], axis=-1)


def _median(run: xr.Dataset, name: str) -> float:
    values = run[name].values if name in run else np.empty(0)
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else math.nan


def _class_changes(runs: list[xr.Dataset]) -> np.ndarray:
    """Return the share of particles whose class is another than one iteration before; NaN for the first."""
    numbers = [run["class_number"].values for run in runs]
    changed = [float(np.mean(now != before)) for before, now in zip(numbers, numbers[1:])]
    return np.array([math.nan, *changed])
