# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How do I add a judgement of my own?
#
# With one file. Here is one that cryonb does not have: *how many more particles would a better resolution take?* It
# is written below, plugged in while the notebook runs, asked, and held against the truth. From then on it is a
# diagnostic like all others: by name, as a method, as a figure, on the command line, and as a tab of the app.
#
# ![Two graphs of one pair of half maps, over spatial frequency. Above, the signal-to-noise ratio of the shells falls,
# and at 10 angstrom it lies well below the line that is needed. Below, the measured FSC curve, and the curve that is
# predicted with 3.9 times as many particles, which falls to 0.5 at 10 angstrom.](figures/08_write_a_diagnostic.png)

# %%
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import cryonb as cn
from cryonb.errors import CryonbError

FOLDER = tempfile.TemporaryDirectory()
os.chdir(FOLDER.name)  # what is written here is written into a folder that goes away again

N_PARTICLES = 600
TIMES = 4  # as many particles, to hold the prediction against
BOX_SIZE, PIXEL_SIZE = 48, 4.0  # pixels, and angstrom a pixel
SNR = 0.006  # signal over noise in the images
TARGET, THRESHOLD = 10.0, 0.5  # what is asked for: this FSC at this resolution [angstrom]
SEED = 0

# %% [markdown]
# ## What is judged
#
# In a shell of Fourier space the mean of both half maps holds signal and noise. Their ratio in power is the
# **spectral signal-to-noise ratio** (SSNR), and the Fourier shell correlation of the halves (FSC) gives it away:
# $\mathrm{SSNR} = 2\,\mathrm{FSC} / (1 - \mathrm{FSC})$. Noise averages out, so that with $k$ times as many
# particles, just as good and just as well aligned, the SSNR is $k$ times as large. Turn the first formula round, and
# every shell says how many times as many particles would lift it to a threshold.
#
# ## The file
#
# It has five parts, and every diagnostic of cryonb has the same five:
#
# 1. the **kind** of Dataset that it returns, declared with dimensions and units;
# 2. its **options**, each a *knob* with unit, bounds and a sentence of help: flags and checks are made of them;
# 3. the numbers, in plain NumPy;
# 4. the **diagnostic** itself: name, title, what it accepts, and `compute`; what cannot work is refused by `must`;
# 5. its **figure**, made of plain marks: curves, lines, words. cryonb draws them.

# %%
# %%writefile more_particles.py
"""How many more particles a resolution takes: the signal-to-noise ratio of every shell, and what it would become."""

import dataclasses
import math
from typing import Any

import numpy as np
import xarray as xr

from cryonb.config import RunConfig
from cryonb.diagnostics.fsc import FscOptions, Progress, correlate, describe, options_of
from cryonb.diagnostics.half_maps import take_half_maps
from cryonb.errors import must
from cryonb.knobs import knob
from cryonb.plots import wording
from cryonb.plots.frequency import X_LABEL, limits, nyquist_lines, threshold_lines
from cryonb.plots.marks import BLUE, GREEN, Area, Curve, Line, Panel, Points, Row, Sheet
from cryonb.schema import SAMPLING, Field, Kind, build, declare
from cryonb.units import angstrom

CONFIDENT = 1.96
"""Standard errors on either side of a value within which it lies with 95 % confidence."""

FLOOR, CEILING = 0.02, 1e3
"""Ends of the axis of signal-to-noise ratios."""

CURVES = ("ssnr", "ssnr_low", "ssnr_high", "times_needed", "measured", "predicted", "band")
NUMBERS = {"target": "angstrom", "times": "1", "times_low": "1", "times_high": "1", "ssnr_needed": "1"}
KIND = declare(
    Kind(
        "cryonb/more_particles",
        dict.fromkeys(CURVES, Field(("frequency",))),
        {**SAMPLING, **NUMBERS},
    )
)
"""What is returned: curves over the shells, and the answer for one resolution."""


@dataclasses.dataclass(frozen=True)
class MoreParticlesOptions(FscOptions):
    """Settings of the question."""

    modified: bool = knob(False, help="Also compute the modified FSC under the mask; the answer does not need it.")
    target: float = knob(
        0.0, help="Resolution that is asked for; 0 = the finest that the grid holds.", unit="angstrom", minimum=0.0
    )
    threshold: float = knob(0.143, help="Half-map FSC that counts as resolved.", minimum=0.01, maximum=0.9)
    times: float = knob(
        0.0, help="Predict the curve of this many times as many particles; 0 = what the target takes.", minimum=0.0
    )


def signal_to_noise(fsc: np.ndarray) -> np.ndarray:
    """Return the signal-to-noise ratio of the mean of two half maps.

    Parameters
    ----------
    fsc : ndarray, (shells,), float64
        Correlation of the half maps.

    Returns
    -------
    ndarray, (shells,), float64
        2 FSC / (1 - FSC); NaN where the correlation is not positive, or not below 1.
    """
    good = (fsc > 0) & (fsc < 1)
    return np.where(good, 2.0 * fsc / np.where(good, 1.0 - fsc, 1.0), np.nan)


def interval(fsc: np.ndarray, independent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return between which values a correlation lies, with 95 % confidence.

    Parameters
    ----------
    fsc : ndarray, float64
        Correlations.
    independent : ndarray, float64
        Independent coefficients behind each of them.

    Returns
    -------
    low, high : ndarray, float64
        The interval, by Fisher's transform, whose error does not depend on the correlation.
    """
    middle = np.arctanh(np.clip(fsc, -0.9999, 0.9999))
    half_width = CONFIDENT / np.sqrt(np.maximum(independent, 1.0))
    return np.tanh(middle - half_width), np.tanh(middle + half_width)


def finest(halves: Any, target: float) -> float:
    """Return the resolution that is asked for; refuse one that no number of particles reaches.

    Parameters
    ----------
    halves : HalfMaps
        The maps; of their particles the pixel size may be known.
    target : float
        What was asked for; 0 for the finest that there is [angstrom].

    Returns
    -------
    float
        A resolution [angstrom].

    Raises
    ------
    InputError
        If it is past a Nyquist frequency.
    """
    end = 1.0 / min(halves.scalars[name] for name in ("particle_nyquist", "grid_nyquist") if name in halves.scalars)
    rule = "target must not be finer than the pixels hold, whatever the number of particles [angstrom]"
    must(target == 0 or target >= end, rule, f"{target:g}", f"Use {angstrom(end)} or coarser, or finer pixels")
    return target or end


class MoreParticles:
    """How many more particles a resolution takes."""

    name = "more_particles"
    title = "How many more particles"
    accepts = ("cryonb/volume", "cryonb/refinement")
    options = MoreParticlesOptions

    def compute(
        self, dataset: xr.Dataset, options: MoreParticlesOptions, config: RunConfig, mask: Any, progress: Progress
    ) -> xr.Dataset:
        """Return the answer as a Dataset of kind ``cryonb/more_particles``.

        Parameters
        ----------
        dataset : xarray.Dataset
            Half maps, or a refinement.
        options : MoreParticlesOptions
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
            NaN where a shell holds no signal to go by; ``attrs["verdict"]`` says it in a sentence.
        """
        halves = take_half_maps(dataset, config.mask, mask, **options_of(options))
        target = finest(halves, options.target)
        curves = correlate(halves, options, config, progress)
        about, coordinates = describe(halves, curves)
        coordinates = {name: value for name, value in coordinates.items() if name not in ("fsc_kind", "threshold")}
        del coordinates["randomisation_resolution"]
        fsc = np.where(curves.held, curves.values[curves.best], np.nan)
        independent = curves.independent(curves.best)
        ssnr, low, high = map(signal_to_noise, (fsc, *interval(fsc, independent)))
        needed = float(signal_to_noise(np.array(options.threshold)))
        answer = needed / self.at(round(halves.sampling.length / target), fsc, independent)
        times = options.times or answer[0]
        variables = dict(ssnr=ssnr, ssnr_low=low, ssnr_high=high, times_needed=needed / ssnr, band=about["band"])
        variables |= dict(measured=fsc, predicted=times * ssnr / (times * ssnr + 2.0))
        numbers = dict(zip(NUMBERS, (target, *answer, needed)))
        attrs = {"verdict": sentence(target, options.threshold, answer), "predicted_for": f"{times:.2g}"}
        return build(KIND, variables, {**coordinates, **numbers}, attrs)

    def at(self, shell: int, fsc: np.ndarray, independent: np.ndarray) -> np.ndarray:
        """Return the signal-to-noise ratio of a shell and its neighbours, with the ends of its interval.

        Parameters
        ----------
        shell : int
            The shell.
        fsc, independent : ndarray, (shells,), float64
            Correlation of every shell, and the independent coefficients behind it.

        Returns
        -------
        ndarray, (3,), float64
            The ratio, its upper and its lower end.
        """
        near = slice(max(shell - 1, 1), shell + 2)
        mean = np.average(fsc[near], weights=independent[near])
        low, high = interval(mean, independent[near].sum())
        return signal_to_noise(np.array([mean, high, low]))


def sentence(target: float, threshold: float, answer: np.ndarray) -> str:
    """Return the answer in words.

    Parameters
    ----------
    target : float
        Resolution [angstrom].
    threshold : float
        What counts as resolved.
    answer : ndarray, (3,), float64
        How many times as many particles, and its interval; NaN where it is not known.

    Returns
    -------
    str
        One sentence.
    """
    times, low, high = answer
    if not math.isfinite(times):
        return f"There is no signal to go by at {angstrom(target)}: no number of particles can be stated."
    interval = f"{low:.2g} to {high:.2g}" if math.isfinite(high) else f"{low:.2g} or more"
    if times <= 1:
        return f"The particles suffice for an FSC of {threshold:g} at {angstrom(target)}: {times:.2g} of them would do."
    return (
        f"An FSC of {threshold:g} at {angstrom(target)} takes {times:.2g} times as many particles (95 %: {interval}), "
        "if they are as good and are aligned as well."
    )


def sheet(dataset: xr.Dataset) -> Sheet:
    """Return the figure of a Dataset of kind ``cryonb/more_particles``.

    Parameters
    ----------
    dataset : xarray.Dataset
        The answer.

    Returns
    -------
    Sheet
        The signal-to-noise ratio of every shell; below it the curve that is measured, and the one to come.
    """
    x, ends = dataset["frequency"].values, limits(dataset)
    ssnr, low, high = (dataset[name].values for name in ("ssnr", "ssnr_low", "ssnr_high"))
    needed, target = float(dataset["ssnr_needed"]), float(dataset["target"])
    ratio = (
        Area(x, np.nan_to_num(low, nan=FLOOR), np.nan_to_num(high, nan=FLOOR), "interval", "95 %", BLUE),
        Curve(x, ssnr, "ssnr", "measured"),
        Line(needed, "needed", f"needed {needed:.2g}", "y"),
        Points(np.array([1 / target]), np.array([needed]), "target", f"asked for: {angstrom(target, 'Å')}", GREEN),
        *nyquist_lines(dataset),
    )
    curves = (
        Curve(x, dataset["measured"].values, "measured", "measured"),
        Curve(x, dataset["predicted"].values, "predicted", f"{dataset.attrs['predicted_for']} × as many", GREEN, "--"),
        *threshold_lines(),
        *nyquist_lines(dataset, names=""),
    )
    top = Panel(ratio, "", "", "", "signal-to-noise ratio", ends, (FLOOR, CEILING), "frequency", "log")
    bottom = Panel(curves, "", "", X_LABEL, "Fourier shell correlation", ends, (-0.1, 1.1), "frequency")
    verdict = wording.sentence(dataset.attrs["verdict"])
    words = f"Signal-to-noise ratio and FSC of every shell, measured and predicted. {verdict}"
    rows = (Row((top,), 2.8, "right", "SSNR"), Row((bottom,), 2.8, "right", "FSC"))
    return Sheet(rows, MoreParticles.title, verdict, wording.settings_line(dataset), words, aligned=True)


DIAGNOSTIC = MoreParticles()
PLOTS = {"cryonb/more_particles": sheet}

# %% [markdown]
# ## Plug it in, and ask
#
# The particles are made here, so that the truth is known: 2,400 of them, of which a quarter is used at first.
# *Predict*: the FSC of that quarter is about 0.2 at 10 Å. How many times as many particles will lift it to 0.5 there?
# (The formula above turns 0.2 into an SSNR of 0.5, and 0.5 into one of 2.)

# %%
print("Plugged in:", ", ".join(cn.plug_in("more_particles.py")))
size = dict(box_size=BOX_SIZE, pixel_size=PIXEL_SIZE)
particles = cn.simulate("helices", n_particles=TIMES * N_PARTICLES, snr=SNR, seed=SEED, **size)
some = particles.isel(particle=slice(N_PARTICLES))
halves = cn.reconstruct(some, box=dict(pad_factor=1), mask=dict(kind="dynamic", start_resolution=15.0))

answer = cn.diagnose(halves, "more_particles", target=TARGET, threshold=THRESHOLD)
assert answer.equals(halves.cryo.more_particles(target=TARGET, threshold=THRESHOLD))  # the same, as a method
answer.attrs["verdict"]

# %% tags=["answer"]
cn.draw(answer)

# %% [markdown]
# ## Is it true?
#
# A judgement is worth what it has been held against. *Predict*: where will the curve of four times as many particles
# fall to 0.5? Here are all 2,400 particles, reconstructed in the same way and under the same mask, beside what the
# file predicts for four times as many.

# %%
predicted = halves.cryo.more_particles(target=TARGET, threshold=THRESHOLD, times=TIMES)
shown = np.isfinite(predicted["predicted"].values)
np.savetxt("predicted.txt", np.column_stack([predicted["frequency"][shown], predicted["predicted"][shown]]))
curve = dict(modified=False, mask=halves)
fsc = {
    "600 particles": cn.diagnose(halves, "fsc", **curve),
    "2,400, predicted": cn.open_curve("predicted.txt", "corrected"),
    "2,400, measured": cn.diagnose(cn.reconstruct(particles, box=dict(pad_factor=1)), "fsc", **curve),
}
cn.overlay(cn.compare({label: one.sel(fsc_kind=["corrected"]) for label, one in fsc.items()}))

# %% [markdown]
# The measured curve falls to 0.5 at 9.7 Å; 10 Å was asked for. Such an agreement is no law. It needs particles that
# go on being as good, and poses that go on being as right; and without padding, as here, even few particles fill the
# grid.
#
# ## What cannot work is refused
#
# None of these sentences had to be written but the first. Bounds, names and kinds are checked by what the file
# declares.


# %%
def refused(**given):
    try:
        cn.diagnose(**{"dataset": halves, "name": "more_particles", **given})
    except CryonbError as problem:
        return str(problem)


wrong = [dict(target=3.0), dict(threshold=1.5), dict(treshold=0.5), dict(dataset=some), dict(name="more_particle")]
print("\n\n".join(refused(**given) for given in wrong))

# %% [markdown]
# ## Edit it, and plug it in again
#
# Let 0.5 be what counts when nothing is said. Change the file in any editor, and plug it in again: the new version
# takes the place of the old one, in this session, and the record of every result says which version made it.

# %%
file = Path("more_particles.py")
file.write_text(file.read_text().replace("knob(0.143,", "knob(0.5,"))
cn.plug_in(file)
edited = halves.cryo.more_particles(target=TARGET)
assert edited.attrs["verdict"] == answer.attrs["verdict"]
edited.attrs["verdict"]

# %% [markdown]
# ## On the command line, and in the app
#
# The environment variable `CRYONB_PLUGINS` names files, or folders of files, that every command and every session
# plugs in. In a shell that is one line, `export CRYONB_PLUGINS=$HOME/my-plugins`, and then:
#
# ```bash
# cryonb diagnose half_A.mrc half_B.mrc more_particles --target 10 --mask mask.mrc --out answer
# cryonb diagnose half_A.mrc half_B.mrc more_particles --help
# ```
#
# The flags are the knobs. The folder `answer` holds the curves as a table (CSV), the figure, a session and a summary.

# %%
for half in "AB":
    cn.write_map(halves["half_map"].sel(half=half), f"half_{half}.mrc", PIXEL_SIZE)
cn.write_map(halves["mask"], "mask.mrc", PIXEL_SIZE)
command = "diagnose half_A.mrc half_B.mrc more_particles --target 10 --mask mask.mrc --out answer"
done = subprocess.run(
    [sys.executable, "-m", "cryonb", *command.split()],
    env={**os.environ, "CRYONB_PLUGINS": "more_particles.py"},
    capture_output=True,
    text=True,
)
print("\n".join(done.stdout.splitlines()[:2]))
print(", ".join(sorted(path.name for path in Path("answer").iterdir())))

# %% [markdown]
# In the app (`cn.dashboard(halves)`) it has a tab of its own, *How many more particles*, with its options as
# controls, and it stands beside the other judgements whenever runs are compared.
#
# ## Give it to others
#
# A file that works here is nearly a contribution. Three things remain:
#
# 1. Copy the file to `cryonb/diagnostics`, and its figure, which begins at `sheet`, to a file in `cryonb/plots`.
#    Imports become relative there (`from ..schema import build`). No list has to be changed: the folders are the list.
# 2. Add a test beside the others, in `tests/diagnostics`: half maps whose answer is known, and what must be refused.
#    The comparison above, with four times as many particles, is such a test.
# 3. Run the tests. Some of them read every file of the package: what it imports, how long it is, how it is documented.
#
# What would *you* like to know of your half maps? Copy this notebook, change the formula, the options and the
# sentence, and plug it in. The numbers that are quoted above:

# %%
begun, ended = fsc["600 particles"].sel(fsc_kind="corrected"), fsc["2,400, measured"].sel(fsc_kind="corrected")
at_target = int(np.abs(answer["frequency"].values - 1 / TARGET).argmin())
assert abs(float(begun["fsc"][at_target]) - 0.2) < 0.05
assert abs(float(answer["times"]) - 3.9) < 0.3
assert answer["times_low"] < TIMES < answer["times_high"]
assert abs(float(ended["fsc_resolution"].sel(threshold="0.5")) - 9.7) < 0.2
past = predicted["predicted"].values[2:-1] - ended["fsc"].values[2:-1]
assert np.abs(past).max() < 0.12, np.abs(past).max()
assert "finer than the pixels hold" in refused(target=3.0)
assert done.returncode == 0 and edited.attrs["verdict"].rstrip(".") in done.stdout, done.stderr

# %% [markdown]
# ## Where these numbers come from
#
# A plug-in leaves its trace: the digest of the file that judged stands in the record, so that an old result is not
# taken for one of the new version.

# %%
cn.record(edited)
