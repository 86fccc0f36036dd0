"""How far a correlation that was measured on turned grids may lie from the truth, and when a shell holds signal.

The constants were fitted to simulated particles, of which the truth is known; the table of the calibration in
tests/benchmarks says how well they do.
"""

import numpy as np
from scipy.ndimage import uniform_filter1d

from .shells import n_coefficients

DEVIATES = 1.96
"""Half-width of a 95 % interval in standard deviations."""

OWN_GRID = 0.5
"""How many times the variance over turned grids counts for the grid of half A, which is one draw; a part of its error
is in the truth as well."""

COARSE = 0.03
"""Standard deviation at shell 1 of what the grid leaves, in proportion to 1 / shell: a grid step is that large a turn
there, and the edge of directions that few particles show is as wide."""

UNEXPLAINED = 0.005
"""Standard deviation of what is left in shells that correlate fully, where a grid's errors are all there is."""

FEWEST_SHELLS = 3
"""The first shells hold too few coefficients to tell how much of their power is noise."""

NULL_DEVIATIONS = 3.5
"""Standard deviations by which a correlation must exceed what noise alone correlates by chance."""

NEIGHBOURS = 5
"""Shells over which the scatter of a few draws is averaged."""

SIGNAL = 0.05
"""Correlation that the lower end of a shell's interval must exceed, for the shell to hold signal."""


def without_spill(
    draws: np.ndarray, power_read: np.ndarray, power: np.ndarray, held: np.ndarray, noise: np.ndarray, size: int
) -> np.ndarray:
    """Return correlations with turned maps, free of the power that reading between grid points spills over shells.

    Parameters
    ----------
    draws : ndarray, (draws, shells), float64
        Correlation of half A with half B on every turned grid, read back.
    power_read : ndarray, (draws, shells), float64
        Mean power per coefficient of those half maps as read back.
    power : ndarray, (shells,), float64
        The same of half B on the unturned grid: the same coefficients of the particle.
    held : ndarray, (shells,), bool
        Shells that hold data; the others are returned as they are.
    noise : ndarray, (shells,), float64
        The part of `power` that is noise.
    size : int
        Voxels along an edge.

    Returns
    -------
    ndarray, (draws, shells), float64
        Correlations over the power that the half map has on a grid.

    Notes
    -----
    Off its grid, a map is an interpolation by sin(n x) / (n tan x), whose tails bring power from shells of strong
    noise, where few coefficients were averaged, to weaker ones. What is brought does not correlate with half A: the
    sum of products is right, and only the power it is divided by is too large. Measured at pad 1 with contrast
    transfer: up to 1.5 times, and a correlation of 0.6 instead of 0.7. So FSC = C / sqrt(P_A P_B) with P_B the smaller
    of both powers; as much more as chance makes, 1 / sqrt(coefficients), is no spill, nor is what exceeds the noise of
    the noisiest shell: that is the grid's error in the signal.
    """
    chance = 1.0 / np.sqrt(n_coefficients(size))
    known = held & (power > 0)
    ratio = np.divide(power_read, power, out=np.ones(power_read.shape), where=known)
    most = np.divide(np.max(noise[FEWEST_SHELLS:], initial=0.0), power, out=np.zeros(power.shape), where=known)
    spilled = np.maximum(ratio - 1.0 - chance, 0.0)
    mended = np.clip(draws * np.sqrt(1.0 + np.minimum(spilled, most)), -1.0, 1.0)
    mended[:, 0] = draws[:, 0]
    return mended


def correlation_half_width(draws: np.ndarray, size: int, order: int = 1) -> np.ndarray:
    """Return half the width of the 95 % interval of a correlation.

    Parameters
    ----------
    draws : ndarray, (draws, shells), float64
        The correlation on every turned grid, or for every replica.
    size : int
        Voxels along an edge.
    order : int, optional
        Symmetry operators: their copies of a coefficient are not independent.

    Returns
    -------
    ndarray, (shells,), float64
        Half-width about the mean of the draws.

    Notes
    -----
    With A = T + a and B = T + b, the correlation differs from FSC(A, T) FSC(B, T) by sum(a b*) / sqrt(P_A P_B), whose
    standard deviation is (1 - F) / sqrt(n / order) for n coefficients that hold the same noise, 1 - F being noise
    over power; the signal's own chance correlation with the noise is in both. Half B's grid is the mean of several
    draws and half A's is one: the variance v of the draws counts 1 / draws + 0.5 times. Hence, at shell s,
    1.96 sqrt((1 - F)^2 order / n + v (1 / draws + 0.5) + 0.005^2 + (0.03 / s)^2).

    References
    ----------
    Penczek (2010), doi:10.1016/S0076-6879(10)82003-8

    Examples
    --------
    >>> correlation_half_width(np.zeros((1, 33)), 64)[[8, 32]].round(3)
    array([0.072, 0.02 ])
    """
    count = len(draws)
    mean = np.mean(draws, axis=0)
    noise = 1.0 - np.clip(mean, 0.0, 1.0)
    scatter = np.var(draws, axis=0, ddof=1) * (1.0 / count + OWN_GRID) if count > 1 else 0.0
    chance = noise**2 * order / n_coefficients(size)
    grid = UNEXPLAINED**2 + (COARSE / np.maximum(np.arange(mean.size), 1)) ** 2
    return DEVIATES * np.sqrt(chance + scatter + grid)


def difference_half_width(draws: np.ndarray, against_one: bool = False) -> np.ndarray:
    """Return half the width of the 95 % interval of what two curves of the same maps differ by.

    Parameters
    ----------
    draws : ndarray, (draws, shells), float64
        The difference on every turned grid, or the curve on every turned grid where the other is one draw.
    against_one : bool, optional
        Whether the curve that is subtracted, or subtracted from, is one draw of its own.

    Returns
    -------
    ndarray, (shells,), float64
        Half-width; NaN where there is one draw only, which has no scatter.

    Notes
    -----
    1.96 s sqrt(1 / draws), with 1 + 1 / draws in place of 1 / draws against one draw; s^2 is the variance of the draws,
    averaged over `NEIGHBOURS` shells, since a few draws alone say little about it.

    Examples
    --------
    >>> difference_half_width(np.array([[0.1, 0.1, 0.1], [0.3, 0.3, 0.3]])).round(3)
    array([0.196, 0.196, 0.196])
    """
    count, shells = draws.shape
    if count < 2:
        return np.full(shells, np.nan)
    variance = uniform_filter1d(np.var(draws, axis=0, ddof=1), NEIGHBOURS, mode="nearest")
    return DEVIATES * np.sqrt(variance * (1.0 / count + against_one))


def holds_signal(correlation: np.ndarray, half_width: np.ndarray, size: int, order: int = 1) -> np.ndarray:
    """Return which shells correlate more than chance and the grid can explain.

    Parameters
    ----------
    correlation : ndarray, (shells,), float64
        Correlation on turned grids.
    half_width : ndarray, (shells,), float64
        Half the width of its 95 % interval.
    size : int
        Voxels along an edge.
    order : int, optional
        Symmetry operators.

    Returns
    -------
    ndarray, (shells,), bool
        True where the lower end of the interval exceeds `SIGNAL`, and the correlation is more than that of noise; False
        where there is no number.

    Notes
    -----
    The interval is narrow where the correlation is high, by luck too. So Fisher's atanh(F), whose standard deviation
    is sqrt(order / n) for noise, must also exceed `NULL_DEVIATIONS` of them.

    Examples
    --------
    >>> holds_signal(np.array([1.0, 0.9, 0.3, 0.6, np.nan]), np.full(5, 0.1), 8)
    array([ True,  True, False,  True, False])
    """
    chance = np.tanh(NULL_DEVIATIONS * np.sqrt(order / n_coefficients(size)))
    return (correlation - half_width > SIGNAL) & (correlation > chance)
