"""Bands of a curve: where shells hold measured data, corner data, the smoothness of the support, or nothing."""

import dataclasses
import math

import numpy as np

from .shells import n_coefficients

MEASURED, CORNER, SUPPORT, NO_DATA, NOISE = "measured", "corner", "support", "no data", "noise"

NEGLIGIBLE = 1e-3
"""A shell with less than this fraction of what the shell before it holds, holds nothing."""

FFT_ROUNDING = 64.0
"""Rounding floors that are still rounding: transforms in single precision leave several times what storing does."""

SPILL = 2
"""Shells past the limit of the data that an insertion kernel may still touch."""


@dataclasses.dataclass(frozen=True)
class Extent:
    """Where the data of a pair of half maps may lie.

    Attributes
    ----------
    size : int
        Voxels along an edge.
    voxel_size : float
        Voxel size [angstrom].
    particle_nyquist : float
        Nyquist frequency of the particle images as read [1/angstrom]; NaN where it is not known.
    particle_diameter : float
        Diameter of the particle [angstrom].
    data_limit : float
        Frequency past which nothing was inserted [1/angstrom]; NaN where it is not known.
    """

    size: int
    voxel_size: float
    particle_nyquist: float
    particle_diameter: float
    data_limit: float = math.nan

    @property
    def length(self) -> float:
        """Edge of the box [angstrom]."""
        return self.size * self.voxel_size

    @property
    def nyquist_shell(self) -> float:
        """Shell of the particle Nyquist, with its fraction; infinity where it is not known."""
        return math.inf if math.isnan(self.particle_nyquist) else self.particle_nyquist * self.length

    @property
    def support_shells(self) -> int:
        """Shells over which the particle's coefficients are correlated: ceil(2 L / D)."""
        return math.ceil(2.0 * self.length / self.particle_diameter - 1e-9)


def holds_data(content: np.ndarray) -> np.ndarray:
    """Return which shells hold data, from how much every one contains.

    Parameters
    ----------
    content : ndarray, (halves, shells), float64
        Insertion weight, or power per coefficient, of each half.

    Returns
    -------
    ndarray, (shells,), bool
        True where all halves contain more than a negligible fraction of what the last shell with data contains.
    """
    least = np.min(np.nan_to_num(content), axis=0)
    held = np.zeros(least.size, bool)
    last = 0.0
    for shell, value in enumerate(least):
        held[shell] = value > 0 and value >= NEGLIGIBLE * last
        last = value if held[shell] else last
    return held


def classify(held: np.ndarray, sampling: Extent) -> np.ndarray:
    """Return the band of every shell.

    Parameters
    ----------
    held : ndarray, (shells,), bool
        Shells that hold data.
    sampling : Extent
        Where they may lie.

    Returns
    -------
    ndarray, (shells,), str
        "measured" up to the particle Nyquist; "corner" past it, up to sqrt(2) times as far, where there are data;
        "support" within ceil(2 L / D) shells of data; "no data" elsewhere.

    Notes
    -----
    What an insertion kernel spreads past the last frequency that was inserted is no data. Where that frequency is not
    known, and the data past the particle Nyquist end within two shells of it, they are taken for that.
    """
    shell = np.arange(held.size)
    edge = sampling.nyquist_shell + 1e-6
    if not math.isnan(sampling.data_limit):
        held = held & (shell <= sampling.data_limit * sampling.length + 1e-6)
    past = held & (shell > edge) & (shell <= math.sqrt(2.0) * edge)
    if math.isnan(sampling.data_limit) and _spilled(shell[past], edge, shell[-1]):
        past[:] = False
    data = (held & (shell <= edge)) | past
    band = np.full(held.size, NO_DATA, dtype="<U8")
    reach = sampling.support_shells
    for centre in np.flatnonzero(data):
        band[max(0, centre - reach) : centre + reach + 1] = SUPPORT
    band[data] = MEASURED
    band[past] = CORNER
    return band


def _spilled(past: np.ndarray, edge: float, last: int) -> bool:
    return past.size > 0 and past.max() <= edge + SPILL and past.max() < last


def holds_power(power: np.ndarray, floor: np.ndarray, sampling: Extent) -> np.ndarray:
    """Return which shells hold data, from the power of the half maps where no insertion weights are known.

    Parameters
    ----------
    power : ndarray, (halves, shells), float64
        Power on every shell.
    floor : ndarray, (halves,), float64
        Rounding floor of each half [power per coefficient].
    sampling : Extent
        Where data may lie.

    Returns
    -------
    ndarray, (shells,), bool
        True above the rounding floor; past the particle Nyquist, also where the power does not drop away.
    """
    mean = power / n_coefficients(sampling.size)
    above = (mean > floor[:, None]).all(axis=0)
    past = np.arange(mean.shape[1]) >= np.floor(min(sampling.nyquist_shell + 1e-6, mean.shape[1]))
    above[past] &= holds_data(mean[:, past])
    above[0] = True
    return above
