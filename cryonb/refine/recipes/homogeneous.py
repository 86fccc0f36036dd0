"""Homogeneous refinement: independent halves, a gold-standard curve under a dynamic mask, and sharpening."""

import dataclasses
from typing import Any

import numpy as np

from ...config import MaskConfig, RunConfig
from ...imaging.fourier import half_transform
from ...imaging.masks import DEFAULT_LOWPASS, kept_fraction, make_mask
from ...imaging.sharpening import (
    CHOICES,
    b_factor_to_apply,
    end_of_fit,
    fit_map,
    sharpened_map,
    signal_weight,
    weighted_map,
)
from ...imaging.shells import independent_coefficients
from ...imaging.symmetry import symmetry_operators
from ...knobs import Config, knob
from ..convergence import with_stillness
from ..half_sets import HalfSets, insert_half_sets
from ..joining import align_apart, join, join_shell, must_be_one_class, notes_of_halves
from ..limits import Reading, first_limit, read_fsc, within
from ..masked_curve import mask_corrected_fsc
from ..solvent import particle_sphere
from ..state import State


@dataclasses.dataclass(frozen=True)
class HomogeneousParams(Config):
    """Settings of a homogeneous refinement."""

    join_resolution: float = knob(
        20.0, help="Halves are joined below this resolution; 0 = nowhere.", unit="angstrom", minimum=0.0
    )
    mask: str = knob(
        "dynamic",
        help="dynamic = as the mask settings say, whose kind none means dynamic here; none = refine without a mask.",
        choices=("dynamic", "none"),
    )
    sharpen: str = knob("if_reliable", help="Whether the B factor of the Guinier fit is applied.", choices=CHOICES)


class Homogeneous:
    """Independent halves beyond the join, the limit from their corrected curve, one sharpened map at the end."""

    name = "homogeneous"
    title = "Homogeneous refinement, as in cryoSPARC"
    params = HomogeneousParams
    defaults = {"n_iterations": 12, "initial_lowpass": 30.0, "limit_threshold": 0.143}

    def settle(self, config: RunConfig, params: HomogeneousParams) -> RunConfig:
        """Return the settings, with the mask that is meant.

        Parameters
        ----------
        config : RunConfig
            Settings.
        params : HomogeneousParams
            The recipe's own.

        Returns
        -------
        RunConfig
            The same, with a dynamic mask where no other is named.

        Raises
        ------
        InputError
            If more classes than one are asked for.
        """
        must_be_one_class(config, self.name)
        if params.mask == "none":
            return dataclasses.replace(config, mask=MaskConfig())
        mask = MaskConfig(kind="dynamic") if config.mask.kind == "none" else config.mask
        return dataclasses.replace(config, mask=mask)

    def decides(self, config: RunConfig, params: HomogeneousParams) -> dict[str, str]:
        """Return the decisions in words.

        Parameters
        ----------
        config : RunConfig
            Settings, settled.
        params : HomogeneousParams
            The recipe's own.

        Returns
        -------
        dict of str to str
            Halves, limit, threshold, mask, volume, classes.
        """
        mask, start = config.mask, config.mask.start_resolution or DEFAULT_LOWPASS
        masks = {
            "none": "none",
            "dynamic": f"dynamic: {mask.threshold:g} of maximum, {mask.near:g} to {mask.far:g} A, from {start:g} A; "
            "a sphere before",
        }
        curve = "FSC" if mask.kind == "none" else "FSC under the mask, corrected by noise substitution"
        return {
            "halves": f"independent beyond {params.join_resolution:g} A" if params.join_resolution else "independent",
            "limit": f"gold-standard {curve}",
            "threshold": f"FSC {config.refine.limit_threshold:g}",
            "mask": masks.get(mask.kind, mask.kind),
            "volume": f"weighted by the FSC; sharpened: {params.sharpen.replace('_', ' ')}",
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
        mask = _mask_of(run, None, Reading(0.0, np.nan))
        start = volumes if mask is None else volumes * mask
        noise = np.stack([run.background_noise(run.members(half, which)) for which in (1, 2)])
        return State(0, run.backend.xp.stack([start, start], axis=1), None, first_limit(run), noise, half, mask=mask)

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
        # Every image looks at the reference of its own half; its best pose is kept.
        candidates, noise = align_apart(run, state)
        candidates = candidates.hard()
        sets = insert_half_sets(run, candidates, run.members(state.half, None), state.half)
        # The mask follows the map once it is good enough; the curve under it loses what the mask made.
        mask = _mask_of(run, sets, read_fsc(sets.fsc[0], threshold, length))
        curve = sets.fsc[0]
        if mask is not None:
            curve = mask_corrected_fsc(run, sets.half_map[0], curve, mask)
        reading = read_fsc(curve, threshold, length)
        limit = within(reading.shell, first_limit(run), run.sampling.max_index)
        # Joined at low resolution; past that each half keeps to itself, filtered by the curve and masked.
        joined = join(sets.half_map[0], sets.shell_weight[0], join_shell(length, run.params.join_resolution))
        reference = run.backend.xp.stack([_reference(half, curve, limit, mask) for half in joined])
        after = dataclasses.replace(
            state,
            iteration=state.iteration + 1,
            reference=reference[None],
            limit=limit,
            noise=noise,
            candidates=candidates,
            half_map=sets.half_map,
            shell_weight=sets.shell_weight,
            fsc=curve[None],
            claimed=np.array([reading.claimed]),
            mask=mask,
            aligned_to=state.limit,
            note=notes_of_halves(run, reading),
        )
        return with_stillness(state, after, run.config.imaging.symmetry)

    def shown(self, run: Any, state: State) -> tuple[Any, str]:
        """Return the map that a person would be shown: sharpened, if its B factor deserves it.

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
            Whether it was sharpened, and why.
        """
        sampling, fsc = run.sampling, state.fsc[0]
        density = run.on_backend(state.half_map[0]).mean(axis=0, dtype=np.float32)
        length, nyquist = sampling.field_of_view, sampling.particle_nyquist * sampling.field_of_view
        reading = read_fsc(fsc, 0.143, length)
        held = np.flatnonzero(np.isfinite(fsc))
        last = float(held[held <= nyquist + 1e-6].max()) if held.size else 1.0
        fraction = 1.0 if state.mask is None else kept_fraction(state.mask)
        operators = len(symmetry_operators(run.config.imaging.symmetry))
        independent = independent_coefficients(density.shape[0], operators, fraction)
        fine = end_of_fit(length, length / reading.claimed, nyquist, last)
        b_factor, decision = b_factor_to_apply(fit_map(density, fsc, independent, length, fine), run.params.sharpen)
        return sharpened_map(density, signal_weight(fsc), b_factor, length, reading.shell or last)[None], decision


def _mask_of(run: Any, sets: HalfSets | None, reading: Reading) -> Any:
    """Return the mask: what the settings ask for once the map has reached its start, a sphere before; None for none."""
    settings, sampling = run.config.mask, run.sampling
    if run.mask is not None:
        return run.on_backend(run.mask)
    if settings.kind == "none":
        return None
    start = settings.start_resolution or DEFAULT_LOWPASS
    if sets is None or reading.shell < sampling.field_of_view / start:
        return particle_sphere(run)
    smooth = weighted_map(half_transform(sets.mean[0]), signal_weight(sets.fsc[0]), reading.shell)
    return make_mask(smooth, sampling.voxel_size, settings, start)


def _reference(half: Any, curve: np.ndarray, limit: float, mask: Any) -> Any:
    """Return a half map as the next reference: the part of it that is signal, up to the limit, under the mask."""
    kept = weighted_map(half_transform(half), np.clip(np.nan_to_num(curve), 0.0, 1.0), limit + 1.0)
    return kept if mask is None else kept * mask


RECIPE = Homogeneous()
