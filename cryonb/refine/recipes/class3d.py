"""Class3D: several classes against one reference each; what a reference may show is decided by its own power."""

import dataclasses
from typing import Any

import numpy as np

from ...config import RunConfig
from ...imaging.fourier import half_transform
from ...imaging.sharpening import weighted_map
from ...knobs import Config, knob
from ..convergence import with_stillness
from ..half_sets import insert_half_sets, map_power, noise_power
from ..limits import first_limit, notes_of, read_ssnr, within
from ..solvent import solvent_mask
from ..state import State


@dataclasses.dataclass(frozen=True)
class Class3DParams(Config):
    """Settings of a Class3D refinement."""

    tau_fudge: float = knob(
        4.0, help="T: how much more power is expected than the last reference had.", unit="factor", minimum=0.1
    )
    extra_shells: int = knob(
        0,
        help="Shells past the last one with SSNR 1 that are aligned to, so that finer signal can show.",
        unit="shell",
        minimum=0,
    )
    assignment: str = knob(
        "posterior",
        help="Each image shared by poses and classes, or all of it in the best.",
        choices=("posterior", "hard"),
    )
    particle_diameter: float = knob(
        0.0,
        help="Diameter of the sphere outside which references are zero; 0 = 90 % of the box.",
        unit="angstrom",
        minimum=0.0,
    )


class Class3D:
    """One reference a class and all particles against it, Wiener estimates with T tau2, no independent halves."""

    name = "class3d"
    title = "3D classification, as in RELION"
    params = Class3DParams
    defaults = {"n_iterations": 15, "initial_lowpass": 40.0, "limit_threshold": 0.5}

    def settle(self, config: RunConfig, params: Class3DParams) -> RunConfig:
        """Return the settings as they are.

        Parameters
        ----------
        config : RunConfig
            Settings.
        params : Class3DParams
            The recipe's own.

        Returns
        -------
        RunConfig
            The same.
        """
        return config

    def decides(self, config: RunConfig, params: Class3DParams) -> dict[str, str]:
        """Return the decisions in words.

        Parameters
        ----------
        config : RunConfig
            Settings, settled.
        params : Class3DParams
            The recipe's own.

        Returns
        -------
        dict of str to str
            Halves, limit, threshold, mask, volume, classes.
        """
        return {
            "halves": "one reference a class; halves made for display only",
            "limit": "SSNR from tau2 of the reference power, one for all classes"
            + (f", then {params.extra_shells} shells further" if params.extra_shells else ""),
            "threshold": "SSNR 1",
            "mask": "sphere" if config.mask.kind == "none" else config.mask.kind,
            "volume": f"Wiener, {params.tau_fudge:g} tau2",
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
        half = run.half
        noise = run.background_noise(run.members(half, None))[None]
        return State(0, volumes[:, None], None, first_limit(run), noise, half)

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
        params, length = run.params, run.sampling.field_of_view
        everyone = run.members(state.half, None)
        # All images against all classes, shared between poses and classes by their likelihood.
        references = [run.fourier(sets[0], limit=state.limit) for sets in state.reference]
        found = run.align(references, everyone, limit=state.limit, noise=state.noise[0], previous=state.candidates)
        candidates = found.hard() if params.assignment == "hard" else found
        sets = insert_half_sets(run, candidates, everyone, state.half)
        # The signal that is expected is T times the power of the reference; the noise is what the halves do not share.
        ssnr = np.stack(
            [
                np.where(np.isfinite(curve), _expected_ssnr(halves, before[0], state.limit, params.tau_fudge), np.nan)
                for halves, before, curve in zip(sets.half_map, state.reference, sets.fsc)
            ]
        )
        readings = [read_ssnr(one, length) for one in ssnr]
        # One filter for all classes: under its own, a smaller class shows less of itself, and loses images for it.
        shared = np.fmin.reduce(ssnr[sets.alive] if sets.alive.any() else ssnr)
        resolved = read_ssnr(shared, length).shell
        limit = within(resolved + params.extra_shells, first_limit(run), run.sampling.max_index)
        # Wiener estimates, and nothing outside the mask; a class that nobody is in keeps its volume.
        mask = solvent_mask(run, sets.mean.mean(axis=0), length / max(resolved, 1.0), params.particle_diameter)
        references_after = run.backend.xp.stack(
            [
                _wiener(density, shared, mask) if alive else before[0]
                for density, alive, before in zip(sets.mean, sets.alive, state.reference)
            ]
        )
        after = dataclasses.replace(
            state,
            iteration=state.iteration + 1,
            reference=references_after[:, None],
            limit=limit,
            noise=run.noise(candidates, references, everyone, state.limit)[None],
            candidates=candidates,
            half_map=sets.half_map,
            shell_weight=sets.shell_weight,
            fsc=sets.fsc,
            claimed=np.array([reading.claimed for reading in readings]),
            mask=mask,
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
        return state.reference[:, 0], "Wiener estimate under the mask, not sharpened"


def _expected_ssnr(halves: Any, reference: Any, aligned_to: float, tau_fudge: float) -> np.ndarray:
    """Return T tau2 over the noise of the new average: tau2 is the power of the reference that images were aligned to.

    Past the limit of that alignment the reference says nothing; there tau2 is what the new average has above its noise.
    """
    noise = noise_power(halves)
    above = np.maximum(map_power(halves.mean(axis=0, dtype=np.float32)) - noise, 0.0)
    past = np.arange(noise.size) > aligned_to
    tau2 = tau_fudge * np.where(past, above, map_power(reference))
    return np.divide(tau2, noise, out=np.full(noise.shape, np.nan), where=noise > 0)


def _wiener(density: Any, ssnr: np.ndarray, mask: Any) -> Any:
    kept = np.nan_to_num(ssnr)
    weight = kept / (1.0 + kept)
    return weighted_map(half_transform(density), weight, ssnr.size + 1.0) * mask


RECIPE = Class3D()
