"""Resolution-limited refinement: every particle against one reference, which is never compared past a fixed limit."""

import dataclasses
import math
from typing import Any

import numpy as np

from ...config import RunConfig
from ...errors import must
from ...imaging.fourier import half_transform
from ...imaging.masks import DEFAULT_RADIUS
from ...imaging.sharpening import weighted_map
from ...knobs import Config, knob
from ..convergence import with_stillness
from ..half_sets import insert_half_sets
from ..limits import LEAST, bleed_shells, notes_of, read_fsc, ssnr_of_halves
from ..solvent import particle_sphere
from ..state import State

PROTEIN = 1.23
"""Volume of a dalton of protein [angstrom^3]."""


@dataclasses.dataclass(frozen=True)
class ResolutionLimitedParams(Config):
    """Settings of a resolution-limited refinement."""

    alignment_resolution: float = knob(
        0.0,
        help="Finest detail that alignment compares, while the map goes on; 0 = refine.max_resolution, where the map "
        "ends too.",
        unit="angstrom",
        minimum=0.0,
    )
    mask_radius: float = knob(
        0.0, help="Radius of the sphere about the particle; 0 = 45 % of the box.", unit="angstrom", minimum=0.0
    )
    molecular_mass: float = knob(
        0.0, help="Mass of the particle, for its volume; 0 = it fills the sphere.", unit="kilodalton", minimum=0.0
    )
    assignment: str = knob(
        "posterior",
        help="Each image shared by the classes, or all of it in its best one.",
        choices=("posterior", "hard"),
    )


class ResolutionLimited:
    """One reference a class and all particles; past the fixed limit the curve is untouched by alignment."""

    name = "resolution_limited"
    title = "Resolution-limited refinement, as in Frealign and cisTEM"
    params = ResolutionLimitedParams
    defaults = {"n_iterations": 10, "initial_lowpass": 30.0, "limit_threshold": 0.143}

    def settle(self, config: RunConfig, params: ResolutionLimitedParams) -> RunConfig:
        """Return the settings as they are, with a limit.

        Parameters
        ----------
        config : RunConfig
            Settings.
        params : ResolutionLimitedParams
            The recipe's own.

        Returns
        -------
        RunConfig
            The same.

        Raises
        ------
        InputError
            If no limit is set.
        """
        given = params.alignment_resolution > 0 or config.refine.max_resolution > 0
        rule = "a limit must be set with recipe resolution_limited [angstrom]"
        must(given, rule, "none", "Set refine.max_resolution, or the recipe's alignment_resolution")
        return config

    def decides(self, config: RunConfig, params: ResolutionLimitedParams) -> dict[str, str]:
        """Return the decisions in words.

        Parameters
        ----------
        config : RunConfig
            Settings, settled.
        params : ResolutionLimitedParams
            The recipe's own.

        Returns
        -------
        dict of str to str
            Halves, limit, threshold, mask, volume, classes.
        """
        fixed = params.alignment_resolution or config.refine.max_resolution
        radius = f"{params.mask_radius:g} A" if params.mask_radius else f"{100 * DEFAULT_RADIUS:g} % of the box"
        return {
            "halves": "one reference, all particles; odd and even for the curve only",
            "limit": f"fixed at {fixed:g} A or the data end, less the shells that the mask bleeds over",
            "threshold": f"FSC {config.refine.limit_threshold:g}",
            "mask": f"sphere of radius {radius}",
            "volume": "Wiener from part-SSNR",
            "classes": f"{config.refine.n_classes}, {params.assignment}",
        }

    def begin(self, run: Any, volumes: Any) -> State:
        """Return the state before the first iteration.

        Parameters
        ----------
        run : Run
            Images and machinery.
        volumes : array, (classes, n, n, n), float32
            Starting volumes, on the backend of the run.

        Returns
        -------
        State
            Iteration 0.
        """
        odd_even = 1 + np.arange(len(run.ids)) % 2
        noise = run.background_noise(run.members(odd_even, None))[None]
        mask = particle_sphere(run, 2.0 * _mask_radius(run)) if run.mask is None else run.on_backend(run.mask)
        return State(0, (volumes * mask)[:, None], None, fixed_limit(run), noise, odd_even, mask=mask)

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
        length, threshold = run.sampling.field_of_view, run.config.refine.limit_threshold
        everyone = run.members(state.half, None)
        # All particles against the one reference of each class, to the limit that the user fixed; best poses kept.
        references = [run.fourier(sets[0], limit=state.limit) for sets in state.reference]
        found = run.align(references, everyone, limit=state.limit, noise=state.noise[0], previous=state.candidates)
        kept = found.hard() if run.params.assignment == "hard" else found.best_of_each_class()
        # Odd and even particles give the curve, and with it the signal in the particle's own volume.
        sets = insert_half_sets(run, kept, everyone, state.half)
        readings = [read_fsc(curve, threshold, length) for curve in sets.fsc]
        fraction = particle_fraction(run)
        reference = run.backend.xp.stack(
            [
                _wiener(density, curve, fraction) * state.mask if alive else before[0]
                for density, curve, alive, before in zip(sets.mean, sets.fsc, sets.alive, state.reference)
            ]
        )
        after = dataclasses.replace(
            state,
            iteration=state.iteration + 1,
            reference=reference[:, None],
            noise=run.noise(kept, references, everyone, state.limit)[None],
            candidates=kept,
            half_map=sets.half_map,
            shell_weight=sets.shell_weight,
            fsc=sets.fsc,
            claimed=np.array([reading.claimed for reading in readings]),
            aligned_to=state.limit,
            note=notes_of(readings),
        )
        return with_stillness(state, after, run.config.imaging.symmetry)

    def shown(self, run: Any, state: State) -> tuple[np.ndarray, str]:
        """Return the Wiener estimate of every class, which is also the next reference.

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
        return state.reference[:, 0], "Wiener estimate from part-SSNR under the mask, not sharpened"


def fixed_limit(run: Any) -> float:
    """Return the shell that alignment never passes: what the user fixed, less the shells that the mask bleeds over.

    Parameters
    ----------
    run : Run
        Sampling and settings.

    Returns
    -------
    float
        The shell [1 / field of view].
    """
    length = run.sampling.field_of_view
    fixed = length / (run.params.alignment_resolution or run.config.refine.max_resolution)
    bled = fixed - bleed_shells(length, _mask_radius(run))
    return min(max(bled, LEAST), run.sampling.max_index)


def particle_fraction(run: Any) -> float:
    """Return the part of the box that the particle fills.

    Parameters
    ----------
    run : Run
        Sampling and settings.

    Returns
    -------
    float
        Volume of its mass of protein, or of the sphere, over that of the box; at most 1.
    """
    mass = run.params.molecular_mass
    volume = 1e3 * PROTEIN * mass if mass > 0 else 4.0 / 3.0 * math.pi * _mask_radius(run) ** 3
    return min(1.0, volume / run.sampling.field_of_view**3)


def _mask_radius(run: Any) -> float:
    return run.params.mask_radius or DEFAULT_RADIUS * run.sampling.field_of_view


def _wiener(density: Any, fsc: np.ndarray, fraction: float) -> Any:
    """Return the mean map with the weight of its part-SSNR: 2 FSC / (1 - FSC), over the particle's part of the box."""
    ssnr = np.nan_to_num(2.0 * ssnr_of_halves(fsc) / fraction)
    return weighted_map(half_transform(density), ssnr / (1.0 + ssnr), fsc.size + 1.0)


RECIPE = ResolutionLimited()
