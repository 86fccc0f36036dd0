"""The global search: every view, turn in the plane and shift on a grid, by matrix products on rings."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from ..backends import backend_of
from ..kernels.scores import make_best_turn
from .polar import Rings, ring_slices
from .projector import FourierVolume
from .symmetry import symmetry_operators
from .views import disc, distinct_views, order_for, view_matrices, view_step

VIEW_STEP = 120.0
"""Distance of views times the outermost ring [degree]: 7.5 degrees at ring 16."""

HILL_WIDTH = 144.0
"""Width of a hill of the likelihood times the outermost ring [degree]."""

SHIFT_STEP = 0.375
"""Distance of shifts times the outermost ring [fraction of the field of view]: three eighths of the finest wave."""

BLOCK = 64
"""Views whose table of correlations is held at a time, so that it stays in the cache."""

FEWEST = 4
"""Poses of each class that are kept at least: with two, the right hill was seen to be missed."""

POOL = 4
"""Views that are looked at for each candidate that is kept."""


@dataclasses.dataclass(frozen=True)
class Views:
    """The grid of views and turns.

    Attributes
    ----------
    matrices : ndarray, (2, n, 3, 3), float64
        Views of half the sphere and their antipodes, without a turn in the plane.
    step : float
        Distance of neighbours [radian].
    """

    matrices: np.ndarray
    step: float


def sweep_grid(last: int, shift_range: float, symmetry: str = "C1") -> tuple[Rings, Views, np.ndarray]:
    """Return what a global search compares.

    Parameters
    ----------
    last : int
        Outermost ring [1 / field of view].
    shift_range : float
        Largest shift, as a fraction of the field of view.
    symmetry : str, optional
        Point group: views that it repeats are left out.

    Returns
    -------
    rings : Rings
        Where slices and images are sampled; angles about as far apart as views.
    views : Views
        The views.
    shifts : ndarray, (s, 2), float64
        The shifts along x and y, as fractions of the field of view.
    """
    order = order_for(VIEW_STEP / last)
    step = view_step(order)
    n_angles = 4 * max(2, round(360.0 / step / 4))
    matrices = view_matrices(order)
    kept = distinct_views(matrices[0], symmetry_operators(symmetry), 0.5 * np.deg2rad(step))
    shifts = disc(shift_range, SHIFT_STEP / last)
    return Rings.of(1, last, n_angles), Views(matrices[:, kept], np.deg2rad(step)), shifts


@dataclasses.dataclass(frozen=True)
class Sweep:
    """Slices of all views of all classes, as angular orders, ready to be compared with images.

    Attributes
    ----------
    rings : Rings
        Where they are sampled.
    views : Views
        The views.
    shifts : ndarray, (s, 2), float64
        The shifts along x and y, as fractions of the field of view.
    slices : array, (classes, blocks, orders, 2, 2 * rings, BLOCK), float32
        For every order, even ones first: what takes (real, imaginary) of an image's rings to the real and the imaginary
        part of its product with every slice. The last block is filled up with empty slices.
    power : array, (classes, rings, 2 * n), float32
        Mean square of every slice along every ring.
    """

    rings: Rings
    views: Views
    shifts: np.ndarray
    slices: Any
    power: Any

    @classmethod
    def of(
        cls, references: Sequence[FourierVolume], rings: Rings, views: Views, shifts: np.ndarray, threads: int = 1
    ) -> Self:
        """Return the sweep of some references.

        Parameters
        ----------
        references : sequence of FourierVolume
            One a class.
        rings : Rings
            Where to sample.
        views : Views
            The views.
        shifts : ndarray, (s, 2), float64
            The shifts.
        threads : int, optional
            CPU threads.

        Returns
        -------
        Sweep
            The sweep.
        """
        count = views.matrices.shape[1]
        blocks = -(-2 * count // BLOCK)
        shape = len(references), blocks, rings.orders, 2, 2 * len(rings.radius), BLOCK
        slices = np.zeros(shape, np.float32)
        power = np.empty((len(references), len(rings.radius), 2 * count), np.float32)
        for group, reference in enumerate(references):
            power[group] = _fill(slices[group], reference, rings, views, threads)
        return cls(rings, views, shifts, slices, power)

    def __post_init__(self) -> None:
        even, odd = (part.reshape(len(part), -1) for part in self.rings.synthesis())
        object.__setattr__(self, "_of_even", even)
        object.__setattr__(self, "_of_odd", odd)
        object.__setattr__(self, "_analysis", self.rings.analysis())

    @property
    def step_radian(self) -> float:
        """Distance of neighbouring views and turns [radian]."""
        return self.views.step

    @property
    def hill_width(self) -> float:
        """Distance at which two poses belong to different hills of the likelihood [radian]."""
        return float(np.deg2rad(HILL_WIDTH / self.rings.radius[-1]))

    @property
    def shift_step(self) -> float:
        """Distance of neighbouring shifts [fraction of the field of view]."""
        return SHIFT_STEP / float(self.rings.radius[-1])

    @property
    def hypotheses(self) -> int:
        """Poses compared for every image."""
        return len(self.slices) * self.power.shape[-1] * self.rings.n_angles * len(self.shifts)

    def __call__(
        self, weighted: np.ndarray, power: np.ndarray, kept: int, pause: Callable[[], None]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the best poses of the grid.

        Parameters
        ----------
        weighted : ndarray, (m, rings, angles), complex64
            Images on rings, as `Observer.on_rings` weighs them.
        power : ndarray, (m, rings), float32
            What weighs the slices' power.
        kept : int
            Poses of each image; at least `FEWEST` of every class.
        pause : callable
            Called now and then; what it raises stops the search.

        Returns
        -------
        poses : ndarray, (m, k, 11), float32
            Rotation, row by row, and shift.
        classes : ndarray, (m, k), int64
            Class of each.
        """
        each = max(FEWEST, -(-kept // len(self.slices)))
        ramps = self.rings.shift_factors(self.shifts)
        buffers = self._buffers()
        poses = []
        for number, image in enumerate(weighted):
            orders = self._orders(ramps * image)
            groups = range(len(self.slices))
            poses.append([self._best_views(orders, group, power[number], each, buffers) for group in groups])
            pause()
        values, turns, shifts, views = (np.array(part) for part in zip(*(zip(*image) for image in poses)))
        return self._spread(values, turns, shifts, views, each)

    def _buffers(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return room for the products of an image with a block of slices, and for their correlations at all turns."""
        orders, angles, table = self.rings.orders, self.rings.n_angles // 2, (len(self.shifts), BLOCK)
        return tuple(np.empty((count, *table), np.float32) for count in (2 * orders, angles, angles))

    def _orders(self, rings: np.ndarray) -> np.ndarray:
        """Return shifted images as rows to multiply slices: (orders, 1, shifts, 2 * rings), even orders first."""
        shifts, count = rings.shape[:2]
        flat = rings.view(np.float32).reshape(shifts * count, self.rings.n_angles)
        found = (flat @ self._analysis).reshape(shifts, count, self.rings.orders, 2)
        ordered = found.transpose(2, 0, 3, 1).reshape(self.rings.orders, 1, shifts, 2 * count)
        return np.concatenate([ordered[0::2], ordered[1::2]])

    def _best_views(
        self, orders: np.ndarray, group: int, power: np.ndarray, each: int, buffers: tuple
    ) -> tuple[np.ndarray, ...]:
        """Return the views that correlate best at any shift and turn: their values, turns, shifts and places."""
        backend = backend_of(orders)
        products, even, odd = buffers
        views, shifts = self.power.shape[-1], len(self.shifts)
        table = products.reshape(self.rings.orders, 2, shifts, BLOCK)
        flat, half = products.reshape(len(products), -1), self.rings.orders
        shape = len(self.slices[group]), shifts, BLOCK
        value, turn = np.empty(shape, np.float32), np.empty(shape, np.int32)
        for number, block in enumerate(self.slices[group]):
            np.matmul(orders, block, out=table)
            np.matmul(self._of_even, flat[:half], out=even.reshape(len(even), -1))
            np.matmul(self._of_odd, flat[half:], out=odd.reshape(len(odd), -1))
            arguments = (even, odd, value[number], turn[number])
            backend.launch(make_best_turn, (BLOCK,), (shifts, 1, 1), arguments, 1)
        shift = value.argmax(axis=1)
        value, turn = (np.take_along_axis(part, shift[:, None], 1).ravel()[:views] for part in (value, turn))
        strength = power @ self.power[group]
        best = value / np.sqrt(np.maximum(strength, np.finfo(np.float32).tiny))
        pool = np.argsort(-best, kind="stable")[: min(POOL * each, views)]
        return best[pool], turn[pool], shift.ravel()[pool], pool

    def _spread(
        self, values: np.ndarray, turns: np.ndarray, shifts: np.ndarray, views: np.ndarray, each: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the best views of each class that lie apart from each other, (m, classes * each)."""
        count, groups, pool = values.shape
        matrices = self.views.matrices.reshape(-1, 3, 3)[views]
        angle = 2.0 * np.pi * turns / self.rings.n_angles
        cosine, sine = np.cos(angle)[..., None], np.sin(angle)[..., None]
        first, second = matrices[..., 0, :], matrices[..., 1, :]
        rows = (cosine * first + sine * second, cosine * second - sine * first, matrices[..., 2, :])
        rotations = np.stack(rows, axis=-2).reshape(count * groups, pool, 9)
        trace = np.einsum("map,mbp->mab", rotations, rotations)
        near = trace > 1.0 + 2.0 * np.cos(self.hill_width)
        left = values.reshape(count * groups, pool).astype(np.float64).copy()
        lines, chosen = np.arange(len(left)), []
        for _ in range(each):
            best = left.argmax(axis=1)
            chosen.append(best)
            left[near[lines, best]] -= 1e6
        chosen = np.stack(chosen, axis=1)
        shift = self.shifts[np.take_along_axis(shifts.reshape(-1, pool), chosen, 1)]
        pose = np.concatenate([np.take_along_axis(rotations, chosen[..., None], 1), shift], axis=2)
        classes = np.repeat(np.arange(groups), each)[None].repeat(count, axis=0)
        return np.ascontiguousarray(pose.reshape(count, groups * each, 11).astype(np.float32)), classes


def _fill(slices: np.ndarray, reference: FourierVolume, rings: Rings, views: Views, threads: int) -> np.ndarray:
    """Write the slices of one class into (blocks, orders, 2, 2 * rings, BLOCK); return their power along every ring."""
    sampled = ring_slices(reference, views.matrices[0], rings, threads)
    count, n_rings = sampled.shape[:2]
    power = (sampled.real**2 + sampled.imag**2).mean(axis=2).T
    flat = sampled.view(np.float32).reshape(count * n_rings, rings.n_angles)
    found = (flat @ rings.analysis()).reshape(count, n_rings, rings.orders, 2).transpose(2, 3, 1, 0)
    place, half = np.arange(2 * count), rings.orders // 2
    block, lane = place // BLOCK, place % BLOCK
    for first, sign in ((0, 1.0), (1, -1.0)):
        part = found[first::2]
        real = np.concatenate([part[:, 0], np.float32(sign) * part[:, 0]], axis=2).transpose(2, 0, 1)
        imaginary = np.concatenate([part[:, 1], np.float32(-sign) * part[:, 1]], axis=2).transpose(2, 0, 1)
        orders = slices[:, first * half : (first + 1) * half]
        orders[block, :, 0, :n_rings, lane] = real
        orders[block, :, 0, n_rings:, lane] = imaginary
        orders[block, :, 1, :n_rings, lane] = -imaginary
        orders[block, :, 1, n_rings:, lane] = real
    return np.concatenate([power, power], axis=1)
