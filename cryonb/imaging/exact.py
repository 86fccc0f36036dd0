"""Central slices and reconstructions without interpolation, by non-uniform FFTs: the reference for all kernels.

The transform of a volume is F(k) = sum_x f(x) exp(-2 pi i k.x / n) with the origin at n // 2, evaluated at any
real k. It knows no grid, so nothing in these results is tied to one.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..backends import backend_of
from ..errors import must
from .fourier import half_indices
from .nufft import columns, complex_kind, make_plan

POINTS_AT_ONCE = 1 << 22

Progress = Callable[[float, str], None]


@dataclasses.dataclass(frozen=True)
class SolverRecord:
    """How an iterative solution ended.

    Attributes
    ----------
    iterations : int
        Steps taken.
    residual : float
        Norm of the residual of the normal equations over the norm of their right-hand side [1].
    converged : bool
        Whether `residual` is at most the tolerance that was asked for.
    residuals : tuple of float
        The residual after every step.
    """

    iterations: int
    residual: float
    converged: bool
    residuals: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Solver:
    """When conjugate gradients stop, and how precisely they compute.

    Attributes
    ----------
    tolerance : float
        Stop when the relative residual of the normal equations is at most this [1].
    max_iterations : int
        Stop after this many steps.
    precision : {"single", "double"}
        Precision of the transforms; single is good to about 5e-5, double to 1e-6.
    """

    tolerance: float = 3e-3
    max_iterations: int = 60
    precision: str = "double"


def exact_slices(
    volume: np.ndarray,
    rotations: np.ndarray,
    size: int | None = None,
    *,
    limit: str = "square",
    precision: str = "double",
    batch_size: int = 0,
    progress: Progress | None = None,
) -> np.ndarray:
    """Return central slices of the exact Fourier transform of a volume.

    Parameters
    ----------
    volume : ndarray, (n, n, n), float
        Real volume, centre at n // 2.
    rotations : ndarray, (m, 3, 3), float64
        Object-to-image rotations; slice p is sampled at k = kx R[p, 0] + ky R[p, 1].
    size : int, optional
        Pixels of the images over the same field of view; None for those of the volume.
    limit : {"square", "circle"}, optional
        Compute the whole half transform, or only where abs(kx, ky) <= size / 2.
    precision : {"double", "single"}, optional
        complex128 at a relative error of 1e-6, or complex64 at about 5e-5.
    batch_size : int, optional
        Slices computed at a time; 0 for as many as suit the memory. It does not change the result.
    progress : callable, optional
        Called with (fraction, text).

    Returns
    -------
    ndarray, (m, size, size // 2 + 1), complex128 or complex64
        Half transforms in the layout of `half_transform` and in the volume's own unnormalised units; zero outside
        the limit, and where a component of k lies beyond the volume's own Nyquist index.

    Raises
    ------
    InputError
        If the volume is no cube or the rotations are not 3 x 3 matrices.
    """
    volume, rotations = np.asarray(volume), _matrices(rotations)
    box = _edge(volume)
    geometry = SliceGeometry(box, size or box, limit)
    kind = complex_kind(precision)
    samples = np.zeros((len(rotations), geometry.size * (geometry.size // 2 + 1)), kind)
    plan = make_plan(2, box, precision)
    modes = np.ascontiguousarray(volume, dtype=kind)
    for batch in geometry.batches(len(rotations), batch_size):
        _report(progress, batch.start / max(1, len(rotations)), "exact slices")
        points, inside = geometry.points(rotations[batch])
        plan.setpts(*columns(points, precision))
        values = np.zeros(inside.shape, kind)
        values[inside] = plan.execute(modes)
        samples[batch, geometry.chosen] = values
    _report(progress, 1.0, "exact slices")
    return samples.reshape(len(rotations), geometry.size, -1)


def exact_adjoint(
    slices: Any,
    rotations: np.ndarray,
    size: int,
    *,
    precision: str = "double",
    progress: Progress | None = None,
) -> np.ndarray:
    """Return the volume that half transforms back-project to: the adjoint of `exact_slices`.

    Parameters
    ----------
    slices : array, (m, ny, nx // 2 + 1), complex
        Half transforms, in the layout of `half_transform`; their backend transforms them.
    rotations : ndarray, (m, 3, 3), float64
        Object-to-image rotations.
    size : int
        Voxels of the volume over the same field of view.
    precision : {"double", "single"}, optional
        Precision of the transform.
    progress : callable, optional
        Called with (fraction, text).

    Returns
    -------
    array, (size, size, size), float64 or float32
        Real part of the sum of exp(+2 pi i k.x / n) times the coefficients, so that the real inner products
        <exact_slices(f), g> over the stored coefficients and <f, exact_adjoint(g)> over the voxels are equal.
    """
    geometry = SliceGeometry(size, slices.shape[-2], "square")
    flat = slices.reshape(len(slices), -1)
    return _spread(flat, _matrices(rotations), geometry, size, precision=precision, progress=progress)


def least_squares_volume(
    coefficients: Any,
    weights: Any,
    rotations: np.ndarray,
    size: int,
    *,
    solver: Solver | None = None,
    index_scale: float = 1.0,
    threads: int = 0,
    progress: Progress | None = None,
) -> tuple[Any, SolverRecord]:
    """Return the volume whose exact slices fit the data best, by conjugate gradients.

    Parameters
    ----------
    coefficients : array, (m, ny, nx // 2 + 1), complex
        Weighted data, w c y: noise weight, contrast transfer and half transform of every image, in the units of
        the volume's transform. Their backend solves for the volume.
    weights : array, (m, ny, nx // 2 + 1), float
        w c^2; zero where there are no data.
    rotations : ndarray, (m, 3, 3), float64
        Object-to-image rotations.
    size : int
        Voxels along an edge of the volume.
    solver : Solver, optional
        Stopping rule and precision; None for the defaults.
    index_scale : float, optional
        Box length of the volume over that of the images.
    threads : int, optional
        CPU threads of the FFTs; 0 for all. They do not change the result.
    progress : callable, optional
        Called with (fraction, text).

    Returns
    -------
    array, (size, size, size), float32
        Minimiser of sum w |c A x - y|^2; started at zero, so that of all minimisers it has the least norm. Every
        stored coefficient counts once, and stands for its conjugate mirror as well.
    SolverRecord
        Steps taken and residual reached.

    Raises
    ------
    InputError
        If the shapes of coefficients, weights and rotations differ.

    Notes
    -----
    The normal operator A* W A is a convolution with the point spread function of the weights. The function is
    computed once on the doubled grid by a type-1 transform, and each step costs one FFT pair of that grid.
    Coefficients beyond the volume's Nyquist index along any axis are left out.

    References
    ----------
    Wang, Shkolnisky & Singer (2013), doi:10.48550/arXiv.1307.5824;
    Barnett, Magland & af Klinteberg (2019), doi:10.1137/18M120885X
    """
    solver = solver or Solver()
    rotations = _matrices(rotations)
    rule = "coefficients, weights and rotations must describe the same slices"
    got = (np.shape(coefficients), np.shape(weights), np.shape(rotations))
    must(got[0] == got[1] and got[0][0] == got[2][0], rule, got, "Give one weight a coefficient, one rotation a slice")
    geometry = SliceGeometry(size, coefficients.shape[-2], "square", index_scale)
    backend = backend_of(weights)
    chosen = backend.xp.flatnonzero(backend.xp.any(weights, axis=0).ravel())
    flat = [array.reshape(len(rotations), -1)[:, chosen] for array in (coefficients, weights)]
    geometry = dataclasses.replace(geometry, chosen=backend.download(chosen))
    target = _spread(flat[0], rotations, geometry, size, precision=solver.precision, progress=_part(progress, 0.0, 0.2))
    spread = _spread(
        flat[1], rotations, geometry, 2 * size, precision=solver.precision, progress=_part(progress, 0.2, 0.5)
    )
    power = backend.fft.rfftn(backend.xp.fft.ifftshift(spread), **_workers(backend, threads)).real
    solution, record = _conjugate_gradients(power, target, solver, threads, _part(progress, 0.5, 1.0))
    return solution.astype(np.float32), record


@dataclasses.dataclass(frozen=True)
class SliceGeometry:
    """Where the coefficients of half transforms lie in the transform of a volume.

    Attributes
    ----------
    box : int
        Voxels along an edge of the volume.
    size : int
        Pixels along an edge of the images.
    limit : {"square", "circle"}
        Which coefficients are computed.
    index_scale : float
        Box length of the volume over that of the images.
    chosen : ndarray of int, optional
        Positions of the computed coefficients in a flattened half transform; None to take them from `limit`.
    """

    box: int
    size: int
    limit: str = "square"
    index_scale: float = 1.0
    chosen: np.ndarray | None = None

    def __post_init__(self) -> None:
        must(self.limit in ("square", "circle"), "limit must be square or circle", repr(self.limit), "Choose one")
        if self.chosen is None:
            ky, kx = half_indices(self.size, 2)
            inside = (kx**2 + ky**2 <= 0.25 * self.size**2) | (self.limit == "square")
            object.__setattr__(self, "chosen", np.flatnonzero(inside))

    def points(self, rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the frequencies of the computed coefficients in the volume's transform.

        Parameters
        ----------
        rotations : ndarray, (m, 3, 3), float64
            Object-to-image rotations.

        Returns
        -------
        ndarray, (3, number inside), float64
            (z, y, x) frequencies [radian per voxel].
        ndarray, (m, number chosen), bool
            Which of the coefficients lie inside the volume's own band.
        """
        ky, kx = np.broadcast_arrays(*half_indices(self.size, 2))
        step = 2.0 * np.pi * self.index_scale / self.box
        plane = step * np.stack([kx.ravel()[self.chosen], ky.ravel()[self.chosen]])
        xyz = np.einsum("pia,ij->apj", rotations[:, :2], plane, optimize=True)
        inside = np.all(np.abs(xyz) <= np.pi * (1.0 + 1e-9), axis=0)
        return xyz[::-1, inside], inside

    def batches(self, count: int, batch_size: int = 0) -> Iterator[slice]:
        """Yield ranges of slices that are computed at a time.

        Parameters
        ----------
        count : int
            Number of slices.
        batch_size : int, optional
            Slices at a time; 0 for as many as suit the memory.

        Yields
        ------
        slice
            A range of slices.
        """
        step = batch_size or max(1, POINTS_AT_ONCE // max(1, len(self.chosen)))
        for start in range(0, count, step):
            yield slice(start, min(count, start + step))


def _workers(backend: Any, threads: int) -> dict[str, int]:
    """Return how transforms of the CPU are told of threads; those of other backends know no such word."""
    return {"workers": threads or -1} if backend.xp is np else {}


def _spread(values, rotations, geometry, side, *, precision, progress) -> Any:
    """Return the real part of the sum of values times plane waves on `side` voxels along an edge."""
    backend, kind = backend_of(values), complex_kind(precision)
    plan = make_plan(1, side, precision, backend=backend)
    total = backend.xp.zeros((side,) * 3, kind(0).real.dtype)
    for batch in geometry.batches(len(rotations)):
        _report(progress, batch.start / len(rotations), "exact back-projection")
        points, inside = geometry.points(rotations[batch])
        plan.setpts(*map(backend.upload, columns(points, precision)))
        total += plan.execute(backend.xp.ascontiguousarray(values[batch][backend.upload(inside)], dtype=kind)).real
    return total


def _conjugate_gradients(power, target, solver, threads, progress) -> tuple[Any, SolverRecord]:
    """Solve the Toeplitz normal equations from zero; `power` is the transform of the point spread function.

    Every step asks for two numbers, wherever the arrays live: one decides whether another is taken.
    """
    xp = backend_of(target).xp
    solution = xp.zeros_like(target)
    residual, direction = target.copy(), target.copy()
    square = start = float((residual * residual).sum())
    history = []
    while start > 0 and len(history) < solver.max_iterations and np.sqrt(square / start) > solver.tolerance:
        _report(progress, len(history) / solver.max_iterations, "exact least squares")
        image = _convolve(power, direction, threads)
        step = square / float((direction * image).sum())
        solution += step * direction
        residual -= step * image
        previous, square = square, float((residual * residual).sum())
        direction = residual + (square / previous) * direction
        history.append(float(np.sqrt(square / start)))
    _report(progress, 1.0, "exact least squares")
    final = history[-1] if history else 0.0
    return solution, SolverRecord(len(history), final, final <= solver.tolerance, tuple(history))


def _convolve(power: Any, volume: Any, threads: int) -> Any:
    backend, size = backend_of(volume), len(volume)
    padded = backend.fft.rfftn(volume, s=(2 * size,) * 3, **_workers(backend, threads))
    padded *= power
    found = backend.fft.irfftn(padded, s=(2 * size,) * 3, **_workers(backend, threads))
    return found[:size, :size, :size]


def _edge(volume: np.ndarray) -> int:
    cube = volume.ndim == 3 and len(set(volume.shape)) == 1
    must(cube, "a volume must be a cube", volume.shape, "Pad or crop it to equal edges")
    return volume.shape[0]


def _matrices(rotations: np.ndarray) -> np.ndarray:
    rotations = np.asarray(rotations, dtype=np.float64)
    fits = rotations.ndim == 3 and rotations.shape[1:] == (3, 3)
    must(fits, "rotations must have the shape (n, 3, 3)", rotations.shape, "Give one matrix a slice")
    return rotations


def _report(progress: Progress | None, fraction: float, text: str) -> None:
    if progress is not None:
        progress(fraction, text)


def _part(progress: Progress | None, start: float, end: float) -> Progress | None:
    if progress is None:
        return None
    return lambda fraction, text: progress(start + (end - start) * fraction, text)
