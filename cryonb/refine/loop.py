"""Runs: the reconstruction of half maps from particles with poses."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from ..backends import get_backend
from ..config import MaskConfig, RunConfig
from ..engines import available_threads, get_engine
from ..imaging.masks import checked_mask
from ..imaging.reconstruct import Reconstruction
from .counter import Counter, Progress
from .fallback import signed as signed
from .fallback import usable as usable
from .fallback import with_fallback as with_fallback
from .half_map import half_map
from .labels import labelled_reconstruction
from .planning import expected_time as expected_time
from .planning import plan, refuse_if_too_large, warn_if_thin
from .prepare import Images, half_sets
from .requirements import settled


def reconstruct(
    particles: xr.Dataset,
    config: Any = None,
    *,
    mask: np.ndarray | MaskConfig | Mapping | None = None,
    progress: Progress | None = None,
    **groups: Any,
) -> xr.Dataset:
    """Return the half maps of particles with known poses.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles, with poses and half sets.
    config : RunConfig or mapping, optional
        Settings.
    mask : ndarray, (n, n, n), float32, or mask settings, optional
        Mask of the target box, kept beside the maps; else `config.mask` makes one.
    progress : callable, optional
        Called with (fraction, text); what it raises stops the run.
    **groups
        Settings by group, as in `RunConfig.gather`.

    Returns
    -------
    xarray.Dataset
        Kind cryonb/refinement: half maps [grey scale of the images], their FSC, weights and spectra.

    Raises
    ------
    InputError
        If the particles or settings cannot work, or the run does not fit in memory.
    BackendFailed
        If the machine failed; with `compute.fallback` the CPU does it again where a GPU has.
    RunStopped
        If `progress` stopped it.

    Notes
    -----
    Each half map is sum(w c F) / sum(w c^2) on a padded grid, where F is the half transform of an image, c its
    contrast transfer and w the interpolation kernel; then the inverse transform, divided by that of the kernel.

    References
    ----------
    Scheres (2012), doi:10.1016/j.jsb.2012.09.006
    """
    if isinstance(mask, (Mapping, MaskConfig)):
        groups, mask = {**groups, "mask": mask}, None

    def made(settings: RunConfig) -> xr.Dataset:
        return _reconstructed(particles, settings, mask, progress)

    return signed(*with_fallback(RunConfig.gather(config, **groups), made))


def _reconstructed(
    particles: xr.Dataset, config: RunConfig, mask: np.ndarray | None, progress: Progress | None
) -> xr.Dataset:
    needed = plan(particles, config)
    settings = settled(particles, config)
    refuse_if_too_large(needed, settings)
    warn_if_thin(needed, settings)
    shape = (needed.sampling.box_size,) * 3
    mask = None if mask is None else checked_mask(mask, shape)
    classes = particles["class_id"].values.tolist() if "class_posterior" in particles else [0]
    counter = Counter(needed.n_particles * len(classes), progress)
    results = [_both_halves(half_sets(particles, settings, class_id), counter) for class_id in classes]
    return labelled_reconstruction(particles, settings, needed.sampling, results, mask)


def _both_halves(halves: tuple[Images, Images], counter: Counter) -> list[Reconstruction]:
    compute = halves[0].config.compute

    def one(half: Images, share: int) -> Reconstruction:
        return half_map(half, share, counter)

    try:
        workers = get_backend(compute.backend).workers(compute.threads or available_threads())
        with threadpool_limits(1, "blas"):  # the products of images are small: their threads would only wait
            return get_engine(compute.engine).map(one, halves, workers)
    except BaseException as problem:
        counter.stop(problem)
        raise counter.reason from None
