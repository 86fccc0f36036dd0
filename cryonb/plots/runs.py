"""Several runs side by side in one figure."""

import dataclasses
import math
from collections.abc import Callable, Mapping

import xarray as xr

from ..errors import SchemaError, must
from . import facts, frequency, terms, wording
from .catalogue import bound
from .claims import is_refinement
from .curves import fsc_panel
from .images import central_section, grey_limits, image_panels, maps_of
from .marks import Curve, Panel, Row, Sheet
from .overlaid import claimed, has_fsc, reading

ACROSS = 4
MOST_VERDICTS = 3
STATE = "cryonb/session"
"""Kind of the child by which the notebook app keeps its state in a session; it is no run."""
FSC_HEIGHT = {1: 3.2, 2: 3.0, 3: 2.6, 4: 2.5}


def side_by_side_sheet(tree: xr.DataTree) -> Sheet:
    """Return the figure of runs beside each other: FSC on shared axes, central sections on one grey scale.

    Parameters
    ----------
    tree : xarray.DataTree
        One child a run.

    Returns
    -------
    Sheet
        As of `beside_sheet`.

    Raises
    ------
    SchemaError
        If there is no run, or one has nothing to show.
    """
    return beside_sheet(children_of(tree))


def children_of(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """Return the runs of a tree by label.

    Parameters
    ----------
    tree : xarray.DataTree
        One child a run.

    Returns
    -------
    dict of str to xarray.Dataset
        The runs, in the tree's order.

    Raises
    ------
    SchemaError
        If there is no run.
    """
    rule = "a DataTree with one child a run is needed"
    must(isinstance(tree, xr.DataTree), rule, type(tree).__name__, "Make one with compare", SchemaError)
    children = {label: child for label, child in tree.children.items() if child.attrs.get("schema") != STATE}
    runs = {label: child.to_dataset() for label, child in children.items()}
    must(bool(runs), rule, "no child", "Give compare at least one run", SchemaError)
    return runs


def has_curves(run: xr.Dataset) -> bool:
    """Return whether a run has a panel over spatial frequency: FSC curves, or one that its kind's file draws.

    Parameters
    ----------
    run : xarray.Dataset
        Any kind.

    Returns
    -------
    bool
        True if it does.
    """
    return run.attrs.get("schema") in bound("PANELS") or has_fsc(run)


def beside_sheet(given: Mapping[str, xr.Dataset]) -> Sheet:
    """Return the figure of runs beside each other.

    Parameters
    ----------
    given : mapping of str to xarray.Dataset
        Runs by label; one whose curves have classes stands there once a class.

    Returns
    -------
    Sheet
        The figure; at most four runs a row, as many in each row as can be.

    Raises
    ------
    SchemaError
        If a run has nothing to show.
    """
    runs = _by_class(given)
    labels = list(runs)
    rows: list[Row] = []
    make = _maker_of_rows(runs)
    across = math.ceil(len(labels) / math.ceil(len(labels) / ACROSS))
    for start in range(0, len(labels), across):
        made = make({label: runs[label] for label in labels[start : start + across]}, runs)
        rows += [_filled(row, across) if len(labels) > across else row for row in made]
    return Sheet(
        tuple(rows),
        "What the FSC is made of" if all(map(terms.is_decomposition, runs.values())) else "Runs side by side",
        _verdicts(runs),
        "\n".join(f"{label}: {wording.settings_line(run)}" for label, run in runs.items()),
        " ".join(f"{label}: {reading(run)}" for label, run in runs.items()),
        aligned=True,
    )


def _by_class(given: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    runs = {
        f"{label}, {name}" if name else label: one
        for label, run in given.items()
        for name, one in terms.by_class(run).items()
    }
    for label, run in runs.items():
        shows = has_curves(run) or bool(maps_of(run)) or run.attrs.get("schema") in bound("ROWS")
        got = ", ".join(map(str, run.data_vars)) or "nothing"
        must(shows, f"run {label!r} must hold an FSC or a map", got, "Leave it out", SchemaError)
    return runs


def _verdicts(runs: dict[str, xr.Dataset]) -> str:
    """Return what each run says of itself, where few enough do to be read above the row."""
    said = [f"{label}: {wording.verdict(run)}" for label, run in runs.items() if "verdict" in run.attrs]
    return "\n".join(said) if len(said) <= MOST_VERDICTS else ""


def _maker_of_rows(runs: dict[str, xr.Dataset]) -> Callable[[dict, dict], list[Row]]:
    """Return what makes the rows of these runs: their kind's own where it has some and they are all of it."""
    own = {run.attrs.get("schema"): label for label, run in runs.items() if run.attrs.get("schema") in bound("ROWS")}
    if not own:
        return _rows
    kind, label = next(iter(own.items()))
    others = sorted({str(run.attrs.get("schema")) for run in runs.values()} - {kind})
    if others and all(has_fsc(runs[label]) for label in own.values()):
        return _rows
    rule = f"run {label!r} must stand beside others of its kind, {kind}"
    must(not others, rule, ", ".join(others), "Compare each kind by itself", SchemaError)
    return bound("ROWS")[kind]


def _rows(some: dict[str, xr.Dataset], runs: dict[str, xr.Dataset]) -> list[Row]:
    rows = []
    if any(has_curves(run) for run in some.values()):
        x_limits = frequency.limits(*(run for run in runs.values() if has_curves(run)))
        panels = _level([_curve_panel(run, x_limits, label) for label, run in some.items()])
        rows.append(Row(tuple(_unnumbered(panel) for panel in panels), FSC_HEIGHT[len(panels)], "below", share_y=True))
    images = {label: _chosen_map(run) for label, run in some.items()}
    if any(image is not None for image in images.values()):
        limits = grey_limits(
            [central_section(_chosen_map(run)) for run in runs.values() if _chosen_map(run) is not None]
        )
        shown = {label: central_section(image) for label, image in images.items() if image is not None}
        sizes = [facts.number(some[label], "voxel_size") for label in shown]
        by_label = dict(zip(shown, image_panels(shown, sizes, limits)))
        rows.append(Row(tuple(by_label.get(label, _blank("")) for label in some), 2.6, grey_scale="density"))
    return rows


def _curve_panel(run: xr.Dataset, x_limits: tuple[float, float], label: str) -> Panel:
    own = bound("PANELS").get(run.attrs.get("schema"))
    if own is not None:
        return own(run, x_limits, label)
    return fsc_panel(run, x_limits, label, _note(run), names="short") if has_fsc(run) else _blank(label)


def _unnumbered(panel: Panel) -> Panel:
    """Return the panel with the words of its curves free of numbers, so that all panels share one key."""
    marks = (
        dataclasses.replace(mark, label=mark.label.split(":")[0]) if isinstance(mark, Curve) else mark
        for mark in panel.marks
    )
    return dataclasses.replace(panel, marks=tuple(marks))


def _filled(row: Row, across: int) -> Row:
    """Return a row with empty places at its end, so that its panels are as wide as those of a full row."""
    missing = across - len(row.panels)
    return dataclasses.replace(row, panels=(*row.panels, *(_blank("") for _ in range(missing)))) if missing > 0 else row


def _blank(title: str) -> Panel:
    return Panel((), title)


def _note(run: xr.Dataset) -> str:
    if is_refinement(run):
        return "\n".join(claimed(run))
    resolution = facts.crossing(run)
    if not math.isfinite(resolution):
        return f"{_word(run)}: never at 0.143"
    past = "\npast the particle Nyquist" if wording.past_nyquist(run, resolution) else ""
    return f"{_word(run)}: 0.143 at {wording.angstrom(resolution)}{past}"


def _level(panels: list[Panel]) -> list[Panel]:
    """Return panels whose notes have as many lines each, so that the titles above them are level."""
    lines = max(panel.note.count("\n") for panel in panels)
    return [
        dataclasses.replace(panel, note=panel.note + "\n" * (lines - panel.note.count("\n"))) if panel.note else panel
        for panel in panels
    ]


def _word(run: xr.Dataset) -> str:
    return wording.KIND_WORDS.get(facts.main_kind(run), facts.main_kind(run)) if "fsc" in run else "unmasked"


def _chosen_map(run: xr.Dataset) -> xr.DataArray | None:
    volumes = maps_of(run)
    for name in ("volume", "density", "sharpened", "mean map"):
        if name in volumes:
            return volumes[name]
    return next(iter(volumes.values()), None)
