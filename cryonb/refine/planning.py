"""What a run needs, known before anything is allocated: sizes, work and memory."""

import dataclasses
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from ..backends import get_backend
from ..config import RunConfig
from ..engines import available_threads
from ..errors import must
from ..imaging.projector import Grid
from ..imaging.reconstruct import PARTS, Accumulator
from ..imaging.symmetry import symmetry_operators
from .card_plan import HOST_VOXEL, Card
from .fallback import CPU, usable
from .prepare import TILE
from .requirements import check_particles
from .sampling import Sampling

GIBIBYTE = 2**30

JUDGED_VOXEL, MASKED_VOXEL, EXACT_COEFFICIENT, EXACT_POINT = 74, 16, 60, 144
"""Bytes held for a voxel while half maps are judged, and while a mask is made; for a coefficient and a point of the
doubled grid in an exact reconstruction. Measured."""

FURTHER_CLASS_VOXEL = 16
"""Bytes held for a voxel of every class but the first: both half maps, and once more while they are put together."""

INSERTION_SECONDS = 2.4e-8
"""Seconds a pixel of an image that is prepared and inserted. Measured."""

MAP_SECONDS, VOXEL_SECONDS = 0.15, 1.5e-8
"""Seconds that both half maps of a class take after the insertion: whatever their size, and a voxel of the padded box
more. Measured."""

ENOUGH_SAMPLES = 1.5
"""Coefficients a point of the grid below which a division by small weights was seen to spoil trilinear maps."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a reconstruction will hold and do, known before anything is allocated.

    Attributes
    ----------
    sampling : Sampling
        Boxes and frequencies.
    padded_size : int
        Voxels along an edge of the padded grid.
    n_particles : int
        Particles in both halves.
    insertions : int
        Slices inserted: particles times symmetry operators.
    samples_per_point : float
        Coefficients that reach a point of the grid on its outermost shell, in each half.
    memory_bytes : int
        Largest memory held at a time where the run is computed, beyond what is held there already [byte].
    host_bytes : int
        The same on the host, where a GPU computes; else zero.
    seconds : float
        Expected time; not a number where a GPU computes, or the exact solution is asked for [second].
    """

    sampling: Sampling
    padded_size: int
    n_particles: int
    insertions: int
    samples_per_point: float
    memory_bytes: int
    host_bytes: int = 0
    seconds: float = math.nan

    def __str__(self) -> str:
        s = self.sampling
        return (
            f"{self.n_particles} particles of {s.read_size} pixels at {s.pixel_size:.4g} A, binned to {s.binned_size}, "
            f"into a box of {s.box_size} voxels at {s.voxel_size:.4g} A padded to {self.padded_size}; "
            f"{self.insertions} insertions, {amounts(self)}{expected_time(self.seconds)}"
        )


def plan(particles: xr.Dataset, config: Any = None, **groups: Any) -> Plan:
    """Return what a reconstruction needs.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles.
    config : RunConfig or mapping, optional
        Settings.
    **groups
        Settings by group, as in `RunConfig.gather`.

    Returns
    -------
    Plan
        Sizes, work and memory.

    Raises
    ------
    InputError
        If the particles or settings cannot work.
    """
    settings = usable(RunConfig.gather(config, **groups))
    check_particles(particles, settings)
    sampling = Sampling.of(particles, settings)
    count = particles.sizes["particle"]
    classes = particles.sizes["class_id"] if "class_posterior" in particles else 1
    insertions = count * len(symmetry_operators(settings.imaging.symmetry))
    if settings.box.kernel == "nufft":
        padded, thickness = sampling.box_size, np.inf
    else:
        grid = grid_of(sampling, settings)
        padded, thickness = grid.padded, insertions / 2 / (2 * min(grid.radius, grid.padded / 2))
    memory, host = _bytes(sampling, settings, count, insertions)
    host += host and (classes - 1) * HOST_VOXEL * sampling.box_size**3
    memory += (classes - 1) * FURTHER_CLASS_VOXEL * sampling.box_size**3
    seconds = math.nan
    if settings.box.kernel != "nufft" and get_backend(settings.compute.backend).name == CPU:
        threads = settings.compute.threads or available_threads()
        inserting = INSERTION_SECONDS * sampling.transform_size**2 * insertions * classes / threads
        seconds = inserting + classes * (MAP_SECONDS + VOXEL_SECONDS * padded**3)
    return Plan(sampling, padded, count, insertions, thickness, memory, host, seconds)


def grid_of(sampling: Sampling, config: RunConfig) -> Grid:
    """Return the padded Fourier grid of a run.

    Parameters
    ----------
    sampling : Sampling
        Boxes and frequencies.
    config : RunConfig
        Settings.

    Returns
    -------
    Grid
        The smallest grid that holds everything the settings let in.
    """
    edge = sampling.transform_size / 2 if config.box.limit == "square" else sampling.max_index
    furthest = edge * 2**0.5 if config.box.limit == "square" else edge
    furthest = min(furthest, sampling.cut_index)
    return Grid.of(sampling.box_size, config.box.pad_factor, config.box.kernel, furthest)


def _bytes(sampling: Sampling, config: RunConfig, count: int, insertions: int) -> tuple[int, int]:
    """Return what one class holds where it is computed, and what the host holds beside that machine."""
    exact = config.box.kernel == "nufft"
    backend = get_backend(config.compute.backend)
    if backend.name == CPU:
        return _exact_bytes(sampling, insertions) if exact else _gridding_bytes(sampling, config), 0
    grid = None if exact else grid_of(sampling, config)
    card = Card(sampling, config, grid, -(-count // 2), backend)
    return _exact_bytes(sampling, insertions) if exact else card.reconstruction(), card.host()


def _gridding_bytes(sampling: Sampling, config: RunConfig) -> int:
    """Return the larger of what insertion and judgement hold; the bytes a voxel were measured."""
    grid, voxels = grid_of(sampling, config), sampling.box_size**3
    half_done = sampling.box_size * grid.side * grid.columns * 8
    read = (config.compute.batch_size or 2 * TILE) * 2 * sampling.read_size**2 * 4
    tiles = 2 * TILE * (sampling.raw_size**2 * 12 + sampling.transform_size**2 * 20)
    insertion = 2 * Accumulator.points(grid) * PARTS * 4 + 2 * half_done + 8 * voxels + read + tiles
    return max(insertion, voxels * (JUDGED_VOXEL + (MASKED_VOXEL if config.mask.kind != "none" else 0)))


def _exact_bytes(sampling: Sampling, insertions: int) -> int:
    coefficients = sampling.transform_size * (sampling.transform_size // 2 + 1)
    return insertions * coefficients * EXACT_COEFFICIENT + (2 * sampling.box_size) ** 3 * EXACT_POINT


def _nothing(config: RunConfig) -> int:
    """Return the bytes that a plain reconstruction holds beside its own."""
    return 0


def refuse_if_too_large(needed: Plan, config: RunConfig, beside: Callable[[RunConfig], int] = _nothing) -> None:
    """Raise where a run needs more memory than is free, or than its settings allow.

    Parameters
    ----------
    needed : Plan
        What the run needs.
    config : RunConfig
        Settings.
    beside : callable, optional
        Gives what is held beside a reconstruction with some settings, which is part of what the run needs [byte].

    Raises
    ------
    InputError
        With the figure, and a setting that would fit.
    """
    rule, limits = "a run must fit in memory", limits_of(config)
    must_fit(needed, limits, (rule, "a run"), lambda: _what_would_fit(needed, config, limits[0], beside))


def limits_of(config: RunConfig) -> tuple[float, float]:
    """Return how much memory a run may take.

    Parameters
    ----------
    config : RunConfig
        Settings.

    Returns
    -------
    own : float
        Where it is computed: on the host what the settings allow, or what is free; on a GPU the smaller of both [byte].
    host : float
        On the host, beside a GPU [byte].
    """
    backend, allowed = get_backend(config.compute.backend), config.compute.memory_limit * GIBIBYTE
    if backend.name == CPU:
        return allowed or backend.free_memory(), math.inf
    return min(allowed or math.inf, backend.free_memory()), get_backend(CPU).free_memory()


def must_fit(needed: Any, limits: tuple[float, float], words: tuple[str, str], fitting: Callable[[], str]) -> None:
    """Raise where a run would hold more than it may.

    Parameters
    ----------
    needed : Plan or RefinementPlan
        What it would hold.
    limits : tuple of float
        Those of `limits_of` [byte].
    words : tuple of str
        What must hold, and what the run is called.
    fitting : callable
        Says which settings would fit.

    Raises
    ------
    InputError
        With the figures, the memory that is meant, and what `fitting` says.
    """
    rule, name = words
    where = " of the GPU" if needed.host_bytes else ""
    got = f"{name} that needs {amount(needed.memory_bytes)} where {amount(limits[0])}{where} are allowed"
    if needed.memory_bytes > limits[0]:
        must(False, f"{rule}{where}", got, f"{fitting()}{'; or compute.backend numba' if where else ''}")
    got = f"{name} that needs {amount(needed.host_bytes)} of the host where {amount(limits[1])} are free"
    remedy = "Use a smaller box.box_size, a larger box.binning, or fewer classes"
    must(needed.host_bytes <= limits[1], f"{rule} of the host", got, remedy)


def _what_would_fit(needed: Plan, config: RunConfig, limit: float, beside: Callable[[RunConfig], int]) -> str:
    if config.box.kernel == "nufft":
        return "Use kernel trilinear, fewer particles, or a larger box.binning"
    for pad_factor in (1.5, 1.0):
        if pad_factor < config.box.pad_factor and not (pad_factor == 1.0 and config.box.kernel == "kaiser_bessel"):
            lean = dataclasses.replace(config, box=config.box.replace(pad_factor=pad_factor))
            memory = _bytes(needed.sampling, lean, needed.n_particles, needed.insertions)[0] + beside(lean)
            if memory <= limit:
                return f"box.pad_factor {pad_factor:g} would fit, with {amount(memory)}"
    return "Set box.pad_factor to 1, box.box_size to a smaller grid, or box.binning to a larger factor"


def warn_if_thin(needed: Plan, config: RunConfig) -> None:
    """Warn where points of the grid hold so few coefficients that dividing by their weights amplifies noise.

    Parameters
    ----------
    needed : Plan
        What the run needs.
    config : RunConfig
        Settings.
    """
    wanted = ENOUGH_SAMPLES * (8 if config.box.kernel == "nearest" else 1)
    if needed.samples_per_point < wanted:
        warnings.warn(
            f"the outermost shell of the padded grid holds {needed.samples_per_point:.2g} coefficients a point in each "
            f"half, and kernel {config.box.kernel} needs about {wanted:g}: noise is amplified there. "
            "Use more particles, a smaller box.pad_factor, or kernel kaiser_bessel.",
            UserWarning,
            stacklevel=3,
        )


def amounts(needed: Any) -> str:
    """Return what a plan holds, in words.

    Parameters
    ----------
    needed : Plan or RefinementPlan
        The plan.

    Returns
    -------
    str
        Memory, and whose it is where a GPU computes.
    """
    if not needed.host_bytes:
        return amount(needed.memory_bytes)
    return f"{amount(needed.memory_bytes)} of the GPU and {amount(needed.host_bytes)} of the host"


def expected_time(seconds: float) -> str:
    """Return an expected time in words that end a list.

    Parameters
    ----------
    seconds : float
        The time; not a number where it is not known [second].

    Returns
    -------
    str
        Empty where it is not known.
    """
    return f", about {duration(seconds)}" if math.isfinite(seconds) else ""


def duration(seconds: float) -> str:
    """Return a time in words.

    Parameters
    ----------
    seconds : float
        The time [second].

    Returns
    -------
    str
        In seconds, minutes or hours.
    """
    if seconds < 100:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.2g} minutes" if seconds < 6000 else f"{seconds / 3600:.2g} hours"


def amount(count: float) -> str:
    """Return an amount of memory in words.

    Parameters
    ----------
    count : float
        Bytes.

    Returns
    -------
    str
        In MiB or GiB.
    """
    return f"{count / GIBIBYTE:.2f} GiB" if count >= GIBIBYTE else f"{count / 2**20:.1f} MiB"
