"""The contrast transfer function, in RELION's formula and sign."""

import dataclasses
from typing import Any, Self

import numpy as np

from ..backends import backend_of
from ..units import wavelength
from .fourier import half_indices


@dataclasses.dataclass(frozen=True)
class CtfParameters:
    """What decides the contrast transfer of each image.

    Attributes
    ----------
    defocus_u, defocus_v : ndarray, (n,), float64
        Defocus along the two main directions [angstrom], underfocus positive.
    defocus_angle : ndarray, (n,), float64
        Angle of `defocus_u` from the x axis [degree].
    phase_shift : ndarray, (n,), float64
        Phase shift of a phase plate [degree].
    voltage : ndarray, (n,), float64
        Acceleration voltage [kilovolt].
    spherical_aberration : ndarray, (n,), float64
        Spherical aberration [millimeter].
    amplitude_contrast : ndarray, (n,), float64
        Fraction of amplitude contrast [1].
    b_factor : ndarray, (n,), float64
        Decay exp(-B s^2 / 4) [angstrom^2].
    scale : ndarray, (n,), float64
        Factor on the whole function [1].
    """

    defocus_u: np.ndarray
    defocus_v: np.ndarray
    defocus_angle: np.ndarray
    phase_shift: np.ndarray
    voltage: np.ndarray
    spherical_aberration: np.ndarray
    amplitude_contrast: np.ndarray
    b_factor: np.ndarray
    scale: np.ndarray

    def __getitem__(self, chosen: Any) -> Self:
        """Return the parameters of some of the images.

        Parameters
        ----------
        chosen : slice or array of int
            Which images.

        Returns
        -------
        CtfParameters
            Their parameters.
        """
        return type(self)(*(getattr(self, field.name)[chosen] for field in dataclasses.fields(self)))


@dataclasses.dataclass(frozen=True)
class FrequencyPlane:
    """The squared frequencies of a half transform, from which every image's contrast transfer is a weighted sum.

    Attributes
    ----------
    square : array, (ny, nx), float32
        s^2 [1/angstrom^2].
    cosine, sine : array, (ny, nx), float32
        s^2 cos(2 theta) and s^2 sin(2 theta) [1/angstrom^2], theta the angle of (kx, ky).
    """

    square: Any
    cosine: Any
    sine: Any

    @classmethod
    def of(cls, size: int, pixel_size: float, xp: Any = np) -> Self:
        """Return the plane of images of a size.

        Parameters
        ----------
        size : int
            Pixels along an edge.
        pixel_size : float
            Pixel size [angstrom].
        xp : module, optional
            Array module of the result.

        Returns
        -------
        FrequencyPlane
            The plane.
        """
        ky, kx = (index / (size * pixel_size) for index in half_indices(size, 2))
        planes = (kx**2 + ky**2, kx**2 - ky**2, 2.0 * kx * ky)
        return cls(*(xp.asarray(plane.astype(np.float32)) for plane in planes))


def contrast_transfer(parameters: CtfParameters, plane: FrequencyPlane) -> Any:
    """Return the contrast transfer function of every image.

    Parameters
    ----------
    parameters : CtfParameters
        Parameters of n images.
    plane : FrequencyPlane
        Frequencies of their half transforms; its arrays decide the backend.

    Returns
    -------
    array, (n, ny, nx), float32
        The function [1].

    Notes
    -----
    CTF = sin(pi lambda D s^2 - (pi / 2) lambda^3 Cs s^4 + asin(Q) + phase shift) exp(-B s^2 / 4) scale,
    with D = (U + V) / 2 + (U - V) / 2 cos(2 (theta - angle)).

    References
    ----------
    Rohou & Grigorieff (2015), doi:10.1016/j.jsb.2015.08.008
    """
    backend = backend_of(plane.square)
    xp, length = backend.xp, wavelength_of(parameters.voltage)
    aberration = 1e7 * np.asarray(parameters.spherical_aberration, dtype=np.float64)
    mean = 0.5 * np.pi * length * (parameters.defocus_u + parameters.defocus_v)
    spread = 0.5 * np.pi * length * (parameters.defocus_u - parameters.defocus_v)
    twice = 2.0 * np.deg2rad(parameters.defocus_angle)
    offset = np.arcsin(parameters.amplitude_contrast) + np.deg2rad(parameters.phase_shift)
    terms = (-0.5 * np.pi * length**3 * aberration, mean, spread * np.cos(twice), spread * np.sin(twice), offset)
    known = np.stack([*terms, -0.25 * parameters.b_factor, parameters.scale]).astype(np.float32)
    fourth, second, cosine, sine, constant, decay, scale = backend.upload(known)[:, :, None, None]
    phase = fourth * plane.square
    phase += second
    phase *= plane.square
    phase += cosine * plane.cosine
    phase += sine * plane.sine
    phase += constant
    xp.sin(phase, out=phase)
    if np.any(parameters.b_factor):
        phase *= xp.exp(decay * plane.square)
    if np.any(parameters.scale != 1.0):
        phase *= scale
    return phase


def wavelength_of(voltage: np.ndarray) -> np.ndarray:
    """Return the electron wavelength of every image.

    Parameters
    ----------
    voltage : ndarray, (n,), float64
        Acceleration voltages [kilovolt].

    Returns
    -------
    ndarray, (n,), float64
        Wavelengths [angstrom].
    """
    values, where = np.unique(np.asarray(voltage, dtype=np.float64), return_inverse=True)
    return np.array([wavelength(value) for value in values])[where]
