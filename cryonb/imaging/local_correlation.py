"""Correlation of two maps place by place, under a soft spherical window.

Both maps are filtered to a band of shells first and correlated under the window after, which gives all places at once
and lets no band leak into another. Boxes are taken as periodic.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..backends import backend_of
from .bands import NEGLIGIBLE
from .fourier import half_radius
from .masks import soft_sphere
from .shells import n_coefficients, shell_index, shell_power

EDGE = 0.3
"""Width of the window's soft edge, as a fraction of its diameter."""

BANDED_VOXEL, PLACE = 64, 160
"""Bytes that a voxel of the box, and a place, take while bands are correlated. Measured."""

Progress = Callable[[float, str], None]


def soft_window(size: int, diameter: float) -> np.ndarray:
    """Return a soft-edged sphere at the centre of a box.

    Parameters
    ----------
    size : int
        Voxels along an edge of the box.
    diameter : float
        Where the window has fallen to one half [voxel].

    Returns
    -------
    ndarray, (n, n, n), float32
        Window between 0 and 1; its cosine edge is `EDGE` of the diameter wide.
    """
    return soft_sphere(size, 1.0, 0.5 * (1.0 - EDGE) * diameter, EDGE * diameter)


@dataclasses.dataclass(frozen=True)
class Bands:
    """Overlapping soft bands of shells, as wide as a window resolves.

    Attributes
    ----------
    centres : ndarray, (bands,), float64
        Middle of every band [shell of the whole box].
    reach : float
        Distance from the middle at which a band has fallen to zero [shell].
    """

    centres: np.ndarray
    reach: float

    @classmethod
    def of_window(cls, size: int, diameter: float, last: int) -> "Bands":
        """Return the bands that suit a window.

        Parameters
        ----------
        size : int
            Voxels along an edge of the box.
        diameter : float
            Diameter of the window [voxel].
        last : int
            Last shell that holds data.

        Returns
        -------
        Bands
            With a reach of size / diameter shells, half of that apart, none centred past `last`.

        Notes
        -----
        A band of reach t blurs a map over about size / t voxels: a narrower one would carry what is resolved in one
        place into places where it is not, and a wider one would blur the curve more than the window does.

        Examples
        --------
        >>> Bands.of_window(64, 16.0, 12).centres
        array([ 4.,  6.,  8., 10., 12.])
        """
        reach = max(size / diameter, 1.0)
        return cls(0.5 * reach * np.arange(2, int(2.0 * last / reach + 1e-9) + 1), reach)

    def filter(self, radius: np.ndarray, number: int) -> np.ndarray:
        """Return the transfer function of a band.

        Parameters
        ----------
        radius : ndarray, float32
            Distance of coefficients from the origin [shell].
        number : int
            Which band.

        Returns
        -------
        ndarray, float32
            cos^2(pi (radius - centre) / (2 reach)) within the reach of the centre, zero elsewhere.
        """
        phase = np.clip((radius - np.float32(self.centres[number])) / np.float32(self.reach), -1.0, 1.0)
        return np.cos(np.float32(0.5 * np.pi) * phase) ** 2


def whitened(density: Any, held: np.ndarray) -> Any:
    """Return the transform of a map with equal power on all shells that hold data, and none on the others.

    Parameters
    ----------
    density : array, (n, n, n), float32
        Map.
    held : ndarray, (n // 2 + 1,), bool
        Shells that hold data.

    Returns
    -------
    array, (n, n, n // 2 + 1), complex64
        Half-complex transform, its origin at the first voxel.

    Notes
    -----
    Each coefficient is divided by the root mean square of its shell, so that no coefficient of a band counts for more
    than another, and so that any filter of the map that depends on the shell only changes nothing. Shell 0 is left out.
    """
    backend = backend_of(density)
    size = density.shape[0]
    transform = backend.fft.rfftn(density)
    power = shell_power(transform) / n_coefficients(size)
    gain = np.zeros(size // 2 + 2, np.float32)
    usable = np.flatnonzero(held & (power > 0))
    gain[usable] = 1.0 / np.sqrt(power[usable])
    gain[0] = 0.0
    transform *= backend.xp.asarray(gain)[backend.xp.asarray(shell_index(size))]
    return transform


def banded_correlations(
    first: Any, second: Any, diameter: float, bands: Bands, places: np.ndarray, progress: Progress
) -> Iterator[tuple[np.ndarray, float]]:
    """Yield the correlation of two maps at many places, one band after another.

    Parameters
    ----------
    first, second : array, (n, n, n // 2 + 1), complex64
        Transforms of the unmasked maps, from `whitened`.
    diameter : float
        Diameter of the window [voxel].
    bands : Bands
        The bands.
    places : ndarray, (places, 3), int
        Voxel at the middle of every window, as z, y, x.
    progress : callable
        Called with the fraction done and a text, several times a band.

    Yields
    ------
    correlation : ndarray, (places,), float32
        Correlation in the band; NaN where one map has next to no power in it, compared with its mean.
    spread : float
        Standard deviation of the correlation where there is noise only.

    Notes
    -----
    sum w^2 a_s b_s / sqrt(sum w^2 a_s^2 sum w^2 b_s^2), with a_s, b_s the maps filtered to band s and w the window. The
    sums for all places are three convolutions with w^2.

    References
    ----------
    Penczek (2020), doi:10.1107/S2052252520011574
    """
    backend = backend_of(first)
    xp, size, count = backend.xp, first.shape[0], len(bands.centres)
    radius, weight = half_radius(size), soft_window(size, diameter) ** 2
    weight_hat = backend.fft.rfftn(xp.asarray(np.fft.ifftshift(weight / weight.sum(dtype=np.float64)), xp.float32))
    progress(0.0, "window")
    overlap = window_overlap(weight)
    progress(0.0, "overlap of windows")
    picked = tuple(xp.asarray(column) for column in places.T)
    total = float(size**3)
    for number in range(count):
        part = xp.asarray(bands.filter(radius, number))

        def step(done: float, number: int = number) -> None:
            progress((number + done) / count, f"band {number + 1} of {count}")

        def pooled(product: Any) -> np.ndarray:
            local = backend.fft.irfftn(backend.fft.rfftn(product) * weight_hat, s=product.shape, overwrite_x=True)
            values = local[picked]
            return values if xp is np else values.get()

        one, other = (backend.fft.irfftn(map_hat * part, s=(size,) * 3) for map_hat in (first, second))
        step(0.3)
        cross = pooled(one * other)
        step(0.5)
        powers = []
        for filtered in (one, other):
            filtered *= filtered
            powers.append((pooled(filtered), float(filtered.sum(dtype=np.float64)) / total))
            step(0.6 + 0.15 * len(powers))
        yield _correlation(cross, powers), noise_spread(part, size, overlap)
        step(1.0)


def _correlation(cross: np.ndarray, powers: list[tuple[np.ndarray, float]]) -> np.ndarray:
    enough = np.logical_and(*(local > NEGLIGIBLE * mean for local, mean in powers))
    scale = np.sqrt(np.maximum(powers[0][0], 0.0)) * np.sqrt(np.maximum(powers[1][0], 0.0))
    return np.divide(cross, scale, out=np.full(cross.shape, np.nan, np.float32), where=enough & (scale > 0))


def window_overlap(weight: np.ndarray) -> np.ndarray:
    """Return how much of a squared window overlaps with itself.

    Parameters
    ----------
    weight : ndarray, (n, n, n), float32
        Squared window.

    Returns
    -------
    ndarray, (n, n, n), float32
        Its autocorrelation for every shift, the shift of zero first; the sum is one.
    """
    from scipy import fft

    spectrum = np.abs(fft.rfftn(weight / weight.sum(dtype=np.float64))) ** 2
    return fft.irfftn(spectrum, s=weight.shape).astype(np.float32)


def noise_spread(transfer: Any, size: int, overlap: np.ndarray) -> float:
    """Return the standard deviation of a local correlation where there is white noise only.

    Parameters
    ----------
    transfer : array, (n, n, n // 2 + 1), float32
        Transfer function of the band.
    size : int
        Voxels along an edge.
    overlap : ndarray, (n, n, n), float32
        Autocorrelation of the squared window, with sum one.

    Returns
    -------
    float
        Standard deviation; 1 / spread^2 is the number of independent samples behind the correlation.

    Notes
    -----
    sqrt(sum_d rho(d)^2 A(d)), with rho the autocorrelation of noise in the band, rho(0) = 1, and A that of the squared
    window: the variance of sum w^2 a b / sum w^2 for independent a and b of unit variance.
    """
    fft = backend_of(transfer).fft
    rho = fft.irfftn(transfer**2, s=(size,) * 3)
    rho *= 1.0 / max(float(rho[0, 0, 0]), 1e-30)
    rho *= rho
    rho *= backend_of(transfer).xp.asarray(overlap)
    return float(np.sqrt(max(float(rho.sum(dtype=np.float64)), 0.0)))


def banded_bytes(size: int, places: int) -> int:
    """Return the memory that `banded_correlations` holds, the maps and their transforms included.

    Parameters
    ----------
    size : int
        Voxels along an edge.
    places : int
        Number of places.

    Returns
    -------
    int
        Largest memory held at a time [byte].
    """
    return BANDED_VOXEL * size**3 + PLACE * places


def free_bytes(density: Any) -> int:
    """Return the memory that is free where a map lives.

    Parameters
    ----------
    density : array
        A map.

    Returns
    -------
    int
        Free memory [byte].
    """
    return backend_of(density).free_memory()
