"""Traces of a filter in the spectrum of a map's noise: which shape fits, and where it cuts."""

import dataclasses

import numpy as np

FADED = 1.3
"""Decades by which noise has to fall, beyond what reconstructions do, before it was filtered."""

RISEN = 1.1
"""Decades by which noise has to rise, beyond what reconstructions do, before it was sharpened."""

MISFIT = 0.35
"""Decades that a filter that lets noise fall may leave unexplained; what a mask smears over a cliff is none."""

BEYOND = 1.2
"""Half width of the range of a B factor, in units of the difference between its fits to rising and to flat noise."""

ORDERS = (1, 2, 3, 4, 6, 8)
SLOPES = (0.0, 1.0)
"""Powers of the frequency that noise grows with in maps made from images with white noise."""


@dataclasses.dataclass(frozen=True)
class FilterShape:
    """A filter that explains a spectrum.

    Attributes
    ----------
    name : str
        "Gaussian", "Butterworth", or nothing.
    cutoff : float
        Frequency at which it halves the power [1/angstrom]; NaN for none, or for one that raises it.
    b_factor : float
        Of a Gaussian [angstrom^2]: amplitudes were multiplied by exp(-B / (4 d^2)); NaN for other shapes.
    b_range : tuple of float
        What it may be, since noise may have been flat or grown by as much as reconstructions make it [angstrom^2].
    order : int
        Of a Butterworth filter; 0 for others.
    decades : float
        Power at the last shell relative to that without the filter [decades].
    misfit : float
        Root mean square of what the shape leaves unexplained [decades].
    """

    name: str
    cutoff: float
    b_factor: float
    b_range: tuple[float, float]
    order: int
    decades: float
    misfit: float


def fit_filter(frequency: np.ndarray, noise: np.ndarray, used: np.ndarray) -> FilterShape:
    """Return the smooth filter that explains a spectrum of noise best.

    Parameters
    ----------
    frequency : ndarray, (shells,), float64
        Spatial frequency [1/angstrom].
    noise : ndarray, (shells,), float64
        Noise power per coefficient.
    used : ndarray, (shells,), bool
        Shells to fit.

    Returns
    -------
    FilterShape
        The filter; without a name where noise neither falls nor rises more than reconstructions make it.

    Notes
    -----
    Noise in a map of images with white noise is flat, or grows in proportion to the frequency, since a slice spreads
    over an area that grows with it. Fitted is log10 noise = a + p log10 k + log10 H^2 with p of 0 or 1 and H^2 either
    exp(-B k^2 / 2) or 1 / (1 + (k / c)^(2 m)). The B factor with p = 1 stands in the middle of its range, which
    reaches a little past that with p = 0.
    """
    used = used & (noise > 0) & (frequency > 0)
    if used.sum() < 6:
        return _no_filter(0.0, np.nan)
    k, log = frequency[used], np.log10(noise[used])
    fits = [fit for slope in SLOPES for fit in (_gaussian(k, log, slope), *_butterworths(k, log, slope))]
    best = min(fits, key=lambda fit: fit.misfit)
    gentle = max((_gaussian(k, log, slope).decades for slope in SLOPES), key=abs)
    falls, rises = best.decades < -FADED and gentle < 0, max(best.decades, 0.0) > RISEN and gentle > RISEN
    if not rises and not (falls and best.misfit < MISFIT):
        return _no_filter(best.decades, best.misfit)
    return _with_range(best, *(_gaussian(k, log, slope).b_factor for slope in SLOPES)) if not best.order else best


def _no_filter(decades: float, misfit: float) -> FilterShape:
    return FilterShape("", np.nan, np.nan, (np.nan, np.nan), 0, decades, misfit)


def _with_range(shape: FilterShape, flat: float, rising: float) -> FilterShape:
    """Return a Gaussian with the B factor, and its range, from the fits to flat and to rising noise."""
    middle = rising if rising * shape.b_factor > 0 else shape.b_factor
    cutoff = float(np.sqrt(2.0 * np.log(2.0) / middle)) if middle > 0 else np.nan
    reach = BEYOND * abs(rising - flat)
    return dataclasses.replace(shape, b_factor=middle, b_range=(rising - reach, rising + reach), cutoff=cutoff)


def _gaussian(k: np.ndarray, log: np.ndarray, slope: float) -> FilterShape:
    rest = log - slope * np.log10(k)
    trend = np.polyfit(k**2, rest, 1)
    b_factor = float(-2.0 * np.log(10.0) * trend[0])
    misfit = float(np.sqrt(np.mean((rest - np.polyval(trend, k**2)) ** 2)))
    cutoff = float(np.sqrt(2.0 * np.log(2.0) / b_factor)) if b_factor > 0 else np.nan
    return FilterShape("Gaussian", cutoff, b_factor, (b_factor, b_factor), 0, float(trend[0] * k[-1] ** 2), misfit)


def _butterworths(k: np.ndarray, log: np.ndarray, slope: float) -> list[FilterShape]:
    found = []
    for order in ORDERS:
        cutoffs = np.linspace(k[0], k[-1], 60)
        curves = -np.log10(1.0 + (k[None, :] / cutoffs[:, None]) ** (2 * order))
        rest = log - slope * np.log10(k) - curves
        misfits = np.sqrt(np.var(rest, axis=1))
        best = int(np.argmin(misfits))
        decades = float(curves[best, -1])
        cutoff, misfit = float(cutoffs[best]), float(misfits[best])
        found.append(FilterShape("Butterworth", cutoff, np.nan, (np.nan, np.nan), order, decades, misfit))
    return found
