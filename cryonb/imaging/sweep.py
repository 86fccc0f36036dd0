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
"""Views whose table of correlations is held at a time on a CPU, so that it stays in the cache; a multiple elsewhere."""

TABLE_BYTES = 2**30
"""Memory of the tables of correlations of views and images that are compared at a time where memory is ample [byte]."""

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
    slices : array, (classes, blocks, orders, 2, 2 * rings, width), float32
        For every order, even ones first: what takes (real, imaginary) of an image's rings to the real and the imaginary
        part of its product with every slice. The last block is filled up with empty slices; on a CPU, blocks are of
        `BLOCK` views, elsewhere of as many as one image's tables have room for.
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
        backend, count = backend_of(references[0].values), views.matrices.shape[1]
        width = _block_width(backend, 2 * count, _view_bytes(rings, shifts))
        shape = len(references), -(-2 * count // width), rings.orders, 2, 2 * len(rings.radius), width
        slices = backend.xp.zeros(shape, np.float32)
        power = backend.xp.empty((len(references), len(rings.radius), 2 * count), np.float32)
        for group, reference in enumerate(references):
            power[group] = _fill(slices[group], reference, rings, views, threads)
        return cls(rings, views, shifts, slices, power)

    def __post_init__(self) -> None:
        even, odd = (part.reshape(len(part), -1) for part in self.rings.synthesis())
        constants = {
            "_of_even": even,
            "_of_odd": odd,
            "_analysis": self.rings.analysis(),
            "_ramps": self.rings.shift_factors(self.shifts),
            "_turns": self.views.matrices.reshape(-1, 3, 3),
            "_moves": self.shifts,
        }
        for name, values in constants.items():
            object.__setattr__(self, name, backend_of(self.slices).upload(values))

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

    @property
    def operations(self) -> float:
        """Operations of the matrix products for every image [flop]."""
        each = self.rings.orders * (8.0 * len(self.rings.radius) + 4.0 * self.rings.orders)
        return each * len(self.slices) * self.power.shape[-1] * len(self.shifts)

    def __call__(self, weighted: Any, power: Any, kept: int, pause: Callable[[], None]) -> tuple[Any, Any]:
        """Return the best poses of the grid.

        Parameters
        ----------
        weighted : array, (m, rings, angles), complex64
            Images on rings, as `Observer.on_rings` weighs them.
        power : array, (m, rings), float32
            What weighs the slices' power.
        kept : int
            Poses of each image; at least `FEWEST` of every class.
        pause : callable
            Called now and then; what it raises stops the search.

        Returns
        -------
        poses : array, (m, k, 11), float32
            Rotation, row by row, and shift.
        classes : array, (m, k), int64
            Class of each.
        """
        xp, each = backend_of(weighted).xp, max(FEWEST, -(-kept // len(self.slices)))
        many, groups, found = self._together(len(weighted)), range(len(self.slices)), []
        buffers = self._buffers(many)
        for first in range(0, len(weighted), many):
            images, strength = weighted[first : first + many], power[first : first + many]
            orders = self._orders((self._ramps * images[:, None]).reshape(-1, *images.shape[1:]))
            found.append([self._best_views(orders, group, strength, each, buffers) for group in groups])
            pause()
        parts = ([xp.stack(part, axis=1) for part in zip(*several)] for several in found)
        values, turns, shifts, views = map(xp.concatenate, zip(*parts))
        return self._spread(values, turns, shifts, views, each)

    def _together(self, images: int) -> int:
        """Return how many images are compared at a time: one, but where memory is ample."""
        each = _view_bytes(self.rings, self.shifts) * self.slices.shape[-1]
        return max(1, min(images, backend_of(self.slices).together(1, each), int(TABLE_BYTES / each)))

    def _buffers(self, images: int) -> tuple[Any, Any, Any]:
        """Return room for the products of images with a block of slices, and for their correlations at all turns."""
        orders, angles = self.rings.orders, self.rings.n_angles // 2
        size, xp = images * len(self.shifts) * self.slices.shape[-1], backend_of(self.slices).xp
        return tuple(xp.empty(count * size, xp.float32) for count in (2 * orders, angles, angles))

    def _orders(self, rings: Any) -> Any:
        """Return shifted images as rows to multiply slices: (orders, 1, rows, 2 * rings), even orders first."""
        rows, count = rings.shape[:2]
        flat = rings.view(np.float32).reshape(rows * count, self.rings.n_angles)
        found = (flat @ self._analysis).reshape(rows, count, self.rings.orders, 2)
        ordered = found.transpose(2, 0, 3, 1).reshape(self.rings.orders, 1, rows, 2 * count)
        return backend_of(rings).xp.concatenate([ordered[0::2], ordered[1::2]])

    def _best_views(self, orders: Any, group: int, power: Any, each: int, buffers: tuple) -> tuple[Any, ...]:
        """Return each image's views that correlate best at any shift and turn: values, turns, shifts and places."""
        xp, images, views = backend_of(orders).xp, len(power), self.power.shape[-1]
        shape = len(self.slices[group]), orders.shape[2], self.slices.shape[-1]
        value, turn = xp.empty(shape, xp.float32), xp.empty(shape, xp.int32)
        for number, block in enumerate(self.slices[group]):
            self._compare(orders, block, buffers, value[number], turn[number])
        by_image = shape[0], images, shape[1] // images, shape[2]
        value, turn = value.reshape(by_image), turn.reshape(by_image)
        shift = value.argmax(axis=2)
        value, turn = (xp.take_along_axis(part, shift[:, :, None], 2)[:, :, 0] for part in (value, turn))
        value, turn, shift = (part.transpose(1, 0, 2).reshape(images, -1)[:, :views] for part in (value, turn, shift))
        best = value / xp.sqrt(xp.maximum(power @ self.power[group], np.finfo(np.float32).tiny))
        pool = xp.argsort(-best, axis=1, kind="stable")[:, : min(POOL * each, views)]
        return *(xp.take_along_axis(part, pool, 1) for part in (best, turn, shift)), pool

    def _compare(self, orders: Any, block: Any, buffers: tuple, value: Any, turn: Any) -> None:
        """Write the largest correlations of shifted images with a block of slices, and at which turns; (rows, width).

        What one product leaves is what the next one takes, without a copy between.
        """
        backend, size, half = backend_of(orders), value.size, self.rings.orders
        products = buffers[0][: 2 * half * size].reshape(2 * half, size)
        even, odd = (part[: self._of_even.shape[0] * size].reshape(-1, size) for part in buffers[1:])
        backend.xp.matmul(orders, block, out=products.reshape(half, 2, *value.shape))
        backend.xp.matmul(self._of_even, products[:half], out=even)
        backend.xp.matmul(self._of_odd, products[half:], out=odd)
        at_turns = (part.reshape(-1, *value.shape) for part in (even, odd))
        shape = len(value), -(-value.shape[1] // backend.lanes), 1
        backend.launch(make_best_turn, (backend.lanes,), shape, (*at_turns, value, turn), 1)

    def _spread(self, values: Any, turns: Any, shifts: Any, views: Any, each: int) -> tuple[Any, Any]:
        """Return the best views of each class that lie apart from each other, (m, classes * each)."""
        xp, (count, groups, pool) = backend_of(values).xp, values.shape
        matrices = self._turns[views]
        angle = 2.0 * np.pi * turns / self.rings.n_angles
        cosine, sine = xp.cos(angle)[..., None], xp.sin(angle)[..., None]
        first, second = matrices[..., 0, :], matrices[..., 1, :]
        rows = (cosine * first + sine * second, cosine * second - sine * first, matrices[..., 2, :])
        rotations = xp.stack(rows, axis=-2).reshape(count * groups, pool, 9)
        near = xp.einsum("map,mbp->mab", rotations, rotations) > 1.0 + 2.0 * np.cos(self.hill_width)
        left = values.reshape(count * groups, pool).astype(np.float64)
        lines, chosen = xp.arange(len(left)), []
        for _ in range(each):
            best = left.argmax(axis=1)
            chosen.append(best)
            left -= 1e6 * near[lines, best]
        chosen = xp.stack(chosen, axis=1)
        shift = self._moves[xp.take_along_axis(shifts.reshape(-1, pool), chosen, 1)]
        pose = xp.concatenate([xp.take_along_axis(rotations, chosen[..., None], 1), shift], axis=2)
        classes = xp.repeat(xp.arange(groups), each)[None].repeat(count, axis=0)
        return xp.ascontiguousarray(pose.reshape(count, groups * each, 11).astype(np.float32)), classes


def _view_bytes(rings: Rings, shifts: np.ndarray) -> int:
    """Return the memory that the products of an image with one view and their correlations take [byte]."""
    return (2 * rings.orders + rings.n_angles) * len(shifts) * 4


def _block_width(backend: Any, views: int, each: int) -> int:
    """Return how many views a block holds: `BLOCK` on a CPU, and where memory is ample as many as it has room for."""
    widest = max(BLOCK, min(backend.together(BLOCK, each), TABLE_BYTES // each // BLOCK * BLOCK))
    blocks = -(-views // widest)
    return -(-views // (blocks * BLOCK)) * BLOCK


def _fill(slices: Any, reference: FourierVolume, rings: Rings, views: Views, threads: int) -> Any:
    """Write the slices of one class into (blocks, orders, 2, 2 * rings, width); return their power along every ring."""
    xp, (blocks, orders, _, _, width) = backend_of(slices).xp, slices.shape
    sampled = ring_slices(reference, views.matrices[0], rings, threads)
    count, n_rings = sampled.shape[:2]
    power = (sampled.real**2 + sampled.imag**2).mean(axis=2).T
    flat = sampled.view(np.float32).reshape(count * n_rings, rings.n_angles)
    found = (flat @ xp.asarray(rings.analysis())).reshape(count, n_rings, orders, 2).transpose(2, 3, 1, 0)
    filled = xp.zeros((orders // 2, 2, n_rings, blocks * width), xp.float32)
    for first, sign in ((0, 1.0), (1, -1.0)):
        filled[..., :count] = found[first::2]
        filled[:, 0, :, count : 2 * count] = np.float32(sign) * found[first::2, 0]
        filled[:, 1, :, count : 2 * count] = np.float32(-sign) * found[first::2, 1]
        real, imaginary = filled.reshape(-1, 2, n_rings, blocks, width).transpose(1, 3, 0, 2, 4)
        part = slices[:, first * (orders // 2) : (first + 1) * (orders // 2)]
        part[:, :, 0, :n_rings], part[:, :, 0, n_rings:] = real, imaginary
        part[:, :, 1, :n_rings], part[:, :, 1, n_rings:] = -imaginary, real
    return xp.concatenate([power, power], axis=1)
