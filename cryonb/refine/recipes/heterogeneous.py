"""Heterogeneous refinement: several classes in one box that is the same whatever the particles' box is.

The steps are numbered as its users tell them; the maps never return to real space between iterations.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from ...backends import backend_of
from ...config import RunConfig
from ...imaging.projector import FourierVolume
from ...knobs import Config, knob
from ..candidates import Candidates
from ..convergence import with_stillness
from ..half_sets import insert_half_sets
from ..limits import best, first_limit, notes_of, read_fsc, ssnr_of_halves, within
from ..state import State

SPLITS, BATCHES = 1000, 2000
"""First streams of randomness of the half sets and of the batches, one an iteration."""

SMALLEST_SSNR = 1e-3
"""Signal-to-noise ratio of shells where half sets do not agree at all."""


@dataclasses.dataclass(frozen=True)
class HeterogeneousParams(Config):
    """Settings of a heterogeneous refinement."""

    box_size: int = knob(
        128, help="Fixed target box whatever the particle box; box.box_size wins over it.", unit="voxel", minimum=8
    )
    assignment: str = knob(
        "posterior",
        help="Each image shared by the classes, or all of it in its best one.",
        choices=("posterior", "hard"),
    )
    splitting: str = knob(
        "random", help="Half sets split anew after each alignment, or once.", choices=("random", "fixed")
    )
    score: str = knob("correlation", help="What poses are ranked by.", choices=("correlation", "likelihood"))
    regularise: bool = knob(
        True, help="Damp the sums where the half sets do not agree (Wiener); off = sums over weights alone."
    )
    batch_size: int = knob(
        0, help="Images a class that an iteration looks at; 0 = all of them.", unit="particle", minimum=0
    )
    learning_rate: float = knob(
        0.4, help="Share of a batch in the running average of its class.", unit="fraction", minimum=0.01, maximum=1.0
    )
    full_iterations: int = knob(
        2, help="Last iterations, which look at all images, where there are batches.", unit="iteration", minimum=0
    )


class Heterogeneous:
    """One reference a class, half sets split after alignment, the limit from the curve between them."""

    name = "heterogeneous"
    title = "Heterogeneous refinement, as in cryoSPARC"
    params = HeterogeneousParams
    defaults = {"n_iterations": 10, "initial_lowpass": 20.0, "limit_threshold": 0.5}

    def settle(self, config: RunConfig, params: HeterogeneousParams) -> RunConfig:
        """Return the settings with the fixed box: step 1, before anything is made.

        Parameters
        ----------
        config : RunConfig
            Settings.
        params : HeterogeneousParams
            The recipe's own.

        Returns
        -------
        RunConfig
            The same, with a target box that does not follow from the particles.
        """
        return dataclasses.replace(config, box=config.box.replace(box_size=config.box.box_size or params.box_size))

    def decides(self, config: RunConfig, params: HeterogeneousParams) -> dict[str, str]:
        """Return the decisions in words.

        Parameters
        ----------
        config : RunConfig
            Settings, settled.
        params : HeterogeneousParams
            The recipe's own.

        Returns
        -------
        dict of str to str
            Halves, limit, threshold, mask, volume, classes.
        """
        when = "anew each time" if params.splitting == "random" else "once"
        return {
            "halves": f"one reference a class; particles split after alignment, {when}",
            "limit": "FSC between the split maps, best over the classes",
            "threshold": f"FSC {config.refine.limit_threshold:g}",
            "mask": "none",
            "volume": f"sum in Fourier space{' (Wiener)' if params.regularise else ''}, fixed box of "
            f"{config.box.box_size} voxels",
            "classes": f"{config.refine.n_classes}, {params.assignment}",
        }

    def begin(self, run: Any, volumes: Any) -> State:
        """Return the state before the first iteration.

        Parameters
        ----------
        run : Run
            Images and machinery.
        volumes : array, (classes, n, n, n), float32
            Starting volumes on the target grid, on the backend of the run.

        Returns
        -------
        State
            Iteration 0.
        """
        # Steps 1 and 2 are done: the target volume has its fixed box and sampling, the volumes are interpolated to it.
        half = run.half
        everyone = run.members(half, None)
        limit = first_limit(run)
        return State(0, volumes[:, None], None, limit, run.background_noise(everyone)[None], half)

    def iterate(self, run: Any, state: State) -> State:
        """Return the state after one more iteration.

        Parameters
        ----------
        run : Run
            Images and machinery.
        state : State
            The state after the last, its volumes taken up.

        Returns
        -------
        State
            The next one, its maps on the backend.
        """
        params, config = run.params, run.config
        members = _batch(run, params)
        # 3 multiply by 1 / sinc^2, 4 pad, 5 transform and shift: of the starting volumes, only once.
        references = _fourier_volumes(run, state)
        # 6 interpolate central slices in Fourier space, translations as phase ramps; 7 transform particles to the same
        # resolution; 8 correlate over all poses up to the limit, and keep the best.
        before = None if state.candidates is None else state.candidates[members]
        found = run.align(
            references, members, limit=state.limit, noise=state.noise[0], score=params.score, previous=before
        )
        kept = found.hard() if params.assignment == "hard" else found.best_of_each_class()
        # 9 insert half sets in Fourier space at the target box; the real-space maps are for display and the curve only.
        half = run.split(SPLITS + run.iteration) if params.splitting == "random" else state.half
        sets = insert_half_sets(run, kept, members, half)
        # 10 the limit from the half-set FSC, the best class deciding.
        length = run.sampling.field_of_view
        readings = [read_fsc(curve, config.refine.limit_threshold, length) for curve in sets.fsc]
        limit = within(best(readings).shell, first_limit(run), run.sampling.max_index)
        # The next iteration starts from the summed Fourier volumes: never back to real space.
        priors = [_prior_of(curve) if params.regularise else None for curve in sets.fsc]
        sums = [run.average(kept, members, number, prior=prior).fourier for number, prior in enumerate(priors)]
        share = params.learning_rate if len(members) < len(run.ids) and state.fourier is not None else 1.0
        after = dataclasses.replace(
            state,
            iteration=state.iteration + 1,
            reference=None,
            fourier=_learned(references, sums, sets.alive, share),
            limit=limit,
            noise=run.noise(kept, references, members, state.limit)[None],
            half=half,
            candidates=_spread(run, kept, members, state.candidates),
            half_map=sets.half_map,
            shell_weight=sets.shell_weight,
            fsc=sets.fsc,
            claimed=np.array([reading.claimed for reading in readings]),
            aligned_to=state.limit,
            note=notes_of(readings),
        )
        whole = len(members) == len(run.ids)
        if not whole:
            return dataclasses.replace(after, still=0, converged=False)
        return with_stillness(state, after, config.imaging.symmetry)

    def shown(self, run: Any, state: State) -> tuple[np.ndarray, str]:
        """Return the sum map of every class in real space, for display only.

        Parameters
        ----------
        run : Run
            Images and machinery.
        state : State
            The state after an iteration.

        Returns
        -------
        volumes : ndarray, (classes, n, n, n), float32
            The maps.
        note : str
            What was done to them.
        """
        return state.half_map.mean(axis=1, dtype=np.float32), "sum map, neither filtered nor sharpened"


def _fourier_volumes(run: Any, state: State) -> list[FourierVolume]:
    """Return the references: of the starting volumes, or the sums of the last iteration as they are."""
    if state.fourier is None:
        return [run.fourier(sets[0]) for sets in state.reference]
    return [FourierVolume(run.grid(), sets[0]) for sets in state.fourier]


def _prior_of(curve: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return what a Wiener estimate adds to the weights of the sum of both half sets."""
    ssnr = np.maximum(2.0 * ssnr_of_halves(np.nan_to_num(curve)), SMALLEST_SSNR)
    return lambda weight: weight / ssnr


def _learned(old: list, new: list, alive: np.ndarray, share: float) -> Any:
    """Return the running averages, (classes, 1, points); a class that nobody is in keeps its volume."""

    def one(before: FourierVolume, after: FourierVolume, held: bool) -> Any:
        if not held or share == 1.0:
            return after.values if held else before.values
        return np.float32(1.0 - share) * before.values + np.float32(share) * after.values

    xp = backend_of(old[0].values).xp
    return xp.stack([one(*part) for part in zip(old, new, alive)])[:, None]


def _batch(run: Any, params: HeterogeneousParams) -> np.ndarray:
    """Return the images that an iteration looks at: drawn by their ids, all of them in the last iterations."""
    count, wanted = len(run.ids), params.batch_size * run.config.refine.n_classes
    last = run.iteration > run.config.refine.n_iterations - params.full_iterations
    if wanted == 0 or wanted >= count or last:
        return np.arange(count)
    return np.sort(np.argsort(run.draws(BATCHES + run.iteration), kind="stable")[:wanted])


def _spread(run: Any, found: Candidates, members: np.ndarray, before: Candidates | None) -> Candidates:
    """Return the poses of all images: those just found, and of the others what was known."""
    if len(members) == len(run.ids):
        return found
    known = _not_looked_at(run, found) if before is None else before
    places = max(found.score.shape[1], known.score.shape[1])
    arrays = {name: values.copy() for name, values in known.widened(places).arrays().items()}
    for name, values in found.widened(places).arrays().items():
        arrays[name][members] = values
    return Candidates(**arrays)


def _not_looked_at(run: Any, found: Candidates) -> Candidates:
    """Return what stands for images that no iteration has seen: the table's poses with no weight, all classes alike."""
    count, (places, classes) = len(run.ids), (found.score.shape[1], found.class_posterior.shape[1])
    arrays = {name: np.zeros((count, *values.shape[1:]), values.dtype) for name, values in found.arrays().items()}
    given = run.given()
    arrays["rotation"][:], arrays["shift"][:] = given.rotation, given.shift
    arrays["class_index"][:] = np.arange(places) % classes
    arrays["score"][:] = -np.inf
    arrays["class_posterior"][:] = 1.0 / classes
    return Candidates(**arrays)


RECIPE = Heterogeneous()
