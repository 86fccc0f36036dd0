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
from .reconstruct import Accumulator, fine_distances, weights_by_distance
from .slabs import slabs

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
    shell_weight, floor = weights_by_distance(sums, grid, pause)
    prior = prior(shell_weight) if callable(prior) else prior
    backend = backend_of(sums)
    xp = backend.xp
    values = xp.zeros((grid.side, grid.side, grid.columns), xp.complex64)
    inner = values[:, :, grid.margin :]
    smallest = backend.upload(np.maximum(floor, np.finfo(np.float32).tiny).astype(np.float32))
    added = None if prior is None else _finite_or_infinite(prior)
    added = None if added is None else backend.upload(added)
    for slab, distance in fine_distances(grid, backend):
        pause()
        weight = xp.maximum(sums[slab, :, :, 2], smallest[distance.astype(xp.int32)])
        if added is not None:
            shell = (distance * np.float32(1.0 / grid.scale) + np.float32(0.5)).astype(xp.int32)
            weight += added[xp.minimum(shell, len(added) - 1)]
        factor = (distance <= grid.radius) / weight
        part = inner[slab]
        part.real[...] = sums[slab, :, :, 0] * factor
        part.imag[...] = sums[slab, :, :, 1] * factor
    _convolve(inner, grid, correcting_stencil(grid, correct), pause)
    for column in range(1, grid.margin + 1):
        values[:, :, grid.margin - column] = values[::-1, ::-1, grid.margin + column].conj()
    return FourierVolume(grid, values.reshape(-1))


def _finite_or_infinite(prior: np.ndarray) -> np.ndarray:
    return np.nan_to_num(prior, nan=np.inf, posinf=np.inf).astype(np.float32)


def _convolve(inner: Any, grid: Grid, stencil: np.ndarray, pause: Callable[[], None]) -> None:
    """Convolve the half grid along its three axes in place, slab by slab; it stays zero outside its radius."""
    backend = backend_of(inner)
    xp = backend.xp
    stencil = stencil.astype(np.float32)
    reach = len(stencil) - 1
    mirrored = inner[::-1, ::-1, reach:0:-1].conj()
    every = slabs(grid.side, 8 * grid.side * (grid.columns + reach), backend)
    for slab in every:
        pause()
        wide = xp.concatenate([mirrored[slab], inner[slab]], axis=2)
        inner[slab] = _along(_along(wide, stencil, 2)[:, :, reach:], stencil, 1)
    for slab in every:
        pause()
        inner[:, slab] = _along(inner[:, slab], stencil, 0)
    for slab, distance in fine_distances(grid, backend):
        inner[slab] *= distance <= grid.radius


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
    backend = backend_of(volume.values)
    lines = slice(old.reach - grid.reach, old.reach + grid.reach + 1)
    values = volume.values.reshape(old.side, old.side, old.columns)[lines, lines, : grid.columns].copy()
    line = np.arange(-grid.reach, grid.reach + 1)
    plane = line[:, None] ** 2 + np.arange(-grid.margin, grid.reach + 1) ** 2
    plane, height = (backend.upload(square.astype(np.int32)) for square in (plane, line**2))
    for slab in slabs(grid.side, values.nbytes / grid.side, backend):
        values[slab] *= plane + height[slab, None, None] <= grid.radius**2
    return FourierVolume(grid, values.reshape(-1))
