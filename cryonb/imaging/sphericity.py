"""How round a region of space is: its surface against that of the ball of the same volume."""

import math
from collections.abc import Callable

import numpy as np

BLUR = 1.0
"""Low-pass of a volume before its surface is measured [voxel]."""

WIDTH = 1.5
"""Distance from the surface up to which voxels count for it [voxel]: no staircase of voxels enters."""

MARGIN = 4
"""Voxels that are added around the grid, so that a region which touches its faces is closed."""

SMALLEST = 30.0
"""Volume below which a region has too few voxels for a surface [voxel]."""


def sphericity(volume: np.ndarray, level: float, tick: Callable[[float], None] | None = None) -> float:
    """Return the sphericity of the region where a smooth volume exceeds a level.

    Parameters
    ----------
    volume : ndarray, (n, n, n), float32
        Values; NaN counts as zero.
    level : float
        Value at the surface.
    tick : callable, optional
        Called with the fraction done.

    Returns
    -------
    float
        1 for a ball, less for any other shape; NaN for a region of less than 30 voxels.

    Notes
    -----
    Psi = surface of the ball of equal volume / surface of the region, after a Gaussian low-pass of one voxel. A voxel
    lies about phi = (f - level) / abs(grad f) from the surface. A step h that rises smoothly from 0 to 1 between
    phi = -w and w has the volume sum h and, by the coarea formula, the surface sum abs(grad h), w = 1.5 voxels. The
    ball goes the same way, so that the grid's own error cancels.

    References
    ----------
    Wadell (1935), doi:10.1086/624298; Tan et al. (2017), doi:10.1038/nmeth.4347
    """
    padded = np.pad(np.nan_to_num(volume, nan=0.0).astype(np.float32), MARGIN)
    filled, area = _volume_and_surface(padded, level, tick or _silent)
    del padded
    if filled < SMALLEST or area == 0:
        return math.nan
    ball_filled, ball_area = _volume_and_surface(_ball((0.75 * filled / math.pi) ** (1.0 / 3.0)), 0.5, _silent)
    return ball_area * (filled / ball_filled) ** (2.0 / 3.0) / area


def _volume_and_surface(values: np.ndarray, level: float, tick: Callable[[float], None]) -> tuple[float, float]:
    from scipy.ndimage import gaussian_filter

    values = gaussian_filter(values, BLUR, mode="constant")
    slope = np.zeros_like(values)
    for axis in range(3):
        slope += np.gradient(values, axis=axis) ** 2
        tick(0.1 * (axis + 1))
    values -= np.float32(level)
    values /= np.sqrt(slope, out=slope) + np.float32(1e-6)
    phase = np.clip(values, -WIDTH, WIDTH, out=values) * np.float32(math.pi / WIDTH)
    step = 0.5 + (0.5 / math.pi) * (phase + np.sin(phase))
    slope[:] = 0.0
    for axis in range(3):
        slope += np.gradient(step, axis=axis) ** 2
        tick(0.4 + 0.1 * (axis + 1))
    return float(step.sum(dtype=np.float64)), float(np.sqrt(slope, out=slope).sum(dtype=np.float64))


def _ball(radius: float) -> np.ndarray:
    half = math.ceil(radius) + MARGIN
    axis = np.arange(-half, half + 1, dtype=np.float32) ** 2
    distance = np.sqrt(axis[:, None, None] + axis[None, :, None] + axis[None, None, :])
    return np.clip(np.float32(radius + 0.5) - distance, 0.0, 1.0)


def _silent(fraction: float) -> None:
    """Report nothing."""
