"""Refinements: one Dataset an iteration, and the last of them."""

import collections
import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from ..config import MaskConfig, RunConfig
from ..contracts import Recipe
from ..engines import available_threads
from ..errors import BackendFailed, must
from ..imaging.masks import checked_mask
from ..imaging.noise import particle_generator
from ..provenance import digest
from .candidates import Candidates
from .checkpoints import FILE, Checkpoint
from .counter import Counter, Progress
from .fallback import signed, usable, with_fallback
from .first_guess import images_handled
from .half_sets import split_by
from .labels import labelled_iteration
from .prepare import images_of
from .recipes import decided, get_recipe
from .requirements import settled, with_poses
from .run import STREAM, Run
from .search_plan import plan_refinement, refuse_refinement_if_too_large
from .starting import starting_volumes
from .state import State, brought_back, taken_up

HALVES = 0
"""Stream of randomness of the half sets, where the table has none."""


@dataclasses.dataclass(frozen=True)
class Job:
    """A refinement that is ready to begin.

    Attributes
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles, as given.
    references : list of xarray.Dataset
        Starting volumes.
    run : Run
        Images and machinery.
    recipe : Recipe
        Who decides.
    identity : dict
        What decides the results.
    checkpoint : Checkpoint or None
        Where finished iterations are kept.
    progress : callable or None
        Told of all work.
    """

    particles: xr.Dataset
    references: list[xr.Dataset]
    run: Run
    recipe: Recipe
    identity: dict[str, Any]
    checkpoint: Checkpoint | None
    progress: Progress | None

    def on(self, config: RunConfig) -> Self:
        """Return the same job with settings of speed changed.

        Parameters
        ----------
        config : RunConfig
            Its settings, perhaps with another backend.

        Returns
        -------
        Job
            The job.
        """
        images = dataclasses.replace(self.run.images, config=config)
        return dataclasses.replace(self, run=dataclasses.replace(self.run, images=images, config=config))


def iterate(
    particles: xr.Dataset,
    references: xr.Dataset | Sequence[xr.Dataset] | None = None,
    config: RunConfig | Mapping | None = None,
    *,
    mask: np.ndarray | MaskConfig | Mapping | None = None,
    checkpoint: str | os.PathLike | Checkpoint | None = None,
    progress: Progress | None = None,
    **groups: Any,
) -> Iterator[xr.Dataset]:
    """Refine poses and maps, and yield every iteration as it is finished.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles. Poses are not needed where the search is global; half sets are drawn by the seed where
        the table has none.
    references : xarray.Dataset or sequence of them, optional
        Kind cryonb/volume: starting volumes, of any box and voxel size. They are made from the particles if not given.
    config : RunConfig or mapping, optional
        Settings.
    mask : ndarray, (n, n, n), float32, or mask settings, optional
        Mask of the target box, in place of what `config.mask` would make.
    checkpoint : str, path or Checkpoint, optional
        A folder where every finished iteration is kept; a folder that holds some of the same run is continued, to the
        same bits as without the interruption.
    progress : callable, optional
        Called with (fraction, text); what it raises stops the run.
    **groups
        Settings by group, as in `RunConfig.gather`.

    Returns
    -------
    iterator of xarray.Dataset
        Kind cryonb/refinement, one an iteration, with the particles in the order of the table. A run that was finished
        before gives its last iteration again.

    Raises
    ------
    InputError
        If the particles, volumes or settings cannot work, the run does not fit in memory, or the folder holds another.
    BackendFailed
        If the machine failed. With `compute.fallback` an iteration at which a GPU failed is done again on the CPU, and
        so are those after it.
    RunStopped
        If `progress` stopped it.

    Notes
    -----
    Results do not depend on batch size, threads or the order of the table. The run ends early where the recipe says
    that it has converged.
    """
    if isinstance(mask, (Mapping, MaskConfig)):
        groups, mask = {**groups, "mask": mask}, None
    given = references if isinstance(references, (list, tuple)) else [] if references is None else [references]
    job = _prepared(particles, list(given), RunConfig.gather(config, **groups), mask)
    folder = Checkpoint(checkpoint) if isinstance(checkpoint, (str, os.PathLike)) else checkpoint
    return _iterations(dataclasses.replace(job, checkpoint=folder, progress=progress))


def refine(
    particles: xr.Dataset,
    references: xr.Dataset | Sequence[xr.Dataset] | None = None,
    config: RunConfig | Mapping | None = None,
    **options: Any,
) -> xr.Dataset:
    """Return the last iteration of a refinement.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles.
    references : xarray.Dataset or sequence of them, optional
        Kind cryonb/volume: starting volumes.
    config : RunConfig or mapping, optional
        Settings.
    **options
        `mask`, `checkpoint`, `progress` and groups of settings, as in `iterate`.

    Returns
    -------
    xarray.Dataset
        Kind cryonb/refinement.

    Raises
    ------
    InputError
        As in `iterate`.
    RunStopped
        If `progress` stopped it.
    """
    (last,) = collections.deque(iterate(particles, references, config, **options), maxlen=1)
    return last


def _iterations(job: Job) -> Iterator[xr.Dataset]:
    """Yield what is left to do of a job, or its last iteration where nothing is."""
    wanted = job.run.config.refine.n_iterations
    stored = job.checkpoint.open(job.identity) if job.checkpoint else None
    job, begun = (job, None) if stored else _going_on(job, partial(_begun, wanted=wanted))
    state, before = (stored.state, stored.before) if stored else (begun, None)
    if stored and (state.iteration >= wanted or state.converged) and state.iteration > 0:
        yield _labelled(job, state, before)
        return
    while state.iteration < wanted and not state.converged:
        job, (dataset, state, before) = _going_on(job, partial(_one_more, state=state, wanted=wanted))
        yield dataset


def _going_on(job: Job, step: Callable[[Job], Any]) -> tuple[Job, Any]:
    """Return a job as it goes on and what a step of it gives: on the CPU, from there on, once a GPU failed at it."""
    try:
        found, config = with_fallback(job.run.config, lambda config: step(job.on(config)))
    except BackendFailed as problem:
        folder = job.checkpoint.folder if job.checkpoint else None
        if folder is None or not (folder / FILE).exists():
            raise
        sentence = f"{problem} What was finished is kept in {folder}: the same call goes on from there."
        raise BackendFailed(sentence) from problem
    return job.on(config), found


def _begun(job: Job, wanted: int) -> State:
    """Return the state before the first iteration; kept, since volumes may have been made from the particles."""
    with threadpool_limits(1, "blas"):
        unused = _takes_poses(job.recipe) and not job.references
        guessed = 0 if job.references else images_handled(len(job.run.images), job.run.config.refine.n_classes)
        run = job.run.at(0, Counter(guessed, _listener(job.progress, 0, wanted)))
        volumes = None if unused else starting_volumes(run, job.references)
        state = brought_back(job.recipe.begin(run, volumes))
    if job.checkpoint:
        job.checkpoint.keep(job.identity, state, None)
    return state


def _one_more(job: Job, state: State, wanted: int) -> tuple[xr.Dataset, State, Candidates | None]:
    """Return one more iteration as a Dataset and as a state, with the poses before it, once it is kept."""
    before = state.candidates
    with threadpool_limits(1, "blas"):
        counter = Counter(len(job.run.images), _listener(job.progress, state.iteration + 1, wanted))
        run = job.run.at(state.iteration + 1, counter)
        state = brought_back(job.recipe.iterate(run, taken_up(state, run.backend)))
        dataset = signed(_labelled(job, state, before), run.config)
    if job.checkpoint:
        job.checkpoint.keep(job.identity, state, before, dataset)
    if job.progress is not None:
        job.progress(min(1.0, (state.iteration + 1) / (wanted + 1)), f"iteration {state.iteration} of {wanted} is done")
    return dataset, state, before


def _labelled(job: Job, state: State, before: Candidates | None) -> xr.Dataset:
    run = job.run.at(state.iteration, Counter(1.0, None))
    return labelled_iteration(job.particles, run, job.recipe, (state, before), job.references)


def _listener(progress: Progress | None, iteration: int, wanted: int) -> Progress | None:
    """Return what hears of one iteration's work, and tells of the whole run's; `Counter` bounds its fraction by one."""
    if progress is None:
        return None
    return partial(_tell, progress, iteration, wanted)


def _tell(progress: Progress, iteration: int, wanted: int, fraction: float, text: str) -> None:
    words = f"iteration {iteration} of {wanted}: {text}" if iteration else f"starting volumes: {text}"
    progress((iteration + 0.99 * fraction) / (wanted + 1), words)


def _prepared(particles: xr.Dataset, references: list[xr.Dataset], config: RunConfig, mask: np.ndarray | None) -> Job:
    """Return a job from what a caller gave, all of it checked."""
    recipe = get_recipe(config.refine.recipe)
    config, params = decided(recipe, usable(config))
    table = with_poses(particles, config.refine.search == "local" or _takes_poses(recipe))
    rule = "box.kernel must be trilinear where poses are searched"
    remedy = "Use trilinear, and reconstruct the poses that are found with the other"
    must(_takes_poses(recipe) or config.box.kernel == "trilinear", rule, config.box.kernel, remedy)
    config = settled(table, config)
    refuse_refinement_if_too_large(plan_refinement(particles, len(references), config), config)
    images = images_of(table, config)
    must(len(images) >= 2, "a refinement needs at least two particles", len(images), "Give more particles")
    mask = None if mask is None else checked_mask(mask, (images.sampling.box_size,) * 3)
    threads = config.compute.threads or available_threads()
    half = _half_sets(table, images.ids, config.compute.seed)
    run = Run(images, images.ids, half, images.sampling, config, params, threads, Counter(1.0, None), mask=mask)
    identity = _identity(particles, references, run, recipe)
    return Job(particles, references, run, recipe, identity, None, None)


def _takes_poses(recipe: Recipe) -> bool:
    """Return whether a recipe takes the poses of the table as they are."""
    return getattr(recipe, "needs_poses", False)


def _half_sets(particles: xr.Dataset, ids: np.ndarray, seed: int) -> np.ndarray:
    """Return the half set of every particle in the order of the ids; drawn where the table has none."""
    if "random_subset" in particles:
        half = particles["random_subset"].values[np.argsort(particles["particle"].values, kind="stable")]
        if set(np.unique(half)) == {1, 2}:
            return half.astype(np.int64)
    return split_by(np.array([particle_generator(seed, STREAM + HALVES, number).random() for number in ids]))


def _identity(particles: xr.Dataset, references: list[xr.Dataset], run: Run, recipe: Recipe) -> dict[str, Any]:
    science = run.config.science()
    science["refine"] = {
        name: value for name, value in science["refine"].items() if name not in ("n_iterations", "params")
    }
    return {
        "particles": digest(particles),
        "references": [digest(volume) for volume in references] or "none",
        "mask": "none" if run.mask is None else digest(run.mask),
        **science,
        "params": run.params.as_dict(),
        "recipe": recipe.name,
    }
