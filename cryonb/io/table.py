"""A particle table of any program, and the Dataset that it becomes.

The readers of STAR and .cs files fill a `ParticleTable`; what is common to both is done once, here: finding the images,
choosing the pixel size, splitting halves, and saying what the model of imaging does not cover.
"""

import dataclasses
import os
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from .. import schema
from ..errors import FormatError, must
from .headers import read_header
from .source import Finder
from .stacks import ImageStacks, lazy

AGREEMENT = 1e-3
PARTICLE_OPTICS = ("defocus_u", "defocus_v", "defocus_angle", "phase_shift", "ctf_b_factor", "ctf_scale")


@dataclasses.dataclass(frozen=True)
class Request:
    """What the caller of `open_particles` asked for.

    Attributes
    ----------
    root : path or None
        Folder that image paths start from.
    pixel_size : float or None
        Pixel size [angstrom] that overrides the table's.
    seed : int
        Seed of the half-set split, where the table has none.
    require_poses : bool
        Whether a table without 3D poses is refused.
    images : bool
        Whether to find and attach the images.
    """

    root: str | os.PathLike | None = None
    pixel_size: float | None = None
    seed: int = 0
    require_poses: bool = True
    images: bool = True


@dataclasses.dataclass
class ParticleTable:
    """A particle table in this package's units, whatever program wrote it.

    Attributes
    ----------
    path : pathlib.Path
        The table's file.
    stack_names : list of str
        Image files as written in the table, each once.
    stack : ndarray
        int, shape (particle,): index into `stack_names`.
    index : ndarray
        int, shape (particle,): which image of the stack, from 0.
    columns : dict of str to ndarray
        float64, shape (particle,): variables of the Dataset, with unit; absent ones are left out.
    pixel_shifts : dict of str to ndarray
        Shifts still in pixels of the images, for tables that count so.
    optics : dict of str to ndarray
        float64, shape (optics,): voltage [kilovolt], spherical_aberration [millimeter], amplitude_contrast.
    optics_id : ndarray
        int64, shape (optics,): ids of the groups.
    optics_group : ndarray
        int64, shape (particle,): id of each particle's group.
    subset : ndarray or None
        int, shape (particle,): half sets as 1 and 2.
    pixel_sizes : ndarray
        float64: all pixel sizes that particles use [angstrom]; empty if the table has none.
    image_size : int
        Box that the table states [pixel]; 0 if it states none.
    no_poses : str
        Why there are no 3D poses; empty if there are.
    unmodelled : list of str
        Effects that the table describes and the model of imaging leaves out.
    missing_optics : list of str
        Columns without which the CTF of this table cannot be computed.
    """

    path: Path
    stack_names: list[str]
    stack: np.ndarray
    index: np.ndarray
    columns: dict[str, np.ndarray]
    optics: dict[str, np.ndarray]
    optics_id: np.ndarray
    optics_group: np.ndarray
    pixel_sizes: np.ndarray
    pixel_shifts: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    subset: np.ndarray | None = None
    image_size: int = 0
    no_poses: str = ""
    unmodelled: list[str] = dataclasses.field(default_factory=list)
    missing_optics: list[str] = dataclasses.field(default_factory=list)


def particles_from(table: ParticleTable, request: Request) -> xr.Dataset:
    """Return the Dataset of kind ``cryonb/particles`` of a table.

    Parameters
    ----------
    table : ParticleTable
        What was read.
    request : Request
        What the caller asked for.

    Returns
    -------
    xarray.Dataset
        With lazy images; ids are the row numbers from 0.

    Raises
    ------
    FormatError
        If poses are needed and absent, images are missing or do not fit the table, or no pixel size is known.
    """
    remedy = "Refine the particles first, in the program that they come from"
    rule = f"{table.path} must hold 3D poses"
    must(not (request.require_poses and table.no_poses), rule, table.no_poses, remedy, FormatError)
    count = table.index.size
    must(count > 0, f"{table.path} must name at least one particle", "none", "Choose another table", FormatError)
    stacks = _stacks(table, request) if request.images else _stacks_if_needed(table, request)
    pixel_size = _pixel_size(table, stacks, request)
    shifts = {name: value * pixel_size for name, value in table.pixel_shifts.items()}
    variables = {**table.columns, **shifts, "optics_group": table.optics_group}
    variables["random_subset"] = _half_sets(table, request.seed)
    variables.update(_ctf(table))
    coords = {"particle": np.arange(count), "optics": table.optics_id, "pixel_size": pixel_size}
    box = stacks.shape[1] if stacks is not None else table.image_size
    if request.images:
        variables["image"] = lazy(stacks)
    if box:
        coords["y"] = coords["x"] = (np.arange(box) - box // 2) * pixel_size
    return schema.build(schema.PARTICLES, variables, coords, _warned(table))


def optics_groups(columns: Mapping[str, np.ndarray], label: np.ndarray) -> tuple[np.ndarray, dict, np.ndarray]:
    """Return the groups of particles that share a microscope, numbered from 1.

    Parameters
    ----------
    columns : mapping of str to ndarray
        float64, shape (particle,): what defines a group besides its label.
    label : ndarray
        int, shape (particle,): group labels of the program; zeros if it has none.

    Returns
    -------
    optics_id : ndarray
        int64, shape (optics,).
    optics : dict of str to ndarray
        float64, shape (optics,): the columns, once a group.
    optics_group : ndarray
        int64, shape (particle,).
    """
    rows = np.column_stack([label.astype(np.float64), *columns.values()])
    groups, member = np.unique(rows, axis=0, return_inverse=True)
    optics = {name: groups[:, position + 1].copy() for position, name in enumerate(columns)}
    return np.arange(1, len(groups) + 1), optics, member.reshape(-1) + 1


def _stacks(table: ParticleTable, request: Request) -> ImageStacks:
    paths = Finder(table.path, request.root).locate_all(table.stack_names)
    stacks = ImageStacks([read_header(path) for path in paths], table.stack, table.index)
    box = stacks.shape[1]
    if table.image_size and table.image_size != box:
        warnings.warn(
            f"{table.path.name} says its images are {table.image_size} pixels wide and the stacks are {box}; "
            "check that its pixel size belongs to these stacks",
            stacklevel=2,
        )
    return stacks


def _stacks_if_needed(table: ParticleTable, request: Request) -> ImageStacks | None:
    """Return the stacks of a table that is read without its images, where only they tell pixel size or box."""
    if table.image_size and (table.pixel_sizes.size or request.pixel_size is not None):
        return None
    try:
        return _stacks(table, request)
    except FormatError:
        return None


def _pixel_size(table: ParticleTable, stacks: ImageStacks | None, request: Request) -> float:
    header = stacks.headers[0].pixel_size if stacks is not None else 0.0
    if request.pixel_size is not None:
        must(request.pixel_size > 0, "pixel_size must be above 0 [angstrom]", request.pixel_size, "Give the true one")
        return float(request.pixel_size)
    if table.pixel_sizes.size:
        size = float(table.pixel_sizes[0])
        rule = f"the pixel size in {table.path} must be above 0 [angstrom]"
        must(bool(np.all(table.pixel_sizes > 0)), rule, f"{size:g}", "Give pixel_size=", FormatError)
        if header > 0 and abs(header - size) > AGREEMENT * size:
            warnings.warn(
                f"{table.path.name} says the pixel size is {size:g} angstrom and {stacks.headers[0].path.name} says "
                f"{header:g}; using the table's {size:g}",
                stacklevel=2,
            )
        return size
    rule = f"a pixel size above 0 [angstrom] must be known for {table.path}"
    must(header > 0, rule, "none in the table or its stacks", "Give pixel_size=", FormatError)
    name = stacks.headers[0].path.name
    warnings.warn(f"{table.path.name} has no pixel size; using {header:g} angstrom from {name}", stacklevel=2)
    return header


def _half_sets(table: ParticleTable, seed: int) -> np.ndarray:
    """Return half sets 1 and 2 for every particle; a balanced seeded split where the table has none."""
    count = table.index.size
    if table.subset is not None and set(np.unique(table.subset)) == {1, 2}:
        return table.subset.astype(np.int64)
    values = [] if table.subset is None else np.unique(table.subset).tolist()
    found = f"half sets {values[:3]} instead of both 1 and 2" if values else "no half sets"
    warnings.warn(
        f"{table.path.name} has {found}; splitting its particles at random with seed {seed}. "
        "Poses that were refined together make such halves dependent",
        stacklevel=2,
    )
    halves = np.arange(count) % 2 + 1
    return np.random.default_rng([seed, count]).permutation(halves).astype(np.int64)


def _ctf(table: ParticleTable) -> dict[str, np.ndarray | None]:
    """Return the optics variables; where the CTF cannot be computed, None for everything that belongs to it."""
    if not table.missing_optics:
        return table.optics
    if "defocus_u" in table.columns:
        names = ", ".join(table.missing_optics)
        warnings.warn(
            f"{table.path.name} lacks {names}, so its CTF cannot be computed and is left out; add the missing values",
            stacklevel=2,
        )
    return dict.fromkeys(PARTICLE_OPTICS)


def _warned(table: ParticleTable) -> dict[str, str]:
    if table.pixel_sizes.size and np.ptp(table.pixel_sizes) > AGREEMENT * table.pixel_sizes[0]:
        low, high = table.pixel_sizes.min(), table.pixel_sizes.max()
        table.unmodelled.append(f"pixel sizes that differ between optics groups ({low:g} to {high:g} angstrom)")
    if not table.unmodelled:
        return {}
    text = "; ".join(table.unmodelled)
    warnings.warn(f"{table.path.name} describes effects that are not modelled: {text}", stacklevel=2)
    return {"unmodelled": text}
