"""A mask given as a file, an array or a Dataset, and brought to the box of the maps that it is for."""

import warnings

import numpy as np
import xarray as xr

from .errors import must

SAME_FIELD = 0.005
"""How much two boxes may differ in length and still show the same field of view, relative."""


def mask_file(path: str) -> xr.DataArray:
    """Return the mask of a file.

    Parameters
    ----------
    path : str
        A map.

    Returns
    -------
    DataArray, (z, y, x)
        The mask, with the coordinate `voxel_size` [angstrom].

    Raises
    ------
    InputError
        If it cannot be read.
    """
    from .io import open_map

    return open_map(path)["density"]


def fitted_mask(mask: np.ndarray | xr.DataArray, box_size: int, voxel_size: float) -> np.ndarray:
    """Return a mask at the sampling of the maps it is for, where it covers their field of view.

    Parameters
    ----------
    mask : ndarray or DataArray, (n, n, n)
        Mask between 0 and 1; only one with the coordinate `voxel_size` [angstrom] is resampled.
    box_size : int
        Voxels along an edge of the maps.
    voxel_size : float
        Voxel size of the maps [angstrom].

    Returns
    -------
    ndarray, (n, n, n)
        The mask in the box of the maps; as it was where it covers another field of view, or does not say which.

    Raises
    ------
    InputError
        If a mask that is to be resampled is none.

    Warns
    -----
    UserWarning
        If it was resampled, or says another voxel size in the same box.
    """
    from .imaging.fourier import resize
    from .imaging.masks import checked_mask

    values, own = np.asarray(mask), getattr(mask, "coords", {}).get("voxel_size")
    if own is None or values.ndim != 3 or len(set(values.shape)) > 1:
        return values
    size, length, wanted = values.shape[0], values.shape[0] * float(own), box_size * voxel_size
    same_field = abs(length - wanted) <= SAME_FIELD * wanted
    if size == box_size:
        if not same_field:
            sizes = f"{float(own):.4g} A where the maps have {voxel_size:.4g} A"
            warnings.warn(f"the mask says a voxel size of {sizes}; it is used as it is", UserWarning, stacklevel=3)
        return values
    if not same_field:
        return values
    text = f"the mask of {size} voxels was resampled to {box_size} voxels over the same {wanted:.4g} A"
    warnings.warn(text, UserWarning, stacklevel=3)
    return np.clip(resize(checked_mask(values, values.shape), box_size), 0.0, 1.0)


def values_of(mask: np.ndarray | xr.DataArray | xr.Dataset) -> np.ndarray | xr.DataArray:
    """Return a mask as an array.

    Parameters
    ----------
    mask : ndarray, DataArray or Dataset
        The mask; a Dataset holds it as `mask` or as `density`.

    Returns
    -------
    ndarray or DataArray, (n, n, n)
        The mask.

    Raises
    ------
    InputError
        If the Dataset holds none.
    """
    if isinstance(mask, xr.Dataset):
        held = [name for name in ("mask", "density") if name in mask]
        must(bool(held), "the Dataset of a mask must hold mask or density", ", ".join(mask.data_vars), "Give another")
        mask = mask[held[0]]
    return mask
