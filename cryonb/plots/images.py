"""Images of maps and particles: central sections and projections with a shared grey scale."""

import math

import numpy as np
import xarray as xr

from . import facts, wording
from .marks import Image, Panel, Row, Sheet

PLANE_AXES = {"z": ("y", "x"), "y": ("z", "x"), "x": ("z", "y")}
GALLERY = 10


def grey_limits(arrays: list[np.ndarray]) -> tuple[float, float]:
    """Return the ends of a grey scale that several images share.

    Parameters
    ----------
    arrays : list of ndarray
        The images.

    Returns
    -------
    tuple of float
        Their 0.2 and 99.8 percentiles, values that are not finite left out; (0, 1) where nothing is left.
    """
    values = np.concatenate([array[np.isfinite(array)].ravel() for array in arrays]) if arrays else np.empty(0)
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, [0.2, 99.8])
    return (float(low), float(high)) if high > low else (float(values.min()), float(values.max()))


def image_panels(
    arrays: dict[str, np.ndarray], pixel_size: float | list[float], limits: tuple[float, float] | None = None
) -> tuple[Panel, ...]:
    """Return one panel an image, all on one grey scale.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Titles and images, (rows, columns).
    pixel_size : float or list of float
        Size of a pixel [angstrom], or one an image; NaN for no scale bar.
    limits : tuple of float, optional
        Ends of the grey scale; None to find them.

    Returns
    -------
    tuple of Panel
        The panels.
    """
    low, high = limits or grey_limits(list(arrays.values()))
    sizes = pixel_size if isinstance(pixel_size, list) else [pixel_size] * len(arrays)
    return tuple(
        Panel((Image(np.nan_to_num(array, nan=low), title, low, high, size if math.isfinite(size) else 0.0),), title)
        for (title, array), size in zip(arrays.items(), sizes)
    )


def central_section(volume: xr.DataArray, plane: str = "z") -> np.ndarray:
    """Return the section through the centre of a map.

    Parameters
    ----------
    volume : xarray.DataArray
        A map with dimensions z, y, x.
    plane : {"z", "y", "x"}, optional
        The axis that is looked along.

    Returns
    -------
    ndarray
        float32, (rows, columns).
    """
    return volume.isel({plane: volume.sizes[plane] // 2}).transpose(*PLANE_AXES[plane]).values


def maps_of(dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    """Return the maps of a Dataset, each with dimensions z, y, x, by the words that name them.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind.

    Returns
    -------
    dict of str to xarray.DataArray
        Masks left out; the mean of the half maps is added where there is no other map.
    """
    found: dict[str, xr.DataArray] = {}
    for name, variable in dataset.data_vars.items():
        if {"z", "y", "x"} <= set(variable.dims) and name != "mask":
            found.update(_split(str(name).replace("_", " "), variable))
    halves = [volume for name, volume in found.items() if name.startswith("half map") and "class" not in name]
    if len(halves) == 2 and len(found) == 2:
        found["mean map"] = (halves[0] + halves[1]) / 2.0
    return found


def _split(name: str, variable: xr.DataArray) -> dict[str, xr.DataArray]:
    others = [dim for dim in variable.dims if dim not in ("z", "y", "x")]
    if not others:
        return {name: variable}
    found = {}
    for label in variable[others[0]].values:
        word = f"{name} {label}" if others[0] == "half" else f"{name}, {others[0].replace('_id', '')} {label}"
        found.update(_split(word, variable.sel({others[0]: label})))
    return found


def section_row(dataset: xr.Dataset, height: float = 2.5) -> Row | None:
    """Return a row with the central z section of every map of a Dataset.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any kind.
    height : float, optional
        Largest height [inch].

    Returns
    -------
    Row or None
        None where there is no map.
    """
    arrays = {name: central_section(volume) for name, volume in list(maps_of(dataset).items())[:5]}
    if not arrays:
        return None
    return Row(image_panels(arrays, facts.number(dataset, "voxel_size")), height, grey_scale="density")


def volume_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of maps: the central sections of each along z, y and x.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/volume``, or any with variables over z, y, x.

    Returns
    -------
    Sheet
        The figure.
    """
    volumes = maps_of(dataset) or {name: dataset[name] for name in ("mask",) if name in dataset}
    voxel = facts.number(dataset, "voxel_size")
    rows = []
    for name, volume in list(volumes.items())[:4]:
        arrays = {f"{name}, section along {plane}": central_section(volume, plane) for plane in "zyx"}
        rows.append(Row(image_panels(arrays, voxel), 2.6, grey_scale="density"))
    shape = " × ".join(str(dataset.sizes[axis]) for axis in "zyx")
    caption = " · ".join(part for part in (f"{shape} voxels", wording.settings_line(dataset)) if part)
    words = f"Central sections along z, y and x of {', '.join(volumes)}; {caption.replace(' · ', ', ')}."
    return Sheet(tuple(rows), "Central sections", caption=caption, description=words)


def sections_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/sections``: sections above, projections below.

    Parameters
    ----------
    dataset : xarray.Dataset
        The sections and projections.

    Returns
    -------
    Sheet
        The figure; sections share one grey scale, and so do projections; maps that are not classes have their own.
    """
    pixel = float(np.diff(dataset["column"].values[:2]).sum())
    rows = []
    for name, words in (("section", "section"), ("projection", "projection")):
        for label, images in _split_maps(dataset[name]):
            shares = "class" in label or not label
            limits = grey_limits([dataset[name].values if shares else images.values])
            arrays = {
                f"{words} along {plane}{label}": images.sel(plane=plane).values for plane in images["plane"].values
            }
            scale = "density" if name == "section" else "projected density"
            rows.append(Row(image_panels(arrays, pixel, limits), 2.6, grey_scale=scale))
    caption = wording.settings_line(dataset)
    planes = ", ".join(str(plane) for plane in dataset["plane"].values)
    words = f"Central sections and projections along {planes}, {pixel:.3g} Å a pixel."
    return Sheet(tuple(rows), "Sections and projections", caption=caption, description=words)


def _split_maps(images: xr.DataArray) -> list[tuple[str, xr.DataArray]]:
    if "map" not in images.dims:
        return [("", images)]
    return [(f", {label}", images.sel(map=label)) for label in images["map"].values]


def particles_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a particle table: its first images on one grey scale.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/particles``.

    Returns
    -------
    Sheet
        The figure; only the images that are shown are read.
    """
    count = min(GALLERY, dataset.sizes["particle"])
    images = dataset["image"].isel(particle=slice(0, count)).values
    names = [f"particle {label}" for label in dataset["particle"].values[:count]]
    pixel = facts.number(dataset, "pixel_size")
    panels = image_panels(dict(zip(names, images)), pixel)
    rows = tuple(Row(panels[start : start + 5], 1.7, grey_scale="intensity") for start in range(0, count, 5))
    caption = " · ".join(
        [
            f"{dataset.sizes['particle']} particles",
            f"image {images.shape[1]} × {images.shape[2]} pixels",
            wording.settings_line(dataset),
        ]
    ).rstrip(" ·")
    words = f"The first {count} of {dataset.sizes['particle']} particle images. {caption.replace(' · ', ', ')}."
    return Sheet(rows, "Particle images", caption=caption, description=words)


PLOTS = {"cryonb/volume": volume_sheet, "cryonb/sections": sections_sheet, "cryonb/particles": particles_sheet}
