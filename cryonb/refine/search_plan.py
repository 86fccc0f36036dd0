"""What a refinement needs, known before anything is allocated: shapes, poses to compare, memory and time."""

import dataclasses
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from ..backends import get_backend
from ..config import RunConfig
from ..engines import available_threads
from ..errors import must
from ..imaging.polar import Rings
from ..imaging.reconstruct import PARTS, Accumulator
from ..imaging.sweep import BLOCK, Views, sweep_grid
from .card_plan import Card, Searched
from .fallback import CPU, usable
from .images import TILE
from .planning import (
    INSERTION_SECONDS,
    JUDGED_VOXEL,
    amount,
    amounts,
    duration,
    grid_of,
    limits_of,
    must_fit,
)
from .recipes import decided, get_recipe
from .requirements import with_poses
from .run import search_settings
from .sampling import Sampling
from .search import FIRST_STEPS, LAST_STEPS, SearchSettings

POSE_BYTES = 128
"""Bytes of one pose that is kept of an image: rotation, shift, class and five numbers."""

KEPT_POSES = 4
"""Times that the poses of all images are held: before, now, the one before that, and while they are put together."""

KEPT_MAPS, FURTHER_MAPS, KEPT_BYTES = 17, 6, 22 * 2**20
"""Maps of the first class, and of every further one, that are held beside the work of a step: references, half maps,
the last Dataset, and what the system's allocator does not give back; and the same of work that does not grow with the
box [byte]. Measured."""

FILLING = 1.1
"""Times the slices of one class are held, beside themselves, while they are turned into angular orders."""

PADDED_VOXEL = 11.5
"""Bytes a voxel of the padded box, beside the result, while a map is made ready for slicing. Measured."""

SEARCH_TIME = 1.35
"""Time of a search over that of its matrix products, about."""

CLIMB_SECONDS = 4.5e-8
"""Seconds a coefficient of an image and a slice that are compared with their derivatives. Measured."""

MAP_SECONDS = 6e-8
"""Seconds a voxel of the padded box that the maps of a class take in an iteration. Measured."""

HOPEFUL = 3
"""Candidates of an image, about, that are still worth refining after the first comparison."""


@dataclasses.dataclass(frozen=True)
class RefinementPlan:
    """What a refinement will hold and do.

    Attributes
    ----------
    sampling : Sampling
        Boxes and frequencies.
    padded_size : int
        Voxels along an edge of the padded grid.
    n_particles, n_classes, n_iterations : int
        How many there are.
    views, angles, shifts : int
        The grid of the global search at its finest: zero where poses are only refined.
    memory_bytes : int
        Largest memory held at a time where the run is computed, beyond what is held there already [byte].
    seconds : float
        Expected time of all iterations, from a matrix product of the search's own shape measured here; not a number
        where a GPU computes.
    recipe : str
        Whose decisions.
    is_fixed : bool
        Whether poses stay as they are.
    host_bytes : int
        The memory on the host, where a GPU computes; else zero.
    """

    sampling: Sampling
    padded_size: int
    n_particles: int
    n_classes: int
    n_iterations: int
    views: int
    angles: int
    shifts: int
    memory_bytes: int
    seconds: float
    recipe: str
    is_fixed: bool = False
    host_bytes: int = 0

    @property
    def hypotheses(self) -> int:
        """Poses that are compared for one particle in one iteration."""
        return self.views * self.angles * self.shifts * self.n_classes

    @property
    def comparisons(self) -> int:
        """Poses that are compared in all."""
        return self.hypotheses * self.n_particles * self.n_iterations

    def __str__(self) -> str:
        s, many = self.sampling, "classes" if self.n_classes > 1 else "class"
        searched = (
            f"{self.views} views x {self.angles} angles x {self.shifts} shifts x {self.n_classes} {many} = "
            f"{self.hypotheses:.3g} poses a particle and {self.comparisons:.2g} in all"
            if self.hypotheses
            else f"poses {'taken as' if self.is_fixed else 'refined from where'} they stand"
        )
        times = "1 iteration" if self.n_iterations == 1 else f"{self.n_iterations} iterations at most"
        return (
            f"{self.recipe}: {self.n_particles} particles of {s.read_size} pixels at {s.pixel_size:.4g} A into a box "
            f"of {s.box_size} voxels at {s.voxel_size:.4g} A padded to {self.padded_size}; {times}, "
            f"{searched}; {amounts(self)}"
            + (f", at most about {duration(self.seconds)}" if math.isfinite(self.seconds) else "")
        )


def plan_refinement(
    particles: xr.Dataset, references_count: int = 1, config: RunConfig | Mapping | None = None, **groups: Any
) -> RefinementPlan:
    """Return what a refinement needs.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles.
    references_count : int, optional
        Starting volumes; there are at least as many classes.
    config : RunConfig or mapping, optional
        Settings.
    **groups
        Settings by group, as in `RunConfig.gather`.

    Returns
    -------
    RefinementPlan
        Shapes, search, memory and time.

    Raises
    ------
    InputError
        If the settings cannot work.

    Notes
    -----
    Search and memory are counted at the finest limit that the settings and the data allow; a run that stays coarser
    takes less of both. On a CPU, the time is the number of matrix products times the time of one, measured here in
    a few milliseconds, and counts of other work times rates that were measured once.
    """
    settings = usable(RunConfig.gather(config, **groups))
    recipe = get_recipe(settings.refine.recipe)
    settings, _ = decided(recipe, settings)
    rule, remedy = "box.kernel must interpolate on a grid in a refinement", "Use trilinear, or reconstruct with nufft"
    must(settings.box.kernel != "nufft", rule, settings.box.kernel, remedy)
    fixed = getattr(recipe, "needs_poses", False)
    table = with_poses(particles, fixed or settings.refine.search == "local")
    sampling = Sampling.of(table, settings)
    count = particles.sizes["particle"]
    classes = max(settings.refine.n_classes, references_count)
    _check_shifts(settings.refine.shift_range, sampling.field_of_view / 2)
    seeking = search_settings(settings, sampling, sampling.max_index)
    rings, views, shifts = sweep_grid(seeking.grid_index, seeking.shift_range, seeking.symmetry)
    searched = not (fixed or seeking.local)
    threads = settings.compute.threads or available_threads()
    grids = (rings, views, shifts) if searched else None
    memory, host = _memory(sampling, settings, grids, (count, classes, threads))
    second = 0.0 if get_backend(settings.compute.backend).name == CPU else math.nan
    if searched and math.isfinite(second):
        second += _block_seconds(rings, len(shifts)) * -(-2 * views.matrices.shape[1] // BLOCK) * classes * SEARCH_TIME
    second += 0.0 if fixed else _climb_seconds(seeking, classes)
    second += INSERTION_SECONDS * sampling.transform_size**2
    padded, iterations = grid_of(sampling, settings).padded, settings.refine.n_iterations
    return RefinementPlan(
        sampling=sampling,
        padded_size=padded,
        n_particles=count,
        n_classes=classes,
        n_iterations=iterations,
        views=2 * views.matrices.shape[1] if searched else 0,
        angles=rings.n_angles if searched else 0,
        shifts=len(shifts) if searched else 0,
        memory_bytes=memory,
        host_bytes=host,
        seconds=iterations * (count * second / threads + classes * MAP_SECONDS * padded**3),
        recipe=recipe.name,
        is_fixed=fixed,
    )


def _climb_seconds(seeking: SearchSettings, classes: int) -> float:
    """Return the seconds that local refinement takes for an image on one thread, about."""
    on_grid, at_limit = (np.pi / 2 * index**2 for index in (seeking.grid_index, seeking.max_index))
    if seeking.local:
        return classes * LAST_STEPS * at_limit * CLIMB_SECONDS
    return (seeking.from_grid * FIRST_STEPS * on_grid + HOPEFUL * LAST_STEPS * at_limit) * CLIMB_SECONDS


def _check_shifts(reach: float, half: float) -> None:
    rule = f"refine.shift_range must be at most half the field of view, {half:.4g} angstrom"
    must(reach <= half, rule, f"{reach:g}", "Use 0, which means 8 % of the box")


def refuse_refinement_if_too_large(needed: RefinementPlan, config: RunConfig) -> None:
    """Raise where a refinement needs more memory than is free, or than its settings allow.

    Parameters
    ----------
    needed : RefinementPlan
        What it needs.
    config : RunConfig
        Settings, decided.

    Raises
    ------
    InputError
        With the figure, and a setting that would fit.
    """
    words, limits = ("a refinement must fit in memory", "one"), limits_of(config)
    must_fit(needed, limits, words, lambda: _what_would_fit(needed, config, limits[0]))


def _what_would_fit(needed: RefinementPlan, config: RunConfig, limit: float) -> str:
    threads = config.compute.threads or available_threads()
    for pad_factor in (1.5, 1.0):
        lean = dataclasses.replace(config, box=config.box.replace(pad_factor=pad_factor))
        memory = _memory_again(needed, lean, threads)
        if pad_factor < config.box.pad_factor and memory <= limit:
            return f"box.pad_factor {pad_factor:g} would fit, with {amount(memory)}"
    for resolution in (15.0, 20.0, 30.0):
        lean = dataclasses.replace(config, refine=config.refine.replace(search_resolution=resolution))
        memory = _memory_again(needed, lean, threads)
        if memory <= limit:
            return f"refine.search_resolution {resolution:g} would fit, with {amount(memory)}"
    return "Use a larger box.binning, a smaller box.box_size, or fewer classes"


def _memory_again(needed: RefinementPlan, config: RunConfig, threads: int) -> int:
    seeking = search_settings(config, needed.sampling, needed.sampling.max_index)
    grid = sweep_grid(seeking.grid_index, seeking.shift_range, seeking.symmetry) if needed.hypotheses else None
    return _memory(needed.sampling, config, grid, (needed.n_particles, needed.n_classes, threads))[0]


def _memory(
    sampling: Sampling,
    config: RunConfig,
    searched: Searched | None,
    counts: tuple[int, int, int],
) -> tuple[int, int]:
    """Return what is held where the run is computed, and what the host holds beside that machine [byte]."""
    count, classes, _ = counts
    backend = get_backend(config.compute.backend)
    if backend.name == CPU:
        return _host_memory(sampling, config, searched, counts), 0
    aligned = not getattr(get_recipe(config.refine.recipe), "needs_poses", False)
    card = Card(sampling, config, grid_of(sampling, config), count, backend)
    poses = KEPT_POSES * count * config.refine.candidates * POSE_BYTES
    return card.refinement(searched, classes, aligned), card.host(classes) + poses


def _host_memory(
    sampling: Sampling,
    config: RunConfig,
    searched: Searched | None,
    counts: tuple[int, int, int],
) -> int:
    """Return what is kept from one iteration to the next, with the largest of what its steps hold [byte]."""
    count, classes, threads = counts
    grid, voxels = grid_of(sampling, config), sampling.box_size**3
    points = Accumulator.points(grid)
    kept = (
        KEPT_BYTES
        + (KEPT_MAPS + FURTHER_MAPS * (classes - 1)) * voxels * 4
        + KEPT_POSES * count * config.refine.candidates * POSE_BYTES
    )
    pixels = sampling.read_size**2
    inserting = points * PARTS * 4 + sampling.box_size * grid.side * grid.columns * 8 + 4 * voxels
    inserting += 2 * TILE * (pixels * 16 + sampling.transform_size**2 * 20)
    slicing = 2 * classes * points * 8 + PADDED_VOXEL * grid.padded**3
    aligning = classes * 2 * points * 8 + threads * TILE * pixels * 16
    if searched is not None:
        table, work = _search_bytes(*searched)
        aligning += (classes + FILLING) * table + threads * work
    return int(kept + max(inserting, slicing, aligning, JUDGED_VOXEL * voxels))


def _search_bytes(rings: Rings, views: Views, shifts: np.ndarray) -> tuple[int, int]:
    """Return the bytes of the slices of one class, and of one thread's work."""
    blocks = -(-2 * views.matrices.shape[1] // BLOCK)
    table = blocks * BLOCK * rings.orders * 4 * len(rings.radius) * 4
    samples = len(rings.radius) * rings.n_angles
    work = (2 * rings.orders + rings.n_angles) * len(shifts) * BLOCK * 4 + 8 * blocks * len(shifts) * BLOCK
    return table, work + 6 * len(shifts) * samples * 4 + 4 * TILE * samples * 8


def _block_seconds(rings: Rings, shifts: int) -> float:
    """Return how long one image takes with one block of slices: the shortest of three measurements [s]."""
    width = 2 * len(rings.radius)
    image = np.ones((rings.orders, 1, shifts, width), np.float32)
    block = np.ones((rings.orders, 2, width, BLOCK), np.float32)
    even = np.ones((rings.n_angles // 2, rings.orders), np.float32)
    products = np.empty((rings.orders, 2, shifts, BLOCK), np.float32)
    flat, turned, times = products.reshape(2, rings.orders, -1), np.empty((len(even), shifts * BLOCK), np.float32), []
    with threadpool_limits(1, "blas"):
        for _ in range(5):
            start = time.perf_counter()
            np.matmul(image, block, out=products)
            for half in flat:
                np.matmul(even, half, out=turned)
            times.append(time.perf_counter() - start)
    return min(times)
