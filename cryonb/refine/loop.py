"""Runs: the reconstruction of half maps from particles with poses."""

import dataclasses
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from ..backends import get_backend
from ..config import MaskConfig, RunConfig
from ..engines import available_threads, get_engine
from ..errors import RunStopped, must
from ..imaging.bands import CORNER, MEASURED, Extent, classify, holds_data
from ..imaging.fourier import half_transform
from ..imaging.masks import checked_mask, make_mask, mask_diameter
from ..imaging.reconstruct import Accumulator, Reconstruction, without_corners
from ..imaging.reconstruct import reconstruct as divide_and_transform
from ..imaging.shells import crossing, fourier_shell_correlation, n_coefficients, shell_power
from ..provenance import stamp
from ..schema import HALVES, REFINEMENT, build, grid_coordinates, shell_coordinates
from .planning import grid_of, plan, refuse_if_too_large, warn_if_thin
from .prepare import TILE, Images, Weigher, half_sets
from .requirements import settled
from .sampling import Sampling

Progress = Callable[[float, str], None]

CARRIED_TILES = 32
"""Tiles after which sums near the origin are carried over in double precision."""


class _Counter:
    """Progress of several threads as one fraction; once the listener objects, every thread stops."""

    def __init__(self, total: int, listener: Progress | None) -> None:
        self._total, self._listener, self._done = max(1, total), listener, 0
        self._stop: BaseException | None = None
        self._lock = threading.Lock()

    def add(self, amount: float, text: str) -> None:
        with self._lock:
            if self._stop is not None:
                raise RunStopped("the run was stopped. Start it again to continue.") from self._stop
            self._done += amount
            if self._listener is not None:
                try:
                    self._listener(min(1.0, self._done / self._total), text)
                except BaseException as problem:
                    self._stop = problem
                    raise

    def stop(self, problem: BaseException) -> None:
        """Make every thread stop where it next reports."""
        self._stop = problem


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
    halves = half_sets(particles, settings)
    threads = settings.compute.threads or available_threads()
    counter = _Counter(needed.n_particles, progress)
    soft = settings.box.corners == "soft"

    def one(half: Images, share: int) -> Reconstruction:
        made = _half_map(half, share, counter)
        return dataclasses.replace(made, density=without_corners(made.density)) if soft else made

    try:
        results = get_engine(settings.compute.engine).map(one, halves, threads)
    except BaseException as problem:
        counter.stop(problem)
        raise
    return _labelled(particles, settings, needed.sampling, results, mask)


def _half_map(images: Images, threads: int, counter: _Counter) -> Reconstruction:
    backend = get_backend(images.config.compute.backend)
    weigher = Weigher.of(images, backend.xp)
    if images.config.box.kernel == "nufft":
        return _exact_half_map(images, weigher, threads, counter)
    accumulator = Accumulator.empty(grid_of(images.sampling, images.config), backend.xp)
    for batch in _batches(images):
        pixels = backend.xp.asarray(images.read(batch))
        for number, tile in enumerate(_tiles_of(batch), batch.start // TILE):
            inside = slice(tile.start - batch.start, tile.stop - batch.start)
            coefficients, weights = weigher(tile, pixels[inside])
            rotations = backend.xp.asarray(images.rotations[tile])
            for part in _parts_of(len(weights), rotations.shape[1]):
                accumulator.insert(coefficients[part], weights[part], rotations[part], threads)
                counter.add(part.stop - part.start, "inserting slices")
            if number % CARRIED_TILES == CARRIED_TILES - 1:
                accumulator.carry()
    gridding_correction = images.config.box.gridding_correction
    return divide_and_transform(accumulator, gridding_correction, lambda: counter.add(0, "to real space"))


def _batches(images: Images) -> list[slice]:
    """Return what is read at a time: a whole number of tiles."""
    wanted = images.config.compute.batch_size or 2 * TILE
    step = TILE * max(1, wanted // (2 * TILE))
    return [slice(start, min(start + step, len(images))) for start in range(0, len(images), step)]


def _tiles_of(batch: slice) -> list[slice]:
    return [slice(start, min(start + TILE, batch.stop)) for start in range(batch.start, batch.stop, TILE)]


def _parts_of(count: int, operators: int) -> list[slice]:
    """Return pieces of a tile, so small that a run can be stopped between two of them also where symmetry is high."""
    step = max(1, TILE // operators)
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def _exact_half_map(images: Images, weigher: Weigher, threads: int, counter: _Counter) -> Reconstruction:
    from ..imaging.exact import least_squares_volume

    parts = []
    for tile in images.tiles():
        parts.append(weigher(tile, images.read(tile)))
        counter.add(0, "preparing images")
    coefficients, weights = (np.concatenate(part) for part in zip(*parts))
    operators = images.rotations.shape[1]
    coefficients, weights = (np.repeat(part, operators, axis=0) for part in (coefficients, weights))
    rotations = images.rotations.reshape(-1, 3, 3).astype(np.float64)
    size = images.sampling.box_size
    told = 0.0

    def progress(fraction: float, text: str) -> None:
        nonlocal told
        counter.add(len(images) * max(0.0, fraction - told), text)
        told = max(told, fraction)

    density, record = least_squares_volume(coefficients, weights, rotations, size, threads=threads, progress=progress)
    progress(1.0, "exact reconstruction")
    ended = "converged" if record.converged else "not converged"
    note = f"{ended} after {record.iterations} steps, relative residual {record.residual:.2g}"
    return Reconstruction(density, _plane_weight(weights, size), note)


def _plane_weight(weights: np.ndarray, size: int) -> np.ndarray:
    """Return the mean weight of the points of each shell that the slices bring, for an exact reconstruction."""
    from ..imaging.fourier import half_radius

    shell = np.floor(half_radius(weights.shape[1], 2) + 0.5).astype(int).ravel()
    total = np.bincount(shell, weights.sum(axis=0, dtype=np.float64).ravel(), size // 2 + 1)[: size // 2 + 1]
    return total / n_coefficients(size)


def _labelled(
    particles: xr.Dataset,
    config: RunConfig,
    sampling: Sampling,
    results: list[Reconstruction],
    mask: np.ndarray | None,
) -> xr.Dataset:
    inputs = [particles] if mask is None else [particles, mask]
    maps = np.stack([result.density for result in results])
    weight = np.stack([result.shell_weight for result in results])
    data_limit = sampling.data_index / sampling.field_of_view
    extent = Extent(
        sampling.box_size, sampling.voxel_size, sampling.particle_nyquist, sampling.field_of_view, data_limit
    )
    held = np.isin(classify(holds_data(weight), extent), (MEASURED, CORNER))
    must(bool(held.any()), "some shell must hold data", "no weight anywhere", "Check the CTF columns and the images")
    transforms = [half_transform(density) for density in maps]
    fsc = np.where(held, fourier_shell_correlation(*transforms), np.nan)
    resolution = sampling.field_of_view / crossing(fsc, 0.143, held)
    if mask is None:
        mask = make_mask(maps.mean(axis=0), sampling.voxel_size, config.mask, float(np.nan_to_num(resolution)))
    if mask is not None:
        extent = dataclasses.replace(extent, particle_diameter=mask_diameter(mask, sampling.voxel_size))
    band = classify(holds_data(weight), extent)
    power = np.mean([shell_power(transform) for transform in transforms], axis=0) / n_coefficients(sampling.box_size)
    signal = np.clip(np.nan_to_num(fsc), 0.0, 1.0) * power
    names = ("rot", "tilt", "psi", "shift_y", "shift_x", "random_subset")
    variables = {
        "half_map": maps,
        "mask": mask,
        "insertion_weight": weight,
        "fsc_unmasked": fsc,
        "band": band,
        "noise_power": power - signal,
        "signal_power": signal,
        **{name: particles[name].values for name in names},
    }
    coords = {
        "half": np.array(HALVES),
        "particle": particles["particle"].values,
        **grid_coordinates(sampling.box_size, sampling.voxel_size),
        **shell_coordinates(sampling.box_size, sampling.voxel_size),
        "n_coefficients": n_coefficients(sampling.box_size),
        "voxel_size": sampling.voxel_size,
        "pixel_size": sampling.pixel_size,
        "box_size": sampling.box_size,
        "binning": sampling.read_size / sampling.binned_size,
        "pad_factor": 1.0 if config.box.kernel == "nufft" else config.box.pad_factor,
        "particle_nyquist": sampling.particle_nyquist,
        "grid_nyquist": sampling.grid_nyquist,
        "resolution": resolution,
        "data_limit": data_limit,
        "data_end": sampling.field_of_view / np.flatnonzero(held).max(),
    }
    attributes = {"limit": config.box.limit, "kernel": config.box.kernel, "symmetry": config.imaging.symmetry}
    notes = [f"half {half}: {result.note}" for half, result in zip(HALVES, results) if result.note]
    attributes |= {"solver": "; ".join(notes)} if notes else {}
    run = build(REFINEMENT, variables, coords, attributes)
    return stamp(run, "reconstruct", config.as_dict(), inputs, config.science())
