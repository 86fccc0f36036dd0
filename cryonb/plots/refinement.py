"""A reconstruction or a refinement on one page: its FSC, weights, classes, changes of poses, and its maps."""

import dataclasses
import math

import numpy as np
import xarray as xr

from . import facts, frequency, wording
from .claims import claim_sentence, claims, is_refinement
from .class_table import COLUMNS, class_cells, has_classes
from .curves import KEY_TITLE, fsc_curves, fsc_panel, fsc_words
from .images import central_section, image_panels, section_row
from .marks import BLACK, BLUE, GREEN, ORANGE, PURPLE, SERIES, Curve, Line, Panel, Points, Row, Sheet
from .tables import Table

MOST_CLASSES = 5


def refinement_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/refinement``.

    Parameters
    ----------
    dataset : xarray.Dataset
        The run.

    Returns
    -------
    Sheet
        FSC (where the run has one), insertion weight, central sections of its maps; of a refinement also its limit and
        claims, a table of its classes and how much its poses changed.
    """
    x_limits = frequency.limits(dataset)
    decided, has_fsc = is_refinement(dataset), "fsc_unmasked" in dataset
    rows = [_fsc_row(dataset, x_limits, decided)] if has_fsc else []
    rows.append(Row((weight_panel(dataset, x_limits),), 1.2, "right"))
    rows += [row for row in (class_row(dataset), change_row(dataset)) if decided and row is not None]
    maps = _map_row(dataset)
    rows += [maps] if maps else []
    words = fsc_words(dataset) if has_fsc else f"{wording.band_sentence(dataset)} {wording.nyquist_sentence(dataset)}"
    headline = wording.verdict(dataset) if has_fsc else ""
    if decided:
        headline = wording.sentence(claim_sentence(dataset))
        words = " ".join([headline, wording.band_sentence(dataset), wording.nyquist_sentence(dataset)])
    title = "Refinement" if decided else "Reconstruction"
    return Sheet(tuple(rows), title, headline, wording.settings_line(dataset), words, aligned=True)


def _fsc_row(dataset: xr.Dataset, x_limits: tuple[float, float], decided: bool) -> Row:
    panel = fsc_panel(dataset, x_limits, x_label=False)
    if not decided:
        return Row((panel,), 3.0, "right", KEY_TITLE)
    panel = dataclasses.replace(panel, marks=(*panel.marks, *limit_marks(dataset)))
    return Row((panel,), 3.0, "right", "FSC of the half maps, and the claim")


def limit_marks(dataset: xr.Dataset) -> list[Curve | Line | Points]:
    """Return the marks of what a refinement decided: its limit, the curve that it read, and its claims.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/refinement``.

    Returns
    -------
    list of marks
        A line "alignment_limit", curves named "limit_fsc ...", points named "claimed ...".
    """
    found: list[Curve | Line | Points] = []
    limit = facts.number(dataset, "alignment_limit")
    if limit > 0:
        words = f"aligned to {wording.angstrom(limit)}"
        found.append(Line(1.0 / limit, "alignment_limit", words, "x", PURPLE, (0, (6, 2, 1, 2))))
    read = _limit_curves(dataset)
    found += read
    own = {curve.name.removeprefix("limit_fsc").strip(): curve for curve in read}
    for (name, resolution), curve in zip(claims(dataset).items(), fsc_curves(dataset)):
        if resolution > 0 and math.isfinite(resolution):
            curve = own.get(name, curve)
            level = np.interp(1.0 / resolution, curve.x, np.nan_to_num(curve.y))
            label = f"{name + ' ' if name else ''}claims {wording.angstrom(resolution)}"
            at = np.array([1.0 / resolution]), np.array([level])
            found.append(Points(*at, f"claimed {name}".strip(), label, BLACK, "D", 6.5, filled=False))
    return found


def _limit_curves(dataset: xr.Dataset) -> list[Curve]:
    """Return the curves that a recipe read its limit from, where they are others than those of the half maps."""
    if "limit_fsc" not in dataset:
        return []
    x, read = dataset["frequency"].values, dataset["limit_fsc"]
    classes = read["class_id"].values if "class_id" in read.dims else [None]
    found = []
    for label, (colour, style) in zip(classes, SERIES * 4):
        y = (read if label is None else read.sel(class_id=label)).values.astype(float)
        plain = _half_map_fsc(dataset, label)
        if np.isfinite(y).any() and not np.allclose(y, plain, equal_nan=True, atol=1e-6):
            single = len(classes) == 1
            words = "the limit was read from" if single else f"class {label}: limit read from"
            name = "limit_fsc" if single else f"limit_fsc class {label}"
            found.append(Curve(x, y, name, words, GREEN if single else colour, "--" if single else style, 1.2))
    return found


def _half_map_fsc(dataset: xr.Dataset, label: int | None) -> np.ndarray:
    """Return the FSC of the half maps of a class; NaN where the run has none."""
    if "fsc_unmasked" not in dataset:
        return np.full(dataset.sizes["frequency"], np.nan)
    curve = dataset["fsc_unmasked"]
    return (curve.sel(class_id=label) if "class_id" in curve.dims else curve).values.astype(float)


def class_row(dataset: xr.Dataset) -> Row | None:
    """Return the row with the table of the classes of a refinement.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/refinement``.

    Returns
    -------
    Row or None
        None where there are no classes.
    """
    if not has_classes(dataset):
        return None
    return Row((Panel((Table(COLUMNS, tuple(class_cells(dataset)), "classes"),), "Classes"),), 1.0)


def change_row(dataset: xr.Dataset) -> Row | None:
    """Return the row that shows how far poses moved in the last iteration.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/refinement``.

    Returns
    -------
    Row or None
        The share of particles that moved by less than an angle, and than a distance; None where it is not known.
    """
    units = {
        "angle_change": ("change of orientation [°]", BLUE, "°"),
        "shift_change": ("change of shift [Å]", ORANGE, " Å"),
    }
    panels = []
    for name, (label, colour, unit) in units.items():
        values = dataset[name].values.astype(float) if name in dataset else np.empty(0)
        values = np.sort(values[np.isfinite(values)])
        if values.size:
            share = np.arange(1, values.size + 1) / values.size
            curve = Curve(values, share, name, "", colour)
            note = f"half moved by less than {np.median(values):.2g}{unit}"
            end = max(float(np.quantile(values, 0.98)), 1e-3)
            panels.append(Panel((curve,), "", note, label, "share of particles", (0.0, 1.05 * end), (0.0, 1.0)))
    return Row(tuple(panels), 1.5) if panels else None


def _map_row(dataset: xr.Dataset) -> Row | None:
    """Return central sections: of every class where there are some, else of all the maps of the run."""
    if "class_id" not in dataset.dims or "half_map" not in dataset:
        return section_row(dataset, 2.0)
    maps = dataset["volume"] if "volume" in dataset else dataset["half_map"].mean("half")
    if "class_id" not in maps.dims:
        return section_row(dataset, 2.0)
    labels = maps["class_id"].values[:MOST_CLASSES]
    arrays = {f"class {label}": central_section(maps.sel(class_id=label)) for label in labels}
    return Row(image_panels(arrays, facts.number(dataset, "voxel_size")), 2.0, grey_scale="density")


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
    held = np.isin(facts.bands(dataset), facts.DATA_BANDS)
    filled = np.concatenate([curve.y[np.isfinite(curve.y) & held] for curve in curves])
    y_limits = (filled.min() / 2.0, filled.max() * 2.0) if filled.size else (0.1, 1.0)
    marks = [*frequency.band_marks(dataset, x_limits[1], named=False), *frequency.nyquist_lines(dataset, names="")]
    return Panel((*marks, *curves), "", "", frequency.X_LABEL, "insertion weight", x_limits, y_limits, "", "log")


PLOTS = {"cryonb/refinement": refinement_sheet}
