"""The FSC curves of several runs in one panel, each with its limits, and what each of them says."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
import xarray as xr

from ..errors import SchemaError, must
from . import facts, frequency, terms, wording
from .catalogue import bound
from .claims import claim_sentence, claims, is_refinement
from .curves import FSC_LIMITS, fsc_curves, threshold_curves
from .marks import SERIES, Curve, Line, Panel, Points, Row, Sheet
from .refinement import limit_marks

KINDS = ("raw", "unmasked", "masked", "corrected")
"""FSC kinds that are drawn beside those of other runs."""

BESIDE = {"raw": (0, (1, 1.4)), "unmasked": (0, (1, 1.4)), "masked": (0, (5, 1.5))}
"""Line styles of the curves that do not speak for their run."""

MOST_SENTENCES = 3


def has_fsc(run: xr.Dataset) -> bool:
    """Return whether a run holds FSC curves.

    Parameters
    ----------
    run : xarray.Dataset
        Any kind.

    Returns
    -------
    bool
        True if it does.
    """
    return ("fsc" in run and "fsc_kind" in run["fsc"].dims) or "fsc_unmasked" in run


def has_curve(run: xr.Dataset) -> bool:
    """Return whether a run can stand in an overlay.

    Parameters
    ----------
    run : xarray.Dataset
        Any kind.

    Returns
    -------
    bool
        True for FSC curves, for a run that holds one, and for a decomposition.
    """
    return has_fsc(run) or terms.is_decomposition(run)


def overlay_sheet(runs: Mapping[str, xr.Dataset]) -> Sheet:
    """Return the figure of the FSC curves of some runs in one panel, with all their Nyquist limits.

    Parameters
    ----------
    runs : mapping of str to xarray.Dataset
        Runs, FSC curves and decompositions by label; others are left out.

    Returns
    -------
    Sheet
        One colour a run. The curve that speaks for it is drawn boldly, the others beside it; of a decomposition the
        curve that was taken apart, and of a run with classes one curve a class.

    Raises
    ------
    SchemaError
        If no run has an FSC.
    """
    shown = {label: run for label, run in runs.items() if has_curve(run)}
    must(bool(shown), "a run must hold an FSC", "none", "Diagnose the runs first", SchemaError)
    caption = "\n".join(f"{label}: {wording.settings_line(run)}" for label, run in shown.items())
    words = " ".join(f"{label}: {reading(run)}" for label, run in shown.items())
    said = [said_of(run) if len(shown) == 1 else f"{label}: {said_of(run)}" for label, run in shown.items()]
    return Sheet(
        (Row((overlay_panel(shown),), 3.6, "below", "FSC, and where it falls to 0.143"),),
        "Fourier shell correlation",
        "\n".join(said) if len(said) <= MOST_SENTENCES else "",
        caption,
        words,
    )


def overlay_panel(runs: Mapping[str, xr.Dataset]) -> Panel:
    """Return the panel of the FSC curves of some runs.

    Parameters
    ----------
    runs : mapping of str to xarray.Dataset
        Each with curves.

    Returns
    -------
    Panel
        Curves named by their run, those that do not speak for it also by their kind; with one run alone, its bands too.
    """
    x_limits = frequency.limits(*runs.values())
    alone = next(iter(runs.values())) if len(runs) == 1 else None
    marks: list = [*frequency.band_marks(alone, x_limits[1])] if alone is not None else []
    marks += [*frequency.threshold_lines(), *frequency.nyquist_lines(*runs.values(), names="short")]
    for (label, run), (colour, style) in zip(runs.items(), SERIES * 4):
        marks += _curves(label, run, colour, style)
        marks += _decided(label, run, colour, alone is not None)
    marks += threshold_curves(alone) if alone is not None else []
    axes = frequency.X_LABEL, "Fourier shell correlation", x_limits, FSC_LIMITS
    return Panel(tuple(marks), "", "", *axes, "frequency")


def _curves(label: str, run: xr.Dataset, colour: str, style: object) -> list[Curve | Points]:
    """Return the curves of a run, the one that speaks for it last, and where that falls to 0.143."""
    if terms.is_decomposition(run):
        return _taken_apart(label, run, colour, style)
    curves = [curve for curve in fsc_curves(run) if curve.name in KINDS or "class" in curve.name]
    if "class_id" in run.get("fsc_unmasked", xr.DataArray()).dims:
        return [_of_class(label, run, curve, colour, number) for number, curve in enumerate(curves)]
    speaks = facts.main_kind(run) if "fsc" in run else "unmasked"
    found: list[Curve | Points] = []
    for curve in sorted(curves, key=lambda curve: curve.name == speaks):
        bold, named = curve.name == speaks, _key_label(label, run, curve.name)
        name = label if bold else f"{label}, {curve.name}"
        look = dict(style=style, width=2.2) if bold else dict(style=BESIDE.get(curve.name, "-"), width=1.2)
        if bold or np.isfinite(curve.y).any():
            found.append(Curve(curve.x, curve.y, name, named, colour, **look))
    resolution = facts.crossing(run, speaks if "fsc" in run else "")
    if resolution > 0 and not is_refinement(run):
        found.append(_at(resolution, 0.143, f"{label} at 0.143", colour, "o"))
    return found


def _of_class(label: str, run: xr.Dataset, curve: Curve, colour: str, number: int) -> Curve:
    said = claims(run).get(curve.name, math.nan)
    words = f": claims {wording.angstrom(said)}" if math.isfinite(said) else ""
    name = f"{label}, {curve.name}"
    return dataclasses.replace(
        curve, name=name, label=f"{name}{words}", colour=colour, style=SERIES[number % len(SERIES)][1]
    )


def _taken_apart(label: str, run: xr.Dataset, colour: str, style: object) -> list[Curve]:
    found = []
    for name, one in terms.by_class(run).items():
        named = f"{label}, {name}" if name else label
        x, y = one["frequency"].values, terms.curve_of(one, terms.own_curve(one))
        found.append(Curve(x, y, named, f"{named}, the curve that was taken apart", colour, style, 2.2))
    return found


def _decided(label: str, run: xr.Dataset, colour: str, alone: bool) -> list[Curve | Line | Points]:
    """Return what a refinement decided: alone all of it, else its claims and what they are read from."""
    if not is_refinement(run) or "fsc_unmasked" not in run:
        return []
    marks = limit_marks(run)
    if alone:
        return marks
    found: list[Curve | Line | Points] = []
    for mark in marks:
        name = f"{label}, {mark.name}"
        if isinstance(mark, Curve):
            found.append(dataclasses.replace(mark, name=name, label=f"{label}, {mark.label}", colour=colour))
        elif isinstance(mark, Points):
            found.append(dataclasses.replace(mark, name=name, label="", colour=colour))
    return found


def _at(resolution: float, level: float, name: str, colour: str, marker: str) -> Points:
    return Points(np.array([1.0 / resolution]), np.array([level]), name, "", colour, marker, filled=False)


def _key_label(label: str, run: xr.Dataset, kind: str) -> str:
    if is_refinement(run) and "fsc" not in run:
        return f"{label}, {'; '.join(claimed(run))}"
    word = wording.KIND_WORDS.get(kind, kind)
    resolution = facts.crossing(run, kind if "fsc" in run else "")
    if not math.isfinite(resolution):
        return f"{label}, {word}: not reached"
    past = ", past particle Nyquist" if wording.past_nyquist(run, resolution) else ""
    return f"{label}, {word}: {wording.angstrom(resolution)}{past}"


def claimed(run: xr.Dataset) -> list[str]:
    """Return what a refinement claims, shortly.

    Parameters
    ----------
    run : xarray.Dataset
        Kind ``cryonb/refinement``, with a recipe.

    Returns
    -------
    list of str
        One a class.
    """
    return [
        f"{f'{name} ' if name else ''}claims {wording.angstrom(value) if math.isfinite(value) else 'none: data end'}"
        for name, value in claims(run).items()
    ]


def said_of(run: xr.Dataset) -> str:
    """Return what a run says of itself: its claim, its verdict, or what its curve says.

    Parameters
    ----------
    run : xarray.Dataset
        Any kind with curves.

    Returns
    -------
    str
        Sentences.
    """
    return wording.sentence(claim_sentence(run)) if is_refinement(run) else wording.verdict(run)


def reading(run: xr.Dataset) -> str:
    """Return a run in words.

    Parameters
    ----------
    run : xarray.Dataset
        Any kind.

    Returns
    -------
    str
        What it says, its limits and its settings; of one without curves and verdict, that it is a map.
    """
    says = has_fsc(run) or run.attrs.get("schema") in bound("PANELS") or "verdict" in run.attrs
    parts = [said_of(run), wording.nyquist_sentence(run)] if says else ["a map."]
    settings = wording.settings_line(run).replace(" · ", ", ")
    return " ".join([*parts, f"Made with {settings}." if settings else ""]).strip()
