"""Fourier transforms with the origin in the middle of the array, and changes of sampling.

Half-complex transforms are [kz, ky, kx >= 0] in the order of the FFT (zero frequency first).
"""

from typing import Any

import numpy as np

from ..backends import backend_of


def half_transform(array: Any, dims: int = 3) -> Any:
    """Return the half-complex Fourier transform over the last axes, with the origin at n // 2.

    Parameters
    ----------
    array : array, (..., n, n, n) or (..., n, n), float
        Real data.
    dims : int, optional
        How many trailing axes to transform.

    Returns
    -------
    array, (..., n, n, n // 2 + 1), complex
        F(k) = sum_x f(x) exp(-2 pi i k.x / n), unnormalised.
    """
    backend = backend_of(array)
    axes = tuple(range(-dims, 0))
    return backend.fft.rfftn(backend.xp.fft.ifftshift(array, axes=axes), axes=axes)


def real_space(transform: Any, size: int, dims: int = 3) -> Any:
    """Return the real data of a half-complex transform; the inverse of `half_transform`.

    Parameters
    ----------
    transform : array, (..., n, n, n // 2 + 1), complex
        Half-complex transform.
    size : int
        Samples along the last axis.
    dims : int, optional
        How many trailing axes to transform.

    Returns
    -------
    array, (..., n, n, n), float
        Real data with the origin at n // 2.
    """
    backend = backend_of(transform)
    axes = tuple(range(-dims, 0))
    shape = (*transform.shape[-dims:-1], size)
    return backend.xp.fft.fftshift(backend.fft.irfftn(transform, s=shape, axes=axes), axes=axes)


def half_indices(size: int, dims: int = 3) -> tuple:
    """Return the signed frequency indices of a half-complex transform, one broadcastable array an axis.

    Parameters
    ----------
    size : int
        Samples along an edge.
    dims : int, optional
        Number of axes.

    Returns
    -------
    tuple of ndarray of int
        (kz, ky, kx) or (ky, kx); the Nyquist index of an even size is -n / 2, along the half axis +n / 2.
    """
    signed = np.fft.ifftshift(np.arange(size) - size // 2)
    half = np.arange(size // 2 + 1)
    return tuple(np.ix_(*[signed] * (dims - 1), half))


def half_radius(size: int, dims: int = 3) -> np.ndarray:
    """Return the distance from the origin of every coefficient of a half-complex transform.

    Parameters
    ----------
    size : int
        Samples along an edge.
    dims : int, optional
        Number of axes.

    Returns
    -------
    ndarray, (n, n, n // 2 + 1) or (n, n // 2 + 1), float32
        abs(k) in units of the index.
    """
    return np.sqrt(sum(index.astype(np.float32) ** 2 for index in half_indices(size, dims)))


def resize(array: Any, size: int, dims: int = 3) -> Any:
    """Return the data on another number of samples over the same field of view, by Fourier cropping or zero-padding.

    Parameters
    ----------
    array : array, (..., n, n, n) or (..., n, n), float
        Real data.
    size : int
        Wanted samples along an edge.
    dims : int, optional
        How many trailing axes to resize.

    Returns
    -------
    array, (..., size, size, size), float32
        Data with the same grey scale; the Nyquist lines of an even size are dropped.
    """
    old = array.shape[-1]
    if size == old:
        return array
    cropped = crop_half_transform(half_transform(array, dims), old, size, dims)
    return real_space(cropped * (size / old) ** dims, size, dims).astype(np.float32)


def crop_half_transform(transform: Any, old: int, size: int, dims: int = 3) -> Any:
    """Return the coefficients that two samplings of the same field of view share; all others are zero.

    Parameters
    ----------
    transform : array, (..., old, old, old // 2 + 1), complex
        Half-complex transform.
    old : int
        Samples along an edge of the transformed data.
    size : int
        Samples along an edge of the wanted data.
    dims : int, optional
        Number of transformed axes.

    Returns
    -------
    array, (..., size, size, size // 2 + 1), complex
        Half-complex transform of the wanted size, in the same units.
    """
    xp = backend_of(transform).xp
    common = min(old, size)
    positive = (common + 1) // 2
    shape = (*transform.shape[: transform.ndim - dims], *[size] * (dims - 1), size // 2 + 1)
    result = xp.zeros(shape, transform.dtype)
    ends = [
        (slice(0, positive), slice(0, positive)),
        (slice(old - positive + 1, old), slice(size - positive + 1, size)),
    ]
    for corner in np.ndindex(*[2] * (dims - 1)):
        picked = [ends[end] for end in corner]
        source = (..., *[pair[0] for pair in picked], slice(0, positive))
        destination = (..., *[pair[1] for pair in picked], slice(0, positive))
        result[destination] = transform[source]
    return result
