"""The frozen dataclasses that describe a run, and the knobs that their fields are.

A field made by `knob` carries its unit, bounds, choices and help. The command line's flags, the validation,
the documentation table and the provenance record are all read from those fields, so a setting is written once.
"""

import dataclasses
import hashlib
import json
import math
import os
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Self

from .errors import InputError, must, nearest

UNITLESS = "1"


def knob(
    default: Any,
    *,
    help: str,
    unit: str = UNITLESS,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple = (),
    affects: str = "result",
) -> Any:
    """Return a dataclass field that knows how to be shown, checked and explained.

    Parameters
    ----------
    default : object
        Value used when nothing is said.
    help : str
        One sentence for a person.
    unit : str, optional
        Unit of the value; ``"1"`` for none.
    minimum, maximum : float, optional
        Inclusive bounds, in `unit`.
    choices : tuple, optional
        The only values allowed.
    affects : {"result", "speed"}, optional
        Settings that change only the speed stay out of the science digest.

    Returns
    -------
    dataclasses.Field
        The field.
    """
    metadata = dict(help=help, unit=unit, minimum=minimum, maximum=maximum, choices=choices, affects=affects)
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Config:
    """A group of knobs, checked when it is made."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if field.metadata:
                object.__setattr__(self, field.name, _checked(field, getattr(self, field.name), hints(type(self))))

    @classmethod
    def parse(cls, value: "Self | Mapping | None") -> Self:
        """Return a group from what a caller gave: a group, a mapping of its fields, or None for the defaults.

        Parameters
        ----------
        value : Config, mapping or None
            The settings.

        Returns
        -------
        Config
            The checked group.

        Raises
        ------
        InputError
            If a name is unknown or a value cannot work.
        """
        if isinstance(value, cls):
            return value
        kinds = (Mapping, type(None))
        rule = f"settings of {cls.__name__} must be a mapping of its fields, or a {cls.__name__}"
        must(isinstance(value, kinds), rule, type(value).__name__, "Give a dict")
        given = dict(value or {})
        names = [field.name for field in dataclasses.fields(cls)]
        for name in given:
            must(name in names, f"a setting of {cls.__name__} must have a known name", repr(name), nearest(name, names))
        return cls(**given)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed.

        Parameters
        ----------
        **changes
            Field names and their new values.

        Returns
        -------
        Config
            The checked copy.
        """
        return type(self).parse({**self.as_dict(), **changes})

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values.

        Returns
        -------
        dict
            Field names and values; groups become nested dicts.
        """
        return {
            field.name: value.as_dict() if isinstance(value := getattr(self, field.name), Config) else value
            for field in dataclasses.fields(self)
        }


def hints(group: type[Config]) -> dict[str, Any]:
    """Return the resolved type of every field of a group.

    Parameters
    ----------
    group : type
        A `Config` dataclass.

    Returns
    -------
    dict
        Field names and types.
    """
    return typing.get_type_hints(group)


def knobs(group: type[Config]) -> Iterator[tuple[dataclasses.Field, Any]]:
    """Yield the knobs of a group with their types, for making flags, controls and tables.

    Parameters
    ----------
    group : type
        A `Config` dataclass.

    Yields
    ------
    tuple of dataclasses.Field and type
        Each knob.
    """
    resolved = hints(group)
    for field in dataclasses.fields(group):
        if field.metadata:
            yield field, resolved[field.name]


def _checked(field: dataclasses.Field, value: Any, types_of: Mapping[str, Any]) -> Any:
    wanted = types_of[field.name]
    about = field.metadata
    if typing.get_origin(wanted) is tuple:
        return _checked_pair(field, value, typing.get_args(wanted)[0])
    value = _converted(field, value, wanted)
    unit = "" if about["unit"] == UNITLESS else f" [{about['unit']}]"
    low, high = about["minimum"], about["maximum"]
    if low is not None:
        must(value >= low, f"{field.name} must be at least {low:g}{unit}", f"{value:g}", f"Use {low:g} or more")
    if high is not None:
        must(value <= high, f"{field.name} must be at most {high:g}{unit}", f"{value:g}", f"Use {high:g} or less")
    if about["choices"]:
        remedy = nearest(value, [str(choice) for choice in about["choices"]])
        must(value in about["choices"], f"{field.name} must be one of its choices", repr(value), remedy)
    return value


def _checked_pair(field: dataclasses.Field, value: Any, element: type) -> tuple:
    rule = f"{field.name} must be two numbers"
    must(isinstance(value, (tuple, list)) and len(value) == 2, rule, repr(value), "Give two numbers")
    scalar = types.SimpleNamespace(name=field.name, metadata=field.metadata)
    return tuple(_checked(scalar, item, {field.name: element}) for item in value)


def _converted(field: dataclasses.Field, value: Any, wanted: type) -> Any:
    word = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}[wanted]
    problem = InputError(f"{field.name} must be {word}; got {value!r}. Change the value.")
    if wanted is bool or isinstance(value, bool):
        if wanted is bool and isinstance(value, bool):
            return value
        raise problem
    if wanted is str:
        if isinstance(value, (str, os.PathLike)):
            return os.fspath(value)
        raise problem
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise problem from None
    if not math.isfinite(number) or (wanted is int and number != int(number)):
        raise problem
    return int(number) if wanted is int else number


@dataclasses.dataclass(frozen=True)
class BoxConfig(Config):
    """Boxes, sampling and interpolation of a reconstruction."""

    binning: float = knob(1.0, help="Fourier crop of the particle images by this factor.", unit="factor", minimum=1.0)
    box_size: int = knob(
        0, help="Voxels of the target grid over the same field of view; 0 = the binned particle box.", unit="voxel"
    )
    pad_factor: float = knob(
        2.0,
        help="Zero padding in real space: finer sampling of Fourier space.",
        minimum=1.0,
        choices=(1.0, 1.5, 2.0, 3.0),
    )
    resample: str = knob(
        "fourier",
        help="How images reach the sampling of the target grid.",
        choices=("fourier", "linear", "cubic"),
    )
    limit: str = knob(
        "circle",
        help="In-plane limit: the circle of the particle Nyquist, or the whole square transform with its corners.",
        choices=("circle", "square"),
    )
    kernel: str = knob(
        "trilinear",
        help="How a slice is spread on the grid; nufft is the exact least-squares solution.",
        choices=("trilinear", "nearest", "kaiser_bessel", "nufft"),
    )
    gridding_correction: bool = knob(True, help="Divide the map by the transform of the kernel.")
    corners: str = knob(
        "auto",
        help="Corners outside the inscribed sphere: keep them, or replace them by their mean (soft), as RELION does; "
        "auto = soft, but keep where the grid is finer than the data, since the edge would leak into empty shells.",
        choices=("auto", "keep", "soft"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        rule = "box_size must be at least 8 [voxel], or 0 for the particle box"
        must(self.box_size == 0 or self.box_size >= 8, rule, self.box_size, "Use 8 or more")


@dataclasses.dataclass(frozen=True)
class MaskConfig(Config):
    """The mask of a map."""

    kind: str = knob(
        "none", help="Where the mask comes from.", choices=("none", "sphere", "threshold", "dynamic", "file")
    )
    path: str = knob("", help="Mask file, for kind = file.")
    radius: float = knob(0.0, help="Radius of the sphere; 0 = 45 % of the box.", unit="angstrom", minimum=0.0)
    edge_width: float = knob(0.0, help="Width of the soft edge; 0 = 5 voxels.", unit="angstrom", minimum=0.0)
    dilate: float = knob(
        0.0, help="Growth of a threshold mask before its soft edge; 0 = 3 voxels.", unit="angstrom", minimum=0.0
    )
    near: float = knob(
        6.0, help="Dynamic mask: one up to this distance from the thresholded region.", unit="angstrom", minimum=0.0
    )
    far: float = knob(14.0, help="Dynamic mask: zero from this distance on.", unit="angstrom", minimum=0.0)
    start_resolution: float = knob(
        0.0,
        help="Low-pass of the map before thresholding; 0 = 12 angstrom, or the resolution where that is coarser.",
        unit="angstrom",
        minimum=0.0,
    )
    threshold: float = knob(
        0.2, help="Density threshold as a fraction of the maximum.", unit="fraction", minimum=0.0, maximum=1.0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        rule = "mask path must be set where mask kind is file"
        must(self.kind != "file" or bool(self.path), rule, "no path", "Give the mask's file")
        must(self.far > self.near, "far must be greater than near [angstrom]", f"{self.far:g}", "Raise far")


@dataclasses.dataclass(frozen=True)
class ImagingConfig(Config):
    """How an image is made from a volume, and how it is prepared."""

    ctf: str = knob(
        "auto",
        help="Contrast transfer: auto = full where the table carries CTF columns, else none.",
        choices=("auto", "none", "phase_flip", "full"),
    )
    symmetry: str = knob("C1", help="Point group: C1, Cn, Dn, T, O or I.")
    invert_contrast: bool = knob(False, help="Multiply the images by -1.")
    normalise: bool = knob(False, help="Shift and scale each image: mean 0 and deviation 1 outside the particle.")
    window: tuple[float, float] = knob(
        (0.0, 0.0),
        help="Soft circular window: inner and outer radius as fractions of half the box; 0 0 = no window.",
        unit="fraction",
        minimum=0.0,
        maximum=2.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        inner, outer = self.window
        rule = "window must have its inner radius below its outer one [fraction of half the box]"
        must((inner, outer) == (0.0, 0.0) or inner < outer, rule, self.window, "Use for example 0.85 1.0")


@dataclasses.dataclass(frozen=True)
class RefineConfig(Config):
    """How a refinement decides."""

    recipe: str = knob("fixed_poses", help="The strategy: one of the files in refine/recipes.")
    max_resolution: float = knob(
        0.0, help="Nothing finer than this enters the map; 0 = no limit.", unit="angstrom", minimum=0.0
    )


@dataclasses.dataclass(frozen=True)
class ComputeConfig(Config):
    """Where and how a run is computed."""

    backend: str = knob("auto", help="Compute backend; auto = the fastest that works here.", affects="speed")
    engine: str = knob("local", help="Where pieces of a run are computed.", affects="speed")
    threads: int = knob(0, help="CPU threads; 0 = all cores.", minimum=0, affects="speed")
    batch_size: int = knob(
        0, help="Particles in flight at a time; 0 = as many as fit.", unit="particle", minimum=0, affects="speed"
    )
    memory_limit: float = knob(
        0.0, help="Refuse runs that need more; 0 = what is free.", unit="GiB", minimum=0.0, affects="speed"
    )
    seed: int = knob(0, help="Seed of everything random.", minimum=0)


@dataclasses.dataclass(frozen=True)
class RunConfig(Config):
    """A whole run: the five groups of settings."""

    box: BoxConfig = dataclasses.field(default_factory=BoxConfig)
    mask: MaskConfig = dataclasses.field(default_factory=MaskConfig)
    imaging: ImagingConfig = dataclasses.field(default_factory=ImagingConfig)
    refine: RefineConfig = dataclasses.field(default_factory=RefineConfig)
    compute: ComputeConfig = dataclasses.field(default_factory=ComputeConfig)

    def __post_init__(self) -> None:
        for name, group in hints(type(self)).items():
            object.__setattr__(self, name, group.parse(getattr(self, name)))

    @classmethod
    def gather(cls, config: "Self | Mapping | None" = None, **groups: Any) -> Self:
        """Return a run's settings from a config and keyword groups; the groups win, field by field.

        Parameters
        ----------
        config : RunConfig, mapping or None
            Base settings; a mapping may be nested.
        **groups
            `box`, `mask`, `imaging`, `refine` or `compute` as mappings or groups.

        Returns
        -------
        RunConfig
            The checked settings.

        Raises
        ------
        InputError
            If a name is unknown or a value cannot work.

        Examples
        --------
        >>> RunConfig.gather(box=dict(box_size=128, pad_factor=2)).box.box_size
        128
        """
        base = cls.parse(config)
        types_of = hints(cls)
        names = list(types_of)
        for name in groups:
            must(name in names, "a group of settings must have a known name", repr(name), nearest(name, names))
        merged = {
            name: getattr(base, name).replace(**group) if isinstance(group, Mapping) else types_of[name].parse(group)
            for name, group in groups.items()
            if group is not None
        }
        return dataclasses.replace(base, **merged)

    def science_digest(self) -> str:
        """Return a digest of all settings that change results, not speed.

        Returns
        -------
        str
            Twelve hexadecimal digits; equal for the same science on any machine.
        """
        science = {
            name: {
                field.name: getattr(getattr(self, name), field.name)
                for field, _ in knobs(group)
                if field.metadata["affects"] == "result"
            }
            for name, group in hints(type(self)).items()
        }
        text = json.dumps(science, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]
