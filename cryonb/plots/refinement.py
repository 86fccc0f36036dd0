"""A reconstruction on one page: its FSC, the weight in each shell, and its maps."""

import xarray as xr

from . import facts, frequency
from .curves import KEY_TITLE, fsc_panel, fsc_words, weight_panel
from .images import section_row
from .marks import Row, Sheet


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
    words = fsc_words(dataset) if has_fsc else f"{facts.band_sentence(dataset)} {facts.nyquist_sentence(dataset)}"
    headline = facts.verdict(dataset) if has_fsc else ""
    return Sheet(tuple(rows), "Reconstruction", headline, facts.settings_line(dataset), words, aligned=True)


PLOTS = {"cryonb/refinement": refinement_sheet}
