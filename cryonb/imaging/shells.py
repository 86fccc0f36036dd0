"""Shells of Fourier space: sums over them, the correlation of two maps on them, and the thresholds of that curve.

Shell s holds the coefficients with round(abs(k)) = s, abs(k) in units of the index. Sums are over the full sphere:
a half-complex transform stores one of each conjugate pair, so its inner coefficients count twice.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from ..backends import backend_of
from .fourier import half_radius
from .slabs import slabs

SLAB_COEFFICIENTS = 1 << 17
"""Coefficients that are summed at a time: they fit the cache, and bound the memory of a shell sum."""


@lru_cache(maxsize=4)
def shell_index(size: int) -> np.ndarray:
    """Return the shell of every coefficient of a half-complex transform.

    Parameters
    ----------
    size : int
        Voxels along an edge.

    Returns
    -------
    ndarray, (n, n, n // 2 + 1), int32
        floor(abs(k) + 1/2) up to n // 2; the corners beyond hold n // 2 + 1. Shared and read-only.

    Examples
    --------
    >>> shell_index(8)[0, 0]
    array([0, 1, 2, 3, 4], dtype=int32)
    """
    index = np.floor(half_radius(size) + np.float32(0.5)).astype(np.int32)
    np.minimum(index, size // 2 + 1, out=index)
    index.setflags(write=False)
    return index


@lru_cache(maxsize=4)
def index_on(backend: Any, size: int) -> Any:
    """Return the shell of every coefficient of a half-complex transform, where the transform lives.

    Parameters
    ----------
    backend : Backend
        Where; the table is taken there once.
    size : int
        Voxels along an edge.

    Returns
    -------
    array, (n, n, n // 2 + 1), int32
        As `shell_index` gives it; shared.
    """
    return backend.upload(shell_index(size))


@lru_cache(maxsize=16)
def n_coefficients(size: int) -> np.ndarray:
    """Return the number of coefficients of the full transform on every shell.

    Parameters
    ----------
    size : int
        Voxels along an edge.

    Returns
    -------
    ndarray, (n // 2 + 1,), int64
        Counts; conjugate pairs count as two. Shared and read-only.

    Examples
    --------
    >>> n_coefficients(8)
    array([  1,  18,  62,  98, 171])
    """
    counts = np.round(shell_sums(np.broadcast_to(np.float32(1.0), shell_index(size).shape), size)).astype(np.int64)
    counts.setflags(write=False)
    return counts


def shell_sums(values: Any, size: int) -> np.ndarray:
    """Return sums over shells of real values that a half-complex transform's coefficients carry.

    Parameters
    ----------
    values : array, (n, n, n // 2 + 1), float
        A value for every coefficient, equal for conjugate pairs.
    size : int
        Voxels along an edge.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        Sums over the full sphere; corners beyond shell n // 2 are left out.
    """
    backend = backend_of(values)
    index = index_on(backend, size)
    total = sum(_slab_sums(values[slab], index[slab], size, backend.xp) for slab in _slabs(size, backend))
    return backend.download(total)[: size // 2 + 1]


def _slabs(size: int, backend: Any) -> list[slice]:
    plane = size * (size // 2 + 1)
    return slabs(size, 8.0 * plane, backend, max(1, SLAB_COEFFICIENTS // plane))


def _slab_sums(values: Any, index: Any, size: int, xp: Any) -> Any:
    def over(part: Any) -> Any:
        return xp.bincount(index[..., part].ravel(), values[..., part].ravel(), minlength=size // 2 + 2)

    single = over(slice(0, 1)) + (over(slice(-1, None)) if size % 2 == 0 else 0.0)
    return 2.0 * over(slice(None)) - single


def shell_power(transform: Any) -> np.ndarray:
    """Return the sum of squared amplitudes on every shell.

    Parameters
    ----------
    transform : array, (n, n, n // 2 + 1), complex
        Half-complex transform.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        Power; divide by `n_coefficients` for the mean of a shell.
    """
    size = transform.shape[0]
    return _sums_of_products(((transform, transform),), size)[0]


def shell_amplitude(transform: Any) -> np.ndarray:
    """Return the mean amplitude on every shell.

    Parameters
    ----------
    transform : array, (n, n, n // 2 + 1), complex
        Half-complex transform.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        Mean of abs(F).
    """
    size = transform.shape[0]
    return shell_sums(backend_of(transform).xp.abs(transform), size) / n_coefficients(size)


def _sums_of_products(pairs: tuple, size: int) -> list[np.ndarray]:
    backend = backend_of(pairs[0][0])
    xp, index = backend.xp, index_on(backend, size)
    totals = [0.0] * len(pairs)
    for slab in _slabs(size, backend):
        for number, (first, second) in enumerate(pairs):
            one, other = first[slab], second[slab]
            product = xp.multiply(one.real, other.real, dtype=np.float64)
            product += xp.multiply(one.imag, other.imag, dtype=np.float64)
            totals[number] = totals[number] + _slab_sums(product, index[slab], size, xp)
    return list(backend.download(xp.stack(totals))[:, : size // 2 + 1])


def fourier_shell_correlation(first: Any, second: Any) -> np.ndarray:
    """Return the correlation of two maps on every shell.

    Parameters
    ----------
    first, second : array, (n, n, n // 2 + 1), complex
        Half-complex transforms of the maps.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        Correlation; NaN on shells where one of the maps has no power at all.

    Notes
    -----
    FSC(s) = sum Re(A conj B) / sqrt(sum abs(A)^2 sum abs(B)^2), summed over the full sphere.

    References
    ----------
    Harauz & van Heel (1986), Optik 73, 146-156

    Examples
    --------
    >>> from cryonb.imaging.fourier import half_transform
    >>> map_hat = half_transform(np.random.default_rng(0).normal(size=(8, 8, 8)))
    >>> fourier_shell_correlation(map_hat, -map_hat)
    array([-1., -1., -1., -1., -1.])
    """
    pairs = ((first, second), (first, first), (second, second))
    cross, power_first, power_second = _sums_of_products(pairs, first.shape[0])
    return correlation(cross, power_first, power_second)


def correlation(cross: np.ndarray, power_first: np.ndarray, power_second: np.ndarray) -> np.ndarray:
    """Return correlations from sums; NaN where there is no power.

    Parameters
    ----------
    cross, power_first, power_second : ndarray, (n // 2 + 1,), float64
        Sums of products and of squares.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        cross / sqrt(power_first power_second).
    """
    scale = np.sqrt(power_first * power_second)
    return np.divide(cross, scale, out=np.full(cross.shape, np.nan), where=scale > 0)


def rounding_floor(power: np.ndarray, size: int) -> float:
    """Return the power per coefficient below which a map stored as float32 says nothing.

    Parameters
    ----------
    power : ndarray, (n // 2 + 1,), float64
        Power on every shell of the map, from `shell_power`.
    size : int
        Voxels along an edge.

    Returns
    -------
    float
        Floor, in the unit of power per coefficient.

    Notes
    -----
    eps^2 sum_x f(x)^2 with eps the spacing of float32 at 1: each voxel carries an independent error of at most half
    of eps times its value, and the error's power spreads evenly over all coefficients. By Parseval's theorem the
    sum is that of abs(F)^2 / n^3; corners hold little and are left out.
    """
    return float(np.finfo(np.float32).eps) ** 2 * float(np.sum(power)) / size**3


def crossing(curve: np.ndarray, threshold: float | np.ndarray, valid: np.ndarray | None = None) -> float:
    """Return where a curve first falls through a threshold.

    Parameters
    ----------
    curve : ndarray, (n // 2 + 1,), float64
        Correlation on every shell; NaN where there is none.
    threshold : float or ndarray, (n // 2 + 1,), float64
        Threshold, one for all shells or one a shell.
    valid : ndarray, (n // 2 + 1,), bool, optional
        Shells that hold data; the others, shell 0 and those without a number are passed over.

    Returns
    -------
    float
        Fractional shell, interpolated linearly between two neighbouring valid shells; NaN if the curve never falls
        through the threshold: it stays below it, or above it to the end of the data.

    Notes
    -----
    The first shells hold few coefficients: where the curve starts below, it is followed from where it rises above.

    Examples
    --------
    >>> crossing(np.array([1.0, 0.9, 0.5, 0.1]), 0.3)
    2.5
    >>> crossing(np.array([1.0, 0.9, 0.5, 0.4]), 0.3)
    nan
    """
    excess = np.asarray(curve, dtype=np.float64) - threshold
    usable = np.isfinite(excess) if valid is None else np.isfinite(excess) & valid
    shells = np.flatnonzero(usable)
    shells = shells[shells > 0]
    falls = np.flatnonzero((excess[shells[1:]] < 0) & (excess[shells[:-1]] >= 0))
    if falls.size == 0:
        return float("nan")
    last, first = shells[falls[0]], shells[falls[0] + 1]
    return float(last + (first - last) * excess[last] / (excess[last] - excess[first]))


def independent_coefficients(size: int, symmetry_order: int = 1, volume_fraction: float = 1.0) -> np.ndarray:
    """Return how many independent coefficients every shell holds.

    Parameters
    ----------
    size : int
        Voxels along an edge.
    symmetry_order : int, optional
        Number of symmetry operators.
    volume_fraction : float, optional
        Fraction of the box that holds independent voxels: 1 without a mask.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        n volume_fraction / (2 symmetry_order), at least 1: the conjugate half and symmetry copies are not independent,
        and neighbours are correlated where the map fills only a part of the box.

    References
    ----------
    van Heel & Schatz (2005), doi:10.1016/j.jsb.2005.05.009
    """
    return np.maximum(n_coefficients(size) * (volume_fraction / (2.0 * symmetry_order)), 1.0)


def half_bit(independent: np.ndarray) -> np.ndarray:
    """Return the half-bit threshold: half a bit of information a coefficient in the average of both halves.

    Parameters
    ----------
    independent : ndarray, (n // 2 + 1,), float64
        Independent coefficients of every shell.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        (0.2071 + 1.9102 / sqrt(m)) / (1.2071 + 0.9102 / sqrt(m)), at most 1.

    References
    ----------
    van Heel & Schatz (2005), doi:10.1016/j.jsb.2005.05.009

    Examples
    --------
    >>> half_bit(np.array([1e12])).round(3)
    array([0.172])
    """
    root = np.sqrt(independent)
    return np.minimum((0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root), 1.0)


def three_sigma(independent: np.ndarray) -> np.ndarray:
    """Return the three-sigma threshold: three standard deviations of the correlation of pure noise.

    Parameters
    ----------
    independent : ndarray, (n // 2 + 1,), float64
        Independent coefficients of every shell.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        3 / sqrt(m), at most 1.

    References
    ----------
    van Heel & Schatz (2005), doi:10.1016/j.jsb.2005.05.009

    Examples
    --------
    >>> three_sigma(np.array([900.0]))
    array([0.1])
    """
    return np.minimum(3.0 / np.sqrt(independent), 1.0)
