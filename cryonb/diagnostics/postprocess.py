"""Postprocessing: the map that a person looks at, with what RELION would have decided beside our decision."""

import dataclasses
import math
from typing import Any

import numpy as np
import xarray as xr

from ..config import MaskConfig, RunConfig
from ..errors import must
from ..imaging.fourier import half_transform
from ..imaging.guinier import weighted_log_amplitude
from ..imaging.sharpening import CHOICES, b_factor_to_apply, signal_weight, weighted_map
from ..knobs import knob
from ..schema import FSC, SAMPLING, Field, Kind, build, declare, grid_coordinates
from .fsc import Curves, Progress, correlate, describe, options_of, verdict
from .guinier import FIT, FIT_SCALARS, GuinierOptions, GuinierPlot, describe_fit, plot_amplitudes
from .half_maps import HalfMaps, take_half_maps

POSTPROCESS = declare(
    Kind(
        "cryonb/postprocess",
        {
            "sharpened": Field(("z", "y", "x"), required=True),
            "unsharpened": Field(("z", "y", "x"), required=True),
            "mask": Field(("z", "y", "x")),
            **FSC.variables,
            **FIT,
            "weight": Field(("frequency",)),
            "mtf": Field(("frequency",)),
            "b_factor_used": Field((), "angstrom^2"),
            "relion_resolution": Field((), "angstrom"),
            "relion_b_factor": Field((), "angstrom^2"),
        },
        {**SAMPLING, **FSC.scalars, **FIT_SCALARS, "lowpass": "angstrom"},
    )
)


@dataclasses.dataclass(frozen=True)
class PostprocessOptions(GuinierOptions):
    """Settings of postprocessing.

    Attributes
    ----------
    mtf : pair of array_like, or None
        Measured modulation transfer function: frequencies [1/detector pixel] and values; it wins over
        `mtf_half_nyquist`.
    """

    sharpen: str = knob(
        "if_reliable",
        help="Whether the B factor of the Guinier fit is applied.",
        choices=CHOICES,
    )
    lowpass: float = knob(
        0.0, help="Low-pass of both maps; 0 = the resolution, or the data end.", unit="angstrom", minimum=0.0
    )
    mtf_half_nyquist: float = knob(
        1.0, help="Detector MTF at half its Nyquist, of a Gaussian fall-off; 1 = a flat MTF.", minimum=0.05, maximum=1.0
    )
    mtf_pixel_size: float = knob(
        0.0, help="Pixel size of the detector on the specimen; 0 = the voxel size.", unit="angstrom", minimum=0.0
    )
    mtf: Any = None


def detector_mtf(frequency: np.ndarray, options: PostprocessOptions, voxel_size: float) -> np.ndarray:
    """Return the modulation transfer function of the detector on every shell.

    Parameters
    ----------
    frequency : ndarray, (shells,), float64
        Spatial frequency [1/angstrom].
    options : PostprocessOptions
        The function: a table, or its value at half of Nyquist.
    voxel_size : float
        Voxel size [angstrom], taken for the detector's pixel where that is not given.

    Returns
    -------
    ndarray, (shells,), float64
        Values in (0, 1]. Without a table, v^((f / f_half)^2), a Gaussian with the value v at half of Nyquist.

    Raises
    ------
    InputError
        If the table is not two rising, positive columns.
    """
    cycles = frequency * (options.mtf_pixel_size or voxel_size)
    if options.mtf is None:
        return options.mtf_half_nyquist ** ((cycles / 0.25) ** 2)
    table = [np.asarray(column, dtype=np.float64) for column in options.mtf]
    fits = len(table) == 2 and table[0].ndim == 1 and table[0].shape == table[1].shape and table[0].size > 1
    must(fits, "mtf must be two columns of equal length", "something else", "Give frequencies and values")
    rising = bool((np.diff(table[0]) > 0).all() and (table[1] > 0).all())
    must(rising, "mtf must have rising frequencies and positive values", "other numbers", "Sort the table")
    return np.interp(cycles, *table)


@dataclasses.dataclass(frozen=True)
class RelionDecision:
    """What RELION's postprocessing would have concluded from the same curves.

    Attributes
    ----------
    resolution : float
        The last shell before the corrected FSC falls below 0.143, or the last shell there is [angstrom].
    b_factor : float
        Four times the slope of an unweighted fit from 10 A to that resolution, the opposite of our sign [angstrom^2].
    n_shells : int
        Shells in that fit.
    """

    resolution: float
    b_factor: float
    n_shells: int


def decide_like_relion(plot: GuinierPlot, length: float) -> RelionDecision:
    """Return what RELION would have decided, data or no data.

    Parameters
    ----------
    plot : GuinierPlot
        Amplitudes and correlation on all shells.
    length : float
        Edge of the box [angstrom].

    Returns
    -------
    RelionDecision
        Resolution and B factor.
    """
    below = np.flatnonzero(np.nan_to_num(plot.fsc[1:]) < 0.143)
    last = max(int(below[0]) if below.size else plot.fsc.size - 1, 1)
    shell = np.arange(plot.fsc.size)
    logarithm = weighted_log_amplitude(plot.unmasked, plot.fsc)
    used = (shell >= length / 10.0) & (shell <= last) & np.isfinite(logarithm)
    slope = np.polyfit((shell[used] / length) ** 2, logarithm[used], 1)[0] if used.sum() > 2 else math.nan
    return RelionDecision(length / last, 4.0 * float(slope), int(used.sum()))


def _maps(halves: HalfMaps, curves: Curves, b_factor: float, mtf: np.ndarray, lowpass: float) -> dict:
    sampling = halves.sampling
    frequency = np.arange(sampling.size // 2 + 1) / sampling.length
    weight = signal_weight(np.where(curves.held, curves.values[curves.best], 0.0))
    sharp = weight * np.exp(b_factor * frequency**2 / 4.0) / mtf
    transform = half_transform(halves.mean)
    limit = sampling.length / lowpass
    return {
        "sharpened": weighted_map(transform, sharp, limit),
        "unsharpened": weighted_map(transform, weight, limit),
        "weight": weight,
        "mtf": mtf,
    }


def _relion_sentence(relion: RelionDecision) -> str:
    applied = f"apply its B factor of {relion.b_factor:.0f} A^2 (the opposite of our sign)"
    fitted = applied if np.isfinite(relion.b_factor) else "find no B factor"
    return f"RELION would report {relion.resolution:.3g} A and {fitted}, from {relion.n_shells} shells"


class PostprocessDiagnostic:
    """Mask, weight and sharpen a map, if its B factor deserves it."""

    name = "postprocess"
    title = "Postprocessing"
    accepts = ("cryonb/volume", "cryonb/refinement")
    options = PostprocessOptions

    def compute(
        self, dataset: xr.Dataset, options: PostprocessOptions, config: RunConfig, mask: Any, progress: Progress
    ):
        """Return the maps and the decisions as a Dataset of kind ``cryonb/postprocess``.

        Parameters
        ----------
        dataset : xarray.Dataset
            Half maps, or a refinement.
        options : PostprocessOptions
            Settings.
        config : RunConfig
            Mask settings, symmetry and seed; where there is no mask at all, a threshold mask is made.
        mask : ndarray, xarray.Dataset or None
            A mask that was given.
        progress : callable
            Called with the fraction done and a text.

        Returns
        -------
        xarray.Dataset
            Kind ``cryonb/postprocess``; the maps are not masked, `mask` stands beside them. ``attrs["verdict"]`` says
            what the curves say and whether the map was sharpened.
        """
        settings = config.mask
        if settings.kind in ("none", "file") and "mask" not in dataset:
            settings = MaskConfig(kind="threshold")
        halves = take_half_maps(dataset, settings, mask, **options_of(options))
        curves = correlate(halves, options, config, progress)
        about, coordinates = describe(halves, curves)
        frequency, voxel_size = coordinates["frequency"], halves.sampling.voxel_size
        mtf = detector_mtf(frequency, options, voxel_size)
        plot = plot_amplitudes(halves, curves, options, mtf)
        fitted, scalars = describe_fit(plot, curves, frequency)
        reached = np.isfinite(coordinates["resolution"])
        lowpass = options.lowpass or float(coordinates["resolution" if reached else "data_end"])
        used, decision = b_factor_to_apply(plot.fit, options.sharpen)
        relion = decide_like_relion(plot, halves.sampling.length)
        variables = {
            **_maps(halves, curves, used, mtf, lowpass),
            **about,
            **fitted,
            "mask": halves.mask,
            "b_factor_used": used,
            "relion_resolution": relion.resolution,
            "relion_b_factor": relion.b_factor,
        }
        grid = grid_coordinates(halves.sampling.size, voxel_size)
        attrs = {
            "verdict": f"{verdict(curves, coordinates)} {decision[0].upper()}{decision[1:]}.",
            "reason": plot.fit.reason,
            "decision": decision,
            "relion_decision": _relion_sentence(relion),
        }
        return build(POSTPROCESS, variables, {**coordinates, **grid, **scalars, "lowpass": lowpass}, attrs)


DIAGNOSTIC = PostprocessDiagnostic()
