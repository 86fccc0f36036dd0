"""A coarse lattice of places in a box, and the way back from it to the box."""

import dataclasses
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Lattice:
    """Places at equal distances through the centre of a box, and which of them are judged.

    Attributes
    ----------
    size : int
        Voxels along an edge of the box.
    spacing : int
        Distance of neighbours [voxel].
    axis : ndarray, (g,), int64
        Voxels of the places along each axis; n // 2 is one of them.
    inside : ndarray, (g, g, g), bool
        Places that are judged.
    region : ndarray, (n, n, n), bool
        Voxels that may get a value.
    """

    size: int
    spacing: int
    axis: np.ndarray
    inside: np.ndarray
    region: np.ndarray

    @classmethod
    def of(cls, size: int, spacing: int, mask: np.ndarray | None = None) -> "Lattice":
        """Return the lattice of a box.

        Parameters
        ----------
        size : int
            Voxels along an edge of the box.
        spacing : int
            Distance of neighbours [voxel].
        mask : ndarray, (n, n, n), float32, optional
            Places where it is below one half are left out; without it, those outside the sphere that fits the box.

        Returns
        -------
        Lattice
            The lattice.
        """
        axis = np.arange((size // 2) % spacing, size, spacing)
        if mask is None:
            distance = ((np.arange(size) - size // 2) ** 2).astype(np.float32)
            region = distance[:, None, None] + distance[:, None] + distance < (size / 2) ** 2
        else:
            region = mask >= 0.5
        return cls(size, spacing, axis, region[np.ix_(axis, axis, axis)], region)

    @property
    def places(self) -> np.ndarray:
        """Voxels of the judged places as z, y, x, (places, 3), int64."""
        return self.axis[np.argwhere(self.inside)]

    def spread_out(self, values: np.ndarray, elsewhere: object) -> np.ndarray:
        """Return values of the judged places on the whole lattice.

        Parameters
        ----------
        values : ndarray, (rows, places)
            Values.
        elsewhere : object
            What stands at the other places.

        Returns
        -------
        ndarray, (rows, g, g, g)
            Of the type of `values`.
        """
        kind = np.result_type(values, np.asarray(elsewhere)) if values.dtype.kind == "U" else values.dtype
        full = np.full((len(values), *self.inside.shape), elsewhere, dtype=kind)
        full[:, self.inside] = values
        return full

    def interpolated(
        self, values: np.ndarray, plane: int | None = None, tick: Callable[[float], None] | None = None
    ) -> np.ndarray:
        """Return values of the lattice on the voxels of the box, by trilinear interpolation.

        Parameters
        ----------
        values : ndarray, (g, g, g), float32
            Values; NaN where there is none.
        plane : int, optional
            The axis on which only the central section is wanted.
        tick : callable, optional
            Called with the fraction done.

        Returns
        -------
        ndarray, (n, n, n) or (n, n), float32
            Mean of the neighbours that have a value, weighted as trilinear interpolation does; NaN where the nearest
            half of the neighbourhood has none, and outside the region.
        """
        known = np.isfinite(values)
        rows = [self._matrix()] * 3
        region = self.region
        if plane is not None:
            rows = [matrix[[self.size // 2]] if axis == plane else matrix for axis, matrix in enumerate(rows)]
            region = np.take(region, [self.size // 2], axis=plane)
        tick = tick or _silent
        weight = _along(known.astype(np.float32), rows)
        tick(0.4)
        total = _along(np.where(known, values, np.float32(0.0)).astype(np.float32), rows)
        tick(0.8)
        enough = region & (weight > 0.5 - 1e-4)
        result = np.divide(total, weight, out=np.full(total.shape, np.nan, np.float32), where=enough)
        return result if plane is None else np.squeeze(result, axis=plane)

    def _matrix(self) -> np.ndarray:
        """Return the weights of the lattice's places for every voxel along an axis, (n, g), float32."""
        away = np.abs(np.arange(self.size)[:, None] - self.axis[None, :]) / self.spacing
        weights = np.maximum(1.0 - away, 0.0)
        weights[np.arange(self.size) < self.axis[0], 0] = 1.0
        weights[np.arange(self.size) > self.axis[-1], -1] = 1.0
        return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _along(values: np.ndarray, rows: list[np.ndarray]) -> np.ndarray:
    for axis, matrix in enumerate(rows):
        values = np.moveaxis(np.tensordot(matrix, values, axes=(1, axis)), 0, axis)
    return values


def _silent(fraction: float) -> None:
    """Report nothing."""
