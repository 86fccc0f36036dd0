"""Local resolution: colours on three central sections of the map, and how often each resolution occurs."""

import dataclasses
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
    marks, edges = _histograms(dataset)
    top = max(1.0, *(float(mark.y.max()) for mark in marks if isinstance(mark, Curve)))
    marks += _limits(dataset)
    limits = (_left_end(marks, edges), edges[-1])
    return Panel(tuple(marks), "", _note(dataset), "local resolution [Å]", "places", limits, (0.0, 1.05 * top))


def _histograms(dataset: xr.Dataset, total: float = 1.0) -> tuple[list, np.ndarray]:
    """Return the histogram of each threshold as marks, its counts divided by a total, and the edges of its bins."""
    centres = dataset["bin"].values
    width = float(np.diff(centres[:2]).sum())
    edges = np.append(centres - 0.5 * width, centres[-1] + 0.5 * width)
    marks: list = []
    for threshold in dataset["threshold"].values:
        colour, style = STYLES.get(str(threshold), (GREY, ":"))
        counts = dataset["histogram"].sel(threshold=threshold).values.astype(float) / total
        x, y = np.repeat(edges, 2), np.concatenate([[0.0], np.repeat(counts, 2), [0.0]])
        marks += [
            Area(x, np.zeros_like(y), y, f"places {threshold}", "", colour),
            Curve(x, y, f"histogram {threshold}", f"local, at {threshold}", colour, style, 1.6),
        ]
    return marks, edges


def _left_end(marks: list, edges: np.ndarray) -> float:
    return float(min([edges[0], *(mark.at for mark in marks if isinstance(mark, Line))]) - (edges[1] - edges[0]))


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


def rows_beside(some: dict[str, xr.Dataset], runs: dict[str, xr.Dataset]) -> list[Row]:
    """Return the rows in which local resolutions stand beside each other.

    Parameters
    ----------
    some : dict of str to xarray.Dataset
        Those of these rows, by label.
    runs : dict of str to xarray.Dataset
        All those of the figure, which share their scales.

    Returns
    -------
    list of Row
        A section of each with its resolution at 0.143 in colours, and below it how often each resolution occurs.
    """
    ends = [colour_limits(run) for run in runs.values()]
    fine, coarse = min(low for low, _ in ends), max(high for _, high in ends)
    sections = []
    for label, run in some.items():
        panel = section_panels(run)[0]
        image = dataclasses.replace(panel.marks[0], overlay_low=fine, overlay_high=coarse)
        sections.append(Panel((image,), label, _middle(run)))
    histograms = {label: _shares_panel(run) for label, run in runs.items()}
    left, right = zip(*(panel.x_limits for panel in histograms.values()))
    top = max(panel.y_limits[1] for panel in histograms.values())
    scaled = dict(x_limits=(min(left), max(right)), y_limits=(0.0, top))
    panels = tuple(dataclasses.replace(histograms[label], **scaled) for label in some)
    return [
        Row(tuple(sections), 2.6, grey_scale="resolution [Å]"),
        Row(panels, 1.9, "below", share_y=True),
    ]


def _middle(dataset: xr.Dataset) -> str:
    chosen = dataset.sel(threshold="0.143")
    middle, outcome = float(chosen["quantile_resolution"].sel(quantile=0.5)), chosen["outcome"].values
    judged = max(int((outcome != "outside").sum()), 1)
    falls, stays = (100.0 * float((outcome == name).sum()) / judged for name in ("reached", "data end"))
    words = f"0.143: median {wording.angstrom(middle)}"
    if not math.isfinite(middle) or falls < 1.0:
        words = "0.143: hardly any falls"
    window = f"window {wording.plain(facts.number(dataset, 'window_diameter'), 3)} Å"
    return f"{words}\n{falls:.0f} % fall, {stays:.0f} % never\n{window}"


def _shares_panel(dataset: xr.Dataset) -> Panel:
    """Return the histogram as parts of the places that were judged, its limits explained in the key."""
    judged = int((dataset["outcome"].sel(threshold="0.143").values != "outside").sum())
    marks, edges = _histograms(dataset, max(judged, 1))
    top = max(0.01, *(float(mark.y.max()) for mark in marks if isinstance(mark, Curve)))
    limits = [dataclasses.replace(line, label="", key=_without_number(line.label)) for line in _limits(dataset)]
    x_limits = _left_end([*marks, *limits], edges), float(edges[-1])
    names = "local resolution [Å]", "part of the places"
    return Panel((*marks, *limits), "", "", *names, x_limits, (0.0, 1.05 * top))


def _without_number(words: str) -> str:
    return " ".join(words.split()[:-2]) if words.endswith("Å") else words


PLOTS = {"cryonb/local_resolution": local_resolution_sheet}
ROWS = {"cryonb/local_resolution": rows_beside}
