"""When a map is sharpened, by how much, and the map that comes of it.

One rule for the postprocessing of half maps and for refinements that sharpen at their end.
"""

import math
from typing import Any

import numpy as np

from ..backends import backend_of
from .fourier import half_transform, real_space
from .guinier import GuinierFit, counting_error, fit_guinier, weighted_log_amplitude
from .masks import lowpass_edge
from .shells import index_on, shell_amplitude

CHOICES = ("if_reliable", "never", "always")
"""Whether the B factor of a fit is applied."""


def end_of_fit(length: float, crossing_shell: float, nyquist_shell: float, last_shell: float) -> float:
    """Return where a Guinier fit has to end.

    Parameters
    ----------
    length : float
        Edge of the box [angstrom].
    crossing_shell : float
        Where the correlation falls through 0.143; NaN where it does not.
    nyquist_shell : float
        Nyquist frequency of the particles: past it, the coverage of corners would be read as decay.
    last_shell : float
        The last shell with measured data.

    Returns
    -------
    float
        The coarsest of the three [angstrom].

    Examples
    --------
    >>> end_of_fit(200.0, float("nan"), 40.0, 45.0)
    5.0
    """
    return length / float(np.nanmin([max(last_shell, 1.0), nyquist_shell, crossing_shell]))


def fit_map(density: Any, fsc: np.ndarray, independent: np.ndarray, length: float, fine: float) -> GuinierFit:
    """Return the Guinier fit of a map.

    Parameters
    ----------
    density : array, (n, n, n), float32
        Mean of both half maps.
    fsc : ndarray, (n // 2 + 1,), float64
        Their correlation; NaN where there is no data.
    independent : ndarray, (n // 2 + 1,), float64
        Independent coefficients of every shell.
    length : float
        Edge of the box [angstrom].
    fine : float
        Where the fit ends, from `end_of_fit` [angstrom].

    Returns
    -------
    GuinierFit
        Line, B factor, and whether to believe it.
    """
    amplitude = shell_amplitude(half_transform(density)) / density.size
    logarithm = np.where(np.isfinite(fsc), weighted_log_amplitude(amplitude, fsc), np.nan)
    frequency = np.arange(fsc.size) / length
    return fit_guinier(frequency, logarithm, counting_error(fsc, independent), fine=fine)


def b_factor_to_apply(fit: GuinierFit, sharpen: str) -> tuple[float, str]:
    """Return the B factor that a map is sharpened by, and why.

    Parameters
    ----------
    fit : GuinierFit
        The fit.
    sharpen : {"if_reliable", "never", "always"}
        Whether it is applied.

    Returns
    -------
    b_factor : float
        Zero where the map is left as it is [angstrom^2].
    decision : str
        What was decided.

    Examples
    --------
    >>> fit = GuinierFit(np.ones(3, bool), -25.0, 0.0, 100.0, 90.0, 110.0, False, "the range holds 3 shells")
    >>> b_factor_to_apply(fit, "if_reliable")
    (0.0, 'not sharpened: the range holds 3 shells')
    """
    if sharpen == "never":
        return 0.0, "not sharpened: sharpening is switched off"
    if not math.isfinite(fit.b_factor):
        return 0.0, f"not sharpened: {fit.reason}"
    if fit.reliable or sharpen == "always":
        interval = f"{fit.b_factor_low:.0f} to {fit.b_factor_high:.0f}"
        forced = "" if fit.reliable else f", although {fit.reason}"
        return fit.b_factor, f"sharpened by {fit.b_factor:.0f} A^2 (95 % interval {interval}){forced}"
    return 0.0, f"not sharpened: {fit.reason}"


def signal_weight(fsc: np.ndarray) -> np.ndarray:
    """Return how much of the amplitude of the mean of two half maps is signal.

    Parameters
    ----------
    fsc : ndarray, (shells,), float64
        Correlation of the half maps; NaN counts as none.

    Returns
    -------
    ndarray, (shells,), float64
        sqrt(2 FSC / (1 + FSC)), zero where the correlation is not positive.

    References
    ----------
    Rosenthal & Henderson (2003), doi:10.1016/j.jmb.2003.07.013
    """
    fsc = np.clip(np.nan_to_num(fsc), 0.0, 1.0)
    return np.sqrt(2.0 * fsc / (1.0 + fsc))


def weighted_map(transform: Any, weight: np.ndarray, lowpass_shell: float) -> Any:
    """Return the map of a transform, weighted shell by shell and low-passed.

    Parameters
    ----------
    transform : array, (n, n, n // 2 + 1), complex64
        Half-complex transform.
    weight : ndarray, (n // 2 + 1,), float64
        Weight of every shell; the corners beyond are dropped.
    lowpass_shell : float
        Shell at which the low-pass has fallen to one half; its edge is a cosine two shells wide.

    Returns
    -------
    array, (n, n, n), float32
        The map.
    """
    size, backend = transform.shape[0], backend_of(transform)
    of_shell = backend.upload(np.append(weight, 0.0).astype(np.float32))
    edge = lowpass_edge(size, np.float32(lowpass_shell - 1.0), backend.xp)
    return real_space(transform * (of_shell[index_on(backend, size)] * edge), size).astype(np.float32)


def sharpened_map(density: Any, weight: np.ndarray, b_factor: float, length: float, shell: float) -> Any:
    """Return a map, weighted, sharpened and low-passed.

    Parameters
    ----------
    density : array, (n, n, n), float32
        Mean of both half maps.
    weight : ndarray, (n // 2 + 1,), float64
        Weight of every shell, for example from `signal_weight`.
    b_factor : float
        How fast its amplitudes fall; 0 to leave it unsharpened [angstrom^2].
    length : float
        Edge of the box [angstrom].
    shell : float
        Shell at which the low-pass has fallen to one half.

    Returns
    -------
    array, (n, n, n), float32
        The map: amplitudes times weight(s) exp(B s^2 / (4 L^2)).
    """
    frequency = np.arange(weight.size) / length
    return weighted_map(half_transform(density), weight * np.exp(b_factor * frequency**2 / 4.0), shell)
