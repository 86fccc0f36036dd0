"""Runs: the reconstruction of half maps from particles with poses."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from ..config import MaskConfig, RunConfig
from ..engines import available_threads, get_engine
from ..errors import must
from ..imaging.bands import CORNER, MEASURED, Extent, classify, holds_data
from ..imaging.fourier import half_transform
from ..imaging.masks import checked_mask, make_mask, mask_diameter
from ..imaging.reconstruct import Reconstruction
from ..imaging.shells import crossing, fourier_shell_correlation, n_coefficients, shell_power
from ..provenance import stamp
from ..schema import HALVES, REFINEMENT, build, grid_coordinates, shell_coordinates
from .counter import Counter, Progress
from .half_map import half_map
from .planning import plan, refuse_if_too_large, warn_if_thin
from .prepare import Images, half_sets
from .requirements import settled
from .sampling import Sampling


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
    settings = RunConfig.gather(config, **groups)
    needed = plan(particles, settings)
    settings = settled(particles, settings)
    refuse_if_too_large(needed, settings)
    warn_if_thin(needed, settings)
    shape = (needed.sampling.box_size,) * 3
    mask = None if mask is None else checked_mask(mask, shape)
    classes = particles["class_id"].values.tolist() if "class_posterior" in particles else [0]
    counter = Counter(needed.n_particles * len(classes), progress)
    results = [_both_halves(half_sets(particles, settings, class_id), counter) for class_id in classes]
    return _labelled(particles, settings, needed.sampling, results, mask)


def _both_halves(halves: tuple[Images, Images], counter: Counter) -> list[Reconstruction]:
    compute = halves[0].config.compute

    def one(half: Images, share: int) -> Reconstruction:
        return half_map(half, share, counter)

    try:
        return get_engine(compute.engine).map(one, halves, compute.threads or available_threads())
    except BaseException as problem:
        counter.stop(problem)
        raise counter.reason from None


def _labelled(
    particles: xr.Dataset,
    config: RunConfig,
    sampling: Sampling,
    results: list[list[Reconstruction]],
    mask: np.ndarray | None,
) -> xr.Dataset:
    inputs = [particles] if mask is None else [particles, mask]
    data_limit = sampling.data_index / sampling.field_of_view
    extent = Extent(
        sampling.box_size, sampling.voxel_size, sampling.particle_nyquist, sampling.field_of_view, data_limit
    )
    classes = [_judged(halves, extent) for halves in results]
    resolution = np.nanmin([*(found["resolution"] for found in classes), np.inf])
    resolution = float(resolution) if np.isfinite(resolution) else np.nan
    if mask is None:
        mean = np.mean([found["half_map"].mean(axis=0) for found in classes], axis=0)
        mask = make_mask(mean, sampling.voxel_size, config.mask, float(np.nan_to_num(resolution)))
    if mask is not None:
        extent = dataclasses.replace(extent, particle_diameter=mask_diameter(mask, sampling.voxel_size))
    for found in classes:
        found["band"] = classify(holds_data(found["insertion_weight"]), extent)
    tables = ("half_map", "insertion_weight", "fsc_unmasked", "band", "noise_power", "signal_power")
    shared_out = "class_posterior" in particles
    names = ("rot", "tilt", "psi", "shift_y", "shift_x", "random_subset")
    variables = {
        **{name: np.stack([found[name] for found in classes]) if shared_out else classes[0][name] for name in tables},
        "mask": mask,
        **{name: particles[name].values for name in names},
        "class_posterior": particles["class_posterior"].values if shared_out else None,
    }
    coords = {
        "class_id": particles["class_id"].values if shared_out else None,
        "half": np.array(HALVES),
        "particle": particles["particle"].values,
        **grid_coordinates(sampling.box_size, sampling.voxel_size),
        **shell_coordinates(sampling.box_size, sampling.voxel_size),
        "n_coefficients": n_coefficients(sampling.box_size),
        **sampling.scalars,
        "pad_factor": 1.0 if config.box.kernel == "nufft" else config.box.pad_factor,
        "resolution": resolution,
        "data_limit": data_limit,
        "data_end": sampling.field_of_view / max(np.flatnonzero(found["held"]).max() for found in classes),
    }
    attributes = {"limit": config.box.limit, "kernel": config.box.kernel, "symmetry": config.imaging.symmetry}
    attributes |= _notes(results)
    run = build(REFINEMENT, variables, coords, attributes)
    return stamp(run, "reconstruct", config.as_dict(), inputs, config.science())


def _judged(halves: list[Reconstruction], extent: Extent) -> dict[str, Any]:
    """Return what both half maps of one class say, with the shells that hold data and the resolution."""
    maps = np.stack([half.density for half in halves])
    weight = np.stack([half.shell_weight for half in halves])
    held = np.isin(classify(holds_data(weight), extent), (MEASURED, CORNER))
    must(bool(held.any()), "some shell must hold data", "no weight anywhere", "Check the CTF columns and the images")
    transforms = [half_transform(density) for density in maps]
    fsc = np.where(held, fourier_shell_correlation(*transforms), np.nan)
    power = np.mean([shell_power(transform) for transform in transforms], axis=0) / n_coefficients(extent.size)
    signal = np.clip(np.nan_to_num(fsc), 0.0, 1.0) * power
    return {
        "half_map": maps,
        "insertion_weight": weight,
        "fsc_unmasked": fsc,
        "noise_power": power - signal,
        "signal_power": signal,
        "held": held,
        "resolution": extent.length / crossing(fsc, 0.143, held),
    }


def _notes(results: list[list[Reconstruction]]) -> dict[str, str]:
    notes = [
        f"{f'class {number} ' if len(results) > 1 else ''}half {half}: {result.note}"
        for number, halves in enumerate(results, 1)
        for half, result in zip(HALVES, halves)
        if result.note
    ]
    return {"solver": "; ".join(notes)} if notes else {}
