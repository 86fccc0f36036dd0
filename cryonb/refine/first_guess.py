"""A first guess from the particles alone: random poses, then small batches aligned at rising resolution."""

import dataclasses
from typing import Any, Self

import numpy as np

from ..imaging.fourier import resize
from ..imaging.masks import lowpass, soft_sphere
from ..imaging.noise import particle_generator
from ..imaging.rotations import random_rotations
from .averaging import effective_size
from .run import STREAM, Run

GUESSES = 30
"""First stream of randomness of the guesses, one an attempt."""

SHELLS = (5.0, 9.0, 12.8)
"""Finest shells of the first batch, and of the last one in either stage [1 / field of view]; 38, 21 and 15 angstrom
where that is 192."""

STAGES = ((30, 6), (10, 2))
"""Batches of either stage, and the attempts that go through it: all of them, then the best."""

BATCH = 100
"""Images a class in one batch."""

LEARNED = 0.5
"""Share of a batch in the running average."""

CANDIDATES = 3
"""Poses of each image that go to local refinement: more take longer, and free no guess that is caught."""

JUDGED = 4
"""Last batches of a stage that its attempts are judged by."""

SPHERE = 0.42
"""Radius of the sphere that is kept of every volume, as a fraction of the field of view."""


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One guess under way.

    Attributes
    ----------
    number : int
        Which; its randomness depends on it.
    volumes : array, (classes, n, n, n), float32
        Running averages, on the backend.
    batches : int
        Batches that it has seen.
    scores : tuple of float
        Mean log-likelihood ratio of the images of every batch of the last stage.
    """

    number: int
    volumes: Any
    batches: int = 0
    scores: tuple[float, ...] = ()

    @property
    def merit(self) -> float:
        """Mean score of the last batches."""
        return float(np.mean(self.scores[-JUDGED:]))

    def fresh(self) -> Self:
        """Return the same attempt before another stage.

        Returns
        -------
        Attempt
            Without scores.
        """
        return dataclasses.replace(self, scores=())


def first_guess(run: Run, n_classes: int) -> Any:
    """Return volumes made from the particles alone.

    Parameters
    ----------
    run : Run
        Images and machinery.
    n_classes : int
        How many volumes.

    Returns
    -------
    array, (classes, n, n, n), float32
        On the backend and the target grid, in the images' grey scale; of either hand, which they cannot tell apart.

    Notes
    -----
    Stochastic expectation maximisation: every attempt begins with the average of some images at random poses, and goes
    through small batches of images; each is aligned to the running averages up to a limit that rises, and averaged
    into them. The attempts that explain their images best go on. Where poses are given and only to be refined, the
    volumes are their averages over random subsets instead.

    References
    ----------
    Punjani et al. (2017), doi:10.1038/nmeth.4169
    """
    if run.config.refine.search == "local":
        return _of_given_poses(run, n_classes)
    small = _smaller(run)
    noise = small.background_noise(np.arange(len(run.ids)))
    attempts = [_begun(small, number, n_classes) for number in range(STAGES[0][1])]
    for (count, kept), first, last in zip(STAGES, SHELLS, SHELLS[1:]):
        attempts = sorted(attempts, key=lambda attempt: attempt.merit, reverse=True)[:kept]
        limits = np.minimum(np.geomspace(first, last, count), small.sampling.max_index)
        attempts = [_through(small, attempt.fresh(), limits, noise) for attempt in attempts]
    best = max(attempts, key=lambda attempt: attempt.merit)
    xp = run.backend.xp
    return xp.stack([resize(volume, run.sampling.box_size) for volume in best.volumes]).astype(np.float32)


def images_handled(count: int, n_classes: int) -> int:
    """Return how many images a first guess aligns, and averages, batch by batch, to tell how far it is.

    Parameters
    ----------
    count : int
        Images that there are.
    n_classes : int
        Volumes that are made.

    Returns
    -------
    int
        Images; one that is in several batches counts in each, and twice: aligned, and averaged.
    """
    return 2 * sum(batches * kept for batches, kept in STAGES) * min(count, BATCH * n_classes)


def _of_given_poses(run: Run, n_classes: int) -> Any:
    rng = particle_generator(run.config.compute.seed, STREAM + GUESSES, 0)
    parts = np.array_split(rng.permutation(len(run.ids)), n_classes)
    given, lowest = run.given(), run.config.refine.initial_lowpass
    made = [run.average(given[np.sort(part)], np.sort(part), 0).density for part in parts]
    smooth = [lowpass(density, run.sampling.voxel_size, lowest) for density in made]
    return run.backend.xp.stack(smooth).astype(np.float32)


def _smaller(run: Run) -> Run:
    """Return the run on the smallest grid that holds the last shell."""
    last = min(SHELLS[-1], run.sampling.max_index)
    size = min(run.sampling.box_size, 2 * int(np.ceil(last + 2)))
    whole = run.sampling
    as_binned = dict(transform_size=whole.binned_size, raw_size=whole.read_size)
    sampling = dataclasses.replace(whole, box_size=size, max_index=last, data_index=last, **as_binned)
    box = run.config.box.replace(box_size=size, limit="circle", resample="fourier")
    refine = run.config.refine.replace(candidates=CANDIDATES)
    config = dataclasses.replace(run.config, box=box, refine=refine)
    images = dataclasses.replace(run.images, sampling=sampling, config=config)
    return dataclasses.replace(run, sampling=sampling, config=config, images=images)


def _generator(run: Run, attempt: int, batch: int) -> np.random.Generator:
    return particle_generator(run.config.compute.seed, STREAM + GUESSES + attempt, batch)


def _batch(run: Run, rng: np.random.Generator, wanted: int) -> np.ndarray:
    count = len(run.ids)
    return np.sort(rng.choice(count, min(wanted, count), replace=False))


def _begun(run: Run, number: int, n_classes: int) -> Attempt:
    """Return an attempt whose volumes are averages at random poses."""
    rng = _generator(run, number, 0)
    volumes = []
    for _ in range(n_classes):
        members = _batch(run, rng, BATCH)
        turned = random_rotations(len(members), rng)[:, None]
        poses = dataclasses.replace(run.given()[members], rotation=turned, shift=np.zeros((len(members), 1, 2)))
        volumes.append(run.average(poses, members, 0).density * _sphere(run))
    return Attempt(number, run.backend.xp.stack(volumes), 1, (0.0,))


def _sphere(run: Run) -> Any:
    sampling = run.sampling
    radius = SPHERE * sampling.field_of_view
    return soft_sphere(sampling.box_size, sampling.voxel_size, radius, 2 * sampling.voxel_size, run.backend.xp)


def _through(run: Run, attempt: Attempt, limits: np.ndarray, noise: np.ndarray) -> Attempt:
    """Return an attempt after some more batches."""
    for limit in limits:
        attempt = _learned(run, attempt, float(limit), noise)
    return attempt


def _learned(run: Run, attempt: Attempt, limit: float, noise: np.ndarray) -> Attempt:
    """Return an attempt after one more batch."""
    volumes, sphere = attempt.volumes, _sphere(run)
    rng = _generator(run, attempt.number, attempt.batches)
    members = _batch(run, rng, BATCH * len(volumes))
    smooth = [lowpass(volume, run.sampling.voxel_size, run.sampling.field_of_view / limit) for volume in volumes]
    references = [run.fourier(volume, limit=limit) for volume in smooth]
    found = run.align(references, members, limit=limit, noise=noise)
    made = list(volumes)
    for number, share in enumerate(found.class_posterior.T):
        if effective_size(share) >= 1.0:
            density = run.average(found, members, number).density * sphere
            made[number] = (1.0 - LEARNED) * volumes[number] + LEARNED * density
    score = float(np.mean(found.of_best("score")))
    volumes = run.backend.xp.stack(made)
    return Attempt(attempt.number, volumes, attempt.batches + 1, (*attempt.scores, score))
