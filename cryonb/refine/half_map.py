"""From images with poses to one map: every stage of the operator is a setting of the images' run."""

import dataclasses
from functools import partial
from typing import Any

import numpy as np

from ..backends import backend_of, get_backend
from ..imaging.reconstruct import Accumulator, Reconstruction, without_corners
from ..imaging.reconstruct import reconstruct as divide_and_transform
from ..imaging.shells import n_coefficients
from .counter import Counter
from .planning import grid_of
from .prepare import TILE, Images, Weigher

CARRIED = 32 * TILE
"""Images after which sums near the origin are carried over in double precision."""

STEP_BYTES = 1 << 27
"""Pixels that a GPU works on at a time, at most [byte]: as many are read ahead several times over."""


def half_map(images: Images, threads: int, counter: Counter, keep_weights: bool = False) -> Reconstruction:
    """Return the map of some images, each inserted at its own pose.

    Parameters
    ----------
    images : Images
        The images, with the settings of the operator.
    threads : int
        CPU threads; the result does not depend on them.
    counter : Counter
        Told how many images were inserted; may stop the run.
    keep_weights : bool, optional
        Whether the inserted weight of every point of the grid is kept.

    Returns
    -------
    Reconstruction
        Density, shell weights, and the weights where they are to be kept.

    Notes
    -----
    sum(w c F) / sum(w c^2) on a padded grid, where F is the half transform of an image, c its contrast transfer and w
    the interpolation kernel; then the inverse transform, divided by that of the kernel; then, where the settings ask
    for it, without the corners outside the inscribed sphere.
    """
    made = (
        _exact(images, threads, counter)
        if images.config.box.kernel == "nufft"
        else _gridded(images, threads, counter, keep_weights)
    )
    if images.config.box.corners == "soft":
        made = dataclasses.replace(made, density=without_corners(made.density))
    return made


def _gridded(images: Images, threads: int, counter: Counter, keep_weights: bool) -> Reconstruction:
    accumulator = accumulated(images, threads, counter)
    gridding_correction = images.config.box.gridding_correction
    pause = partial(counter.add, 0, "to real space")
    return divide_and_transform(accumulator, gridding_correction, pause, keep_weights)


def accumulated(images: Images, threads: int, counter: Counter) -> Accumulator:
    """Return the sums of the slices of some images, each inserted at its own pose.

    Parameters
    ----------
    images : Images
        The images.
    threads : int
        CPU threads; the result does not depend on them.
    counter : Counter
        Told how many images were inserted; may stop the run.

    Returns
    -------
    Accumulator
        Sums and weights on the padded grid.
    """
    backend = get_backend(images.config.compute.backend)
    weigher = Weigher.of(images, backend.xp)
    accumulator = Accumulator.empty(grid_of(images.sampling, images.config), backend.xp)
    step = _step(images, weigher, backend)
    for batch, pixels in images.fed(backend, _cut(slice(0, len(images)), _read_together(images, step))):
        for tile in _cut(batch, step):
            coefficients, weights = weigher(tile, pixels[tile.start - batch.start : tile.stop - batch.start])
            rotations = backend.upload(images.rotations[tile])
            for part in _cut(tile, _inserted_together(step, rotations.shape[1])):
                own = slice(part.start - tile.start, part.stop - tile.start)
                accumulator.insert(coefficients[own], weights[own], rotations[own], threads)
                counter.add(part.stop - part.start, "inserting slices")
                if part.stop // CARRIED > part.start // CARRIED:
                    accumulator.carry()
    return accumulator


def _step(images: Images, weigher: Weigher, backend: Any) -> int:
    """Return how many images are turned into half transforms at a time: whole tiles, whose pixels are not too many."""
    fitting = STEP_BYTES // (4 * images.sampling.read_size**2) // TILE * TILE
    return min(backend.together(TILE, weigher.bytes_each()), max(TILE, fitting))


def _read_together(images: Images, step: int) -> int:
    """Return how many images are read at a time: as many as are worked on, or what the settings say for two halves."""
    wanted = images.config.compute.batch_size
    return TILE * max(1, wanted // (2 * TILE)) if wanted else step


def _inserted_together(step: int, operators: int) -> int:
    """Return how many images one launch inserts: a run can be stopped between two of them, also of high symmetry."""
    return max(1, min(step, CARRIED) // operators)


def _cut(whole: slice, step: int) -> list[slice]:
    return [slice(start, min(start + step, whole.stop)) for start in range(whole.start, whole.stop, step)]


def _exact(images: Images, threads: int, counter: Counter) -> Reconstruction:
    from ..imaging.exact import least_squares_volume

    backend = get_backend(images.config.compute.backend)
    weigher, parts = Weigher.of(images, backend.xp), []
    for tile, pixels in images.fed(backend, _cut(slice(0, len(images)), _step(images, weigher, backend))):
        parts.append(weigher(tile, pixels))
        counter.add(0, "preparing images")
    coefficients, weights = (backend.xp.concatenate(part) for part in zip(*parts))
    operators = images.rotations.shape[1]
    coefficients, weights = (backend.xp.repeat(part, operators, axis=0) for part in (coefficients, weights))
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


def _plane_weight(weights: Any, size: int) -> np.ndarray:
    """Return the mean weight of the points of each shell that the slices bring, for an exact reconstruction."""
    from ..imaging.fourier import half_radius

    shell = np.floor(half_radius(weights.shape[1], 2) + 0.5).astype(int).ravel()
    plane = backend_of(weights).download(weights.sum(axis=0, dtype=np.float64))
    total = np.bincount(shell, plane.ravel(), size // 2 + 1)[: size // 2 + 1]
    return total / n_coefficients(size)
