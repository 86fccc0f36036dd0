"""A decomposition in one plain sentence with its numbers, for people who have a curve and a question."""

from collections.abc import Mapping

import numpy as np

from ..imaging.bands import CORNER, MEASURED, NO_DATA, SUPPORT, Extent
from .components import OWN

VISIBLE = 0.03
"""Mean correlation past the data that a person sees on a plot as something."""


def verdict_of(
    curves: Mapping[str, np.ndarray],
    masked: Mapping[str, np.ndarray],
    band: np.ndarray,
    extent: Extent,
    limit: str,
) -> str:
    """Return what a decomposition says.

    Parameters
    ----------
    curves, masked : mapping of str to ndarray, (shells,), float64
        Components, without a mask and under it; `masked` may be empty.
    band : ndarray, (shells,), str
        Bands.
    extent : Extent
        Where the data may lie.
    limit : {"square", "circle"}
        In-plane limit of the user's own curve.

    Returns
    -------
    str
        One sentence.
    """
    shell = np.arange(band.size)
    past = shell > extent.nyquist_shell + 1e-6
    if not past.any():
        return _within(curves, band, extent, limit)
    clauses = [_past_nyquist(curves, band, extent, limit), _under_mask(curves, masked, band, limit)]
    if limit == "circle":
        clauses.append(_in_the_corners(curves, extent))
    return "; ".join(clause for clause in clauses if clause) + "."


def _within(curves: Mapping[str, np.ndarray], band: np.ndarray, extent: Extent, limit: str) -> str:
    """Return the sentence for a grid that is no finer than the data."""
    grid_locked = curves[OWN[limit][2]]
    held = np.isin(band, (MEASURED, CORNER))
    largest = float(np.nanmax(np.abs(grid_locked[held]))) if held.any() else 0.0
    end = _end_of_signal(band)
    return (
        f"The grid ends with the data, at {_angstrom(extent, band.size - 1)}: "
        f"{_signal_words(extent, end, band.size - 1)}, and the interpolation grid makes at most {largest:.2f} of it."
    )


def _signal_words(extent: Extent, end: int, last: int) -> str:
    if end == 0:
        return "no signal was found"
    if end >= last:
        return "the curve is signal to the end"
    return f"the curve is signal down to {_angstrom(extent, end)} and noise beyond"


def _past_nyquist(curves: Mapping[str, np.ndarray], band: np.ndarray, extent: Extent, limit: str) -> str:
    """Return the clauses about the curve past the particle Nyquist."""
    own, tied, _ = OWN[limit]
    nyquist = int(extent.nyquist_shell + 1e-6)
    signal_end = _end_of_signal(band)
    held = np.flatnonzero(~np.isin(band, (SUPPORT, NO_DATA)))
    data_end = min(float(held.max()), extent.data_limit * extent.length) if held.size else 0.0
    tail = slice(max(int(data_end) + 1, nyquist + 1) + _settle(extent, band), None)
    level, object_tied = float(np.nanmean(curves[own][tail])), float(np.nanmean(curves[tied][tail]))
    opening = f"Past {_angstrom(extent, extent.nyquist_shell)}, the Nyquist of your particles, the curve is "
    if signal_end > nyquist:
        opening += f"corner signal down to {_angstrom(extent, signal_end)}"
        beyond = " beyond"
    else:
        beyond = ""
    locked = f"grid-locked interpolation{beyond} ({_level(level)} on average, {_level(object_tied)} on turned grids)"
    nothing = f"nothing{beyond} ({_level(level)} on average)"
    what = locked if level - object_tied > VISIBLE else nothing
    joined = f"{opening} and {what}" if beyond else f"{opening}{what}"
    if signal_end < nyquist:
        words = "no signal was found" if signal_end == 0 else f"signal ends at {_angstrom(extent, signal_end)} already"
        joined += f"; {words}"
    return f"{joined}; nothing past {_angstrom(extent, data_end)} was measured"


def _settle(extent: Extent, band: np.ndarray) -> int:
    """Return the shells past the data to pass over, where the support is smooth and the grid reaches further."""
    past = np.flatnonzero(band == NO_DATA)
    return extent.support_shells if past.size else 0


def _under_mask(
    curves: Mapping[str, np.ndarray], masked: Mapping[str, np.ndarray], band: np.ndarray, limit: str
) -> str:
    empty = band == NO_DATA
    if "mask_leak" not in masked or not empty.any():
        return ""
    level = float(np.nanmean(masked[OWN[limit][0]][empty]))
    bare = float(np.nanmean(curves[OWN[limit][0]][empty]))
    if level - bare <= VISIBLE:
        return ""
    return f"the mask lifts the curve from {bare:.2f} to {level:.2f} where there are no data"


def _in_the_corners(curves: Mapping[str, np.ndarray], extent: Extent) -> str:
    """Return what the corners of the images would add, that a circle leaves out."""
    nyquist = int(extent.nyquist_shell + 1e-6)
    last = min(int(np.sqrt(2.0) * extent.nyquist_shell + 1e-6), curves["dithered"].size - 1)
    corner = curves["dithered"][nyquist + 1 : last + 1]
    reached = np.flatnonzero(corner >= 0.143)
    if not reached.size:
        return ""
    run = int(np.argmin(corner >= 0.143)) if (corner < 0.143).any() else corner.size
    if run == 0:
        return ""
    end = _angstrom(extent, nyquist + run)
    return f"with the corners of the images (limit square) there is signal down to {end}"


def _end_of_signal(band: np.ndarray) -> int:
    """Return the last shell before the first, shell 0 apart, that holds no signal."""
    holds = np.isin(band, (MEASURED, CORNER))
    gaps = np.flatnonzero(~holds[1:])
    return int(gaps[0]) if gaps.size else band.size - 1


def _level(correlation: float) -> str:
    return f"{round(correlation, 2) + 0.0:.2f}"


def _angstrom(extent: Extent, shell: float) -> str:
    resolution = extent.length / shell if shell > 0 else np.inf
    return f"{resolution:.1f} A"
