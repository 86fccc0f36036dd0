"""The door to the judgements: which there are, and how one is made of a Dataset by name."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from ..config import RunConfig
from ..contracts import Diagnostic, digest_of_file, discover
from ..engines import available_threads
from ..errors import RunStopped, must, nearest
from ..provenance import stamp
from ..schema import KINDS, validate

Progress = Callable[[float, str], None]


def _diagnostics() -> dict[str, Diagnostic]:
    return discover(__name__, "DIAGNOSTIC")


def names() -> list[str]:
    """Return the names of all diagnostics.

    Returns
    -------
    list of str
        Names for `diagnose`.

    Examples
    --------
    >>> "fsc" in names()
    True
    """
    return list(_diagnostics())


def get(name: str) -> Diagnostic:
    """Return a diagnostic by name.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    Diagnostic
        The plug, with its title, options and the kinds it accepts.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    known = _diagnostics()
    must(name in known, "a diagnostic must have a known name", repr(name), nearest(name, known))
    return known[name]


def diagnose(
    dataset: xr.Dataset,
    name: str,
    *,
    config: RunConfig | Mapping | None = None,
    mask: np.ndarray | xr.Dataset | None = None,
    progress: Progress | None = None,
    references: Any = None,
    **options: Any,
) -> xr.Dataset:
    """Return one judgement of a Dataset.

    Parameters
    ----------
    dataset : xarray.Dataset
        What to judge, of a kind that the diagnostic accepts.
    name : str
        One of `names`.
    config : RunConfig or mapping, optional
        Settings of a run: mask, symmetry and seed are read from it.
    mask : ndarray, (n, n, n), float32, or xarray.Dataset, optional
        Mask between 0 and 1, or a Dataset that holds one.
    progress : callable, optional
        Called with the fraction done and a text; may raise `RunStopped`.
    references : xarray.Dataset or sequence of xarray.Dataset, optional
        Starting volumes, for a diagnostic that runs a refinement again.
    **options
        The diagnostic's own settings.

    Returns
    -------
    xarray.Dataset
        Of the kind that the diagnostic declares, with its provenance.

    Raises
    ------
    InputError
        If the name, a setting, the Dataset or the mask cannot work.
    RunStopped
        If `progress` stopped it; `finished` holds what was done by then, where that is worth having.
    """
    from scipy import fft

    plug = get(name)
    validate(dataset, *(KINDS[kind] for kind in plug.accepts))
    settings = _inherited(RunConfig.gather(config), dataset)
    chosen = plug.options.parse(options)
    record = {"diagnostic": name, "options": chosen.as_dict(), "config": settings.as_dict()}
    starting = _starting_volumes(plug, references)
    if version := digest_of_file(plug):
        record["file"] = version
    inputs = [item for item in (dataset, mask, *starting) if item is not None]
    taken = {"references": references} if takes_references(plug) else {}

    def signed(result: xr.Dataset) -> xr.Dataset:
        return stamp(validate(result), "diagnose", record, inputs, {**record, "config": settings.science()})

    try:
        with fft.set_workers(settings.compute.threads or available_threads()):
            return signed(plug.compute(dataset, chosen, settings, mask, progress or _silent, **taken))
    except RunStopped as stopped:
        if stopped.finished is not None:
            stopped.finished = signed(stopped.finished)
        raise


def takes_references(plug: Diagnostic) -> bool:
    """Return whether a diagnostic runs a refinement again, which may start from volumes.

    Parameters
    ----------
    plug : Diagnostic
        The diagnostic.

    Returns
    -------
    bool
        False unless it says so.
    """
    return getattr(plug, "takes_references", False)


def _starting_volumes(plug: Diagnostic, references: Any) -> list:
    """Return starting volumes as a list; refuse them where the diagnostic would not read them."""
    rule = "references must go with a diagnostic that runs a refinement"
    must(references is None or takes_references(plug), rule, plug.name, "Leave them out")
    if references is None:
        return []
    return list(references) if isinstance(references, (list, tuple)) else [references]


def _inherited(settings: RunConfig, dataset: xr.Dataset) -> RunConfig:
    """Return the settings with the symmetry that made the Dataset, unless they ask for another."""
    symmetry = dataset.attrs.get("symmetry", "C1")
    if settings.imaging.symmetry != "C1" or symmetry == "C1":
        return settings
    return RunConfig.gather(settings, imaging={"symmetry": symmetry})


def _silent(fraction: float, text: str) -> None:
    """Report nothing."""
