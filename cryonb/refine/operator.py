"""The operator that turns particles into half maps, run again with a switch changed and nothing else.

Every map of a decomposition comes from here: the same poses, weights, box, padding, kernel and window as the run's own;
another in-plane limit, a turned grid, another way of resampling, or other images in place of the particles.
"""

import dataclasses
from functools import partial
from typing import Any, Self

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from ..backends import get_backend
from ..config import RunConfig
from ..engines import available_threads, get_engine
from ..imaging.dither import bytes_to_read_back, read_back
from ..imaging.fourier import half_transform
from ..imaging.reconstruct import Reconstruction
from .counter import Counter, Progress
from .half_map import half_map
from .planning import Plan, grid_of, plan, refuse_if_too_large, warn_if_thin
from .prepare import Images, half_sets
from .requirements import settled
from .sampling import Sampling
from .stand_in import Scene, stand_ins

HALF_INDEX = {"A": 0, "B": 1}

KEPT_TRANSFORMS = 6
"""Half transforms that a decomposition keeps beside the run under way."""

KEPT_WEIGHTS = 4
"""Padded grids of weights that it keeps: those of both half maps with either limit."""


@dataclasses.dataclass(frozen=True)
class Switch:
    """One run of the operator, and how it differs from the run's own.

    Attributes
    ----------
    half : {"A", "B"}
        Half set.
    limit : {"circle", "square"}
        In-plane limit.
    turn : ndarray, (3, 3), float64, or None
        Rotation of the grid against the particle.
    resample : str
        Way of resampling; empty for the run's own.
    scene : Scene or None
        What stands in for the particles.
    keep_weights : bool
        Whether the weights of the grid are kept.
    """

    half: str
    limit: str
    turn: np.ndarray | None = None
    resample: str = ""
    scene: Scene | None = None
    keep_weights: bool = False


@dataclasses.dataclass(frozen=True)
class Made:
    """What one run of the operator gave.

    Attributes
    ----------
    transform : array, (n, n, n // 2 + 1), complex64
        Half transform of the map, at the points of the unturned grid; on the backend of the run.
    shell_weight : ndarray, (n // 2 + 1,), float64
        Mean inserted weight of every shell.
    weights : array or None
        Weights of the padded grid, where they were kept; on the backend too.
    """

    transform: Any
    shell_weight: np.ndarray
    weights: Any


class Operator:
    """Particles of one class with the settings of their run.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles.
    config : RunConfig
        Settings of the run.
    class_id : int, optional
        Class that particles are weighted for; 0 for none.

    Raises
    ------
    InputError
        If the particles or settings cannot work, or the work does not fit in memory.
    """

    def __init__(self, particles: xr.Dataset, config: RunConfig, class_id: int = 0) -> None:
        self.config = settled(particles, config)
        self.plan = _planned(particles, self.config)
        self._particles, self._class_id = particles, class_id
        self._halves: dict[tuple[str, str], tuple[Images, Images]] = {}
        self._counter, self._done = Counter(1.0, None), 0

    @property
    def sampling(self) -> Sampling:
        """Boxes and frequencies of the run."""
        return self.plan.sampling

    @property
    def backend(self) -> Any:
        """What makes the maps, and where they are kept."""
        return get_backend(self.config.compute.backend)

    def report_to(self, runs: int, progress: Progress) -> Self:
        """Tell a listener of every step from here on.

        Parameters
        ----------
        runs : int
            How many maps will be made.
        progress : callable
            Called with the fraction done and a text; what it raises stops the operator.

        Returns
        -------
        Operator
            Itself.
        """

        def numbered(fraction: float, text: str) -> None:
            progress(fraction, f"map {min(self._done + 1, runs)} of {runs}, {text}")

        self._counter = Counter(runs * self.plan.n_particles / 2, numbered)
        self._done = 0
        return self

    def pause(self, fraction: float, text: str) -> None:
        """Let a listener stop what lies between two runs.

        Parameters
        ----------
        fraction : float
            Not told on: it is of the step, not of the whole.
        text : str
            What is being done.
        """
        self._counter.add(0.0, text)

    def images(self, half: str, limit: str, resample: str = "") -> Images:
        """Return the images of a half set, as a run with one switch changed takes them.

        Parameters
        ----------
        half : {"A", "B"}
            Half set.
        limit : {"circle", "square"}
            In-plane limit.
        resample : str, optional
            Way of resampling; empty for the run's own.

        Returns
        -------
        Images
            The images.
        """
        key = limit, resample or self.config.box.resample
        if key not in self._halves:
            box = self.config.box.replace(limit=key[0], resample=key[1])
            config = dataclasses.replace(self.config, box=box)
            self._halves[key] = self._switched(config)
        return self._halves[key][HALF_INDEX[half]]

    def _switched(self, config: RunConfig) -> tuple[Images, Images]:
        """Return both half sets with other settings; the stack is chosen from the table once."""
        if not self._halves:
            return half_sets(self._particles, config, self._class_id)
        sampling = Sampling.of(self._particles, config)
        known = next(iter(self._halves.values()))
        return tuple(dataclasses.replace(half, sampling=sampling, config=config) for half in known)

    def grid(self, limit: str) -> Any:
        """Return the padded grid of a limit.

        Parameters
        ----------
        limit : {"circle", "square"}
            In-plane limit.

        Returns
        -------
        Grid
            The grid.
        """
        images = self.images("A", limit)
        return grid_of(images.sampling, images.config)

    def run(self, *switches: Switch) -> list[Made]:
        """Return what the operator makes of each set of switches, as many at a time as the backend makes sense of.

        Parameters
        ----------
        *switches : Switch
            The runs.

        Returns
        -------
        list of Made
            In order.

        Raises
        ------
        RunStopped
            If the listener stopped it.
        """
        compute = self.config.compute
        threads = self.backend.workers(compute.threads or available_threads())
        try:
            with threadpool_limits(1, "blas"):
                return get_engine(compute.engine).map(self._one, switches, threads)
        except BaseException as problem:
            self._counter.stop(problem)
            raise self._counter.reason from None

    def _one(self, switch: Switch, threads: int) -> Made:
        images = self.images(switch.half, switch.limit, switch.resample)
        if switch.turn is not None:
            turned = (images.rotations @ switch.turn.T).astype(np.float32)
            images = dataclasses.replace(images, rotations=turned)
        if switch.scene is not None:
            images = stand_ins(images, switch.scene)
        made: Reconstruction = half_map(images, threads, self._counter, switch.keep_weights)
        if switch.turn is None:
            transform = half_transform(made.density)
        else:
            self._counter.add(0, "reading back the turned grid")
            transform = read_back(made.density, switch.turn)
            self._counter.add(0, "reading back the turned grid")
        self._done += 1
        return Made(transform, made.shell_weight, made.weights)


def _planned(particles: xr.Dataset, config: RunConfig) -> Plan:
    """Return the plan of a decomposition: that of the wider limit, and what is kept and read back beside it."""
    wide = dataclasses.replace(config, box=config.box.replace(limit="square"))
    needed, own = plan(particles, wide), plan(particles, config)
    beside = partial(_bytes_beside, needed.sampling)
    memory = needed.memory_bytes + beside(wide)
    refuse_if_too_large(dataclasses.replace(needed, memory_bytes=memory), wide, beside)
    warn_if_thin(own, config)
    return dataclasses.replace(own, memory_bytes=memory)


def _bytes_beside(sampling: Sampling, config: RunConfig) -> int:
    """Return what is held beside a run: transforms, the weights of both half maps and limits, and what is read back."""
    size, backend = sampling.box_size, get_backend(config.compute.backend)
    reading = backend.workers(2) * bytes_to_read_back(size, by_kernel=backend.xp is not np)
    kept = KEPT_TRANSFORMS * 8 * size * size * (size // 2 + 1) + reading
    if config.box.kernel == "nufft":
        return kept
    grid = grid_of(sampling, config)
    return kept + KEPT_WEIGHTS * 4 * grid.side * grid.side * (grid.reach + 1)
