"""What halves that shared a reference make up: the whole refinement again, on images that hold noise past a shell.

Noise that was aligned to one reference correlates between the halves as signal does. Where the images are replaced by
noise of the same power there is nothing left to find, and what the curve of the recipe still shows, the recipe made.
"""

import dataclasses
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from ..config import RunConfig
from ..imaging.mask_leak import SETTLED, correct_for_mask
from ..imaging.shells import crossing, n_coefficients
from ..knobs import Config, knob
from ..refine.iterate import refine
from ..schema import SAMPLING, Field, Kind, build, declare, shell_coordinates
from ..units import angstrom
from .substituted_run import substitution_shell, with_noise_from

CURVES = ("run", "substituted", "true")
"""Labels of the `curve` dimension: of the particles, of those with noise past the shell, and what is left as true."""

_LABELS = ("[class_id]", "curve")

NOISE_SUBSTITUTION = declare(
    Kind(
        "cryonb/noise_substitution",
        {
            "fsc": Field((*_LABELS, "frequency"), required=True),
            "fsc_resolution": Field(_LABELS, "angstrom"),
            "level": Field(_LABELS),
            "band": Field(("[class_id]", "frequency")),
        },
        {
            **SAMPLING,
            "substitution_resolution": "angstrom",
            "substitution_shell": "1",
            "alignment_limit": "angstrom",
            "alignment_limit_substituted": "angstrom",
        },
        dimensions={"curve": "1"},
    )
)
"""`level` is the mean of each curve, over the coefficients from two shells past the substitution to the limit of the
alignment."""

VISIBLE = 0.03
"""Mean correlation of noise from which on it is said to be made by the alignment, if it is beyond chance."""

ALL = 0.8
"""Share of a curve from which on all of it is said to be made up."""

SAME = 0.02
"""Two resolutions that differ by no more than this fraction are one."""


@dataclasses.dataclass(frozen=True)
class NoiseSubstitutionOptions(Config):
    """Settings of the noise substitution."""

    from_resolution: float = knob(
        0.0,
        help="Noise replaces all that is finer in the images; 0 = where the curve of the run falls to 0.8, or three "
        "quarters of the limit of its last alignment, whichever is coarser.",
        unit="angstrom",
        minimum=0.0,
    )


class NoiseSubstitutionDiagnostic:
    """What the halves of a refinement share that is not signal."""

    name = "noise_substitution"
    title = "What non-independent halves make up"
    accepts = ("cryonb/particles",)
    options = NoiseSubstitutionOptions
    takes_references = True

    def compute(
        self,
        dataset: xr.Dataset,
        options: NoiseSubstitutionOptions,
        config: RunConfig,
        mask: Any,
        progress: Any,
        references: Any = None,
    ):
        """Return the curves of two refinements as a Dataset of kind ``cryonb/noise_substitution``.

        Parameters
        ----------
        dataset : xarray.Dataset
            Kind cryonb/particles. Poses in it are read where the recipe reads them: a search of all views does not.
        options : NoiseSubstitutionOptions
            Where the noise begins.
        config : RunConfig
            Settings of the refinement; `config.refine.recipe` names whose.
        mask : ndarray, xarray.Dataset or None
            A mask of both refinements, in place of what the recipe would make.
        progress : callable
            Called with the fraction done and a text.
        references : xarray.Dataset, sequence of xarray.Dataset, or None
            Starting volumes of both refinements; None for the start that the recipe makes from the images.

        Returns
        -------
        xarray.Dataset
            Kind ``cryonb/noise_substitution``.

        Raises
        ------
        InputError
            If particles, settings or memory do not allow it.
        RunStopped
            If `progress` stopped it.

        Notes
        -----
        FSC_true = (FSC_t - FSC_n) / (1 - FSC_n) from two shells past the substitution, FSC_t before, with FSC_t the
        curve between the unmasked half maps of the run and FSC_n that of the run on substituted images. The second
        run has the settings, the starting volumes and the seed of the first, so that it takes the same decisions
        from what it sees.

        References
        ----------
        Chen et al. (2013), doi:10.1016/j.ultramic.2013.06.004
        """
        run = refine(dataset, references, config, mask=mask, progress=partial(_part, progress, 0.0, "the particles"))
        length = float(run["box_size"]) * float(run["voxel_size"])
        shell = substitution_shell(_curves(run), length, options.from_resolution, _alignment_limit(run))
        noisy = with_noise_from(dataset, shell, config.compute.seed)
        told = partial(_part, progress, 0.5, "noise past the shell")
        noise = refine(noisy, references, config, mask=mask, progress=told)
        progress(1.0, "noise substitution")
        return _labelled(run, noise, shell)


def _part(progress: Any, start: float, which: str, fraction: float, text: str) -> None:
    progress(start + 0.5 * fraction, f"{which}: {text}")


def _alignment_limit(run: xr.Dataset) -> float:
    return float(run.coords.get("alignment_limit", np.nan))


def _curves(run: xr.Dataset) -> np.ndarray:
    """Return the curves of a run, (classes, shells), float64."""
    return np.atleast_2d(run["fsc_unmasked"].transpose(..., "frequency").values.astype(np.float64))


def _labelled(run: xr.Dataset, noise: xr.Dataset, shell: int) -> xr.Dataset:
    size, voxel_size = int(run["box_size"]), float(run["voxel_size"])
    length = size * voxel_size
    limits = [_alignment_limit(found) for found in (run, noise)]
    pairs = list(zip(_curves(run), _curves(noise)))
    curves = np.stack([np.stack([own, other, correct_for_mask(own, other, shell)]) for own, other in pairs])
    count = n_coefficients(size)
    judged = [_judged(rows, shell, length, limits[0], count) for rows in curves]
    classes = run["class_id"].values if "class_id" in run["fsc_unmasked"].dims else None
    variables = {
        "fsc": curves,
        "fsc_resolution": np.array([resolution for resolution, _, _ in judged]),
        "level": np.array([level for _, level, _ in judged]),
    }
    if classes is None:
        variables = {name: values[0] for name, values in variables.items()}
    coords = {
        **shell_coordinates(size, voxel_size),
        "n_coefficients": count,
        "curve": list(CURVES),
        "class_id": classes,
        **{name: run[name].item() for name in SAMPLING if name in run.coords and run[name].ndim == 0},
        "substitution_shell": shell,
        "substitution_resolution": length / shell,
        "alignment_limit": limits[0],
        "alignment_limit_substituted": limits[1],
    }
    said = [words for _, _, words in judged]
    said = said if classes is None else [f"Class {number}: {words}" for number, words in zip(classes, said)]
    attributes = {name: run.attrs[name] for name in ("recipe", "limit", "kernel", "symmetry") if name in run.attrs}
    attributes["verdict"] = " ".join(said)
    return build(NOISE_SUBSTITUTION, {**variables, "band": run.get("band")}, coords, attributes)


def _judged(
    curves: np.ndarray, shell: int, length: float, limit: float, count: np.ndarray
) -> tuple[list[float], np.ndarray, str]:
    """Return where the curves of one class fall to 0.143, their levels past the substitution, and what that says."""
    held = np.isfinite(curves[0]) & (np.arange(curves.shape[1]) > 0)
    resolutions = [length / crossing(curve, 0.143, held & np.isfinite(curve)) for curve in curves]
    past = _past(curves, held, shell, length, limit)
    if not past.any():
        return resolutions, np.full(len(curves), np.nan), "no data past the shell from which the images hold noise."
    level = np.average(curves[:, past], axis=1, weights=count[past])
    chance = 3.0 / np.sqrt(count[past].sum())
    return resolutions, level, _verdict(level, past, resolutions, length, limit, chance=float(chance))


def _past(curves: np.ndarray, held: np.ndarray, shell: int, length: float, limit: float) -> np.ndarray:
    """Return the shells from two past the substitution to the limit of the alignment, or the end of the data."""
    number = np.arange(curves.shape[1])
    past = held & (number >= shell + SETTLED) & np.isfinite(curves).all(axis=0)
    within = past & (number <= length / limit + 1e-6) if limit > 0 else past
    return within if within.any() else past


def _verdict(
    level: np.ndarray, past: np.ndarray, resolutions: list[float], length: float, limit: float, *, chance: float
) -> str:
    shells = np.flatnonzero(past)
    coarse, fine = (angstrom(length / shell, "A") for shell in (shells[0], shells[-1]))
    reached = limit > 0 and shells[-1] >= int(length / limit + 1e-6)
    span = f"From {coarse} to {fine}" if len(shells) > 1 else f"At {fine}"
    where = f"{span}, {'the limit of the alignment' if reached else 'the end of the data'}"
    levels = f"the curve is {_two(level[0])} on average and that of noise in place of the images {_two(level[1])}"
    if level[1] <= max(VISIBLE, chance):
        return f"{where}, {levels}: the halves make nothing up."
    part = "all" if level[1] >= ALL * level[0] else f"{_two(level[0] - level[2])}"
    return f"{where}, {levels}: {part} of it is made up by halves that are not independent{_shift(resolutions)}."


def _shift(resolutions: list[float]) -> str:
    """Return where the curve falls to 0.143, and where it would without what was made up."""
    run, _, true = resolutions
    if not np.isfinite(true) or (np.isfinite(run) and abs(true - run) <= SAME * run):
        return ""
    own = f"at {angstrom(run, 'A')}" if np.isfinite(run) else "nowhere before the data end"
    return f"; the curve falls to 0.143 {own}, without it at {angstrom(true, 'A')}"


def _two(value: float) -> str:
    return f"{round(float(value), 2) + 0.0:.2f}"


DIAGNOSTIC = NoiseSubstitutionDiagnostic()
