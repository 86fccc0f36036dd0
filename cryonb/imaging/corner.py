"""Corner signal past the particle Nyquist: what its correlation is expected to be, from the weights as inserted.

The corners of square transforms reach sqrt(2) times as far as their edges. How far is geometry; how high the curve
stands in between follows from how each point of the padded grid was filled, and from the signal's own spectrum.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from ..backends import backend_of
from .projector import Grid
from .reconstruct import SMALLEST_WEIGHT, fine_distances, mean_weights

LONE_WEIGHT = {"trilinear": 0.3, "nearest": 0.0, "kaiser_bessel": 0.1}
"""Mean of the squared kernel over its mean: a point whose weight is less was reached by one coefficient."""

LONE_MODULATED = 0.015
"""The same where contrast transfers are in the weights: near their zeros, a small weight is a noisy coefficient."""

LAST_PART = 2.0 / 3.0
"""Part of the band below which shells are not used: the extrapolation starts from the last third."""

FAINT = 0.02
"""Shells in the band that correlate less than this say nothing about the signal."""

FEWEST_SHELLS = 4
"""Shells that an extrapolation needs."""

DEVIATES = 1.96
"""Half-width of a 95 % interval in standard deviations."""

_T_QUANTILE = (0.0, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Student's t at 97.5 %, by degrees of freedom."""


def _go_on() -> None:
    """Stop nothing."""


def coverage(shells_ratio: Any) -> np.ndarray:
    """Return the fraction of a ring of frequencies that lies inside the square of a transform.

    Parameters
    ----------
    shells_ratio : array_like, float
        Radius of the ring over the Nyquist frequency of the square.

    Returns
    -------
    ndarray, float64
        c(rho): 1 up to the Nyquist frequency, 0 from sqrt(2) times that on.

    Notes
    -----
    c(rho) = 1 - (4 / pi) arccos(1 / rho) for 1 <= rho <= sqrt(2).

    Examples
    --------
    >>> coverage([0.5, 1.0, 1.1, 2.0**0.5, 2.0]).round(3)
    array([1.   , 1.   , 0.453, 0.   , 0.   ])
    """
    rho = np.clip(np.asarray(shells_ratio, dtype=np.float64), 1.0, 2.0**0.5)
    return np.clip(1.0 - 4.0 / np.pi * np.arccos(1.0 / rho), 0.0, 1.0)


@dataclasses.dataclass(frozen=True)
class WeightSums:
    """Sums over the points of a padded grid that fall on each shell of the volume, on the full sphere.

    Attributes
    ----------
    n_points : ndarray, (shells,), float64
        Points.
    both_filled : ndarray, (shells,), float64
        Fraction of them that both halves filled.
    gain_ab, gain_aa, gain_bb : ndarray, (shells,), float64
        Sums of gA gB, gA^2 and gB^2, where g = W / max(W, floor) is what the division leaves of a signal.
    noise_a, noise_b : ndarray, (shells,), float64
        Sums of g^2 / W: noise power, for noise of unit power in a coefficient.
    scale : float
        Grid steps per shell.
    """

    n_points: np.ndarray
    both_filled: np.ndarray
    gain_ab: np.ndarray
    gain_aa: np.ndarray
    gain_bb: np.ndarray
    noise_a: np.ndarray
    noise_b: np.ndarray
    scale: float


def weight_sums(
    weights_a: Any, weights_b: Any, grid: Grid, modulated: bool = False, pause: Callable[[], None] = _go_on
) -> WeightSums:
    """Return how the points of every shell were filled in two half sets.

    Parameters
    ----------
    weights_a, weights_b : array, (side, side, reach + 1), float32
        Weights of all points with x >= 0, as `Accumulator.fold` leaves them.
    grid : Grid
        Their geometry.
    modulated : bool, optional
        Whether squared contrast transfers are in the weights.
    pause : callable, optional
        Called between planes; what it raises stops the sums.

    Returns
    -------
    WeightSums
        Sums for shells 0 to n // 2.

    Notes
    -----
    The floor is `SMALLEST_WEIGHT` times the mean weight of a point's shell on the grid, as in the division. Noise is
    taken as 1 / (W + W1): the average of many coefficients has a noise that falls with the weight, and a point that
    one coefficient alone reached has the noise of that coefficient however far it lay; W1 parts the two.
    """
    backend, halves = backend_of(weights_a), (weights_a, weights_b)
    xp = backend.xp
    lone = np.float32(LONE_MODULATED if modulated else LONE_WEIGHT[grid.kernel])
    floors = [SMALLEST_WEIGHT * mean_weights(weights, grid, ((1.0, 0.0),), pause)[0] for weights in halves]
    floors = [backend.upload(np.maximum(floor, np.finfo(np.float32).tiny).astype(np.float32)) for floor in floors]
    shells, furthest = grid.size // 2 + 1, np.float32(max(grid.radius, grid.padded / 2))
    twice = backend.upload(np.where(np.arange(grid.reach + 1) > 0, 2.0, 1.0))
    totals = xp.zeros((7, shells))
    for slab, distance in fine_distances(grid, backend):
        pause()
        index = xp.minimum((distance / np.float32(grid.scale) + np.float32(0.5)).astype(xp.int32), shells).ravel()
        fine, inside = distance.astype(xp.int32), distance <= furthest
        (gain_a, noise_a), (gain_b, noise_b) = (
            _gain_and_noise(weights[slab], floor[fine], lone, inside) for weights, floor in zip(halves, floors)
        )
        both = (gain_a > 0) & (gain_b > 0)
        terms = (inside | ~inside, both, gain_a * gain_b, gain_a**2, gain_b**2, noise_a, noise_b)
        for number, term in enumerate(terms):
            totals[number] += xp.bincount(index, (term * twice).ravel(), shells + 1)[:shells]
    totals = backend.download(totals)
    counts = totals[0]
    totals[1] = np.divide(totals[1], counts, out=np.zeros(shells), where=counts > 0)
    return WeightSums(*totals, grid.scale)


def _gain_and_noise(weights: Any, floor: Any, lone: np.float32, inside: Any) -> tuple[Any, Any]:
    xp = backend_of(weights).xp
    gain = inside * weights / xp.maximum(weights, floor)
    return gain, gain * gain / xp.maximum(weights + lone, floor)


def predict_corner(sums: WeightSums, fsc: np.ndarray, nyquist_shell: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the correlation expected of corner signal, with half the width of its 95 % interval.

    Parameters
    ----------
    sums : WeightSums
        How the points of every shell were filled, with the square limit.
    fsc : ndarray, (shells,), float64
        Measured correlation of the half maps; that of the band is read.
    nyquist_shell : float
        Shell of the particle Nyquist, with its fraction.

    Returns
    -------
    curve : ndarray, (shells,), float64
        Expected correlation past the particle Nyquist, up to sqrt(2) times as far; NaN elsewhere, and everywhere if
        fewer than `FEWEST_SHELLS` shells of the last third of the band correlate.
    half_width : ndarray, (shells,), float64
        Half the width of the interval in which a measured curve is expected.

    Notes
    -----
    With S the power of the signal and N that of the noise of a coefficient, C = S sum gA gB,
    P_A = S sum gA^2 + N sum gA^2 / WA, and FSC = C / sqrt(P_A P_B): only S / N matters. It is solved for on the shells
    of the last third of the band and extrapolated as log(S / N) = a + b s and as a + b s^2. The curve stands on the
    mean of the two; the interval holds the prediction interval of the regressions, how far the two part, and the
    scatter of a measured correlation, (1 - FSC^2) / sqrt(independent coefficients that both halves filled).
    """
    shell = np.arange(fsc.size)
    curve, half_width = np.full((2, fsc.size), np.nan)
    ratio = _signal_to_noise(sums, fsc)
    band = (shell >= LAST_PART * nyquist_shell) & (shell <= nyquist_shell - 0.5) & (ratio > 0) & (fsc > FAINT)
    past = (shell > nyquist_shell + 1e-6) & (shell <= 2.0**0.5 * nyquist_shell) & (sums.gain_ab > 0)
    if band.sum() < FEWEST_SHELLS:
        return curve, half_width
    logarithm = np.log(ratio, out=np.zeros(fsc.size), where=ratio > 0)
    laws = [_extrapolated(shell.astype(np.float64) ** power, logarithm, band) for power in (1, 2)]
    (first, first_width), (second, second_width) = laws
    middle = 0.5 * (first + second)
    width = np.sqrt(0.5 * (first_width**2 + second_width**2) + (first - second) ** 2)
    low, expected, high = (_correlation(sums, np.exp(value)) for value in (middle - width, middle, middle + width))
    independent = np.maximum(sums.n_points * sums.both_filled / (2.0 * sums.scale**3), 1.0)
    scatter = DEVIATES * (1.0 - expected**2) / np.sqrt(independent)
    curve[past], half_width[past] = expected[past], np.hypot(0.5 * (high - low), scatter)[past]
    return curve, half_width


def _correlation(sums: WeightSums, ratio: np.ndarray) -> np.ndarray:
    """Return the correlation for a ratio of signal to noise."""
    power_a = ratio * sums.gain_aa + sums.noise_a
    power_b = ratio * sums.gain_bb + sums.noise_b
    scale = np.sqrt(power_a * power_b)
    return np.divide(ratio * sums.gain_ab, scale, out=np.zeros(scale.shape), where=scale > 0)


def _signal_to_noise(sums: WeightSums, fsc: np.ndarray) -> np.ndarray:
    """Return the ratio of signal to noise that makes a correlation, for halves that were filled alike."""
    held = np.clip(np.nan_to_num(fsc), 0.0, 1.0 - 1e-6)
    rest = sums.gain_ab - 0.5 * held * (sums.gain_aa + sums.gain_bb)
    noise = 0.5 * held * (sums.noise_a + sums.noise_b)
    return np.divide(noise, rest, out=np.zeros(rest.shape), where=rest > 0)


def _extrapolated(abscissa: np.ndarray, values: np.ndarray, band: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a straight line through the values of a band, and half its 95 % prediction interval."""
    freedom = int(band.sum()) - 2
    centred = abscissa - abscissa[band].mean()
    spread = (centred[band] ** 2).sum()
    slope = (centred[band] * values[band]).sum() / spread
    line = values[band].mean() + slope * centred
    variance = ((values - line)[band] ** 2).sum() / freedom
    quantile = _T_QUANTILE[freedom] if freedom < len(_T_QUANTILE) else DEVIATES + 2.4 / freedom + 3.0 / freedom**2
    return line, quantile * np.sqrt(variance * (1.0 + 1.0 / (freedom + 2) + centred**2 / spread))
