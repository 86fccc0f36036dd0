"""What an FSC curve or a Guinier plot says, in words that figures and judgements share and that invent no number."""

import math

import numpy as np

from .units import angstrom

KIND_WORDS = {
    "raw": "unmasked",
    "masked": "masked",
    "modified": "modified",
    "phase_randomised": "phase-randomised",
    "corrected": "corrected",
}

SAME_RESOLUTION = 0.005
"""Relative difference of two resolutions below which the one is not called finer than the other."""


def curve_verdict(
    word: str,
    resolution: float,
    data_end: float,
    past: str = "",
    floor_from: float = math.nan,
    is_grid: bool = False,
) -> str:
    """Return what a curve says, in one sentence.

    Parameters
    ----------
    word : str
        Which curve, for example "unmasked".
    resolution : float
        Where it falls to 0.143 [angstrom]; NaN where it never does.
    data_end : float
        Where the data end [angstrom]; NaN where that is not known.
    past : str, optional
        What `past_particle_nyquist` says of the resolution.
    floor_from : float, optional
        From where on the last shells with data hold rounding or mask leak only [angstrom]; NaN for nowhere.
    is_grid : bool, optional
        Whether that is only where the grid of the map ends, and nobody has said where the data do.

    Returns
    -------
    str
        The sentence, in angstrom.

    Examples
    --------
    >>> curve_verdict("unmasked", math.nan, 4.2)
    'The unmasked curve does not fall to 0.143: no resolution to state; the data end at 4.20 A.'
    """
    end = "the grid ends" if is_grid else "the data end"
    tail = f"; {end} at {angstrom(data_end)}" if math.isfinite(data_end) else ""
    if math.isfinite(floor_from) or math.isinf(floor_from):
        start = "the origin" if math.isinf(floor_from) else angstrom(floor_from)
        tail += f", and from {start} on {'there is' if is_grid else 'they are'} no more than rounding or mask leak"
    if math.isfinite(resolution):
        return f"The {word} curve falls to 0.143 at {angstrom(resolution)}{', ' + past if past else ''}{tail}."
    if not math.isfinite(data_end):
        return "No shell holds data: there is no curve."
    return f"The {word} curve does not fall to 0.143: no resolution to state{tail}."


def past_particle_nyquist(resolution: float, nyquist: float, corners: bool, unit: str = "A") -> str:
    """Return the warning that a resolution lies past the particle Nyquist.

    Parameters
    ----------
    resolution : float
        Resolution [angstrom].
    nyquist : float
        Particle Nyquist [1/angstrom]; NaN where it is not known.
    corners : bool
        Whether shells past it hold corner data.
    unit : str, optional
        How the unit is written.

    Returns
    -------
    str
        Empty where the resolution is not finer than that limit, or one of them is not known.

    Examples
    --------
    >>> past_particle_nyquist(4.0, 0.2, True)
    'past the particle Nyquist of 5.00 A, where only the corners of the images hold data'
    """
    if not (nyquist > 0 and resolution > 0 and resolution * nyquist < 1.0 - SAME_RESOLUTION):
        return ""
    where = ", where only the corners of the images hold data" if corners else ""
    return f"past the particle Nyquist of {angstrom(1.0 / nyquist, unit)}{where}"


def b_factor_verdict(b_factor: float, low: float, high: float, reliable: bool, reason: str = "") -> str:
    """Return what a Guinier plot says: the B factor with its interval, and whether it may be used.

    Parameters
    ----------
    b_factor : float
        B factor, above 0 where amplitudes fall [angstrom^2]; NaN where there is none.
    low, high : float
        Ends of its 95 % interval [angstrom^2]; NaN where they are not known.
    reliable : bool
        Whether it may be used.
    reason : str, optional
        Why not.

    Returns
    -------
    str
        One or two sentences, in angstrom^2.

    Examples
    --------
    >>> b_factor_verdict(-28.2, -101.0, 44.4, False, "19 shells are fewer than 20")
    'B = -28.2 A^2 (95 % interval -101 to 44.4 A^2): not reliable, 19 shells are fewer than 20. Do not sharpen with it.'
    """
    if not math.isfinite(b_factor):
        return "No B factor: too few shells to fit."
    value, least, most = (
        f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}" for number in (b_factor, low, high)
    )
    interval = f" (95 % interval {least} to {most} A^2)" if math.isfinite(low) else ""
    judgement = "" if reliable else f": not reliable{', ' + reason if reason else ''}. Do not sharpen with it"
    return f"B = {value} A^2{interval}{judgement}."


def floor_from(held: np.ndarray, below: np.ndarray, frequency: np.ndarray) -> float:
    """Return from where on the last shells with data hold rounding or mask leak only.

    Parameters
    ----------
    held, below : ndarray, (shells,), bool
        Shells that hold data, and those that hold no more than rounding or leak.
    frequency : ndarray, (shells,), float64
        Spatial frequency [1/angstrom].

    Returns
    -------
    float
        Resolution [angstrom], infinite for shell 0; NaN where the last shell with data holds more than that.

    Examples
    --------
    >>> floor_from(np.array([True, True, True]), np.array([False, False, True]), np.array([0.0, 0.1, 0.2]))
    5.0
    """
    shells = np.flatnonzero(held)
    if not shells.size or not below[shells[-1]]:
        return math.nan
    above = np.flatnonzero(~(held & below)[: shells[-1]])
    start = frequency[above[-1] + 1] if above.size else 0.0
    return float(1.0 / start) if start > 0 else math.inf
