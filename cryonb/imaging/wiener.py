"""From sums of inserted slices to a Fourier volume for slicing, regularised point by point, without real space.

A volume of sums over weights has met the interpolation kernel once, when it was made, and meets it again when slices
are read from it: both together multiply it by the square of the kernel's transform. In real space that is divided
out and the padding cut off, with the noise in it; here the same is done by a short convolution of the grid, so that the
volume never leaves Fourier space.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..backends import backend_of
from .projector import FourierVolume, Grid, kernel_profile
from .reconstruct import Accumulator, fine_distances, shell_weights, smallest_weights

TAPS = 4
"""Points of the correcting convolution on one side of the middle, for each time that the padded box is the box long;
and two more."""

CORRECTED_SHARE, EMPTIED_SHARE = 0.85, 1.35
"""Along each axis from the centre, in units of half the box: up to where the convolution undoes the kernels, and from
where it takes the padding's noise out."""

PASSING = 3.0
"""How much more the one counts than the other when the convolution is fitted."""


def correcting_stencil(grid: Grid, correct: bool = True) -> np.ndarray:
    """Return the convolution along one axis that undoes the kernel of insertion and that of slicing.

    Parameters
    ----------
    grid : Grid
        Padded grid with its kernel.
    correct : bool, optional
        False to leave the kernels as they are, and only take out what lies in the padding.

    Returns
    -------
    ndarray, (taps,), float64
        Weights of the middle point and of both its neighbours, one after the other.

    Notes
    -----
    c0 + 2 sum_j c_j cos(2 pi j x / N) is fitted by least squares to 1 / kernel_hat(x / N)^2 over the middle
    `CORRECTED_SHARE` of the box (to 1 if that is not wanted), and to zero past `EMPTIED_SHARE`, where the padding holds
    nothing but noise of the sums: all of it would enter slices. It is 1 at x = 0; N is the padded size.

    Examples
    --------
    >>> stencil = correcting_stencil(Grid.of(32, 2.0, "trilinear", 16))
    >>> bool(abs(stencil[0] + 2 * stencil[1:].sum() - 1) < 1e-12)
    True
    """
    place = np.arange(grid.padded) - grid.padded // 2
    part = np.abs(place) / (grid.size / 2)
    used = (part <= CORRECTED_SHARE) | (part >= EMPTIED_SHARE)
    weight = np.where(part <= CORRECTED_SHARE, PASSING, 1.0)[used]
    kept = 1.0 / kernel_profile(grid, place) ** 2 if correct else np.ones(grid.padded)
    wanted = np.where(part <= CORRECTED_SHARE, kept, 0.0)[used] - 1.0
    taps = min(2 + round(TAPS * grid.padded / grid.size), grid.reach + 1)
    waves = 2.0 * np.cos(2 * np.pi * np.outer(place[used], np.arange(1, taps)) / grid.padded) - 2.0
    outer = np.linalg.lstsq(waves * weight[:, None], wanted * weight, rcond=None)[0]
    return np.array([1.0 - 2.0 * outer.sum(), *outer])


def sliceable(
    accumulator: Accumulator,
    prior: np.ndarray | Callable[[np.ndarray], np.ndarray] | None = None,
    correct: bool = True,
    pause: Callable[[], None] = lambda: None,
) -> FourierVolume:
    """Return sums over weights at every point of a grid, ready for slicing; the accumulator is used up.

    Parameters
    ----------
    accumulator : Accumulator
        Inserted slices.
    prior : ndarray, (n // 2 + 1,), float64, or callable, optional
        What is added to the weights on every shell; infinite or NaN where nothing is to be left. A callable is given
        the mean weights.
    correct : bool, optional
        Whether the kernels of insertion and slicing are undone; what lies in the padding is taken out in any case.
    pause : callable, optional
        Called between planes; what it raises stops the work.

    Returns
    -------
    FourierVolume
        sums / (weights + prior), zero further from the origin than the grid's radius.

    Notes
    -----
    With prior = mean weight / SSNR of the shell this is the Wiener estimate: the mean of the posterior of a volume
    whose coefficients are Gaussian with the power of the shell.

    References
    ----------
    Scheres (2012), doi:10.1016/j.jsb.2012.09.006
    """
    grid, sums = accumulator.grid, accumulator.fold()
    floor = smallest_weights(sums, grid, pause)
    prior = prior(shell_weights(sums, grid, pause)) if callable(prior) else prior
    xp = backend_of(sums).xp
    values = xp.zeros((grid.side, grid.side, grid.columns), xp.complex64)
    inner = values[:, :, grid.margin :]
    smallest = xp.asarray(np.maximum(floor, np.finfo(np.float32).tiny).astype(np.float32))
    added = None if prior is None else xp.asarray(np.nan_to_num(prior, nan=np.inf, posinf=np.inf).astype(np.float32))
    for plane, distance in fine_distances(grid, xp):
        pause()
        weight = xp.maximum(sums[plane, :, :, 2], smallest[distance.astype(xp.int32)])
        if added is not None:
            shell = (distance * np.float32(1.0 / grid.scale) + np.float32(0.5)).astype(xp.int32)
            weight += added[xp.minimum(shell, len(added) - 1)]
        factor = (distance <= grid.radius) / weight
        inner[plane].real = sums[plane, :, :, 0] * factor
        inner[plane].imag = sums[plane, :, :, 1] * factor
    _convolve(inner, grid, correcting_stencil(grid, correct), pause)
    for column in range(1, grid.margin + 1):
        values[:, :, grid.margin - column] = values[::-1, ::-1, grid.margin + column].conj()
    return FourierVolume(grid, values.reshape(-1))


def _convolve(inner: Any, grid: Grid, stencil: np.ndarray, pause: Callable[[], None]) -> None:
    """Convolve the half grid along its three axes in place, plane by plane; it stays zero outside its radius."""
    xp = backend_of(inner).xp
    stencil = stencil.astype(np.float32)
    reach = len(stencil) - 1
    mirrored = inner[::-1, ::-1, reach:0:-1].conj()
    for plane in range(grid.side):
        pause()
        wide = xp.concatenate([mirrored[plane], inner[plane]], axis=1)
        inner[plane] = _along(_along(wide, stencil, 1)[:, reach:], stencil, 0)
    for row in range(grid.side):
        pause()
        inner[:, row] = _along(inner[:, row], stencil, 0)
    for plane, distance in fine_distances(grid, xp):
        inner[plane] *= distance <= grid.radius


def _along(values: Any, stencil: np.ndarray, axis: int) -> Any:
    result = values * stencil[0]
    length = values.shape[axis]

    def part(start: int, stop: int) -> tuple:
        return (*[slice(None)] * axis, slice(start, stop))

    for step, weight in enumerate(stencil[1:], 1):
        result[part(step, length)] += weight * values[part(0, length - step)]
        result[part(0, length - step)] += weight * values[part(step, length)]
    return result


def within(volume: FourierVolume, pad_factor: float, max_index: float) -> FourierVolume:
    """Return the part of a Fourier volume up to a frequency, on the smallest grid that holds it.

    Parameters
    ----------
    volume : FourierVolume
        The volume.
    pad_factor : float
        Zero padding that its grid was made with.
    max_index : float
        Largest abs(k) kept, in units of 1 / box length.

    Returns
    -------
    FourierVolume
        The part; the volume itself where it reaches no further.
    """
    old = volume.grid
    grid = Grid.of(old.size, pad_factor, old.kernel, max_index)
    if grid.radius >= old.radius:
        return volume
    lines = slice(old.reach - grid.reach, old.reach + grid.reach + 1)
    values = volume.values.reshape(old.side, old.side, old.columns)[lines, lines, : grid.columns].copy()
    line = np.arange(-grid.reach, grid.reach + 1)
    square = line[:, None, None] ** 2 + line[:, None] ** 2 + np.arange(-grid.margin, grid.reach + 1) ** 2
    values *= backend_of(values).xp.asarray(square <= grid.radius**2)
    return FourierVolume(grid, values.reshape(-1))
