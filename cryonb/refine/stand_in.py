"""Images that stand in for the particles: of a map that is known to end at a frequency, or of nothing but noise.

They have the poses, shifts, contrast transfer and noise spectrum of the particles that they stand in for, and take
the same way through the operator. What a curve of theirs shows past the end of their map, the operator made.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from ..backends import backend_of, get_backend
from ..imaging.ctf import FrequencyPlane, contrast_transfer
from ..imaging.fourier import half_radius, real_space, resize
from ..imaging.images import displacement, normalise
from ..imaging.noise import noise_spectrum, white_noise
from ..imaging.projector import FourierVolume, fourier_volume, in_plane_limit, slices
from .prepare import TILE, Images

STREAM = 1000
"""First of the streams of randomness that stand-ins draw from, one a replica."""

MEASURED_IMAGES = 512
"""Most images that the noise spectrum is measured in."""


@dataclasses.dataclass(frozen=True)
class Scene:
    """What stand-in images show.

    Attributes
    ----------
    spectrum : ndarray, (n // 2 + 1,), float64
        Variance of the noise per pixel, in every shell of the images as read.
    volume : FourierVolume or None
        The map; None for pure noise.
    max_index : float
        Where the map ends, in units of 1 / field of view.
    grey_scale : float
        Factor from a coefficient of the map to one of an image.
    seed, replica : int
        Source of randomness.
    """

    spectrum: np.ndarray
    volume: FourierVolume | None
    max_index: float
    grey_scale: float
    seed: int
    replica: int

    def again(self, replica: int) -> Self:
        """Return the same scene with other noise.

        Parameters
        ----------
        replica : int
            Which.

        Returns
        -------
        Scene
            The scene.
        """
        return dataclasses.replace(self, replica=replica)


def _go_on() -> None:
    """Stop nothing."""


def measured_noise(images: Images, own: Scene, other: Scene, pause: Callable[[], None] = _go_on) -> np.ndarray:
    """Return the spectrum of the noise in some images: of what is left of them without the projections of a map.

    Parameters
    ----------
    images : Images
        Particles.
    own : Scene
        The map that they made, to the end of the data; the noise of a scene is not read.
    other : Scene
        One of the same particle that they had no part in.
    pause : callable, optional
        Called between tiles; what it raises stops the measurement.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        Variance per pixel in every shell, after the normalisation that the settings ask for.

    Notes
    -----
    Their own map has taken some of their noise up, so that too little is left of it; the other brings noise of its
    own, by as much too much. The mean of both is taken.
    """
    backend, size = get_backend(images.config.compute.backend), images.sampling.read_size
    tiles = images.tiles()
    kept = tiles[:: max(1, len(images) // MEASURED_IMAGES)][: max(1, MEASURED_IMAGES // TILE)]
    shown = [Shown.of(scene, images, backend) for scene in (own, other)]
    total = np.zeros(size // 2 + 1)
    for tile, read in images.fed(backend, kept):
        pixels = _as_inserted(read, images)
        for scene in shown:
            pause()
            left = pixels - backend.fft.irfft2(scene.seen(images, tile), s=(size, size))
            total += len(left) * noise_spectrum(left)
    return total / (2.0 * sum(tile.stop - tile.start for tile in kept))


def scene_of(transform: Any, images: Images, spectrum: np.ndarray, max_index: float) -> Scene:
    """Return the scene of a map that ends at a frequency.

    Parameters
    ----------
    transform : array, (n, n, n // 2 + 1), complex64
        Half transform of the map; it is taken to the backend of the images' settings.
    images : Images
        Particles that the scene is for.
    spectrum : ndarray, (m // 2 + 1,), float64
        Noise, from `measured_noise`.
    max_index : float
        Where the map is cut off: a sphere, in units of 1 / field of view.

    Returns
    -------
    Scene
        The scene.
    """
    backend, size = get_backend(images.config.compute.backend), transform.shape[0]
    inside = backend.upload(half_radius(size) < np.float32(max_index))
    density = real_space(backend.upload(transform) * inside, size).astype(np.float32)
    small = min(size, 2 * int(np.ceil(max_index)) + 2)
    prepared = fourier_volume(resize(density, small), 2.0, "trilinear", True, max_index)
    sampling = images.sampling
    grey_scale = (sampling.field_of_view / small / sampling.pixel_size) ** 3
    return Scene(spectrum, prepared, max_index, grey_scale, images.config.compute.seed, 0)


def stand_ins(images: Images, scene: Scene) -> Images:
    """Return images of a scene in place of those of the particles.

    Parameters
    ----------
    images : Images
        The particles.
    scene : Scene
        What is shown in their place.

    Returns
    -------
    Images
        With the same poses, shifts, contrast transfer and settings.
    """
    return dataclasses.replace(images, source=Shown.of(scene, images, get_backend(images.config.compute.backend)))


@dataclasses.dataclass(frozen=True)
class Shown:
    """Images of a scene: their noise is drawn on the host, and all else is added where they are used.

    Attributes
    ----------
    scene : Scene
        What they show.
    amplitude : array, (n, n // 2 + 1), float64
        Standard deviation of the noise's coefficients, for white noise of unit variance.
    inside : array, (n, n // 2 + 1), float32
        One where the map has coefficients.
    plane : FrequencyPlane or None
        Frequencies of the contrast transfer.
    """

    scene: Scene
    amplitude: Any
    inside: Any
    plane: FrequencyPlane | None

    @classmethod
    def of(cls, scene: Scene, images: Images, backend: Any) -> Self:
        """Return the images of a scene on a backend.

        Parameters
        ----------
        scene : Scene
            What they show.
        images : Images
            What they stand in for.
        backend : Backend
            Where they are used.

        Returns
        -------
        Shown
            What draws and finishes them.
        """
        size = images.sampling.read_size
        variance = np.interp(half_radius(size, 2), np.arange(len(scene.spectrum)), scene.spectrum)
        inside = in_plane_limit(size, "circle", scene.max_index - 1e-3)
        plane = FrequencyPlane.of(size, images.sampling.pixel_size, backend.xp) if images.ctf is not None else None
        return cls(scene, backend.upload(np.sqrt(variance)), backend.upload(inside), plane)

    def draw(self, images: Images, chosen: slice | np.ndarray) -> np.ndarray:
        """Return white noise, by the ids of the particles.

        Parameters
        ----------
        images : Images
            The particles.
        chosen : slice or ndarray of int
            Which of them.

        Returns
        -------
        ndarray, (m, n, n), float32
            Of unit variance; the same on any machine.
        """
        ids = images.stack["particle"].values[chosen]
        return white_noise(self.scene.seed, STREAM + self.scene.replica, ids, images.sampling.read_size)

    def finish(self, images: Images, chosen: slice | np.ndarray, drawn: Any) -> Any:
        """Return images of the scene as the particles stand in their files: coloured noise and projections.

        Parameters
        ----------
        images : Images
            The particles.
        chosen : slice or ndarray of int
            Which of them.
        drawn : array, (m, n, n), float32
            White noise on the backend.

        Returns
        -------
        array, (m, n, n), float32
            Pixels.
        """
        size, fft = images.sampling.read_size, backend_of(drawn).fft
        transform = fft.rfft2(drawn)
        transform *= self.amplitude
        if self.scene.volume is not None:
            transform += self.seen(images, chosen)
        pixels = fft.irfft2(transform, s=(size, size)).astype(np.float32)
        return -pixels if images.config.imaging.invert_contrast else pixels

    def seen(self, images: Images, chosen: slice | np.ndarray) -> Any:
        """Return the half transforms of the scene's projections, from the first pixel.

        Parameters
        ----------
        images : Images
            Particles, whose poses are taken.
        chosen : slice or ndarray of int
            Which of them.

        Returns
        -------
        array, (m, n, n // 2 + 1), complex64
            As the particles' images hold them.
        """
        size, xp = images.sampling.read_size, backend_of(self.inside).xp
        seen = slices(self.scene.volume, images.rotations[chosen, 0], self.inside)
        shifts = images.shift_x[chosen], images.shift_y[chosen]
        along_y, along_x = displacement(*shifts, size, size // 2, size, xp)
        seen *= along_y.conj()[:, :, None] * np.float32(self.scene.grey_scale)
        seen *= along_x.conj()[:, None, :]
        if images.ctf is not None:
            factor = contrast_transfer(images.ctf[chosen], self.plane)
            seen *= xp.sign(factor) if images.config.imaging.ctf == "phase_flip" else factor
        return seen


def _as_inserted(pixels: Any, images: Images) -> Any:
    imaging = images.config.imaging
    pixels = -pixels if imaging.invert_contrast else pixels
    return normalise(pixels) if imaging.normalise else pixels
