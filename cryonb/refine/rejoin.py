"""A run and the particles behind it, together again: images from the table, poses and half sets from the run."""

import warnings

import numpy as np
import xarray as xr

from ..config import RunConfig
from ..errors import InputError, must
from ..provenance import lineage, stamp
from ..schema import PARTICLES, REFINEMENT, validate

POSES = ("rot", "tilt", "psi", "shift_y", "shift_x")
SAME_PIXEL = 1e-3
"""How much the pixel size of the images may differ from that of the run, relative."""

RUNS = ("reconstruct", "refine")


def rejoin(run: xr.Dataset, particles: xr.Dataset) -> xr.Dataset:
    """Return the particles of a run with the poses, half sets and classes that the run found for them.

    Parameters
    ----------
    run : xarray.Dataset
        Kind cryonb/refinement.
    particles : xarray.Dataset
        Kind cryonb/particles, with the images; those that the run did not use are left out.

    Returns
    -------
    xarray.Dataset
        Kind cryonb/particles, in the order of the run; `class_posterior` where the run has one.

    Raises
    ------
    InputError
        If the run holds no poses, a particle of the run is not in the table, or the pixel sizes differ.

    Warns
    -----
    UserWarning
        If the run was made with other poses than the table has.
    """
    validate(run, REFINEMENT)
    validate(particles, PARTICLES)
    names = (*POSES, "random_subset")
    absent = [name for name in names if name not in run]
    must(
        not absent, "the run must hold poses and half sets", f"none for {', '.join(absent)}", "Give the particles alone"
    )
    must_be_same_pixel(run, particles)
    ordered = particles.isel(particle=_places(run["particle"].values, particles["particle"].values))
    _warn_of_other_poses(run, ordered)
    found = {name: ("particle", run[name].values, dict(run[name].attrs)) for name in names}
    if "class_posterior" in run:
        found["class_posterior"] = run["class_posterior"].variable
        ordered = ordered.drop_dims("class_id", errors="ignore").assign_coords(class_id=run["class_id"])
    elif "class_posterior" in ordered:
        ordered = ordered.drop_vars("class_posterior")
    joined = ordered.assign(found)
    if "symmetry" in run.attrs:
        joined = joined.assign_attrs(symmetry=run.attrs["symmetry"])
    return stamp(validate(joined, PARTICLES), "rejoin", {}, [particles, run])


def must_be_same_pixel(run: xr.Dataset, particles: xr.Dataset) -> None:
    """Raise unless the images have the pixel size of those that a run was made from.

    Parameters
    ----------
    run : xarray.Dataset
        Kind cryonb/refinement; one that does not say is not checked.
    particles : xarray.Dataset
        Kind cryonb/particles.

    Raises
    ------
    InputError
        If they differ.
    """
    if "pixel_size" not in run.coords:
        return
    own, wanted = float(particles["pixel_size"]), float(run["pixel_size"])
    rule = f"the particles must have the pixel size of the run, {wanted:.5g} [angstrom]"
    must(abs(own - wanted) <= SAME_PIXEL * wanted, rule, f"{own:.5g}", "Give the particles that the run was made from")


def _warn_of_other_poses(run: xr.Dataset, particles: xr.Dataset) -> None:
    """Warn where a run that took the poses of its particles as they were has others than these particles."""
    records = lineage(run)
    if not records or records[-1].get("verb") != "reconstruct":
        return
    shared = [name for name in POSES if name in particles]
    other = [name for name in shared if not np.array_equal(run[name].values, particles[name].values)]
    if other:
        text = f"the table has other poses ({', '.join(other)}) than the run was made with: are these its particles? "
        warnings.warn(f"{text}The poses of the run are used", UserWarning, stacklevel=5)


def _places(wanted: np.ndarray, ids: np.ndarray) -> np.ndarray | slice:
    """Return where the particles of a run stand in a table; all of them, where it is the same table."""
    if np.array_equal(wanted, ids):
        return slice(None)
    must(np.unique(ids).size == ids.size, "particle ids must be unique", "repeated ids", "Number the particles anew")
    order = np.argsort(ids)
    place = order[np.minimum(np.searchsorted(ids, wanted, sorter=order), ids.size - 1)]
    missing = wanted[ids[place] != wanted]
    rule = "the table must hold every particle of the run"
    got = f"{missing.size} of {wanted.size} missing, the first of id {missing[0] if missing.size else ''}"
    must(not missing.size, rule, got, "Give the table that the run was made from")
    return place


def settings_of(run: xr.Dataset) -> RunConfig:
    """Return the settings that made a run.

    Parameters
    ----------
    run : xarray.Dataset
        Kind cryonb/refinement.

    Returns
    -------
    RunConfig
        Those on its record that change results; without a mask, since the run holds the mask itself.

    Raises
    ------
    InputError
        If the run has no record of settings that this version knows.
    """
    record = next((entry for entry in reversed(lineage(run)) if entry.get("verb") in RUNS), None)
    rule, remedy = "the run must have its settings on record", "Give config as a whole RunConfig"
    must(record is not None, rule, "no record of a run", remedy)
    try:
        found = RunConfig.gather({name: group for name, group in record["settings"].items() if name != "mask"})
        return RunConfig.gather(found.science())
    except InputError as problem:
        raise InputError(f"{rule}; got a record of another version ({problem}). {remedy}.") from None
