"""The trace of a step at the faces of a box: what correlates lies on the axes of Fourier space, and nowhere else."""

from typing import Any

import numpy as np

from ..backends import backend_of
from .shells import correlation, n_coefficients

MADE = 0.1
"""Change of a correlation from which the coefficients on the axes are said to make it; noise and maps change it by
less than 0.01."""

CROWDED = 600
"""Coefficients of a shell from which the six on the axes are one in a hundred."""

STRETCH = 4
"""Shells in a row that a step changes at least: the layer lines of a filament are narrower."""


def off_axis_correlation(first: Any, second: Any, curve: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Return the correlation on every shell without the coefficients on the three axes.

    Parameters
    ----------
    first, second : array, (n, n, n // 2 + 1), complex64
        Half-complex transforms of two maps.
    curve : ndarray, (n // 2 + 1,), float64
        Their correlation with all coefficients.
    power : ndarray, (2, n // 2 + 1), float64
        Their power with all coefficients.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        Correlation; NaN on shells without power off the axes.

    Notes
    -----
    A map f that is set to zero in the outermost planes along x loses the mean of f there times a slab, and the
    transform of a slab lies on the axis ky = kz = 0: two coefficients of a shell, whose power falls only slowly.
    """
    last = curve.size
    weight = np.full(last, 2.0)
    weight[[0, *([last - 1] if first.shape[0] % 2 == 0 else [])]] = 1.0
    sums = np.zeros((3, last))
    download = backend_of(first).download
    for line in ((slice(last), 0, 0), (0, slice(last), 0), (0, 0, slice(last))):
        one, other = (download(half[line]).astype(np.complex128) for half in (first, second))
        sums += weight * np.stack([(one * other.conj()).real, np.abs(one) ** 2, np.abs(other) ** 2])
    cross = np.nan_to_num(curve) * np.sqrt(power[0] * power[1]) - sums[0]
    return correlation(cross, *np.maximum(power - sums[1:], 0.0))


def made_on_axes(curve: np.ndarray, off_axis: np.ndarray, held: np.ndarray) -> int:
    """Return from which shell on a correlation is made by the coefficients on the axes.

    Parameters
    ----------
    curve, off_axis : ndarray, (n // 2 + 1,), float64
        Correlation with and without those coefficients.
    held : ndarray, (n // 2 + 1,), bool
        Shells that hold data.

    Returns
    -------
    int
        First shell of the first four in a row, of 600 coefficients or more each, on which the correlation is higher by
        more than 0.1 with them; 0 if there are none.
    """
    crowded = n_coefficients(2 * (curve.size - 1)) >= CROWDED
    made = held & crowded & (np.nan_to_num(curve) - np.nan_to_num(off_axis) > MADE)
    rows = np.convolve(made, np.ones(STRETCH, int), "valid") == STRETCH
    return int(np.argmax(rows)) if rows.any() else 0
