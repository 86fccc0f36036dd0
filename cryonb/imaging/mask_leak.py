"""What a mask does to a correlation, and the two ways around it: random phases, and masking after the shell is cut out.

A mask convolves the transform, so strong shells leak into weak ones, the same way in both half maps.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..backends import backend_of
from .fourier import half_transform, real_space
from .shells import correlation, fourier_shell_correlation, index_on, shell_index

SETTLED = 2
"""Shells past the randomisation shell from which the correction applies: the boundary itself leaks from both sides."""


def randomise_phases(transform: Any, from_shell: int, rng: np.random.Generator) -> Any:
    """Return a transform with the phases from one shell on replaced by those of white noise.

    Parameters
    ----------
    transform : array, (n, n, n // 2 + 1), complex
        Half-complex transform of a real map.
    from_shell : int
        First shell, included, whose phases are replaced; the corners beyond shell n // 2 are as well.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    array, (n, n, n // 2 + 1), complex
        Transform of a real map with the same amplitudes. Noise that is real brings phases with the right symmetry.
    """
    backend = backend_of(transform)
    xp, size = backend.xp, transform.shape[0]
    noise = half_transform(xp.asarray(rng.standard_normal((size, size, size), dtype=np.float32)))
    noise *= xp.abs(transform) / xp.maximum(xp.abs(noise), np.finfo(np.float32).tiny)
    return xp.where(index_on(backend, size) < from_shell, transform, noise.astype(transform.dtype, copy=False))


def phase_randomised_correlation(
    first: Any, second: Any, mask: Any, from_shell: int, rngs: Iterable[np.random.Generator]
) -> np.ndarray:
    """Return the correlation that a mask makes where there is none: of masked maps with random phases.

    Parameters
    ----------
    first, second : array, (n, n, n // 2 + 1), complex
        Half-complex transforms of the unmasked half maps.
    mask : array, (n, n, n), float32
        Mask between 0 and 1.
    from_shell : int
        First shell, included, whose phases are random.
    rngs : iterable of numpy.random.Generator
        One a draw; the curve is the mean over the draws.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        Correlation.

    References
    ----------
    Chen et al. (2013), doi:10.1016/j.ultramic.2013.06.004
    """
    size = first.shape[0]

    def masked(transform: Any, rng: np.random.Generator) -> Any:
        return half_transform(real_space(randomise_phases(transform, from_shell, rng), size) * mask)

    draws = [fourier_shell_correlation(masked(first, rng), masked(second, rng)) for rng in rngs]
    return np.mean(draws, axis=0)


def correct_for_mask(masked: np.ndarray, randomised: np.ndarray, from_shell: int) -> np.ndarray:
    """Return the masked correlation without the part that the mask made.

    Parameters
    ----------
    masked : ndarray, (n // 2 + 1,), float64
        Correlation of the masked half maps.
    randomised : ndarray, (n // 2 + 1,), float64
        The same after randomising phases.
    from_shell : int
        First shell whose phases were random.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        (FSC_t - FSC_n) / (1 - FSC_n) from two shells past `from_shell`, FSC_t before; NaN where FSC_n is 1.

    References
    ----------
    Chen et al. (2013), doi:10.1016/j.ultramic.2013.06.004

    Examples
    --------
    >>> correct_for_mask(np.array([1.0, 0.9, 0.8, 0.6]), np.array([1.0, 0.9, 0.4, 0.2]), 1)
    array([1. , 0.9, 0.8, 0.5])
    """
    corrected = np.array(masked, dtype=np.float64)
    past = slice(from_shell + SETTLED, None)
    rest = 1.0 - randomised[past]
    corrected[past] = np.divide(masked[past] - randomised[past], rest, out=np.full(rest.shape, np.nan), where=rest > 0)
    return corrected


def modified_correlation(
    first: Any, second: Any, mask: Any, progress: Callable[[float, str], None] | None = None
) -> np.ndarray:
    """Return the correlation under a mask of one shell at a time, which no other shell can leak into.

    Parameters
    ----------
    first, second : array, (n, n, n), float32
        Unmasked half maps.
    mask : array, (n, n, n), float32
        Mask between 0 and 1.
    progress : callable, optional
        Called with the fraction done and a text.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        Correlation; NaN on shells without power under the mask.

    Notes
    -----
    sum m^2 a_s b_s / sqrt(sum m^2 a_s^2 sum m^2 b_s^2), with a_s, b_s the maps filtered to shell s and m the mask.
    Both maps go through one complex transform: a_s is its real part and b_s its imaginary part.

    References
    ----------
    Penczek (2020), doi:10.1107/S2052252520011574
    """
    backend = backend_of(first)
    xp, size = backend.xp, first.shape[0]
    pair = backend.fft.fftn(first + np.complex64(1j) * second)
    shell_of = _full_index(size, xp)
    weight = mask * mask
    sums = xp.zeros((3, size // 2 + 1))
    for shell in range(size // 2 + 1):
        ring = backend.fft.ifftn(xp.where(shell_of == shell, pair, np.complex64(0.0)), overwrite_x=True)
        products = (ring.real * ring.imag, ring.real**2, ring.imag**2)
        sums[:, shell] = xp.stack([(weight * product).sum() for product in products])
        if progress is not None:
            progress((shell + 1) / (size // 2 + 1), f"modified FSC, shell {shell} of {size // 2}")
    return correlation(*backend.download(sums))


def _full_index(size: int, xp: Any) -> Any:
    half = shell_index(size).astype(np.int16)
    opposite = (-np.arange(size)) % size
    inner = half[:, :, 1 : (size + 1) // 2]
    mirrored = inner[opposite][:, opposite, ::-1]
    return xp.asarray(np.concatenate([half, mirrored], axis=2))
