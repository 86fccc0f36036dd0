"""MRC and CCP4 maps and stacks: files <-> arrays and Datasets."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .. import schema
from ..errors import FormatError, InputError, must
from .atomic import replacing
from .formats import FileFormat
from .headers import HEADER_BYTES, ISOTROPY, Header, opened, read_header
from .stacks import open_stack
from .table import Request

RIGHT_ANGLES = ((90.0, 90.0, 90.0), (0.0, 0.0, 0.0))
STACK_BATCH = 256

LABEL = 80
"""Characters of a label in a header."""

NO_VALUE = 0.0
"""What voxels without a value (NaN) hold in a file, since programs that show maps cannot read NaN."""


def read_map(path: str | os.PathLike, voxel_size: float | None = None) -> xr.Dataset:
    """Return a map as a Dataset of kind ``cryonb/volume``.

    Parameters
    ----------
    path : str or path
        MRC or CCP4 map of mode 0, 1, 2, 6 or 12; plain, gzip or bzip2; axes in any order.
    voxel_size : float, optional
        Voxel size [angstrom] to use instead of the header's.

    Returns
    -------
    xarray.Dataset
        `density(z, y, x)` float32; scalars `voxel_size`, `origin_z`, `origin_y`, `origin_x` [angstrom].

    Raises
    ------
    FormatError
        If the file is missing, damaged, an image stack, not finite, all zero, or if its voxels are not cubes of a
        known size.
    """
    header = read_header(path)
    _refuse_stacks(header)
    size = _cubic_voxel(header, voxel_size)
    density = _samples(header)
    rule = f"{header.path} must hold finite voxels"
    bad = density.size - int(np.isfinite(density).sum())
    must(bad == 0, rule, f"{bad} voxels that are NaN or infinite", "Write the map again without them", FormatError)
    must(bool(density.any()), f"{header.path} must hold a signal", "zeros only", "Choose another map", FormatError)
    origin = {f"origin_{axis}": header.origin["xyz".index(axis)] for axis in "zyx"}
    coords = {**schema.grid_coordinates(density.shape, size), "voxel_size": size, **origin}
    return schema.build(schema.VOLUME, {"density": density}, coords)


def read_stack(path: str | os.PathLike, request: Request, passthrough: Sequence = ()) -> xr.Dataset:
    """Return a bare image stack as a Dataset of kind ``cryonb/particles`` with lazy images and nothing else.

    Parameters
    ----------
    path : str or path
        An MRC stack.
    request : Request
        What the caller asked for; only its pixel size matters, a bare stack has no poses.
    passthrough : sequence, optional
        Must be empty.

    Returns
    -------
    xarray.Dataset
        `image(particle, y, x)` float32, lazy.

    Raises
    ------
    FormatError
        If the file is no stack, or no pixel size is known.
    """
    must(not passthrough, "passthrough files belong to .cs files", f"{len(passthrough)} with a stack", "Leave them out")
    header = read_header(path)
    remedy = "Open it with open_map, or name it .mrcs if it is a stack"
    must(header.is_stack, "particle images must be an image stack", f"a map in {header.path}", remedy, FormatError)
    size = header.pixel_size if request.pixel_size is None else float(request.pixel_size)
    rule = "the pixel size must be above 0 [angstrom]"
    must(size > 0, rule, f"{size:g} for {header.path}", "Give pixel_size=", FormatError)
    image = open_stack(header)
    count, rows, columns = image.shape
    axes = {name: (np.arange(n) - n // 2) * size for name, n in (("y", rows), ("x", columns))}
    return schema.build(schema.PARTICLES, {"image": image}, {"particle": np.arange(count), **axes, "pixel_size": size})


def write_map(volume: Any, path: str | os.PathLike, voxel_size: float | None = None) -> None:
    """Write one map with its voxel size, origin and statistics; whole or not at all.

    Parameters
    ----------
    volume : xarray.Dataset, xarray.DataArray or numpy.ndarray
        A Dataset with one map (density, volume or mask, in this order), one of its variables, or an array
        (z, y, x). Half maps are written one at a time.
    path : str or path
        Target; ending in .gz or .bz2 it is compressed.
    voxel_size : float, optional
        Voxel size [angstrom]; needed for plain arrays.

    Raises
    ------
    InputError
        If there is no single map, no voxel size, a voxel that is infinite, or the target cannot be written; or if some
        voxels are NaN and others 0, which could not be told apart in the file.

    Notes
    -----
    Programs that show maps cannot read NaN. A voxel without a value is written as 0, and a label of the header says so;
    another one holds the attribute `note` of a variable.
    """
    array = _single_map(volume)
    values = np.ascontiguousarray(getattr(array, "values", array), dtype=np.float32)
    rule = "a map to write must have the axes z, y, x"
    must(values.ndim == 3, rule, f"shape {values.shape}", "Select one half or class first")
    values, empty = _without_gaps(values)
    size = _given_size(array, voxel_size, "voxel_size")
    origin = tuple(float(getattr(array, "coords", {}).get(f"origin_{axis}", 0.0)) for axis in "xyz")
    with replacing(path) as partial, _new(partial) as stream:
        stream.set_data(values)
        stream.set_volume()
        stream.voxel_size = size
        stream.header.origin = origin
        if empty:
            stream.add_label(f"cryonb: {NO_VALUE:g} = no value, in {empty} of {values.size} voxels")
        note = str(getattr(array, "attrs", {}).get("note", ""))
        if note:
            stream.add_label(f"cryonb: {note}".encode("ascii", "replace").decode()[:LABEL])


def _without_gaps(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Return a map whose voxels without a value are filled, and how many there were."""
    infinite = int(np.isinf(values).sum())
    must(infinite == 0, "a map to write must hold no infinite voxel", f"{infinite} voxels", "Mend the map first")
    gaps = np.isnan(values)
    if not gaps.any():
        return values, 0
    taken = int((values == NO_VALUE).sum())
    rule = f"a map with voxels that are NaN, written as {NO_VALUE:g}, must hold no voxel of that value"
    must(taken == 0, rule, f"{taken} voxels", "Fill the voxels without a value yourself")
    return np.where(gaps, np.float32(NO_VALUE), values), int(gaps.sum())


def write_stack(images: Any, path: str | os.PathLike, pixel_size: float | None = None) -> None:
    """Write images as an MRC stack, a few at a time; whole or not at all.

    Parameters
    ----------
    images : xarray.Dataset, xarray.DataArray or numpy.ndarray
        Particles, their images, or an array (particle, y, x); lazy images stay lazy.
    path : str or path
        Target ending in .mrcs.
    pixel_size : float, optional
        Pixel size [angstrom]; needed for plain arrays.

    Raises
    ------
    InputError
        If there are no images, no pixel size, or the target cannot be written.
    """
    if isinstance(images, xr.Dataset):
        must("image" in images, "particles to write must have images", "none", "Open them with images=True")
        images = images["image"]
    must(images.ndim == 3, "images must have the axes particle, y, x", f"shape {images.shape}", "Give a stack")
    must(images.shape[0] > 0, "a stack must hold at least one image", "none", "Select some particles")
    size = _given_size(images, pixel_size, "pixel_size")
    with replacing(path) as partial:
        with _new(partial) as stream:
            stream.set_data(np.zeros((1, *images.shape[1:]), np.float32))
            stream.set_image_stack()
            stream.voxel_size = size
            header = stream.header.copy()
        with partial.open("r+b") as stream:
            stream.seek(HEADER_BYTES)
            statistics = _stream_images(images, stream)
            header.nz = images.shape[0]
            header.dmin, header.dmax, header.dmean, header.rms = statistics
            stream.seek(0)
            stream.write(header.tobytes())


def _stream_images(images: Any, stream: Any) -> tuple[float, float, float, float]:
    lowest, highest, total, squares = np.inf, -np.inf, 0.0, 0.0
    for start in range(0, images.shape[0], STACK_BATCH):
        part = images[start : start + STACK_BATCH]
        batch = np.ascontiguousarray(getattr(part, "values", part), dtype="<f4")
        stream.write(batch.data)
        lowest, highest = min(lowest, float(batch.min())), max(highest, float(batch.max()))
        total += float(batch.sum(dtype=np.float64))
        squares += float(np.einsum("nyx,nyx->", batch, batch, dtype=np.float64))
    count = float(np.prod(images.shape))
    mean = total / count
    return lowest, highest, mean, float(np.sqrt(max(squares / count - mean**2, 0.0)))


def _new(path: Path) -> Any:
    import mrcfile

    compression = {".gz": "gzip", ".bz2": "bzip2"}.get(path.suffix.lower())
    return mrcfile.new(path, compression=compression)


def _single_map(volume: Any) -> Any:
    if not isinstance(volume, xr.Dataset):
        rule = "what is written as a map must be a Dataset, one of its variables or an array"
        must(hasattr(volume, "ndim"), rule, f"a {type(volume).__name__}", "Give the map first, then the file's name")
        return volume
    for name in ("density", "volume", "mask"):
        if name in volume:
            return volume[name]
    raise InputError(
        f"a Dataset to write as a map must hold density, volume or mask; got {', '.join(map(str, volume.data_vars))}. "
        'Select one, for example halves.half_map.sel(half="A").'
    )


def _given_size(array: Any, given: float | None, name: str) -> float:
    stored = getattr(array, "coords", {}).get(name, 0.0)
    size = float(stored if given is None else given)
    must(size > 0, f"{name} must be above 0 [angstrom]", f"{size:g}", f"Give {name}=")
    return size


def _refuse_stacks(header: Header) -> None:
    sections, rows, columns = header.shape
    got = f"{sections} images of {rows} x {columns} in {header.path}"
    remedy = "Open it with open_particles; if it is a map, set its space group (ISPG) to 1"
    must(not header.is_stack, "a map must be one volume", f"an image stack: {got}", remedy, FormatError)
    several = header.space_group >= 401
    must(not several, "a map must be one volume", f"a stack of volumes in {header.path}", "Split it first", FormatError)


def _cubic_voxel(header: Header, given: float | None) -> float:
    if given is not None:
        must(given > 0, "voxel_size must be above 0 [angstrom]", given, "Give the true voxel size")
        return float(given)
    x, y, z = header.voxel
    remedy = "Give voxel_size= if you know it"
    rule = f"the voxel size in {header.path} must be above 0 [angstrom]"
    must(min(header.voxel) > 0, rule, f"{z:g}, {y:g}, {x:g} along z, y, x", remedy, FormatError)
    cubic = max(header.voxel) - min(header.voxel) <= ISOTROPY * max(header.voxel)
    got = f"{z:g} x {y:g} x {x:g} angstrom along z, y, x, with cell angles {', '.join(f'{a:g}' for a in header.angles)}"
    remedy = "Resample it to cubic voxels first, or give voxel_size= to treat it as cubic"
    right = any(np.allclose(header.angles, angles, atol=1e-2) for angles in RIGHT_ANGLES)
    must(cubic and right, f"voxels in {header.path} must be cubes", got, remedy, FormatError)
    return x if cubic and x == y == z else float(f"{np.mean(header.voxel):.7g}")


def _samples(header: Header) -> np.ndarray:
    with opened(header.path) as stream:
        stored = np.asarray(stream.data).reshape(header.shape)
    order = [header.axes.index(axis) for axis in (3, 2, 1)]
    return np.ascontiguousarray(stored.transpose(order), dtype=np.float32)


FORMAT = FileFormat(
    name="MRC",
    suffixes=tuple(stem + end for stem in (".mrc", ".mrcs", ".map", ".ccp4", ".st") for end in ("", ".gz", ".bz2")),
    read_particles=read_stack,
    read_map=read_map,
    write_map=write_map,
    write_stack=write_stack,
)
