"""Images on another sampling of the same field of view: Fourier cropping, linear or cubic interpolation."""

from typing import Any

import numpy as np

from ..backends import backend_of
from ..errors import must


def binned_size(size: int, binning: float) -> int:
    """Return the pixels along the edge of a binned image: the even number nearest to size / binning.

    Parameters
    ----------
    size : int
        Pixels along the edge of the image as read.
    binning : float
        Binning factor; 1 leaves the size as it is, even or odd.

    Returns
    -------
    int
        Pixels; the field of view stays, so the binned pixel size is pixel_size * size / binned_size.

    Raises
    ------
    InputError
        If fewer than 8 pixels would be left.

    Examples
    --------
    >>> binned_size(128, 2.0), binned_size(101, 1.0), binned_size(128, 1.5)
    (64, 101, 86)
    """
    binned = size if binning == 1 else 2 * round(size / binning / 2)
    must(binned >= 8, "binned images must have at least 8 pixels", binned, f"Use binning {size / 8:g} or less")
    return binned


def interpolation_matrix(old: int, new: int, method: str) -> np.ndarray:
    """Return the matrix that interpolates one axis at the positions of another sampling.

    Parameters
    ----------
    old, new : int
        Samples before and after, over the same field of view with the origin at n // 2.
    method : {"linear", "cubic"}
        Linear interpolation, or cubic convolution with a = -1/2.

    Returns
    -------
    ndarray, (new, old), float32
        Rows sum to one; beyond the edge the last sample is repeated.

    References
    ----------
    Keys (1981), doi:10.1109/TASSP.1981.1163711
    """
    position = (np.arange(new) - new // 2) * (old / new) + old // 2
    first = np.floor(position).astype(int)
    matrix = np.zeros((new, old))
    for step in (0, 1) if method == "linear" else (-1, 0, 1, 2):
        weight = _linear(position - first - step) if method == "linear" else _cubic(position - first - step)
        np.add.at(matrix, (np.arange(new), np.clip(first + step, 0, old - 1)), weight)
    return matrix.astype(np.float32)


def _linear(distance: np.ndarray) -> np.ndarray:
    return np.maximum(0.0, 1.0 - np.abs(distance))


def _cubic(distance: np.ndarray) -> np.ndarray:
    d = np.abs(distance)
    near = 1.5 * d**3 - 2.5 * d**2 + 1.0
    far = -0.5 * d**3 + 2.5 * d**2 - 4.0 * d + 2.0
    return np.where(d <= 1.0, near, np.where(d < 2.0, far, 0.0))


def interpolate_images(images: Any, size: int, method: str) -> Any:
    """Return images interpolated in real space to another number of pixels over the same field of view.

    Parameters
    ----------
    images : array, (n, old, old), float32
        Images.
    size : int
        Wanted pixels along an edge.
    method : {"linear", "cubic"}
        How.

    Returns
    -------
    array, (n, size, size), float32
        Interpolated images. Their transforms keep attenuated replicas of the spectrum past the old Nyquist.
    """
    xp = backend_of(images).xp
    matrix = xp.asarray(interpolation_matrix(images.shape[-1], size, method))
    return matrix @ images @ matrix.T
