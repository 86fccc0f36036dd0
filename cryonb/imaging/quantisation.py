"""Traces of how a map was stored: values on the grid of half-precision floats, or on equal steps of an integer."""

import dataclasses

import numpy as np

HALF_BITS = 11
"""Significant bits of a half-precision float."""

FEWEST_VALUES = 200
"""Distinct values of one octave from which its smallest step is evidence: random ones would lie 1e-5 apart."""

SLACK = 0.05
"""How far steps may be from whole multiples: values may have been scaled and rounded to float32 afterwards."""


@dataclasses.dataclass(frozen=True)
class Storage:
    """How the values of a map were once stored.

    Attributes
    ----------
    kind : str
        "float16", "int8", "int16", or nothing.
    distinct : int
        Number of distinct values.
    step : float
        Step of an integer, or the relative step of a float; in the unit of the map, or 1.
    noise : float
        Mean square error that the rounding left [square of the unit of the map].
    """

    kind: str
    distinct: int
    step: float
    noise: float


def find_storage(density: np.ndarray) -> Storage:
    """Return how the values of a map were once stored, as far as their steps tell.

    Parameters
    ----------
    density : ndarray, float32
        The map; it may have been multiplied by a constant since.

    Returns
    -------
    Storage
        What was found.

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(size=20000).astype(np.float32)
    >>> find_storage(values).kind, find_storage(values.astype(np.float16)).kind
    ('', 'float16')
    """
    values = np.unique(np.asarray(density, dtype=np.float32)).astype(np.float64)
    step = _equal_step(values)
    if step > 0 and values.size >= 3:
        kind = "int8" if (values[-1] - values[0]) / step <= 255.5 else "int16"
        return Storage(kind, values.size, step, step**2 / 12.0)
    relative = _relative_step(values)
    if relative > 0:
        power = float(np.mean(np.asarray(density, dtype=np.float64) ** 2))
        return Storage("float16", values.size, relative, power * relative**2 / 12.0)
    return Storage("", values.size, 0.0, 0.0)


def _equal_step(values: np.ndarray) -> float:
    """Return the common step of values that are whole multiples of it, else 0."""
    if not 3 <= values.size <= 65536:
        return 0.0
    gaps = np.diff(values)
    step = float(gaps.min())
    span = (values[-1] - values[0]) / step
    resolved = step > 8.0 * np.finfo(np.float32).eps * np.abs(values).max()
    if not resolved or span > 65536:
        return 0.0
    counts = np.round(gaps / step)
    step = float(gaps.sum() / counts.sum())
    return step if np.abs(gaps / step - counts).max() < SLACK * max(1.0, 1e-2 * counts.max()) else 0.0


def _relative_step(values: np.ndarray) -> float:
    """Return the finest step of values relative to their size, if it is that of a half-precision float, else 0."""
    sizes = np.unique(np.abs(values[values != 0]))
    if sizes.size < FEWEST_VALUES:
        return 0.0
    octave = np.floor(np.log2(sizes / sizes[-1]) + 1e-9)
    found = []
    for number in range(-1, -9, -1):
        part = sizes[octave == number]
        if part.size >= FEWEST_VALUES:
            found.append(float(np.min(np.diff(part) / part[1:])))
    least = 0.5**HALF_BITS * (1.0 - 2.0 * SLACK)
    return 0.5**HALF_BITS if len(found) >= 1 and min(found) >= least else 0.0
