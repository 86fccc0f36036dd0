"""Traces of upsampling: a cube of data in a larger transform, and replicas of a spectrum beside it."""

import dataclasses
from typing import Any

import numpy as np

from .fourier import half_indices, half_radius, real_space

STEP = 0.4
"""Decades by which power at one abs(k) drops across the faces of a cube, at least; untouched maps stay below 0.25."""

HALVED = 0.3
"""Decades that the outermost plane of a cube lies below the next one where it is the old Nyquist plane, shared between
both of its ends; a quarter of the power is left then."""

REPLICA = 0.15
"""Correlation of a spectrum with its shifted self, at least, along all three axes."""

REPLICA_CONTRAST = 2.0
"""A replica's correlation is above that at neighbouring shifts by this factor."""


@dataclasses.dataclass(frozen=True)
class Upsampling:
    """What a map betrays of an earlier, coarser sampling.

    Attributes
    ----------
    size : int
        Voxels along an edge before; 0 where there is no trace.
    how : str
        "Fourier padding", "interpolation", or nothing.
    strength : float
        Step in decades, or correlation of the replicas.
    """

    size: int
    how: str
    strength: float


def cube_step(transform: Any) -> tuple[int, float]:
    """Return the face of a cube across which power drops although abs(k) stays the same.

    Parameters
    ----------
    transform : ndarray, (n, n, n // 2 + 1), complex
        Half-complex transform.

    Returns
    -------
    face : int
        Largest index on any axis that still holds its full power.
    decades : float
        The median drop over all abs(k) past the face [decades].

    Notes
    -----
    The data of a reconstruction lie in a sphere and a spectrum hardly depends on direction; a transform that was padded
    keeps its old cube, whose corners reach past every face.
    """
    size = transform.shape[0]
    logs = _log_by_face(transform)
    radii = logs.shape[1]
    best, strongest = 0, 0.0
    for face in range(4, size // 2 - 2):
        inside, outside = logs[face - 1 : face + 1].mean(axis=0), logs[face + 1 : face + 3].mean(axis=0)
        usable = np.isfinite(inside) & np.isfinite(outside) & (np.arange(radii) > face + 2)
        drop = float(np.median((inside - outside)[usable])) if usable.sum() > 2 else 0.0
        if drop > strongest:
            best, strongest = face, drop
    return (best - 1 if best and _is_shared(logs, best) else best), strongest


def _is_shared(logs: np.ndarray, face: int) -> bool:
    """Return whether a face is a Nyquist plane that was shared between its two ends."""
    below = logs[face - 1] - logs[face]
    usable = np.isfinite(below) & (np.arange(below.size) > face + 2)
    return usable.sum() > 2 and float(np.median(below[usable])) > HALVED


def _log_by_face(transform: Any) -> np.ndarray:
    size = transform.shape[0]
    kz, ky, kx = (np.abs(index) for index in half_indices(size))
    face = np.maximum(np.maximum(kz, ky), kx)
    radius = np.floor(half_radius(size) + np.float32(0.5)).astype(np.int64)
    radii = int(radius.max()) + 1
    cell = (face * radii + radius).ravel()
    power = (transform.real.astype(np.float64) ** 2 + transform.imag.astype(np.float64) ** 2).ravel()
    shape = (size // 2 + 1, radii)
    total = np.bincount(cell, power, minlength=shape[0] * radii).reshape(shape)
    count = np.bincount(cell, minlength=shape[0] * radii).reshape(shape)
    mean = np.divide(total, count, out=np.full(shape, np.nan), where=count > 0)
    return np.log10(np.maximum(mean, np.finfo(float).tiny))


def replica_correlation(transform: Any) -> np.ndarray:
    """Return the correlation of a spectrum with itself shifted along each axis.

    Parameters
    ----------
    transform : ndarray, (n, n, n // 2 + 1), complex
        Half-complex transform.

    Returns
    -------
    ndarray, (3, n // 2 + 1), float64
        For shifts 0..n // 2 along z, y, x; 1 at no shift.

    Notes
    -----
    Every shell is brought to the same power first, so that weak replicas count as much as the spectrum itself. The sum
    over k of F(k) conj F(k - g) is the transform at g of the squared map: one projection per axis gives all shifts.
    """
    size = transform.shape[0]
    radius = np.floor(half_radius(size) + np.float32(0.5)).astype(np.int64)
    power = (transform.real.astype(np.float64) ** 2 + transform.imag.astype(np.float64) ** 2).ravel()
    mean = np.bincount(radius.ravel(), power) / np.maximum(np.bincount(radius.ravel()), 1)
    scale = 1.0 / np.sqrt(np.maximum(mean, np.finfo(float).tiny))
    squared = real_space((transform * scale[radius]).astype(np.complex64), size).astype(np.float64) ** 2
    lines = np.stack([squared.sum(axis=pair) for pair in ((1, 2), (0, 2), (0, 1))])
    spectrum = np.abs(np.fft.rfft(lines, axis=1))
    return spectrum / spectrum[:, :1]


def find_upsampling(transform: Any) -> Upsampling:
    """Return the trace of an earlier sampling that a map keeps.

    Parameters
    ----------
    transform : ndarray, (n, n, n // 2 + 1), complex
        Half-complex transform, best of the difference of half maps.

    Returns
    -------
    Upsampling
        The stronger of the two traces, or none.
    """
    size = transform.shape[0]
    face, decades = cube_step(transform)
    if decades >= STEP:
        return Upsampling(2 * (face + 1), "Fourier padding", decades)
    common = replica_correlation(transform).min(axis=0)
    shifts = np.arange(size // 6, size // 2 + 1)
    shift = int(shifts[np.argmax([_contrast(common, shift) for shift in shifts])])
    if common[shift] < REPLICA or _contrast(common, shift) < REPLICA_CONTRAST:
        return Upsampling(0, "", float(common[shift]))
    coarse = shift if shift >= 0.48 * size or common[shift] > 0.6 else size - shift
    return Upsampling(coarse, "interpolation", float(common[shift]))


def _contrast(common: np.ndarray, shift: int) -> float:
    around = [common[at] for step in (3, 4, 5, 6) for at in (shift - step, shift + step) if 0 < at < common.size]
    return float(common[shift] / max(np.median(around), 1e-3)) if common[shift] >= REPLICA else 0.0
