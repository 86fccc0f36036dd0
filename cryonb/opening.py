"""Where paths become Datasets: a table, a map, a session or a folder of results, and starting volumes."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .errors import InputError, SchemaError, missing, must, nearest
from .schema import VOLUME, build

TABLES = (".star", ".cs", ".mrcs")
SESSIONS = (".zarr", ".nc")
REFINEMENT = "cryonb/refinement"
WORDS = {
    "cryonb/particles": "particles",
    "cryonb/volume": "a map or two half maps",
    "cryonb/refinement": "a reconstruction",
    "cryonb/fsc": "an FSC curve",
}
MAPS = tuple(f".{kind}{packed}" for kind in ("mrc", "map", "ccp4") for packed in ("", ".gz", ".bz2"))
MAP_KINDS = ("cryonb/volume", "cryonb/refinement")


def particles_of(particles: Any, require_poses: bool = True) -> Any:
    """Return particles, opened where they are a file.

    Parameters
    ----------
    particles : xarray.Dataset, str or path
        Kind ``cryonb/particles``, or the file of a table.
    require_poses : bool, optional
        Refuse a table without 3D poses.

    Returns
    -------
    xarray.Dataset
        The particles; what is no path is returned as it is.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    from .io import open_particles

    is_path = isinstance(particles, (str, os.PathLike))
    return open_particles(particles, require_poses=require_poses) if is_path else particles


def starting_volumes(references: Any) -> list[xr.Dataset] | None:
    """Return starting volumes, one a class, those that are files opened.

    Parameters
    ----------
    references : xarray.Dataset, xarray.DataTree, str or path, sequence of these, or None
        Maps, half maps or runs; of half maps the mean is taken, and a run with classes gives one volume a class.

    Returns
    -------
    list of xarray.Dataset, or None
        Kind ``cryonb/volume``, each with one density.

    Raises
    ------
    InputError
        If one cannot be read, or is no map.
    """
    if references is None:
        return None
    given = list(references) if isinstance(references, (list, tuple)) else [references]
    must(bool(given), "references must be at least one map, or none", "an empty list", "Leave references out")
    return [volume for one in given for volume in _volumes(one)]


def _volumes(reference: Any) -> Iterator[xr.Dataset]:
    """Yield the maps of one reference."""
    opened = open_any(reference) if isinstance(reference, (str, os.PathLike)) else reference
    opened = pick(opened, MAP_KINDS) if isinstance(opened, xr.DataTree) else opened
    kind = opened.attrs.get("schema") if isinstance(opened, xr.Dataset) else ""
    got = words_for(opened) if isinstance(opened, xr.Dataset) else f"a {type(opened).__name__}"
    rule = "a reference must be a map, half maps or a run"
    must(kind in MAP_KINDS, rule, got, "Give the file of a map, or what open_map returns", SchemaError)
    names = [name for name in ("density", "volume", "half_map") if name in opened]
    must(bool(names), rule, "a Dataset with a mask only", "Give a map", SchemaError)
    density = opened[names[0]].mean("half") if names[0] == "half_map" else opened[names[0]]
    for label in density["class_id"].values if "class_id" in density.dims else [None]:
        yield _volume(opened, density if label is None else density.sel(class_id=label))


def _volume(opened: xr.Dataset, density: xr.DataArray) -> xr.Dataset:
    names = [name for name in VOLUME.scalars if name in opened.coords and not opened[name].ndim]
    coords = {name: float(opened[name]) for name in names} | {axis: density[axis].values for axis in "zyx"}
    values = np.asarray(density.transpose("z", "y", "x").values, np.float32)
    provenance = {name: opened.attrs[name] for name in ("provenance",) if name in opened.attrs}
    return build(VOLUME, {"density": values}, coords, provenance)


def open_any(path: str | os.PathLike, images: bool = True) -> xr.Dataset | xr.DataTree:
    """Return whatever one file holds, judged by its suffix: a particle table, a session or a map.

    Parameters
    ----------
    path : str or path
        The file, or a folder of results that holds session.zarr.
    images : bool, optional
        Find and attach the images of particles.

    Returns
    -------
    xarray.Dataset or xarray.DataTree
        What it holds.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    from . import io

    name = os.fspath(path).lower().rstrip("/")
    if name.endswith(TABLES):
        return io.open_particles(path, images=images)
    if name.endswith(SESSIONS):
        return io.load(path)
    if name.endswith(MAPS):
        return io.open_map(path)
    if (session := session_in(path)) is not None:
        return io.load(session)
    must(Path(path).exists(), "the input must exist", missing(path), "Check the name and the folder")
    raise InputError(
        "an input must be a particle table (.star, .cs, .mrcs), a map (.mrc, .map), a session (.zarr, .nc) or a folder "
        "of results that holds session.zarr; "
        f"got {os.fspath(path)!r}. Give one of these."
    )


def session_in(path: str | os.PathLike) -> Path | None:
    """Return the session of a folder of results.

    Parameters
    ----------
    path : str or path
        Perhaps a folder that a command wrote.

    Returns
    -------
    Path or None
        The session; None where there is none.
    """
    session = Path(path).expanduser() / "session.zarr"
    return session if session.is_dir() else None


def pick(opened: Any, accepted: tuple[str, ...], run: str | None = None) -> xr.Dataset:
    """Return the one Dataset that is of an accepted kind.

    Parameters
    ----------
    opened : xarray.Dataset or xarray.DataTree
        What was read; a session is a tree.
    accepted : tuple of str
        Kinds.
    run : str, optional
        Name of the part of a session to take.

    Returns
    -------
    xarray.Dataset
        The Dataset.

    Raises
    ------
    InputError
        If none or several of a session's parts would do, or there is none of that name.
    SchemaError
        If the Dataset is of another kind.
    """
    if not isinstance(opened, xr.DataTree):
        must(run is None, "run must go with a session", f"run {run!r} and no session", "Leave it out")
        return _of_kind(opened, accepted)
    parts = {node.path.strip("/"): node.to_dataset() for node in opened.subtree if node.has_data}
    if run is not None:
        must(run in parts, "run must name a part of the session", repr(run), nearest(run, parts))
        return _of_kind(parts[run], accepted)
    fitting = [name for name, part in parts.items() if part.attrs.get("schema") in accepted]
    if len(fitting) == 1:
        return parts[fitting[0]]
    named = ", ".join(f"{name} ({words_for(part)})" for name, part in parts.items()) or "none"
    wanted = " or ".join(WORDS.get(kind, kind) for kind in accepted)
    must(bool(fitting), f"the session must hold {wanted}", named, "Give another session", SchemaError)
    remedy = f"Name one, with --run {fitting[0]} or run={fitting[0]!r}"
    must(False, f"one part of the session that is {wanted} must be meant", named, remedy)


def _of_kind(dataset: Any, accepted: tuple[str, ...]) -> xr.Dataset:
    is_dataset = isinstance(dataset, xr.Dataset)
    got = words_for(dataset) if is_dataset else f"a {type(dataset).__name__}"
    remedy = "Open or compute one first"
    if got == WORDS["cryonb/particles"] and "cryonb/refinement" in accepted:
        remedy = "Reconstruct them first (cryonb reconstruct, cn.reconstruct)"
    fits = is_dataset and dataset.attrs.get("schema") in accepted
    rule = f"the input must be {' or '.join(WORDS.get(kind, kind) for kind in accepted)}"
    must(fits, rule, got, remedy, SchemaError)
    return dataset


def words_for(dataset: xr.Dataset) -> str:
    """Return what a Dataset is, for a sentence.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind.

    Returns
    -------
    str
        Its kind in words.
    """
    kind = str(dataset.attrs.get("schema", "a Dataset without a kind"))
    return WORDS.get(kind, kind)
