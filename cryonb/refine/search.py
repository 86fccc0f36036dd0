"""The search for poses: all views, turns and shifts at once on a grid, then the best of them refined off it."""

import dataclasses
import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from ..engines import get_engine
from ..errors import must
from ..imaging.poses import Hill
from ..imaging.projector import FourierVolume
from ..imaging.sweep import Sweep, sweep_grid
from .candidates import Candidates
from .counter import Counter
from .images import Images
from .observed import Observer, Rows

LIKELIHOOD, CORRELATION = "likelihood", "correlation"

FIRST_STEPS, LAST_STEPS = 4, 10
"""Poses that are tried for a candidate from the grid, and for one that is left after the first comparison."""

HOPELESS = 12.0
"""Candidates whose log-likelihood is this far below the best one of their image are given up."""

MANY_RINGS = 12
"""With fewer rings than this on the grid, the right hill is told from others less surely."""

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
    tiles = images.tiles()
    if not tiles:
        return seeker.nothing()

    def one(tile: slice, share: int) -> Candidates:
        found = seeker.of_tile(tile, None if start is None else start[tile], counter)
        counter.add(tile.stop - tile.start, "aligning particles")
        return found

    try:
        with threadpool_limits(1, "blas"):
            parts = get_engine(images.config.compute.engine).map(one, tiles, threads)
    except BaseException as problem:
        counter.stop(problem)
        raise counter.reason from None
    return Candidates.joined(parts)


class Seeker:
    """References made ready once, against which tiles of images are searched.

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
        self._images, self._settings, self._classes = images, settings, len(references)
        free = settings.score == CORRELATION
        self._hill = Hill.of(references, free, settings.shift_range, settings.shift_sigma)
        rings, views, shifts = sweep_grid(settings.grid_index, settings.shift_range, settings.symmetry)
        self._sweep = None if settings.local else Sweep.of(references, rings, views, shifts, threads)
        self._observer = Observer.of(images, noise, Rows.within(settings.max_index), rings)

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

    def of_tile(self, tile: slice, start: Candidates | None, counter: Counter) -> Candidates:
        """Return the best poses of one tile of images.

        Parameters
        ----------
        tile : slice
            Which images.
        start : Candidates or None
            Poses to begin at, in a local search.
        counter : Counter
            May stop the search.

        Returns
        -------
        Candidates
            Theirs.
        """
        pixels = self._observer.pixels(tile)
        rows = self._observer.in_rows(tile, pixels)
        energy = (np.abs(rows[0]) ** 2).sum(axis=1, dtype=np.float64)
        if self._sweep is None:
            poses, classes = self._given(tile, start)
            result = self._refined(rows, self._settings.max_index, np.full(classes.shape, LAST_STEPS), classes, poses)
        else:
            on_rings = self._observer.on_rings(tile, pixels, self._observer.ring_images())
            pause = partial(counter.add, 0, "comparing views")
            poses, classes = self._sweep(*on_rings, self._settings.from_grid, pause)
            first = self._refined(rows, self._settings.grid_index, np.full(classes.shape, FIRST_STEPS), classes, poses)
            pause()
            steps = np.where(self._hopeful(poses, classes, first), LAST_STEPS, 0)
            result = self._refined(rows, self._settings.max_index, steps, classes, poses)
        return self._labelled(poses, classes, result, energy[:, None], np.full(len(poses), self.hypotheses))

    def _given(self, tile: slice, start: Candidates | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the poses that a local search begins at, once for every class where they name none."""
        if start is None:
            images, count = self._images, self._classes
            shift = np.stack([images.shift_x[tile], images.shift_y[tile]], axis=1)
            turned = images.rotations[tile, 0].reshape(-1, 9)
            pose = np.concatenate([turned, shift], axis=1).astype(np.float32)
            poses = np.repeat(pose[:, None], count, axis=1)
            return poses, np.repeat(np.arange(count)[None], len(pose), axis=0)
        shape = start.score.shape
        poses = np.concatenate([start.rotation.reshape(*shape, 9), start.shift], axis=2).astype(np.float32)
        return poses, np.ascontiguousarray(start.class_index)

    def _refined(
        self, rows: tuple, limit: float, steps: np.ndarray, classes: np.ndarray, poses: np.ndarray
    ) -> np.ndarray:
        """Move poses uphill in place; return their log-likelihoods with sum Re(Y M*) and sum |M|^2."""
        return self._hill.climb(rows, self._observer.rows.start, limit, steps, classes, poses)

    def _hopeful(self, poses: np.ndarray, classes: np.ndarray, result: np.ndarray) -> np.ndarray:
        """Return which candidates are worth more steps: those that have met no better one, and are not far behind."""
        score = result[..., 0].astype(np.float64)
        best = score.max(axis=1, keepdims=True)
        first_of_class = _first_of_each_class(score, classes, self._classes)
        worth = (score > best - HOPELESS) | first_of_class
        step = self._sweep.step_radian * SAME
        return worth & ~_met_a_better(poses, classes, score, step, self._sweep.shift_step * SAME)

    def _labelled(
        self, poses: np.ndarray, classes: np.ndarray, result: np.ndarray, energy: np.ndarray, hypotheses: np.ndarray
    ) -> Candidates:
        score = result[..., 0].astype(np.float64)
        order = np.argsort(-score, axis=1, kind="stable")
        poses, score = np.take_along_axis(poses, order[..., None], 1), np.take_along_axis(score, order, 1)
        classes, result = np.take_along_axis(classes, order, 1), np.take_along_axis(result, order[..., None], 1)
        held = np.isfinite(score)
        cross, power = (np.where(held, result[..., place], 0.0).astype(np.float64) for place in (1, 2))
        strength = np.sqrt(np.maximum(power * energy, np.finfo(np.float32).tiny))
        share = np.exp(score - score.max(axis=1, keepdims=True, initial=-np.inf)) if score.size else score
        share = share / np.where(held.any(axis=1), share.sum(axis=1), 1.0)[:, None]
        members = classes[..., None] == np.arange(self._classes)
        return Candidates(
            rotation=_orthonormal(poses[..., :9].reshape(*classes.shape, 3, 3).astype(np.float64)),
            shift=poses[..., 9:].astype(np.float64),
            class_index=classes.astype(np.int64),
            score=score,
            correlation=cross / strength,
            scale=np.maximum(cross, 0.0) / np.maximum(power, np.finfo(np.float32).tiny),
            weight=share,
            class_posterior=np.minimum((members * share[..., None]).sum(axis=1), 1.0),
            hypotheses=hypotheses.astype(np.int64),
        )


def _first_of_each_class(score: np.ndarray, classes: np.ndarray, count: int) -> np.ndarray:
    """Return which candidates are the best ones of their image in their class."""
    first = np.zeros(score.shape, bool)
    for number in range(count):
        inside = np.where(classes == number, score, -np.inf)
        rows = np.flatnonzero(np.isfinite(inside).any(axis=1))
        first[rows, inside[rows].argmax(axis=1)] = True
    return first


def _met_a_better(
    poses: np.ndarray, classes: np.ndarray, score: np.ndarray, step: float, shift_step: float
) -> np.ndarray:
    """Return which candidates lie next to a better one, of the same image and class."""
    turns = poses[..., :9]
    trace = np.einsum("maj,mbj->mab", turns, turns)
    apart = np.linalg.norm(poses[:, :, None, 9:] - poses[:, None, :, 9:], axis=-1)
    near = (trace > 1.0 + 2.0 * np.cos(step)) & (apart < shift_step) & (classes[:, :, None] == classes[:, None])
    place = np.arange(score.shape[1])
    better = (score[:, None, :] > score[:, :, None]) | (
        (score[:, None, :] == score[:, :, None]) & (place[None, None, :] < place[None, :, None])
    )
    return (near & better).any(axis=2)


def _orthonormal(turns: np.ndarray) -> np.ndarray:
    """Return rotations whose rounding errors are taken out: rows made orthogonal and of length one."""
    first = turns[..., 0, :] / np.linalg.norm(turns[..., 0, :], axis=-1, keepdims=True)
    second = turns[..., 1, :] - (turns[..., 1, :] * first).sum(axis=-1, keepdims=True) * first
    second /= np.linalg.norm(second, axis=-1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=-2)
