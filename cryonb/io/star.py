"""RELION's STAR particle tables: versions 3.0, 3.1 and 5 <-> Dataset."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..errors import FormatError, must
from .atomic import replacing
from .formats import FileFormat
from .mrc import write_stack
from .named_images import NamedImages
from .source import existing_file
from .star_columns import ANGLES, DEFAULTS, DEFOCUS, EXTRAS, OPTICS, ORIGINS, WHOLE, StarColumns, unmodelled
from .table import ParticleTable, Request, optics_groups, particles_from


def read_particles(path: str | os.PathLike, request: Request, passthrough: Sequence = ()) -> xr.Dataset:
    """Return a RELION particle table as a Dataset of kind ``cryonb/particles``.

    Parameters
    ----------
    path : str or path
        The STAR file.
    request : Request
        What the caller asked for.
    passthrough : sequence, optional
        Must be empty: STAR files have no passthrough files.

    Returns
    -------
    xarray.Dataset
        With lazy images.

    Raises
    ------
    FormatError
        If the file cannot be read or used; see `open_particles`.
    """
    must(not passthrough, "passthrough files belong to .cs files", f"{len(passthrough)} with a STAR", "Leave them out")
    return particles_from(read_table(existing_file(path)), request)


def read_table(path: Path) -> ParticleTable:
    """Return what a RELION particle table says.

    Parameters
    ----------
    path : pathlib.Path
        The STAR file.

    Returns
    -------
    ParticleTable
        In this package's units.

    Raises
    ------
    FormatError
        If it is not a particle table or a value is damaged.
    """
    star = StarColumns(path)
    must(star.count > 0, "a particle table must hold particles", f"{path} without rows", "Choose another", FormatError)
    names, stack, index = _image_names(star)
    columns, missing = _ctf_columns(star)
    optics_id, optics, group = _optics(star, missing)
    poses, pixel_shifts, no_poses = _poses(star)
    classes = star.numbers(WHOLE["class_number"])
    if classes is not None:
        columns["class_number"] = classes.astype(np.int64)
    subset = star.numbers(WHOLE["random_subset"])
    box = star.numbers("rlnImageSize")
    return ParticleTable(
        path=path,
        stack_names=names,
        stack=stack,
        index=index,
        columns={**poses, **columns},
        pixel_shifts=pixel_shifts,
        optics=optics,
        optics_id=optics_id,
        optics_group=group,
        subset=None if subset is None else subset.astype(np.int64),
        pixel_sizes=_pixel_sizes(star),
        image_size=0 if box is None or np.ptp(box) else int(box[0]),
        no_poses=no_poses,
        unmodelled=unmodelled(star),
        missing_optics=missing,
    )


def _image_names(star: StarColumns) -> tuple[list[str], np.ndarray, np.ndarray]:
    numbers: dict[str, int] = {}
    stack = np.empty(star.count, np.int32)
    index = np.empty(star.count, np.int64)
    for row, name in enumerate(star.particles["rlnImageName"]):
        image, _, path = str(name).rpartition("@")
        good = not image or image.strip().isdigit()
        rule = f"rlnImageName in {star.path} must read number@file"
        must(bool(path) and good, rule, f"{name!r} in row {row + 1}", "Mend the table", FormatError)
        stack[row] = numbers.setdefault(path, len(numbers))
        index[row] = int(image) - 1 if image else 0
    return list(numbers), stack, index


def _poses(star: StarColumns) -> tuple[dict, dict, str]:
    absent = [label for label in ANGLES.values() if label not in star]
    if absent:
        return {}, {}, f"no {', '.join(absent)}"
    columns = {name: star.numbers(label) for name, label in ANGLES.items()}
    pixel_shifts = {}
    for name, label in ORIGINS.items():
        angstrom, pixel = star.numbers(f"{label}Angst"), star.numbers(label)
        if angstrom is None and pixel is not None:
            pixel_shifts[name] = pixel
        else:
            columns[name] = np.zeros(star.count) if angstrom is None else angstrom
    flat = star.count > 1 and not columns["rot"].any() and not columns["tilt"].any()
    return columns, pixel_shifts, "2D poses only: rlnAngleRot and rlnAngleTilt are 0 in every row" if flat else ""


def _pixel_sizes(star: StarColumns) -> np.ndarray:
    size = star.numbers("rlnImagePixelSize")
    if size is None and "rlnDetectorPixelSize" in star and "rlnMagnification" in star:
        size = star.numbers("rlnDetectorPixelSize") * 1e4 / star.numbers("rlnMagnification")
    if size is None:
        return np.empty(0)
    _, first = np.unique(size, return_index=True)
    return size[np.sort(first)]


def _ctf_columns(star: StarColumns) -> tuple[dict, list[str]]:
    """Return the CTF columns of the particles, and which labels the CTF would still need."""
    missing = [label for label in (*DEFOCUS.values(), *OPTICS.values()) if label not in star]
    if any(label not in star for label in DEFOCUS.values()):
        return {}, missing
    columns = {name: star.numbers(label) for name, label in DEFOCUS.items()}
    columns["phase_shift"] = np.zeros(star.count)
    for name, label in EXTRAS.items():
        values = star.numbers(label)
        if values is not None and (name not in DEFAULTS or np.any(values != DEFAULTS[name])):
            columns[name] = values
    return columns, missing


def _optics(star: StarColumns, missing: list[str]) -> tuple[np.ndarray, dict, np.ndarray]:
    if star.row is None:
        columns = {} if missing else {name: star.numbers(label) for name, label in OPTICS.items()}
        return optics_groups(columns, np.zeros(star.count))
    group = star.numbers(WHOLE["optics_group"]).astype(np.int64)
    optics_id, first = np.unique(group, return_index=True)
    columns = {} if missing else {name: star.numbers(label)[first] for name, label in OPTICS.items()}
    return optics_id, columns, group


def write_particles(particles: xr.Dataset, path: str | os.PathLike, stack: str | os.PathLike | None = None) -> None:
    """Write particles as a RELION 3.1 STAR file with its optics block.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind ``cryonb/particles``.
    path : str or path
        Target ending in .star.
    stack : str or path, optional
        Where to write the images too. Without it, images that still are views of files are named where they are, and
        others are written beside the STAR file, under its name with .mrcs.

    Raises
    ------
    InputError
        If there are no images to name, or a target cannot be written.
    """
    import starfile

    target = Path(path).expanduser()
    images = NamedImages.of(particles, target, stack)
    blocks = {"optics": _optics_block(particles), "particles": _particle_block(particles, images, target)}
    with replacing(target) as partial, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        starfile.write(blocks, partial)
        if images.own is not None:
            write_stack(particles, images.own)


def _optics_block(particles: xr.Dataset) -> Any:
    import pandas

    ids = particles["optics"].values if "optics" in particles.coords else np.array([1])
    block = {"rlnOpticsGroup": ids, "rlnOpticsGroupName": [f"opticsGroup{group}" for group in ids]}
    block.update({label: particles[name].values for name, label in OPTICS.items() if name in particles})
    block["rlnImagePixelSize"] = np.full(len(ids), float(particles["pixel_size"]))
    block["rlnImageSize"] = np.full(len(ids), particles.sizes["x"])
    block["rlnImageDimensionality"] = np.full(len(ids), 2)
    return pandas.DataFrame(block)


def _particle_block(particles: xr.Dataset, images: NamedImages, target: Path) -> Any:
    import pandas

    shown = {path: _without_spaces(name) for path, name in images.shown(target).items()}
    block = {"rlnImageName": [f"{number:06d}@{shown[path]}" for number, path in images.places]}
    shifts = {name: f"{label}Angst" for name, label in ORIGINS.items()}
    for name, label in {**ANGLES, **shifts, **DEFOCUS, **EXTRAS, **WHOLE}.items():
        if name in particles:
            block[label] = particles[name].values
    block.setdefault(WHOLE["optics_group"], np.ones(len(images.places), np.int64))
    return pandas.DataFrame(block)


def _without_spaces(path: Path) -> str:
    rule = "a path in a STAR file must have no spaces"
    spaced = any(character.isspace() for character in str(path))
    must(not spaced, rule, repr(str(path)), "Move or rename the stack")
    return path.as_posix()


FORMAT = FileFormat(
    name="RELION STAR",
    suffixes=(".star",),
    read_particles=read_particles,
    write_particles=write_particles,
)
