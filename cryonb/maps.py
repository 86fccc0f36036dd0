"""The one map that stands for a run: which it is, on fewer voxels, and the difference of two."""

from typing import Any

import numpy as np
import xarray as xr

from .errors import SchemaError, must
from .imaging.bands import FFT_ROUNDING, holds_data
from .imaging.fourier import half_transform, real_space, resize
from .imaging.shells import n_coefficients, rounding_floor, shell_index, shell_power, shell_sums
from .provenance import stamp
from .schema import VOLUME, build, grid_coordinates

NAMES = ("sharpened", "volume", "density", "half_map")
"""Variables that are maps, the one that is shown first."""

SLAB_BYTES = 1 << 26
"""Bytes of a map that are transformed at a time."""

FIELD_TOLERANCE = 0.5
"""By how much fields of view may differ [voxel]."""


def has_map(run: Any) -> bool:
    """Return whether something holds a map.

    Parameters
    ----------
    run : object
        A Dataset of any kind, or anything else.

    Returns
    -------
    bool
        True if `shown_map` finds one.
    """
    return isinstance(run, xr.Dataset) and any(name in run.data_vars for name in NAMES)


def shown_map(run: xr.Dataset, class_id: int | None = None) -> xr.Dataset:
    """Return the map that stands for a run.

    Parameters
    ----------
    run : xarray.Dataset
        Kind ``cryonb/refinement``, ``cryonb/volume``, ``cryonb/postprocess`` or another that holds a map.
    class_id : int, optional
        The class, where there are several; by default the first.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/volume`` with `density` (z, y, x), float32: the sharpened map, the refined volume, the density,
        or the mean of the half maps, whichever is there first; coordinates are in angstrom from the centre.

    Raises
    ------
    SchemaError
        If there is no map.
    InputError
        If there is no such class.

    Examples
    --------
    >>> import cryonb as cn
    >>> shown = shown_map(cn.filtered_half_maps(box_size=32, voxel_size=4.0, lowpass=20.0))
    >>> shown["density"].dims, float(shown["z"][0])
    (('z', 'y', 'x'), -64.0)
    """
    kind = run.attrs.get("schema", "a Dataset without a kind") if isinstance(run, xr.Dataset) else type(run).__name__
    must(has_map(run), "a Dataset with a map is needed", kind, "Give a reconstruction or a volume", SchemaError)
    array = run[next(name for name in NAMES if name in run.data_vars)]
    if "class_id" in array.dims:
        classes = [int(number) for number in array["class_id"].values]
        wanted = classes[0] if class_id is None else int(class_id)
        rule = f"class_id must be one of {', '.join(map(str, classes))}"
        must(wanted in classes, rule, wanted, "Choose one of these")
        array = array.sel(class_id=wanted)
    density = _mean_of_halves(array) if "half" in array.dims else array.transpose("z", "y", "x").values
    return volume_of(np.asarray(density, np.float32), float(run["voxel_size"]))


def _mean_of_halves(array: xr.DataArray) -> np.ndarray:
    total = np.zeros([array.sizes[axis] for axis in "zyx"], np.float32)
    for half in range(array.sizes["half"]):
        total += array.isel(half=half).transpose("z", "y", "x").values
    total /= array.sizes["half"]
    return total


def volume_of(density: np.ndarray, voxel_size: float, attrs: dict[str, str] | None = None) -> xr.Dataset:
    """Return a map with its labels.

    Parameters
    ----------
    density : ndarray, (nz, ny, nx), float32
        Map.
    voxel_size : float
        Voxel size [angstrom].
    attrs : dict of str to str, optional
        Text attributes.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/volume``.
    """
    coords = {**grid_coordinates(density.shape, voxel_size), "voxel_size": voxel_size}
    return build(VOLUME, {"density": density}, coords, attrs)


def binned(volume: xr.Dataset, largest: int = 128) -> xr.Dataset:
    """Return a map on fewer voxels over the same field of view.

    Parameters
    ----------
    volume : xarray.Dataset
        Kind ``cryonb/volume`` with `density`.
    largest : int, optional
        Voxels that the longest edge may have; a map that fits is returned as it is.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/volume`` whose edges have even numbers of voxels, at most `largest`; the grey scale stays.

    Raises
    ------
    InputError
        If `largest` leaves fewer than 8 voxels.

    Notes
    -----
    The Fourier coefficients past the new Nyquist frequency are left out, one axis after another and some planes at a
    time, so that the whole transform never stands in memory. A map whose edges differ is first filled up with zeros
    to a cube around the same centre.

    Examples
    --------
    >>> import cryonb as cn
    >>> small = binned(cn.phantom("helices", box_size=32, pixel_size=3.0), 16)
    >>> small.sizes["x"], float(small["voxel_size"])
    (16, 6.0)
    """
    must(largest >= 8, "largest must be at least 8 [voxel]", largest, "Use 128")
    density = volume["density"].values
    edge = max(density.shape)
    if edge <= largest:
        return volume
    size = largest - largest % 2
    small = resampled(_cube(density, edge), (size,) * 3)
    return volume_of(small, float(volume["voxel_size"]) * edge / size)


def _cube(density: np.ndarray, edge: int) -> np.ndarray:
    if density.shape == (edge,) * 3:
        return density
    before = [edge // 2 - length // 2 for length in density.shape]
    return np.pad(density, [(first, edge - length - first) for first, length in zip(before, density.shape)])


def resampled(density: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return a map on another number of voxels over the same field of view, by Fourier cropping or zero-padding.

    Parameters
    ----------
    density : ndarray, (nz, ny, nx), float32
        Map.
    shape : tuple of int
        Wanted voxels along z, y and x.

    Returns
    -------
    ndarray, shape `shape`, float32
        The map with the same grey scale; the middle stays at n // 2.
    """
    for axis in (2, 1, 0):
        if density.shape[axis] != shape[axis]:
            density = _along(density, axis, shape[axis])
    return np.ascontiguousarray(density, np.float32)


def _along(density: np.ndarray, axis: int, size: int) -> np.ndarray:
    rows = np.moveaxis(density, axis, -1)
    made = np.empty((*rows.shape[:2], size), np.float32)
    planes = max(1, SLAB_BYTES // (8 * rows.shape[1] * max(rows.shape[2], size)))
    for start in range(0, rows.shape[0], planes):
        part = np.ascontiguousarray(rows[start : start + planes], np.float32)
        made[start : start + planes] = resize(part, size, dims=1)
    return np.moveaxis(made, -1, axis)


def difference(first: xr.Dataset, second: xr.Dataset) -> xr.Dataset:
    """Return what is in one map and not in another.

    Parameters
    ----------
    first, second : xarray.Dataset
        Runs or maps over the same field of view, as `shown_map` takes them; voxel sizes may differ.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/volume`` with `density` (z, y, x), float32, on the coarser of the two grids and in the units of
        the first map; ``attrs["note"]`` says what was done.

    Raises
    ------
    InputError
        If the fields of view differ by more than half a voxel, or a map is no cube, or there is no spatial frequency
        at which both have data.

    Notes
    -----
    With F and G the transforms of the first and the second map on the coarser grid, and S the shells in which both
    have data, shell 0 left out,

        D = F - a G within S and shell 0, 0 elsewhere,    a = sum_S Re(F conj G) / sum_S abs(G)^2,

    where `a` minimises sum_S abs(F - a G)^2. Two maps with independent noise are matched less the more of the second
    is noise.

    Examples
    --------
    >>> import cryonb as cn
    >>> one = cn.phantom("helices", box_size=32, pixel_size=3.0)
    >>> other = one.assign(density=one["density"] * 2.0)
    >>> nothing = difference(one, other)
    >>> bool(abs(nothing["density"]).max() < 1e-6 * one["density"].max()), nothing.attrs["note"][:31]
    (True, 'The first map minus 0.5 times t')
    """
    maps = [shown_map(one) for one in (first, second)]
    size, length = _common_grid(maps)
    spectra = [half_transform(resampled(one["density"].values, (size,) * 3)) for one in maps]
    factor, shells = _matched(spectra, size)
    change = spectra[0] - np.complex64(factor) * spectra[1]
    inside = np.append(shells, False)
    inside[0] = True
    change *= inside[shell_index(size)]
    note = _said(factor, np.flatnonzero(shells), size, length)
    made = volume_of(real_space(change, size).astype(np.float32), length / size, {"note": note})
    return stamp(made, "difference", {"factor": factor, "size": size}, [first, second])


def _common_grid(maps: list[xr.Dataset]) -> tuple[int, float]:
    """Return the voxels along an edge of the coarser of two grids, and the edge [angstrom]."""
    shapes = [one["density"].shape for one in maps]
    voxels = [float(one["voxel_size"]) for one in maps]
    rule = "maps to be compared must be cubes"
    uneven = [shape for shape in shapes if len(set(shape)) > 1]
    must(not uneven, rule, " x ".join(map(str, uneven[0])) if uneven else "", "Pad the map to a cube first")
    lengths = [shape[0] * voxel for shape, voxel in zip(shapes, voxels)]
    must(
        abs(lengths[0] - lengths[1]) <= FIELD_TOLERANCE * max(voxels),
        "maps to be compared must have the same field of view within half a voxel",
        " and ".join(f"{shape[0]} voxels of {voxel:g} A" for shape, voxel in zip(shapes, voxels)),
        "Reconstruct both in boxes of the same length",
    )
    coarser = int(np.argmax(voxels))
    return shapes[coarser][0], lengths[coarser]


def _matched(spectra: list[np.ndarray], size: int) -> tuple[float, np.ndarray]:
    """Return what the second is multiplied with to be nearest to the first, and in which shells both have data."""
    powers = [shell_power(spectrum) for spectrum in spectra]
    floors = [FFT_ROUNDING * rounding_floor(power, size) for power in powers]
    content = [power / n_coefficients(size) - floor for power, floor in zip(powers, floors)]
    shells = np.all([holds_data(np.maximum(one, 0.0)[np.newaxis]) for one in content], axis=0)
    shells[0] = False
    must(bool(shells.any()), "both maps must have data at a common spatial frequency", "none", "Choose others")
    cross = shell_sums((spectra[0] * np.conj(spectra[1])).real, size)
    return float(cross[shells].sum() / powers[1][shells].sum()), shells


def _said(factor: float, held: np.ndarray, size: int, length: float) -> str:
    return (
        f"The first map minus {factor:.3g} times the second, on {size} voxels of {length / size:.3g} A,"
        f" compared from {length / held[0]:.3g} to {length / held[-1]:.3g} A."
    )
