"""Directional FSC: the spread of the curves over all directions, and maps of the sphere that say where it is worst."""

import dataclasses
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
    SKY,
    Area,
    Curve,
    Panel,
    Points,
    Row,
    Sheet,
    SphereMap,
)

LIMITS = (-0.1, 1.0)
NAMED_STYLE = {
    "best": dict(colour=BLUE, marker="o", style="-"),
    "worst": dict(colour=ORANGE, marker="s", style="--"),
    "empty": dict(colour=PURPLE, marker="D", style=":"),
}
NAMED_WORDS = {"best": "best direction", "worst": "worst direction", "empty": "middle of the directions without data"}
POLE = 3.0
"""Tilt below which the rot of a direction says nothing [degree]."""


def spread_panel(dataset: xr.Dataset, x_limits: tuple[float, float] | None = None, title: str = "") -> Panel:
    """Return the panel of the FSC over all directions, the range of the cones, and the FSO curve.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/directional``.
    x_limits : tuple of float, optional
        Ends of the frequency axis [1/angstrom].
    title : str, optional
        Words above the panel.

    Returns
    -------
    Panel
        The panel.
    """
    x_limits = x_limits or frequency.limits(dataset)
    x = dataset["frequency"].values
    cones = dataset["fsc_cone"].values.astype(float)
    low, inner_low, inner_high, high = _range(cones, (0.0, 10.0, 90.0, 100.0))
    fso = dataset["fso"].values.astype(float)
    overall = dataset["fsc_global"].values.astype(float)
    marks = [
        *_background(dataset, x_limits),
        Area(x, low, high, "range", "cones: from the lowest to the highest", SKY),
        Area(x, inner_low, inner_high, "inner range", "cones: 10 to 90 % of the directions", BLUE),
        Curve(x, fso, "fso", "FSO, part of the directions above 0.143", GREEN, "--", 2.0),
        Curve(
            x, overall, "global", f"all directions: {_reading(facts.number(dataset, 'resolution'))}", BLACK, "-", 2.2
        ),
    ]
    return _panel(marks, title, "FSC, or part of the directions", x_limits)


def extremes_panel(dataset: xr.Dataset, x_limits: tuple[float, float] | None = None, title: str = "") -> Panel:
    """Return the panel of the curves in the best and in the worst direction.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/directional``.
    x_limits : tuple of float, optional
        Ends of the frequency axis [1/angstrom].
    title : str, optional
        Words above the panel.

    Returns
    -------
    Panel
        The panel.
    """
    x_limits = x_limits or frequency.limits(dataset)
    x = dataset["frequency"].values
    marks = _background(dataset, x_limits)
    marks.append(Curve(x, dataset["fsc_global"].values.astype(float), "global", "", GREY, "-", 1.2))
    for name in ("best", "worst"):
        if not math.isfinite(_angles(dataset, name)[1]):
            continue
        direction = _nearest(dataset, name)
        y = dataset["fsc_cone"].values[direction].astype(float)
        style = NAMED_STYLE[name]
        marks.append(Curve(x, y, name, _named_words(dataset, name), style["colour"], style["style"], 2.0))
    return _panel(marks, title, "FSC", x_limits)


def _panel(marks: list, title: str, y_label: str, x_limits: tuple[float, float]) -> Panel:
    return Panel(tuple(marks), title, "", frequency.X_LABEL, y_label, x_limits, LIMITS, "frequency")


def _background(dataset: xr.Dataset, x_limits: tuple[float, float]) -> list:
    lines = frequency.nyquist_lines(dataset, names="short")
    return [*frequency.band_marks(dataset, x_limits[1]), *frequency.threshold_lines(), *lines]


def _range(cones: np.ndarray, percentiles: tuple[float, ...]) -> np.ndarray:
    found = np.full((len(percentiles), cones.shape[1]), np.nan)
    filled = np.isfinite(cones).any(axis=0)
    found[:, filled] = np.nanpercentile(cones[:, filled], percentiles, axis=0)
    return found


def _nearest(dataset: xr.Dataset, name: str) -> int:
    axis = dataset["named_axis"].sel(named_direction=name).values
    return int(np.argmax(np.abs(dataset["direction_axis"].values @ axis)))


def _angles(dataset: xr.Dataset, name: str) -> tuple[float, float]:
    rot, tilt = (float(dataset[word].sel(named_direction=name)) for word in ("named_rot", "named_tilt"))
    return rot, tilt


def _reading(resolution: float) -> str:
    return wording.angstrom(resolution) if math.isfinite(resolution) else "not reached"


def _named_words(dataset: xr.Dataset, name: str) -> str:
    rot, tilt = _angles(dataset, name)
    where = "along z" if tilt < POLE else f"rot {rot:.0f}°, tilt {tilt:.0f}°".replace("-", "−")
    return f"{NAMED_WORDS[name]}, {where}: {_reading(float(dataset['named_resolution'].sel(named_direction=name)))}"


def resolution_map(dataset: xr.Dataset) -> Panel:
    """Return the map of the resolution in every direction, those without data hatched.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/directional``.

    Returns
    -------
    Panel
        The panel. Every direction is drawn twice, with its opposite.
    """
    values = dataset["cone_resolution"].values.astype(float)
    held, end = dataset["has_data"].values.astype(bool), facts.data_end(dataset)
    shown, beyond = np.where(held & np.isnan(values), end, values), int((held & np.isnan(values)).sum())
    drawn = shown[np.isfinite(shown)]
    low, high = (float(drawn.min()), float(drawn.max())) if drawn.size else (0.0, 1.0)
    label, note = "resolution [Å]", "where the curve of a cone falls to 0.143"
    if beyond:
        note = f"{beyond} never fall to 0.143: drawn as {wording.angstrom(end)}, where data end"
    if beyond and beyond == held.sum():
        label, note = "", f"none falls to 0.143 before the data end at {wording.angstrom(end)}"
    words = ("Resolution by direction", note)
    return _sphere(dataset, shown, "cone_resolution", label, (low, max(high, 1.01 * low)), words)


def area_map(dataset: xr.Dataset) -> Panel:
    """Return the map of the area under the curve of every direction.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/directional``.

    Returns
    -------
    Panel
        The panel. Every direction is drawn twice, with its opposite.
    """
    area = dataset["cone_area"].values.astype(float)
    shown = np.where(dataset["has_data"].values.astype(bool), area / max(float(area.max()), 1e-30), np.nan)
    note = "relative to the largest"
    return _sphere(dataset, shown, "cone_area", "relative area", (0.0, 1.0), ("Area under the curve of a cone", note))


def _sphere(
    dataset: xr.Dataset, values: np.ndarray, name: str, label: str, scale: tuple[float, float], words: tuple[str, str]
) -> Panel:
    rot, low, high = _both_sides(dataset)
    marks = [SphereMap(rot, low, high, np.tile(values, 2), name, label, *scale)]
    void = np.tile(~dataset["has_data"].values.astype(bool), 2)
    if void.any():
        x, bottom, top = _hatched(rot[void], low[void], high[void], _widths(rot, low)[void])
        marks.append(Area(x, bottom, top, "no data", "directions without data", GREY, "////", 0.12))
    for point in ("best", "worst", "empty"):
        if math.isfinite(_angles(dataset, point)[0]):
            marks.append(_point(dataset, point))
    return Panel(tuple(marks), *words, "rot −180° to 180°, a line every 60°", "tilt")


def _point(dataset: xr.Dataset, name: str) -> Points:
    rot, tilt = _angles(dataset, name)
    away = rot - 180.0 if rot > 0 else rot + 180.0
    x, y = np.radians([rot, away]), np.radians([90.0 - tilt, tilt - 90.0])
    style = NAMED_STYLE[name]
    return Points(x, y, name, NAMED_WORDS[name], style["colour"], style["marker"], 6.0, filled=False)


def _both_sides(dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the middles and edges of the cells of all directions, then of their opposites [degree]."""
    names = ("direction_rot", "direction_tilt_low", "direction_tilt_high")
    rot, low, high = (dataset[name].values.astype(float).round(9) for name in names)
    away = np.where(rot > 0, rot - 180.0, rot + 180.0)
    mirrored = (180.0 - high).round(9), (180.0 - low).round(9)
    return np.append(rot, away), np.append(low, mirrored[0]), np.append(high, mirrored[1])


def _widths(rot: np.ndarray, low: np.ndarray) -> np.ndarray:
    rings, ring, count = np.unique(low, return_inverse=True, return_counts=True)
    return (360.0 / count)[ring]


def _hatched(rot: np.ndarray, low: np.ndarray, high: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return outlines of cells on the map, in its own unit [radian], separated by NaN."""
    found = [[], [], []]
    for middle, tilt_low, tilt_high, wide in zip(rot, low, high, width):
        for turn in (-360.0, 0.0, 360.0):
            left, right = max(middle - wide / 2 + turn, -180.0), min(middle + wide / 2 + turn, 180.0)
            if right > left:
                for column, part in zip(found, ((left, right), [90.0 - tilt_high] * 2, [90.0 - tilt_low] * 2)):
                    column.extend([*part, math.nan])
    return tuple(np.radians(column) for column in found)


def directional_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/directional``.

    Parameters
    ----------
    dataset : xarray.Dataset
        The directional FSC.

    Returns
    -------
    Sheet
        Curves above, maps of the sphere below; the verdict is the headline.
    """
    curves = (
        spread_panel(dataset, title="All directions"),
        extremes_panel(dataset, title="Best and worst direction"),
    )
    rows = (Row(curves, 2.7, "below"), Row((resolution_map(dataset), area_map(dataset)), 2.0, "below"))
    headline = wording.sentence(dataset.attrs.get("verdict", ""))
    words = f"Directional Fourier shell correlation. {headline} {wording.nyquist_sentence(dataset)}"
    return Sheet(rows, "Directional FSC", headline, directional_settings(dataset), words.strip())


def directional_settings(dataset: xr.Dataset) -> str:
    """Return the settings that made a directional FSC as one line, with units.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/directional``.

    Returns
    -------
    str
        Parts joined by " · ".
    """
    angle, least = facts.number(dataset, "half_angle"), facts.number(dataset, "empty_below")
    level = facts.number(dataset, "sphericity_level")
    parts = [
        wording.settings_line(dataset),
        f"{dataset.sizes['direction']} cones of half angle {wording.plain(angle)}°",
        f"no data below {wording.plain(least)} of the mean power of a shell",
        f"sphericity of the region above {wording.plain(level)}",
        "worst direction = coarsest resolution, else least area",
        "cFAR = least area over largest",
    ]
    return " · ".join(part for part in parts if part)


def beside(dataset: xr.Dataset, x_limits: tuple[float, float], title: str) -> Panel:
    """Return the panel by which a directional FSC stands beside other runs.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/directional``.
    x_limits : tuple of float
        Ends of the frequency axis [1/angstrom].
    title : str
        Words above it.

    Returns
    -------
    Panel
        The spread over all directions; its note gives the resolutions of the best and the worst, and how even they are.
    """
    best, worst = (float(dataset["named_resolution"].sel(named_direction=name)) for name in ("best", "worst"))
    best, worst = (_reading(value).replace("not reached", "never") for value in (best, worst))
    sphericity, cfar = (facts.number(dataset, name) for name in ("sphericity", "cfar"))
    roundness = f"sphericity {sphericity:.2f}" if math.isfinite(sphericity) else "no sphericity"
    note = f"best {best}, worst {worst}\n{roundness}, cFAR {cfar:.2f}"
    return dataclasses.replace(spread_panel(dataset, x_limits, title), note=note)


PLOTS = {"cryonb/directional": directional_sheet}
PANELS = {"cryonb/directional": beside}
