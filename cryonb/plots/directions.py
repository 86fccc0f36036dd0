"""Maps of the sphere: from where particles were seen, and how evenly their slices fill Fourier space."""

import numpy as np
import xarray as xr

from . import facts, wording
from .marks import Panel, Row, Sheet, SphereMap

VARIABLES = (
    ("view_density", "Views", "particles seen from each direction"),
    ("slice_density", "Slices", "slices through each direction of Fourier space"),
)


def orientations_sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/orientations``.

    Parameters
    ----------
    dataset : xarray.Dataset
        Densities on cells of equal area.

    Returns
    -------
    Sheet
        Two maps of the sphere: views, and slices in Fourier space.
    """
    panels = tuple(_panel(dataset, *words) for words in VARIABLES if words[0] in dataset)
    headline = orientations_verdict(dataset)
    count = facts.number(dataset, "n_particles")
    caption = f"{wording.plain(count)} particles · " if np.isfinite(count) else ""
    caption += f"{dataset.sizes['view']} cells of equal area · density 1 = as many as an even spread puts there"
    caption += " · evenness = 5th percentile of the slices over their mean" if "evenness" in dataset else ""
    words = f"Orientation distribution on {dataset.sizes['view']} cells. {headline}"
    return Sheet((Row(panels, 2.0),), "Orientations", headline, caption, words.strip())


def _panel(dataset: xr.Dataset, name: str, title: str, note: str) -> Panel:
    values = dataset[name].values.astype(float)
    finite = values[np.isfinite(values)]
    high = float(np.percentile(finite, 99.5)) if finite.size else 1.0
    cells = [dataset[coordinate].values.astype(float) for coordinate in ("view_rot", "view_tilt_low", "view_tilt_high")]
    low = 0.0 if name == "view_density" or not finite.size else float(finite.min())
    mark = SphereMap(*cells, values, name, "relative density", low, max(high, 1.0))
    return Panel((mark,), title, note, "rot −180° to 180°, a line every 60°", "tilt")


def orientations_verdict(dataset: xr.Dataset) -> str:
    """Return how even the orientations are, in one sentence.

    Parameters
    ----------
    dataset : xarray.Dataset
        Kind ``cryonb/orientations``.

    Returns
    -------
    str
        One sentence; empty where the Dataset states no number.
    """
    efficiency, evenness, empty = (facts.number(dataset, name) for name in ("efficiency", "evenness", "empty_fraction"))
    named = {"sampling efficiency": efficiency, "evenness": evenness}
    said = [f"{name} {value:.2f}" for name, value in named.items() if np.isfinite(value)]
    parts = [f"{' and '.join(said)} (1 is even)"] if said else []
    if np.isfinite(empty):
        parts.append(f"{100 * empty:.1f} % of Fourier directions empty")
    return wording.sentence("; ".join(parts))


PLOTS = {"cryonb/orientations": orientations_sheet}
