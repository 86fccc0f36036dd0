"""Where a recipe reads its next limit from a curve, and what it may claim.

Shells are those of the target grid, which are also those of the images: all lie over one field of view.
"""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..imaging.shells import crossing

LEAST = 3.0
"""No alignment stops before this shell: poses cannot be found in less."""

MOST_SSNR = 999.0
"""Where both halves agree to the last bit, as they do on joined shells, they are taken to agree this well."""

STILL_GOOD = 0.2
"""RELION takes larger steps while the FSC at the limit stays above this."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a curve says.

    Attributes
    ----------
    shell : float
        Where it falls through the threshold; the last shell with data where it never does; 0 if it is nowhere above.
    claimed : float
        The resolution [angstrom]; NaN where the curve does not fall through the threshold before the data end.
    note : str
        Why there is no resolution; empty where there is one.
    """

    shell: float
    claimed: float
    note: str = ""


def read_fsc(curve: np.ndarray, threshold: float, length: float) -> Reading:
    """Return where a correlation falls through a threshold.

    A fall on the way to the last shell that holds data is the end of the data, not a resolution: that shell is filled
    in part only.

    Parameters
    ----------
    curve : ndarray, (n // 2 + 1,), float64
        Correlation; NaN on shells without data, which are not read.
    threshold : float
        Threshold.
    length : float
        Field of view [angstrom].

    Returns
    -------
    Reading
        The shell, and the resolution where there is one.

    Examples
    --------
    >>> read_fsc(np.array([1.0, 0.9, 0.5, 0.1, 0.0, np.nan]), 0.3, 100.0)
    Reading(shell=2.5, claimed=40.0, note='')
    >>> read_fsc(np.array([1.0, 0.9, 0.8, 0.7, np.nan]), 0.3, 100.0).note
    'the curve does not cross before the data end at 33.3 A'
    """
    fall = crossing(curve, threshold)
    held = np.flatnonzero(np.isfinite(curve[1:])) + 1
    last = float(held[-1]) if held.size else 0.0
    if math.isfinite(fall) and fall <= last - 1.0:
        return Reading(fall, length / fall)
    if not held.size or math.isfinite(fall) or curve[held[-1]] >= threshold:
        return _data_end(last, length)
    return Reading(0.0, math.nan, f"the curve is nowhere above {threshold:g}")


def read_ssnr(ssnr: np.ndarray, length: float) -> Reading:
    """Return the last shell before a signal-to-noise ratio falls below one.

    Parameters
    ----------
    ssnr : ndarray, (n // 2 + 1,), float64
        Spectral signal-to-noise ratio; NaN on shells without data, which are not read.
    length : float
        Field of view [angstrom].

    Returns
    -------
    Reading
        The shell, and its resolution where there is one.

    References
    ----------
    Scheres (2012), doi:10.1016/j.jsb.2012.09.006

    Examples
    --------
    >>> read_ssnr(np.array([9.0, 5.0, 2.0, 0.5, 3.0]), 100.0)
    Reading(shell=2.0, claimed=50.0, note='')
    """
    held = np.flatnonzero(np.isfinite(ssnr[1:])) + 1
    below = held[ssnr[held] < 1.0]
    if not below.size:
        return _data_end(float(held[-1]) if held.size else 0.0, length)
    shell = float(below[0] - 1)
    if shell < 1:
        return Reading(0.0, math.nan, "the signal-to-noise ratio is below 1 from the start")
    return Reading(shell, length / shell)


def _data_end(shell: float, length: float) -> Reading:
    if not shell:
        return Reading(0.0, math.nan, "there are no data")
    return Reading(shell, math.nan, f"the curve does not cross before the data end at {length / shell:.3g} A")


def best(readings: Iterable[Reading]) -> Reading:
    """Return the reading that reaches furthest: of several classes, the best decides.

    Parameters
    ----------
    readings : iterable of Reading
        One a class.

    Returns
    -------
    Reading
        The first of those that reach furthest.
    """
    return max(readings, key=lambda reading: reading.shell)


def notes_of(readings: list[Reading]) -> str:
    """Return what the readings of all classes say beside their figures.

    Parameters
    ----------
    readings : list of Reading
        One a class.

    Returns
    -------
    str
        Notes, with the number of the class where there are several.
    """
    named = len(readings) > 1
    return "; ".join(
        f"class {number}: {reading.note}" if named else reading.note
        for number, reading in enumerate(readings, 1)
        if reading.note
    )


def within(shell: float, start: float, furthest: float) -> float:
    """Return a limit that an alignment can work with.

    Parameters
    ----------
    shell : float
        What was read from a curve.
    start : float
        The first limit, which no later one falls behind.
    furthest : float
        Where the data end.

    Returns
    -------
    float
        The limit.

    Examples
    --------
    >>> within(2.0, 5.0, 32.0), within(40.0, 5.0, 32.0)
    (5.0, 32.0)
    """
    return min(max(shell, start, LEAST), furthest)


def start_shell(length: float, lowpass: float, furthest: float) -> float:
    """Return the first limit: where the filter of the starting volume ends, one shell past the half of its edge.

    Parameters
    ----------
    length : float
        Field of view [angstrom].
    lowpass : float
        Low-pass of the starting volume [angstrom]; 0 for none.
    furthest : float
        Where the data end.

    Returns
    -------
    float
        The shell.
    """
    return within(length / lowpass + 1.0 if lowpass > 0 else furthest, LEAST, furthest)


def first_limit(run: Any) -> float:
    """Return the first limit of a refinement, which no later one falls below.

    Parameters
    ----------
    run : Run
        Images and settings.

    Returns
    -------
    float
        The shell where the starting volume ends.
    """
    return start_shell(run.sampling.field_of_view, run.config.refine.initial_lowpass, run.sampling.max_index)


def ssnr_of_halves(fsc: np.ndarray) -> np.ndarray:
    """Return the signal-to-noise ratio of half maps.

    Parameters
    ----------
    fsc : ndarray, (n // 2 + 1,), float64
        Their correlation; NaN on shells without data.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        FSC / (1 - FSC), from 0 to `MOST_SSNR`; NaN where there is no data.

    Examples
    --------
    >>> ssnr_of_halves(np.array([1.0, 0.5, -0.1, np.nan])).round(3)
    array([999.,   1.,   0.,  nan])
    """
    kept = np.clip(fsc, 0.0, MOST_SSNR / (1.0 + MOST_SSNR))
    return kept / (1.0 - kept)


def some_shells_further(shell: float, fsc: np.ndarray, limit: float, extra: float, nyquist: float) -> float:
    """Return the next limit as RELION takes it: past what was resolved, so that finer signal can show itself.

    Parameters
    ----------
    shell : float
        Last shell with a signal-to-noise ratio of one.
    fsc : ndarray, (n // 2 + 1,), float64
        Correlation of the half maps.
    limit : float
        Limit of the last alignment.
    extra : float
        Shells further.
    nyquist : float
        Shell of the particle Nyquist.

    Returns
    -------
    float
        `extra` shells further; a quarter of Nyquist while the FSC at the last limit stays above 0.2.
    """
    at_limit = fsc[min(int(limit), fsc.size - 1)]
    return shell + (max(extra, 0.25 * nyquist) if np.nan_to_num(at_limit) > STILL_GOOD else extra)


def bleed_shells(length: float, mask_radius: float) -> int:
    """Return how many shells a mask smears a coefficient over, which Frealign keeps from its fixed limit.

    Parameters
    ----------
    length : float
        Field of view [angstrom].
    mask_radius : float
        Radius of the mask [angstrom].

    Returns
    -------
    int
        ceil(box / mask radius).

    References
    ----------
    Grigorieff (2016), doi:10.1016/bs.mie.2016.04.013

    Examples
    --------
    >>> bleed_shells(192.0, 60.0)
    4
    """
    return math.ceil(length / mask_radius - 1e-9)
