"""Noise: white or coloured images drawn particle by particle, and the radial spectrum of the noise in images.

Randomness is addressed by (seed, stream, particle), so a particle gets the same noise in any batch.
"""

from typing import Any

import numpy as np
import scipy.fft

from ..backends import backend_of
from .fourier import half_indices, half_radius

HELD_BYTES = 40
"""Memory that a pixel takes while the spectrum of its image is measured [byte]."""


def particle_generator(seed: int, stream: int, particle: int) -> np.random.Generator:
    """Return the source of randomness of one particle for one purpose.

    Parameters
    ----------
    seed : int
        Seed of the run.
    stream : int
        Which purpose; different streams are independent.
    particle : int
        Id of the particle.

    Returns
    -------
    numpy.random.Generator
        A generator that depends on these three numbers only.
    """
    return np.random.default_rng(np.random.SeedSequence([int(seed), int(stream), int(particle)]))


def white_noise(seed: int, stream: int, particles: np.ndarray, size: int) -> np.ndarray:
    """Return white Gaussian noise images of unit variance.

    Parameters
    ----------
    seed, stream : int
        Seed of the run and purpose of the numbers.
    particles : array_like of int, (m,)
        Particle ids.
    size : int
        Pixels along an edge.

    Returns
    -------
    ndarray, (m, size, size), float32
        Noise.
    """
    images = np.empty((len(particles), size, size), np.float32)
    for image, particle in zip(images, particles):
        particle_generator(seed, stream, particle).standard_normal(dtype=np.float32, out=image)
    return images


def colour(images: np.ndarray, spectrum: np.ndarray) -> np.ndarray:
    """Return white noise given a radial power spectrum, at the same mean variance per pixel.

    Parameters
    ----------
    images : ndarray, (m, n, n), float32
        White noise.
    spectrum : array_like, (n // 2 + 1,), float
        Relative noise power of shells 0..n // 2; the corners beyond take the last value.

    Returns
    -------
    ndarray, (m, n, n), float32
        Coloured noise. The spectrum is normalised so that its mean over the full plane is 1.
    """
    size = images.shape[-1]
    spectrum = np.asarray(spectrum, dtype=np.float64)
    radius = half_radius(size, 2)
    power = np.interp(radius, np.arange(len(spectrum)), spectrum)
    amplitude = np.sqrt(power / np.average(power, weights=plane_multiplicity(size)))
    transform = scipy.fft.rfft2(images, workers=-1) * amplitude.astype(np.float32)
    return scipy.fft.irfft2(transform, s=(size, size), workers=-1).astype(np.float32)


def falling_spectrum(size: int, ratio: float) -> np.ndarray:
    """Return a power spectrum that falls exponentially from zero frequency to the Nyquist frequency.

    Parameters
    ----------
    size : int
        Pixels along an edge.
    ratio : float
        Power at zero frequency over that at the Nyquist frequency [1].

    Returns
    -------
    ndarray, (size // 2 + 1,), float64
        ratio^(1 - k / k_Nyquist), 1 at the Nyquist frequency.
    """
    return float(ratio) ** (1.0 - np.arange(size // 2 + 1) / (size / 2))


def noise_spectrum(images: Any, background_radius: float | None = None) -> np.ndarray:
    """Return the mean power of images in every shell, as it would be for noise that fills the images.

    Parameters
    ----------
    images : array, (m, n, n), float
        Images, of the host or of a backend.
    background_radius : float, optional
        Measure only outside this distance from the centre [pixel]: what is left where a particle would disturb.
        None to take the images whole.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        Mean squared modulus of a coefficient over n^2: the variance per pixel, if the noise were white. The mean of
        the measured region is taken out first.
    """
    size = images.shape[-1]
    y, x = (line - size // 2 for line in np.ogrid[:size, :size])
    backend = backend_of(images)
    region = np.ones((size, size)) if background_radius is None else (x**2 + y**2 > background_radius**2).astype(float)
    share, region = region.mean(), backend.upload(region)
    shell = np.rint(half_radius(size, 2)).astype(int).ravel()
    weight = plane_multiplicity(size).ravel()
    total, step = backend.xp.zeros((size, size // 2 + 1)), backend.together(1, HELD_BYTES * size**2)
    for first in range(0, len(images), step):
        some = images[first : first + step]
        level = (some * region).mean(axis=(1, 2), keepdims=True) / share
        total += (backend.xp.abs(backend.fft.rfft2((some - level) * region)) ** 2).sum(axis=0)
    total = backend.download(total).ravel()
    kept = slice(0, size // 2 + 1)
    power = np.bincount(shell, weight * total)[kept] / np.bincount(shell, weight)[kept]
    return power / (len(images) * share * size**2)


def plane_multiplicity(size: int) -> np.ndarray:
    """Return how many coefficients of the full plane each one of a half transform stands for.

    Parameters
    ----------
    size : int
        Pixels along an edge.

    Returns
    -------
    ndarray, (size, size // 2 + 1), float64
        1 in the columns that are their own mirror (kx = 0, and the Nyquist column of even sizes), else 2.
    """
    _, kx = half_indices(size, 2)
    return np.where((kx == 0) | (2 * kx == size), 1.0, 2.0) * np.ones((size, 1))
