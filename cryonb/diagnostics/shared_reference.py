"""The part of a curve that the refinement made up, measured on turned grids like the curve that it is part of."""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from ..config import RunConfig
from ..errors import must
from ..imaging.bands import holds_data
from ..imaging.dither import turned_grids
from ..imaging.fourier import real_space
from ..imaging.mask_leak import modified_correlation
from ..imaging.shells import crossing
from ..refine.iterate import refine
from ..refine.operator import Operator, Switch
from ..refine.rejoin import rejoin
from .components import OWN
from .measurement import Measurement
from .substituted_run import substitution_shell, with_noise_from

REFINING = 0.7
"""Share of the work that is the refinement; the rest is maps."""


class SharedReference:
    """The recipe run again on particles whose images hold noise past a shell, once for all classes.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles, with the poses that are judged.
    config : RunConfig
        Settings; `config.refine` is the recipe that found the poses.
    from_resolution : float
        Where the noise begins [angstrom]; 0 for where the curve of the first class falls to 0.8.
    **given
        `references` and `mask` of the refinement.
    """

    def __init__(self, particles: xr.Dataset, config: RunConfig, from_resolution: float, **given: Any) -> None:
        self._particles, self._config, self._given = particles, config, given
        self._from_resolution = from_resolution
        self._noise: xr.Dataset | None = None
        self._shell = 0

    def add_to(self, found: Measurement, class_id: int, dithers: int, progress: Any) -> None:
        """Measure what noise correlates past the shell, as the curve ``substituted`` of one class.

        Parameters
        ----------
        found : Measurement
            With the curves of the particles; filled.
        class_id : int
            Class; 0 where there are none.
        dithers : int
            Grids turned at random.
        progress : callable
            Called with the fraction done and a text.
        """
        if self._noise is None:
            self._refine(found, partial(_part, progress, 0.0, REFINING))
        operator = Operator(self._noise, found.operator.config, class_id)
        operator.report_to(2 + dithers, partial(_part, progress, REFINING, 1.0 - REFINING))
        first, second = operator.run(Switch("A", found.limit), Switch("B", found.limit))
        for turn in turned_grids(dithers, operator.config.compute.seed):
            (turned,) = operator.run(Switch("B", found.limit, turn))
            found.correlations.add_turned("substituted", first, turned, second)
        found.substitution_shell = self._shell
        if found.correlations.mask is not None:
            size = len(first.transform)
            pair = (real_space(made.transform, size).astype(np.float32) for made in (first, second))
            mask = found.correlations.mask_beside
            found.substituted_modified = modified_correlation(*pair, mask, operator.pause)

    def _refine(self, found: Measurement, progress: Any) -> None:
        own = found.correlations.curves[OWN[found.limit][1]]
        held = holds_data(found.weight) & (np.arange(own.size) <= found.band_end + 1e-6)
        length = found.operator.sampling.field_of_view
        limit = length / crossing(own, 0.143, held)
        self._shell = substitution_shell(np.where(held, own, np.nan)[None], length, self._from_resolution, limit)
        noisy = with_noise_from(self._particles, self._shell, self._config.compute.seed)
        run = refine(noisy, config=self._config, progress=progress, **self._given)
        self._noise = rejoin(run, noisy)
        wanted, made = (particles.sizes.get("class_id", 1) for particles in (self._particles, self._noise))
        rule = f"the recipe must give {wanted} classes, as many as the particles have"
        must(wanted in (1, made), rule, made, f"Set refine.n_classes to {wanted}")


def _part(progress: Any, start: float, share: float, fraction: float, text: str) -> None:
    progress(start + share * fraction, f"noise in place of the images: {text}")
