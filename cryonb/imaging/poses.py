"""Poses refined off the grid: every image against the slices of its own candidates, uphill until they stand still."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ..backends import backend_of
from ..kernels.climbing import WORK, make_refine_pose
from .projector import FourierVolume, Grid


@dataclasses.dataclass(frozen=True)
class Hill:
    """What poses climb: one reference a class, and what is known of scale and shifts.

    Attributes
    ----------
    values : array, (classes, points), complex64
        Fourier volumes.
    grid : Grid
        Their geometry; trilinear.
    free_scale : bool
        Whether slices take the amplitude that fits each image best, or their own.
    shift_range : float
        Largest shift along x and y [fraction of the field of view].
    shift_precision : float
        Inverse variance of the shifts along x and y, where that is known beforehand; else 0.
    """

    values: Any
    grid: Grid
    free_scale: bool
    shift_range: float
    shift_precision: float = 0.0

    @classmethod
    def of(cls, references: Sequence[FourierVolume], free_scale: bool, shift_range: float, sigma: float = 0.0) -> Self:
        """Return the hill of some references.

        Parameters
        ----------
        references : sequence of FourierVolume
            One a class, all of one trilinear grid.
        free_scale : bool
            Whether amplitudes are fitted.
        shift_range : float
            Largest shift along x and y [fraction of the field of view].
        sigma : float, optional
            Standard deviation of the shifts along x and y; 0 where nothing is known of it.

        Returns
        -------
        Hill
            The hill.
        """
        xp = backend_of(references[0].values).xp
        values = xp.stack([reference.values for reference in references])
        return cls(values, references[0].grid, free_scale, shift_range, sigma**-2 if sigma > 0 else 0.0)

    def climb(self, rows: tuple, start: Any, limit: float, steps: Any, classes: Any, poses: Any) -> Any:
        """Move poses uphill, in place.

        Parameters
        ----------
        rows : tuple of array
            Coefficients (m, c), complex64, and contrast transfer (m, c), float32, both over the deviation of the noise.
        start : array, (2 * reach + 1,), int64
            Where column 0 of every row stands.
        limit : float
            Finest shell that is compared [1 / field of view].
        steps : array, (m, k), int64
            Poses that are tried for each candidate; none where it is left alone.
        classes : array, (m, k), int64
            Class of each candidate.
        poses : array, (m, k, 11), float32
            Rotation, row by row, and shift along x and y; changed.

        Returns
        -------
        array, (m, k, 3), float32
            Log-likelihood ratio, sum Re(Y M*) and sum abs(M)^2; minus infinity where a candidate was left alone.
        """
        backend = backend_of(poses)
        result = backend.xp.full((*classes.shape, 3), -np.inf, np.float32)
        work = backend.xp.zeros((*classes.shape, WORK), np.float32)
        arguments = (
            *(steps, *rows, start, np.float32(limit), np.float32(self.shift_precision), np.float32(self.shift_range)),
            *(classes, self.values, *self.grid.kernel_arguments(), poses, result, work),
        )
        backend.launch(make_refine_pose, (self.free_scale,), (*classes.shape, 1), arguments, 1)
        return result
