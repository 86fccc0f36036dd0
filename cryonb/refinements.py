"""The verbs that decide: `refine`, `iterate` and `plan`, which take files as well as Datasets, and `rejoin`.

A recipe says how one package decides; `recipes` lists them.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from .config import RunConfig
from .errors import must
from .mask_files import fitted_mask
from .opening import particles_of, starting_volumes
from .schema import PARTICLES, validate
from .verbs import settle

Progress = Callable[[float, str], None]
Source = xr.Dataset | str | os.PathLike


def recipes() -> tuple[str, ...]:
    """Return the names of all recipes: ways of deciding on half sets, limits, masks and averages.

    Returns
    -------
    tuple of str
        Words for `RefineConfig.recipe`.

    Examples
    --------
    >>> "homogeneous" in recipes()
    True
    """
    from .refine.recipes import names

    return tuple(names())


def recipe(name: str) -> Any:
    """Return a recipe.

    Parameters
    ----------
    name : str
        One of `recipes`.

    Returns
    -------
    Recipe
        With its title and the class of its own settings, `params`.

    Raises
    ------
    InputError
        If no recipe has that name.
    """
    from .refine.recipes import get_recipe

    return get_recipe(name)


def refine(
    particles: Source,
    references: Any = None,
    config: RunConfig | Mapping | None = None,
    *,
    mask: Any = None,
    checkpoint: str | os.PathLike | None = None,
    progress: Progress | None = None,
    **groups: Any,
) -> xr.Dataset:
    """Return the last iteration of a refinement.

    Parameters
    ----------
    particles : xarray.Dataset, str or path
        Kind ``cryonb/particles``, or the file of a particle table. Its poses are ignored unless the search is local.
    references : xarray.Dataset, str or path, list of these, or None
        Starting volumes, one a class, of any box and voxel size; None starts from the particles alone.
    config : RunConfig or mapping, optional
        Settings; a mapping may be nested. ``refine["recipe"]`` names the way of deciding.
    mask : mapping, MaskConfig, ndarray, xarray.Dataset, str or path, optional
        Settings of a mask, or the mask itself: float32 (z, y, x) between 0 and 1, a Dataset that holds one, or a file.
    checkpoint : str or path, optional
        Folder that keeps every iteration; a run that was stopped continues from it to the same bits.
    progress : callable, optional
        Called with the fraction done and a text; may raise `RunStopped`.
    **groups
        `box`, `imaging`, `refine` or `compute` as mappings or groups; they win over `config`.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/refinement``, its particles in the order of the table.

    Raises
    ------
    InputError
        If a setting, the recipe, the particles, a reference or the mask cannot work, or it does not fit in memory.
    BackendFailed
        If the machine failed. With `compute.fallback` an iteration at which a GPU failed is done again on the CPU, and
        so are those after it; without it, `checkpoint` keeps what was finished.
    RunStopped
        If `progress` stopped it.
    """
    last = None
    keywords = dict(mask=mask, checkpoint=checkpoint, progress=progress)
    for run in iterate(particles, references, config, **keywords, **groups):
        last = run
    return last


def iterate(
    particles: Source,
    references: Any = None,
    config: RunConfig | Mapping | None = None,
    *,
    mask: Any = None,
    checkpoint: str | os.PathLike | None = None,
    progress: Progress | None = None,
    **groups: Any,
) -> Iterator[xr.Dataset]:
    """Return an iterator over the iterations of a refinement; arguments are checked before the first is asked for.

    Parameters
    ----------
    particles : xarray.Dataset, str or path
        As in `refine`.
    references : xarray.Dataset, str or path, list of these, or None
        As in `refine`.
    config : RunConfig or mapping, optional
        As in `refine`.
    mask : mapping, MaskConfig, ndarray, xarray.Dataset, str or path, optional
        As in `refine`.
    checkpoint : str or path, optional
        As in `refine`.
    progress : callable, optional
        As in `refine`.
    **groups
        As in `refine`.

    Returns
    -------
    iterator of xarray.Dataset
        Kind ``cryonb/refinement``, one an iteration.

    Raises
    ------
    InputError
        As in `refine`.
    """
    from .io import save
    from .refine.checkpoints import Checkpoint
    from .refine.iterate import iterate as run

    images, volumes, settings, opened = _settled(particles, references, config, mask, groups)
    kept = None if checkpoint is None else Checkpoint(checkpoint, save)
    return run(images, volumes, settings, mask=opened, checkpoint=kept, progress=progress)


def plan(
    particles: Source,
    references: Any = None,
    config: RunConfig | Mapping | None = None,
    *,
    mask: Any = None,
    **groups: Any,
) -> Any:
    """Return what a refinement will hold and do, before anything is allocated.

    Parameters
    ----------
    particles : xarray.Dataset, str or path
        As in `refine`.
    references : xarray.Dataset, str or path, list of these, or None
        As in `refine`.
    config : RunConfig or mapping, optional
        As in `refine`.
    mask : mapping, MaskConfig, ndarray, xarray.Dataset, str or path, optional
        As in `refine`.
    **groups
        As in `refine`.

    Returns
    -------
    RefinementPlan
        Shapes, size of the search, memory [byte] and expected time [second]; as text, a sentence.

    Raises
    ------
    InputError
        If a setting, the recipe, the particles or a reference cannot work.
    """
    from .refine.search_plan import plan_refinement

    images, volumes, settings, _ = _settled(particles, references, config, mask, groups)
    return plan_refinement(images, len(volumes or [0]), settings)


def refuse_if_too_large(needed: Any, config: RunConfig | Mapping | None = None) -> None:
    """Raise where a refinement needs more memory than is free, or than its settings allow.

    Parameters
    ----------
    needed : RefinementPlan
        From `plan`.
    config : RunConfig or mapping, optional
        The settings that it was made with.

    Raises
    ------
    InputError
        With the figure, and a setting that would fit.
    """
    from .refine.recipes import decided, get_recipe
    from .refine.search_plan import refuse_refinement_if_too_large

    settings = RunConfig.gather(config)
    refuse_refinement_if_too_large(needed, decided(get_recipe(settings.refine.recipe), settings)[0])


def rejoin(run: Source, particles: Source) -> xr.Dataset:
    """Return the particles of a run with the poses, half sets and classes that the run found, to export or to judge.

    Parameters
    ----------
    run : xarray.Dataset, xarray.DataTree, str or path
        Kind ``cryonb/refinement``, a session that holds one, or the file of either.
    particles : xarray.Dataset, str or path
        The particles that the run was made from, or their table.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/particles``, in the order of the run; `class_number` and `class_posterior` where it has them.

    Raises
    ------
    InputError
        If the run holds no poses, or these are not its particles.
    """
    from .opening import REFINEMENT, open_any, pick
    from .refine.rejoin import rejoin as join

    opened = open_any(run) if isinstance(run, (str, os.PathLike)) else run
    made = pick(opened, (REFINEMENT,))
    joined = join(made, particles_of(particles, require_poses=False))
    if "class_number" not in made:
        return joined
    numbers = made["class_number"]
    return joined.assign(class_number=("particle", numbers.values.astype(np.int64), dict(numbers.attrs)))


def _settled(
    particles: Any, references: Any, config: Any, mask: Any, groups: Mapping
) -> tuple[xr.Dataset, list[xr.Dataset] | None, RunConfig, np.ndarray | None]:
    """Return the particles, the starting volumes, the settings, and the mask in the box of the maps."""
    from .refine.recipes import get_recipe

    settings, opened = settle(config, mask, groups)
    get_recipe(settings.refine.recipe)
    images, volumes = particles_of(particles, require_poses=False), starting_volumes(references)
    validate(images, PARTICLES)
    many, classes = len(volumes or []), settings.refine.n_classes
    rule, got = "there must be a class for every starting volume", f"{many} volumes and refine.n_classes {classes}"
    must(many <= classes, rule, got, f"Set refine.n_classes {many}, or give fewer volumes")
    must("image" in images, "particles must have images", "a table without images", "Point the table at its stack")
    if opened is not None:
        from .refine.search_plan import plan_refinement

        sampling = plan_refinement(images, len(volumes or [0]), settings).sampling
        opened = np.asarray(fitted_mask(opened, sampling.box_size, sampling.voxel_size))
    return images, volumes, settings, opened
