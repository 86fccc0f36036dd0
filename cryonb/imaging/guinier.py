"""The Guinier fit: a line through the logarithm of the amplitudes against 1/d^2, with an honest interval."""

import dataclasses

import numpy as np

FEWEST_SHELLS = 20
FINEST_NEEDED = 7.0
COARSEST = 10.0
"""A fit needs this many shells and has to reach this resolution [angstrom]; it starts here [angstrom]."""

CONFIDENCE = 0.95

ROUNDING = 1e-6
"""Relative slack of the ends of the range: voxel sizes come from float32 headers."""


@dataclasses.dataclass(frozen=True)
class GuinierFit:
    """A line through a Guinier plot.

    Attributes
    ----------
    used : ndarray, (shells,), bool
        Shells in the fit.
    slope, intercept : float
        d ln(F) / d(1/d^2) [angstrom^2], and ln(F) at zero; NaN with fewer than three shells.
    b_factor, b_factor_low, b_factor_high : float
        -4 slope and its 95 % confidence interval [angstrom^2].
    reliable : bool
        Whether a map may be sharpened by it.
    reason : str
        Why, or why not.
    """

    used: np.ndarray
    slope: float
    intercept: float
    b_factor: float
    b_factor_low: float
    b_factor_high: float
    reliable: bool
    reason: str


def weighted_log_amplitude(amplitude: np.ndarray, fsc: np.ndarray) -> np.ndarray:
    """Return the logarithm of the amplitude that a noise-free map would have.

    Parameters
    ----------
    amplitude : ndarray, (shells,), float64
        Mean amplitude of the mean of both half maps.
    fsc : ndarray, (shells,), float64
        Correlation of the half maps.

    Returns
    -------
    ndarray, (shells,), float64
        ln(F sqrt(2 FSC / (1 + FSC))); NaN where the amplitude or the correlation is not positive.

    References
    ----------
    Rosenthal & Henderson (2003), doi:10.1016/j.jmb.2003.07.013
    """
    good = (np.nan_to_num(amplitude) > 0) & (np.nan_to_num(fsc) > 0)
    fsc = np.where(good, fsc, 1.0)
    signal = np.where(good, amplitude, 1.0) * np.sqrt(2.0 * fsc / (1.0 + fsc))
    return np.where(good, np.log(signal), np.nan)


def counting_error(fsc: np.ndarray, independent: np.ndarray) -> np.ndarray:
    """Return the standard error of a weighted log amplitude that comes from the number of coefficients alone.

    Parameters
    ----------
    fsc : ndarray, (shells,), float64
        Correlation of the half maps.
    independent : ndarray, (shells,), float64
        Independent coefficients of every shell.

    Returns
    -------
    ndarray, (shells,), float64
        sqrt((1 + ((1 - FSC) / FSC)^2) / (4 m)); infinity where the correlation is not positive.

    Notes
    -----
    The first term is the scatter of the mean power; the second is that of the correlation, (1 - FSC^2)^2 / m, carried
    through the derivative of ln sqrt(2 FSC / (1 + FSC)), which is 1 / (2 FSC (1 + FSC)).
    """
    good = np.nan_to_num(fsc) > 0
    fsc = np.where(good, fsc, 1.0)
    return np.where(good, np.sqrt((1.0 + ((1.0 - fsc) / fsc) ** 2) / (4.0 * independent)), np.inf)


def fit_guinier(
    frequency: np.ndarray, log_amplitude: np.ndarray, error: np.ndarray, coarse: float = COARSEST, fine: float = 0.0
) -> GuinierFit:
    """Return the line through a Guinier plot between two resolutions.

    Parameters
    ----------
    frequency : ndarray, (shells,), float64
        Spatial frequency [1/angstrom].
    log_amplitude : ndarray, (shells,), float64
        Weighted log amplitude; shells without a number are left out.
    error : ndarray, (shells,), float64
        Its counting error.
    coarse, fine : float, optional
        Where the fit begins and ends, both included [angstrom].

    Returns
    -------
    GuinierFit
        Line, B factor with its interval, and whether it may be used.

    Notes
    -----
    Shells scatter about the line by more than their counting error: the molecule's own structure is in the curve. The
    variance of that scatter is estimated from the residuals (Paule & Mandel) and added to the counting variance of
    every shell; weights are the inverse of the sum. Neighbouring residuals go together, which leaves fewer
    independent shells: n (1 - r) / (1 + r), with r their correlation from shell to shell.

    References
    ----------
    Rosenthal & Henderson (2003), doi:10.1016/j.jmb.2003.07.013; Paule & Mandel (1982), doi:10.6028/jres.087.022
    """
    first, last = (1.0 / coarse if coarse > 0 else 0.0), (1.0 / fine if fine > 0 else np.inf)
    inside = (frequency > 0) & (frequency >= first * (1 - ROUNDING)) & (frequency <= last * (1 + ROUNDING))
    used = inside & np.isfinite(log_amplitude) & np.isfinite(error)
    count = int(used.sum())
    if count < 3:
        reason = f"the range {coarse:.3g} to {fine:.3g} A holds {count} shells, and {FEWEST_SHELLS} are needed"
        return GuinierFit(used, *[np.nan] * 5, False, reason)
    slope, intercept, spread = weighted_line(frequency[used] ** 2, log_amplitude[used], error[used])
    low, high = -4.0 * (slope + spread), -4.0 * (slope - spread)
    finest = 1.0 / frequency[used].max()
    doubts = _doubts(count, coarse, finest, (low, high))
    reason = "; ".join(doubts) or f"{count} shells from {coarse:.3g} to {finest:.3g} A"
    return GuinierFit(used, slope, intercept, -4.0 * slope, low, high, not doubts, reason)


def _doubts(count: int, coarse: float, fine: float, interval: tuple[float, float]) -> list[str]:
    doubts = []
    if count < FEWEST_SHELLS:
        doubts.append(f"the range {coarse:.3g} to {fine:.3g} A holds {count} shells, and {FEWEST_SHELLS} are needed")
    if fine > FINEST_NEEDED:
        doubts.append(f"the range ends at {fine:.3g} A and does not reach {FINEST_NEEDED:g} A")
    if interval[0] <= 0 <= interval[1]:
        doubts.append(f"the 95 % interval, {interval[0]:.0f} to {interval[1]:.0f} A^2, includes zero")
    return doubts


def weighted_line(x: np.ndarray, y: np.ndarray, error: np.ndarray) -> tuple[float, float, float]:
    """Return a line through points that scatter by more than their own error.

    Parameters
    ----------
    x, y : ndarray, (n,), float64
        Points, in order of x; at least three.
    error : ndarray, (n,), float64
        Standard error of each y.

    Returns
    -------
    slope, intercept : float
        The line.
    half_width : float
        Half the width of the slope's 95 % confidence interval.
    """
    from scipy.special import stdtrit

    extra = _extra_variance(x, y, error)
    weight = 1.0 / (error**2 + extra)
    slope, intercept = _line(x, y, weight)
    residual = (y - slope * x - intercept) * np.sqrt(weight)
    together = float(np.clip(np.sum(residual[1:] * residual[:-1]) / max(np.sum(residual**2), 1e-300), 0.0, 0.9))
    shrink = (1.0 - together) / (1.0 + together)
    centred = x - np.average(x, weights=weight)
    variance = 1.0 / np.sum(weight * centred**2) / shrink
    freedom = max(x.size * shrink - 2.0, 1.0)
    return slope, intercept, float(stdtrit(freedom, 0.5 + CONFIDENCE / 2.0) * np.sqrt(variance))


def _line(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    mean_x, mean_y = np.average(x, weights=weight), np.average(y, weights=weight)
    slope = np.sum(weight * (x - mean_x) * (y - mean_y)) / np.sum(weight * (x - mean_x) ** 2)
    return float(slope), float(mean_y - slope * mean_x)


def _extra_variance(x: np.ndarray, y: np.ndarray, error: np.ndarray) -> float:
    def excess(extra: float) -> float:
        weight = 1.0 / (error**2 + extra)
        slope, intercept = _line(x, y, weight)
        return float(np.sum(weight * (y - slope * x - intercept) ** 2)) - (x.size - 2)

    low, high = 0.0, float(np.var(y)) * x.size + 1e-300
    if excess(low) <= 0:
        return 0.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high
