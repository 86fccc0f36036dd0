"""A reconstruction on one page: its FSC, the weight in each shell, and its maps."""

import numpy as np
import xarray as xr

from . import facts, frequency, wording
from .curves import KEY_TITLE, fsc_panel, fsc_words
from .images import section_row
from .marks import BLUE, ORANGE, Curve, Panel, Row, Sheet


def refinement_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/refinement``.

    Parameters
    ----------
    dataset : xarray.Dataset
        The run.

    Returns
    -------
    Sheet
        FSC (where the run has one), insertion weight, central sections of its maps.
    """
    x_limits = frequency.limits(dataset)
    has_fsc = "fsc_unmasked" in dataset
    rows = [Row((fsc_panel(dataset, x_limits, x_label=False),), 3.0, "right", KEY_TITLE)] if has_fsc else []
    rows.append(Row((weight_panel(dataset, x_limits),), 1.2, "right"))
    maps = section_row(dataset, 2.0)
    rows += [maps] if maps else []
    words = fsc_words(dataset) if has_fsc else f"{wording.band_sentence(dataset)} {wording.nyquist_sentence(dataset)}"
    headline = wording.verdict(dataset) if has_fsc else ""
    return Sheet(tuple(rows), "Reconstruction", headline, wording.settings_line(dataset), words, aligned=True)


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
