"""The Guinier plot: how fast the amplitudes fall, and whether a B factor may be read from them."""

import dataclasses
from typing import Any

import numpy as np
import xarray as xr

from ..config import RunConfig
from ..curve_verdict import b_factor_verdict
from ..imaging.bands import MEASURED
from ..imaging.fourier import half_transform
from ..imaging.guinier import GuinierFit, counting_error, fit_guinier, weighted_log_amplitude
from ..imaging.sharpening import end_of_fit
from ..imaging.shells import shell_amplitude
from ..knobs import knob
from ..schema import SAMPLING, Field, Kind, build, declare
from .fsc import Curves, FscOptions, Progress, correlate, describe, options_of
from .half_maps import HalfMaps, take_half_maps

FIT = {
    "log_amplitude": Field(("frequency",)),
    "log_amplitude_original": Field(("frequency",)),
    "fit": Field(("frequency",)),
    "slope": Field((), "angstrom^2"),
    "slope_relion": Field((), "angstrom^2"),
    "intercept": Field(()),
    "b_factor": Field((), "angstrom^2"),
    "b_factor_low": Field((), "angstrom^2"),
    "b_factor_high": Field((), "angstrom^2"),
    "b_factor_masked": Field((), "angstrom^2"),
    "reliable": Field(()),
}
"""Variables of a Guinier fit: log_amplitude is ln(F sqrt(2 FSC / (1 + FSC))), fit is NaN outside the fitted range;
b_factor_masked is what amplitudes under the mask give, with the same curve and range."""

FIT_SCALARS = {"fit_coarse": "angstrom", "fit_fine": "angstrom", "n_shells": "1"}
"""Where the fit begins, the finest shell in it, and how many shells it holds."""

GUINIER = declare(
    Kind("cryonb/guinier", {**FIT, "band": Field(("frequency",))}, {**SAMPLING, **FIT_SCALARS, "data_end": "angstrom"})
)


@dataclasses.dataclass(frozen=True)
class GuinierOptions(FscOptions):
    """Settings of a Guinier fit."""

    modified: bool = knob(False, help="Also compute the modified FSC under the mask; the fit does not need it.")
    amplitudes: str = knob(
        "unmasked",
        help="Amplitudes of the unmasked map, as RELION takes them, or of the masked one, which its FSC belongs to.",
        choices=("unmasked", "masked"),
    )
    fit_coarse: float = knob(10.0, help="The fit begins here.", unit="angstrom", minimum=0.0)
    fit_fine: float = knob(
        0.0,
        help="The fit ends here; 0 = the coarser of the 0.143 crossing and the particle Nyquist.",
        unit="angstrom",
        minimum=0.0,
    )


@dataclasses.dataclass(frozen=True)
class GuinierPlot:
    """A Guinier plot and the line through it.

    Attributes
    ----------
    amplitude : ndarray, (shells,), float64
        Mean amplitude of the map that is fitted, divided by n^3 and by the detector's transfer function.
    unmasked : ndarray, (shells,), float64
        The same of the unmasked mean map.
    fsc : ndarray, (shells,), float64
        The best correlation curve, on all shells.
    fit : GuinierFit
        The line.
    masked_b_factor : float
        B factor of the amplitudes under the mask; NaN without a mask [angstrom^2].
    coarse, fine : float
        Where the fit begins, and the finest shell in it; where it ends if fewer than three shells are there [angstrom].
    """

    amplitude: np.ndarray
    unmasked: np.ndarray
    fsc: np.ndarray
    fit: GuinierFit
    masked_b_factor: float
    coarse: float
    fine: float


def plot_amplitudes(halves: HalfMaps, curves: Curves, options: GuinierOptions, mtf: Any = 1.0) -> GuinierPlot:
    """Return the Guinier plot of two half maps, with its line.

    Parameters
    ----------
    halves : HalfMaps
        The maps.
    curves : Curves
        Their correlation.
    options : GuinierOptions
        Range of the fit.
    mtf : float or ndarray, (shells,), float64, optional
        Modulation transfer function of the detector that the amplitudes are divided by.

    Returns
    -------
    GuinierPlot
        Amplitudes and fit.

    Notes
    -----
    sqrt(2 FSC / (1 + FSC)) takes the noise out of the amplitudes of the map that the FSC was computed from. RELION puts
    the masked curve on the unmasked map, whose solvent noise then stays in and makes the B factor too small. Its
    convention is the default here, and the B factor of the masked map is always reported beside it.
    """
    fsc = curves.values[curves.best]
    fine = options.fit_fine or finest(halves, curves)
    unmasked = _amplitude(halves.mean) / mtf
    masked = None if halves.mask is None else _amplitude(halves.mean * halves.mask) / mtf

    def fit(amplitude: np.ndarray) -> GuinierFit:
        logarithm = np.where(curves.held, weighted_log_amplitude(amplitude, fsc), np.nan)
        error = counting_error(fsc, curves.independent(curves.best))
        frequency = np.arange(fsc.size) / halves.sampling.length
        return fit_guinier(frequency, logarithm, error, options.fit_coarse, fine)

    amplitude = masked if options.amplitudes == "masked" and masked is not None else unmasked
    masked_b_factor = float("nan") if masked is None else fit(masked).b_factor
    fitted = fit(amplitude)
    if fitted.used.sum() > 2:
        fine = halves.sampling.length / int(np.flatnonzero(fitted.used).max())
    return GuinierPlot(amplitude, unmasked, fsc, fitted, masked_b_factor, options.fit_coarse, fine)


def _amplitude(density: np.ndarray) -> np.ndarray:
    return shell_amplitude(half_transform(density)) / density.size


def finest(halves: HalfMaps, curves: Curves) -> float:
    """Return where a Guinier fit has to end.

    Parameters
    ----------
    halves : HalfMaps
        The maps.
    curves : Curves
        Their correlation.

    Returns
    -------
    float
        The coarsest of the 0.143 crossing, the particle Nyquist and the last measured shell [angstrom].
    """
    sampling = halves.sampling
    last = int(np.flatnonzero(curves.band == MEASURED).max())
    return end_of_fit(sampling.length, curves.crossings(curves.best)[0], sampling.nyquist_shell, last)


def describe_fit(plot: GuinierPlot, curves: Curves, frequency: np.ndarray) -> tuple[dict, dict]:
    """Return the variables and scalars of a Guinier plot, for a Dataset.

    Parameters
    ----------
    plot : GuinierPlot
        The plot.
    curves : Curves
        The curves behind it.
    frequency : ndarray, (shells,), float64
        Spatial frequency [1/angstrom].

    Returns
    -------
    variables : dict of str to array
        Those of `FIT`.
    scalars : dict of str to float
        Those of `FIT_SCALARS`.
    """
    fit = plot.fit
    original = weighted_log_amplitude(plot.amplitude, np.ones(frequency.size))
    variables = {
        "log_amplitude": np.where(curves.held, weighted_log_amplitude(plot.amplitude, plot.fsc), np.nan),
        "log_amplitude_original": np.where(curves.held, original, np.nan),
        "fit": np.where(fit.used, fit.slope * frequency**2 + fit.intercept, np.nan),
        "slope": fit.slope,
        "slope_relion": 4.0 * fit.slope,
        "intercept": fit.intercept,
        "b_factor": fit.b_factor,
        "b_factor_low": fit.b_factor_low,
        "b_factor_high": fit.b_factor_high,
        "b_factor_masked": plot.masked_b_factor,
        "reliable": fit.reliable,
    }
    return variables, {"fit_coarse": plot.coarse, "fit_fine": plot.fine, "n_shells": int(fit.used.sum())}


def verdict(plot: GuinierPlot) -> str:
    """Return what a Guinier plot says: the B factor with its interval, and whether it may be used.

    Parameters
    ----------
    plot : GuinierPlot
        The plot.

    Returns
    -------
    str
        One or two sentences, in angstrom^2.
    """
    fit = plot.fit
    return b_factor_verdict(fit.b_factor, fit.b_factor_low, fit.b_factor_high, bool(fit.reliable), fit.reason)


class GuinierDiagnostic:
    """B factor of half maps, with its interval and whether to believe it."""

    name = "guinier"
    title = "Guinier plot"
    accepts = ("cryonb/volume", "cryonb/refinement")
    options = GuinierOptions

    def compute(self, dataset: xr.Dataset, options: GuinierOptions, config: RunConfig, mask: Any, progress: Progress):
        """Return the plot and its fit as a Dataset of kind ``cryonb/guinier``.

        Parameters
        ----------
        dataset : xarray.Dataset
            Half maps, or a refinement.
        options : GuinierOptions
            Settings.
        config : RunConfig
            Mask settings, symmetry and seed.
        mask : ndarray, xarray.Dataset or None
            A mask that was given.
        progress : callable
            Called with the fraction done and a text.

        Returns
        -------
        xarray.Dataset
            Kind ``cryonb/guinier``; ``attrs["reason"]`` says why the B factor is reliable, or why not, and
            ``attrs["verdict"]`` all of it.
        """
        halves = take_half_maps(dataset, config.mask, mask, **options_of(options))
        curves = correlate(halves, options, config, progress)
        about, coordinates = describe(halves, curves)
        plot = plot_amplitudes(halves, curves, options)
        variables, scalars = describe_fit(plot, curves, coordinates["frequency"])
        for name in ("fsc_kind", "threshold", "randomisation_resolution"):
            del coordinates[name]
        attrs = {"reason": plot.fit.reason, "fsc_kind": curves.best, "verdict": verdict(plot)}
        return build(GUINIER, {**variables, "band": about["band"]}, {**coordinates, **scalars}, attrs)


DIAGNOSTIC = GuinierDiagnostic()
