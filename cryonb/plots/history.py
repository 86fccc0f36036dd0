"""How a refinement went: limit and claims, changes of poses, and classes, iteration by iteration."""

import dataclasses
import math

import numpy as np
import xarray as xr

from . import facts, wording
from .marks import BLACK, GREY, PURPLE, SERIES, VERMILLION, Curve, Line, Panel, Points, Row, Sheet

X_LABEL = "iteration"
CHANGES = {
    "angle_change": ("median change of orientation", "angle [°]"),
    "shift_change": ("median change of shift", "shift [Å]"),
    "class_change": ("particles that changed class", "share"),
}
"""Words above, and the name of the axis, of each panel of changes."""


def history_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/history``.

    Parameters
    ----------
    dataset : xarray.Dataset
        The history.

    Returns
    -------
    Sheet
        The limit of the alignment and the claims by iteration, below them changes of poses and classes, and the
        occupancy of every class.
    """
    rows = [Row((resolution_panel(dataset),), 2.8, "right", "Resolution by iteration")]
    changes = [panel for name in CHANGES if (panel := _change_panel(dataset, name)) is not None]
    rows += [Row(tuple(changes), 1.6)] if changes else []
    shares = _occupancy_panel(dataset)
    rows += [Row((shares,), 1.6, "right", "Occupancy")] if shares is not None else []
    words = _words(dataset)
    recipe = str(dataset.attrs.get("recipe", "refinement"))
    return Sheet(
        tuple(rows), f"How the refinement went: {recipe}", words, "", f"{words} {wording.nyquist_sentence(dataset)}"
    )


def resolution_panel(dataset: xr.Dataset) -> Panel:
    """Return the panel of the limit that was used and of what was claimed, by iteration.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/history``.

    Returns
    -------
    Panel
        Curves "alignment_limit" and "claimed ..."; an iteration without a claim is a cross at the end of the data, so
        that no resolution is made up.
    """
    x = dataset["iteration"].values.astype(float)
    limit = dataset["alignment_limit"].values.astype(float)
    marks = [
        *_ends(dataset),
        Curve(x, limit, "alignment_limit", "limit of the alignment", PURPLE, (0, (6, 2, 1, 2)), 2.0),
    ]
    marks.append(Points(x, limit, "alignment_limit", colour=PURPLE, marker="s", size=4.0))
    end = facts.number(dataset, "data_end")
    for (name, values), (colour, style) in zip(_claimed(dataset).items(), SERIES * 4):
        label = f"{name} claims" if name else "claimed resolution"
        held = np.isfinite(values)
        marks.append(Curve(x, np.where(held, values, np.nan), f"claimed {name}".strip(), label, colour, style, 2.0))
        marks.append(Points(x[held], values[held], f"claimed {name}".strip(), colour=colour, size=5.0))
        if math.isfinite(end) and not held.all():
            at = np.full(int((~held).sum()), end)
            marks.append(Points(x[~held], at, "no claim", "no crossing before the data end", BLACK, "x", 6.0))
    every = np.concatenate([mark.y for mark in marks if isinstance(mark, (Curve, Points))])
    most = np.nanmax(every[np.isfinite(every)], initial=1.0)
    return Panel(
        tuple(marks), "", "", X_LABEL, "resolution [Å]", _ends_of_axis(x), (0.0, 1.08 * float(most)), counts=True
    )


def _claimed(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    stated = dataset["claimed_resolution"]
    if "class_id" not in stated.dims:
        return {"": stated.values.astype(float)}
    single = stated.sizes["class_id"] == 1
    labels = stated["class_id"].values
    return {"" if single else f"class {label}": stated.sel(class_id=label).values.astype(float) for label in labels}


def _ends(dataset: xr.Dataset) -> list[Line]:
    """Return lines at both Nyquist limits [angstrom]; they are named in the key, since they may lie close together."""
    particle, grid = (facts.number(dataset, name) for name in ("particle_nyquist", "grid_nyquist"))
    same = particle > 0 and math.isclose(particle, grid, rel_tol=2e-3)
    found = [
        _limit(particle, "particle_nyquist", "particle = grid Nyquist" if same else "particle Nyquist", VERMILLION)
    ]
    found += [] if same else [_limit(grid, "grid_nyquist", "grid Nyquist", GREY)]
    return [line for line in found if line.at > 0]


def _limit(frequency: float, name: str, words: str, colour: str) -> Line:
    at = 1.0 / frequency if frequency > 0 else 0.0
    return Line(at, name, "", "y", colour, "--" if colour == GREY else "-", f"{words} {wording.angstrom(at)}")


def _ends_of_axis(x: np.ndarray) -> tuple[float, float]:
    return float(x[0]) - 0.4, float(x[-1]) + 0.4


def _change_panel(dataset: xr.Dataset, name: str) -> Panel | None:
    values = dataset[name].values.astype(float) if name in dataset else np.empty(0)
    held = np.isfinite(values)
    if not held.any():
        return None
    x = dataset["iteration"].values.astype(float)
    marks = (Curve(x, values, name, "", SERIES[0][0]), Points(x[held], values[held], name, colour=SERIES[0][0]))
    top = 1.12 * float(values[held].max()) or 1.0
    note, label = CHANGES[name]
    return Panel(marks, "", note, X_LABEL, label, _ends_of_axis(x), (0.0, top), counts=True)


def _occupancy_panel(dataset: xr.Dataset) -> Panel | None:
    if "occupancy" not in dataset or dataset.sizes["class_id"] < 2:
        return None
    x = dataset["iteration"].values.astype(float)
    curves = [
        Curve(x, dataset["occupancy"].sel(class_id=label).values, f"class {label}", f"class {label}", colour, style)
        for label, (colour, style) in zip(dataset["class_id"].values, SERIES * 4)
    ]
    return Panel(tuple(curves), "", "", X_LABEL, "occupancy", _ends_of_axis(x), (0.0, 1.0), counts=True)


def _words(dataset: xr.Dataset) -> str:
    count = dataset.sizes["iteration"]
    first, last = (float(dataset["alignment_limit"].values[index]) for index in (0, -1))
    parts = [f"{count} iteration{'' if count == 1 else 's'}"]
    if math.isfinite(first) and math.isfinite(last):
        parts.append(f"the limit of the alignment went from {wording.angstrom(first)} to {wording.angstrom(last)}")
    last_claims = {name: float(values[-1]) for name, values in _claimed(dataset).items()}
    claimed = [
        f"{name + ' ' if name else ''}claims {wording.angstrom(value) if math.isfinite(value) else 'no resolution'}"
        for name, value in last_claims.items()
    ]
    return wording.sentence(f"{'; '.join([*parts, *claimed])}")


def rows_beside(some: dict[str, xr.Dataset], runs: dict[str, xr.Dataset]) -> list[Row]:
    """Return the rows in which histories stand beside each other.

    Parameters
    ----------
    some : dict of str to xarray.Dataset
        Those of these rows, by label.
    runs : dict of str to xarray.Dataset
        All those of the figure, which share their axes.

    Returns
    -------
    list of Row
        Resolution by iteration of each; below it one row for every kind of change that some run knows.
    """
    every = {label: resolution_panel(run) for label, run in runs.items()}
    left, right = zip(*(panel.x_limits for panel in every.values()))
    across = (min(left), max(right))
    shared = dict(x_limits=across, y_limits=(0.0, max(panel.y_limits[1] for panel in every.values())))
    panels = tuple(dataclasses.replace(every[label], title=label, **shared) for label in some)
    rows = [Row(panels, 2.6, "below", share_y=True)]
    for name in CHANGES:
        changes = {label: _change_panel(run, name) for label, run in runs.items()}
        tops = [panel.y_limits[1] for panel in changes.values() if panel is not None]
        if tops:
            scaled = dict(x_limits=across, y_limits=(0.0, max(tops)))
            shown = [changes[label] for label in some]
            row = tuple(Panel(()) if one is None else dataclasses.replace(one, **scaled) for one in shown)
            rows.append(Row(row, 1.5, share_y=row[0].marks != ()))
    return rows


PLOTS = {"cryonb/history": history_sheet}
ROWS = {"cryonb/history": rows_beside}
