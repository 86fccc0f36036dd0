"""Where the power of a map ends: the cliff of a spectrum, on every axis, and whether a circle or a square made it."""

import dataclasses
from typing import Any

import numpy as np

from .fourier import half_indices, half_radius

STEEP = 1.0
"""Decades that power falls by over a cliff, at least."""

CONTRAST, CONTRAST_AT_THE_END = 1.6, 2.5
"""A cliff is steeper than what lies before and behind it by this factor, or by more where nothing lies behind; a smooth
filter is not."""

REACH = 3
"""Shells over which a cliff is measured."""

SPARSE = 0.3
"""Rise of the noise in the last shells before a cliff [decades], from which few images reached them: the data end."""

WHITE = 0.1
"""Decades by which a white spectrum scatters, and by which it rises or falls in all, at most."""

SMEARED = 8
"""Shells over which a cliff is measured where a mask has smeared it."""

AXIS_CONE = np.cos(np.deg2rad(20.0))
"""Cosine of the half angle of the cone of coefficients that is counted with an axis."""


@dataclasses.dataclass(frozen=True)
class Cliff:
    """A place where the power of a spectrum drops away.

    Attributes
    ----------
    shell : int
        Last shell before the drop.
    decades : float
        How far the power falls over `REACH` shells [decades].
    width : int
        Shells on which the power is between a half and a thousandth of what it was before.
    """

    shell: int
    decades: float
    width: int


def find_cliff(power: np.ndarray, floor: float = 0.0) -> Cliff | None:
    """Return the steepest cliff of a spectrum.

    Parameters
    ----------
    power : ndarray, (shells,), float64
        Power per coefficient.
    floor : float, optional
        What is below cannot be told from rounding.

    Returns
    -------
    Cliff or None
        The cliff; None where power ends at the last shell, or fades smoothly.

    Examples
    --------
    >>> find_cliff(np.where(np.arange(33) <= 20, 1.0, 1e-6)).shell
    20
    """
    log = np.log10(np.maximum(power, max(floor, np.finfo(float).tiny)))
    falls = log[:-REACH] - log[REACH:]
    starts = [start for start in range(5, falls.size) if falls[start] > max(STEEP, _beside(falls, start))]
    if not starts:
        return None
    best = max(starts, key=lambda start: falls[start])
    return _cliff(log, best, float(falls[best]))


def find_peak(noise: np.ndarray) -> Cliff | None:
    """Return the cliff that a mask has smeared: the shell up to which noise rises above its trend, and then falls.

    Parameters
    ----------
    noise : ndarray, (shells,), float64
        Noise power per coefficient.

    Returns
    -------
    Cliff or None
        The cliff; None where noise does not rise so, or falls by less than `STEEP` within `SMEARED` shells.
    """
    log = np.log10(np.maximum(noise, np.finfo(float).tiny))
    for at in range(8, log.size - SMEARED):
        fall = float(log[at] - log[at + SMEARED])
        if log[at] == log[at - 5 :].max() and fall > STEEP and edge_rise(noise, at) > SPARSE:
            return Cliff(at, fall, log.size - at)
    return None


def _beside(falls: np.ndarray, start: int) -> float:
    """Return how steep a cliff has to be, from what lies beside it."""
    before = falls[max(start - 2 * REACH, 1) : start - REACH]
    after = falls[start + REACH + 2 : start + 2 * REACH + 2]
    contrast = CONTRAST if after.size else CONTRAST_AT_THE_END
    return contrast * max(float(np.median(part)) if part.size else 0.0 for part in (before, after))


def _cliff(log: np.ndarray, start: int, decades: float) -> Cliff:
    level = np.median(log[max(start - 5, 1) : start + 1])
    edge = start + int(np.argmax(log[start : start + REACH] - log[start + 1 : start + REACH + 1]))
    first = int(np.flatnonzero(log[max(start - 5, 1) :] < level - np.log10(2.0))[0]) + max(start - 5, 1)
    low = np.flatnonzero(log[first:] < level - 3.0)
    width = int(low[0]) + 1 if low.size else log.size - first
    return Cliff(edge, decades, width)


def square_rise(noise: np.ndarray, edge: int) -> float:
    """Return how much the noise of a map rises before a cliff, in units of what the corners of square images make.

    Parameters
    ----------
    noise : ndarray, (shells,), float64
        Noise power per coefficient.
    edge : int
        Last shell before the cliff.

    Returns
    -------
    float
        About 1 where the cliff is at sqrt(2) times the Nyquist frequency of square images, about 0 where it is at that
        frequency itself; NaN with fewer than 4 shells to judge by.

    Notes
    -----
    Of a ring of radius rho k_N the fraction c(rho) = 1 - (4 / pi) arccos(1 / rho) lies inside a square, so that the
    noise of a mean over what was inserted rises as 1 / c. Returned is the slope of ln(noise / k) against -ln c.
    """
    shell = np.arange(noise.size)
    nyquist = edge / np.sqrt(2.0)
    used = (shell > nyquist) & (shell < 0.93 * edge) & (noise > 0)
    if used.sum() < 4:
        return float("nan")
    before = (shell > 0.75 * nyquist) & (shell <= nyquist) & (noise > 0)
    rho = shell[used] / nyquist
    gain = -np.log(1.0 - 4.0 / np.pi * np.arccos(1.0 / rho))
    level = np.mean(np.log(noise[before] / shell[before])) if before.any() else np.log(noise[used][0] / shell[used][0])
    rise = np.log(noise[used] / shell[used]) - level
    return float((rise * gain).sum() / (gain * gain).sum())


def edge_rise(noise: np.ndarray, edge: int) -> float:
    """Return how far noise rises in the last shells before a cliff.

    Parameters
    ----------
    noise : ndarray, (shells,), float64
        Noise power per coefficient.
    edge : int
        Last shell before the cliff.

    Returns
    -------
    float
        Above the trend of the shells before [decades]; NaN with fewer than 5 of them.

    Notes
    -----
    At the end of the data few images reach a coefficient, so that the noise of a mean over them is largest there; a
    filter leaves the trend as it is.
    """
    shell = np.arange(max(edge - 8, 2), edge - 2)
    if shell.size < 5 or not (noise[shell[0] : edge + 1] > 0).all():
        return float("nan")
    trend = np.polyfit(shell, np.log10(noise[shell]), 1)
    return float(max(np.log10(noise[at]) - np.polyval(trend, at) for at in (edge - 1, edge)))


def is_white(noise: np.ndarray) -> bool:
    """Return whether a stretch of a spectrum is flat.

    Parameters
    ----------
    noise : ndarray, (shells,), float64
        Noise power per coefficient.

    Returns
    -------
    bool
        False with fewer than 4 shells.
    """
    if noise.size < 4 or not (noise > 0).all():
        return False
    log = np.log10(noise)
    trend = np.polyfit(np.arange(log.size), log, 1)[0] * (log.size - 1)
    return bool(abs(trend) < WHITE and np.std(log) < WHITE)


def axis_power(transform: Any) -> np.ndarray:
    """Return the power of a map along each axis.

    Parameters
    ----------
    transform : ndarray, (n, n, n // 2 + 1), complex
        Half-complex transform.

    Returns
    -------
    ndarray, (3, n // 2 + 1), float64
        Mean power per coefficient within 20 degrees of z, y and x; NaN where a shell has no such coefficient.
    """
    size = transform.shape[0]
    radius = half_radius(size)
    shell = np.floor(radius + np.float32(0.5)).astype(np.int32)
    power = transform.real.astype(np.float64) ** 2 + transform.imag.astype(np.float64) ** 2
    found = np.full((3, size // 2 + 1), np.nan)
    for axis, index in enumerate(half_indices(size)):
        near = (np.abs(index) >= AXIS_CONE * radius) & (shell <= size // 2)
        total = np.bincount(shell[near], power[near], minlength=size // 2 + 1)
        count = np.bincount(shell[near], minlength=size // 2 + 1)
        np.divide(total, count, out=found[axis], where=count > 0)
    return found
