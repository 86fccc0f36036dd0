"""Half maps that belong together, whatever format they came in."""

import warnings

import numpy as np
import xarray as xr

from .. import schema
from ..errors import FormatError, must

AGREEMENT = 1e-3


def joined_halves(half_a: xr.Dataset, half_b: xr.Dataset) -> xr.Dataset:
    """Return two maps as the halves of one Dataset.

    Parameters
    ----------
    half_a, half_b : xarray.Dataset
        Kind ``cryonb/volume`` with `density`.

    Returns
    -------
    xarray.Dataset
        `half_map(half, z, y, x)` float32 with halves "A" and "B"; other coordinates from the first.

    Raises
    ------
    FormatError
        If box or voxel size differ.
    """
    maps = (half_a, half_b)
    shapes = [volume["density"].shape for volume in maps]
    rule = "half maps must have the same box [voxel]"
    must(shapes[0] == shapes[1], rule, f"{shapes[0]} and {shapes[1]}", "Give the two halves of one run", FormatError)
    sizes = [float(volume["voxel_size"]) for volume in maps]
    rule = "half maps must have the same voxel size [angstrom]"
    equal = abs(sizes[0] - sizes[1]) <= AGREEMENT * sizes[0]
    must(equal, rule, f"{sizes[0]:g} and {sizes[1]:g}", "Give voxel_size= if a header is wrong", FormatError)
    densities = [volume["density"].values for volume in maps]
    if np.array_equal(*densities):
        warnings.warn("the two half maps are identical, so their FSC is 1 everywhere and says nothing", stacklevel=3)
    coords = {name: variable.values for name, variable in half_a.coords.items()}
    coords["half"] = np.array(schema.HALVES)
    return schema.build(schema.VOLUME, {"half_map": np.stack(densities)}, coords)
