"""Sections through the centre and projections of maps, along all three axes."""

import dataclasses
from typing import Any

import numpy as np
import xarray as xr

from ..config import RunConfig
from ..errors import must
from ..knobs import Config, knob
from ..schema import SAMPLING, Field, Kind, build, declare
from .fsc import Progress

SECTIONS = declare(
    Kind(
        "cryonb/sections",
        {
            "section": Field(("[map]", "plane", "row", "column"), required=True),
            "projection": Field(("[map]", "plane", "row", "column"), required=True),
        },
        SAMPLING,
        dimensions={"map": "1", "plane": "1", "row": "angstrom", "column": "angstrom"},
    )
)
"""`plane` names the axis that is looked along: z (rows y, columns x), y (rows z, columns x), x (rows z, columns y);
`map` is present where there are several: classes, or the unsharpened and the sharpened map."""

PLANES = ("z", "y", "x")


@dataclasses.dataclass(frozen=True)
class SectionOptions(Config):
    """Settings of sections."""

    offset: float = knob(0.0, help="Distance of the sections from the rotation centre.", unit="angstrom")


def maps_of(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the maps that a Dataset holds, by name.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/volume``, ``cryonb/refinement`` or ``cryonb/postprocess``.

    Returns
    -------
    dict of str to ndarray, (nz, ny, nx), float32
        The unsharpened and the sharpened map; or the map, or the mean of the half maps, of every class; or the mask.
    """
    if "sharpened" in dataset:
        return {name: dataset[name].values for name in ("unsharpened", "sharpened")}
    name = next(name for name in ("volume", "density", "half_map", "mask") if name in dataset)
    array = dataset[name].mean("half") if "half" in dataset[name].dims else dataset[name]
    if "class_id" not in array.dims:
        return {name: array.values}
    return {f"class {number}": array.sel(class_id=number).values for number in array["class_id"].values}


def cut(density: np.ndarray, voxels: int) -> np.ndarray:
    """Return three perpendicular sections of a map.

    Parameters
    ----------
    density : ndarray, (nz, ny, nx), float32
        Map.
    voxels : int
        Distance of the sections from the centre [voxel].

    Returns
    -------
    ndarray, (3, edge, edge), float32
        Seen along z, y and x; edge is the longest of the map's, and NaN fills what the map does not reach.
    """
    index = [length // 2 + voxels for length in density.shape]
    return _framed([np.take(density, index[axis], axis=axis) for axis in range(3)], max(density.shape))


def project_along(density: np.ndarray, voxel_size: float) -> np.ndarray:
    """Return three perpendicular projections of a map.

    Parameters
    ----------
    density : ndarray, (nz, ny, nx), float32
        Map.
    voxel_size : float
        Voxel size [angstrom].

    Returns
    -------
    ndarray, (3, edge, edge), float32
        Integrals along z, y and x: sums of voxels times the voxel size.
    """
    sums = [density.sum(axis=axis, dtype=np.float64) * voxel_size for axis in range(3)]
    return _framed(sums, max(density.shape))


def _framed(planes: list[np.ndarray], edge: int) -> np.ndarray:
    framed = np.full((3, edge, edge), np.nan, np.float32)
    for target, plane in zip(framed, planes):
        rows, columns = plane.shape
        top, left = edge // 2 - rows // 2, edge // 2 - columns // 2
        target[top : top + rows, left : left + columns] = plane
    return framed


class SectionsDiagnostic:
    """What a map looks like along its three axes."""

    name = "sections"
    title = "Sections and projections"
    accepts = ("cryonb/volume", "cryonb/refinement", "cryonb/postprocess")
    options = SectionOptions

    def compute(self, dataset: xr.Dataset, options: SectionOptions, config: RunConfig, mask: Any, progress: Progress):
        """Return sections and projections as a Dataset of kind ``cryonb/sections``.

        Parameters
        ----------
        dataset : xarray.Dataset
            Maps.
        options : SectionOptions
            Settings.
        config : RunConfig
            Not used.
        mask : object
            Not used: the maps are shown as they are.
        progress : callable
            Called with the fraction done and a text.

        Returns
        -------
        xarray.Dataset
            Kind ``cryonb/sections``.

        Raises
        ------
        InputError
            If the sections would lie outside the map.
        """
        maps = maps_of(dataset)
        voxel_size = float(dataset["voxel_size"])
        shape = next(iter(maps.values())).shape
        voxels = round(options.offset / voxel_size)
        inside = all(0 <= length // 2 + voxels < length for length in shape)
        reach = f"{min(shape) // 2 * voxel_size:g}"
        must(inside, "offset must lie inside the map [angstrom]", f"{options.offset:g}", f"Use less than {reach}")
        variables = {
            "section": np.stack([cut(density, voxels) for density in maps.values()]),
            "projection": np.stack([project_along(density, voxel_size) for density in maps.values()]),
        }
        if len(maps) == 1:
            variables = {name: planes[0] for name, planes in variables.items()}
        progress(1.0, "sections")
        scalars = {
            name: dataset[name].item() for name in SAMPLING if name in dataset.coords and dataset[name].ndim == 0
        }
        axis = (np.arange(max(shape)) - max(shape) // 2) * voxel_size
        coords = {"plane": list(PLANES), "row": axis, "column": axis, "map": list(maps) if len(maps) > 1 else None}
        return build(SECTIONS, variables, {**scalars, **coords}, {"shown": ", ".join(maps)})


DIAGNOSTIC = SectionsDiagnostic()
