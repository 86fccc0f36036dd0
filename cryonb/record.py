"""What made a result, step by step, as a table that a person reads: settings, digests, versions and the machine."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import xarray as xr

from .errors import InputError, must
from .provenance import lineage

if TYPE_CHECKING:
    import pandas as pd

SETTINGS_DIGEST, RESULT_DIGEST = "digest of settings", "digest of result"
LAST = "versions", "machine"


def record(*results: xr.Dataset | xr.DataTree) -> "pd.DataFrame":
    """Return the steps that made some results, the oldest first, as a table.

    Parameters
    ----------
    *results : xarray.Dataset or xarray.DataTree
        What cryonb has computed; a tree stands for its children. A step that several share is listed once.

    Returns
    -------
    pandas.DataFrame
        One column ``value`` of text, indexed by ``step`` and ``item``: of each step the settings that differ from their
        defaults, in the units of their settings, the digest of all settings that change numbers, and that of the
        result; after the steps the versions of the packages that decide the numbers, and the machines.
        `cryonb.provenance.lineage` has every setting.

    Raises
    ------
    InputError
        If nothing was given, or something has no record.

    Examples
    --------
    >>> from cryonb.phantoms import phantom
    >>> made = record(phantom("helices", box_size=16, pixel_size=4.0))
    >>> made.loc["1 phantom", "value"]["box_size"]
    '16'
    """
    import pandas as pd

    steps = _steps(results)
    rows = [
        (f"{place} {step['verb']}", item, value) for place, step in enumerate(steps, 1) for item, value in _of(step)
    ]
    rows += [("versions", name, text) for name, text in _united(step.get("versions", {}) for step in steps)]
    rows += [("machine", name, text) for name, text in _united(_machine(step) for step in steps)]
    index = pd.MultiIndex.from_tuples([row[:2] for row in rows], names=["step", "item"])
    return pd.DataFrame({"value": [row[2] for row in rows]}, index=index)


def _steps(results: tuple) -> list[dict]:
    """Return the records of all results, each once."""
    rule = "a record needs a Dataset that cryonb has made, or a tree of them"
    must(len(results) > 0, rule, "nothing", "Give one")
    found: list[dict] = []
    for result in results:
        is_tree = isinstance(result, xr.DataTree)
        parts = [node.to_dataset() for node in result.subtree if node.attrs] if is_tree else [result]
        for part in parts:
            must(isinstance(part, xr.Dataset), rule, type(part).__name__, "Give one")
            found += [step for step in lineage(part) if step not in found]
    if not found:
        raise InputError(f"{rule}; got one without a record. Compute it with cryonb, or open a file that holds one.")
    return found


def _of(step: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the lines of a step: what was set, and both digests."""
    usual = dict(_leaves(_defaults(step)))
    for name, value in _leaves(step.get("settings") or {}):
        if name not in usual or usual[name] != value:
            yield name, _text(value)
    yield SETTINGS_DIGEST, step["settings_digest"]
    yield RESULT_DIGEST, step["digest"]


def _defaults(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the settings of a step are where nobody says anything; empty where all of them are worth a line."""
    from . import diagnostics
    from .config import RunConfig
    from .filtered_maps import FilteredMapsConfig
    from .phantoms import PhantomConfig
    from .simulate import SimulationConfig

    verb, settings = step["verb"], step.get("settings") or {}
    if verb == "diagnose":
        name = settings.get("diagnostic", "")
        options = diagnostics.get(name).options().as_dict() if name in diagnostics.names() else {}
        return {"options": options, "config": RunConfig().as_dict()}
    groups = {
        "phantom": (PhantomConfig,),
        "simulate": (PhantomConfig, SimulationConfig),
        "filtered_half_maps": (FilteredMapsConfig,),
        "reconstruct": (RunConfig,),
        "refine": (RunConfig,),
    }.get(verb, ())
    return {name: value for group in groups for name, value in group().as_dict().items()}


def _leaves(settings: Mapping[str, Any], group: str = "") -> Iterator[tuple[str, Any]]:
    """Yield settings with their groups, such as ``box.pad_factor``; those of a judgement's own are not prefixed."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, "" if name in ("options", "config") else f"{group}{name}.")
        else:
            yield f"{group}{name}", list(value) if isinstance(value, tuple) else value


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _machine(step: Mapping[str, Any]) -> dict[str, str]:
    machine = step.get("machine") or {}
    return {machine["backend"]: machine["description"]} if machine else {}


def _united(parts: Iterator[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield what the steps say under each name, once; steps of several machines or versions say several things."""
    found: dict[str, list[str]] = {}
    for part in parts:
        for name, text in part.items():
            known = found.setdefault(name, [])
            known += [text] if text not in known else []
    for name, texts in found.items():
        yield name, "; ".join(texts)
