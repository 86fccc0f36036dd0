"""Where things go: resolutions along the top axis, words beside vertical lines, the length of a scale bar.

Numbers in, numbers out; nothing here draws.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

MOST_PLACED = 6
"""Lines up to which places are searched for; beyond, each line gets a row of its own."""

RESOLUTION_TIERS = (
    (1.0, 2.0, 4.0, 10.0),
    (3.0, 5.0, 20.0),
    (2.5, 6.0, 1.5, 8.0, 50.0),
    (3.5, 7.0, 1.2, 1.8, 2.2, 2.8, 15.0, 30.0, 100.0),
    (4.5, 9.0, 12.0, 40.0, 1.1, 1.3, 1.4, 1.6, 1.7, 1.9, 2.1, 2.3, 2.4, 2.6, 2.7, 3.2),
    (0.5, 0.6, 0.7, 0.8, 0.9, 25.0),
)
"""Resolutions that read well [angstrom], best ones first."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the words of a vertical line go.

    Attributes
    ----------
    row : int
        Text row, counted upwards from the data.
    start, stop : float
        Extent of the words [inch].
    beside : bool
        Whether the words stand beside their line; else the line ends below them.
    """

    row: int
    start: float
    stop: float
    beside: bool = True


def resolution_ticks(
    limits: tuple[float, float], inches: float, position: Callable[[float], float], spacing: float = 0.44
) -> list[float]:
    """Return the resolutions to write along a top axis.

    Parameters
    ----------
    limits : tuple of float
        Ends of the bottom axis, in its own unit.
    inches : float
        Length of the axis [inch].
    position : callable
        Turns a resolution [angstrom] into the unit of the bottom axis.
    spacing : float, optional
        Least distance between two of them [inch].

    Returns
    -------
    list of float
        Resolutions [angstrom], coarse to fine.

    Examples
    --------
    >>> resolution_ticks((0.0, 0.25), 4.0, lambda resolution: 1.0 / resolution)
    [50.0, 20.0, 10.0, 6.0, 5.0, 4.0]
    """
    low, high = limits
    chosen: list[tuple[float, float]] = []
    for tier in RESOLUTION_TIERS:
        for resolution in tier:
            place = inches * (position(resolution) - low) / (high - low)
            inside = -1e-9 <= place <= inches * (1 + 1e-9)
            if inside and all(abs(place - other) >= spacing for _, other in chosen):
                chosen.append((resolution, place))
    return [resolution for resolution, _ in sorted(chosen, reverse=True)]


def place_labels(lines: Sequence[float], widths: Sequence[float], inches: float, gap: float = 0.05) -> list[Place]:
    """Return places for the words of vertical lines such that none meet, in as few rows as possible.

    Parameters
    ----------
    lines : sequence of float
        Distances of the lines from the left edge [inch].
    widths : sequence of float
        Lengths of their words [inch].
    inches : float
        Width of the panel [inch].
    gap : float, optional
        Least distance between words, and between words and lines [inch].

    Returns
    -------
    list of Place
        One place a line.
    """
    for rows in range(1, len(lines) + 1) if len(lines) <= MOST_PLACED else ():
        found = _search(lines, widths, inches, gap, rows, [])
        if found is not None:
            return found
    return [Place(row, *_clamped(at, width, inches), False) for row, (at, width) in enumerate(zip(lines, widths))]


def _search(
    lines: Sequence[float], widths: Sequence[float], inches: float, gap: float, rows: int, placed: list[Place]
) -> list[Place] | None:
    index = len(placed)
    if index == len(lines):
        return placed
    for place in _candidates(lines[index], widths[index], inches, gap, rows):
        if all(_apart(place, lines[index], other, at, gap) for other, at in zip(placed, lines)):
            found = _search(lines, widths, inches, gap, rows, [*placed, place])
            if found is not None:
                return found
    return None


def _candidates(at: float, width: float, inches: float, gap: float, rows: int) -> list[Place]:
    sides = ((at - gap - width, at - gap), (at + gap, at + gap + width))
    beside = [Place(row, *side) for row in range(rows) for side in sides if side[0] >= 0.0 and side[1] <= inches]
    below = [(0.0, width), (inches - width, inches), _clamped(at, width, inches)]
    around = [side for side in below if side[0] <= at <= side[1]]
    return beside + [Place(row, *side, False) for row in range(rows) for side in around]


def _clamped(at: float, width: float, inches: float) -> tuple[float, float]:
    start = min(max(at - width / 2, 0.0), max(inches - width, 0.0))
    return start, start + width


def _apart(one: Place, one_at: float, other: Place, other_at: float, gap: float) -> bool:
    if one.row == other.row and one.start < other.stop + 2 * gap and other.start < one.stop + 2 * gap:
        return False
    return not (_crosses(one, other, other_at, gap) or _crosses(other, one, one_at, gap))


def _crosses(words: Place, line: Place, at: float, gap: float) -> bool:
    reaches = line.row >= words.row if line.beside else line.row > words.row
    return reaches and words.start - gap / 2 < at < words.stop + gap / 2


def bar_length(extent: float) -> float:
    """Return a round length for a scale bar, at most a third of an image.

    Parameters
    ----------
    extent : float
        Width of the image [angstrom].

    Returns
    -------
    float
        Length [angstrom]: 1, 2 or 5 times a power of ten.

    Examples
    --------
    >>> bar_length(134.4), bar_length(300.0)
    (20.0, 100.0)
    """
    wanted = extent / 3.0
    power = 10.0 ** math.floor(math.log10(wanted))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= wanted)


def stacked(terms: Sequence[np.ndarray], top: np.ndarray) -> list[np.ndarray]:
    """Return the edges of the layers of a stack whose upper edge is a given curve.

    Parameters
    ----------
    terms : sequence of ndarray
        Terms that sum to the curve, the lowest first.
    top : ndarray
        The curve.

    Returns
    -------
    list of ndarray
        One edge more than there are terms, from zero to the curve. A layer never turns over: a term against the sign
        of the curve has no thickness, and takes its amount from its neighbours.

    Examples
    --------
    >>> signal, artefact = np.array([0.5, 0.6]), np.array([0.2, -0.1])
    >>> [edge.round(2).tolist() for edge in stacked([signal, artefact], signal + artefact)]
    [[0.0, 0.0], [0.5, 0.5], [0.7, 0.5]]
    """
    sign, height = np.where(top < 0, -1.0, 1.0), np.abs(top)
    total, reached = np.zeros_like(height), np.zeros_like(height)
    edges = [np.zeros_like(height)]
    for term in terms[:-1]:
        total = total + term
        reached = np.maximum(reached, np.clip(sign * total, 0.0, height))
        edges.append(sign * reached)
    return [*edges, top]


def runs_of(labels: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return the stretches of equal labels.

    Parameters
    ----------
    labels : sequence of str
        One label a shell.

    Returns
    -------
    list of tuple
        Label, first index, last index.

    Examples
    --------
    >>> runs_of(["measured", "measured", "no data"])
    [('measured', 0, 1), ('no data', 2, 2)]
    """
    found: list[tuple[str, int, int]] = []
    for index, label in enumerate(labels):
        if found and found[-1][0] == label:
            found[-1] = (label, found[-1][1], index)
        else:
            found.append((str(label), index, index))
    return found
