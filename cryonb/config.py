"""The frozen dataclasses that describe a run."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Self

from .errors import must, nearest
from .knobs import Config, hints, knob, knobs

_LENGTH = dict(unit="angstrom", minimum=0.0)


@dataclasses.dataclass(frozen=True)
class BoxConfig(Config):
    """Boxes, sampling and interpolation of a reconstruction."""

    binning: float = knob(1.0, help="Fourier crop of the particle images by this factor.", unit="factor", minimum=1.0)
    box_size: int = knob(
        0,
        help="Voxels of the target grid over the same field of view; 0 = the binned particle box.",
        unit="voxel",
        step=2,
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
        help="How a slice is spread on the grid; nufft is the exact least-squares solution, which pads nothing.",
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
        rule = (
            "pad_factor must be at least 1.5 with kernel kaiser_bessel, which vanishes at the edge of an unpadded box"
        )
        thin = self.kernel == "kaiser_bessel" and self.pad_factor < 1.5
        must(not thin, rule, f"{self.pad_factor:g}", "Use 1.5, 2 or 3, or kernel trilinear")
        rule = "box_size must be at least 8 [voxel], or 0 for the particle box"
        must(self.box_size == 0 or self.box_size >= 8, rule, self.box_size, "Use 8 or more")


MASK_SETTINGS = {
    "none": (),
    "sphere": ("radius", "edge_width"),
    "threshold": ("edge_width", "dilate", "start_resolution", "threshold"),
    "dynamic": ("near", "far", "start_resolution", "threshold"),
    "file": ("path",),
}
"""Kinds of mask, and the settings that each of them reads."""


@dataclasses.dataclass(frozen=True)
class MaskConfig(Config):
    """The mask of a map; a setting that its kind does not read is refused."""

    kind: str = knob(
        "none", help="Where the mask comes from.", choices=("none", "sphere", "threshold", "dynamic", "file")
    )
    path: str = knob("", help="Mask file, for kind = file; a path alone means that kind.")
    radius: float = knob(0.0, help="Radius of the sphere; 0 = 45 % of the box.", **_LENGTH)
    edge_width: float = knob(0.0, help="Width of the soft edge; 0 = 5 voxels.", **_LENGTH)
    dilate: float = knob(0.0, help="Growth of a threshold mask before its soft edge; 0 = 3 voxels.", **_LENGTH)
    near: float = knob(6.0, help="Dynamic mask: one up to this distance from the thresholded region.", **_LENGTH)
    far: float = knob(14.0, help="Dynamic mask: zero from this distance on.", **_LENGTH)
    start_resolution: float = knob(
        0.0,
        help="Low-pass of the map before thresholding; 0 = 12 angstrom, or the resolution where that is coarser.",
        **_LENGTH,
    )
    threshold: float = knob(
        0.2, help="Density threshold as a fraction of the maximum.", unit="fraction", minimum=0.0, maximum=1.0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        rule = "mask path must be set where mask kind is file"
        must(self.kind != "file" or bool(self.path), rule, "no path", "Give the mask's file")
        must(self.far > self.near, "far must be greater than near [angstrom]", f"{self.far:g}", "Raise far")
        changed = [field for field in dataclasses.fields(self) if getattr(self, field.name) != field.default]
        self.must_read([field.name for field in changed])

    def must_read(self, names: Iterable[str]) -> None:
        """Raise unless the kind of the mask reads every one of some settings.

        Parameters
        ----------
        names : iterable of str
            Settings that somebody asked for.

        Raises
        ------
        InputError
            With the kinds that would read the first that is not read.
        """
        for name in names:
            readers = [kind for kind, read in MASK_SETTINGS.items() if name in read]
            rule = f"mask {name} must go with mask kind {' or '.join(readers)}"
            remedy = f"Set mask kind {' or '.join(readers)}, or leave {name} out"
            must(name == "kind" or self.kind in readers, rule, f"mask kind {self.kind}", remedy)

    @classmethod
    def would_read(cls, name: str, given: Mapping[str, Any]) -> bool:
        """Return whether a setting matters to the kind of the mask.

        Parameters
        ----------
        name : str
            A field.
        given : mapping of str to object
            What is set, perhaps to values that cannot work.

        Returns
        -------
        bool
            False for one that the kind does not look at.

        Examples
        --------
        >>> MaskConfig.would_read("radius", {"kind": "threshold"})
        False
        """
        return name == "kind" or name in MASK_SETTINGS.get(str(given.get("kind", "none")), ())

    @classmethod
    def parse(cls, value: "Self | Mapping | None") -> Self:
        """Return the group from what a caller gave; a path without a kind means a file.

        Parameters
        ----------
        value : MaskConfig, mapping or None
            The settings.

        Returns
        -------
        MaskConfig
            The checked group.

        Raises
        ------
        InputError
            If a name is unknown or a value cannot work.

        Examples
        --------
        >>> MaskConfig.parse({"path": "mask.mrc"}).kind
        'file'
        """
        if isinstance(value, Mapping) and value.get("path") and "kind" not in value:
            value = {"kind": "file", **value}
        return super().parse(value)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed; a new kind leaves behind what only the old one read.

        Parameters
        ----------
        **changes
            Field names and their new values.

        Returns
        -------
        MaskConfig
            The checked copy.

        Examples
        --------
        >>> MaskConfig(kind="sphere", radius=30).replace(kind="none") == MaskConfig()
        True
        """
        kind = changes.get("kind", "file" if changes.get("path") else self.kind)
        read = MASK_SETTINGS.get(str(kind), ())
        kept = {name: value for name, value in self.as_dict().items() if kind == self.kind or name in read}
        return type(self).parse({**kept, **changes, "kind": kind})


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


class _Plugs(Sequence):
    """The names of what is plugged into a room, asked of its door when they are needed: a new one is one file there.

    Parameters
    ----------
    room : str
        Dotted name of the room in the package; its door has a function `names`.
    *before : str
        Words that stand before those.
    """

    def __init__(self, room: str, *before: str) -> None:
        self._room, self._before = room, before

    def __len__(self) -> int:
        return len(self._words())

    def __getitem__(self, place: Any) -> Any:
        return self._words()[place]

    def _words(self) -> tuple[str, ...]:
        return *self._before, *import_module(f".{self._room}", __package__).names()


@dataclasses.dataclass(frozen=True)
class RefineConfig(Config):
    """How a refinement decides, and what enters its maps."""

    recipe: str = knob(
        "homogeneous", help="Whose way of deciding: the name of a recipe.", choices=_Plugs("refine.recipes")
    )
    n_classes: int = knob(1, help="Number of classes.", unit="class", minimum=1, maximum=100)
    n_iterations: int = knob(
        0, help="Most iterations; 0 = the recipe's own number.", unit="iteration", minimum=0, maximum=1000
    )
    initial_lowpass: float = knob(0.0, help="Low-pass of the starting volumes; 0 = the recipe's own.", **_LENGTH)
    limit_threshold: float = knob(
        0.0,
        help="FSC at which the resolution limit is read; 0 = the recipe's own.",
        choices=(0.0, 0.143, 0.5),
    )
    max_resolution: float = knob(0.0, help="Nothing finer than this enters the map; 0 = no limit.", **_LENGTH)
    search: str = knob(
        "global",
        help="Poses: searched over all views and angles, or refined from those in the table.",
        choices=("global", "local"),
    )
    search_resolution: float = knob(
        0.0, help="Finest detail in the global search; local refinement goes on to the limit. 0 = 12.", **_LENGTH
    )
    shift_range: float = knob(0.0, help="Largest shift searched along x and y; 0 = 8 % of the box.", **_LENGTH)
    shift_sigma: float = knob(
        0.0,
        help="Standard deviation of the shifts along x and y, where it is known; 0 = all in range are alike.",
        **_LENGTH,
    )
    candidates: int = knob(
        12,
        help="Poses of each image that go from the search to local refinement; more where the limit is coarse.",
        unit="pose",
        minimum=1,
        maximum=64,
    )
    params: dict = knob({}, help="The recipe's own settings.")


@dataclasses.dataclass(frozen=True)
class ComputeConfig(Config):
    """Where and how a run is computed."""

    backend: str = knob(
        "auto",
        help="What computes; auto = a GPU where one works, else the CPU (`cryonb doctor` says which and why).",
        choices=_Plugs("backends", "auto"),
        affects="speed",
    )
    fallback: bool = knob(
        False, help="Go on with the CPU where the GPU fails or is missing, with a note.", affects="speed"
    )
    engine: str = knob("local", help="Where pieces of a run are computed.", affects="speed")
    threads: int = knob(0, help="CPU threads; 0 = all cores.", minimum=0, affects="speed")
    batch_size: int = knob(
        0, help="Particles read at a time, both halves together; 0 = 64.", unit="particle", minimum=0, affects="speed"
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

    def science(self) -> dict[str, dict[str, Any]]:
        """Return all settings that change results, not speed.

        Returns
        -------
        dict of str to dict
            Groups of plain values; equal for the same science on any machine.

        Examples
        --------
        >>> RunConfig.gather(compute=dict(threads=1)).science() == RunConfig().science()
        True
        """
        return {
            name: {
                field.name: getattr(getattr(self, name), field.name)
                for field, _ in knobs(group)
                if field.metadata["affects"] == "result"
            }
            for name, group in hints(type(self)).items()
        }
