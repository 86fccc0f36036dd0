"""What two half maps have in common that halves should not have, and where they differ although they should not."""

import dataclasses
from typing import Any

import numpy as np

from .fourier import half_radius, half_transform, real_space
from .shells import fourier_shell_correlation, n_coefficients, shell_power

COPY = 1.0 - 1e-4
"""Correlation on every shell above which one half is a copy of the other."""

SOLVENT = (0.42, 0.48)
"""Radii between which there is solvent only, as fractions of the box."""


CLEAR = 5.0
"""Standard deviations of a shell's correlation from which it is no chance."""

OPPOSITE_SHELLS = 3
"""Shells that have to correlate clearly below zero before the halves are of opposite contrast."""


@dataclasses.dataclass(frozen=True)
class Likeness:
    """How alike two half maps are.

    Attributes
    ----------
    scale : float
        Amplitude of the second over that of the first.
    ratio_span : float
        Largest over smallest ratio of their powers, over the shells.
    copy : bool
        Whether one is the other, up to a factor.
    solvent : float
        Correlation of the finer half of their shells where there is solvent only; NaN where there is nothing.
    opposite : bool
        Whether they correlate below zero: one has the contrast of the other turned round.
    agreement : float
        The mean correlation of the shells that correlate clearly; NaN where none does.
    """

    scale: float
    ratio_span: float
    copy: bool
    solvent: float
    opposite: bool
    agreement: float


def compare_halves(first: np.ndarray, second: np.ndarray, floor: float = 0.0, last: int = 0) -> Likeness:
    """Return how alike two half maps are.

    Parameters
    ----------
    first, second : ndarray, (n, n, n), float32
        Half maps.
    floor : float, optional
        Power per coefficient below which shells are passed over.
    last : int, optional
        Last shell that is compared; 0 for all.

    Returns
    -------
    Likeness
        The comparison.
    """
    size = first.shape[0]
    one, other = half_transform(first), half_transform(second)
    power = np.stack([shell_power(one), shell_power(other)]) / n_coefficients(size)
    used = (np.arange(power.shape[1]) >= 3) & (power > floor).any(axis=0) & (power > 0).all(axis=0)
    used &= np.arange(power.shape[1]) <= (last or power.shape[1])
    if not used.any():
        used[1:] = (power[:, 1:] > 0).all(axis=0)
    ratio = power[1, used] / power[0, used]
    shared = fourier_shell_correlation(one, other)[used]
    opposite, agreement = _sign(shared, n_coefficients(size)[used])
    shared = -shared if opposite else shared
    good = shared > 0.9 if (shared > 0.9).sum() >= 3 else np.ones(ratio.size, bool)
    scale = float(np.sqrt(np.median(ratio[good]))) if ratio.size else 1.0
    span = float(np.max(ratio) / np.min(ratio)) if ratio.size else 1.0
    copy = bool(shared.size and np.min(shared) >= COPY)
    return Likeness(scale, span, copy, _solvent(one, other, size), opposite, agreement)


def _sign(shared: np.ndarray, count: np.ndarray) -> tuple[bool, float]:
    """Return whether most shells that correlate clearly do so below zero, and the mean correlation of these shells.

    Of n coefficients, half of which repeat the others, a chance correlation has the variance 2 / n.
    """
    clear = np.abs(shared) > CLEAR * np.sqrt(2.0 / count)
    if not clear.any():
        return False, float("nan")
    below = int((shared[clear] < 0).sum())
    opposite = below >= min(OPPOSITE_SHELLS, clear.sum()) and below > 0.5 * clear.sum()
    return bool(opposite), float(np.average(shared[clear], weights=count[clear]))


def _solvent(one: Any, other: Any, size: int) -> float:
    fine = half_radius(size) > size // 4
    pair = [real_space(np.where(fine, transform, 0), size).astype(np.float64) for transform in (one, other)]
    axis = np.arange(size) - size // 2
    radius = np.sqrt(axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2) / size
    ring = (radius > SOLVENT[0]) & (radius < SOLVENT[1])
    values = [half[ring] for half in pair]
    norm = np.sqrt((values[0] ** 2).sum() * (values[1] ** 2).sum())
    total = np.sqrt((pair[0] ** 2).sum() * (pair[1] ** 2).sum())
    return float((values[0] * values[1]).sum() / norm) if norm > 1e-4 * total else float("nan")
