"""Correlation of two maps in windows that are cut out, place by place.

A window spreads strong shells over weak ones, in both maps alike: where that matters, use `local_correlation`.
Boxes are taken as periodic.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .local_correlation import EDGE, PLACE, noise_spread, soft_window, window_overlap
from .shells import shell_index

Progress = Callable[[float, str], None]

BATCH_BYTES = 1 << 24
"""Windows that are cut out and transformed at a time take about this much memory [byte]."""

WINDOW_VOXEL = 28
"""Bytes that a voxel of a window takes while it is correlated: two cuts, their transforms, a product."""


def window_box(diameter: float) -> int:
    """Return the edge of the smallest box that holds a window.

    Parameters
    ----------
    diameter : float
        Where the window has fallen to one half [voxel].

    Returns
    -------
    int
        Voxels; an even number that transforms well.
    """
    from scipy.fft import next_fast_len

    size = int(np.ceil((1.0 + EDGE) * diameter)) + 1
    while size % 2 or next_fast_len(size, real=True) != size:
        size += 1
    return size


def windowed_correlations(
    first: np.ndarray, second: np.ndarray, diameter: float, places: np.ndarray, progress: Progress
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the correlation of two maps in windows cut out at many places, on every shell of a window.

    Parameters
    ----------
    first, second : ndarray, (n, n, n), float32
        Maps.
    diameter : float
        Diameter of the window [voxel].
    places : ndarray, (places, 3), int
        Voxel at the middle of every window, as z, y, x.
    progress : callable
        Called with the fraction done and a text.

    Returns
    -------
    shells : ndarray, (shells,), float64
        Shells of a window from 1 on [shell of the whole box].
    correlation : ndarray, (shells, places), float32
        Correlation; NaN where one map has no power.
    spread : ndarray, (shells,), float64
        Standard deviation of the correlation where there is noise only.

    Notes
    -----
    A window spreads what is strong over about 2 / diameter in frequency, and its tails further: where a map was
    filtered, the shells past the filter hold what came from before it, the same in both maps.

    References
    ----------
    Cardone, Heymann & Steven (2013), doi:10.1016/j.jsb.2013.08.002
    """
    box = window_box(diameter)
    window = soft_window(box, diameter)
    sums = _shell_matrix(box)
    margin = box // 2
    maps = [np.pad(density, margin, mode="wrap") for density in (first, second)]
    correlation = np.empty((box // 2 + 1, len(places)), np.float32)
    batch = max(1, BATCH_BYTES // (WINDOW_VOXEL * box**3))
    for start in range(0, len(places), batch):
        part = slice(start, start + batch)
        correlation[:, part] = _shells_of_windows(maps, window, sums, places[part])
        progress(min(start + batch, len(places)) / len(places), f"window {start + 1} of {len(places)}")
    overlap = window_overlap(window**2)
    index = shell_index(box)
    spread = [noise_spread((index == shell).astype(np.float32), box, overlap) for shell in range(1, box // 2 + 1)]
    return np.arange(1, box // 2 + 1) * (first.shape[0] / box), correlation[1:], np.array(spread)


def _shells_of_windows(maps: list[np.ndarray], window: np.ndarray, sums: Any, places: np.ndarray) -> np.ndarray:
    from scipy import fft

    box = window.shape[0]
    transforms = []
    for density in maps:
        cut = np.stack([density[z : z + box, y : y + box, x : x + box] for z, y, x in places])
        cut *= window
        transforms.append(fft.rfftn(cut, axes=(1, 2, 3)).reshape(len(places), -1))
    one, other = transforms
    cross = sums @ (one.real * other.real + one.imag * other.imag).T
    scale = np.sqrt((sums @ (np.abs(one) ** 2).T) * (sums @ (np.abs(other) ** 2).T))
    return np.divide(cross, scale, out=np.full(cross.shape, np.nan, np.float32), where=scale > 0)


def _shell_matrix(size: int) -> Any:
    """Return the sparse matrix that sums half-complex coefficients over shells; conjugate pairs count as two."""
    from scipy.sparse import csr_array

    index = shell_index(size)
    weight = np.full(index.shape, 2.0, np.float32)
    weight[..., 0] = 1.0
    weight[..., -1] = 1.0 if size % 2 == 0 else 2.0
    inside = np.flatnonzero(index.ravel() <= size // 2)
    shells, weights = index.ravel()[inside], weight.ravel()[inside]
    return csr_array((weights, (shells, inside)), shape=(size // 2 + 1, index.size))


def windowed_bytes(size: int, places: int, diameter: float) -> int:
    """Return the memory that `windowed_correlations` holds, the maps included.

    Parameters
    ----------
    size : int
        Voxels along an edge.
    places : int
        Number of places.
    diameter : float
        Diameter of the window [voxel].

    Returns
    -------
    int
        Largest memory held at a time [byte].
    """
    box = window_box(diameter)
    maps = 8 * size**3 + 8 * (size + box) ** 3
    return maps + max(BATCH_BYTES, WINDOW_VOXEL * box**3) + (PLACE + 2 * box) * places
