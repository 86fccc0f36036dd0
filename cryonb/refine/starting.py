"""Starting volumes: maps of any grid and grey scale made ready for the first alignment, or none at all."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from ..errors import must
from ..imaging.ctf import FrequencyPlane, contrast_transfer
from ..imaging.fourier import half_radius, half_transform
from ..imaging.masks import lowpass
from ..imaging.noise import noise_spectrum, plane_multiplicity
from ..imaging.regrid import regrid
from ..imaging.shells import n_coefficients, shell_power
from ..schema import REFINEMENT, VOLUME, validate
from .first_guess import first_guess
from .observed import grey_scale
from .residual import background_noise, prepared_images
from .run import Run

FIRST_SHELL = 2
"""Shells before this one say more of the background than of the particle."""

CLASSES = 10
"""Stream of randomness that shares images out over classes which start from one volume."""

PERTURBED_IMAGES = 300
"""Most images a class that a class's own start is averaged from."""


def starting_volumes(run: Run, references: Sequence[xr.Dataset]) -> Any:
    """Return the volumes of the first alignment.

    Parameters
    ----------
    run : Run
        Images and machinery, before the first iteration.
    references : sequence of xarray.Dataset
        Kind cryonb/volume or cryonb/refinement, of any box and voxel size; none to begin without.

    Returns
    -------
    array, (classes, n, n, n), float32
        On the target grid and the backend, low-passed, in the grey scale of the images.

    Raises
    ------
    InputError
        If there are more volumes than classes, or one is no map.

    Notes
    -----
    Where there are fewer volumes than classes, each further class starts from one of them made different by chance:
    images are aligned to it, and the class is the average of a random subset. Without volumes, see `first_guess`.
    """
    n_classes, lowest = run.config.refine.n_classes, run.config.refine.initial_lowpass
    if not references:
        return first_guess(run, n_classes)
    maps = [density for reference in references for density in _densities(reference)]
    must(len(maps) <= n_classes, "there must be a class for every starting volume", len(maps), "Raise refine.n_classes")
    sampling = run.sampling
    made = []
    for density, voxel_size in maps:
        run.counter.add(0, "regridding")
        centred = run.on_backend(without_level(density))
        moved = regrid(centred, voxel_size, sampling.box_size, sampling.voxel_size)
        filtered = lowpass(moved, sampling.voxel_size, lowest).astype(np.float32)
        made.append(filtered * np.float32(amplitude_in_images(run, filtered, sampling.field_of_view / lowest)))
    return run.backend.xp.stack([*made, *_further_classes(run, made, n_classes)])


def _densities(reference: xr.Dataset) -> list[tuple[np.ndarray, float]]:
    """Return the maps of a Dataset with their voxel size."""
    validate(reference, VOLUME, REFINEMENT)
    names = [name for name in ("density", "volume", "half_map") if name in reference]
    must(bool(names), "a starting volume must hold a map", "a mask alone", "Open one with cn.open_map")
    density = reference["half_map"].mean("half") if names[0] == "half_map" else reference[names[0]]
    values = np.asarray(density.values, np.float32)
    values = values if values.ndim == 4 else values[None]
    must(len(set(values.shape[1:])) == 1, "a starting volume must be a cube [voxel]", values.shape[1:], "Pad it")
    must(bool(np.isfinite(values).all()), "a starting volume must be finite", "NaN or infinity", "Repair the map")
    must(
        bool(np.ptp(values, axis=(1, 2, 3)).all()), "a starting volume must show something", "a constant", "Give a map"
    )
    return [(one, float(reference["voxel_size"])) for one in values]


def without_level(density: np.ndarray) -> np.ndarray:
    """Return a map less the mean of its corners, so that it can be set in a larger box.

    Parameters
    ----------
    density : ndarray, (n, n, n), float32
        The map.

    Returns
    -------
    ndarray, (n, n, n), float32
        The map, about zero outside the inscribed sphere.
    """
    size = density.shape[0]
    line = (np.arange(size) - size // 2) ** 2
    outside = line[:, None, None] + line[:, None] + line > (size / 2) ** 2
    return density - np.float32(density[outside].mean(dtype=np.float64))


def amplitude_in_images(run: Run, density: Any, limit: float) -> float:
    """Return what a map is to be multiplied by to explain the power of the images, before any pose is known.

    Parameters
    ----------
    run : Run
        Images and machinery.
    density : array, (n, n, n), float32
        Map on the target grid.
    limit : float
        Finest shell that is compared [1 / field of view].

    Returns
    -------
    float
        The factor, positive; where the images show no more than noise, the largest that would go unnoticed.

    Notes
    -----
    Over random poses the mean power of a slice is that of the map in the same shell. With I the mean power of the
    images, N that of the noise around the particles and M the map's, times the mean squared contrast transfer, A^2 is
    the least-squares solution of I - N = A^2 M over shells weighted by their coefficients over N^2, and at least two of
    its standard deviations.
    """
    pause = partial(run.counter.add, 0, "matching the grey scale")
    images, size = run.images, run.sampling.read_size
    power = np.array([noise_spectrum(pixels) for _, pixels in prepared_images(images, pause)])
    noise = background_noise(images, pause)
    model = shell_power(half_transform(density)) / n_coefficients(density.shape[0])
    shells = np.arange(FIRST_SHELL, min(max(int(limit), FIRST_SHELL + 1), len(model) - 1, len(noise) - 1) + 1)
    expected = model[shells] * _mean_transfer(run)[shells] / (grey_scale(images) * size) ** 2
    weight = shells / np.maximum(noise[shells], np.finfo(np.float32).tiny) ** 2
    norm = float((weight * expected**2).sum())
    found = (power[:, shells] - noise[shells]) @ (weight * expected) / norm
    error = found.std() / np.sqrt(len(found)) if len(found) > 1 else 0.0
    square = max(float(found.mean()), 2.0 * float(error))
    return float(np.sqrt(square)) if square > 0 else 1.0


def _mean_transfer(run: Run) -> np.ndarray:
    """Return the mean squared contrast transfer of some images in every shell of the images as read."""
    size, ctf = run.sampling.read_size, run.images.ctf
    if ctf is None or run.config.imaging.ctf == "phase_flip":
        return np.ones(size // 2 + 1)
    step = max(1, len(run.images) // 64)
    square = contrast_transfer(ctf[::step], FrequencyPlane.of(size, run.sampling.pixel_size)) ** 2
    shell = np.rint(half_radius(size, 2)).astype(int).ravel()
    count = plane_multiplicity(size).ravel()
    total = np.bincount(shell, count * square.mean(axis=0).ravel()) / np.bincount(shell, count)
    return total[: size // 2 + 1]


def _further_classes(run: Run, volumes: list, n_classes: int) -> list:
    """Return starts for the classes that no volume was given for, by turns from each of those given."""
    missing = n_classes - len(volumes)
    if missing <= 0:
        return []
    limit = run.sampling.field_of_view / run.config.refine.initial_lowpass
    order = np.argsort(run.draws(CLASSES), kind="stable")
    step = min(PERTURBED_IMAGES, max(1, len(order) // n_classes))
    return [
        _average_of_some(
            run, volumes[number % len(volumes)], np.sort(order[number * step : (number + 1) * step]), limit
        )
        for number in range(missing)
    ]


def _average_of_some(run: Run, volume: Any, members: np.ndarray, limit: float) -> Any:
    noise = run.background_noise(members)
    found = run.align([run.fourier(volume, limit=limit)], members, limit=limit, noise=noise)
    density = run.average(found, members, 0).density
    return lowpass(density, run.sampling.voxel_size, run.config.refine.initial_lowpass).astype(np.float32)
