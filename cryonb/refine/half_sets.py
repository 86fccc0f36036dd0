"""Both half maps of every class, and what lies between them: how well they agree, and how noisy their mean is."""

import dataclasses
from typing import Any

import numpy as np

from ..imaging.fourier import half_transform
from ..imaging.shells import n_coefficients, shell_power
from .candidates import Candidates

ALMOST_NONE = 1.0
"""A class whose images are worth less than this [particle] holds nothing."""


@dataclasses.dataclass(frozen=True)
class HalfSets:
    """Half maps of all classes.

    Attributes
    ----------
    half_map : ndarray, (classes, 2, n, n, n), float32
        Maps, neither filtered nor masked.
    shell_weight : ndarray, (classes, 2, n // 2 + 1), float64
        Mean inserted weight of every shell.
    fsc : ndarray, (classes, n // 2 + 1), float64
        Correlation of both halves; NaN on shells without data.
    alive : ndarray, (classes,), bool
        Whether both halves of a class hold images.
    """

    half_map: np.ndarray
    shell_weight: np.ndarray
    fsc: np.ndarray
    alive: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean of both half maps of every class, (classes, n, n, n), float32."""
        return self.half_map.mean(axis=1, dtype=np.float32)


def insert_half_sets(run: Any, candidates: Candidates, members: np.ndarray, half: np.ndarray) -> HalfSets:
    """Return both half maps of every class.

    Parameters
    ----------
    run : Run
        Images and machinery.
    candidates : Candidates
        Poses of some images, with their shares.
    members : ndarray, (m,), int64
        Which images.
    half : ndarray, (all images,), int64
        Half set of every image: 1 or 2.

    Returns
    -------
    HalfSets
        Maps, weights and correlation.
    """
    classes = candidates.class_posterior.shape[1]
    inside = [np.flatnonzero(half[members] == which) for which in (1, 2)]
    averages = [[run.average(candidates[rows], members[rows], number) for rows in inside] for number in range(classes)]
    return HalfSets(
        np.stack([[average.density for average in pair] for pair in averages]),
        np.stack([[average.shell_weight for average in pair] for pair in averages]),
        np.stack([run.fsc(*pair) for pair in averages]),
        np.array([min(average.effective_size for average in pair) >= ALMOST_NONE for pair in averages]),
    )


def noise_power(halves: np.ndarray) -> np.ndarray:
    """Return the power of the noise in the mean of two half maps.

    Parameters
    ----------
    halves : ndarray, (2, n, n, n), float32
        Half maps.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        Mean of abs(A - B)^2 / 4 on every shell: what both halves do not share.
    """
    size = halves.shape[-1]
    return shell_power(half_transform(halves[0] - halves[1])) / (4.0 * n_coefficients(size))


def map_power(density: np.ndarray) -> np.ndarray:
    """Return the power of a map.

    Parameters
    ----------
    density : ndarray, (n, n, n), float32
        The map.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        Mean of abs(F)^2 on every shell.
    """
    return shell_power(half_transform(density)) / n_coefficients(density.shape[-1])
