"""Images whose high frequencies are noise: past a shell the amplitudes stay and the phases are those of white noise.

What such images still agree about past that shell, once they were aligned and averaged, the alignment made.
"""

import numpy as np
import scipy.fft

from .fourier import half_radius
from .noise import white_noise

STREAM = 9000
"""First of the streams of randomness that substitutions draw from, one a replica."""


def substitute_noise(
    images: np.ndarray, particles: np.ndarray, from_index: float, seed: int, replica: int = 0
) -> np.ndarray:
    """Return images with noise of the same power in place of all that lies past a frequency.

    Parameters
    ----------
    images : ndarray, (m, n, n), float32
        Images.
    particles : array_like of int, (m,)
        Their ids, which the noise is addressed by.
    from_index : float
        Coefficients with abs(k) at or past it are substituted, those of the corners as well [1 / field of view].
    seed : int
        Seed of the run.
    replica : int, optional
        Which draw.

    Returns
    -------
    ndarray, (m, n, n), float32
        Images that hold what they held up to `from_index`, and noise past it.

    Notes
    -----
    F'(k) = abs(F(k)) N(k) / abs(N(k)), N being the transform of white noise: real, so that the phases have the right
    symmetry. The power of every coefficient stays, so that the images have the spectrum and the contrast that they had.

    References
    ----------
    Chen et al. (2013), doi:10.1016/j.ultramic.2013.06.004

    Examples
    --------
    >>> images = white_noise(0, 0, [7], 16)
    >>> noise = substitute_noise(images, [7], 4.0, seed=1)
    >>> bool(np.isclose(images.var(), noise.var(), rtol=1e-5)), bool(np.allclose(images, noise))
    (True, False)
    """
    size = images.shape[-1]
    transform = scipy.fft.rfft2(images)
    past = half_radius(size, 2) >= np.float32(from_index)
    noise = scipy.fft.rfft2(white_noise(seed, STREAM + replica, particles, size))[:, past]
    noise /= np.maximum(np.abs(noise), np.finfo(np.float32).tiny)
    transform[:, past] = np.abs(transform[:, past]) * noise
    return scipy.fft.irfft2(transform, s=(size, size)).astype(np.float32)
