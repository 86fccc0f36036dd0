"""Postprocessing on one page: FSC, Guinier plot, and the map before and after sharpening."""

import dataclasses
import math

import numpy as np
import xarray as xr

from . import facts, frequency, wording
from .curves import KEY_TITLE, fsc_panel, fsc_words
from .guinier import guinier_panel, guinier_verdict
from .guinier import rows_beside as guinier_rows
from .images import central_section, grey_limits, image_panels
from .marks import Curve, Panel, Row, Sheet


def postprocess_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/postprocess``.

    Parameters
    ----------
    dataset : xarray.Dataset
        The postprocessed map.

    Returns
    -------
    Sheet
        FSC, Guinier plot (where there is one), sections of the unsharpened map, and of the sharpened one where that
        differs from it.
    """
    rows = [Row((fsc_panel(dataset),), 3.0, "right", KEY_TITLE)]
    headline = wording.verdict(dataset)
    if "log_amplitude" in dataset:
        rows.append(Row((guinier_panel(dataset, "Guinier plot"),), 2.4, "right"))
        headline = headline if "verdict" in dataset.attrs else f"{headline} {guinier_verdict(dataset)}"
    voxel = facts.number(dataset, "voxel_size")
    for words, volume in _maps(dataset).items():
        arrays = {f"{words}, {plane}": central_section(volume, plane) for plane in "zyx"}
        rows.append(Row(image_panels(arrays, voxel), 1.9, grey_scale="density"))
    caption = " · ".join(part for part in (_decisions(dataset), wording.settings_line(dataset)) if part)
    return Sheet(tuple(rows), "Postprocessing", headline, caption, f"{fsc_words(dataset)} {headline}", aligned=True)


def _maps(dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    plain, sharpened = dataset["unsharpened"], dataset["sharpened"]
    if np.array_equal(plain.values, sharpened.values):
        return {"not sharpened": plain}
    by_b_factor = facts.number(dataset, "b_factor_used") != 0
    return {"unsharpened": plain, "sharpened" if by_b_factor else "MTF divided out": sharpened}


def _decisions(dataset: xr.Dataset) -> str:
    lowpass = facts.number(dataset, "lowpass")
    parts = [wording.sentence(str(dataset.attrs.get("relion_decision", ""))).rstrip(".")]
    parts.append(f"low-pass {wording.angstrom(lowpass)}" if math.isfinite(lowpass) else "")
    return " · ".join(part for part in parts if part)


def rows_beside(some: dict[str, xr.Dataset], runs: dict[str, xr.Dataset]) -> list[Row]:
    """Return the rows in which postprocessed maps stand beside each other.

    Parameters
    ----------
    some : dict of str to xarray.Dataset
        Those of these rows, by label.
    runs : dict of str to xarray.Dataset
        All those of the figure, which share their axes and their grey scale.

    Returns
    -------
    list of Row
        FSC curves; Guinier plots, where all of them have one; central sections of the maps, sharpened where they are.
    """
    x_limits = frequency.limits(*runs.values())
    panels = tuple(_short(fsc_panel(run, x_limits, label, names="short")) for label, run in some.items())
    rows = [Row(panels, 2.6, "below", share_y=True)]
    if all("log_amplitude" in run for run in runs.values()):
        rows += guinier_rows(some, runs)
    shown = {label: list(_maps(run).items())[-1] for label, run in runs.items()}
    limits = grey_limits([central_section(volume) for _, volume in shown.values()])
    images = {f"{label}, {shown[label][0]}": central_section(shown[label][1]) for label in some}
    sizes = [facts.number(run, "voxel_size") for run in some.values()]
    return [*rows, Row(image_panels(images, sizes, limits), 2.4, grey_scale="density")]


def _short(panel: Panel) -> Panel:
    """Return the panel with the words of its curves free of numbers, so that all panels share one key."""
    marks = (
        dataclasses.replace(mark, label=mark.label.split(":")[0]) if isinstance(mark, Curve) else mark
        for mark in panel.marks
    )
    return dataclasses.replace(panel, marks=tuple(marks))


PLOTS = {"cryonb/postprocess": postprocess_sheet}
ROWS = {"cryonb/postprocess": rows_beside}
