"""Non-uniform Fourier transforms: the one place that plans them, for the same bits on any machine.

One thread a transform, whatever the machine; a type-1 transform sums in an order of its own otherwise.
"""

from typing import Any

import numpy as np

from ..backends import backend_of, get_backend
from ..errors import must

SMALL_BOX = 100
"""Up to this edge the fine grid of a transform is twice the box, which is faster; beyond it 5/4, which is smaller."""


def make_plan(
    nufft_type: int,
    side: int,
    precision: str = "double",
    upsampling: float = 0.0,
    *,
    dims: int = 3,
    many: int = 1,
    backend: Any = None,
) -> Any:
    """Return a plan of transforms, on one thread of a CPU.

    Parameters
    ----------
    nufft_type : {1, 2}
        1 from points to a volume with positive sign, 2 from a volume to points with negative sign.
    side : int
        Voxels along an edge.
    precision : {"double", "single"}, optional
        complex128 at a relative error of 1e-6, or complex64 at about 5e-5.
    upsampling : float, optional
        Edge of the fine grid over that of the volume, 2 or 1.25; 0 to choose by the size.
    dims : {3, 2}, optional
        Of volumes or of images.
    many : int, optional
        How many of them at a time.
    backend : Backend, optional
        Whose arrays it takes and gives; the CPU's if not given.

    Returns
    -------
    plan
        Takes points with ``setpts`` and arrays with ``execute``.

    References
    ----------
    Barnett, Magland & af Klinteberg (2019), doi:10.1137/18M120885X
    """
    kind, eps = complex_kind(precision), 1e-7 if precision == "double" else 1e-5
    finer = upsampling or (2.0 if side <= SMALL_BOX else 1.25)
    backend = backend or get_backend("numba")
    return backend.non_uniform(nufft_type, (side,) * dims, many, eps, finer, np.dtype(kind).name)


def columns(points: Any, precision: str = "double") -> tuple[Any, ...]:
    """Return the coordinates of points as a plan takes them.

    Parameters
    ----------
    points : array, (3, m), float64, or a sequence of arrays
        (z, y, x) frequencies [radian per voxel].
    precision : {"double", "single"}, optional
        Precision of the plan.

    Returns
    -------
    tuple of array, (m,)
        Contiguous columns.
    """
    real = complex_kind(precision)(0).real.dtype
    return tuple(backend_of(axis).xp.ascontiguousarray(axis, dtype=real) for axis in points)


def complex_kind(precision: str) -> type:
    """Return the complex type of a precision.

    Parameters
    ----------
    precision : {"single", "double"}
        Precision.

    Returns
    -------
    type
        complex64 or complex128.

    Raises
    ------
    InputError
        If it is neither.

    Examples
    --------
    >>> complex_kind("single").__name__
    'complex64'
    """
    kinds = {"single": np.complex64, "double": np.complex128}
    must(precision in kinds, "precision must be single or double", repr(precision), "Choose one")
    return kinds[precision]
