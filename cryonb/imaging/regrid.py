"""Volumes on another grid, of another box and another voxel size, about the same centre and at the same scale."""

from typing import Any

import numpy as np

from ..backends import backend_of


def regridding_matrix(old: tuple[int, float], new: tuple[int, float]) -> np.ndarray:
    """Return the matrix that interpolates one axis at the positions of another grid, by its Fourier series.

    Parameters
    ----------
    old, new : tuple of int and float
        Samples and their distance [angstrom]; the origin is at n // 2.

    Returns
    -------
    ndarray, (new, old), float32
        Trigonometric interpolation up to the coarser of both Nyquist frequencies; rows for positions outside the old
        box are zero.

    Notes
    -----
    w(x, x') = (1 / n) (1 + 2 sum_k cos(2 pi k (x - x') / (n a))) over 0 < k < n min(1, a / a') / 2, n and a of the old
    grid and a' of the new one.

    Examples
    --------
    >>> bool(np.allclose(regridding_matrix((5, 2.0), (5, 2.0)), np.eye(5), atol=1e-6))
    True
    """
    (count, step), (wanted, wanted_step) = old, new
    length = count * step
    here = (np.arange(count) - count // 2) * step
    there = (np.arange(wanted) - wanted // 2) * wanted_step
    last = int(np.ceil(count * min(1.0, step / wanted_step) / 2 - 1e-9)) - 1
    waves = np.arange(1, last + 1)
    phase = (there[:, None] - here) / length
    matrix = np.full(phase.shape, 1.0)
    for wave in waves:
        matrix += 2.0 * np.cos(2.0 * np.pi * wave * phase)
    inside = (there >= here[0] - step / 2 - 1e-6) & (there <= here[-1] + step / 2 + 1e-6)
    return (matrix / count * inside[:, None]).astype(np.float32)


def regrid(volume: Any, voxel_size: float, size: int, wanted: float) -> Any:
    """Return a volume on another grid.

    Parameters
    ----------
    volume : array, (n, n, n), float32
        Density; the centre is at n // 2.
    voxel_size : float
        Its voxel size [angstrom].
    size : int
        Wanted voxels along an edge.
    wanted : float
        Wanted voxel size [angstrom].

    Returns
    -------
    array, (size, size, size), float32
        The same density at the new positions: the lengths of what it shows stay, and so does its centre. Detail
        finer than the new Nyquist frequency is dropped; beyond the old box it is zero.
    """
    if volume.shape[-1] == size and abs(voxel_size - wanted) < 1e-6 * wanted:
        return volume
    xp = backend_of(volume).xp
    matrix = xp.asarray(regridding_matrix((volume.shape[-1], voxel_size), (size, wanted)))
    for _ in range(3):
        volume = xp.moveaxis(xp.tensordot(matrix, volume, axes=(1, 0)), 0, -1)
    return xp.ascontiguousarray(volume)
