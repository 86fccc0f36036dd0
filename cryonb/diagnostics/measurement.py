"""What has been measured of one class of particles: half maps, curves, and what a mask adds to them."""

import dataclasses

import numpy as np

from ..imaging.bands import Extent
from ..imaging.fourier import real_space
from ..imaging.masks import mask_diameter
from ..refine.operator import Made, Operator
from .correlations import Correlations
from .fsc import FscOptions, correlate
from .half_maps import HalfMaps


@dataclasses.dataclass
class Measurement:
    """What has been measured of one class, growing as runs finish.

    Attributes
    ----------
    operator : Operator
        The particles with their settings.
    correlations : Correlations
        Curves so far.
    diameter : float
        Diameter of the particle [angstrom]; 0 where it is not known.
    surrogate_shell : float
        Where the signal of the surrogate ends.
    halves : list of tuple of Made
        Both half maps with the square limit, and with the circle.
    leak : dict of str to ndarray
        What the mask leaks.
    substitution_shell : int
        First shell whose images were replaced by noise in the curve ``substituted``; 0 where there is none.
    substituted_modified : ndarray, (shells,), float64, or None
        That curve under the mask, where there is one, as no other shell can leak into it.
    """

    operator: Operator
    correlations: Correlations
    diameter: float = 0.0
    surrogate_shell: float = 0.0
    halves: list[tuple[Made, Made]] = dataclasses.field(default_factory=list)
    leak: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    substitution_shell: int = 0
    substituted_modified: np.ndarray | None = None

    @property
    def limit(self) -> str:
        """In-plane limit of the user's own run."""
        return self.operator.config.box.limit

    @property
    def own(self) -> tuple[Made, Made]:
        """Half maps with the user's own in-plane limit."""
        return self.halves[0 if self.limit == "square" else 1]

    @property
    def weight(self) -> np.ndarray:
        """Insertion weight of both halves, (2, shells), float64."""
        return np.stack([made.shell_weight for made in self.own])

    @property
    def band_end(self) -> float:
        """Shell at which the band of the images ends: their Nyquist, or sooner where data were cut."""
        extent = self.extent
        return min(extent.nyquist_shell, extent.data_limit * extent.length)

    @property
    def extent(self) -> Extent:
        """Where the data may lie."""
        sampling, mask = self.operator.sampling, self.correlations.mask
        widest = sampling.field_of_view if mask is None else mask_diameter(mask, sampling.voxel_size)
        limit = sampling.data_index / sampling.field_of_view
        diameter = self.diameter or widest
        return Extent(sampling.box_size, sampling.voxel_size, sampling.particle_nyquist, diameter, limit)


def mask_leak(found: Measurement, n_draws: int) -> dict[str, np.ndarray]:
    """Return what a mask adds to the user's own curve.

    Parameters
    ----------
    found : Measurement
        Half maps and mask.
    n_draws : int
        Draws of random phases.

    Returns
    -------
    dict of str to ndarray, (shells,), float64
        `mask_leak`, the masked curve less the modified one, which no shell can leak into; `mask_leak_randomised`,
        the masked curve less the one corrected by random phases, where phases could be made random.

    References
    ----------
    Penczek (2020), doi:10.1107/S2052252520011574; Chen et al. (2013), doi:10.1016/j.ultramic.2013.06.004
    """
    size = found.operator.sampling.box_size
    maps = [real_space(made.transform, size).astype(np.float32) for made in found.own]
    halves = HalfMaps(*maps, found.correlations.mask_beside, found.weight, found.extent, {})
    values = correlate(halves, FscOptions(n_draws=n_draws), found.operator.config, found.operator.pause).values
    terms = {"mask_leak": "modified", "mask_leak_randomised": "corrected"}
    return {term: values["masked"] - values[kind] for term, kind in terms.items() if kind in values}
