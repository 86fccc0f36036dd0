"""When a refinement has nothing more to find: its limit stands still, and so do its poses."""

import dataclasses

import numpy as np

from ..imaging.symmetry import symmetry_operators
from .candidates import Candidates
from .state import State

STILL = 2
"""Iterations in a row in which nothing improved, after which a recipe would stop."""

FEW = 0.01
"""Fraction of the images that may change their class in an iteration that stands still."""


def pose_change(before: Candidates, after: Candidates, operators: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far the best pose of every image moved.

    Parameters
    ----------
    before, after : Candidates
        Poses of the same images, m.
    operators : ndarray, (operators, 3, 3), float64
        Symmetry of the map: turned by one of them, a pose is the same.

    Returns
    -------
    angle : ndarray, (m,), float64
        Smallest angle between the two orientations [radian].
    shift : ndarray, (m,), float64
        Distance between the two shifts, as a fraction of the field of view.
    """
    old, new = before.of_best("rotation"), after.of_best("rotation")
    trace = np.einsum("mij,sjk,mik->ms", old, operators, new).max(axis=1)
    angle = np.arccos(np.clip((trace - 1.0) / 2.0, -1.0, 1.0))
    return angle, np.linalg.norm(after.of_best("shift") - before.of_best("shift"), axis=1)


def iterations_still(before: State, after: State, operators: np.ndarray) -> int:
    """Return for how many iterations in a row a refinement has stood still.

    Parameters
    ----------
    before, after : State
        The state before an iteration, and after it.
    operators : ndarray, (operators, 3, 3), float64
        Symmetry of the map.

    Returns
    -------
    int
        One more than before where the limit reaches no further by one shell, half of the poses moved by less than a
        quarter of 1 / limit radian and a sixteenth of the finest wavelength, and fewer than `FEW` of the images changed
        their class; else 0.
    """
    if before.candidates is None or after.limit >= before.limit + 1.0:
        return 0
    angle, shift = pose_change(before.candidates, after.candidates, operators)
    changed = before.candidates.of_best("class_index") != after.candidates.of_best("class_index")
    still = np.median(angle) < 0.25 / after.aligned_to and np.median(shift) < 0.0625 / after.aligned_to
    return before.still + 1 if still and changed.mean() < FEW else 0


def with_stillness(before: State, after: State, symmetry: str) -> State:
    """Return the state after an iteration with how long it has stood still, and whether it has converged by that.

    Parameters
    ----------
    before, after : State
        The state before an iteration, and after it.
    symmetry : str
        Point group of the map.

    Returns
    -------
    State
        The state after.
    """
    still = iterations_still(before, after, symmetry_operators(symmetry))
    return dataclasses.replace(after, still=still, converged=still >= STILL)
