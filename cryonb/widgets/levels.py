"""At which densities a surface of a map can be drawn, told from the map alone, so that no choice stops the page."""

import dataclasses
import math

import numpy as np

BINS = 1024
"""Steps in which densities are counted."""

MOST_INSIDE = 0.1
"""Share of the voxels that the lowest level may enclose."""

MOST_VERTICES = 300_000
"""Corners that a surface may have: about a fifth of a second to draw without a graphics card."""

FEWEST_INSIDE = 20
"""Voxels that the highest level encloses; one hot voxel is no surface."""

FIRST_INSIDE = 0.012
"""Share of the voxels that the level to begin with encloses."""

FIRST_SIGMAS = 3.0
"""What the level to begin with is at least, in standard deviations of the map above its median."""

BELOW_TOP = 0.7
"""What it is at most, as a fraction of the way from the median to the highest level."""

STEPS = 200
"""Levels between the lowest and the highest that a slider has."""


@dataclasses.dataclass(frozen=True)
class Levels:
    """Densities at which a surface can be drawn.

    Attributes
    ----------
    lowest, highest : float
        Ends of the range.
    first : float
        The one to begin with.
    step : float
        Between two that can be told apart.
    sigma, median : float
        Standard deviation and median of the map.
    """

    lowest: float
    highest: float
    first: float
    step: float
    sigma: float
    median: float


def levels_of(density: np.ndarray) -> Levels | None:
    """Return at which densities a surface of a map can be drawn.

    Parameters
    ----------
    density : ndarray, (nz, ny, nx), float32
        Map without NaN.

    Returns
    -------
    Levels or None
        None for a map without a surface: one that is constant, or whose solvent fills all but a few voxels.

    Notes
    -----
    A level runs from the median, which is solvent, up to the density that 20 voxels reach. An edge between two
    neighbouring voxels holds a corner of the surface at every level between their densities, so that the corners are
    counted at all levels at once; those with more than a page can draw are left out, and so are those that enclose
    more than a tenth of the box.

    Examples
    --------
    >>> ball = np.zeros((16, 16, 16), np.float32)
    >>> ball[6:10, 6:10, 6:10] = 1.0
    >>> found = levels_of(ball)
    >>> 0 < found.lowest <= found.first <= found.highest <= 1, levels_of(0 * ball)
    (True, None)
    """
    values = np.asarray(density, np.float32)
    solvent = float(np.median(values))
    top = float(np.partition(values.ravel(), -FEWEST_INSIDE)[-FEWEST_INSIDE])
    reach = top - solvent
    if not (math.isfinite(reach) and reach > 0):
        return None
    steps = np.clip(np.floor((values - solvent) * (BINS / reach)), -1, BINS).astype(np.int16) + np.int16(1)
    inside, corners = _inside(steps), _corners(steps)
    level = solvent + reach * np.arange(BINS + 1) / BINS
    fits = (inside <= MOST_INSIDE * values.size) & (corners <= MOST_VERTICES)
    too_low = np.flatnonzero(~fits)
    low = level[min(max(int(too_low[-1]) + 1 if too_low.size else 0, 1), BINS)]
    sigma = float(values.std(dtype=np.float64))
    share = level[np.argmax(inside <= FIRST_INSIDE * values.size)]
    first = max(min(max(share, solvent + FIRST_SIGMAS * sigma), solvent + BELOW_TOP * reach), low)
    step = (top - low) / STEPS or reach / BINS
    return Levels(float(low), top, float(first), float(step), sigma, solvent)


def _inside(steps: np.ndarray) -> np.ndarray:
    """Return how many voxels reach every level; step s reaches the levels below it."""
    counts = np.bincount(steps.ravel(), minlength=BINS + 2)
    return np.cumsum(counts[::-1])[::-1][1:]


def _corners(steps: np.ndarray) -> np.ndarray:
    """Return how many corners a surface has at every level."""
    total = np.zeros(BINS + 1, np.int64)
    for axis in range(3):
        one, other = np.moveaxis(steps, axis, 0)[:-1], np.moveaxis(steps, axis, 0)[1:]
        below = [np.bincount(end(one, other).ravel(), minlength=BINS + 2) for end in (np.minimum, np.maximum)]
        total += np.cumsum(below[0] - below[1])[: BINS + 1]
    return total
