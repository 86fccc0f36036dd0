"""Soft masks: a sphere, the region above a threshold with a margin, and what a mask must be to be used.

Lengths are in angstrom; edges fall from one to zero as half a period of a cosine. Masks stand where their maps stand;
of a region above a threshold, parts and distances are found on the host: it is brought there as one bit a voxel in a
byte, and its distances are taken back.
"""

from typing import Any

import numpy as np

from ..backends import backend_of
from ..errors import must
from .fourier import half_indices, half_transform, real_space

MASK_SLACK = 1e-3
"""How far a mask may leave 0..1, as programs that filter their masks do."""

SPECK = 0.1
"""Parts of a thresholded region below this fraction of the largest part are noise."""

DEFAULT_LOWPASS = 12.0
DEFAULT_RADIUS = 0.45
DEFAULT_EDGE = 5.0
DEFAULT_DILATION = 3.0
"""What a setting of zero stands for: angstrom, fraction of the box, voxels, voxels."""


def cosine_edge(distance: Any, edge_width: float) -> Any:
    """Return one inside, zero outside, and half a period of a cosine in between.

    Parameters
    ----------
    distance : array, float
        Distance from where the edge begins; negative or zero is inside.
    edge_width : float
        Width of the edge, in the unit of `distance`; 0 for a hard edge.

    Returns
    -------
    array, float32
        (1 + cos(pi distance / edge_width)) / 2, between 0 and 1.

    Examples
    --------
    >>> cosine_edge(np.array([-1.0, 0.0, 2.0, 4.0, 5.0]), 4.0)
    array([1. , 1. , 0.5, 0. , 0. ], dtype=float32)
    """
    if edge_width <= 0:
        return (distance <= 0).astype(np.float32)
    xp = backend_of(distance).xp
    phase = xp.clip(distance / edge_width, 0.0, 1.0)
    return (0.5 + 0.5 * xp.cos(np.pi * phase)).astype(np.float32)


def soft_sphere(size: int, voxel_size: float, radius: float, edge_width: float, xp: Any = np) -> Any:
    """Return a sphere about the rotation centre.

    Parameters
    ----------
    size : int
        Voxels along an edge.
    voxel_size : float
        Voxel size [angstrom].
    radius : float
        Radius up to which the mask is one [angstrom].
    edge_width : float
        Width of the soft edge beyond it [angstrom].
    xp : module, optional
        Array module.

    Returns
    -------
    array, (n, n, n), float32
        Mask between 0 and 1.
    """
    axis = xp.asarray((np.arange(size) - size // 2).astype(np.float32) * np.float32(voxel_size))
    distance = xp.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    return cosine_edge(distance - radius, edge_width)


def lowpass_edge(size: int, start: float, xp: Any = np) -> Any:
    """Return the factors of a low-pass.

    Parameters
    ----------
    size : int
        Voxels along an edge.
    start : float
        Where the filter begins to fall, one shell before its half [1 / box length].
    xp : module, optional
        Array module.

    Returns
    -------
    array, (n, n, n // 2 + 1), float32
        One for every coefficient of a half-complex transform; the edge is a cosine two shells wide.
    """
    radius = xp.sqrt(sum(xp.asarray(index.astype(np.float32)) ** 2 for index in half_indices(size)))
    return cosine_edge(radius - start, 2.0)


def lowpass(density: Any, voxel_size: float, resolution: float) -> Any:
    """Return a map without the detail beyond a resolution.

    Parameters
    ----------
    density : array, (n, n, n), float32
        Map.
    voxel_size : float
        Voxel size [angstrom].
    resolution : float
        Where the filter has fallen to one half [angstrom].

    Returns
    -------
    array, (n, n, n), float32
        Filtered map; the filter's edge is a cosine two shells wide.
    """
    size = density.shape[0]
    shell = size * voxel_size / resolution
    factors = lowpass_edge(size, shell - 1.0, backend_of(density).xp)
    return real_space(half_transform(density) * factors, size)


def threshold_mask(
    density: Any,
    voxel_size: float,
    threshold_fraction: float,
    dilate: float,
    edge_width: float,
    lowpass_resolution: float,
) -> Any:
    """Return the region of a map above a threshold, grown, with a soft edge.

    Parameters
    ----------
    density : array, (n, n, n), float32
        Map.
    voxel_size : float
        Voxel size [angstrom].
    threshold_fraction : float
        Threshold as a fraction of the maximum of the filtered map.
    dilate : float
        Growth of the region [angstrom].
    edge_width : float
        Width of the soft edge beyond the grown region [angstrom].
    lowpass_resolution : float
        Low-pass before the threshold [angstrom]; 0 for none.

    Returns
    -------
    array, (n, n, n), float32
        Mask between 0 and 1.

    Raises
    ------
    InputError
        If the map has no positive density.
    """
    backend = backend_of(density)
    smooth = lowpass(density, voxel_size, lowpass_resolution) if lowpass_resolution > 0 else density
    highest = float(smooth.max())
    rule = "a map must have positive density where a threshold mask is made from it"
    must(highest > 0, rule, f"a maximum of {highest:g}", "Give a mask, or invert the contrast")
    region = without_specks(backend.download(smooth >= threshold_fraction * highest))
    outside = backend.upload(distance_outside(region, (dilate + edge_width) / voxel_size))
    return cosine_edge(outside * voxel_size - dilate, edge_width)


def without_specks(region: np.ndarray) -> np.ndarray:
    """Return a region without the small parts that stand alone.

    Parameters
    ----------
    region : ndarray, (n, n, n), bool
        The region.

    Returns
    -------
    ndarray, (n, n, n), bool
        Its connected parts that hold at least a tenth of the voxels of the largest one.
    """
    from scipy.ndimage import label

    parts, _ = label(region)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return (sizes >= SPECK * sizes.max())[parts] & region


def distance_outside(region: np.ndarray, reach: float) -> np.ndarray:
    """Return how far every voxel lies outside a region.

    Parameters
    ----------
    region : ndarray, (n, n, n), bool
        The region; not empty.
    reach : float
        Distances beyond this are not needed [voxel].

    Returns
    -------
    ndarray, (n, n, n), float32
        Distance to the nearest voxel of the region [voxel]; 0 inside, infinity where it is surely beyond `reach`.
    """
    from scipy.ndimage import distance_transform_edt

    margin = int(np.ceil(reach)) + 1
    window = []
    for axis in range(3):
        held = np.flatnonzero(region.any(axis=tuple(other for other in range(3) if other != axis)))
        window.append(slice(max(0, held[0] - margin), held[-1] + margin + 1))
    distance = np.full(region.shape, np.inf, np.float32)
    distance[tuple(window)] = distance_transform_edt(~region[tuple(window)])
    return distance


def dynamic_mask(
    density: Any,
    voxel_size: float,
    threshold_fraction: float,
    near: float,
    far: float,
    start_resolution: float,
) -> Any:
    """Return the mask of a homogeneous refinement: one near the thresholded region, zero far from it.

    Parameters
    ----------
    density : array, (n, n, n), float32
        Map.
    voxel_size : float
        Voxel size [angstrom].
    threshold_fraction : float
        Threshold as a fraction of the maximum of the filtered map.
    near, far : float
        Distances up to which the mask is one, and from which it is zero [angstrom].
    start_resolution : float
        Low-pass before the threshold [angstrom].

    Returns
    -------
    array, (n, n, n), float32
        Mask between 0 and 1.
    """
    return threshold_mask(density, voxel_size, threshold_fraction, near, far - near, start_resolution)


def make_mask(density: Any, voxel_size: float, settings: Any, resolution: float = 0.0) -> Any:
    """Return the mask that settings ask for, made from a map.

    Parameters
    ----------
    density : array, (n, n, n), float32
        Map, for example the mean of two half maps.
    voxel_size : float
        Voxel size [angstrom].
    settings : object
        Carries `kind` ("none", "sphere", "threshold", "dynamic"), `radius`, `edge_width`, `dilate`, `near`, `far`,
        `start_resolution` [angstrom] and `threshold` [fraction]; zero stands for the default.
    resolution : float, optional
        Resolution of the map [angstrom], where it is known: the low-pass is not finer than it.

    Returns
    -------
    array, (n, n, n), float32, or None
        Mask between 0 and 1, where the map stands; None for kind "none".
    """
    size = density.shape[0]
    edge = settings.edge_width or DEFAULT_EDGE * voxel_size
    smooth = settings.start_resolution or max(DEFAULT_LOWPASS, resolution)
    if settings.kind == "sphere":
        radius = settings.radius or DEFAULT_RADIUS * size * voxel_size
        return soft_sphere(size, voxel_size, radius, edge, backend_of(density).xp)
    if settings.kind == "threshold":
        dilate = settings.dilate or DEFAULT_DILATION * voxel_size
        return threshold_mask(density, voxel_size, settings.threshold, dilate, edge, smooth)
    if settings.kind == "dynamic":
        return dynamic_mask(density, voxel_size, settings.threshold, settings.near, settings.far, smooth)
    return None


def checked_mask(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return a mask as float32 if it can be used on maps of a shape.

    Parameters
    ----------
    mask : ndarray, (n, n, n)
        Mask.
    shape : tuple of int
        Shape of the maps [voxel].

    Returns
    -------
    ndarray, (n, n, n), float32
        The mask.

    Raises
    ------
    InputError
        If its shape differs, it holds values that are not finite or outside 0..1, or it is zero everywhere.
    """
    mask = np.asarray(mask)
    wanted = " x ".join(map(str, shape))
    got = " x ".join(map(str, mask.shape))
    must(mask.shape == tuple(shape), f"the mask must have the shape of the maps, {wanted} [voxel]", got, "Resample it")
    must(bool(np.isfinite(mask).all()), "the mask must be finite", "NaN or infinite voxels", "Make the mask again")
    low, high = float(mask.min()), float(mask.max())
    in_range = low >= -MASK_SLACK and high <= 1.0 + MASK_SLACK
    must(in_range, "the mask must lie between 0 and 1", f"{low:g} to {high:g}", "Make a mask from the map first")
    must(high > 0, "the mask must keep something", "zero everywhere", "Lower the threshold or give another mask")
    return np.clip(mask, 0.0, 1.0).astype(np.float32)


def kept_fraction(mask: Any) -> float:
    """Return the fraction of the box that holds independent voxels under a mask.

    Parameters
    ----------
    mask : array, (n, n, n), float32
        Mask between 0 and 1.

    Returns
    -------
    float
        (sum m^2)^2 / (n^3 sum m^4): 1 for no mask, the volume fraction for a hard-edged one.

    Examples
    --------
    >>> kept_fraction(np.ones((4, 4, 4)))
    1.0
    """
    square = backend_of(mask).download(mask).astype(np.float64) ** 2
    return float(square.sum() ** 2 / (square.size * (square**2).sum()))


def mask_diameter(mask: np.ndarray, voxel_size: float) -> float:
    """Return the largest extent of a mask.

    Parameters
    ----------
    mask : ndarray, (n, n, n), float32
        Mask between 0 and 1.
    voxel_size : float
        Voxel size [angstrom].

    Returns
    -------
    float
        Twice the largest distance from the mask's centre of mass to a voxel above one half [angstrom].
    """
    inside = np.argwhere(mask > 0.5)
    if inside.size == 0:
        inside = np.argwhere(mask > 0)
    centre = inside.mean(axis=0)
    return float(2.0 * np.sqrt(((inside - centre) ** 2).sum(axis=1).max()) + 1.0) * voxel_size
