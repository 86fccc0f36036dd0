"""Preparation of particle images: background normalisation, soft window, and the move of the origin."""

from functools import lru_cache
from typing import Any

import numpy as np

from ..backends import backend_of
from .fourier import half_indices

BACKGROUND_RADIUS = 0.75
"""Pixels further from the centre than this fraction of half the box are taken as background."""


def normalise(images: Any) -> Any:
    """Return images whose background has mean 0 and standard deviation 1.

    Parameters
    ----------
    images : array, (m, n, n), float32
        Images.

    Returns
    -------
    array, (m, n, n), float32
        Normalised images; one without any variation is only shifted.
    """
    backend = backend_of(images)
    xp = backend.xp
    pixels = images[:, *_background(backend, images.shape[-1])]
    mean = pixels.mean(axis=1, dtype=np.float64)
    deviation = pixels.std(axis=1, dtype=np.float64)
    deviation = xp.where(deviation > 0, deviation, 1.0)
    return ((images - mean[:, None, None]) / deviation[:, None, None]).astype(np.float32)


@lru_cache(maxsize=4)
def _background(backend: Any, size: int) -> tuple[Any, Any]:
    """Return rows and columns of the pixels that are taken as background."""
    return tuple(map(backend.upload, np.nonzero(_radius(size) > BACKGROUND_RADIUS)))


def soft_window(size: int, inner: float, outer: float) -> np.ndarray:
    """Return a circular window with a cosine edge.

    Parameters
    ----------
    size : int
        Pixels along an edge.
    inner, outer : float
        Radii where the edge starts and ends, as fractions of half the box.

    Returns
    -------
    ndarray, (n, n), float32
        One inside `inner`, zero outside `outer`.
    """
    ramp = np.clip((_radius(size) - inner) / (outer - inner), 0.0, 1.0)
    return (0.5 + 0.5 * np.cos(np.pi * ramp)).astype(np.float32)


def _radius(size: int) -> np.ndarray:
    line = (np.arange(size) - size // 2) / (size / 2)
    return np.hypot(line[:, None], line[None, :])


def displacement(shift_x: Any, shift_y: Any, size: int, origin: int, pixels: int, xp: Any = np) -> tuple[Any, Any]:
    """Return the phase factors that centre images whose transform was taken from their first pixel.

    Parameters
    ----------
    shift_x, shift_y : array_like, (m,), float64
        Displacement that centres each image, as a fraction of the box length.
    size : int
        Pixels along an edge of the half transform.
    origin : int
        Pixel of the centre in the transformed image.
    pixels : int
        Pixels along an edge of the transformed image.
    xp : module, optional
        Array module of the result.

    Returns
    -------
    along_y : array, (m, n), complex64
        Factors of the rows.
    along_x : array, (m, n // 2 + 1), complex64
        Factors of the columns.

    Notes
    -----
    The image is the slice times exp(+2 pi i k.shift); a transform taken from pixel 0 in place of the centre carries
    exp(-2 pi i k origin / n) as well. Both are undone.
    """
    ky, kx = (xp.asarray(index.ravel()) for index in half_indices(size, 2))
    centre = origin / pixels
    along_y = xp.exp(2j * np.pi * (centre - xp.asarray(shift_y, dtype=np.float64))[:, None] * ky)
    along_x = xp.exp(2j * np.pi * (centre - xp.asarray(shift_x, dtype=np.float64))[:, None] * kx)
    return along_y.astype(np.complex64), along_x.astype(np.complex64)
