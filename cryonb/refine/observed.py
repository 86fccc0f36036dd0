"""Images as a search sees them: their noise divided out, on rings for the global search, in rows for the local one."""

import dataclasses
from functools import cached_property
from typing import Any, Self

import numpy as np

from ..backends import backend_of
from ..contracts import Backend
from ..imaging.ctf import FrequencyPlane, contrast_transfer
from ..imaging.images import displacement, normalise, soft_window
from ..imaging.polar import RingImages, RingProducts, Rings
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
    """Turns images into what a search compares with slices; what all images share is made once, where they live.

    Attributes
    ----------
    images : Images
        What to turn.
    rows : Rows
        Coefficients of the local search.
    rings : Rings
        Coefficients of the global one.
    start, kx, ky : array, int64
        Those of `rows`.
    centred : array, (c,), complex64
        What takes a coefficient of a transform from the first pixel to one from the centre, in the grey scale of the
        volume, over the deviation of its noise.
    inverse : array, (c,), float32
        One over that deviation, in the same grey scale.
    row_plane, ring_plane : FrequencyPlane
        Frequencies of both.
    counted : array, (rings,), float64
        Coefficients that each ring stands for, over the variance of their noise.
    window : array or None
        Soft window of the images as read.
    """

    images: Images
    rows: Rows
    rings: Rings
    start: Any
    kx: Any
    ky: Any
    centred: Any
    inverse: Any
    row_plane: FrequencyPlane
    ring_plane: FrequencyPlane
    counted: Any
    window: Any

    @classmethod
    def of(cls, images: Images, noise: np.ndarray, rows: Rows, rings: Rings, backend: Backend) -> Self:
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
        backend : Backend
            Where the images will live.

        Returns
        -------
        Observer
            The observer.
        """
        size, field = images.sampling.read_size, images.sampling.field_of_view
        deviation = _deviation(images, noise)
        at_rows, at_rings = (np.interp(part.radius, np.arange(len(deviation)), deviation) for part in (rows, rings))
        along_y, along_x = displacement(np.zeros(1), np.zeros(1), size, size // 2, size)
        centred = along_y[0, rows.ky] * along_x[0, rows.kx] * (grey_scale(images) / at_rows)
        inner, outer = images.config.imaging.window
        return cls(
            *(images, rows, rings),
            *map(backend.upload, (rows.start, rows.kx, rows.ky)),
            centred=backend.upload(centred.astype(np.complex64)),
            inverse=backend.upload((1.0 / at_rows).astype(np.float32)),
            row_plane=_moved(_plane(rows.kx, rows.ky, field), backend),
            ring_plane=_moved(rings.plane(field), backend),
            counted=backend.upload(np.pi * rings.radius / at_rings**2),
            window=backend.upload(soft_window(size, inner, outer)) if outer > 0 else None,
        )

    def prepared(self, pixels: Any) -> Any:
        """Return images as they are compared.

        Parameters
        ----------
        pixels : array, (m, n, n), float32
            Images as read.

        Returns
        -------
        array, (m, n, n), float32
            Contrast, normalisation and window as the settings say.
        """
        imaging = self.images.config.imaging
        pixels = -pixels if imaging.invert_contrast else pixels
        pixels = normalise(pixels) if imaging.normalise else pixels
        return pixels if self.window is None else pixels * self.window

    def in_rows(self, chosen: slice, pixels: Any) -> tuple[Any, Any]:
        """Return images and their contrast transfer in rows, the noise divided out.

        Parameters
        ----------
        chosen : slice
            Which images.
        pixels : array, (m, n, n), float32
            The same, prepared.

        Returns
        -------
        data : array, (m, c), complex64
            Coefficients over the deviation of their noise, origin at the centre.
        transfer : array, (m, c), float32
            Contrast transfer over the same.
        """
        backend = backend_of(pixels)
        data = backend.fft.rfft2(pixels)[:, self.ky, self.kx] * self.centred
        transfer = self._transfer(chosen, self.row_plane)[:, 0] * self.inverse
        return data, backend.xp.ascontiguousarray(backend.xp.broadcast_to(transfer, data.shape))

    def on_rings(self, chosen: slice, pixels: Any) -> tuple[Any, Any]:
        """Return images on rings, weighted for a dot product with slices, and what weighs the slices' power.

        Parameters
        ----------
        chosen : slice
            Which images.
        pixels : array, (m, n, n), float32
            The same, prepared.

        Returns
        -------
        weighted : array, (m, rings, angles), complex64
            Transfer times image over the noise's variance, times the coefficients that each ring stands for.
        power : array, (m, rings), float32
            Mean square of the transfer, over the same.
        """
        backend, count = backend_of(pixels), len(self.counted)
        transfer = self._transfer(chosen, self.ring_plane)
        power = (transfer**2).mean(axis=2) * self.counted
        transfer = transfer * self.counted.astype(np.float32)[:, None] * np.float32(grey_scale(self.images))
        weighted = self._ring_transform(backend)(pixels) * transfer
        return weighted, backend.xp.broadcast_to(power, (len(pixels), count)).astype(np.float32)

    def _ring_transform(self, backend: Backend) -> RingImages | RingProducts:
        """Return the transform to rings: on the host a plan, for one thread alone and `TILE` images at most."""
        size = self.images.sampling.read_size
        return RingImages(self.rings, size, TILE) if backend.owns(self.rings.radius) else self._products

    @cached_property
    def _products(self) -> RingProducts:
        return RingProducts(self.rings, self.images.sampling.read_size, backend_of(self.counted).xp)

    def _transfer(self, chosen: slice, plane: FrequencyPlane) -> Any:
        xp = backend_of(plane.square).xp
        if self.images.ctf is None:
            return xp.ones((1, *plane.square.shape), xp.float32)
        found = contrast_transfer(self.images.ctf[chosen], plane)
        return xp.sign(found) if self.images.config.imaging.ctf == "phase_flip" else found


def _deviation(images: Images, noise: np.ndarray) -> np.ndarray:
    """Return the deviation of the noise of a coefficient in every shell, in the grey scale of the volume."""
    known = np.asarray(noise, dtype=np.float64)
    floor = 1e-6 * max(float(np.max(known)), np.finfo(np.float32).tiny)
    return np.sqrt(np.maximum(known, floor)) * images.sampling.read_size * grey_scale(images)


def _moved(plane: FrequencyPlane, backend: Backend) -> FrequencyPlane:
    return FrequencyPlane(*map(backend.upload, (plane.square, plane.cosine, plane.sine)))


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
