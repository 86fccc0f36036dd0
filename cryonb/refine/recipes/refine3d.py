"""Refine3D: independent halves joined at low resolution, Wiener estimates with tau2 from the FSC."""

import dataclasses
from typing import Any

import numpy as np

from ...config import RunConfig
from ...imaging.fourier import half_transform
from ...imaging.sharpening import signal_weight, weighted_map
from ...knobs import Config, knob
from ..convergence import with_stillness
from ..half_sets import insert_half_sets
from ..joining import align_apart, join, join_shell, must_be_one_class, notes_of_halves
from ..limits import first_limit, read_fsc, read_ssnr, some_shells_further, ssnr_of_halves, within
from ..solvent import solvent_mask
from ..state import State


@dataclasses.dataclass(frozen=True)
class Refine3DParams(Config):
    """Settings of a Refine3D refinement."""

    join_resolution: float = knob(
        40.0, help="Halves are joined below this resolution; 0 = nowhere.", unit="angstrom", minimum=0.0
    )
    extra_shells: int = knob(
        10,
        help="Shells past the last one with SSNR 1 that are aligned to; a quarter of Nyquist while the FSC there stays "
        "above 0.2.",
        unit="shell",
        minimum=0,
    )
    assignment: str = knob(
        "posterior", help="Each image shared by its poses, or all of it in the best.", choices=("posterior", "hard")
    )
    particle_diameter: float = knob(
        0.0,
        help="Diameter of the sphere outside which references are zero; 0 = 90 % of the box.",
        unit="angstrom",
        minimum=0.0,
    )


class Refine3D:
    """Independent halves beyond the join, the limit some shells past the last one with SSNR 1."""

    name = "refine3d"
    title = "3D auto-refinement, as in RELION"
    params = Refine3DParams
    defaults = {"n_iterations": 15, "initial_lowpass": 40.0, "limit_threshold": 0.143}

    def settle(self, config: RunConfig, params: Refine3DParams) -> RunConfig:
        """Return the settings as they are, for one class.

        Parameters
        ----------
        config : RunConfig
            Settings.
        params : Refine3DParams
            The recipe's own.

        Returns
        -------
        RunConfig
            The same.

        Raises
        ------
        InputError
            If more classes than one are asked for.
        """
        must_be_one_class(config, self.name)
        return config

    def decides(self, config: RunConfig, params: Refine3DParams) -> dict[str, str]:
        """Return the decisions in words.

        Parameters
        ----------
        config : RunConfig
            Settings, settled.
        params : Refine3DParams
            The recipe's own.

        Returns
        -------
        dict of str to str
            Halves, limit, threshold, mask, volume, classes.
        """
        return {
            "halves": f"independent beyond {params.join_resolution:g} A" if params.join_resolution else "independent",
            "limit": f"SSNR from the FSC, then {params.extra_shells} shells further, or a quarter of Nyquist",
            "threshold": f"SSNR 1 for the limit, FSC {config.refine.limit_threshold:g} for the claim",
            "mask": "sphere" if config.mask.kind == "none" else config.mask.kind,
            "volume": "Wiener, tau2 from the FSC",
            "classes": "1",
        }

    def begin(self, run: Any, volumes: Any) -> State:
        """Return the state before the first iteration: both halves start from one volume, and from then on apart.

        Parameters
        ----------
        run : Run
            Images and machinery.
        volumes : array, (1, n, n, n), float32
            Starting volume, on the backend of the run.

        Returns
        -------
        State
            Iteration 0.
        """
        half = run.half
        noise = np.stack([run.background_noise(run.members(half, which)) for which in (1, 2)])
        return State(0, run.backend.xp.stack([volumes, volumes], axis=1), None, first_limit(run), noise, half)

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
        # Every image looks at the reference of its own half, and is shared by its poses.
        found, noise = align_apart(run, state)
        candidates = found.hard() if params.assignment == "hard" else found
        sets = insert_half_sets(run, candidates, run.members(state.half, None), state.half)
        # What both halves agree on is signal: SSNR = FSC / (1 - FSC); some shells past SSNR 1 are tried.
        curve = sets.fsc[0]
        ssnr = ssnr_of_halves(curve)
        resolved = read_ssnr(ssnr, length)
        nyquist = run.sampling.particle_nyquist * length
        further = some_shells_further(resolved.shell, curve, state.limit, params.extra_shells, nyquist)
        limit = within(further, first_limit(run), run.sampling.max_index)
        claim = read_fsc(curve, run.config.refine.limit_threshold, length)
        # Joined at low resolution; past that only the SSNR and the mask know of the other half.
        joined = join(sets.half_map[0], sets.shell_weight[0], join_shell(length, params.join_resolution))
        mask = solvent_mask(run, sets.mean[0], length / max(resolved.shell, 1.0), params.particle_diameter)
        reference = run.backend.xp.stack([_wiener(half, ssnr) * mask for half in joined])
        after = dataclasses.replace(
            state,
            iteration=state.iteration + 1,
            reference=reference[None],
            limit=limit,
            noise=noise,
            candidates=candidates,
            half_map=sets.half_map,
            shell_weight=sets.shell_weight,
            fsc=sets.fsc,
            claimed=np.array([claim.claimed]),
            mask=mask,
            aligned_to=state.limit,
            note=notes_of_halves(run, claim),
        )
        return with_stillness(state, after, run.config.imaging.symmetry)

    def shown(self, run: Any, state: State) -> tuple[Any, str]:
        """Return the mean of both halves, weighted by what they agree on, not sharpened.

        Parameters
        ----------
        run : Run
            Images and machinery.
        state : State
            The state after an iteration.

        Returns
        -------
        volumes : array, (1, n, n, n), float32
            The map, on the backend of the run.
        note : str
            What was done to it.
        """
        mean, curve = run.on_backend(state.half_map[0]).mean(axis=0, dtype=np.float32), state.fsc[0]
        shown = weighted_map(half_transform(mean), signal_weight(curve) ** 2, curve.size + 1.0)
        return shown[None], "Wiener estimate of both halves, not sharpened"


def _wiener(half: Any, ssnr: np.ndarray) -> Any:
    """Return a half map divided by 1 + 1 / SSNR on every shell."""
    kept = np.nan_to_num(ssnr)
    return weighted_map(half_transform(half), kept / (1.0 + kept), ssnr.size + 1.0)


RECIPE = Refine3D()
