"""The currency: every kind of Dataset, its dimensions, coordinates, variables and units.

A kind is declared once, as data, with `declare`. `build` makes a Dataset of a kind and `validate` reports all
faults of one at once. Diagnostics declare their own kinds beside their code.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from .errors import SchemaError, nearest

HALVES = ("A", "B")
THRESHOLDS = ("0.143", "0.5", "half_bit", "three_sigma")
FSC_KINDS = ("raw", "masked", "modified", "phase_randomised", "corrected")

DIMENSION_UNITS = {
    "particle": "1",
    "optics": "1",
    "half": "1",
    "class_id": "1",
    "z": "angstrom",
    "y": "angstrom",
    "x": "angstrom",
    "frequency": "1/angstrom",
    "threshold": "1",
    "fsc_kind": "1",
    "component": "1",
    "iteration": "1",
}


@dataclasses.dataclass(frozen=True)
class Field:
    """One variable or coordinate of a kind.

    Attributes
    ----------
    dims : tuple of str
        Its dimensions; a leading name in square brackets, as in ``"[class_id]"``, may be absent.
    unit : str
        Its unit; ``"1"`` for none.
    required : bool
        Whether a Dataset of the kind must have it.
    """

    dims: tuple[str, ...]
    unit: str = "1"
    required: bool = False

    def allows(self, dims: tuple) -> bool:
        """Return whether actual dimensions fit this field.

        Parameters
        ----------
        dims : tuple of str
            Dimensions of a variable.

        Returns
        -------
        bool
            True if they fit.
        """
        optional = tuple(name for name in self.dims if not name.startswith("["))
        full = tuple(name.strip("[]") for name in self.dims)
        return tuple(dims) in (optional, full)


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of Dataset.

    Attributes
    ----------
    name : str
        Value of ``attrs["schema"]``.
    variables : mapping of str to Field
        Its data variables.
    scalars : mapping of str to str
        Its scalar coordinates with their units.
    one_of : tuple of str
        At least one of these variables must be present; empty for no such rule.
    dimensions : mapping of str to str
        Dimensions that only this kind has, with the units of their coordinates.
    coordinates : mapping of str to Field
        Auxiliary coordinates that only this kind has.
    """

    name: str
    variables: Mapping[str, Field]
    scalars: Mapping[str, str]
    one_of: tuple[str, ...] = ()
    dimensions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    coordinates: Mapping[str, Field] = dataclasses.field(default_factory=dict)


KINDS: dict[str, Kind] = {}


def declare(kind: Kind) -> Kind:
    """Add a kind to those that `build` and `validate` know.

    Parameters
    ----------
    kind : Kind
        The declaration.

    Returns
    -------
    Kind
        The same declaration.
    """
    KINDS[kind.name] = kind
    return kind


SAMPLING = {
    "voxel_size": "angstrom",
    "pixel_size": "angstrom",
    "box_size": "voxel",
    "binning": "factor",
    "pad_factor": "1",
    "particle_nyquist": "1/angstrom",
    "grid_nyquist": "1/angstrom",
    "resolution": "angstrom",
    "data_end": "angstrom",
    "data_limit": "1/angstrom",
    "iteration": "1",
    "mask_volume": "angstrom^3",
    "mask_digest": "1",
    "particle_diameter": "angstrom",
}

SHELL_COORDINATES = {
    "shell": Field(("frequency",)),
    "shell_resolution": Field(("frequency",), "angstrom"),
    "n_coefficients": Field(("frequency",)),
    "support": Field(("frequency",)),
}

_ANGLES = {name: Field(("particle",), "degree") for name in ("rot", "tilt", "psi")}
_SHIFTS = {name: Field(("particle",), "angstrom") for name in ("shift_y", "shift_x")}

PARTICLES = declare(
    Kind(
        "cryonb/particles",
        {
            "image": Field(("particle", "y", "x")),
            **_ANGLES,
            **_SHIFTS,
            "defocus_u": Field(("particle",), "angstrom"),
            "defocus_v": Field(("particle",), "angstrom"),
            "defocus_angle": Field(("particle",), "degree"),
            "phase_shift": Field(("particle",), "degree"),
            "ctf_b_factor": Field(("particle",), "angstrom^2"),
            "ctf_scale": Field(("particle",)),
            "random_subset": Field(("particle",)),
            "class_number": Field(("particle",)),
            "class_posterior": Field(("particle", "class_id")),
            "optics_group": Field(("particle",)),
            "voltage": Field(("optics",), "kilovolt"),
            "spherical_aberration": Field(("optics",), "millimeter"),
            "amplitude_contrast": Field(("optics",)),
        },
        {"pixel_size": "angstrom"},
    )
)

VOLUME = declare(
    Kind(
        "cryonb/volume",
        {
            "density": Field(("[class_id]", "z", "y", "x")),
            "half_map": Field(("[class_id]", "half", "z", "y", "x")),
            "mask": Field(("z", "y", "x")),
        },
        {
            "voxel_size": "angstrom",
            "origin_z": "angstrom",
            "origin_y": "angstrom",
            "origin_x": "angstrom",
            "pixel_size": "angstrom",
            "particle_nyquist": "1/angstrom",
        },
        one_of=("density", "half_map", "mask"),
    )
)

REFINEMENT = declare(
    Kind(
        "cryonb/refinement",
        {
            "half_map": Field(("[class_id]", "half", "z", "y", "x"), required=True),
            "volume": Field(("[class_id]", "z", "y", "x")),
            "mask": Field(("z", "y", "x")),
            "insertion_weight": Field(("[class_id]", "half", "frequency"), required=True),
            "fsc_unmasked": Field(("[class_id]", "frequency")),
            "band": Field(("[class_id]", "frequency")),
            "noise_power": Field(("[class_id]", "frequency")),
            "signal_power": Field(("[class_id]", "frequency")),
            **_ANGLES,
            **_SHIFTS,
            "score": Field(("particle",)),
            "scale": Field(("particle",)),
            "pose_weight": Field(("particle",)),
            "angle_change": Field(("particle",), "degree"),
            "shift_change": Field(("particle",), "angstrom"),
            "random_subset": Field(("particle",)),
            "class_number": Field(("particle",)),
            "class_posterior": Field(("particle", "class_id")),
            "occupancy": Field(("class_id",)),
            "effective_size": Field(("class_id",), "particle"),
            "claimed_resolution": Field(("[class_id]",), "angstrom"),
            "limit_fsc": Field(("[class_id]", "frequency")),
        },
        {**SAMPLING, "alignment_limit": "angstrom", "next_limit": "angstrom"},
    )
)

FSC = declare(
    Kind(
        "cryonb/fsc",
        {
            "fsc": Field(("fsc_kind", "frequency"), required=True),
            "fsc_resolution": Field(("fsc_kind", "threshold"), "angstrom", required=True),
            "band": Field(("frequency",), required=True),
            "below_floor": Field(("frequency",)),
            "threshold_curve": Field(("fsc_kind", "threshold", "frequency")),
        },
        {**SAMPLING, "randomisation_resolution": "angstrom"},
    )
)


def build(
    kind: Kind, variables: Mapping[str, Any], coords: Mapping[str, Any], attrs: Mapping | None = None
) -> xr.Dataset:
    """Return a validated Dataset of a kind; dimensions and units come from the declaration.

    Parameters
    ----------
    kind : Kind
        What to build.
    variables : mapping of str to array
        Data variables by name; None entries are left out.
    coords : mapping of str to array or scalar
        Coordinates: one per dimension, auxiliary ones, and the scalars.
    attrs : mapping, optional
        Text attributes, for example provenance.

    Returns
    -------
    xarray.Dataset
        The Dataset, with ``attrs["schema"]`` set.

    Raises
    ------
    SchemaError
        If a name is not declared or `validate` finds a fault.
    """
    present = {name: value for name, value in variables.items() if value is not None}
    for name in present:
        if name not in kind.variables:
            raise SchemaError(
                f"{kind.name} must hold declared variables only; got {name!r}. {nearest(name, kind.variables)}."
            )
    data = {name: _labelled(name, value, kind.variables[name]) for name, value in present.items()}
    labels = {name: _coordinate(kind, name, value) for name, value in coords.items() if value is not None}
    return validate(xr.Dataset(data, labels, {**(attrs or {}), "schema": kind.name}))


def _coordinate(kind: Kind, name: str, value: Any) -> tuple:
    dimensions = {**DIMENSION_UNITS, **kind.dimensions}
    auxiliary = {**SHELL_COORDINATES, **kind.coordinates}
    value = value.values if isinstance(value, (xr.DataArray, xr.Variable)) else value
    if name in dimensions and np.ndim(value) == 1:
        return (name,), np.asarray(value), {"units": dimensions[name]}
    if name in auxiliary:
        return auxiliary[name].dims, np.asarray(value), {"units": auxiliary[name].unit}
    return (), value, {"units": kind.scalars.get(name, "1")}


def _labelled(name: str, value: Any, field: Field) -> Any:
    if isinstance(value, (xr.DataArray, xr.Variable)):
        value = value.variable if isinstance(value, xr.DataArray) else value
        return value.copy(deep=False)._replace(attrs={**value.attrs, "units": field.unit})
    full = tuple(dim.strip("[]") for dim in field.dims)
    required = tuple(dim for dim in field.dims if not dim.startswith("["))
    return (full if np.ndim(value) == len(full) else required, value, {"units": field.unit})


def validate(dataset: xr.Dataset, *accepted: Kind) -> xr.Dataset:
    """Return the Dataset if it has the shape that its kind promises; report all faults at once.

    Parameters
    ----------
    dataset : xarray.Dataset
        What to check; its ``attrs["schema"]`` names the kind.
    *accepted : Kind
        The kinds that the caller takes; none for any.

    Returns
    -------
    xarray.Dataset
        The same Dataset.

    Raises
    ------
    SchemaError
        With every fault in one message.
    """
    name = dataset.attrs.get("schema", "none") if isinstance(dataset, xr.Dataset) else type(dataset).__name__
    wanted = [kind.name for kind in accepted] or list(KINDS)
    if name not in wanted:
        raise SchemaError(f"a Dataset of kind {' or '.join(wanted)} is needed; got {name}. Open or compute one first.")
    faults = list(_faults(dataset, KINDS[name]))
    if faults:
        raise SchemaError(
            f"a Dataset of kind {name} must be complete; got these faults: {'; '.join(faults)}. Rebuild it."
        )
    return dataset


def _faults(dataset: xr.Dataset, kind: Kind):
    for name, field in kind.variables.items():
        if name in dataset:
            if not field.allows(dataset[name].dims):
                yield f"{name} has dimensions {dataset[name].dims}, not {field.dims}"
        elif field.required:
            yield f"{name} is missing"
    if kind.one_of and not any(name in dataset for name in kind.one_of):
        yield f"none of {', '.join(kind.one_of)} is present"
    for name in dataset.data_vars:
        if name not in kind.variables:
            yield f"{name} is not declared"
    for dim in dataset.dims:
        if dim not in dataset.coords:
            yield f"dimension {dim} has no coordinate"
    for name, variable in dataset.variables.items():
        if "units" not in variable.attrs:
            yield f"{name} has no unit"
        elif name in kind.variables and variable.attrs["units"] != kind.variables[name].unit:
            yield f"{name} has unit {variable.attrs['units']}, not {kind.variables[name].unit}"
    for name, value in dataset.attrs.items():
        if not isinstance(value, str):
            yield f"attribute {name} is not text"


def grid_coordinates(box_size: int | tuple[int, int, int], voxel_size: float) -> dict[str, np.ndarray]:
    """Return the z, y, x coordinates of a volume: (i - n // 2) * voxel_size.

    Parameters
    ----------
    box_size : int or tuple of int
        Voxels along z, y, x.
    voxel_size : float
        Voxel size [angstrom].

    Returns
    -------
    dict of str to ndarray
        float64 coordinates [angstrom].
    """
    sizes = (box_size,) * 3 if np.ndim(box_size) == 0 else box_size
    return {axis: (np.arange(n) - n // 2) * float(voxel_size) for axis, n in zip("zyx", sizes)}


def shell_coordinates(box_size: int, voxel_size: float) -> dict[str, np.ndarray]:
    """Return the frequency coordinate of shells 0..n//2 with its auxiliary coordinates.

    Parameters
    ----------
    box_size : int
        Voxels along one edge.
    voxel_size : float
        Voxel size [angstrom].

    Returns
    -------
    dict of str to ndarray
        `frequency` [1/angstrom], `shell` [1], `shell_resolution` [angstrom].
    """
    shell = np.arange(box_size // 2 + 1)
    frequency = shell / (box_size * float(voxel_size))
    resolution = np.full(frequency.shape, math.inf)
    np.divide(1.0, frequency, out=resolution, where=frequency > 0)
    return {"frequency": frequency, "shell": shell, "shell_resolution": resolution}
