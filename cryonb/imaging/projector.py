"""Central slices of a volume by interpolation in its padded Fourier transform."""

import dataclasses
from typing import Any

import numpy as np

from ..backends import backend_of
from ..kernels.slices import WIDTH, kaiser_bessel_shape, make_extract_slice, margin
from .fourier import half_indices, half_transform
from .slabs import slabs as slabs_of


@dataclasses.dataclass(frozen=True)
class Grid:
    """The padded Fourier grid of a volume: its size, its kernel, and the part of it that is held.

    Attributes
    ----------
    size : int
        Voxels along an edge of the volume.
    padded : int
        Voxels along an edge of the padded volume.
    kernel : str
        Interpolation kernel.
    reach : int
        The grid holds indices -reach..reach along z and y.
    radius : float
        Points further from the origin than this hold no frequency of interest [grid step].
    """

    size: int
    padded: int
    kernel: str
    reach: int
    radius: float

    @classmethod
    def of(cls, size: int, pad_factor: float, kernel: str, max_index: float) -> "Grid":
        """Return the smallest grid that holds all frequencies of interest.

        Parameters
        ----------
        size : int
            Voxels along an edge of the volume.
        pad_factor : float
            Zero padding in real space.
        kernel : {"nearest", "trilinear", "kaiser_bessel", "kaiser_bessel_8"}
            Interpolation kernel.
        max_index : float
            Largest abs(k) of interest, in units of 1 / box length.

        Returns
        -------
        Grid
            The grid.
        """
        padded = size if pad_factor == 1 else 2 * round(size * pad_factor / 2)
        radius = max_index * padded / size
        furthest = min(np.ceil(radius), -(-padded // 2))
        return cls(size, padded, kernel, int(furthest) + max(1, WIDTH[kernel] // 2), radius)

    @property
    def scale(self) -> float:
        """Grid steps per unit of 1 / box length."""
        return self.padded / self.size

    @property
    def edge(self) -> float:
        """Largest coordinate of a sample along an axis [grid step]."""
        return min(self.padded / 2, self.reach - max(1, WIDTH[self.kernel] // 2))

    @property
    def side(self) -> int:
        """Points along z and y."""
        return 2 * self.reach + 1

    @property
    def margin(self) -> int:
        """Points with x < 0."""
        return margin(self.kernel)

    @property
    def columns(self) -> int:
        """Points along x."""
        return self.reach + 1 + self.margin

    @property
    def shape_parameter(self) -> float:
        """Shape of the kernel; 0 where it has none."""
        has_shape = self.kernel.startswith("kaiser_bessel")
        return kaiser_bessel_shape(self.padded / self.size, self.kernel) if has_shape else 0.0

    def kernel_arguments(self) -> tuple:
        """Return scale, edge, reach and columns as the kernels take them.

        Returns
        -------
        tuple
            (float32, float32, int, int).
        """
        return np.float32(self.scale), np.float32(self.edge), self.reach, self.columns


def gridding_profile(grid: Grid) -> np.ndarray:
    """Return the Fourier transform of the kernel along one axis: what interpolation multiplies a map by.

    Parameters
    ----------
    grid : Grid
        Padded grid with its kernel.

    Returns
    -------
    ndarray, (n,), float64
        Profile over the voxels of the volume, 1 at the origin; separable.

    References
    ----------
    Jackson et al. (1991), doi:10.1109/42.97598
    """
    return kernel_profile(grid, np.arange(grid.size) - grid.size // 2)


def kernel_profile(grid: Grid, place: np.ndarray) -> np.ndarray:
    """Return the Fourier transform of the kernel along one axis, anywhere in the padded box.

    Parameters
    ----------
    grid : Grid
        Padded grid with its kernel.
    place : ndarray, (m,), int
        Positions from the centre [voxel].

    Returns
    -------
    ndarray, (m,), float64
        Profile there, 1 at the origin.
    """
    position = place / grid.padded
    if grid.kernel == "nearest":
        return np.sinc(position)
    if grid.kernel == "trilinear":
        return np.sinc(position) ** 2
    argument = (np.pi * WIDTH[grid.kernel] * position) ** 2 - grid.shape_parameter**2
    root = np.sqrt(argument.astype(complex))
    profile = np.sinc(root / np.pi).real
    return profile / np.sinc(1j * grid.shape_parameter / np.pi).real


@dataclasses.dataclass(frozen=True)
class FourierVolume:
    """A volume ready for slicing: the held part of its padded transform.

    Attributes
    ----------
    grid : Grid
        Its geometry.
    values : array, (side * side * columns,), complex64
        Flattened points, as kernels/slices.py describes.
    """

    grid: Grid
    values: Any


def fourier_volume(
    volume: Any,
    pad_factor: float = 2.0,
    kernel: str = "trilinear",
    gridding_correction: bool = True,
    max_index: float | None = None,
) -> FourierVolume:
    """Return the padded transform of a volume, ready for slicing.

    Parameters
    ----------
    volume : array, (n, n, n), float32
        Density; the origin is at n // 2.
    pad_factor : float, optional
        Zero padding in real space.
    kernel : {"nearest", "trilinear", "kaiser_bessel"}, optional
        Interpolation kernel.
    gridding_correction : bool, optional
        Whether to divide the volume by the transform of the kernel first.
    max_index : float, optional
        Largest abs(k) kept, in units of 1 / box length; the corner of the box if not given. RELION keeps half the
        size, so that its outermost shell fades.

    Returns
    -------
    FourierVolume
        The prepared volume.
    """
    backend = backend_of(volume)
    xp, size = backend.xp, volume.shape[-1]
    grid = Grid.of(size, pad_factor, kernel, size * 3**0.5 / 2 if max_index is None else max_index)
    if gridding_correction:
        profile = backend.upload(gridding_profile(grid).astype(np.float32))
        volume = volume / (profile[:, None, None] * profile[:, None] * profile)
    padded = xp.zeros((grid.padded,) * 3, xp.float32)
    start = grid.padded // 2 - size // 2
    padded[(slice(start, start + size),) * 3] = volume
    return FourierVolume(grid, _held(half_transform(padded), grid))


def _held(transform: Any, grid: Grid) -> Any:
    """Return the part of a padded transform that a grid holds, flattened; zero further out than its radius."""
    backend = backend_of(transform)
    xp = backend.xp
    values = xp.zeros((grid.side, grid.side, grid.columns), xp.complex64)
    last = min(grid.reach, grid.padded // 2)
    columns = slice(grid.margin, grid.margin + last + 1)
    upper = slice(grid.reach, grid.reach + last + 1), slice(0, last + 1)
    lower = slice(grid.reach - last, grid.reach), slice(grid.padded - last, grid.padded)
    for z, from_z in (upper, lower):
        for y, from_y in (upper, lower):
            values[z, y, columns] = transform[from_z, from_y, : last + 1]
    line = np.arange(-last, last + 1)
    plane = line[:, None] ** 2 + np.arange(last + 1) ** 2
    plane, height = (backend.upload(square.astype(np.int32)) for square in (plane, line**2))
    held = values[grid.reach - last : grid.reach + last + 1, grid.reach - last : grid.reach + last + 1, columns]
    for slab in slabs_of(len(line), 8 * plane.size, backend):
        held[slab] *= plane + height[slab, None, None] <= grid.radius**2
    for column in range(1, grid.margin + 1):
        values[:, :, grid.margin - column] = values[::-1, ::-1, grid.margin + column].conj()
    return values.reshape(-1)


def slices(volume: FourierVolume, rotations: Any, inside: Any, threads: int = 1) -> Any:
    """Return central slices of a prepared volume.

    Parameters
    ----------
    volume : FourierVolume
        The volume.
    rotations : array_like, (m, 3, 3), float
        Orientations: object to image frame.
    inside : array, (ny, nx), float32
        Half plane of coefficients: zero = leave out. `in_plane_limit` makes it.
    threads : int, optional
        CPU threads.

    Returns
    -------
    array, (m, ny, nx), complex64
        Half transforms of the projections, origin at the centre.
    """
    backend = backend_of(volume.values)
    xp, grid = backend.xp, volume.grid
    turns, inside = xp.ascontiguousarray(xp.asarray(rotations, dtype=np.float32)), backend.upload(inside)
    result = xp.empty((len(turns), *inside.shape), xp.complex64)
    arguments = (volume.values, turns, inside, *grid.kernel_arguments(), result)
    constants = (grid.kernel, grid.shape_parameter)
    backend.launch(make_extract_slice, constants, result.shape, arguments, threads)
    return result


def in_plane_limit(size: int, limit: str, max_index: float | None = None, pairs: str = "both") -> np.ndarray:
    """Return which coefficients of a half transform are used.

    Parameters
    ----------
    size : int
        Pixels along an edge.
    limit : {"circle", "square"}
        Inside the circle of `max_index`, or the whole transform with its corners.
    max_index : float, optional
        Largest abs(k) of the circle, in units of 1 / box length; half the size if not given.
    pairs : {"both", "once"}, optional
        The column kx = 0 holds each coefficient and its mirror image: keep both, or one of the two.

    Returns
    -------
    ndarray, (n, n // 2 + 1), float32
        One where a coefficient is used, else zero.

    Notes
    -----
    A coefficient on the Nyquist line of an even size is the sum of two that cannot be told apart. The square leaves
    those lines out; the circle touches them on the axes only.
    """
    ky, kx = half_indices(size, 2)
    half = size / 2
    if limit == "circle":
        used = kx**2 + ky**2 <= (half if max_index is None else max_index) ** 2
    else:
        used = (np.abs(ky) < half) & (kx < half)
    if pairs == "once":
        used &= (kx > 0) | (ky >= 0) | (ky == -half)
    return used.astype(np.float32)
