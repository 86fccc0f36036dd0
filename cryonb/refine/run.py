"""What a recipe calls: every particle of a refinement with the machinery that aligns and averages, and no decisions."""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any, Self

import numpy as np

from ..backends import get_backend
from ..config import RunConfig
from ..imaging.bands import holds_data
from ..imaging.fourier import half_transform
from ..imaging.noise import particle_generator
from ..imaging.projector import FourierVolume, Grid, fourier_volume
from ..imaging.shells import fourier_shell_correlation
from ..knobs import Config
from .averaging import Average, Prior, average
from .candidates import Candidates
from .counter import Counter
from .half_sets import split_by
from .images import Images
from .planning import grid_of
from .residual import background_noise, residual_noise
from .sampling import Sampling
from .search import SearchSettings, search

STREAM = 2000
"""First of the streams of randomness that refinements draw from."""

SEARCH_RESOLUTION, SHIFT_RANGE = 12.0, 0.08
"""What settings of zero stand for: angstrom, and a fraction of the field of view."""


@dataclasses.dataclass(frozen=True)
class Run:
    """Images and machinery of one iteration of a refinement; nothing here changes.

    Attributes
    ----------
    images : Images
        Every particle, in the order of the ids, with the poses of the table.
    ids : ndarray, (m,), int64
        Their ids.
    half : ndarray, (m,), int64
        Half sets of the table, 1 or 2; drawn at random by the seed where it has none.
    sampling : Sampling
        Boxes and frequencies.
    config : RunConfig
        Settings; what a recipe may decide has been decided.
    params : Config
        The recipe's own settings.
    threads : int
        CPU threads; no result depends on them.
    counter : Counter
        Told of all work; may stop the run.
    iteration : int
        The iteration under way, from 1; 0 before the first.
    mask : ndarray, (n, n, n), float32, or None
        The mask that was given as an array, in place of one that the settings make.
    """

    images: Images
    ids: np.ndarray
    half: np.ndarray
    sampling: Sampling
    config: RunConfig
    params: Config
    threads: int
    counter: Counter
    iteration: int = 0
    mask: np.ndarray | None = None

    @property
    def backend(self) -> Any:
        """What computes the run: maps and Fourier volumes stand there from the beginning of an iteration to its end."""
        return get_backend(self.config.compute.backend)

    def on_backend(self, array: Any) -> Any:
        """Return an array where the run is computed; every array of the host enters an iteration this way.

        Parameters
        ----------
        array : array
            Of the host or of the backend.

        Returns
        -------
        array
            On the backend; itself where it stands there.
        """
        return self.backend.upload(array)

    def at(self, iteration: int, counter: Counter) -> Self:
        """Return the same run in another iteration.

        Parameters
        ----------
        iteration : int
            Which.
        counter : Counter
            Told of its work.

        Returns
        -------
        Run
            The run.
        """
        return dataclasses.replace(self, iteration=iteration, counter=counter)

    def members(self, half: np.ndarray, which: int | None) -> np.ndarray:
        """Return the particles of a half set.

        Parameters
        ----------
        half : ndarray, (m,), int
            Half set of every particle.
        which : {1, 2} or None
            Half set; None for both.

        Returns
        -------
        ndarray, (k,), int64
            Places of its particles in the order of the ids.
        """
        return np.arange(len(half)) if which is None else np.flatnonzero(half == which)

    def draws(self, stream: int) -> np.ndarray:
        """Return a random number for every particle, which depends on the seed, the stream and its id only.

        Parameters
        ----------
        stream : int
            What the numbers are for; numbers of different streams are independent.

        Returns
        -------
        ndarray, (m,), float64
            Numbers between 0 and 1.
        """
        seed = self.config.compute.seed
        return np.array([particle_generator(seed, STREAM + stream, number).random() for number in self.ids])

    def split(self, stream: int) -> np.ndarray:
        """Return random halves of equal size.

        Parameters
        ----------
        stream : int
            Stream of randomness, see `draws`.

        Returns
        -------
        ndarray, (m,), int64
            Half set of every particle: 1 or 2.
        """
        return split_by(self.draws(stream))

    def given(self) -> Candidates:
        """Return the poses of the table as if a search had found them, one an image, all in class 0.

        Returns
        -------
        Candidates
            Of all particles, with scale 1.
        """
        count = len(self.images)
        ones, zeros = np.ones((count, 1)), np.zeros((count, 1))
        shift = np.stack([self.images.shift_x, self.images.shift_y], axis=1)
        return Candidates(
            rotation=self.images.rotations[:, :1].astype(np.float64),
            shift=shift[:, None],
            class_index=np.zeros((count, 1), np.int64),
            score=zeros,
            correlation=zeros,
            scale=ones,
            weight=ones,
            class_posterior=ones,
            hypotheses=np.zeros(count, np.int64),
        )

    def align(
        self,
        references: Sequence[FourierVolume],
        members: np.ndarray,
        *,
        limit: float,
        noise: np.ndarray,
        score: str = "likelihood",
        previous: Candidates | None = None,
    ) -> Candidates:
        """Return the poses of some particles against references, searched or refined as the settings say.

        Parameters
        ----------
        references : sequence of FourierVolume
            One a class.
        members : ndarray, (k,), int
            Which particles.
        limit : float
            Finest shell that is compared [1 / field of view].
        noise : ndarray, (shells,), float64
            Variance of the noise per pixel in every shell of the images as read.
        score : {"likelihood", "correlation"}, optional
            What poses are ranked by.
        previous : Candidates, optional
            Their poses until now: where a local refinement starts; those of the table if not given.

        Returns
        -------
        Candidates
            Theirs, in the order of `members`.
        """
        settings = search_settings(self.config, self.sampling, limit, score)
        start = previous if settings.local else None
        shown = self._shown(members)
        return search(shown, references, noise, settings, self.threads, self.counter, start=start)

    def average(
        self,
        candidates: Candidates,
        members: np.ndarray,
        class_index: int,
        *,
        prior: Prior = None,
        limit: float | None = None,
    ) -> Average:
        """Return the average of one class over some particles.

        Parameters
        ----------
        candidates : Candidates
            Their poses and shares, in the order of `members`.
        members : ndarray, (k,), int
            Which particles.
        class_index : int
            Class, from 0.
        prior : ndarray, (n // 2 + 1,), float64, or callable, optional
            Added to the weights of every shell in the Fourier volume: (mean weight) / SSNR for a Wiener estimate; a
            callable is given the mean weights. Nothing if not given.
        limit : float, optional
            Finest shell that the Fourier volume will be sliced to [1 / field of view]; all data if not given.

        Returns
        -------
        Average
            Map, weights, Fourier volume and effective size.
        """
        machine = dict(threads=self.threads, counter=self.counter)
        return average(self._shown(members), candidates, class_index, prior=prior, limit=limit, **machine)

    def grid(self, limit: float | None = None) -> Grid:
        """Return the padded grid of the Fourier volumes that `average` and `fourier` give.

        Parameters
        ----------
        limit : float, optional
            Finest shell that they are sliced to; as far as the data go if not given.

        Returns
        -------
        Grid
            The grid.

        Notes
        -----
        It reaches one shell further than the limit, so that slices up to there are read between points that are held.
        """
        whole = grid_of(self.sampling, self.config)
        if limit is None or (limit + 1) * whole.scale >= whole.radius:
            return whole
        return Grid.of(whole.size, self.config.box.pad_factor, whole.kernel, limit + 1)

    def fourier(self, density: Any, *, limit: float | None = None) -> FourierVolume:
        """Return a map ready for slicing: padded, and divided by the transform of the kernel first.

        Parameters
        ----------
        density : array, (n, n, n), float32
            Map on the target grid, of the host or of the backend.
        limit : float, optional
            Finest shell that it is sliced to [1 / field of view]; as far as the data go if not given.

        Returns
        -------
        FourierVolume
            On the grid that `grid` gives, on the backend.
        """
        box, grid = self.config.box, self.grid(limit)
        volume = self.backend.xp.ascontiguousarray(self.on_backend(density), dtype=np.float32)
        return fourier_volume(volume, box.pad_factor, box.kernel, box.gridding_correction, grid.radius / grid.scale)

    def noise(
        self,
        candidates: Candidates,
        references: Sequence[FourierVolume],
        members: np.ndarray,
        limit: float | None = None,
    ) -> np.ndarray:
        """Return the spectrum of what is left of particles without the references at their best poses.

        Parameters
        ----------
        candidates : Candidates
            Their poses, in the order of `members`.
        references : sequence of FourierVolume
            One a class.
        members : ndarray, (k,), int
            Which particles; some hundred of them are measured.
        limit : float, optional
            Finest shell that the references say anything about [1 / field of view]; all that they hold if not given.

        Returns
        -------
        ndarray, (read_size // 2 + 1,), float64
            Variance per pixel in every shell, of the images as they are inserted.

        Notes
        -----
        A reference that was made from the same images has taken some of their noise up, so that a little too little
        is left; one that is wrong leaves signal.
        """
        pause = partial(self.counter.add, 0, "measuring the noise")
        return residual_noise(self._shown(members), candidates, references, limit, pause)

    def background_noise(self, members: np.ndarray) -> np.ndarray:
        """Return the spectrum of the noise around the particles, before any pose is known.

        Parameters
        ----------
        members : ndarray, (k,), int
            Which particles; some hundred of them are measured.

        Returns
        -------
        ndarray, (read_size // 2 + 1,), float64
            Variance per pixel in every shell, from the pixels outside three quarters of half the box.
        """
        return background_noise(self._shown(members), partial(self.counter.add, 0, "measuring the noise"))

    def fsc(self, first: Any, second: Any) -> np.ndarray:
        """Return the correlation of two maps.

        Parameters
        ----------
        first, second : array, (n, n, n), float32, or Average
            Maps on the target grid, or averages, whose weights tell which shells hold data.

        Returns
        -------
        ndarray, (n // 2 + 1,), float64
            Correlation on every shell; NaN past the end of the data, and where there are none.
        """
        both = [self.on_backend(getattr(one, "density", one)) for one in (first, second)]
        curve = fourier_shell_correlation(*map(half_transform, both))
        weights = [one.shell_weight for one in (first, second) if isinstance(one, Average)]
        held = holds_data(np.array(weights)) if weights else np.ones(len(curve), bool)
        held &= np.arange(len(curve)) <= self.sampling.data_index + 1e-6
        return np.where(held, curve, np.nan)

    def _shown(self, members: np.ndarray) -> Images:
        whole = len(members) == len(self.images) and bool(np.all(members == np.arange(len(members))))
        return self.images if whole else self.images.shown(members)


def search_settings(config: RunConfig, sampling: Sampling, limit: float, score: str = "likelihood") -> SearchSettings:
    """Return how poses are searched up to a limit.

    Parameters
    ----------
    config : RunConfig
        Settings.
    sampling : Sampling
        Boxes and frequencies.
    limit : float
        Finest shell that is compared [1 / field of view].
    score : {"likelihood", "correlation"}, optional
        What poses are ranked by.

    Returns
    -------
    SearchSettings
        Lengths in units of the field of view; zeros of the settings filled in.
    """
    refine, length = config.refine, sampling.field_of_view
    limit = min(limit, sampling.max_index)
    return SearchSettings(
        max_index=limit,
        search_index=min(limit, length / (refine.search_resolution or SEARCH_RESOLUTION)),
        score=score,
        shift_range=refine.shift_range / length or SHIFT_RANGE,
        candidates=refine.candidates,
        symmetry=config.imaging.symmetry,
        local=refine.search == "local",
        shift_sigma=refine.shift_sigma / length,
    )
