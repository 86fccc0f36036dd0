"""What a refinement knows between two iterations: all that the next one reads, and nothing else."""

import dataclasses

import numpy as np

from .candidates import Candidates


@dataclasses.dataclass(frozen=True)
class State:
    """A refinement between two iterations.

    The next state follows from this one, the images and the settings alone, so that a run continued from a stored
    state gives the same bits as one that was never interrupted.

    Attributes
    ----------
    iteration : int
        Iterations done.
    reference : ndarray, (classes, sets, n, n, n), float32, or None
        Volumes to align against, in real space; sets is 1 where the halves share one, 2 where each has its own.
    fourier : ndarray, (classes, sets, points), complex64, or None
        The same as Fourier volumes, where a recipe never goes back to real space.
    limit : float
        Finest shell of the next alignment [1 / field of view].
    noise : ndarray, (sets, shells), float64
        Variance of the noise per pixel of the images as read, in every shell; one row for each set.
    half : ndarray, (m,), int64
        Half set of every particle, in the order of the ids: 1 or 2.
    candidates : Candidates or None
        Poses of every particle, in the order of the ids; None before the first alignment.
    half_map : ndarray, (classes, 2, n, n, n), float32, or None
        Half maps, neither filtered nor masked.
    shell_weight : ndarray, (classes, 2, n // 2 + 1), float64, or None
        Mean inserted weight of every shell.
    fsc : ndarray, (classes, n // 2 + 1), float64, or None
        The curve that the recipe read its limit from.
    claimed : ndarray, (classes,), float64, or None
        The resolution that the package would state [angstrom]; NaN where its curve never crosses before the data end.
    mask : ndarray, (n, n, n), float32, or None
        Mask of the next references.
    converged : bool
        Whether the recipe would stop here.
    aligned_to : float
        Finest shell of the alignment that gave these poses [1 / field of view]; zero before the first.
    still : int
        Iterations in a row in which neither the limit nor the poses went on.
    note : str
        What a person should know of this iteration.
    """

    iteration: int
    reference: np.ndarray | None
    fourier: np.ndarray | None
    limit: float
    noise: np.ndarray
    half: np.ndarray
    candidates: Candidates | None = None
    half_map: np.ndarray | None = None
    shell_weight: np.ndarray | None = None
    fsc: np.ndarray | None = None
    claimed: np.ndarray | None = None
    mask: np.ndarray | None = None
    converged: bool = False
    aligned_to: float = 0.0
    still: int = 0
    note: str = ""
