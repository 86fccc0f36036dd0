"""The decomposition of an FSC: its terms stacked up to the user's own curve, and the curves that prove them."""

import dataclasses
import math

import numpy as np
import xarray as xr

from . import facts, frequency, terms, wording
from .curves import FSC_LIMITS
from .layout import stacked
from .marks import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, Area, Curve, Panel, Row, Sheet, Text

TERM_STYLE = {
    "in_band": dict(colour=BLUE),
    "support": dict(colour=SKY, hatch="oo"),
    "corner": dict(colour=GREEN, hatch="///"),
    "shared_reference": dict(colour=GREY, hatch="--"),
    "grid_locked": dict(colour=ORANGE, hatch="\\\\\\"),
    "grid_locked_circle": dict(colour=ORANGE, hatch="\\\\\\"),
    "mask_leak": dict(colour=PURPLE, hatch="xx"),
}
"""Blue and green are real signal, orange is made by the interpolation, purple by the mask, grey by the refinement."""

LAYER = 0.55
"""Opacity of the layers of a stack."""

PROOFS = {
    "dithered": dict(colour=BLUE, style="-"),
    "surrogate": dict(colour=ORANGE, style="--"),
    "noise": dict(colour=GREY, style=(0, (1, 1.2))),
    "substituted": dict(colour=BLACK, style=(0, (5, 1.5, 1, 1.5))),
    "resampling": dict(colour=PURPLE, style="-."),
}
FSC = "Fourier shell correlation"
KEYS = {"stack": "What the curve is made of", "proofs": "Measured beside it", "masked": "Under the mask"}


def stack_panel(
    dataset: xr.Dataset,
    x_limits: tuple[float, float],
    title: str = "",
    variable: str = "fsc",
    names: str = "full",
) -> Panel:
    """Return the panel of the terms that stack up to the user's own curve.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/decomposition``, of one class.
    x_limits : tuple of float
        Ends of the frequency axis [1/angstrom].
    title : str, optional
        Words above the panel.
    variable : {"fsc", "fsc_masked"}, optional
        Which curves.
    names : {"full", "short", ""}, optional
        How many words the Nyquist lines carry.

    Returns
    -------
    Panel
        The panel; without the layers where terms are not there.
    """
    x, own = dataset["frequency"].values, terms.own_curve(dataset)
    masked = variable == "fsc_masked"
    word = f"the curve{' under the mask' if masked else ''}: {'square' if own == 'standard' else 'circle'} limit"
    top = terms.curve_of(dataset, own, variable)
    marks = [
        *frequency.band_marks(dataset, x_limits[1], named=not masked),
        *frequency.threshold_lines(),
        *frequency.nyquist_lines(dataset, names=names, corners=True),
        *_layers(dataset, variable),
        Curve(x, top, own, word, BLACK, "-", 2.0),
        *(_mask_leak(dataset) if masked else _predicted(dataset) if own == "standard" else ()),
    ]
    if not np.isfinite(top).any():
        marks.append(Text("not computed", "empty", 0.5, 0.45))
    return Panel(tuple(marks), title, "", frequency.X_LABEL, FSC, x_limits, FSC_LIMITS, "frequency")


def _layers(dataset: xr.Dataset, variable: str) -> list[Area]:
    """Return the terms as layers; what is in band up to the limit of the data is support smoothness past it."""
    parts = terms.stack_of(dataset, variable)
    if not parts:
        return []
    x = dataset["frequency"].values
    common = parts.pop("in_band") + parts.pop("support")
    named = {"in_band": common, **parts}
    edges = stacked(list(named.values()), terms.curve_of(dataset, terms.own_curve(dataset), variable))
    nyquist = facts.number(dataset, "particle_nyquist")
    layers = []
    for name, low, high in zip(named, edges, edges[1:]):
        if name == "in_band" and x[0] < nyquist < x[-1]:
            layers += [_part(x, low, high, name, (x[0], nyquist)), _part(x, low, high, "support", (nyquist, x[-1]))]
        else:
            layers.append(_part(x, low, high, name, (x[0], x[-1])))
    return layers


def _part(x: np.ndarray, low: np.ndarray, high: np.ndarray, name: str, ends: tuple[float, float]) -> Area:
    inside = np.unique([ends[0], *x[(x > ends[0]) & (x < ends[1])], ends[1]])
    edges = (np.interp(inside, x, edge) for edge in (low, high))
    return Area(inside, *edges, name, terms.TERM_WORDS[name], opacity=LAYER, **TERM_STYLE[name])


def _predicted(dataset: xr.Dataset) -> list:
    if "predicted_corner" not in dataset or not np.isfinite(dataset["predicted_corner"].values).any():
        return []
    x, y = dataset["frequency"].values, dataset["predicted_corner"].values.astype(float)
    found = [Curve(x, y, "predicted_corner", "predicted corner, 95 % interval", BLACK, (0, (4, 2)), 1.0)]
    if "predicted_corner_spread" in dataset:
        half = dataset["predicted_corner_spread"].values.astype(float)
        found.insert(0, Area(x, y - half, y + half, "predicted_corner", "", GREY, opacity=0.3))
    return found


def _mask_leak(dataset: xr.Dataset) -> list[Curve]:
    """Return the leak as random phases give it, beside the layer of the leak that was measured without."""
    x, name = dataset["frequency"].values, "mask_leak_randomised"
    y = terms.curve_of(dataset, name, "fsc_masked")
    style = dict(colour=PURPLE, style=(0, (1, 1.2)))
    return [Curve(x, y, name, terms.TERM_WORDS[name], **style)] if np.isfinite(y).any() else []


def proof_panel(dataset: xr.Dataset, x_limits: tuple[float, float]) -> Panel:
    """Return the panel of the other curves that were measured, each with its 95 % interval.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/decomposition``, of one class.
    x_limits : tuple of float
        Ends of the frequency axis [1/angstrom].

    Returns
    -------
    Panel
        Half B on turned grids, the band-limited surrogate and noise alone; the other limit's as thinner lines, with
        the predicted corner beside them where the user's own curve has no corners.
    """
    marks = [
        *frequency.band_marks(dataset, x_limits[1], named=False),
        *frequency.threshold_lines(),
        *frequency.nyquist_lines(dataset, names="", corners=True),
    ]
    curves = _proofs(dataset)
    areas = [area for curve in curves if (area := _spread(dataset, curve)) is not None]
    areas[:1] = [dataclasses.replace(areas[0], label="95 % interval")] if areas else []
    predicted = [] if terms.own_curve(dataset) == "standard" or not curves else _predicted(dataset)
    lowest = min((np.nanmin(curve.y) for curve in curves if curve.name == "resampling"), default=0.0)
    y_limits = (min(FSC_LIMITS[0], 1.1 * float(lowest)), FSC_LIMITS[1])
    return Panel((*marks, *predicted, *areas, *curves), "", "", frequency.X_LABEL, FSC, x_limits, y_limits)


def _proofs(dataset: xr.Dataset) -> list[Curve]:
    square = terms.own_curve(dataset) == "standard"
    band = facts.number(dataset, "surrogate_resolution")
    words = {
        "dithered": "half B on turned grids",
        "surrogate": f"object without signal past {wording.angstrom(band)}" if band > 0 else "band-limited object",
        "noise": "noise alone",
        "substituted": f"refined with noise past {wording.angstrom(facts.number(dataset, 'substitution_resolution'))}",
        "resampling": "resampling: what it adds",
    }
    found = []
    for name, style in PROOFS.items():
        ends = ("", "_circle") if square else ("_circle", "")
        for order, suffix in enumerate(ends if name in ("dithered", "surrogate") else ("",)):
            y = terms.curve_of(dataset, name + suffix)
            if np.isfinite(y).any():
                label = words[name] if not order else f"the same, {'circle' if suffix else 'square'} limit"
                found.append(
                    Curve(dataset["frequency"].values, y, name + suffix, label, width=1.0 if order else 2.0, **style)
                )
    return found


def _spread(dataset: xr.Dataset, curve: Curve) -> Area | None:
    half = terms.curve_of(dataset, curve.name, "fsc_spread")
    if not np.isfinite(half).any():
        return None
    return Area(curve.x, curve.y - half, curve.y + half, curve.name, "", curve.colour)


def decomposition_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/decomposition``.

    Parameters
    ----------
    dataset : xarray.Dataset
        The decomposition; with classes, one row a class.

    Returns
    -------
    Sheet
        The stack, below it the curves that prove it, and the same under the mask where there is one.
    """
    classes = terms.by_class(dataset)
    rows = _rows(dataset) if len(classes) == 1 and "" in classes else _class_rows(classes)
    return Sheet(
        tuple(rows),
        "What the FSC is made of",
        _verdict(dataset),
        decomposition_settings(dataset),
        " ".join(decomposition_words(one, name) for name, one in classes.items()),
        aligned=True,
    )


def _rows(dataset: xr.Dataset) -> list[Row]:
    x_limits = frequency.limits(dataset)
    panels = [stack_panel(dataset, x_limits)]
    panels += [panel for panel in [proof_panel(dataset, x_limits)] if panel.of(Curve)]
    if "fsc_masked" in dataset:
        panels.append(stack_panel(dataset, x_limits, variable="fsc_masked", names=""))
    keys = [KEYS["stack"], *([KEYS["proofs"]] if len(panels) > 1 + ("fsc_masked" in dataset) else []), KEYS["masked"]]
    heights = (3.4, 2.2, 2.4)
    return [
        Row((dataclasses.replace(panel, **_axis(index, len(panels))),), height, "right", key)
        for index, (panel, height, key) in enumerate(zip(panels, heights, keys))
    ]


def _axis(index: int, count: int) -> dict[str, str]:
    """Return which names of axes a panel of a column carries: resolution on top of all, frequency below all."""
    return dict(top="frequency" if not index else "", x_label=frequency.X_LABEL if index == count - 1 else "")


def _class_rows(classes: dict[str, xr.Dataset]) -> list[Row]:
    x_limits = frequency.limits(*classes.values())
    rows = []
    for index, (name, dataset) in enumerate(classes.items()):
        panel = stack_panel(dataset, x_limits, name, names="" if index else "full")
        panel = dataclasses.replace(panel, **_axis(index, len(classes)))
        rows.append(Row((panel,), 2.6, "right", KEYS["stack"]))
    return rows


def decomposition_settings(dataset: xr.Dataset) -> str:
    """Return the settings that made a decomposition as one line, with units.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/decomposition``.

    Returns
    -------
    str
        Parts joined by " · ".
    """
    counts = {"n_dithers": "turned grid", "n_surrogates": "surrogate"}
    parts = [wording.settings_line(dataset)]
    for name, word in counts.items():
        count = facts.number(dataset, name)
        if math.isfinite(count):
            parts.append(f"{count:.0f} {word}{'' if count == 1 else 's'}")
    return " · ".join(part for part in parts if part)


def decomposition_words(dataset: xr.Dataset, name: str = "") -> str:
    """Return a decomposition in words.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/decomposition``, of one class.
    name : str, optional
        Name of the class.

    Returns
    -------
    str
        One paragraph: verdict, the mean of each term in each band, the tail past the data, Nyquist limits, settings.
    """
    settings = decomposition_settings(dataset).replace(" · ", ", ")
    parts = [
        f"{wording.sentence(name) if name else ''}",
        f"Decomposition of the Fourier shell correlation over {dataset.sizes['frequency']} shells.",
        _verdict(dataset),
        *(_stretch_words(stretch) for stretch in terms.stretches(dataset)),
        _tail_words(dataset),
        wording.nyquist_sentence(dataset),
        f"Made with {settings}." if settings else "",
    ]
    return " ".join(part for part in parts if part)


def _verdict(dataset: xr.Dataset) -> str:
    return wording.verdict(dataset) if "verdict" in dataset.attrs else ""


def _stretch_words(stretch: terms.Stretch) -> str:
    ends = [
        "the origin" if math.isinf(end) else wording.angstrom(end)
        for end in dict.fromkeys((stretch.coarse, stretch.fine))
    ]
    where = f"From {ends[0]} to {ends[1]}" if len(ends) > 1 else f"At {ends[0]}"
    parts = [f"{terms.TERM_WORDS[name]} {_two(value)}" for name, value in stretch.terms.items()]
    made = f", made of {', '.join(parts)}" if parts else ""
    label = {**wording.BAND_WORDS, "corner": "corners"}.get(stretch.band, stretch.band).rstrip(",")
    return f"{where} ({label}) the curve is {_two(stretch.curve)} on average{made}."


def _tail_words(dataset: xr.Dataset) -> str:
    value, resolution = terms.largest_tail(dataset)
    if not math.isfinite(value):
        return ""
    return f"Past the data the curve reaches {_two(value)}, at {wording.angstrom(resolution)}."


def _two(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def beside(dataset: xr.Dataset, x_limits: tuple[float, float], title: str) -> Panel:
    """Return the panel by which a decomposition stands beside other runs.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/decomposition``, of one class.
    x_limits : tuple of float
        Ends of the frequency axis [1/angstrom].
    title : str
        Words above it.

    Returns
    -------
    Panel
        The stack; its note says where signal ends and how large the curve is past the data.
    """
    end, (tail, _) = terms.signal_end(dataset), terms.largest_tail(dataset)
    note = f"signal to {wording.angstrom(end)}" if math.isfinite(end) else "no signal"
    note += f"\npast the data: up to {_two(tail)}" if math.isfinite(tail) else ""
    return dataclasses.replace(stack_panel(dataset, x_limits, title, names="short"), note=note)


PLOTS = {"cryonb/decomposition": decomposition_sheet}
PANELS = {"cryonb/decomposition": beside}
