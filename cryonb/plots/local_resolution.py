"""Local resolution: colours on three central sections of the map, and how often each resolution occurs."""

import math

import numpy as np
import xarray as xr

from . import facts, wording
from .images import grey_limits
from .marks import BLUE, GREEN, GREY, VERMILLION, Area, Curve, Image, Line, Panel, Row, Sheet

STYLES = {"0.143": (BLUE, "-"), "0.5": (GREEN, "--")}


def section_panels(dataset: xr.Dataset, threshold: str = "0.143") -> tuple[Panel, ...]:
    """Return central sections of the map with its local resolution in colours.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/local_resolution``.
    threshold : str, optional
        One of its thresholds.

    Returns
    -------
    tuple of Panel
        Seen along z, y and x.
    """
    sections = dataset["density_section"].values
    low, high = grey_limits([sections])
    fine, coarse = colour_limits(dataset)
    chosen = dataset.sel(threshold=threshold)
    panels = []
    for number, plane in enumerate(dataset["plane"].values):
        image = Image(
            sections[number],
            f"section {plane}",
            low,
            high,
            facts.number(dataset, "voxel_size"),
            chosen["resolution_section"].values[number],
            fine,
            coarse,
            chosen["data_end_section"].values[number].astype(bool),
        )
        panels.append(Panel((image,), f"section along {plane}, at {threshold}"))
    return tuple(panels)


def colour_limits(dataset: xr.Dataset) -> tuple[float, float]:
    """Return the ends of the colour scale, the same for all thresholds.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/local_resolution``.

    Returns
    -------
    tuple of float
        From the 5 % quantile at 0.143 to the 95 % quantile at 0.5 [angstrom]; of the data's end where there is none.
    """
    values = dataset["quantile_resolution"].values
    finite = values[np.isfinite(values)]
    if not finite.size:
        end = facts.number(dataset, "data_end")
        return end, 2.0 * end
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > 1.02 * low else (0.98 * low, 1.02 * high)


def histogram_panel(dataset: xr.Dataset) -> Panel:
    """Return how often each local resolution occurs, with the global ones marked.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/local_resolution``.

    Returns
    -------
    Panel
        The panel.
    """
    centres = dataset["bin"].values
    width = float(np.diff(centres[:2]).sum())
    edges = np.append(centres - 0.5 * width, centres[-1] + 0.5 * width)
    marks, top = [], 1.0
    for threshold in dataset["threshold"].values:
        colour, style = STYLES.get(str(threshold), (GREY, ":"))
        counts = dataset["histogram"].sel(threshold=threshold).values.astype(float)
        x, y = np.repeat(edges, 2), np.concatenate([[0.0], np.repeat(counts, 2), [0.0]])
        marks += [
            Area(x, np.zeros_like(y), y, f"places {threshold}", "", colour),
            Curve(x, y, f"histogram {threshold}", f"local, at {threshold}", colour, style, 1.6),
        ]
        top = max(top, float(counts.max()))
    marks += _limits(dataset)
    limits = (min([edges[0], *(mark.at for mark in marks if isinstance(mark, Line))]) - width, edges[-1])
    return Panel(tuple(marks), "", _note(dataset), "local resolution [Å]", "places", limits, (0.0, 1.05 * top))


def _limits(dataset: xr.Dataset) -> list[Line]:
    found = []
    last = float(dataset["bin"].values[-1])
    for threshold in dataset["threshold"].values:
        at = float(dataset["global_resolution"].sel(threshold=threshold))
        colour, style = STYLES.get(str(threshold), (GREY, ":"))
        if math.isfinite(at) and at <= last:
            words = f"global at {threshold} {wording.angstrom(at)}"
            found.append(Line(at, f"global {threshold}", words, "x", colour, (0, (2, 1.5))))
    end = facts.number(dataset, "data_end")
    if math.isfinite(end):
        found.append(Line(end, "data_end", f"data end {wording.angstrom(end)}", "x", GREY, "-"))
    nyquist = facts.number(dataset, "particle_nyquist")
    if nyquist > 0 and 1.0 / nyquist <= last:
        words = f"particle Nyquist {wording.angstrom(1.0 / nyquist)}"
        found.append(Line(1.0 / nyquist, "particle_nyquist", words, "x", VERMILLION, "-."))
    return found


def _note(dataset: xr.Dataset) -> str:
    missing = [
        f"global FSC at {threshold} not reached"
        for threshold in dataset["threshold"].values
        if not math.isfinite(float(dataset["global_resolution"].sel(threshold=threshold)))
    ]
    return ", ".join(missing)


def local_resolution_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/local_resolution``.

    Parameters
    ----------
    dataset : xarray.Dataset
        The local resolution.

    Returns
    -------
    Sheet
        Sections for 0.143 and for 0.5, and the histogram of both.
    """
    rows = [
        Row(section_panels(dataset, str(threshold)), 2.6, grey_scale="local resolution [Å]")
        for threshold in dataset["threshold"].values
    ]
    rows.append(Row((histogram_panel(dataset),), 2.3, "right"))
    headline = wording.sentence(dataset.attrs.get("verdict", "")).replace(" %", "\u00a0%")
    caption = settings_words(dataset)
    hatched = "Hatched: above the threshold to where the data end, so no resolution. Grey only: outside, or like noise."
    words = f"Local resolution on three central sections, and its histogram. {headline} {hatched} Made with {caption}."
    return Sheet(tuple(rows), "Local resolution", headline, f"{hatched}\n{caption}", words)


def settings_words(dataset: xr.Dataset) -> str:
    """Return the settings that made a local resolution, with units.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/local_resolution``.

    Returns
    -------
    str
        Parts joined by " · ".
    """
    diameter, step = (facts.number(dataset, name) for name in ("window_diameter", "step"))
    form = {"modified": "modified FSC", "windowed": "windowed FSC"}.get(dataset.attrs.get("method", ""), "")
    parts = [
        f"window {wording.plain(diameter, 3)} Å at half height",
        f"places every {wording.plain(step, 3)} Å",
        form,
        f"told from noise by {wording.plain(facts.number(dataset, 'significance'), 2)} σ",
        wording.settings_line(dataset),
    ]
    return " · ".join(part for part in parts if part)


PLOTS = {"cryonb/local_resolution": local_resolution_sheet}
