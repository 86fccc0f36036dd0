"""From aligned images to the average of a class: each image inserted at its candidate poses, by their shares."""

import dataclasses
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..imaging.projector import FourierVolume
from ..imaging.reconstruct import reconstruct, without_corners
from ..imaging.wiener import quotient, within
from .candidates import Candidates
from .counter import Counter
from .half_map import accumulated
from .images import Images

SMALLEST_SHARE = 1e-3
"""Poses with less than this share of an image are left out, and the others raised to make up for them."""

Prior = np.ndarray | Callable[[np.ndarray], np.ndarray] | None


@dataclasses.dataclass(frozen=True)
class Average:
    """What the images of one class and one half set give.

    Attributes
    ----------
    density : ndarray, (n, n, n), float32
        The map: neither regularised nor filtered, in the grey scale of `fourier`.
    shell_weight : ndarray, (n // 2 + 1,), float64
        Mean inserted weight of every shell.
    effective_size : float
        (sum w)^2 / sum w^2 over the images' shares w of the class [particle]; 0 where it is empty.
    divide : callable
        Makes `fourier` from the sums, which are kept for it.
    """

    density: np.ndarray
    shell_weight: np.ndarray
    effective_size: float
    divide: Callable[[], FourierVolume]

    @cached_property
    def fourier(self) -> FourierVolume:
        """Sums over weights and prior, for slicing: never in real space.

        A slice of it, times the contrast transfer and divided by `sampling.grey_scale`, is the transform of an image.
        """
        return self.divide()


@dataclasses.dataclass(frozen=True)
class Rows:
    """Pairs of an image and one of its poses, in the order of the images, the best pose first.

    Attributes
    ----------
    image : ndarray, (rows,), int64
        Which image.
    place : ndarray, (rows,), int64
        Which of its candidates.
    share : ndarray, (rows,), float64
        Share of the image that goes to the pose.
    """

    image: np.ndarray
    place: np.ndarray
    share: np.ndarray


def rows_of(candidates: Candidates, class_index: int | None = None) -> Rows:
    """Return the poses that are worth inserting.

    Parameters
    ----------
    candidates : Candidates
        Poses of the images.
    class_index : int, optional
        Class, from 0; all if not given.

    Returns
    -------
    Rows
        Poses with at least `SMALLEST_SHARE` of their image; what the others had goes to them in proportion.
    """
    kept = np.where(candidates.weight >= SMALLEST_SHARE, candidates.weight, 0.0)
    total = kept.sum(axis=1, keepdims=True)
    share = kept / np.where(total > 0, total, 1.0)
    if class_index is not None:
        share = np.where(candidates.class_index == class_index, share, 0.0)
    image, place = np.nonzero(share)
    return Rows(image, place, share[image, place])


def average(
    images: Images,
    candidates: Candidates,
    class_index: int,
    *,
    prior: Prior = None,
    limit: float | None = None,
    threads: int = 1,
    counter: Counter | None = None,
) -> Average:
    """Return the average of one class.

    Parameters
    ----------
    images : Images
        The images; the poses they bring are not used.
    candidates : Candidates
        Their poses and shares.
    class_index : int
        Which class, from 0.
    prior : ndarray, (n // 2 + 1,), float64, or callable, optional
        What is added to the weights of every shell for `fourier`: the mean weight over the SSNR for a Wiener estimate.
        A callable is given the mean weights. Nothing is added if not given.
    limit : float, optional
        Finest shell that `fourier` is to be sliced to [1 / field of view]; as far as the data go if not given.
    threads : int, optional
        CPU threads; the result does not depend on them.
    counter : Counter, optional
        Told how many poses were inserted; may stop the run.

    Returns
    -------
    Average
        Map, weights and Fourier volume.

    Notes
    -----
    sum(p w c F) / sum(p w c^2) with p the share of a pose, w the kernel, c the contrast transfer and F the half
    transform of the image, centred by the shift of the pose.
    """
    counter = counter or Counter(1.0, None)
    rows = rows_of(candidates, class_index)
    picked = images.shown(rows.image).posed(
        candidates.rotation[rows.image, rows.place], candidates.shift[rows.image, rows.place], rows.share
    )
    box, pause = images.config.box, partial(counter.add, 0, "averaging")
    kept: list[tuple] = []

    def keep(sums: Any, shell_weight: np.ndarray, floor: np.ndarray) -> None:
        kept.append((sums.copy(), floor, prior(shell_weight) if callable(prior) else prior))

    def divide() -> FourierVolume:
        sums, floor, added = kept[0]
        divided = quotient(sums, accumulator.grid, floor, added, box.gridding_correction, pause)
        return divided if limit is None else within(divided, box.pad_factor, limit + 1)

    accumulator = accumulated(picked, threads, counter)
    made = reconstruct(accumulator, box.gridding_correction, pause, before=keep)
    density = without_corners(made.density) if box.corners == "soft" else made.density
    shares = np.bincount(rows.image, rows.share, len(candidates))
    return Average(density, made.shell_weight, effective_size(shares), divide)


def effective_size(share: np.ndarray) -> float:
    """Return how many whole images shares of images are worth.

    Parameters
    ----------
    share : ndarray, (m,), float64
        Share of every image.

    Returns
    -------
    float
        (sum w)^2 / sum w^2 [particle]; 0 where all are zero.

    References
    ----------
    Kish (1965), Survey Sampling, Wiley

    Examples
    --------
    >>> effective_size(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    square = float(np.sum(share**2))
    return float(np.sum(share)) ** 2 / square if square > 0 else 0.0
