"""The two verbs that take files as well as Datasets: `reconstruct` and `diagnose`.

The rooms below know no files and no sessions; a path given for particles, for a dataset or for a mask is opened here,
a part of a session is chosen here, and a mask is brought to the box of the maps here.
"""

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from .config import MaskConfig, RunConfig
from .errors import must
from .mask_files import fitted_mask, mask_file, values_of
from .opening import REFINEMENT, open_any, particles_of, pick, starting_volumes, words_for

Progress = Callable[[float, str], None]

READ_OF_REFINE = ("max_resolution",)
"""The settings of a refinement that a reconstruction from given poses reads."""


def reconstruct(
    particles: xr.Dataset | str | os.PathLike,
    config: RunConfig | Mapping | None = None,
    *,
    mask: Any = None,
    progress: Progress | None = None,
    **groups: Any,
) -> xr.Dataset:
    """Return both half maps of particles whose poses are known.

    Parameters
    ----------
    particles : xarray.Dataset, str or path
        Kind ``cryonb/particles``, or the file of a particle table.
    config : RunConfig or mapping, optional
        Settings; a mapping may be nested. Of a `RunConfig` that is shared with a refinement, only `max_resolution` of
        its group `refine` is read; a mapping that asks for more of that group is refused.
    mask : mapping, MaskConfig, ndarray, xarray.Dataset, str or path, optional
        Settings of a mask, or the mask itself: float32 (z, y, x) between 0 and 1, a Dataset that holds one, or a file.
    progress : callable, optional
        Called with the fraction done and a text; may raise `RunStopped`.
    **groups
        `box`, `imaging`, `refine` or `compute` as mappings or groups; they win over `config`.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/refinement``.

    Raises
    ------
    InputError
        If a setting, the particles or the mask cannot work.
    BackendFailed
        If the machine failed; with `compute.fallback` the CPU does it again where a GPU has.
    """
    from .refine.loop import plan
    from .refine.loop import reconstruct as run

    settings, opened = settle(config, mask, groups)
    _must_be_read((config or {}).get("refine") if isinstance(config, Mapping) else None, groups.get("refine"))
    images = particles_of(particles)
    if opened is not None:
        sampling = plan(images, settings).sampling
        opened = fitted_mask(opened, sampling.box_size, sampling.voxel_size)
    return run(images, settings, mask=opened, progress=progress)


def _must_be_read(*groups: Any) -> None:
    """Raise where somebody asked a reconstruction for what only a refinement decides."""
    for group in groups:
        other = [name for name in group if name not in READ_OF_REFINE] if isinstance(group, Mapping) else []
        rule = f"a reconstruction from given poses must get no settings of refine but {', '.join(READ_OF_REFINE)}"
        remedy = "Use cn.refine, which decides by a recipe, or leave them out"
        must(not other, rule, ", ".join(other), remedy)


def diagnose(
    dataset: xr.Dataset | str | os.PathLike,
    name: str,
    *,
    config: RunConfig | Mapping | None = None,
    mask: Any = None,
    progress: Progress | None = None,
    run: str | None = None,
    particles: xr.Dataset | str | os.PathLike | None = None,
    references: Any = None,
    **options: Any,
) -> xr.Dataset:
    """Return one judgement of a Dataset, by name.

    Parameters
    ----------
    dataset : xarray.Dataset, xarray.DataTree, str or path
        What to judge, a session that holds it, or the file of either.
    name : str
        The diagnostic, for example ``"fsc"``.
    config : RunConfig or mapping, optional
        Settings of the run that a diagnostic may start. With `particles`, those that made the reconstruction are the
        defaults: a mapping changes some of them, a `RunConfig` replaces all.
    mask : mapping, MaskConfig, ndarray, xarray.Dataset, str or path, optional
        Settings of a mask, or the mask itself: float32 (z, y, x) between 0 and 1, a Dataset that holds one, or a file.
    progress : callable, optional
        Called with the fraction done and a text; may raise `RunStopped`.
    run : str, optional
        Which part of a session; by default the only one that the diagnostic takes.
    particles : xarray.Dataset, str or path, optional
        With a reconstruction, where the diagnostic needs images: the particles that it was made from. Poses, half sets
        and classes are those of the reconstruction.
    references : xarray.Dataset, str or path, or sequence of these, optional
        Starting volumes, where the diagnostic runs a refinement again.
    **options
        The diagnostic's own settings; and `box`, `imaging`, `refine` or `compute` as mappings, which win over `config`.

    Returns
    -------
    xarray.Dataset
        Of the kind that the diagnostic declares.

    Raises
    ------
    InputError
        If the name is unknown, or a setting, the Dataset or the mask cannot work.
    BackendFailed
        If the machine failed; with `compute.fallback` the CPU does it again where a GPU has.
    RunStopped
        If it was stopped; `finished` is what was finished by then, where there is something.
    """
    from . import diagnostics

    plug = diagnostics.get(name)
    if isinstance(dataset, (str, os.PathLike)):
        dataset = open_any(dataset, images=needs_images(plug))
    config, options = _sorted(config, options)
    part, made = pick(dataset, (*plug.accepts, *((REFINEMENT,) if joins_particles(plug) else ())), run), None
    if particles is not None or (joins_particles(plug) and part.attrs["schema"] == REFINEMENT):
        part, config, made = _rejoined(plug, part, particles, config)
    settings, opened = settle(config, mask, {})
    opened = made if opened is None and settings.mask.kind == "none" else opened
    if opened is not None:
        opened = np.asarray(_fitted(opened, part, settings))
    if references is not None:
        options["references"] = starting_volumes(references)

    def judged(config: RunConfig) -> xr.Dataset:
        return diagnostics.diagnose(part, name, config=config, mask=opened, progress=progress, **options)

    return _on_a_machine(settings, judged) if "image" in part and needs_images(plug) else judged(settings)


def _on_a_machine(config: RunConfig, work: Callable[[RunConfig], xr.Dataset]) -> xr.Dataset:
    """Return a judgement of images, which a backend computes, with the name of the machine in its record."""
    from .refine.loop import signed, with_fallback

    return signed(*with_fallback(config, work))


def _sorted(config: Any, options: Mapping) -> tuple[Any, dict]:
    """Return the settings with the groups that stood among a diagnostic's options, and the other options."""
    names = {field.name for field in dataclasses.fields(RunConfig)}
    groups = {name: value for name, value in options.items() if name in names}
    if groups:
        config = RunConfig.gather(config, **groups) if isinstance(config, RunConfig) else {**(config or {}), **groups}
    return config, {name: value for name, value in options.items() if name not in names}


def joins_particles(plug: Any) -> bool:
    """Return whether a diagnostic judges images, so that a reconstruction has to bring its particles.

    Parameters
    ----------
    plug : Diagnostic
        The diagnostic.

    Returns
    -------
    bool
        True if it takes particles and needs their images.
    """
    return "cryonb/particles" in plug.accepts and needs_images(plug)


def _rejoined(plug: Any, part: xr.Dataset, particles: Any, config: Any) -> tuple[xr.Dataset, Any, Any]:
    """Return the particles of a reconstruction with its poses, the settings that made it, and its mask."""
    from .refine.rejoin import rejoin, settings_of

    remedy = "Leave the particles out"
    must(joins_particles(plug), "particles must go with a diagnostic that needs images", plug.name, remedy)
    is_run = part.attrs["schema"] == REFINEMENT
    must(is_run, "particles must go with the reconstruction made from them", words_for(part), remedy)
    rule = f"{plug.name} judges images, so a reconstruction must come with its particles"
    must(particles is not None, rule, "the reconstruction alone", "Give particles=TABLE, or --particles TABLE")
    if not isinstance(config, RunConfig):
        config = RunConfig.gather(settings_of(part), **dict(config or {}))
    return rejoin(part, particles_of(particles)), config, part.get("mask")


def _fitted(mask: np.ndarray | xr.DataArray, part: xr.Dataset, settings: RunConfig) -> np.ndarray | xr.DataArray:
    """Return a mask in the box of the maps that are judged, or that are to be made of particles."""
    if "voxel_size" in part.coords and {"z", "y", "x"} <= set(part.dims):
        return fitted_mask(mask, part.sizes["x"], float(part["voxel_size"]))
    if "image" in part:
        from .refine.loop import plan

        sampling = plan(part, settings).sampling
        return fitted_mask(mask, sampling.box_size, sampling.voxel_size)
    return mask


def needs_images(plug: Any) -> bool:
    """Return whether a diagnostic looks at the images of particles, or at their table only.

    Parameters
    ----------
    plug : Diagnostic
        The diagnostic.

    Returns
    -------
    bool
        True unless it says otherwise.
    """
    return getattr(plug, "needs_images", True)


def settle(config: RunConfig | Mapping | None, mask: Any, groups: Mapping) -> tuple[RunConfig, Any]:
    """Return a run's settings and its mask, opened if it is a file.

    Parameters
    ----------
    config : RunConfig, mapping or None
        Base settings.
    mask : object
        See `reconstruct`.
    groups : mapping
        Groups of settings that win over `config`.

    Returns
    -------
    settings : RunConfig
        The checked settings.
    mask : ndarray, DataArray or Dataset, or None
        The mask itself where one was given, else None: the settings say how to make one.

    Raises
    ------
    InputError
        If a setting cannot work or the mask cannot be read.
    """
    if isinstance(mask, (str, os.PathLike)):
        mask = MaskConfig(kind="file", path=os.fspath(mask))
    if isinstance(mask, (np.ndarray, xr.DataArray, xr.Dataset)):
        return RunConfig.gather(config, **groups), values_of(mask)
    rule = "a mask must be settings, an array, a Dataset or a file"
    must(mask is None or isinstance(mask, (Mapping, MaskConfig)), rule, type(mask).__name__, "Give one of these")
    settings = RunConfig.gather(config, mask=mask, **groups)
    if isinstance(mask, Mapping):
        settings.mask.must_read(mask)
    return settings, mask_file(settings.mask.path) if settings.mask.kind == "file" else None
