"""The two verbs that take files as well as Datasets: `reconstruct` and `diagnose`.

The rooms below know no files; a path given for particles, for a dataset or for a mask is opened here.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from .config import MaskConfig, RunConfig
from .errors import InputError, must

Progress = Callable[[float, str], None]

TABLES = (".star", ".cs", ".mrcs")
SESSIONS = (".zarr", ".nc")
MAPS = tuple(f".{kind}{packed}" for kind in ("mrc", "map", "ccp4") for packed in ("", ".gz", ".bz2"))


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
        Settings; a mapping may be nested.
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
    """
    from .refine.loop import reconstruct as run

    settings, opened = settle(config, mask, groups)
    return run(_particles(particles), settings, mask=opened, progress=progress)


def diagnose(
    dataset: xr.Dataset | str | os.PathLike,
    name: str,
    *,
    config: RunConfig | Mapping | None = None,
    mask: Any = None,
    progress: Progress | None = None,
    **options: Any,
) -> xr.Dataset:
    """Return one judgement of a Dataset, by name.

    Parameters
    ----------
    dataset : xarray.Dataset, str or path
        What to judge, or its file.
    name : str
        The diagnostic, for example ``"fsc"``.
    config : RunConfig or mapping, optional
        Settings of the run that a diagnostic may start.
    mask : mapping, MaskConfig, ndarray, xarray.Dataset, str or path, optional
        Settings of a mask, or the mask itself: float32 (z, y, x) between 0 and 1, a Dataset that holds one, or a file.
    progress : callable, optional
        Called with the fraction done and a text; may raise `RunStopped`.
    **options
        The diagnostic's own settings.

    Returns
    -------
    xarray.Dataset
        Of the kind that the diagnostic declares.

    Raises
    ------
    InputError
        If the name is unknown, or a setting, the Dataset or the mask cannot work.
    """
    from . import diagnostics

    settings, opened = settle(config, mask, {})
    opened_dataset = open_any(dataset) if isinstance(dataset, (str, os.PathLike)) else dataset
    return diagnostics.diagnose(opened_dataset, name, config=settings, mask=opened, progress=progress, **options)


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
    mask : ndarray, (n, n, n), or None
        The mask itself where one was given, else None: the settings say how to make one.

    Raises
    ------
    InputError
        If a setting cannot work or the mask cannot be read.
    """
    if isinstance(mask, (str, os.PathLike)):
        mask = MaskConfig(kind="file", path=os.fspath(mask))
    if isinstance(mask, (np.ndarray, xr.DataArray, xr.Dataset)):
        return RunConfig.gather(config, **groups), _values(mask)
    rule = "a mask must be settings, an array, a Dataset or a file"
    must(mask is None or isinstance(mask, (Mapping, MaskConfig)), rule, type(mask).__name__, "Give one of these")
    settings = RunConfig.gather(config, mask=mask, **groups)
    return settings, _mask_file(settings.mask.path) if settings.mask.kind == "file" else None


def _mask_file(path: str) -> np.ndarray:
    from .io import open_map

    return _values(open_map(path))


def _values(mask: np.ndarray | xr.DataArray | xr.Dataset) -> np.ndarray:
    if isinstance(mask, xr.Dataset):
        held = [name for name in ("mask", "density") if name in mask]
        must(bool(held), "the Dataset of a mask must hold mask or density", ", ".join(mask.data_vars), "Give another")
        mask = mask[held[0]]
    return np.asarray(mask)


def _particles(particles: Any) -> Any:
    from .io import open_particles

    return open_particles(particles) if isinstance(particles, (str, os.PathLike)) else particles


def open_any(path: str | os.PathLike) -> xr.Dataset | xr.DataTree:
    """Return whatever one file holds, judged by its suffix: a particle table, a session or a map.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    xarray.Dataset or xarray.DataTree
        What it holds.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    from . import io

    name = os.fspath(path).lower().rstrip("/")
    if name.endswith(TABLES):
        return io.open_particles(path)
    if name.endswith(SESSIONS):
        return io.load(path)
    if name.endswith(MAPS):
        return io.open_map(path)
    must(Path(path).exists(), "the input must exist", f"missing {os.fspath(path)}", "Check the name and the folder")
    raise InputError(
        "an input must be a particle table (.star, .cs, .mrcs), a map (.mrc, .map) or a session (.zarr, .nc); "
        f"got {os.fspath(path)!r}. Give one of these."
    )
