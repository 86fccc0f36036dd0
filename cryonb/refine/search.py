"""The search for poses: all views, turns and shifts at once on a grid, then the best of them refined off it."""

import dataclasses
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ..backends import backend_of
from ..engines import get_engine
from ..errors import must
from ..imaging.poses import Hill
from ..imaging.projector import FourierVolume
from ..imaging.sweep import FEWEST, POOL, Sweep, sweep_grid
from .candidates import Candidates
from .counter import Counter
from .images import TILE, Images
from .observed import Observer, Rows

LIKELIHOOD, CORRELATION = "likelihood", "correlation"

FIRST_STEPS, LAST_STEPS = 4, 10
"""Poses that are tried for a candidate from the grid, and for one that is left after the first comparison."""

HOPELESS = 12.0
"""Candidates whose log-likelihood is this far below the best one of their image are given up."""

MANY_RINGS = 12
"""With fewer rings than this on the grid, the right hill is told from others less surely."""

STEP_PIXELS, STEP_OPERATIONS = 2**25, 1e12
"""Pixels that a step takes at most, as several steps are read ahead; and its operations, so that a search can be
stopped well within a second [flop]. A step takes `TILE` images at least."""

POINT_OPERATIONS = 150.0
"""Operations for a coefficient of an image that is compared with a slice and its derivatives [flop]."""

SAME = 0.4
"""Candidates closer than this fraction of the grid's step have met: they are one."""


@dataclasses.dataclass(frozen=True)
class SearchSettings:
    """How poses are searched; lengths in units of the field of view.

    Attributes
    ----------
    max_index : float
        Finest shell that decides a pose [1 / field of view].
    search_index : float
        Finest shell that is compared on the grid; local refinement goes on to `max_index`.
    score : {"likelihood", "correlation"}
        Slices at their own amplitude, or at that which fits each image best.
    shift_range : float
        Largest shift along x and y.
    candidates : int
        Poses of each image that go from the grid to local refinement.
    symmetry : str
        Point group: views that it repeats are compared once.
    local : bool
        Whether poses are only refined from where they stand.
    shift_sigma : float
        Standard deviation of the shifts along x and y where that is known beforehand; 0 for no such knowledge.
    """

    max_index: float
    search_index: float = 16.0
    score: str = LIKELIHOOD
    shift_range: float = 0.08
    candidates: int = 12
    symmetry: str = "C1"
    local: bool = False
    shift_sigma: float = 0.0

    @property
    def grid_index(self) -> int:
        """Outermost ring of the grid search."""
        return max(2, math.floor(min(self.search_index, self.max_index) + 1e-6))

    @property
    def from_grid(self) -> int:
        """Candidates taken from the grid: more where it is coarse, as its hills are alike and cost little to climb."""
        return self.candidates * max(1, round(MANY_RINGS / self.grid_index))


def search(
    images: Images,
    references: Sequence[FourierVolume],
    noise: np.ndarray,
    settings: SearchSettings,
    threads: int,
    counter: Counter,
    *,
    start: Candidates | None = None,
) -> Candidates:
    """Return the best poses of some images against one reference a class.

    Parameters
    ----------
    images : Images
        The images; a local search without `start` begins at their own poses.
    references : sequence of FourierVolume
        One a class, all of one trilinear grid, in the grey scale of the images.
    noise : ndarray, (read_size // 2 + 1,), float64
        Variance of the noise per pixel of the images as read, in every shell.
    settings : SearchSettings
        How to search.
    threads : int
        CPU threads; the result does not depend on them.
    counter : Counter
        Told how many images are done; may stop the search.
    start : Candidates, optional
        Poses that a local search begins at.

    Returns
    -------
    Candidates
        Of every image, best first; shares by likelihood.

    Raises
    ------
    InputError
        If the references cannot be searched.

    Notes
    -----
    For an image y and a slice M, both over the deviation of the noise, the log-likelihood ratio against an empty image
    is 2 Re sum y M* - sum |M|^2 over half the plane. The grid ranks poses by the same with the amplitude that fits
    best, sign(A) A^2 / B. Local refinement is Levenberg-Marquardt on the trilinear slice and its derivatives.

    References
    ----------
    Sigworth (1998), doi:10.1006/jsbi.1998.4014; Scheres (2012), doi:10.1016/j.jmb.2011.11.010
    """
    with threadpool_limits(1, "blas"):
        seeker = Seeker(images, references, noise, settings, threads)
    if len(images) == 0:
        return seeker.nothing()
    backend, steps = seeker.backend, seeker.steps()
    pieces = [steps] if backend.workers(threads) == 1 else [[step] for step in steps]

    def one(piece: list[slice], share: int) -> list[Candidates]:
        found = []
        for tile, pixels in images.fed(backend, piece):
            found.append(seeker.of_tile(tile, pixels, None if start is None else start[tile], counter))
            counter.add(tile.stop - tile.start, "aligning particles")
        return found

    try:
        with threadpool_limits(1, "blas"):
            parts = get_engine(images.config.compute.engine).map(one, pieces, threads)
    except BaseException as problem:
        counter.stop(problem)
        raise counter.reason from None
    return Candidates.joined([found for piece in parts for found in piece])


class Seeker:
    """References made ready once, against which tiles of images are searched, on the machine where they live.

    Parameters
    ----------
    images : Images
        The images.
    references : sequence of FourierVolume
        One a class.
    noise : ndarray, (read_size // 2 + 1,), float64
        Variance of the noise per pixel, in every shell.
    settings : SearchSettings
        How to search.
    threads : int
        CPU threads while they are made ready.
    """

    def __init__(
        self,
        images: Images,
        references: Sequence[FourierVolume],
        noise: np.ndarray,
        settings: SearchSettings,
        threads: int = 1,
    ) -> None:
        grid = references[0].grid
        rule = "references must be interpolated by the trilinear kernel where poses are searched"
        must(grid.kernel == "trilinear", rule, grid.kernel, "Set box.kernel to trilinear")
        must(
            all(other.grid == grid for other in references), "references must share one grid", "several", "Remake them"
        )
        self.backend = backend_of(references[0].values)
        self._images, self._settings, self._classes = images, settings, len(references)
        free = settings.score == CORRELATION
        self._hill = Hill.of(references, free, settings.shift_range, settings.shift_sigma)
        rings, views, shifts = sweep_grid(settings.grid_index, settings.shift_range, settings.symmetry)
        self._sweep = None if settings.local else Sweep.of(references, rings, views, shifts, threads)
        self._observer = Observer.of(images, noise, Rows.within(settings.max_index), rings, self.backend)

    @property
    def hypotheses(self) -> int:
        """Poses that the grid compares for every image."""
        return 0 if self._sweep is None else self._sweep.hypotheses

    def nothing(self) -> Candidates:
        """Return the candidates of no images.

        Returns
        -------
        Candidates
            Of one place each.
        """
        poses, classes, shares = np.zeros((0, 1, 11), np.float32), np.zeros((0, 1), np.int64), np.zeros((0, 1))
        return self._labelled(poses, classes, np.zeros((0, 1, 3), np.float32), shares, shares[:, 0])

    def steps(self) -> list[slice]:
        """Return the images of each step of the search.

        Returns
        -------
        list of slice
            Ranges of at most `TILE` images on a CPU; of as many as there is room for, and time to stop, elsewhere.
        """
        count, pixels = len(self._images), self._images.sampling.read_size**2
        most = min(
            self.backend.together(TILE, self._bytes()), STEP_PIXELS / pixels, STEP_OPERATIONS / self._operations()
        )
        size = max(TILE, int(most) // TILE * TILE)
        return [slice(first, min(first + size, count)) for first in range(0, count, size)]

    def of_tile(self, tile: slice, pixels: Any, start: Candidates | None, counter: Counter) -> Candidates:
        """Return the best poses of one tile of images.

        Parameters
        ----------
        tile : slice
            Which images.
        pixels : array, (m, n, n), float32
            They, as read.
        start : Candidates or None
            Poses to begin at, in a local search.
        counter : Counter
            May stop the search.

        Returns
        -------
        Candidates
            Theirs.

        Notes
        -----
        Where memory runs out, the two halves of the tile are searched one after the other.
        """
        try:
            return self._searched(tile, pixels, start, counter)
        except MemoryError:
            if len(pixels) <= TILE:
                raise
        half, parts = -(-len(pixels) // (2 * TILE)) * TILE, []
        for inside in (slice(0, half), slice(half, len(pixels))):
            those = slice(tile.start + inside.start, tile.start + inside.stop)
            parts.append(self.of_tile(those, pixels[inside], None if start is None else start[inside], counter))
        return Candidates.joined(parts)

    def _searched(self, tile: slice, pixels: Any, start: Candidates | None, counter: Counter) -> Candidates:
        xp, settings = self.backend.xp, self._settings
        pixels = self._observer.prepared(pixels)
        rows = self._observer.in_rows(tile, pixels)
        energy = (xp.abs(rows[0]) ** 2).sum(axis=1, dtype=np.float64)
        if self._sweep is None:
            poses, classes = self._given(tile, start)
            result = self._refined(rows, settings.max_index, xp.full(classes.shape, LAST_STEPS), classes, poses)
        else:
            pause = partial(counter.add, 0, "comparing views")
            poses, classes = self._sweep(*self._observer.on_rings(tile, pixels), settings.from_grid, pause)
            first = self._refined(rows, settings.grid_index, xp.full(classes.shape, FIRST_STEPS), classes, poses)
            pause()
            steps = self._hopeful(poses, classes, first).astype(np.int64) * LAST_STEPS
            result = self._refined(rows, settings.max_index, steps, classes, poses)
        return self._labelled(poses, classes, result, energy[:, None], np.full(len(poses), self.hypotheses))

    def _given(self, tile: slice, start: Candidates | None) -> tuple[Any, Any]:
        """Return the poses that a local search begins at, once for every class where they name none."""
        if start is None:
            images, count = self._images, self._classes
            shift = np.stack([images.shift_x[tile], images.shift_y[tile]], axis=1)
            turned = images.rotations[tile, 0].reshape(-1, 9)
            pose = np.concatenate([turned, shift], axis=1).astype(np.float32)
            poses = np.repeat(pose[:, None], count, axis=1)
            classes = np.repeat(np.arange(count)[None], len(pose), axis=0)
        else:
            shape = start.score.shape
            poses = np.concatenate([start.rotation.reshape(*shape, 9), start.shift], axis=2).astype(np.float32)
            classes = np.ascontiguousarray(start.class_index)
        return self.backend.upload(poses), self.backend.upload(classes)

    def _refined(self, rows: tuple, limit: float, steps: Any, classes: Any, poses: Any) -> Any:
        """Move poses uphill in place; return their log-likelihoods with sum Re(Y M*) and sum |M|^2."""
        return self._hill.climb(rows, self._observer.start, limit, steps, classes, poses)

    def _hopeful(self, poses: Any, classes: Any, result: Any) -> Any:
        """Return which candidates are worth more steps: those that have met no better one, and are not far behind."""
        score = result[..., 0].astype(np.float64)
        best = score.max(axis=1, keepdims=True)
        worth = (score > best - HOPELESS) | _first_of_each_class(score, classes, self._classes)
        step = self._sweep.step_radian * SAME
        return worth & ~_met_a_better(poses, classes, score, step, self._sweep.shift_step * SAME)

    def _labelled(self, poses: Any, classes: Any, result: Any, energy: Any, hypotheses: np.ndarray) -> Candidates:
        return Candidates.scored((poses, classes, result), energy, self._classes, hypotheses)

    def _bytes(self) -> float:
        """Return what an image takes of memory during a step, beside the tables of the sweep [byte], about."""
        rows, pixels, poses = len(self._observer.rows.kx), self._images.sampling.read_size**2, self._poses()
        held = 40.0 * pixels + 40.0 * rows + 1000.0 * poses + 40.0 * poses**2
        if self._sweep is not None:
            pools = (POOL * poses) ** 2 / self._classes
            held += 32.0 * len(self._sweep.rings.radius) * len(self._sweep.rings.angles) + 20.0 * pools
        return held

    def _operations(self) -> float:
        """Return the operations of an image [flop], about."""
        rows = len(self._observer.rows.kx)
        swept = 0.0 if self._sweep is None else self._sweep.operations
        return swept + self._poses() * LAST_STEPS * rows * POINT_OPERATIONS

    def _poses(self) -> int:
        """Return how many poses of an image are refined, about."""
        return max(self._classes, self._settings.from_grid, 0 if self._sweep is None else FEWEST * self._classes)


def _first_of_each_class(score: Any, classes: Any, count: int) -> Any:
    """Return which candidates are the best ones of their image in their class."""
    xp = backend_of(score).xp
    first, place = xp.zeros(score.shape, bool), xp.arange(score.shape[1])
    for number in range(count):
        inside = xp.where(classes == number, score, -np.inf)
        first |= (place == inside.argmax(axis=1)[:, None]) & xp.isfinite(inside)
    return first


def _met_a_better(poses: Any, classes: Any, score: Any, step: float, shift_step: float) -> Any:
    """Return which candidates lie next to a better one, of the same image and class."""
    xp, turns = backend_of(poses).xp, poses[..., :9]
    trace = xp.einsum("maj,mbj->mab", turns, turns)
    apart = xp.linalg.norm(poses[:, :, None, 9:] - poses[:, None, :, 9:], axis=-1)
    near = (trace > 1.0 + 2.0 * np.cos(step)) & (apart < shift_step) & (classes[:, :, None] == classes[:, None])
    place = xp.arange(score.shape[1])
    better = (score[:, None, :] > score[:, :, None]) | (
        (score[:, None, :] == score[:, :, None]) & (place[None, None, :] < place[None, :, None])
    )
    return (near & better).any(axis=2)
