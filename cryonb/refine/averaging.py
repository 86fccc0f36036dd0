"""From aligned images to the average of a class: each image inserted at its candidate poses, by their shares."""

import dataclasses
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..imaging.projector import FourierVolume
from ..imaging.reconstruct import Reconstruction
from ..imaging.wiener import sliceable, within
from .candidates import Candidates
from .counter import Counter
from .half_map import accumulated, half_map
from .images import Images

SMALLEST_SHARE = 1e-3
"""Poses with less than this share of an image are left out, and the others raised to make up for them."""

Prior = np.ndarray | Callable[[np.ndarray], np.ndarray] | None


@dataclasses.dataclass(frozen=True)
class Average:
    """What the images of one class and one half set give; the map and the Fourier volume are made when asked for.

    Attributes
    ----------
    effective_size : float
        (sum w)^2 / sum w^2 over the images' shares w of the class [particle]; 0 where it is empty.
    make_map, make_fourier : callable
        Insert the images, and make the one or the other; neither keeps what the other would need.
    """

    effective_size: float
    make_map: Callable[[], Reconstruction]
    make_fourier: Callable[[], FourierVolume]

    @cached_property
    def _map(self) -> Reconstruction:
        return self.make_map()

    @property
    def density(self) -> Any:
        """The map on the backend, (n, n, n), float32: neither regularised nor filtered, in the scale of `fourier`."""
        return self._map.density

    @property
    def shell_weight(self) -> np.ndarray:
        """Mean inserted weight of every shell, (n // 2 + 1,), float64."""
        return self._map.shell_weight

    @cached_property
    def fourier(self) -> FourierVolume:
        """Sums over weights and prior, for slicing: never in real space.

        A slice of it, times the contrast transfer and divided by `sampling.grey_scale`, is the transform of an image.
        """
        return self.make_fourier()


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

    def fourier() -> FourierVolume:
        accumulator = accumulated(picked, threads, counter)
        made = sliceable(accumulator, prior, box.gridding_correction, pause)
        return made if limit is None else within(made, box.pad_factor, limit + 1)

    shares = np.bincount(rows.image, rows.share, len(candidates))
    return Average(effective_size(shares), partial(half_map, picked, threads, counter), fourier)


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
