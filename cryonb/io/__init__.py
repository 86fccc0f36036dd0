"""The door to files: particle tables, maps, curves and sessions <-> Datasets.

A format is one file of this folder that binds FORMAT; the ending of a path picks it. Nothing heavy is loaded before a
function is called.
"""

import os
from collections.abc import Sequence
from typing import Any

import xarray as xr

__all__ = [
    "load",
    "open_curve",
    "open_half_maps",
    "open_map",
    "open_particles",
    "replacing",
    "reported_resolution",
    "save",
    "write_cs",
    "write_curve",
    "write_map",
    "write_stack",
    "write_star",
]

Path = str | os.PathLike


def open_particles(
    path: Path,
    *,
    root: Path | None = None,
    passthrough: Sequence[Path] = (),
    pixel_size: float | None = None,
    seed: int = 0,
    require_poses: bool = True,
    images: bool = True,
) -> xr.Dataset:
    """Return the particles of a table or stack as a Dataset whose images stay on disk.

    Parameters
    ----------
    path : str or path
        RELION .star (3.0, 3.1, 5), cryoSPARC .cs, or a bare .mrcs stack.
    root : str or path, optional
        Folder that relative image paths start from. By default the table's folder and its parents are searched.
    passthrough : sequence of str or path, optional
        Passthrough files of a .cs table.
    pixel_size : float, optional
        Pixel size of the images [angstrom]; overrides the table's.
    seed : int, optional
        Seed of the half-set split, where the table has none.
    require_poses : bool, optional
        Refuse a table without 3D poses. A bare stack never has poses.
    images : bool, optional
        Find and attach the images; without them only the table is read.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/particles``. Ids are the row numbers from 0. What the table describes and the model of imaging
        leaves out stands in ``attrs["unmodelled"]``.

    Raises
    ------
    FormatError
        If the file or its images are missing, damaged, or do not fit each other.

    Warns
    -----
    UserWarning
        If header and table disagree on the pixel size, there are no half sets, the CTF is incomplete, or effects are
        not modelled.
    """
    from .formats import handler
    from .source import existing_file
    from .table import Request

    request = Request(root, pixel_size, seed, require_poses, images)
    return handler(existing_file(path), "read_particles")(path, request, passthrough)


def open_map(path: Path, voxel_size: float | None = None) -> xr.Dataset:
    """Return a map as a Dataset of kind ``cryonb/volume`` with `density`.

    Parameters
    ----------
    path : str or path
        MRC or CCP4 map, plain, gzip or bzip2, with axes in any order.
    voxel_size : float, optional
        Voxel size [angstrom] to use instead of the header's.

    Returns
    -------
    xarray.Dataset
        float32 `density(z, y, x)`; scalars `voxel_size` and `origin_z`, `origin_y`, `origin_x` [angstrom].

    Raises
    ------
    FormatError
        If the file is missing, damaged, an image stack, not finite, all zero, or if its voxels are not cubes of a
        known size.
    """
    from .formats import handler
    from .source import existing_file

    return handler(existing_file(path), "read_map")(path, voxel_size)


def open_half_maps(path_a: Path, path_b: Path, voxel_size: float | None = None) -> xr.Dataset:
    """Return two half maps as one Dataset of kind ``cryonb/volume`` with `half_map`.

    Parameters
    ----------
    path_a, path_b : str or path
        Maps of the same box and voxel size.
    voxel_size : float, optional
        Voxel size [angstrom] to use instead of the headers'.

    Returns
    -------
    xarray.Dataset
        float32 `half_map(half, z, y, x)` with halves "A" and "B"; scalars as in `open_map`.

    Raises
    ------
    FormatError
        If either cannot be read, or if box or voxel size differ.
    """
    from .volumes import joined_halves

    return joined_halves(open_map(path_a, voxel_size), open_map(path_b, voxel_size))


def open_curve(path: Path, fsc_kind: str | None = None, length: float | None = None) -> xr.Dataset:
    """Return a stored FSC curve as a Dataset of kind ``cryonb/fsc``, to overlay on ours.

    Parameters
    ----------
    path : str or path
        RELION's postprocess.star or model.star, an FSC .xml of cryoSPARC or the EMDB, the .txt of a cryoSPARC plot,
        a two-column .dat, or our .csv.
    fsc_kind : str, optional
        What a single unnamed curve is, or which one of several; see `cryonb.io.curves.read_curve`.
    length : float, optional
        Length of the box, its size times the voxel size [angstrom]: the .txt of a cryoSPARC plot counts shells.

    Returns
    -------
    xarray.Dataset
        The curves that the file has.

    Raises
    ------
    FormatError
        If the file holds no FSC curve.
    """
    from .formats import handler
    from .source import existing_file

    more = {} if length is None else {"length": length}
    return handler(existing_file(path), "read_curve")(path, fsc_kind, **more)


def reported_resolution(path: Path) -> float:
    """Return the final resolution that RELION's postprocess reported in its log or STAR file.

    Parameters
    ----------
    path : str or path
        The log, or postprocess.star.

    Returns
    -------
    float
        Resolution [angstrom]: the last whole shell, not interpolated.

    Raises
    ------
    FormatError
        If the file does not say.
    """
    from .curves import reported_resolution as read

    return read(path)


def load(path: Path) -> xr.Dataset | xr.DataTree:
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
    from .formats import handler

    return handler(path, "load")(path)


def save(results: xr.Dataset | xr.DataTree, path: Path) -> None:
    """Write a Dataset or a tree of them; whole or not at all.

    Parameters
    ----------
    results : xarray.Dataset or xarray.DataTree
        What to keep.
    path : str or path
        Target ending in .zarr or .nc.

    Raises
    ------
    InputError
        If it cannot be stored or the target cannot be written.
    """
    from .formats import handler

    handler(path, "save")(results, path)


def write_curve(dataset: xr.Dataset, path: Path, fsc_kind: str | None = None) -> None:
    """Write curves as CSV, or one FSC curve as EMDB XML.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/fsc``; for CSV any kind with curves over `frequency`.
    path : str or path
        Target ending in .csv or .xml.
    fsc_kind : str, optional
        Which curve. By default a CSV holds all, and an XML the corrected one, else masked, else raw.

    Raises
    ------
    InputError
        If the Dataset is of another kind or the target cannot be written.
    """
    from .formats import handler

    handler(path, "write_curve")(dataset, path, fsc_kind)


def write_map(volume: Any, path: Path, voxel_size: float | None = None) -> None:
    """Write one map as MRC with its voxel size, origin and statistics; whole or not at all.

    Parameters
    ----------
    volume : xarray.Dataset, xarray.DataArray or numpy.ndarray
        A Dataset with density, volume or mask, one of its variables, or an array (z, y, x).
    path : str or path
        Target ending in .mrc, .map or .ccp4, perhaps with .gz or .bz2.
    voxel_size : float, optional
        Voxel size [angstrom]; needed for plain arrays.

    Raises
    ------
    InputError
        If there is no single map, no voxel size, or the target cannot be written.
    """
    from .formats import handler

    handler(path, "write_map")(volume, path, voxel_size)


def write_stack(images: Any, path: Path, pixel_size: float | None = None) -> None:
    """Write images as an MRC stack, a few at a time; whole or not at all.

    Parameters
    ----------
    images : xarray.Dataset, xarray.DataArray or numpy.ndarray
        Particles, their images, or an array (particle, y, x).
    path : str or path
        Target ending in .mrcs.
    pixel_size : float, optional
        Pixel size [angstrom]; needed for plain arrays.

    Raises
    ------
    InputError
        If there are no images, no pixel size, or the target cannot be written.
    """
    from .formats import handler

    handler(path, "write_stack")(images, path, pixel_size)


def write_star(particles: xr.Dataset, path: Path, stack: Path | None = None) -> None:
    """Write particles as a RELION 3.1 table, and their images where no file holds them yet.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind ``cryonb/particles``; those of a refinement come from `cryonb.rejoin`.
    path : str or path
        Target ending in .star.
    stack : str or path, optional
        Where to write the images too; see `cryonb.io.star.write_particles`.

    Raises
    ------
    InputError
        If there are no images to name, or a target cannot be written.
    """
    _write_particles(particles, path, stack, ".star")


def write_cs(particles: xr.Dataset, path: Path, stack: Path | None = None) -> None:
    """Write particles as an array with cryoSPARC's fields, and their images where no file holds them yet.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind ``cryonb/particles``; those of a refinement come from `cryonb.rejoin`.
    path : str or path
        Target ending in .cs.
    stack : str or path, optional
        Where to write the images too; see `cryonb.io.cryosparc.write_particles`.

    Raises
    ------
    InputError
        If there are no images to name, or a target cannot be written.
    """
    _write_particles(particles, path, stack, ".cs")


def _write_particles(particles: xr.Dataset, path: Path, stack: Path | None, suffix: str) -> None:
    from ..errors import FormatError, must
    from .formats import handler

    write = handler(path, "write_particles")
    rule = f"the name of this table must end in {suffix}"
    remedy = "Change its ending; write_star writes .star and write_cs writes .cs"
    must(os.fspath(path).lower().endswith(suffix), rule, repr(os.fspath(path)), remedy, FormatError)
    write(particles, path, stack)


def replacing(path: Path) -> Any:
    """Return a context manager that gives a temporary sibling of `path` and puts it in place at the end.

    Parameters
    ----------
    path : str or path
        The file or folder to write.

    Returns
    -------
    context manager
        See `cryonb.io.atomic.replacing`.
    """
    from .atomic import replacing as context

    return context(path)
