"""Traces of symmetry: noise that agrees with its own rotated copy was averaged over a group."""

from collections.abc import Callable, Iterator

import numpy as np

from .fourier import half_transform, real_space, resize
from .masks import soft_sphere
from .shells import n_coefficients, shell_index, shell_power
from .symmetry import symmetry_operators

WORKING_SIZE = 64
"""Voxels to which a map is cropped in Fourier space: the coarse half of its shells shows a symmetry as well."""

AGREEMENT = 0.35
"""Correlation with the rotated copy, at least; averaging makes it nearly 1, interpolation lowers it."""

ALIKE = 0.9
"""Turns of a group agree this well relative to the best; a turn by a similar angle agrees less."""

FINEST = 0.7
"""Fraction of the Nyquist frequency up to which a rotated map is compared."""

CYCLIC = tuple(range(2, 13))
GROUPS = ("I", "I1", "O", "T")


def find_symmetry(noise: np.ndarray, progress: Callable[[float, str], None] | None = None) -> tuple[str, float]:
    """Return the largest point group that the noise of a map obeys.

    Parameters
    ----------
    noise : ndarray, (n, n, n), float32
        Difference of half maps: what is left of the object obeys no group on its own.
    progress : callable, optional
        Called with the fraction done and a text.

    Returns
    -------
    name : str
        The group in RELION's setting; "C1" for none.
    agreement : float
        The smallest correlation over its generators; the largest one found where there is no group.

    Notes
    -----
    Independent noise correlates with a rotated copy of itself to about one over the root of the number of its
    coefficients, whatever the object's own symmetry is: an object that is symmetric does not count as symmetrised.
    """
    work = _whitened(noise)
    agreements: dict[str, float] = {}

    def obeys(name: str, turn: np.ndarray) -> bool:
        agreements[name] = _agreement(work, turn)
        if progress is not None:
            progress(min(0.99, len(agreements) / 20.0), f"symmetry {name}")
        return agreements[name] >= AGREEMENT

    for group in GROUPS:
        if all(obeys(f"{group} {number}", turn) for number, turn in _witnesses(group)):
            return group, min(value for name, value in agreements.items() if name.split()[0] == group)
    folds = [order for order in CYCLIC if obeys(f"C{order}", _turn(order))]
    best = max((agreements[f"C{order}"] for order in folds), default=0.0)
    fold = max((order for order in folds if agreements[f"C{order}"] > ALIKE * best), default=1)
    flip = np.diag([1.0, -1.0, -1.0])
    if obeys("two-fold about x", flip) and fold > 1:
        return f"D{fold}", min(agreements[f"C{fold}"], agreements["two-fold about x"])
    if fold > 1:
        return f"C{fold}", agreements[f"C{fold}"]
    return "C1", max(agreements.values())


def _witnesses(group: str) -> Iterator[tuple[int, np.ndarray]]:
    """Yield a few operators that together tell a group from its subgroups and from others."""
    operators = symmetry_operators(group)
    order = np.round(np.degrees(np.arccos(np.clip((np.trace(operators, axis1=1, axis2=2) - 1) / 2, -1, 1))), 1)
    for number, angle in enumerate(sorted(set(order.tolist()) - {0.0})):
        alike = operators[order == angle]
        yield 2 * number, alike[0]
        yield 2 * number + 1, alike[-1]


def _turn(order: int) -> np.ndarray:
    angle = 2.0 * np.pi / order
    return np.array([[np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0], [0.0, 0.0, 1.0]])


def _whitened(noise: np.ndarray) -> np.ndarray:
    """Return the noise on a small grid, usable shells of equal power, inside the sphere that every rotation keeps."""
    size = min(noise.shape[0], WORKING_SIZE)
    transform = half_transform(resize(noise, size))
    mean = shell_power(transform) / n_coefficients(size)
    usable = (np.arange(mean.size) >= 3) & (np.arange(mean.size) <= FINEST * (size // 2)) & (mean > 1e-5 * mean.max())
    scale = np.append(np.where(usable, 1.0 / np.sqrt(np.maximum(mean, np.finfo(float).tiny)), 0.0), 0.0)
    flat = real_space((transform * scale[shell_index(size)]).astype(np.complex64), size)
    return (flat * soft_sphere(size, 1.0, 0.5 * size - 5.0, 3.0)).astype(np.float32)


def _agreement(work: np.ndarray, turn: np.ndarray) -> float:
    turned = _rotated(work, turn)
    norm = np.sqrt(float((work.astype(np.float64) ** 2).sum()) * float((turned.astype(np.float64) ** 2).sum()))
    return float((work.astype(np.float64) * turned).sum() / norm) if norm > 0 else 0.0


def _rotated(density: np.ndarray, turn: np.ndarray) -> np.ndarray:
    from scipy.ndimage import affine_transform

    centre = np.full(3, density.shape[0] // 2, dtype=np.float64)
    matrix = turn[::-1, ::-1]
    return affine_transform(density, matrix, centre - matrix @ centre, order=3, mode="constant")
