"""Images without noise: exact slices of a volume, seen through the microscope and displaced."""

import numpy as np
import scipy.fft

from .ctf import CtfParameters, FrequencyPlane, contrast_transfer
from .exact import exact_slices
from .images import displacement
from .projector import in_plane_limit


def clean_images(
    volume: np.ndarray,
    rotations: np.ndarray,
    shifts: np.ndarray,
    ctf: CtfParameters | None = None,
    *,
    size: int,
    voxel_size: float,
    limit: str = "square",
    threads: int = 0,
) -> np.ndarray:
    """Return noise-free images of a volume.

    Parameters
    ----------
    volume : ndarray, (n, n, n), float
        Density.
    rotations : ndarray, (m, 3, 3), float64
        Object-to-image rotations.
    shifts : ndarray, (m, 2), float64
        x and y displacement that centres each image [angstrom]; the content is displaced by minus as much.
    ctf : CtfParameters, optional
        Contrast transfer of each image; None for none.
    size : int
        Pixels along an edge of the images over the field of view of the volume; a smaller number is a Fourier crop.
    voxel_size : float
        Voxel size of the volume [angstrom].
    limit : {"square", "circle"}, optional
        The whole transform of the images, or only its circle up to the Nyquist frequency.
    threads : int, optional
        CPU threads of the FFTs; 0 for all. They do not change the result.

    Returns
    -------
    ndarray, (m, size, size), float32
        Line integrals of the density over the pixel size. The Nyquist lines of even sizes are zero.
    """
    box = volume.shape[-1]
    pixel_size = voxel_size * box / size
    transforms = exact_slices(volume, rotations, size, precision="single")
    transforms *= in_plane_limit(size, limit) * np.float32(size / box) ** 3
    if ctf is not None:
        transforms *= contrast_transfer(ctf, FrequencyPlane.of(size, pixel_size))
    part_x, part_y = (-np.asarray(shifts, dtype=np.float64) / (size * pixel_size)).T
    along_y, along_x = displacement(part_x, part_y, size, 0, size)
    transforms *= along_y[:, :, None]
    transforms *= along_x[:, None, :]
    images = scipy.fft.irfft2(transforms, s=(size, size), workers=threads or -1, overwrite_x=True)
    return np.fft.fftshift(images, axes=(-2, -1)).astype(np.float32)
