"""The same section, or the projection along the same axis, of several maps: one place [angstrom], one grey scale."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
import xarray as xr

from ..errors import SchemaError, must
from . import facts, wording
from .images import PLANE_AXES, grey_limits
from .marks import Image, Panel, Row, Sheet

ACROSS = 4
MAPS = ("sharpened", "volume", "density", "half_map")
"""Variables by which a run shows its map, the first that it has; of half maps the mean."""

WORDS = {"section": "density", "projection": "projected density"}


@dataclasses.dataclass(frozen=True)
class MapView:
    """How maps are looked at.

    Attributes
    ----------
    plane : {"z", "y", "x"}
        The axis that is looked along.
    place : float
        Where the section lies, from the centre [angstrom].
    seen : {"section", "projection"}
        A section, or the sum along the axis.
    contrast : float
        1 for the whole range of grey; larger is harder.
    class_id : int
        Which class of runs that have several.
    """

    plane: str = "z"
    place: float = 0.0
    seen: str = "section"
    contrast: float = 1.0
    class_id: int = 1

    def __post_init__(self) -> None:
        rule = "plane must be an axis that is looked along"
        must(self.plane in PLANE_AXES, rule, repr(self.plane), f"Use {', '.join(PLANE_AXES)}")
        must(self.seen in WORDS, "what is seen must be known", repr(self.seen), f"Use {' or '.join(WORDS)}")
        must(self.contrast > 0.0, "contrast must be above 0", f"{self.contrast:g}", "Use 1 for the whole range")

    def words(self) -> str:
        """Return what is seen, in words.

        Returns
        -------
        str
            For example ``"section along z, 12.0 Å from the centre"``.
        """
        where = f", {_length(self.place)} from the centre" if self.seen == "section" else ""
        return f"{self.seen} along {self.plane}{where}"


def linked_sheet(runs: Mapping[str, xr.Dataset], view: MapView) -> Sheet:
    """Return the figure of the same section, or projection, of several maps on one grey scale.

    Parameters
    ----------
    runs : mapping of str to xarray.Dataset
        Runs by label; those without a map are left out.
    view : MapView
        What is seen of each.

    Returns
    -------
    Sheet
        One image a run; in a box of another sampling it is the section nearest to the place.

    Raises
    ------
    SchemaError
        If no run has a map.
    """
    held = {label: map_variable(run, view.class_id) for label, run in runs.items()}
    maps = {label: variable for label, variable in held.items() if variable is not None}
    must(bool(maps), "a run must hold a map", "none", "Reconstruct one first", SchemaError)
    images = {label: image_of(variable, view) for label, variable in maps.items()}
    low, high = narrowed(_whole_range(maps, images, view), view.contrast)
    panels = []
    for label, array in images.items():
        voxel, note = facts.number(runs[label], "voxel_size"), _note(maps[label], view)
        image = Image(array, label, low, high, voxel if math.isfinite(voxel) else 0.0)
        panels.append(Panel((image,), _title(label, runs[label], view), note))
    caption = "\n".join(f"{label}: {wording.settings_line(runs[label])}" for label in maps)
    words = f"{view.words().capitalize()} of {', '.join(maps)}, from {low:.3g} (black) to {high:.3g} (white)."
    return Sheet(_rows(panels, WORDS[view.seen]), "Maps", caption=caption, description=words, aligned=True)


def _rows(panels: list[Panel], scale: str) -> tuple[Row, ...]:
    across = math.ceil(len(panels) / math.ceil(len(panels) / ACROSS))
    panels = panels + [Panel(())] * (-len(panels) % across)
    groups = [panels[start : start + across] for start in range(0, len(panels), across)]
    return tuple(Row(tuple(group), 4.2 if across < 3 else 2.8, grey_scale=scale) for group in groups)


def difference_sheet(
    runs: Mapping[str, xr.Dataset], change: xr.Dataset, rms: Mapping[str, float], view: MapView
) -> Sheet:
    """Return the figure of two maps and of their difference, in the same section or projection.

    Parameters
    ----------
    runs : mapping of str to xarray.Dataset
        Both runs by label.
    change : xarray.Dataset
        Kind ``cryonb/volume``: their difference, with a note in its attributes.
    rms : mapping of str to float
        Root mean square of each map by its label, and of the difference under ``"difference"``.
    view : MapView
        What is seen of each.

    Returns
    -------
    Sheet
        Both maps on one grey scale, beside them the difference on its own, which is grey where nothing changed.
    """
    maps = linked_sheet(runs, view)
    variable = map_variable(change)
    array = image_of(variable, view)
    everywhere = array if view.seen == "projection" else image_of(variable, dataclasses.replace(view, place=0.0))
    most = max(float(np.quantile(np.abs(everywhere), 0.998)), 1e-30) / view.contrast
    image = Image(array, "difference", -most, most, facts.number(change, "voxel_size"))
    noted = [
        dataclasses.replace(panel, note=f"{panel.note}, RMS {_three(rms[label])}")
        for label, panel in zip(runs, maps.panels())
    ]
    first, second = runs
    title = f"{first} − {second}"
    note = f"{_note(variable, view)}, RMS {_three(rms['difference'])}, grey to ±{_three(most)}"
    row = dataclasses.replace(maps.rows[0], panels=(*noted, Panel((image,), title, note)), height=2.8)
    said = wording.sentence(str(change.attrs.get("note", "")))
    words = ", ".join(f"{label} {_three(value)}" for label, value in rms.items())
    return Sheet(
        (row,), "Difference", said, maps.caption, f"{title}. {said} RMS: {words}. {maps.description}", aligned=True
    )


def _three(value: float) -> str:
    return wording.plain(value, 3)


def has_map(run: xr.Dataset) -> bool:
    """Return whether a run holds a map.

    Parameters
    ----------
    run : xarray.Dataset
        Any kind.

    Returns
    -------
    bool
        True if it does.
    """
    return map_variable(run) is not None


def map_variable(run: xr.Dataset, class_id: int = 1) -> xr.DataArray | None:
    """Return the variable by which a run shows its map.

    Parameters
    ----------
    run : xarray.Dataset
        Any kind.
    class_id : int, optional
        Which class; the last there is where it has fewer.

    Returns
    -------
    xarray.DataArray or None
        Over z, y, x, or half, z, y, x; None where there is no map.
    """
    name = next((name for name in MAPS if name in run and {"z", "y", "x"} <= set(run[name].dims)), None)
    if name is None:
        return None
    variable = run[name]
    if "class_id" in variable.dims:
        variable = variable.isel(class_id=min(max(class_id, 1), variable.sizes["class_id"]) - 1)
    return variable


def image_of(variable: xr.DataArray, view: MapView) -> np.ndarray:
    """Return the section or the projection of a map.

    Parameters
    ----------
    variable : xarray.DataArray
        Over z, y, x, or half, z, y, x: of halves the mean is taken.
    view : MapView
        What is seen.

    Returns
    -------
    ndarray
        float, (rows, columns); a projection is the sum along the axis times the voxel size, so that it does not
        depend on the sampling.
    """
    if view.seen == "section":
        flat = variable.variable.isel({view.plane: _index(variable, view)})
    else:
        axis = variable[view.plane].values
        step = float(axis[1] - axis[0]) if axis.size > 1 else 1.0
        place = variable.dims.index(view.plane)
        dims = [dim for dim in variable.dims if dim != view.plane]
        flat = xr.Variable(dims, variable.values.sum(axis=place) * np.float32(step))
    values = flat.transpose(..., *PLANE_AXES[view.plane]).values
    return values if values.ndim == 2 else values.mean(axis=0)


def _index(variable: xr.DataArray, view: MapView) -> int:
    return int(np.argmin(np.abs(variable[view.plane].values - view.place)))


def _whole_range(
    maps: Mapping[str, xr.DataArray], images: Mapping[str, np.ndarray], view: MapView
) -> tuple[float, float]:
    """Return the grey scale of what is shown, which does not change as the section is moved."""
    if view.seen == "projection":
        return grey_limits(list(images.values()))
    centre = [MapView(plane) for plane in PLANE_AXES]
    return grey_limits([image_of(variable, view)[::2, ::2] for variable in maps.values() for view in centre])


def narrowed(limits: tuple[float, float], contrast: float) -> tuple[float, float]:
    """Return the ends of a grey scale made harder about its middle.

    Parameters
    ----------
    limits : tuple of float
        Black and white.
    contrast : float
        How many times harder.

    Returns
    -------
    tuple of float
        Black and white.

    Examples
    --------
    >>> narrowed((0.0, 4.0), 2.0)
    (1.0, 3.0)
    """
    middle, half = (limits[0] + limits[1]) / 2.0, (limits[1] - limits[0]) / 2.0 / contrast
    return middle - half, middle + half


def _title(label: str, run: xr.Dataset, view: MapView) -> str:
    classes = run.sizes.get("class_id", 1)
    return label if classes < 2 else f"{label}, class {min(max(view.class_id, 1), classes)}"


def _note(variable: xr.DataArray, view: MapView) -> str:
    if view.seen == "projection":
        return view.words()
    at = float(variable[view.plane].values[_index(variable, view)])
    return f"{view.plane} = {_length(at)}"


def _length(value: float) -> str:
    return f"{value:.1f} Å".replace("-0.0 ", "0.0 ").replace("-", "−")
