"""Traces of a mask that was multiplied into a map: a constant region, silence, and the leak that its edge makes."""

import dataclasses

import numpy as np

from .fourier import half_radius, half_transform, real_space
from .shells import n_coefficients, shell_index, shell_power

SPHERE = 0.49
"""Radius inside which a constant region counts, as a fraction of the box: programs flatten the corners outside."""

QUIET_SPHERE = 0.42
"""Radius inside which a silent region counts: the soft edge of those corners rings when a map is sharpened."""

FEWEST = 0.01
"""Fraction of that sphere that has to be constant or silent."""

SILENT = 0.01
"""Variance of noise below this fraction of its largest is no variation of noise any more."""

WINDOW = 7
"""Edge of the cube in which the variance of noise is taken [voxel]."""

EROSION = 1
"""Voxels that a constant region must be thick on every side: single voxels of equal value do not count."""


@dataclasses.dataclass(frozen=True)
class MaskTrace:
    """What a mask left in a map.

    Attributes
    ----------
    outside : ndarray, (n, n, n), bool
        The constant region, or the silent one.
    how : str
        "constant", "silent", or nothing.
    kept : float
        Fraction of the box that was kept; NaN for a silent region, since ringing hides its size.
    constant : float
        The value outside; NaN for a silent region.
    edge : float
        Width over which the mask rises from 0.1 to 0.9 [voxel]; NaN where it is not known.
    profile : ndarray, (m,), float64
        The mask by its distance from the outside [voxel], whole distances from 0 on; empty where it is not known.
    """

    outside: np.ndarray
    how: str
    kept: float
    constant: float
    edge: float
    profile: np.ndarray


def find_mask(first: np.ndarray, second: np.ndarray, noise: np.ndarray, step: float = 0.0) -> MaskTrace:
    """Return the trace of a mask that was multiplied into both half maps.

    Parameters
    ----------
    first, second : ndarray, (n, n, n), float32
        Half maps.
    noise : ndarray, (n, n, n), float32
        Their difference, on one grey scale.
    step : float, optional
        Step of the values where the maps were stored as integers: noise that it hides cannot show a mask.

    Returns
    -------
    MaskTrace
        What was found.
    """
    sphere = _sphere(first.shape[0])
    value, region = _constant_region(first, second)
    thick = _eroded(region)
    hidden = step > 0 and _near_edge(noise, thick) < step
    if (thick & sphere).sum() >= FEWEST * sphere.sum() and not hidden:
        kept = 1.0 - float(region.mean())
        profile = _profile(noise, region)
        return MaskTrace(region, "constant", kept, value, _edge_width(profile), profile)
    silent = _silent(noise) if noise.any() and not hidden else np.zeros(sphere.shape, bool)
    quiet = _sphere(first.shape[0], QUIET_SPHERE)
    if (silent & quiet).sum() >= FEWEST * quiet.sum():
        return MaskTrace(silent & quiet, "silent", float("nan"), float("nan"), float("nan"), np.zeros(0))
    return MaskTrace(np.zeros(sphere.shape, bool), "", 1.0, float("nan"), float("nan"), np.zeros(0))


def _sphere(size: int, fraction: float = SPHERE) -> np.ndarray:
    axis = (np.arange(size) - size // 2).astype(np.float32)
    squared = axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2
    return squared < (fraction * size) ** 2


def _constant_region(first: np.ndarray, second: np.ndarray) -> tuple[float, np.ndarray]:
    region = np.ones(first.shape, bool)
    common = 0.0
    for half in (first, second):
        values, counts = np.unique(half[_sphere(half.shape[0])], return_counts=True)
        common = float(values[np.argmax(counts)])
        region &= half == np.float32(common)
    return common, region


def _eroded(region: np.ndarray) -> np.ndarray:
    from scipy.ndimage import binary_erosion

    return binary_erosion(region, iterations=EROSION) if region.any() else region


def _near_edge(noise: np.ndarray, region: np.ndarray) -> float:
    """Return the root mean square of noise a few voxels inside what a region leaves."""
    from scipy.ndimage import distance_transform_edt

    if not region.any() or region.all():
        return 0.0
    depth = distance_transform_edt(~region)
    inside = depth > min(8.0, 0.7 * float(depth.max()))
    return float(np.sqrt(np.mean(noise[inside].astype(np.float64) ** 2)))


def _silent(noise: np.ndarray) -> np.ndarray:
    """Return where the coarse half of the shells of noise is silent; the fine half rings when a map is sharpened."""
    from scipy.ndimage import uniform_filter

    size = noise.shape[0]
    coarse = np.where(half_radius(size) <= size // 4, half_transform(noise), 0)
    variance = uniform_filter(real_space(coarse, size).astype(np.float64) ** 2, WINDOW, mode="nearest")
    inside = _sphere(noise.shape[0], QUIET_SPHERE)
    return variance < SILENT * np.quantile(variance[inside], 0.995)


def _profile(noise: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Return the mask by distance from the region outside it, from how the noise rises there."""
    from scipy.ndimage import distance_transform_edt

    depth = np.floor(distance_transform_edt(~region) + 0.5).astype(int)
    count = np.bincount(depth.ravel())
    power = np.bincount(depth.ravel(), noise.astype(np.float64).ravel() ** 2)
    variance = power / np.maximum(count, 1)
    deep = np.arange(count.size) >= max(0.5 * (count.size - 1), 1)
    level = power[deep].sum() / max(count[deep].sum(), 1)
    if level <= 0:
        return np.zeros(0)
    raw = np.sqrt(np.minimum(variance / level, 1.0))
    return np.minimum(np.maximum.accumulate(raw), 1.0)


def _edge_width(profile: np.ndarray) -> float:
    if profile.size < 2:
        return float("nan")
    shell = np.arange(profile.size, dtype=np.float64)
    low, high = (np.interp(level, profile, shell) for level in (0.1, 0.9))
    return float(high - low)


def predicted_leak(trace: MaskTrace, power: np.ndarray, last: int, seed: int = 0) -> np.ndarray:
    """Return what a mask leaks into every shell from those up to one, by masking noise of their spectrum.

    Parameters
    ----------
    trace : MaskTrace
        Trace of a constant region with its profile.
    power : ndarray, (n // 2 + 1,), float64
        Power per coefficient of the masked map.
    last : int
        The last shell that holds power of its own.
    seed : int, optional
        Seed of the noise.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        Power per coefficient, scaled to that of the map over the shells up to `last`; zero where no profile is known.

    Notes
    -----
    A mask m turns noise of spectrum N into one of spectrum N * abs(M)^2. The convolution is done by multiplying a draw
    of such noise by the mask as the map itself shows it.
    """
    size = trace.outside.shape[0]
    if not trace.profile.size:
        return np.zeros(size // 2 + 1)
    shape = np.sqrt(np.append(np.where(np.arange(power.size) <= last, power, 0.0), 0.0))
    return _masked_power(trace, shape, power, last, seed)


def _masked_power(trace: MaskTrace, shape: np.ndarray, power: np.ndarray, last: int, seed: int) -> np.ndarray:
    size = trace.outside.shape[0]
    white = half_transform(np.random.default_rng(seed).standard_normal((size,) * 3, dtype=np.float32))
    drawn = real_space(white * shape[shell_index(size)].astype(np.float32), size) * mask_of(trace)
    leaked = shell_power(half_transform(drawn.astype(np.float32))) / n_coefficients(size)
    within = slice(2, max(last - 1, 3))
    return leaked * float(power[within].sum() / max(leaked[within].sum(), np.finfo(float).tiny))


def mask_of(trace: MaskTrace) -> np.ndarray:
    """Return the mask that a trace tells of.

    Parameters
    ----------
    trace : MaskTrace
        Trace of a constant region with its profile.

    Returns
    -------
    ndarray, (n, n, n), float32
        Between 0 and 1: the profile at every voxel's distance from the constant region.
    """
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(~trace.outside)
    return np.interp(depth, np.arange(trace.profile.size), trace.profile).astype(np.float32)
