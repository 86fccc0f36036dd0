"""Every package's way of deciding on the same particles: runs, what their curves are made of, and one table."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from .compare import compare
from .config import RunConfig
from .errors import InputError, must
from .opening import particles_of, starting_volumes
from .provenance import stamp
from .refinements import Progress, plan, recipes, refine
from .schema import Field, Kind, build, declare
from .verbs import diagnose

WORDS = ("recipe", "halves", "limit", "threshold", "mask", "volume", "classes", "verdict")
RESOLUTIONS = ("alignment_limit", "claimed_resolution", "data_end", "signal_end")

DECISIONS = declare(
    Kind(
        "cryonb/decisions",
        {
            **{name: Field(("run",), required=name != "verdict") for name in WORDS},
            **{name: Field(("run",), "angstrom", required=name != "signal_end") for name in RESOLUTIONS},
            "class_number": Field(("run",)),
        },
        {},
        dimensions={"run": "1"},
    )
)

QUICK = {"dithers": 2, "surrogates": 0}
"""Settings of the decompositions, where none are given."""


REFINING = 0.7
"""Share of the work of a recipe that its refinement is taken to be."""


def compare_recipes(
    particles: Any,
    references: Any = None,
    chosen: Iterable[str] | Mapping[str, Mapping] | str = "all",
    config: RunConfig | Mapping | None = None,
    *,
    mask: Any = None,
    decomposition: Mapping | None = None,
    progress: Progress | None = None,
    **groups: Any,
) -> xr.DataTree:
    """Return refinements of the same particles by several recipes, and what the curve of each is made of.

    Parameters
    ----------
    particles : xarray.Dataset, str or path
        Kind ``cryonb/particles``, or the file of a particle table.
    references : xarray.Dataset, str or path, list of these, or None
        Starting volumes, the same for all.
    chosen : str, iterable of str, or mapping of str to mapping, optional
        "all", or the names of recipes; or labels with the `refine` settings of each, which win over those for all:
        ``{"two classes": {"recipe": "class3d", "n_classes": 2}}``.
    config : RunConfig or mapping, optional
        Settings for all of them.
    mask : mapping, MaskConfig, ndarray, xarray.Dataset, str or path, optional
        As in `refine`.
    decomposition : mapping, optional
        Settings of the decompositions; by default two turned grids and no surrogates.
    progress : callable, optional
        Called with the fraction done and a text; may raise `RunStopped`.
    **groups
        `box`, `imaging`, `refine` or `compute` as mappings or groups; they win over `config`.

    Returns
    -------
    xarray.DataTree
        `decisions`, the table of kind ``cryonb/decisions``; `runs`, one refinement a recipe; and `curves`, one
        decomposition a recipe, with the poses of its run. With "all", a recipe that cannot work with the settings is
        left out, and ``decisions.attrs["left_out"]`` says why.

    Raises
    ------
    InputError
        If a setting, a recipe, the particles or a reference cannot work.
    BackendFailed
        If the machine failed, and `compute.fallback` is off.
    RunStopped
        If `progress` stopped it.
    """
    images, volumes = particles_of(particles, require_poses=False), starting_volumes(references)
    wanted, left_out = _possible(images, volumes, chosen, RunConfig.gather(config, **groups), mask)
    runs, curves = {}, {}
    for number, (label, settings) in enumerate(wanted.items()):
        told = partial(_tell, progress, label, 1.0 / len(wanted))
        runs[label] = refine(images, volumes, settings, mask=mask, progress=partial(told, (number, REFINING)))
        options = {"config": {"compute": settings.compute}, **QUICK, **(decomposition or {})}
        listener = partial(told, (number + REFINING, 1.0 - REFINING))
        curves[label] = diagnose(runs[label], "decomposition", particles=images, progress=listener, **options)
    made = decisions(runs, curves).assign_attrs({"left_out": "\n".join(left_out)} if left_out else {})
    trees = {"runs": compare(runs), "curves": compare(curves), "decisions": xr.DataTree(made)}
    return xr.DataTree(children=trees)


def _possible(
    images: xr.Dataset, volumes: Any, chosen: Any, config: RunConfig, mask: Any
) -> tuple[dict[str, RunConfig], list[str]]:
    """Return the settings of every recipe by label, and why some of all are left out."""
    names = list(recipes()) if isinstance(chosen, str) and chosen == "all" else chosen
    names = [names] if isinstance(names, str) else names
    asked = dict(names) if isinstance(names, Mapping) else {name: {"recipe": name} for name in names}
    must(bool(asked), "at least one recipe must be chosen", "none", f"Choose of {', '.join(recipes())}, or all")
    wanted, left_out = {}, []
    for label, refine_settings in asked.items():
        try:
            settings = RunConfig.gather(config, refine={"recipe": label, **refine_settings})
            plan(images, volumes, settings, mask=mask)
            wanted[label] = settings
        except InputError as problem:
            if chosen != "all":
                raise
            left_out.append(f"{label}: {problem}")
    must(bool(wanted), "a recipe must work with these settings", "; ".join(left_out), "Change the settings")
    return wanted, left_out


def _tell(
    progress: Progress | None, label: str, scale: float, span: tuple[float, float], fraction: float, text: str
) -> None:
    """Tell a part of all the work: `span` is its start and its length, counted in recipes."""
    if progress is not None:
        progress(min(1.0, scale * (span[0] + span[1] * fraction)), f"{label}: {text}")


def decisions(runs: Mapping[str, xr.Dataset], curves: Mapping[str, xr.Dataset] | None = None) -> xr.Dataset:
    """Return what runs decided and claim, and what their curves are made of, as one table.

    Parameters
    ----------
    runs : mapping of str to xarray.Dataset
        Labels and refinements, of kind ``cryonb/refinement``.
    curves : mapping of str to xarray.Dataset, optional
        Their decompositions, under the same labels.

    Returns
    -------
    xarray.Dataset
        Kind ``cryonb/decisions`` over `run`, one row a class: decisions in words; alignment limit, claim, end of the
        data and of the signal [angstrom], NaN where a curve does not cross before the data end; the verdict.
    """
    rows = [row for label, run in runs.items() for row in _rows(label, run, (curves or {}).get(label))]
    variables: dict[str, Any] = {name: np.array([str(row[name]) for row in rows]) for name in WORDS}
    variables |= {name: np.array([float(row[name]) for row in rows]) for name in RESOLUTIONS}
    variables["class_number"] = np.array([row["class_number"] for row in rows], np.int64)
    made = build(DECISIONS, variables, {"run": np.array([row["label"] for row in rows])})
    return stamp(made, "decisions", {}, list(runs.values()))


def _rows(label: str, run: xr.Dataset, curve: xr.Dataset | None) -> Iterator[dict[str, Any]]:
    from . import plots

    said = plots.claims(run)
    parts = plots.by_class(curve) if curve is not None else {}
    decided = json.loads(run.attrs.get("decisions", "{}"))
    fixed = {name: decided.get(name, "") for name in WORDS if name not in ("recipe", "verdict")}
    for number, (name, claimed) in enumerate(said.items(), start=1):
        one = parts.get(name, parts.get(""))
        yield {
            **fixed,
            "label": f"{label}, {name}" if name else label,
            "recipe": run.attrs.get("recipe", ""),
            "class_number": number,
            "claimed_resolution": claimed,
            "alignment_limit": _number(run, "alignment_limit"),
            "data_end": plots.data_end(run),
            "signal_end": plots.signal_end(one) if one is not None else math.nan,
            "verdict": " ".join(plots.verdict_lines(one)) if one is not None else "",
        }


def _number(run: xr.Dataset, name: str) -> float:
    return float(run[name]) if name in run.coords else math.nan
