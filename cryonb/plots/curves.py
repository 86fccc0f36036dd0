"""Curves over spatial frequency: Fourier shell correlation, insertion weight, Guinier plot."""

import math

import numpy as np
import xarray as xr

from . import facts, frequency
from .marks import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SERIES,
    SKY,
    VERMILLION,
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
FLAT_FROM = 1.0 / 20.0**2
"""The vertical axis of a Guinier plot fits what is finer than 20 angstrom; the shape of the particle lies before."""
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
            y = dataset["fsc"].sel(fsc_kind=kind).values.astype(float)
            found.append(Curve(x, y, kind, _fsc_label(dataset, kind, y), **FSC_STYLE.get(kind, {})))
        return found
    curve = dataset["fsc_unmasked"].where(np.isin(facts.bands(dataset), ("measured", "corner")))
    if "class_id" not in curve.dims:
        label = f"unmasked: {_reading(facts.crossing(dataset))}"
        return [Curve(x, curve.values.astype(float), "unmasked", label, BLUE, "-", 2.2)]
    return [
        Curve(x, curve.sel(class_id=label).values.astype(float), f"class {label}", f"class {label}", colour, style)
        for label, (colour, style) in zip(curve["class_id"].values, SERIES * 4)
    ]


def _fsc_label(dataset: xr.Dataset, kind: str, values: np.ndarray) -> str:
    word = facts.KIND_WORDS.get(kind, kind)
    if kind == "phase_randomised" or not np.isfinite(values).any():
        return word
    return f"{word}: {_reading(facts.crossing(dataset, kind))}"


def _reading(resolution: float) -> str:
    return facts.angstrom(resolution) if math.isfinite(resolution) else "not reached"


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


def _crossings(dataset: xr.Dataset, curves: list[Curve]) -> list[Points]:
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
        (row,), "Fourier shell correlation", facts.verdict(dataset), facts.settings_line(dataset), fsc_words(dataset)
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
    readings = [
        curve.label.replace(":", " falls to 0.143 at" if "Å" in curve.label else " at 0.143")
        for curve in fsc_curves(dataset)
        if ":" in curve.label
    ]
    settings = facts.settings_line(dataset).replace(" · ", ", ")
    parts = [
        f"Fourier shell correlation over {dataset.sizes['frequency']} shells.",
        facts.verdict(dataset),
        f"Curves: {'; '.join(readings)}." if readings else "",
        facts.band_sentence(dataset),
        facts.nyquist_sentence(dataset),
        f"Made with {settings}." if settings else "",
    ]
    return " ".join(part for part in parts if part)


def weight_panel(dataset: xr.Dataset, x_limits: tuple[float, float]) -> Panel:
    """Return the panel of the weight that the particles put into each shell, on a logarithmic scale.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/refinement``.
    x_limits : tuple of float
        Ends of the frequency axis [1/angstrom].

    Returns
    -------
    Panel
        The panel; shells without weight are gaps.
    """
    weight = dataset["insertion_weight"]
    x = dataset["frequency"].values
    curves = []
    for index, (half, colour, style) in enumerate(zip(weight["half"].values, (BLUE, ORANGE), ("-", "--"))):
        y = weight.sel(half=half)
        y = (y.sum("class_id") if "class_id" in y.dims else y).values.astype(float)
        curves.append(Curve(x, np.where(y > 0, y, np.nan), f"half {half}", f"half {half}", colour, style, 2.6 - index))
    held = np.isin(facts.bands(dataset), ("measured", "corner"))
    filled = np.concatenate([curve.y[np.isfinite(curve.y) & held] for curve in curves])
    y_limits = (filled.min() / 2.0, filled.max() * 2.0) if filled.size else (0.1, 1.0)
    marks = [*frequency.band_marks(dataset, x_limits[1], named=False), *frequency.nyquist_lines(dataset, names="")]
    return Panel((*marks, *curves), "", "", frequency.X_LABEL, "insertion weight", x_limits, y_limits, "", "log")


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


def _fit_range(dataset: xr.Dataset):
    from .marks import Band

    coarse, fine = facts.number(dataset, "fit_coarse"), facts.number(dataset, "fit_fine")
    if not (coarse > 0 and fine > 0 and coarse > fine):
        return None
    label = f"fitted: {facts.plain(coarse, 3)} to {facts.plain(fine, 3)} Å"
    return Band(1.0 / coarse**2, 1.0 / fine**2, "fit range", label, SKY)


def _fit_label(dataset: xr.Dataset) -> str:
    return f"fit: B = {facts.plain(facts.number(dataset, 'b_factor'), 3)} Å²"


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
        for part in (facts.settings_line(dataset), f"{shells:.0f} shells fitted" if math.isfinite(shells) else "")
        if part
    )
    row = Row((guinier_panel(dataset),), 3.4, "right")
    words = f"Guinier plot: logarithm of the amplitude against 1/d². {headline} {facts.nyquist_sentence(dataset)}"
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
    b_factor, low, high = (facts.number(dataset, name) for name in ("b_factor", "b_factor_low", "b_factor_high"))
    if not math.isfinite(b_factor):
        return "No B factor: too few shells to fit."
    interval = f" (95 % interval {facts.plain(low, 3)} to {facts.plain(high, 3)} Å²)" if math.isfinite(low) else ""
    reason = (
        str(dataset["reliable"].attrs.get("reason", "") or dataset.attrs.get("reason", ""))
        if "reliable" in dataset
        else ""
    )
    reliable = "reliable" not in dataset or bool(dataset["reliable"].values)
    judgement = "." if reliable else f": not reliable{', ' + reason if reason else ''}. Do not sharpen with it."
    return facts.sentence(f"B = {facts.plain(b_factor, 3)} Å²{interval}{judgement}")


PLOTS = {"cryonb/fsc": fsc_sheet, "cryonb/guinier": guinier_sheet}
