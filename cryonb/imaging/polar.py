"""Slices and images on rings, where a turn in the plane is a shift along the rings: all angles are compared at once.

A ring holds n angles around the whole circle; the second half of them are the complex conjugates of the first, as both
slices and images are transforms of real pictures. Only the first half is sampled.
"""

import dataclasses
from typing import Any, Self

import numpy as np

from ..backends import backend_of
from ..kernels.slices import make_extract_ring
from .ctf import FrequencyPlane
from .nufft import columns, make_plan
from .projector import FourierVolume

PRODUCT_BYTES = 2**28
"""Memory of images that are transformed along one axis only, where rings are sampled by products [byte]."""


@dataclasses.dataclass(frozen=True)
class Rings:
    """Where slices and images are sampled, and how rings are taken apart into angular orders.

    Attributes
    ----------
    radius : ndarray, (rings,), float32
        Radius of each ring [1 / field of view].
    n_angles : int
        Angles around the whole circle; a multiple of four.
    """

    radius: np.ndarray
    n_angles: int

    @classmethod
    def of(cls, first: int, last: int, n_angles: int) -> Self:
        """Return rings of whole radius.

        Parameters
        ----------
        first, last : int
            Innermost and outermost radius [1 / field of view].
        n_angles : int
            Angles around the whole circle; a multiple of four.

        Returns
        -------
        Rings
            The rings.
        """
        return cls(np.arange(first, last + 1, dtype=np.float32), n_angles)

    @property
    def angles(self) -> np.ndarray:
        """Angles of the first half of each ring [radian]."""
        return 2.0 * np.pi * np.arange(self.n_angles // 2) / self.n_angles

    @property
    def orders(self) -> int:
        """Angular orders that are told apart: 0 .. n_angles / 2 - 1."""
        return self.n_angles // 2

    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the sampled frequencies.

        Returns
        -------
        kx : ndarray, (rings, n_angles // 2), float64
            Frequencies along x [1 / field of view].
        ky : ndarray, (rings, n_angles // 2), float64
            Frequencies along y.
        """
        radius = self.radius.astype(np.float64)[:, None]
        return radius * np.cos(self.angles), radius * np.sin(self.angles)

    def plane(self, field_of_view: float) -> FrequencyPlane:
        """Return the frequencies as the contrast transfer function takes them.

        Parameters
        ----------
        field_of_view : float
            Edge of the box [angstrom].

        Returns
        -------
        FrequencyPlane
            Of shape (rings, n_angles // 2).
        """
        kx, ky = (line / field_of_view for line in self.points())
        parts = (kx**2 + ky**2, kx**2 - ky**2, 2.0 * kx * ky)
        return FrequencyPlane(*(part.astype(np.float32) for part in parts))

    def shift_factors(self, shifts: np.ndarray) -> np.ndarray:
        """Return the phase ramps that centre images.

        Parameters
        ----------
        shifts : ndarray, (s, 2), float64
            Displacements along x and y that centre an image, as fractions of the field of view.

        Returns
        -------
        ndarray, (s, rings, n_angles // 2), complex64
            exp(-2 pi i k.shift).
        """
        kx, ky = self.points()
        phase = shifts[:, 0, None, None] * kx + shifts[:, 1, None, None] * ky
        return np.exp(-2j * np.pi * phase).astype(np.complex64)

    def analysis(self) -> np.ndarray:
        """Return the matrix that takes half a ring to its angular orders.

        Returns
        -------
        ndarray, (n_angles, 2 * orders), float32
            From (real, imaginary) of each angle to (real, imaginary) of each order, both interleaved.

        Notes
        -----
        X_m = (1/n) sum over the whole ring of X(angle) exp(-i m angle), with X(angle + pi) = conj X(angle).
        """
        order = np.arange(self.orders)
        wave = np.exp(-1j * np.outer(self.angles, order)) / self.n_angles
        sign = np.where(order % 2 == 0, 1.0, -1.0)
        of_real, of_imaginary = wave * (1.0 + sign), 1j * wave * (1.0 - sign)
        matrix = np.empty((len(self.angles), 2, self.orders, 2))
        matrix[:, 0, :, 0], matrix[:, 0, :, 1] = of_real.real, of_real.imag
        matrix[:, 1, :, 0], matrix[:, 1, :, 1] = of_imaginary.real, of_imaginary.imag
        return np.ascontiguousarray(matrix.reshape(self.n_angles, -1).astype(np.float32))

    def synthesis(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the matrices that take products of angular orders to correlations at angles of half a circle.

        Returns
        -------
        even : ndarray, (n_angles // 2, orders // 2, 2), float32
            Of even orders, for their real and imaginary parts.
        odd : ndarray, (n_angles // 2, orders // 2, 2), float32
            Of odd orders. The sum of both is the correlation at an angle, the difference that at the angle plus 180
            degrees.

        Notes
        -----
        A turn psi of the image against the slice correlates as Re sum over m of C_m exp(-i m psi), m of either sign.
        """
        order = np.arange(self.orders)
        factor = np.where(order == 0, 1.0, 2.0)
        phase = np.outer(self.angles, order)
        both = np.stack([factor * np.cos(phase), factor * np.sin(phase)], axis=2).astype(np.float32)
        return np.ascontiguousarray(both[:, 0::2]), np.ascontiguousarray(both[:, 1::2])


def ring_slices(volume: FourierVolume, rotations: np.ndarray, rings: Rings, threads: int = 1) -> Any:
    """Return central slices on rings.

    Parameters
    ----------
    volume : FourierVolume
        The volume.
    rotations : ndarray, (m, 3, 3), float
        Orientations: object to image frame.
    rings : Rings
        Where to sample.
    threads : int, optional
        CPU threads.

    Returns
    -------
    array, (m, rings, n_angles // 2), complex64
        Coefficients, origin at the centre.
    """
    backend = backend_of(volume.values)
    xp, grid = backend.xp, volume.grid
    turns = xp.ascontiguousarray(xp.asarray(np.asarray(rotations, dtype=np.float32)))
    result = xp.empty((len(turns), len(rings.radius), len(rings.angles)), xp.complex64)
    cosine, sine = (xp.asarray(wave(rings.angles).astype(np.float32)) for wave in (np.cos, np.sin))
    arguments = (volume.values, turns, xp.asarray(rings.radius), cosine, sine, *grid.kernel_arguments(), result)
    backend.launch(make_extract_ring, (grid.kernel, grid.shape_parameter), result.shape, arguments, threads)
    return result


class RingImages:
    """The transforms of images on rings, exactly, for a fixed number of images at a time.

    Parameters
    ----------
    rings : Rings
        Where to sample.
    size : int
        Pixels along an edge of the images.
    many : int
        Images at a time.
    """

    def __init__(self, rings: Rings, size: int, many: int) -> None:
        self._shape = (many, len(rings.radius), len(rings.angles))
        self._plan = make_plan(2, size, "single", 2.0, dims=2, many=many)
        kx, ky = (2.0 * np.pi / size * line.ravel() for line in rings.points())
        self._plan.setpts(*columns((ky, kx), "single"))

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Return images on rings.

        Parameters
        ----------
        pixels : ndarray, (m, n, n), float32
            At most as many images as were announced.

        Returns
        -------
        ndarray, (m, rings, n_angles // 2), complex64
            Transforms with the origin at pixel n // 2.
        """
        count = self._shape[0]
        filled = np.zeros((count, *pixels.shape[1:]), np.complex64)
        filled[: len(pixels)] = pixels
        values = self._plan.execute(filled if count > 1 else filled[0])
        return values.reshape(self._shape)[: len(pixels)]


class RingProducts:
    """The transforms of images on rings, exactly, by products: where these are fast, and images are many.

    Parameters
    ----------
    rings : Rings
        Where to sample.
    size : int
        Pixels along an edge of the images.
    xp : module, optional
        Array module of the images.

    Notes
    -----
    F(k) = sum over y of exp(-2 pi i ky (y - c) / n) [sum over x of image(y, x) exp(-2 pi i kx (x - c) / n)], with
    c = n // 2: one matrix product for the inner sum of all points, and a weighted sum of its lines.
    """

    def __init__(self, rings: Rings, size: int, xp: Any = np) -> None:
        self._shape = len(rings.radius), len(rings.angles)
        place = (np.arange(size) - size // 2) / size
        waves = (np.exp(-2j * np.pi * np.outer(place, line)).astype(np.complex64) for line in rings.points())
        along_x, along_y = waves
        self._along_x, self._along_y = xp.asarray(along_x.view(np.float32)), xp.asarray(along_y)

    def __call__(self, pixels: Any) -> Any:
        """Return images on rings.

        Parameters
        ----------
        pixels : array, (m, n, n), float32
            Any number of images; parts of them are worked on one after the other.

        Returns
        -------
        array, (m, rings, n_angles // 2), complex64
            Transforms with the origin at pixel n // 2.
        """
        xp = backend_of(pixels).xp
        result = xp.empty((len(pixels), self._along_y.shape[1]), xp.complex64)
        step = max(1, PRODUCT_BYTES // self._along_y.nbytes)
        for first in range(0, len(pixels), step):
            result[first : first + step] = self._of(pixels[first : first + step])
        return result.reshape(-1, *self._shape)

    def _of(self, pixels: Any) -> Any:
        lines = (pixels.reshape(-1, len(self._along_y)) @ self._along_x).view(np.complex64)
        lines = lines.reshape(len(pixels), *self._along_y.shape)
        lines *= self._along_y
        return lines.sum(axis=1)
