"""Half sets: how images are split, both maps of every class, how well they agree, and how noisy their mean is."""

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
    half_map : array, (classes, 2, n, n, n), float32
        Maps, neither filtered nor masked, where they were made.
    shell_weight : ndarray, (classes, 2, n // 2 + 1), float64
        Mean inserted weight of every shell.
    fsc : ndarray, (classes, n // 2 + 1), float64
        Correlation of both halves; NaN on shells without data.
    alive : ndarray, (classes,), bool
        Whether both halves of a class hold images.
    """

    half_map: Any
    shell_weight: np.ndarray
    fsc: np.ndarray
    alive: np.ndarray

    @property
    def mean(self) -> Any:
        """Mean of both half maps of every class, (classes, n, n, n), float32."""
        return self.half_map.mean(axis=1, dtype=np.float32)


def split_by(numbers: np.ndarray) -> np.ndarray:
    """Return halves of equal size: every second of the particles in the order of some numbers.

    Parameters
    ----------
    numbers : ndarray, (m,), float64
        One a particle.

    Returns
    -------
    ndarray, (m,), int64
        Half set: 1 or 2.

    Examples
    --------
    >>> split_by(np.array([0.3, 0.9, 0.1, 0.5]))
    array([2, 2, 1, 1])
    """
    half = np.empty(len(numbers), np.int64)
    half[np.argsort(numbers, kind="stable")] = np.arange(len(numbers)) % 2 + 1
    return half


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
    maps = run.backend.xp.empty((classes, 2, *(run.sampling.box_size,) * 3), np.float32)
    weight, curves, alive = [], [], []
    for number in range(classes):
        pair = [run.average(candidates[rows], members[rows], number) for rows in inside]
        for place, average in enumerate(pair):
            maps[number, place] = average.density
        weight.append([average.shell_weight for average in pair])
        curves.append(run.fsc(*pair))
        alive.append(min(average.effective_size for average in pair) >= ALMOST_NONE)
    return HalfSets(maps, np.array(weight), np.stack(curves), np.array(alive))


def noise_power(halves: Any) -> np.ndarray:
    """Return the power of the noise in the mean of two half maps.

    Parameters
    ----------
    halves : array, (2, n, n, n), float32
        Half maps.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        Mean of abs(A - B)^2 / 4 on every shell: what both halves do not share.
    """
    size = halves.shape[-1]
    return shell_power(half_transform(halves[0] - halves[1])) / (4.0 * n_coefficients(size))


def map_power(density: Any) -> np.ndarray:
    """Return the power of a map.

    Parameters
    ----------
    density : array, (n, n, n), float32
        The map.

    Returns
    -------
    ndarray, (n // 2 + 1,), float64
        Mean of abs(F)^2 on every shell.
    """
    return shell_power(half_transform(density)) / n_coefficients(density.shape[-1])
