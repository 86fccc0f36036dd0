"""Where many curves fall through thresholds, followed shell by shell, so that no curve need be kept."""

import numpy as np

REACHED, DATA_END, BELOW = "reached", "data end", "below"
"""What becomes of a curve: it falls through the threshold; it stays above to the end of the data; it is nowhere above,
or nowhere so far above what noise gives that it can be told from noise."""


def detectable(spread: float, significance: float) -> float:
    """Return the correlation that noise alone does not reach.

    Parameters
    ----------
    spread : float
        Standard deviation of the correlation where there is noise only.
    significance : float
        How rare it must be in noise [standard deviations of a normal distribution, one-sided].

    Returns
    -------
    float
        Correlation; infinity where there are too few independent samples to tell.

    Notes
    -----
    A correlation r of m = 1 / spread^2 independent pairs of zero mean has Student's t with m - 1 degrees of freedom:
    t = r sqrt((m - 1) / (1 - r^2)).

    Examples
    --------
    >>> round(detectable(0.05, 4.0), 3), detectable(0.9, 4.0)
    (0.198, inf)
    """
    from scipy.special import ndtr, stdtrit

    freedom = 1.0 / spread**2 - 1.0 if spread > 0 else np.inf
    if freedom < 2.0:
        return float("inf")
    quantile = stdtrit(min(freedom, 1e6), ndtr(significance))
    return float(quantile / np.sqrt(freedom + quantile**2))


class Crossings:
    """Many curves on their way down.

    Parameters
    ----------
    count : int
        How many curves there are.
    thresholds : tuple of float
        Levels to watch.

    Attributes
    ----------
    shells : ndarray, (thresholds, count), float64
        Fractional shell where each curve first falls through each threshold, once it was told from noise; NaN else.
    """

    def __init__(self, count: int, thresholds: tuple[float, ...]) -> None:
        self.thresholds = thresholds
        self.shells = np.full((len(thresholds), count), np.nan)
        self._detected = np.zeros(count, bool)
        self._shell = np.zeros(count)
        self._value = np.full(count, np.nan)

    def add(self, shell: float, values: np.ndarray, level: float) -> None:
        """Follow all curves to their next shell.

        Parameters
        ----------
        shell : float
            The shell; larger than those before.
        values : ndarray, (count,), float
            Curves on it; those that are NaN are passed over.
        level : float
            Correlation there that noise alone does not reach, from `detectable`.
        """
        valid = np.isfinite(values)
        for found, threshold in zip(self.shells, self.thresholds):
            falls = valid & self._detected & np.isnan(found) & (self._value >= threshold) & (values < threshold)
            share = (self._value[falls] - threshold) / (self._value[falls] - values[falls])
            found[falls] = self._shell[falls] + (shell - self._shell[falls]) * share
        self._detected |= valid & (values >= level)
        self._shell[valid], self._value[valid] = shell, values[valid]

    def outcomes(self) -> np.ndarray:
        """Return what became of every curve so far.

        Returns
        -------
        ndarray, (thresholds, count), str
            "reached", "data end" or "below".
        """
        above = np.stack([self._detected & (self._value >= threshold) for threshold in self.thresholds])
        return np.where(np.isfinite(self.shells), REACHED, np.where(above, DATA_END, BELOW))
