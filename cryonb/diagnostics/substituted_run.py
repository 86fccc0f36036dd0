"""Particles whose images hold noise from a shell on, and which shell that should be."""

import numpy as np
import xarray as xr

from ..errors import must
from ..imaging.mask_leak import SETTLED
from ..refine.substitution import substituted

CERTAIN = 0.8
"""Correlation down to which there is signal enough to align by; the images are left alone up to there."""

WITHIN = 0.75
"""Share of the alignment's limit at which the images are substituted at the latest: the alignment has to see noise."""

FEWEST = 3
"""First shell that may be substituted: some have to be left to align by."""


def substitution_shell(
    curves: np.ndarray, length: float, from_resolution: float = 0.0, alignment_limit: float = np.nan
) -> int:
    """Return the first shell in which noise replaces the images.

    Parameters
    ----------
    curves : ndarray, (classes, shells), float64
        Correlation of the half maps; NaN where there are no data.
    length : float
        Field of view [angstrom].
    from_resolution : float, optional
        Wanted resolution [angstrom]; 0 to choose.
    alignment_limit : float, optional
        Finest detail of the last alignment [angstrom]; the end of the data where it is not known.

    Returns
    -------
    int
        Where the best of the curves first falls below 0.8, at most three quarters of the limit of the alignment, at
        least 3; or the shell of the wanted resolution.

    Raises
    ------
    InputError
        If it leaves no shells on either side.

    Examples
    --------
    >>> curve = np.array([[1.0, 1.0, 1.0, 0.99, 0.97, 0.9, 0.7, 0.4, 0.1, 0.0, 0.0]])
    >>> substitution_shell(curve, 100.0), substitution_shell(curve, 100.0, alignment_limit=100.0 / 6)
    (6, 4)
    """
    held = np.flatnonzero(np.isfinite(curves).any(axis=0))
    last = int(held[-1]) - SETTLED
    if from_resolution > 0:
        shell = round(length / from_resolution)
        rule = f"noise must begin between {length / FEWEST:.4g} and {length / last:.4g} [angstrom]"
        must(FEWEST <= shell <= last, rule, f"{from_resolution:g}", "Use 0 to let the curve decide")
        return shell
    reached = length / alignment_limit if alignment_limit > 0 else float(held[-1])
    best = np.max(np.where(np.isfinite(curves), curves, -1.0), axis=0)
    fallen = np.flatnonzero(best[FEWEST:] < CERTAIN)
    wanted = FEWEST + int(fallen[0]) if fallen.size else last
    return max(FEWEST, min(wanted, int(WITHIN * reached), last))


def with_noise_from(particles: xr.Dataset, shell: int, seed: int) -> xr.Dataset:
    """Return particles whose images hold noise of the same power from a shell on.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles.
    shell : int
        First shell that is substituted.
    seed : int
        Seed of the noise.

    Returns
    -------
    xarray.Dataset
        Kind cryonb/particles.
    """
    length = particles["image"].sizes["x"] * float(particles["pixel_size"])
    return substituted(particles, (shell - 0.5) / length, seed)
