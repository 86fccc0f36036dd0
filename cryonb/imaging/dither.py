"""Grids turned at random against a map's own, and the exact way back from them.

What interpolation leaves behind is tied to the grid; what the particle left is tied to the particle. A map that was
reconstructed on a turned grid and read back at the points of the unturned one keeps only the second in common with a
map that was made on the unturned grid.
"""

from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from ..backends import backend_of, get_backend
from ..kernels.slices import make_read_turned
from .fourier import half_indices
from .nufft import columns, make_plan
from .projector import Grid, gridding_profile
from .rotations import random_rotations
from .slabs import SLAB_BYTES, slabs
from .symmetry import symmetry_operators

LEAST_TURN = 15.0
"""Smallest angle between a turned grid and each of the 24 rotations that map the grid onto itself [degree]."""

STREAM = 24
"""Keeps these draws apart from others of the same seed."""

WIDE = "kaiser_bessel_8"
"""Kernel that maps are read back with where there is no non-uniform transform."""


def turned_grids(count: int, seed: int) -> np.ndarray:
    """Return rotations of the grid, none of which comes close to mapping it onto itself.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        Source of randomness; the first rotations are the same whatever the count.

    Returns
    -------
    ndarray, (count, 3, 3), float64
        Rotations, each at least `LEAST_TURN` from the 24 of the cube.
    """
    rng = np.random.default_rng([seed, STREAM])
    kept: list[np.ndarray] = []
    while len(kept) < count:
        turn = random_rotations(1, rng)[0]
        if turn_from_cube(turn) >= LEAST_TURN:
            kept.append(turn)
    return np.array(kept).reshape(count, 3, 3)


def turn_from_cube(rotation: np.ndarray) -> float:
    """Return the angle between a rotation and the nearest one that maps a cubic grid onto itself.

    Parameters
    ----------
    rotation : ndarray, (3, 3), float64
        Rotation.

    Returns
    -------
    float
        Angle [degree], at most 62.8.

    Examples
    --------
    >>> turn_from_cube(np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
    0.0
    """
    traces = np.einsum("kij,ij->k", symmetry_operators("O"), rotation)
    return float(np.degrees(np.arccos(np.clip((traces.max() - 1.0) / 2.0, -1.0, 1.0))))


@lru_cache(maxsize=2)
def _points_of_sphere(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the flat positions and the (x, y, z) indices of the coefficients inside the sphere both grids hold."""
    kz, ky, kx = half_indices(size)
    inside = np.flatnonzero(kz**2 + ky**2 + kx**2 <= (size / 2) ** 2)
    columns_ = size // 2 + 1
    lines = half_indices(size, 2)[0].ravel()
    z, y, x = lines[inside // (size * columns_)], lines[inside // columns_ % size], inside % columns_
    return inside, np.stack([x, y, z])


@lru_cache(maxsize=2)
def _sphere_on(backend: Any, size: int) -> Any:
    kz, ky, kx = half_indices(size)
    return backend.upload(4 * (kz**2 + ky**2 + kx**2) <= size**2)


def within_sphere(transform: Any) -> Any:
    """Return a half transform without what lies outside the sphere that turned grids have in common.

    Parameters
    ----------
    transform : array, (n, n, n // 2 + 1), complex64
        Half transform.

    Returns
    -------
    array, (n, n, n // 2 + 1), complex64
        The same, zero where abs(k) > n / 2.
    """
    backend = backend_of(transform)
    return backend.xp.where(_sphere_on(backend, transform.shape[0]), transform, np.complex64(0.0))


def read_back(density: Any, rotation: np.ndarray) -> Any:
    """Return the transform of a map on a turned grid, at the points of the unturned one.

    Parameters
    ----------
    density : array, (n, n, n), float32
        Map of a particle turned by `rotation`: f(x) = original(rotation^T x), centre at n // 2.
    rotation : ndarray, (3, 3), float64
        The turn.

    Returns
    -------
    array, (n, n, n // 2 + 1), complex64
        Half transform of the original, in the layout of `half_transform`; zero outside the sphere abs(k) <= n / 2,
        beyond which a turned grid holds other frequencies.

    Notes
    -----
    F_original(k) = F_turned(rotation k): on the CPU by a non-uniform transform of type 2 in double precision, to 1e-6;
    elsewhere as `read_back_by_kernel` does.

    References
    ----------
    Barnett, Magland & af Klinteberg (2019), doi:10.1137/18M120885X
    """
    if backend_of(density) is not get_backend("numba"):
        return read_back_by_kernel(density, rotation)
    size = density.shape[0]
    inside, points = _points_of_sphere(size)
    turned = (2.0 * np.pi / size) * (rotation @ points)
    plan = make_plan(2, size, "double", upsampling=1.25)
    plan.setpts(*columns(turned[::-1]))
    result = np.zeros((size, size, size // 2 + 1), np.complex64)
    result.reshape(-1)[inside] = plan.execute(np.ascontiguousarray(density, dtype=np.complex128))
    return result


def read_back_by_kernel(density: Any, rotation: np.ndarray, threads: int = 1) -> Any:
    """Return what `read_back` returns, by interpolation with a wide kernel on a grid that is padded twice.

    Parameters
    ----------
    density : array, (n, n, n), float32
        The map.
    rotation : ndarray, (3, 3), float64
        The turn.
    threads : int, optional
        CPU threads.

    Returns
    -------
    array, (n, n, n // 2 + 1), complex64
        Half transform of the original, to 1e-5 of its largest coefficient.

    Notes
    -----
    Each point takes one thread and no others' results, in single precision.

    References
    ----------
    Jackson et al. (1991), doi:10.1109/42.97598
    """
    backend, size = backend_of(density), density.shape[0]
    grid = _wide_grid(size)
    result = backend.xp.empty((size, size, size // 2 + 1), np.complex64)
    turn = backend.upload(np.ascontiguousarray(rotation, dtype=np.float32))
    scale, edge = np.float32(2.0), np.float32(size + 0.5)
    arguments = (_periodic(density, grid), turn, scale, edge, grid.reach, grid.columns, result)
    backend.launch(make_read_turned, (grid.kernel, grid.shape_parameter), result.shape, arguments, threads)
    return result


def _wide_grid(size: int) -> Grid:
    """Return the grid that holds all points which the wide kernel reads, up to the last frequency along any axis."""
    return Grid(size, 2 * size, WIDE, size + 5, float(size))


def _periodic(density: Any, grid: Grid) -> Any:
    """Return the padded transform of a map without its kernel, continued past its last frequency; flattened."""
    backend, padded = backend_of(density), grid.padded
    profile = backend.upload((1.0 / gridding_profile(grid)).astype(np.float32))
    box, prepared = backend.xp.zeros((padded,) * 3, np.float32), density * profile[:, None, None]
    prepared *= profile[:, None]
    prepared *= profile
    middle = grid.size // 2
    halves = (slice(0, middle), slice(padded - middle, padded)), (slice(middle, None), slice(0, grid.size - middle))
    for ends in product(halves, repeat=3):  # by copies: indices of all points would take twice their memory
        box[tuple(wrapped for _, wrapped in ends)] = prepared[tuple(centred for centred, _ in ends)]
    transform = backend.fft.rfftn(box, overwrite_x=True)
    del box, prepared
    values = backend.xp.empty((grid.side, grid.side, grid.columns), np.complex64)
    lines = backend.upload(np.arange(-grid.reach, grid.reach + 1) % padded)
    zero, last = grid.margin, grid.margin + padded // 2
    for slab in slabs(grid.side, 8 * grid.side * grid.columns, backend):
        values[slab, :, zero : last + 1] = transform[lines[slab, None], lines]
    for centre, beyond in ((zero, range(-1, -grid.margin - 1, -1)), (last, range(1, grid.columns - last))):
        for step in beyond:  # F(-k) is the conjugate of F(k), and F(k + padded) is F(k)
            values[:, :, centre + step] = values[::-1, ::-1, centre - step].conj()
    return values.reshape(-1)


def bytes_to_read_back(size: int, by_kernel: bool = False) -> int:
    """Return the memory that `read_back` holds at a time.

    Parameters
    ----------
    size : int
        Voxels along an edge.
    by_kernel : bool, optional
        Whether `read_back_by_kernel` reads.

    Returns
    -------
    int
        Memory [byte]: the map and its fine grid in double precision, and the points; or the padded map and its
        transform, with as much again where that is made, then the transform and the grid that is read.
    """
    if by_kernel:
        grid, transform = _wide_grid(size), 8 * (2 * size) ** 2 * (size + 1)
        held = 8 * grid.side**2 * grid.columns
        return 8 * size**3 + max(32 * size**3 + 2 * transform, transform + held + min(held, SLAB_BYTES))
    points = 2.1 * size**3 / 8
    return int(16 * size**3 + 16 * (1.25 * size + 2) ** 3 + points * (6 * 8 + 16 + 32) + 4 * size**3)
