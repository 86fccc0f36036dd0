"""Images as a search sees them: their noise divided out, on rings for the global search, in rows for the local one."""

import dataclasses
from typing import Any, Self

import numpy as np

from ..backends import backend_of
from ..imaging.ctf import FrequencyPlane, contrast_transfer
from ..imaging.images import displacement, normalise, soft_window
from ..imaging.polar import RingImages, Rings
from .images import TILE, Images


@dataclasses.dataclass(frozen=True)
class Rows:
    """Half a plane of coefficients inside a circle, row by row, without the one at the origin.

    Attributes
    ----------
    limit : float
        Radius of the circle [1 / field of view].
    kx, ky : ndarray, (c,), int64
        Frequencies [1 / field of view].
    start : ndarray, (2 * reach + 1,), int64
        Where column 0 of each row ky = -reach .. reach stands, or would stand.
    """

    limit: float
    kx: np.ndarray
    ky: np.ndarray
    start: np.ndarray

    @classmethod
    def within(cls, limit: float) -> Self:
        """Return the rows inside a circle.

        Parameters
        ----------
        limit : float
            Radius [1 / field of view].

        Returns
        -------
        Rows
            The rows.

        Examples
        --------
        >>> Rows.within(1.0).kx.tolist(), Rows.within(1.0).ky.tolist()
        ([1, 0], [0, 1])
        """
        reach = int(limit)
        columns, starts, count = [], [], 0
        for line in range(-reach, reach + 1):
            first = 0 if line > 0 else 1
            last = int(np.sqrt(max(0.0, limit**2 - line**2)))
            row = np.arange(first, last + 1)
            starts.append(count - first)
            columns.append(np.stack([row, np.full(len(row), line)]))
            count += len(row)
        kx, ky = np.concatenate(columns, axis=1)
        return cls(limit, kx, ky, np.array(starts, dtype=np.int64))

    @property
    def radius(self) -> np.ndarray:
        """Distance from the origin of every coefficient, (c,), float64."""
        return np.hypot(self.kx, self.ky)


@dataclasses.dataclass(frozen=True)
class Observer:
    """Turns images into what a search compares with slices.

    Attributes
    ----------
    images : Images
        What to turn.
    rows : Rows
        Coefficients of the local search.
    rings : Rings
        Coefficients of the global one.
    deviation : ndarray, (read_size // 2 + 1,), float64
        Standard deviation of the noise of a coefficient in every shell, in the grey scale of the volume.
    window : ndarray or None
        Soft window of the images as read.
    """

    images: Images
    rows: Rows
    rings: Rings
    deviation: np.ndarray
    window: Any

    @classmethod
    def of(cls, images: Images, noise: np.ndarray, rows: Rows, rings: Rings) -> Self:
        """Return the observer of some images.

        Parameters
        ----------
        images : Images
            What to turn.
        noise : ndarray, (read_size // 2 + 1,), float64
            Variance of the noise per pixel, in every shell.
        rows : Rows
            Coefficients of the local search.
        rings : Rings
            Coefficients of the global one.

        Returns
        -------
        Observer
            The observer.
        """
        sampling = images.sampling
        known = np.asarray(noise, dtype=np.float64)
        floor = 1e-6 * max(float(np.max(known)), np.finfo(np.float32).tiny)
        deviation = np.sqrt(np.maximum(known, floor)) * sampling.read_size * grey_scale(images)
        inner, outer = images.config.imaging.window
        window = soft_window(sampling.read_size, inner, outer) if outer > 0 else None
        return cls(images, rows, rings, deviation, window)

    def ring_images(self) -> RingImages:
        """Return the transform to rings, for one thread.

        Returns
        -------
        RingImages
            Of `TILE` images at a time.
        """
        return RingImages(self.rings, self.images.sampling.read_size, TILE)

    def pixels(self, chosen: slice) -> np.ndarray:
        """Return images as they are compared.

        Parameters
        ----------
        chosen : slice
            Which images.

        Returns
        -------
        ndarray, (m, n, n), float32
            Contrast, normalisation and window as the settings say.
        """
        imaging = self.images.config.imaging
        pixels = self.images.read(chosen)
        pixels = -pixels if imaging.invert_contrast else pixels
        pixels = normalise(pixels) if imaging.normalise else pixels
        return pixels if self.window is None else pixels * self.window

    def in_rows(self, chosen: slice, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return images and their contrast transfer in rows, the noise divided out.

        Parameters
        ----------
        chosen : slice
            Which images.
        pixels : ndarray, (m, n, n), float32
            The same.

        Returns
        -------
        data : ndarray, (m, c), complex64
            Coefficients over the deviation of their noise, origin at the centre.
        transfer : ndarray, (m, c), float32
            Contrast transfer over the same.
        """
        size, rows = self.images.sampling.read_size, self.rows
        transform = backend_of(pixels).fft.rfft2(pixels)
        centre = displacement(np.zeros(1), np.zeros(1), size, size // 2, size)
        whitening = grey_scale(self.images) / self._deviation_at(rows.radius)
        factor = centre[0][0, rows.ky] * centre[1][0, rows.kx] * whitening
        data = transform[:, rows.ky, rows.kx] * factor.astype(np.complex64)
        transfer = self._transfer(chosen, _plane(rows.kx, rows.ky, self.images.sampling.field_of_view))
        inverse = (1.0 / self._deviation_at(rows.radius)).astype(np.float32)
        return data, np.ascontiguousarray(np.broadcast_to(transfer[:, 0] * inverse, data.shape))

    def on_rings(self, chosen: slice, pixels: np.ndarray, transform: RingImages) -> tuple[np.ndarray, np.ndarray]:
        """Return images on rings, weighted for a dot product with slices, and what weighs the slices' power.

        Parameters
        ----------
        chosen : slice
            Which images.
        pixels : ndarray, (m, n, n), float32
            The same.
        transform : RingImages
            The transform, of this thread alone.

        Returns
        -------
        weighted : ndarray, (m, rings, angles), complex64
            Transfer times image over the noise's variance, times the coefficients that each ring stands for.
        power : ndarray, (m, rings), float32
            Mean square of the transfer, over the same.
        """
        rings = self.rings
        counted = np.pi * rings.radius / self._deviation_at(rings.radius) ** 2
        transfer = self._transfer(chosen, rings.plane(self.images.sampling.field_of_view))
        weight = transfer * counted.astype(np.float32)[:, None] * np.float32(grey_scale(self.images))
        power = (transfer**2).mean(axis=2) * counted
        return transform(pixels) * weight, np.broadcast_to(power, (len(pixels), len(counted))).astype(np.float32)

    def _deviation_at(self, radius: np.ndarray) -> np.ndarray:
        return np.interp(radius, np.arange(len(self.deviation)), self.deviation)

    def _transfer(self, chosen: slice, plane: FrequencyPlane) -> np.ndarray:
        if self.images.ctf is None:
            return np.ones((1, *plane.square.shape), np.float32)
        found = contrast_transfer(self.images.ctf[chosen], plane)
        return np.sign(found) if self.images.config.imaging.ctf == "phase_flip" else found


def grey_scale(images: Images) -> float:
    """Return the factor from a coefficient of an image as read to one of the volume.

    Parameters
    ----------
    images : Images
        The images.

    Returns
    -------
    float
        Pixel size cubed over voxel size cubed.
    """
    return (images.sampling.pixel_size / images.sampling.voxel_size) ** 3


def _plane(kx: np.ndarray, ky: np.ndarray, field_of_view: float) -> FrequencyPlane:
    x, y = (line[None] / field_of_view for line in (kx, ky))
    return FrequencyPlane(*(part.astype(np.float32) for part in (x**2 + y**2, x**2 - y**2, 2.0 * x * y)))
