"""The Guinier plot: how fast the amplitudes fall, and whether a B factor may be read from them."""

from ..schema import SAMPLING, Field, Kind, declare

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
    "reliable": Field(()),
}
"""Variables of a Guinier fit: log_amplitude is ln(F sqrt(2 FSC / (1 + FSC))), fit is NaN outside the fitted range."""

FIT_SCALARS = {"fit_coarse": "angstrom", "fit_fine": "angstrom", "n_shells": "1"}
"""Where the fit begins and ends, and how many shells it holds."""

GUINIER = declare(
    Kind("cryonb/guinier", {**FIT, "band": Field(("frequency",))}, {**SAMPLING, **FIT_SCALARS, "data_end": "angstrom"})
)
