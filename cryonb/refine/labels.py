"""Labels on: what a run found becomes a Dataset, the same for a reconstruction and for an iteration of a refinement."""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from ..backends import get_backend
from ..config import RunConfig
from ..errors import must
from ..imaging.bands import CORNER, MEASURED, Extent, classify, holds_data
from ..imaging.fourier import half_transform
from ..imaging.masks import make_mask, mask_diameter
from ..imaging.reconstruct import Reconstruction
from ..imaging.rotations import matrix_to_euler
from ..imaging.shells import crossing, fourier_shell_correlation, n_coefficients, shell_power
from ..imaging.symmetry import symmetry_operators
from ..provenance import stamp
from ..schema import HALVES, REFINEMENT, build, grid_coordinates, shell_coordinates
from .averaging import effective_size
from .candidates import Candidates
from .convergence import pose_change
from .run import Run
from .sampling import Sampling
from .state import State

BY_CLASS = ("half_map", "insertion_weight", "fsc_unmasked", "band", "noise_power", "signal_power")
OF_TABLE = ("rot", "tilt", "psi", "shift_y", "shift_x", "random_subset")


def labelled_reconstruction(
    particles: xr.Dataset,
    config: RunConfig,
    sampling: Sampling,
    results: list[list[Reconstruction]],
    mask: np.ndarray | None,
) -> xr.Dataset:
    """Return the half maps of particles with known poses as a Dataset.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles.
    config : RunConfig
        Settings.
    sampling : Sampling
        Boxes and frequencies.
    results : list of list of Reconstruction
        Both half maps of every class, on the host or on the backend.
    mask : ndarray, (n, n, n), float32, or None
        Mask that was given; else the settings may make one.

    Returns
    -------
    xarray.Dataset
        Kind cryonb/refinement.
    """
    inputs = [particles] if mask is None else [particles, mask]
    numbers = particles["class_id"].values if "class_posterior" in particles else None
    variables, coords = _of_maps(results, sampling, config, mask, numbers)
    remedy = "Check the CTF columns and the images"
    must(bool(coords.pop("held")), "some shell must hold data", "no weight anywhere", remedy)
    variables |= {name: particles[name].values for name in OF_TABLE}
    variables["class_posterior"] = particles["class_posterior"].values if numbers is not None else None
    coords["particle"] = particles["particle"].values
    run = build(REFINEMENT, variables, coords, {**_settings_in_words(config), **_notes(results)})
    return stamp(run, "reconstruct", config.as_dict(), inputs, config.science())


def labelled_iteration(
    particles: xr.Dataset, run: Run, recipe: Any, states: tuple[State, Candidates | None], inputs: Sequence = ()
) -> xr.Dataset:
    """Return one iteration of a refinement as a Dataset.

    Parameters
    ----------
    particles : xarray.Dataset
        Kind cryonb/particles: the order of the rows.
    run : Run
        Images and machinery.
    recipe : Recipe
        Whose decisions these are.
    states : tuple of State and Candidates or None
        The state after the iteration, on the host; and the poses before it.
    inputs : sequence, optional
        What the refinement started from, beside the particles.

    Returns
    -------
    xarray.Dataset
        Kind cryonb/refinement, its particles in the order of the table.

    Notes
    -----
    Transforms for the curves and for the map that is shown are made on the backend; a Dataset holds arrays of the host.
    """
    state, before = states
    config, sampling = run.config, run.sampling
    count = len(state.half_map)
    pairs = [[Reconstruction(*half) for half in zip(*both)] for both in zip(state.half_map, state.shell_weight)]
    numbers = np.arange(1, count + 1) if count > 1 else None
    mask = run.mask if state.mask is None else state.mask
    variables, coords = _of_maps(pairs, sampling, config, mask, numbers)
    coords.pop("held")
    shown, about = recipe.shown(run, state) if hasattr(recipe, "shown") else (state.half_map.mean(axis=1), "")
    claimed = np.full(count, np.nan) if state.claimed is None else np.asarray(state.claimed, np.float64)
    shown = np.asarray(run.backend.download(shown), np.float32)
    by_class = {"volume": shown, "limit_fsc": state.fsc, "claimed_resolution": claimed}
    by_class = {name: values for name, values in by_class.items() if values is not None}
    variables |= by_class if count > 1 else {name: values[0] for name, values in by_class.items()}
    back = np.argsort(np.argsort(particles["particle"].values, kind="stable"), kind="stable")
    variables |= {name: values[back] for name, values in _of_particles(run, state, before).items()}
    if count > 1:
        share = state.candidates.class_posterior
        variables |= {"class_posterior": share[back], "occupancy": share.mean(axis=0)}
        variables["effective_size"] = np.array([effective_size(column) for column in share.T])
    coords |= {
        "particle": particles["particle"].values,
        "iteration": state.iteration,
        "alignment_limit": _angstrom(sampling.field_of_view, state.aligned_to),
        "next_limit": _angstrom(sampling.field_of_view, state.limit),
        "resolution": float(np.nanmin([*claimed, np.inf])) if np.isfinite(claimed).any() else math.nan,
    }
    words = {
        "recipe": recipe.name,
        "decisions": json.dumps(recipe.decides(config, run.params)),
        "converged": "yes" if state.converged else "no",
        "note": state.note or _note(claimed, coords["data_end"]),
        "volume_note": about,
    }
    made = build(REFINEMENT, variables, coords, {**_settings_in_words(config), **{k: v for k, v in words.items() if v}})
    return stamp(made, "refine", config.as_dict(), [particles, *inputs], config.science())


def _of_particles(run: Run, state: State, before: Candidates | None) -> dict[str, np.ndarray]:
    """Return what an iteration says of every particle, in the order of the ids."""
    found, length = state.candidates, run.sampling.field_of_view
    rot, tilt, psi = matrix_to_euler(found.of_best("rotation"))
    shift = found.of_best("shift") * length
    angle, moved = np.full((2, len(found)), np.nan)
    if before is not None:
        angle, moved = pose_change(before, found, symmetry_operators(run.config.imaging.symmetry))
    return {
        **{"rot": rot, "tilt": tilt, "psi": psi, "shift_x": shift[:, 0], "shift_y": shift[:, 1]},
        **{name: found.of_best(name) for name in ("score", "scale")},
        "pose_weight": found.of_best("weight"),
        "angle_change": np.rad2deg(angle),
        "shift_change": moved * length,
        "random_subset": state.half,
        "class_number": found.class_posterior.argmax(axis=1) + 1,
    }


def _angstrom(length: float, shell: float) -> float:
    return length / shell if shell > 0 else math.nan


def _note(claimed: np.ndarray, data_end: float) -> str:
    crossed = np.isfinite(claimed).all()
    return "" if crossed else f"the curve does not cross before the data end at {data_end:.3g} A"


def _of_maps(
    results: list[list[Reconstruction]],
    sampling: Sampling,
    config: RunConfig,
    mask: np.ndarray | None,
    numbers: np.ndarray | None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the variables and coordinates that follow from half maps, and under `held` whether any shell has data."""
    data_limit = sampling.data_index / sampling.field_of_view
    extent = Extent(
        sampling.box_size, sampling.voxel_size, sampling.particle_nyquist, sampling.field_of_view, data_limit
    )
    classes = [_judged(halves, extent, get_backend(config.compute.backend)) for halves in results]
    resolution = np.nanmin([*(found["resolution"] for found in classes), np.inf])
    resolution = float(resolution) if np.isfinite(resolution) else np.nan
    if mask is None:
        mean = np.mean([found["half_map"].mean(axis=0) for found in classes], axis=0)
        mask = make_mask(mean, sampling.voxel_size, config.mask, float(np.nan_to_num(resolution)))
    if mask is not None:
        extent = dataclasses.replace(extent, particle_diameter=mask_diameter(mask, sampling.voxel_size))
    for found in classes:
        found["band"] = classify(holds_data(found["insertion_weight"]), extent)
    last = max((int(np.flatnonzero(found["held"]).max(initial=0)) for found in classes), default=0)
    variables: dict[str, Any] = {
        name: classes[0][name] if numbers is None else np.stack([found[name] for found in classes]) for name in BY_CLASS
    }
    coords = {
        "class_id": numbers,
        "half": np.array(HALVES),
        **grid_coordinates(sampling.box_size, sampling.voxel_size),
        **shell_coordinates(sampling.box_size, sampling.voxel_size),
        "n_coefficients": n_coefficients(sampling.box_size),
        **sampling.scalars,
        "pad_factor": 1.0 if config.box.kernel == "nufft" else config.box.pad_factor,
        "resolution": resolution,
        "data_limit": data_limit,
        "data_end": _angstrom(sampling.field_of_view, last),
        "held": all(found["held"].any() for found in classes),
    }
    return {**variables, "mask": mask}, coords


def _judged(halves: list[Reconstruction], extent: Extent, backend: Any) -> dict[str, Any]:
    """Return what both half maps of one class say, with the shells that hold data and the resolution."""
    maps = np.stack([backend.download(half.density) for half in halves])
    weight = np.stack([half.shell_weight for half in halves])
    held = np.isin(classify(holds_data(weight), extent), (MEASURED, CORNER))
    transforms = [half_transform(backend.upload(half.density)) for half in halves]
    fsc = np.where(held, fourier_shell_correlation(*transforms), np.nan)
    power = np.mean([shell_power(transform) for transform in transforms], axis=0) / n_coefficients(extent.size)
    signal = np.clip(np.nan_to_num(fsc), 0.0, 1.0) * power
    return {
        "half_map": maps,
        "insertion_weight": weight,
        "fsc_unmasked": fsc,
        "noise_power": power - signal,
        "signal_power": signal,
        "held": held,
        "resolution": extent.length / crossing(fsc, 0.143, held),
    }


def _settings_in_words(config: RunConfig) -> dict[str, str]:
    return {"limit": config.box.limit, "kernel": config.box.kernel, "symmetry": config.imaging.symmetry}


def _notes(results: list[list[Reconstruction]]) -> Mapping[str, str]:
    notes = [
        f"{f'class {number} ' if len(results) > 1 else ''}half {half}: {result.note}"
        for number, halves in enumerate(results, 1)
        for half, result in zip(HALVES, halves)
        if result.note
    ]
    return {"solver": "; ".join(notes)} if notes else {}
