"""What is in view, written to files: the figure, and the maps of the runs."""

import dataclasses
import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from .. import io, plots
from ..errors import FormatError, must
from .cell import changed
from .made_with import settings_of, verb_of
from .safe_names import safe_names
from .source_code import keywords
from .tabs import tab_of

if TYPE_CHECKING:
    from ..plots.marks import Sheet

NAMES = {"volume": "map", "density": "map", "sharpened": "sharpened", "half_map": "half_map"}
"""Variables that are maps, and what they are called in file names."""


def figure(session: Any, path: str | os.PathLike) -> list[Path]:
    """Write the figure of the tab in view.

    Parameters
    ----------
    session : Session
        The app's state.
    path : str or path
        Target ending in .png, .svg or .pdf; whole or not at all.

    Returns
    -------
    list of pathlib.Path
        The file that was written.

    Raises
    ------
    InputError
        If the tab has no figure now, or the file cannot be written.
    """
    tab = tab_of(session.tab)
    sheet = tab.sheet(session)
    got = tab.empty(session).rstrip(".") or f"the tab {tab.title}, which is drawn in the page"
    must(sheet is not None, "there must be a figure to write", got, "Choose another tab, or compute this one first")
    return [plots.save_figure(plots.render(_with_settings(sheet, session)), path)]


def _with_settings(sheet: "Sheet", session: Any) -> "Sheet":
    """Return the figure with the settings of its runs in the caption, where its own does not tell them."""
    held = session.in_view()
    labels = tuple(f"{one.label}: " for one in held)
    told = any(line.startswith(labels) for line in sheet.caption.split("\n")) or (sheet.caption and len(held) == 1)
    if told:
        return sheet
    lines = [sheet.caption, *(f"{one.label}: {said}" for one in held if (said := _settings(one)))]
    return dataclasses.replace(sheet, caption="\n".join(line for line in lines if line))


def _settings(held: Any) -> str:
    config, verb = settings_of(held), verb_of(held)
    if config is None or not verb:
        return ""
    differ = ", ".join(keywords(changed(config, verb)))
    return f"{verb} with {differ}" if differ else f"{verb} with the default settings"


def maps(session: Any, folder: str | os.PathLike) -> list[Path]:
    """Write the maps and the half maps of the runs in view as MRC files.

    Parameters
    ----------
    session : Session
        The app's state.
    folder : str or path
        Where to; it is made if it is not there, and nothing in it is overwritten.

    Returns
    -------
    list of pathlib.Path
        The files that were written.

    Raises
    ------
    InputError
        If no run in view has a map, or a file is there already; nothing is written then.
    """
    target = Path(folder).expanduser()
    held = [one for one in session.in_view() if any(True for _ in _volumes(one.dataset))]
    must(bool(held), "a run in view must have a map", "none", "Bring a run with a map into view")
    files = {
        target / f"{stem}_{name}.mrc": volume
        for stem, one in zip(safe_names(one.label for one in held), held)
        for name, volume in _volumes(one.dataset)
    }
    there = [path.name for path in files if path.exists()]
    rule = f"files in {target.name} must not be overwritten"
    must(not there, rule, f"{', '.join(there)} there already", "Choose another folder, or take them away")
    _make(target)
    for path, volume in files.items():
        io.write_map(volume, path)
    return list(files)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        reason = (problem.strerror or type(problem).__name__).lower()
        raise FormatError(f"the folder of maps must be writable; got {reason}. Choose another place.") from problem


def _volumes(run: xr.Dataset) -> Iterator[tuple[str, xr.DataArray]]:
    """Yield every map of a run by the end of its file's name; where there are only half maps, their mean too."""
    names = [name for name in NAMES if name in run and {"z", "y", "x"} <= set(run[name].dims)]
    if names == ["half_map"]:
        yield from _each("map", run["half_map"].mean("half", keep_attrs=True))
    for name in names:
        yield from _each(NAMES[name], run[name])


def _each(name: str, variable: xr.DataArray) -> Iterator[tuple[str, xr.DataArray]]:
    outer = [dim for dim in variable.dims if dim not in ("z", "y", "x")]
    for labels in product(*(variable[dim].values for dim in outer)):
        words = [f"class_{label}" if dim == "class_id" else str(label) for dim, label in zip(outer, labels)]
        yield "_".join([name, *words]), variable.sel(dict(zip(outer, labels)))
