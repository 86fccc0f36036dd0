"""Sessions: any Dataset or tree of Datasets <-> one Zarr folder or one NetCDF file."""

import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr

from .. import schema
from ..errors import FormatError, InputError, missing, must
from .atomic import replacing
from .formats import FileFormat
from .source import existing_file

STORES = {".zarr": "zarr", ".nc": "h5netcdf"}

ORDER = "order_of_children"
"""Attribute that keeps the order of a node's children, as a JSON list, while a tree is in a file."""


def save(results: xr.Dataset | xr.DataTree, path: str | os.PathLike) -> None:
    """Write a Dataset or a tree of them; whole or not at all.

    Parameters
    ----------
    results : xarray.Dataset or xarray.DataTree
        What to keep; lazy variables are read now.
    path : str or path
        Target ending in .zarr (a folder, Zarr version 3) or .nc (NetCDF 4).

    Raises
    ------
    InputError
        If it is something else, has attributes that are not text, or the target cannot be written.
    """
    suffix = _store(path)
    known = isinstance(results, (xr.Dataset, xr.DataTree))
    must(known, "what is saved must be a Dataset or a DataTree", type(results).__name__, "Save a result")
    tree = results if isinstance(results, xr.DataTree) else xr.DataTree(results)
    tree = xr.DataTree.from_dict({node.path: _with_order(node) for node in tree.subtree})
    with replacing(path) as partial, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if suffix == ".zarr":
            tree.to_zarr(partial, zarr_format=3, consolidated=False, mode="w")
        else:
            tree.to_netcdf(partial, engine="h5netcdf", mode="w")


def load(path: str | os.PathLike) -> xr.Dataset | xr.DataTree:
    """Return what `save` wrote, in memory.

    Parameters
    ----------
    path : str or path
        A .zarr folder or .nc file.

    Returns
    -------
    xarray.Dataset or xarray.DataTree
        A Dataset if a Dataset was saved.

    Raises
    ------
    FormatError
        If it is missing, damaged, or not a session of this package.
    """
    suffix = _store(path)
    found = _existing_folder(path) if suffix == ".zarr" else existing_file(path)
    options = {"consolidated": False} if suffix == ".zarr" else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with xr.open_datatree(found, engine=STORES[suffix], **options) as stored:
                tree = xr.DataTree.from_dict({node.path: _restored(node) for node in _ordered(stored)})
    except InputError:
        raise
    except Exception as problem:
        reason = (str(problem).splitlines() or [""])[0].rstrip(".") or type(problem).__name__
        raise FormatError(
            f"{found} must be a saved session; got one that xarray refuses ({reason}). Save it again."
        ) from problem
    ours = [node for node in tree.subtree if str(node.attrs.get("schema", "")).startswith("cryonb/")]
    must(bool(ours), f"{found} must hold results of this package", "none", "Give a file that it saved", FormatError)
    for node in ours:
        if node.attrs["schema"] in schema.KINDS:
            schema.validate(node.to_dataset())
    return tree if tree.children else tree.to_dataset()


def _store(path: str | os.PathLike) -> str:
    suffix = Path(path).suffix.lower()
    rule = "a session's name must end in .zarr or .nc"
    must(suffix in STORES, rule, repr(Path(path).name), "Change its ending", FormatError)
    return suffix


def _existing_folder(path: str | os.PathLike) -> Path:
    found = Path(path).expanduser()
    must(found.exists(), "the session must exist", missing(found), "Check the name and the folder", FormatError)
    must(found.is_dir(), "a .zarr session must be a folder", f"the file {found}", "Check the name", FormatError)
    return found


def _with_order(node: xr.DataTree) -> xr.Dataset:
    dataset = _storable(node.to_dataset(inherit=False), node.path)
    return dataset.assign_attrs({ORDER: json.dumps(list(node.children))}) if node.children else dataset


def _ordered(node: xr.DataTree) -> Iterator[xr.DataTree]:
    """Yield a node and those below it, children in the order in which they were saved."""
    yield node
    stored = json.loads(node.attrs.get(ORDER, "[]"))
    for name in sorted(node.children, key=lambda name: stored.index(name) if name in stored else len(stored)):
        yield from _ordered(node.children[name])


def _storable(dataset: xr.Dataset, place: str) -> xr.Dataset:
    for name, value in dataset.attrs.items():
        rule = f"attributes of {place} must be text"
        must(isinstance(value, str), rule, f"{type(value).__name__} in {name}", "Make it a scalar coordinate")
    loaded = dataset.copy(deep=False).load().drop_encoding()
    for name, variable in loaded.variables.items():
        if variable.dtype.kind == "U":
            loaded = _replaced(loaded, name, variable.values.astype(object))
    return loaded


def _restored(node: xr.DataTree) -> xr.Dataset:
    dataset = node.to_dataset(inherit=False).load().drop_encoding()
    dataset.attrs.pop(ORDER, None)
    for name, variable in dataset.variables.items():
        if variable.dtype.kind in "OT":
            dataset = _replaced(dataset, name, np.array(variable.values.tolist(), dtype=str))
    return dataset


def _replaced(dataset: xr.Dataset, name: str, values: np.ndarray) -> xr.Dataset:
    variable = (dataset[name].dims, values, dataset[name].attrs)
    return dataset.assign_coords({name: variable}) if name in dataset.coords else dataset.assign({name: variable})


FORMAT = FileFormat(name="session", suffixes=tuple(STORES), load=load, save=save)
