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
# # What does a Fourier shell correlation measure, and when may I believe it?
#
# A refinement splits the particles into two halves and makes a map of each. The Fourier shell correlation (FSC) says
# how far the two half maps agree, from coarse detail to fine. This notebook builds it from nothing: two noisy copies of
# one map, their Fourier transforms, one shell, a correlation in three lines. Then you predict the whole curve from the
# noise alone, and see what a threshold asks, how far chance scatters, and what the curve cannot know.
#
# ![Two panels over spatial frequency. Left: the measured FSC of two half maps lies on the curve that follows from
# signal and noise, and falls through 0.5 near 9 angstrom and through 0.143 near 5.5 angstrom; both Nyquist frequencies
# are at 4 angstrom. Right: the FSC of two maps that hold nothing but noise scatters about zero, a lot in the first
# shells and hardly at all in the last.](figures/01_what_is_an_fsc.png)
#
# Left, what it measures: the share of signal in each shell. Right, when to believe it: two maps of pure noise agree by
# chance as well, and in the first shells, which hold few coefficients, they do so a lot.

# %%
import numpy as np
import pandas as pd

import cryonb as cn
from cryonb.maps import volume_of
from cryonb.plots import render
from cryonb.plots.marks import BLACK, BLUE, GREEN, GREY, PURPLE, VERMILLION
from cryonb.plots.marks import Area, Curve, Line, Panel, Points, Row, Sheet
from cryonb.provenance import stamp
from cryonb.schema import HALVES, VOLUME, build, grid_coordinates

BOX = 96  # voxels along an edge
VOXEL = 2.0  # angstrom
LENGTH = BOX * VOXEL  # edge of the box [angstrom]
B_FACTOR = 120.0  # how fast fine detail fades [angstrom^2]
NOISE = 1.5  # of each half map, in units of the truth's standard deviation
SHELL = 24  # the shell that is done by hand
SHOWN = (8, SHELL, 46)  # shells whose coefficients are drawn
THRESHOLDS = (0.143, 0.5)
CLEAR = 0.2  # the FSC above which the square-root law is drawn
DRAWS = 300  # pairs of maps of pure noise, in small boxes of
SMALL = 32  # voxels
SEED = 1

# %% [markdown]
# ## Two noisy copies of one map
#
# The truth is a made-up protein of ideal helices. A half map is the truth plus noise of its own. That is all that the
# correlation needs to know about cryo-EM: real half maps come from different particles, so their noise differs, and the
# molecule is the same.
#
# **Predict:** the noise is one and a half times as strong as the map itself (in standard deviations over the whole
# box). Will you still see the molecule?


# %%
def normalised_phantom():
    map_ = cn.phantom("helices", box_size=BOX, pixel_size=VOXEL, b_factor=B_FACTOR)
    return map_, map_["density"].values / map_["density"].values.std()


def noisy_copies(noise, seed=SEED, shared=0.0):
    """Two copies of the truth, each with noise of its own; `shared` adds one more, the same to both."""
    draw = np.random.default_rng(seed).standard_normal
    error = shared * draw(truth.shape)
    return [(truth + error + noise * draw(truth.shape)).astype(np.float32) for _ in HALVES]


def pair(first, second, **settings):
    """What cryonb calls two half maps; here the pixels of the images would be as large as the voxels of the map."""
    sampling = {"voxel_size": VOXEL, "pixel_size": VOXEL, "particle_nyquist": 0.5 / VOXEL, "half": list(HALVES)}
    maps = build(VOLUME, {"half_map": np.stack([first, second])}, {**grid_coordinates(BOX, VOXEL), **sampling})
    return stamp(maps, "two noisy copies", {"seed": SEED, **settings}, [phantom])


phantom, truth = normalised_phantom()
half_a, half_b = noisy_copies(NOISE)
maps = {"the truth": truth, "half map A": half_a, "half map B": half_b}
cn.linked_maps(cn.compare({name: volume_of(values.astype(np.float32), VOXEL) for name, values in maps.items()}))

# %% [markdown]
# You do: the molecule stands out, its details do not. The eye averages over many voxels, and so it is best at coarse
# detail. To say *which* detail survives, we have to take the map apart by size of detail.
#
# ## One shell, by hand
#
# A Fourier transform writes a map as a sum of waves. Each coefficient is one wave: its length, its direction, how high
# it is, and where its crests are. A wave with index *k* = (kx, ky, kz) fits |*k*| times into the box edge *L*, so its
# length is *L*/|*k*|. All waves of nearly one length, whatever their direction, make a **shell**: a wave belongs to shell
# *s* if |*k*|, rounded to a whole number, is *s*. The shell shows detail of size *L*/*s*. A different rounding shifts
# every curve by a fraction of a shell; this is the one that cryonb uses.
#
# Take the coefficients of one shell out of both transforms, *A* and *B*, and correlate them like any two lists of
# numbers:
#
# $$\mathrm{FSC}(s)=\frac{\sum_s \mathrm{Re}(A\,B^*)}{\sqrt{\sum_s |A|^2\;\sum_s |B|^2}}$$
#
# It is 1 if both halves hold the same waves, 0 if they have nothing in common, and the overall brightness of a map
# drops out. **Predict:** each dot below is one coefficient, its value in A against its value in B. Which shape will the
# cloud have where the halves agree, and which where they do not?

# %%
index = np.fft.fftfreq(BOX, 1 / BOX)
radius = np.sqrt(index[:, None, None] ** 2 + index[:, None] ** 2 + index**2)
waves_a, waves_b = np.fft.fftn(half_a), np.fft.fftn(half_b)


def correlation_in(shell):
    inside = np.round(radius) == shell
    a, b = waves_a[inside], waves_b[inside]
    return np.sum((a * b.conj()).real) / np.sqrt(np.sum(np.abs(a) ** 2) * np.sum(np.abs(b) ** 2))


def cloud(shell):
    inside = np.flatnonzero(np.round(radius) == shell)
    some = np.random.default_rng(SEED).choice(inside, 400)
    a, b = (waves.real.ravel()[some] / np.abs(waves.ravel()[inside]).std() / 2 for waves in (waves_a, waves_b))
    title = f"shell {shell}: {LENGTH / shell:.3g} Å, {inside.size} waves"
    ends = (-4.5, 4.5)
    dots = Points(a, b, "coefficients", size=2.0)
    note = f"correlation {correlation_in(shell):.2f}"
    return Panel((dots,), title, note, "in half map A", "in half map B", ends, ends)


render(Sheet((Row(tuple(map(cloud, SHOWN)), 2.6, share_y=True),), "Waves of three shells, in both half maps"))

# %% [markdown]
# The cloud leans along the diagonal where the halves agree, and is round where they do not. The FSC of a shell is
# nothing but the slenderness of its cloud.
#
# ## All shells, and the same from the package
#
# The whole curve is that number for every shell up to the edge of the transform: the **Nyquist frequency**, whose waves
# are two voxels long. `cn.diagnose` does the same, and says where the curve falls to the thresholds. **Predict:** where
# do the two computations differ?

# %%
by_hand = np.array([correlation_in(shell) for shell in range(BOX // 2 + 1)])
halves = pair(half_a, half_b, noise=NOISE)
curve = cn.diagnose(halves, "fsc")
measured = curve["fsc"].sel(fsc_kind="raw").values
difference = np.abs(by_hand - measured).max()
assert difference < 1e-6, difference
print("The curve by hand and that of the package are equal to six digits.")
cn.draw(curve)

# %% [markdown]
# Nowhere, up to rounding. Along the bottom runs the spatial frequency, in waves an angstrom; along the top the same as
# a resolution, in angstrom. Fine detail is on the right. The vertical line is the end of what this sampling can hold;
# in real data there are two such ends, that of the particles and that of the map's grid, and the next notebook pulls
# them apart.
#
# ## What it measures: signal over noise
#
# Call the power of the signal in a shell, over the power of the noise in **one half map**, the spectral signal-to-noise
# ratio, SSNR. Signal is common to both halves and adds to the numerator. Noise differs, cancels there, and stays in the
# denominator. So
#
# $$\mathrm{FSC}=\frac{\mathrm{SSNR}}{1+\mathrm{SSNR}}$$
#
# Here we know both powers. White noise has the same in every coefficient, the square of `NOISE` times the number of
# voxels; the signal's is that of the truth. **Predict:** the whole curve, without looking at a single half map.
#
# ## When to believe it: few coefficients, much chance
#
# Two lists of *n* random numbers do not correlate to exactly zero. They scatter about it with a standard deviation of
# $1/\sqrt n$, so that three standard deviations are $3/\sqrt n$. A shell of radius *s* holds about $4\pi s^2$
# coefficients. **Predict:** how large can the FSC of two maps of pure noise be in shell 1, and how large in the last?

# %% tags=["answer"]
shells = np.arange(BOX // 2 + 1)
frequency = shells / LENGTH
coefficients = np.array([np.sum(np.round(radius) == shell) for shell in shells])


def mean_power(values):
    power = np.abs(np.fft.fftn(values)) ** 2
    return np.bincount(np.round(radius).astype(int).ravel(), power.ravel())[: shells.size] / coefficients


def panel(marks, title, low=-0.1, end=0.5 / VOXEL):
    nyquist = Line(end, "nyquist", f"both Nyquist frequencies {1 / end:g} Å", "x", VERMILLION, "-")
    levels = [Line(level, f"{level}", f"{level}", "y", GREY, (0, (4, 2.5))) for level in THRESHOLDS]
    labels = "spatial frequency [1/Å]", "Fourier shell correlation"
    return Panel((nyquist, *levels, *marks), title, "", *labels, (0.0, 1.03 * end), (low, 1.05), "frequency")


ratio = mean_power(truth) / (NOISE**2 * BOX**3)
predicted = ratio / (1 + ratio)
noise_a, noise_b = (half - truth for half in (half_a, half_b))
by_chance = cn.diagnose(pair(noise_a, noise_b, noise=NOISE), "fsc")["fsc"].sel(fsc_kind="raw").values
chance = np.minimum(3 / np.sqrt(coefficients), 1.0)

spread = chance * (1 - predicted**2)  # where there is signal, chance has less to say
left = [
    Area(frequency[1:], (predicted - spread)[1:], (predicted + spread)[1:], "chance", colour=GREEN),
    Curve(frequency, predicted, "predicted", "predicted: SSNR / (1 + SSNR)", GREEN, "-", 2.2),
    Points(frequency, measured, "measured", "measured", BLUE, "o", 3.5),
]
right = [
    Area(frequency[1:], -chance[1:], chance[1:], "chance", "± 3/√n", GREEN),
    Curve(frequency[1:], by_chance[1:], "noise", "two maps of pure noise", BLACK, "-", 1.2),
]
answer = render(
    Sheet(
        (
            Row((panel(left, "Two half maps", -0.75), panel(right, "Two maps of pure noise", -0.75)), 3.2, "below"),
        ),
        "What an FSC measures, and how far chance reaches",
        description="The measured FSC lies on the prediction; that of pure noise scatters about zero.",
    )
)
assert 0.13 < by_chance[2] < 0.16
assert np.mean(np.abs(measured - predicted)[1:] < spread[1:]) > 0.95 and np.abs(measured - predicted).max() < 0.05
answer

# %% [markdown]
# The dots lie on the prediction, within the scatter of chance (the shaded band). Nothing was fitted. Read it backwards,
# and you have what an FSC of independent halves *means*: SSNR = FSC / (1 − FSC), shell by shell.
#
# On the right, chance alone makes 0.5 or more possible in shell 1, which holds 18 coefficients, and no more than 0.02 in
# the last, which holds 28631. In shell 2 these two maps, which share nothing at all, agree to about 0.143. So the first
# shells are wild: a dip or a bump there is no news. A curve that wobbles late is news.
#
# Is it really $1/\sqrt n$? Three hundred pairs of noise maps say. (How many coefficients a shell holds depends on its
# number only, so a small box will do.)

# %%
small_index = np.fft.fftfreq(SMALL, 1 / SMALL)
small_shell = np.round(np.sqrt(small_index[:, None, None] ** 2 + small_index[:, None] ** 2 + small_index**2))
small_shell = small_shell.astype(int).ravel()
rng = np.random.default_rng(SEED)


def noise_correlation():
    a, b = (np.fft.fftn(rng.standard_normal((SMALL,) * 3)).ravel() for _ in range(2))
    products = (a * b.conj()).real, np.abs(a) ** 2, np.abs(b) ** 2
    cross, power_a, power_b = (np.bincount(small_shell, product) for product in products)
    return (cross / np.sqrt(power_a * power_b))[: SMALL // 2]


scatter = np.std([noise_correlation() for _ in range(DRAWS)], axis=0)
in_units = scatter[1:] * np.sqrt(coefficients[1 : SMALL // 2])
assert abs(in_units.mean() - 1.0) < 0.05, in_units.mean()
assert coefficients[1] == 18 and coefficients[-1] == 28631
assert 0.5 < chance[1] < 0.75 and chance[-1] < 0.02
picked = [1, 2, 4, 8, 15]
table = {"coefficients": coefficients[picked], "scatter measured": scatter[picked]}
table |= {"1/√n": 1 / np.sqrt(coefficients[picked])}
pd.DataFrame(table, index=pd.Index(picked, name="shell")).round(3)

# %% [markdown]
# It is. (The dotted line in `cn.draw` is higher by the square root of two: by custom it counts each coefficient and its
# mirror image as one. Noise hardly ever crosses it.)
#
# In real maps the scatter is larger than this: a mask leaves fewer independent coefficients, and so does symmetry.
#
# ## What the thresholds ask
#
# A threshold is a demand on the SSNR. The map that you will build into is the mean of both halves; its noise has half
# the power, so its SSNR is twice that of a half map. Its own correlation with the truth, which nobody can measure on
# real data, then follows: $\sqrt{2\,\mathrm{FSC}/(1+\mathrm{FSC})}$.
#
# **Predict:** which threshold asks the most? Which asks that the mean map correlates with the truth by one half?

# %%
half_bit = (np.sqrt(2) - 1) / 2  # SSNR of a half map at which the mean map carries half a bit a coefficient
levels = {"0.143": 0.143, "half-bit": half_bit / (1 + half_bit), "0.5": 0.5}
rows = {
    name: {
        "FSC": level,
        "SSNR of a half map": level / (1 - level),
        "SSNR of the mean map": 2 * level / (1 - level),
        "mean map with the truth": np.sqrt(2 * level / (1 + level)),
        "crossed here at [Å]": float(curve["fsc_resolution"].sel(fsc_kind="raw", threshold=name.replace("-", "_"))),
    }
    for name, level in levels.items()
}
asked = pd.DataFrame(rows).T
assert abs(asked.loc["0.143", "mean map with the truth"] - 0.5) < 0.001
assert abs(asked.loc["0.5", "SSNR of a half map"] - 1.0) < 1e-9
assert abs(np.log2(1 + asked.loc["half-bit", "SSNR of the mean map"]) - 0.5) < 1e-9
crossed = asked["crossed here at [Å]"]
assert abs(crossed["0.143"] - 5.5) < 0.3 and abs(crossed["0.5"] - 9) < 0.3, crossed
asked.round(3)

# %% [markdown]
# - **0.143** asks that the *mean map* correlates with the truth by 0.5. It is meant for halves that were refined
#   independently from the start ("gold standard").
# - **0.5** asks for as much signal as noise in *each half map*. It was the custom when both halves were aligned to one
#   reference, and it is stricter; but it does not take away what a shared reference has put into both (Exercise 2).
# - **Half-bit** asks for half a bit of information in each coefficient of the mean map. In shells with few coefficients
#   it asks for more, to allow for chance: that is why it bends up on the left.
#
# They differ by what they ask, not by how right they are. State which one you used. All of them are one number taken
# out of a curve: where the curve is shallow, as near 0.143 here, a little more noise moves the number by a lot.
#
# ## A curve that never crosses has no resolution
#
# **Predict:** with a third of the noise, where does the curve fall to 0.143?

# %%
good = cn.diagnose(pair(*noisy_copies(NOISE / 3), noise=NOISE / 3), "fsc")
assert np.isnan(float(good["resolution"])) and float(good["data_end"]) == 4.0
assert good["fsc"].values[0, 1:].min() > 0.143
print(good.attrs["verdict"])
cn.draw(good)

# %% [markdown]
# Nowhere: the data end first. A program that has to print a number prints the Nyquist frequency. That is no measurement
# of the map: it is the pixel size, times two. cryonb says "not reached" and where the data end. Such a curve asks for
# smaller pixels, that is for less binning.
#
# ## Agreement with the truth: the square-root law
#
# In a simulation, and only there, we can correlate a half map with the truth. Then one side has no noise, and signal
# over noise gives $\sqrt{\mathrm{SSNR}/(1+\mathrm{SSNR})}$: the **square root** of the FSC between the halves.
# **Predict:** which of the two curves lies higher?

# %%
with_truth = cn.diagnose(pair(half_a, truth, noise=NOISE), "fsc")["fsc"].sel(fsc_kind="raw").values
mean_with_truth = cn.diagnose(pair((half_a + half_b) / 2, truth, noise=NOISE), "fsc")["fsc"].sel(fsc_kind="raw").values
clear = measured > CLEAR
root = np.where(clear, np.sqrt(np.abs(measured)), np.nan)
of_mean = np.where(clear, np.sqrt(2 * np.abs(measured) / (1 + measured)), np.nan)
assert np.abs(root - with_truth)[clear].max() < 0.03
assert np.abs(of_mean - mean_with_truth)[clear].max() < 0.03
law = [
    Curve(frequency, mean_with_truth, "mean", "mean map with the truth", PURPLE, "-"),
    Points(frequency, of_mean, "law of the mean", "√(2 FSC / (1 + FSC))", PURPLE, "s", 3.5, False),
    Curve(frequency, with_truth, "truth", "half map A with the truth", GREEN, "-"),
    Points(frequency, root, "law", "√FSC", GREEN, "o", 3.5, False),
    Curve(frequency, measured, "halves", "FSC: half map A with B", BLUE, "-", 2.2),
]
render(Sheet((Row((panel(law, "Halves with each other, and with the truth"),), 3.2, "right", "curves and laws"),)))

# %% [markdown]
# The law holds wherever the FSC is clear of chance (it is drawn where that is above 0.2). Two consequences. A half map
# is *better* than its FSC with the other half sounds. And a map against a model is not comparable with one between
# halves: a model has no such noise, so that 0.5 for the mean map and a perfect model is the same as 0.143 between the
# halves.
#
# ## What it does not tell
#
# The derivation used one assumption: that **all that both halves share is signal**. The FSC measures agreement. It
# becomes truth only where nothing else agrees. In practice plenty does: both halves are interpolated on the same grid
# (notebooks 02 and 03), multiplied with the same mask (04), aligned to references that have seen each other (06). All
# of these raise the curve, and none of them adds to what you know.
#
# ## Exercises
#
# Predict first, in writing. Then open the solution: click the three dots below the question (on a page of the
# documentation, its arrow).
#
# ### Exercise 1
#
# The noise is doubled. Where will the curve cross 0.143? The answer can be read off the curve above, at another height:
# at which one?

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["solution", "hide-cell"]
# Solution
# Twice the noise is four times its power: the SSNR of every shell falls to a quarter. FSC 0.143 is an SSNR of 1/6, so
# the new curve is there where the old SSNR was 4/6, that is where the old FSC was 4/6 / (1 + 4/6) = 0.4.
start = np.flatnonzero((measured < 0.4) & (shells > 2))[0]
expected = LENGTH / np.interp(-0.4, -measured[start - 1 : start + 1], shells[start - 1 : start + 1])
noisier = cn.diagnose(pair(*noisy_copies(2 * NOISE), noise=2 * NOISE), "fsc")
found = float(noisier["resolution"])
assert abs(found / expected - 1) < 0.04, (found, expected)
with cn.folded():
    print(f"The old curve passes 0.4 at {expected:.1f} Å; with twice the noise 0.143 is crossed at {found:.1f} Å.")

# %% [markdown]
# ### Exercise 2
#
# Both half maps get the same error on top of their own noise: one more noise map, of the same strength, added to both.
# (A shared reference does this, or a background that was not subtracted.) Where does the FSC end on the right? Which
# thresholds does it cross? And what becomes of the correlation with the truth?

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["solution", "hide-cell"]
# Solution
# The shared error counts as signal: SSNR = (signal + error) / noise, at least 1 everywhere, so that the FSC does not
# fall below 0.5 but by chance. The truth knows nothing of the error, and the correlation with it gets worse.
wrong_a, wrong_b = noisy_copies(NOISE, shared=NOISE)
wrong = cn.diagnose(pair(wrong_a, wrong_b, noise=NOISE, shared=NOISE), "fsc")
agreement = wrong["fsc"].sel(fsc_kind="raw").values
wrong_truth = cn.diagnose(pair(wrong_a, truth, noise=NOISE), "fsc")["fsc"].sel(fsc_kind="raw").values
assert abs(agreement[-5:].mean() - 0.5) < 0.03 and np.isnan(float(wrong["resolution"]))
assert (wrong_truth < np.sqrt(np.abs(agreement)))[-20:].all() and wrong_truth[-5:].mean() < with_truth[-5:].mean()
with cn.folded():
    print(
        f"In the last shells the halves agree to {agreement[-5:].mean():.2f}: the curve never crosses 0.143. By the "
        f"square-root law a half would then correlate with the truth to {np.sqrt(agreement[-5:].mean()):.2f}; "
        f"it does to {wrong_truth[-5:].mean():.2f}."
    )

# %% [markdown]
# ## Where these numbers come from
#
# Every curve carries its settings and its ancestors. The same seeds give the same numbers.

# %%
cn.record(curve)
