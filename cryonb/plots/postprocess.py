"""Postprocessing on one page: FSC, Guinier plot, and the map before and after sharpening."""

import math

import numpy as np
import xarray as xr

from . import facts, wording
from .curves import KEY_TITLE, fsc_panel, fsc_words
from .guinier import guinier_panel, guinier_verdict
from .images import central_section, image_panels
from .marks import Row, Sheet


def postprocess_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/postprocess``.

    Parameters
    ----------
    dataset : xarray.Dataset
        The postprocessed map.

    Returns
    -------
    Sheet
        FSC, Guinier plot (where there is one), sections of the unsharpened map, and of the sharpened one where that
        differs from it.
    """
    rows = [Row((fsc_panel(dataset),), 3.0, "right", KEY_TITLE)]
    headline = wording.verdict(dataset)
    if "log_amplitude" in dataset:
        rows.append(Row((guinier_panel(dataset, "Guinier plot"),), 2.4, "right"))
        headline = headline if "verdict" in dataset.attrs else f"{headline} {guinier_verdict(dataset)}"
    voxel = facts.number(dataset, "voxel_size")
    for words, volume in _maps(dataset).items():
        arrays = {f"{words}, {plane}": central_section(volume, plane) for plane in "zyx"}
        rows.append(Row(image_panels(arrays, voxel), 1.9, grey_scale="density"))
    caption = " · ".join(part for part in (_decisions(dataset), wording.settings_line(dataset)) if part)
    return Sheet(tuple(rows), "Postprocessing", headline, caption, f"{fsc_words(dataset)} {headline}", aligned=True)


def _maps(dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    plain, sharpened = dataset["unsharpened"], dataset["sharpened"]
    if np.array_equal(plain.values, sharpened.values):
        return {"not sharpened": plain}
    by_b_factor = facts.number(dataset, "b_factor_used") != 0
    return {"unsharpened": plain, "sharpened" if by_b_factor else "MTF divided out": sharpened}


def _decisions(dataset: xr.Dataset) -> str:
    lowpass = facts.number(dataset, "lowpass")
    parts = [wording.sentence(str(dataset.attrs.get("relion_decision", ""))).rstrip(".")]
    parts.append(f"low-pass {wording.angstrom(lowpass)}" if math.isfinite(lowpass) else "")
    return " · ".join(part for part in parts if part)


PLOTS = {"cryonb/postprocess": postprocess_sheet}
