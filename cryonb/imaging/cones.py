"""Cones of Fourier space: sums over shells within them, and a volume of what they say.

A cone holds the coefficients whose direction lies within its half angle of its axis, on either side of the origin.
Every coefficient is tested against every axis, so that no binning of directions enters.
"""

import dataclasses
import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from ..backends import backend_of
from ..errors import must
from .fourier import half_indices
from .shells import shell_index

Progress = Callable[[float, str], None]

BYTES_PER_VOXEL = 56
"""Most memory that conical correlations of two masked maps need, for every voxel of one map [byte]."""

JUDGEABLE = 40
"""Coefficients of the full transform from which a cell's power says whether it holds data."""

REACH = 1.5
"""Distance up to which a direction speaks for a coefficient, in mean distances between directions."""


@dataclasses.dataclass(frozen=True, eq=False)
class Coefficients:
    """The coefficients of a half-complex transform within shell n // 2, the origin left out.

    Attributes
    ----------
    size : int
        Voxels along an edge.
    place : ndarray, (m,), int64
        Where each stands in the flattened transform.
    shell : ndarray, (m,), int16
        Shell of each.
    weight : ndarray, (m,), float32
        How many coefficients of the full transform it stands for: 2, but 1 where both of a pair are stored.
    unit : ndarray, (3, m), float32
        Direction of each, components x, y, z.
    """

    size: int
    place: np.ndarray
    shell: np.ndarray
    weight: np.ndarray
    unit: np.ndarray

    @property
    def shells(self) -> int:
        """Number of shells, shell 0 included."""
        return self.size // 2 + 1

    def near(self, direction: np.ndarray, cosine: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the coefficients about an axis.

        Parameters
        ----------
        direction : ndarray, (3,), float64
            Unit vector x, y, z.
        cosine : float
            Cosine of the largest angle.

        Returns
        -------
        members : ndarray, (k,), int64
            Positions in this list.
        along : ndarray, (k,), float32
            abs(u . d) of each.
        """
        x, y, z = (np.float32(component) for component in direction)
        along = self.unit[0] * x
        along += self.unit[1] * y
        along += self.unit[2] * z
        np.abs(along, out=along)
        members = np.flatnonzero(along >= np.float32(cosine))
        return members, along[members]


@lru_cache(maxsize=1)
def coefficients(size: int) -> Coefficients:
    """Return the list of coefficients of a box.

    Parameters
    ----------
    size : int
        Voxels along an edge.

    Returns
    -------
    Coefficients
        The list. The last one is kept.
    """
    index = shell_index(size).ravel()
    place = np.flatnonzero((index > 0) & (index <= size // 2))
    kz, ky, kx = half_indices(size)
    row, column = np.divmod(place, size // 2 + 1)
    plane, row = np.divmod(row, size)
    unit = np.stack([kx.ravel()[column], ky.ravel()[row], kz.ravel()[plane]]).astype(np.float32)
    unit /= np.sqrt((unit * unit).sum(axis=0))
    single = (column == 0) | ((size % 2 == 0) & (column == size // 2))
    weight = np.where(single, np.float32(1.0), np.float32(2.0))
    return Coefficients(size, place, index[place].astype(np.int16), weight, unit)


def products(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return what correlations sum, for every coefficient within shell n // 2.

    Parameters
    ----------
    first, second : ndarray, (n, n, n // 2 + 1), complex64
        Half-complex transforms of two maps.

    Returns
    -------
    ndarray, (3, m), float32
        Re(A conj B), abs(A)^2 and abs(B)^2, times the number of coefficients that each stands for.
    """
    listed = coefficients(first.shape[0])
    found = np.empty((3, listed.place.size), np.float32)
    one, other = first.ravel()[listed.place], second.ravel()[listed.place]
    found[0] = one.real * other.real + one.imag * other.imag
    found[1] = one.real**2 + one.imag**2
    found[2] = other.real**2 + other.imag**2
    found *= listed.weight
    return found


def cone_sums(
    values: np.ndarray, size: int, directions: np.ndarray, half_angle: float, progress: Progress | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return sums over the shells of cones.

    Parameters
    ----------
    values : ndarray, (q, m), float32
        Values of the coefficients of `coefficients`, their weights included.
    size : int
        Voxels along an edge.
    directions : ndarray, (d, 3), float64
        Axes of the cones: unit vectors x, y, z.
    half_angle : float
        Largest angle to the axis [degree].
    progress : callable, optional
        Called with the fraction done and a text after every cone.

    Returns
    -------
    sums : ndarray, (q, d, n // 2 + 1), float64
        Sums; shell 0 is empty.
    counts : ndarray, (d, n // 2 + 1), float64
        Coefficients of the full transform in each cell.
    """
    listed = coefficients(size)
    sums = np.zeros((len(values), len(directions), listed.shells))
    counts = np.zeros(sums.shape[1:])
    for number, direction in enumerate(directions):
        members, _ = listed.near(direction, math.cos(math.radians(half_angle)))
        shell = listed.shell[members]
        counts[number] = np.bincount(shell, listed.weight[members], listed.shells)
        for quantity, value in enumerate(values):
            sums[quantity, number] = np.bincount(shell, value[members], listed.shells)
        if progress is not None:
            progress((number + 1) / len(directions), f"cone {number + 1} of {len(directions)}")
    return sums, counts


def cone_volume(curves: np.ndarray, size: int, directions: np.ndarray, progress: Progress | None = None) -> np.ndarray:
    """Return a volume of Fourier space that holds, along every direction, the curve of the cone about it.

    Parameters
    ----------
    curves : ndarray, (d, n // 2 + 1), float64
        A curve for every direction; NaN where there is none.
    size : int
        Voxels along an edge.
    directions : ndarray, (d, 3), float64
        Unit vectors x, y, z, evenly spread over half the sphere.
    progress : callable, optional
        Called with the fraction done and a text after every direction.

    Returns
    -------
    ndarray, (n, n, n), float32
        Origin at n // 2, order (kz, ky, kx). 1 at the origin; NaN past shell n // 2 and where no curve holds a number.

    Notes
    -----
    Between directions the curves are interpolated with weights that fall linearly with abs(cos) and reach zero at
    1.5 mean distances between directions.
    """
    listed = coefficients(size)
    distance = math.sqrt(2.0 * math.pi / len(directions))
    edge = math.cos(min(REACH * distance, 0.5 * math.pi))
    total, weights = np.zeros(listed.place.size, np.float32), np.zeros(listed.place.size, np.float32)
    for number, (direction, curve) in enumerate(zip(directions, curves)):
        members, along = listed.near(direction, edge)
        value = curve.astype(np.float32)[listed.shell[members]]
        known = np.isfinite(value)
        members, weight = members[known], along[known] - np.float32(edge) + np.float32(1e-6)
        total[members] += weight * value[known]
        weights[members] += weight
        if progress is not None:
            progress((number + 1) / len(directions), f"3DFSC volume, direction {number + 1} of {len(directions)}")
    half = np.full(size * size * (size // 2 + 1), np.nan, np.float32)
    half[listed.place] = np.divide(total, weights, out=np.full_like(total, np.nan), where=weights > 0)
    half[0] = 1.0
    return full_volume(half.reshape(size, size, -1))


def full_volume(half: np.ndarray) -> np.ndarray:
    """Return values of a half-complex transform on the whole grid, with the origin in the middle.

    Parameters
    ----------
    half : ndarray, (n, n, n // 2 + 1), float32
        Values that are equal for conjugate pairs, zero frequency first.

    Returns
    -------
    ndarray, (n, n, n), float32
        Origin at n // 2.
    """
    size = half.shape[0]
    opposite = (-np.arange(size)) % size
    whole = np.empty((size, size, size), half.dtype)
    whole[:, :, : size // 2 + 1] = half
    inner = half[:, :, 1 : (size + 1) // 2]
    whole[:, :, size // 2 + 1 :] = inner[opposite][:, opposite, ::-1]
    return np.fft.fftshift(whole)


def empty_cells(power: np.ndarray, counts: np.ndarray, floor: np.ndarray, least: float) -> np.ndarray:
    """Return which cells of cones and shells hold no data, from how little power they hold.

    Parameters
    ----------
    power : ndarray, (halves, d, n // 2 + 1), float64
        Power of each half in every cell.
    counts : ndarray, (d, n // 2 + 1), float64
        Coefficients of the full transform in every cell.
    floor : ndarray, (halves,), float64
        Power per coefficient that is rounding alone.
    least : float
        Fraction of its shell's mean power that a cell with data holds.

    Returns
    -------
    ndarray, (d, n // 2 + 1), bool
        True where a cell has no coefficients, or where one of the halves holds rounding only, or less than that
        fraction of the mean over all directions. Cells of less than 40 coefficients are not held to that fraction.

    Notes
    -----
    What an insertion kernel and the cropping of the padded map spill into a gap decays with the distance to the data,
    so that the low shells of a gap narrower than a few coefficients are not told from data by their power.
    """
    mean = np.divide(power, counts, out=np.zeros(power.shape), where=counts > 0)
    total = np.maximum(counts.sum(axis=0), 1.0)
    level = power.sum(axis=1, keepdims=True) / total
    thin = (mean < least * level) & (counts >= JUDGEABLE)
    return (counts == 0) | (thin | (mean <= floor[:, None, None])).any(axis=0)


def check_memory(size: int, limit: float) -> None:
    """Raise where conical correlations would need more memory than there is.

    Parameters
    ----------
    size : int
        Voxels along an edge of the half maps.
    limit : float
        Most memory allowed [byte]; 0 for what is free.

    Raises
    ------
    InputError
        With what is needed, and the box that would fit.
    """
    allowed = limit or backend_of(np.empty(0)).free_memory()
    needed = BYTES_PER_VOXEL * size**3
    fitting = int((allowed / BYTES_PER_VOXEL) ** (1.0 / 3.0)) // 2 * 2
    got = f"a box of {size} that needs {needed / 2**30:.2f} GiB where {allowed / 2**30:.2f} GiB are allowed"
    remedy = f"Bin the half maps to {fitting} voxels over the same field of view, or raise compute.memory_limit"
    must(needed <= allowed, "conical FSC must fit in memory", got, remedy)
