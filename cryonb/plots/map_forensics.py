"""Forensics of half maps on one page: their power with its floors and cliffs, what a curve prints, and the findings."""

import dataclasses
import math
import textwrap

import numpy as np
import xarray as xr

from . import facts, frequency, wording
from .curves import FSC_LIMITS
from .layout import runs_of
from .marks import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILLION,
    Band,
    Curve,
    Line,
    Panel,
    Row,
    Sheet,
)

WORDS_WIDE = 104
"""Characters of a finding that fit in one line above the panels."""

FLOOR_NEAR = 2.5
"""Decades below the spectra at which a rounding floor is still shown as a line."""

LIMIT_WORDS = {
    "likely_nyquist": ("likely particle Nyquist", "likely"),
    "information_end": ("information ends", "ends"),
}
"""Words in full and in short of the limits that were found."""

NOTE_WIDE = 30
"""Characters of a line of the note beside other runs, where four of them share the page."""


def power_panel(dataset: xr.Dataset) -> Panel:
    """Return the power of both halves and of their difference, with floors, leak and cliffs.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/map_forensics``.

    Returns
    -------
    Panel
        The panel.
    """
    x, power = dataset["frequency"].values, dataset["power"].values
    floors = dataset["rounding_floor"].values.astype(float)
    curves = [
        Curve(x, _positive(power[0]), "power A", "half A", BLUE, "-"),
        Curve(x, _positive(power[1]), "power B", "half B", GREEN, "--"),
        Curve(x, _positive(dataset["noise_power"].values), "noise", "their difference: noise", BLACK, "-", 1.2),
    ]
    leak = dataset["predicted_leak"].values.astype(float) if "predicted_leak" in dataset else np.full(x.size, np.nan)
    if np.isfinite(leak).any():
        curves.append(Curve(x, _positive(leak), "leak", "mask leak, predicted", PURPLE, ":"))
    low, high = _power_range(curves)
    floor = float(floors.max())
    near = floor > low / 10**FLOOR_NEAR
    near = near and floor > 0
    low = min(low, floor / 3.0) if near else low
    drawn = [Line(floor, "floor", "float32 rounding", "y", ORANGE, (0, (4, 2)))] if near else []
    marks = (*_empty_bands(dataset, True), *drawn, *_limits(dataset), *curves)
    limits = frequency.limits(dataset)
    return Panel(marks, "", "", "", "power per coefficient", limits, (low, high), "frequency", "log")


def _power_range(curves: list[Curve]) -> tuple[float, float]:
    """Return the ends of the power axis: what the curves hold past the first shell, and some room."""
    values = np.concatenate([curve.y[1:][np.isfinite(curve.y[1:])] for curve in curves] + [np.zeros(0)])
    if not values.size:
        return 0.1, 10.0
    return float(values.min()) / 3.0, max(3.0 * float(values.max()), 10.0 * float(values.min()))


def _floor_words(dataset: xr.Dataset, panel: Panel) -> str:
    """Return where the rounding floor lies that is too far below the spectra to be drawn; empty where it is drawn."""
    floor = float(dataset["rounding_floor"].values.max())
    if floor <= 0 or panel.of(Line, "floor"):
        return ""
    return f"float32 rounding {math.log10(panel.y_limits[0] / floor):.0f} decades below the axis of power"


def printed_panel(dataset: xr.Dataset, named: bool = False) -> Panel:
    """Return what an FSC of the maps prints, shells that hold nothing of their own hatched.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/map_forensics``.
    named : bool, optional
        Whether the limits carry their words and the key explains the hatching.

    Returns
    -------
    Panel
        The panel.
    """
    x, printed = dataset["frequency"].values, dataset["printed_fsc"].values.astype(float)
    held = dataset["fsc"].values.astype(float)
    only = np.where(np.isfinite(held), np.nan, printed)
    curves = [Curve(x, held, "fsc", "of the maps as they are", BLUE, "-", 2.0)]
    if np.isfinite(only).any():
        curves.append(Curve(x, only, "printed", "printed past the data", GREY, ":"))
    limits = _limits(dataset, "short" if named else "")
    marks = (*_empty_bands(dataset, named), *frequency.threshold_lines(), *limits, *curves)
    y_label, limits = "Fourier shell correlation", frequency.limits(dataset)
    lowest = float(np.nanmin(printed[1:], initial=0.0))
    low = -0.1 if lowest > -0.1 else max(lowest - 0.05, -1.03)
    return Panel(marks, "", "", frequency.X_LABEL, y_label, limits, (low, 1.03), "frequency")


def findings_note(dataset: xr.Dataset) -> str:
    """Return the findings that were made as lines of text, with their evidence, and then what they put at risk.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/map_forensics``.

    Returns
    -------
    str
        The lines.
    """
    names, found = dataset["finding"].values, dataset["found"].values.astype(bool)
    evidence = dataset["evidence"].values
    made = [
        f"■ {_word(name).upper()}: {wording.sentence(str(text))}"
        for name, text, yes in zip(names, evidence, found)
        if yes
    ]
    risks = [f"▲ {wording.sentence(line)}" for line in str(dataset.attrs.get("warnings", "")).splitlines()]
    wide = textwrap.TextWrapper(WORDS_WIDE, subsequent_indent="    ", break_on_hyphens=False)
    return "\n".join(line for entry in made + risks for line in wide.wrap(entry))


def forensics_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/map_forensics``.

    Parameters
    ----------
    dataset : xarray.Dataset
        The findings.

    Returns
    -------
    Sheet
        The figure.
    """
    verdict = wording.sentence(str(dataset.attrs.get("verdict", "")))
    nyquist = facts.number(dataset, "likely_particle_nyquist")
    at = f"Likely particle Nyquist {wording.angstrom(1 / nyquist)}: " if nyquist > 0 else "Particle Nyquist "
    reason = wording.sentence(f"{at}{dataset.attrs.get('nyquist_evidence', '')}")
    rows = (
        Row((power_panel(dataset),), 2.6, "right", "mean power of a shell"),
        Row((printed_panel(dataset),), 2.0, "right", "FSC"),
    )
    names, found = dataset["finding"].values, dataset["found"].values.astype(bool)
    others = f"□ not found: {', '.join(_word(name) for name, yes in zip(names, found) if not yes)}"
    box, voxel = (wording.plain(facts.number(dataset, name)) for name in ("box_size", "voxel_size"))
    parts = (f"box {box} voxels", f"voxel {voxel} Å", _floor_words(dataset, rows[0].panels[0]))
    settings = " · ".join(part for part in parts if part)
    said = findings_note(dataset)
    headline = f"{verdict}\n{said}" if said else verdict
    words = " ".join([verdict, *(line.strip() for line in said.splitlines()), others, reason])
    return Sheet(rows, "Forensics of half maps", headline, "\n".join([others, reason, settings]), words, aligned=True)


def _word(name: str) -> str:
    return str(name).replace("_", " ")


def _positive(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    return np.where(values > 0, values, np.nan)


def _limits(dataset: xr.Dataset, names: str = "full") -> list[Line]:
    lines = frequency.nyquist_lines(dataset, names=names)
    likely, end = (facts.number(dataset, name) for name in ("likely_particle_nyquist", "information_end"))
    known = [line.at for line in lines]

    def is_new(at: float) -> bool:
        return math.isfinite(at) and all(abs(at - other) > 0.02 * other for other in known)

    if is_new(likely):
        lines.append(_named_line(likely, "likely_nyquist", names, VERMILLION, "--"))
        known.append(likely)
    if end > 0 and is_new(1.0 / end):
        lines.append(_named_line(1.0 / end, "information_end", names, BLACK, ":"))
    return lines


def _named_line(at: float, name: str, names: str, colour: str, style: str) -> Line:
    full, short = LIMIT_WORDS[name]
    label = f"{full if names == 'full' else short} {wording.angstrom(1.0 / at)}" if names else ""
    return Line(at, name, label, "x", colour, style, full if names == "short" else "")


def _empty_bands(dataset: xr.Dataset, named: bool) -> list[Band]:
    x = dataset["frequency"].values
    half = 0.5 * (x[1] - x[0])
    state = np.where(dataset["past_end"].values, "past", "held").astype("<U8")
    state[dataset["below_leak"].values.astype(bool)] = "leak"
    state[dataset["below_floor"].values.astype(bool)] = "floor"
    words = {"floor": "rounding only", "leak": "mask leak only", "past": "past the information"}
    colours = {"floor": PALE, "leak": SKY, "past": ORANGE}
    return [
        Band(x[first] - half, x[last] + half, name, words[name] if named else "", colours[name], "////")
        for name, first, last in runs_of(state)
        if name in words
    ]


def beside(dataset: xr.Dataset, x_limits: tuple[float, float], title: str) -> Panel:
    """Return the panel by which forensics stand beside other runs.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/map_forensics``.
    x_limits : tuple of float
        Ends of the frequency axis [1/angstrom].
    title : str
        Words above it.

    Returns
    -------
    Panel
        What an FSC of the maps prints; its note lists the findings and where information ends.
    """
    found = [_word(name) for name, yes in zip(dataset["finding"].values, dataset["found"].values) if yes]
    end = facts.number(dataset, "information_end")
    lines = textwrap.wrap(f"found: {', '.join(found) or 'nothing'}", NOTE_WIDE)
    lines += [f"information ends at {wording.angstrom(end)}"] if end > 0 else []
    panel = printed_panel(dataset, named=True)
    return dataclasses.replace(panel, title=title, note="\n".join(lines), x_limits=x_limits, y_limits=FSC_LIMITS)


PLOTS = {"cryonb/map_forensics": forensics_sheet}
PANELS = {"cryonb/map_forensics": beside}
