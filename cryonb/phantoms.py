"""Phantoms: volumes of which everything is known, made of ideal helices or of a model's atoms."""

import dataclasses
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .errors import must, nearest
from .imaging.atoms import SCATTERING, density, read_atoms
from .imaging.phantoms import phantom_atoms
from .imaging.symmetry import symmetry_operators
from .knobs import Config, knob
from .provenance import stamp
from .schema import VOLUME, build, grid_coordinates, validate

KINDS = ("helices", "octahedral")
FRAME_SETTINGS = ("box_size", "pixel_size")
HELIX_SETTINGS = ("radius", "n_points", "b_factor", "arrangement", "motion")
MODEL_SETTINGS = ("symmetry", "scattering")
"""What only some phantoms read: those in the frame of a map do not, those made of helices do, and models do."""

MODEL_SUFFIXES = (".pdb", ".ent", ".cif", ".mmcif")
AUTOMATIC_RADIUS = 0.29


@dataclasses.dataclass(frozen=True)
class PhantomConfig(Config):
    """The truth: a volume made of ideal helices or of a model's atoms."""

    box_size: int = knob(128, help="Voxels along an edge of the phantom.", unit="voxel", minimum=8)
    pixel_size: float = knob(1.5, help="Voxel size of the phantom.", unit="angstrom", minimum=0.01)
    radius: float = knob(
        0.0, help="Outer radius of a helix phantom; 0 = 29 % of the field of view.", unit="angstrom", minimum=0.0
    )
    n_points: int = knob(0, help="Points of a helix phantom; 0 = as dense as a protein's helices.", minimum=0)
    b_factor: float = knob(60.0, help="B factor of a helix phantom's points.", unit="angstrom^2", minimum=0.0)
    arrangement: int = knob(0, help="Seed of the arrangement of a phantom's helices.", minimum=0)
    n_classes: int = knob(1, help="Conformations of a helix phantom.", minimum=1)
    motion: float = knob(30.0, help="Turn of the moving part from one class to the next.", unit="degree")
    symmetry: str = knob("C1", help="Symmetry copies of a model file's atoms: C1, Cn, Dn, T, O or I.")
    scattering: str = knob(
        "electron", help="How a model's atoms scatter: form factors, or the number of electrons.", choices=SCATTERING
    )


def phantom(
    kind: str | os.PathLike = "helices",
    config: PhantomConfig | Mapping | None = None,
    *,
    like: xr.Dataset | None = None,
    centre: Sequence[float] | None = None,
    **settings: Any,
) -> xr.Dataset:
    """Return a volume of which everything is known.

    Parameters
    ----------
    kind : {"helices", "octahedral"}, str or path, optional
        Ideal alpha helices in a shape without symmetry, or as a hollow octahedral 24-mer like apoferritin; or a model:
        a PDB or mmCIF file, whose atoms scatter with their own B factors and occupancies.
    config : PhantomConfig or mapping, optional
        Settings.
    like : xarray.Dataset, optional
        Kind ``cryonb/volume``; a model is put in its frame (box, voxel size and origin).
    centre : sequence of float, optional
        The point (x, y, z) of a model that falls on the centre of the box, and about which its symmetry copies are
        made [angstrom]. If not given: from `like`, else the mean position of the atoms.
    **settings
        Fields of `PhantomConfig`; they win over `config`.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/volume`` with `density` (scattering per cubic angstrom), one per class if there are several.

    Raises
    ------
    InputError
        If a setting cannot work or the model cannot be read.

    Examples
    --------
    >>> phantom("helices", box_size=16, pixel_size=6.0)["density"].shape
    (16, 16, 16)
    """
    chosen = settled(PhantomConfig, config, settings)
    _must_read(given_names(PhantomConfig, config, settings), _is_model(kind), like is not None)
    if _is_model(kind):
        return _model_volume(Path(kind), chosen, like, centre)
    must(kind in KINDS, "a phantom must be of a known kind or a model file", repr(kind), nearest(kind, KINDS))
    must(like is None and centre is None, "like and centre must go with a model file", kind, "Leave them out")
    radius = chosen.radius or AUTOMATIC_RADIUS * chosen.box_size * chosen.pixel_size
    half = 0.5 * chosen.box_size * chosen.pixel_size
    must(radius <= half, f"radius must be at most {half:g}, half the box [angstrom]", f"{radius:g}", "Reduce it")
    shape = (str(kind), radius, chosen.n_points, chosen.b_factor, chosen.arrangement)
    turned = [phantom_atoms(*shape, turn=chosen.motion * index) for index in range(chosen.n_classes)]
    maps = np.stack([density(atoms, chosen.box_size, chosen.pixel_size) for atoms in turned])
    coords = {**grid_coordinates(chosen.box_size, chosen.pixel_size), "voxel_size": chosen.pixel_size}
    if chosen.n_classes > 1:
        coords["class_id"] = np.arange(1, chosen.n_classes + 1)
    volume = build(VOLUME, {"density": maps if chosen.n_classes > 1 else maps[0]}, coords)
    return stamp(volume, "phantom", {"kind": str(kind), **part_of(PhantomConfig, chosen)})


def _must_read(given: list[str], is_model: bool, has_frame: bool) -> None:
    """Raise where a setting was given that the phantom would not read."""
    unread = HELIX_SETTINGS if is_model else MODEL_SETTINGS
    ignored = [name for name in given if name in unread]
    rule = f"settings of a {'helix phantom' if is_model else 'model'} must go with one"
    must(not ignored, rule, f"{', '.join(ignored)} with a {'model' if is_model else 'helix phantom'}", "Leave them out")
    framed = [name for name in given if has_frame and name in FRAME_SETTINGS]
    rule = "box_size and pixel_size must not go with like, which brings both"
    must(not framed, rule, ", ".join(framed), "Leave out one of them")


def _is_model(kind: Any) -> bool:
    name = str(kind).lower().removesuffix(".gz")
    return isinstance(kind, os.PathLike) or name.endswith(MODEL_SUFFIXES)


def _model_volume(path: Path, config: PhantomConfig, like: xr.Dataset | None, centre: Sequence | None) -> xr.Dataset:
    rule = "a model file must be simulated as one class"
    must(config.n_classes == 1, rule, config.n_classes, "Use n_classes 1")
    atoms = read_atoms(path)
    box, voxel = config.box_size, config.pixel_size
    if like is not None:
        validate(like, VOLUME)
        sizes = {like.sizes[axis] for axis in "zyx"}
        must(len(sizes) == 1, "like must be a cube [voxel]", sorted(sizes), "Pad or crop it to equal edges")
        box, voxel = sizes.pop(), float(like["voxel_size"])
        corner = [float(like.coords.get(f"origin_{axis}", 0.0)) for axis in "xyz"]
        centre = [start + box // 2 * voxel for start in corner] if centre is None else centre
    operators = symmetry_operators(config.symmetry)
    rule = "centre must be given [angstrom] where symmetry copies are made"
    must(len(operators) == 1 or centre is not None, rule, "none", "Give the point x, y, z where the axes meet")
    middle = np.asarray(atoms.positions.mean(axis=0) if centre is None else centre, dtype=np.float64)
    must(middle.shape == (3,), "centre must be three numbers x, y, z [angstrom]", middle.shape, "Give three numbers")
    copied = atoms.copies(operators, middle)
    _must_hold(copied.positions - middle, box, voxel, framed=like is not None)
    values = density(copied, box, voxel, middle, config.scattering)
    corner = {f"origin_{axis}": float(value - box // 2 * voxel) for axis, value in zip("xyz", middle)}
    volume = build(VOLUME, {"density": values}, {**grid_coordinates(box, voxel), "voxel_size": voxel, **corner})
    settings = {**part_of(PhantomConfig, config), "box_size": box, "pixel_size": voxel, "centre": middle.tolist()}
    return stamp(volume, "phantom", settings, [path])


def _must_hold(positions: np.ndarray, box: int, voxel: float, framed: bool) -> None:
    """Raise where a box is too small for a model; warn where the frame of a map was asked for."""
    furthest, edge = float(np.abs(positions).max()), 0.5 * box * voxel
    outside = float(np.mean(np.abs(positions).max(axis=1) > edge))
    got = f"{2 * edge:.4g}, with {100 * outside:.3g} % of the atoms outside"
    if framed and outside > 0:
        text = "the box of the map does not hold the whole model; atoms outside re-enter on the other side: its edge is"
        warnings.warn(f"{text} {got}", UserWarning, stacklevel=4)
        return
    needed = int(np.ceil(2 * furthest / voxel)) + 2
    remedy = f"Use box_size {needed + needed % 2} or more, or a larger pixel_size"
    must(outside == 0, "the edge of the box must hold the model [angstrom]", got, remedy)


def settled(group: type[Config], config: Any, settings: Mapping) -> Any:
    """Return a group of settings from a config and keywords; the keywords win.

    Parameters
    ----------
    group : type
        A `Config` dataclass.
    config : Config, mapping or None
        Base settings.
    settings : mapping
        Keywords.

    Returns
    -------
    Config
        The checked settings.
    """
    given = config.as_dict() if isinstance(config, Config) else dict(config or {})
    return group.parse({**given, **settings})


def part_of(group: type[Config], config: Config) -> dict:
    """Return the fields that a config shares with a group that it extends.

    Parameters
    ----------
    group : type
        A `Config` dataclass.
    config : Config
        Of that group, or of one that extends it.

    Returns
    -------
    dict
        Names and values.
    """
    return {field.name: getattr(config, field.name) for field in dataclasses.fields(group)}


def given_names(group: type[Config], config: Any, settings: Mapping) -> list[str]:
    """Return the fields of a group that somebody set: those of a mapping, or those of a config that are changed.

    Parameters
    ----------
    group : type
        A `Config` dataclass.
    config : Config, mapping or None
        Base settings.
    settings : mapping
        Keywords.

    Returns
    -------
    list of str
        Names.
    """
    fields = [field for field in dataclasses.fields(group) if field.metadata]
    if isinstance(config, Config):
        changed = {field.name for field in fields if getattr(config, field.name, field.default) != field.default}
    else:
        changed = set(config or {})
    return [field.name for field in fields if field.name in changed | set(settings)]
