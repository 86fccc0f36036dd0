"""What a refinement knows between two iterations: all that the next one reads, and nothing else."""

import dataclasses
from typing import Any

import numpy as np

from ..backends import backend_of
from .candidates import Candidates

VOLUMES = ("reference", "fourier", "mask")
"""What the next iteration aligns to: the arrays of a state that are taken up."""

MAPS = (*VOLUMES, "half_map")
"""All arrays of a state that an iteration may leave on its backend."""


@dataclasses.dataclass(frozen=True)
class State:
    """A refinement between two iterations.

    The next state follows from this one, the images and the settings alone, so that a run continued from a stored
    state gives the same bits as one that was never interrupted. Between iterations all its arrays are of the host,
    whatever the iterations are computed on, so that any machine goes on from there: an iteration takes its volumes up
    when it begins, see `taken_up`, and all it made is brought back when it ends, see `brought_back`.

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


def taken_up(state: State, backend: Any) -> State:
    """Return a state with the volumes that an iteration aligns to on its backend.

    Parameters
    ----------
    state : State
        The state before the iteration.
    backend : Backend
        What computes it.

    Returns
    -------
    State
        With `reference`, `fourier` and `mask` there; half maps, which no iteration reads again, stay where they are.
    """
    given = {name: getattr(state, name) for name in VOLUMES}
    return dataclasses.replace(
        state, **{name: backend.upload(volume) for name, volume in given.items() if volume is not None}
    )


def brought_back(state: State) -> State:
    """Return a state with all its arrays on the host.

    Parameters
    ----------
    state : State
        The state after an iteration, as its recipe left it.

    Returns
    -------
    State
        The same on any machine.
    """
    made = {name: getattr(state, name) for name in MAPS}
    return dataclasses.replace(
        state, **{name: backend_of(volume).download(volume) for name, volume in made.items() if volume is not None}
    )
