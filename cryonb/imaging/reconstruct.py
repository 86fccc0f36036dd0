"""Volumes from central slices: insertion in a padded Fourier grid, division by the weights, and back to real space."""

import dataclasses
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Self

import numpy as np

from ..backends import backend_of
from ..kernels.slices import make_insert_slice
from .projector import Grid, gridding_profile
from .slabs import slabs

PARTS = 3
"""Floats a grid point: real part, imaginary part, weight."""

SMALLEST_WEIGHT = 1e-3
"""Weights below this fraction of the mean weight of their shell are raised to it before the division."""

CORNER_EDGE = 3
"""Width of the edge of `without_corners` [voxel]."""


CORE = 8
"""Points this close to the origin along each axis are carried over in double precision: every slice adds to them."""


@dataclasses.dataclass(frozen=True)
class Accumulator:
    """Sums of inserted coefficients and weights, on the held part of a padded grid.

    Attributes
    ----------
    grid : Grid
        Its geometry.
    sums : array, (side * side * columns * 3,), float32
        Real part, imaginary part and weight of every point.
    carried : array, (core, core, core columns, 3), float64
        What `carry` has taken from the points near the origin.
    """

    grid: Grid
    sums: Any
    carried: Any

    @classmethod
    def empty(cls, grid: Grid, xp: Any = np) -> Self:
        """Return an accumulator that holds nothing yet.

        Parameters
        ----------
        grid : Grid
            Geometry.
        xp : module, optional
            Array module.

        Returns
        -------
        Accumulator
            The accumulator.
        """
        sums = xp.zeros(cls.points(grid) * PARTS, xp.float32)
        made = cls(grid, sums, None)
        return dataclasses.replace(made, carried=xp.zeros(made._core().shape, xp.float64))

    def _core(self) -> Any:
        """Return a view of the points near the origin."""
        grid, reach = self.grid, min(CORE, self.grid.reach)
        lines = slice(grid.reach - reach, grid.reach + reach + 1)
        return self.sums.reshape(grid.side, grid.side, grid.columns, PARTS)[lines, lines, : grid.margin + reach + 1]

    def carry(self) -> None:
        """Move the sums near the origin to double precision, before further terms would be lost in rounding."""
        core = self._core()
        self.carried[...] += core
        core[...] = 0.0

    @staticmethod
    def points(grid: Grid) -> int:
        """Return how many points an accumulator holds.

        Parameters
        ----------
        grid : Grid
            Geometry.

        Returns
        -------
        int
            Points.
        """
        return grid.side * grid.side * grid.columns

    def insert(self, coefficients: Any, weights: Any, rotations: Any, threads: int = 1) -> None:
        """Add the central slices of some images.

        Parameters
        ----------
        coefficients : array, (m, ny, nx), complex64
            Half transforms, already multiplied by their weights; origin at the centre.
        weights : array, (m, ny, nx), float32
            Weights; coefficients of weight zero are skipped.
        rotations : array, (m, operators, 3, 3), float32
            Orientation of each image, once for every symmetry operator.
        threads : int, optional
            CPU threads; the sums do not depend on it.
        """
        backend = backend_of(self.sums)
        arguments = (coefficients, weights, rotations, *self.grid.kernel_arguments(), self.sums)
        constants = (self.grid.kernel, self.grid.shape_parameter)
        backend.launch_scatter(make_insert_slice, constants, weights.shape, self.grid.side, arguments, threads)

    def fold(self) -> Any:
        """Complete the points near the plane x = 0 by the mirror images of their neighbours.

        Returns
        -------
        array, (side, side, reach + 1, 3), float32
            A view of the sums for x >= 0.

        Notes
        -----
        A sample stands for itself and for its conjugate at -k, whose footprint is the mirror image. Only points up to
        half a kernel's width from the plane are reached by both.
        """
        grid = self.grid
        self.carry()
        self._core()[...] = self.carried
        self.carried[...] = 0.0
        sums = self.sums.reshape(grid.side, grid.side, grid.columns, PARTS)
        for column in range(grid.margin, -1, -1):
            mirrored = sums[::-1, ::-1, grid.margin - column].copy()
            mirrored[..., 1] *= -1.0
            sums[:, :, grid.margin + column] += mirrored
        return sums[:, :, grid.margin :]


def _go_on() -> None:
    """Stop nothing."""


@dataclasses.dataclass(frozen=True)
class Reconstruction:
    """A volume with how well each of its shells was filled.

    Attributes
    ----------
    density : array, (n, n, n), float32
        The volume.
    shell_weight : ndarray, (n // 2 + 1,), float64
        Mean weight of the grid points of every shell.
    note : str
        How the solution was reached, where there is something to say.
    weights : array, (side, side, reach + 1), float32, or None
        Inserted weight of every point of the padded grid with x >= 0, where it was kept.
    """

    density: Any
    shell_weight: np.ndarray
    note: str = ""
    weights: Any = None


def without_corners(density: Any) -> Any:
    """Return a volume whose corners, outside the inscribed sphere, are replaced by their mean.

    Parameters
    ----------
    density : array, (n, n, n), float32
        The volume.

    Returns
    -------
    array, (n, n, n), float32
        The same inside radius n / 2, a cosine edge of `CORNER_EDGE` voxels, and the mean of the corners beyond.
    """
    backend = backend_of(density)
    xp, size = backend.xp, density.shape[0]
    line = np.arange(size) - size // 2
    square = backend.upload((line[:, None] ** 2 + line[None, :] ** 2).astype(np.float32))
    height = backend.upload((line**2).astype(np.float32))[:, None, None]

    def outside(slab: slice) -> Any:
        distance = xp.sqrt(square + height[slab]) - np.float32(size / 2)
        return 0.5 - 0.5 * xp.cos(np.float32(np.pi / CORNER_EDGE) * xp.clip(distance, 0.0, CORNER_EDGE))

    every = slabs(size, 4 * size * size, backend)
    shares = ((density[slab], outside(slab)) for slab in every)
    sums = [xp.stack([(planes * share).sum(), share.sum()]) for planes, share in shares]
    total, weight = map(sum, zip(*backend.download(xp.stack(sums)).tolist()))
    mean, result = np.float32(total / weight), xp.empty_like(density)
    for slab in every:
        result[slab] = density[slab] + outside(slab) * (mean - density[slab])
    return result


def reconstruct(
    accumulator: Accumulator,
    gridding_correction: bool = True,
    pause: Callable[[], None] = _go_on,
    keep_weights: bool = False,
) -> Reconstruction:
    """Return the volume of an accumulator, which is used up.

    Parameters
    ----------
    accumulator : Accumulator
        Inserted slices.
    gridding_correction : bool, optional
        Whether to divide the volume by the transform of the kernel.
    pause : callable, optional
        Called between planes; what it raises stops the reconstruction.
    keep_weights : bool, optional
        Whether the weight of every point is kept.

    Returns
    -------
    Reconstruction
        Volume, shell weights, and the weights of all points where they are to be kept.
    """
    grid = accumulator.grid
    sums = accumulator.fold()
    weights = sums[..., 2].copy() if keep_weights else None
    shell_weight, smallest = weights_by_distance(sums, grid, pause)
    _divide(sums, grid, smallest, pause)
    density = _to_real_space(sums, grid, pause)
    if gridding_correction:
        profile = backend_of(density).upload((1.0 / gridding_profile(grid)).astype(np.float32))
        density *= profile[:, None, None]
        density *= profile[:, None]
        density *= profile
    return Reconstruction(density, shell_weight, weights=weights)


def fine_distances(grid: Grid, backend: Any) -> Iterator[tuple[slice, Any]]:
    """Yield the half of a grid with x >= 0 in slabs, with the distances of its points from the origin.

    Parameters
    ----------
    grid : Grid
        Geometry.
    backend : Backend
        Where the distances are wanted; decides how thick a slab is.

    Yields
    ------
    slab : slice
        Which planes.
    distance : array, (planes, side, reach + 1), float32
        Distances [grid step].
    """
    line = np.arange(-grid.reach, grid.reach + 1)
    square = line[:, None] ** 2 + np.arange(grid.reach + 1)[None, :] ** 2
    square, height = (backend.upload(values.astype(np.float32)) for values in (square, line**2))
    for slab in slabs(grid.side, square.nbytes, backend):
        yield slab, backend.xp.sqrt(square + height[slab, None, None])


def weights_by_distance(sums: Any, grid: Grid, pause: Callable[[], None] = _go_on) -> tuple[np.ndarray, np.ndarray]:
    """Return how well the points of a grid were filled, by their distance from the origin.

    Parameters
    ----------
    sums : array, (side, side, reach + 1, 3), float32
        Folded sums of an accumulator.
    grid : Grid
        Its geometry.
    pause : callable, optional
        Called between slabs; what it raises stops the work.

    Returns
    -------
    shell_weight : ndarray, (n // 2 + 1,), float64
        Mean weight of the points of every shell.
    smallest : ndarray, (bins,), float64
        Smallest weight that is divided by, for every whole distance [grid step]: `SMALLEST_WEIGHT` of the mean there.
    """
    shells, fine = mean_weights(sums[..., 2], grid, ((1.0 / grid.scale, 0.5), (1.0, 0.0)), pause)
    return shells[: grid.size // 2 + 1], SMALLEST_WEIGHT * fine


def mean_weights(
    weights: Any, grid: Grid, scales: tuple[tuple[float, float], ...], pause: Callable[[], None] = _go_on
) -> list[np.ndarray]:
    """Return the mean weights of the points whose scaled distance plus a rounding has the same whole part.

    Parameters
    ----------
    weights : array, (side, side, reach + 1), float32
        Weights of the points with x >= 0.
    grid : Grid
        Their geometry.
    scales : tuple of (float, float)
        Factor on distances [1 / grid step], and what is added before rounding down; one for each result.
    pause : callable, optional
        Called between slabs; what it raises stops the work.

    Returns
    -------
    list of ndarray, (bins,), float64
        Mean weights; zero where there are no points.
    """
    backend = backend_of(weights)
    points = _points_by_distance(grid, scales, backend)
    totals = [backend.xp.zeros(count.size) for count in points]
    for slab, distance in fine_distances(grid, backend):
        pause()
        held = weights[slab].ravel()
        for number, shell in enumerate(_shells(distance, scales)):
            totals[number] += backend.xp.bincount(shell, held, points[number].size)
    total, count = backend.download(backend.xp.concatenate(totals)), np.concatenate(points)
    means = np.divide(total, count, out=np.zeros(total.size), where=count > 0)
    return np.split(means, np.cumsum([count.size for count in points])[:-1])


def _shells(distance: Any, scales: tuple[tuple[float, float], ...]) -> Iterator[Any]:
    whole = backend_of(distance).xp.int32
    return ((distance * np.float32(scale) + np.float32(rounding)).astype(whole).ravel() for scale, rounding in scales)


@lru_cache(maxsize=8)
def _points_by_distance(grid: Grid, scales: tuple[tuple[float, float], ...], backend: Any) -> list[np.ndarray]:
    """Return how many points have the same whole part of each scaled distance; one count for every map on a grid."""
    bins = [max(int(grid.side * 3**0.5 / 2 * scale), grid.size // 2) + 2 for scale, _ in scales]
    counts = [backend.xp.zeros(count) for count in bins]
    for _, distance in fine_distances(grid, backend):
        for number, shell in enumerate(_shells(distance, scales)):
            counts[number] += backend.xp.bincount(shell, minlength=bins[number])
    return [backend.download(count) for count in counts]


def _divide(sums: Any, grid: Grid, floor: np.ndarray, pause: Callable[[], None]) -> None:
    """Divide by the weights; points past the last shell are dropped, but for those of a limit that reaches further."""
    backend = backend_of(sums)
    xp = backend.xp
    furthest = np.float32(max(grid.radius, grid.padded / 2))
    smallest = backend.upload(np.maximum(floor, np.finfo(np.float32).tiny).astype(np.float32))
    for slab, distance in fine_distances(grid, backend):
        pause()
        weight = xp.maximum(sums[slab, :, :, 2], smallest[distance.astype(xp.int32)])
        factor = (distance <= furthest) / weight
        sums[slab, :, :, 0] *= factor
        sums[slab, :, :, 1] *= factor


def _to_real_space(sums: Any, grid: Grid, pause: Callable[[], None]) -> Any:
    """Return the central n^3 voxels of the padded volume, cropping after the transform of each axis."""
    backend = backend_of(sums)
    xp, fft = backend.xp, backend.fft
    last = min(grid.reach, (grid.padded - 1) // 2)
    lines = slice(grid.reach - last, grid.reach + last + 1)
    values = sums[lines, lines, : last + 1]
    half_done = xp.empty((grid.size, 2 * last + 1, last + 1), xp.complex64)
    bytes_each = 8 * grid.padded * (last + 1)
    for slab in slabs(2 * last + 1, bytes_each, backend):
        pause()
        block = xp.zeros((grid.padded, slab.stop - slab.start, last + 1), xp.complex64)
        _copy_wrapped(_complex(values[:, slab]), block, last, 0)
        _copy_centred(fft.ifft(block, axis=0, overwrite_x=True), half_done[:, slab], 0)
    density = xp.empty((grid.size,) * 3, xp.float32)
    for slab in slabs(grid.size, bytes_each, backend):
        pause()
        thickness = slab.stop - slab.start
        block = xp.zeros((thickness, grid.padded, last + 1), xp.complex64)
        _copy_wrapped(half_done[slab], block, last, 1)
        rows = xp.empty((thickness, grid.size, last + 1), xp.complex64)
        _copy_centred(fft.ifft(block, axis=1, overwrite_x=True), rows, 1)
        _copy_centred(fft.irfft(rows, n=grid.padded, axis=2), density[slab], 2)
    return density


def _copy_wrapped(centred: Any, wrapped: Any, last: int, axis: int) -> None:
    """Copy indices -last..last of an axis to the order of a longer transform, which has zero first."""
    before = (slice(None),) * axis
    wrapped[(*before, slice(0, last + 1))] = centred[(*before, slice(last, None))]
    wrapped[(*before, slice(wrapped.shape[axis] - last, None))] = centred[(*before, slice(0, last))]


def _copy_centred(wrapped: Any, centred: Any, axis: int) -> None:
    """Copy the middle of an axis that has zero first to where zero is in the middle."""
    before, length = (slice(None),) * axis, centred.shape[axis]
    half = length // 2
    centred[(*before, slice(0, half))] = wrapped[(*before, slice(wrapped.shape[axis] - half, None))]
    centred[(*before, slice(half, None))] = wrapped[(*before, slice(0, length - half))]


def _complex(values: Any) -> Any:
    xp = backend_of(values).xp
    return xp.ascontiguousarray(values[..., :2]).view(xp.complex64)[..., 0]
