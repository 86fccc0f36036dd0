"""The spectrum of the noise in particles: around them, and in what is left of them without their projections."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..backends import backend_of, get_backend
from ..contracts import Backend
from ..imaging.ctf import FrequencyPlane, contrast_transfer
from ..imaging.images import BACKGROUND_RADIUS, displacement
from ..imaging.noise import noise_spectrum
from ..imaging.projector import FourierVolume, in_plane_limit, slices
from .candidates import Candidates
from .images import TILE, Images
from .observed import grey_scale
from .prepare import Weigher

MEASURED_IMAGES = 512
"""Most images that a spectrum is measured in, spread evenly over those given."""


def some_images(count: int) -> np.ndarray:
    """Return at most `MEASURED_IMAGES` of some images, spread evenly over them.

    Parameters
    ----------
    count : int
        How many there are.

    Returns
    -------
    ndarray, (m,), int64
        Which to take.
    """
    return np.arange(count) if count <= MEASURED_IMAGES else (np.arange(MEASURED_IMAGES) * count) // MEASURED_IMAGES


def prepared_images(
    images: Images, pause: Callable[[], None], windowed: bool = True, backend: Backend | None = None
) -> Iterator[tuple[np.ndarray, Any]]:
    """Yield some of the images, tile by tile, as they are inserted: contrast, normalisation and window as set.

    Parameters
    ----------
    images : Images
        The images.
    pause : callable
        Called between tiles; what it raises stops the work.
    windowed : bool, optional
        False to leave the window out.
    backend : Backend, optional
        Where the pixels are to live; on the host if not given.

    Yields
    ------
    chosen : ndarray, (t,), int64
        Which images.
    pixels : array, (t, n, n), float32
        Their pixels.
    """
    backend, some = backend or get_backend("numba"), some_images(len(images))
    weigher = Weigher.of(images, backend.xp)
    weigher = weigher if windowed else dataclasses.replace(weigher, window=None)
    tiles = [some[start : start + TILE] for start in range(0, len(some), TILE)]
    for chosen, pixels in images.fed(backend, tiles):
        pause()
        yield chosen, weigher.prepared(pixels)


def background_noise(images: Images, pause: Callable[[], None]) -> np.ndarray:
    """Return the spectrum of the noise around the particles.

    Parameters
    ----------
    images : Images
        The particles.
    pause : callable
        Called between tiles; what it raises stops the measurement.

    Returns
    -------
    ndarray, (read_size // 2 + 1,), float64
        Variance per pixel in every shell, from the pixels outside three quarters of half the box; where the settings
        ask for a window, what it leaves of that on average.
    """
    size, window = images.sampling.read_size, Weigher.of(images).window
    left = 1.0 if window is None else float(np.mean(np.square(window, dtype=np.float64)))
    total, count = np.zeros(size // 2 + 1), 0
    for chosen, pixels in prepared_images(images, pause, windowed=False):
        total += len(chosen) * noise_spectrum(pixels, BACKGROUND_RADIUS * size / 2)
        count += len(chosen)
    return left * total / max(1, count)


def residual_noise(
    images: Images,
    candidates: Candidates,
    references: Sequence[FourierVolume],
    limit: float | None,
    pause: Callable[[], None],
) -> np.ndarray:
    """Return the spectrum of what is left of particles without the references at their best poses.

    Parameters
    ----------
    images : Images
        The particles.
    candidates : Candidates
        Their poses.
    references : sequence of FourierVolume
        One a class.
    limit : float or None
        Finest shell that the references say anything about [1 / field of view]; None for all that they hold.
    pause : callable
        Called between tiles; what it raises stops the measurement.

    Returns
    -------
    ndarray, (read_size // 2 + 1,), float64
        Variance per pixel in every shell.
    """
    backend = backend_of(references[0].values)
    size, grid = images.sampling.read_size, references[0].grid
    limit = grid.radius / grid.scale if limit is None else limit
    inside = backend.upload(in_plane_limit(size, "circle", min(limit, size / 2 - 1e-3)))
    total, count = np.zeros(size // 2 + 1), 0
    for chosen, pixels in prepared_images(images, pause, backend=backend):
        seen = _seen(images.shown(chosen), candidates[chosen], references, inside)
        total += len(chosen) * noise_spectrum(pixels - backend.fft.irfft2(seen, s=(size, size)))
        count += len(chosen)
    return total / max(1, count)


def _seen(images: Images, candidates: Candidates, references: Sequence[FourierVolume], inside: Any) -> Any:
    """Return the half transforms of the projections at the best poses, from the first pixel, as images show them."""
    xp, sampling = backend_of(inside).xp, images.sampling
    size = sampling.read_size
    classes, turns = candidates.of_best("class_index"), candidates.of_best("rotation")
    seen = xp.empty((len(images), *inside.shape), xp.complex64)
    for number in np.unique(classes):
        those = np.flatnonzero(classes == number)
        seen[xp.asarray(those)] = slices(references[number], turns[those], inside)
    along_y, along_x = displacement(*candidates.of_best("shift").T, size, size // 2, size)
    amplitude = (candidates.of_best("scale") / grey_scale(images)).astype(np.float32)
    seen *= xp.asarray(along_y.conj()[:, :, None] * amplitude[:, None, None])
    seen *= xp.asarray(along_x.conj()[:, None, :])
    if images.ctf is not None:
        factor = contrast_transfer(images.ctf, FrequencyPlane.of(size, sampling.pixel_size, xp))
        seen *= xp.sign(factor) if images.config.imaging.ctf == "phase_flip" else factor
    return seen
