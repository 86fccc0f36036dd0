"""What a local resolution looks at: the window, the places, and whether they fit in memory."""

import dataclasses

import numpy as np

from ..errors import must
from ..imaging.local_correlation import banded_bytes, free_bytes
from ..imaging.places import Lattice
from ..imaging.windowed_correlation import windowed_bytes
from .fsc import Curves
from .half_maps import HalfMaps

WINDOW_RESOLUTIONS = 7.0
"""Diameter of the automatic window in global resolutions: at a resolution d a window of 7 d makes correlations of
pure noise scatter by 0.09, below the threshold of 0.143; one of 4 d by 0.14."""

SMALLEST, LARGEST, STEPS = 10.0, 1.0 / 3.0, 4.0
"""Bounds of the automatic window [voxel; fraction of the box], and the steps that an automatic grid makes across it."""


@dataclasses.dataclass(frozen=True)
class Scan:
    """What is judged, and how far the data reach.

    Attributes
    ----------
    halves : HalfMaps
        The maps and their mask.
    curves : Curves
        Their global correlation.
    lattice : Lattice
        The places.
    diameter : float
        Diameter of the window [voxel].
    """

    halves: HalfMaps
    curves: Curves
    lattice: Lattice
    diameter: float

    @property
    def held(self) -> np.ndarray:
        """Shells that hold data above rounding, (shells,), bool."""
        return self.curves.held & ~self.curves.rounded

    @property
    def last(self) -> int:
        """Last shell that holds data."""
        return int(np.flatnonzero(self.held).max())

    @property
    def finest(self) -> float:
        """Where the data end [angstrom]."""
        return self.halves.sampling.length / self.last


def scan_of(halves: HalfMaps, curves: Curves, window_diameter: float, step: float) -> Scan:
    """Return what is judged, with an automatic window and step decided.

    Parameters
    ----------
    halves : HalfMaps
        The maps and their mask.
    curves : Curves
        Their global correlation.
    window_diameter : float
        Diameter of the window [angstrom]; 0 for 7 times the global resolution.
    step : float
        Distance of the places [angstrom]; 0 for a quarter of the window.

    Returns
    -------
    Scan
        Window and places.

    Raises
    ------
    InputError
        If the window does not suit the box, or the mask keeps no place.
    """
    size, voxel = halves.sampling.size, halves.sampling.voxel_size
    length = halves.sampling.length
    if window_diameter > 0:
        diameter = window_diameter / voxel
    else:
        fall = curves.crossings(curves.best)[0]
        shell = fall if np.isfinite(fall) else float(np.flatnonzero(curves.held).max())
        diameter = float(np.clip(WINDOW_RESOLUTIONS * size / max(shell, 1.0), SMALLEST, max(LARGEST * size, SMALLEST)))
    fits = 4.0 <= diameter <= 0.6 * size
    rule = f"window_diameter must lie between {4 * voxel:.4g} and {0.6 * length:.4g} [angstrom]"
    must(fits, rule, f"{diameter * voxel:.4g}", "Use about 7 times the resolution")
    spacing = max(1, round((step or diameter * voxel / STEPS) / voxel))
    lattice = Lattice.of(size, spacing, halves.mask)
    remedy = f"Use a step below {spacing * voxel:.4g}, or another mask"
    must(len(lattice.places) > 0, "the mask must hold a place of the grid", "none", remedy)
    return Scan(halves, curves, lattice, diameter)


def check_memory(scan: Scan, method: str, full_maps: int, limit: float) -> None:
    """Raise where the work would not fit in memory, before anything is allocated.

    Parameters
    ----------
    scan : Scan
        What is judged.
    method : {"modified", "windowed"}
        How places are judged.
    full_maps : int
        How many results are interpolated to the box.
    limit : float
        Memory allowed [byte]; 0 for what is free.

    Raises
    ------
    InputError
        With the figures and what would fit.
    """
    size, count = scan.halves.sampling.size, len(scan.lattice.places)
    modified = method == "modified"
    needed = banded_bytes(size, count) if modified else windowed_bytes(size, count, scan.diameter)
    needed += 12 * full_maps * size**3
    allowed = limit or free_bytes(scan.halves.first)
    smallest = banded_bytes(size, 0)
    coarser = 2.0 * scan.lattice.spacing * scan.halves.sampling.voxel_size
    remedy = f"Use no full_box and a step of {coarser:.4g} angstrom" if smallest < allowed else "Crop or bin the maps"
    got = f"{needed / 2**30:.2f} where {allowed / 2**30:.2f} are allowed"
    must(needed <= allowed, "local resolution must fit in memory [GiB]", got, remedy)
