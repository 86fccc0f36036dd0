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
# # What is the FSC past the particles' Nyquist made of?
#
# Particles that were binned to 3 Å a pixel end at 6 Å, their Nyquist frequency. Put them into a finer box and the
# curve of Fourier shell correlation (FSC) goes on past 6 Å. Sometimes it decays smoothly, sometimes it runs on as a
# flat tail. It looks like resolution that nobody recorded. Three things can make it, and each can be switched off
# alone. Here the truth is known, so we can also check the answer.
#
# ![Two FSC curves of the same particles, each taken apart. Left, with the corners of the images: past 6 angstrom the
# curve falls like half a wave and ends at 4.24 angstrom; it is corner signal, and the dots of the truth lie on its
# upper edge. Right, without corners and without padding: a flat tail past 6 angstrom, all of it grid-locked
# interpolation; the dots of the truth lie at zero.](figures/03_past_nyquist.png)

# %%
import io

import numpy as np
import pandas as pd
from IPython.display import Image
from matplotlib.figure import Figure

import cryonb as cn
from cryonb.imaging.dither import read_back, turned_grids
from cryonb.imaging.fourier import half_transform
from cryonb.imaging.rotations import euler_to_matrix, matrix_to_euler
from cryonb.imaging.shells import fourier_shell_correlation, shell_power

BOX_SIZE, VOXEL_SIZE = 96, 1.5  # of the phantom, and of the maps [voxel, angstrom]
BINNING = 2  # the images have 48 pixels of 3 angstrom: they end at 6 angstrom, in shell 24
PARTICLES = dict(n_particles=800, snr=100.0, ctf=False, seed=3)  # little noise, so that nothing hides in it
DECAY = dict(box_size=BOX_SIZE, limit="square", pad_factor=2)  # with the corners of the images, padded twice
TAIL = dict(box_size=BOX_SIZE, limit="circle", pad_factor=1)  # without corners, not padded
GRIDS = dict(dithers=4, surrogates=1)  # turned grids, and images that stand in for the particles
SHOWN = (16, 23, 26, 28, 30, 32, 36, 44)  # shells that tables show
BLUE, SKY, GREEN, ORANGE, VERMILLION, GREY = "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#6E6E6E"

# %% [markdown]
# ## The two curves
#
# The phantom is a protein of ideal helices. Its 800 images are binned by two, and both reconstructions go into the box
# of 96 voxels that the images had before binning. The voxels of that box are 1.5 Å, so its own Nyquist is 3 Å. Two
# switches differ:
#
# - **limit**: `circle` uses of every image the frequencies up to its Nyquist; `square` uses the whole square
#   transform, corners included;
# - **pad factor**: how much the box is padded with zeros before slices are inserted. Padding makes the grid in Fourier
#   space finer, and interpolation on it better.
#
# *Predict before you run the next cell*: no image holds anything along its rows past 6 Å. Which of the two curves can
# be above zero past that line? Where does each have to end?


# %%
def fsc_panel(axes, title, end=0.342):
    """Dress a panel: frequency below, resolution above, and where particles and grid end."""
    top = axes.secondary_xaxis("top")
    top.set_xticks([1 / d for d in (20, 10, 8, 6, 5, 4.24, 3.5, 3)], ["20", "10", "8", "6", "5", "4.24", "3.5", "3"])
    top.set_xlabel("resolution [Å]")
    lines = ((1 / 6, "-", VERMILLION, "particles' Nyquist ", "right"), (1 / 3, "--", GREY, "grid's ", "right"))
    for place, style, colour, words, side in (*lines, (2**0.5 / 6, ":", VERMILLION, " × √2", "left")):
        axes.axvline(place, color=colour, linestyle=style, linewidth=1.2)
        axes.text(place, 1.06, words, color=colour, fontsize=9, ha=side, clip_on=True)
    axes.set(xlim=(0, end), ylim=(-0.1, 1.15), xlabel="spatial frequency [1/Å]", ylabel="FSC", title=title)


def show(figure):
    """Return a figure as a picture that the notebook shows."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return Image(buffer.getvalue())


phantom = cn.phantom("helices", box_size=BOX_SIZE, pixel_size=VOXEL_SIZE)
particles = cn.simulate(phantom, binning=BINNING, **PARTICLES)
decay = cn.diagnose(particles, "decomposition", config=dict(box=DECAY), **GRIDS)
tail = cn.diagnose(particles, "decomposition", config=dict(box=TAIL), **GRIDS)

frequency, shell = decay.frequency.values, decay.shell.values
figure = Figure(figsize=(9.0, 3.8), layout="constrained")
axes = figure.subplots()
fsc_panel(axes, "")
axes.plot(frequency, decay.fsc.sel(component="standard"), color=BLUE, linewidth=2, label="square, pad 2")
axes.plot(frequency, tail.fsc.sel(component="circle"), "--", color=ORANGE, linewidth=2, label="circle, pad 1")
axes.legend(loc="center left")
assert abs(1 / float(decay.particle_nyquist) / 2**0.5 - 4.24) < 0.01
show(figure)

# %% [markdown]
# One curve falls like half a wave and ends at 4.24 Å, that is at 6 Å / √2. The other drops at 6 Å, as it should, and
# then stays at 0.24 on average up to 3 Å. Nothing in the curves themselves tells which of the two to believe.
#
# ## Turn one grid
#
# A reconstruction interpolates: every slice is spread over the points of a cubic grid in Fourier space. The errors of
# that are tied to the *grid*, and both half maps use the same grid. So their errors agree, and agreement is all that
# an FSC sees.
#
# The way out is to turn the grid of one half. Turn the poses of half B by one common rotation: the same particle is
# now reconstructed lying at another angle in its box. Then read the transform of this map at the turned points, which
# brings the particle back, and correlate it with half A. What belongs to the particle came back with it. What belongs
# to the grid did not. This is called a *dithered* grid, and it takes a few lines.
#
# *Predict*: how much of the 0.24 is left?

# %%
turn = turned_grids(1, seed=0)[0]  # a rotation that is far from all that map a cube onto itself
poses = euler_to_matrix(particles.rot, particles.tilt, particles.psi) @ turn.T
angles = zip(("rot", "tilt", "psi"), matrix_to_euler(poses))
turned = particles.assign({name: particles[name].copy(data=values) for name, values in angles})

half_a = half_transform(cn.reconstruct(particles, box=TAIL).half_map.sel(half="A").values)
half_b = read_back(cn.reconstruct(turned, box=TAIL).half_map.sel(half="B").values, turn)
by_hand = fourier_shell_correlation(half_a, half_b)

dithered = tail.fsc.sel(component="dithered_circle").values  # the same, the mean over four turned grids
table = {"one grid": tail.fsc.sel(component="circle").values, "turned, by hand": by_hand, "turned, 4 grids": dithered}
past = shell > 28  # where nothing is near that could have been measured

assert abs(tail.fsc.sel(component="circle").values[past].mean() - 0.24) < 0.02
assert abs(by_hand[past].mean()) < 0.01 and np.abs(by_hand - dithered)[shell > 8].max() < 0.1
resolution = pd.Index(decay.shell_resolution.values.round(2), name="resolution [Å]")
pd.DataFrame(table, index=resolution).iloc[list(SHOWN)].round(2) + 0.0  # no minus before a zero

# %% [markdown]
# Nothing is left of the tail. Up to 6 Å the curve stays as it was: the particle is there whichever way its grid lies.
#
# ## One switch at a time, and a subtraction
#
# The decomposition runs the reconstruction four times, with the corners and without, each on one grid and on turned
# grids. Subtracting neighbours leaves three terms, and they add up to the curve by construction:
#
# | term | one curve minus another |
# |---|---|
# | grid-locked interpolation | standard − dithered |
# | corner signal | dithered − dithered with the circle |
# | in-band signal, and past Nyquist support smoothness | dithered with the circle |
# | **the curve** | **standard** |
#
# - **Grid-locked interpolation** is an artefact. It goes when one grid is turned.
# - **Corner signal** is real. A square image reaches further along its diagonals than along its rows. It goes with
#   `limit` circle.
# - **Support smoothness** is what is left past Nyquist without corners. A particle smaller than its box makes
#   neighbouring shells alike, so the first shells after the data can be guessed from the last ones with data. Both
#   halves guess alike. It is predictable, not measured.
#
# With the circle limit there is no corner term, and the sum has two terms.
#
# *Predict*: which of the three is the wave, and which is the tail?

# %%
terms = {name: decay.fsc.sel(component=name).values for name in decay.component.values}
circle_terms = {name: tail.fsc.sel(component=name).values for name in tail.component.values}
total = sum(terms[name] for name in ("grid_locked", "corner", "in_band", "support"))
circle_total = sum(circle_terms[name] for name in ("grid_locked_circle", "in_band", "support"))

corners = (shell > 24) & (shell <= 24 * 2**0.5)
assert np.allclose(total, terms["standard"], atol=1e-12)
assert np.allclose(circle_total, circle_terms["circle"], atol=1e-12)
assert np.abs(terms["grid_locked"][corners]).max() < 0.02
assert circle_terms["grid_locked_circle"][past].mean() > 0.2
assert circle_terms["support"][25] > 0.2 and np.abs(circle_terms["support"][past]).max() < 0.05
cn.side_by_side(cn.compare({"square, pad 2": decay, "circle, pad 1": tail}))

# %% [markdown]
# The wave is corner signal (green): the grid makes less than 0.02 of it on any shell. The tail is grid-locked
# interpolation (orange). Support smoothness (dotted) is in both, and gone after three shells.
#
# ## How far the corners reach
#
# The transform of an image is a square with a half-width of the Nyquist frequency $k_N$. Draw a ring of radius
# $\rho\,k_N$ around its centre. Up to $\rho = 1$ the whole ring is inside. Past it, four arcs stick out over the edges
# of the square. An edge is left at the angle where $\rho\cos\alpha = 1$, so each arc spans $2\arccos(1/\rho)$, and the
# share of the ring that stays inside is
#
# $$c(\rho) = 1 - \frac{4 \cdot 2\arccos(1/\rho)}{2\pi} = 1 - \frac{4}{\pi}\arccos\frac{1}{\rho},
# \qquad 1 \le \rho \le \sqrt{2}.$$
#
# At $\rho = \sqrt 2$ only the four corner points are left: $c = 0$. Whatever the particle, the noise or the program,
# **corner signal ends at √2 times Nyquist**.
#
# *Predict*: at $\rho = 1.2$, how much of the ring is inside? Then count it: pixels of a fine square, pixels of the
# real images, and the weight with which the reconstruction has filled its shells.

# %%
axis = np.arange(-800, 801) / 500  # a fine grid in units of the Nyquist frequency
radius, inside = np.hypot(axis[:, None], axis), np.maximum(np.abs(axis)[:, None], np.abs(axis)) <= 1
rho = np.arange(1.0, 1.5, 0.02)
counted = np.array([inside[np.abs(radius - r) < 0.005].mean() for r in rho])
derived = 1 - 4 / np.pi * np.arccos(np.clip(1 / rho, 2**-0.5, 1))

row = np.arange(-60, 61)  # frequencies of an image of 48 pixels; its Nyquist rows, at 24 and -24, are not used
ring = np.round(np.hypot(row[:, None], row)).astype(int)
used = np.maximum(np.abs(row)[:, None], np.abs(row)) < 24
image_share = np.bincount(ring[used], minlength=49)[:49] / np.bincount(ring.ravel())[:49]
weight = decay.insertion_weight.mean("half").values * shell  # a shell grows by its radius more than a ring does
weight_share = weight / weight[16:23].mean()

assert np.abs(counted - derived)[1:].max() < 0.02
assert np.allclose(decay.coverage, 1 - 4 / np.pi * np.arccos(np.clip(24 / np.maximum(shell, 24), 2**-0.5, 1)))
assert np.abs(weight_share - image_share)[25:].max() < 0.05 and image_share[34:].max() == 0
assert abs(np.interp(1.2, rho, derived) - 0.25) < 0.01

figure = Figure(figsize=(9.5, 4.6), layout="constrained")
left, right = figure.subplots(1, 2, width_ratios=(0.8, 1))
angle = np.linspace(0, 2 * np.pi, 1441)
x, y = 1.2 * np.cos(angle), 1.2 * np.sin(angle)
kept = np.maximum(np.abs(x), np.abs(y)) <= 1
left.fill([-1, 1, 1, -1], [-1, -1, 1, 1], color=SKY, alpha=0.25)
left.plot([-1, 1, 1, -1, -1], [-1, -1, 1, 1, -1], color=BLUE)
left.plot(np.cos(angle), np.sin(angle), color=VERMILLION, linewidth=1)
left.plot(np.where(kept, x, np.nan), np.where(kept, y, np.nan), color=GREEN, linewidth=4)
left.plot(np.where(kept, np.nan, x), np.where(kept, np.nan, y), ":", color=GREY)
left.set(aspect="equal", xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), xlabel="frequency / Nyquist", ylabel="frequency / Nyquist")
labels = ((0, 0, BLUE, "transform of an image"), (0, -0.8, VERMILLION, "ring at Nyquist"))
labels += ((0, 1.28, GREY, "ring at 1.2 × Nyquist: no data"), (1.05, 1.05, GREEN, "data"))
for across, up, colour, words in labels:
    left.text(across, up, words, color=colour, ha="center", va="center" if across == 0 else "bottom", fontsize=10)
right.plot(rho, derived, color=GREEN, linewidth=2, label="derived: c(ρ)")
right.plot(rho, counted, "o", color=GREEN, markersize=5, fillstyle="none", label="counted on a fine square")
right.plot(shell / 24, image_share, "s", color=BLUE, markersize=5, label="counted on images of 48 pixels")
right.plot(shell / 24, weight_share, "x", color=ORANGE, markersize=8, label="weight that filled the shell")
right.axvline(2**0.5, color=VERMILLION, linestyle=":")
right.set(xlim=(0.8, 1.5), ylim=(-0.05, 1.25), xlabel="ρ: frequency / Nyquist", ylabel="share of the ring with data")
right.legend(fontsize=9)
show(figure)

# %% [markdown]
# At $\rho = 1.2$ a share of 0.25 is left. The fine square follows the formula. The real images lie a little below it,
# because the rows at Nyquist itself are not used: their square ends half a pixel sooner. The weights in the
# reconstruction, which know nothing of our formula, agree with that count within 0.05.
#
# ## Why it looks like half a wave, and why c is not enough
#
# Let the signal of a shell be $\mathrm{SSNR}$ times stronger than its noise (the *spectral signal-to-noise ratio*). An
# FSC is $\mathrm{SSNR}/(1+\mathrm{SSNR})$. With a share $c$ of the data left one may guess $c\,\mathrm{SSNR}/(1 +
# c\,\mathrm{SSNR})$. That explains the shape: while $c\,\mathrm{SSNR}$ is far above one the curve is flat, as $c$ goes
# to zero it must reach zero too, and in between it falls. A shoulder, a fall and an end look like half a wave, but no
# wave made it.
#
# The *edge* at √2 is geometry. The *height* before it is not: points of the grid that one half has filled and the
# other has not, points with little weight, and the spectrum of the particle, which goes on past Nyquist as it likes.
# `predicted_corner` takes the weights as they were inserted, point by point, and extends the signal of the last shells
# with data in a straight line. It is a guide, not a measurement.
#
# *Predict*: which lies closest to the measured curve: $c$, the guess with SSNR at Nyquist, half a wave of a cosine, or
# the prediction from the weights?

# %%
coverage, measured = decay.coverage.values, terms["dithered"]
ssnr = measured[23] / (1 - measured[23])
ramp = np.clip((shell / 24 - 1) / (2**0.5 - 1), 0, 1)
guesses = {
    "share c alone": coverage * measured[23],
    "c SSNR / (1 + c SSNR)": coverage * ssnr / (1 + coverage * ssnr),
    "half a wave of a cosine": 0.5 * (1 + np.cos(np.pi * ramp)) * measured[23],
    "predicted_corner": decay.predicted_corner.values,
}
spread = decay.predicted_corner_spread.values
off = {name: float(np.abs(guess - measured)[corners].max()) for name, guess in guesses.items()}
assert min(off, key=off.get) == "predicted_corner" and 0.1 < off["predicted_corner"] < 0.2
assert (np.abs(guesses["predicted_corner"] - measured) < 1.25 * spread)[corners].all()
assert min(off["share c alone"], off["c SSNR / (1 + c SSNR)"]) > 0.4 and off["half a wave of a cosine"] > 0.2

figure = Figure(figsize=(9.5, 4.2), layout="constrained")
axes = figure.subplots()
fsc_panel(axes, "")
guide = guesses["predicted_corner"]
axes.fill_between(frequency, guide - spread, guide + spread, color="#DDDDDD")
axes.plot(frequency, measured, color="black", linewidth=2.5, label="measured, on turned grids")
for (name, guess), style, colour in zip(guesses.items(), (":", "-.", (0, (1, 1)), "--"), (GREEN, SKY, GREY, ORANGE)):
    shown, words = np.where(shell >= 23, guess, np.nan), f"{name}: off by up to {off[name]:.2f}"
    axes.plot(frequency, shown, linestyle=style, color=colour, linewidth=2, label=words)
axes.set(xlim=(0.12, 0.27))
axes.legend(loc="lower left", fontsize=9)
show(figure)

# %% [markdown]
# The prediction from the weights is the closest, and even it is off by more than 0.1 somewhere: the spectrum of this
# particle falls less past Nyquist than a straight line would have it. Its grey band of 95 % says how far one may trust
# it. Half a wave of a cosine is off by more than 0.2: the curve is no wave. $c$ alone, and the formula with the SSNR
# of the last shell before Nyquist, are both off by more than 0.4, one too low and one too high. So do not read a
# height from geometry: measure it.
#
# ## Is it true?
#
# So far we have only compared half maps with each other. In a simulation the truth $T$ is at hand, and there is a law
# to test: where the split is right, the square root of the dithered curve equals the correlation of half map A with
# the truth,
#
# $$\sqrt{\mathrm{FSC}_\text{dithered}(A, B)} = \mathrm{FSC}(A, T).$$
#
# Both are the root of the share of signal in the power of a map. The figure shows it squared, so that it can be
# compared with the curve itself: dots are $\mathrm{FSC}(A, T)^2$.
#
# *Predict*: where do the dots lie in the left panel, and where in the right one?

# %% tags=["answer"]
target = half_transform(phantom.density.values)
truth = {}
for name, box in (("decay", DECAY), ("tail", TAIL)):
    half = cn.reconstruct(particles, box=box).half_map.sel(half="A").values
    truth[name] = fourier_shell_correlation(half_transform(half), target)

clear = (shell > 0) & (measured > 0.2)
root = np.sqrt(np.clip(measured, 0, 1))
assert np.abs(root - truth["decay"])[clear].max() < 0.04
assert np.abs(measured - truth["decay"] ** 2)[(shell > 0) & ~clear].max() < 0.05
assert np.abs(truth["tail"][past]).max() < 0.06  # the truth knows nothing of the tail,
assert np.sqrt(circle_terms["circle"][past]).mean() > 0.45  # of which the standard curve claims this much

figure = Figure(figsize=(9.5, 4.6), layout="constrained")
panels = figure.subplots(1, 2, sharey=True)
common = dict(alpha=0.6, linewidth=0)
for axes, parts, own, name in zip(panels, (terms, circle_terms), ("standard", "circle"), truth):
    fsc_panel(axes, {"standard": "corners, padded twice: real", "circle": "no corners, not padded: not real"}[own])
    empty = {"standard": decay, "circle": tail}[own].band.values == "no data"
    nothing = dict(facecolor="none", edgecolor="#C4C4C4", hatch="///", linewidth=0, label="no data")
    axes.fill_between(frequency, -0.1, 1.0, empty, **nothing)
    low, curve = parts["dithered_circle"], parts[own]
    axes.fill_between(frequency, 0, low, where=shell <= 24, color=BLUE, label="in-band signal", **common)
    axes.fill_between(frequency, 0, low, where=shell >= 24, color=SKY, label="support smoothness", **common)
    top = parts["dithered"] if own == "standard" else low
    axes.fill_between(frequency, low, top, color=GREEN, label="corner signal", hatch="//", **common)
    axes.fill_between(frequency, top, curve, color=ORANGE, label="grid-locked interpolation", hatch="\\\\", **common)
    axes.plot(frequency, curve, color="black", linewidth=2, label="the curve")
    dots = truth[name][1:] ** 2
    axes.plot(frequency[1:], dots, "o", color="black", markersize=4, fillstyle="none", label="the truth")
handles, words = panels[0].get_legend_handles_labels()
figure.legend(handles, words, loc="outside lower center", ncols=4, frameon=False)
show(figure)

# %% [markdown]
# With corners the dots lie on the curve: all of it is signal, down to 4.24 Å. Without corners and without padding the
# dots fall to zero past Nyquist, while the curve claims a correlation of more than 0.45 with the truth (the root of
# 0.24). And where the grid was turned, root and truth agree within 0.04 wherever the curve is above 0.2. In the first
# shell past Nyquist the dots are below the light blue: support smoothness is alike in both halves, but it is a guess,
# and a guess need not be true.
#
# ## Why noise is no test
#
# It is tempting to ask: what would the same program print for images of pure noise? The decomposition measures that
# too, and a second stand-in beside it: the **band-limited surrogate**, clean projections of the map cut off at 6 Å, at
# the poses of the particles, with fresh noise like theirs.
#
# *Predict*: which of the two has a tail?

# %%
noise = tail.fsc.sel(component="noise").values
surrogate = tail.fsc.sel(component="surrogate_circle").values
assert np.abs(noise[past]).max() < 0.05 and abs(noise[past].mean()) < 0.02
assert surrogate[past].mean() > 0.15 and surrogate[shell > 40].min() > 0.2
cn.draw(tail)

# %% [markdown]
# Noise alone (dotted grey) shows about nothing anywhere: less than 0.05 past the data. It would acquit the program.
# The surrogate, which has no signal past 6 Å either, grows a tail of its own. The leak is driven by *signal*:
# interpolation takes strong shells and spreads a little of them into empty ones, alike in both halves. Where there is
# no signal there is nothing to leak. **Pure noise is not a null test here; the surrogate and the turned grid are.**
#
# ## Exercises
#
# Predict first, on paper. To open a solution, click the three dots below its question (on a page of the documentation,
# its arrow).
#
# ### Exercise 1
#
# The same particles are binned by 3 instead of 2: 32 pixels of 4.5 Å. *Predict*: where is their Nyquist, and where
# does the decay with the square limit end? Does the end depend on the pad factor?

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["solution", "hide-cell"]
# Solution
coarse = cn.simulate(phantom, binning=3, **PARTICLES)
ends = {}
for pad in (1, 2):
    box = dict(box_size=BOX_SIZE, limit="square", pad_factor=pad)
    binned = cn.diagnose(coarse, "decomposition", config=dict(box=box), dithers=2, surrogates=0)
    ends[pad] = float(binned.data_end)
    beyond = binned.fsc.sel(component="dithered").values[shell > 16 * 2**0.5 + 2]
    assert np.abs(beyond).max() < 0.06
assert abs(1 / float(binned.particle_nyquist) - 2 * 4.5) < 0.01
assert all(9.0 / 2**0.5 - 0.01 <= end < 9.0 / 2**0.5 + 0.5 for end in ends.values())
with cn.folded():
    print(f"Nyquist is 2 x 4.5 = 9 A; the data end at or just before 9 / sqrt(2) = {9 / 2**0.5:.2f} A.")
    print("Last shell with data:", ", ".join(f"{end:.2f} A with pad {pad}" for pad, end in ends.items()))
    print("It is geometry: neither padding nor the particle moves it, only the pixel size does.")

# %% [markdown]
# ### Exercise 2
#
# The tail of 0.24 was made without padding. *Predict* its height with pad factors 2 and 3: a half, a ninth, or as
# before? And how much power do these shells hold, against those with data?

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["solution", "hide-cell"]
# Solution
heights, leaks = {}, {}
for pad in (1, 2, 3):
    run = cn.reconstruct(particles, box=dict(box_size=BOX_SIZE, limit="circle", pad_factor=pad))
    pair = [half_transform(run.half_map.sel(half=half).values) for half in "AB"]
    power = shell_power(pair[0])
    heights[pad] = float(fourier_shell_correlation(*pair)[past].mean())
    leaks[pad] = float(power[past].sum() / power[8:24].sum())
with cn.folded():
    print("mean of the curve where nothing was measured:", {pad: f"{height:.2f}" for pad, height in heights.items()})
    print("power there, against that of shells with data:", {pad: f"{leak:.5f}" for pad, leak in leaks.items()})
    print("Padding lowers the tail and does not end it. An FSC is a ratio within a shell: next to nothing, alike in both")
    print("halves, prints a tail where there is nothing else. Only a box that ends with the data ends the curve.")
assert heights[1] > heights[2] + 0.04 > heights[3] and heights[3] > 0.05
assert max(leaks.values()) < 0.001

# %% [markdown]
# ### Exercise 3
#
# Somebody reports a correlation at 5.14 Å from each of the two curves. *Predict* which share of each number is real,
# then compute it: what survives on turned grids, divided by the curve.

# %% jupyter={"outputs_hidden": true, "source_hidden": true} tags=["solution", "hide-cell"]
# Solution
place = 28
assert abs(float(decay.shell_resolution[place]) - 5.14) < 0.01
pairs = {"square, pad 2": (terms, "dithered", "standard"), "circle, pad 1": (circle_terms, "dithered_circle", "circle")}
shares = {}
with cn.folded():
    for name, (curves, tied, own) in pairs.items():
        shares[name] = curves[tied][place] / curves[own][place]
        print(f"{name}: FSC {curves[own][place]:.2f} at 5.14 A; {100 * shares[name]:.0f} % of it survives turned grids")
    print("With corners it is real. Without, what survives is within the chance of a few turned grids: nothing.")
assert shares["square, pad 2"] > 0.95 and abs(shares["circle, pad 1"]) < 0.15
assert abs(circle_terms["dithered_circle"][place]) < float(tail.fsc_spread.sel(component="dithered_circle")[place])

# %% [markdown]
# ## What to take home
#
# - A smooth decay that ends at √2 times Nyquist is corner signal. It is real and thins out. Your particles hold more
#   than their pixels let through: extract them again with smaller pixels.
# - A flat tail is the interpolation grid. Padding lowers it; the particles' own box ends before it.
# - Neither is told apart by the curve alone. Turn one grid: `cn.diagnose(particles, "decomposition")` does it on your
#   own data.
#
# ## Where these numbers come from

# %%
cn.record(decay, tail)
