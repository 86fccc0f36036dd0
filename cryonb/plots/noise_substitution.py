"""Noise substitution: the curve of a run, that of noise in place of its images, and what is left as true."""

import dataclasses
import math

import numpy as np
import xarray as xr

from . import facts, frequency, wording
from .curves import FSC_LIMITS, KEY_TITLE
from .marks import BLACK, BLUE, GREEN, GREY, ORANGE, Area, Curve, Line, Panel, Row, Sheet

STYLE = {
    "run": dict(colour=BLUE, style="-", width=2.4),
    "substituted": dict(colour=ORANGE, style="--", width=2.0),
    "true": dict(colour=BLACK, style=(0, (5, 1.5, 1, 1.5)), width=1.8),
}
WORDS = {
    "run": "the run",
    "substituted": "noise in place of the images",
    "true": "without what was made up",
}


def substitution_panel(
    dataset: xr.Dataset, x_limits: tuple[float, float] | None = None, title: str = "", names: str = "full"
) -> Panel:
    """Return the panel of the curves of a noise substitution.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/noise_substitution``, of one class.
    x_limits : tuple of float, optional
        Ends of the frequency axis [1/angstrom].
    title : str, optional
        Words above the panel.
    names : {"full", "short", ""}, optional
        How many words the Nyquist lines carry.

    Returns
    -------
    Panel
        The three curves, what was made up as a layer between the first and the last, and the shell of the
        substitution.
    """
    x_limits = x_limits or frequency.limits(dataset)
    marks = [
        *frequency.band_marks(dataset, x_limits[1]),
        *frequency.threshold_lines(),
        *frequency.nyquist_lines(dataset, names=names),
        *_limits(dataset, names),
        *_made_up(dataset),
        *_curves(dataset),
    ]
    label = "Fourier shell correlation"
    return Panel(tuple(marks), title, "", frequency.X_LABEL, label, x_limits, FSC_LIMITS, "frequency")


def _limits(dataset: xr.Dataset, names: str) -> list[Line]:
    """Return where the noise begins and where the alignment ends, as lines."""
    found = []
    for name, words, key, colour, style in (
        ("substitution_resolution", "noise from", "where the noise begins", ORANGE, (0, (6, 2))),
        ("alignment_limit", "aligned to", "limit of the alignment", GREEN, (0, (3, 1.5))),
    ):
        resolution = facts.number(dataset, name)
        if math.isfinite(resolution) and resolution > 0:
            label = f"{words} {wording.angstrom(resolution)}" if names == "full" else ""
            found.append(Line(1.0 / resolution, name, label, "x", colour, style, key if names == "short" else ""))
    return found


def _curves(dataset: xr.Dataset) -> list[Curve]:
    x = dataset["frequency"].values
    found = []
    for name, style in STYLE.items():
        y = dataset["fsc"].sel(curve=name).values.astype(float)
        if name == "true":
            y = np.where(_settled(dataset), y, np.nan)
        found.append(Curve(x, y, name, _label(dataset, name), **style))
    return found


def _label(dataset: xr.Dataset, name: str) -> str:
    if name == "substituted" or "fsc_resolution" not in dataset:
        return WORDS[name]
    resolution = float(dataset["fsc_resolution"].sel(curve=name))
    return f"{WORDS[name]}: {wording.angstrom(resolution) if math.isfinite(resolution) else 'not reached'}"


def _settled(dataset: xr.Dataset) -> np.ndarray:
    """Return the shells from the substitution on."""
    return np.arange(dataset.sizes["frequency"]) >= facts.number(dataset, "substitution_shell")


def _made_up(dataset: xr.Dataset) -> list[Area]:
    """Return what lies between the curve of the run and what is left of it."""
    run, true = (dataset["fsc"].sel(curve=name).values.astype(float) for name in ("run", "true"))
    past = _settled(dataset) & np.isfinite(run) & np.isfinite(true)
    if past.sum() < 2:
        return []
    x = dataset["frequency"].values[past]
    low, high = np.minimum(run, true)[past], run[past]
    return [Area(x, low, high, "made_up", "made up by the refinement", GREY, "--", 0.35)]


def by_class(dataset: xr.Dataset) -> dict[str, xr.Dataset]:
    """Return the noise substitution of each class.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/noise_substitution``.

    Returns
    -------
    dict of str to xarray.Dataset
        By "class 1", "class 2", ...; one of no name where there are no classes.
    """
    if "class_id" not in dataset.dims:
        return {"": dataset}
    return {f"class {number}": dataset.sel(class_id=number) for number in dataset["class_id"].values}


def noise_substitution_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/noise_substitution``.

    Parameters
    ----------
    dataset : xarray.Dataset
        The noise substitution; with classes, one row a class.

    Returns
    -------
    Sheet
        The figure.
    """
    classes, x_limits = by_class(dataset), frequency.limits(dataset)
    rows, last = [], len(classes) - 1
    for index, (name, one) in enumerate(classes.items()):
        panel = substitution_panel(one, x_limits, name, "" if index else "full")
        axes = dict(top="" if index else "frequency", x_label=frequency.X_LABEL if index == last else "")
        rows.append(Row((dataclasses.replace(panel, **axes),), 2.6 if last else 3.6, "right", KEY_TITLE))
    return Sheet(
        tuple(rows),
        "What non-independent halves make up",
        wording.verdict(dataset),
        _settings(dataset),
        " ".join(substitution_words(one, name) for name, one in classes.items()),
        aligned=True,
    )


def _settings(dataset: xr.Dataset) -> str:
    recipe = str(dataset.attrs.get("recipe", "")).replace("_", " ")
    parts = [f"recipe {recipe}" if recipe else "", wording.settings_line(dataset)]
    return " · ".join(part for part in parts if part)


def substitution_words(dataset: xr.Dataset, name: str = "") -> str:
    """Return a noise substitution in words.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/noise_substitution``, of one class.
    name : str, optional
        Name of the class.

    Returns
    -------
    str
        One paragraph: what it says, where the noise begins and the alignment ends, Nyquist limits, settings.
    """
    limits = [line.label for line in _limits(dataset, "full")]
    settings = _settings(dataset).replace(" · ", ", ")
    parts = [
        wording.sentence(name) if name else "",
        f"Noise substitution over {dataset.sizes['frequency']} shells: {', '.join(limits)}.",
        wording.verdict(dataset),
        wording.nyquist_sentence(dataset),
        f"Made with {settings}." if settings else "",
    ]
    return " ".join(part for part in parts if part)


def beside(dataset: xr.Dataset, x_limits: tuple[float, float], title: str) -> Panel:
    """Return the panel by which a noise substitution stands beside other runs.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/noise_substitution``, of one class.
    x_limits : tuple of float
        Ends of the frequency axis [1/angstrom].
    title : str
        Words above it.

    Returns
    -------
    Panel
        The curves; its note gives their levels past the substitution.
    """
    run, noise = (float(dataset["level"].sel(curve=name)) for name in ("run", "substituted"))
    note = f"past the substitution {run:.2f},\nof noise alone {noise:.2f}".replace("-", "−")
    return dataclasses.replace(substitution_panel(dataset, x_limits, title, "short"), note=note)


PLOTS = {"cryonb/noise_substitution": noise_substitution_sheet}
PANELS = {"cryonb/noise_substitution": beside}
