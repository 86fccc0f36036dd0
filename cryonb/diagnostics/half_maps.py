"""Half maps as arrays, taken from the Datasets that hold them, with the mask to judge them under."""

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from ..config import MaskConfig
from ..errors import must, nearest
from ..imaging.bands import Extent
from ..imaging.masks import checked_mask, make_mask, mask_diameter
from ..schema import SAMPLING

BOTH = "Give both half maps (cryonb diagnose A.mrc B.mrc NAME, cn.open_half_maps)"


@dataclasses.dataclass(frozen=True)
class HalfMaps:
    """Two half maps with everything that a judgement of them needs.

    Attributes
    ----------
    first, second : ndarray, (n, n, n), float32
        The maps, unmasked.
    mask : ndarray, (n, n, n), float32, or None
        Mask between 0 and 1.
    insertion_weight : ndarray, (2, shells), float64, or None
        Mean insertion weight of every shell, where the maps were made here.
    sampling : Extent
        Box, voxel size, particle Nyquist and diameter.
    scalars : mapping of str to value
        Scalar coordinates that go on to the result.
    """

    first: np.ndarray
    second: np.ndarray
    mask: np.ndarray | None
    insertion_weight: np.ndarray | None
    sampling: Extent
    scalars: Mapping[str, Any]

    @property
    def mean(self) -> np.ndarray:
        """Mean of both half maps, (n, n, n), float32."""
        return 0.5 * (self.first + self.second)


def take_half_maps(
    dataset: xr.Dataset,
    settings: MaskConfig,
    mask: Any = None,
    *,
    class_id: int = 0,
    particle_pixel_size: float = 0.0,
    particle_diameter: float = 0.0,
) -> HalfMaps:
    """Return the half maps of one class, checked, with their mask.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/volume`` with half_map, or ``cryonb/refinement``.
    settings : MaskConfig
        How to make a mask from the mean of the half maps, where none is given.
    mask : ndarray or xarray.Dataset, optional
        The mask; a Dataset holds it as `mask` or as `density`. Without it, the mask of `dataset` is used.
    class_id : int, optional
        Which class; 0 for the only one, or the first.
    particle_pixel_size : float, optional
        Pixel size of the particle images as read [angstrom]; 0 where it is in the Dataset, or not known.
    particle_diameter : float, optional
        Diameter of the particle [angstrom]; 0 to take it from the Dataset, the mask or the box.

    Returns
    -------
    HalfMaps
        The maps.

    Raises
    ------
    InputError
        If there are no half maps, they are not cubic, finite and non-zero, or the mask does not fit.
    """
    first, second = _checked_pair(dataset, class_id)
    voxel_size = float(dataset["voxel_size"])
    chosen = choose_mask(dataset, settings, mask, 0.5 * (first + second), voxel_size)
    scalars = {name: dataset[name].item() for name in SAMPLING if name in dataset.coords and dataset[name].ndim == 0}
    scalars |= {"box_size": first.shape[0], "voxel_size": voxel_size, "grid_nyquist": 0.5 / voxel_size}
    if particle_pixel_size > 0:
        scalars |= {"pixel_size": particle_pixel_size, "particle_nyquist": 0.5 / particle_pixel_size}
    if particle_diameter > 0:
        scalars["particle_diameter"] = particle_diameter
    if chosen is not None:
        facts = mask_facts(chosen, voxel_size)
        scalars |= {**facts, "particle_diameter": scalars.get("particle_diameter", facts["particle_diameter"])}
    diameter = float(scalars.get("particle_diameter", first.shape[0] * voxel_size))
    nyquist, limit = (float(scalars.get(name, math.nan)) for name in ("particle_nyquist", "data_limit"))
    sampling = Extent(first.shape[0], voxel_size, nyquist, diameter, limit)
    return HalfMaps(first, second, chosen, _weights(dataset, class_id), sampling, scalars)


def select_class(dataset: xr.Dataset, class_id: int) -> xr.Dataset:
    """Return one class of a Dataset.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of any kind.
    class_id : int
        Which class; 0 for the first.

    Returns
    -------
    xarray.Dataset
        The class; the same Dataset where it has no classes.

    Raises
    ------
    InputError
        If there is no such class.
    """
    if "class_id" not in dataset.dims:
        must(class_id in (0, 1), "class_id must name a class of the Dataset", class_id, "Use 1, the only class")
        return dataset
    known = [int(number) for number in dataset["class_id"].values]
    wanted = class_id or known[0]
    must(wanted in known, "class_id must name a class of the Dataset", class_id, nearest(str(wanted), map(str, known)))
    return dataset.sel(class_id=wanted)


def _checked_pair(dataset: xr.Dataset, class_id: int) -> tuple[np.ndarray, np.ndarray]:
    has_halves = "half_map" in dataset
    must(has_halves, "the Dataset must hold two half maps", "a map only", BOTH)
    pair = select_class(dataset, class_id)["half_map"].transpose("half", "z", "y", "x").values
    shape = " x ".join(map(str, pair.shape[1:]))
    must(pair.shape[0] == 2, "there must be two half maps", pair.shape[0], BOTH)
    must(len(set(pair.shape[1:])) == 1, "half maps must be cubic [voxel]", shape, "Pad them to a cube")
    must(pair.shape[1] >= 8, "half maps must have at least 8 voxels along an edge", shape, "Use a larger box")
    for name, half in zip("AB", pair):
        must(bool(np.isfinite(half).all()), f"half map {name} must be finite", "NaN or infinite voxels", "Repair it")
        remedy = "Check which file it is; a class that lost its particles has no curve"
        must(bool(half.any()), f"half map {name} must not be empty", "zero everywhere", remedy)
    return tuple(np.ascontiguousarray(half, dtype=np.float32) for half in pair)


def choose_mask(
    dataset: xr.Dataset, settings: MaskConfig, mask: Any, density: np.ndarray, voxel_size: float
) -> np.ndarray | None:
    """Return the mask to use: the one given, else the one asked for by the settings, else that of the Dataset.

    Parameters
    ----------
    dataset : xarray.Dataset
        May hold `mask`.
    settings : MaskConfig
        How to make one; kind "none" and "file" make none.
    mask : ndarray, xarray.Dataset or None
        A mask that was given.
    density : ndarray, (n, n, n), float32
        Map to make a mask from.
    voxel_size : float
        Voxel size [angstrom].

    Returns
    -------
    ndarray, (n, n, n), float32, or None
        Mask between 0 and 1.

    Raises
    ------
    InputError
        If the mask does not fit the map.
    """
    if isinstance(mask, xr.Dataset):
        mask = mask["mask" if "mask" in mask else "density"].values
    if mask is None and settings.kind in ("none", "file"):
        mask = dataset["mask"].values if "mask" in dataset else None
    elif mask is None:
        resolution = float(dataset["resolution"]) if "resolution" in dataset.coords else 0.0
        mask = make_mask(density, voxel_size, settings, float(np.nan_to_num(resolution, posinf=0.0)))
    return None if mask is None else checked_mask(mask, density.shape)


def _weights(dataset: xr.Dataset, class_id: int) -> np.ndarray | None:
    if "insertion_weight" not in dataset:
        return None
    weight = select_class(dataset, class_id)["insertion_weight"].transpose("half", "frequency")
    return weight.values.astype(np.float64)


def mask_facts(mask: np.ndarray, voxel_size: float) -> dict[str, Any]:
    """Return the scalar coordinates that describe a mask.

    Parameters
    ----------
    mask : ndarray, (n, n, n), float32
        Mask between 0 and 1.
    voxel_size : float
        Voxel size [angstrom].

    Returns
    -------
    dict of str to value
        `particle_diameter` [angstrom], `mask_volume` [angstrom^3], `mask_digest`.
    """
    digest = hashlib.sha256(np.ascontiguousarray(mask).tobytes()).hexdigest()[:12]
    volume = float(mask.sum(dtype=np.float64)) * voxel_size**3
    diameter = mask_diameter(mask, voxel_size)
    return {"particle_diameter": diameter, "mask_volume": volume, "mask_digest": digest}


def class_ids(particles: xr.Dataset, class_id: int) -> list[int]:
    """Return the classes that particles are shared among.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles, perhaps with `class_posterior`.
    class_id : int
        The one to take; 0 for all.

    Returns
    -------
    list of int
        Classes; ``[0]`` where the particles are not shared out.

    Raises
    ------
    InputError
        If there is no such class.
    """
    if "class_posterior" not in particles:
        must(class_id in (0, 1), "class_id must name a class of the particles", class_id, "Use 1, the only class")
        return [0]
    known = [int(number) for number in particles["class_id"].values]
    rule = "class_id must name a class of the particles"
    must(class_id in (0, *known), rule, class_id, nearest(str(class_id), map(str, known)))
    return [class_id] if class_id else known
