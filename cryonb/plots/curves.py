"""Fourier shell correlation as curves: every kind, its thresholds, limits and bands."""

import math

import numpy as np
import xarray as xr

from . import facts, frequency, wording
from .marks import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SERIES,
    Curve,
    Panel,
    Points,
    Row,
    Sheet,
    Text,
)

FSC_STYLE = {
    "raw": dict(colour=BLUE, style="-"),
    "masked": dict(colour=GREEN, style="--"),
    "modified": dict(colour=PURPLE, style="-."),
    "phase_randomised": dict(colour=ORANGE, style=(0, (1, 1.4))),
    "corrected": dict(colour=BLACK, style="-", width=2.4),
}
THRESHOLD_STYLE = {
    "half_bit": dict(label="half-bit threshold", style=(0, (5, 1.5, 1, 1.5))),
    "three_sigma": dict(label="3 σ threshold", style=(0, (1, 1))),
}
FSC_LIMITS = (-0.1, 1.0)
KEY_TITLE = "FSC, and where it falls to 0.143"


def fsc_curves(dataset: xr.Dataset) -> list[Curve]:
    """Return the FSC curves of a Dataset with their resolutions in the key.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/fsc``, ``cryonb/refinement`` or any with `fsc(fsc_kind, frequency)`.

    Returns
    -------
    list of Curve
        Named by FSC kind; for a refinement "unmasked", one a class.
    """
    x = dataset["frequency"].values
    if "fsc" in dataset:
        kinds = [str(kind) for kind in dataset["fsc_kind"].values]
        found = []
        for kind in sorted(kinds, key=lambda kind: kind == "corrected"):
            y = facts.fsc_values(dataset, kinds.index(kind))
            found.append(Curve(x, y, kind, _fsc_label(dataset, kind, y), **FSC_STYLE.get(kind, {})))
        return found
    held = xr.DataArray(np.isin(facts.bands(dataset), facts.DATA_BANDS), dims="frequency")
    curve = dataset["fsc_unmasked"].where(held)
    if "class_id" not in curve.dims:
        label = "unmasked" if _is_decided(dataset) else f"unmasked: {_reading(facts.crossing(dataset))}"
        return [Curve(x, curve.values.astype(float), "unmasked", label, BLUE, "-", 2.2)]
    return [
        Curve(x, curve.sel(class_id=label).values.astype(float), f"class {label}", f"class {label}", colour, style)
        for label, (colour, style) in zip(curve["class_id"].values, SERIES * 4)
    ]


def _fsc_label(dataset: xr.Dataset, kind: str, values: np.ndarray) -> str:
    word = wording.KIND_WORDS.get(kind, kind)
    if kind == "phase_randomised" or not np.isfinite(values).any():
        return word
    return f"{word}: {_reading(facts.crossing(dataset, kind))}"


def _reading(resolution: float) -> str:
    return wording.angstrom(resolution) if math.isfinite(resolution) else "not reached"


def threshold_curves(dataset: xr.Dataset) -> list[Curve]:
    """Return the thresholds that change from shell to shell.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/fsc``; without `threshold_curve` there are none.

    Returns
    -------
    list of Curve
        Named "half_bit" and "three_sigma".
    """
    if "threshold_curve" not in dataset:
        return []
    table = dataset["threshold_curve"].sel(fsc_kind=facts.main_kind(dataset))
    x = dataset["frequency"].values
    measured = dataset["fsc"].sel(fsc_kind=facts.main_kind(dataset)).values.astype(float)
    found = []
    for name, style in THRESHOLD_STYLE.items():
        if name in table["threshold"].values:
            y = table.sel(threshold=name).values.astype(float)
            visible = np.where((y <= FSC_LIMITS[1]) & np.isfinite(measured), y, np.nan)
            found.append(Curve(x, visible, name, colour=GREY, width=1.0, **style))
    return found


def fsc_panel(
    dataset: xr.Dataset,
    x_limits: tuple[float, float] | None = None,
    title: str = "",
    note: str = "",
    x_label: bool = True,
    names: str = "full",
) -> Panel:
    """Return the panel of a Dataset's FSC: curves, thresholds, both Nyquist limits and the bands.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/fsc``, ``cryonb/refinement`` or any with the same variables.
    x_limits : tuple of float, optional
        Ends of the frequency axis [1/angstrom].
    title, note : str, optional
        Words above the panel.
    x_label : bool, optional
        Whether the frequency axis is named.
    names : {"full", "short"}, optional
        How many words the Nyquist lines carry.

    Returns
    -------
    Panel
        The panel.
    """
    x_limits = x_limits or frequency.limits(dataset)
    curves = fsc_curves(dataset)
    marks = [
        *frequency.band_marks(dataset, x_limits[1]),
        *frequency.threshold_lines(),
        *frequency.nyquist_lines(dataset, names=names),
        *curves,
        *threshold_curves(dataset),
        *_crossings(dataset, curves),
    ]
    if not any(np.isfinite(curve.y).any() for curve in curves):
        marks.append(Text("no shell holds data", "empty", 0.5, 0.45))
    return Panel(
        tuple(marks),
        title,
        note,
        frequency.X_LABEL if x_label else "",
        "Fourier shell correlation",
        x_limits,
        FSC_LIMITS,
        "frequency",
    )


def _is_decided(dataset: xr.Dataset) -> bool:
    """Return whether a recipe read the resolution of a run, perhaps from another curve or at another threshold."""
    return "recipe" in dataset.attrs and "fsc" not in dataset


def _crossings(dataset: xr.Dataset, curves: list[Curve]) -> list[Points]:
    if _is_decided(dataset):
        return []
    found = []
    for curve in curves:
        resolution = facts.crossing(dataset, curve.name if "fsc" in dataset else "")
        if math.isfinite(resolution) and resolution > 0 and curve.name != "phase_randomised" and len(curves) < 6:
            x, y = np.array([1.0 / resolution]), np.array([0.143])
            found.append(Points(x, y, f"{curve.name} at 0.143", colour=curve.colour, filled=False))
    return found


def fsc_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/fsc``.

    Parameters
    ----------
    dataset : xarray.Dataset
        The FSC.

    Returns
    -------
    Sheet
        The figure.
    """
    row = Row((fsc_panel(dataset),), 3.6, "right", KEY_TITLE)
    return Sheet(
        (row,),
        "Fourier shell correlation",
        wording.verdict(dataset),
        wording.settings_line(dataset),
        fsc_words(dataset),
    )


def fsc_words(dataset: xr.Dataset) -> str:
    """Return an FSC in words.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/fsc``, ``cryonb/refinement`` or any with the same variables.

    Returns
    -------
    str
        One paragraph: resolutions, where the data end, bands, Nyquist limits, settings.
    """
    readings = _readings(dataset)
    settings = wording.settings_line(dataset).replace(" · ", ", ")
    parts = [
        f"Fourier shell correlation over {dataset.sizes['frequency']} shells.",
        wording.verdict(dataset),
        f"Curves: {'; '.join(readings)}." if readings else "",
        wording.band_sentence(dataset),
        wording.nyquist_sentence(dataset),
        f"Made with {settings}." if settings else "",
    ]
    return " ".join(part for part in parts if part)


def _readings(dataset: xr.Dataset) -> list[str]:
    found = []
    for curve in fsc_curves(dataset):
        word, stated, _ = curve.label.partition(":")
        resolution = facts.crossing(dataset, curve.name if "fsc" in dataset else "")
        if stated and math.isfinite(resolution):
            past = ", past the particle Nyquist" if wording.past_nyquist(dataset, resolution) else ""
            found.append(f"{word} falls to 0.143 at {wording.angstrom(resolution)}{past}")
        elif stated:
            found.append(f"{word} does not fall to 0.143")
    return found


PLOTS = {"cryonb/fsc": fsc_sheet}
