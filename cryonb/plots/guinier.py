"""The Guinier plot: logarithm of the amplitude against 1/d², the fit, and whether to believe it."""

import dataclasses
import math

import numpy as np
import xarray as xr

from ..curve_verdict import b_factor_verdict
from . import facts, frequency, wording
from .marks import BLUE, SKY, VERMILLION, Band, Curve, Line, Panel, Row, Sheet

FLAT_FROM = 1.0 / 20.0**2
"""The vertical axis of a Guinier plot fits what is finer than 20 angstrom; the shape of the particle lies before."""


def guinier_panel(dataset: xr.Dataset, title: str = "") -> Panel:
    """Return the Guinier plot of a Dataset: logarithm of the amplitude against 1/d², the fit and its range.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/guinier``, or any with its variables.
    title : str, optional
        Words above the panel.

    Returns
    -------
    Panel
        The panel.
    """
    x = dataset["frequency"].values ** 2
    values = {
        name: dataset[name].values.astype(float)
        for name in ("log_amplitude", "log_amplitude_original", "fit")
        if name in dataset
    }
    nyquist = facts.number(dataset, "particle_nyquist")
    shown = np.isfinite(values["log_amplitude"]) & (x > 0)
    right = 1.03 * max([*x[shown], nyquist**2 if math.isfinite(nyquist) else 0.0, 1e-6])
    marks = [_fit_range(dataset), *_squared_nyquist(dataset)]
    if "log_amplitude_original" in values:
        style = dict(colour=SKY, style="--", width=1.4)
        marks.append(
            Curve(x, values["log_amplitude_original"], "log_amplitude_original", "amplitude alone: ln F", **style)
        )
    marks.append(
        Curve(x, values["log_amplitude"], "log_amplitude", "weighted: ln(F √(2 FSC/(1 + FSC)))", BLUE, "-", 2.0)
    )
    if "fit" in values:
        marks.append(Curve(x, values["fit"], "fit", _fit_label(dataset), VERMILLION, "-", 2.2))
    return Panel(
        tuple(mark for mark in marks if mark is not None),
        title,
        "",
        "1/d² [1/Å²]",
        "ln amplitude",
        (0.0, right),
        _spanned([curve[(x > 0) & (x >= min(FLAT_FROM, 0.2 * right)) & (x <= right)] for curve in values.values()]),
        "inverse_square",
    )


def _spanned(curves: list[np.ndarray]) -> tuple[float, float]:
    values = np.concatenate(curves)
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    margin = max(0.08 * (values.max() - values.min()), 0.1)
    return float(values.min() - margin), float(values.max() + margin)


def _squared_nyquist(dataset: xr.Dataset) -> list:
    lines = frequency.nyquist_lines(dataset)[:1]
    return [type(line)(line.at**2, line.name, line.label, "x", line.colour, line.style) for line in lines]


def _fit_range(dataset: xr.Dataset) -> Band | None:
    coarse, fine = facts.number(dataset, "fit_coarse"), facts.number(dataset, "fit_fine")
    if not (coarse > 0 and fine > 0 and coarse > fine):
        return None
    label = f"fitted: {wording.plain(coarse, 3)} to {wording.plain(fine, 3)} Å"
    return Band(1.0 / coarse**2, 1.0 / fine**2, "fit range", label, SKY)


def _fit_label(dataset: xr.Dataset) -> str:
    return f"fit: B = {wording.plain(facts.number(dataset, 'b_factor'), 3)} Å²"


def guinier_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/guinier``.

    Parameters
    ----------
    dataset : xarray.Dataset
        The Guinier fit.

    Returns
    -------
    Sheet
        The figure.
    """
    headline = guinier_verdict(dataset)
    shells = facts.number(dataset, "n_shells")
    caption = " · ".join(
        part
        for part in (wording.settings_line(dataset), f"{shells:.0f} shells fitted" if math.isfinite(shells) else "")
        if part
    )
    row = Row((guinier_panel(dataset),), 3.4, "right")
    words = f"Guinier plot: logarithm of the amplitude against 1/d². {headline} {wording.nyquist_sentence(dataset)}"
    return Sheet((row,), "Guinier plot", headline, caption, words.strip())


def guinier_verdict(dataset: xr.Dataset) -> str:
    """Return what a Guinier fit says: the B factor with its interval, and whether it may be used.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/guinier``, or any with its variables.

    Returns
    -------
    str
        One or two sentences.
    """
    numbers = (facts.number(dataset, name) for name in ("b_factor", "b_factor_low", "b_factor_high"))
    reason = str(dataset.attrs.get("reason", ""))
    if "reliable" in dataset:
        reason = str(dataset["reliable"].attrs.get("reason", "") or reason)
    reliable = "reliable" not in dataset or bool(dataset["reliable"].values)
    return wording.sentence(b_factor_verdict(*numbers, reliable, reason))


def rows_beside(some: dict[str, xr.Dataset], runs: dict[str, xr.Dataset]) -> list[Row]:
    """Return the row in which Guinier plots stand beside each other.

    Parameters
    ----------
    some : dict of str to xarray.Dataset
        Those of this row, by label; each of a kind with the variables of a Guinier plot.
    runs : dict of str to xarray.Dataset
        All those of the figure, which share their axes.

    Returns
    -------
    list of Row
        One row; above each panel its B factor, with its interval or why it is not to be believed.
    """
    every = {label: guinier_panel(run, label) for label, run in runs.items()}
    low, high = zip(*(panel.y_limits for panel in every.values()))
    shared = dict(x_limits=(0.0, max(panel.x_limits[1] for panel in every.values())), y_limits=(min(low), max(high)))
    panels = [dataclasses.replace(_unnumbered(every[label]), note=_note(run), **shared) for label, run in some.items()]
    return [Row(tuple(panels), 2.6, "below", share_y=True)]


def _unnumbered(panel: Panel) -> Panel:
    """Return the panel with the words of its key free of numbers, and short ones at its line."""
    marks = []
    for mark in panel.marks:
        if isinstance(mark, (Curve, Band)) and mark.name in ("fit", "fit range"):
            mark = dataclasses.replace(mark, label=mark.label.partition(":")[0])
        elif isinstance(mark, Line):
            mark = dataclasses.replace(mark, label=mark.label.replace(" Nyquist", ""))
        marks.append(mark)
    return dataclasses.replace(panel, marks=tuple(marks))


def _note(dataset: xr.Dataset) -> str:
    """Return the B factor, and whether to believe it, in two short lines."""
    b_factor, low, high = (facts.number(dataset, name) for name in ("b_factor", "b_factor_low", "b_factor_high"))
    if not math.isfinite(b_factor):
        return "no fit"
    reliable = "reliable" not in dataset or bool(dataset["reliable"].values)
    interval = f"{wording.plain(low, 3)} to {wording.plain(high, 3)} Å²"
    return f"B = {wording.plain(b_factor, 3)} Å²{'' if reliable else ', not reliable'}\n95 %: {interval}"


PLOTS = {"cryonb/guinier": guinier_sheet}
ROWS = {"cryonb/guinier": rows_beside}
