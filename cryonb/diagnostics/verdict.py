"""A decomposition in one plain sentence with its numbers, for people who have a curve and a question."""

from collections.abc import Mapping

import numpy as np

from ..imaging.bands import CORNER, MEASURED, NO_DATA, SUPPORT, Extent
from ..imaging.shells import n_coefficients
from .components import OWN

VISIBLE = 0.03
"""Mean correlation past the data that a person sees on a plot as something."""

MUCH = 0.2
"""Mean correlation past the data that chance does not make where there is no signal."""

IDENTICAL = 0.9999
"""Correlation above which on every shell two half maps are one."""

REACHED = 0.143
"""Correlation of half maps down to which signal is said to reach."""

FEW_COEFFICIENTS = 3
"""The first shells hold so few coefficients that one of them may be without signal where the next ones have it."""


def verdict_of(
    curves: Mapping[str, np.ndarray],
    masked: Mapping[str, np.ndarray],
    band: np.ndarray,
    extent: Extent,
    limit: str,
    *,
    corners: np.ndarray | None = None,
    floor: np.ndarray | float = 0.0,
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
    corners : ndarray, (shells,), bool, optional
        Shells that hold signal with the square limit; none given, all of enough correlation.
    floor : ndarray, (shells,), float64, optional
        Correlation that noise under the mask reaches by chance.

    Returns
    -------
    str
        One sentence.
    """
    shell = np.arange(band.size)
    with_data = ~np.isin(band, (SUPPORT, NO_DATA)) & (shell > 0)
    if with_data.any() and np.nanmin(curves[OWN[limit][0]][with_data]) > IDENTICAL:
        return "Both half sets give one and the same map: no curve of theirs tells signal from noise."
    past = shell > extent.nyquist_shell + 1e-6
    made_up = _made_up(curves, extent)
    if not past.any():
        return _within(curves, band, extent, limit) + (f"; {made_up}." if made_up else ".")
    clauses = [_past_nyquist(curves, band, extent, limit), made_up, _lift(curves, masked, band, limit)]
    if end_of_signal(band):
        clauses.append(_reach(masked, band, extent, np.maximum(floor, REACHED)))
    if limit == "circle":
        clauses.append(_in_the_corners(curves, extent, corners))
    return "; ".join(clause for clause in clauses if clause) + "."


def _within(curves: Mapping[str, np.ndarray], band: np.ndarray, extent: Extent, limit: str) -> str:
    """Return the sentence for a grid that is no finer than the data."""
    grid_locked = curves[OWN[limit][2]]
    held = np.isin(band, (MEASURED, CORNER)) & (np.arange(band.size) > 0)
    largest = float(np.nanmax(np.abs(grid_locked[held]))) if held.any() else 0.0
    end, data_end = end_of_signal(band), _end_of_data(band)
    return (
        f"{_opening(extent, band, data_end)}: {_signal_words(extent, end, data_end)}, "
        f"and the interpolation grid makes at most {largest:.2f} of it"
    )


def _made_up(curves: Mapping[str, np.ndarray], extent: Extent) -> str:
    """Return what noise in place of the images still correlates, where that was measured."""
    where = np.flatnonzero(curves["shared_reference"]) if "shared_reference" in curves else np.zeros(0, int)
    if not where.size:
        return ""
    shared, noise = (curves[name][where] for name in ("shared_reference", "substituted"))
    opening = f"with noise in place of the images past {_angstrom(extent, where[0])}"
    chance = 3.0 / np.sqrt(n_coefficients(extent.size)[where].sum())
    if noise.mean() <= max(VISIBLE, chance) and shared.max() <= MUCH:
        return f"{opening} nothing is left ({_level(noise.mean())} on average): the refinement made nothing up"
    worst = int(np.argmax(shared))
    place = _angstrom(extent, where[worst])
    return (
        f"{opening} the halves still correlate ({_level(noise.mean())} on average): "
        f"the refinement made up to {_level(shared[worst])} of the curve, at {place}"
    )


def _opening(extent: Extent, band: np.ndarray, data_end: int) -> str:
    """Return which ends first, the grid or the data."""
    last, limit = band.size - 1, extent.data_limit * extent.length
    if limit >= last + 1:
        return f"The grid ends at {_angstrom(extent, last)}, before the data do"
    opening = "The grid ends with the data" if data_end == last else "The data end before the grid"
    return f"{opening}, at {_angstrom(extent, data_end)}"


def _signal_words(extent: Extent, end: int, last: int) -> str:
    if end == 0:
        return "no signal was found"
    if end >= last:
        return "the curve is signal to the end"
    return f"the curve is signal down to {_angstrom(extent, end)} and noise beyond"


def _past_nyquist(curves: Mapping[str, np.ndarray], band: np.ndarray, extent: Extent, limit: str) -> str:
    """Return the clauses about the curve past the particle Nyquist."""
    nyquist = int(extent.nyquist_shell + 1e-6)
    signal_end, data_end = end_of_signal(band), _end_of_data(band)
    parts = [f"corner signal down to {_angstrom(extent, signal_end)}"] if signal_end > nyquist else []
    tail = _tail(band, max(data_end, nyquist))
    if tail.size:
        levels = [float(np.nanmean(curves[name][tail])) for name in OWN[limit][:2]]
        parts.append(_tail_words(*levels, signal_end > 0, " beyond" if parts else ""))
    elif signal_end < data_end:
        parts.append("noise beyond" if parts else "noise")
    what = " and ".join(parts)
    joined = f"Past {_angstrom(extent, extent.nyquist_shell)}, the Nyquist of your particles, the curve is {what}"
    if signal_end < nyquist:
        words = "no signal was found" if signal_end == 0 else f"signal ends at {_angstrom(extent, signal_end)} already"
        joined += f"; {words}"
    if not tail.size:
        return f"{joined}; the grid ends at {_angstrom(extent, data_end)}, before the data do"
    return f"{joined}; nothing past {_angstrom(extent, data_end)} was measured"


def _tail_words(level: float, object_tied: float, signal: bool, beyond: str) -> str:
    """Return what the curve is on shells past the data; without signal, there is nothing to leak there."""
    levels = f"{_level(level)} on average, {_level(object_tied)} on turned grids"
    if signal and level - max(object_tied, 0.0) > VISIBLE:
        return f"grid-locked interpolation{beyond} ({levels})"
    if level > (VISIBLE if signal else MUCH):
        return f"correlation{beyond} that neither data nor signal account for ({levels}), such as a background makes"
    return f"nothing{beyond} ({_level(level)} on average)"


def _tail(band: np.ndarray, last: int) -> np.ndarray:
    """Return the shells past one that hold no data, without those where the support is smooth if there are others."""
    shell = np.arange(band.size)
    empty = np.flatnonzero((shell > last) & (band == NO_DATA))
    return empty if empty.size else np.flatnonzero(shell > last)


def _lift(curves: Mapping[str, np.ndarray], masked: Mapping[str, np.ndarray], band: np.ndarray, limit: str) -> str:
    """Return what the mask makes of shells without data."""
    empty = band == NO_DATA
    if "mask_leak" not in masked or not empty.any():
        return ""
    bare, level = (float(np.nanmean(table[OWN[limit][0]][empty])) for table in (curves, masked))
    if level - bare <= VISIBLE:
        return ""
    return f"the mask lifts the curve from {_level(bare)} to {_level(level)} where there are no data"


def _reach(masked: Mapping[str, np.ndarray], band: np.ndarray, extent: Extent, least: np.ndarray) -> str:
    """Return how much further signal reaches where the mask has taken the noise around the particle away."""
    if "mask_leak" not in masked:
        return ""
    signal = masked["in_band"] + masked["corner"]
    fallen = np.flatnonzero((~(signal >= least) | np.isin(band, (SUPPORT, NO_DATA)))[1 + FEW_COEFFICIENTS :])
    end = int(fallen[0]) + FEW_COEFFICIENTS if fallen.size else band.size - 1
    return f"under the mask signal reaches {_angstrom(extent, end)}" if end > end_of_signal(band) else ""


def _in_the_corners(curves: Mapping[str, np.ndarray], extent: Extent, corners: np.ndarray | None) -> str:
    """Return what the corners of the images would add, that a circle leaves out."""
    nyquist = int(extent.nyquist_shell + 1e-6)
    last = min(int(np.sqrt(2.0) * extent.nyquist_shell + 1e-6), curves["dithered"].size - 1)
    holds = curves["dithered"] >= REACHED
    holds = (holds if corners is None else holds & corners)[nyquist + 1 : last + 1]
    run = int(np.argmin(holds)) if not holds.all() else holds.size
    if run == 0:
        return ""
    return f"with the corners of the images (limit square) there is signal down to {_angstrom(extent, nyquist + run)}"


def end_of_signal(band: np.ndarray) -> int:
    """Return where the signal ends: before two shells without, counted from one of the first few.

    Parameters
    ----------
    band : ndarray, (shells,), str
        Bands.

    Returns
    -------
    int
        The last shell that holds signal; 0 if there is none.

    Examples
    --------
    >>> end_of_signal(np.array(["measured"] * 4 + ["noise", "measured", "noise", "noise", "measured"]))
    5
    """
    holds = np.isin(band, (MEASURED, CORNER))
    first = np.flatnonzero(holds[1 : FEW_COEFFICIENTS + 1])
    if not first.size:
        return 0
    start = 1 + int(first[0])
    gaps = np.flatnonzero(~holds[start:-1] & ~holds[start + 1 :])
    end = start + int(gaps[0]) - 1 if gaps.size else band.size - 1
    return end if holds[end] else end - 1


def _end_of_data(band: np.ndarray) -> int:
    """Return the last shell that holds data."""
    held = np.flatnonzero(~np.isin(band, (SUPPORT, NO_DATA)))
    return int(held.max()) if held.size else 0


def _level(correlation: float) -> str:
    return f"{round(correlation, 2) + 0.0:.2f}"


def _angstrom(extent: Extent, shell: float) -> str:
    resolution = extent.length / shell if shell > 0 else np.inf
    return f"{resolution:.1f} A"
