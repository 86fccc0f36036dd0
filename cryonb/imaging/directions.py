"""Directions without a sign, spread evenly over half the sphere, and the middle of a crowd of them.

The two coefficients of a conjugate pair lie in opposite directions and hold the same number, so that a direction of
Fourier space and its opposite are one. A direction is a unit vector with components x, y, z.
"""

import math

import numpy as np


def healpix_resolution(count: int) -> int:
    """Return the HEALPix resolution whose pixels without a sign come nearest to a wanted number.

    Parameters
    ----------
    count : int
        Wanted number of directions.

    Returns
    -------
    int
        N of 6 N^2 directions, at least 1; the ring scheme needs no power of two.

    Examples
    --------
    >>> [6 * healpix_resolution(count) ** 2 for count in (6, 100, 500)]
    [6, 96, 486]
    """
    return max(1, min((math.isqrt(count // 6) + step for step in (0, 1)), key=lambda n: abs(6 * n * n - count)))


def healpix_hemisphere(resolution: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the centres of the HEALPix pixels of half a sphere, and the edges of their rings.

    Parameters
    ----------
    resolution : int
        N: every base pixel is cut into N x N.

    Returns
    -------
    rot, tilt : ndarray, (6 N^2,), float64
        Centres [degree], ring by ring from the pole; one half of the equator stands for all of it.
    edges : ndarray, (6 N^2, 2), float64
        Tilts half way to the rings before and after [degree]; the last ring reaches past the equator.

    Notes
    -----
    Ring i of the cap, i < N: 4 i pixels at z = 1 - i^2 / (3 N^2), phi = (j - 1/2) pi / (2 i), j = 1..4 i.
    Ring i of the belt, N <= i <= 2 N: 4 N pixels at z = 4/3 - 2 i / (3 N), phi = (j - s/2) pi / (2 N) with
    s = (i - N + 1) mod 2. All pixels have the same area.

    References
    ----------
    Górski et al. (2005), doi:10.1086/427976

    Examples
    --------
    >>> healpix_hemisphere(1)[1].round(1)
    array([48.2, 48.2, 48.2, 48.2, 90. , 90. ])
    """
    rots, tilts = [], []
    for ring in range(1, 2 * resolution + 1):
        cap = ring < resolution
        cells = 4 * min(ring, resolution)
        height = 1.0 - ring**2 / (3.0 * resolution**2) if cap else 4.0 / 3.0 - 2.0 * ring / (3.0 * resolution)
        shift = 1 if cap else (ring - resolution + 1) % 2
        kept = cells if ring < 2 * resolution else cells // 2
        rots.append((np.arange(1, kept + 1) - 0.5 * shift) * 360.0 / cells)
        tilts.append(math.degrees(math.acos(height)))
    between = [0.0, *(0.5 * (low + high) for low, high in zip(tilts[:-1], tilts[1:]))]
    between.append(180.0 - between[-1])
    sizes = [len(rot) for rot in rots]
    edges = np.repeat(np.stack([between[:-1], between[1:]], axis=1), sizes, axis=0)
    rot = np.concatenate(rots)
    return np.where(rot > 180.0, rot - 360.0, rot), np.repeat(tilts, sizes), edges


def unit_vectors(rot: np.ndarray, tilt: np.ndarray) -> np.ndarray:
    """Return unit vectors of angles.

    Parameters
    ----------
    rot, tilt : array_like, (n,), float
        Angle about z and angle from z [degree].

    Returns
    -------
    ndarray, (n, 3), float64
        Components x, y, z.

    Examples
    --------
    >>> unit_vectors([90.0], [90.0]).round(6) + 0.0
    array([[0., 1., 0.]])
    """
    rot, tilt = np.deg2rad(np.asarray(rot, float)), np.deg2rad(np.asarray(tilt, float))
    return np.stack([np.sin(tilt) * np.cos(rot), np.sin(tilt) * np.sin(rot), np.cos(tilt)], axis=-1)


def angles_of(direction: np.ndarray) -> tuple[float, float]:
    """Return the angles of a direction without a sign.

    Parameters
    ----------
    direction : ndarray, (3,), float64
        Components x, y, z, of any length but zero.

    Returns
    -------
    tuple of float
        rot from -180 to 180 and tilt from 0 to 90 [degree]; rot is zero along z.

    Examples
    --------
    >>> angles_of(np.array([0.0, 0.0, -2.0])), angles_of(np.array([0.0, -1.0, 0.0]))
    ((0.0, 0.0), (-90.0, 90.0))
    """
    x, y, z = direction if direction[2] >= 0 else -np.asarray(direction)
    aside = math.hypot(x, y)
    return (math.degrees(math.atan2(y, x)) if aside > 1e-9 else 0.0), math.degrees(math.atan2(aside, z))


def middle_axis(directions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the axis that a crowd of directions without a sign lies about.

    Parameters
    ----------
    directions : ndarray, (n, 3), float64
        Unit vectors.
    weights : ndarray, (n,), float64
        Weight of each, not all zero.

    Returns
    -------
    ndarray, (3,), float64
        Unit vector d, z >= 0, for which sum w (v . d)^2 is largest.

    Examples
    --------
    >>> middle_axis(np.array([[0.6, 0.0, 0.8], [0.6, 0.0, -0.8]]), np.ones(2)).round(6) + 0.0
    array([0., 0., 1.])
    """
    tensor = (directions * weights[:, None]).T @ directions
    axis = np.linalg.eigh(tensor)[1][:, -1]
    return axis if axis[2] >= 0 else -axis
