"""The correlation under a mask, without what the mask made of it."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..imaging.fourier import half_transform
from ..imaging.mask_leak import correct_for_mask, phase_randomised_correlation
from ..imaging.shells import crossing, fourier_shell_correlation

RANDOM_BELOW = 0.8
"""Phases are random from the first shell whose unmasked FSC is below this."""

DRAWS = 3
"""Draws of random phases that are averaged."""


def mask_corrected_fsc(run: Any, halves: Any, raw: np.ndarray, mask: Any) -> np.ndarray:
    """Return the correlation of two half maps under a mask, corrected by noise substitution.

    Parameters
    ----------
    run : Run
        Source of randomness, and told of every step.
    halves : array, (2, n, n, n), float32
        Half maps.
    raw : ndarray, (n // 2 + 1,), float64
        Their unmasked correlation; NaN on shells without data.
    mask : array, (n, n, n), float32
        Mask between 0 and 1, where the maps stand.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        (FSC_t - FSC_n) / (1 - FSC_n) from two shells past the first random one, FSC_t before; NaN where `raw` is.

    References
    ----------
    Chen et al. (2013), doi:10.1016/j.ultramic.2013.06.004
    """
    masked = fourier_shell_correlation(*(half_transform(half * mask) for half in halves))
    start = first_random_shell(raw)
    if start:
        transforms = [half_transform(half) for half in halves]
        randomised = phase_randomised_correlation(*transforms, mask, start, _draws(run))
        masked = correct_for_mask(masked, randomised, start)
    return np.where(np.isfinite(raw), masked, np.nan)


def first_random_shell(raw: np.ndarray) -> int:
    """Return the first shell whose phases are replaced.

    Parameters
    ----------
    raw : ndarray, (n // 2 + 1,), float64
        Unmasked correlation.

    Returns
    -------
    int
        The shell; 0 where the curve stays above `RANDOM_BELOW` to the end of the data.

    Examples
    --------
    >>> first_random_shell(np.array([1.0, 0.9, 0.9, 0.5])), first_random_shell(np.array([1.0, 0.9, 0.9]))
    (3, 0)
    """
    fall = crossing(raw, RANDOM_BELOW)
    if np.isfinite(fall):
        return int(fall) + 1
    below = np.flatnonzero(np.nan_to_num(raw[1:], nan=1.0) < RANDOM_BELOW)
    return 1 + int(below[0]) if below.size else 0


def _draws(run: Any) -> Iterator[np.random.Generator]:
    for draw in range(DRAWS):
        run.counter.add(0, "noise substitution under the mask")
        yield np.random.default_rng([run.config.compute.seed, draw])
